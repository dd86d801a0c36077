"""Batches from the command line: what a script sees, and what is left in the folder."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.people import COLUMNS
from docgen.bulk.tables import read_table
from docgen.pdf.reader import read_pages
from docgen.settings import Settings
from tests import command as here
from tests.bulk.parts import dependent, family, insured
from tests.service.extracts import extract, keys

ROOT = Path(__file__).parents[2]
STAND_IN = (
    "prints with the stand-in output profile, Artifex CMYK SWOP Profile: "
    "set DOCGEN_OUTPUT_PROFILE before anything goes to press"
)


def environment(state: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "DOCGEN_STATE_DIR": str(state), "DOCGEN_WORKERS": "1"}


def run(state: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = here.run(*arguments, env=environment(state))
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def process(state: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The same as `run`, of a process."""
    command = [sys.executable, "-m", "docgen.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment(state), timeout=300, check=False
    )


def issue(
    state: Path, source: Path, out: Path, *more: str | Path, by: Callable[..., subprocess.CompletedProcess[str]] = run
) -> subprocess.CompletedProcess[str]:
    return by(state, "issue", "--insurer", "association", "--delivery", "bulk", source, "--out", out, *more)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extract") / "households.csv"
    path.write_bytes(extract(24, n3={"生年月日": ""}))
    return path


@pytest.fixture(scope="module")
def package(state: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages") / "one"
    result = issue(state, source, folder, "--job", "C1", "--json")
    assert (result.returncode, result.stderr) == (0, f"{STAND_IN}\n")
    assert json.loads(result.stdout)["counts"]["rejected"] == 1
    return folder


@pytest.fixture(scope="module")
def own_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in by another name, as if a print vendor had sent it."""
    path = tmp_path_factory.mktemp("profile") / "press.icc"
    path.write_bytes(Settings().output_profile.read_bytes().replace(b"Artifex", b"Press 5"))
    path.write_bytes(path.read_bytes().replace("Artifex".encode("utf-16-be"), "Press 5".encode("utf-16-be")))
    return path


def test_a_batch_by_the_stand_in_profile_says_so_before_it_is_printed(source: Path, tmp_path: Path) -> None:
    first, *_ = issue(tmp_path / "state", source, tmp_path / "out").stderr.splitlines()
    assert first == STAND_IN


def test_a_batch_by_the_vendors_profile_says_nothing_of_a_stand_in(
    source: Path, own_profile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCGEN_OUTPUT_PROFILE", str(own_profile))
    result = issue(tmp_path / "state", source, tmp_path / "out", "--json")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("command", ["issue", "reprint", "cancel", "reconcile", "find"])
def test_a_misspelt_bucket_is_refused_and_no_folder_is_made(
    command: str, source: Path, package: Path, tmp_path: Path
) -> None:
    place = "s3:/bucket/package"
    arguments = {
        "issue": [source, "--insurer", "association", "--out", place],
        "reprint": [package, "--reason", "x", "--page", "a:1", "--out", place],
        "find": [place, "--key", "a"],
    }
    env = environment(tmp_path / "state")
    (tmp_path / "here").mkdir()
    result = here.run(command, *arguments.get(command, [place]), cwd=tmp_path / "here", env=env)
    assert (result.returncode, result.stdout) == (2, b"")
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith(f"{place}: neither a folder nor s3://BUCKET/PREFIX")
    assert [path.name for path in tmp_path.rglob("*")] == ["here"]


@pytest.mark.parametrize("place", ["/proc/nope", "file/package", "file"])
def test_a_package_that_cannot_be_written_is_refused_in_one_line(source: Path, place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    result = issue(tmp_path / "state", source, tmp_path / place)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith(f"{tmp_path / place}: ")
    assert result.stderr.endswith(" (name a place that can be written) <unwritable_file>\n")
    assert "Traceback" not in result.stderr
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.parametrize("place", ["/proc/nope", "file/package", "file", "taken"])
def test_a_reprint_that_cannot_be_written_is_refused_in_one_line(
    state: Path, package: Path, place: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/vendor").write_bytes(b"mine")
    again = ("reprint", package, "--page", "vendor/C1-cards-0001.pdf:1", "--reason", "x")
    result = run(state, *again, "--out", tmp_path / place)
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{tmp_path / place}: ")
    assert line.endswith(" (name a place that can be written) <unwritable_file>")


@pytest.mark.parametrize("command", ["find", "reprint", "reconcile", "cancel"])
def test_a_file_that_is_none_is_told_in_one_line(command: str, state: Path, package: Path, tmp_path: Path) -> None:
    copy, wrong = tmp_path / "copy", "vendor/C1-pieces.csv" if command == "reconcile" else "vendor/C1-pages.csv"
    shutil.copytree(package, copy)
    (copy / wrong).unlink()
    (copy / wrong).mkdir()
    page = ("--page", "vendor/C1-cards-0001.pdf:1")
    arguments = {
        "find": [copy, *page],
        "reprint": [copy, *page, "--reason", "x", "--out", tmp_path / "again"],
        "reconcile": [copy],
        "cancel": [package / "vendor/manifest.json"],
    }
    result = run(state, command, *arguments[command])
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{package if command == 'cancel' else copy}/")
    assert line.endswith(" <unreadable_file>")


@pytest.mark.parametrize("command", ["issue", "cancel"])
def test_a_state_folder_that_cannot_be_written_is_refused_in_one_line(
    command: str, source: Path, tmp_path: Path
) -> None:
    out, state = tmp_path / "package", Path("/proc/nope")
    if command == "cancel":
        (out / "work").mkdir(parents=True)
        (out / "work/batch.json").write_text('{"batch": "1"}')
    result = issue(state, source, out) if command == "issue" else run(state, "cancel", out)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("DOCGEN_STATE_DIR: /proc/nope cannot be made or written: ")
    assert out.exists() == (command == "cancel")


def test_a_package_is_left_and_nothing_of_the_work(package: Path) -> None:
    assert sorted(path.name for path in package.iterdir()) == ["issuer", "vendor"]
    assert (package / "vendor" / "manifest.json").exists()


def test_what_docgen_makes_is_readable_by_its_user_alone_whatever_the_umask(source: Path, tmp_path: Path) -> None:
    above, state, out, open_to_all = (tmp_path / name for name in ("above", "state", "above/package", "mine"))
    open_to_all.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        assert issue(state, source, out).returncode == 0
        assert issue(state, source, open_to_all, "--reissue", "a test").returncode == 0
        again = run(
            state, "reprint", out, "--page", "vendor/S0001-cards-0001.pdf:1", "--reason", "x", "--out", tmp_path / "r"
        )
        assert again.returncode == 0, again.stderr
    finally:
        os.umask(before)
    made = [above, out, state, tmp_path / "r"]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in made} == {path.name: "0o700" for path in made}
    assert open_to_all.stat().st_mode & 0o777 == 0o755


def test_it_reconciles_and_says_where_it_was_changed(state: Path, package: Path) -> None:
    assert run(state, "reconcile", package).returncode == 0
    pages = package / "vendor" / "C1-pages.csv"
    before = pages.read_bytes()
    try:
        pages.write_bytes(before.replace(b"C1-cards-0001.pdf,3,", b"C1-cards-0001.pdf,5,", 1))
        damaged = run(state, "reconcile", package)
    finally:
        pages.write_bytes(before)
    assert damaged.returncode == 1
    assert "vendor/C1-pages.csv" in damaged.stderr
    assert "Traceback" not in damaged.stderr


def test_somebody_is_found_by_their_own_key_and_printed_again(state: Path, package: Path, tmp_path: Path) -> None:
    found = run(state, "find", package, "--key", keys(24)[0], "--json")
    held = [json.loads(line) for line in found.stdout.splitlines()]
    assert {holding["document"] for holding in held} == {"mount", "card"}
    (tmp_path / "people.txt").write_text("\n".join(held[0]["people"]))
    again = run(
        state, "reprint", package, "--person", f"@{tmp_path}/people.txt", "--reason", "damaged", "--out", tmp_path / "r"
    )
    assert again.returncode == 0, again.stderr
    assert run(state, "reconcile", tmp_path / "r").returncode == 0
    assert run(state, "find", package, "--key", "nobody").returncode == 1


def test_a_card_that_comes_with_its_mount_says_whose_do_not(state: Path, package: Path, tmp_path: Path) -> None:
    cells = [row.split(",") for row in (package / "vendor/C1-pieces.csv").read_text("utf-8-sig").splitlines()[1:]]
    piece, sheet, of, _, _, cards, *_ = max(cells, key=lambda row: int(row[5]))
    again = ("reprint", package, "--reason", "x", "--piece", f"{piece}-{sheet}1")
    told = run(state, *again, "--out", tmp_path / "one").stderr
    assert told == (
        f"the mount carries {int(cards) - 1} other cards, not asked for and not in this reprint: all of a mount's come "
        f"by --piece {piece}-{sheet}/{of}\n"
    )
    assert run(state, *again, "--cards-only", "--out", tmp_path / "bare").stderr == ""


def test_a_reprint_names_the_other_files_that_are_not_as_they_were_made(
    state: Path, package: Path, tmp_path: Path
) -> None:
    shutil.copytree(package, tmp_path / "copy")
    again = ("reprint", tmp_path / "copy", "--page", "vendor/C1-cards-0001.pdf:1", "--cards-only", "--reason", "x")
    shutil.rmtree(tmp_path / "copy/issuer")  # a vendor has not got it
    assert run(state, *again, "--out", tmp_path / "one").stderr == ""
    with (tmp_path / "copy/vendor/C1-mounts-0001.pdf").open("ab") as file:
        file.write(b" ")
    told = run(state, *again, "--out", tmp_path / "two")
    assert (told.returncode, "vendor/C1-mounts-0001.pdf" in told.stderr) == (0, True)
    assert "vendor/C1-cards-0001.pdf" not in told.stderr
    (tmp_path / "copy/vendor/C1-mounts-0001.pdf").unlink()
    assert "vendor/C1-mounts-0001.pdf" in run(state, *again, "--out", tmp_path / "three").stderr


def test_a_plan_counts_as_the_package_does_and_leaves_nothing(
    state: Path, source: Path, package: Path, tmp_path: Path
) -> None:
    planned = issue(state, source, tmp_path / "none", "--plan-only", "--json", "--reissue", "only to compare")
    assert planned.returncode == 0, planned.stderr
    told = json.loads(planned.stdout)
    assert told["counts"] == json.loads((package / "vendor/manifest.json").read_text())["counts"]
    assert not (tmp_path / "none").exists()


def test_a_plan_knows_who_was_issued_already(state: Path, source: Path, package: Path, tmp_path: Path) -> None:
    told = json.loads(issue(state, source, tmp_path / "none", "--plan-only", "--json").stdout)
    assert told["counts"]["printed"] == 0


def test_people_on_the_exclude_list_are_counted_as_withdrawn(state: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(extract(12, seed=5))
    (tmp_path / "exclude.txt").write_text(f"{keys(12, seed=5)[2]}\n")
    result = issue(
        state, tmp_path / "in.csv", tmp_path / "out", "--exclude", tmp_path / "exclude.txt",
        "--reissue", "a test", "--issued-on", "2025-08-01", "--json",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["counts"]["withdrawn"] == 1


def extract_of(path: Path, *people: Mapping[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(people)
    return path


def issued(state: Path, source: Path, out: Path, *more: str | Path) -> tuple[dict[str, int], dict[str, str], list[str]]:
    """The counts of a batch that reconciles, who became what, and the cards of each envelope to a household."""
    result = issue(state, source, out, *more, "--json")
    assert result.returncode == 0, result.stderr
    assert run(state, "reconcile", out).returncode == 0
    (listed,), (sent,) = out.glob("issuer/*-keys.csv"), out.glob("vendor/*-pieces.csv")
    with listed.open("rb") as keys, sent.open("rb") as pieces:
        states = {row["key"]: row["state"] for row in read_table(keys)}
        cards = [row["cards"] for row in read_table(pieces) if row["kind"] != "letter"]
    return {name: count for name, count in json.loads(result.stdout)["counts"].items() if count}, states, cards


def test_mail_that_came_back_is_made_again_for_the_people_who_are_named_or_for_a_whole_household(
    state: Path, tmp_path: Path
) -> None:
    cells = {"世帯番号": "00082001", "番号": "82001"}
    source = extract_of(
        tmp_path / "in.csv", *family(6, **cells), *family(2, 世帯番号="00082002", 番号="82002", 郵便番号="12-34")
    )
    _, states, cards = issued(state, source, tmp_path / "first")
    assert (sum(one == "printed" for one in states.values()), cards) == (6, ["4", "2"])
    more = ("--reissue", "returned", "--undelivered")
    (tmp_path / "people.txt").write_text("00082001-05\n00082001-04\n")
    counts, states, cards = issued(state, source, tmp_path / "people", *more, tmp_path / "people.txt")
    assert states == {"00082001-04": "printed", "00082001-05": "printed"}
    assert cards == ["2"]
    assert (counts["people"], counts["printed"], counts["cards"], counts["households"]) == (2, 2, 2, 1)
    (tmp_path / "household.txt").write_text("00082001\n")
    counts, states, cards = issued(state, source, tmp_path / "household", *more, tmp_path / "household.txt")
    assert (counts["people"], counts["printed"], cards) == (6, 6, ["4", "2"])


def test_one_more_in_a_household_is_printed_alone_and_nobody_twice_wherever_they_live_now(
    state: Path, tmp_path: Path
) -> None:
    cells = {"世帯番号": "00083001", "番号": "83001"}
    _, states, _ = issued(state, extract_of(tmp_path / "in.csv", *family(2, **cells)), tmp_path / "first")
    assert states == {"00083001-00": "printed", "00083001-01": "printed"}
    moved = {**cells, "郵便番号": "222-0022", "住所": "例示県例示市見本町"}
    source = extract_of(tmp_path / "later.csv", *family(3, **moved))
    counts, states, cards = issued(state, source, tmp_path / "later")
    assert states == {"00083001-00": "rejected", "00083001-01": "rejected", "00083001-02": "printed"}
    assert (counts["people"], counts["printed"], counts["rejected"], cards) == (3, 1, 2, ["1"])
    (mounts,) = (tmp_path / "later").glob("vendor/*-mounts-0001.pdf")
    assert "例示県例示市見本町" in "".join(next(read_pages(mounts.read_bytes())).blocks())
    assert "nobody_printed" in issue(state, source, tmp_path / "again").stderr


def test_who_keeps_a_card_of_another_day_is_excluded_where_one_more_joins(state: Path, tmp_path: Path) -> None:
    cells = {"世帯番号": "00084001", "番号": "84001"}
    source = extract_of(tmp_path / "in.csv", *family(2, **cells), dependent(2, **cells, 交付年月日="20250910"))
    (tmp_path / "exclude.txt").write_text("00084001-00\n00084001-01\n")
    counts, states, cards = issued(
        state, source, tmp_path / "out", "--issued-on", "2025-09-10", "--exclude", tmp_path / "exclude.txt"
    )
    assert states == {"00084001-00": "withdrawn", "00084001-01": "withdrawn", "00084001-02": "printed"}
    assert (counts["people"], counts["printed"], counts["withdrawn"], cards) == (3, 1, 2, ["1"])


def codes_of(out: Path) -> dict[str, str]:
    (table,) = out.glob("issuer/*-rejects.csv")
    with table.open("rb") as stream:
        return {row["key"]: row["code"] for row in read_table(stream)}


def test_a_newborn_under_the_branch_of_another_is_not_lost_as_issued_already(state: Path, tmp_path: Path) -> None:
    cells = {"世帯番号": "00085001", "番号": "85001"}
    issued(state, extract_of(tmp_path / "in.csv", *family(2, **cells)), tmp_path / "first")
    born = dict.fromkeys(("生年月日", "資格取得年月日", "認定年月日"), "20250704")
    newborn = dependent(1, **cells, **born, 名="新生")
    source = extract_of(tmp_path / "later.csv", *family(1, **cells), newborn, dependent(2, **cells))
    issue(state, source, tmp_path / "later")  # of which nobody is printed
    expected = {"00085001-00": "already_issued", "00085001-01": "identity_conflict", "00085001-02": "household_held"}
    assert codes_of(tmp_path / "later") == expected
    planned = json.loads(issue(state, source, tmp_path / "none", "--plan-only", "--json").stdout)
    assert planned["reasons"] == dict.fromkeys(expected.values(), 1)
    _, states, _ = issued(state, source, tmp_path / "again", "--reissue", "the birth date was corrected")
    assert set(states.values()) == {"printed"}


def test_a_twin_under_the_branch_of_the_other_is_not_lost_as_issued_already(state: Path, tmp_path: Path) -> None:
    cells = {"世帯番号": "00089001", "番号": "89001"}
    issued(state, extract_of(tmp_path / "in.csv", *family(2, **cells)), tmp_path / "first")
    twin = extract_of(tmp_path / "later.csv", insured(**cells), dependent(1, **cells, 名="双子"))
    issue(state, twin, tmp_path / "later")
    assert codes_of(tmp_path / "later") == {"00089001-00": "already_issued", "00089001-01": "identity_conflict"}
    (table,) = (tmp_path / "later").glob("issuer/*-rejects.csv")
    assert "another name" in table.read_text("utf-8-sig")
    _, states, _ = issued(state, twin, tmp_path / "again", "--reissue", "the name was corrected")
    assert set(states.values()) == {"printed"}
    issue(state, twin, tmp_path / "third")
    assert set(codes_of(tmp_path / "third").values()) == {"already_issued"}


def test_who_was_excluded_does_not_come_back_with_the_next_extract_unless_for_a_reason(
    state: Path, tmp_path: Path
) -> None:
    cells = {"世帯番号": "00086001", "番号": "86001"}
    source = extract_of(tmp_path / "in.csv", *family(2, **cells), insured(世帯番号="00086002", 番号="86002"))
    (tmp_path / "list.txt").write_text("00086001-01\n")
    _, states, _ = issued(state, source, tmp_path / "first", "--exclude", tmp_path / "list.txt")
    assert states == {"00086001-00": "printed", "00086001-01": "withdrawn", "00086002-00": "printed"}
    nobody = issue(state, source, tmp_path / "second")
    assert "nobody_printed" in nobody.stderr
    found = codes_of(tmp_path / "second")
    assert found == {**dict.fromkeys(states, "already_issued"), "00086001-01": "withdrawn_before"}
    (tmp_path / "back.txt").write_text("00086001\n")
    back = ("--reissue", "came back", "--undelivered", tmp_path / "back.txt")
    _, states, cards = issued(state, source, tmp_path / "back", *back)
    assert (states, cards) == ({"00086001-00": "printed", "00086001-01": "rejected"}, ["1"])
    assert codes_of(tmp_path / "back") == {"00086001-01": "withdrawn_before"}
    _, states, _ = issued(state, source, tmp_path / "third", "--reissue", "entitled after all")
    assert set(states.values()) == {"printed"}


def test_mail_does_not_come_back_from_who_was_sent_none(state: Path, tmp_path: Path) -> None:
    source = extract_of(tmp_path / "in.csv", *family(2, 世帯番号="00087001", 番号="87001"))
    (tmp_path / "list.txt").write_text("00087001\n")
    for name, more in (("one", ()), ("other", ("--reissue", "came back"))):
        done = issue(state, source, tmp_path / name, "--undelivered", tmp_path / "list.txt", *more)
        assert (done.returncode, "nobody_printed" in done.stderr) == (1, True)
        assert codes_of(tmp_path / name) == dict.fromkeys(("00087001-00", "00087001-01"), "never_issued")
    assert issue(state, source, tmp_path / "first").returncode == 0


def test_a_folder_that_holds_something_is_left_alone(state: Path, source: Path, package: Path, tmp_path: Path) -> None:
    assert "<out_not_empty>" in issue(state, source, package).stderr
    (tmp_path / "mine.txt").write_text("x")
    refused = issue(state, source, tmp_path)
    assert (refused.returncode, list(tmp_path.iterdir())) == (1, [tmp_path / "mine.txt"])
    finished = issue(state, source, package, "--resume")
    assert finished.returncode == 0
    assert "job C1" in finished.stdout


def test_resume_does_not_take_another_batch_for_the_one_that_is_asked_for(
    state: Path, source: Path, package: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_bytes(extract(3, seed=77))
    assert "<input_changed>" in issue(state, other, package, "--resume").stderr
    for refused in (
        issue(state, source, package, "--resume", "--job", "C2"),
        issue(state, source, package, "--resume", "--issued-on", "2025-08-02"),
    ):
        assert refused.returncode == 1
        assert "asked for in another way" in refused.stderr


def test_wrong_usage_is_told_apart_from_refusal(state: Path, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(state, "issue", "--insurer", "nobody", source, "--out", out).returncode == 2
    assert run(state, "issue", "--insurer", "association", "none.csv", "--out", out).returncode == 1
    assert run(state, "issue", "--insurer", "association", source, "--out", out, "--job", "x/y").returncode == 2
    assert run(state, "worker").returncode == 2
    assert run(state, "reprint", tmp_path, "--reason", "x", "--out", out).returncode == 2
    assert not out.exists()


def test_a_batch_that_was_interrupted_is_finished_by_resume_to_the_same_bytes(state: Path, tmp_path: Path) -> None:
    source, out, other = tmp_path / "in.csv", tmp_path / "out", tmp_path / "undisturbed"
    source.write_bytes(extract(60, seed=9))
    command = ["issue", "--insurer", "association", "--delivery", "bulk", source, "--out", out, "--job", "C9"]
    begun = subprocess.Popen(
        [sys.executable, "-m", "docgen.cli", *map(str, command)],
        cwd=ROOT, env=environment(state), stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not (out / "work" / "parts").exists() and begun.poll() is None:
        time.sleep(0.02)
    os.killpg(begun.pid, signal.SIGINT)
    _, errors = begun.communicate(timeout=60)
    assert begun.returncode == 5, errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert not (out / "vendor" / "manifest.json").exists()
    (out / ".incoming" / ".half").write_bytes(b"what a killed process was about to write")
    assert "<out_not_empty>" in issue(state, source, out, "--job", "C9").stderr
    assert "asked for in another way" in issue(state, source, out, "--job", "C8", "--resume").stderr
    resumed = issue(state, source, out, "--job", "C9", "--resume", by=process)
    assert resumed.returncode == 0, resumed.stderr
    assert issue(tmp_path / "state", source, other, "--job", "C9").returncode == 0
    files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    assert [name for name in files if (out / name).read_bytes() != (other / name).read_bytes()] == []


def test_workers_of_a_remote_scheduler_make_the_same_package(source: Path, package: Path, tmp_path: Path) -> None:
    env = environment(tmp_path / "state")
    note = tmp_path / "scheduler.json"
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with ExitStack() as stack:
        start(stack, env, *scheduler, "--scheduler-file", str(note))
        env["DOCGEN_SCHEDULER"] = address_in(note)
        start(stack, env, "docgen.cli", "worker")
        command = ["issue", "--insurer", "association", "--delivery", "bulk", str(source), "--job", "C1"]
        out = tmp_path / "out"
        result = subprocess.run(
            [sys.executable, "-m", "docgen.cli", *command, "--out", str(out)],
            env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (out / "vendor/manifest.json").read_bytes() == (package / "vendor/manifest.json").read_bytes()


def test_a_worker_says_that_it_has_joined_and_that_it_has_lost_its_scheduler(tmp_path: Path) -> None:
    env = environment(tmp_path / "state")
    own = {**env, "TMPDIR": str(tmp_path / "tmp"), "DOCGEN_OUTPUT_CONDITION": "Custom"}
    note = tmp_path / "scheduler.json"
    (tmp_path / "tmp").mkdir()
    scheduler = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with subprocess.Popen(
        [sys.executable, *scheduler, "--scheduler-file", str(note)], env=env, stderr=subprocess.DEVNULL
    ) as lost:
        address = address_in(note)
        command = [sys.executable, "-m", "docgen.cli", "worker", "--scheduler", address, "--workers", "2"]
        with subprocess.Popen(
            command, env=own, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == f"docgen prints for {address} in 2 processes\n"
            lost.kill()
            said, complaints = worker.communicate(timeout=60)
    assert (worker.returncode, said) == (5, "")
    assert complaints.splitlines() == [
        "DOCGEN_OUTPUT_CONDITION: no effect on a worker: who runs the batch says where layouts, fonts and colour "
        "profile are",
        f"The scheduler at {address} has ended, or was lost: nothing is printed here any more. (See to it. Then start "
        "`docgen worker` again.) <cluster_unavailable>",
    ]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_batch_leaves_nothing_in_the_temporary_folder(source: Path, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path / "tmp"))
        assert issue(tmp_path / "state", source, tmp_path / "out", by=process).returncode == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def address_in(note: Path) -> str:
    """Where a scheduler listens: it opens the file of its note before it writes, so that one waits for the end."""
    until = time.monotonic() + 60
    while not (text := note.read_text() if note.exists() else "").endswith("\n}"):
        assert time.monotonic() < until, "the scheduler has not said where it listens"
        time.sleep(0.05)
    return json.loads(text)["address"]


def start(stack: ExitStack, env: Mapping[str, str], module: str, *arguments: str) -> None:
    """A process that is ended with the stack."""
    begun = subprocess.Popen([sys.executable, "-m", module, *arguments], env=env, cwd=ROOT, stderr=subprocess.DEVNULL)
    stack.callback(begun.wait, timeout=30)
    stack.callback(begun.terminate)


@pytest.mark.parametrize("more", [(), ("--plan-only",), ("--issued-on", "2025-08-01"), ("--resume",)])
def test_an_extract_that_cannot_be_read_is_refused_with_the_row(
    state: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    lines = extract(6, seed=9).decode().splitlines()
    lines[3] = lines[3].replace(",", ',"', 1)
    (tmp_path / "in.csv").write_text("\n".join(lines), encoding="utf-8")
    refused = issue(state, tmp_path / "in.csv", tmp_path / "out", *more)
    assert (refused.returncode, "row 3" in refused.stderr, "<unclosed_quote>" in refused.stderr) == (1, True, True)
    assert "Traceback" not in refused.stderr
