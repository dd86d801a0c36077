"""A violation in the words of an extract: which column of a row is to be mended, and what to do there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from docgen.bulk.rows import Extracted
from docgen.errors import Violation

_KEY = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")  # of a record, as the rules' hints have them
_CHARACTER = re.compile(r"U\+([0-9A-F]{4,6})")
_NAMES = ("family", "given", "full_name", "former_surname")
_READINGS = ("family_kana", "given_kana", "full_kana")
_ADDRESSES = ("/address", "/employer/address")


def in_columns(violation: Violation, data: Extracted) -> tuple[str | None, str, str]:
    """A violation's column (None if no column has it), message and hint; pointers are those of `Extracted`."""
    if violation.code == "missing_value" and violation.pointer == "/insured":
        hint = "add the insured person's row, for name and address, or correct the household of this one"
        return data.column("/relationship"), "the household has no row of an insured person", hint
    pointer = _part(violation, data)
    column = data.column(pointer) if pointer else None
    if column is not None and pointer is not None and _is_empty(violation, pointer, data):
        return column, f"{column} is empty", "fill it in"
    headers: dict[str, str] = {}
    for known, header in data.column_of.items():
        key = known.rpartition("/")[2]
        headers[key] = header if headers.setdefault(key, header) == header else key  # two columns may hold such a value
    return column, violation.message, _KEY.sub(lambda key: headers.get(key[0], key[0]), violation.hint)


def _is_empty(violation: Violation, pointer: str, data: Extracted) -> bool:
    """Whether nothing but a value is missing: what rules say beyond that is said in their own words."""
    if violation.code == "address_form":
        return not _values(data, pointer.rpartition("/")[0], [pointer.rpartition("/")[2]])
    of_mail = pointer.startswith(("/address/", "/employer/"))
    return violation.code == "missing_value" and (of_mail or violation.message.endswith(" is required"))


def _part(violation: Violation, data: Extracted) -> str | None:
    """The pointer of the value itself, where a violation points at a whole address or name."""
    pointer = violation.pointer
    if pointer in _ADDRESSES:
        if violation.code == "missing_value":
            return f"{pointer}/rest"
        if violation.code == "address_form":
            return next((at for key in ("area", "full") if (at := f"{pointer}/{key}") in data.column_of), pointer)
        # Numbers stand behind the town, and whether `full` can be split is told of it as well.
        keys = ("area", "rest", "full", "building") if violation.item is not None else ("rest", "full")
        return _to_mend(violation, _values(data, pointer, keys)) or pointer
    if pointer == "/person" and violation.item is not None:
        is_reading = violation.item.endswith(".kana")
        shown = _values(data, "/person/alias", ("kana",) if is_reading else ("name",))
        return _to_mend(violation, shown or _values(data, "/person", _READINGS if is_reading else _NAMES)) or pointer
    return pointer


def _to_mend(violation: Violation, values: Mapping[str, str]) -> str | None:
    """Of several values that stand in one text: that with the character that is told, else the longest."""
    told = {chr(int(code, 16)) for code in _CHARACTER.findall(violation.message)}
    having = {at: value for at, value in values.items() if told and told <= set(value)}
    return max(having or values, key=lambda at: len(values[at]), default=None)


def _values(data: Extracted, pointer: str, keys: Iterable[str]) -> dict[str, str]:
    """Those of some values below a pointer that the row has, by their own pointers."""
    below: Any = {**data.card, "address": data.address, "employer": data.employer or {}}
    for key in pointer.split("/")[1:]:
        below = below.get(key, {})
    return {f"{pointer}/{key}": str(below[key]) for key in keys if key in below}
