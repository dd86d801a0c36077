"""Content streams as operators with their operands: the tokenizer under the reader and the preflight.

A tokenizer of our own because pypdf's builds an object for every operand, which costs more than all the rest of reading
a page; pypdf's is the oracle that the tests hold this one against.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_SPACE = rb"[\0\t\n\f\r ]"
_END = rb"(?=[\0\t\n\f\r ()<>\[\]{}/%]|\Z)"
_TOKEN = re.compile(
    _SPACE + rb"*(?:%[^\r\n]*" + _SPACE + rb"*)*(?:"
    rb"([+-]?(?:\d+\.?\d*|\.\d+)" + _END + rb")"  # 1 number
    rb"|<([0-9A-Fa-f\0\t\n\f\r ]*)>"  # 2 hexadecimal string
    rb"|/([^\0\t\n\f\r ()<>\[\]{}/%]*)"  # 3 name
    rb"|([A-Za-z'\"][A-Za-z0-9*'\"]*)"
    + _END  # 4 operator or keyword
    + rb"|(\[|<<)"  # 5 opens an array or dictionary
    rb"|(\]|>>)"  # 6 closes it
    rb"|(\()"  # 7 opens a literal string
    rb"|(\Z))"  # 8 end of the data
)
_NUMBER, _HEX, _NAME, _WORD, _OPEN, _CLOSE, _LITERAL, _EOF = range(1, 9)
_KEYWORDS: dict[bytes, bool | None] = {b"true": True, b"false": False, b"null": None}
_STRING_PART = re.compile(rb"[^()\\]+|\\(?s:.)|[()]")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|(?s:.)))|\r\n?")
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b""}
_IMAGE_END = re.compile(rb"[\0\t\n\f\r ]EI(?=[\0\t\n\f\r ]+[\x20-\x7e\0\t\n\f\r]{0,10}|\Z)")


class ContentError(ValueError):
    """The stream is not well-formed content; the message says at which byte."""


def operations(data: bytes) -> Iterator[tuple[bytes, list[Any]]]:
    """Each operator of a content stream (or CMap) with its operands, in order.

    Numbers come as int or float, names as str with their slash, strings as bytes, arrays and dictionaries as lists and
    dicts. An inline image is one operation `BI` with its dictionary and its raw data. Raises ContentError.
    """
    operands: list[Any] = []
    stack: list[tuple[bytes, list[Any]]] = []
    position = 0
    match = _TOKEN.match
    while True:
        token = match(data, position)
        if token is None:
            raise ContentError(f"not a PDF token at byte {position}")
        kind, position = token.lastindex, token.end()
        if kind == _NUMBER:
            text = token[_NUMBER]
            operands.append(float(text) if b"." in text else int(text))
        elif kind == _HEX:
            operands.append(_from_hex(token[_HEX]))
        elif kind == _WORD:
            word = token[_WORD]
            if word in _KEYWORDS:
                operands.append(_KEYWORDS[word])
                continue
            if stack:
                raise ContentError(f"operator inside an array or dictionary at byte {token.start(_WORD)}")
            if word == b"ID":
                word, image, position = b"BI", _dictionary(operands, position), position
                end = _inline_image_end(data, position)
                operands, position = [image, data[position + 1 : end]], end + 3
            elif word == b"BI":
                continue
            yield word, operands
            operands = []
        elif kind == _NAME:
            operands.append(_name(token[_NAME]))
        elif kind == _LITERAL:
            text, position = _literal(data, position)
            operands.append(text)
        elif kind == _OPEN:
            stack.append((token[_OPEN], operands))
            operands = []
        elif kind == _CLOSE:
            operands = _close(token[_CLOSE], stack, operands, position)
        else:
            if operands or stack:
                raise ContentError("operands without an operator at the end")
            return


def _close(bracket: bytes, stack: list[tuple[bytes, list[Any]]], inner: list[Any], position: int) -> list[Any]:
    opened, outer = stack.pop() if stack else (b"", [])
    if (opened, bracket) == (b"[", b"]"):
        outer.append(inner)
    elif (opened, bracket) == (b"<<", b">>"):
        outer.append(_dictionary(inner, position))
    else:
        raise ContentError(f"brackets do not match at byte {position}")
    return outer


def _dictionary(flat: list[Any], position: int) -> dict[str, Any]:
    keys = flat[::2]
    if len(flat) % 2 or not all(isinstance(key, str) for key in keys):
        raise ContentError(f"not pairs of a name and a value before byte {position}")
    return dict(zip(keys, flat[1::2], strict=True))


def _from_hex(digits: bytes) -> bytes:
    compact = b"".join(digits.replace(b"\0", b" ").split())
    return bytes.fromhex((compact + b"0" * (len(compact) % 2)).decode("ascii"))


def _name(raw: bytes) -> str:
    if b"#" in raw:
        raw = re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), raw)
    return "/" + raw.decode("latin-1")


def _literal(data: bytes, start: int) -> tuple[bytes, int]:
    """The string whose opening parenthesis stands before `start`, and the byte after its closing one."""
    depth, position = 1, start
    while depth:
        part = _STRING_PART.match(data, position)
        if part is None:
            raise ContentError(f"string not closed from byte {start - 1}")
        position = part.end()
        depth += {b"(": 1, b")": -1}.get(part[0], 0)
    return _ESCAPE.sub(_unescape, data[start : position - 1]), position


def _unescape(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes([int(found[1], 8) & 255])
    if found[2]:
        return _ESCAPED.get(found[2], found[2])
    return b"\n"


def _inline_image_end(data: bytes, start: int) -> int:
    """The white space before `EI`; what follows must look like text, since raw samples may hold the same bytes."""
    found = _IMAGE_END.search(data, start)
    if found is None:
        raise ContentError(f"inline image not closed from byte {start}")
    return found.start()


def multiply(first: Matrix, then: Matrix) -> Matrix:
    """The matrix that applies `first`, then `then` (row vectors, as PDF writes them)."""
    a, b, c, d, e, f = first
    g, h, i, j, k, m = then
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)
