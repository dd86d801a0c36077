"""Privacy seals: they cover their box on the card with the margin that they state, can be cut, and hide it."""

from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path
from typing import TypeVar

import pytest

from docgen.compose.placed import PlacedRect, PlacedSide
from docgen.engine import Engine, preflight
from docgen.errors import LayoutError, Violation
from docgen.layout.models import Layout, Line, Rect
from docgen.pdf.reader import read_pages
from docgen.settings import Settings
from tests import samples, verapdf
from tests.sheet import FOLDS, PLAIN, Box, apart, boxes_of, part, place, raster, rects_of, render, text_of, within

SEALS = samples.names("seal")
SEAL = pytest.mark.parametrize("name", SEALS)
Found = TypeVar("Found", Rect, Line)
CARD_CORNER = (2.0, 30.0)  # where a seal's own corner lies on the card


def cuts(side: PlacedSide) -> list[PlacedRect]:
    return [rect for rect in rects_of(side) if rect.paint.stroke is not None and rect.paint.stroke.spot == "KissCut"]


def box(rect: PlacedRect) -> Box:
    return rect.x, rect.y, rect.x + rect.width, rect.y + rect.height


def gap(one: Box, other: Box) -> float:
    across = max(one[0], other[0]) - min(one[2], other[2])
    return max(across, max(one[1], other[1]) - min(one[3], other[3]))


def element(layout: Layout, name: str, kind: type[Found]) -> Found:
    [found] = [one for side in layout.sides.values() for one in side if one.id == name and isinstance(one, kind)]
    return found


def lengths(rect: Rect) -> Box:
    """A rectangle's [x, y, width, height]."""
    assert rect.rect != "trim"
    return rect.rect


@SEAL
def test_the_file_is_accepted_by_verapdf_and_preflight(engine: Engine, name: str) -> None:
    rendered = render(engine, "seal", name)
    assert verapdf.validate(rendered.pdf) == []
    assert preflight(rendered.pdf) == []
    assert render(engine, "seal", name).pdf == rendered.pdf


@SEAL
def test_our_reader_gets_every_text_back_and_none_overlap(engine: Engine, name: str) -> None:
    [page], [side] = read_pages(render(engine, "seal", name, PLAIN).pdf), place(engine, "seal", name)
    found = [run.text for run in page.runs]
    boxes = boxes_of(side)
    assert "".join(found).count("個人情報保護シール") == 1 + len(cuts(side)) == 9
    for i, (one, area) in enumerate(boxes):
        assert within(area, (5, 5, 205, 292)), one
        for other, area2 in boxes[i + 1 :]:
            assert apart(area, area2), (one, other)


# --- covering ---


def test_the_seals_cover_their_box_with_the_margin_that_the_layout_states(engine: Engine) -> None:
    """Measured on the card as it is drawn, for both sizes and for every trim."""
    x, y, width, height = lengths(element(engine.layouts["card"], "organ.box", Rect))
    rule = element(engine.layouts["card"], "sign.rule", Line)
    sizes = {(cut.width, cut.height) for name in SEALS for cut in cuts(place(engine, "seal", name)[0])}
    assert len(sizes) == 2
    for name in ("large.die", "small.die"):
        seal = element(engine.layouts["seal"], name, Rect)
        assert seal.covers is not None
        margin = seal.covers.margin
        left, top = CARD_CORNER
        size = lengths(seal)[2:]
        assert size in sizes
        right, bottom = left + size[0], top + size[1]
        assert (left, top, right) == (x - margin, y - margin, x + width + margin)
        assert bottom == (rule.line[1] if seal.covers.above else y + height + margin)
        for trim_width in (86, 85.6):
            edge = (86 - trim_width) / 2
            assert within((left, top, right, bottom), (edge, 0, 86 - edge, 54))


def found_by_check(layouts: Path) -> list[Violation]:
    return Engine(Settings(layouts_dir=layouts)).check()


@pytest.fixture
def layouts(tmp_path: Path) -> Path:
    """A copy of the layouts, with the samples of seals alone: what a seal covers is held against no sample."""
    copy = tmp_path / "layouts"
    shutil.copytree(Settings().layouts_dir, copy, ignore=shutil.ignore_patterns("samples"))
    shutil.copytree(Settings().layouts_dir / "samples/seal", copy / "samples/seal")
    return copy


def change(layouts: Path, file: str, old: str, new: str) -> None:
    text = (layouts / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    (layouts / file).write_text(text.replace(old, new), encoding="utf-8")


ORGAN = "rect: [3, 31, 80, 20],        stroke: black}"
TOO_SMALL = [
    ("card.yaml", ORGAN, "rect: [3, 31, 80, 20.5],      stroke: black}", {"large.die"}),
    ("card.yaml", ORGAN, "rect: [2.5, 31, 80.5, 20],    stroke: black}", {"large.die", "small.die"}),
    ("card.yaml", "line: [3, 46, 83, 46], ", "line: [3, 46.2, 83, 46.2], ", {"small.die"}),
    ("seal.yaml", "rect: [0, 0, 82, 16]", "rect: [0, 0, 82, 15.9]", {"small.die"}),
    ("seal.yaml", "box: organ.box, margin: 1}", "box: organ.box, margin: 1.5}", {"large.die"}),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "seals"), TOO_SMALL)
def test_a_seal_that_does_not_cover_its_box_is_a_layout_error(
    layouts: Path, file: str, old: str, new: str, seals: set[str]
) -> None:
    change(layouts, file, old, new)
    found = [v for v in found_by_check(layouts) if v.code == "layout_seal_too_small"]
    assert {v.element for v in found} == seals
    assert {(v.file, v.severity) for v in found} == {("seal.yaml", "error")}
    assert all(v.line for v in found)


def test_a_seal_that_does_not_cover_its_box_is_not_printed(layouts: Path) -> None:
    change(layouts, *TOO_SMALL[0][:3])
    made = Engine(Settings(layouts_dir=layouts))
    with pytest.raises(LayoutError, match="layout_seal_too_small"):
        made.render("seal", "association", made.samples("seal")["association-sheet"])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("box: organ.box, above", "box: organ.bos, above", "no rect organ.bos"),
        ("above: sign.rule", "above: sign.rool", "no line sign.rool"),
        ("card, box: organ.box, margin", "crad, box: organ.box, margin", "did you mean card?"),
    ],
)  # fmt: skip
def test_a_seal_for_something_that_is_not_there_is_a_layout_error(layouts: Path, old: str, new: str, says: str) -> None:
    change(layouts, "seal.yaml", old, new)
    [found] = [v for v in found_by_check(layouts) if v.code == "layout_unknown_element"]
    assert says in f"{found.message} {found.hint}"


# --- cutting ---


@SEAL
def test_the_cuts_keep_what_a_kiss_cut_needs(engine: Engine, name: str) -> None:
    """https://note.com/digitaprint/n/n11cd666fa053 , https://katanuki-land.com/technicalguide/bleed"""
    [side] = place(engine, "seal", name)
    found = cuts(side)
    assert len(found) == 8
    for cut in found:
        assert min(cut.width, cut.height) >= 5
        assert cut.width * cut.height >= 100
        assert cut.radius == 2
        assert cut.paint.overprint
        assert cut.paint.fill is None
        for fold in FOLDS:
            assert not cut.y - 5 < fold < cut.y + cut.height + 5
        grounds = [rect for rect in rects_of(side) if rect.paint.fill == (0, 0, 0, 35, None)]
        left, top, right, bottom = box(cut)
        assert any(within((left - 3, top - 3, right + 3, bottom + 3), box(ground)) for ground in grounds)
    for one, other in combinations(found, 2):
        assert gap(box(one), box(other)) >= 2


def test_a_profile_says_which_sizes_there_are(engine: Engine) -> None:
    heights = {name: sorted(cut.height for cut in cuts(place(engine, "seal", name)[0])) for name in SEALS}
    assert heights == {"association-sheet": [16] * 4 + [22] * 4, "society-sheet": [22] * 8}


# --- hiding ---


@SEAL
def test_the_tint_leaves_no_light_place_but_its_labels(engine: Engine, name: str) -> None:
    [side] = place(engine, "seal", name)
    picture = raster(engine, "seal", name, 1, 200).copy()
    labels = [rect for rect in rects_of(side) if rect.radius in (0.6, 1)]
    for label in labels:
        left, top, right, bottom = box(label)
        part(picture, (left - 0.2, top - 0.2, right + 0.2, bottom + 0.2), 200)[:] = 0
    for cut in cuts(side):
        assert part(picture, box(cut), 200).max() < 200
        inside = [label for label in labels if within(box(label), box(cut))]
        assert len(inside) == 2
        assert sum(label.width * label.height for label in inside) < 0.3 * cut.width * cut.height


@SEAL
def test_the_panel_is_in_the_middle_and_not_over_what_is_written_by_hand_even_1_mm_too_low(
    engine: Engine, name: str
) -> None:
    cells = element(engine.layouts["card"], "organ.cells", Rect)
    x, y, width, height = lengths(cells)
    crosses = (x, y, x + width + (cells.count - 1) * cells.step[0], y + height)
    x, y, width, height = lengths(element(engine.layouts["card"], "organ.special.box", Rect))
    rings = (3.1, 33.9, 7.9, 42.6)  # around the three numbers, 4.8 mm wide
    written = [crosses, (x, y, x + width, y + height), rings]
    [side] = place(engine, "seal", name)
    for cut in cuts(side):
        [panel] = [rect for rect in rects_of(side) if rect.radius == 1 and within(box(rect), box(cut))]
        assert panel.x + panel.width / 2 == pytest.approx(cut.x + cut.width / 2)
        for low in (0, 1):
            on_card = panel._replace(x=panel.x - cut.x + CARD_CORNER[0], y=panel.y - cut.y + CARD_CORNER[1] + low)
            assert all(apart(box(on_card), hand) for hand in written)


def test_the_sheet_says_how_to_use_them(engine: Engine) -> None:
    for name in SEALS:
        [side] = place(engine, "seal", name)
        shown = [text_of(placed) for form in side.forms for placed in form.static.items if hasattr(placed, "text")]
        assert {"記入する", "位置を合わせる", "貼る"} <= set(shown)
