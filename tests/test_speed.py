"""A guard against losing speed that is the same on every machine: calls are counted, never seconds."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from bench.card import Record
from bench.peers.docgen import Press
from bench.work import make_work
from docgen.engine import Engine, Options
from tests import samples

# A twelfth more than it took when these were set (661 and 1,737, Python 3.11). Who makes every card dearer raises them
# on purpose, and who makes it cheaper lowers them.
BENCH_CARD = 716
REAL_CARD = 1880


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, of Python and of C."""
    counted = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


@pytest.fixture(scope="module")
def records() -> tuple[Record, ...]:
    return make_work(400).records


def test_a_card_of_the_bench_takes_no_more_calls_than_it_did(records: tuple[Record, ...]) -> None:
    press = Press()
    press.write(records[:200], io.BytesIO())  # what is drawn once and remembered is not a card's
    few = calls(lambda: press.write(records[200:201], io.BytesIO()))
    many = calls(lambda: press.write(records[200:], io.BytesIO()))
    assert (many - few) / 199 < BENCH_CARD


def test_a_real_card_takes_no_more_calls_than_it_did(engine: Engine) -> None:
    record, plain = samples.record("card", "association-insured"), Options(specimen=False)
    engine.render("card", "association", record, plain)
    assert calls(lambda: engine.render("card", "association", record, plain)) < REAL_CARD


def test_a_call_is_counted_whether_python_answers_it_or_c() -> None:
    def twice(text: str) -> str:
        return text.lower().strip()

    assert calls(lambda: [twice("A") for _ in range(10)]) - calls(list) >= 30
