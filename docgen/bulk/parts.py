"""The parts of a job, written: rows numbered in print order, cut behind whole households, and brought to their part.

Nothing is sorted as a whole. What is to come in another order is dealt out to piles on disk first, each of which goes
before the next, and each pile is sorted by itself: no more than one is in memory, however many people there are.
"""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from docgen.bulk.job import part_name
from docgen.bulk.store import Store

_BATCH = 2048  # rows
_PILE = 25_000  # rows, about
_DEALT = 64  # rows that each pile gets at a time, about: what is written beside them takes as much as twenty rows

_NUMBERED = pa.schema([
    ("place", pa.int64()),
    ("_key", pa.string()),
    ("_fault", pa.string()),
    ("_withdrawn", pa.bool_()),
    ("_identity", pa.string()),
    ("_household", pa.int64()),
    ("_person", pa.int64()),
    ("part", pa.int32()),
    ("bundle", pa.int32()),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """The input of one shard: whole households, in the order in which they are printed.

    `people` are those who were asked for: rows that are there for them alone have no `_key`.
    """

    number: int
    people: int
    households: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Who is where: a row for each person, in piles by the place in the extract. A bundle is some parts in a row."""

    piles: Sequence[Path]
    bundles: int

    def in_order(self) -> Iterator[pa.RecordBatch]:
        """The numbers in the order of the extract. Piles go as they are read."""
        for pile in self.piles:
            yield from _taken(pile).drop_columns("span").sort_by("place").to_batches(_BATCH)


def by_print_order(rows: Iterable[pa.RecordBatch], sample: Sequence[bytes], one_in: int, work: Path) -> list[Path]:
    """The rows in piles that follow one another in print order, that of `sort_key`.

    `sample` has the keys of about one row in so many, in order: it says where one pile ends and the next begins.
    """
    step = max(1, _PILE // one_in)
    cuts = sample[step::step]
    tables = (
        pa.Table.from_batches([batch]).append_column(
            "range", pa.array([bisect(cuts, key) for key in batch.column("sort_key").to_pylist()], pa.int32())
        )
        for batch in rows
    )
    return _dealt(tables, "range", len(cuts) + 1, work)


def number(piles: Sequence[Path], people_per_file: int, work: Path) -> Numbers:
    """Number households and people from 1, and cut: a part has as many people as asked for, or some of one household
    more. The piles are those of `by_print_order`, and go as they are read; `family` is the same for one household."""
    count = _Count(people_per_file)
    dealt = _dealt(_numbered(piles, count), "span", len(piles), work)
    return Numbers(dealt, count.bundle + 1)


class _Count:
    """Counts people as they come, in print order."""

    def __init__(self, people_per_file: int) -> None:
        self._most = people_per_file
        self._household, self._person, self._part, self._size = 0, 0, 1, 0
        self._last: str | None = None
        self._bundled, self.bundle = 0, 0

    def people(self, families: Iterable[str]) -> Iterator[tuple[int, int, int, int]]:
        """Household, person, part and bundle of each one, by their families."""
        for family in families:
            if family != self._last:
                self._household, self._last = self._household + 1, family
                if self._size >= self._most:
                    self._part, self._bundled, self._size = self._part + 1, self._bundled + self._size, 0
                    if self._bundled >= _PILE:
                        self.bundle, self._bundled = self.bundle + 1, 0
            self._size, self._person = self._size + 1, self._person + 1
            yield self._household, self._person, self._part, self.bundle


def _numbered(piles: Iterable[Path], count: _Count) -> Iterator[pa.Table]:
    """What `_NUMBERED` has, and `span`: the pile of numbers that a place in the extract belongs to."""
    for pile in piles:
        for batch in _taken(pile).sort_by("sort_key").to_batches(_BATCH):
            numbers = zip(*count.people(batch.column("family").to_pylist()), strict=True)
            known = [batch.column(name).cast(_NUMBERED.field(name).type) for name in _NUMBERED.names[:5]]
            counted = [pa.array(some, field.type) for some, field in zip(numbers, list(_NUMBERED)[5:], strict=True)]
            table = pa.Table.from_arrays([*known, *counted], schema=_NUMBERED)
            yield table.append_column("span", pc.divide(table.column("place"), _PILE))


def bundle(rows: Iterator[pa.RecordBatch], numbers: Numbers, work: Path) -> list[Path]:
    """The rows that are taken in, in a pile for each bundle. `rows` are in the extract's order."""
    return _dealt(_joined(rows, numbers.in_order()), "bundle", numbers.bundles, work)


def _dealt(tables: Iterator[pa.Table], by: str, piles: int, work: Path) -> list[Path]:
    """The rows in a file for each value of a column, about so many, in the order of the values."""
    writers: dict[int, pa.RecordBatchStreamWriter] = {}
    with ExitStack() as stack:
        for table in _gathered(tables, _DEALT * piles):
            for run in _runs(table.sort_by(by), by):
                pile = run.column(by)[0].as_py()
                if pile not in writers:
                    file = stack.enter_context(pa.OSFile(str(work / f"{by}-{pile}"), "wb"))
                    writers[pile] = stack.enter_context(pa.ipc.new_stream(file, table.schema))
                writers[pile].write_table(run.combine_chunks())
    return [work / f"{by}-{pile}" for pile in sorted(writers)]


def _taken(pile: Path) -> pa.Table:
    """The rows of a pile, which goes."""
    with pa.OSFile(str(pile), "rb") as file:
        rows = pa.ipc.open_stream(file).read_all()
    pile.unlink()
    return rows.combine_chunks()


def write_parts(store: Store, bundles: Sequence[Path]) -> tuple[Part, ...]:
    """The parts in the store; bundles go as they are written.

    Deterministic: the bytes depend on the rows and the version of pyarrow alone.
    """
    parts: list[Part] = []
    for path in bundles:
        people = _taken(path)
        in_order = people.select(["_person", "part"]).append_column("at", pa.array(range(people.num_rows)))
        for part in _runs(in_order.sort_by("_person"), "part"):  # a part at a time: twice the bundle would be too much
            rows = people.drop_columns(["part", "bundle"]).take(part.column("at"))
            parts.append(_write(store, len(parts) + 1, rows))
    return tuple(parts)


def _joined(rows: Iterator[pa.RecordBatch], numbered: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows that are taken in, with their numbers, in the extract's order."""
    start = 0
    waiting: list[pa.RecordBatch] = []
    for batch in rows:
        end = start + batch.num_rows
        while not waiting or waiting[-1].column("place")[-1].as_py() < end - 1:
            following = next(numbered, None)
            if following is None:
                break
            if following.num_rows:
                waiting.append(following)
        known = pa.Table.from_batches(waiting, _NUMBERED)
        taken = pc.sum(pc.less(known.column("place"), end)).as_py() or 0
        waiting = known.slice(taken).to_batches()
        known = known.slice(0, taken)
        table = pa.Table.from_batches([batch.drop_columns(["_fault"])]).take(pc.subtract(known.column("place"), start))
        for name in _NUMBERED.names[1:]:
            table = table.append_column(name, known.column(name))
        yield table
        start = end


def _gathered(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of at least so many, but for the last."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(some.num_rows for some in waiting) >= rows:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _runs(table: pa.Table, column: str) -> Iterator[pa.Table]:
    """The runs of equal values of a column."""
    start = 0
    for run in pc.run_end_encode(table.column(column).combine_chunks()).run_ends.to_pylist():
        yield table.slice(start, run - start)
        start = run


def _write(store: Store, number: int, part: pa.Table) -> Part:
    sink = pa.BufferOutputStream()
    pq.write_table(part.combine_chunks(), sink, compression="zstd", write_statistics=False, store_schema=False)
    content = bytes(sink.getvalue())
    store.put(part_name(number), content)
    households = part.column("_household")
    return Part(
        number=number,
        people=part.num_rows - part.column("_key").null_count,
        households=households[-1].as_py() - households[0].as_py() + 1,
        sha256=hashlib.sha256(content).hexdigest(),
    )
