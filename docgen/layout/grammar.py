"""What can be wrong in a layout without knowing a record, an insurer or a font."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from docgen.errors import Violation
from docgen.layout.models import (
    Barcode,
    Circle,
    Element,
    FieldText,
    Figure,
    Fit,
    Hatch,
    Image,
    Include,
    Layout,
    Line,
    Painted,
    Places,
    Qr,
    Rect,
    Rows,
    Side,
    Style,
    Text,
    TextElement,
)
from docgen.located import suggest

BARCODE_CLEAR = 2.0  # mm, https://post.japanpost.jp/zipcode/zipmanual/p13.html
_SLACK = 0.01  # mm: boxes that touch do not collide


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in mm by its edges."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, by: float) -> Area:
        return Area(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def holds(self, other: Area) -> bool:
        return (
            self.left <= other.left + _SLACK
            and self.top <= other.top + _SLACK
            and self.right >= other.right - _SLACK
            and self.bottom >= other.bottom - _SLACK
        )

    def meets(self, other: Area) -> bool:
        # Most areas do not meet, and every text is held against every other: that these do not is seen at once.
        return (
            self.right - other.left > _SLACK
            and other.right - self.left > _SLACK
            and self.bottom - other.top > _SLACK
            and other.bottom - self.top > _SLACK
            and min(self.right - self.left, other.right - other.left) > _SLACK
            and min(self.bottom - self.top, other.bottom - other.top) > _SLACK
        )

    def __str__(self) -> str:
        return f"x {self.left:g} to {self.right:g}, y {self.top:g} to {self.bottom:g}"


@dataclass(frozen=True, slots=True)
class _Place:
    """An element and where it is written."""

    side: Side
    index: int
    element: Element

    def path(self, key: str) -> tuple[str | int, ...]:
        return ("sides", self.side, self.index, key)


def is_vertical(element: TextElement, style: Style) -> bool:
    """Whether a text is set vertically: as the element says, or else its style."""
    return style.vertical if element.vertical is None else element.vertical


def check_references(layout: Layout) -> tuple[Violation, ...]:
    """The names inside a layout: each id once, every style and wording key declared and used, fit policies sound.

    Codes: `layout_duplicate_id`, `layout_unknown_style`, `layout_unknown_wording`, `layout_unused`,
    `layout_fit_policy`, `layout_unknown_flow`, `layout_value` (a list of wording without a step), `layout_vertical`.
    """
    return tuple(_in_file_order(_references(layout)))


def check_grammar(layout: Layout, type_floor: float = 5.0) -> tuple[Violation, ...]:
    """What stands where: nothing off the page, texts and artwork in the safe area, no small type, no collisions.

    `type_floor` is the insurer's smallest type in points. The safe area is that of the smallest of the page's trims,
    centred. Texts collide when their boxes overlap and no pair of their conditions excludes the other.

    Codes: `layout_off_page`, `layout_outside_safe_area`, `layout_type_too_small`, `layout_collision`.
    """
    return tuple(_in_file_order(_geometry(layout, type_floor)))


def _in_file_order(violations: Iterable[Violation]) -> list[Violation]:
    return sorted(violations, key=lambda violation: violation.line or 0)


def _violation(layout: Layout, path: tuple[str | int, ...], code: str, message: str, hint: str = "") -> Violation:
    element = None
    if path[0] == "sides":
        element = layout.sides[path[1]][path[2]].id  # type: ignore[index]
    return Violation(code, message, hint, element=element, file=layout.file or None, line=layout.line(path))


def _places(layout: Layout) -> list[_Place]:
    return [_Place(side, i, element) for side, elements in layout.sides.items() for i, element in enumerate(elements)]


# --- names ---


def _references(layout: Layout) -> Iterator[Violation]:
    places = _places(layout)
    yield from _duplicates(layout, places)
    for place in places:
        yield from _flow_references(layout, place)
        if isinstance(place.element, Figure) and place.element.alt is not None:
            yield from _alt(layout, place, place.element.alt.removeprefix("wording."))
        if isinstance(place.element, TextElement):
            yield from _text_references(layout, place, place.element)
    yield from _flows(layout, places)
    for name, style in layout.styles.items():
        yield from _fit_policy(layout, ("styles", name), style.fit, style.size)
    yield from _unused(layout, places)


def _duplicates(layout: Layout, places: list[_Place]) -> Iterator[Violation]:
    first: dict[str, _Place] = {}
    for place in places:
        earlier = first.setdefault(place.element.id, place)
        if earlier is not place:
            line = layout.line(earlier.path("id"))
            message = f"the id {place.element.id} is taken" + (f" on line {line}" if line else "")
            yield _violation(layout, place.path("id"), "layout_duplicate_id", message, "an id stands once in a layout")


def _flow_references(layout: Layout, place: _Place) -> Iterator[Violation]:
    element = place.element
    if element.each is None:
        if element.empty:
            message, hint = "empty places belong to a flow", "each: FLOW"
            yield _violation(layout, place.path("empty"), "layout_unknown_flow", message, hint)
        return
    if element.each not in layout.flows:
        message, hint = f"no such flow: {element.each}", suggest(element.each, layout.flows)
        yield _violation(layout, place.path("each"), "layout_unknown_flow", message, hint)
    elif place.side not in sides_of(layout.flows[element.each]):
        message = f"the flow {element.each} has no place on the side {place.side}"
        hint = f"it has on: {', '.join(sides_of(layout.flows[element.each]))}"
        yield _violation(layout, place.path("each"), "layout_unknown_flow", message, hint)


def sides_of(flow: Places | Rows) -> Iterable[Side]:
    """The sides that take a flow's rows."""
    return flow.places if isinstance(flow, Places) else flow.within


def _flows(layout: Layout, places: list[_Place]) -> Iterator[Violation]:
    used = {place.element.each for place in places}
    for name, flow in layout.flows.items():
        key = "places" if isinstance(flow, Places) else "within"
        for side in sides_of(flow):
            if side not in layout.sides:
                message, hint = f"no such side: {side}", suggest(side, layout.sides)
                yield _violation(layout, ("flows", name, key, side), "layout_unknown_flow", message, hint)
        if name not in used:
            yield _violation(layout, ("flows", name), "layout_unused", f"no element uses the flow {name}")


def _text_references(layout: Layout, place: _Place, element: TextElement) -> Iterator[Violation]:
    style = layout.styles.get(element.style)
    if style is None:
        message, hint = f"no such style: {element.style}", suggest(element.style, layout.styles)
        yield _violation(layout, place.path("style"), "layout_unknown_style", message, hint)
    elif is_vertical(element, style):
        yield from _vertical(layout, place, element)
    if isinstance(element, Text):
        yield from _wording(layout, place, element)
    elif element.step is not None:
        yield _violation(layout, place.path("step"), "layout_value", "a field has no step", "a list of wording has")
    if element.fit is not None:
        yield from _fit_policy(layout, place.path("fit")[:-1], element.fit, style.size if style else math.inf)
    fit = element.fit or (style.fit if style else ())
    if isinstance(element, FieldText) and element.required and any(step.kind == "omit" for step in fit):
        message = "a required field cannot be omitted"
        yield _violation(layout, place.path("required"), "layout_fit_policy", message, "end its fit with reject")


def _vertical(layout: Layout, place: _Place, element: TextElement) -> Iterator[Violation]:
    """What only horizontal lines can have."""
    grows = isinstance(layout.flows.get(element.each or ""), Rows)
    for key, found, why in (
        ("rotate", element.rotate != 0, "vertical text is not rotated"),
        (
            "gap",
            element.gap is not None,
            "paragraphs with a gap stand one below the other, and columns beside each other",
        ),
        ("comb", isinstance(element, FieldText) and element.comb is not None, "a comb's cells stand beside each other"),
        ("each", grows, "a row grows with its lines, and columns do not stand one below the other"),
    ):
        if found:
            hint = "leave it out, or set the element `vertical: false`"
            yield _violation(layout, place.path(key), "layout_vertical", why, hint)


def _wording(layout: Layout, place: _Place, element: Text) -> Iterator[Violation]:
    key = element.text.removeprefix("wording.")
    wording = layout.wording.get(key)
    if wording is None:
        message, hint = f"no such wording: {key}", suggest(key, layout.wording)
        yield _violation(layout, place.path("text"), "layout_unknown_wording", message, hint)
    elif isinstance(wording, str) and (element.step or element.gap) is not None:
        message, hint = "one text has no step", f"make wording.{key} a list"
        name = "gap" if element.step is None else "step"
        yield _violation(layout, place.path(name), "layout_value", message, hint)
    elif not isinstance(wording, str) and (element.step is None) == (element.gap is None):
        message, hint = f"wording.{key} is a list: its items need a step or a gap", "step: [dx, dy] or gap: mm"
        yield _violation(layout, place.path("text"), "layout_value", message, hint)


def _alt(layout: Layout, place: _Place, key: str) -> Iterator[Violation]:
    if key not in layout.wording:
        message, hint = f"no such wording: {key}", suggest(key, layout.wording)
        yield _violation(layout, place.path("alt"), "layout_unknown_wording", message, hint)
    elif not isinstance(layout.wording[key], str):
        yield _violation(layout, place.path("alt"), "layout_value", f"wording.{key} is a list", "one text is read")


def _unused(layout: Layout, places: list[_Place]) -> Iterator[Violation]:
    """A name that nothing uses is most often a name that was misspelt."""
    texts = [place.element for place in places if isinstance(place.element, TextElement)]
    styles = {element.style for element in texts}
    wording = {element.text.removeprefix("wording.") for element in texts if isinstance(element, Text)}
    figures = [place.element for place in places if isinstance(place.element, Figure)]
    wording |= {element.alt.removeprefix("wording.") for element in figures if element.alt is not None}
    painted = [place.element for place in places if isinstance(place.element, Painted)]
    inks = {ink for element in painted for ink in (element.fill, element.stroke)}
    inks |= {style.ink for style in layout.styles.values()}
    for name in layout.styles.keys() - styles:
        yield _violation(layout, ("styles", name), "layout_unused", f"no element uses the style {name}")
    for name in layout.wording.keys() - wording:
        yield _violation(layout, ("wording", name), "layout_unused", f"no element uses the wording {name}")
    for name in layout.spots:
        if f"spot.{name}" not in inks:
            yield _violation(layout, ("spots", name), "layout_unused", f"nothing uses the spot colour {name}")


# --- fit policies ---


def _fit_policy(layout: Layout, owner: tuple[str | int, ...], fit: Fit, size: float) -> Iterator[Violation]:
    kinds = [step.kind for step in fit]
    code = "layout_fit_policy"
    if not kinds or kinds[-1] not in ("omit", "reject"):
        yield _violation(layout, (*owner, "fit"), code, "a fit policy ends with omit or reject")
    for index, step in enumerate(fit):
        path = (*owner, "fit", index)
        if step.kind in kinds[:index]:
            yield _violation(layout, path, code, f"{step.kind} stands twice", "each kind of step once")
        if step.kind in ("omit", "reject") and index < len(fit) - 1:
            yield _violation(layout, path, code, f"no step is reached after {step.kind}", "put it last")
        if wrong := _limit_error(step.kind, step.limit, size):
            yield _violation(layout, path, code, f"{step}: {wrong}")


def _limit_error(kind: str, limit: float | None, size: float) -> str:
    if kind in ("omit", "reject"):
        return "" if limit is None else "this step has no limit"
    if limit is None:
        return "this step needs a limit"
    if kind == "condense" and not 0.3 <= limit <= 1:
        return "a text is condensed to between 0.3 and 1 of its width"
    if kind == "shrink" and not 1 <= limit < size:
        return f"a text is shrunk to 1 pt or more, and below its size of {size:g} pt"
    if kind == "wrap" and (limit < 1 or limit != int(limit)):
        return "a text is wrapped into a whole number of lines, 1 or more"
    return ""


# --- geometry ---


def _geometry(layout: Layout, type_floor: float) -> Iterator[Violation]:
    places = _places(layout)
    for place in places:
        yield from _on_page(layout, place)
        yield from _in_safe_area(layout, place)
    yield from _type_sizes(layout, places, type_floor)
    for side in layout.sides:
        read = [
            (place, areas_of(layout, place.element))
            for place in places
            if place.side == side and _is_read(place.element)
        ]
        for (one, mine), (other, theirs) in combinations(read, 2):
            yield from _collision(layout, one, mine, other, theirs)


def _is_read(element: Element) -> bool:
    """Whether people or readers must be able to read it."""
    return isinstance(element, (Qr, Barcode)) or (isinstance(element, TextElement) and not element.background)


def _on_page(layout: Layout, place: _Place) -> Iterator[Violation]:
    page = layout.page
    sheet = Area(0, 0, page.width, page.height).grown(page.bleed)
    area = area_of(layout, place.element)
    own = _first_area(layout, place.element)
    if place.element.each is not None and (own.left < -page.bleed or own.top < -page.bleed):
        message, hint = f"stands left of or above its row: {own}", "begin the flow's places there"
        yield _violation(layout, place.path(_place_key(place.element)), "layout_off_page", message, hint)
        return
    if isinstance(place.element, Circle):
        if area.meets(sheet):  # circles may run off the page: they are clipped at the bleed
            return
    elif sheet.holds(area):
        return
    message = f"stands off the page: {area}"
    yield _violation(layout, place.path(_place_key(place.element)), "layout_off_page", message, f"the page: {sheet}")


def _in_safe_area(layout: Layout, place: _Place) -> Iterator[Violation]:
    """Texts, symbols and artwork keep to the safe area; artwork may also run off the page, to the end of the bleed."""
    is_image = isinstance(place.element, Image)
    if not (is_image or _is_read(place.element)):
        return
    page = layout.page
    width = min([page.width, *(width for width, _ in page.trims)])
    height = min([page.height, *(height for _, height in page.trims)])
    left, top = (page.width - width) / 2, (page.height - height) / 2
    safe = Area(left, top, left + width, top + height).grown(-page.safe)
    area = area_of(layout, place.element)
    sheet = Area(0, 0, page.width, page.height).grown(page.bleed)
    if is_image and not sheet.holds(area):
        return  # told as such
    if not safe.holds(_held(area, sheet, safe) if is_image else area):
        message, hint = f"stands outside the safe area: {area}", f"the safe area: {safe}"
        if is_image:
            hint += f"; or let it run off the page, to the end of the bleed: {sheet}"
        yield _violation(layout, place.path(_place_key(place.element)), "layout_outside_safe_area", message, hint)


def _held(area: Area, sheet: Area, safe: Area) -> Area:
    """What of an area must keep to the safe area: each edge but those at the end of the bleed."""
    return Area(
        safe.left if area.left <= sheet.left + _SLACK else area.left,
        safe.top if area.top <= sheet.top + _SLACK else area.top,
        safe.right if area.right >= sheet.right - _SLACK else area.right,
        safe.bottom if area.bottom >= sheet.bottom - _SLACK else area.bottom,
    )


def _type_sizes(layout: Layout, places: list[_Place], floor: float) -> Iterator[Violation]:
    """Type below the floor, told where its size is written: in a style, or in an element's own fit policy."""
    for name, style in layout.styles.items():
        key = "size" if style.size < floor else "fit"
        yield from _type_size(layout, ("styles", name, key), min(style.size, _smallest(style.fit)), floor)
    for place in places:
        if isinstance(place.element, TextElement) and place.element.fit is not None:
            yield from _type_size(layout, place.path("fit"), _smallest(place.element.fit), floor)


def _smallest(fit: Fit) -> float:
    return min((step.limit for step in fit if step.kind == "shrink" and step.limit is not None), default=math.inf)


def _type_size(layout: Layout, path: tuple[str | int, ...], size: float, floor: float) -> Iterator[Violation]:
    if size < floor:
        message = f"type of {size:g} pt is below the floor of {floor:g} pt"
        yield _violation(layout, path, "layout_type_too_small", message, "the floor is the insurer's type_floor")


def _both_visible(one: Element, other: Element) -> bool:
    if one.each is not None and one.each == other.each and one.empty != other.empty:
        return False
    return not any(first.excludes(second) for first in one.when for second in other.when)


def _collision(layout: Layout, one: _Place, mine: list[Area], other: _Place, theirs: list[Area]) -> Iterator[Violation]:
    for first in mine:
        for second in theirs:
            if first.meets(second) and _both_visible(one.element, other.element):
                message = f"collides with {one.element.id}: {second} over {first}"
                hint = "move one of them, or give them conditions that exclude each other"
                yield _violation(layout, other.path(_place_key(other.element)), "layout_collision", message, hint)
                return


# --- where an element stands ---


def _place_key(element: Element) -> str:
    kinds: tuple[tuple[type[Element], str], ...] = (
        (Rect, "rect"),
        (Line, "line"),
        (Circle, "circle"),
        (Hatch, "hatch"),
        (Barcode, "at"),
        (Include, "at"),
    )
    for kind, key in kinds:
        if isinstance(element, kind):
            return key
    return "box"


def area_of(layout: Layout, element: Element) -> Area:
    """The smallest rectangle around all copies of the element."""
    areas = areas_of(layout, element) or [_first_area(layout, element)]
    return Area(
        min(area.left for area in areas),
        min(area.top for area in areas),
        max(area.right for area in areas),
        max(area.bottom for area in areas),
    )


def areas_of(layout: Layout, element: Element) -> list[Area]:
    """The rectangle of each copy of the element, in the side's own mm; of a flow's rows the first and the last.

    A barcode has the clear space round it that readers need; an included side is a point, its corner.
    """
    area = _first_area(layout, element)
    count, (dx, dy) = _copies(layout, element)
    return [
        Area(area.left + x, area.top + y, area.right + x, area.bottom + y)
        for left, top in _corners(layout, element)
        for x, y in ((left + i * dx, top + i * dy) for i in range(count))
    ]


def _corners(layout: Layout, element: Element) -> Iterable[tuple[float, float]]:
    """Where the element's lengths are measured from: the page's corner, or those of its flow's places or rows.

    Of rows the first and the last that fit stand for all.
    """
    if element.each is None:
        return ((0.0, 0.0),)
    flow = layout.flows[element.each]
    side = next(side for side, elements in layout.sides.items() if any(other is element for other in elements))
    if isinstance(flow, Places):
        return flow.places.get(side, ())
    if side not in flow.within:
        return ()
    x, y, _, height = flow.within[side]
    return ((x, y), (x, y + height - (0 if element.empty else flow.min_height)))


def _copies(layout: Layout, element: Element) -> tuple[int, tuple[float, float]]:
    if isinstance(element, Painted):
        return element.count, element.step
    if isinstance(element, Text) and element.step is not None:
        wording = layout.wording.get(element.text.removeprefix("wording."), "")
        return (1 if isinstance(wording, str) else max(1, len(wording))), element.step
    return 1, (0, 0)


def _first_area(layout: Layout, element: Element) -> Area:
    if isinstance(element, Line):
        x1, y1, x2, y2 = element.line
        return Area(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    if isinstance(element, Circle):
        (x, y), radius = element.circle, max(element.radii)
        return Area(x, y, x, y).grown(radius)
    if isinstance(element, Barcode):
        # 67 bars, the last without its gap; two mm stay clear all round (Japan Post's manual, p. 12 and 13).
        width, height = (66 * 1.2 + 0.6) * element.size / 10, 3.6 * element.size / 10
        x, y = element.at
        return Area(x, y, x + width, y + height).grown(BARCODE_CLEAR)
    if isinstance(element, Include):
        return Area(*element.at, *element.at)  # as large as the other document's page, which compose knows
    if isinstance(element, Hatch):
        x, y, width, height = element.hatch
        return Area(x, y, x + width, y + height)
    if isinstance(element, Rect):
        page = (0.0, 0.0, layout.page.width, layout.page.height)
        x, y, width, height = page if element.rect == "trim" else element.rect
    elif isinstance(element, (TextElement, Image, Qr)):
        x, y, width, height = element.box
    else:
        raise TypeError(f"no such element: {type(element).__name__}")
    angle = math.radians(element.rotate) if isinstance(element, TextElement) else 0.0
    half_width = (width * abs(math.cos(angle)) + height * abs(math.sin(angle))) / 2
    half_height = (width * abs(math.sin(angle)) + height * abs(math.cos(angle))) / 2
    x, y = x + width / 2, y + height / 2
    return Area(x - half_width, y - half_height, x + half_width, y + half_height)
