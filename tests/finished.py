"""What every finished document must hold to, whatever it is."""

from __future__ import annotations

import numpy as np

from docgen.engine import Engine, preflight
from docgen.pdf.reader import read_pages
from docgen.text.setting import SetColumn
from tests import samples, sheet, verapdf


def assert_conforms(engine: Engine, document: str, name: str) -> None:
    """veraPDF and preflight accept it, with and without 見本; the same record gives the same bytes."""
    for options in (None, sheet.PLAIN):
        made = sheet.render(engine, document, name, options)
        assert verapdf.validate(made.pdf) == []
        assert preflight(made.pdf) == []
        assert sheet.render(engine, document, name, options).pdf == made.pdf


def assert_reads_back(engine: Engine, document: str, name: str) -> None:
    """The reader finds every text of the record, code point for code point, page by page."""
    made, sides = sheet.render(engine, document, name, sheet.PLAIN), sheet.place(engine, document, name)
    for page, side, written in zip(read_pages(made.pdf), sides, made.pages, strict=True):
        assert page.blocks() == [sheet.text_of(text) for text in side.texts]
        assert page.sha256 == written.sha256


def assert_no_overlap(engine: Engine, document: str, name: str) -> None:
    """No two lines of type or symbols meet; every line stands inside the width of its box, above the floor."""
    floor = engine.insurers[samples.insurer(name)].type_floor
    for side in sheet.place(engine, document, name):
        for text in sheet.texts_of(side):
            assert text.text.size >= floor
            for line in text.text.lines:
                assert -0.02 <= line.x
                assert line.x + line.width <= text.width + 0.02
                if isinstance(line, SetColumn):
                    assert -0.02 <= line.top
                    assert line.top + line.height <= text.height + 0.02
        boxes = sheet.boxes_of(side)
        for at, (one, box) in enumerate(boxes):
            for other, second in boxes[at + 1 :]:
                assert sheet.apart(box, second), (one, other)


def assert_inside_safe_area(engine: Engine, document: str, name: str, dpi: int = 100) -> None:
    """Black ink keeps the layout's safe distance from the trim."""
    for page, side in enumerate(sheet.place(engine, document, name), start=1):
        dark = np.array(sheet.raster(engine, document, name, page, dpi) < 100)
        inset = round(side.geometry.safe / 25.4 * dpi)
        assert dark[inset:-inset, inset:-inset].any()
        dark[inset:-inset, inset:-inset] = False
        assert not dark.any()
