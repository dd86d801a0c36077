from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import __main__ as bench
from bench import picture
from bench.card import Record
from bench.peers import docgen as docgen_peer
from bench.same import TOLERATED, difference, missing_texts, page_images, unlike_pages
from bench.work import Work, make_work

CARDS = 20
KEYS = {"peer", "n", "qr", "processes", "cards_per_s", "cpu_ms_per_card", "rss_mb", "bytes"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a small run of the bench leaves: it succeeds only if all peers drew the same cards with all their texts."""
    folder = tmp_path_factory.mktemp("bench")
    sizes = ["--sizes", "10", str(CARDS)]
    assert bench.main(["--cards", str(CARDS), *sizes, "--repeat", "1", "--out", str(folder / "bench.json")]) == 0
    return folder


@pytest.fixture(scope="module")
def entries(folder: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def work() -> Work:
    return make_work(CARDS)


def drawn(records: Sequence[Record], path: Path, work: Work) -> Path:
    docgen_peer.draw(work.card, records, path)
    return path


def test_every_peer_has_its_entry(entries: list[dict[str, Any]]) -> None:
    batches = [(entry["peer"], entry["qr"], entry["n"]) for entry in entries if "latency_ms" not in entry]
    assert batches == [
        ("docgen", "precomputed", CARDS),
        ("reportlab-tuned", "precomputed", CARDS),
        ("reportlab-naive", "precomputed", CARDS),
        ("typst", "precomputed", CARDS),
        ("fpdf2", "precomputed", CARDS),
        ("limit", "precomputed", CARDS),
        ("docgen", "encoded", CARDS),
        ("limit", "encoded", CARDS),
        ("docgen", "precomputed", 10),
        ("docgen", "encoded", 10),
    ]


def test_every_entry_has_every_measure(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        assert entry.keys() >= KEYS
        assert all(entry[key] > 0 for key in KEYS - {"peer", "qr"})


def test_one_card_has_its_latency_alone_and_over_http(entries: list[dict[str, Any]]) -> None:
    single = {entry["over"]: entry for entry in entries if "latency_ms" in entry}
    assert single.keys() == {"http", "load", "process"}
    for entry in single.values():
        assert (entry["peer"], entry["n"]) == ("docgen", 1)
        assert 0 < entry["latency_ms"]["p50"] <= entry["latency_ms"]["p99"]
    assert (single["load"]["processes"], single["load"]["clients"]) == (2, 8)
    assert single["load"]["p99_to_alone"] > 1
    assert single["load"]["p99_to_alone_by_machine"] > 1


def test_the_picture_shows_every_library_at_the_size_that_they_share(entries: list[dict[str, Any]]) -> None:
    drawn = ElementTree.fromstring(picture.draw(entries))
    bars = drawn.findall("{http://www.w3.org/2000/svg}rect")
    texts = [text.text for text in drawn.findall("{http://www.w3.org/2000/svg}text")]
    assert len(bars) == 8
    for batch in entries[:8]:
        assert f"{1000 / batch['cpu_ms_per_card']:,.0f}" in texts


def test_a_symbol_is_drawn_the_same_encoded_or_precomputed(folder: Path) -> None:
    files = [folder / "bench" / f"docgen-{qr}.pdf" for qr in ("encoded", "precomputed")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_records_are_distinct_and_always_the_same(work: Work) -> None:
    assert make_work(CARDS) == work
    assert len({record.texts["name"] for record in work.records}) == CARDS
    assert len({record.payload for record in work.records}) == CARDS


@pytest.mark.parametrize(
    ("field", "text"), [("branch", "88"), ("sex", "他"), ("number", "1111111"), ("kana", "ア　イ")]
)
def test_another_text_is_another_card(field: str, text: str, work: Work, folder: Path, tmp_path: Path) -> None:
    record = work.records[0]
    path = drawn([record._replace(texts={**record.texts, field: text})], tmp_path / "other.pdf", work)
    (found,) = unlike_pages(folder / "bench" / "docgen-precomputed.pdf", path)
    assert found.startswith("page 1 of other.pdf")


def test_a_text_that_is_not_there_is_named(work: Work, tmp_path: Path) -> None:
    record = work.records[0]
    path = drawn([record._replace(texts={**record.texts, "kana": "ア　イ"})], tmp_path / "other.pdf", work)
    assert list(missing_texts(path, [record])) == ["card 1 of other.pdf does not say its kana"]
    assert list(missing_texts(path, [record, record])) == ["other.pdf has 2 pages for 2 cards"]


def test_another_module_is_another_card(work: Work, tmp_path: Path) -> None:
    record = work.records[0]
    assert record.packed is not None
    flipped = bytearray(record.packed)
    flipped[len(flipped) // 2 - 4] ^= 1 << 3
    other = record._replace(packed=bytes(flipped))
    files = [drawn([each], tmp_path / f"{at}.pdf", work) for at, each in enumerate((record, other))]
    (one,), (two,) = (page_images(file, [0]) for file in files)
    assert difference(one, one) == 0
    assert difference(one, two) > TOLERATED


def test_a_goal_that_is_missed_is_said() -> None:
    def measured(short: float, p50: float, load: float) -> list[dict[str, Any]]:
        goals = [("reportlab-tuned", "precomputed", 3.0), ("typst", "precomputed", 5.0), ("limit", "encoded", 0.6)]
        made = [{"peer": peer, "qr": qr, "docgen_is": goal - short} for peer, qr, goal in goals]
        cuts = {"process": (p50 / 3, 9), "http": (p50, 50), "load": (p50, 50)}
        single = [{"over": over, "latency_ms": {"p50": a, "p99": b}} for over, (a, b) in cuts.items()]
        return [*made, *({**entry, "p99_to_alone": load, "p99_to_alone_by_machine": 4.5} for entry in single)]

    assert list(bench.missed_goals(measured(0, 11.9, 6.0))) == []
    assert len(list(bench.missed_goals(measured(0.001, 12.0, 6.01)))) == 6


def test_docgen_is_compared_within_each_turn(monkeypatch: pytest.MonkeyPatch, work: Work, tmp_path: Path) -> None:
    """A machine that becomes slower from turn to turn changes nothing."""
    turns = {peer: count() for peer in bench.PEERS}

    def draw(peer: bench.Peer, *_: object) -> dict[str, Any]:
        cpu = 1.5 ** next(turns[peer]) * {"docgen": 1.0, "limit": 0.5}.get(peer.name, 3.0)
        return {"cpu_s": cpu, "wall_s": cpu, "rss_mb": 1, "bytes": 1}

    monkeypatch.setattr(bench, "_draw", draw)
    found = {(entry["peer"], entry["qr"]): entry["docgen_is"] for entry in bench.measure(work, tmp_path, 3)}
    assert found["docgen", "encoded"] == 1
    assert found["limit", "encoded"] == found["limit", "precomputed"] == 0.5
    assert found["typst", "precomputed"] == 3
    assert [next(turns[peer]) for peer in bench.PEERS] == [3] * 6 + [9] * 2
