"""The mount's rules: every card in its own place, no name that others may not read, every mistake told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from docgen.errors import RecordError
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import PrintItems
from docgen.issuance.profile import InsurerProfile
from tests.issuance.conftest import merged

Profiles = dict[str, InsurerProfile]
Raw = Callable[..., dict[str, Any]]

ADDRESS = {"postal_code": "000-0001", "area": "見本県見本市例示町", "rest": "1-2-3"}
NAMES = ["太郎", "花子", "一郎", "さくら", "次郎"]


def cards(count: int, **changes: Any) -> list[dict[str, Any]]:
    people = [{"family": "見本", "given": given} for given in NAMES[:count]]
    return [
        {"place": at, "person": person, "match_code": f"M-{at}", **changes} for at, person in enumerate(people, start=1)
    ]


def mount(**changes: Any) -> dict[str, Any]:
    base = {
        "issued_on": "2025-08-20",
        "piece": {"id": "A07-00000417A"},
        "addressee": {"person": {"family": "見本", "given": "太郎"}, "address": ADDRESS},
        "cards": cards(2),
    }
    return merged(base, changes)


def employer(relationships: str = "12", **changes: Any) -> dict[str, Any]:
    base = mount(
        addressee={"person": ..., "organisation": "株式会社見本製作所"},
        insured={"family": "見本", "given": "太郎"},
        occasion="returned",
        symbol="21010203",
        number="1234567",
        cards=[
            {**card, "relationship": code} for card, code in zip(cards(len(relationships)), relationships, strict=True)
        ],
    )
    return merged(base, changes)


def issue(profile: InsurerProfile, record: object, document: str = "mount", on: date | None = None) -> PrintItems:
    return DOCUMENTS[document].issue(record, profile, on)


def found(profile: InsurerProfile, record: object, document: str = "mount") -> set[tuple[str, str | None]]:
    with pytest.raises(RecordError) as caught:
        issue(profile, record, document)
    return {(violation.code, violation.pointer) for violation in caught.value.violations}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_each_card_has_its_place_its_holder_and_its_mark(profiles: Profiles, count: int) -> None:
    rows = issue(profiles["association"], mount(cards=cards(count))).lists["cards"]
    assert [row.texts["card.place"] for row in rows] == list("①②③④"[:count])
    assert [row.texts["card.holder"] for row in rows] == [f"見本　{name}" for name in NAMES[:count]]
    assert [row.texts["card.match_code"] for row in rows] == [f"M-{at}" for at in range(1, count + 1)]


def test_the_piece_says_which_of_how_many_it_is(profiles: Profiles) -> None:
    texts = issue(profiles["association"], mount(piece={"sheet": 2, "of": 3})).texts
    assert texts["piece.position"] == "3通のうち2通目"
    assert (texts["piece.label"], texts["piece.mark"]) == ("A07-00000417A-2/3", "A07-00000417A-2/3")
    alone = issue(profiles["association"], mount())
    assert (alone.texts["piece.position"], alone.flags["piece.is_one_of_several"]) == ("", False)


def test_names_are_those_of_the_fronts_without_a_former_surname(profiles: Profiles) -> None:
    record = mount()
    record["cards"][0]["person"] |= {"former_surname": "旧例"}
    record["cards"][1]["person"] = {"full_name": "ＭＩＨＯＮ　ＡＮＮＡ", "alias": {"name": "見本　あんな"}}
    rows = issue(profiles["association"], record).lists["cards"]
    assert [row.texts["card.holder"] for row in rows] == ["見本　太郎", "見本　あんな"]
    assert [row.texts["card.holder_titled"] for row in rows] == ["見本　太郎\u00a0様", "見本　あんな\u00a0様"]


def test_the_insurers_characters_are_used_and_reported(profiles: Profiles) -> None:
    record = mount(cards=[{"place": 1, "person": {"family": "髙見", "given": "太郎"}, "match_code": "M"}])
    items = issue(profiles["society"], record)
    assert items.lists["cards"][0].texts["card.holder"] == "高見　太郎"
    assert [use.pointer for use in items.substitutions] == ["/cards/0/person/family"]


PERSON = {"family": "見本", "given": "太郎"}
MISTAKES: dict[str, tuple[dict[str, Any], set[tuple[str, str | None]]]] = {
    "five cards": ({"cards": cards(5)}, {("too_many_cards", "/cards")}),
    "no cards": ({"cards": []}, {("missing_value", "/cards")}),
    "a gap": ({"cards": [cards(1)[0], {**cards(2)[1], "place": 3}]}, {("cards_out_of_place", "/cards/1/place")}),
    "a place twice": (
        {"cards": [cards(1)[0], {**cards(2)[1], "place": 1}]}, {("cards_out_of_place", "/cards/1/place")},
    ),
    "no place": (
        {"cards": [{**cards(1)[0], "place": 0}]}, {("not_allowed", "/cards/0/place")},
    ),
    "one code for two": ({"cards": cards(2, match_code="M")}, {("match_code_twice", "/cards/1/match_code")}),
    "no code": ({"cards": [{"place": 1, "person": PERSON}]}, {("match_code_missing", "/cards/0/match_code")}),
    "no holder": ({"cards": [{"place": 1, "match_code": "M"}]}, {("missing_value", "/cards/0/person")}),
    "the third of two": ({"piece": {"sheet": 3, "of": 2}}, {("piece_out_of_range", "/piece/sheet")}),
    "an id in small letters": ({"piece": {"id": "a07"}}, {("not_allowed", "/piece/id")}),
    "no date": ({"issued_on": ...}, {("issued_on_missing", "/issued_on")}),
    "half a name": (
        {"cards": [{"place": 1, "person": {"family": "見本"}, "match_code": "M"}]},
        {("missing_value", "/cards/0/person/given")},
    ),
    "no barcode": (
        {"addressee": {"address": {"rest": "三百二百番地"}}}, {("barcode_unencodable", "/addressee/address")},
    ),
    "all at once": (
        {"issued_on": ..., "piece": {"sheet": 2}, "cards": cards(5, match_code="M")},
        {("issued_on_missing", "/issued_on"), ("piece_out_of_range", "/piece/sheet"), ("too_many_cards", "/cards")}
        | {("match_code_twice", f"/cards/{at}/match_code") for at in range(1, 5)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(profiles: Profiles, mistake: str) -> None:
    changes, expected = MISTAKES[mistake]
    assert found(profiles["association"], mount(**changes)) == expected


def test_the_jobs_date_of_issue_stands_in_for_the_records(profiles: Profiles) -> None:
    items = issue(profiles["association"], mount(issued_on=...), on=date(2025, 10, 1))
    assert (items.issued_on, items.texts["dates.issued_on"]) == (date(2025, 10, 1), "令和7年10月1日")


# --- printed cards ---


def printed_mount(*people: dict[str, Any]) -> dict[str, Any]:
    return mount(cards=[{"place": at, "card": person} for at, person in enumerate(people, start=1)])


def test_a_printed_card_prints_what_the_card_alone_prints(profiles: Profiles, raw: Raw) -> None:
    record = raw(dependent=True, card=...)
    row = issue(profiles["publishers"], printed_mount(record)).lists["cards"][0]
    alone = issue(profiles["publishers"], record, "card")
    included = row.includes["card"]
    assert included.texts == alone.texts
    assert {name for name in alone.flags if alone.flags[name] != included.flags[name]} <= {"insurer.has_die_line"}
    assert included.flags["insurer.has_die_line"]
    assert included.pointers["holder.name"] == "/cards/0/card/person"
    assert row.texts["card.holder"] == alone.texts["holder.name"]


def test_a_printed_cards_own_mistakes_are_told_in_its_place(profiles: Profiles, raw: Raw) -> None:
    record = printed_mount(raw(card=...), raw(card=..., relationship="9"))
    assert found(profiles["publishers"], record) == {("unknown_code", "/cards/1/card/relationship")}


def test_each_kind_of_mount_refuses_the_others_cards(profiles: Profiles, raw: Raw) -> None:
    assert found(profiles["publishers"], mount(cards=cards(1))) == {
        ("value_not_applicable", "/cards/0/person"),
        ("value_not_applicable", "/cards/0/match_code"),
        ("missing_value", "/cards/0/card"),
    }
    assert found(profiles["association"], mount(cards=[{**cards(1)[0], "card": raw()}])) == {
        ("value_not_applicable", "/cards/0/card")
    }


def test_a_specimen_of_a_mount_has_specimens_of_its_cards(profiles: Profiles, raw: Raw) -> None:
    for specimen in (True, False):
        items = issue(profiles["publishers"], {**printed_mount(raw(card=...)), "specimen": specimen})
        assert items.lists["cards"][0].includes["card"].flags["document.is_specimen"] is specimen


# --- through the employer ---


def test_an_employer_is_told_symbol_number_and_name(profiles: Profiles) -> None:
    items = issue(profiles["association"], employer("12"), "mount-employer")
    assert [items.texts[name] for name in ("symbol", "number", "insured.name", "address.name")] == [
        "21010203", "1234567", "見本　太郎\u00a0様", "株式会社見本製作所\u00a0御中",
    ]  # fmt: skip
    assert items.flags["piece.has_number"]


def test_for_dependents_alone_an_employer_is_told_the_name_only(profiles: Profiles) -> None:
    items = issue(profiles["association"], employer("222"), "mount-employer")
    assert not items.flags["piece.has_number"]
    assert items.texts["insured.name"] == "見本　太郎\u00a0様"
    everything = json.dumps([dict(items.texts), [dict(row.texts) for row in items.lists["cards"]]])
    assert "21010203" not in everything
    assert "1234567" not in everything


EMPLOYER_MISTAKES: dict[str, tuple[dict[str, Any], set[tuple[str, str | None]]]] = {
    "to a person": (
        {"addressee": {"organisation": ..., "person": PERSON}}, {("missing_value", "/addressee/organisation")},
    ),
    "no relationship": ({"cards": cards(1)}, {("missing_value", "/cards/0/relationship")}),
    "unknown relationship": ({"cards": cards(1, relationship="9")}, {("unknown_code", "/cards/0/relationship")}),
    "no number": ({"number": ...}, {("missing_value", "/number")}),
    "a long symbol": ({"symbol": "見" * 20}, {("identifier_too_long", "/symbol")}),
}  # fmt: skip


@pytest.mark.parametrize("mistake", EMPLOYER_MISTAKES)
def test_an_employers_mount_has_rules_of_its_own(profiles: Profiles, mistake: str) -> None:
    changes, expected = EMPLOYER_MISTAKES[mistake]
    assert found(profiles["association"], employer("12", **changes), "mount-employer") == expected
