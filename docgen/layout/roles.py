"""Roles: whether a layout says how its document is read aloud, and says it of everything."""

from __future__ import annotations

from collections.abc import Iterator

from docgen.errors import Violation
from docgen.layout.models import Barcode, Element, Include, Layout, Qr, Readable, TextElement
from docgen.located import suggest

_UNDER = ("label", "value", "p")
_LEVELS: dict[str | None, int] = {"h1": 1, "h2": 2, "h3": 3}


def has_roles(layout: Layout) -> bool:
    """Whether any of its texts has a role."""
    return any(isinstance(element, TextElement) and element.role for _, element in _elements(layout))


def check_roles(layout: Layout) -> Iterator[Violation]:
    """What a layout with roles leaves unsaid, and roles that refer to what is not there: `layout_role`.

    A layout without any role says nothing of reading: it draws documents for the eye alone.
    """
    if not has_roles(layout):
        return
    heads = [e.id for _, e in _elements(layout) if isinstance(e, TextElement) and e.role == "column"]
    for side, element in _elements(layout):
        yield from _unsaid(layout, element)
        if isinstance(element, TextElement) and element.under is not None:
            if element.role not in _UNDER:
                yield _wrong(layout, element, "`under` is for a label, a value or a p", "role: value")
            if element.under not in heads:
                yield _wrong(layout, element, f"no such column: {element.under}", suggest(element.under, heads))
        if isinstance(element, Readable) and element.after is not None:
            yield from _follows(layout, side, element, element.after)
    yield from _headings(layout)


def _unsaid(layout: Layout, element: Element) -> Iterator[Violation]:
    if isinstance(element, TextElement) and element.role is None and not element.background:
        hint = "role: p, or another; role: artifact for what is not read"
        yield _wrong(layout, element, "a text without a role, in a layout that has roles", hint)
    if isinstance(element, (Qr, Barcode)) and element.alt is None:
        yield _wrong(layout, element, "a symbol that says nothing to who does not see it", "alt: wording.KEY")
    if isinstance(element, Include):
        yield _wrong(layout, element, "a document with another one included is not read aloud", "take the roles out")


def _headings(layout: Layout) -> Iterator[Violation]:
    """One h1, before all other headings, and each level below one above it (ISO 14289-1, 7.4.2)."""
    deepest = 0
    for _, element in _elements(layout):
        if not isinstance(element, TextElement) or element.role not in _LEVELS:
            continue
        level = _LEVELS[element.role]
        if level == 1 and deepest:
            yield _wrong(layout, element, "an h1 after another heading", "one h1, and it comes first")
        elif level > deepest + 1:
            yield _wrong(layout, element, f"{element.role}, and no h{level - 1} before it", f"role: h{deepest + 1}")
        deepest = max(deepest, level)


def _follows(layout: Layout, side: str, element: Readable, after: str) -> Iterator[Violation]:
    """`after` names a neighbour, and following it on and on does not lead back."""
    around = {
        e.id: e
        for at, e in _elements(layout)
        if isinstance(e, Readable) and at == side and (e.each, e.empty) == (element.each, element.empty)
    }
    if after not in around:
        message = f"{after} is not read on the same side, or not in the same row"
        yield _wrong(layout, element, message, suggest(after, around))
        return
    seen: set[str] = set()
    leader: str | None = element.id
    while leader in around and leader not in seen:
        seen.add(leader)
        leader = around[leader].after
    if leader == element.id:
        yield _wrong(layout, element, f"it is read after {after}, and that after it", "take one `after` out")


def _elements(layout: Layout) -> Iterator[tuple[str, Element]]:
    for side, elements in layout.sides.items():
        for element in elements:
            yield side, element


def _wrong(layout: Layout, element: Element, message: str, hint: str) -> Violation:
    file = layout.file or None
    return Violation("layout_role", message, hint, element=element.id, file=file, line=element.line_no or None)
