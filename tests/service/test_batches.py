"""Batches over HTTP: what an issuance system sends, asks and fetches."""

from __future__ import annotations

import io
import tarfile
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.service.extracts import extract

Answer = Any


def submit(client: TestClient, content: bytes, headers: dict[str, str] | None = None, **fields: str) -> Answer:
    files = {"extract": ("extract.csv", content, "text/csv")}
    return client.post("/v1/batches", data={"insurer": "association", **fields}, files=files, headers=headers)


def ended(client: TestClient, batch: str, within_s: float = 120) -> dict[str, Any]:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        status: dict[str, Any] = client.get(f"/v1/batches/{batch}").json()
        if status["state"] in ("done", "failed", "cancelled"):
            return status
        time.sleep(0.1)
    raise AssertionError(status)


def members(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {name.partition("/")[2]: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def done(client: TestClient) -> dict[str, Any]:
    """A batch of 20 people, one of whom has no birth date, issued."""
    answer = submit(client, extract(20, n7={"生年月日": ""}), delivery="bulk", job="T1")
    assert answer.status_code == 202, answer.text
    return ended(client, answer.json()["id"])


def test_an_upload_becomes_a_package_whose_counts_add_up(done: dict[str, Any]) -> None:
    assert done["state"] == "done", done
    counts = done["counts"]
    assert counts["people"] == 20
    assert counts["rejected"] == 1
    assert counts["people"] == counts["printed"] + counts["rejected"] + counts["held"] + counts["withdrawn"]
    assert done["job"]["issued_on"] == "2025-08-01"  # from the extract
    assert done["progress"]["people_done"] == 20
