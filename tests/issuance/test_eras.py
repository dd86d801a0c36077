from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.issuance.eras import age_reached_on, anniversary, era_date, padded, running


@pytest.mark.parametrize(
    ("day", "printed"),
    [
        (date(1873, 1, 1), "明治 6年 1月 1日"),
        (date(1912, 7, 29), "明治45年 7月29日"),
        (date(1912, 7, 30), "大正元年 7月30日"),
        (date(1926, 12, 24), "大正15年12月24日"),
        (date(1926, 12, 25), "昭和元年12月25日"),
        (date(1989, 1, 7), "昭和64年 1月 7日"),
        (date(1989, 1, 8), "平成元年 1月 8日"),
        (date(2019, 4, 30), "平成31年 4月30日"),
        (date(2019, 5, 1), "令和元年 5月 1日"),
        (date(2025, 12, 2), "令和 7年12月 2日"),
    ],
)
def test_each_era_begins_and_ends_on_its_day(day: date, printed: str) -> None:
    assert padded(day) == printed


def test_a_date_before_the_gregorian_calendar_has_no_era() -> None:
    with pytest.raises(ValueError, match="1873"):
        era_date(date(1872, 12, 31))


def test_a_later_date_keeps_the_era_known_at_issue() -> None:
    assert running(date(2020, 3, 31), known_on=date(2018, 4, 1)) == "平成32年3月31日"
    assert running(date(2020, 3, 31), known_on=date(2019, 5, 1)) == "令和2年3月31日"
    assert running(date(1985, 4, 1), known_on=date(2018, 4, 1)) == "昭和60年4月1日"


def test_the_first_year_can_be_written_as_a_number() -> None:
    assert padded(date(2019, 12, 1), None, "1") == "令和 1年12月 1日"
    assert running(date(2019, 12, 1), None, "1") == "令和1年12月1日"


@given(st.dates(date(1873, 1, 1), date(2117, 12, 31)))
def test_a_padded_date_is_always_eight_em_wide(day: date) -> None:
    assert sum(1 if ch < "\x80" else 2 for ch in padded(day)) == 16


@given(st.dates(date(1873, 1, 1), date(2117, 12, 31)))
def test_eras_agree_with_counting_from_each_first_day(day: date) -> None:
    starts = {
        "明治": (1868, "18730101"),
        "大正": (1912, "19120730"),
        "昭和": (1926, "19261225"),
        "平成": (1989, "19890108"),
        "令和": (2019, "20190501"),
    }
    era = max((first, name) for name, (_, first) in starts.items() if first <= day.strftime("%Y%m%d"))[1]
    assert (era_date(day).era, era_date(day).year) == (era, day.year - starts[era][0] + 1)


@pytest.mark.parametrize(
    ("born", "age", "reached"),
    [
        (date(1952, 2, 29), 75, date(2027, 2, 28)),
        (date(1952, 2, 29), 72, date(2024, 2, 28)),
        (date(1953, 3, 1), 75, date(2028, 2, 29)),
        (date(1952, 3, 1), 75, date(2027, 2, 28)),
        (date(1956, 1, 1), 70, date(2025, 12, 31)),
        (date(1955, 5, 10), 70, date(2025, 5, 9)),
    ],
)
def test_age_is_reached_at_the_end_of_the_day_before_the_birthday(born: date, age: int, reached: date) -> None:
    assert age_reached_on(born, age) == reached


@given(st.dates(date(1900, 1, 1), date(2020, 12, 31)), st.integers(1, 99))
def test_the_day_after_age_is_reached_is_the_first_whose_calendar_day_is_not_before_the_birthday(
    born: date, age: int
) -> None:
    # Independently: the first day of that year whose (month, day) is not less than the birth's.
    first = next(
        day
        for n in range(366)
        if ((day := date(born.year + age, 1, 1) + timedelta(days=n)).month, day.day) >= (born.month, born.day)
    )
    assert age_reached_on(born, age) + timedelta(days=1) == first == anniversary(born, age)
