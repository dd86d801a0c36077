"""Dates as a profile words them."""

from __future__ import annotations

from datetime import date

from docgen.issuance.eras import padded
from docgen.issuance.profile import Dates


def printed_date(day: date | None, style: Dates, issued_on: date) -> str:
    """The date in columns, in the era that the profile asks for after a change of era; empty without a date."""
    if day is None:
        return ""
    known_on = issued_on if style.later_era == "issue" and day > issued_on else None
    return padded(day, known_on, style.first_year)
