"""What a document is for, held against the elements of a layout: is each item printed whenever it is filled?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from docgen.errors import Violation
from docgen.issuance.documents import Document
from docgen.issuance.items import Catalogue, Need
from docgen.layout.grammar import sides_of
from docgen.layout.models import Barcode, Condition, Element, FieldText, Layout, Qr, Side

_Shown = Sequence[tuple[Element, tuple[Condition, ...]]]


def item_of(element: Element) -> str | None:
    """The print item that an element prints or encodes; None for what prints none."""
    if isinstance(element, FieldText):
        return element.field
    if isinstance(element, Barcode):
        return element.barcode
    return element.qr if isinstance(element, Qr) else None


def check_needed(layout: Layout, kind: Document) -> Iterator[Violation]:
    """The items that the document is for, and that this layout does not print: `layout_missing_item`.

    An item counts as printed if some element of it shows whatever the flags are, as far as the item's own flag and
    those of its `Need` leave them open. Items of a list's rows must stand on each side that takes its rows.
    """
    shown = [
        (side, element, _conditions(layout, side, element)) for side in layout.sides for element in layout.sides[side]
    ]
    first = [one for one in shown if one[0] != "next"] or shown  # what stands on the first sheet
    for need in kind.needed(layout.layout):
        elements = [
            (element, when)
            for _, element, when in first
            if item_of(element) == need.item and not _tells(kind.catalogue, layout, element, need.item)
        ]
        yield from _missing(layout, kind.catalogue, need, elements, "")
    for name, rows in kind.catalogue.lists.items():
        yield from _missing_in_rows(layout, kind.catalogue, name, rows, shown)


def _conditions(layout: Layout, side: Side, element: Element) -> tuple[Condition, ...]:
    """When an element shows; which of a flow's rows it is for (`fact is name`) is the rows' affair."""
    return tuple(c for c in (*element.when, *layout.sides_when.get(side, ())) if " is " not in c.flag)


def _tells(document: Catalogue, layout: Layout, element: Element, item: str) -> bool:
    """Whether the element stands in rows that have the item themselves: it does not speak for the document then."""
    flow = layout.flows.get(element.each or "")
    rows = document.lists.get(flow.rows) if flow is not None else None
    return rows is not None and (item in rows.texts or item in {need.item for need in rows.needed})


def _missing_in_rows(
    layout: Layout,
    document: Catalogue,
    name: str,
    rows: Catalogue,
    shown: Iterable[tuple[Side, Element, tuple[Condition, ...]]],
) -> Iterator[Violation]:
    flows = {key: flow for key, flow in layout.flows.items() if flow.rows == name}
    sides = dict.fromkeys(side for flow in flows.values() for side in sides_of(flow))
    if rows.needed and not sides:
        message = f"no flow prints the rows of {name}"
        yield Violation("layout_missing_item", message, f"flows: {{NAME: {{rows: {name}, ...}}}}", file=layout.file)
    for side in sides:
        inside = [
            (element, when) for at, element, when in shown if at == side and element.each in flows and not element.empty
        ]
        for need in rows.needed:
            elements = [(element, when) for element, when in inside if item_of(element) == need.item]
            where = f" in the rows of {name} on {side}"
            yield from _missing(layout, Catalogue({**document.texts, **rows.texts}, {}), need, elements, where)


def _missing(layout: Layout, catalogue: Catalogue, need: Need, elements: _Shown, where: str) -> Iterator[Violation]:
    spec = catalogue.texts[need.item]
    wanted = {flag.removeprefix("not "): not flag.startswith("not ") for flag in need.when}
    if spec.when is not None:
        wanted[spec.when] = True
    for element in [element for element, _ in elements if _may_go(layout, element)]:
        message = f"{need.item}{where} is left out where it does not fit"
        yield _violation(layout, element, message, "the document is for it: end the fit policy with reject")
    hole = _hole([when for _, when in elements], wanted)
    if hole is None:
        return
    if not elements:
        message = f"no element prints {need.item}{where}"
        hint = f"the document is for it: {spec.description}; add an element with `field: {need.item}`"
        yield Violation("layout_missing_item", message, hint, file=layout.file)
        return
    flags = " and ".join(flag if on else f"not {flag}" for flag, on in hole.items())
    message = f"no element prints {need.item}{where} when {flags}"
    hint = f"the document is for it: {spec.description}; change the `when`, or add an element for the other case"
    yield _violation(layout, elements[0][0], message, hint)


def _violation(layout: Layout, element: Element, message: str, hint: str) -> Violation:
    line = element.line_no
    return Violation("layout_missing_item", message, hint, element=element.id, file=layout.file, line=line)


def _may_go(layout: Layout, element: Element) -> bool:
    """Whether the element's fit policy may leave it out."""
    if not isinstance(element, FieldText):
        return False
    return (element.fit or layout.styles[element.style].fit)[-1].kind == "omit"


def _hole(conditions: list[tuple[Condition, ...]], wanted: Mapping[str, bool]) -> dict[str, bool] | None:
    """Flags under which nothing shows, as few as say it; None if something always does."""
    open_flags = sorted({c.flag for when in conditions for c in when} - wanted.keys())

    def shows(flags: Mapping[str, bool]) -> bool:
        return any(all(flags[c.flag] == c.wanted for c in when) for when in conditions)

    holes = [
        dict(zip(open_flags, values, strict=True))
        for values in product((True, False), repeat=len(open_flags))
        if not shows({**wanted, **dict(zip(open_flags, values, strict=True))})
    ]
    if not holes:
        return None
    told = dict(holes[0])
    for flag in open_flags:
        fewer = {key: value for key, value in told.items() if key != flag}
        if sum(fewer.items() <= hole.items() for hole in holes) == 2 ** (len(open_flags) - len(fewer)):
            told = fewer
    return told
