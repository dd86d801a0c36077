"""Vertical writing: which glyph stands where, held against HarfBuzz's vertical shaping, and how columns fit."""

from __future__ import annotations

import itertools

import pytest
import uharfbuzz as hb
from hypothesis import given
from hypothesis import strategies as st

from docgen.settings import Settings
from docgen.text.faces import Face, FontLibrary, MissingGlyphs
from docgen.text.registry import FontRegistry
from docgen.text.setting import PART, TOLERANCE_MM, DoesNotFit, SetColumn, SetText, Step
from docgen.text.vertical import Cell, VerticalSetter, cells
from docgen.units import MM_PER_PT

LIBRARY = FontLibrary(FontRegistry.load(Settings().fonts_toml))
FACES = ("gothic", "gothic-bold", "pgothic", "pgothic-bold", "mincho", "mj")
FACE = pytest.mark.parametrize("face_id", FACES)
REJECT = Step("reject")
EM_10 = 10 * MM_PER_PT
# What both HarfBuzz and addresses set upright; digits and Latin are set by our own rules.
UPRIGHT = (
    "見本県市町一丁目番地号様あいがぱっゃゅょアイヴッャュョヵヶ"
    "ー、。，．・「」『』（）［］〔〕【】〈〉《》：；？！々〆〒①　ＡＢｚ"
)


def setter(width_em: float, height_em: float, *fit: Step, size: float = 10, **more: object) -> VerticalSetter:
    em = size * MM_PER_PT
    stack = LIBRARY.stack("gothic")
    return VerticalSetter(stack, size, width_em * em, height_em * em, fit or (REJECT,), **more)  # type: ignore[arg-type]


def columns(found: SetText) -> list[SetColumn]:
    assert all(isinstance(line, SetColumn) for line in found.lines)
    return [line for line in found.lines if isinstance(line, SetColumn)]


def shaped(face: Face, text: str) -> list[tuple[int, float, float, float]]:
    """HarfBuzz's glyph, its origin from the column's axis and from the cell's top, and its advance, in 1/1000 em."""
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.direction, buffer.script, buffer.language = "ttb", "Jpan", "ja"
    hb.shape(hb.Font(face.hb_face), buffer, {"liga": False, "ccmp": False})
    scale = 1000 / face.units_per_em
    return [
        (info.codepoint, place.x_offset * scale, -place.y_offset * scale, -place.y_advance * scale)
        for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    ]


@FACE
def test_upright_characters_have_the_glyphs_and_places_that_harfbuzz_gives_them(face_id: str) -> None:
    face = LIBRARY.face(face_id)
    text = "".join(char for char in UPRIGHT if face.glyph(char))
    assert len(text) > 60
    found = [
        (int(cell.glyphs[0].code, 16), cell.x, cell.y, cell.advance)
        for cell in cells(text, LIBRARY.stack(face_id))
        if not cell.turned
    ]
    assert len(found) == len(text)
    for ours, theirs in zip(found, shaped(face, text), strict=True):
        assert ours == pytest.approx(theirs, abs=0.6)  # HarfBuzz halves odd advances in font units


@FACE
@pytest.mark.parametrize("char", "ー、。「」（）っャ")
def test_marks_and_small_kana_take_the_vertical_form_that_the_font_has(face_id: str, char: str) -> None:
    face = LIBRARY.face(face_id)
    plain = face.glyph(char)
    (cell,) = cells(char, LIBRARY.stack(face_id))
    assert plain is not None
    assert cell.glyphs[0].code != plain.code
    assert not cell.turned


@FACE
def test_a_glyph_of_vertical_writing_keeps_the_text_of_its_code(face_id: str) -> None:
    face = LIBRARY.face(face_id)
    for text in (*UPRIGHT, *"0123456789-AZ/(", *"０９－", "葛\U000e0100"):
        for form in ("upright", "wide", "half"):
            glyph = face.form(text, form)
            if glyph is not None:
                layer = int(glyph.font.partition(".")[2] or 0)
                assert face.text(layer, int(glyph.code, 16)) == text


def test_codes_and_layers_do_not_depend_on_what_was_set_before() -> None:
    """A face of its own that is asked in another order gives every form the same font and code."""
    one, other = (Face("gothic", LIBRARY.face("gothic").path) for _ in range(2))
    texts = [*"ー、「1１-－0A", "葛\U000e0100"]
    for text in texts:
        one.glyph(text)
    there = {(text, form): one.form(text, form) for text in texts for form in ("upright", "wide", "half")}
    back = {(text, form): other.form(text, form) for form in ("half", "wide", "upright") for text in reversed(texts)}
    assert there == back
    assert all(other.glyph(text) == one.glyph(text) for text in texts)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1-2-3", "1 <-> 2 <-> 3"),
        ("１－２－３", "１ <－> ２ <－> ３"),
        ("10-20-30", "10 <-> 20 <-> 30"),
        ("10-20-305", "1 0 <-> 2 0 <-> 3 0 5"),
        ("令和10年", "令 和 10 年"),
        ("12-", "12 <->"),
        ("１０‐２０−３", "１０ <‐> ２０ <−> ３"),
        ("10,000円", "1 0 , 0 0 0 円"),
        ("1234番地の5", "1 2 3 4 番 地 の 5"),
        ("B棟12階ABC室", "B 棟 12 階 <A> <B> <C> 室"),
        ("MIHON Alex R. 様", "<M> <I> <H> <O> <N> < > <A> <l> <e> <x> < > <R> <.> < > 様"),
        ("ＭＩＨＯＮ　Ａ", "Ｍ Ｉ Ｈ Ｏ Ｎ 　 Ａ"),
        ("見本\u00a0様", "見 本 <\u00a0> 様"),
        ("ハイツ(A)", "ハ イ ツ ( A )"),
        ("コーポ〜＝", "コ ー ポ 〜 ＝"),
        ("ﾐﾎﾝ", "<ﾐ> <ﾎ> <ﾝ>"),
        ("葛\U000e0100城", "葛\U000e0100 城"),
    ],
)
def test_what_stands_and_what_is_turned(text: str, shown: str) -> None:
    """In brackets: turned. Without a space between: in one cell."""
    found = cells(text, LIBRARY.stack("gothic"))
    assert " ".join(f"<{cell.text}>" if cell.turned else cell.text for cell in found) == shown
    assert "".join(cell.text for cell in found) == text


def test_full_and_half_width_house_numbers_look_alike() -> None:
    for stack in ("gothic", "pgothic", "mincho"):
        found = [cells(text, LIBRARY.stack(stack)) for text in ("12-3-456", "１２－３－４５６", "１２−３‐４５６")]
        assert len({tuple(_look(cell) for cell in column) for column in found}) == 1


def _look(cell: Cell) -> tuple[object, ...]:
    return tuple(glyph.code for glyph in cell.glyphs), cell.advance, cell.x, cell.y, cell.turned, cell.narrow


@pytest.mark.parametrize("stack", ["gothic", "pgothic", "pgothic-bold", "mincho", "mj"])
def test_two_digits_stand_within_one_em_about_the_axis(stack: str) -> None:
    (cell,) = cells("28", LIBRARY.stack(stack))
    width = sum(glyph.advance for glyph in cell.glyphs) * cell.narrow
    assert width <= 1000.001
    assert cell.x == pytest.approx(-width / 2)
    assert cell.glyphs[0].font.partition(".")[0] == LIBRARY.stack(stack).faces[0].id


def test_what_no_face_has_is_told_at_once() -> None:
    with pytest.raises(MissingGlyphs) as caught:
        setter(5, 20, Step("wrap", 3), REJECT).set("見\ue000本\n\ue001")
    assert caught.value.missing == ("\ue000", "\ue001")


# ----------------------------------------------------------------------------------------------------------- fitting


def test_a_column_begins_at_the_top_of_its_box_and_runs_down_an_em_at_a_time() -> None:
    (column,) = columns(setter(1, 4).set("見本花子"))
    assert (column.top, column.height) == (0, pytest.approx(4 * EM_10))
    ys = [mark.y for mark in column.marks]
    assert [b - a for a, b in itertools.pairwise(ys)] == [pytest.approx(EM_10)] * 3


def test_condense_flattens_shrink_makes_smaller_wrap_takes_columns_to_the_left() -> None:
    flat = setter(1, 4, Step("condense", 0.7), REJECT).set("見本の花子")
    assert flat.condense == pytest.approx(0.8, abs=0.001)
    small = setter(1, 4, Step("shrink", 7), REJECT).set("見本の花子")
    assert (small.size, small.condense) == (8, 1)
    wrapped = setter(2.5, 4, Step("wrap", 2), REJECT, line_height=1.5).set("見本県見本市")
    first, second = columns(wrapped)
    assert (first.text, second.text) == ("見本県見", "本市")
    assert first.x - second.x == pytest.approx(1.5 * EM_10)
    assert first.x + first.width == pytest.approx(2.5 * EM_10)


def test_columns_break_between_parts_and_where_the_text_says_so() -> None:
    wrapped = setter(4, 6, Step("wrap", 3), REJECT).set(f"見本県見本{PART}12-3\nハイツ")
    assert [column.text for column in columns(wrapped)] == ["見本県見本", "12-3", "ハイツ"]


@pytest.mark.parametrize(("align", "top"), [("left", 0), ("center", 1), ("right", 2)])
def test_align_goes_down_the_column(align: str, top: float) -> None:
    (column,) = columns(setter(1, 4, align=align).set("花子"))
    assert column.top == pytest.approx(top * EM_10)


def test_distribute_spreads_a_column_over_the_box() -> None:
    (column,) = columns(setter(1, 7, align="distribute").set("見本花子"))
    ys = [mark.y for mark in column.marks]
    assert [b - a for a, b in itertools.pairwise(ys)] == [pytest.approx(2 * EM_10)] * 3
    assert column.height == pytest.approx(7 * EM_10)


@pytest.mark.parametrize(("valign", "left"), [("top", 2), ("middle", 1), ("bottom", 0), ("baseline", 2)])
def test_valign_goes_from_right_to_left(valign: str, left: float) -> None:
    (column,) = columns(setter(3, 4, valign=valign).set("花子"))
    assert column.x == pytest.approx(left * EM_10)


def test_a_shrunk_column_keeps_the_axis_of_its_neighbours() -> None:
    tall, short = (columns(setter(2, height, Step("shrink", 5), REJECT).set("見本の花子"))[0] for height in (9, 4))
    assert tall.x + tall.width / 2 == pytest.approx(short.x + short.width / 2)


STEPS = st.lists(
    st.sampled_from([Step("condense", 0.7), Step("shrink", 6.5), Step("wrap", 3)]), max_size=3, unique_by=lambda s: s[0]
)


@given(
    text=st.text(st.sampled_from("見本あっ、。「」（ー1２-－A b　" + PART), min_size=1, max_size=24),
    width=st.floats(1, 5),
    height=st.floats(1, 14),
    steps=STEPS,
    align=st.sampled_from(["left", "center", "right", "distribute", "justify"]),
    valign=st.sampled_from(["baseline", "top", "middle", "bottom"]),
)
def test_what_is_set_stands_in_its_box_and_is_the_text(
    text: str, width: float, height: float, steps: list[Step], align: str, valign: str
) -> None:
    box = setter(width, height, *steps, REJECT, align=align, valign=valign)
    kinds = {step.kind for step in steps}
    try:
        found = box.set(text)
    except DoesNotFit:
        return
    made = columns(found)
    assert "".join(column.text for column in made) == text.replace(PART, "")
    assert found.condense >= 0.7
    assert "condense" in kinds or found.condense == 1
    assert found.size >= 6.5
    assert "shrink" in kinds or found.size == 10
    assert len(made) <= (3 if "wrap" in kinds else 1)
    for column in made:
        assert column.x >= -TOLERANCE_MM
        assert column.x + column.width <= box.width + TOLERANCE_MM
        assert column.top >= -TOLERANCE_MM
        assert column.top + column.height <= box.height + TOLERANCE_MM
    for right, left in itertools.pairwise(made):
        assert left.x + left.width <= right.x + TOLERANCE_MM


@given(st.text(st.sampled_from("見本県市町ー"), min_size=2, max_size=30), st.integers(1, 30))
def test_a_text_is_refused_only_if_its_ems_are_more_than_the_box_holds(text: str, room: int) -> None:
    if len(text) <= room:
        assert len(columns(setter(1, room).set(text))) == 1
    else:
        with pytest.raises(DoesNotFit) as caught:
            setter(1, room).set(text)
        assert caught.value.excess == pytest.approx(len(text) / room)
