"""Files of many people's pages: each page the same as alone, the file still whole."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pypdf
import pytest

from docgen.compose.placed import PlacedSide
from docgen.engine import Engine, Options, preflight
from docgen.pdf.reader import read_pages
from docgen.settings import Settings
from tests import samples, verapdf

NAME = "association-everything"
PLAIN = Options(specimen=False)


def place(engine: Engine, name: str) -> tuple[PlacedSide, ...]:
    return engine.place("card", samples.insurer(name), samples.record("card", name), PLAIN)[1]


def bound(engine: Engine, sides: Iterable[PlacedSide]) -> tuple[bytes, list[str]]:
    """A file of these sides, and the hash of each page."""
    stream = io.BytesIO()
    book = engine.book("card", date(2025, 8, 1), stream)
    hashes = [book.add(side).sha256 for side in sides]
    book.finish()
    return stream.getvalue(), hashes


@pytest.fixture(scope="module")
def all_cards(engine: Engine) -> tuple[bytes, list[str]]:
    """Every sample of every insurer in one file, the one that is looked for last."""
    names = [*(name for name in samples.names("card") if name != NAME), NAME]
    return bound(engine, [side for name in names for side in place(engine, name)])


def test_a_page_keeps_its_hash_among_other_peoples_pages(engine: Engine, all_cards: tuple[bytes, list[str]]) -> None:
    data, hashes = all_cards
    alone = engine.render("card", "association", samples.record("card", NAME), PLAIN)
    assert [page.sha256 for page in alone.pages] == hashes[-2:]
    assert [page.sha256 for page in read_pages(data)] == hashes
    assert preflight(data) == []
    assert verapdf.validate(data) == []


def test_a_page_taken_out_keeps_its_hash_and_conforms(all_cards: tuple[bytes, list[str]], tmp_path: Path) -> None:
    data, hashes = all_cards
    (tmp_path / "all.pdf").write_bytes(data)
    command = "qpdf --newline-before-endstream all.pdf --pages . r2-r1 -- card.pdf"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    taken = (tmp_path / "card.pdf").read_bytes()
    assert [page.sha256 for page in read_pages(taken)] == hashes[-2:]
    assert preflight(taken) == []
    assert verapdf.validate(taken) == []


def test_more_pages_than_a_node_holds_stay_in_order(engine: Engine) -> None:
    fronts = [place(engine, name)[0] for name in samples.names("card")]
    data, hashes = bound(engine, fronts * 10)
    pages = pypdf.PdfReader(io.BytesIO(data), strict=True).pages
    assert len(pages) == len(hashes) == 10 * len(fronts)
    assert [page.sha256 for page in read_pages(data)] == hashes
    assert hashes[: len(fronts)] == hashes[-len(fronts) :]
    assert len(set(hashes)) == len({front.texts for front in fronts})


@pytest.mark.usefixtures("parsed_anew")
def test_an_engine_that_loads_what_it_needs_writes_the_same_files_as_one_that_is_ready_for_all(engine: Engine) -> None:
    record = samples.record("card", NAME)  # characters of every face, those of a fallback face among them
    assert (
        Engine(Settings()).render("card", "association", record).pdf == engine.render("card", "association", record).pdf
    )
