"""A placed sheet, measured: what covers what, and what an envelope's window shows of it. Lengths are mm."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

import numpy as np

from docgen.compose.placed import PlacedBars, PlacedQr, PlacedRect, PlacedSide, PlacedText
from docgen.engine import Engine, Options, Rendered
from docgen.pdf import raster as pdfium
from docgen.symbols.customer import CLEAR
from docgen.symbols.qr import QUIET_MODULES
from docgen.text.setting import SetColumn
from docgen.units import MM_PER_PT
from tests import samples

PLAIN = Options(specimen=False)
Box = tuple[float, float, float, float]  # left, top, right, bottom

# The folded sheet (210 x 99) in a long-3 envelope (235 x 120), the window at 28, 24 with 102 x 60; 1.5 mm of tolerance.
ENVELOPE = (235, 120)
_PLAY = (ENVELOPE[0] - 210, ENVELOPE[1] - 99)
WINDOW = (28.0, 24.0, 130.0, 84.0)
_TOLERANCE = 1.5
FOLDS = (99, 198)


def render(engine: Engine, document: str, name: str, options: Options | None = None) -> Rendered:
    return engine.render(document, samples.insurer(name), samples.record(document, name), options)


def place(engine: Engine, document: str, name: str) -> tuple[PlacedSide, ...]:
    return engine.place(document, samples.insurer(name), samples.record(document, name), PLAIN)[1]


def texts_of(side: PlacedSide) -> Iterator[PlacedText]:
    """Every text of a side, static ones too."""
    for form in side.forms:
        for item in form.static.items:
            if isinstance(item, PlacedText):
                yield item._replace(x=item.x + form.x, y=item.y + form.y)
    yield from side.texts


def rects_of(side: PlacedSide) -> Iterator[PlacedRect]:
    """Every rectangle of a side."""
    for form in side.forms:
        for item in form.static.items:
            if isinstance(item, PlacedRect):
                yield item._replace(x=item.x + form.x, y=item.y + form.y)


def text_of(placed: PlacedText) -> str:
    return "".join(line.text for line in placed.text.lines)


def printed(side: PlacedSide, *elements: str) -> list[str]:
    """What elements print, in order."""
    return [text_of(placed) for placed in side.texts if placed.element in elements]


def boxes_of(side: PlacedSide) -> list[tuple[str, Box]]:
    """Texts line by line, and symbols with the clear space that their readers need."""
    boxes = [(placed.element, box) for placed in texts_of(side) for box in ink(placed)]
    for symbol in side.symbols:
        boxes.append((symbol.element, _bars(symbol) if isinstance(symbol, PlacedBars) else _qr(symbol)))
    return boxes


def ink(placed: PlacedText) -> Iterator[Box]:
    """What each line covers: its advance width, and its em height less what faces leave empty; a column's em box."""
    em = placed.text.size * MM_PER_PT
    for line in placed.text.lines:
        if isinstance(line, SetColumn):
            left, top = placed.x + line.x, placed.y + line.top
            yield left, top, left + line.width, top + line.height
            continue
        left, top = placed.x + line.x, placed.y + line.baseline - 0.84 * em
        yield left, top, left + line.width, top + 0.92 * em


def _qr(symbol: PlacedQr) -> Box:
    quiet, size = QUIET_MODULES * symbol.module, symbol.size
    return symbol.x - quiet, symbol.y - quiet, symbol.x + size + quiet, symbol.y + size + quiet


def _bars(symbol: PlacedBars) -> Box:
    ends = [(x, y, x + width, y + height) for x, y, width, height in symbol.bars]
    left, top = min(end[0] for end in ends), min(end[1] for end in ends)
    right, bottom = max(end[2] for end in ends), max(end[3] for end in ends)
    return symbol.x + left - CLEAR, symbol.y + top - CLEAR, symbol.x + right + CLEAR, symbol.y + bottom + CLEAR


def apart(one: Box, other: Box) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def within(box: Box, outer: Box) -> bool:
    return outer[0] <= box[0] and outer[1] <= box[1] and box[2] <= outer[2] and box[3] <= outer[3]


def windows() -> Iterator[tuple[Box, Box]]:
    """Where the window may stand on the sheet: what it surely shows, and what it may show at most."""
    for dx, dy in product((0, _PLAY[0] / 2, _PLAY[0]), (0, _PLAY[1] / 2, _PLAY[1])):
        left, top, right, bottom = WINDOW[0] - dx, WINDOW[1] - dy, WINDOW[2] - dx, WINDOW[3] - dy
        sure = (left + _TOLERANCE, top + _TOLERANCE, right - _TOLERANCE, bottom - _TOLERANCE)
        yield sure, (left - _TOLERANCE, top - _TOLERANCE, right + _TOLERANCE, bottom + _TOLERANCE)


def raster(engine: Engine, document: str, name: str, page: int, dpi: int) -> np.ndarray:
    """One page's trimmed area in grey."""
    pdf, bleeds = _plain(engine, document, name)
    picture = np.asarray(pdfium.render(pdf, page, dpi).convert("L"))
    bleed = round(bleeds[page - 1] / 25.4 * dpi)
    return picture[bleed:-bleed, bleed:-bleed]


@lru_cache(maxsize=1)  # the pages of one document are looked at one after the other
def _plain(engine: Engine, document: str, name: str) -> tuple[bytes, list[float]]:
    """A finished file, and the bleed of each page."""
    bleeds = [side.geometry.bleed for side in place(engine, document, name)]
    return render(engine, document, name, PLAIN).pdf, bleeds


def part(picture: np.ndarray, box: Box, dpi: int) -> np.ndarray:
    """A box of a raster."""
    left, top, right, bottom = (round(length / 25.4 * dpi) for length in box)
    return picture[top:bottom, left:right]
