from __future__ import annotations

from pathlib import Path

import pytest

from docgen.bulk.job import Counts, named
from docgen.bulk.opened import KEYS_TABLE
from docgen.bulk.store import Store
from docgen.bulk.tables import KEYS, header
from docgen.bulk.whole import everybody_once
from tests.bulk import packages

Row = tuple[str, str, int, str]
SOUND: list[Row] = [
    ("S01-P00000001A", "a-00", 7, "printed"),
    ("S01-P00000002B", "'=a,\"\n-01", 2, "held"),  # keys are the issuer's, whatever they hold
    ("S01-P00000003C", "", 40, "rejected"),
]


def codes(folder: Path, rows: list[Row], people: int = 3) -> list[str]:
    store = Store.open(folder)
    lines = [f'{person},"{key.replace(chr(34), chr(34) * 2)}",{row},{state}\r\n' for person, key, row, state in rows]
    store.put(named(packages.job().number, KEYS_TABLE), header(KEYS) + "".join(lines).encode())
    return [finding.code for finding in everybody_once(store, packages.job(), Counts(people=people))]


def test_everybody_is_there_once(tmp_path: Path) -> None:
    assert codes(tmp_path, SOUND) == []
    assert codes(tmp_path, [], people=0) == []


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (SOUND[:2], ["package_counts"]),
        ([*SOUND, SOUND[2]], ["package_person"]),
        ([SOUND[1], SOUND[0], SOUND[2]], ["package_person"]),
        ([*SOUND[:2], ("S01-P00000003C", "b", 7, "printed")], ["package_person"]),  # two people of one row
        ([], ["package_counts"]),
    ],
)
def test_who_is_in_two_shards_or_in_none_is_found(tmp_path: Path, rows: list[Row], found: list[str]) -> None:
    assert codes(tmp_path, rows) == found


def test_a_table_of_several_blocks_is_one(tmp_path: Path) -> None:
    many: list[Row] = [(f"S01-P{at:08d}X", f"key-{at}" * 5, at, "printed") for at in range(1, 40_001)]
    assert codes(tmp_path, many, 40_000) == []
    assert codes(tmp_path, many[:30_000] + many[29_999:], 40_001) == ["package_person"]
