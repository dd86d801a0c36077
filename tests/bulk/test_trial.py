"""Trials: packages that nobody can mail, and that issue nobody."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from click.testing import Result
from typer.testing import CliRunner

from docgen.bulk.against import reconcile_shard
from docgen.bulk.find import Selection
from docgen.bulk.opened import MANIFEST, open_manifest, specimen_marks
from docgen.bulk.reconcile import reconcile
from docgen.bulk.reprint import reprint
from docgen.bulk.store import Store
from docgen.cli import app
from docgen.engine import Engine
from docgen.pdf.reader import read_pages
from tests.bulk import packages
from tests.bulk.damage import Damaged, lines, set_lines
from tests.service.extracts import extract, keys

CARDS = "vendor/S01-cards-0001.pdf"


def made(engine: Engine, folder: Path, *, trial: bool, delivery: str = "bulk") -> Path:
    """A package of twelve people."""
    folder.mkdir()
    packages.issue(engine, folder, packages.job(delivery, trial=trial), [packages.rows(12)])
    return folder / "package"


@pytest.fixture(scope="module")
def trial(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(engine, tmp_path_factory.mktemp("packages") / "trial", trial=True)


@pytest.fixture(scope="module")
def real(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(engine, tmp_path_factory.mktemp("packages") / "real", trial=False)


@pytest.fixture
def damaged(trial: Path, tmp_path: Path) -> Damaged:
    shutil.copytree(trial, tmp_path / "package")
    return Damaged(tmp_path / "package")


def codes(package: Path, *, vendor_only: bool = False) -> set[str]:
    return {finding.code for finding in reconcile(Store.open(package), vendor_only=vendor_only).findings}


@pytest.mark.parametrize("delivery", ["bulk", "regular", "lists"])
def test_every_page_of_a_trial_bears_the_mark_and_the_trial_is_sound(
    engine: Engine, tmp_path: Path, delivery: str
) -> None:
    package = made(engine, tmp_path / "trial", trial=True, delivery=delivery)
    report = reconcile(Store.open(package))
    assert (report.findings, open_manifest(Store.open(package)).job.trial) == ([], True)
    pages = [page for file in package.glob("vendor/*.pdf") for page in read_pages(file)]
    assert len(pages) == report.counts.pages > 0
    assert all(any(run.text == "見本" and abs(run.angle) > 10 for run in page.runs) for page in pages)
    job = packages.job(delivery, trial=True)
    assert reconcile_shard(engine, Store.open(package), job, 1).findings == []


def test_a_trial_says_the_same_of_the_same_people_as_the_real_package(trial: Path, real: Path) -> None:
    one, other = (json.loads((package / MANIFEST).read_bytes()) for package in (trial, real))
    assert one["job"] == {**other["job"], "trial": True}
    assert (one["counts"], one["specimen"]) == (other["counts"], other["specimen"])
    for name in ("vendor/S01-pieces.csv", "issuer/S01-keys.csv", "issuer/S01-rejects.csv"):
        assert (trial / name).read_bytes() == (real / name).read_bytes()
    texts = [[page.blocks() for page in read_pages(package / CARDS)] for package in (trial, real)]
    assert texts[0] == texts[1]


def test_a_page_without_the_mark_is_found_in_a_trial_though_every_hash_was_repaired(damaged: Damaged) -> None:
    def edit(pdf: pikepdf.Pdf) -> None:
        drawn, *rest = lines(pdf, 3)
        assert drawn.endswith(b" Do")
        set_lines(pdf, 3, rest)

    damaged.pages_of(CARDS, edit)
    damaged.hide()
    (found,) = reconcile(Store.open(damaged.folder), vendor_only=True).findings
    assert (found.code, found.file, found.page) == ("package_specimen", CARDS, 3)


@pytest.mark.parametrize("vendor_only", [True, False])
def test_files_of_a_real_package_are_found_in_a_trial_and_the_other_way(
    trial: Path, real: Path, tmp_path: Path, vendor_only: bool
) -> None:
    for at, (package, other) in enumerate(((trial, real), (real, trial))):
        shutil.copytree(package, tmp_path / str(at))
        shutil.copy(other / CARDS, tmp_path / str(at) / CARDS)
        Damaged(tmp_path / str(at)).hide()
        assert codes(tmp_path / str(at), vendor_only=vendor_only) == {"package_specimen"}


def test_a_trial_does_not_become_a_real_package_by_what_its_manifest_says(
    engine: Engine, trial: Path, real: Path, damaged: Damaged
) -> None:
    damaged.manifest(lambda manifest: manifest["job"].pop("trial"))
    assert codes(damaged.folder) == {"package_specimen"}
    real_job, trial_job = packages.job(), packages.job(trial=True)
    for package, job in ((trial, real_job), (real, trial_job)):
        findings = reconcile_shard(engine, Store.open(package), job, 1).findings
        assert {finding.code for finding in findings} == {"package_specimen"}


def test_layouts_without_a_mark_of_their_own_make_no_trial(engine: Engine, damaged: Damaged) -> None:
    assert specimen_marks(engine, "association") == {"見本"}
    damaged.manifest(lambda manifest: manifest.update(specimen=[]))
    assert codes(damaged.folder) == {"package_specimen"}


def test_what_is_printed_again_of_a_trial_is_a_trial(trial: Path, tmp_path: Path) -> None:
    store, out = Store.open(trial), Store.open(tmp_path / "again")
    reprint(store, out, Selection(pages=(f"{CARDS}:1",)), "to see")
    assert open_manifest(out).job.trial
    assert reconcile(out).findings == []
    told = CliRunner().invoke(app, ["reconcile", str(tmp_path / "again")]).output
    assert "(a trial, for nobody's mail)" in told


# --- by command ---


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where packages go, with a ledger of its own."""
    monkeypatch.setenv("DOCGEN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DOCGEN_WORKERS", "1")
    return tmp_path


def issue(out: Path, name: str, content: bytes, *more: str | Path) -> Result:
    (out / "in.csv").write_bytes(content)
    asked = ["issue", out / "in.csv", "--insurer", "association", "--out", out / name, *more]
    return CliRunner().invoke(app, list(map(str, asked)))


def states(package: Path) -> list[str]:
    (table,) = package.glob("issuer/*-keys.csv")
    return [line.rpartition(",")[2] for line in table.read_text("utf-8-sig").splitlines()[1:]]


def test_a_trial_issues_nobody_and_keeps_out_whom_the_real_batch_keeps_out(out: Path) -> None:
    assert issue(out, "first", extract(4)).exit_code == 0
    (out / "exclude.txt").write_text(f"{keys(12)[-1]}\n")
    for name in ("trial-1", "trial-2"):
        result = issue(out, name, extract(12), "--trial", "--exclude", out / "exclude.txt")
        assert (result.exit_code, ", a trial: nobody is issued: " in result.stdout) == (0, True), result.output
    assert issue(out, "real", extract(12)).exit_code == 0  # nor does it remember who was excluded
    counts = {name: json.loads((out / name / MANIFEST).read_bytes())["counts"] for name in ("trial-2", "real")}
    assert (counts["trial-2"]["rejected"], counts["trial-2"]["withdrawn"]) == (counts["real"]["rejected"], 1)
    assert counts["trial-2"]["printed"] == counts["real"]["printed"] - 1
    assert states(out / "trial-1") == states(out / "trial-2")
    numbers = {open_manifest(Store.open(out / name)).job.number for name in ("trial-1", "trial-2", "real")}
    assert len(numbers) == 3  # so that no code of a trial is one of a real card


def test_a_trial_that_was_begun_is_not_finished_as_a_real_batch(out: Path) -> None:
    assert issue(out, "trial", extract(1), "--trial", "--job", "T1").exit_code == 0
    refused = issue(out, "trial", extract(1), "--resume", "--job", "T1")
    assert (refused.exit_code, "<out_not_empty>" in refused.stderr) == (1, True)
    assert issue(out, "trial", extract(1), "--trial", "--resume", "--job", "T1").exit_code == 0


def test_only_a_trial_says_in_json_whether_it_is_one() -> None:
    job = packages.job()
    assert "trial" not in job.as_dict()
    assert type(job).from_dict(replace(job, trial=True).as_dict()).trial
