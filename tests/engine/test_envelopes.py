"""Finished envelopes: conforming, readable, in agreement with what they carry, and measured on a raster."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import pypdf
import pytest

from docgen.compose.placed import PlacedBars, PlacedRect, PlacedSide
from docgen.engine import Engine
from docgen.errors import RecordError
from docgen.symbols import customer
from docgen.text.setting import SetColumn
from tests import finished, samples, sheet

DPI = 600
ENVELOPES = [("envelope", name) for name in samples.names("envelope")]
REPLIES = [("reply-envelope", name) for name in samples.names("reply-envelope")]
WINDOWED = pytest.mark.parametrize("name", [n for n in samples.names("envelope") if n.startswith("association")])
LARGE = pytest.mark.parametrize("name", [n for n in samples.names("envelope") if n.startswith("society")])
REPLY = pytest.mark.parametrize("name", samples.names("reply-envelope"))
ALL = pytest.mark.parametrize(("document", "name"), ENVELOPES + REPLIES)


def window_of(side: PlacedSide) -> PlacedRect:
    [window] = [rect for rect in sheet.rects_of(side) if rect.paint.stroke and rect.paint.stroke.spot == "DieCut"]
    return window


def test_both_insurers_have_both_ways_of_writing(engine: Engine) -> None:
    for document, insurers in (("envelope", {"association", "society"}), ("reply-envelope", {"association"})):
        found = {
            (
                samples.insurer(name),
                engine.render(document, samples.insurer(name), samples.record(document, name)).items.flags[
                    "writing.is_vertical"
                ],
            )
            for name in samples.names(document)
        }
        assert found == {(insurer, vertical) for insurer in insurers for vertical in (False, True)}


@ALL
def test_it_conforms(engine: Engine, document: str, name: str) -> None:
    finished.assert_conforms(engine, document, name)


@ALL
def test_it_reads_back(engine: Engine, document: str, name: str) -> None:
    finished.assert_reads_back(engine, document, name)


@ALL
def test_no_two_texts_overlap(engine: Engine, document: str, name: str) -> None:
    finished.assert_no_overlap(engine, document, name)


@pytest.mark.parametrize("name", ["society-stress-vertical", "society-latin-name", "society-selectors"])
def test_other_readers_find_the_columns_in_order(engine: Engine, name: str, tmp_path: Path) -> None:
    made, [side] = sheet.render(engine, "envelope", name, sheet.PLAIN), sheet.place(engine, "envelope", name)
    path = tmp_path / "envelope.pdf"
    path.write_bytes(made.pdf)
    poppler = subprocess.run(["pdftotext", "-raw", path, "-"], check=True, capture_output=True, text=True).stdout
    found = "".join(pypdf.PdfReader(io.BytesIO(made.pdf)).pages[0].extract_text().split())
    columns = [text for text in side.texts if isinstance(text.text.lines[0], SetColumn)]
    assert {text.element for text in columns} >= {"down.lines", "down.to"}
    for text in columns:
        expected = sheet.text_of(text)
        assert expected.replace("\u00a0", " ") in poppler.replace("\u00a0", " ")
        assert "".join(expected.split()) in found


# -------------------------------------------------------------------------------------------------------- with a window


@WINDOWED
def test_the_window_is_that_of_the_notice_and_the_mount(engine: Engine, name: str) -> None:
    """Where notice, mount and letter are tested to show their addresses at every shift: `sheet.windows`."""
    [side] = sheet.place(engine, "envelope", name)
    window = window_of(side)
    assert (window.x, window.y, window.x + window.width, window.y + window.height) == sheet.WINDOW
    assert (side.geometry.width, side.geometry.height) == sheet.ENVELOPE
    # http://hatasho.com/entry1.html : 12 mm to three edges, 35 to the flap's
    assert min(window.x, window.y, side.geometry.height - sheet.WINDOW[3]) >= 12
    assert side.geometry.width - sheet.WINDOW[2] >= 35


@WINDOWED
def test_the_window_is_a_line_on_its_own_plate_and_leaves_the_others(engine: Engine, name: str) -> None:
    [side] = sheet.place(engine, "envelope", name)
    paint = window_of(side).paint
    assert paint.fill is None
    assert paint.overprint
    assert b"/Separation/DieCut" in sheet.render(engine, "envelope", name, sheet.PLAIN).pdf


@WINDOWED
def test_nothing_is_printed_in_the_window_or_beside_it(engine: Engine, name: str) -> None:
    [side] = sheet.place(engine, "envelope", name)
    left, top, right, bottom = sheet.WINDOW
    near = (left - 3, top - 3, right + 3, bottom + 3)
    window = window_of(side)
    boxes = [box for _, box in sheet.boxes_of(side)]
    boxes += [(r.x, r.y, r.x + r.width, r.y + r.height) for r in sheet.rects_of(side) if r != window]
    assert len(boxes) > 8
    for box in boxes:
        assert sheet.apart(box, near), box


def test_the_postage_mark_has_two_to_three_centimetres(engine: Engine) -> None:
    for name, size in (("association-window", 22), ("society-person-vertical", 25)):
        [side] = sheet.place(engine, "envelope", name)
        assert any(rect.width == rect.height == size for rect in sheet.rects_of(side))


# ----------------------------------------------------------------------------------------------------- without a window


@LARGE
def test_the_whole_addressee_is_printed_once(engine: Engine, name: str) -> None:
    record, [side] = samples.record("envelope", name), sheet.place(engine, "envelope", name)
    address = record["addressee"]["address"]
    lines = "".join(sheet.printed(side, "address.lines", "down.lines"))
    assert lines == "".join(address.get(key, "") for key in ("area", "rest", "building"))
    assert len(sheet.printed(side, "address.name", "down.to")) == 1
    assert sheet.printed(side, "address.zip", "down.zip") == [f"〒{address['postal_code']}"]


@LARGE
def test_columns_go_from_right_to_left(engine: Engine, name: str) -> None:
    [side] = sheet.place(engine, "envelope", name)
    for text in side.texts:
        xs = [line.x for line in text.text.lines if isinstance(line, SetColumn)]
        assert xs == sorted(xs, reverse=True)


@LARGE
def test_the_barcode_stands_clear_of_everything_and_of_the_posts_area(engine: Engine, name: str) -> None:
    """10 mm to the edges, 70 x 35 at the top left kept free: https://post.japanpost.jp/zipcode/zipmanual/p13.html"""
    [side] = sheet.place(engine, "envelope", name)
    bars = [symbol for symbol in side.symbols if isinstance(symbol, PlacedBars)]
    has_one = samples.record("envelope", name)["addressee"]["address"]["postal_code"][-2:] != "00"
    tracked = samples.record("envelope", name).get("tracked", False)
    assert len(bars) == (has_one and not tracked)
    for element, box in sheet.boxes_of(side):
        if element.endswith("barcode"):
            assert sheet.within(box, (8, 8, 232, 324))  # with its own 2 mm
            assert sheet.apart(box, (0, 0, 35, 70))
            assert sheet.apart(box, (0, 0, 70, 35))
            for rect in sheet.rects_of(side):
                assert sheet.apart(box, (rect.x, rect.y, rect.x + rect.width, rect.y + rect.height))


@pytest.mark.parametrize("writing", ["vertical", "horizontal"])
def test_what_does_not_fit_is_told_with_its_pointer(engine: Engine, writing: str) -> None:
    record = samples.record("envelope", f"society-stress-{writing}")
    record["addressee"]["person"] = {"full_name": "見" * 99}
    record["addressee"]["address"] |= {"area": "県" * 100, "building": "本" * 100}
    with pytest.raises(RecordError) as caught:
        engine.place("envelope", "society", record)
    found = {(v.code, v.pointer) for v in caught.value.violations}
    assert found == {("does_not_fit", "/addressee/person"), ("does_not_fit", "/addressee/address")}


def test_a_character_without_a_glyph_is_refused_in_columns_too(engine: Engine) -> None:
    record = samples.record("envelope", "society-person-vertical")
    record["addressee"]["person"]["given"] = "太\ue000郎"
    with pytest.raises(RecordError) as caught:
        engine.place("envelope", "society", record)
    assert [(v.code, v.pointer, v.element) for v in caught.value.violations] == [
        ("private_use_character", "/addressee/person", "down.to")
    ]


# ------------------------------------------------------------------------------------------------------ reply envelopes


def mm(pixels: float) -> float:
    return pixels * 25.4 / DPI


def dark(engine: Engine, name: str) -> np.ndarray:
    return np.array(sheet.raster(engine, "reply-envelope", name, 1, DPI) < 110)


def spans(row: np.ndarray) -> list[tuple[int, int]]:
    """Runs of ink along a line of pixels."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(int), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def at(length: float) -> int:
    return round(length / 25.4 * DPI)


@REPLY
def test_the_two_lines_have_their_length_thickness_and_pitch(engine: Engine, name: str) -> None:
    ink = dark(engine, name)
    first, second, *_ = spans(ink[: at(10), at(18)])
    for top, bottom in (first, second):
        assert 1.0 <= mm(bottom - top) <= 1.2
        [(left, right)] = spans(ink[(top + bottom) // 2, : at(40)])
        assert mm(right - left) == pytest.approx(20, abs=0.06)
    assert mm(sum(second) - sum(first)) / 2 == pytest.approx(2.0, abs=0.05)


@REPLY
def test_the_frame_is_double_and_has_its_size_and_stroke(engine: Engine, name: str) -> None:
    ink = dark(engine, name)
    across = spans(ink[at(12.8), : at(30)])  # above the inner frame
    [(outer_left, a), (b, outer_right)] = across
    assert mm(outer_right - outer_left) == pytest.approx(18.5, abs=0.06)
    assert mm(a - outer_left) >= 0.48
    assert mm(outer_right - b) >= 0.48
    down = spans(ink[at(11) : at(36), at(8.9)])
    assert mm(down[-1][1] - down[0][0]) == pytest.approx(22.5, abs=0.06)
    within = spans(ink[at(18.0) - 4, : at(30)])
    assert len(within) >= 4  # two strokes at each side


@REPLY
def test_the_number_is_large_enough_and_the_postal_code_far_enough(engine: Engine, name: str) -> None:
    side = sheet.place(engine, "reply-envelope", name)[0]
    [number] = [text for text in side.texts if text.element == "paid.number"]
    assert number.text.size >= 12
    boxes = [r for r in sheet.rects_of(side) if r.y > 12 and r.height == pytest.approx(7.6)]
    assert len(boxes) == 7
    strokes = [rect.paint.stroke_width / 2 for rect in boxes]
    left = min(rect.x - half for rect, half in zip(boxes, strokes, strict=True))
    right = max(rect.x + rect.width + half for rect, half in zip(boxes, strokes, strict=True))
    assert left - 26.5 >= 5
    assert 90 - right == pytest.approx(8, abs=1.5)
    assert boxes[0].y - strokes[0] == pytest.approx(12, abs=1.5)
    digits = [line for text in side.texts if text.element.startswith("code.") for line in text.text.lines]
    assert "".join(line.text for line in digits) == "0008790"


@REPLY
def test_each_digit_of_the_postal_code_stands_in_the_middle_of_its_box(engine: Engine, name: str) -> None:
    side = sheet.place(engine, "reply-envelope", name)[0]
    boxes = [r for r in sheet.rects_of(side) if r.y > 12 and r.height == pytest.approx(7.6)]
    middles = [
        text.x + line.x + line.width / 2
        for text in side.texts
        if text.element.startswith("code.")
        for line in text.text.lines
    ]
    assert middles == pytest.approx([rect.x + rect.width / 2 for rect in boxes], abs=0.1)


@REPLY
def test_the_barcode_says_postal_code_and_serial_and_keeps_its_pitch_on_the_raster(engine: Engine, name: str) -> None:
    side = sheet.place(engine, "reply-envelope", name)[0]
    [bars] = [symbol for symbol in side.symbols if isinstance(symbol, PlacedBars)]
    assert bars.bars == tuple(customer.bars(customer.encode("0008790123"), 8))
    ink = dark(engine, name)
    middle = at(bars.y + 1.44)
    found = spans(ink[middle, at(bars.x) - 5 : at(bars.x + 70)])
    assert len(found) == 67
    pitches = np.diff([start for start, _ in found])
    assert 0.95 * 0.8 <= mm(pitches.min()) <= mm(pitches.max()) <= 1.30 * 0.8
    widths = [mm(end - start) for start, end in found]
    assert 0.5 * 0.8 <= min(widths) <= max(widths) <= 0.7 * 0.8
    clear = ink[at(bars.y - 1.9) : at(bars.y - 0.1), at(bars.x - 1.9) : at(bars.x + 65.7)]
    assert not clear.any()


@REPLY
def test_it_goes_unfolded_into_the_envelope_with_the_window(engine: Engine, name: str) -> None:
    geometry = sheet.place(engine, "reply-envelope", name)[0].geometry
    assert geometry.height < sheet.ENVELOPE[0]
    assert geometry.width < sheet.ENVELOPE[1]
