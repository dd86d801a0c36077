"""Which keys a place of a JSON Schema allows: for messages about unknown ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def allowed_keys(schema: dict[str, Any], path: Iterable[int | str]) -> list[str]:
    """The keys of the object at `path`, in every form that it may have there."""
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in path:
        nodes = [child for node in nodes for child in _children(node, part, definitions)]
    return sorted({key for node in nodes for key in node.get("properties", ())})


def _children(node: dict[str, Any], part: int | str, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    child = node.get("properties", {}).get(part) or node.get("additionalProperties")
    return _forms(child, definitions) if isinstance(child, dict) else []


def _forms(node: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _forms(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    choices = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    return [form for choice in choices for form in _forms(choice, definitions)] if choices else [node]
