"""Writes docs/reference/ from the models, so that the pages cannot fall behind the code: `make docs`.

tests/test_docs.py compares the pages with what this writes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from docgen.engine import Engine
from docgen.errors import CODES
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import Catalogue
from docgen.issuance.profile import InsurerProfile
from docgen.layout.models import ELEMENTS, Condition, Cover, Layout, Page, Places, Rows, Showing, Style
from docgen.service.app import create_app
from docgen.settings import Settings

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

# What a step does, in the words of a designer: the model can only say how it is written.
FIT_STEPS = {
    "condense": ("condense 0.7", "長体: narrows the characters, to no less than this part of their width."),
    "shrink": ("shrink 5", "Makes the type smaller, to no less than this size in points."),
    "wrap": ("wrap 2", "Breaks into at most this many lines, by the Japanese line-breaking rules (禁則)."),
    "omit": ("omit", "Last: prints nothing. Only where the paper stays right without the text."),
    "reject": ("reject", "Last: the record is refused with `does_not_fit`."),
}
STATUS_TITLES = {
    400: "The request",
    422: "The record, and what preflight finds in a file",
    500: "Layouts and profiles",
    503: "The machine, and its load",
}
# The layout page names an element's section by the key that makes it one.
SECTIONS = {model.__name__: kind for kind, model in ELEMENTS.items()}
# Routes for browsers, which the API's own description leaves out.
PLAIN_ROUTES = {
    "/": "A page to try things on: pick insurer, document and sample, see the pages with overlays, open the PDF.",
    "/docs": "The API's description, to read and to try.",
    "/docs/oauth2-redirect": "A part of that page; docgen has no login.",
    "/openapi.json": "The API's description as OpenAPI.",
}


def pages() -> dict[str, str]:
    """Every page of docs/reference/ by its file name."""
    writers: dict[str, Callable[[], Iterable[str]]] = {
        "settings.md": _settings,
        "errors.md": _errors,
        "layout.md": _layout,
        "items.md": _items,
        "records.md": _records,
        "insurers.md": _insurers,
        "routes.md": _routes,
    }
    return {name: "\n".join(_tidy(writer())) + "\n" for name, writer in writers.items()}


def _tidy(lines: Iterable[str]) -> Iterator[str]:
    head, *rest = lines
    yield from (head, "", "<!-- Written by `make docs` from the code: edit it there. -->", "")
    yield from rest


def _settings() -> Iterator[str]:
    yield "# Settings"
    yield "Read from the environment by the command line and the service.\n"
    rows = []
    for name, field in Settings.model_fields.items():
        machine_dependent = field.default_factory is not None
        default = "(see there)" if machine_dependent else _code(_shown(field.default))
        rows.append((_code(f"{_prefix(Settings)}{name.upper()}"), default, field.description or ""))
    yield from _table(("variable", "default", "what it is"), rows)


def _prefix(settings: type[BaseSettings]) -> str:
    return settings.model_config["env_prefix"]


def _errors() -> Iterator[str]:
    yield "# Error codes"
    yield "Every violation has one of these codes. Over HTTP, an answer has the status of the gravest one.\n"
    by_status: dict[int, list[tuple[str, str]]] = {}
    for code, (status, meaning) in CODES.items():
        by_status.setdefault(status, []).append((_code(code), meaning))
    for status, rows in sorted(by_status.items()):
        yield f"## {status}: {STATUS_TITLES.get(status, HTTPStatus(status).phrase)}\n"
        yield from _table(("code", "meaning"), rows)


def _layout() -> Iterator[str]:
    yield "# The layout language"
    yield f"{_doc(inspect.getmodule(Layout))}\n"
    schema = Layout.model_json_schema()
    for model in (Layout, Page, Style, Places, Rows, Showing, Cover):
        yield from _model(model.__name__, {**schema, **schema["$defs"].get(model.__name__, {})}, model)
    yield "## Fit policies\n"
    yield from _table(("step", "what it does"), [(_code(how), what) for how, what in FIT_STEPS.values()])
    yield f"## Conditions\n\n{_doc(Condition)} The flags are those of the document's [print items](items.md).\n"
    yield "## Elements\n"
    yield "Each element has exactly one of these keys, which says what it is.\n"
    for kind, element in ELEMENTS.items():
        yield from _model(f"`{kind}`", {**schema, **schema["$defs"][element.__name__]}, element, level=3)


def _items() -> Iterator[str]:
    yield "# Print items and flags"
    yield "What a layout may name: items as `field:` or `qr:`, flags as `when:`."
    yield "A layout that does not print what is *needed* is refused (`layout_missing_item`).\n"
    for document in DOCUMENTS.values():
        yield f"## {document.id}\n"
        yield from _names(document.catalogue)
        for name, rows in document.catalogue.lists.items():
            if rows.texts or rows.flags:
                yield f"### Rows of `{name}` on {document.id}\n"
                yield from _names(rows)


def _names(catalogue: Catalogue) -> Iterator[str]:
    texts = catalogue.texts.items()
    needed = {need.item for need in catalogue.needed}
    yield from _table(
        ("item", "what it is", "filled when", "needed"),
        [
            (_code(name), item.description, _code(item.when) if item.when else "", "yes" if name in needed else "")
            for name, item in texts
        ],
    )
    yield from _table(("flag", "on when"), [(_code(name), meaning) for name, meaning in catalogue.flags.items()])


def _records() -> Iterator[str]:
    yield "# Records"
    yield "The record of each document, as JSON; `GET /v1/documents/{document}/schema` has the same as JSON Schema.\n"
    told: set[str] = set()
    for document in DOCUMENTS.values():
        schema = document.schema()
        yield from _model(document.id, schema)
        for name, part in schema.get("$defs", {}).items():
            if name not in told:  # records share parts; a link leads to the first
                yield from _model(name, {**schema, **part}, level=3)
            told.add(name)


def _insurers() -> Iterator[str]:
    yield "# Insurers' profiles"
    yield "Everything in which one insurer differs from another: one YAML file each under `layouts/insurers/`.\n"
    schema = InsurerProfile.model_json_schema()
    yield from _model("The profile", schema)
    for name, part in schema["$defs"].items():
        yield from _model(name, {**schema, **part}, level=3)


def _routes() -> Iterator[str]:
    yield "# HTTP routes"
    yield "Errors are `application/problem+json` (RFC 9457) with every violation; [their codes](errors.md).\n"
    settings = Settings()
    api = create_app(settings, Engine(settings)).openapi()
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield f"## {method.upper()} {path}\n"
            yield f"{operation.get('description', '')}\n"
            parameters = operation.get("parameters", [])
            rows = [
                (
                    _code(p["name"]),
                    p["in"],
                    _words(p["schema"]),
                    p.get("description") or p["schema"].get("description", ""),
                )
                for p in parameters
            ]
            yield from _table(("parameter", "in", "value", "what it is"), rows)
            yield from _bodies(operation.get("requestBody", {}).get("content", {}))
            answers = operation["responses"].items()
            yield from _table(
                ("status", "answer", "as"),
                [
                    (status, said["description"], ", ".join(map(_code, said.get("content", {}))))
                    for status, said in answers
                ],
            )
    yield "## For browsers\n"
    yield from _table(("route", "what it is"), [(_code(f"GET {path}"), what) for path, what in PLAIN_ROUTES.items()])


def _bodies(content: Mapping[str, Any]) -> Iterator[str]:
    """The keys of a body; of one in another form, those that are not the same."""
    first: list[tuple[str, ...]] = []
    for media, body in content.items():
        rows = list(_keys(body["schema"]))
        if first:
            gone = ", ".join(_code(key) for key in _names_of(first) if key not in _names_of(rows))
            yield f"As {_code(media)}, the same{f' without {gone}' if gone else ''}, but:\n"
        else:
            yield f"The body, as {_code(media)}:\n"
        yield from _table(("key", "value", "default", "what it is"), [row for row in rows if row not in first])
        first = first or rows


def _names_of(rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [row[0].strip("`") for row in rows]


def _keys(schema: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, ...]]:
    """The keys of a schema as rows, with those of a part below it: `options.specimen`."""
    required = schema.get("required", [])
    for key, value in schema.get("properties", {}).items():
        if "properties" in value:
            yield from _keys(value, f"{above}{key}.")
            continue
        default = "required" if key in required else _code(_shown(value["default"])) if value.get("default") else ""
        yield _code(f"{above}{key}"), _words(value), default, value.get("description", "")


# --- JSON Schema to Markdown ---


def _model(
    title: str, schema: Mapping[str, Any], model: type[BaseModel] | None = None, level: int = 2
) -> Iterator[str]:
    """One section: what the model is for, and its keys."""
    yield f"{'#' * level} {title}\n"
    yield f"{_doc(model) if model else inspect.cleandoc(schema.get('description', ''))}\n"
    yield from _table(("key", "value", "default", "what it is"), _keys(schema))


def _words(schema: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        section = SECTIONS.get(name, name)
        return f"[{section}](#{section.lower()})"
    if "const" in schema:
        return _code(_shown(schema["const"]))
    if "enum" in schema:
        return ", ".join(_code(_shown(value)) for value in schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            kinds = [_words(kind) for kind in schema[union] if kind.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    describe = {
        "array": _array_words,
        "object": _object_words,
        "string": _string_words,
        "number": partial(_number_words, "number"),
        "integer": partial(_number_words, "whole number"),
        "boolean": lambda _: "`true` or `false`",
    }
    return describe[schema["type"]](schema) if "type" in schema else "anything"


def _array_words(schema: Mapping[str, Any]) -> str:
    if "prefixItems" in schema:
        kinds = [_words(item) for item in schema["prefixItems"]]
        return f"[{', '.join(kinds)}]" if len(set(kinds)) > 1 else f"{len(kinds)} times {kinds[0]}"
    return f"list of {_words(schema.get('items', {}))}"


def _object_words(schema: Mapping[str, Any]) -> str:
    of = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), None)
    keys = schema.get("propertyNames", {}).get("enum")
    names = f"{', '.join(map(_code, keys))}: each" if keys else "by name:"
    return f"{names} {_words(of)}" if isinstance(of, Mapping) else "mapping"


def _string_words(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date":
        return "date, YYYY-MM-DD"
    if schema.get("format") == "binary":
        return "file"
    pattern = schema.get("pattern", "")
    return f"text, {_code(pattern)}" if pattern and len(pattern) < 40 and "\\x" not in pattern else "text"


def _number_words(noun: str, schema: Mapping[str, Any]) -> str:
    least, above, most = (schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    if least is not None:
        return f"{noun} from {least:g}" + (f" to {most:g}" if most is not None else "")
    if above is not None:
        return f"{noun} over {above:g}" + (f", to {most:g}" if most is not None else "")
    return noun


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A Markdown table without the columns that are empty throughout; nothing if there is no row."""
    rows = list(rows)
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    if not rows:
        return
    for row in (head, ("---",) * len(head), *rows):
        yield "| " + " | ".join(_cell(row[i]) for i in kept) + " |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


def _doc(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ", ".join(map(_shown, value))
        case dict():
            return ""  # a part with keys of its own, which has its own section
        case float():
            return f"{value:g}"
    return str(value)


if __name__ == "__main__":
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for file_name, text in pages().items():
        (REFERENCE / file_name).write_text(text, encoding="utf-8")
