from __future__ import annotations

from pathlib import Path

import pytest

from docgen.bulk.job import Counts, employer_piece_id, named, piece_id
from docgen.bulk.opened import KEYS_TABLE, PIECES_TABLE
from docgen.bulk.store import Store
from docgen.bulk.tables import KEYS, PIECES, header
from docgen.bulk.whole import every_piece_once, everybody_once
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


def pieces_found(folder: Path, *envelopes: tuple[str, int]) -> list[str | None]:
    store, job = Store.open(folder), packages.job()
    lines = [f"{piece},{sheet},2,employer,1,1,,\r\n" for piece, sheet in envelopes]
    store.put(named(job.number, PIECES_TABLE), header(PIECES) + "".join(lines).encode())
    found = list(every_piece_once(store, job))
    assert {finding.code for finding in found} <= {"package_piece"}
    return [finding.piece for finding in found]


def test_an_id_of_two_pieces_is_found(tmp_path: Path) -> None:
    job = packages.job().number
    home, letter = piece_id(job, 123), employer_piece_id(job, 2, 1)
    sound = [(home, 1), (home, 2), (piece_id(job, 7), 1), (letter, 1), (employer_piece_id(job, 12345, 1), 1)]
    assert pieces_found(tmp_path, *sound) == []
    assert pieces_found(tmp_path, *sound, (home, 1)) == [home]
    assert pieces_found(tmp_path, (letter, 1), *sound) == [letter]


def test_letters_have_ids_of_their_own_however_many_begin_in_a_shard(tmp_path: Path) -> None:
    job = packages.job().number
    ordinals = [*range(1, 4), *range(9_998, 10_003), *range(49_998, 50_003), 129_999]
    ids = [employer_piece_id(job, shard, ordinal) for shard in (1, 2, 3, 11, 10_001) for ordinal in ordinals]
    assert ids[0] == f"{job}-L00010001{ids[0][-1]}"  # as it always was
    assert {len(id_) for id_ in ids[: 4 * len(ordinals)]} == {len(ids[0])}
    assert pieces_found(tmp_path, *((id_, 1) for id_ in ids)) == []
