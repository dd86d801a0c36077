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


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\ntitle：題\nb: 2\n", 2, "a full-width colon (：) stands here"),
        ("a:\n  b: 1\n  c：題　題\n  d: 2\n", 3, "a full-width colon (：) stands here"),
        ("a: 1\nb: {c：d, e: 1}\n", 2, "a full-width colon (：) stands here"),
        ("a: 1\nb: {e: 1, c：d}\n", 2, "a full-width colon (：) stands here"),
        ("a:\n  - {b：1}\n", 2, "type a colon and a space of half width"),
        ("a:\n  b: 1\n　　c: 2\n", 3, "a full-width space stands here"),
        ("a:\n　　c: 2\n", 2, "a full-width space stands here"),
        ("a: {b: 1,　c: 2}\n", 1, "a full-width space stands here"),
        ("a: {b: 1, c:　2}\n", 1, "a full-width space stands here"),
        ("a: 1\nbox: [82、10, 3]\n", 2, "、 is no comma: 82、10"),
        ("a: 1\nbox: [-3，-3，92，60]\n", 2, "， is no comma: -3，-3，92，60"),
        ("a: ［1, 2］\n", 1, "a full-width bracket (［) stands here"),
    ],
)
def test_what_a_japanese_keyboard_writes_is_told_where_it_stands(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    found, told = fault(tmp_path, text)
    assert (found, says in told) == (line, True), told


@pytest.mark.parametrize(
    "text",
    [
        "wording:\n  note: 備考：なし\n  more: 1、2\n  bracket: ［注］\n  wide: 題　題\n",
        "wording:\n  colons: [日時：未定, 場所：未定]\n",
        'a: "82、10"\nb: {"　c": 1}\n',
        "columns: {氏：漢字: name.family}\n",
        "a: |\n  b：c\n  　d\n",
        "address: 見本県、見本市\n",
    ],
)
def test_texts_keep_their_full_width_marks(tmp_path: Path, text: str) -> None:
    (tmp_path / "sketch.yaml").write_text(text, encoding="utf-8")
    located.load(tmp_path / "sketch.yaml")


def test_a_file_in_another_encoding_is_told_at_its_first_line_of_it(tmp_path: Path) -> None:
    for content, says in (
        ("a: 1\nb: 題\n".encode("cp932"), "not UTF-8, but Shift_JIS (CP932), as it seems (save it as UTF-8)"),
        (b"a: 1\nb: \x81 \n", "not UTF-8, from byte 8 on (save it as UTF-8)"),
    ):
        (tmp_path / "sketch.yaml").write_bytes(content)
        with pytest.raises(LayoutError) as caught:
            located.load(tmp_path / "sketch.yaml")
        [found] = caught.value.violations
        assert (found.line, f"{found.message} ({found.hint})") == (2, says)


def test_lines_may_end_as_windows_ends_them(tmp_path: Path) -> None:
    (tmp_path / "sketch.yaml").write_bytes(b'a: 1\r\nb: "x\r\n  y"\r\nc: |\r\n  z\r\n')
    assert located.load(tmp_path / "sketch.yaml").data == {"a": 1, "b": "x y", "c": "z\n"}


def test_a_quoted_text_may_have_several_lines(tmp_path: Path) -> None:
    (tmp_path / "sketch.yaml").write_text('a: "x\n  y"\nb: 1\n')
    assert located.load(tmp_path / "sketch.yaml").data == {"a": "x y", "b": 1}


def test_no_quote_is_blamed_for_a_mistake_elsewhere(tmp_path: Path) -> None:
    assert fault(tmp_path, 'a: "x\n  y"\nb: 1\n\tc: 2\n') == (4, "a tab stands here (indent with spaces)")
