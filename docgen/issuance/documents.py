"""The documents that can be issued: how each reads its record and makes its print items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from docgen.errors import RecordError, Violation
from docgen.issuance import card
from docgen.issuance.items import Catalogue, PrintItems
from docgen.issuance.profile import InsurerProfile
from docgen.issuance.record import CardRecord, parse_record


@dataclass(frozen=True, slots=True)
class Document:
    """One kind of document.

    `issue(raw, profile, issued_on)` takes a record as decoded from JSON and the job's date of issue, and raises
    RecordError with every violation. `schema()` is the record's JSON Schema.
    """

    id: str
    catalogue: Catalogue
    issue: Callable[[object, InsurerProfile, date | None], PrintItems]
    constants: Callable[[InsurerProfile], dict[str, str]]
    schema: Callable[[], dict[str, Any]]


def issue_card(raw: object, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
    """Parse and issue one card: violations of the record's form and of the rules come back together."""
    try:
        record = parse_record(raw)
    except RecordError as error:
        raise RecordError([*error.violations, *_rules_beyond(raw, error.violations, profile, issued_on)]) from None
    return card.issue_card(record, profile, issued_on)


def _rules_beyond(
    raw: object, found: tuple[Violation, ...], profile: InsurerProfile, issued_on: date | None
) -> list[Violation]:
    """The rules that a malformed record breaks besides, as far as it can be told without its malformed values."""
    pointers = [v.pointer or "" for v in found]
    try:
        record = parse_record(_without(raw, "", frozenset(pointers)))
    except RecordError:
        return []  # a required value is among them: nothing more can be told
    try:
        card.issue_card(record, profile, issued_on)
    except RecordError as error:
        return [v for v in error.violations if not any(_touches(v.pointer or "", p) for p in pointers)]
    return []


def _without(node: object, pointer: str, bad: frozenset[str]) -> object:
    if not isinstance(node, Mapping):
        return node
    escaped = {key: f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}" for key in node}
    return {key: _without(value, escaped[key], bad) for key, value in node.items() if escaped[key] not in bad}


def _touches(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


DOCUMENTS: Mapping[str, Document] = {
    "card": Document("card", card.CATALOGUE, issue_card, card.constants, CardRecord.model_json_schema),
}
