"""QR symbols (ISO/IEC 18004, model 2) as rows of modules."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

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


def encode(payload: str, level: Level = "M") -> tuple[str, ...]:
    """The symbol's rows, top to bottom, as "1" (dark) and "0" without the quiet zone. Raises QrTooLong.

    zint encodes it, twenty times as fast as the `qrcode` package that stands in where zint has no wheel.
    """
    return _encode_zint(payload, level) if zint else encode_reference(payload, level)


@lru_cache(64)  # a card's symbol comes again beside its place on the mount
def _encode_zint(payload: str, level: Level) -> tuple[str, ...]:
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.QRCODE
    symbol.option_1 = _ZINT_LEVELS[level]
    try:
        symbol.encode(payload)
    except Exception:
        raise QrTooLong from None
    width, data = symbol.width, symbol.encoded_data.cast("B")
    used = (width + 7) // 8
    packed = b"".join([data[at : at + used] for at in range(0, symbol.rows * _ZINT_ROW_BYTES, _ZINT_ROW_BYTES)])
    modules = f"{int.from_bytes(packed, 'little'):0{8 * len(packed)}b}"[::-1]  # the first module is the lowest bit
    return tuple([modules[at : at + width] for at in range(0, len(modules), 8 * used)])


def encode_reference(payload: str, level: Level = "M") -> tuple[str, ...]:
    """The same by the `qrcode` package: the reference that tests decode against, and the fallback."""
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
