"""A finished package, opened: its manifest, and the rows of its tables one by one."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from docgen.bulk.job import Counts, File, Job, is_package_of, named
from docgen.bulk.store import Store
from docgen.bulk.tables import KEYS, PAGES, PIECES, REJECTS
from docgen.engine import Engine
from docgen.errors import PackageError, Violation
from docgen.issuance.profile import CardSettings, MountSettings

MANIFEST = "vendor/manifest.json"
FORMAT = 1  # of the manifest and the tables: another one when a program that reads them has to change
# Tables, by what they are called behind the package's name.
PIECES_TABLE, PAGES_TABLE = "vendor/pieces.csv", "vendor/pages.csv"
KEYS_TABLE, REJECTS_TABLE, FIT_TABLE = "issuer/keys.csv", "issuer/rejects.csv", "issuer/fit.csv"

# What a second reader looks for on cards and mounts: by these a card is tied to its place. And on all other papers,
# which are tied to their pieces; `envelope.id` are the envelopes that a letter names.
_READ = frozenset(
    ("holder.name", "card.qr", "card.serial", "card.holder", "card.holder_titled", "card.match_code", "piece.mark")
)
_READ_ON_PAPERS = frozenset(("piece.id", "page.code", "envelope.id"))

MOUNTS = ("mount", "mount-employer")
LETTER = "employer-letter"
NUMBERED = ("notice", LETTER, "recipients-list")
PAPERS = (*MOUNTS, *NUMBERED)


class Area(NamedTuple):
    """Where an item stands on a document's page: `of` is whose item it is (a card's, on a mount that includes it).

    `place` is the place on a mount or in a letter's table, 0 outside of any; the box is in mm from the trim's upper
    left corner. `wording` is how a card's front names people with an alias, where it shows more than that:
    `{registered}（通称名　{alias}）`. With `further` all pages after this one are like it.
    """

    document: str
    of: str
    item: str
    page: int
    place: int
    box: tuple[float, float, float, float]
    wording: str = ""
    further: bool = False


class PageRow(NamedTuple):
    """A row of pages.csv. `sheet` and `place` are 0 where there is none."""

    file: str
    page: int
    piece: str
    sheet: int
    place: int
    document: str
    people: tuple[str, ...]
    page_hash: str


class PieceRow(NamedTuple):
    """A row of pieces.csv: `sheets` sheets of paper and `cards` cards in envelope `sheet` of `of`.

    `bundle` is the id of the letter with which an employer gets it; letters and lists have their own.
    """

    piece: str
    sheet: int
    of: int
    kind: str
    sheets: int
    cards: int
    enclosures: str
    bundle: str


class KeyRow(NamedTuple):
    """A row of keys.csv: the opaque key, the record's own, its row in the input, what became of it."""

    person: str
    key: str
    row: int
    state: str


class RejectRow(NamedTuple):
    """A row of rejects.csv: the row of the input, its state, and what is wrong and to be done, which may quote it."""

    row: int
    state: str
    code: str
    hint: str


@dataclass(frozen=True)
class Manifest:
    """What a package says of itself. `reprint` is set in a package of pages that were printed again.

    All files are named after the `package`, which is its job's number, or a reprint's name. `two_sided` are the
    documents whose second page is the back of their first; `marks` are the texts that only a trial's pages have.
    `shards` has the counts of each; a reprint has none.
    """

    package: str
    job: Job
    counts: Counts
    files: Mapping[str, File]
    areas: tuple[Area, ...]
    two_sided: frozenset[str]
    marks: frozenset[str]
    reprint: Mapping[str, Any] | None
    raw: Mapping[str, Any]
    shards: Mapping[str, Counts] = field(default_factory=dict)

    def named(self, table: str) -> str:
        """What a table is called in this package."""
        return named(self.package, table)

    def sheets(self, pages: Sequence[PageRow]) -> int:
        """How many sheets of paper the pages of one document are, beside cards."""
        return 0 if pages[0].place else len(pages) - (pages[0].document in self.two_sided)


def reading_guide(engine: Engine, insurer: str) -> dict[str, Any]:
    """For the manifest: where a second reader finds names, codes and numbers, whoever's layouts it has (`reading`).

    And which documents have a back, without which it cannot tell sheets from pages (`two_sided`), and what a trial's
    pages have across them (`specimen`).
    """
    areas = [area._asdict() for area in reading_areas(engine, insurer)]
    backs, marks = two_sided(engine, insurer), specimen_marks(engine, insurer)
    return {"reading": areas, "two_sided": sorted(backs), "specimen": sorted(marks)}


def specimen_marks(engine: Engine, insurer: str) -> frozenset[str]:
    """The texts by which a page is known to be a specimen's; none if a layout has them elsewhere, too."""
    return engine.marks([name for name in ("card", *PAPERS) if name in engine.documents_of(insurer)], insurer)


def two_sided(engine: Engine, insurer: str) -> frozenset[str]:
    """The documents beside cards that have a back."""
    documents = engine.insurers[insurer].documents
    mounts = {"mount": documents.mount, "mount-employer": documents.mount_employer}
    return frozenset(
        name
        for name in PAPERS
        if name in engine.documents_of(insurer)
        and engine.is_two_sided(name, insurer, _flags(name, mounts[name]) if name in mounts else {})
    )


def reading_areas(engine: Engine, insurer: str) -> tuple[Area, ...]:
    """The same, as it is read back."""
    profile = engine.insurers[insurer]
    documents, front = profile.documents, profile.names.alias.front
    settings = {"card": None, "mount": documents.mount, "mount-employer": documents.mount_employer}
    read = _READ if _has_code(documents.card) else _READ - {"card.qr"}
    wordings = {"holder.name": front} if front != "{alias}" else {}
    cards_and_mounts = tuple(
        Area(name, spot.document, spot.item, spot.page, spot.place, _rounded(spot.box), wordings.get(spot.item, ""))
        for name, mount in settings.items()
        if name in engine.documents_of(insurer)
        for spot in engine.spots(name, insurer, _flags(name, mount))
        if spot.item in read
    )
    known = {"piece.has_id": True, "inserter.reads_code": profile.mail.inserter == "code"}
    papers = tuple(
        Area(name, spot.document, spot.item, spot.page, spot.place, _rounded(spot.box), further=spot.further)
        for name in NUMBERED
        if name in engine.documents_of(insurer)
        for spot in engine.spots(name, insurer, known, always=True)
        if spot.item in _READ_ON_PAPERS and (spot.place > 0) is (spot.item == "envelope.id")
    )
    return (*cards_and_mounts, *papers)


def _has_code(card: CardSettings | None) -> bool:
    """Whether the symbol on an insurer's cards tells which card it is: there may be none, or one that says the same on
    all."""
    payload = card.qr.payload if card is not None and card.qr is not None else ""
    return "{match_code}" in payload or "{card.serial}" in payload


def _rounded(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, width, height = box
    return round(left, 3), round(top, 3), round(width, 3), round(height, 3)


def _flags(document: str, mount: MountSettings | None) -> dict[str, bool]:
    """What is known of every mount of an insurer: one layout draws all kinds of them."""
    printed = mount is not None and mount.cards == "printed"
    return {"mount.is_printed": printed, "piece.is_for_employer": document == "mount-employer"}


def open_manifest(store: Store, name: str = MANIFEST) -> Manifest:
    """The manifest. Raises PackageError `package_manifest`."""
    try:
        raw = json.loads(store.read(name))
        if raw["format"] != FORMAT:
            raise _of_format(raw["format"])
        files = [File(**file) for file in raw["files"]]
        areas = tuple(Area(**{**area, "box": tuple(map(float, area["box"]))}) for area in raw["reading"])
        backs, marks = frozenset(map(str, raw["two_sided"])), frozenset(map(str, raw.get("specimen", ())))
        job, counts, package = Job.from_dict(raw["job"]), Counts.from_dict(raw["counts"]), str(raw["package"])
        shards = {name: Counts.from_dict(own) for name, own in raw.get("shards", {}).items()}
        if not is_package_of(package, job.number):
            raise _broken("does not name its files after its job")
    except FileNotFoundError:
        raise _broken("is missing: the package was not finished, or not copied as a whole") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _broken(f"cannot be read ({type(error).__name__})") from None
    named_files = {file.name: file for file in files}
    return Manifest(package, job, counts, named_files, areas, backs, marks, raw.get("reprint"), raw, shards)


def _of_format(format: object) -> PackageError:
    message = f"the manifest is of format {json.dumps(format)}, and this version of docgen reads format {FORMAT}"
    hint = "use the version that made the package: the manifest names it under made_with"
    return PackageError(Violation("package_manifest", message, hint, file=MANIFEST))


def _broken(what: str) -> PackageError:
    hint = "give the folder in which vendor/ lies, or fetch the package again from where it was made"
    return PackageError(Violation("package_manifest", f"the manifest {what}", hint, file=MANIFEST))


def digest_of(store: Store, name: str) -> tuple[str, int]:
    """SHA-256 and bytes of a file, in bounded memory."""
    digest, size = hashlib.sha256(), 0
    for block in store.chunks(name):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def difference(file: File, found: tuple[str, int]) -> str:
    """What to say of a file with another SHA-256 or size than the manifest has; empty if it is the one."""
    sha256, size = found
    if (file.sha256, file.bytes) == (sha256, size):
        return ""
    message = "the file is not the one that the manifest names"
    return message + (f": {size} bytes instead of {file.bytes}" if size != file.bytes else ", though as long")


def require_as_made(store: Store, said: Manifest, tables: Iterable[str]) -> None:
    """Tables are those that the manifest names: else what is selected by them may be anybody's.

    Raises PackageError `package_table`, `package_file_unknown`, `package_file_changed`, with every table.
    """
    names = map(said.named, tables)
    found = [violation for name in names if (violation := _not_as_made(store, said.files.get(name), name))]
    if found:
        raise PackageError(found)


def _not_as_made(store: Store, file: File | None, name: str) -> Violation | None:
    hint = "trust nothing in it: fetch the package again, and reconcile it"
    try:
        found = digest_of(store, name)
    except FileNotFoundError:
        return _missing(name)
    if file is None:
        return Violation("package_file_unknown", "the manifest does not name this table", hint, file=name)
    message = difference(file, found)
    return Violation("package_file_changed", message, hint, file=name) if message else None


# Rows are read of a package by its manifest, or of a shard's own piece of the table by the folder in which that lies.


def page_rows(store: Store, where: Manifest | str) -> Iterator[PageRow]:
    """Every page. Raises PackageError `package_table`."""
    for line, cells in _rows(store, where, PAGES_TABLE, PAGES):
        file, page, piece, sheet, place, document, people, page_hash = cells
        try:
            numbers = int(page), int(sheet or 0), int(place or 0)
            yield PageRow(file, numbers[0], piece, *numbers[1:], document, tuple(people.split()), page_hash)
        except ValueError:
            raise _bad_row(_path(where, PAGES_TABLE), line) from None


def piece_rows(store: Store, where: Manifest | str) -> Iterator[PieceRow]:
    """Every envelope. Raises PackageError `package_table`."""
    for line, (piece, sheet, of, kind, sheets, cards, *more) in _rows(store, where, PIECES_TABLE, PIECES):
        try:
            yield PieceRow(piece, int(sheet), int(of), kind, int(sheets), int(cards), *more)
        except ValueError:
            raise _bad_row(_path(where, PIECES_TABLE), line) from None


def key_rows(store: Store, where: Manifest | str) -> Iterator[KeyRow]:
    """Every person. Raises PackageError `package_table`."""
    for line, (person, key, row, state) in _rows(store, where, KEYS_TABLE, KEYS):
        try:
            yield KeyRow(person, key.removeprefix("'"), int(row), state)
        except ValueError:
            raise _bad_row(_path(where, KEYS_TABLE), line) from None


def reject_rows(store: Store, where: Manifest | str) -> Iterator[RejectRow]:
    """Each violation that kept somebody out. Raises PackageError `package_table`."""
    for line, (_, row, state, code, *_, hint) in _rows(store, where, REJECTS_TABLE, REJECTS):
        try:
            yield RejectRow(int(row), state, code, hint)
        except ValueError:
            raise _bad_row(_path(where, REJECTS_TABLE), line) from None


def reject_codes(store: Store, where: Manifest | str) -> Counter[str]:
    """How often each code stands in the table of rejects. Raises PackageError `package_table`."""
    return Counter(code for _, (_, _, _, code, *_) in _rows(store, where, REJECTS_TABLE, REJECTS))


def _path(where: Manifest | str, table: str) -> str:
    return f"{where}/{table.rpartition('/')[2]}" if isinstance(where, str) else where.named(table)


def _rows(store: Store, where: Manifest | str, table: str, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table with their lines; a shard's piece of one has no header."""
    name = _path(where, table)
    try:
        stream = store.reader(name)
    except FileNotFoundError:
        raise PackageError(_missing(name)) from None
    with stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        if isinstance(where, Manifest) and next(rows, None) != list(columns):
            hint = f"its first line is {','.join(columns)}"
            raise PackageError(Violation("package_table", f"{name} has other columns", hint, file=name, line=1))
        for row in rows:
            if len(row) != len(columns):
                raise _bad_row(name, rows.line_num)
            yield rows.line_num, row


def _missing(name: str) -> Violation:
    hint = "copy the package again, as a whole"
    if name.startswith("issuer/"):  # a vendor has not got it, nor has what was printed again without it
        hint = "it is on the issuer's side, which reconciling can leave out (--vendor-only)"
    return Violation("package_table", "the table is missing", hint, file=name)


def _bad_row(name: str, line: int) -> PackageError:
    message = f"row {line} of {name} is cut off or has other values than its columns"
    return PackageError(Violation("package_table", message, "fetch the table again", file=name, line=line))
