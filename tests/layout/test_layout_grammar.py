"""What stands where: the page, the safe area, type sizes and collisions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.errors import LayoutError, Violation
from docgen.layout.grammar import Area, check_grammar, suggest
from docgen.layout.loader import load_layout

HEAD = """\
layout: card
title: A card
page: {width: 86, height: 54, bleed: 3, safe: 2, trims: [[85.6, 54]]}
wording: {notes: [one, two, three]}
styles: {plain: {stack: gothic, size: 8, fit: [shrink 6, reject]}}
sides:
  front:
    - {id: notes, text: wording.notes, box: [4, 4, 20, 3], style: plain, step: [0, 5]}
"""


def check(tmp_path: Path, *elements: str, head: str = HEAD, type_floor: float = 5.0) -> tuple[Violation, ...]:
    """The violations of a layout whose own elements begin on line 9."""
    path = tmp_path / "sketch.yaml"
    path.write_text(head + "".join(f"    - {element}\n" for element in elements), encoding="utf-8")
    return check_grammar(load_layout(path), type_floor)


def field(name: str, box: str, more: str = "") -> str:
    return f"{{id: {name}, field: holder.{name}, box: {box}, style: plain{more}}}"


EDGES = st.sampled_from([0.0, 0.005, 0.02, 1.0, 1.015, 2.0])
AREAS = st.builds(lambda x, y: Area(min(x), min(y), max(x), max(y)), *[st.tuples(EDGES, EDGES)] * 2)


@given(AREAS, AREAS)
def test_areas_meet_where_they_share_more_than_a_hundredth_of_a_millimetre_each_way(one: Area, other: Area) -> None:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    assert one.meets(other) == other.meets(one) == (across > 0.01 and down > 0.01)


@pytest.mark.parametrize(
    "element",
    [
        "{id: far, rect: [-3.1, -3, 92, 60]}",
        "{id: far, rect: [0, 0, 89.1, 10]}",
        "{id: far, line: [80, 10, 90, 10]}",
        "{id: far, circle: [200, 10], radii: [5, 90]}",
        "{id: far, image: insurer.mark, box: [85, 50, 5, 5]}",
        "{id: far, rect: [10, 10, 5, 5], count: 4, step: [25, 0]}",
        "{id: far, field: name, box: [9, 12, 68, 45], style: plain, rotate: 20, background: true}",
    ],
)
def test_an_element_off_the_page_is_an_error(tmp_path: Path, element: str) -> None:
    (found,) = check(tmp_path, element)
    assert (found.code, found.line, found.element) == ("layout_off_page", 9, "far")
    assert "x -3 to 89, y -3 to 57" in found.hint


@pytest.mark.parametrize(
    "element",
    [
        "{id: near, rect: [-3, -3, 92, 60]}",
        "{id: near, circle: [81, 59], radii: [10, 28]}",
        "{id: near, line: [86, -3, 86, 57]}",
        "{id: near, field: name, box: [9, 12, 68, 30], style: plain, rotate: 20, background: true}",
    ],
)
def test_backgrounds_may_fill_the_bleed(tmp_path: Path, element: str) -> None:
    assert check(tmp_path, element) == ()


@pytest.mark.parametrize("box", ["[2.1, 30, 10, 3]", "[75, 30, 8.9, 3]", "[30, 1.9, 10, 3]", "[30, 50, 10, 2.1]"])
@pytest.mark.parametrize("kind", ["field: name, style: plain", "qr: code"])
def test_what_is_read_stays_in_the_safe_area_of_the_smallest_trim(tmp_path: Path, box: str, kind: str) -> None:
    (found,) = check(tmp_path, f"{{id: edge, {kind}, box: {box}}}")
    assert (found.code, found.line, found.element) == ("layout_outside_safe_area", 9, "edge")
    assert "x 2.2 to 83.8, y 2 to 52" in found.hint


@pytest.mark.parametrize(
    "box", ["[2.1, 30, 9, 9]", "[75, 30, 9, 9]", "[30, -1, 9, 9]", "[30, 45, 9, 8]", "[-3, 1, 9, 9]"]
)
def test_artwork_stays_in_the_safe_area_or_runs_off_the_page(tmp_path: Path, box: str) -> None:
    (found,) = check(tmp_path, f"{{id: mark, image: insurer.mark, box: {box}}}")
    assert (found.code, found.line, found.element) == ("layout_outside_safe_area", 9, "mark")
    assert "or let it run off the page, to the end of the bleed: x -3 to 89, y -3 to 57" in found.hint


@pytest.mark.parametrize("box", ["[2.2, 30, 9, 9]", "[-3, -3, 92, 60]", "[-3, 30, 20, 20]", "[60, 40, 29, 17]"])
def test_artwork_that_runs_off_the_page_is_no_slip(tmp_path: Path, box: str) -> None:
    assert check(tmp_path, f"{{id: mark, image: insurer.mark, box: {box}}}") == ()


def test_the_safe_area_counts_every_item_of_a_list_and_the_rotation(tmp_path: Path) -> None:
    head = HEAD.replace("step: [0, 5]", "step: [0, 23]")
    assert [v.code for v in check(tmp_path, head=head)] == ["layout_outside_safe_area"]
    (found,) = check(tmp_path, field("name", "[40, 14, 30, 3]", ", rotate: 90"))
    assert found.code == "layout_outside_safe_area"
    assert check(tmp_path, field("name", "[40, 20, 30, 3]", ", rotate: 90")) == ()


@pytest.mark.parametrize(
    ("floor", "more", "lines"),
    [
        (6.0, "", []),
        (6.5, "", [5]),
        (6.0, ", fit: [shrink 5.75, reject]", [9]),
        (6.5, ", fit: [shrink 5.75, reject]", [5, 9]),
        (8.5, ", fit: [reject]", [5]),
    ],
)
def test_type_below_the_floor_is_told_where_its_size_is_written(
    tmp_path: Path, floor: float, more: str, lines: list[int]
) -> None:
    found = check(tmp_path, field("name", "[40, 4, 30, 3]", more), type_floor=floor)
    assert [(v.code, v.line) for v in found] == [("layout_type_too_small", line) for line in lines]


def test_texts_that_overlap_collide(tmp_path: Path) -> None:
    (found,) = check(tmp_path, field("one", "[40, 10, 20, 3]"), field("two", "[50, 12.9, 20, 3]"))
    assert (found.code, found.line, found.element) == ("layout_collision", 10, "two")
    assert "collides with one" in found.message


def test_a_text_collides_with_any_item_of_a_list_but_not_with_the_space_between(tmp_path: Path) -> None:
    assert [v.code for v in check(tmp_path, field("name", "[4, 14.5, 20, 3]"))] == ["layout_collision"]
    assert check(tmp_path, field("name", "[4, 7, 20, 2]")) == ()


def test_a_qr_symbol_collides_with_a_text_on_its_quiet_zone(tmp_path: Path) -> None:
    found = check(tmp_path, "{id: qr, qr: code, box: [40, 10, 12, 12]}", field("name", "[51.5, 10, 20, 3]"))
    assert [v.code for v in found] == ["layout_collision"]


@pytest.mark.parametrize(
    ("one", "two", "collides"),
    [
        (", when: a", ", when: not a", False),
        (", when: [a, b]", ", when: [c, not b]", False),
        (", when: a", ", when: a", True),
        (", when: a", ", when: not b", True),
        (", when: x is a", ", when: x is b", False),
        (", when: x is a", ", when: x is a", True),
        (", when: x is a", ", when: not x is b", True),
        (", when: x is a", ", when: y is b", True),
        ("", ", when: not a", True),
        ("", ", background: true", False),
    ],
)
def test_conditions_that_exclude_each_other_keep_texts_apart(
    tmp_path: Path, one: str, two: str, collides: bool
) -> None:
    found = check(tmp_path, field("one", "[40, 10, 20, 3]", one), field("two", "[40, 10, 20, 3]", two))
    assert [v.code for v in found] == ["layout_collision"] * collides


def test_boxes_that_touch_and_other_sides_do_not_collide(tmp_path: Path) -> None:
    assert check(tmp_path, field("one", "[40, 10, 20, 3]"), field("two", "[60, 10, 20, 3]")) == ()
    back = "{id: one, rect: [0, 0, 1, 1]}\n  back:\n    - " + field("two", "[4, 4, 20, 3]")
    assert check(tmp_path, back) == ()


VERTICAL = """\
layout: card
title: A card
page: {width: 86, height: 54, bleed: 3, safe: 2, trims: [[85.6, 54]]}
wording: {notes: [one, two, three]}
styles: {plain: {stack: gothic, size: 8, vertical: true, fit: [condense 0.7, wrap 2, shrink 6, reject]}}
flows: {cards: {rows: cards, within: {front: [4, 20, 20, 20]}, min_height: 5}}
sides:
  front:
    - {id: notes, text: wording.notes, box: [70, 4, 10, 40], style: plain, gap: 1, vertical: false}
    - {id: row, each: cards, field: card.holder, box: [0, 0, 20, 5], style: plain, vertical: false}
"""


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("rotate: 90", "rotated"),
        ("comb: 7", "comb"),
        ("each: cards", "row"),
    ],
)
def test_a_vertical_text_takes_nothing_that_only_lines_have(tmp_path: Path, more: str, why: str) -> None:
    element = f"{{id: name, field: card.holder, box: [0, 0, 8, 5], style: plain, {more}}}"
    path = tmp_path / "sketch.yaml"
    path.write_text(VERTICAL + f"    - {element}\n", encoding="utf-8")
    with pytest.raises(LayoutError) as caught:
        load_layout(path)
    (found,) = caught.value.violations
    assert (found.code, found.line, found.element) == ("layout_vertical", 11, "name")
    assert why in found.message


def test_vertical_paragraphs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sketch.yaml"
    path.write_text(VERTICAL.replace(", gap: 1, vertical: false", ", gap: 1"), encoding="utf-8")
    with pytest.raises(LayoutError) as caught:
        load_layout(path)
    assert [violation.code for violation in caught.value.violations] == ["layout_vertical"]


def test_an_element_may_be_vertical_in_a_horizontal_style_and_the_other_way_round(tmp_path: Path) -> None:
    path = tmp_path / "sketch.yaml"
    path.write_text(VERTICAL, encoding="utf-8")
    assert check_grammar(load_layout(path)) == ()


def test_of_many_names_a_hint_lists_the_nearest() -> None:
    names = [f"{one}_{other}" for one in ("card", "name", "born", "sex", "note") for other in "abcdefghij"]
    assert suggest("born_c", ["born_b", "born_c2"]) == "did you mean born_c2? allowed: born_b, born_c2"
    hint = suggest("born_cc", names)
    assert hint.startswith("did you mean born_c? allowed: born_c, ")
    assert hint.endswith(" and 44 more")
    assert hint.count(",") == 5
