"""The stages that print: what `docgen.bulk.run` takes a batch through."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from docgen.bulk import intake, package
from docgen.bulk.cluster import Work
from docgen.bulk.employers import run_employers
from docgen.bulk.job import Counts, Job, ShardResult, part_name, shard_dir
from docgen.bulk.ledger import Batch, Part
from docgen.bulk.opened import reading_guide
from docgen.bulk.policy import Policy
from docgen.bulk.reconcile import reconcile
from docgen.bulk.run import Claim, Spread, Taken
from docgen.bulk.shard import run_shard
from docgen.bulk.sources import open_source
from docgen.bulk.store import Store
from docgen.bulk.tables import KEYS, read_table
from docgen.engine import Engine
from docgen.issuance.extract import BulkSettings, Target

UPLOADED = "store:"  # before the name of an extract that lies in the batch's own store
_CLAIMED = ("card", "notice")  # the documents of which a person gets one with a date


@dataclass(frozen=True, slots=True)
class Machine:
    """What the engine needs to know of this machine, from JSON; `docgen.settings.Settings` gives it."""

    layouts_dir: Path
    fonts_toml: Path
    font_path: tuple[Path, ...]
    output_profile: Path
    output_condition: str
    output_condition_info: str
    output_condition_registry: str

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Machine:
        """From `Settings.model_dump(mode="json")`; what else stands there is left out."""
        known = {field.name: settings[field.name] for field in fields(cls)}
        paths = {name: Path(known[name]) for name in ("layouts_dir", "fonts_toml", "output_profile")}
        return cls(**{**known, **paths, "font_path": tuple(map(Path, known["font_path"]))})


def engine_of(settings: Mapping[str, Any]) -> Engine:
    """The engine of these settings: loaded once in a process, since it takes a second."""
    return _engine_of(json.dumps(dict(settings), sort_keys=True))


@functools.lru_cache(maxsize=1)
def _engine_of(settings: str) -> Engine:
    return Engine.load(Machine.from_dict(json.loads(settings)))


def print_shard(settings: Mapping[str, Any], store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """`run_shard`, as workers are asked for it."""
    return run_shard(engine_of(settings), store, job, number).as_dict()


def print_for_employers(
    settings: Mapping[str, Any], store: Store, job: Job, number: int, shards: int
) -> Mapping[str, Any]:
    """`run_employers`, as workers are asked for it."""
    return run_employers(engine_of(settings), store, job, number, shards).as_dict()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages of `docgen.bulk.run.Stages`. Extracts on S3 are read below one of `allowed_sources` alone."""

    allowed_sources: Sequence[str] = ()
    print_shard: Work = print_shard
    print_for_employers: Work = print_for_employers

    def made_with(self, settings: Mapping[str, Any], job: Job) -> Mapping[str, Any]:
        """The pinned set."""
        return engine_of(settings).pinned(job.insurer)

    def has_employers(self, settings: Mapping[str, Any], job: Job) -> bool:
        """Letters and lists come with deliveries to employers, and with mail that came back."""
        delivery = _policy(settings, job).delivery
        return delivery.to in ("employer", "lists") or job.occasion == "returned"

    def take_in(self, settings: Mapping[str, Any], store: Store, batch: Batch, claim: Claim) -> Taken:
        """Options: `listed` and `withdrawn`, lists of keys; `format`, if the source's name does not say it."""
        with tempfile.TemporaryDirectory(prefix="docgen-") as folder:
            work = Path(folder)
            location = batch.source
            if location.startswith(UPLOADED):
                name = location.removeprefix(UPLOADED)
                location = str(work / f"extract{Path(name).suffix}")
                store.fetch(name, Path(location))
            options = batch.options
            source = open_source(location, work, format=options.get("format"), allowed=self.allowed_sources)
            taken = intake.take_in(
                store,
                source,
                batch.job,
                engine_of(settings).insurers[batch.job.insurer],
                work,
                listed=options.get("listed"),
                withdrawn=options.get("withdrawn", ()),
            )
        policy = _policy(settings, batch.job)
        parts = [_claimed(store, part, policy, claim) for part in taken.parts]
        return Taken(parts, {"sha256": source.sha256, "people": taken.people})

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
        """`package.assemble`."""
        guide = reading_guide(engine_of(settings), job.insurer)
        return package.assemble(store, job, made_with, shards, employers, source, guide)

    def reconcile(self, settings: Mapping[str, Any], store: Store, job: Job, spread: Spread) -> None:
        """Hold the package against itself before it is released."""
        reconcile(store, manifest=package.UNRELEASED).require_ok()

    def unprinted(
        self, settings: Mapping[str, Any], store: Store, job: Job, numbers: Sequence[int]
    ) -> Iterator[tuple[str, Sequence[str]]]:
        """Shard by shard, by the state that each person has in the issuer's table of keys."""
        policy = _policy(settings, job)
        for number in numbers:
            with store.reader(f"{shard_dir(number)}/keys.csv") as stream:
                rows = {int(row["row"]) for row in read_table(stream, KEYS) if row["state"] != "printed"}
            part = _read(store, number)
            left = [
                text for text, row in zip(_identities(part, policy.settings), _rows(part), strict=True) if row in rows
            ]
            for document in _documents(policy) if left else ():
                yield document, left

    def release(self, store: Store) -> None:
        """`package.release`."""
        package.release(store)


def _policy(settings: Mapping[str, Any], job: Job) -> Policy:
    return Policy.of(engine_of(settings).insurers[job.insurer], job.delivery)


def _documents(policy: Policy) -> list[str]:
    return [document for document in policy.delivery.documents if document in _CLAIMED]


# --- claims ---


def _claimed(store: Store, part: intake.Part, policy: Policy, claim: Claim) -> Part:
    """Claim a part's people; those whom another batch has issued are marked in it, to be rejected."""
    table = _read(store, part.number)
    people = _identities(table, policy.settings)
    free = table.column("_fault").is_null().to_pylist()
    gone = table.column("_withdrawn").to_pylist()
    mine = [text for text, ok, out in zip(people, free, gone, strict=True) if ok and not out]
    taken = {text for document in _documents(policy) for text in claim(document, mine)}
    if not taken:
        return Part(part.number, part.people, part.sha256)
    faults = [
        "already_issued" if fault is None and text in taken else fault
        for fault, text in zip(table.column("_fault").to_pylist(), people, strict=True)
    ]
    at = table.schema.get_field_index("_fault")
    content = intake.part_bytes(table.set_column(at, "_fault", pa.array(faults, pa.string())))
    store.put(part_name(part.number), content)
    return Part(part.number, part.people, hashlib.sha256(content).hexdigest())


def _read(store: Store, number: int) -> pa.Table:
    return pq.read_table(io.BytesIO(store.read(part_name(number))))


def _rows(part: pa.Table) -> list[int]:
    rows: list[int] = part.column("_row").to_pylist()
    return rows


def _identities(part: pa.Table, settings: BulkSettings) -> list[str]:
    """Who each row is: symbol, number and branch; without a branch also birth date and name."""
    alone: tuple[Target, ...] = ("person.born_on", "person.family", "person.given", "person.full_name")
    columns = [_texts(part, settings, target) for target in ("symbol", "number", "branch")]
    others = [_texts(part, settings, target) for target in alone]
    return [
        "\x1f".join((*first, *(() if first[2] else rest)))
        for first, rest in zip(zip(*columns, strict=True), zip(*others, strict=True), strict=True)
    ]


def _texts(part: pa.Table, settings: BulkSettings, target: Target) -> list[str]:
    header = settings.header(target)
    return [""] * part.num_rows if header is None else [text or "" for text in part.column(header).to_pylist()]
