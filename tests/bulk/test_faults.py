"""Kill -9 of a worker, the coordinator and the database, at seeded moments: the package is always the same."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from docgen.bulk.ledger import Ledger
from docgen.bulk.run import Coordinator
from docgen.bulk.store import Store
from docgen.errors import DocgenError
from tests.bulk import faults
from tests.bulk.faults import PIPELINE, Ground
from tests.bulk.pipelines import pipeline_of

SEEDS = [1, 2, 3]


@pytest.fixture(scope="module")
def cluster(s3: str) -> Iterator[LocalCluster]:
    """The workers; they are told of the S3 server by the environment that they begin with."""
    cluster = faults.shared_cluster()
    yield cluster
    cluster.close()


@pytest.fixture(params=["sqlite and a folder", "postgresql and s3"])
def ground(request: pytest.FixtureRequest, cluster: LocalCluster, tmp_path: Path) -> Ground:
    if request.param == "sqlite and a folder":
        return Ground(f"sqlite:///{tmp_path}/ledger.sqlite", str(tmp_path / "store"), cluster)
    return on_servers(request, cluster)


@pytest.fixture
def servers(request: pytest.FixtureRequest, cluster: LocalCluster) -> Ground:
    return on_servers(request, cluster)


def on_servers(request: pytest.FixtureRequest, cluster: LocalCluster) -> Ground:
    postgres, bucket = request.getfixturevalue("postgres"), request.getfixturevalue("s3")
    name = uuid.uuid4().hex
    return Ground(postgres.fresh_database(name), f"{bucket}/{name}", cluster, postgres)


@pytest.fixture(scope="module")
def undisturbed(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    ground = Ground(f"sqlite:///{folder}/ledger.sqlite", str(folder / "store"), cluster)
    return faults.undisturbed(ground, PIPELINE)


def test_both_kinds_of_ledger_and_store_give_the_same_package(ground: Ground, undisturbed: dict[str, str]) -> None:
    assert "vendor/manifest.json" in undisturbed
    assert faults.undisturbed(ground, PIPELINE) == undisturbed


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_worker_changes_nothing(ground: Ground, undisturbed: dict[str, str], seed: int) -> None:
    assert faults.with_a_worker_killed(ground, PIPELINE, seed) == undisturbed


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_coordinator_changes_nothing(ground: Ground, undisturbed: dict[str, str], seed: int) -> None:
    assert faults.with_the_coordinator_killed(ground, PIPELINE, seed) == undisturbed


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_database_changes_nothing(servers: Ground, undisturbed: dict[str, str], seed: int) -> None:
    assert faults.with_postgres_killed(servers, PIPELINE, seed) == undisturbed


def test_ctrl_c_leaves_a_batch_that_can_be_finished(ground: Ground, undisturbed: dict[str, str]) -> None:
    batch = faults._submit(ground, PIPELINE)
    with faults.coordinator_process(ground, PIPELINE, batch) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "printing 2\n":
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
        said, complaints = process.communicate(timeout=20)
    assert said.splitlines()[-1] == "interrupted 0"
    assert "Traceback" not in complaints
    assert Ledger(ground.ledger).get(batch.id).state == "printing"
    assert faults._finish(ground, PIPELINE, batch, lambda _: None) == undisturbed


def test_ctrl_c_while_workers_start_is_no_fault_of_theirs(cluster: LocalCluster, tmp_path: Path) -> None:
    ground = Ground(f"sqlite:///{tmp_path}/ledger.sqlite", str(tmp_path / "store"), cluster)
    batch = faults._submit(ground, PIPELINE)
    with faults.coordinator_process(ground, PIPELINE, batch) as process:
        while not faults.starting_workers(process.pid):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        said, complaints = process.communicate(timeout=60)
    assert (said.splitlines()[-1], complaints) == ("interrupted 0", "")
    assert Ledger(ground.ledger).get(batch.id).state == "printing"


def test_a_worker_that_is_killed_while_it_starts_is_started_again(
    cluster: LocalCluster, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    ground = Ground(f"sqlite:///{tmp_path}/ledger.sqlite", str(tmp_path / "store"), cluster)
    batch = faults._submit(ground, PIPELINE)
    with faults.coordinator_process(ground, PIPELINE, batch) as process:
        while not (starting := faults.starting_workers(process.pid)):
            assert process.poll() is None
        starting[0].kill()
        said, complaints = process.communicate(timeout=60)
    assert said.splitlines()[-1] == "done 0", complaints
    assert "the workers could not be started, attempt 1: RuntimeError" in complaints
    assert "Traceback" not in complaints
    assert faults.hashes(Store.open(ground.store)) == undisturbed


def test_a_lost_scheduler_leaves_a_batch_that_can_be_finished(ground: Ground, undisturbed: dict[str, str]) -> None:
    batch, lost = faults._submit(ground, PIPELINE), faults.shared_cluster()
    ledger, made_of = Ledger(ground.ledger), pipeline_of(PIPELINE)

    def lose(step: Any) -> None:
        if (step.state, step.done) == ("printing", 2):
            lost.close()

    with (
        Coordinator(ledger, Store.open, made_of.stages, made_of.settings, 2, lost.scheduler_address) as coordinator,
        pytest.raises(DocgenError) as caught,
    ):
        coordinator.run(batch.id, lose)
    assert caught.value.violations[0].code == "cluster_unavailable"
    assert faults._finish(ground, PIPELINE, batch, lambda _: None) == undisturbed
