"""`make demo` leaves what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests import samples

ROOT = Path(__file__).parent.parent


def _demo(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "docgen.demo"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_the_demo_makes_every_sample_and_the_sheet_of_all_cards(tmp_path: Path) -> None:
    result = _demo(tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    out = tmp_path / "out/demo"
    made = {path.name for path in out.glob("card-*.pdf")}
    assert made == {f"card-{name}.pdf" for name in samples.names("card")}
    assert all(name in result.stdout for name in made)
    accessible = [path.name.split("-")[1] for path in out.glob("notice-*-accessible.pdf")]
    assert sorted(accessible) == ["accountants", "association", "publishers", "society"]
    with Image.open(out / "cards.png") as sheet:
        assert sheet.width > 3000


def test_the_demo_fails_and_says_why_where_the_service_cannot_start(tmp_path: Path) -> None:
    result = _demo(tmp_path, DOCGEN_OUTPUT_PROFILE=str(tmp_path / "none.icc"))
    assert result.returncode == 1
    assert "icc_missing" in result.stderr
    assert "Traceback" not in result.stderr
