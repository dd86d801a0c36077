"""What a change of layouts or profiles moves: every sample printed from two folders, and compared page by page.

Pages are compared by their hashes, which miss nothing, and shown as pictures, which tell people where to look.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from docgen.engine import Engine, Rendered, folder
from docgen.errors import DocgenError, LayoutError, RecordError, RequestError, Violation
from docgen.issuance.documents import DOCUMENTS
from docgen.pdf.book import WrittenPage
from docgen.pdf.raster import render
from docgen.settings import Settings

DPI = 200
_WHITE, _GONE, _COME, _FRAME = (255, 255, 255), (214, 40, 20), (0, 90, 214), (255, 150, 0)
_FADED = 0.72  # how far what stayed is faded, so that marks stand out
_SEEN = 16  # of 255: less is no change that a person sees
_CELL = 12  # pixels: frames go around cells of this size, and join where less than two lie between

State = Literal["same", "differs", "refused", "refused_before", "refused_by_both", "only_in_old", "only_in_new"]
PageState = Literal["differs", "looks_same", "only_in_old", "only_in_new"]


@dataclass(frozen=True, slots=True)
class PageDiff:
    """A page, by its number from 1, that is not the same; its pictures, with the bleed, where there is one."""

    number: int
    old: Image.Image | None
    new: Image.Image | None

    @property
    def state(self) -> PageState:
        """`looks_same`: what differs is not seen on a screen, as another ink of the same look."""
        if self.old is None:
            return "only_in_new"
        if self.new is None:
            return "only_in_old"
        return "differs" if _moved(*_level(self.old, self.new)).getbbox() else "looks_same"


@dataclass(frozen=True, slots=True)
class SampleDiff:
    """What became of a sample, DOCUMENT/INSURER-NAME; `violations` are why it is, or was, refused.

    One that differs without any page that does is another file: its title, or how screens show a spot colour.
    """

    sample: str
    state: State
    pages: tuple[PageDiff, ...] = ()
    violations: tuple[Violation, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Everything but the pictures, as JSON."""
        return {
            "sample": self.sample,
            "state": self.state,
            "pages": [{"number": page.number, "state": page.state} for page in self.pages],
            "violations": [violation.as_dict() for violation in self.violations],
        }


def lacking(old: Path) -> tuple[str, ...]:
    """The files of layouts that a folder of before does not have: their documents came later."""
    names = {name for kind in DOCUMENTS.values() for name in kind.layouts}
    return tuple(sorted(f"{name}.yaml" for name in names if not (old / f"{name}.yaml").exists()))


def compare(old: Path, new: Path, settings: Settings) -> Iterator[SampleDiff]:
    """Every sample of either folder, by document; what both have is printed twice, from the new folder's record.

    Raises LayoutError with the folder before each file's name if one of them is no sound folder of layouts.
    """
    now = _engine(settings, new, new)
    missing = lacking(old)
    with _completed(old, new, missing) as complete:
        before = _engine(settings, complete, old)
        for document in DOCUMENTS:
            had = {path.stem for path in (old / "samples" / document).glob("*.json")}
            records, unreadable = folder.samples(new, document)
            broken = {Path(violation.file or "").stem: violation for violation in unreadable}
            for name in sorted({*had, *records, *broken}):
                sample = f"{document}/{name}"
                if name in broken:
                    yield SampleDiff(sample, "refused", violations=(broken[name],))
                elif name not in records:
                    yield SampleDiff(sample, "only_in_old")
                elif name not in had or _is_drawn_by(now, document, name, missing):
                    yield SampleDiff(sample, "only_in_new")
                else:
                    yield _compared(
                        sample, _printed(before, document, name, records), _printed(now, document, name, records)
                    )


def _engine(settings: Settings, layouts: Path, named: Path) -> Engine:
    try:
        return Engine(settings.model_copy(update={"layouts_dir": layouts}))
    except LayoutError as error:
        raise LayoutError(replace(v, file=str(named / v.file) if v.file else None) for v in error.violations) from None


@contextmanager
def _completed(old: Path, new: Path, missing: tuple[str, ...]) -> Iterator[Path]:
    """The old folder; if layouts are missing in it, a copy that has the new ones, since an engine wants them all."""
    if not missing or not old.is_dir():
        yield old
        return
    with TemporaryDirectory(prefix="docgen-") as name:
        copy = shutil.copytree(old, Path(name) / "layouts")
        for file in missing:
            shutil.copy(new / file, copy)
        yield copy


def _is_drawn_by(engine: Engine, document: str, sample: str, layouts: tuple[str, ...]) -> bool:
    try:
        profile = engine.insurers[engine.insurer_of_sample(sample)]
    except RequestError:
        return False  # told when it is to be printed
    return engine.layout(document, profile).file in layouts


def _printed(engine: Engine, document: str, name: str, records: Mapping[str, object]) -> Rendered | DocgenError:
    try:
        return engine.render(document, engine.insurer_of_sample(name), records[name])
    except (RecordError, RequestError, LayoutError) as error:
        return error


def _compared(sample: str, old: Rendered | DocgenError, new: Rendered | DocgenError) -> SampleDiff:
    if isinstance(new, DocgenError):
        state: State = "refused_by_both" if isinstance(old, DocgenError) else "refused"
        return SampleDiff(sample, state, violations=tuple(new.violations))
    if isinstance(old, DocgenError):
        return SampleDiff(sample, "refused_before", violations=tuple(old.violations))
    if old.sha256 == new.sha256:
        return SampleDiff(sample, "same")
    pairs = zip_longest(old.pages, new.pages)
    differing = [
        PageDiff(number, _picture(old.pdf, before), _picture(new.pdf, now))
        for number, (before, now) in enumerate(pairs, start=1)
        if before is None or now is None or before.sha256 != now.sha256
    ]
    return SampleDiff(sample, "differs", tuple(differing))


def _picture(pdf: bytes, page: WrittenPage | None) -> Image.Image | None:
    return None if page is None else render(pdf, page.number, DPI)


# ---------------------------------------------------------------------------------------------------------- pictures


def write_pictures(out: Path, diff: SampleDiff) -> None:
    """Write SAMPLE-PAGE-old.png, -new.png and -marked.png of each page that differs; those of an earlier run go."""
    stem = diff.sample.replace("/", "-")
    for path in out.iterdir():
        if re.fullmatch(rf"{re.escape(stem)}-[0-9]+-(old|new|marked)\.png", path.name):
            path.unlink()
    for page in diff.pages:
        pictures = {"old": page.old, "new": page.new}
        if page.old is not None and page.new is not None:
            pictures["marked"] = marked(page.old, page.new)
        for what, picture in pictures.items():
            if picture is not None:
                picture.save(out / f"{stem}-{page.number}-{what}.png", dpi=(DPI, DPI), compress_level=4)


def marked(old: Image.Image, new: Image.Image) -> Image.Image:
    """The new page faded, with what is gone in red, what has come in blue, and frames around both."""
    old, new = _level(old, new)
    moved = _moved(old, new)
    darker_before = ImageChops.subtract(new.convert("L"), old.convert("L")).point(_any)
    picture = Image.blend(new.convert("L").convert("RGB"), Image.new("RGB", new.size, _WHITE), _FADED)
    picture.paste(_COME, mask=moved)
    picture.paste(_GONE, mask=ImageChops.multiply(moved, darker_before))
    draw = ImageDraw.Draw(picture)
    for box in _around(moved):
        draw.rectangle(box, outline=_FRAME, width=2)
    return picture


def _level(old: Image.Image, new: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Both in the larger size: a drawing is centred on its trim."""
    size = max(old.width, new.width), max(old.height, new.height)
    return _centred(old, size), _centred(new, size)


def _centred(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    if picture.size == size:
        return picture
    sheet = Image.new("RGB", size, _WHITE)
    sheet.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    return sheet


def _moved(old: Image.Image, new: Image.Image) -> Image.Image:
    """A mask of the pixels that a person sees to differ, in whichever channel."""
    red, green, blue = ImageChops.difference(old, new).split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue).point(lambda value: 255 if value > _SEEN else 0)


def _around(mask: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Boxes around what a mask shows, one for what lies close together."""
    # In floating point, so that the mean of a cell with a single pixel is not rounded to nothing.
    cells = mask.convert("F").reduce(_CELL).point(lambda value: value * 255 + 0).convert("L").point(_any)
    cells = cells.filter(ImageFilter.MaxFilter(3))
    while (at := cells.tobytes().find(255)) >= 0:
        seed = at % cells.width, at // cells.width
        ImageDraw.floodfill(cells, seed, 1)
        left, top, right, bottom = cells.point(lambda value: 255 if value == 1 else 0).getbbox() or (0, 0, 0, 0)
        yield (
            left * _CELL,
            top * _CELL,
            min(right * _CELL, mask.width) - 1,
            min(bottom * _CELL, mask.height) - 1,
        )
        ImageDraw.floodfill(cells, seed, 0)


def _any(value: int) -> int:
    return 255 if value else 0
