"""ReportLab as someone who knows it well would use it.

The C accelerator, no ASCII85, what is the same on all cards in a form, a page's fields in one text object, the symbol
as one string under a scaled matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import _rl_accel  # noqa: F401  (the C accelerator: without it this peer would not be what it says)
from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from bench.card import Card, Record, Side, SymbolAt, dark_runs


def draw(card: Card, records: Sequence[Record], path: Path) -> None:
    """Forms once, then the fields of each page."""
    rl_config.useA85 = 0
    pdfmetrics.registerFont(TTFont("bench", str(card.font)))
    canvas = Canvas(str(path), pagesize=(card.width * mm, card.height * mm), pageCompression=1)
    for at, side in enumerate(card.sides):
        canvas.beginForm(f"side{at}", 0, 0, card.width * mm, card.height * mm)
        _draw_static(canvas, card, side)
        canvas.endForm()
    for record in records:
        for at, side in enumerate(card.sides):
            canvas.doForm(f"side{at}")
            _draw_fields(canvas, card, side, record)
            if side.symbol and record.rows:
                canvas._code.append(_symbol(card, side.symbol, record.rows))
            canvas.showPage()
    canvas.save()


def _draw_static(canvas: Canvas, card: Card, side: Side) -> None:
    for x, baseline, size, text in side.texts:
        canvas.setFont("bench", size)
        canvas.drawString(x * mm, (card.height - baseline) * mm, text)
    canvas.setLineWidth(card.stroke * mm)
    for x1, y1, x2, y2 in side.lines:
        canvas.line(x1 * mm, (card.height - y1) * mm, x2 * mm, (card.height - y2) * mm)
    for x, y, width, height in side.rects:
        canvas.rect(x * mm, (card.height - y - height) * mm, width * mm, height * mm)


def _draw_fields(canvas: Canvas, card: Card, side: Side, record: Record) -> None:
    text = canvas.beginText()
    for x, baseline, size, field in side.fields:
        text.setFont("bench", size)
        text.setTextOrigin(x * mm, (card.height - baseline) * mm)
        text.textOut(record.texts[field])
    canvas.drawText(text)


def _symbol(card: Card, symbol: SymbolAt, rows: Sequence[str]) -> str:
    module = symbol.size * mm / len(rows)
    rects = " ".join([f"{x} {y} {length} 1 re" for x, y, length in dark_runs(rows)])
    place = f"{module:.5f} 0 0 {-module:.5f} {symbol.x * mm:.4f} {(card.height - symbol.y) * mm:.4f} cm"
    return f"q {place} {rects} f Q"
