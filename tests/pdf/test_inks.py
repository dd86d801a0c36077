"""Inks of shapes and artwork: written as they were asked for, number by number, and overprinting as the guide says."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.compose.artwork import Artwork, load_artwork
from docgen.compose.brand import Brand
from docgen.compose.composition import Composition
from docgen.compose.placed import Art, Geometry, Ink, Paint, PlacedCircle, PlacedLine, PlacedPath, PlacedRect
from docgen.issuance.items import PrintItems
from docgen.layout.models import Layout
from docgen.pdf.art import STATES, Artist
from docgen.pdf.page import PagePainter
from docgen.settings import Settings
from docgen.text.faces import FontLibrary
from docgen.text.registry import FontRegistry

GEOMETRY = Geometry(86, 54, 3, 2)
TRIANGLE = (("M", (1.0, 1.0)), ("L", (9.0, 1.0)), ("C", (9.0, 5.0, 5.0, 9.0, 1.0, 9.0)), ("Z", ()))
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">
<path d="M0 0 L9 1 L5 9 Z" fill="#111111" stroke="#222222"/></svg>"""
# What a screen shows as neutral and a press does not: equal parts of C, M and Y, or full plates beside black.
NEUTRAL = [(60, 40, 40, 100), (100, 90, 40, 70), (8, 8, 8, 0), (100, 100, 100, 0), (0, 0, 0, 8), (0, 0, 0, 100)]

PERCENT = st.integers(0, 1_000_000).map(lambda parts: parts / 10_000) | st.sampled_from([0.0, 40.0, 60.0, 100.0])
PROCESS = st.builds(Ink, PERCENT, PERCENT, PERCENT, PERCENT, st.none())
GREYISH = st.builds(lambda colour, black: Ink(colour, colour, colour, black), PERCENT, PERCENT)
SPOTS = st.builds(Ink, PERCENT, PERCENT, PERCENT, PERCENT, st.sampled_from(["DieCut", "Gold-871"]))
INKS = PROCESS | GREYISH | SPOTS | st.sampled_from([Ink(*parts) for parts in NEUTRAL])


class Painted(NamedTuple):
    """The inks that an operator paints with, as they are written: C, M, Y, K, or a plate; and which overprint."""

    fill: tuple[float, ...] | str | None
    stroke: tuple[float, ...] | str | None
    fill_overprints: bool
    stroke_overprints: bool


def painted(content: bytes) -> Iterator[Painted]:
    """Each paint operator of a content, read by another program's parser."""
    states = {
        f"/{name}": (fill == "true", stroke == "true")
        for name, stroke, fill in re.findall(r"/(\w+)<</Type/ExtGState/OP (\w+)/op (\w+)/OPM [01]>>", STATES)
    }
    file = pikepdf.new()
    inks: dict[str, tuple[float, ...] | str] = {}
    overprints = (False, False)
    for operands, operator in pikepdf.parse_content_stream(pikepdf.Stream(file, content)):
        match str(operator):
            case "g" | "G" | "rg" | "RG" | "sc" | "SC":
                raise AssertionError(f"a colour that is no ink: {operator}")
            case "k" | "K" as name:
                inks[name] = tuple(float(value) for value in operands)
            case "cs" | "CS" as name:
                inks[{"cs": "k", "CS": "K"}[name]] = str(operands[0])
            case "scn" | "SCN":
                assert [float(value) for value in operands] == [1]
            case "gs":
                overprints = states[str(operands[0])]
            case "f" | "f*":
                yield Painted(inks["k"], None, *overprints)
            case "S":
                yield Painted(None, inks["K"], *overprints)
            case "B" | "B*":
                yield Painted(inks["k"], inks["K"], *overprints)


def written(ink: Ink | None) -> tuple[float, ...] | str | None:
    """How an ink must stand in the file."""
    if ink is None:
        return None
    return f"/{ink.spot}" if ink.spot else tuple(pytest.approx(part / 100, abs=1e-9) for part in ink[:4])


def black(ink: Ink | None) -> bool:
    """Black overprints, whatever else knocks out: docs/printers.md."""
    return ink == (0, 0, 0, 100, None)


def drawn(*art: Art) -> list[Painted]:
    artist = Artist(GEOMETRY)
    for item in art:
        artist.draw(item)
    return list(painted(artist.content))


def shapes(paint: Paint) -> list[Art]:
    return [
        PlacedRect(1, 1, 10, 10, 0, paint),
        PlacedRect(1, 1, 10, 10, 2, paint),
        PlacedCircle(20, 20, 5, paint),
        PlacedPath(TRIANGLE, paint),
        PlacedPath(TRIANGLE, paint, even_odd=True),
    ]


@given(fill=INKS, stroke=INKS, dash=st.sampled_from([(), (1.0, 0.5)]))
def test_every_shape_has_exactly_the_inks_that_were_asked_for(fill: Ink, stroke: Ink, dash: tuple[float, ...]) -> None:
    for inks in ((fill, stroke), (fill, None), (None, stroke)):
        found = drawn(*shapes(Paint(*inks, 0.2, dash=dash)))
        assert [(one.fill, one.stroke) for one in found] == [tuple(map(written, inks))] * 5
        overprints = [(one.fill_overprints, one.stroke_overprints) for one in found]
        assert overprints == [tuple(map(black, inks))] * 5
    assert [line.stroke for line in drawn(PlacedLine(1, 1, 9, 9, Paint(None, stroke, 0.2)))] == [written(stroke)]


@given(INKS, INKS)
def test_a_tools_line_overprints_in_whatever_ink(fill: Ink, stroke: Ink) -> None:
    found = drawn(*shapes(Paint(fill, stroke, 0.2, overprint=True)))
    assert set(found) == {Painted(found[0].fill, found[0].stroke, True, True)}
    assert (found[0].fill, found[0].stroke) == (written(fill), written(stroke))


@pytest.fixture(scope="module")
def svg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("art") / "mark.svg"
    path.write_text(SVG, encoding="utf-8")
    return path


def artwork(path: Path, fill: Ink, stroke: Ink) -> Artwork:
    return load_artwork(path, {"#111111": fill, "#222222": stroke})


@given(fill=PROCESS | GREYISH, stroke=PROCESS | GREYISH)
def test_artwork_has_exactly_the_inks_that_its_colours_are_mapped_to(svg: Path, fill: Ink, stroke: Ink) -> None:
    [found] = drawn(*artwork(svg, fill, stroke).placed(10, 10, 20, 20))
    assert found == Painted(written(fill), written(stroke), black(fill), black(stroke))


@pytest.mark.parametrize("parts", NEUTRAL)
def test_an_ink_of_the_layout_or_the_palette_goes_into_the_file_as_it_is(svg: Path, parts: tuple[int, ...]) -> None:
    ink = Ink(*parts)
    elements: list[dict[str, Any]] = [
        {"id": "ground", "rect": [-3, -3, 92, 60], "fill": list(parts), "stroke": list(parts)},
        {"id": "band", "rect": [-3, -3, 92, 10], "fill": "insurer.band", "stroke": "insurer.band", "dash": [1, 1]},
        {"id": "rings", "circle": [40, 20], "radii": [5], "fill": "insurer.band", "stroke": list(parts)},
        {"id": "mark", "image": "insurer.mark", "box": [10, 10, 10, 10]},
        {"id": "rule", "line": [4, 40, 80, 40], "stroke": list(parts)},
        {"id": "tint", "hatch": [4, 42, 10, 5], "pitch": 1, "stroke": "insurer.band"},
    ]
    page = {"layout": "card", "title": "題", "page": {"width": 86, "height": 54}, "styles": {}}
    layout = Layout.model_validate({**page, "sides": {"front": elements}})
    brand = Brand("sample", {"band": ink}, {}, {}, {"mark": artwork(svg, ink, ink)}, None, 0, 5)
    fonts = FontLibrary(FontRegistry.load(Settings().fonts_toml))
    [side] = Composition(layout, brand, fonts).place(PrintItems({}, {}, {}, date(2025, 12, 2)))
    painter = PagePainter()
    content = b"\n".join(zlib.decompress(painter.form(form).deflated) for form in side.forms)
    found = list(painted(content))
    assert len(found) > 10  # with the strokes of the hatch
    assert {(one.fill, one.stroke) for one in found[:4]} == {(found[0].fill, found[0].fill)}
    assert {one.stroke for one in found} == {found[0].fill}
    assert found[0].fill == written(ink)
