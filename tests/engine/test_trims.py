"""The card's size is data: a profile may ask for any trim that the layout has, and for no other."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from docgen.engine import Engine
from docgen.errors import LayoutError
from docgen.settings import Settings
from tests import samples


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return shutil.copytree(Settings().layouts_dir, tmp_path / "mine")


def write(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def card_of(mine: Path, name: str) -> tuple[float, float]:
    engine = Engine(Settings(layouts_dir=mine))
    page = engine.render("card", samples.insurer(name), samples.record("card", name)).pages[0]
    return page.width, page.height


def test_a_profile_may_ask_for_a_trim_that_the_layout_lists(mine: Path) -> None:
    write(mine / "card.yaml", "trims: [[85.6, 54]]", "trims: [[85.6, 54], [85.7, 53.98]]")
    write(mine / "insurers/society.yaml", "trim: [85.6, 54]", "trim: [85.7, 53.98]")
    assert card_of(mine, "society-insured") == (85.7, 53.98)


def test_without_a_trim_a_card_has_the_size_that_its_layout_is_drawn_on(mine: Path) -> None:
    write(mine / "insurers/society.yaml", "    trim: [85.6, 54]  # ID-1, plastic\n", "")
    assert card_of(mine, "society-insured") == (86, 54)


def test_another_trim_is_told_with_file_and_line_and_the_sizes_that_there_are(mine: Path) -> None:
    write(mine / "insurers/society.yaml", "trim: [85.6, 54]", "trim: [90, 54]")
    says = "society.yaml:48: documents.card.trim: 90 x 54 mm, where card.yaml has 86 x 54, 85.6 x 54 ("
    with pytest.raises(LayoutError, match=re.escape(says)) as caught:
        Engine(Settings(layouts_dir=mine))
    assert [violation.code for violation in caught.value.violations] == ["layout_trim_not_allowed"]


def test_cards_on_their_mounts_have_the_size_that_the_layout_is_drawn_on(mine: Path) -> None:
    write(mine / "insurers/publishers.yaml", "trim: [86, 54]", "trim: [85.6, 54]")
    says = "publishers.yaml:41: documents.card.trim: 85.6 x 54 mm, where cards printed on their mounts have 86 x 54 ("
    with pytest.raises(LayoutError, match=re.escape(says)):
        Engine(Settings(layouts_dir=mine))
