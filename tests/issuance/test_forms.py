"""The forms: blank without values, each value where it belongs, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docgen.errors import LayoutError, RecordError
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import PrintItems, Row
from docgen.issuance.profile import InsurerProfile
from tests.issuance.conftest import LAYOUTS, load_profile

PROFILE = LAYOUTS / "insurers" / "association.yaml"
ASSOCIATION = load_profile(PROFILE)
FORMS = (
    "card-application",
    "notice-application",
    "former-surname-request",
    "sex-alias-request",
    "uncollectable-report",
)
CARD, FORMER, SEX, REPORT = FORMS[0], FORMS[2], FORMS[3], FORMS[4]
DATED = {"issued_on": "2025-12-02"}
TARO = {"family": "見本", "given": "太郎", "family_kana": "ミホン", "given_kana": "タロウ", "born_on": "1985-04-01"}
TAISHO = {**TARO, "born_on": "1926-12-24"}
HANAKO = {"family": "見本", "given": "花子"}
ALIAS = {**TARO, "alias": {"name": "別名　はるか", "kana": "ベツメイ　ハルカ"}}


def issue(form: str, profile: InsurerProfile = ASSOCIATION, **record: Any) -> PrintItems:
    return DOCUMENTS[form].issue({**DATED, **record}, profile, None)


def refused(form: str, **record: Any) -> set[tuple[str, str | None]]:
    with pytest.raises(RecordError) as caught:
        issue(form, **record)
    return {(violation.code, violation.pointer) for violation in caught.value.violations}


def changed(directory: Path, old: str, new: str) -> InsurerProfile:
    """The profile with one change."""
    text = PROFILE.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = directory / "association.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return load_profile(path)


def chosen(rows: tuple[Row, ...]) -> list[str]:
    return [row.texts["choice.code"] for row in rows if row.texts["choice.tick"]]


# ------------------------------------------------------------------------------------------------------------- prints


@pytest.mark.parametrize("form", FORMS)
def test_a_record_without_values_prints_the_profiles_tables_alone(form: str) -> None:
    items = issue(form)
    assert set(items.texts.values()) == {""}
    assert {text for row in items.lists.get("people", ()) for text in row.texts.values()} <= {""}
    assert set(items.texts) | own_to_the_other(form) >= {
        name for name, spec in DOCUMENTS[form].catalogue.texts.items() if not spec.constant
    }


def own_to_the_other(form: str) -> set[str]:
    """What the other of two documents with one layout prints."""
    others = {FORMER: SEX, SEX: FORMER}
    return set(issue(others[form]).texts) if form in others else set()


def test_a_date_stands_in_two_digits_beside_its_era() -> None:
    texts = issue(CARD, person={**TARO, "born_on": "2019-05-01"}, applied_on="2025-12-01").texts
    born = [texts[f"applicant.born.{part}"] for part in ("showa", "heisei", "reiwa", "year", "month", "day")]
    assert born == ["", "", "✓", "01", "05", "01"]
    assert [texts[f"applied.{part}"] for part in ("year", "month", "day")] == ["07", "12", "01"]


@pytest.mark.parametrize(
    ("day", "era", "year"),
    [
        ("1988-12-31", "showa", "63"),
        ("1989-01-07", "showa", "64"),
        ("1989-01-08", "heisei", "01"),
        ("2019-04-30", "heisei", "31"),
        ("2019-05-01", "reiwa", "01"),
    ],
)
def test_each_day_lies_in_one_era(day: str, era: str, year: str) -> None:
    texts = issue(CARD, person={**TARO, "born_on": day}).texts
    assert [name for name in ("showa", "heisei", "reiwa") if texts[f"applicant.born.{name}"]] == [era]
    assert texts["applicant.born.year"] == year


def test_the_insured_person_among_the_people_has_the_name_from_above() -> None:
    first, second, third = issue(CARD, person=TARO, people=[{"relationship": "insured", "reason": "1"}]).lists["people"]
    assert (first.texts["person.name"], first.texts["person.kana"]) == ("見本　太郎", "ミホン　タロウ")
    assert (first.texts["person.insured"], first.texts["person.family"]) == ("✓", "")
    assert second.texts == third.texts
    assert set(second.texts.values()) == {""}


def test_nobody_is_exposed_on_an_application() -> None:
    former = {**HANAKO, "former_surname": "例示"}
    items = issue(CARD, person=ALIAS, people=[{"person": former, "relationship": "family"}])
    assert (items.texts["applicant.name"], items.texts["applicant.kana"]) == ("別名　はるか", "ベツメイ　ハルカ")
    assert items.lists["people"][0].texts["person.name"] == "見本　花子"


def test_a_request_has_the_registered_name_and_the_other_one() -> None:
    texts = issue(SEX, person={**ALIAS, "sex": "2"}, sex_masked=True).texts
    assert (texts["applicant.name"], texts["alias.name"]) == ("見本　太郎", "別名　はるか")
    assert [name for name in ("alias.wanted", "sex.masked", "sex.male", "sex.female") if texts[name]] == [
        "alias.wanted",
        "sex.masked",
        "sex.female",
    ]
    texts = issue(FORMER, person={**TARO, "former_surname": "例示"}, former_surname_kana="レイジ").texts
    assert (texts["applicant.name"], texts["former_surname"]) == ("見本　太郎", "例示")


def test_a_request_offers_the_documents_that_the_insurer_issues() -> None:
    assert [row.texts["choice.code"] for row in issue(SEX).lists["papers"]] == [
        "card",
        "limit-certificate",
        "limit-standard-burden-certificate",
        "specified-disease-certificate",
        "elderly-certificate",
    ]
    assert chosen(issue(SEX, papers=["card", "elderly-certificate"]).lists["papers"]) == ["card", "elderly-certificate"]


def test_an_explanation_stands_beside_the_reason_that_asks_for_it() -> None:
    people = [{"relationship": "family", "reason": "6"}]
    rows = issue(CARD, people=people, reason_note="見本の理由").lists["reasons"]
    assert [row.texts["choice.note"] for row in rows] == ["", "", "", "", "", "見本の理由"]
    assert [row.flags["choice.is_explained"] for row in rows] == [False] * 5 + [True]


def test_the_insurers_characters_are_used_and_reported_once(tmp_path: Path) -> None:
    profile = changed(tmp_path, "documents:\n", "substitutions: {髙: 高}\ndocuments:\n")
    person = {"family": "髙見", "given": "太郎"}
    items = issue(CARD, profile, person=person, people=[{"relationship": "insured"}], employer={"name": "髙見商店"})
    assert (items.texts["applicant.name"], items.texts["employer.name"]) == ("高見　太郎", "高見商店")
    assert sorted(use.pointer for use in items.substitutions) == ["/employer/name", "/person/family"]


# ------------------------------------------------------------------------------------------------------------ refuses


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("123456789012", "individual_number_too_long"),
        ("１２３４５", "individual_number_too_long"),
        ("1234", "value_not_applicable"),
        (123456789012, "individual_number_too_long"),
    ],
)
def test_no_form_takes_an_individual_number(form: str, number: object, code: str) -> None:
    with pytest.raises(RecordError) as caught:
        issue(form, individual_number=number)
    [violation] = caught.value.violations
    assert (violation.code, violation.pointer) == (code, "/individual_number")
    assert "1234" not in f"{violation.message}{violation.hint}"
    assert DOCUMENTS[form].issue({**DATED, "individual_number": None}, ASSOCIATION, None)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_needs_a_date_for_its_file(form: str) -> None:
    with pytest.raises(RecordError) as caught:
        DOCUMENTS[form].issue({}, ASSOCIATION, None)
    assert [violation.code for violation in caught.value.violations] == ["issued_on_missing"]


@pytest.mark.parametrize("kana", ["ﾐﾎﾝ", "ミホン＝タロウ", "ミホン゛"])
def test_cells_take_full_width_katakana_alone(kana: str) -> None:
    names = {"full_name": "見本太郎", "full_kana": kana}
    assert refused(CARD, person=names) == {("comb_character", "/person")}
    assert refused(SEX, person={**names, "alias": {"name": "別名", "kana": kana}}) == {
        ("comb_character", "/person"),
        ("comb_character", "/person/alias/kana"),
    }
    one = {"person": names, "relationship": "family"}
    assert refused(CARD, people=[one]) == refused(REPORT, people=[one]) == {("comb_character", "/people/0/person")}


@pytest.mark.parametrize("tel", ["03-1234-5678", "０３１２３４５６７８", "123", "012345678901"])
def test_a_telephone_number_is_ten_or_eleven_digits(tel: str) -> None:
    assert refused(CARD, tel=tel, employer={"tel": tel}) == {
        ("comb_character", "/tel"),
        ("comb_character", "/employer/tel"),
    }


@pytest.mark.parametrize(
    ("form", "record", "code", "pointer"),
    [
        (CARD, {"applied_on": "2025-02-29"}, "invalid_date", "/applied_on"),
        (CARD, {"applied_on": "2019-04-30"}, "era_not_on_form", "/applied_on"),
        (CARD, {"applied_on": "2025-12-03"}, "dates_out_of_order", "/applied_on"),
        (CARD, {"person": {**TARO, "born_on": "2025-12-03"}}, "birth_in_future", "/person/born_on"),
        (CARD, {"person": {**TARO, "born_on": "1950-12-02"}}, "age_75_reached", "/person/born_on"),
        (REPORT, {"people": [{"lost_on": "2019-04-30"}]}, "era_not_on_form", "/people/0/lost_on"),
        (
            REPORT,
            {"people": [{"person": {**TARO, "born_on": "1926-12-24"}}]},
            "era_not_on_form",
            "/people/0/person/born_on",
        ),
        (REPORT, {"people": [{"person": TARO, "lost_on": "1985-03-31"}]}, "dates_out_of_order", "/people/0/lost_on"),
    ],
)
def test_an_impossible_date_is_refused(form: str, record: dict[str, Any], code: str, pointer: str) -> None:
    assert (code, pointer) in refused(form, **record)


def test_a_report_may_name_somebody_who_turned_75() -> None:
    [row, *_] = issue(REPORT, people=[{"person": {**TARO, "born_on": "1940-01-01"}}]).lists["people"]
    assert row.texts["person.born.year"] == "15"


@pytest.mark.parametrize(
    ("form", "record", "code", "pointer"),
    [
        (CARD, {"people": [{"reason": "9"}]}, "unknown_code", "/people/0/reason"),
        (REPORT, {"people": [{"reason": "x"}]}, "unknown_code", "/people/0/reason"),
        (CARD, {"people": [{"reason": ["1", "2"]}]}, "wrong_type", "/people/0/reason"),
        (CARD, {"people": [{"relationship": "both"}]}, "not_allowed", "/people/0/relationship"),
        (CARD, {"people": [{"reason": "6"}]}, "missing_value", "/reason_note"),
        (CARD, {"people": [{"reason": "1"}], "reason_note": "見本"}, "contradictory_choices", "/reason_note"),
        (CARD, {"attachments": ["gift"]}, "unknown_code", "/attachments/0"),
        (CARD, {"attachments": ["damaged-card"] * 2}, "contradictory_choices", "/attachments/1"),
        (REPORT, {"efforts": ["phone", "phone"]}, "contradictory_choices", "/efforts/1"),
        (CARD, {"people": [{"relationship": "insured"}] * 2}, "contradictory_choices", "/people/1/relationship"),
        (
            CARD,
            {"person": TARO, "people": [{"person": HANAKO, "relationship": "insured"}]},
            "contradictory_choices",
            "/people/0/person",
        ),
        (CARD, {"people": [{}] * 4}, "too_many_people", "/people"),
        (REPORT, {"people": [{}] * 4}, "too_many_people", "/people"),
        (FORMER, {"papers": ["notice"]}, "unknown_code", "/papers/0"),
        (FORMER, {"person": {**TARO, "former_surname": "見本"}}, "contradictory_choices", "/person/former_surname"),
        (FORMER, {"former_surname_kana": "ミホン"}, "contradictory_choices", "/former_surname_kana"),
        (
            FORMER,
            {"request": "stop", "person": {**TARO, "former_surname": "例示"}},
            "contradictory_choices",
            "/request",
        ),
        (SEX, {"request": "stop", "sex_masked": True}, "contradictory_choices", "/request"),
        (SEX, {"request": "stop", "person": ALIAS}, "contradictory_choices", "/request"),
        (SEX, {"relationship": "insured", "insured": HANAKO}, "value_not_applicable", "/insured"),
        (SEX, {"person": {**TARO, "sex": "3"}}, "not_allowed", "/person/sex"),
        (CARD, {"symbol": "1２"}, "mixed_width", "/symbol"),
        (CARD, {"branch": "1"}, "invalid_branch", "/branch"),
        (REPORT, {"symbol": "1" * 20, "people": [{"number": "1" * 20}]}, "identifier_too_long", "/people/0/number"),
        (CARD, {"my_number": "123456789012"}, "unknown_key", "/my_number"),
    ],
)
def test_what_contradicts_or_is_unknown_is_refused(form: str, record: dict[str, Any], code: str, pointer: str) -> None:
    assert refused(form, **record) == {(code, pointer)}


def test_what_is_wrong_is_told_together() -> None:
    assert refused(CARD, tel="1", people=[{"reason": "9", "relationship": "insured"}, {"relationship": "insured"}]) == {
        ("comb_character", "/tel"),
        ("unknown_code", "/people/0/reason"),
        ("contradictory_choices", "/people/1/relationship"),
    }


# ------------------------------------------------------------------------------------------------------------ profile


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"6": {label: そのほか', '"10": {label: そのほか'),
        ('"6": {label: そのほか', '"7": {label: 見本}\n      "6": {label: そのほか'),
        ("damaged-notice: ", "Damaged: "),
        ("visit: ", "post: 見本\n      visit: "),
    ],
)
def test_a_table_that_the_form_has_no_room_for_is_refused(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(LayoutError) as caught:
        changed(tmp_path, old, new)
    assert {violation.code for violation in caught.value.violations} == {"layout_value"}


def test_an_insurer_without_the_form_does_not_issue_it() -> None:
    documents = ASSOCIATION.documents.model_copy(update={"card_application": None})
    with pytest.raises(ValueError, match="card-application"):
        issue(CARD, ASSOCIATION.model_copy(update={"documents": documents}))
