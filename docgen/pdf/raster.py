"""Pages as pictures: what a person sees before the press does.

PDFium draws the page as a screen would: it does not simulate overprint, and turns CMYK into RGB without the output
profile. Tints look brighter than in print; shapes and places are exact.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import cast

import pypdfium2 as pdfium
from PIL import Image, ImageDraw

from docgen.units import PT_PER_MM

TRIM_COLOUR = (255, 0, 144)
SAFE_COLOUR = (0, 160, 255)
_PDFIUM = threading.Lock()  # PDFium keeps global state: one thread at a time, and documents are closed under the lock


def page_count(pdf: bytes) -> int:
    """The number of pages. Raises pypdfium2.PdfiumError for what is no PDF."""
    with _PDFIUM:
        document = pdfium.PdfDocument(pdf)
        try:
            return len(document)
        finally:
            document.close()


def render(pdf: bytes, page: int, dpi: float) -> Image.Image:
    """One page (from 1) as an RGB picture, the whole media box, bleed and all. Raises as `render_png` does."""
    with _opened(pdf, page) as sheet:
        return _picture(sheet, dpi)


def render_png(
    pdf: bytes,
    page: int,
    dpi: int,
    overlay: Collection[str] = (),
    safe_mm: float = 2.0,
    corner_radius: float = 0.0,
) -> bytes:
    """One page (from 1) as PNG, the whole media box, bleed and all.

    `overlay` draws thin lines: `trim` at the trim box with corners of `corner_radius` mm, `safe` that many `safe_mm`
    inside it. Raises IndexError for a page that is not there, pypdfium2.PdfiumError for what is no PDF.
    """
    with _opened(pdf, page) as sheet:
        picture = _picture(sheet, dpi)
        media, trim = sheet.get_mediabox(), sheet.get_trimbox()
    radius = corner_radius * PT_PER_MM
    if "trim" in overlay:
        _outline(picture, media, trim, radius, dpi, TRIM_COLOUR)
    if "safe" in overlay:
        inset = safe_mm * PT_PER_MM
        left, bottom, right, top = trim
        inner = (left + inset, bottom + inset, right - inset, top - inset)
        _outline(picture, media, inner, max(0.0, radius - inset), dpi, SAFE_COLOUR)
    out = io.BytesIO()
    picture.save(out, "PNG", dpi=(dpi, dpi))
    return out.getvalue()


@contextmanager
def _opened(pdf: bytes, page: int) -> Iterator[pdfium.PdfPage]:
    with _PDFIUM:
        document = pdfium.PdfDocument(pdf)
        try:
            if not 1 <= page <= len(document):
                raise IndexError(f"page {page} of {len(document)}")
            yield document[page - 1]
        finally:
            document.close()


def _picture(sheet: pdfium.PdfPage, dpi: float) -> Image.Image:
    return cast(Image.Image, sheet.render(scale=dpi / 72).to_pil().convert("RGB"))


def _outline(
    picture: Image.Image,
    media: tuple[float, float, float, float],
    box: tuple[float, float, float, float],
    radius: float,
    dpi: int,
    colour: tuple[int, int, int],
) -> None:
    """Draw a box given in points, with the pixel that holds its edge as its outer pixel."""
    scale = dpi / 72
    left, bottom, right, top = box
    corners = ((left - media[0]), (media[3] - top), (right - media[0]), (media[3] - bottom))
    x0, y0, x1, y1 = (math.floor(value * scale) for value in corners)
    ImageDraw.Draw(picture).rounded_rectangle(
        (x0, y0, x1, y1), radius=radius * scale, outline=colour, width=max(1, round(dpi / 150))
    )
