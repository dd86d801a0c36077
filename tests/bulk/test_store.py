from __future__ import annotations

import errno
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from docgen.bulk import store as store_module
from docgen.bulk.store import CHUNK, Store
from docgen.errors import BatchError
from tests.bulk.servers import BUCKET, s3_server

LONG = bytes(range(256)) * (CHUNK // 256) + b"and a bit more than one part of an upload"


@pytest.fixture
def store(location: str) -> Store:
    return Store.open(location)


def test_what_was_put_is_read_back(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(LONG)
    store.put("work/a", b"a")
    store.put("work/long", source)
    store.put_stream("work/stream", (LONG[start : start + 999_983] for start in range(0, len(LONG), 999_983)))
    assert store.read("work/a") == b"a"
    assert store.read("work/long") == LONG == store.read("work/stream") == b"".join(store.chunks("work/long"))
    assert (store.size("work/a"), store.size("work/long")) == (1, len(LONG))


def test_another_opening_of_the_location_finds_the_same(store: Store) -> None:
    store.put("vendor/manifest.json", b"{}")
    assert Store.open(store.location).read("vendor/manifest.json") == b"{}"


def test_a_second_write_replaces_the_first(store: Store) -> None:
    store.put("a", b"longer than the second")
    store.put("a", b"second")
    assert store.read("a") == b"second"


def test_an_empty_object_is_there(store: Store) -> None:
    store.put_stream("empty", [])
    assert store.exists("empty")
    assert store.read("empty") == b"" == b"".join(store.chunks("empty"))


def test_what_is_not_there_is_not_found(store: Store, tmp_path: Path) -> None:
    assert not store.exists("nothing")
    for ask in (store.read, store.size, store.reader, lambda name: list(store.chunks(name))):
        with pytest.raises(FileNotFoundError):
            ask("nothing")
    with pytest.raises(FileNotFoundError):
        store.fetch("nothing", tmp_path / "target")
    assert not (tmp_path / "target").exists()
    store.delete("nothing")


def test_a_reader_seeks(store: Store) -> None:
    store.put("long", LONG)
    with store.reader("long") as file:
        assert file.read(3) == LONG[:3]
        file.seek(-5, os.SEEK_END)
        assert file.read() == b" part of an upload"[-5:]
        file.seek(CHUNK - 7)
        assert file.read(20) == LONG[CHUNK - 7 : CHUNK + 13]
        assert file.tell() == CHUNK + 13


def test_fetch_copies_an_object_into_a_file(store: Store, tmp_path: Path) -> None:
    store.put("long", LONG)
    store.fetch("long", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == LONG


def test_names_are_sorted_and_a_folder_is_no_mere_prefix(store: Store) -> None:
    for name in ("work/shards/0002/b", "work/shards/0001/a", "work/shards-old/x", "vendor/z", "work/shards/0001.csv"):
        store.put(name, b"")
    assert list(store.names("work/shards")) == ["work/shards/0001.csv", "work/shards/0001/a", "work/shards/0002/b"]
    assert list(store.names()) == sorted(store.names())
    assert len(list(store.names())) == 5
    assert list(store.names("none")) == []


def test_folders_are_told_with_the_time_of_what_was_written_last(store: Store, location: str) -> None:
    before = time.time() - 2  # servers tell whole seconds
    assert (store.folders(), store.written_at()) == ([], None)
    for name in ("b/x/y", "b/z", "a/x", "top"):
        store.put(name, b"x")
    assert store.folders() == ["a", "b"]
    written_at = Store.open(f"{location}/b").written_at()
    assert written_at is not None
    assert before < written_at < time.time() + 2
    assert Store.open(f"{location}/none").written_at() is None


def test_delete_removes_a_folder_one_object_or_all(store: Store) -> None:
    for name in ("work/shards/0001/a", "work/shards/0001/b", "work/shards-old/x", "vendor/z", "vendor/y"):
        store.put(name, b"")
    store.delete("work/shards")
    store.delete("vendor/y")
    assert list(store.names()) == ["vendor/z", "work/shards-old/x"]
    store.delete()
    assert list(store.names()) == []


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a//b", "a\\b", ".incoming/x", "./a"])
def test_a_name_that_leads_out_of_the_store_is_refused(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="no name of an object"):
        store.put(name, b"")


def test_a_write_that_breaks_off_leaves_what_was_there(store: Store) -> None:
    def broken() -> object:
        yield b"new"
        raise RuntimeError("broke off")

    store.put("a", b"old")
    with pytest.raises(RuntimeError):
        store.put_stream("a", broken())
    assert store.read("a") == b"old"
    assert list(store.names()) == ["a"]


def test_a_reader_of_a_folder_never_sees_half_a_file(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    contents = [bytes([k]) * 300_000 for k in (1, 2)]
    store.put("a", contents[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for content in contents:
                store.put("a", content)

    writer = threading.Thread(target=write)
    writer.start()
    seen = {store.read("a") for _ in range(300)}
    stop.set()
    writer.join()
    assert seen <= set(contents)


def test_a_store_that_stays_away_is_reported_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setitem(store_module._RETRY, "max_retries", 0)
    monkeypatch.setattr(store_module, "backoff", lambda attempt: 0)
    monkeypatch.setattr(store_module, "ATTEMPTS", 2)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(BatchError) as caught:
        Store.open("s3://bucket/prefix").read("a")
    assert [v.code for v in caught.value.violations] == ["store_unavailable"]
    assert str(port) not in str(caught.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO])
def test_a_folder_that_cannot_be_written_is_told_with_what_the_system_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = Store.open(tmp_path)
    store.put("vendor/a", b"as it was")

    def refuse(handle: int) -> None:
        raise OSError(number, "refused", "/a/name")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(BatchError) as caught:
        store.put("vendor/a", b"new")
    (violation,) = caught.value.violations
    assert violation.code == "store_unavailable"
    assert violation.message == f"The folder {tmp_path} cannot be written: {os.strerror(number)}."
    assert list(store.names()) == ["vendor/a"]
    assert store.read("vendor/a") == b"as it was"


def test_a_fault_of_the_program_is_none_of_the_store(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.put("vendor/a", b"")
    with pytest.raises(FileExistsError):
        store.put("vendor/a/b", b"")


def test_a_store_that_fails_one_request_in_four_loses_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with s3_server(failing=0.25, seed=1) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        store = Store.open(f"s3://{BUCKET}/failing")
        for number in range(20):
            store.put(f"small/{number:02d}", bytes([number]))
        for number in range(4):
            store.put_stream(f"long/{number}", [LONG, bytes([number])])
        assert [store.read(name) for name in store.names("small")] == [bytes([number]) for number in range(20)]
        assert [b"".join(store.chunks(name))[len(LONG) :] for name in store.names("long")] == [
            bytes([number]) for number in range(4)
        ]
        store.delete("small")
        assert list(store.names()) == [f"long/{number}" for number in range(4)]
