"""The coordinator: takes a batch through its stages, and takes it up again where another run left it.

    queued -> taking_in -> printing -> assembling -> reconciling -> releasing -> done, or failed, or cancelled

What is done stands in the ledger, what was made in the store; a run does what either of them does not have. It may be
killed at any moment: the next one makes the same package, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol

from docgen.bulk.cluster import Cluster, Outcome, Task, Work, where
from docgen.bulk.job import Counts, Job, ShardResult, employers_dir, part_name, shard_dir
from docgen.bulk.ledger import LEASE_SECONDS, Batch, Lease, LeaseLost, Ledger, Part, Shard, Stage, State, canonical_json
from docgen.bulk.opened import MANIFEST
from docgen.bulk.scratch import sweep
from docgen.bulk.store import Store
from docgen.errors import BatchError, DocgenError, RequestError, Violation

log = logging.getLogger(__name__)

ATTEMPTS = 3
MOST_VIOLATIONS = 100  # that are kept of a failed batch

Claim = Callable[[str, Iterable[str]], Mapping[str, str]]
Pin = Callable[[str], None]
Spread = Callable[[Work], Iterator[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What intake has made of the input: its parts, and what the manifest says of the source."""

    parts: Sequence[Part]
    source: Mapping[str, Any]


class Stages(Protocol):
    """What is done to a batch. All but `print_shard` and `print_for_employers` run beside the coordinator.

    Each gives the same for the same input, however often it runs. What runs on a worker finds in its settings under
    `made_with` what that of the coordinator gave.
    """

    @property
    def print_shard(self) -> Work:
        """Print one shard; its result, a ShardResult, also goes to the shard's `result.json`."""

    @property
    def print_for_employers(self) -> Work:
        """Print the letters or lists of the employers that begin in one shard."""

    def made_with(self, settings: Mapping[str, Any], job: Job) -> Mapping[str, Any]:
        """Everything that decides a byte beside input and job: with another, every shard is printed anew."""

    def has_employers(self, settings: Mapping[str, Any], job: Job) -> bool:
        """Whether employers get letters or lists."""

    def take_in(self, settings: Mapping[str, Any], store: Store, batch: Batch, pin: Pin, claim: Claim) -> Taken:
        """Check and sort the input and cut it into parts. `claim(document, identities)` is `Lease.claim`.

        `pin` is told the SHA-256 of the extract before anything is made of it, and raises if it is another one than
        the batch was begun with.
        """

    def assemble(
        self,
        settings: Mapping[str, Any],
        store: Store,
        job: Job,
        made_with: Mapping[str, Any],
        shards: Sequence[ShardResult],
        employers: Sequence[ShardResult],
        source: Mapping[str, Any],
    ) -> Counts:
        """Write the package's tables and its manifest, not yet in its place."""

    def reconcile(self, settings: Mapping[str, Any], store: Store, job: Job, spread: Spread) -> None:
        """Hold the package against the input; raise DocgenError if they differ. `spread` runs work for each shard."""

    def unprinted(
        self, settings: Mapping[str, Any], store: Store, job: Job, numbers: Sequence[int]
    ) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
        """The people who were claimed and not printed: documents, with identities of some and of the withdrawn."""

    def release(self, store: Store) -> None:
        """Put the manifest in its place."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: shards of the present state, and people in those that are done."""

    state: State
    done: int = 0
    shards: int = 0
    people_done: int = 0
    people: int = 0


class Cancelled(Exception):
    """Somebody asked for the batch to stop."""


class Coordinator:
    """Runs batches, one at a time. Use it as a context manager, or close it: it keeps workers for the next batch."""

    def __init__(
        self,
        ledger: Ledger,
        store_factory: Callable[[str], Store],
        stages: Stages,
        settings_payload: Mapping[str, Any],
        workers: int,
        scheduler: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """`store_factory` gives a new batch's id its store; `settings_payload` is what workers load the engine with."""
        self._ledger, self._store_factory, self._stages = ledger, store_factory, stages
        self._settings, self._lease_seconds = dict(settings_payload), lease_seconds
        self._cluster = Cluster(workers, scheduler)

    def __enter__(self) -> Coordinator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        self._cluster.close()

    def submit(
        self,
        job: Job,
        source: str,
        options: Mapping[str, Any] | None = None,
        *,
        batch: str,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Queue a batch under an id of the caller's choice; see `Ledger.submit`."""
        location = self._store_factory(batch).location
        return self._ledger.submit(job, source, location, options, batch=batch, idempotency_key=idempotency_key)

    def run(self, batch: str, progress: Callable[[Progress], None] = lambda _: None) -> Batch:
        """Run a batch to its end, from wherever it is; the batch as it then is: done, failed or cancelled.

        A batch that has ended is left as it is. Raises RequestError `unknown_batch`, or `batch_running` if another run
        has it. What is away and may come back (ledger, store, scheduler), and Ctrl-C, go on to the caller: the batch
        stays as it is, and the next run takes it up.
        """
        lease = self._ledger.acquire(batch, self._lease_seconds)
        if lease is None:
            if self._ledger.get(batch).live:
                message = f"Batch {batch} is being run by another process."
                raise RequestError(Violation("batch_running", message, "Wait for it, or end that process."))
            return self._ledger.get(batch)
        sweep()
        with _kept(lease) as heart:
            try:
                _Run(self._ledger, self._stages, self._settings, self._cluster, lease, heart, progress).all()
            except Cancelled:
                lease.end("cancelled")
            except LeaseLost:
                log.warning("batch %s: another run has taken over", batch)
            except DocgenError as error:
                if error.status == 503:
                    why = error.violations[0].message if isinstance(error, BatchError) else error.violations[0].code
                    log.warning("batch %s stays: %s", batch, why)
                    raise
                log.error("batch %s failed: %s", batch, error.violations[0].code)
                lease.end("failed", error=_told(error))
            except Exception as error:
                log.error("batch %s failed: %s", batch, where(error))
                lease.end("failed", error={"code": "internal"})
        return self._ledger.get(batch)


class _Run:
    """One run of one batch."""

    def __init__(
        self,
        ledger: Ledger,
        stages: Stages,
        settings: Mapping[str, Any],
        cluster: Cluster,
        lease: Lease,
        heart: _Heart,
        progress: Callable[[Progress], None],
    ) -> None:
        self._ledger, self._stages, self._settings, self._cluster = ledger, stages, settings, cluster
        self._lease, self._heart, self._progress = lease, heart, progress
        self._batch = ledger.get(lease.batch)
        self._job = self._batch.job
        self._store = Store.open(self._batch.store)
        self._made_with: Mapping[str, Any] = {}

    def all(self) -> None:
        """Do all that is left to do; if people are withdrawn meanwhile, what that changes is done anew."""
        batch = self._batch
        how = "begun" if batch.state == "queued" else f"taken up again, {batch.state}"
        log.info("batch %s, job %s: %s", batch.id, batch.job.number, how)
        self._store.delete(MANIFEST)  # that a run has released which was killed, or had no withdrawals yet
        while not self._pass():
            self._batch = self._ledger.get(self._batch.id)

    def _pass(self) -> bool:
        """Go through all stages; False as soon as there are other withdrawals than those that were taken in.

        Also if it was cancelled at the last moment: the next pass enters no stage.
        """
        self._made_with = self._stages.made_with(self._settings, self._job)
        source = self._take_in(_sha256(self._made_with))
        self._enter("printing")
        shards = self._print("print", self._stages.print_shard)
        employers: list[ShardResult] = []
        if self._stages.has_employers(self._settings, self._job):
            employers = self._print("employers", self._stages.print_for_employers)
        if self._ledger.get(self._batch.id).withdrawals != self._batch.withdrawals:
            return False
        self._enter("assembling")
        self._sweep([*shards, *employers])
        counts = self._stages.assemble(
            self._settings, self._store, self._job, self._made_with, shards, employers, source
        )
        self._check_balance(counts)
        self._enter("reconciling")
        numbers = [shard.number for shard in shards]
        self._stages.reconcile(self._settings, self._store, self._job, lambda work: self._spread(work, numbers))
        self._heart.check()
        if not self._lease.begin_release(self._batch.withdrawals):
            return False
        if not self._job.trial:
            self._note_unprinted(numbers)
        # While the ledger holds the lease fast: a run that was paused here, and lost it, would put its manifest into
        # what another one is making of the batch, with other withdrawals perhaps.
        self._lease.end("done", counts.as_dict(), release=lambda: self._stages.release(self._store))
        return True

    def _note_unprinted(self, numbers: Sequence[int]) -> None:
        job = self._job
        for document, others, withdrawn in self._stages.unprinted(self._settings, self._store, job, numbers):
            self._lease.release(job.insurer, document, job.issued_on, others)
            self._lease.withdraw(job.insurer, document, job.issued_on, withdrawn)

    def _sweep(self, results: Sequence[ShardResult]) -> None:
        """Remove the files that a shard printed before all of its people were withdrawn."""
        made = {file.name for result in results for file in result.files}
        for name in [name for name in self._store.names("vendor") if name.endswith(".pdf") and name not in made]:
            self._store.delete(name)

    def _enter(self, state: State) -> None:
        self._heart.check()
        if self._lease.enter(state):
            raise Cancelled
        self._progress(Progress(state))

    # --- intake ---

    def _take_in(self, made_with: str) -> Mapping[str, Any]:
        """What the manifest says of the source. Parts that are cut already stay, if they are all there."""
        batch, cut = self._batch, self._ledger.shards(self._batch.id, "print")
        names = {part_name(shard.number) for shard in cut}
        seen = {"made_with": made_with, "withdrawals": list(batch.withdrawals)}
        if batch.intake is not None and seen.items() <= batch.intake.items():
            if names <= set(self._store.names(part_name(0).rpartition("/")[0])):
                return dict(batch.intake["source"])
        self._enter("taking_in")
        taken = self._stages.take_in(self._settings, self._store, batch, self._pin, self._claim)
        # A shard is printed anew if its part or anything that decides a byte has changed since.
        parts = [replace(part, sha256=_sha256([part.sha256, made_with])) for part in taken.parts]
        self._lease.plan(parts, {"source": dict(taken.source), **seen})
        return taken.source

    def _pin(self, extract: str) -> None:
        if not self._lease.pin(extract):
            message = "the extract has changed since the batch was begun"
            raise RequestError(Violation("input_changed", message, "put it back as it was, or begin another batch"))

    def _claim(self, document: str, identities: Iterable[str]) -> Mapping[str, str]:
        """Claim people, or see for a trial who would be kept out."""
        job = self._job
        self._heart.check()
        claim = self._ledger.kept_out if job.trial else self._lease.claim
        return claim(job.insurer, document, job.issued_on, identities, **job.again)

    # --- shards ---

    def _print(self, stage: Stage, work: Work) -> list[ShardResult]:
        """The results of all shards, after those that are missing have been run."""
        shards = self._ledger.shards(self._batch.id, stage)
        self._take_back(stage, shards)
        left = [shard for shard in self._ledger.shards(self._batch.id, stage) if shard.result is None]
        people = {shard.number: shard.people for shard in shards}
        done = {shard.number for shard in shards} - {shard.number for shard in left}
        self._tell(done, people)

        def begin(number: int, attempt: int) -> None:
            self._heart.check()
            if self._lease.begin(stage, number, attempt):
                raise Cancelled

        task = self._task(work, len(shards))
        for outcome in self._cluster.run(task, [shard.number for shard in left], begin, ATTEMPTS):
            self._lease.finish(stage, outcome.number, _result(outcome))
            done.add(outcome.number)
            self._tell(done, people)
        finished = self._ledger.shards(self._batch.id, stage)
        return [ShardResult.from_dict(shard.result) for shard in finished if shard.result is not None]

    def _spread(self, work: Work, numbers: Sequence[int]) -> Iterator[Mapping[str, Any]]:
        task = self._task(work, len(numbers))
        for outcome in self._cluster.run(task, numbers, lambda *_: self._heart.check(), ATTEMPTS):
            yield _result(outcome)

    def _task(self, work: Work, shards: int) -> Task:
        # With what the manifest will say, so that a worker which has anything else can refuse.
        settings = {**self._settings, "made_with": self._made_with}
        return Task(work, settings, self._store.location, self._job.as_dict(), shards)

    def _tell(self, done: set[int], people: Mapping[int, int]) -> None:
        finished = sum(people[number] for number in done)
        self._progress(Progress("printing", len(done), len(people), finished, sum(people.values())))

    def _take_back(self, stage: Stage, shards: Sequence[Shard]) -> None:
        """Take back what the ledger says is done and the store does not have as it was."""
        there = {*self._store.names("vendor"), *self._store.names("work")} if shards else set()
        for shard in shards:
            if shard.result is not None and not self._has(stage, shard, there):
                self._lease.redo(stage, shard.number)

    def _has(self, stage: Stage, shard: Shard, there: set[str]) -> bool:
        name = f"{(shard_dir if stage == 'print' else employers_dir)(shard.number)}/result.json"
        assert shard.result is not None
        if not {name, *(file["name"] for file in shard.result["files"])} <= there:
            return False
        with suppress(ValueError):
            return _sha256(json.loads(self._store.read(name))) == shard.sha256
        return False

    @staticmethod
    def _check_balance(counts: Counts) -> None:
        if not counts.balanced:
            message = f"The counts of the package do not add up: {counts}."
            raise BatchError(Violation("counts_differ", message, "Nothing is released; report this as a fault."))


class _Heart:
    """Keeps a lease from running out, and learns what its keeper has to know."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._stop = threading.Event()
        self._cancel = self._lost = False
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def check(self) -> None:
        """Raise Cancelled or LeaseLost if that is so."""
        if self._lost:
            raise LeaseLost(self._lease.batch)
        if self._cancel:
            raise Cancelled

    def start(self) -> None:
        """Begin to renew the lease."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the lease alone from now on."""
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._lease.seconds / 4):
            try:
                self._cancel = self._lease.renew()
            except LeaseLost:
                self._lost = True
                return
            except DocgenError:
                continue  # the ledger is away: the next write of the run itself says so


@contextmanager
def _kept(lease: Lease) -> Iterator[_Heart]:
    """Renew a lease as long as the block runs, and give it back however that ends."""
    heart = _Heart(lease)
    heart.start()
    try:
        yield heart
    finally:
        heart.stop()
        with suppress(LeaseLost, DocgenError):
            lease.give_back()


def _result(outcome: Outcome) -> Mapping[str, Any]:
    """The result of an outcome; raises BatchError with the shard if it has none."""
    if outcome.result is not None:
        return outcome.result
    if outcome.fault is not None:
        raise ShardFailed(outcome.number, Violation(**outcome.fault))
    code, *more = outcome.codes
    also = f", also with {', '.join(more)}" if more else ""
    message = f"Shard {outcome.number} failed {outcome.attempt} times{also}."
    raise ShardFailed(outcome.number, Violation(code, message, "The log has the place in the program."))


class ShardFailed(BatchError):
    """A shard that failed at every attempt."""

    def __init__(self, shard: int, violation: Violation) -> None:
        """Name the shard."""
        super().__init__(violation)
        self.shard = shard


def _told(error: DocgenError) -> dict[str, Any]:
    """What is kept of the error that ended a batch: for the one who submitted it."""
    violations = [violation.as_dict() for violation in error.violations[:MOST_VIOLATIONS]]
    shard = {"shard": error.shard} if isinstance(error, ShardFailed) else {}
    return {"code": error.violations[0].code, **shard, "violations": violations}


def _sha256(data: Any) -> str:
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()
