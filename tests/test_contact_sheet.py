"""A contact sheet shows every page whole, in even cells, and says what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from docgen.contact_sheet import Group, Page, Style, Tile, write_sheet
from docgen.settings import Settings
from docgen.text.registry import FontRegistry

INKS = [(200, 0, 0), (0, 160, 0), (0, 0, 200), (180, 120, 0), (120, 0, 180)]
SIZES = [(80, 50), (40, 60), (80, 60), (20, 20), (60, 30)]


def _sheet(path: Path, style: Style) -> np.ndarray:
    settings = Settings()
    tiles = [Tile("見本", "note", [Page(Image.new("RGB", size, ink))]) for size, ink in zip(SIZES, INKS, strict=True)]
    groups = [Group("一", "one", tiles[:3]), Group("空", "empty", []), Group("二", "two", tiles[3:])]
    fonts = FontRegistry.load(settings.fonts_toml, settings.font_path)
    with Image.open(write_sheet(path, groups, style, fonts)) as sheet:
        return np.asarray(sheet).astype(int)


def _box(sheet: np.ndarray, ink: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is painted in an ink; the edge's shade is within the tolerance."""
    rows, columns = np.nonzero(np.abs(sheet - ink).sum(axis=2) < 80)
    return columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1


def test_every_page_is_whole_and_centred_in_a_cell_of_an_even_grid(tmp_path: Path) -> None:
    sheet = _sheet(tmp_path / "sheet.png", Style(columns=2, unit=4, mat=3))
    boxes = [_box(sheet, ink) for ink in INKS]
    assert [(width, height) for _, _, width, height in boxes] == SIZES
    centres = [(x + width / 2, y + height / 2) for x, y, width, height in boxes]
    left, right = centres[0][0], centres[1][0]
    assert [x for x, _ in centres] == [left, right, left, left, right]
    assert centres[0][1] == centres[1][1]
    assert centres[3][1] == centres[4][1]


def test_a_page_without_bleed_or_corners_keeps_its_own_colour_to_the_edge(tmp_path: Path) -> None:
    sheet = _sheet(tmp_path / "sheet.png", Style(columns=3, unit=4))
    x, y, width, height = _box(sheet, INKS[2])
    inner = sheet[y + 1 : y + height - 1, x + 1 : x + width - 1]
    assert (inner == INKS[2]).all()


def test_captions_stand_above_their_pages(tmp_path: Path) -> None:
    style = Style(columns=2, unit=4, mat=3)
    sheet = _sheet(tmp_path / "sheet.png", style)
    x, y, width, _ = _box(sheet, INKS[0])
    above = sheet[y - style.px(10) : y - style.px(4), x - style.px(3) : x + width]
    assert (above.sum(axis=2) < 3 * 130).any()
