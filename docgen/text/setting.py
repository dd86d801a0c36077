"""Fitting a text into a box: an ordered policy with floors, and a verdict of how far the text was pushed.

Lengths are mm, type sizes pt. A fit policy is a list of steps; each permits more than the ones before it:

    condense k   the glyphs may be narrowed (長体), down to the ratio k
    shrink p     the size may fall, in steps of 0.25 pt, down to p
    wrap n       the text may take up to n lines
    omit         what still does not fit is left out (and the verdict says so)
    reject       what still does not fit is an error

The largest size that fits wins; at one size, the fewest lines and then the least condensing. A text may hold zero-width
spaces (U+200B) between its parts, which are not set: where it must be broken, it is broken there before anywhere else,
even if it is condensed for that to 0.9 of what it would otherwise be (by our choice, and never below its floor).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby, product
from operator import attrgetter
from typing import Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from docgen.text.breaking import Care, break_lines
from docgen.text.faces import Glyph, Stack, clusters
from docgen.units import MM_PER_PT

Align = Literal["left", "center", "right", "distribute", "justify"]
_JUSTIFIED_EM = 2.0  # more than this is not spread between the letters of a line: it was ended early, for a word
Valign = Literal["baseline", "top", "middle", "bottom"]
SHRINK_STEP_PT = 0.25
# Boxes are drawn to 0.01 mm: half of that at each side is no overflow.
TOLERANCE_MM = 0.02
_SPACES = " \u3000"
# How much narrower a text may become for the sake of its parts: next to others this is hardly seen, a torn name is.
_FOR_PARTS = 0.9
PART = "\u200b"
# A named tuple's own constructor is a function of Python around this one: twice the time for what is made per text.
_new = tuple.__new__
_MEMORY = 32  # texts that a setter remembers: dates, kinds of membership and the like come again and again


class Step(NamedTuple):
    """One step of a fit policy."""

    kind: str
    limit: float | None = None


Run: TypeAlias = tuple[str, str]
"""Neighbouring glyphs of one font: the font, and their codes as hex digits, four a glyph."""


class SetLine(NamedTuple):
    """A line in place: `x` from the box's left and `baseline` from its top in mm; `spacing` in mm after each glyph."""

    x: float
    baseline: float
    width: float
    runs: tuple[Run, ...]
    spacing: float
    text: str


class Mark(NamedTuple):
    """Glyphs in a column: their origin in mm from the box's top-left corner, the ratio to which they are narrowed.

    `turned` glyphs are turned clockwise, so that they run down.
    """

    run: Run
    x: float
    y: float
    turned: bool
    narrow: float


class SetColumn(NamedTuple):
    """A column of vertical writing in place: its em box from the box's top-left corner in mm, and what stands in it."""

    x: float
    top: float
    width: float
    height: float
    marks: tuple[Mark, ...]
    text: str


class SetText(NamedTuple):
    """A text that fits: its size in pt, how far it is condensed (1 = not), its lines. No lines: it was left out.

    `breaks`: how many of the line ends are wanted, the text's own line breaks and the cells of a comb.
    """

    size: float
    condense: float
    lines: tuple[SetLine | SetColumn, ...]
    omitted: bool = False
    breaks: int = 0

    @property
    def wrapped(self) -> int:
        """How many lines it was wrapped into, wanted line ends aside; 1 is not at all, 0 left out."""
        return len(self.lines) - self.breaks


class DoesNotFit(Exception):
    """Every step of the policy was tried. `excess` is the room that is needed over the room that there is.

    `needs` says it in words: in lines where the text may be wrapped, or how many times the room.
    """

    def __init__(self, excess: float, lines: tuple[int, int] | None = None) -> None:
        self.excess = excess
        times = f"{excess:.2f} times the room of its box"
        self.needs = f"{lines[0]} lines, where {lines[1]} {'has' if lines[1] == 1 else 'have'} room" if lines else times
        super().__init__(f"needs {self.needs}")


class Piece(Protocol):
    """What stands in a line: a glyph, or a cell of a column. `advance` is 1/1000 em along the line."""

    @property
    def advance(self) -> float: ...


P = TypeVar("P", bound=Piece)


class Paragraph(NamedTuple, Generic[P]):
    """A text that begins a line. `ends`: after how many clusters each of its parts ends."""

    clusters: Sequence[str]
    glyphs: Sequence[P]
    ends: tuple[int, ...]


class _Broken(NamedTuple, Generic[P]):
    """A text in lines at one ratio: the glyphs of each, its text, whether its paragraph goes on.

    `torn`: how many of them end inside a part.
    """

    ratio: float
    lines: list[tuple[Sequence[P], str, bool]]
    torn: int


@dataclass(frozen=True, slots=True)
class TextSetter(ABC, Generic[P]):
    """A box and a style, ready to set any number of texts. `width` and `height` in mm, `size` in pt.

    What is the same in both directions of writing: a line has a length, and lines lie beside each other to a depth.
    """

    stack: Stack
    size: float
    width: float
    height: float
    fit: tuple[Step, ...] = (Step("reject"),)
    align: Align = "left"
    valign: Valign = "baseline"
    tracking: float = 0.0
    line_height: float = 1.25
    _known: dict[str, SetText] = field(default_factory=dict, init=False, repr=False, compare=False)

    def set(self, text: str) -> SetText:
        """Set one text. Raises MissingGlyphs or DoesNotFit."""
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            known = self._known[text] = self._set(text)
        return known

    def set_alike(self, texts: Sequence[str]) -> list[SetText]:
        """Set the texts of a list, all as small and as narrow as one of them needs. Raises as `set` does."""
        found = [self.set(text) for text in texts]
        shown = [one for one in found if not one.omitted]
        size = min((one.size for one in shown), default=self.size)
        ratio = min((one.condense for one in shown), default=1.0)
        return [
            one if one.omitted or (one.size, one.condense) == (size, ratio) else self._tightened(text, one, size, ratio)
            for text, one in zip(texts, found, strict=True)
        ]

    def _tightened(self, text: str, found: SetText, size: float, ratio: float) -> SetText:
        """The same text at a size and a ratio below its own: so it surely fits."""
        paragraphs = [self._paragraph(part) for part in text.split("\n")]
        tightened = self._at(paragraphs, size, [ratio], len(found.lines))
        assert tightened is not None
        return tightened

    @abstractmethod
    def _set(self, text: str) -> SetText:
        """Set a text that is not remembered."""

    @property
    @abstractmethod
    def _length(self) -> float:
        """The longest that a line may be, in mm."""

    @property
    @abstractmethod
    def _depth(self) -> float:
        """The room of all lines together, across them, in mm."""

    @abstractmethod
    def _pieces(self, text: str) -> tuple[Sequence[str], Sequence[P]]:
        """The text cut up, and what each part of it is drawn with."""

    @abstractmethod
    def _line(
        self, glyphs: Sequence[P], text: str, size: float, ratio: float, place: tuple[int, int], goes_on: bool
    ) -> SetLine | SetColumn:
        """A line in place: (its index, of how many); whether its paragraph goes on."""

    # ------------------------------------------------------------------ policy

    def _by_policy(self, text: str) -> SetText:
        condense, smallest, most_lines = 1.0, self.size, 1
        self.stack.shape(text.replace("\n", "").replace(PART, ""))  # tells all that is missing at once
        paragraphs = [self._paragraph(part) for part in text.split("\n")]
        plain = self._largest(paragraphs, condense, smallest, most_lines)
        if plain is not None:
            return plain
        for step in self.fit:
            if step.kind == "condense":
                condense = step.limit or condense
            elif step.kind == "shrink":
                smallest = step.limit or smallest
            elif step.kind == "wrap":
                most_lines = int(step.limit or most_lines)
            elif step.kind == "omit":
                return SetText(self.size, 1.0, (), omitted=True)
            else:
                break
            found = self._largest(paragraphs, condense, smallest, most_lines)
            if found is not None:
                return found
        raise self._too_long(paragraphs, smallest, condense, most_lines)

    def _paragraph(self, text: str) -> Paragraph[P]:
        parts = [self._pieces(part) for part in text.split(PART)]
        ends = tuple(accumulate(len(clusters) for clusters, _ in parts))
        return Paragraph(
            [cluster for clusters, _ in parts for cluster in clusters],
            [glyph for _, glyphs in parts for glyph in glyphs],
            ends,
        )

    def _largest(
        self, paragraphs: list[Paragraph[P]], condense: float, smallest: float, most_lines: int
    ) -> SetText | None:
        steps = math.floor((self.size - smallest) / SHRINK_STEP_PT + 1e-9)
        sizes = [self.size - SHRINK_STEP_PT * i for i in range(steps + 1)]
        if sizes[-1] > smallest:
            sizes.append(smallest)
        for size in sizes:
            for lines in range(len(paragraphs), most_lines + 1):
                if not self._fits_depth(lines, size):
                    break
                found = self._at(paragraphs, size, self._ratios(paragraphs, size, condense, lines), lines)
                if found is not None:
                    return found
        return None

    def _at(self, paragraphs: list[Paragraph[P]], size: float, ratios: Sequence[float], lines: int) -> SetText | None:
        """The text at one size in at most `lines` lines; None if it fits at none of the ratios.

        It is condensed as little as needed, or a little more if fewer of its parts are broken so.
        """
        found = min(self._fitting(paragraphs, size, ratios, lines), key=attrgetter("torn"), default=None)
        if found is None:
            return None
        count = len(found.lines)
        made = tuple(
            self._line(g, t, size, found.ratio, (i, count), goes_on) for i, (g, t, goes_on) in enumerate(found.lines)
        )
        return SetText(size, found.ratio, made, breaks=len(paragraphs) - 1)

    def _fitting(
        self, paragraphs: list[Paragraph[P]], size: float, ratios: Sequence[float], lines: int
    ) -> Iterator[_Broken[P]]:
        """Ways to break the text, the least condensed first, until no part is broken or it would be too narrow."""
        narrowest = 0.0
        for ratio, care in product(ratios, reversed(Care)):
            if ratio < narrowest - 1e-9:
                return
            broken = self._broken(paragraphs, size, ratio, care)
            room = (self._length + TOLERANCE_MM) / ratio
            if len(broken.lines) <= lines and all(
                self._natural(_trimmed(g, t), size) <= room for g, t, _ in broken.lines
            ):
                yield broken
                if not broken.torn:
                    return
                narrowest = narrowest or ratio * _FOR_PARTS

    def _ratios(self, paragraphs: list[Paragraph[P]], size: float, condense: float, lines: int) -> list[float]:
        if lines == len(paragraphs):
            widest = max((self._natural(part.glyphs, size) for part in paragraphs), default=0.0)
            needed = 1.0 if widest <= self._length + TOLERANCE_MM else math.floor(self._length / widest * 1000) / 1000
            return [needed] if needed >= condense - 1e-9 else []
        return [percent / 100 for percent in range(100, math.ceil(condense * 100 - 1e-9) - 1, -1)]

    def _broken(self, paragraphs: list[Paragraph[P]], size: float, ratio: float, care: Care) -> _Broken[P]:
        lines: list[tuple[Sequence[P], str, bool]] = []
        torn = 0
        for part in paragraphs:
            cuts = self._break(part, size, ratio, care)
            lines += [(part.glyphs[a:b], "".join(part.clusters[a:b]), b < cuts[-1][1]) for a, b in cuts]
            if len(part.ends) > 1:
                torn += sum(end not in part.ends for _, end in cuts)
        return _Broken(ratio, lines, torn)

    def _break(self, part: Paragraph[P], size: float, ratio: float, care: Care) -> list[tuple[int, int]]:
        em = size * MM_PER_PT / 1000
        advances = [glyph.advance * em + self.tracking for glyph in part.glyphs]
        width = (self._length + TOLERANCE_MM) / ratio + self.tracking
        return list(_cuts(part, advances, width, care)) or [(0, 0)]

    def _too_long(self, paragraphs: list[Paragraph[P]], size: float, condense: float, most_lines: int) -> DoesNotFit:
        total = sum(self._natural(part.glyphs, size) for part in paragraphs) * condense
        excess = max(total / (self._length * most_lines), 1.01)
        if most_lines == 1:
            return DoesNotFit(excess)
        needed = sum(len(self._break(part, size, condense, Care.NOTHING)) for part in paragraphs)
        room = sum(self._fits_depth(lines, size) for lines in range(1, most_lines + 1))
        return DoesNotFit(excess, (needed, room) if needed > room else None)

    # ---------------------------------------------------------------- geometry

    def _natural(self, glyphs: Sequence[P], size: float) -> float:
        """Width in mm without condensing; tracking stands between glyphs only."""
        if not glyphs:
            return 0.0
        return sum([glyph.advance for glyph in glyphs]) * size * MM_PER_PT / 1000 + self.tracking * (len(glyphs) - 1)

    def _fits_depth(self, lines: int, size: float) -> bool:
        return self._block(lines, size) <= self._depth + TOLERANCE_MM

    def block_height(self, text: SetText) -> float:
        """From the top of the first line's em box to the bottom of the last line's, in mm."""
        return self._block(len(text.lines), text.size)

    def _block(self, lines: int, size: float) -> float:
        return (size + (lines - 1) * size * self.line_height) * MM_PER_PT

    def _along(
        self, glyphs: Sequence[P], text: str, size: float, ratio: float, goes_on: bool
    ) -> tuple[float, float, float]:
        """Where a line begins, how long it is, and the space after each glyph, in mm."""
        shown = _trimmed(glyphs, text)
        length = self._natural(shown, size) * ratio
        spread = goes_on and self._length - length < _JUSTIFIED_EM * size * MM_PER_PT
        return self._aligned(length, len(shown), ratio, spread)

    def _aligned(self, length: float, count: int, ratio: float, spread: bool = False) -> tuple[float, float, float]:
        """The same for a line of `count` pieces that takes `length` mm as it is; `spread` if it may be justified."""
        if self.align == "left" or (self.align == "justify" and not (spread and count > 1)):
            return 0.0, length, self.tracking
        if self.align == "right":
            return self._length - length, length, self.tracking
        if self.align == "center" or count == 1:
            return (self._length - length) / 2, length, self.tracking
        if length < self._length:
            # 均等割付: what is left over stands evenly between the glyphs.
            return 0.0, self._length, self.tracking + (self._length - length) / ratio / (count - 1)
        return 0.0, length, self.tracking


@dataclass(frozen=True, slots=True)
class Setter(TextSetter[Glyph]):
    """Sets lines from left to right, one below the other.

    `max_height` lets the lines run out of the box, down to that height (a table's row that grows). `comb` gives each
    character one of so many equal cells.
    """

    max_height: float | None = None
    comb: int | None = None
    # Of a single line at full size: how long it may be, and its baseline, in mm; None if not even that has room.
    _plain: tuple[float, float] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._fits_depth(1, self.size):
            object.__setattr__(self, "_plain", (self.width + TOLERANCE_MM, self._baseline(self.size, 0, 1)))

    def _set(self, text: str) -> SetText:
        if self.comb is not None:
            return self._in_cells(text, self.comb)
        return self._as_it_is(text) or self._by_policy(text)

    def _as_it_is(self, text: str) -> SetText | None:
        """What the policy makes of a text of one font that fits on one line at full size, in a fraction of the time."""
        if self._plain is None or not text or text[-1] in _SPACES:
            return None
        plain = self.stack.plain
        shaped = plain.shape(text)
        if shaped is None:
            return None
        codes, advance = shaped
        room, baseline = self._plain
        length = advance * self.size * MM_PER_PT / 1000
        if self.tracking:
            length += self.tracking * (len(text) - 1)
        if length > room:
            return None
        x, width, spacing = self._aligned(length, len(text), 1.0)
        line = _new(SetLine, (x, baseline, width, ((plain.font, codes),), spacing, text))
        return _new(SetText, (self.size, 1.0, (line,), False, 0))

    @property
    def _length(self) -> float:
        return self.width

    @property
    def _depth(self) -> float:
        return self.height if self.max_height is None else self.max_height

    def _pieces(self, text: str) -> tuple[Sequence[str], Sequence[Glyph]]:
        return clusters(text), self.stack.shape(text)

    def _in_cells(self, text: str, cells: int) -> SetText:
        """Each cluster in the middle of its cell."""
        parts = clusters(text)
        if len(parts) > cells:
            raise DoesNotFit(len(parts) / cells)
        pitch = self.width / cells
        lines = []
        for at, (part, glyph) in enumerate(zip(parts, self.stack.shape(text), strict=True)):
            width = self._natural([glyph], self.size)
            x = at * pitch + (pitch - width) / 2
            lines.append(SetLine(x, self._baseline(self.size, 0, 1), width, runs_of([glyph]), 0.0, part))
        return SetText(self.size, 1.0, tuple(lines), breaks=len(lines) - 1)

    def _line(
        self, glyphs: Sequence[Glyph], text: str, size: float, ratio: float, place: tuple[int, int], goes_on: bool
    ) -> SetLine:
        x, width, spacing = self._along(glyphs, text, size, ratio, goes_on)
        return SetLine(x, self._baseline(size, *place), width, runs_of(glyphs), spacing, text)

    def _baseline(self, size: float, index: int, count: int) -> float:
        block = self._block(count, size)
        if self.valign == "middle":
            top = (self.height - block) / 2
        elif self.valign == "bottom":
            top = self.height - block
        elif self.valign == "baseline" and count == 1:
            # A shrunk text keeps the line that its neighbours stand on.
            return self.stack.ascent * self.size * MM_PER_PT
        else:
            top = 0.0
        return top + (self.stack.ascent + index * self.line_height) * size * MM_PER_PT


def _cuts(paragraph: Paragraph[P], advances: Sequence[float], width: float, care: Care) -> Iterator[tuple[int, int]]:
    """Lines as (start, end): as many whole parts as a line takes; a part that is wider than a line is broken itself."""
    start = 0
    ends = paragraph.ends if care else paragraph.ends[-1:]
    for end, after in zip(ends, (*ends[1:], None), strict=True):
        lines = break_lines(paragraph.clusters[start:end], advances[start:end], width, care)
        *whole, last = [(start + a, start + b) for a, b in lines] or [(start, end)]
        yield from whole
        start = last[0]
        if after is None or not _one_line(paragraph, advances, start, after, width):
            yield last
            start = end


def _one_line(paragraph: Paragraph[P], advances: Sequence[float], start: int, end: int, width: float) -> bool:
    return len(break_lines(paragraph.clusters[start:end], advances[start:end], width)) == 1


def _trimmed(glyphs: Sequence[P], text: str) -> Sequence[P]:
    """Without the spaces that hang over the end of a line."""
    hanging = len(text) - len(text.rstrip(_SPACES))
    return glyphs[: len(glyphs) - hanging] if hanging else glyphs


def runs_of(glyphs: Sequence[Glyph]) -> tuple[Run, ...]:
    """Glyphs gathered into runs of one font."""
    neighbours = groupby(glyphs, attrgetter("font"))
    return tuple([(font, "".join([glyph.code for glyph in run])) for font, run in neighbours])
