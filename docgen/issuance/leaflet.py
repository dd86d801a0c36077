"""The leaflet in the envelope (説明チラシ): the same for everybody, with the insurer's page as a QR."""

from __future__ import annotations

from datetime import date

from docgen.errors import RecordError
from docgen.issuance.catalogue import INSURER_TEXTS
from docgen.issuance.items import Catalogue, ItemSpec, PrintItems, always
from docgen.issuance.profile import InsurerProfile
from docgen.issuance.record import DocumentRecord
from docgen.issuance.rules import ISSUED_ON_MISSING

CATALOGUE = Catalogue(
    texts={**INSURER_TEXTS, "leaflet.url": ItemSpec("the address of the insurer's page about the card")},
    flags={"document.is_specimen": "見本 stands across the page."},
    needed=always("insurer.name", "leaflet.url"),
)


class LeafletRecord(DocumentRecord):
    """A leaflet (説明チラシ): the same for everybody, so it holds nothing of a person."""


def issue_leaflet(record: LeafletRecord, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
    """Everything that the leaflet prints. Raises RecordError without a date of issue."""
    settings = profile.documents.leaflet
    if settings is None:
        raise ValueError(f"{profile.id} issues no leaflet")
    issued = record.issued_on or issued_on
    if issued is None:
        raise RecordError(ISSUED_ON_MISSING)
    return PrintItems(
        texts={"leaflet.url": settings.url},
        flags={"document.is_specimen": record.specimen},
        pointers={},
        issued_on=issued,
    )
