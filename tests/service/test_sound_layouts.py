"""The service takes no batch that it would print from layouts with errors."""

from __future__ import annotations

from pathlib import Path

from starlette.testclient import TestClient

from docgen.engine import Engine
from docgen.service import create_app
from docgen.settings import Settings
from tests.bulk.test_sound import OVER, layouts
from tests.service.extracts import extract


def test_a_batch_by_a_layout_with_an_error_is_refused_when_it_is_submitted(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path / "state", layouts_dir=layouts(tmp_path, OVER), workers=1)
    form = {"insurer": "association", "delivery": "bulk"}
    files = {"extract": ("extract.csv", extract(2), "text/csv")}
    with TestClient(create_app(settings, Engine(settings)), raise_server_exceptions=False) as client:
        answer = client.post("/v1/batches", data=form, files=files)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (500, "layouts_wrong")
        assert {violation["code"] for violation in problem["violations"][1:]} == {"layout_collision"}
        assert client.get("/v1/batches").json()["batches"] == []
