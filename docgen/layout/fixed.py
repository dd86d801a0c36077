"""What a layout's JSON Schema knows beside the grammar: the names that are fixed, so that editors offer them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import Catalogue
from docgen.issuance.profile import ArtworkName, PaletteRole
from docgen.layout import models

# What the pages of a flow bring themselves: `compose` knows it.
_OF_PAGES = r"^(not )?page\.[a-z_]+$"
_LAYOUTS = sorted({name for document in DOCUMENTS.values() for name in document.layouts})
_SIDES = [f"{document}.{side}" for document in sorted(DOCUMENTS) for side in ("front", "back")]
_INKS = ["paper", "black", *(f"insurer.{role}" for role in get_args(PaletteRole))]


def _one_of(names: Iterable[str], *patterns: str) -> dict[str, Any]:
    listed = {"enum": list(names), "type": "string"}
    others = [{"pattern": pattern, "type": "string"} for pattern in patterns]
    return {"anyOf": [listed, *others]} if others else listed


# By the pattern that the grammar has for it.
_FIXED = {
    models.INK: _one_of(_INKS, r"^spot\.[A-Za-z][A-Za-z0-9_-]*$"),
    models.IMAGE: _one_of(f"insurer.{name}" for name in get_args(ArtworkName)),
    models.INCLUDE: _one_of(_SIDES),
    models.DOCUMENT: _one_of(sorted(DOCUMENTS)),
    models.LAYOUT: _one_of(_LAYOUTS),
    models.FIT_STEP: _one_of(
        ["omit", "reject"],
        r"^condense (0?\.[0-9]+|1(\.0+)?)$",
        r"^shrink [0-9]+(\.[0-9]+)?$",
        r"^wrap [1-9][0-9]?$",
    ),
}


def with_names(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a layout, with all names that are fixed: inks, documents, and what each document may print."""
    filled = _filled(schema)
    catalogues = {name: document.catalogue for document in DOCUMENTS.values() for name in document.layouts}
    for name, catalogue in sorted(catalogues.items()):
        filled["$defs"] |= _names(name, catalogue)
    return {**filled, "allOf": [_of_layout(name) for name in sorted(catalogues)]}


def _filled(node: Any) -> Any:
    if isinstance(node, list):
        return [_filled(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _filled(part) for key, part in node.items()}
    fixed = _FIXED.get(kept["pattern"]) if isinstance(kept.get("pattern"), str) else None
    return {key: part for key, part in kept.items() if key not in ("pattern", "type")} | fixed if fixed else kept


def _names(name: str, catalogue: Catalogue) -> dict[str, Any]:
    """What one layout may name: its document's items and flags, and those of its lists' rows."""
    rows = catalogue.lists.values()
    flags = sorted({*catalogue.flags, *(flag for row in rows for flag in row.flags)})
    condition = {"$ref": f"#/$defs/{name}.condition"}
    return {
        f"{name}.item": _one_of(sorted({*catalogue.texts, *(text for row in rows for text in row.texts)}), _OF_PAGES),
        f"{name}.condition": _one_of([*flags, *(f"not {flag}" for flag in flags)], _OF_PAGES),
        f"{name}.when": {"anyOf": [condition, {"type": "array", "items": condition}]},
        f"{name}.list": _one_of(sorted(catalogue.lists)),
    }


def _of_layout(name: str) -> dict[str, Any]:
    """Where the layout of this name may name what."""
    item, when = {"$ref": f"#/$defs/{name}.item"}, {"$ref": f"#/$defs/{name}.when"}
    element = {"properties": {"field": item, "qr": item, "barcode": item, "when": when}}
    then = {
        "sides": {"additionalProperties": {"items": element}},
        "sides_when": {"additionalProperties": when},
        "flows": {"additionalProperties": {"properties": {"rows": {"$ref": f"#/$defs/{name}.list"}}}},
    }
    return {"if": {"properties": {"layout": {"const": name}}, "required": ["layout"]}, "then": {"properties": then}}
