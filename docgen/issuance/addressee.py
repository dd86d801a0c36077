"""The addressee of a piece of mail: what a window shows, and which rule printed or left out the customer barcode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from docgen.errors import RecordError, Violation
from docgen.issuance.address import Address, customer_code
from docgen.issuance.card import constants
from docgen.issuance.items import PART, ItemSpec, Substitution, always
from docgen.issuance.names import named_in_public
from docgen.issuance.profile import InsurerProfile
from docgen.issuance.record import Model, PersonName, Text
from docgen.issuance.rules import missing

PieceId = Annotated[str, Field(pattern=r"^[0-9A-Z-]{1,24}$")]
# With which of a household's envelopes it is, as `piece_label` writes it.
PieceNumber = Annotated[str, Field(pattern=r"^[0-9A-Z-]{1,24}(-[1-9][0-9]{0,2}/[1-9][0-9]{0,2})?$")]

# What the machine that fills envelopes reads on a sheet.
INSERTER_FLAGS = {
    "inserter.reads_omr": "The machine that fills envelopes reads OMR marks.",
    "inserter.reads_code": "It reads a code on each sheet.",
}

TEXTS = {
    "address.postal_code": ItemSpec("〒 and the postal code with its hyphen"),
    "address.lines": ItemSpec("the address: breaks between town, number and building before anywhere else"),
    "address.name": ItemSpec("the addressee's name with 様 or 御中: the only place that adds it"),
    "address.barcode": ItemSpec("the text of the customer barcode", when="address.has_barcode"),
    "piece.id": ItemSpec("the number of the piece of mail, as the record gives it", when="piece.has_id"),
}
# Without them a letter does not arrive.
NEEDED = always("address.postal_code", "address.lines", "address.name")
FLAGS = {
    "address.has_barcode": "The customer barcode is printed.",
    "piece.has_id": "The piece of mail has an id.",
    **INSERTER_FLAGS,
}

# A no-break space keeps the title of courtesy with the last character of the name.
_TITLED = "{name}\u00a0{title}"


def piece_label(id_: str, sheet: int, of: int) -> str:
    """An envelope's number, as every paper shows it that is in the envelope or names it: `S0001-00000012M-1/2`."""
    return f"{id_}-{sheet}/{of}"


def inserter_flags(profile: InsurerProfile) -> dict[str, bool]:
    """The values of `INSERTER_FLAGS`."""
    return {
        "inserter.reads_omr": profile.mail.inserter == "omr",
        "inserter.reads_code": profile.mail.inserter == "code",
    }


def inserter_violations(piece_id: str | None, profile: InsurerProfile, key: str = "piece_id") -> Iterator[Violation]:
    """A document of several sheets needs its piece's number where each sheet has a code; `key` is the record's."""
    if profile.mail.inserter == "code" and piece_id is None:
        yield missing(key, "the machine that fills envelopes reads it on each sheet")


class Addressee(Model):
    """To whom a piece of mail goes, and where: a person, or an organisation such as an employer."""

    person: PersonName | None = Field(default=None, description="the person; 様 is added")
    organisation: Text | None = Field(default=None, description="an organisation instead; 御中 is added")
    address: Address
    discounted: bool = Field(
        default=True,
        description="the piece may have the barcode's discount: mail with an option such as 特定記録 has none",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Addressee:
        if (self.person is None) == (self.organisation is None):
            message = "an addressee is a person or an organisation"
            raise PydanticCustomError(
                "missing_value", "{message}", {"message": message, "hint": "give one of person and organisation"}
            )
        return self


def mail_constants(profile: InsurerProfile) -> dict[str, str]:
    """The insurer's constants on A4: its address breaks where it has spaces before anywhere else."""
    return {**constants(profile), "insurer.address": profile.address.replace(" ", f" {PART}")}


# Why `address.barcode` is left out.
OMITTED = {
    "general_postal_code": "a postal code that ends in 00 has no customer barcode",
    "no_address_number": "the address has no number after the town: see whether it was split at the right place",
    "not_discounted": "this mail gets no discount, and the profile wants the barcode only where it brings one",
}


@dataclass(frozen=True, slots=True)
class AddressBlock:
    """The print items of an addressee, to go into those of a document.

    `omitted` says why an item is left out, with a key of `OMITTED`.
    """

    texts: dict[str, str]
    flags: dict[str, bool]
    pointers: dict[str, str]
    omitted: dict[str, str] = field(default_factory=dict)


def address_block(
    addressee: Addressee,
    piece_id: str | None,
    profile: InsurerProfile,
    used: list[Substitution],
    violations: list[Violation],
    pointer: str = "/addressee",
    piece_pointer: str = "/piece_id",
) -> AddressBlock:
    """What the window shows. An address that cannot be made into a barcode is added to `violations`.

    The barcode is printed always or only where it brings a discount, as the profile says: mail with options such as
    特定記録 gets none, https://www.post.japanpost.jp/business/discount/barcode.html .
    """
    place = f"{pointer}/address"
    data, reason = "", ""
    if profile.mail.customer_barcode == "only_when_discounted" and not addressee.discounted:
        reason = "not_discounted"
    else:
        try:
            code = customer_code(addressee.address, place)
        except RecordError as error:
            violations += error.violations
        else:
            data, reason = code.data or "", "" if code.data else code.reason
    return AddressBlock(
        texts={
            "address.postal_code": f"〒{addressee.address.printed_code}",
            "address.lines": _lines(addressee.address, place, profile, used),
            "address.name": _name(addressee, pointer, profile, used),
            "address.barcode": data,
            "piece.id": piece_id or "",
        },
        flags={
            "address.has_barcode": bool(data),
            "piece.has_id": piece_id is not None,
            **inserter_flags(profile),
        },
        pointers={
            "address.postal_code": f"{place}/postal_code",
            "address.lines": place,
            "address.name": f"{pointer}/{'person' if addressee.person is not None else 'organisation'}",
            "address.barcode": place,
            "piece.id": piece_pointer,
        },
        omitted={"address.barcode": reason} if reason else {},
    )


def _lines(address: Address, place: str, profile: InsurerProfile, used: list[Substitution]) -> str:
    """The parts of the address; the building has a line of its own, a box its number if nothing follows the area."""

    def part(key: str) -> str:
        value = getattr(address, key)
        return profile.substituter.apply(value, f"{place}/{key}", used) if value else ""

    parts = [part("full"), part("area"), part("rest")]
    if address.full is None and address.rest is None and address.post_office_box is not None:
        parts.append(f"私書箱第{address.post_office_box}号")
    return "\n".join(filter(None, (PART.join(filter(None, parts)), part("building"))))


def _name(addressee: Addressee, pointer: str, profile: InsurerProfile, used: list[Substitution]) -> str:
    if addressee.person is not None:
        name = named_in_public(addressee.person, f"{pointer}/person", profile, used)
        return _TITLED.format(name=name, title="様")
    name = profile.substituter.apply(addressee.organisation or "", f"{pointer}/organisation", used)
    return _TITLED.format(name=name, title="御中")
