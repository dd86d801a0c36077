"""A page's content, made by short cuts, against what it is made of."""

from __future__ import annotations

import hashlib
import io
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docgen.compose.placed import Geometry, PlacedBars, PlacedQr
from docgen.pdf import fonts
from docgen.pdf.fonts import UsedGlyphs
from docgen.pdf.page import bar_operators, qr_operators
from docgen.pdf.writer import PdfStream, name, number
from docgen.symbols import customer
from docgen.symbols.modules import Modules

GEOMETRY = Geometry(80, 100, 3, 2)
RECT = re.compile(rb"(\d+) (\d+) (\d+)\.02 1\.02 re ")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_the_rectangles_of_a_symbol_fill_its_dark_modules_and_no_other(version: int, chance: random.Random) -> None:
    size = 17 + 4 * version
    rows = tuple(f"{chance.getrandbits(size):0{size}b}" for _ in range(size))
    operators = qr_operators(PlacedQr("qr", 10, 20, 0.5, Modules.of(rows)), GEOMETRY)
    filled = [(int(x) + at, int(y)) for x, y, length in RECT.findall(operators) for at in range(int(length))]
    assert sorted(filled) == sorted((x, y) for y in range(size) for x in range(size) if rows[y][x] == "1")
    head, _, rest = operators.partition(b" cm ")
    assert head == b"q 1.41732 0 0 -1.41732 36.850 235.276"
    assert RECT.sub(b"", rest) == b"f Q"


def test_every_glyph_that_was_shown_is_known_however_many_runs_there_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_UNSETTLED", 7)
    used = UsedGlyphs()
    for at in range(100):
        used.add([("gothic", f"{at:04x}{at + 1:04x}"), ("mincho.1", f"{2 * at:04x}")])
    assert used.numbers() == {"gothic": set(range(101)), "mincho.1": set(range(0, 200, 2))}
    assert used.numbers() == used.numbers()


@pytest.mark.parametrize("objects", [1, 63, 64, 65, 1000])
def test_a_file_is_whole_and_its_id_is_of_all_its_bytes(objects: int) -> None:
    stream = io.BytesIO()
    out = PdfStream(stream)
    numbers = [out.put(f"({at})") for at in range(objects)]
    digest = out.digest
    assert digest == hashlib.sha256(stream.getvalue()).hexdigest()
    body = len(stream.getvalue())
    assert out.finish(numbers[0], numbers[-1]) == digest[:32]
    data = stream.getvalue()
    assert data.endswith(b"startxref\n%d\n%%%%EOF\n" % body)
    for found, at in zip(re.findall(rb"(\d{10}) 00000 n ", data), range(objects), strict=True):
        assert data.startswith(b"%d 0 obj\n(%d)\n" % (numbers[at], at), int(found))


@given(st.floats(-1e6, 1e6))
def test_a_number_is_what_it_was_to_a_thousandth_and_never_minus_nothing(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, abs=0.000501)
    assert number(value) != "-0"
    assert re.fullmatch(r"-?\d+(\.\d{0,2}[1-9])?", number(value))


@given(st.text())
def test_a_name_holds_regular_characters_only_and_says_the_same(value: str) -> None:
    written = name(value)
    assert re.fullmatch(r"/(?:[^\x00-\x20\x7f-\uffff#()<>\[\]{}/%]|#[0-9a-f]{2})*", written)
    read = re.sub(rb"#([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), written[1:].encode("ascii"))
    assert read.decode("utf-8") == value


def test_bars_are_drawn_where_they_stand_whatever_code_stood_there_before() -> None:
    for data in ("1006022", "15400233-16-4-205", "0120033-5-6"):
        bars = customer.bars(customer.encode(data), 10)
        operators = bar_operators(PlacedBars("code", 7, 30, bars), GEOMETRY)
        drawn = [tuple(map(float, found.split())) for found in operators.removesuffix(b"f").split(b" re ")[:-1]]
        left, top = 7 + GEOMETRY.bleed, GEOMETRY.height + GEOMETRY.bleed - 30
        expected = [(left + x, top - y - height, width, height) for x, y, width, height in bars]
        assert drawn == [pytest.approx([value * 72 / 25.4 for value in bar], abs=0.0006) for bar in expected]
