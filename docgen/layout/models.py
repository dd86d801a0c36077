"""The layout language: what a layout file may say, as frozen models.

Lengths are mm from the top-left corner of the trim box, type sizes are points, angles degrees counter-clockwise.
A box is [x, y, width, height]. Elements are drawn in the order in which they are written, but records' texts lie above
all fixed parts, and symbols above the texts; what reaches beyond the bleed is clipped there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PrivateAttr, Tag, ValidationInfo, field_validator

from docgen.located import Written

# What names look like; which of them there are is not the grammar's to say (`layout.fixed` tells editors).
LAYOUT = r"^[a-z][a-z0-9-]*$"
DOCUMENT = r"^[a-z][a-z-]*$"
INCLUDE = r"^[a-z][a-z-]*\.(front|back)$"
IMAGE = r"^insurer\.[a-z0-9_]+$"
INK = r"^(paper|black|insurer\.[a-z][a-z0-9_]*|spot\.[A-Za-z][A-Za-z0-9_-]*)$"
FIT_STEP = r"^(condense (0?\.[0-9]+|1(\.0+)?)|shrink [0-9]+(\.[0-9]+)?|wrap [1-9][0-9]?|omit|reject)$"
# Numbers are strict: YAML knows a number from a text, and "5" in quotes is a slip.
Mm = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-2000, le=2000)]
PositiveMm = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=2000)]
Points = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=400)]
Percent = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=100)]
Flag = Annotated[bool, Field(strict=True)]
Cmyk = tuple[Percent, Percent, Percent, Percent]
Box = tuple[Mm, Mm, PositiveMm, PositiveMm]
ItemName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")]
Align = Literal["left", "center", "right", "distribute", "justify"]
Valign = Literal["baseline", "top", "middle", "bottom"]
Side = Literal["front", "back", "next"]
Role = Literal["h1", "h2", "h3", "p", "more", "label", "value", "column", "artifact"]
Point = tuple[Mm, Mm]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
LayoutName = Annotated[str, Field(pattern=LAYOUT)]
ElementId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*$")]

_INKS = "`paper`, `black`, `insurer.ROLE` (the palette), `spot.NAME` or [c, m, y, k] in percent"
_CONDITION = r"^(not )?[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*( is [a-z][a-z0-9_]*)?$"


def _ink(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(INK, value):
        raise ValueError(f"no ink: {value}; an ink is paper, black, insurer.ROLE, spot.NAME or [c, m, y, k] in percent")
    if not isinstance(value, (str, list, tuple)) or (not isinstance(value, str) and len(value) != 4):
        raise ValueError("an ink is paper, black, insurer.ROLE, spot.NAME or [c, m, y, k] in percent")
    return value


def _radius(value: Any) -> Any:
    if value == "insurer.corner_radius" or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise ValueError("a radius is a length in mm or insurer.corner_radius")


def _wording(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("an empty text prints nothing: word it, or take out the elements that print it")
    if isinstance(value, str) or (isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value)):
        return value
    raise ValueError("wording is a text or a list of texts (a number needs quotes)")


class FitStep(Written):
    """One step of a fit policy: `condense 0.7`, `shrink 5`, `wrap 2`, `omit` or `reject`."""

    kind: Literal["condense", "shrink", "wrap", "omit", "reject"]
    limit: float | None = None

    def __str__(self) -> str:
        return self.kind if self.limit is None else f"{self.kind} {self.limit:g}"


def _fit_step(value: Any) -> Any:
    if isinstance(value, FitStep):
        return value
    if not isinstance(value, str) or not re.fullmatch(FIT_STEP, value):
        raise ValueError(f"no step: {value}; a step is condense 0.7, shrink 5, wrap 2, omit or reject")
    kind, _, limit = value.partition(" ")
    return FitStep(kind=kind, limit=float(limit)) if limit else FitStep(kind=kind)  # type: ignore[arg-type]


class Condition(Written):
    """A flag that must be on (`holder.is_dependent`) or off (`not card.has_qr`).

    Of flags that say what one thing is (`fact is burden`) only one is ever on.
    """

    flag: str
    wanted: bool = True

    def excludes(self, other: Condition) -> bool:
        """Whether the two can never both hold."""
        if self.flag == other.flag:
            return self.wanted != other.wanted
        subject, found, _ = self.flag.partition(" is ")
        return bool(found) and self.wanted and other.wanted and other.flag.startswith(f"{subject} is ")


def _conditions(value: Any) -> Any:
    return tuple(_condition(part) for part in (value if isinstance(value, (list, tuple)) else [value]))


def _condition(value: Any) -> Any:
    if isinstance(value, Condition):
        return value
    if not isinstance(value, str) or not re.fullmatch(_CONDITION, value):
        raise ValueError(f"no condition: {value}; a condition is a flag or not and a flag: not card.has_qr")
    return {"flag": value.removeprefix("not "), "wanted": not value.startswith("not ")}


_ConditionText = Annotated[str, Field(pattern=_CONDITION)]
Ink = Annotated[Annotated[str, Field(pattern=INK)] | Cmyk, BeforeValidator(_ink)]
Radius = Annotated[
    Annotated[float, Field(ge=0, le=500)] | Literal["insurer.corner_radius"],
    BeforeValidator(_radius),
]
Wording = Annotated[str | tuple[str, ...], BeforeValidator(_wording)]
Fit = tuple[
    Annotated[
        FitStep,
        BeforeValidator(_fit_step, json_schema_input_type=Annotated[str, Field(pattern=FIT_STEP)]),
    ],
    ...,
]
When = Annotated[
    tuple[Condition, ...],
    BeforeValidator(_conditions, json_schema_input_type=_ConditionText | tuple[_ConditionText, ...]),
]


class Style(Written):
    """How a text is set."""

    stack: str = Field(description="A stack of faces in fonts.toml")
    size: Points = Field(description="Type size in points")
    align: Align = Field(
        default="left",
        description="`distribute` spreads the characters over the width (均等割付), `justify` those of all "
        "lines but the last (両端揃え)",
    )
    valign: Valign = Field(
        default="baseline",
        description="`baseline`: the first baseline stands 0.88 x size below the box's top, and stays when shrunk",
    )
    fit: Fit = Field(
        default=(FitStep(kind="reject"),),
        description="Steps in order, each kind once: `condense 0.7`, `shrink 5`, `wrap 2`; last `omit` or `reject`",
    )
    tracking: Mm = Field(default=0, description="mm between characters")
    line_height: Annotated[float, Field(strict=True, ge=0.8, le=4)] = Field(
        default=1.25, description="From baseline to baseline, in type sizes"
    )
    vertical: Flag = Field(
        default=False,
        description="Vertical writing (縦書き), columns from right to left: `left` is the top, `top` the right edge",
    )
    ink: Ink = Field(default="black", description=f"Ink of the text: {_INKS}")


class Element(Written):
    """What all elements share."""

    id: ElementId = Field(description="A name, once in a layout")
    when: When = Field(default=(), description="Flags that must all hold: `card.has_qr`, `not card.has_qr`")
    each: Name | None = Field(
        default=None, description="A flow: drawn for each of its rows, with lengths from the row's own corner"
    )
    empty: Flag = Field(default=False, description="With `each`: drawn at the places that no row takes instead")
    _line: int = PrivateAttr(default=0)

    @property
    def line_no(self) -> int:
        """The line in the layout file."""
        return self._line


class Readable(Element):
    """What can be read aloud."""

    after: ElementId | None = Field(
        default=None, description="Read aloud right after this element of the same side or row, not where it is drawn"
    )


class Figure(Readable):
    """A picture or a symbol, which words stand for where it cannot be seen."""

    alt: Annotated[str, Field(pattern=r"^wording\.[a-z0-9_]+$")] | None = Field(
        default=None, description="`wording.KEY`: what it says to who does not see it"
    )


class TextElement(Readable):
    """What texts and fields share: a box and a style, of which each part can be overridden."""

    box: Box = Field(description="[x, y, width, height] in mm")
    style: str = Field(description="One of the layout's styles")
    align: Align | None = Field(default=None, description="Instead of the style's")
    valign: Valign | None = Field(default=None, description="Instead of the style's")
    fit: Fit | None = Field(default=None, description="Instead of the style's")
    vertical: Flag | None = Field(default=None, description="Instead of the style's")
    rotate: Annotated[float, Field(strict=True, ge=-360, le=360)] = Field(
        default=0, description="Degrees counter-clockwise, about the centre of the box"
    )
    step: tuple[Mm, Mm] | None = Field(
        default=None, description="For a list of wording: each item stands [dx, dy] mm from the one before"
    )
    gap: Mm | None = Field(
        default=None, description="A list of wording as paragraphs, one below the other, this many mm apart"
    )
    role: Role | None = Field(
        default=None,
        description=(
            "What it is to who listens: `h1` to `h3`, `p`; `more` of what is read before it; `label` and `value` of a "
            "table, `column` a column's head; `artifact` is not read"
        ),
    )
    under: ElementId | None = Field(
        default=None,
        description="The `column` in whose cell of this row a `label` or `value` stands; a `p` comes after that table",
    )
    background: Flag = Field(
        default=False, description="A tint behind other texts (specimen mark): exempt from collision and safe area"
    )


class Text(TextElement):
    """Fixed wording: `text: wording.card_title`, from the layout's own wording or the insurer's."""

    text: Annotated[str, Field(pattern=r"^wording\.[a-z0-9_]+$")] = Field(description="`wording.KEY`")


class FieldText(TextElement):
    """A print item: `field: holder.name`."""

    field: ItemName = Field(description="A print item of the document's catalogue")
    required: Flag = Field(default=False, description="An empty item is an error")
    comb: Annotated[int, Field(strict=True, ge=2, le=60)] | None = Field(
        default=None, description="One character to each of this many equal cells of the box"
    )


class Painted(Element):
    """What shapes share."""

    fill: Ink | None = Field(default=None, description=f"Ink of the area: {_INKS}")
    stroke: Ink | None = Field(default=None, description=f"Ink of the outline, centred on the shape's edge: {_INKS}")
    stroke_width: Annotated[PositiveMm, Field(ge=0.09)] = Field(
        default=0.2, description="mm; a press holds no line under 0.09 mm (0.25 pt)"
    )
    dash: Annotated[tuple[PositiveMm, ...], Field(max_length=6)] = Field(
        default=(), description="Dashes: [on, off, ...] in mm"
    )
    count: Annotated[int, Field(strict=True, ge=1, le=200)] = Field(default=1, description="How often it is drawn")
    step: tuple[Mm, Mm] = Field(default=(0, 0), description="Each copy stands [dx, dy] mm from the one before")


class Cover(Written):
    """What a seal is stuck over: a box on another document, or its part above a rule, and a margin round it."""

    document: Annotated[str, Field(pattern=DOCUMENT)] = Field(description="The other document: card")
    box: ElementId = Field(description="The id of a rect of its layout")
    above: ElementId | None = Field(
        default=None, description="The id of a line: the seal ends on it, and leaves visible what stands below"
    )
    margin: Annotated[float, Field(strict=True, ge=0, le=20)] = Field(
        description="mm that the seal reaches beyond the box, on each side where it does not end on a line"
    )


class Rect(Painted):
    """A rectangle; `radius` rounds its corners (a length, or `insurer.corner_radius`)."""

    covers: Cover | None = Field(
        default=None, description="A seal: it must be as large as what it covers on another document"
    )
    rect: Box | Literal["trim"] = Field(description="[x, y, width, height] in mm, or `trim`: the page's own edge")
    radius: Radius = Field(default=0, description="mm, or `insurer.corner_radius`")


class Line(Painted):
    """A straight rule."""

    line: tuple[Mm, Mm, Mm, Mm] = Field(description="[x1, y1, x2, y2] in mm")


class Circle(Painted):
    """Concentric circles; they may reach beyond the bleed."""

    circle: tuple[Mm, Mm] = Field(description="The centre, [x, y] in mm")
    radii: Annotated[tuple[PositiveMm, ...], Field(min_length=1)] = Field(description="mm")


class Hatch(Painted):
    """Parallel strokes that fill a rectangle: a tint that scrambles what lies beneath."""

    hatch: Box = Field(description="[x, y, width, height] in mm")
    angle: Annotated[float, Field(strict=True, gt=-180, lt=180)] = Field(default=45, description="Degrees")
    pitch: PositiveMm = Field(description="mm from stroke to stroke, across")


class Image(Figure):
    """Vector artwork of the insurer: scaled to fit the box, centred."""

    image: Annotated[str, Field(pattern=IMAGE)] = Field(description="`insurer.mark`")
    box: Box = Field(description="[x, y, width, height] in mm")


class Qr(Figure):
    """A QR symbol with its quiet zone of four modules inside the box."""

    qr: ItemName = Field(description="The print item that is encoded")
    box: Box = Field(description="[x, y, width, height] in mm, quiet zone included")
    level: Literal["L", "M", "Q", "H"] = Field(default="M", description="Error correction")
    module_min: PositiveMm = Field(default=0.33, description="Smallest module in mm")
    required: Flag = Field(default=False, description="An empty item is an error")


class Barcode(Figure):
    """A customer barcode of Japan Post (カスタマバーコード): its size in points, 2 mm clear all round."""

    barcode: ItemName = Field(description="The print item that is encoded: seven digits and the display number")
    at: Point = Field(description="[x, y] of its top-left corner in mm")
    size: Annotated[float, Field(strict=True, ge=8, le=11.5)] = Field(default=10, description="8 to 11.5 pt")


class Include(Element):
    """A side of another document, placed by its trim's top-left corner: `include: card.front`."""

    include: Annotated[str, Field(pattern=INCLUDE)] = Field(
        description="DOCUMENT.SIDE; the row (or the record) brings that document's own record"
    )
    at: Point = Field(description="[x, y] in mm")

    @property
    def source(self) -> tuple[str, Side]:
        """The document and its side."""
        document, _, side = self.include.partition(".")
        return document, "front" if side == "front" else "back"


ELEMENTS: dict[str, type[Element]] = {
    "text": Text,
    "field": FieldText,
    "rect": Rect,
    "line": Line,
    "circle": Circle,
    "hatch": Hatch,
    "image": Image,
    "qr": Qr,
    "barcode": Barcode,
    "include": Include,
}
KINDS = tuple(ELEMENTS)


def kinds_in(value: Any) -> list[str]:
    """The kinds of element that a mapping could be, by its keys."""
    return [kind for kind in KINDS if isinstance(value, dict) and kind in value]


def _kind(value: Any) -> str | None:
    if isinstance(value, Element):
        return next(kind for kind, model in ELEMENTS.items() if type(value) is model)
    found = kinds_in(value)
    return found[0] if len(found) == 1 else None


AnyElement = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[FieldText, Tag("field")]
    | Annotated[Rect, Tag("rect")]
    | Annotated[Line, Tag("line")]
    | Annotated[Circle, Tag("circle")]
    | Annotated[Hatch, Tag("hatch")]
    | Annotated[Image, Tag("image")]
    | Annotated[Qr, Tag("qr")]
    | Annotated[Barcode, Tag("barcode")]
    | Annotated[Include, Tag("include")],
    Discriminator(_kind),
]


class Page(Written):
    """The trim size that the layout is drawn on, its bleed and its safe area."""

    width: PositiveMm = Field(description="mm")
    height: PositiveMm = Field(description="mm")
    bleed: Annotated[float, Field(strict=True, ge=0, le=20)] = Field(default=3, description="mm outside the trim")
    safe: Annotated[float, Field(strict=True, ge=0, le=50)] = Field(default=2, description="mm inside the trim")
    trims: tuple[tuple[PositiveMm, PositiveMm], ...] = Field(
        default=(),
        description="Other trims, [width, height], that a profile may ask for; the drawing is centred on them",
    )

    @field_validator("trims")
    @classmethod
    def _drawn_on_the_largest(
        cls, trims: tuple[tuple[float, float], ...], info: ValidationInfo
    ) -> tuple[tuple[float, float], ...]:
        """Nothing is drawn beyond the page's bleed, which a larger trim would have to reach."""
        page = info.data.get("width"), info.data.get("height")
        if any(drawn is not None and size > drawn for trim in trims for size, drawn in zip(trim, page, strict=True)):
            raise ValueError("a trim is larger than the page: draw on the largest, and list the smaller ones")
        return trims


class Places(Written):
    """A flow into fixed places: each side that takes rows, with the corners [x, y] of its places."""

    rows: ItemName = Field(description="The list of the catalogue that flows")
    places: dict[Side, Annotated[tuple[Point, ...], Field(min_length=1)]] = Field(description="Corners by side, in mm")


class Rows(Written):
    """A flow of rows, one below the other, each as tall as its texts need: a table."""

    rows: ItemName = Field(description="The list of the catalogue that flows")
    within: dict[Side, Box] = Field(description="The box that rows fill, by side")
    min_height: PositiveMm = Field(description="mm; a row grows with the lines of its texts")
    keep: Annotated[int, Field(strict=True, ge=1, le=20)] = Field(
        default=1, description="Rows of one group stay on one page if the group has at most so many"
    )


def _flow_kind(value: Any) -> str:
    found = isinstance(value, Rows) or (isinstance(value, dict) and "within" in value)
    return "flow_of_rows" if found else "flow_of_places"


Flow = Annotated[
    Annotated[Places, Tag("flow_of_places")] | Annotated[Rows, Tag("flow_of_rows")], Discriminator(_flow_kind)
]


class Showing(Written):
    """What an envelope's window shows of the folded front, wherever the sheet slides in it: this and nothing else."""

    envelope: LayoutName = Field(description="The envelope's layout: envelope-long-3")
    window: ElementId = Field(description="The id of a rect of it")
    panel: Box = Field(
        description="[x, y, width, height]: the part of the front that faces the window, as large as the folded sheet"
    )
    tolerance: Annotated[float, Field(strict=True, ge=0, le=10)] = Field(
        description="mm by which print and window may be off, on each side"
    )
    elements: Annotated[tuple[ElementId, ...], Field(min_length=1)] = Field(
        description="The ids of what is shown, whole and always; nothing else ever, but texts with `background: true`"
    )


class Layout(Written):
    """One document's layout."""

    layout: LayoutName = Field(description="The document's name: card")
    title: str = Field(description="What people call the document")
    page: Page
    wording: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], Wording] = Field(
        default={}, description="Fixed texts; an insurer's profile may override the keys that stand here"
    )
    spots: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")], Cmyk] = Field(
        default={}, description="Spot colours by name, each with the [c, m, y, k] in percent that shows it on a screen"
    )
    styles: dict[str, Style] = Field(description="Named ways to set a text")
    flows: dict[Name, Flow] = Field(
        default={}, description="Lists that flow over places or rows, and on over further pages"
    )
    sides: dict[Side, tuple[AnyElement, ...]] = Field(
        description="Elements, drawn in the order in which they stand, records' texts and symbols above all else; "
        "`next` is printed for as long as a flow has rows"
    )
    sides_when: dict[Side, When] = Field(
        default={}, description="Sides that are printed only if these flags of the record hold"
    )
    shows_in: Showing | None = Field(
        default=None, description="The window of the envelope that it goes into, and what is seen through it"
    )
    _file: str = PrivateAttr(default="")
    _lines: dict[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> str:
        """The file that it was read from, for messages."""
        return self._file

    def line(self, path: Iterable[str | int]) -> int | None:
        """The line of the nearest node at or above `path` (keys and indexes); None if not read from a file."""
        key = tuple(path)
        while key and key not in self._lines:
            key = key[:-1]
        return self._lines.get(key)
