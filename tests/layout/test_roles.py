"""Roles: a layout that says how it is read says it of everything, and refers to what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from docgen.errors import LayoutError
from docgen.layout.loader import load_layout
from docgen.layout.roles import check_roles, has_roles

HEAD = """\
layout: letter
title: A letter
page: {width: 210, height: 297}
wording: {title: お知らせ, code: 郵便のバーコード, several: [one, two]}
styles: {plain: {stack: gothic, size: 8}}
flows: {people: {rows: people, min_height: 6, within: {front: [10, 100, 180, 40]}}}
sides:
  front:
    - {id: title, text: wording.title, box: [10, 10, 20, 3], style: plain, role: h1}
    - {id: list, text: wording.several, box: [10, 14, 20, 3], style: plain, step: [0, 4], role: artifact}
    - {id: bars, barcode: address.barcode, at: [10, 40], alt: wording.code}
    - {id: person, each: people, field: person.name, box: [0, 0, 20, 3], style: plain, role: p}
"""


def text(name: str, more: str) -> str:
    return f"{{id: {name}, field: holder.name, box: [10, 20, 20, 3], style: plain, {more}}}"


def check(tmp_path: Path, *elements: str, head: str = HEAD) -> list[tuple[str | None, int | None, str]]:
    """What is wrong with a layout whose own elements begin on line 13."""
    path = tmp_path / "sketch.yaml"
    path.write_text(head + "".join(f"    - {element}\n" for element in elements), encoding="utf-8")
    found = list(check_roles(load_layout(path)))
    assert {violation.code for violation in found} <= {"layout_role"}
    return [(violation.element, violation.line, violation.message) for violation in found]


@pytest.mark.parametrize(
    "element",
    [
        text("name", "role: p, after: title"),
        text("name", "role: value"),
        text("name", "role: h2"),
        text("name", "background: true"),
        "{id: rule, line: [10, 60, 50, 60], stroke: black}",
        "{id: mark, image: insurer.mark, box: [10, 60, 5, 5]}",
        "{id: mark, image: insurer.mark, box: [10, 60, 5, 5], alt: wording.title, after: bars}",
    ],
)
def test_what_is_said_in_full_passes(tmp_path: Path, element: str) -> None:
    assert check(tmp_path, element) == []


@pytest.mark.parametrize(
    ("element", "says"),
    [
        (text("name", "required: true"), "a text without a role"),
        ("{id: name, qr: leaflet.url, box: [10, 60, 20, 20]}", "a symbol that says nothing"),
        ("{id: name, include: card.front, at: [10, 60]}", "included"),
        (text("name", "role: value, under: title"), "no such column: title"),
        (text("name", "role: h2, under: title"), "`under` is for a label, a value or a p"),
        (text("name", "role: h1"), "an h1 after another heading"),
        (text("name", "role: h3"), "h3, and no h2 before it"),
        (text("name", "role: p, after: titel"), "titel is not read on the same side"),
        (text("name", "role: p, after: person"), "person is not read on the same side, or not in the same row"),
        (text("name", "role: p, after: name"), "it is read after name, and that after it"),
    ],
)
def test_what_is_left_out_or_refers_to_nothing_is_told(tmp_path: Path, element: str, says: str) -> None:
    found = check(tmp_path, element)
    assert {(at, line) for at, line, _ in found} == {("name", 13)}
    assert says in found[0][2]


def test_two_elements_that_follow_each_other_are_both_told(tmp_path: Path) -> None:
    found = check(tmp_path, text("one", "role: p, after: two"), text("two", "role: p, after: one"))
    assert [element for element, _, _ in found] == ["one", "two"]


def test_a_layout_without_any_role_is_for_the_eye_and_not_held_to_anything(tmp_path: Path) -> None:
    head = HEAD.replace(", role: h1", "").replace(", role: artifact", "").replace(", role: p", "")
    path = tmp_path / "sketch.yaml"
    path.write_text(head, encoding="utf-8")
    layout = load_layout(path)
    assert not has_roles(layout)
    assert list(check_roles(layout)) == []


@pytest.mark.parametrize(
    ("alt", "code"), [("wording.none", "layout_unknown_wording"), ("wording.several", "layout_value")]
)
def test_an_alternative_text_is_one_text_of_the_wording(tmp_path: Path, alt: str, code: str) -> None:
    path = tmp_path / "sketch.yaml"
    path.write_text(HEAD + f"    - {{id: qr, qr: leaflet.url, box: [10, 60, 20, 20], alt: {alt}}}\n", encoding="utf-8")
    with pytest.raises(LayoutError) as refused:
        load_layout(path)
    assert [(v.code, v.element, v.line) for v in refused.value.violations] == [(code, "qr", 13)]
