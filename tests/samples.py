"""The sample records of the project, by document and name."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from docgen.settings import Settings


@cache
def names(document: str) -> tuple[str, ...]:
    """INSURER-NAME of every sample of a document."""
    return tuple(path.stem for path in sorted((Settings().layouts_dir / "samples" / document).glob("*.json")))


def record(document: str, name: str) -> dict[str, Any]:
    """One sample record, fresh, so that a test may change it."""
    path = Settings().layouts_dir / "samples" / document / f"{name}.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def insurer(name: str) -> str:
    """The insurer of a sample."""
    return name.partition("-")[0]
