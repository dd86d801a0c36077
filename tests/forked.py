"""Local workers that are forked from one process which has loaded what they need: a new one takes three seconds to.

Commands and services that are processes of their own begin their workers as docgen does, from nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dask
from distributed.utils import get_mp_context


def fork_workers() -> None:
    """Let this process fork the workers that it begins from now on."""
    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    get_mp_context().set_forkserver_preload(["tests.worker"])


@contextmanager
def told(environment: Mapping[str, str]) -> Iterator[None]:
    """Hand variables on to workers: what they are forked from may have begun before these were set."""
    with dask.config.set({"distributed.nanny.environ": dict(environment)}):
        yield
