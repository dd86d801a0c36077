"""Japan Post's customer barcode: the manual's examples, zint bar by bar, and the drawn bars measured."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pypdfium2
import pytest
import zint
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from docgen.issuance.address import Address, customer_code
from docgen.symbols import customer
from docgen.units import PT_PER_MM
from tests.addresses import thousand

CODES = {
    **dict(zip("0123456789-", "FTT FFT FDA DFA FAD FTF DAF AFD ADF TFF TFT".split(), strict=True)),
    **{f"CC{n}": bars for n, bars in enumerate("DAT DTA ADT TDA ATD TAD TTF FFF".split(), 1)},
}
VALUES = {bars: value for value, bars in enumerate(CODES.values())}

# https://post.japanpost.jp/zipcode/zipmanual/p25.html and p21: postal code, address display number, check digit
MANUAL = [
    ("2630023", "3-30-8-403", "5"),
    ("0140113", "60-1", "CC8"),
    ("1100016", "5-6-3-10", "9"),
    ("0600906", "4-6", "9"),
    ("2730102", "3-20-5B604", "0"),
    ("0270203", "21-480", "CC5"),
    ("0800831", "7-28", "CC7"),
    ("3170055", "6-7-14-2", "CC1"),
    ("9100067", "3-80-25J1-2B", "9"),
    ("1000013", "1-3-2-503", "9"),
]


def triples(code: str) -> list[str]:
    """The 21 characters between start and stop."""
    assert (len(code), code[:2], code[-2:]) == (67, "FD", "DF")
    return [code[at : at + 3] for at in range(2, 65, 3)]


def places(number: str) -> list[str]:
    """An address display number as the barcode's characters, a letter being two."""
    split: list[str] = []
    for ch in number:
        letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".find(ch)
        split += [ch] if letter < 0 else [f"CC{letter // 10 + 1}", str(letter % 10)]
    return split


def by_zint(data: str) -> str:
    """zint's bars, for data that fit without cutting a letter in two."""
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.JAPANPOST
    symbol.encode(data)
    raw = bytes(symbol.encoded_data)
    up, _, down = (int.from_bytes(raw[row * 144 : row * 144 + 17], "little") for row in range(3))
    kinds = {(1, 1): "F", (1, 0): "A", (0, 1): "D", (0, 0): "T"}
    return "".join(kinds[up >> at & 1, down >> at & 1] for at in range(0, symbol.width, 2))


def as_zint_takes_it(data: str) -> str | None:
    """The data cut to 20 characters; None where that would cut a letter in two."""
    number, used = "", 0
    for ch in data[7:]:
        used += 2 if ch.isalpha() else 1
        if used > 13:
            return None if ch.isalpha() and used == 14 else data[:7] + number
        number += ch
    return data


# --- encoding ---


def test_the_manuals_first_example_comes_out_bar_by_bar() -> None:
    assert customer.encode("1540023" + "3-16-4-205") == (
        "FDFFTFTFFADFTTFTTFDADFADFATFTFFTDAFTFTFADTFTFDAFTTFTFTDATDATDADAFDF"
    )


@pytest.mark.parametrize(("postal_code", "number", "check"), MANUAL)
def test_the_manuals_examples_have_their_characters_and_check_digit(postal_code: str, number: str, check: str) -> None:
    expected = [*postal_code, *(places(number) + ["CC4"] * 13)[:13], check]
    assert triples(customer.encode(postal_code + number)) == [CODES[name] for name in expected]


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("", ["CC4"] * 13),
        ("1234567890123", list("1234567890123")),
        ("29-1524-23-2-501", list("29-1524-23-2-")),  # https://post.japanpost.jp/zipcode/zipmanual/p20.html
        ("12345678901A", [*"12345678901", "CC1", "0"]),
        ("123456789012Z", [*"123456789012", "CC3"]),  # the letter's first half stays
        ("1234567890123Z", list("1234567890123")),
    ],
)
def test_thirteen_places_are_filled_or_cut(number: str, kept: list[str]) -> None:
    assert triples(customer.encode("1540023" + number))[7:20] == [CODES[name] for name in kept]


DATA = st.from_regex(r"\A[0-9]{7}[0-9A-Z-]{0,20}\Z")


@given(DATA)
@hypothesis_settings(max_examples=500)
def test_any_data_come_out_as_zints_bars(data: str) -> None:
    code = customer.encode(data)
    assert sum(VALUES[bars] for bars in triples(code)) % 19 == 0
    if (whole := as_zint_takes_it(data)) is not None:
        assert code == by_zint(whole)


def test_a_thousand_towns_come_out_as_zints_bars() -> None:
    compared = 0
    for invented in thousand():
        data = customer_code(Address(postal_code=invented.postal_code, full=invented.full)).data
        if data is not None and (whole := as_zint_takes_it(data)) is not None:
            assert customer.encode(data) == by_zint(whole)
            compared += 1
    assert compared > 900


@pytest.mark.parametrize("data", ["", "154002", "154-0023", "15400233a", "1540023３", "1540023 1", "1540023\n"])
def test_what_the_barcode_has_no_characters_for_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="7 digits"):
        customer.encode(data)


# --- geometry ---

# https://post.japanpost.jp/zipcode/zipmanual/p12.html , times a/10 mm. The manual has none for semi-long bars; theirs
# lies half-way between the long bar's and the timing bar's.
LONG, TIMING, SEMI = (3.40, 3.60), (1.05, 1.35), (2.225, 2.475)
HEIGHTS = {"F": LONG, "A": SEMI, "D": SEMI, "T": TIMING}
PITCH, WIDTH, SPACE = (0.95, 1.30), (0.50, 0.70), (0.45, 0.60)
DPI = 600
DOT = 25.4 / DPI
# All four kinds, and each beside each.
CODE = customer.encode("2730102" + "3-20-5B604")


def drawn(size: float, left: float, top: float) -> np.ndarray:
    """The symbol on a page of 120 x 20 mm at 600 dpi: True is ink."""
    data = io.BytesIO()
    page = Canvas(data, pagesize=(120 * PT_PER_MM, 20 * PT_PER_MM))
    for x, y, width, height in customer.bars(CODE, size):
        lower_left = (left + x, 20 - top - y - height)
        page.rect(*(mm * PT_PER_MM for mm in (*lower_left, width, height)), stroke=0, fill=1)
    page.save()
    image = pypdfium2.PdfDocument(data.getvalue())[0].render(scale=DPI / 72, grayscale=True)
    return image.to_numpy().squeeze() < 128


def runs(line: np.ndarray) -> list[tuple[int, int]]:
    """Where ink begins and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], line, [False])).astype(int)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


@pytest.mark.parametrize("size", [8, 8.5, 10, 11.5])
@pytest.mark.parametrize(("left", "top"), [(5.0, 5.0), (5.013, 5.029), (32.5 - 25, 55.6 - 50)])
def test_drawn_bars_measure_within_the_tolerances(size: float, left: float, top: float) -> None:
    ink = drawn(size, left, top)
    unit = size / 10
    rows = np.flatnonzero(ink.any(axis=1))
    across = runs(ink[(rows[0] + rows[-1]) // 2])
    assert len(across) == 67

    def within(dots: int, tolerance: tuple[float, float]) -> bool:
        return tolerance[0] <= dots * DOT / unit <= tolerance[1]

    assert all(within(end - start, WIDTH) for start, end in across)
    assert all(within(after[0] - before[0], PITCH) for before, after in pairwise(across))
    assert all(within(after[0] - before[1], SPACE) for before, after in pairwise(across))

    kinds = ""
    for start, end in across:
        ((first, last),) = runs(ink[:, (start + end) // 2])
        up, down = first - rows[0] <= 1, rows[-1] + 1 - last <= 1
        kinds += {(True, True): "F", (True, False): "A", (False, True): "D", (False, False): "T"}[up, down]
        assert within(last - first, HEIGHTS[kinds[-1]])
    assert kinds == CODE


@pytest.mark.parametrize("size", [8, 8.5, 10, 11.5])
def test_the_extent_is_that_of_the_bars(size: float) -> None:
    width, height = customer.extent(size)
    bars = customer.bars(CODE, size)
    assert bars[0][0] == min(y for _, y, _, _ in bars) == 0
    assert max(x + w for x, _, w, _ in bars) == pytest.approx(width)
    assert max(y + h for _, y, _, h in bars) == pytest.approx(height)
    assert (width, height) == pytest.approx((7.98 * size, 0.35 * size))


def test_timing_bars_stand_in_the_middle_and_semi_long_ones_rise_or_fall_from_it() -> None:
    spans = {kind: bar[1::2] for kind, bar in zip(CODE, customer.bars(CODE, 10), strict=True)}
    assert spans == {
        "F": pytest.approx((0, 3.5)),
        "A": pytest.approx((0, 2.35)),
        "D": pytest.approx((1.15, 2.35)),
        "T": pytest.approx((1.15, 1.2)),
    }


@pytest.mark.parametrize("size", [7.99, 11.51, 0, float("nan")])
def test_no_other_size_is_drawn(size: float) -> None:
    with pytest.raises(ValueError, match=r"8 to 11\.5 pt"):
        customer.bars(CODE, size)
    with pytest.raises(ValueError, match=r"8 to 11\.5 pt"):
        customer.extent(size)
