"""Ctrl-C, where other people's code runs: it stays what it is, whatever that code makes of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_INTERRUPT = signal.default_int_handler


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C, and what does the same, end the block with KeyboardInterrupt, and never with a failure.

    In the middle of a query DuckDB makes a RuntimeError of it, and Arrow an error of its own where Python feeds it; so
    it is noted as it comes. Outside of the main thread, which alone is interrupted, nothing is done.
    """
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        _INTERRUPT(number, frame)

    main = threading.current_thread() is threading.main_thread()  # no other handles signals
    ours = [n for n in (signal.SIGINT, signal.SIGTERM) if main and signal.getsignal(n) is _INTERRUPT]
    for number in ours:
        signal.signal(number, note)
    try:
        yield
    except Exception:
        if came:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number in ours:
            signal.signal(number, _INTERRUPT)
    if came:  # and was lost on the way
        raise KeyboardInterrupt
