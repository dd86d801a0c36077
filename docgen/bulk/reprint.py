"""Pieces, people's cards or single pages printed again: the same pages, in a package of their own.

A reprint is what was made, not what would be made today: pages are copied out of the finished files, and their hashes
prove it. The new package names the original and the reason, and has the same form, so that it is reconciled the same.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from docgen.bulk.find import Selection, documents, search
from docgen.bulk.household import TO_EMPLOYERS
from docgen.bulk.job import Counts, File, named, pages_file, reprint_name
from docgen.bulk.opened import (
    KEYS_TABLE,
    MANIFEST,
    MOUNTS,
    PAGES_TABLE,
    PIECES_TABLE,
    REJECTS_TABLE,
    KeyRow,
    Manifest,
    PageRow,
    PieceRow,
    key_rows,
    open_manifest,
    page_rows,
    piece_rows,
    require_as_made,
)
from docgen.bulk.scratch import scratch
from docgen.bulk.store import Store
from docgen.bulk.tables import KEYS, PAGES, PIECES, REJECTS, TableWriter, header
from docgen.errors import PackageError, Violation
from docgen.issuance.addressee import piece_label
from docgen.pdf.extract import Extract
from docgen.pdf.swift import NotOurs, UnreadablePdf, glances

PAGES_PER_FILE = 10_000


def reprint(store: Store, out: Store, selection: Selection, reason: str, *, cards_only: bool = False) -> Counts:
    """Write a package of what is selected into `out`, its manifest last.

    A piece gives all that is in it; a person their card and notice, and the mount of the envelope unless `cards_only`;
    a page the whole document that it is of. Raises PackageError `reason_missing`, `package_in_the_way`,
    `package_file_changed` if a table is not the one that the manifest names, `not_in_package` with every unknown id,
    `reprint_damaged` if a page is not the one that was made; then nothing is
    left of it in `out`.
    """
    if not reason.strip():
        raise PackageError(Violation("reason_missing", "a reprint needs its reason", "give it: damaged in the post"))
    if any(True for _ in out.names("vendor")):
        message, hint = "there is a package already where the reprint goes", "give an empty folder"
        raise PackageError(Violation("package_in_the_way", message, hint))
    original = fingerprint(store)  # before it is opened: of a package that changes meanwhile the reprint is none
    said = open_manifest(store)
    issuers = (KEYS_TABLE,) if selection.keys or store.exists(said.named(KEYS_TABLE)) else ()
    require_as_made(store, said, (PAGES_TABLE, PIECES_TABLE, *issuers))
    on_mount = with_cards(said)
    left_out = set(MOUNTS) - on_mount if cards_only else set()
    held = [holding.pages for envelope in search(store, said, selection) for holding in envelope]
    chosen = [pages for pages in held if pages[0].document not in left_out]
    pages = [(row.file, row.page) for rows in chosen for row in rows]
    package = reprint_name(said.job.number, original, reason.strip(), pages)
    with scratch() as folder:
        made = _Reprint(store, out, said, package, on_mount, folder)
        try:
            made.copy(chosen)
            return made.finish(chosen, {"of": original, "reason": reason.strip(), "selected": _told(selection)})
        except BaseException:  # Ctrl-C, too: what is left would be in the way of the next attempt
            made.take_back()
            raise


def fingerprint(store: Store) -> str | None:
    """The package that stands in a store, by its manifest's SHA-256; None without one."""
    try:
        return hashlib.sha256(store.read(MANIFEST)).hexdigest()
    except FileNotFoundError:
        return None


def is_of(reprinted: Store, store: Store) -> bool:
    """Whether a reprint was made of the package that stands in a store now. Raises PackageError as `open_manifest`."""
    said: Mapping[str, Any] = open_manifest(reprinted).raw.get("reprint", {})
    return said.get("of") is not None and said["of"] == fingerprint(store)


def with_cards(said: Manifest) -> set[str]:
    """The mounts of a package that have their cards printed on them: none of these cards comes without its sheet."""
    return {area.document for area in said.areas if area.of == "card" and area.document in MOUNTS}


def of_other_size(store: Store) -> list[str]:
    """The files of a package that are missing, or longer or shorter than its manifest says.

    A reprint reads what it needs alone: this looks at the others, without reading them. `issuer/` may be left out.
    """
    there = set(store.names("vendor")) | set(store.names("issuer"))
    return [
        name
        for name, file in sorted(open_manifest(store).files.items())
        if (store.size(name) != file.bytes if name in there else name.startswith("vendor/"))
    ]


class LeftBehind(NamedTuple):
    """A mount that was printed again without all of its cards: its envelope's number, and how many are not there."""

    number: str
    cards: int


def left_behind(out: Store) -> list[LeftBehind]:
    """The mounts of a reprint that carry cards besides those that are in it: who asks for one card gets its mount."""
    said = open_manifest(out)
    glued = set(MOUNTS) - with_cards(said)
    besides: Counter[tuple[str, int]] = Counter()
    for pages in documents(page_rows(out, said)):
        first = pages[0]
        besides[first.piece, first.sheet] += len(first.people) if first.document in glued else -bool(first.place)
    return [
        LeftBehind(piece_label(row.piece, row.sheet, row.of), cards)
        for row in piece_rows(out, said)
        if (cards := besides[row.piece, row.sheet]) > 0
    ]


class _Reprint:
    """A package in the making."""

    def __init__(
        self, store: Store, out: Store, said: Manifest, package: str, on_mount: set[str], folder: Path
    ) -> None:
        self._store, self._out, self._said, self._on_mount, self._folder = store, out, said, on_mount, folder
        self._package = package
        self._files: list[File] = []
        self._rows: dict[PageRow, PageRow] = {}

    def copy(self, chosen: Iterable[Sequence[PageRow]]) -> None:
        """Copy the pages, kind by kind, in their order."""
        by_kind: dict[str, list[PageRow]] = {}
        for rows in chosen:
            by_kind.setdefault(pages_file(self._package, rows[0].document, 1), []).extend(rows)
        for _, rows in sorted(by_kind.items()):
            for number, at in enumerate(range(0, len(rows), PAGES_PER_FILE), start=1):
                own = rows[at : at + PAGES_PER_FILE]
                self._copy_file(pages_file(self._package, own[0].document, number), own)

    def finish(self, chosen: Sequence[Sequence[PageRow]], told: Mapping[str, Any]) -> Counts:
        """Write the tables and the manifest."""
        by_envelope = groupby(chosen, key=lambda rows: (rows[0].piece, rows[0].sheet))
        envelopes = {key: list(documents) for key, documents in by_envelope}
        pieces = [
            self._piece(row, envelopes[key])
            for row in piece_rows(self._store, self._said)
            if (key := (row.piece, row.sheet)) in envelopes
        ]
        whose = [rows for rows in chosen if rows[0].document not in MOUNTS or rows[0].document in self._on_mount]
        people = {person for rows in whose for person in rows[0].people}
        self._put_table(PAGES_TABLE, PAGES, [_cells(self._rows[row]) for rows in chosen for row in rows])
        self._put_table(PIECES_TABLE, PIECES, pieces)
        if self._store.exists(self._said.named(KEYS_TABLE)):
            self._put_table(KEYS_TABLE, KEYS, _keys(key_rows(self._store, self._said), people))
            self._put_table(REJECTS_TABLE, REJECTS, [])
        homes = {row.piece for row in pieces if row.kind not in TO_EMPLOYERS}
        counts = Counts(
            people=len(people), printed=len(people), households=len(homes), pieces=len(pieces),
            cards=sum(row.cards for row in pieces), pages=len(self._rows),
        )  # fmt: skip
        self._put_manifest(counts, told)
        return counts

    def take_back(self) -> None:
        """Remove what was written, and nothing else."""
        for file in self._files:
            self._out.delete(file.name)

    def _piece(self, row: PieceRow, chosen: Sequence[Sequence[PageRow]]) -> PieceRow:
        """An envelope's row with what is printed again of it."""
        cards = sum(1 for rows in chosen if rows[0].place)
        cards += sum(len(rows[0].people) for rows in chosen if rows[0].document in self._on_mount)
        sheets = sum(map(self._said.sheets, chosen))
        # Cards without any sheet are nobody's mail: nothing is put in with them.
        return row._replace(cards=cards, sheets=sheets, enclosures=row.enclosures if sheets else "")

    def _copy_file(self, name: str, rows: Sequence[PageRow]) -> None:
        path = self._folder / "file.pdf"
        with path.open("wb") as stream:
            extract = Extract(stream, Path(name).stem)
            for source, own in groupby(rows, key=lambda row: row.file):
                pages = list(own)
                data = self._sound(source, pages)
                try:
                    extract.add(data, [row.page for row in pages])
                except NotOurs:
                    raise _damaged(pages[0], "the file went through another program") from None
            try:
                extract.finish()
            except (NotOurs, ValueError):
                raise _damaged(rows[0], "the file does not say of itself what it should") from None
        for number, (row, glance) in enumerate(zip(rows, glances(path.read_bytes(), contents=False), strict=True), 1):
            if glance.sha256 != row.page_hash:
                raise _damaged(row, "the page is not the one that was made")
            self._rows[row] = row._replace(file=name, page=number)
        self._files.append(_file(name, path, len(rows)))
        self._out.put(name, path)

    def _sound(self, source: str, rows: Sequence[PageRow]) -> bytes:
        """A file, if it is still the one that was made."""
        try:
            data = self._store.read(source)
        except FileNotFoundError:
            raise _damaged(rows[0], "the file is missing") from None
        file = self._said.files.get(source)
        if file is None or hashlib.sha256(data).hexdigest() != file.sha256:
            raise _damaged(rows[0], "the file is not the one that the manifest names")
        try:
            hashes = [glance.sha256 for glance in glances(data, contents=False)]
        except UnreadablePdf:
            raise _damaged(rows[0], "the file cannot be read") from None
        for row in rows:
            if row.page > len(hashes):
                raise _damaged(row, "the file does not have this page")
            if hashes[row.page - 1] != row.page_hash:
                raise _damaged(row, "the page is not the one that was made")
        return data

    def _put_table(self, table: str, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
        name, path = named(self._package, table), self._folder / "table.csv"
        with path.open("wb") as stream:
            stream.write(header(columns))
            writer = TableWriter(stream)
            for row in rows:
                writer.row(row)
            writer.finish()
        self._files.append(_file(name, path))
        self._out.put(name, path)

    def _put_manifest(self, counts: Counts, told: Mapping[str, Any]) -> None:
        # The original's shards are none of these files'.
        original = {key: value for key, value in self._said.raw.items() if key != "shards"}
        manifest: dict[str, Any] = {
            **original,
            "package": self._package,
            "counts": counts.as_dict(),
            "files": [file.as_dict() for file in sorted(self._files, key=lambda file: file.name)],
            "reprint": told,
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        self._out.put(MANIFEST, text.encode("utf-8"))


def _told(selection: Selection) -> dict[str, list[str]]:
    """What the manifest says of what was asked for: the records' own keys are the issuer's."""
    return {name: list(ids) for name, ids in asdict(selection).items() if ids and name != "keys"}


def _cells(row: PageRow) -> tuple[object, ...]:
    return (*row[:3], row.sheet or None, row.place or None, row.document, " ".join(row.people), row.page_hash)


def _keys(rows: Iterable[KeyRow], people: set[str]) -> Iterator[KeyRow]:
    return (row for row in rows if row.person in people)


def _file(name: str, path: Path, pages: int = 0) -> File:
    data = path.read_bytes()
    return File(name, hashlib.sha256(data).hexdigest(), len(data), pages)


def _damaged(row: PageRow, what: str) -> PackageError:
    hint = "fetch the original package again, and reconcile it"
    message = f"page {row.page} of piece {row.piece} cannot be printed again: {what}"
    return PackageError(Violation("reprint_damaged", message, hint, file=row.file, line=row.page))
