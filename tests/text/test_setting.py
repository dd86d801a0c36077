"""Fitting a text into its box, step by step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.settings import Settings
from docgen.text.faces import FontLibrary, MissingGlyphs
from docgen.text.registry import FontRegistry
from docgen.text.setting import _MEMORY, TOLERANCE_MM, DoesNotFit, Setter, SetText, Step
from docgen.units import MM_PER_PT

LIBRARY = FontLibrary(FontRegistry.load(Settings().fonts_toml))
REJECT = Step("reject")
EM_10 = 10 * MM_PER_PT


def setter(width_em: float, *fit: Step, height_em: float = 1, size: float = 10, **more: object) -> Setter:
    stack = LIBRARY.stack("gothic")
    em = size * MM_PER_PT
    return Setter(stack, size, width_em * em, height_em * em, fit or (REJECT,), **more)  # type: ignore[arg-type]


def test_a_text_that_fits_is_left_alone() -> None:
    found = setter(4).set("見本花子")
    assert (found.size, found.condense, len(found.lines)) == (10, 1, 1)
    assert found.lines[0].width == pytest.approx(4 * EM_10)


def test_condense_goes_no_further_than_needed_and_never_below_its_floor() -> None:
    found = setter(4, Step("condense", 0.7), REJECT).set("見本の花子")
    assert found.condense == pytest.approx(0.8, abs=0.001)
    assert found.lines[0].width <= 4 * EM_10 + 1e-9
    with pytest.raises(DoesNotFit) as caught:
        setter(3, Step("condense", 0.7), REJECT).set("見本の花子")
    assert caught.value.excess == pytest.approx(5 / 3 * 0.7, rel=0.01)


def test_what_does_not_fit_in_lines_says_how_many_it_needs() -> None:
    with pytest.raises(DoesNotFit, match=r"^needs 3 lines, where 2 have room$"):
        setter(5, Step("wrap", 3), REJECT, height_em=2.3).set("見本県見本市見本町一番")
    with pytest.raises(DoesNotFit, match=r"^needs 2 lines, where 1 has room$"):
        setter(5, Step("wrap", 2), REJECT, height_em=1.2).set("見本県見本市")
    with pytest.raises(DoesNotFit, match=r"^needs 1.20 times the room of its box$"):
        setter(5, REJECT).set("見本県見本市")


def test_shrink_takes_quarter_points_and_condenses_at_each_size() -> None:
    found = setter(4, Step("condense", 0.8), Step("shrink", 7), REJECT).set("見本の花子さん")
    assert found.size == 7
    assert found.condense == pytest.approx(4 * 10 / 7 / 7, abs=0.002)
    found = setter(4, Step("shrink", 7), REJECT).set("見本の花子")
    assert found.size == 8


def test_a_shrunk_text_keeps_the_baseline_of_its_neighbours() -> None:
    fit = (Step("shrink", 5), REJECT)
    wide, narrow = setter(9, *fit).set("見本の花子"), setter(4, *fit).set("見本の花子")
    assert wide.lines[0].baseline == narrow.lines[0].baseline


def test_wrap_uses_as_few_lines_as_needed_and_never_more_than_the_box_holds() -> None:
    box = setter(4, Step("wrap", 3), REJECT, height_em=3.5)
    assert [line.text for line in box.set("戸籍上の氏名").lines] == ["戸籍上の", "氏名"]
    assert len(box.set("戸籍上の氏名は見本").lines) == 3
    with pytest.raises(DoesNotFit):
        setter(4, Step("wrap", 3), REJECT, height_em=2).set("戸籍上の氏名")


def test_a_word_in_katakana_is_broken_rather_than_set_smaller() -> None:
    box = setter(6, Step("wrap", 2), Step("shrink", 5), REJECT, height_em=2.25)
    whole, broken = box.set("見本県見本ハイツ"), box.set("見本県見本ハイツコート館")
    assert [line.text for line in whole.lines] == ["見本県見本", "ハイツ"]
    assert (broken.size, [line.text for line in broken.lines]) == (10, ["見本県見本ハ", "イツコート館"])


def test_lines_given_by_the_record_are_kept() -> None:
    box = setter(8, Step("condense", 0.8), Step("wrap", 2), REJECT, height_em=3)
    assert [line.text for line in box.set("戸籍上の氏名\n性別").lines] == ["戸籍上の氏名", "性別"]
    with pytest.raises(DoesNotFit):
        setter(8, REJECT, height_em=3).set("戸籍上の氏名\n性別")


def test_line_ends_that_are_wanted_are_no_wrapping() -> None:
    box = setter(8, Step("condense", 0.8), Step("wrap", 3), REJECT, height_em=4)
    texts = {"戸籍上": 1, "戸籍上の氏名\n性別": 1, "戸籍上の氏名は見本である\n性別": 2, "氏名\n氏名\n性別": 1}
    assert {text: box.set(text).wrapped for text in texts} == texts
    assert setter(8, comb=8).set("12345678").wrapped == 1
    assert setter(2, Step("omit")).set("戸籍上の氏名").wrapped == 0


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("見本県\u200b一二三", ["見本県一二三"]),
        ("見本県見本市\u200b一二三", ["見本県見本市", "一二三"]),
        ("見本県\u200b見本市\u200b一二", ["見本県見本市", "一二"]),
        ("見本県見本市見本\u200b一二三", ["見本県見本市", "見本一二三"]),
        ("見本県見本市見本\u200b一二三四五六\n上", ["見本県見本市", "見本", "一二三四五六", "上"]),
    ],
)
def test_parts_stay_whole_as_long_as_a_line_holds_them(text: str, lines: list[str]) -> None:
    found = setter(6, Step("wrap", 5), REJECT, height_em=6).set(text)
    assert [line.text for line in found.lines] == lines


NUMERALS = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸子丑寅卯"


@pytest.mark.parametrize(
    ("parts", "floor", "condense", "lines"),
    [
        ((11, 5), 0.7, 0.9, [11, 5]),
        ((12, 4), 0.7, 1, [10, 6]),  # whole, it would be narrowed to 0.83: too much
        ((12, 9), 0.7, 0.83, [12, 9]),  # needs 0.9 anyway
        ((12, 9), 0.85, 0.9, [11, 10]),  # the policy says so
        ((15, 3), 0.7, 1, [10, 8]),  # no line holds that part
        ((8, 8), 0.7, 1, [8, 8]),
    ],
)
def test_a_text_is_narrowed_a_little_rather_than_broken_inside_a_part(
    parts: tuple[int, int], floor: float, condense: float, lines: list[int]
) -> None:
    before, after = NUMERALS[: parts[0]], NUMERALS[parts[0] : sum(parts)]
    found = setter(10, Step("condense", floor), Step("wrap", 2), REJECT, height_em=3).set(f"{before}\u200b{after}")
    assert (found.size, found.condense, [len(line.text) for line in found.lines]) == (10, condense, lines)


def test_of_several_parts_as_few_as_can_be_are_broken() -> None:
    box = setter(10, Step("condense", 0.85), Step("wrap", 4), REJECT, height_em=5)
    found = box.set(f"見本\u200b{NUMERALS[:11]}\u200b{NUMERALS[:20]}\u200b花子")
    assert (found.condense, [len(line.text) for line in found.lines]) == (0.9, [2, 11, 11, 11])


def test_the_larger_size_wins_over_fewer_lines() -> None:
    found = setter(4, Step("shrink", 5), Step("wrap", 2), REJECT, height_em=2.5).set("戸籍上の氏名だ")
    assert (found.size, len(found.lines)) == (5.5, 1)
    found = setter(4, Step("wrap", 2), Step("shrink", 5), REJECT, height_em=2.5).set("戸籍上の氏名だ")
    assert (found.size, len(found.lines)) == (10, 2)


def test_texts_of_a_list_are_all_as_small_and_as_narrow_as_one_of_them_needs() -> None:
    box = setter(6, Step("condense", 0.8), Step("shrink", 8), Step("omit"))
    assert [(one.size, one.condense) for one in box.set_alike(["見本", "見本花子見本県"])] == [(10, 0.857)] * 2
    found = box.set_alike([NUMERALS[:2], NUMERALS[:9], NUMERALS[:7], NUMERALS])
    assert [(one.size, one.condense, one.omitted) for one in found] == [(8.25, 0.808, False)] * 3 + [(10, 1, True)]
    assert [line.text for one in found for line in one.lines] == [NUMERALS[:2], NUMERALS[:9], NUMERALS[:7]]
    assert [one.lines[0].width / EM_10 for one in found[:3]] == pytest.approx([1.333, 6, 4.666], abs=0.01)


@given(
    st.lists(st.text(alphabet="見本花子、。a1 \u200b", min_size=1, max_size=30), min_size=1, max_size=4),
    st.floats(4, 20),
)
def test_a_list_fits_where_each_of_its_texts_does(texts: list[str], width: float) -> None:
    box = setter(width, Step("condense", 0.7), Step("wrap", 3), Step("shrink", 5), Step("omit"), height_em=3)
    for text, found, alone in zip(texts, box.set_alike(texts), map(box.set, texts), strict=True):
        assert "".join(line.text for line in found.lines) == ("" if alone.omitted else text.replace("\u200b", ""))
        assert all(line.width <= box.width + TOLERANCE_MM for line in found.lines)
        assert (found.size, found.condense) <= (alone.size, 1)


def test_omit_leaves_the_text_out_and_says_so() -> None:
    found = setter(2, Step("condense", 0.9), Step("omit")).set("ミホンハナコ")
    assert found.omitted
    assert found.lines == ()


@pytest.mark.parametrize(("align", "left"), [("left", 0), ("center", 2), ("right", 4)])
def test_alignment(align: str, left: float) -> None:
    assert setter(6, align=align).set("見本").lines[0].x == pytest.approx(left * EM_10)


def test_even_distribution_fills_the_width_and_centres_a_single_character() -> None:
    line = setter(7, align="distribute").set("見本花").lines[0]
    assert line.spacing == pytest.approx(2 * EM_10)
    assert (line.x, line.width) == (0, pytest.approx(7 * EM_10))
    assert setter(7, align="distribute").set("見").lines[0].x == pytest.approx(3 * EM_10)


def test_justified_lines_end_at_the_edge_but_for_the_last_of_a_paragraph_and_what_was_ended_early() -> None:
    box = setter(6.5, Step("wrap", 9), REJECT, height_em=20, align="justify")
    lines = box.set("見本花子見本花子見\n見本花子\u200b見本花子見本").lines
    assert [(line.text, line.width / EM_10) for line in lines] == [
        ("見本花子見本", pytest.approx(6.5)),
        ("花子見", pytest.approx(3)),
        ("見本花子", pytest.approx(4)),
        ("見本花子見本", pytest.approx(6)),
    ]
    assert [line.x for line in lines] == [0] * 4
    assert [line.spacing / EM_10 for line in lines] == [pytest.approx(0.1), 0, 0, 0]


@pytest.mark.parametrize(("valign", "top"), [("top", 0), ("middle", 1), ("bottom", 2)])
def test_vertical_alignment(valign: str, top: float) -> None:
    line = setter(4, height_em=3, valign=valign).set("見本").lines[0]
    assert line.baseline == pytest.approx((top + LIBRARY.stack("gothic").ascent) * EM_10)


def test_tracking_stands_between_glyphs_only() -> None:
    line = setter(6, tracking=EM_10).set("見本花").lines[0]
    assert line.width == pytest.approx(5 * EM_10)


@given(
    st.text(alphabet="見本花子（）、。Aa1\U000e0100葛𠮷 \u3000\n", min_size=1, max_size=40),
    st.floats(1, 20),
    st.floats(1, 4),
    st.lists(st.sampled_from(["condense", "shrink", "wrap"]), unique=True),
    st.sampled_from(["left", "center", "right", "distribute", "justify"]),
)
def test_every_text_stands_inside_its_box_whole_or_is_refused(
    text: str, width: float, height: float, kinds: list[str], align: str
) -> None:
    limits = {"condense": 0.6, "shrink": 5.0, "wrap": 3.0}
    box = setter(width, *(Step(kind, limits[kind]) for kind in kinds), REJECT, height_em=height, align=align)
    try:
        found: SetText = box.set(text)
    except (DoesNotFit, MissingGlyphs):
        return
    assert "".join(line.text for line in found.lines) == text.replace("\n", "")
    for line in found.lines:
        assert line.x >= -TOLERANCE_MM
        assert line.x + line.width <= box.width + TOLERANCE_MM
    assert found.lines[-1].baseline <= box.height + TOLERANCE_MM
    shown = [codes for line in found.lines for _, codes in line.runs]
    assert len("".join(shown)) == 4 * len(box.stack.shape(text.replace("\n", "")))


@given(
    texts=st.lists(
        st.lists(st.sampled_from([*"見本花子アｱ1aﾞ 　、ー", "か\u3099", "辻\U000e0100"]), max_size=9).map("".join),
        max_size=6,
    ),
    width=st.floats(1, 9),
    align=st.sampled_from(["left", "center", "right", "distribute", "justify"]),
    valign=st.sampled_from(["baseline", "top", "middle", "bottom"]),
    tracking=st.sampled_from([0.0, 0.3]),
)
def test_a_text_that_fits_as_it_is_is_set_as_the_policy_sets_it(
    texts: list[str], width: float, align: str, valign: str, tracking: float
) -> None:
    """The short cut for plain texts and what a setter remembers, held against the long way."""
    box = setter(width, Step("shrink", 3), Step("omit"), align=align, valign=valign, tracking=tracking)
    for text in texts + texts:
        assert box.set(text) == box._by_policy(text)


def test_a_setter_forgets_before_it_grows_with_the_batch() -> None:
    box = setter(9)
    for at in range(3 * _MEMORY):
        box.set(str(at))
    assert len(box._known) <= _MEMORY
    assert box.set("0").lines[0].text == "0"
