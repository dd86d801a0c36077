"""What bounds the service: the size of a body, the time of a request, the length of the queue; and its last resort."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from docgen.engine import Engine
from docgen.service import create_app, logs
from docgen.settings import Settings

SECRET = "秘密太郎の氏名"
JSON = {"Content-Type": "application/json"}


class Stub:
    """An engine that does to a record what the test wants."""

    def __init__(self, render: Any) -> None:
        self.render = render


def _app(render: Any, **settings: Any) -> Any:
    return create_app(Settings().model_copy(update=settings), Stub(render))  # type: ignore[arg-type]


def _order(record: Any = None) -> dict[str, Any]:
    return {"insurer": "association", "document": "card", "record": record or {}}


def test_a_body_declared_too_large_is_refused_unread(settings: Settings, engine: Engine) -> None:
    small = settings.model_copy(update={"max_body_bytes": 100})
    answer = TestClient(create_app(small, engine)).post("/v1/documents", content=b" " * 101, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_body_that_does_not_say_its_size_is_read_no_further_than_allowed(settings: Settings, engine: Engine) -> None:
    app = create_app(settings.model_copy(update={"max_body_bytes": 100}), engine)
    read = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 60, "more_body": True}  # without end

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/documents",
        "raw_path": b"/v1/documents",
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    asyncio.run(app(scope, receive, send))
    assert read == 2
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "body_too_large"


def test_a_request_that_takes_too_long_is_given_up() -> None:
    release = threading.Event()
    app = _app(lambda *_: release.wait(30), request_timeout_s=0.05)
    try:
        answer = TestClient(app).post("/v1/documents", json=_order())
    finally:
        release.set()
    assert (answer.status_code, answer.json()["code"]) == (503, "timed_out")


@pytest.fixture
def crowded() -> Iterator[tuple[TestClient, threading.Event]]:
    """A service whose only place is taken until the event is set."""
    release, taken = threading.Event(), threading.Event()

    def render(*_: object) -> None:
        taken.set()
        release.wait(30)
        raise KeyError

    with TestClient(_app(render, max_queue=0), raise_server_exceptions=False) as client:
        waiting = threading.Thread(target=client.post, args=("/v1/documents",), kwargs={"json": _order()})
        waiting.start()
        assert taken.wait(10)
        yield client, release
        release.set()
        waiting.join(10)


def test_a_full_queue_is_refused_at_once(crowded: tuple[TestClient, threading.Event]) -> None:
    answer = crowded[0].post("/v1/documents", json=_order())
    assert (answer.status_code, answer.json()["code"]) == (503, "queue_full")
    assert int(answer.headers["retry-after"]) > 0


def test_reading_routes_answer_while_the_queue_is_full(crowded: tuple[TestClient, threading.Event]) -> None:
    assert crowded[0].get("/livez").status_code == 200


def test_a_place_in_the_queue_is_free_again_afterwards(crowded: tuple[TestClient, threading.Event]) -> None:
    client, release = crowded
    release.set()
    deadline = time.monotonic() + 10
    while (answer := client.post("/v1/documents", json=_order())).status_code == 503:
        assert time.monotonic() < deadline
    assert answer.json()["code"] == "internal"  # this engine fails, but it is asked


def _fail(*_: object) -> None:
    raise KeyError(SECRET)


def test_an_unexpected_failure_is_answered_without_any_detail(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = TestClient(_app(_fail)).post("/v1/documents", json=_order({"name": SECRET}))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert SECRET not in answer.text
    assert "KeyError" not in answer.text
    failure = next(entry.getMessage() for entry in caplog.records if entry.name == "docgen.errors")
    assert answer.json()["instance"] in failure
    assert "KeyError" in failure
    assert "_fail" in failure
    assert SECRET not in caplog.text


def test_an_exception_that_a_library_logs_is_written_without_its_message() -> None:
    try:
        _fail()
    except KeyError as error:
        entry = logging.LogRecord("uvicorn.error", logging.ERROR, __file__, 1, "failed", None, (KeyError, error, None))
    written = logs.Formatter("%(message)s").format(entry)
    assert written.startswith("failed\nKeyError")
    assert SECRET not in written


def test_the_access_log_has_the_route_and_nothing_of_the_address(
    client: TestClient, order: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "docgen.access")
    client.post("/v1/documents?dpi=100", json=order, headers={"Accept": "image/png"})
    client.get(f"/v1/documents/{SECRET}/samples?name={SECRET}")
    client.get(f"/{SECRET}")
    lines = [re.sub(r" \d+\.\d", "", entry.getMessage()) for entry in caplog.records if entry.name == "docgen.access"]
    assert lines == [
        "POST /v1/documents 200",
        "GET /v1/documents/{document}/samples 404 unknown_document",
        "GET ? 404 not_found",
    ]


@pytest.mark.parametrize("spoil", ["family", "born_on", "nickname"])
def test_a_record_that_is_refused_leaves_no_trace_in_the_log(
    client: TestClient, order: dict[str, Any], caplog: pytest.LogCaptureFixture, spoil: str
) -> None:
    caplog.set_level(logging.DEBUG)
    order["record"]["person"][spoil] = SECRET + "\u202e"
    answer = client.post("/v1/documents", json=order)
    assert answer.status_code == 422
    assert len(caplog.records) > 0
    assert SECRET not in caplog.text
