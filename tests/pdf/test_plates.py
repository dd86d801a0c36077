"""What each plate of the press carries, seen in Ghostscript's separations."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docgen.compose.placed import BLACK, PlacedSide, PlacedText, StaticItem, StaticPart
from docgen.engine import Engine, Options
from tests import samples

DPI = 600
COLOURS = ("Cyan", "Magenta", "Yellow")
# A card of each insurer, with both role frames, both backs, the burden's chip, and both trims among them.
CARDS = (
    "association-burden-dependent70", "society-dependent", "publishers-dependent", "accountants-everything",
)  # fmt: skip
Plates = dict[str, np.ndarray]


def placed(engine: Engine, name: str) -> tuple[PlacedSide, ...]:
    return engine.place("card", samples.insurer(name), samples.record("card", name), Options(specimen=False))[1]


def separated(engine: Engine, sides: Iterable[PlacedSide], folder: Path) -> list[Plates]:
    """The plates of each side by name, ink as 0 to 255."""
    stream = io.BytesIO()
    book = engine.book("card", date(2025, 8, 1), stream)
    pages = [book.add(side).number for side in sides]
    book.finish()
    folder.mkdir()
    command = f"gs -q -dNOPAUSE -dBATCH -sDEVICE=tiffsep -r{DPI} -sOutputFile={folder}/%d.tif -".split()
    subprocess.run(command, input=stream.getvalue(), check=True, capture_output=True)
    return [
        {file.stem.partition("(")[2].rstrip(")"): _ink(file) for file in folder.glob(f"{page}(*).tif")}
        for page in pages
    ]


def dots(length: float) -> int:
    """So many mm in dots of the plates."""
    return round(length / 25.4 * DPI)


def _ink(file: Path) -> np.ndarray:
    return 255 - np.asarray(Image.open(file).convert("L")).astype(int)


@dataclass(frozen=True)
class Card:
    sides: tuple[PlacedSide, ...]
    plates: list[Plates]


@pytest.fixture(scope="module", params=CARDS)
def card(engine: Engine, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Card:
    sides = placed(engine, request.param)
    return Card(sides, separated(engine, sides, tmp_path_factory.mktemp("plates") / "p"))


def test_black_overprints_whatever_is_beneath(engine: Engine, card: Card, tmp_path: Path) -> None:
    """The colour plates are the same as those of the card without its black: there is no gap to show a white edge."""
    coloured = separated(engine, map(without_black, card.sides), tmp_path / "coloured")
    for whole, rest in zip(card.plates, coloured, strict=True):
        assert (whole["Black"] == 255).sum() > 0.05 * whole["Black"].size
        assert not (rest["Black"] == 255).any()
        for plate in COLOURS:
            assert np.array_equal(whole[plate], rest[plate]), plate


def without_black(side: PlacedSide) -> PlacedSide:
    [form] = side.forms
    static = StaticPart(tuple(item for part in form.static.items for item in _coloured(part)))
    return side._replace(
        forms=(form._replace(static=static),),
        texts=tuple(text for text in side.texts if text.ink != BLACK),
        symbols=(),
    )


def _coloured(item: StaticItem) -> Iterable[StaticItem]:
    if isinstance(item, PlacedText):
        return [item] if item.ink != BLACK else []
    paint = item.paint
    paint = paint._replace(
        fill=None if paint.fill == BLACK else paint.fill, stroke=None if paint.stroke == BLACK else paint.stroke
    )
    return [item._replace(paint=paint)] if paint.fill or paint.stroke else []


def test_what_reaches_the_trim_reaches_the_edge_of_the_bleed(card: Card) -> None:
    for side, plates in zip(card.sides, card.plates, strict=True):
        bare = np.array([plates[plate] for plate in COLOURS]).sum(axis=0) == 0
        inside = dots(side.geometry.bleed + 0.5)
        for edge in (bare, bare[::-1], bare.T, bare.T[::-1]):
            assert np.array_equal(edge[0], edge[inside])
        assert not bare[0].any()
        assert not bare[-1].any()


def test_no_place_takes_more_ink_than_two_full_plates(card: Card) -> None:
    for plates in card.plates:
        assert np.array([plates[plate] for plate in (*COLOURS, "Black")]).sum(axis=0).max() <= 2 * 255


def test_the_die_line_is_on_its_own_plate_alone(engine: Engine, tmp_path: Path) -> None:
    (with_die, _) = separated(engine, placed(engine, "publishers-dependent"), tmp_path / "with")
    (without, _) = separated(
        engine, [_without_spots(side) for side in placed(engine, "publishers-dependent")], tmp_path / "without"
    )
    assert set(with_die) - set(without) == {"DieCut"}
    rows, columns = np.nonzero(with_die.pop("DieCut"))
    edges = (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1)
    assert edges == pytest.approx([dots(edge) for edge in (2.95, 89.05, 2.95, 57.05)], abs=2)
    for plate, ink in without.items():
        assert (with_die[plate] != ink).sum() < 5, plate  # Ghostscript rounds a curve anew where the line crosses it


def _without_spots(side: PlacedSide) -> PlacedSide:
    [form] = side.forms
    static = StaticPart(
        tuple(
            item
            for item in form.static.items
            if isinstance(item, PlacedText) or not (item.paint.stroke and item.paint.stroke.spot)
        )
    )
    return side._replace(forms=(form._replace(static=static),))


def test_the_qr_symbol_is_exact_and_black_alone(engine: Engine, tmp_path: Path) -> None:
    (_, back) = placed(engine, "association-insured")
    (plates,) = separated(engine, [back], tmp_path / "p")
    (symbol,) = back.symbols
    left, top = (start + back.geometry.bleed for start in (symbol.x, symbol.y))
    size, quiet = symbol.size, 4 * symbol.module
    zone = tuple(slice(dots(start - quiet) + 1, dots(start + size + quiet) - 1) for start in (top, left))
    assert all(not plates[plate][zone].any() for plate in COLOURS)
    middles = [[dots(start + (n + 0.5) * symbol.module) for n in range(symbol.modules.size)] for start in (top, left)]
    found = plates["Black"][np.ix_(*middles)]
    assert found.tolist() == [[255 * int(module) for module in row] for row in symbol.modules.rows]
