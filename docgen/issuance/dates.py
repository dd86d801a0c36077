"""Dates as a profile words them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from docgen.issuance.eras import FirstYear, padded
from docgen.issuance.profile import Dates

Writer = Callable[[date, date | None, FirstYear], str]


def printed_date(day: date | None, style: Dates, issued_on: date, write: Writer = padded) -> str:
    """The date, in columns or as `write` has it, in the profile's era after a change of era; empty without a date."""
    if day is None:
        return ""
    known_on = issued_on if style.later_era == "issue" and day > issued_on else None
    return write(day, known_on, style.first_year)
