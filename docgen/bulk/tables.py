"""The package's tables: CSV that a spreadsheet opens as it stands, and that no cell of it can run.

UTF-8, CRLF as RFC 4180 has it; the finished tables begin with a byte-order mark, by which spreadsheets know the
encoding.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

MARK = b"\xef\xbb\xbf"

PIECES = ("piece", "sheet", "of", "kind", "sheets", "cards", "enclosures", "bundle")
PAGES = ("file", "page", "piece", "sheet", "place", "document", "person", "page_hash")
REJECTS = ("key", "row", "state", "code", "column", "element", "message", "hint")
KEYS = ("person", "key", "row", "state")
BUNDLES = ("number", "bundle")  # an envelope, and the letter that it goes with
FIT = ("score", "document", "person", "piece", "element", "condensed", "size", "nominal", "lines", "substituted")
BUNDLES_TABLE = "bundles.csv"  # of a run for employers; what it says goes into the table of pieces

# A cell that begins so is a formula to a spreadsheet: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = frozenset("=+-@\t\r＝＋－＠'")


class TableWriter:
    """Writes rows to a binary stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        self._csv = csv.writer(self._text, lineterminator="\r\n")

    def row(self, cells: Iterable[object]) -> None:
        """One row; None is an empty cell."""
        self._csv.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in cells])

    def finish(self) -> None:
        """Everything is in the stream, which stays open."""
        self._text.flush()
        self._text.detach()


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes before what begins like one."""
    return f"'{cell}" if cell[:1] in _FORMULA else cell


def header(columns: Sequence[str]) -> bytes:
    """The first line of a finished table, with the byte-order mark."""
    return MARK + (",".join(columns) + "\r\n").encode("utf-8")


def read_table(stream: BinaryIO, columns: Sequence[str] | None = None) -> Iterator[dict[str, str]]:
    """The rows of a table, without their guards; `columns` names those of a table that has no header of its own."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    for row in csv.DictReader(text, fieldnames=columns):
        yield {name: unguarded(cell or "") for name, cell in row.items() if name is not None}


def unguarded(cell: str) -> str:
    """A cell, or what was copied out of one, without its guard."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell
