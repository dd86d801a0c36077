from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docgen.bulk.cluster import Work
from docgen.bulk.job import Job
from docgen.bulk.ledger import Batch, Ledger
from docgen.bulk.run import Coordinator
from docgen.bulk.store import Store
from docgen.bulk.tables import read_table
from docgen.errors import PackageError
from tests.bulk.pipelines import pipeline_of

TRIAL = pipeline_of("print")


@pytest.fixture(scope="module")
def coordinator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coordinator]:
    folder = tmp_path_factory.mktemp("pipeline")
    ledger = Ledger(f"sqlite:///{folder}/ledger.sqlite")
    with Coordinator(ledger, lambda batch: Store.open(folder / batch), TRIAL.stages, TRIAL.settings, 1) as coordinator:
        yield coordinator


@pytest.fixture(scope="module")
def first(coordinator: Coordinator) -> Batch:
    coordinator.submit(TRIAL.job, TRIAL.source, batch="first")
    return coordinator.run("first")


def rejects(batch: Batch) -> list[tuple[str, str]]:
    with Store.open(batch.store).reader("issuer/rejects.csv") as stream:
        return [(row["key"], row["code"]) for row in read_table(stream)]


def test_a_printed_batch_adds_up_and_is_released(first: Batch) -> None:
    assert first.state == "done", first.error
    assert first.counts is not None
    counts = first.counts
    assert counts["people"] == 26
    assert counts["rejected"] > 0 < counts["held"]
    assert counts["people"] == counts["printed"] + counts["rejected"] + counts["held"] + counts["withdrawn"]
    manifest = json.loads(Store.open(first.store).read("vendor/manifest.json"))
    assert manifest["counts"] == counts
    assert f"vendor/cards-{TRIAL.shards:04d}.pdf" in [file["name"] for file in manifest["files"]]


def test_the_same_people_are_not_issued_twice_unless_for_a_reason(coordinator: Coordinator, first: Batch) -> None:
    assert first.counts is not None
    coordinator.submit(TRIAL.job, TRIAL.source, batch="second")
    second = coordinator.run("second")
    assert second.counts is not None
    assert second.counts["printed"] == 0
    issued = {key for key, code in rejects(second) if code == "already_issued"}
    assert len(issued) == first.counts["printed"]
    assert not issued & {key for key, _ in rejects(first)}
    coordinator.submit(replace(TRIAL.job, reissue="the first were lost"), TRIAL.source, batch="again")
    again = coordinator.run("again")
    assert again.counts is not None
    assert again.counts["printed"] == first.counts["printed"]


def test_an_extract_that_was_uploaded_is_read_from_the_batchs_own_store(coordinator: Coordinator, first: Batch) -> None:
    assert first.counts is not None
    job = replace(TRIAL.job, reissue="to try the upload")
    batch = coordinator.submit(job, "work/extract.parquet", {"withdrawn": "work/withdrawn"}, batch="uploaded")
    Store.open(batch.store).put("work/extract.parquet", Path(TRIAL.source))
    Store.open(batch.store).put("work/withdrawn", b"00000001-00\n")
    ended = coordinator.run("uploaded")
    assert ended.counts is not None
    assert (ended.counts["people"], ended.counts["withdrawn"]) == (26, 1)


def reconciled(store: Store, job: Job) -> Counter[str]:
    """Reconcile a finished batch once more, shard by shard in this process: how often each of its files was read."""
    reads: Counter[str] = Counter()
    read = type(store).read

    def counted(self: Store, name: str) -> bytes:
        reads[name] += 1
        return read(self, name)

    def spread(work: Work) -> Iterator[Mapping[str, Any]]:
        return (work(TRIAL.settings, store, job, number, TRIAL.shards) for number in range(TRIAL.shards, 0, -1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "read", counted)
        TRIAL.stages.reconcile(TRIAL.settings, store, job, spread)
    return reads


def test_each_page_is_read_once_and_a_file_that_was_changed_fails_the_batch(first: Batch, tmp_path: Path) -> None:
    shutil.copytree(first.store, tmp_path / "copy")
    store = Store.open(tmp_path / "copy")
    store.delete("vendor/manifest.json")
    reads = reconciled(store, first.job)
    names = [name for name in store.names("vendor") if name.endswith(".pdf")]
    assert {name: reads[name] for name in names} == dict.fromkeys(names, 1)
    assert any(name.startswith("vendor/letters") for name in names)
    for name in ("vendor/cards-0001.pdf", next(name for name in names if name.startswith("vendor/letters"))):
        data = store.read(name)
        store.put(name, data.replace(b"/Producer", b"/Producez"))
        with pytest.raises(PackageError) as error:
            reconciled(store, first.job)
        assert {(violation.code, violation.file) for violation in error.value.violations} == {
            ("package_file_changed", name)
        }
        store.put(name, data)
    store.put("vendor/pieces.csv", store.read("vendor/pieces.csv")[:-1])
    with pytest.raises(PackageError, match=r"pieces\.csv"):
        reconciled(store, first.job)


def test_a_worker_does_not_load_what_only_a_coordinator_needs() -> None:
    program = "import sys, docgen.bulk.cluster, docgen.bulk.tasks; print({'duckdb', 'sqlalchemy'} & {*sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "set()"
