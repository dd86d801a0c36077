"""Requests about the name that documents show: 旧姓併記 (former surname), or 性別表記・通称名 (sex and alias).

A former surname stands on the person's own documents only, and on certificates where it is asked for separately; the
alias and the sex are told to the online eligibility system too: https://www.kyoukaikenpo.or.jp/g2/cat298/ . What must
be added to a request is the profile's.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from docgen.issuance.forms import (
    APPLICANT_NEEDED,
    APPLICANT_TEXTS,
    CHOICES,
    FORM_FLAGS,
    ApplicantRecord,
    Choices,
    FormName,
    Sheet,
    Who,
    joined_kana,
    settings_of,
    tick,
    tick_spec,
)
from docgen.issuance.items import Catalogue, ItemSpec, Need, PrintItems, always
from docgen.issuance.names import REGISTERED, named_in_public, registered_name, spelled
from docgen.issuance.profile import InsurerProfile, RequestSettings
from docgen.issuance.record import PersonName, Reading
from docgen.issuance.rules import insured_violations

FORMER_SURNAME, SEX_ALIAS = "former-surname-request", "sex-alias-request"
# The documents that can show such a name, as people call them.
_PAPERS = {
    "card": "資格確認書",
    "limit-certificate": "限度額適用認定証",
    "limit-standard-burden-certificate": "限度額適用・標準負担額減額認定証",
    "specified-disease-certificate": "特定疾病療養受療証",
    "elderly-certificate": "高齢受給者証",
}

CATALOGUE = Catalogue(
    texts={
        **APPLICANT_TEXTS,
        "applicant.insured": tick_spec("it is the insured person"),
        "applicant.family": tick_spec("it is one of the family"),
        "insured.name": ItemSpec("被保険者氏名, where one of the family asks"),
        "request.start": tick_spec("the entry is asked for"),
        "request.stop": tick_spec("the entry is to end"),
        "former_surname": ItemSpec("旧姓"),
        "former_surname.kana": ItemSpec("フリガナ of the former surname, a character to a cell"),
        "alias.name": ItemSpec("通称名"),
        "alias.kana": ItemSpec("フリガナ of the alias, a character to a cell"),
        "alias.wanted": tick_spec("an alias is to stand on the front"),
        "sex.masked": tick_spec("the sex is to stand on the back"),
        "sex.male": tick_spec("the registered sex is male"),
        "sex.female": tick_spec("the registered sex is female"),
    },
    flags={**FORM_FLAGS, "form.is_for_former_surname": "It asks for the former surname; else for sex or alias."},
    lists={"papers": CHOICES, "attachments": CHOICES},
    needed=(
        *APPLICANT_NEEDED,
        *always("request.start", "request.stop"),
        Need("former_surname", when=("form.is_for_former_surname",)),
        *(Need(item, when=("not form.is_for_former_surname",)) for item in ("alias.name", "sex.masked")),
    ),
)


class NameRequestRecord(ApplicantRecord):
    """What both requests have."""

    relationship: Who | None = Field(default=None, description="insured or family: who asks")
    insured: PersonName | None = Field(default=None, description="被保険者, where one of the family asks")
    request: Literal["start", "stop"] | None = Field(default=None, description="start: enter it; stop: take it out")
    papers: Choices = Field(
        default=(), description="documents that are to show it: card, and the insurer's certificates"
    )
    attachments: Choices = Field(default=(), description="what is added: codes of the profile's table")


class FormerSurnameRecord(NameRequestRecord):
    """A request for the former surname (旧姓併記申出): `{}` with a date makes the blank form.

    The surname is `person.former_surname`.
    """

    former_surname_kana: Reading | None = Field(default=None, description="旧姓のフリガナ, in katakana")


class SexName(FormName):
    """A person with the registered sex."""

    sex: Literal["1", "2"] | None = Field(default=None, description="戸籍上の性別: 1 male, 2 female")


class SexAliasRecord(NameRequestRecord):
    """A request about sex and alias (性別表記・通称名の申出): `{}` with a date makes the blank form.

    The alias is `person.alias`.
    """

    person: SexName | None = Field(default=None, description="who asks, with the alias that is asked for")
    sex_masked: bool = Field(default=False, description="the sex is to stand on the back, not the front")


def issue_former_surname(
    record: FormerSurnameRecord, profile: InsurerProfile, issued_on: date | None = None
) -> PrintItems:
    """Everything that this request prints. Raises RecordError with every rule that the record breaks."""
    sheet = _common(FORMER_SURNAME, record, profile, issued_on)
    person, former = record.person, record.person.former_surname if record.person else None
    sheet.put_spelled("former_surname", former, "/person/former_surname")
    sheet.put_kana("former_surname.kana", record.former_surname_kana or "", "/former_surname_kana")
    if former is not None and person is not None and former == person.family:
        why = "the former surname is the present one"
        sheet.contradict("/person/former_surname", why, "give the surname before the change")
    if former is None and record.former_surname_kana is not None:
        sheet.contradict("/former_surname_kana", "a reading without a former surname", "give person.former_surname")
    if record.request == "stop" and former is not None:
        sheet.contradict("/request", "the entry is to end, and a former surname to be entered", "choose one of the two")
    return sheet.finish({"form.is_for_former_surname": True}, specimen=record.specimen)


def issue_sex_alias(record: SexAliasRecord, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
    """Everything that this request prints. Raises RecordError with every rule that the record breaks."""
    sheet = _common(SEX_ALIAS, record, profile, issued_on)
    person = record.person
    alias = person.alias if person is not None else None
    sheet.put_spelled("alias.name", alias.name if alias else None, "/person/alias/name")
    sheet.put_kana("alias.kana", (alias.kana or "") if alias else "", "/person/alias/kana")
    sheet.put("alias.wanted", tick(alias is not None), "/person/alias")
    sheet.put("sex.masked", tick(record.sex_masked), "/sex_masked")
    sheet.put("sex.male", tick(person is not None and person.sex == "1"), "/person/sex")
    sheet.put("sex.female", tick(person is not None and person.sex == "2"), "/person/sex")
    if record.request == "stop" and (alias is not None or record.sex_masked):
        sheet.contradict("/request", "the entry is to end, and something to be entered", "choose one of the two")
    return sheet.finish({"form.is_for_former_surname": False}, specimen=record.specimen)


def _common(document: str, record: NameRequestRecord, profile: InsurerProfile, issued_on: date | None) -> Sheet:
    """What both requests print of who asks, of documents and attachments."""
    settings = settings_of(profile, document)
    assert isinstance(settings, RequestSettings)
    sheet = Sheet.of(record, profile, issued_on)
    sheet.put_applicant(record)
    _put_registered(record.person, sheet)
    sheet.put("applicant.insured", tick(record.relationship == "insured"), "/relationship")
    sheet.put("applicant.family", tick(record.relationship == "family"), "/relationship")
    sheet.put("request.start", tick(record.request == "start"), "/request")
    sheet.put("request.stop", tick(record.request == "stop"), "/request")
    insured = named_in_public(record.insured, "/insured", profile, sheet.used) if record.insured else None
    sheet.put("insured.name", insured, "/insured")
    if record.insured is not None and record.relationship != "family":
        sheet.violations += insured_violations(record.insured, dependent=False)
    papers = {document: name for document, name in _PAPERS.items() if document in profile.document_ids()}
    sheet.put_choices("papers", papers, record.papers, "/papers")
    sheet.put_choices("attachments", settings.attachments, record.attachments, "/attachments")
    return sheet


def _put_registered(person: FormName | None, sheet: Sheet) -> None:
    """The registered name: a request says both it and the other one."""
    name = kana = ""
    if person is not None:
        name = registered_name(
            spelled(person, "/person", REGISTERED, sheet.profile.substituter, sheet.used), sheet.profile.names
        )
        kana = joined_kana(person)
        sheet.check_birth(person.born_on, "/person/born_on")
        sheet.check_age(person.born_on, "/person/born_on")
    sheet.put("applicant.name", name, "/person")
    sheet.put_kana("applicant.kana", kana, "/person")
    sheet.put_day("applicant.born", person.born_on if person else None, "/person/born_on")
