"""Finished files of a package, read for what ties pages to pieces: names, codes, numbers, where the manifest says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from docgen.bulk.opened import Area
from docgen.pdf.swift import Symbol, glances
from docgen.symbols.qr_reading import QrUnreadable, decode

UNREADABLE = "\ufffd"  # what a symbol says that cannot be read
_SLACK = 0.3  # mm by which a baseline may miss its box: fractions of a point
_KEPT = 20_000  # places; most texts of most pages stand where others did before


class Where(NamedTuple):
    """What is looked up on a page: whose item, on which page of its document, at which place of a mount."""

    of: str
    item: str
    page: int
    place: int


class Seen(NamedTuple):
    """A page that was read: its hash, what stands where, and the lines of all its texts if they were asked for.

    `forms` are the texts of each form that it draws: labels, and the mark of a specimen.

    A page does not know which one of its document it is, so `words` tell of it what each of them would say.
    """

    sha256: str
    words: Mapping[Where, tuple[str, ...]]
    texts: tuple[tuple[str, ...], ...]
    forms: tuple[frozenset[str], ...]


Box = tuple[float, float, float, float]


class _Places(dict[tuple[float, float], tuple[Where, ...]]):
    """The areas in which something stands that stands at (x, y) mm."""

    def __init__(self, areas: Iterable[tuple[Where, Box]]) -> None:
        super().__init__()
        self._areas = tuple(areas)

    def __missing__(self, at: tuple[float, float]) -> tuple[Where, ...]:
        x, y = at
        found = tuple([
            where for where, (left, top, right, bottom) in self._areas if left <= x <= right and top <= y <= bottom
        ])  # fmt: skip
        if len(self) < _KEPT:
            self[at] = found
        return found


class PageReader:
    """Reads files by the areas of a manifest."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self._areas: dict[str, list[tuple[Where, Box]]] = {}
        self._further: dict[str, int] = {}
        self._on_page: dict[tuple[str, str, int], list[Where]] = {}
        for area in areas:
            left, top, width, height = area.box
            where = Where(area.of, area.item, area.page, area.place)
            box = (left - _SLACK, top - _SLACK, left + width + _SLACK, top + height + _SLACK)
            self._areas.setdefault(area.document, []).append((where, box))
            self._on_page.setdefault((area.document, area.item, area.page), []).append(where)
            if area.further:
                self._further[area.document] = area.page
        self._places = {document: (_Places(_of(areas, symbols=False)), _Places(_of(areas, symbols=True)))
                        for document, areas in self._areas.items()}  # fmt: skip

    def has(self, document: str, of: str, item: str) -> bool:
        """Whether some page of a document has a place for an item."""
        return any(where.of == of and where.item == item for where, _ in self._areas.get(document, ()))

    def on_page(self, document: str, item: str, page: int) -> Sequence[Where]:
        """What an item is looked up by on a document's nth page: as often as it has to stand there."""
        like = min(page, self._further.get(document, page))
        return self._on_page.get((document, item, like), ())

    def read(self, data: bytes, document: str, *, texts: bool = False) -> Iterator[Seen]:
        """The pages of a file. Raises UnreadablePdf."""
        of_texts, of_symbols = self._places.get(document) or (_Places(()), _Places(()))
        for page in glances(data):
            words: dict[Where, tuple[str, ...]] = {}
            for lines, x, y in page.blocks:
                for where in of_texts[x, y]:
                    words[where] = (*words.get(where, ()), "".join(lines))
            for symbol in page.symbols:
                middle = symbol.size / 2
                for where in of_symbols[symbol.x + middle, symbol.y + middle]:
                    words[where] = (*words.get(where, ()), _payload(symbol))
            lines_of = tuple([block.lines for block in page.blocks]) if texts else ()
            yield Seen(page.sha256, words, lines_of, page.forms)


def _of(areas: Iterable[tuple[Where, Box]], *, symbols: bool) -> Iterator[tuple[Where, Box]]:
    return ((where, box) for where, box in areas if (where.item in _SYMBOLS) is symbols)


_SYMBOLS = frozenset(("card.qr", "card.match_code", "piece.mark", "page.code"))


def _payload(symbol: Symbol) -> str:
    try:
        return decode(symbol.rows)
    except QrUnreadable:
        return UNREADABLE
