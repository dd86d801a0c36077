"""Slots: the places of a compiled layout that a record fills."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docgen.compose.placed import Ink, PlacedBars, PlacedQr, PlacedText
from docgen.errors import Violation
from docgen.layout.models import Side
from docgen.symbols import customer
from docgen.symbols.qr import QUIET_MODULES, Level, QrTooLong, encode
from docgen.text.faces import MissingGlyphs
from docgen.text.setting import DoesNotFit, Setter, TextSetter

_new = tuple.__new__  # see docgen.text.setting


@dataclass(frozen=True, slots=True)
class TextSlot:
    """A place that a record's text fills: the box in mm, the setter that fits the text into it."""

    element: str
    item: str
    x: float
    y: float
    setter: TextSetter[Any]
    ink: Ink
    rotate: float
    required: bool

    def place(self, text: str, dx: float = 0.0, dy: float = 0.0) -> PlacedText:
        """Set a text here, moved by (dx, dy) mm. Raises MissingGlyphs or DoesNotFit."""
        setter = self.setter
        return _new(PlacedText, (
            self.element, self.x + dx, self.y + dy, setter.width, setter.height,
            setter.set(text), self.ink, self.rotate, setter.size,
        ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class QrSlot:
    """A place for a QR symbol; `size` is the side of the square with its quiet zone, lengths in mm."""

    element: str
    item: str
    x: float
    y: float
    size: float
    level: Level
    module_min: float
    required: bool

    def place(self, payload: str, dx: float = 0.0, dy: float = 0.0) -> PlacedQr:
        """Encode a payload here. Raises QrTooLong when its modules would be smaller than the layout allows."""
        modules = encode(payload, self.level)
        module = self.size / (modules.size + 2 * QUIET_MODULES)
        if module < self.module_min:
            raise QrTooLong
        quiet = QUIET_MODULES * module
        return PlacedQr(self.element, self.x + quiet + dx, self.y + quiet + dy, module, modules)


@dataclass(frozen=True, slots=True)
class BarcodeSlot:
    """A place for a customer barcode, its top-left corner in mm and its size in pt."""

    element: str
    item: str
    x: float
    y: float
    size: float
    required: bool = False

    def place(self, data: str, dx: float = 0.0, dy: float = 0.0) -> PlacedBars:
        """Encode seven digits of postal code and a display number here."""
        bars = customer.bars(customer.encode(data), self.size)
        return PlacedBars(self.element, self.x + dx, self.y + dy, tuple(bars))


@dataclass(frozen=True, slots=True)
class IncludeSlot:
    """A place for a side of another document, by its trim's top-left corner in mm."""

    element: str
    document: str
    side: Side
    x: float
    y: float


Slot = TextSlot | QrSlot | BarcodeSlot | IncludeSlot
Filled = TextSlot | QrSlot | BarcodeSlot


# ---------------------------------------------------------------------------------------------- violations of a record


def empty(slot: Filled, pointers: Mapping[str, str]) -> Violation:
    """A required item that has nothing to print."""
    return Violation(
        "required_item_empty",
        f"{slot.item} is empty, and the layout must not print a blank there",
        "give the value in the record",
        pointer=pointers.get(slot.item),
        element=slot.element,
    )


def explain_missing(cluster: str) -> tuple[str, str, str]:
    """Code, message and hint for a cluster that no face has."""
    points = " ".join(f"U+{ord(char):04X}" for char in cluster)
    if any(unicodedata.category(char) == "Co" for char in cluster):
        hint = "name a substitute for it under `substitutions` in the insurer's profile, or send the standard character"
        return "private_use_character", f"private-use character {points} has no glyph", hint
    if len(cluster) > 1:
        hint = "send the base character with a selector that an installed face has, or name a substitute in the profile"
        return "unknown_sequence", f"no face has the sequence {points} ({cluster})", hint
    shown = f" ({cluster})" if cluster.isprintable() else " (a tab)" if cluster == "\t" else ""
    return "missing_glyph", f"no face has {points}{shown}", "name a substitute under `substitutions` in the profile"


def refused(
    error: MissingGlyphs | DoesNotFit | QrTooLong, slot: Filled, value: str, pointers: Mapping[str, str]
) -> Iterator[Violation]:
    """What a slot could not place, in the words of the record."""
    pointer, element = pointers.get(slot.item), slot.element
    if isinstance(error, MissingGlyphs):
        for cluster in error.missing:
            code, message, hint = explain_missing(cluster)
            yield Violation(code, message, hint, pointer=pointer, element=element, item=slot.item)
    elif isinstance(error, DoesNotFit):
        message, hint = _too_long(error, slot)
        yield Violation("does_not_fit", message, hint, pointer=pointer, element=element, item=slot.item)
    else:
        size = f"{slot.size:g} mm box" if isinstance(slot, QrSlot) else "box"
        message = f"a payload of {len(value.encode())} bytes needs modules too small for its {size}"
        hint = "shorten the payload template in the insurer's profile, or enlarge the QR element"
        yield Violation("qr_too_long", message, hint, pointer=pointer, element=element)


def _too_long(error: DoesNotFit, slot: Filled) -> tuple[str, str]:
    cells = slot.setter.comb if isinstance(slot, TextSlot) and isinstance(slot.setter, Setter) else None
    if cells is not None:
        message = f"{slot.item} has {round(error.excess * cells)} characters, where the layout has {cells} cells"
        return message, "shorten the value, or leave it out so that it is filled in by hand"
    message = f"{slot.item} needs {error.needs}, at the narrowest and smallest allowed"
    return message, "shorten the value, or give the element a larger box or a lower floor in the layout"
