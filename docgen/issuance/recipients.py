"""The list of recipients (対象者一覧表) that an employer gets ahead of a delivery to the homes of its people.

Who is on it, and when it is sent: the explanation of the bulk issue by the largest association
(資格確認書の一括発行について, 関係団体説明資料). No public form of it is known: its columns are a sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated

from pydantic import Field

from docgen.errors import RecordError, Violation
from docgen.issuance.addressee import INSERTER_FLAGS, PieceNumber, inserter_flags, inserter_violations
from docgen.issuance.catalogue import INSURER_TEXTS
from docgen.issuance.eras import padded, running
from docgen.issuance.items import Catalogue, ItemSpec, PrintItems, Row, Substitution, always
from docgen.issuance.names import KANA, front_kana, named_in_public, spelled
from docgen.issuance.profile import InsurerProfile
from docgen.issuance.record import (
    Branch,
    Code,
    Day,
    DocumentRecord,
    Identifier,
    Model,
    PersonName,
    Text,
    identifier_violations,
)
from docgen.issuance.rules import ISSUED_ON_MISSING, birth_violations, disorder, insured_violations, under, unknown

CATALOGUE = Catalogue(
    texts={
        **INSURER_TEXTS,
        "dates.issued_on": ItemSpec("発行日, as in a sentence"),
        "employer.symbol": ItemSpec("事業所記号"),
        "employer.name": ItemSpec("事業所名称"),
        "piece.id": ItemSpec("the list's number, as the record gives it", when="piece.has_id"),
        "list.extracted_on": ItemSpec("抽出日 of the data", when="list.has_extraction_date"),
        "list.total": ItemSpec("how many people and households are on the list: 18名（11世帯）"),
    },
    flags={
        **INSERTER_FLAGS,
        "piece.has_id": "The list has a number.",
        "list.has_extraction_date": "The record says when its data were taken.",
        "list.has_months": "A row says when its household's mail is sent.",
        "document.is_specimen": "見本 stands across the page.",
    },
    lists={
        "recipients": Catalogue(
            texts={
                "recipient.row": ItemSpec("the row's number in the list, from 1"),
                "recipient.number": ItemSpec("番号"),
                "recipient.branch": ItemSpec("枝番, empty if there is none"),
                "recipient.name": ItemSpec("氏名, as others may read it: the alias, never a former surname"),
                "recipient.kana": ItemSpec("氏名のフリガナ, the alias's if there is one"),
                "recipient.born_on": ItemSpec("生年月日"),
                "recipient.insured_name": ItemSpec("被保険者氏名: the person's own, or that of a dependent's insured"),
                "recipient.month": ItemSpec("お送りする月, empty if not given"),
            },
            flags={
                "recipient.is_dependent": "The person is a dependent (被扶養者).",
                "recipient.opens_household": "The row is the first of a household.",
            },
            needed=always("recipient.number", "recipient.branch", "recipient.name", "recipient.insured_name"),
        )
    },
    needed=always("insurer.name", "employer.name", "list.total"),
)


class RecipientName(PersonName):
    """A person on the list; it has no place for the sex."""

    born_on: Day = Field(description="生年月日")


class Recipient(Model):
    """One person on the list."""

    number: Identifier = Field(description="番号: all half-width or all full-width; a household shares it")
    branch: Branch | None = Field(default=None, description="枝番: two half-width digits; absent is not 00")
    person: RecipientName = Field(description="the person, by name and birth date")
    relationship: Code = Field(description="本人・家族の別: a code of the profile's table")
    insured: PersonName | None = Field(default=None, description="被保険者, of a dependent")
    month: Annotated[int, Field(ge=1, le=12)] | None = Field(
        default=None, description="the month in which the household's mail is sent"
    )


class Employer(Model):
    """Whom the list is for."""

    symbol: Identifier = Field(description="事業所記号: all half-width or all full-width")
    name: Text = Field(description="事業所名称")


class RecipientsRecord(DocumentRecord):
    """One employer's list of recipients (対象者一覧表)."""

    list_id: PieceNumber | None = Field(
        default=None, description="number of the list, on each page: S0001-L00030001E-1/1"
    )
    extracted_on: Day | None = Field(default=None, description="抽出日: the day of the data that the list shows")
    employer: Employer = Field(description="whom the list is for")
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=20000, strict=False)] = Field(
        description="the people; printed by household, in the order in which the households first come"
    )

    def faults(self) -> Iterator[Violation]:
        """Identifiers that are too long together."""
        for at, recipient in enumerate(self.recipients):
            for violation in identifier_violations(self.employer.symbol, recipient.number):
                where = "/employer" if violation.pointer == "/symbol" else f"/recipients/{at}"
                yield from under(where, [violation])
                if violation.pointer == "/symbol":
                    return  # once, not for each row


def issue_recipients_list(
    record: RecipientsRecord, profile: InsurerProfile, issued_on: date | None = None
) -> PrintItems:
    """Everything that this list prints, sorted by household, the insured person first and then by branch.

    The record's own `issued_on` goes before the job's. Raises RecordError with every rule that the record breaks, each
    with the row's place in the record.
    """
    if profile.documents.recipients_list is None:
        raise ValueError(f"{profile.id} issues no lists of recipients")
    violations: list[Violation] = []
    if not record.recipients:
        violations.append(
            Violation("empty_list", "the list has no rows", "send no list to this employer", pointer="/recipients")
        )
    violations += inserter_violations(record.list_id, profile, "list_id")
    for at, recipient in enumerate(record.recipients):
        violations += under(f"/recipients/{at}", _table_rules(recipient, profile))
    issued = record.issued_on or issued_on
    if issued is None:
        raise RecordError([ISSUED_ON_MISSING, *violations])
    if record.extracted_on is not None and record.extracted_on > issued:
        violations.append(disorder("extracted_on", "after the date of issue"))
    for at, recipient in enumerate(record.recipients):
        violations += under(f"/recipients/{at}", birth_violations(recipient.person.born_on, issued))
    if violations:
        raise RecordError(violations)
    return _items(record, profile, issued)


def _table_rules(recipient: Recipient, profile: InsurerProfile) -> Iterator[Violation]:
    relationship = profile.relationships.get(recipient.relationship)
    if relationship is None:
        yield unknown("relationship", recipient.relationship, profile.relationships)
    else:
        yield from insured_violations(recipient.insured, relationship.dependent)


def _items(record: RecipientsRecord, profile: InsurerProfile, issued: date) -> PrintItems:
    used: list[Substitution] = []
    households = Counter(recipient.number for recipient in record.recipients)
    extracted = record.extracted_on
    return PrintItems(
        texts={
            "dates.issued_on": running(issued, None, profile.dates.first_year),
            "employer.symbol": record.employer.symbol,
            "employer.name": profile.substituter.apply(record.employer.name, "/employer/name", used),
            "piece.id": record.list_id or "",
            "list.extracted_on": running(extracted, None, profile.dates.first_year) if extracted else "",
            "list.total": f"{len(record.recipients)}名（{len(households)}世帯）",
        },
        flags={
            **inserter_flags(profile),
            "piece.has_id": record.list_id is not None,
            "list.has_extraction_date": extracted is not None,
            "list.has_months": any(recipient.month is not None for recipient in record.recipients),
            "document.is_specimen": record.specimen,
        },
        pointers={
            "employer.symbol": "/employer/symbol",
            "employer.name": "/employer/name",
            "piece.id": "/list_id",
            "list.extracted_on": "/extracted_on",
            "list.total": "/recipients",
        },
        issued_on=issued,
        lists={"recipients": tuple(_rows(record, profile, used))},
        substitutions=tuple(used),
    )


def _sorted(recipients: Iterable[Recipient], profile: InsurerProfile) -> list[tuple[int, Recipient]]:
    """The people with their places in the record, by household, the insured first, then by branch, else as they came.

    Households stand in the order in which they first come, so that a list that is sorted stays so.
    """
    found = list(enumerate(recipients))
    first: dict[str, int] = {}
    for at, recipient in found:
        first.setdefault(recipient.number, at)

    def place(entry: tuple[int, Recipient]) -> tuple[int, bool, str]:
        recipient = entry[1]
        return first[recipient.number], profile.relationships[recipient.relationship].dependent, recipient.branch or ""

    return sorted(found, key=place)


def _rows(record: RecipientsRecord, profile: InsurerProfile, used: list[Substitution]) -> Iterator[Row]:
    household = None
    for count, (at, recipient) in enumerate(_sorted(record.recipients, profile), start=1):
        yield _row(recipient, f"/recipients/{at}", count, recipient.number != household, profile, used)
        household = recipient.number


def _row(
    recipient: Recipient, where: str, count: int, opens: bool, profile: InsurerProfile, used: list[Substitution]
) -> Row:
    person = recipient.person
    name = named_in_public(person, f"{where}/person", profile, used)
    insured = recipient.insured
    insured_name = named_in_public(insured, f"{where}/insured", profile, used) if insured is not None else name
    reading = (
        person if person.alias is not None else spelled(person, f"{where}/person", KANA, profile.substituter, used)
    )
    return Row(
        texts={
            "recipient.row": str(count),
            "recipient.number": recipient.number,
            "recipient.branch": recipient.branch or "",
            "recipient.name": name,
            # a reading that is too long breaks between its words before anywhere else
            "recipient.kana": front_kana(reading, profile.names).replace("\u3000", "\u3000\u200b"),
            "recipient.born_on": padded(person.born_on, None, profile.dates.first_year),
            "recipient.insured_name": insured_name,
            "recipient.month": f"{recipient.month}月" if recipient.month is not None else "",
        },
        flags={
            "recipient.is_dependent": profile.relationships[recipient.relationship].dependent,
            "recipient.opens_household": opens,
        },
        pointers={
            "recipient.row": where,
            "recipient.number": f"{where}/number",
            "recipient.branch": f"{where}/branch",
            "recipient.name": f"{where}/person",
            "recipient.kana": f"{where}/person",
            "recipient.born_on": f"{where}/person/born_on",
            "recipient.insured_name": f"{where}/insured" if insured is not None else f"{where}/person",
            "recipient.month": f"{where}/month",
        },
        group=recipient.number,
    )
