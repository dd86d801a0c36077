"""What a change of layouts moves, as `docgen layout diff` tells and shows it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from docgen.layout_diff import DPI, marked
from docgen.settings import Settings
from tests.command import run

KEPT = {"card": ("society-insured", "association-insured"), "seal": ("association-sheet",)}
NAME = "id: name,           field: holder.name,               box: [4, 20.4,"
Change = Callable[[Path], object]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return shutil.copytree(Settings().layouts_dir, tmp_path / "old", ignore=_few_samples)


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    return shutil.copytree(old, tmp_path / "new")


def _few_samples(folder: str, names: list[str]) -> list[str]:
    path = Path(folder)
    if path.name == "samples":
        return [name for name in names if name not in KEPT]
    if path.parent.name == "samples":
        return [name for name in names if Path(name).stem not in KEPT[path.name]]
    return []


def write(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")


def compared(old: Path, new: Path) -> tuple[int, dict[str, Any]]:
    """The exit code, and what is told of each sample that is not the same."""
    result = run("layout", "diff", old, new, "--json")
    assert result.stderr == b""
    told = json.loads(result.stdout)["samples"]
    return result.returncode, {one["sample"]: one for one in told if one["state"] != "same"}


def test_the_same_layouts_give_the_same_pages(old: Path, new: Path) -> None:
    result = run("layout", "diff", old, new)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode().splitlines() == [
        "card/association-insured: same",
        "card/society-insured: same",
        "seal/association-sheet: same",
        "3 samples: same 3",
    ]


def test_what_moved_is_told_by_sample_and_page_and_shown(old: Path, new: Path, tmp_path: Path) -> None:
    write(new / "card.yaml", NAME, NAME.replace("[4,", "[5,"))
    out = tmp_path / "moved"
    out.mkdir()
    (out / "card-society-insured-2-old.png").touch()  # of an earlier run
    (out / "mine.png").touch()
    result = run("layout", "diff", old, new, "--out", out)
    assert result.returncode == 1
    assert result.stdout.decode().splitlines()[1:] == [
        "card/society-insured: differs, page 1",
        "seal/association-sheet: same",
        "3 samples: differs 2, same 1",
    ]
    assert sorted(path.name for path in out.iterdir()) == [
        *(f"card-association-insured-1-{what}.png" for what in ("marked", "new", "old")),
        *(f"card-society-insured-1-{what}.png" for what in ("marked", "new", "old")),
        "mine.png",
    ]
    left, top, right, bottom = _coloured(Image.open(out / "card-association-insured-1-marked.png"))
    mm = DPI / 25.4
    # With 3 mm of bleed, and the frame around it.
    assert (7 - 4) * mm < left < 7 * mm
    assert (23.4 - 4) * mm < top < bottom < (23.4 + 6.4 + 4) * mm
    assert right < 60 * mm


def _coloured(picture: Image.Image) -> tuple[int, int, int, int]:
    saturation = picture.convert("HSV").getchannel("S").point(lambda value: 255 if value else 0)
    box = saturation.getbbox()
    assert box is not None
    return box


def a_paler_band(new: Path) -> None:
    write(new / "insurers/society.yaml", "body: [10, 0, 6, 0]", "body: [10.5, 0, 6, 0]")


def another_size(new: Path) -> None:
    write(new / "insurers/society.yaml", "trim: [85.6, 54]", "trim: [86, 54]")


@pytest.mark.parametrize(("change", "state"), [(a_paler_band, "looks_same"), (another_size, "differs")])
def test_a_page_that_only_looks_the_same_is_not_the_same(old: Path, new: Path, change: Change, state: str) -> None:
    change(new)
    code, told = compared(old, new)
    assert code == 1
    assert list(told) == ["card/society-insured"]
    pages = told["card/society-insured"]["pages"]
    assert pages == [{"number": 1, "state": state}, {"number": 2, "state": state}][: len(pages)]
    assert pages


def test_a_file_may_differ_where_no_page_does(old: Path, new: Path) -> None:
    write(new / "seal.yaml", "KissCut: [0, 100, 0, 0]", "KissCut: [100, 0, 0, 0]")
    result = run("layout", "diff", old, new)
    assert result.returncode == 1
    says = "seal/association-sheet: differs, no page of it: the file's title, or what screens show of a spot colour"
    assert says in result.stdout.decode().splitlines()


def test_both_are_printed_from_the_record_of_the_new_folder(old: Path, new: Path) -> None:
    write(new / "samples/card/society-insured.json", "2019-05-01", "2019-06-01")
    assert compared(old, new) == (0, {})


def remove(new: Path) -> None:
    (new / "samples/card/society-insured.json").unlink()


def break_record(new: Path) -> None:
    (new / "samples/card/society-insured.json").write_text("{")


def refuse_record(new: Path) -> None:
    write(new / "samples/card/society-insured.json", "2019-05-01", "2019-05-32")


def refuse_layout(new: Path) -> None:
    write(new / "insurers/society.yaml", "card_title: 健康保険資格確認書", f"card_title: {'健康保険資格確認書' * 4}")


@pytest.mark.parametrize(
    ("change", "state", "codes", "other_way_round"),
    [
        (remove, "only_in_old", set(), "only_in_new"),
        (break_record, "refused", {"malformed_json"}, "same"),
        (refuse_record, "refused_by_both", {"invalid_date"}, "same"),
        (refuse_layout, "refused", {"layout_wording_does_not_fit"}, "refused_before"),
    ],
)
def test_a_sample_that_one_side_does_not_print_is_told_with_the_reason(
    old: Path, new: Path, change: Change, state: str, codes: set[str], other_way_round: str
) -> None:
    change(new)
    code, told = compared(old, new)
    found = told["card/society-insured"]
    assert (code, list(told), found["state"]) == (1, ["card/society-insured"], state)
    assert {violation["code"] for violation in found["violations"]} == codes
    _, back = compared(new, old)
    assert back.get("card/society-insured", {"state": "same"})["state"] == other_way_round


def test_a_layout_that_came_later_is_named_and_the_rest_compared(old: Path, new: Path) -> None:
    (old / "seal.yaml").unlink()
    result = run("layout", "diff", old, new)
    assert result.returncode == 1
    assert result.stderr.decode() == f"{old} has no seal.yaml: what it draws is only in {new}\n"
    assert result.stdout.decode().splitlines()[-2:] == [
        "seal/association-sheet: only in new",
        "3 samples: same 2, only in new 1",
    ]


def test_a_folder_that_is_no_folder_of_layouts_is_named(old: Path, new: Path, tmp_path: Path) -> None:
    assert run("layout", "diff", tmp_path / "nothing", new).returncode == 2
    write(new / "insurers/society.yaml", "trim: [85.6, 54]", "trim: [1, 1]")
    result = run("layout", "diff", old, new)
    assert result.returncode == 3
    assert result.stderr.decode().startswith(f"{new}/society.yaml:48: documents.card.trim: 1 x 1 mm")


def test_marks_say_what_is_gone_and_what_has_come() -> None:
    old, new = (Image.new("RGB", (400, 300), "white") for _ in range(2))
    ImageDraw.Draw(old).rectangle((40, 40, 60, 60), "black")
    ImageDraw.Draw(new).rectangle((200, 200, 220, 220), "black")
    for picture in (old, new):
        ImageDraw.Draw(picture).rectangle((300, 40, 320, 60), "black")
    picture = marked(old, new)
    gone, come, stayed, frame = (picture.getpixel(at) for at in ((50, 50), (210, 210), (310, 50), (24, 50)))
    assert (gone, come, stayed) == ((214, 40, 20), (0, 90, 214), (183, 183, 183))
    assert frame == (255, 150, 0)


def test_a_single_pixel_is_framed() -> None:
    old, new = (Image.new("RGB", (1700, 2400), "white") for _ in range(2))
    new.putpixel((1000, 1000), (0, 0, 0))
    left, top, right, bottom = _coloured(marked(old, new))
    assert 960 < left < 1000 < right < 1040
    assert 960 < top < 1000 < bottom < 1040
