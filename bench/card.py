"""The card that all peers draw, as plain coordinates, and what a record prints on it.

Knows no library, docgen included: a peer's process holds the peer alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

MODULES = 29  # a side of the symbol


class TextAt(NamedTuple):
    """A text: `x` and `baseline` in mm from the top-left corner, `size` in pt; of a field, `text` is its name."""

    x: float
    baseline: float
    size: float
    text: str


class LineAt(NamedTuple):
    """A rule, in mm."""

    x1: float
    y1: float
    x2: float
    y2: float


class RectAt(NamedTuple):
    """A box that is outlined: top-left corner and size in mm."""

    x: float
    y: float
    width: float
    height: float


class SymbolAt(NamedTuple):
    """A QR symbol without its quiet zone: top-left corner and side in mm."""

    x: float
    y: float
    size: float


class Side(NamedTuple):
    """One page: what is the same on every card, the fields of a record, and perhaps its symbol."""

    texts: tuple[TextAt, ...]
    fields: tuple[TextAt, ...]
    lines: tuple[LineAt, ...]
    rects: tuple[RectAt, ...]
    symbol: SymbolAt | None


class Card(NamedTuple):
    """The card: its size in mm, the width of its rules in mm, its one font, its pages."""

    width: float
    height: float
    stroke: float
    font: Path
    sides: tuple[Side, ...]


class Record(NamedTuple):
    """One person: texts by field, the symbol's payload, and its modules (None: the peer encodes it).

    Each peer takes them as suits it best: `rows` of "1" and "0", or `packed` with a row from a new byte on, its first
    module the lowest bit.
    """

    texts: Mapping[str, str]
    payload: str
    rows: tuple[str, ...] | None
    packed: bytes | None


def dark_runs(rows: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Neighbouring dark modules of a row as (column, row, length): what every peer paints as one rectangle."""
    for y, row in enumerate(rows):
        for run in re.finditer("1+", row):
            yield run.start(), y, run.end() - run.start()
