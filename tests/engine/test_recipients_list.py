"""The finished list of recipients: over pages, with its counts, its wrapped names and its households."""

from __future__ import annotations

import copy
import time
from itertools import groupby, pairwise
from typing import Any

import pytest

from docgen.compose.placed import PlacedSide
from docgen.engine import Engine
from docgen.errors import RecordError
from tests import finished, samples, sheet

LIST = "recipients-list"
SAMPLE = pytest.mark.parametrize("name", samples.names(LIST))


def static(side: PlacedSide) -> set[str]:
    return {text.element for text in sheet.texts_of(side)} - {text.element for text in side.texts}


def big(rows: int) -> dict[str, Any]:
    """A list of so many people, five to a household."""
    record = samples.record(LIST, "association-one-page")
    insured, dependent = record["recipients"][:2]
    record["recipients"] = [
        {
            **copy.deepcopy(insured if at % 5 == 0 else dependent),
            "number": f"{1000 + at // 5}",
            "branch": f"{at % 5:02d}",
        }
        for at in range(rows)
    ]
    return record


@SAMPLE
def test_it_conforms(engine: Engine, name: str) -> None:
    finished.assert_conforms(engine, LIST, name)


@SAMPLE
def test_it_reads_back(engine: Engine, name: str) -> None:
    finished.assert_reads_back(engine, LIST, name)


@SAMPLE
def test_no_two_texts_overlap(engine: Engine, name: str) -> None:
    finished.assert_no_overlap(engine, LIST, name)


@SAMPLE
def test_it_stays_inside_its_safe_area(engine: Engine, name: str) -> None:
    finished.assert_inside_safe_area(engine, LIST, name)


def test_counts_add_up_over_the_pages(engine: Engine) -> None:
    _, sides = engine.place(LIST, "association", big(203))
    subtotals = [int(value) for side in sides for value in sheet.printed(side, "subtotal")]
    assert subtotals == [len(sheet.printed(side, "r.row")) for side in sides]
    assert sum(subtotals) == 203
    assert [sheet.printed(side, "sum") for side in sides] == [[]] * (len(sides) - 1) + [["203名（41世帯）"]]
    assert [value for side in sides for value in sheet.printed(side, "r.row")] == [str(at + 1) for at in range(203)]


def test_each_page_has_head_employer_and_number(engine: Engine) -> None:
    _, sides = engine.place(LIST, "association", big(60))
    assert [sheet.printed(side, "page.of") for side in sides] == [
        [f"{at} / {len(sides)}"] for at in range(1, len(sides) + 1)
    ]
    for side in sides:
        assert sheet.printed(side, "employer") == ["株式会社　見本製作所"]
        assert {"title", "h.name", "h.birth", "insurer.name"} <= static(side)
    assert ["goes_on" in static(side) for side in sides] == [True] * (len(sides) - 1) + [False]


@SAMPLE
def test_households_of_up_to_six_stay_on_one_page(engine: Engine, name: str) -> None:
    sides = sheet.place(engine, LIST, name)
    sizes = {
        number: len(list(group))
        for number, group in groupby(value for side in sides for value in sheet.printed(side, "r.number"))
    }
    for number, size in sizes.items():
        pages = [side for side in sides if number in sheet.printed(side, "r.number")]
        assert size > 6 or len(pages) == 1


def test_long_names_are_narrowed_before_they_wrap_and_their_rows_grow(engine: Engine) -> None:
    [side] = sheet.place(engine, LIST, "association-stress")
    names = [text for text in side.texts if text.element in ("r.name", "r.insured_name")]
    assert {text.text.size for text in names} == {11}
    assert min(text.text.condense for text in names) >= 0.68
    assert max(len(text.text.lines) for text in names) == 3
    assert all(len(line.text) > 1 for text in names for line in text.text.lines)
    rows = [text.y for text in side.texts if text.element == "r.row"]
    assert rows == sorted(rows)
    assert max(after - before for before, after in pairwise(rows)) > 12


def test_a_column_or_label_without_any_value_is_left_out(engine: Engine) -> None:
    record = samples.record(LIST, "association-one-page")
    shown = {"h.month", "h.check", "extracted.label", "notes"}
    instead = {"h.check.wide", "notes.undated"}
    [side] = engine.place(LIST, "association", record)[1]
    assert shown <= static(side)
    assert not instead & static(side)
    del record["extracted_on"]
    for recipient in record["recipients"]:
        recipient.pop("month", None)
    [side] = engine.place(LIST, "association", record)[1]
    assert instead <= static(side)
    assert not shown & static(side)


def test_a_cell_that_cannot_hold_its_text_names_its_row(engine: Engine) -> None:
    record = big(40)
    record["recipients"][17]["person"]["family"] = "長" * 100
    record["recipients"][17]["person"]["given"] = "名" * 100
    with pytest.raises(RecordError) as caught:
        engine.place(LIST, "association", record)
    assert {(v.code, v.pointer, v.element) for v in caught.value.violations} == {
        ("does_not_fit", "/recipients/17/person", "r.name")
    }


def test_a_character_without_a_glyph_names_its_row(engine: Engine) -> None:
    record = big(40)
    record["recipients"][33]["person"]["given"] = "\ue000"
    with pytest.raises(RecordError) as caught:
        engine.place(LIST, "association", record)
    assert [(v.code, v.pointer) for v in caught.value.violations] == [
        ("private_use_character", "/recipients/33/person")
    ]


def test_five_thousand_rows_take_seconds(engine: Engine) -> None:
    started = time.process_time()
    made = engine.render(LIST, "association", big(5000))
    assert time.process_time() - started < 10  # about 1.3 s on a quiet machine
    assert len(made.pages) >= 5000 / 17


def test_a_number_is_narrowed_and_made_smaller_before_it_is_ever_wrapped(engine: Engine) -> None:
    record = samples.record(LIST, "association-stress")
    for number, lines in (("1000101", 1), ("１２３４５６７８", 1), ("１２３４５６７８９０１２３４", 1), ("１" * 19, 2)):
        record["recipients"][0]["number"] = number
        [side] = engine.place(LIST, "association", record, sheet.PLAIN)[1]
        first = next(text for text in side.texts if text.element == "r.number")
        assert "".join(line.text for line in first.text.lines) == number
        assert len(first.text.lines) == lines
