"""What workers run for a batch, and the engine that they keep for it.

A worker loads this and what it needs, and nothing that only a coordinator uses: ledger and database stay out of its
memory.
"""

from __future__ import annotations

import atexit
import gc
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from docgen.bulk.against import reconcile_shard
from docgen.bulk.employers import run_employers
from docgen.bulk.job import Job
from docgen.bulk.pinned import require_same
from docgen.bulk.shard import run_shard
from docgen.bulk.store import Store
from docgen.engine import Engine

Settings = Mapping[str, Any]


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


ENGINE_SETTINGS = tuple(field.name for field in fields(_EngineSettings))


def payload(settings: Any, input_prefixes: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of an engine as JSON, and the s3:// prefixes that extracts may be fetched from."""
    values = {name: getattr(settings, name) for name in ENGINE_SETTINGS}
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
    return {**plain, "font_path": [str(path) for path in settings.font_path], "input_prefixes": list(input_prefixes)}


def engine_of(settings: Settings) -> Engine:
    """The engine of this process, kept for all shards. It compiles and parses what the batch needs, when it does.

    That takes a sixth of the time to begin with, and 70 MB less, of an engine that is ready for everything.
    """
    return _engine(as_text(settings))


@cache
def _engine(text: str) -> Engine:
    return new_engine(text)


def new_engine(text: str) -> Engine:
    """Another engine by the settings as text."""
    raw = json.loads(text)
    paths = {name: Path(raw[name]) for name in ("layouts_dir", "fonts_toml", "output_profile")}
    return Engine(_EngineSettings(**{**raw, **paths, "font_path": tuple(map(Path, raw["font_path"]))}))


def _worker_engine(settings: Settings, job: Job) -> Engine:
    """The engine of a worker. Raises BatchError `worker_differs` if the coordinator's would print other bytes."""
    engine = engine_of(settings)
    require_same(settings["made_with"], engine.pinned(job.insurer))
    return engine


@cache
def _settle() -> None:
    """Spare the garbage collector what the first shard has loaded and compiled: it stays, and is a third of a million
    objects, which going through again and again takes a tenth of the second reader's time."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # at the end everything is to be let go, or native modules complain


def as_text(settings: Settings) -> str:
    """What of the settings an engine is loaded with."""
    return json.dumps({name: settings[name] for name in ENGINE_SETTINGS})


def print_shard(settings: Settings, store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Print one shard."""
    result = run_shard(_worker_engine(settings, job), store, job, number).as_dict()
    _settle()
    return result


def plan_shard(settings: Settings, store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Decide everything about one shard, and draw nothing."""
    return run_shard(engine_of(settings), store, job, number, draw=False).as_dict()


def plan_for_employers(settings: Settings, store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Count the letters or lists of the employers that begin in one shard, once all shards are planned."""
    return run_employers(engine_of(settings), store, job, number, shards, draw=False).as_dict()


def print_for_employers(settings: Settings, store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Print the letters or lists of the employers that begin in one shard."""
    return run_employers(_worker_engine(settings, job), store, job, number, shards).as_dict()


def reconcile_one(settings: Settings, store: Store, job: Job, number: int, shards: int) -> Mapping[str, Any]:
    """Read one shard's finished files, and hold them against its part of the input."""
    return reconcile_shard(_worker_engine(settings, job), store, job, number).as_dict()
