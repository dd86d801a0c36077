"""The rules of the eligibility notice: what it tells, of whom, and what it refuses."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from docgen.errors import RecordError
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import PrintItems
from docgen.issuance.notice import CATALOGUE
from docgen.issuance.profile import InsurerProfile
from tests.issuance.conftest import merged

Profiles = dict[str, InsurerProfile]

PERSON: dict[str, Any] = {
    "person": {
        "family": "見本",
        "given": "花子",
        "family_kana": "ミホン",
        "given_kana": "ハナコ",
        "born_on": "1990-04-15",
    },
    "branch": "01",
    "relationship": "1",
    "acquired_on": "2021-10-01",
}
OLD = {"person": {"born_on": "1954-11-03"}, "burden": {"ratio": 2, "effective_on": "2025-08-01"}}
NOTICE: dict[str, Any] = {
    "issued_on": "2025-08-20",
    "addressee": {
        "person": {"family": "見本", "given": "太郎"},
        "address": {"postal_code": "000-0001", "area": "見本県例示市見本町", "rest": "1-2-3"},
    },
    "piece_id": "S01-0001",
    "symbol": "1024",
    "number": "56789",
}


def record(*people: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return merged({**NOTICE, "people": [merged(PERSON, person) for person in people or ({},)]}, changes)


def issue(profile: InsurerProfile, *people: dict[str, Any], **changes: Any) -> PrintItems:
    return DOCUMENTS["notice"].issue(record(*people, **changes), profile, None)


def faults(profile: InsurerProfile, *people: dict[str, Any], **changes: Any) -> set[tuple[str, str | None]]:
    with pytest.raises(RecordError) as caught:
        issue(profile, *people, **changes)
    return {(violation.code, violation.pointer) for violation in caught.value.violations}


def facts(items: PrintItems) -> list[str]:
    """What the rows of one person's table tell."""
    shown = [[flag.removeprefix("fact is ") for flag, on in row.flags.items() if on] for row in items.lists["facts"]]
    assert all(len(kinds) == 1 for kinds in shown)
    return [kind for [kind] in shown if kind != "name_rest"]


def test_a_person_and_the_window(profiles: Profiles) -> None:
    items = issue(profiles["society"])
    expected = {
        "person.name": "見本　花子",
        "person.kana": "ミホン　ハナコ",
        "person.born_on": "平成2年4月15日",
        "person.branch": "01",
        "person.acquired_label": "資格取得年月日",
        "person.acquired_on": "令和3年10月1日",
        "dates.issued_on": "令和7年8月20日",
        "symbol": "1024",
        "number": "56789",
        "address.name": "見本　太郎\u00a0様",
        "piece.id": "S01-0001",
    }
    assert expected.items() <= items.texts.items()
    assert facts(items) == ["name", "birth", "identifiers", "acquired", "insurer"]


def test_a_dependent_has_the_date_of_certification_and_the_insured(profiles: Profiles) -> None:
    dependent = {
        "relationship": "2", "acquired_on": ..., "certified_on": "2021-11-02",
        "insured": {"family": "見本", "given": "太郎"},
    }  # fmt: skip
    items = issue(profiles["publishers"], dependent)
    assert items.texts["person.acquired_label"] == "認定年月日"
    assert items.texts["person.acquired_on"] == "令和3年11月2日"
    assert items.texts["person.insured_name"] == "見本　太郎"
    assert facts(items)[-1] == "insured"


def test_a_former_surname_never_stands_on_a_notice_and_an_alias_for_the_registered_name(profiles: Profiles) -> None:
    former = {"person": {"former_surname": "例示"}}
    alias = {"person": {"alias": {"name": "別名　花子", "kana": "ベツメイ"}}}
    for insurer, profile in profiles.items():
        [row] = [row for row in issue(profile, former).lists["slips"] if not row.flags["slip.is_note"]]
        assert (row.texts["person.name"], row.texts["person.kana"]) == ("見本　花子", "ミホン　ハナコ"), insurer
        [row] = [row for row in issue(profile, alias).lists["slips"] if not row.flags["slip.is_note"]]
        assert (row.texts["person.name"], row.texts["person.kana"]) == ("別名　花子", "ベツメイ"), insurer


def test_the_burden_ratio_is_told_from_70_with_its_date(profiles: Profiles) -> None:
    items = issue(profiles["publishers"], OLD)
    assert (items.texts["person.burden"], items.texts["person.burden_effective_on"]) == ("2割", "令和7年8月1日")
    assert facts(items)[-1] == "burden"
    assert facts(issue(profiles["publishers"])) == ["name", "birth", "identifiers", "acquired", "insurer"]
    assert faults(profiles["publishers"], {**OLD, "burden": ...}) == {("ratio_required", "/people/0/burden")}
    future = {**OLD, "burden": {"ratio": 2, "effective_on": "2026-08-01"}}
    assert faults(profiles["publishers"], future) == {("ratio_not_in_force", "/people/0/burden/effective_on")}


def test_a_change_to_come_is_told_beside_the_ratio_and_on_the_cut_out_card_if_that_states_it(
    profiles: Profiles,
) -> None:
    pending = {**OLD, "burden": {**OLD["burden"], "pending": {"ratio": 3, "effective_on": "2026-01-01"}}}
    for insurer, states in (("accountants", True), ("publishers", False)):
        for record, changes in ((pending, True), (OLD, False)):
            items = issue(profiles[insurer], record)
            [slip] = [row for row in items.lists["slips"] if not row.flags["slip.is_note"]]
            assert slip.flags["person.burden_is_pending"] is changes
            assert slip.flags["slip.burden_is_pending"] is (changes and states)


def test_publishers_have_no_expiry_at_any_age(profiles: Profiles) -> None:
    items = issue(profiles["publishers"], OLD)
    assert (items.expires_on, items.texts["person.expires_on"]) == (None, "")
    assert "expiry" not in facts(items)


@pytest.mark.parametrize(
    ("person", "expires", "reason"),
    [
        # https://www.city.wakayama.wakayama.jp/kurashi/kokuho_nenkin/1001090/1066216.html
        (OLD, date(2026, 7, 31), "fiscal"),
        ({**OLD, "person": {"born_on": "1951-02-01"}}, date(2026, 1, 31), "age_75"),
        ({"residence_until": "2025-12-01"}, date(2025, 12, 1), "residence_limit"),
        ({"residence_until": "2029-12-01"}, date(2026, 7, 31), "fiscal"),
        ({}, None, ""),
    ],
)
def test_where_the_profile_says_so_a_notice_expires_from_70_and_with_the_residence(
    profiles: Profiles, person: dict[str, Any], expires: date | None, reason: str
) -> None:
    items = issue(profiles["society"], person)
    assert (items.expires_on, items.expiry_reason) == (expires, reason)
    assert ("expiry" in facts(items)) is (expires is not None)


def test_the_individual_number_is_masked_but_for_four_digits(profiles: Profiles) -> None:
    items = issue(profiles["society"], {"individual_number_last4": "1234"})
    assert items.texts["person.individual_number"] == "********1234"
    assert facts(items)[-1] == "individual_number"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("123456789012", "individual_number_too_long"),
        ("12345", "individual_number_too_long"),
        ("１２３４５", "individual_number_too_long"),
        ("1234 5678", "individual_number_too_long"),
        ("123", "not_allowed"),
        ("１２３４", "not_allowed"),
        ("12a4", "not_allowed"),
        ("", "not_allowed"),
        (1234, "wrong_type"),
    ],
)
def test_more_than_the_last_four_digits_are_refused_and_not_repeated(
    profiles: Profiles, value: object, code: str
) -> None:
    with pytest.raises(RecordError) as caught:
        issue(profiles["society"], {"individual_number_last4": value})
    [violation] = caught.value.violations
    assert (violation.code, violation.pointer) == (code, "/people/0/individual_number_last4")
    assert not value or str(value) not in json.dumps(violation.as_dict(), ensure_ascii=False)


def test_an_insurer_that_prints_no_individual_number_refuses_it(profiles: Profiles) -> None:
    assert faults(profiles["publishers"], {"individual_number_last4": "1234"}) == {
        ("value_not_applicable", "/people/0/individual_number_last4")
    }


def test_the_cut_out_card_never_has_the_individual_number_or_the_ratio_unless_the_profile_says(
    profiles: Profiles,
) -> None:
    states = {
        insurer: any(row.flags["slip.has_burden"] for row in issue(profile, OLD).lists["slips"])
        for insurer, profile in profiles.items()
    }
    assert states == {"association": False, "society": False, "publishers": False, "accountants": True}


def test_the_cut_out_card_stands_on_the_side_that_the_profile_says(profiles: Profiles) -> None:
    notes = {
        insurer: [row.flags["slip.is_note"] for row in issue(profile).lists["slips"]]
        for insurer, profile in profiles.items()
    }
    assert notes == {
        "association": [False, True], "society": [False, True], "publishers": [True, False], "accountants": [False],
    }  # fmt: skip


def test_a_household_is_told_together_in_its_order(profiles: Profiles) -> None:
    people = [{"branch": f"{at:02d}", "membership": "3"} for at in range(9)]
    items = issue(profiles["accountants"], *people)
    assert [row.texts["person.branch"] for row in items.lists["people"]] == [f"{at:02d}" for at in range(9)]
    assert [row.texts["person.branch"] for row in items.lists["slips"]] == [f"{at:02d}" for at in range(9)]
    assert {row.texts["person.membership"] for row in items.lists["people"]} == {"家族"}
    assert (items.lists["facts"], items.texts.get("person.name")) == ((), None)


def test_a_household_expires_with_the_first_of_it(profiles: Profiles) -> None:
    items = issue(profiles["accountants"], {}, OLD, {"residence_until": "2025-12-01"})
    assert items.expires_on == date(2025, 12, 2)
    assert [row.texts["person.expires_on"] for row in items.lists["people"]] == ["", "令和8年7月31日", "令和7年12月2日"]


@pytest.mark.parametrize(
    ("insurer", "people", "changes", "expected"),
    [
        ("society", [{}, {}], {}, {("too_many_people", "/people")}),
        ("society", [{"relationship": "7"}], {}, {("unknown_code", "/people/0/relationship")}),
        ("society", [{"membership": "7"}], {}, {("unknown_code", "/people/0/membership")}),
        ("society", [{"acquired_on": ...}], {}, {("missing_value", "/people/0/acquired_on")}),
        ("society", [{"acquired_on": "2026-01-01"}], {}, {("dates_out_of_order", "/people/0/acquired_on")}),
        (
            "society",
            [{"relationship": "2", "certified_on": "2021-11-02"}],
            {},
            {("missing_value", "/people/0/insured")},
        ),
        ("society", [{"person": {"born_on": "2025-08-21"}}], {}, {("birth_in_future", "/people/0/person/born_on")}),
        ("society", [{"person": {"born_on": "1950-08-20"}}], {}, {("age_75_reached", "/people/0/person/born_on")}),
        ("society", [{"person": {"family": ...}}], {}, {("missing_value", "/people/0/person/family")}),
        ("society", [{"person": {"sex": "1"}}], {}, {("unknown_key", "/people/0/person/sex")}),
        ("society", [{"residence_until": "2025-08-19"}], {}, {("expired_at_issue", "/people/0/residence_until")}),
        ("society", [{}], {"issued_on": ...}, {("issued_on_missing", "/issued_on")}),
        ("society", [{}], {"piece_id": "見本"}, {("not_allowed", "/piece_id")}),
        ("society", [{}], {"people": []}, {("missing_value", "/people")}),
        ("society", [{}], {"people": "花子"}, {("wrong_type", "/people")}),
        ("society", [{}], {"symbol": "あ" * 20}, {("identifier_too_long", "/symbol")}),
        (
            "accountants",
            [{"relationship": "7"}, {}, {"branch": "1"}],
            {"addressee": {"address": {"rest": "三百二百番地"}}},
            {
                ("unknown_code", "/people/0/relationship"),
                ("invalid_branch", "/people/2/branch"),
                ("barcode_unencodable", "/addressee/address"),
            },
        ),
    ],
)
def test_what_a_notice_refuses_is_told_together_with_its_place(
    profiles: Profiles,
    insurer: str,
    people: list[dict[str, Any]],
    changes: dict[str, Any],
    expected: set[tuple[str, str]],
) -> None:
    violations = faults(profiles[insurer], *people, **changes)
    # The first of a born-tomorrow's dates comes before the birth as well.
    assert expected <= violations
    assert len(violations) <= len(expected) + 1


def test_why_there_is_no_barcode_is_reported(profiles: Profiles) -> None:
    general = {"addressee": {"address": {"postal_code": "000-0100"}}}
    assert issue(profiles["association"], **general).omitted == {"address.barcode": "general_postal_code"}
    tracked = {"addressee": {"discounted": False}}
    assert issue(profiles["association"], **tracked).omitted == {}
    assert issue(profiles["society"], **tracked).omitted == {"address.barcode": "not_discounted"}


def test_every_item_and_flag_is_in_the_catalogue(profiles: Profiles) -> None:
    for profile in profiles.values():
        items = issue(profile, OLD)
        assert set(items.texts) <= set(CATALOGUE.texts)
        assert set(items.flags) == set(CATALOGUE.flags)
        for name, rows in items.lists.items():
            for row in rows:
                assert set(row.texts) <= set(CATALOGUE.lists[name].texts)
                assert set(row.flags) == set(CATALOGUE.lists[name].flags)


def test_an_unknown_key_of_somebody_in_the_list_names_those_that_are_known_there(profiles: Profiles) -> None:
    changes = {"adress": {}, "burden": {"ratio": 2, "effective_on": "2025-08-01", "till": 1}}
    with pytest.raises(RecordError) as caught:
        issue(profiles["society"], {}, changes)
    hints = {violation.pointer: violation.hint for violation in caught.value.violations}
    assert hints["/people/1/adress"].startswith("allowed: acquired_on, branch, burden, certified_on, ")
    assert hints["/people/1/burden/till"] == "allowed: effective_on, pending, ratio"
