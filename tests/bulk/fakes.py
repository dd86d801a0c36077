"""Stages that print nothing and take a known time: for tests of what happens around them.

The source of a batch is JSON: {"shards", "people", "ms", "fail": {"SHARD": [attempts that fail]}, "die": SHARD,
"full": FILE}; as long as there is the file, the disk is full for a worker.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from docgen.bulk.cluster import Work
from docgen.bulk.job import Counts, File, Job, ShardResult, employers_dir, part_name, shard_dir
from docgen.bulk.ledger import Batch, Part
from docgen.bulk.run import Claim, Pin, Spread, Taken
from docgen.bulk.store import Store
from docgen.errors import RequestError, Violation
from docgen.pdf.writer import deflate

MADE_WITH = {"versions": {"fake": "1"}}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _print(store: Store, name: str, seed: str, work: str, number: int, counts: Counts) -> Mapping[str, Any]:
    content = random.Random(seed).randbytes(20_000)
    store.put(name, content)
    store.put(f"{work}/pieces.csv", f"{number},{_sha256(content)}\n".encode())
    result = ShardResult(number, counts, (File(name, _sha256(content), len(content), 1),)).as_dict()
    store.put(f"{work}/result.json", json.dumps(result).encode())
    return result


def print_shard(settings: Mapping[str, Any], store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Wait a little, write a file that follows from the part."""
    part = json.loads(store.read(part_name(number)))
    _count_run(settings, number)
    time.sleep(part["ms"] / 1000)
    if part.get("die") == number:
        os._exit(1)
    if str(number) in part.get("fail", {}) and _runs(settings, number) in part["fail"][str(number)]:
        raise RuntimeError("山田太郎 must never be in a log")
    counts = Counts(people=part["people"], printed=part["people"], cards=part["people"])
    name = f"vendor/cards-{number:04d}.pdf"
    with full_disk() if Path(part.get("full", "")).is_file() else nullcontext():
        return _print(store, name, f"{job.number}/{number}", shard_dir(number), number, counts)


@contextmanager
def full_disk() -> Iterator[None]:
    """Let what this process writes not get to the disk, as if that were full."""
    with patch("os.fsync", side_effect=OSError(errno.ENOSPC, "山田太郎")):
        yield


def print_for_employers(
    settings: Mapping[str, Any], store: Store, job: Job, number: int, shards: int
) -> Mapping[str, Any]:
    """The same, from what all shards have left."""
    seen = [store.read(f"{shard_dir(shard)}/pieces.csv").decode() for shard in range(number, shards + 1)]
    name = f"vendor/letters-{number:04d}.pdf"
    return _print(store, name, "".join(seen), employers_dir(number), number, Counts())


def check(settings: Mapping[str, Any], store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Read a shard's file back."""
    result = json.loads(store.read(f"{shard_dir(number)}/result.json"))
    (file,) = result["files"]
    return {"same": _sha256(store.read(file["name"])) == file["sha256"]}


def count_faults(settings: Mapping[str, Any], store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """How many pages of memory the system has to give for each page that is compressed, once some have been."""
    content = random.Random(1).randbytes(6_000)
    before, pages = 0, 200
    for at in range(2 * pages):
        if at == pages:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        deflate(content)
    return {"faults": (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / pages}


def _count_run(settings: Mapping[str, Any], number: int) -> None:
    if runs := settings.get("runs"):
        with Path(runs).open("a") as file:
            file.write(f"{number}\n")


def _runs(settings: Mapping[str, Any], number: int) -> int:
    return runs_of(settings["runs"]).count(number)


def runs_of(path: str) -> list[int]:
    """The shards that workers have begun, in order, those of killed workers included."""
    return [int(line) for line in Path(path).read_text().split()] if Path(path).exists() else []


@dataclass(frozen=True, slots=True)
class FakeStages:
    """What `docgen.bulk.run.Stages` asks for."""

    print_shard: Work = print_shard
    print_for_employers: Work = print_for_employers

    def made_with(self, settings: Mapping[str, Any], job: Job) -> Mapping[str, Any]:
        return {**MADE_WITH, "profile": settings.get("profile", "")}

    def has_employers(self, settings: Mapping[str, Any], job: Job) -> bool:
        return True

    def take_in(self, settings: Mapping[str, Any], store: Store, batch: Batch, pin: Pin, claim: Claim) -> Taken:
        plan = json.loads(batch.source)
        if "refused" in plan:
            raise RequestError(Violation("unreadable_file", "refused", pointer="/x"))
        shards = range(1, plan["shards"] + 1)
        people = [f"{plan.get('whose', '')}-{shard}-{person}" for shard in shards for person in range(plan["people"])]
        extract = _sha256(batch.source.encode())
        pin(extract)
        taken = claim("card", people)
        parts = []
        for shard in shards:
            part = json.dumps({**plan, "taken": len(taken)}, sort_keys=True).encode()
            store.put(part_name(shard), part)
            parts.append(Part(shard, plan["people"], _sha256(part)))
        return Taken(parts, {"sha256": extract})

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
        store.put_stream(
            "vendor/pieces.csv",
            [
                *(store.read(f"{shard_dir(shard.number)}/pieces.csv") for shard in shards),
                *(store.read(f"{employers_dir(shard.number)}/pieces.csv") for shard in employers),
            ],
        )
        files = [file.as_dict() for result in (*shards, *employers) for file in result.files]
        counts = sum((shard.counts for shard in shards), Counts())
        manifest = {"files": files, "made_with": made_with, "source": source, "counts": counts.as_dict()}
        store.put("work/manifest.json", json.dumps(manifest, sort_keys=True).encode())
        return counts

    def reconcile(self, settings: Mapping[str, Any], store: Store, job: Job, spread: Spread) -> None:
        if not all(found["same"] for found in spread(check)):
            raise RequestError(Violation("unreadable_file", "a file is not as it was written"))

    def unprinted(
        self, settings: Mapping[str, Any], store: Store, job: Job, numbers: Sequence[int]
    ) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
        yield "card", ["-1-0"], []

    def release(self, store: Store) -> None:
        store.put("vendor/manifest.json", store.read("work/manifest.json"))
