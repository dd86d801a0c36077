"""Services that share a ledger and a store, and one that takes over what another has left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from docgen.bulk.intake import take_in
from docgen.bulk.job import Job
from docgen.bulk.ledger import LIVE, Ledger
from docgen.bulk.opened import MANIFEST
from docgen.bulk.reconcile import reconcile
from docgen.bulk.sources import open_source
from docgen.bulk.store import Store
from docgen.engine import Engine
from docgen.issuance.profile import load_profile
from docgen.service import create_app, leftovers, runner
from docgen.service.leftovers import sweep
from docgen.settings import Settings
from tests.bulk import packages
from tests.bulk.faults import hashes
from tests.bulk.pipelines import printing_settings
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


def test_a_service_that_was_killed_at_work_is_followed_by_one_that_makes_the_same_package(
    engine: Engine, tmp_path: Path
) -> None:
    layouts = Path(printing_settings(tmp_path, people_per_file=2)["layouts_dir"])
    own = Settings(state_dir=tmp_path / "state", layouts_dir=layouts, workers=1)
    source, profile = tmp_path / "in.csv", load_profile(layouts / "insurers/association.yaml")
    source.write_bytes(extract(30, 1))
    with served(own) as (process, http):
        files = {"extract": ("x.csv", source.read_bytes())}
        id_ = http.post("/v1/batches", data={**FIELDS, "job": "K1"}, files=files).json()["id"]
        while not (status := http.get(f"/v1/batches/{id_}").json())["progress"]["shards_done"]:
            assert status["state"] in LIVE
        process.kill()
        process.wait()
    assert Ledger(own.ledger).get(id_).state == "printing"
    with service(own, engine) as second:
        assert wait(second, id_, "done", "failed")["state"] == "done"
    store, job = Store.open(tmp_path / "undisturbed"), Job("K1", "association", "bulk", date(2025, 8, 1))
    taken = take_in(store, open_source(source, tmp_path), job, profile, tmp_path)
    packages.finish(engine, store, job, [part.number for part in taken.parts])
    made, asked = hashes(Store.open(own.batch_store(id_))), hashes(store)
    assert made.keys() == asked.keys()
    assert {name for name in made if made[name] != asked[name]} == {MANIFEST}  # which names the extract and the profile
    manifests = [json.loads(Store.open(at).read(MANIFEST)) for at in (own.batch_store(id_), store.location)]
    assert manifests[0]["files"] == manifests[1]["files"]


@contextmanager
def served(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    """A service as a process of its own."""
    environment = {
        **os.environ,
        "DOCGEN_STATE_DIR": str(settings.state_dir),
        "DOCGEN_LAYOUTS_DIR": str(settings.layouts_dir),
        "DOCGEN_WORKERS": "1",
    }
    command = [sys.executable, "-m", "docgen.cli", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            with httpx2.Client(base_url=process.stdout.readline().split()[-1], timeout=30) as http:
                yield process, http
        finally:
            process.kill()


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
    unfinished, finished, noted = (f"{location}/{known['queued']}/reprints/{at:016x}" for at in (1, 2, 3))
    left_by(unfinished, "vendor/cards-0001.pdf")
    left_by(finished, "vendor/cards-0001.pdf", MANIFEST)
    left_by(noted, "vendor/cards-0001.pdf", MANIFEST)
    lease = ledger.acquire(known["queued"])
    assert lease is not None
    lease.end("done")
    ledger.note_reprint(ledger.get(known["queued"]), f"{3:016x}", {}, {})
    there = Store.open(location)
    assert sweep(ledger, location) == 1
    assert there.folders() == sorted([*(known[name] for name in ("queued", "upload", "package")), "somebody-elses"])
    assert Store.open(unfinished).exists("vendor/cards-0001.pdf")  # somebody may be making it
    monkeypatch.setattr(leftovers, "UNDER_WAY_S", -10)  # a day later
    assert sweep(ledger, location) == 3
    assert not list(Store.open(unfinished).names())
    assert not list(Store.open(finished).names())  # its answer was never given
    assert Store.open(noted).exists(MANIFEST)
    assert there.folders() == sorted([*(known[name] for name in ("queued", "package")), "somebody-elses"])
    assert sweep(ledger, location) == 0


def test_a_service_sweeps_when_it_starts_and_from_time_to_time(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "UNDER_WAY_S", -10)
    monkeypatch.setattr(runner, "SWEEP_S", 0.1)
    own = Settings(state_dir=tmp_path / "state", workers=1)
    left_by(own.batch_store("0" * 32), "work/extract.csv")
    with service(own, engine):
        swept(own)
        left_by(own.batch_store("1" * 32), "work/extract.csv")
        swept(own)


def swept(settings: Settings) -> None:
    """Wait until nothing is left in the batches' store."""
    until = time.monotonic() + 20
    while folders := Store.open(settings.batches).folders():
        assert time.monotonic() < until, folders
        time.sleep(0.02)


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
