"""The stages of a batch, for the coordinator: what `docgen.bulk.run` runs, bound to the engine and to one another."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from docgen.bulk import package
from docgen.bulk.intake import take_in
from docgen.bulk.interrupts import interruptible
from docgen.bulk.job import HOLDS_NOBODY, Counts, Job, ShardResult, part_name, shard_dir
from docgen.bulk.ledger import Batch, Part
from docgen.bulk.opened import reading_guide
from docgen.bulk.policy import Policy
from docgen.bulk.request import kept_list
from docgen.bulk.run import Claim, Pin, Spread, Taken
from docgen.bulk.scratch import scratch
from docgen.bulk.sources import open_source
from docgen.bulk.store import Store
from docgen.bulk.tables import KEYS, read_table
from docgen.bulk.tasks import Settings, as_text, engine_of, new_engine, print_for_employers, print_shard, reconcile_one
from docgen.bulk.whole import put_together
from docgen.engine import Engine


def _has_employers(engine: Engine, job: Job) -> bool:
    return Policy.of(engine.insurers[job.insurer], job.delivery).delivery.to != "home"


class BulkStages:
    """What is done to a batch, from the extract to the released package.

    A batch's `source` is a local file, an s3:// URL below one of the settings' prefixes, or a name in the batch's own
    store. Of its `options`, `format` is the extract's (else its name says it), `listed` and `withdrawn` are names in
    the store of lists that `list_bytes` made, `expect` is how many rows the extract has. Later lists of the
    withdrawn are the batch's `withdrawals`.
    """

    print_shard = staticmethod(print_shard)
    print_for_employers = staticmethod(print_for_employers)

    def made_with(self, settings: Settings, job: Job) -> Mapping[str, Any]:
        """Everything that decides a byte beside input and job."""
        self.require_sound(settings, job)  # before anything is printed
        return engine_of(settings).pinned(job.insurer)

    def require_sound(self, settings: Settings, job: Job) -> None:
        """Raises LayoutError if a layout of the delivery's documents does not compile, or `layouts_wrong`."""
        _guide(as_text(settings), job.insurer, job.delivery)

    def has_employers(self, settings: Settings, job: Job) -> bool:
        """Whether employers get letters or lists."""
        return _has_employers(engine_of(settings), job)

    def take_in(self, settings: Settings, store: Store, batch: Batch, pin: Pin, claim: Claim) -> Taken:
        """Check and sort the extract and cut it into parts. People are claimed for the document that they get."""
        job, options = batch.job, batch.options
        profile = engine_of(settings).insurers[job.insurer]
        documents = Policy.of(profile, job.delivery).issued

        def claimed(some: Iterable[str]) -> Mapping[str, str]:
            people = list(some)
            found = [(one, why) for document in documents for one, why in claim(document, people).items()]
            # Of several, what holds the household.
            return {
                one: why for one, why in sorted(found, key=lambda found: found[1].partition(":")[0] not in HOLDS_NOBODY)
            }

        with interruptible(), scratch() as work:
            extract = _fetched(batch.source, store, work)
            source = open_source(extract, work, format=options.get("format"), allowed=settings["input_prefixes"])
            pin(source.sha256)
            intake = take_in(
                store,
                source,
                job,
                profile,
                work,
                listed=_listed(store, options.get("listed")),
                withdrawn=_withdrawn(store, batch),
                claim=claimed if documents else None,
                expect=options.get("expect"),
            )
        parts = [Part(part.number, part.people, part.sha256) for part in intake.parts]
        return Taken(parts, {"sha256": source.sha256, "bytes": source.bytes, "people": intake.people})

    def assemble(
        self,
        settings: Settings,
        store: Store,
        job: Job,
        made_with: Mapping[str, Any],
        shards: Sequence[ShardResult],
        employers: Sequence[ShardResult],
        source: Mapping[str, Any],
    ) -> Counts:
        """Write the package's tables, and its manifest where nobody takes it for a finished one."""
        guide = _guide(as_text(settings), job.insurer, job.delivery)
        with interruptible():
            return package.assemble(store, job, made_with, shards, employers, source, guide)

    def reconcile(self, settings: Settings, store: Store, job: Job, spread: Spread) -> None:
        """Hold every shard against its part of the input, on the workers, and the whole package against the shards."""
        put_together(store, spread(reconcile_one), package.UNRELEASED).require_ok()

    def unprinted(
        self, settings: Settings, store: Store, job: Job, numbers: Sequence[int]
    ) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
        """The people who were claimed and not printed: the document with the identities of those who were rejected or
        held, and of the withdrawn, a shard at a time."""
        documents = Policy.of(engine_of(settings).insurers[job.insurer], job.delivery).issued
        for number in numbers if documents else ():
            people = list(_unprinted(store, number))
            withdrawn = [identity for identity, state in people if state == "withdrawn"]
            others = [identity for identity, state in people if state != "withdrawn"]
            yield from ((document, others, withdrawn) for document in documents)

    def release(self, store: Store) -> None:
        """Put the manifest in its place."""
        package.release(store)


@cache
def _guide(settings: str, insurer: str, delivery: str) -> dict[str, Any]:
    """What a second reader needs, of sound layouts. The engine goes again: compiled, it would take 40 MB here."""
    engine = new_engine(settings)
    engine.require_sound(insurer, Policy.of(engine.insurers[insurer], delivery).printed)
    return reading_guide(engine, insurer)


def _fetched(source: str, store: Store, work: Path) -> str:
    """The extract as `open_source` takes it; one that was uploaded lies in the batch's own store."""
    if not source.startswith("work/"):
        return source
    local = work / Path(source).name
    store.fetch(source, local)
    return str(local)


def _listed(store: Store, name: str | None) -> frozenset[str] | None:
    """The keys of a list; None if there is no list."""
    return None if name is None else kept_list(store.read(name))


def _withdrawn(store: Store, batch: Batch) -> frozenset[str]:
    """Everybody who is to be left out: by the first list, and by what came later."""
    names = [batch.options.get("withdrawn"), *batch.withdrawals]
    return frozenset().union(*(_listed(store, name) or frozenset() for name in names))


def _unprinted(store: Store, number: int) -> Iterator[tuple[str, str]]:
    """Who of a shard was not printed, and in which state each is. Who is withdrawn and there twice may come back."""
    with store.reader(f"{shard_dir(number)}/keys.csv") as stream:
        left = {int(row["row"]): row["state"] for row in read_table(stream, KEYS) if row["state"] != "printed"}
    if not left:
        return
    part = pq.read_table(io.BytesIO(store.read(part_name(number))), columns=["_row", "_identity", "_fault"])
    for row in part.to_pylist():
        if row["_row"] in left and row["_identity"] is not None:
            twice = (row["_fault"] or "").startswith("duplicate_person")
            yield row["_identity"], "rejected" if twice else left[row["_row"]]
