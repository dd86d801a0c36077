"""A batch's package as a whole, after each of its shards was read: nothing is read twice.

The workers hold every page against the input, a shard at a time (`against`), by the shards' own pieces of the tables.
What is left is what no shard can see: that the package consists of just these files and tables, that nobody is in two
shards, and that the counts are those of all of them. `reconcile` does it all by itself, for anyone, later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from operator import lt
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from docgen.bulk.job import Counts, File, Job
from docgen.bulk.opened import (
    KEYS_TABLE,
    MANIFEST,
    PAGES_TABLE,
    PIECES_TABLE,
    REJECTS_TABLE,
    Manifest,
    open_manifest,
)
from docgen.bulk.reconcile import Finding, Report, changed, files_differ
from docgen.bulk.store import Store
from docgen.bulk.tables import KEYS, PAGES, PIECES, REJECTS, header

# The tables that are put together from the shards' pieces, in their order. Of `fit.csv`, which is sorted, the manifest
# has the hash.
_TABLES = {PIECES_TABLE: PIECES, PAGES_TABLE: PAGES, REJECTS_TABLE: REJECTS, KEYS_TABLE: KEYS}
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Read:
    """What a worker has read of a folder of work, and found sound: the files as they are, the counts."""

    folder: str
    files: tuple[File, ...]
    counts: Counts

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Read:
        """Read back what `as_dict` wrote."""
        return cls(data["folder"], tuple(File(**file) for file in data["files"]), Counts(**data["counts"]))


def reconcile_whole(store: Store, manifest: str, read: Sequence[Read]) -> Report:
    """Hold a package against what was read of it; `read` has the folders of work in the order of the tables.

    Memory does not grow with the batch, but for a byte for each row of the input.
    """
    said = open_manifest(store, manifest)
    report = Report(counts=sum((part.counts for part in read), Counts()))
    report.add(files_differ(store, said, vendor_only=False))
    report.add(_read_files(said, [file for part in read for file in part.files]))
    for table, columns in _TABLES.items():
        report.add(_put_together(store, said, table, columns, [part.folder for part in read]))
    if report.ok:  # else the table may not even be one
        report.add(_people(store, said.job, report.counts))
    if not said.counts.balanced or said.counts != report.counts:
        message = "the manifest's counts are not those of the shards, or do not balance"
        report.add([Finding("package_counts", message, "somebody is lost, or there twice", MANIFEST)])
    return report


def _read_files(said: Manifest, read: Collection[File]) -> Iterator[Finding]:
    """The files with pages are those that were read, each of them once."""
    unread = {name for name in said.files if name.endswith(".pdf")}
    for file in read:
        if file.name not in unread:
            message = "the manifest does not name this file, or it is there twice"
            yield Finding("package_file_unknown", message, "", file.name)
            continue
        unread.remove(file.name)
        yield from changed(said.files[file.name], file.sha256, file.bytes)
        if said.files[file.name].pages != file.pages:
            message = f"the file has {file.pages} pages, and the manifest says {said.files[file.name].pages}"
            yield Finding("package_counts", message, "", file.name)
    for name in sorted(unread):
        yield Finding("package_page_unlisted", "no shard has made this file", "", name)


def _put_together(
    store: Store, said: Manifest, table: str, columns: Sequence[str], folders: Iterable[str]
) -> Iterator[Finding]:
    """A table is its header and the shards' pieces of it, byte for byte; that it is as it was, the files say."""
    name = table.rpartition("/")[2]
    digest = hashlib.sha256(header(columns))
    for folder in folders:
        with suppress(FileNotFoundError):  # the hash tells
            for block in store.chunks(f"{folder}/{name}"):
                digest.update(block)
    if table not in said.files or said.files[table].sha256 != digest.hexdigest():
        yield Finding("package_table", "the table is not put together from those of the shards", "", table)


def _people(store: Store, job: Job, counts: Counts) -> Iterator[Finding]:
    """Everybody is in one shard, and no row of the input in two: each shard has told so of its own."""
    rows, people, last = bytearray(counts.people + 1), 0, 0
    start = len(job.number) + len("-P")
    for batch in _keys(store):
        ordinals = pc.utf8_slice_codeunits(batch["person"], start, start + 8).cast(pa.int64()).to_pylist()
        if not all(map(lt, (last, *ordinals), ordinals)):
            yield Finding("package_person", "the table of keys has people twice, or out of order", "", KEYS_TABLE)
            return
        people, last = people + len(ordinals), ordinals[-1]
        for row in batch["row"].to_pylist():
            if row >= len(rows):
                rows.extend(bytes(row + 1 - len(rows)))
            if rows[row]:
                yield Finding("package_person", f"row {row} of the input stands here twice", "", KEYS_TABLE)
            rows[row] = 1
    if people != counts.people:
        message = f"the table of keys has {people} people, and the shards {counts.people}"
        yield Finding("package_counts", message, "", KEYS_TABLE)


def _keys(store: Store) -> Iterator[pa.RecordBatch]:
    with store.reader(KEYS_TABLE) as stream:
        options = csv.ConvertOptions(
            include_columns=["person", "row"], column_types={"person": pa.string(), "row": pa.int64()}
        )
        reading = csv.ReadOptions(block_size=_BLOCK, use_threads=False)
        with csv.open_csv(stream, reading, csv.ParseOptions(newlines_in_values=True), options) as batches:
            yield from batches
