"""Runs the batches that the service was given, one after the other, beside the event loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from docgen.bulk.ledger import Ledger
from docgen.bulk.run import Coordinator
from docgen.bulk.stages import BulkStages
from docgen.bulk.store import Store
from docgen.bulk.tasks import payload
from docgen.errors import DocgenError, RequestError
from docgen.service import logs, metrics
from docgen.service.leftovers import sweep
from docgen.settings import Settings

SWEEP_S = 3600.0
PAUSE = 10  # times as long as else, after what went wrong: a full disk is not emptied within a second
SERVED = {"by": "service"}  # among a batch's options: batches of the command line are left to it


class Runner:
    """Takes waiting batches from the ledger: also those that a killed service, this one or another, has left."""

    def __init__(self, settings: Settings, ledger: Callable[[], Ledger], poll_s: float = 1.0) -> None:
        self._settings, self._ledger, self._poll_s = settings, ledger, poll_s
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._coordinator: Coordinator | None = None
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new to run."""
        self._wake.set()

    def close(self) -> None:
        """Stop in the middle of a batch, if need be: whoever runs it next goes on from there."""
        self._stop.set()
        self._wake.set()
        if self._coordinator is not None:
            self._coordinator.close()
        self._thread.join(30)

    def _work(self) -> None:
        sweep_at = time.monotonic()
        while not self._stop.is_set():
            if time.monotonic() >= sweep_at:
                self._try(self._sweep)
                sweep_at = time.monotonic() + SWEEP_S
            fine = self._run_waiting()
            self._wake.wait(self._poll_s if fine else PAUSE * self._poll_s)
            self._wake.clear()

    def _try(self, step: Callable[[], None]) -> bool:
        """Whether it went well; if not, the log says why."""
        try:
            step()
        except DocgenError as error:
            if not self._stop.is_set():
                logs.errors.warning("batches: %s", logs.fault(error))
        except Exception as error:
            logs.errors.error("batches: %s", logs.places(error))
        else:
            return True
        return False

    def _sweep(self) -> None:
        if swept := sweep(self._ledger(), self._settings.batches):
            logs.access.info("batches: %d leftovers removed", swept)

    def _run_waiting(self) -> bool:
        """Whether all went well. One that cannot be run, for its size or its place, does not keep others waiting."""
        waiting: list[str] = []
        fine = self._try(lambda: waiting.extend(self._ledger().waiting()))
        for batch in waiting:
            if self._stop.is_set():
                break
            fine = self._try(partial(self._run, batch)) and fine
        return fine

    def _run(self, batch: str) -> None:
        ledger = self._ledger()
        if not SERVED.items() <= ledger.get(batch).options.items():
            return
        if self._coordinator is None:
            settings = self._settings
            self._coordinator = Coordinator(
                ledger,
                lambda id_: Store.open(settings.batch_store(id_)),
                BulkStages(),
                payload(settings, settings.input_prefixes),
                settings.workers,
                settings.scheduler or None,
            )
        try:
            ended = self._coordinator.run(batch)
        except RequestError as error:
            if error.violations[0].code != "batch_running":  # another service was faster
                raise
        else:
            logs.access.info("batch %s %s", batch, ended.state)
            if not ended.live:
                metrics.batches.labels(ended.state).inc()
