"""The service's log: one line for each request, and nothing of anybody's record.

An exception's message may quote a value, so a log line has its type and the place it came from, never its message.
"""

from __future__ import annotations

import logging
import traceback
from datetime import datetime
from types import TracebackType

from docgen.errors import BatchError, DocgenError

access = logging.getLogger("docgen.access")
errors = logging.getLogger("docgen.errors")


def places(error: BaseException) -> str:
    """The type of an exception and, outermost first, the files, lines and functions it passed through."""
    frames = traceback.extract_tb(error.__traceback__, limit=-8)
    return " < ".join([type(error).__name__, *(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))])


def fault(error: DocgenError) -> str:
    """The code of an error, and of a BatchError what it says: of stores, ledgers and workers, and of nobody."""
    first = error.violations[0]
    return f"{first.code}: {first.message}" if isinstance(error, BatchError) else first.code


class Formatter(logging.Formatter):
    """Writes times as ISO 8601 has them, with the offset from UTC; of an exception that any library logs, its type and
    place only."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")

    def formatException(self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | object) -> str:  # noqa: N802
        return places(ei[1]) if isinstance(ei, tuple) and ei[1] is not None else ""


def configure() -> None:
    """Send the log to standard error, in docgen's format."""
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
