"""Finished files read back at speed: page hashes, texts and QR symbols, as `reader` gives them, a tenth of its time.

It reads the exact form in which `writer`, `book` and `page` write, and nothing else. Whatever has another form, be it a
whole file that went through another program or one line of one page, is left to `reader`, which reads any PDF: so the
two never differ, and the tests hold them against each other on every sample.
"""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from functools import cache, lru_cache, reduce
from itertools import groupby
from operator import or_
from typing import Any, NamedTuple

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject

from docgen.pdf.content import IDENTITY, ContentError, Matrix, multiply, operations
from docgen.pdf.interpreter import content_of, rectangle
from docgen.pdf.reader import PageText, read_pages
from docgen.pdf.writer import number
from docgen.units import MM_PER_PT

_HEADER = b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n"
_TRAILER = re.compile(
    rb"trailer\n<</Size (\d+)/Root (\d+) 0 R/Info (\d+) 0 R/ID\[<[0-9a-f]{32}><[0-9a-f]{32}>\]>>\n"
    rb"startxref\n(\d+)\n%%EOF\n\Z"
)
_TAIL = 400  # bytes that hold any trailer of ours
_ENTRY = 20  # bytes of an entry of the cross-reference table
_PAGES = re.compile(rb"<</Type/Pages(?:/Parent \d+ 0 R)?/Kids\[([^\]]*)\]/Count (\d+)>>")
_BOX = rb"\[(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+)\]"
PAGE = re.compile(
    rb"<</Type/Page/Parent \d+ 0 R(/MediaBox" + _BOX + rb"/BleedBox" + _BOX + rb"/TrimBox" + _BOX + rb")"
    rb"/Resources (\d+) 0 R/Contents (\d+) 0 R>>"
)
_STREAM = re.compile(rb"<<([^>]*(?:>(?!>)[^>]*)*?)/Length (\d+)>>\nstream\n")
_FLATE = b"/Filter/FlateDecode"
_REFERENCE = re.compile(rb"/([A-Za-z0-9_.+-]+) (\d+) 0 R")
_TO_UNICODE = re.compile(rb"/ToUnicode (\d+) 0 R")
_BFCHAR = re.compile(rb"^<([0-9a-f]{4})> <((?:[0-9a-f]{4})+)>$", re.MULTILINE)

# A page's content is a line for each static part, text and symbol.
_STATIC = re.compile(rb"/(\w+) Do|q 1 0 0 1 -?[\d.]+ -?[\d.]+ cm /(\w+) Do Q|/OP gs 0 0 0 1 k|")
_TEXT = re.compile(
    rb"(?:q /KO gs (?:[\d. ]+ k|/\S+ cs 1 scn) )?BT "
    rb"(?:/\S+ [\d.]+ Tf |1 0 0 1 -?[\d.]+ -?[\d.]+ Tm |<(?:[0-9a-f]{4})+>Tj |-?[\d.]+ T[zc] )*ET(?: Q)?"
)
_SHOWN = re.compile(rb"/(\S+) [\d.]+ Tf |1 0 0 1 (-?[\d.]+) (-?[\d.]+) Tm |<([0-9a-f]+)>Tj ")
_ONE_RUN = re.compile(rb"BT /(\S+) [\d.]+ Tf 1 0 0 1 (-?[\d.]+) (-?[\d.]+) Tm <((?:[0-9a-f]{4})+)>Tj ET")
_QR = re.compile(rb"q ([\d.]+) 0 0 -([\d.]+) (-?[\d.]+) (-?[\d.]+) cm (?=\d)")
_QR_END = b" re f Q"
_MODULES = re.compile(rb"(\d+) (\d+) (\d)\.02 1\.02")
_BARS = re.compile(rb"(?:-?[\d.]+ -?[\d.]+ -?[\d.]+ -?[\d.]+ re )*f")
_ROW = 64  # bits that a row of modules takes; wider symbols than this are the reference's
_KEPT = 20_000  # lines that repeat from page to page: dates, words, static parts
# What pypdf and the interpreter raise on damaged files: more than they say.
_DAMAGED = (PyPdfError, ContentError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, zlib.error)
_SHOWN_IN_FORM = re.compile(rb"/(\S+) [\d.]+ Tf |<((?:[0-9a-f]{4})+)>Tj ")
_IN_FORM = re.compile(rb"BT ((?:/\S+ [\d.]+ Tf |(?:-?[\d.]+ ){6}Tm |<(?:[0-9a-f]{4})+>Tj |-?[\d.]+ T[zc] )*)ET")
_RECENT = 256  # symbols that may come again: a card's stands beside its place, too
_RECTANGLES = 20_000  # runs of modules; those of the symbols that we print are far fewer
_UNSEEN: Any = object()


class UnreadablePdf(Exception):
    """The file is no PDF, or is damaged."""


class NotOurs(Exception):
    """Not in the form that we write."""


class Block(NamedTuple):
    """One text of a page, its lines as set; its first baseline starts at (x, y) mm from the trim's top left."""

    lines: tuple[str, ...]
    x: float
    y: float

    @property
    def text(self) -> str:
        """All lines as one."""
        return "".join(self.lines)


class Symbol(NamedTuple):
    """A QR symbol's upper left corner and side in mm, without the quiet zone, and its rows as "1" (dark) and "0"."""

    x: float
    y: float
    size: float
    rows: tuple[str, ...]


class Glance(NamedTuple):
    """A page: its number from 1, its hash as `reader` takes it, its own texts (not those of forms) and QR symbols.

    `forms` are the texts of each form that it draws.
    """

    number: int
    sha256: str
    blocks: tuple[Block, ...]
    symbols: tuple[Symbol, ...]
    forms: tuple[frozenset[str], ...]


def glances(data: bytes, *, contents: bool = True) -> Iterator[Glance]:
    """Every page of a file in order; without `contents` the hashes alone.

    Raises UnreadablePdf.
    """
    done = 0
    try:
        for glance in WrittenFile(data).pages(contents):
            yield glance
            done += 1
    except (NotOurs, ValueError, zlib.error):
        try:
            yield from _by_reference(data, done)
        except _DAMAGED as error:
            raise UnreadablePdf(f"{type(error).__name__} after page {done}") from error


class WrittenFile:
    """A file in our own form. Everything raises NotOurs or ValueError for any other.

    `root` and `info` are the numbers of the catalog and of the information dictionary.
    """

    def __init__(self, data: bytes) -> None:
        trailer = _TRAILER.search(data, max(0, len(data) - _TAIL))
        if trailer is None or not data.startswith(_HEADER):
            raise NotOurs
        self._data = data
        self._size, self.root, self.info, start = map(int, trailer.groups())
        head = b"xref\n0 %d\n0000000000 65535 f \n" % self._size
        if not data.startswith(head, start) or start + len(head) + _ENTRY * (self._size - 1) != trailer.start():
            raise NotOurs
        self._entries = start + len(head) - _ENTRY
        self._painted: dict[int, _Resources] = {}
        self._boxes: dict[bytes, tuple[bytes, float, float]] = {}

    def pages(self, contents: bool) -> Iterator[Glance]:
        for at, page in enumerate(self.page_objects(), start=1):
            found = PAGE.fullmatch(self.body(page))
            if found is None:
                raise NotOurs
            resources, stream = int(found[14]), int(found[15])
            if resources not in self._painted:
                self._painted[resources] = _Resources(self, resources)
            if found[1] not in self._boxes:
                self._boxes[found[1]] = _boxes(found)
            boxes, left, top = self._boxes[found[1]]
            content = self.stream(stream)
            sha256 = hashlib.sha256(content + boxes).hexdigest()
            if contents:
                yield Glance(at, sha256, *self._painted[resources].read(content, left, top))
            else:
                yield Glance(at, sha256, (), (), ())

    def stream(self, number_: int) -> bytes:
        """A stream's decoded bytes."""
        entries, raw = self.raw_stream(number_)
        if not entries.endswith(_FLATE) or entries.count(b"/Filter") != 1:
            raise NotOurs
        inflate = zlib.decompressobj()
        data = inflate.decompress(raw)
        if not inflate.eof or inflate.unused_data:
            raise NotOurs
        return data

    def raw_stream(self, number_: int) -> tuple[bytes, bytes]:
        """A stream's dictionary without its brackets and length, and its bytes as they stand."""
        start = self._start(number_)
        found = _STREAM.match(self._data, start)
        if found is None:
            raise NotOurs
        end = found.end() + int(found[2])
        if not self._data.startswith(b"\nendstream\nendobj\n", end):
            raise NotOurs
        return found[1], self._data[found.end() : end]

    def is_stream(self, number_: int) -> bool:
        """Whether an object is a stream."""
        return _STREAM.match(self._data, self._start(number_)) is not None

    def page_objects(self) -> Iterator[int]:
        """The numbers of the page objects, in page order."""
        catalog = re.fullmatch(rb"<</Type/Catalog/Pages (\d+) 0 R/.*>>", self.body(self.root), re.DOTALL)
        if catalog is None:
            raise NotOurs
        nodes, total = self._kids(int(catalog[1]))
        for node in nodes:
            pages, count = self._kids(node)
            if count != len(pages):
                raise NotOurs
            total -= count
            yield from pages
        if total:
            raise NotOurs

    def _kids(self, node: int) -> tuple[list[int], int]:
        found = _PAGES.fullmatch(self.body(node))
        if found is None:
            raise NotOurs
        kids = re.findall(rb"(\d+) 0 R", found[1])
        if b" ".join(kid + b" 0 R" for kid in kids) != found[1]:
            raise NotOurs
        return [int(kid) for kid in kids], int(found[2])

    def _start(self, number_: int) -> int:
        if not 0 < number_ < self._size:
            raise NotOurs
        entry = self._entries + _ENTRY * number_
        start = int(self._data[entry : entry + 10])
        head = b"%d 0 obj\n" % number_
        if not self._data.startswith(head, start):
            raise NotOurs
        return start + len(head)

    def body(self, number_: int) -> bytes:
        """What stands between `obj` and `endobj`, for all but streams."""
        start = self._start(number_)
        return self._data[start : self._data.index(b"\nendobj\n", start)]


def _boxes(page: re.Match[bytes]) -> tuple[bytes, float, float]:
    """The boxes as the hash takes them, and the trim's left and top in points."""
    values = [float(page[at]) for at in range(2, 14)]
    media, bleed, trim = (" ".join(map(number, values[at : at + 4])) for at in (0, 4, 8))
    left, right = sorted(values[8:12:2])
    bottom, top = sorted(values[9:12:2])
    if left == right or bottom == top:
        raise NotOurs
    return f"/MediaBox[{media}]/BleedBox[{bleed}]/TrimBox[{trim}]".encode("ascii"), left, top


class _Resources:
    """The fonts that pages share, and what reading their content needs."""

    def __init__(self, file: WrittenFile, number_: int) -> None:
        body = file.body(number_)
        self._forms: dict[bytes, int] = dict(references(body, b"XObject"))
        for name, form in self._forms.items():
            if name != b"S" + hashlib.sha256(file.stream(form)).hexdigest()[:12].encode("ascii"):
                raise NotOurs  # a form that is not what its name says: `reader` adds it to the hash
        self._file, self._number = file, number_
        self._fonts = dict(references(body, b"Font"))
        self._texts: dict[bytes, dict[bytes, str]] = {}
        self._kept: dict[tuple[float, float], dict[bytes, Block | frozenset[str] | None]] = {}

    def read(
        self, content: bytes, left: float, top: float
    ) -> tuple[tuple[Block, ...], tuple[Symbol, ...], tuple[frozenset[str], ...]]:
        """The blocks and symbols of a page's content, and the texts of the forms that it draws."""
        blocks: list[Block] = []
        symbols: list[Symbol] = []
        forms: list[frozenset[str]] = []
        kept = self._kept.setdefault((left, top), {})
        for line in content.split(b"\n"):
            block = kept.get(line, _UNSEEN)
            if block is _UNSEEN:
                if (found := _QR.match(line)) and line.endswith(_QR_END):
                    symbols.append(_symbol(found, line[found.end() : -len(_QR_END)], left, top))
                    continue
                block = self._text(line, left, top)
                if len(kept) < _KEPT:
                    kept[line] = block
            if isinstance(block, Block):
                blocks.append(block)
            elif block is not None:
                forms.append(block)
        return tuple(blocks), tuple(symbols), tuple(forms)

    def _text(self, line: bytes, left: float, top: float) -> Block | frozenset[str] | None:
        """What a line says, or the form that it draws; None if it draws something else."""
        if run := _ONE_RUN.fullmatch(line):
            font, x, y, codes = run.groups()
            return _placed((_decoded(codes, self._texts.get(font) or self._font(font)),), x, y, left, top)
        if _TEXT.fullmatch(line):
            return self._block(line, left, top)
        if found := _STATIC.fullmatch(line):
            return self._form(found[1] or found[2]) if found.lastindex else None
        if _BARS.fullmatch(line):
            return None
        raise NotOurs

    def _form(self, name: bytes) -> frozenset[str]:
        """What a form says, one text for each BT..ET."""
        form = self._forms.get(name, 0)
        content = self._file.stream(form)
        texts: list[str] = []
        shown = 0
        for body in _IN_FORM.findall(content):
            table: dict[bytes, str] = {}
            runs: list[str] = []
            for font, codes in _SHOWN_IN_FORM.findall(body):
                if font:
                    table = self._texts.get(font) or self._font(font)
                else:
                    runs.append(_decoded(codes, table))
            texts.append("".join(runs))
            shown += len(runs)
        own = b"/Resources %d 0 R/" % self._number in self._file.raw_stream(form)[0]
        if not own or shown != content.count(b">Tj") or b" Do" in content:
            raise NotOurs
        return frozenset(texts)

    def _block(self, line: bytes, left: float, top: float) -> Block | None:
        lines: list[str] = []
        texts: dict[bytes, str] = {}
        y_now = baseline = b""
        first: tuple[bytes, bytes] | None = None
        for font, x, y, codes in _SHOWN.findall(line):
            if codes:
                if first is None:
                    raise NotOurs
                run = _decoded(codes, texts)
                if y_now != baseline:
                    lines.append(run)
                    baseline = y_now
                else:
                    lines[-1] += run
            elif font:
                texts = self._texts.get(font) or self._font(font)
            else:
                y_now = y
                first = first or (x, y)
        if not lines or first is None:
            return None
        return _placed(tuple(lines), *first, left, top)

    def _font(self, name: bytes) -> dict[bytes, str]:
        """The text of each code of a font, by the code's four digits."""
        font = self._file.body(self._fonts.get(name, 0))
        found = _TO_UNICODE.search(font)
        if found is None or b"/Subtype/Type0" not in font:
            raise NotOurs
        table = self._file.stream(int(found[1]))
        if b"bfrange" in table:
            raise NotOurs
        texts = {code: bytes.fromhex(text.decode("ascii")).decode("utf-16-be") for code, text in _BFCHAR.findall(table)}
        self._texts[name] = texts
        return texts


def _decoded(codes: bytes, texts: dict[bytes, str]) -> str:
    return "".join([texts.get(codes[at : at + 4], "\ufffd") for at in range(0, len(codes), 4)])


def _placed(lines: tuple[str, ...], x: bytes, y: bytes, left: float, top: float) -> Block:
    return Block(lines, (float(x) - left) * MM_PER_PT, (top - float(y)) * MM_PER_PT)


# --- symbols ---


def _symbol(found: re.Match[bytes], rectangles: bytes, left: float, top: float) -> Symbol:
    if found[1] != found[2]:
        raise NotOurs
    rows = _drawn(rectangles)
    x, y = (float(found[3]) - left) * MM_PER_PT, (top - float(found[4])) * MM_PER_PT
    return Symbol(x, y, float(found[1]) * len(rows) * MM_PER_PT, rows)


@lru_cache(_RECENT)
def _drawn(rectangles: bytes) -> tuple[str, ...]:
    """The rows that a symbol's rectangles fill."""
    bits = reduce(or_, map(_FILLED.__getitem__, rectangles.split(b" re ")))
    size = (bits.bit_length() + _ROW - 1) // _ROW
    last, beyond = _columns(size)
    if bits & beyond or not bits & last:
        raise NotOurs
    modules = f"{bits:0{_ROW * size}b}"[::-1]
    return tuple([modules[at : at + size] for at in range(0, _ROW * size, _ROW)])


class _Filled(dict[bytes, int]):
    """What a run of modules fills of a symbol as one number: a row in each 64 bits of it."""

    def __missing__(self, rectangle_: bytes) -> int:
        found = _MODULES.fullmatch(rectangle_)
        if found is None:
            raise NotOurs
        x, y, width = map(int, found.groups())
        if x + width > _ROW or y >= _ROW:
            raise NotOurs
        if len(self) >= _RECTANGLES:
            self.clear()
        filled = self[rectangle_] = ((1 << width) - 1) << (y * _ROW + x)
        return filled


_FILLED = _Filled()


@cache
def _columns(size: int) -> tuple[int, int]:
    """The last column of a symbol, and all that are beyond it."""
    first = sum(1 << at for at in range(0, _ROW * _ROW, _ROW))
    return first << size - 1, first * ((1 << _ROW) - (1 << size))


def references(body: bytes, kind: bytes) -> list[tuple[bytes, int]]:
    """The named references of one kind of resources."""
    found = re.search(rb"/%b<<((?:/[^\s/<>()\[\]{}%%#]+ \d+ 0 R)*)>>" % kind, body)
    if found is None:
        if b"/" + kind in body:
            raise NotOurs
        return []
    return [(name, int(number_)) for name, number_ in _REFERENCE.findall(found[1])]


# ------------------------------------------------------------------------------------------------ any other form of PDF


def _by_reference(data: bytes, done: int) -> Iterator[Glance]:
    """The pages from `done` on, by `reader`."""
    pages = PdfReader(io.BytesIO(data), strict=True).pages
    for page, read in zip(pages, read_pages(data), strict=True):
        if read.number > done:
            yield Glance(read.number, read.sha256, tuple(_blocks(read)), tuple(_symbols(page)), read.forms)


def _blocks(page: PageText) -> Iterator[Block]:
    own = (run for run in page.runs if not run.static)
    for _, runs in groupby(own, key=lambda run: run.block):
        block = list(runs)
        lines = groupby(block, key=lambda run: round(run.y, 4))
        yield Block(tuple("".join(run.text for run in line) for _, line in lines), block[0].x, block[0].y)


def _symbols(page: DictionaryObject) -> Iterator[Symbol]:
    """The symbols among what a page's own content fills: squares of modules with their hair of overlap."""
    left, _, _, top = rectangle(page, "/TrimBox") or rectangle(page, "/MediaBox") or (0, 0, 0, 0)
    ctm: Matrix = IDENTITY
    saved: list[Matrix] = []
    rectangles: list[list[Any]] = []
    for operator, operands in operations(content_of(page)):
        if operator == b"q":
            saved.append(ctm)
        elif operator == b"Q" and saved:
            ctm = saved.pop()
        elif operator == b"cm":
            ctm = multiply(tuple(operands), ctm)
        elif operator == b"re":
            rectangles.append(operands)
        elif operator == b"f" and rectangles:
            if ctm != IDENTITY and all(height == 1.02 for _, _, _, height in rectangles):
                yield _measured(rectangles, ctm, left, top)
            rectangles = []


def _measured(rectangles: list[list[Any]], ctm: Matrix, left: float, top: float) -> Symbol:
    size = 1 + max(y for _, y, _, _ in rectangles)
    dark = {(at, y) for x, y, width, _ in rectangles for at in range(x, x + int(width))}
    rows = tuple("".join("1" if (x, y) in dark else "0" for x in range(size)) for y in range(size))
    return Symbol((ctm[4] - left) * MM_PER_PT, (top - ctm[5]) * MM_PER_PT, ctm[0] * size * MM_PER_PT, rows)
