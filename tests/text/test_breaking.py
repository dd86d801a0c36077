"""Line breaking: nothing lost, nothing too wide, no mark where it may not stand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.text.breaking import NO_END, NO_START, Care, break_lines, may_break

TEXTS = st.text(alphabet="戸籍上の氏名、。「」（）ーぁっゃ々ＡＢ１〒ABc12'- \u3000…令和年月日割", max_size=60)


def lines(text: str, width: float) -> list[str]:
    return [text[a:b] for a, b in break_lines(text, [1.0] * len(text), width)]


@given(TEXTS, st.integers(1, 20))
def test_lines_joined_are_the_text_and_no_line_is_too_wide(text: str, width: int) -> None:
    found = lines(text, width)
    assert "".join(found) == text
    assert all(found)
    assert all(len(line.rstrip(" \u3000")) <= width or _unbreakable(line) for line in found)


def _unbreakable(line: str) -> bool:
    """Marks bound to each other, such as a run of full stops, may leave no place at all."""
    body = line.rstrip(" \u3000")
    return not any(b not in NO_START and a not in NO_END for a, b in itertools.pairwise(body))


@given(TEXTS, st.integers(4, 20))
def test_no_line_begins_with_a_mark_that_may_not_begin_one(text: str, width: int) -> None:
    found = lines(text, width)
    for before, line in itertools.pairwise(found):
        assert line[0] not in NO_START or _unbreakable(before + line[0])


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("氏名は、見本です。", 3, ["氏名", "は、見", "本で", "す。"]),
        ("氏名「見本」です", 3, ["氏名", "「見", "本」で", "す"]),
        ("見本 Alexander 太郎", 10, ["見本 ", "Alexander ", "太郎"]),
        ("ＭＩＨＯＮ　ＭＡＲＩＡ　ＲＯＳＡ", 13, ["ＭＩＨＯＮ　ＭＡＲＩＡ　", "ＲＯＳＡ"]),
        ("ABCDEFGHIJ", 4, ["ABCD", "EFGH", "IJ"]),
        ("氏名ＡＢＣ　ＤＥＦ", 4, ["氏名", "ＡＢＣ　", "ＤＥＦ"]),
        ("中央１－２３番", 5, ["中央", "１－２３番"]),
        ("金1,234円", 5, ["金", "1,234", "円"]),
        ("住所〒000", 5, ["住所", "〒000"]),
        ("本当‼です", 2, ["本", "当‼", "です"]),
        ("3割（令和8年3月31日までは2割）", 12, ["3割（令和8年3月31日", "までは2割）"]),
        ("3割（令和8年3月31日までは2割）", 10, ["3割", "（令和8年3月31日", "までは2割）"]),
        ("平成元年１２月３日から", 8, ["平成元年１２月３", "日から"]),
        ("期限は平成元年１月８日", 9, ["期限は", "平成元年１月８日"]),
        ("月々の支払", 2, ["月々", "の支", "払"]),
        ("シャツ", 1, ["シ", "ャ", "ツ"]),
        ("", 4, []),
    ],
)
def test_known_lines(text: str, width: int, expected: list[str]) -> None:
    assert lines(text, width) == expected


def test_a_break_follows_a_space_and_never_precedes_one() -> None:
    assert may_break(" ", "A")
    assert not may_break("A", " ")
    assert not may_break("…", "…")


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("見本グランドハイツ２号", 5, ["見本", "グランドハ", "イツ２号"]),
        ("見本グランドハイツ２号", 8, ["見本", "グランドハイツ２", "号"]),
        ("ﾐﾎﾝ･ｼﾞｬｸﾘｰﾝ", 8, ["ﾐﾎﾝ･", "ｼﾞｬｸﾘｰﾝ"]),
        ("みほんの見本です", 4, ["みほんの", "見本です"]),
        ("電話は00-0000-0000へ", 11, ["電話は", "00-0000-", "0000へ"]),
        ("mihon-kenpo.example/", 13, ["mihon-kenpo.", "example/"]),
        ("（2025年12月31日まで）", 8, ["（2025年", "12月31日ま", "で）"]),
        ("12345678901234", 9, ["123456789", "01234"]),
    ],
)
def test_careful_lines_keep_words_in_katakana_together_and_cut_others_at_their_joints(
    text: str, width: int, expected: list[str]
) -> None:
    assert [text[a:b] for a, b in break_lines(text, [1.0] * len(text), width, Care.WORDS)] == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("中央区見本20番30号　見本中央センター", 14, ["中央区見本20番30号　", "見本中央センター"]),
        ("第一　中央区見本20番30号", 12, ["第一　中央区見本20番", "30号"]),  # too early a space
        ("MIHON MARIA ROSA", 12, ["MIHON MARIA ", "ROSA"]),
        ("見本　グランドハイツ２号", 9, ["見本　", "グランドハイツ２号"]),  # so that the word stays whole
    ],
)
def test_lines_end_at_a_space_if_they_are_half_full(text: str, width: int, expected: list[str]) -> None:
    assert [text[a:b] for a, b in break_lines(text, [1.0] * len(text), width, Care.SPACES)] == expected
