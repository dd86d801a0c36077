"""A plan: what a batch would come to, before a page is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from docgen.bulk.cluster import Cluster, Task
from docgen.bulk.job import Counts, Job, ShardResult, shard_dir
from docgen.bulk.ledger import Ledger
from docgen.bulk.opened import REJECTS_TABLE, reject_codes
from docgen.bulk.package import table_blocks
from docgen.bulk.policy import Policy
from docgen.bulk.scratch import scratch
from docgen.bulk.stages import BulkStages
from docgen.bulk.store import Store
from docgen.bulk.tasks import engine_of, plan_for_employers, plan_shard
from docgen.errors import BatchError, Violation

# Of one of two processes, from the extract to the reconciled package of a million people (docs/benchmarks.md).
PAGES_PER_SECOND = 1_100
BYTES_PER_PAGE = 1_300


@dataclass(frozen=True, slots=True)
class Plan:
    """The counts, with letters and lists to employers, in how many shards, and estimates: seconds and bytes.

    `employers` is how many of the pieces are letters or lists, under `letters` or `lists`; `reasons` is how many rows
    would not be printed for which reason, the most frequent first.
    """

    job: Job
    counts: Counts
    employers: Mapping[str, int]
    reasons: Mapping[str, int]
    shards: int
    seconds: float
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        estimate = {"seconds": round(self.seconds), "bytes": self.bytes}
        told = {"job": self.job.as_dict(), "counts": self.counts.as_dict(), "reasons": dict(self.reasons)}
        return {**told, **self.employers, "shards": self.shards, "estimate": estimate}


def plan(
    ledger: Ledger,
    settings: Mapping[str, Any],
    job: Job,
    source: str,
    lists: Mapping[str, bytes],
    workers: int,
    expect: int | None = None,
    write_rejects: Callable[[Iterable[bytes]], None] | None = None,
) -> Plan:
    """Take the input in and decide everything, in a folder that is gone afterwards. Nothing is noted in the ledger.

    `lists` are the contents of `listed` and `withdrawn`; `expect` is how many rows the extract has. `write_rejects`
    gets the table of rejects, as the package would have it. Raises what taking in a batch raises, and LayoutError
    `layouts_wrong`.
    """
    stages = BulkStages()
    stages.require_sound(settings, job)
    with scratch() as folder:
        store = Store.open(folder / "store")
        options: dict[str, Any] = {"expect": expect}
        for name, content in lists.items():
            options[name] = f"work/{name}.txt"
            store.put(options[name], content)
        passing = Ledger(f"sqlite:///{folder}/ledger.sqlite")
        batch = passing.submit(job, source, store.location, options)
        passing.close()

        def kept_out(document: str, people: Iterable[str]) -> Mapping[str, str]:
            return ledger.kept_out(job.insurer, document, job.issued_on, people, **job.again)

        numbers = [part.number for part in stages.take_in(settings, store, batch, lambda _: None, kept_out).parts]
        cluster, employers = Cluster(min(workers, len(numbers))), {}
        task = Task(plan_shard, settings, store.location, batch.job.as_dict(), len(numbers))
        try:
            counts = _counted(cluster, task, numbers)
            if stages.has_employers(settings, job):
                theirs = _counted(cluster, replace(task, work=plan_for_employers), numbers)
                is_list = Policy.of(engine_of(settings).insurers[job.insurer], job.delivery).is_list
                employers = {"lists" if is_list else "letters": theirs.pieces}
                counts += theirs
        finally:
            cluster.close()
        places = [shard_dir(number) for number in numbers]
        reasons = sum((reject_codes(store, place) for place in places), Counter[str]())
        if write_rejects is not None:
            write_rejects(table_blocks(store, REJECTS_TABLE, places))
    seconds = counts.pages / PAGES_PER_SECOND / workers
    reasons_first = dict(reasons.most_common())
    return Plan(job, counts, employers, reasons_first, len(numbers), seconds, counts.pages * BYTES_PER_PAGE)


def _counted(cluster: Cluster, task: Task, numbers: Sequence[int]) -> Counts:
    counts = Counts()
    for outcome in cluster.run(task, numbers, lambda *_: None, 1):
        if outcome.result is None:
            message = f"Shard {outcome.number} cannot be planned: {', '.join(outcome.codes)}."
            raise BatchError(Violation(outcome.codes[0], message, "The log has the place in the program."))
        counts += ShardResult.from_dict(outcome.result).counts
    return counts
