"""Vector artwork (an insurer's mark, a seal) from SVG, with every colour mapped to an ink of the press.

Shapes and paths with plain fills and strokes are taken; text, images, gradients and transparency are refused, since a
press would show them otherwise than the designer's screen does.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

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
_SILENT = ("title", "desc", "metadata")
_ATTRIBUTES = frozenset("fill stroke stroke-width fill-rule id transform viewBox width height version".split())
_GEOMETRY = frozenset("d x y rx ry cx cy r x1 y1 x2 y2 points width height".split())
Segments = tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True, slots=True)
class Artwork:
    """Paths in the artwork's own units, with its view box (x, y, width, height)."""

    view: tuple[float, float, float, float]
    paths: tuple[tuple[Segments, Ink | None, Ink | None, float], ...]

    def placed(self, x: float, y: float, width: float, height: float) -> Iterator[PlacedPath]:
        """The paths scaled to fit a box (mm), centred in it."""
        left, top, view_width, view_height = self.view
        scale = min(width / view_width, height / view_height)
        dx = x + (width - view_width * scale) / 2 - left * scale
        dy = y + (height - view_height * scale) / 2 - top * scale
        for segments, fill, stroke, stroke_width in self.paths:
            moved = tuple(
                (command, tuple(value * scale + (dy if at % 2 else dx) for at, value in enumerate(values)))
                for command, values in segments
            )
            yield PlacedPath(moved, Paint(fill, stroke, stroke_width * scale))


def load_artwork(path: Path, inks: Mapping[str, Ink]) -> Artwork:
    """Read one SVG file; `inks` maps each of its colours (`#rrggbb`) to an ink. Raises LayoutError."""
    try:
        root = ET.parse(path).getroot()
        view = tuple(float(part) for part in root.attrib["viewBox"].replace(",", " ").split())
    except OSError as error:
        raise _problem(path, f"cannot read the artwork: {error.strerror}", "") from None
    except (ET.ParseError, KeyError, ValueError) as error:
        raise _problem(path, f"not an SVG drawing with a viewBox: {error}", "") from None
    if len(view) != 4:
        raise _problem(path, "viewBox needs four numbers", "")
    return Artwork((view[0], view[1], view[2], view[3]), tuple(_paths(path, root, inks, {})))


def _paths(
    path: Path, node: ET.Element, inks: Mapping[str, Ink], inherited: Mapping[str, str]
) -> Iterator[tuple[Segments, Ink | None, Ink | None, float]]:
    kind = node.tag.removeprefix(_SVG)
    if kind in _SILENT:
        return
    unknown = set(node.attrib) - _ATTRIBUTES - _GEOMETRY
    if kind not in _GROUPS + _SHAPES or unknown or (kind in _GROUPS and "transform" in node.attrib):
        what = f"<{kind}>" if not unknown else f"{', '.join(sorted(unknown))} of <{kind}>"
        raise _problem(path, f"artwork may not use {what}", f"use {', '.join(_SHAPES)} with plain fill and stroke")
    own = {key: node.attrib[key] for key in ("fill", "stroke", "stroke-width") if key in node.attrib}
    style = dict(inherited) | own
    if kind in _GROUPS:
        for child in node:
            yield from _paths(path, child, inks, style)
        return
    fill = _ink(path, style.get("fill", "#000000"), inks)
    stroke = _ink(path, style.get("stroke", "none"), inks)
    yield _segments(node), fill, stroke, float(style.get("stroke-width", "1"))


def _ink(path: Path, colour: str, inks: Mapping[str, Ink]) -> Ink | None:
    if colour == "none":
        return None
    if colour.lower() not in inks:
        known = ", ".join(inks) or "none"
        raise _problem(path, f"no ink for the colour {colour}", f"map it in the profile's `inks`; mapped: {known}")
    return inks[colour.lower()]


def _segments(node: ET.Element) -> Segments:
    builder = PathBuilder()
    builder.add_path_from_element(node)
    pen = DecomposingRecordingPen({})
    for data, transform in zip(builder.paths, builder.transforms, strict=True):
        parse_path(data, TransformPen(pen, transform) if transform else pen)
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


def _problem(path: Path, message: str, hint: str) -> LayoutError:
    return LayoutError(Violation("layout_artwork", message, hint, file=path.name))
