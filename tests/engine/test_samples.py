"""Every sample as a finished file: conforming, reproducible, true to the registered text, readable, inside its area."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pypdf
import pytest
import zxingcpp

from docgen.compose.placed import PlacedSide, PlacedText
from docgen.engine import Engine, Options, Rendered, preflight
from docgen.pdf import raster as pdfium
from docgen.pdf.reader import read_pages
from docgen.text.setting import SetLine
from docgen.units import MM_PER_PT
from tests import samples, verapdf

CARDS = samples.names("card")
PLAIN = Options(specimen=False)
CARD = pytest.mark.parametrize("name", CARDS)


def render(engine: Engine, name: str, options: Options | None = None) -> Rendered:
    return engine.render("card", samples.insurer(name), samples.record("card", name), options)


def place(engine: Engine, name: str, options: Options | None = None) -> tuple[PlacedSide, ...]:
    return engine.place("card", samples.insurer(name), samples.record("card", name), options)[1]


def raster(rendered: Rendered, page: int) -> np.ndarray:
    return np.asarray(pdfium.render(rendered.pdf, page, 300))


def texts_of(side: PlacedSide) -> Iterator[PlacedText]:
    """Every text of a side, static ones too, but for the specimen mark."""
    for form in side.forms:
        for item in form.static.items:
            if isinstance(item, PlacedText) and not item.rotate:
                yield item._replace(x=item.x + form.x, y=item.y + form.y)
    yield from side.texts


def test_every_insurer_has_a_sample_of_its_main_variants() -> None:
    for insurer, variants in {
        "association": ("insured", "dependent", "former-surname", "alias", "burden70", "voluntary", "longest-name"),
        "society": ("insured", "dependent", "former-surname", "alias", "burden70"),
        "publishers": ("insured", "dependent", "former-surname", "alias", "burden70", "special-retired"),
        "accountants": ("insured", "family", "former-surname", "alias", "burden70"),
    }.items():
        assert {f"{insurer}-{variant}" for variant in variants} <= set(CARDS)


def test_the_layouts_hold_against_catalogue_insurers_and_samples(engine: Engine) -> None:
    assert engine.check() == []


@CARD
def test_the_file_is_accepted_by_verapdf_preflight_and_qpdf(engine: Engine, name: str, tmp_path: Path) -> None:
    for options in (None, PLAIN):
        rendered = render(engine, name, options)
        assert verapdf.validate(rendered.pdf) == []
        assert preflight(rendered.pdf) == []
    path = tmp_path / "card.pdf"
    path.write_bytes(rendered.pdf)
    subprocess.run(["qpdf", "--check", path], check=True, capture_output=True)


def test_ghostscript_reads_every_file_without_a_warning(engine: Engine, tmp_path: Path) -> None:
    paths = []
    for name in CARDS:
        paths.append(tmp_path / f"{name}.pdf")
        paths[-1].write_bytes(render(engine, name, PLAIN).pdf)
    assert complaints(paths) == "", [path.stem for path in paths if complaints([path])]


def complaints(paths: list[Path]) -> str:
    """What Ghostscript says of files, all in one process: nothing, and the exit code 0, if it is content."""
    command = "gs -q -dPDFSTOPONERROR -dPDFSTOPONWARNING -dNOPAUSE -dBATCH -sDEVICE=nullpage".split()
    found = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    return found.stdout + found.stderr + (f"exit code {found.returncode}" if found.returncode else "")


@CARD
def test_the_same_record_gives_the_same_bytes(engine: Engine, name: str) -> None:
    assert render(engine, name).pdf == render(engine, name).pdf


def test_another_process_on_another_day_in_another_zone_gives_the_same_bytes(engine: Engine, tmp_path: Path) -> None:
    name = "association-everything"
    script = (
        "import datetime, json, sys, time\n"
        "class Later(datetime.date):\n"
        "    @classmethod\n"
        "    def today(cls): return cls(2031, 2, 3)\n"
        "datetime.date = Later\n"
        "time.time = lambda: 2_000_000_000.0\n"
        "from docgen.engine import Engine\n"
        "from docgen.settings import Settings\n"
        "record = json.load(open(sys.argv[1]))\n"
        "sys.stdout.buffer.write(Engine(Settings()).render('card', 'association', record).pdf)\n"
    )
    sample = Path("layouts/samples/card", f"{name}.json")
    environment = os.environ | {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    command = [sys.executable, "-c", script, sample]
    found = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert found.stdout == render(engine, name).pdf


@CARD
def test_our_reader_gets_every_element_back_code_point_for_code_point(engine: Engine, name: str) -> None:
    rendered = render(engine, name, PLAIN)
    for page, side, written in zip(read_pages(rendered.pdf), place(engine, name, PLAIN), rendered.pages, strict=True):
        assert page.blocks() == ["".join(line.text for line in placed.text.lines) for placed in side.texts]
        assert page.sha256 == written.sha256
        found = [(run.text, round(run.x, 2), round(run.y, 2)) for run in page.runs]
        for placed in texts_of(side):
            for line in placed.text.lines:
                x, y = placed.x + line.x, placed.y + line.baseline
                geometry = side.geometry
                start = (round(x + geometry.offset_x, 2), round(y + geometry.offset_y, 2))
                begun = [text for text, *at in found if at == pytest.approx(start, abs=0.02)]
                assert any(line.text.startswith(text) for text in begun), (placed.element, line.text)


@CARD
def test_pypdf_extracts_every_text(engine: Engine, name: str) -> None:
    rendered = render(engine, name, PLAIN)
    for page, side in zip(pypdf.PdfReader(io.BytesIO(rendered.pdf)).pages, place(engine, name, PLAIN), strict=True):
        found = _solid(page.extract_text())
        for placed in texts_of(side):
            for line in placed.text.lines:
                assert _solid(line.text) in found, placed.element


@CARD
def test_poppler_extracts_every_element_where_it_stands(engine: Engine, name: str, tmp_path: Path) -> None:
    path = tmp_path / "card.pdf"
    path.write_bytes(render(engine, name, PLAIN).pdf)
    markup = subprocess.run(["pdftotext", "-bbox", path, "-"], check=True, capture_output=True, text=True).stdout
    for side, page in zip(place(engine, name, PLAIN), markup.split("<page ")[1:], strict=True):
        words = _words(page)
        for placed in texts_of(side):
            for line in placed.text.lines:
                inside = "".join(word for x, y, word in words if _holds(side, placed, line, x, y))
                assert _solid(inside) == _solid(line.text), placed.element


def _words(markup: str) -> list[tuple[float, float, str]]:
    """Poppler's words with their centres, mm from the media box's top-left corner."""
    found = re.findall(r'<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)">(.*?)</word>', markup)
    unescape = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
    return [
        (
            (float(x0) + float(x1)) / 2 * MM_PER_PT,
            (float(y0) + float(y1)) / 2 * MM_PER_PT,
            re.sub("&.+?;", lambda entity: unescape[entity[0]], word),
        )
        for x0, y0, x1, y1, word in found
    ]


def _holds(side: PlacedSide, placed: PlacedText, line: SetLine, x: float, y: float) -> bool:
    """Whether a word's centre stands in the band of a line."""
    geometry = side.geometry
    left = placed.x + geometry.offset_x + geometry.bleed
    em = placed.text.size * MM_PER_PT
    middle = placed.y + geometry.offset_y + geometry.bleed + line.baseline - 0.38 * em
    return left <= x <= left + placed.width and abs(y - middle) < 0.4 * em


def _solid(text: str) -> str:
    """Without white space: extractors guess it from gaps."""
    return "".join(char for char in text if not char.isspace())


@CARD
def test_the_qr_decodes_from_300_dpi(engine: Engine, name: str) -> None:
    items, sides = engine.place("card", samples.insurer(name), samples.record("card", name))
    rendered = render(engine, name)
    payload = items.texts["card.qr"]
    assert bool(payload) == any(side.symbols for side in sides)
    if payload:
        found = zxingcpp.read_barcodes(raster(rendered, 2))
        assert [symbol.text for symbol in found] == [payload]
        assert min(symbol.module for side in sides for symbol in side.symbols) >= 0.33


@CARD
def test_a_label_of_the_identifiers_stands_only_where_its_value_does(engine: Engine, name: str) -> None:
    record, (front, _) = samples.record("card", name), place(engine, name, PLAIN)
    labels = {line.text for text in texts_of(front) for line in text.text.lines} & {"記号", "番号", "枝番"}
    values = {"記号": record.get("symbol"), "番号": record["number"], "枝番": record.get("branch")}
    assert labels == {label for label, value in values.items() if value}


@CARD
def test_identifiers_and_stock_words_stand_hardly_narrower_than_they_are_and_the_longest_at_three_quarters(
    engine: Engine, name: str
) -> None:
    fits = {fit.element: fit for fit in render(engine, name, PLAIN).fits}
    assert not fits["sex"].pushed
    assert not fits["role"].pushed
    for element in {"symbol", "number", "number.short", "branch"} & set(fits):
        fit = fits[element]
        assert fit.size == fit.nominal
        assert fit.condensed >= 0.75
        # Five full-width figures make way for the branch, which must neither read on nor lean on the expiry.
        assert fit.condensed >= (0.9 if element == "number.short" else 1) or name.endswith("-everything")


@CARD
def test_nothing_but_grounds_falls_outside_the_safe_area(engine: Engine, name: str) -> None:
    """Black and seal-red ink, which grounds never have, must keep 2 mm from the trim on all sides."""
    rendered = render(engine, name, PLAIN)
    for page, side in enumerate(place(engine, name, PLAIN), 1):
        picture = raster(rendered, page)
        inset = round((side.geometry.bleed + side.geometry.safe) / 25.4 * 300)
        dark = picture.max(axis=2) < 120
        assert dark[inset:-inset, inset:-inset].any()
        dark[inset:-inset, inset:-inset] = False
        assert not dark.any()


@CARD
def test_no_two_texts_overlap(engine: Engine, name: str) -> None:
    for side in place(engine, name):
        boxes = [
            (placed.element, *_ink(placed, at)) for placed in texts_of(side) for at in range(len(placed.text.lines))
        ]
        boxes += [
            (symbol.element, symbol.x, symbol.y, symbol.x + symbol.size, symbol.y + symbol.size)
            for symbol in side.symbols
        ]
        for i, (one, left, top, right, bottom) in enumerate(boxes):
            for other, left2, top2, right2, bottom2 in boxes[i + 1 :]:
                apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
                assert apart, (one, other)


def _ink(placed: PlacedText, at: int) -> tuple[float, float, float, float]:
    """What a line covers, in mm: its advance width, and its em height less what faces leave empty."""
    line = placed.text.lines[at]
    em = placed.text.size * MM_PER_PT
    left = placed.x + line.x
    top = placed.y + line.baseline - 0.84 * em
    return left, top, left + line.width, top + 0.92 * em


@CARD
def test_every_text_stands_in_its_box_and_above_the_floor(engine: Engine, name: str) -> None:
    floor = engine.insurers[samples.insurer(name)].type_floor
    for side in place(engine, name):
        for placed in texts_of(side):
            assert placed.text.omitted or placed.text.lines
            assert placed.text.size >= floor
            for line in placed.text.lines:
                assert -0.02 <= line.x
                assert line.x + line.width <= placed.width + 0.02
                assert line.baseline <= placed.height + 0.02


def test_the_samples_show_the_characters_that_other_systems_lose(engine: Engine) -> None:
    printed = "".join(
        placed.text.lines[0].text for name in CARDS for side in place(engine, name) for placed in side.texts
    )
    for wanted in ("葛\U000e0100", "辻\U000e0100", "𠮷", "髙", "﨑"):
        assert wanted in printed
    assert any(unicodedata.category(char) == "So" or "\u3040" <= char <= "\u30ff" for char in printed)
