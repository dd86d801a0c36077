"""A ledger or a store that is away while the service answers: who asks is told soon, and not where they are."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from docgen.bulk.ledger import Batch, Ledger
from docgen.bulk.store import Store
from docgen.engine import Engine
from docgen.errors import BatchError, Violation
from docgen.service import create_app
from docgen.service.runner import Runner
from docgen.settings import Settings
from tests.bulk.fakes import full_disk
from tests.service.extracts import extract

BATCH = "0" * 32


@pytest.fixture(params=["refuses", "is silent"])
def away(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[TestClient]:
    """A service whose ledger is at a port that nobody listens at, or where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if request.param == "refuses":
            listener.close()
        url = SecretStr(f"postgresql+psycopg://docgen:secret@127.0.0.1:{port}/docgen")
        app = create_app(Settings(state_dir=tmp_path, ledger_url=url, workers=1), engine)
        yield TestClient(app, raise_server_exceptions=False)


def threads(name: str) -> int:
    return sum(thread.name.startswith(name) for thread in threading.enumerate())


def test_without_its_ledger_the_service_is_not_ready_however_often_it_is_asked(away: TestClient) -> None:
    asking = threads("docgen-ready")
    for _ in range(3):
        started = time.monotonic()
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: away.get("/readyz"), range(10)))
        assert time.monotonic() - started < 3
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "ledger_unavailable")}
        assert all(answer.headers["retry-after"] == "10" for answer in answers)
    assert threads("docgen-ready") <= asking + 1
    assert away.get("/livez").status_code == 200


def test_without_its_ledger_requests_for_batches_are_refused_soon_and_documents_made(
    away: TestClient, order: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: away.get(f"/v1/batches/{BATCH}"), range(20)))
    assert time.monotonic() - started < 15
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "ledger_unavailable")}
    assert "127.0.0.1" not in answers[0].text + caplog.text
    assert away.post("/v1/documents", json=order).status_code == 200


def test_a_service_is_ready_again_when_its_ledger_is(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    app = create_app(settings.model_copy(update={"ledger_url": SecretStr(f"sqlite:///{tmp_path}/l.sqlite")}), engine)
    client = TestClient(app, raise_server_exceptions=False)
    (tmp_path / "l.sqlite").mkdir()
    assert client.get("/readyz").status_code == 503
    (tmp_path / "l.sqlite").rmdir()
    time.sleep(1)
    assert client.get("/readyz").json()["status"] == "ready"


def test_a_full_folder_is_named_in_the_log_and_not_to_the_caller(
    settings: Settings, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    client = TestClient(create_app(settings, engine), raise_server_exceptions=False)
    files = {"extract": ("people.csv", extract(3), "text/csv")}
    with full_disk(), caplog.at_level(logging.INFO):
        answer = client.post("/v1/batches", data={"insurer": "association", "delivery": "bulk"}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert str(settings.state_dir) not in answer.text
    assert "--resume" not in answer.text
    assert f"The folder {settings.batches}/" in caplog.text
    assert "cannot be written: No space left on device." in caplog.text


def test_a_full_temporary_folder_is_told_the_same_way(
    settings: Settings,
    engine: Engine,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("tempfile.SpooledTemporaryFile.write", full)
    client = TestClient(create_app(settings, engine), raise_server_exceptions=False)
    answer = client.post("/v1/batches", files={"extract": ("people.csv", extract(3), "text/csv")})
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert str(tmp_path) not in answer.text
    assert f"The folder {tmp_path} cannot be written" in caplog.text


def test_a_batch_whose_ledger_goes_away_as_it_is_queued_keeps_its_extract(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be queued all the same: whoever sends it again with its key is given a batch that has to be run."""
    settings = Settings(state_dir=tmp_path, workers=1)
    monkeypatch.setattr(Runner, "start", lambda self: None)
    monkeypatch.setattr(Runner, "close", lambda self: None)
    read, away = Ledger.get, [True]

    def get(self: Ledger, batch: str, idempotency_key: str | None = None) -> Batch:
        if idempotency_key is not None and away and away.pop():
            raise BatchError(Violation("ledger_unavailable", "The ledger did not answer.", ""))
        return read(self, batch, idempotency_key)

    monkeypatch.setattr(Ledger, "get", get)
    with TestClient(create_app(settings, engine), raise_server_exceptions=False) as client:

        def send() -> Any:
            files = {"extract": ("people.csv", extract(3), "text/csv")}
            form = {"insurer": "association", "delivery": "bulk"}
            return client.post("/v1/batches", data=form, files=files, headers={"Idempotency-Key": "k1"})

        assert send().json()["code"] == "ledger_unavailable"
        batch = send().json()
    assert batch["state"] == "queued"
    assert list(Store.open(settings.batch_store(batch["id"])).names()) == ["work/extract.csv"]
