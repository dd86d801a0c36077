"""The fonts and the colour profile: found, missing, altered, and installed by a stand-in for apt."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from docgen.errors import AssetError
from docgen.install import install, survey
from docgen.settings import Settings
from docgen.text.registry import FontRegistry

SHIPPED = Settings()
FACES = list(FontRegistry.load(SHIPPED.fonts_toml).faces)


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    """A machine without fonts and profile: the catalogue's folders stand under tmp_path."""
    toml = SHIPPED.fonts_toml.read_text(encoding="utf-8")
    head, tail = toml.split("dirs = [")
    fonts_toml = tmp_path / "fonts.toml"
    fonts_toml.write_text(f'{head}dirs = ["{tmp_path}/fonts"]{tail.split("]", 1)[1]}', encoding="utf-8")
    (tmp_path / "fonts").mkdir()
    (tmp_path / "bin").mkdir()
    return Settings(fonts_toml=fonts_toml, output_profile=tmp_path / "cmyk.icc")


def write_program(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    path.chmod(0o755)


def test_this_machine_has_everything() -> None:
    assert {asset.id: asset.state for asset in survey(SHIPPED)} == dict.fromkeys([*FACES, "output-profile"], "ok")


def test_a_survey_tells_found_from_missing_and_altered(bare: Settings, tmp_path: Path) -> None:
    shutil.copy(FontRegistry.load(SHIPPED.fonts_toml).path("mincho"), tmp_path / "fonts")
    (tmp_path / "fonts" / "ipamjm.ttf").write_bytes(b"another version")
    states = {asset.id: asset.state for asset in survey(bare)}
    assert states.pop("mincho") == "ok"
    assert states.pop("mj") == "altered"
    assert set(states.values()) == {"missing"}


def test_an_altered_file_in_a_named_folder_is_told_with_what_to_do_and_apt_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ipamjm.ttf").write_bytes(b"another version")
    write_program(tmp_path / "apt-get", f"touch {tmp_path}/asked")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(AssetError) as caught:
        install(Settings(font_path=(tmp_path,)))
    (violation,) = caught.value.violations
    assert violation.code == "font_altered"
    assert str(tmp_path / "ipamjm.ttf") in violation.message
    assert violation.hint.startswith("put ipamjm.ttf from ")
    assert not (tmp_path / "asked").exists()


def test_a_profile_of_another_kind_is_told_from_a_missing_one(
    bare: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    shutil.copy(SHIPPED.output_profile.with_name("default_rgb.icc"), bare.output_profile)
    with pytest.raises(AssetError, match=r"cmyk\.icc is no CMYK printer profile .*<icc_invalid>"):
        install(bare)


def test_without_apt_it_says_what_to_get_and_where_to_put_it(
    bare: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(AssetError) as caught:
        install(bare)
    violations = caught.value.violations
    assert [v.code for v in violations] == ["font_missing"] * len(FACES) + ["icc_missing"]
    assert "IPAmj Mincho 005.01" in violations[-2].message
    assert "DOCGEN_FONT_PATH" in violations[-2].hint
    assert "DOCGEN_OUTPUT_PROFILE" in violations[-1].hint
    assert not any("apt-get" in v.hint for v in violations)


@pytest.mark.parametrize("user", [0, 1000])
def test_with_apt_it_installs_only_what_is_missing_with_sudo_where_needed(
    user: int, bare: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    log = tmp_path / "log"
    fonts = " ".join(str(FontRegistry.load(SHIPPED.fonts_toml).path(face)) for face in FACES)
    write_program(
        tmp_path / "bin" / "apt-get",
        f'echo "apt-get $*" >> {log}',
        f'case "$*" in *" install "*) cp {fonts} {tmp_path}/fonts ;; esac',
    )
    write_program(tmp_path / "bin" / "sudo", f'echo "sudo" >> {log}', 'exec "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    shutil.copy(SHIPPED.output_profile, bare.output_profile)
    assert {asset.state for asset in install(bare)} == {"ok"}
    said = log.read_text(encoding="utf-8")
    assert said.count("sudo") == (0 if user == 0 else 2)
    assert "fonts-ipamj-mincho fonts-morisawa-bizud-gothic fonts-morisawa-bizud-mincho" in said
    assert "libgs-common" not in said
    log.unlink()
    install(bare)
    assert not log.exists(), "nothing was missing, and apt was asked all the same"


def test_an_apt_that_fails_leaves_the_reason_to_be_read(
    bare: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    write_program(tmp_path / "bin" / "apt-get", "exit 100")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(AssetError, match="as root run `apt-get install fonts-ipamj-mincho`"):
        install(bare)


@pytest.mark.skipif(sys.platform != "linux", reason="Debian's paths")
def test_the_setup_installs_where_the_defaults_look() -> None:
    packages = {asset.package for asset in survey(SHIPPED)}
    assert packages == {
        "fonts-ipamj-mincho",
        "fonts-morisawa-bizud-gothic",
        "fonts-morisawa-bizud-mincho",
        "libgs-common",
    }
