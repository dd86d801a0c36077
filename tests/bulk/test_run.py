from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import pytest
import sqlalchemy as sa

from docgen.bulk import cluster as cluster_module
from docgen.bulk.cluster import Cluster, Task
from docgen.bulk.job import Job, shard_dir
from docgen.bulk.ledger import Batch, Lease, Ledger
from docgen.bulk.run import Coordinator, Progress
from docgen.bulk.store import Store
from docgen.errors import DocgenError
from tests.bulk.fakes import MADE_WITH, FakeStages, count_faults, full_disk, runs_of
from tests.bulk.pipelines import source

JOB = Job("", "association", "bulk", date(2026, 12, 1))


@pytest.fixture(scope="module")
def workers() -> Iterator[Coordinator]:
    """One coordinator's cluster, which the tests share: starting its processes takes the longest."""
    with Coordinator(Ledger("sqlite://"), Store.open, FakeStages(), {}, 2) as coordinator:
        coordinator._cluster._connect()  # before a test looks at what is logged: Dask turns that off as it starts
        yield coordinator


@dataclass
class Bench:
    """A coordinator with a ledger and a store of its own, and a file that says which shards were run."""

    coordinator: Coordinator
    ledger: Ledger
    folder: Path
    runs: str

    def submit(self, source: str, batch: str = "b1", **changes: Any) -> str:
        return self.coordinator.submit(replace(JOB, **changes), source, batch=batch).id

    def package(self, batch: str = "b1") -> dict[str, bytes]:
        store = Store.open(self.folder / batch)
        return {name: store.read(name) for name in store.names("vendor")}


@pytest.fixture
def bench(workers: Coordinator, tmp_path: Path) -> Bench:
    return bench_of(workers, Ledger(f"sqlite:///{tmp_path}/ledger.sqlite"), tmp_path)


@pytest.fixture
def each_bench(workers: Coordinator, tmp_path: Path, ledger_url: str) -> Iterator[Bench]:
    """The same with either database."""
    ledger = Ledger(ledger_url)
    yield bench_of(workers, ledger, tmp_path)
    ledger.close()


def bench_of(workers: Coordinator, ledger: Ledger, folder: Path) -> Bench:
    settings = {"runs": str(folder / "runs")}
    coordinator = Coordinator(ledger, lambda id_: Store.open(folder / id_), FakeStages(), settings, 2)
    coordinator._cluster = workers._cluster
    return Bench(coordinator, ledger, folder, settings["runs"])


def interrupt_at(state: str, done: int, error: BaseException) -> Callable[[Progress], None]:
    def progress(step: Progress) -> None:
        if (step.state, step.done) == (state, done):
            raise error

    return progress


def test_a_batch_goes_through_its_states_to_a_released_package(bench: Bench) -> None:
    steps: list[Progress] = []
    batch = bench.coordinator.run(bench.submit(source(4, people=10)), steps.append)
    assert batch.state == "done"
    assert batch.counts is not None
    assert batch.counts["printed"] == batch.counts["people"] == 40
    assert list(dict.fromkeys(step.state for step in steps)) == ["taking_in", "printing", "assembling", "reconciling"]
    assert max(step.people_done for step in steps) == 40 == max(step.people for step in steps)
    assert sorted(runs_of(bench.runs)) == [1, 2, 3, 4]
    manifest = json.loads(bench.package()["vendor/manifest.json"])
    assert [file["name"] for file in manifest["files"]][:2] == ["vendor/cards-0001.pdf", "vendor/cards-0002.pdf"]


def test_a_batch_that_has_ended_is_not_run_again(bench: Bench) -> None:
    bench.coordinator.run(bench.submit(source(1, ms=0)))
    assert bench.coordinator.run("b1").state == "done"
    assert runs_of(bench.runs) == [1]


@pytest.mark.parametrize(
    ("state", "done"), [("taking_in", 0), ("printing", 0), ("printing", 3), ("assembling", 0), ("reconciling", 0)]
)
def test_a_batch_that_was_interrupted_is_finished_with_the_same_bytes(bench: Bench, state: str, done: int) -> None:
    bench.coordinator.run(bench.submit(source(6), "undisturbed", number="S1"))
    undisturbed = bench.package("undisturbed")
    bench.ledger.forget("undisturbed")
    with bench.ledger._engine.begin() as link:  # the same number again: it is printed in the ids
        link.exec_driver_sql("UPDATE batches SET number = 'OLD'")
    bench.submit(source(6), number="S1")
    with pytest.raises(KeyboardInterrupt):
        bench.coordinator.run("b1", interrupt_at(state, done, KeyboardInterrupt()))
    assert bench.ledger.get("b1").live
    assert "vendor/manifest.json" not in bench.package()
    assert bench.coordinator.run("b1").state == "done"
    assert bench.package() == undisturbed


def test_a_batch_that_is_begun_or_taken_up_again_is_logged_with_its_job(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.submit(source(2), number="S1")
    with caplog.at_level(logging.INFO, "docgen"):
        with pytest.raises(KeyboardInterrupt):
            bench.coordinator.run("b1", interrupt_at("assembling", 0, KeyboardInterrupt()))
        bench.coordinator.run("b1")
        bench.coordinator.run("b1")  # it has ended
    assert caplog.messages == ["batch b1, job S1: begun", "batch b1, job S1: taken up again, assembling"]


def test_resuming_runs_only_what_is_missing(bench: Bench) -> None:
    bench.submit(source(8))
    with pytest.raises(KeyboardInterrupt):
        bench.coordinator.run("b1", interrupt_at("printing", 5, KeyboardInterrupt()))
    time.sleep(0.3)  # what was running then comes to its end
    finished = {shard.number for shard in bench.ledger.shards("b1", "print") if shard.result}
    before = runs_of(bench.runs)
    bench.coordinator.run("b1")
    assert len(finished) == 5
    assert set(runs_of(bench.runs)[len(before) :]) == set(range(1, 9)) - finished


@pytest.mark.parametrize("harm", ["result changed", "result gone", "file gone"])
def test_resuming_prints_again_what_the_store_does_not_have_as_it_was(bench: Bench, harm: str) -> None:
    bench.submit(source(3))
    with pytest.raises(KeyboardInterrupt):
        bench.coordinator.run("b1", interrupt_at("assembling", 0, KeyboardInterrupt()))
    before, made, store = runs_of(bench.runs), bench.package(), Store.open(bench.folder / "b1")
    result = f"{shard_dir(2)}/result.json"
    if harm == "result changed":
        store.put(result, store.read(result).replace(b'"people": 40', b'"people": 41'))
    else:
        store.delete(result if harm == "result gone" else "vendor/cards-0002.pdf")
    assert bench.coordinator.run("b1").state == "done"
    assert runs_of(bench.runs)[len(before) :] == [2]
    finished = bench.package()
    assert made.items() <= finished.items()
    assert finished.keys() - made.keys() == {"vendor/manifest.json", "vendor/pieces.csv"}


def test_a_batch_taken_up_with_another_profile_is_printed_anew(bench: Bench) -> None:
    bench.submit(source(3))
    with pytest.raises(KeyboardInterrupt):
        bench.coordinator.run("b1", interrupt_at("printing", 2, KeyboardInterrupt()))
    bench.coordinator._settings["profile"] = "edited since"
    before = len(runs_of(bench.runs))
    assert bench.coordinator.run("b1").state == "done"
    assert sorted(runs_of(bench.runs)[before:])[-3:] == [1, 2, 3]
    assert json.loads(bench.package()["vendor/manifest.json"])["made_with"]["profile"] == "edited since"


def test_a_shard_that_goes_wrong_twice_is_run_a_third_time(bench: Bench) -> None:
    batch = bench.coordinator.run(bench.submit(source(3, fail={"2": [1, 2]})))
    assert batch.state == "done"
    assert [shard.attempts for shard in bench.ledger.shards("b1", "print")] == [1, 3, 1]


def test_a_shard_that_always_goes_wrong_fails_the_batch_with_its_number(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        batch = bench.coordinator.run(bench.submit(source(3, fail={"2": [1, 2, 3]})))
    assert batch.state == "failed"
    assert batch.error is not None
    assert (batch.error["code"], batch.error["shard"]) == ("shard_failed", 2)
    assert batch.error["violations"][0]["message"] == "Shard 2 failed 3 times."
    assert "RuntimeError at fakes.py" in caplog.text
    assert "山田" not in caplog.text + json.dumps(batch.error, ensure_ascii=False)
    assert "vendor/manifest.json" not in bench.package()


def test_a_batch_whose_workers_never_start_stays_to_be_taken_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def start(workers: int) -> NoReturn:
        raise RuntimeError("Nanny failed to start.")

    bench.submit(source(2))
    monkeypatch.setattr(bench.coordinator, "_cluster", Cluster(2))
    with monkeypatch.context() as patch:
        patch.setattr(cluster_module, "_local_cluster", start)
        with caplog.at_level(logging.WARNING), pytest.raises(DocgenError) as caught:
            bench.coordinator.run("b1")
    assert (caught.value.violations[0].code, caught.value.status) == ("cluster_unavailable", 503)
    assert "memory" in caught.value.violations[0].hint
    assert caplog.text.count("the workers could not be started") == 3
    with bench.coordinator:
        assert bench.coordinator.run("b1").state == "done"


def test_a_disk_that_is_full_for_a_shard_leaves_a_batch_that_can_be_finished(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    full = bench.folder / "full"
    full.touch()
    bench.submit(source(3, full=str(full)))
    with caplog.at_level(logging.DEBUG), pytest.raises(DocgenError) as caught:
        bench.coordinator.run("b1")
    said = f"The folder {bench.folder}/b1 cannot be written: No space left on device."
    assert (caught.value.violations[0].message, caught.value.status) == (said, 503)
    assert said in caplog.text
    assert "山田" not in caplog.text + str(caught.value)
    full.unlink()
    assert bench.coordinator.run("b1").state == "done"


@pytest.mark.parametrize("state", ["taking_in", "assembling"])
def test_a_disk_that_is_full_for_the_coordinator_leaves_a_batch_that_can_be_finished(
    bench: Bench, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    bench.submit(source(2))
    with ExitStack() as disk:

        def fill(step: Progress) -> None:
            if step.state == state:
                disk.enter_context(full_disk())

        with caplog.at_level(logging.DEBUG), pytest.raises(DocgenError) as caught:
            bench.coordinator.run("b1", fill)
    assert f"batch b1 stays: The folder {bench.folder}/b1 cannot be written: No space left on device." in caplog.text
    assert (caught.value.violations[0].code, caught.value.status) == ("store_unavailable", 503)
    assert bench.ledger.get("b1").state == state
    assert bench.coordinator.run("b1").state == "done"


def test_a_failed_batch_can_be_opened_again_and_finished(bench: Bench) -> None:
    bench.coordinator.run(bench.submit(source(3, fail={"2": [1, 2, 3]})))
    bench.ledger.reopen("b1")
    assert bench.coordinator.run("b1").state == "done"
    assert runs_of(bench.runs).count(2) == 4
    assert runs_of(bench.runs).count(1) == 1


def test_an_input_that_is_refused_fails_the_batch_with_what_is_wrong(bench: Bench) -> None:
    batch = bench.coordinator.run(bench.submit(json.dumps({"refused": True})))
    assert batch.state == "failed"
    assert batch.error is not None
    assert batch.error["violations"] == [
        {"code": "unreadable_file", "message": "refused", "pointer": "/x", "severity": "error"}
    ]


def test_a_package_that_is_not_as_it_was_written_is_not_released(bench: Bench) -> None:
    bench.submit(source(2))

    def spoil(step: Progress) -> None:
        if step.state == "reconciling":
            (bench.folder / "b1/vendor/cards-0002.pdf").write_bytes(b"spoilt")

    assert bench.coordinator.run("b1", spoil).state == "failed"
    assert "vendor/manifest.json" not in bench.package()


def test_cancelling_stops_between_shards(bench: Bench) -> None:
    bench.submit(source(30))

    def cancel(step: Progress) -> None:
        if (step.state, step.done) == ("printing", 3):
            bench.ledger.cancel("b1")

    assert bench.coordinator.run("b1", cancel).state == "cancelled"
    assert len(runs_of(bench.runs)) < 12


# A batch of one shard: once that runs, no other is begun that could be told of the cancel.
MOMENTS = [("taking_in", 0), ("printing", 0), ("printing", 1), ("assembling", 0), ("reconciling", 0)]


@pytest.mark.parametrize(("state", "done"), MOMENTS)
def test_a_cancel_that_was_accepted_stops_the_batch_whatever_it_is_at(
    each_bench: Bench, state: str, done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, answers = each_bench, []
    monkeypatch.setattr(FakeStages, "has_employers", lambda *_: False)
    bench.submit(source(1))

    def cancel(step: Progress) -> None:
        if (step.state, step.done) == (state, done):
            answers.append(bench.ledger.cancel("b1").cancel_requested)

    ended = bench.coordinator.run("b1", cancel)
    assert set(answers) == {True}
    assert_given_up(bench, ended)


@pytest.mark.parametrize(("state", "done"), MOMENTS)
def test_a_batch_whose_cancel_was_accepted_just_before_its_run_was_interrupted_is_not_finished_by_the_next(
    each_bench: Bench, state: str, done: int
) -> None:
    bench = each_bench
    bench.submit(source(1))

    def cancel(step: Progress) -> None:
        if (step.state, step.done) == (state, done):
            bench.ledger.cancel("b1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.coordinator.run("b1", cancel)
    assert bench.ledger.get("b1").live
    assert_given_up(bench, bench.coordinator.run("b1"))


def test_a_cancel_while_a_batch_is_taken_up_again_stops_it(each_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = each_bench
    bench.submit(source(1))
    with pytest.raises(KeyboardInterrupt):
        bench.coordinator.run("b1", interrupt_at("reconciling", 0, KeyboardInterrupt()))

    def cancel(stages: FakeStages, *_: Any) -> Mapping[str, Any]:
        assert bench.ledger.cancel("b1").live
        return {**MADE_WITH, "profile": ""}

    monkeypatch.setattr(FakeStages, "made_with", cancel)
    assert_given_up(bench, bench.coordinator.run("b1"))


def assert_given_up(bench: Bench, ended: Batch) -> None:
    """Nothing to print, and its people are free."""
    assert (ended.state, ended.counts) == ("cancelled", None)
    assert "vendor/manifest.json" not in bench.package()
    assert bench.ledger.kept_out("association", "card", JOB.issued_on, ["-1-0", "-1-1"]) == {}


def test_a_shard_that_fails_after_a_cancel_was_accepted_leaves_a_cancelled_batch(each_bench: Bench) -> None:
    bench = each_bench
    bench.submit(source(1))

    def cancel(step: Progress) -> None:
        if (step.state, step.done) == ("reconciling", 0):
            bench.ledger.cancel("b1")
            (bench.folder / "b1/vendor/cards-0001.pdf").write_bytes(b"spoilt")

    ended = bench.coordinator.run("b1", cancel)
    assert ended.error is None
    assert_given_up(bench, ended)


@pytest.mark.parametrize("stage", ["unprinted", "release"])
def test_a_cancel_that_comes_once_the_release_has_begun_is_refused_and_the_batch_is_done(
    each_bench: Bench, ledger_url: str, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, refusals = each_bench, []
    bench.submit(source(1))
    was, other = getattr(FakeStages, stage), Ledger(ledger_url)  # of another service

    def ask() -> None:
        with pytest.raises(DocgenError) as caught:
            other.cancel("b1")
        refusals.append((caught.value.status, caught.value.violations[0].code))

    asking = threading.Thread(target=ask)  # the ledger may hold it up until the release is over

    def then(*given: Any) -> Any:
        asking.start()
        asking.join(0.5)
        return was(*given)

    monkeypatch.setattr(FakeStages, stage, then)
    assert bench.coordinator.run("b1").state == "done"
    asking.join()
    other.close()
    assert refusals == [(409, "too_late_to_cancel")]
    assert not bench.ledger.get("b1").cancel_requested
    assert "vendor/manifest.json" in bench.package()


def test_no_cancel_takes_a_released_package_back_while_people_are_withdrawn_from_it(each_bench: Bench) -> None:
    bench, refusals = each_bench, []
    bench.coordinator.run(bench.submit(source(1)))
    with bench.ledger._engine.begin() as link:  # as releases before this one may have left it
        link.execute(sa.text("UPDATE batches SET cancel = :yes"), {"yes": True})
    bench.ledger.withdraw("b1", "input/a.txt")

    def cancel(step: Progress | None = None) -> None:
        with pytest.raises(DocgenError) as caught:
            bench.ledger.cancel("b1")
        refusals.append(caught.value.violations[0].code)

    cancel()
    ended = bench.coordinator.run("b1", cancel)
    assert (ended.state, ended.cancel_requested) == ("done", False)
    assert len(refusals) > 4
    assert set(refusals) == {"too_late_to_cancel"}
    assert "vendor/manifest.json" in bench.package()


def test_a_released_package_is_taken_back_before_it_is_made_anew(bench: Bench) -> None:
    bench.coordinator.run(bench.submit(source(1)))
    bench.ledger.withdraw("b1", "input/a.txt")
    released: list[bool] = []
    ended = bench.coordinator.run("b1", lambda _: released.append("vendor/manifest.json" in bench.package()))
    assert (ended.state, any(released)) == ("done", False)
    assert len(released) > 3


def test_a_batch_that_another_run_has_is_refused(bench: Bench) -> None:
    bench.submit(source(2))
    assert bench.ledger.acquire("b1")
    with pytest.raises(DocgenError) as caught:
        bench.coordinator.run("b1")
    assert caught.value.violations[0].code == "batch_running"


def test_a_run_that_lost_its_lease_stops_and_leaves_the_batch_to_the_other(bench: Bench) -> None:
    bench.submit(source(8))

    def lose(step: Progress) -> None:
        if (step.state, step.done) == ("printing", 2):
            with bench.ledger._engine.begin() as link:
                link.exec_driver_sql("UPDATE batches SET leased_until = 0")
            assert bench.ledger.acquire("b1")

    assert bench.coordinator.run("b1", lose).state == "printing"
    assert len([shard for shard in bench.ledger.shards("b1", "print") if shard.result]) == 2


def test_a_run_that_lost_its_lease_on_the_threshold_releases_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.submit(source(1))

    def lose(lease: Lease, withdrawals: Sequence[str]) -> bool:
        with bench.ledger._engine.begin() as link:
            link.exec_driver_sql("UPDATE batches SET leased_until = 0")
        assert bench.ledger.acquire("b1")
        return True

    monkeypatch.setattr(Lease, "begin_release", lose)
    assert bench.coordinator.run("b1").state == "reconciling"
    assert "vendor/manifest.json" not in bench.package()


def test_a_long_stage_keeps_its_lease(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.submit(source(1, ms=1500))
    monkeypatch.setattr(bench.coordinator, "_lease_seconds", 0.5)
    other: list[object] = []
    thief = threading.Timer(1.2, lambda: other.append(bench.ledger.acquire("b1")))
    thief.start()
    assert bench.coordinator.run("b1").state == "done"
    thief.join()
    assert other == [None]


def test_people_stay_issued_unless_they_were_not_printed(bench: Bench) -> None:
    bench.coordinator.run(bench.submit(source(1, people=3)))
    other = bench.ledger.submit(JOB, "", "/nowhere", batch="b2")
    lease = bench.ledger.acquire(other.id)
    assert lease is not None
    people = ["-1-0", "-1-1", "-1-2"]
    assert set(lease.claim("association", "card", JOB.issued_on, people)) == {"-1-1", "-1-2"}
    bench.ledger.forget("b1")  # they have their cards all the same
    assert set(lease.claim("association", "card", JOB.issued_on, people)) == {"-1-1", "-1-2"}


def test_a_worker_keeps_the_memory_that_each_page_needs(workers: Coordinator, tmp_path: Path) -> None:
    task = Task(count_faults, {}, str(tmp_path), JOB.as_dict(), 1)
    (outcome,) = workers._cluster.run(task, [1], lambda *_: None)
    assert outcome.result is not None
    assert outcome.result["faults"] < 5  # it was 50
