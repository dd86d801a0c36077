"""Where the rendering runs: beside the event loop, one at a time, with a bounded queue."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from docgen.errors import RequestError, Violation

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """One rendering thread and at most `queue` requests that wait for it.

    One, because rendering is Python that holds the interpreter's lock, and PDFium may not be entered twice at a time
    (https://pypdfium2.readthedocs.io/en/stable/python_api.html): more threads would add switches and no speed. A
    machine with more cores runs more service processes.
    """

    def __init__(self, queue: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="docgen-render")
        self._places = threading.BoundedSemaphore(queue + 1)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in the rendering thread. Raises RequestError `queue_full` at once where no place is free.

        A caller that gives up (timeout, closed connection) loses its place in the queue; what is already being
        rendered keeps its place until it is done, so that the bound holds.
        """
        if not self._places.acquire(blocking=False):
            raise RequestError(Violation("queue_full", "too many requests are waiting", "send it again in a moment"))
        future = self._pool.submit(function, *args, **kwargs)
        future.add_done_callback(self._release)
        return await asyncio.wrap_future(future)

    def _release(self, _: Future[T]) -> None:
        self._places.release()

    def close(self) -> None:
        """Forget what waits and let what runs come to its end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
