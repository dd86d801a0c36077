"""PDF/UA-1 (ISO 14289-1:2014): what the file says of itself to who listens."""

from __future__ import annotations

from docgen.pdf.metadata import Schema, Standard

UA1 = Standard(
    name="PDF/UA-1",
    intent="",
    values=(("pdfuaid:part", "1"),),
    schemas=(
        Schema(
            "pdfuaid",
            "http://www.aiim.org/pdfua/ns/id/",
            "PDF/UA ID Schema",
            (("part", "Integer", "Part of ISO 14289"),),
        ),
    ),
)
