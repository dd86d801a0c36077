"""`python -m bench.bulk [N ...]`: invented people from Parquet to a reconciled package; time by stage, memory.

Each batch runs in processes of its own, through the same coordinator as `docgen issue`. Without N, 20,000 people by one
process and by two in five turns, then 10,000, 100,000 and a million by two: some 25 minutes and 4 GB of disk. With
`--most-mb` it fails if any process held more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import psutil

from bench.growth import exponent, seconds
from bench.machine import Machine
from bench.people import ISSUED_ON, write
from docgen.bulk.job import Job
from docgen.bulk.ledger import Ledger
from docgen.bulk.run import Coordinator, Progress
from docgen.bulk.stages import BulkStages
from docgen.bulk.store import Store
from docgen.bulk.tasks import payload
from docgen.settings import Settings

OUT = Path("build/bench-bulk.json")
USUAL = (10_000, 100_000, 1_000_000)
TURNS, IN_TURNS = 5, 20_000
_ARITHMETIC = 2_000  # pieces, some seconds
STAGES = ("intake", "print", "employers", "assemble", "reconcile")
_OF_STATE = {"taking_in": "intake", "printing": "print", "assembling": "assemble", "reconciling": "reconcile"}
_LOOK_S = 0.5


class Watch:
    """When each stage began, and the most memory that the processes of a batch held."""

    def __init__(self) -> None:
        self.began: list[tuple[str, float]] = []
        self.peaks: dict[int, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def begin(self, stage: str) -> None:
        """A stage begins, and the one before it ends."""
        self.began.append((stage, time.perf_counter()))

    def seconds(self) -> dict[str, float]:
        """Of each stage; the last mark ends it all."""
        spent = dict.fromkeys(STAGES, 0.0)
        for (stage, start), (_, end) in zip(self.began, self.began[1:], strict=False):
            spent[stage] += end - start
        return spent

    def _look(self) -> None:
        this = psutil.Process()
        while not self._stop.wait(_LOOK_S):
            for process in (this, *this.children(recursive=True)):
                self.peaks[process.pid] = max(self.peaks.get(process.pid, 0), _most_memory(process.pid))


def _most_memory(pid: int) -> int:
    """The most that a process has held so far, in bytes; 0 if it has gone. Linux keeps it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


class WatchedStages(BulkStages):
    """The stages of every batch; the last question before the employers' turn marks it."""

    watch: Watch

    def has_employers(self, settings: Mapping[str, Any], job: Job) -> bool:
        """As ever."""
        self.watch.begin("employers")
        return super().has_employers(settings, job)


def issue(people: int, processes: int, delivery: str, folder: Path) -> dict[str, Any]:
    """Issue a batch in this process and its workers, and say what it took."""
    extract = folder / f"people-{people}.parquet"
    if not extract.exists():
        write(people, extract)
    place = folder / "batch"
    shutil.rmtree(place, ignore_errors=True)
    stages, ledger = WatchedStages(), Ledger(f"sqlite:///{folder}/ledger-{os.getpid()}.sqlite")
    with Watch() as watch:
        stages.watch = watch

        def progress(now: Progress) -> None:
            stage = _OF_STATE.get(now.state)
            if stage is not None and stage not in {known for known, _ in watch.began}:
                watch.begin(stage)

        with Coordinator(ledger, lambda _: Store.open(place), stages, payload(Settings()), processes) as coordinator:
            coordinator.submit(Job("B00001", "association", delivery, ISSUED_ON), str(extract), batch="bench")
            batch = coordinator.run("bench", progress)
            watch.begin("")
    if batch.state != "done" or batch.counts is None:
        raise SystemExit(f"the batch is {batch.state}: {batch.error}")
    counts, seconds = batch.counts, watch.seconds()
    own, of_workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + of_workers.ru_utime + of_workers.ru_stime
    size = sum(path.stat().st_size for side in ("vendor", "issuer") for path in (place / side).rglob("*"))
    this = watch.peaks.pop(os.getpid())
    shutil.rmtree(place)
    return {
        "people": people,
        "processes": processes,
        "delivery": delivery,
        "seconds": {stage: round(spent, 2) for stage, spent in seconds.items()},
        "people_per_s": round(people / sum(seconds.values())),
        "cpu_ms_per_person": round(1000 * cpu / people, 3),
        "rss_mb": {"coordinator": round(this / 1e6), "worker": round(max(watch.peaks.values()) / 1e6)},
        "pages": counts["pages"],
        "symbols": 2 * counts["cards"] + counts["pieces"],
        "bytes": size,
    }


def table(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The entries as a table in Markdown."""
    stages = " s | ".join(STAGES)
    yield f"| people | processes | {stages} s | people/s | CPU, ms a person | worker, MB | coordinator, MB |"
    yield f"|{'---|' * (len(STAGES) + 6)}"
    for entry in entries:
        cells = [f"{entry['people']:,}", entry["processes"], *(f"{entry['seconds'][stage]:,.1f}" for stage in STAGES)]
        cells += [f"{entry['people_per_s']:,}", f"{entry['cpu_ms_per_person']:.2f}"]
        cells += [entry["rss_mb"]["worker"], entry["rss_mb"]["coordinator"]]
        yield f"| {' | '.join(map(str, cells))} |"


def growth(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What the most people took, to what the fewest did."""
    few, many = (choose(entries, key=lambda entry: int(entry["people"])) for choose in (min, max))
    if few is not many:
        power = exponent((entry["people"], seconds(entry)) for entry in entries)
        yield f"time grows with people to the power of {power:.2f}"
        for who, held in many["rss_mb"].items():
            yield f"memory at {many['people']:,} to that at {few['people']:,}, {who}: {held / few['rss_mb'][who]:.2f}"


def in_turns(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The same people by one process and by two, and what arithmetic gains by two: before the runs and after them."""
    for _ in range(TURNS):
        with Machine() as machine:
            before = machine.gain(_ARITHMETIC)
            runs = [_alone(IN_TURNS, processes, options) for processes in (1, 2)]
            yield {
                "runs": runs,
                "gain": runs[1]["people_per_s"] / runs[0]["people_per_s"],
                "gain_by_machine": (before + machine.gain(_ARITHMETIC)) / 2,
            }


def gains(turns: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What a second process brought in each turn, and in the middle one."""
    names = {"gain": "two processes to one", "gain_by_machine": "the same of arithmetic"}
    for key, name in names.items():
        if turns:
            found = [turn[key] for turn in turns]
            yield f"{name}: {statistics.median(found):.2f} ({', '.join(f'{each:.2f}' for each in found)})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.bulk", description=__doc__)
    parser.add_argument("people", type=int, nargs="*", help="how many (default: the usual runs)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--delivery", default="bulk", help="a policy of `association` (default: %(default)s)")
    parser.add_argument("--most-mb", type=int, help="megabytes that no process may hold more than")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    folder = options.out.parent / "bench-bulk"
    folder.mkdir(parents=True, exist_ok=True)
    if options.alone:
        print(json.dumps(issue(options.people[0], options.processes, options.delivery, folder)))
        return 0
    turns = [] if options.people else list(in_turns(options))
    entries = [_alone(people, options.processes, options) for people in options.people or USUAL]
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    said = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine, "runs": entries, "turns": turns}
    options.out.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    print("\n".join(table([*chain(*(turn["runs"] for turn in turns)), *entries])))
    print(f"{said['date']}, {machine}; load {os.getloadavg()[0]:.1f}")
    for line in gains(turns):
        print(line)
    for line in growth(entries):
        print(line)
    most = max(held for entry in chain(entries, *(turn["runs"] for turn in turns)) for held in entry["rss_mb"].values())
    if options.most_mb is not None and most > options.most_mb:
        print(f"a process held {most} MB, more than {options.most_mb}", file=sys.stderr)
        return 1
    return 0


def _alone(people: int, processes: int, options: argparse.Namespace) -> dict[str, Any]:
    """A run in a process of its own, so that its peaks are its own.

    Workers import their parent's main module again: it has none, so that they load what those of `docgen issue` do.
    """
    command = [sys.executable, "-c", "import bench.bulk; bench.bulk.main()"]
    command += [str(people), "--alone", "--processes", str(processes)]
    command += ["--delivery", options.delivery, "--out", str(options.out)]
    entry: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return entry


if __name__ == "__main__":
    sys.exit(main())
