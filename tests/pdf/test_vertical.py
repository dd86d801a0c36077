"""Vertical writing in a finished file: where its ink is, and what readers find."""

from __future__ import annotations

import io
import subprocess
from datetime import date
from pathlib import Path

import numpy as np
import pypdf
import pytest
import uharfbuzz as hb
from PIL import Image

from docgen.compose.placed import Geometry, PlacedSide, PlacedText
from docgen.engine import Engine, preflight
from docgen.pdf.raster import render_png
from docgen.pdf.reader import read_pages
from docgen.settings import Settings
from docgen.text.faces import FontLibrary
from docgen.text.registry import FontRegistry
from docgen.text.setting import Step
from docgen.text.vertical import VerticalSetter
from docgen.units import MM_PER_PT
from tests import verapdf

LIBRARY = FontLibrary(FontRegistry.load(Settings().fonts_toml))
GEOMETRY = Geometry(80, 100, 3, 2)
SMALL = Geometry(40, 20, 3, 2)  # enough for one large character, and drawn in a seventh of the time
DPI, SIZE = 600, 28.346  # 10 mm to the em
TEXTS = ("見本県見本市10-2ー305「例示」、", "葛\U000e0100城　ＭＩＨＯＮ ALEXANDRA R.様", "１２－３－45６　(株)B棟…。")


def column(
    text: str, stack: str, x: float, size: float = 12.0, fit: tuple[Step, ...] = (Step("reject"),)
) -> PlacedText:
    setter = VerticalSetter(LIBRARY.stack(stack), size, 11, 94, fit)
    return PlacedText("column", x, 3, 11, 94, setter.set(text), nominal=size)


def file(engine: Engine, *texts: PlacedText, geometry: Geometry = GEOMETRY) -> bytes:
    stream = io.BytesIO()
    book = engine.book("card", date(2025, 8, 20), stream)
    book.add(PlacedSide("front", geometry, (), texts, ()))
    book.finish()
    return stream.getvalue()


def ink(pdf: bytes) -> np.ndarray:
    """Where there is ink on the trimmed page."""
    picture = np.asarray(Image.open(io.BytesIO(render_png(pdf, 1, DPI, frozenset(), 2, 0))).convert("L"))
    bleed = round(3 / 25.4 * DPI)
    return picture[bleed:-bleed, bleed:-bleed] < 128


def bounds(found: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the ink in mm."""
    ys, xs = np.nonzero(found)
    return tuple(value * 25.4 / DPI for value in (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))  # type: ignore[return-value]


@pytest.mark.parametrize("face_id", ["gothic", "pgothic", "mincho", "mj"])
@pytest.mark.parametrize("char", "見ー、。「）っャ～１")
def test_the_ink_stands_where_harfbuzz_puts_the_glyph(engine: Engine, face_id: str, char: str) -> None:
    buffer = hb.Buffer()
    buffer.add_str(char)
    buffer.direction, buffer.script, buffer.language = "ttb", "Jpan", "ja"
    face = LIBRARY.face(face_id)
    font = hb.Font(face.hb_face)
    hb.shape(font, buffer)
    number, place = buffer.glyph_infos[0].codepoint, buffer.glyph_positions[0]
    outline = font.get_glyph_extents(number)
    em = 10 / face.units_per_em
    axis, top = 20 + 11 - 5, 3.0
    left = axis + (place.x_offset + outline.x_bearing) * em
    upper = top - (place.y_offset + outline.y_bearing) * em
    expected = (left, upper, left + outline.width * em, upper - outline.height * em)
    assert bounds(ink(file(engine, column(char, face_id, 20, SIZE), geometry=SMALL))) == pytest.approx(
        expected, abs=0.06
    )


def test_a_turned_word_runs_down_with_its_tops_to_the_right(engine: Engine) -> None:
    found = ink(file(engine, column("LLL", "gothic", 20, SIZE)))
    left, top, right, bottom = bounds(found)
    assert bottom - top > 13 > 9 > right - left
    # An L's foot is its widest stroke: turned clockwise, the foot is at the left, and the stem begins each letter.
    lines = found.sum(axis=1)
    assert lines[round((top + 0.2) / 25.4 * DPI)] > 3 * lines[round((top + 3) / 25.4 * DPI)]
    assert found[:, : round((left + 0.4) / 25.4 * DPI)].sum() > 0


def test_a_hyphen_between_numbers_is_an_upright_stroke_on_the_axis(engine: Engine) -> None:
    found = ink(file(engine, column("1-2", "pgothic", 20, SIZE)))
    rows = slice(round(13 / 25.4 * DPI), round(23 / 25.4 * DPI))  # the second em
    only = np.zeros_like(found)
    only[rows] = found[rows]
    left, top, right, bottom = bounds(only)
    assert bottom - top > 5 * (right - left)
    assert (left + right) / 2 == pytest.approx(26, abs=0.15)
    assert (top + bottom) / 2 == pytest.approx(18, abs=1)


def test_condensing_flattens_and_leaves_the_width(engine: Engine) -> None:
    plain = bounds(ink(file(engine, column("国" * 9, "gothic", 20, SIZE))))
    fit = (Step("condense", 0.7), Step("reject"))
    flat = bounds(ink(file(engine, column("国" * 12, "gothic", 20, SIZE, fit))))
    assert (flat[0], flat[2]) == pytest.approx((plain[0], plain[2]), abs=0.06)
    assert 93 < flat[3] <= 97


def test_no_column_shows_ink_outside_its_em_box_but_for_a_hair(engine: Engine) -> None:
    placed = column(TEXTS[0], "mincho", 20)
    left, _, right, _ = bounds(ink(file(engine, placed)))
    (set_column,) = placed.text.lines
    assert 20 + set_column.x - 0.1 <= left < right <= 20 + set_column.x + 12 * MM_PER_PT + 0.1


def test_every_reader_finds_the_text_in_order(engine: Engine, tmp_path: Path) -> None:
    placed = [
        column(text, stack, x)
        for text, stack, x in zip(TEXTS, ("gothic", "mincho", "pgothic"), (60, 40, 20), strict=True)
    ]
    data = file(engine, *placed)
    (page,) = read_pages(data)
    assert page.blocks() == list(TEXTS)
    assert preflight(data) == []
    assert verapdf.validate(data) == []
    path = tmp_path / "columns.pdf"
    path.write_bytes(data)
    poppler = subprocess.run(["pdftotext", "-raw", path, "-"], check=True, capture_output=True, text=True).stdout
    assert poppler.rstrip("\n\f").split("\n") == list(TEXTS)
    found = pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text()
    assert "".join(found.split()) == "".join("".join(TEXTS).split())


def test_the_text_of_every_code_is_the_records_own(engine: Engine) -> None:
    """ToUnicode alone, without ActualText: half-width and full-width twins share a glyph and keep their own text."""
    (page,) = read_pages(file(engine, column("1１2２-－", "gothic", 20)))
    assert "".join(run.text for run in page.runs) == "1１2２-－"


def test_a_file_with_vertical_text_is_the_same_each_time(engine: Engine) -> None:
    one, other = (file(engine, column(TEXTS[0], "gothic", 20), column(TEXTS[1], "mincho", 40)) for _ in range(2))
    assert one == other
