from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from docgen.issuance.burden import burden_from, burden_text, burden_violations, in_force_violations
from docgen.issuance.profile import BurdenWording, Dates
from docgen.issuance.record import Burden

ISSUED = date(2025, 12, 2)
WORDS = BurdenWording(below_70="法定負担割合のとおり")


def burden(ratio: int, effective_on: str, pending: dict[str, Any] | None = None) -> Burden:
    return Burden.model_validate({"ratio": ratio, "effective_on": effective_on, "pending": pending})


def codes(given_burden: Burden | None, born_on: date, issued_on: date = ISSUED) -> list[tuple[str, str | None]]:
    return [(v.code, v.pointer) for v in burden_violations(given_burden, born_on, issued_on)]


@pytest.mark.parametrize(
    ("born", "start"),
    [
        (date(1956, 1, 1), date(2026, 1, 1)),
        (date(1956, 1, 2), date(2026, 2, 1)),
        (date(1955, 12, 2), date(2026, 1, 1)),
        (date(1955, 12, 1), date(2025, 12, 1)),
        (date(1956, 2, 29), date(2026, 3, 1)),
        (date(1956, 3, 1), date(2026, 3, 1)),
        (date(1955, 12, 31), date(2026, 1, 1)),
    ],
)
def test_the_ratio_starts_the_month_after_70_or_on_the_birthday_on_the_1st(born: date, start: date) -> None:
    assert burden_from(born) == start


@given(st.dates(date(1900, 1, 1), date(1999, 12, 31)))
def test_the_start_is_the_first_first_of_a_month_on_or_after_the_birthday(born: date) -> None:
    # Independently of the age law: walk from the 70th birthday to the next first of a month.
    try:
        day = born.replace(year=born.year + 70)
    except ValueError:
        day = date(born.year + 70, 3, 1)
    while day.day != 1:
        day += timedelta(days=1)
    assert burden_from(born) == day


def test_the_ratio_is_required_from_its_first_day_and_not_before() -> None:
    assert codes(None, date(1955, 12, 1)) == [("ratio_required", "/burden")]
    assert codes(None, date(1955, 11, 20)) == [("ratio_required", "/burden")]
    assert codes(None, date(1955, 12, 2)) == []


def test_an_earlier_card_has_a_ratio_only_if_it_takes_effect_after_the_issue() -> None:
    born = date(1956, 2, 1)
    assert codes(burden(2, "2026-02-01"), born) == []
    assert codes(burden(2, "2026-01-31"), born) == [("ratio_before_70", "/burden/effective_on")]
    assert codes(burden(2, "2025-12-02"), born) == [("ratio_before_70", "/burden/effective_on")]
    assert codes(burden(2, "2026-02-01"), date(1990, 1, 1)) == [("ratio_before_70", "/burden/effective_on")]


def test_no_ratio_takes_effect_before_70_even_later() -> None:
    assert codes(burden(2, "2024-08-01"), date(1955, 1, 15)) == [("ratio_before_70", "/burden/effective_on")]
    assert codes(burden(2, "2025-02-01"), date(1955, 1, 15)) == []


def test_a_pending_change_comes_after_issue_and_changes_something() -> None:
    born = date(1953, 5, 10)
    good = {"ratio": 2, "effective_on": "2026-08-01"}
    assert codes(burden(3, "2025-08-01", good), born) == []
    assert codes(burden(2, "2025-08-01", good), born) == [("pending_ratio", "/burden/pending/ratio")]
    past = {"ratio": 2, "effective_on": "2025-12-02"}
    assert codes(burden(3, "2025-08-01", past), born) == [("pending_ratio", "/burden/pending/effective_on")]
    assert codes(burden(3, "2026-08-01", good), born) == [("pending_ratio", "/burden/pending/effective_on")]


def test_a_pending_change_is_told_in_the_same_field() -> None:
    pending = burden(3, "2025-08-01", {"ratio": 2, "effective_on": "2026-08-01"})
    assert burden_text(pending, WORDS, Dates(), ISSUED) == "2割（令和8年7月31日までは3割）"


def test_the_last_day_of_the_present_ratio_is_named_in_the_era_known_at_issue() -> None:
    pending = burden(3, "2018-08-01", {"ratio": 2, "effective_on": "2019-08-01"})
    issued = date(2018, 8, 1)
    assert burden_text(pending, WORDS, Dates(), issued) == "2割（平成31年7月31日までは3割）"
    assert burden_text(pending, WORDS, Dates(later_era="date"), issued) == "2割（令和元年7月31日までは3割）"


def test_below_70_the_insurer_has_words_or_none() -> None:
    assert burden_text(None, WORDS, Dates(), ISSUED) == "法定負担割合のとおり"
    assert burden_text(None, BurdenWording(), Dates(), ISSUED) == ""
    assert burden_text(burden(1, "2025-08-01"), WORDS, Dates(), ISSUED) == "1割"


def in_force(
    given_burden: Burden, born_on: date, issued_on: date, months_ahead: int = 1
) -> list[tuple[str, str | None]]:
    return [(v.code, v.pointer) for v in in_force_violations(given_burden, born_on, issued_on, months_ahead)]


NOT_IN_FORCE = [("ratio_not_in_force", "/burden/effective_on")]


def test_who_has_a_ratio_at_issue_has_one_that_is_in_force() -> None:
    born, issued = date(1953, 4, 1), date(2025, 8, 1)
    assert in_force(burden(2, "2025-08-01"), born, issued) == []
    assert in_force(burden(2, "2026-08-01"), born, issued) == NOT_IN_FORCE
    pending = {"ratio": 2, "effective_on": "2026-08-01"}
    assert in_force(burden(3, "2025-08-01", pending), born, issued) == []


def test_a_card_may_be_issued_a_little_before_its_ratio_takes_effect() -> None:
    born = date(1953, 4, 1)
    assert in_force(burden(2, "2025-08-01"), born, date(2025, 7, 1)) == []
    assert in_force(burden(2, "2025-08-01"), born, date(2025, 6, 30)) == NOT_IN_FORCE
    assert in_force(burden(2, "2025-08-01"), born, date(2025, 6, 30), 2) == []
    assert in_force(burden(2, "2025-08-01"), born, date(2025, 7, 31), 0) == NOT_IN_FORCE


def test_a_card_from_before_70_has_the_ratio_of_the_first_day_that_has_one() -> None:
    born = date(1956, 2, 1)
    assert in_force(burden(2, "2026-02-01"), born, ISSUED) == []
    assert in_force(burden(2, "2026-03-01"), born, ISSUED) == NOT_IN_FORCE


@given(
    st.dates(date(1950, 1, 1), date(1957, 12, 31)),
    st.dates(date(2024, 12, 2), date(2026, 12, 31)),
    st.integers(-40, 120),
    st.integers(0, 3),
)
def test_a_ratio_leaves_no_day_out_but_those_before_the_change_it_is_issued_for(
    born: date, issued: date, later: int, months_ahead: int
) -> None:
    effective = issued + timedelta(days=later)
    assume(effective >= burden_from(born))
    days = [issued + timedelta(days=day) for day in range(max(later, 0) + 1)]
    without = [day for day in days if burden_from(born) <= day < effective]
    turns = [day for day in days[1:] if day.day == 1]  # of the month, until the ratio takes effect
    ahead = len(turns) < months_ahead or (len(turns) == months_ahead and turns[-1:] == [effective])
    entitled = issued >= burden_from(born)
    sound = not without or (entitled and ahead)
    assert (in_force(burden(2, effective.isoformat()), born, issued, months_ahead) == []) is sound
