"""Every sample, made by the real service over HTTP, checked, and laid out on one sheet: `make demo`.

Writes out/demo/DOCUMENT-INSURER-NAME.pdf and the contact sheet out/demo/cards.png. Exit code 1 if anything fails.
"""

from __future__ import annotations

import http.client
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from docgen.engine import preflight
from docgen.errors import DocgenError, Violation
from docgen.issuance.profile import load_profile
from docgen.pdf.raster import render_png
from docgen.settings import Settings
from docgen.text.registry import FontRegistry

OUT = Path("out/demo")
STARTS_WITHIN_S = 60
ACCESSIBLE = {"accessible": True}


@dataclass(frozen=True, slots=True)
class Made:
    """One finished file: the sample it shows, and what the service reported of it."""

    document: str
    insurer: str
    name: str
    path: Path
    report: dict[str, Any]

    @property
    def pushed(self) -> list[dict[str, Any]]:
        """The texts that were set in any way but as the style asks."""
        return [
            fit
            for fit in self.report["fits"]
            if fit["omitted"] or fit["lines"] > 1 or fit["condensed"] < 1 or fit["size"] < fit["nominal"]
        ]


@dataclass(frozen=True, slots=True)
class Seen:
    """A finished file read back: what preflight says of it, and its pages as pictures."""

    made: Made
    violations: list[Violation]
    pages: list[bytes]


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class Client:
    """The service's API over one kept connection."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def get(self, path: str) -> Any:
        """The JSON at a path. Raises DemoError with the answer if it is no success."""
        return json.loads(self._ask("GET", path))

    def post(self, order: dict[str, Any], accept: str) -> bytes:
        """One document, in the form that `accept` names. Raises DemoError with the answer if it is no success."""
        headers = {"Content-Type": "application/json", "Accept": accept}
        return self._ask("POST", "/v1/documents", json.dumps(order).encode(), headers)

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        self._connection.request(method, path, body, headers or {})
        response = self._connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise DemoError(f"{method} {path}: {response.status}\n{content.decode()}")
        return content


def main() -> int:
    """Make everything, and say what was made. Returns the exit code."""
    started = time.perf_counter()
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        with _service() as address:
            client = Client(address)
            made = list(_make_accessible(client, _make_samples(client)))
        with ProcessPoolExecutor() as pool:
            seen = list(pool.map(_see, made))
        sheet = _contact_sheet([one for one in seen if one.made.document == "card"])
        refused = _report_refused(seen)
    except (DemoError, DocgenError, OSError) as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        return 1
    _print_table(made, refused)
    print(f"\n{len(made)} files and {sheet} in {time.perf_counter() - started:.1f} s")
    return 1 if refused else 0


@contextmanager
def _service() -> Iterator[str]:
    """The real service on a free port; it is stopped at the end."""
    log_path = OUT / "service.log"
    with log_path.open("wb") as log:
        command = [sys.executable, "-m", "docgen.cli", "serve", "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            yield _address(process, log_path)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _address(process: subprocess.Popen[bytes], log_path: Path) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().decode()  # written once it listens; empty if it gave up
    if not line:
        raise DemoError(f"the service did not start:\n{log_path.read_text(encoding='utf-8')}")
    address = line.split()[-1]
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        try:
            Client(address).get("/readyz")
        except (DemoError, OSError):
            time.sleep(0.05)
        else:
            return address
    raise DemoError(f"the service was not ready within {STARTS_WITHIN_S} s")


def _make_samples(client: Client) -> Iterator[Made]:
    insurers = client.get("/v1/insurers")
    for document in dict.fromkeys(name for insurer in insurers for name in insurer["documents"]):
        samples = client.get(f"/v1/documents/{document}/samples")
        for insurer in insurers:
            prefix = f"{insurer['id']}-"
            for sample in (name for name in samples if name.startswith(prefix)):
                order = {"insurer": insurer["id"], "document": document, "record": samples[sample]}
                path = OUT / f"{document}-{sample}.pdf"
                path.write_bytes(client.post(order, "application/pdf"))
                report = json.loads(client.post(order, "application/json"))
                yield Made(document, insurer["id"], sample.removeprefix(prefix), path, report)


def _make_accessible(client: Client, samples: Iterable[Made]) -> Iterator[Made]:
    """The samples, and one notice of each insurer once more, as an accessible file."""
    records = client.get("/v1/documents/notice/samples")
    insurers: set[str] = set()
    for made in samples:
        yield made
        if made.document == "notice" and made.insurer not in insurers:
            insurers.add(made.insurer)
            record = records[f"{made.insurer}-{made.name}"]
            order = {"insurer": made.insurer, "document": made.document, "record": record, "options": ACCESSIBLE}
            path = made.path.with_name(f"{made.path.stem}-accessible.pdf")
            path.write_bytes(client.post(order, "application/pdf"))
            report = json.loads(client.post(order, "application/json"))
            yield replace(made, name=f"{made.name}-accessible", path=path, report=report)


def _see(made: Made) -> Seen:
    """Read one file back, in a process of its own; the contact sheet shows cards alone."""
    pdf = made.path.read_bytes()
    shown = made.report["pages"] if made.document == "card" else []
    pages = [render_png(pdf, page["number"], DPI) for page in shown]
    return Seen(made, preflight(made.path), pages)


def _report_refused(seen: list[Seen]) -> list[Path]:
    """The files that preflight refuses; each violation goes to standard error."""
    for one in seen:
        for violation in one.violations:
            print(f"{one.made.path}: {violation}", file=sys.stderr)
    return [one.made.path for one in seen if one.violations]


def _print_table(made: list[Made], refused: list[Path]) -> None:
    width = max(len(str(one.path)) for one in made)
    print(f"{'file':{width}}  pages  preflight  pushed to fit")
    for one in made:
        verdict = "REFUSED" if one.path in refused else "ok"
        fits = ", ".join(_describe(fit) for fit in one.pushed) or "-"
        print(f"{one.path!s:{width}}  {len(one.report['pages']):5}  {verdict:9}  {fits}")


def _describe(fit: dict[str, Any]) -> str:
    if fit["omitted"]:
        return f"{fit['element']} left out"
    parts = []
    if fit["condensed"] < 1:
        parts.append(f"{fit['condensed']:.0%}")
    if fit["size"] < fit["nominal"]:
        parts.append(f"{fit['size']:g}/{fit['nominal']:g} pt")
    if fit["lines"] > 1:
        parts.append(f"{fit['lines']} lines")
    return f"{fit['element']} {' '.join(parts)}"


# ------------------------------------------------------------------------------------------------------- contact sheet

DPI = 160
COLUMNS = 6  # cards side by side, each with its front above its back
_DESK, _INK, _SOFT, _EDGE = (241, 238, 231), (44, 42, 38), (120, 113, 102), (0, 0, 0, 46)


def _px(mm: float) -> int:
    return round(mm / 25.4 * DPI)


MARGIN, GAP, SIDES_GAP, CAPTION, HEADING, GROUP_GAP = _px(12), _px(9), _px(3), _px(7), _px(9), _px(8)


@dataclass(frozen=True, slots=True)
class _Tile:
    caption: str
    sides: list[Image.Image]


def _contact_sheet(seen: list[Seen]) -> Path:
    """All fronts and backs, taken from the files, trimmed as the printer trims them."""
    settings = Settings()
    fonts = FontRegistry.load(settings.fonts_toml, settings.font_path)
    groups: dict[str, list[_Tile]] = {}
    for insurer in dict.fromkeys(one.made.insurer for one in seen):
        profile = load_profile(settings.layouts_dir / "insurers" / f"{insurer}.yaml")
        radius = profile.documents.card.corner_radius if profile.documents.card else 0
        groups[f"{profile.name}|{insurer}"] = [_tile(one, radius) for one in seen if one.made.insurer == insurer]
    sheet = _lay_out(groups, fonts)
    path = OUT / "cards.png"
    sheet.save(path, dpi=(DPI, DPI), compress_level=6)
    return path


def _tile(one: Seen, radius_mm: float) -> _Tile:
    pages = zip(one.pages, one.made.report["pages"], strict=True)
    return _Tile(one.made.name.replace("-", " "), [_trimmed(png, page, radius_mm) for png, page in pages])


def _trimmed(png: bytes, page: dict[str, Any], radius_mm: float) -> Image.Image:
    """The page without its bleed, its corners cut and its edge drawn as a thin shade."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    width, height = _px(page["width"]), _px(page["height"])
    left, top = (picture.width - width) // 2, (picture.height - height) // 2  # the bleed is the same on every side
    card = picture.crop((left, top, left + width, top + height)).convert("RGBA")
    edge = Image.new("RGBA", card.size)
    ImageDraw.Draw(edge).rounded_rectangle((0, 0, width - 1, height - 1), _px(radius_mm), outline=_EDGE)
    card.alpha_composite(edge)
    card.putalpha(_rounded(card.size, _px(radius_mm)))
    return card


def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    """A mask with smooth corners: drawn four times larger."""
    large = Image.new("L", (size[0] * 4, size[1] * 4))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), radius * 4, fill=255)
    return large.resize(size, Image.Resampling.LANCZOS)


def _lay_out(groups: dict[str, list[_Tile]], fonts: FontRegistry) -> Image.Image:
    sides = [side for tiles in groups.values() for tile in tiles for side in tile.sides]
    cell_width = max(side.width for side in sides)
    cell_height = 2 * max(side.height for side in sides) + SIDES_GAP + CAPTION
    rows = sum(-(-len(tiles) // COLUMNS) for tiles in groups.values())
    width = 2 * MARGIN + COLUMNS * cell_width + (COLUMNS - 1) * GAP
    height = 2 * MARGIN + len(groups) * (HEADING + GROUP_GAP) - GROUP_GAP + rows * (cell_height + GAP) - GAP
    sheet = Image.new("RGB", (width, height), _DESK)
    draw = ImageDraw.Draw(sheet)
    title = ImageFont.truetype(fonts.path("pgothic-bold"), _px(5))
    small = ImageFont.truetype(fonts.path("pgothic"), _px(2.9))
    y = MARGIN
    for heading, tiles in groups.items():
        name, _, id_ = heading.partition("|")
        draw.text((MARGIN, y), name, _INK, title)
        draw.text((MARGIN + draw.textlength(f"{name}  ", title), y + _px(5)), id_, _SOFT, small, anchor="ls")
        y += HEADING
        for index, tile in enumerate(tiles):
            x = MARGIN + index % COLUMNS * (cell_width + GAP)
            _put_tile(sheet, tile, x, y, small)
            if index % COLUMNS == COLUMNS - 1 or index == len(tiles) - 1:
                y += cell_height + GAP
        y += GROUP_GAP
    return sheet


def _put_tile(sheet: Image.Image, tile: _Tile, x: int, y: int, font: ImageFont.FreeTypeFont) -> None:
    ImageDraw.Draw(sheet).text((x, y + CAPTION - _px(2.2)), tile.caption, _SOFT, font, anchor="ls")
    y += CAPTION
    for side in tile.sides:
        _put_shadow(sheet, side, x, y)
        sheet.paste(side, (x, y), side)
        y += side.height + SIDES_GAP


def _put_shadow(sheet: Image.Image, card: Image.Image, x: int, y: int) -> None:
    spread, drop = _px(1.2), _px(0.5)
    mask = Image.new("L", (card.width + 4 * spread, card.height + 4 * spread))
    mask.paste(card.getchannel("A").point(lambda alpha: alpha * 0.28), (2 * spread, 2 * spread))
    mask = mask.filter(ImageFilter.BoxBlur(spread))
    sheet.paste((70, 60, 40), (x - 2 * spread, y - 2 * spread + drop), mask)


if __name__ == "__main__":
    sys.exit(main())
