"""The letter to an employer: to whom it goes, what it counts, under which names, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from docgen.errors import RecordError
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import PrintItems
from docgen.issuance.profile import InsurerProfile
from tests.issuance.conftest import LAYOUTS, load_profile, merged

ASSOCIATION = load_profile(LAYOUTS / "insurers" / "association.yaml")
ENVELOPE: dict[str, Any] = {
    "piece_id": "A07-00000001L-1/2",
    "insured": {"family": "見本", "given": "太郎"},
    "number": "100",
    "cards": 2,
}


def record(*envelopes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    address = {"postal_code": "154-0023", "area": "東京都世田谷区若林", "rest": "3-16-4"}
    base = {
        "issued_on": "2025-08-20",
        "addressee": {"organisation": "見本商事", "address": address},
        "occasion": "returned",
        "symbol": "1234",
        "envelopes": list(envelopes),
    }
    return merged(base, changes)


def issue(raw: object, profile: InsurerProfile = ASSOCIATION) -> PrintItems:
    return DOCUMENTS["employer-letter"].issue(raw, profile, None)


def refused(raw: object) -> set[tuple[str, str | None]]:
    with pytest.raises(RecordError) as caught:
        issue(raw)
    return {(violation.code, violation.pointer) for violation in caught.value.violations}


def test_it_counts_envelopes_and_cards() -> None:
    items = issue(record(ENVELOPE, merged(ENVELOPE, {"cards": 4}), merged(ENVELOPE, {"cards": 1})))
    assert items.texts["letter.total"] == "3通（カード7枚）"
    assert [row.texts["envelope.row"] for row in items.lists["envelopes"]] == ["1", "2", "3"]


def test_of_notices_it_counts_the_people_whom_they_tell_of() -> None:
    one, six = (merged(ENVELOPE, {"cards": ..., "people": people}) for people in (1, 6))
    items = issue(record(one, six, contents="notices"))
    assert (items.texts["letter.total"], items.flags["letter.is_of_notices"]) == ("2通（7名分）", True)
    assert [row.texts["envelope.cards"] for row in items.lists["envelopes"]] == ["1名", "6名"]
    assert refused(record(one)) == {
        ("missing_value", "/envelopes/0/cards"),
        ("value_not_applicable", "/envelopes/0/people"),
    }
    assert refused(record(ENVELOPE, contents="notices")) == {
        ("missing_value", "/envelopes/0/people"), ("value_not_applicable", "/envelopes/0/cards")
    }  # fmt: skip


def test_it_goes_to_the_employer() -> None:
    items = issue(record(ENVELOPE))
    assert items.texts["address.name"] == "見本商事\u00a0御中"
    person = {"organisation": ..., "person": {"family": "見本", "given": "太郎"}}
    assert refused(record(ENVELOPE, addressee=person)) == {("missing_value", "/addressee/organisation")}


def test_an_envelope_of_dependents_alone_has_the_insured_name_only() -> None:
    [row] = issue(record(merged(ENVELOPE, {"number": ...}))).lists["envelopes"]
    assert (row.texts["envelope.number"], row.flags["envelope.has_number"]) == ("", False)
    assert row.texts["envelope.insured_name"] == "見本　太郎"


def test_nobody_is_exposed_on_it() -> None:
    alias = merged(ENVELOPE, {"insured": {"alias": {"name": "別名　太郎"}}})
    former = merged(ENVELOPE, {"insured": {"former_surname": "例示"}})
    rows = issue(record(alias, former)).lists["envelopes"]
    assert [row.texts["envelope.insured_name"] for row in rows] == ["別名　太郎", "見本　太郎"]


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"cards": 5}, "not_allowed", "cards"),
        ({"piece_id": "a7"}, "not_allowed", "piece_id"),
        ({"number": "1２"}, "mixed_width", "number"),
        ({"number": "1" * 36}, "identifier_too_long", "number"),
        ({"insured": {"given": ...}}, "missing_value", "insured/given"),
    ],
)
def test_a_wrong_row_is_named(changes: dict[str, Any], code: str, pointer: str) -> None:
    assert refused(record(ENVELOPE, merged(ENVELOPE, changes))) == {(code, f"/envelopes/1/{pointer}")}


def test_what_is_wrong_is_told_together() -> None:
    found = refused(record(return_by="2025-08-19"))
    assert found == {("empty_list", "/envelopes"), ("dates_out_of_order", "/return_by")}
    assert refused(record(ENVELOPE, issued_on=...)) == {("issued_on_missing", "/issued_on")}
    assert refused(record(ENVELOPE, symbol="１" * 20)) == {("identifier_too_long", "/symbol")}
    assert refused(record(ENVELOPE, occasion="gift")) == {("not_allowed", "/occasion")}


def test_an_address_that_cannot_be_split_is_refused() -> None:
    address = {"postal_code": "154-0023", "area": ..., "rest": ..., "full": "どこか1-2-3"}
    assert refused(record(ENVELOPE, addressee={"address": address})) == {
        ("address_not_split", "/addressee/address/full")
    }
