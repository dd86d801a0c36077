"""ReportLab as its manual shows it: setFont and drawString for every text of every page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from bench.card import Card, Record, Side, dark_runs


def draw(card: Card, records: Sequence[Record], path: Path) -> None:
    """Every page from nothing."""
    pdfmetrics.registerFont(TTFont("bench", str(card.font)))
    canvas = Canvas(str(path), pagesize=(card.width * mm, card.height * mm), pageCompression=1)
    for record in records:
        for side in card.sides:
            _draw_side(canvas, card, side, record)
            canvas.showPage()
    canvas.save()


def _draw_side(canvas: Canvas, card: Card, side: Side, record: Record) -> None:
    for x, baseline, size, text in side.texts:
        canvas.setFont("bench", size)
        canvas.drawString(x * mm, (card.height - baseline) * mm, text)
    canvas.setLineWidth(card.stroke * mm)
    for x1, y1, x2, y2 in side.lines:
        canvas.line(x1 * mm, (card.height - y1) * mm, x2 * mm, (card.height - y2) * mm)
    for x, y, width, height in side.rects:
        canvas.rect(x * mm, (card.height - y - height) * mm, width * mm, height * mm)
    for x, baseline, size, field in side.fields:
        canvas.setFont("bench", size)
        canvas.drawString(x * mm, (card.height - baseline) * mm, record.texts[field])
    if side.symbol and record.rows:
        module = side.symbol.size * mm / len(record.rows)
        left, top = side.symbol.x * mm, (card.height - side.symbol.y) * mm
        for x, y, length in dark_runs(record.rows):
            canvas.rect(left + x * module, top - (y + 1) * module, length * module, module, stroke=0, fill=1)
