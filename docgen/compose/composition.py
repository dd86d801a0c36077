"""A layout compiled for one insurer, and the placing of records on it.

A side is one cell, and one cell more for each flow that runs over it. Rows that a side has no place for go on to the
side `next`, printed as often as needed; nobody is left out without a violation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from docgen.compose.brand import Brand
from docgen.compose.cells import Cell, Variant
from docgen.compose.compiler import Compiler
from docgen.compose.placed import (
    PlacedBars,
    PlacedForm,
    PlacedQr,
    PlacedSide,
    PlacedText,
)
from docgen.compose.reading import Spoken, read, tags_of
from docgen.compose.slots import IncludeSlot, QrSlot, TextSlot, empty, refused
from docgen.errors import LayoutError, RecordError, Violation
from docgen.issuance.items import PrintItems, Row
from docgen.layout.models import Condition, Layout, Places, Rows
from docgen.layout.models import Side as SideName
from docgen.symbols.qr import QrTooLong
from docgen.text.faces import FontLibrary, MissingGlyphs
from docgen.text.setting import DoesNotFit

# What the flow of pages itself prints: any layout may use these beside its catalogue's names.
PAGE_TEXTS = {
    "page.number": "this page's number, from 1",
    "page.count": "how many pages the document has",
    "page.of": "the same as one text: 3 / 12",
    "page.code": "the same after the piece's number, for machines: S0001-00000012M-1/2/3/12; empty without one",
    "page.rows": "how many rows of the layout's first flow stand on this page",
}
PAGE_FLAGS = {
    "page.is_first": "This is the document's first page.",
    "page.is_last": "This is the document's last page.",
}
CONTINUED: SideName = "next"


def page_flags(flows: Iterable[str]) -> dict[str, str]:
    """The flags of the pages themselves, for a layout with these flows."""
    flags = dict(PAGE_FLAGS)
    for flow in flows:
        flags[f"page.has_{flow}"] = f"A row of the flow {flow} stands on this page."
        flags[f"page.more_{flow}"] = f"Rows of the flow {flow} go on to the next page."
    return flags


@dataclass(frozen=True, slots=True)
class Side:
    """One side: its own cell, and by flow the cell of a row and the cell of an empty place (or of a table's end)."""

    name: SideName
    cell: Cell
    rows: Mapping[str, Cell]
    empties: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class _Taken:
    """A row in its place on a page."""

    flow: str
    row: Row
    x: float
    y: float
    height: float | None = None


@dataclass(slots=True)
class _Page:
    side: Side
    taken: list[_Taken] = field(default_factory=list)
    free: list[tuple[str, float, float]] = field(default_factory=list)
    more: frozenset[str] = frozenset()


class Spot(NamedTuple):
    """Where an item of a document can stand on the pages that a layout makes: the box in mm from the trim's corner.

    `page` counts the document's pages from 1, `place` the places of its flow from 1 (0 outside of any flow). With
    `further` all pages after it are like it.
    """

    document: str
    item: str
    page: int
    place: int
    box: tuple[float, float, float, float]
    further: bool = False


class Asked(NamedTuple):
    """A text that a page must show; `may_go` if the fit policy may leave it out."""

    element: str
    text: str
    may_go: bool


class Composition:
    """A layout compiled for one insurer."""

    def __init__(
        self,
        layout: Layout,
        brand: Brand,
        fonts: FontLibrary,
        included: Callable[[str], Composition] | None = None,
    ) -> None:
        """Compile; `included` gives the compositions of documents that the layout includes.

        Raises LayoutError with every problem that needs the insurer or the fonts to be seen.
        """
        compiler = Compiler(layout, brand, fonts)
        self.document = layout.layout
        self.title = layout.title
        self.brand, self.geometry = brand, compiler.geometry
        self._flows = layout.flows
        self._page_flags = dict.fromkeys(page_flags(layout.flows), True)
        self.sides_when = layout.sides_when
        self._included = included
        self._tags = tags_of(layout, brand.wording)
        self.sides = {
            name: Side(
                name,
                compiler.cell(name),
                {flow: compiler.cell(name, flow) for flow in layout.flows},
                {flow: compiler.cell(name, flow, empty=True) for flow in layout.flows},
            )
            for name in layout.sides
        }
        if compiler.problems:
            raise LayoutError(compiler.problems)
        self._tells_pages = any(
            cell.asks("page.")
            for side in self.sides.values()
            for cell in (side.cell, *side.rows.values(), *side.empties.values())
        )

    def place(self, items: PrintItems) -> tuple[PlacedSide, ...]:
        """One record's sides. Raises RecordError with every text, symbol and row that cannot be placed."""
        problems: list[Violation] = []
        pages = self._paginate(items, problems)
        placed = tuple([self._place_page(page, at, len(pages), items, problems) for at, page in enumerate(pages)])
        if problems:
            raise RecordError(problems)
        return placed

    def place_side(self, name: SideName, items: PrintItems, problems: list[Violation]) -> PlacedSide:
        """One side without flows, for a document that includes it."""
        return self._place_page(_Page(self.sides[name]), 0, 1, items, problems)

    def texts(self, items: PrintItems) -> tuple[tuple[Asked, ...], ...]:
        """What each page must show, in order, so that a finished page can be held against it. Nothing is placed."""
        pages = self._paginate(items, [])
        return tuple([tuple(self._asked(page, at, len(pages), items)) for at, page in enumerate(pages)])

    def _asked(self, page: _Page, at: int, count: int, items: PrintItems) -> list[Asked]:
        flags, texts = self._of_page(page, at, count, items)
        asked = self._asked_by(page.side.cell.variant(flags), texts, items.includes)
        for taken in page.taken:
            row = taken.row
            variant = page.side.rows[taken.flow].variant({**flags, **row.flags})
            asked += self._asked_by(variant, {**texts, **row.texts}, row.includes)
        for flow, _, _ in page.free:
            asked += self._asked_by(page.side.empties[flow].variant(flags), texts, {})
        return asked

    def _asked_by(self, variant: Variant, texts: Mapping[str, str], includes: Mapping[str, PrintItems]) -> list[Asked]:
        asked: list[Asked] = []
        for slot in variant.texts:
            if isinstance(slot, IncludeSlot):
                if slot.document in includes:
                    inner = self.included(slot.document)
                    asked += inner._asked(_Page(inner.sides[slot.side]), 0, 1, includes[slot.document])
            elif text := texts.get(slot.item):
                asked.append(Asked(slot.element, text, slot.may_go))
        return asked

    def spots(self, known: Mapping[str, bool], *, always: bool = False) -> Iterator[Spot]:
        """Where a second reader finds what records with these flags fill: texts and QR symbols.

        That is what some of them fill on the sides before `next`; with `always`, what all of them fill on any side.
        """
        for page, side in enumerate(self._certain_sides(known) if always else self._known_sides(known), start=1):
            further = side.name == CONTINUED
            for spot in self._side_spots(side, known, page, always):
                yield spot._replace(further=further)

    def _side_spots(self, side: Side, known: Mapping[str, bool], page: int, always: bool) -> Iterator[Spot]:
        yield from self._spots(side.cell, known, page, 0, 0.0, 0.0, always)
        for flow, model in self._flows.items():
            if isinstance(model, Places):
                for place, (x, y) in enumerate(model.places.get(side.name, ()), start=1):
                    yield from self._spots(side.rows[flow], known, page, place, x, y, always)

    def fixed_texts(self) -> Iterator[tuple[tuple[Condition, ...], str]]:
        """Every text of its own that no record fills, with the conditions under which it shows."""
        for side in self.sides.values():
            for cell in (side.cell, *side.rows.values(), *side.empties.values()):
                yield from cell.fixed_texts()

    def is_two_sided(self, known: Mapping[str, bool]) -> bool:
        """Whether records with these flags have a back: the first sheet is then two pages."""
        return any(side.name == "back" for side in self._known_sides(known))

    def _known_sides(self, known: Mapping[str, bool]) -> list[Side]:
        """The sides before `next`; a flag that is not known is taken to be as a side asks for it."""
        conditions = [condition for shown in self.sides_when.values() for condition in shown]
        flags = {**{condition.flag: condition.wanted for condition in conditions}, **known}
        return [side for name, side in self.sides.items() if name != CONTINUED and self._is_shown(name, flags)]

    def _certain_sides(self, known: Mapping[str, bool]) -> Iterator[Side]:
        """The sides that stand on the same page of all documents with these flags, as far as there are so many."""
        for name, side in self.sides.items():
            if any(condition.flag not in known for condition in self.sides_when.get(name, ())):
                return
            if name != CONTINUED and self._is_shown(name, known):
                yield side
        if CONTINUED in self.sides:
            yield self.sides[CONTINUED]

    def _spots(
        self, cell: Cell, known: Mapping[str, bool], page: int, place: int, x: float, y: float, always: bool
    ) -> Iterator[Spot]:
        left, top = x + self.geometry.offset_x, y + self.geometry.offset_y
        for slot in cell.slots(known, always=always):
            if isinstance(slot, TextSlot):
                box = (left + slot.x, top + slot.y, slot.setter.width, slot.setter.height)
                yield Spot(self.document, slot.item, page, place, box)
            elif isinstance(slot, QrSlot):
                yield Spot(self.document, slot.item, page, place, (left + slot.x, top + slot.y, slot.size, slot.size))
            elif isinstance(slot, IncludeSlot):
                inner = self.included(slot.document)
                cell = inner.sides[slot.side].cell
                yield from inner._spots(cell, {}, page, place, left + slot.x, top + slot.y, always)

    # ------------------------------------------------------------------------------------------------------------ flow

    def _paginate(self, items: PrintItems, problems: list[Violation]) -> list[_Page]:
        shown = [side for name, side in self.sides.items() if name != CONTINUED and self._is_shown(name, items.flags)]
        if not self._flows:
            return [_Page(side) for side in shown]
        waiting = {flow: list(items.lists.get(model.rows, ())) for flow, model in self._flows.items()}
        pages = [self._page(side, waiting, items) for side in shown]
        while any(waiting.values()):
            before = {flow: len(rows) for flow, rows in waiting.items()}
            if CONTINUED in self.sides:
                pages.append(self._page(self.sides[CONTINUED], waiting, items))
            stuck = [flow for flow, rows in waiting.items() if rows and len(rows) == before[flow]]
            if stuck:
                problems += [self._too_many(flow, waiting[flow]) for flow in stuck]
                break
        return pages

    def _is_shown(self, name: SideName, flags: Mapping[str, bool]) -> bool:
        conditions = self.sides_when.get(name)
        return not conditions or all(flags[condition.flag] == condition.wanted for condition in conditions)

    def _page(self, side: Side, waiting: Mapping[str, list[Row]], items: PrintItems) -> _Page:
        page = _Page(side)
        for flow, model in self._flows.items():
            if isinstance(model, Places):
                self._fill_places(page, flow, model, waiting[flow])
            else:
                self._fill_rows(page, flow, model, waiting[flow], items)
        page.more = frozenset(flow for flow, rows in waiting.items() if rows)
        return page

    def _fill_places(self, page: _Page, flow: str, model: Places, waiting: list[Row]) -> None:
        for x, y in model.places.get(page.side.name, ()):
            if waiting:
                page.taken.append(_Taken(flow, waiting.pop(0), x, y))
            else:
                page.free.append((flow, x, y))

    def _fill_rows(self, page: _Page, flow: str, model: Rows, waiting: list[Row], items: PrintItems) -> None:
        box = model.within.get(page.side.name)
        if box is None:
            return
        x, y, _, height = box
        bottom, taken = y + height, 0
        while taken < len(waiting):
            together = waiting[taken : taken + _kept_together(waiting, taken, model.keep)]
            heights = [self._row_height(page.side.rows[flow], row, items, model) for row in together]
            if taken and y + sum(heights) > bottom + 0.01:
                break
            for row, needed in zip(together, heights, strict=True):
                if y + needed > bottom + 0.01:
                    break
                page.taken.append(_Taken(flow, row, x, y, needed))
                y += needed
                taken += 1
            else:
                continue
            break
        del waiting[:taken]
        page.free.append((flow, x, y))

    def _row_height(self, cell: Cell, row: Row, items: PrintItems, model: Rows) -> float:
        """As tall as the row's texts need, keeping the margins that the layout gives them in the shortest row."""
        needed = model.min_height
        texts = {**items.texts, **row.texts}
        for slot in cell.variant({**items.flags, **row.flags, **self._page_flags}).slots:
            if not isinstance(slot, TextSlot) or not texts.get(slot.item):
                continue
            try:
                block = slot.setter.block_height(slot.setter.set(texts[slot.item]))
            except (MissingGlyphs, DoesNotFit):
                continue  # reported when the row is placed
            needed = max(needed, model.min_height + block - slot.setter.height)
        return needed

    def _too_many(self, flow: str, left: list[Row]) -> Violation:
        name = self._flows[flow].rows
        return Violation(
            "too_many_rows",
            f"{len(left)} of {name} have no place on {self.document}",
            "split the record, or give the layout more places or a side `next`",
            pointer=next(iter(left[0].pointers.values()), None),
        )

    # ----------------------------------------------------------------------------------------------------------- pages

    def _place_page(self, page: _Page, at: int, count: int, items: PrintItems, problems: list[Violation]) -> PlacedSide:
        flags, texts = self._of_page(page, at, count, items)
        hand = _Hand(self, problems)
        hand.draw(page.side.cell.variant(flags), texts, items.pointers, items.includes, 0.0, 0.0)
        for taken in page.taken:
            row = taken.row
            variant = page.side.rows[taken.flow].variant({**flags, **row.flags})
            grown = taken.height - self._flows[taken.flow].min_height if taken.height is not None else 0.0  # type: ignore[union-attr]
            pointers = {**items.pointers, **row.pointers}
            hand.draw(variant, {**texts, **row.texts}, pointers, row.includes, taken.x, taken.y, grown)
        for flow, x, y in page.free:
            hand.draw(page.side.empties[flow].variant(flags), texts, items.pointers, {}, x, y)
        return PlacedSide(
            page.side.name,
            self.geometry,
            tuple(hand.forms),
            tuple(hand.texts),
            tuple(hand.symbols),
            tuple(hand.cells),
        )

    def reading(self, side: PlacedSide) -> tuple[Spoken, ...]:
        """What is read aloud of a page that this composition placed, in order."""
        return read(side, self._tags)

    def _of_page(
        self, page: _Page, at: int, count: int, items: PrintItems
    ) -> tuple[Mapping[str, bool], Mapping[str, str]]:
        """The flags and texts of one page: the record's, and the page's own if the layout asks for any."""
        flags: Mapping[str, bool] = items.flags
        texts: Mapping[str, str] = items.texts
        if self._tells_pages and (self._flows or count > 1):
            first = next(iter(self._flows), None)
            rows = sum(taken.flow == first for taken in page.taken)
            flags = {**flags, "page.is_first": at == 0, "page.is_last": at == count - 1}
            flags |= {f"page.has_{flow}": any(taken.flow == flow for taken in page.taken) for flow in self._flows}
            flags |= {f"page.more_{flow}": flow in page.more for flow in self._flows}
            number = {"page.number": str(at + 1), "page.count": str(count), "page.of": f"{at + 1} / {count}"}
            piece = texts.get("piece.id")
            code = f"{piece}/{at + 1}/{count}" if piece else ""
            texts = {**texts, **number, "page.code": code, "page.rows": str(rows)}
        return flags, texts

    def included(self, document: str) -> Composition:
        """The composition of a document that this one includes."""
        if self._included is None:
            raise LookupError(document)
        return self._included(document)


def _kept_together(waiting: list[Row], start: int, most: int) -> int:
    """How many rows from `start` on go on one page: a whole group of at most `most` rows, or one row."""
    group, end = waiting[start].group, start + 1
    if group is None or (start and waiting[start - 1].group == group):
        return 1
    while end < len(waiting) and waiting[end].group == group:
        end += 1
    return end - start if end - start <= most else 1


class _Hand:
    """Places cells on one page, gathering what cannot be placed."""

    def __init__(self, composition: Composition, problems: list[Violation]) -> None:
        self._composition = composition
        self._problems = problems
        self.forms: list[PlacedForm] = []
        self.texts: list[PlacedText] = []
        self.symbols: list[PlacedQr | PlacedBars] = []
        self.cells: list[tuple[int, int, int]] = []

    def draw(
        self,
        variant: Variant,
        texts: Mapping[str, str],
        pointers: Mapping[str, str],
        includes: Mapping[str, PrintItems],
        x: float,
        y: float,
        grown: float = 0.0,
    ) -> None:
        """Place one cell with its corner at (x, y); a row that has `grown` keeps centred texts in its middle."""
        if variant.static.items:
            self.forms.append(PlacedForm(variant.static, self._composition.geometry, x, y))
        for slot in variant.slots:
            if isinstance(slot, IncludeSlot):
                self._include(slot, includes, x, y)
                continue
            value = texts.get(slot.item)
            if not value:
                if slot.required:
                    self._problems.append(empty(slot, pointers))
                continue
            try:
                if isinstance(slot, TextSlot):
                    down = grown / 2 if grown and slot.setter.valign == "middle" else 0.0
                    self.texts.append(slot.place(value, x, y + down))
                else:
                    self.symbols.append(slot.place(value, x, y))
            except (MissingGlyphs, DoesNotFit, QrTooLong) as error:
                self._problems += refused(error, slot, value, pointers)
        self.cells.append((len(self.forms), len(self.texts), len(self.symbols)))

    def _include(self, slot: IncludeSlot, includes: Mapping[str, PrintItems], x: float, y: float) -> None:
        items = includes.get(slot.document)
        if items is None:
            return
        side = self._composition.included(slot.document).place_side(slot.side, items, self._problems)
        dx, dy = x + slot.x + side.geometry.offset_x, y + slot.y + side.geometry.offset_y
        self.forms += [form._replace(x=form.x + dx, y=form.y + dy) for form in side.forms]
        self.texts += [text._replace(x=text.x + dx, y=text.y + dy) for text in side.texts]
        self.symbols += [symbol._replace(x=symbol.x + dx, y=symbol.y + dy) for symbol in side.symbols]
