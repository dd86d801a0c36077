"""JSON as RFC 8259 asks for interoperability: UTF-8, finite numbers, no key twice in one object.

A record whose key stands twice means two different cards; which one is printed must not depend on a parser's habit.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from docgen.errors import RequestError, Violation

_BOM = b"\xef\xbb\xbf"


def loads(data: bytes) -> Any:
    """The value of one JSON text; a leading byte order mark is skipped (RFC 8259, section 8.1, allows it).

    Raises RequestError `malformed_json` (with line and column; other encodings, NaN, infinities and lone surrogates
    among them) or `duplicate_key`.
    """
    data = data.removeprefix(_BOM)
    _refuse_other_encodings(data)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        message, hint = f"{place}: {error.msg}", "send one JSON text in UTF-8"
        raise RequestError(Violation("malformed_json", message, hint, line=error.lineno)) from None
    _refuse_duplicates(data)
    return value


def _refuse_other_encodings(data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = data.count(b"\n", 0, error.start) + 1, error.start - data.rfind(b"\n", 0, error.start)
        message = f"line {line}, byte {column}: the text is not UTF-8"
        hint = "send UTF-8, not Shift_JIS or UTF-16"
        raise RequestError(Violation("malformed_json", message, hint, line=line)) from None


def _refuse_duplicates(data: bytes) -> None:
    # orjson keeps the last of equal keys in silence; the standard parser shows them. Numbers are left as they stand.
    try:
        json.loads(data, object_pairs_hook=_unique, parse_int=str, parse_float=str)
    except RecursionError:
        violation = Violation("malformed_json", "arrays and objects are nested too deeply", "no record needs that")
        raise RequestError(violation) from None


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise RequestError(Violation("duplicate_key", f"the key {key!r} stands twice in one object", "keep one"))
        seen.add(key)
