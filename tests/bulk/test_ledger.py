from __future__ import annotations

import multiprocessing
import os
import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from docgen.bulk.job import Job
from docgen.bulk.ledger import Batch, Lease, LeaseLost, Ledger, Part
from docgen.errors import BatchError, DocgenError
from tests.bulk.servers import Postgres

ISSUED_ON = date(2026, 12, 1)
JOB = Job("", "association", "bulk", ISSUED_ON)
COUNTS = {"people": 3, "printed": 3, "withdrawn": 0}
PARTS = [Part(1, 5000, "a" * 64), Part(2, 5000, "b" * 64), Part(3, 17, "c" * 64)]
PEOPLE = [f"123|{number}|00" for number in range(2500)]


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    ledger = Ledger(ledger_url)
    yield ledger
    ledger.close()


def submit(ledger: Ledger, **changes: object) -> Batch:
    return ledger.submit(replace(JOB, **changes), "input.csv", "/nowhere")


def lease_of(ledger: Ledger, batch: Batch | None = None, seconds: float = 30) -> Lease:
    lease = ledger.acquire((batch or submit(ledger)).id, seconds)
    assert lease is not None
    return lease


def code(caught: pytest.ExceptionInfo[DocgenError]) -> str:
    return caught.value.violations[0].code


# --- batches ---


def test_a_batch_is_read_back_as_it_was_submitted(ledger: Ledger) -> None:
    batch = ledger.submit(JOB, "s3://in/extract.csv", "s3://out/1", {"listed": ["a"]}, batch="b1")
    assert ledger.get("b1") == batch
    assert (batch.id, batch.state, batch.source, batch.store) == ("b1", "queued", "s3://in/extract.csv", "s3://out/1")
    assert batch.options == {"listed": ["a"]}
    assert batch.job == replace(JOB, number="S0001")
    assert abs(batch.created_at - time.time()) < 60


def test_jobs_are_numbered_around_the_numbers_that_were_given(ledger: Ledger) -> None:
    given = [submit(ledger, number=number).job.number for number in ("", "S0002", "KYOTO1", "", "")]
    assert given == ["S0001", "S0002", "KYOTO1", "S0003", "S0004"]
    with pytest.raises(DocgenError) as caught:
        submit(ledger, number="KYOTO1")
    assert code(caught) == "job_number_taken"


def test_the_number_of_a_batch_that_failed_before_it_had_parts_is_free_again(ledger: Ledger) -> None:
    for number in ("", "KYOTO1"):
        batch = submit(ledger, number=number)
        assert not ledger.undo(batch.id)
        lease = lease_of(ledger, batch)
        assert lease.claim("association", "card", ISSUED_ON, PEOPLE[:1]) == {}
        lease.end("failed", error={"code": "unknown_person"})
        assert ledger.undo(batch.id)
    printed = submit(ledger)
    assert printed.job.number == "S0001"
    assert submit(ledger, number="KYOTO1").job.number == "KYOTO1"
    lease = lease_of(ledger, printed)
    assert lease.claim("association", "card", ISSUED_ON, PEOPLE[:1]) == {}
    lease.plan(PARTS, {})
    lease.end("failed", error={"code": "shard_failed"})
    assert not ledger.undo(printed.id)


def test_batches_submitted_at_once_get_different_numbers(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: submit(ledger).job.number, range(24)))
    assert sorted(numbers) == [f"S{number:04d}" for number in range(1, 25)]


def test_an_idempotency_key_makes_one_batch_however_often_it_comes(ledger: Ledger) -> None:
    def ask(_: int) -> str:
        return ledger.submit(JOB, "input.csv", "/nowhere", idempotency_key="k").id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1
    with pytest.raises(DocgenError) as caught:
        ledger.submit(JOB, "another.csv", "/nowhere", idempotency_key="k")
    assert code(caught) == "idempotency_mismatch"
    assert len(ledger.batches()) == 1


def test_the_newest_batches_of_an_asker_come_first_without_those_that_were_deleted(ledger: Ledger) -> None:
    mine, others = {"by": "service"}, {}
    ids = [ledger.submit(JOB, f"{at}.csv", "/nowhere", options).id
           for at, options in enumerate((mine, others, mine, mine, others))]  # fmt: skip
    ledger.forget(ids[2])
    assert [batch.id for batch in ledger.newest(mine, 10)] == [ids[3], ids[0]]
    assert [batch.id for batch in ledger.newest(mine, 1)] == [ids[3]]
    assert [batch.id for batch in ledger.newest(mine, 10, before=ids[2])] == [ids[0]]


def test_a_reprint_is_noted_once_for_a_key_and_known_until_people_are_withdrawn(ledger: Ledger) -> None:
    batch, other = submit(ledger), submit(ledger)
    for each in (batch, other):
        lease_of(ledger, each).end("done", {"people": 1, "printed": 1, "withdrawn": 0})
    done = ledger.get(batch.id)
    with ThreadPoolExecutor(8) as pool:
        notes = [
            pool.submit(ledger.note_reprint, done, f"r{at}", {"pieces": ["1"]}, {"at": at}, "key") for at in range(8)
        ]
        (first,) = {note.result().id for note in notes}
    (noted,) = ledger.reprints(batch.id)
    assert noted.id == first
    assert noted == ledger.reprint_of(batch.id, {"pieces": ["1"]}, "key")
    assert ledger.reprint_of(batch.id, {"pieces": ["1"]}, "another") is None
    assert ledger.note_reprint(done, "r9", {"pieces": ["1"]}, {}).id == "r9"  # no key: each is another
    assert ledger.note_reprint(ledger.get(other.id), "x", {"pieces": ["2"]}, {}, "key").id == "x"  # that batch's own
    for ask in (
        lambda: ledger.reprint_of(batch.id, {"pieces": ["2"]}, "key"),
        lambda: ledger.note_reprint(done, "r10", {"pieces": ["2"]}, {}, "key"),
    ):
        with pytest.raises(DocgenError) as caught:
            ask()
        assert code(caught) == "idempotency_mismatch"
    assert [reprint.id for reprint in ledger.reprints(batch.id)] == ["r9", first]
    ledger.withdraw(batch.id, "work/withdrawn.txt")
    assert ledger.reprints(batch.id) == []
    with pytest.raises(DocgenError) as caught:
        ledger.note_reprint(done, "r11", {"pieces": ["1"]}, {}, "key")  # of a package that is no more
    assert code(caught) == "not_released"
    lease_of(ledger, batch).end("done", {"people": 1, "printed": 0, "withdrawn": 1})
    with pytest.raises(DocgenError) as caught:
        ledger.note_reprint(done, "r12", {"pieces": ["1"]}, {}, "key")
    assert code(caught) == "not_released"
    ledger.forget(other.id)
    assert ledger.reprints(other.id) == []


def test_an_unknown_batch_is_reported(ledger: Ledger) -> None:
    with pytest.raises(DocgenError) as caught:
        ledger.get("none")
    assert code(caught) == "unknown_batch"


def test_a_ledger_of_another_version_is_refused(ledger: Ledger, ledger_url: str) -> None:
    with sa.create_engine(ledger_url).begin() as link:
        link.execute(sa.text("UPDATE meta SET value = '99' WHERE name = 'schema'"))
    with pytest.raises(BatchError) as caught:
        Ledger(ledger_url)
    assert code(caught) == "ledger_version"


def test_a_ledger_opened_by_many_at_once_is_made_once(ledger_url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        ledgers = list(pool.map(lambda _: Ledger(ledger_url), range(6)))
    assert len({ledger.identity("123|4|00") for ledger in ledgers}) == 1


# --- the lease ---


def test_only_one_of_many_gets_the_lease(ledger: Ledger) -> None:
    batch = submit(ledger)
    with ThreadPoolExecutor(8) as pool:
        leases = list(pool.map(lambda _: ledger.acquire(batch.id), range(16)))
    assert len([lease for lease in leases if lease]) == 1
    assert ledger.waiting() == []


def test_a_run_that_was_paused_past_its_lease_can_write_nothing_more(ledger: Ledger) -> None:
    paused = lease_of(ledger, seconds=0.05)
    paused.plan(PARTS, {})
    time.sleep(0.1)
    assert ledger.waiting() == [paused.batch]
    taken = ledger.acquire(paused.batch)
    assert taken is not None
    for write in (
        paused.renew,
        paused.give_back,
        lambda: paused.enter("assembling"),
        lambda: paused.plan([], {}),
        lambda: paused.begin("print", 1, 3),
        lambda: paused.finish("print", 1, {"wrong": True}),
        lambda: paused.redo("print", 1),
        lambda: paused.end("failed"),
        lambda: paused.claim("association", "card", ISSUED_ON, PEOPLE[:1]),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert ledger.get(paused.batch).state == "queued"
    assert [(shard.attempts, shard.result) for shard in ledger.shards(paused.batch, "print")] == [(0, None)] * 3
    assert taken.renew() is False


@pytest.mark.parametrize("given_up", ["cancelled", "deleted"])
def test_a_paused_run_of_a_batch_that_was_given_up_meanwhile_claims_and_releases_nothing(
    ledger: Ledger, given_up: str
) -> None:
    paused = lease_of(ledger, seconds=0.01)
    time.sleep(0.02)
    (ledger.cancel if given_up == "cancelled" else ledger.forget)(paused.batch)
    for write in (
        lambda: paused.claim("association", "card", ISSUED_ON, PEOPLE[:1]),
        lambda: paused.begin_release([]),
        lambda: paused.end("done", COUNTS),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert ledger.get(paused.batch).state == given_up
    assert lease_of(ledger).claim("association", "card", ISSUED_ON, PEOPLE[:1]) == {}


def test_nobody_takes_a_batch_over_while_it_is_released_though_the_lease_has_run_out(
    ledger: Ledger, ledger_url: str
) -> None:
    slow, other = lease_of(ledger, seconds=0.01), Ledger(ledger_url)
    taken: list[Lease | None] = []
    thief = threading.Thread(target=lambda: taken.append(other.acquire(slow.batch)))

    def release() -> None:
        thief.start()
        thief.join(0.5)
        assert taken == []

    slow.end("done", COUNTS, release=release)
    thief.join()
    assert taken == [None]
    assert ledger.get(slow.batch).state == "done"


def test_who_has_lost_the_lease_releases_nothing(ledger: Ledger) -> None:
    paused = lease_of(ledger, seconds=0.01)
    time.sleep(0.02)
    lease_of(ledger, ledger.get(paused.batch))
    written: list[str] = []
    with pytest.raises(LeaseLost):
        paused.end("done", COUNTS, release=lambda: written.append("manifest"))
    assert written == []


def test_a_lease_that_was_given_back_is_free_at_once(ledger: Ledger) -> None:
    lease = lease_of(ledger)
    lease.give_back()
    again = ledger.acquire(lease.batch)
    assert again is not None
    assert again.epoch == lease.epoch + 1


def test_renewing_keeps_the_others_out(ledger: Ledger) -> None:
    lease = lease_of(ledger, seconds=0.4)
    for _ in range(4):
        time.sleep(0.15)
        lease.renew()
        assert ledger.acquire(lease.batch) is None


def _take_and_die(url: str, batch: str) -> None:
    assert Ledger(url).acquire(batch, 3600)
    os._exit(1)


def test_the_lease_of_a_process_that_died_on_this_machine_is_free_at_once(ledger: Ledger, ledger_url: str) -> None:
    batch = submit(ledger)
    process = multiprocessing.get_context("spawn").Process(target=_take_and_die, args=(ledger_url, batch.id))
    process.start()
    process.join()
    assert process.exitcode == 1
    assert ledger.waiting() == [batch.id]
    assert ledger.acquire(batch.id) is not None
    assert ledger.waiting() == []


def test_a_batch_that_has_ended_is_leased_to_nobody(ledger: Ledger) -> None:
    lease = lease_of(ledger)
    lease.end("done", COUNTS)
    assert ledger.acquire(lease.batch) is None
    batch = ledger.get(lease.batch)
    assert (batch.state, batch.counts, batch.live) == ("done", COUNTS, False)


# --- shards ---


def test_shards_remember_attempts_and_results(ledger: Ledger) -> None:
    lease = lease_of(ledger)
    lease.plan(PARTS, {})
    lease.begin("print", 2, 1)
    lease.begin("print", 2, 2)
    lease.finish("print", 2, {"number": 2, "files": ["x"]})
    first, second, third = ledger.shards(lease.batch, "print")
    assert (second.attempts, second.result, second.people) == (2, {"number": 2, "files": ["x"]}, 5000)
    assert first.result is None is third.result
    assert len(ledger.shards(lease.batch)) == 6
    lease.redo("print", 2)
    assert [shard.result for shard in ledger.shards(lease.batch, "print")] == [None] * 3


def test_planning_again_keeps_what_is_done_of_parts_that_are_the_same(ledger: Ledger) -> None:
    lease = lease_of(ledger)
    lease.plan(PARTS, {})
    for number in (1, 2):
        lease.finish("print", number, {"number": number})
        lease.finish("employers", number, {"number": number})
    lease.plan(PARTS, {})
    assert len([shard for shard in ledger.shards(lease.batch) if shard.result]) == 4
    lease.plan([PARTS[0], replace(PARTS[1], sha256="d" * 64)], {})
    assert [bool(shard.result) for shard in ledger.shards(lease.batch, "print")] == [True, False]
    assert [bool(shard.result) for shard in ledger.shards(lease.batch, "employers")] == [False, False]


# --- who was issued what ---


def test_a_person_is_claimed_once(ledger: Ledger) -> None:
    first, second = lease_of(ledger), lease_of(ledger)
    assert first.claim("association", "card", ISSUED_ON, PEOPLE[:2000]) == {}
    assert set(second.claim("association", "card", ISSUED_ON, PEOPLE[1998:])) == set(PEOPLE[1998:2000])
    assert set(first.claim("association", "card", ISSUED_ON, PEOPLE[:2001])) == {PEOPLE[2000]}


def test_another_document_day_or_insurer_is_another_claim(ledger: Ledger) -> None:
    first, second = lease_of(ledger), lease_of(ledger)
    first.claim("association", "card", ISSUED_ON, PEOPLE[:1])
    assert second.claim("association", "notice", ISSUED_ON, PEOPLE[:1]) == {}
    assert second.claim("association", "card", date(2026, 12, 2), PEOPLE[:1]) == {}
    assert second.claim("society", "card", ISSUED_ON, PEOPLE[:1]) == {}


def test_a_reissue_claims_who_was_issued_already(ledger: Ledger) -> None:
    first, again, third = (lease_of(ledger) for _ in range(3))
    first.claim("association", "card", ISSUED_ON, PEOPLE[:1])
    assert again.claim("association", "card", ISSUED_ON, PEOPLE[:2], reissue=True) == {}
    assert set(third.claim("association", "card", ISSUED_ON, PEOPLE[:3])) == set(PEOPLE[:2])


CARD = ("association", "card", ISSUED_ON)


def test_another_person_under_the_same_number_is_no_person_who_was_issued(ledger: Ledger) -> None:
    first, second, again, third = (lease_of(ledger) for _ in range(4))
    assert first.claim(*CARD, ["1-00/1980", "1-01/2010"]) == {}
    first.end("done")
    wrong = {"1-01/2025": "identity_conflict"}
    expected = {"1-00/1980": "already_issued: S0001", **wrong}
    assert ledger.kept_out(*CARD, expected) == second.claim(*CARD, expected) == expected
    assert again.claim(*CARD, wrong, reissue=True) == {}  # the date was corrected
    both = ["1-01/2010", "1-01/2025"]
    assert third.claim(*CARD, both[:1]) == {both[0]: "already_issued: S0001"}
    assert third.claim(*CARD, both[1:]) == {both[1]: "claimed_by_unfinished: S0003"}


def test_a_twin_under_the_branch_of_the_other_is_no_person_who_was_issued(ledger: Ledger) -> None:
    first, second, again, third = (lease_of(ledger) for _ in range(4))
    first.claim(*CARD, ["1-01/2025/hanako"])
    first.end("done")
    twin = {"1-01/2025/taro": "identity_conflict name"}
    assert ledger.kept_out(*CARD, twin) == second.claim(*CARD, twin) == twin
    assert second.claim(*CARD, ["1-01/2024/taro"]) == {"1-01/2024/taro": "identity_conflict"}
    assert again.claim(*CARD, twin, reissue=True) == {}  # the name was corrected
    again.end("done")
    assert third.claim(*CARD, twin) == {"1-01/2025/taro": "already_issued: S0003"}
    assert third.claim(*CARD, ["1-01/2025/hanako"]) == {"1-01/2025/hanako": "already_issued: S0001"}


def test_who_is_claimed_by_a_batch_that_has_not_finished_is_told_of_it(ledger: Ledger) -> None:
    first, again, third = (lease_of(ledger) for _ in range(3))
    first.claim(*CARD, ["1/1980/a"])
    assert third.claim(*CARD, ["1/1980/a"]) == {"1/1980/a": "claimed_by_unfinished: S0001"}
    again.claim(*CARD, ["1/1980/a"], reissue=True)
    first.end("done")
    assert third.claim(*CARD, ["1/1980/a"]) == {"1/1980/a": "already_issued: S0001"}  # whatever is under way besides
    again.end("done")
    assert third.claim(*CARD, ["1/1980/a"]) == {"1/1980/a": "already_issued: S0002"}


@pytest.mark.parametrize("then", ["kept", "cancelled", "deleted"])
def test_who_was_withdrawn_comes_back_for_a_reason_alone(ledger: Ledger, then: str) -> None:
    first, second, again, third = (lease_of(ledger) for _ in range(4))
    first.claim(*CARD, ["a/1", "b/1"])
    first.withdraw(*CARD, ["a/1", "never claimed/1"])
    first.withdraw(*CARD, ["a/1", "never claimed/1"])
    first.end("cancelled" if then == "cancelled" else "done")
    if then == "deleted":
        ledger.forget(first.batch)
    gone = dict.fromkeys(("a/1", "never claimed/1"), "withdrawn_before")
    expected = gone if then == "cancelled" else {**gone, "b/1": "already_issued: S0001"}
    asked = [*gone, "b/1", "c/1"]
    assert ledger.kept_out(*CARD, asked) == second.claim(*CARD, asked) == expected
    assert second.claim("association", "card", date(2026, 12, 2), gone) == {}
    assert second.claim("association", "notice", ISSUED_ON, gone) == {}
    assert again.claim(*CARD, gone, reissue=True) == {}
    assert third.claim(*CARD, gone) == dict.fromkeys(gone, "claimed_by_unfinished: S0003")


def test_another_person_who_was_withdrawn_is_in_nobodys_way_and_not_taken_for_who_was_issued(ledger: Ledger) -> None:
    first, second, third = (lease_of(ledger) for _ in range(3))
    first.claim(*CARD, ["1/1980"])
    second.withdraw(*CARD, ["1/2025"])
    assert third.claim(*CARD, ["1/2025"]) == {"1/2025": "withdrawn_before"}
    assert third.claim(*CARD, ["1/1980"]) == {"1/1980": "claimed_by_unfinished: S0001"}
    assert third.claim(*CARD, ["1/1990"]) == {"1/1990": "identity_conflict"}


@pytest.mark.parametrize("reissue", [False, True])
def test_mail_comes_back_to_nobody_who_was_sent_none(ledger: Ledger, reissue: bool) -> None:
    first, second = lease_of(ledger), lease_of(ledger)
    first.claim(*CARD, ["a/1", "b/1"])
    first.withdraw(*CARD, ["b/1"])
    first.end("done")
    expected = {"b/1": "withdrawn_before", "c/1": "never_issued"} | (
        {} if reissue else {"a/1": "already_issued: S0001"}
    )
    how = {"reissue": reissue, "returned": True}
    asked = ["a/1", "b/1", "c/1"]
    assert ledger.kept_out(*CARD, asked, **how) == second.claim(*CARD, asked, **how) == expected
    later = second.claim("association", "card", date(2026, 12, 2), asked, **how)  # what went out on another day
    assert later == {"b/1": "withdrawn_before", "c/1": "never_issued"}
    assert set(second.claim("society", "card", ISSUED_ON, asked, **how).values()) == {"never_issued"}


@pytest.mark.parametrize("end", ["failed", "cancelled", "deleted"])
def test_a_batch_that_came_to_nothing_frees_its_people(ledger: Ledger, end: str) -> None:
    first, second = lease_of(ledger), lease_of(ledger)
    first.claim("association", "card", ISSUED_ON, PEOPLE[:10])
    if end == "deleted":
        first.end("cancelled")
        ledger.forget(first.batch)
    else:
        first.end(end)  # type: ignore[arg-type]
    assert second.claim("association", "card", ISSUED_ON, PEOPLE[:10]) == {}


def test_a_batch_that_is_done_keeps_its_people_but_those_that_were_released(ledger: Ledger) -> None:
    first, second = lease_of(ledger), lease_of(ledger)
    first.claim("association", "card", ISSUED_ON, PEOPLE[:10])
    first.release("association", "card", ISSUED_ON, PEOPLE[:3])
    first.end("done")
    assert set(second.claim("association", "card", ISSUED_ON, PEOPLE[:10])) == set(PEOPLE[3:10])


def test_people_of_a_deleted_package_have_been_issued_all_the_same(ledger: Ledger) -> None:
    first, second = lease_of(ledger), lease_of(ledger)
    first.claim("association", "card", ISSUED_ON, PEOPLE[:10])
    first.end("done")
    ledger.forget(first.batch)
    ledger.forget(first.batch)
    assert set(second.claim("association", "card", ISSUED_ON, PEOPLE[:10])) == set(PEOPLE[:10])


def test_two_batches_that_claim_the_same_people_at_once_share_them_out(ledger: Ledger) -> None:
    leases = [lease_of(ledger) for _ in range(4)]

    def claim(lease: Lease) -> set[str]:
        return set(PEOPLE) - set(lease.claim("association", "card", ISSUED_ON, PEOPLE))

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(claim, leases))
    assert sum(map(len, got)) == len(PEOPLE)
    assert set().union(*got) == set(PEOPLE)


def test_the_ledger_holds_nothing_that_a_person_could_be_guessed_from(ledger: Ledger, ledger_url: str) -> None:
    lease_of(ledger).claim("association", "card", ISSUED_ON, ["社保|12345|00"])
    other = Ledger("sqlite://")
    assert other.identity("社保|12345|00") != ledger.identity("社保|12345|00")
    with sa.create_engine(ledger_url).begin() as link:
        rows = link.execute(sa.text("SELECT * FROM issued")).all()
    assert "12345" not in repr(rows)


# --- cancel and delete ---


def test_cancelling_a_queued_batch_ends_it_at_once(ledger: Ledger) -> None:
    assert ledger.cancel(submit(ledger).id).state == "cancelled"


def test_cancelling_a_running_batch_is_told_to_its_run(ledger: Ledger) -> None:
    lease = lease_of(ledger)
    assert lease.renew() is False
    assert ledger.cancel(lease.batch).state == "queued"
    assert lease.renew() is True
    lease.end("cancelled")
    assert ledger.get(lease.batch).state == "cancelled"


def test_either_the_cancel_or_the_release_wins(ledger: Ledger, ledger_url: str) -> None:
    other = Ledger(ledger_url)  # of another service
    ends = []
    for _ in range(20):
        lease, start = lease_of(ledger), threading.Barrier(2)
        with ThreadPoolExecutor(2) as threads:
            cancelled = threads.submit(cancel_at, start, other, lease.batch)
            released = threads.submit(release_at, start, lease)
        assert cancelled.result() is not released.result()
        if not released.result():
            lease.end("cancelled")
        ends.append(ledger.get(lease.batch))
        assert ends[-1].state == ("done" if released.result() else "cancelled")
        assert ends[-1].cancel_requested is cancelled.result()
    other.close()


def cancel_at(start: threading.Barrier, ledger: Ledger, batch: str) -> bool:
    start.wait()
    try:
        return ledger.cancel(batch).cancel_requested
    except DocgenError as error:
        return error.violations[0].code != "too_late_to_cancel"


def release_at(start: threading.Barrier, lease: Lease) -> bool:
    start.wait()
    if not lease.begin_release(()):
        return False
    lease.end("done", COUNTS)
    return True


def test_a_batch_that_has_ended_is_not_cancelled(ledger: Ledger) -> None:
    for end, refusal in (("done", "too_late_to_cancel"), ("failed", "batch_ended"), ("cancelled", "batch_ended")):
        lease = lease_of(ledger)
        lease.end(end)
        before = ledger.get(lease.batch)
        with pytest.raises(DocgenError) as caught:
            ledger.cancel(lease.batch)
        assert code(caught) == refusal
        assert ledger.get(lease.batch) == before


def test_a_release_that_a_run_has_begun_and_nobody_goes_on_with_is_not_cancelled(ledger: Ledger) -> None:
    lease = lease_of(ledger, seconds=0)
    assert lease.begin_release(())
    with pytest.raises(DocgenError) as caught:
        ledger.cancel(lease.batch)
    assert code(caught) == "too_late_to_cancel"
    next_run = lease_of(ledger, ledger.get(lease.batch))
    assert next_run.enter("printing") is False
    assert ledger.cancel(lease.batch).cancel_requested  # what is made is made anew
    assert next_run.enter("assembling") is True
    assert next_run.begin_release(()) is False


def test_a_batch_that_is_opened_again_is_not_under_a_cancel_of_before(ledger: Ledger, ledger_url: str) -> None:
    lease = lease_of(ledger)
    lease.end("failed")
    with sa.create_engine(ledger_url).begin() as link:
        link.execute(sa.text("UPDATE batches SET cancel = :yes"), {"yes": True})
    assert not ledger.reopen(lease.batch).cancel_requested


def test_a_running_batch_cannot_be_deleted(ledger: Ledger) -> None:
    lease = lease_of(ledger)
    with pytest.raises(DocgenError) as caught:
        ledger.forget(lease.batch)
    assert code(caught) == "batch_running"
    lease.end("cancelled")
    ledger.forget(lease.batch)
    assert ledger.get(lease.batch).state == "deleted"


def test_a_failed_batch_can_be_opened_again_and_a_done_one_not(ledger: Ledger) -> None:
    failed, done = lease_of(ledger), lease_of(ledger)
    failed.end("failed", None, {"code": "shard_failed", "shard": 3})
    done.end("done")
    assert ledger.get(failed.batch).error == {"code": "shard_failed", "shard": 3}
    assert (ledger.reopen(failed.batch).state, ledger.reopen(done.batch).state) == ("queued", "done")


def test_a_batch_that_is_opened_again_claims_its_people_again(ledger: Ledger) -> None:
    """They were freed as it failed: if its intake were kept, it would print whom another batch has issued since."""
    failed = lease_of(ledger)
    failed.plan(PARTS, {"source": {}})
    failed.end("failed", None, {"code": "shard_failed", "shard": 3})
    assert ledger.get(failed.batch).intake is not None
    assert ledger.reopen(failed.batch).intake is None


# --- withdrawals ---


def test_people_are_withdrawn_until_the_package_is_released_and_again_until_it_is_handed_out(ledger: Ledger) -> None:
    lease = lease_of(ledger)
    assert ledger.withdraw(lease.batch, "input/a.txt").withdrawals == ("input/a.txt",)
    assert ledger.withdraw(lease.batch, "input/a.txt").withdrawals == ("input/a.txt",)  # asked twice, noted once
    assert not lease.begin_release(())
    assert lease.begin_release(("input/a.txt",))
    with pytest.raises(DocgenError) as caught:
        ledger.withdraw(lease.batch, "input/b.txt")
    assert code(caught) == "too_late_to_withdraw"
    lease.end("done", COUNTS)
    again = ledger.withdraw(lease.batch, "input/b.txt")
    assert (again.state, again.counts, again.withdrawals) == ("queued", None, ("input/a.txt", "input/b.txt"))
    lease_of(ledger, again).end("done")
    assert ledger.hand_out(lease.batch).handed_out
    with pytest.raises(DocgenError) as caught:
        ledger.withdraw(lease.batch, "input/c.txt")
    assert code(caught) == "too_late_to_withdraw"


def test_a_package_that_is_not_done_is_not_handed_out(ledger: Ledger) -> None:
    lease = lease_of(ledger)
    with pytest.raises(DocgenError) as caught:
        ledger.hand_out(lease.batch)
    assert code(caught) == "not_released"
    assert "Wait" in (caught.value.violations[0].hint or "")


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_nobody_is_told_to_wait_for_a_package_that_never_comes(ledger: Ledger, state: str) -> None:
    lease = lease_of(ledger)
    lease.end(state)
    for refused in (lambda: ledger.hand_out(lease.batch), lambda: ledger.withdraw(lease.batch, "input/a.txt")):
        with pytest.raises(DocgenError) as caught:
            refused()
        (violation,) = caught.value.violations
        assert state in violation.message
        assert "Wait" not in (violation.hint or "")
        assert "vendor" not in (violation.hint or "")


# --- webhooks ---


def test_the_end_of_a_batch_leaves_a_message_for_each_url(ledger: Ledger) -> None:
    batch = ledger.submit(JOB, "input.csv", "/nowhere", {"webhooks": ["https://a.example/", "https://b.example/"]})
    lease_of(ledger, batch).end("done", COUNTS)
    first, second = ledger.next_delivery(), ledger.next_delivery()
    assert first is not None
    assert second is not None
    assert {first.url, second.url} == {"https://a.example/", "https://b.example/"}
    assert first.payload["ended_at"] == pytest.approx(time.time(), abs=5)
    assert {key: first.payload[key] for key in first.payload.keys() - {"ended_at"}} == {
        "batch": batch.id,
        "number": "S0001",
        "state": "done",
        "counts": COUNTS,
        "error": None,
        "warnings": [],
        "trial": False,
    }
    assert ledger.next_delivery() is None
    ledger.settle_delivery(first.id, "pending", 0)
    ledger.settle_delivery(second.id, "delivered", 0)
    again = ledger.next_delivery()
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 1)


# --- a database that goes away ---


def test_a_write_waits_until_the_database_is_back(postgres: Postgres) -> None:
    ledger = Ledger(postgres.fresh_database("away"))
    lease = lease_of(ledger)
    lease.plan(PARTS, {})
    postgres.kill()
    back = threading.Timer(0.5, postgres.start)
    back.start()
    lease.finish("print", 1, {"number": 1})
    back.join()
    assert ledger.shards(lease.batch, "print")[0].result == {"number": 1}


def test_a_database_that_stays_away_is_reported_without_its_address(postgres: Postgres) -> None:
    ledger = Ledger(postgres.fresh_database("gone"), patience=0.3)
    postgres.kill()
    try:
        with pytest.raises(BatchError) as caught:
            ledger.batches()
    finally:
        postgres.start()
    assert code(caught) == "ledger_unavailable"
    assert "127.0.0.1" not in str(caught.value)


@contextmanager
def full(kind: str, file: Path) -> Iterator[None]:
    """Let the ledger's file grow no more: its disk is full, or fails."""
    if kind == "full":

        def hold(link: sa.Connection) -> None:
            link.exec_driver_sql("PRAGMA max_page_count=1")  # as many as there are

        sa.event.listen(sa.Engine, "begin", hold, insert=True)
        try:
            yield
        finally:
            sa.event.remove(sa.Engine, "begin", hold)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (Path(f"{file}-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(ledger: Ledger) -> None:
    for _ in range(100):
        submit(ledger)


@pytest.mark.parametrize(("kind", "said"), [("full", "its disk is full"), ("failing", "its disk fails")])
def test_a_ledger_whose_disk_is_full_or_fails_says_so_at_once(kind: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    ledger = Ledger(f"sqlite:///{file}")
    before, started = submit(ledger), time.monotonic()
    with full(kind, file), pytest.raises(BatchError) as caught:
        fill(ledger)
    assert time.monotonic() - started < 10
    assert (code(caught), caught.value.status) == ("ledger_unavailable", 503)
    assert caught.value.violations[0].message == f"The ledger {file} cannot be used: {said}."
    assert ledger.get(before.id) == before
    ledger.close()
    mended = Ledger(f"sqlite:///{file}")
    assert lease_of(mended, before).claim("association", "card", ISSUED_ON, PEOPLE) == {}
    mended.close()


def test_a_ledger_that_another_process_has_locked_is_waited_for(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    with sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None, check_same_thread=False) as other:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.5, lambda: other.execute("COMMIT")).start()
        assert submit(ledger).state == "queued"
    other.close()
    ledger.close()


def test_a_commit_whose_answer_was_lost_is_repeated_without_harm(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write is done twice, as if the first one's answer had not come back."""
    once = Ledger.write
    monkeypatch.setattr(Ledger, "write", lambda self, ask: (once(self, ask), once(self, ask))[1])
    batch = ledger.submit(JOB, "input.csv", "/nowhere", {"webhooks": ["https://a.example/"]}, idempotency_key="k")
    lease = lease_of(ledger, batch)
    lease.plan(PARTS, {})
    lease.begin("print", 1, 1)
    lease.finish("print", 1, {"number": 1})
    assert lease.claim("association", "card", ISSUED_ON, PEOPLE[:10]) == {}
    lease.end("done", COUNTS)
    monkeypatch.undo()
    assert len(ledger.batches(["done"])) == 1
    assert ledger.shards(batch.id, "print")[0].attempts == 1
    assert ledger.next_delivery() is not None
    assert ledger.next_delivery() is None
