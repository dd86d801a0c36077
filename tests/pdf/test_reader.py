from __future__ import annotations

import io
import re

import pikepdf
import pytest
from pypdf import PdfReader

from docgen.engine import Engine
from docgen.pdf.content import ContentError
from docgen.pdf.reader import PageText, page_hash, read_pages
from tests.pdf.faults import Change, both, form, put, resource, rewritten, show, text

SAMPLE = "association-everything"


@pytest.fixture(scope="module")
def pages(good_pdf: bytes) -> list[PageText]:
    return list(read_pages(good_pdf))


def drawn(pdf: bytes, operators: str) -> PageText:
    """The first page with one more character at its end, set after these operators."""
    return next(read_pages(rewritten(pdf, text(operators))))


def test_every_placed_text_is_read_back_code_point_for_code_point_where_it_stands(
    engine: Engine, pages: list[PageText]
) -> None:
    _, sides = engine.place("card", "association", engine.samples("card")[SAMPLE])
    for side, page in zip(sides, pages, strict=True):
        placed = [item for item in side.texts if item.text.lines]
        own = [[run for run in page.runs if not run.static and run.block == block] for block in range(len(placed))]
        assert len(placed) == len(page.blocks())
        for item, runs in zip(placed, own, strict=True):
            line = item.text.lines[0]
            assert "".join(run.text for run in runs) == "".join(line_.text for line_ in item.text.lines)
            for run in runs:
                assert (run.size, run.scale) == pytest.approx((item.text.size, item.text.condense), abs=0.001)
            if not item.rotate:
                assert runs[0].x == pytest.approx(item.x + side.geometry.offset_x + line.x, abs=0.01)
                assert runs[0].y == pytest.approx(item.y + side.geometry.offset_y + line.baseline, abs=0.01)


def test_a_page_tells_its_number_and_its_trim_size(pages: list[PageText]) -> None:
    assert [page.number for page in pages] == [1, 2]
    assert [(page.width, page.height) for page in pages] == [
        (pytest.approx(86, abs=0.001), pytest.approx(54, abs=0.001))
    ] * 2


def test_static_texts_are_read_from_the_form_on_every_page_that_shows_it(good_pdf: bytes) -> None:
    def twice(pdf: pikepdf.Pdf) -> None:
        pdf.pages.append(pdf.pages[0])

    first, _, again = read_pages(rewritten(good_pdf, twice))
    assert [run for run in first.runs if run.static]
    assert first.runs == again.runs


@pytest.mark.parametrize(
    ("operators", "size", "scale", "angle"),
    [
        ("", 8, 1, 0),
        ("70 Tz", 8, 0.7, 0),
        ("2 0 0 2 0 0 cm", 16, 1, 0),
        ("1 0 0 2 0 0 cm", 16, 0.5, 0),
        ("0 1 -1 0 0 0 cm", 8, 1, 90),
        ("0 -1 1 0 0 0 cm 50 Tz", 8, 0.5, -90),
    ],
)
def test_size_scale_and_angle_are_those_on_paper(
    good_pdf: bytes, operators: str, size: float, scale: float, angle: float
) -> None:
    run = drawn(good_pdf, operators).runs[-1]
    assert (run.size, run.scale, run.angle) == pytest.approx((size, scale, angle))


def test_the_width_is_the_advance_on_paper(good_pdf: bytes) -> None:
    plain = drawn(good_pdf, "").runs[-1]
    assert drawn(good_pdf, "50 Tz").runs[-1].width == pytest.approx(plain.width / 2)
    assert drawn(good_pdf, "3 0 0 1 0 0 cm").runs[-1].width == pytest.approx(plain.width * 3)
    assert drawn(good_pdf, "7.2 Tc").runs[-1].width == pytest.approx(plain.width + 7.2 / 72 * 25.4)


def test_rise_and_saved_states_move_what_follows(good_pdf: bytes) -> None:
    plain = drawn(good_pdf, "").runs[-1]
    assert drawn(good_pdf, "72 Ts").runs[-1].y == pytest.approx(plain.y - 25.4)
    assert drawn(good_pdf, "q 1 0 0 1 72 0 cm 3 Ts Q").runs[-1] == plain


def test_a_code_without_text_is_read_as_the_replacement_character(good_pdf: bytes) -> None:
    assert next(read_pages(rewritten(good_pdf, text("", "FFF0")))).runs[-1].text == "\ufffd"


@pytest.mark.parametrize("change", [show("BT /Xnone 8 Tf ET"), form(b"/Xform Do"), show("/Xnone Do"), show("(")])
def test_content_that_cannot_be_followed_is_refused(good_pdf: bytes, change: Change) -> None:
    with pytest.raises(ContentError):
        list(read_pages(rewritten(good_pdf, change)))


# --- the hash that proves a reprint ---


def hashes(pdf: bytes) -> list[str]:
    return [page_hash(page) for page in PdfReader(io.BytesIO(pdf), strict=True).pages]


def test_the_hash_is_the_one_that_the_writer_gave(engine: Engine, pages: list[PageText]) -> None:
    rendered = engine.render("card", "association", engine.samples("card")[SAMPLE])
    assert [page.sha256 for page in pages] == [page.sha256 for page in rendered.pages] == hashes(rendered.pdf)


def test_the_hash_is_the_same_in_another_file_and_order(good_pdf: bytes) -> None:
    def turned(pdf: pikepdf.Pdf) -> None:
        pdf.pages.reverse()

    packed = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}
    assert hashes(rewritten(good_pdf, turned, **packed)) == hashes(good_pdf)[::-1]


def changed_form(pdf: pikepdf.Pdf) -> None:
    name = re.search(rb"/(\w+) Do", pdf.pages[0].Contents.read_bytes())
    assert name
    shown = pdf.pages[0].resources.XObject["/" + name[1].decode()]
    shown.write(shown.read_bytes() + b" ")


@pytest.mark.parametrize(
    "change",
    [
        show("0 0 9 9 re f"),
        put(lambda pdf: pdf.pages[0].obj, "/TrimBox", [9, 9, 90, 90]),
        put(lambda pdf: pdf.pages[0].obj, "/CropBox", [9, 9, 90, 90]),
        put(lambda pdf: pdf.pages[0].obj, "/Rotate", 180),
        put(lambda pdf: pdf.pages[0].obj, "/UserUnit", 2),
        changed_form,
        form(b"0 0 9 9 re f"),
    ],
    ids=["content", "trim box", "crop box", "turned", "larger", "content of a form", "another form"],
)
def test_the_hash_changes_with_all_that_a_page_paints(good_pdf: bytes, change: Change) -> None:
    old, new = hashes(good_pdf), hashes(rewritten(good_pdf, change))
    assert new[0] != old[0]
    assert new[1] == old[1]


def test_a_page_is_turned_by_the_node_that_it_hangs_on_too(good_pdf: bytes) -> None:
    turned = hashes(rewritten(good_pdf, put(lambda pdf: pdf.Root.Pages, "/Rotate", 180)))
    assert not set(turned) & set(hashes(good_pdf))


def test_keys_that_say_what_is_so_anyway_change_no_hash(good_pdf: bytes) -> None:
    usual = both(*(put(lambda pdf: pdf.pages[0].obj, *pair) for pair in (("/Rotate", 360), ("/UserUnit", 1))))
    assert hashes(rewritten(good_pdf, usual)) == hashes(good_pdf)


def test_a_form_inside_a_form_counts(good_pdf: bytes) -> None:
    def nested(inner: bytes) -> list[str]:
        stream = lambda pdf: pikepdf.Stream(pdf, inner)  # noqa: E731
        kinds = both(resource("/XObject", lambda pdf: typed(stream(pdf)), "/Xinner"), form(b"/Xinner Do"))
        return hashes(rewritten(good_pdf, kinds))

    def typed(stream: pikepdf.Stream) -> pikepdf.Stream:
        stream["/Subtype"] = pikepdf.Name.Form
        return stream

    assert nested(b"0 0 1 1 re f") != nested(b"0 0 2 2 re f")
