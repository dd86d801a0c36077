from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from docgen.errors import RecordError
from docgen.issuance import eras
from docgen.issuance.card import CATALOGUE, constants, issue_card
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import PrintItems, Substitution
from docgen.issuance.profile import InsurerProfile
from docgen.issuance.record import parse_record

Raw = Callable[..., dict[str, Any]]
Profiles = dict[str, InsurerProfile]
SAMPLES = sorted((Path(__file__).parents[2] / "layouts/samples/card").glob("*.json"))


def issue(profile: InsurerProfile, record: dict[str, Any], issued_on: date | None = None) -> PrintItems:
    return issue_card(parse_record(record), profile, issued_on)


def faults(profile: InsurerProfile, record: object, issued_on: date | None = None) -> set[tuple[str, str | None]]:
    with pytest.raises(RecordError) as caught:
        DOCUMENTS["card"].issue(record, profile, issued_on)
    return {(v.code, v.pointer) for v in caught.value.violations}


def with_card(profile: InsurerProfile, **changes: Any) -> InsurerProfile:
    assert profile.documents.card is not None
    card = profile.documents.card.model_copy(update=changes)
    return profile.model_copy(update={"documents": profile.documents.model_copy(update={"card": card})})


# --- what is printed ---


def test_an_insured_persons_card_says_who_what_and_until_when(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["association"], raw())
    assert items.texts == {
        "card.role": "本人（被保険者）",
        "membership": "",
        "holder.name": "見本　太郎",
        "holder.kana": "ミホン　タロウ",
        "holder.sex": "男",
        "holder.born_on": "昭和60年 4月 1日",
        "symbol": "1234",
        "number": "56789",
        "branch": "00",
        "dates.acquired_label": "資格取得年月日",
        "dates.acquired_on": "令和元年 5月 1日",
        "dates.issued_on": "令和 7年12月 2日",
        "validity.expires_label": "有効期限",
        "validity.expires_on": "令和12年11月30日",
        "insured.name": "",
        "burden.text": "",
        "burden.effective_on": "",
        "remarks": "",
        "card.serial": "S1",
        "card.qr": "M1",
    }
    assert (items.issued_on, items.expires_on, items.expiry_reason) == (
        date(2025, 12, 2),
        date(2030, 11, 30),
        "rolling",
    )


def test_a_dependents_card_shows_the_certification_and_the_insured(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["association"], raw(dependent=True))
    assert items.texts["card.role"] == "家族（被扶養者）"
    assert items.texts["dates.acquired_label"] == "認定年月日"
    assert items.texts["dates.acquired_on"] == "令和 2年 4月10日"
    assert items.texts["insured.name"] == "見本　一郎"
    assert items.flags["holder.is_dependent"]
    assert items.pointers["dates.acquired_on"] == "/certified_on"


def test_in_a_union_everyone_is_insured_and_shows_the_acquisition(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["accountants"], raw(relationship="2", membership="3"))
    assert items.texts["dates.acquired_label"] == "資格取得年月日"
    assert (items.texts["membership"], items.flags["holder.is_dependent"]) == ("家族", False)


def test_a_missing_branch_stays_empty(profiles: Profiles, raw: Raw) -> None:
    assert issue(profiles["association"], raw(branch=..., symbol=...)).texts["branch"] == ""
    assert issue(profiles["association"], raw(branch="00")).texts["branch"] == "00"


def test_a_former_surname_stands_in_brackets_and_the_back_explains_them(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["association"], raw(person={"former_surname": "旧例"}))
    assert items.texts["holder.name"] == "見本（旧例）太郎"
    assert items.texts["remarks"] == "氏名欄の括弧内は旧姓"
    assert items.flags["document.has_remarks"]


def test_an_alias_stands_on_the_front_and_the_registered_name_and_sex_on_the_back(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["association"], raw(person={"alias": {"name": "見本　葵", "kana": "ミホン　アオイ"}}))
    assert (items.texts["holder.name"], items.texts["holder.kana"]) == ("見本　葵", "ミホン　アオイ")
    assert items.texts["holder.sex"] == "裏面参照"
    assert items.texts["remarks"] == "戸籍上の氏名　見本　太郎\n戸籍上の性別　男"
    assert items.flags["holder.sex_on_back"]


def test_where_the_front_has_both_names_the_back_has_the_sex_alone(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["accountants"], raw(person={"alias": {"name": "見本　葵"}}))
    assert items.texts["holder.name"] == "見本　太郎（通称名　見本　葵）"
    assert (items.texts["holder.sex"], items.texts["remarks"]) == ("裏面記載", "戸籍上の性別は男")


def test_a_masked_sex_stands_on_the_back(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["publishers"], raw(person={"sex": "2", "sex_masked": True}))
    assert (items.texts["holder.sex"], items.texts["remarks"]) == ("裏面記載", "戸籍上の性別は女")


def test_an_unset_sex_has_the_insurers_sign(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["association"], raw(person={"sex": None, "alias": {"name": "見本　葵"}}))
    assert (items.texts["holder.sex"], items.texts["remarks"]) == ("－", "戸籍上の氏名　見本　太郎")
    assert not items.flags["holder.sex_on_back"]


def test_nobody_is_exposed_on_a_dependents_card(profiles: Profiles, raw: Raw) -> None:
    alias = {"family": "見本", "given": "一郎", "alias": {"name": "見本　桜"}}
    record = raw(dependent=True, insured=alias)
    assert issue(profiles["association"], record).texts["insured.name"] == "見本　桜"
    former = raw(dependent=True, insured={"family": "見本", "given": "桜", "former_surname": "旧例"})
    items = issue(profiles["association"], former)
    assert items.texts["insured.name"] == "見本　桜"
    assert all("旧例" not in text for text in items.texts.values())


def test_a_profile_may_switch_the_insureds_name_to_the_registered_one(profiles: Profiles, raw: Raw) -> None:
    alias = {"family": "見本", "given": "一郎", "alias": {"name": "見本　桜"}}
    profile = with_card(profiles["association"], insured_name="registered")
    assert issue(profile, raw(dependent=True, insured=alias)).texts["insured.name"] == "見本　一郎"


def test_the_ratio_is_printed_with_its_date(profiles: Profiles, raw: Raw) -> None:
    items = issue(
        profiles["society"], raw(person={"born_on": "1953-05-10"}, burden={"ratio": 2, "effective_on": "2025-08-01"})
    )
    assert (items.texts["burden.text"], items.texts["burden.effective_on"]) == ("2割", "令和 7年 8月 1日")
    assert (items.flags["burden.is_printed"], items.flags["burden.has_effective_date"]) == (True, True)


def test_below_70_words_stand_without_a_date_or_nothing_does(profiles: Profiles, raw: Raw) -> None:
    society, publishers = issue(profiles["society"], raw()), issue(profiles["publishers"], raw())
    assert society.texts["burden.text"] == "法定負担割合のとおり"
    assert (society.flags["burden.is_printed"], society.flags["burden.has_effective_date"]) == (True, False)
    assert (publishers.texts["burden.text"], publishers.flags["burden.is_printed"]) == ("", False)


def test_where_a_certificate_of_its_own_states_the_ratio_the_card_has_none(profiles: Profiles, raw: Raw) -> None:
    profile = with_card(profiles["society"], burden="separate")
    items = issue(profile, raw(person={"born_on": "1953-05-10"}))
    assert (items.texts["burden.text"], items.flags["burden.is_printed"]) == ("", False)


def test_substitutions_are_made_where_the_insurer_has_them_and_reported(profiles: Profiles, raw: Raw) -> None:
    record = raw(
        dependent=True,
        person={"family": "髙﨑", "given": "葛\U000e0100"},
        insured={"family": "髙﨑", "given": "一", "former_surname": "髙"},
    )
    items = issue(profiles["society"], record)
    assert items.texts["holder.name"] == "高崎　葛\U000e0100"
    assert items.texts["insured.name"] == "高崎　一"
    assert items.substitutions == (
        Substitution("/person/family", "髙", "高"),
        Substitution("/person/family", "﨑", "崎"),
        Substitution("/insured/family", "髙", "高"),
        Substitution("/insured/family", "﨑", "崎"),
    )
    kept = issue(profiles["association"], record)
    assert (kept.texts["holder.name"], kept.substitutions) == ("髙﨑　葛\U000e0100", ())


def test_substitutions_reach_alias_and_registered_name(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["society"], raw(person={"given": "髙", "alias": {"name": "﨑"}}))
    assert items.texts["holder.name"] == "崎"
    assert items.texts["remarks"].splitlines()[0] == "戸籍上の氏名　見本　高"
    assert [use.pointer for use in items.substitutions] == ["/person/given", "/person/alias/name"]


def test_the_payload_of_the_symbol_is_the_profiles_template(profiles: Profiles, raw: Raw) -> None:
    assert issue(profiles["society"], raw(card={"serial": "A-1"})).texts["card.qr"] == "06991012:A-1"
    assert issue(profiles["association"], raw(card={"match_code": "X9"})).texts["card.qr"] == "X9"
    publishers = issue(profiles["publishers"], raw())
    assert (publishers.texts["card.qr"], publishers.flags["card.has_qr"]) == ("", False)


def test_braces_in_a_record_are_no_placeholders(profiles: Profiles, raw: Raw) -> None:
    card = profiles["society"].documents.card
    assert card is not None
    assert card.qr is not None
    profile = with_card(profiles["society"], qr=card.qr.model_copy(update={"payload": "{holder.name}/{number}"}))
    assert issue(profile, raw(person={"given": "{number}"})).texts["card.qr"] == "見本　{number}/56789"


def test_a_payload_holds_an_address_without_the_places_to_break_it(profiles: Profiles, raw: Raw) -> None:
    card = profiles["society"].documents.card
    assert card is not None
    assert card.qr is not None
    profile = with_card(profiles["society"], qr=card.qr.model_copy(update={"payload": "{insurer.address}"}))
    profile = profile.model_copy(update={"address": "見本県\u200b見本市 見本ビル"})
    assert issue(profile, raw()).texts["card.qr"] == "見本県見本市 見本ビル"


def test_the_record_names_the_day_of_issue_before_the_job_does(profiles: Profiles, raw: Raw) -> None:
    job = date(2026, 2, 3)
    assert issue(profiles["association"], raw(), job).issued_on == date(2025, 12, 2)
    assert issue(profiles["association"], raw(issued_on=...), job).texts["dates.issued_on"] == "令和 8年 2月 3日"


def test_an_expiry_keeps_the_era_known_at_issue(profiles: Profiles, raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eras, "_ERAS", ((date(2026, 5, 1), 2026, "後年"), *eras._ERAS))
    record = raw(issued_on="2026-04-30")
    eras.padded.cache_clear()
    try:
        assert issue(profiles["association"], record).texts["validity.expires_on"] == "令和12年11月30日"
        dates = profiles["association"].dates.model_copy(update={"later_era": "date"})
        by_date = profiles["association"].model_copy(update={"dates": dates})
        assert issue(by_date, record).texts["validity.expires_on"] == "後年 5年11月30日"
    finally:
        eras.padded.cache_clear()


def test_a_specimen_is_one_only_when_the_record_says_so(profiles: Profiles, raw: Raw) -> None:
    assert not issue(profiles["association"], raw()).flags["document.is_specimen"]
    assert issue(profiles["association"], raw(specimen=True)).flags["document.is_specimen"]


def test_the_callers_key_is_never_printed(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["society"], raw(key="SECRET-KEY"))
    assert all("SECRET-KEY" not in text for text in items.texts.values())


# --- what is refused ---


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"issued_on": ...}, ("issued_on_missing", "/issued_on")),
        ({"relationship": "9"}, ("unknown_code", "/relationship")),
        ({"membership": "9"}, ("unknown_code", "/membership")),
        ({"acquired_on": ...}, ("missing_value", "/acquired_on")),
        ({"certified_on": "2020-01-01"}, ("value_not_applicable", "/certified_on")),
        ({"insured": {"family": "見本", "given": "一"}}, ("value_not_applicable", "/insured")),
        ({"continuation_ends_on": "2027-04-01"}, ("value_not_applicable", "/continuation_ends_on")),
        ({"membership": "1", "continuation_ends_on": "2027-04-01"}, ("value_not_applicable", "/continuation_ends_on")),
        ({"expires_by": "2026-04-01"}, ("value_not_applicable", "/expires_by")),
        ({"membership": "2"}, ("missing_value", "/continuation_ends_on")),
        ({"person": {"sex": None, "sex_masked": True}}, ("missing_value", "/person/sex")),
        ({"person": {"born_on": "2025-12-03"}}, ("birth_in_future", "/person/born_on")),
        ({"acquired_on": "1985-03-31"}, ("dates_out_of_order", "/acquired_on")),
        ({"acquired_on": "2025-12-03"}, ("dates_out_of_order", "/acquired_on")),
        ({"residence_until": "2025-12-01"}, ("expired_at_issue", "/residence_until")),
        (
            {"membership": "2", "acquired_on": "2023-12-02", "continuation_ends_on": "2025-12-02"},
            ("expired_at_issue", "/continuation_ends_on"),
        ),
        ({"membership": "2", "continuation_ends_on": "2027-12-03"}, ("continuation_too_long", "/continuation_ends_on")),
        ({"issued_on": "2024-12-01"}, ("issued_too_early", "/issued_on")),
        ({"person": {"born_on": "1950-12-02"}}, ("age_75_reached", "/person/born_on")),
        ({"person": {"born_on": "1953-05-10"}}, ("ratio_required", "/burden")),
        ({"burden": {"ratio": 2, "effective_on": "2025-12-02"}}, ("ratio_before_70", "/burden/effective_on")),
        (
            {
                "person": {"born_on": "1953-05-10"},
                "burden": {
                    "ratio": 2,
                    "effective_on": "2025-08-01",
                    "pending": {"ratio": 2, "effective_on": "2026-08-01"},
                },
            },
            ("pending_ratio", "/burden/pending/ratio"),
        ),
        (
            {
                "issued_on": "2026-03-20",
                "person": {"born_on": "1953-05-10"},
                "residence_until": "2026-03-31",
                "burden": {"ratio": 2, "effective_on": "2026-04-01"},
            },
            ("dates_out_of_order", "/burden/effective_on"),
        ),
        (
            {"person": {"born_on": "1953-05-10"}, "burden": {"ratio": 2, "effective_on": "2026-08-01"}},
            ("ratio_not_in_force", "/burden/effective_on"),
        ),
        (
            {
                "person": {"born_on": "1953-05-10"},
                "residence_until": "2026-03-31",
                "burden": {
                    "ratio": 3,
                    "effective_on": "2025-08-01",
                    "pending": {"ratio": 2, "effective_on": "2026-04-01"},
                },
            },
            ("dates_out_of_order", "/burden/pending/effective_on"),
        ),
        ({"card": {"match_code": ...}}, ("match_code_missing", "/card/match_code")),
        ({"card": {"serial": ...}}, ("missing_value", "/card/serial")),
    ],
)
def test_a_rule_that_is_broken_is_named_and_no_other(
    profiles: Profiles, raw: Raw, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert faults(profiles["association"], raw(**changes)) == {expected}


def test_a_continuation_that_ends_before_it_begins_is_over_as_well(profiles: Profiles, raw: Raw) -> None:
    assert faults(profiles["association"], raw(membership="2", continuation_ends_on="2019-05-01")) == {
        ("dates_out_of_order", "/continuation_ends_on"),
        ("expired_at_issue", "/continuation_ends_on"),
    }


@pytest.mark.parametrize("acquired", ["2025-12-02", "1990-04-01"])
def test_a_continued_membership_may_have_its_two_years_from_the_issue(
    profiles: Profiles, raw: Raw, acquired: str
) -> None:
    record = raw(membership="2", acquired_on=acquired, continuation_ends_on="2027-12-02")
    assert issue(profiles["association"], record).expires_on == date(2027, 12, 1)


def test_the_first_day_of_cards_has_cards(profiles: Profiles, raw: Raw) -> None:
    assert issue(profiles["association"], raw(issued_on="2024-12-02")).issued_on == date(2024, 12, 2)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"certified_on": ...}, ("missing_value", "/certified_on")),
        ({"insured": ...}, ("missing_value", "/insured")),
        ({"certified_on": "1985-03-31"}, ("dates_out_of_order", "/certified_on")),
        ({"certified_on": "2025-12-03"}, ("dates_out_of_order", "/certified_on")),
    ],
)
def test_a_dependents_record_has_rules_of_its_own(
    profiles: Profiles, raw: Raw, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert faults(profiles["association"], raw(dependent=True, **changes)) == {expected}


def test_a_dependent_needs_no_acquisition_date(profiles: Profiles, raw: Raw) -> None:
    assert issue(profiles["association"], raw(dependent=True, acquired_on=...)).texts["dates.acquired_on"] != ""


def test_the_last_day_before_75_still_gets_a_card(profiles: Profiles, raw: Raw) -> None:
    record = raw(person={"born_on": "1950-12-03"}, burden={"ratio": 2, "effective_on": "2025-08-01"})
    items = issue(profiles["association"], record)
    assert (items.expires_on, items.expiry_reason) == (date(2025, 12, 2), "age_75")


def test_a_short_term_card_that_is_over_is_refused(profiles: Profiles, raw: Raw) -> None:
    assert issue(profiles["society"], raw(expires_by="2025-12-02")).expiry_reason == "short_term"
    assert faults(profiles["society"], raw(expires_by="2025-12-01")) == {("expired_at_issue", "/expires_by")}


def test_a_qr_that_holds_the_serial_asks_for_it(profiles: Profiles, raw: Raw) -> None:
    assert faults(profiles["society"], raw(card=...)) == {("missing_value", "/card/serial")}
    assert issue(profiles["publishers"], raw(card=...)).flags["card.has_serial"] is False


def test_all_broken_rules_come_back_at_once(profiles: Profiles, raw: Raw) -> None:
    record = raw(membership="9", certified_on="2020-01-01", residence_until="2025-01-01", card={"match_code": ...})
    assert faults(profiles["association"], record) == {
        ("unknown_code", "/membership"),
        ("value_not_applicable", "/certified_on"),
        ("expired_at_issue", "/residence_until"),
        ("match_code_missing", "/card/match_code"),
    }


def test_rules_are_told_together_with_a_malformed_record(profiles: Profiles, raw: Raw) -> None:
    record = raw(branch="x", nick="x", relationship="9", residence_until="2025-01-01")
    assert faults(profiles["association"], record) == {
        ("invalid_branch", "/branch"),
        ("unknown_key", "/nick"),
        ("unknown_code", "/relationship"),
        ("expired_at_issue", "/residence_until"),
    }


@pytest.mark.parametrize(
    "malformed",
    [
        {"person": {"born_on": "1985-02-30"}},
        {"person": {"family": ""}},
        {"person": {"family": "見〓"}},
        {"person": {"family_kana": "みほん"}},
        {"person": {"given": ...}},
        {"person": {"full_name": "見本"}},
        {"person": 7},
        {"number": ...},
        {"number": "1２"},
        {"issued_on": "2025-13-01"},
        {"issued_on": ...},
    ],
)
def test_a_malformed_required_value_hides_no_rule_that_does_not_need_it(
    profiles: Profiles, raw: Raw, malformed: dict[str, Any]
) -> None:
    found = faults(profiles["association"], raw(relationship="9", **malformed))
    assert ("unknown_code", "/relationship") in found
    (where,) = found - {("unknown_code", "/relationship")}
    assert str(where[1]).strip("/").partition("/")[0] in malformed


def test_a_sign_of_a_lost_character_is_printed_where_the_profile_has_it(profiles: Profiles, raw: Raw) -> None:
    profile = profiles["association"]
    names = type(profile.names).model_validate({"signs": ["●"]})
    record = raw(person={"family": "見●"}, relationship="9")
    assert faults(profile, record) == {("damaged_name", "/person/family"), ("unknown_code", "/relationship")}
    items = DOCUMENTS["card"].issue(
        {**record, "relationship": "1"}, profile.model_copy(update={"names": names}), date(2025, 12, 2)
    )
    assert items.texts["holder.name"] == "見●　太郎"


def test_a_file_that_is_no_record_is_told_once(profiles: Profiles, raw: Raw) -> None:
    with pytest.raises(RecordError) as caught:
        issue(profiles["association"], raw(**{f"column {i}": i for i in range(300)}))
    assert len(caught.value.violations) == 100


def test_a_malformed_birth_date_brings_up_no_rule_about_age(profiles: Profiles, raw: Raw) -> None:
    record = raw(person={"born_on": "x"}, burden={"ratio": 2, "effective_on": "2030-01-01"}, acquired_on="1900-01-01")
    assert faults(profiles["association"], record) == {("invalid_date", "/person/born_on")}


def test_a_malformed_value_is_not_told_as_missing_besides(profiles: Profiles, raw: Raw) -> None:
    assert faults(profiles["association"], raw(acquired_on="2019-13-01")) == {("invalid_date", "/acquired_on")}
    assert faults(profiles["association"], raw(person={"born_on": "x"})) == {("invalid_date", "/person/born_on")}
    assert faults(profiles["association"], raw(issued_on="x")) == {("invalid_date", "/issued_on")}
    assert faults(profiles["association"], raw(card={"serial": "a"})) == {("not_allowed", "/card/serial")}


# --- catalogue and samples ---


def test_the_catalogue_names_all_that_is_printed_and_nothing_else(profiles: Profiles, raw: Raw) -> None:
    items = issue(profiles["association"], raw())
    fixed = constants(profiles["association"])
    assert set(items.texts) | set(fixed) == set(CATALOGUE.texts)
    assert set(fixed) == {name for name, spec in CATALOGUE.texts.items() if spec.constant}
    assert set(items.flags) == set(CATALOGUE.flags)
    assert {spec.when for spec in CATALOGUE.texts.values() if spec.when} <= set(CATALOGUE.flags)
    assert set(items.pointers) <= set(CATALOGUE.texts)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_each_sample_is_a_specimen_that_issues(profiles: Profiles, path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    items = DOCUMENTS["card"].issue(record, profiles[path.stem.partition("-")[0]], None)
    assert record["specimen"] is True
    for name, spec in CATALOGUE.texts.items():
        if spec.when is not None and not items.flags[spec.when]:
            assert items.texts[name] == "", name


def test_the_samples_show_every_flag_on_and_off_and_every_reason(profiles: Profiles) -> None:
    issued = [
        DOCUMENTS["card"].issue(
            json.loads(path.read_text(encoding="utf-8")), profiles[path.stem.partition("-")[0]], None
        )
        for path in SAMPLES
    ]
    constant = {"insurer.has_mark", "insurer.has_seal", "document.is_specimen"}
    for flag in set(CATALOGUE.flags) - constant:
        assert {items.flags[flag] for items in issued} == {True, False}, flag
    assert {items.expiry_reason for items in issued} == {
        "rolling",
        "fixed",
        "within_years",
        "fiscal",
        "age_75",
        "age_70",
        "residence_limit",
        "voluntary_continuation",
        "short_term",
    }


def test_the_stress_samples_hold_the_rare_characters() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SAMPLES)
    for character in ("葛\U000e0100", "辻\U000e0100", "𠮷", "髙", "\ufa11"):
        assert character in text
