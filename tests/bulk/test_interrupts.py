from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from docgen.bulk.interrupts import interruptible
from docgen.bulk.ledger import Ledger
from docgen.bulk.run import Coordinator, Taken
from docgen.bulk.stages import BulkStages
from docgen.bulk.store import Store
from tests.bulk.pipelines import pipeline_of

SOON = 0.3  # seconds


def press() -> None:
    threading.Timer(SOON, os.kill, (os.getpid(), signal.SIGINT)).start()


def query(*_: object, **__: object) -> None:
    """A query that takes longer than anybody waits, and that is interrupted."""
    press()
    with duckdb.connect(config={"threads": 1}) as db:
        db.execute("CREATE TABLE t AS SELECT sum(a.range * b.range) FROM range(100000) a, range(100000) b")


def feeding() -> None:
    """A query that is fed by Python without end, and that is interrupted."""
    press()
    schema = pa.schema([("n", pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        while True:
            time.sleep(0.01)
            yield pa.RecordBatch.from_pydict({"n": [1]}, schema)

    with duckdb.connect(config={"threads": 1}) as db:
        db.register("rows", pa.RecordBatchReader.from_batches(schema, batches()))
        db.execute("CREATE TABLE t AS SELECT * FROM rows")


def swallowing() -> None:
    press()
    try:
        time.sleep(10)
    except KeyboardInterrupt:
        return


@pytest.mark.parametrize("work", [query, feeding, swallowing])
def test_an_interrupt_stays_one_whatever_it_meets(work: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        work()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_fails_by_itself_fails() -> None:
    with pytest.raises(duckdb.Error), interruptible():
        duckdb.execute("no statement")


def test_a_batch_that_is_interrupted_in_a_query_is_not_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial, ledger = pipeline_of("print"), Ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    for moment in ("take_in", "package.assemble"):
        monkeypatch.undo()
        monkeypatch.setattr(f"docgen.bulk.stages.{moment}", query)
        if moment != "take_in":
            monkeypatch.setattr(BulkStages, "take_in", lambda *_: Taken((), {}))
        with Coordinator(ledger, lambda _: Store.open(tmp_path / "b"), trial.stages, trial.settings, 1) as coordinator:
            coordinator.submit(trial.job, trial.source, batch=moment)
            with pytest.raises(KeyboardInterrupt):
                coordinator.run(moment)
        assert ledger.get(moment).live
