"""docgen, by the way that every document takes: composition, placed items, book."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import BinaryIO

from bench.card import MODULES, Card, Record
from bench.work import FACE, LAYOUT
from docgen.compose.brand import Brand
from docgen.compose.composition import Composition
from docgen.compose.placed import PlacedQr, PlacedSide
from docgen.compose.slots import QrSlot
from docgen.issuance.items import PrintItems
from docgen.layout.loader import load_layout
from docgen.pdf.book import Book, OutputIntent
from docgen.pdf.fonts import Embedder
from docgen.pdf.icc import load_output_profile
from docgen.pdf.metadata import FileInfo
from docgen.pdf.page import PagePainter
from docgen.settings import Settings
from docgen.symbols.modules import Modules
from docgen.symbols.qr import QUIET_MODULES
from docgen.text.faces import FontLibrary
from docgen.text.registry import FontRegistry

_ISSUED_ON = date(2026, 4, 1)


class Press:
    """Everything that is loaded and compiled once, as the engine does it. The card's stack is one face: the peers'."""

    def __init__(self) -> None:
        settings = Settings()
        registry = FontRegistry.load(settings.fonts_toml, settings.font_path)
        self._fonts = FontLibrary(replace(registry, stacks={"bench": (FACE,)}))
        self._embedder = Embedder(self._fonts)
        self._intent = OutputIntent(
            load_output_profile(settings.output_profile), settings.output_condition, settings.output_condition_info
        )
        self._painter = PagePainter()
        layout = load_layout(LAYOUT)
        brand = Brand("bench", {}, {}, {}, {}, (layout.page.width, layout.page.height), 0, 5)
        self._composition = Composition(layout, brand, self._fonts)
        self._qr = next(
            slot
            for side in self._composition.sides.values()
            for slot in side.cell.variant({}).slots
            if isinstance(slot, QrSlot)
        )
        gc.freeze()

    def prepare(self) -> None:
        """Make ready for many files, as `Engine.load` does."""
        self._embedder.prepare()

    def write(self, records: Iterable[Record], stream: BinaryIO) -> None:
        """One file of these records."""
        book = Book(stream, FileInfo("Benchmark card", _ISSUED_ON), self._intent, self._embedder, self._painter)
        for record in records:
            for side in self._place(record):
                book.add(side)
        book.finish()

    def _place(self, record: Record) -> Sequence[PlacedSide]:
        if record.packed is None:
            return self._composition.place(_items({**record.texts, "qr": record.payload}))
        front, back = self._composition.place(_items(record.texts))
        return front._replace(symbols=(self._symbol(Modules(MODULES, record.packed)),)), back

    def _symbol(self, modules: Modules) -> PlacedQr:
        """Ready modules where the layout's QR element stands: what QrSlot.place makes after it has encoded them."""
        slot = self._qr
        module = slot.size / (modules.size + 2 * QUIET_MODULES)
        quiet = QUIET_MODULES * module
        return PlacedQr(slot.element, slot.x + quiet, slot.y + quiet, module, modules)


def _items(texts: Mapping[str, str]) -> PrintItems:
    return PrintItems(texts, {}, {}, _ISSUED_ON)


def draw(_: Card, records: Sequence[Record], path: Path) -> None:
    """Load, compile, place, write. The card's coordinates are in docgen's own layout."""
    with path.open("wb") as stream:
        Press().write(records, stream)
