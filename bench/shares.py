"""`python -m bench.shares`: where the processor time of a worker goes, as a table in Markdown.

A shard is issued and read back in this process alone, and at each tick of its processor time the stack is looked at. A
sample counts for the innermost of docgen's functions, so that what a library does counts for who asked.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from bench.people import ISSUED_ON, write
from docgen.bulk.intake import take_in
from docgen.bulk.job import Job
from docgen.bulk.sources import open_source
from docgen.bulk.store import Store
from docgen.bulk.tasks import engine_of, payload, print_shard, reconcile_one
from docgen.settings import Settings

PEOPLE = 5_000  # a whole shard
_EVERY_S = 0.001  # the system's clock may tick less often
_PACKAGE = str(Path(__file__).parents[1] / "docgen") + "/"
# The longest beginning of a module's path decides, of the stage that runs.
_PRINT = {
    "": "planning households, rows, tables",
    "issuance/": "checking records and applying the rules",
    "compose/": "deciding where everything stands, texts foremost",
    "text/": "deciding where everything stands, texts foremost",
    "engine/": "deciding where everything stands, texts foremost",
    "symbols/": "encoding symbols, most of it the choice of the mask that ISO/IEC 18004 asks for",
    "pdf/": "drawing, compressing, hashing and writing pages",
}
_READ = {
    "": "the second reader: rows, tables, what belongs together",
    "issuance/": "the second reader: the rules once more, and what each page must say",
    "compose/": "the second reader: the rules once more, and what each page must say",
    "text/": "the second reader: the rules once more, and what each page must say",
    "engine/": "the second reader: the rules once more, and what each page must say",
    "pdf/": "the second reader: pages, texts and symbols",
    "symbols/": "the second reader: pages, texts and symbols",
    "bulk/reading": "the second reader: pages, texts and symbols",
}


class Sampler:
    """Counts what is at work, while it is on."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    @contextmanager
    def on(self, names: Mapping[str, str]) -> Iterator[None]:
        """Count in these names of what modules do."""
        before = signal.signal(signal.SIGPROF, lambda _, frame: self.counts.update([named(frame, names)]))
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)


def named(frame: FrameType | None, names: Mapping[str, str]) -> str:
    """What the innermost function of the package is for."""
    while frame is not None and not frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    module = frame.f_code.co_filename.removeprefix(_PACKAGE) if frame is not None else ""
    return names[max((start for start in names if module.startswith(start)), key=len)]


def sample(people: int, folder: Path) -> tuple[Counter[str], float]:
    """How often each kind of work was met, and the seconds of processor time, warmed up by a shard before."""
    settings = payload(Settings())
    job, sampler, spent = Job("B00001", "association", "bulk", ISSUED_ON), Sampler(), 0.0
    engine = engine_of(settings)
    settings["made_with"] = engine.pinned(job.insurer)
    for turn in range(2):
        work, store = folder / f"work-{turn}", Store.open(folder / f"batch-{turn}")
        work.mkdir()
        write(people, work / "people.parquet")
        source = open_source(str(work / "people.parquet"), work, format=None, allowed=[])
        take_in(store, source, job, engine.insurers[job.insurer], work)
        sampler.counts.clear()
        start = time.process_time()
        with sampler.on(_PRINT):
            print_shard(settings, store, job, 1, 1)
        with sampler.on(_READ):
            report = reconcile_one(settings, store, job, 1, 1)
        spent = time.process_time() - start
        if not report["ok"]:
            raise SystemExit("the second reader found differences")
    return sampler.counts, spent


def table(counts: Mapping[str, int]) -> Iterator[str]:
    """The shares as a table in Markdown, the largest first."""
    yield "| | |"
    yield "|---|---|"
    total = sum(counts.values())
    for name, count in sorted(counts.items(), key=lambda entry: -entry[1]):
        yield f"| {name} | {100 * count / total:.0f} % |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Sample a shard and print the table. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.shares", description=__doc__)
    parser.add_argument("people", type=int, nargs="?", default=PEOPLE, help="how many (default: %(default)s)")
    people = parser.parse_args(arguments).people
    with tempfile.TemporaryDirectory() as folder:
        counts, spent = sample(people, Path(folder))
    print("\n".join(table(counts)))
    print(f"\n{sum(counts.values()):,} samples; {1000 * spent / people:.2f} ms of processor time a person")
    return 0


if __name__ == "__main__":
    sys.exit(main())
