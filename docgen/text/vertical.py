"""Vertical writing (縦書き): a text as cells, one below the other, in columns from right to left.

What stands upright and what is turned follows Unicode's vertical orientation (https://www.unicode.org/reports/tr50/),
and for Latin letters and digits the habit of Japanese addresses:

- kanji, kana and full-width characters stand upright, in the font's vertical form (GSUB `vert`) where it has one;
- two digits stand side by side in one cell (縦中横); one digit, or three and more, each upright in a cell of its own,
  of full width, whatever width the record gives them; so do all digits of a number one part of which has three and
  more (1-12-106, 10,000);
- a hyphen is turned and as long as a full-width one, so that 1-2-3 and １－２－３ look alike;
- one Latin letter alone stands upright; two and more, with the spaces and marks between them, are turned clockwise.

No code point changes: a reader of the file gets the record's own characters back.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from docgen.text.faces import WIDE_TWINS, Glyph, Stack, clusters
from docgen.text.setting import Mark, SetColumn, SetText, TextSetter, runs_of
from docgen.units import MM_PER_PT

# Unicode's classes R and Tr among wide and ambiguous characters: turned, unless the font has a vertical form.
_TURNED = frozenset("－＝＜＞｜＿～〜ー‐−–—―‥…")
_DIGITS = frozenset("0123456789０１２３４５６７８９")
_IN_NUMBERS = frozenset("-－‐−,，.．/／")
_IN_WORDS = frozenset(" '’.,&-‐")
_EM = 1000.0


class Cell(NamedTuple):
    """What stands in one place of a column. Lengths are 1/1000 em.

    The first glyph's origin is `x` right of the column's axis and `y` below the cell's top; the next cell begins
    `advance` below this one. `turned` glyphs run downwards, their tops to the right; `narrow` is the ratio to which the
    digits of a pair are narrowed.
    """

    text: str
    glyphs: tuple[Glyph, ...]
    advance: float
    x: float
    y: float
    turned: bool = False
    narrow: float = 1.0


def cells(text: str, stack: Stack) -> list[Cell]:
    """The text as cells; joined, their texts are the text. Raises MissingGlyphs with all that no face has."""
    stack.shape(text)  # tells what is missing
    parts = list(clusters(text))
    found: list[Cell] = []
    start = 0
    while start < len(parts):
        end = _word_end(parts, start)
        if end > start + 1:
            found += [_turned(part, stack) for part in parts[start:end]]
        elif parts[start] in _DIGITS:
            end = _number_end(parts, start)
            found += _number(parts[start:end], stack)
        else:
            end = start + 1
            found.append(_single(parts[start], stack))
        start = end
    return found


@dataclass(frozen=True, slots=True)
class VerticalSetter(TextSetter[Cell]):
    """Sets columns from right to left, each from top to bottom.

    The fit policy is turned with the text: `condense` flattens the characters (平体), `wrap` takes more columns. Of
    `align`, left is the top and right the bottom; of `valign`, top is the box's right edge and bottom its left.
    `baseline` keeps the axis of a single column half its full size from the right edge when it is shrunk.
    """

    def _set(self, text: str) -> SetText:
        return self._by_policy(text)

    @property
    def _length(self) -> float:
        return self.height

    @property
    def _depth(self) -> float:
        return self.width

    def _pieces(self, text: str) -> tuple[Sequence[str], Sequence[Cell]]:
        found = cells(text, self.stack)
        return [cell.text for cell in found], found

    def _line(
        self, glyphs: Sequence[Cell], text: str, size: float, ratio: float, place: tuple[int, int], goes_on: bool
    ) -> SetColumn:
        top, height, spacing = self._along(glyphs, text, size, ratio, goes_on)
        em = size * MM_PER_PT
        axis = self._axis(size, *place)
        marks: list[Mark] = []
        down = top
        for cell in glyphs:
            x, y = axis + cell.x * em / _EM, down + cell.y * em / _EM * ratio
            # The digits of a pair are of one face, so that a cell is one run.
            marks += [Mark(run, x, y, cell.turned, cell.narrow) for run in runs_of(cell.glyphs)]
            down += (cell.advance * em / _EM + spacing) * ratio
        return SetColumn(axis - em / 2, top, em, height, tuple(marks), text)

    def _axis(self, size: float, index: int, count: int) -> float:
        """A column's middle, from the left edge of the box."""
        em, block = size * MM_PER_PT, self._block(count, size)
        if self.valign == "middle":
            right = (self.width + block) / 2
        elif self.valign == "bottom":
            right = block
        elif self.valign == "baseline" and count == 1:
            right = self.width - (self.size - size) * MM_PER_PT / 2
        else:
            right = self.width
        return right - em / 2 - index * self.line_height * em


# ------------------------------------------------------------------------------------------------------ kinds of cells


def _word_end(parts: Sequence[str], start: int) -> int:
    """Where the Latin words that begin here end; `start` if none does."""
    end = start
    for at in range(start, len(parts)):
        if _is_letter(parts[at]):
            end = at + 1
        elif at == start or parts[at] not in _IN_WORDS:
            break
    ends_in_stop = end > start + 1 and parts[end : end + 1] == ["."]
    return end + 1 if ends_in_stop else end


def _is_letter(cluster: str) -> bool:
    return unicodedata.category(cluster[0])[0] == "L" and unicodedata.east_asian_width(cluster[0]) not in "WF"


def _number_end(parts: Sequence[str], start: int) -> int:
    """Where a number ends: digits, and marks between them."""
    for at in range(start, len(parts)):
        in_number = parts[at] in _IN_NUMBERS and parts[at + 1 : at + 2] and parts[at + 1] in _DIGITS
        if parts[at] not in _DIGITS and not in_number:
            return at
    return len(parts)


def _number(parts: Sequence[str], stack: Stack) -> Iterator[Cell]:
    groups = [list(group) for _, group in groupby(parts, _DIGITS.__contains__)]
    if max(map(len, groups)) > 2:
        groups = [[part] for part in parts]
    for group in groups:
        yield from _digits(group, stack)


def _digits(parts: Sequence[str], stack: Stack) -> Iterator[Cell]:
    """Two side by side, else one below the other; the mark between them by itself."""
    if len(parts) == 2 and (half := stack.form(parts[0], "half")) is not None:
        face, first = half
        second = face.form(parts[1], "half")
        if second is not None:
            _, top = face.down(first)
            width = first.advance + second.advance
            narrow = min(1.0, _EM / width)
            yield Cell("".join(parts), (first, second), _EM, -width * narrow / 2, top, narrow=narrow)
            return
    for part in parts:
        yield _single(part, stack)


def _single(cluster: str, stack: Stack) -> Cell:
    """One cluster, upright or turned."""
    shown = WIDE_TWINS.get(cluster, cluster)
    found = stack.form(cluster, "wide") if cluster in WIDE_TWINS else None
    found = found or stack.form(cluster, "upright")
    assert found is not None  # `cells` has looked
    face, glyph = found
    plain = face.glyph(shown)
    has_vertical_form = plain is not None and plain.code != glyph.code
    if has_vertical_form or _is_letter(cluster) or _stands_upright(shown[0]):
        advance, top = face.down(glyph)
        return Cell(cluster, (glyph,), advance, -glyph.advance / 2, top)
    return _on_its_side(cluster, glyph, stack)


def _stands_upright(char: str) -> bool:
    """Whether Unicode's vertical orientation is U or Tu, told from the width; ambiguous symbols (①, ○, №) stand."""
    width = unicodedata.east_asian_width(char)
    return char not in _TURNED and (width in "WF" or (width == "A" and unicodedata.category(char)[0] in "SN"))


def _turned(cluster: str, stack: Stack) -> Cell:
    """A letter, space or mark of a Latin word."""
    return _on_its_side(cluster, stack[cluster], stack)


def _on_its_side(cluster: str, glyph: Glyph, stack: Stack) -> Cell:
    """Turned clockwise, the middle of its em box on the column's axis."""
    return Cell(cluster, (glyph,), glyph.advance, _EM / 2 - stack.ascent * _EM, 0.0, turned=True)
