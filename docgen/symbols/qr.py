"""QR symbols (ISO/IEC 18004, model 2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, Literal

from docgen.symbols.modules import Modules, stride
from docgen.symbols.qr_mask import MaskChoice

Level = Literal["L", "M", "Q", "H"]
QUIET_MODULES = 4  # ISO/IEC 18004, 9.1: four modules of white on each side
_ZINT_LEVELS: dict[Level, int] = {"L": 1, "M": 2, "Q": 3, "H": 4}
_ZINT_ROW_BYTES = 144

try:
    import zint
except ImportError:  # no wheel for this platform
    zint = None  # type: ignore[assignment]


class QrTooLong(Exception):
    """The payload exceeds what a QR symbol of this level can hold."""


def encode(payload: str, level: Level = "M") -> Modules:
    """The symbol of a payload. Raises QrTooLong.

    zint encodes it, and the mask is chosen here: thirty times as fast as the `qrcode` package, which stands in where
    zint has no wheel.
    """
    return _encode_zint(payload, level) if zint else Modules.of(encode_reference(payload, level))


@lru_cache(64)  # a card's symbol comes again beside its place on the mount
def _encode_zint(payload: str, level: Level) -> Modules:
    size, symbol = _by_zint(payload, level, 0)
    choice = _choices.get(size)
    if choice is None:
        choice = _choices[size] = MaskChoice(size, lambda mask: _by_zint(payload, level, mask)[1])
    return choice(symbol)


_choices: dict[int, MaskChoice] = {}


def _by_zint(payload: str, level: Level, mask: int) -> tuple[int, int]:
    """A symbol's size and its modules as a number, with a mask (-1: the one that zint chooses)."""
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.QRCODE
    symbol.option_1 = _ZINT_LEVELS[level]
    symbol.option_3 = mask + 1 << 8
    try:
        symbol.encode(payload)
    except Exception:
        raise QrTooLong from None
    size, data = symbol.width, symbol.encoded_data.tobytes()
    return size, int.from_bytes(b"".join(_rows_of(size)(data)), "little")


@cache
def _rows_of(size: int) -> Callable[[bytes], tuple[bytes, ...]]:
    """What takes the used part of each row from zint's data."""
    starts = range(0, size * _ZINT_ROW_BYTES, _ZINT_ROW_BYTES)
    rows: list[Any] = [slice(start, start + stride(size)) for start in starts]
    return itemgetter(*rows)


def encode_reference(payload: str, level: Level = "M") -> tuple[str, ...]:
    """The same by the `qrcode` package, as rows: the reference that tests decode against, and the fallback."""
    import qrcode
    from qrcode.exceptions import DataOverflowError

    levels = {
        "L": qrcode.constants.ERROR_CORRECT_L,
        "M": qrcode.constants.ERROR_CORRECT_M,
        "Q": qrcode.constants.ERROR_CORRECT_Q,
        "H": qrcode.constants.ERROR_CORRECT_H,
    }
    symbol = qrcode.QRCode(error_correction=levels[level], border=0)
    symbol.add_data(payload)
    try:
        symbol.make(fit=True)
    except (DataOverflowError, ValueError):
        raise QrTooLong from None
    return tuple("".join("1" if dark else "0" for dark in row) for row in symbol.modules)
