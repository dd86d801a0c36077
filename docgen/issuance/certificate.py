"""The certificates beside the card: limits on what people pay, specified diseases, the burden ratio from 70.

None of them has a field of sex (http://www.city.ibara.okayama.jp/soshiki/11/2001.html); names are those of the card's
front, but a former surname stands only where it was asked for (https://www.kyoukaikenpo.or.jp/g2/cat298).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from docgen.errors import RecordError, Violation
from docgen.issuance import catalogue
from docgen.issuance.address import Address
from docgen.issuance.burden import burden_from, burden_text, burden_violations
from docgen.issuance.card import constants
from docgen.issuance.categories import CATEGORIES, is_from_70
from docgen.issuance.dates import printed_date
from docgen.issuance.eras import age_reached_on
from docgen.issuance.items import PrintItems, Row, Substitution
from docgen.issuance.names import REGISTERED, front_name, named_in_public, registered_name, spelled
from docgen.issuance.profile import CertificateSettings, InsurerProfile, LimitSettings
from docgen.issuance.record import (
    Branch,
    Burden,
    Code,
    Day,
    DocumentRecord,
    Identifier,
    Model,
    PersonName,
    identifier_violations,
)
from docgen.issuance.rules import (
    ISSUED_ON_MISSING,
    birth_violations,
    disorder,
    elderly_violations,
    insured_violations,
    missing,
    not_applicable,
    unknown,
)
from docgen.issuance.validity import end_of_month, first_from

CATALOGUE = catalogue.CERTIFICATE

# Names of diseases as certificates word them; who belongs to them: https://www.city.yachiyo.lg.jp/soshiki/29/3161.html
DISEASES = {
    "dialysis": "人工透析を必要とする慢性腎不全",
    "hemophilia": "血漿分画製剤を投与している先天性血液凝固第Ⅷ因子障害又は第Ⅸ因子障害（血友病）",
    "hiv": "抗ウイルス剤を投与している後天性免疫不全症候群",
}

# ------------------------------------------------------------------------------------------------------------- records


class CertifiedPerson(PersonName):
    """The person whom a certificate is for."""

    born_on: Day = Field(description="生年月日")


class CertificateRecord(DocumentRecord):
    """What the records of all certificates share."""

    person: CertifiedPerson = Field(description="the person whom the certificate is for")
    print_former_surname: bool = Field(
        default=False, description="旧姓 in brackets on this certificate too: only where it was asked for"
    )
    symbol: Identifier | None = Field(default=None, description="記号: all half-width or all full-width")
    number: Identifier = Field(description="番号: all half-width or all full-width")
    branch: Branch | None = Field(default=None, description="枝番: two half-width digits; absent is not 00")
    relationship: Code = Field(description="本人・家族の別: a code of the profile's table")
    insured: PersonName | None = Field(default=None, description="被保険者, on a dependent's certificate")
    address: Address | None = Field(default=None, description="住所 of the person")

    def faults(self) -> Iterator[Violation]:
        """Identifiers that are too long together."""
        return identifier_violations(self.symbol or "", self.number)


class LimitRecord(CertificateRecord):
    """A limit certificate (限度額適用認定証), or one that reduces the burden of meals too (標準負担額減額)."""

    category: Code = Field(description="適用区分: A01 to A06 below 70, B01 to B10 from 70, as the profile lists them")
    acquired_on: Day | None = Field(
        default=None, description="資格取得年月日, where the certificate takes effect on that day; never printed"
    )
    effective_on: Day = Field(description="発効年月日: the first of a month, or acquired_on")
    expires_on: Day = Field(description="有効期限: the end of a month, or the day before the 75th birthday")
    long_stay_on: Day | None = Field(default=None, description="長期入院該当年月日")


class Disease(Model):
    """One specified disease (認定疾病)."""

    disease: Code = Field(description="dialysis, hemophilia or hiv")
    effective_on: Day = Field(description="発効年月日")
    expires_on: Day = Field(description="有効期限")
    limit: Literal[10000, 20000] = Field(description="自己負担限度額 of a month, in yen")


class SpecifiedDiseaseRecord(CertificateRecord):
    """A certificate of specified diseases (特定疾病療養受療証)."""

    diseases: Annotated[list[Disease], Field(min_length=1, max_length=3)] = Field(description="one to three of them")


class ElderlyRecord(CertificateRecord):
    """A certificate of the burden ratio from 70 (高齢受給者証)."""

    burden: Burden = Field(description="一部負担金の割合: ratio and effective_on")
    expires_on: Day = Field(description="有効期限, no later than the day before the 75th birthday")


# --------------------------------------------------------------------------------------------------------------- kinds

R = TypeVar("R", bound=CertificateRecord)
Printer = Callable[[date | None], str]


@dataclass(frozen=True, slots=True)
class Own:
    """What one kind of certificate prints beside what all of them do."""

    texts: Mapping[str, str]
    flags: Mapping[str, bool]
    pointers: Mapping[str, str]
    expires_on: date
    diseases: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """One kind of certificate: its id, the model of its record, its own rules and its own items."""

    id: str
    model: type[R]
    rules: Callable[[R, InsurerProfile, date], Iterator[Violation]]
    own: Callable[[R, InsurerProfile, date, Printer], Own]

    def settings(self, profile: InsurerProfile) -> CertificateSettings:
        """The profile's settings for this kind. Raises ValueError if the insurer does not issue it."""
        return _settings(profile, self.id)

    def constants(self, profile: InsurerProfile) -> dict[str, str]:
        """The items that are the same on each of the insurer's certificates of this kind."""
        return {**constants(profile), "certificate.title": self.settings(profile).title}

    def issue(self, record: R, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
        """Everything that this record's certificate prints.

        The record's own `issued_on` goes before the job's. Raises RecordError with every rule that the record breaks.
        """
        self.settings(profile)
        violations = list(_table_violations(record, profile))
        issued = record.issued_on or issued_on
        if issued is None:
            raise RecordError([ISSUED_ON_MISSING, *violations])
        born_on = record.person.born_on
        wrong_age = [*birth_violations(born_on, issued), *elderly_violations(born_on, issued)]
        violations += wrong_age or self.rules(record, profile, issued)
        if violations:
            raise RecordError(violations)
        return _items(record, profile, issued, lambda printed: self.own(record, profile, issued, printed))


def _settings(profile: InsurerProfile, document: str) -> CertificateSettings:
    settings: CertificateSettings | None = getattr(profile.documents, document.replace("-", "_"))
    if settings is None:
        raise ValueError(f"{profile.id} issues no {document}")
    return settings


# --------------------------------------------------------------------------------------------------------------- rules


def _table_violations(record: CertificateRecord, profile: InsurerProfile) -> Iterator[Violation]:
    relationship = profile.relationships.get(record.relationship)
    if relationship is None:
        yield unknown("relationship", record.relationship, profile.relationships)
    else:
        yield from insured_violations(record.insured, relationship.dependent)
    if record.print_former_surname and record.person.former_surname is None:
        yield missing("person/former_surname", "the former surname was asked for, and the record has none")


def _limit_rules(document: str, record: LimitRecord, profile: InsurerProfile, issued: date) -> Iterator[Violation]:
    settings = _settings(profile, document)
    assert isinstance(settings, LimitSettings)
    if record.category not in settings.categories:
        yield unknown("category", record.category, settings.categories)
    else:
        yield from _category_age(record)
    yield from _term("", record.effective_on, record.expires_on, record.person.born_on, issued)
    if record.effective_on.day != 1 and record.effective_on != record.acquired_on:
        # https://www.kawaguchi-hp.jp/post/%E4%BF%9D%E9%99%BA%E8%A8%BC%E3%80%81%E5%8F%97%E7%B5%A6%E8%80%85%E8%A8%BC%E3%81%AE%E6%9C%89%E5%8A%B9%E6%9C%9F%E9%99%90
        why = "a limit takes effect on the first of a month, or on acquired_on"
        yield Violation("not_month_start", why, "correct effective_on, or give acquired_on", pointer="/effective_on")
    last = age_reached_on(record.person.born_on, 75)
    if record.expires_on not in (end_of_month(record.expires_on), last):
        why = "a limit holds to the end of a month, or to the day before the 75th birthday"
        yield Violation("not_month_end", why, "correct expires_on", pointer="/expires_on")
    latest = _latest(settings, record.effective_on)
    if latest is not None and record.expires_on > latest:
        yield _too_late("expires_on", f"this insurer's certificate expires by {latest}")
    if record.long_stay_on is not None and record.long_stay_on > record.expires_on:
        yield disorder("long_stay_on", "after the last day of the certificate")


def _category_age(record: LimitRecord) -> Iterator[Violation]:
    """A categories hold to the month in which 70 is reached, B categories from the next."""
    start = burden_from(record.person.born_on)
    from_70 = is_from_70(record.category)
    if from_70 and record.effective_on < start:
        why, hint = f"{record.category} is for people from 70: from {start}", "check category and effective_on"
        yield Violation("category_age", why, hint, pointer="/category")
    if not from_70 and record.expires_on >= start:
        why = f"{record.category} is for people below 70: it ends before {start}"
        yield Violation("category_age", why, "check category and expires_on", pointer="/category")


def _latest(settings: LimitSettings, effective: date) -> date | None:
    """The last day that the insurer allows."""
    days = []
    if settings.longest_months is not None:
        months = effective.month + settings.longest_months - 2
        days.append(end_of_month(date(effective.year + months // 12, months % 12 + 1, 1)))
    if settings.year_end is not None:
        days.append(first_from(effective, settings.year_end.month, settings.year_end.day))
    return min(days, default=None)


def _disease_rules(record: SpecifiedDiseaseRecord, profile: InsurerProfile, issued: date) -> Iterator[Violation]:
    """The higher limit is for dialysis below 70. Source: https://www.city.yachiyo.lg.jp/soshiki/29/3161.html"""
    start = burden_from(record.person.born_on)
    seen: set[str] = set()
    for at, one in enumerate(record.diseases):
        if one.disease not in DISEASES:
            yield unknown(f"diseases/{at}/disease", one.disease, DISEASES)
        if one.disease in seen:
            yield not_applicable(f"diseases/{at}", "the certificate has this disease already")
        seen.add(one.disease)
        if one.limit == 20000 and (one.disease != "dialysis" or one.effective_on >= start):
            why, hint = "20,000 yen is for dialysis below 70", "give 10000, or correct disease or effective_on"
            yield Violation("value_not_applicable", why, hint, pointer=f"/diseases/{at}/limit")
        if one.limit == 20000 and one.effective_on < start <= one.expires_on:
            yield _too_late(f"diseases/{at}/expires_on", f"20,000 yen is for people below 70: it ends before {start}")
        yield from _term(f"diseases/{at}/", one.effective_on, one.expires_on, record.person.born_on, issued)


def _elderly_rules(record: ElderlyRecord, profile: InsurerProfile, issued: date) -> Iterator[Violation]:
    yield from burden_violations(record.burden, record.person.born_on, issued)
    yield from _term("", record.burden.effective_on, record.expires_on, record.person.born_on, issued)
    pending = record.burden.pending
    if pending is not None and pending.effective_on > record.expires_on:
        yield disorder("burden/pending/effective_on", "the change comes after the certificate expires")


def _term(prefix: str, effective: date, expires: date, born_on: date, issued: date) -> Iterator[Violation]:
    key = f"{prefix}expires_on"
    if expires < effective:
        yield disorder(key, "before the date of effect")
    if expires < issued:
        why, hint = f"expires on {expires}, issued on {issued}", "check the dates, or do not issue this certificate"
        yield Violation("expired_at_issue", why, hint, pointer=f"/{key}")
    if effective < born_on:
        yield disorder(f"{prefix}effective_on", "before the birth date")
    last = age_reached_on(born_on, 75)
    if expires > last:
        yield _too_late(key, f"from 75 another insurer's certificate holds: this one ends by {last}")


def _too_late(key: str, why: str) -> Violation:
    return Violation("expires_too_late", why, "give an earlier day", pointer=f"/{key}")


# --------------------------------------------------------------------------------------------------------------- items


def _limit_own(reduces_meals: bool, record: LimitRecord, printed: Printer) -> Own:
    texts = {
        "category.text": CATEGORIES[record.category],
        "long_stay.on": printed(record.long_stay_on),
        "validity.effective_on": printed(record.effective_on),
        "validity.expires_on": printed(record.expires_on),
    }
    flags = {"certificate.has_category": True, "certificate.reduces_meals": reduces_meals}
    pointers = {"category.text": "/category", "long_stay.on": "/long_stay_on", **_TERM}
    return Own(texts, flags, pointers, record.expires_on)


_TERM = {"validity.effective_on": "/effective_on", "validity.expires_on": "/expires_on"}


def _disease_own(record: SpecifiedDiseaseRecord, profile: InsurerProfile, issued: date, printed: Printer) -> Own:
    rows = tuple(
        Row(
            texts={
                "disease.name": DISEASES[one.disease],
                "disease.limit": f"{one.limit:,}円",
                "disease.effective_on": printed(one.effective_on),
                "disease.expires_on": printed(one.expires_on),
            },
            pointers={"disease.name": f"/diseases/{at}/disease"},
        )
        for at, one in enumerate(record.diseases)
    )
    return Own({}, {}, {}, max(one.expires_on for one in record.diseases), rows)


def _elderly_own(record: ElderlyRecord, profile: InsurerProfile, issued: date, printed: Printer) -> Own:
    texts = {
        "burden.text": burden_text(record.burden, profile.burden, profile.dates, issued),
        "validity.effective_on": printed(record.burden.effective_on),
        "validity.expires_on": printed(record.expires_on),
    }
    pointers = {**_TERM, "burden.text": "/burden", "validity.effective_on": "/burden/effective_on"}
    flags = {"certificate.has_burden": True, "burden.is_pending": record.burden.pending is not None}
    return Own(texts, flags, pointers, record.expires_on)


def _items(
    record: CertificateRecord, profile: InsurerProfile, issued: date, own_of: Callable[[Printer], Own]
) -> PrintItems:
    def printed(day: date | None) -> str:
        return printed_date(day, profile.dates, issued)

    used: list[Substitution] = []
    own = own_of(printed)
    person = _person(record, profile, used)
    texts = {
        "holder.name": front_name(person, profile.names),
        "holder.born_on": printed(record.person.born_on),
        "holder.address": _address(record, profile, used),
        "symbol": record.symbol or "",
        "number": record.number,
        "branch": record.branch or "",
        "insured.name": named_in_public(record.insured, "/insured", profile, used) if record.insured else "",
        "dates.issued_on": printed(issued),
        "validity.expires_label": profile.validity.label,
        "remarks": _remarks(person, profile),
        **own.texts,
    }
    flags = {
        **dict.fromkeys(CATALOGUE.flags, False),
        **own.flags,
        "holder.is_dependent": record.insured is not None,
        "holder.has_symbol": record.symbol is not None,
        "holder.has_branch": record.branch is not None,
        "holder.has_address": record.address is not None,
        "document.has_remarks": texts["remarks"] != "",
        "document.is_specimen": record.specimen,
        "insurer.has_mark": "mark" in profile.images,
        "insurer.has_seal": "seal" in profile.images,
    }
    return PrintItems(
        texts=texts,
        flags=flags,
        pointers={**_POINTERS, **own.pointers},
        issued_on=issued,
        expires_on=own.expires_on,
        substitutions=tuple(used),
        lists={"diseases": own.diseases},
    )


_POINTERS = {
    "holder.name": "/person",
    "holder.born_on": "/person/born_on",
    "holder.address": "/address",
    "symbol": "/symbol",
    "number": "/number",
    "branch": "/branch",
    "insured.name": "/insured",
    "dates.issued_on": "/issued_on",
    "remarks": "/person",
}


def _person(record: CertificateRecord, profile: InsurerProfile, used: list[Substitution]) -> PersonName:
    """The person's names in the insurer's characters, without a former surname that nobody asked for."""
    person = record.person
    if not record.print_former_surname:
        person = person.model_copy(update={"former_surname": None})
    fields = (*REGISTERED, "alias" if person.alias is not None else "former_surname")
    return spelled(person, "/person", fields, profile.substituter, used)


def _address(record: CertificateRecord, profile: InsurerProfile, used: list[Substitution]) -> str:
    address = record.address
    if address is None:
        return ""
    parts = (f"〒{address.printed_code}", address.line, address.building)
    return profile.substituter.apply("\u3000".join(part for part in parts if part), "/address", used)


def _remarks(person: PersonName, profile: InsurerProfile) -> str:
    """The registered name where the alias stands on the front, or the meaning of the brackets."""
    if person.alias is not None and profile.names.alias.remark is not None:
        return profile.names.alias.remark.format(registered=registered_name(person, profile.names))
    return profile.names.former_surname.remark if person.former_surname is not None else ""


# --------------------------------------------------------------------------------------------------- the certificates


def _limit(document: str, reduces_meals: bool) -> Kind[LimitRecord]:
    return Kind(
        document,
        LimitRecord,
        lambda record, profile, issued: _limit_rules(document, record, profile, issued),
        lambda record, profile, issued, printed: _limit_own(reduces_meals, record, printed),
    )


LIMIT = _limit("limit-certificate", reduces_meals=False)
LIMIT_STANDARD_BURDEN = _limit("limit-standard-burden-certificate", reduces_meals=True)
SPECIFIED_DISEASE = Kind("specified-disease-certificate", SpecifiedDiseaseRecord, _disease_rules, _disease_own)
ELDERLY = Kind("elderly-certificate", ElderlyRecord, _elderly_rules, _elderly_own)
