"""A layout compiled for one insurer: what is the same on every document set once, slots for the rest.

Which elements a side shows depends on the record's flags alone. Each combination of flags that turns up becomes a
variant: a static part, drawn once, and the slots that its records fill.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from docgen.compose.brand import NAMED_INKS, Brand
from docgen.compose.placed import (
    Geometry,
    Ink,
    Paint,
    PlacedCircle,
    PlacedLine,
    PlacedQr,
    PlacedRect,
    PlacedSide,
    PlacedText,
    StaticItem,
    StaticPart,
)
from docgen.errors import LayoutError, RecordError, Violation
from docgen.issuance.items import PrintItems
from docgen.layout.grammar import suggest
from docgen.layout.models import (
    Circle,
    Condition,
    Element,
    FieldText,
    Image,
    Layout,
    Line,
    Painted,
    Qr,
    Rect,
    Text,
    TextElement,
)
from docgen.layout.models import Side as SideName
from docgen.symbols.qr import QUIET_MODULES, Level, QrTooLong, encode
from docgen.text.faces import FontLibrary, MissingGlyphs
from docgen.text.setting import DoesNotFit, Setter, SetText, Step


@dataclass(frozen=True, slots=True)
class TextSlot:
    """A place that a record's text fills: the box in mm, the setter that fits the text into it."""

    element: str
    item: str
    x: float
    y: float
    setter: Setter
    ink: Ink
    rotate: float
    required: bool

    def place(self, text: str) -> PlacedText:
        """Set a text here. Raises MissingGlyphs or DoesNotFit."""
        return _placed(self, self.setter.set(text))


@dataclass(frozen=True, slots=True)
class QrSlot:
    """A place for a QR symbol; `size` is the side of the square with its quiet zone, lengths in mm."""

    element: str
    item: str
    x: float
    y: float
    size: float
    level: Level
    module_min: float
    required: bool

    def place(self, payload: str) -> PlacedQr:
        """Encode a payload here. Raises QrTooLong when its modules would be smaller than the layout allows."""
        rows = encode(payload, self.level)
        module = self.size / (len(rows) + 2 * QUIET_MODULES)
        if module < self.module_min:
            raise QrTooLong
        quiet = QUIET_MODULES * module
        return PlacedQr(self.element, self.x + quiet, self.y + quiet, module, rows)


Slot = TextSlot | QrSlot


@dataclass(frozen=True, slots=True)
class Variant:
    """What a side shows for one combination of flags."""

    static: StaticPart
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """One element compiled: under which conditions it shows, and what it is: static items or a slot."""

    when: tuple[Condition, ...]
    items: tuple[StaticItem, ...]
    slot: Slot | None


class Side:
    """One side of a compiled layout."""

    def __init__(self, name: str, geometry: Geometry, parts: Sequence[_Part]) -> None:
        self.name = name
        self.geometry = geometry
        self._parts = tuple(parts)
        self._flags = tuple(dict.fromkeys(condition.flag for part in parts for condition in part.when))
        self._variants: dict[tuple[bool, ...], Variant] = {}
        self._statics: dict[tuple[int, ...], StaticPart] = {}

    def variant(self, flags: Mapping[str, bool]) -> Variant:
        """The variant for a record's flags, compiled when first asked for."""
        key = tuple([flags[flag] for flag in self._flags])
        variant = self._variants.get(key)
        if variant is None:
            variant = self._variants[key] = self._compile(flags)
        return variant

    def _compile(self, flags: Mapping[str, bool]) -> Variant:
        shown = [
            (at, part)
            for at, part in enumerate(self._parts)
            if all(flags[condition.flag] == condition.wanted for condition in part.when)
        ]
        # Variants that differ in their slots alone share one static part.
        drawn = tuple(at for at, part in shown if part.items)
        if drawn not in self._statics:
            self._statics[drawn] = StaticPart(tuple(item for at in drawn for item in self._parts[at].items))
        return Variant(self._statics[drawn], tuple(part.slot for _, part in shown if part.slot is not None))


class Composition:
    """A layout compiled for one insurer."""

    def __init__(self, layout: Layout, brand: Brand, fonts: FontLibrary) -> None:
        """Compile. Raises LayoutError with every problem that needs the insurer or the fonts to be seen."""
        compiler = _Compiler(layout, brand, fonts)
        self.document = layout.layout
        self.title = layout.title
        self.geometry = compiler.geometry
        self.sides = tuple(compiler.side(name) for name in layout.sides)
        if compiler.problems:
            raise LayoutError(compiler.problems)

    def place(self, items: PrintItems) -> tuple[PlacedSide, ...]:
        """One record's sides. Raises RecordError with every text and symbol that cannot be placed."""
        problems: list[Violation] = []
        sides = tuple([self._place_side(side, items, problems) for side in self.sides])
        if problems:
            raise RecordError(problems)
        return sides

    def _place_side(self, side: Side, items: PrintItems, problems: list[Violation]) -> PlacedSide:
        variant = side.variant(items.flags)
        texts: list[PlacedText] = []
        symbols: list[PlacedQr] = []
        for slot in variant.slots:
            value = items.texts.get(slot.item)
            if not value:
                if slot.required:
                    problems.append(_empty(slot, items))
                continue
            try:
                if isinstance(slot, TextSlot):
                    texts.append(slot.place(value))
                else:
                    symbols.append(slot.place(value))
            except MissingGlyphs as error:
                problems += _missing(error, slot, items)
            except DoesNotFit as error:
                problems.append(_too_wide(error, slot, items))
            except QrTooLong:
                problems.append(_too_long(value, slot, items))
        return PlacedSide(side.name, side.geometry, variant.static, tuple(texts), tuple(symbols))


def _placed(slot: TextSlot, text: SetText) -> PlacedText:
    setter = slot.setter
    return PlacedText(
        slot.element, slot.x, slot.y, setter.width, setter.height, text, slot.ink, slot.rotate, setter.size
    )


# ---------------------------------------------------------------------------------------------- violations of a record


def _empty(slot: Slot, items: PrintItems) -> Violation:
    return Violation(
        "required_item_empty",
        f"{slot.item} is empty, and the layout must not print a blank there",
        "give the value in the record",
        pointer=items.pointers.get(slot.item),
        element=slot.element,
    )


def _missing(error: MissingGlyphs, slot: Slot, items: PrintItems) -> Iterator[Violation]:
    for cluster in error.missing:
        code, message, hint = explain_missing(cluster)
        yield Violation(code, message, hint, pointer=items.pointers.get(slot.item), element=slot.element)


def explain_missing(cluster: str) -> tuple[str, str, str]:
    """Code, message and hint for a cluster that no face has."""
    points = " ".join(f"U+{ord(char):04X}" for char in cluster)
    if any(unicodedata.category(char) == "Co" for char in cluster):
        hint = "name a substitute for it under `substitutions` in the insurer's profile, or send the standard character"
        return "private_use_character", f"private-use character {points} has no glyph", hint
    if len(cluster) > 1:
        hint = "send the base character with a selector that an installed face has, or name a substitute in the profile"
        return "unknown_sequence", f"no face has the sequence {points} ({cluster})", hint
    shown = f" ({cluster})" if cluster.isprintable() else ""
    return "missing_glyph", f"no face has {points}{shown}", "name a substitute under `substitutions` in the profile"


def _too_wide(error: DoesNotFit, slot: Slot, items: PrintItems) -> Violation:
    return Violation(
        "does_not_fit",
        f"{slot.item} needs {error.excess:.2f} times the room of its box at the narrowest and smallest allowed",
        "shorten the value, or give the element a larger box or a lower floor in the layout",
        pointer=items.pointers.get(slot.item),
        element=slot.element,
    )


def _too_long(payload: str, slot: Slot, items: PrintItems) -> Violation:
    size = f"{slot.size:g} mm box" if isinstance(slot, QrSlot) else "box"
    return Violation(
        "qr_too_long",
        f"a payload of {len(payload.encode())} bytes needs modules too small for its {size}",
        "shorten the payload template in the insurer's profile, or enlarge the QR element",
        pointer=items.pointers.get(slot.item),
        element=slot.element,
    )


# --------------------------------------------------------------------------------------------------------- compilation


def _listed(wording: str | Sequence[str]) -> Sequence[str]:
    return (wording,) if isinstance(wording, str) else wording


class _Compiler:
    """Turns elements into parts, gathering problems of layout and profile."""

    def __init__(self, layout: Layout, brand: Brand, fonts: FontLibrary) -> None:
        self._layout, self._brand, self._fonts = layout, brand, fonts
        self.problems: list[Violation] = list(self._undeclared_in_styles())
        page = layout.page
        width, height = brand.trim
        if brand.trim not in {(page.width, page.height), *page.trims}:
            allowed = ", ".join(f"{w:g} x {h:g}" for w, h in ((page.width, page.height), *page.trims))
            raise LayoutError(
                Violation(
                    "layout_trim_not_allowed",
                    f"{brand.insurer} asks for a trim of {width:g} x {height:g} mm",
                    f"allowed: {allowed}; or add it to page.trims of the layout",
                    file=layout.file,
                )
            )
        self.geometry = Geometry(
            width=width,
            height=height,
            bleed=page.bleed,
            safe=page.safe,
            radius=brand.corner_radius,
            offset_x=(width - page.width) / 2,
            offset_y=(height - page.height) / 2,
        )

    @property
    def _trim(self) -> tuple[float, float, float, float]:
        geometry = self.geometry
        return -geometry.offset_x, -geometry.offset_y, geometry.width, geometry.height

    def side(self, name: SideName) -> Side:
        parts = [part for element in self._layout.sides[name] if (part := self._part(element)) is not None]
        return Side(name, self.geometry, parts)

    def _part(self, element: Element) -> _Part | None:
        try:
            items, slot = self._items(element)
        except KeyError:
            self.problems += self._undeclared_in(element)
            return None
        return _Part(element.when, items, slot)

    def _items(self, element: Element) -> tuple[tuple[StaticItem, ...], Slot | None]:
        match element:
            case FieldText() if element.field in self._brand.constants:
                return tuple(self._constant(element, [self._brand.constants[element.field]])), None
            case FieldText():
                return (), self._text_slot(element, element.field, 0, required=element.required)
            case Text():
                return tuple(self._constant(element, self._wording(element))), None
            case Qr():
                x, y, width, height = element.box
                size = min(width, height)
                level, least = element.level, element.module_min
                return (), QrSlot(element.id, element.qr, x, y, size, level, least, element.required)
            case Image():
                return self._image(element), None
            case Painted():
                return tuple(self._shapes(element)), None
        raise TypeError(element)

    def _wording(self, element: Text) -> Sequence[str]:
        key = element.text.removeprefix("wording.")
        own = _listed(self._layout.wording[key])
        texts = _listed(self._brand.wording.get(key, own))
        if len(texts) > len(own):
            message = f"{len(texts)} texts, where the layout has room for {len(own)}"
            self._wrong_wording(element, "layout_wording_does_not_fit", message, "leave some out")
        return texts

    def _constant(self, element: TextElement, texts: Sequence[str]) -> Iterator[StaticItem]:
        """A text that every record shares, set now; a list of them stands `step` apart."""
        for at, text in enumerate(texts):
            if not text:
                continue
            slot = self._text_slot(element, element.id, at)
            try:
                yield slot.place(text)
            except MissingGlyphs as error:
                for cluster in error.missing:
                    _, message, _ = explain_missing(cluster)
                    self._wrong_wording(element, "layout_wording_missing_glyph", message, "change it")
            except DoesNotFit as error:
                message = f"the text is {error.excess:.2f} times too wide for its box: {text}"
                self._wrong_wording(element, "layout_wording_does_not_fit", message, "shorten it")

    def _text_slot(self, element: TextElement, item: str, at: int, required: bool = False) -> TextSlot:
        style = self._layout.styles[element.style]
        x, y, width, height = element.box
        dx, dy = element.step or (0.0, 0.0)
        setter = Setter(
            stack=self._fonts.stack(style.stack),
            size=style.size,
            width=width,
            height=height,
            fit=tuple(Step(step.kind, step.limit) for step in element.fit or style.fit),
            align=element.align or style.align,
            valign=element.valign or style.valign,
            tracking=style.tracking,
            line_height=style.line_height,
        )
        ink = self._ink(style.ink)
        return TextSlot(element.id, item, x + at * dx, y + at * dy, setter, ink, element.rotate, required)

    def _image(self, element: Image) -> tuple[StaticItem, ...]:
        artwork = self._brand.artwork.get(element.image.removeprefix("insurer."))
        # An insurer without this artwork has none to show: the layout's `when: insurer.has_...` keeps its place free.
        return tuple(artwork.placed(*element.box)) if artwork else ()

    def _shapes(self, element: Painted) -> Iterator[StaticItem]:
        fill = None if element.fill is None else self._ink(element.fill)
        stroke = None if element.stroke is None else self._ink(element.stroke)
        overprint = any(ink is not None and (ink.spot or ink[:4] == (0, 0, 0, 100)) for ink in (fill, stroke))
        paint = Paint(fill, stroke, element.stroke_width, bool(overprint) and fill in (None, stroke))
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

    def _ink(self, value: object) -> Ink:
        return self._brand.ink(value, self._layout.spots)

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

    def _wrong_wording(self, element: TextElement, code: str, message: str, hint: str) -> None:
        """A fixed text that cannot be set: told where it is written, in the insurer's profile or in the layout."""
        place = {"file": self._layout.file, "line": element.line_no}
        source = self._brand.source
        if isinstance(element, FieldText):
            place = {"file": source.file, "line": source.line([element.field.removeprefix("insurer.")])}
        elif isinstance(element, Text) and (key := element.text.removeprefix("wording.")) in self._brand.wording:
            place = {"file": source.file, "line": source.line(["wording", key])}
        hint = f"{hint}, or change the element in {self._layout.file}:{element.line_no}"
        self.problems.append(Violation(code, message, hint, element=element.id, **place))  # type: ignore[arg-type]
