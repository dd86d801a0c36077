"""What a batch may be made of in tests: the fake stages, and the ones that print."""

from __future__ import annotations

import atexit
import functools
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.people import COLUMNS, ISSUED_ON, people
from docgen.bulk.job import Job
from docgen.bulk.run import Stages
from docgen.bulk.stages import BulkStages
from docgen.bulk.tasks import payload
from docgen.settings import Settings
from tests.bulk.fakes import FakeStages

STAGES: dict[str, Stages] = {"fake": FakeStages(), "print": BulkStages()}


@dataclass(frozen=True, slots=True)
class Trial:
    """Stages with a job, an input and settings that suit them."""

    stages: Stages
    job: Job
    source: str
    shards: int
    settings: Mapping[str, Any] = field(default_factory=dict)


def source(shards: int = 8, people: int = 40, ms: int = 30, **more: Any) -> str:
    """The input of a fake batch; see `tests.bulk.fakes`."""
    return json.dumps({"shards": shards, "people": people, "ms": ms, **more})


@functools.cache
def pipeline_of(name: str) -> Trial:
    """The trial of this name; what it reads is made once in a process."""
    if name == "fake":
        return Trial(STAGES[name], Job("", "association", "bulk", date(2026, 12, 1)), source(8), 8)
    folder = Path(tempfile.mkdtemp(prefix="docgen-trial-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = printing_settings(folder, people_per_file=5)
    extract = folder / "extract.parquet"
    # Two people are there twice, and one has no name: a batch has rejects and households that are held.
    rows = list(people(24))
    rows += rows[3:5]
    rows[10] = {**rows[10], "氏": "", "名": ""}
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in COLUMNS])), extract)
    return Trial(STAGES[name], Job("", "association", "regular", ISSUED_ON), str(extract), 5, settings)


def printing_settings(folder: Path, people_per_file: int) -> dict[str, Any]:
    """The project's own settings, but with small shards."""
    layouts = folder / "layouts"
    shutil.copytree(Settings().layouts_dir, layouts)
    profile = layouts / "insurers/association.yaml"
    text, times = re.subn(r"(?m)^bulk:.*$", f"bulk:\n  people_per_file: {people_per_file}", profile.read_text())
    assert times == 1
    profile.write_text(text)
    return payload(Settings(layouts_dir=layouts))
