"""What the service counts, for Prometheus: nothing of anybody's record, and no label that a client can choose."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

MEDIA_TYPE = CONTENT_TYPE_LATEST
_REGISTRY = CollectorRegistry()
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

ProcessCollector(registry=_REGISTRY)
requests = Histogram(
    "docgen_request_seconds",
    "Requests, by method, route and status.",
    ("method", "route", "status"),
    buckets=_SECONDS,
    registry=_REGISTRY,
)
problems = Counter(
    "docgen_problems", "Requests that were refused or failed, by the code of the answer.", ("code",), registry=_REGISTRY
)
batches = Counter(
    "docgen_batches_ended",
    "Batches that this process has run to their end, by the state in which they are.",
    ("state",),
    registry=_REGISTRY,
)


def exposed() -> bytes:
    """All of it, as Prometheus scrapes it."""
    return generate_latest(_REGISTRY)
