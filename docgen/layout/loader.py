"""Reading a layout file: YAML to frozen models, every error with its file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from docgen import located
from docgen.errors import LayoutError, Violation
from docgen.layout.fixed import with_names
from docgen.layout.grammar import check_references
from docgen.layout.models import (
    ELEMENTS,
    KINDS,
    Cover,
    Layout,
    Page,
    Places,
    Rows,
    Showing,
    Side,
    Style,
    kinds_in,
)


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
        raise LayoutError(_violations(source, located.faults(error))) from None
    _locate(layout, source)
    if violations := check_references(layout):
        raise LayoutError(violations)
    return layout


def layout_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a layout file, for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "docgen layout"}
    return {**with_names(located.without_nulls(Layout.model_json_schema(mode="validation"))), **head}


def _locate(layout: Layout, source: located.Located) -> None:
    layout._file = source.file
    layout._lines = source.lines
    for side, elements in layout.sides.items():
        for index, element in enumerate(elements):
            element._line = source.line(("sides", side, index))


def _violations(source: located.Located, errors: Iterable[ErrorDetails]) -> Iterator[Violation]:
    """One violation for each place: a value that is none of several allowed kinds is reported once."""
    seen = set()
    for path, error in located.innermost([(_path(source.data, error["loc"]), error) for error in errors]):
        missing = error["loc"][-1] if error["type"] == "missing" and isinstance(error["loc"][-1], str) else None
        if (path, missing) not in seen:
            seen.add((path, missing))
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
    at = _Place(source, path)
    last = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        model = _model(source.data, path[:-1])
        return at.unknown_key(last, model.model_fields if model else ())
    if last == "[key]" and path[0] == "sides":
        return at.unknown_key(str(path[-1]), get_args(Side))
    if error["type"].startswith("union_tag"):
        return _no_kind(at)
    if error["type"] == "missing" and isinstance(error["loc"][-1], str):
        return at.value(f"`{last}` is missing", _description(source.data, path, last))
    owner = path
    while owner and isinstance(owner[-1], int):
        owner = owner[:-1]  # an item of a list is described by the list's key
    name = str(owner[-1]) if owner else "the layout"
    says = "too few values" if error["type"] == "missing" else located.said(error)
    return at.value(f"`{name}`: {says}", _description(source.data, owner[:-1], name))


def _no_kind(at: _Place) -> Violation:
    """An element without exactly one of the keys that say what it is."""
    element = at.data()
    if not isinstance(element, dict):
        return at.value("an element is a mapping of keys to values", "{id: ..., text: ...}")
    if found := kinds_in(element):
        return at.inside(found[-1]).value(f"an element is one thing, not {' and '.join(found)}")
    known = {key for model in ELEMENTS.values() for key in model.model_fields}
    strange = next((key for key in element if key not in known), None)
    if strange is None:
        return at.value("this element does not say what it is", f"one of: {', '.join(KINDS)}")
    return at.inside(strange).unknown_key(strange, KINDS)


@dataclass(frozen=True, slots=True)
class _Place:
    """A node of the file, for the violations that stand there."""

    source: located.Located
    path: located.Path_

    def inside(self, key: str) -> _Place:
        return _Place(self.source, (*self.path, key))

    def data(self) -> Any:
        data = self.source.data
        for part in self.path:
            data = data[part]
        return data

    def unknown_key(self, key: str, allowed: Iterable[str]) -> Violation:
        return self._violation("layout_unknown_key", f"unknown key: {key}", located.suggest(key, allowed))

    def value(self, message: str, hint: str = "") -> Violation:
        return self._violation("layout_value", message, hint)

    def _violation(self, code: str, message: str, hint: str) -> Violation:
        line = self.source.line(self.path)
        return Violation(code, message, hint, element=self._element(), file=self.source.file, line=line)

    def _element(self) -> str | None:
        if self.path[:1] != ("sides",) or len(self.path) < 3:
            return None
        element = _Place(self.source, self.path[:3]).data()
        name = element.get("id") if isinstance(element, dict) else None
        return name if isinstance(name, str) else None


def _model(data: Any, path: located.Path_) -> type[BaseModel] | None:
    match path:
        case ():
            return Layout
        case ("page",):
            return Page
        case ("styles", _):
            return Style
        case ("shows_in",):
            return Showing
        case ("flows", name):
            return Rows if "within" in data["flows"][name] else Places
        case ("sides", side, index):
            found = kinds_in(data["sides"][side][index])
            return ELEMENTS[found[0]] if found else None
        case ("sides", _, _, "covers"):
            return Cover
    return None


def _description(data: Any, path: located.Path_, key: str) -> str:
    model = _model(data, path)
    field = model.model_fields.get(key) if model else None
    return (field.description if field else None) or ""
