"""The stages of a batch, for the coordinator: what `docgen.bulk.run` runs, bound to the engine and to one another."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from docgen.bulk import against, package
from docgen.bulk.against import read_result
from docgen.bulk.employers import run_employers
from docgen.bulk.intake import take_in
from docgen.bulk.job import Counts, Job, ShardResult, employers_dir, part_name, shard_dir
from docgen.bulk.ledger import Batch, Part
from docgen.bulk.opened import reading_guide
from docgen.bulk.policy import Policy
from docgen.bulk.reconcile import MOST_FINDINGS
from docgen.bulk.run import Claim, Spread, Taken
from docgen.bulk.shard import run_shard
from docgen.bulk.sources import open_source
from docgen.bulk.store import Store
from docgen.bulk.tables import KEYS, read_table
from docgen.bulk.whole import Read, reconcile_whole
from docgen.engine import Engine
from docgen.errors import PackageError, Violation

Settings = Mapping[str, Any]
_EMPLOYERS = "work/employers/"


@dataclass(frozen=True, slots=True)
class _EngineSettings:
    """What an engine is loaded with, sent to workers as JSON."""

    layouts_dir: Path
    fonts_toml: Path
    font_path: tuple[Path, ...]
    output_profile: Path
    output_condition: str
    output_condition_info: str
    output_condition_registry: str


def payload(settings: Any, input_prefixes: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of an engine as JSON, and the s3:// prefixes that extracts may be fetched from."""
    values = {field.name: getattr(settings, field.name) for field in fields(_EngineSettings)}
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
    return {**plain, "font_path": [str(path) for path in settings.font_path], "input_prefixes": list(input_prefixes)}


def engine_of(settings: Settings) -> Engine:
    """The engine of a worker process: loaded once, kept for all shards."""
    return _engine(_as_text(settings), draw=True)


def office_of(settings: Settings) -> Engine:
    """The engine beside the coordinator, which draws nothing: 100 MB less."""
    return _engine(_as_text(settings), draw=False)


def _as_text(settings: Settings) -> str:
    return json.dumps({field.name: settings[field.name] for field in fields(_EngineSettings)})


@cache
def _engine(text: str, *, draw: bool) -> Engine:
    raw = json.loads(text)
    paths = {name: Path(raw[name]) for name in ("layouts_dir", "fonts_toml", "output_profile")}
    fonts = tuple(map(Path, raw["font_path"]))
    return Engine.load(_EngineSettings(**{**raw, **paths, "font_path": fonts}), draw=draw)


# --- on workers ---


def _has_employers(engine: Engine, job: Job) -> bool:
    return Policy.of(engine.insurers[job.insurer], job.delivery).delivery.to != "home"


def print_shard(settings: Settings, store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Print one shard."""
    return run_shard(engine_of(settings), store, job, number).as_dict()


def plan_shard(settings: Settings, store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Decide everything about one shard, and draw nothing."""
    return run_shard(engine_of(settings), store, job, number, draw=False).as_dict()


def print_for_employers(settings: Settings, store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Print the letters or lists of the employers that begin in one shard."""
    return run_employers(engine_of(settings), store, job, number, shards).as_dict()


def reconcile_shard(settings: Settings, store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Hold one shard's finished files against its input: what was read, and the differences as violations."""
    engine = engine_of(settings)
    reports = {shard_dir(number): against.reconcile_shard(engine, store, job, number)}
    if _has_employers(engine, job):
        reports[employers_dir(number)] = against.reconcile_employers(store, job, number)
    found = [violation for report in reports.values() for violation in report.violations()]
    read = [Read(folder, read_result(store, folder).files, report.counts) for folder, report in reports.items()]
    return {
        "number": number,
        "violations": [violation.as_dict() for violation in found[:MOST_FINDINGS]],
        "read": [part.as_dict() for part in read],
    }


# --- beside the coordinator ---


class BulkStages:
    """What is done to a batch, from the extract to the released package.

    A batch's `source` is a local file, an s3:// URL below one of the settings' prefixes, or a name in the batch's own
    store. Of its `options`, `format` is the extract's (else its name says it), `listed` and `withdrawn` are names in
    the store of lists with a key on each line, and `source_name` is what the manifest calls the extract.
    """

    print_shard = staticmethod(print_shard)
    print_for_employers = staticmethod(print_for_employers)

    def made_with(self, settings: Settings, job: Job) -> Mapping[str, Any]:
        """Everything that decides a byte beside input and job."""
        return office_of(settings).pinned(job.insurer)

    def has_employers(self, settings: Settings, job: Job) -> bool:
        """Whether employers get letters or lists."""
        return _has_employers(office_of(settings), job)

    def take_in(self, settings: Settings, store: Store, batch: Batch, claim: Claim) -> Taken:
        """Check and sort the extract and cut it into parts. People are claimed for the document that they get."""
        job, options = batch.job, batch.options
        profile = office_of(settings).insurers[job.insurer]
        delivery = Policy.of(profile, job.delivery).delivery
        with TemporaryDirectory(prefix="docgen-") as folder:
            work = Path(folder)
            extract = _fetched(batch.source, store, work)
            source = open_source(extract, work, format=options.get("format"), allowed=settings["input_prefixes"])
            intake = take_in(
                store,
                source,
                job,
                profile,
                work,
                listed=_listed(store, options.get("listed")),
                withdrawn=_listed(store, options.get("withdrawn")) or (),
                claim=None if delivery.to == "lists" else lambda some: claim(delivery.documents[0], some),
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
        guide = reading_guide(office_of(settings), job.insurer)
        return package.assemble(store, job, made_with, shards, employers, source, guide)

    def reconcile(self, settings: Settings, store: Store, job: Job, spread: Spread) -> None:
        """Hold the package against the input, a shard at a time on the workers, and then the shards together.

        Every page is read once, by a worker.
        """
        shards = sorted(spread(reconcile_shard), key=lambda found: int(found["number"]))
        violations = [Violation(**violation) for found in shards for violation in found["violations"]]
        if violations:
            raise PackageError(violations[:MOST_FINDINGS])
        read = [Read.from_dict(part) for found in shards for part in found["read"]]
        in_order = sorted(read, key=lambda part: part.folder.startswith(_EMPLOYERS))  # the tables have letters last
        reconcile_whole(store, package.UNRELEASED, in_order).require_ok()

    def unprinted(
        self, settings: Settings, store: Store, job: Job, numbers: Sequence[int]
    ) -> Iterator[tuple[str, Sequence[str]]]:
        """The people who were claimed and not printed: the document with their identities, a shard at a time."""
        delivery = Policy.of(office_of(settings).insurers[job.insurer], job.delivery).delivery
        if delivery.to == "lists":
            return
        for number in numbers:
            yield delivery.documents[0], list(_unprinted(store, number))

    def release(self, store: Store) -> None:
        """Put the manifest in its place."""
        package.release(store)


def _fetched(source: str, store: Store, work: Path) -> str:
    """The extract as `open_source` takes it; one that was uploaded lies in the batch's own store."""
    if not source.startswith("work/"):
        return source
    local = work / Path(source).name
    store.fetch(source, local)
    return str(local)


def _listed(store: Store, name: str | None) -> frozenset[str] | None:
    """The keys of a list; None if there is no list."""
    if name is None:
        return None
    text = store.read(name).decode("utf-8-sig")
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


def _unprinted(store: Store, number: int) -> Iterator[str]:
    with store.reader(f"{shard_dir(number)}/keys.csv") as stream:
        left = {int(row["row"]) for row in read_table(stream, KEYS) if row["state"] != "printed"}
    if not left:
        return
    part = pq.read_table(io.BytesIO(store.read(part_name(number))), columns=["_row", "_identity", "_fault"])
    for row in part.to_pylist():
        # Who is another batch's was not claimed by this one, and duplicates were never claimed.
        if row["_row"] in left and row["_identity"] is not None and row["_fault"] is None:
            yield row["_identity"]
