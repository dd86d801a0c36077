"""Faces and stacks: which glyph draws a cluster, under which code, how wide.

A cluster is a base character with its variation selector or combining marks; nothing here ever splits one or changes
its code points. A code is the glyph's number in the font file, so that it never depends on the PDF it stands in. Where
several texts share one glyph, the k-th text belongs to layer k of the face; each layer becomes a PDF font of its own,
with an exact ToUnicode table. Forms that only vertical writing shows (see `vertical`) come after all others, in an
order that the face alone decides.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import uharfbuzz as hb
from fontTools.ttLib import TTFont

from docgen.text.registry import FontRegistry

_MARKS = "\u0300-\u036f\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef"
_CLUSTER = re.compile(f"(?s).[{_MARKS}]*")
_HAS_MARK = re.compile(f"[{_MARKS}]").search
_CUTS = "\n\u200b"  # where a setter cuts a text, whatever glyphs a face has for them
_CODE_DIGITS = 4
_HALF_EM = 500.0  # 1/1000 em
# ASCII and its full-width twins; hyphens in numbers of houses are all set alike, whatever the record's code point.
WIDE_TWINS = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | dict.fromkeys(
    "\u2010\u2212\uff0d", "\uff0d"
)
Form = Literal["upright", "wide", "half"]
# JIS X 0213 names these pairs of kana and U+309A as characters of their own; Unicode has no single code point for them.
_KANA_PAIRS = tuple(base + "\u309a" for base in "かきくけこカキクケコセツトㇷ")


def clusters(text: str) -> Sequence[str]:
    """The text cut into clusters; joined, they are the text."""
    return _CLUSTER.findall(text) if _HAS_MARK(text) else text


class Glyph(NamedTuple):
    """How a cluster is drawn: the font (face, or face.layer), its code as four hex digits, its advance in 1/1000 em."""

    font: str
    code: str
    advance: float


class Face:
    """One font file, parsed once.

    `ascent` and `descent` are in em above and below the baseline; `bounding_box` and `cap_height` in 1/1000 em.
    """

    def __init__(self, face_id: str, path: Path) -> None:
        self.id = face_id
        self.path = path
        font = TTFont(path, lazy=True)
        self.units_per_em: int = font["head"].unitsPerEm
        self.ascent: float = font["OS/2"].sTypoAscender / self.units_per_em
        self.descent: float = -font["OS/2"].sTypoDescender / self.units_per_em
        scale = 1000 / self.units_per_em
        head, os2 = font["head"], font["OS/2"]
        self.bounding_box = tuple(round(v * scale) for v in (head.xMin, head.yMin, head.xMax, head.yMax))
        self.cap_height: float = round((getattr(os2, "sCapHeight", 0) or os2.sTypoAscender) * scale)
        # The font file does not say its stem width: the usual estimate from its weight class.
        self.stem_width: int = 50 + round((os2.usWeightClass / 65) ** 2)
        # fontTools reads the small tables here; HarfBuzz those of glyphs, in a tenth of the time, and what would make
        # fontTools load half of itself (name) or read a name of each glyph (post).
        self.hb_face = hb.Face(hb.Blob.from_file_path(str(path)))
        self.postscript_name: str = self.hb_face.get_name(hb.OTNameIdPredefined.POSTSCRIPT_NAME)
        self._hb_font = hb.Font(self.hb_face)
        self.italic_angle: float = self._hb_font.get_style_value(hb.StyleTag.SLANT_ANGLE)
        advance = self._hb_font.get_glyph_h_advance
        # What holds for tens of thousands of glyphs is kept small; most of them stand for one text.
        self._advances: array[float] = array(
            "d", (advance(number) * scale for number in range(self.hb_face.glyph_count))
        )
        self._glyph_of: dict[str, int] = {}
        self._layer_of: dict[str, int] = {}  # of texts in layers above 0
        self._forms: dict[Form, dict[str, int]] | None = None
        self._layer_of_form: dict[tuple[str, int], int] = {}
        self._first_texts = [""] * self.hb_face.glyph_count
        self._more_texts: dict[int, list[str]] = {}
        for text, number in self._all_texts():
            if text not in self._glyph_of:
                text = sys.intern(text)  # faces share most of their texts
                self._glyph_of[text] = number
                if layer := self._add_text(number, text):
                    self._layer_of[text] = layer

    def glyph(self, cluster: str) -> Glyph | None:
        """The glyph that draws a whole cluster, or None if this face has none."""
        number = self._glyph_of.get(cluster)
        if number is None:
            return None
        layer = self._layer_of.get(cluster, 0)
        return Glyph(f"{self.id}.{layer}" if layer else self.id, f"{number:04x}", self._advances[number])

    def form(self, cluster: str, form: Form) -> Glyph | None:
        """The glyph of a cluster in a form of vertical writing, or None if this face has none.

        `upright` is the file's vertical alternate (GSUB `vert`) or else the glyph itself, `wide` the same of the
        full-width twin of an ASCII character or hyphen, `half` a digit of half an em, or the narrowest that there is.
        """
        number = self._all_forms()[form].get(cluster)
        if number is None:
            return self.glyph(cluster) if form == "upright" else None
        layer = self._layer_of_form[cluster, number]
        return Glyph(f"{self.id}.{layer}" if layer else self.id, f"{number:04x}", self._advances[number])

    def down(self, glyph: Glyph) -> tuple[float, float]:
        """A glyph's advance down a column, and its baseline's distance from the cell's top, in 1/1000 em.

        Both from the file's vertical metrics (vmtx), or an em and the ascent where it has none.
        """
        number, scale = int(glyph.code, 16), 1000 / self.units_per_em
        origin = self._hb_font.get_glyph_v_origin(number)
        top = origin[1] * scale if origin else self.ascent * 1000
        return -self._hb_font.get_glyph_v_advance(number) * scale, top

    def text(self, layer: int, number: int) -> str:
        """The text that a glyph stands for in a layer."""
        if not self._first_texts[number] or layer > len(self._more_texts.get(number, ())):
            self._all_forms()
        return self._more_texts[number][layer - 1] if layer else self._first_texts[number]

    def advance(self, number: int) -> float:
        """A glyph's advance in 1/1000 em."""
        return self._advances[number]

    def ink(self, number: int) -> tuple[float, float, float, float] | None:
        """A glyph's ink: left, low, right, high from its origin, in 1/1000 em; None if it has none."""
        extents = self._hb_font.get_glyph_extents(number)
        if extents is None or not extents.width or not extents.height:
            return None
        scale = 1000 / self.units_per_em
        left, high = extents.x_bearing * scale, extents.y_bearing * scale
        return left, high + extents.height * scale, left + extents.width * scale, high

    def _all_forms(self) -> dict[Form, dict[str, int]]:
        """The glyphs of vertical writing, found all at once, so that a layer depends on the face alone."""
        if self._forms is None:
            self._forms = self._find_forms()
            for glyphs in self._forms.values():
                for text, number in glyphs.items():
                    if self._glyph_of.get(text) == number:
                        self._layer_of_form[text, number] = self._layer_of.get(text, 0)
                    elif (text, number) not in self._layer_of_form:
                        self._layer_of_form[text, number] = self._add_text(number, text)
        return self._forms

    def _add_text(self, number: int, text: str) -> int:
        """Note one more text that a glyph stands for; the layer that it gets."""
        if not self._first_texts[number]:
            self._first_texts[number] = text
            return 0
        more = self._more_texts.setdefault(number, [])
        more.append(text)
        return len(more)

    def _find_forms(self) -> dict[Form, dict[str, int]]:
        alternates = _Alternates(self.path)
        vertical, half = alternates.of("vert"), alternates.of("hwid")
        upright = {text: vertical[number] for text, number in self._glyph_of.items() if number in vertical}
        twins = {narrow: self._glyph_of[wide] for narrow, wide in WIDE_TWINS.items() if wide in self._glyph_of}
        wide = {narrow: vertical.get(number, number) for narrow, number in twins.items()}
        digits = {digit: self._glyph_of.get(digit, 0) for digit in "0123456789"}
        halves = {digit: half.get(number, number) for digit, number in digits.items()}
        narrow = {digit: number for digit, number in halves.items() if number}
        narrow |= {WIDE_TWINS[digit]: number for digit, number in narrow.items()}
        return {"upright": dict(sorted(upright.items())), "wide": wide, "half": narrow}

    def _all_texts(self) -> Iterator[tuple[str, int]]:
        """Every text that the face draws as one glyph, in an order that gives the plain characters layer 0."""
        nominal = self._hb_font.get_nominal_glyph
        cmap = {chr(code): nominal(code) for code in self.hb_face.unicodes}  # in order
        # U+4E00 and the radical U+2F00 share a glyph: what is its own compatibility form comes first.
        is_own = partial(unicodedata.is_normalized, "NFKC")
        yield from [(char, number) for char, number in cmap.items() if is_own(char)]
        yield from [(char, number) for char, number in cmap.items() if not is_own(char)]
        for char, number in cmap.items():
            # Only base and marks: a compatibility ideograph's decomposition is another shape.
            if not unicodedata.is_normalized("NFD", char):
                parts = unicodedata.normalize("NFD", char)
                if len(parts) > 1 and _CLUSTER.fullmatch(parts):
                    yield parts, number
        for pair in _KANA_PAIRS:
            if (single := self._ligature(pair)) is not None:
                yield pair, single
        yield from sorted(self._sequences())

    def _sequences(self) -> Iterator[tuple[str, int]]:
        variation = self._hb_font.get_variation_glyph
        for selector in self.hb_face.variation_selectors:
            for code in self.hb_face.variation_unicodes(selector):
                if (number := variation(code, selector)) is not None:
                    yield chr(code) + chr(selector), number

    def _ligature(self, pair: str) -> int | None:
        buffer = hb.Buffer()
        buffer.add_str(pair)
        buffer.guess_segment_properties()
        hb.shape(self._hb_font, buffer)
        infos = buffer.glyph_infos
        return infos[0].codepoint if len(infos) == 1 and infos[0].codepoint else None


class _Alternates:
    """Single substitutions of a font file (GSUB lookup type 1), glyph number by glyph number."""

    def __init__(self, path: Path) -> None:
        self._font = TTFont(path, lazy=True)
        self._table = self._font["GSUB"].table if "GSUB" in self._font else None

    def of(self, feature: str) -> dict[int, int]:
        """What a feature puts in a glyph's place, whatever the script and language."""
        if self._table is None:
            return {}
        records = [record for record in self._table.FeatureList.FeatureRecord if record.FeatureTag == feature]
        lookups = sorted({index for record in records for index in record.Feature.LookupListIndex})
        number = self._font.getGlyphID
        found: dict[int, int] = {}
        for lookup in (self._table.LookupList.Lookup[index] for index in lookups):
            for subtable in lookup.SubTable:
                mapping = getattr(getattr(subtable, "ExtSubTable", subtable), "mapping", {})
                for name, other in mapping.items():
                    found.setdefault(number(name), number(other))
        return found


class MissingGlyphs(Exception):
    """Clusters that no face of a stack can draw."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing
        super().__init__(f"{len(missing)} clusters without a glyph")


class PlainCodes(dict[int, str]):
    """A table for `str.translate`, from code point to glyph code, that fills itself.

    What is a glyph of another font, a mark that belongs to the character before it, or where a text is cut, is left as
    it is.
    """

    def __init__(self, face: Face) -> None:
        super().__init__()
        self.font = face.id
        self._face = face
        self._advances: dict[str, float] = {}
        self._even = True  # half an em for ASCII and a whole one for what is Japanese: all that came so far

    def __missing__(self, point: int) -> str:
        char = chr(point)
        glyph = self._face.glyph(char)
        if glyph is None or glyph.font != self.font or _HAS_MARK(char) or char in _CUTS:
            raise KeyError(point)
        self._advances[char] = glyph.advance
        half, whole = point < 0x80, 0x800 <= point < 0x10000  # UTF-8 has the one in a byte, the other in three
        self._even &= (half and glyph.advance == _HALF_EM) or (whole and glyph.advance == 2 * _HALF_EM)
        self[point] = glyph.code
        return glyph.code

    def shape(self, text: str) -> tuple[str, float] | None:
        """Codes and advance of a text that the face has whole, character by character; else None.

        The same as `Stack.shape` says glyph by glyph, in a third of the time.
        """
        codes, count = text.translate(self), len(text)
        if len(codes) != _CODE_DIGITS * count:
            return None
        if self._even:  # so that the bytes of a text tell how many of its characters are whole ones
            return codes, _HALF_EM * (count + (len(text.encode()) - count) // 2)
        return codes, sum(map(self._advances.__getitem__, text))


class Stack(dict[str, Glyph]):
    """Faces in order of preference, as a table from cluster to glyph that fills itself.

    A line keeps the metrics of the first face, whatever faces its clusters come from. `plain` is what that face has by
    itself.
    """

    def __init__(self, faces: Sequence[Face]) -> None:
        super().__init__()
        self.faces = tuple(faces)
        self.ascent = faces[0].ascent
        self.plain = PlainCodes(faces[0])

    def __missing__(self, cluster: str) -> Glyph:
        for face in self.faces:
            glyph = face.glyph(cluster)
            if glyph is not None:
                self[cluster] = glyph
                return glyph
        raise KeyError(cluster)

    def shape(self, text: str) -> list[Glyph]:
        """The glyphs of a text, one per cluster. Raises MissingGlyphs with every cluster that has none."""
        parts = clusters(text)
        try:
            return list(map(self.__getitem__, parts))
        except KeyError:
            raise MissingGlyphs(tuple(dict.fromkeys(part for part in parts if not self.covers(part)))) from None

    def form(self, cluster: str, form: Form) -> tuple[Face, Glyph] | None:
        """The first face's glyph of a cluster in a form of vertical writing, with that face."""
        for face in self.faces:
            glyph = face.form(cluster, form)
            if glyph is not None:
                return face, glyph
        return None

    def covers(self, cluster: str) -> bool:
        """Whether some face of the stack has the cluster."""
        return cluster in self or any(face.glyph(cluster) for face in self.faces)


class FontLibrary:
    """Every face and stack of fonts.toml, loaded when first asked for and shared by all layouts."""

    def __init__(self, registry: FontRegistry) -> None:
        self._registry = registry
        self._faces: dict[str, Face] = {}
        self._stacks: dict[str, Stack] = {}

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces that were asked for so far."""
        return tuple(self._faces.values())

    @property
    def stack_names(self) -> tuple[str, ...]:
        """The stacks that a style may name."""
        return tuple(self._registry.stacks)

    def face(self, face_id: str) -> Face:
        """One face. Raises AssetError if its file is missing or altered."""
        if face_id not in self._faces:
            self._faces[face_id] = Face(face_id, self._registry.path(face_id))
        return self._faces[face_id]

    def stack(self, name: str) -> Stack:
        """One stack by its name. Raises AssetError like `face`."""
        if name not in self._stacks:
            self._stacks[name] = Stack([self.face(face_id) for face_id in self._registry.stacks[name]])
        return self._stacks[name]
