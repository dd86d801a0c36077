"""Batches over HTTP: what an issuance system sends, asks and fetches."""

from __future__ import annotations

import asyncio
import csv
import gzip
import hashlib
import io
import json
import re
import tarfile
import threading
import time
import uuid
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from docgen.bulk.ledger import Lease, Ledger
from docgen.bulk.opened import open_manifest, page_rows
from docgen.bulk.reconcile import reconcile
from docgen.bulk.store import Store
from docgen.engine import Engine
from docgen.service import batches, create_app
from docgen.settings import Settings
from tests.service.extracts import extract, keys

Answer = Any
ENDED = ("done", "failed", "cancelled")


def submit(client: TestClient, content: bytes, headers: dict[str, str] | None = None, **fields: str) -> Answer:
    files = {"extract": ("extract.csv", content, "text/csv")}
    form = {"insurer": "association", "delivery": "bulk", **fields}
    return client.post("/v1/batches", data=form, files=files, headers=headers)


def state(client: TestClient, batch: str) -> dict[str, Any]:
    status: dict[str, Any] = client.get(f"/v1/batches/{batch}").json()
    return status


def ended(client: TestClient, batch: str, within_s: float = 120) -> dict[str, Any]:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        status = state(client, batch)
        if status["state"] in ENDED:
            return status
        time.sleep(0.1)
    raise AssertionError(status)


def files_of(tar: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        opened = [(member.name, archive.extractfile(member)) for member in archive.getmembers()]
        return {name.partition("/")[2]: file.read() for name, file in opened if file is not None}


def code(answer: Answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def unpacked(client: TestClient, path: str, folder: Path) -> Store:
    for side in ("vendor", "issuer"):
        for name, content in files_of(client.get(path, params={"side": side}).content).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return Store.open(folder)


@pytest.fixture(scope="module")
def done(client: TestClient) -> dict[str, Any]:
    """A batch of 20 people, one of whom has no birth date, issued; and its package has been fetched."""
    answer = submit(client, extract(20, n7={"生年月日": ""}), job="T1")
    assert answer.status_code == 202, answer.text
    status = ended(client, answer.json()["id"])
    client.get(status["links"]["package"])
    return status


@pytest.fixture
def idle(settings: Settings, engine: Engine, tmp_path: Path) -> TestClient:
    """A service that runs nothing: batches stay as they were submitted."""
    own = settings.model_copy(update={"state_dir": tmp_path / "state", "max_waiting_batches": 2})
    return TestClient(create_app(own, engine), raise_server_exceptions=False)


# --- from the extract to the package ---


def test_an_upload_becomes_a_package_whose_counts_add_up(done: dict[str, Any]) -> None:
    assert done["state"] == "done", done
    counts = done["counts"]
    assert counts["people"] == 20
    assert counts["rejected"] == 1
    assert counts["people"] == counts["printed"] + counts["rejected"] + counts["held"] + counts["withdrawn"]
    assert done["job"]["issued_on"] == "2025-08-01"  # from the extract
    assert done["progress"]["people_done"] == 20


def test_a_package_that_was_fetched_is_reconciled_anywhere(
    client: TestClient, done: dict[str, Any], tmp_path: Path
) -> None:
    store = unpacked(client, done["links"]["package"], tmp_path)
    report = reconcile(store)
    assert report.ok, report.findings
    assert report.counts.printed == done["counts"]["printed"]


def test_the_vendors_side_holds_nothing_of_the_issuers(client: TestClient, done: dict[str, Any]) -> None:
    vendor = files_of(client.get(done["links"]["package"]).content)
    issuer = files_of(client.get(done["links"]["package"], params={"side": "issuer"}).content)
    assert {name.partition("/")[0] for name in vendor} == {"vendor"}
    assert set(issuer) == {f"issuer/T1-{table}.csv" for table in ("rejects", "keys", "fit")}
    own_key = keys(20)[0].encode()
    assert own_key in issuer["issuer/T1-keys.csv"]
    assert not any(own_key in content for content in vendor.values())


def test_the_rejects_name_the_row_the_code_and_the_column(client: TestClient, done: dict[str, Any]) -> None:
    answer = client.get(done["links"]["rejects"])
    assert answer.headers["content-disposition"] == 'attachment; filename="T1-rejects.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    rejected = [row for row in rows if row["state"] == "rejected"]
    assert [(row["key"].removeprefix("'"), row["row"], row["column"]) for row in rejected] == [
        (keys(20)[6], "7", "生年月日")
    ]
    assert len(rows) == done["counts"]["rejected"] + done["counts"]["held"]


def test_an_interrupted_download_goes_on_where_it_stopped(client: TestClient, done: dict[str, Any]) -> None:
    path = done["links"]["package"]
    whole = client.get(path)
    assert int(whole.headers["content-length"]) == len(whole.content)
    tag, size = whole.headers["etag"], len(whole.content)
    for start, stop in ((0, 1), (511, 513), (size // 3, size // 2), (size - 700, size)):
        part = client.get(path, headers={"Range": f"bytes={start}-{stop - 1}", "If-Range": tag})
        assert part.status_code == 206
        assert part.content == whole.content[start:stop]
        assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
    assert client.get(path, headers={"Range": "bytes=-5"}).content == whole.content[-5:]
    assert client.get(path, headers={"Range": f"bytes={size - 3}-"}).content == whole.content[-3:]
    assert client.get(path, headers={"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200
    for digits in (19, 5000):  # no range that there is: all of it
        assert client.get(path, headers={"Range": f"bytes={'9' * digits}-"}).status_code == 200
    assert code(client.get(path, headers={"Range": f"bytes={size}-"})) == (416, "range_not_satisfiable")


def test_single_files_are_those_of_the_manifest_and_no_others(client: TestClient, done: dict[str, Any]) -> None:
    path = f"{done['links']['package']}/vendor"
    manifest = client.get(f"{path}/manifest.json").json()
    for file in (file for file in manifest["files"] if file["name"].startswith("vendor/")):
        answer = client.get(f"{path}/{file['name'].removeprefix('vendor/')}")
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
    elsewhere = "work/extract.csv"
    for name in ("nothing.pdf", f"..%2f{elsewhere.replace('/', '%2f')}", f"%2e%2e/{elsewhere}"):
        assert client.get(f"{path}/{name}").status_code == 404


def test_events_tell_how_far_it_is_and_end_with_the_end(client: TestClient, done: dict[str, Any]) -> None:
    text = client.get(done["links"]["events"]).text
    fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
    assert fields["event"] == "done"
    told = json.loads(fields["data"])
    assert told["counts"] == done["counts"]
    assert told.keys() == {"id", "state", "progress", "counts"}
    again = client.get(done["links"]["events"], headers={"Last-Event-ID": fields["id"]})
    assert "data" not in again.text


def test_a_reprint_is_a_package_of_the_same_pages(client: TestClient, done: dict[str, Any], tmp_path: Path) -> None:
    answer = client.post(done["links"]["reprints"], json={"reason": "damaged", "keys": [keys(20)[0]]})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["counts"]["printed"] == 1
    assert made["left_behind"] == []
    store = unpacked(client, made["links"]["package"], tmp_path)
    assert reconcile(store).ok
    package = open_manifest(store).package
    assert re.fullmatch("T1-R[A-Z2-7]{8}", package)
    for side in ("vendor", "issuer"):
        sent = client.get(made["links"]["package"], params={"side": side})
        assert sent.headers["content-disposition"] == f'attachment; filename="{package}-{side}.tar"'
        with tarfile.open(fileobj=io.BytesIO(sent.content)) as archive:
            assert {name.partition("/")[0] for name in archive.getnames()} == {package}
    before = files_of(client.get(done["links"]["package"]).content)["vendor/T1-pages.csv"]
    hashes = {row["page_hash"] for row in csv.DictReader(io.StringIO(before.decode("utf-8-sig")))}
    again = {row.page_hash for row in page_rows(store, open_manifest(store))}
    assert again
    assert again <= hashes


def test_a_reprint_that_is_ordered_again_with_its_key_is_the_first_one(
    client: TestClient, done: dict[str, Any], settings: Settings
) -> None:
    path, key = done["links"]["reprints"], {"Idempotency-Key": str(uuid.uuid4())}
    before = client.get(path).json()["reprints"]
    order = {"reason": "lost answer", "keys": [keys(20)[1]]}
    first, again = (client.post(path, json=order, headers=key) for _ in range(2))
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert first.status_code == 201
    other = {**order, "keys": [keys(20)[0]]}
    assert code(client.post(path, json=other, headers=key)) == (422, "idempotency_mismatch")
    listed = client.get(path).json()["reprints"]
    assert listed == [first.json(), *before]
    assert listed[0]["reason"] == "lost answer"
    assert listed[0]["counts"]["printed"] == 1
    assert client.get(listed[0]["links"]["package"]).status_code == 200
    folder = Path(settings.batch_store(done["id"])) / "reprints"
    assert {path.name for path in folder.iterdir()} == {reprint["id"] for reprint in listed}


def test_a_reprint_tells_which_mounts_carry_other_cards_besides(client: TestClient, done: dict[str, Any]) -> None:
    pieces = files_of(client.get(done["links"]["package"]).content)["vendor/T1-pieces.csv"].decode("utf-8-sig")
    row = max(csv.DictReader(io.StringIO(pieces)), key=lambda row: int(row["cards"]))
    order = {"reason": "damaged", "pieces": [f"{row['piece']}-{row['sheet']}1"]}
    made = client.post(done["links"]["reprints"], json=order).json()
    envelope = f"{row['piece']}-{row['sheet']}/{row['of']}"
    assert made["left_behind"] == [{"envelope": envelope, "cards": int(row["cards"]) - 1}]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"reason": "x", "pieces": ["T1-00000999X"]}, (404, "not_in_package")),
        ({"reason": "x"}, (422, "missing_value")),
        ({"reason": " ", "pieces": ["T1"]}, (422, "reason_missing")),
        ({"pieces": ["T1"]}, (422, "missing_value")),
    ],
)
def test_a_reprint_of_nothing_or_without_a_reason_is_refused(
    client: TestClient, done: dict[str, Any], order: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert code(client.post(done["links"]["reprints"], json=order)) == expected


def test_the_same_people_on_the_same_day_need_a_reason(client: TestClient, done: dict[str, Any]) -> None:
    again = ended(client, submit(client, extract(20)).json()["id"])
    assert again["counts"]["printed"] == 1 + done["counts"]["held"]  # those who got nothing the first time
    assert again["warnings"] == []
    nobody = ended(client, submit(client, extract(20)).json()["id"])
    assert (nobody["state"], nobody["counts"]["printed"], nobody["error"]) == ("done", 0, None)
    (warning,) = nobody["warnings"]
    assert warning["code"] == "nobody_printed"
    assert nobody["links"]["rejects"] in warning["hint"]
    listed = {batch["id"]: batch["warnings"] for batch in client.get("/v1/batches").json()["batches"]}
    assert (listed[nobody["id"]], listed[again["id"]]) == ([{"code": "nobody_printed"}], [])
    assert '"warnings":[{"code":"nobody_printed"}]' in client.get(nobody["links"]["events"]).text
    reissued = ended(client, submit(client, extract(20), reissue="the first print was off colour").json()["id"])
    assert reissued["counts"]["printed"] == 20


def test_a_trial_says_so_and_issues_nobody(client: TestClient, tmp_path: Path) -> None:
    made = ended(client, submit(client, extract(5, seed=71), trial="true").json()["id"])
    assert (made["state"], made["trial"], made["job"]["trial"], made["counts"]["printed"]) == ("done", True, True, 5)
    store = unpacked(client, made["links"]["package"], tmp_path)
    assert (reconcile(store).findings, open_manifest(store).job.trial) == ([], True)
    again = client.post(made["links"]["reprints"], json={"reason": "x", "keys": keys(5, seed=71)[:1]}).json()
    assert open_manifest(unpacked(client, again["links"]["package"], tmp_path / "again")).job.trial
    real = ended(client, submit(client, extract(5, seed=71), trial="false").json()["id"])
    assert (real["trial"], real["counts"]["printed"]) == (False, 5)
    listed = {batch["id"]: batch["trial"] for batch in client.get("/v1/batches").json()["batches"]}
    assert (listed[made["id"]], listed[real["id"]]) == (True, False)


@pytest.mark.parametrize("trial", ["", "1", "yes", "True"])
def test_whether_it_is_a_trial_is_true_or_false(idle: TestClient, trial: str) -> None:
    assert submit(idle, extract(3), trial=trial).status_code == 422


# --- withdrawals, cancellation, deletion ---


def test_people_are_withdrawn_until_the_package_is_fetched(client: TestClient) -> None:
    batch = submit(client, extract(12, seed=2), issued_on="2025-08-01").json()["id"]
    first = ended(client, batch)
    assert code(client.post(f"/v1/batches/{batch}/withdrawals", json={"people": ["nobody"]})) == (400, "unknown_person")
    answer = client.post(f"/v1/batches/{batch}/withdrawals", json={"people": keys(12, seed=2)[:1]})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    second = ended(client, batch)
    assert second["counts"]["withdrawn"] == 1
    assert second["counts"]["printed"] == first["counts"]["printed"] - 1
    assert client.get(second["links"]["package"]).status_code == 200
    late = client.post(f"/v1/batches/{batch}/withdrawals", json={"people": keys(12, seed=2)[1:2]})
    assert code(late) == (409, "too_late_to_withdraw")


def test_a_key_with_spaces_around_it_is_withdrawn_as_the_extract_has_it(client: TestClient) -> None:
    batch = submit(client, extract(2, seed=53, n1={"世帯番号": " 00000001"})).json()["id"]
    assert ended(client, batch)["state"] == "done"
    withdraw = f"/v1/batches/{batch}/withdrawals"
    assert code(client.post(withdraw, json={"people": ["00000001-00"]})) == (400, "unknown_person")
    for no_key in ("", " 00000001-00\n"):
        assert code(client.post(withdraw, json={"people": [no_key]})) == (422, "list_form")
    answer = client.post(withdraw, json={"people": [" 00000001-00"]})
    assert answer.json()["withdrawn_rows"] == {" 00000001-00": 1}
    again = ended(client, batch)
    assert (again["state"], again["error"]) == ("done", None)


def test_who_was_withdrawn_from_a_finished_batch_does_not_come_back_with_the_next(client: TestClient) -> None:
    people = keys(3, seed=31)
    batch = submit(client, extract(3, seed=31)).json()["id"]
    assert ended(client, batch)["counts"]["printed"] == 3
    client.post(f"/v1/batches/{batch}/withdrawals", json={"people": people[:1]})
    assert ended(client, batch)["counts"]["withdrawn"] == 1
    assert client.delete(f"/v1/batches/{batch}").status_code == 204
    later = ended(client, submit(client, extract(3, seed=31)).json()["id"])
    assert (later["counts"]["printed"], later["counts"]["rejected"]) == (0, 3)
    rows = csv.DictReader(io.StringIO(client.get(later["links"]["rejects"]).content.decode("utf-8-sig")))
    assert {row["key"]: row["code"] for row in rows} == {
        **dict.fromkeys(people, "already_issued"),
        people[0]: "withdrawn_before",
    }


def test_only_what_is_sent_of_the_vendors_side_ends_withdrawals(client: TestClient) -> None:
    batch = submit(client, extract(6, seed=21)).json()["id"]
    path, end = f"/v1/batches/{batch}", ended(client, batch)
    links, number = end["links"], end["job"]["number"]
    made = client.post(links["reprints"], json={"reason": "damaged", "keys": keys(6, seed=21)[:1]}).json()
    reprinted = made["links"]["package"]
    for method, address, headers, status in (
        ("HEAD", f"{path}/package", {}, 200),
        ("HEAD", f"{path}/package/vendor/{number}-pages.csv", {}, 200),
        ("HEAD", reprinted, {}, 200),
        ("GET", f"{path}/package/vendor/nothing.pdf", {}, 404),
        ("GET", f"{path}/package/vendor/{number}-pages.csv", {"Range": "bytes=999999999-"}, 416),
        ("GET", f"{path}/package?side=issuer", {}, 200),
        ("GET", f"{path}/package/issuer/{number}-keys.csv", {}, 200),
        ("GET", f"{reprinted}?side=issuer", {}, 200),
        ("GET", f"{path}/reprints/{'0' * 16}/package", {}, 404),
        ("POST", f"{path}/reprints", {}, 415),
    ):
        assert client.request(method, address, headers=headers).status_code == status, (method, address)
        assert state(client, batch)["handed_out"] is False, (method, address)
    withdrawn = client.post(f"{path}/withdrawals", json={"people": keys(6, seed=21)[:1]})
    assert withdrawn.status_code == 202
    assert ended(client, batch)["counts"]["withdrawn"] == 1
    # The reprint is of a package that is no more: it has the pages of somebody who was withdrawn.
    assert code(client.get(reprinted)) == (404, "not_found")
    assert client.get(f"{path}/reprints").json() == {"reprints": []}
    assert state(client, batch)["handed_out"] is False


@pytest.mark.parametrize(
    ("what", "seed"), [("package", 22), ("part of the package", 23), ("file", 24), ("reprint", 25)]
)
def test_whatever_is_sent_of_the_vendors_side_ends_withdrawals(client: TestClient, what: str, seed: int) -> None:
    batch = submit(client, extract(2, seed=seed)).json()["id"]
    links = ended(client, batch)["links"]
    made = client.post(links["reprints"], json={"reason": "damaged", "keys": keys(2, seed=seed)[:1]}).json()
    address, headers = {
        "package": (links["package"], {}),
        "part of the package": (links["package"], {"Range": "bytes=0-9"}),
        "file": (f"{links['package']}/vendor/manifest.json", {}),
        "reprint": (made["links"]["package"], {}),
    }[what]
    assert client.get(address, headers=headers).status_code in (200, 206)
    assert state(client, batch)["handed_out"] is True
    assert client.get(made["links"]["package"]).status_code == 200
    late = client.post(f"/v1/batches/{batch}/withdrawals", json={"people": keys(2, seed=seed)[:1]})
    assert code(late) == (409, "too_late_to_withdraw")


def test_a_waiting_batch_is_cancelled_at_once(idle: TestClient) -> None:
    batch = submit(idle, extract(3)).json()["id"]
    assert idle.post(f"/v1/batches/{batch}/cancel").json()["state"] == "cancelled"
    assert code(idle.post(f"/v1/batches/{batch}/cancel")) == (409, "batch_ended")
    for path in ("package", "rejects"):
        refused = idle.get(f"/v1/batches/{batch}/{path}")
        assert code(refused) == (409, "not_released")
        (violation,) = refused.json()["violations"]
        assert "is cancelled" in violation["message"]
        assert "Wait" not in violation["hint"]


def test_a_batch_whose_cancel_is_accepted_while_its_only_shard_is_printed_releases_nothing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, was, begun = extract(150, seed=51), Lease.begin, threading.Event()

    def begin(*shard: Any) -> bool:
        wanted = was(*shard)
        begun.set()
        return wanted

    monkeypatch.setattr(Lease, "begin", begin)
    batch = submit(client, content).json()["id"]
    assert begun.wait(60)
    answer = client.post(f"/v1/batches/{batch}/cancel")
    assert (answer.status_code, answer.json()["cancel_requested"]) == (202, True)
    status = ended(client, batch)
    assert (status["state"], status["counts"], status["progress"]["shards"]) == ("cancelled", None, 1)
    assert code(client.get(f"/v1/batches/{batch}/package")) == (409, "not_released")
    again = ended(client, submit(client, content).json()["id"])
    assert again["counts"]["printed"] == 150


def test_a_package_that_was_released_is_not_cancelled_but_people_are_withdrawn_from_it(client: TestClient) -> None:
    batch = submit(client, extract(12, seed=32)).json()["id"]
    path, first = f"/v1/batches/{batch}", ended(client, batch)
    assert "cancel" not in first["links"]
    assert code(client.post(f"{path}/cancel")) == (409, "too_late_to_cancel")
    answer = client.post(f"{path}/withdrawals", json={"people": keys(12, seed=32)[:2]}).json()
    assert answer["withdrawn_rows"] == dict.fromkeys(keys(12, seed=32)[:2], 1)
    assert "cancel" not in answer["links"]
    assert client.post(f"{path}/cancel").json()["code"] == "too_late_to_cancel"
    second = ended(client, batch)
    assert (second["state"], second["cancel_requested"]) == ("done", False)
    assert second["counts"]["printed"] == first["counts"]["printed"] - 2


def test_how_many_rows_are_withdrawn_is_not_known_before_the_extract_is_read(idle: TestClient) -> None:
    batch = submit(idle, extract(3)).json()["id"]
    answer = idle.post(f"/v1/batches/{batch}/withdrawals", json={"people": keys(3)[:1]})
    assert (answer.status_code, answer.json()["withdrawn_rows"]) == (202, None)


def test_batches_are_listed_the_newest_first_page_by_page(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    client = TestClient(create_app(settings.model_copy(update={"state_dir": tmp_path / "state"}), engine))
    assert client.get("/v1/batches").json() == {"batches": [], "next": None}
    ids = [submit(client, extract(3, seed), reissue="秘密太郎").json()["id"] for seed in range(1, 5)]
    ledger = Ledger(f"sqlite:///{tmp_path}/state/ledger.sqlite")
    ledger.submit(replace(ledger.get(ids[0]).job, number=""), "/x.csv", "/nowhere")  # of the command line
    ledger.close()
    client.delete(f"/v1/batches/{ids[1]}")
    pages, path = [], "/v1/batches?limit=2"
    while path:
        answer = client.get(path)
        pages.append([batch["id"] for batch in answer.json()["batches"]])
        path = answer.json()["next"]
        assert "秘密太郎" not in answer.text
    assert pages == [[ids[3], ids[2]], [ids[0]]]
    (first, *_) = client.get("/v1/batches").json()["batches"]
    assert client.get(first["links"]["self"]).json()["state"] == first["state"] == "queued"
    assert code(client.get("/v1/batches", params={"before": "0" * 32})) == (404, "unknown_batch")
    assert client.get("/v1/batches", params={"limit": 0}).status_code == 400


def test_deleting_leaves_nothing_of_it(idle: TestClient, tmp_path: Path) -> None:
    batch = submit(idle, extract(3)).json()["id"]
    assert [path for path in (tmp_path / "state" / "batches").rglob("*") if path.is_file()]
    assert idle.delete(f"/v1/batches/{batch}").status_code == 204
    assert not [path for path in (tmp_path / "state" / "batches").rglob("*") if path.is_file()]
    assert code(idle.get(f"/v1/batches/{batch}")) == (404, "unknown_batch")
    assert idle.delete(f"/v1/batches/{batch}").status_code == 204


# --- what is refused, and what is not done twice ---


def test_a_request_that_is_sent_again_gives_the_same_batch(idle: TestClient, tmp_path: Path) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (submit(idle, extract(3), key).json()["id"] for _ in range(2))
    assert first == again
    assert len(list((tmp_path / "state" / "batches").iterdir())) == 1
    assert code(submit(idle, extract(4), key)) == (422, "idempotency_mismatch")
    assert idle.delete(f"/v1/batches/{first}").status_code == 204
    assert code(submit(idle, extract(3), key)) == (409, "batch_deleted")
    assert not [path for path in (tmp_path / "state" / "batches").rglob("*") if path.is_file()]


def test_a_full_queue_refuses_what_is_right_and_says_when_to_come_back(idle: TestClient) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    for seed in (1, 2):
        accepted = submit(idle, extract(3, seed), key if seed == 2 else {})
        assert accepted.status_code == 202
    refused = submit(idle, extract(3, 3))
    assert code(refused) == (503, "batches_full")
    assert int(refused.headers["retry-after"]) > 0
    assert code(submit(idle, extract(3, 3), delivery="pigeon")) == (422, "unknown_delivery")  # would be, later on
    assert code(idle.post("/v1/batches", json={"insurer": "association", "colour": 1})) == (422, "unknown_key")
    assert submit(idle, extract(3, 2), key).json()["id"] == accepted.json()["id"]  # whose answer was lost
    assert code(submit(idle, extract(3, 1), key)) == (422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"insurer": "nobody"}, (404, "unknown_insurer")),
        ({"delivery": "pigeon"}, (422, "unknown_delivery")),
        ({"issued_on": "2025-02-30"}, (422, "invalid_date")),
        ({"issued_on": "2027-06-01"}, (422, "expired_at_issue")),  # the reply envelope that is enclosed
        ({"job": "no/way"}, (422, "job_number_form")),
        *(({"job": kept}, (422, "job_number_form")) for kept in ("CON", "LPT1")),
        ({"webhook": "http://127.0.0.1:1/"}, (422, "webhook_not_allowed")),
        ({"colour": "red"}, (422, "unknown_key")),
        ({"source": "s3://bucket/x.csv"}, (422, "unknown_key")),
    ],
)
def test_what_cannot_be_is_refused_and_not_kept(
    idle: TestClient, tmp_path: Path, fields: dict[str, str], expected: tuple[int, str]
) -> None:
    assert code(submit(idle, extract(3), **fields)) == expected
    assert not list((tmp_path / "state").rglob("*.csv"))


def test_a_misspelt_field_of_a_form_is_named_with_the_fields_that_a_form_has(idle: TestClient) -> None:
    files = {"extract": ("extract.csv", extract(3), "text/csv")}
    answer = idle.post("/v1/batches", data={"insurer": "association", "delivry": "bulk"}, files=files)
    (violation,) = answer.json()["violations"]
    assert (violation["message"], violation["pointer"]) == ("unknown key: delivry", "/delivry")
    assert "extract" in violation["hint"]
    assert "source" not in violation["hint"]
    in_json = idle.post("/v1/batches", json={"insurer": "association", "delivry": "bulk"})
    assert "source" in in_json.json()["violations"][0]["hint"]


def test_a_misspelt_list_of_a_form_is_no_less_an_unknown_field(idle: TestClient) -> None:
    files = {"extract": ("extract.csv", extract(3)), "undelivred": ("u.txt", b"00000003-05")}
    answer = idle.post("/v1/batches", data={"insurer": "association"}, files=files)
    (violation,) = answer.json()["violations"]
    assert (violation["code"], violation["message"]) == ("unknown_key", "unknown key: undelivred")
    assert "undelivered" in violation["hint"]


@pytest.mark.parametrize("name", ["undelivered", "exclude", "extract", "job"])
def test_each_field_of_a_form_is_sent_once_and_as_what_it_is(idle: TestClient, name: str) -> None:
    file, text = (("u.txt", b"00000003-05"), (None, b"00000003-05"))
    right, wrong = (text, file) if name == "job" else (file, text)
    fine = {"insurer": (None, b"association"), "extract": ("extract.csv", extract(3))}
    rest = [(key, value) for key, value in fine.items() if key != name]
    for sent in ([wrong], [right, right]):
        answer = idle.post("/v1/batches", files=[*rest, *((name, one) for one in sent)])
        assert code(answer) == (400, "malformed_form")
        (violation,) = answer.json()["violations"]
        assert violation["pointer"] == f"/{name}"
        assert ("twice" in violation["message"]) == (len(sent) == 2)
        assert f"-F {name}=" in violation["hint"] or len(sent) == 2


@pytest.mark.parametrize("name", ["exclude", "undelivered"])
def test_a_list_that_is_too_large_is_refused_unread(
    idle: TestClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_MOST_OF_A_LIST", 11)
    sent = {"extract": ("extract.csv", extract(3)), name: ("list.txt", b"00000003-05\n")}
    answer = idle.post("/v1/batches", data={"insurer": "association"}, files=sent)
    assert code(answer) == (413, "body_too_large")
    assert answer.json()["violations"][0]["pointer"] == f"/{name}"


def test_a_list_is_read_where_it_keeps_nobody_waiting(idle: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[bool] = []

    def read(content: bytes) -> list[str]:
        try:
            asyncio.get_running_loop()
            loops.append(True)
        except RuntimeError:
            loops.append(False)
        return ["00000003-05"]

    monkeypatch.setattr(batches, "read_list", read)
    sent = {"extract": ("extract.csv", extract(3)), "exclude": ("list.txt", b"00000003-05")}
    idle.post("/v1/batches", data={"insurer": "association"}, files=sent)
    assert loops == [False]


EMPTY_LISTS = [b"", b"\n", b"\xef\xbb\xbf\r\n \r\n", "\u3000\n".encode()]


@pytest.mark.parametrize("content", EMPTY_LISTS)
def test_an_empty_list_of_undelivered_mail_is_refused_and_nobody_is_printed(idle: TestClient, content: bytes) -> None:
    files = {"extract": ("extract.csv", extract(3)), "undelivered": ("u.txt", content)}
    data = {"insurer": "association", "reissue": "came back"}
    assert code(idle.post("/v1/batches", data=data, files=files)) == (422, "empty_list")
    assert idle.get("/v1/batches").json()["batches"] == []


@pytest.mark.parametrize("people", [[], ["", " \u3000"]])
def test_an_empty_list_of_undelivered_mail_is_refused_in_json_too(
    idle: TestClient, people: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "open_extract", lambda *_: nullcontext(io.BytesIO(extract(3))))
    order = {"insurer": "association", "source": "s3://bucket/x.csv", "reissue": "came back", "undelivered": people}
    assert code(idle.post("/v1/batches", json=order)) == (422, "empty_list")
    del order["undelivered"]
    assert idle.post("/v1/batches", json=order).status_code == 202


def test_an_extract_that_is_cut_off_fails_where_its_rows_are_expected(client: TestClient) -> None:
    status = ended(client, submit(client, extract(2, seed=41), expect="3").json()["id"])
    assert (status["state"], status["error"]["code"]) == ("failed", "rows_differ")
    status = ended(client, submit(client, extract(3, seed=41), expect="3").json()["id"])
    assert (status["state"], status["counts"]["printed"]) == ("done", 3)


@pytest.mark.parametrize("expect", ["0", "-3", "3.0", "three", "３", ""])
def test_how_many_rows_are_expected_is_a_number(idle: TestClient, expect: str) -> None:
    assert submit(idle, extract(3), expect=expect).status_code == 422


@pytest.mark.parametrize("reason", ["", " ", "\u3000"])
def test_a_second_issue_needs_a_reason_that_says_something(idle: TestClient, reason: str) -> None:
    assert code(submit(idle, extract(3), reissue=reason)) == (422, "reason_missing")


def test_a_form_that_is_none_is_refused(idle: TestClient) -> None:
    for kind, content in (("multipart/form-data", b"x"), ("multipart/form-data; boundary=x", b"x" * 100)):
        answer = idle.post("/v1/batches", content=content, headers={"Content-Type": kind})
        assert code(answer) == (400, "malformed_form")
    cut = b'--x\r\nContent-Disposition: form-data; name="extract"; filename="x.csv"\r\n\r\n' + extract(3)[:-9]
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert idle.post("/v1/batches", content=cut, headers=form).status_code == 422  # cut off: nobody gets lost so
    assert code(idle.post("/v1/batches", content=b"x", headers={"Content-Type": "text/csv"}))[0] == 415
    twice = {"extract": ("x.csv", extract(3)), "job": ("j.txt", b"S1")}
    assert code(idle.post("/v1/batches", data={"insurer": "association"}, files=twice)) == (400, "malformed_form")


@pytest.mark.parametrize(
    ("form", "expected", "hint"),
    [
        ({}, ("missing_value", "/extract"), "-F extract=@"),
        ({"extract": (None, b"abc")}, ("malformed_form", "/extract"), "-F extract=@"),
        ({"extract": ("x.csv", b"a"), "source": (None, b"s3://b/x.csv")}, ("unknown_key", "/source"), "JSON"),
    ],
)
def test_what_is_wrong_with_a_forms_extract_points_at_it(
    idle: TestClient, form: dict[str, Any], expected: tuple[str, str], hint: str
) -> None:
    answer = idle.post("/v1/batches", files={"insurer": (None, b"association"), **form})
    (violation,) = answer.json()["violations"]
    assert (violation["code"], violation["pointer"]) == expected
    assert hint in violation["hint"]


def test_an_extract_as_the_body_itself_is_told_how_to_be_sent(idle: TestClient) -> None:
    answer = idle.post("/v1/batches", content=extract(3), headers={"Content-Type": "text/csv"})
    assert code(answer) == (415, "unsupported_media_type")
    assert "multipart/form-data" in answer.json()["violations"][0]["hint"]
    assert code(idle.post("/v1/batches", json={"insurer": "association"})) == (422, "missing_value")


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/documents", f"/v1/batches/{'0' * 32}/withdrawals"])
def test_a_compressed_body_is_refused_as_one(idle: TestClient, path: str) -> None:
    for media in ("application/json", "multipart/form-data; boundary=x"):
        headers = {"Content-Type": media, "Content-Encoding": "gzip"}
        answer = idle.post(path, content=gzip.compress(b"{}"), headers=headers)
        assert code(answer) == (415, "unsupported_media_type")
        assert "compressed" in answer.json()["detail"]
    plain = idle.post(path, content=b"{", headers={"Content-Type": "application/json", "Content-Encoding": "identity"})
    assert code(plain) == (400, "malformed_json")


def test_a_batch_that_is_queued_and_taken_says_so_where_it_cannot_be_deleted(idle: TestClient, tmp_path: Path) -> None:
    batch = submit(idle, extract(3)).json()["id"]
    lease = Ledger(f"sqlite:///{tmp_path}/state/ledger.sqlite").acquire(batch)
    assert lease is not None
    refused = idle.delete(f"/v1/batches/{batch}")
    assert code(refused) == (409, "batch_running")
    assert refused.json()["detail"].endswith("is queued, and its run has begun.")


def test_an_extract_without_a_date_of_issue_needs_one(idle: TestClient) -> None:
    content = extract(3, n1={"交付年月日": ""})
    refused = submit(idle, content)
    assert code(refused) == (422, "issue_date_unknown")
    assert all(name in refused.json()["violations"][0]["hint"] for name in ("issued_on", "--issued-on"))
    assert submit(idle, content, issued_on="2025-08-01").json()["job"]["issued_on"] == "2025-08-01"


def test_an_upload_that_is_too_large_is_refused_while_it_comes(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    own = settings.model_copy(update={"state_dir": tmp_path / "state", "max_upload_bytes": 2000})
    client = TestClient(create_app(own, engine), raise_server_exceptions=False)
    assert code(submit(client, extract(30))) == (413, "body_too_large")


@pytest.mark.parametrize(
    "source", ["s3://other/x.csv", "file:///etc/passwd.csv", "http://127.0.0.1/x.csv", "/etc/x.csv"]
)
def test_nothing_is_fetched_that_is_not_on_the_list(idle: TestClient, source: str) -> None:
    answer = idle.post("/v1/batches", json={"insurer": "association", "source": source})
    assert code(answer)[1] == "source_not_allowed"


def test_a_page_of_another_site_starts_nothing(idle: TestClient) -> None:
    assert code(submit(idle, extract(3), {"Origin": "https://evil.example"})) == (403, "foreign_page")
    assert submit(idle, extract(3), {"Origin": "http://testserver"}).status_code == 202


def test_batches_of_the_command_line_are_not_the_services(idle: TestClient, tmp_path: Path) -> None:
    ours = submit(idle, extract(3)).json()
    ledger = Ledger(f"sqlite:///{tmp_path}/state/ledger.sqlite")
    theirs = ledger.submit(replace(ledger.get(ours["id"]).job, number=""), "/x.csv", "/nowhere")
    ledger.close()
    assert code(idle.get(f"/v1/batches/{theirs.id}")) == (404, "unknown_batch")
    assert code(idle.delete(f"/v1/batches/{theirs.id}")) == (404, "unknown_batch")
