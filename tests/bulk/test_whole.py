from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docgen.bulk.against import read_result, reconcile_employers, reconcile_shard
from docgen.bulk.job import Job, employers_dir, shard_dir
from docgen.bulk.opened import KEYS_TABLE, MANIFEST, PAGES_TABLE
from docgen.bulk.reconcile import Report
from docgen.bulk.store import Store
from docgen.bulk.tables import KEYS, PAGES, header
from docgen.bulk.whole import Read, reconcile_whole
from docgen.engine import Engine
from tests.bulk import packages

CARDS = "vendor/cards-0002.pdf"
CHANGES = {"n2": {"負担割合": "9"}, "n5": {"_withdrawn": True}}


@pytest.fixture(scope="module")
def sound(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Read]]:
    """Forty people in two shards, and what their readers have read."""
    folder = tmp_path_factory.mktemp("sound")
    store = packages.issue(engine, folder, packages.job(), packages.halves(packages.rows(40, **CHANGES)))
    return folder / "package", read_of(engine, store, packages.job())


@pytest.fixture
def store(sound: tuple[Path, list[Read]], tmp_path: Path) -> Store:
    shutil.copytree(sound[0], tmp_path / "package")
    return Store.open(tmp_path / "package")


def read_of(engine: Engine, store: Store, job: Job) -> list[Read]:
    folders: dict[str, Report] = {shard_dir(number): reconcile_shard(engine, store, job, number) for number in (1, 2)}
    folders |= {employers_dir(number): reconcile_employers(store, job, number) for number in (1, 2)}
    assert [report.findings for report in folders.values()] == [[]] * 4
    read = [Read(folder, read_result(store, folder).files, report.counts) for folder, report in folders.items()]
    return [Read.from_dict(json.loads(json.dumps(part.as_dict()))) for part in read]


def codes(store: Store, read: list[Read]) -> set[tuple[str, str | None]]:
    report = reconcile_whole(store, MANIFEST, read)
    assert report.ok == (not report.findings)
    return {(finding.code, finding.file) for finding in report.findings}


def say(store: Store, change: Callable[[dict[str, object]], None]) -> None:
    """Change the manifest."""
    raw = json.loads(store.read(MANIFEST))
    change(raw)
    store.put(MANIFEST, json.dumps(raw).encode())


def put_table(store: Store, table: str, columns: tuple[str, ...], change: Callable[[list[bytes]], None]) -> None:
    """Change the second shard's piece of a table, and the table and the manifest with it: nothing else may tell."""
    name = table.rpartition("/")[2]
    pieces = [store.read(f"{folder}/{name}") for folder in (shard_dir(1), shard_dir(2))]
    lines = pieces[1].splitlines(keepends=True)
    change(lines)
    data = header(columns) + pieces[0] + b"".join(lines)
    store.put(f"{shard_dir(2)}/{name}", b"".join(lines))
    store.put(table, data)

    def name_it(raw: dict[str, object]) -> None:
        for file in raw["files"]:  # type: ignore[attr-defined]
            if file["name"] == table:
                file |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}

    say(store, name_it)


@pytest.mark.parametrize("delivery", ["bulk", "regular", "lists"])
def test_shards_that_were_read_make_up_a_package(engine: Engine, tmp_path: Path, delivery: str) -> None:
    job = packages.job(delivery)
    store = packages.issue(engine, tmp_path, job, packages.halves(packages.rows(30, **CHANGES)))
    report = reconcile_whole(store, MANIFEST, read_of(engine, store, job))
    assert report.findings == []
    assert report.counts.as_dict() == json.loads(store.read(MANIFEST))["counts"]
    assert report.counts.pages > 0


def test_a_file_that_is_not_the_one_that_was_read_is_found(store: Store, sound: tuple[Path, list[Read]]) -> None:
    read = sound[1]
    other = replace(read[1].files[0], sha256="0" * 64)
    assert other.name == CARDS
    changed = [read[0], replace(read[1], files=(other, *read[1].files[1:])), *read[2:]]
    assert codes(store, changed) == {("package_file_changed", CARDS)}


def test_files_that_nobody_read_or_that_are_read_twice_are_found(store: Store, sound: tuple[Path, list[Read]]) -> None:
    read = sound[1]
    missing = [read[0], replace(read[1], files=read[1].files[1:]), *read[2:]]
    assert codes(store, missing) == {("package_page_unlisted", CARDS)}
    assert ("package_file_unknown", CARDS) in codes(store, [*read, replace(read[2], files=read[1].files)])


def test_files_beside_the_package_and_files_that_are_gone_are_found(
    store: Store, sound: tuple[Path, list[Read]]
) -> None:
    store.put("vendor/other.pdf", b"")
    store.delete(CARDS)
    assert codes(store, sound[1]) == {
        ("package_file_unknown", "vendor/other.pdf"),
        ("package_file_missing", CARDS),
    }


def test_a_table_that_is_not_the_shards_is_found(store: Store, sound: tuple[Path, list[Read]]) -> None:
    put_table(store, PAGES_TABLE, PAGES, lambda lines: lines.reverse())
    assert codes(store, sound[1]) == set()  # whose piece was changed is told by the shard's own reader
    store.put(f"{shard_dir(2)}/pages.csv", b"")
    assert codes(store, sound[1]) == {("package_table", PAGES_TABLE)}
    store.delete(f"{shard_dir(2)}/pages.csv")
    assert codes(store, sound[1]) == {("package_table", PAGES_TABLE)}


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines.append(lines[-1]),  # a person twice
        lambda lines: lines.pop(),  # a person left out
        lambda lines: lines.reverse(),
        lambda lines: lines.__setitem__(0, lines[0].rsplit(b",", 2)[0] + b",1,printed\r\n"),  # the first shard's row
    ],
)
def test_people_who_are_in_two_shards_or_in_none_are_found(
    store: Store, sound: tuple[Path, list[Read]], change: Callable[[list[bytes]], None]
) -> None:
    put_table(store, KEYS_TABLE, KEYS, change)
    found = codes(store, sound[1])
    assert found
    assert found <= {("package_person", KEYS_TABLE), ("package_counts", KEYS_TABLE)}


def test_counts_that_are_not_those_of_the_shards_are_found(store: Store, sound: tuple[Path, list[Read]]) -> None:
    say(store, lambda raw: raw["counts"].__setitem__("pages", 1))  # type: ignore[attr-defined]
    assert codes(store, sound[1]) == {("package_counts", MANIFEST)}
