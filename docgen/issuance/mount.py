"""The mount sheet (送付書兼資格確認書貼付台紙): one piece of mail with one to four cards, and whose they are.

Cards of a household go to the insured person's home, at most four to an envelope. What came back is made again and sent
to the employer, with symbol, number and the insured person's name; for dependents alone with that name only. Source:
the explanation of the bulk issue by the largest association (資格確認書の一括発行について, 関係団体説明資料).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from docgen.errors import RecordError, Violation
from docgen.issuance import addressee, card, catalogue
from docgen.issuance.addressee import Addressee, PieceId, address_block, piece_label
from docgen.issuance.eras import running
from docgen.issuance.items import Catalogue, ItemSpec, Need, PrintItems, Row, Substitution, always
from docgen.issuance.names import named_in_public
from docgen.issuance.profile import InsurerProfile, MountSettings
from docgen.issuance.record import (
    CardRecord,
    Code,
    DocumentRecord,
    Identifier,
    Model,
    PersonName,
    identifier_violations,
)
from docgen.issuance.rules import ISSUED_ON_MISSING, under

MOST_CARDS = 4
_CIRCLED = "①②③④"

CATALOGUE = Catalogue(
    texts={
        **addressee.TEXTS,
        **catalogue.INSURER_TEXTS,
        "dates.issued_on": ItemSpec("発行日, as in a sentence"),
        "piece.label": ItemSpec("the piece's id and which of how many it is: S0001-00000012M-1/2"),
        "piece.mark": ItemSpec("the same for a machine to read"),
        "piece.position": ItemSpec("2通のうち1通目", when="piece.is_one_of_several"),
        "insured.name": ItemSpec("被保険者氏名 with 様", when="piece.is_for_employer"),
        "symbol": ItemSpec("記号 of the insured person", when="piece.has_number"),
        "number": ItemSpec("番号 of the insured person", when="piece.has_number"),
    },
    flags={
        **addressee.FLAGS,
        "piece.is_for_employer": "The piece goes to the employer, who hands it on.",
        "piece.has_number": "It names symbol and number: not if all its cards are dependents'.",
        "piece.is_for_returned_mail": "It came back from the home; else it goes through the employer at once.",
        "piece.is_one_of_several": "The household gets more than one envelope.",
        "mount.is_printed": "The cards are printed on the sheet itself.",
        "mount.has_glue_guide": "The place of the glue has a plate of its own.",
        "document.is_specimen": "見本 stands across the page.",
    },
    lists={
        "cards": Catalogue(
            texts={
                "card.place": ItemSpec("the place's number in a circle, as in the list of contents"),
                "card.holder": ItemSpec("whose card it is, as on the card's front, without a former surname"),
                "card.holder_titled": ItemSpec("the same with 様"),
                "card.match_code": ItemSpec("what the machine reads that glues cards"),
            },
            flags={},
            needed=(
                *always("card.place", "card.holder_titled"),
                Need("card.match_code", when=("not mount.is_printed",)),
            ),
        ),
        "printed_cards": Catalogue(texts={}, flags={}),
    },
    # Mail through the employer names symbol, number and the insured person, that of dependents alone the person.
    needed=(
        *addressee.NEEDED,
        *always("insurer.name", "piece.label", "insured.name"),
        *(Need(item, when=("piece.is_for_employer",)) for item in ("symbol", "number")),
    ),
)


class Piece(Model):
    """A piece of mail: one envelope, and which one of a household's."""

    id: PieceId = Field(description="readable id, quoted on the telephone: capitals, digits and hyphens")
    sheet: Annotated[int, Field(ge=1, le=99)] = Field(default=1, description="which envelope of the household this is")
    of: Annotated[int, Field(ge=1, le=99)] = Field(default=1, description="how many envelopes the household gets")


class MountedCard(Model):
    """A card in its place: `person` and `match_code` where cards are glued on, `card` where they are printed."""

    place: Annotated[int, Field(ge=1)] = Field(description="1 top left, 2 top right, 3 bottom left, 4 bottom right")
    person: PersonName | None = Field(default=None, description="whose card it is, where it is glued on")
    match_code: PieceId | None = Field(default=None, description="match_code of the card, where it is glued on")
    card: CardRecord | None = Field(default=None, description="the card's record, where it is printed on the sheet")


class EmployerMountedCard(MountedCard):
    """A card in its place, on a mount that goes to the employer."""

    relationship: Code | None = Field(
        default=None, description="本人・家族の別 of a card that is glued on: a code of the profile's table"
    )


class MountRecord(DocumentRecord):
    """One mount sheet and its piece of mail (送付書兼資格確認書貼付台紙)."""

    piece: Piece = Field(description="the piece of mail that this sheet is")
    addressee: Addressee = Field(description="to whom it is sent")
    cards: Annotated[tuple[MountedCard, ...], Field(strict=False)] = Field(
        description="one to four, in the order of their places", json_schema_extra={"minItems": 1}
    )


class EmployerMountRecord(MountRecord):
    """A mount sheet that goes through the employer: its addressee is an organisation."""

    insured: PersonName = Field(description="被保険者, to whom the employer hands the envelope")
    occasion: Literal["returned", "delivery"] = Field(
        description="returned: what came back from the home; delivery: the delivery goes through the employer"
    )
    symbol: Identifier | None = Field(default=None, description="記号; not printed if all cards are dependents'")
    number: Identifier = Field(description="番号; not printed if all cards are dependents'")
    cards: Annotated[tuple[EmployerMountedCard, ...], Field(strict=False)] = Field(
        description="one to four, in the order of their places", json_schema_extra={"minItems": 1}
    )

    def faults(self) -> Iterator[Violation]:
        """Identifiers that are too long together."""
        return identifier_violations(self.symbol or "", self.number)


def issue_mount(record: MountRecord, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
    """Everything that this mount prints. Raises RecordError with every rule that the record breaks."""
    sheet = _sheet(record, profile, profile.documents.mount, issued_on)
    return _finished(sheet)


def issue_employer_mount(
    record: EmployerMountRecord, profile: InsurerProfile, issued_on: date | None = None
) -> PrintItems:
    """Everything that the mount prints which an employer hands on. Raises as `issue_mount` does."""
    sheet = _sheet(record, profile, profile.documents.mount_employer, issued_on)
    if record.addressee.organisation is None:
        sheet.violations.append(
            Violation(
                "missing_value",
                "this mount goes to an employer",
                "give addressee.organisation instead of addressee.person",
                pointer="/addressee/organisation",
            )
        )
    for_dependents = _is_for_dependents(record.cards, profile, sheet.violations)
    insured = named_in_public(record.insured, "/insured", profile, sheet.used)
    sheet.texts |= {
        "insured.name": _titled(insured),
        "symbol": "" if for_dependents else record.symbol or "",
        "number": "" if for_dependents else record.number,
    }
    sheet.pointers |= {"insured.name": "/insured", "symbol": "/symbol", "number": "/number"}
    sheet.flags |= {
        "piece.is_for_employer": True,
        "piece.is_for_returned_mail": record.occasion == "returned",
        "piece.has_number": not for_dependents,
    }
    return _finished(sheet)


@dataclass(slots=True)
class _Sheet:
    """A mount in the making."""

    texts: dict[str, str]
    flags: dict[str, bool]
    pointers: dict[str, str]
    rows: list[Row]
    violations: list[Violation]
    used: list[Substitution]
    omitted: dict[str, str]
    issued_on: date | None


def _finished(sheet: _Sheet) -> PrintItems:
    if sheet.violations or sheet.issued_on is None:
        raise RecordError(sheet.violations)
    return PrintItems(
        texts=sheet.texts,
        flags=sheet.flags,
        pointers=sheet.pointers,
        issued_on=sheet.issued_on,
        substitutions=tuple(sheet.used),
        lists={
            "cards": tuple(sheet.rows),
            "printed_cards": tuple(Row({}, includes=row.includes) for row in sheet.rows if row.includes),
        },
        omitted=sheet.omitted,
    )


def _sheet(
    record: MountRecord, profile: InsurerProfile, settings: MountSettings | None, issued_on: date | None
) -> _Sheet:
    if settings is None:
        raise ValueError(f"{profile.id} issues no such mount")
    used: list[Substitution] = []
    violations = [*_piece_violations(record.piece), *_place_violations(record.cards)]
    issued = record.issued_on or issued_on
    if issued is None:
        violations.append(ISSUED_ON_MISSING)
    piece = record.piece
    label = piece_label(piece.id, piece.sheet, piece.of)
    block = address_block(
        record.addressee, piece.id, profile, used, violations, "/addressee", piece_pointer="/piece/id"
    )
    make = _printed if settings.cards == "printed" else _affixed
    rows = [make(mounted, f"/cards/{at}", record, profile, issued, violations, used)
            for at, mounted in enumerate(record.cards[:MOST_CARDS])]  # fmt: skip
    texts = {
        **block.texts,
        "dates.issued_on": running(issued, None, profile.dates.first_year) if issued is not None else "",
        "piece.label": label,
        "piece.mark": label,
        "piece.position": f"{piece.of}通のうち{piece.sheet}通目" if piece.of > 1 else "",
    }
    flags = {
        **block.flags,
        "piece.is_for_employer": False,
        "piece.is_for_returned_mail": False,
        "piece.has_number": False,
        "piece.is_one_of_several": piece.of > 1,
        "mount.is_printed": settings.cards == "printed",
        "mount.has_glue_guide": settings.glue_guide,
        "document.is_specimen": record.specimen,
    }
    pointers = {
        **block.pointers,
        "dates.issued_on": "/issued_on",
        "piece.label": "/piece/id",
        "piece.mark": "/piece/id",
        "piece.position": "/piece",
    }
    return _Sheet(texts, flags, pointers, rows, violations, used, block.omitted, issued)


# --- rules ---


def _piece_violations(piece: Piece) -> Iterator[Violation]:
    if piece.sheet > piece.of:
        yield Violation(
            "piece_out_of_range",
            f"envelope {piece.sheet} of {piece.of}",
            "sheet is at most of",
            pointer="/piece/sheet",
        )


def _place_violations(cards: Sequence[MountedCard]) -> Iterator[Violation]:
    """Each card has the next place: a gap or a place taken twice would put a card under another's name.

    At most four cards to an envelope, more go into another one (source: see the module).
    """
    if not cards:
        yield Violation("missing_value", "the list is empty", "a mount has one to four cards", pointer="/cards")
    if len(cards) > MOST_CARDS:
        message = f"{len(cards)} cards, and an envelope takes {MOST_CARDS}"
        yield Violation("too_many_cards", message, "give the rest a mount of their own", pointer="/cards")
    first: dict[str, int] = {}
    for at, mounted in enumerate(cards):
        if mounted.place != at + 1:
            message = f"card {at + 1} of the list says place {mounted.place}"
            hint = "list the cards in the order of their places: 1, 2, 3, 4"
            yield Violation("cards_out_of_place", message, hint, pointer=f"/cards/{at}/place")
        code = _match_code(mounted)
        if code is not None and first.setdefault(code, at) != at:
            message = f"the same match code as card {first[code] + 1}"
            yield Violation("match_code_twice", message, "each card has its own", pointer=f"/cards/{at}/match_code")


def _match_code(mounted: MountedCard) -> str | None:
    return mounted.match_code if mounted.card is None else mounted.card.card.match_code


def _only(mounted: MountedCard, keys: Sequence[str], where: str, why: str) -> Iterator[Violation]:
    """Values of the other kind of mount: two sources for one name could differ."""
    for key in keys:
        if getattr(mounted, key, None) is not None:
            yield Violation("value_not_applicable", why, f"leave {key} out", pointer=f"{where}/{key}")


def _is_for_dependents(
    cards: Sequence[EmployerMountedCard], profile: InsurerProfile, violations: list[Violation]
) -> bool:
    """Whether every card is a dependent's: then the sheet may not show symbol and number."""
    dependent = []
    for at, mounted in enumerate(cards):
        pointer = f"/cards/{at}/relationship"
        code = mounted.relationship if mounted.card is None else mounted.card.relationship
        found = profile.relationships.get(code) if code is not None else None
        if code is None:
            message = "a mount to an employer tells dependents' cards from the insured person's"
            violations.append(Violation("missing_value", message, "give relationship", pointer=pointer))
        elif found is None and mounted.card is None:  # of a card that is printed its own rules tell
            message, hint = f"unknown relationship: {code}", f"this insurer has: {', '.join(profile.relationships)}"
            violations.append(Violation("unknown_code", message, hint, pointer=pointer))
        dependent.append(found is not None and found.dependent)
    return bool(dependent) and all(dependent)


# --- cards ---


def _titled(name: str) -> str:
    # A no-break space keeps the title of courtesy with the last character of the name.
    return f"{name}\u00a0様"


def _row(mounted: MountedCard, holder: str, where: str, match_code: str, includes: dict[str, PrintItems]) -> Row:
    return Row(
        texts={
            "card.place": _CIRCLED[(mounted.place - 1) % MOST_CARDS],
            "card.holder": holder,
            "card.holder_titled": _titled(holder),
            "card.match_code": match_code,
        },
        pointers={"card.holder": where, "card.holder_titled": where, "card.match_code": where},
        includes=includes,
    )


def _affixed(
    mounted: MountedCard,
    where: str,
    record: MountRecord,
    profile: InsurerProfile,
    issued: date | None,
    violations: list[Violation],
    used: list[Substitution],
) -> Row:
    """A card that is made apart and glued on by machine."""
    violations += _only(mounted, ("card",), where, "this insurer's cards are glued on their mounts")
    if mounted.person is None:
        message = "the place shows its holder's name"
        violations.append(Violation("missing_value", message, "give person", pointer=f"{where}/person"))
    if mounted.match_code is None:
        message = "the machine matches each card with its place"
        hint = "give the match_code of the card"
        violations.append(Violation("match_code_missing", message, hint, pointer=f"{where}/match_code"))
    pointer = f"{where}/person"
    holder = named_in_public(mounted.person, pointer, profile, used) if mounted.person is not None else ""
    return _row(mounted, holder, pointer, mounted.match_code or "", {})


def _printed(
    mounted: MountedCard,
    where: str,
    record: MountRecord,
    profile: InsurerProfile,
    issued: date | None,
    violations: list[Violation],
    used: list[Substitution],
) -> Row:
    """A card that is printed in its place and cut out by its die line, with whatever its own record says."""
    keys = ("person", "match_code", "relationship")
    violations += _only(mounted, keys, where, "this insurer's cards are printed on their mounts, from card")
    if mounted.card is None:
        message = "this insurer's cards are printed on their mounts"
        violations.append(Violation("missing_value", message, "give card", pointer=f"{where}/card"))
        return _row(mounted, "", where, "", {})
    inside = f"{where}/card"
    holder = named_in_public(mounted.card.person, f"{inside}/person", profile, used)
    try:
        issued_card = card.issue_card(mounted.card, profile, issued)
    except RecordError as error:
        violations += under(inside, error.violations)
        return _row(mounted, holder, f"{inside}/person", "", {})
    used += [replace(use, pointer=inside + use.pointer) for use in issued_card.substitutions]
    included = replace(
        issued_card,
        flags={
            **issued_card.flags,
            "insurer.has_die_line": True,
            "document.is_specimen": record.specimen or mounted.card.specimen,
        },
        pointers={name: inside + pointer for name, pointer in issued_card.pointers.items()},
    )
    return _row(mounted, holder, f"{inside}/person", "", {"card": included})
