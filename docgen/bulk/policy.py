"""What an insurer's profile says of bulk issuance, looked up for a job."""

from __future__ import annotations

from dataclasses import dataclass

from docgen.errors import RequestError, Violation
from docgen.issuance.extract import BulkSettings, Delivery
from docgen.issuance.profile import InsurerProfile


@dataclass(frozen=True, slots=True)
class Policy:
    """The section `bulk:` of a profile, and the delivery that was chosen from it."""

    settings: BulkSettings
    delivery: Delivery

    @classmethod
    def of(cls, profile: InsurerProfile, delivery: str) -> Policy:
        """Raises RequestError `no_bulk_settings` or `unknown_delivery`."""
        settings = profile.bulk
        if settings is None:
            message, hint = f"{profile.id} has no bulk issuance", "give its profile a section `bulk:`"
            raise RequestError(Violation("no_bulk_settings", message, hint))
        if delivery not in settings.deliveries:
            message, hint = f"unknown delivery: {delivery}", f"{profile.id} has: {', '.join(settings.deliveries)}"
            raise RequestError(Violation("unknown_delivery", message, hint))
        return cls(settings, settings.deliveries[delivery])

    @property
    def issued(self) -> tuple[str, ...]:
        """The documents of which nobody gets a second one of the same day; a mount goes with its cards."""
        return tuple(document for document in self.delivery.documents if document in ("card", "notice"))

    @property
    def printed(self) -> tuple[str, ...]:
        """All documents that a package may have: to employers also their letter, and mounts for mail to homes."""
        documents = self.delivery.documents
        if self.delivery.to != "employer":
            return documents
        return (*documents, *(["mount-employer"] if "mount" in documents else []), "employer-letter")

    @property
    def is_list(self) -> bool:
        """Whether employers get lists of recipients, and people no mail."""
        return self.delivery.to == "lists"
