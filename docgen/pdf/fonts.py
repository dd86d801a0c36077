"""Fonts in a finished file: one subset per face, one Type0 font per layer of it.

CID = glyph number in the installed font file, so that a glyph's code never depends on the file it is in; the subset's
own glyph order is bridged by CIDToGIDMap. Each layer's ToUnicode is exact: base with selector, supplementary planes as
surrogate pairs (ISO 32000-1, 9.10.3).
"""

from __future__ import annotations

import hashlib
import string
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping

import uharfbuzz as hb

from docgen.pdf.writer import PdfStream, name, number
from docgen.text.faces import Face, FontLibrary

_DROPPED_TABLES = (
    "GSUB",
    "GPOS",
    "GDEF",
    "BASE",
    "VORG",
    "vhea",
    "vmtx",
    "name",
    "post",
    "OS/2",
    "cmap",
    "meta",
    "gasp",
)
_BFCHARS_PER_BLOCK = 100  # Adobe Technical Note 5014: at most 100 entries in a block
_SYMBOLIC = 4  # ISO 32000-1, table 123: the font holds glyphs outside the Adobe standard Latin set
_TO_UNICODE_HEAD = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
"""
_TO_UNICODE_TAIL = "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"


class UsedGlyphs:
    """Which glyph codes of which font a file shows, gathered run by run."""

    def __init__(self) -> None:
        self._runs: defaultdict[str, set[str]] = defaultdict(set)
        self._numbers: defaultdict[str, set[int]] = defaultdict(set)

    def add(self, font: str, codes: str) -> None:
        """Note a run of codes, four hex digits each."""
        runs = self._runs[font]
        runs.add(codes)
        if len(runs) > 20_000:  # memory must not grow with the batch
            self._settle(font)

    def numbers(self) -> dict[str, set[int]]:
        """Glyph numbers by font."""
        for font in list(self._runs):
            self._settle(font)
        return {font: self._numbers[font] for font in sorted(self._numbers)}

    def _settle(self, font: str) -> None:
        numbers = array("H", bytes.fromhex("".join(self._runs[font])))
        if sys.byteorder == "little":
            numbers.byteswap()
        self._numbers[font].update(numbers)
        self._runs[font].clear()


def put_fonts(out: PdfStream, used: Mapping[str, Iterable[int]], library: FontLibrary) -> dict[str, int]:
    """Write every font that a file uses; returns the object number of each by its resource name."""
    by_face: defaultdict[str, dict[int, tuple[str, list[int]]]] = defaultdict(dict)
    for font, numbers in used.items():
        face_id, _, layer = font.partition(".")
        by_face[face_id][int(layer or 0)] = (font, sorted(numbers))
    objects: dict[str, int] = {}
    for face_id, layers in sorted(by_face.items()):
        objects.update(_put_face(out, library.face(face_id), layers))
    return objects


def _put_face(out: PdfStream, face: Face, layers: dict[int, tuple[str, list[int]]]) -> dict[str, int]:
    glyphs = sorted({glyph for _, numbers in layers.values() for glyph in numbers})
    program, new_numbers = _subset(face, glyphs)
    base = f"{_tag(face, glyphs)}+{face.postscript_name}"
    descendant = _put_descendant(out, face, base, glyphs, program, new_numbers)
    objects: dict[str, int] = {}
    for layer, (font, numbers) in sorted(layers.items()):
        table = out.put_stream(_to_unicode({glyph: face.text(layer, glyph) for glyph in numbers}))
        objects[font] = out.put(
            f"<</Type/Font/Subtype/Type0/BaseFont{name(base)}/Encoding/Identity-H"
            f"/DescendantFonts[{descendant} 0 R]/ToUnicode {table} 0 R>>"
        )
    return objects


def _put_descendant(
    out: PdfStream, face: Face, base: str, glyphs: list[int], program: bytes, new_numbers: Mapping[int, int]
) -> int:
    file = out.put_stream(program, f"/Length1 {len(program)}")
    cid_to_gid = bytearray(2 * (glyphs[-1] + 1))
    for glyph in glyphs:
        cid_to_gid[2 * glyph : 2 * glyph + 2] = new_numbers[glyph].to_bytes(2, "big")
    gid_map = out.put_stream(bytes(cid_to_gid))
    box = " ".join(number(value) for value in face.bounding_box)
    descriptor = out.put(
        f"<</Type/FontDescriptor/FontName{name(base)}/Flags {_SYMBOLIC}/FontBBox[{box}]"
        f"/ItalicAngle {number(face.italic_angle)}/Ascent {number(face.ascent * 1000)}"
        f"/Descent {number(-face.descent * 1000)}/CapHeight {number(face.cap_height)}"
        f"/StemV {face.stem_width}/FontFile2 {file} 0 R>>"
    )
    widths = "".join(f"{glyph}[{number(face.advance(glyph))}]" for glyph in glyphs)
    return out.put(
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont{name(base)}"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        f"/DW 1000/W[{widths}]/CIDToGIDMap {gid_map} 0 R/FontDescriptor {descriptor} 0 R>>"
    )


def prepare(face: Face) -> None:
    """Have subsets of a face made of its outlines and metrics alone, all glyphs under their own numbers.

    That makes a small subset ten times as fast, and takes the memory of all outlines: for who makes many files. The
    subsets are the same. Hinting is left out of them: no press uses it.
    """
    if face.source is face.hb_face:
        every = _wanted(range(face.hb_face.glyph_count), hb.SubsetFlags.RETAIN_GIDS)
        face.source = hb.SubsetPlan(face.hb_face, every).execute()


def _subset(face: Face, glyphs: list[int]) -> tuple[bytes, Mapping[int, int]]:
    """The face with these glyphs only, and their new numbers in it."""
    plan = hb.SubsetPlan(face.source, _wanted(glyphs))
    return plan.execute().blob.data, dict(plan.old_to_new_glyph_mapping)


def _wanted(glyphs: Iterable[int], flags: int = 0) -> hb.SubsetInput:
    wanted = hb.SubsetInput()
    wanted.glyph_set.update(glyphs)
    wanted.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE | hb.SubsetFlags.NO_LAYOUT_CLOSURE | flags
    for tag in _DROPPED_TABLES:
        wanted.drop_table_tag_set.add(int.from_bytes(tag.encode("ascii"), "big"))
    return wanted


def _tag(face: Face, glyphs: list[int]) -> str:
    """The six letters before a subset's name (ISO 32000-1, 9.6.4), made from what is in it."""
    digest = hashlib.sha256(f"{face.id}:{glyphs}".encode("ascii")).digest()
    return "".join(string.ascii_uppercase[byte % 26] for byte in digest[:6])


def _to_unicode(texts: Mapping[int, str]) -> bytes:
    entries = [f"<{glyph:04x}> <{text.encode('utf-16-be').hex()}>" for glyph, text in sorted(texts.items())]
    parts = [_TO_UNICODE_HEAD]
    for at in range(0, len(entries), _BFCHARS_PER_BLOCK):
        block = entries[at : at + _BFCHARS_PER_BLOCK]
        parts.append(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n")
    return "".join([*parts, _TO_UNICODE_TAIL]).encode("ascii")
