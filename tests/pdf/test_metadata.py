from __future__ import annotations

from datetime import date
from xml.etree import ElementTree

import pikepdf
from hypothesis import given
from hypothesis import strategies as st

from docgen.pdf.metadata import FileInfo, info_dictionary, retitled, titled, xmp_packet
from docgen.pdf.pdfa import A2U
from docgen.pdf.pdfx import X4

TITLES = st.text(st.characters(categories=["L", "N", "P", "S"]) | st.just(" "), min_size=1)


@given(title=TITLES)
def test_a_title_under_another_name_is_written_as_if_it_had_been_so(title: str) -> None:
    before, after = (FileInfo(titled(name, title), date(2025, 8, 1)) for name in ("S01-cards-0001", "S01-RABC-cards-1"))
    packets = [xmp_packet(info, "0" * 32, (X4, A2U)) for info in (before, after)]
    dictionaries = [info_dictionary(info).encode() for info in (before, after)]
    assert retitled(dictionaries[0], packets[0], "S01-RABC-cards-1") == (dictionaries[1], packets[1])
    assert str(pikepdf.Object.parse(dictionaries[1])["/Title"]) == f"S01-RABC-cards-1 {title}"
    (read,) = ElementTree.fromstring(packets[1]).iter("{http://purl.org/dc/elements/1.1/}title")
    assert "".join(read.itertext()) == f"S01-RABC-cards-1 {title}"
