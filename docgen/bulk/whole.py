"""Everybody of a batch, over all of its shards: what no shard can see by itself."""

from __future__ import annotations

from collections.abc import Iterator
from operator import lt

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from docgen.bulk.job import Counts, Job
from docgen.bulk.opened import KEYS_TABLE
from docgen.bulk.reconcile import Finding
from docgen.bulk.store import Store

_BLOCK = 1 << 20


def everybody_once(store: Store, job: Job, counts: Counts) -> Iterator[Finding]:
    """Nobody is in two shards, no row of the input is in two, and all are there; each shard has told so of its own.

    Takes a byte for each row of the input.
    """
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
    types = {"person": pa.string(), "row": pa.int64()}
    with store.reader(KEYS_TABLE) as stream:
        convert = csv.ConvertOptions(include_columns=list(types), column_types=types)
        reading = csv.ReadOptions(block_size=_BLOCK, use_threads=False)
        with csv.open_csv(stream, reading, csv.ParseOptions(newlines_in_values=True), convert) as batches:
            yield from batches
