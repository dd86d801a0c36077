from __future__ import annotations

import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import ByteStringObject, ContentStream, DecodedStreamObject, NameObject, TextStringObject

from docgen.pdf.content import ContentError, multiply, operations
from docgen.pdf.interpreter import content_of, parse_to_unicode

NUMBERS = st.one_of(st.integers(-(10**6), 10**6), st.decimals(-9999, 9999, places=3))


def plain(value: Any) -> Any:
    """A pypdf operand as ours."""
    if isinstance(value, NameObject):
        return str(value)
    if isinstance(value, TextStringObject):
        return bytes(value.original_bytes)
    if isinstance(value, ByteStringObject):
        return bytes(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return float(value)


def as_pypdf_reads(data: bytes) -> list[tuple[bytes, list[Any]]]:
    stream = DecodedStreamObject()
    stream.set_data(data)
    return [
        (operator, [plain(item) for item in operands]) for operands, operator in ContentStream(stream, None).operations
    ]


def as_we_read(data: bytes) -> list[tuple[bytes, list[Any]]]:
    def floats(value: Any) -> Any:
        if isinstance(value, list):
            return [floats(item) for item in value]
        if isinstance(value, dict):
            return {key: floats(item) for key, item in value.items()}
        return float(value) if isinstance(value, int) else value

    return [(operator, floats(operands)) for operator, operands in operations(data)]


def test_a_real_page_reads_as_pypdf_reads_it(good_pdf: bytes) -> None:
    for page in PdfReader(io.BytesIO(good_pdf)).pages:
        forms = [form.get_object().get_data() for form in page["/Resources"]["/XObject"].values()]
        for data in [content_of(page), *forms]:
            assert as_we_read(data) == as_pypdf_reads(data)
            assert len(as_we_read(data)) > 1


@given(st.lists(st.lists(NUMBERS, max_size=6), min_size=1), st.sampled_from([" ", "\n", "\r\n", " % a (comment)\n"]))
def test_numbers_read_as_pypdf_reads_them(rows: list[list[Any]], space: str) -> None:
    data = space.join(f"{space.join(map(str, row))}{space}re" for row in rows).encode()
    assert as_we_read(data) == as_pypdf_reads(data)


@given(st.binary(max_size=40))
def test_any_string_comes_back_however_it_is_written(raw: bytes) -> None:
    escaped = b"".join(b"\\%03o" % byte for byte in raw)
    minimal = raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)").replace(b"\r", b"\\r")
    for written in (b"<" + raw.hex().encode() + b">", b"(" + escaped + b")", b"(" + minimal + b")"):
        assert list(operations(written + b"Tj")) == [(b"Tj", [raw])]


def test_nested_strings_arrays_and_dictionaries_read() -> None:
    data = rb"/Sp#61n <</A[1 .5 -2. <4>]/B(a(b)\)\n)/C null/D true>>BDC[(x)-12(y)]TJ"
    assert list(operations(data)) == [
        (b"BDC", ["/Span", {"/A": [1, 0.5, -2.0, b"\x40"], "/B": b"a(b))\n", "/C": None, "/D": True}]),
        (b"TJ", [[b"x", -12, b"y"]]),
    ]


def test_an_inline_image_is_skipped_with_whatever_its_samples_look_like() -> None:
    samples = b"1 0 0 rg EI\x80\xff ( \n"
    data = b"q BI /W 1 /H 1 /CS /CMYK ID " + samples + b" EI Q"
    assert list(operations(data)) == [
        (b"q", []),
        (b"BI", [{"/W": 1, "/H": 1, "/CS": "/CMYK"}, samples]),
        (b"Q", []),
    ]


@pytest.mark.parametrize(
    "data", [b"(a", b"[1 2", b"1 2", b"]", b"<< /A >> BDC", b"[1>>", b"[q]", b"\x80", b"BI ID x", b"1..2 w"]
)
def test_what_is_no_content_is_refused(data: bytes) -> None:
    with pytest.raises(ContentError):
        list(operations(data))


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        list(operations(data))
    except ContentError:
        pass


def test_matrices_multiply_in_the_order_of_pdf() -> None:
    turn = (0.0, 1.0, -1.0, 0.0, 0.0, 0.0)
    assert multiply((1, 0, 0, 1, 5, 0), turn) == (0, 1, -1, 0, 0, 5)
    assert all(map(math.isclose, multiply(turn, (2, 0, 0, 2, 1, 1)), (0, 2, -2, 0, 1, 1)))


def test_to_unicode_reads_characters_sequences_and_ranges() -> None:
    cmap = b"""1 beginbfchar <0003> <845BDB40DD02> endbfchar
    2 beginbfrange <0010> <0012> <0041> <0020> <0021> [<D842DF9F> <0042>] endbfrange"""
    assert parse_to_unicode(cmap) == {
        3: "葛\U000e0102", 0x10: "A", 0x11: "B", 0x12: "C", 0x20: "\U00020b9f", 0x21: "B",
    }  # fmt: skip


def test_to_unicode_carries_where_a_writer_lets_the_last_byte_of_a_range_overflow() -> None:
    assert parse_to_unicode(b"1 beginbfrange <0010> <0011> <4EFF> endbfrange") == {0x10: "\u4eff", 0x11: "\u4f00"}
