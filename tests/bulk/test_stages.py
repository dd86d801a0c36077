from __future__ import annotations

import functools
import io
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from docgen.bulk.cluster import Work
from docgen.bulk.job import Job, named, pages_file, part_name
from docgen.bulk.ledger import Batch, Lease, Ledger
from docgen.bulk.opened import PIECES_TABLE, REJECTS_TABLE
from docgen.bulk.run import Coordinator
from docgen.bulk.shard import run_shard
from docgen.bulk.stages import BulkStages
from docgen.bulk.store import Store
from docgen.bulk.tables import read_table
from docgen.bulk.tasks import engine_of
from docgen.errors import BatchError, PackageError
from tests.bulk.pipelines import pipeline_of, printing_settings

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
    with Store.open(batch.store).reader(named(batch.job.number, REJECTS_TABLE)) as stream:
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
    assert pages_file(first.job.number, "card", TRIAL.shards) in [file["name"] for file in manifest["files"]]


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


def test_an_extract_that_changed_is_not_taken_in_again(coordinator: Coordinator, tmp_path: Path) -> None:
    """Withdrawals take the extract in anew: what stands at its address by then may be another one."""
    extract = tmp_path / "extract.parquet"
    shutil.copyfile(TRIAL.source, extract)
    job = replace(TRIAL.job, reissue="a test")
    coordinator.submit(job, str(extract), batch="replaced")
    done = coordinator.run("replaced")
    assert done.state == "done"
    rows = pq.read_table(extract)
    pq.write_table(rows.slice(1), extract)
    Store.open(done.store).put("work/more.txt", rows["世帯番号"][5].as_py().encode() + b"-00\n")
    coordinator._ledger.withdraw("replaced", "work/more.txt")
    again = coordinator.run("replaced")
    assert (again.state, again.error and again.error["code"]) == ("failed", "input_changed")
    shutil.copyfile(TRIAL.source, extract)
    coordinator._ledger.reopen("replaced")
    assert coordinator.run("replaced").state == "done"


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

    settings = {**TRIAL.settings, "made_with": TRIAL.stages.made_with(TRIAL.settings, job)}

    def spread(work: Work) -> Iterator[Mapping[str, Any]]:
        return (work(settings, store, job, number, TRIAL.shards) for number in range(TRIAL.shards, 0, -1))

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
    for document in ("card", "employer-letter"):
        name = pages_file(first.job.number, document, 1)
        data = store.read(name)
        store.put(name, data.replace(b"/Producer", b"/Producez"))
        with pytest.raises(PackageError) as error:
            reconciled(store, first.job)
        assert {(violation.code, violation.file) for violation in error.value.violations} == {
            ("package_file_changed", name)
        }
        store.put(name, data)
    pieces = named(first.job.number, PIECES_TABLE)
    store.put(pieces, store.read(pieces)[:-1])
    with pytest.raises(PackageError, match=r"pieces\.csv"):
        reconciled(store, first.job)


DELIVERIES = """
    both: {to: home, documents: [mount, card, notice], order: [address.postal_code]}
    notices: {to: home, documents: [notice], order: [address.postal_code]}
"""


def test_every_document_of_a_delivery_is_issued_once_and_free_again_for_who_is_not_printed(tmp_path: Path) -> None:
    settings, ledger = printing_settings(tmp_path, 100, DELIVERIES), Ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    stages, store = BulkStages(), Store.open(tmp_path / "store")
    leases: dict[str, Lease] = {}

    def issued(delivery: str) -> set[str]:
        """Take the extract in once more, for another delivery; the keys of those who have theirs already."""
        job = replace(TRIAL.job, delivery=delivery)
        batch = ledger.submit(job, TRIAL.source, store.location, batch=delivery)
        lease = ledger.acquire(delivery)
        assert lease is not None
        leases[delivery] = lease
        claim = functools.partial(lease.claim, job.insurer, issued_on=job.issued_on)
        stages.take_in(settings, store, batch, lambda _: None, lambda doc, some: claim(doc, identities=some))
        rows = pq.read_table(io.BytesIO(store.read(part_name(1)))).to_pylist()
        return {row["_key"] for row in rows if (row["_fault"] or "").startswith("claimed_by_unfinished: ")}

    assert issued("notices") == set()
    everybody = issued("both")  # because of the notice
    assert len(everybody) == 22
    run_shard(engine_of(settings), store, replace(TRIAL.job, number="S1", delivery="both"), 1)
    freed = list(stages.unprinted(settings, store, replace(TRIAL.job, delivery="both"), [1]))
    assert [document for document, *_ in freed] == ["card", "notice"]
    for document, people, _ in freed:
        leases["both"].release(TRIAL.job.insurer, document, TRIAL.job.issued_on, people)
    assert issued("bulk") == set()  # the cards, which nobody has got after all
    assert issued("regular") == everybody  # "bulk" has claimed them since


class Elsewhere(BulkStages):
    """The stages of a coordinator that has another font and another version of a package than its workers."""

    def made_with(self, settings: Mapping[str, Any], job: Job) -> Mapping[str, Any]:
        mine = super().made_with(settings, job)
        fonts, versions = {**mine["fonts"], "mincho": "0" * 64}, {**mine["versions"], "reportlab": "0"}
        return {**mine, "fonts": fonts, "versions": versions}


def test_a_worker_that_would_print_other_bytes_refuses_and_the_batch_waits_for_a_better_one(
    coordinator: Coordinator, first: Batch
) -> None:
    job = replace(TRIAL.job, reissue="to try the workers")
    batch = coordinator.submit(job, TRIAL.source, batch="differs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coordinator, "_stages", Elsewhere())
        with pytest.raises(BatchError) as error:
            coordinator.run("differs")
    (violation,) = error.value.violations
    assert (violation.code, error.value.status) == ("worker_differs", 503)
    assert violation.message.endswith("It differs in: fonts mincho, versions reportlab.")
    assert "mincho" not in violation.hint
    assert not [name for name in Store.open(batch.store).names() if name.startswith(("vendor", "work/shards"))]
    ended = coordinator.run("differs")
    assert ended.counts == first.counts


def test_a_worker_does_not_load_what_only_a_coordinator_needs() -> None:
    program = "import sys, docgen.bulk.cluster, docgen.bulk.tasks; print({'duckdb', 'sqlalchemy'} & {*sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "set()"
