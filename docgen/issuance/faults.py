"""Rules of documents that tell less about a person than `rules` reads: the certificates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from docgen.errors import Violation
from docgen.issuance.eras import anniversary
from docgen.issuance.rules import not_applicable


def missing(key: str, why: str) -> Violation:
    """A value that the rules ask for."""
    return Violation("missing_value", why, f"give {key}", pointer=f"/{key}")


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
        why, hint = "75 or older on the date of issue", "from 75 another insurer issues the document"
        yield Violation("age_75_reached", why, hint, pointer="/person/born_on")


def insured_violations(given: bool, dependent: bool) -> Iterator[Violation]:
    """A dependent's document names the insured person, and no other does."""
    if dependent and not given:
        yield missing("insured", "a dependent's document names the insured person")
    if given and not dependent:
        yield not_applicable("insured", "only a dependent's document names the insured person")
