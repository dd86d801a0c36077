"""Finished files read back: each text where it stands on the page, and a hash by which a reprint is proved.

Nothing here knows how the file was written, so it can bear witness to it: text comes through the fonts' ToUnicode, and
positions through the matrices of the content.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from pypdf.generic import DictionaryObject, StreamObject

from docgen.pdf.content import ContentError
from docgen.pdf.interpreter import MAX_DEPTH, Interpreter, Shown, State, content_of, get, get_dict, rectangle
from docgen.pdf.writer import number
from docgen.units import MM_PER_PT

_BOXES = ("/MediaBox", "/CropBox", "/BleedBox", "/TrimBox")
_Known = dict[tuple[int, str], tuple[str, ...]]  # what forms add to the hash, by object and name
_INVOKED = re.compile(rb"/([^\0\t\n\f\r ()<>\[\]{}/%]+)[\0\t\n\f\r ]+Do(?=[\0\t\n\f\r ]|\Z)")


@dataclass(frozen=True, slots=True)
class TextRun:
    """One shown string. (x, y) is the start of its baseline in mm from the trim's top-left corner, y downwards.

    `size` is in pt as printed, `scale` the horizontal scaling (0.7 is condensed to 70 %), `width` the advance in mm
    along the baseline, `angle` the baseline's in degrees counter-clockwise. `text` is exact, code point for code point;
    a code without ToUnicode gives U+FFFD. `block` numbers the BT..ET pairs of a page; `static` is text inside a form.
    """

    text: str
    font: str
    size: float
    scale: float
    x: float
    y: float
    width: float
    angle: float
    block: int
    static: bool


@dataclass(frozen=True, slots=True)
class PageText:
    """A page read back: `number` from 1, the trim's width and height in mm, its runs in painting order, its hash.

    `forms` are the texts of each form that it draws, one for each BT..ET.
    """

    number: int
    width: float
    height: float
    runs: tuple[TextRun, ...]
    sha256: str
    forms: tuple[frozenset[str], ...]

    def blocks(self) -> list[str]:
        """The text of each BT..ET of the page itself: one element may be shown in several runs and fonts."""
        own = (run for run in self.runs if not run.static)
        return ["".join(run.text for run in runs) for _, runs in groupby(own, key=lambda run: run.block)]


def read_pages(source: Path | bytes) -> Iterator[PageText]:
    """Every page of a file, in order, one at a time.

    Raises pypdf's PyPdfError for what is no PDF and ContentError for content that cannot be interpreted: it reads files
    of our own; `preflight` is for those that may be damaged.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    reader = PdfReader(io.BytesIO(data), strict=True)
    interpreter = _TextReader()
    hashes: _Known = {}
    for page_number, page in enumerate(reader.pages, start=1):
        left, bottom, right, top = rectangle(page, "/TrimBox") or rectangle(page, "/MediaBox") or (0, 0, 0, 0)
        runs, forms = interpreter.read(page, left, top)
        sha256 = _hash(page, content_of(page), hashes)
        yield PageText(page_number, (right - left) * MM_PER_PT, (top - bottom) * MM_PER_PT, runs, sha256, forms)


def page_hash(page: DictionaryObject) -> str:
    """SHA-256 (hex) of what a page paints, the same in whatever file it stands: `WrittenPage.sha256`, read back.

    It is taken over the decoded content and the boxes as `/MediaBox[0 0 260.787 170.079]/BleedBox[...]/TrimBox[...]`,
    and over what turns or enlarges the page, if anything does.
    The content invokes forms by names that are hashes of the forms' content, so it covers them; a form whose content is
    not what its name says adds its true hash, and the page's is then another one. Codes of glyphs mean the same in
    every file; fonts themselves are not hashed, since each file holds another subset.
    """
    return _hash(page, content_of(page), {})


def _hash(page: DictionaryObject, content: bytes, known: _Known) -> str:
    digest = hashlib.sha256(content)
    for name in _BOXES:
        values = get(page, name)
        if values is not None:
            digest.update(f"{name}[{' '.join(number(float(value)) for value in values)}]".encode("ascii"))
    angle, unit = get(page, "/Rotate") or 0, get(page, "/UserUnit") or 1
    if angle % 360:
        digest.update(f"/Rotate {number(float(angle))}".encode("ascii"))
    if unit != 1:
        digest.update(f"/UserUnit {number(float(unit))}".encode("ascii"))
    for added in _untrue_forms(content, get_dict(page, "/Resources"), known, 0):
        digest.update(added.encode("ascii"))
    return digest.hexdigest()


def _untrue_forms(content: bytes, resources: DictionaryObject, known: _Known, depth: int) -> tuple[str, ...]:
    """The hashes of the forms, at any depth, whose content is not what their names say."""
    if depth > MAX_DEPTH:
        raise ContentError(f"forms are nested deeper than {MAX_DEPTH}")
    forms = get_dict(resources, "/XObject")
    found: tuple[str, ...] = ()
    # Plain search, not a parse: a match inside a string would only add a form that the page has anyway.
    for raw in dict.fromkeys(_INVOKED.findall(content)):
        name = raw.decode("latin-1")
        form = get(forms, "/" + name)
        if isinstance(form, StreamObject):
            if (id(form), name) not in known:
                data = form.get_data()
                sha256 = hashlib.sha256(data).hexdigest()
                own = () if name == f"S{sha256[:12]}" else (sha256,)
                inner = _untrue_forms(data, get_dict(form, "/Resources"), known, depth + 1)
                known[id(form), name] = own + inner
            found += known[id(form), name]
    return found


class _TextReader(Interpreter):
    """Collects the runs of a page; those of a form are kept, for the static part is the same on each page."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[TextRun] = []
        self._left = self._top = 0.0
        self._in_form = 0
        self._forms: list[frozenset[str]] = []
        self._kept: dict[tuple[Any, ...], tuple[tuple[TextRun, ...], frozenset[str]]] = {}

    def read(
        self, page: DictionaryObject, left: float, top: float
    ) -> tuple[tuple[TextRun, ...], tuple[frozenset[str], ...]]:
        self._runs, self._forms, self._left, self._top = [], [], left, top
        self.run_page(page)
        return tuple(self._runs), tuple(self._forms)

    def on_form(self, form: StreamObject, state: State) -> None:
        key = (id(form), self._left, self._top, state.key())
        if key not in self._kept:
            outer, self._runs = self._runs, []
            self._in_form += 1
            self.run_form(form)
            self._in_form -= 1
            blocks = groupby(self._runs, key=lambda run: run.block)
            texts = frozenset("".join(run.text for run in runs) for _, runs in blocks)
            self._kept[key], self._runs = (tuple(self._runs), texts), outer
        runs, texts = self._kept[key]
        self._runs += runs
        if not self._in_form:
            self._forms.append(texts)

    def on_text(self, shown: Shown, state: State) -> None:
        font = state.font
        if font is None or not shown.codes:
            return
        a, b, c, d, x, y = shown.matrix
        along, across = math.hypot(a, b), math.hypot(c, d)
        texts = font.texts
        self._runs.append(
            TextRun(
                text="".join([texts.get(code, "\ufffd") for code in shown.codes]),
                font=font.name,
                size=state.size * across,
                scale=state.scale * along / across if across else 0.0,
                x=(x - self._left) * MM_PER_PT,
                y=(self._top - y) * MM_PER_PT,
                width=shown.advance * along * MM_PER_PT,
                angle=math.degrees(math.atan2(b, a)),
                block=shown.block,
                static=self._in_form > 0,
            )
        )
