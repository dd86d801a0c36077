"""Cells: what is drawn at one corner, once for a side or once for each row of a flow.

Which elements a cell shows depends on flags alone. Each combination of flags that turns up becomes a variant: a static
part, drawn once, and the slots that records fill.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from docgen.compose.placed import PlacedText, StaticItem, StaticPart
from docgen.compose.slots import Filled, IncludeSlot, Slot, TextSlot
from docgen.layout.models import Condition


@dataclass(frozen=True, slots=True)
class Part:
    """One element compiled: under which conditions it shows, and what it is: static items or a slot."""

    element: str
    when: tuple[Condition, ...]
    items: tuple[StaticItem, ...]
    slot: Slot | None


class Told(NamedTuple):
    """A place of an item's text; `may_go` if the fit policy may leave it out."""

    element: str
    item: str
    may_go: bool


@dataclass(frozen=True, slots=True)
class Variant:
    """What a cell shows for one combination of flags; `texts` are its texts alone, and the documents with more."""

    static: StaticPart
    slots: tuple[Slot, ...]
    texts: tuple[Told | IncludeSlot, ...]


class Cell:
    """Parts that stand at one corner, as variants by flags."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = tuple(parts)
        self._flags = tuple(dict.fromkeys(condition.flag for part in self._parts for condition in part.when))
        self._variants: dict[tuple[bool, ...], Variant] = {}
        self._statics: dict[tuple[int, ...], StaticPart] = {}

    def asks(self, prefix: str) -> bool:
        """Whether a flag or text whose name begins like this decides what is shown."""
        items = [part.slot.item for part in self._parts if isinstance(part.slot, Filled)]
        return any(name.startswith(prefix) for name in (*self._flags, *items))

    def slots(self, known: Mapping[str, bool], *, always: bool = False) -> Iterator[Slot]:
        """Every place that some record may fill, as far as the flags that are known leave it.

        With `always` only those whose flags are all known: no record with these flags is without them.
        """
        for part in self._parts:
            if part.slot is not None and all(
                known.get(c.flag, None if always else c.wanted) == c.wanted for c in part.when
            ):
                yield part.slot

    def fixed_texts(self) -> Iterator[tuple[tuple[Condition, ...], str]]:
        """Every text that no record fills, with the conditions under which it shows."""
        for part in self._parts:
            for item in part.items:
                if isinstance(item, PlacedText):
                    yield part.when, "".join(line.text for line in item.text.lines)

    def variant(self, flags: Mapping[str, bool]) -> Variant:
        """The variant for a record's flags, compiled when first asked for."""
        key = tuple([flags[flag] for flag in self._flags])
        variant = self._variants.get(key)
        if variant is None:
            variant = self._variants[key] = self._compile(flags)
        return variant

    def _compile(self, flags: Mapping[str, bool]) -> Variant:
        shown = [
            (at, part)
            for at, part in enumerate(self._parts)
            if all(flags[condition.flag] == condition.wanted for condition in part.when)
        ]
        # Variants that differ in their slots alone share one static part.
        drawn = tuple(at for at, part in shown if part.items)
        if drawn not in self._statics:
            parts = [self._parts[at] for at in drawn]
            self._statics[drawn] = StaticPart(
                tuple(item for part in parts for item in part.items),
                tuple(part.element for part in parts for _ in part.items),
            )
        slots = tuple(part.slot for _, part in shown if part.slot is not None)
        return Variant(self._statics[drawn], slots, tuple(_texts(slots)))


def _texts(slots: Iterable[Slot]) -> Iterator[Told | IncludeSlot]:
    for slot in slots:
        if isinstance(slot, TextSlot):
            yield Told(slot.element, slot.item, slot.setter.fit[-1].kind == "omit")  # always the last step
        elif isinstance(slot, IncludeSlot):
            yield slot
