"""Vector artwork (an insurer's mark, a seal) from SVG, with every colour mapped to an ink of the press.

Shapes and paths with plain fills and strokes are taken; text, images, gradients and transparency are refused, since a
press would show them otherwise than the designer's screen does.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from fontTools.misc.transform import Identity, Offset, Scale, Transform
from fontTools.pens.basePen import decomposeQuadraticSegment
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.svgLib.path import parse_path
from fontTools.svgLib.path.shapes import PathBuilder

from docgen.compose.placed import Ink, Paint, PlacedPath
from docgen.errors import LayoutError, Violation

_SVG = "{http://www.w3.org/2000/svg}"
_SHAPES = ("path", "rect", "circle", "ellipse", "line", "polygon", "polyline")
_GROUPS = ("svg", "g")
_SILENT = ("title", "desc", "metadata")  # and definitions: what could draw them is refused
_ATTRIBUTES = frozenset("fill stroke stroke-width fill-rule id viewBox version".split())
_WITHOUT_EFFECT = frozenset("class lang role baseProfile enable-background clip-rule color stop-color".split())
_DEFAULTS = {"opacity": 1, "fill-opacity": 1, "stroke-opacity": 1, "stroke-dashoffset": 0}
# What strokes may say of themselves: how they are drawn anyway.
_OF_STROKES = {
    "stroke-linecap": ("butt",),
    "stroke-linejoin": ("miter",),
    "stroke-miterlimit": ("4", "10"),
    "stroke-dasharray": ("none",),
}
_GEOMETRY = frozenset("d x y rx ry cx cy r x1 y1 x2 y2 points width height".split())
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_TRANSFORM = re.compile(r"[\s,]*(\w+)\s*\(([^()]*)\)[\s,]*")
_PLAIN = f"use {', '.join(_SHAPES)} with plain fill and stroke"
Segments = tuple[tuple[str, tuple[float, ...]], ...]


class Outline(NamedTuple):
    """One path in the artwork's own units, with its inks and how it is filled."""

    segments: Segments
    fill: Ink | None
    stroke: Ink | None
    stroke_width: float
    even_odd: bool


@dataclass(frozen=True, slots=True)
class Artwork:
    """Paths in the artwork's own units, with its view box (x, y, width, height)."""

    view: tuple[float, float, float, float]
    paths: tuple[Outline, ...]

    def placed(self, x: float, y: float, width: float, height: float) -> Iterator[PlacedPath]:
        """The paths scaled to fit a box (mm), centred in it."""
        left, top, view_width, view_height = self.view
        scale = min(width / view_width, height / view_height)
        dx = x + (width - view_width * scale) / 2 - left * scale
        dy = y + (height - view_height * scale) / 2 - top * scale
        for segments, fill, stroke, stroke_width, even_odd in self.paths:
            moved = tuple(
                (command, tuple(value * scale + (dy if at % 2 else dx) for at, value in enumerate(values)))
                for command, values in segments
            )
            yield PlacedPath(moved, Paint(fill, stroke, stroke_width * scale), even_odd)


def load_artwork(path: Path, inks: Mapping[str, Ink]) -> Artwork:
    """Read one SVG file; `inks` maps each of its colours (`#rrggbb`) to an ink.

    What cannot change the picture is passed over: titles, metadata, definitions, `xml:space`, attributes and elements
    of other namespaces, the ends and corners of strokes that are not there. Raises LayoutError with all the rest.
    """
    try:
        text = path.read_bytes()
        root, lines = _parse(text)
        view = tuple(float(part) for part in root.attrib["viewBox"].replace(",", " ").split())
    except OSError as error:
        raise LayoutError(_problem(path, None, f"cannot read the artwork: {error.strerror}")) from None
    except ET.ParseError as error:
        what = f"not an SVG drawing: {expat.ErrorString(error.code)}"
        raise LayoutError(_problem(path, error.position[0], what)) from None
    except KeyError:
        raise LayoutError(_problem(path, None, "the drawing has no viewBox", 'viewBox="0 0 WIDTH HEIGHT"')) from None
    except ValueError:
        view = ()
    if len(view) != 4 or min(view[2:]) <= 0:
        raise LayoutError(_problem(path, None, "viewBox needs four numbers: left, top, width, height"))
    reader = _Reader(path, inks, lines)
    paths = tuple(reader.paths(root, {}))
    if reader.problems:
        raise LayoutError(reader.problems.values())
    return Artwork((view[0], view[1], view[2], view[3]), paths)


def _parse(text: bytes) -> tuple[ET.Element, dict[ET.Element, int]]:
    """The drawing, and the line on which each of its elements begins."""
    root = ET.fromstring(text)
    starts: list[int] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda *_: starts.append(parser.CurrentLineNumber)
    parser.Parse(text, True)
    return root, dict(zip(root.iter(), starts, strict=True))  # both in the order of the file


class _Reader:
    """Reads the shapes of one drawing; what is wrong is in `problems`, each thing once."""

    def __init__(self, path: Path, inks: Mapping[str, Ink], lines: Mapping[ET.Element, int]) -> None:
        self._path, self._inks, self._lines = path, inks, lines
        self.problems: dict[str, Violation] = {}

    def paths(self, node: ET.Element, inherited: Mapping[str, str]) -> Iterator[Outline]:
        """The paths of an element and of those inside it."""
        kind = node.tag.removeprefix(_SVG)
        if kind in _SILENT or kind.startswith("{") or (kind == "defs" and node.find(f".//{_SVG}style") is None):
            return
        if kind not in _GROUPS + _SHAPES:
            self._wrong(node, f"artwork may not use <{kind}>", _PLAIN)
            return
        style = {**inherited, **node.attrib}
        self._check_attributes(node, kind)
        if kind in _GROUPS:
            kept = ("fill", "fill-rule", "stroke", "stroke-width", *_OF_STROKES)
            for child in node:
                yield from self.paths(child, {key: style[key] for key in kept if key in style})
            return
        fill, stroke = self._ink(node, style.get("fill", "#000000")), self._ink(node, style.get("stroke", "none"))
        if style.get("stroke", "none") != "none":
            self._check_stroke(node, kind, style)
        matrix = self._matrix(node, kind, stroked=stroke is not None)
        try:
            width, even_odd = float(style.get("stroke-width", "1")), style.get("fill-rule") == "evenodd"
            scale = math.hypot(*matrix[:2])
            yield Outline(_segments(node, matrix), fill, stroke, width * scale, even_odd)
        except (ValueError, IndexError, KeyError, TypeError):
            self._wrong(node, f"a <{kind}> that cannot be read", "plain numbers, without units")

    def _check_attributes(self, node: ET.Element, kind: str) -> None:
        allowed = _ATTRIBUTES | _GEOMETRY | _WITHOUT_EFFECT | _OF_STROKES.keys()
        for name, value in node.attrib.items():
            if name == "transform" and kind in _GROUPS:
                message, hint = f"artwork may not use transform of <{kind}>", "write it on each of the shapes inside"
                self._wrong(node, message, hint)
            elif name != "transform" and name not in allowed and not name.startswith(("{", "data-", "aria-")):
                if name not in _DEFAULTS or value.strip() != str(_DEFAULTS[name]):
                    self._wrong(node, f"artwork may not use {name} of <{kind}>", _PLAIN)

    def _check_stroke(self, node: ET.Element, kind: str, style: Mapping[str, str]) -> None:
        """The ends and corners of a stroke are those that SVG has by default."""
        for name, drawn in _OF_STROKES.items():
            if style.get(name, drawn[0]) not in drawn:
                message = f"artwork may not use {name} {style[name]} of <{kind}>"
                self._wrong(node, message, f"make it {drawn[0]}, or turn the stroke into a path")

    def _matrix(self, node: ET.Element, kind: str, *, stroked: bool) -> Transform:
        """What moves a shape. A stroke would become thicker one way than the other, which none in a PDF here is."""
        try:
            matrix = _matrix(node.get("transform", ""))
        except ValueError:
            hint = "a list of translate, scale, rotate, skewX, skewY and matrix, with plain numbers"
            self._wrong(node, f"a transform of <{kind}> that cannot be read", hint)
            return Identity
        if stroked and not _keeps_strokes(matrix):
            message = f"artwork may not use a transform of <{kind}> that distorts its stroke"
            self._wrong(node, message, "turn the stroke into a path, or scale alike both ways")
        return matrix

    def _ink(self, node: ET.Element, colour: str) -> Ink | None:
        if colour == "none":
            return None
        if colour.lower() not in self._inks:
            known = ", ".join(self._inks) or "none"
            self._wrong(node, f"no ink for the colour {colour}", f"map it in the profile's `inks`; mapped: {known}")
        return self._inks.get(colour.lower())

    def _wrong(self, node: ET.Element, message: str, hint: str) -> None:
        self.problems.setdefault(message, _problem(self._path, self._lines[node], message, hint))


def _matrix(transforms: str) -> Transform:
    """One matrix for an SVG list of transforms, of which the last acts first. Raises ValueError for anything else."""
    matrix = Identity
    if _TRANSFORM.sub("", transforms).strip():
        raise ValueError(transforms)
    for kind, values in _TRANSFORM.findall(transforms):
        if _NUMBER.sub("", values).strip(", \t\r\n"):
            raise ValueError(values)
        matrix = matrix.transform(_one_matrix(kind, [float(value) for value in _NUMBER.findall(values)]))
    return matrix


def _one_matrix(kind: str, values: list[float]) -> Transform:
    match kind, values:
        case "matrix", [_, _, _, _, _, _]:
            return Transform(*values)
        case "translate", [_] | [_, _]:
            return Offset(*values)
        case "scale", [_] | [_, _]:
            return Scale(*values)
        case "rotate", [angle]:
            return Identity.rotate(math.radians(angle))
        case "rotate", [angle, x, y]:
            return Offset(x, y).rotate(math.radians(angle)).translate(-x, -y)
        case "skewX", [angle]:
            return Identity.skew(math.radians(angle), 0)
        case "skewY", [angle]:
            return Identity.skew(0, math.radians(angle))
    raise ValueError(kind)


def _keeps_strokes(matrix: Transform) -> bool:
    """Whether it scales alike in all directions."""
    xx, xy, yx, yy, _, _ = matrix
    size = xx**2 + xy**2
    return math.isclose(size, yx**2 + yy**2, rel_tol=1e-3) and abs(xx * yx + xy * yy) <= size * 1e-3


def _segments(node: ET.Element, matrix: Transform) -> Segments:
    builder = PathBuilder()
    shape = {name: value for name, value in node.attrib.items() if name != "transform"}  # of which it knows one kind
    builder.add_path_from_element(ET.Element(node.tag, shape))
    pen = DecomposingRecordingPen({})
    for data in builder.paths:
        parse_path(data, pen if matrix == Identity else TransformPen(pen, matrix))
    found: list[tuple[str, tuple[float, ...]]] = []
    for operator, points in pen.value:
        found += _segment(operator, points, found)
    if node.tag.removeprefix(_SVG) in ("circle", "ellipse", "rect") and found[-1][0] != "Z":
        found.append(("Z", ()))  # else the outline would show a notch where it begins
    return tuple(found)


def _segment(
    operator: str, points: tuple[tuple[float, float], ...], before: list[tuple[str, tuple[float, ...]]]
) -> list[tuple[str, tuple[float, ...]]]:
    flat = tuple(value for point in points for value in point)
    match operator:
        case "moveTo":
            return [("M", flat)]
        case "lineTo":
            return [("L", flat)]
        case "curveTo":
            return [("C", flat)]
        case "qCurveTo":
            return _cubics(before[-1][1][-2:], points)
        case "closePath":
            return [("Z", ())]
    return []


def _cubics(start: tuple[float, ...], points: tuple[tuple[float, float], ...]) -> list[tuple[str, tuple[float, ...]]]:
    """Quadratic curves as the cubic ones that PDF has."""
    found: list[tuple[str, tuple[float, ...]]] = []
    x0, y0 = start
    for (cx, cy), (x, y) in decomposeQuadraticSegment(points):
        first = (x0 + 2 / 3 * (cx - x0), y0 + 2 / 3 * (cy - y0))
        second = (x + 2 / 3 * (cx - x), y + 2 / 3 * (cy - y))
        found.append(("C", (*first, *second, x, y)))
        x0, y0 = x, y
    return found


def _problem(path: Path, line: int | None, message: str, hint: str = "") -> Violation:
    return Violation("layout_artwork", message, hint, file=path.name, line=line)
