"""What the guide for print vendors says of each document, held against the layouts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docgen.issuance.documents import DOCUMENTS
from docgen.layout.loader import load_layout
from docgen.layout.models import Layout
from docgen.settings import Settings

GUIDE = (Path(__file__).parents[2] / "docs" / "printers.md").read_text(encoding="utf-8")
TABLE = GUIDE.partition("## All documents at a glance")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TABLE.splitlines()
    if "`" in line and "|" in line
]
LAYOUTS = {file.stem: load_layout(file) for file in Settings().layouts_dir.glob("*.yaml")}
# How the guide calls the sizes of one document.
SIZED = {"certificate-card": "the same with `size: card`", "envelope-long-3": "long-3", "envelope-square-2": "square-2"}


def row_of(layout: Layout, document: str) -> list[str]:
    """The guide's row on a document in the size that a layout draws."""
    [row] = [row for row in ROWS if SIZED.get(layout.layout, f"`{document}`") in row[0]]
    return row


DRAWN = [(LAYOUTS[name], document) for document, kind in DOCUMENTS.items() for name in kind.layouts]


@pytest.mark.parametrize(("layout", "document"), DRAWN, ids=lambda part: getattr(part, "layout", part))
def test_the_guide_for_print_vendors_tells_size_safe_area_and_plates_of_every_document(
    layout: Layout, document: str
) -> None:
    _, trim, safe, _, plates, tools = row_of(layout, document)
    page = layout.page
    assert trim.startswith(f"{page.width:g} x {page.height:g}")
    assert {trim for trim in re.findall(r"[0-9.]+ x [0-9.]+", trim)} == {
        f"{width:g} x {height:g}" for width, height in [(page.width, page.height), *page.trims]
    }
    assert (float(safe), page.bleed) == (page.safe, 3)
    included = {e.source[0] for side in layout.sides.values() for e in side if hasattr(e, "source")}
    spots = set(layout.spots).union(*[LAYOUTS[name].spots for name in included])
    assert set(re.findall(r"`(\w+)`", plates)) == spots
    marks = {e.id for side in layout.sides.values() for e in side if re.search(r"\bfolds?\.left$", e.id)}
    assert ("Z fold at 99 and 198" in tools) == bool(marks)
    assert ("behind the window" in tools) == (layout.shows_in is not None)


def test_every_plate_is_explained() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))
    assert {spot for layout in LAYOUTS.values() for spot in layout.spots} <= told
