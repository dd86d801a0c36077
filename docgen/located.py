"""YAML with the line of every node, for layouts and insurers' profiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from docgen.errors import LayoutError, Violation

Path_ = tuple[str | int, ...]


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
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except OSError as error:
        raise LayoutError(Violation("layout_syntax", f"cannot read: {error.strerror}", file=name)) from None
    except UnicodeDecodeError as error:
        raise LayoutError(Violation("layout_syntax", f"not UTF-8 at byte {error.start}", file=name)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise LayoutError(Violation("layout_syntax", error.problem or str(error), file=name, line=line)) from None
    except yaml.YAMLError as error:
        raise LayoutError(Violation("layout_syntax", str(error).splitlines()[0], file=name)) from None
    lines: dict[Path_, int] = {}
    return Located(name, _plain(node, (), lines, name), lines)


def _plain(node: yaml.Node | None, path: Path_, lines: dict[Path_, int], name: str) -> Any:
    if node is None:
        return None
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, i), lines, name) for i, child in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(node)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in mapping:
            raise LayoutError(Violation("layout_syntax", f"key written twice: {key}", file=name, line=line))
        lines[(*path, key)] = line
        mapping[key] = _plain(value_node, (*path, key), lines, name)
    return mapping


def _scalar(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()
