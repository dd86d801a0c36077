"""What the forms share: cells of one character each, boxes to tick, dates by era, and the choices of a profile.

A form is blank where its record is: no value is required, so that one layout is both the blank form and the filled
one. What an application asks: 健康保険法施行規則 47条, https://www.rodo.co.jp/laws/123566/ (date, applicant by symbol
and number or individual number, the people concerned, the reason). The rest is the insurer's, or sample wording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from docgen.errors import RecordError, Violation
from docgen.issuance.address import Address
from docgen.issuance.addressee import mail_constants
from docgen.issuance.catalogue import INSURER_TEXTS
from docgen.issuance.eras import anniversary, era_date
from docgen.issuance.items import Catalogue, ItemSpec, Need, PrintItems, Row, Substitution, always
from docgen.issuance.names import named_in_public
from docgen.issuance.profile import FormSettings, InsurerProfile, Reason
from docgen.issuance.record import (
    Branch,
    Day,
    Identifier,
    Key,
    Model,
    PersonName,
    Text,
    fault,
    identifier_violations,
)
from docgen.issuance.rules import ISSUED_ON_MISSING, disorder

TICK = "✓"
ERAS = {"昭和": "showa", "平成": "heisei", "令和": "reiwa"}  # who was born before is 75 or older
# Cells take full-width katakana with its marks, and an empty cell between the parts of a name.
_KANA = re.compile("[\u30a1-\u30fa\u30fb-\u30fe \u3000]*\\Z")

# --- the record ---


def _refuse_individual_number(value: Any) -> None:
    if value is None:
        return
    # The value itself stays out of every message.
    digits = sum(char.isdecimal() for char in str(value))
    hint = "leave the key out: the form's cells for it stay empty, to be filled in by hand"
    if digits > 4:
        raise fault("individual_number_too_long", f"{digits} digits of an individual number", hint)
    raise fault("value_not_applicable", "a form never takes an individual number, whole or in part", hint)


def _check_phone(text: str) -> str:
    if re.fullmatch("0[0-9]{9,10}", text):
        return text
    raise fault("comb_character", "a telephone number is 10 or 11 half-width digits", "leave out hyphens and spaces")


Phone = Annotated[str, AfterValidator(_check_phone), WithJsonSchema({"type": "string", "pattern": "^0[0-9]{9,10}$"})]
IndividualNumber = Annotated[str | None, PlainValidator(_refuse_individual_number), WithJsonSchema({"const": None})]
Who = Literal["insured", "family"]
# Boxes to tick, by the codes of a table.
Choices = Annotated[tuple[Key, ...], Field(strict=False, max_length=20)]


class FormName(PersonName):
    """A person on a form, with the birth date where it is known."""

    born_on: Day | None = Field(default=None, description="生年月日, from 昭和 on: the form has boxes for no other era")


class Employer(Model):
    """The employer's part of a form."""

    address: Text | None = Field(default=None, description="事業所所在地")
    name: Text | None = Field(default=None, description="事業所名称")
    representative: Text | None = Field(default=None, description="事業主氏名")
    tel: Phone | None = Field(default=None, description="10 or 11 digits, without hyphens")


class FormRecord(Model):
    """What every form's record has. All of it may be absent: such a record makes the blank form."""

    key: Key | None = Field(default=None, description="the caller's own key; never printed")
    specimen: bool = Field(default=False, description="見本 stands across the page")
    issued_on: Day | None = Field(default=None, description="the file's date; the job's date of issue if absent")
    applied_on: Day | None = Field(default=None, description="the date of application or report, from 令和 on")
    symbol: Identifier | None = Field(default=None, description="記号: a character to a cell")
    employer: Employer = Field(default=Employer(), description="事業主, if the form goes through the employer")
    individual_number: IndividualNumber = Field(
        default=None, description="always refused: its cells are filled in by hand"
    )


class ApplicantRecord(FormRecord):
    """A form that one person signs."""

    number: Identifier | None = Field(default=None, description="番号: a character to a cell")
    branch: Branch | None = Field(default=None, description="枝番: two half-width digits")
    person: FormName | None = Field(default=None, description="who applies")
    address: Address | None = Field(default=None, description="住所")
    tel: Phone | None = Field(default=None, description="10 or 11 digits, without hyphens")

    def faults(self) -> Iterator[Violation]:
        """Identifiers that are too long together."""
        return identifier_violations(self.symbol or "", self.number or "")


# --- the names of items ---


def tick_spec(what: str) -> ItemSpec:
    """A box to tick: its item is a tick mark, or empty."""
    return ItemSpec(f"a tick if {what}")


def date_needs(prefix: str, *, eras: bool) -> tuple[Need, ...]:
    """The parts of a date that `date_specs` names: all, or it cannot be read."""
    return always(*date_specs(prefix, "", eras=eras))


def date_specs(prefix: str, what: str, *, eras: bool) -> dict[str, ItemSpec]:
    """A date in cells, two digits each; with `eras`, a box for each era."""
    parts = {"year": "year of its era", "month": "month", "day": "day"}
    specs = {f"{prefix}.{part}": ItemSpec(f"{what}: {text}, two digits") for part, text in parts.items()}
    ticks = {f"{prefix}.{key}": tick_spec(f"{what} lies in {era}") for era, key in ERAS.items()} if eras else {}
    return {**specs, **ticks}


CHOICE_SPECS = {
    "choice.code": ItemSpec("the code of the profile's table"),
    "choice.text": ItemSpec("its wording"),
    "choice.tick": tick_spec("the record has this choice"),
    "choice.note": ItemSpec("what the record adds to a reason that asks for it", when="choice.is_explained"),
}
CHOICES = Catalogue(
    CHOICE_SPECS,
    {"choice.is_explained": "The reason has a space for an explanation."},
    needed=always("choice.text", "choice.tick"),
)
REASONS = replace(CHOICES, needed=always("choice.code", "choice.text", "choice.note"))
FORM_FLAGS = {"document.is_specimen": "見本 stands across the page."}
FORM_TEXTS = {
    **INSURER_TEXTS,
    "form.version": ItemSpec("the form's version, from the profile", constant=True),
    **date_specs("applied", "the date of application", eras=False),
    "symbol": ItemSpec("記号, a character to a cell"),
    "employer.address": ItemSpec("事業所所在地"),
    "employer.name": ItemSpec("事業所名称"),
    "employer.representative": ItemSpec("事業主氏名"),
    "employer.tel": ItemSpec("the employer's telephone number"),
}
APPLICANT_TEXTS = {
    **FORM_TEXTS,
    "number": ItemSpec("番号, a character to a cell"),
    "branch": ItemSpec("枝番, a digit to a cell"),
    "applicant.name": ItemSpec("氏名, the alias if there is one"),
    "applicant.kana": ItemSpec("フリガナ, with an empty cell between family and given name"),
    **date_specs("applicant.born", "生年月日", eras=True),
    "applicant.area_code": ItemSpec("the first three digits of the postal code"),
    "applicant.town_code": ItemSpec("the last four digits of the postal code"),
    "applicant.address": ItemSpec("住所 without the postal code"),
    "applicant.tel": ItemSpec("電話番号, a digit to a cell"),
}
# What an application says of whoever makes it: https://www.rodo.co.jp/laws/123566/
APPLICANT_NEEDED = (
    *always("insurer.name", "symbol", "number", "applicant.name"),
    *date_needs("applied", eras=False),
)


# --- filling in ---


@dataclass(slots=True)
class Sheet:
    """A form that is being filled in: what it prints so far, and everything that is wrong with the record."""

    profile: InsurerProfile
    issued: date
    texts: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[Row, ...]] = field(default_factory=dict)
    used: list[Substitution] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    @classmethod
    def of(cls, record: FormRecord, profile: InsurerProfile, issued_on: date | None) -> Sheet:
        """A form with what every form has. Raises RecordError without a date of issue."""
        issued = record.issued_on or issued_on
        if issued is None:
            raise RecordError(ISSUED_ON_MISSING)
        sheet = cls(profile, issued)
        sheet.put("symbol", record.symbol, "/symbol")
        sheet.put_day("applied", record.applied_on, "/applied_on", eras=("令和",))
        if record.applied_on is not None and record.applied_on > issued:
            sheet.violations.append(disorder("applied_on", "after the date of issue"))
        for part in ("address", "name", "representative", "tel"):
            sheet.put_spelled(f"employer.{part}", getattr(record.employer, part), f"/employer/{part}")
        return sheet

    def put(self, item: str, value: str | None, pointer: str) -> None:
        """One item; nothing if the record has no value."""
        self.texts[item], self.pointers[item] = value or "", pointer

    def put_spelled(self, item: str, value: str | None, pointer: str) -> None:
        """One item, in the insurer's characters."""
        self.put(item, self.profile.substituter.apply(value, pointer, self.used) if value else None, pointer)

    def put_day(self, prefix: str, day: date | None, pointer: str, eras: Sequence[str] = tuple(ERAS)) -> None:
        """A date in cells, and a tick at its era where there is more than one. 元年 is 01, as cells take digits."""
        date_in_era = era_date(day) if day is not None else None
        if date_in_era is not None and date_in_era.era not in eras:
            why, hint = f"the form has no box for {date_in_era.era}", f"it has: {', '.join(eras)}; check the date"
            self.violations.append(Violation("era_not_on_form", why, hint, pointer=pointer))
        for part in ("year", "month", "day"):
            self.put(f"{prefix}.{part}", f"{getattr(date_in_era, part):02d}" if date_in_era else None, pointer)
        if len(eras) > 1:
            for era in eras:
                self.put(f"{prefix}.{ERAS[era]}", tick(date_in_era is not None and date_in_era.era == era), pointer)

    def put_kana(self, item: str, kana: str, pointer: str) -> None:
        """A reading in cells: full-width katakana alone."""
        if not _KANA.match(kana):
            why, hint = "the cells take full-width katakana", "send the reading in katakana, or leave it out"
            self.violations.append(Violation("comb_character", why, hint, pointer=pointer))
        self.put(item, kana, pointer)

    def put_person(self, prefix: str, person: FormName | None, pointer: str = "/person") -> None:
        """Name, reading and birth date of somebody, by the name that others may read."""
        kana, name = "", ""
        if person is not None:
            name = named_in_public(person, pointer, self.profile, self.used)
            kana = public_kana(person)
            self.check_birth(person.born_on, f"{pointer}/born_on")
        self.put(f"{prefix}.name", name, pointer)
        self.put_kana(f"{prefix}.kana", kana, pointer)
        self.put_day(f"{prefix}.born", person.born_on if person is not None else None, f"{pointer}/born_on")

    def put_applicant(self, record: ApplicantRecord) -> None:
        """The part of who signs: identifiers, address and telephone."""
        self.put("number", record.number, "/number")
        self.put("branch", record.branch, "/branch")
        self.put("applicant.tel", record.tel, "/tel")
        address = record.address
        code, where = (address.postal_code, "/address/postal_code") if address else ("", "/address")
        self.put("applicant.area_code", code[:3], where)
        self.put("applicant.town_code", code[3:], where)
        line = "\u3000".join(filter(None, (address.line, address.building))) if address else None
        self.put_spelled("applicant.address", line, "/address")

    def check_birth(self, born_on: date | None, pointer: str) -> None:
        """Nobody is born after the issue."""
        if born_on is not None and born_on > self.issued:
            why, hint = f"born on {born_on}, after the issue on {self.issued}", "check both dates"
            self.violations.append(Violation("birth_in_future", why, hint, pointer=pointer))

    def check_age(self, born_on: date | None, pointer: str) -> None:
        """From 75 another insurer issues the document, since the medical care system for the elderly begins then.

        Source: http://www.town.asakawa.fukushima.jp/insurance/59.html
        """
        if born_on is not None and anniversary(born_on, 75) <= self.issued:
            why, hint = "75 or older on the date of issue", "from 75 another insurer issues the document"
            self.violations.append(Violation("age_75_reached", why, hint, pointer=pointer))

    def put_choices(self, name: str, table: Mapping[str, str], chosen: Sequence[str], pointer: str) -> None:
        """A table of the profile as rows with a box each; what is chosen must be in it, once."""
        for at, code in enumerate(chosen):
            self.check_code(code, table, f"{pointer}/{at}")
            if code in chosen[:at]:
                self.contradict(f"{pointer}/{at}", f"{code} is chosen twice", "name each choice once")
        self.lists[name] = tuple(
            _choice(code, text, pointer, chosen=code in chosen, note="", explained=False)
            for code, text in table.items()
        )

    def put_reasons(self, table: Mapping[str, Reason], chosen: Mapping[str, str | None], note: str | None) -> None:
        """The legend of reasons, and what is added to the one that asks for it. `chosen` has codes by pointer."""
        explained = False
        for pointer, code in chosen.items():
            if code is not None:
                self.check_code(code, table, pointer)
                explained = explained or (code in table and table[code].explain)
        if explained and note is None:
            why, hint = "a reason that asks for an explanation has none", "give reason_note"
            self.violations.append(Violation("missing_value", why, hint, pointer="/reason_note"))
        if note is not None and not explained:
            self.contradict("/reason_note", "no reason that was chosen has a space for it", "leave reason_note out")
        note = self.profile.substituter.apply(note, "/reason_note", self.used) if note else ""
        self.lists["reasons"] = tuple(
            _choice(
                code, reason.label, "/reason_note", chosen=code in chosen.values(), note=note, explained=reason.explain
            )
            for code, reason in table.items()
        )

    def check_code(self, code: str, table: Mapping[str, object], pointer: str) -> None:
        """A code must be in the profile's table."""
        if code not in table:
            hint = f"this insurer has: {', '.join(table) or 'none'}"
            self.violations.append(Violation("unknown_code", f"unknown code: {code}", hint, pointer=pointer))

    def contradict(self, pointer: str, why: str, hint: str) -> None:
        """Two choices that exclude each other."""
        self.violations.append(Violation("contradictory_choices", why, hint, pointer=pointer))

    def finish(self, flags: Mapping[str, bool], *, specimen: bool) -> PrintItems:
        """Everything that the form prints. Raises RecordError with every rule that the record breaks."""
        if self.violations:
            raise RecordError(self.violations)
        return PrintItems(
            texts=self.texts,
            flags={**flags, "document.is_specimen": specimen},
            pointers=self.pointers,
            issued_on=self.issued,
            substitutions=tuple(self.used),
            lists=self.lists,
        )


def _choice(code: str, text: str, pointer: str, *, chosen: bool, note: str, explained: bool) -> Row:
    return Row(
        texts={
            "choice.code": code,
            "choice.text": text,
            "choice.tick": tick(chosen),
            "choice.note": note if explained else "",
        },
        flags={"choice.is_explained": explained},
        pointers=dict.fromkeys(CHOICE_SPECS, pointer),
    )


def tick(on: bool) -> str:
    """What stands in a box."""
    return TICK if on else ""


def joined_kana(name: PersonName) -> str:
    """The reading of the registered name, with an empty cell between its parts."""
    return name.full_kana or "\u3000".join(filter(None, (name.family_kana, name.given_kana)))


def public_kana(name: PersonName) -> str:
    """The reading of the name that others may read: the alias's own, if that is it."""
    return (name.alias.kana or "") if name.alias is not None else joined_kana(name)


def settings_of(profile: InsurerProfile, document: str) -> FormSettings:
    """The profile's settings for a form. Raises ValueError if the insurer does not have it."""
    settings: FormSettings | None = getattr(profile.documents, document.replace("-", "_"))
    if settings is None:
        raise ValueError(f"{profile.id} has no {document}")
    return settings


def form_constants(document: str, profile: InsurerProfile) -> dict[str, str]:
    """The items that are the same on each of the insurer's forms of this kind."""
    return {**mail_constants(profile), "form.version": settings_of(profile, document).version}
