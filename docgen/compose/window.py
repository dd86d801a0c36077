"""A folded sheet held against the window of its envelope: what is surely seen, and what may be seen at most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docgen.errors import Violation
from docgen.layout.grammar import Area, area_of, areas_of
from docgen.layout.models import Element, Include, Layout, Painted, Rect, Rows, Showing, TextElement
from docgen.located import suggest


@dataclass(frozen=True, slots=True)
class _View:
    """What the window shows of the front, in the front's own mm.

    The folded sheet moves by (dx, dy), from 0 to the room that the envelope leaves it, so that the window stands at
    (-dx, -dy) of where it stands when the sheet lies in the envelope's top-left corner. `always` is common to all these
    places, `ever` what lies in any of them; the tolerance narrows the one and widens the other. Turned pieces add
    nothing: a turned piece has less room to move than a straight one.
    """

    always: Area
    ever: Area
    panel: Area


def check_window(layout: Layout, layouts: Mapping[str, Layout]) -> Iterator[Violation]:
    """What `shows_in` promises: that the window shows these elements whole, nothing else, and no edge of the sheet.

    `layouts` has every layout by its name, and by the name of its document. Texts with `background: true` are tints,
    which may be seen.

    Codes: `layout_hidden_in_window`, `layout_seen_in_window`, `layout_beside_window`, `layout_unknown_element`.
    """
    showing = layout.shows_in
    if showing is None:
        return
    envelope = layouts.get(showing.envelope)
    if envelope is None:
        message, hint = f"no such layout: {showing.envelope}", suggest(showing.envelope, layouts)
        yield _violation("layout_unknown_element", layout, "envelope", message, hint)
        return
    window = next((e for e in _elements(envelope) if e.id == showing.window and isinstance(e, Rect)), None)
    if window is None:
        message = f"{showing.envelope} has no rect {showing.window}"
        yield _violation("layout_unknown_element", layout, "window", message, f"see {envelope.file}")
        return
    view = _view(showing, envelope, window)
    where = f"{envelope.file}:{window.line_no}"
    page, (_, _, width, height) = envelope.page, showing.panel
    if width > page.width or height > page.height or not view.panel.holds(view.ever):
        message = (
            f"a sheet folded to {width:g} x {height:g} mm does not fill the window of an envelope of "
            f"{page.width:g} x {page.height:g} wherever it slides: seen may be {view.ever}"
        )
        hint = f"the panel is {view.panel}; fold the sheet otherwise, or change the window in {where}"
        yield _violation("layout_beside_window", layout, "panel", message, hint)
        return
    yield from _seen(layout, layouts, showing, view, where)


def _view(showing: Showing, envelope: Layout, window: Rect) -> _View:
    x, y, width, height = showing.panel
    at = area_of(envelope, window)
    across, down = envelope.page.width - width, envelope.page.height - height
    shown, off = Area(at.left + x, at.top + y, at.right + x, at.bottom + y), showing.tolerance
    return _View(
        Area(shown.left, shown.top, shown.right - across, shown.bottom - down).grown(-off),
        Area(shown.left - across, shown.top - down, shown.right, shown.bottom).grown(off),
        Area(x, y, x + width, y + height),
    )


def _seen(
    layout: Layout, layouts: Mapping[str, Layout], showing: Showing, view: _View, where: str
) -> Iterator[Violation]:
    front = layout.sides.get("front", ())
    ids = [element.id for element in front]
    if unknown := [name for name in showing.elements if name not in ids]:
        message, hint = f"the front has no element {unknown[0]}", suggest(unknown[0], ids)
        yield _violation("layout_unknown_element", layout, "elements", message, hint)
        return
    for element in front:
        if element.id in showing.elements:
            area = area_of(layout, element)
            if not view.always.holds(area):
                message = f"the window hides it when the sheet slides: {area}"
                hint = f"always seen: {view.always}; or move the window in {where}"
                yield _wrong("layout_hidden_in_window", layout, element, message, hint)
        elif not (isinstance(element, TextElement) and element.background):
            for area in _places(layout, layouts, element):
                if area.meets(view.ever):
                    message = f"the window may show it: {area}"
                    hint = f"keep it out of {view.ever}, or name it in `shows_in` if it is to be seen"
                    yield _wrong("layout_seen_in_window", layout, element, message, hint)
                    break


def _places(layout: Layout, layouts: Mapping[str, Layout], element: Element) -> list[Area]:
    if isinstance(element, Include) and element.source[0] in layouts:
        page = layouts[element.source[0]].page
        corners = areas_of(layout, element)
        return [Area(at.left, at.top, at.left + page.width, at.top + page.height).grown(page.bleed) for at in corners]
    # A row stands anywhere between the first and the last; half of a stroke lies outside of its shape.
    rows = isinstance(layout.flows.get(element.each or ""), Rows)
    areas = [area_of(layout, element)] if rows else areas_of(layout, element)
    stroke = element.stroke_width if isinstance(element, Painted) and element.stroke is not None else 0.0
    return [area.grown(stroke / 2) for area in areas]


def _elements(layout: Layout) -> Iterator[Element]:
    for elements in layout.sides.values():
        yield from elements


def _violation(code: str, layout: Layout, key: str, message: str, hint: str) -> Violation:
    return Violation(code, message, hint, file=layout.file or None, line=layout.line(("shows_in", key)))


def _wrong(code: str, layout: Layout, element: Element, message: str, hint: str) -> Violation:
    return Violation(code, message, hint, element=element.id, file=layout.file or None, line=element.line_no or None)
