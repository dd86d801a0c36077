"""From a layout's elements to cells of static items and slots, gathering the problems of layout and profile."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from docgen.compose.brand import NAMED_INKS, Brand
from docgen.compose.cells import Cell, Part
from docgen.compose.placed import (
    Geometry,
    Ink,
    Paint,
    PlacedCircle,
    PlacedLine,
    PlacedRect,
    PlacedText,
    StaticItem,
)
from docgen.compose.slots import BarcodeSlot, IncludeSlot, QrSlot, Slot, TextSlot, explain_missing
from docgen.errors import Violation
from docgen.layout.grammar import is_vertical
from docgen.layout.models import (
    Barcode,
    Circle,
    Element,
    FieldText,
    Hatch,
    Image,
    Include,
    Layout,
    Line,
    Painted,
    Qr,
    Rect,
    Rows,
    Text,
    TextElement,
)
from docgen.layout.models import Side as SideName
from docgen.located import suggest
from docgen.text.faces import FontLibrary, MissingGlyphs
from docgen.text.setting import PART, DoesNotFit, Setter, Step, TextSetter
from docgen.text.vertical import VerticalSetter


class Compiler:
    """Turns elements into cells; what is wrong is in `problems`."""

    def __init__(self, layout: Layout, brand: Brand, fonts: FontLibrary) -> None:
        self._layout, self._brand, self._fonts = layout, brand, fonts
        self.problems: list[Violation] = list(self._undeclared_in_styles())
        self.geometry = self._geometry()

    def cell(self, side: SideName, flow: str | None = None, *, empty: bool = False) -> Cell:
        """The parts of a side that stand in no flow, in the rows of one, or at its empty places."""
        elements = [
            element
            for element in self._layout.sides[side]
            if element.each == flow and (flow is None or element.empty == empty)
        ]
        return Cell([part for element in elements if (part := self._part(element)) is not None])

    def _geometry(self) -> Geometry:
        page, brand = self._layout.page, self._brand
        width, height = brand.trim or (page.width, page.height)
        return Geometry(
            width=width,
            height=height,
            bleed=page.bleed,
            safe=page.safe,
            radius=brand.corner_radius,
            offset_x=(width - page.width) / 2,
            offset_y=(height - page.height) / 2,
        )

    def _part(self, element: Element) -> Part | None:
        try:
            items, slot = self._items(element)
        except KeyError:
            self.problems += self._undeclared_in(element)
            return None
        return Part(element.id, element.when, items, slot)

    def _items(self, element: Element) -> tuple[tuple[StaticItem, ...], Slot | None]:
        match element:
            case FieldText() if element.field in self._brand.constants:
                return tuple(self._constant(element, [self._brand.constants[element.field]])), None
            case FieldText():
                return (), self._text_slot(element, element.field, required=element.required)
            case Text():
                return tuple(self._constant(element, self._wording(element))), None
            case Qr():
                x, y, width, height = element.box
                size = min(width, height)
                level, least = element.level, element.module_min
                return (), QrSlot(element.id, element.qr, x, y, size, level, least, element.required)
            case Barcode():
                return (), BarcodeSlot(element.id, element.barcode, *element.at, element.size)
            case Include():
                return (), IncludeSlot(element.id, *element.source, *element.at)
            case Image():
                return self._image(element), None
            case Painted():
                return tuple(self._shapes(element)), None
        raise TypeError(element)

    # ----------------------------------------------------------------------------------------------------------- texts

    def _wording(self, element: Text) -> Sequence[str]:
        key = element.text.removeprefix("wording.")
        own = _listed(self._layout.wording[key])
        texts = _listed(self._brand.wording.get(key, own))
        if len(texts) > len(own) and element.gap is None:
            message = f"{len(texts)} texts, where the layout has room for {len(own)}"
            self._wrong_wording(element, texts, "layout_wording_does_not_fit", message, "leave some out")
        return texts

    def _constant(self, element: TextElement, texts: Sequence[str]) -> Iterator[StaticItem]:
        """A text that every record shares, set now; a list of them stands `step` apart, or flows with a `gap`.

        Those that stand side by side are of one size and width, whichever of them needs it.
        """
        slot = self._text_slot(element, element.id)
        if isinstance(element, Text) and element.gap is not None:
            yield from self._paragraphs(element, slot, texts, element.gap)
            return
        dx, dy = element.step or (0.0, 0.0)
        placed = [
            (text, item) for at, text in enumerate(texts) for item in self._set(element, slot, text, at * dx, at * dy)
        ]
        for (_, item), alike in zip(placed, slot.setter.set_alike([text for text, _ in placed]), strict=True):
            yield item._replace(text=alike)

    def _paragraphs(self, element: Text, slot: TextSlot, texts: Sequence[str], gap: float) -> Iterator[StaticItem]:
        """Paragraphs one below the other; together they may not outgrow the box."""
        down = 0.0
        left = slot.setter.height
        for text in texts:
            setter = replace(slot.setter, height=max(left - down, 0.01), valign="top")
            for item in self._set(element, replace(slot, setter=setter), text, 0.0, down):
                yield item
                down += setter.block_height(item.text) + gap

    def _set(self, element: TextElement, slot: TextSlot, text: str, dx: float, dy: float) -> Iterator[PlacedText]:
        if not text:
            return
        try:
            yield slot.place(text, dx, dy)
        except MissingGlyphs as error:
            for cluster in error.missing:
                _, message, _ = explain_missing(cluster)
                self._wrong_wording(element, text, "layout_wording_missing_glyph", message, "change it")
        except DoesNotFit as error:
            shown = text.replace(PART, "").replace("\n", " / ")
            message = f"the text needs {error.needs}: {shown}"
            self._wrong_wording(element, text, "layout_wording_does_not_fit", message, "shorten it")

    def _text_slot(self, element: TextElement, item: str, required: bool = False) -> TextSlot:
        style = self._layout.styles[element.style]
        x, y, width, height = element.box
        shared: dict[str, Any] = {
            "stack": self._fonts.stack(style.stack),
            "size": style.size,
            "width": width,
            "height": height,
            "fit": tuple(Step(step.kind, step.limit) for step in element.fit or style.fit),
            "align": element.align or style.align,
            "valign": element.valign or style.valign,
            "tracking": style.tracking,
            "line_height": style.line_height,
        }
        if is_vertical(element, style):
            setter: TextSetter[Any] = VerticalSetter(**shared)
        else:
            comb = element.comb if isinstance(element, FieldText) else None
            setter = Setter(**shared, max_height=self._growth(element), comb=comb)
        return TextSlot(element.id, item, x, y, setter, self._ink(style.ink), element.rotate, required)

    def _growth(self, element: TextElement) -> float | None:
        """How tall a text in a growing row may become: as tall as the rows' box, so that each row has a page."""
        flow = self._layout.flows.get(element.each) if element.each is not None else None
        if not isinstance(flow, Rows):
            return None
        return min(height for _, _, _, height in flow.within.values())

    # ------------------------------------------------------------------------------------------------------------- art

    def _image(self, element: Image) -> tuple[StaticItem, ...]:
        artwork = self._brand.artwork.get(element.image.removeprefix("insurer."))
        # An insurer without this artwork has none to show: the layout's `when: insurer.has_...` keeps its place free.
        return tuple(artwork.placed(*element.box)) if artwork else ()

    def _shapes(self, element: Painted) -> Iterator[StaticItem]:
        paint = self._paint(element)
        for at in range(element.count):
            dx, dy = element.step[0] * at, element.step[1] * at
            match element:
                case Rect():
                    x, y, width, height = self._trim if element.rect == "trim" else element.rect
                    radius = self._brand.corner_radius if isinstance(element.radius, str) else element.radius
                    yield PlacedRect(x + dx, y + dy, width, height, radius, paint)
                case Line():
                    x1, y1, x2, y2 = element.line
                    yield PlacedLine(x1 + dx, y1 + dy, x2 + dx, y2 + dy, paint)
                case Circle():
                    for radius in element.radii:
                        yield PlacedCircle(element.circle[0] + dx, element.circle[1] + dy, radius, paint)
                case Hatch():
                    x, y, width, height = element.hatch
                    for line in hatching(x + dx, y + dy, width, height, element.angle, element.pitch):
                        yield PlacedLine(*line, paint)

    def _paint(self, element: Painted) -> Paint:
        fill = None if element.fill is None else self._ink(element.fill)
        stroke = None if element.stroke is None else self._ink(element.stroke)
        # A line alone on a spot plate is a tool's, a die or a fold: it leaves the inks beneath as they are.
        overprint = fill is None and stroke is not None and stroke.spot is not None
        return Paint(fill, stroke, element.stroke_width, overprint, element.dash)

    @property
    def _trim(self) -> tuple[float, float, float, float]:
        geometry = self.geometry
        return -geometry.offset_x, -geometry.offset_y, geometry.width, geometry.height

    def _ink(self, value: object) -> Ink:
        return self._brand.ink(value, self._layout.spots)

    # -------------------------------------------------------------------------------------------------------- problems

    def _declares(self, ink: object) -> bool:
        try:
            self._ink(ink)
        except KeyError:
            return False
        return True

    def _undeclared_in_styles(self) -> Iterator[Violation]:
        for name, style in self._layout.styles.items():
            if style.stack not in self._fonts.stack_names:
                line = self._layout.line(("styles", name, "stack"))
                yield self._undeclared(style.stack, self._fonts.stack_names, line)
            if not self._declares(style.ink):
                yield self._undeclared(style.ink, self._inks(), self._layout.line(("styles", name, "ink")))

    def _undeclared_in(self, element: Element) -> Iterator[Violation]:
        """What a shape lacks; what a text lacks is its style's fault, and told there."""
        inks = (element.fill, element.stroke) if isinstance(element, Painted) else ()
        for ink in inks:
            if ink is not None and not self._declares(ink):
                yield self._undeclared(ink, self._inks(), element.line_no, element.id)

    def _undeclared(
        self, name: object, declared: Iterable[str], line: int | None, element: str | None = None
    ) -> Violation:
        message, hint, file = f"{name} is not declared", suggest(str(name), declared), self._layout.file
        return Violation("layout_undeclared", message, hint, element=element, file=file, line=line)

    def _inks(self) -> tuple[str, ...]:
        palette = (f"insurer.{role}" for role in self._brand.palette)
        return (*NAMED_INKS, *palette, *(f"spot.{name}" for name in self._layout.spots))

    def _wrong_wording(
        self, element: TextElement, text: str | Sequence[str], code: str, message: str, hint: str
    ) -> None:
        """A fixed text, or a list of them, that cannot be set: told where it is written, in profile or layout."""
        name, file, line = self._written(element, text)
        message, hint = f"{name}: {message}", f"{hint}, or change the element in {self._layout.file}:{element.line_no}"
        self.problems.append(Violation(code, message, hint, element=element.id, file=file, line=line))

    def _written(self, element: TextElement, text: str | Sequence[str]) -> tuple[str, str, int | None]:
        """What a fixed text is called, and the file and line that have it."""
        source = self._brand.source
        if isinstance(element, FieldText):
            return element.field, source.file, source.line([element.field.rpartition(".")[2]])
        assert isinstance(element, Text)
        key = element.text.removeprefix("wording.")
        is_own = key not in self._brand.wording
        wording = self._layout.wording[key] if is_own else self._brand.wording[key]
        path: list[str | int] = ["wording", key]
        if not isinstance(wording, str) and text in wording:
            path.append(wording.index(text))
        file, line = (self._layout.file, self._layout.line(path)) if is_own else (source.file, source.line(path))
        return element.text, file, line


def _listed(wording: str | Sequence[str]) -> Sequence[str]:
    return (wording,) if isinstance(wording, str) else wording


def hatching(
    x: float, y: float, width: float, height: float, angle: float, pitch: float
) -> Iterator[tuple[float, float, float, float]]:
    """Parallel lines (x1, y1, x2, y2) at an angle in degrees, `pitch` mm apart, cut at the rectangle's edges."""
    turn = math.radians(angle)
    along, across = (math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))
    middle = (x + width / 2, y + height / 2)
    reach = (width * abs(across[0]) + height * abs(across[1])) / 2
    count = int(reach / pitch)
    for at in range(-count, count + 1):
        base = (middle[0] + across[0] * at * pitch, middle[1] + across[1] * at * pitch)
        ends = _cut(base, along, x, y, x + width, y + height)
        if ends is not None:
            yield ends


def _cut(
    base: tuple[float, float], along: tuple[float, float], left: float, top: float, right: float, bottom: float
) -> tuple[float, float, float, float] | None:
    """The part of a line through `base` that lies inside a rectangle."""
    start, end = -math.inf, math.inf
    for origin, step, low, high in ((base[0], along[0], left, right), (base[1], along[1], top, bottom)):
        if abs(step) < 1e-12:
            if not low <= origin <= high:
                return None
            continue
        near, far = sorted(((low - origin) / step, (high - origin) / step))
        start, end = max(start, near), min(end, far)
    if start >= end:
        return None
    return base[0] + along[0] * start, base[1] + along[1] * start, base[0] + along[0] * end, base[1] + along[1] * end
