"""What `docgen layout check` refuses does not become a package: it is told before anything is printed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from docgen.engine import Engine
from docgen.errors import LayoutError
from docgen.settings import Settings
from tests import command
from tests.service.extracts import extract

# Over the holder's name; cut at the trim; a ground that ends there; a black of four inks. On line 152 of the card.
OVER = "{id: own, text: wording.card_title, box: [4, 21, 60, 5], style: title}"
CUT = "{id: own, text: wording.card_title, box: [75, 50, 20, 3.6], style: title}"
WHITE = "{id: own, rect: [0, 28, 1, 4], fill: insurer.band}"
COVERS = "{id: own, rect: [4, 9.65, 20, 2], fill: paper}"
FAULTS = {OVER: "layout_collision", CUT: "layout_off_page", WHITE: "layout_bleed", COVERS: "layout_covered"}


def layouts(folder: Path, element: str, file: str = "card.yaml") -> Path:
    copy = folder / "layouts"
    shutil.copytree(Settings().layouts_dir, copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert text.count("\n  back:\n") == 1
    (copy / file).write_text(text.replace("\n  back:\n", f"\n    - {element}\n  back:\n"), encoding="utf-8")
    return copy


def issue(folder: Path, layouts_dir: Path, *more: str, insurer: str = "association") -> CompletedProcess[bytes]:
    (folder / "people.csv").write_bytes(extract(4))
    own = {"DOCGEN_LAYOUTS_DIR": str(layouts_dir), "DOCGEN_STATE_DIR": str(folder / "state"), "DOCGEN_WORKERS": "1"}
    arguments = ["--insurer", insurer, "--delivery", "bulk", str(folder / "people.csv"), "--out", str(folder / "out")]
    return command.run("issue", *arguments, *more, env={**os.environ, **own})


@pytest.mark.parametrize(("element", "more"), [*((element, ()) for element in FAULTS), (OVER, ("--plan-only",))])
def test_a_batch_by_a_layout_with_an_error_is_refused_and_leaves_nothing(
    tmp_path: Path, element: str, more: tuple[str, ...]
) -> None:
    result = issue(tmp_path, layouts(tmp_path, element), *more)
    assert (result.returncode, result.stdout) == (3, b"")
    first, *errors = [line for line in result.stderr.decode().splitlines() if "stand-in" not in line]
    assert first.startswith("nothing is printed from layouts with errors: card, mount of association")
    assert "`docgen layout check` tells them all" in first
    assert first.endswith("<layouts_wrong>")
    assert any(line.startswith("card.yaml:") and line.endswith(f"<{FAULTS[element]}>") for line in errors)
    assert not (tmp_path / "out").exists()


def test_it_is_issued_once_the_layout_is_mended(tmp_path: Path) -> None:
    wrong = layouts(tmp_path, OVER)
    assert issue(tmp_path, wrong, "--job", "A1").returncode == 3
    shutil.copy(Settings().layouts_dir / "card.yaml", wrong)
    result = issue(tmp_path, wrong, "--job", "A1")
    assert result.returncode == 0, result.stderr.decode()
    assert (tmp_path / "out/vendor/manifest.json").exists()


def test_an_error_on_what_is_not_delivered_and_a_warning_are_in_nobodys_way(tmp_path: Path) -> None:
    copy = layouts(tmp_path, "{id: own, rect: [0, 150, 9, 9], fill: black}", "leaflet.yaml")
    card = (copy / "card.yaml").read_text(encoding="utf-8")
    hardly_seen = "wording.card_title, box: [9.8, 2.85, 48.6, 3.6], style: title,"
    assert card.count(hardly_seen) == 1
    (copy / "card.yaml").write_text(card.replace("ink: insurer.on_band}", "ink: insurer.body}", 1), encoding="utf-8")
    found = {(v.code, v.severity) for v in Engine(Settings(layouts_dir=copy)).check()}
    assert found == {("layout_bleed", "error"), ("layout_contrast", "warning")}
    assert issue(tmp_path, copy, "--plan-only").returncode == 0


def test_what_is_wrong_for_another_insurer_or_in_a_sample_refuses_nobody(tmp_path: Path) -> None:
    copy = tmp_path / "layouts"
    shutil.copytree(Settings().layouts_dir, copy)
    (copy / "samples/card/association-broken.json").write_text('{"number": 1}', encoding="utf-8")
    profile = copy / "insurers/society.yaml"
    title = "  card_title: 健康保険資格確認書"
    text = profile.read_text(encoding="utf-8")
    assert text.count(title) == 1
    profile.write_text(text.replace(title, title + "健康保険資格確認書" * 5), encoding="utf-8")
    engine = Engine(Settings(layouts_dir=copy))
    with pytest.raises(LayoutError) as caught:
        engine.require_sound("society", ["card"])
    assert {v.code for v in caught.value.violations} == {"layouts_wrong", "layout_wording_does_not_fit"}
    engine.require_sound("society", ["leaflet"])
    engine.require_sound("association", ["card"])
    assert {v.file for v in engine.check() if v.severity == "error"} >= {"samples/card/association-broken.json"}
