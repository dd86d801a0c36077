"""What the machine that fills envelopes reads, measured on the raster: by the profile, marks, a code or nothing."""

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
NOTICES = [(name, samples.insurer(name)) for name in samples.names("notice")]


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


def places(engine: Engine, document: str, name: str, page: int) -> list[int]:
    """Which of the five places, 4 mm from each other, are marked; each mark is measured."""
    found = marks(raster(engine, document, name, page, DPI))
    for left, top, width, height in found:
        assert left == pytest.approx(192.5, abs=0.15)
        assert 10.16 <= width <= 20  # mm, as readers of such marks want them
        assert 0.254 <= height <= 0.63
        assert (top - 8.5) / 4 == pytest.approx(round((top - 8.5) / 4), abs=0.04)
    return [round((top - 8.5) / 4) for _, top, _, _ in found]


def sheets(engine: Engine, name: str) -> int:
    return len(place(engine, "notice", name))


def test_the_marks_tell_first_and_last_sheets_and_are_even_on_each(marked: Engine) -> None:
    one, two = "accountants-one", "accountants-nine"
    assert sheets(marked, one) == 1
    assert places(marked, "notice", one, 1) == [0, 1]
    last = sheets(marked, two)
    assert last > 2
    found = [places(marked, "notice", two, page) for page in range(1, last + 1)]
    assert found == [[0, 1, 2, 4], *[[0, 1, 2, 3]] * (last - 2), [0, 1, 3, 4]]


def test_a_mount_is_a_single_sheet_and_keeps_its_own_code(engine: Engine) -> None:
    picture = raster(engine, "mount", "society-family", 1, DPI)
    assert [round(top, 1) for _, top, _, _ in marks(picture)] == [8.5, 12.5]
    piece = samples.record("mount", "society-family")["piece"]["id"]
    codes = zxingcpp.read_barcodes(np.ascontiguousarray(part(picture, (190, 55, 208, 75), DPI)))
    assert [code.text for code in codes] == [f"{piece}-1/1"]


@pytest.mark.parametrize("name", [name for name, insurer in NOTICES if insurer == "accountants"])
def test_a_code_on_each_sheet_names_the_piece_and_the_sheet(engine: Engine, name: str) -> None:
    piece, count = samples.record("notice", name)["piece_id"], sheets(engine, name)
    for page in range(1, count + 1):
        strip = part(raster(engine, "notice", name, page, DPI), STRIP, DPI)
        codes = zxingcpp.read_barcodes(np.ascontiguousarray(strip))
        assert [code.text for code in codes] == [f"{piece}/{page}/{count}"]


def test_a_code_needs_the_id_of_the_piece(engine: Engine) -> None:
    record = samples.record("notice", "accountants-one")
    del record["piece_id"]
    with pytest.raises(RecordError) as refused:
        engine.render("notice", "accountants", record, PLAIN)
    assert [(found.code, found.pointer) for found in refused.value.violations] == [("missing_value", "/piece_id")]


@pytest.mark.parametrize("name", ["association-insured", "publishers-insured"])
def test_without_an_inserter_the_strip_is_bare(engine: Engine, name: str) -> None:
    assert marks(raster(engine, "notice", name, 1, DPI)) == []


def test_the_samples_have_marks_a_code_and_nothing(engine: Engine) -> None:
    assert {profile.mail.inserter for profile in engine.insurers.values()} == {"omr", "code", "none"}


def test_the_layouts_are_fine_with_marks_in_place_of_the_code(marked: Engine) -> None:
    assert {found.code for found in marked.check()} == {"layout_never_filled"}  # nobody's code is left
