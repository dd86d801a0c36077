"""The first step of the command line. What it loads takes a moment, in which somebody may already press Ctrl-C."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import NoReturn

_TOLD = b"interrupted before anything was begun: give the same command again\n"


def main() -> None:
    """Load the command line, and run it."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else whoever started us wants another way
    if usual:
        signal.signal(signal.SIGINT, _leave)
    from docgen.cli import app

    if usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app()


def _leave(_: int, __: FrameType | None) -> NoReturn:
    os.write(2, _TOLD)
    os._exit(128 + signal.SIGINT)  # an exception would be raised in the middle of somebody's module


if __name__ == "__main__":
    main()
