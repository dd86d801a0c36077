"""Which column of an extract a reject names, and what it says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docgen.bulk.columns import in_columns
from docgen.bulk.household import Planner
from docgen.engine import Engine
from tests.bulk.parts import JOB, insured, members

LONG = ("見本例示試験仮名架空雛形凡例標本作例空想" * 5)[:90]


def told(engine: Engine, delivery: str, cells: dict[str, str]) -> list[tuple[str, str | None, str, str]]:
    """Code, column, message and hint of each violation of one insured person's row."""
    job = replace(JOB, insurer="society" if delivery == "notices" else "association", delivery=delivery)
    household = Planner(engine, job).plan(1, members(engine, [insured(**cells)], job))
    return [
        (found.code, *in_columns(found, member.data)) for member in household.members for found in member.violations
    ]


@pytest.mark.parametrize("delivery", ["regular", "notices"])
@pytest.mark.parametrize(
    "column",
    [
        "番号",
        "本人家族区分",
        "生年月日",
        "資格取得年月日",
        "事業所番号",
        "事業所名称",
        "事業所郵便番号",
        "事業所所在地",
    ],
)
def test_an_empty_cell_is_named_as_empty(engine: Engine, delivery: str, column: str) -> None:
    ((_, *rest),) = told(engine, delivery, {column: ""})
    assert rest == [column, f"{column} is empty", "fill it in"]


@pytest.mark.parametrize("delivery", ["bulk", "notices"])
@pytest.mark.parametrize("column", ["郵便番号", "住所", "番地等"])
def test_an_empty_part_of_an_address_is_named_as_empty(engine: Engine, delivery: str, column: str) -> None:
    ((_, *rest),) = told(engine, delivery, {column: ""})
    assert rest == [column, f"{column} is empty", "fill it in"]


@pytest.mark.parametrize(
    ("delivery", "column", "value"),
    [
        *[("bulk", column, LONG) for column in ("住所", "番地等", "方書", "氏", "名", "旧姓")],
        *[("notices", column, LONG) for column in ("住所", "方書", "氏", "名")],
        *[("regular", column, LONG) for column in ("事業所所在地", "事業所名称")],
        *[(delivery, column, "ミホン" * 30) for delivery in ("bulk", "notices") for column in ("氏カナ", "名カナ")],
    ],
)
def test_what_does_not_fit_names_the_column_to_shorten(engine: Engine, delivery: str, column: str, value: str) -> None:
    assert {(code, column) for code, column, _, _ in told(engine, delivery, {column: value})} == {
        ("does_not_fit", column)
    }


def test_an_alias_stands_for_the_name_and_its_reading(engine: Engine) -> None:
    for alias, kana, column in ((LONG, "ミホン", "通称名"), ("見本", "ミホン" * 30, "通称名カナ")):
        found = told(engine, "bulk", {"通称名": alias, "通称名カナ": kana})
        assert {(code, column) for code, column, _, _ in found} == {("does_not_fit", column)}


@pytest.mark.parametrize("column", ["住所", "番地等", "方書", "氏", "名", "名カナ"])
def test_a_character_that_no_font_has_is_found_in_its_column(engine: Engine, column: str) -> None:
    # Another part of the same text is longer.
    others = {"住所": "見本県見本市例示町", "方書": "見本マンション", "氏": "見本例示"}
    cells = {**others, column: "\ue000"}
    assert {(code, column) for code, column, _, _ in told(engine, "bulk", cells)} == {("private_use_character", column)}


def test_a_row_without_any_name_names_the_columns_of_both_parts(engine: Engine) -> None:
    found = told(engine, "bulk", {"氏": "", "名": "", "氏カナ": "", "名カナ": ""})
    assert [(code, column) for code, column, _, _ in found] == [("missing_value", "氏"), ("missing_value", "名")]
