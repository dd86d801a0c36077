from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docgen.issuance.profile import InsurerProfile, load_profile

LAYOUTS = Path(__file__).parents[2] / "layouts"

BASE: dict[str, Any] = {
    "issued_on": "2025-12-02",
    "person": {
        "family": "見本",
        "given": "太郎",
        "family_kana": "ミホン",
        "given_kana": "タロウ",
        "sex": "1",
        "born_on": "1985-04-01",
    },
    "symbol": "1234",
    "number": "56789",
    "branch": "00",
    "relationship": "1",
    "acquired_on": "2019-05-01",
    "card": {"serial": "S1", "match_code": "M1"},
}
DEPENDENT: dict[str, Any] = {
    "relationship": "2",
    "certified_on": "2020-04-10",
    "insured": {"family": "見本", "given": "一郎"},
}


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes`, key by key; ... takes a key out."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if value is ...:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


@pytest.fixture(scope="session")
def profiles() -> dict[str, InsurerProfile]:
    return {path.stem: load_profile(path) for path in sorted((LAYOUTS / "insurers").glob("*.yaml"))}


@pytest.fixture(scope="session")
def raw() -> Callable[..., dict[str, Any]]:
    """A valid record of an insured person with changes; `dependent=True` for a dependent's."""

    def make(*, dependent: bool = False, **changes: Any) -> dict[str, Any]:
        return merged(merged(BASE, DEPENDENT) if dependent else BASE, changes)

    return make
