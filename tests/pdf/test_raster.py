from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pypdfium2
import pytest
from PIL import Image

from docgen.pdf.raster import SAFE_COLOUR, TRIM_COLOUR, page_count, render_png

DPI = 254  # ten pixels to the millimetre


def picture(pdf: bytes, *overlay: str, page: int = 1, safe: float = 2, radius: float = 0) -> Image.Image:
    return Image.open(io.BytesIO(render_png(pdf, page, DPI, overlay, safe, radius)))


def columns(image: Image.Image, colour: tuple[int, int, int], y: int) -> list[int]:
    return [x for x in range(image.width) if image.getpixel((x, y)) == colour]


def test_pages_are_counted(good_pdf: bytes) -> None:
    assert page_count(good_pdf) == 2


def test_the_picture_is_the_whole_media_box_at_the_resolution_asked_for(good_pdf: bytes) -> None:
    image = picture(good_pdf)
    assert image.format == "PNG"
    assert abs(image.width - 920) <= 1
    assert abs(image.height - 600) <= 1
    assert image.info["dpi"] == pytest.approx((DPI, DPI), rel=0.001)


def test_without_overlay_no_line_is_drawn(good_pdf: bytes) -> None:
    colours = {colour for _, colour in picture(good_pdf).getcolors(1 << 20) or []}
    assert colours
    assert not colours & {TRIM_COLOUR, SAFE_COLOUR}


def test_the_trim_line_stands_three_millimetres_in(good_pdf: bytes) -> None:
    found = columns(picture(good_pdf, "trim"), TRIM_COLOUR, 300)
    assert abs(found[0] - 30) <= 1
    assert abs(found[-1] - 890) <= 1
    assert len(found) <= 6


def test_the_safe_line_stands_inside_the_trim_line(good_pdf: bytes) -> None:
    image = picture(good_pdf, "trim", "safe", safe=2)
    found = columns(image, SAFE_COLOUR, 300)
    assert abs(found[0] - 50) <= 1
    assert abs(found[-1] - 870) <= 1
    assert columns(image, TRIM_COLOUR, 300)


def test_the_corners_of_the_trim_line_are_round(good_pdf: bytes) -> None:
    assert picture(good_pdf, "trim").getpixel((30, 30)) == TRIM_COLOUR
    rounded = picture(good_pdf, "trim", radius=3)
    assert rounded.getpixel((30, 30)) != TRIM_COLOUR
    inset = round(30 * (1 - 0.5**0.5))  # where a quarter circle of 3 mm crosses the diagonal
    around = [rounded.getpixel((30 + inset + dx, 30 + inset + dy)) for dx in (-1, 0, 1, 2) for dy in (-1, 0, 1, 2)]
    assert TRIM_COLOUR in around


@pytest.mark.parametrize("page", [0, 3, -1])
def test_a_page_that_is_not_there_is_an_index_error(good_pdf: bytes, page: int) -> None:
    with pytest.raises(IndexError):
        render_png(good_pdf, page, 72)


def test_what_is_no_pdf_is_refused() -> None:
    with pytest.raises(pypdfium2.PdfiumError):
        page_count(b"no PDF")


def test_threads_get_the_same_picture_as_one_thread(good_pdf: bytes) -> None:
    alone = [render_png(good_pdf, page, 72) for page in (1, 2)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: render_png(good_pdf, 1 + number % 2, 72), range(16)))
    assert together == alone * 8
