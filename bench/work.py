"""What a run of the bench works on, made once and read by every peer's process before its clock starts."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import NamedTuple

from bench.card import MODULES, Card, LineAt, Record, RectAt, Side, SymbolAt, TextAt
from bench.records import RecordMaker
from docgen.layout.loader import load_layout
from docgen.layout.models import Element, FieldText, Layout, Line, Qr, Rect, Text
from docgen.settings import Settings
from docgen.symbols.qr import QUIET_MODULES, encode
from docgen.text.registry import FontRegistry
from docgen.units import MM_PER_PT

LAYOUT = Path(__file__).parent / "layouts" / "bench-card.yaml"
FACE = "gothic"  # BIZ UDGothic Regular, of fonts/fonts.toml
_ASCENT = 0.88  # where the layout language puts a box's baseline, in type sizes


class Work(NamedTuple):
    """The card in plain coordinates, and the records with their symbols encoded."""

    card: Card
    records: tuple[Record, ...]


def make_work(count: int) -> Work:
    """The card, and `count` records. Raises AssetError if the font is missing, LayoutError if the layout is wrong."""
    settings = Settings()
    font = FontRegistry.load(settings.fonts_toml, settings.font_path).path(FACE)
    maker = RecordMaker()
    return Work(_card(load_layout(LAYOUT), font), tuple(_record(maker) for _ in range(count)))


def save(work: Work, path: Path, encoded: bool) -> None:
    """Write the work for the peers; `encoded` leaves the symbols' modules out, so that a peer has to encode them."""
    records = tuple(record._replace(rows=None, packed=None) for record in work.records) if encoded else work.records
    # pickle: the file lives as long as this run, and nobody else writes it.
    path.write_bytes(pickle.dumps((work.card, records)))


def _record(maker: RecordMaker) -> Record:
    texts, payload = maker.make()
    size, packed = modules = encode(payload, "M")
    if size != MODULES:
        raise ValueError(f"the bench is made for symbols of {MODULES} modules, not {size}: {payload}")
    return Record(texts, payload, modules.rows, packed)


def _card(layout: Layout, font: Path) -> Card:
    sides = tuple(_side(layout, elements) for elements in layout.sides.values())
    stroke = next(element.stroke_width for element in layout.sides["front"] if isinstance(element, Rect))
    return Card(layout.page.width, layout.page.height, stroke, font, sides)


def _side(layout: Layout, elements: tuple[Element, ...]) -> Side:
    symbols = [_symbol(element) for element in elements if isinstance(element, Qr)]
    return Side(
        texts=tuple(text for element in elements if isinstance(element, Text) for text in _texts(layout, element)),
        fields=tuple(_text(layout, element, element.field) for element in elements if isinstance(element, FieldText)),
        lines=tuple(LineAt(*element.line) for element in elements if isinstance(element, Line)),
        rects=tuple(RectAt(*element.rect) for element in elements if isinstance(element, Rect)),
        symbol=symbols[0] if symbols else None,
    )


def _text(layout: Layout, element: Text | FieldText, text: str) -> TextAt:
    size = layout.styles[element.style].size
    x, y, _, _ = element.box
    return TextAt(x, round(y + _ASCENT * size * MM_PER_PT, 3), size, text)


def _texts(layout: Layout, element: Text) -> list[TextAt]:
    wording = layout.wording[element.text.removeprefix("wording.")]
    first = _text(layout, element, "")
    dx, dy = element.step or (0.0, 0.0)
    lines = (wording,) if isinstance(wording, str) else wording
    return [
        first._replace(x=first.x + at * dx, baseline=first.baseline + at * dy, text=line)
        for at, line in enumerate(lines)
    ]


def _symbol(element: Qr) -> SymbolAt:
    x, y, size, _ = element.box
    module = size / (MODULES + 2 * QUIET_MODULES)
    quiet = QUIET_MODULES * module
    return SymbolAt(round(x + quiet, 3), round(y + quiet, 3), round(MODULES * module, 3))
