"""Layouts compiled for an insurer: what is static, what is a slot, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from docgen.compose.artwork import load_artwork
from docgen.compose.brand import Brand
from docgen.compose.composition import Composition
from docgen.compose.placed import PAPER, Geometry, Ink, PlacedRect, PlacedText
from docgen.errors import LayoutError, RecordError
from docgen.issuance.items import PrintItems
from docgen.layout.models import Layout
from docgen.pdf.art import Artist
from docgen.settings import Settings
from docgen.text.faces import FontLibrary
from docgen.text.registry import FontRegistry

LIBRARY = FontLibrary(FontRegistry.load(Settings().fonts_toml))
BRAND = Brand(
    insurer="sample",
    palette={"band": Ink(0, 12, 52, 0)},
    wording={"title": "題名"},
    constants={"insurer.name": "見本組合"},
    artwork={},
    trim=(85.6, 54),
    corner_radius=3,
    type_floor=5,
)
FLAGS = {"holder.is_dependent": False, "card.has_qr": True}


def layout(*elements: dict[str, Any], **more: Any) -> Layout:
    return Layout.model_validate(
        {
            "layout": "card",
            "title": "題",
            "page": {"width": 86, "height": 54, "trims": [[85.6, 54]]},
            "wording": {"title": "元の題名", "notes": ["一", "二"]},
            "spots": {"DieCut": [0, 100, 0, 0]},
            "styles": {"plain": {"stack": "gothic", "size": 8}},
            "sides": {"front": list(elements)},
            **more,
        }
    )


def compose(*elements: dict[str, Any], brand: Brand = BRAND, **more: Any) -> Composition:
    return Composition(layout(*elements, **more), brand, LIBRARY)


def items(**texts: str) -> PrintItems:
    named = {name.replace("_", "."): text for name, text in texts.items()}
    return PrintItems(named, FLAGS, {"holder.name": "/person"}, date(2025, 12, 2))


NAME = {"id": "name", "field": "holder.name", "box": [4, 4, 20, 3], "style": "plain"}


def test_wording_and_constants_are_static_and_fields_are_slots() -> None:
    composition = compose(
        {"id": "title", "text": "wording.title", "box": [4, 10, 20, 3], "style": "plain"},
        {"id": "insurer", "field": "insurer.name", "box": [4, 20, 20, 3], "style": "plain"},
        NAME,
    )
    [side] = composition.place(items(holder_name="見本"))
    assert [item.text.lines[0].text for item in side.forms[0].static.items if isinstance(item, PlacedText)] == [
        "題名",
        "見本組合",
    ]
    assert [placed.text.lines[0].text for placed in side.texts] == ["見本"]
    assert composition.place(items(holder_name="別人"))[0].forms[0].static is side.forms[0].static


def test_a_list_of_wording_stands_step_by_step() -> None:
    notes = {"id": "notes", "text": "wording.notes", "box": [4, 4, 20, 3], "style": "plain", "step": [1, 4]}
    static = compose(notes).place(items())[0].forms[0].static
    assert [(item.x, item.y) for item in static.items if isinstance(item, PlacedText)] == [(4, 4), (5, 8)]


def test_a_list_of_wording_is_of_one_width() -> None:
    notes = {"id": "notes", "text": "wording.notes", "box": [4, 5, 20, 3], "style": "plain", "step": [0, 4]}
    fitted = {"plain": {"stack": "gothic", "size": 8, "fit": ["condense 0.7", "reject"]}}
    [side] = compose(notes, wording={"notes": ["見本組合見本組合", "見本", "見本組合"]}, styles=fitted).place(items())
    found = [item.text for item in side.forms[0].static.items if isinstance(item, PlacedText)]
    assert [text.condense for text in found] == [pytest.approx(20 / 8 / 2.822, abs=0.001)] * 3


def test_conditions_choose_what_shows() -> None:
    composition = compose(
        {**NAME, "when": "holder.is_dependent"},
        {**NAME, "id": "other", "when": ["not holder.is_dependent", "card.has_qr"]},
    )
    [side] = composition.place(items(holder_name="見本"))
    assert [placed.element for placed in side.texts] == ["other"]


def test_records_that_differ_in_slots_alone_share_a_static_part() -> None:
    composition = compose({"id": "box", "rect": [0, 0, 9, 9], "fill": "paper"}, {**NAME, "when": "holder.is_dependent"})
    dependent = replace(items(holder_name="見本"), flags={**FLAGS, "holder.is_dependent": True})
    assert composition.place(items())[0].forms[0].static is composition.place(dependent)[0].forms[0].static


def test_the_trim_is_centred_on_the_drawing() -> None:
    composition = compose({"id": "die", "rect": "trim", "stroke": "spot.DieCut", "radius": "insurer.corner_radius"})
    assert composition.geometry.offset_x == pytest.approx(-0.2)
    [rect] = composition.place(items())[0].forms[0].static.items
    assert isinstance(rect, PlacedRect)
    assert (rect.x, rect.y, rect.width, rect.height, rect.radius) == (pytest.approx(0.2), 0, 85.6, 54, 3)
    assert rect.paint.stroke == Ink(0, 100, 0, 0, "DieCut")
    assert rect.paint.overprint


def test_copies_stand_step_by_step() -> None:
    cells = {"id": "cells", "rect": [1, 2, 3, 4], "fill": "paper", "count": 3, "step": [5, 0]}
    found = compose(cells).place(items())[0].forms[0].static.items
    assert [item.x for item in found if isinstance(item, PlacedRect)] == [1, 6, 11]


def test_a_qr_keeps_its_quiet_zone_inside_the_box() -> None:
    qr = {"id": "qr", "qr": "card.qr", "box": [70, 17, 12.4, 12.4]}
    [symbol] = compose(qr).place(items(card_qr="0001-00000123-K"))[0].symbols
    assert symbol.x == pytest.approx(70 + 4 * symbol.module)
    assert symbol.size + 8 * symbol.module == pytest.approx(12.4)


@pytest.mark.parametrize(
    ("element", "texts", "code", "pointer", "part"),
    [
        (NAME, {"holder_name": "\ue000"}, "private_use_character", "/person", "U+E000"),
        (NAME, {"holder_name": "葛\U000e01ef"}, "unknown_sequence", "/person", "U+845B U+E01EF"),
        (NAME, {"holder_name": "\u0e01"}, "missing_glyph", "/person", "U+0E01"),
        (NAME, {"holder_name": "見本見本見本見本見本"}, "does_not_fit", "/person", "1.41 times"),
        ({**NAME, "required": True}, {}, "required_item_empty", "/person", "holder.name"),
        (
            {"id": "name", "qr": "card.qr", "box": [4, 4, 12, 12]},
            {"card_qr": "A" * 90},
            "qr_too_long",
            None,
            "90 bytes",
        ),
    ],
)
def test_what_cannot_be_placed_is_refused_at_its_place(
    element: dict[str, Any], texts: dict[str, str], code: str, pointer: str | None, part: str
) -> None:
    with pytest.raises(RecordError) as caught:
        compose(element).place(items(**texts))
    [violation] = caught.value.violations
    assert (violation.code, violation.element, violation.pointer) == (code, "name", pointer)
    assert part in violation.message
    assert violation.hint


def test_all_violations_come_together() -> None:
    other = {**NAME, "id": "other", "box": [4, 10, 20, 3]}
    with pytest.raises(RecordError) as caught:
        compose(NAME, other).place(items(holder_name="\ue000\ue001"))
    assert [(violation.element, violation.code) for violation in caught.value.violations] == [
        ("name", "private_use_character"), ("name", "private_use_character"),
        ("other", "private_use_character"), ("other", "private_use_character"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("element", "code", "part"),
    [
        ({"id": "a", "rect": [0, 0, 1, 1], "fill": "insurer.motif"}, "layout_undeclared", "motif"),
        ({"id": "a", "rect": [0, 0, 1, 1], "fill": "spot.Gold"}, "layout_undeclared", "Gold"),
        (
            {"id": "a", "text": "wording.title", "box": [4, 4, 2, 3], "style": "plain"},
            "layout_wording_does_not_fit",
            "題名",
        ),
    ],
)
def test_what_an_insurer_cannot_fill_is_an_error_of_the_layout(element: dict[str, Any], code: str, part: str) -> None:
    with pytest.raises(LayoutError) as caught:
        compose(element)
    [violation] = caught.value.violations
    assert (violation.code, violation.element) == (code, "a")
    assert part in violation.message


def test_an_undeclared_stack_is_an_error_of_the_layout() -> None:
    with pytest.raises(LayoutError, match="layout_undeclared"):
        compose(NAME, styles={"plain": {"stack": "serif", "size": 8}})


def test_a_wording_without_a_glyph_is_an_error_of_the_layout() -> None:
    title = {"id": "a", "text": "wording.title", "box": [4, 4, 20, 3], "style": "plain"}
    with pytest.raises(LayoutError, match="layout_wording_missing_glyph"):
        compose(title, brand=replace(BRAND, wording={"title": "\u0e01"}))


# ------------------------------------------------------------------------------------------------------------- artwork

INKS = {"#ff0000": Ink(0, 100, 100, 0), "#ffffff": PAPER}


def svg(path: Path, body: str, view: str = "0 0 10 20") -> Path:
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}">{body}</svg>', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rule", "operator"), [("", b"f"), (' fill-rule="evenodd"', b"f*"), (' fill-rule="nonzero"', b"f")]
)
@pytest.mark.parametrize("inside", [True, False])
def test_artwork_is_filled_by_its_own_rule(tmp_path: Path, rule: str, operator: bytes, inside: bool) -> None:
    shape = f'<path d="M0 0H10V10H0Z M2 2H8V8H2Z" fill="#FF0000"{"" if inside else rule}/>'
    body = f"<g{rule if inside else ''}>{shape}</g>"
    (path,) = load_artwork(svg(tmp_path / "a.svg", body), INKS).placed(0, 0, 20, 40)
    artist = Artist(Geometry(86, 54, 3, 2))
    artist.draw(path)
    assert artist.content.split()[-1] == operator


def test_artwork_is_scaled_to_its_box_and_centred(tmp_path: Path) -> None:
    art = load_artwork(svg(tmp_path / "a.svg", '<rect x="0" y="0" width="10" height="20" fill="#FF0000"/>'), INKS)
    [path] = art.placed(10, 10, 8, 8)
    xs = [value for _, values in path.segments for value in values[0::2]]
    ys = [value for _, values in path.segments for value in values[1::2]]
    assert (min(xs), max(xs), min(ys), max(ys)) == pytest.approx((12, 16, 10, 18))
    assert path.paint.fill == INKS["#ff0000"]
    assert path.paint.stroke is None


def test_curves_groups_and_strokes_are_kept(tmp_path: Path) -> None:
    body = (
        '<g fill="none" stroke="#ff0000" stroke-width="2"><path d="M0 0 Q5 5 10 0 Z"/><circle cx="5" cy="5" r="2"/></g>'
    )
    curve, circle = load_artwork(svg(tmp_path / "a.svg", body), INKS).placed(0, 0, 20, 40)
    assert curve.segments[1] == ("C", pytest.approx((20 / 3, 20 / 3, 40 / 3, 20 / 3, 20, 0)))
    assert curve.paint.stroke_width == 4
    assert curve.paint.fill is None
    assert {command for command, _ in circle.segments} == {"M", "C", "Z"}


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ('<rect x="0" y="0" width="1" height="1" fill="#00ff00"/>', "#00ff00"),
        ('<text fill="#ff0000">A</text>', "<text>"),
        ('<rect x="0" y="0" width="1" height="1" fill="#ff0000" opacity="0.5"/>', "opacity"),
        ('<rect x="0" y="0" width="1" height="1" fill="url(#g)"/>', "url"),
        ('<g transform="scale(2)"><circle cx="1" cy="1" r="1" fill="#ff0000"/></g>', "transform of <g>"),
        ("<defs><style>path {fill: red}</style></defs>", "<defs>"),
        ('<path d="M0 0 L1 1" fill="none" stroke="#ff0000" stroke-linecap="round"/>', "stroke-linecap round of <path>"),
        ('<g stroke-linejoin="round"><path d="M0 0 L1 1" fill="none" stroke="#ff0000"/></g>', "stroke-linejoin round"),
        ('<circle cx="1mm" cy="1" r="1" fill="#ff0000"/>', "a <circle> that cannot be read"),
        ("<rect", "not an SVG"),
    ],
)
def test_artwork_that_a_press_cannot_show_is_refused(tmp_path: Path, body: str, part: str) -> None:
    with pytest.raises(LayoutError) as caught:
        load_artwork(svg(tmp_path / "mark.svg", body), INKS)
    [violation] = caught.value.violations
    assert (violation.code, violation.file) == ("layout_artwork", "mark.svg")
    assert part in violation.message


@pytest.mark.parametrize(
    ("transform", "written_out"),
    [
        ("matrix(2 0 0 3 1 2)", "M1 2 H9 V8 H1 Z"),
        ("translate(3)", "M3 0 H7 V2 H3 Z"),
        ("translate(3, 4)", "M3 4 H7 V6 H3 Z"),
        ("scale(2)", "M0 0 H8 V4 H0 Z"),
        ("scale(2 3)", "M0 0 H8 V6 H0 Z"),
        ("rotate(90)", "M0 0 L0 4 L-2 4 L-2 0 Z"),
        ("rotate(-90, 4, 0)", "M4 4 L4 0 L6 0 L6 4 Z"),
        ("skewX(45)", "M0 0 L4 0 L6 2 L2 2 Z"),
        ("skewY(45)", "M0 0 L4 4 L4 6 L0 2 Z"),
        ("translate(1,2) scale(2)", "M1 2 H9 V6 H1 Z"),
        (" scale(2),translate(.5-1e0)\n", "M1 -2 H9 V2 H1 Z"),
        ("", "M0 0 H4 V2 H0 Z"),
    ],
)
@pytest.mark.parametrize("shape", ['<path d="M0 0 H4 V2 H0 Z"', '<rect width="4" height="2"'])
def test_a_transform_of_a_shape_moves_its_points(tmp_path: Path, shape: str, transform: str, written_out: str) -> None:
    moved = load_artwork(svg(tmp_path / "moved.svg", f'{shape} fill="#ff0000" transform="{transform}"/>'), INKS)
    plain = load_artwork(svg(tmp_path / "plain.svg", f'<path d="{written_out}" fill="#ff0000"/>'), INKS)
    assert [command for command, _ in moved.paths[0].segments] == [command for command, _ in plain.paths[0].segments]
    for (_, found), (_, expected) in zip(moved.paths[0].segments, plain.paths[0].segments, strict=True):
        assert found == pytest.approx(expected)


def test_a_stroke_is_as_much_thicker_as_its_shape_is_larger(tmp_path: Path) -> None:
    body = '<path d="M0 0 H4" fill="none" stroke="#ff0000" stroke-width="2" transform="rotate(30) scale(-3 3)"/>'
    assert load_artwork(svg(tmp_path / "a.svg", body), INKS).paths[0].stroke_width == pytest.approx(6)


@pytest.mark.parametrize("transform", ["scale(1 2)", "skewX(10)"])
def test_a_transform_that_would_distort_a_stroke_is_refused(tmp_path: Path, transform: str) -> None:
    body = f'<path d="M0 0 H4" fill="none" stroke="#ff0000"\n transform="{transform}"/>'
    with pytest.raises(LayoutError, match=r"mark.svg:1: .*distorts its stroke"):
        load_artwork(svg(tmp_path / "mark.svg", body), INKS)


@pytest.mark.parametrize(
    "transform",
    ["none", "turn(3)", "rotate(1 2)", "rotate(30deg)", "scale()", "scale(2", "matrix(1 0 0 1 0)", "scale(2)x"],
)
def test_a_transform_that_cannot_be_read_is_refused(tmp_path: Path, transform: str) -> None:
    body = f'\n<rect width="4" height="2" fill="#ff0000" transform="{transform}"/>'
    with pytest.raises(LayoutError, match=r"mark.svg:2: a transform of <rect> that cannot be read"):
        load_artwork(svg(tmp_path / "mark.svg", body), INKS)


SQUARE = '<path d="M0 0 H10 V10 H0 Z" fill="#ff0000"/>'


@pytest.mark.parametrize(
    "body",
    [
        f'<g xml:space="preserve">{SQUARE}</g>',
        f"<defs/>{SQUARE}",
        f'<defs><linearGradient id="g"><stop offset="0"/></linearGradient></defs>{SQUARE}',
        f"<title>A mark</title><desc>red</desc><metadata><x/></metadata>{SQUARE}",
        f'<e:guides xmlns:e="urn:editor" e:zoom="2"/><g e:label="1" xmlns:e="urn:editor" class="a">{SQUARE}</g>',
        SQUARE.replace("fill=", 'stroke-linecap="round" stroke-linejoin="round" opacity="1" fill='),
        f'<g stroke-linecap="round" stroke="none" data-name="mark">{SQUARE}</g>',
    ],
)
def test_what_cannot_change_the_picture_is_passed_over(tmp_path: Path, body: str) -> None:
    plain = load_artwork(svg(tmp_path / "plain.svg", SQUARE), INKS)
    assert load_artwork(svg(tmp_path / "mark.svg", body), INKS) == plain


def test_all_that_is_wrong_with_artwork_is_told_with_its_lines(tmp_path: Path) -> None:
    body = """
<g transform="scale(2)">
  <text>A</text>
  <rect x="0" y="0" width="1" height="1" fill="#00ff00"/>
  <rect x="1" y="0" width="1" height="1" fill="#00ff00"/>
</g>"""
    with pytest.raises(LayoutError) as caught:
        load_artwork(svg(tmp_path / "mark.svg", body), INKS)
    assert [(v.line, v.message) for v in caught.value.violations] == [
        (2, "artwork may not use transform of <g>"),
        (3, "artwork may not use <text>"),
        (4, "no ink for the colour #00ff00"),
    ]


@pytest.mark.parametrize("view", ["", "0 0 10", "a b c d", "0 0 0 10"])
def test_artwork_without_a_view_box_of_four_numbers_is_refused(tmp_path: Path, view: str) -> None:
    with pytest.raises(LayoutError, match="viewBox needs four numbers"):
        load_artwork(svg(tmp_path / "mark.svg", SQUARE, view), INKS)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"none.svg.*cannot read"):
        load_artwork(tmp_path / "none.svg", INKS)
