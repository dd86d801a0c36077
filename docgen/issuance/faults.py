"""Violations that several documents' rules tell in the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from docgen.errors import Violation
from docgen.issuance.eras import anniversary


def unknown_code(key: str, code: str, table: Iterable[str]) -> Violation:
    """A code that a table does not have; `key` is the record's key, without its first slash."""
    return Violation(
        "unknown_code", f"unknown {key}: {code}", f"this insurer has: {', '.join(table) or 'none'}", pointer=f"/{key}"
    )


def not_applicable(key: str, why: str) -> Violation:
    """A value that this person's document cannot have."""
    return Violation("value_not_applicable", why, f"leave {key} out", pointer=f"/{key}")


def disorder(key: str, why: str) -> Violation:
    """Two dates in an order that cannot be."""
    return Violation("dates_out_of_order", why, "check both dates", pointer=f"/{key}")


def missing(key: str, why: str) -> Violation:
    """A value that the rules ask for."""
    return Violation("missing_value", why, f"give {key}", pointer=f"/{key}")


def issued_on_missing() -> Violation:
    """No date of issue anywhere: nothing reads the clock instead."""
    why = "neither the record nor the job has a date of issue"
    return Violation("issued_on_missing", why, "give issued_on", pointer="/issued_on")


def birth_violations(born_on: date, issued: date) -> Iterator[Violation]:
    """Nobody is born after the issue."""
    if born_on > issued:
        why, hint = f"born on {born_on}, after the issue on {issued}", "check the birth date and the date of issue"
        yield Violation("birth_in_future", why, hint, pointer="/person/born_on")


def age_violations(born_on: date, issued: date) -> Iterator[Violation]:
    """From 75 no document: the medical care system for the elderly begins on the birthday itself.

    Source: http://www.town.asakawa.fukushima.jp/insurance/59.html
    """
    if issued >= anniversary(born_on, 75):
        why, hint = "75 or older on the date of issue", "from 75 another insurer issues the card"
        yield Violation("age_75_reached", why, hint, pointer="/person/born_on")


def insured_violations(given: bool, dependent: bool) -> Iterator[Violation]:
    """A dependent's document names the insured person, and no other does."""
    if dependent and not given:
        yield missing("insured", "a dependent's card names the insured person")
    if given and not dependent:
        yield not_applicable("insured", "only a dependent's card names the insured person")
