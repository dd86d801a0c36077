"""Extracts as they come: encodings, malformed rows, wrong types, and nothing that is replaced or lost."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.bulk import sources
from docgen.bulk.sources import Source, open_source
from docgen.bulk.store import Store
from docgen.errors import RequestError

Open = Callable[..., Source]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def write(content: bytes, name: str = "extract.csv") -> Source:
        (tmp_path / name).write_bytes(content)
        return open_source(tmp_path / name, tmp_path)

    return write


def rows(source: Source) -> list[dict[str, Any]]:
    return [row for batch in source.batches() for row in batch.to_pylist()]


def refused(read: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(RequestError) as caught:
        read()
    (violation,) = caught.value.violations
    assert violation.hint
    return violation.code, violation.message


# --- encodings ---

EXTENSIONS = "髙﨑①㈱彅纊Ⅲ髙～－"  # NEC's and IBM's, and signs whose code points other tables give otherwise


@pytest.mark.parametrize(
    ("before", "encoding"), [(b"", "utf-8"), (b"\xef\xbb\xbf", "utf-8"), (b"", "cp932")], ids=["utf-8", "mark", "cp932"]
)
def test_csv_is_read_in_each_encoding(opened: Open, before: bytes, encoding: str) -> None:
    source = opened(before + f"氏,名\r\n{EXTENSIONS},ソ表\r\n".encode(encoding))
    assert source.columns == ("氏", "名")
    assert rows(source) == [{"氏": EXTENSIONS, "名": "ソ表", "_row": 1, "_fault": None}]


@given(
    st.text(
        st.characters(
            codec="cp932", exclude_characters='",\r\n\x80\xa0\uf8f0\uf8f1\uf8f2\uf8f3¢£¬‖−〜', exclude_categories=["Cc"]
        )
    )
)
def test_any_text_of_cp932_comes_through(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("extract")
    path = folder / "e.csv"
    path.write_bytes(f"氏名,x\n{text},1\n".encode("cp932"))
    assert [row["氏名"] for row in rows(open_source(path, folder))] == [text]


def test_a_character_on_the_seam_of_two_blocks_comes_through(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_BLOCK", 64)
    lines = [f"{'a' * at}髙,{at}" for at in range(40)]
    for encoding in ("utf-8", "cp932"):
        found = rows(opened("氏,名\n".encode(encoding) + "\n".join(lines).encode(encoding)))
        assert [row["氏"] for row in found] == [line.split(",")[0] for line in lines]


def test_damaged_utf_8_is_refused_with_its_byte_and_never_read_as_cp932(opened: Open) -> None:
    content = "氏,名\n見本,太郎\n見本,花子\n".encode()
    damaged = content[:-5] + content[-4:]  # half a character
    code, message = refused(lambda: opened(damaged))
    assert code == "undecodable_input"
    assert f"byte {len(content) - 7} (from 0), line 3" in message


@pytest.mark.parametrize("byte", [b"\x80", b"\xa0", b"\xfd", b"\xfe", b"\xff", b"\x81\x20"])
def test_a_byte_that_cp932_has_not_is_refused_with_its_place(opened: Open, byte: bytes) -> None:
    content = "氏,名\n見本,".encode("cp932")
    code, message = refused(lambda: opened(content + byte + b"\n"))
    assert code == "undecodable_input"
    assert f"not CP932 at byte {len(content)}, line 2" in message


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("iso2022_jp", "ISO-2022-JP (JIS)"),
        ("iso2022_jp_ext", "ISO-2022-JP (JIS)"),
    ],
)
@pytest.mark.parametrize(
    ("file", "text"), [("extract.csv", "氏,名\n見本,太郎\n"), ("extract.jsonl", '{"氏": "見本", "名": "太郎"}\n')]
)
def test_another_encoding_is_refused_by_its_name(opened: Open, encoding: str, name: str, file: str, text: str) -> None:
    code, message = refused(lambda: opened(text.encode(encoding), file))
    assert (code, message) == ("undecodable_input", f"the file is in {name}")


def test_escapes_beside_other_bytes_are_no_encoding(opened: Open) -> None:
    assert opened("氏,名\n見本,\x1b$B\n".encode()).columns == ("氏", "名")


# --- CSV ---


def test_rows_of_the_wrong_length_are_kept_with_their_numbers(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_BLOCK", 32)
    lines = ["k,v"]
    for number in range(1, 60):
        lines.append({0: f"{number}", 1: f"{number},b,c"}.get(number % 7, f"{number},b"))
    found = rows(opened("\n".join(lines).encode()))
    assert sorted(row["_row"] for row in found) == list(range(1, 60))
    for row in found:
        assert row["k"] == str(row["_row"])
        assert row["_fault"] == {0: "malformed_row 1 2", 1: "malformed_row 3 2"}.get(row["_row"] % 7)


def test_quoted_commas_quotes_line_breaks_and_nul_come_through(opened: Open) -> None:
    found = rows(opened(b'a,b,c\n"1,2","say ""x""","two\nlines"\nx\x00y,,""\n'))
    assert [(row["a"], row["b"], row["c"]) for row in found] == [
        ("1,2", 'say "x"', "two\nlines"),
        ("x\x00y", "", ""),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b'a,b\n1,"2\n3,4\n5,6\n',  # to the end of the file
        b'a,b\n1,"2\n3,"4\n5,6\n',  # to the next quotation mark, in a row that seems whole
        b'a,b,c\n1,"2,x\n3,"4,y\n5,6,z\n',  # and in one that does not
    ],
)
def test_a_quotation_mark_that_swallows_people_is_refused(opened: Open, content: bytes) -> None:
    code, message = refused(lambda: rows(opened(content)))
    assert (code, message.partition(":")[0]) == ("unclosed_quote", "row 1")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_field_that_goes_on_behind_its_quotation_mark_is_told_and_no_other(
    opened: Open, monkeypatch: pytest.MonkeyPatch, encoding: str, end: str
) -> None:
    monkeypatch.setattr(sources, "_BLOCK", 64)
    lines = [
        '"氏","名"',
        '"客"子,太郎',
        '"客""子","太,郎"',
        "",
        '客"子,"太郎"',
        '客,"BB1"x"y"',
        f'"客{end}子","{end}"',
        '"客" ,太郎',
        '"","x"',
        '"客"子,太郎,x',
        '客,"太郎',
    ]
    found = {row["_row"]: row for row in rows(opened(end.join(lines).encode(encoding)))}
    assert [found[row]["氏"] for row in (2, 3, 5)] == ['客"子', '客"子', f"客{end}子"]
    assert {row: cells["_fault"] for row, cells in found.items()} == {
        **dict.fromkeys((2, 3, 5, 7)),
        **dict.fromkeys((1, 4, 6, 9), "malformed_row quotes"),
        8: "malformed_row 3 2",
    }


def unsound(text: str) -> bool:
    """Whether the standard library finds a row of which it would not know what is meant."""
    try:
        list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return True
    return False


@given(st.lists(st.text('ソ",,\r\n x', max_size=12), max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
def test_rows_are_told_that_the_standard_library_would_not_read(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str
) -> None:
    text = end.join(["a,b", *lines, ""])
    folder = tmp_path_factory.mktemp("quotes")
    (folder / "e.csv").write_bytes(text.encode("cp932"))
    kept = [row for row in csv.reader(io.StringIO(text, newline="")) if row][1:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "_BLOCK", 64)
        try:
            found = {row["_row"]: row for row in rows(open_source(folder / "e.csv", folder))}
        except RequestError as error:
            code = error.violations[0].code
        else:
            code = None
    if code is not None:
        nobody = all(cells == ["", ""] for cells in kept)
        assert code in [
            "row_too_long",
            *(["unclosed_quote"] if '"' in text else []),
            *(["empty_input"] if nobody else []),
        ]
        return
    blank = {number for number, cells in enumerate(kept, start=1) if cells == ["", ""]}
    assert found.keys() - blank == set(range(1, len(kept) + 1)) - blank
    assert unsound(text) <= any(row["_fault"] for row in found.values())
    for number, row in found.items():
        cells = kept[number - 1]
        if row["_fault"] is None:
            assert [row["a"], row["b"]] == cells != ["", ""]
        elif row["_fault"] == "malformed_row quotes":
            assert unsound(text)
        else:
            assert len(cells) != 2


def test_a_header_with_such_a_field_is_refused(opened: Open) -> None:
    assert refused(lambda: opened(b'"a"x,b\n1,2\n')) == (
        "malformed_input",
        "the header: text stands behind a quotation mark that closes a field, or one is not closed",
    )
    code, message = refused(lambda: opened(b'a,"b\n1,2\n'))
    assert (code, message.partition(":")[0]) == ("unclosed_quote", "the header")


def test_an_unclosed_quotation_mark_is_told_with_its_row_however_far_behind(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_BLOCK", 64)
    lines = ["a,b", *(f'{at},"x\ny"' for at in range(1, 200)), '200,"x', "201,y"]
    code, message = refused(lambda: opened("\n".join(lines).encode()))
    assert (code, message.partition(":")[0]) == ("unclosed_quote", "row 200")


def test_a_line_of_a_hundred_megabytes_is_refused(tmp_path: Path) -> None:
    for name, head in (("e.csv", b"a,b\n1,"), ("e.jsonl", b'{"a": "')):
        path = tmp_path / name
        with path.open("wb") as file:
            file.write(head)
            for _ in range(100):
                file.write(b"x" * 1_000_000)
        assert refused(lambda path=path: rows(open_source(path, tmp_path)))[0] == "row_too_long"


@pytest.mark.parametrize("name", ["extract.csv", "extract.jsonl", "extract.parquet"])
def test_an_empty_file_is_refused(opened: Open, name: str) -> None:
    assert refused(lambda: opened(b"", name))[0] == "empty_input"


def test_a_header_without_rows_is_refused(opened: Open) -> None:
    source = opened(b"a,b\n")
    assert refused(lambda: rows(source))[0] == "empty_input"


def test_headers_that_stand_twice_are_refused(opened: Open) -> None:
    assert refused(lambda: opened("氏,名,氏\n1,2,3\n".encode())) == ("duplicate_header", "headers that stand twice: 氏")
    assert refused(lambda: opened(b"a,_key\n1,2\n"))[0] == "duplicate_header"


def test_blank_lines_are_no_rows(opened: Open) -> None:
    found = rows(opened(b"a,b\n\n1,2\n\n\n3\n4,5\n\n"))
    assert sorted((row["_row"], row["a"]) for row in found) == [(1, "1"), (2, "3"), (3, "4")]


@pytest.mark.parametrize("left", [",,", '"","",""', "\x1a", ""])
def test_lines_that_hold_nobody_are_left_out_wherever_they_stand(
    opened: Open, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    monkeypatch.setattr(sources, "_BLOCK", 32)
    lines = ["a,b,c", left, "1,2,3", *["4,5,6"] * 9, left, "7,8", ",,9", left, left]
    for end in ("\n", "\r\n"):
        found = [(row["a"], row["c"], row["_row"]) for row in rows(opened((end.join(lines) + end).encode()))]
        passed = 0 if left == "" else 1
        assert found[0] == ("1", "3", 1 + passed)
        assert sorted(found[1:], key=lambda row: row[2])[-2:] == [
            ("7", "", 11 + 2 * passed),
            ("", "9", 12 + 2 * passed),
        ]
        assert refused(lambda end=end: rows(opened(f"a,b,c{end}{left}{end}".encode())))[0] == "empty_input"


def test_a_row_that_was_swallowed_is_told_whatever_ends_a_line(opened: Open) -> None:
    for end in ("\n", "\r\n", "\r"):
        lines = ["a,b,c", '1,"2,3', '4,5",6', "7,8,9"]
        code, message = refused(lambda end=end, lines=lines: rows(opened(end.join(lines).encode())))
        assert (code, message.partition(":")[0]) == ("unclosed_quote", "row 1")


# --- JSON Lines ---


def test_json_lines_are_read_with_their_line_numbers(opened: Open) -> None:
    lines = [
        '{"氏": "見本", "番号": 12, "x": null, "y": true}',
        "",
        '{"氏": "例示"}',
        '{"氏": ',
        '["氏"]',
        '{"氏": {"a": 1}}',
        '{"氏": 1.5}',
        '{"氏": "a", "氏": "b"}',
        '{"氏": "\\ud800"}',
    ]
    source = opened("\n".join(lines).encode(), "extract.jsonl")
    assert source.columns == ("氏", "番号", "x", "y")
    found = {row["_row"]: row for row in rows(source)}
    assert found[1] == {"氏": "見本", "番号": "12", "x": None, "y": "true", "_row": 1, "_fault": None}
    assert found[3]["番号"] is None
    assert {row for row, cells in found.items() if cells["_fault"]} == {4, 5, 6, 7, 8, 9}


def test_json_lines_in_cp932_are_refused_with_the_byte(opened: Open) -> None:
    code, message = refused(lambda: opened('{"a": "1"}\n{"a": "髙"}\n'.encode("cp932"), "extract.jsonl"))
    assert (code, "byte 18 (from 0), line 2" in message) == ("undecodable_input", True)


# --- Parquet ---


def parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_gives_texts_for_texts_whole_numbers_days_and_truths(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "e.parquet",
        text=pa.array(["00", None]),
        large=pa.array(["a", "b"], pa.large_string()),
        code=pa.array(["x", "x"]).dictionary_encode(),
        number=pa.array([7, None]),
        day=pa.array([datetime.date(2025, 8, 1), None]),
        truth=pa.array([True, None]),
        none=pa.nulls(2),
    )
    assert rows(open_source(path, tmp_path)) == [
        dict(
            text="00", large="a", code="x", number="7", day="2025-08-01", truth="true", none=None, _row=1, _fault=None
        ),
        dict(text=None, large="b", code="x", number=None, day=None, truth=None, none=None, _row=2, _fault=None),
    ]


@pytest.mark.parametrize(
    "column",
    [pa.array([1.0]), pa.array([b"x"]), pa.array([["x"]]), pa.array([datetime.datetime(2025, 8, 1)])],
    ids=["float", "bytes", "list", "time"],
)
def test_a_column_that_may_have_lost_something_is_refused(tmp_path: Path, column: pa.Array) -> None:
    path = parquet(tmp_path / "e.parquet", 番号=column)
    code, message = refused(lambda: open_source(path, tmp_path))
    assert (code, "番号" in message) == ("column_type", True)


def test_parquet_texts_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\x8c\xa9")])
    path = parquet(tmp_path / "e.parquet", a=bad)
    source = open_source(path, tmp_path)
    assert refused(lambda: rows(source))[0] == "undecodable_input"


def test_parquet_of_longer_rows_than_any_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = parquet(tmp_path / "e.parquet", a=pa.array(["x" * 3_000_000, "y"]), b=pa.array(["1", "2"]))
    assert path.stat().st_size < 300_000
    message = f"a row is longer than {sources._BLOCK} bytes"
    assert refused(lambda: open_source(path, tmp_path)) == ("row_too_long", message)
    with path.open("rb") as file:
        assert refused(lambda: sources.open_head(file, "parquet", tmp_path))[0] == "row_too_long"
    short = parquet(tmp_path / "short.parquet", a=pa.array(["x" * 900_000, "y"]))
    assert len(rows(open_source(short, tmp_path))) == 2


def test_a_damaged_parquet_file_is_refused(opened: Open) -> None:
    assert refused(lambda: opened(b"PAR1 nothing PAR1", "extract.parquet"))[0] == "malformed_input"


# --- where extracts come from ---


@pytest.mark.parametrize(
    "location",
    [
        "http://bucket/in/e.csv",
        "https://bucket/in/e.csv",
        "file:///etc/passwd",
        "s3://other/in/e.csv",
        "s3://bucket/e.csv",
        "s3://bucket/inner/e.csv",
        "s3://bucket/in/../e.csv",
        "s3://bucket/in/%2e%2e/e.csv",
        "s3://bucket/in//e.csv",
        "s3://bucket/in/e.csv?x=.csv",
        "s3:///in/e.csv",
        "S3://bucket/in/e.csv",
    ],
)
def test_nothing_is_fetched_from_outside_the_list(
    tmp_path: Path, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "open", lambda *_: pytest.fail("fetched"))
    code, message = refused(lambda: open_source(location, tmp_path, format="csv", allowed=["s3://bucket/in"]))
    assert code == "source_not_allowed"
    assert location not in message


def test_nothing_is_fetched_without_a_list(tmp_path: Path) -> None:
    assert refused(lambda: open_source("s3://bucket/e.csv", tmp_path))[0] == "source_not_allowed"


def test_an_allowed_object_is_read_from_the_store(s3: str, tmp_path: Path) -> None:
    Store.open(f"{s3}/in").put("a/e.csv", "氏,名\n見本,太郎\n".encode())
    source = open_source(f"{s3}/in/a/e.csv", tmp_path, allowed=[f"{s3}/in/"])
    assert [row["氏"] for row in rows(source)] == ["見本"]
    assert refused(lambda: open_source(f"{s3}/in/none.csv", tmp_path, allowed=[f"{s3}/in/"]))[0] == "source_missing"


def test_the_format_is_told_by_the_name_or_given(tmp_path: Path) -> None:
    path = tmp_path / "extract.dat"
    path.write_text(json.dumps({"a": "1"}))
    assert refused(lambda: open_source(path, tmp_path))[0] == "unknown_format"
    assert open_source(path, tmp_path, format="jsonl").columns == ("a",)
    assert refused(lambda: open_source(tmp_path / "none.csv", tmp_path))[0] == "source_missing"
