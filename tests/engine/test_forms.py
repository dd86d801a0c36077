"""The finished forms, read back: each character in its cell, the right boxes ticked, nothing of a person on a blank."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.compose.placed import PlacedRect, PlacedText
from docgen.engine import Engine, fit_reports, pushed_reports
from docgen.errors import RecordError
from docgen.layout.models import FieldText, Layout, Line, Rect
from docgen.pdf.reader import TextRun, read_pages
from tests import finished, samples, sheet

FORMS = (
    "card-application",
    "notice-application",
    "former-surname-request",
    "sex-alias-request",
    "uncollectable-report",
)
NAMES = [(form, name) for form in FORMS for name in samples.names(form)]
FORM = pytest.mark.parametrize("form", FORMS)
SAMPLE = pytest.mark.parametrize(("form", "name"), NAMES, ids=lambda part: part)
# What the profile's tables print, on a blank form too.
OF_THE_PROFILE = {"reason.code", "reason.text", "reason.short", "papers.text", "attachments.text", "efforts.text"}
TICK = "✓"


def runs(engine: Engine, form: str, name: str) -> tuple[TextRun, ...]:
    """What the finished file shows, read back; a form has one page."""
    [page] = read_pages(sheet.render(engine, form, name, sheet.PLAIN).pdf)
    return page.runs


def filled(engine: Engine, form: str, name: str) -> Iterator[tuple[PlacedText, list[TextRun]]]:
    """Each value of the record, as placed and as read back from the file."""
    own = [run for run in runs(engine, form, name) if not run.static]
    blocks = [list(block) for _, block in groupby(own, key=lambda run: run.block)]
    [side] = sheet.place(engine, form, name)
    yield from zip(side.texts, blocks, strict=True)


def combs(layout: Layout) -> dict[str, int]:
    """The elements that give each character a cell, and how many cells they have."""
    [elements] = layout.sides.values()
    return {e.id: e.comb for e in elements if isinstance(e, FieldText) and e.comb is not None}


def test_cells_and_wanted_line_breaks_are_no_pushing(engine: Engine) -> None:
    """A form's cells hold a character each, an address has a line for the building: both as the layout wants it."""
    for form, name in (("card-application", "association-family"), ("uncollectable-report", "association-family")):
        sides = sheet.place(engine, form, name)
        in_cells = [fit for fit in fit_reports(sides) if fit.element in combs(engine.layouts[form])]
        assert {fit.lines for fit in in_cells} == {1}
        assert not any(fit.pushed for fit in in_cells)
    sides = sheet.place(engine, "mount", "association-family-1of2")
    [address] = [text for text in sides[0].texts if text.element == "address.lines"]
    assert len(address.text.lines) == 2
    assert list(pushed_reports(sides)) == [fit for fit in fit_reports(sides) if fit.pushed] == []


def test_every_form_of_every_insurer_has_a_blank_and_a_stress_sample(engine: Engine) -> None:
    for form in FORMS:
        insurers = [insurer for insurer in engine.insurers if form in engine.documents_of(insurer)]
        assert insurers == (["association", "publishers"] if form.endswith("application") else ["association"])
        assert {f"{insurer}-blank" for insurer in insurers} <= set(samples.names(form))
        assert any(name.endswith("-stress") for name in samples.names(form))


@SAMPLE
def test_it_conforms(engine: Engine, form: str, name: str) -> None:
    finished.assert_conforms(engine, form, name)


@SAMPLE
def test_it_reads_back(engine: Engine, form: str, name: str) -> None:
    finished.assert_reads_back(engine, form, name)


@SAMPLE
def test_nothing_overlaps_and_the_margins_are_free(engine: Engine, form: str, name: str) -> None:
    finished.assert_no_overlap(engine, form, name)
    finished.assert_inside_safe_area(engine, form, name)
    assert [side.geometry.safe for side in sheet.place(engine, form, name)] == [12]


@SAMPLE
def test_every_character_stands_in_the_middle_of_its_cell(engine: Engine, form: str, name: str) -> None:
    cells_of = combs(engine.layouts[form])
    checked = 0
    for placed, shown in filled(engine, form, name):
        if placed.element not in cells_of:
            continue
        pitch = placed.width / cells_of[placed.element]
        assert [run.text for run in shown] == list(sheet.text_of(placed)), placed.element
        for at, run in enumerate(shown):
            assert run.x + run.width / 2 == pytest.approx(placed.x + (at + 0.5) * pitch, abs=0.02), placed.element
            assert run.width < pitch
            middle = run.y - 0.38 * run.size * 25.4 / 72  # of a digit or kana, above the baseline
            assert middle == pytest.approx(placed.y + placed.height / 2, abs=0.6), placed.element
            checked += 1
    assert (checked > 0) == (not name.endswith("-blank"))


@FORM
def test_the_cells_that_are_drawn_are_the_cells_that_are_filled(engine: Engine, form: str) -> None:
    layout = engine.layouts[form]
    by_id = {element.id: element for element in layout.sides["front"]}
    for id_, count in combs(layout).items():
        field, cells = by_id[id_], by_id[f"{id_}.cells"]
        walls = by_id.get(f"{id_}.walls") or by_id[f"{id_}.wall"]
        assert isinstance(field, FieldText)
        assert isinstance(cells, Rect)
        assert isinstance(walls, Line)
        assert (field.box, field.each) == (cells.rect, cells.each)
        x, y, width, height = field.box
        drawn = [walls.line[0] + at * walls.step[0] for at in range(walls.count)]
        assert drawn == pytest.approx([x + width / count * at for at in range(1, count)])
        assert (walls.line[1], walls.line[3]) == pytest.approx((y, y + height))
        assert height >= 8, f"{id_} is too low for writing"


# ---------------------------------------------------------------------------------------------------------------- boxes


def boxes(engine: Engine, form: str, name: str) -> list[PlacedRect]:
    """The boxes to tick: 3 mm squares."""
    [side] = sheet.place(engine, form, name)
    return [rect for rect in sheet.rects_of(side) if (rect.width, rect.height) == (3, 3)]


def label(box: PlacedRect, shown: tuple[TextRun, ...]) -> str:
    """The text right of a box, as it stands in the file."""
    middle = box.y + box.height / 2
    beside = [run for run in shown if run.text != TICK and abs(run.y - 1.2 - middle) < 1.2 and run.x > box.x + 3]
    return min(beside, key=lambda run: run.x).text


def ticked(engine: Engine, form: str, name: str) -> list[str]:
    """The labels of the boxes that have a tick in the file; each tick must stand in a box of its own."""
    shown = runs(engine, form, name)
    ticks = [run for run in shown if run.text == TICK and not run.static]
    labels = []
    for box in boxes(engine, form, name):
        inside = [
            tick
            for tick in ticks
            if box.x < tick.x + tick.width / 2 < box.x + 3 and box.y < tick.y - 0.38 * tick.size * 25.4 / 72 < box.y + 3
        ]
        if inside:
            [tick] = inside
            ticks.remove(tick)
            labels.append(label(box, shown))
    assert ticks == []
    return labels


def era(day: str | None) -> list[str]:
    """The era's name, by its first day."""
    if day is None:
        return []
    firsts = {"令和": date(2019, 5, 1), "平成": date(1989, 1, 8), "昭和": date(1926, 12, 25)}
    return [next(name for name, first in firsts.items() if date.fromisoformat(day) >= first)]


WHO = {"insured": "ご本人", "family": "ご家族"}
ASKS = {
    **{(form, "relationship", "insured"): "ご本人（被保険者）" for form in FORMS},
    **{(form, "relationship", "family"): "ご家族 → 被保険者の氏名" for form in FORMS},
    ("former-surname-request", "request", "start"): "旧姓の併記を希望する",
    ("former-surname-request", "request", "stop"): "旧姓の併記をやめる",
    ("sex-alias-request", "request", "start"): "下のとおり記載することを希望する",
    ("sex-alias-request", "request", "stop"): "記載をやめ、戸籍のとおりに戻す",
}
PAPERS = {
    "card": "資格確認書",
    "limit-certificate": "限度額適用認定証",
    "limit-standard-burden-certificate": "限度額適用・標準負担額減額認定証",
    "specified-disease-certificate": "特定疾病療養受療証",
    "elderly-certificate": "高齢受給者証",
}


def wanted(engine: Engine, form: str, name: str) -> list[str]:
    """The labels of the boxes that the record asks for."""
    record = samples.record(form, name)
    person = record.get("person", {})
    found = era(person.get("born_on"))
    for one in record.get("people", []):
        somebody = one.get("person") or (person if one["relationship"] == "insured" else {})
        found += [WHO[one["relationship"]], *era(somebody.get("born_on"))]
    if form.endswith("request"):
        found += [ASKS[form, key, one] for key in ("relationship", "request") for one in value(record, key)]
        found += ["性別を裏面に記載する"] if record.get("sex_masked") else []
        found += [{"1": "男", "2": "女"}[sex] for sex in value(person, "sex")]
        found += ["記載する"] if "alias" in person else []
        found += [PAPERS[paper] for paper in record.get("papers", [])]
    settings = getattr(engine.insurers[samples.insurer(name)].documents, form.replace("-", "_"))
    for key in ("attachments", "efforts"):
        found += [getattr(settings, key)[code] for code in record.get(key, [])]
    return found


def value(record: dict[str, Any], key: str) -> list[str]:
    return [record[key]] if key in record else []


@SAMPLE
def test_the_boxes_are_ticked_that_the_record_names_and_no_other(engine: Engine, form: str, name: str) -> None:
    assert sorted(ticked(engine, form, name)) == sorted(wanted(engine, form, name))


# ---------------------------------------------------------------------------------------------------------------- blank


@FORM
def test_a_blank_form_has_nothing_of_a_person(engine: Engine, form: str) -> None:
    for name in samples.names(form):
        if name.endswith("-blank"):
            assert {placed.element for placed, _ in filled(engine, form, name)} <= OF_THE_PROFILE
            assert ticked(engine, form, name) == []


@FORM
def test_a_record_with_a_date_alone_makes_the_blank_form(engine: Engine, form: str) -> None:
    blank = sheet.render(engine, form, "association-blank", sheet.PLAIN)
    assert engine.render(form, "association", {"issued_on": "2025-12-02"}, sheet.PLAIN).pdf == blank.pdf


@SAMPLE
def test_a_filled_form_is_the_blank_one_with_values(engine: Engine, form: str, name: str) -> None:
    blank = f"{samples.insurer(name)}-blank"
    printed = [[(run.text, run.x, run.y) for run in runs(engine, form, one) if run.static] for one in (blank, name)]
    assert printed[0] == printed[1]


@SAMPLE
def test_the_cells_of_the_individual_number_stay_empty(engine: Engine, form: str, name: str) -> None:
    cells = [e for e in engine.layouts[form].sides["front"] if e.id.startswith("my_number") and isinstance(e, Rect)]
    assert len(cells) == (3 if form.endswith("application") else 0)
    for rect in cells:
        assert isinstance(rect.rect, tuple)
        x, y, width, height = rect.rect
        for run in runs(engine, form, name):
            assert not (x <= run.x <= x + width and y <= run.y <= y + height), run.text


@SAMPLE
def test_it_says_where_to_send_it_and_its_type_is_large_enough(engine: Engine, form: str, name: str) -> None:
    insurer = engine.insurers[samples.insurer(name)]
    static = "".join(run.text for run in runs(engine, form, name) if run.static)
    for text in (insurer.name, insurer.address, insurer.tel):
        assert text in static
    [side] = sheet.place(engine, form, name)
    for placed in sheet.texts_of(side):
        assert placed.text.size >= 8, placed.element


# ------------------------------------------------------------------------------------------------------------- refusals


def test_a_value_longer_than_its_cells_is_refused_with_both_lengths(engine: Engine) -> None:
    for key, cells in (("symbol", 8), ("number", 7)):
        with pytest.raises(RecordError) as caught:
            engine.place("card-application", "association", {"issued_on": "2025-12-02", key: "1" * (cells + 1)})
        [violation] = caught.value.violations
        assert (violation.code, violation.pointer, violation.element) == ("does_not_fit", f"/{key}", key)
        assert f"{cells + 1} characters, where the layout has {cells} cells" in violation.message


KATAKANA = st.characters(min_codepoint=0x30A1, max_codepoint=0x30FA)
ANY = st.text(st.one_of(KATAKANA, KATAKANA, KATAKANA, st.sampled_from("ー・　 あ亜aｱ1゛")), min_size=1, max_size=30)


@given(reading=ANY)
def test_any_reading_stands_in_its_cells_or_is_refused(engine: Engine, reading: str) -> None:
    record = {"issued_on": "2025-12-02", "person": {"full_name": "見本", "full_kana": reading}}
    takes = all("ァ" <= char <= "ヺ" or char in "ー・　 " for char in reading)
    if takes and len(reading) <= 25 and reading == reading.strip():
        _, [side] = engine.place("card-application", "association", record)
        assert sheet.printed(side, "kana") == [reading]
        return
    with pytest.raises(RecordError) as caught:
        engine.place("card-application", "association", record)
    assert {violation.pointer for violation in caught.value.violations} <= {"/person", "/person/full_kana"}
