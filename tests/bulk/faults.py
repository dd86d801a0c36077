"""Batches that are disturbed at a seeded moment, and what is left of them: for the tests, and for `make soak`."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import dask
import psutil
from distributed import LocalCluster

from docgen.bulk.cluster import CONFIG
from docgen.bulk.ledger import Batch, Ledger
from docgen.bulk.run import Coordinator, Progress
from docgen.bulk.store import Store
from tests.bulk.pipelines import pipeline_of
from tests.bulk.servers import Postgres

ROOT = Path(__file__).parents[2]
PIPELINE = "print"  # what is disturbed


@dataclass(frozen=True)
class Ground:
    """Where a batch is run: an empty ledger, an empty store, workers, and the server of the ledger if it has one."""

    ledger: str
    store: str
    cluster: LocalCluster
    postgres: Postgres | None = None


def shared_cluster() -> LocalCluster:
    """Two workers behind a scheduler's address, as a remote one's would be."""
    with dask.config.set(CONFIG):
        return LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
            silence_logs=50,
            scheduler_kwargs={"allowed_failures": 10, "dashboard_address": "127.0.0.1:0"},
        )


def undisturbed(ground: Ground, pipeline: str) -> dict[str, str]:
    """The package's files and their SHA-256s when nothing goes wrong."""
    batch = _submit(ground, pipeline)
    return _finish(ground, pipeline, batch, lambda _: None)


def with_a_worker_killed(ground: Ground, pipeline: str, seed: int) -> dict[str, str]:
    """The package of a batch during which one or both workers were killed."""
    moment = random.Random(seed)

    def kill() -> None:
        for nanny in moment.sample(list(ground.cluster.workers.values()), moment.choice([1, 1, 2])):
            if nanny.pid is not None:
                psutil.Process(nanny.pid).kill()

    return _disturbed_at(ground, pipeline, moment, kill)


def with_postgres_killed(ground: Ground, pipeline: str, seed: int) -> dict[str, str]:
    """The package of a batch during which the database was killed and came back a little later."""
    moment, server = random.Random(seed), ground.postgres
    assert server is not None

    def kill() -> None:
        server.kill()
        back = threading.Timer(moment.uniform(0.0, 0.5), server.start)
        restarts.append(back)
        back.start()

    restarts: list[threading.Timer] = []
    try:
        return _disturbed_at(ground, pipeline, moment, kill)
    finally:
        for back in restarts:
            back.join()


def with_the_coordinator_killed(ground: Ground, pipeline: str, seed: int) -> dict[str, str]:
    """The package of a batch whose first coordinator was killed, with its local workers, and another one finished.

    The first has one worker or two.
    """
    moment = random.Random(seed)
    batch = _submit(ground, pipeline)
    steps = moment.randint(1, 2 * _shards(pipeline) + 6)
    with coordinator_process(ground, pipeline, batch, workers=2 - seed % 2) as process:
        assert process.stdout is not None
        for _ in range(steps):
            if not process.stdout.readline():
                break
        time.sleep(moment.uniform(0.0, 0.03))
        workers = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
    assert not psutil.wait_procs(workers, timeout=10)[1], "the workers of a killed coordinator live on"
    return _finish(ground, pipeline, batch, lambda _: None)


def coordinator_process(ground: Ground, pipeline: str, batch: Batch, workers: int = 2) -> subprocess.Popen[str]:
    """A coordinator of its own, with local workers."""
    asked = {
        "ledger": ground.ledger,
        "batch": batch.id,
        "pipeline": pipeline,
        "settings": pipeline_of(pipeline).settings,
        "workers": workers,
        "scheduler": None,
    }
    command = [sys.executable, "-m", "tests.bulk.coordinator", json.dumps(asked)]
    pipe: IO[str] | int = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def starting_workers(process: int) -> list[psutil.Process]:
    """The worker processes that one has begun so far."""
    found = []
    for child in psutil.Process(process).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if any("spawn_main" in word for word in child.cmdline()):
                found.append(child)
    return found


def hashes(store: Store) -> dict[str, str]:
    """The SHA-256 of every file that is handed over."""
    names = [*store.names("vendor"), *store.names("issuer")]
    return {name: hashlib.sha256(store.read(name)).hexdigest() for name in names}


def _disturbed_at(ground: Ground, pipeline: str, moment: random.Random, disturb: Callable[[], None]) -> dict[str, str]:
    batch = _submit(ground, pipeline)
    left = [moment.randint(1, 2 * _shards(pipeline) + 4)]

    def count(_: Progress) -> None:
        left[0] -= 1
        if left[0] == 0:
            threading.Timer(moment.uniform(0.0, 0.03), disturb).start()

    return _finish(ground, pipeline, batch, count)


def _submit(ground: Ground, pipeline: str) -> Batch:
    made_of = pipeline_of(pipeline)
    return Ledger(ground.ledger).submit(made_of.job, made_of.source, ground.store, batch="b1")


def _finish(ground: Ground, pipeline: str, batch: Batch, progress: Callable[[Progress], None]) -> dict[str, str]:
    settings: Mapping[str, object] = pipeline_of(pipeline).settings
    ledger = Ledger(ground.ledger)
    address = ground.cluster.scheduler_address
    with Coordinator(ledger, Store.open, pipeline_of(pipeline).stages, settings, 2, address) as coordinator:
        ended = coordinator.run(batch.id, progress)
    assert ended.state == "done", ended.error
    return hashes(Store.open(ground.store))


def _shards(pipeline: str) -> int:
    return pipeline_of(pipeline).shards
