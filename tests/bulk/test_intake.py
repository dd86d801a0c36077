"""Intake: rows in any order become households in print order; everyone is in one part, once."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docgen.bulk import intake, parts, sources
from docgen.bulk.intake import Intake, take_in
from docgen.bulk.job import Job
from docgen.bulk.shard import run_shard
from docgen.bulk.sources import open_source
from docgen.bulk.store import Store
from docgen.bulk.tables import REJECTS, read_table
from docgen.engine import Engine
from docgen.errors import RequestError
from docgen.issuance.profile import InsurerProfile, load_profile

LAYOUTS = Path(__file__).parents[2] / "layouts"
SAMPLE = LAYOUTS / "samples/extracts/households.csv"
PROFILE = load_profile(LAYOUTS / "insurers/association.yaml")
assert PROFILE.bulk is not None
COLUMNS = tuple(PROFILE.bulk.columns)
JOB = Job("T1", "association", "bulk", date(2025, 8, 1))

Row = Mapping[str, Any]


def profile(people_per_file: int = 5000, **changes: Any) -> InsurerProfile:
    assert PROFILE.bulk is not None
    bulk = PROFILE.bulk.model_copy(update={"people_per_file": people_per_file, **changes})
    return PROFILE.model_copy(update={"bulk": bulk})


def row(household: object, branch: str = "00", **cells: str) -> dict[str, str]:
    basic = {"世帯番号": f"{household}", "番号": f"9{household}", "枝番": branch, "氏": "見本", "名": f"名{branch}"}
    return {
        **dict.fromkeys(COLUMNS, ""),
        **basic,
        "本人家族区分": "1" if branch == "00" else "2",
        "生年月日": "19900101",
        "郵便番号": "000-0001",
        **cells,
    }


def taken(
    rows: Iterable[Mapping[str, str]], insurer: InsurerProfile = PROFILE, job: Job = JOB, **lists: Any
) -> tuple[Intake, list[list[Row]]]:
    """What became of these rows: the intake, and the rows of each part."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        with (work / "extract.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        store = Store.open(work / "store")
        found = take_in(store, open_source(work / "extract.csv", work), job, insurer, work, **lists)
        contents = [store.read(name) for name in store.names()]
        assert [hashlib.sha256(content).hexdigest() for content in contents] == [part.sha256 for part in found.parts]
        return found, [pq.read_table(io.BytesIO(content)).to_pylist() for content in contents]


def flat(batches: Iterable[Sequence[Row]]) -> list[Row]:
    return [row for part in batches for row in part]


def keys(batches: Iterable[Sequence[Row]]) -> list[str]:
    return [row["_key"] for row in flat(batches)]


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(RequestError) as caught:
        call()
    (violation,) = caught.value.violations
    return violation.code, violation.message


# --- order ---

people = st.lists(
    st.builds(
        lambda household, branch, postal, born: row(
            household or "", branch, 郵便番号=postal, 生年月日=born, 番号=household or "x"
        ),
        st.sampled_from(["1", "2", "3", "4", "5", ""]),
        st.sampled_from(["00", "01", "02", ""]),
        st.sampled_from(["100-0001", "200-0001", ""]),
        st.sampled_from(["19900101", "20000101", ""]),
    ),
    min_size=1,
    max_size=14,
)


@settings(deadline=None, max_examples=15)
@given(st.data(), people, st.integers(1, 5))
def test_rows_in_another_order_give_the_same_households_and_everyone_is_there_once(
    data: st.DataObject, rows: list[dict[str, str]], people_per_file: int
) -> None:
    found, parts = taken(rows, profile(people_per_file))
    _, others = taken(data.draw(st.permutations(rows)), profile(people_per_file))

    def without_numbers(batches: list[list[Row]]) -> list[list[Row]]:
        return [
            [{**row, "_row": 0, "_fault": (row["_fault"] or "").partition(":")[0]} for row in part] for part in batches
        ]

    assert without_numbers(parts) == without_numbers(others)
    everyone = flat(parts)
    assert sorted(row["_row"] for row in everyone) == list(range(1, len(rows) + 1))
    assert [row["_person"] for row in everyone] == list(range(1, len(rows) + 1))
    assert found.people == len(rows)
    for taken_row in everyone:
        original = rows[taken_row["_row"] - 1]
        assert {name: taken_row[name] or "" for name in COLUMNS} == original
    ordinals = [ordinal for ordinal, _ in groupby(row["_household"] for row in everyone)]
    assert ordinals == list(range(1, len(ordinals) + 1))  # together, and in no other part
    sizes = [len(list(members)) for _, members in groupby(everyone, key=lambda row: row["_household"])]
    assert len({row["世帯番号"] for row in rows if row["世帯番号"]}) + sum(not row["世帯番号"] for row in rows) == len(
        sizes
    )
    assert [part.people for part in found.parts] == [len(part) for part in parts]
    for part in parts[:-1]:
        last = [row["_household"] for row in part].count(part[-1]["_household"])
        assert len(part) - last < people_per_file <= len(part)


def test_the_insured_comes_first_then_branches_then_those_without_one_by_birth() -> None:
    rows = [
        row(1, "", 名="末", 生年月日="20200101", 本人家族区分="2"),
        row(1, "", 名="上", 生年月日="20100101", 本人家族区分="2"),
        row(1, "03", 本人家族区分="1"),
        row(1, "02"),
        row(1, "01"),
    ]
    _, parts = taken(rows)
    assert [found["_row"] for found in flat(parts)] == [3, 5, 4, 2, 1]


def test_a_household_stands_where_its_first_member_does() -> None:
    rows = [
        row(1, 郵便番号="900-0001"),
        row(2, 郵便番号="500-0001"),
        row(1, "01", 郵便番号="100-0001"),
        row(3, 郵便番号=""),
    ]
    _, parts = taken(rows)
    assert keys(parts) == ["2-00", "1-00", "1-01", "3-00"]


def test_what_goes_through_employers_is_sorted_by_employer_and_the_voluntarily_continued_come_last() -> None:
    rows = [row(1), row(2, 事業所番号="0002"), row(3, 事業所番号="0001"), row(4, 事業所番号="0002")]
    _, parts = taken(rows, job=replace(JOB, delivery="regular"))
    assert keys(parts) == ["3-00", "2-00", "4-00", "1-00"]


def test_an_employers_households_stand_together_whatever_other_employer_has_the_same_number() -> None:
    def of(name: str) -> dict[str, str]:
        return {"事業所番号": "0002", "事業所名称": name, "事業所郵便番号": "100-0001", "事業所所在地": f"{name}町"}

    rows = [row(1, **of("甲")), row(2, **of("乙")), row(3, **of("甲")), row(4, **of("乙")), row(5, 事業所番号="0001")]
    _, parts = taken(rows, job=replace(JOB, delivery="regular"))
    names = [person["事業所名称"] for part in parts for person in part]
    assert names[0] is None
    assert [name for name, _ in groupby(names[1:])] in (["甲", "乙"], ["乙", "甲"])
    _, home = taken(rows)
    assert keys(home) == [f"{at}-00" for at in range(1, 6)]


def in_small_piles(patch: pytest.MonkeyPatch, rows: int, dealt: int = 3) -> None:
    patch.setattr(parts, "_PILE", rows)
    patch.setattr(parts, "_DEALT", dealt)
    patch.setattr(intake, "_ONE_IN", 1)
    patch.setattr(sources, "_BLOCK", 1024)  # some ten rows


@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "10", "1 0", "01", "2", "é", "ｱ", "\U00020089", "\ufffd"]),
            st.sampled_from(["00", "01", "02", "10"]),
            st.sampled_from(["100-0001", "100-00010", "２", "\U00020089", ""]),
        ),
        min_size=1,
        unique_by=lambda person: person[:2],
    )
)
def test_the_order_is_that_of_the_first_members_then_households_then_members_however_many_piles_it_takes(
    people: list[tuple[str, str, str]],
) -> None:
    first = {household: min(person[1:] for person in people if person[0] == household) for household, *_ in people}

    def place(person: tuple[str, str, str]) -> tuple[bool, bytes, bytes, str]:
        household, branch, _ = person
        postal_code = first[household][1]
        return postal_code == "", postal_code.encode(), household.encode(), branch

    with pytest.MonkeyPatch.context() as patch:
        in_small_piles(patch, 4)
        _, found = taken([row(household, branch, 郵便番号=code) for household, branch, code in people], profile(3))
    assert keys(found) == [f"{household}-{branch}" for household, branch, _ in sorted(people, key=place)]


@pytest.mark.parametrize("dealt", [0, 3, 1000])
def test_parts_are_cut_behind_whole_households(monkeypatch: pytest.MonkeyPatch, dealt: int) -> None:
    in_small_piles(monkeypatch, 7, dealt)
    rows = [row(f"{household:03d}", f"{branch:02d}") for household in range(20) for branch in range(household % 4 + 1)]
    found, batches = taken(Random(1).sample(rows, len(rows)), profile(6))
    assert keys(batches) == [f"{person['世帯番号']}-{person['枝番']}" for person in rows]
    assert [part.households for part in found.parts] == [
        len({person["_household"] for person in batch}) for batch in batches
    ]
    assert all(6 <= len(batch) < 10 for batch in batches[:-1])


# --- faults ---


def faults(rows: Iterable[Mapping[str, str]], **lists: Any) -> dict[int, str | None]:
    return {found["_row"]: found["_fault"] for found in flat(taken(rows, **lists)[1])}


def test_the_same_person_twice_is_marked_on_each_row() -> None:
    same = {"番号": "1", "枝番": "00"}
    rows = [row(1, **same), row(2, **same), row(3, 番号="1", 枝番="01"), row(4, **same, 記号="見"), row(5, **same)]
    assert faults(rows) == dict.fromkeys((1, 2, 5), "duplicate_person: 1, 2, 5") | {3: None, 4: None}


def test_of_somebody_who_stands_there_all_too_often_the_first_rows_are_named() -> None:
    (told,) = set(faults([row(at, 番号="1", 枝番="00") for at in range(12)]).values())
    assert told == "duplicate_person: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and more"


def test_without_a_branch_birth_date_and_name_tell_people_apart() -> None:
    same = {"番号": "1", "枝番": ""}
    rows = [
        row(1, **same, 名="太郎"),
        row(2, **same, 名="花子"),
        row(3, **same, 名="太郎", 生年月日="20000101"),
        row(4, **same, 名="太郎"),
        row(5, 番号="1", 枝番="00", 名="太郎"),
    ]
    assert faults(rows) == {1: "duplicate_person: 1, 4", 2: None, 3: None, 4: "duplicate_person: 1, 4", 5: None}


@pytest.mark.parametrize("other", [{"生年月日": "20250101"}, {"名": "次郎"}, {"生年月日": ""}])
def test_two_people_under_one_number_and_branch_are_marked_as_that(other: Mapping[str, str]) -> None:
    same = {"番号": "1", "枝番": "01"}
    rows = [row(1, **same), row(1, **{**same, **other}), row(2), row(3, **same)]
    assert faults(rows) == dict.fromkeys((1, 2, 4), "duplicate_person differing: 1, 2, 4") | {3: None}


def test_a_household_is_the_same_however_its_number_is_written_and_no_space_may_stand_around_it() -> None:
    cells = {"番号": "77"}
    households = ["00-152", "００－１５２", "00-152 ", "\u300000-152", "0-152", "\u3000"]
    rows = [row(household, f"{at:02d}", **cells) for at, household in enumerate(households)]
    _, batches = taken(rows)
    found = {person["_row"]: person for person in flat(batches)}
    assert len({found[at]["_household"] for at in (1, 2, 3, 4)}) == 1
    assert len({found[at]["_household"] for at in (1, 5, 6)}) == 3
    expected = [None, None, "outer_space", "outer_space", None, "household_missing"]
    assert [found[at]["_fault"] for at in range(1, 7)] == expected
    assert [found[at]["世帯番号"] for at in range(1, 7)] == households  # as sent


def test_a_list_names_a_household_however_its_number_is_written() -> None:
    rows = [row("100", "00", 番号="1"), row("１００", "01", 番号="1"), row("200", "00", 番号="2")]
    _, batches = taken(rows, listed={"１００"})
    assert sorted(keys(batches)) == ["100-00", "１００-01"]


def test_what_is_said_of_a_claim_stands_in_its_row() -> None:
    said = ["already_issued", "identity_conflict", "withdrawn_before", "never_issued", None]

    def claim(identities: Iterable[str]) -> Mapping[str, str]:
        return {one: why for one, why in zip(identities, said, strict=True) if why}

    assert Counter(faults(map(row, range(5)), claim=claim).values()) == Counter(said)


def test_neighbouring_cells_are_not_taken_for_one() -> None:
    rows = [row(1, 記号="1", 番号="12"), row(2, 記号="11", 番号="2"), row(3, 記号="", 番号="112")]
    assert set(faults(rows).values()) == {None}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"番号": "1501"}, {"番号": "１５０１"}),
        ({"番号": "AB1"}, {"番号": "ＡＢ１"}),
        ({"記号": "AB"}, {"記号": "ＡＢ"}),
        ({"記号": "政‐１２"}, {"記号": "政－12"}),
        ({"記号": "政−１２"}, {"記号": "政ー１２"}),
        ({"枝番": "01"}, {"枝番": "０１"}),
        ({"氏": "髙橋", "名": "花 子"}, {"氏": "", "名": "髙橋\U000e0100花子"}),
        ({"枝番": "", "名": "葛"}, {"枝番": "", "名": "葛\U000e0100"}),
        ({"枝番": "", "名": "太郎"}, {"枝番": "", "名": "太　郎"}),
        ({"枝番": "", "氏": "見本", "名": "太郎"}, {"枝番": "", "氏": "", "名": "見本　太郎"}),
        ({"枝番": "", "名": "Ａnn"}, {"枝番": "", "名": "Ann"}),
        ({"枝番": "", "生年月日": "19900101"}, {"枝番": "", "生年月日": "1990-01-01"}),
    ],
)
def test_a_person_is_the_same_however_their_numbers_and_name_are_written(
    one: Mapping[str, str], other: Mapping[str, str]
) -> None:
    cells = {"記号": "77", "番号": "1"}
    _, batches = taken([row(1, **{**cells, **one}), row(2, **{**cells, **other}), row(3, 番号="9")])
    found = {person["_row"]: person for person in flat(batches)}
    assert [found[at]["_fault"] for at in (1, 2, 3)] == ["duplicate_person: 1, 2"] * 2 + [None]
    assert len({found[at]["_identity"] for at in (1, 2)}) == 1  # with birth date and name
    assert {name: found[2][name] for name in other} == {name: text or None for name, text in other.items()}  # as sent
    assert [identity(one), identity(other)] == [found[1]["_identity"].partition("/")[0]] * 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"番号": "0705"}, {"番号": "705"}),
        ({"記号": "ab"}, {"記号": "AB"}),
        ({"記号": "1-2"}, {"記号": "12"}),
        ({"枝番": ""}, {"枝番": "00"}),
        ({"枝番": "", "名": "葛"}, {"枝番": "", "名": "渉"}),
    ],
)
def test_what_differs_in_more_than_its_spelling_is_somebody_else(
    one: Mapping[str, str], other: Mapping[str, str]
) -> None:
    cells = {"記号": "77", "番号": "1"}
    assert faults([row(1, **{**cells, **one}), row(2, **{**cells, **other})]) == {1: None, 2: None}


def identity(cells: Mapping[str, str]) -> str:
    """As a batch of this person alone claims it."""
    asked: list[str] = []

    def claim(identities: Iterable[str]) -> Mapping[str, str]:
        asked.extend(identities)
        return {}

    taken([row(1, **{"記号": "77", "番号": "1", **cells})], claim=claim)
    (found,) = asked
    who, born, name = found.split("/")
    assert len(born) == len(name) == 8
    return who


def test_who_was_claimed_by_half_width_numbers_and_a_branch_stays_claimed() -> None:
    claimed = hashlib.md5(b"77\x1f1\x1f00", usedforsecurity=False).hexdigest()
    assert identity({}) == claimed
    assert identity({"記号": ""}) == hashlib.md5(b"\x1e\x1f1\x1f00", usedforsecurity=False).hexdigest()


def test_rows_without_a_number_are_nobodys_doubles() -> None:
    assert set(faults([row(1, 番号=""), row(2, 番号="")]).values()) == {None}


def test_rows_without_a_household_stand_alone() -> None:
    found, batches = taken([row("", "00", 番号="1"), row("", "01", 番号="1"), row(1)])
    assert {person["_fault"] for person in flat(batches) if not person["世帯番号"]} == {"household_missing"}
    assert sum(part.households for part in found.parts) == 3


def test_more_people_than_a_household_can_have_stand_alone() -> None:
    rows = [row(1, f"{at:02d}", 番号=str(at)) for at in range(101)] + [row(2)]
    found, batches = taken(rows)
    assert [person["_fault"] for person in flat(batches)].count("household_too_large") == 101
    assert found.parts[0].households == 102


def test_a_malformed_row_keeps_its_household_and_key(tmp_path: Path) -> None:
    lines = [",".join(row(1, branch).values()) for branch in ("00", "01")]
    text = "\n".join([",".join(COLUMNS), lines[0], lines[1] + ",x"])
    (tmp_path / "e.csv").write_text(text, encoding="utf-8")
    store = Store.open(tmp_path / "store")
    take_in(store, open_source(tmp_path / "e.csv", tmp_path), JOB, PROFILE, tmp_path)
    found = pq.read_table(io.BytesIO(store.read("work/parts/0001.parquet"))).to_pylist()
    assert [(person["_key"], person["_household"], person["_fault"]) for person in found] == [
        ("1-00", 1, None),
        ("1-01", 1, f"malformed_row {len(COLUMNS) + 1} {len(COLUMNS)}"),
    ]


def test_an_extract_that_is_replaced_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """It is read twice: the same people in another order would have one another's numbers, and their withdrawals."""
    path, rows = tmp_path / "e.csv", [row(1), row(2)]

    def write(rows: Iterable[Mapping[str, str]]) -> None:
        path.write_text("\n".join([",".join(COLUMNS), *(",".join(row.values()) for row in rows)]), encoding="utf-8")

    def claim(_: Iterable[str]) -> Mapping[str, str]:
        write(reversed(rows))
        return {}

    write(rows)
    source = open_source(path, tmp_path)
    store = Store.open(tmp_path / "store")
    code, _ = refused(lambda: take_in(store, source, JOB, PROFILE, tmp_path, withdrawn=["1-00"], claim=claim))
    assert code == "input_changed"


# --- columns ---


def test_all_columns_that_are_not_mapped_or_not_there_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    header = [name for name in COLUMNS if name not in ("旧姓", "通称名")]
    path.write_text(",".join([*header, "備考", ""]) + "\n" + "," * (len(header) + 1) + "\n", encoding="utf-8")
    code, message = refused(lambda: take_in(Store.open(tmp_path), open_source(path, tmp_path), JOB, PROFILE, tmp_path))
    assert code == "columns_not_mapped"
    assert message == "columns neither read nor ignored: 備考, (empty); not there: 旧姓, 通称名"


def test_ignored_columns_stay_out_of_the_parts_unless_the_key_is_made_of_them(tmp_path: Path) -> None:
    lines = [json.dumps({**row(1), "備考": "x", "ＩＤ": "77"}, ensure_ascii=False)]
    (tmp_path / "e.jsonl").write_text("\n".join(lines), encoding="utf-8")
    store = Store.open(tmp_path / "store")
    insurer = profile(ignored=("備考", "ＩＤ"), key="[{ＩＤ}]'{枝番}'")
    take_in(store, open_source(tmp_path / "e.jsonl", tmp_path), JOB, insurer, tmp_path)
    (found,) = pq.read_table(io.BytesIO(store.read("work/parts/0001.parquet"))).to_pylist()
    assert ("備考" in found, found["ＩＤ"], found["_key"]) == (False, "77", "[77]'00'")


def test_json_lines_may_leave_out_what_is_absent(tmp_path: Path) -> None:
    lines = [json.dumps({k: v for k, v in row(1).items() if v}, ensure_ascii=False)]
    (tmp_path / "e.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found = take_in(Store.open(tmp_path), open_source(tmp_path / "e.jsonl", tmp_path), JOB, PROFILE, tmp_path)
    assert found.people == 1


# --- lists ---


def test_a_list_takes_households_in_by_their_number_and_people_by_their_key_with_rows_that_are_nobodys() -> None:
    rows = [row(1), row(1, "01"), row(2), row(2, "01"), row(3), row(3, "01"), row(4), row(4, "01"), row("", "07")]
    found, batches = taken(rows, listed={"3-01", "2", "4", "4-01", "-07"})
    everyone = [(person["世帯番号"], person["枝番"], person["_key"]) for person in flat(batches)]
    assert everyone == [
        ("2", "00", "2-00"),
        ("2", "01", "2-01"),
        ("3", "00", None),  # for the name and the address of the insured person
        ("3", "01", "3-01"),
        ("4", "00", "4-00"),
        ("4", "01", "4-01"),
        (None, "07", "-07"),
    ]
    assert (found.people, [part.people for part in found.parts]) == (6, [6])


def test_nobody_stands_beside_one_of_too_many_people_for_a_household() -> None:
    rows = [row(1, f"{at:02d}", 番号=str(at)) for at in range(101)]
    found, batches = taken(rows, listed={"1-07"})
    assert (found.people, keys(batches)) == (1, ["1-07"])


def test_who_is_not_listed_is_neither_claimed_nor_told_to_be_issued_already() -> None:
    asked: list[str] = []

    def claim(identities: Iterable[str]) -> Mapping[str, str]:
        asked.extend(identities)
        return dict.fromkeys(asked, "already_issued")

    _, batches = taken([row(1), row(1, "01"), row(2)], listed={"1-01"}, claim=claim)
    assert [(person["_key"], person["_fault"]) for person in flat(batches)] == [
        (None, None),
        ("1-01", "already_issued"),
    ]
    assert asked == [flat(batches)[1]["_identity"]]


def test_withdrawn_people_are_marked() -> None:
    _, batches = taken([row(1), row(1, "01"), row(2)], withdrawn={"1-01"})
    assert [found["_key"] for found in flat(batches) if found["_withdrawn"]] == ["1-01"]


@pytest.mark.parametrize("name", ["listed", "withdrawn"])
def test_a_list_that_names_somebody_who_is_not_there_is_refused(name: str) -> None:
    assert refused(lambda: taken([row(1)], **{name: {"1-00", "9-99"}})) == (
        "unknown_person",
        f"1 of the {name} are not in the extract: 9-99",
    )


def test_people_are_claimed_once_each_unless_they_will_not_be_printed() -> None:
    asked: list[str] = []

    def claim(identities: Iterable[str]) -> Mapping[str, str]:
        some = list(identities)
        asked.extend(some)
        return dict.fromkeys(some[:1], "already_issued")

    rows = [row(1), row(2), row(3, 番号="x"), row(4, 番号="x"), row(5)]
    _, batches = taken(rows, withdrawn={"5-00"}, claim=claim)
    everyone = flat(batches)
    assert len(asked) == len(set(asked)) == 2
    assert {found["_identity"] for found in everyone if found["_key"] in ("1-00", "2-00")} == set(asked)
    assert [found["_identity"] for found in everyone if found["_fault"] == "already_issued"] == [min(asked)]


# --- memory, and what the database may do ---


def test_the_database_reads_no_other_file_and_loads_nothing(tmp_path: Path) -> None:
    with intake._database(tmp_path) as db:
        for statement in (
            f"SELECT * FROM read_csv('{SAMPLE}')",
            f"SELECT * FROM '{SAMPLE}'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SELECT * FROM 's3://bucket/x.parquet'",
            "SET enable_external_access = true",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        ):
            with pytest.raises(duckdb.Error):
                db.execute(statement)


def test_an_extract_that_takes_more_memory_than_usual_is_begun_anew_with_more(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(household, branch) for household in range(3000) for branch in ("00", "01")]
    _, usual = taken(rows)
    monkeypatch.setattr(intake, "_MEMORY_MB", 3)
    monkeypatch.setattr(intake, "_TIMES", (1,))
    with pytest.raises(duckdb.OutOfMemoryException):
        taken(rows)
    monkeypatch.setattr(intake, "_TIMES", (1, 1, 16))
    assert taken(rows)[1] == usual


_MEASURE = """
import re, sys
from datetime import date
from pathlib import Path
from docgen.bulk.intake import take_in
from docgen.bulk.job import Job
from docgen.bulk.sources import open_source
from docgen.bulk.store import Store
from docgen.issuance.profile import load_profile

def most():  # MB; what getrusage says would begin with the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

work = Path(sys.argv[1])
profile = load_profile(Path(sys.argv[2]))
before = most()
source = open_source(work / sys.argv[3], work)
job = Job("T1", "association", "bulk", date(2025, 8, 1))
found = take_in(Store.open(work / "store"), source, job, profile, work)
print(found.people, before, most())
"""


def test_memory_does_not_grow_with_the_extract(tmp_path: Path) -> None:
    grown = {}
    for count in (20_000, 200_000):
        work = tmp_path / str(count)
        work.mkdir()
        _many(work / "e.parquet", count)
        command = [sys.executable, "-c", _MEASURE, str(work), str(LAYOUTS / "insurers/association.yaml"), "e.parquet"]
        environment = {**os.environ, "PYTHONPATH": str(LAYOUTS.parent)}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        people, before, after = map(int, done.stdout.split())
        assert people == count
        assert after < 400
        grown[count] = after - before
    assert grown[200_000] < grown[20_000] + 40


def _many(path: Path, count: int) -> None:
    """A file of people in an order that has nothing to do with their households."""
    order = [at * 7919 % count for at in range(count)]
    cells = {name: pa.array([""] * count) for name in COLUMNS}
    cells |= {
        "世帯番号": pa.array([f"{at // 3:08d}" for at in order]),
        "番号": pa.array([str(at // 3) for at in order]),
        "枝番": pa.array([f"{at % 3:02d}" for at in order]),
        "本人家族区分": pa.array(["1" if at % 3 == 0 else "2" for at in order]),
        "郵便番号": pa.array([f"{at // 3 * 31 % 1000:03d}-0001" for at in order]),
        "生年月日": pa.array([f"19{at % 90 + 10}0101" for at in order]),
        "住所": pa.array([f"見本県見本市例示町大字見本{at}" for at in order]),
    }
    pq.write_table(pa.table(cells), path, row_group_size=20_000)


# --- the sample extract ---

HELD, TWICE = "household_held", "duplicate_person"


def test_of_the_sample_exactly_those_who_break_a_rule_are_rejected_each_for_its_reason(
    engine: Engine, tmp_path: Path
) -> None:
    store = Store.open(tmp_path / "store")
    found = take_in(store, open_source(SAMPLE, tmp_path), JOB, engine.insurers["association"], tmp_path)
    assert found.people == 62
    (part,) = found.parts
    counts = run_shard(engine, store, JOB, part.number).counts
    assert (counts.people, counts.printed, counts.rejected, counts.held) == (62, 36, 19, 7)
    told = list(read_table(io.BytesIO(store.read("work/shards/0001/rejects.csv")), REJECTS))
    said = {(person["key"], person["code"]): (person["message"], person["hint"]) for person in told}
    assert said["00000028-01", "missing_value"][0] == "the household has no row of an insured person"
    assert said["00000030-01", "malformed_row"][0] == "the row has 33 fields, and the header has 32"
    assert said["00000024-00", HELD][1] == "mend row 38"
    assert said["00000018-00", TWICE][1] == "leave one of the rows, or give each a branch number if they are two people"
    assert said["00000018-00", TWICE][0] == "the same person stands in the extract more than once: rows 6, 36"
    assert said["00000016-00", "ratio_required"][1] == "give ratio and 負担割合発効年月日"
    assert sorted((person["key"], person["code"], person["column"]) for person in told) == sorted([
        ("00000015-00", HELD, ""),
        ("00000015-01", "age_75_reached", "生年月日"),
        ("00000016-00", "ratio_required", "負担割合"),
        ("00000017-00", "ratio_before_70", "負担割合発効年月日"),
        ("00000018-00", TWICE, ""),
        ("00000018-01", TWICE, ""),
        ("00000019-00", TWICE, ""),
        ("00000019-01", TWICE, ""),
        ("00000020-", TWICE, ""),
        ("00000021-", TWICE, ""),
        ("00000021-", HELD, ""),  # another name and birth date: somebody else
        ("00000022-00", "unknown_sequence", "氏"),
        ("00000022-01", "unknown_sequence", "氏"),
        ("00000023-00", "unknown_code", "資格区分"),
        ("00000024-00", HELD, ""),
        ("00000024-01", HELD, ""),
        ("00000024-02", "invalid_date", "生年月日"),
        ("00000025-00", "does_not_fit", "氏"),
        ("00000026-00", HELD, ""),
        ("00000026-01", "missing_value", "名カナ"),
        ("00000027-00", "barcode_unencodable", "番地等"),
        ("00000027-01", HELD, ""),
        ("00000028-01", "missing_value", "本人家族区分"),  # a dependent without an insured person
        ("00000030-00", HELD, ""),
        ("00000030-01", "malformed_row", ""),
        ("-00", "household_missing", ""),
    ])  # fmt: skip


def test_an_insurer_without_a_mount_for_employers_has_them_hand_on_the_one_for_homes(
    engine: Engine, tmp_path: Path
) -> None:
    store, job = Store.open(tmp_path / "store"), replace(JOB, insurer="society", delivery="cards")
    take_in(store, open_source(SAMPLE, tmp_path), job, engine.insurers["society"], tmp_path)
    counts = run_shard(engine, store, job, 1).counts
    assert (counts.people, counts.rejected, counts.cards) == (62, 19, counts.printed)
    kinds = [line.split(",")[3] for line in store.read("work/shards/0001/pieces.csv").decode().splitlines()]
    assert set(kinds) == {"employer", "direct"}
