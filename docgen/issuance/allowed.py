"""What a JSON Schema says about a place: the keys that it allows there, and its description; for messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def allowed_keys(schema: dict[str, Any], path: Iterable[int | str]) -> list[str]:
    """The keys of the object at `path`, in every form that it may have there."""
    return sorted({key for node in _at(schema, path) for key in node.get("properties", ())})


def description(schema: dict[str, Any], path: Sequence[int | str]) -> str:
    """What the schema says about the value at `path`, led by its key; empty if it says nothing."""
    if not path:
        return str(schema.get("description", ""))
    texts = (node.get("properties", {}).get(path[-1], {}).get("description") for node in _at(schema, path[:-1]))
    return next((f"{path[-1]}: {text}" for text in texts if text), "")


def _at(schema: dict[str, Any], path: Iterable[int | str]) -> list[dict[str, Any]]:
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in path:
        nodes = [child for node in nodes for child in _children(node, part, definitions)]
    return nodes


def _children(node: dict[str, Any], part: int | str, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    if isinstance(part, int):
        child = node.get("items")
    else:
        child = node.get("properties", {}).get(part) or node.get("additionalProperties")
    return _forms(child, definitions) if isinstance(child, dict) else []


def _forms(node: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _forms(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    choices = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    return [form for choice in choices for form in _forms(choice, definitions)] if choices else [node]
