"""What is seen of finished sides: ink over a text or in a symbol, and texts that hardly differ from their ground.

It goes by what is drawn, letter by letter, not by boxes: a rule may run through a box where its text has a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from docgen.compose.placed import (
    BLACK,
    PAPER,
    Art,
    Ink,
    Paint,
    PlacedBars,
    PlacedCircle,
    PlacedForm,
    PlacedLine,
    PlacedPath,
    PlacedQr,
    PlacedRect,
    PlacedSide,
    PlacedText,
    StaticPart,
)
from docgen.errors import Violation
from docgen.layout.grammar import BARCODE_CLEAR, Area
from docgen.layout.models import Element, Layout, TextElement
from docgen.symbols.qr import QUIET_MODULES
from docgen.text.faces import FontLibrary
from docgen.text.setting import Run, SetColumn, SetLine
from docgen.units import MM_PER_PT

# The least that WCAG 2.2 has for any text (1.4.3, large-scale text: https://www.w3.org/TR/WCAG22/#contrast-minimum).
# Its 4.5 for smaller text is not asked for: what four inks look like is only guessed here.
LEAST_CONTRAST = 3.0
# Of paper's light: readers draw the line between light and dark halfway (https://www.ibetter.com/newsinfo/8672092.html).
_DARK = 0.5
_TOUCH = 0.05  # mm: ink that only touches letters does not hide them
_BITE = 0.5  # modules of a QR symbol's quiet zone, or mm of a barcode's, into which a frame may reach
_CURVE = 8  # straight pieces for each curve
Point: TypeAlias = tuple[float, float]
Pair: TypeAlias = tuple[str, str]


class _Shape(NamedTuple):
    """Painted lines on the page; what is filled is closed. `element` is None for those of an included document.

    `bounds` are cut off at the bleed, as its ink is.
    """

    element: str | None
    paint: Paint
    lines: tuple[tuple[Point, ...], ...]
    even_odd: bool
    bounds: Area

    def meets(self, area: Area) -> bool:
        """Whether some of its ink lies in an area."""
        if not self.bounds.meets(area):
            return False
        area = _within(area, self.bounds)
        if self.paint.fill is not None and (self._enters(area) or self.holds(_middle(area))):
            return True
        return self.paint.stroke is not None and self._enters(area.grown(self.paint.stroke_width / 2))

    def holds(self, point: Point) -> bool:
        """Whether a point lies in what it fills."""
        x, y = point
        box = self.bounds
        if self.paint.fill is None or not (box.left <= x <= box.right and box.top <= y <= box.bottom):
            return False
        turns = crossings = 0
        for line in self.lines:
            for (x1, y1), (x2, y2) in zip(line, (*line[1:], line[0]), strict=True):
                if (y1 <= y) != (y2 <= y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                    turns += 1 if y2 > y1 else -1
                    crossings += 1
        return crossings % 2 == 1 if self.even_odd else turns != 0

    def grounds(self, area: Area) -> bool:
        """Whether it fills an area altogether."""
        return self.holds(_middle(area)) and not self._enters(area)

    def _enters(self, area: Area) -> bool:
        return any(_enters(a, b, area) for line in self.lines for a, b in pairwise(line))


class _Letters(NamedTuple):
    """A text, and on the page the area of each of its letters, and of all."""

    element: str
    ink: Ink
    areas: tuple[Area, ...]
    whole: Area


_Layer: TypeAlias = _Shape | _Letters


def check_seen(layout: Layout, sides: Iterable[tuple[str, PlacedSide]], fonts: FontLibrary) -> Iterator[Violation]:
    """What is wrong with these sides, by the names of their samples; each pair of elements is told once.

    Tools' lines on plates of their own (dies, folds) and texts with `background: true` are passed over.

    Codes: `layout_covered`; as a warning `layout_contrast`.
    """
    elements = {element.id: element for elements in layout.sides.values() for element in elements}
    eye = _Eye(elements, fonts)
    told: set[tuple[str, Pair]] = set()
    for sample, side in sides:
        for found, pair in eye.look(side):
            if (found.code, pair) not in told:
                told.add((found.code, pair))
                message = f"{found.message}; on {side.name}, sample {sample}"
                line = elements[str(found.element)].line_no
                yield replace(found, message=message, file=layout.file, line=line)


class _Eye:
    """Looks at sides one by one; what they have in common is measured and told once."""

    def __init__(self, elements: Mapping[str, Element], fonts: FontLibrary) -> None:
        self._elements = elements
        self._fonts = fonts
        self._forms: dict[tuple[StaticPart, float, float], list[_Layer]] = {}
        self._looked_at: set[tuple[tuple[StaticPart, float, float], ...]] = set()

    def look(self, side: PlacedSide) -> Iterator[tuple[Violation, Pair]]:
        """The violations of a side, each with the elements that it is about."""
        layers = [layer for form in side.forms for layer in self._layers(form, own=form.geometry is side.geometry)]
        fixed = tuple((form.static, form.x, form.y) for form in side.forms)
        if fixed not in self._looked_at:
            self._looked_at.add(fixed)
            for at, text in enumerate(layers):
                if isinstance(text, _Letters):
                    yield from _covered(text, layers[at + 1 :])
                    yield from _contrast(text, layers[:at])
        for placed in side.texts:
            if self._is_read(placed.element):
                yield from _contrast(self._letters(placed, 0.0, 0.0), layers)
        for symbol in side.symbols:
            if symbol.element in self._elements:
                yield from _behind(symbol, layers)

    def _is_read(self, name: str) -> bool:
        """Whether it is a text of this layout, and no tint."""
        element = self._elements.get(name)
        return isinstance(element, TextElement) and not element.background

    def _layers(self, form: PlacedForm, own: bool) -> list[_Layer]:
        key = (form.static, form.x, form.y)
        if key not in self._forms:
            self._forms[key] = list(self._measured(form, own))
        return self._forms[key]

    def _measured(self, form: PlacedForm, own: bool) -> Iterator[_Layer]:
        for item, owner in zip(form.static.items, form.static.owners, strict=True):
            if not isinstance(item, PlacedText):
                # A tool's line is on a plate of its own.
                if not item.paint.overprint:
                    yield _shape(item, owner if own else None, form)
            elif own and self._is_read(owner):
                yield self._letters(item, form.x, form.y)

    def _letters(self, placed: PlacedText, x: float, y: float) -> _Letters:
        areas = tuple(self._areas(placed, x + placed.x, y + placed.y))
        return _Letters(placed.element, placed.ink, areas, around(areas))

    def _areas(self, placed: PlacedText, left: float, top: float) -> Iterator[Area]:
        size, condense, lines = placed.text[:3]
        em = size * MM_PER_PT / 1000
        for line in lines:
            letters = (
                self._in_column(line, em, condense)
                if isinstance(line, SetColumn)
                else self._in_line(line, em, condense)
            )
            for area in letters:
                turned = _turned(area, placed.rotate, (placed.width / 2, placed.height / 2))
                yield Area(left + turned.left, top + turned.top, left + turned.right, top + turned.bottom)

    def _in_line(self, line: SetLine, em: float, condense: float) -> Iterator[Area]:
        x = line.x
        for run in line.runs:
            for ink, advance in self._glyphs(run):
                if ink is not None:
                    left, low, right, high = ink
                    across = em * condense
                    yield Area(
                        x + left * across, line.baseline - high * em, x + right * across, line.baseline - low * em
                    )
                x += (advance * em + line.spacing) * condense

    def _in_column(self, column: SetColumn, em: float, flat: float) -> Iterator[Area]:
        for mark in column.marks:
            for ink, _ in self._glyphs(mark.run):
                if ink is None:
                    continue
                left, low, right, high = ink
                if mark.turned:
                    yield Area(
                        mark.x + low * em, mark.y + left * em * flat, mark.x + high * em, mark.y + right * em * flat
                    )
                else:
                    across = em * mark.narrow
                    yield Area(
                        mark.x + left * across,
                        mark.y - high * em * flat,
                        mark.x + right * across,
                        mark.y - low * em * flat,
                    )

    def _glyphs(self, run: Run) -> Iterator[tuple[tuple[float, float, float, float] | None, float]]:
        """The glyphs of a run: the rectangle around each one's ink, if it has any, and its advance, in 1/1000 em."""
        font, codes = run
        face = self._fonts.face(font.partition(".")[0])
        for at in range(0, len(codes), 4):
            number = int(codes[at : at + 4], 16)
            yield face.ink(number), face.advance(number)


# ------------------------------------------------------------------------------------------------------------- verdicts


def _covered(text: _Letters, above: Iterable[_Layer]) -> Iterator[tuple[Violation, Pair]]:
    for shape in above:
        if not isinstance(shape, _Shape) or not shape.bounds.meets(text.whole):
            continue
        letter = next((area for area in text.areas if shape.meets(area.grown(-_TOUCH))), None)
        if letter is None:
            continue
        over = f"{_shown(shape.bounds)} over {_shown(letter)}"
        if shape.element is None:
            message, hint = f"lies below an included document: {over}", "move one of them"
        else:
            message = f"lies over the text {text.element}: {over}"
            hint = f"write it before {text.element}, move one of them, or give them conditions that exclude each other"
        element = shape.element or text.element
        yield Violation("layout_covered", message, hint, element=element), (element, text.element)


def _contrast(text: _Letters, below: Sequence[_Layer]) -> Iterator[tuple[Violation, Pair]]:
    fills = [layer for layer in below if isinstance(layer, _Shape) and layer.bounds.meets(text.whole)]
    for area in text.areas:
        ground = next((fill for fill in reversed(fills) if fill.holds(_middle(area))), None)
        ink = (ground.paint.fill if ground else None) or PAPER
        ratio = contrast(text.ink, ink)
        if ratio < LEAST_CONTRAST:
            name = f" ({ground.element})" if ground and ground.element else ""
            message = (
                f"{_words(text.ink)} on {_words(ink)}{name} has a contrast of about {ratio:.1f} to 1; a text needs "
                f"{LEAST_CONTRAST:g}"
            )
            hint = "a darker ink on a lighter ground, or the other way round; `background: true` for a tint"
            found = Violation("layout_contrast", message, hint, element=text.element, severity="warning")
            yield found, (text.element, name)
            return


def _behind(symbol: PlacedQr | PlacedBars, below: Sequence[_Layer]) -> Iterator[tuple[Violation, Pair]]:
    """What a reader sees between a symbol's modules or bars, and around them: all of it must be light."""
    area = _clear(symbol)
    for shape in reversed(below):
        if not isinstance(shape, _Shape) or not shape.meets(area):
            continue
        is_ground = shape.grounds(area)
        inks = (shape.paint.fill, None if is_ground else shape.paint.stroke)
        if any(ink is not None and _luminance(ink) < _DARK for ink in inks):
            other = shape.element or "an included document"
            message = f"lies on what a reader takes for dark: {other}, {_shown(shape.bounds)} in {_shown(area)}"
            hint = "move one of them, or write a light ground between the two"
            found = Violation("layout_covered", message, hint, element=symbol.element)
            yield found, (symbol.element, other)
        if is_ground:
            return


def contrast(one: Ink, other: Ink) -> float:
    """The contrast of two inks as WCAG 2 has it, from 1 (none) to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.

    An approximation: it takes CMYK for RGB as screens do without a colour profile, a spot colour for its look there.
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@cache
def _luminance(ink: Ink) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    rgb = [(1 - part / 100) * (1 - ink.k / 100) for part in ink[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _words(ink: Ink) -> str:
    if ink.spot is not None:
        return f"spot.{ink.spot}"
    return {PAPER: "paper", BLACK: "black"}.get(ink, f"[{', '.join(f'{part:g}' for part in ink[:4])}]")


# ------------------------------------------------------------------------------------------------------------- geometry


def _clear(symbol: PlacedQr | PlacedBars) -> Area:
    """A symbol with its clear space, but for the bite that a frame may take."""
    if isinstance(symbol, PlacedQr):
        area = Area(symbol.x, symbol.y, symbol.x + symbol.size, symbol.y + symbol.size)
        return area.grown((QUIET_MODULES - _BITE) * symbol.module)
    bars = [Area(symbol.x + x, symbol.y + y, symbol.x + x + w, symbol.y + y + h) for x, y, w, h in symbol.bars]
    return around(bars).grown(BARCODE_CLEAR - _BITE)


def _shape(item: Art, element: str | None, form: PlacedForm) -> _Shape:
    even_odd = False
    match item:
        case PlacedRect(x, y, width, height):
            lines = [[(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]]
        case PlacedLine(x1, y1, x2, y2):
            lines = [[(x1, y1), (x2, y2)]]
        case PlacedCircle(x, y, radius):
            angles = [2 * math.pi * at / (4 * _CURVE) for at in range(4 * _CURVE + 1)]
            lines = [[(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]]
        case PlacedPath(segments, _, even_odd):
            lines = flattened(segments)
    moved = tuple(tuple((x + form.x, y + form.y) for x, y in line) for line in lines)
    reach = item.paint.stroke_width / 2 if item.paint.stroke is not None else 0.0
    bounds = around([Area(x, y, x, y) for line in moved for x, y in line]).grown(reach)
    page, left, top = form.geometry, form.x - form.geometry.offset_x, form.y - form.geometry.offset_y
    sheet = Area(left, top, left + page.width, top + page.height).grown(page.bleed)
    return _Shape(element, item.paint, moved, even_odd, _within(bounds, sheet))


def flattened(segments: Iterable[tuple[str, tuple[float, ...]]]) -> list[list[Point]]:
    """A path as straight pieces: each of its lines from point to point."""
    lines: list[list[Point]] = []
    for command, values in segments:
        points = list(zip(values[::2], values[1::2], strict=True))
        match command:
            case "M":
                lines.append(points)
            case "L":
                lines[-1] += points
            case "C":
                lines[-1] += _curve(lines[-1][-1], *points)
            case "Z":
                lines[-1].append(lines[-1][0])
    return lines


def _curve(a: Point, b: Point, c: Point, d: Point) -> Iterator[Point]:
    for at in range(1, _CURVE + 1):
        t = at / _CURVE
        parts = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        yield (
            sum(part * point[0] for part, point in zip(parts, (a, b, c, d), strict=True)),
            sum(part * point[1] for part, point in zip(parts, (a, b, c, d), strict=True)),
        )


def _enters(a: Point, b: Point, area: Area) -> bool:
    """Whether a straight line from a to b has a part inside an area."""
    start, end = 0.0, 1.0
    for origin, target, low, high in ((a[0], b[0], area.left, area.right), (a[1], b[1], area.top, area.bottom)):
        step = target - origin
        if abs(step) < 1e-9:
            if not low < origin < high:
                return False
            continue
        near, far = sorted(((low - origin) / step, (high - origin) / step))
        start, end = max(start, near), min(end, far)
    return start < end


def _turned(area: Area, degrees: float, centre: Point) -> Area:
    """The rectangle around a rectangle that is turned counter-clockwise."""
    if not degrees:
        return area
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = [(x - centre[0], y - centre[1]) for x in (area.left, area.right) for y in (area.top, area.bottom)]
    turned = [(centre[0] + x * cos + y * sin, centre[1] - x * sin + y * cos) for x, y in corners]
    return around([Area(x, y, x, y) for x, y in turned])


def around(areas: Sequence[Area]) -> Area:
    """The rectangle around areas; of none, one that nothing meets."""
    return Area(
        min((area.left for area in areas), default=math.inf),
        min((area.top for area in areas), default=math.inf),
        max((area.right for area in areas), default=-math.inf),
        max((area.bottom for area in areas), default=-math.inf),
    )


def _within(area: Area, other: Area) -> Area:
    return Area(
        max(area.left, other.left),
        max(area.top, other.top),
        min(area.right, other.right),
        min(area.bottom, other.bottom),
    )


def _middle(area: Area) -> Point:
    return (area.left + area.right) / 2, (area.top + area.bottom) / 2


def _shown(area: Area) -> Area:
    return Area(round(area.left, 2), round(area.top, 2), round(area.right, 2), round(area.bottom, 2))
