"""The whole package held against its shards: what no shard can see by itself. Only a coordinator loads this."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import lt
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from docgen.bulk.against import result_of
from docgen.bulk.interrupts import interruptible
from docgen.bulk.job import Counts, File, Job, by_shard, employers_dir, named, shard_dir
from docgen.bulk.opened import FIT_TABLE, KEYS_TABLE, MANIFEST, PIECES_TABLE, difference, digest_of, open_manifest
from docgen.bulk.package import TABLES, table_blocks
from docgen.bulk.reconcile import MOST_FINDINGS, Finding, Report, is_stray
from docgen.bulk.store import Store

_BLOCK = 1 << 20


def put_together(store: Store, reports: Iterable[Mapping[str, Any]], manifest: str) -> Report:
    """Hold the package that was assembled against its shards, whose reports (as JSON) come in any order.

    The manifest has the shards' files and counts, each table is made of the shards' pieces of it, byte for byte, and
    nobody is in two shards, nor has any piece the id of another.
    """
    report = Report()
    for data in reports:
        shard = Report.from_dict(data)
        kept = sorted([*report.findings, *shard.findings], key=_place)[:MOST_FINDINGS]
        report += shard
        report.findings = kept
    said = open_manifest(store, manifest)
    folders = [
        *map(shard_dir, _numbers(store, "work/shards")),
        *map(employers_dir, _numbers(store, "work/employers")),
    ]
    results = [result_of(store, folder) for folder in folders]
    files = {file.name: file for result in results for file in result.files}
    there = {name for side in ("vendor", "issuer") for name in store.names(side)} - {MANIFEST}
    for name in sorted(name for name in set(said.files) ^ there if not is_stray(name)):
        code = "package_file_missing" if name in said.files else "package_file_unknown"
        report.add([Finding(code, "manifest and package do not have the same files", "", name)])
    tables = {said.named(table): table for table in TABLES}
    for name, file in sorted(said.files.items()):
        if name.endswith(".csv"):
            with interruptible():
                report.add(_table(store, file, tables.get(name), folders))
        elif files.get(name) != file:
            report.add([Finding("package_file_changed", "the manifest does not have what the shard made", "", name)])
    if report.ok:  # else the table may not even be one
        report.add(everybody_once(store, said.job, report.counts))
        report.add(every_piece_once(store, said.job))
    if report.counts != said.counts or not said.counts.balanced or said.shards != by_shard(results):
        report.add([Finding("package_counts", "the manifest's counts are not those of the shards", "", MANIFEST)])
    return report


def _place(finding: Finding) -> tuple[object, ...]:
    """Where in the package a finding is, so that the same faults are told in the same order."""
    f = finding
    return (
        f.file or "", f.page or 0, f.piece or "", f.sheet or 0, f.place or 0, f.person or "", f.code, f.message, f.hint
    )  # fmt: skip


def _numbers(store: Store, folder: str) -> list[int]:
    """The shards that have a result, in order."""
    return sorted(int(name.split("/")[2]) for name in store.names(folder) if name.endswith("/result.json"))


def _table(store: Store, file: File, table: str | None, folders: Sequence[str]) -> Iterator[Finding]:
    found = digest_of(store, file.name)
    if difference(file, found):
        yield Finding("package_file_changed", "the table is not the one that the manifest names", "", file.name)
    # The table of fits says how texts were set, and of nobody whether they are there.
    if table is not None and table != FIT_TABLE:
        made = hashlib.sha256()
        for block in table_blocks(store, table, folders):
            made.update(block)
        if made.hexdigest() != found[0]:
            yield Finding("package_table", "the table is not put together from the shards' rows", "", file.name)


def everybody_once(store: Store, job: Job, counts: Counts) -> Iterator[Finding]:
    """Nobody is in two shards, no row of the input is in two, and all are there; each shard has told so of its own.

    Takes a byte for each row of the input.
    """
    rows, people, last = bytearray(counts.people + 1), 0, 0
    table, start = named(job.number, KEYS_TABLE), len(job.number) + len("-P")
    for batch in _columns(store, table, {"person": pa.string(), "row": pa.int64()}):
        ordinals = pc.utf8_slice_codeunits(batch["person"], start, start + 8).cast(pa.int64()).to_pylist()
        if not all(map(lt, (last, *ordinals), ordinals)):
            yield Finding("package_person", "the table of keys has people twice, or out of order", "", table)
            return
        people, last = people + len(ordinals), ordinals[-1]
        for row in batch["row"].to_pylist():
            if row >= len(rows):
                rows.extend(bytes(row + 1 - len(rows)))
            if rows[row]:
                yield Finding("package_person", f"row {row} of the input stands here twice", "", table)
            rows[row] = 1
    if people != counts.people:
        message = f"the table of keys has {people} people, and the shards {counts.people}"
        yield Finding("package_counts", message, "", table)


def every_piece_once(store: Store, job: Job) -> Iterator[Finding]:
    """No two pieces have one id: which letter goes with which envelopes is told by it alone.

    Takes a byte for each number that an id may have.
    """
    seen: dict[str, bytearray] = {}
    table, start = named(job.number, PIECES_TABLE), len(job.number) + len("-")
    for batch in _columns(store, table, {"piece": pa.string(), "sheet": pa.int64()}):
        for piece in batch.filter(pc.equal(batch["sheet"], 1))["piece"].to_pylist():
            kind, ordinal = piece[start:-9], int(piece[-9:-1])  # eight figures, and the check character
            numbers = seen.setdefault(kind, bytearray())
            numbers.extend(bytes(max(0, ordinal + 1 - len(numbers))))
            if numbers[ordinal]:
                yield Finding("package_piece", "this is the id of two pieces", "", table, None, piece)
            numbers[ordinal] = 1


def _columns(store: Store, table: str, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Some columns of a table, block by block."""
    with store.reader(table) as stream:
        convert = csv.ConvertOptions(include_columns=list(types), column_types=types)
        reading = csv.ReadOptions(block_size=_BLOCK, use_threads=False)
        with csv.open_csv(stream, reading, csv.ParseOptions(newlines_in_values=True), convert) as batches:
            yield from batches
