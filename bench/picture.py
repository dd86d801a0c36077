"""The benchmark as a picture: `python -m bench.picture build/bench.json docs/pictures/benchmarks.svg`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_NAMES = {
    "docgen": "docgen",
    "limit": "the limit, made by hand",
    "reportlab-tuned": "ReportLab, tuned",
    "reportlab-naive": "ReportLab, drawString",
    "typst": "Typst",
    "fpdf2": "fpdf2",
}
_ROW, _BAR, _LEFT, _RIGHT, _WIDTH = 26, 16, 210, 70, 760
INK, OURS, OTHERS, _BOUND = "#2c2a26", "#8a5a00", "#9a958c", "#d9d4ca"


def draw(entries: Sequence[dict[str, Any]]) -> str:
    """An SVG of cards per CPU second: one group of bars for ready symbols, one for encoded ones."""
    batches = [entry for entry in entries if "over" not in entry]
    compared = max(entry["n"] for entry in batches if entry["peer"] == "reportlab-tuned")
    shown = [entry for entry in batches if entry["n"] == compared]
    most = max(map(per_cpu_second, shown))
    body, top = [], 10
    for qr, title in (("precomputed", "QR symbols ready-made on all sides"), ("encoded", "QR symbols encoded")):
        group = sorted((entry for entry in shown if entry["qr"] == qr), key=per_cpu_second, reverse=True)
        body.append(f'<text x="0" y="{top + 14}" font-weight="bold">{title}</text>')
        top += _ROW
        for entry in group:
            body += _bar(entry, most, top)
            top += _ROW
        top += 12
    return svg(_WIDTH, top, 13, f"Cards per second of processor time, {compared:,} cards", body)


def svg(width: int, height: int, font_size: int, title: str, body: Iterable[str]) -> str:
    """A picture of these elements."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="{font_size}" fill="{INK}"><title>{title}</title>\n' + "\n".join(body) + "\n</svg>\n"
    )


def per_cpu_second(entry: dict[str, Any]) -> float:
    """Cards per second of processor time."""
    return 1000 / float(entry["cpu_ms_per_card"])


def _bar(entry: dict[str, Any], most: float, top: int) -> Iterator[str]:
    colour = {"docgen": OURS, "limit": _BOUND}.get(entry["peer"], OTHERS)
    length = (_WIDTH - _LEFT - _RIGHT) * per_cpu_second(entry) / most
    yield f'<text x="{_LEFT - 10}" y="{top + 13}" text-anchor="end">{escape(_NAMES[entry["peer"]])}</text>'
    yield f'<rect x="{_LEFT}" y="{top}" width="{length:.0f}" height="{_BAR}" fill="{colour}"/>'
    yield f'<text x="{_LEFT + length + 6:.0f}" y="{top + 13}">{per_cpu_second(entry):,.0f}</text>'


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), encoding="utf-8")
