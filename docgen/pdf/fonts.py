"""Fonts in a finished file: one subset per face, one Type0 font per layer of it.

CID = glyph number in the installed font file, so that a glyph's code never depends on the file it is in; the subset's
own glyph order is bridged by CIDToGIDMap. Each layer's ToUnicode is exact: base with selector, supplementary planes as
surrogate pairs (ISO 32000-1, 9.10.3).
"""

from __future__ import annotations

import hashlib
import string
import sys
import zlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import uharfbuzz as hb

from docgen.pdf.writer import PdfStream, name, number
from docgen.text.faces import Face, FontLibrary
from docgen.text.setting import Run

_DROPPED_TABLES = frozenset(
    int.from_bytes(tag, "big")
    for tag in (
        b"GSUB",
        b"GPOS",
        b"GDEF",
        b"BASE",
        b"VORG",
        b"vhea",
        b"vmtx",
        b"name",
        b"post",
        b"OS/2",
        b"cmap",
        b"meta",
        b"gasp",
    )
)
_FLAGS = int(hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE | hb.SubsetFlags.NO_LAYOUT_CLOSURE)
_ALL_NUMBERS = int(hb.SubsetFlags.RETAIN_GIDS)
_BFCHARS_PER_BLOCK = 100  # Adobe Technical Note 5014: at most 100 entries in a block
_UNSETTLED = 10_000  # runs: memory must not grow with the batch
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
        self._runs: set[Run] = set()
        self._numbers: defaultdict[str, set[int]] = defaultdict(set)

    def add(self, runs: Iterable[Run]) -> None:
        """Note runs of codes."""
        self._runs.update(runs)
        if len(self._runs) > _UNSETTLED:
            self._settle()

    def numbers(self) -> dict[str, set[int]]:
        """Glyph numbers by font."""
        self._settle()
        return {font: self._numbers[font] for font in sorted(self._numbers)}

    def _settle(self) -> None:
        codes: defaultdict[str, list[str]] = defaultdict(list)
        for font, shown in self._runs:
            codes[font].append(shown)
        for font, all_shown in codes.items():
            numbers = array("H", bytes.fromhex("".join(all_shown)))
            if sys.byteorder == "little":
                numbers.byteswap()
            self._numbers[font].update(numbers)
        self._runs.clear()


class Embedder:
    """Puts subsets of a library's faces into files; keeps what every file says alike of a glyph."""

    def __init__(self, library: FontLibrary) -> None:
        self._library = library
        self._sources: dict[str, hb.Face] = {}  # what subsets are made of, by face
        self._widths: dict[str, _Entries] = {}  # by face
        self._texts: dict[str, _Entries] = {}  # by font

    def prepare(self) -> None:
        """Have subsets made of the outlines and metrics alone of each face, all glyphs under their own numbers.

        That makes a small subset ten times as fast, and takes the memory of all outlines: for who makes many files. The
        subsets are the same. Hinting is left out of them: no press uses it.
        """
        for face in self._library.faces:
            if face.id not in self._sources:
                every = _wanted(range(face.hb_face.glyph_count), _ALL_NUMBERS)
                self._sources[face.id] = hb.SubsetPlan(face.hb_face, every).execute()

    def put(self, out: PdfStream, used: Mapping[str, Iterable[int]]) -> dict[str, int]:
        """Write every font that a file uses; returns the object number of each by its resource name."""
        by_face: defaultdict[str, dict[int, tuple[str, list[int]]]] = defaultdict(dict)
        for font, numbers in used.items():
            face_id, _, layer = font.partition(".")
            by_face[face_id][int(layer or 0)] = (font, sorted(numbers))
        objects: dict[str, int] = {}
        for face_id, layers in sorted(by_face.items()):
            objects.update(self._put_face(out, self._library.face(face_id), layers))
        return objects

    def _put_face(self, out: PdfStream, face: Face, layers: dict[int, tuple[str, list[int]]]) -> dict[str, int]:
        glyphs = sorted({glyph for _, numbers in layers.values() for glyph in numbers})
        base = f"{_tag(face, glyphs)}+{face.postscript_name}"
        descendant = self._put_descendant(out, face, base, glyphs)
        objects: dict[str, int] = {}
        for layer, (font, numbers) in sorted(layers.items()):
            texts = self._texts.setdefault(font, _Entries(partial(_text, face, layer)))
            table = out.put_stream(_to_unicode([texts[glyph] for glyph in numbers]))
            objects[font] = out.put(
                f"<</Type/Font/Subtype/Type0/BaseFont{name(base)}/Encoding/Identity-H"
                f"/DescendantFonts[{descendant} 0 R]/ToUnicode {table} 0 R>>"
            )
        return objects

    def _put_descendant(self, out: PdfStream, face: Face, base: str, glyphs: list[int]) -> int:
        program, new_numbers = _subset(self._sources.get(face.id, face.hb_face), glyphs)
        file = out.put_stream(program, f"/Length1 {len(program)}")
        # Nearly all of it is zeros: zlib is through them in a third of the time that libdeflate takes.
        gid_map = out.put_deflated(zlib.compress(_cid_to_gid(new_numbers, glyphs), 1))
        box = " ".join(number(value) for value in face.bounding_box)
        descriptor = out.put(
            f"<</Type/FontDescriptor/FontName{name(base)}/Flags {_SYMBOLIC}/FontBBox[{box}]"
            f"/ItalicAngle {number(face.italic_angle)}/Ascent {number(face.ascent * 1000)}"
            f"/Descent {number(-face.descent * 1000)}/CapHeight {number(face.cap_height)}"
            f"/StemV {face.stem_width}/FontFile2 {file} 0 R>>"
        )
        widths = self._widths.setdefault(face.id, _Entries(partial(_width, face)))
        return out.put(
            f"<</Type/Font/Subtype/CIDFontType2/BaseFont{name(base)}"
            "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
            f"/DW 1000/W[{''.join([widths[glyph] for glyph in glyphs])}]"
            f"/CIDToGIDMap {gid_map} 0 R/FontDescriptor {descriptor} 0 R>>"
        )


class _Entries(dict[int, str]):
    """From a glyph to what a font says of it, made when it is first asked for."""

    def __init__(self, make: Callable[[int], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, glyph: int) -> str:
        entry = self[glyph] = self._make(glyph)
        return entry


def _width(face: Face, glyph: int) -> str:
    """A glyph's entry in a font's widths."""
    return f"{glyph}[{number(face.advance(glyph))}]"


def _text(face: Face, layer: int, glyph: int) -> str:
    """A glyph's entry in the ToUnicode table of a layer."""
    return f"<{glyph:04x}> <{face.text(layer, glyph).encode('utf-16-be').hex()}>"


def _cid_to_gid(new_numbers: Mapping[int, int], glyphs: Sequence[int]) -> bytes:
    """The table from a glyph's number in the installed file to that in the subset (ISO 32000-1, 9.7.4.2)."""
    table = array("H", bytes(2 * (glyphs[-1] + 1)))
    for glyph in glyphs:
        table[glyph] = new_numbers[glyph]
    if sys.byteorder == "little":
        table.byteswap()
    return table.tobytes()


def _subset(source: hb.Face, glyphs: Sequence[int]) -> tuple[bytes, Mapping[int, int]]:
    """A face with these glyphs only, and their new numbers in it."""
    plan = hb.SubsetPlan(source, _wanted(glyphs))
    return plan.execute().blob.data, dict(plan.old_to_new_glyph_mapping.items())


def _wanted(glyphs: Iterable[int], flags: int = 0) -> hb.SubsetInput:
    wanted = hb.SubsetInput()
    wanted.glyph_set.update(glyphs)
    wanted.flags = _FLAGS | flags
    wanted.drop_table_tag_set.update(_DROPPED_TABLES)
    return wanted


def _tag(face: Face, glyphs: list[int]) -> str:
    """The six letters before a subset's name (ISO 32000-1, 9.6.4), made from what is in it."""
    digest = hashlib.sha256(f"{face.id}:{glyphs}".encode("ascii")).digest()
    return "".join(string.ascii_uppercase[byte % 26] for byte in digest[:6])


def _to_unicode(entries: Sequence[str]) -> bytes:
    parts = [_TO_UNICODE_HEAD]
    for at in range(0, len(entries), _BFCHARS_PER_BLOCK):
        block = entries[at : at + _BFCHARS_PER_BLOCK]
        parts.append(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n")
    return "".join([*parts, _TO_UNICODE_TAIL]).encode("ascii")
