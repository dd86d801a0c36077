"""What the command line says of batches and packages, without running any."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from docgen import bulk_commands
from docgen.bulk.ledger import Ledger
from docgen.bulk.opened import KEYS_TABLE, open_manifest
from docgen.bulk.run import Coordinator, _Run
from docgen.bulk.store import Store
from docgen.cli import app
from docgen.engine import Engine
from docgen.settings import Settings
from tests.bulk import packages
from tests.service.extracts import extract, keys

PLANNED = {"people": 3, "printed": 3, "withdrawn": 0}


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
    ("shards", "seconds", "size", "words"),
    [
        (1, 3, 40_000, "under a minute and less than 1 MB, in 1 shard"),
        (2400, 60, 3_200_000_000, "about 1 min and 3,200 MB, in 2,400 shards"),
    ],
)
def test_a_plan_tells_what_it_would_take(
    shards: int, seconds: int, size: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = {"counts": PLANNED, "reasons": {}, "shards": shards, "estimate": {"seconds": seconds, "bytes": size}}
    bulk_commands._tell_plan(plan, as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == words


def test_a_plan_that_prints_nobody_says_why_and_is_no_success(out: Path) -> None:
    (out.parent / "in.csv").write_bytes(extract(1, n1={"生年月日": ""}))
    result = issue(out, "--plan-only")
    assert result.exit_code == 1
    head, reason, end = result.stderr.splitlines()
    assert head == "who would not be printed, and why:"
    assert reason.split()[:2] == ["missing_value", "1"]
    assert end == "nobody could be printed (see the reasons) <nobody_printed>"
    assert "under a minute" in result.stdout
    assert json.loads(issue(out, "--plan-only", "--json").stdout)["reasons"] == {"missing_value": 1}
    assert not out.exists()


def test_a_plan_writes_the_rejects_that_the_batch_would_have_and_claims_nobody(out: Path) -> None:
    (out.parent / "in.csv").write_bytes(extract(24, n3={"生年月日": ""}, n7={"氏": "見\U00013000"}))
    who = out.parent / "who.csv"
    for name in ("json.csv", "who.csv"):
        result = issue(out, "--plan-only", "--rejects", who.with_name(name), *(["--json"] if name != who.name else []))
        assert result.exit_code == 0
        assert "\U00013000" not in result.stdout + result.stderr
    assert f"who would not be printed, and why: {who}" in result.stderr
    assert who.stat().st_mode & 0o777 == 0o600
    states = {line.split(",")[2] for line in who.read_text("utf-8-sig").splitlines()[1:]}
    assert states == {"rejected", "held"}
    assert issue(out, "--job", "R1").exit_code == 0
    assert who.read_bytes() == (out / "issuer/R1-rejects.csv").read_bytes() == who.with_name("json.csv").read_bytes()


def test_a_plan_that_prints_nobody_has_written_who_that_is(out: Path) -> None:
    (out.parent / "in.csv").write_bytes(extract(1, n1={"生年月日": ""}))
    result = issue(out, "--plan-only", "--rejects", who := out.parent / "who.csv")
    assert (result.exit_code, "missing_value" in who.read_text("utf-8-sig")) == (1, True)
    assert result.stderr.splitlines()[-1] == f"nobody could be printed (see {who}) <nobody_printed>"


@pytest.mark.parametrize("name", ["in.csv", ".", "absent/who.csv"])
def test_a_plan_overwrites_nothing_with_its_rejects_and_says_so_at_once(out: Path, name: str) -> None:
    before = (out.parent / "in.csv").read_bytes()
    result = issue(out, "--plan-only", "--rejects", out.parent / name)
    assert (result.exit_code, "<unwritable_file>" in result.stderr, result.stdout) == (1, True, "")
    assert (out.parent / "in.csv").read_bytes() == before


def test_a_plan_that_is_refused_leaves_no_file_of_rejects(out: Path) -> None:
    before = set(out.parent.iterdir())
    assert issue(out, "--plan-only", "--expect", "4", "--rejects", out.parent / "who.csv").exit_code == 1
    assert set(out.parent.iterdir()) - before <= {out.parent / "state"}


def test_rejects_of_its_own_are_for_a_plan_alone(out: Path) -> None:
    result = issue(out, "--rejects", out.parent / "who.csv")
    assert (result.exit_code, "--plan-only" in result.stderr, out.exists()) == (2, True, False)


def test_a_plan_tells_letters_and_lists_apart_from_the_other_pieces(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (out.parent / "in.csv").write_bytes(extract(12))
    for delivery, name in (("regular", "letters"), ("lists", "lists")):
        plan = json.loads(issue(out, "--plan-only", "--json", "--delivery", delivery).stdout)
        assert 0 < plan[name] <= plan["counts"]["pieces"]
        bulk_commands._tell_plan(plan, as_json=False)
        assert [name, str(plan[name])] in [line.split() for line in capsys.readouterr().out.splitlines()]


# --- who was not printed ---


def package(engine: Engine, folder: Path, **changes: Any) -> Store:
    """A package of one household of one."""
    return packages.issue(engine, folder, packages.job(), [packages.rows(1, n1=changes)])


def test_who_was_not_printed_is_told_with_the_reasons_and_where_to_look(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = packages.rows(12)
    others = next(row for row in rows if row["本人家族区分"] == "2")["_household"]
    people = [row for row in rows if row["_household"] == others]
    people[0]["_fault"] = "duplicate_person"
    store = packages.issue(engine, tmp_path, packages.job(), [rows])
    bulk_commands._tell_package(store, as_json=False)
    out, err = capsys.readouterr()
    held = str(len(people) - 1)
    assert {("rejected", "1"), ("held", held)} < {tuple(line.split()) for line in out.splitlines()}
    assert err.splitlines()[0] == f"who was not printed, and why: {store.location}/issuer/S01-rejects.csv"
    reasons = sorted(line.split()[:2] for line in err.splitlines()[1:])
    assert reasons == [["duplicate_person", "1"], ["household_held", held]]


def test_a_batch_that_prints_nobody_is_no_success_and_says_where_to_look(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = package(engine, tmp_path, _fault="already_issued: S0009")
    for as_json in (False, True):
        with pytest.raises(typer.Exit) as caught:
            bulk_commands._tell_package(store, as_json=as_json)
        assert caught.value.exit_code == 1
        out, err = capsys.readouterr()
        assert all(word in err for word in ("nobody_printed", f"{store.location}/issuer/S01-rejects.csv", "--reissue"))
    assert json.loads(out)["reasons"] == {"already_issued": 1}
    assert json.loads(err)["violations"][0]["code"] == "nobody_printed"


def test_a_batch_of_which_everybody_was_withdrawn_is_what_was_asked_for(engine: Engine, tmp_path: Path) -> None:
    bulk_commands._tell_package(package(engine, tmp_path, _withdrawn=True), as_json=True)


# --- finished packages ---


def test_a_vendor_may_name_the_own_side_of_a_package(engine: Engine, tmp_path: Path) -> None:
    made = Path(package(engine, tmp_path).location)
    shutil.rmtree(made / "issuer")
    result = told("reconcile", made / "vendor", "--vendor-only", "--workers", "1")
    assert (result.exit_code, result.stdout) == (0, "S01: 1 person on 3 pages, all as it was made\n"), result.stderr
    assert told("find", f"{made}/vendor/", "--page", "S01-mounts-0001.pdf:1").exit_code == 0
    (made / "vendor/S01-cards-0001.pdf").rename(made / "vendor/other.pdf")
    result = told("reconcile", made, "--vendor-only", "--workers", "1")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "2 differences: do not use this package"
    (made / "vendor/other.pdf").unlink()
    assert "\n1 difference: " in told("reconcile", made, "--vendor-only", "--workers", "1").stderr
    result = told("reconcile", made.parent, "--vendor-only")
    assert "the folder in which vendor/ lies" in result.stderr


def test_a_vendors_side_is_one_whatever_its_folder_is_called(engine: Engine, tmp_path: Path) -> None:
    made = Path(package(engine, tmp_path).location)
    side = (made / "vendor").rename(tmp_path / "S0001")
    before = sorted(tmp_path.rglob("*"))
    result = told("reconcile", side, "--vendor-only", "--workers", "2")
    assert (result.exit_code, result.stdout) == (0, "S01: 1 person on 3 pages, all as it was made\n"), result.stderr
    assert told("find", f"{side}/", "--page", "S01-mounts-0001.pdf:1").stdout.startswith(
        "vendor/S01-mounts-0001.pdf:1  mount"
    )
    assert sorted(tmp_path.rglob("*")) == before
    again = ("--page", "S01-cards-0001.pdf:1", "--reason", "x", "--out", tmp_path / "again")
    assert told("reprint", side, *again).exit_code == 0
    assert told("reconcile", tmp_path / "again", "--vendor-only", "--workers", "1").exit_code == 0


def test_a_vendors_side_under_another_prefix_says_what_to_do(engine: Engine, tmp_path: Path, s3: str) -> None:
    made, prefix = package(engine, tmp_path), f"{s3}/{uuid.uuid4().hex}"
    for name in made.names("vendor"):
        Store.open(prefix).put(name.removeprefix("vendor/"), made.read(name))
    result = told("reconcile", prefix, "--vendor-only")
    assert result.exit_code == 1
    assert "copy it under a prefix that ends in /vendor" in result.stderr


def test_a_package_without_the_issuers_side_says_how_to_check_the_rest_and_not_that_it_is_bad(
    engine: Engine, tmp_path: Path
) -> None:
    made = Path(package(engine, tmp_path).location)
    shutil.rmtree(made / "issuer")
    for folder in (made, made / "vendor"):
        result = told("reconcile", folder)
        assert result.exit_code == 1
        assert result.stderr == (
            "issuer/: the issuer's side is not there, and nothing was checked (check the vendor's side alone: "
            "--vendor-only) <package_file_missing>\n"
        )


def test_a_folder_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    for arguments in (
        ("reconcile",),
        ("find", "--key", "1"),
        ("reprint", "--piece", "1", "--reason", "x", "--out", "x"),
    ):
        result = told(*arguments, tmp_path / "none")
        assert result.exit_code == 1
        assert result.stderr == f"{tmp_path}/none: no such folder (name a folder that is there) <unreadable_file>\n"


def test_without_the_issuers_side_its_table_is_named_once_and_how_to_do_without(engine: Engine, tmp_path: Path) -> None:
    made = Path(package(engine, tmp_path).location)
    shutil.rmtree(made / "issuer")
    again = tmp_path / "again"
    piece = (made / "vendor/S01-pieces.csv").read_text(encoding="utf-8-sig").splitlines()[1].split(",")[0]
    assert told("reprint", made, "--piece", piece, "--reason", "x", "--out", again).exit_code == 0
    for folder in (made, again):
        (line,) = told("find", folder, "--key", "1").stderr.splitlines()
        name = open_manifest(Store.open(folder)).named(KEYS_TABLE)
        assert line.startswith(f"{name}: the table is missing (")
        assert line.endswith("(--vendor-only)) <package_table>")
    result = told("reconcile", "--vendor-only", "--workers", "1", again)
    name = open_manifest(Store.open(again)).package
    assert result.stdout == f"{name} (pages of S01 printed again): 1 person on 3 pages, all as it was made\n"


def test_what_may_follow_from_a_table_that_was_changed_is_said_to(engine: Engine, tmp_path: Path) -> None:
    made = Path(package(engine, tmp_path).location)
    pages = made / "vendor/S01-pages.csv"
    pages.write_bytes(b"".join(line for at, line in enumerate(pages.read_bytes().splitlines(True)) if at != 3))
    last = told("reconcile", made, "--workers", "1").stderr.splitlines()[-1]
    assert last.endswith(
        " differences: do not use this package; vendor/S01-pages.csv is not as it was made, and the other differences "
        "may follow from that"
    )


# --- Ctrl-C ---


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def interrupt(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, out: Path, *more: str | Path) -> None:
    """Begin a batch that is interrupted when it comes to this method."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stop)
        assert issue(out, *more).exit_code == 5


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
    assert result.stderr.splitlines()[0].startswith("prints with the stand-in output profile")
    assert result.stderr.count("\n") == 2
    assert str(out) in result.stderr
    assert "--resume" in result.stderr
    went_on: list[str] = []
    monkeypatch.setattr(Coordinator, "run", lambda _, batch, __: went_on.append(batch) or stop())
    assert issue(out, "--resume").exit_code == 5
    assert went_on  # it was submitted, or found again


# --- what is refused ---


def test_what_is_refused_before_anything_is_printed_leaves_folder_and_job_number_as_they_were(out: Path) -> None:
    misspelt, unread = out.parent / "misspelt.txt", out.parent / "unread.csv"
    misspelt.write_text("nobody\n")
    unread.write_bytes((out.parent / "in.csv").read_bytes().replace("枝番".encode(), b"X", 1))
    out.mkdir()
    for arguments, code in (
        ((out.parent / "in.csv", "--undelivered", misspelt), "unknown_person"),
        ((out.parent / "in.csv", "--exclude", misspelt), "unknown_person"),
        ((unread,), "columns_not_mapped"),
    ):
        for folder in (out, out.parent / "new"):
            result = told("issue", *arguments, "--insurer", "association", "--out", folder, "--job", "R8")
            assert result.exit_code == 1
            told_last = result.stderr.splitlines()[-1]
            # Columns are looked at before there is a batch, of which something could be left.
            left = "nothing is left of it: the folder is as it was " if code == "unknown_person" else ""
            assert told_last.endswith(f"{left}<{code}>")
        assert list(out.iterdir()) == []
        assert not (out.parent / "new").exists()
    result = issue(out, "--job", "R8", "--json")
    assert result.exit_code == 0, result.stderr
    taken = told("issue", out.parent / "in.csv", "--insurer", "association", "--out", out.parent / "new", "--job", "R8")
    assert (taken.exit_code, "<job_number_taken>" in taken.stderr) == (1, True)
    assert not (out.parent / "new").exists()


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf\r\n \r\n", "\u3000\n".encode()])
@pytest.mark.parametrize("more", [(), ("--plan-only",)])
def test_an_empty_list_of_undelivered_mail_is_refused_before_there_is_a_batch(
    out: Path, content: bytes, more: tuple[str, ...]
) -> None:
    (out.parent / "u.txt").write_bytes(content)
    result = issue(out, "--undelivered", out.parent / "u.txt", "--reissue", "came back", *more)
    assert (result.exit_code, "<empty_list>" in result.stderr, out.exists()) == (1, True, False)


@pytest.mark.parametrize("more", [(), ("--plan-only",)])
def test_an_extract_of_another_number_of_rows_than_expected_is_refused(out: Path, more: tuple[str, ...]) -> None:
    result = issue(out, "--expect", "4", *more)
    assert (result.exit_code, out.exists()) == (1, False)
    assert "the extract has 3 rows instead of 4" in result.stderr
    assert "<rows_differ>" in result.stderr
    assert issue(out, "--expect", "3", *more).exit_code == 0


@pytest.mark.parametrize("reason", ["", " ", "\u3000"])
def test_a_second_issue_needs_a_reason_that_says_something(out: Path, reason: str) -> None:
    result = issue(out, "--reissue", reason)
    assert (result.exit_code, "<reason_missing>" in result.stderr, out.exists()) == (1, True, False)


def test_a_batch_that_was_interrupted_and_is_refused_then_leaves_nothing(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    misspelt = out.parent / "misspelt.txt"
    misspelt.write_text("nobody\n")
    interrupt(monkeypatch, Coordinator, "run", out, "--exclude", misspelt)
    assert issue(out, "--exclude", misspelt, "--resume").exit_code == 1
    assert not out.exists() or list(out.iterdir()) == []


# --- another input than the batch was begun with ---


@pytest.mark.parametrize(
    "moment", [(Coordinator, "submit"), (_Run, "_take_in"), (_Run, "_print")], ids=lambda moment: moment[1]
)
def test_a_batch_does_not_go_on_with_another_input_whenever_it_was_interrupted(
    out: Path, monkeypatch: pytest.MonkeyPatch, moment: tuple[type, str]
) -> None:
    source, exclude = out.parent / "in.csv", out.parent / "exclude.txt"
    exclude.write_text(f"{keys(3)[2]}\n")
    interrupt(monkeypatch, *moment, out, "--exclude", exclude)
    for changed, content in ((source, extract(2)), (exclude, f"{keys(3)[1]}\n".encode())):
        before = changed.read_bytes()
        changed.write_bytes(content)
        refused = issue(out, "--exclude", exclude, "--resume")
        assert (refused.exit_code, refused.stderr.count("<input_changed>")) == (1, 1), refused.stderr
        assert ("extract" if changed == source else "--exclude") in refused.stderr
        assert f"docgen cancel {out}" in refused.stderr
        changed.write_bytes(before)
    went_on = issue(out, "--exclude", exclude, "--resume", "--json")
    assert went_on.exit_code == 0, went_on.stderr
    counts = json.loads(went_on.stdout)["counts"]
    assert (counts["printed"], counts["withdrawn"]) == (2, 1)


def test_a_batch_that_was_interrupted_takes_no_list_more_or_less(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exclude = out.parent / "exclude.txt"
    exclude.write_text(f"{keys(3)[2]}\n")
    interrupt(monkeypatch, Coordinator, "run", out)
    assert "<input_changed>" in issue(out, "--exclude", exclude, "--resume").stderr
    assert issue(out, "--resume").exit_code == 0
    # It is done, and whoever is on the list now was printed.
    late = issue(out, "--exclude", exclude, "--resume")
    assert (late.exit_code, "<input_changed>" in late.stderr) == (1, True)
    assert issue(out, "--resume").exit_code == 0


def test_a_batch_that_was_interrupted_is_given_up_and_its_people_issued_by_another(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, _Run, "_check_balance", out)
    assert list(out.rglob("*.pdf"))
    (out / "mine.txt").write_text("x")
    given_up = told("cancel", out)
    assert (given_up.exit_code, given_up.stderr) == (0, "")
    assert [path for path in out.rglob("*") if path.is_file()] == [out / "mine.txt"]
    (out / "mine.txt").unlink()
    (out.parent / "in.csv").write_bytes(extract(2))
    anew = issue(out, "--json")
    assert anew.exit_code == 0, anew.stderr
    assert json.loads(anew.stdout)["counts"]["printed"] == 2
    files = sorted(out.rglob("*"))
    refused = told("cancel", out)
    assert (refused.exit_code, "<batch_ended>" in refused.stderr, sorted(out.rglob("*"))) == (1, True, files)


def test_a_batch_that_the_ledger_does_not_know_yet_is_given_up_and_another_ledgers_is_not(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, Coordinator, "submit", out)
    Store.open(out).put("work/parts/0001.parquet", b"x")
    assert "<unknown_batch>" in told("cancel", out).stderr
    Store.open(out).delete("work/parts")
    assert told("cancel", out).exit_code == 0
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("state", ["done", "printing"])
def test_a_batch_that_is_done_or_runs_is_not_given_up(out: Path, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    interrupt(monkeypatch, Coordinator, "run", out)
    ledger = Ledger(Settings().ledger)
    (batch,) = ledger.waiting()
    lease = ledger.acquire(batch)
    assert lease is not None
    if state == "done":
        lease.end("done")
    else:
        monkeypatch.setattr("docgen.bulk.ledger._this_process", lambda: "elsewhere/1/2/3")
    refused = told("cancel", out)
    ledger.close()
    expected = {"done": "<batch_ended>", "printing": "<batch_running>"}[state]
    assert (refused.exit_code, expected in refused.stderr) == (1, True), refused.stderr
    assert (out / bulk_commands.NOTE).exists()


def test_an_object_of_a_store_that_was_replaced_is_another_extract(
    out: Path, monkeypatch: pytest.MonkeyPatch, s3: str
) -> None:
    inbox = f"{s3}/{uuid.uuid4().hex}"
    monkeypatch.setenv("DOCGEN_INPUT_PREFIXES", inbox)
    command = ("issue", f"{inbox}/in.csv", "--insurer", "association", "--out", out)
    Store.open(inbox).put("in.csv", extract(3))
    with monkeypatch.context() as patch:
        patch.setattr(_Run, "_print", stop)
        assert told(*command).exit_code == 5
    Store.open(inbox).put("in.csv", extract(2))
    assert "<input_changed>" in told(*command, "--resume").stderr
    Store.open(inbox).put("in.csv", extract(3))
    assert told(*command, "--resume").exit_code == 0
    Store.open(inbox).put("in.csv", extract(2))
    assert "<input_changed>" in told(*command, "--resume").stderr


def test_an_extract_that_changes_before_it_is_read_is_refused(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Coordinator.run

    def changed(coordinator: Coordinator, *arguments: Any) -> Any:
        (out.parent / "in.csv").write_bytes(extract(2))
        return run(coordinator, *arguments)

    monkeypatch.setattr(Coordinator, "run", changed)
    result = issue(out)
    assert (result.exit_code, "<input_changed>" in result.stderr) == (1, True)
    assert not out.exists()


@pytest.mark.parametrize(("command", "option"), [("reprint", "--reason"), ("issue", "--reissue")])
def test_who_gives_a_reason_is_told_that_the_vendor_reads_it(command: str, option: str) -> None:
    help_ = " ".join(told(command, "--help").stdout.replace("│", " ").split())
    assert "the vendor reads it, so write nobody's name in it" in help_[help_.index(option) :]
