"""The sample extracts of the insurers whose mail is unlike the large association's: printed, read back, printed again.

`publishers` print cards on their mounts; `accountants` have no symbol on their cards, which show a registered name
beside its alias, and one notice for a household.
"""

from __future__ import annotations

import copy
import io
import re
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import groupby
from pathlib import Path

import pikepdf
import pytest
from typer.testing import CliRunner

from docgen.bulk.against import reconcile_shard
from docgen.bulk.find import Selection, find
from docgen.bulk.intake import take_in
from docgen.bulk.job import Job
from docgen.bulk.opened import PageRow, open_manifest
from docgen.bulk.reconcile import Finding, reconcile
from docgen.bulk.reprint import left_behind, reprint
from docgen.bulk.sources import open_source
from docgen.bulk.store import Store
from docgen.bulk.tables import PIECES, read_table
from docgen.cli import app
from docgen.engine import Engine
from docgen.errors import PackageError
from docgen.issuance.profile import CardSettings, QrSettings
from docgen.pdf.reader import read_pages
from docgen.settings import Settings
from tests.bulk import packages
from tests.bulk.damage import Damaged, Rows, lines, set_lines

EXTRACTS = Path(__file__).parents[2] / "layouts/samples/extracts"
ISSUED_ON = date(2025, 12, 2)
MOUNTS = "vendor/S01-mounts-0001.pdf"
NAME, SERIAL = b"BT /mincho 13 Tf", b"BT /gothic 5 Tf"  # how lines of a page begin: names of people, cards' numbers


def job(insurer: str, delivery: str) -> Job:
    return Job("S01", insurer, delivery, ISSUED_ON)


def issue(engine: Engine, folder: Path, extract: str, job: Job) -> Store:
    """The package of a sample extract, in one shard."""
    store, profile = Store.open(folder / "package"), engine.insurers[job.insurer]
    taken = take_in(store, open_source(EXTRACTS / extract, folder), job, profile, folder)
    return packages.finish(engine, store, job, [part.number for part in taken.parts])


Made = Callable[[str, str], Store]


@pytest.fixture(scope="module")
def made(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The package of an insurer's extract by a delivery, made once."""
    extracts = {"publishers": "publishers.csv", "accountants": "accountants.jsonl"}
    known: dict[tuple[str, str], Store] = {}

    def package(insurer: str, delivery: str) -> Store:
        if (insurer, delivery) not in known:
            folder = tmp_path_factory.mktemp(insurer)
            known[insurer, delivery] = issue(engine, folder, extracts[insurer], job(insurer, delivery))
        return known[insurer, delivery]

    return package


@pytest.fixture
def printed(made: Made) -> Store:
    """Mounts with the cards printed on them."""
    return made("publishers", "cards")


@pytest.fixture
def damaged(printed: Store, tmp_path: Path) -> Damaged:
    shutil.copytree(printed.location, tmp_path / "package")
    return Damaged(tmp_path / "package")


def counts(store: Store) -> tuple[int, ...]:
    said = open_manifest(store).counts
    return said.people, said.printed, said.rejected, said.held, said.pieces, said.cards, said.pages


@pytest.mark.parametrize(
    ("insurer", "delivery", "expected"),
    [
        ("publishers", "cards", (26, 21, 4, 1, 12, 21, 24)),  # 11 households, one of six people; a sheet has two sides
        ("publishers", "notices", (26, 21, 4, 1, 21, 0, 21)),
        ("accountants", "cards", (17, 14, 2, 1, 6, 14, 34)),  # 5 households, one of six people
        ("accountants", "notices", (17, 14, 2, 1, 5, 0, 7)),  # one of several pages for a household
    ],
)
def test_every_insurers_package_says_what_its_extract_asks_for(
    engine: Engine, made: Made, insurer: str, delivery: str, expected: tuple[int, ...]
) -> None:
    store = made(insurer, delivery)
    assert counts(store) == expected
    assert reconcile(store).findings == []
    assert reconcile_shard(engine, store, job(insurer, delivery), 1).findings == []


@pytest.mark.parametrize(
    ("insurer", "rejects"),
    [
        ("publishers", {
            ("567-2012-00", "age_75_reached", "生年月日"),
            ("567-2013-00", "household_held", ""),
            ("567-2013-01", "invalid_date", "生年月日"),
            ("567-2014-00", "unknown_code", "加入区分"),
            ("567-2015-00", "ratio_required", "負担割合"),
        }),
        ("accountants", {
            ("3006-00", "unknown_code", "category"),
            ("3007-00", "household_held", ""),
            ("3007-01", "invalid_date", "born"),
        }),
    ],
)  # fmt: skip
def test_who_is_not_printed_is_named_in_the_insurers_own_columns(
    made: Made, insurer: str, rejects: set[tuple[str, str, str]]
) -> None:
    table = read_table(io.BytesIO(made(insurer, "cards").read("issuer/S01-rejects.csv")))
    assert {(row["key"], row["code"], row["column"]) for row in table} == rejects


# --- notices ---


@pytest.mark.parametrize(("insurer", "page"), [("publishers", 1), ("accountants", 1), ("accountants", 2)])
def test_notices_of_two_households_that_changed_places_are_found_by_their_numbers(
    made: Made, tmp_path: Path, insurer: str, page: int
) -> None:
    store = made(insurer, "notices")
    shutil.copytree(store.location, tmp_path / "package")
    damaged, notices = Damaged(tmp_path / "package"), "vendor/S01-notices-0001.pdf"
    sheets = [list(rows) for _, rows in groupby(packages.pages(store), key=lambda row: (row.piece, row.sheet))]
    one = max(sheets, key=len)[page - 1]
    other = next(rows[0] for rows in sheets if rows[0].piece != one.piece)
    damaged.swap_contents(notices, one.page - 1, other.page - 1)
    damaged.hide()
    report = reconcile(Store.open(damaged.folder), vendor_only=True)
    assert {(f.code, f.file, f.page, f.piece) for f in report.findings} == {
        ("package_code_differs", notices, row.page, row.piece) for row in (one, other)
    }


def test_a_notice_that_lost_its_number_is_found(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made("accountants", "notices").location, tmp_path / "package")
    damaged = Damaged(tmp_path / "package")

    def spoil(pdf: pikepdf.Pdf) -> None:
        content = lines(pdf, 1)
        (code,) = (at for at, line in enumerate(content) if line.endswith(b"f Q"))
        del content[code]
        set_lines(pdf, 1, content)

    damaged.pages_of("vendor/S01-notices-0001.pdf", spoil)
    damaged.hide()
    assert [(f.code, f.page) for f in found(damaged)] == [("package_code_differs", 1)]


def test_where_a_number_stands_on_some_pages_alone_it_is_not_asked_for(tmp_path: Path) -> None:
    layouts = tmp_path / "layouts"
    shutil.copytree(EXTRACTS.parents[1], layouts)
    layout = layouts / "notice.yaml"
    text = layout.read_text(encoding="utf-8")
    text, times = re.subn(r"(id: piece.id, .*\n\s+when:) piece.has_id", r"\1 [piece.has_id, page.is_last]", text)
    assert times == 1
    layout.write_text(re.sub(r"    - \{id: next.piece, .*\n", "", text), encoding="utf-8")
    store = issue(Engine(Settings(layouts_dir=layouts)), tmp_path, "accountants.jsonl", job("accountants", "notices"))
    assert max(row.sheets for row in packages.pieces(store)) > 1
    assert reconcile(store).findings == []


# --- cards that are printed on their mounts ---


def family(store: Store) -> list[PageRow]:
    """The first sheet of the household of six: four cards, front and back."""
    sheet = [row for row in packages.pages(store) if len(row.people) == 4]
    largest = next(row.piece for row in packages.pages(store) if row.sheet == 2)
    return [row for row in sheet if row.piece == largest]


def test_there_are_no_cards_beside_the_mounts_that_they_are_printed_on(printed: Store) -> None:
    assert [name for name in printed.names("vendor") if name.endswith(".pdf")] == [MOUNTS]
    front, back = family(printed)
    pages = list(read_pages(printed.read(MOUNTS)))
    texts = ["".join(pages[row.page - 1].blocks()) for row in (front, back)]
    assert "仮名" in texts[0]
    assert (front.page + 1, front.people) == (back.page, back.people)


def found(damaged: Damaged) -> list[Finding]:
    return reconcile(Store.open(damaged.folder)).findings


def edit(damaged: Damaged, page: int, change: Callable[[list[bytes]], None]) -> None:
    """Change the lines of a page, and every hash with them."""

    def edited(pdf: pikepdf.Pdf) -> None:
        content = lines(pdf, page)
        change(content)
        set_lines(pdf, page, content)

    damaged.pages_of(MOUNTS, edited)
    damaged.hide()


def starting(content: list[bytes], start: bytes) -> list[int]:
    return [at for at, line in enumerate(content) if line.startswith(start)]


def swap_texts(content: list[bytes], one: int, other: int) -> None:
    """Two texts of one size change places."""
    (first, mine), (second, theirs) = (content[at].split(b"<", 1) for at in (one, other))
    content[one], content[other] = first + b"<" + theirs, second + b"<" + mine


def sheets(store: Store) -> set[int]:
    return {row.sheets for row in packages.pieces(store)}


def test_a_sheet_that_is_printed_on_both_sides_is_one(printed: Store, tmp_path: Path) -> None:
    pages = Counter((row.piece, row.sheet) for row in packages.pages(printed))
    assert pages == {(row.piece, row.sheet): 2 for row in packages.pieces(printed)}
    assert sheets(printed) == {1}
    again = Store.open(tmp_path / "again")
    reprint(printed, again, Selection(pieces=(family(printed)[0].piece,)), "torn")
    assert sheets(again) == {1}


def test_a_notice_has_as_many_sheets_as_pages_and_a_reprint_as_many(made: Made, tmp_path: Path) -> None:
    store = made("accountants", "notices")
    pages = Counter((row.piece, row.sheet) for row in packages.pages(store))
    assert {(row.piece, row.sheet): row.sheets for row in packages.pieces(store)} == pages
    thick = max(packages.pieces(store), key=lambda row: row.sheets)
    assert thick.sheets > 1
    again = Store.open(tmp_path / "again")
    reprint(store, again, Selection(pieces=(thick.piece,)), "torn")
    assert sheets(again) == {thick.sheets}
    assert reconcile(again).findings == []


@pytest.mark.parametrize(("insurer", "delivery"), [("accountants", "notices"), ("publishers", "cards")])
@pytest.mark.parametrize("more", [1, -1])
def test_a_wrong_count_of_sheets_is_found(made: Made, tmp_path: Path, insurer: str, delivery: str, more: int) -> None:
    shutil.copytree(made(insurer, delivery).location, tmp_path / "package")
    damaged = Damaged(tmp_path / "package")

    def miscount(rows: Rows) -> Rows:
        at = max(range(len(rows)), key=lambda at: int(rows[at][PIECES.index("sheets")]))
        rows[at][PIECES.index("sheets")] = str(int(rows[at][PIECES.index("sheets")]) + more)
        return rows

    damaged.table("vendor/S01-pieces.csv", miscount)
    damaged.sign()
    assert [finding.code for finding in found(damaged)] == ["package_counts"]


def test_a_notice_with_a_back_is_counted_by_sheets_too(tmp_path: Path) -> None:
    layouts = tmp_path / "layouts"
    shutil.copytree(EXTRACTS.parents[1], layouts)
    layout = layouts / "notice.yaml"
    name = "{id: back.name, field: insurer.name, box: [20, 20, 80, 6], style: small, role: artifact}"
    back = f"  back:\n    - {name}\n\n  next:\n"
    layout.write_text(layout.read_text(encoding="utf-8").replace("  next:\n", back, 1), encoding="utf-8")
    other = Engine(Settings(layouts_dir=layouts))
    store = issue(other, tmp_path, "accountants.jsonl", job("accountants", "notices"))
    pages = Counter((row.piece, row.sheet) for row in packages.pages(store))
    assert {(row.piece, row.sheet): row.sheets + 1 for row in packages.pieces(store)} == pages
    assert reconcile(store).findings == []
    assert reconcile_shard(other, store, job("accountants", "notices"), 1).findings == []


def test_two_cards_that_changed_places_on_a_sheet_are_found_by_their_names(damaged: Damaged) -> None:
    front, _ = family(Store.open(damaged.folder))

    def exchange(content: list[bytes]) -> None:
        swap_texts(content, *starting(content, NAME)[:2])

    edit(damaged, front.page, exchange)
    findings = found(damaged)
    assert {finding.code for finding in findings} == {"package_name_differs"}
    assert {(finding.page, finding.place) for finding in findings} == {(front.page, 1), (front.page, 2)}


def test_a_card_that_bears_anothers_number_or_none_is_found(damaged: Damaged) -> None:
    front, _ = family(Store.open(damaged.folder))

    def spoil(content: list[bytes]) -> None:
        one, other, lost, _ = starting(content, SERIAL)
        swap_texts(content, one, other)
        del content[lost]

    edit(damaged, front.page, spoil)
    findings = found(damaged)
    assert {finding.code for finding in findings} == {"package_code_differs"}
    assert {finding.place for finding in findings} == {1, 2, 3}


def test_two_people_who_changed_places_in_a_sheets_row_are_found_by_the_vendor_too(damaged: Damaged) -> None:
    def swap(rows: Rows) -> Rows:
        for row in rows:
            if len(people := row[6].split()) == 4:
                row[6] = " ".join([people[1], people[0], *people[2:]])
        return rows

    damaged.table("vendor/S01-pages.csv", swap)
    damaged.sign()
    report = reconcile(Store.open(damaged.folder), vendor_only=True)
    assert {(finding.code, finding.file) for finding in report.findings} == {("package_order", "vendor/S01-pages.csv")}


def test_two_backs_that_changed_places_are_found_by_their_codes_though_every_hash_was_repaired(
    damaged: Damaged,
) -> None:
    backs = [row for row in packages.pages(Store.open(damaged.folder)) if row.page % 2 == 0]
    one, other = backs[1], backs[4]
    damaged.swap_contents(MOUNTS, one.page - 1, other.page - 1)
    damaged.hide()
    shutil.rmtree(damaged.folder / "issuer")
    findings = reconcile(Store.open(damaged.folder), vendor_only=True).findings
    assert {(f.code, f.page, f.piece) for f in findings} == {
        ("package_code_differs", row.page, row.piece) for row in (one, other)
    }


def test_the_sheet_of_another_household_is_found(damaged: Damaged) -> None:
    damaged.swap_contents(MOUNTS, 0, 2)
    damaged.hide()
    assert {(f.code, f.page) for f in found(damaged)} >= {("package_code_differs", 1), ("package_code_differs", 3)}


def test_a_person_is_found_on_their_sheet_and_gets_all_of_it_again(printed: Store, tmp_path: Path) -> None:
    front, back = family(printed)
    person = front.people[2]
    own = next(row for row in packages.keys(printed) if row.person == person)
    asked = (Selection(people=(person,)), Selection(keys=(own.key,)), Selection(pages=(f"{MOUNTS}:{back.page}",)))
    for selection in asked:
        (holding,) = find(printed, selection)
        assert [row.page for row in holding.pages] == [front.page, back.page]
        assert holding.as_dict()["people"] == list(front.people)
    result = CliRunner().invoke(
        app,
        ["reprint", printed.location, "--person", person, "--cards-only", "--reason", "x", "--out", f"{tmp_path}/c"],
    )
    assert (result.exit_code, result.stderr.count("whole sheet")) == (0, 1)
    for name, cards_only in (("all", False), ("cards", True)):
        out = Store.open(tmp_path / name)
        made = reprint(printed, out, Selection(people=(person,)), "damaged in the post", cards_only=cards_only)
        assert (made.pieces, made.cards, made.people, made.pages) == (1, 4, 4, 2)
        assert [row.page_hash for row in packages.pages(out)] == [front.page_hash, back.page_hash]
        assert left_behind(out) == []
        assert {row.person for row in packages.keys(out)} == set(front.people)
        assert reconcile(out).findings == []


def test_a_card_that_is_printed_on_its_sheet_is_found_by_its_number(printed: Store) -> None:
    row = family(printed)[0]
    (held,) = find(printed, Selection(pieces=(f"{row.piece}-{row.sheet}{len(row.people)}",)))
    assert (held.pages[0].piece, held.pages[0].sheet) == (row.piece, row.sheet)
    with pytest.raises(PackageError, match="not_in_package"):
        list(find(printed, Selection(pieces=(f"{row.piece}-{row.sheet}{len(row.people) + 1}",))))


def test_one_sheet_of_two_is_printed_again_alone(printed: Store, tmp_path: Path) -> None:
    piece, out = family(printed)[0].piece, Store.open(tmp_path / "out")
    made = reprint(printed, out, Selection(pieces=(f"{piece}/2",)), "damaged in the post")
    assert (made.cards, made.pages) == (2, 2)
    assert reconcile(out).findings == []


def test_a_symbol_that_is_printed_with_its_card_is_read_on_the_back_of_the_sheet(
    engine: Engine, tmp_path: Path
) -> None:
    other, profile = copy.copy(engine), engine.insurers["publishers"]
    card = CardSettings(match_code=True, qr=QrSettings(payload="{match_code}"))
    documents = profile.documents.model_copy(update={"card": card})
    other.insurers = {**engine.insurers, "coded": profile.model_copy(update={"documents": documents})}
    damaged = Damaged(Path(issue(other, tmp_path, "publishers.csv", job("coded", "cards")).location))
    assert found(damaged) == []
    front, back = family(Store.open(damaged.folder))

    def exchange(content: list[bytes]) -> None:
        _, one, two, *_ = [
            at for at, line in enumerate(content) if line.endswith(b"f Q")
        ]  # the first is the sheet's own
        content[one], content[two] = moved(content[two], content[one]), moved(content[one], content[two])

    edit(damaged, back.page, exchange)
    assert {(f.code, f.page, f.place) for f in found(damaged)} == {
        ("package_code_differs", front.page, place) for place in (1, 2)
    }


def moved(symbol: bytes, to: bytes) -> bytes:
    """A symbol in the place of another."""
    return b" cm ".join([to.split(b" cm ")[0], symbol.split(b" cm ")[1]])
