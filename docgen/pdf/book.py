"""A finished file, page by page: PDF/X-4 and PDF/A-2u in one, written as a stream.

All pages share one resource dictionary, written last, when the fonts, forms and spot colours in use are known. What the
file holds is decided by its pages, its title and its date alone: same input, same bytes.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, NamedTuple

from docgen.compose.placed import Geometry, Ink, PlacedSide, StaticPart
from docgen.errors import AssetError, Violation
from docgen.pdf.art import STATES
from docgen.pdf.fonts import Embedder, UsedGlyphs
from docgen.pdf.icc import OutputProfile
from docgen.pdf.metadata import FileInfo, Standard, info_dictionary, xmp_packet
from docgen.pdf.page import Form, PagePainter
from docgen.pdf.pdfa import A2U
from docgen.pdf.pdfx import X4
from docgen.pdf.writer import PdfStream, name, number, text_string
from docgen.units import PT_PER_MM

UNREGISTERED = "Custom"  # the identifier of a condition that no registry has
_PAGES_PER_NODE = 256


@dataclass(frozen=True)
class OutputIntent:
    """The printing condition of a file. `registry` is the URI of the registry that has the identifier.

    Raises AssetError `icc_stand_in` for a condition that the profile is not of.
    """

    profile: OutputProfile
    identifier: str
    info: str = ""
    registry: str | None = None

    def __post_init__(self) -> None:
        if self.profile.is_stand_in and (self.identifier != UNREGISTERED or self.registry):
            message = f"the printing condition is {self.identifier}, but the profile is {self.profile.description}"
            hint = f"set the output profile to that of {self.identifier}, or leave the condition at {UNREGISTERED}"
            raise AssetError(Violation("icc_stand_in", message, hint))

    @property
    def words(self) -> str:
        """The condition in words: those that were given, or else the profile's own name."""
        if self.info:
            return self.info
        words = self.profile.description or "a profile without a name"
        if self.profile.is_stand_in:
            words = f"Stand-in: {words}"
        return f"{words}, not a registered printing condition" if self.identifier == UNREGISTERED else words

    @cached_property
    def deflated_profile(self) -> bytes:
        """The colour profile's bytes, deflated once for all files."""
        return zlib.compress(self.profile.data, 9)

    def dictionary(self, subtype: str, profile_object: int) -> str:
        """The output intent dictionary (ISO 32000-1, 14.11.5)."""
        registry = f"/RegistryName{text_string(self.registry)}" if self.registry else ""
        return (
            f"<</Type/OutputIntent/S/{subtype}/OutputConditionIdentifier{text_string(self.identifier)}"
            f"/Info{text_string(self.words)}{registry}/DestOutputProfile {profile_object} 0 R>>"
        )


class WrittenPage(NamedTuple):
    """One page of a file: its number from 1, its side, its trim size in mm, the SHA-256 of its content and boxes."""

    number: int
    side: str
    width: float
    height: float
    sha256: str


class Book:
    """Writes one file. `add` the sides in page order, then `finish`."""

    standards: tuple[Standard, ...] = (X4, A2U)

    def __init__(
        self, stream: BinaryIO, info: FileInfo, intent: OutputIntent, embedder: Embedder, painter: PagePainter
    ) -> None:
        self._out = PdfStream(stream)
        self._info, self._intent, self._embedder, self._painter = info, intent, embedder, painter
        self._catalog, self._pages, self._resources = (self._out.reserve() for _ in range(3))
        self._used = UsedGlyphs()
        self._forms: dict[str, int] = {}
        self._spots: dict[str, Ink] = {}
        self._boxes: dict[Geometry, bytes] = {}
        self._static: set[StaticPart] = set()
        self._nodes: list[tuple[int, int]] = []
        self._node = 0
        self._kids: list[int] = []
        self.page_count = 0

    def add(self, side: PlacedSide) -> WrittenPage:
        """Write one page."""
        for placed in side.forms:
            if placed.static not in self._static:
                self._static.add(placed.static)
                self._put_form(self._painter.form(placed), placed.geometry)
        return self._put_page(side, self._painter.content(side, self._used))

    def _put_page(
        self, side: PlacedSide, content: bytes, entries: bytes = b"", number_: int | None = None
    ) -> WrittenPage:
        """Write one page with its content; `entries` are further keys of its dictionary."""
        geometry, out = side.geometry, self._out
        boxes = self._boxes.get(geometry) or self._boxes.setdefault(geometry, _boxes(geometry))
        stream = out.put_stream(content)
        if not self._kids:
            self._node = out.reserve()
        page = b"<</Type/Page/Parent %d 0 R%b/Resources %d 0 R/Contents %d 0 R%b>>"
        self._kids.append(out.put(page % (self._node, boxes, self._resources, stream, entries), number_))
        self.page_count += 1
        if len(self._kids) == _PAGES_PER_NODE:
            self._close_node()
        digest = hashlib.sha256(content + boxes).hexdigest()
        return WrittenPage(self.page_count, side.name, geometry.width, geometry.height, digest)

    def finish(self) -> str:
        """Write fonts, resources, metadata and the cross-reference table; returns the file's SHA-256.

        The stream stays open.
        """
        if self._kids:
            self._close_node()
        out = self._out
        self._put_resources()
        kids = " ".join(f"{node} 0 R" for node, _ in self._nodes)
        out.put(f"<</Type/Pages/Kids[{kids}]/Count {self.page_count}>>", self._pages)
        profile = out.put_deflated(self._intent.deflated_profile, "/N 4/Alternate/DeviceCMYK")
        intents = " ".join(
            f"{out.put(self._intent.dictionary(standard.intent, profile))} 0 R"
            for standard in self.standards
            if standard.intent
        )
        entries = self._catalog_entries()
        packet = xmp_packet(self._info, out.digest[:32], self.standards)
        metadata = out.put_raw_stream(packet, "/Type/Metadata/Subtype/XML")
        out.put(
            f"<</Type/Catalog/Pages {self._pages} 0 R/Metadata {metadata} 0 R/OutputIntents[{intents}]/Lang(ja-JP)"
            f"{entries}>>",
            self._catalog,
        )
        info = out.put(info_dictionary(self._info))
        out.finish(self._catalog, info)
        return out.digest

    def _catalog_entries(self) -> str:
        """Further keys of the catalog."""
        return ""

    def _close_node(self) -> None:
        kids = " ".join(f"{kid} 0 R" for kid in self._kids)
        self._out.put(f"<</Type/Pages/Parent {self._pages} 0 R/Kids[{kids}]/Count {len(self._kids)}>>", self._node)
        self._nodes.append((self._node, len(self._kids)))
        self._kids = []

    def _put_form(self, form: Form, geometry: Geometry) -> None:
        if form.name in self._forms:
            return
        width, height = media_size(geometry)
        entries = (
            f"/Type/XObject/Subtype/Form/BBox[0 0 {number(width)} {number(height)}]/Resources {self._resources} 0 R"
        )
        self._forms[form.name] = self._out.put_deflated(form.deflated, entries)
        self._spots.update(form.spots)
        self._used.add(form.runs)

    def _put_resources(self) -> None:
        out = self._out
        fonts = self._embedder.put(out, self._used.numbers())
        spaces = {spot: self._separation(spot, ink) for spot, ink in sorted(self._spots.items())}
        parts = [
            _references("Font", fonts),
            _references("XObject", self._forms),
            _references("ColorSpace", spaces),
            f"/ExtGState<<{STATES}>>",
        ]
        out.put(f"<<{''.join(parts)}>>", self._resources)

    def _separation(self, spot: str, ink: Ink) -> int:
        full = " ".join(number(value / 100) for value in ink[:4])
        tint = f"<</FunctionType 2/Domain[0 1]/C0[0 0 0 0]/C1[{full}]/N 1>>"
        return self._out.put(f"[/Separation{name(spot)}/DeviceCMYK{tint}]")


def _references(kind: str, objects: dict[str, int]) -> str:
    return f"/{kind}<<" + "".join(f"{name(key)} {num} 0 R" for key, num in objects.items()) + ">>" if objects else ""


def media_size(geometry: Geometry) -> tuple[float, float]:
    """A page's width and height in points, with its bleed."""
    return (
        (geometry.width + 2 * geometry.bleed) * PT_PER_MM,
        (geometry.height + 2 * geometry.bleed) * PT_PER_MM,
    )


def _boxes(geometry: Geometry) -> bytes:
    width, height = media_size(geometry)
    bleed = geometry.bleed * PT_PER_MM
    trim = " ".join(number(value) for value in (bleed, bleed, width - bleed, height - bleed))
    media = f"0 0 {number(width)} {number(height)}"
    return f"/MediaBox[{media}]/BleedBox[{media}]/TrimBox[{trim}]".encode("ascii")
