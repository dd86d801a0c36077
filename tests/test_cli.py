"""The command line, as a script meets it: exit codes, what is on which stream, and files that are whole or absent.

What ends with each exit code is tried in a process of its own once, and otherwise in this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from docgen import located
from docgen.engine import preflight
from docgen.settings import Settings
from tests import samples
from tests.command import ROOT, run

Result = subprocess.CompletedProcess[bytes]


def process(
    *arguments: str | Path, stdin: bytes = b"", cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> Result:
    """The same as `run`, of a process."""
    command = [sys.executable, "-m", "docgen.cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    return subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, env=environment, timeout=60, check=False)


def render(
    record: object, out: Path | str, *more: str | Path, by: Callable[..., Result] = run, **options: Any
) -> Result:
    arguments = ("render", "card", "--insurer", "association", "--record", "-", "--out", out, *more)
    return by(*arguments, stdin=json.dumps(record).encode(), **options)


def assert_no_traceback(result: Result) -> None:
    assert b"Traceback" not in result.stderr


@pytest.fixture
def record() -> dict[str, Any]:
    return samples.record("card", "association-insured")


def test_without_arguments_it_prints_its_help_with_commands_and_exit_codes() -> None:
    result = process()
    assert result.returncode == 0
    text = result.stdout.decode()
    assert all(f"\n  {command} " in text for command in ("render", "serve", "preflight", "layout", "fonts"))
    assert all(f"\n    {code}  " in text for code in range(5))


def test_a_record_becomes_a_file_that_preflight_accepts(tmp_path: Path) -> None:
    source = Settings().layouts_dir / "samples/card/association-insured.json"
    out = tmp_path / "card.pdf"
    result = process("render", "card", "--insurer", "association", "--record", source, "--out", out)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert list(preflight(out)) == []
    assert run("preflight", out).returncode == 0


def test_it_reads_standard_input_and_writes_standard_output(record: dict[str, Any], tmp_path: Path) -> None:
    result = render(record, "-", by=process)
    assert result.returncode == 0
    assert render(record, tmp_path / "card.pdf").returncode == 0
    assert result.stdout == (tmp_path / "card.pdf").read_bytes()


def test_json_and_pictures_come_beside_the_file(record: dict[str, Any], tmp_path: Path) -> None:
    result = render(record, tmp_path / "card.pdf", "--json", "--png", tmp_path / "pictures")
    assert len(json.loads(result.stdout)["pages"]) == 2
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"card-1.png", "card-2.png"}


def test_a_barcode_that_is_left_out_is_told_with_the_reason(tmp_path: Path) -> None:
    source = Settings().layouts_dir / "samples/mount/association-general-postal-code.json"
    arguments = ("render", "mount", "--insurer", "association", "--record", source, "--out", tmp_path / "mount.pdf")
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (0, b"")
    [line] = result.stderr.decode().splitlines()
    assert line.startswith("address.barcode is left out: ")
    assert line.endswith(" <general_postal_code>")
    as_json = run(*arguments, "--json")
    assert json.loads(as_json.stdout)["omitted"] == {"address.barcode": "general_postal_code"}
    assert as_json.stderr == b""


def test_accessible_makes_a_tagged_file_of_a_notice_and_refuses_a_card(record: dict[str, Any], tmp_path: Path) -> None:
    source = Settings().layouts_dir / "samples/notice/society-last-four.json"
    out = tmp_path / "notice.pdf"
    made = run("render", "notice", "--insurer", "society", "--record", source, "--out", out, "--accessible")
    assert (made.returncode, made.stderr) == (0, b"")
    assert b"/StructTreeRoot" in out.read_bytes()
    assert run("preflight", out).returncode == 0
    refused = render(record, tmp_path / "card.pdf", "--accessible")
    assert refused.returncode == 1
    assert b"<not_accessible>" in refused.stderr
    assert not (tmp_path / "card.pdf").exists()


def test_the_specimen_mark_and_the_date_of_issue_are_options(record: dict[str, Any]) -> None:
    assert render(record, "-", "--no-specimen").stdout != render(record, "-", "--specimen").stdout
    del record["issued_on"]
    refused = render(record, "-")
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"<issued_on_missing>" in refused.stderr
    assert render(record, "-", "--issued-on", "2025-08-01").returncode == 0


def test_a_refused_record_exits_1_names_every_violation_and_leaves_no_file(
    record: dict[str, Any], tmp_path: Path
) -> None:
    record["person"]["born_on"] = "1985-02-30"
    record["nickname"] = "x"
    result = render(record, tmp_path / "card.pdf", by=process)
    assert result.returncode == 1
    assert "/person/born_on" in (text := result.stderr.decode())
    assert "<invalid_date>" in text
    assert "<unknown_key>" in text
    assert list(tmp_path.iterdir()) == []


def test_a_refused_record_leaves_the_file_that_was_there(record: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "card.pdf"
    out.write_bytes(b"before")
    assert render({**record, "nickname": "x"}, out).returncode == 1
    assert out.read_bytes() == b"before"


def test_violations_come_as_json_too(record: dict[str, Any]) -> None:
    result = render({**record, "nickname": "x"}, "never.pdf", "--json")
    assert result.returncode == 1
    violation = json.loads(result.stderr)["violations"][0]
    assert (violation["code"], violation["pointer"]) == ("unknown_key", "/nickname")


def test_a_file_that_is_no_json_exits_1(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_bytes(b'{"symbol": }')
    arguments = ("--insurer", "association", "--record", "record.json", "--out", "card.pdf")
    result = run("render", "card", *arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert b"line 1, column 12" in result.stderr
    assert_no_traceback(result)


@pytest.mark.parametrize("where", ["nowhere/record.json", "."])
def test_a_record_that_cannot_be_read_exits_1(where: str, tmp_path: Path) -> None:
    arguments = ("--insurer", "association", "--record", where, "--out", "card.pdf")
    result = run("render", "card", *arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert b"<unreadable_file>" in result.stderr
    assert_no_traceback(result)


@pytest.mark.parametrize("place", ["nowhere/card.pdf", ".", "/", "/proc/nope"])
def test_a_place_that_cannot_be_written_exits_1(record: dict[str, Any], place: str, tmp_path: Path) -> None:
    arguments = ("--insurer", "association", "--record", "-", "--out", place)
    result = run("render", "card", *arguments, stdin=json.dumps(record).encode(), cwd=tmp_path)
    assert result.returncode == 1
    assert b"<unwritable_file>" in result.stderr
    assert_no_traceback(result)


def test_a_full_standard_output_is_told_in_one_line() -> None:
    command = [sys.executable, "-m", "docgen.cli", "layout", "schema"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "standard output: No space left on device (send it where there is room) <unwritable_file>\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["rendr"],
        ["render", "card"],
        ["render", "passport", "--insurer", "association", "--record", "-", "--out", "-"],
        ["render", "card", "--insurer", "nobody", "--record", "-", "--out", "-"],
        ["render", "card", "--insurer", "association", "--record", "-", "--out", "-", "--issued-on", "2025-02-30"],
        ["render", "card", "--insurer", "association", "--record", "-", "--out", "-", "--json"],
        ["serve", "--port", "99999"],
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], record: dict[str, Any]) -> None:
    result = run(*arguments, stdin=json.dumps(record).encode())
    assert result.returncode == 2
    assert result.stdout == b""
    assert_no_traceback(result)


def test_a_wrong_setting_exits_2_and_is_named() -> None:
    result = process("layout", "check", env={"DOCGEN_PORT": "high"})
    assert result.returncode == 2
    assert b"DOCGEN_PORT" in result.stderr
    assert_no_traceback(result)


def test_a_wrong_layout_exits_3_with_file_and_line(record: dict[str, Any], tmp_path: Path) -> None:
    layouts = tmp_path / "layouts"
    subprocess.run(["cp", "-r", Settings().layouts_dir, layouts], check=True)
    card = layouts / "card.yaml"
    card.write_text("colour: red\n" + card.read_text(encoding="utf-8"), encoding="utf-8")
    result = render(record, "-", by=process, env={"DOCGEN_LAYOUTS_DIR": str(layouts)})
    assert result.returncode == 3
    assert b"card.yaml:1: " in result.stderr
    assert_no_traceback(result)
    assert run("layout", "check", env={"DOCGEN_LAYOUTS_DIR": str(layouts)}).returncode == 3


def test_a_missing_colour_profile_exits_4(record: dict[str, Any], tmp_path: Path) -> None:
    environment = {"DOCGEN_OUTPUT_PROFILE": str(tmp_path / "none.icc")}
    result = render(record, "-", by=process, env=environment)
    assert (result.returncode, result.stdout) == (4, b"")
    assert b"<icc_missing>" in result.stderr
    assert_no_traceback(result)
    assert run("fonts", "check", env=environment).returncode == 4


def test_missing_assets_keep_the_service_from_starting(tmp_path: Path) -> None:
    result = process("serve", "--port", "0", env={"DOCGEN_OUTPUT_PROFILE": str(tmp_path / "none.icc")})
    assert (result.returncode, result.stdout) == (4, b"")
    assert_no_traceback(result)


def test_a_file_that_is_no_pdf_is_refused_by_preflight(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"no PDF")
    result = run("preflight", tmp_path / "x.pdf", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)[str(tmp_path / "x.pdf")][0]["code"] == "pdf_unreadable"


def test_the_layouts_that_come_with_docgen_are_fine() -> None:
    result = run("layout", "check")
    assert (result.returncode, result.stderr) == (0, b""), result.stderr.decode()


def test_the_schema_of_layouts_is_printed() -> None:
    assert json.loads(run("layout", "schema").stdout)["title"] == "docgen layout"


def test_the_schema_of_profiles_takes_those_that_come_with_docgen() -> None:
    schema = json.loads(run("layout", "schema", "--profile").stdout)
    assert schema["title"] == "docgen profile of an insurer"
    Draft202012Validator.check_schema(schema)
    for path in (Settings().layouts_dir / "insurers").glob("*.yaml"):
        written = json.loads(json.dumps(located.load(path).data, default=str))  # a day is a text to an editor
        assert [error.message for error in Draft202012Validator(schema).iter_errors(written)] == []
        assert not Draft202012Validator(schema).is_valid({**written, "colour": "red"})


def test_the_fonts_are_found() -> None:
    result = run("fonts", "check", "--json")
    assert result.returncode == 0
    assert {asset["state"] for asset in json.loads(result.stdout)} == {"ok"}
