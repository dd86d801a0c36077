"""What an engine refuses to start with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from docgen.engine import Engine
from docgen.errors import LayoutError
from docgen.settings import Settings


@pytest.fixture
def layouts(tmp_path: Path) -> Path:
    """A copy of the layouts, to be spoilt."""
    return Path(shutil.copytree(Settings().layouts_dir, tmp_path / "layouts"))


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "code", "part"),
    [
        ("field: holder.kana", "field: holder.knaa", "layout_unknown_field", "did you mean holder.kana?"),
        ("when: insurer.has_mark", "when: insurer.has_mrak", "layout_unknown_flag", "did you mean insurer.has_mark?"),
        ("qr: card.qr", "qr: card.qrr", "layout_unknown_field", "card.qr"),
    ],
)
def test_a_name_that_no_catalogue_has_stops_the_engine(layouts: Path, old: str, new: str, code: str, part: str) -> None:
    spoil(layouts / "card.yaml", old, new)
    with pytest.raises(LayoutError) as caught:
        Engine(Settings(layouts_dir=layouts))
    [violation] = caught.value.violations
    assert (violation.code, violation.file) == (code, "card.yaml")
    assert violation.line
    assert part in violation.hint


def test_two_profiles_never_take_each_others_place(layouts: Path) -> None:
    insurers = layouts / "insurers"
    shutil.copy(insurers / "society.yaml", insurers / "copy.yaml")
    with pytest.raises(LayoutError, match=r"copy.yaml: the profile calls itself society"):
        Engine(Settings(layouts_dir=layouts))
