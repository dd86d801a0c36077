"""Whether two peers drew the same card: by what is seen, and by what can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pypdfium2 as pdfium
from PIL import Image, ImageChops, ImageFilter

from bench.card import Record

DPI = 600
# Renderers and writers round in their own ways: up to two pixels (0.08 mm) is no difference. One wrong digit is: it
# leaves 4 % and more of some square millimetre inked on one picture and blank on the other.
_NEIGHBOURHOOD = 5  # pixels across
_SQUARE = 24  # pixels across, about 1 mm
TOLERATED = 0.01


def page_images(pdf: Path, pages: Sequence[int]) -> list[Image.Image]:
    """Pages, counted from 0, with ink as white on black."""
    document = pdfium.PdfDocument(pdf)
    try:
        pictures = [document[page].render(scale=DPI / 72, grayscale=True).to_pil().convert("L") for page in pages]
    finally:
        document.close()
    return [picture.point(lambda grey: 255 if grey < 128 else 0) for picture in pictures]


def difference(one: Image.Image, other: Image.Image) -> float:
    """The largest share of a square millimetre that is inked on one picture and not near ink on the other, 0 to 1."""
    if one.size != other.size:
        return 1.0
    return max(_stray(one, other), _stray(other, one))


def unlike_pages(one: Path, other: Path, pages: Sequence[int] = (0, 1)) -> Iterator[str]:
    """What is wrong, in words, where the pages of two files do not look the same."""
    for page, first, second in zip(pages, page_images(one, pages), page_images(other, pages), strict=True):
        share = difference(first, second)
        if share > TOLERATED:
            yield f"page {page + 1} of {other.name} does not look like {one.name}: {share:.0%} of a square mm"


def missing_texts(pdf: Path, records: Sequence[Record], most: int = 1000) -> Iterator[str]:
    """What is wrong, in words, where a record's text cannot be read from its two pages.

    Of more than `most` cards, so many are read: the first, and others at equal distances.
    """
    document = pdfium.PdfDocument(pdf)
    try:
        if len(document) != 2 * len(records):
            yield f"{pdf.name} has {len(document)} pages for {len(records)} cards"
            return
        for at in range(0, len(records), max(1, len(records) // most)):
            record = records[at]
            found = _squeezed("".join(document[page].get_textpage().get_text_range() for page in (2 * at, 2 * at + 1)))
            for field, text in record.texts.items():
                if _squeezed(text) not in found:
                    yield f"card {at + 1} of {pdf.name} does not say its {field}"
    finally:
        document.close()


def _stray(one: Image.Image, other: Image.Image) -> float:
    beyond = ImageChops.subtract(one, other.filter(ImageFilter.MaxFilter(_NEIGHBOURHOOD)))
    fullest: int = beyond.reduce(_SQUARE).getextrema()[1]  # type: ignore[assignment]  # of a picture in grey
    return fullest / 255


def _squeezed(text: str) -> str:
    """Without white space: where PDFium sees a gap or a new line is its own affair."""
    return "".join(text.split())
