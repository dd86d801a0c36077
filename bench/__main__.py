"""`python -m bench`: draw the same cards with every peer, check that they are the same, print and write what it cost.

Exit code 1 if a peer's cards are not what they should be, or a goal is missed at 10,000 cards and more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import latency
from bench.growth import exponent
from bench.same import missing_texts, unlike_pages
from bench.work import Work, make_work, save

OUT = Path("build/bench.json")
CARDS = 10_000
SIZES = (100, 1_000, 10_000, 100_000)
# Repetitions take turns, so that a machine that is busy for a while is not busy for one peer alone.
REPEAT = 5
CHECKED = 200
LATENCY_REQUESTS = 300
# Times as fast, per second of processor time; of the limit a part is the goal.
GOALS = (("precomputed", "reportlab-tuned", 3.0), ("precomputed", "typst", 5.0), ("encoded", "limit", 0.6))
PROCESS_GOAL_MS, HTTP_GOAL_MS, LOAD_GOAL = 4.0, 12.0, 6.0


@dataclass(frozen=True)
class Peer:
    """Who draws: its name in bench.json, its module under bench/peers, whether it gets the symbols encoded."""

    name: str
    module: str
    qr: str = "precomputed"

    @property
    def file(self) -> str:
        """The name of the PDF that it writes."""
        return f"{self.name}-{self.qr}.pdf"


DOCGEN = Peer("docgen", "docgen")
PEERS = (
    DOCGEN,
    Peer("reportlab-tuned", "reportlab_tuned"),
    Peer("reportlab-naive", "reportlab_naive"),
    Peer("typst", "typst"),
    Peer("fpdf2", "fpdf2"),
    Peer("limit", "limit"),
    Peer("docgen", "docgen", "encoded"),
    Peer("limit", "limit", "encoded"),
)
# In each turn the two that encode draw three times: one of their ratios tells too little, so far do they lie apart.
TURN = (*PEERS, *PEERS[-2:], *PEERS[-2:])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--cards", type=int, default=CARDS, help="cards in each peer's file (default: %(default)s)")
    sizes = " ".join(map(str, SIZES))
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help=f"cards in docgen's own files ({sizes})")
    parser.add_argument(
        "--repeat",
        type=int,
        default=REPEAT,
        help="turns, in each of which every peer draws (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, default=OUT, help="where the JSON goes; the PDFs go beside it, into bench/")
    options = parser.parse_args(arguments)
    folder = options.out.parent / "bench"
    folder.mkdir(parents=True, exist_ok=True)

    work = make_work(options.cards)
    entries = measure(work, folder, options.repeat)
    problems = list(check(work, folder))
    entries += growth(folder, [size for size in options.sizes if size != options.cards], entries)
    entries += latencies(folder, options.cards)
    options.out.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    print_table(entries)
    if options.cards >= CARDS:
        problems += missed_goals(entries)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


# ----------------------------------------------------------------------------------------------------------- measuring


def measure(work: Work, folder: Path, repeat: int) -> list[dict[str, Any]]:
    """One entry a peer: its run with the least CPU.

    `docgen_is` says how many times as fast docgen is by CPU, as the median of all turns: a machine's speed wanders from
    one turn to the next, and less within one.
    """
    for qr in ("precomputed", "encoded"):
        save(work, folder / f"{qr}.pickle", encoded=qr == "encoded")
    runs: dict[Peer, list[dict[str, Any]]] = {peer: [] for peer in PEERS}
    count = len(work.records)
    for turn in range(repeat):
        for peer in TURN:
            _say(f"{turn + 1}/{repeat} {peer.name}")
            runs[peer].append(_draw(peer, folder, folder / peer.file, count))
    entries = []
    for peer, measured in runs.items():
        ours = runs[replace(DOCGEN, qr=peer.qr)]
        ratios = [one["cpu_s"] / own["cpu_s"] for one, own in zip(measured, ours, strict=True)]
        entries.append({**_entry(peer, count, measured), "docgen_is": round(statistics.median(ratios), 3)})
    return entries


def growth(folder: Path, sizes: Sequence[int], compared: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """docgen's entries for files of other sizes; the largest says how CPU time grows with the number of cards.

    `growth_exponent` is the slope of log(CPU) over log(cards) from 1,000 cards on: 1 is in proportion.
    """
    entries = []
    for peer in (peer for peer in PEERS if peer.module == DOCGEN.module):
        own = [entry for entry in compared if (entry["peer"], entry["qr"]) == (peer.name, peer.qr)]
        for size in sizes:
            _say(f"{size} cards {peer.qr}")
            own.append(_entry(peer, size, [_draw(peer, folder, folder / "grown.pdf", size)]))
            entries.append(own[-1])
        points = [(entry["n"], entry["n"] * entry["cpu_ms_per_card"]) for entry in own if entry["n"] >= 1000]
        if any(count > 1000 for count, _ in points):
            max(own, key=lambda entry: int(entry["n"]))["growth_exponent"] = round(exponent(points), 3)
    (folder / "grown.pdf").unlink(missing_ok=True)
    return entries


def latencies(folder: Path, cards: int) -> list[dict[str, Any]]:
    """docgen's entries for one card at a time, warm: a real card over HTTP, alone and among others; the bench card."""
    count = min(cards, LATENCY_REQUESTS)
    name = {"peer": DOCGEN.name, "qr": "encoded"}
    _say("latency")
    http, load = latency.over_http(folder, count)
    alone = _run(["-m", "bench.latency", str(folder / "encoded.pickle"), str(count)])
    return [{**name, "over": "http", **http}, {**name, "over": "load", **load}, {**name, "over": "process", **alone}]


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{what:40}\r", end="", file=sys.stderr, flush=True)


def _draw(peer: Peer, folder: Path, out: Path, count: int) -> dict[str, Any]:
    return _run(["-m", "bench.peer", peer.module, str(folder / f"{peer.qr}.pickle"), str(out), str(count)])


def _run(arguments: Sequence[str]) -> dict[str, Any]:
    """What a fresh process prints. Raises CalledProcessError if it fails; what it says of that is on the terminal."""
    command = [sys.executable, *arguments]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    measures: dict[str, Any] = json.loads(finished.stdout)
    return measures


def _entry(peer: Peer, cards: int, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    best = min(runs, key=lambda run: float(run["cpu_s"]))
    return {
        "peer": peer.name,
        "n": cards,
        "qr": peer.qr,
        "processes": 1,
        "cards_per_s": round(cards / best["wall_s"], 1),
        "cpu_ms_per_card": round(best["cpu_s"] / cards * 1000, 3),
        "rss_mb": round(best["rss_mb"]),
        "bytes": best["bytes"],
    }


# ------------------------------------------------------------------------------------------------------------ checking


def check(work: Work, folder: Path) -> Iterator[str]:
    """What is wrong with the peers' files, in words: the first card's looks, and the texts of cards all through."""
    for peer in PEERS:
        yield from unlike_pages(folder / DOCGEN.file, folder / peer.file)
        yield from list(missing_texts(folder / peer.file, work.records, CHECKED))[:3]


def missed_goals(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The goals that these entries miss, in words."""
    known = {(entry["peer"], entry["qr"]): entry["docgen_is"] for entry in entries if "docgen_is" in entry}
    for qr, peer, times in GOALS:
        if known[peer, qr] < times:
            yield f"goal missed: docgen is {known[peer, qr]:.2f} times as fast as {peer} ({qr}), not {times:g} times"
    single = {entry["over"]: entry for entry in entries if "over" in entry}
    alone, http = (single[over]["latency_ms"]["p50"] for over in ("process", "http"))
    if alone >= PROCESS_GOAL_MS:
        yield f"goal missed: one card in a process takes {alone} ms, not less than {PROCESS_GOAL_MS:g}"
    if http >= HTTP_GOAL_MS:
        yield f"goal missed: one card over HTTP takes {http} ms, not less than {HTTP_GOAL_MS:g}"
    if single["load"]["p99_to_alone"] > LOAD_GOAL:
        yield f"goal missed: {_of_load(single['load'])}, not at most {LOAD_GOAL:g}"


# ------------------------------------------------------------------------------------------------------------ printing


def print_table(entries: Sequence[dict[str, Any]]) -> None:
    """What a person wants to see: ratios of CPU time first."""
    batches = [entry for entry in entries if "over" not in entry]
    python = f"Python {platform.python_version()}"
    print(f"{batches[0]['n']} cards of two pages, one process each, {os.cpu_count()} cores, {python}\n")
    print("peer              QR                n  docgen is  cards/s  CPU ms a card  MB held  KB a card  growth")
    for entry in batches:
        ratio = f"{entry['docgen_is']:.2f} x" if "docgen_is" in entry else ""
        print(
            f"{entry['peer']:16}  {entry['qr']:11}  {entry['n']:6}  {ratio:>9}  {entry['cards_per_s']:7.0f}"
            f"  {entry['cpu_ms_per_card']:13.3f}  {entry['rss_mb']:7}  {entry['bytes'] / entry['n'] / 1000:9.1f}"
            f"  {entry.get('growth_exponent', ''):>6}"
        )
    print("\none card at a time, warm                            p50 ms  p99 ms  cards/s")
    names = {
        "http": "docgen, a real card over HTTP, one client",
        "load": "the same, 8 clients on 2 service processes",
        "process": "docgen, the bench card in one process",
    }
    for entry in entries:
        if "over" in entry:
            cuts = entry["latency_ms"]
            print(f"{names[entry['over']]:48}  {cuts['p50']:8.2f}{cuts['p99']:8.2f}  {entry['cards_per_s']:7.0f}")
            if "p99_to_alone" in entry:
                print(f"  {_of_load(entry)}")


def _of_load(entry: dict[str, Any]) -> str:
    """The ratio that a goal is set for, beside what the machine alone makes of it."""
    return (
        f"the slowest hundredth takes {entry['p99_to_alone']} times one client's median"
        f" (arithmetic in two processes: {entry['p99_to_alone_by_machine']})"
    )


if __name__ == "__main__":
    sys.exit(main())
