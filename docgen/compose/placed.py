"""Placed items: what stands where on a side, decided to the last millimetre.

Lengths are mm from the top-left corner of the trim box, inks CMYK in percent or a spot colour. Who draws these takes no
decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from docgen.symbols.modules import Modules
from docgen.text.setting import SetText


class Ink(NamedTuple):
    """A colour of the press: CMYK in percent. With `spot`, the named plate, whose look on a screen the CMYK gives."""

    c: float
    m: float
    y: float
    k: float
    spot: str | None = None


BLACK = Ink(0, 0, 0, 100)
PAPER = Ink(0, 0, 0, 0)


class PlacedText(NamedTuple):
    """A set text at its box's top-left corner; `rotate` in degrees counter-clockwise about the box's centre.

    `nominal` is the size in pt that the style asks for: the text's own size says how far it was shrunk.
    """

    element: str
    x: float
    y: float
    width: float
    height: float
    text: SetText
    ink: Ink = BLACK
    rotate: float = 0.0
    nominal: float = 0.0


class PlacedQr(NamedTuple):
    """A QR symbol without its quiet zone: top-left corner, the side of a module, the modules."""

    element: str
    x: float
    y: float
    module: float
    modules: Modules

    @property
    def size(self) -> float:
        """Its side in mm."""
        return self.modules.size * self.module


class PlacedBars(NamedTuple):
    """Black bars (x, y, width, height) from a top-left corner."""

    element: str
    x: float
    y: float
    bars: tuple[tuple[float, float, float, float], ...]


class Paint(NamedTuple):
    """How a shape is painted. `overprint` leaves what is beneath on the other plates (die lines, black)."""

    fill: Ink | None
    stroke: Ink | None
    stroke_width: float
    overprint: bool = False
    dash: tuple[float, ...] = ()


class PlacedRect(NamedTuple):
    """A rectangle, its corners rounded by `radius`."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    paint: Paint


class PlacedLine(NamedTuple):
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    paint: Paint


class PlacedCircle(NamedTuple):
    """A circle about (x, y)."""

    x: float
    y: float
    radius: float
    paint: Paint


class PlacedPath(NamedTuple):
    """A path: ("M", (x, y)), ("L", (x, y)), ("C", (x1, y1, x2, y2, x, y)) and ("Z", ()).

    Filled where it winds around, or, with `even_odd`, where an odd number of its lines lies between there and outside.
    """

    segments: tuple[tuple[str, tuple[float, ...]], ...]
    paint: Paint
    even_odd: bool = False


Art = PlacedRect | PlacedLine | PlacedCircle | PlacedPath
StaticItem = Art | PlacedText


@dataclass(frozen=True, eq=False, slots=True)
class StaticPart:
    """What is drawn once for all records that share a set of flags. Compared by identity: it is a cache key.

    `owners` names the element of each item.
    """

    items: tuple[StaticItem, ...]
    owners: tuple[str, ...] = ()


class Geometry(NamedTuple):
    """A page's trim size, its bleed and safe area; `radius` is the trimmed corner's.

    `offset_x` and `offset_y` move the drawing so that it is centred on the trim.
    """

    width: float
    height: float
    bleed: float
    safe: float
    radius: float = 0.0
    offset_x: float = 0.0
    offset_y: float = 0.0


class PlacedForm(NamedTuple):
    """A static part in place: the origin of its drawing stands at (x, y) of this page."""

    static: StaticPart
    geometry: Geometry
    x: float
    y: float


class PlacedSide(NamedTuple):
    """One page of one record: static parts, and what this record prints on top of them.

    `cells` says where each cell ends that was placed, in order: how many forms, texts and symbols there were by then.
    """

    name: str
    geometry: Geometry
    forms: tuple[PlacedForm, ...]
    texts: tuple[PlacedText, ...]
    symbols: tuple[PlacedQr | PlacedBars, ...]
    cells: tuple[tuple[int, int, int], ...] = ()
