"""`make demo` leaves what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from docgen.bulk.reconcile import reconcile
from docgen.bulk.store import Store
from docgen.demo import stands_for_all
from docgen.engine import Engine
from tests import samples

ROOT = Path(__file__).parent.parent


def _demo(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "docgen.demo"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_the_demo_makes_every_sample_and_the_contact_sheets(tmp_path: Path, engine: Engine) -> None:
    result = _demo(tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    out = tmp_path / "out/demo"
    assert reconcile(Store.open(out / "package")).ok
    made = {path.name for path in out.glob("*.pdf")}
    accessible = {name for name in made if name.endswith("-accessible.pdf")}
    named = {f"{document}-{name}.pdf" for document in engine.documents for name in samples.names(document)}
    assert made - accessible == named
    assert {name.split("-")[1] for name in accessible} == set(engine.insurers)
    assert all(name.startswith("notice-") for name in accessible)
    assert all(name in result.stdout for name in made)
    for sheet in ("cards.png", "documents.png"):
        with Image.open(out / sheet) as picture:
            assert min(picture.size) > 3000


def test_what_stands_for_a_document_is_its_plainest_sample_of_an_insured_person_or_a_family() -> None:
    assert stands_for_all(["alias", "dependent", "insured-alias", "insured"]) == "insured"
    assert stands_for_all(["alone", "family-1of2", "family-2of2"]) == "family-1of2"
    assert stands_for_all(["many", "returned"]) == "many"
    assert stands_for_all([]) is None


def test_the_demo_fails_and_says_why_where_the_service_cannot_start(tmp_path: Path) -> None:
    result = _demo(tmp_path, DOCGEN_OUTPUT_PROFILE=str(tmp_path / "none.icc"))
    assert result.returncode == 1
    assert "icc_missing" in result.stderr
    assert "Traceback" not in result.stderr
