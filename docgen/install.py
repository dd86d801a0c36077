"""What docgen needs on the machine beside Python packages: the font files, and a CMYK profile.

`make demo` runs this module; `docgen fonts check` and `docgen fonts install` call it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from docgen.errors import AssetError, DocgenError, Violation
from docgen.pdf.icc import profile_faults
from docgen.settings import Settings
from docgen.text.registry import FaceSpec, FontRegistry, is_accepted

OUTPUT_PROFILE = "output-profile"
State = Literal["ok", "missing", "altered"]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that docgen needs: what it is, where it was found, and how to get it: by a package, if that helps."""

    id: str
    name: str
    path: Path | None
    state: State
    package: str | None
    hint: str


def survey(settings: Settings) -> tuple[Asset, ...]:
    """Every face of fonts.toml and the output profile, found or not.

    Raises LayoutError if fonts.toml is wrong.
    """
    registry = FontRegistry.load(settings.fonts_toml, settings.font_path)
    return (*(_face(registry, face) for face in registry.faces.values()), _output_profile(settings.output_profile))


def _face(registry: FontRegistry, face: FaceSpec) -> Asset:
    path = registry.find(face.id)
    state: State = "missing" if path is None else "ok" if is_accepted(face, path) else "altered"
    is_named = path is not None and registry.is_named(path)
    package = face.debian.package if face.debian and not is_named else None
    return Asset(face.id, face.family, path, state, package, registry.hint(face.id))


def _output_profile(path: Path) -> Asset:
    hint = f"get the CMYK profile of your printing condition from your print vendor and put it at {path}, or set \
DOCGEN_OUTPUT_PROFILE to where it is"
    found = path if path.is_file() else None
    state: State = "missing" if found is None else "altered" if profile_faults(path.read_bytes()) else "ok"
    return Asset(OUTPUT_PROFILE, "CMYK output profile", found, state, "libgs-common", hint)


def install(settings: Settings) -> tuple[Asset, ...]:
    """Install by apt what is missing or altered, and survey again.

    Raises AssetError, saying what to get and where to put it, for whatever is still not there: without apt, without
    the right to use it, or where the packages hold other versions than fonts.toml accepts.
    """
    packages = sorted({asset.package for asset in survey(settings) if asset.package and asset.state != "ok"})
    if packages and shutil.which("apt-get"):
        _apt_install(packages)
    assets = survey(settings)
    wrong = [_violation(asset) for asset in assets if asset.state != "ok"]
    if wrong:
        raise AssetError(wrong)
    return assets


def _apt_install(packages: list[str]) -> None:
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    if sudo and not shutil.which("sudo"):
        return
    print(f"installing by apt: {' '.join(packages)}", file=sys.stderr)
    options = ["-qq", "-o", "Dpkg::Use-Pty=0", "install", "-y", "--no-install-recommends", "--reinstall"]
    for command in (["-qq", "update"], [*options, *packages]):
        # What apt says goes to stderr: stdout is the command's own. If apt fails, the second survey tells.
        subprocess.run(
            [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *command], stdout=sys.stderr, check=False
        )


def _violation(asset: Asset) -> Violation:
    hint = asset.hint
    if asset.package and shutil.which("apt-get"):
        hint = f"as root run `apt-get install {asset.package}`; or {hint}"
    of_profile = asset.id == OUTPUT_PROFILE
    if asset.state == "missing":
        code = "icc_missing" if of_profile else "font_missing"
        return Violation(code, f"{asset.name} is not installed", hint)
    if of_profile:
        return Violation("icc_invalid", f"{asset.path} is no CMYK printer profile", hint)
    return Violation("font_altered", f"{asset.path} is not {asset.name}: its SHA-256 is not in fonts.toml", hint)


def main() -> int:
    """Install what is missing; print what could not be. Exit code 0 if everything is there, else 1."""
    try:
        install(Settings())
    except DocgenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
