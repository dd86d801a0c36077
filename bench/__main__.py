"""`python -m bench`: draw the same cards with every peer, check that they are the same, print and write what it cost.

Exit code 1 if a peer's cards are not what they should be, or a goal is missed at 1,000 cards and more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import latency
from bench.same import missing_texts, unlike_pages
from bench.work import Work, make_work, save

OUT = Path("build/bench.json")
CARDS = 1000
# Repetitions take turns, so that a machine that is busy for a while is not busy for one peer alone.
REPEAT = 3
LATENCY_REQUESTS = 300
HTTP_GOAL_MS = 15.0
NAIVE_GOAL = 2.0


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
    Peer("docgen", "docgen", "encoded"),
    Peer("reportlab-naive", "reportlab_naive"),
    Peer("reportlab-tuned", "reportlab_tuned"),
    Peer("typst", "typst"),
    Peer("fpdf2", "fpdf2"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--cards", type=int, default=CARDS, help="cards in each file (default: %(default)s)")
    parser.add_argument(
        "--repeat", type=int, default=REPEAT, help="runs of each peer; the fastest counts (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="where the JSON goes; the PDFs go beside it, into bench/")
    options = parser.parse_args(arguments)
    folder = options.out.parent / "bench"
    folder.mkdir(parents=True, exist_ok=True)

    work = make_work(options.cards)
    entries = measure(work, folder, options.repeat)
    problems = list(check(work, folder))
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
    """One entry a peer: its fastest run."""
    for qr in ("precomputed", "encoded"):
        save(work, folder / f"{qr}.pickle", encoded=qr == "encoded")
    runs: dict[Peer, list[dict[str, Any]]] = {peer: [] for peer in PEERS}
    for turn in range(repeat):
        for peer in PEERS:
            if sys.stderr.isatty():
                print(f"\r{turn + 1}/{repeat} {peer.name:20}\r", end="", file=sys.stderr, flush=True)
            command = ["-m", "bench.peer", peer.module, str(folder / f"{peer.qr}.pickle"), str(folder / peer.file)]
            runs[peer].append(_run(command))
    return [_entry(peer, len(work.records), measured) for peer, measured in runs.items()]


def latencies(folder: Path, cards: int) -> list[dict[str, Any]]:
    """docgen's entries for one card at a time in a warm process: a real card over HTTP, and the bench card."""
    count = min(cards, LATENCY_REQUESTS)
    name = {"peer": DOCGEN.name, "qr": "encoded"}
    http = latency.over_http(folder / "service.log", count)
    alone = _run(["-m", "bench.latency", str(folder / "encoded.pickle"), str(count)])
    return [{**name, "over": "http", **http}, {**name, "over": "process", **alone}]


def _run(arguments: Sequence[str]) -> dict[str, Any]:
    """What a fresh process prints. Raises CalledProcessError if it fails; what it says of that is on the terminal."""
    command = [sys.executable, *arguments]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    measures: dict[str, Any] = json.loads(finished.stdout)
    return measures


def _entry(peer: Peer, cards: int, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    best = min(runs, key=lambda run: float(run["wall_s"]))
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
    """What is wrong with the peers' files, in words: the first card's looks, and every card's texts."""
    for peer in PEERS:
        yield from unlike_pages(folder / DOCGEN.file, folder / peer.file)
        yield from list(missing_texts(folder / peer.file, work.records))[:3]


def missed_goals(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The goals that these entries miss, in words."""
    speed = {entry["peer"]: entry["cards_per_s"] for entry in entries if entry["qr"] == "precomputed"}
    if speed["docgen"] < NAIVE_GOAL * speed["reportlab-naive"]:
        yield f"goal missed: docgen is not {NAIVE_GOAL:g} times as fast as reportlab-naive"
    if speed["docgen"] <= speed["typst"]:
        yield "goal missed: docgen is not faster than typst"
    p50 = next(entry["latency_ms"]["p50"] for entry in entries if entry.get("over") == "http")
    if p50 >= HTTP_GOAL_MS:
        yield f"goal missed: one card over HTTP takes {p50} ms, not less than {HTTP_GOAL_MS:g}"


# ------------------------------------------------------------------------------------------------------------ printing


def print_table(entries: Sequence[dict[str, Any]]) -> None:
    """What a person wants to see: ratios first."""
    batches = [entry for entry in entries if "over" not in entry]
    base = batches[0]["cards_per_s"]
    python = f"Python {platform.python_version()}"
    print(f"{batches[0]['n']} cards of two pages, one process each, {os.cpu_count()} cores, {python}\n")
    print("peer              QR           docgen is  cards/s  CPU ms a card  MB held  KB a card")
    for entry in batches:
        ratio = f"{base / entry['cards_per_s']:.2f} x"
        print(
            f"{entry['peer']:16}  {entry['qr']:11}  {ratio:>9}  {entry['cards_per_s']:7.0f}"
            f"  {entry['cpu_ms_per_card']:13.2f}  {entry['rss_mb']:7}  {entry['bytes'] / entry['n'] / 1000:9.1f}"
        )
    print("\none card at a time, warm, ms                 p50    p99")
    names = {"http": "docgen, a real card over HTTP", "process": "docgen, the bench card in one process"}
    for entry in entries:
        if "over" in entry:
            print(f"{names[entry['over']]:40}  {entry['latency_ms']['p50']:6.2f} {entry['latency_ms']['p99']:6.2f}")


if __name__ == "__main__":
    sys.exit(main())
