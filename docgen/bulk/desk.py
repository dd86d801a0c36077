"""A desk: the local folder in which a shard's files and tables are written, and from which they go to the store."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

from docgen.bulk.household import TO_EMPLOYERS, Piece, Sheet
from docgen.bulk.job import Counts, File, Job, ShardResult, pages_file
from docgen.bulk.policy import Policy
from docgen.bulk.store import Store
from docgen.bulk.tables import BUNDLES_TABLE, TableWriter
from docgen.engine import Engine, pushed_reports
from docgen.pdf.book import Book

TABLES = ("pieces.csv", "pages.csv", "rejects.csv", "keys.csv", "fit.csv", BUNDLES_TABLE)
EMPLOYERS = "employers.jsonl"

_WRAPPED = 0.9999  # a field that takes several lines at full size and width is no worse than that


class _Hashed(io.RawIOBase):
    """Passes bytes on to a file, and hashes them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sha256, self.size = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._sha256.update(data)
        self.size += len(data)
        return self._file.write(data)

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


class Desk:
    """Files and tables in the making. With `draw` False everything is counted, and no page drawn."""

    def __init__(self, engine: Engine, job: Job, number: int, folder: Path, *, draw: bool = True) -> None:
        folder.mkdir()
        self._engine, self._job, self._number, self._folder, self._draw = engine, job, number, folder, draw
        self._enclosures = " ".join(Policy.of(engine.insurers[job.insurer], job.delivery).delivery.enclosures)
        self._open = ExitStack()
        self._books: dict[str, tuple[Book, _Hashed]] = {}
        self._tables = {name: TableWriter(self._open.enter_context((folder / name).open("wb"))) for name in TABLES}
        self._employers = self._open.enter_context((folder / EMPLOYERS).open("w", encoding="utf-8"))
        self._counts = Counts()

    def count(self, counts: Counts) -> None:
        """Add to the counts."""
        self._counts += counts

    def table(self, name: str) -> TableWriter:
        """One of TABLES; it has no header, since the package's table is put together from many."""
        return self._tables[name]

    def note_employer(self, note: Mapping[str, Any]) -> None:
        """What an employer's letter or list will need, for after the shards."""
        self._employers.write(json.dumps(note, ensure_ascii=False, sort_keys=True) + "\n")

    def print_piece(self, piece: Piece) -> None:
        """Print what an envelope holds, and write its rows."""
        pages = sum(self._print(sheet, piece) for sheet in piece.sheets)
        cards = sum(_cards_on(sheet) for sheet in piece.sheets)
        sheets = sum(_papers(sheet) for sheet in piece.sheets)
        self.count(Counts(pieces=1, cards=cards, pages=pages))
        # An envelope's letter is not known before all shards are printed: `package.table_blocks` puts it in.
        enclosures, bundle = ("", piece.id) if piece.kind in TO_EMPLOYERS else (self._enclosures, "")
        row = (piece.id, piece.sheet, piece.of, piece.kind, sheets, cards, enclosures, bundle)
        self._tables["pieces.csv"].row(row)

    def finish(self, store: Store, place: str) -> ShardResult:
        """Close everything and hand it to the store: tables go to `place`, the result last of all.

        With `draw` False that is the notes of employers alone, whose letters and lists come after all shards.
        """
        files = []
        for name, (book, stream) in sorted(self._books.items()):
            book.finish()
            files.append(File(name, stream.hexdigest(), stream.size, book.page_count))
        for table in self._tables.values():
            table.finish()
        self._open.close()
        result = ShardResult(self._number, self._counts, tuple(files))
        if self._draw:
            self._hand_over(result, store, place)
        else:
            store.put(f"{place}/{EMPLOYERS}", self._folder / EMPLOYERS)
        return result

    def _hand_over(self, result: ShardResult, store: Store, place: str) -> None:
        for file in result.files:
            store.put(file.name, self._folder / Path(file.name).name)
        for name in (*TABLES, EMPLOYERS):
            store.put(f"{place}/{name}", self._folder / name)
        store.put(f"{place}/result.json", json.dumps(result.as_dict(), sort_keys=True).encode("ascii"))

    def _print(self, sheet: Sheet, piece: Piece) -> int:
        self._tell_fit(sheet, piece)
        if not self._draw:
            return len(sheet.sides)
        name = pages_file(self._job.number, sheet.document, self._number)
        book = self._book(sheet.document, name)
        for side in sheet.sides:
            page = book.add(side)
            row = (name, page.number, piece.id, piece.sheet, sheet.place or None, sheet.document)
            self._tables["pages.csv"].row((*row, " ".join(sheet.people), page.sha256))
        return len(sheet.sides)

    def _book(self, document: str, name: str) -> Book:
        if name not in self._books:
            path = self._folder / Path(name).name
            stream = _Hashed(self._open.enter_context(path.open("wb")))
            book = self._engine.book(document, self._job.issued_on, cast(BinaryIO, stream), path.stem)
            self._books[name] = (book, stream)
        return self._books[name][0]

    def _tell_fit(self, sheet: Sheet, piece: Piece) -> None:
        """Every field that was pushed to fit, and every character that was replaced; the lower the score the worse."""
        whose = (sheet.document, " ".join(sheet.people), piece.id)
        for fit in pushed_reports(sheet.sides):
            score = 0.0 if fit.omitted else min(fit.condensed * fit.size / fit.nominal, _WRAPPED)
            row = (f"{score:.4f}", *whose, fit.element, fit.condensed, fit.size, fit.nominal, fit.lines, None)
            self._tables["fit.csv"].row(row)
        for use in sheet.items.substitutions:
            replaced = f"{use.character}→{use.replacement}"
            self._tables["fit.csv"].row(("1.0000", *whose, use.pointer, None, None, None, None, replaced))


def _papers(sheet: Sheet) -> int:
    """How many sheets of paper a document is beside cards: a back lies on its front, all other sides on their own."""
    return 0 if sheet.place else sum(side.name != "back" for side in sheet.sides)


def _cards_on(sheet: Sheet) -> int:
    """One for a card; for a mount that has its cards printed on it, as many as they are."""
    return 1 if sheet.place else len(sheet.items.lists.get("printed_cards", ()))
