"""PDF/X-4 (ISO 15930-7:2010): what the file says of itself for the press."""

from __future__ import annotations

from docgen.pdf.metadata import Schema, Standard

X4 = Standard(
    name="PDF/X-4",
    intent="GTS_PDFX",
    values=(("pdfxid:GTS_PDFXVersion", "PDF/X-4"),),
    schemas=(
        Schema(
            "pdfxid",
            "http://www.npes.org/pdfx/ns/id/",
            "PDF/X ID Schema",
            (("GTS_PDFXVersion", "Text", "Version of PDF/X that the file conforms to"),),
        ),
    ),
)
