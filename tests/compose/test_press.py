"""Grounds that a cut would leave with a white edge, and more ink than a press dries: told by `layout check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.compose.artwork import load_artwork
from docgen.compose.brand import Brand
from docgen.compose.placed import Geometry, Ink
from docgen.compose.press import check_bleed, check_ink
from docgen.issuance.profile import InsurerProfile, load_profile
from docgen.layout.models import Layout
from docgen.pdf.checks.painted import MAX_INK
from docgen.settings import Settings
from docgen.units import MOST_INK

CARD, ID1 = Geometry(86, 54, 3, 2), Geometry(85.6, 54, 3, 2, offset_x=-0.2)
PALETTE = {"band": Ink(0, 12, 52, 0), "body": Ink(0, 0, 0, 0)}


def layout(*elements: dict[str, Any], **more: Any) -> Layout:
    return Layout.model_validate(
        {
            "layout": "card",
            "title": "題",
            "page": {"width": 86, "height": 54, "trims": [[85.6, 54]]},
            "spots": {"Gold": [0, 20, 60, 20]},
            "styles": {},
            "sides": {"front": list(elements)},
            **more,
        }
    )


def ground(x: float, y: float, width: float, height: float, **more: Any) -> dict[str, Any]:
    return {"id": "shape", "rect": [x, y, width, height], "fill": "insurer.band", **more}


def short(element: dict[str, Any], geometry: Geometry = CARD, **artwork: Any) -> list[str]:
    """On which sides an element ends where it must not."""
    brand = Brand("sample", PALETTE, {}, {}, artwork, None, 0, 5)
    flows = {"rows": {"rows": "people", "places": {"front": [[0, 0], [43, 0]]}}}
    found = list(check_bleed(layout(element, flows=flows), brand, geometry))
    assert {(one.code, one.element, one.severity) for one in found} <= {("layout_bleed", "shape", "error")}
    words = " ".join(one.message.partition(", where")[0] for one in found)
    return [side for side in ("left", "top", "right", "bottom") if side in words or "all sides" in words]


@pytest.mark.parametrize(
    ("element", "sides"),
    [
        (ground(0, 0, 86, 54), ["left", "top", "right", "bottom"]),
        (ground(0, 0, 86, 8.6), ["left", "top", "right"]),
        (ground(-3, -3, 92, 59.9), ["bottom"]),
        (ground(-2, -3, 91, 60), ["left"]),
        (ground(0.5, 10, 20, 20), ["left"]),
        (ground(70, 10, 16.1, 20), ["right"]),
        (ground(0, 10, 20, 20, radius=3), ["left"]),
        (ground(0, 10, 20, 20, fill="spot.Gold"), ["left"]),
        (ground(0, 10, 20, 20, fill=[0, 0, 0, 5]), ["left"]),
        (ground(10, 10, 2, 2, count=4, step=[24.7, 0]), ["right"]),
        (ground(0, 10, 20, 20, each="rows"), ["left"]),
        ({"id": "shape", "rect": "trim", "fill": "black"}, ["left", "top", "right", "bottom"]),
        ({"id": "shape", "hatch": [0, 10, 20, 20], "pitch": 1, "stroke": "black"}, ["left"]),
    ],
)
def test_a_ground_that_ends_at_the_trim_or_short_of_the_bleed_is_an_error(
    element: dict[str, Any], sides: list[str]
) -> None:
    assert short(element) == sides


@pytest.mark.parametrize(
    "element",
    [
        ground(-3, -3, 92, 60),
        ground(0.6, 0.6, 84.8, 52.8),
        ground(-3, 10, 92, 5),
        ground(0, 0, 86, 54, fill="paper"),
        ground(0, 0, 86, 54, fill="insurer.body"),  # of which this insurer's palette has no ink
        ground(0, 0, 86, 54, fill=[0, 0, 0, 0]),
        ground(-3, 10, 3, 5),  # beside the page
        {"id": "shape", "rect": "trim", "stroke": "spot.Gold"},
        {"id": "shape", "rect": [0, 0, 86, 54], "stroke": "black", "stroke_width": 0.1},
        {"id": "shape", "line": [-2, 27, 4, 27], "stroke": "black"},
        {"id": "shape", "circle": [81, 54], "radii": [6], "fill": "black"},
        {"id": "shape", "image": "insurer.mark", "box": [0, 0, 5, 5]},
    ],
)
def test_what_reaches_the_bleed_or_stays_inside_or_has_no_ink_is_fine(element: dict[str, Any]) -> None:
    assert short(element) == []


def test_a_ground_is_held_to_the_trim_that_the_insurer_has() -> None:
    inside = ground(0.6, 10, 20, 20)
    assert (short(inside, CARD), short(inside, ID1)) == ([], ["left"])
    assert short(ground(-3, -3, 92, 60), ID1) == []


EDGES = st.integers(-30, 890).map(lambda tenths: tenths / 10)


@given(EDGES, EDGES)
def test_left_and_right_are_short_just_where_a_cut_that_is_off_shows_the_paper(one: float, other: float) -> None:
    left, right = min(one, other), max(one, other)
    if right - left < 1 or right <= 0.1 or left >= 85.9:
        return
    element = ground(left, 10, right - left, 10)
    assert ("left" in short(element)) == (-3 < left <= 0.5)
    assert ("right" in short(element)) == (85.5 <= right < 89)


@pytest.mark.parametrize(
    ("drawing", "sides"),
    [
        ('<path d="M0 0 H20 V10 H0 Z" fill="#111111"/>', ["left"]),
        ('<rect width="20" height="10" fill="#111111"/>', ["left"]),
        ('<rect width="20" height="10" fill="#222222"/>', []),  # without ink
        ('<rect width="20" height="10" fill="none" stroke="#111111"/>', []),
        ('<circle cx="5" cy="5" r="5" fill="#111111"/>', []),
        ('<path d="M0 5 L5 0 L20 10 Z" fill="#111111"/>', []),
        ('<rect width="20" height="1" fill="#111111"/>', []),  # a petal, no ground
    ],
)
def test_artwork_is_held_to_its_straight_edges(tmp_path: Path, drawing: str, sides: list[str]) -> None:
    path = tmp_path / "mark.svg"
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10">{drawing}</svg>', encoding="utf-8")
    mark = load_artwork(path, {"#111111": Ink(0, 50, 0, 0), "#222222": Ink(0, 0, 0, 0)})
    assert short({"id": "shape", "image": "insurer.mark", "box": [0, 10, 20, 10]}, mark=mark) == sides
    assert short({"id": "shape", "image": "insurer.mark", "box": [-3, 10, 20, 10]}, mark=mark) == []


# --- total ink ---

RICH = [100, 100, 100, 100]


def profile(tmp_path: Path, **changes: tuple[str, str]) -> InsurerProfile:
    text = (Settings().layouts_dir / "insurers" / "association.yaml").read_text(encoding="utf-8")
    for old, new in changes.values():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "association.yaml"
    path.write_text(text, encoding="utf-8")
    return load_profile(path)


def told(drawn: Layout, insurer: InsurerProfile) -> list[tuple[str | None, str, int | None, str]]:
    found = list(check_ink(drawn, insurer))
    assert {one.code for one in found} <= {"layout_total_ink"}
    return [(one.element, one.file or "", one.line, one.message) for one in found]


def test_an_ink_is_told_once_for_texts_and_once_for_shapes(tmp_path: Path) -> None:
    styles = {f"style{at}": {"stack": "gothic", "size": 8, "ink": RICH} for at in range(2)}
    shapes = [ground(10, 10, 5, 5, id=f"shape{at}", fill=RICH, stroke=RICH) for at in range(5)]
    alone = {"id": "rule", "line": [10, 20, 20, 20], "stroke": [80, 80, 80, 61]}
    said = "lays 400% of ink on one place, more than 300%"
    assert told(layout(*shapes, alone, styles=styles), profile(tmp_path)) == [
        (None, "", None, f"styles.style0, styles.style1: [100, 100, 100, 100] {said}"),
        ("shape0", "", 0, f"shape0, shape1, shape2, 2 more: [100, 100, 100, 100] {said}"),
        ("rule", "", 0, "[80, 80, 80, 61] lays 301% of ink on one place, more than 300%"),
    ]


def test_the_inks_of_a_profile_are_told_where_it_has_them_if_the_layout_uses_them(tmp_path: Path) -> None:
    changed = profile(
        tmp_path,
        band=("band: [0, 12, 52, 0]", "band: [100, 100, 90, 20]"),
        line=("line: [0, 34, 88, 8]", "line: [100, 100, 90, 30]"),
        seal=("[0, 85, 80, 5]", "[90, 90, 90, 90]"),
    )
    image = {"id": "mark", "image": "insurer.mark", "box": [10, 10, 5, 5]}
    seal = {"id": "seal", "image": "insurer.seal", "box": [10, 10, 5, 5]}
    band = ("palette.band: [100, 100, 90, 20] lays 310% of ink on one place, more than 300%", 11)
    line = ("palette.line: [100, 100, 90, 30] lays 320% of ink on one place, more than 300%", 12)
    art = ("images.seal, #c8372d: [90, 90, 90, 90] lays 360% of ink on one place, more than 300%", 15)
    for elements, expected in (
        ([], []),
        ([ground(10, 10, 5, 5)], [band]),
        ([image], [line]),  # artwork that is mapped to a role
        ([ground(10, 10, 5, 5), seal], [band, art]),
    ):
        found = told(layout(*elements), changed)
        assert [(message, at) for _, _, at, message in found] == expected
        assert {file for _, file, _, _ in found} <= {"association.yaml"}


def test_an_insurer_may_have_a_lower_limit_and_none_above_what_preflight_lets_pass(tmp_path: Path) -> None:
    shape = ground(10, 10, 5, 5, fill=[70, 70, 60, 41])
    for limit, messages in ((240, 1), (241, 0), (300, 0)):
        lower = profile(tmp_path, limit=("\npalette:", f"\ntotal_ink: {limit}\npalette:"))
        assert len(told(layout(shape), lower)) == messages
    assert MOST_INK == 100 * MAX_INK == InsurerProfile.model_fields["total_ink"].default


def test_a_spot_colour_is_a_plate_of_its_own(tmp_path: Path) -> None:
    spots = {"Gold": [100, 100, 100, 100]}
    assert told(layout(ground(10, 10, 5, 5, fill="spot.Gold"), spots=spots), profile(tmp_path)) == []
