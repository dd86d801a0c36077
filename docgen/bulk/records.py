"""The records of a household's documents, made from its rows of the extract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from docgen.bulk.job import Job, match_code
from docgen.bulk.rows import Extracted
from docgen.issuance.extract import Delivery
from docgen.issuance.record import PersonName

_NAMES = tuple(PersonName.model_fields)
_OF_A_PERSON = (
    "branch",
    "relationship",
    "membership",
    "acquired_on",
    "certified_on",
    "continuation_ends_on",
    "residence_until",
    "burden",
)


def names(data: Extracted) -> dict[str, Any]:
    """A person's names alone."""
    person = data.card.get("person", {})
    return {key: person[key] for key in _NAMES if key in person}


def mailed(record: Mapping[str, Any], delivery: Delivery) -> dict[str, Any]:
    """A record with an addressee, as the delivery mails it: what goes by 特定記録 has no discount."""
    return {**record, "addressee": {**record["addressee"], "discounted": not delivery.tracked}}


def card_record(data: Extracted, insured: Extracted | None, code: str) -> dict[str, Any]:
    """A card that bears its match code; `insured` is given for a dependent's."""
    of = {"insured": insured.insured()} if insured is not None else {}
    return {**data.card, **of, "card": {"serial": code, "match_code": code}}


def mount_record(
    piece: str,
    sheet: int,
    of: int,
    insured: Extracted,
    cards: Sequence[Extracted],
    *,
    printed: Sequence[Any] = (),
) -> dict[str, Any]:
    """The mount of one envelope to the insured person's home; `printed` has the cards' records if it includes them."""
    return {
        "piece": {"id": piece, "sheet": sheet, "of": of},
        "addressee": {"person": insured.insured(), "address": insured.address},
        "cards": [
            {"place": place, "card": printed[place - 1]}
            if printed
            else {"place": place, "person": names(data), "match_code": match_code(piece, sheet, place)}
            for place, data in enumerate(cards, start=1)
        ],
    }


def employer_mount_record(
    job: Job, mount: Mapping[str, Any], insured: Extracted, cards: Sequence[Extracted]
) -> dict[str, Any]:
    """The same mount, handed on by the employer."""
    affixed = [
        mounted if "card" in mounted else {**mounted, "relationship": data.card.get("relationship")}
        for mounted, data in zip(mount["cards"], cards, strict=True)
    ]
    return {
        **mount,
        "addressee": employer_address(insured),
        "occasion": job.occasion,
        "insured": insured.insured(),
        **{key: insured.card[key] for key in ("symbol", "number") if key in insured.card},
        "cards": affixed,
    }


def employer_address(insured: Extracted) -> dict[str, Any]:
    """The employer as an addressee; incomplete if the row has none, which the rules then say."""
    employer = insured.employer or {}
    return {"organisation": employer.get("name"), "address": employer.get("address") or {}}


def notice_record(
    piece: str, insured: Extracted, people: Sequence[Extracted], of: Sequence[Extracted | None], *, last4: bool
) -> dict[str, Any]:
    """A notice to the insured person's home, for one person or a household; `of` is the insured of each dependent.

    `piece` is the envelope's number, as `piece_label` writes it.
    """
    first = people[0].card
    return {
        "piece_id": piece,
        "addressee": {"person": insured.insured(), "address": insured.address},
        **{key: first[key] for key in ("symbol", "number") if key in first},
        "people": [_noticed(data, of_whom, last4) for data, of_whom in zip(people, of, strict=True)],
    }


def _noticed(data: Extracted, insured: Extracted | None, last4: bool) -> dict[str, Any]:
    person = {**names(data), **{key: data.card["person"][key] for key in ("born_on",) if key in data.card["person"]}}
    noticed = {"person": person, **{key: data.card[key] for key in _OF_A_PERSON if key in data.card}}
    if insured is not None:
        noticed["insured"] = insured.insured()
    if last4 and data.individual_number_last4 is not None:
        noticed["individual_number_last4"] = data.individual_number_last4
    return noticed


def envelope(piece: str, insured: Extracted, people: int, *, for_dependents: bool, cards: bool) -> dict[str, Any]:
    """One envelope in the letter to an employer, with `people`'s cards or notices: for dependents alone no number.

    `piece` is the number that stands in its window.
    """
    number = {} if for_dependents else {"number": insured.card.get("number")}
    return {"piece_id": piece, "insured": insured.insured(), "cards" if cards else "people": people, **number}


def letter_record(job: Job, piece: str, employer: Mapping[str, Any], envelopes: Sequence[Any]) -> dict[str, Any]:
    """The letter to an employer with the envelopes that it hands on; `piece` is the letter's number (`piece_label`)."""
    return {
        "addressee": {"organisation": employer.get("name"), "address": employer.get("address") or {}},
        "piece_id": piece,
        "occasion": job.occasion,
        "contents": "cards" if "cards" in envelopes[0] else "notices",
        **{key: employer[key] for key in ("symbol",) if key in employer},
        "envelopes": list(envelopes),
    }


def recipient(data: Extracted, insured: Extracted | None) -> dict[str, Any]:
    """One person on the list that an employer gets; `insured` is given for a dependent."""
    person = data.card.get("person", {})
    listed = {"person": {**names(data), **{key: person[key] for key in ("born_on",) if key in person}}}
    of = {"insured": insured.insured()} if insured is not None else {}
    return {**listed, **of, **{key: data.card[key] for key in ("number", "branch", "relationship") if key in data.card}}


def list_record(piece: str, employer: Mapping[str, Any], recipients: Sequence[Any]) -> dict[str, Any]:
    """The list of recipients of one employer; `piece` is its number (`piece_label`)."""
    known = {key: employer[key] for key in ("symbol", "name") if key in employer}
    return {"list_id": piece, "employer": known, "recipients": list(recipients)}
