from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.issuance.profile import Fiscal, Fixed, Rolling, Validity, WithinYears
from docgen.issuance.validity import Expiry, base_expiry, end_of_month, expiry

ROLLING = Validity(base=Rolling(rule="rolling", years=4, month=11, day=30))
FIXED = Validity(base=Fixed(rule="fixed", on=date(2029, 12, 1)))
WITHIN = Validity(base=WithinYears(rule="within_years", years=5))
FISCAL = Validity(base=Fiscal(rule="fiscal"))
YOUNG = date(1990, 6, 15)


@pytest.mark.parametrize(
    ("issued", "expires"),
    [
        (date(2024, 12, 2), date(2029, 11, 30)),
        (date(2025, 11, 30), date(2029, 11, 30)),
        (date(2025, 12, 1), date(2030, 11, 30)),
    ],
)
def test_rolling_expiry_is_the_first_30_november_after_four_years(issued: date, expires: date) -> None:
    assert expiry(ROLLING, issued, YOUNG) == Expiry(expires, "rolling")


@given(st.dates(date(2000, 1, 1), date(2060, 12, 31)))
def test_rolling_expiry_lies_between_four_and_five_years_on_30_november(issued: date) -> None:
    on = base_expiry(ROLLING, issued, YOUNG)
    assert (on.month, on.day) == (11, 30)
    assert issued.year + 4 <= on.year <= issued.year + 5
    # one year earlier, four years would not have passed
    assert (on.year - 1 - 4, 11, 30) < (issued.year, issued.month, issued.day) <= (on.year - 4, 11, 30)


def test_a_fixed_day_is_the_same_for_all() -> None:
    assert expiry(FIXED, date(2025, 12, 2), YOUNG) == Expiry(date(2029, 12, 1), "fixed")
    assert expiry(FIXED, date(2024, 12, 2), YOUNG) == Expiry(date(2029, 12, 1), "fixed")


def test_no_card_is_valid_for_more_than_five_years() -> None:
    assert expiry(FIXED, date(2024, 12, 1), YOUNG) == Expiry(date(2029, 11, 30), "legal_limit")


def test_within_years_ends_the_day_before_the_anniversary() -> None:
    assert expiry(WITHIN, date(2025, 12, 2), YOUNG) == Expiry(date(2030, 12, 1), "within_years")
    assert expiry(WITHIN, date(2024, 2, 29), YOUNG).on == date(2029, 2, 28)


@pytest.mark.parametrize(
    ("issued", "expires"),
    [
        (date(2025, 8, 1), date(2026, 7, 31)),
        (date(2026, 7, 31), date(2026, 7, 31)),
        (date(2025, 12, 2), date(2026, 7, 31)),
    ],
)
def test_fiscal_expiry_is_the_next_31_july(issued: date, expires: date) -> None:
    assert expiry(FISCAL, issued, YOUNG) == Expiry(expires, "fiscal")


def test_fiscal_years_may_be_fewer_from_70() -> None:
    rules = Validity(base=Fiscal(rule="fiscal", years=2, years_from_70=1))
    issued = date(2025, 12, 2)
    assert expiry(rules, issued, YOUNG).on == date(2027, 7, 31)
    assert expiry(rules, issued, date(1955, 11, 1)).on == date(2026, 7, 31)
    assert expiry(rules, issued, date(1955, 11, 2)).on == date(2026, 7, 31)
    assert expiry(rules, issued, date(1955, 12, 2)).on == date(2027, 7, 31)


@pytest.mark.parametrize(
    ("born", "expires"),
    [
        (date(1952, 5, 10), date(2027, 5, 9)),
        (date(1952, 2, 29), date(2027, 2, 28)),
        (date(1953, 3, 1), date(2028, 2, 29)),
        (date(1953, 1, 1), date(2027, 12, 31)),
    ],
)
def test_a_card_ends_the_day_before_the_75th_birthday(born: date, expires: date) -> None:
    assert expiry(ROLLING, date(2025, 12, 2), born) == Expiry(expires, "age_75")


@pytest.mark.parametrize(
    ("born", "expires"),
    [
        (date(1956, 2, 2), date(2026, 2, 28)),
        (date(1956, 2, 1), date(2026, 1, 31)),
        (date(1956, 3, 1), date(2026, 2, 28)),
        (date(1956, 2, 29), date(2026, 2, 28)),
    ],
)
def test_where_the_profile_says_so_a_card_ends_with_the_month_in_which_70_is_reached(born: date, expires: date) -> None:
    rules = Validity(base=Fiscal(rule="fiscal"), ends_at_70=True)
    assert expiry(rules, date(2025, 12, 2), born) == Expiry(expires, "age_70")
    assert expiry(FISCAL, date(2025, 12, 2), born).reason == "fiscal"


def test_a_card_issued_after_that_month_is_not_shortened_by_it() -> None:
    rules = Validity(base=Fiscal(rule="fiscal"), ends_at_70=True)
    assert expiry(rules, date(2026, 3, 1), date(1956, 2, 2)) == Expiry(date(2026, 7, 31), "fiscal")


def test_the_residence_limit_has_the_profiles_days_of_grace() -> None:
    graceful = Validity(base=Fiscal(rule="fiscal"), residence_grace_days=1)
    issued, until = date(2025, 12, 2), date(2026, 3, 31)
    assert expiry(FISCAL, issued, YOUNG, residence_until=until) == Expiry(until, "residence_limit")
    assert expiry(graceful, issued, YOUNG, residence_until=until) == Expiry(date(2026, 4, 1), "residence_limit")


@pytest.mark.parametrize(
    ("until", "reason"),
    [
        (date(2026, 7, 29), "residence_limit"),
        (date(2026, 7, 30), "fiscal"),
        (date(2026, 8, 1), "fiscal"),
    ],
)
def test_a_residence_limit_past_the_base_rule_changes_nothing(until: date, reason: str) -> None:
    rules = Validity(base=Fiscal(rule="fiscal"), residence_grace_days=1)
    result = expiry(rules, date(2025, 12, 2), YOUNG, residence_until=until)
    assert result == Expiry(min(until + timedelta(days=1), date(2026, 7, 31)), reason)


def test_voluntary_continuation_ends_the_day_before() -> None:
    result = expiry(WITHIN, date(2025, 12, 2), YOUNG, continuation_ends_on=date(2027, 4, 1))
    assert result == Expiry(date(2027, 3, 31), "voluntary_continuation")


def test_the_earliest_of_all_rules_counts() -> None:
    rules = Validity(base=Fixed(rule="fixed", on=date(2029, 12, 1)), short_term=True)
    limits = {
        "residence_until": date(2026, 5, 1),
        "continuation_ends_on": date(2026, 4, 1),
        "expires_by": date(2026, 3, 1),
    }
    assert expiry(rules, date(2025, 12, 2), YOUNG, **limits) == Expiry(date(2026, 3, 1), "short_term")


@given(
    st.dates(date(1930, 1, 1), date(2025, 1, 1)),
    st.none() | st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    st.none() | st.dates(date(2020, 1, 1), date(2040, 1, 1)),
)
def test_no_limit_is_ever_passed(born: date, residence: date | None, continuation: date | None) -> None:
    issued = date(2025, 12, 2)
    on = expiry(ROLLING, issued, born, residence_until=residence, continuation_ends_on=continuation).on
    assert on <= base_expiry(ROLLING, issued, born)
    assert residence is None or on <= residence
    assert continuation is None or on < continuation
    assert (on.year - born.year, on.month, on.day) < (75, born.month, born.day)


def test_months_end_on_their_last_day() -> None:
    assert end_of_month(date(2024, 2, 1)) == date(2024, 2, 29)
    assert end_of_month(date(2025, 12, 31)) == date(2025, 12, 31)
