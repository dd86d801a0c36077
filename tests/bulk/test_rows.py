from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docgen.bulk.rows import Extracted, RowReader, malformed_row
from docgen.errors import RecordError
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.extract import FLAGS, RATIOS, TARGETS, Column
from docgen.issuance.profile import load_profile

PROFILE = load_profile(Path(__file__).parents[2] / "layouts/insurers/association.yaml")
assert PROFILE.bulk is not None
READER = RowReader(PROFILE.bulk)
ROW = {
    "世帯番号": "00000001",
    "記号": "健",
    "番号": "12",
    "枝番": "00",
    "本人家族区分": "1",
    "資格区分": "一般",
    "氏": "見本",
    "名": "太郎",
    "氏カナ": "ミホン",
    "名カナ": "タロウ",
    "性別": "1",
    "性別裏面記載": "0",
    "生年月日": "19850401",
    "資格取得年月日": "20190501",
    "郵便番号": "100-0001",
    "住所": "東京都千代田区千代田",
    "番地等": "1-1",
    "交付年月日": "20250801",
}


def read(**cells: str) -> Extracted:
    return READER.read({**ROW, **cells})


def touch(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def issued(row: Extracted) -> list[tuple[str, str | None]]:
    """What the card's rules say of a row: code and column."""
    found = row.violations
    try:
        DOCUMENTS["card"].issue({**row.card, "card": {"serial": "S", "match_code": "M"}}, PROFILE, None)
    except RecordError as error:
        # What only follows from a value that could not be read is no news.
        unread = [v.pointer or "" for v in row.violations]
        found += tuple(v for v in error.violations if not any(touch(v.pointer or "", pointer) for pointer in unread))
    return [(v.code, row.column(v.pointer or "")) for v in found]


def test_a_row_becomes_a_record_that_issues_a_card() -> None:
    row = read()
    assert (row.key, row.household, row.employer, row.violations) == ("00000001-00", "00000001", None, ())
    assert row.card["person"] == {
        "family": "見本",
        "given": "太郎",
        "family_kana": "ミホン",
        "given_kana": "タロウ",
        "sex": "1",
        "sex_masked": False,
        "born_on": "1985-04-01",
    }
    assert row.address == {"postal_code": "100-0001", "area": "東京都千代田区千代田", "rest": "1-1"}
    assert issued(row) == []


def test_every_target_is_a_value_of_the_records() -> None:
    schema = DOCUMENTS["card"].schema()
    mail = DOCUMENTS["mount"].schema()

    def leaf(root: dict[str, Any], path: list[str]) -> bool:
        node = root
        for part in path:
            refs = [n["$ref"] for n in (node, *node.get("anyOf", ())) if "$ref" in n]
            node = root["$defs"][refs[0].rpartition("/")[2]] if refs else node
            if part not in node["properties"]:
                return False
            node = node["properties"][part]
        return True

    assert {f"burden.{name}" for name in ("ratio", "pending.ratio")} == RATIOS
    assert set(TARGETS) >= FLAGS
    for target in TARGETS:
        path = target.removeprefix("employer.").split(".")
        if path[0] == "address":
            assert path[1] in mail["$defs"]["Address"]["properties"], target
        elif not target.startswith("employer.") and target not in ("household", "individual_number_last4"):
            assert leaf(schema, path), target


def test_a_name_without_the_split_stands_whole_in_one_column() -> None:
    row = read(氏="", 名="NGUYEN THI MIHON", 氏カナ="", 名カナ="グエン　ティ　ミホン")
    assert row.card["person"]["full_name"] == "NGUYEN THI MIHON"
    assert row.card["person"]["full_kana"] == "グエン　ティ　ミホン"
    assert "given" not in row.card["person"]
    assert row.column("/person/full_name") == "名"
    assert issued(row) == []


def test_a_reading_without_the_split_stands_whole_in_one_column_though_the_name_is_split() -> None:
    row = read(氏="見", 名="本", 氏カナ="", 名カナ="ミホン")
    assert {**row.card["person"], "sex": "1"} == {
        "family": "見", "given": "本", "full_kana": "ミホン", "sex": "1", "sex_masked": False, "born_on": "1985-04-01",
    }  # fmt: skip
    assert row.column("/person/full_kana") == "名カナ"
    assert issued(row) == []


def test_half_a_reading_is_told_of_the_column_that_lacks_it() -> None:
    assert issued(read(名カナ="")) == [("missing_value", "名カナ")]
    assert PROFILE.bulk is not None
    split = {**PROFILE.bulk.columns, "名カナ": Column(to="person.given_kana")}
    reader = RowReader(PROFILE.bulk.model_copy(update={"columns": split}))
    assert issued(reader.read({**ROW, "氏カナ": ""})) == [("missing_value", "氏カナ")]


@pytest.mark.parametrize(
    "written", ["2025801", "20250230", "2025/08/01", "0250801", "２０２５０８０１", "20 50801", "R70801"]
)
def test_an_unreadable_date_is_told_once_with_its_column_and_form(written: str) -> None:
    row = read(生年月日=written)
    assert [(v.code, v.hint) for v in row.violations] == [("invalid_date", "write YYYYMMDD")]
    assert issued(row) == [("invalid_date", "生年月日")]


def test_a_typed_date_is_read_whatever_the_form() -> None:
    assert read(生年月日="1985-04-01").card["person"]["born_on"] == "1985-04-01"


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("資格区分", "特例退職", "unknown_code"),
        ("性別", "男", "not_allowed"),
        ("性別裏面記載", "x", "not_allowed"),
        ("負担割合", "20", "not_allowed"),
        ("本人家族区分", "9", "unknown_code"),
    ],
)
def test_a_value_that_no_table_has_is_told_of_its_column(column: str, text: str, code: str) -> None:
    assert issued(read(**{column: text})) == [(code, column)]


def test_a_sex_that_is_not_set_is_absent() -> None:
    assert "sex" not in read(性別="3").card["person"]


def test_an_empty_cell_and_one_that_is_not_there_are_both_absent() -> None:
    assert read(旧姓="").card == read().card


def test_a_ratio_without_its_date_misses_the_date() -> None:
    assert issued(read(生年月日="19530401", 負担割合="2")) == [("missing_value", "負担割合発効年月日")]


def test_a_pointer_to_a_part_or_whole_leads_to_a_column() -> None:
    row = read()
    assert row.column("/person") == "氏"
    assert row.column("/burden") == "負担割合"
    assert row.column("/address") == "郵便番号"
    assert row.column("/person/alias/name/0") == "通称名"
    assert row.column("/card/serial") is None


def test_dependents_name_the_insured_without_reading_or_former_surname() -> None:
    assert read(氏カナ="", 旧姓="旧見本").insured() == {"family": "見本", "given": "太郎"}
    assert read(通称名="通称　花子").insured()["alias"] == {"name": "通称　花子"}


def test_an_employer_is_named_with_its_address() -> None:
    row = read(
        事業所番号="1234", 事業所名称="見本商事", 事業所郵便番号="100-0001", 事業所所在地="東京都千代田区千代田1-1"
    )
    assert row.employer == {
        "symbol": "1234",
        "name": "見本商事",
        "address": {"postal_code": "100-0001", "full": "東京都千代田区千代田1-1"},
    }


def test_a_row_that_is_quoted_wrongly_says_so_and_what_to_do() -> None:
    violation = malformed_row("malformed_row quotes")
    assert (violation.code, "quotation mark" in violation.message) == ("malformed_row", True)
    assert "twice" in violation.hint
