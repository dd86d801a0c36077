"""Contact sheets: finished pages, trimmed as the printer trims them, on one picture in groups of even cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from docgen.text.registry import FontRegistry

_DESK, _MAT, _INK, _SOFT = (241, 238, 231), (248, 246, 242), (44, 42, 38), (120, 113, 102)
_EDGE, _SHADOW = (0, 0, 0), (70, 60, 40)
_EDGE_STRENGTH, _SHADOW_STRENGTH = 46, 71  # of 255


@dataclass(frozen=True, slots=True)
class Page:
    """A page's picture without its bleed. `radius` is that of its corners, in pixels."""

    picture: Image.Image
    radius: int = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """What one cell shows: a caption, a note after it in a lighter tone, either may be empty, and pages in a column."""

    caption: str
    note: str
    pages: Sequence[Page]


@dataclass(frozen=True, slots=True)
class Group:
    """Cells under one heading."""

    heading: str
    note: str
    tiles: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class Style:
    """How a sheet is set; `unit` is its millimetre in pixels, by which type, gaps and shadows are measured.

    `mat` in units is the ground left around a cell's pages, 0 for none: what differs in size is then centred on it.
    """

    columns: int
    unit: float
    caption: float = 2.9
    mat: float = 0

    def px(self, length: float) -> int:
        """A length in units as whole pixels."""
        return round(length * self.unit)


def write_sheet(path: Path, groups: Sequence[Group], style: Style, fonts: FontRegistry) -> Path:
    """Lay out the groups and write them as PNG."""
    sheet = _Sheet([group for group in groups if group.tiles], style, fonts).draw()
    dpi = round(style.unit * 25.4)
    sheet.save(path, dpi=(dpi, dpi), compress_level=4)
    return path


class _Sheet:
    def __init__(self, groups: Sequence[Group], style: Style, fonts: FontRegistry) -> None:
        px = style.px
        self._groups, self._style = groups, style
        self._title = ImageFont.truetype(fonts.path("pgothic-bold"), px(5))
        self._small = ImageFont.truetype(fonts.path("pgothic"), px(style.caption))
        self._margin, self._gap, self._sides_gap, self._heading = px(12), px(9), px(3), px(9)
        self._caption, self._group_gap = px(style.caption + 4.1), px(8)
        tiles = [tile for group in groups for tile in group.tiles]
        self._width = max(page.picture.width for tile in tiles for page in tile.pages) + 2 * px(style.mat)
        self._height = max(map(self._stacked, tiles)) + 2 * px(style.mat)

    def _stacked(self, tile: Tile) -> int:
        return sum(page.picture.height for page in tile.pages) + self._sides_gap * (len(tile.pages) - 1)

    def draw(self) -> Image.Image:
        columns, step = self._style.columns, self._caption + self._height + self._gap
        rows = [-(-len(group.tiles) // columns) for group in self._groups]
        width = 2 * self._margin + columns * (self._width + self._gap) - self._gap
        head = self._heading - self._gap + self._group_gap
        height = 2 * self._margin + len(rows) * head + sum(rows) * step - self._group_gap
        sheet = Image.new("RGB", (width, height), _DESK)
        y = self._margin
        for group, count in zip(self._groups, rows, strict=True):
            self._text(sheet, self._margin, y + self._style.px(5), group.heading, group.note, self._title)
            for index, tile in enumerate(group.tiles):
                row, column = divmod(index, columns)
                x = self._margin + column * (self._width + self._gap)
                self._put(sheet, tile, x, y + self._heading + row * step)
            y += head + count * step
        return sheet

    def _text(
        self, sheet: Image.Image, x: int, baseline: int, text: str, note: str, font: ImageFont.FreeTypeFont
    ) -> None:
        draw = ImageDraw.Draw(sheet)
        draw.text((x, baseline), text, _INK, font, anchor="ls")
        after = draw.textlength(f"{text}  ", font) if text else 0
        draw.text((x + after, baseline), note, _SOFT, self._small, anchor="ls")

    def _put(self, sheet: Image.Image, tile: Tile, x: int, y: int) -> None:
        self._text(sheet, x, y + self._caption - self._style.px(2.2), tile.caption, tile.note, self._small)
        y += self._caption
        if self._style.mat:
            box = (x, y, x + self._width - 1, y + self._height - 1)
            ImageDraw.Draw(sheet).rounded_rectangle(box, self._style.px(1.5), _MAT)
            y += (self._height - self._stacked(tile)) // 2
        for page in tile.pages:
            self._put_page(sheet, page, x + (self._width - page.picture.width) // 2, y)
            y += page.picture.height + self._sides_gap

    def _put_page(self, sheet: Image.Image, page: Page, x: int, y: int) -> None:
        spread, drop = self._style.px(1.2), self._style.px(0.5)
        sheet.paste(_SHADOW, (x - 2 * spread, y - 2 * spread + drop), _shadow(page.picture.size, page.radius, spread))
        sheet.paste(page.picture, (x, y), _rounded(page.picture.size, page.radius))
        sheet.paste(_EDGE, (x, y), _edge(page.picture.size, page.radius))


# What many pages of one size share is drawn once.


@cache
def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    """A mask with smooth corners: drawn four times larger."""
    large = Image.new("L", (size[0] * 4, size[1] * 4))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), radius * 4, fill=255)
    return large.resize(size, Image.Resampling.LANCZOS)


@cache
def _edge(size: tuple[int, int], radius: int) -> Image.Image:
    """A hairline around the page, so that white paper ends somewhere."""
    mask = Image.new("L", size)
    box = (0, 0, size[0] - 1, size[1] - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius, outline=_EDGE_STRENGTH)
    return mask


@cache
def _shadow(size: tuple[int, int], radius: int, spread: int) -> Image.Image:
    mask = Image.new("L", (size[0] + 4 * spread, size[1] + 4 * spread))
    page = _rounded(size, radius).point(lambda value: value * _SHADOW_STRENGTH // 255)
    mask.paste(page, (2 * spread, 2 * spread))
    return mask.filter(ImageFilter.BoxBlur(spread))
