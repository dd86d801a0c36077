"""The structure tree of a tagged file: what is a heading, a paragraph, a table (ISO 32000-1, 14.7 and 14.8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from docgen.compose.placed import Geometry
from docgen.compose.reading import FIGURE, Box, Spoken
from docgen.pdf.writer import PdfStream, number, text_string
from docgen.units import PT_PER_MM


@dataclass(frozen=True, slots=True)
class Marked:
    """Marked content: its number on a page, the page by its object number."""

    page: int
    number: int


@dataclass(slots=True, eq=False)
class Node:
    """A structure element: its type, its children in order or its marked content, further keys of its dictionary."""

    kind: str
    entries: str = ""
    kids: list[Node] = field(default_factory=list)
    content: list[Marked] = field(default_factory=list)

    def add(self, kind: str, entries: str = "") -> Node:
        """A new last child."""
        node = Node(kind, entries)
        self.kids.append(node)
        return node

    def nodes(self) -> Iterator[Node]:
        """The node and all below it, depth first."""
        yield self
        for kid in self.kids:
            yield from kid.nodes()


@dataclass(slots=True)
class _Column:
    """Where a cell under a column's head belongs."""

    table: Node
    at: int


class Structure:
    """Grows a tree from what is read, page by page.

    A `label` begins a row of a table of two columns, and all that follows up to the next label is its value. What
    stands `under` a column's head goes into the head's table, one row for each row of the layout, on whatever page: a
    table that goes on stays one.
    """

    def __init__(self) -> None:
        self.document = Node("Document")
        self._pages: list[list[Node]] = []
        self._columns: dict[str, _Column] = {}
        self._widths: dict[Node, int] = {}
        self._pairs: set[Node] = set()
        self._row: tuple[Node, int] | None = None
        self._last = self.document

    def add(self, page: int, geometry: Geometry, spoken: tuple[Spoken, ...]) -> None:
        """A page, by its object number: what is read of it, each numbered as its marked content."""
        self._pages.append([])
        self._row = None
        for number_, one in enumerate(spoken):
            node = self._node(one, geometry)
            node.content.append(Marked(page, number_))
            self._pages[-1].append(node)
            self._last = node

    def put(self, out: PdfStream) -> int:
        """Write the tree; returns its root's object number."""
        root = out.reserve()
        numbers = {node: out.reserve() for node in self.document.nodes()}
        self._put_node(out, self.document, root, numbers)
        parents = [out.put("[" + " ".join(f"{numbers[node]} 0 R" for node in page) + "]") for page in self._pages]
        keys = " ".join(f"{at} {parent} 0 R" for at, parent in enumerate(parents))
        out.put(
            f"<</Type/StructTreeRoot/K {numbers[self.document]} 0 R/ParentTree<</Nums[{keys}]>>"
            f"/ParentTreeNextKey {len(parents)}>>",
            root,
        )
        return root

    def _put_node(self, out: PdfStream, node: Node, parent: int, numbers: dict[Node, int]) -> None:
        kids = [f"{numbers[kid]} 0 R" for kid in node.kids]
        entries = node.entries
        if node.content:
            page = node.content[0].page
            kids += [_reference(marked, page) for marked in node.content]
            entries += f"/Pg {page} 0 R"
        entries += f"/K[{' '.join(kids)}]" if kids else ""
        out.put(f"<</Type/StructElem/S/{node.kind}/P {parent} 0 R{entries}>>", numbers[node])
        for kid in node.kids:
            self._put_node(out, kid, numbers[node], numbers)

    # ---------------------------------------------------------------------------------------------------------- growth

    def _node(self, spoken: Spoken, geometry: Geometry) -> Node:
        """Where something that is read stands in the tree."""
        tag = spoken.tag
        if tag.role == "more" and self._last is not self.document:
            return self._last
        if tag.role == "column":
            return self._head(spoken)
        if tag.role in ("label", "value"):
            cell = self._under(spoken, self._columns[tag.under]) if tag.under in self._columns else self._pair(spoken)
            return cell.add("P")
        if tag.role == FIGURE:
            return self.document.add("Figure", _figure(tag.alt, spoken.box, geometry))
        node = self.document.add({"h1": "H1", "h2": "H2", "h3": "H3"}.get(tag.role, "P"))
        if tag.under in self._columns:
            self._move_behind(self._columns[tag.under].table)
        return node

    def _move_behind(self, table: Node) -> None:
        """The last element becomes what is read after a table: pages later, other things may stand between."""
        kids = self.document.kids
        kids.insert(kids.index(table) + 1, kids.pop())

    def _top(self) -> Node | None:
        """What stands last in the document."""
        return self.document.kids[-1] if self.document.kids else None

    def _head(self, spoken: Spoken) -> Node:
        """A column's head: the heads that follow one another are of one table."""
        table = self._top()
        if table is None or table not in self._widths or len(table.kids) > 1:
            table = self.document.add("Table")
            table.add("TR")
            self._widths[table] = 0
        self._columns[spoken.element] = _Column(table, self._widths[table])
        self._widths[table] += 1
        return table.kids[0].add("TH", _scope("Column"))

    def _under(self, spoken: Spoken, column: _Column) -> Node:
        """The cell of this row; a row has as many cells as the table has columns, empty ones too."""
        if self._row != (column.table, spoken.cell):
            self._row = (column.table, spoken.cell)
            column.table.add("TR").kids = [Node("TD") for _ in range(self._widths[column.table])]
        cell = column.table.kids[-1].kids[column.at]
        if spoken.tag.role == "label":
            cell.kind, cell.entries = "TH", _scope("Row")
        return cell

    def _pair(self, spoken: Spoken) -> Node:
        """The label or the value of a table of two columns."""
        table = self._top()
        if table is None or table not in self._pairs:
            table = self.document.add("Table")
            self._pairs.add(table)
        if spoken.tag.role == "label" or not table.kids:
            row = table.add("TR")
            row.kids = [Node("TH", _scope("Row")), Node("TD")]
        head, value = table.kids[-1].kids
        return head if spoken.tag.role == "label" else value


def _scope(scope: str) -> str:
    return f"/A<</O/Table/Scope/{scope}>>"


def _figure(alt: str, box: Box | None, geometry: Geometry) -> str:
    area = ""
    if box is not None:
        left, bottom = geometry.offset_x + geometry.bleed, geometry.height + geometry.bleed - geometry.offset_y
        corners = (box[0] + left, bottom - box[3], box[2] + left, bottom - box[1])
        shown = " ".join(number(length * PT_PER_MM) for length in corners)
        area = f"/A<</O/Layout/Placement/Block/BBox[{shown}]>>"
    return f"/Alt{text_string(alt)}{area}"


def _reference(marked: Marked, page: int) -> str:
    """Marked content by its number, or, on another page than the element's, with the page."""
    own = marked.page == page
    return str(marked.number) if own else f"<</Type/MCR/Pg {marked.page} 0 R/MCID {marked.number}>>"
