"""The list of recipients: who stands on it, in which order, under which name, and what it refuses."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.errors import RecordError
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import PrintItems
from docgen.issuance.profile import InsurerProfile
from tests.issuance.conftest import LAYOUTS, load_profile, merged

Profiles = dict[str, InsurerProfile]
ASSOCIATION = load_profile(LAYOUTS / "insurers" / "association.yaml")

INSURED: dict[str, Any] = {
    "number": "100",
    "branch": "00",
    "person": {"family": "見本", "given": "太郎", "born_on": "1985-04-01"},
    "relationship": "1",
}
DEPENDENT: dict[str, Any] = {
    "number": "100",
    "branch": "01",
    "person": {"family": "見本", "given": "花子", "born_on": "2015-04-01"},
    "relationship": "2",
    "insured": {"family": "見本", "given": "太郎"},
}


def record(*recipients: dict[str, Any], **changes: Any) -> dict[str, Any]:
    employer = {"symbol": "1234", "name": "見本商事"}
    base = {"issued_on": "2025-07-22", "employer": employer, "recipients": list(recipients)}
    return merged(base, changes)


def issue(raw: object, profile: InsurerProfile = ASSOCIATION) -> PrintItems:
    return DOCUMENTS["recipients-list"].issue(raw, profile, None)


def refused(raw: object) -> set[tuple[str, str | None]]:
    with pytest.raises(RecordError) as caught:
        issue(raw)
    return {(violation.code, violation.pointer) for violation in caught.value.violations}


def column(items: PrintItems, name: str) -> list[str]:
    return [row.texts[name] for row in items.lists["recipients"]]


def test_the_insured_comes_first_then_the_branches_and_households_as_they_came() -> None:
    def person(number: str, branch: str | None, relationship: str) -> dict[str, Any]:
        found = merged(INSURED if relationship == "1" else DEPENDENT, {"number": number, "branch": branch})
        return {key: value for key, value in found.items() if value is not None}

    items = issue(
        record(
            person("200", "02", "2"), person("100", "01", "2"), person("200", "01", "2"),
            person("100", "09", "1"), person("200", "03", "1"), person("300", None, "1"),
        )
    )  # fmt: skip
    shown = list(zip(column(items, "recipient.number"), column(items, "recipient.branch"), strict=True))
    assert shown == [("200", "03"), ("200", "01"), ("200", "02"), ("100", "09"), ("100", "01"), ("300", "")]
    opens = [row.flags["recipient.opens_household"] for row in items.lists["recipients"]]
    assert opens == [True, False, False, True, False, True]
    assert column(items, "recipient.row") == ["1", "2", "3", "4", "5", "6"]
    assert items.texts["list.total"] == "6名（3世帯）"


@given(st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_people_whom_nothing_tells_apart_keep_their_order(numbers: list[str], random: random.Random) -> None:
    people = [
        merged(random.choice([INSURED, DEPENDENT]), {"number": number, "person": {"given": f"{at}"}})
        for at, number in enumerate(numbers)
    ]
    items = issue(record(*people))
    rows = items.lists["recipients"]
    places = [int(row.pointers["recipient.number"].split("/")[2]) for row in rows]
    assert sorted(places) == list(range(len(people)))  # nobody lost, nobody twice
    for one, other in pairwise(places):
        alike = people[one]["number"] == people[other]["number"] and (
            people[one]["relationship"] == people[other]["relationship"]
        )
        assert not alike or one < other
    again = issue(record(*[people[place] for place in places]))
    assert column(again, "recipient.name") == column(items, "recipient.name")


def test_each_row_points_to_its_place_in_the_record() -> None:
    items = issue(record(DEPENDENT, INSURED))
    first, second = items.lists["recipients"]
    assert first.pointers["recipient.name"] == "/recipients/1/person"
    assert second.pointers["recipient.insured_name"] == "/recipients/0/insured"


def test_nobody_is_exposed_on_it() -> None:
    """The alias stands for the registered name, and a former surname is left out: as wherever others read it."""
    alias = merged(INSURED, {"person": {"alias": {"name": "別名　太郎", "kana": "ベツメイ　タロウ"}}})
    former = merged(INSURED, {"number": "200", "person": {"former_surname": "例示"}})
    child = merged(DEPENDENT, {"insured": {"alias": {"name": "別名　太郎"}}})
    items = issue(record(alias, child, former))
    assert column(items, "recipient.name") == ["別名　太郎", "見本　花子", "見本　太郎"]
    assert column(items, "recipient.insured_name") == ["別名　太郎", "別名　太郎", "見本　太郎"]
    assert "例示" not in "".join(text for row in items.lists["recipients"] for text in row.texts.values())


def test_the_insurers_characters_are_printed_and_reported(profiles: Profiles) -> None:
    items = issue(record(merged(INSURED, {"person": {"family": "髙見"}})), profiles["society"])
    assert column(items, "recipient.name") == ["高見　太郎"]
    # once for the name; the insured person's own name in the row is the same text
    assert [use.pointer for use in items.substitutions] == ["/recipients/0/person/family"]


def test_a_list_without_rows_is_refused() -> None:
    assert refused(record()) == {("empty_list", "/recipients")}


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"relationship": "9"}, "unknown_code", "relationship"),
        ({"relationship": "2"}, "missing_value", "insured"),
        ({"insured": {"family": "見本", "given": "太郎"}}, "value_not_applicable", "insured"),
        ({"person": {"born_on": "2026-01-01"}}, "birth_in_future", "person/born_on"),
        ({"person": {"sex": "1"}}, "unknown_key", "person/sex"),
        ({"person": {"given": ...}}, "missing_value", "person/given"),
        ({"branch": "1"}, "invalid_branch", "branch"),
        ({"number": "1２"}, "mixed_width", "number"),
        ({"number": "1" * 36}, "identifier_too_long", "number"),
        ({"month": 13}, "not_allowed", "month"),
    ],
)
def test_a_wrong_row_is_named(changes: dict[str, Any], code: str, pointer: str) -> None:
    assert refused(record(DEPENDENT, merged(INSURED, changes))) == {(code, f"/recipients/1/{pointer}")}


def test_all_rows_are_told_together() -> None:
    wrong = [merged(INSURED, {"relationship": "9"}), merged(DEPENDENT, {"insured": ...})]
    assert refused(record(*wrong, extracted_on="2025-08-01", recipients=wrong)) == {
        ("unknown_code", "/recipients/0/relationship"),
        ("missing_value", "/recipients/1/insured"),
        ("dates_out_of_order", "/extracted_on"),
    }


def test_an_employers_symbol_that_is_too_long_is_told_once() -> None:
    long = record(INSURED, DEPENDENT, employer={"symbol": "１" * 20})
    assert refused(long) == {("identifier_too_long", "/employer/symbol")}


def test_a_list_needs_a_date_of_issue() -> None:
    assert refused(record(INSURED, issued_on=...)) == {("issued_on_missing", "/issued_on")}
