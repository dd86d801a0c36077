"""What a file says about itself: the Info dictionary and the XMP packet, always in step.

Each standard (`pdfx`, `pdfa`) contributes its properties and, for PDF/A, the description of every schema that XMP 2005
does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape, unescape

from docgen import __version__
from docgen.pdf.writer import text_string

PRODUCER = f"docgen {__version__}"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_INFO_TITLE = re.compile(rb"<</Title.*?(?=/Creator\()", re.DOTALL)
_XMP_TITLE = re.compile(rb'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">([^<]*)</rdf:li>')
_BASE_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
}


@dataclass(frozen=True, slots=True)
class Schema:
    """An XMP schema with the properties that a standard writes: (name, value type, description)."""

    prefix: str
    namespace: str
    title: str
    properties: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Standard:
    """What one standard adds to a file: its output intent's subtype if any, its XMP values, the schemas behind them."""

    name: str
    intent: str
    values: tuple[tuple[str, str], ...]
    schemas: tuple[Schema, ...]
    describes_schemas: bool = False


@dataclass(frozen=True, slots=True)
class FileInfo:
    """Title and date of a file. The date is the documents' issue date, at midnight in Japan: never the clock."""

    title: str
    issued_on: date

    @property
    def pdf_date(self) -> str:
        """The date as PDF writes it (ISO 32000-1, 7.9.4)."""
        return f"D:{self.issued_on:%Y%m%d}000000+09'00'"

    @property
    def iso_date(self) -> str:
        """The date as XMP writes it."""
        return f"{self.issued_on:%Y-%m-%d}T00:00:00+09:00"


def titled(name: str, document: str) -> str:
    """The title of a file of many documents: its name, by which a press queue tells it from others, and the document's.

    A file without a name is titled as its document is.
    """
    return f"{name} {document}" if name else document


def retitled(dictionary: bytes, packet: bytes, name: str) -> tuple[bytes, bytes]:
    """The Info dictionary and the XMP packet of a file as `titled`, under another name. Raises ValueError if they are
    not as `info_dictionary` and `xmp_packet` write them.
    """
    found = _XMP_TITLE.search(packet)
    if found is None or _INFO_TITLE.match(dictionary) is None:
        raise ValueError("the file has no title of ours")
    title = titled(name, unescape(found[1].decode()).partition(" ")[2])
    start, end = found.span(1)
    entry = f"<</Title{text_string(title)}".encode("ascii")
    return _INFO_TITLE.sub(lambda _: entry, dictionary), packet[:start] + escape(title).encode() + packet[end:]


def info_dictionary(info: FileInfo) -> str:
    """The Info dictionary; its values are those of the XMP packet."""
    return (
        f"<</Title{text_string(info.title)}/Creator({PRODUCER})/Producer({PRODUCER})"
        f"/CreationDate({info.pdf_date})/ModDate({info.pdf_date})/Trapped/False>>"
    )


def xmp_packet(info: FileInfo, document_id: str, standards: Iterable[Standard]) -> bytes:
    """The XMP packet (ISO 16684-1). `document_id` is 32 hex digits."""
    chosen = tuple(standards)
    schemas = tuple(dict.fromkeys(schema for standard in chosen for schema in standard.schemas))
    namespaces = _BASE_NAMESPACES | {schema.prefix: schema.namespace for schema in schemas}
    uuid = "-".join((document_id[:8], document_id[8:12], document_id[12:16], document_id[16:20], document_id[20:]))
    values = [
        ("xmp:CreateDate", info.iso_date),
        ("xmp:ModifyDate", info.iso_date),
        ("xmp:MetadataDate", info.iso_date),
        ("xmp:CreatorTool", PRODUCER),
        ("pdf:Producer", PRODUCER),
        ("pdf:Trapped", "False"),
        ("xmpMM:DocumentID", f"uuid:{uuid}"),
        ("xmpMM:VersionID", "1"),
        ("xmpMM:RenditionClass", "default"),
        *(value for standard in chosen for value in standard.values),
    ]
    body = "\n".join(f"<{key}>{escape(value)}</{key}>" for key, value in values)
    described = _extension_schemas(schemas) if any(standard.describes_schemas for standard in chosen) else ""
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in namespaces.items())
    title = f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(info.title)}</rdf:li></rdf:Alt></dc:title>'
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">\n'
        f'<rdf:Description rdf:about=""{declared}>\n<dc:format>application/pdf</dc:format>\n{title}\n{body}\n'
        f"</rdf:Description>\n{described}</rdf:RDF></x:xmpmeta>\n"
        '<?xpacket end="r"?>'
    ).encode()


def _extension_schemas(schemas: Iterable[Schema]) -> str:
    described = "".join(_describe(schema) for schema in schemas)
    return (
        '<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
        ' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
        ' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">\n'
        f"<pdfaExtension:schemas><rdf:Bag>{described}</rdf:Bag></pdfaExtension:schemas>\n</rdf:Description>\n"
    )


def _describe(schema: Schema) -> str:
    properties = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{key}</pdfaProperty:name><pdfaProperty:valueType>{kind}</pdfaProperty:valueType>"
        "<pdfaProperty:category>internal</pdfaProperty:category>"
        f"<pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>"
        for key, kind, meaning in schema.properties
    )
    return (
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaSchema:schema>{schema.title}</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{schema.namespace}</pdfaSchema:namespaceURI>"
        f"<pdfaSchema:prefix>{schema.prefix}</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property></rdf:li>\n"
    )
