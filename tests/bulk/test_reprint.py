from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.bulk.find import Selection, find
from docgen.bulk.job import person_key, piece_id
from docgen.bulk.opened import (
    KEYS_TABLE,
    MANIFEST,
    PAGES_TABLE,
    PIECES_TABLE,
    KeyRow,
    PageRow,
    open_manifest,
)
from docgen.bulk.reconcile import reconcile
from docgen.bulk.reprint import left_behind, reprint
from docgen.bulk.store import Store
from docgen.engine import Engine, preflight
from docgen.errors import PackageError
from docgen.pdf.reader import read_pages
from tests import verapdf
from tests.bulk import packages
from tests.bulk.damage import Damaged, Rows

CARDS, PAGES = "vendor/S01-cards-0001.pdf", "vendor/S01-pages.csv"
WHY = "damaged in the post"


@pytest.fixture(scope="module")
def package(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("original")
    return packages.issue(engine, folder, packages.job(), packages.halves(packages.rows(40)))


@pytest.fixture(scope="module")
def rows(package: Store) -> list[PageRow]:
    return packages.pages(package)


@pytest.fixture
def out(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "reprint")


def files(store: Store) -> dict[str, bytes]:
    return {name: store.read(name) for name in store.names()}


def printed(store: Store) -> list[str]:
    """The files with pages."""
    return [name for name in store.names("vendor") if name.endswith(".pdf")]


def hashes(store: Store) -> list[tuple[str, str, int, str]]:
    return [(row.piece, row.document, row.place, row.page_hash) for row in packages.pages(store)]


def family(rows: list[PageRow]) -> str:
    """A piece with more cards than one."""
    return next(row.piece for row in rows if row.place == 3)


def test_a_piece_is_its_mount_and_its_cards(package: Store, rows: list[PageRow], out: Store) -> None:
    piece = family(rows)
    counts = reprint(package, out, Selection(pieces=(piece,)), WHY)
    assert hashes(out) == [(row.piece, row.document, row.place, row.page_hash) for row in rows if row.piece == piece]
    assert (counts.cards, counts.pieces) == (counts.printed, 1)
    assert reconcile(out).findings == []


def test_one_envelope_of_several_can_be_printed_again_alone(package: Store, rows: list[PageRow], out: Store) -> None:
    piece = next(row.piece for row in rows if row.sheet == 2)
    reprint(package, out, Selection(pieces=(f"{piece}/2",)), WHY)
    assert {(row.piece, row.sheet) for row in packages.pages(out)} == {(piece, 2)}
    assert reconcile(out).findings == []


def test_a_person_is_both_sides_of_the_card_and_the_mount(package: Store, rows: list[PageRow], out: Store) -> None:
    person = next(row.people[0] for row in rows if row.place == 2)
    reprint(package, out, Selection(people=(person,)), WHY)
    assert [(row.document, row.place) for row in packages.pages(out)] == [("mount", 0), ("card", 2), ("card", 2)]
    assert [row.people for row in packages.pages(out)][1:] == [(person,)] * 2
    assert [row.person for row in packages.keys(out)] == [person]
    assert reconcile(out).findings == []


def test_what_a_mount_carries_besides_is_told_with_the_number_to_ask_for(
    package: Store, rows: list[PageRow], tmp_path: Path
) -> None:
    piece = family(rows)
    cards = {row.place: row for row in rows if row.piece == piece and row.sheet == 1 and row.place}
    asked = [
        (Selection(people=cards[2].people), False, len(cards) - 1),
        (Selection(pieces=(f"{piece}-11", f"{piece}-12")), False, len(cards) - 2),
        (Selection(people=cards[2].people), True, 0),
        (Selection(pieces=(f"{piece}/1",)), False, 0),
    ]
    for number, (selection, cards_only, besides) in enumerate(asked):
        out = Store.open(tmp_path / str(number))
        reprint(package, out, selection, WHY, cards_only=cards_only)
        left = left_behind(out)
        assert [envelope.cards for envelope in left] == [besides] * bool(besides)
        for envelope in left:  # the number gets them all
            whole = Store.open(tmp_path / f"{number}-whole")
            assert reprint(package, whole, Selection(pieces=(envelope.number,)), WHY).cards == len(cards)


def test_what_is_put_into_an_envelope_is_named_only_where_one_is_filled(
    package: Store, rows: list[PageRow], tmp_path: Path
) -> None:
    selection = Selection(people=(next(row.people[0] for row in rows if row.place == 1),))
    for cards_only, enclosures in ((False, "leaflet seal reply-envelope"), (True, "")):
        out = Store.open(tmp_path / str(cards_only))
        reprint(package, out, selection, WHY, cards_only=cards_only)
        assert [row.enclosures for row in packages.pieces(out)] == [enclosures]
        assert reconcile(out).findings == []


def test_a_person_is_found_by_the_records_own_key_too(package: Store, out: Store) -> None:
    wanted: KeyRow = packages.keys(package)[6]
    reprint(package, out, Selection(keys=(wanted.key,)), WHY, cards_only=True)
    assert [row.people for row in packages.pages(out)] == [(wanted.person,)] * 2
    assert reconcile(out).findings == []


def test_the_manifest_of_the_vendor_names_no_key_of_the_issuer(package: Store, out: Store) -> None:
    key = packages.keys(package)[0].key
    reprint(package, out, Selection(keys=(key,)), WHY)
    assert not any(key.encode() in data for name, data in files(out).items() if name.endswith((".json", "s.csv"))
                   and name.startswith("vendor/"))  # fmt: skip


def test_a_page_is_the_whole_card_that_it_is_of(package: Store, rows: list[PageRow], out: Store) -> None:
    reprint(package, out, Selection(pages=(f"{CARDS}:4", "S01-mounts-0002.pdf:1")), WHY)
    asked = [row for row in rows if (row.file, row.page) in {(CARDS, 3), (CARDS, 4), ("vendor/S01-mounts-0002.pdf", 1)}]
    assert [row.page_hash for row in packages.pages(out)] == [row.page_hash for row in asked]
    assert reconcile(out).findings == []


def test_a_mount_alone_is_nobodys_card(package: Store, rows: list[PageRow], out: Store) -> None:
    counts = reprint(package, out, Selection(pages=("S01-mounts-0001.pdf:1",)), WHY)
    assert (counts.people, counts.printed, counts.cards, counts.pieces, counts.households) == (0, 0, 0, 1, 1)
    assert reconcile(out).findings == []
    assert reconcile(out, vendor_only=True).findings == []


def test_all_printed_again_has_every_hash_of_the_original(package: Store, rows: list[PageRow], out: Store) -> None:
    reprint(package, out, Selection(pieces=tuple({row.piece for row in rows})), WHY)
    assert hashes(out) == hashes(package)
    assert reconcile(out).findings == []


def test_the_pages_conform_say_and_look_the_same(package: Store, rows: list[PageRow], out: Store) -> None:
    pieces = (rows[0].piece, rows[-1].piece, family(rows))
    reprint(package, out, Selection(pieces=pieces), WHY)
    before = {row.page_hash: (row.file, row.page) for row in rows}
    names = printed(out)
    assert [name.split("-")[2] for name in names] == ["cards", "mounts"]
    for name in names:
        data = out.read(name)
        assert verapdf.validate(data) == []
        assert preflight(data) == []
        for number, page in enumerate(read_pages(data)):
            file, original = before[page.sha256]
            assert page.runs == list(read_pages(package.read(file)))[original - 1].runs
            assert np.array_equal(picture(data, number), picture(package.read(file), original - 1))


def picture(data: bytes, page: int) -> Any:
    return pypdfium2.PdfDocument(data)[page].render(scale=1.5).to_numpy()


def test_only_the_glyphs_that_are_shown_come_along(package: Store, out: Store) -> None:
    reprint(package, out, Selection(pages=("S01-mounts-0001.pdf:1",)), WHY)
    (name,) = printed(out)
    assert len(out.read(name)) < len(package.read("vendor/S01-mounts-0001.pdf"))


def test_the_same_reprint_is_the_same_bytes(package: Store, rows: list[PageRow], tmp_path: Path) -> None:
    one, other = Store.open(tmp_path / "one"), Store.open(tmp_path / "other")
    for target in (one, other):
        reprint(package, target, Selection(pieces=(family(rows),)), WHY)
    assert files(one) == files(other)


def test_no_two_packages_of_a_job_have_a_file_of_one_name_but_the_manifest(
    package: Store, rows: list[PageRow], tmp_path: Path
) -> None:
    piece, first = family(rows), Store.open(tmp_path / "0")
    stores = [package, first]
    reprint(package, first, Selection(pieces=(piece,)), WHY)
    for of, pieces, reason in (
        (package, (piece,), "damaged once more"),
        (package, (rows[0].piece, piece), WHY),
        (first, (piece,), WHY),
    ):
        stores.append(Store.open(tmp_path / str(len(stores))))
        reprint(of, stores[-1], Selection(pieces=pieces), reason)
    files = [(open_manifest(store).package, Path(name).name) for store in stores for side in ("vendor", "issuer")
             for name in store.names(side) if name != MANIFEST]  # fmt: skip
    assert max(Counter(name.lower() for _, name in files).values()) == 1
    assert all(name.startswith(f"{of}-") and re.fullmatch(r"[A-Za-z0-9.-]{1,50}", name) for of, name in files)


def test_a_file_is_titled_by_its_name_so_that_a_press_queue_tells_it_from_others(
    package: Store, rows: list[PageRow], out: Store
) -> None:
    reprint(package, out, Selection(pieces=(rows[0].piece,)), WHY)
    documents = {"cards": "資格確認書", "mounts": "送付書兼資格確認書貼付台紙"}
    for store in (package, out):
        for name in printed(store):
            expected = f"{Path(name).stem} {documents[name.split('-')[-2]]}"
            with pikepdf.open(io.BytesIO(store.read(name))) as pdf, pdf.open_metadata() as xmp:
                assert (str(pdf.docinfo["/Title"]), xmp["dc:title"]) == (expected, expected)


@pytest.mark.parametrize("said", [b"<dc:title>", b"/Title"])
def test_a_file_that_has_lost_its_title_is_not_printed_again(
    package: Store, tmp_path: Path, out: Store, said: bytes
) -> None:
    shutil.copytree(package.location, tmp_path / "package")
    damaged = Damaged(tmp_path / "package")
    path = damaged.folder / CARDS
    path.write_bytes(path.read_bytes().replace(said, said.replace(b"t", b"x")))
    damaged.sign()
    with pytest.raises(PackageError, match=r"does not say of itself what it should.*reprint_damaged"):
        reprint(Store.open(damaged.folder), out, Selection(pages=(f"{CARDS}:1",)), WHY)
    assert files(out) == {}


@pytest.mark.parametrize("name", ["S02", "S01-R2", "../S01", "S01-RABCDEFG2/..", ""])
def test_a_manifest_that_names_its_files_after_something_else_is_refused(
    package: Store, tmp_path: Path, name: str
) -> None:
    shutil.copytree(package.location, tmp_path / "package")
    damaged = Damaged(tmp_path / "package")
    damaged.manifest(lambda said: said.update(package=name))
    with pytest.raises(PackageError, match=r"does not name its files after its job.*package_manifest"):
        list(find(Store.open(damaged.folder), Selection(pages=("S01-cards-0001.pdf:1",))))


def test_a_reprint_of_a_reprint_is_that_of_the_original(package: Store, rows: list[PageRow], tmp_path: Path) -> None:
    once, twice = Store.open(tmp_path / "once"), Store.open(tmp_path / "twice")
    piece = family(rows)
    reprint(package, once, Selection(pieces=(rows[0].piece, piece)), WHY)
    reprint(once, twice, Selection(pieces=(piece,)), WHY)
    assert hashes(twice) == [(r.piece, r.document, r.place, r.page_hash) for r in rows if r.piece == piece]
    assert reconcile(twice).findings == []


def test_the_manifest_names_the_original_and_the_reason(package: Store, rows: list[PageRow], out: Store) -> None:
    reprint(package, out, Selection(pieces=(rows[0].piece,)), f"  {WHY} ")
    told = json.loads(out.read(MANIFEST))["reprint"]
    original = hashlib.sha256(package.read(MANIFEST)).hexdigest()
    assert told == {"of": original, "reason": WHY, "selected": {"pieces": [rows[0].piece]}}


def test_a_reprint_has_no_shards(package: Store, rows: list[PageRow], out: Store) -> None:
    assert "shards" in json.loads(package.read(MANIFEST))
    reprint(package, out, Selection(pieces=(rows[0].piece,)), WHY)
    assert "shards" not in json.loads(out.read(MANIFEST))


def test_the_vendors_side_alone_can_be_printed_again(package: Store, rows: list[PageRow], tmp_path: Path) -> None:
    shutil.copytree(f"{package.location}/vendor", tmp_path / "theirs" / "vendor")
    out = Store.open(tmp_path / "reprint")
    reprint(Store.open(tmp_path / "theirs"), out, Selection(pieces=(rows[0].piece,)), WHY)
    assert reconcile(out, vendor_only=True).findings == []
    assert not list(out.names("issuer"))


def test_letters_are_printed_again_with_their_piece(engine: Engine, tmp_path: Path) -> None:
    made = packages.issue(engine, tmp_path, packages.job("regular"), packages.halves(packages.rows(30)))
    letter = next(row for row in packages.pages(made) if row.document == "employer-letter")
    out = Store.open(tmp_path / "reprint")
    counts = reprint(made, out, Selection(pieces=(letter.piece,)), WHY)
    assert {row.document for row in packages.pages(out)} == {"employer-letter"}
    assert (counts.people, counts.households, counts.pieces) == (0, 0, 1)
    assert reconcile(out).findings == []


def mistyped(id_: str, at: int) -> str:
    """An id with another character at a place."""
    return id_[:at] + ("7" if id_[at] != "7" else "1") + id_[at + 1 :]


def hints(store: Store, **asked: tuple[str, ...]) -> list[str]:
    with pytest.raises(PackageError, match="not_in_package") as caught:
        list(find(store, Selection(**asked)))
    return [violation.hint for violation in caught.value.violations]


@given(data=st.data())
def test_an_id_that_was_mistyped_is_told_from_one_of_another_package(package: Store, data: st.DataObject) -> None:
    pieces, people = {row.piece for row in packages.pieces(package)}, {row.person for row in packages.keys(package)}
    piece, person = data.draw(st.sampled_from(sorted(pieces))), data.draw(st.sampled_from(sorted(people)))
    at = st.integers(4, len(piece) - 1)  # behind S01-
    wrong = mistyped(piece, data.draw(at)) + data.draw(st.sampled_from(["", "-1/1", "/1", "/1/1", "-11", "-1/1/1/1"]))
    assert hints(package, pieces=(wrong,), people=(mistyped(person, data.draw(at)),)) == [MISTYPED] * 2


MISTYPED = "its check character does not fit: it is mistyped, compare it with the paper"


def test_an_unknown_id_is_told_what_it_may_be_to_who_has_the_issuers_side_or_not(
    package: Store, tmp_path: Path
) -> None:
    shutil.copytree(f"{package.location}/vendor", tmp_path / "vendor")
    asked = {"pieces": (piece_id("S02", 1),), "people": (person_key("S01", 999),), "pages": ("S01-cards-0009.pdf:1",)}
    theirs = "it is of another package, or of somebody who was not printed"
    page = "name a file of the package and a page of it: S01-cards-0001.pdf:1"
    assert hints(Store.open(tmp_path), **asked) == [theirs, theirs, page]
    envelope = (f"{piece_id('S01', 1)}-9/9",)
    assert hints(package, pieces=envelope)[0].startswith("what stands behind the check character is mistyped, or it is")
    assert hints(package, **asked) == [f"{theirs}: see issuer/S01-keys.csv"] * 2 + [page]


def test_who_was_not_printed_is_told_why_to_who_has_the_issuers_side(engine: Engine, tmp_path: Path) -> None:
    rows = packages.rows(40)
    others = next(row for row in rows if row["本人家族区分"] == "2")["_household"]
    bad, held, *_ = (row for row in rows if row["_household"] == others)
    gone = next(row for row in rows if row["_household"] != others)
    bad["_fault"], gone["_withdrawn"] = "household_missing", True
    made = packages.issue(engine, tmp_path, packages.job(), [rows])
    person = next(row.person for row in packages.keys(made) if row.row == held["_row"])
    assert hints(made, keys=(bad["_key"], gone["_key"]), people=(person,)) == [
        f"held, row {held['_row']}: mend row {bad['_row']}",
        f"rejected, row {bad['_row']}: household_missing",
        f"withdrawn, row {gone['_row']}",
    ]
    shutil.copytree(f"{made.location}/vendor", tmp_path / "theirs/vendor")
    assert hints(Store.open(tmp_path / "theirs"), people=(person,)) == [
        "it is of another package, or of somebody who was not printed"
    ]


def test_ids_may_be_typed_in_lower_case(package: Store, rows: list[PageRow], out: Store) -> None:
    card = next(row for row in rows if row.place == 2)
    person, piece = card.people[0].lower(), f"{card.piece.lower()}-{card.sheet}{card.place}"
    for selection in (Selection(people=(person,)), Selection(pieces=(piece,))):
        assert [holding.pages[-1].page_hash for holding in find(package, selection)][-1] == rows[
            rows.index(card) + 1
        ].page_hash
    reprint(package, out, Selection(pieces=(piece,)), WHY)
    assert json.loads(out.read(MANIFEST))["reprint"]["selected"] == {"pieces": [piece.upper()]}


def test_what_an_employer_gets_again_keeps_its_bundle_with_the_letter_or_without(
    engine: Engine, tmp_path: Path
) -> None:
    made = packages.issue(engine, tmp_path, packages.job("regular"), packages.halves(packages.rows_of_employers(30)))
    pieces = packages.pieces(made)
    letter = next(row.piece for row in pieces if row.kind == "letter")
    envelopes = [row for row in pieces if row.bundle == letter and row.kind == "employer"]
    other = next(row for row in pieces if row.kind == "letter" and row.piece != letter)
    assert len(envelopes) > 2
    for at, asked in enumerate([
        [envelopes[1].piece],
        [envelopes[1].piece, envelopes[2].piece, letter],
        [*(row.piece for row in envelopes), other.piece],  # a letter without its envelopes, envelopes without theirs
    ]):  # fmt: skip
        out = Store.open(tmp_path / f"reprint-{at}")
        reprint(made, out, Selection(pieces=tuple(dict.fromkeys(asked))), WHY)
        bundles = {row.piece: row.bundle for row in pieces}
        assert {row.piece: row.bundle for row in packages.pieces(out)} == {piece: bundles[piece] for piece in asked}
        assert reconcile(out).findings == []
        assert reconcile(out, vendor_only=True).findings == []


def test_an_envelope_that_is_printed_again_with_anothers_letter_is_found(engine: Engine, tmp_path: Path) -> None:
    made = packages.issue(engine, tmp_path, packages.job("regular"), packages.halves(packages.rows_of_employers(30)))
    pieces = packages.pieces(made)
    letter, other = [row.piece for row in pieces if row.kind == "letter"][:2]
    mine = next(row for row in pieces if row.bundle == other and row.kind == "employer")
    out = Store.open(tmp_path / "reprint")
    reprint(made, out, Selection(pieces=(mine.piece, letter)), WHY)
    damaged = Damaged(tmp_path / "reprint")
    damaged.table(open_manifest(out).named(PIECES_TABLE), lambda rows: [[*row[:-1], letter] for row in rows])
    damaged.sign()
    (finding,) = reconcile(out, vendor_only=True).findings
    assert (finding.code, finding.piece) == ("package_bundle", letter)
    assert mine.piece in finding.hint


def test_every_unknown_id_is_named_and_nothing_is_written(package: Store, rows: list[PageRow], out: Store) -> None:
    unknown = Selection(
        ("S01-99999999A", rows[0].piece), ("S01-P99999999A",), ("no such key",), ("S01-cards-0009.pdf:1",)
    )
    with pytest.raises(PackageError) as caught:
        reprint(package, out, unknown, WHY)
    assert [violation.code for violation in caught.value.violations] == ["not_in_package"] * 4
    for id_ in ("S01-99999999A", "S01-P99999999A", "no such key", "S01-cards-0009.pdf:1"):
        assert any(id_ in violation.message for violation in caught.value.violations)
    assert files(out) == {}


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reprint_without_a_reason_is_refused(package: Store, rows: list[PageRow], out: Store, reason: str) -> None:
    with pytest.raises(PackageError, match="reason_missing"):
        reprint(package, out, Selection(pieces=(rows[0].piece,)), reason)


def test_a_package_is_never_written_over(package: Store, rows: list[PageRow], out: Store) -> None:
    reprint(package, out, Selection(pieces=(rows[0].piece,)), WHY)
    before = files(out)
    with pytest.raises(PackageError, match="package_in_the_way"):
        reprint(package, out, Selection(pieces=(rows[-1].piece,)), WHY)
    assert files(out) == before


def test_a_page_that_was_lost_or_changed_is_an_error_and_not_a_gap(package: Store, tmp_path: Path) -> None:
    shutil.copytree(package.location, tmp_path / "package")
    damaged = Damaged(tmp_path / "package")
    damaged.pages_of(CARDS, lambda pdf: pdf.pages.__delitem__(2))
    for disguise in (lambda: None, damaged.sign, damaged.hide):
        disguise()
        out = Store.open(tmp_path / f"reprint-{disguise}")
        with pytest.raises(PackageError, match="reprint_damaged"):
            reprint(Store.open(damaged.folder), out, Selection(pages=(f"{CARDS}:3",)), WHY)
        assert files(out) == {}


def of_a_stranger(table: str, rows: Rows) -> Rows:
    """The rows of a table with one that was altered, as long as before."""
    if table == PAGES_TABLE:  # the place of another household's card
        mine = next(row for row in rows if row[4])
        theirs = next(row for row in rows if row[4] and row[2] != mine[2])
        mine[2] = theirs[2]
    else:
        rows[0][0], rows[1][0] = rows[1][0], rows[0][0]
    return rows


@pytest.mark.parametrize("table", [PAGES_TABLE, PIECES_TABLE, KEYS_TABLE])
def test_nothing_is_selected_by_a_table_that_was_altered(
    package: Store, rows: list[PageRow], tmp_path: Path, table: str
) -> None:
    shutil.copytree(package.location, tmp_path / "package")
    damaged, key = Damaged(tmp_path / "package"), packages.keys(package)[0].key
    name = open_manifest(package).named(table)
    damaged.table(name, lambda cells: of_a_stranger(table, cells))
    altered, out = Store.open(damaged.folder), Store.open(tmp_path / "reprint")
    selection = Selection(pieces=(rows[0].piece,), keys=(key,))
    for attempt in (lambda: list(find(altered, selection)), lambda: reprint(altered, out, selection, WHY)):
        with pytest.raises(PackageError, match="package_file_changed") as caught:
            attempt()
        assert [violation.file for violation in caught.value.violations] == [name]
    assert files(out) == {}


def test_a_table_that_the_manifest_does_not_name_is_not_trusted(package: Store, tmp_path: Path) -> None:
    shutil.copytree(package.location, tmp_path / "package")
    damaged = Damaged(tmp_path / "package")
    damaged.manifest(lambda said: said.update(files=[file for file in said["files"] if file["name"] != PAGES]))
    with pytest.raises(PackageError, match="package_file_unknown"):
        list(find(Store.open(damaged.folder), Selection(pages=("S01-cards-0001.pdf:1",))))


def test_an_interrupted_reprint_is_not_in_the_way_of_the_next(
    package: Store, rows: list[PageRow], out: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    selection = Selection(pieces=(rows[0].piece,))
    out.put("notes.txt", b"mine")
    with monkeypatch.context() as patch:
        patch.setattr("docgen.bulk.reprint.header", interrupted)  # of the tables: the files are there already
        with pytest.raises(KeyboardInterrupt):
            reprint(package, out, selection, WHY)
    assert list(files(out)) == ["notes.txt"]
    reprint(package, out, selection, WHY)
    assert reconcile(out).findings == []


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_envelope_is_found_by_what_stands_on_its_paper(package: Store, rows: list[PageRow]) -> None:
    piece = next(row.piece for row in rows if row.sheet == 2)
    envelope = [[page.page for page in holding.pages] for holding in find(package, Selection(pieces=(f"{piece}/2",)))]
    # in the window and the mount's code; in the code of a mount of before; in that of a notice's sheet
    for asked in (f"{piece}-2/2", f"{piece}/2/2", f"{piece}-2/2/1/1"):
        held = list(find(package, Selection(pieces=(asked,))))
        assert [[page.page for page in holding.pages] for holding in held] == envelope
        assert {holding.asked for holding in held} == {(asked,)}
    both = find(package, Selection(pieces=(piece, f"{piece}-2/2", f"{piece}/2")))
    assert {(h.pages[0].sheet, h.asked) for h in both} == {(1, (piece,)), (2, (piece, f"{piece}-2/2", f"{piece}/2"))}


def test_a_card_is_found_by_its_match_code_with_the_mount_that_it_is_on(package: Store, rows: list[PageRow]) -> None:
    card = next(row for row in rows if row.sheet == 2 and row.place)
    held = list(find(package, Selection(pieces=(f"{card.piece}-2{card.place}",))))
    assert [(h.pages[0].document, h.pages[0].sheet, h.pages[0].place) for h in held] == [
        ("mount", 2, 0), ("card", 2, card.place)
    ]  # fmt: skip
    assert held[1].pages[0].people == card.people


def test_the_papers_of_another_package_are_not_found(package: Store, rows: list[PageRow]) -> None:
    piece = next(row.piece for row in rows if row.sheet == 2)
    places = sum(row.piece == piece and row.sheet == 2 and row.document == "card" for row in rows) // 2
    for asked in (f"{piece}-2/3", f"{piece}-3/2", f"{piece}-2{places + 1}", f"{piece}-31", f"{piece}-2"):
        with pytest.raises(PackageError, match="not_in_package"):
            list(find(package, Selection(pieces=(asked,))))


def test_who_holds_what_is_found_by_person_key_piece_and_page(package: Store, rows: list[PageRow]) -> None:
    card = next(row for row in rows if row.place == 2)
    own = next(row for row in packages.keys(package) if row.person == card.people[0])
    by_person = [holding.as_dict() for holding in find(package, Selection(people=card.people))]
    by_key = [holding.as_dict() for holding in find(package, Selection(keys=(own.key,)))]
    (by_page,) = find(package, Selection(pages=(f"{card.file}:{card.page + 1}",)))
    assert [holding["document"] for holding in by_person] == ["mount", "card"]
    assert by_key == [{**holding, "asked": [own.key]} for holding in by_person]
    assert by_page.as_dict() == {
        "document": "card", "file": card.file, "pages": [card.page, card.page + 1], "piece": card.piece, "envelope": 1,
        "place": 2, "people": list(card.people), "asked": [f"{card.file}:{card.page + 1}"],
    }  # fmt: skip
    in_piece = list(find(package, Selection(pieces=(card.piece,))))
    assert {person for holding in in_piece for person in holding.pages[0].people} >= set(card.people)
