"""How a page is read aloud: which of its items are read, as what, and in which order.

The layout says it by roles. Items are drawn in one order and read in another: side by side they are drawn as the layout
has them, and read with the rows of a flow one after the other, each whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from docgen.compose.placed import PlacedBars, PlacedPath, PlacedQr, PlacedSide, PlacedText, StaticItem
from docgen.layout.models import Figure, Layout, Readable, TextElement, Wording

FIGURE = "figure"
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Tag:
    """What an element is to who listens.

    `role` is one of the layout language's, or `figure` with its `alt`. `rank` is its place in the reading order of its
    side; the rows of its flow stand at `start`.
    """

    role: str
    start: int
    rank: int
    under: str | None
    alt: str


class ItemKey(NamedTuple):
    """An item of a placed side: of the `form`s, `text`s or `symbol`s the `at`th; of a form its `item`th."""

    kind: str
    at: int
    item: int = 0


class Spoken(NamedTuple):
    """One thing that is read: the tag and id of its element, its cell's number on the page, its items there.

    `box` is a figure's (left, top, right, bottom) in mm on the page, None for texts.
    """

    tag: Tag
    element: str
    cell: int
    items: tuple[ItemKey, ...]
    box: Box | None = None


def tags_of(layout: Layout, insurers: Mapping[str, Wording]) -> dict[str, Tag]:
    """The tag of each element that is read, by its id; `insurers` is the wording that the insurer has instead."""
    tags: dict[str, Tag] = {}
    for elements in layout.sides.values():
        following: dict[str | None, list[str]] = {}
        for element in elements:
            following.setdefault(element.after if isinstance(element, Readable) else None, []).append(element.id)
        ranks = {id_: rank for rank, id_ in enumerate(_in_reading_order(following, None))}
        starts: dict[str, int] = {}
        for element in elements:
            rank = ranks.get(element.id, len(ranks))  # one that follows itself is an error that the check tells
            start = rank if element.each is None else starts.setdefault(element.each, rank)
            under = None
            if isinstance(element, TextElement) and element.role not in (None, "artifact"):
                role, alt, under = str(element.role), "", element.under
            elif isinstance(element, Figure) and element.alt is not None:
                key = element.alt.removeprefix("wording.")
                role, alt = FIGURE, str(insurers.get(key, layout.wording[key]))
            else:
                continue
            tags[element.id] = Tag(role, start, rank, under, alt)
    return tags


def _in_reading_order(following: Mapping[str | None, Sequence[str]], leader: str | None) -> Iterator[str]:
    """The ids as the layout has them, but those of elements that are read after another, `following` it, behind it."""
    for id_ in following.get(leader, ()):
        yield id_
        yield from _in_reading_order(following, id_)


def read(side: PlacedSide, tags: Mapping[str, Tag]) -> tuple[Spoken, ...]:
    """The items of a page that are read, in order."""
    found = [spoken for spoken in _spoken(side, tags) if spoken.items]
    return tuple(sorted(found, key=lambda spoken: (spoken.tag.start, spoken.cell, spoken.tag.rank)))


def _spoken(side: PlacedSide, tags: Mapping[str, Tag]) -> Iterator[Spoken]:
    forms = texts = symbols = 0
    for cell, ends in enumerate(side.cells):
        for at in range(forms, ends[0]):
            yield from _of_form(side, at, cell, tags)
        for at in range(texts, ends[1]):
            text = side.texts[at]
            if text.element in tags and text.text.lines:
                yield Spoken(tags[text.element], text.element, cell, (ItemKey("text", at),))
        for at in range(symbols, ends[2]):
            symbol = side.symbols[at]
            if symbol.element in tags:
                yield Spoken(tags[symbol.element], symbol.element, cell, (ItemKey("symbol", at),), _extent(symbol))
        forms, texts, symbols = ends


def _of_form(side: PlacedSide, at: int, cell: int, tags: Mapping[str, Tag]) -> Iterator[Spoken]:
    """Each text by itself; all paths of an image together."""
    form = side.forms[at]
    pictures: dict[str, list[tuple[ItemKey, StaticItem]]] = {}
    for number, (item, owner) in enumerate(zip(form.static.items, form.static.owners, strict=True)):
        key = ItemKey("form", at, number)
        if owner not in tags:
            continue
        if isinstance(item, PlacedText):
            yield Spoken(tags[owner], owner, cell, (key,) if item.text.lines else ())
        else:
            pictures.setdefault(owner, []).append((key, item))
    for owner, parts in pictures.items():
        keys = tuple(key for key, _ in parts)
        yield Spoken(tags[owner], owner, cell, keys, _around([item for _, item in parts], form.x, form.y))


def _extent(symbol: PlacedQr | PlacedBars) -> Box:
    x, y = symbol.x, symbol.y
    if isinstance(symbol, PlacedQr):
        return x, y, x + symbol.size, y + symbol.size
    right, bottom = max(bar[0] + bar[2] for bar in symbol.bars), max(bar[1] + bar[3] for bar in symbol.bars)
    return x, y, x + right, y + bottom


def _around(items: Sequence[StaticItem], dx: float, dy: float) -> Box:
    """The box around an image's paths."""
    paths = [values for item in items if isinstance(item, PlacedPath) for _, values in item.segments]
    across = [x + dx for values in paths for x in values[::2]]
    down = [y + dy for values in paths for y in values[1::2]]
    return min(across), min(down), max(across), max(down)
