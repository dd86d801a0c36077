"""What a batch is asked for: its date of issue, from the extract's beginning, and what is said of a damaged one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docgen.bulk.intake import take_in
from docgen.bulk.request import Wish, job_of, kept_list, list_bytes, read_list
from docgen.bulk.sources import FORMATS, Format, open_source
from docgen.bulk.store import Store
from docgen.engine import Engine
from docgen.errors import CODES, RequestError
from tests.bulk.parts import COLUMNS, insured
from tests.service.extracts import extract

WISH = Wish("association", "bulk")
ISSUED = date(2025, 8, 1)


def parquet(**columns: pa.Array) -> bytes:
    rows = [insured(番号="1"), insured(番号="2")]
    sink = io.BytesIO()
    pq.write_table(pa.table({name: columns.get(name, [row[name] for row in rows]) for name in COLUMNS}), sink)
    return sink.getvalue()


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def dated(engine: Engine, content: bytes, format: Format) -> date:
    """The day of issue of a batch whose asker does not say it."""
    return job_of(WISH, engine.insurers, io.BytesIO(content), format).issued_on


def refused(read: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(RequestError) as caught:
        read()
    (violation,) = caught.value.violations
    assert CODES[violation.code][0] < 500
    assert violation.hint
    return violation.code, violation.message


def ask(engine: Engine, folder: Path, content: bytes, format: Format, issued_on: date | None) -> None:
    """Take an extract in, as a batch does whose asker says the day of issue, or does not."""
    job = job_of(Wish("association", "bulk", issued_on), engine.insurers, io.BytesIO(content), format)
    path = folder / f"e.{format}"
    path.write_bytes(content)
    take_in(Store.open(folder / "store"), open_source(path, folder), job, engine.insurers["association"], folder)


HEADER = ",".join(COLUMNS)
ROW = ",".join(insured().values())
STRAY = ROW.replace(",株式会社", ',"株式会社')
BAD = parquet()


@pytest.mark.parametrize(
    ("format", "content", "expected"),
    [
        ("parquet", BAD[:-50], "malformed_input"),
        ("parquet", extract(3), "malformed_input"),
        ("parquet", parquet(番号=pa.array([1.0, 2.0])), "column_type"),
        ("csv", f"{HEADER}\n{ROW}\n{ROW}\n{STRAY}\n{ROW}\n".encode(), "unclosed_quote"),
        ("csv", f"{HEADER}\n{ROW}\n{STRAY}\n{STRAY}\n{ROW}\n".encode("cp932"), "unclosed_quote"),
        ("csv", f"{HEADER}\r\n".encode(), "empty_input"),
        ("csv", HEADER.encode(), "empty_input"),
        ("csv", f"{HEADER}\n{ROW}\n".replace(",", ";").encode(), "columns_not_mapped"),
        ("csv", f"{HEADER}\n{ROW}\n".replace(",", "\t").encode(), "columns_not_mapped"),
        ("jsonl", lines({"備考": "x", **insured()}), "columns_not_mapped"),
        ("jsonl", b"\n \n", "empty_input"),
        ("jsonl", lines(insured(), {**insured(), "番号": 12}), "column_type"),
        ("parquet", parquet(番号=pa.array([1, 2])), "column_type"),
        ("parquet", parquet(記号=pa.array([1, 2]).dictionary_encode()), "column_type"),
        ("parquet", parquet(世帯番号=pa.array([1, 2])), "column_type"),
        ("parquet", parquet(事業所番号=pa.array([1, None])), "column_type"),
    ],
)  # fmt: skip
def test_an_extract_is_refused_for_the_same_reason_whoever_says_when_it_is_issued(
    engine: Engine, tmp_path: Path, format: Format, content: bytes, expected: str
) -> None:
    for issued_on in (None, ISSUED):
        assert refused(lambda day=issued_on: ask(engine, tmp_path, content, format, day))[0] == expected


@pytest.mark.parametrize(
    ("format", "content", "expected"),
    [
        ("csv", extract(3, n1={"交付年月日": "2026/11/23"}),
         ("invalid_date", "row 1, 交付年月日: not a day of the calendar")),
        ("csv", f"{HEADER}\n{ROW},x\n".encode(),
         ("malformed_row", f"row 1: the row has {len(COLUMNS) + 1} fields, and the header has {len(COLUMNS)}")),
        ("jsonl", lines([insured()]), ("malformed_row", "row 1: the line is no JSON object of texts and numbers")),
        ("jsonl", lines(insured())[:-2] + '," 番号":1,"番号":"9"}\n'.encode().replace(b'" ', b'"'),
         ("malformed_row", "row 1: the line is no JSON object of texts and numbers")),
        ("jsonl", lines({**insured(), "番号": {"a": 1}}),
         ("malformed_row", "row 1: the line is no JSON object of texts and numbers")),
        ("csv", extract(3, n1={"交付年月日": ""}),
         ("issue_date_unknown", "the first row of the extract does not say when it is issued")),
    ],
)  # fmt: skip
def test_what_keeps_the_first_row_from_saying_the_day_is_told(
    engine: Engine, format: Format, content: bytes, expected: tuple[str, str]
) -> None:
    assert refused(lambda: dated(engine, content, format)) == expected


def test_whole_numbers_are_read_where_nobody_is_named_by_them(engine: Engine, tmp_path: Path) -> None:
    days = parquet(生年月日=pa.array([19800401, 19800401]), 性別=pa.array([1, 2]))
    ask(engine, tmp_path, days, "parquet", None)


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        (pa.array([datetime(1980, 4, 1)] * 2), "write days without a time, or as texts"),
        (pa.array([19800401.0] * 2), "write them as texts: a number may have lost its leading zeros"),
    ],
)
def test_times_are_refused_as_times_and_fractions_as_numbers(
    engine: Engine, tmp_path: Path, column: pa.Array, hint: str
) -> None:
    with pytest.raises(RequestError) as caught:
        ask(engine, tmp_path, parquet(生年月日=column), "parquet", None)
    (violation,) = caught.value.violations
    assert (violation.code, violation.hint) == ("column_type", hint)


def test_a_file_without_a_header_is_refused_without_a_word_of_its_first_row(engine: Engine, tmp_path: Path) -> None:
    row = ",".join(f"見本{at}" for at in range(len(COLUMNS)))
    code, message = refused(lambda: dated(engine, f"{row}\n{row}\n".encode(), "csv"))
    assert (code, message) == ("columns_not_mapped", "the file has none of the columns that the profile names")


@pytest.mark.parametrize("size", [1, 3000])
def test_the_first_row_says_the_day_in_each_format(engine: Engine, size: int) -> None:
    rows = [insured(番号=str(at), 方書='"窓"\n見本' * 40) for at in range(size)]
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, quoting=csv.QUOTE_ALL)
    table.writeheader()
    table.writerows(rows)
    content = text.getvalue().encode()
    assert dated(engine, content, "csv") == ISSUED  # where there are many, cut in the midst of a quoted field
    assert dated(engine, lines(*rows), "jsonl") == ISSUED
    assert dated(engine, BAD, "parquet") == ISSUED


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(set(FORMATS.values()))), st.data())
def test_no_damage_to_an_extract_is_an_internal_error(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, format: Format, data: st.DataObject
) -> None:
    whole = {"csv": extract(3), "jsonl": lines(insured(番号="1"), insured(番号="2")), "parquet": BAD}[format]
    damaged = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        damaged[at] = data.draw(st.sampled_from([*b'",\n\r;{}\x00\x1a\xff', damaged[at] ^ 0x40]))
    content = bytes(damaged[: data.draw(st.integers(0, len(whole)))])
    codes: list[str] = []
    for issued_on in (None, ISSUED):
        try:
            ask(engine, tmp_path_factory.mktemp("damaged"), content, format, issued_on)
        except RequestError as error:
            codes += [violation.code for violation in error.violations]
    assert all(CODES[code][0] < 500 for code in codes)


@pytest.mark.parametrize(
    ("delivery", "day", "expected"),
    [
        ("bulk", "2027-04-01", "expired_at_issue"),
        ("regular", "2027-04-01", "expired_at_issue"),
        ("bulk", "2025-03-31", "dates_out_of_order"),
    ],
)
def test_a_batch_is_refused_that_encloses_reply_envelopes_whose_mark_does_not_hold(
    engine: Engine, delivery: str, day: str, expected: str
) -> None:
    wish = Wish("association", delivery, date.fromisoformat(day))
    code, message = refused(lambda: job_of(wish, engine.insurers, io.BytesIO(), "csv"))
    assert code == expected
    assert f"delivery {delivery} encloses reply-envelope" in message


def test_the_day_of_the_extract_decides_whether_reply_envelopes_can_be_enclosed(engine: Engine) -> None:
    late = "\n".join([HEADER, ",".join(insured(交付年月日="20270601").values()), ""]).encode()
    assert refused(lambda: dated(engine, late, "csv"))[0] == "expired_at_issue"


@pytest.mark.parametrize(("delivery", "day"), [("bulk", "2027-03-31"), ("lists", "2027-04-01")])
def test_a_batch_is_taken_whose_reply_envelopes_hold_or_that_encloses_none(
    engine: Engine, delivery: str, day: str
) -> None:
    wish = Wish("association", delivery, date.fromisoformat(day))
    assert job_of(wish, engine.insurers, io.BytesIO(), "csv").issued_on == date.fromisoformat(day)


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=1)))
def test_lists_are_kept_to_the_letter(keys: set[str]) -> None:
    assert kept_list(list_bytes(keys)) == keys


@pytest.mark.parametrize("key", ["", "1-00\n2-00", "1-00\n"])
def test_an_entry_that_is_no_single_key_is_refused(key: str) -> None:
    assert refused(lambda: list_bytes(["3-00", key]))[0] == "list_form"


def test_the_lines_of_a_list_lose_nothing_but_their_ends() -> None:
    text = "\ufeff 1-00\r\n2-00 \n\n3\u2028-00\r \n'+4-00\n2-00 "
    assert read_list(text.encode()) == sorted({" 1-00", "2-00 ", "3\u2028-00", "+4-00"})
