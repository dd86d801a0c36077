"""The documents that can be issued: how each reads its record and makes its print items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, TypeVar

from docgen.errors import RecordError, Violation
from docgen.issuance import card, certificate
from docgen.issuance.certificate import Kind
from docgen.issuance.eras import FIRST_DAY
from docgen.issuance.items import Catalogue, PrintItems
from docgen.issuance.profile import InsurerProfile, constants
from docgen.issuance.record import MOST_UNKNOWN_KEYS, CardRecord, Model, parse, parse_record, schema_of


@dataclass(frozen=True, slots=True)
class Document:
    """One kind of document.

    `issue(raw, profile, issued_on)` takes a record as decoded from JSON and the job's date of issue, and raises
    RecordError with every violation. `schema()` is the record's JSON Schema. Documents that differ in little share one
    layout: `drawn_by` names it, and `title` says what people call the document.
    """

    id: str
    catalogue: Catalogue
    issue: Callable[[object, InsurerProfile, date | None], PrintItems]
    constants: Callable[[InsurerProfile], dict[str, str]]
    schema: Callable[[], dict[str, Any]]
    drawn_by: str = ""
    title: str = ""

    @property
    def layout(self) -> str:
        """The name of the layout that draws it."""
        return self.drawn_by or self.id


R = TypeVar("R", bound=Model)
Reader = Callable[[object], R]
Rules = Callable[[R, InsurerProfile, date | None], PrintItems]


def _issue(
    read: Reader[R], rules: Rules[R], raw: object, profile: InsurerProfile, issued_on: date | None = None
) -> PrintItems:
    """Parse and issue one record: violations of its form and of the rules come back together."""
    try:
        record = read(raw)
    except RecordError as error:
        beyond = _rules_beyond(lambda sound: rules(read(sound), profile, issued_on), raw, error.violations)
        raise RecordError([*error.violations, *beyond]) from None
    return rules(record, profile, issued_on)


def _rules_beyond(issue: Callable[[object], PrintItems], raw: object, found: tuple[Violation, ...]) -> list[Violation]:
    """The rules that a malformed record breaks besides, as far as it can be told without its malformed values."""
    if len(found) > MOST_UNKNOWN_KEYS:
        return []  # no record at all
    pointers = [v.pointer or "" for v in found]
    sound = _without(raw, "", frozenset(pointers))
    if not isinstance(sound, Mapping):
        return []
    try:
        issue(_stood_in(sound))
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
    if not isinstance(node, Mapping):
        return node
    escaped = {key: f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}" for key in node}
    return {key: _without(value, escaped[key], bad) for key, value in node.items() if escaped[key] not in bad}


def _touches(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _certificate(kind: Kind[Any], title: str) -> Document:
    model: type[Model] = kind.model
    issue, schema = partial(_issue, partial(parse, kind.model), kind.issue), partial(schema_of, model)
    return Document(kind.id, certificate.CATALOGUE, issue, kind.constants, schema, "certificate", title)


_ALL = (
    Document(
        "card",
        card.CATALOGUE,
        partial(_issue, parse_record, card.issue_card),
        constants,
        partial(schema_of, CardRecord),
    ),
    _certificate(certificate.LIMIT, "限度額適用認定証"),
    _certificate(certificate.LIMIT_STANDARD_BURDEN, "限度額適用・標準負担額減額認定証"),
    _certificate(certificate.SPECIFIED_DISEASE, "特定疾病療養受療証"),
    _certificate(certificate.ELDERLY, "高齢受給者証"),
)
DOCUMENTS: Mapping[str, Document] = {document.id: document for document in _ALL}
