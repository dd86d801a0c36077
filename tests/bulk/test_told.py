"""What the command line says of batches and packages, without running any."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from docgen import bulk_commands
from docgen.bulk.run import Coordinator
from docgen.cli import app
from tests.service.extracts import extract


def told(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a package, with an extract beside it and a ledger of its own."""
    monkeypatch.setenv("DOCGEN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DOCGEN_WORKERS", "1")
    (tmp_path / "in.csv").write_bytes(extract(3))
    return tmp_path / "out"


def issue(out: Path, *more: str | Path) -> Result:
    return told("issue", out.parent / "in.csv", "--insurer", "association", "--out", out, *more)


@pytest.mark.parametrize(
    ("shards", "size", "words"),
    [
        (1, 40_000, "about 1 min and less than 1 MB, in 1 shard"),
        (2400, 3_200_000_000, "about 1 min and 3,200 MB, in 2,400 shards"),
    ],
)
def test_a_plan_tells_what_it_would_take(
    shards: int, size: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = {"counts": {"people": 3}, "shards": shards, "estimate": {"seconds": 3, "bytes": size}}
    bulk_commands._tell_plan(plan, as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == words


# --- Ctrl-C ---


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_who_stops_it_while_it_still_loads_is_told_so() -> None:
    program = """
import os, signal, sys, types

class Loading(types.ModuleType):
    def __getattr__(self, name):
        os.kill(os.getpid(), signal.SIGINT)

sys.modules["docgen.cli"] = Loading("docgen.cli")
import docgen.__main__
docgen.__main__.main()
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 130
    assert result.stderr == "interrupted before anything was begun: give the same command again\n"


def test_who_stops_it_before_anything_is_begun_is_told_so(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docgen.bulk.tasks.engine_of", stop)
    result = issue(out)
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "interrupted: nothing is left of it, give the same command again\n"
    assert not out.exists()


@pytest.mark.parametrize("moment", ["submit", "run", "__exit__"])
def test_who_stops_it_before_or_after_its_workers_start_is_told_how_to_go_on(
    out: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Coordinator, moment, stop)
        patch.setattr(Coordinator, "run", stop)
        result = issue(out)
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.count("\n") == 1
    assert str(out) in result.stderr
    assert "--resume" in result.stderr
    went_on: list[str] = []
    monkeypatch.setattr(Coordinator, "run", lambda _, batch, __: went_on.append(batch) or stop())
    assert issue(out, "--resume").exit_code == 5
    assert went_on  # it was submitted, or found again
