"""Messages on batches that have ended, signed as Standard Webhooks says (https://www.standardwebhooks.com/).

They go to the origins of the settings and nowhere else, and say which batch, how it ended and its counts. What is not
taken is sent again, for about three days; redirects are not followed.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from docgen.bulk.ledger import Delivery, Ledger
from docgen.errors import DocgenError, RequestError, Violation
from docgen.service import logs

TIMEOUT_S = 15.0  # what the specification recommends
# Seconds until the next attempt, after each that failed: the specification's example schedule.
WAITS = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
_GONE = 410
_MOST_READ = 1 << 16


def check_address(url: str, origins: Sequence[str], *, signed: bool) -> str:
    """The address, if messages may be sent there. Raises RequestError `webhook_not_allowed`."""
    parts = urlsplit(url)
    plain = url.isascii() and url.isprintable() and " " not in url and not parts.fragment and "@" not in parts.netloc
    if not signed:
        raise _refused("the service has no secret to sign messages with", "ask its operator for DOCGEN_WEBHOOK_SECRET")
    if not plain or f"{parts.scheme}://{parts.netloc}" not in origins:
        raise _refused("messages are not sent there", "ask the operator for DOCGEN_WEBHOOK_ORIGINS")
    return url


def _refused(message: str, hint: str) -> RequestError:
    return RequestError(Violation("webhook_not_allowed", message, hint))


class Sender:
    """Sends what is due, from a thread of its own."""

    def __init__(self, ledger: Callable[[], Ledger], secret: str, origins: Sequence[str], poll_s: float = 1.0) -> None:
        self._ledger, self._webhook, self._origins, self._poll_s = ledger, Webhook(secret), tuple(origins), poll_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Finish the message that is being sent, and stop."""
        self._stop.set()
        self._thread.join(TIMEOUT_S)

    def _work(self) -> None:
        while not self._stop.wait(self._poll_s):
            try:
                while not self._stop.is_set() and (delivery := self._ledger().next_delivery()) is not None:
                    self._settle(delivery)
            except DocgenError as error:
                logs.errors.warning("webhooks: %s", error.violations[0].code)
            except Exception as error:
                logs.errors.error("webhooks: %s", logs.places(error))

    def _settle(self, delivery: Delivery) -> None:
        status = self._send(delivery)
        if status is not None and 200 <= status < 300:
            self._ledger().settle_delivery(delivery.id, "delivered", 0)
        elif status == _GONE or delivery.attempts >= len(WAITS):
            logs.errors.warning("webhook %s for batch %s: given up", delivery.id, delivery.batch)
            self._ledger().settle_delivery(delivery.id, "given_up", 0)
        else:
            logs.errors.warning("webhook %s for batch %s: %s", delivery.id, delivery.batch, status or "no answer")
            self._ledger().settle_delivery(delivery.id, "pending", WAITS[delivery.attempts])

    def _send(self, delivery: Delivery) -> int | None:
        """The answer's status; None if there was none."""
        try:
            check_address(delivery.url, self._origins, signed=True)  # the settings may have changed
        except RequestError:
            return _GONE
        body = message(delivery.payload)
        now = datetime.now(UTC)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(delivery.id, now, body),
        }
        parts = urlsplit(delivery.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", parts._replace(scheme="", netloc="").geturl() or "/", body.encode(), headers)
            response = connection.getresponse()
            response.read(_MOST_READ)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return response.status


def message(payload: dict[str, Any] | Any) -> str:
    """The body: type, time, and what the ledger keeps of the event."""
    data = {key: payload[key] for key in ("batch", "number", "state", "counts", "error", "warnings")}
    data["trial"] = payload.get("trial", False)  # messages that wait since before there were trials do not say
    ended = datetime.fromtimestamp(payload["ended_at"], UTC).isoformat(timespec="seconds")
    return json.dumps({"type": f"batch.{payload['state']}", "timestamp": ended, "data": data}, separators=(",", ":"))
