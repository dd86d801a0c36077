"""The rules of the four certificates."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

import pytest

from docgen.errors import RecordError
from docgen.issuance.categories import CATEGORIES
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import PrintItems
from docgen.issuance.profile import InsurerProfile
from tests.issuance.conftest import merged

LIMIT = "limit-certificate"
REDUCING = "limit-standard-burden-certificate"
DISEASE = "specified-disease-certificate"
ELDERLY = "elderly-certificate"

BASE: dict[str, Any] = {
    "issued_on": "2025-12-02",
    "person": {"family": "見本", "given": "花子", "born_on": "1984-12-31"},
    "symbol": "1234",
    "number": "56789",
    "branch": "01",
    "relationship": "1",
}
OWN: dict[str, dict[str, Any]] = {
    LIMIT: {"category": "A03", "effective_on": "2025-12-01", "expires_on": "2026-11-30"},
    REDUCING: {"category": "A05", "effective_on": "2025-12-01", "expires_on": "2026-11-30"},
    DISEASE: {
        "diseases": [{"disease": "dialysis", "effective_on": "2025-12-01", "expires_on": "2026-07-31", "limit": 10000}]
    },
    ELDERLY: {
        "person": {"born_on": "1953-05-10"},
        "burden": {"ratio": 2, "effective_on": "2025-08-01"},
        "expires_on": "2026-07-31",
    },
}
Profiles = dict[str, InsurerProfile]


def issue(profiles: Profiles, document: str, insurer: str = "association", **changes: Any) -> PrintItems:
    record = merged(merged(BASE, copy.deepcopy(OWN[document])), changes)
    return DOCUMENTS[document].issue(record, profiles[insurer], None)


def faults(profiles: Profiles, document: str, insurer: str = "association", **changes: Any) -> set[tuple[str, str]]:
    with pytest.raises(RecordError) as caught:
        issue(profiles, document, insurer, **changes)
    return {(violation.code, violation.pointer or "") for violation in caught.value.violations}


EACH = pytest.mark.parametrize("document", OWN)


# --- what they share ---


@EACH
def test_a_plain_record_is_issued(profiles: Profiles, document: str) -> None:
    items = issue(profiles, document)
    assert items.texts["holder.name"] == "見本　花子"
    assert items.texts["dates.issued_on"] == "令和 7年12月 2日"
    assert set(items.texts) | set(DOCUMENTS[document].constants(profiles["association"])) <= set(
        DOCUMENTS[document].catalogue.texts
    )
    assert set(items.flags) == set(DOCUMENTS[document].catalogue.flags)


@EACH
def test_the_record_has_no_key_for_sex(profiles: Profiles, document: str) -> None:
    assert faults(profiles, document, person={"sex": "1"}) == {("unknown_key", "/person/sex")}


@EACH
def test_a_former_surname_stands_only_where_it_was_asked_for(profiles: Profiles, document: str) -> None:
    plain = issue(profiles, document, person={"former_surname": "旧例"})
    assert (plain.texts["holder.name"], plain.texts["remarks"]) == ("見本　花子", "")
    asked = issue(profiles, document, person={"former_surname": "旧例"}, print_former_surname=True)
    assert (asked.texts["holder.name"], asked.texts["remarks"]) == ("見本（旧例）花子", "氏名欄の括弧内は旧姓")
    assert faults(profiles, document, print_former_surname=True) == {("missing_value", "/person/former_surname")}


@EACH
def test_the_alias_takes_the_front_and_the_registered_name_the_remarks(profiles: Profiles, document: str) -> None:
    items = issue(profiles, document, person={"alias": {"name": "通称　名子"}})
    assert items.texts["holder.name"] == "通称　名子"
    assert items.texts["remarks"] == "戸籍上の氏名　見本　花子"


@EACH
def test_a_dependents_certificate_names_the_insured_as_in_public(profiles: Profiles, document: str) -> None:
    assert faults(profiles, document, relationship="2") == {("missing_value", "/insured")}
    assert faults(profiles, document, insured={"full_name": "見本"}) == {("value_not_applicable", "/insured")}
    insured = {"family": "見本", "given": "太郎", "former_surname": "旧例", "alias": {"name": "通称　太郎"}}
    items = issue(profiles, document, relationship="2", insured=insured)
    assert items.texts["insured.name"] == "通称　太郎"


@EACH
def test_unknown_relationships_and_missing_dates_of_issue_are_told_together(profiles: Profiles, document: str) -> None:
    assert faults(profiles, document, relationship="9", issued_on=...) == {
        ("unknown_code", "/relationship"),
        ("issued_on_missing", "/issued_on"),
    }


@EACH
def test_nobody_is_born_after_the_issue_and_nobody_is_75(profiles: Profiles, document: str) -> None:
    assert ("birth_in_future", "/person/born_on") in faults(profiles, document, person={"born_on": "2025-12-03"})
    assert ("age_75_reached", "/person/born_on") in faults(profiles, document, person={"born_on": "1950-12-02"})


def test_the_address_is_one_line_with_its_postal_code(profiles: Profiles) -> None:
    address = {"postal_code": "1000000", "area": "見本県見本市中央", "rest": "1-2", "building": "見本館3階"}
    items = issue(profiles, LIMIT, address=address)
    assert items.texts["holder.address"] == "〒100-0000　見本県見本市中央1-2　見本館3階"
    assert items.flags["holder.has_address"]


def test_an_insurer_that_issues_no_such_certificate_is_refused(profiles: Profiles) -> None:
    with pytest.raises(ValueError, match="society issues no limit-certificate"):
        issue(profiles, LIMIT, "society")


@EACH
def test_faults_of_form_and_rules_are_told_together(profiles: Profiles, document: str) -> None:
    assert faults(profiles, document, person={"sex": "1"}, number="1 2", relationship="9") == {
        ("unknown_key", "/person/sex"),
        ("identifier_character", "/number"),
        ("unknown_code", "/relationship"),
    }
    former = {"former_surname": "旧例", "born_on": "1984-13-31"}
    assert faults(profiles, document, person=former, print_former_surname=True) == {("invalid_date", "/person/born_on")}


# --- limits ---


def test_every_category_has_its_word() -> None:
    """The codes of the online eligibility system: A for people below 70, B from 70."""
    assert list(CATEGORIES) == [*(f"A{n:02}" for n in range(1, 7)), *(f"B{n:02}" for n in range(1, 11))]
    assert [CATEGORIES[code] for code in ("A01", "A04", "A06", "B01", "B04", "B07", "B08", "B10")] == [
        "ア", "エ", "オ（境）", "現役並みⅢ", "一般", "低所得Ⅰ（老福）", "低所得Ⅰ（境）", "一般Ⅰ",
    ]  # fmt: skip


def test_the_category_prints_as_its_word(profiles: Profiles) -> None:
    assert issue(profiles, LIMIT).texts["category.text"] == "ウ"
    assert issue(profiles, REDUCING).texts["category.text"] == "オ"
    assert not issue(profiles, LIMIT).flags["certificate.reduces_meals"]
    assert issue(profiles, REDUCING).flags["certificate.reduces_meals"]


@pytest.mark.parametrize("category", ["A07", "ウ", "a03", "A05", "B11"])
def test_a_category_that_does_not_exist_or_is_not_the_documents_is_refused(profiles: Profiles, category: str) -> None:
    assert faults(profiles, LIMIT, category=category) == {("unknown_code", "/category")}


def test_categories_go_with_the_age_on_the_days_of_the_term(profiles: Profiles) -> None:
    """Born on 2 January 1956: below 70 to 31 January 2026. https://www.yuken-kenpo.or.jp/kourei/"""
    person = {"born_on": "1956-01-02"}
    below = {"person": person, "expires_on": "2026-01-31"}
    assert issue(profiles, LIMIT, **below).expires_on == date(2026, 1, 31)
    assert faults(profiles, LIMIT, person=person, expires_on="2026-02-28") == {("category_age", "/category")}
    assert faults(profiles, LIMIT, person=person, category="B02") == {("category_age", "/category")}
    from_70 = {"person": person, "category": "B02", "effective_on": "2026-02-01", "expires_on": "2026-07-31"}
    assert issue(profiles, LIMIT, **from_70).texts["category.text"] == "現役並みⅡ"


def test_a_limit_begins_on_the_first_of_a_month_or_the_day_of_acquisition(profiles: Profiles) -> None:
    middle = {"effective_on": "2025-12-02"}
    assert faults(profiles, LIMIT, **middle) == {("not_month_start", "/effective_on")}
    assert issue(profiles, LIMIT, **middle, acquired_on="2025-12-02").texts["validity.effective_on"].endswith("2日")


def test_a_limit_ends_with_a_month_or_before_the_75th_birthday(profiles: Profiles) -> None:
    assert faults(profiles, LIMIT, expires_on="2026-11-29") == {("not_month_end", "/expires_on")}
    at_74 = {"person": {"born_on": "1951-06-15"}, "category": "B03"}
    assert issue(profiles, LIMIT, **at_74, expires_on="2026-06-14").expires_on == date(2026, 6, 14)
    assert faults(profiles, LIMIT, **at_74, expires_on="2026-06-30") == {("expires_too_late", "/expires_on")}


def test_a_limit_ends_by_the_insurers_longest_term_or_its_year(profiles: Profiles) -> None:
    assert faults(profiles, LIMIT, expires_on="2026-12-31") == {("expires_too_late", "/expires_on")}
    assert faults(profiles, LIMIT, "accountants", expires_on="2026-08-31") == {("expires_too_late", "/expires_on")}
    assert issue(profiles, LIMIT, "accountants", expires_on="2026-07-31").expires_on == date(2026, 7, 31)


def test_a_limit_that_is_over_or_upside_down_is_refused(profiles: Profiles) -> None:
    assert faults(profiles, LIMIT, effective_on="2025-01-01", expires_on="2025-11-30") == {
        ("expired_at_issue", "/expires_on")
    }
    assert faults(profiles, LIMIT, effective_on="2027-01-01") == {("dates_out_of_order", "/expires_on")}
    assert faults(profiles, LIMIT, long_stay_on="2026-12-01") == {("dates_out_of_order", "/long_stay_on")}


# --- specified diseases ---


def disease(**changes: Any) -> dict[str, Any]:
    return {**OWN[DISEASE]["diseases"][0], **changes}


def test_each_disease_is_a_row_with_its_limit_and_term(profiles: Profiles) -> None:
    items = issue(profiles, DISEASE, diseases=[disease(), disease(disease="hiv", expires_on="2027-07-31")])
    assert [row.texts["disease.limit"] for row in items.lists["diseases"]] == ["10,000円", "10,000円"]
    assert items.lists["diseases"][1].texts["disease.expires_on"] == "令和 9年 7月31日"
    assert items.expires_on == date(2027, 7, 31)


def test_20000_yen_is_for_dialysis_below_70(profiles: Profiles) -> None:
    """https://www.city.yachiyo.lg.jp/soshiki/29/3161.html"""
    assert issue(profiles, DISEASE, diseases=[disease(limit=20000)]).lists["diseases"][0].texts["disease.limit"] == (
        "20,000円"
    )
    refused = ("value_not_applicable", "/diseases/0/limit")
    assert faults(profiles, DISEASE, diseases=[disease(limit=20000, disease="hiv")]) == {refused}
    old = {"born_on": "1953-05-10"}
    assert faults(profiles, DISEASE, person=old, diseases=[disease(limit=20000)]) == {refused}
    turning = {"born_on": "1956-01-02"}
    assert faults(profiles, DISEASE, person=turning, diseases=[disease(limit=20000)]) == {
        ("expires_too_late", "/diseases/0/expires_on")
    }


def test_diseases_that_do_not_exist_stand_twice_or_cost_otherwise_are_refused(profiles: Profiles) -> None:
    assert faults(profiles, DISEASE, diseases=[disease(disease="cold")]) == {("unknown_code", "/diseases/0/disease")}
    assert faults(profiles, DISEASE, diseases=[disease(), disease()]) == {("value_not_applicable", "/diseases/1")}
    assert faults(profiles, DISEASE, diseases=[disease(limit=15000)]) == {("not_allowed", "/diseases/0/limit")}
    assert {code for code, _ in faults(profiles, DISEASE, diseases=[])} == {"missing_value"}


# --- the burden ratio ---


def test_the_ratio_prints_with_a_pending_change(profiles: Profiles) -> None:
    assert issue(profiles, ELDERLY).texts["burden.text"] == "2割"
    items = issue(profiles, ELDERLY, burden={"pending": {"ratio": 3, "effective_on": "2026-04-01"}})
    assert items.texts["burden.text"] == "3割（令和8年3月31日までは2割）"
    assert items.flags["burden.is_pending"]


def test_the_ratio_begins_with_the_month_after_70_and_ends_before_75(profiles: Profiles) -> None:
    """https://www.yuken-kenpo.or.jp/kourei/"""
    turning = {"born_on": "1955-12-20"}
    assert issue(profiles, ELDERLY, person=turning, burden={"effective_on": "2026-01-01"}).expires_on is not None
    assert ("ratio_before_70", "/burden/effective_on") in faults(
        profiles, ELDERLY, person=turning, burden={"effective_on": "2025-12-01"}
    )
    assert faults(profiles, ELDERLY, person={"born_on": "1951-06-15"}) == {("expires_too_late", "/expires_on")}


def test_a_pending_ratio_beyond_the_certificate_and_a_missing_one_are_refused(profiles: Profiles) -> None:
    late = {"pending": {"ratio": 3, "effective_on": "2026-08-01"}}
    assert faults(profiles, ELDERLY, burden=late) == {("dates_out_of_order", "/burden/pending/effective_on")}
    assert faults(profiles, ELDERLY, burden=...) == {("missing_value", "/burden")}
