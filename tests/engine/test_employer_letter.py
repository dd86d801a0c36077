"""The finished letter to an employer: the window and the folds kept free, every envelope listed once."""

from __future__ import annotations

import pytest

from docgen.engine import Engine
from docgen.errors import RecordError
from tests import finished, samples, sheet

LETTER = "employer-letter"
SAMPLE = pytest.mark.parametrize("name", samples.names(LETTER))


@SAMPLE
def test_it_conforms(engine: Engine, name: str) -> None:
    finished.assert_conforms(engine, LETTER, name)


@SAMPLE
def test_it_reads_back(engine: Engine, name: str) -> None:
    finished.assert_reads_back(engine, LETTER, name)


@SAMPLE
def test_no_two_texts_overlap(engine: Engine, name: str) -> None:
    finished.assert_no_overlap(engine, LETTER, name)


@SAMPLE
def test_every_envelope_is_listed_once_in_order(engine: Engine, name: str) -> None:
    record, sides = samples.record(LETTER, name), sheet.place(engine, LETTER, name)
    listed = [value for side in sides for value in sheet.printed(side, "r.id", "next.r.id")]
    assert listed == [envelope["piece_id"] for envelope in record["envelopes"]]


def test_a_number_is_made_smaller_before_it_is_torn(engine: Engine) -> None:
    side = sheet.place(engine, LETTER, "association-stress")[0]
    [number] = [text for text in side.texts if text.element == "r.number" and sheet.text_of(text)[0] == "１"]
    assert len(number.text.lines) == 1
    assert number.text.size >= 9


@SAMPLE
def test_the_window_shows_the_whole_address_and_nothing_else(engine: Engine, name: str) -> None:
    front = sheet.place(engine, LETTER, name)[0]
    shown = {"address.zip", "piece.window", "address.lines", "address.name", "address.barcode"}
    for sure, most in sheet.windows():
        for element, box in sheet.boxes_of(front):
            if element in shown:
                assert sheet.within(box, sure), (element, box, sure)
            else:
                assert sheet.apart(box, most), (element, box, most)


@SAMPLE
def test_nothing_stands_on_a_fold(engine: Engine, name: str) -> None:
    for side in sheet.place(engine, LETTER, name):
        for fold in sheet.FOLDS:
            for element, box in sheet.boxes_of(side):
                assert sheet.apart(box, (0, fold - 3, 210, fold + 3)), element


def test_a_cell_that_cannot_hold_its_text_names_its_row(engine: Engine) -> None:
    record = samples.record(LETTER, "association-many")
    record["envelopes"][30]["insured"] = {"family": "長" * 100, "given": "名"}
    with pytest.raises(RecordError) as caught:
        engine.place(LETTER, "association", record)
    assert [(v.code, v.pointer, v.element) for v in caught.value.violations] == [
        ("does_not_fit", "/envelopes/30/insured", "next.r.name")
    ]


@SAMPLE
def test_texts_of_two_lines_keep_half_a_millimetre_from_the_rules_of_their_row(engine: Engine, name: str) -> None:
    dpi, row = 600, 8.2
    for page, side in enumerate(sheet.place(engine, LETTER, name), start=1):
        picture = sheet.raster(engine, LETTER, name, page, dpi)
        for top in [text.y for text in side.texts if text.element in ("r.row", "next.r.row")]:
            for rule in (top, top + row):
                for start in (rule - 0.5, rule + 0.1):
                    beside = sheet.part(picture, (66, start, 151, start + 0.4), dpi)  # number and name
                    assert beside.min() > 128, (page, top, start)
