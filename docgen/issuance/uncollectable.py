"""The report on cards that could not be collected (資格確認書回収不能届), which the employer signs.

No public text fixes this form: its reasons and what was tried are the profile's, its wording is the layout's sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import Field

from docgen.errors import Violation
from docgen.issuance.forms import (
    CHOICES,
    FORM_FLAGS,
    FORM_TEXTS,
    REASONS,
    Choices,
    FormName,
    FormRecord,
    Sheet,
    Who,
    date_needs,
    date_specs,
    settings_of,
    tick,
    tick_spec,
)
from docgen.issuance.items import Catalogue, ItemSpec, PrintItems, Row, always
from docgen.issuance.profile import InsurerProfile, UncollectableSettings
from docgen.issuance.record import Branch, Code, Day, Identifier, LongText, Model, Text, identifier_violations
from docgen.issuance.rules import disorder, under

UNCOLLECTABLE = "uncollectable-report"
PEOPLE = 3  # places on a sheet

CATALOGUE = Catalogue(
    texts={**FORM_TEXTS, "report.details": ItemSpec("what happened, in words")},
    flags=FORM_FLAGS,
    lists={
        "people": Catalogue(
            {
                "person.number": ItemSpec("番号, a character to a cell"),
                "person.branch": ItemSpec("枝番, a digit to a cell"),
                "person.insured": tick_spec("it is the insured person"),
                "person.family": tick_spec("it is one of the family"),
                "person.name": ItemSpec("氏名, the alias if there is one"),
                "person.kana": ItemSpec("フリガナ, a character to a cell"),
                **date_specs("person.born", "生年月日", eras=True),
                **date_specs("person.lost", "資格喪失年月日", eras=False),
                "person.reason": ItemSpec("the code of the reason"),
            },
            {},
            needed=always("person.number", "person.name", "person.reason"),
        ),
        "reasons": REASONS,
        "efforts": CHOICES,
    },
    needed=(*always("insurer.name", "symbol", "employer.name"), *date_needs("applied", eras=False)),
)


class Uncollected(Model):
    """A card that could not be collected."""

    person: FormName | None = Field(default=None, description="whose card it is")
    relationship: Who | None = Field(default=None, description="insured or family")
    number: Identifier | None = Field(default=None, description="番号: a character to a cell")
    branch: Branch | None = Field(default=None, description="枝番: two half-width digits")
    lost_on: Day | None = Field(default=None, description="資格喪失年月日, from 令和 on")
    reason: Code | None = Field(default=None, description="a code of the profile's table of reasons")


class UncollectableRecord(FormRecord):
    """A report on uncollectable cards (資格確認書回収不能届): `{}` with a date makes the blank form."""

    people: Annotated[tuple[Uncollected, ...], Field(strict=False)] = Field(
        default=(), description="up to three people whose cards could not be collected"
    )
    reason_note: Text | None = Field(default=None, description="the explanation that a reason such as その他 asks for")
    efforts: Choices = Field(default=(), description="what was tried: codes of the profile's table")
    details: LongText | None = Field(default=None, description="what happened, in words")

    def faults(self) -> Iterator[Violation]:
        """Identifiers that are too long together."""
        for at, one in enumerate(self.people):
            for violation in identifier_violations(self.symbol or "", one.number or ""):
                if violation.pointer == "/symbol":
                    yield violation
                    return  # once, not for each row
                yield from under(f"/people/{at}", [violation])


def issue_uncollectable(
    record: UncollectableRecord, profile: InsurerProfile, issued_on: date | None = None
) -> PrintItems:
    """Everything that this report prints. Raises RecordError with every rule that the record breaks."""
    settings = settings_of(profile, UNCOLLECTABLE)
    assert isinstance(settings, UncollectableSettings)
    sheet = Sheet.of(record, profile, issued_on)
    if len(record.people) > PEOPLE:
        why, hint = f"{len(record.people)} people, where a sheet has {PEOPLE} places", "make a second sheet"
        sheet.violations.append(Violation("too_many_people", why, hint, pointer="/people"))
    sheet.lists["people"] = tuple(_row(record, at, sheet) for at in range(PEOPLE))
    reasons = {f"/people/{at}/reason": one.reason for at, one in enumerate(record.people)}
    sheet.put_reasons(settings.reasons, reasons, record.reason_note)
    sheet.put_choices("efforts", settings.efforts, record.efforts, "/efforts")
    sheet.put_spelled("report.details", record.details, "/details")
    return sheet.finish({}, specimen=record.specimen)


def _row(record: UncollectableRecord, at: int, sheet: Sheet) -> Row:
    """One of the sheet's places, taken or free."""
    one = record.people[at] if at < len(record.people) else Uncollected()
    where = f"/people/{at}"
    place = Sheet(sheet.profile, sheet.issued, used=sheet.used, violations=sheet.violations)
    place.put_person("person", one.person, f"{where}/person")
    place.put("person.number", one.number, f"{where}/number")
    place.put("person.branch", one.branch, f"{where}/branch")
    place.put("person.insured", tick(one.relationship == "insured"), f"{where}/relationship")
    place.put("person.family", tick(one.relationship == "family"), f"{where}/relationship")
    place.put_day("person.lost", one.lost_on, f"{where}/lost_on", eras=("令和",))
    place.put("person.reason", one.reason, f"{where}/reason")
    born_on = one.person.born_on if one.person is not None else None
    if one.lost_on is not None and born_on is not None and one.lost_on < born_on:
        sheet.violations.append(disorder(f"people/{at}/lost_on", "before the birth date"))
    return Row(place.texts, {}, place.pointers)
