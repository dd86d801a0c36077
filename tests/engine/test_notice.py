"""Every notice as a finished file: conforming, readable, nobody lost, the window and the folds kept free."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from docgen.compose.placed import PlacedRect, PlacedSide
from docgen.engine import Engine, Options, Rendered, preflight
from docgen.layout.grammar import check_grammar
from docgen.layout.loader import load_layout
from docgen.pdf.reader import read_pages
from tests import samples, sheet, verapdf
from tests.sheet import FOLDS, PLAIN, apart, boxes_of, ink, part, printed, texts_of, windows, within

NOTICES = samples.names("notice")
NOTICE = pytest.mark.parametrize("name", NOTICES)
DPI = 150


def render(engine: Engine, name: str, options: Options | None = None) -> Rendered:
    return sheet.render(engine, "notice", name, options)


def place(engine: Engine, name: str) -> tuple[PlacedSide, ...]:
    return sheet.place(engine, "notice", name)


def raster(engine: Engine, name: str, page: int) -> np.ndarray:
    return sheet.raster(engine, "notice", name, page, DPI)


def test_every_insurer_has_its_main_variants() -> None:
    assert {
        "association-insured", "association-dependent", "association-burden70", "association-alias",
        "society-last-four", "society-without-last-four", "society-burden70",
        "publishers-insured", "publishers-burden70", "publishers-voluntary", "publishers-special-retired",
        "accountants-one", "accountants-family", "accountants-burden70", "accountants-nine",
    } <= set(NOTICES)  # fmt: skip


@NOTICE
def test_the_file_is_accepted_by_verapdf_and_preflight(engine: Engine, name: str) -> None:
    rendered = render(engine, name)
    assert verapdf.validate(rendered.pdf) == []
    assert preflight(rendered.pdf) == []
    assert render(engine, name).pdf == rendered.pdf


@NOTICE
def test_our_reader_gets_every_text_back(engine: Engine, name: str) -> None:
    rendered = render(engine, name, PLAIN)
    for page, side in zip(read_pages(rendered.pdf), place(engine, name), strict=True):
        assert page.blocks() == ["".join(line.text for line in placed.text.lines) for placed in side.texts]
        found = {run.text for run in page.runs}
        for placed in texts_of(side):
            for line in placed.text.lines:
                assert any(line.text.startswith(text) for text in found), placed.element


@NOTICE
def test_no_two_texts_or_symbols_overlap_and_each_keeps_the_margins(engine: Engine, name: str) -> None:
    for side in place(engine, name):
        boxes = boxes_of(side)
        for i, (one, box) in enumerate(boxes):
            for_machines = one.startswith(("inserter.", "next.inserter."))
            assert within(box, (192.5, 5, 207, 99) if for_machines else (10, 10, 200, 292)), one
            for other, box2 in boxes[i + 1 :]:
                assert apart(box, box2), (one, other)


@NOTICE
def test_nothing_but_the_fold_marks_stands_on_a_fold(engine: Engine, name: str) -> None:
    for page in range(1, len(place(engine, name)) + 1):
        picture = raster(engine, name, page)
        for fold in FOLDS:
            assert (part(picture, (4, fold - 2.9, 206, fold + 2.9), DPI) == 255).all()
            assert (part(picture, (0, fold - 1, 3, fold + 1), DPI) < 128).any()
            assert (part(picture, (207, fold - 1, 210, fold + 1), DPI) < 128).any()


@NOTICE
def test_the_window_shows_the_address_and_nothing_else_wherever_the_sheet_slides(engine: Engine, name: str) -> None:
    boxes = boxes_of(place(engine, name)[0])
    block = {element for element, _ in boxes if element.startswith("address.")} | {"piece.window"}
    assert {"address.zip", "address.lines", "address.name"} <= block
    for sure, most in windows():
        for element, box in boxes:
            assert within(box, sure) if element in block else apart(box, most), element


def test_no_ink_but_the_address_stands_where_the_window_sweeps(engine: Engine) -> None:
    name = "association-everything"
    picture = raster(engine, name, 1).copy()
    for element, (left, top, right, bottom) in boxes_of(place(engine, name)[0]):
        if element.startswith(("address.", "piece.window")):
            part(picture, (left - 0.5, top - 0.5, right + 0.5, bottom + 0.5), DPI)[:] = 255
    assert (part(picture, (1.5, 1.5, 131.5, 85.5), DPI) == 255).all()


@NOTICE
def test_the_addressee_is_titled_exactly_once(engine: Engine, name: str) -> None:
    shown = ["".join(line.text for line in placed.text.lines) for side in place(engine, name) for placed in side.texts]
    assert sum(text.count("様") + text.count("御中") for text in shown) == 1


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 9, 23])
def test_a_household_of_any_size_prints_everybody_twice_in_order(engine: Engine, count: int) -> None:
    record = samples.record("notice", "accountants-family")
    record["people"] = [{**record["people"][at % 4], "branch": f"{at:02d}"} for at in range(count)]
    _, sides = engine.place("notice", "accountants", record, PLAIN)
    branches = [f"{at:02d}" for at in range(count)]
    assert [text for side in sides for text in printed(side, "row.branch", "next.row.branch")] == branches
    assert [text for side in sides for text in printed(side, "slip.branch", "next.slip.branch")] == branches
    assert len(sides) == 1 + max(-(-max(count - 2, 0) // 4), -(-max(count - 6, 0) // 5))
    for at, side in enumerate(sides[1:], start=2):
        assert (printed(side, "next.number"), printed(side, "next.number.value")) == ([str(at)], [record["number"]])


def test_who_has_no_branch_has_a_dash_in_the_households_table(engine: Engine) -> None:
    record = samples.record("notice", "accountants-family")
    record["people"] = [{**record["people"][at % 4], "branch": f"{at:02d}"} for at in range(9)]
    del record["people"][1]["branch"], record["people"][8]["branch"]
    _, sides = engine.place("notice", "accountants", record, PLAIN)
    found = [[t for t in texts_of(side) if t.element.endswith("row.branch.none")] for side in sides]
    assert [[sheet.text_of(text) for text in texts] for texts in found][:2] == [["－"], ["－"]]
    assert sum(map(len, found)) == 2


@NOTICE
def test_dates_of_a_person_are_in_one_face(engine: Engine, name: str) -> None:
    dates = re.compile(r"(^|\.)(birth|acquired|expiry|effective)(\.close|\.alone|\.pending)?$")
    shown = [text for side in place(engine, name) for text in side.texts if dates.search(text.element)]
    assert shown
    assert {face for text in shown for line in text.text.lines for face, _ in line.runs} == {"gothic"}


def cards(side: PlacedSide) -> list[PlacedRect]:
    return [
        item._replace(x=item.x + form.x, y=item.y + form.y)
        for form in side.forms
        for item in form.static.items
        if isinstance(item, PlacedRect) and item.paint.dash
    ]


@NOTICE
def test_cut_out_cards_are_card_size_dashed_and_on_the_side_of_the_profile(engine: Engine, name: str) -> None:
    sides = place(engine, name)
    found = [card for side in sides for card in cards(side)]
    assert len(found) == len(samples.record("notice", name)["people"])
    assert {(card.width, card.height) for card in found} == {(86, 54)}
    assert found[0].x == (110 if name.startswith("publishers") else 14)
    assert found[0].y + found[0].height < 287


def test_what_is_on_the_cut_out_card_is_inside_its_line_and_not_the_individual_number(engine: Engine) -> None:
    [side] = place(engine, "society-last-four")
    [card] = cards(side)
    inside = [
        text for text in texts_of(side) if card.x <= text.x < card.x + card.width and card.y <= text.y < card.y + 54
    ]
    for text in inside:
        for box in ink(text):
            assert within(box, (card.x + 2, card.y + 1, card.x + card.width - 2, card.y + card.height - 1))
    shown = "".join(line.text for text in inside for line in text.text.lines)
    assert all(wanted in shown for wanted in ("見本　花子", "ミホン　ハナコ", "06991012", "1024", "56789"))
    assert not any(unwanted in shown for unwanted in ("4321", "*"))


@pytest.mark.parametrize("until", ["2026-01-01", "2026-07-31"])
def test_a_ratio_that_is_to_change_is_set_nearly_as_it_is_and_no_date_of_it_is_broken(
    engine: Engine, until: str
) -> None:
    """On both sheets and on both cards to cut out, with short dates and long ones."""
    record = samples.record("notice", "accountants-burden70")
    person = record["people"][0]
    person["burden"]["pending"]["effective_on"] = until
    record["people"] = [person | {"branch": f"{at:02}"} for at in range(9)]
    _, sides = engine.place("notice", "accountants", record, PLAIN)
    texts = [text for side in sides for text in side.texts if "割（" in sheet.text_of(text)]
    assert len(texts) == 18
    for text in texts:
        assert text.text.condense >= 0.8
        assert text.text.size >= 8
        assert any(re.search(r"令和\d+年\d+月\d+日", line.text) for line in text.text.lines)


def test_the_two_society_notices_differ_by_the_last_four_digits_alone(engine: Engine) -> None:
    record = samples.record("notice", "society-last-four")
    del record["people"][0]["individual_number_last4"]
    shown = [
        {text.element for text in texts_of(engine.place("notice", "society", each, PLAIN)[1][0])}
        for each in (samples.record("notice", "society-last-four"), record)
    ]
    assert shown[0] - shown[1] == {"fact.individual", "fact.individual.label", "fact.individual.note"}
    assert shown[1] - shown[0] == set()


def test_a_layout_that_draws_above_its_row_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notice.yaml"
    text = Path("layouts/notice.yaml").read_text(encoding="utf-8")
    assert "rect: [0, 3, 86, 54]" in text
    path.write_text(text.replace("rect: [0, 3, 86, 54]", "rect: [0, -6, 86, 54]", 1), encoding="utf-8")
    found = [(violation.code, violation.element) for violation in check_grammar(load_layout(path), 5)]
    assert found == [("layout_off_page", "slip.cut")]
