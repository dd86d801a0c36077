"""The parts of a job, written: rows numbered in print order, cut behind whole households, and brought to their part.

The rows come once more in the extract's order, so they are dealt out to bundles of parts on disk first, and each bundle
is sorted by itself: no more than one is in memory, however many people there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from docgen.bulk.job import part_name
from docgen.bulk.store import Store

_BATCH = 2048  # rows
_BUNDLE = 25_000  # people, about
_DEALT = 64  # rows that each bundle gets at a time, about: what is written beside them takes as much as twenty rows

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
    """The input of one shard: whole households, in the order in which they are printed."""

    number: int
    people: int
    households: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Who is where: a file with a row for each person, in print order. A bundle is some parts in a row."""

    path: Path
    bundles: int

    def in_order(self, db: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
        """The numbers in the order of the extract, through the database."""
        with pa.OSFile(str(self.path), "rb") as file:
            db.register("numbers", pa.ipc.open_stream(file))
            db.execute("CREATE TABLE numbered AS SELECT * FROM numbers")
            db.unregister("numbers")
        yield from db.sql("SELECT * FROM numbered ORDER BY place").to_arrow_reader(_BATCH)


def number(rows: pa.RecordBatchReader, people_per_file: int, work: Path) -> Numbers:
    """Number households and people from 1, and cut: a part has as many people as asked for, or some of one household
    more. `rows` are in print order; `family` is the same for one household."""
    path = work / "numbers"
    household, person, part, size, last = 0, 0, 1, 0, None
    bundle, bundled = 0, 0
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, _NUMBERED) as out:
        for batch in rows:
            numbers = []
            for family in batch.column("family").to_pylist():
                if family != last:
                    household, last = household + 1, family
                    if size >= people_per_file:
                        part, bundled, size = part + 1, bundled + size, 0
                        if bundled >= _BUNDLE:
                            bundle, bundled = bundle + 1, 0
                size, person = size + 1, person + 1
                numbers.append((household, person, part, bundle))
            known = [batch.column(name).cast(_NUMBERED.field(name).type) for name in _NUMBERED.names[:5]]
            columns = zip(zip(*numbers, strict=True), list(_NUMBERED)[5:], strict=True)
            counted = [pa.array(column, field.type) for column, field in columns]
            out.write_batch(pa.RecordBatch.from_arrays([*known, *counted], schema=_NUMBERED))
    return Numbers(path, bundle + 1)


def deal_out(
    rows: Iterator[pa.RecordBatch], numbered: Iterator[pa.RecordBatch], numbers: Numbers, work: Path
) -> list[Path]:
    """The rows that are taken in, in a file for each bundle. `rows` and `numbered` are both in the extract's order."""
    paths = [work / f"bundle-{at}" for at in range(numbers.bundles)]
    writers: list[pa.RecordBatchStreamWriter] = []
    with ExitStack() as stack:
        for table in _gathered(_joined(rows, numbered), _DEALT * numbers.bundles):
            for path in paths if not writers else ():
                file = stack.enter_context(pa.OSFile(str(path), "wb"))
                writers.append(stack.enter_context(pa.ipc.new_stream(file, table.schema)))
            for run in _runs(table.sort_by("_person"), "bundle"):
                writers[run.column("bundle")[0].as_py()].write_table(run.combine_chunks())
    return paths


def write_parts(store: Store, bundles: Sequence[Path]) -> tuple[Part, ...]:
    """The parts in the store; bundles go as they are written.

    Deterministic: the bytes depend on the rows and the version of pyarrow alone.
    """
    parts: list[Part] = []
    for path in bundles:
        with pa.OSFile(str(path), "rb") as file:
            bundle = pa.ipc.open_stream(file).read_all()
        path.unlink()
        in_order = bundle.select(["_person", "part"]).append_column("at", pa.array(range(bundle.num_rows)))
        for part in _runs(in_order.sort_by("_person"), "part"):  # a part at a time: twice the bundle would be too much
            rows = bundle.drop_columns(["part", "bundle"]).take(part.column("at"))
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
        people=part.num_rows,
        households=households[-1].as_py() - households[0].as_py() + 1,
        sha256=hashlib.sha256(content).hexdigest(),
    )
