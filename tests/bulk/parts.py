"""Parts of an extract for tests: rows by their columns, given ordinals as the intake gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.people import COLUMNS
from docgen.bulk.household import Member
from docgen.bulk.job import Job, part_name, person_key
from docgen.bulk.policy import Policy
from docgen.bulk.rows import RowReader
from docgen.bulk.store import Store
from docgen.engine import Engine

ISSUED_ON = date(2025, 8, 1)
JOB = Job("S0001", "association", "bulk", ISSUED_ON)

_INSURED = {
    "世帯番号": "00000001",
    "記号": "10203040",
    "番号": "77",
    "枝番": "00",
    "本人家族区分": "1",
    "資格区分": "一般",
    "氏": "見本",
    "名": "太郎",
    "氏カナ": "ミホン",
    "名カナ": "タロウ",
    "性別": "1",
    "性別裏面記載": "0",
    "生年月日": "19800401",
    "資格取得年月日": "20150401",
    "郵便番号": "111-0011",
    "住所": "見本県見本市例示町",
    "番地等": "1丁目2番3号",
    "事業所番号": "0042",
    "事業所名称": "株式会社見本製作所",
    "事業所郵便番号": "100-0000",
    "事業所所在地": "見本県見本市工場町4-5",
    "交付年月日": "20250801",
}


def insured(**cells: str) -> dict[str, str]:
    """An insured person's row, with these cells instead."""
    return {**dict.fromkeys(COLUMNS, ""), **_INSURED, **cells}


def dependent(branch: int, **cells: str) -> dict[str, str]:
    """A dependent's row of the same household."""
    own = {"枝番": f"{branch:02d}", "本人家族区分": "2", "名": f"花子{branch}", "名カナ": "ハナコ", "性別": "2"}
    return insured(**{**own, "認定年月日": "20160401", "生年月日": "20100501", **cells})


def family(size: int, **cells: str) -> list[dict[str, str]]:
    """A household of so many people."""
    return [insured(**cells), *(dependent(branch, **cells) for branch in range(1, size))]


def members(engine: Engine, rows: Sequence[Mapping[str, str]], job: Job = JOB) -> list[Member]:
    """The rows as a planner takes them."""
    reader = RowReader(Policy.of(engine.insurers[job.insurer], job.delivery).settings)
    found = [Member(at, person_key(job.number, at), reader.read(row)) for at, row in enumerate(rows, start=1)]
    for member in found:
        member.violations += member.data.violations
    return found


def put_part(store: Store, folder: Path, number: int, rows: Iterable[Mapping[str, Any]], first: int = 1) -> None:
    """A part as the intake leaves it: rows of one household stand together.

    `_fault` and `_withdrawn` may be given, and `_key` as None.
    """
    households: dict[str, int] = {}
    done = [
        {
            "_fault": None,
            "_withdrawn": False,
            **row,
            "_row": at,
            "_key": row.get("_key", f"{row['世帯番号']}-{row['枝番']}"),
            "_household": households.setdefault(row["世帯番号"], len(households) + first),
            "_person": at,
        }
        for at, row in enumerate(rows, start=first)
    ]
    types = {"_row": pa.int64(), "_household": pa.int64(), "_person": pa.int64(), "_withdrawn": pa.bool_()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in done[0]])
    path = folder / f"part-{number}.parquet"
    pq.write_table(pa.Table.from_pylist(done, schema), path)
    store.put(part_name(number), path)
