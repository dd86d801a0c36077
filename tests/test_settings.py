from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from docgen.settings import Settings
from tests.command import run

REPOSITORY = Path(__file__).parents[1]


def test_the_defaults_find_the_layouts_and_fonts_of_a_checkout() -> None:
    settings = Settings()
    assert settings.layouts_dir == REPOSITORY / "layouts"
    assert settings.fonts_toml == REPOSITORY / "fonts" / "fonts.toml"


def test_the_service_binds_to_loopback_unless_told_otherwise() -> None:
    assert Settings().host == "127.0.0.1"


def test_a_batch_gets_a_process_for_each_core_that_docgen_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for each of the machine: a container or a systemd unit may have fewer."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5})
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert Settings().workers == 1


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fonts = tmp_path / "fonts", tmp_path / "more"
    for folder in fonts:
        folder.mkdir()
    monkeypatch.setenv("DOCGEN_PORT", "8123")
    monkeypatch.setenv("DOCGEN_LAYOUTS_DIR", "/srv/layouts")
    monkeypatch.setenv("DOCGEN_FONT_PATH", os.pathsep.join(map(str, fonts)))
    settings = Settings()
    assert settings.port == 8123
    assert settings.layouts_dir == Path("/srv/layouts")
    assert settings.font_path == fonts


def test_a_folder_of_fonts_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = run("serve", env={"DOCGEN_FONT_PATH": f"{tmp_path}{os.pathsep}{tmp_path}/fnots"})
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode() == (
        f"DOCGEN_FONT_PATH: {tmp_path}/fnots is no folder: make it and put font files there, or leave it out\n"
    )


def test_a_value_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCGEN_PORT", "70000")
    with pytest.raises(ValidationError, match="port"):
        Settings()


def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant() -> None:
    result = run("fonts", "check", env={"DOCGEN_PROT": "1", "DOCGEN_WORKER": "3", "docgen_hots": "a"})
    assert (result.returncode, result.stdout) == (2, b"")
    third, first, second = sorted(result.stderr.decode().splitlines())
    assert first.startswith("DOCGEN_PROT: no such setting (did you mean DOCGEN_PORT?")
    assert second.startswith("DOCGEN_WORKER: no such setting (did you mean DOCGEN_WORKERS?")
    assert third.startswith("DOCGEN_HOTS: no such setting (did you mean DOCGEN_HOST?")


@pytest.mark.parametrize("place", ["s3:/bucket/batches", "s3:///batches", "S3://bucket", "file:///srv", "https://a/b"])
@pytest.mark.parametrize("name", ["DOCGEN_BATCHES_STORE", "DOCGEN_STATE_DIR"])
def test_a_place_that_is_neither_folder_nor_bucket_is_refused_and_no_folder_is_made(
    name: str, place: str, tmp_path: Path
) -> None:
    result = run("serve", cwd=tmp_path, env={name: place})
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().startswith(f"{name}: neither a folder nor s3://BUCKET/PREFIX")
    assert list(tmp_path.iterdir()) == []


def test_the_state_folder_cannot_be_in_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCGEN_STATE_DIR", "s3://bucket/state")
    with pytest.raises(ValidationError, match="not a folder"):
        Settings()


WRONG_LEDGERS = [
    "postgres://user:geheim@host/name",
    "mysql://user:geheim@host/name",
    "postgresql+psycopg2://user:geheim@host/name",
    "postgresql+psycopg://user:geheim@host:geheim/name",
    "geheim",
    "",
    "sqlite://",
    "sqlite:///:memory:",
    "sqlite://geheim/ledger.sqlite",
    "sqlite:///file:geheim?uri=true",
]


@pytest.mark.parametrize("url", WRONG_LEDGERS)
@pytest.mark.parametrize(
    "command", [["serve"], ["issue", "none.csv", "--insurer", "association", "--out", "package"], ["cancel", "package"]]
)
def test_a_wrong_ledger_is_refused_before_anything_is_done_and_not_repeated(
    command: list[str], url: str, tmp_path: Path
) -> None:
    result = run(*command, cwd=tmp_path, env={"DOCGEN_LEDGER_URL": url})
    assert (result.returncode, result.stdout) == (2, b"")
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("DOCGEN_LEDGER_URL: neither sqlite:///PATH nor postgresql+psycopg://USER:PASSWORD@HOST/NAME")
    assert "geheim" not in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    ["sqlite:////srv/ledger.sqlite", "sqlite:///near", "postgresql+psycopg://u:p%40@host:5432/name?sslmode=require"],
)
def test_a_ledger_is_a_file_or_in_postgresql(url: str) -> None:
    assert Settings(ledger_url=SecretStr(url)).ledger == url


def cannot_be_written(tmp_path: Path) -> dict[str, Path]:
    """Places that not even root can write, who tests may be run as."""
    (file := tmp_path / "file").write_bytes(b"")
    return {"below a file": file / "state", "a file": file, "made by the kernel": Path("/proc/nope")}


@pytest.mark.parametrize("kind", ["below a file", "a file", "made by the kernel"])
@pytest.mark.parametrize("name", ["DOCGEN_STATE_DIR", "DOCGEN_BATCHES_STORE"])
def test_the_service_does_not_listen_without_a_place_to_write(name: str, kind: str, tmp_path: Path) -> None:
    place = cannot_be_written(tmp_path)[kind]
    result = run("serve", "--port", "0", env={"DOCGEN_STATE_DIR": str(tmp_path / "state"), name: str(place)})
    assert (result.returncode, result.stdout) == (2, b"")
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith(f"{name}: {place} cannot be made or written: ")
    assert line.endswith("<unusable_place>")


def test_a_ledger_that_is_no_file_is_told_by_its_variable(tmp_path: Path) -> None:
    result = run("serve", "--port", "0", env={"DOCGEN_LEDGER_URL": f"sqlite:///{tmp_path}"})
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().startswith(f"DOCGEN_LEDGER_URL: {tmp_path} cannot be made or written: Is a directory")


def test_places_that_can_be_written_are_made_for_this_user_alone(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path / "state", batches_store=str(tmp_path / "elsewhere/batches"))
    settings.require_places(batches=True)
    settings.require_places(batches=True)
    made = sorted(tmp_path.rglob("*"))
    assert made == [tmp_path / name for name in ("elsewhere", "elsewhere/batches", "state")]
    assert {path.stat().st_mode & 0o777 for path in made} == {0o700}


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def files_of(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_a_wheel_carries_layouts_and_fonts_and_finds_them(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("docgen-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    script = "from docgen.settings import Settings; s = Settings(); print(s.layouts_dir); print(s.fonts_toml)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    layouts, fonts = map(Path, said.stdout.split())
    assert layouts.is_relative_to(tmp_path)
    assert files_of(layouts) == files_of(REPOSITORY / "layouts")
    assert fonts.read_bytes() == (REPOSITORY / "fonts" / "fonts.toml").read_bytes()
