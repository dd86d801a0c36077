"""What the service's own thread does when ledger or store fail it."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from docgen.bulk.ledger import Ledger
from docgen.errors import BatchError, Violation
from docgen.service import runner
from docgen.service.runner import Runner
from docgen.settings import Settings


def test_after_a_fault_it_waits_and_says_why_once_for_each_attempt(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    twice = threading.Event()

    def full() -> Ledger:
        asked.append(time.monotonic())
        if len(asked) == 2:
            twice.set()
        raise BatchError(Violation("ledger_unavailable", "The ledger /srv/l cannot be used: its disk is full.", ""))

    monkeypatch.setattr(Runner, "_sweep", lambda self: None)
    with caplog.at_level(logging.INFO):
        running = Runner(settings, full, poll_s=0.05)
        running.start()
        assert twice.wait(30)
        running.close()
    assert asked[1] - asked[0] >= 0.05 * runner.PAUSE
    said = "batches: ledger_unavailable: The ledger /srv/l cannot be used: its disk is full."
    assert caplog.messages.count(said) == len(asked) == 2
