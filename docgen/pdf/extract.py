"""Pages taken out of finished files into a new one, which paints the same and is PDF/X-4 and PDF/A-2u as they are.

Content and boxes are copied byte for byte, so that page hashes stay; what the pages share comes along as far as they
use it: fonts are subset once more, to the glyphs that are shown. Everything else a file says of itself (dates, printing
condition) is the first source's, and so is its title but for the file's name. Nothing is looked up outside of the
sources.
"""

from __future__ import annotations

import hashlib
import re
import string
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import uharfbuzz as hb

from docgen.pdf.metadata import retitled
from docgen.pdf.swift import PAGE, NotOurs, WrittenFile, references
from docgen.pdf.writer import PdfStream

_REFERENCE = re.compile(rb"(\d+) 0 R")
_INVOKED = re.compile(rb"/(\w+) Do")
_SHOWN = re.compile(rb"/(\S+) [\d.]+ Tf|<([0-9a-f]+)>Tj")
_TAG = re.compile(rb"(/(?:BaseFont|FontName)/)([A-Z]{6})\+")
_UUID = re.compile(rb"uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PAGES_PER_NODE = 256


class Extract:
    """A new file in the making: `add` pages in order, then `finish`. Memory holds one source at a time.

    `name` is the file's, with which its title begins.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._out, self._name = PdfStream(stream), name
        self._catalog, self._pages = self._out.reserve(), self._out.reserve()
        self._nodes: list[tuple[int, list[int]]] = []
        self._first: WrittenFile | None = None
        self.page_count = 0

    def add(self, data: bytes, numbers: Sequence[int]) -> None:
        """Pages of a file, by their numbers from 1. Raises LookupError for a page that it does not have, NotOurs for a
        file that is not as it was written.
        """
        source = WrittenFile(data)
        self._first = self._first or source
        objects = list(source.page_objects())
        if any(not 0 < number <= len(objects) for number in numbers):
            raise LookupError(f"the file has {len(objects)} pages")
        pages = [PAGE.fullmatch(source.body(objects[number - 1])) for number in numbers]
        by_resources: defaultdict[int, list[re.Match[bytes]]] = defaultdict(list)
        for page in pages:
            if page is None:
                raise NotOurs
            by_resources[int(page[14])].append(page)
        shared = {
            number: _Shared(self._out, source, number, [int(page[15]) for page in own]).put()
            for number, own in by_resources.items()
        }
        for page in filter(None, pages):
            entries, raw = source.raw_stream(int(page[15]))
            content = self._out.put_raw_stream(raw, entries.decode("ascii"))
            self._put_page(f"{page[1].decode('ascii')}/Resources {shared[int(page[14])]} 0 R/Contents {content} 0 R")

    def finish(self) -> None:
        """Write what holds the pages together. Raises LookupError if there are none."""
        if self._first is None:
            raise LookupError("no pages were added")
        out, source = self._out, self._first
        for node, kids in self._nodes:
            out.put(f"<</Type/Pages/Parent {self._pages} 0 R/Kids[{_list(kids)}]/Count {len(kids)}>>", node)
        nodes = [node for node, _ in self._nodes]
        out.put(f"<</Type/Pages/Kids[{_list(nodes)}]/Count {self.page_count}>>", self._pages)
        catalog = source.body(source.root)
        old_pages, old_metadata = (int(_value(catalog, key)) for key in (b"Pages", b"Metadata"))
        copy = _Copy(out, source, {old_pages: self._pages, old_metadata: out.reserve()})
        root = copy.renumbered(catalog)
        entries, packet = source.raw_stream(old_metadata)
        info, packet = retitled(source.body(source.info), packet, self._name)
        out.put_raw_stream(_UUID.sub(self._uuid(), packet), entries.decode("ascii"), copy.numbers[old_metadata])
        number = out.put(info)
        out.put(root, self._catalog)
        out.finish(self._catalog, number)

    def _put_page(self, entries: str) -> None:
        if self.page_count % _PAGES_PER_NODE == 0:
            self._nodes.append((self._out.reserve(), []))
        node, kids = self._nodes[-1]
        kids.append(self._out.put(f"<</Type/Page/Parent {node} 0 R{entries}>>"))
        self.page_count += 1

    def _uuid(self) -> bytes:
        digits = self._out.digest
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32])
        return f"uuid:{'-'.join(parts)}".encode("ascii")


class _Copy:
    """Objects of a source, copied with all that they refer to; `numbers` leads from their old numbers to the new."""

    def __init__(self, out: PdfStream, source: WrittenFile, numbers: dict[int, int] | None = None) -> None:
        self.out, self.source = out, source
        self.numbers = numbers if numbers is not None else {}

    def put(self, number: int) -> int:
        """Copy an object unless it was copied before; returns its new number."""
        if number not in self.numbers:
            new = self.numbers[number] = self.out.reserve()
            if self.source.is_stream(number):
                entries, raw = self.source.raw_stream(number)
                self.out.put_raw_stream(raw, self.renumbered(entries).decode("ascii"), new)
            else:
                self.out.put(self.renumbered(self.source.body(number)), new)
        return self.numbers[number]

    def renumbered(self, body: bytes) -> bytes:
        """A dictionary's bytes with the new numbers of what it refers to, which is copied."""
        return _REFERENCE.sub(lambda found: b"%d 0 R" % self.put(int(found[1])), body)


class _Shared:
    """What some pages of a source share: forms, fonts, spot colours, graphics states; no more than they use."""

    def __init__(self, out: PdfStream, source: WrittenFile, number: int, contents: Iterable[int]) -> None:
        self._out, self._source, self._number = out, source, number
        self._body = source.body(number)
        self._forms = dict(references(self._body, b"XObject"))
        self._fonts = dict(references(self._body, b"Font"))
        self._codes: defaultdict[bytes, set[int]] = defaultdict(set)
        self._used: dict[bytes, None] = {}
        for content in contents:
            self._look_at(source.stream(content))

    def put(self) -> int:
        """Write the resources; returns their number."""
        copy = _Copy(self._out, self._source, {self._number: self._out.reserve()})
        self._put_fonts(copy)
        body = self._body
        for kind, names in ((b"XObject", set(self._used)), (b"Font", set(self._codes))):
            all_of = references(self._body, kind)
            chosen = b"".join(b"/%b %d 0 R" % (name, number) for name, number in all_of if name in names)
            body = re.sub(rb"/%b<<[^>]*>>" % kind, b"/%b<<%b>>" % (kind, chosen) if chosen else b"", body)
        self._out.put(copy.renumbered(body), copy.numbers[self._number])
        return copy.numbers[self._number]

    def _look_at(self, content: bytes) -> None:
        """Note the forms and the glyphs that some content shows, forms of forms too."""
        font = b""
        for name, codes in _SHOWN.findall(content):
            if codes:
                digits = bytes.fromhex(codes.decode("ascii"))
                self._codes[font].update(struct.unpack(f">{len(digits) // 2}H", digits))
            else:
                font = name
        for name in _INVOKED.findall(content):
            if name not in self._used:
                self._used[name] = None
                self._look_at(self._source.stream(self._forms[name]))

    def _put_fonts(self, copy: _Copy) -> None:
        """Write the fonts in use; those that share a font program share its new subset."""
        by_descendant: defaultdict[int, set[int]] = defaultdict(set)
        of_font = {
            name: int(_value(self._source.body(self._fonts[name]), b"DescendantFonts", b"[")) for name in self._codes
        }
        for name, codes in self._codes.items():
            by_descendant[of_font[name]].update(codes)
        tags = {number: self._put_program(copy, number, codes) for number, codes in sorted(by_descendant.items())}
        for name, descendant in of_font.items():
            self._put_tagged(copy, self._fonts[name], tags[descendant])

    def _put_program(self, copy: _Copy, descendant: int, codes: set[int]) -> bytes:
        source = self._source
        body = source.body(descendant)
        descriptor = int(_value(body, b"FontDescriptor"))
        program = int(_value(source.body(descriptor), b"FontFile2"))
        glyph_ids = source.stream(int(_value(body, b"CIDToGIDMap")))
        glyphs = {int.from_bytes(glyph_ids[2 * code : 2 * code + 2], "big") for code in codes}
        data = _subset(source.stream(program), glyphs)
        copy.numbers[program] = self._out.put_stream(data, f"/Length1 {len(data)}")
        tag = _tag(body, codes)
        self._put_tagged(copy, descriptor, tag)
        self._put_tagged(copy, descendant, tag)
        return tag

    def _put_tagged(self, copy: _Copy, number: int, tag: bytes) -> None:
        copy.numbers[number] = self._out.reserve()
        body = _TAG.sub(rb"\g<1>%b+" % tag, self._source.body(number))
        self._out.put(copy.renumbered(body), copy.numbers[number])


def _subset(program: bytes, glyphs: set[int]) -> bytes:
    """The font program with these glyphs only, under the numbers that they have."""
    wanted = hb.SubsetInput()
    wanted.glyph_set.update(glyphs)
    wanted.flags = (
        hb.SubsetFlags.RETAIN_GIDS
        | hb.SubsetFlags.NO_HINTING
        | hb.SubsetFlags.NOTDEF_OUTLINE
        | hb.SubsetFlags.NO_LAYOUT_CLOSURE
    )
    subset: bytes = hb.SubsetPlan(hb.Face(program), wanted).execute().blob.data
    return subset


def _tag(font: bytes, codes: set[int]) -> bytes:
    """The six letters of a new subset's name, made from what was there and what is left."""
    digest = hashlib.sha256(b"%b %b" % (font, str(sorted(codes)).encode("ascii"))).digest()
    return "".join(string.ascii_uppercase[byte % 26] for byte in digest[:6]).encode("ascii")


def _value(body: bytes, key: bytes, before: bytes = b" ") -> bytes:
    """The number of the object that a key refers to."""
    found = re.search(rb"/%b%b(\d+) 0 R" % (key, re.escape(before)), body)
    if found is None:
        raise NotOurs
    return found[1]


def _list(numbers: Iterable[int]) -> str:
    return " ".join(f"{number} 0 R" for number in numbers)
