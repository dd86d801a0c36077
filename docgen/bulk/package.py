"""The print package: what the vendor gets and what the issuer keeps, put together from the shards."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from docgen.bulk.job import Counts, File, Job, ShardResult, by_shard, employers_dir, is_of_employers, named, shard_dir
from docgen.bulk.opened import FIT_TABLE, FORMAT, KEYS_TABLE, MANIFEST, PAGES_TABLE, PIECES_TABLE, REJECTS_TABLE
from docgen.bulk.scratch import scratch
from docgen.bulk.store import Store
from docgen.bulk.tables import BUNDLES, BUNDLES_TABLE, FIT, KEYS, PAGES, PIECES, REJECTS, header, read_table
from docgen.errors import PackageError, Violation
from docgen.issuance.addressee import piece_label

_BATCH = 4096  # rows
_BLOCK = 1 << 20  # bytes

# Each table of the package, and its columns.
TABLES = {
    PIECES_TABLE: PIECES,
    PAGES_TABLE: PAGES,
    REJECTS_TABLE: REJECTS,
    KEYS_TABLE: KEYS,
    FIT_TABLE: FIT,
}


def assemble(
    store: Store,
    job: Job,
    made_with: Mapping[str, Any],
    shards: Sequence[ShardResult],
    employers: Sequence[ShardResult],
    source: Mapping[str, Any],
    reading: Mapping[str, Any],
) -> Counts:
    """Write the package's tables, then its manifest. Memory does not grow with the batch.

    `made_with` names everything else that decides a byte (`Engine.pinned`), `source` the input: its SHA-256, its rows,
    `reading` what a second reader needs besides (`opened.reading_guide`).
    The manifest lies under `work/` until the package is reconciled; `release` puts it in its place.
    """
    places = [shard_dir(result.number) for result in shards]
    places += [employers_dir(result.number) for result in employers]
    counts = sum((result.counts for result in (*shards, *employers)), Counts())
    files = [file for result in (*shards, *employers) for file in result.files]
    files += [_put_table(store, job, table, places) for table in TABLES]
    manifest = {
        "format": FORMAT,
        "package": job.number,
        "job": job.as_dict(),
        "source": dict(source),
        "counts": counts.as_dict(),
        "shards": {name: own.as_dict() for name, own in by_shard((*shards, *employers)).items()},
        "made_with": dict(made_with),
        **reading,
        "files": [file.as_dict() for file in sorted(files, key=lambda file: file.name)],
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    store.put(UNRELEASED, text.encode("utf-8"))
    return counts


UNRELEASED = "work/manifest.json"


def release(store: Store) -> None:
    """Put the manifest in its place: from now on the folder is a finished package."""
    store.put(MANIFEST, store.read(UNRELEASED))


def _put_table(store: Store, job: Job, table: str, places: Sequence[str]) -> File:
    name, digest, size = named(job.number, table), hashlib.sha256(), 0

    def blocks() -> Iterator[bytes]:
        nonlocal size
        for block in table_blocks(store, table, places):
            digest.update(block)
            size += len(block)
            yield block

    store.put_stream(name, blocks())
    return File(name, digest.hexdigest(), size)


def table_blocks(store: Store, table: str, places: Sequence[str]) -> Iterator[bytes]:
    """A finished table, one of TABLES, from the shards' pieces of it: in their order, that of print.

    Who was not printed comes in the order of the input, and what was pushed to fit worst first. Raises PackageError
    `package_table` if the letters to employers do not have the envelopes that are there.
    """
    columns = TABLES[table]
    yield header(columns)
    if columns is PIECES and any(map(is_of_employers, places)):
        yield from _bundled(store, places)
        return
    pieces = (block for place in places for block in store.chunks(f"{place}/{Path(table).name}"))
    if columns is not FIT and columns is not REJECTS:
        yield from pieces
        return
    with scratch() as folder:
        path = folder / "table.csv"
        with path.open("wb") as out:
            out.writelines(pieces)
        yield from _sorted(path, _worst if columns is FIT else _row)


def _bundled(store: Store, places: Sequence[str]) -> Iterator[bytes]:
    """The table of pieces with each envelope's letter, which was made after all envelopes.

    Shards are sorted by employer, so letters name the envelopes in the order in which they were printed.
    """
    letters = (row for place in places if is_of_employers(place) for row in _letters(store, place))
    for place in places:
        with store.reader(f"{place}/pieces.csv") as stream:
            while lines := stream.readlines(_BLOCK):
                yield b"".join([_with_letter(line, letters) for line in lines])
    if next(letters, None) is not None:
        raise _other_envelopes()


def _letters(store: Store, place: str) -> Iterator[dict[str, str]]:
    with store.reader(f"{place}/{BUNDLES_TABLE}") as stream:
        yield from read_table(stream, BUNDLES)


def _with_letter(line: bytes, letters: Iterator[dict[str, str]]) -> bytes:
    """A row of the table of pieces; that of an envelope to hand on ends with an empty cell, which is filled."""
    piece, sheet, of, kind, _ = line.split(b",", 4)
    if kind != b"employer":
        return line
    letter = next(letters, None)
    if letter is None or letter["number"] != piece_label(piece.decode(), int(sheet), int(of)):
        raise _other_envelopes()
    return line.removesuffix(b"\r\n") + letter["bundle"].encode() + b"\r\n"


def _other_envelopes() -> PackageError:
    message = "the letters to employers do not name the envelopes that were printed, in their order"
    return PackageError(Violation("package_table", message, "report this as a fault"))


def _worst(line: str) -> float:
    return float(line[:6])


def _row(record: str) -> float:
    cells = next(csv.reader(io.StringIO(record, newline=""))) if '"' in record else record.split(",", 2)
    return float(cells[1])


def _records(path: Path, first: Callable[[str], float]) -> Iterator[tuple[float, int, str]]:
    """The rows as they are written, with what they are sorted by; a cell may hold the end of a line."""
    record = ""
    with path.open(encoding="utf-8", newline="") as lines:
        for place, line in enumerate(lines):
            record += line
            if record.count('"') % 2 == 0:
                yield first(record), place, record
                record = ""


def _sorted(path: Path, first: Callable[[str], float]) -> Iterator[bytes]:
    """The rows by what comes first, in their order where that is the same; on disk where memory does not suffice."""
    schema = pa.schema([("first", pa.float64()), ("place", pa.int64()), ("record", pa.string())])
    rows = _records(path, first)
    batches = (_batch(some, schema) for some in iter(lambda: list(islice(rows, _BATCH)), []))
    with duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}) as db:
        db.execute(f"SET temp_directory='{path.parent}'; SET memory_limit='256MB'; SET threads=1")
        db.register("rows", pa.RecordBatchReader.from_batches(schema, batches))
        result = db.execute("SELECT record FROM rows ORDER BY first, place")
        while records := result.fetchmany(_BATCH):
            yield "".join(record for (record,) in records).encode("utf-8")


def _batch(rows: Sequence[tuple[float, int, str]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(zip(*rows, strict=True), schema, strict=True)
    return pa.RecordBatch.from_arrays([pa.array(cells, field.type) for cells, field in columns], schema=schema)
