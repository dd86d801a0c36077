"""QR symbols read back from their modules (ISO/IEC 18004, model 2): the second reader's half of `qr`.

It takes modules as they are drawn, not a picture of them, so nothing needs correction: a symbol whose function patterns
or data are not sound is refused. The standard's tables come from the `qrcode` package, which does not make our symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from operator import itemgetter

from qrcode.base import rs_blocks
from qrcode.util import BCH_type_info, mask_func, pattern_position

Rows = tuple[str, ...]
_Pick = Callable[[str], tuple[str, ...]]
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_END, _NUMERIC, _ALNUM, _BYTE, _ECI = 0, 1, 2, 4, 7
_COUNT_BITS = {_NUMERIC: (10, 12, 14), _ALNUM: (9, 11, 13), _BYTE: (8, 16, 16)}  # versions up to 9, 26, 40
_DIGIT_BITS = {1: 4, 2: 7, 3: 10}


class QrUnreadable(Exception):
    """The modules are no sound QR symbol, or hold what ours never do."""


@lru_cache(256)  # a card's symbol comes again beside its place
def decode(rows: Rows) -> str:
    """The payload of a symbol, its rows as "1" (dark) and "0" without the quiet zone. Raises QrUnreadable."""
    version, left = divmod(len(rows) - 17, 4)
    if left or not 1 <= version <= 40 or {*map(len, rows)} != {len(rows)}:
        raise QrUnreadable(f"{len(rows)} rows make no symbol")
    modules = "".join(rows)
    form = _forms().get("".join(_format_modules(version)(modules)))
    if form is None:
        raise QrUnreadable("the format information is damaged")
    level, mask = form
    pick, size = _data_modules(version)
    raw = int("".join(pick(modules)), 2) ^ _mask(version, mask)
    codewords = bytes(_data_order(version, level)(raw.to_bytes(size, "big")))
    return "".join(_segments(codewords, version))


@cache
def _forms() -> dict[str, tuple[int, int]]:
    """Level and mask by the fifteen bits of the format information, the lowest first (7.9)."""
    return {f"{BCH_type_info(data):015b}"[::-1]: (data >> 3, data & 7) for data in range(32)}


@cache
def _format_modules(version: int) -> _Pick:
    """The second copy, which is not broken by the timing pattern: below the upper right, right of the lower left."""
    size = 17 + 4 * version
    places = [8 * size + size - 1 - bit for bit in range(8)] + [(size - 15 + bit) * size + 8 for bit in range(8, 15)]
    return itemgetter(*places)


@cache
def _data_modules(version: int) -> tuple[_Pick, int]:
    """Picks the modules of the codewords in their order, and how many codewords there are."""
    places = _zigzag(version)
    count = len(places) // 8
    return itemgetter(*places[: 8 * count]), count


@cache
def _zigzag(version: int) -> list[int]:
    size, taken = 17 + 4 * version, _function_modules(version)
    places: list[int] = []
    column, upwards = size - 1, True
    while column > 0:
        column -= column == 6  # the timing pattern's column holds no data
        for row in range(size - 1, -1, -1) if upwards else range(size):
            places += [row * size + at for at in (column, column - 1) if (row, at) not in taken]
        column, upwards = column - 2, not upwards
    return places


def _function_modules(version: int) -> set[tuple[int, int]]:
    size, centres = 17 + 4 * version, pattern_position(version)
    corners = ((0, 0, 9, 9), (0, size - 8, 9, 8), (size - 8, 0, 8, 9))
    areas = [*corners, (6, 0, 1, size), (0, 6, size, 1)]
    if version >= 7:
        areas += [(0, size - 11, 6, 3), (size - 11, 0, 3, 6)]
    in_corner = {(6, 6), (6, size - 7), (size - 7, 6)}
    areas += [(row - 2, at - 2, 5, 5) for row in centres for at in centres if (row, at) not in in_corner]
    return {
        (row, at) for top, left, height, width in areas for row in range(top, top + height)
        for at in range(left, left + width)
    }  # fmt: skip


@cache
def _mask(version: int, mask: int) -> int:
    size, dark = 17 + 4 * version, mask_func(mask)
    _, count = _data_modules(version)
    return int("".join("1" if dark(*divmod(at, size)) else "0" for at in _zigzag(version)[: 8 * count]), 2)


@cache
def _data_order(version: int, level: int) -> Callable[[bytes], tuple[int, ...]]:
    """From codewords as they stand, block by block in turn, to the data in its order."""
    lengths = [block.data_count for block in rs_blocks(version, level)]
    at, places = 0, [[0] * length for length in lengths]
    for column in range(max(lengths)):
        for block, length in zip(places, lengths, strict=True):
            if column < length:
                block[column] = at
                at += 1
    return itemgetter(*[place for block in places for place in block])


def _segments(data: bytes, version: int) -> Iterator[str]:
    bits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"
    at, size = 0, 0 if version <= 9 else 1 if version <= 26 else 2
    while (mode := int(bits[at : at + 4] or "0", 2)) != _END:
        at += 4
        if mode == _ECI:
            at += 8
            continue
        if mode not in _COUNT_BITS:
            raise QrUnreadable(f"a segment of mode {mode}")
        width = _COUNT_BITS[mode][size]
        count = int(bits[at : at + width], 2)
        at += width
        text, at = _SEGMENTS[mode](bits, at, count)
        if at > len(bits):
            raise QrUnreadable("the data end too early")
        yield text


def _numeric(bits: str, at: int, count: int) -> tuple[str, int]:
    parts = []
    for left in range(count, 0, -3):
        digits = min(left, 3)
        parts.append(f"{int(bits[at : at + _DIGIT_BITS[digits]] or '0', 2):0{digits}d}")
        at += _DIGIT_BITS[digits]
    return "".join(parts), at


def _alphanumeric(bits: str, at: int, count: int) -> tuple[str, int]:
    end = at + count // 2 * 11
    try:
        text = "".join([_PAIRS[bits[place : place + 11]] for place in range(at, end, 11)])
        if count % 2:
            text += _SINGLES[bits[end : end + 6]]
    except KeyError:
        raise QrUnreadable("a pair beyond the alphabet") from None
    return text, end + count % 2 * 6


_PAIRS = {
    f"{45 * high + low:011b}": one + other
    for high, one in enumerate(_ALPHANUMERIC) for low, other in enumerate(_ALPHANUMERIC)
}  # fmt: skip
_SINGLES = {f"{at:06b}": one for at, one in enumerate(_ALPHANUMERIC)}


def _bytes(bits: str, at: int, count: int) -> tuple[str, int]:
    end = at + 8 * count
    try:
        return int(bits[at:end] or "0", 2).to_bytes(count, "big").decode("utf-8"), end
    except (OverflowError, UnicodeDecodeError):
        raise QrUnreadable("bytes that are no UTF-8") from None


_SEGMENTS = {_NUMERIC: _numeric, _ALNUM: _alphanumeric, _BYTE: _bytes}
