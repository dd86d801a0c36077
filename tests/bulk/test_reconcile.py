from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from docgen.bulk.opened import MANIFEST
from docgen.bulk.reconcile import Finding, reconcile
from docgen.bulk.store import Store
from docgen.bulk.tables import PIECES
from docgen.engine import Engine
from tests import command
from tests.bulk import packages
from tests.bulk.damage import Damaged, Rows, exchange, lines, set_lines

CARDS, MOUNTS, PAGES = "vendor/S01-cards-0001.pdf", "vendor/S01-mounts-0001.pdf", "vendor/S01-pages.csv"
# Who is on the way out: rejected, with the rest of the household held; withdrawn; by other names than the registered.
CHANGES = {"n2": {"負担割合": "9"}, "n5": {"_withdrawn": True}, "n7": {"旧姓": "旧例"}, "n9": {"通称名": "通称見本"}}


@pytest.fixture(scope="module")
def sound(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty people in two shards."""
    folder = tmp_path_factory.mktemp("sound")
    packages.issue(engine, folder, packages.job(), packages.halves(packages.rows(40, **CHANGES)))
    return folder / "package"


@pytest.fixture
def damaged(sound: Path, tmp_path: Path) -> Damaged:
    return copied(sound, tmp_path)


def copied(package: Path, tmp_path: Path) -> Damaged:
    shutil.copytree(package, tmp_path / "package")
    return Damaged(tmp_path / "package")


def found(damaged: Damaged) -> list[Finding]:
    report = reconcile(Store.open(damaged.folder))
    assert report.ok == (not report.findings)
    return report.findings


def seen_by_the_vendor(damaged: Damaged) -> list[Finding]:
    return reconcile(Store.open(damaged.folder), vendor_only=True).findings


def places(findings: list[Finding], code: str) -> set[tuple[str | None, int | None]]:
    return {(finding.file, finding.page) for finding in findings if finding.code == code}


def test_a_sound_package_has_no_differences_and_its_counts_add_up(sound: Path) -> None:
    report = reconcile(Store.open(sound))
    assert report.findings == []
    assert report.counts.balanced
    said = json.loads((sound / MANIFEST).read_text(encoding="utf-8"))["counts"]
    assert {**said, "households": report.counts.households} == report.counts.as_dict()
    assert report.counts.households == said["households"] - 2  # one was held back, one withdrawn
    assert said["rejected"] == said["withdrawn"] == 1
    assert said["held"] > 0


def test_more_processes_find_the_same(sound: Path) -> None:
    assert reconcile(Store.open(sound), workers=2).counts == reconcile(Store.open(sound)).counts


def test_the_vendor_checks_the_vendors_side_alone(damaged: Damaged) -> None:
    shutil.rmtree(damaged.folder / "issuer")
    assert reconcile(Store.open(damaged.folder), vendor_only=True).ok
    assert {finding.code for finding in found(damaged)} >= {"package_file_missing"}


@pytest.mark.parametrize("delivery", ["regular", "lists"])
def test_packages_that_go_through_employers_are_sound_too(engine: Engine, tmp_path: Path, delivery: str) -> None:
    made = packages.halves(packages.rows(30))
    report = reconcile(packages.issue(engine, tmp_path, packages.job(delivery), made))
    assert report.findings == []
    assert report.counts.pieces > 0


def test_two_cards_that_changed_places_are_found_by_their_hashes(damaged: Damaged) -> None:
    damaged.pages_of(CARDS, exchange(3, 5))
    findings = found(damaged)
    assert places(findings, "package_file_changed") == {(CARDS, None)}
    assert places(findings, "package_page_changed") == {(CARDS, page) for page in (3, 4, 5, 6)}
    assert "page 5, of piece" in next(f.hint for f in findings if (f.page, f.code) == (3, "package_page_changed"))


def test_two_cards_that_changed_places_are_found_by_names_and_codes_if_the_hashes_were_repaired(
    damaged: Damaged,
) -> None:
    damaged.pages_of(CARDS, exchange(3, 5))
    damaged.hide()
    findings = found(damaged)
    assert places(findings, "package_name_differs") == {(CARDS, 3), (CARDS, 5)}
    assert places(findings, "package_code_differs") == {(CARDS, 3), (CARDS, 5)}
    assert {finding.code for finding in findings} == {"package_name_differs", "package_code_differs"}
    assert {finding.place for finding in findings} == {1, 2}


def test_a_name_that_was_edited_is_found_though_every_hash_was_repaired(damaged: Damaged) -> None:
    def edit(pdf: pikepdf.Pdf) -> None:
        # The name of another card, set where this one's name was: same size, same place, another person.
        name, other = name_line(pdf, 1), name_line(pdf, 3)
        content = lines(pdf, 1)
        content[content.index(name)] = other
        set_lines(pdf, 1, content)

    damaged.pages_of(CARDS, edit)
    assert places(found(damaged), "package_page_changed") == {(CARDS, 1)}
    damaged.hide()
    (finding,) = found(damaged)
    assert (finding.code, finding.file, finding.page, finding.place) == ("package_name_differs", CARDS, 1, 1)
    assert finding.piece is not None
    assert finding.person is not None


def name_line(pdf: pikepdf.Pdf, page: int) -> bytes:
    """The text in the mincho face on a card's front: the holder's name."""
    (line,) = (line for line in lines(pdf, page) if line.startswith(b"BT /mincho 13 Tf"))
    return line


def test_a_name_that_was_edited_on_the_mount_is_found(damaged: Damaged) -> None:
    def edit(pdf: pikepdf.Pdf) -> None:
        content = lines(pdf, 2)
        one, other = [at for at, line in enumerate(content) if line.startswith(b"BT /mincho 10.5 Tf")][:2]
        codes = [content[at][content[at].index(b"<") :] for at in (one, other)]
        content[one] = content[one][: content[one].index(b"<")] + codes[1]
        set_lines(pdf, 2, content)

    damaged.pages_of(MOUNTS, edit)
    damaged.hide()
    assert places(found(damaged), "package_name_differs") >= {(MOUNTS, 2)}


def test_a_page_that_was_turned_is_another_one(damaged: Damaged) -> None:
    damaged.pages_of(CARDS, lambda pdf: pdf.pages[2].obj.__setitem__("/Rotate", 180))
    damaged.sign()
    assert places(found(damaged), "package_page_changed") == {(CARDS, 3)}


def test_a_dropped_page_is_missing_from_there_on(damaged: Damaged) -> None:
    def drop(pdf: pikepdf.Pdf) -> None:
        del pdf.pages[6]

    damaged.pages_of(CARDS, drop)
    assert places(found(damaged), "package_page_missing") == {(CARDS, 7)}
    damaged.sign()
    assert places(found(damaged), "package_page_missing") == {(CARDS, 7)}


def test_a_dropped_page_is_missed_though_its_row_was_dropped_too(damaged: Damaged) -> None:
    def drop(pdf: pikepdf.Pdf) -> None:
        del pdf.pages[6]

    def forget(rows: Rows) -> Rows:
        kept = [row for row in rows if (row[0], row[1]) != (CARDS, "7")]
        for row in kept:
            if row[0] == CARDS and int(row[1]) > 7:
                row[1] = str(int(row[1]) - 1)
        return kept

    damaged.pages_of(CARDS, drop)
    damaged.table(PAGES, forget)
    damaged.hide()
    findings = found(damaged)
    assert (CARDS, 7) in places(findings, "package_page_missing")
    assert (MANIFEST, None) in places(findings, "package_counts")


def test_a_doubled_page_is_one_that_no_row_names(damaged: Damaged) -> None:
    damaged.pages_of(CARDS, lambda pdf: pdf.pages.insert(4, pdf.pages[3]))
    damaged.sign()
    (unlisted,) = [finding for finding in found(damaged) if finding.code == "package_page_unlisted"]
    assert (unlisted.file, unlisted.page) in {(CARDS, 4), (CARDS, 5)}
    assert "once more" in unlisted.hint


def test_a_wrong_match_code_is_found_on_the_card_it_stands_on(damaged: Damaged) -> None:
    def edit(pdf: pikepdf.Pdf) -> None:
        symbol, other = (next(line for line in lines(pdf, page) if line.endswith(b"f Q")) for page in (2, 4))
        content = lines(pdf, 2)
        content[content.index(symbol)] = other
        set_lines(pdf, 2, content)

    damaged.pages_of(CARDS, edit)
    damaged.hide()
    (finding,) = found(damaged)
    assert (finding.code, finding.file, finding.place) == ("package_code_differs", CARDS, 1)


def test_a_mount_of_another_piece_is_found(damaged: Damaged) -> None:
    damaged.swap_contents(MOUNTS, 0, 1)
    damaged.hide()
    codes = places(found(damaged), "package_code_differs")
    assert {(MOUNTS, 1), (MOUNTS, 2)} <= codes


def test_a_card_at_another_place_of_the_table_is_found(damaged: Damaged) -> None:
    def move(rows: Rows) -> Rows:
        for row in rows:
            if row[0] == CARDS and row[1] in ("3", "4", "5", "6"):
                row[4] = {"1": "2", "2": "1"}[row[4]]
        return rows

    damaged.table(PAGES, move)
    damaged.sign()
    assert {"package_place", "package_code_differs"} <= {finding.code for finding in found(damaged)}


def test_pieces_in_another_order_than_planned_are_found(damaged: Damaged) -> None:
    damaged.table("vendor/S01-pieces.csv", lambda rows: [rows[1], rows[0], *rows[2:]])
    damaged.sign()
    (finding,) = found(damaged)
    assert (finding.code, finding.file) == ("package_order", PAGES)


def test_a_piece_that_only_one_of_the_tables_has_is_found(damaged: Damaged) -> None:
    damaged.table("vendor/S01-pieces.csv", lambda rows: rows[:1] + rows[2:])
    damaged.sign()
    assert {finding.code for finding in found(damaged)} == {"package_order", "package_counts"}


def test_a_person_twice_on_cards_is_found(damaged: Damaged) -> None:
    def twice(rows: Rows) -> Rows:
        own = [row for row in rows if row[0] == CARDS]
        for row in own[2:4]:
            row[6] = own[0][6]
        return rows

    damaged.table(PAGES, twice)
    damaged.sign()
    findings = found(damaged)
    assert any(f.code == "package_person" and "more than once" in f.message for f in findings)
    assert any(f.code == "package_person" and "has no card" in f.message for f in findings)


def test_two_people_who_changed_places_in_the_table_are_found_by_the_vendor_too(damaged: Damaged) -> None:
    def swap(rows: Rows) -> Rows:
        one, other = next(row[6].split()[:2] for row in rows if " " in row[6])
        names = {one: other, other: one}
        for row in rows:
            row[6] = " ".join(names.get(person, person) for person in row[6].split())
        return rows

    damaged.table(PAGES, swap)
    damaged.sign()
    shutil.rmtree(damaged.folder / "issuer")
    (finding,) = seen_by_the_vendor(damaged)
    assert (finding.code, finding.file) == ("package_order", PAGES)


# --- what employers get ---


@pytest.fixture(scope="module")
def handed_on(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Envelopes for several employers, in two shards."""
    folder = tmp_path_factory.mktemp("handed-on")
    packages.issue(engine, folder, packages.job("regular"), packages.halves(packages.rows_of_employers(40)))
    return folder / "package"


@pytest.fixture
def through_employers(handed_on: Path, tmp_path: Path) -> Damaged:
    return copied(handed_on, tmp_path)


def test_every_envelope_is_in_the_bundle_of_a_letter(handed_on: Path) -> None:
    assert reconcile(Store.open(handed_on)).findings == []
    rows = packages.pieces(Store.open(handed_on))
    letters = [row.piece for row in rows if row.kind == "letter"]
    assert len(letters) > 3
    assert list(dict.fromkeys(row.bundle for row in rows if row.kind == "employer")) == letters


def test_two_envelopes_that_changed_bundles_are_found_by_what_the_letters_name(through_employers: Damaged) -> None:
    at = PIECES.index("bundle")
    changed = {}

    def swap(rows: Rows) -> Rows:
        one = rows[0]
        other = next(row for row in rows if row[at] != one[at])
        changed.update({one[at]: one, other[at]: other})
        one[at], other[at] = other[at], one[at]
        return rows

    through_employers.table("vendor/S01-pieces.csv", swap)
    through_employers.sign()
    findings = seen_by_the_vendor(through_employers)
    assert {(finding.code, finding.file) for finding in findings} == {("package_bundle", "vendor/S01-pieces.csv")}
    assert {finding.piece for finding in findings} == set(changed)
    assert any(f"{changed[min(changed)][0]}-1/" in finding.hint for finding in findings)


@pytest.mark.parametrize(("kind", "bundle"), [("employer", ""), ("employer", "S01-L00010001X"), ("letter", "")])
def test_a_bundle_that_is_none_is_found(through_employers: Damaged, kind: str, bundle: str) -> None:
    def spoil(rows: Rows) -> Rows:
        next(row for row in rows if row[PIECES.index("kind")] == kind)[PIECES.index("bundle")] = bundle
        return rows

    through_employers.table("vendor/S01-pieces.csv", spoil)
    through_employers.sign()
    assert {finding.code for finding in seen_by_the_vendor(through_employers)} == {"package_bundle"}


def test_what_is_mailed_to_a_home_is_in_no_bundle(damaged: Damaged) -> None:
    def spoil(rows: Rows) -> Rows:
        rows[2][PIECES.index("bundle")] = "S01-L00010001X"
        return rows

    damaged.table("vendor/S01-pieces.csv", spoil)
    damaged.sign()
    (finding,) = seen_by_the_vendor(damaged)
    assert (finding.code, finding.file) == ("package_bundle", "vendor/S01-pieces.csv")


@pytest.mark.parametrize("gone", ["the row", "the letter"])
def test_an_envelope_or_a_letter_that_the_package_lost_is_missed(through_employers: Damaged, gone: str) -> None:
    rows = packages.pieces(Store.open(through_employers.folder))
    lost = rows[0] if gone == "the row" else next(row for row in rows if row.kind == "letter")
    for name, column in (("vendor/S01-pieces.csv", 0), (PAGES, 2)):
        through_employers.table(
            name,
            lambda rows, at=column: [row for row in rows if row[at] != lost.piece],
        )
    through_employers.sign()
    assert "package_bundle" in {finding.code for finding in seen_by_the_vendor(through_employers)}


def test_letters_of_two_employers_that_changed_places_are_found(through_employers: Damaged) -> None:
    letters = "vendor/S01-letters-0001.pdf"
    through_employers.swap_contents(letters, 0, 1)
    through_employers.hide()
    findings = seen_by_the_vendor(through_employers)
    assert places(findings, "package_code_differs") == {(letters, 1), (letters, 2)}
    assert len([finding for finding in findings if finding.code == "package_bundle"]) == 2


def test_lists_of_two_employers_that_changed_places_are_found(engine: Engine, tmp_path: Path) -> None:
    packages.issue(engine, tmp_path, packages.job("lists"), [packages.rows_of_employers(10, households=1)])
    damaged, lists = Damaged(tmp_path / "package"), "vendor/S01-recipients-lists-0001.pdf"
    damaged.swap_contents(lists, 0, 1)
    damaged.hide()
    findings = seen_by_the_vendor(damaged)
    assert {(finding.code, finding.file, finding.page) for finding in findings} == {
        ("package_code_differs", lists, page) for page in (1, 2)
    }


@pytest.mark.parametrize("name", ["people", "printed", "rejected", "held", "withdrawn", "pieces", "cards", "pages"])
def test_each_count_of_the_manifest_is_held_against_what_is_there(damaged: Damaged, name: str) -> None:
    damaged.manifest(lambda manifest: manifest["counts"].update({name: manifest["counts"][name] + 1}))
    assert any(finding.message.startswith(f"{name}: the manifest says") for finding in found(damaged))


@pytest.mark.parametrize("name", ["printed", "pieces", "cards", "pages"])
def test_the_vendor_counts_as_well(damaged: Damaged, name: str) -> None:
    shutil.rmtree(damaged.folder / "issuer")
    damaged.manifest(lambda manifest: manifest["counts"].update({name: manifest["counts"][name] + 1}))
    findings = seen_by_the_vendor(damaged)
    assert any(finding.message.startswith(f"{name}: the manifest says") for finding in findings)


def test_there_are_no_more_households_with_mail_than_the_manifest_says(damaged: Damaged) -> None:
    damaged.manifest(lambda manifest: manifest["counts"].update(households=2))
    (finding,) = found(damaged)
    assert (finding.code, finding.file) == ("package_counts", MANIFEST)
    assert finding.message.startswith("households: the manifest says 2, and ")


@pytest.mark.parametrize("name", ["people", "printed", "households", "pieces", "pages"])
def test_the_counts_of_the_shards_add_up_to_those_of_the_whole(damaged: Damaged, name: str) -> None:
    def miscount(manifest: dict[str, Any]) -> None:
        manifest["shards"]["0001"][name] += 1

    damaged.manifest(miscount)
    for findings in (found(damaged), seen_by_the_vendor(damaged)):
        (finding,) = findings
        assert (finding.code, finding.file) == ("package_counts", MANIFEST)
        assert "shard" in finding.message


def test_a_person_who_is_printed_in_one_shard_and_held_in_another_does_not_balance(damaged: Damaged) -> None:
    def move(manifest: dict[str, Any]) -> None:
        one, other = manifest["shards"]["0001"], manifest["shards"]["0002"]
        one["printed"], other["printed"] = one["printed"] - 1, other["printed"] + 1

    damaged.manifest(move)
    messages = [finding.message for finding in found(damaged)]
    assert messages == [f"shard {at}: people are not printed + rejected + held + withdrawn" for at in ("0001", "0002")]


def test_a_package_of_before_says_nothing_of_its_shards_and_is_sound(damaged: Damaged) -> None:
    damaged.manifest(lambda manifest: manifest.pop("shards"))
    assert found(damaged) == []


def test_a_piece_of_a_kind_that_there_is_not_is_found(damaged: Damaged) -> None:
    def rename(rows: Rows) -> Rows:
        rows[1][PIECES.index("kind")] = "office"
        return rows

    damaged.table("vendor/S01-pieces.csv", rename)
    damaged.sign()
    (finding,) = found(damaged)
    assert (finding.code, finding.file) == ("package_table", "vendor/S01-pieces.csv")
    assert finding.piece is not None
    assert finding.hint == "home, direct, employer, letter or list"


@pytest.mark.parametrize("format", [99, 0, "1", None])
def test_a_package_of_another_format_is_not_read(damaged: Damaged, format: object) -> None:
    damaged.manifest(lambda manifest: manifest.update(format=format))
    (finding,) = found(damaged)
    assert (finding.code, finding.file) == ("package_manifest", MANIFEST)
    assert finding.message.endswith(f"of format {json.dumps(format)}, and this version of docgen reads format 1")


@pytest.mark.parametrize("keep", [0.999, 0.9, 0.5, 0.0])
def test_a_truncated_file_is_named(damaged: Damaged, keep: float) -> None:
    path = damaged.folder / CARDS
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    findings = found(damaged)
    assert places(findings, "package_file_changed") == {(CARDS, None)}
    assert places(findings, "package_file_unreadable") == {(CARDS, None)}


@pytest.mark.parametrize(
    "name", [CARDS, MOUNTS, PAGES, "vendor/S01-pieces.csv", "issuer/S01-keys.csv", "issuer/S01-rejects.csv"]
)
def test_a_missing_file_is_named(damaged: Damaged, name: str) -> None:
    (damaged.folder / name).unlink()
    assert [(finding.code, finding.file) for finding in found(damaged)] == [("package_file_missing", name)]


def test_a_file_too_many_is_named(damaged: Damaged) -> None:
    shutil.copy(damaged.folder / CARDS, damaged.folder / "vendor/S01-cards-0003.pdf")
    assert places(found(damaged), "package_file_unknown") == {("vendor/S01-cards-0003.pdf", None)}


STRAYS = ("vendor/.DS_Store", "vendor/Thumbs.db", "issuer/desktop.ini")


def test_what_a_file_manager_leaves_is_named_and_no_difference(damaged: Damaged) -> None:
    for name in STRAYS:
        (damaged.folder / name).write_bytes(b"\0")
    report = reconcile(Store.open(damaged.folder))
    assert report.ok
    assert report.as_dict()["ok"]
    assert {(finding.code, finding.file) for finding in report.strays} == {("package_file_stray", n) for n in STRAYS}
    result = command.run("reconcile", damaged.folder, "--workers", "1")
    told = result.stderr.decode().splitlines()
    assert (result.returncode, result.stdout.decode().endswith("all as it was made\n"), len(told)) == (0, True, 3)
    assert "does no harm (take it away) <package_file_stray>" in told[0]


def test_a_file_managers_file_excuses_nothing_else(damaged: Damaged) -> None:
    for name in ("vendor/.DS_Store", "vendor/Thumbs.db.pdf", "vendor/._S01-cards-0001.pdf"):
        (damaged.folder / name).write_bytes(b"\0")
    assert places(found(damaged), "package_file_unknown") == {
        ("vendor/Thumbs.db.pdf", None),
        ("vendor/._S01-cards-0001.pdf", None),
    }
    assert command.run("reconcile", damaged.folder, "--workers", "1").returncode == 1


@pytest.mark.parametrize("shards", [[], {"0001": 1}, {"0001": {"people": "?"}}, {"0001": {"souls": 1}}])
def test_counts_of_shards_that_cannot_be_read_are_told(damaged: Damaged, shards: object) -> None:
    damaged.manifest(lambda manifest: manifest.update(shards=shards))
    assert [finding.code for finding in found(damaged)] == ["package_manifest"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', None])
def test_a_package_without_a_sound_manifest_is_not_finished(damaged: Damaged, text: str | None) -> None:
    path = damaged.folder / MANIFEST
    path.unlink() if text is None else path.write_text(text)
    assert [finding.code for finding in found(damaged)] == ["package_manifest"]


def test_a_table_cut_off_in_a_row_is_named_with_its_line(damaged: Damaged) -> None:
    path = damaged.folder / PAGES
    path.write_bytes(path.read_bytes()[:-90])
    (finding,) = [finding for finding in found(damaged) if finding.code == "package_table"]
    assert finding.file == PAGES


def test_a_row_without_a_reason_is_found(damaged: Damaged) -> None:
    damaged.table("issuer/S01-rejects.csv", lambda rows: rows[1:])
    damaged.sign()
    assert [finding.code for finding in found(damaged)] == ["package_row_differs"]


def test_nothing_that_is_found_names_anybody(damaged: Damaged) -> None:
    damaged.pages_of(CARDS, exchange(3, 5))
    damaged.hide()
    said = json.dumps([finding.as_dict() for finding in found(damaged)], ensure_ascii=False)
    assert not any(name in said for name in ("見本", "例示", "太郎", "花子", "さくら"))
