"""Ctrl-C, where other people's code runs: it stays what it is, whatever that code makes of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPT = signal.default_int_handler


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Give Ctrl-C, and what does the same, to a handler until the block ends.

    Outside of the main thread, which alone is interrupted, nothing is done.
    """
    main = threading.current_thread() is threading.main_thread()  # no other handles signals
    ours = [n for n in (signal.SIGINT, signal.SIGTERM) if main and signal.getsignal(n) is INTERRUPT]
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, INTERRUPT)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C, and what does the same, end the block with KeyboardInterrupt, and never with a failure.

    In the middle of a query DuckDB makes a RuntimeError of it, and Arrow an error of its own where Python feeds it; so
    it is noted as it comes.
    """
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        INTERRUPT(number, frame)

    with handled(note):
        try:
            yield
        except Exception:
            if came:
                raise KeyboardInterrupt from None
            raise
    if came:  # and was lost on the way
        raise KeyboardInterrupt
