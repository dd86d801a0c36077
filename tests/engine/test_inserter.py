"""What the machine that fills envelopes reads, measured on the raster: by the profile, marks, a code or nothing.

The list of recipients is printed across: it is looked at as the machine takes it, upright, its head at the left edge.
"""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import zxingcpp

from docgen.engine import Engine
from docgen.errors import RecordError
from docgen.settings import Settings
from tests import samples
from tests.sheet import PLAIN, part, place, raster

DPI = 300
PX = DPI / 25.4
STRIP = (192.5, 5.5, 206.4, 28.0)  # clear of the edge, and above what stands on further sheets
CODED = "accountants"  # whose machine reads a code
NUMBER = {"recipients-list": "list_id"}  # the key of the piece's number, where it is not piece_id
COUNTED = ("notice", "employer-letter", "recipients-list")  # documents of any number of sheets
OF_SEVERAL = {"notice": "accountants-nine", "employer-letter": "accountants-delivery",
              "recipients-list": "accountants-two-pages"}  # fmt: skip


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The project's insurers, but that the one with a code on each sheet has marks."""
    layouts = tmp_path_factory.mktemp("omr") / "layouts"
    shutil.copytree(Settings().layouts_dir, layouts)
    profile = layouts / "insurers" / "accountants.yaml"
    text = profile.read_text(encoding="utf-8")
    assert "inserter: code" in text
    profile.write_text(text.replace("inserter: code", "inserter: omr"), encoding="utf-8")
    return Engine.load(Settings(layouts_dir=layouts))


def marks(picture: np.ndarray) -> list[tuple[float, float, float, float]]:
    """Left, top, width and height in mm of each dark line in the strip of a page."""
    dark = part(picture, STRIP, DPI) < 128
    rows = dark.any(axis=1).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], rows, [0]])))
    found = []
    for top, bottom in edges.reshape(-1, 2):
        columns = np.flatnonzero(dark[top:bottom].any(axis=0))
        found.append((columns[0], top, np.ptp(columns) + 1, bottom - top))
    return [(STRIP[0] + x / PX, STRIP[1] + y / PX, w / PX, h / PX) for x, y, w, h in found]


def upright(engine: Engine, document: str, name: str, page: int) -> np.ndarray:
    picture = raster(engine, document, name, page, DPI)
    return np.rot90(picture) if picture.shape[1] > picture.shape[0] else picture


def places(engine: Engine, document: str, name: str, page: int) -> list[int]:
    """Which of the five places, 4 mm from each other, are marked; each mark is measured."""
    found = marks(upright(engine, document, name, page))
    for left, top, width, height in found:
        assert left == pytest.approx(192.5, abs=0.15)
        assert 10.16 <= width <= 20  # mm, as readers of such marks want them
        assert 0.254 <= height <= 0.63
        assert (top - 8.5) / 4 == pytest.approx(round((top - 8.5) / 4), abs=0.04)
    return [round((top - 8.5) / 4) for _, top, _, _ in found]


def sheets(engine: Engine, document: str, name: str) -> int:
    return len(place(engine, document, name))


@pytest.mark.parametrize("document", COUNTED)
def test_the_marks_tell_first_and_last_sheets_and_are_even_on_each(marked: Engine, document: str) -> None:
    name = OF_SEVERAL[document]
    last = sheets(marked, document, name)
    assert last >= 2
    found = [places(marked, document, name, page) for page in range(1, last + 1)]
    assert found == [[0, 1, 2, 4], *[[0, 1, 2, 3]] * (last - 2), [0, 1, 3, 4]]


@pytest.mark.parametrize(
    ("document", "name"),
    [("notice", "society-last-four"), ("employer-letter", "society-notices"), ("recipients-list", "society-one-page")],
)
def test_a_single_sheet_has_the_two_marks_that_all_have(engine: Engine, document: str, name: str) -> None:
    assert sheets(engine, document, name) == 1
    assert places(engine, document, name, 1) == [0, 1]


def test_some_document_has_sheets_in_between(marked: Engine) -> None:
    assert max(sheets(marked, document, name) for document, name in OF_SEVERAL.items()) > 2


def test_a_mount_is_a_single_sheet_and_keeps_its_own_code(engine: Engine) -> None:
    picture = raster(engine, "mount", "society-family", 1, DPI)
    assert [round(top, 1) for _, top, _, _ in marks(picture)] == [8.5, 12.5]
    piece = samples.record("mount", "society-family")["piece"]["id"]
    codes = zxingcpp.read_barcodes(np.ascontiguousarray(part(picture, (190, 55, 208, 75), DPI)))
    assert [code.text for code in codes] == [f"{piece}-1/1"]


@pytest.mark.parametrize(
    ("document", "name"),
    [(document, name) for document in COUNTED for name in samples.names(document) if samples.insurer(name) == CODED],
)
def test_a_code_on_each_sheet_names_the_piece_and_the_sheet(engine: Engine, document: str, name: str) -> None:
    record = samples.record(document, name)
    piece, count = record[NUMBER.get(document, "piece_id")], sheets(engine, document, name)
    for page in range(1, count + 1):
        strip = part(upright(engine, document, name, page), STRIP, DPI)
        codes = zxingcpp.read_barcodes(np.ascontiguousarray(strip))
        assert [code.text for code in codes] == [f"{piece}/{page}/{count}"]


@pytest.mark.parametrize("document", COUNTED)
def test_a_code_needs_the_number_of_the_piece(engine: Engine, document: str) -> None:
    record, key = samples.record(document, OF_SEVERAL[document]), NUMBER.get(document, "piece_id")
    del record[key]
    with pytest.raises(RecordError) as refused:
        engine.render(document, CODED, record, PLAIN)
    assert [(found.code, found.pointer) for found in refused.value.violations] == [("missing_value", f"/{key}")]


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("notice", "association-insured"),
        ("notice", "publishers-insured"),
        ("employer-letter", "association-many"),
        ("recipients-list", "association-three-pages"),
    ],
)
def test_without_an_inserter_the_strip_is_bare(engine: Engine, document: str, name: str) -> None:
    for page in range(1, sheets(engine, document, name) + 1):
        assert marks(upright(engine, document, name, page)) == []


def test_the_samples_have_marks_a_code_and_nothing(engine: Engine) -> None:
    assert {profile.mail.inserter for profile in engine.insurers.values()} == {"omr", "code", "none"}


def test_the_layouts_are_fine_with_marks_in_place_of_the_code(marked: Engine) -> None:
    assert {found.code for found in marked.check()} == {"layout_never_filled"}  # nobody's code is left
