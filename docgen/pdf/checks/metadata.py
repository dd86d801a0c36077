"""Rules on XMP and the document information: what the file says it is, twice and equal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from pypdf.generic import StreamObject

from docgen.pdf.checks.subject import Finding, Subject
from docgen.pdf.interpreter import get

_DC = "{http://purl.org/dc/elements/1.1/}"
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_MM = "{http://ns.adobe.com/xap/1.0/mm/}"
_PDF = "{http://ns.adobe.com/pdf/1.3/}"
_PDFX = "{http://www.npes.org/pdfx/ns/id/}"
_PDFA = "{http://www.aiim.org/pdfa/ns/id/}"

_REQUIRED = {
    "dc:title": _DC + "title",
    "xmp:CreateDate": _XMP + "CreateDate",
    "xmp:ModifyDate": _XMP + "ModifyDate",
    "xmp:MetadataDate": _XMP + "MetadataDate",
    "xmpMM:DocumentID": _MM + "DocumentID",
    "xmpMM:VersionID": _MM + "VersionID",
    "xmpMM:RenditionClass": _MM + "RenditionClass",
}
_SAME_TEXT = {
    "/Title": _DC + "title",
    "/Author": _DC + "creator",
    "/Subject": _DC + "description",
    "/Keywords": _PDF + "Keywords",
    "/Creator": _XMP + "CreatorTool",
    "/Producer": _PDF + "Producer",
}
_SAME_DATE = {"/CreationDate": _XMP + "CreateDate", "/ModDate": _XMP + "ModifyDate"}
_PDF_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:Z(?:00'00'?)?|([+-]\d\d)'(\d\d)'?)")


def packet(subject: Subject) -> Iterator[Finding]:
    """An XMP stream that any tool can find without decoding."""
    stream = get(subject.root, "/Metadata")
    if not isinstance(stream, StreamObject):
        yield Finding("x4_no_xmp", "the catalog has no /Metadata stream")
        return
    if get(stream, "/Type") != "/Metadata" or get(stream, "/Subtype") != "/XML":
        yield Finding("x4_no_xmp", "the metadata stream is not /Type /Metadata /Subtype /XML")
    if "/Filter" in stream:
        yield Finding("x4_xmp_filtered", "the metadata stream has a /Filter")
    if not subject.xmp:
        yield Finding("x4_no_xmp", "the metadata stream is no XMP that can be read")


def properties(subject: Subject) -> Iterator[Finding]:
    """PDF/X-4's own key, the properties it asks for, and the level of PDF/A."""
    if not subject.xmp:
        return
    if subject.xmp.get(_PDFX + "GTS_PDFXVersion") != "PDF/X-4":
        yield Finding("x4_xmp_key", "pdfxid:GTS_PDFXVersion is not PDF/X-4")
    for shown, name in _REQUIRED.items():
        if not subject.xmp.get(name, "").strip():
            yield Finding("x4_xmp_key", f"{shown} is missing")
    level = (subject.xmp.get(_PDFA + "part"), subject.xmp.get(_PDFA + "conformance"))
    if level not in (("2", "U"), ("2", "A")):  # level A is level U and tags
        yield Finding("a2u_identification", "pdfaid:part and pdfaid:conformance are not 2 and U, nor 2 and A")


def trapped(subject: Subject) -> Iterator[Finding]:
    """Trapped is stated, True or False, and the same in both places."""
    raw = get(subject.info, "/Trapped")
    stated = [str(raw).removeprefix("/")] if raw is not None else []
    stated += [subject.xmp[_PDF + "Trapped"]] if _PDF + "Trapped" in subject.xmp else []
    if not stated:
        yield Finding("x4_trapped", "/Trapped is not stated")
    elif set(stated) not in ({"True"}, {"False"}):
        yield Finding("x4_trapped", "/Trapped is neither True nor False, or not the same in XMP")


def same_in_both(subject: Subject) -> Iterator[Finding]:
    """What the document information says, XMP says."""
    if not subject.xmp:
        return
    for key, name in _SAME_TEXT.items():
        value = get(subject.info, key)
        if value is not None and str(value) != subject.xmp.get(name, ""):
            yield Finding("x4_info_mismatch", f"{key} is not what XMP says")
    for key, name in _SAME_DATE.items():
        value = get(subject.info, key)
        if value is not None and (_instant(str(value)) is None or _instant(str(value)) != _xmp_instant(subject, name)):
            yield Finding("x4_info_mismatch", f"{key} is not the moment that XMP says")


def _instant(text: str) -> datetime | None:
    found = _PDF_DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, zone, zone_minute = found.groups()
    return _from_iso(f"{year}-{month}-{day}T{hour}:{minute}:{second}{zone or '+00'}:{zone_minute or '00'}")


def _xmp_instant(subject: Subject, name: str) -> datetime | None:
    return _from_iso(subject.xmp.get(name, ""))


def _from_iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
