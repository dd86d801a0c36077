"""What the service's own thread does when ledger or store fail it."""

from __future__ import annotations

import logging
import threading
import time
from datetime import date
from pathlib import Path

import pytest

from docgen.bulk.job import Job
from docgen.bulk.ledger import Batch, Ledger
from docgen.errors import BatchError, Violation
from docgen.service import runner
from docgen.service.runner import SERVED, Runner
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


def test_a_batch_that_cannot_be_run_does_not_keep_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(state_dir=tmp_path)
    ledger = Ledger(settings.ledger)
    job = Job("", "association", "bulk", date(2025, 8, 1))
    for batch in ("large", "small"):
        ledger.submit(job, "work/extract.csv", settings.batch_store(batch), dict(SERVED), batch=batch)
    ran: list[tuple[str, float]] = []
    again = threading.Event()

    class FullDisk:
        """A coordinator that has no room for the large batch."""

        def __init__(self, *_: object) -> None:
            pass

        def run(self, batch: str) -> Batch:
            ran.append((batch, time.monotonic()))
            if batch == "large":
                if len(ran) > 2:
                    again.set()
                raise BatchError(Violation("store_unavailable", "The folder cannot be written.", ""))
            return ledger.cancel(batch)

        def close(self) -> None:
            pass

    monkeypatch.setattr(runner, "Coordinator", FullDisk)
    running = Runner(settings, lambda: ledger, poll_s=0.05)
    running.start()
    assert again.wait(30)
    running.close()
    assert [batch for batch, _ in ran] == ["large", "small", "large"]
    assert ran[2][1] - ran[1][1] >= 0.05 * runner.PAUSE
