"""A worker of a remote scheduler: `docgen worker`."""

from __future__ import annotations

import asyncio
import logging

import dask
from distributed import Nanny

from docgen.bulk.cluster import CONFIG, MEMORY_LIMIT, lost


def join(scheduler: str, processes: int) -> None:
    """Print what the scheduler hands out, in so many processes, until it goes away or this one is ended.

    Certificates for tls:// addresses come from Dask's own settings. Raises BatchError `cluster_unavailable`.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        with dask.config.set(CONFIG):
            asyncio.run(_serve(scheduler, processes))
    except (OSError, TimeoutError, ValueError):
        raise lost() from None


async def _serve(scheduler: str, processes: int) -> None:
    nannies = [
        Nanny(
            scheduler,
            nthreads=1,
            memory_limit=MEMORY_LIMIT,
            death_timeout=60,
            worker_dashboard_address=None,
            config=CONFIG,
        )
        for _ in range(processes)
    ]
    await asyncio.gather(*nannies)
    await asyncio.gather(*(nanny.finished() for nanny in nannies))
