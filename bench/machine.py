"""What the machine itself makes of two processes at once: mere arithmetic, which waits for nothing and nobody.

A core of a virtual machine may work at little more than half of its speed as soon as others work beside it. What a
second process brings, and how long the slowest of many take, is told beside what came of this.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from types import TracebackType

_NUMBERS = 40_000  # about as long as a card
_IN_A_ROW = 4  # of eight clients four wait for each of two processes


def core(at: int) -> int:
    """The core of the nth of several processes that share out those this one may use."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[at % len(cores)]


class Machine:
    """Two processes, each on a core of its own. Use it as a context manager."""

    def __enter__(self) -> Machine:
        with ExitStack() as opened:
            self._processes = [
                opened.enter_context(
                    ProcessPoolExecutor(1, get_context("spawn"), os.sched_setaffinity, (0, {core(at)}))
                )
                for at in range(2)
            ]
            self._opened = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._opened.close()

    def tail(self, count: int) -> float:
        """The slowest hundredth of four pieces in a row while both work, to the median of one alone."""
        alone = statistics.median(time for times in self._in_turn(count) for time in times)
        rows = [row for times in self._at_once(_IN_A_ROW * count) for row in _in_a_row(times)]
        return hundredths(rows)[98] / alone

    def gain(self, count: int) -> float:
        """How many times the work of one both do: 2 where neither slows the other."""
        alone, both = (sum(1 / sum(times) for times in all) for all in (self._in_turn(count), self._at_once(count)))
        return 2 * both / alone

    def _in_turn(self, count: int) -> list[list[float]]:
        return [process.submit(arithmetic, count).result() for process in self._processes]

    def _at_once(self, count: int) -> list[list[float]]:
        begun = [process.submit(arithmetic, count) for process in self._processes]
        return [one.result() for one in begun]


def arithmetic(count: int) -> list[float]:
    """How long each of so many equal pieces of arithmetic takes, in seconds."""
    times = []
    for _ in range(count):
        started = time.perf_counter()
        sum(number * number for number in range(_NUMBERS))
        times.append(time.perf_counter() - started)
    return times


def hundredths(times: Sequence[float]) -> list[float]:
    """The 99 values that part times into hundredths."""
    return statistics.quantiles(times, n=100, method="inclusive")


def _in_a_row(times: Sequence[float]) -> list[float]:
    return [sum(times[at : at + _IN_A_ROW]) for at in range(len(times) - _IN_A_ROW + 1)]
