"""The window of an envelope: whoever moves what it shows, or something else into it, is told by `layout check`."""

from __future__ import annotations

import shutil
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.compose.window import check_window
from docgen.engine import Engine
from docgen.errors import LayoutError, Violation
from docgen.layout.loader import load_layout
from docgen.layout.models import Layout
from docgen.settings import Settings
from tests import samples

LAYOUTS = Settings().layouts_dir
WINDOWED = ("employer-letter.yaml", "mount.yaml", "notice.yaml")


@cache
def as_they_are() -> dict[str, Layout]:
    return {file.stem: load_layout(file) for file in sorted(LAYOUTS.glob("*.yaml"))}


def change(folder: Path, file: str, old: str, new: str) -> int:
    """Change a layout in one place, in a folder of its own; the line of it."""
    text = (LAYOUTS / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return text.count("\n", 0, text.index(old)) + 1


def found_in(folder: Path) -> list[Violation]:
    """What the layouts break, those that were changed in place of the others."""
    layouts = as_they_are() | {file.stem: load_layout(file) for file in folder.glob("*.yaml")}
    return [violation for layout in layouts.values() for violation in check_window(layout, layouts)]


HIDDEN, SEEN, BESIDE = "layout_hidden_in_window", "layout_seen_in_window", "layout_beside_window"
UNKNOWN = "layout_unknown_element"
MISTAKES = [
    ("notice.yaml", "at: [32.5, 55.6], size: 8.5", "at: [32.5, 56.6], size: 8.5", HIDDEN, "address.barcode"),
    ("notice.yaml", "at: [32.5, 55.6], size: 8.5", "at: [31.4, 55.6], size: 8.5", HIDDEN, "address.barcode"),
    ("notice.yaml", "at: [32.5, 55.6], size: 8.5", "at: [31.5, 55.6], size: 9", HIDDEN, "address.barcode"),
    ("mount.yaml", "box: [32.5, 44.3, 70, 9]", "box: [34, 44.3, 70, 9]", HIDDEN, "address.name"),
    ("employer-letter.yaml", "box: [66.5, 26, 36, 4.6]", "box: [66.5, 25, 36, 4.6]", HIDDEN, "piece.window"),
    ("mount.yaml", "rect: [14, 86, 114, 9.8]", "rect: [14, 85, 114, 10.8]", SEEN, "deliver.box"),
    ("notice.yaml", "rect: [134, 10, 56, 13.5]", "rect: [131, 10, 59, 13.5]", SEEN, "title.band"),
    ("employer-letter.yaml", "line: [134, 56, 190, 56]", "line: [130, 56, 190, 56]", SEEN, "facts.rules"),
    ("mount.yaml", "[110, 104], [14, 203], [110, 203]]}}\n  # The", "[110, 104], [14, 70], [110, 203]]}}\n  # The",
     SEEN, "card.front"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "code", "element"), MISTAKES)
def test_whoever_moves_something_into_the_window_or_out_of_it_is_told(
    tmp_path: Path, file: str, old: str, new: str, code: str, element: str
) -> None:
    change(tmp_path, file, old, new)
    found = found_in(tmp_path)
    assert (code, file, element) in [(v.code, v.file, v.element) for v in found]
    assert {v.code for v in found} == {code}


def test_whoever_moves_the_window_is_told_on_each_paper_that_goes_behind_it(tmp_path: Path) -> None:
    line = change(tmp_path, "envelope-long-3.yaml", "rect: [28, 24, 102, 60]", "rect: [30, 24, 102, 60]")
    found = found_in(tmp_path)
    assert {(v.code, v.file) for v in found} == {(HIDDEN, file) for file in WINDOWED}
    assert all(f"envelope-long-3.yaml:{line}" in v.hint for v in found)


def test_a_sheet_that_leaves_a_part_of_the_window_open_is_told(tmp_path: Path) -> None:
    change(tmp_path, "envelope-long-3.yaml", "rect: [28, 24, 102, 60]", "rect: [26, 24, 104, 60]")
    assert {(v.code, v.file) for v in found_in(tmp_path)} == {(BESIDE, file) for file in WINDOWED}


def test_a_sheet_that_does_not_go_into_the_envelope_is_told(tmp_path: Path) -> None:
    line = change(tmp_path, "notice.yaml", "panel: [0, 0, 210, 99]", "panel: [0, 0, 210, 148.5]")
    [found] = found_in(tmp_path)
    assert (found.code, found.file, found.line) == (BESIDE, "notice.yaml", line)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("envelope: envelope-long-3", "envelope: envelope-long-4", "did you mean envelope-long-3?"),
        ("window: window", "window: windov", "envelope-long-3.yaml"),
        ("address.name, address.barcode]", "address.nam, address.barcode]", "did you mean address.name?"),
    ],
)
def test_names_that_are_not_there_are_told_where_they_stand(tmp_path: Path, old: str, new: str, says: str) -> None:
    line = change(tmp_path, "notice.yaml", old, new)
    [found] = found_in(tmp_path)
    assert (found.code, found.file, found.line) == (UNKNOWN, "notice.yaml", line)
    assert says in f"{found.message} {found.hint}"


def test_the_layouts_keep_what_they_promise(tmp_path: Path) -> None:
    assert {f"{name}.yaml" for name, layout in as_they_are().items() if layout.shows_in is not None} == set(WINDOWED)
    assert found_in(tmp_path) == []


def test_the_check_tells_it_and_nothing_is_printed(tmp_path: Path) -> None:
    copy = tmp_path / "layouts"
    shutil.copytree(LAYOUTS, copy, ignore=shutil.ignore_patterns("samples"))
    change(copy, "notice.yaml", "at: [32.5, 55.6], size: 8.5", "at: [32.5, 60.6], size: 8.5")
    engine = Engine(Settings(layouts_dir=copy))
    assert [(v.code, v.element) for v in engine.check() if v.severity == "error"] == [(HIDDEN, "address.barcode")]
    record = samples.record("notice", "publishers-insured")
    with pytest.raises(LayoutError, match=HIDDEN):
        engine.render("notice", "publishers", record)


# --- against every place where the sheet may lie ---


def sketch(name: str, size: tuple[float, float], *elements: dict[str, Any], **more: Any) -> Layout:
    page = {"width": size[0], "height": size[1], "bleed": 0, "safe": 0}
    model = {"layout": name, "title": name, "page": page, "styles": {}, "sides": {"front": list(elements)}, **more}
    return Layout.model_validate(model)


lengths = st.integers(min_value=1, max_value=40)


@given(st.tuples(lengths, lengths), st.tuples(lengths, lengths), *[st.tuples(*[lengths] * 4)] * 3, st.integers(0, 2))
def test_the_verdict_is_that_of_trying_every_place(
    folded: tuple[int, int],
    room: tuple[int, int],
    window: tuple[int, int, int, int],
    named: tuple[int, int, int, int],
    other: tuple[int, int, int, int],
    tolerance: int,
) -> None:
    """Millimetre by millimetre, each square of the sheet looked at in each place that the sheet can take."""
    envelope = sketch(
        "envelope", (folded[0] + room[0], folded[1] + room[1]), {"id": "window", "rect": window, "stroke": "black"}
    )
    showing = {"envelope": "envelope", "window": "window", "panel": [0, 0, *folded], "tolerance": tolerance}
    sheet = sketch(
        "sheet", folded, {"id": "named", "rect": named, "fill": "black"}, {"id": "other", "rect": other},
        shows_in={**showing, "elements": ["named"]},
    )  # fmt: skip
    found = {v.code for v in check_window(sheet, {"envelope": envelope, "sheet": sheet})}

    ever, always = set(), None
    for dx, dy in product(range(room[0] + 1), range(room[1] + 1)):
        left, top = window[0] - dx, window[1] - dy
        ever |= squares(left - tolerance, top - tolerance, window[2] + 2 * tolerance, window[3] + 2 * tolerance)
        sure = squares(left + tolerance, top + tolerance, window[2] - 2 * tolerance, window[3] - 2 * tolerance)
        always = sure if always is None else always & sure
    assert always is not None
    if not ever <= squares(0, 0, *folded):
        assert found == {BESIDE}
        return
    hidden, seen = not squares(*named) <= always, bool(squares(*other) & ever)
    assert found == {code for code, wrong in ((HIDDEN, hidden), (SEEN, seen)) if wrong}


def squares(left: int, top: int, width: int, height: int) -> set[tuple[int, int]]:
    return set(product(range(left, left + width), range(top, top + height)))
