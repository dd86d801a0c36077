from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pikepdf
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, EncodedStreamObject, NameObject

from docgen.errors import CODES
from docgen.pdf.preflight import HINTS, preflight
from tests.pdf.faults import FAULTS, Change, both, page, put, rewritten, root, show, state
from tests.verapdf import validate

CASES = {f"{code}: {name}": (code, change) for code, faults in FAULTS.items() for name, change in faults.items()}


def codes(data: bytes) -> set[str]:
    return {violation.code for violation in preflight(data)}


def rewritten_by_pypdf(data: bytes, change: Callable[[DictionaryObject, PdfWriter], None]) -> bytes:
    """For what pikepdf mends on its own: it never writes filters that it can take off."""
    writer = PdfWriter(clone_from=io.BytesIO(data))
    change(writer._root_object, writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_good_file_has_no_violation(good_pdf: bytes) -> None:
    assert preflight(good_pdf) == []
    assert preflight(rewritten(good_pdf, lambda pdf: None)) == []


def test_object_streams_are_read_too(good_pdf: bytes) -> None:
    packed = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}
    assert preflight(rewritten(good_pdf, lambda pdf: None, **packed)) == []
    assert codes(rewritten(good_pdf, put(root, "/AA", pikepdf.Dictionary()), **packed)) == {"x4_action"}


@pytest.mark.parametrize(("code", "change"), CASES.values(), ids=CASES)
def test_each_fault_gives_its_code_and_no_other(good_pdf: bytes, code: str, change: Change) -> None:
    assert codes(rewritten(good_pdf, change)) == {code}


@pytest.mark.parametrize("angle", [0, 360])
def test_a_page_that_says_that_it_stands_upright_is_good(good_pdf: bytes, angle: int) -> None:
    assert codes(rewritten(good_pdf, put(page, "/Rotate", angle))) == set()


def test_a_later_version_is_found(good_pdf: bytes) -> None:
    assert codes(good_pdf.replace(b"%PDF-1.6", b"%PDF-1.7", 1)) == {"x4_header"}


def test_a_missing_binary_comment_is_found(good_pdf: bytes) -> None:
    head = re.match(rb"%PDF-1\.\d\s+%", good_pdf)
    assert head
    assert codes(good_pdf[: head.end()] + b"abcd" + good_pdf[head.end() + 4 :]) == {"x4_header"}


def test_a_missing_file_identifier_is_found(good_pdf: bytes) -> None:
    assert codes(good_pdf.replace(b"/ID", b"/Id")) == {"x4_no_id"}


def test_a_compressed_xmp_stream_is_found(good_pdf: bytes) -> None:
    def change(root: DictionaryObject, writer: PdfWriter) -> None:
        root[NameObject("/Metadata")] = writer._add_object(root["/Metadata"].flate_encode())

    assert codes(rewritten_by_pypdf(good_pdf, change)) == {"x4_xmp_filtered"}


@pytest.mark.parametrize("name", ["/LZWDecode", "/Crypt"])
def test_a_filter_that_print_files_may_not_have_is_found(good_pdf: bytes, name: str) -> None:
    def change(root: DictionaryObject, writer: PdfWriter) -> None:
        stream = EncodedStreamObject()
        stream._data = b""
        stream[NameObject("/Filter")] = NameObject(name)
        root[NameObject("/Extra")] = writer._add_object(stream)

    assert codes(rewritten_by_pypdf(good_pdf, change)) == {"x4_filter"}


@pytest.mark.parametrize("password", ["", "secret"])
def test_encryption_is_found_with_and_without_a_password_to_open(good_pdf: bytes, password: str) -> None:
    unset = {"stream_decode_level": None, "compress_streams": True}
    locked = pikepdf.Encryption(owner="owner", user=password, R=4, aes=False, metadata=False)
    assert codes(rewritten(good_pdf, lambda pdf: None, encryption=locked, **unset)) == {"x4_encrypted"}


@pytest.mark.parametrize("cut", [0, 4, 100, 5000, -40])
def test_a_file_cut_short_is_a_violation_and_no_traceback(good_pdf: bytes, cut: int) -> None:
    assert codes(good_pdf[:cut]) == {"pdf_unreadable"}


def test_a_damaged_object_is_a_violation_and_the_other_rules_still_speak(good_pdf: bytes) -> None:
    broken = rewritten(good_pdf, both(put(root, "/Version", pikepdf.Name("/1.7")), show("1 0 0 rg")))
    damaged = broken.replace(b"/DescendantFonts", b"/Descended_Fonts")
    assert {"x4_header", "x4_rgb", "pdf_unreadable"} <= codes(damaged)


@settings(max_examples=20, derandomize=True)  # of 40,000 flips one makes another stream with the same checksum
@given(st.data())
def test_one_flipped_bit_in_any_compressed_stream_is_found(good_pdf: bytes, data: st.DataObject) -> None:
    """Readers go on with what they get, so that a page may look otherwise and nothing be said."""
    streams = [
        found
        for found in re.finditer(rb"(?s)obj\s*<<(?:(?!endobj).)*?>>\s*stream\r?\n(.*?)\s*endstream", good_pdf)
        if b"/FlateDecode" in found[0][: found.start(1) - found.start()]
    ]
    assert len(streams) > 5
    found = data.draw(st.sampled_from(streams))
    at = data.draw(st.integers(found.start(1) + 2, found.end(1) - 1))  # behind the header, which has spare bits
    flipped = good_pdf[:at] + bytes([good_pdf[at] ^ 1 << data.draw(st.integers(0, 7))]) + good_pdf[at + 1 :]
    with suppress(zlib.error):  # some bits of a deflated stream mean nothing
        before, after = (zlib.decompress(pdf[found.start(1) : found.end(1)]) for pdf in (good_pdf, flipped))
        assume(before != after)
    assert "pdf_stream_damaged" in codes(flipped)


def test_a_compressed_stream_that_is_cut_off_is_found(good_pdf: bytes) -> None:
    def change(root: DictionaryObject, writer: PdfWriter) -> None:
        stream = EncodedStreamObject()
        stream._data = zlib.compress(b"0 0 9 9 re f " * 100)[:-1]
        stream[NameObject("/Filter")] = ArrayObject([NameObject("/FlateDecode")])
        root[NameObject("/Extra")] = writer._add_object(stream)

    assert codes(rewritten_by_pypdf(good_pdf, change)) == {"pdf_stream_damaged"}


@given(st.binary(max_size=400))
def test_no_bytes_at_all_make_it_fail(data: bytes) -> None:
    assert codes(data) == {"pdf_unreadable"}


@given(st.data())
def test_no_flipped_byte_makes_it_fail(good_pdf: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(good_pdf) - 1))
    preflight(good_pdf[:at] + bytes([data.draw(st.integers(0, 255))]) + good_pdf[at + 1 :])


def test_every_code_has_a_hint_and_a_fault() -> None:
    declared = {code for code in CODES if code.startswith(("x4_", "a2u_", "press_", "pdf_"))}
    assert set(HINTS) == declared
    tried_above = {"pdf_unreadable", "pdf_stream_damaged", "x4_no_id", "x4_encrypted", "x4_xmp_filtered", "x4_filter"}
    assert set(FAULTS) | tried_above == declared


def test_a_fault_on_many_pages_is_said_once_with_its_pages(good_pdf: bytes) -> None:
    def on_four_pages(pdf: pikepdf.Pdf) -> None:
        pdf.pages.append(pdf.pages[0])
        pdf.pages.append(pdf.pages[1])
        pdf.pages.append(pdf.pages[0])
        for number in (0, 1, 3):
            pdf.pages[number].contents_add(b"1 0 0 rg")

    (violation,) = preflight(rewritten(good_pdf, on_four_pages))
    assert (violation.code, violation.element) == ("x4_rgb", "pages 1-2, 4")


def test_the_file_is_named_when_it_is_read_from_disk(good_pdf: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cards-0001.pdf"
    path.write_bytes(rewritten(good_pdf, put(root, "/AA", pikepdf.Dictionary())))
    (violation,) = preflight(path)
    assert violation.file == "cards-0001.pdf"
    assert violation.element is not None
    assert violation.element.startswith("object ")


def test_verapdf_accepts_the_good_file(good_pdf: bytes) -> None:
    assert validate(good_pdf) == []


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        (show("1 0 0 rg 0 0 9 9 re f"), "6.2.4.3-2"),
        (FAULTS["x4_font_not_embedded"]["no program"], "6.2.11.4.1-1"),
        (FAULTS["a2u_to_unicode"]["none"], "6.2.11.7.2-1"),
        (FAULTS["a2u_output_intent"]["another profile object"], "6.2.3-2"),
        (FAULTS["x4_spot_differs"]["tints"], "6.2.4.4-2"),
    ],
)
def test_verapdf_refuses_a_bad_file_so_that_its_rules_are_known_to_be_loaded(
    good_pdf: bytes, change: Change, clause: str
) -> None:
    assert clause in validate(rewritten(good_pdf, change))


def test_a_trim_box_outside_the_bleed_breaks_both_rules(good_pdf: bytes) -> None:
    assert codes(rewritten(good_pdf, put(page, "/TrimBox", [-1, 9, 90, 90]))) == {"x4_box_nesting", "press_bleed"}


def test_the_harmless_neighbours_of_faults_pass(good_pdf: bytes) -> None:
    """What a rule must not take for a fault: strings, names and states that only look like one."""
    harmless = (
        state(BM=pikepdf.Name.Multiply, TR2=pikepdf.Name.Default),
        show("/Span <</ActualText (1 0 0 rg)>> BDC EMC % 1 0 0 rg\n"),
        show("0 0 0 1 k 0 0 0 1 K /DeviceCMYK cs 0 1 0 0 scn 0 0 9 9 re B"),
        show("/KO gs 0 0 0 0 k 1 0.7 0.7 0.6 K 0.25 w 0 0 9 9 re B"),
        show("/KO gs 0 0 0 0 k 1 1 1 1 K 0 w 0 0 9 9 re f 2 0 0 2 0 0 cm 0 0 0 1 K 0.125 w 0 0 9 9 re S"),
    )
    assert preflight(rewritten(good_pdf, both(*harmless))) == []
