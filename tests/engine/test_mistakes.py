"""Mistakes that designers make: each is told with its file, its line and what was probably meant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from docgen.engine import Engine
from docgen.errors import LayoutError, Violation
from docgen.settings import Settings


@pytest.fixture
def layouts(tmp_path: Path) -> Path:
    """A copy of the layouts, with the samples that fill every element."""
    copy = tmp_path / "layouts"
    shutil.copytree(Settings().layouts_dir, copy, ignore=shutil.ignore_patterns("card"))
    samples = copy / "samples" / "card"
    samples.mkdir()
    for name in ("association-everything", "association-dependent", "publishers-alias", "society-insured"):
        shutil.copy(Settings().layouts_dir / "samples" / "card" / f"{name}.json", samples)
    return copy


def engine(layouts: Path) -> Engine:
    return Engine(Settings(layouts_dir=layouts))


def mistake(layouts: Path, name: str, old: str, new: str) -> int:
    """Make a mistake once in a file; its line."""
    path = layouts / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text.count("\n", 0, text.index(old)) + 1


def found_by_check(layouts: Path) -> list[Violation]:
    try:
        return engine(layouts).check()
    except LayoutError as error:
        return list(error.violations)


LONG = "健康保険資格確認書" * 4
CARD, SOCIETY = "card.yaml", "insurers/society.yaml"
MARK = "mark: {file: society-mark.svg, inks: {"
MISTAKES = [
    (CARD, "field: holder.born_on", "field: holder.birth_on", "layout_unknown_field", "did you mean holder.born_on?"),
    (CARD, "when: card.has_serial", "when: card.has_seria", "layout_unknown_flag", "did you mean card.has_serial?"),
    (CARD, "fill: insurer.body}\n    - {id: motif", "fill: insurer.bodi}\n    - {id: motif", "layout_undeclared",
     "did you mean insurer.body?"),
    (CARD, "{stack: mincho,       size: 13", "{stack: mincyo,       size: 13", "layout_undeclared",
     "did you mean mincho?"),
    (CARD, "label_tiny: {stack: pgothic,      size: 5", "label_tiny: {stack: pgothic, size: 4.5",
     "layout_type_too_small", "type_floor"),
    (SOCIETY, "card_title: 健康保険資格確認書", f"card_title: {LONG}", "layout_wording_does_not_fit", "card.yaml:"),
    (CARD, "born_label:           生年月日", f"born_label: {LONG}", "layout_wording_does_not_fit",
     "wording.born_label: the text needs"),
    (CARD, "born_label:           生年月日", 'born_label: "生年\\t月\\t日\\n"', "layout_wording_missing_glyph",
     "wording.born_label: no face has U+0009 (a tab) (change it, or change the element in card.yaml:"),
    (CARD, "born_label:           生年月日", 'born_label: ""', "layout_value", "an empty text prints nothing"),
    (SOCIETY, "card_title: 健康保険資格確認書", 'card_title: "資格\\t確認\\n書"', "layout_value",
     "must be one line, without tabs"),
    (SOCIETY, "address: 〒000", f"address: 〒000-0000 {LONG} {LONG} {LONG} 〒000", "layout_wording_does_not_fit",
     ".address: the text needs"),
    (SOCIETY, "name: 見本工業健康保険組合", f"name: {LONG}", "layout_wording_does_not_fit", ".yaml:"),
    (SOCIETY, "card_title: 健康保険資格確認書", "card_title: \u0e01", "layout_wording_missing_glyph", "card.yaml:"),
    (SOCIETY, "  card_title:", "  notes: [一, 二, 三, 四, 五, 六, 七]\n  card_title:", "layout_wording_does_not_fit",
     "has room for 6"),
    (SOCIETY, "card_title: 健康保険資格確認書", "card_title: [資格, 確認書]", "layout_wording_does_not_fit",
     "has room for 1"),
    (SOCIETY, "card_title:", "card_titel:", "profile_unknown_wording", "did you mean card_title?"),
    (SOCIETY, MARK + '"#2f7f6c": line, ', MARK, "layout_artwork", "society-mark.svg:2: no ink"),
    (CARD, "band,         rect: [-3, -3, 92, 11.6], ", "band,         rect: [0, 0, 86, 8.6], ", "layout_bleed",
     "run to the end of the bleed, x -3 to 89, y -3 to 57"),
    (CARD, "size: 5.5,  fit: [reject]}", "size: 5.5,  fit: [reject], ink: [90, 80, 70, 61]}", "layout_total_ink",
     "styles.note_no: [90, 80, 70, 61] lays 301% of ink on one place, more than 300%"),
    (SOCIETY, MARK + '"#2f7f6c": line, ', MARK + '"#2f7f6c": [90, 80, 70, 61], ', "layout_total_ink", "images.mark"),
    (SOCIETY, "society-mark.svg", "society-marc.svg", "layout_artwork", "society-marc.svg"),
]  # fmt: skip


def test_the_copy_is_fine(layouts: Path) -> None:
    assert found_by_check(layouts) == []


@pytest.mark.parametrize(("name", "old", "new", "code", "says"), MISTAKES)
def test_a_mistake_is_told_once_where_it_was_made(
    layouts: Path, name: str, old: str, new: str, code: str, says: str
) -> None:
    line = mistake(layouts, name, old, new)
    found = found_by_check(layouts)
    assert {(v.code, v.file, v.line) for v in found} == {(code, Path(name).name, line)}
    assert all(says in f"{v.message} ({v.hint})" for v in found)
    assert not any("\u200b" in v.message for v in found)


def test_a_sample_that_no_longer_fits_names_the_line_of_its_element(layouts: Path) -> None:
    line = mistake(
        layouts, CARD, "holder.born_on,            box: [4, 30.5, 23.5, 2.9]", "holder.born_on, box: [4, 30, 9, 3]"
    )
    found = [v for v in found_by_check(layouts) if v.code == "does_not_fit"]
    assert found
    assert {str(v.file).split("/")[1] for v in found} >= {"card", "mount"}  # which has cards on it
    assert all(v.hint.endswith(f"; drawn at card.yaml:{line}") for v in found), found[0]


def test_mistakes_in_layouts_and_profiles_are_told_together(layouts: Path) -> None:
    mistake(layouts, CARD, "layout: card", "layout: card\ncolour: red")
    mistake(layouts, SOCIETY, "corner_radius:", "corner_radious:")
    assert {v.file for v in found_by_check(layouts)} == {"card.yaml", "society.yaml"}


def test_what_does_not_compile_does_not_hide_what_stands_off_the_page(layouts: Path) -> None:
    mistake(layouts, SOCIETY, "card_title: 健康保険資格確認書", f"card_title: {LONG}")
    mistake(layouts, CARD, "box: [4, 42.25, 20, 2]", "box: [80, 42.25, 20, 2]")
    codes = {v.code for v in found_by_check(layouts)}
    assert codes >= {"layout_wording_does_not_fit", "layout_off_page"}


@pytest.mark.parametrize(
    ("name", "old", "new"), [(CARD, "layout: card", "layout: crad"), (SOCIETY, "id: society", "id: publishers")]
)
def test_a_file_must_be_named_as_it_says(layouts: Path, name: str, old: str, new: str) -> None:
    mistake(layouts, name, old, new)
    [found] = found_by_check(layouts)
    assert (found.code, found.file, found.hint) == ("layout_value", Path(name).name, old)


@pytest.mark.parametrize(("old", "new"), [("field: symbol,", "field: simbol,"), ("when: card.has_serial", "when: a")])
def test_a_layout_with_unknown_names_prints_nothing(layouts: Path, old: str, new: str) -> None:
    mistake(layouts, CARD, old, new)
    made = engine(layouts)
    with pytest.raises(LayoutError, match="layout_unknown_"):
        made.render("card", "society", made.samples("card")["society-insured"])


def test_a_card_without_a_name_is_no_card_and_prints_nothing(layouts: Path) -> None:
    mistake(layouts, CARD, "field: holder.name,", "field: holder.kana,")
    [found] = [v for v in found_by_check(layouts) if v.code == "layout_missing_item"]
    assert str(found).startswith("card.yaml: no element prints holder.name (the document is for it: 氏名")
    made = engine(layouts)
    with pytest.raises(LayoutError, match="layout_missing_item"):
        made.render("card", "society", made.samples("card")["society-insured"])
