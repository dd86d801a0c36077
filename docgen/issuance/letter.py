"""The letter to an employer (事業所宛送付文) with the sealed envelopes that it hands on to its people.

Mail that came back from a home is made again and sent to the employer; some insurers deliver through it from the start.
For dependents alone the envelope names the insured person only, so its row has no number. An envelope takes four cards;
notices have no such limit, since one may tell of a whole household. Source: the explanation of
the bulk issue by the largest association (資格確認書の一括発行について, 関係団体説明資料).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from docgen.errors import RecordError, Violation
from docgen.issuance import addressee
from docgen.issuance.addressee import Addressee, PieceNumber, address_block, inserter_violations
from docgen.issuance.catalogue import INSURER_TEXTS
from docgen.issuance.eras import running
from docgen.issuance.items import Catalogue, ItemSpec, PrintItems, Row, Substitution, always
from docgen.issuance.names import named_in_public
from docgen.issuance.profile import InsurerProfile
from docgen.issuance.record import Day, DocumentRecord, Identifier, Model, PersonName, identifier_violations
from docgen.issuance.rules import ISSUED_ON_MISSING, disorder, missing, not_applicable, under

CATALOGUE = Catalogue(
    texts={
        **addressee.TEXTS,
        **INSURER_TEXTS,
        "dates.issued_on": ItemSpec("発行日, as in a sentence"),
        "employer.symbol": ItemSpec("事業所記号"),
        "letter.total": ItemSpec(
            "how many envelopes go with the letter, and cards: 3通（カード5枚）; of notices, people: 3通（5名分）"
        ),
        "letter.return_by": ItemSpec(
            "the day by which what cannot be handed on is sent back", when="letter.has_return_by"
        ),
    },
    flags={
        **addressee.FLAGS,
        "letter.is_for_returned_mail": "The envelopes came back from homes; else they go through the employer at once.",
        "letter.is_of_notices": "The envelopes hold notices and no cards.",
        "letter.has_return_by": "There is a day by which to send back what cannot be handed on.",
        "document.is_specimen": "見本 stands across the page.",
    },
    lists={
        "envelopes": Catalogue(
            texts={
                "envelope.row": ItemSpec("the row's number, from 1"),
                "envelope.id": ItemSpec("the envelope's number, as it stands in its window"),
                "envelope.number": ItemSpec("番号 of the insured person, empty for an envelope of dependents alone"),
                "envelope.insured_name": ItemSpec("被保険者氏名, to whom it is handed, without 様"),
                "envelope.cards": ItemSpec(
                    "how many cards are inside: 2枚; of notices, how many people they tell of: 2名"
                ),
            },
            flags={"envelope.has_number": "The row has a number."},
            needed=always("envelope.id", "envelope.insured_name"),
        )
    },
    needed=(*addressee.NEEDED, *always("insurer.name")),
)


class Envelope(Model):
    """One sealed envelope to hand on."""

    piece_id: PieceNumber = Field(description="number of the envelope, as it stands in its window: S0001-00000012M-1/2")
    insured: PersonName = Field(description="被保険者, to whom the employer hands it")
    number: Identifier | None = Field(default=None, description="番号; absent if the cards are dependents' alone")
    cards: Annotated[int, Field(ge=1, le=4)] | None = Field(
        default=None, description="how many cards are inside, where the letter's contents are cards"
    )
    people: Annotated[int, Field(ge=1, le=99)] | None = Field(
        default=None, description="how many people the notices inside tell of, where its contents are notices"
    )


class LetterRecord(DocumentRecord):
    """One letter to an employer, with the envelopes that go with it (事業所宛送付文)."""

    addressee: Addressee = Field(description="the employer: an organisation")
    piece_id: PieceNumber | None = Field(
        default=None, description="number of the piece of mail, in the window: S0001-L00030001E-1/1"
    )
    occasion: Literal["returned", "delivery"] = Field(
        description="returned: what came back from homes; delivery: the delivery goes through the employer"
    )
    contents: Literal["cards", "notices"] = Field(
        default="cards", description="what the envelopes hold: cards, or notices and no cards"
    )
    symbol: Identifier = Field(description="事業所記号: all half-width or all full-width")
    return_by: Day | None = Field(default=None, description="by when to send back what cannot be handed on")
    envelopes: Annotated[tuple[Envelope, ...], Field(max_length=1000, strict=False)] = Field(
        description="the envelopes, in the order in which they lie in the box"
    )

    def faults(self) -> Iterator[Violation]:
        """Identifiers that are too long together."""
        for at, envelope in enumerate(self.envelopes):
            for violation in identifier_violations(self.symbol, envelope.number or ""):
                if violation.pointer == "/symbol":
                    yield violation
                    return  # once, not for each row
                yield from under(f"/envelopes/{at}", [violation])


def issue_letter(record: LetterRecord, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
    """Everything that this letter prints. Raises RecordError with every rule that the record breaks."""
    if profile.documents.employer_letter is None:
        raise ValueError(f"{profile.id} issues no letters to employers")
    used: list[Substitution] = []
    violations: list[Violation] = []
    block = address_block(record.addressee, record.piece_id, profile, used, violations)
    violations += inserter_violations(record.piece_id, profile)
    if record.addressee.organisation is None:
        message, hint = "this letter goes to an employer", "give addressee.organisation instead of addressee.person"
        violations.append(Violation("missing_value", message, hint, pointer="/addressee/organisation"))
    if not record.envelopes:
        message, hint = "no envelopes go with the letter", "send no letter to this employer"
        violations.append(Violation("empty_list", message, hint, pointer="/envelopes"))
    for at, envelope in enumerate(record.envelopes):
        violations += under(f"/envelopes/{at}", _count_violations(envelope, record.contents))
    issued = record.issued_on or issued_on
    if issued is None:
        raise RecordError([ISSUED_ON_MISSING, *violations])
    if record.return_by is not None and record.return_by < issued:
        violations.append(disorder("return_by", "before the date of issue"))
    if violations:
        raise RecordError(violations)
    return _items(record, profile, issued, block, used)


def _count_violations(envelope: Envelope, contents: Literal["cards", "notices"]) -> Iterator[Violation]:
    cards, people = contents == "cards", contents == "notices"
    for key, wanted, given in (("cards", cards, envelope.cards), ("people", people, envelope.people)):
        if wanted and given is None:
            yield missing(key, f"the letter's envelopes hold {contents}")
        elif given is not None and not wanted:
            yield not_applicable(key, f"the letter's envelopes hold {contents}")


def _items(
    record: LetterRecord,
    profile: InsurerProfile,
    issued: date,
    block: addressee.AddressBlock,
    used: list[Substitution],
) -> PrintItems:
    notices = record.contents == "notices"
    total = sum((envelope.people if notices else envelope.cards) or 0 for envelope in record.envelopes)
    rows = tuple(_row(envelope, at, profile, used) for at, envelope in enumerate(record.envelopes))
    return_by = record.return_by
    known_on = issued if profile.dates.later_era == "issue" else None
    return PrintItems(
        texts={
            **block.texts,
            "dates.issued_on": running(issued, None, profile.dates.first_year),
            "employer.symbol": record.symbol,
            "letter.total": f"{len(rows)}通（{f'{total}名分' if notices else f'カード{total}枚'}）",
            "letter.return_by": running(return_by, known_on, profile.dates.first_year) if return_by else "",
        },
        flags={
            **block.flags,
            "letter.is_for_returned_mail": record.occasion == "returned",
            "letter.is_of_notices": notices,
            "letter.has_return_by": return_by is not None,
            "document.is_specimen": record.specimen,
        },
        pointers={
            **block.pointers,
            "employer.symbol": "/symbol",
            "letter.total": "/envelopes",
            "letter.return_by": "/return_by",
        },
        issued_on=issued,
        lists={"envelopes": rows},
        omitted=block.omitted,
        substitutions=tuple(used),
    )


def _row(envelope: Envelope, at: int, profile: InsurerProfile, used: list[Substitution]) -> Row:
    where = f"/envelopes/{at}"
    return Row(
        texts={
            "envelope.row": str(at + 1),
            "envelope.id": envelope.piece_id,
            "envelope.number": envelope.number or "",
            "envelope.insured_name": named_in_public(envelope.insured, f"{where}/insured", profile, used),
            "envelope.cards": f"{envelope.cards}枚" if envelope.cards else f"{envelope.people}名",
        },
        flags={"envelope.has_number": envelope.number is not None},
        pointers={
            "envelope.row": where,
            "envelope.id": f"{where}/piece_id",
            "envelope.number": f"{where}/number",
            "envelope.insured_name": f"{where}/insured",
            "envelope.cards": f"{where}/{'cards' if envelope.cards else 'people'}",
        },
    )
