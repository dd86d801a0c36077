"""What every finished document must hold to, whatever it is."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from docgen.compose.placed import PlacedSide, PlacedText
from docgen.engine import Engine, Options, Rendered, preflight
from docgen.pdf.reader import read_pages
from docgen.units import MM_PER_PT
from tests import samples, verapdf

PLAIN = Options(specimen=False)


def rendered(engine: Engine, document: str, name: str, options: Options | None = None) -> Rendered:
    return engine.render(document, samples.insurer(name), samples.record(document, name), options)


def placed(engine: Engine, document: str, name: str, options: Options | None = None) -> tuple[PlacedSide, ...]:
    return engine.place(document, samples.insurer(name), samples.record(document, name), options)[1]


def texts(side: PlacedSide) -> list[PlacedText]:
    """Every text of a side, static ones too, but for the specimen mark."""
    static = [
        item._replace(x=item.x + form.x, y=item.y + form.y)
        for form in side.forms
        for item in form.static.items
        if isinstance(item, PlacedText) and not item.rotate
    ]
    return [*static, *side.texts]


def assert_conforms(engine: Engine, document: str, name: str) -> None:
    """veraPDF and preflight accept it, with and without 見本; the same record gives the same bytes."""
    for options in (None, PLAIN):
        made = rendered(engine, document, name, options)
        assert verapdf.validate(made.pdf) == []
        assert preflight(made.pdf) == []
        assert rendered(engine, document, name, options).pdf == made.pdf


def assert_reads_back(engine: Engine, document: str, name: str) -> None:
    """The reader finds every text of the record, code point for code point, page by page."""
    made, sides = rendered(engine, document, name, PLAIN), placed(engine, document, name, PLAIN)
    for page, side, written in zip(read_pages(made.pdf), sides, made.pages, strict=True):
        assert page.blocks() == ["".join(line.text for line in text.text.lines) for text in side.texts]
        assert page.sha256 == written.sha256


def assert_no_overlap(engine: Engine, document: str, name: str) -> None:
    """No two lines of type, nor a line and a symbol, meet; every line stands in its box's width."""
    for side in placed(engine, document, name):
        boxes = []
        for text in texts(side):
            em = text.text.size * MM_PER_PT
            for line in text.text.lines:
                assert -0.02 <= line.x
                assert line.x + line.width <= text.width + 0.02
                left, top = text.x + line.x, text.y + line.baseline - 0.84 * em
                boxes.append((text.element, left, top, left + line.width, top + 0.92 * em))
        for symbol in side.symbols:
            if hasattr(symbol, "rows"):
                size = len(symbol.rows) * symbol.module
                boxes.append((symbol.element, symbol.x, symbol.y, symbol.x + size, symbol.y + size))
        for at, (one, left, top, right, bottom) in enumerate(boxes):
            for other, left2, top2, right2, bottom2 in boxes[at + 1 :]:
                assert right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top, (one, other)


def assert_inside_safe_area(engine: Engine, document: str, name: str, dpi: int = 150) -> None:
    """Black ink keeps the layout's safe distance from the trim, fold and crop marks at the very edge excepted."""
    made = rendered(engine, document, name, PLAIN)
    for page, side in enumerate(placed(engine, document, name, PLAIN), start=1):
        png = engine.preview(made.pdf, page, dpi, document=document, insurer=samples.insurer(name))
        dark = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).max(axis=2) < 120
        inset = round((side.geometry.bleed + side.geometry.safe) / 25.4 * dpi)
        assert dark[inset:-inset, inset:-inset].any()
        dark[inset:-inset, inset:-inset] = False
        assert not dark.any()
