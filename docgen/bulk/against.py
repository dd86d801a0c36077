"""A shard's finished files held against its input, while the work files are still there.

Every row of the part is printed, rejected, held or withdrawn, once, and nobody else is; and every page of a card, mount
or notice says what the insurer's rules make of the rows, text by text, no more and no less.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from docgen.bulk import records
from docgen.bulk.job import (
    HOLDS_NOBODY,
    Counts,
    File,
    Job,
    ShardResult,
    employers_dir,
    match_code,
    part_name,
    person_key,
    shard_dir,
)
from docgen.bulk.opened import (
    KeyRow,
    Manifest,
    PageRow,
    PieceRow,
    key_rows,
    page_rows,
    piece_rows,
    reading_areas,
    reject_rows,
    specimen_marks,
    two_sided,
)
from docgen.bulk.policy import Policy
from docgen.bulk.reading import Seen
from docgen.bulk.reconcile import Finding, Letters, Report, check_shard
from docgen.bulk.rows import Extracted, RowReader
from docgen.bulk.scratch import scratch
from docgen.bulk.store import Store
from docgen.bulk.tables import BUNDLES, BUNDLES_TABLE, read_table
from docgen.compose.composition import Asked
from docgen.engine import Engine, Options
from docgen.errors import DocgenError
from docgen.issuance.addressee import piece_label
from docgen.text.setting import PART

_STATES = ("printed", "rejected", "held", "withdrawn")


@dataclass(frozen=True, slots=True)
class _Person:
    """A row of the input: `insured` is the row of a dependent's insured person, `head` the household's."""

    row: int
    key: str
    data: Extracted
    insured: Extracted | None
    head: Extracted
    household: int
    must_be: str | None  # what becomes of the row whatever it says


def reconcile_shard(engine: Engine, store: Store, job: Job, number: int) -> Report:
    """Hold one shard, and the letters or lists that begin in it, against its part of the input, its tables and itself.

    Memory holds the part's rows.
    """
    report = _shard(engine, store, job, number)
    if store.exists(f"{employers_dir(number)}/result.json"):
        report += _employers(engine, store, job, number)
    return report


def result_of(store: Store, folder: str) -> ShardResult:
    """What a shard said of itself."""
    return ShardResult.from_dict(json.loads(store.read(f"{folder}/result.json")))


def _said(engine: Engine, job: Job, result: ShardResult) -> Manifest:
    """What a manifest of the shard alone would say."""
    files = {file.name: file for file in result.files}
    areas, backs = reading_areas(engine, job.insurer), two_sided(engine, job.insurer)
    return Manifest(job.number, job, result.counts, files, areas, backs, specimen_marks(engine, job.insurer), None, {})


def _employers(engine: Engine, store: Store, job: Job, number: int) -> Report:
    """Letters and lists: that they are whole, as they were made, and each letter names the envelopes of its bundle."""
    folder = employers_dir(number)
    result = result_of(store, folder)
    said = _said(engine, job, result)
    rows, pieces = list(page_rows(store, folder)), list(piece_rows(store, folder))
    shard = check_shard(store, said, rows, pieces)
    report = Report(counts=Counts(pieces=shard.pieces, cards=shard.cards, pages=shard.pages))
    report.add(shard.findings)
    report.add(_unread(said.files, rows))
    report.add(_bundles(store, folder, shard.letters))
    if report.counts != result.counts:
        report.add([Finding("package_counts", f"the employers of shard {number} were counted otherwise")])
    return report


def _bundles(store: Store, folder: str, letters: Letters) -> Iterator[Finding]:
    """Each letter names the envelopes that go with it into the table of pieces, and no envelope goes without one."""
    with store.reader(f"{folder}/{BUNDLES_TABLE}") as stream:
        going = [(row["bundle"], row["number"]) for row in read_table(stream, BUNDLES)]
    bundles = [(bundle, tuple(number for _, number in some)) for bundle, some in groupby(going, key=itemgetter(0))]
    for bundle, letter in zip_longest(bundles, letters):
        if bundle is None or letter is None or letter[0] != bundle[0] or letter[1] not in (None, bundle[1]):
            message = "the letter does not name the envelopes that go with it"
            yield Finding("package_bundle", message, "", None, None, (letter or bundle)[0])
            return


def _shard(engine: Engine, store: Store, job: Job, number: int) -> Report:
    result = result_of(store, shard_dir(number))
    said = _said(engine, job, result)
    folder = shard_dir(number)
    rows, pieces = list(page_rows(store, folder)), list(piece_rows(store, folder))
    people = {person.key: person for person in _people(engine, store, job, number)}
    texts = _Texts(engine, job, people, pieces)
    report = Report()
    shard = check_shard(store, said, rows, pieces, look=texts.differences)
    report.add(shard.findings)
    report.add(_unread(said.files, rows))
    keys = list(key_rows(store, folder))
    rejects = list(reject_rows(store, folder))
    at_fault = {reject.row for reject in rejects if reject.state == "rejected" and reject.code not in HOLDS_NOBODY}
    report.add(_states(people, keys, at_fault))
    report.add(_reasons(keys, {(reject.row, reject.state) for reject in rejects}))
    if not Policy.of(engine.insurers[job.insurer], job.delivery).is_list:
        report.add(_documents(job, keys, shard.people))
    tally = {state: sum(row.state == state for row in keys) for state in _STATES}
    report.counts = Counts(
        people=len(people), households=len({person.household for person in people.values()}), pieces=shard.pieces,
        cards=shard.cards, pages=shard.pages, **tally,
    )  # fmt: skip
    if report.counts != result.counts:
        report.add([Finding("package_counts", f"shard {number} counted otherwise than there is in it")])
    return report


# --- people ---


def _people(engine: Engine, store: Store, job: Job, number: int) -> Iterator[_Person]:
    profile = engine.insurers[job.insurer]
    reader = RowReader(Policy.of(profile, job.delivery).settings)
    with scratch() as folder:
        part = folder / "part.parquet"
        store.fetch(part_name(number), part)
        for household, rows in groupby(_rows(part), key=lambda row: row["_household"]):
            members = [(row, reader.read(row)) for row in rows]
            dependent = [_is_dependent(engine, job, data) for _, data in members]
            insured_people = (data for (_, data), is_one in zip(members, dependent, strict=True) if not is_one)
            insured = next(insured_people, None)
            for (row, data), is_one in zip(members, dependent, strict=True):
                if row["_key"] is None:  # there for the others alone
                    continue
                must_be = "withdrawn" if row["_withdrawn"] else "rejected" if row["_fault"] is not None else None
                key, head = person_key(job.number, row["_person"]), insured or members[0][1]
                yield _Person(row["_row"], key, data, insured if is_one else None, head, household, must_be)


def _rows(part: Path) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(part) as file:
        for batch in file.iter_batches(batch_size=1024):
            yield from batch.to_pylist()


def _is_dependent(engine: Engine, job: Job, data: Extracted) -> bool:
    relationship = engine.insurers[job.insurer].relationships.get(data.card.get("relationship", ""))
    return relationship is not None and relationship.dependent


def _states(people: Mapping[str, _Person], keys: Sequence[KeyRow], at_fault: Collection[int]) -> Iterator[Finding]:
    """Each row of the part is in the table of keys, once and in order, in a state that it can have.

    `at_fault` are the rows that hold others of their household.
    """
    holding = {people[row.person].household for row in keys if row.row in at_fault and row.person in people}
    for person, row in zip_longest(people.values(), keys):
        if person is None or row is None or (person.key, person.row, person.data.key) != (row.person, row.row, row.key):
            at = person.key if person is not None else row.person
            message = "the rows of the input and the table of keys differ from here on"
            yield Finding("package_row_differs", message, "", person=at)
            return
        if person.must_be is not None and row.state != person.must_be:
            message = f"row {row.row} of the input is {row.state}, and should be {person.must_be}"
            yield Finding("package_row_differs", message, "", person=row.person)
        if row.state == "held" and person.household not in holding:
            message = f"row {row.row} of the input is held, and nobody of its household was rejected for a fault"
            yield Finding("package_row_differs", message, "", person=row.person)


def _reasons(keys: Sequence[KeyRow], rejects: set[tuple[int, str]]) -> Iterator[Finding]:
    asked = {(row.row, row.state) for row in keys if row.state != "printed"}
    for at, state in sorted(asked ^ rejects):
        message = f"row {at} of the input is {state} in one of the tables of keys and rejects alone"
        yield Finding("package_row_differs", message)


def _documents(job: Job, keys: Sequence[KeyRow], got: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Who is printed has one of each kind of document, and nobody else has any."""
    printed = {row.person for row in keys if row.state == "printed"}
    kinds = {kind for kind, _ in got}
    if printed and not kinds:
        yield Finding("package_person", "people were to be printed, and nobody was")
    for kind in sorted(kinds):
        have = [person for one, person in got if one == kind]
        for person in sorted(set(have) ^ printed):
            what = "has no" if person in printed else "was not to be printed, and has a"
            yield Finding("package_person", f"the person {what} {kind}", "", person=person)
        for person in sorted(person for person, times in Counter(have).items() if times > 1):
            yield Finding("package_person", f"the person's {kind} is printed more than once", "", person=person)


def _unread(files: Mapping[str, File], rows: Sequence[PageRow]) -> Iterator[Finding]:
    for name in sorted(set(files) - {row.file for row in rows}):
        yield Finding("package_page_unlisted", "the table has no page of this file", "", name)


# --- texts ---


class _Texts:
    """Holds the texts of pages against what the rules make of the rows."""

    def __init__(self, engine: Engine, job: Job, people: Mapping[str, _Person], pieces: Sequence[PieceRow]) -> None:
        self._engine, self._job, self._people = engine, job, people
        self._delivery = Policy.of(engine.insurers[job.insurer], job.delivery).delivery
        self._options = Options(issued_on=job.issued_on, specimen=job.trial)
        self._of = {(piece.piece, piece.sheet): piece.of for piece in pieces}
        self._make = {"card": self._card, "mount": self._mount, "mount-employer": self._mount, "notice": self._notice}

    def differences(self, rows: Sequence[PageRow], pages: Sequence[Seen]) -> Iterator[Finding]:
        """What one document does not say, or says besides."""
        first = rows[0]
        make = self._make.get(first.document)
        if make is None:
            return
        if not first.people or any(person not in self._people for person in first.people):
            yield _at(first, "package_person", "the page is of nobody who is in this part of the input")
            return
        try:
            items = self._engine.issue(first.document, self._job.insurer, make(first), self._options)
        except DocgenError as error:
            codes = ", ".join(sorted({violation.code for violation in error.violations}))
            yield _at(first, "package_text_differs", f"by the rules this document cannot be made: {codes}")
            return
        asked = self._engine.texts(first.document, self._job.insurer, items)
        if len(asked) != len(pages):
            yield _at(first, "package_text_differs", f"the document has {len(pages)} pages instead of {len(asked)}")
        for row, texts, page in zip(rows, asked, pages, strict=False):
            element = _differs(texts, page.texts)
            if element is not None:
                yield _at(row, "package_text_differs", f"the page does not say what it should: {element}")

    def _card(self, row: PageRow) -> Mapping[str, Any]:
        person = self._people[row.people[0]]
        return records.card_record(person.data, person.insured, match_code(row.piece, row.sheet, row.place))

    def _mount(self, row: PageRow) -> Mapping[str, Any]:
        people = [self._people[person] for person in row.people]
        head, data = people[0].head, [person.data for person in people]
        documents = self._engine.insurers[self._job.insurer].documents
        employer = row.document == "mount-employer"
        settings = documents.mount_employer if employer else documents.mount
        printed = [self._card(row._replace(place=place, people=(person.key,)))
                   for place, person in enumerate(people, start=1)]  # fmt: skip
        on_mount = settings is not None and settings.cards == "printed"
        of = self._of.get((row.piece, row.sheet), row.sheet)
        raw = records.mount_record(row.piece, row.sheet, of, head, data, printed=printed if on_mount else ())
        raw = records.employer_mount_record(self._job, raw, head, data) if employer else raw
        return records.mailed(raw, self._delivery)

    def _notice(self, row: PageRow) -> Mapping[str, Any]:
        people = [self._people[person] for person in row.people]
        settings = self._engine.insurers[self._job.insurer].documents.notice
        last4 = settings is not None and settings.individual_number
        data, insured = [person.data for person in people], [person.insured for person in people]
        number = piece_label(row.piece, row.sheet, self._of.get((row.piece, row.sheet), row.sheet))
        raw = records.notice_record(number, people[0].head, data, insured, last4=last4)
        return records.mailed(raw, self._delivery)


def _differs(asked: Sequence[Asked], found: Sequence[tuple[str, ...]]) -> str | None:
    """The first element that is not as it should be; None if all are."""
    at = 0
    for want in asked:
        if at < len(found) and says(want.text, found[at]):
            at += 1
        elif not want.may_go:
            return want.element
    return None if at == len(found) else "a text that should not be there"


def says(text: str, lines: Sequence[str]) -> bool:
    """Whether lines as they are set say a text: one line as it is; between several, white space may be gone."""
    if len(lines) == 1:
        return lines[0] == text.replace(PART, "")
    rest = text.replace(PART, "")
    for line in lines:
        rest = rest.lstrip() if not rest.startswith(line) else rest
        if not rest.startswith(line):
            return False
        rest = rest[len(line) :]
    return not rest.strip()


def _at(row: PageRow, code: str, message: str) -> Finding:
    person = row.people[0] if len(row.people) == 1 else None
    return Finding(code, message, "", row.file, row.page, row.piece, row.sheet, row.place, person)
