"""The folder that a designer works in: what is broken in it, and what nobody reads, is told by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from docgen.engine import Engine, folder
from docgen.errors import LayoutError, Violation
from docgen.issuance.documents import DOCUMENTS
from docgen.service.app import create_app
from docgen.settings import Settings
from tests.command import run

SAMPLE = "samples/card/society-insured.json"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A copy of the layouts with a single sample."""
    copy = tmp_path / "mine"
    shutil.copytree(Settings().layouts_dir, copy, ignore=shutil.ignore_patterns("samples"))
    (copy / SAMPLE).parent.mkdir(parents=True)
    shutil.copy(Settings().layouts_dir / SAMPLE, copy / SAMPLE)
    return copy


LAYOUTS = {name for kind in DOCUMENTS.values() for name in kind.layouts}


def unread(mine: Path) -> list[Violation]:
    return list(folder.unread(mine, LAYOUTS, DOCUMENTS))


def test_everything_that_comes_with_docgen_is_read() -> None:
    assert unread(Settings().layouts_dir) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"x":\n', "samples/card/society-first.json:2: column 1: "),
        (b'{"x": 1, "x": 2}', "samples/card/society-first.json: the key 'x' stands twice"),
        ("{\n 'x': '氏名'}".encode("cp932"), "samples/card/society-first.json:2: byte 8: the text is not UTF-8"),
    ],
)
def test_a_broken_sample_is_told_with_its_file_and_line(mine: Path, content: bytes, says: str) -> None:
    (mine / "samples/card/society-first.json").write_bytes(content)
    _, [found] = folder.samples(mine, "card")
    assert str(found).startswith(says)


def test_a_broken_sample_is_an_error_of_the_check_and_no_traceback(mine: Path) -> None:
    (mine / "samples/card/society-first.json").write_text('{"x":\n')
    result = run("layout", "check", env={"DOCGEN_LAYOUTS_DIR": str(mine)})
    assert result.returncode == 3
    assert b"samples/card/society-first.json:2: " in result.stderr
    assert b"Traceback" not in result.stderr


def test_the_service_leaves_a_broken_sample_out(mine: Path) -> None:
    (mine / "samples/card/society-first.json").write_text('{"x":\n')
    settings = Settings(layouts_dir=mine)
    with TestClient(create_app(settings, Engine(settings))) as client:
        answer = client.get("/v1/documents/card/samples")
    assert (answer.status_code, list(answer.json())) == (200, ["society-insured"])


def layout(mine: Path) -> str:
    shutil.copy(mine / "card.yaml", mine / "card のコピー.yaml")
    return "card のコピー.yaml: nobody reads this file (layouts have the names of documents; did you mean card?"


def other_ending(mine: Path) -> str:
    shutil.move(mine / "insurers/society.yaml", mine / "insurers/society.yml")
    shutil.rmtree(mine / "samples")
    return "insurers/society.yml: nobody reads this file (profiles are named ID.yaml)"


def unknown_document(mine: Path) -> str:
    shutil.copytree(mine / "samples/card", mine / "samples/cards")
    return "samples/cards: nobody reads this folder (samples stand in samples/DOCUMENT; did you mean card?"


def no_json(mine: Path) -> str:
    shutil.copy(mine / SAMPLE, mine / "samples/card/society-first.txt")
    return "samples/card/society-first.txt: nobody reads this file (samples are named INSURER-NAME.json)"


def beside_the_folders(mine: Path) -> str:
    shutil.copy(mine / SAMPLE, mine / "samples")
    return "samples/society-insured.json: nobody reads this file (samples stand in samples/DOCUMENT)"


@pytest.mark.parametrize("put", [layout, other_ending, unknown_document, no_json, beside_the_folders])
def test_a_file_that_nobody_reads_is_told_with_the_names_that_are_read(mine: Path, put: Callable[[Path], str]) -> None:
    says = put(mine)
    [found] = unread(mine)
    assert str(found).startswith(says)
    assert found.severity == "warning"


def test_hidden_files_are_nobodys_business(mine: Path) -> None:
    for name in (".card.yaml", "samples/.DS_Store", "samples/card/.DS_Store", "insurers/.society.yaml.swp"):
        (mine / name).touch()
    assert unread(mine) == []


def test_the_verdict_names_the_folder(mine: Path) -> None:
    environment = {"DOCGEN_LAYOUTS_DIR": str(mine)}
    shutil.copy(mine / "card.yaml", mine / "card-2.yaml")
    result = run("layout", "check", env=environment)
    warnings = len(result.stderr.splitlines())
    assert result.stdout.decode() == f"19 documents and 4 insurers in {mine} are fine, {warnings} warnings\n"
    assert b"card-2.yaml: nobody reads this file" in result.stderr
    (mine / "card.yaml").write_text("layout: card\n")
    wrong = run("layout", "check", env=environment)
    assert wrong.returncode == 3
    assert wrong.stderr.decode().splitlines()[-1] == f"4 errors in {mine}"
    assert json.loads(run("layout", "check", "--json", env=environment).stdout)["layouts_dir"] == str(mine)


def test_a_folder_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    missing = tmp_path / "mein"
    result = run("layout", "check", env={"DOCGEN_LAYOUTS_DIR": str(missing)})
    assert result.returncode == 3
    first, *others = result.stderr.decode().splitlines()
    assert first.startswith(f"the folder of layouts is not there: {missing} (DOCGEN_LAYOUTS_DIR names")
    assert others == [f"1 error in {missing}"]
    with pytest.raises(LayoutError, match="is no folder"):
        Engine(Settings(layouts_dir=Path(__file__)))


def pinned(mine: Path, insurer: str) -> dict[str, str]:
    """The files that decide this insurer's bytes, with their hashes."""
    found: dict[str, str] = Engine(Settings(layouts_dir=mine)).pinned(insurer)["layouts"]
    return found


def test_what_is_pinned_of_one_insurer_names_no_other_and_changes_with_its_own_files_alone(mine: Path) -> None:
    before = pinned(mine, "association")
    of_insurers = {name for name in before if name.startswith(("art/", "insurers/"))}
    assert of_insurers == {"art/association-mark.svg", "art/sample-seal.svg", "insurers/association.yaml"}
    (mine / "art/accountants-mark.svg").write_bytes(b"")
    (mine / "art/unused.svg").write_bytes(b"")
    assert pinned(mine, "association") == before
    with (mine / "art/sample-seal.svg").open("ab") as own:
        own.write(b"\n")
    assert pinned(mine, "association")["art/sample-seal.svg"] != before["art/sample-seal.svg"]


@pytest.mark.parametrize(
    ("insurer", "drawn", "other"),
    [
        ("society", "envelope-square-2.yaml", "envelope-long-3.yaml"),
        ("accountants", "certificate-card.yaml", "certificate.yaml"),
    ],
)
def test_the_layout_is_pinned_that_draws_a_document_in_the_insurers_size(
    mine: Path, insurer: str, drawn: str, other: str
) -> None:
    found = pinned(mine, insurer)
    assert drawn in found
    assert other not in found
