"""The eligibility notice (資格情報のお知らせ): what it tells about one person, or about a household.

What stands on it, and on the card to cut out:
https://yamaguchi-kr.com/manager/%e3%80%8c%e3%83%9e%e3%82%a4%e3%83%8a%e4%bf%9d%e9%99%ba%e8%a8%bc%e3%80%8d%e3%81%b8%e3%81%ae%e7%a7%bb%e8%a1%8c%e3%81%ab%e9%96%a2%e3%81%97%e3%81%a6%ef%bc%81
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from docgen.errors import RecordError, Violation
from docgen.issuance import addressee, catalogue
from docgen.issuance.addressee import Addressee, PieceNumber, address_block, inserter_violations
from docgen.issuance.burden import burden_from, burden_text
from docgen.issuance.dates import printed_date
from docgen.issuance.eras import running
from docgen.issuance.items import Catalogue, ItemSpec, Need, PrintItems, Row, Substitution, always
from docgen.issuance.names import KANA, front_kana, named_in_public, spelled
from docgen.issuance.profile import InsurerProfile, NoticeSettings
from docgen.issuance.record import (
    Branch,
    Burden,
    Code,
    Day,
    DocumentRecord,
    Identifier,
    Model,
    PersonName,
    fault,
    identifier_violations,
)
from docgen.issuance.rules import (
    ISSUED_ON_MISSING,
    age_violations,
    date_violations,
    early_violations,
    not_applicable,
    table_violations,
    under,
)
from docgen.issuance.validity import Expiry, expiry

# --- the record ---


def too_many_digits(text: str) -> tuple[str, str, str] | None:
    """Code, message and hint if there are more than the last four digits of an individual number.

    The value itself stays out of every message: it may be a whole one.
    """
    digits = sum(char.isdecimal() for char in text)
    message = f"{digits} digits of an individual number, where 4 are allowed"
    return ("individual_number_too_long", message, "send the last four alone") if digits > 4 else None


# The law behind notices was promulgated on this day (https://wic-net.com/material/document/9986/6), and they were sent
# before the cards: no source fixes the first day.
FIRST_ISSUE = date(2023, 6, 9)


def _check_last_four(text: str) -> str:
    if re.fullmatch("[0-9]{4}", text):
        return text
    if too_long := too_many_digits(text):
        raise fault(*too_long)
    raise fault("not_allowed", "not the last four digits of an individual number", "four half-width digits")


LastFour = Annotated[str, AfterValidator(_check_last_four), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}$"})]


class NoticeName(PersonName):
    """A person on a notice; it has no place for the sex."""

    born_on: Day = Field(description="生年月日")


class NoticePerson(Model):
    """One person whose eligibility the notice tells."""

    person: NoticeName = Field(description="the person, by name and birth date")
    branch: Branch | None = Field(default=None, description="枝番: two half-width digits; absent is not 00")
    relationship: Code = Field(description="本人・家族の別: a code of the profile's table")
    membership: Code | None = Field(default=None, description="加入区分: a code of the profile's table")
    acquired_on: Day | None = Field(default=None, description="資格取得年月日")
    certified_on: Day | None = Field(default=None, description="認定年月日 of a dependent")
    continuation_ends_on: Day | None = Field(
        default=None, description="資格喪失予定年月日 of a voluntarily continued member"
    )
    residence_until: Day | None = Field(default=None, description="在留期間の満了日")
    burden: Burden | None = Field(default=None, description="一部負担金の割合 from 70: ratio and effective_on")
    insured: PersonName | None = Field(default=None, description="被保険者, of a dependent")
    individual_number_last4: LastFour | None = Field(
        default=None, description="the last four digits of the individual number (個人番号), if the insurer prints them"
    )


def _check_people(people: tuple[NoticePerson, ...]) -> tuple[NoticePerson, ...]:
    if people:
        return people
    raise fault("missing_value", "the list is empty", "a notice is for one person or more")


# A minimum length of the field's own would also count people who are there, but malformed, as absent.
People = Annotated[
    tuple[NoticePerson, ...],
    Field(max_length=99, strict=False, json_schema_extra={"minItems": 1}),
    AfterValidator(_check_people),
]


class NoticeRecord(DocumentRecord):
    """A record for an eligibility notice (資格情報のお知らせ): one person's, or a household's, as the profile says."""

    addressee: Addressee = Field(description="to whom the notice is sent")
    piece_id: PieceNumber | None = Field(
        default=None, description="number of the piece of mail, in the window and beside it: S0001-00000012M-1/2"
    )
    symbol: Identifier | None = Field(default=None, description="記号: all half-width or all full-width")
    number: Identifier = Field(description="番号: all half-width or all full-width")
    people: People = Field(description="one person; or a household's, in the order in which they are printed")

    def faults(self) -> Iterator[Violation]:
        """Identifiers that are too long together."""
        return identifier_violations(self.symbol or "", self.number)


# --- the names that layouts may use ---

# Rows of one person's table, in order, and what they tell.
FACTS = {
    "name": "氏名 and フリガナ, the first of two rows",
    "name_rest": "氏名 and フリガナ, the second row",
    "birth": "生年月日",
    "identifiers": "記号・番号・枝番",
    "acquired": "資格取得年月日 or 認定年月日, and 加入区分",
    "insurer": "保険者番号 and 保険者名称",
    "insured": "被保険者氏名, of a dependent",
    "burden": "一部負担金の割合 and 発効期日, from 70",
    "expiry": "有効期限, where the profile has one",
    "individual_number": "the individual number (個人番号), masked but for its last four digits",
}

_PERSON_TEXTS = {
    "person.name": ItemSpec("氏名, as others may read it: the alias if there is one, never a former surname"),
    "person.kana": ItemSpec("氏名のフリガナ, the alias's if there is one"),
    "person.born_on": ItemSpec("生年月日"),
    "person.branch": ItemSpec("枝番, empty if there is none"),
    "person.membership": ItemSpec("加入区分, as the profile's membership table words it"),
    "person.acquired_label": ItemSpec("資格取得年月日 or 認定年月日, as the profile's tables word it"),
    "person.acquired_on": ItemSpec("the date under that label"),
    "person.insured_name": ItemSpec("被保険者氏名, of a dependent"),
    "person.burden": ItemSpec("一部負担金の割合 from 70, with a pending change", when="person.has_burden"),
    "person.burden_effective_on": ItemSpec("発効期日 of the ratio", when="person.has_burden"),
    "person.expires_on": ItemSpec("有効期限", when="person.has_expiry"),
    "person.individual_number": ItemSpec("********1234", when="person.has_individual_number"),
}
_PERSON_FLAGS = {
    "person.has_branch": "The person has a branch.",
    "person.has_membership": "The person has a membership category.",
    "person.has_burden": "The notice states the person's burden ratio.",
    "person.burden_is_pending": "The burden ratio has a pending change.",
    "person.has_expiry": "The notice states when it expires for this person.",
    "person.has_individual_number": "The last four digits of the individual number are printed.",
}


def _needed_of_person(where: str) -> tuple[Need, ...]:
    """What the sheet says of a person; the card to cut out says less (both in the source above).

    The expiry: https://www.city.wakayama.wakayama.jp/kurashi/kokuho_nenkin/1001090/1066216.html
    """
    items = ("person.name", "person.born_on", "person.acquired_on", "person.burden", "person.expires_on")
    return (*(Need(item, when=(where,)) for item in items), Need("person.branch", when=(where, "person.has_branch")))


CATALOGUE = Catalogue(
    texts={
        **catalogue.INSURER_TEXTS,
        **addressee.TEXTS,
        "symbol": ItemSpec("記号"),
        "number": ItemSpec("番号"),
        "dates.issued_on": ItemSpec("date of the notice"),
        **_PERSON_TEXTS,
    },
    flags={
        **addressee.FLAGS,
        **_PERSON_FLAGS,
        "notice.is_household": "The notice is a household's.",
        "notice.has_symbol": "The record has a symbol.",
        "notice.has_expiry": "The profile gives notices an expiry.",
        "document.is_specimen": "見本 stands across the page.",
        "insurer.has_mark": "The profile has artwork named mark.",
    },
    lists={
        "facts": Catalogue({}, {f"fact is {name}": f"The row tells {what}." for name, what in FACTS.items()}),
        "people": Catalogue(_PERSON_TEXTS, _PERSON_FLAGS, needed=_needed_of_person("notice.is_household")),
        "slips": Catalogue(
            _PERSON_TEXTS,
            {
                **_PERSON_FLAGS,
                "slip.is_note": "The place holds a note instead of a card.",
                "slip.has_burden": "The cut-out card states the burden ratio.",
                "slip.burden_is_pending": "The cut-out card states a burden ratio that has a pending change.",
            },
            needed=tuple(
                replace(need, when=(*need.when, "not slip.is_note"))
                for need in (
                    *always("person.name", "person.born_on", "person.acquired_on", "symbol", "number"),
                    *always("insurer.number", "insurer.name"),
                    Need("person.branch", when=("person.has_branch",)),
                    Need("person.burden", when=("slip.has_burden",)),
                )
            ),
        ),
    },
    needed=(
        *addressee.NEEDED,
        *always("symbol", "number", "insurer.number", "insurer.name", "dates.issued_on"),
        *_needed_of_person("not notice.is_household"),
        Need("person.individual_number", when=("not notice.is_household",)),
    ),
)

# --- the rules ---


def issue_notice(record: NoticeRecord, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
    """Everything that this notice prints.

    The record's own `issued_on` goes before the job's. Nothing is compared with the clock. Raises RecordError with
    every rule that the record breaks.
    """
    settings = profile.documents.notice
    if settings is None:
        raise ValueError(f"{profile.id} issues no notice")
    used: list[Substitution] = []
    violations: list[Violation] = []
    block = address_block(record.addressee, record.piece_id, profile, used, violations)
    violations += inserter_violations(record.piece_id, profile)
    if settings.per == "person" and len(record.people) > 1:
        message = f"{len(record.people)} people on a notice for one"
        violations.append(Violation("too_many_people", message, "send a record for each person", pointer="/people"))
    for at, person in enumerate(record.people):
        violations += under(f"/people/{at}", _table_rules(person, profile, settings))
    issued = record.issued_on or issued_on
    if issued is None:
        raise RecordError([ISSUED_ON_MISSING, *violations])
    violations += early_violations(issued, FIRST_ISSUE)
    for at, person in enumerate(record.people):
        violations += under(f"/people/{at}", _date_rules(person, profile, settings, issued))
    if violations:
        raise RecordError(violations)
    people = [
        _person(person, f"/people/{at}", profile, settings, issued, used) for at, person in enumerate(record.people)
    ]
    household = settings.per == "household"
    only = Row({}, dict.fromkeys(_PERSON_FLAGS, False)) if household else people[0]
    expiries = [found for person in record.people if (found := _expiry(person, profile, settings, issued))]
    first = min(expiries, key=lambda found: found.on, default=None)
    return PrintItems(
        texts={
            **block.texts,
            "symbol": record.symbol or "",
            "number": record.number,
            "dates.issued_on": _printed(issued, issued, profile),
            **only.texts,
        },
        flags={
            **block.flags,
            **only.flags,
            "notice.is_household": household,
            "notice.has_symbol": record.symbol is not None,
            "notice.has_expiry": settings.expiry is not None,
            "document.is_specimen": record.specimen,
            "insurer.has_mark": "mark" in profile.images,
        },
        pointers={**block.pointers, "symbol": "/symbol", "number": "/number", **only.pointers},
        issued_on=issued,
        expires_on=first.on if first else None,
        expiry_reason=first.reason if first else "",
        substitutions=tuple(used),
        omitted=block.omitted,
        lists={
            "facts": () if household else tuple(_facts(record.people[0], only)),
            "people": tuple(people) if household else (),
            "slips": tuple(_slips(people, settings)),
        },
    )


def _table_rules(person: NoticePerson, profile: InsurerProfile, settings: NoticeSettings) -> Iterator[Violation]:
    yield from table_violations(person, profile)
    if person.individual_number_last4 is not None and not settings.individual_number:
        yield not_applicable("individual_number_last4", "this insurer's notices do not print the individual number")


def _date_rules(
    person: NoticePerson, profile: InsurerProfile, settings: NoticeSettings, issued: date
) -> Iterator[Violation]:
    yield from date_violations(person, issued)
    if person.person.born_on <= issued:
        yield from age_violations(person, issued, _expiry(person, profile, settings, issued), burden=profile.burden)


def _expiry(person: NoticePerson, profile: InsurerProfile, settings: NoticeSettings, issued: date) -> Expiry | None:
    """Most notices have no expiry; from 70, or with a limit of residence, some have.

    Sources: https://www.city.wakayama.wakayama.jp/kurashi/kokuho_nenkin/1001090/1066216.html ,
    https://www.city.sagamihara.kanagawa.jp/kurashi/1026448/kokuho/1026464/shikaku/1007842.html
    """
    rules, born_on = settings.expiry, person.person.born_on
    if rules is None:
        return None
    limited = issued >= burden_from(born_on) or person.residence_until is not None
    if rules.applies == "from_70" and not limited:
        return None
    return expiry(
        rules.validity or profile.validity,
        issued,
        born_on,
        residence_until=person.residence_until,
        continuation_ends_on=person.continuation_ends_on,
    )


# --- the items ---


def _person(
    record: NoticePerson,
    where: str,
    profile: InsurerProfile,
    settings: NoticeSettings,
    issued: date,
    used: list[Substitution],
) -> Row:
    """The items of one person, under the names that all lists share."""
    relationship = profile.relationships[record.relationship]
    membership = profile.memberships[record.membership] if record.membership is not None else None
    acquired = "certified_on" if relationship.date == "certified" else "acquired_on"
    burden, ends = record.burden, _expiry(record, profile, settings, issued)
    insured = record.insured
    last4 = record.individual_number_last4
    reading = (
        record.person
        if record.person.alias is not None
        else spelled(record.person, f"{where}/person", KANA, profile.substituter, used)
    )
    day = getattr(record, acquired)
    texts = {
        "person.name": named_in_public(record.person, f"{where}/person", profile, used),
        "person.kana": front_kana(reading, profile.names),
        "person.born_on": _printed(record.person.born_on, issued, profile),
        "person.branch": record.branch or "",
        "person.membership": membership.label if membership is not None else "",
        "person.acquired_label": (membership and membership.date_label) or relationship.date_label,
        "person.acquired_on": _printed(day, issued, profile),
        "person.insured_name": named_in_public(insured, f"{where}/insured", profile, used) if insured else "",
        "person.burden": burden_text(burden, profile.burden, profile.dates, issued) if burden else "",
        "person.burden_effective_on": _printed(burden.effective_on, issued, profile) if burden else "",
        "person.expires_on": _printed(ends.on, issued, profile) if ends else "",
        "person.individual_number": f"********{last4}" if last4 else "",
    }
    flags = {
        "person.has_branch": record.branch is not None,
        "person.has_membership": membership is not None,
        "person.has_burden": burden is not None,
        "person.burden_is_pending": burden is not None and burden.pending is not None,
        "person.has_expiry": ends is not None,
        "person.has_individual_number": last4 is not None,
    }
    keys = {
        "person.name": "person",
        "person.kana": "person",
        "person.born_on": "person/born_on",
        "person.branch": "branch",
        "person.membership": "membership",
        "person.acquired_label": "relationship",
        "person.acquired_on": acquired,
        "person.insured_name": "insured",
        "person.burden": "burden",
        "person.burden_effective_on": "burden/effective_on",
        "person.individual_number": "individual_number_last4",
    }
    return Row(texts, flags, {name: f"{where}/{key}" for name, key in keys.items()})


def _printed(day: date | None, issued: date, profile: InsurerProfile) -> str:
    return printed_date(day, profile.dates, issued, running)


def _facts(record: NoticePerson, person: Row) -> Iterator[Row]:
    """The rows of one person's table."""
    absent = {
        "insured": record.insured is None,
        "burden": not person.flags["person.has_burden"],
        "expiry": not person.flags["person.has_expiry"],
        "individual_number": not person.flags["person.has_individual_number"],
    }
    for this in FACTS:
        if not absent.get(this):
            yield Row({}, {f"fact is {name}": name == this for name in FACTS})


def _slips(people: list[Row], settings: NoticeSettings) -> list[Row]:
    """A card to cut out for each person; beside one person's, the place on its other side holds a note.

    Lower left: http://eri-office.com/e_blog_showeach.php?tgid=1726531260[3] ; lower right:
    https://otoku.awaisora.com/?p=65069
    """
    note = Row({}, {**dict.fromkeys(_PERSON_FLAGS, False), "slip.is_note": True, **_slip_burden(False, False)})
    slips = [_slip(person, settings) for person in people]
    if settings.per == "person":
        slips.insert(1 if settings.cut_out.place == "left" else 0, note)
    return slips


def _slip(person: Row, settings: NoticeSettings) -> Row:
    states = settings.cut_out.burden and person.flags["person.has_burden"]
    burden = _slip_burden(states, person.flags["person.burden_is_pending"])
    return Row(person.texts, {**person.flags, "slip.is_note": False, **burden}, person.pointers)


def _slip_burden(states: bool, is_pending: bool) -> dict[str, bool]:
    return {"slip.has_burden": states, "slip.burden_is_pending": states and is_pending}
