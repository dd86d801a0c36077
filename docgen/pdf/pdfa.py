"""PDF/A-2u and PDF/A-2a (ISO 19005-2:2011): what the file says of itself for the archive.

Every XMP property beyond the 2005 specification is described by an extension schema; `pdf:Trapped` is one of them.
"""

from __future__ import annotations

from dataclasses import replace

from docgen.pdf.metadata import Schema, Standard

A2U = Standard(
    name="PDF/A-2u",
    intent="GTS_PDFA1",
    values=(("pdfaid:part", "2"), ("pdfaid:conformance", "U")),
    schemas=(
        Schema(
            "pdf",
            "http://ns.adobe.com/pdf/1.3/",
            "Adobe PDF Schema",
            (("Trapped", "Text", "Whether the file has been trapped"),),
        ),
        Schema(
            "pdfaid",
            "http://www.aiim.org/pdfa/ns/id/",
            "PDF/A ID Schema",
            (("part", "Integer", "Part of ISO 19005"), ("conformance", "Text", "Conformance level")),
        ),
    ),
    describes_schemas=True,
)
# Level A is level U and tags (ISO 19005-2, 5.2).
A2A = replace(A2U, name="PDF/A-2a", values=(("pdfaid:part", "2"), ("pdfaid:conformance", "A")))
