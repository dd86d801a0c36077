from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import bulk


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
