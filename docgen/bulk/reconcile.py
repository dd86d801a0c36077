"""The second reader: a finished package is opened, and everything in it is held against everything else.

It needs the package and nothing besides; where names and codes stand on the pages, the manifest says. What it finds
says which element differs and where, never the values: those are on paper.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from functools import reduce
from itertools import chain, groupby, islice
from operator import or_
from typing import Any, get_args

from docgen.bulk.find import documents
from docgen.bulk.household import TO_EMPLOYERS, Kind
from docgen.bulk.job import Counts, File, match_code, person_key
from docgen.bulk.opened import (
    KEYS_TABLE,
    LETTER,
    MANIFEST,
    MOUNTS,
    PAGES_TABLE,
    PAPERS,
    PIECES_TABLE,
    REJECTS_TABLE,
    Manifest,
    PageRow,
    PieceRow,
    difference,
    digest_of,
    key_rows,
    open_manifest,
    page_rows,
    piece_rows,
    reject_rows,
)
from docgen.bulk.reading import PageReader, Seen, Where
from docgen.bulk.store import Store
from docgen.errors import CODES, PackageError, Violation, several
from docgen.issuance.addressee import piece_label
from docgen.issuance.mount import MOST_CARDS
from docgen.pdf.swift import UnreadablePdf

MOST_FINDINGS = 1000  # that a report keeps; it counts them all
_WITH_PEOPLE = {"card": "card", "mount": "card", "mount-employer": "card", "notice": "notice"}
_BRACKETS = re.compile(r"（[^（）]*）|\([^()]*\)|〔[^〔〕]*〕|［[^［］]*］|\[[^\[\]]*\]|【[^【】]*】|〈[^〈〉]*〉|\s+")
_SPACES = re.compile(r"\s+")
_CODES = re.compile(r"[0-9A-Z-]+")
_TITLE = "\u00a0様"
_SHARD = re.compile(r"-(\d{4,})\.pdf$")
_BLOCK = 1 << 20

_STRAY = "package_file_stray"
# What Finder and Explorer write into folders that are looked at; whole names, so that nothing to print has one of them.
_STRAYS = (".ds_store", "thumbs.db", "desktop.ini")

# A letter to an employer and the envelopes that it names, by their numbers; None if it cannot be read where they stand.
_Letter = tuple[str, tuple[str, ...] | None]
Letters = tuple[_Letter, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: what, where, and what it may mean. Nothing of it is personal: `person` is the opaque key."""

    code: str
    message: str
    hint: str = ""
    file: str | None = None
    page: int | None = None
    piece: str | None = None
    sheet: int | None = None
    place: int | None = None
    person: str | None = None

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"undeclared error code: {self.code}")

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without the parts that are not set."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", 0)}

    def __str__(self) -> str:
        parts = (
            (self.file, f"{self.file}:{self.page}" if self.page else self.file),
            (self.piece, f"piece {self.piece}"),
            (self.sheet, f"envelope {self.sheet}"),
            (self.place, f"place {self.place}"),
            (self.person, f"person {self.person}"),
        )
        head = ", ".join(words for given, words in parts if given and words)
        tail = f" ({self.hint})" if self.hint else ""
        return f"{head}: {self.message}{tail} <{self.code}>" if head else f"{self.message}{tail} <{self.code}>"


@dataclass(slots=True)
class Report:
    """What was held against what: `differences` counts all findings, of which the first ones are kept.

    `strays` are no differences: files that a file manager has left.
    """

    findings: list[Finding] = field(default_factory=list)
    differences: int = 0
    counts: Counts = field(default_factory=Counts)
    strays: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return self.differences == 0

    @property
    def changed_tables(self) -> tuple[str, ...]:
        """The tables that are not as they were made: what else is found may follow from that alone."""
        changed = ("package_file_changed", "package_table")
        names = (finding.file or "" for finding in self.findings if finding.code in changed)
        return tuple(dict.fromkeys(name for name in names if name.endswith(".csv")))

    def add(self, found: Iterable[Finding]) -> None:
        """Take findings in."""
        for finding in found:
            if finding.code == _STRAY:
                self.strays.append(finding)
                continue
            self.differences += 1
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(finding)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        found = [finding.as_dict() for finding in self.findings]
        told = {"ok": self.ok, "differences": self.differences, "counts": self.counts.as_dict(), "findings": found}
        return {**told, "strays": [finding.as_dict() for finding in self.strays]} if self.strays else told

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Read back what `as_dict` wrote."""
        found = [Finding(**finding) for finding in data["findings"]]
        return cls(found, data["differences"], Counts(**data["counts"]))

    def __iadd__(self, other: Report) -> Report:
        self.findings += other.findings[: MOST_FINDINGS - len(self.findings)]
        self.differences += other.differences
        self.counts += other.counts
        return self

    def require_ok(self) -> None:
        """Raises PackageError with what was found."""
        if not self.ok:
            raise PackageError(
                Violation(found.code, str(found).removesuffix(f" <{found.code}>"), file=found.file)
                for found in self.findings
            )


@dataclass(frozen=True, slots=True)
class Shard:
    """What was read of one shard of the package, beside the findings: for the counts, who got which document, and which
    envelopes the letters name."""

    findings: tuple[Finding, ...]
    pages: int
    cards: int
    pieces: int
    households: int  # that have mail
    people: tuple[tuple[str, str], ...]  # (card or notice, person)
    letters: Letters


def reconcile(store: Store, *, manifest: str = MANIFEST, vendor_only: bool = False, workers: int = 1) -> Report:
    """Hold a whole package against itself. Memory does not grow with the batch: a shard at a time is read.

    `manifest` is where the manifest lies: elsewhere before the package is released. `vendor_only` leaves the issuer's
    side out, for who has not got it. `workers` processes share the shards.
    """
    report = Report()
    try:
        said = open_manifest(store, manifest)
        report.add(_files(store, said, vendor_only))
        people, bundles = _People(said), _Bundles(store, said, report)
        with ExitStack() as stack:
            for shard in _read_shards(store, said, bundles.rows(), workers, stack):
                report.add(shard.findings)
                report.add(people.note(shard.people))
                report.add(bundles.note(shard.letters))
                report.counts += Counts(
                    households=shard.households, pieces=shard.pieces, cards=shard.cards, pages=shard.pages
                )
        report.add(bundles.left())
        if vendor_only:
            report.counts += Counts(printed=people.printed)
        else:
            report.add(people.against_keys(store, report))
        report.add(list(_counts(said, report.counts, vendor_only)) or _counts_of_shards(said))
    except PackageError as error:
        missing = {finding.file for finding in report.findings if finding.code == "package_file_missing"}
        told = [v for v in error.violations if v.file not in missing]  # a table that is not there was told already
        report.add(Finding(v.code, v.message, v.hint, v.file, v.line) for v in told)
    return report


# --- the files ---


def _files(store: Store, said: Manifest, vendor_only: bool) -> Iterator[Finding]:
    """Every file of the manifest is there and no other; tables are as they were. Pages come later."""
    sides = ("vendor",) if vendor_only else ("vendor", "issuer")
    there = {name for side in sides for name in store.names(side)} - {MANIFEST}
    named = {name for name in said.files if name.partition("/")[0] in sides}
    for name in sorted(named - there):
        hint = "copy the package again, as a whole"
        hint += ", or leave the issuer's side out (--vendor-only)" if name.startswith("issuer/") else ""
        yield Finding("package_file_missing", "the file is missing", hint, name)
    for name in sorted(there - named):
        if is_stray(name):
            message = "a file manager has left this file, which is not of the package and does no harm"
            yield Finding(_STRAY, message, "take it away", name)
        else:
            yield Finding("package_file_unknown", "the manifest does not name this file", "take it away", name)
    for name in sorted(named & there):
        if not name.endswith(".pdf"):
            yield from _changed(said.files[name], digest_of(store, name))


def is_stray(name: str) -> bool:
    """Whether a file is one that Finder or Explorer leaves behind in a folder."""
    return name.rpartition("/")[2].lower() in _STRAYS


def _changed(file: File, found: tuple[str, int]) -> Iterator[Finding]:
    if message := difference(file, found):
        yield Finding("package_file_changed", message, "fetch it again", file.name)


# --- shards ---


def _read_shards(
    store: Store, said: Manifest, pieces: Iterator[PieceRow], workers: int, stack: ExitStack
) -> Iterator[Shard]:
    """The shards in order, read here or by so many processes."""
    work = _shards(store, said, pieces)
    if workers <= 1:
        for rows, own in work:
            yield check_shard(store, said, rows, own)
        return
    pool = stack.enter_context(ProcessPoolExecutor(workers))
    waiting = [pool.submit(_check_there, store.location, said, *part) for part in islice(work, 2 * workers)]
    while waiting:
        yield waiting.pop(0).result()
        waiting += [pool.submit(_check_there, store.location, said, *part) for part in islice(work, 1)]


def _check_there(location: str, said: Manifest, rows: list[PageRow], pieces: list[PieceRow]) -> Shard:
    return check_shard(Store.open(location), said, rows, pieces)


def _shards(store: Store, said: Manifest, pieces: Iterator[PieceRow]) -> Iterator[tuple[list[PageRow], list[PieceRow]]]:
    """The rows of each shard, and those of its envelopes. Both tables have the same order: that of print."""
    ahead: list[PieceRow] = list(islice(pieces, 1))
    unread = {name for name in said.files if name.endswith(".pdf")}
    for _, group in groupby(page_rows(store, said), key=lambda row: _shard_of(row.file)):
        rows = list(group)
        unread -= {row.file for row in rows}
        envelopes = {(row.piece, row.sheet) for row in rows}
        mine = []
        while ahead and (ahead[0].piece, ahead[0].sheet) in envelopes:
            mine.append(ahead[0])
            ahead = list(islice(pieces, 1))
        yield rows, mine
    rest = [*ahead, *pieces]
    if rest or unread:
        yield [], rest
    for name in sorted(unread):  # files of which the table has no page
        yield [PageRow(name, 0, "", 0, 0, "", (), "")], []


def _shard_of(file: str) -> str:
    found = _SHARD.search(file)
    return found[1] if found else file


def check_shard(
    store: Store,
    said: Manifest,
    rows: Sequence[PageRow],
    pieces: Sequence[PieceRow],
    *,
    look: Callable[[Sequence[PageRow], Sequence[Seen]], Iterable[Finding]] | None = None,
) -> Shard:
    """Read the files of one shard, and hold them against the shard's rows of the tables.

    `look` is given each document's rows and pages, with their texts.
    """
    reader = PageReader(said.areas)
    findings: list[Finding] = []
    seen: dict[tuple[str, int], Seen] = {}
    by_file: dict[str, list[PageRow]] = {}
    for row in rows:
        by_file.setdefault(row.file, []).append(row)
    for name, own in by_file.items():
        findings += _read_file(store, said, name, own, reader, seen, texts=look is not None)
    listed = [row for row in rows if row.page]
    findings += _specimens(said, listed, seen)
    findings += _order(said, listed, pieces)
    findings += _kinds(said, pieces)
    known = {(piece.piece, piece.sheet): piece for piece in pieces}
    cards = 0
    sizes = [len(pages) for pages in documents(listed) if pages[0].place]
    usual = max(set(sizes), key=sizes.count, default=0)
    people: list[tuple[str, str]] = []
    letters: list[_Letter] = []
    for key, group in groupby(listed, key=lambda row: (row.piece, row.sheet)):
        envelope = _Envelope(said, reader, known.get(key), list(documents(group)), seen)
        findings += envelope.findings(usual)
        cards += envelope.cards
        people += envelope.people()
        letters += envelope.letters()
        if look is not None:
            for document in envelope.documents:
                pages = [found for row in document if (found := seen.get((row.file, row.page))) is not None]
                if len(pages) == len(document):
                    findings += look(document, pages)
    homes = {piece.piece for piece in pieces if piece.kind not in TO_EMPLOYERS}
    counted = len(listed), cards, len(pieces), len(homes)
    return Shard(tuple(findings), *counted, tuple(people), tuple(letters))


def _read_file(
    store: Store,
    said: Manifest,
    name: str,
    rows: Sequence[PageRow],
    reader: PageReader,
    seen: dict[tuple[str, int], Seen],
    *,
    texts: bool,
) -> Iterator[Finding]:
    """Read a file into `seen`, each page under the number that its row has."""
    listed = [row for row in rows if row.page]
    file = said.files.get(name)
    if file is None:
        yield Finding("package_file_unknown", "the table has pages of a file that the manifest does not name", "", name)
        return
    try:
        data = store.read(name)
    except FileNotFoundError:
        return  # told already
    yield from _changed(file, (hashlib.sha256(data).hexdigest(), len(data)))
    try:
        pages = list(reader.read(data, rows[0].document, texts=texts))
    except UnreadablePdf:
        yield Finding("package_file_unreadable", "the file is no PDF or is damaged", "fetch it again", name)
        return
    if file.pages != len(pages):
        message = f"the file has {several(len(pages), 'page')}, and the manifest says {file.pages}"
        yield Finding("package_counts", message, "", name)
    if [row.page for row in listed] != list(range(1, len(listed) + 1)):
        yield Finding("package_order", "the table does not count this file's pages 1, 2, 3, ...", "", name)
    yield from _aligned(name, listed, pages, seen)


def _aligned(
    name: str, rows: Sequence[PageRow], pages: Sequence[Seen], seen: dict[tuple[str, int], Seen]
) -> Iterator[Finding]:
    """Tie each row to its page. Where they differ, say which page is there instead, missing or one too many."""
    asked, found = [row.page_hash for row in rows], [page.sha256 for page in pages]
    home = {row.page_hash: row for row in reversed(rows)}
    steps: Sequence[tuple[str, int, int, int, int]]
    if len(asked) == len(found):
        steps = [("", 0, len(asked), 0, len(found))]
    else:
        steps = SequenceMatcher(None, asked, found, autojunk=False).get_opcodes()
    for _, start, end, first, last in steps:
        both = min(end - start, last - first)
        for at in range(both):
            row, page = rows[start + at], pages[first + at]
            seen[row.file, row.page] = page
            if row.page_hash != page.sha256:
                owner = home.get(page.sha256)
                hint = f"page {owner.page}, of piece {owner.piece}, stands in its place" if owner else ""
                yield _at(row, "package_page_changed", "the page is not the one that was made", hint)
        for row in rows[start + both : end]:
            yield _at(row, "package_page_missing", "the file does not have this page", f"from page {first + 1} on")
        for at in range(first + both, last):
            owner = home.get(pages[at].sha256)
            hint = f"it is page {owner.page}, of piece {owner.piece}, once more" if owner else ""
            message = "the table does not name this page of the file"
            yield Finding("package_page_unlisted", message, hint, name, at + 1)


def _at(row: PageRow, code: str, message: str, hint: str = "") -> Finding:
    person = row.people[0] if len(row.people) == 1 else None
    return Finding(code, message, hint, row.file, row.page, row.piece, row.sheet, row.place, person)


def _specimens(said: Manifest, rows: Sequence[PageRow], seen: Mapping[tuple[str, int], Seen]) -> Iterator[Finding]:
    """Every page of a trial bears the mark of a specimen, and no other page does."""
    for row in rows:
        page = seen.get((row.file, row.page))
        if page is None:
            continue
        is_marked = not all(map(said.marks.isdisjoint, page.forms))
        if is_marked == said.job.trial:
            continue
        if said.job.trial:
            message, hint = "the page of a trial does not bear the mark of a specimen", "somebody could mail it"
        else:
            message, hint = "the page bears the mark of a specimen, and this is no trial", "nobody can use it"
        yield _at(row, "package_specimen", message, hint)


def _order(said: Manifest, rows: Sequence[PageRow], pieces: Sequence[PieceRow]) -> Iterator[Finding]:
    """The envelopes of both tables are the same, in the same order."""
    pages_table, pieces_table = said.named(PAGES_TABLE), said.named(PIECES_TABLE)
    asked = [(piece.piece, piece.sheet) for piece in pieces]
    found = [key for key, _ in groupby(rows, key=lambda row: (row.piece, row.sheet))]
    times = Counter(found)
    for key in sorted(times.keys() - set(asked)):
        yield Finding("package_order", "the list of pieces does not have it here", "", pieces_table, None, *key)
    for key in sorted(set(asked) - times.keys()):
        yield Finding("package_page_missing", "the piece has no pages", "", pages_table, None, *key)
    for key, count in times.items():
        if count > 1:
            yield Finding("package_order", "its pages do not stand together", "", pages_table, None, *key)
    if times == Counter(asked):
        for key in [two for one, two in zip(asked, found, strict=True) if one != two][:1]:
            yield Finding(
                "package_order", "from here on the pieces stand in another order", "", pages_table, None, *key
            )


def _kinds(said: Manifest, pieces: Sequence[PieceRow]) -> Iterator[Finding]:
    """Each envelope is of a kind that there is."""
    *some, last = get_args(Kind)
    for row in pieces:
        if row.kind not in (*some, last):
            hint = f"{', '.join(some)} or {last}"
            table = said.named(PIECES_TABLE)
            yield Finding("package_table", "its kind is none that there is", hint, table, None, row.piece, row.sheet)


class _Envelope:
    """One envelope: its documents, each with its rows, and what was read of them."""

    def __init__(
        self,
        said: Manifest,
        reader: PageReader,
        piece: PieceRow | None,
        documents: list[tuple[PageRow, ...]],
        seen: Mapping[tuple[str, int], Seen],
    ) -> None:
        self._said, self._reader, self._piece, self.documents, self._seen = said, reader, piece, documents, seen
        self._cards = {rows[0].place: rows for rows in documents if rows[0].place}
        self._mount = next((rows for rows in documents if rows[0].document in MOUNTS), None)
        self._on_mount = self._mount is not None and reader.has(self._mount[0].document, "card", "holder.name")

    @property
    def cards(self) -> int:
        """How many cards it holds."""
        return len(self._mount[0].people) if self._on_mount and self._mount else len(self._cards)

    def people(self) -> Iterator[tuple[str, str]]:
        """Who gets which document."""
        for rows in self.documents:
            kind = _WITH_PEOPLE.get(rows[0].document)
            if kind is not None and (rows[0].document not in MOUNTS or self._on_mount):
                yield from ((kind, person) for person in rows[0].people)

    def findings(self, usual_pages: int) -> Iterator[Finding]:
        """Whether it holds what it should, and each card is the one of its place."""
        yield from self._contents(usual_pages)
        for rows in self.documents:
            yield from self._numbers(rows)
        if self._mount is not None:
            for place in range(1, MOST_CARDS + 1):
                yield from self._at_place(self._mount, place)
        else:
            for place, rows in self._cards.items():
                yield from self._codes(rows, place, 0)

    def _contents(self, usual_pages: int) -> Iterator[Finding]:
        first = self.documents[0][0]
        places = [rows[0].place for rows in self.documents if rows[0].place]
        asked = places if self._said.reprint else list(range(1, len(places) + 1))
        if places != asked or len(set(places)) < len(places) or max(places, default=0) > MOST_CARDS:
            yield _at(first, "package_place", f"the cards take the places {', '.join(map(str, places))}")
        for rows in self._cards.values():
            if len(rows) != usual_pages:
                message = f"the card has {several(len(rows), 'page')}, others {usual_pages}"
                yield _at(rows[0], "package_page_missing", message)
        if self._mount is not None and not self._on_mount:
            people = [rows[0].people[0] for rows in self._cards.values() if rows[0].people]
            expected = [person for person in self._mount[0].people if not self._said.reprint or person in people]
            if people != expected:
                yield _at(
                    self._mount[0], "package_order", "its cards are not those of the people on the mount, in order"
                )
        if self._piece is None:
            return
        sheets = sum(self._said.sheets(rows) for rows in self.documents)
        if (self._piece.cards, self._piece.sheets) != (self.cards, sheets):
            holds = f"{several(self.cards, 'card')} and {several(sheets, 'other sheet')}"
            message = f"it holds {holds}, and the list of pieces says "
            yield _at(first, "package_counts", f"{message}{self._piece.cards} and {self._piece.sheets}")

    def _words(self, rows: Sequence[PageRow], of: str, item: str, place: int = 0) -> list[str] | None:
        """What stands in an item's areas on a document's pages; None if a page is not there."""
        words: list[str] = []
        for page, row in enumerate(rows, start=1):
            seen = self._seen.get((row.file, row.page))
            if seen is None:
                return None
            words += seen.words.get(Where(of, item, page, place), ())
        return words

    def letters(self) -> Iterator[_Letter]:
        """The letters among its documents, and the envelopes that each names."""
        for rows in self.documents:
            if rows[0].document == LETTER:
                yield rows[0].piece, self._named(rows)

    def _named(self, letter: Sequence[PageRow]) -> tuple[str, ...] | None:
        named: list[str] = []
        for page, row in enumerate(letter, start=1):
            places = self._reader.on_page(LETTER, "envelope.id", page)
            seen = self._seen.get((row.file, row.page))
            if not places or seen is None:
                return None
            named += chain.from_iterable(seen.words.get(where, ()) for where in places)
        return tuple(named)

    def _numbers(self, rows: Sequence[PageRow]) -> Iterator[Finding]:
        """Whether each page beside cards bears its piece's number and code wherever the layout has them on all.

        A mount's back is such a page: it may be another mount's.
        """
        if self._piece is None or rows[0].document not in PAPERS:
            return
        document, number = rows[0].document, piece_label(self._piece.piece, self._piece.sheet, self._piece.of)
        for page, row in enumerate(rows, start=1):
            seen = self._seen.get((row.file, row.page))
            if seen is None:
                continue
            code = f"{number}/{page}/{len(rows)}"
            for item, text in (("piece.id", number), ("piece.mark", number), ("page.code", code)):
                places = self._reader.on_page(document, item, page)
                if places and seen.words.get(places[0], ()) != (text,) * len(places):
                    what = "number" if item == "piece.id" else "code"
                    yield _at(row, "package_code_differs", f"the {what} on the page is not that of its piece")

    def _at_place(self, mount: Sequence[PageRow], place: int) -> Iterator[Finding]:
        names = [self._words(mount, "mount", item, place) for item in ("card.holder", "card.holder_titled")]
        if names[0] is None or names[1] is None:
            return
        on_mount = {_bare(name) for name in chain(*filter(None, names))}
        where = mount[0]._replace(place=place, people=())
        if place > len(mount[0].people):
            if on_mount:
                yield _at(where, "package_place", "the mount shows a name where there is no card")
            return
        code = match_code(mount[0].piece, mount[0].sheet, place)
        if len(on_mount) != 1:
            yield _at(where, "package_name_differs", "the mount does not show one and the same name for the place")
        if not self._on_mount and self._words(mount, "mount", "card.match_code", place) != [code]:
            yield _at(where, "package_code_differs", "the code at the place is not that of piece and place")
        if self._on_mount:
            yield from self._card(mount, place, place, on_mount)
        elif place in self._cards:
            yield from self._card(self._cards[place], place, 0, on_mount)

    def _card(self, rows: Sequence[PageRow], place: int, area: int, on_mount: set[str]) -> Iterator[Finding]:
        where = rows[0]._replace(place=place)
        names = self._words(rows, "card", "holder.name", area)
        if names is None:
            return
        same = {_plain(name) for name in names} == {_plain(name) for name in on_mount}
        if not same and not (names and all(self._is_alias(_bare(name), on_mount) for name in names)):
            hint = "the card of somebody else, or another spelling of the name"
            yield _at(where, "package_name_differs", "the name on the card is not the one at its place", hint)
        yield from self._codes(rows, place, area)

    def _is_alias(self, front: str, on_mount: set[str]) -> bool:
        """Whether a card's front shows the alias that the mount says, and the registered name as the insurer has it."""
        wordings = {area.wording for area in self._said.areas if area.wording}
        return any(_worded(wording, alias).fullmatch(front) for wording in wordings for alias in on_mount)

    def _codes(self, rows: Sequence[PageRow], place: int, area: int) -> Iterator[Finding]:
        """Whether a card bears the code of its place, in figures and as a symbol, as far as the layout has them."""
        where, code = rows[0]._replace(place=place), match_code(rows[0].piece, rows[0].sheet, place)
        serials, symbols = self._words(rows, "card", "card.serial", area), self._words(rows, "card", "card.qr", area)
        if serials is None or symbols is None:
            return
        if serials != [code] and self._reader.has(rows[0].document, "card", "card.serial"):
            yield _at(where, "package_code_differs", "the number on the card is not the code of its place")
        if not self._reader.has(rows[0].document, "card", "card.qr"):
            return
        if len(symbols) != 1 or not _holds(symbols[0], code):
            yield _at(where, "package_code_differs", "the card's symbol does not hold the code of its place")


def _bare(name: str) -> str:
    """A name without title and spaces."""
    return _SPACES.sub("", name.removesuffix(_TITLE))


def _plain(name: str) -> str:
    """A name as all documents show it: without title, spaces, and what the card's front has in brackets."""
    return _BRACKETS.sub("", name.removesuffix(_TITLE))


def _worded(wording: str, alias: str) -> re.Pattern[str]:
    """A card's front with this alias, whatever the registered name, by the insurer's wording."""
    parts = re.split(r"(\{alias\}|\{registered\})", _SPACES.sub("", wording))
    values = {"{alias}": re.escape(alias), "{registered}": ".+"}
    return re.compile("".join(values.get(part, re.escape(part)) for part in parts))


def _holds(payload: str, code: str) -> bool:
    """Whether a payload is a code, or has it among other things: `-111` does not hold `-11`."""
    return payload == code or code in _CODES.findall(payload)


# --- the people ---


class _People:
    """Who got which document: a byte for each person and kind."""

    def __init__(self, said: Manifest) -> None:
        self._said = said
        self._pages_table, self._keys_table = said.named(PAGES_TABLE), said.named(KEYS_TABLE)
        self._got: dict[str, bytearray] = {}
        self._before: dict[str, int] = {}
        self._key = re.compile(rf"{re.escape(said.job.number)}-P(\d{{8}})[0-9A-Z]")

    @property
    def printed(self) -> int:
        """How many people got something."""
        return reduce(or_, (int.from_bytes(got, "little") for got in self._got.values()), 0).bit_count()

    def note(self, people: Iterable[tuple[str, str]]) -> Iterator[Finding]:
        """Take in who got a document, in the order of print, which is that of the keys.

        No page shows a key: without the order nobody could tell that two people changed places in the table.
        """
        for kind, person in people:
            ordinal = self._ordinal(person)
            if ordinal is None:
                yield Finding("package_person", "this is no key of this job", "", self._pages_table, person=person)
                continue
            if ordinal < self._before.get(kind, 0):
                message = f"the person's {kind} stands behind that of somebody who comes later"
                yield Finding("package_order", message, "", self._pages_table, person=person)
            self._before[kind] = ordinal
            got = self._got.setdefault(kind, bytearray())
            if ordinal >= len(got):
                got.extend(bytes(max(ordinal + 1 - len(got), 4096)))
            if got[ordinal]:
                message = f"the person's {kind} is printed more than once"
                yield Finding("package_person", message, "", self._pages_table, person=person)
            got[ordinal] = 1

    def against_keys(self, store: Store, report: Report) -> Iterator[Finding]:
        """Who was to get something got it, once, and nobody else; and every row of the input is accounted for."""
        tally = dict.fromkeys(("printed", "rejected", "held", "withdrawn"), 0)
        states, before, met = bytearray(), 0, dict.fromkeys(self._got, 0)
        for row in key_rows(store, self._said):
            ordinal = self._ordinal(row.person)
            if ordinal is None or ordinal <= before or row.state not in tally:
                message = "the table of keys has a person twice, out of order, or in no state"
                yield Finding("package_person", message, "", self._keys_table, person=row.person)
                continue
            before = ordinal
            tally[row.state] += 1
            yield from self._got_what_they_should(row.person, ordinal, row.state == "printed", met)
            if row.row >= len(states):
                states.extend(bytes(max(row.row + 1 - len(states), 4096)))
            if states[row.row]:
                yield Finding("package_person", f"row {row.row} of the input stands here twice", "", self._keys_table)
            states[row.row] = 1 + tuple(tally).index(row.state)
        for kind, got in self._got.items():
            if sum(got) != met[kind]:
                people = several(sum(got) - met[kind], "person", "people")
                message = f"{people} got a {kind}, and the table of keys does not have them"
                yield Finding("package_person", message, "", self._keys_table)
        report.counts += Counts(people=sum(tally.values()), **tally)
        yield from _rejects(store, self._said, states, tuple(tally))

    def _got_what_they_should(self, person: str, ordinal: int, should: bool, met: dict[str, int]) -> Iterator[Finding]:
        for kind, got in self._got.items():
            has = ordinal < len(got) and got[ordinal] == 1
            met[kind] += has
            if has and not should:
                message = f"the person has a {kind}, and was not to be printed"
                yield Finding("package_person", message, "", self._pages_table, person=person)
            elif should and not has and not self._said.reprint:
                message = f"the person has no {kind}, and was to be printed"
                yield Finding("package_person", message, "", self._pages_table, person=person)

    def _ordinal(self, person: str) -> int | None:
        found = self._key.fullmatch(person)
        if found is None or person_key(self._said.job.number, int(found[1])) != person:
            return None
        return int(found[1])


def _rejects(store: Store, said: Manifest, states: bytearray, names: Sequence[str]) -> Iterator[Finding]:
    """Each row that was not printed has its reasons, and no other has."""
    told = bytearray(len(states))
    for row, state, *_ in reject_rows(store, said):
        if row >= len(states) or not states[row] or names[states[row] - 1] != state:
            message = f"row {row} of the input is {state} here, and is not in the table of keys"
            yield Finding("package_row_differs", message, "", said.named(REJECTS_TABLE))
        else:
            told[row] = 1
    for row, state_ in enumerate(states):
        if state_ > 1 and not told[row]:
            message = f"row {row} of the input was not printed, and no reason is given"
            yield Finding("package_row_differs", message, "", said.named(REJECTS_TABLE))


# --- bundles ---


class _Bundles:
    """Which envelopes go to an employer with which letter: the table of pieces held against what the letters name.

    The table is read once more beside the letters. Bundles stand in it in the order of their letters, so that no more
    than one is held at a time.
    """

    def __init__(self, store: Store, said: Manifest, report: Report) -> None:
        self._store, self._said, self._report, self._any = store, said, report, False
        self._table = said.named(PIECES_TABLE)
        handed_on = (row for row in piece_rows(store, said) if row.kind == "employer")
        self._bundles = (
            (bundle, [piece_label(row.piece, row.sheet, row.of) for row in rows])
            for bundle, rows in groupby(handed_on, key=lambda row: row.bundle)
        )
        self._ahead: dict[str, list[str]] = {}

    def rows(self) -> Iterator[PieceRow]:
        """The table of pieces. Whose bundle can be told from the row alone has it right, or it is reported."""
        for row in piece_rows(self._store, self._said):
            if row.kind == "employer":
                self._any = True
            elif row.bundle != (row.piece if row.kind in TO_EMPLOYERS else ""):
                message = f"the bundle is not that of a piece of the kind {row.kind}"
                self._report.add([Finding("package_bundle", message, "", self._table, None, row.piece, row.sheet)])
            yield row

    def note(self, letters: Letters) -> Iterator[Finding]:
        """Take in which envelopes the next letters name."""
        for letter, named in letters:
            there = self._take(letter)
            hint = _other_bundle(there, named, part=self._said.reprint is not None) if named is not None else ""
            if hint:
                message = "the envelopes in the letter's bundle are not those that it names"
                yield Finding("package_bundle", message, hint, self._table, None, letter)

    def left(self) -> Iterator[Finding]:
        """Envelopes of which no letter was noted; what is printed again may have left it out."""
        for bundle, numbers in chain(self._ahead.items(), self._bundles if self._any else ()):
            if not self._said.reprint or not bundle:
                hint = f"{several(len(numbers), 'envelope')}, the first is {numbers[0]}"
                message = "envelopes for an employer are in the bundle of no letter, or apart from the others in it"
                yield Finding("package_bundle", message, hint, self._table, None, bundle)

    def _take(self, letter: str) -> list[str]:
        """The envelopes of a letter's bundle."""
        while letter not in self._ahead:
            following = next(self._bundles, None)
            if following is None:
                return []
            self._ahead.setdefault(following[0], []).extend(following[1])
        return self._ahead.pop(letter)


def _other_bundle(there: Sequence[str], named: Sequence[str], *, part: bool) -> str:
    """How a bundle differs from what its letter names, or from a part of it; empty if it does not."""
    mine, theirs = {*there}, {*named}
    told = [f"the letter does not name {number}" for number in there if number not in theirs][:1]
    told += [] if part else [f"it names {number}" for number in named if number not in mine][:1]
    if not told and list(there) != [number for number in named if number in mine]:
        told = ["they stand in another order, or twice"]
    return ", ".join(told)


def _counts(said: Manifest, found: Counts, vendor_only: bool) -> Iterator[Finding]:
    """The manifest's counts balance, and are those of what is there."""
    if not said.counts.balanced:
        message = "people are not printed + rejected + held + withdrawn"
        yield Finding("package_counts", message, "somebody is lost, or there twice", MANIFEST)
    names = ["pieces", "cards", "pages"]
    if not vendor_only:
        names += ["people", "printed", "rejected", "held", "withdrawn"]
    elif found.printed:  # on a list for employers nobody can be counted without the issuer's side
        names.append("printed")
    for name in names:
        asked, there = getattr(said.counts, name), getattr(found, name)
        if asked != there:
            yield Finding("package_counts", f"{name}: the manifest says {asked}, and there are {there}", "", MANIFEST)
    asked, there = said.counts.households, found.households  # some have no mail, if none of their people is printed
    if there > asked or (said.reprint is not None and there < asked):
        message = f"households: the manifest says {asked}, and {there} have mail"
        yield Finding("package_counts", message, "", MANIFEST)


def _counts_of_shards(said: Manifest) -> Iterator[Finding]:
    """The counts of each shard balance, and add up to those of the whole."""
    unbalanced = [name for name, counts in said.shards.items() if not counts.balanced]
    for name in unbalanced:
        message = f"shard {name}: people are not printed + rejected + held + withdrawn"
        yield Finding("package_counts", message, "somebody is lost, or there twice", MANIFEST)
    if said.shards and not unbalanced and sum(said.shards.values(), Counts()) != said.counts:
        yield Finding("package_counts", "the counts of the shards do not add up to those of the whole", "", MANIFEST)
