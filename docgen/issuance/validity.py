"""When a document expires, and why."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from operator import itemgetter

from docgen.issuance.burden import burden_from
from docgen.issuance.eras import age_reached_on, anniversary
from docgen.issuance.profile import Fiscal, Fixed, Rolling, Validity, WithinYears

_DAY = timedelta(days=1)
LEGAL_YEARS = 5


@dataclass(frozen=True, slots=True)
class Expiry:
    """The last valid day, and the rule that decides it.

    `reason` is `rolling`, `fixed`, `within_years`, `fiscal`, `legal_limit`, `age_75`, `age_70`, `residence_limit`,
    `voluntary_continuation` or `short_term`.
    """

    on: date
    reason: str


def expiry(
    rules: Validity,
    issued_on: date,
    born_on: date,
    *,
    residence_until: date | None = None,
    continuation_ends_on: date | None = None,
    expires_by: date | None = None,
) -> Expiry:
    """The earliest of the base rule, the legal limit of five years, the day before the 75th birthday, and the rest.

    Five years: https://wic-net.com/material/document/19109/169 . 75: the day before the birthday, 28 February for
    births on 29 February, https://kyuyo.biz/archives/3665 . Residence: the limit and the profile's days of grace,
    https://www.city.sagamihara.kanagawa.jp/kurashi/1026448/kokuho/1026464/shikaku/1007842.html . Voluntary
    continuation: the day before it ends, https://www.pmac.shigaku.go.jp/annai/shikaku/detail/shohaishi_02.html .
    """
    candidates = [
        (base_expiry(rules, issued_on, born_on), rules.base.rule),
        (anniversary(issued_on, LEGAL_YEARS) - _DAY, "legal_limit"),
        (age_reached_on(born_on, 75), "age_75"),
    ]
    if rules.ends_at_70 and issued_on <= (end := end_of_month(age_reached_on(born_on, 70))):
        candidates.append((end, "age_70"))
    if residence_until is not None:
        candidates.append((residence_until + timedelta(days=rules.residence_grace_days), "residence_limit"))
    if continuation_ends_on is not None:
        candidates.append((continuation_ends_on - _DAY, "voluntary_continuation"))
    if expires_by is not None:
        candidates.append((expires_by, "short_term"))
    return Expiry(*min(candidates, key=itemgetter(0)))


def base_expiry(rules: Validity, issued_on: date, born_on: date) -> date:
    """The insurer's own rule.

    Rolling: the first 30 November that comes after four years from the issue (issues of 2024-12-02 to 2025-11-30 expire
    on 2029-11-30); a day that falls on the end of the four years counts. Fixed: one day for all
    (https://igyou-kenpo.jp/application). Within years: the day before the anniversary of the issue. Fiscal: the next
    31 July (https://www.city.chiryu.aichi.jp/kenko_fukushi/kokuho/hokenseido/17903.html), or one of a later year, where
    people from 70 may have fewer (http://www.city.tokyo-nakano.lg.jp.cache.yimg.jp/faq/kokuho/kokuho19.html).
    """
    match rules.base:
        case Rolling(years=years, month=month, day=day):
            return first_from(anniversary(issued_on, years), month, day)
        case Fixed(on=on):
            return on
        case WithinYears(years=years):
            return anniversary(issued_on, years) - _DAY
        case Fiscal(years=years, years_from_70=years_from_70, month=month, day=day):
            if years_from_70 is not None and issued_on >= burden_from(born_on):
                years = years_from_70
            return first_from(anniversary(issued_on, years - 1), month, day)


def end_of_month(day: date) -> date:
    """The last day of that month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def first_from(start: date, month: int, day: int) -> date:
    """The first such day of a year from `start` on."""
    this_year = date(start.year, month, day)
    return this_year if this_year >= start else date(start.year + 1, month, day)
