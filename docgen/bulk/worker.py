"""A worker of a remote scheduler: `docgen worker`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import dask
from distributed import Nanny

from docgen.bulk.cluster import CONFIG, MEMORY_LIMIT, own
from docgen.bulk.scratch import scratch
from docgen.errors import BatchError, Violation, several

_AGAIN = "Then start `docgen worker` again."


def join(scheduler: str, processes: int, tell: Callable[[str], None]) -> None:
    """Print what the scheduler hands out, in so many processes, until it goes away or this one is ended.

    `tell` gets a line once they have joined. Certificates for tls:// addresses come from Dask's own settings. Raises
    BatchError `cluster_unavailable` when the scheduler cannot be reached, or is there no more.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        with scratch() as folder, dask.config.set({**CONFIG, **own(folder)}):
            asyncio.run(_serve(scheduler, processes, tell))
    except (OSError, RuntimeError, ValueError):  # what Dask tells it by
        message = f"The scheduler at {scheduler} cannot be reached."
        raise BatchError(Violation("cluster_unavailable", message, f"See to it and to its address. {_AGAIN}")) from None
    message = f"The scheduler at {scheduler} has ended, or was lost: nothing is printed here any more."
    raise BatchError(Violation("cluster_unavailable", message, f"See to it. {_AGAIN}"))


async def _serve(scheduler: str, processes: int, tell: Callable[[str], None]) -> None:
    nannies = [
        Nanny(
            scheduler,
            nthreads=1,
            memory_limit=MEMORY_LIMIT,
            death_timeout=60,
            silence_logs=logging.CRITICAL,
            dashboard=False,
            config=CONFIG,
        )
        for _ in range(processes)
    ]
    await asyncio.gather(*nannies)
    tell(f"docgen prints for {scheduler} in {several(processes, 'process', 'processes')}")
    await asyncio.gather(*(nanny.finished() for nanny in nannies))
