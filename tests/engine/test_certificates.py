"""Every sample of the four certificates, in both sizes, as a finished file: conforming, true, inside its area."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import numpy as np
import pypdf
import pytest

from docgen.engine import Engine, preflight
from docgen.pdf import raster as pdfium
from docgen.pdf.reader import read_pages
from docgen.settings import Settings
from docgen.units import MM_PER_PT
from tests import samples, verapdf
from tests.sheet import PLAIN, ink, place, render, text_of, texts_of

DOCUMENTS = (
    "limit-certificate",
    "limit-standard-burden-certificate",
    "specified-disease-certificate",
    "elderly-certificate",
)
SIZES = {"large": (126, 91), "card": (86, 54)}
EVERY = pytest.mark.parametrize(
    ("document", "name"), [(document, name) for document in DOCUMENTS for name in samples.names(document)]
)


@pytest.fixture(scope="module", params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def engine(size: str, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The project's layouts and insurers, but that all certificates are of one size."""
    layouts = tmp_path_factory.mktemp(size) / "layouts"
    shutil.copytree(Settings().layouts_dir, layouts)
    for profile in (layouts / "insurers").iterdir():
        _set_size(profile, size)
    return Engine.load(Settings(layouts_dir=layouts))


def _set_size(profile: Path, size: str) -> None:
    without = re.sub(r"\n    size: (large|card)\b.*", "", profile.read_text(encoding="utf-8"))
    profile.write_text(re.sub(r"(\n    title: .*証)", rf"\1\n    size: {size}", without), encoding="utf-8")


def words(engine: Engine, document: str, name: str) -> list[str]:
    """What each side prints, joined."""
    return ["\n".join(line.text for text in texts_of(side) for line in text.text.lines)
            for side in place(engine, document, name)]  # fmt: skip


def test_every_insurer_issues_the_certificates_of_its_table_and_has_samples_of_them(engine: Engine) -> None:
    issued = {insurer: set(engine.documents_of(insurer)) & set(DOCUMENTS) for insurer in engine.insurers}
    assert issued == {
        "association": set(DOCUMENTS),
        "society": set(),
        "publishers": {"elderly-certificate"},
        "accountants": {"limit-certificate", "elderly-certificate"},
    }
    for insurer, documents in issued.items():
        for document in documents:
            assert {f"{insurer}-insured", f"{insurer}-alias"} <= set(samples.names(document))


@EVERY
def test_the_file_is_accepted_by_verapdf_and_preflight_and_is_the_same_each_time(
    engine: Engine, document: str, name: str
) -> None:
    for options in (None, PLAIN):
        rendered = render(engine, document, name, options)
        assert verapdf.validate(rendered.pdf) == []
        assert preflight(rendered.pdf) == []
        assert render(engine, document, name, options).pdf == rendered.pdf


@EVERY
def test_the_text_reads_back_as_it_was_placed(engine: Engine, document: str, name: str) -> None:
    rendered = render(engine, document, name, PLAIN)
    sides = place(engine, document, name)
    for page, side in zip(read_pages(rendered.pdf), sides, strict=True):
        assert page.blocks() == ["".join(line.text for line in placed.text.lines) for placed in side.texts]
    for page, side in zip(pypdf.PdfReader(io.BytesIO(rendered.pdf)).pages, sides, strict=True):
        found = "".join(page.extract_text().split())
        for placed in texts_of(side):
            for line in placed.text.lines:
                assert "".join(line.text.split()) in found, placed.element


@EVERY
def test_the_page_is_of_its_size_and_nothing_but_grounds_comes_near_its_edge(
    engine: Engine, size: str, document: str, name: str
) -> None:
    rendered = render(engine, document, name, PLAIN)
    for number, side in enumerate(place(engine, document, name), 1):
        geometry = side.geometry
        assert (geometry.width, geometry.height) == SIZES[size]
        dark = np.asarray(pdfium.render(rendered.pdf, number, 200)).max(axis=2) < 120
        inset = round((geometry.bleed + geometry.safe) / 25.4 * 200)
        assert dark[inset:-inset, inset:-inset].any()
        dark[inset:-inset, inset:-inset] = False
        assert not dark.any()


@EVERY
def test_no_two_texts_overlap_and_each_stands_in_its_box_above_the_floor(
    engine: Engine, document: str, name: str
) -> None:
    floor = engine.insurers[samples.insurer(name)].type_floor
    for side in place(engine, document, name):
        boxes = []
        for placed in texts_of(side):
            assert placed.text.size >= floor
            em = placed.text.size * MM_PER_PT
            for line in placed.text.lines:
                assert -0.02 <= line.x
                assert line.x + line.width <= placed.width + 0.02
                assert line.baseline <= placed.height + 0.02
                left, top = placed.x + line.x, placed.y + line.baseline - 0.84 * em
                boxes.append((placed.element, left, top, left + line.width, top + 0.92 * em))
        for i, (one, left, top, right, bottom) in enumerate(boxes):
            for other, left2, top2, right2, bottom2 in boxes[i + 1 :]:
                assert right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top, (one, other)


def test_every_sample_fits_and_fills_the_layout_of_either_size(engine: Engine) -> None:
    assert [str(found) for found in engine.check()] == []


@EVERY
def test_no_certificate_has_a_field_of_sex(engine: Engine, document: str, name: str) -> None:
    assert "性別" not in "".join(words(engine, document, name))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_alias_stands_on_the_front_and_the_registered_name_in_the_remarks_alone(
    engine: Engine, document: str
) -> None:
    front, back = words(engine, document, "association-alias")
    registered = samples.record(document, "association-alias")["person"]["full_name"]
    assert "葛\U000e0100𠮷髙﨑　辻\U000e0100子" in front
    assert registered not in front
    assert registered in back


@EVERY
def test_a_label_stands_only_where_its_value_does(engine: Engine, document: str, name: str) -> None:
    record, (front, _) = samples.record(document, name), words(engine, document, name)
    assert ("枝番" in front) == ("branch" in record)
    assert ("記号" in front) == ("symbol" in record)


@pytest.mark.parametrize("until", ["2026-01-01", "2026-04-01", "2025-12-31"])
def test_no_date_of_a_ratio_that_is_to_change_is_broken(engine: Engine, until: str) -> None:
    record = samples.record("elderly-certificate", "association-pending")
    record["burden"]["pending"]["effective_on"] = until
    _, (front, _) = engine.place("elderly-certificate", "association", record, PLAIN)
    [text] = [text for text in front.texts if "割（" in text_of(text)]
    assert text.text.condense >= 0.8
    assert any(re.search(r"令和\d+年\d+月\d+日", line.text) for line in text.text.lines)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_certificate_has_its_own_title_and_notes(engine: Engine, document: str) -> None:
    front, back = words(engine, document, "association-insured")
    titles = {
        "limit-certificate": "健康保険限度額適用認定証",
        "limit-standard-burden-certificate": "健康保険限度額適用・標準負担額減額認定証",
        "specified-disease-certificate": "健康保険特定疾病療養受療証",
        "elderly-certificate": "健康保険高齢受給者証",
    }
    assert titles[document] in front.splitlines()
    told = {
        "limit-certificate": "自己負担限度額までです",
        "limit-standard-burden-certificate": "食事代も減額",
        "specified-disease-certificate": "認定疾病",
        "elderly-certificate": "一部負担金の割合",
    }
    assert told[document] in back
    assert pypdf.PdfReader(io.BytesIO(render(engine, document, "association-insured").pdf)).metadata is not None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_note_is_narrower_than_the_others(engine: Engine, document: str) -> None:
    for name in samples.names(document):
        _, back = place(engine, document, name)
        notes = [text.text for text in texts_of(back) if text.element.startswith("notes.")]
        assert {(note.condense, len(note.lines)) for note in notes} == {(1, 1)}, name


@pytest.mark.parametrize("branch", [None, "01"])
def test_a_number_in_full_width_stands_hardly_narrower_than_it_is(engine: Engine, branch: str | None) -> None:
    record = {
        **samples.record("limit-certificate", "association-dependent"),
        "symbol": "５６７",
        "number": "８９０１２",
    }
    del record["branch"]
    rendered = engine.render("limit-certificate", "association", record | ({"branch": branch} if branch else {}), PLAIN)
    fits = [fit for fit in rendered.fits if fit.element in {"symbol", "number", "number.short", "branch"}]
    assert all(fit.size == fit.nominal and fit.condensed >= 0.96 for fit in fits)


@pytest.mark.parametrize("name", ["association-everything", "accountants-alias"])
def test_a_second_line_stands_clear_of_label_and_rule(engine: Engine, size: str, name: str) -> None:
    texts = {text.element: text for text in texts_of(place(engine, "limit-certificate", name)[0])}
    assert "name" in texts
    label, top = max(box[3] for box in ink(texts["name.label.category"])), min(box[1] for box in ink(texts["name"]))
    assert top - label >= 0.4
    rule, air = {"large": (44, 1.0), "card": (27.9, 0.4)}[size]
    assert rule - max(box[3] for box in ink(texts["address"])) >= air
