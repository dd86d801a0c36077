"""One peer's run in a process of its own: `python -m bench.peer MODULE WORK OUT.pdf N` prints what it cost as JSON.

The clock starts when the library is imported and the records are in memory; it covers loading and subsetting the font,
drawing, compressing and writing.
"""

from __future__ import annotations

import importlib
import json
import pickle
import resource
import sys
import time
from pathlib import Path


def main(module: str, work: Path, out: Path, count: int) -> None:
    """Draw `count` cards, and print the measures. Where the work has fewer records they go round."""
    draw = importlib.import_module(f"bench.peers.{module}").draw
    card, made = pickle.loads(work.read_bytes())
    records = [made[at % len(made)] for at in range(count)]
    cpu, wall = _cpu(), time.perf_counter()
    draw(card, records, out)
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "rss_mb": peak_rss_mb(), "bytes": out.stat().st_size}))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss_mb(process: str = "self") -> float:
    """The most memory that a process held. Not ru_maxrss, which counts what its parent held when it started it."""
    status = Path("/proc", process, "status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
