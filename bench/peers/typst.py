"""Typst, compiled once for the whole batch: untagged, the symbol as SVG, which are its fastest ways."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import typst

from bench.card import Card, Record, Side, dark_runs

_HEAD = """
#set page(width: {width}mm, height: {height}mm, margin: 0pt)
#set text(font: "BIZ UDGothic", top-edge: "baseline", bottom-edge: "baseline", lang: "ja", cjk-latin-spacing: none)
#set line(stroke: {stroke}mm)
#set rect(stroke: {stroke}mm)
#let at(x, y, size, body) = place(dx: x, dy: y, box(text(size: size, body)))
"""
_TAIL = """
#for (index, record) in json(bytes(sys.inputs.records)).enumerate() {{
  if index > 0 {{ pagebreak() }}
  {sides}
}}
"""


def draw(card: Card, records: Sequence[Record], path: Path) -> None:
    """One source text for all cards, the records as JSON."""
    with tempfile.TemporaryDirectory() as fonts:
        (Path(fonts) / card.font.name).symlink_to(card.font)
        compiler = typst.Compiler(
            _source(card).encode(),
            font_paths=[fonts],
            ignore_system_fonts=True,
            sys_inputs={"records": json.dumps([_data(record) for record in records], ensure_ascii=False)},
        )
        compiler.compile(output=str(path), format="pdf", pdf_tags=False)


def _source(card: Card) -> str:
    parts = [_HEAD.format(width=card.width, height=card.height, stroke=card.stroke)]
    for index, side in enumerate(card.sides):
        body = "\n  ".join(_side(side))
        parts.append(f"#let side{index}(record) = {{\n  {body}\n}}")
    calls = "\n  pagebreak()\n  ".join(f"side{index}(record)" for index in range(len(card.sides)))
    return "\n".join([*parts, _TAIL.format(sides=calls)])


def _side(side: Side) -> Iterator[str]:
    for x, baseline, size, text in side.texts:
        yield f"at({x}mm, {baseline}mm, {size}pt, {json.dumps(text, ensure_ascii=False)})"
    for x1, y1, x2, y2 in side.lines:
        yield f"place(dx: {x1}mm, dy: {y1}mm, line(end: ({x2 - x1}mm, {y2 - y1}mm)))"
    for x, y, width, height in side.rects:
        yield f"place(dx: {x}mm, dy: {y}mm, rect(width: {width}mm, height: {height}mm))"
    for x, baseline, size, field in side.fields:
        yield f"at({x}mm, {baseline}mm, {size}pt, record.{field})"
    if side.symbol:
        x, y, size = side.symbol
        picture = f'image(bytes(record.modules), format: "svg", width: {size}mm, height: {size}mm)'
        yield f"place(dx: {x}mm, dy: {y}mm, {picture})"


def _data(record: Record) -> dict[str, str]:
    rows = record.rows or ()
    path = "".join([f"M{x} {y}h{length}v1h-{length}z" for x, y, length in dark_runs(rows)])
    box = f'viewBox="0 0 {len(rows)} {len(rows)}"'
    return {**record.texts, "modules": f'<svg xmlns="http://www.w3.org/2000/svg" {box}><path d="{path}"/></svg>'}
