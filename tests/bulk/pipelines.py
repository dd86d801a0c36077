"""What a batch may be made of in tests: the fake stages, and the ones that print."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from docgen.bulk.job import Job
from docgen.bulk.run import Stages
from tests.bulk.fakes import FakeStages


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages with a job, an input and settings that suit them."""

    stages: Stages
    job: Job
    source: str
    shards: int
    settings: Mapping[str, Any] = field(default_factory=dict)


def source(shards: int = 8, people: int = 40, ms: int = 30, **more: Any) -> str:
    """The input of a fake batch; see `tests.bulk.fakes`."""
    return json.dumps({"shards": shards, "people": people, "ms": ms, **more})


PIPELINES = {"fake": Pipeline(FakeStages(), Job("", "association", "bulk", date(2026, 12, 1)), source(8), 8)}
