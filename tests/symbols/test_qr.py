"""QR symbols, decoded by an independent reader and held against the reference encoder."""

from __future__ import annotations

import random

import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from docgen.symbols import qr
from docgen.symbols.modules import Modules, stride

PAYLOADS = st.text(
    alphabet=st.characters(codec="shift_jis", exclude_categories=["Cc"], exclude_characters="\\~‖−〜¢£¬¥‾"),
    min_size=1,
    max_size=40,
)


def decode(rows: tuple[str, ...], scale: int = 4) -> str:
    image = np.full((len(rows) + 8, len(rows) + 8), 255, dtype=np.uint8)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark == "1":
                image[y + 4, x + 4] = 0
    found = zxingcpp.read_barcodes(np.kron(image, np.ones((scale, scale), dtype=np.uint8)))
    assert len(found) == 1
    return str(found[0].text)


@given(PAYLOADS, st.sampled_from(["L", "M", "Q", "H"]))
@hypothesis_settings(max_examples=60)
def test_what_goes_in_comes_out(payload: str, level: qr.Level) -> None:
    assert decode(qr.encode(payload, level).rows) == payload


@pytest.mark.parametrize("payload", ["1", "0001-00000123-K", "DG1:01999994:1010203:1234567:00", "A" * 120])
def test_the_symbol_is_as_large_as_the_reference_encoders(payload: str) -> None:
    rows, reference = qr.encode(payload).rows, qr.encode_reference(payload)
    assert len(rows) == len(reference) == len(rows[0])
    assert decode(rows) == decode(reference) == payload


def test_the_reference_encoder_stands_in_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qr, "zint", None)
    assert qr.encode("見本").rows == qr.encode_reference("見本")


@given(st.integers(1, 359), st.sampled_from(["0123456789", "0123456789ABCDEF:-/", "見本のabc"]), st.data())
@hypothesis_settings(max_examples=150, deadline=None)
def test_the_mask_is_the_one_that_zint_chooses(length: int, alphabet: str, data: st.DataObject) -> None:
    payload = data.draw(st.text(alphabet, min_size=1, max_size=60)) * (1 + length // 60)
    level: qr.Level = data.draw(st.sampled_from(["L", "M", "Q", "H"]))
    size, modules = qr._by_zint(payload, level, -1)
    assert qr.encode(payload, level) == (size, modules.to_bytes(stride(size) * size, "little"))


@given(st.integers(1, 177), st.randoms(use_true_random=False))
def test_packed_modules_are_the_rows_that_they_were_made_of(size: int, chance: random.Random) -> None:
    rows = tuple(f"{chance.getrandbits(size):0{size}b}" for _ in range(size))
    packed = Modules.of(rows)
    assert packed.rows == rows
    assert len(packed.packed) == size * stride(size)
    assert 8 * stride(size) >= size + 4


@pytest.mark.parametrize("encode", [qr.encode, qr.encode_reference])
def test_a_payload_that_no_symbol_holds_is_refused(encode: object) -> None:
    with pytest.raises(qr.QrTooLong):
        encode("あ" * 4000)  # type: ignore[operator]
