"""Japanese eras, and dates as they are printed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

# Meiji 6: Japan's first day in the Gregorian calendar; an earlier date has no certain Gregorian day.
FIRST_DAY = date(1873, 1, 1)

# (first day, first Gregorian year, name), youngest first.
_ERAS = (
    (date(2019, 5, 1), 2019, "令和"),
    (date(1989, 1, 8), 1989, "平成"),
    (date(1926, 12, 25), 1926, "昭和"),
    (date(1912, 7, 30), 1912, "大正"),
    (FIRST_DAY, 1868, "明治"),
)

FirstYear = Literal["元", "1"]
LaterEra = Literal["issue", "date"]


@dataclass(frozen=True, slots=True)
class EraDate:
    """A date in its era: the year counts from 1."""

    era: str
    year: int
    month: int
    day: int


def era_date(day: date, known_on: date | None = None) -> EraDate:
    """The date in the era it belongs to, or, with `known_on`, in the latest era that had begun on that day.

    Meiji to 1912-07-29, Taisho to 1926-12-24, Showa to 1989-01-07, Heisei to 2019-04-30, Reiwa since. Papers issued
    before a change of era keep the old one for later dates (平成32年3月31日) and stay valid.

    Sources: https://docs.intrexx.com/apidocs/jdk21/api/java.base/java/time/chrono/class-use/JapaneseEra.html (days),
    https://www.koukikourei-nagano.jp/www/contents/1100000000214/index.html (later dates). Raises ValueError before
    1873-01-01.
    """
    named_on = day if known_on is None else min(day, known_on)
    for first, year_one, name in _ERAS:
        if named_on >= first:
            return EraDate(name, day.year - year_one + 1, day.month, day.day)
    raise ValueError("no era before 1873-01-01")


@lru_cache(maxsize=65536)
def padded(day: date, known_on: date | None = None, first_year: FirstYear = "元") -> str:
    """The date in columns: year, month and day each in two half-width cells (`令和 7年12月 2日`), always 8 em.

    元年 takes the two cells of the year (`令和元年 5月 1日`). It is the rule; 1年 is tolerated where a system cannot
    print it: https://www.ehime-kouiki.jp/info/genngou.html
    """
    d = era_date(day, known_on)
    year = "元" if d.year == 1 and first_year == "元" else f"{d.year:2d}"
    return f"{d.era}{year}年{d.month:2d}月{d.day:2d}日"


@lru_cache(maxsize=4096)
def running(day: date, known_on: date | None = None, first_year: FirstYear = "元") -> str:
    """The date inside a sentence, without padding (`令和8年7月31日`)."""
    d = era_date(day, known_on)
    year = "元" if d.year == 1 and first_year == "元" else str(d.year)
    return f"{d.era}{year}年{d.month}月{d.day}日"


@lru_cache(maxsize=4096)
def anniversary(born_on: date, age: int) -> date:
    """The day of the birthday that completes `age`; without a 29 February in that year, 1 March.

    Age is reached at the end of the day before: on 28 February each year for those born on the 29th.
    Source: https://kyuyo.biz/archives/3665
    """
    try:
        return born_on.replace(year=born_on.year + age)
    except ValueError:
        return date(born_on.year + age, 3, 1)


def age_reached_on(born_on: date, age: int) -> date:
    """The day at whose end the person reaches `age`: the day before the birthday.

    Sources: https://kyuyo.biz/archives/3665, https://www.kenpo.gr.jp/osaka/magazine/back_number/390/mon.htm (births on
    29 February reach it on 28 February of every year; births on 1 March on 29 February, or 28).
    """
    return anniversary(born_on, age) - timedelta(days=1)
