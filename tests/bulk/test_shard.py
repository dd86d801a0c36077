"""Shards, what employers get after them, and the package that is put together from both."""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docgen.bulk import employers as employers_stage
from docgen.bulk.against import reconcile_shard
from docgen.bulk.employers import run_employers
from docgen.bulk.job import Counts, Job, ShardResult, employers_dir, shard_dir
from docgen.bulk.opened import MANIFEST, PIECES_TABLE, REJECTS_TABLE, reading_guide
from docgen.bulk.package import assemble, release, table_blocks
from docgen.bulk.reconcile import reconcile
from docgen.bulk.request import Wish, job_of, read_list, rows_of
from docgen.bulk.shard import run_shard
from docgen.bulk.store import Store
from docgen.bulk.tables import FIT, KEYS, REJECTS, TableWriter, guarded, header, read_table
from docgen.engine import Engine, preflight
from docgen.errors import PackageError
from docgen.pdf.reader import read_pages
from docgen.pdf.writer import deflated_probe
from docgen.settings import Settings
from tests.bulk.parts import JOB, dependent, family, insured, put_part

EVERY_STATE = [
    *family(5),
    insured(世帯番号="00000002", 番号="78", 名="\u3000"),
    dependent(1, 世帯番号="00000002", 番号="78"),
    {**insured(世帯番号="00000003", 番号="79"), "_withdrawn": True},
    {**insured(世帯番号="00000004", 番号="80"), "_fault": "duplicate_person"},
    insured(世帯番号="=5", 番号="81", 通称名="見本　名前", 通称名カナ="ミホン　ナマエ"),
]


# The others of the household are there for the name and the address alone, or have been issued theirs.
SOME_OF_A_HOUSEHOLD = [
    *({**row, "_key": None} for row in family(4)),
    dependent(4),
    {**dependent(5), "_key": None, "_withdrawn": True},
    {**insured(世帯番号="00000002", 番号="78"), "_fault": "already_issued: S0009"},
    dependent(1, 世帯番号="00000002", 番号="78"),
    {**insured(世帯番号="00000003", 番号="79"), "_fault": "claimed_by_unfinished: S0009"},
    dependent(1, 世帯番号="00000003", 番号="79", 生年月日="20101340"),
    dependent(2, 世帯番号="00000003", 番号="79"),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "batch")


def package(engine: Engine, store: Store, job: Job, shards: int) -> tuple[Counts, list[ShardResult]]:
    results = [run_shard(engine, store, job, number) for number in range(1, shards + 1)]
    employers = [run_employers(engine, store, job, number, shards) for number in range(1, shards + 1)]
    guide = reading_guide(engine, job.insurer)
    counts = assemble(store, job, engine.pinned(job.insurer), results, employers, {"rows": 0}, guide)
    release(store)
    return counts, [*results, *employers]


def table(store: Store, name: str) -> list[dict[str, str]]:
    return list(read_table(io.BytesIO(store.read(name))))


@pytest.mark.parametrize("delivery", ["bulk", "regular"])
def test_who_is_beside_somebody_is_nobody_of_the_package_and_who_has_theirs_holds_nobody(
    engine: Engine, store: Store, tmp_path: Path, delivery: str
) -> None:
    put_part(store, tmp_path, 1, SOME_OF_A_HOUSEHOLD)
    job = replace(JOB, delivery=delivery, occasion="returned")
    shard = run_shard(engine, store, job, 1)
    assert shard.counts == Counts(
        people=6, printed=2, rejected=3, held=1, households=3, pieces=2, cards=2, pages=shard.counts.pages
    )
    letters = [] if delivery == "bulk" else [run_employers(engine, store, job, 1, 1)]
    assemble(
        store, job, engine.pinned("association"), [shard], letters, {"rows": 0}, reading_guide(engine, job.insurer)
    )
    release(store)
    assert [(row["key"], row["state"]) for row in table(store, "issuer/S0001-keys.csv")] == [
        ("00000001-04", "printed"),
        ("00000002-00", "rejected"),
        ("00000002-01", "printed"),
        ("00000003-00", "rejected"),
        ("00000003-01", "rejected"),
        ("00000003-02", "held"),
    ]
    assert [(row["key"], row["code"], row["hint"]) for row in table(store, "issuer/S0001-rejects.csv")] == [
        ("00000002-00", "already_issued", ISSUED_HINT),
        ("00000003-00", "claimed_by_unfinished", UNFINISHED_HINT),
        ("00000003-01", "invalid_date", "write YYYYMMDD"),
        ("00000003-02", "household_held", "mend row 10"),
    ]
    assert table(store, "issuer/S0001-rejects.csv")[0]["message"].startswith("job S0009 has issued")
    assert [
        (row["cards"], row["of"]) for row in table(store, "vendor/S0001-pieces.csv") if row["kind"] != "letter"
    ] == [
        ("1", "1"),
        ("1", "1"),
    ]
    assert reconcile(store).findings == []
    assert reconcile_shard(engine, store, job, 1).findings == []
    asked = ["00000001-05", "00000001-04", "00000001-00", "00000001-04"]
    assert rows_of(store, asked) == {"00000001-00": 0, "00000001-04": 1, "00000001-05": 0}


ISSUED_HINT = (
    "nothing is to be done, and nobody of the household waits for it; a reason to issue it again holds for the whole "
    "extract"
)
UNFINISHED_HINT = "let it finish, with --resume if it was interrupted, or cancel it: then issue this person here"


def test_the_second_reader_finds_who_was_held_for_nobodys_fault_and_who_was_printed_though_not_asked_for(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    def findings(rows: list[dict[str, Any]], seen: list[dict[str, Any]]) -> list[str]:
        put_part(store, tmp_path, 1, rows)
        run_shard(engine, store, JOB, 1)
        put_part(store, tmp_path, 1, seen)
        return [finding.message for finding in reconcile_shard(engine, store, JOB, 1).findings]

    one, other, third = family(3)
    held = [{**one, "_fault": "already_issued: S0009"}, {**other, "_fault": "duplicate_person"}, third]
    assert findings(held, held) == []
    name = f"{shard_dir(1)}/rejects.csv"
    store.put(name, store.read(name).replace(b"duplicate_person", b"already_issued"))
    told = [finding.message for finding in reconcile_shard(engine, store, JOB, 1).findings]
    assert told == ["row 3 of the input is held, and nobody of its household was rejected for a fault"]
    told = findings([one, other], [{**one, "_key": None}, other])
    assert "the page is of nobody who is in this part of the input" in told


def test_the_counts_add_up_and_everyone_is_accounted_for(engine: Engine, store: Store, tmp_path: Path) -> None:
    put_part(store, tmp_path, 1, EVERY_STATE)
    result = run_shard(engine, store, JOB, 1)
    assert result.counts == Counts(
        people=10, printed=6, rejected=2, held=1, withdrawn=1, households=5, pieces=3, cards=6, pages=15
    )
    assert result.counts.balanced
    assemble(store, JOB, engine.pinned("association"), [result], [], {"rows": 10}, {"reading": [], "two_sided": []})
    assert [row["state"] for row in table(store, "issuer/S0001-keys.csv")] == [
        *["printed"] * 5, "rejected", "held", "withdrawn", "rejected", "printed",
    ]  # fmt: skip
    rejects = [(row["key"], row["code"], row["column"]) for row in table(store, "issuer/S0001-rejects.csv")]
    assert rejects == [
        ("00000002-00", "missing_value", "名"),
        ("00000002-01", "household_held", ""),
        ("00000003-00", "withdrawn", ""),
        ("00000004-00", "duplicate_person", ""),
    ]


def test_who_is_withdrawn_is_that_whatever_else_is_wrong(engine: Engine, store: Store, tmp_path: Path) -> None:
    """Else whoever is withdrawn and there twice would stand among those whose rows are to be mended and sent again."""
    put_part(store, tmp_path, 1, [{**insured(), "_withdrawn": True, "_fault": "duplicate_person"}])
    shard = run_shard(engine, store, JOB, 1)
    assert (shard.counts.withdrawn, shard.counts.rejected) == (1, 0)
    states = [row["state"] for row in read_table(io.BytesIO(store.read("work/shards/0001/keys.csv")), KEYS)]
    assert states == ["withdrawn"]


def test_a_shard_that_runs_again_writes_the_same_bytes(engine: Engine, tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "other"):
        store = Store.open(tmp_path / name)
        put_part(store, tmp_path, 1, EVERY_STATE)
        run_shard(engine, store, JOB, 1)
        hashes.append({file: hashlib.sha256(store.read(file)).hexdigest() for file in store.names()})
    assert hashes[0] == hashes[1]


@pytest.mark.usefixtures("parsed_anew")
def test_an_engine_that_loads_as_it_goes_writes_the_same_bytes_as_one_that_is_warm(
    engine: Engine, tmp_path: Path
) -> None:
    hashes = []
    assert Engine(Settings()).pinned("association") == engine.pinned("association")
    for name, one in (("warm", engine), ("cold", Engine(Settings()))):
        store = Store.open(tmp_path / name)
        put_part(store, tmp_path, 1, EVERY_STATE)
        run_shard(one, store, JOB, 1)
        hashes.append({file: hashlib.sha256(store.read(file)).hexdigest() for file in store.names()})
    assert hashes[0] == hashes[1]


def test_what_is_planned_without_drawing_is_what_is_printed(engine: Engine, store: Store, tmp_path: Path) -> None:
    put_part(store, tmp_path, 1, EVERY_STATE)
    planned = run_shard(engine, store, JOB, 1, draw=False)
    noted = {f"{shard_dir(1)}/employers.jsonl", f"{shard_dir(1)}/rejects.csv"}
    assert set(store.names()) == {"work/parts/0001.parquet", *noted}
    rejects = store.read(f"{shard_dir(1)}/rejects.csv")
    assert planned.counts == run_shard(engine, store, JOB, 1).counts
    assert store.read(f"{shard_dir(1)}/rejects.csv") == rejects != b""


@pytest.mark.parametrize("delivery", ["regular", "lists"])
def test_a_plan_counts_letters_and_lists_to_employers_too(
    engine: Engine, store: Store, tmp_path: Path, delivery: str
) -> None:
    job = replace(JOB, delivery=delivery)
    put_part(store, tmp_path, 1, EVERY_STATE)
    planned = [
        run_shard(engine, store, job, 1, draw=False).counts,
        run_employers(engine, store, job, 1, 1, draw=False).counts,
    ]
    counts, _ = package(engine, store, job, 1)
    assert sum(planned, Counts()) == counts
    assert planned[1].pieces == planned[1].pages == 1


def test_finished_files_pass_preflight_and_their_pages_are_those_of_the_table(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    put_part(store, tmp_path, 1, EVERY_STATE)
    result = run_shard(engine, store, JOB, 1)
    assemble(store, JOB, engine.pinned("association"), [result], [], {"rows": 10}, {"reading": [], "two_sided": []})
    told = [(row["file"], int(row["page"]), row["page_hash"]) for row in table(store, "vendor/S0001-pages.csv")]
    found = []
    for file in result.files:
        data = store.read(file.name)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
        assert preflight(data) == []
        found += [(file.name, page.number, page.sha256) for page in read_pages(data)]
    assert sorted(told) == sorted(found)


def test_an_employer_gets_one_letter_though_its_people_are_in_several_shards(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    job = replace(JOB, delivery="regular")
    employers = ["0001", "0001", "0002", "0002", "0002", "0002", "0003"]
    rows = [
        insured(世帯番号=f"{at:08d}", 番号=str(at), 事業所番号=employer, 事業所名称=f"見本商店{employer}")
        for at, employer in enumerate(employers, start=1)
    ]
    for number, part in enumerate((rows[:3], rows[3:5], rows[5:]), start=1):
        put_part(store, tmp_path, number, part, first=1 + rows.index(part[0]))
    counts, results = package(engine, store, job, 3)
    letters = {
        file.name: store.read(file.name) for result in results for file in result.files if "letters" in file.name
    }
    assert list(letters) == ["vendor/S0001-letters-0001.pdf", "vendor/S0001-letters-0003.pdf"]
    texts = [_text(page) for data in letters.values() for page in read_pages(data)]
    for text, employer, envelopes in zip(texts, ("0001", "0002", "0003"), ("2通", "4通", "1通"), strict=True):
        assert f"見本商店{employer}" in text
        assert envelopes in text
    assert (counts.pieces, counts.cards, counts.printed) == (7 + 3, 7, 7)
    rows_of_pieces = table(store, "vendor/S0001-pieces.csv")
    assert [row["kind"] for row in rows_of_pieces] == ["employer"] * 7 + ["letter"] * 3
    assert [row["enclosures"] for row in rows_of_pieces] == ["leaflet seal reply-envelope"] * 7 + [""] * 3
    assert sum(int(row["cards"]) for row in rows_of_pieces) == counts.cards
    ids = [row["piece"] for row in rows_of_pieces[7:]]
    assert [row["bundle"] for row in rows_of_pieces] == [*[ids[0]] * 2, *[ids[1]] * 4, ids[2], *ids]


def test_an_envelope_is_in_the_bundle_of_the_letter_that_names_it(
    engine: Engine, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(employers_stage, "MOST_ENVELOPES", 2)  # a letter takes no more: the rest goes into another
    continued = {"資格区分": "任意継続", "資格取得年月日": "20240801", "資格喪失予定年月日": "20260731"}
    voluntary = {**continued, "事業所番号": "", "事業所名称": ""}
    rows = [
        *family(6, 世帯番号="00000001"),  # two envelopes
        insured(世帯番号="00000002", 番号="2"),
        insured(世帯番号="00000003", 番号="3", **voluntary),
        insured(世帯番号="00000004", 番号="4", 事業所番号="0043", 事業所名称="見本商会"),
    ]
    for number, part in enumerate((rows[:7], rows[7:8], rows[8:]), start=1):
        put_part(store, tmp_path, number, part, first=1 + rows.index(part[0]))
    package(engine, store, replace(JOB, delivery="regular"), 3)
    told = table(store, "vendor/S0001-pieces.csv")
    assert [row["kind"] for row in told] == [*["employer"] * 3, "direct", "employer", *["letter"] * 3]
    assert [row["bundle"] for row in told if row["kind"] == "direct"] == [""]
    letters = {row["piece"]: row for row in told if row["kind"] == "letter"}
    assert [row["bundle"] for row in letters.values()] == list(letters)
    pages = [row for row in table(store, "vendor/S0001-pages.csv") if row["document"] == "employer-letter"]
    assert [page["piece"] for page in pages] == list(letters)
    for page in pages:
        runs = _runs(list(read_pages(store.read(page["file"])))[int(page["page"]) - 1])
        bundle = [f"{r['piece']}-{r['sheet']}/{r['of']}" for r in told
                  if r["bundle"] == page["piece"] and r["kind"] == "employer"]  # fmt: skip
        assert [text for text in runs if text.startswith("S0001-0")] == bundle != []


@pytest.mark.parametrize("delivery", ["regular", "lists"])
def test_an_employer_whose_name_is_written_in_two_ways_has_every_envelope_in_a_letter(
    engine: Engine, store: Store, tmp_path: Path, delivery: str
) -> None:
    names = ["見本商会", "見本商会", "見本　商会", "見本商会"]  # sorted by their symbol alone, which is the same
    rows = [insured(世帯番号=f"{at:08d}", 番号=str(at), 事業所名称=name) for at, name in enumerate(names, start=1)]
    put_part(store, tmp_path, 1, rows[:1])
    put_part(store, tmp_path, 2, rows[1:], first=2)
    package(engine, store, replace(JOB, delivery=delivery), 2)
    told = table(store, "vendor/S0001-pieces.csv")
    at_employers = [row["piece"] for row in told if row["kind"] in ("letter", "list")]
    assert len(at_employers) == 3
    if delivery == "regular":
        first, second, third = at_employers
        assert [row["bundle"] for row in told] == [first, first, second, third, *at_employers]
    assert reconcile(store).findings == []


def test_a_package_whose_letters_name_other_envelopes_than_were_printed_is_not_put_together(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    put_part(store, tmp_path, 1, [*family(6), insured(世帯番号="00000002", 番号="2")])
    job = replace(JOB, delivery="regular")
    package(engine, store, job, 1)
    name = f"{employers_dir(1)}/bundles.csv"
    whole = store.read(name).splitlines(keepends=True)
    places = [shard_dir(1), employers_dir(1)]
    assert b"".join(table_blocks(store, PIECES_TABLE, places)) == store.read("vendor/S0001-pieces.csv")
    for wrong in (whole[:-1], [*whole, whole[0]], [whole[1], whole[0], whole[2]]):
        store.put(name, b"".join(wrong))
        with pytest.raises(PackageError, match="package_table"):
            list(table_blocks(store, PIECES_TABLE, places))


def test_a_household_of_any_size_gets_its_notice_through_the_employer_whose_letter_counts_its_people(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    other, profile = copy.copy(engine), engine.insurers["society"]
    assert profile.documents.notice is not None
    notice = profile.documents.notice.model_copy(update={"per": "household"})
    documents = profile.documents.model_copy(update={"notice": notice})
    other.insurers = {**engine.insurers, "society": profile.model_copy(update={"documents": documents})}
    put_part(store, tmp_path, 1, [*family(6), insured(世帯番号="00000009", 番号="99")])
    counts, _ = package(other, store, replace(JOB, insurer="society", delivery="notices"), 1)
    assert (counts.printed, counts.pieces, counts.cards) == (7, 2 + 1, 0)
    (page,) = read_pages(store.read("vendor/S0001-letters-0001.pdf"))
    text = "".join(run.text for run in page.runs)
    assert "2通（7名分）" in text
    assert "「資格情報のお知らせ」ができました" in text
    assert "6名" in text
    assert "カード" not in text
    # Six people's notice is two sheets of paper, one person's is one; so is the letter.
    assert [row["sheets"] for row in table(store, "vendor/S0001-pieces.csv")] == ["2", "1", "1"]
    assert reconcile(store).findings == []


def delivering(engine: Engine, insurer: str, delivery: str, barcode: str, *, tracked: bool) -> Engine:
    """The engine with a profile whose mail goes so."""
    other, profile = copy.copy(engine), engine.insurers[insurer]
    assert profile.bulk is not None
    deliveries = dict(profile.bulk.deliveries)
    deliveries[delivery] = deliveries[delivery].model_copy(update={"tracked": tracked})
    bulk = profile.bulk.model_copy(update={"deliveries": deliveries})
    mail = profile.mail.model_copy(update={"customer_barcode": barcode})
    other.insurers = {**engine.insurers, insurer: profile.model_copy(update={"bulk": bulk, "mail": mail})}
    return other


@pytest.mark.parametrize(
    ("insurer", "delivery", "to_employer"),
    [
        ("association", "bulk", False),
        ("association", "regular", True),
        ("association", "lists", False),
        ("society", "notices", False),
    ],
)
@pytest.mark.parametrize(
    ("barcode", "tracked", "printed"),
    [("only_when_discounted", True, 2), ("only_when_discounted", False, 0), ("always", True, 0)],
)
def test_mail_without_a_discount_has_no_barcode_and_no_address_is_refused_for_one(
    engine: Engine, store: Store, tmp_path: Path, insurer: str, delivery: str, to_employer: bool,
    barcode: str, tracked: bool, printed: int,
) -> None:  # fmt: skip
    other = delivering(engine, insurer, delivery, barcode, tracked=tracked)
    # A number that cannot be read, or a town that the postal data do not have.
    unencodable = {"事業所郵便番号": "100-0001"} if to_employer else {"番地等": "三百二百番地"}
    put_part(store, tmp_path, 1, family(2, **unencodable))
    job = replace(JOB, insurer=insurer, delivery=delivery)
    shard = run_shard(other, store, job, 1)
    assert shard.counts.printed == printed
    assert reconcile_shard(other, store, job, 1).findings == []
    if delivery != "bulk" and printed:
        assert run_employers(other, store, job, 1, 1).counts.pieces == 1


@pytest.mark.parametrize(
    ("insurer", "delivery", "file", "size", "envelopes"),
    [
        ("association", "regular", "vendor/S0001-mounts-0001.pdf", 6, 2),
        ("society", "cards", "vendor/S0001-mounts-0001.pdf", 6, 2),
        ("society", "notices", "vendor/S0001-notices-0001.pdf", 3, 3),
    ],
)
def test_each_envelope_shows_the_number_by_which_the_letter_names_it(
    engine: Engine, store: Store, tmp_path: Path, insurer: str, delivery: str, file: str, size: int, envelopes: int
) -> None:
    job = replace(JOB, insurer=insurer, delivery=delivery)
    put_part(store, tmp_path, 1, family(size))
    package(engine, store, job, 1)
    numbers = [f"S0001-00000001S-{at}/{envelopes}" for at in range(1, envelopes + 1)]
    windows = [_runs(page) for page in read_pages(store.read(file))]
    assert [{text for text in page if text.startswith("S0001-00000001S-") and "/" in text} for page in windows] == [
        {number} for number in numbers
    ]
    (letter,) = read_pages(store.read("vendor/S0001-letters-0001.pdf"))
    assert [text for text in _runs(letter) if text.startswith("S0001-0")] == numbers
    assert reconcile_shard(engine, store, job, 1).findings == []


def test_a_letter_counts_each_of_its_pages_as_a_sheet(engine: Engine, store: Store, tmp_path: Path) -> None:
    rows = [insured(世帯番号=f"{at:08d}", 番号=str(at)) for at in range(1, 10)]
    put_part(store, tmp_path, 1, rows)
    package(engine, store, replace(JOB, delivery="regular"), 1)
    assert len(list(read_pages(store.read("vendor/S0001-letters-0001.pdf")))) == 2
    assert [row["sheets"] for row in table(store, "vendor/S0001-pieces.csv")] == ["1"] * 9 + ["2"]
    assert reconcile(store).findings == []


def test_mail_that_came_back_from_homes_goes_to_the_employer_with_a_letter_that_says_so(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    wish = Wish("association", "bulk", JOB.issued_on, "S0001", undelivered=["00000001"], reissue="came back")
    job = job_of(wish, engine.insurers, io.BytesIO(), "csv")
    assert (job.delivery, job.occasion) == ("regular", "returned")
    put_part(store, tmp_path, 1, family(2))
    _, results = package(engine, store, job, 1)
    (letter,) = [file.name for result in results for file in result.files if "letters" in file.name]
    (page,) = read_pages(store.read(letter))
    assert "届かずに戻った分を作り直しました" in "".join(run.text for run in page.runs)
    assert [row["kind"] for row in table(store, "vendor/S0001-pieces.csv")] == ["employer", "letter"]
    (mount,) = read_pages(store.read("vendor/S0001-mounts-0001.pdf"))
    assert "ご自宅あての封筒が戻ったため" in "".join(run.text for run in mount.runs)


def test_the_mounts_of_a_first_delivery_do_not_say_that_anything_came_back(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    put_part(store, tmp_path, 1, family(2))
    job = replace(JOB, delivery="regular")
    package(engine, store, job, 1)
    (mount,) = read_pages(store.read("vendor/S0001-mounts-0001.pdf"))
    text = "".join(run.text for run in mount.runs)
    assert "勤め先からお渡しする理由" in text
    assert "戻った" not in text
    assert reconcile_shard(engine, store, job, 1).findings == []


def test_mail_that_came_back_is_made_again_as_it_was_where_the_profile_names_no_other_policy(engine: Engine) -> None:
    wish = Wish("publishers", "cards", JOB.issued_on, undelivered=["00000001"])
    assert job_of(wish, engine.insurers, io.BytesIO(), "csv").delivery == "cards"


def test_lists_name_everyone_who_will_get_mail(engine: Engine, store: Store, tmp_path: Path) -> None:
    put_part(store, tmp_path, 1, [*family(3), insured(世帯番号="00000009", 番号="99", 生年月日="19400101")])
    counts, results = package(engine, store, replace(JOB, delivery="lists"), 1)
    (file,) = [file for result in results for file in result.files]
    (page,) = read_pages(store.read(file.name))
    assert "3名（1世帯）" in _text(page)
    assert counts == Counts(people=4, printed=3, rejected=1, households=2, pieces=1, pages=1)


def test_the_manifest_names_everything_that_decides_a_byte(engine: Engine, store: Store, tmp_path: Path) -> None:
    put_part(store, tmp_path, 1, family(2))
    package(engine, store, JOB, 1)
    manifest = json.loads(store.read(MANIFEST))
    listed = {file["name"]: file["sha256"] for file in manifest["files"]}
    there = [name for name in store.names() if name.startswith(("vendor/", "issuer/")) and name != MANIFEST]
    assert listed == {name: hashlib.sha256(store.read(name)).hexdigest() for name in there}
    made_with = manifest["made_with"]
    assert {"deflate", "docgen", "uharfbuzz", "zlib"} <= set(made_with["versions"])
    assert made_with["deflate"] == deflated_probe()
    assert "card.yaml" in made_with["layouts"]
    assert "insurers/association.yaml" in made_with["layouts"]
    assert manifest["job"] == JOB.as_dict()


def test_nothing_of_a_person_is_on_the_vendors_side_but_on_the_pages(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    put_part(store, tmp_path, 1, family(2))
    package(engine, store, JOB, 1)
    for name in ("vendor/S0001-pieces.csv", "vendor/S0001-pages.csv", MANIFEST):
        text = store.read(name).decode()
        assert not any(value in text for value in ("見本 太郎", "太郎", "10203040", "例示町", "00000001-00"))


def test_what_was_pushed_to_fit_comes_worst_first(engine: Engine, store: Store, tmp_path: Path) -> None:
    long = insured(
        世帯番号="00000002", 番号="78", 名="太郎左衛門之助長右衛門", 名カナ="タロウザエモンノスケチョウエモン"
    )
    put_part(store, tmp_path, 1, [*family(2), long])
    package(engine, store, JOB, 1)
    rows = table(store, "issuer/S0001-fit.csv")
    assert tuple(rows[0]) == FIT
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores)
    assert rows[0]["person"] == "S0001-P00000003J"
    assert scores[0] < 0.9


def test_who_was_not_printed_comes_in_the_order_of_the_input(store: Store) -> None:
    fragments = [[("a", 12), ('b"\r\n",,', 3), ("c", 3)], [], [("=d", 2), ("e\n", 100), ("葛󠇯", 1)]]
    for at, rows in enumerate(fragments):
        out = io.BytesIO()
        writer = TableWriter(out)
        for key, number in rows:
            writer.row((key, number, "rejected", "not_allowed", None, None, "not a ratio, is it", f"'{key}\""))
        writer.finish()
        store.put(f"{at}/rejects.csv", out.getvalue())
    whole = b"".join(table_blocks(store, REJECTS_TABLE, ["0", "1", "2"]))
    read = [(row["key"], int(row["row"])) for row in read_table(io.BytesIO(whole))]
    assert read == sorted((row for rows in fragments for row in rows), key=lambda row: row[1])
    pieces = b"".join(store.read(f"{at}/rejects.csv") for at in range(3))
    assert len(whole) == len(header(REJECTS)) + len(pieces)


def test_a_table_cannot_run_a_formula_and_is_read_back_as_it_was() -> None:
    cells = ["=1+1", "+81", "-", "@x", "'quoted", "＝全角", "plain", ""]
    text = io.StringIO(newline="")
    csv.writer(text).writerow([guarded(cell) for cell in cells])
    back = read_table(io.BytesIO(text.getvalue().encode()), [str(at) for at in range(len(cells))])
    assert list(next(back).values()) == cells
    assert not any(guarded(cell).startswith(("=", "+", "-", "@", "＝")) for cell in cells)


def _runs(page: Any) -> list[str]:
    return [run.text for run in page.runs]


def _text(page: Any) -> str:
    def blocks() -> Iterator[str]:
        yield from page.blocks()

    return "\n".join(blocks())


@pytest.mark.parametrize("key", ["-00", "=1", "+81", "@x", "'x", "'-00", "00000010-00", "x'-", "'"])
def test_a_key_copied_out_of_a_table_means_the_same_in_a_list(key: str) -> None:
    assert read_list(f"{guarded(key)}\r\n".encode()) == [key]


def test_a_key_as_the_extract_has_it_means_itself_in_a_list() -> None:
    assert read_list(b"-00\n00000010-00\n'x\n") == ["'x", "-00", "00000010-00"]


@pytest.mark.parametrize("delivery", ["bulk", "regular"])
def test_the_manifest_has_the_counts_of_each_shard_with_its_letters(
    engine: Engine, store: Store, tmp_path: Path, delivery: str
) -> None:
    put_part(store, tmp_path, 1, EVERY_STATE)
    others = [insured(世帯番号=f"0000010{at}", 番号=f"10{at}", 事業所番号="0099") for at in range(2)]
    put_part(store, tmp_path, 2, others, first=20)
    counts, results = package(engine, store, replace(JOB, delivery=delivery), 2)
    said = json.loads(store.read(MANIFEST))["shards"]
    assert list(said) == ["0001", "0002"]
    assert sum((Counts(**shard) for shard in said.values()), Counts()) == counts
    for number, shard in enumerate(said.values(), start=1):
        files = [file for result in results for file in result.files if file.name.endswith(f"-000{number}.pdf")]
        assert shard["pages"] == sum(file.pages for file in files)
        assert shard["people"] == shard["printed"] + shard["rejected"] + shard["held"] + shard["withdrawn"]
