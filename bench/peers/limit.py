"""The limit: the same card as a PDF put together by hand, for this one card and no other.

No layout, no measuring of texts, no rules, no conformance: what is left when all that docgen does for its users is
taken away. Strings per field are ready, a symbol is drawn by a table from eight modules to path operators, every
stream is compressed at zlib's level 1. It encodes symbols with docgen's own encoder, so that the two are alike in that.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from operator import getitem
from pathlib import Path
from typing import BinaryIO

import uharfbuzz as hb

from bench.card import MODULES, Card, Record, Side, SymbolAt, dark_runs
from docgen.symbols.modules import stride
from docgen.symbols.qr import encode

_PT = 72 / 25.4
_CHUNK = 8
_ROW_BYTES = stride(MODULES)


class _Codes(dict[str, str]):
    """From a character to its glyph number as four hex digits, looked up once."""

    def __init__(self, font: hb.Font) -> None:
        super().__init__()
        self._font = font

    def __missing__(self, char: str) -> str:
        code = self[char] = f"{self._font.get_nominal_glyph(ord(char)):04x}"
        return code


class _Rects(dict[int, str]):
    """From a byte of modules to the operators that fill them."""

    def __init__(self, x: int, y: int) -> None:
        super().__init__()
        self._x, self._y = x, y

    def __missing__(self, modules: int) -> str:
        runs = dark_runs([f"{modules:08b}"[::-1]])
        rects = self[modules] = "".join(f"{self._x + x} {self._y} {length} 1 re " for x, _, length in runs)
        return rects


class _File:
    """Objects one after another, and where each begins."""

    def __init__(self, stream: BinaryIO) -> None:
        self._write = stream.write
        self._offsets = [0]
        self._position = 0
        self._out(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def reserve(self) -> int:
        self._offsets.append(0)
        return len(self._offsets) - 1

    def put(self, body: bytes, number: int | None = None) -> int:
        number = self.reserve() if number is None else number
        self._offsets[number] = self._position
        self._out(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        return number

    def put_stream(self, data: bytes, entries: bytes = b"") -> int:
        data = zlib.compress(data, 1)
        return self.put(b"<<%b/Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (entries, len(data), data))

    def finish(self, root: int) -> None:
        start = self._position
        table = b"".join([b"%010d 00000 n \n" % offset for offset in self._offsets[1:]])
        self._out(b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(self._offsets), table))
        self._out(b"trailer<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(self._offsets), root, start))

    def _out(self, data: bytes) -> None:
        self._write(data)
        self._position += len(data)


class _Page:
    """One side of the card, ready for records."""

    def __init__(self, card: Card, side: Side, codes: _Codes) -> None:
        self._codes = codes
        self.static = "\n".join(
            [
                f"{card.stroke * _PT:.3f} w",
                *(f"{x1 * _PT:.3f} {(card.height - y1) * _PT:.3f} m {x2 * _PT:.3f} {(card.height - y2) * _PT:.3f} l S"
                  for x1, y1, x2, y2 in side.lines),
                *(f"{x * _PT:.3f} {(card.height - y - height) * _PT:.3f} {width * _PT:.3f} {height * _PT:.3f} re S"
                  for x, y, width, height in side.rects),
                *(f"BT {self._at(card, x, baseline, size)}<{self.hex(text)}> Tj ET"
                  for x, baseline, size, text in side.texts),
            ]
        )  # fmt: skip
        self.fields = [(f"BT {self._at(card, x, baseline, size)}<", field) for x, baseline, size, field in side.fields]
        self.symbol = side.symbol
        self._height = card.height
        self._tables = [_Rects(_CHUNK * x, y) for y in range(MODULES) for x in range(_ROW_BYTES)]

    def hex(self, text: str) -> str:
        return "".join(map(self._codes.__getitem__, text))

    def content(self, record: Record) -> str:
        """What one record prints on this side."""
        texts, hexed = record.texts, self.hex
        parts = ["/S Do "]
        for begin, field in self.fields:
            parts.append(begin)
            parts.append(hexed(texts[field]))
            parts.append("> Tj ET ")
        if self.symbol:
            parts.append(self._drawn(self.symbol, record.packed or encode(record.payload, "M").packed))
        return "".join(parts)

    def _drawn(self, symbol: SymbolAt, packed: bytes) -> str:
        module = symbol.size * _PT / MODULES
        rects = "".join(map(getitem, self._tables, packed))
        place = f"{module:.5f} 0 0 {-module:.5f} {symbol.x * _PT:.4f} {(self._height - symbol.y) * _PT:.4f} cm"
        return f"{place} {rects}f"

    @staticmethod
    def _at(card: Card, x: float, baseline: float, size: float) -> str:
        return f"/F {size:g} Tf 1 0 0 1 {x * _PT:.3f} {(card.height - baseline) * _PT:.3f} Tm "


def draw(card: Card, records: Sequence[Record], path: Path) -> None:
    """Two streams and two page dictionaries a card, one font."""
    codes = _Codes(hb.Font(hb.Face(hb.Blob.from_file_path(str(card.font)))))
    pages = [_Page(card, side, codes) for side in card.sides]
    with path.open("wb", buffering=1 << 20) as stream:
        _write(_File(stream), card, pages, records)


def _write(out: _File, card: Card, pages: Sequence[_Page], records: Sequence[Record]) -> None:
    root, tree, font = out.reserve(), out.reserve(), out.reserve()
    box = b"[0 0 %.3f %.3f]" % (card.width * _PT, card.height * _PT)
    shared = []
    for page in pages:
        entries = b"/Type/XObject/Subtype/Form/BBox%b/Resources<</Font<</F %d 0 R>>>>" % (box, font)
        form = out.put_stream(page.static.encode("ascii"), entries)
        shared.append(out.put(b"<</Font<</F %d 0 R>>/XObject<</S %d 0 R>>>>" % (font, form)))
    kids = []
    for record in records:
        for page, resources in zip(pages, shared, strict=True):
            content = out.put_stream(page.content(record).encode("ascii"))
            entry = b"<</Type/Page/Parent %d 0 R/MediaBox%b/Contents %d 0 R/Resources %d 0 R>>"
            kids.append(out.put(entry % (tree, box, content, resources)))
    _put_font(out, card.font, pages[0]._codes, font)
    out.put(b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(kids), b" ".join([b"%d 0 R" % kid for kid in kids])), tree)
    out.put(b"<</Type/Catalog/Pages %d 0 R>>" % tree, root)
    out.finish(root)


def _put_font(out: _File, file: Path, codes: _Codes, number: int) -> None:
    face = hb.Face(hb.Blob.from_file_path(str(file)))
    measure, scale = hb.Font(face), 1000 / face.upem
    used = sorted((int(code, 16), char) for char, code in codes.items())
    wanted = hb.SubsetInput()
    wanted.glyph_set.update([glyph for glyph, _ in used])
    wanted.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.RETAIN_GIDS | hb.SubsetFlags.NO_LAYOUT_CLOSURE
    for tag in (b"GSUB", b"GPOS", b"GDEF", b"BASE", b"vhea", b"vmtx", b"name", b"post", b"OS/2", b"cmap"):
        wanted.drop_table_tag_set.add(int.from_bytes(tag, "big"))
    program = hb.SubsetPlan(face, wanted).execute().blob.data
    file_ = out.put_stream(program, b"/Length1 %d" % len(program))
    name = b"/AAAAAA+Limit"
    descriptor = out.put(
        b"<</Type/FontDescriptor/FontName%b/Flags 4/FontBBox[0 -120 1000 880]/ItalicAngle 0/Ascent 880/Descent -120"
        b"/CapHeight 700/StemV 80/FontFile2 %d 0 R>>" % (name, file_)
    )
    widths = "".join(f"{glyph}[{measure.get_glyph_h_advance(glyph) * scale:g}]" for glyph, _ in used)
    descendant = out.put(
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont%b"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        b"/FontDescriptor %d 0 R/DW 1000/W[%b]/CIDToGIDMap/Identity>>" % (name, descriptor, widths.encode("ascii"))
    )
    blocks = [used[at : at + 100] for at in range(0, len(used), 100)]
    entries = "".join(
        f"{len(block)} beginbfchar\n"
        + "".join(f"<{glyph:04x}> <{char.encode('utf-16-be').hex()}>\n" for glyph, char in block)
        + "endbfchar\n"
        for block in blocks
    )
    table = out.put_stream(
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def /CMapType 2 def\n"
        b"1 begincodespacerange <0000> <ffff> endcodespacerange\n%bendcmap end end" % entries.encode("ascii")
    )
    out.put(
        b"<</Type/Font/Subtype/Type0/BaseFont%b/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>"
        % (name, descendant, table),
        number,
    )
