from __future__ import annotations

import io
import re
import zlib
from dataclasses import replace

import pytest

from docgen.compose.placed import PlacedForm, PlacedSide
from docgen.engine import Engine, Options
from docgen.pdf import swift
from docgen.pdf.fonts import UsedGlyphs
from docgen.pdf.page import Form, PagePainter
from docgen.pdf.reader import PageText, read_pages
from docgen.pdf.swift import Glance, UnreadablePdf, glances
from docgen.symbols.qr_reading import decode
from tests import samples
from tests.pdf.faults import rewritten

DOCUMENTS = ("card", "notice", "mount", "mount-employer", "recipients-list", "employer-letter", "elderly-certificate")


@pytest.fixture(scope="module")
def finished(engine: Engine) -> list[bytes]:
    """Every sample of every document, with and without 見本."""
    return [
        engine.render(document, samples.insurer(name), samples.record(document, name), Options(specimen=specimen)).pdf
        for document in DOCUMENTS
        for name in samples.names(document)
        for specimen in (None, False)
    ]


def refuse(data: bytes) -> list[PageText]:
    raise AssertionError("left to the reference reader")


def same(one: Glance, other: Glance) -> bool:
    blocks, symbols = zip(one.blocks, other.blocks, strict=True), zip(one.symbols, other.symbols, strict=True)
    return (
        (one.number, one.sha256, one.forms) == (other.number, other.sha256, other.forms)
        and all(a.lines == b.lines and (a.x, a.y) == pytest.approx((b.x, b.y), abs=1e-6) for a, b in blocks)
        and all(a.rows == b.rows and a[:3] == pytest.approx(b[:3], abs=1e-6) for a, b in symbols)
    )


def test_every_sample_reads_as_by_the_reference_reader_without_its_help(
    finished: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly = [list(swift._by_reference(pdf, 0)) for pdf in finished]
    monkeypatch.setattr(swift, "read_pages", refuse)
    for pdf, expected in zip(finished, slowly, strict=True):
        read = list(glances(pdf))
        assert all(same(one, other) for one, other in zip(read, expected, strict=True))
        assert [page.sha256 for page in glances(pdf, contents=False)] == [page.sha256 for page in expected]


def test_a_block_is_what_the_reference_reader_calls_one(finished: list[bytes]) -> None:
    for pdf in finished[::9]:
        for glance, page in zip(glances(pdf), read_pages(pdf), strict=True):
            assert [block.text for block in glance.blocks] == page.blocks()


def test_a_file_that_went_through_another_program_reads_the_same(good_pdf: bytes) -> None:
    other = rewritten(good_pdf, lambda pdf: None)
    assert all(same(one, two) for one, two in zip(glances(good_pdf), glances(other), strict=True))


def test_the_mark_of_a_specimen_is_among_the_texts_of_its_forms_and_of_no_other_page(engine: Engine) -> None:
    for document in DOCUMENTS:
        name = samples.names(document)[0]
        for specimen in (True, False):
            options = Options(specimen=specimen)
            pdf = engine.render(document, samples.insurer(name), samples.record(document, name), options).pdf
            marked = [any("見本" in form for form in page.forms) for page in glances(pdf)]
            assert marked == [specimen] * len(marked)


def test_the_symbol_of_a_card_is_read_from_its_modules(engine: Engine) -> None:
    record = samples.record("card", "association-insured")
    record["card"]["match_code"] = "S01-00000123-21"
    _, back = glances(engine.render("card", "association", record).pdf)
    assert [decode(symbol.rows) for symbol in back.symbols] == ["S01-00000123-21"]


@pytest.mark.parametrize(
    "line",
    [
        b"1 0 0 1 5 5 cm",
        b"q 2 0 0 2 0 0 cm /KO gs Q",
        b"BT /KO gs ET",
        b"% nothing",
        b"q 0.9 0 0 -0.9 10 10 cm 0 0 90.02 1.02 re f Q",
    ],
)
def test_a_line_of_another_form_is_left_to_the_reference_reader(engine: Engine, line: bytes) -> None:
    changed = with_line(engine, line)
    with pytest.raises(swift.NotOurs):
        list(swift.WrittenFile(changed).pages(True))
    expected = list(read_pages(changed))
    assert [page.sha256 for page in glances(changed)] == [page.sha256 for page in expected]
    assert [[block.text for block in page.blocks] for page in glances(changed)] == [page.blocks() for page in expected]


def test_a_form_that_is_not_what_its_name_says_changes_the_hash(engine: Engine, good_pdf: bytes) -> None:
    class Untrue(PagePainter):
        def form(self, placed: PlacedForm) -> Form:
            form = super().form(placed)
            return replace(form, deflated=zlib.compress(zlib.decompress(form.deflated) + b"\n0 0 0 1 k"))

    changed = written(engine, Untrue())
    assert [page.sha256 for page in glances(changed)] == [page.sha256 for page in read_pages(changed)]
    assert all(one.sha256 != two.sha256 for one, two in zip(glances(changed), glances(good_pdf), strict=True))


@pytest.mark.parametrize("key", [b"/Rotate 180", b"/UserUnit 2"])
def test_a_page_that_is_turned_or_enlarged_in_our_own_form_is_another_one(good_pdf: bytes, key: bytes) -> None:
    changed = repaired(good_pdf.replace(b" 0 R/MediaBox", b" 0 R" + key + b"/MediaBox"))
    list(swift.WrittenFile(changed).page_objects())  # the form is ours, but for the key
    assert [page.sha256 for page in glances(changed)] == [page.sha256 for page in read_pages(changed)]
    assert all(one.sha256 != two.sha256 for one, two in zip(glances(changed), glances(good_pdf), strict=True))


@pytest.mark.parametrize("cut", [10, 200, 5_000, 50_000])
def test_a_truncated_file_is_an_error(good_pdf: bytes, cut: int) -> None:
    with pytest.raises(UnreadablePdf):
        list(glances(good_pdf[:-cut]))


def with_line(engine: Engine, line: bytes) -> bytes:
    """A card in our own form, each page with one more line of content."""

    class Adding(PagePainter):
        def content(self, side: PlacedSide, used: UsedGlyphs) -> bytes:
            return super().content(side, used) + b"\n" + line

    return written(engine, Adding())


def repaired(data: bytes) -> bytes:
    """A file of ours whose objects have moved, with a table that says so."""
    start = data.rindex(b"xref\n0 ", 0, data.rindex(b"startxref"))
    objects = {int(found[1]): found.start(1) for found in re.finditer(rb"\n(\d+) 0 obj\n", data[:start])}
    entries = b"".join(b"%010d 00000 n \n" % objects[at] for at in sorted(objects))
    tail = re.sub(rb"(?<=startxref\n)\d+", b"%d" % start, data[data.index(b"trailer", start) :])
    return data[:start] + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + entries + tail


def written(engine: Engine, painter: PagePainter) -> bytes:
    items, sides = engine.place("card", "association", samples.record("card", "association-everything"))
    stream = io.BytesIO()
    book = engine.book("card", items.issued_on, stream)
    book._painter = painter
    for side in sides:
        book.add(side)
    book.finish()
    return stream.getvalue()
