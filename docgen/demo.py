"""Every sample, made by the real service over HTTP, checked, and laid out on contact sheets: `make demo`.

Writes out/demo/DOCUMENT-INSURER-NAME.pdf and two contact sheets: out/demo/cards.png, both sides of every card, and
out/demo/documents.png, a page of each document for each insurer that issues it. The sample households
become a print package, out/demo/package/, reconciled. Exit code 1 if anything fails.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from docgen.contact_sheet import Group, Page, Style, Tile, write_sheet
from docgen.demo_package import BatchError, DemoBatch
from docgen.engine import preflight
from docgen.errors import DocgenError, Violation
from docgen.issuance.profile import load_profile
from docgen.pdf.raster import render
from docgen.settings import Settings
from docgen.text.registry import FontRegistry

OUT = Path("out/demo")
HOUSEHOLDS = "extracts/households.csv"
STARTS_WITHIN_S = 60
ACCESSIBLE = {"accessible": True}

CARDS = Style(columns=6, unit=160 / 25.4)
DOCUMENTS = Style(columns=7, unit=5, caption=3.6, mat=6)
A4_PX = 780  # the height of an A4 page on the sheet of documents
MOST_ENLARGED = 1.9  # beside A4, so that a card is still seen to be small
SHOWN_FIRST = ("insured", "family")  # the samples, by how their names begin, that stand for a document


@dataclass(frozen=True, slots=True)
class Made:
    """One finished file: the sample it shows, and what the service reported of it. `shown` stands for its document."""

    document: str
    insurer: str
    name: str
    path: Path
    report: dict[str, Any]
    shown: bool

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
    """A finished file read back: what preflight says of it, and its pages as pictures without their bleed.

    `sides` are a card's, for the sheet of cards; `face` is the first page of what stands for a document.
    """

    made: Made
    violations: list[Violation]
    sides: list[Image.Image]
    face: Image.Image | None


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
        with ProcessPoolExecutor() as pool:  # files are looked at while the service makes the next
            with _service() as address:
                batch = DemoBatch(address, Settings().layouts_dir / "samples" / HOUSEHOLDS, "association")
                client = Client(address)
                titles = {layout["layout"]: layout["title"] for layout in client.get("/v1/layouts")}
                looks = [pool.submit(_see, made) for made in _make_accessible(client, _make_samples(client, titles))]
                counts = batch.fetch(OUT / "package")
            seen = [look.result() for look in looks]
        sheets = _contact_sheets(seen, titles)
        refused = _report_refused(seen)
    except (DemoError, BatchError, DocgenError, OSError) as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        return 1
    _print_table([one.made for one in seen], refused)
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    print(f"\n{OUT / 'package'}: {told}; reconciled")
    took = time.perf_counter() - started
    print(f"\n{len(seen)} files, {' and '.join(map(str, sheets))} in {took:.1f} s")
    return 1 if refused else 0


@contextmanager
def _service() -> Iterator[str]:
    """The real service on a free port; it is stopped at the end."""
    log_path = OUT / "service.log"
    # Ledger and batches go when the service does, so that the same people may be issued again the next time.
    with log_path.open("wb") as log, TemporaryDirectory(prefix="docgen-") as state:
        command = [sys.executable, "-m", "docgen.cli", "serve", "--port", "0"]
        environment = {**os.environ, "DOCGEN_STATE_DIR": state}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
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


def _make_samples(client: Client, documents: Iterable[str]) -> Iterator[Made]:
    insurers = client.get("/v1/insurers")
    for document in documents:
        samples = client.get(f"/v1/documents/{document}/samples")
        for insurer in insurers:
            prefix = f"{insurer['id']}-"
            own = [name for name in samples if name.startswith(prefix)]
            shown = stands_for_all([name.removeprefix(prefix) for name in own])
            for sample in own:
                order = {"insurer": insurer["id"], "document": document, "record": samples[sample]}
                path = OUT / f"{document}-{sample}.pdf"
                path.write_bytes(client.post(order, "application/pdf"))
                report = json.loads(client.post(order, "application/json"))
                name = sample.removeprefix(prefix)
                yield Made(document, insurer["id"], name, path, report, name == shown)


def stands_for_all(names: list[str]) -> str | None:
    """The sample that shows a document on the sheet of documents."""
    for start in SHOWN_FIRST:
        if found := [name for name in names if name.startswith(start)]:
            return min(found, key=len)
    return names[0] if names else None


def _make_accessible(client: Client, samples: Iterable[Made]) -> Iterator[Made]:
    """The samples, and the notice that stands for each insurer's once more, as an accessible file."""
    records = client.get("/v1/documents/notice/samples")
    for made in samples:
        yield made
        if made.document == "notice" and made.shown:
            record = records[f"{made.insurer}-{made.name}"]
            order = {"insurer": made.insurer, "document": made.document, "record": record, "options": ACCESSIBLE}
            path = made.path.with_name(f"{made.path.stem}-accessible.pdf")
            path.write_bytes(client.post(order, "application/pdf"))
            report = json.loads(client.post(order, "application/json"))
            yield replace(made, name=f"{made.name}-accessible", path=path, report=report, shown=False)


def _see(made: Made) -> Seen:
    """Read one file back, in a process of its own."""
    pdf = made.path.read_bytes()
    sides = [_trimmed(pdf, page, CARDS.unit) for page in made.report["pages"]] if made.document == "card" else []
    return Seen(made, preflight(made.path), sides, _face(pdf, made.report["pages"][0]) if made.shown else None)


def _face(pdf: bytes, page: dict[str, Any]) -> Image.Image:
    """A page in the scale of the sheet of documents: drawn twice as large, so that hairlines stay fine."""
    a4 = A4_PX / 297
    px_per_mm = min(MOST_ENLARGED * a4, A4_PX / page["height"], a4 * 210 / page["width"])
    return _trimmed(pdf, page, 2 * px_per_mm).reduce(2)


def _trimmed(pdf: bytes, page: dict[str, Any], px_per_mm: float) -> Image.Image:
    """A page without its bleed."""
    picture = render(pdf, page["number"], px_per_mm * 25.4)
    width, height = round(page["width"] * px_per_mm), round(page["height"] * px_per_mm)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2  # the bleed is the same on every side
    return picture.crop((left, top, left + width, top + height))


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


def _contact_sheets(seen: list[Seen], titles: dict[str, str]) -> list[Path]:
    """Every card's front and back, and a page of each document, by insurer."""
    settings = Settings()
    fonts = FontRegistry.load(settings.fonts_toml, settings.font_path)
    cards, documents = [], []
    for insurer in dict.fromkeys(one.made.insurer for one in seen):
        profile = load_profile(settings.layouts_dir / "insurers" / f"{insurer}.yaml")
        own = [one for one in seen if one.made.insurer == insurer]
        radius = profile.documents.card.corner_radius if profile.documents.card else 0
        cards.append(Group(profile.name, insurer, [_card_tile(one, radius) for one in own if one.sides]))
        faces = [_document_tile(one, titles[one.made.document]) for one in own if one.face]
        documents.append(Group(profile.name, insurer, faces))
    documents.sort(key=lambda group: -len(group.tiles))
    with ThreadPoolExecutor() as pool:  # Pillow lets go of the interpreter while it compresses
        drawn = [
            pool.submit(write_sheet, OUT / "cards.png", cards, CARDS, fonts),
            pool.submit(write_sheet, OUT / "documents.png", documents, DOCUMENTS, fonts),
        ]
        return [sheet.result() for sheet in drawn]


def _card_tile(one: Seen, radius_mm: float) -> Tile:
    radius = CARDS.px(radius_mm)
    return Tile("", one.made.name.replace("-", " "), [Page(side, radius) for side in one.sides])


def _document_tile(one: Seen, title: str) -> Tile:
    assert one.face is not None
    page = one.made.report["pages"][0]
    return Tile(title, f"{page['width']:g} × {page['height']:g} mm", [Page(one.face)])


if __name__ == "__main__":
    sys.exit(main())
