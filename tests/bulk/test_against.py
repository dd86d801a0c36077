from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docgen.bulk import employers
from docgen.bulk import whole as whole_package
from docgen.bulk.against import reconcile_shard, says
from docgen.bulk.job import Job, employer_piece_id, employers_dir, part_name, shard_dir
from docgen.bulk.opened import MANIFEST
from docgen.bulk.reconcile import Finding, reconcile
from docgen.bulk.store import Store
from docgen.bulk.tables import PAGES
from docgen.bulk.whole import put_together
from docgen.engine import Engine
from tests.bulk import packages
from tests.bulk.damage import Damaged, lines, set_lines

# Who is on the way out: rejected, with the rest of the household held; withdrawn; by other names than the registered.
CHANGES = {
    "n2": {"負担割合": "9"},
    "n5": {"_withdrawn": True},
    "n7": {"旧姓": "旧例"},
    "n9": {"通称名": "通称見本"},
    "n12": {"_fault": "duplicate_person"},
}


@pytest.fixture(scope="module")
def sound(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    packages.issue(engine, folder, packages.job(), packages.halves(packages.rows(40, **CHANGES)))
    return folder / "package"


@pytest.fixture
def store(sound: Path, tmp_path: Path) -> Store:
    shutil.copytree(sound, tmp_path / "package")
    return Store.open(tmp_path / "package")


def found(engine: Engine, store: Store, number: int = 1, job: Job | None = None) -> list[Finding]:
    return reconcile_shard(engine, store, job or packages.job(), number).findings


def other_input(store: Store, folder: Path, change: Callable[[list[dict[str, object]]], None]) -> None:
    """Change the part of the input after it was printed: as if a shard had printed something else."""
    path = folder / "part.parquet"
    store.fetch(part_name(1), path)
    rows = pq.read_table(path).to_pylist()
    change(rows)
    packages.put_part(store, 1, rows, folder)


def test_sound_shards_say_what_their_input_asks_for(engine: Engine, sound: Path) -> None:
    store = Store.open(sound)
    reports = [reconcile_shard(engine, store, packages.job(), number) for number in (1, 2)]
    assert [report.findings for report in reports] == [[], []]
    said = json.loads(store.read("vendor/manifest.json"))["counts"]
    assert (reports[0].counts + reports[1].counts).as_dict() == said
    assert said["rejected"] == 2


@pytest.mark.parametrize("delivery", ["regular", "lists"])
def test_what_goes_through_employers_says_it_too(engine: Engine, tmp_path: Path, delivery: str) -> None:
    job = packages.job(delivery)
    store = packages.issue(engine, tmp_path, job, packages.halves(packages.rows(30, **CHANGES)))
    assert [found(engine, store, number, job) for number in (1, 2)] == [[], []]


def test_a_letter_that_does_not_name_the_envelopes_that_go_with_it_is_found(engine: Engine, tmp_path: Path) -> None:
    job = packages.job("regular")
    store = packages.issue(engine, tmp_path, job, packages.halves(packages.rows_of_employers(30)))
    name = f"{employers_dir(1)}/bundles.csv"
    first, second, *rest = store.read(name).splitlines(keepends=True)
    assert first.split(b",")[1] == second.split(b",")[1]
    for wrong in ([second, first, *rest], [second, *rest], [*rest, first, second]):
        store.put(name, b"".join(wrong))
        assert [finding.code for finding in found(engine, store, 1, job)] == ["package_bundle"]
        assert found(engine, store, 2, job) == []


def reports(engine: Engine, store: Store) -> list[dict[str, object]]:
    return [reconcile_shard(engine, store, packages.job(), number).as_dict() for number in (1, 2)]


def test_shards_and_package_are_held_together(engine: Engine, sound: Path) -> None:
    store = Store.open(sound)
    report = put_together(store, reports(engine, store), MANIFEST)
    assert report.findings == []
    assert report.counts.as_dict() == json.loads(store.read(MANIFEST))["counts"]


def test_counts_of_two_shards_that_changed_places_are_found(engine: Engine, store: Store) -> None:
    def exchange(manifest: dict[str, Any]) -> None:
        shards = manifest["shards"]
        assert shards["0001"] != shards["0002"]
        shards["0001"], shards["0002"] = shards["0002"], shards["0001"]

    Damaged(Path(store.location)).manifest(exchange)
    (finding,) = put_together(store, reports(engine, store), MANIFEST).findings
    assert (finding.code, finding.file) == ("package_counts", MANIFEST)


def test_findings_stand_in_the_packages_order_whichever_shard_was_read_first(engine: Engine, store: Store) -> None:
    for name in ("vendor/S01-cards-0001.pdf", "vendor/S01-cards-0002.pdf", "vendor/S01-mounts-0002.pdf"):
        Damaged(Path(store.location)).pages_of(name, lambda pdf: pdf.pages.__delitem__(slice(1, 3)))
    one, other = reports(engine, store)
    found = [put_together(store, some, MANIFEST).findings for some in ([one, other], [other, one])]
    assert found[0] == found[1]
    files = [finding.file for finding in found[0] if finding.code == "package_page_missing"]
    assert files == sorted(filter(None, files))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_package, "MOST_FINDINGS", 3)
        few = [put_together(store, some, MANIFEST).findings[:3] for some in ([one, other], [other, one])]
    assert few[0] == few[1] == found[0][:3]


def test_shards_beyond_four_figures_are_put_together_in_their_order(engine: Engine, tmp_path: Path) -> None:
    job, store = packages.job(), Store.open(tmp_path / "package")
    for number, part in zip((9999, 10000), packages.halves(packages.rows(6)), strict=True):
        packages.put_part(store, number, part, tmp_path)
    packages.finish(engine, store, job, [9999, 10000])
    shards = [reconcile_shard(engine, store, job, number).as_dict() for number in (9999, 10000)]
    assert put_together(store, shards, MANIFEST).findings == []
    assert reconcile(store).findings == []


@pytest.mark.parametrize(
    "name", ["vendor/S01-pages.csv", "vendor/S01-pieces.csv", "issuer/S01-keys.csv", "issuer/S01-rejects.csv"]
)
def test_a_table_that_lacks_a_shards_row_is_found_though_it_was_signed(engine: Engine, store: Store, name: str) -> None:
    damaged = Damaged(Path(store.location))
    damaged.table(name, lambda rows: rows[:-1])
    damaged.sign()
    assert [f.code for f in put_together(store, reports(engine, store), MANIFEST).findings] == ["package_table"]


def test_a_file_of_a_shard_that_the_package_lost_or_the_manifest_has_otherwise_is_found(
    engine: Engine, store: Store
) -> None:
    whole = reports(engine, store)
    store.delete("vendor/S01-cards-0002.pdf")
    Damaged(Path(store.location)).manifest(lambda manifest: manifest["files"][4].update(sha256="0" * 64))
    codes = {finding.code for finding in put_together(store, whole, MANIFEST).findings}
    assert codes == {"package_file_missing", "package_file_changed"}


@pytest.mark.parametrize(
    ("cells", "elements"),
    [
        ({"名": "別人"}, {"name", "place.name", "caption.name", "contents.name", "address.name"}),
        ({"生年月日": "19700101"}, {"born_on"}),
        ({"番号": "9999"}, {"number", "number.short"}),
        ({"枝番": "77"}, {"branch"}),
        ({"番地等": "9丁目9番9号"}, {"address.lines"}),
        ({"性別": "3"}, {"sex"}),
        ({"通称名": "別名見本"}, {"name", "contents.name", "address.name", "remarks.short"}),
    ],
)
def test_a_page_that_says_something_else_than_the_input_is_found_with_its_element(
    engine: Engine, store: Store, tmp_path: Path, cells: dict[str, str], elements: set[str]
) -> None:
    def change(rows: list[dict[str, object]]) -> None:
        rows[0] |= cells

    other_input(store, tmp_path, change)
    findings = [finding for finding in found(engine, store) if finding.code == "package_text_differs"]
    assert findings
    assert {finding.message.rpartition(": ")[2] for finding in findings} <= elements
    assert all(finding.piece and finding.page for finding in findings)


def test_rows_in_another_order_or_left_out_are_found(engine: Engine, store: Store, tmp_path: Path) -> None:
    other_input(store, tmp_path, lambda rows: rows.pop(0))
    assert {finding.code for finding in found(engine, store)} >= {"package_row_differs", "package_person"}


def test_a_row_that_was_withdrawn_may_not_be_printed(engine: Engine, store: Store, tmp_path: Path) -> None:
    def change(rows: list[dict[str, object]]) -> None:
        rows[0]["_withdrawn"] = True

    other_input(store, tmp_path, change)
    assert any("should be withdrawn" in finding.message for finding in found(engine, store))


def test_a_person_who_breaks_a_rule_may_not_be_printed(engine: Engine, store: Store, tmp_path: Path) -> None:
    def change(rows: list[dict[str, object]]) -> None:
        rows[0]["生年月日"] = "19400101"

    other_input(store, tmp_path, change)
    assert any("age_75_reached" in finding.message for finding in found(engine, store))


def test_a_state_or_a_reason_that_was_changed_in_the_tables_is_found(engine: Engine, store: Store) -> None:
    name = f"{shard_dir(1)}/keys.csv"
    rows = cells(store, name)
    held = next(row for row in rows if row[3] == "held")
    held[3] = "printed"
    set_cells(store, name, rows)
    findings = found(engine, store)
    assert {(finding.code, finding.person) for finding in findings} >= {("package_person", held[0])}
    assert {finding.code for finding in findings} == {"package_person", "package_row_differs", "package_counts"}


def cells(store: Store, name: str) -> list[list[str]]:
    """The rows of a shard's own table, which has no header."""
    return list(csv.reader(io.StringIO(store.read(name).decode("utf-8"), newline="")))


def set_cells(store: Store, name: str, rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    store.put(name, out.getvalue().encode("utf-8"))


def messages(engine: Engine, store: Store, person: str | None = None) -> set[str]:
    """What is found of a person, or of nobody by name."""
    return {finding.message for finding in found(engine, store) if finding.person == person}


def test_who_is_held_though_nobody_of_the_household_was_rejected_is_found(engine: Engine, store: Store) -> None:
    keys, rejects = (f"{shard_dir(1)}/{name}.csv" for name in ("keys", "rejects"))
    (person, key, row, _), *others = cells(store, keys)
    set_cells(store, keys, [[person, key, row, "held"], *others])
    set_cells(store, rejects, [*cells(store, rejects), [key, row, "held", "household_held", "", "", "", ""]])
    assert f"row {row} of the input is held, and nobody of its household was rejected for a fault" in messages(
        engine, store, person
    )


def test_who_is_printed_in_the_place_of_another_is_found_and_so_is_the_other(engine: Engine, store: Store) -> None:
    pages = f"{shard_dir(1)}/pages.csv"
    rows = cells(store, pages)
    document, of = PAGES.index("document"), PAGES.index("person")
    one, other = list(dict.fromkeys(row[of] for row in rows if row[document] == "card"))[:2]
    set_cells(store, pages, [[one if cell == other else cell for cell in row] for row in rows])
    assert "the person's card is printed more than once" in messages(engine, store, one)
    assert "the person has no card" in messages(engine, store, other)


def test_a_shard_of_which_nobody_was_printed_though_they_should_be_is_found(engine: Engine, store: Store) -> None:
    for name in ("pages", "pieces"):
        set_cells(store, f"{shard_dir(1)}/{name}.csv", [])
    assert "people were to be printed, and nobody was" in messages(engine, store)


def test_letters_of_two_shards_that_have_one_id_are_found(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(employers, "employer_piece_id", lambda job, _, ordinal: employer_piece_id(job, 1, ordinal))
    job = packages.job("regular")
    store = packages.issue(engine, tmp_path, job, packages.halves(packages.rows_of_employers(30)))
    shards = [reconcile_shard(engine, store, job, number).as_dict() for number in (1, 2)]
    assert {finding.code for finding in put_together(store, shards, MANIFEST).findings} == {"package_piece"}


def test_nothing_that_is_found_names_anybody(engine: Engine, store: Store, tmp_path: Path) -> None:
    def change(rows: list[dict[str, object]]) -> None:
        rows[0]["名"] = "別人"

    other_input(store, tmp_path, change)
    assert "別人" not in json.dumps([finding.as_dict() for finding in found(engine, store)], ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "lines", "same"),
    [
        ("見本　太郎", ("見本　太郎",), True),
        ("見本　太郎", ("見本太郎",), False),
        ("見本　太郎", ("見本", "太郎"), True),
        ("見本　太郎", ("見本　", "太郎"), True),
        ("一\n二", ("一", "二"), True),
        ("見本太郎", ("見本", "次郎"), False),
        ("見本太郎様", ("見本", "太郎"), False),
        ("見本", ("見本", "太郎"), False),
        ("三丁目\u200b一番", ("三丁目", "一番"), True),
    ],
)
def test_lines_say_a_text_whose_breaks_took_nothing_but_white_space(
    text: str, lines: tuple[str, ...], same: bool
) -> None:
    assert says(text, lines) == same


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_of_any_card_that_was_exchanged_is_found_though_every_hash_was_repaired(
    engine: Engine, sound: Path, tmp_path: Path, data: st.DataObject
) -> None:
    folder = tmp_path / "package"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder)
    damaged = Damaged(folder)

    def edit(pdf: pikepdf.Pdf) -> None:
        page = 2 * data.draw(st.integers(1, len(pdf.pages) // 2), label="card") - 1  # the backs of most have no text
        own = lines(pdf, page)
        other = [line for at in range(1, len(pdf.pages), 2) for line in lines(pdf, at)]
        at = data.draw(st.sampled_from([at for at, line in enumerate(own) if line.startswith(b"BT ")]), label="line")
        instead = [line for line in other if line.startswith(b"BT ") and shown(line) != shown(own[at])]
        own[at] = data.draw(st.sampled_from(sorted(set(instead))), label="instead")
        set_lines(pdf, page, own)

    damaged.pages_of("vendor/S01-cards-0001.pdf", edit)
    damaged.hide()
    damaged.shard_tables(1)
    findings = found(engine, Store.open(folder))
    assert "package_text_differs" in {finding.code for finding in findings}
    assert {finding.file for finding in findings} == {"vendor/S01-cards-0001.pdf"}


def shown(line: bytes) -> list[bytes]:
    return [part.partition(b">")[0] for part in line.split(b"<")[1:]]
