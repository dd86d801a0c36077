"""The documents that can be issued: how each reads its record and makes its print items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any, TypeVar

from docgen.errors import RecordError, Violation
from docgen.issuance import (
    addressee,
    application,
    card,
    certificate,
    envelope,
    leaflet,
    letter,
    mount,
    name_request,
    notice,
    recipients,
    seal,
    uncollectable,
)
from docgen.issuance.addressee import mail_constants
from docgen.issuance.certificate import Kind
from docgen.issuance.eras import FIRST_DAY
from docgen.issuance.forms import form_constants
from docgen.issuance.items import Catalogue, Need, PrintItems
from docgen.issuance.notice import NoticeRecord
from docgen.issuance.profile import InsurerProfile
from docgen.issuance.record import MOST_UNKNOWN_KEYS, CardRecord, Model, parse, record_schema


@dataclass(frozen=True, slots=True)
class Document:
    """One kind of document.

    `issue(raw, profile, issued_on)` takes a record as decoded from JSON and the job's date of issue, and raises
    RecordError with every violation. `schema()` is the record's JSON Schema. Documents that differ in little share one
    layout: `drawn_by` names it, and `title` says what people call the document. `sizes` names the layouts that draw it
    in another size that a profile asks for; `needed_by` has what one of its layouts must print beside the catalogue's.
    """

    id: str
    catalogue: Catalogue
    issue: Callable[[object, InsurerProfile, date | None], PrintItems]
    constants: Callable[[InsurerProfile], dict[str, str]]
    schema: Callable[[], dict[str, Any]]
    drawn_by: str = ""
    title: str = ""
    sizes: Mapping[str, str] = field(default_factory=dict)
    needed_by: Mapping[str, tuple[Need, ...]] = field(default_factory=dict)

    @property
    def layout(self) -> str:
        """The name of the layout that draws it, in its usual size."""
        return self.drawn_by or self.id

    @property
    def layouts(self) -> tuple[str, ...]:
        """The names of all layouts that may draw it, the usual one first."""
        return self.layout, *self.sizes.values()

    def needed(self, layout: str) -> tuple[Need, ...]:
        """What one of its layouts must print once on a document."""
        return (*self.catalogue.needed, *self.needed_by.get(layout, ()))

    def layout_for(self, profile: InsurerProfile) -> str:
        """The name of the layout that draws it for an insurer."""
        settings = getattr(profile.documents, self.id.replace("-", "_"))
        return self.sizes.get(getattr(settings, "size", ""), self.layout)


Record = TypeVar("Record", bound=Model)
# A record with stand-ins where malformed values may be missing, so that the rules can be tried on the rest of it.
StandIn = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def _document(
    name: str,
    catalogue: Catalogue,
    model: type[Record],
    issue: Callable[[Record, InsurerProfile, date | None], PrintItems],
    constants: Callable[[InsurerProfile], dict[str, str]],
    stand_in: StandIn = dict,
    drawn_by: str = "",
    title: str = "",
) -> Document:
    def parse_and_issue(raw: object, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
        """Violations of the record's form and of the rules come back together."""
        try:
            record = parse(model, raw, profile.names.signs)
        except RecordError as error:
            found = error.violations
        else:
            return issue(record, profile, issued_on)
        sound = _sound(raw, found)

        def issue_rest() -> PrintItems:
            return issue(parse(model, stand_in(sound), profile.names.signs), profile, issued_on)

        beyond = _rules_beyond(found, issue_rest) if sound else []
        raise RecordError([*found, *beyond])

    return Document(name, catalogue, parse_and_issue, constants, partial(record_schema, model), drawn_by, title)


def _sound(raw: object, found: tuple[Violation, ...]) -> Mapping[str, Any]:
    """The record without its malformed values; empty if it is no record at all."""
    if len(found) > MOST_UNKNOWN_KEYS:
        return {}
    sound = _without(raw, "", frozenset(v.pointer or "" for v in found))
    return sound if isinstance(sound, Mapping) else {}


def _rules_beyond(found: tuple[Violation, ...], issue: Callable[[], PrintItems]) -> list[Violation]:
    """The rules that a malformed record breaks besides, as far as it can be told without its malformed values."""
    pointers = [v.pointer or "" for v in found]
    try:
        issue()
    except RecordError as error:
        return [v for v in error.violations if not any(_touches(v.pointer or "", p) for p in pointers)]
    return []


def _stood_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with stand-ins where malformed values may be missing: no rule reads a name or number.

    Nobody born on the first of all days gets a card, so that no rule but that one speaks of the age.
    """
    person = record["person"] if isinstance(record.get("person"), Mapping) else {}
    known = {key: person[key] for key in ("sex", "sex_masked", "born_on") if key in person}
    split = person.get("former_surname") is not None
    name = {"family": "0", "given": "0", "former_surname": "0"} if split else {"full_name": "0"}
    stand_ins = {"number": "0", **record, "person": {**name, "born_on": FIRST_DAY.isoformat(), **known}}
    if record.get("insured") is not None:
        stand_ins["insured"] = {"full_name": "0"}
    return stand_ins


def _without(node: object, pointer: str, bad: frozenset[str]) -> object:
    if isinstance(node, list):
        return [_without(value, f"{pointer}/{at}", bad) for at, value in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    escaped = {key: f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}" for key in node}
    return {key: _without(value, escaped[key], bad) for key, value in node.items() if escaped[key] not in bad}


def _touches(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _certificate(kind: Kind[Any], title: str) -> Document:
    drawn = _document(
        kind.id, certificate.CATALOGUE, kind.model, kind.issue, kind.constants, _stood_in, "certificate", title
    )
    return replace(drawn, sizes={"card": "certificate-card"})


def _envelope() -> Document:
    drawn = _document(
        "envelope",
        envelope.CATALOGUE,
        envelope.EnvelopeRecord,
        envelope.issue_envelope,
        envelope.sender_constants,
        drawn_by="envelope-long-3",
        title="封筒",
    )
    # The smaller one has a window, through which the sheet inside says where it goes.
    large = "envelope-square-2"
    return replace(drawn, sizes={"square-2": large}, needed_by={large: addressee.NEEDED})


def _form(
    name: str,
    catalogue: Catalogue,
    model: type[Record],
    issue: Callable[[Record, InsurerProfile, date | None], PrintItems],
    drawn_by: str = "",
    title: str = "",
) -> Document:
    return _document(name, catalogue, model, issue, partial(form_constants, name), drawn_by=drawn_by, title=title)


def _application(name: str, title: str) -> Document:
    model, issue = application.ApplicationRecord, application.issue_application(name)
    return _form(name, application.CATALOGUE, model, issue, "application", title)


DOCUMENTS: Mapping[str, Document] = {
    document.id: document
    for document in (
        _document("card", card.CATALOGUE, CardRecord, card.issue_card, card.constants, _stood_in),
        _document("notice", notice.CATALOGUE, NoticeRecord, notice.issue_notice, mail_constants),
        _certificate(certificate.LIMIT, "限度額適用認定証"),
        _certificate(certificate.LIMIT_STANDARD_BURDEN, "限度額適用・標準負担額減額認定証"),
        _certificate(certificate.SPECIFIED_DISEASE, "特定疾病療養受療証"),
        _certificate(certificate.ELDERLY, "高齢受給者証"),
        _document("mount", mount.CATALOGUE, mount.MountRecord, mount.issue_mount, mail_constants),
        _document(
            "mount-employer",
            mount.CATALOGUE,
            mount.EmployerMountRecord,
            mount.issue_employer_mount,
            mail_constants,
            drawn_by="mount",
            title="送付書兼資格確認書貼付台紙（事業所宛）",
        ),
        _document(
            "recipients-list",
            recipients.CATALOGUE,
            recipients.RecipientsRecord,
            recipients.issue_recipients_list,
            card.constants,
        ),
        _document("employer-letter", letter.CATALOGUE, letter.LetterRecord, letter.issue_letter, mail_constants),
        _document("leaflet", leaflet.CATALOGUE, leaflet.LeafletRecord, leaflet.issue_leaflet, card.constants),
        _envelope(),
        _document(
            "reply-envelope",
            envelope.REPLY_CATALOGUE,
            envelope.ReplyEnvelopeRecord,
            envelope.issue_reply_envelope,
            envelope.sender_constants,
        ),
        _application(application.CARD, "資格確認書交付申請書"),
        _application(application.NOTICE, "資格情報のお知らせ交付申請書"),
        _form(
            name_request.FORMER_SURNAME,
            name_request.CATALOGUE,
            name_request.FormerSurnameRecord,
            name_request.issue_former_surname,
            "name-request",
            "旧姓併記申出書",
        ),
        _form(
            name_request.SEX_ALIAS,
            name_request.CATALOGUE,
            name_request.SexAliasRecord,
            name_request.issue_sex_alias,
            "name-request",
            "性別表記・通称名の申出書",
        ),
        _form(
            uncollectable.UNCOLLECTABLE,
            uncollectable.CATALOGUE,
            uncollectable.UncollectableRecord,
            uncollectable.issue_uncollectable,
        ),
        _document("seal", seal.CATALOGUE, seal.SealRecord, seal.issue_seal, card.constants),
    )
}
