"""The applications for a card (資格確認書交付申請書) and for a notice (資格情報のお知らせ交付申請書).

The insured person applies, for up to three people on a sheet, through the employer or directly. What is asked:
健康保険法施行規則 47条, https://www.rodo.co.jp/laws/123566/ . The reasons are the profile's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

from pydantic import Field

from docgen.errors import Violation
from docgen.issuance.forms import (
    APPLICANT_NEEDED,
    APPLICANT_TEXTS,
    CHOICES,
    FORM_FLAGS,
    REASONS,
    ApplicantRecord,
    Choices,
    FormName,
    Sheet,
    Who,
    date_needs,
    date_specs,
    settings_of,
    tick,
    tick_spec,
)
from docgen.issuance.items import Catalogue, ItemSpec, PrintItems, Row, always
from docgen.issuance.names import public_name
from docgen.issuance.profile import ApplicationSettings, InsurerProfile
from docgen.issuance.record import Code, Model, Text

CARD, NOTICE = "card-application", "notice-application"
PEOPLE = 3  # places on a sheet

_PERSON_TEXTS = {
    "person.insured": tick_spec("it is the insured person"),
    "person.family": tick_spec("it is one of the family"),
    "person.name": ItemSpec("氏名, the alias if there is one"),
    "person.kana": ItemSpec("フリガナ, a character to a cell"),
    **date_specs("person.born", "生年月日", eras=True),
    "person.reason": ItemSpec("the code of the reason"),
}
CATALOGUE = Catalogue(
    texts=APPLICANT_TEXTS,
    flags={**FORM_FLAGS, "form.is_for_card": "It applies for a card; else for a notice."},
    lists={
        # https://www.rodo.co.jp/laws/123566/
        "people": Catalogue(
            _PERSON_TEXTS,
            {},
            needed=(*always("person.name", "person.reason"), *date_needs("person.born", eras=True)),
        ),
        "reasons": REASONS,
        "attachments": CHOICES,
    },
    needed=APPLICANT_NEEDED,
)


class AppliedFor(Model):
    """Somebody who needs the document."""

    person: FormName | None = Field(default=None, description="who needs it; for the insured person it may be absent")
    relationship: Who | None = Field(default=None, description="insured: the applicant; family: a dependent")
    reason: Code | None = Field(default=None, description="a code of the profile's table of reasons")


class ApplicationRecord(ApplicantRecord):
    """An application for a card or a notice (交付申請書): `{}` with a date makes the blank form."""

    people: Annotated[tuple[AppliedFor, ...], Field(strict=False)] = Field(
        default=(), description="up to three people who need the document"
    )
    reason_note: Text | None = Field(default=None, description="the explanation that a reason such as その他 asks for")
    attachments: Choices = Field(default=(), description="what is added: codes of the profile's table")


def issue_application(
    document: str,
) -> Callable[[ApplicationRecord, InsurerProfile, date | None], PrintItems]:
    """The function that issues one of the two applications. It raises RecordError with every rule that is broken."""

    def issue(record: ApplicationRecord, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
        settings = settings_of(profile, document)
        assert isinstance(settings, ApplicationSettings)
        sheet = Sheet.of(record, profile, issued_on)
        sheet.put_applicant(record)
        sheet.put_person("applicant", record.person)
        sheet.check_age(record.person.born_on if record.person else None, "/person/born_on")
        _check_people(record, sheet)
        sheet.lists["people"] = tuple(_row(record, at, sheet) for at in range(PEOPLE))
        reasons = {f"/people/{at}/reason": one.reason for at, one in enumerate(record.people)}
        sheet.put_reasons(settings.reasons, reasons, record.reason_note)
        sheet.put_choices("attachments", settings.attachments, record.attachments, "/attachments")
        return sheet.finish({"form.is_for_card": document == CARD}, specimen=record.specimen)

    return issue


def _check_people(record: ApplicationRecord, sheet: Sheet) -> None:
    if len(record.people) > PEOPLE:
        why, hint = f"{len(record.people)} people, where a sheet has {PEOPLE} places", "make a second sheet"
        sheet.violations.append(Violation("too_many_people", why, hint, pointer="/people"))
    insured = [at for at, one in enumerate(record.people) if one.relationship == "insured"]
    for at in insured[1:]:
        why, hint = "two of the people are the insured person", "the others are family"
        sheet.contradict(f"/people/{at}/relationship", why, hint)
    for at in insured:
        if _is_somebody_else(record.people[at].person, record.person, sheet.profile):
            why = "the insured person has another name or birth date above"
            sheet.contradict(f"/people/{at}/person", why, "correct one of the two, or leave this one out")


def _is_somebody_else(one: FormName | None, other: FormName | None, profile: InsurerProfile) -> bool:
    if one is None or other is None:
        return False
    return public_name(one, profile.names) != public_name(other, profile.names) or (
        None not in (one.born_on, other.born_on) and one.born_on != other.born_on
    )


def _row(record: ApplicationRecord, at: int, sheet: Sheet) -> Row:
    """One of the sheet's places, taken or free. The insured person's name is that of the applicant."""
    one = record.people[at] if at < len(record.people) else AppliedFor()
    where = f"/people/{at}"
    person, pointer = one.person, f"{where}/person"
    if person is None and one.relationship == "insured":
        person, pointer = record.person, "/person"
    place = Sheet(sheet.profile, sheet.issued)
    place.put_person("person", person, pointer)
    if pointer != "/person":  # what the applicant's own values are is told once
        place.check_age(person.born_on if person else None, f"{pointer}/born_on")
        sheet.violations += place.violations
        sheet.used += place.used
    place.put("person.insured", tick(one.relationship == "insured"), f"{where}/relationship")
    place.put("person.family", tick(one.relationship == "family"), f"{where}/relationship")
    place.put("person.reason", one.reason, f"{where}/reason")
    return Row(place.texts, {}, place.pointers)
