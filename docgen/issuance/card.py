"""The eligibility card: from a record and a profile to everything that may be printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from docgen.errors import RecordError, Violation
from docgen.issuance import catalogue
from docgen.issuance.burden import burden_text
from docgen.issuance.dates import printed_date
from docgen.issuance.items import PART, PrintItems, Substitution
from docgen.issuance.names import KANA, REGISTERED, front_kana, front_name, named_in_public, registered_name, spelled
from docgen.issuance.profile import CardSettings, InsurerProfile
from docgen.issuance.record import CardRecord, PersonName
from docgen.issuance.rules import (
    ISSUED_ON_MISSING,
    age_violations,
    date_violations,
    early_violations,
    not_applicable,
    table_violations,
)
from docgen.issuance.validity import Expiry, expiry

CATALOGUE = catalogue.CARD

# When the law on the card came into force: https://www.mhlw.go.jp/web/t_doc?dataId=84ac0107&dataType=0&pageNo=1
FIRST_ISSUE = date(2024, 12, 2)

# The record's value behind each text; the rest comes from the profile.
POINTERS = {
    "card.role": "/relationship",
    "membership": "/membership",
    "holder.name": "/person",
    "holder.kana": "/person",
    "holder.sex": "/person/sex",
    "holder.born_on": "/person/born_on",
    "symbol": "/symbol",
    "number": "/number",
    "branch": "/branch",
    "dates.acquired_label": "/relationship",
    "dates.acquired_on": "/acquired_on",
    "dates.issued_on": "/issued_on",
    "insured.name": "/insured",
    "burden.text": "/burden",
    "burden.effective_on": "/burden/effective_on",
    "remarks": "/person",
    "card.serial": "/card/serial",
    "card.qr": "/card",
}
_CERTIFIED_POINTERS = {**POINTERS, "dates.acquired_on": "/certified_on"}


def constants(profile: InsurerProfile) -> dict[str, str]:
    """The items that are the same on each of the insurer's documents."""
    return {
        "insurer.number": profile.number,
        "insurer.name": profile.name,
        "insurer.address": profile.address,
        "insurer.tel": profile.tel,
    }


def issue_card(record: CardRecord, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
    """Everything that this person's card prints.

    The record's own `issued_on` goes before the job's. Nothing is compared with the clock. Raises RecordError with
    every rule that the record breaks.
    """
    settings = profile.documents.card
    if settings is None:
        raise ValueError(f"{profile.id} issues no card")
    violations = [*table_violations(record, profile), *_card_violations(record, profile, settings)]
    issued = record.issued_on or issued_on
    if issued is None:
        raise RecordError([ISSUED_ON_MISSING, *violations])
    violations += [*early_violations(issued, FIRST_ISSUE), *date_violations(record, issued)]
    if record.person.born_on > issued:
        raise RecordError(violations)
    validity = _expiry(record, profile, issued)
    burden = profile.burden if settings.burden == "printed" else None
    violations += age_violations(record, issued, validity, burden=burden)
    if violations:
        raise RecordError(violations)
    return _items(record, profile, settings, issued, validity)


def _expiry(record: CardRecord, profile: InsurerProfile, issued: date) -> Expiry:
    return expiry(
        profile.validity,
        issued,
        record.person.born_on,
        residence_until=record.residence_until,
        continuation_ends_on=record.continuation_ends_on,
        expires_by=record.expires_by,
    )


# --- rules ---


def _card_violations(record: CardRecord, profile: InsurerProfile, settings: CardSettings) -> Iterator[Violation]:
    """What the card asks for beyond the rules that it shares with other documents."""
    if record.expires_by is not None and not profile.validity.short_term:
        yield not_applicable("expires_by", "this insurer has no short-term cards")
    yield from _id_violations(record, settings)
    yield from _sex_violations(record)


def _id_violations(record: CardRecord, settings: CardSettings) -> Iterator[Violation]:
    """Ids of the piece: a card glued by machine has a match code in its symbol and a serial that people can read."""
    payload = settings.qr.payload if settings.qr is not None else ""
    if "{match_code}" in payload and record.card.match_code is None:
        yield Violation(
            "match_code_missing",
            "the card's symbol holds a match code",
            "give card.match_code",
            pointer="/card/match_code",
        )
    if (settings.match_code or "{card.serial}" in payload) and record.card.serial is None:
        yield Violation("missing_value", "the card needs a readable serial", "give card.serial", pointer="/card/serial")


def _sex_violations(record: CardRecord) -> Iterator[Violation]:
    if record.person.sex_masked and record.person.sex is None:
        yield Violation(
            "missing_value",
            "a masked sex stands on the back",
            "give sex, or leave sex_masked out",
            pointer="/person/sex",
        )


# --- items ---


def _items(
    record: CardRecord, profile: InsurerProfile, settings: CardSettings, issued: date, validity: Expiry
) -> PrintItems:
    used: list[Substitution] = []
    person = spelled(record.person, "/person", _own_fields(record.person), profile.substituter, used)
    relationship = profile.relationships[record.relationship]
    membership = profile.memberships[record.membership] if record.membership is not None else None

    def printed(day: date | None) -> str:
        return printed_date(day, profile.dates, issued)

    sex = _sex_word(record, profile)
    on_back = sex != "" and (record.person.sex_masked or record.person.alias is not None)
    burden = record.burden if settings.burden == "printed" else None
    ratio = burden_text(burden, profile.burden, profile.dates, issued) if settings.burden == "printed" else ""
    texts = {
        "card.role": relationship.label,
        "membership": membership.label if membership is not None else "",
        "holder.name": front_name(person, profile.names),
        "holder.kana": front_kana(person, profile.names),
        "holder.sex": profile.sex.masked if on_back else sex or profile.sex.unset,
        "holder.born_on": printed(record.person.born_on),
        "symbol": record.symbol or "",
        "number": record.number,
        "branch": record.branch or "",
        "dates.acquired_label": (membership and membership.date_label) or relationship.date_label,
        "dates.acquired_on": printed(record.certified_on if relationship.date == "certified" else record.acquired_on),
        "dates.issued_on": printed(issued),
        "validity.expires_label": profile.validity.label,
        "validity.expires_on": printed(validity.on),
        "insured.name": _insured_name(record, profile, settings, used),
        "burden.text": ratio,
        "burden.effective_on": printed(burden.effective_on if burden is not None else None),
        "remarks": _remarks(person, sex if on_back else "", profile),
        "card.serial": record.card.serial or "",
    }
    texts["card.qr"] = _payload(texts, record, profile, settings)
    flags = {
        "holder.is_dependent": relationship.dependent,
        "holder.has_symbol": record.symbol is not None,
        "holder.has_branch": record.branch is not None,
        "holder.sex_on_back": on_back,
        "burden.is_printed": texts["burden.text"] != "",
        "burden.has_effective_date": burden is not None,
        "card.has_qr": settings.qr is not None,
        "card.has_serial": record.card.serial is not None,
        "document.has_remarks": texts["remarks"] != "",
        "document.is_specimen": record.specimen,
        "insurer.has_mark": "mark" in profile.images,
        "insurer.has_seal": "seal" in profile.images,
        "insurer.has_die_line": settings.die_line,
    }
    return PrintItems(
        texts=texts,
        flags=flags,
        pointers=_CERTIFIED_POINTERS if relationship.date == "certified" else POINTERS,
        issued_on=issued,
        expires_on=validity.on,
        expiry_reason=validity.reason,
        substitutions=tuple(used),
    )


def _sex_word(record: CardRecord, profile: InsurerProfile) -> str:
    """The registered sex; empty if it is not set."""
    match record.person.sex:
        case "1":
            return profile.sex.male
        case "2":
            return profile.sex.female
    return ""


def _remarks(person: PersonName, sex_on_back: str, profile: InsurerProfile) -> str:
    """The lines of the back: the meaning of the brackets, or the registered name, and the registered sex.

    Sources: https://www.kyoukaikenpo.or.jp/g2/cat298/ , https://www.city.gifu.lg.jp/32218.htm
    """
    lines = []
    if person.alias is not None and profile.names.alias.remark is not None:
        lines.append(profile.names.alias.remark.format(registered=registered_name(person, profile.names)))
    elif person.former_surname is not None:
        lines.append(profile.names.former_surname.remark)
    if sex_on_back:
        lines.append(profile.sex.remark.format(sex=sex_on_back))
    return "\n".join(lines)


def _insured_name(record: CardRecord, profile: InsurerProfile, settings: CardSettings, used: list[Substitution]) -> str:
    """The insured person on a dependent's card: named as on the own card's front, but never with a former surname."""
    if record.insured is None:
        return ""
    if settings.insured_name == "front":
        return named_in_public(record.insured, "/insured", profile, used)
    return registered_name(spelled(record.insured, "/insured", REGISTERED, profile.substituter, used), profile.names)


def _own_fields(name: PersonName) -> tuple[str, ...]:
    """The parts of the name that the person's own card prints."""
    return (*REGISTERED, "alias") if name.alias is not None else (*REGISTERED, *KANA, "former_surname")


def _payload(texts: dict[str, str], record: CardRecord, profile: InsurerProfile, settings: CardSettings) -> str:
    if settings.qr is None:
        return ""

    def value(found: re.Match[str]) -> str:
        if found[1] == "match_code":
            return record.card.match_code or ""
        return texts[found[1]] if found[1] in texts else constants(profile)[found[1]]

    return _PLACEHOLDER.sub(value, settings.qr.payload).replace(PART, "")  # that is for who breaks lines


_PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")
