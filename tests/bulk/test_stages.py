from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from docgen.bulk.ledger import Batch, Ledger
from docgen.bulk.run import Coordinator
from docgen.bulk.store import Store
from docgen.bulk.tables import read_table
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
