"""A batch's growth as a picture: `python -m bench.growth build/bench-bulk.json docs/pictures/batches.svg`.

Left the time, both axes in powers of ten: what grows with people and no more rises as the dashed line does. Right the
memory, from 0.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.picture import OTHERS, OURS, svg

_WIDTH, _HEIGHT = 760, 300
_GRID = "#e4dfd6"

Run = dict[str, Any]

_TOP, _BOTTOM = 40, _HEIGHT - 40
_FEWEST, _MOST = 10_000, 1_000_000


class Panel(NamedTuple):
    """A field of the picture: its left and right edge, its lowest and highest value, and how values are scaled."""

    left: int
    right: int
    values: tuple[float, float]
    scale: Callable[[float], float]

    def at(self, people: float, value: float) -> tuple[float, float]:
        """Where a point stands."""
        across = math.log(people / _FEWEST) / math.log(_MOST / _FEWEST)
        low, high, here = map(self.scale, (*self.values, value))
        return self.left + across * (self.right - self.left), _BOTTOM - (here - low) / (high - low) * (_BOTTOM - _TOP)


def draw(runs: Sequence[Run], limit_mb: float) -> str:
    """An SVG of seconds and of megabytes against people, of the runs by two processes."""
    shown = sorted((run for run in runs if run["processes"] == 2), key=lambda run: int(run["people"]))
    title = "Seconds and megabytes of a batch against its people"
    return svg(_WIDTH, _HEIGHT, 12, title, [*_time(shown), *_memory(shown, limit_mb)])


def exponent(points: Iterable[tuple[float, float]]) -> float:
    """The power of the first value with which the second grows: 1 is in proportion."""
    logarithms = [(math.log(size), math.log(spent)) for size, spent in points]
    return statistics.linear_regression(*zip(*logarithms, strict=True)).slope


def seconds(run: Run) -> float:
    """Of all stages."""
    return float(sum(run["seconds"].values()))


def _time(runs: Sequence[Run]) -> Iterator[str]:
    panel = Panel(60, 370, (5, 3600), math.log)
    yield from _axes(panel, "seconds, from Parquet to a reconciled package", (10, 60, 600, 3600))
    each = seconds(runs[-1]) / runs[-1]["people"]
    yield _line([panel.at(people, each * people) for people in (_FEWEST, _MOST)], OTHERS, 1, "4 3")
    yield from _dots([panel.at(run["people"], seconds(run)) for run in runs])


def _memory(runs: Sequence[Run], limit_mb: float) -> Iterator[str]:
    panel = Panel(450, 740, (0, 500), float)
    yield from _axes(panel, "megabytes, the most that a process held", (0, 100, 200, 300, 400, 500))
    yield _line([panel.at(people, limit_mb) for people in (_FEWEST, _MOST)], OTHERS, 1, "4 3")
    coordinator = [panel.at(run["people"], run["rss_mb"]["coordinator"]) for run in runs]
    worker = [panel.at(run["people"], run["rss_mb"]["worker"]) for run in runs]
    yield _line(coordinator, OTHERS, 1.5)
    yield from _dots(worker)
    upper, lower = ("coordinator", "worker") if coordinator[-1][1] < worker[-1][1] else ("worker", "coordinator")
    yield _label(worker[-1][0] - 6, min(coordinator[-1][1], worker[-1][1]) - 10, upper, "end")
    yield _label(worker[-1][0] - 6, max(coordinator[-1][1], worker[-1][1]) + 18, lower, "end")


def _axes(panel: Panel, title: str, values: Sequence[float]) -> Iterator[str]:
    yield f'<text x="{panel.left - 34}" y="20" font-weight="bold">{title}</text>'
    for value in values:
        _, y = panel.at(_FEWEST, value)
        yield _line([(panel.left, y), (panel.right, y)], _GRID, 1)
        yield _label(panel.left - 6, y + 4, f"{value:,}", "end")
    for people in (_FEWEST, 100_000, _MOST):
        x, _ = panel.at(people, values[-1])
        yield _line([(x, _TOP), (x, _BOTTOM)], _GRID, 1)
        yield _label(x, _BOTTOM + 18, f"{people:,}", "middle" if people < _MOST else "end")
    yield _label((panel.left + panel.right) / 2, _BOTTOM + 34, "people", "middle")


def _dots(points: Sequence[tuple[float, float]]) -> Iterator[str]:
    yield _line(points, OURS, 2)
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{OURS}"/>'


def _line(points: Sequence[tuple[float, float]], colour: str, width: float, dashes: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


if __name__ == "__main__":
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(draw(found["runs"], 400), encoding="utf-8")
