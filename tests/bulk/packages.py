"""Small finished packages, and ways to damage them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.people import ISSUED_ON, people
from docgen.bulk.employers import run_employers
from docgen.bulk.job import Job, part_name
from docgen.bulk.opened import KeyRow, PageRow, PieceRow, key_rows, open_manifest, page_rows, piece_rows, reading_guide
from docgen.bulk.package import assemble, release
from docgen.bulk.policy import Policy
from docgen.bulk.shard import run_shard
from docgen.bulk.store import Store
from docgen.engine import Engine

_OWN = {"_row": pa.int64(), "_household": pa.int64(), "_person": pa.int64(), "_withdrawn": pa.bool_()}


def job(delivery: str = "bulk", insurer: str = "association", *, trial: bool = False) -> Job:
    return Job("S01", insurer, delivery, ISSUED_ON, trial=trial)


def rows(count: int, seed: int = 1, **changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Invented people as a part holds them; `changes` are cells of the n-th person, as n3={"氏": "見本"}."""
    made: list[dict[str, Any]] = []
    ordinals: dict[str, int] = {}
    for at, cells in enumerate(people(count, seed), start=1):
        household = ordinals.setdefault(cells["世帯番号"], len(ordinals) + 1)
        own = {"_row": at, "_household": household, "_person": at, "_withdrawn": False, "_fault": None}
        key = f"{cells['世帯番号']}-{cells['枝番']}"
        made.append({**cells, **own, "_key": key, **changes.get(f"n{at}", {})})
    return made


def rows_of_employers(count: int, households: int = 4) -> list[dict[str, Any]]:
    """Invented people whose employers have so many households each."""
    made = rows(count)
    for row in made:
        number = row["_household"] // households
        row |= {
            "事業所番号": f"{number:04d}",
            "事業所名称": f"見本商店{number}",
            "事業所所在地": "見本県見本市工場町4-5",
        }
    return made


def put_part(store: Store, number: int, part: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write a part of the input as intake does."""
    schema = pa.schema([(name, _OWN.get(name, pa.string())) for name in part[0]])
    path = folder / f"part-{number}.parquet"
    pq.write_table(pa.Table.from_pylist(list(part), schema), path)
    store.put(part_name(number), path)


def issue(engine: Engine, folder: Path, job: Job, parts: Iterable[Sequence[Mapping[str, Any]]]) -> Store:
    """Print and release a package from these parts."""
    store = Store.open(folder / "package")
    numbers = []
    for number, part in enumerate(parts, start=1):
        put_part(store, number, part, folder)
        numbers.append(number)
    return finish(engine, store, job, numbers)


def finish(engine: Engine, store: Store, job: Job, numbers: Iterable[int]) -> Store:
    """Print and release the package of these parts, which are in the store."""
    shards = [run_shard(engine, store, job, number) for number in numbers]
    to_homes = Policy.of(engine.insurers[job.insurer], job.delivery).delivery.to == "home"
    letters = [run_employers(engine, store, job, shard.number, len(shards)) for shard in shards if not to_homes]
    guide = reading_guide(engine, job.insurer)
    assemble(store, job, engine.pinned(job.insurer), shards, letters, {"sha256": "0" * 64}, guide)
    release(store)
    return store


def pages(store: Store) -> list[PageRow]:
    """Every page of a finished package."""
    return list(page_rows(store, open_manifest(store)))


def pieces(store: Store) -> list[PieceRow]:
    """Every envelope of a finished package."""
    return list(piece_rows(store, open_manifest(store)))


def keys(store: Store) -> list[KeyRow]:
    """Every person of a finished package."""
    return list(key_rows(store, open_manifest(store)))


def halves(made: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Two parts of about the same size, households whole."""
    households = [list(rows) for _, rows in groupby(made, key=lambda row: row["_household"])]
    middle = len(households) // 2
    return [[row for rows in part for row in rows] for part in (households[:middle], households[middle:])]


def on(day: str) -> date:
    return date.fromisoformat(day)
