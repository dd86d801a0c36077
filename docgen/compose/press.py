"""What a press and a knife make of inks and grounds: more ink than dries, and white edges where a cut is a little off.

It goes by what is written, element by element, with the inks, the artwork and the trim of one insurer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from docgen.compose.brand import Brand
from docgen.compose.placed import Geometry
from docgen.compose.seen import around, flattened
from docgen.errors import Violation
from docgen.issuance.profile import InsurerProfile
from docgen.layout.grammar import Area, area_of, areas_of
from docgen.layout.models import Element, Hatch, Image, Layout, Painted, Rect

KNIFE = 0.5  # mm by which a cut may be off: a sample
_SLACK = 0.01  # mm, and percent
_STRAIGHT = 2.0  # mm: the least edge of artwork that a cut runs along
_NAMED = 3  # uses of an ink that one message names
_SIDES = ("left", "top", "right", "bottom")
_Parts: TypeAlias = tuple[float, ...]  # of an ink, in percent


# --------------------------------------------------------------------------------------------------------------- bleed


def check_bleed(layout: Layout, brand: Brand, geometry: Geometry) -> Iterator[Violation]:
    """Grounds that end on the trim, up to `KNIFE` inside of it, or between trim and bleed: `layout_bleed`.

    A ground is what is filled or hatched with any ink; of artwork, what has a straight edge there.
    """
    left, top = -geometry.offset_x, -geometry.offset_y
    trim = Area(left, top, left + geometry.width, top + geometry.height)
    for elements in layout.sides.values():
        for element in elements:
            for area, straight in _grounds(layout, brand, element, trim):
                beyond = dict(zip(_SIDES, _beyond(area, trim), strict=True))
                short = [side for side in straight if -KNIFE - _SLACK < beyond[side] < geometry.bleed - _SLACK]
                if short and area.meets(trim):
                    yield _white_edge(layout, element, area, short)
                    break


def _beyond(area: Area, trim: Area) -> tuple[float, float, float, float]:
    """How far an area reaches outside of the trim, in the order of `_SIDES`."""
    return trim.left - area.left, trim.top - area.top, area.right - trim.right, area.bottom - trim.bottom


def _grounds(layout: Layout, brand: Brand, element: Element, trim: Area) -> Iterator[tuple[Area, Iterable[str]]]:
    """The areas that an element covers with ink, each with the sides on which its edge is straight."""
    match element:
        case Rect() if _is_inked(layout, brand, element.fill):
            yield trim if element.rect == "trim" else area_of(layout, element), _SIDES
        case Hatch() if _is_inked(layout, brand, element.stroke):
            yield area_of(layout, element), _SIDES
        case Image():
            artwork = brand.artwork.get(element.image.removeprefix("insurer."))
            for box in areas_of(layout, element) if artwork is not None else ():
                for path in artwork.placed(box.left, box.top, box.right - box.left, box.bottom - box.top):  # type: ignore[union-attr]
                    if path.paint.fill is not None and any(path.paint.fill[:4]):
                        yield _outline([piece for line in flattened(path.segments) for piece in pairwise(line)])


def _is_inked(layout: Layout, brand: Brand, ink: object) -> bool:
    return ink is not None and any(brand.ink(ink, layout.spots)[:4])


def _outline(pieces: list[tuple[tuple[float, float], tuple[float, float]]]) -> tuple[Area, list[str]]:
    """The rectangle around a path's pieces, and the sides on which one of them lies straight along it."""
    area = around([Area(x, y, x, y) for piece in pieces for x, y in piece])
    edges = (area.left, area.top, area.right, area.bottom)

    def runs_along(side: int, piece: tuple[tuple[float, float], tuple[float, float]]) -> bool:
        across, along = side % 2, 1 - side % 2
        return (
            all(abs(point[across] - edges[side]) < _SLACK for point in piece)
            and abs(piece[0][along] - piece[1][along]) > _STRAIGHT
        )

    return area, [name for side, name in enumerate(_SIDES) if any(runs_along(side, piece) for piece in pieces)]


def _white_edge(layout: Layout, element: Element, area: Area, short: list[str]) -> Violation:
    sheet = Area(0, 0, layout.page.width, layout.page.height).grown(layout.page.bleed)
    shown = Area(*(round(length, 2) for length in (area.left, area.top, area.right, area.bottom)))
    sides = "all sides" if len(short) == len(_SIDES) else f"the {' and '.join(short)}"
    message = f"ends at the trim, or short of the bleed, on {sides}, where a cut may leave a white edge: {shown}"
    hint = f"let it run to the end of the bleed, {sheet}, or end more than {KNIFE:g} mm inside of the trim"
    return Violation("layout_bleed", message, hint, element=element.id, file=layout.file, line=element.line_no)


# ----------------------------------------------------------------------------------------------------------- total ink


class _Use(NamedTuple):
    """Something that is painted with an ink of the layout: a style, or a shape by its id."""

    name: str
    element: str | None
    line: int | None


def check_ink(layout: Layout, profile: InsurerProfile) -> Iterator[Violation]:
    """Inks that lay more than the profile's `total_ink` on one place: `layout_total_ink`.

    An ink of the layout is told once for texts and once for shapes, where it is first used; one of the palette or of
    artwork where the profile has it. Spot colours are plates of their own.
    """
    limit, source = profile.total_ink + _SLACK, profile.source
    for ink, uses in [*_inks_of_texts(layout).items(), *_inks_of_shapes(layout).items()]:
        if sum(ink) > limit:
            yield _too_much(profile, _in(uses), ink, layout.file, uses[0].line, uses[0].element)
    roles, images = _roles(layout, profile), _images(layout)
    for role, ink in profile.palette.items():
        if role in roles and sum(ink) > limit:
            yield _too_much(profile, f"palette.{role}: ", ink, source.file, source.line(["palette", role]))
    for name, image in profile.images.items():
        for colour, mapped in image.inks.items() if name in images else ():
            if not isinstance(mapped, str) and sum(mapped) > limit:
                line = source.line(["images", name, "inks", colour])
                yield _too_much(profile, f"images.{name}, {colour}: ", mapped, source.file, line)


def _in(uses: list[_Use]) -> str:
    """What is painted with an ink; a shape alone is named as the violation's element."""
    if len(uses) == 1 and uses[0].element is not None:
        return ""
    more = [f"{len(uses) - _NAMED} more"] if len(uses) > _NAMED else []
    return f"{', '.join([use.name for use in uses[:_NAMED]] + more)}: "


def _too_much(
    profile: InsurerProfile, who: str, ink: _Parts, file: str, line: int | None, element: str | None = None
) -> Violation:
    shown = ", ".join(f"{part:g}" for part in ink)
    message = f"{who}[{shown}] lays {sum(ink):g}% of ink on one place, more than {profile.total_ink:g}%"
    hint = "lower it, or paint black with K alone; the limit is the profile's total_ink"
    return Violation("layout_total_ink", message, hint, element=element, file=file, line=line)


def _inks_of_texts(layout: Layout) -> dict[_Parts, list[_Use]]:
    found: dict[_Parts, list[_Use]] = {}
    for name, style in layout.styles.items():
        if not isinstance(style.ink, str):
            use = _Use(f"styles.{name}", None, layout.line(("styles", name, "ink")))
            found.setdefault(style.ink, []).append(use)
    return found


def _inks_of_shapes(layout: Layout) -> dict[_Parts, list[_Use]]:
    found: dict[_Parts, list[_Use]] = {}
    for element in _painted(layout):
        for ink in dict.fromkeys((element.fill, element.stroke)):
            if ink is not None and not isinstance(ink, str):
                found.setdefault(ink, []).append(_Use(element.id, element.id, element.line_no))
    return found


def _roles(layout: Layout, profile: InsurerProfile) -> set[str]:
    """The roles of the palette that a layout, or artwork on it, is painted with."""
    inks = [style.ink for style in layout.styles.values()]
    inks += [ink for element in _painted(layout) for ink in (element.fill, element.stroke) if ink is not None]
    used = {ink.removeprefix("insurer.") for ink in inks if isinstance(ink, str) and ink.startswith("insurer.")}
    images = _images(layout)
    mapped = [ink for name, image in profile.images.items() if name in images for ink in image.inks.values()]
    return used | {ink for ink in mapped if isinstance(ink, str)}


def _painted(layout: Layout) -> Iterator[Painted]:
    return (element for elements in layout.sides.values() for element in elements if isinstance(element, Painted))


def _images(layout: Layout) -> set[str]:
    found = [element for elements in layout.sides.values() for element in elements if isinstance(element, Image)]
    return {element.image.removeprefix("insurer.") for element in found}
