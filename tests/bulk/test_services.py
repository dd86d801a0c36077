"""Services that share a ledger and a store, and one that takes over what another has left."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from docgen.bulk.job import Job
from docgen.bulk.ledger import Ledger
from docgen.bulk.reconcile import reconcile
from docgen.bulk.store import Store
from docgen.engine import Engine
from docgen.service import create_app, leftovers
from docgen.service.leftovers import sweep
from docgen.settings import Settings
from tests.service.extracts import extract

FIELDS = {"insurer": "association", "delivery": "bulk"}


@pytest.fixture
def settings(ledger_url: str, location: str, tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", ledger_url=SecretStr(ledger_url), batches_store=location, workers=1)


@contextmanager
def service(settings: Settings, engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(settings, engine), raise_server_exceptions=False) as client:
        yield client


def submit(client: TestClient, seed: int) -> str:
    files = {"extract": ("x.csv", extract(10, seed))}
    answer = client.post("/v1/batches", data={**FIELDS, "reissue": "a test"}, files=files)
    assert answer.status_code == 202, answer.text
    id_: str = answer.json()["id"]
    return id_


def wait(client: TestClient, batch: str, *states: str) -> dict[str, Any]:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        status: dict[str, Any] = client.get(f"/v1/batches/{batch}").json()
        if status["state"] in states:
            return status
        time.sleep(0.05)
    raise AssertionError(status)


def test_a_service_finishes_what_another_has_left(settings: Settings, engine: Engine) -> None:
    with service(settings, engine) as first:
        batch = submit(first, 1)
        wait(first, batch, "taking_in", "printing", "done")
    with service(settings, engine) as second:
        status = wait(second, batch, "done", "failed")
        assert status["state"] == "done", status
        assert status["counts"]["printed"] == 10
        report = reconcile(Store.open(settings.batch_store(batch)))
        assert report.ok, report.findings
        assert second.delete(f"/v1/batches/{batch}").status_code == 204
    assert list(Store.open(settings.batch_store(batch)).names()) == []


def left_by(folder: str, *names: str) -> None:
    """What a killed service may leave in the batches' store."""
    for name in names:
        Store.open(folder).put(name, b"x")


def test_what_a_killed_service_left_is_swept_and_nothing_else(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    job = Job("", "association", "bulk", date(2025, 8, 1))
    known = {name: f"{at:032x}" for at, name in enumerate(("queued", "deleted", "upload", "package"), start=1)}
    for name in ("queued", "deleted"):
        ledger.submit(job, "", "", batch=known[name])
    ledger.forget(known["deleted"])
    upload = ("work/extract.csv", "work/listed.txt", "work/withdrawn.txt")
    for name, files in (
        ("queued", upload),
        ("deleted", (*upload, "vendor/manifest.json")),
        ("upload", upload),
        ("package", (*upload, "work/parts/0001.parquet")),  # another ledger's: this one may have been lost
    ):
        left_by(f"{location}/{known[name]}", *files)
    left_by(f"{location}/somebody-elses", "work/extract.csv")
    there = Store.open(location)
    assert sweep(ledger, location) == 1
    assert there.folders() == sorted([*(known[name] for name in ("queued", "upload", "package")), "somebody-elses"])
    monkeypatch.setattr(leftovers, "UNDER_WAY_S", -10)  # a day later
    assert sweep(ledger, location) == 1
    assert there.folders() == sorted([*(known[name] for name in ("queued", "package")), "somebody-elses"])
    assert sweep(ledger, location) == 0


def test_a_service_sweeps_when_it_starts(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "UNDER_WAY_S", -10)
    own = Settings(state_dir=tmp_path / "state", workers=1)
    left_by(own.batch_store("0" * 32), "work/extract.csv")
    with service(own, engine):
        until = time.monotonic() + 20
        while Store.open(own.batches).folders() and time.monotonic() < until:
            time.sleep(0.02)
    assert Store.open(own.batches).folders() == []


def test_two_services_share_out_the_batches(settings: Settings, engine: Engine) -> None:
    with service(settings, engine) as one, service(settings, engine) as other:
        batches = [submit(client, seed) for seed, client in enumerate((one, one, other), start=1)]
        for batch in batches:
            assert wait(other, batch, "done", "failed")["state"] == "done"


def test_an_extract_is_read_from_an_allowed_place_of_a_store(s3: str, engine: Engine, tmp_path: Path) -> None:
    prefix = f"{s3}/inbox-{uuid.uuid4().hex}"
    for name in ("ours/x.csv", "theirs/x.csv"):
        Store.open(prefix).put(name, extract(5, 3))
    own = Settings(state_dir=tmp_path / "state", input_prefixes=(f"{prefix}/ours",), workers=1)
    with service(own, engine) as client:
        allowed = client.post("/v1/batches", json={**FIELDS, "source": f"{prefix}/ours/x.csv"})
        assert allowed.status_code == 202, allowed.text
        for refused in ("theirs/x.csv", "ours/../theirs/x.csv", "ours%2f..%2ftheirs/x.csv"):
            answer = client.post("/v1/batches", json={**FIELDS, "source": f"{prefix}/{refused}"})
            assert answer.json()["code"] == "source_not_allowed"
        absent = client.post("/v1/batches", json={**FIELDS, "source": f"{prefix}/ours/none.csv"})
        assert absent.json()["code"] == "source_missing"
        assert wait(client, allowed.json()["id"], "done", "failed")["counts"]["printed"] == 5
