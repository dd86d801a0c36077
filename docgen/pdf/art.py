"""Static art as page content: rules, boxes, curves and artwork through ReportLab's Canvas, in CMYK and spot colours."""

from __future__ import annotations

import io
from collections.abc import Iterable

from reportlab.lib.colors import CMYKColor, CMYKColorSep
from reportlab.pdfgen.canvas import FILL_EVEN_ODD, FILL_NON_ZERO, Canvas

from docgen.compose.placed import BLACK, Art, Geometry, Ink, Paint, PlacedCircle, PlacedLine, PlacedPath, PlacedRect
from docgen.units import PT_PER_MM

# Graphics states by what overprints: everything, nothing, the fill alone, the stroke alone (ISO 32000-1, 8.6.7).
OVERPRINT = "/OP gs"
KNOCKOUT = "/KO gs"
STATES = (
    "/OP<</Type/ExtGState/OP true/op true/OPM 1>>/KO<</Type/ExtGState/OP false/op false/OPM 0>>"
    "/OPF<</Type/ExtGState/OP false/op true/OPM 1>>/OPS<</Type/ExtGState/OP true/op false/OPM 1>>"
)
_STATE = {(True, True): OVERPRINT, (False, False): KNOCKOUT, (True, False): "/OPF gs", (False, True): "/OPS gs"}


class Artist:
    """Draws placed art in points on one side's page; `content` gives the operators."""

    def __init__(self, geometry: Geometry) -> None:
        self._left = geometry.offset_x + geometry.bleed
        self._top = geometry.height + geometry.bleed - geometry.offset_y
        # The canvas is a pen only: its document, fonts and pages are never written. It enforces no colour space:
        # ReportLab would by turning inks into others, and what it is given (`_colour`) are inks of the press alone.
        self._canvas = Canvas(io.BytesIO())
        self._code: list[str] = self._canvas._code
        self._code.clear()
        self.spots: dict[str, Ink] = {}

    def draw(self, art: Art) -> None:
        """Draw one item."""
        self._set(art.paint)
        fill, stroke = int(art.paint.fill is not None), int(art.paint.stroke is not None)
        canvas = self._canvas
        match art:
            case PlacedRect(x, y, width, height, radius):
                place = (*self._point(x, y + height), width * PT_PER_MM, height * PT_PER_MM)
                if radius:
                    canvas.roundRect(*place, radius * PT_PER_MM, stroke=stroke, fill=fill)
                else:
                    canvas.rect(*place, stroke=stroke, fill=fill)
            case PlacedLine(x1, y1, x2, y2):
                canvas.line(*self._point(x1, y1), *self._point(x2, y2))
            case PlacedCircle(x, y, radius):
                canvas.circle(*self._point(x, y), radius * PT_PER_MM, stroke=stroke, fill=fill)
            case PlacedPath(segments, _, even_odd):
                mode = FILL_EVEN_ODD if even_odd else FILL_NON_ZERO
                canvas.drawPath(self._path(segments), stroke=stroke, fill=fill, fillMode=mode)

    def append(self, operators: str) -> None:
        """Put ready operators (texts) between what is drawn."""
        self._code.append(operators)

    @property
    def content(self) -> bytes:
        """All operators so far."""
        return "\n".join(self._code).encode("ascii")

    def _set(self, paint: Paint) -> None:
        # Black overprints wherever it is, so that no tint shows a white edge beside a frame.
        fill, stroke = (paint.overprint or ink == BLACK for ink in (paint.fill, paint.stroke))
        self._code.append(_STATE[fill, stroke])
        if paint.fill is not None:
            self._canvas.setFillColor(self._colour(paint.fill))
        if paint.stroke is not None:
            self._canvas.setStrokeColor(self._colour(paint.stroke))
            self._canvas.setLineWidth(paint.stroke_width * PT_PER_MM)
            self._canvas.setDash([length * PT_PER_MM for length in paint.dash])

    def _colour(self, ink: Ink) -> CMYKColor:
        parts = [value / 100 for value in ink[:4]]
        if ink.spot is None:
            return CMYKColor(*parts)
        self.spots[ink.spot] = ink
        return CMYKColorSep(*parts, spotName=ink.spot, density=1)

    def _point(self, x: float, y: float) -> tuple[float, float]:
        return (x + self._left) * PT_PER_MM, (self._top - y) * PT_PER_MM

    def _path(self, segments: Iterable[tuple[str, tuple[float, ...]]]) -> object:
        path = self._canvas.beginPath()
        for command, values in segments:
            points = [part for at in range(0, len(values), 2) for part in self._point(*values[at : at + 2])]
            match command:
                case "M":
                    path.moveTo(*points)
                case "L":
                    path.lineTo(*points)
                case "C":
                    path.curveTo(*points)
                case "Z":
                    path.close()
        return path
