"""Hold a finished file against PDF/X-4, what PDF/A-2u adds, and the house's own rules for print.

Codes say whose rule it is: `x4_` PDF/X-4 (ISO 15930-7:2010), `a2u_` PDF/A-2u (ISO 19005-2:2011; veraPDF checks more of
it), `press_` docgen's own: CMYK and spot colours only, black text overprints, nothing on a page that a press does not
print. pypdf is all that is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pypdf.errors import PyPdfError

from docgen.errors import Violation
from docgen.pdf.checks import document, metadata, objects, operators, pages, painted
from docgen.pdf.checks.subject import Finding, Subject

RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    document.header,
    document.file_identifier,
    document.output_intent,
    document.archive_intent,
    document.viewer_preferences,
    document.interactive,
    metadata.packet,
    metadata.properties,
    metadata.trapped,
    metadata.same_in_both,
    pages.page_dictionaries,
    objects.compressed,
    objects.all_objects,
    operators.page_operators,
    painted.painted,
)

# What to do about each code. Its keys are all the codes that preflight can give.
HINTS = {
    "pdf_unreadable": "check that the file is a PDF and was copied whole",
    "pdf_stream_damaged": "fetch the file again: its bytes have changed on the way, or on the disk",
    "x4_header": "write the file as PDF 1.6 or lower",
    "x4_no_id": "give the trailer an /ID of two strings",
    "x4_encrypted": "write the file without a password: protect the way it travels instead",
    "x4_output_intent": "state one GTS_PDFX output intent with the printing condition's identifier",
    "x4_output_profile": "embed the press's CMYK output profile (ICC version 4 or lower)",
    "x4_no_xmp": "give the catalog an XMP stream as /Metadata",
    "x4_xmp_filtered": "write the XMP stream without compression",
    "x4_xmp_key": "write the property into the XMP",
    "x4_info_mismatch": "write the same value into the document information and the XMP",
    "x4_trapped": "state /Trapped as /True or /False, the same in Info and XMP",
    "x4_no_trim_box": "give each page a /TrimBox and no /ArtBox",
    "x4_box_nesting": "make the trim box stand inside the bleed box, and that inside the media box",
    "x4_page_key": "take the key off the page, and draw the page upright",
    "x4_group_space": "give the page /Group /S /Transparency /CS /DeviceCMYK",
    "x4_rgb": "convert it to CMYK or to a spot colour",
    "x4_icc_is_intent": "paint with DeviceCMYK: the output intent already says which",
    "x4_spot_differs": "use one alternate and one tint function for each spot colour",
    "x4_font_not_embedded": "embed the font",
    "x4_font_widths": "write the font's widths",
    "x4_font_encoding": "use Identity-H, or embed the CMap",
    "x4_transfer": "take /TR, /TR2 and /HTP out of the graphics state",
    "x4_halftone": "leave the screening to the press",
    "x4_blend_mode": "use a standard blend mode",
    "x4_xobject": "put the picture itself into the file, as an image or a form",
    "x4_filter": "compress with Flate",
    "x4_action": "take actions and scripts out",
    "x4_viewer_preferences": "set it to /MediaBox or /BleedBox, or leave it out",
    "x4_content": "write the content stream anew: its operators or resources are wrong",
    "a2u_output_intent": "state a GTS_PDFA1 output intent that refers to the same profile object",
    "a2u_identification": "write pdfaid:part 2 and pdfaid:conformance U (A for a tagged file) into the XMP",
    "a2u_to_unicode": "write a /ToUnicode with the text of every glyph",
    "a2u_notdef": "use a font that has the character",
    "press_bleed": "let the grounds run 3 mm over the trim on all sides, and set /BleedBox around them",
    "press_grey": "paint with the black ink of CMYK",
    "press_colour_space": "use DeviceCMYK or a spot colour",
    "press_text_overprint": "set black text to overprint: /OP and /op true, /OPM 1",
    "press_white_overprint": "let white knock out: /OP and /op false",
    "press_hairline": "make the line at least 0.25 pt wide (0.09 mm)",
    "press_total_ink": "lower the colour's inks to 300% in all, or paint black with K alone",
    "press_hidden_text": "take text that does not print out of the file",
    "press_image_resolution": "use a larger image, or vectors",
    "press_annotation": "take annotations and form fields out",
    "press_optional_content": "write one file per version instead of layers",
    "press_attachment": "take the embedded file out",
}


def preflight(source: Path | bytes) -> list[Violation]:
    """Everything that is wrong with a file, each fault once with all its pages; empty for a good one.

    A file that cannot be read gives `pdf_unreadable`, never an exception; OSError passes. `element` says where: pages,
    numbered from 1, or object numbers. No message quotes the file's text.
    """
    data, name = (source, None) if isinstance(source, bytes) else (source.read_bytes(), source.name)
    places: dict[tuple[str, str], list[str]] = {}
    for finding in _findings(data):
        places.setdefault((finding.code, finding.message), []).append(finding.place)
    return [
        Violation(code, message, HINTS[code], element=_joined(found) or None, file=name)
        for (code, message), found in places.items()
    ]


def _findings(data: bytes) -> Iterator[Finding]:
    try:
        subject = Subject(data)
        len(subject.reader.pages)
    except Exception as error:  # whatever pypdf trips over in a foreign file is the finding
        if _is_encrypted(data):
            yield Finding("x4_encrypted", "the file is encrypted")
        else:
            yield Finding("pdf_unreadable", f"the file cannot be read: {_reason(error)}")
        return
    if "/Encrypt" in subject.reader.trailer:
        yield Finding("x4_encrypted", "the file is encrypted")
        return
    for rule in RULES:
        try:
            yield from rule(subject)
        except Exception as error:
            yield Finding("pdf_unreadable", f"the file is damaged, seen by {rule.__name__}: {_reason(error)}")


def _is_encrypted(data: bytes) -> bool:
    return b"/Encrypt" in data[-2048:]  # pypdf could not open it, so the trailer is read as text


def _reason(error: Exception) -> str:
    """The error's kind, and its words only where they are pypdf's: others may quote the file."""
    words = re.sub(r"\s+", " ", str(error))[:200] if isinstance(error, PyPdfError) else ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _joined(places: list[str]) -> str:
    """`page 1`, `page 2`, `page 3`, `object 7` as `pages 1-3, object 7`."""
    parts = []
    for kind in ("page", "object"):
        numbers = sorted({int(place.split()[1]) for place in places if place.startswith(kind)})
        if numbers:
            parts.append(f"{kind}{'s' * (len(numbers) > 1)} {_ranges(numbers)}")
    return ", ".join(parts)


def _ranges(numbers: list[int]) -> str:
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in ranges)
