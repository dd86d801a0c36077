from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.issuance.numbers import check_digit, identifier_fault, prefecture, scheme, symbol_bytes


@pytest.mark.parametrize("number", ["33120015", "01040013", "06010391"])
def test_known_insurer_numbers_pass(number: str) -> None:
    assert check_digit(number[:-1]) == int(number[-1])


@given(st.text("0123456789", min_size=5, max_size=7))
def test_the_check_digit_makes_the_luhn_sum_a_multiple_of_ten(body: str) -> None:
    number = f"{body}{check_digit(body)}"
    doubled = {"0": 0, "1": 2, "2": 4, "3": 6, "4": 8, "5": 1, "6": 3, "7": 5, "8": 7, "9": 9}
    odd, even = number[::-1][::2], number[::-1][1::2]
    assert (sum(map(int, odd)) + sum(doubled[d] for d in even)) % 10 == 0


@given(st.text("0123456789", min_size=7, max_size=7), st.integers(0, 6), st.integers(1, 9))
def test_one_wrong_digit_never_passes(body: str, place: int, shift: int) -> None:
    wrong = body[:place] + str((int(body[place]) + shift) % 10) + body[place + 1 :]
    assert check_digit(wrong) != check_digit(body)


def test_six_digits_have_a_prefecture_but_no_scheme() -> None:
    assert (scheme("993014"), prefecture("993014")) == (None, "99")
    assert (scheme("06130012"), prefecture("06130012")) == ("06", "13")


@pytest.mark.parametrize("text", ["1234", "AB12", "１２３４", "健", "あいう", "健－１２", "見本１", "葛\U000e0100"])
def test_one_width_passes(text: str) -> None:
    assert identifier_fault(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1２", "mixed_width"),
        ("健1", "mixed_width"),
        ("Ａ1", "mixed_width"),
        ("12-34", "identifier_character"),
        ("12 34", "identifier_character"),
        ("ｱｲｳ", "identifier_character"),
        ("健　康", "identifier_character"),
        ("健-康", "identifier_character"),
        ("健\u2003康", "identifier_character"),
        ("健\xa0康", "identifier_character"),
        ("健\xa5", "identifier_character"),
        ("é", "identifier_character"),
        ("健ￂ", "identifier_character"),
    ],
)
def test_mixed_widths_and_signs_are_told_apart(text: str, code: str) -> None:
    assert identifier_fault(text) == code


def test_a_symbol_is_counted_in_bytes() -> None:
    assert symbol_bytes("12345678") == 8
    assert symbol_bytes("あいう") == 6
