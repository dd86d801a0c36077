"""Where shards run: processes of this machine, or the workers of a remote Dask scheduler; the same code either way.

A worker that is killed loses nothing: what it was running, and what it had finished and not yet handed over, runs once
more elsewhere. Each result is let go as it is taken, so memory does not grow with the batch.
"""

from __future__ import annotations

import logging
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, wait

from docgen.bulk.interrupts import INTERRUPT, handled
from docgen.bulk.job import Job
from docgen.bulk.scratch import scratch, sweep
from docgen.bulk.store import Store
from docgen.errors import BatchError, DocgenError, Violation

log = logging.getLogger(__name__)

MEMORY_LIMIT = "2GiB"  # of one process; more is a fault, and it is ended before the machine suffers
# How many workers may die while they run one shard before the shard is held to be what kills them.
ALLOWED_FAILURES = 10
STARTS = 3  # of the local workers, before it is given up: one that is killed while it starts ends the others with it
CONFIG = {
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,  # nothing personal goes to the disk unasked
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,  # it looks at a worker a hundred times a second, and keeps what it saw
    "distributed.logging": {"distributed": "critical", "tornado": "critical", "bokeh": "critical"},
    "distributed.worker.preload": [__name__],  # `dask_setup`
    # Dask would have glibc give memory back at once: the 200 KB that compressing a page takes would be mapped, cleared
    # and unmapped again for each page, a quarter of a batch's time.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    "distributed.scheduler.http.routes": [],  # nothing of the cluster is on the web
    "distributed.worker.http.routes": [],
}


class Work(Protocol):
    """What a worker runs: a function at the top of a module, so that it goes by name. Gives JSON."""

    def __call__(
        self, settings: Mapping[str, Any], store: Store, job: Job, number: int, shards: int
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work with all it needs, as plain values."""

    work: Work
    settings: Mapping[str, Any]
    store: str
    job: Mapping[str, Any]
    shards: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt at one shard: the result, or the codes of what went wrong (and where in the program).

    `fault` says what is wrong with the batch's surroundings, as JSON of a violation, if that is what it is.
    """

    number: int
    attempt: int
    result: Mapping[str, Any] | None = None
    codes: tuple[str, ...] = ()
    place: str = ""
    fault: Mapping[str, Any] | None = None


class Cluster:
    """Workers, started when they are first needed, with what they have loaded kept for the next batch."""

    def __init__(self, workers: int, scheduler: str | None = None) -> None:
        """`workers` processes of this machine, or those that have joined the scheduler at an address."""
        self._workers, self._scheduler = workers, scheduler
        self._local: LocalCluster | None = None
        self._client: Client | None = None
        self._folder = ExitStack()

    def close(self) -> None:
        """End the local processes; leave the remote ones alone."""
        client, local, self._client, self._local = self._client, self._local, None, None
        for part in (client, local):
            if part is not None:
                part.close(timeout=10)
        self._folder.close()

    def run(
        self, task: Task, numbers: Iterable[int], begin: Callable[[int, int], None], attempts: int = 3
    ) -> Iterator[Outcome]:
        """Run a task for each shard, a few ahead of what is taken; outcomes come as they are ready, in any order.

        `begin(number, attempt)` is called before each attempt, and stops everything by raising. A shard that goes
        wrong `attempts` times gives its last outcome. Raises BatchError `cluster_unavailable` if the scheduler is lost,
        or the local workers cannot be started.
        """
        client = self._connect()
        ahead = 2 * max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        waiting = deque((number, 1) for number in numbers)
        running: dict[Future[Any], tuple[int, int]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < ahead:
                    number, attempt = waiting.popleft()
                    begin(number, attempt)
                    running[_submit(client, task, number)] = (number, attempt)
                for future in self._ready(client, running):
                    number, attempt = running.pop(future)
                    outcome = _outcome(future, number, attempt)
                    future.release()
                    if outcome.result is None:
                        why = outcome.fault["message"] if outcome.fault else outcome.place
                        log.warning("shard %d, attempt %d: %s %s", number, attempt, outcome.codes, why)
                    if outcome.result is None and attempt < attempts:
                        waiting.appendleft((number, attempt + 1))
                    else:
                        yield outcome
        except CancelledError:  # so the client says that the scheduler has gone
            raise lost() from None
        finally:
            if running and client.status == "running":
                client.cancel(list(running), force=True)

    def _connect(self) -> Client:
        if self._client is not None and self._client.status == "running":
            return self._client
        self.close()
        with dask.config.set(CONFIG):
            self._client = self._start() if self._scheduler is None else _client(self._scheduler)
        return self._client

    def _start(self) -> Client:
        for attempt in range(1, STARTS + 1):
            folder = self._folder.enter_context(scratch())
            with _held_back():
                try:
                    with dask.config.set(own(folder)):
                        self._local = _local_cluster(self._workers)
                    return _client(self._local)
                except (RuntimeError, OSError, BatchError) as error:
                    log.warning("the workers could not be started, attempt %d: %s", attempt, where(error))
                    self.close()
        message = f"The workers of this machine were started {STARTS} times, and ended before they were ready."
        hint = "Give the machine more memory, or docgen fewer workers, then run the batch again with --resume."
        raise BatchError(Violation("cluster_unavailable", message, hint))

    @staticmethod
    def _ready(client: Client, running: Iterable[Future[Any]]) -> list[Future[Any]]:
        """The futures that are ready, once there is one."""
        while True:
            try:
                with client.as_current():
                    ready = wait(list(running), timeout=1, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                ready = ()
            if client.status != "running" or any(future.status in ("cancelled", "lost") for future in ready):
                raise lost()
            if ready:
                return list(ready)


def _client(cluster: LocalCluster | str) -> Client:
    try:
        return Client(cluster, set_as_default=False, timeout=30)
    except OSError:
        raise lost() from None


def _submit(client: Client, task: Task, number: int) -> Future[Any]:
    try:
        return client.submit(_attempt, task, number, pure=False)
    except Exception:
        if client.status == "running":
            raise
        raise lost() from None


@contextmanager
def _held_back() -> Iterator[None]:
    """Let Ctrl-C, and what does the same, wait for the end of the block; only the second time it does not.

    Dask complains at length of workers that are interrupted while they start, or told to end before they have started.
    """
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if held:
            INTERRUPT(number, frame)
        held.append(number)

    # A terminal's Ctrl-C goes to workers too, before they can say that they leave it to the coordinator: processes
    # begin with the signals blocked that their maker blocks. This one's helper would let them through as it starts.
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with handled(hold):
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if held:
        raise KeyboardInterrupt


def own(folder: Path) -> Mapping[str, str]:
    """The setting that has Dask keep its files in a folder: it leaves some of them behind, and none is personal."""
    return {"temporary-directory": str(folder)}


def _local_cluster(workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        # Whoever can connect to a scheduler can run code: other users of this machine have no certificate.
        security=True,
        dashboard_address=None,
        worker_dashboard_address=None,
        memory_limit=MEMORY_LIMIT,
        silence_logs=logging.CRITICAL,
        scheduler_kwargs={"allowed_failures": ALLOWED_FAILURES, "dashboard_address": "127.0.0.1:0"},
    )


def dask_setup(_: object) -> None:
    """On a local worker, by its name, when it starts: leave a terminal's Ctrl-C to the coordinator."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def lost() -> BatchError:
    message = "The scheduler cannot be reached, or was lost."
    return BatchError(Violation("cluster_unavailable", message, "See to it, then run the batch again with --resume."))


def _outcome(future: Future[Any], number: int, attempt: int) -> Outcome:
    error = future.exception() if future.status == "error" else None
    if error is None:
        return Outcome(number, attempt, *future.result())
    kind = "worker killed" if isinstance(error, KilledWorker) else type(error).__name__
    return Outcome(number, attempt, None, ("shard_failed",), kind)


Attempt = tuple[Mapping[str, Any] | None, tuple[str, ...], str, Mapping[str, Any] | None]


def _attempt(task: Task, number: int) -> Attempt:
    """On the worker: a result, or codes and a place in the program; never a message that may quote a record."""
    try:
        sweep()  # what a worker that was killed has left here
        store = Store.open(task.store)
        return task.work(task.settings, store, Job.from_dict(task.job), number, task.shards), (), "", None
    except DocgenError as error:
        codes = tuple(dict.fromkeys(violation.code for violation in error.violations))
        # What a BatchError says is of stores, schedulers and workers, and names nobody.
        fault = error.violations[0].as_dict() if isinstance(error, BatchError) else None
        return None, codes, where(error), fault
    except Exception as error:
        return None, ("shard_failed",), where(error), None


def where(error: BaseException) -> str:
    """The kind of an error and where it was raised, without what it says."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
