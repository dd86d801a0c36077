"""Which of the eight masks a QR symbol bears (ISO/IEC 18004:2015, 7.8.3): the one that loses the fewest points.

A symbol is one number here, in the form of `Modules.packed`, and points are counted for all its modules at once. zint
counts module by module, which takes six sevenths of its time; the choice is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from docgen.symbols.modules import Modules, stride

_MASKS = 8
_RUN, _BLOCK, _FINDER, _BALANCE = 3, 3, 40, 10  # N1 to N4 of table 11
_FINDERS = 18  # each of the three is seen in three rows and in three columns, whatever the mask
_MOST = 1 << 62  # points: more than any symbol loses


class MaskChoice:
    """Chooses for symbols of one size."""

    def __init__(self, size: int, encode: Callable[[int], int]) -> None:
        """`encode(mask)` gives one symbol of this size with each mask: how they differ is the same for all."""
        first = encode(0)
        self._differences = [first ^ encode(mask) for mask in range(_MASKS)]
        self._size, self._row = size, 8 * stride(size)

    def __call__(self, symbol: int) -> Modules:
        """The symbol that came with mask 0, with the best one: the first of those that lose as little."""
        masked = [symbol ^ difference for difference in self._differences]
        # What looks like a finder takes long to find: it is looked for first where least is lost otherwise, and not at
        # all where too much is lost with nothing but the finders themselves.
        least = (_MOST, 0)
        for lost, at in sorted([(self._lost_otherwise(one), at) for at, one in enumerate(masked)]):
            if lost + _FINDERS * _FINDER > least[0]:
                break
            least = min(least, (lost + self._lost_to_finders(masked[at]), at))
        return Modules(self._size, masked[least[1]].to_bytes(self._row // 8 * self._size, "little"))

    def _lost_to_finders(self, symbol: int) -> int:
        return _FINDER * (_finders(symbol, 1) + _finders(symbol, self._row))

    def _lost_otherwise(self, symbol: int) -> int:
        row = self._row
        beside = (symbol ^ symbol >> 1 ^ self._pairs) & self._pairs  # modules like the next one of their row
        below = (symbol ^ symbol >> row ^ self._rows) & self._rows  # and of their column
        points = _long_runs(beside, 1) + _long_runs(below, row)
        points += _BLOCK * (beside & beside >> row & below).bit_count()
        area = self._size**2
        return points + _BALANCE * (abs(20 * symbol.bit_count() - 10 * area) // area)  # of each 5 % off the half

    @cached_property
    def _pairs(self) -> int:
        return self._repeated((1 << self._size - 1) - 1, self._size)

    @cached_property
    def _rows(self) -> int:
        return self._repeated((1 << self._size) - 1, self._size - 1)

    def _repeated(self, bits: int, rows: int) -> int:
        return sum(bits << at * self._row for at in range(rows))


def _long_runs(alike: int, step: int) -> int:
    """Points for runs of five alike and more: three, and one for each that is more; `step` bits lead to the next."""
    fours = alike & alike >> step
    fours &= fours >> 2 * step  # a bit for each five modules alike that follow each other
    begins = fours & ~(fours << step)
    return fours.bit_count() + (_RUN - 1) * begins.bit_count()


def _finders(symbol: int, step: int) -> int:
    """How often dark 1:1:3:1:1 stands beside four light modules, or the edge, before it or after."""
    found = symbol & symbol >> 2 * step & symbol >> 3 * step & symbol >> 4 * step & symbol >> 6 * step
    found &= ~(symbol >> step | symbol >> 5 * step)
    if not found:
        return 0
    after, before = symbol | symbol >> step, symbol | symbol << step
    after, before = (
        after | after >> 2 * step,
        before | before << 2 * step,
    )  # dark among four, from here on and up to here
    return (found & ~(after >> 7 * step & before << step)).bit_count()
