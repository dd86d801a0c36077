"""Envelopes: what the profile puts on them, who is addressed under which name, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from docgen.errors import RecordError
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.envelope import sender_constants
from docgen.issuance.items import PrintItems
from docgen.issuance.profile import EnvelopeSettings, InsurerProfile, ReplyPaid, ReplySettings
from tests.issuance.conftest import LAYOUTS, load_profile, merged

ASSOCIATION = load_profile(LAYOUTS / "insurers" / "association.yaml")
SOCIETY = load_profile(LAYOUTS / "insurers" / "society.yaml")
ADDRESS = {"postal_code": "154-0023", "area": "東京都世田谷区若林", "rest": "3-16-4"}
PERSON = {"person": {"family": "見本", "given": "太郎"}, "address": ADDRESS}


def window(profile: InsurerProfile = ASSOCIATION, **changes: Any) -> PrintItems:
    return DOCUMENTS["envelope"].issue(merged({"issued_on": "2025-08-20"}, changes), profile, None)


def large(profile: InsurerProfile = SOCIETY, **changes: Any) -> PrintItems:
    raw = merged({"issued_on": "2025-08-20", "addressee": PERSON}, changes)
    return DOCUMENTS["envelope"].issue(raw, profile, None)


def reply(profile: InsurerProfile = ASSOCIATION, **changes: Any) -> PrintItems:
    return DOCUMENTS["reply-envelope"].issue(merged({"issued_on": "2025-08-20"}, changes), profile, None)


def refused(issue: Any, **changes: Any) -> set[tuple[str, str | None]]:
    with pytest.raises(RecordError) as caught:
        issue(**changes)
    return {(violation.code, violation.pointer) for violation in caught.value.violations}


def with_envelope(profile: InsurerProfile, **changes: Any) -> InsurerProfile:
    settings = profile.documents.envelope
    assert settings is not None
    documents = profile.documents.model_copy(update={"envelope": settings.model_copy(update=changes)})
    return profile.model_copy(update={"documents": documents})


def endorsements(items: PrintItems) -> list[str]:
    return [row.texts["endorsement.text"] for row in items.lists["endorsements"]]


def test_the_profile_chooses_size_writing_postage_and_endorsements() -> None:
    assert DOCUMENTS["envelope"].layout_for(ASSOCIATION) == "envelope-long-3"
    assert DOCUMENTS["envelope"].layout_for(SOCIETY) == "envelope-square-2"
    one, other = window(), large()
    assert (one.flags["writing.is_vertical"], other.flags["writing.is_vertical"]) == (False, True)
    assert (one.texts["postage.text"], other.texts["postage.text"]) == ("料金後納\n郵便", "料金別納\n郵便")
    assert endorsements(one) == ["重要", "資格確認書在中"]
    assert endorsements(other) == ["親展", "資格確認書在中"]


def test_a_record_may_ask_for_other_writing_and_endorsements() -> None:
    items = window(writing="vertical", endorsements=["notice_enclosed"])
    assert items.flags["writing.is_vertical"]
    assert endorsements(items) == ["資格情報のお知らせ在中"]
    assert endorsements(window(endorsements=[])) == []


def test_forwarding_and_stamps_are_the_profiles() -> None:
    assert window().flags["mail.is_not_forwarded"]
    changed = with_envelope(ASSOCIATION, forwarded=True, postage=None, window_guide=False)
    flags = window(changed).flags
    assert not any(flags[key] for key in ("mail.is_not_forwarded", "postage.has_mark", "window.has_guide"))


def test_a_window_shows_its_contents_and_prints_nobody() -> None:
    assert refused(window, addressee=PERSON, piece_id="A-1") == {
        ("value_not_applicable", "/addressee"),
        ("value_not_applicable", "/piece_id"),
    }


def test_without_a_window_somebody_is_addressed() -> None:
    assert refused(large, addressee=...) == {("missing_value", "/addressee")}


def test_the_alias_stands_on_the_envelope_and_the_registered_name_does_not() -> None:
    person = {"full_name": "ＭＩＨＯＮ　ＡＮＮＡ", "alias": {"name": "見本　杏奈"}}
    items = large(addressee={"person": {"family": ..., "given": ..., **person}})
    assert items.texts["address.name"] == "見本　杏奈\u00a0様"
    assert "ＭＩＨＯＮ" not in "".join(items.texts.values())


def test_a_former_surname_is_for_the_card_alone() -> None:
    person = {"family": "見本", "given": "花子", "former_surname": "例示"}
    assert "例示" not in large(addressee={"person": person}).texts["address.name"]


def test_tracked_mail_has_no_discount_and_so_no_barcode_where_that_decides() -> None:
    assert large().texts["address.barcode"] == "15400233-16-4"
    assert large(tracked=True).omitted == {"address.barcode": "not_discounted"}


def test_an_address_that_makes_no_barcode_is_told() -> None:
    full = {"full": "東京都世田谷区若林3-16-4", "area": ..., "rest": ..., "postal_code": "060-0906"}
    assert ("address_not_split", "/addressee/address/full") in refused(large, addressee={"address": full})


@pytest.mark.parametrize("twice", [["important", "important"], ["secret"]])
def test_endorsements_are_of_the_list_and_stand_once(twice: list[str]) -> None:
    assert {code for code, _ in refused(window, endorsements=twice)} == {"not_allowed"}


def test_more_endorsements_than_places_are_refused() -> None:
    many = ["confidential", "important", "certificate_enclosed", "notice_enclosed"]
    assert {pointer for _, pointer in refused(window, endorsements=many)} == {"/endorsements"}


def test_the_senders_postal_code_stands_apart() -> None:
    constants = sender_constants(ASSOCIATION)
    assert constants["sender.postal_code"] == "〒000-0000"
    assert constants["sender.address"] == "見本県見本市中央1-2-3"
    bare = sender_constants(ASSOCIATION.model_copy(update={"address": "見本県見本市"}))
    assert (bare["sender.postal_code"], bare["sender.address"]) == ("", "見本県見本市")


def test_the_reply_mark_is_the_profiles() -> None:
    items = reply()
    assert items.texts["reply.office"] == "見本局承認"
    assert items.texts["reply.number"] == "1234"
    assert items.texts["reply.valid_until"] == "令和9年3月31日まで"
    assert items.texts["reply.barcode"] == "0008790123"
    assert items.texts["reply.section"].endswith("行")


@pytest.mark.parametrize(("day", "code"), [("2027-04-01", "expired_at_issue"), ("2025-03-31", "dates_out_of_order")])
def test_a_mark_that_does_not_hold_on_the_day_is_not_printed(day: str, code: str) -> None:
    assert refused(reply, issued_on=day) == {(code, "/issued_on")}


@pytest.mark.parametrize("day", ["2025-04-01", "2027-03-31"])
def test_a_mark_holds_on_its_first_day_and_on_its_last(day: str) -> None:
    assert reply(issued_on=day).texts["reply.number"] == "1234"


def test_without_a_date_nothing_is_issued() -> None:
    assert refused(reply, issued_on=...) == {("issued_on_missing", "/issued_on")}
    assert ("issued_on_missing", "/issued_on") in refused(window, issued_on=...)


@pytest.mark.parametrize("until", [date(2027, 4, 2), date(2025, 4, 1)])
def test_an_approval_holds_two_years_at_most(until: date) -> None:
    approval = {"office": "見本局", "number": "1", "approved_on": date(2025, 4, 1)}
    assert ReplyPaid(**approval, valid_until=date(2027, 4, 1))
    with pytest.raises(ValidationError, match="within two years"):
        ReplyPaid(**approval, valid_until=until)


def test_a_serial_number_needs_its_kind_of_postal_code() -> None:
    settings = ASSOCIATION.documents.reply_envelope
    assert settings is not None
    with pytest.raises(ValidationError, match="8790"):
        ReplySettings(**{**settings.model_dump(), "postal_code": "000-0001"})
    plain = ReplySettings(**{**settings.model_dump(exclude={"serial"}), "postal_code": "000-0001"})
    documents = ASSOCIATION.documents.model_copy(update={"reply_envelope": plain})
    items = reply(ASSOCIATION.model_copy(update={"documents": documents}))
    assert not items.flags["reply.has_serial"]
    assert items.texts["reply.barcode"] == ""


def test_a_size_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError):
        EnvelopeSettings(size="long-4")  # type: ignore[arg-type]
