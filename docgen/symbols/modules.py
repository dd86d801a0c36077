"""A QR symbol's modules as one block of bytes, in which a row begins with a byte of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_APART = 4  # modules of light between a row's end and the next one: what looks beyond a row's end finds no dark there


def stride(size: int) -> int:
    """The bytes of a row of so many modules."""
    return (size + _APART + 7) // 8


class Modules(NamedTuple):
    """The modules of a symbol of `size` x `size`, without the quiet zone.

    `packed` has row after row from the top, each of `stride(size)` bytes: the first module is the lowest bit of the
    first byte, dark is 1, and what is left of a row is 0.
    """

    size: int
    packed: bytes

    @classmethod
    def of(cls, rows: Sequence[str]) -> Modules:
        """From rows of "1" (dark) and "0"."""
        width = stride(len(rows))
        return cls(len(rows), b"".join([int(row[::-1], 2).to_bytes(width, "little") for row in rows]))

    @property
    def rows(self) -> tuple[str, ...]:
        """As rows of "1" and "0"."""
        width = 8 * stride(self.size)
        bits = f"{int.from_bytes(self.packed, 'little'):0{width * self.size}b}"[::-1]
        return tuple([bits[at : at + self.size] for at in range(0, len(bits), width)])
