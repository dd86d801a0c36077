"""Print items: everything of one record that may be printed, by name, and the catalogue of those names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

# Between a text's parts, where it is broken before anywhere else (see `docgen.text.setting`): Unicode's zero-width
# space, which records never have.
PART = "\u200b"


@dataclass(frozen=True, slots=True)
class ItemSpec:
    """A name that a layout may use as `field:`.

    `when` is the flag without which the item is always empty (None: any record may fill it). A `constant` item is the
    insurer's, the same on each of its documents, so that it is drawn once per layout.
    """

    description: str
    when: str | None = None
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """An item that a layout must print whenever it is filled and these flags hold (`burden.is_printed`, `not ...`)."""

    item: str
    when: tuple[str, ...] = ()


def always(*items: str) -> tuple[Need, ...]:
    """Items that a layout must print whenever they are filled."""
    return tuple(Need(item) for item in items)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The names that one document's layouts may use: texts (`field:`, `qr:`), flags (`when:`) and lists (`flows:`).

    A list's own catalogue holds the names of its rows; inside a row the document's names hold too. `needed` are the
    items without which the paper would not be what it is for.
    """

    texts: Mapping[str, ItemSpec]
    flags: Mapping[str, str]
    lists: Mapping[str, Catalogue] = field(default_factory=dict)
    needed: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Substitution:
    """One use of the insurer's character substitution: for the caller's report."""

    pointer: str
    character: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list: its texts, flags and pointers, and the records of documents that a layout may include.

    Neighbours of one `group` belong together: a layout may keep them on one page.
    """

    texts: Mapping[str, str]
    flags: Mapping[str, bool] = field(default_factory=dict)
    pointers: Mapping[str, str] = field(default_factory=dict)
    includes: Mapping[str, PrintItems] = field(default_factory=dict)
    group: str | None = None


@dataclass(frozen=True, slots=True)
class PrintItems:
    """What one record prints. An absent or empty text prints nothing; every flag of the catalogue is present.

    `omitted` names the items that a rule left out, each with its reason.
    `pointers` names, for each text, the JSON pointer of the record's value behind it, so that a text that does not fit
    is reported where the caller can mend it.
    """

    texts: Mapping[str, str]
    flags: Mapping[str, bool]
    pointers: Mapping[str, str]
    issued_on: date
    expires_on: date | None = None
    expiry_reason: str = ""
    substitutions: tuple[Substitution, ...] = field(default=())
    omitted: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    includes: Mapping[str, PrintItems] = field(default_factory=dict)
