"""Reading a layout file: YAML to frozen models, every error with its file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from docgen import located
from docgen.errors import LayoutError, Violation
from docgen.layout.grammar import check_references, suggest
from docgen.layout.models import ELEMENTS, KINDS, Layout, Page, Style, kinds_in

_SIDES = ("front", "back")


def load_layout(path: Path) -> Layout:
    """Read one layout.

    The names inside it (ids, styles, wording, fit policies) are checked too, so that a layout that loads can be
    compiled. What stands where is `grammar.check_grammar`'s.

    Raises LayoutError with every violation: `layout_syntax`, `layout_unknown_key`, `layout_value` and those of
    `grammar.check_references`.
    """
    source = located.load(path)
    try:
        layout = Layout.model_validate(source.data)
    except ValidationError as error:
        raise LayoutError(_violations(source, error.errors())) from None
    _locate(layout, source)
    if violations := check_references(layout):
        raise LayoutError(violations)
    return layout


def layout_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a layout file, for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "docgen layout"}
    return {**Layout.model_json_schema(mode="validation"), **head}


def _locate(layout: Layout, source: located.Located) -> None:
    layout._file = source.file
    layout._lines = source.lines
    for side, elements in layout.sides.items():
        for index, element in enumerate(elements):
            element._line = source.line(("sides", side, index))


def _violations(source: located.Located, errors: Iterable[ErrorDetails]) -> Iterator[Violation]:
    """One violation for each place: a value that is none of several allowed kinds is reported once."""
    seen = set()
    for error in errors:
        path = _path(source.data, error["loc"])
        if (path, error["type"] == "missing", error["loc"][-1:]) in seen:
            continue
        seen.add((path, error["type"] == "missing", error["loc"][-1:]))
        yield _violation(source, path, error)


def _path(data: Any, loc: tuple[str | int, ...]) -> located.Path_:
    """The error's place in the file: pydantic's location without the names of models and types that it tried."""
    parts = list(loc)
    if parts[:1] == ["sides"] and len(parts) > 3:
        del parts[3]  # the kind of the element, which is also one of its keys
    path: list[str | int] = []
    for part in parts:
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        path.append(part)
    return tuple(path)


def _violation(source: located.Located, path: located.Path_, error: ErrorDetails) -> Violation:
    place = {"file": source.file, "line": source.line(path), "element": _element_id(source.data, path)}
    kind, key = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind in ("extra_forbidden", "literal_error") and (kind == "extra_forbidden" or key == "[key]"):
        model = _model(source.data, path[:-1])
        allowed = list(model.model_fields) if model else list(_SIDES)
        return Violation("layout_unknown_key", f"unknown key: {path[-1]}", suggest(str(path[-1]), allowed), **place)
    if kind.startswith("union_tag"):
        return _no_kind(source, path)
    if kind == "missing":
        return Violation("layout_value", f"`{key}` is missing", _description(source.data, path, key), **place)
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "the layout")
    message = f"`{name}`: {error['msg'].removeprefix('Value error, ')}"
    return Violation("layout_value", message, _description(source.data, path[:-1], name), **place)


def _no_kind(source: located.Located, path: located.Path_) -> Violation:
    """An element without exactly one of the keys that say what it is."""
    data = source.data
    for part in path:
        data = data[part]
    place = {"file": source.file, "element": _element_id(source.data, path)}
    if not isinstance(data, dict):
        return Violation("layout_value", "an element is a mapping", "{id: ..., text: ...}", **place, line=source.line(path))
    if found := kinds_in(data):
        line = source.line((*path, found[-1]))
        return Violation("layout_value", f"an element is one of {', '.join(found)}, not all", **place, line=line)
    known = {key for model in ELEMENTS.values() for key in model.model_fields}
    strange = next((key for key in data if key not in known), None)
    if strange is None:
        hint = "one of: " + ", ".join(KINDS)
        return Violation("layout_value", "this element has no kind", hint, **place, line=source.line(path))
    line = source.line((*path, strange))
    return Violation("layout_unknown_key", f"unknown element kind: {strange}", suggest(strange, KINDS), **place, line=line)


def _model(data: Any, path: located.Path_) -> type[BaseModel] | None:
    match path:
        case ():
            return Layout
        case ("page",):
            return Page
        case ("styles", _):
            return Style
        case ("sides", side, index):
            found = kinds_in(data["sides"][side][index])
            return ELEMENTS[found[0]] if found else None
    return None


def _description(data: Any, path: located.Path_, key: str) -> str:
    while path and isinstance(path[-1], int) and _model(data, path) is None:
        path = path[:-1]  # an item of a list: its key describes it
        if path and path[-1] == key:
            path = path[:-1]
    model = _model(data, path)
    field = model.model_fields.get(key) if model else None
    return (field.description or "") if field else ""


def _element_id(data: Any, path: located.Path_) -> str | None:
    if path[:1] != ("sides",) or len(path) < 3:
        return None
    element = data["sides"][path[1]][path[2]]
    name = element.get("id") if isinstance(element, dict) else None
    return name if isinstance(name, str) else None
