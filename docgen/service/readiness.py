"""Whether the service is ready: the ledger answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from docgen.errors import BatchError, Violation

WITHIN_S = 1.5  # what a load balancer waits for at least, as a rule
FRESH_S = 1.0  # for as long an answer stands, however often it is asked for


class Readiness:
    """Asks the ledger from a thread of its own, one question at a time: whoever comes meanwhile waits for the same."""

    def __init__(self, ask: Callable[[], None]) -> None:
        """`ask` raises DocgenError, however late, if the ledger is not there."""
        self._ask = ask
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="docgen-ready")
        self._asked: Future[None] | None = None
        self._at = 0.0

    async def require(self) -> None:
        """Raises BatchError `ledger_unavailable`, or what else the ledger says, after `WITHIN_S` at the latest."""
        now = time.monotonic()
        if self._asked is None or (self._asked.done() and now - self._at >= FRESH_S):
            self._asked, self._at = self._pool.submit(self._ask), now
        try:
            async with asyncio.timeout(WITHIN_S):
                await asyncio.shield(asyncio.wrap_future(self._asked))
        except TimeoutError:
            message = f"The ledger's database did not answer for {WITHIN_S:g} s."
            raise BatchError(Violation("ledger_unavailable", message, "See to the database.")) from None

    def close(self) -> None:
        """Ask nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
