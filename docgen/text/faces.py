"""Faces and stacks: which glyph draws a cluster, under which code, how wide.

A cluster is a base character with its variation selector or combining marks; nothing here ever splits one or changes
its code points. A code is the glyph's number in the font file, so that it never depends on the PDF it stands in. Where
several texts share one glyph, the k-th text belongs to layer k of the face; each layer becomes a PDF font of its own,
with an exact ToUnicode table.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import uharfbuzz as hb
from fontTools.ttLib import TTFont

from docgen.text.registry import FontRegistry

_MARKS = "\u0300-\u036f\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef"
_CLUSTER = re.compile(f"(?s).[{_MARKS}]*")
_HAS_MARK = re.compile(f"[{_MARKS}]").search
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
        self.postscript_name: str = font["name"].getDebugName(6)
        scale = 1000 / self.units_per_em
        head, os2 = font["head"], font["OS/2"]
        self.bounding_box = tuple(round(v * scale) for v in (head.xMin, head.yMin, head.xMax, head.yMax))
        self.italic_angle: float = font["post"].italicAngle
        self.cap_height: float = round((getattr(os2, "sCapHeight", 0) or os2.sTypoAscender) * scale)
        # The font file does not say its stem width: the usual estimate from its weight class.
        self.stem_width: int = 50 + round((os2.usWeightClass / 65) ** 2)
        # HarfBuzz reads the tables of glyphs ten times as fast as fontTools, which reads the small ones here.
        self.hb_face = hb.Face(hb.Blob.from_file_path(str(path)))
        self._hb_font = hb.Font(self.hb_face)
        advance = self._hb_font.get_glyph_h_advance
        self._advances: list[float] = [advance(number) * scale for number in range(self.hb_face.glyph_count)]
        self._glyph_of: dict[str, int] = {}
        self._layer_of: dict[str, int] = {}
        self._texts: dict[int, list[str]] = defaultdict(list)
        for text, number in self._all_texts():
            if text not in self._glyph_of:
                self._glyph_of[text] = number
                self._layer_of[text] = len(self._texts[number])
                self._texts[number].append(text)

    def glyph(self, cluster: str) -> Glyph | None:
        """The glyph that draws a whole cluster, or None if this face has none."""
        number = self._glyph_of.get(cluster)
        if number is None:
            return None
        layer = self._layer_of[cluster]
        return Glyph(f"{self.id}.{layer}" if layer else self.id, f"{number:04x}", self._advances[number])

    def text(self, layer: int, number: int) -> str:
        """The text that a glyph stands for in a layer."""
        return self._texts[number][layer]

    def advance(self, number: int) -> float:
        """A glyph's advance in 1/1000 em."""
        return self._advances[number]

    def _all_texts(self) -> Iterator[tuple[str, int]]:
        """Every text that the face draws as one glyph, in an order that gives the plain characters layer 0."""
        nominal = self._hb_font.get_nominal_glyph
        cmap = {chr(code): nominal(code) for code in self.hb_face.unicodes}
        # U+4E00 and the radical U+2F00 share a glyph: what is its own compatibility form comes first.
        yield from sorted(cmap.items(), key=lambda item: (unicodedata.normalize("NFKC", item[0]) != item[0], item[0]))
        for char, number in sorted(cmap.items()):
            parts = unicodedata.normalize("NFD", char)
            # Only base and marks: a compatibility ideograph's decomposition is another shape.
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


class MissingGlyphs(Exception):
    """Clusters that no face of a stack can draw."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing
        super().__init__(f"{len(missing)} clusters without a glyph")


class Stack(dict[str, Glyph]):
    """Faces in order of preference, as a table from cluster to glyph that fills itself.

    A line keeps the metrics of the first face, whatever faces its clusters come from.
    """

    def __init__(self, faces: Sequence[Face]) -> None:
        super().__init__()
        self.faces = tuple(faces)
        self.ascent = faces[0].ascent

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
            return [self[part] for part in parts]
        except KeyError:
            raise MissingGlyphs(tuple(dict.fromkeys(part for part in parts if not self.covers(part)))) from None

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
