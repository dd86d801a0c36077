"""Rules that several documents share: tables of the profile, dates, ages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Protocol

from docgen.errors import Violation
from docgen.issuance.burden import burden_violations, in_force_violations
from docgen.issuance.eras import anniversary
from docgen.issuance.profile import BurdenWording, InsurerProfile
from docgen.issuance.record import Burden, PersonName
from docgen.issuance.validity import Expiry

# A voluntarily continued membership ends when two years have passed since it began (健康保険法 38条1号), on that day of
# the year: https://www.kenpo.gr.jp/osaka/magazine/back_number/379/mon.htm . Like it the others' (船員, 共済).
CONTINUATION_YEARS = 2

ISSUED_ON_MISSING = Violation(
    "issued_on_missing", "neither the record nor the job has a date of issue", "give issued_on", pointer="/issued_on"
)


class Born(Protocol):
    """Somebody with a birth date."""

    @property
    def born_on(self) -> date: ...


class Covered(Protocol):
    """What the rules read of a person's record, under these keys."""

    @property
    def person(self) -> Born: ...
    @property
    def relationship(self) -> str: ...
    @property
    def membership(self) -> str | None: ...
    @property
    def acquired_on(self) -> date | None: ...
    @property
    def certified_on(self) -> date | None: ...
    @property
    def continuation_ends_on(self) -> date | None: ...
    @property
    def insured(self) -> PersonName | None: ...
    @property
    def burden(self) -> Burden | None: ...


def under(prefix: str, violations: Iterable[Violation]) -> Iterator[Violation]:
    """Violations of a part of the record, with their pointers from its root."""
    for violation in violations:
        yield replace(violation, pointer=prefix + (violation.pointer or ""))


def table_violations(record: Covered, profile: InsurerProfile) -> Iterator[Violation]:
    """What the profile's tables of relationship and membership demand of the record, and what they exclude."""
    relationship = profile.relationships.get(record.relationship)
    if relationship is None:
        yield unknown("relationship", record.relationship, profile.relationships)
    else:
        shown = f"{relationship.date}_on"
        if getattr(record, shown) is None:
            yield missing(shown, f"{relationship.date_label} is required")
        yield from _dependent_violations(record, relationship.dependent)
    membership = profile.memberships.get(record.membership) if record.membership is not None else None
    if record.membership is not None and membership is None:
        yield unknown("membership", record.membership, profile.memberships)
    else:
        yield from _continuation_violations(record, membership is not None and membership.voluntary)


def _dependent_violations(record: Covered, dependent: bool) -> Iterator[Violation]:
    yield from insured_violations(record.insured, dependent)
    if not dependent and record.certified_on is not None:
        yield not_applicable("certified_on", "only dependents are certified")


def insured_violations(insured: PersonName | None, dependent: bool) -> Iterator[Violation]:
    """The insured person is named beside a dependent, and nowhere else."""
    if dependent and insured is None:
        yield missing("insured", "a dependent's document names the insured person")
    if not dependent and insured is not None:
        yield not_applicable("insured", "only a dependent's document names the insured person")


def _continuation_violations(record: Covered, voluntary: bool) -> Iterator[Violation]:
    ends_on = record.continuation_ends_on
    if voluntary and ends_on is None:
        yield missing("continuation_ends_on", "a voluntarily continued membership has an end")
    if not voluntary and ends_on is not None:
        yield not_applicable("continuation_ends_on", "the membership is not voluntarily continued")
    if voluntary and ends_on is not None and record.acquired_on is not None and ends_on <= record.acquired_on:
        yield disorder("continuation_ends_on", "the membership ends before it begins")


def early_violations(issued: date, first: date) -> Iterator[Violation]:
    """Nothing is issued before the law knows it. A latest day would need the clock, and no source fixes one."""
    if issued < first:
        why = f"issued on {issued}: there is no such document before {first}"
        yield Violation("issued_too_early", why, "check the year of the date of issue", pointer="/issued_on")


def birth_violations(born_on: date, issued: date) -> Iterator[Violation]:
    """Nobody is born after the issue."""
    if born_on > issued:
        why, hint = f"born on {born_on}, after the issue on {issued}", "check the birth date and the date of issue"
        yield Violation("birth_in_future", why, hint, pointer="/person/born_on")


def elderly_violations(born_on: date, issued: date) -> Iterator[Violation]:
    """From 75 another insurer's document, since the medical care system for the elderly begins on the birthday itself.

    Source: http://www.town.asakawa.fukushima.jp/insurance/59.html
    """
    if issued >= anniversary(born_on, 75):
        why, hint = "75 or older on the date of issue", "from 75 another insurer issues the document"
        yield Violation("age_75_reached", why, hint, pointer="/person/born_on")


def date_violations(record: Covered, issued: date) -> Iterator[Violation]:
    """The order of birth, acquisition, certification and issue, and an end that can be."""
    born_on = record.person.born_on
    yield from birth_violations(born_on, issued)
    for key in ("acquired_on", "certified_on"):
        day: date | None = getattr(record, key)
        if day is not None and day < born_on <= issued:
            yield disorder(key, "before the birth date")
        if day is not None and day > issued:
            yield disorder(key, "after the date of issue")
    # Counted from the issue: which day an insurer's records have as acquired_on, no source says.
    latest, ends_on = anniversary(issued, CONTINUATION_YEARS), record.continuation_ends_on
    if ends_on is not None and ends_on > latest:
        why = f"a membership that is continued on {issued} ends by {latest}"
        yield Violation("continuation_too_long", why, "check the year of its end", pointer="/continuation_ends_on")


def age_violations(
    record: Covered, issued: date, validity: Expiry | None, *, burden: BurdenWording | None
) -> Iterator[Violation]:
    """No document from 75; from 70 a ratio, if the document has one: `burden` is the profile's part on it, else None.

    `validity` is None for a document without an expiry.
    """
    born_on = record.person.born_on
    if too_old := list(elderly_violations(born_on, issued)):
        yield from too_old
        return
    if validity is not None and validity.on < issued:
        yield Violation(
            "expired_at_issue",
            f"expires on {validity.on} ({validity.reason}), issued on {issued}",
            "check the dates, or do not issue this document",
            pointer=_REASONS.get(validity.reason),
        )
        return
    if burden is None:
        return
    yield from burden_violations(record.burden, born_on, issued)
    if record.burden is None:
        return
    yield from in_force_violations(record.burden, born_on, issued, burden.months_ahead)
    if validity is None:
        return
    if record.burden.effective_on > validity.on:
        yield disorder("burden/effective_on", "the ratio takes effect after the document expires")
    pending = record.burden.pending
    if pending is not None and pending.effective_on > validity.on:
        yield disorder("burden/pending/effective_on", "the change comes after the document expires")


_REASONS = {
    "age_75": "/person/born_on",
    "residence_limit": "/residence_until",
    "voluntary_continuation": "/continuation_ends_on",
    "short_term": "/expires_by",
}


def unknown(key: str, code: str, table: Iterable[str]) -> Violation:
    """A code that a table of the profile does not have."""
    return Violation(
        "unknown_code", f"unknown {key}: {code}", f"this insurer has: {', '.join(table) or 'none'}", pointer=f"/{key}"
    )


def missing(key: str, why: str) -> Violation:
    """A value that the rules ask for."""
    return Violation("missing_value", why, f"give {key}", pointer=f"/{key}")


def not_applicable(key: str, why: str) -> Violation:
    """A value that this document cannot have."""
    return Violation("value_not_applicable", why, f"leave {key} out", pointer=f"/{key}")


def disorder(key: str, why: str) -> Violation:
    """A date in an order that cannot be."""
    return Violation("dates_out_of_order", why, "check both dates", pointer=f"/{key}")
