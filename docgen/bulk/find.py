"""Who holds which piece, place and page of a package: by person, by the record's own key, by piece, by page."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from docgen.bulk.job import is_mistyped, match_code
from docgen.bulk.opened import (
    KEYS_TABLE,
    MOUNTS,
    PAGES_TABLE,
    PIECES_TABLE,
    REJECTS_TABLE,
    Manifest,
    PageRow,
    key_rows,
    open_manifest,
    page_rows,
    piece_rows,
    reject_rows,
    require_as_made,
)
from docgen.bulk.store import Store
from docgen.errors import PackageError, Violation
from docgen.issuance.addressee import piece_label

# What stands on an envelope's sheets: `ID-2/3` in the window and in a mount's code, `ID-2/3/1/4` in the code of a sheet
# of several. On mounts of before it was `ID/2/3`.
_ON_SHEETS = re.compile(r"([0-9A-Z]+-[0-9A-Z]+)[-/](\d+/\d+)(?:/\d+/\d+)?")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is looked for.

    `pieces` are ids, with all their envelopes, `ID/2` for the second alone, or what stands on paper: an envelope's
    number `ID-2/3`, the code of a sheet, a card's match code `ID-21`, which is the card and its mount. `people` are
    opaque keys; `keys` are the records' own, which only the issuer's side of a package knows. `pages` are `FILE:PAGE`.
    Pieces and people may be typed in lower case.
    """

    pieces: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("pieces", "people"):
            object.__setattr__(self, name, tuple(id_.upper() for id_ in getattr(self, name)))


@dataclass(frozen=True, slots=True)
class Holding:
    """One document of an envelope: its pages one after the other in one file; `key` is given if it was asked by it."""

    pages: tuple[PageRow, ...]
    asked: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        first = self.pages[0]
        return {
            "document": first.document,
            "file": first.file,
            "pages": [page.page for page in self.pages],
            "piece": first.piece,
            "envelope": first.sheet,
            **({"place": first.place} if first.place else {}),
            "people": list(first.people),
            "asked": list(self.asked),
        }


def find(store: Store, selection: Selection) -> Iterator[Holding]:
    """The documents that are, belong to or hold what is looked for, in the package's order.

    For a person that is the card or notice, and the mount that the card is on. Raises PackageError
    `package_file_changed` before anything is found if a table is not the one that the manifest names, and
    `not_in_package`, after all that was found, with everything that was not.
    """
    tables = (PAGES_TABLE, PIECES_TABLE, *((KEYS_TABLE,) if selection.keys else ()))
    said = open_manifest(store)
    require_as_made(store, said, tables)
    for envelope in search(store, said, selection):
        yield from envelope


def search(store: Store, said: Manifest, selection: Selection) -> Iterator[list[Holding]]:
    """The same, envelope by envelope, of tables that are as they were made."""
    wanted = _Wanted(store, said, selection)
    for _, rows in groupby(page_rows(store, said), key=lambda row: (row.piece, row.sheet)):
        held = [
            Holding(pages, asked)
            for pages in documents(rows)
            if (asked := tuple(dict.fromkeys(id_ for row in pages for id_ in wanted.names(row))))
        ]
        if held:
            yield held
    wanted.require_all()


def documents(rows: Iterable[PageRow]) -> Iterator[tuple[PageRow, ...]]:
    """The pages of each document: of one file, envelope, place and people, one after the other."""
    for _, pages in groupby(rows, key=lambda row: row._replace(page=0, page_hash="")):
        yield tuple(pages)


class _Wanted:
    """What is looked for, under the names that it has in the table of pages."""

    def __init__(self, store: Store, said: Manifest, selection: Selection) -> None:
        self._store, self._said, self._selection = store, said, selection
        self._pieces = _under(zip(_envelopes(store, said, selection.pieces), selection.pieces, strict=True))
        self._pages = _under((_full(page), page) for page in selection.pages)
        self._unmet: dict[str, None] = dict.fromkeys(
            (*selection.people, *selection.pieces, *selection.pages, *selection.keys)
        )
        asked = set(selection.keys)
        own = [(row.person, row.key) for row in (key_rows(store, said) if asked else ()) if row.key in asked]
        self._people = _under([*((person, person) for person in selection.people), *own])

    def names(self, row: PageRow) -> Iterator[str]:
        """By which of the ids a page was asked for."""
        for table, names in (
            (self._people, row.people),
            (self._pieces, (row.piece, f"{row.piece}/{row.sheet}", *_match_codes(row))),
            (self._pages, (f"{row.file}:{row.page}",)),
        ):
            for name in names:
                for asked in table.get(name, ()):
                    self._unmet.pop(asked, None)
                    yield asked

    def require_all(self) -> None:
        """Raises PackageError `not_in_package` with every id that nothing was found for."""
        if self._unmet:
            why = self._not_printed()
            hints = {id_: why.get(id_) or self._hint(id_) for id_ in self._unmet}
            raise PackageError(
                [Violation("not_in_package", f"the package has no {id_}", hint) for id_, hint in hints.items()]
            )

    def _not_printed(self) -> dict[str, str]:
        """What the issuer's side, where it is at hand, says of people who were not printed: state, row and reason."""
        asked = {id_ for id_ in self._unmet if id_ in self._selection.people or id_ in self._selection.keys}
        if not asked or not all(self._store.exists(self._said.named(name)) for name in (KEYS_TABLE, REJECTS_TABLE)):
            return {}
        rows = key_rows(self._store, self._said)
        ids = {row.row: named for row in rows if (named := asked & {row.person, row.key})}
        found: dict[str, list[str]] = defaultdict(list)
        for reject in reject_rows(self._store, self._said):
            # What is said of who is rejected may quote the row, and stays in the table.
            why = {"held": f": {reject.hint}", "rejected": f": {reject.code}"}.get(reject.state, "")
            for id_ in ids.get(reject.row, ()):
                found[id_].append(f"{reject.state}, row {reject.row}{why}")
        return {id_: "; ".join(dict.fromkeys(reasons)) for id_, reasons in found.items()}

    def _hint(self, id_: str) -> str:
        """What an unknown id may be, to who has the issuer's side or has not."""
        if id_ in self._selection.pages:
            file = next((Path(name).name for name, file in self._said.files.items() if file.pages), "FILE")
            return f"name a file of the package and a page of it: {file}:1"
        if id_ not in self._selection.keys and is_mistyped(id_):
            return "its check character does not fit: it is mistyped, compare it with the paper"
        hint = "it is of another package, or of somebody who was not printed"
        if re.search("[-/]", id_.partition("-")[2]):
            hint = f"what stands behind the check character is mistyped, or {hint}"
        keys = self._said.named(KEYS_TABLE)
        return f"{hint}: see {keys}" if self._store.exists(keys) else hint


def _under(asked: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """What was asked for under each name: one thing may have been asked for by several."""
    found: dict[str, tuple[str, ...]] = {}
    for name, id_ in asked:
        found[name] = (*found.get(name, ()), id_)
    return found


def _envelopes(store: Store, said: Manifest, pieces: Sequence[str]) -> list[str]:
    """Pieces as they were asked for, but an envelope's number as `ID/2`, if the package has it with as many others."""
    numbers = [f"{on[1]}-{on[2]}" if (on := _ON_SHEETS.fullmatch(piece)) else None for piece in pieces]
    wanted = set(filter(None, numbers))
    there: dict[str | None, str] = {
        number: f"{row.piece}/{row.sheet}"
        for row in (piece_rows(store, said) if wanted else ())
        if (number := piece_label(row.piece, row.sheet, row.of)) in wanted
    }
    return [there.get(number, piece) for number, piece in zip(numbers, pieces, strict=True)]


def _match_codes(row: PageRow) -> Iterator[str]:
    """The match codes that a page bears: a card's own; those of all cards of a mount."""
    if row.place:
        yield match_code(row.piece, row.sheet, row.place)
    elif row.document in MOUNTS:
        for place in range(1, len(row.people) + 1):
            yield match_code(row.piece, row.sheet, place)


def _full(page: str) -> str:
    """A page by its file's name in the package; `S0001-cards-0001.pdf:7` will do."""
    return page if "/" in page else f"vendor/{page}"
