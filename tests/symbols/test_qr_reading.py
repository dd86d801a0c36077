from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.symbols.qr import Level, encode, encode_reference
from docgen.symbols.qr_reading import QrUnreadable, decode

LEVELS: list[Level] = ["L", "M", "Q", "H"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120), st.sampled_from(LEVELS))
def test_what_was_encoded_is_read_back(payload: str, level: Level) -> None:
    assert decode(encode_reference(payload, level)) == payload


@given(st.from_regex(r"[0-9A-Z/-]{1,60}", fullmatch=True), st.sampled_from(LEVELS))
def test_codes_are_read_back_from_the_symbols_that_are_printed(payload: str, level: Level) -> None:
    assert decode(encode(payload, level).rows) == payload


@pytest.mark.parametrize("size", [1, 100, 300, 700, 1200])
@pytest.mark.parametrize("level", LEVELS)
def test_symbols_of_every_size_are_read(size: int, level: Level) -> None:
    payload = "".join(chr(0x21 + at * 7 % 90) for at in range(size))
    assert decode(encode_reference(payload, level)) == payload


def test_every_mask_is_undone() -> None:
    payloads = [f"S01-{at:08d}K-1{at % 4}" for at in range(200)]
    assert [decode(encode(payload).rows) for payload in payloads] == payloads


def test_another_module_among_the_data_changes_the_payload_or_makes_it_unreadable() -> None:
    rows = encode("S01-0000123K-21").rows
    size = len(rows)
    changed = list(rows)
    changed[size - 1] = rows[-1][:-1] + ("0" if rows[-1][-1] == "1" else "1")
    with pytest.raises(QrUnreadable):  # the lowest right module is the first bit of the first mode
        decode(tuple(changed))


@pytest.mark.parametrize("rows", [(), ("1",), ("1" * 20,) * 20, ("1" * 21,) * 21, ("0" * 21,) * 21, ("10",) * 21])
def test_what_is_no_symbol_is_refused(rows: tuple[str, ...]) -> None:
    with pytest.raises(QrUnreadable):
        decode(rows)
