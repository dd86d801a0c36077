"""A layout held against what lies outside it: the catalogue of names, the insurers, the fonts, the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from docgen.compose.composition import PAGE_TEXTS, Composition, page_flags
from docgen.compose.needed import check_needed, item_of
from docgen.compose.placed import PlacedSide
from docgen.compose.press import check_bleed, check_ink
from docgen.errors import LayoutError, Violation
from docgen.issuance.documents import Document
from docgen.issuance.items import Catalogue, ItemSpec
from docgen.issuance.profile import InsurerProfile
from docgen.layout.grammar import check_grammar
from docgen.layout.models import Element, Layout, Line, Rect
from docgen.layout.roles import check_roles
from docgen.located import suggest

Found = TypeVar("Found", Rect, Line)
_SLACK = 0.01  # mm


def check_layout(
    layout: Layout, kind: Document, profiles: Sequence[InsurerProfile], compiled: Callable[[str], Composition]
) -> list[Violation]:
    """Every violation of one layout, for every insurer that issues its document.

    `compiled` gives the layout compiled for an insurer, or raises LayoutError with what keeps it from being.
    Codes: those of `layout.grammar`, of compiling (`layout_undeclared`, `layout_wording_does_not_fit`, ...),
    those of `check_items`, `layout_role`, and those of `compose.press`.
    """
    found = [*check_items(layout, kind), *check_roles(layout)]
    for floor in dict.fromkeys(profile.type_floor for profile in profiles):
        found += check_grammar(layout, floor)
    edges: dict[tuple[str | None, int | None], Violation] = {}  # each told once, whatever the trims
    for profile in profiles:
        found += check_ink(layout, profile)
        try:
            composition = compiled(profile.id)
        except LayoutError as error:
            found += error.violations
            continue
        for edge in check_bleed(layout, composition.brand, composition.geometry):
            edges.setdefault((edge.element, edge.line), edge)
    found += edges.values()
    return list(dict.fromkeys(found))


def never_filled(layout: Layout, catalogue: Catalogue, sides: Iterable[PlacedSide]) -> Iterator[Violation]:
    """Fields and symbols that none of these sides fills: a sample is missing, or the element can't ever show."""
    placed = list(sides)
    seen = {text.element for side in placed for text in side.texts}
    seen |= {symbol.element for side in placed for symbol in side.symbols}
    for element in _elements(layout):
        name = item_of(element)
        if name is None or element.id in seen:
            continue
        spec = _within_flow(layout, element, catalogue).texts.get(name)
        if spec is None or spec.constant:
            continue
        message = f"no sample of {layout.layout} fills {element.id} ({name})"
        hint = "add a sample that does, or take the element out"
        yield _violation("layout_never_filled", layout, element, message, hint, severity="warning")


def _elements(layout: Layout) -> Iterator[Element]:
    for elements in layout.sides.values():
        yield from elements


def check_items(layout: Layout, kind: Document) -> list[Violation]:
    """What a layout prints, against what it may and must: no item counts as missing while a name is misspelt.

    Codes: those of `check_names`, `layout_missing_item`.
    """
    return list(check_names(layout, kind.catalogue)) or list(check_needed(layout, kind))


def check_names(layout: Layout, document: Catalogue) -> Iterator[Violation]:
    """The names that a layout takes from outside it: without them, it would print blanks.

    Codes: `layout_unknown_field`, `layout_unknown_flag`, `layout_never_filled`.
    """
    for flow_name, flow in layout.flows.items():
        if flow.rows not in document.lists:
            line = layout.line(("flows", flow_name, "rows"))
            hint = suggest(flow.rows, document.lists)
            yield Violation("layout_unknown_field", f"unknown list: {flow.rows}", hint, file=layout.file, line=line)
    for side, conditions in layout.sides_when.items():
        for condition in conditions:
            if condition.flag not in document.flags:
                line, hint = layout.line(("sides_when", side)), suggest(condition.flag, document.flags)
                message = f"unknown flag: {condition.flag}"
                yield Violation("layout_unknown_flag", message, hint, file=layout.file, line=line)
    for element in _elements(layout):
        catalogue = _within_flow(layout, element, document)
        wanted = {condition.flag: condition.wanted for condition in element.when}
        for flag in wanted:
            if flag not in catalogue.flags:
                hint = suggest(flag, catalogue.flags)
                yield _violation("layout_unknown_flag", layout, element, f"unknown flag: {flag}", hint)
        name = item_of(element)
        if name is None:
            continue
        if name not in catalogue.texts:
            hint = suggest(name, catalogue.texts)
            yield _violation("layout_unknown_field", layout, element, f"unknown field: {name}", hint)
            continue
        needed = catalogue.texts[name].when
        if needed is not None and wanted.get(needed) is False:
            message = f"{name} is always empty unless {needed}, and this element shows only when it is not"
            yield _violation("layout_never_filled", layout, element, message, f"when: {needed}")


def check_covers(layout: Layout, layouts: Mapping[str, Layout]) -> Iterator[Violation]:
    """Seals against what they are stuck over on other documents, in `layouts` by document.

    Codes: `layout_seal_too_small`, `layout_unknown_element`.
    """
    for element in _elements(layout):
        if not isinstance(element, Rect) or element.covers is None:
            continue
        cover = element.covers
        other = layouts.get(cover.document)
        if other is None:
            message, hint = f"no such document: {cover.document}", suggest(cover.document, layouts)
            yield _violation("layout_unknown_element", layout, element, message, hint)
            continue
        box = _find(other, cover.box, Rect)
        rule = _find(other, cover.above, Line) if cover.above is not None else None
        for name, found, kind in ((cover.box, box, "rect"), (cover.above, rule, "line")):
            if name is not None and found is None:
                message = f"{cover.document} has no {kind} {name}"
                yield _violation("layout_unknown_element", layout, element, message, f"see {other.file}")
        if box is not None and (rule is not None or cover.above is None):
            yield from _too_small(layout, element, other, box, rule)


def _find(layout: Layout, name: str | None, kind: type[Found]) -> Found | None:
    return next((e for e in _elements(layout) if e.id == name and isinstance(e, kind)), None)


def _too_small(layout: Layout, seal: Rect, other: Layout, box: Rect, rule: Line | None) -> Iterator[Violation]:
    assert seal.covers is not None
    margin = seal.covers.margin
    _, top, width, height = _box(other, box)
    # A seal that ends on a rule has no margin there: it would hide what stands below.
    needed = (width + 2 * margin, height + 2 * margin if rule is None else rule.line[1] - top + margin)
    _, _, *size = _box(layout, seal)
    if any(has < wants - _SLACK for has, wants in zip(size, needed, strict=True)):
        message = (
            f"the seal is {size[0]:g} x {size[1]:g} mm; covering {box.id} of {other.layout} with a margin of "
            f"{margin:g} mm takes {needed[0]:g} x {needed[1]:g}"
        )
        hint = f"make the seal larger, or the box in {other.file}:{box.line_no} smaller"
        yield _violation("layout_seal_too_small", layout, seal, message, hint)


def _box(layout: Layout, rect: Rect) -> tuple[float, float, float, float]:
    return (0.0, 0.0, layout.page.width, layout.page.height) if rect.rect == "trim" else rect.rect


def _within_flow(layout: Layout, element: Element, document: Catalogue) -> Catalogue:
    """The names that an element may use: the document's, the pages', and those of its flow's rows."""
    texts: dict[str, ItemSpec] = {name: ItemSpec(text) for name, text in PAGE_TEXTS.items()} | dict(document.texts)
    flags = {**page_flags(layout.flows), **document.flags}
    flow = layout.flows.get(element.each or "")
    if flow is not None and flow.rows in document.lists and not element.empty:
        rows = document.lists[flow.rows]
        texts, flags = {**texts, **rows.texts}, {**flags, **rows.flags}
    return Catalogue(texts, flags)


def check_wording(profile: InsurerProfile, layouts: Iterable[Layout]) -> Iterator[Violation]:
    """Wording of a profile that no layout of the insurer's documents has: `profile_unknown_wording`."""
    known = dict.fromkeys(key for layout in layouts for key in layout.wording)
    for key in profile.wording:
        if key not in known:
            message, source = f"no document of {profile.id} has wording {key}", profile.source
            hint, line = suggest(key, known), source.line(("wording", key))
            yield Violation("profile_unknown_wording", message, hint, file=source.file, line=line)


def check_trim(profile: InsurerProfile, card: Layout) -> Iterator[Violation]:
    """A card in a size that its layout does not have: `layout_trim_not_allowed`.

    Cards on the sheets of their mounts meet back to back in the size that the layouts are drawn on.
    """
    asked = profile.documents.card.trim if profile.documents.card else None
    on_mounts = profile.documents.prints_cards_on_mounts
    sizes = [(card.page.width, card.page.height), *(() if on_mounts else card.page.trims)]
    if asked is None or asked in sizes:
        return
    why = "cards printed on their mounts have" if on_mounts else f"{card.file} has"
    message = f"documents.card.trim: {_size(asked)} mm, where {why} {', '.join(map(_size, sizes))}"
    hint = (
        "ask for that size, or have the cards affixed" if on_mounts else "ask for one of them, or add it to page.trims"
    )
    source = profile.source
    line = source.line(("documents", "card", "trim"))
    yield Violation("layout_trim_not_allowed", message, hint, file=source.file, line=line)


def _size(size: tuple[float, float]) -> str:
    return f"{size[0]:g} x {size[1]:g}"


def _violation(
    code: str, layout: Layout, element: Element, message: str, hint: str, severity: str = "error"
) -> Violation:
    return Violation(code, message, hint, element=element.id, file=layout.file, line=element.line_no, severity=severity)
