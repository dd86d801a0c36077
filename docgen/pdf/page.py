"""Page content: placed texts and symbols as operators, static parts as forms that all pages share."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import getitem

from docgen.compose.placed import (
    BLACK,
    Geometry,
    Ink,
    PlacedBars,
    PlacedForm,
    PlacedQr,
    PlacedSide,
    PlacedText,
    StaticPart,
)
from docgen.pdf.art import KNOCKOUT, OVERPRINT, Artist
from docgen.pdf.fonts import UsedGlyphs
from docgen.pdf.writer import deflate, name, number, text_string
from docgen.symbols.modules import stride
from docgen.text.setting import Run, SetColumn, SetLine
from docgen.units import PT_PER_MM

# All text is 100 K and overprints, so that no tint shows a white edge beside a letter.
TEXT_STATE = f"{OVERPRINT} 0 0 0 1 k"
_CHUNK = 8


@dataclass(frozen=True, slots=True)
class Form:
    """A static part as form content, deflated, with the fonts, glyphs and spot colours that it shows.

    The name is a hash of the content, so that a page that invokes it says by its own content what it looks like.
    """

    name: str
    deflated: bytes
    runs: tuple[Run, ...]
    spots: dict[str, Ink]


class PagePainter:
    """Turns placed sides into page content. Holds nothing of a record: it serves any number of files."""

    def __init__(self) -> None:
        self._forms: dict[StaticPart, Form] = {}

    def form(self, placed: PlacedForm) -> Form:
        """A static part, drawn when first asked for."""
        form = self._forms.get(placed.static)
        if form is None:
            form = self._forms[placed.static] = _draw(placed.static, placed.geometry)
        return form

    def content(self, side: PlacedSide, used: UsedGlyphs) -> bytes:
        """The page's own content; the glyphs that it shows are noted in `used`."""
        parts = [self._invoked(placed, side.geometry) for placed in side.forms]
        parts.append(TEXT_STATE)
        parts += _texts(side.texts, side.geometry, used)
        texts = "\n".join(parts).encode("ascii")
        return b"\n".join([texts, *[symbol_operators(symbol, side.geometry) for symbol in side.symbols]])

    def _invoked(self, placed: PlacedForm, page: Geometry) -> str:
        name_, moved = self.form(placed).name, form_moved(placed, page)
        return f"q {moved} /{name_} Do Q" if moved else f"/{name_} Do"


def form_moved(placed: PlacedForm, page: Geometry) -> str:
    """The operator that brings a form's drawing to its place on the page; empty if it is there."""
    own = placed.geometry
    dx = placed.x + page.offset_x + page.bleed - own.offset_x - own.bleed
    dy = (page.height + page.bleed - page.offset_y - placed.y) - (own.height + own.bleed - own.offset_y)
    if abs(dx) < 1e-9 and abs(dy) < 1e-9:
        return ""
    return f"1 0 0 1 {dx * PT_PER_MM:.3f} {dy * PT_PER_MM:.3f} cm"


def _draw(static: StaticPart, geometry: Geometry) -> Form:
    artist = Artist(geometry)
    used = _Runs()
    for item in static.items:
        if isinstance(item, PlacedText):
            artist.append(TEXT_STATE)
            artist.append(text_operators(item, geometry, used))
        else:
            artist.draw(item)
    content = artist.content
    return Form("S" + hashlib.sha256(content).hexdigest()[:12], deflate(content), tuple(used.runs), artist.spots)


class _Runs(UsedGlyphs):
    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[Run, None] = {}

    def add(self, runs: Iterable[Run]) -> None:
        self.runs.update(dict.fromkeys(runs))


def _texts(texts: Sequence[PlacedText], geometry: Geometry, used: UsedGlyphs) -> list[str]:
    """What `text_operators` makes of each text; one line of one font, as nearly all are, at a fraction of its cost."""
    offset, bleed = geometry.offset_x, geometry.bleed
    base = geometry.height + bleed - geometry.offset_y
    operators: list[str] = []
    shown: list[Run] = []
    for placed in texts:
        _, left, top, _, _, (size, condense, lines, _, _), ink, rotate, _ = placed
        if len(lines) == 1 and condense == 1 and ink is BLACK and not rotate and isinstance(lines[0], SetLine):
            x, baseline, _, runs, spacing, _ = lines[0]
            if len(runs) == 1 and not spacing:
                ((font, codes),) = runs
                shown += runs
                begin = _begin(font, size, left + offset + bleed + x, base - top - baseline)
                operators.append(f"{begin}<{codes}>Tj ET")
                continue
        operators.append(text_operators(placed, geometry, used))
    used.add(shown)
    return operators


def text_operators(placed: PlacedText, geometry: Geometry, used: UsedGlyphs) -> str:
    """One text: BT to ET. Condensing is Tz, tracking and even distribution are Tc; both end as they began."""
    size, condense, lines = placed.text[:3]
    if not lines:
        return ""
    if isinstance(lines[0], SetColumn):
        return _vertical(placed, geometry, used)
    if placed.rotate:
        return _rotated(placed, geometry, used)
    left = placed.x + geometry.offset_x + geometry.bleed
    top = geometry.height + geometry.bleed - geometry.offset_y - placed.y
    body = _lines(lines, size, condense, left, top, used)
    if placed.ink == BLACK:
        return f"BT {body}ET"
    return f"q {KNOCKOUT} {fill_operator(placed.ink)} BT {body}ET Q"


# Sizes and places are those of the layout: a record brings few that were not there before.
@lru_cache(1024)
def _font(font: str, size: float) -> str:
    return f"/{font} {number(size)} Tf "


@lru_cache(8192)
def _begin(font: str, size: float, x: float, y: float) -> str:
    return f"BT {_font(font, size)}{_place(x, y)}"


@lru_cache(8192)
def _place(x: float, y: float) -> str:
    """Where a line begins, from mm."""
    return f"1 0 0 1 {x * PT_PER_MM:.3f} {y * PT_PER_MM:.3f} Tm "


def _lines(
    lines: Sequence[SetLine | SetColumn], size: float, condense: float, left: float, top: float, used: UsedGlyphs
) -> str:
    ops: list[str] = []
    if condense != 1:
        ops.append(f"{number(condense * 100)} Tz ")
    font_now = ""
    for line in lines:
        assert isinstance(line, SetLine)
        x, baseline, _, runs, spacing, _ = line
        if spacing:
            ops.append(f"{number(spacing * PT_PER_MM)} Tc ")
        place = _place(left + x, top - baseline)
        used.add(runs)
        for font, codes in runs:
            if font != font_now:
                ops.append(_font(font, size))
                font_now = font
            ops.append(f"{place}<{codes}>Tj ")
            place = ""
        if spacing:
            ops.append("0 Tc ")
    if condense != 1:
        ops.append("100 Tz ")
    return "".join(ops)


def _rotated(placed: PlacedText, geometry: Geometry, used: UsedGlyphs) -> str:
    angle = math.radians(placed.rotate)
    cos, sin = math.cos(angle), math.sin(angle)
    x = (placed.x + placed.width / 2 + geometry.offset_x + geometry.bleed) * PT_PER_MM
    y = (geometry.height + geometry.bleed - geometry.offset_y - placed.y - placed.height / 2) * PT_PER_MM
    matrix = f"{cos:.5f} {sin:.5f} {-sin:.5f} {cos:.5f} {x:.3f} {y:.3f} cm"
    size, condense, lines = placed.text[:3]
    body = _lines(lines, size, condense, -placed.width / 2, placed.height / 2, used)
    state = TEXT_STATE if placed.ink == BLACK else f"{KNOCKOUT} {fill_operator(placed.ink)}"
    return f"q {state} {matrix} BT {body}ET Q"


def _vertical(placed: PlacedText, geometry: Geometry, used: UsedGlyphs) -> str:
    """Columns, glyph by glyph at its own origin: any reader of horizontal fonts finds them where they are seen.

    ActualText (ISO 32000-1, 14.9.4) gives readers that would take each glyph for a line the text as one.
    """
    size, flat, columns = placed.text[:3]
    left = placed.x + geometry.offset_x + geometry.bleed
    top = geometry.height + geometry.bleed - geometry.offset_y - placed.y
    ops: list[str] = []
    font_now = ""
    for column in columns:
        assert isinstance(column, SetColumn)
        used.add([mark.run for mark in column.marks])
        for (font, codes), x, y, turned, narrow in column.marks:
            if font != font_now:
                ops.append(f"/{font} {number(size)} Tf ")
                font_now = font
            matrix = f"0 {number(-flat)} 1 0" if turned else f"{number(narrow)} 0 0 {number(flat)}"
            ops.append(f"{matrix} {(left + x) * PT_PER_MM:.3f} {(top - y) * PT_PER_MM:.3f} Tm <{codes}>Tj ")
    text = text_string("".join(column.text for column in columns))
    body = f"BT {''.join(ops)}ET"
    if placed.ink != BLACK:
        body = f"q {KNOCKOUT} {fill_operator(placed.ink)} {body} Q"
    return f"/Span<</ActualText{text}>>BDC {body} EMC"


def fill_operator(ink: Ink) -> str:
    """The operator that sets an ink for filling."""
    if ink.spot is not None:
        return f"{name(ink.spot)} cs 1 scn"
    return " ".join(number(value / 100) for value in ink[:4]) + " k"


class _ChunkTable(dict[int, bytes]):
    """From a byte of modules to the rectangles that fill them: a symbol is drawn by look-ups."""

    def __init__(self, x: int, y: int) -> None:
        super().__init__()
        self._x, self._y = x, y

    def __missing__(self, modules: int) -> bytes:
        x, y = self._x, self._y
        # A hair of overlap closes the seams that anti-aliasing viewers show between touching rectangles.
        rects = b"".join([b"%d %d %d.02 1.02 re " % (x + start, y, length) for start, length in _dark_runs(modules)])
        self[modules] = rects
        return rects


@cache
def _dark_runs(modules: int) -> tuple[tuple[int, int], ...]:
    """Where the dark modules of a chunk begin, and how many there are side by side."""
    in_order = f"{modules:0{_CHUNK}b}"[::-1]
    return tuple((run.start(), run.end() - run.start()) for run in re.finditer("1+", in_order))


@cache
def _chunk_tables(size: int) -> list[_ChunkTable]:
    """The table of each byte of a symbol of this size."""
    return [_ChunkTable(_CHUNK * at, y) for y in range(size) for at in range(stride(size))]


def symbol_operators(symbol: PlacedQr | PlacedBars, geometry: Geometry) -> bytes:
    """One symbol as filled rectangles, in the black of the text."""
    return qr_operators(symbol, geometry) if isinstance(symbol, PlacedQr) else bar_operators(symbol, geometry)


def bar_operators(symbol: PlacedBars, geometry: Geometry) -> bytes:
    """Bars to a thousandth of a point: their tolerances are hundredths of a mm."""
    left = symbol.x + geometry.offset_x + geometry.bleed
    top = geometry.height + geometry.bleed - geometry.offset_y - symbol.y
    return b"%bf" % b"".join(map(_bar_table(left, top).__getitem__, symbol.bars))


class _BarTable(dict[tuple[float, float, float, float], bytes]):
    """From a bar to the rectangle that fills it: there are four at each place of a code."""

    def __init__(self, left: float, top: float) -> None:
        super().__init__()
        self._left, self._top = left, top

    def __missing__(self, bar: tuple[float, float, float, float]) -> bytes:
        x, y, width, height = bar
        corner = (self._left + x) * PT_PER_MM, (self._top - y - height) * PT_PER_MM
        rect = self[bar] = b"%.3f %.3f %.3f %.3f re " % (*corner, width * PT_PER_MM, height * PT_PER_MM)
        return rect


@lru_cache(64)
def _bar_table(left: float, top: float) -> _BarTable:
    """The table of a code that stands here, in mm."""
    return _BarTable(left, top)


def qr_operators(symbol: PlacedQr, geometry: Geometry) -> bytes:
    """One QR symbol as vector modules, never an image: presses take a small image for one of low resolution."""
    x = (symbol.x + geometry.offset_x + geometry.bleed) * PT_PER_MM
    y = (geometry.height + geometry.bleed - geometry.offset_y - symbol.y) * PT_PER_MM
    module = symbol.module * PT_PER_MM
    size, packed = symbol.modules
    rects = b"".join(map(getitem, _chunk_tables(size), packed))
    return b"q %.5f 0 0 %.5f %.3f %.3f cm %bf Q" % (module, -module, x, y, rects)
