from __future__ import annotations

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import bulk, growth, shares

CPU = {"cpu_ms_per_person": 1.0}
SVG = "{http://www.w3.org/2000/svg}"


def test_a_batch_is_measured_stage_by_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bulk.json"
    assert bulk.main(["60", "--processes", "1", "--delivery", "regular", "--out", str(out)]) == 0
    said = json.loads(out.read_text(encoding="utf-8"))
    [run] = said["runs"]
    assert (run["people"], run["processes"]) == (60, 1)
    assert set(run["seconds"]) == set(bulk.STAGES)
    assert all(spent > 0 for spent in run["seconds"].values())
    assert run["symbols"] > 120 < run["pages"]
    assert run["rss_mb"]["worker"] > 50 < run["rss_mb"]["coordinator"]
    heads, _, row, machine = capsys.readouterr().out.splitlines()
    assert heads.count("|") == row.count("|")
    assert said["date"] in machine
    assert not list(tmp_path.rglob("*.pdf"))


def of_seconds(people: int, spent: float) -> dict[str, Any]:
    stages = dict.fromkeys(bulk.STAGES, spent / len(bulk.STAGES))
    return {"people": people, "processes": 2, "seconds": stages, "rss_mb": {"coordinator": 300, "worker": 350}}


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_growth_of_a_batch_is_the_power_of_its_people(power: float) -> None:
    runs = [of_seconds(people, 3 * people**power) for people in (10_000, 30_000, 1_000_000)]
    assert growth.exponent((run["people"], growth.seconds(run)) for run in runs) == pytest.approx(power)


def test_the_picture_of_growth_has_a_dot_for_each_run_at_its_height() -> None:
    runs = [of_seconds(10_000, 20), of_seconds(100_000, 200), of_seconds(1_000_000, 2000)]
    drawn = ElementTree.fromstring(growth.draw(runs, 400))
    dots = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in drawn.iter(f"{SVG}circle")]
    (x0, y0), (x1, y1), (x2, y2), *memory = dots
    assert (x1 - x0, y0 - y1) == (pytest.approx(x2 - x1, abs=0.25), pytest.approx(y1 - y2, abs=0.25))  # tenfold each
    assert [y for _, y in memory] == [memory[0][1]] * 3


def test_a_process_that_held_too_much_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_alone", lambda people, *_: of_seconds(people, 20) | {"people_per_s": 1, **CPU})
    asked = ["10000", "--out", str(tmp_path / "bulk.json"), "--most-mb"]
    assert bulk.main([*asked, "350"]) == 0
    assert bulk.main([*asked, "349"]) == 1
    assert "a process held 350 MB, more than 349" in capsys.readouterr().err


def frame_of(module: str, back: Any = None) -> Any:
    path = str(Path(shares.__file__).parents[1] / module)
    return SimpleNamespace(f_code=SimpleNamespace(co_filename=path), f_back=back)


def test_what_a_library_does_counts_for_the_function_of_docgen_that_asked() -> None:
    names = {"": "planning", "bulk/reading": "reading", "pdf/": "drawing"}
    caller = frame_of("docgen/bulk/shard.py")
    assert shares.named(frame_of("docgen/pdf/page.py", caller), names) == "drawing"
    assert shares.named(frame_of("docgen/bulk/reading.py", caller), names) == "reading"
    assert shares.named(frame_of("zlib.py", frame_of("docgen/pdf/page.py", caller)), names) == "drawing"
    assert shares.named(frame_of("zlib.py", caller), names) == "planning"
    assert shares.named(frame_of("zlib.py"), names) == "planning"


def test_a_sampler_counts_while_it_is_on() -> None:
    sampler = shares.Sampler()
    with sampler.on({"": "busy"}):
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
    counted = sampler.counts["busy"]
    assert counted > 5
    sum(range(3_000_000))
    assert sampler.counts["busy"] == counted


def test_shares_are_of_a_hundred_the_largest_first() -> None:
    assert list(shares.table({"little": 1, "much": 3}))[2:] == ["| much | 75 % |", "| little | 25 % |"]


def test_the_usual_run_tells_what_a_second_process_brings_and_what_a_million_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def alone(people: int, processes: int, *_: object) -> dict[str, Any]:
        asked.append((people, processes))
        held = {"coordinator": 360 if people == 1_000_000 else 300, "worker": 350}
        entry = of_seconds(people, people / 500 / processes)
        return {**entry, **CPU, "processes": processes, "people_per_s": 500 * processes, "rss_mb": held}

    monkeypatch.setattr(bulk, "_alone", alone)
    monkeypatch.setattr(bulk, "_ARITHMETIC", 5)
    assert bulk.main(["--out", str(tmp_path / "bulk.json")]) == 0
    assert asked == [(20_000, 1), (20_000, 2)] * 5 + [(10_000, 2), (100_000, 2), (1_000_000, 2)]
    *_, gain, by_machine, growth, coordinator, worker = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"the same of arithmetic: \d\.\d\d \((\d\.\d\d(, )?){5}\)", by_machine)
    assert [gain, growth, coordinator, worker] == [
        "two processes to one: 2.00 (2.00, 2.00, 2.00, 2.00, 2.00)",
        "time grows with people to the power of 1.00",
        "memory at 1,000,000 to that at 10,000, coordinator: 1.20",
        "memory at 1,000,000 to that at 10,000, worker: 1.00",
    ]
