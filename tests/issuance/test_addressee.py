"""The address block of a window: name and title once, lines by parts, the barcode and why it is left out."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from docgen.errors import RecordError, Violation
from docgen.issuance.address import Reason
from docgen.issuance.addressee import OMITTED, AddressBlock, Addressee, address_block
from docgen.issuance.items import Substitution
from docgen.issuance.profile import InsurerProfile, Mail
from docgen.issuance.record import parse

Profiles = dict[str, InsurerProfile]

PERSON = {"family": "見本", "given": "花子", "former_surname": "例示"}
ADDRESS = {"postal_code": "154-0023", "area": "東京都世田谷区若林", "rest": "3-16-4", "building": "見本荘205"}


def block(profile: InsurerProfile, piece: str | None = None, **changes: Any) -> AddressBlock:
    addressee = parse(Addressee, {"person": PERSON, "address": ADDRESS, **changes})
    violations: list[Violation] = []
    made = address_block(addressee, piece, profile, [], violations)
    if violations:
        raise RecordError(violations)
    return made


def test_a_person_is_named_once_with_the_title_and_without_a_former_surname(profiles: Profiles) -> None:
    texts = block(profiles["association"], "S01-0001").texts
    assert texts["address.name"] == "見本　花子\u00a0様"
    assert "".join(texts.values()).count("様") == 1
    assert (texts["address.postal_code"], texts["piece.id"]) == ("〒154-0023", "S01-0001")


def test_an_alias_stands_for_the_registered_name(profiles: Profiles) -> None:
    alias = {"name": "別名　太郎"}
    texts = block(profiles["accountants"], person={"family": "戸籍", "given": "太郎", "alias": alias}).texts
    assert texts["address.name"] == "別名　太郎\u00a0様"


def test_an_organisation_has_another_title(profiles: Profiles) -> None:
    made = block(profiles["association"], person=None, organisation="見本商事株式会社")
    assert made.texts["address.name"] == "見本商事株式会社\u00a0御中"
    assert made.pointers["address.name"] == "/addressee/organisation"


@pytest.mark.parametrize("changes", [{"organisation": "見本商事"}, {"person": None}])
def test_the_addressee_is_one_of_both(profiles: Profiles, changes: dict[str, Any]) -> None:
    with pytest.raises(RecordError) as caught:
        block(profiles["association"], **changes)
    assert {violation.code for violation in caught.value.violations} == {"missing_value"}


def test_lines_break_between_town_and_number_and_the_building_has_its_own(profiles: Profiles) -> None:
    assert block(profiles["society"]).texts["address.lines"] == "東京都世田谷区若林\u200b3-16-4\n見本荘205"
    short = {"postal_code": "154-0023", "full": "東京都世田谷区若林3-16-4"}
    assert block(profiles["society"], address=short).texts["address.lines"] == "東京都世田谷区若林3-16-4"
    box = {"postal_code": "980-8691", "area": "見本中央郵便局", "post_office_box": "215"}
    assert block(profiles["society"], address=box).texts["address.lines"] == "見本中央郵便局\u200b私書箱第215号"


def test_the_insurers_characters_are_used(profiles: Profiles) -> None:
    addressee = parse(Addressee, {"person": {"family": "髙見", "given": "太郎"}, "address": {**ADDRESS, "rest": "﨑1"}})
    used: list[Substitution] = []
    made = address_block(addressee, None, profiles["society"], used, [])
    assert (made.texts["address.name"], made.texts["address.lines"][-10:]) == (
        "高見　太郎\u00a0様",
        "\u200b崎1\n見本荘205",
    )
    assert {use.pointer for use in used} == {"/addressee/person/family", "/addressee/address/rest"}


def test_the_barcode_tells_the_address(profiles: Profiles) -> None:
    made = block(profiles["association"])
    assert made.texts["address.barcode"] == "15400233-16-4-205"
    assert (made.flags["address.has_barcode"], made.omitted) == (True, {})


def test_a_general_postal_code_has_no_barcode_and_says_so(profiles: Profiles) -> None:
    made = block(profiles["association"], address={**ADDRESS, "postal_code": "154-0000"})
    assert (made.texts["address.barcode"], made.flags["address.has_barcode"]) == ("", False)
    assert made.omitted == {"address.barcode": "general_postal_code"}


def test_an_address_without_a_number_has_no_barcode_and_says_so(profiles: Profiles) -> None:
    made = block(profiles["association"], address={"postal_code": "154-0023", "area": "東京都世田谷区", "rest": "若林"})
    assert (made.texts["address.barcode"], made.flags["address.has_barcode"]) == ("", False)
    assert made.omitted == {"address.barcode": "no_address_number"}


def test_each_reason_for_leaving_the_barcode_out_is_explained() -> None:
    reasons = {*get_args(Reason), "not_discounted"} - {"address_number", "zip_only", "post_office_box"}
    assert set(OMITTED) == reasons


@pytest.mark.parametrize(
    ("setting", "discounted", "omitted"),
    [
        ("always", False, {}),
        ("only_when_discounted", True, {}),
        ("only_when_discounted", False, {"address.barcode": "not_discounted"}),
    ],
)
def test_the_profile_says_when_there_is_a_barcode(
    profiles: Profiles, setting: Any, discounted: bool, omitted: dict[str, str]
) -> None:
    profile = profiles["association"].model_copy(update={"mail": Mail(customer_barcode=setting)})
    made = block(profile, discounted=discounted)
    assert made.omitted == omitted
    assert made.flags["address.has_barcode"] is not bool(omitted)


def test_an_address_that_has_no_barcode_is_refused(profiles: Profiles) -> None:
    with pytest.raises(RecordError) as caught:
        block(profiles["association"], address={**ADDRESS, "rest": "三百二百番地"})
    [violation] = caught.value.violations
    assert (violation.code, violation.pointer) == ("barcode_unencodable", "/addressee/address")
