"""Messages on finished batches: signed, to allowed origins only, sent again until they are taken."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from docgen.bulk.job import Job
from docgen.bulk.ledger import Ledger
from docgen.errors import RequestError
from docgen.service import webhooks
from docgen.service.webhooks import Sender, check_address

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cyBhbG9uZSE="  # it signs nothing but these tests' messages


@dataclass
class Receiver:
    """A server that answers with one status after another, the last one for ever, and keeps what it got."""

    statuses: list[int]
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    origin: str = ""

    def wait_for(self, count: int) -> None:
        for _ in range(200):
            if len(self.got) >= count:
                return
            threading.Event().wait(0.05)
        raise AssertionError(f"{len(self.got)} messages instead of {count}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver([200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((dict(self.headers), body))
            status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
            self.send_response(status)
            self.send_header("Location", f"{receiver.origin}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver.origin = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield receiver
    server.shutdown()
    server.server_close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite", 5)
    yield ledger
    ledger.close()


@pytest.fixture
def sender(ledger: Ledger, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    monkeypatch.setattr(webhooks, "WAITS", (0, 0, 0))
    sender = Sender(lambda: ledger, SECRET, [receiver.origin], poll_s=0.02)
    sender.start()
    yield sender
    sender.close()


def end_a_batch(ledger: Ledger, url: str, *, trial: bool = False) -> str:
    job = Job("", "association", "bulk", date(2025, 8, 1), trial=trial)
    batch = ledger.submit(job, "/x.csv", "/nowhere", {"webhooks": [url]})
    lease = ledger.acquire(batch.id)
    assert lease is not None
    violation = {"code": "wrong_type", "message": "見本太郎"}
    lease.end("failed", None, {"code": "wrong_type", "violations": [violation]})
    return batch.id


def test_a_message_is_signed_and_says_nothing_personal(ledger: Ledger, receiver: Receiver, sender: Sender) -> None:
    batch = end_a_batch(ledger, f"{receiver.origin}/hook?to=1")
    receiver.wait_for(1)
    headers, body = receiver.got[0]
    told = Webhook(SECRET).verify(body, headers)
    assert told["type"] == "batch.failed"
    assert told["data"] == {
        "batch": batch, "number": "S0001", "state": "failed", "counts": None, "error": {"code": "wrong_type"},
        "warnings": [], "trial": False,
    }  # fmt: skip
    assert "見本" not in json.dumps(told, ensure_ascii=False)


def test_a_message_about_a_trial_says_that_it_is_one(ledger: Ledger, receiver: Receiver, sender: Sender) -> None:
    end_a_batch(ledger, f"{receiver.origin}/hook", trial=True)
    receiver.wait_for(1)
    assert json.loads(receiver.got[0][1])["data"]["trial"] is True


def test_what_is_not_taken_is_sent_again_with_the_same_id_and_a_redirect_is_not_followed(
    ledger: Ledger, receiver: Receiver, sender: Sender
) -> None:
    receiver.statuses = [500, 302, 200]
    end_a_batch(ledger, f"{receiver.origin}/hook")
    receiver.wait_for(3)
    threading.Event().wait(0.3)
    assert len(receiver.got) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1


@pytest.mark.parametrize(("status", "times"), [(410, 1), (500, 4)])
def test_it_is_given_up_when_the_receiver_is_gone_or_after_the_last_attempt(
    ledger: Ledger, receiver: Receiver, sender: Sender, status: int, times: int
) -> None:
    receiver.statuses = [status]
    end_a_batch(ledger, f"{receiver.origin}/hook")
    receiver.wait_for(times)
    threading.Event().wait(0.3)
    assert len(receiver.got) == times
    assert ledger.next_delivery() is None


def test_an_origin_that_was_taken_off_the_list_gets_nothing_more(
    ledger: Ledger, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_a_batch(ledger, f"{receiver.origin}/hook")
    sender = Sender(lambda: ledger, SECRET, ["https://elsewhere.example"], poll_s=0.02)
    sender.start()
    threading.Event().wait(0.3)
    sender.close()
    assert receiver.got == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://hooks.example.evil.example/",
        "http://hooks.example/",
        "https://hooks.example:8443/",
        "https://user@hooks.example/",
        "https://hooks.example@evil.example/",
        "https://hooks.example/#x",
        "https://hooks.example /",
        "ftp://hooks.example/",
        "//hooks.example/",
        "https://hooks.example\\@evil.example/",
        "https://hooks.example/\r\nX: y",
    ],
)
def test_no_other_address_is_taken(url: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_address(url, ["https://hooks.example"], signed=True)
    assert caught.value.violations[0].code == "webhook_not_allowed"


def test_an_allowed_address_is_taken_if_messages_can_be_signed() -> None:
    assert check_address("https://hooks.example/a?b=c", ["https://hooks.example"], signed=True)
    with pytest.raises(RequestError):
        check_address("https://hooks.example/a?b=c", ["https://hooks.example"], signed=False)
