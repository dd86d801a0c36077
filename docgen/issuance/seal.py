"""The sheet of privacy seals (個人情報保護シール), which hide what stands on the card's back about organ donation.

What they are for: https://www.city.edogawa.tokyo.jp/e053/kurashi/iryohoken/kokuho/shikaku/zokitekyo.html
"""

from __future__ import annotations

from datetime import date

from docgen.errors import RecordError
from docgen.issuance.catalogue import INSURER_TEXTS
from docgen.issuance.items import Catalogue, PrintItems, Row
from docgen.issuance.profile import InsurerProfile
from docgen.issuance.record import DocumentRecord
from docgen.issuance.rules import ISSUED_ON_MISSING

# One of each size for the four cards of an envelope, or two of the one size that the insurer has.
_SEALS = 8

CATALOGUE = Catalogue(
    texts=INSURER_TEXTS,
    flags={
        "seal.has_large": "The sheet has seals that hide the signatures too.",
        "seal.has_small": "The sheet has seals that hide the choice alone.",
        "document.is_specimen": "見本 stands across the page.",
    },
    lists={"seals": Catalogue(texts={}, flags={"seal.is_large": "This seal hides the signatures too."})},
)


class SealRecord(DocumentRecord):
    """A sheet of privacy seals: the same for everybody, so it holds nothing of a person."""


def issue_seal(record: SealRecord, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
    """Everything that the sheet prints. Raises RecordError without a date of issue."""
    settings = profile.documents.seal
    if settings is None:
        raise ValueError(f"{profile.id} issues no seals")
    issued = record.issued_on or issued_on
    if issued is None:
        raise RecordError(ISSUED_ON_MISSING)
    large = {"both": _SEALS // 2, "large": _SEALS, "small": 0}[settings.sizes]
    return PrintItems(
        texts={},
        flags={
            "seal.has_large": large > 0,
            "seal.has_small": large < _SEALS,
            "document.is_specimen": record.specimen,
        },
        pointers={},
        issued_on=issued,
        lists={"seals": tuple(Row({}, {"seal.is_large": at < large}) for at in range(_SEALS))},
    )
