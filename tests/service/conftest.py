from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from docgen.engine import Engine
from docgen.service import create_app
from docgen.settings import Settings
from tests import forked

forked.fork_workers()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(state_dir=tmp_path_factory.mktemp("state"), workers=1)


@pytest.fixture(scope="session")
def client(settings: Settings, engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(settings, engine), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def record(settings: Settings) -> dict[str, Any]:
    """A record that is fine: each test spoils its own copy."""
    path: Path = settings.layouts_dir / "samples/card/association-insured.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def order(record: dict[str, Any]) -> dict[str, Any]:
    return {"insurer": "association", "document": "card", "record": record}
