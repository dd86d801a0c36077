"""The finished leaflet: both sides, readable, its QR the insurer's page."""

from __future__ import annotations

import re

import pytest
import zxingcpp
from PIL import Image

from docgen.engine import Engine
from docgen.errors import RecordError
from docgen.issuance.profile import LeafletSettings
from tests import finished, samples, sheet

LEAFLET = "leaflet"
NAME = "association-leaflet"


def test_it_has_both_sides_and_conforms(engine: Engine) -> None:
    assert samples.names(LEAFLET) == (NAME,)
    assert [page.side for page in sheet.render(engine, LEAFLET, NAME).pages] == ["front", "back"]
    finished.assert_conforms(engine, LEAFLET, NAME)


def test_it_reads_back_and_nothing_overlaps(engine: Engine) -> None:
    finished.assert_reads_back(engine, LEAFLET, NAME)
    finished.assert_no_overlap(engine, LEAFLET, NAME)


def test_nothing_stands_on_a_fold(engine: Engine) -> None:
    for side in sheet.place(engine, LEAFLET, NAME):
        for fold in sheet.FOLDS:
            for element, box in sheet.boxes_of(side):
                assert sheet.apart(box, (0, fold - 3, 210, fold + 3)), element


def test_its_type_is_large(engine: Engine) -> None:
    for side in sheet.place(engine, LEAFLET, NAME):
        for text in sheet.texts_of(side):
            assert text.text.size >= 9.5, text.element
            assert text.text.condense >= 0.85, text.element


def test_the_qr_leads_to_the_page_of_the_profile(engine: Engine) -> None:
    settings = engine.insurers["association"].documents.leaflet
    assert settings is not None
    picture = Image.fromarray(sheet.raster(engine, LEAFLET, NAME, 1, 150))
    assert [symbol.text for symbol in zxingcpp.read_barcodes(picture)] == [settings.url]
    assert sheet.printed(sheet.place(engine, LEAFLET, NAME)[0], "ask.url") == [settings.url]
    assert re.search(r"\.example/", settings.url)  # reserved for examples: nobody's page


@pytest.mark.parametrize("url", ["http://mihon.example/", "mihon.example", "https://mihon.example/?a b", ""])
def test_a_page_needs_a_sound_https_address(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        LeafletSettings(url=url)


def test_a_leaflet_needs_a_date_and_knows_nobody(engine: Engine) -> None:
    for record, code in (({}, "issued_on_missing"), ({"person": {}}, "unknown_key")):
        with pytest.raises(RecordError) as caught:
            engine.place(LEAFLET, "association", record)
        assert code in {violation.code for violation in caught.value.violations}


def test_all_lines_of_a_paragraph_stand_alike_and_paragraphs_half_a_line_further_apart(engine: Engine) -> None:
    for side in sheet.place(engine, LEAFLET, NAME):
        for text in (text for text in sheet.texts_of(side) if len(text.text.lines) > 1):
            ends = ["".join(line.text.rstrip()[-1:]) == "。" for line in text.text.lines]
            tops = [line.baseline for line in text.text.lines]
            pitches = {(end, round(below - above, 2)) for above, below, end in zip(tops, tops[1:], ends, strict=False)}
            assert pitches <= {(False, 6.14), (True, 9.23)}, text.element


def test_its_sentences_begin_at_the_edges_of_its_columns(engine: Engine) -> None:
    starts = {
        round(text.x + line.x)
        for side in sheet.place(engine, LEAFLET, NAME)
        for text in sheet.texts_of(side)
        for line in text.text.lines
        if not text.rotate
        and text.element.startswith(("first.1", "first.2", "first.3", "use.", "ask.", "my.", "do.", "qa."))
    }
    assert starts == {14, 107, 19, 81, 143, 112, 65}
