"""fpdf2 as its manual shows it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF

from bench.card import Card, Record, Side, dark_runs

logging.getLogger("fontTools").setLevel(logging.ERROR)


def draw(card: Card, records: Sequence[Record], path: Path) -> None:
    """Every page from nothing."""
    pdf = FPDF(orientation="landscape", unit="mm", format=(card.height, card.width))
    pdf.set_auto_page_break(False)
    pdf.add_font("bench", "", card.font)
    pdf.set_line_width(card.stroke)
    for record in records:
        for side in card.sides:
            pdf.add_page()
            _draw_side(pdf, side, record)
    pdf.output(str(path))


def _draw_side(pdf: FPDF, side: Side, record: Record) -> None:
    for x, baseline, size, text in side.texts:
        pdf.set_font("bench", size=size)
        pdf.text(x, baseline, text)
    for line in side.lines:
        pdf.line(*line)
    for rect in side.rects:
        pdf.rect(*rect)
    for x, baseline, size, field in side.fields:
        pdf.set_font("bench", size=size)
        pdf.text(x, baseline, record.texts[field])
    if side.symbol and record.rows:
        module = side.symbol.size / len(record.rows)
        for x, y, length in dark_runs(record.rows):
            left, top = side.symbol.x + x * module, side.symbol.y + y * module
            pdf.rect(left, top, length * module, module, style="F")
