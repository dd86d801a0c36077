"""An accessible file: tagged, PDF/UA-1 and PDF/A-2a as well as PDF/X-4. It looks as the plain file does, to the pixel.

Static parts are drawn on each page instead of as shared forms, since each copy of a text needs a tag of its own. The
order of drawing stays, and with it every overprint; the order of reading is the structure tree's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from docgen.compose.placed import Ink, PlacedForm, PlacedSide, PlacedText
from docgen.compose.reading import FIGURE, ItemKey, Spoken
from docgen.pdf.art import Artist
from docgen.pdf.book import Book, OutputIntent, WrittenPage, media_size
from docgen.pdf.fonts import Embedder, UsedGlyphs
from docgen.pdf.metadata import FileInfo
from docgen.pdf.page import TEXT_STATE, PagePainter, form_moved, symbol_operators, text_operators
from docgen.pdf.pdfa import A2A
from docgen.pdf.pdfua import UA1
from docgen.pdf.pdfx import X4
from docgen.pdf.structure import Structure
from docgen.pdf.writer import number

# What is not read: texts that a listener does not need, and rules, grounds, marks (ISO 32000-1, 14.8.2.2).
_UNREAD_TEXT = "/Artifact <</Type/Pagination>> BDC"
_UNREAD_ART = "/Artifact <</Type/Layout>> BDC"


class AccessibleBook(Book):
    """Writes one tagged file. `add` the sides in page order with what is read of them, then `finish`."""

    standards = (X4, A2A, UA1)

    def __init__(
        self, stream: BinaryIO, info: FileInfo, intent: OutputIntent, embedder: Embedder, painter: PagePainter
    ) -> None:
        super().__init__(stream, info, intent, embedder, painter)
        self._structure = Structure()

    def add(self, side: PlacedSide, reading: tuple[Spoken, ...] = ()) -> WrittenPage:
        """Write one page; `reading` is what is read of it, in order."""
        page = self._out.reserve()
        drawing = _TaggedPage(side, reading, self._used)
        content = drawing.content()
        self._spots.update(drawing.spots)
        self._structure.add(page, side.geometry, reading)
        return self._put_page(side, content, b"/StructParents %d/Tabs/S" % self.page_count, page)

    def _catalog_entries(self) -> str:
        root = self._structure.put(self._out)
        return f"/MarkInfo<</Marked true>>/StructTreeRoot {root} 0 R/ViewerPreferences<</DisplayDocTitle true>>"


class _TaggedPage:
    """One page's content, every item of it marked: by its number in the reading order, or as an artifact."""

    def __init__(self, side: PlacedSide, reading: tuple[Spoken, ...], used: UsedGlyphs) -> None:
        self._side, self._used = side, used
        self._marks = {
            item: f"/{'Figure' if spoken.tag.role == FIGURE else 'Span'} <</MCID {at}>> BDC"
            for at, spoken in enumerate(reading)
            for item in spoken.items
        }
        self.spots: dict[str, Ink] = {}

    def content(self) -> bytes:
        """The operators: forms, texts and symbols in the order in which a plain page paints them."""
        side, parts = self._side, list[str]()
        for at, form in enumerate(side.forms):
            parts.append(self._form(at, form))
        parts.append(TEXT_STATE)
        marks = _Marks(parts.append)
        for at, text in enumerate(side.texts):
            marks.begin(self._marks.get(ItemKey("text", at), _UNREAD_TEXT))
            parts.append(text_operators(text, side.geometry, self._used))
        for at, symbol in enumerate(side.symbols):
            marks.begin(self._marks.get(ItemKey("symbol", at), _UNREAD_ART))
            parts.append(symbol_operators(symbol, side.geometry).decode("ascii"))
        marks.end()
        return "\n".join(parts).encode("ascii")

    def _form(self, at: int, form: PlacedForm) -> str:
        """A static part where it stands, clipped as a form is."""
        artist = Artist(form.geometry)
        marks = _Marks(artist.append)
        for item_at, item in enumerate(form.static.items):
            key = ItemKey("form", at, item_at)
            if isinstance(item, PlacedText):
                marks.begin(self._marks.get(key, _UNREAD_TEXT))
                artist.append(TEXT_STATE)
                artist.append(text_operators(item, form.geometry, self._used))
            else:
                marks.begin(self._marks.get(key, _UNREAD_ART))
                artist.draw(item)
        marks.end()
        self.spots.update(artist.spots)
        width, height = (number(length) for length in media_size(form.geometry))
        moved = form_moved(form, self._side.geometry)
        return f"q {moved} 0 0 {width} {height} re W n\n{artist.content.decode('ascii')}\nQ"


class _Marks:
    """Marked content of one stream of operators; neighbours with the same mark share it."""

    def __init__(self, append: Callable[[str], None]) -> None:
        self._append, self._open = append, ""

    def begin(self, mark: str) -> None:
        """What follows belongs to this mark."""
        if mark != self._open:
            self.end()
            self._append(mark)
            self._open = mark

    def end(self) -> None:
        """What follows belongs to none."""
        if self._open:
            self._append("EMC")
            self._open = ""
