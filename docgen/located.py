"""YAML with the line of every node, for layouts and insurers' profiles."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from docgen import wrong_values
from docgen.errors import LayoutError, Violation

Path_ = tuple[str | int, ...]
_MOST_NAMES, _NEAREST = 24, 6  # names that a hint lists; of more, the nearest
_FIGURES = r"[-+]?[0-9.]+"
_NOTHING = "nothing stands here (in YAML # begins a comment, and a text that begins with # needs quotes)"


class Written(BaseModel):
    """What people write in YAML: frozen, and strict about keys: a misspelt key is an error.

    So is a key without a value, unless nothing stands for something there that leaving out the key does not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _something_stands_there(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and cls.model_fields[str(info.field_name)].default is None:
            raise ValueError
        return value


def faults(error: ValidationError) -> list[ErrorDetails]:
    """What is wrong with a file. Of a tuple pydantic counts the sound values alone; it is as long as it is written."""
    return [fault for fault in error.errors(include_url=False) if not _long_enough(fault)]


def _long_enough(fault: ErrorDetails) -> bool:
    return fault["type"] == "too_short" and len(fault["input"]) >= fault["ctx"]["min_length"]


def suggest(word: str, allowed: Iterable[str]) -> str:
    """What was probably meant, and what is allowed: all of it, or of many names the nearest."""
    names = sorted(allowed)
    close = difflib.get_close_matches(word, names, n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    if len(names) <= _MOST_NAMES:
        return f"{guess}allowed: {', '.join(names)}"
    near = difflib.get_close_matches(word, names, n=_NEAREST, cutoff=0)
    return f"{guess}allowed: {', '.join(near)} and {len(names) - len(near)} more"


def innermost(errors: Sequence[tuple[Path_, ErrorDetails]]) -> Iterator[tuple[Path_, ErrorDetails]]:
    """Errors by their places, without those that a list is no text, or too short, if something in it is wrong.

    An ink is a text or four numbers: of [255, 0, 0, 0] it is the 255 that is wrong.
    """
    places = [path for path, _ in errors]
    for path, error in errors:
        is_inside = any(len(place) > len(path) and place[: len(path)] == path for place in places)
        if not (is_inside and _is_of_list(error)):
            yield path, error


def _is_of_list(error: ErrorDetails) -> bool:
    """Whether a list stands where something else may, or it is too short."""
    if error["type"] == "missing":
        return isinstance(error["loc"][-1], int)
    return error["type"] in ("string_type", "literal_error") and isinstance(error["input"], list)


def said(error: ErrorDetails) -> str:
    """What is wrong with a value of a file, in words, and what was probably meant."""
    if error["input"] is not None:
        meant = _meant(error)
        return f"{wrong_values.said(error)}; {meant}" if meant else wrong_values.said(error)
    rule = wrong_values.said(error) if error["type"] == "value_error" else ""
    return f"{_NOTHING}; {rule}" if rule else _NOTHING


def _meant(error: ErrorDetails) -> str:
    value, kind, context = error["input"], error["type"], error.get("ctx", {})
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        allowed = re.findall(r"'([^']*)'", str(context.get("expected", context.get("expected_tags", ""))))
        close = difflib.get_close_matches(str(context.get("tag", value)), allowed, n=1)
        return f"did you mean {close[0]}?" if close else ""
    if kind == "string_type" and isinstance(value, bool):
        return "YAML reads on, off, yes and no as true or false: put the word in quotes"
    if kind in ("float_type", "int_type", "int_parsing") and isinstance(value, str):
        return f"{value} stands there{_meant_number(value)}"
    return ""


def _meant_number(value: str) -> str:
    narrow = unicodedata.normalize("NFKC", value)
    if narrow != value and re.fullmatch(_FIGURES, narrow):
        return f": these are full-width figures: write {narrow}"
    if re.fullmatch(rf"{_FIGURES}( +{_FIGURES})+", value):
        return f": a comma is missing: write {re.sub(' +', ', ', value)}"
    if unit := re.fullmatch(rf"({_FIGURES}) *(mm|pt|%)", value):
        return f": lengths are mm, type sizes pt, inks %: write the number alone, {unit[1]}"
    return ""


def without_nulls(schema: Any) -> Any:
    """A JSON Schema of `Written` models, in which null is no value where it means no more than no key."""
    if isinstance(schema, list):
        return [without_nulls(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: without_nulls(part) for key, part in schema.items()}
    if "anyOf" in kept and kept.get("default", ...) is None:
        forms = [form for form in kept.pop("anyOf") if form != {"type": "null"}]
        del kept["default"]
        return {**kept, **(forms[0] if len(forms) == 1 else {"anyOf": forms})}
    return kept


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML file's plain data, and the line of each node by its path of keys and indexes."""

    file: str
    data: Any
    lines: dict[Path_, int]

    def line(self, path: Iterable[str | int]) -> int:
        """The 1-based line of the nearest node at or above `path`."""
        key = tuple(path)
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


def load(path: Path, shown_as: str | None = None) -> Located:
    """Read one YAML file (safe types only, duplicate keys refused).

    Raises LayoutError `layout_syntax` with file and line.
    """
    name = shown_as or path.name
    try:
        content = path.read_bytes()
        text = content.decode("utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise LayoutError(Violation("layout_syntax", f"cannot read: {error.strerror}", file=name)) from None
    except UnicodeDecodeError as error:
        raise LayoutError(_not_utf8(content, error.start, name)) from None
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise LayoutError(_syntax(error, text, name)) from None
    except yaml.reader.ReaderError as error:
        raise LayoutError(_unacceptable(str(error.character), text, name)) from None
    lines: dict[Path_, int] = {}
    return Located(name, _plain(node, (), lines, name), lines)


def _not_utf8(content: bytes, at: int, name: str) -> Violation:
    """A file in another encoding; on Japanese machines that is most often Windows' Shift_JIS."""
    line = content.count(b"\n", 0, at) + 1
    try:
        content.decode("cp932")
    except UnicodeDecodeError:
        message = f"not UTF-8, from byte {at} on"
    else:
        message = "not UTF-8, but Shift_JIS (CP932), as it seems"
    return Violation("layout_syntax", message, "save it as UTF-8", file=name, line=line)


# What the parser says, and what it most often means.
_MEANS = {
    "mapping values are not allowed in this context": "a colon that no key stands before: a text with `: ` in it needs "
    "quotes, and keys of one mapping are indented alike",
    "did not find expected ',' or '}'": "a comma or `}` is missing before this",
    "did not find expected ',' or ']'": "a comma or `]` is missing before this",
    "did not find expected node content": "a value is missing before this",
    "did not find expected key": "no key stands here: keys of one mapping are indented alike",
}


def _syntax(error: yaml.MarkedYAMLError, text: str, name: str) -> Violation:
    """What the parser found, where it began rather than where it was noticed."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Violation("layout_syntax", error.problem or str(error), file=name)
    line = mark.line + 1
    at = text.splitlines()[mark.line][mark.column :] if mark.line < len(text.splitlines()) else ""
    if at.startswith("\t"):
        return Violation("layout_syntax", "a tab stands here", "indent with spaces", file=name, line=line)
    if opened := _open_quote(error, text, line):
        message = f"a text in quotes begins here, and goes on to line {line}"
        return Violation("layout_syntax", message, "is its closing quote missing?", file=name, line=opened)
    if at[:1] and at[0] in "@`%":
        message, hint = f"no text begins with {at[0]} unless it stands in quotes", "put it in quotes"
        return Violation("layout_syntax", message, hint, file=name, line=line)
    begun = error.context_mark.line + 1 if error.context_mark else line
    # A line without a key goes on from the one before: it is noticed up to two lines later.
    first = max(min(begun, line - 2), 1)
    for number, written in enumerate(text.split("\n")[first - 1 : line], start=first):
        if wide := _full_width(written):
            return Violation("layout_syntax", *wide, file=name, line=number)
    hint = f"what it belongs to begins on line {begun}" if begun < line else ""
    message = _MEANS.get(error.problem or "", error.problem or str(error))
    within = "\n".join(text.splitlines()[max(begun - 2, 0) : line])
    if "flow" in (error.context or "") and re.search(r"[:,\[] +#", within):
        hint = f"{hint}; # begins a comment: a text with # needs quotes".removeprefix("; ")
    return Violation("layout_syntax", message, hint, file=name, line=line)


_COLON = ("a full-width colon (：) stands here", "type a colon and a space of half width: `key: value`")
_SPACE = ("a full-width space stands here", "indent, and part, with spaces of half width")


def _full_width(line: str) -> tuple[str, str] | None:
    """What a Japanese keyboard writes in place of what YAML reads, at the beginning of a line."""
    if re.match(r"\s*(?:-\s+)?\{?\s*[A-Za-z_][\w.-]*：", line):
        return _COLON
    return _SPACE if "\u3000" in line[: len(line) - len(line.lstrip())] else None


def _slip(node: yaml.Node, path: Path_) -> tuple[str, str] | None:
    """The same inside of braces and brackets, in a text without quotes that is no wording."""
    if not isinstance(node, yaml.ScalarNode) or node.style or path[:1] == ("wording",):
        return None
    if re.fullmatch(r"[-+－0-9０-９.．\s]+(?:[、，][-+－0-9０-９.．\s]+)+", node.value):
        comma = "、" if "、" in node.value else "，"
        return f"{comma} is no comma: {node.value}", "part numbers with a comma and a space of half width"
    if re.match(r"(rgba?|hsla?|cmyk)\(", node.value):  # the commas after it would be read as the end of the value
        return f"no ink is written {node.value[: node.value.index('(') + 1]}...)", "an ink is [c, m, y, k] in percent"
    if re.match(r"[［｛]", node.value):
        return f"a full-width bracket ({node.value[0]}) stands here", "type brackets of half width"
    return None


def _slip_in_key(key: yaml.Node, value: yaml.Node) -> tuple[str, str] | None:
    """A key that a full-width space or colon is part of, so that it is another one, or has no value."""
    if not isinstance(key, yaml.ScalarNode) or key.style:
        return None
    if key.value != key.value.strip("\u3000"):
        return _SPACE
    is_alone = isinstance(value, yaml.ScalarNode) and value.value == ""
    if is_alone and "：" in key.value:
        return _COLON
    return _SPACE if is_alone and ":\u3000" in key.value else None


def _open_quote(error: yaml.MarkedYAMLError, text: str, line: int) -> int | None:
    """The line on which a quoted text begins that runs on to the line of an error; None if there is none."""
    if error.context == "while scanning a quoted scalar" and error.context_mark:
        return int(error.context_mark.line) + 1
    try:
        for token in yaml.scan(text, Loader=yaml.CSafeLoader):
            is_quoted = isinstance(token, yaml.ScalarToken) and token.style in ("'", '"')
            if is_quoted and token.start_mark.line < token.end_mark.line == line - 1:
                return int(token.start_mark.line) + 1
    except yaml.YAMLError:
        pass
    return None


def _unacceptable(character: str, text: str, name: str) -> Violation:
    """A character that YAML does not have, where it first stands."""
    code = int(character)
    line = text.count("\n", 0, text.index(chr(code))) + 1
    message = f"an invisible control character stands here: U+{code:04X}"
    return Violation("layout_syntax", message, "take it out, or type the line anew", file=name, line=line)


def _plain(node: yaml.Node | None, path: Path_, lines: dict[Path_, int], name: str) -> Any:
    if node is None:
        return None
    lines.setdefault(path, node.start_mark.line + 1)
    if slip := _slip(node, path):
        raise LayoutError(Violation("layout_syntax", *slip, file=name, line=lines[path]))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, i), lines, name) for i, child in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(node)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if slip := _slip_in_key(key_node, value_node):
            raise LayoutError(Violation("layout_syntax", *slip, file=name, line=line))
        if key in mapping:
            raise LayoutError(Violation("layout_syntax", f"key written twice: {key}", file=name, line=line))
        lines[(*path, key)] = line
        mapping[key] = _plain(value_node, (*path, key), lines, name)
    return mapping


def _scalar(node: yaml.Node) -> Any:
    return yaml.constructor.SafeConstructor().construct_object(node, deep=True)
