"""Finished files of a package, read for what ties a card to its place: names and codes, where the manifest says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from docgen.bulk.opened import Area
from docgen.pdf.swift import Block, Symbol, glances
from docgen.symbols.qr_reading import QrUnreadable, decode

UNREADABLE = "\ufffd"  # what a symbol says that cannot be read
_SLACK = 0.3  # mm by which a baseline may miss its box: fractions of a point


class Where(NamedTuple):
    """What is looked up on a page: whose item, on which page of its document, at which place of a mount."""

    of: str
    item: str
    page: int
    place: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A page that was read: its hash, what stands where, and the lines of all its texts if they were asked for.

    A page does not know which one of its document it is, so `words` tell of it what each of them would say.
    """

    sha256: str
    words: Mapping[Where, tuple[str, ...]]
    texts: tuple[tuple[str, ...], ...]


class PageReader:
    """Reads files by the areas of a manifest."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self._areas: dict[str, list[tuple[Where, tuple[float, float, float, float], bool]]] = {}
        for area in areas:
            left, top, width, height = area.box
            where = Where(area.of, area.item, area.page, area.place)
            box = (left - _SLACK, top - _SLACK, left + width + _SLACK, top + height + _SLACK)
            self._areas.setdefault(area.document, []).append((where, box, area.item in _SYMBOLS))
        self._known: dict[tuple[float, float, str, bool], tuple[Where, ...]] = {}

    def has(self, document: str, of: str, item: str) -> bool:
        """Whether some page of a document has a place for an item."""
        return any(where.of == of and where.item == item for where, _, _ in self._areas.get(document, ()))

    def read(self, data: bytes, document: str, *, texts: bool = False) -> Iterator[Seen]:
        """The pages of a file. Raises UnreadablePdf."""
        wanted = bool(self._areas.get(document)) or texts
        for page in glances(data, contents=wanted):
            words: dict[Where, tuple[str, ...]] = {}
            for block in page.blocks:
                for where in self._at(document, block.x, block.y, False):
                    words[where] = (*words.get(where, ()), block.text)
            for symbol in page.symbols:
                middle = symbol.size / 2
                for where in self._at(document, symbol.x + middle, symbol.y + middle, True):
                    words[where] = (*words.get(where, ()), _payload(symbol))
            yield Seen(page.sha256, words, _lines(page.blocks) if texts else ())

    def _at(self, document: str, x: float, y: float, of_symbols: bool) -> tuple[Where, ...]:
        """The areas in which something stands; most texts of most pages stand where others did before."""
        key = (round(x, 1), round(y, 1), document, of_symbols)
        found = self._known.get(key)
        if found is None:
            found = tuple(
                where for where, (left, top, right, bottom), is_symbol in self._areas.get(document, ())
                if left <= x <= right and top <= y <= bottom and is_symbol == of_symbols
            )  # fmt: skip
            self._known[key] = found
        return found


_SYMBOLS = frozenset(("card.qr", "card.match_code", "piece.mark"))


def _payload(symbol: Symbol) -> str:
    try:
        return decode(symbol.rows)
    except QrUnreadable:
        return UNREADABLE


def _lines(blocks: Sequence[Block]) -> tuple[tuple[str, ...], ...]:
    return tuple([block.lines for block in blocks])
