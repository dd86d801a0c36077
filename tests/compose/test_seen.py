"""What lies over a text or in a symbol, and what is hardly seen: told by `layout check` where it was written."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFilter

from docgen.compose.artwork import load_artwork
from docgen.compose.brand import Brand
from docgen.compose.composition import Composition
from docgen.compose.placed import BLACK, PAPER, Ink, PlacedSide
from docgen.compose.seen import check_seen, contrast
from docgen.engine import Engine
from docgen.errors import Violation
from docgen.issuance.items import PrintItems
from docgen.layout.models import Layout
from docgen.pdf.raster import render
from docgen.settings import Settings
from docgen.text.faces import FontLibrary
from docgen.text.registry import FontRegistry

LIBRARY = FontLibrary(FontRegistry.load(Settings().fonts_toml))
MARK = load_artwork(Settings().layouts_dir / "art" / "sample-seal.svg", {"#c8372d": Ink(0, 85, 80, 5)})
BRAND = Brand("sample", {"band": Ink(0, 12, 52, 0), "deep": Ink(100, 80, 0, 40)}, {}, {}, {"mark": MARK}, None, 0, 5)
STYLES = {
    "plain": {"stack": "gothic", "size": 20},
    "down": {"stack": "gothic", "size": 20, "vertical": True},
    "pale": {"stack": "gothic", "size": 20, "ink": [0, 0, 0, 30]},
    "white": {"stack": "gothic", "size": 20, "ink": "paper"},
}
TEXT = {"id": "text", "text": "wording.text", "box": [20, 20, 60, 8], "style": "plain"}
NAME = {"id": "name", "field": "holder.name", "box": [20, 20, 60, 8], "style": "plain"}
QR = {"id": "qr", "qr": "card.qr", "box": [20, 20, 20, 20]}
BARS = {"id": "bars", "barcode": "address.barcode", "at": [5, 22], "size": 8}


def layout(*elements: dict[str, Any], text: str = "■　■") -> Layout:
    return Layout.model_validate(
        {
            "layout": "card",
            "title": "題",
            "page": {"width": 86, "height": 54},
            "wording": {"text": text},
            "spots": {"DieCut": [0, 100, 0, 0]},
            "styles": STYLES,
            "sides": {"front": list(elements)},
        }
    )


def placed(drawn: Layout, included: Composition | None = None) -> PlacedSide:
    texts = {"holder.name": "■　■", "card.qr": "0001-00000123-K", "address.barcode": "10060221-2-3"}
    items = PrintItems(texts, {}, {}, date(2025, 12, 2))
    if included is not None:
        items = replace(items, includes={"card": items})
    inner = (lambda _: included) if included is not None else None
    [side] = Composition(drawn, BRAND, LIBRARY, inner).place(items)
    return side


def seen(*elements: dict[str, Any], text: str = "■　■") -> list[Violation]:
    drawn = layout(*elements, text=text)
    return list(check_seen(drawn, [("card/sample-one", placed(drawn))], LIBRARY))


def rect(*box: float, fill: str = "paper", **more: Any) -> dict[str, Any]:
    return {"id": "shape", "rect": list(box), "fill": fill, **more}


def frame(*box: float, **more: Any) -> dict[str, Any]:
    return {"id": "shape", "rect": list(box), "stroke": "black", **more}


# ■ stands at 20.7 to 26.3 mm and, after a gap of an em, at 34.8 to 40.5 mm; both at y 20.7 to 26.3.
OVER = [
    rect(15, 15, 60, 20),
    rect(25, 21, 2, 2),
    rect(22, 22, 1, 1, fill="black"),
    rect(22, 22, 30, 1, fill="spot.DieCut"),
    frame(15, 15, 10, 30, stroke="insurer.band"),
    {"id": "shape", "line": [19, 24, 30, 24], "stroke": "black"},
    {"id": "shape", "line": [28, 19, 28, 30], "stroke": "black", "stroke_width": 4},
    {"id": "shape", "circle": [24, 24], "radii": [1], "stroke": "black"},
    {"id": "shape", "circle": [24, 10], "radii": [11], "fill": "paper"},
    {"id": "shape", "hatch": [15, 15, 60, 20], "pitch": 2, "stroke": "black"},
    {"id": "shape", "image": "insurer.mark", "box": [15, 15, 20, 20]},
    {"id": "shape", "line": [28, 2, 28, 40], "stroke": "black", "count": 2, "step": [8, 0]},
]


@pytest.mark.parametrize("shape", OVER)
def test_what_is_written_after_a_fixed_text_and_lies_over_it_is_an_error(shape: dict[str, Any]) -> None:
    [found] = seen(TEXT, shape)
    assert (found.code, found.element, found.severity) == ("layout_covered", "shape", "error")
    assert found.message.startswith("lies over the text text: x ")
    assert found.message.endswith("; on front, sample card/sample-one")
    assert "write it before text" in found.hint
    assert not [v for v in seen(shape, TEXT) if v.code == "layout_covered"]


@pytest.mark.parametrize(
    "shape",
    [
        rect(27.5, 15, 6, 20),
        frame(15, 15, 60, 20),
        rect(15, 10, 60, 10),
        {"id": "shape", "line": [30, 2, 30, 50], "stroke": "black"},
        {"id": "shape", "line": [20, 28, 80, 28], "stroke": "black"},
        {"id": "shape", "line": [20, 24, 80, 24], "stroke": "spot.DieCut"},
        {"id": "shape", "circle": [30.5, 24], "radii": [3], "fill": "black"},
        {"id": "shape", "circle": [29.4, 29.4], "radii": [3.6], "fill": "black"},  # beside a corner
        {"id": "shape", "circle": [30.6, 24], "radii": [20], "stroke": "black"},
        {"id": "shape", "hatch": [27.5, 15, 6, 20], "pitch": 2, "stroke": "black"},
    ],
)
def test_what_lies_beside_the_letters_or_in_a_gap_or_on_a_tools_plate_is_fine(shape: dict[str, Any]) -> None:
    assert seen(TEXT, shape) == []


def test_columns_and_turned_texts_are_seen_as_they_stand() -> None:
    down = {**TEXT, "style": "down", "box": [20, 10, 8, 40]}  # ■ at y 10.7 to 16.3 and 24.8 to 30.5
    turned = {**TEXT, "box": [0, 30, 60, 8], "rotate": -90}  # at x 27.7 to 33.3, y 4.7 to 10.3 and 18.8 to 24.5
    for text, gap, letter in ((down, (15, 17, 30, 7), (22, 24, 1, 1)), (turned, (20, 11, 30, 7), (33, 18, 1, 1))):
        assert seen(text, rect(*gap)) == []
        assert [v.code for v in seen(text, rect(*letter))] == ["layout_covered"]


def test_a_tint_may_be_covered_and_pale() -> None:
    assert seen({**TEXT, "style": "pale", "background": True}, rect(15, 15, 60, 20)) == []


def test_a_records_text_lies_above_all_shapes() -> None:
    assert seen(NAME, rect(15, 15, 60, 20)) == []


@pytest.mark.parametrize("text", [TEXT, NAME])
@pytest.mark.parametrize(
    ("style", "ground", "says"),
    [
        ("plain", "black", "black on black (shape) has a contrast of about 1.0 to 1; a text needs 3"),
        ("plain", "insurer.deep", "black on [100, 80, 0, 40] (shape) has a contrast of about 1.7"),
        ("white", "insurer.band", "paper on [0, 12, 52, 0] (shape) has"),
        ("white", None, "paper on paper has a contrast of about 1.0"),
        ("pale", None, "[0, 0, 0, 30] on paper has a contrast of about 2.1"),
    ],
)
def test_a_text_that_hardly_differs_from_its_ground_is_a_warning(
    text: dict[str, Any], style: str, ground: str | None, says: str
) -> None:
    grounds = [rect(0, 0, 30, 50, fill=ground)] if ground else []
    [found] = seen(*grounds, {**text, "style": style})
    assert (found.code, found.element, found.severity) == ("layout_contrast", text["id"], "warning")
    assert says in found.message


@pytest.mark.parametrize("text", [TEXT, NAME])
def test_the_ground_is_what_lies_uppermost_below_the_letters(text: dict[str, Any]) -> None:
    dark, band = rect(0, 0, 86, 54, id="dark", fill="black"), rect(15, 15, 60, 20, fill="insurer.band")
    assert seen(dark, band, text) == []
    assert [v.element for v in seen(band, dark, text)] == [text["id"]]
    assert seen(rect(27.5, 15, 6, 20, fill="black"), text) == []  # in the gap
    assert seen(rect(0, 0, 86, 54, fill="insurer.deep"), {**text, "style": "white"}) == []


def test_a_text_below_an_included_document_is_an_error_as_far_as_that_reaches() -> None:
    card = {"id": "ground", "circle": [43, 27], "radii": [90], "fill": "insurer.band"}  # cut off at the card's bleed
    inner = layout(card)
    texts = [{**TEXT, "id": "below", "box": [20, y, 60, 8]} for y in (40, 42.5)]
    for text, codes in zip(texts, ([], ["layout_covered"]), strict=True):
        outer = layout(text, {"id": "card", "include": "card.front", "at": [0, 51]})
        side = placed(outer, Composition(inner, BRAND, LIBRARY))
        found = list(check_seen(outer, [("card/sample-one", side)], LIBRARY))
        assert [(v.code, v.element) for v in found] == [(code, "below") for code in codes]
        assert all(v.message.startswith("lies below an included document: x -3 to 89, y 48 to 108 over") for v in found)


@pytest.mark.parametrize("symbol", [QR, BARS])
@pytest.mark.parametrize(
    "shape",
    [
        {"id": "shape", "line": [2, 24, 80, 24], "stroke": "black"},
        rect(0, 0, 86, 54, fill="insurer.deep"),
        {"id": "shape", "image": "insurer.mark", "box": [15, 15, 20, 20]},
    ],
)
def test_what_is_dark_in_a_symbol_is_an_error_wherever_it_is_written(
    symbol: dict[str, Any], shape: dict[str, Any]
) -> None:
    for elements in ((symbol, shape), (shape, symbol)):
        found = seen(*elements)
        assert {(v.code, v.element, v.severity) for v in found} == {("layout_covered", symbol["id"], "error")}
        assert found[0].message.startswith("lies on what a reader takes for dark: shape, x ")


@pytest.mark.parametrize("symbol", [QR, BARS])
def test_a_light_ground_a_frame_and_what_a_ground_hides_do_not_spoil_a_symbol(symbol: dict[str, Any]) -> None:
    dark = {"id": "dark", "line": [2, 24, 80, 24], "stroke": "black"}
    assert seen(dark, rect(0, 0, 86, 54, fill="insurer.band"), symbol) == []
    assert seen(rect(20, 20, 20, 20, fill="paper", stroke="black"), QR) == []
    assert seen(rect(3, 20, 67.9, 6.9, fill="paper", stroke="black"), BARS) == []


def test_the_clear_space_of_a_symbol_is_part_of_it() -> None:
    assert [v.code for v in seen(QR, rect(21, 15, 0.5, 30, fill="black"))] == ["layout_covered"]
    assert [v.code for v in seen(BARS, rect(3.9, 15, 0.5, 30, fill="black"))] == ["layout_covered"]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        (BLACK, PAPER, 21),
        (Ink(100, 100, 0, 0), PAPER, 8.59),  # #0000ff on #ffffff
        (Ink(0, 100, 100, 0), PAPER, 4.0),  # #ff0000
        (Ink(0, 0, 100, 0), BLACK, 19.56),  # #ffff00 on #000000
        (PAPER, PAPER, 1),
    ],
)
def test_the_contrast_is_that_of_wcag(one: Ink, other: Ink, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.006)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Settings())


def dark(engine: Engine, *elements: dict[str, Any], words: str = "■　■") -> Any:
    """Where a page with these elements alone is dark, at 200 dpi."""
    stream = io.BytesIO()
    book = engine.book("card", date(2025, 12, 2), stream)
    book.add(placed(layout(*elements, text=words)))
    book.finish()
    return render(stream.getvalue(), 1, 200).convert("L").point(lambda value: 255 if value < 100 else 0)


def overlap(one: Any, other: Any) -> bool:
    return bool((np.array(one) & np.array(other)).any())


def thick(**more: Any) -> dict[str, Any]:
    return {"id": "shape", "stroke": "black", "stroke_width": 0.5, **more}


_at = st.floats(16, 42).map(lambda value: round(value, 2))
_size = st.floats(0.6, 8).map(lambda value: round(value, 2))
SHAPES = st.one_of(
    st.builds(lambda *box: rect(*box, fill="black"), _at, _at, _size, _size),
    st.builds(lambda *box: frame(*box, stroke_width=0.5), _at, _at, _size, _size),
    st.builds(lambda x, y, dx, dy: thick(line=[x, y, x + dx, y - dy]), _at, _at, _size, _size),
    st.builds(lambda x, y, r: {"id": "shape", "circle": [x, y], "radii": [r], "fill": "black"}, _at, _at, _size),
    st.builds(lambda x, y, r: thick(circle=[x, y], radii=[r]), _at, _at, _size),
    st.builds(lambda x, y: thick(hatch=[x, y, 9, 9], pitch=3), _at, _at),
)


@settings(max_examples=40)
@given(shape=SHAPES)
def test_a_shape_lies_over_a_text_if_the_printed_page_says_so(engine: Engine, shape: dict[str, Any]) -> None:
    letters, ink = dark(engine, TEXT), dark(engine, shape)
    found = [violation.code for violation in seen(TEXT, shape)]
    if overlap(letters.filter(ImageFilter.MinFilter(5)), ink):
        assert found == ["layout_covered"]
    if not overlap(letters.filter(ImageFilter.MaxFilter(9)), ink):
        assert found == []


@pytest.mark.parametrize(
    ("text", "words", "near"),
    [
        (TEXT, "■　■", 0.4),
        ({**TEXT, "align": "distribute"}, "■■■", 0.4),
        ({**TEXT, "box": [20, 20, 20, 8], "fit": ["condense 0.5", "reject"]}, "■■　■", 0.4),
        ({**TEXT, "box": [20, 20, 20, 8], "fit": ["condense 0.5", "reject"], "align": "distribute"}, "■■　■", 0.4),
        ({**TEXT, "box": [20, 10, 8, 40], "style": "down"}, "■　■", 0.4),
        ({**TEXT, "box": [20, 10, 8, 15], "style": "down", "fit": ["condense 0.5", "reject"]}, "■　■", 0.4),
        ({**TEXT, "box": [20, 2, 8, 50], "style": "down"}, "word ■", 2.5),
        ({**TEXT, "box": [0, 20, 60, 8], "rotate": 90, "align": "right"}, "■　■", 0.4),
    ],
)
def test_the_letters_are_where_the_printed_page_has_them(
    engine: Engine, text: dict[str, Any], words: str, near: float
) -> None:
    """Probes all over the page, each told by the check if it lies on ink, and not told if no ink is near."""
    probes = {f"at.{x}.{y}": (x + 0.2, y + 0.2) for x in range(0, 86, 2) for y in range(0, 54, 2)}
    shapes = [{"id": name, "rect": [*at, 0.6, 0.6], "fill": "paper"} for name, at in probes.items()]
    told = {violation.element for violation in seen(text, *shapes, text=words)}
    ink = np.array(dark(engine, text, words=words)) > 0
    assert ink.any()
    for name, (x, y) in probes.items():
        if part(ink, x, y, 0.6, 0.0).all():
            assert name in told, name
        if not part(ink, x, y, 0.6, near).any():
            assert name not in told, name


def part(ink: Any, x: float, y: float, size: float, around: float) -> Any:
    """A square of the page at 200 dpi, from mm of its trim, and what is around it."""
    left, top, right, bottom = (
        max(0, round((edge + 3) / 25.4 * 200))
        for edge in (x - around, y - around, x + size + around, y + size + around)
    )
    return ink[top:bottom, left:right]


def test_the_check_tells_it_with_file_line_and_sample(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(Settings().layouts_dir, mine, ignore=shutil.ignore_patterns("samples"))
    sample = "samples/card/society-insured.json"
    (mine / sample).parent.mkdir(parents=True)
    shutil.copy(Settings().layouts_dir / sample, mine / sample)
    text = (mine / "card.yaml").read_text(encoding="utf-8")
    band = next(line for line in text.splitlines(keepends=True) if "{id: band," in line)
    role = next(line for line in text.splitlines(keepends=True) if "{id: role, " in line)
    moved = text.replace(band, "").replace(role, role + band)
    (mine / "card.yaml").write_text(moved, encoding="utf-8")
    found = [v for v in Engine(Settings(layouts_dir=mine)).check() if v.code in ("layout_covered", "layout_contrast")]
    line = moved.splitlines(keepends=True).index(band) + 1
    assert [(v.file, v.line, v.element) for v in found] == [("card.yaml", line, "band")]
    assert "lies over the text title.marked: x -2.8 to 88.8, y -3 to 8.6 over " in found[0].message
    assert found[0].message.endswith("; on front, sample card/society-insured")
