"""Japan Post's customer barcode (カスタマバーコード): 67 bars of four kinds, and where they stand.

Structure, sizes and truncation: https://post.japanpost.jp/zipcode/zipmanual/p12.html ; characters and check digit:
https://post.japanpost.jp/zipcode/zipmanual/p21.html
"""

from __future__ import annotations

import re

Rect = tuple[float, float, float, float]  # x, y, width, height

MIN_SIZE, MAX_SIZE = 8.0, 11.5  # pt
CLEAR = 2.0  # mm of white on all four sides: https://post.japanpost.jp/zipcode/zipmanual/p13.html

# F long, A and D semi-long (ascending, descending), T timing. A character's place is its value for the check digit.
_START, _STOP = "FD", "DF"
_BARS = (
    *("FTT", "FFT", "FDA", "DFA", "FAD", "FTF", "DAF", "AFD", "ADF", "TFF"),  # 0 to 9
    "TFT",  # hyphen
    *("DAT", "DTA", "ADT", "TDA", "ATD", "TAD", "TTF", "FFF"),  # CC1 to CC8
)
_HYPHEN, _CC1, _CC4 = 10, 11, 14
_ZIP, _NUMBER = 7, 13
_DATA = re.compile(r"[0-9]{7}[0-9A-Z-]*\Z")

# In units of a/10 mm, where a is the size in pt. The manual has 3.6 for the long bar, which is also the most that it
# allows (3.40 to 3.60), and 2.4 for the semi-long: both are drawn shorter, so that a raster's rounding keeps them
# within.
_PITCH, _WIDTH, _LONG, _TIMING = 1.2, 0.6, 3.5, 1.2
_RISE = (_LONG - _TIMING) / 2  # from the top of a long bar to the top of the timing bar, which stands in the middle
_SPANS = {  # top and height
    "F": (0.0, _LONG),
    "A": (0.0, _RISE + _TIMING),
    "D": (_RISE, _RISE + _TIMING),
    "T": (_RISE, _TIMING),
}


def encode(data: str) -> str:
    """The 67 bars, left to right, as letters: F long, A semi-long upwards, D semi-long downwards, T timing.

    `data` is the postal code's 7 digits and directly after them the address display number (digits, hyphens, capital
    letters) in any length: what does not fit into 13 places is left off, as the manual says, and a letter that is cut
    in two keeps its first half. Raises ValueError for any other character.
    """
    if not _DATA.match(data):
        raise ValueError("not 7 digits followed by digits, hyphens and capital letters")
    number = [value for ch in data[_ZIP:] for value in _values(ch)]
    values = [int(ch) for ch in data[:_ZIP]] + (number + [_CC4] * _NUMBER)[:_NUMBER]
    values.append(-sum(values) % len(_BARS))
    return _START + "".join(_BARS[value] for value in values) + _STOP


def _values(ch: str) -> tuple[int, ...]:
    if ch == "-":
        return (_HYPHEN,)
    if ch.isdigit():
        return (int(ch),)
    shift, digit = divmod(ord(ch) - ord("A"), 10)  # A to J, K to T, U to Z
    return (_CC1 + shift, digit)


def bars(code: str, size_pt: float) -> tuple[Rect, ...]:
    """Where the bars of `encode` stand: x, y, width and height in mm from the symbol's top-left corner.

    Raises ValueError for a size outside 8 to 11.5 pt.
    """
    unit = _unit(size_pt)
    return tuple(
        (place * _PITCH * unit, top * unit, _WIDTH * unit, height * unit)
        for place, (top, height) in enumerate(_SPANS[kind] for kind in code)
    )


def extent(size_pt: float) -> tuple[float, float]:
    """Width and height of the symbol in mm, without the clear zone. Raises ValueError as `bars` does."""
    unit = _unit(size_pt)
    count = len(_START) + 3 * (_ZIP + _NUMBER + 1) + len(_STOP)
    return ((count - 1) * _PITCH + _WIDTH) * unit, _LONG * unit


def _unit(size_pt: float) -> float:
    if not MIN_SIZE <= size_pt <= MAX_SIZE:
        raise ValueError(f"a customer barcode is {MIN_SIZE:g} to {MAX_SIZE:g} pt, not {size_pt:g}")
    return size_pt / 10
