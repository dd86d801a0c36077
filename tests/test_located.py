"""A YAML file that cannot be read: where the mistake is, in words that say what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from docgen import located
from docgen.errors import LayoutError


def fault(tmp_path: Path, text: str) -> tuple[int | None, str]:
    (tmp_path / "sketch.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(LayoutError) as caught:
        located.load(tmp_path / "sketch.yaml")
    [found] = caught.value.violations
    assert (found.code, found.file) == ("layout_syntax", "sketch.yaml")
    return found.line, f"{found.message} ({found.hint})"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\n\tb: 2\n", 2, "a tab stands here (indent with spaces)"),
        ("styles:\n  姓: {b: 1}\n\tc: 2\n", 3, "a tab stands here (indent with spaces)"),
        ("氏: 1\nb: x\x0cy\n", 2, "an invisible control character stands here: U+000C (take it out"),
        ('a: 1\nb: "x\nc: 1\nd: 2\ne: "y"\nf: 1\n', 2, "goes on to line 5 (is its closing quote missing?)"),
        ("a: 1\nb: 'x\nc: 1\nd: 2\n", 2, "goes on to line 5 (is its closing quote missing?)"),
        ('x: 1\na: {b: "y}\nc: {d: "z"}\n', 2, "goes on to line 3 (is its closing quote missing?)"),
        ("a: 1\nb: {x: 1\nc: 3\n", 3, "`}` is missing before this (what it belongs to begins on line 2)"),
        ("a: [1, 2\nc: 3\n", 2, "`]` is missing before this (what it belongs to begins on line 1)"),
        ("a: 1\nb: c: d\n", 2, "needs quotes"),
        ("a: 1\nb: @c\n", 2, "no text begins with @ unless it stands in quotes"),
        ("a: 1\n  b: 2\n", 2, "indented alike"),
        ("a: 1\na: 2\n", 2, "key written twice: a"),
        ("a: {b: 1, c: #d}\ne: 1\n", 2, "# begins a comment: a text with # needs quotes"),
        ("a:\n  - {b: #c}\n  - {b: 1}\n", 3, "a value is missing before this (# begins a comment: a text with"),
        ("a: [1, 2, #c]\nd: 1\n", 3, "# begins a comment: a text with # needs quotes"),
    ],
)
def test_a_slip_in_yaml_is_told_where_it_was_made(tmp_path: Path, text: str, line: int, says: str) -> None:
    found, told = fault(tmp_path, text)
    assert found == line
    assert says in told


def test_a_quoted_text_may_have_several_lines(tmp_path: Path) -> None:
    (tmp_path / "sketch.yaml").write_text('a: "x\n  y"\nb: 1\n')
    assert located.load(tmp_path / "sketch.yaml").data == {"a": "x y", "b": 1}


def test_no_quote_is_blamed_for_a_mistake_elsewhere(tmp_path: Path) -> None:
    assert fault(tmp_path, 'a: "x\n  y"\nb: 1\n\tc: 2\n') == (4, "a tab stands here (indent with spaces)")
