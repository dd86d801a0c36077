"""The burden ratio (一部負担金の割合): from when, and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from docgen.errors import Violation
from docgen.issuance.eras import age_reached_on, running
from docgen.issuance.profile import BurdenWording, Dates
from docgen.issuance.record import Burden


def burden_from(born_on: date) -> date:
    """The first day of the ratio that goes with 70: the first of the month after the 70th birthday.

    For births on the 1st it is that birthday itself, since 70 is reached on the day before (1 January: 1 January,
    2 January: 1 February). Source: https://www.yuken-kenpo.or.jp/kourei/
    """
    return _first_of_month(age_reached_on(born_on, 70), 1)


def _first_of_month(day: date, months: int) -> date:
    """The first of the month that comes `months` after the day's own."""
    count = day.month - 1 + months
    return date(day.year + count // 12, count % 12 + 1, 1)


def burden_violations(burden: Burden | None, born_on: date, issued_on: date) -> Iterator[Violation]:
    """Required from `burden_from`, and never in effect before; a change to come is one."""
    start = burden_from(born_on)
    if burden is None:
        if issued_on >= start:
            yield Violation(
                "ratio_required",
                f"the burden ratio is required from {start}",
                "give ratio and effective_on",
                pointer="/burden",
            )
        return
    if burden.effective_on < start:
        yield Violation(
            "ratio_before_70",
            f"the ratio takes effect before {start}",
            "leave it out, or correct the birth date or effective_on",
            pointer="/burden/effective_on",
        )
    pending = burden.pending
    if pending is None:
        return
    if pending.effective_on <= max(issued_on, burden.effective_on):
        yield Violation(
            "pending_ratio",
            "the change is in effect by the date of issue, or before the present ratio",
            "give the changed ratio as the present one",
            pointer="/burden/pending/effective_on",
        )
    if pending.ratio == burden.ratio:
        yield Violation(
            "pending_ratio",
            "the pending ratio is the present one",
            "leave pending out",
            pointer="/burden/pending/ratio",
        )


def in_force_violations(burden: Burden, born_on: date, issued_on: date, months_ahead: int) -> Iterator[Violation]:
    """For documents that hold from their issue: some ratio is in effect on the first day on which one has to be.

    That day is `burden_from`, or the issue if it comes later. Documents for a yearly change are issued before it with
    the coming ratio alone (in July for 1 August): up to the first of the month that is `months_ahead` away. No source
    fixes how far.
    """
    start = burden_from(born_on)
    latest = max(issued_on, _first_of_month(issued_on, months_ahead)) if issued_on >= start else start
    if burden.effective_on > latest:
        yield Violation(
            "ratio_not_in_force",
            f"no ratio from {max(issued_on, start)} to {burden.effective_on - timedelta(days=1)}",
            "give the ratio of that time, and the later one as burden.pending",
            pointer="/burden/effective_on",
        )


def burden_text(burden: Burden | None, words: BurdenWording, dates: Dates, issued_on: date) -> str:
    """The field's text: with a pending change 「2割（令和8年7月31日までは3割）」, the coming ratio first.

    Source of that form: https://www.saitama-koukikourei.org/news/post-5235-2 . Below 70 the profile's words, or none.
    """
    if burden is None:
        return words.below_70 or ""
    if burden.pending is None:
        return words.ratio.format(ratio=burden.ratio)
    until = burden.pending.effective_on - timedelta(days=1)
    known_on = issued_on if dates.later_era == "issue" else None
    return words.pending.format(
        ratio=burden.pending.ratio, before=burden.ratio, until=running(until, known_on, dates.first_year)
    )
