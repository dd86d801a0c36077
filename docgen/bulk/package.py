"""The print package: what the vendor gets and what the issuer keeps, put together from the shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from docgen.bulk.job import Counts, File, Job, ShardResult, employers_dir, shard_dir
from docgen.bulk.scratch import scratch
from docgen.bulk.store import Store
from docgen.bulk.tables import FIT, KEYS, PAGES, PIECES, REJECTS, header

MANIFEST = "vendor/manifest.json"
FORMAT = 1

# Each table of the package: its columns, and the name of the shards' pieces of it.
_TABLES = {
    "vendor/pieces.csv": PIECES,
    "vendor/pages.csv": PAGES,
    "issuer/rejects.csv": REJECTS,
    "issuer/keys.csv": KEYS,
    "issuer/fit.csv": FIT,
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
    for name, columns in _TABLES.items():
        files.append(_put_table(store, name, columns, places))
    manifest = {
        "format": FORMAT,
        "job": job.as_dict(),
        "source": dict(source),
        "counts": counts.as_dict(),
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


def _put_table(store: Store, name: str, columns: Sequence[str], places: Iterable[str]) -> File:
    """One table from the shards' pieces of it, in their order; what was pushed to fit comes worst first."""
    fragment = Path(name).name
    with scratch() as folder:
        path = folder / fragment
        with path.open("wb") as out:
            for place in places:
                out.writelines(store.chunks(f"{place}/{fragment}"))
        if columns is FIT:
            _sort(path)
        digest, size = hashlib.sha256(), 0
        for block in _with_header(path, columns):
            digest.update(block)
            size += len(block)
        store.put_stream(name, _with_header(path, columns))
    return File(name, digest.hexdigest(), size)


def _with_header(path: Path, columns: Sequence[str]) -> Iterator[bytes]:
    yield header(columns)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            yield block


def _sort(path: Path) -> None:
    """Sort a table by its first column, whole lines, keeping the order of equals."""
    lines = f"read_csv('{path}', columns={{'line': 'VARCHAR'}}, header=false, delim='\\x1f', quote='', escape='')"
    with duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}) as db:
        db.execute(f"SET temp_directory='{path.parent}'; SET memory_limit='256MB'; SET threads=1")
        numbered = f"SELECT line, row_number() OVER () AS place FROM {lines}"
        result = db.execute(f"SELECT line FROM ({numbered}) ORDER BY line[1:6], place")
        with path.with_suffix(".sorted").open("w", encoding="utf-8", newline="") as out:
            while rows := result.fetchmany(4096):
                out.writelines(f"{line}\r\n" for (line,) in rows)
    path.with_suffix(".sorted").replace(path)
