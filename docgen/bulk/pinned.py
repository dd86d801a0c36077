"""What decides a package's bytes beside its input and its job, held against what a worker has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docgen.errors import BatchError, Violation


def require_same(asked: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    """Hold two pinned sets (`Engine.pinned`) against each other: the coordinator's, and a worker's own.

    Raises BatchError `worker_differs` with the names of what differs: fonts, files and packages, nobody's data.
    """
    names = list(_differences(asked, mine))
    if names:
        message = f"A worker would print other bytes than the manifest says. It differs in: {', '.join(names)}."
        hint = "Give every worker the coordinator's docgen, packages, layouts, fonts and colour profile; then go on."
        raise BatchError(Violation("worker_differs", message, hint))


def _differences(asked: Mapping[str, Any], mine: Mapping[str, Any]) -> Iterator[str]:
    """What is not the same in both, by names such as `fonts mincho`."""
    for part in sorted(asked.keys() | mine.keys()):
        one, other = asked.get(part), mine.get(part)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from (f"{part} {name}" for name in _differences(one, other))
        elif one != other:
            yield part
