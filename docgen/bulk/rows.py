"""Rows of an extract to records, by the column map of the insurer's profile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from docgen.bulk.sources import MISQUOTED, QUOTING
from docgen.errors import Violation, several
from docgen.issuance.extract import DATES, RATIOS, WHOLE_NAMES, BulkSettings, Column, Target
from docgen.issuance.notice import too_many_digits

# What a column that may hold a whole name is for else.
_WHOLE = {f"/{part.replace('.', '/')}": f"/{whole.replace('.', '/')}" for part, whole in WHOLE_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Extracted:
    """What one row says: the raw parts of records, as decoded from JSON, and what could not be read.

    `card` is a card's record without `insured` and `card`. `employer` is None if the row names none. `violations` have
    JSON pointers into the card's record, or `/address/...`, `/employer/...`, `/individual_number_last4`; a value that
    could not be read is absent.
    """

    key: str
    household: str | None
    card: dict[str, Any]
    address: dict[str, Any]
    employer: dict[str, Any] | None
    individual_number_last4: str | None
    violations: tuple[Violation, ...]
    column_of: Mapping[str, str]

    def insured(self) -> dict[str, Any]:
        """The name as the cards of the dependents need it: no reading, no former surname (so no fault of theirs)."""
        person = self.card.get("person", {})
        name = {part: person[part] for part in ("family", "given", "full_name") if part in person}
        alias = person.get("alias", {}).get("name")
        return name if alias is None else {**name, "alias": {"name": alias}}

    def column(self, pointer: str) -> str | None:
        """The header of the column behind a pointer, or the first of those below or above it; None if there is none."""
        pointer = pointer if pointer in self.column_of else _WHOLE.get(pointer, pointer)
        if pointer in self.column_of:
            return self.column_of[pointer]
        below = (header for known, header in self.column_of.items() if known.startswith(f"{pointer}/"))
        above = (header for known, header in self.column_of.items() if pointer.startswith(f"{known}/"))
        return next(below, None) or next(above, None)


def malformed_row(fault: str) -> Violation:
    """What is wrong with a row that could not be read, by what `docgen.bulk.sources` says of it."""
    code, *fields = fault.split()
    if not fields:
        return Violation(code, "the line is no JSON object of texts and numbers", "write one object to a line")
    if fields == ["quotes"]:
        return Violation(code, MISQUOTED, QUOTING)
    message = f"the row has {several(int(fields[0]), 'field')}, and the header has {fields[1]}"
    return Violation(code, message, "quote fields that hold commas or quotes")


class _Unreadable(Exception):
    """The text of a cell does not hold what its column holds."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


Convert = Callable[[str], Any]


class _Cell(NamedTuple):
    """A column: its values are converted, and put under `last` of the object that `parents` lead to."""

    header: str
    parents: tuple[str, ...]
    last: str
    pointer: str
    convert: Convert | None


class RowReader:
    """Reads the rows of one extract; it holds no state of a row, so that it can be kept."""

    def __init__(self, settings: BulkSettings) -> None:
        self._key = settings.key_parts()
        self._family, self._kana = settings.header("person.family"), settings.header("person.family_kana")
        # By whether the name is whole, and its reading: that of a whole name is.
        wholes: dict[tuple[bool, bool], tuple[Target, ...]] = {
            (False, False): (),
            (False, True): ("person.given_kana",),
            (True, True): ("person.given", "person.given_kana"),
        }
        self._forms = {form: (cells := _cells(settings, whole), _columns(cells)) for form, whole in wholes.items()}

    def key(self, row: Mapping[str, str | None]) -> str:
        """The record's own key, put together from the row's cells; an empty cell leaves nothing."""
        return "".join(row.get(part) or "" if at % 2 else part for at, part in enumerate(self._key))

    def read(self, row: Mapping[str, str | None]) -> Extracted:
        """One row; `row` has the cells by their headers. An empty cell is an absent value."""
        whole = self._family is not None and not row.get(self._family)
        cells, columns = self._forms[whole, whole or (self._kana is not None and not row.get(self._kana))]
        record: dict[str, Any] = {}
        violations = []
        for header, parents, last, pointer, convert in cells:
            text = row.get(header)
            if not text:
                continue
            try:
                value = text if convert is None else convert(text)
            except _Unreadable as fault:
                violations.append(Violation(fault.code, fault.message, fault.hint, pointer=pointer))
                continue
            if value is not None:
                place = record
                for part in parents:
                    place = place.setdefault(part, {})
                place[last] = value
        return Extracted(
            key=self.key(row),
            household=record.pop("household", None),
            address=record.pop("address", {}),
            employer=record.pop("employer", None),
            individual_number_last4=record.pop("individual_number_last4", None),
            card=record,
            violations=tuple(violations),
            column_of=columns,
        )


def _cells(settings: BulkSettings, whole: Collection[Target]) -> tuple[_Cell, ...]:
    """The columns, of which those of `whole` are given as the whole name or reading if they hold one."""
    cells = []
    for header, column in settings.columns.items():
        to: Target = WHOLE_NAMES[column.to] if column.to in whole and column.holds_whole_name else column.to
        *parents, last = to.split(".")
        pointer = "/" + to.replace(".", "/")
        cells.append(_Cell(header, tuple(parents), last, pointer, _conversion(column, settings.dates)))
    return tuple(cells)


def _columns(cells: Iterable[_Cell]) -> dict[str, str]:
    """A whole name comes first: what is said of a person as such is most often said of the name."""
    return {cell.pointer: cell.header for cell in sorted(cells, key=lambda cell: cell.last != "full_name")}


# --- what a cell's text becomes ---


def _conversion(column: Column, dates: str) -> Convert | None:
    """None where the text stays as it is. A translated date or ratio is read as if the column had it."""
    if column.to in DATES:
        return _chained(column, lambda text: _day(text, dates))
    if column.to in RATIOS:
        return _chained(column, _ratio)
    if column.to == "individual_number_last4":
        return _chained(column, _last_four)
    return _chained(column, None)


def _chained(column: Column, convert: Convert | None) -> Convert | None:
    values = column.values
    if values is None:
        return convert

    def translate(text: str) -> Any:
        if text not in values:
            code = "unknown_code" if column.to in ("relationship", "membership") else "not_allowed"
            raise _Unreadable(code, f"unknown value: {text[:40]}", f"the profile knows: {', '.join(values)}")
        value = values[text]
        return value if convert is None or value is None else convert(str(value))

    return translate


_SIGNS = {"YYYYMMDD": "", "YYYY-MM-DD": "-", "YYYY/MM/DD": "/"}


@lru_cache(4096)
def _day(text: str, dates: str) -> str:
    """A date as records write it. Typed dates, as of Parquet, come as YYYY-MM-DD whatever the extract's form."""
    for sign in (_SIGNS[dates], "-"):
        year, month, day = text[:4], text[4 + len(sign) : 6 + len(sign)], text[-2:]
        if text != f"{year}{sign}{month}{sign}{day}":
            continue
        try:
            return date.fromisoformat(f"{year}-{month}-{day}").isoformat()
        except ValueError:
            break
    raise _Unreadable("invalid_date", f"not a day of the calendar: {text[:40]}", f"write {dates}")


def _ratio(text: str) -> int:
    if text in ("1", "2", "3"):
        return int(text)
    raise _Unreadable("not_allowed", f"not a ratio: {text[:40]}", "in tenths: 1, 2 or 3")


def _last_four(text: str) -> str:
    """A whole individual number is refused whatever is delivered: it must not be sent at all."""
    if too_long := too_many_digits(text):
        raise _Unreadable(*too_long)
    return text
