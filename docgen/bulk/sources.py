"""Extracts: CSV, JSON Lines and Parquet, from a file or an S3-compatible store, as batches of texts in bounded memory.

An extract is read for its hash and its encoding before it is read row by row. So what cannot be decoded is refused with
its place before anything is made of it, and nothing is ever replaced.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from docgen import strict_json
from docgen.bulk.store import Store
from docgen.errors import RequestError, Violation
from docgen.issuance.extract import BulkSettings, Target

Format = Literal["csv", "jsonl", "parquet"]

# What a batch holds beside the extract's columns, and what parts hold besides (docgen.bulk.intake).
RESERVED = ("_row", "_fault", "_key", "_household", "_person", "_withdrawn", "_identity")

FORMATS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_DIGITS: tuple[Target, ...] = ("household", "symbol", "number", "branch", "employer.symbol")  # zeros before them count
_AS_TEXTS = "write them as texts: a number may have lost its leading zeros"
_BLOCK = 1024 * 1024  # bytes; no row is longer
_BATCH = 2048  # rows
_PAGES = 64 * 1024  # bytes of a column of Parquet that are read ahead; without, a whole row group's
_END_OF_FILE = "\x1a"  # where a system writes one: Ctrl-Z
_MOST_MALFORMED = 100_000  # rows; with more, the file is something else


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of an extract, and its headers.

    `batches()` gives, as often as asked, every row once: the columns as texts, `_row` (int64, from 1: data rows of CSV
    and Parquet, lines of JSON Lines) and `_fault` (null, or `malformed_row`, of CSV with its fields and the header's:
    `malformed_row 12 29`, or `malformed_row quotes`; such a row's texts are a guess). Rows of JSON Lines leave out what
    is absent, so that a column may be in none: `sparse`. `numbers` are the columns that hold numbers, not digits.
    """

    columns: tuple[str, ...]
    sparse: bool
    numbers: frozenset[str]
    batches: Callable[[], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True)
class Source(Rows):
    """A whole extract, and the hash of its bytes as they were before anything else was read of them."""

    sha256: str
    bytes: int
    path: Path

    def require_unchanged(self) -> None:
        """Raises RequestError `input_changed`: rows read before and after would be joined to one another."""
        if sha256_of(self.path) != self.sha256:
            hint = "begin again when whatever writes it is done"
            raise _refusal("input_changed", "the extract was changed while it was read", hint)


def open_source(
    location: str | Path, work: Path, *, format: Format | None = None, allowed: Sequence[str] = ()
) -> Source:
    """Open an extract: a local file, or `s3://BUCKET/NAME` below one of `allowed`, copied into the folder `work` first.

    The format is that of the name's ending, unless it is given. Raises RequestError `source_not_allowed`,
    `source_missing`, `unknown_format`, `undecodable_input` (with the byte), `malformed_input`, `duplicate_header`,
    `column_type`, `empty_input`, `row_too_long`, `unclosed_quote`; the last three while the batches are read, too.
    """
    known = format or FORMATS.get(Path(str(location)).suffix.lower())
    if known is None:
        raise _refusal("unknown_format", "the extract's format is not known", "name it .csv, .jsonl or .parquet")
    path = _local(location, work, allowed)
    with path.open("rb") as file:
        _refuse_empty(file)
    digest, size = sha256_of(path), path.stat().st_size
    rows = _OPEN[known](path)
    return Source(rows.columns, rows.sparse, rows.numbers, rows.batches, digest, size, path)


def open_head(stream: BinaryIO, format: Format, work: Path) -> Rows:
    """Open the beginning of an extract: all rows of Parquet, those of the first MB of others, of which the last is cut.

    Raises RequestError as `open_source` does.
    """
    _refuse_empty(stream)
    if format == "parquet":
        return _open_parquet(stream)
    head = stream.read(_BLOCK)
    is_cut = len(head) == _BLOCK
    path = work / "head"
    # Up to a line's end, so that no character is cut; a file of one unending line is refused for that later.
    path.write_bytes(head[: head.rfind(b"\n") + 1] if is_cut else head)
    return _open_csv(path, is_cut=is_cut) if format == "csv" else _open_jsonl(path)


def _refuse_empty(file: BinaryIO) -> None:
    if not file.read(1):
        raise _refusal("empty_input", "the extract is an empty file", "send at least a header and a row")
    file.seek(0)


def check_columns(rows: Rows, settings: BulkSettings) -> None:
    """Every column is read or ignored, and every one that is read is there, else the whole extract is refused.

    So it is where somebody's number has come as a number: 0012 would be printed as 12.

    Raises RequestError `columns_not_mapped`, `column_type`.
    """
    known = {*settings.columns, *settings.ignored}
    if rows.columns and known.isdisjoint(rows.columns):  # they may be somebody's row
        message = "the file has none of the columns that the profile names"
        hint = "begin it with the headers in bulk.columns and bulk.ignored, in CSV with commas between them"
        raise _refusal("columns_not_mapped", message, hint)
    problems = []
    unknown = [header or "(empty)" for header in rows.columns if header not in known]
    if unknown:
        problems.append(f"neither read nor ignored: {', '.join(unknown)}")
    missing = [header for header in needed_columns(settings) if header not in rows.columns]
    if missing and not rows.sparse:
        problems.append(f"not there: {', '.join(missing)}")
    if problems:
        hint = "the profile names them in bulk.columns and bulk.ignored"
        raise _refusal("columns_not_mapped", f"columns {'; '.join(problems)}", hint)
    numbers = [header for header in rows.columns if header in rows.numbers and _is_read_as(header, settings)]
    if numbers:
        raise _refusal("column_type", f"columns that hold numbers: {', '.join(numbers)}", _AS_TEXTS)


def _is_read_as(header: str, settings: BulkSettings) -> bool:
    return header in settings.columns and settings.columns[header].to in _DIGITS


def needed_columns(settings: BulkSettings) -> tuple[str, ...]:
    """The headers that are read, and those that the key is made of besides."""
    return tuple(dict.fromkeys((*settings.columns, *settings.key_headers())))


def _refusal(code: str, message: str, hint: str) -> RequestError:
    return RequestError(Violation(code, message, hint))


# --- where it is ---


def _local(location: str | Path, work: Path, allowed: Sequence[str]) -> Path:
    """The extract as a local file."""
    if isinstance(location, str) and "://" in location:
        bucket, name = allowed_object(location, allowed)
        path = work / "extract"
        try:
            Store.open(f"s3://{bucket}").fetch(name, path)
        except FileNotFoundError:
            raise _no_object() from None
        return path
    return _existing(location)


def _no_object() -> RequestError:
    return _refusal("source_missing", "there is no such object", "check bucket and name")


def _existing(location: str | Path) -> Path:
    path = Path(location)
    if not path.is_file():
        raise _refusal("source_missing", "there is no such file", "check the path")
    return path


def allowed_object(location: str, allowed: Sequence[str]) -> tuple[str, str]:
    """Bucket and name. Nothing but plain names below an allowed prefix: no other scheme, no way up."""
    bucket, _, name = location.removeprefix("s3://").partition("/")
    plain = location.startswith("s3://") and not re.search(r"[?#%\\\x00-\x20]", location)
    plain = plain and bucket != "" and not {"", ".", ".."} & set(name.split("/"))
    if not plain or not any(location.startswith(prefix.rstrip("/") + "/") for prefix in allowed):
        raise _refusal(
            "source_not_allowed", "extracts are not read from there", "ask for s3:// addresses to be allowed"
        )
    return bucket, name


# --- its bytes ---


class _Undecodable(Exception):
    """Bytes that are no text: at which byte (from 0) and line (from 1), and whether kana or kanji came before."""

    def __init__(self, byte: int, line: int, japanese_before: bool) -> None:
        super().__init__()
        self.byte, self.line, self.japanese_before = byte, line, japanese_before


# What Python's table gives to bytes that CP932 leaves free.
_UNASSIGNED = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


def sha256_of(location: str | Path, allowed: Sequence[str] = ()) -> str:
    """Of an extract's bytes, as a manifest names it, wherever it is: in bounded memory, nothing is copied.

    Raises RequestError `source_not_allowed`, `source_missing`.
    """
    if isinstance(location, str) and "://" in location:
        bucket, name = allowed_object(location, allowed)
        digest = hashlib.sha256()
        try:
            for chunk in Store.open(f"s3://{bucket}").chunks(name):
                digest.update(chunk)
        except FileNotFoundError:
            raise _no_object() from None
        return digest.hexdigest()
    with _existing(location).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decode(path: Path, encoding: str) -> None:
    """Raises _Undecodable."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    position, line, japanese = 0, 1, False
    with path.open("rb") as file:
        while True:
            chunk = file.read(_BLOCK)
            pending = decoder.getstate()[0]
            try:
                text = decoder.decode(chunk, final=not chunk)
                free = _UNASSIGNED.search(text) if encoding == "cp932" else None
                at = None if free is None else len(text[: free.start()].encode(encoding))
            except UnicodeDecodeError as error:
                at = error.start
                text = (pending + chunk)[:at].decode(encoding, errors="ignore")
            if at is not None:
                line += (pending + chunk).count(b"\n", 0, at)
                raise _Undecodable(position - len(pending) + at, line, japanese or bool(_JAPANESE.search(text)))
            japanese = japanese or bool(_JAPANESE.search(text))
            position, line = position + len(chunk), line + chunk.count(b"\n")
            if not chunk:
                return


_UTF_16 = re.compile(rb"\xff\xfe|\xfe\xff|[^\n]*?(?:[,{]\0|\0[,{])")  # a comma or brace of the first line has two bytes
_ISO_2022 = re.compile(rb"\x1b(?:\$[@B(]|\([BIJ])")  # goes into another character set, or back


def _refuse_other_encodings(path: Path, known: str) -> None:
    """Encodings that tell themselves at the file's beginning: with their bytes, messages on it would be riddles."""
    with path.open("rb") as file:
        head = file.read(_BLOCK)
    name = "UTF-16" if _UTF_16.match(head) else ""
    if head.isascii() and _ISO_2022.search(head):
        name = "ISO-2022-JP (JIS)"
    if name:
        raise _refusal("undecodable_input", f"the file is in {name}", f"export the extract again, in {known}")


def _encoding(path: Path) -> str:
    """`utf-8` or `cp932`.

    A file with a byte order mark, or with kana or kanji in UTF-8 before the first fault, is damaged UTF-8: read as
    CP932 it could become other names.
    """
    _refuse_other_encodings(path, "UTF-8 or CP932")
    with path.open("rb") as file:
        marked = file.read(3) == codecs.BOM_UTF8
    try:
        _decode(path, "utf-8")
    except _Undecodable as fault:
        utf8 = fault
    else:
        return "utf-8"
    hint = "nothing is replaced: export the extract again, in UTF-8"
    if marked or utf8.japanese_before:
        message = f"byte {utf8.byte} (from 0), line {utf8.line}: not UTF-8, as the text before it is"
        raise _refusal("undecodable_input", message, hint)
    try:
        _decode(path, "cp932")
    except _Undecodable as cp932:
        message = f"not UTF-8 at byte {utf8.byte} (from 0), line {utf8.line}; not CP932 at byte {cp932.byte}, line"
        raise _refusal("undecodable_input", f"{message} {cp932.line}", f"{hint} or CP932") from None
    return "cp932"


def _check_headers(columns: Iterable[str]) -> None:
    twice = [header or "(empty)" for header, count in Counter(columns).items() if count > 1]
    if twice:
        message = f"headers that stand twice: {', '.join(twice)}"
        raise _refusal("duplicate_header", message, "give each column a header of its own")
    taken = [header for header in columns if header in RESERVED]
    if taken:
        raise _refusal("duplicate_header", f"headers that docgen needs itself: {', '.join(taken)}", "rename them")


def _batch(
    columns: Sequence[str], arrays: Sequence[pa.Array], rows: Sequence[int], fault: Sequence[str | None] | str | None
) -> pa.RecordBatch:
    """Rows with one fault for all of them, or with one for each."""
    faults = pa.array([fault] * len(rows) if fault is None or isinstance(fault, str) else fault, pa.string())
    return pa.RecordBatch.from_arrays([*arrays, pa.array(rows, pa.int64()), faults], [*columns, "_row", "_fault"])


# --- CSV ---


csv.field_size_limit(_BLOCK)  # of the standard library, which is asked only about what is wrong


def _open_csv(path: Path, *, is_cut: bool = False) -> Rows:
    encoding = _encoding(path)
    misquoted = frozenset(_misquoted(path, is_cut=is_cut))
    columns = tuple(_csv_reader(path, encoding, lambda row: "skip", None).schema.names)
    _check_headers(columns)
    return Rows(columns, False, frozenset(), lambda: _csv_batches(path, encoding, columns, misquoted))


def _csv_reader(
    path: Path, encoding: str, on_malformed: Callable[[Any], str], columns: Sequence[str] | None
) -> pacsv.CSVStreamingReader:
    try:
        return pacsv.open_csv(
            path,
            # One thread, since only then rows have numbers.
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK, encoding=encoding),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=on_malformed),
            convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(columns or (), pa.string())),
        )
    except pa.ArrowInvalid as error:
        raise _csv_fault(error) from None


def _csv_fault(error: Exception) -> RequestError:
    # Arrow's own words may quote the file.
    if "straddling" in str(error):
        return _too_long()
    if "Empty CSV" in str(error):  # so Arrow takes a header without a line's end, too
        return _no_row()
    return _refusal("malformed_input", "the file cannot be read as CSV with these columns", "check its header and rows")


def _too_long() -> RequestError:
    message = f"a row is longer than {_BLOCK} bytes"
    return _refusal("row_too_long", message, "look for a quotation mark that is not closed")


def _no_row() -> RequestError:
    return _refusal("empty_input", "the extract has a header and no row", "send at least a row")


QUOTING = "write a quotation mark inside a field twice, and close each field"
MISQUOTED = "text stands behind a quotation mark that closes a field, or one is not closed"

# Arrow takes `"a"b` for ab, so that whoever is called a"b would be printed as somebody else. Neither encoding has a
# character whose later bytes are one of these.
# No possessive groups: Python before 3.11.5 mistakes them (https://github.com/python/cpython/issues/106052). What
# follows a closing quotation mark settles each field, so that there is nothing to go back for.
_QUOTED = re.compile(rb'"[^"]*(?:""[^"]*)*"(?!")')
_LINE_END = re.compile(rb"[\r\n]")
# Some fields at a time: for each the engine keeps a place to go back to.
_SOUND = re.compile(rb'(?:[^"]+|(?<![,\r\n])"|(?<=[,\r\n])"[^"]*(?:""[^"]*)*"(?=[,\r\n])){0,10000}')


def _misquoted(path: Path, *, is_cut: bool) -> Iterator[int]:
    """The rows of which a quoted field goes on behind its closing quotation mark, or is not closed.

    Raises RequestError `unclosed_quote` if such a field has swallowed a line's end, `malformed_input` if it is one of
    the header's or there are too many, `row_too_long`. `is_cut`: the file's end is none.
    """
    fields = list(islice(_misquoted_fields(path, is_cut=is_cut), _MOST_MALFORMED + 1))
    for row, (_, swallows) in zip(_rows_at(path, [place for place, _ in fields]), fields, strict=True):
        if swallows:
            raise _unclosed(row)
        if row == 0 or len(fields) > _MOST_MALFORMED:
            raise _refusal("malformed_input", f"{_named(row)}: {MISQUOTED}", QUOTING)
        yield row


def _misquoted_fields(path: Path, *, is_cut: bool) -> Iterator[tuple[int, bool]]:
    """Where in the file those fields begin, and whether a line ends before the closing quotation mark does."""
    with path.open("rb") as file:
        begin = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
        file.seek(begin)
        text, at, offset = b"\n", 1, begin - 1  # what stands before a field is looked at, too
        while True:
            block = file.read(_BLOCK)
            text, offset, at = text[at - 1 :] + (block or b"\n"), offset + at - 1, 1
            while (at := _sound_until(text, at)) < len(text):
                field = _QUOTED.match(text, at)
                if field is None or field.end() == len(text):
                    break
                yield offset + at, bool(_LINE_END.search(field[0]))
                at = field.end()
            if not block:
                break
            if len(text) - at > _BLOCK:
                raise _too_long()
        if at < len(text) and not is_cut:
            yield offset + at, bool(_LINE_END.search(text[at:].rstrip(b"\r\n")))


def _sound_until(text: bytes, at: int) -> int:
    """Where the first field from there on begins of which the end of the text, or something else, is wrong."""
    while match := _SOUND.match(text, at):
        if match.end() == at:
            break
        at = match.end()
    return at


def _rows_at(path: Path, places: Sequence[int]) -> Iterator[int]:
    """The rows in which some bytes stand; 0 is the header's. As Arrow counts them: a blank line is none."""
    with path.open("rb") as file:
        end = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
        file.seek(end)

        def lines() -> Iterator[str]:
            nonlocal end
            for line in TextIOWrapper(file, "latin-1", newline=""):  # a character to a byte
                end += len(line)
                yield line

        rows = (row for row in csv.reader(lines()) if row)
        number = -1
        for place in places:
            while end <= place:
                next(rows)
                number += 1
            yield number


def _csv_batches(
    path: Path, encoding: str, columns: Sequence[str], misquoted: Collection[int]
) -> Iterator[pa.RecordBatch]:
    malformed: dict[int, str] = {}  # those of the last block, by their number
    skipped: set[int] = set()  # the numbers of those that the next good rows have to leave out
    count = 0

    def keep(row: Any) -> str:
        nonlocal count
        if row.text.strip("\r\n") == _END_OF_FILE:
            skipped.add(row.number - 1)  # the header is row 1
            return "skip"
        count += 1
        malformed[row.number - 1] = row.text
        return "skip" if count <= _MOST_MALFORMED else "error"

    reader = _csv_reader(path, encoding, keep, columns)
    following, empty = 1, True
    while (batch := _next_batch(reader)) is not None:
        skipped |= malformed.keys()
        upcoming = range(following, following + batch.num_rows + len(skipped))
        rows = [row for row in upcoming if row not in skipped][: batch.num_rows]
        _refuse_swallowed(batch, rows)
        if rows:
            following = rows[-1] + 1
            faults = ["malformed_row quotes" if row in misquoted else None for row in rows] if misquoted else None
            told = _batch(columns, batch.columns, rows, faults)
            told = told.filter(pc.invert(pc.and_(_is_blank(batch.columns), pc.is_null(told.column("_fault")))))
            empty = empty and not told.num_rows
            yield told
            skipped = {row for row in skipped if row >= following}
        if malformed:
            empty = False
            yield _malformed(columns, malformed)
            malformed.clear()
    if malformed:
        yield _malformed(columns, malformed)
    elif empty:
        raise _no_row()


def _is_blank(columns: Sequence[pa.Array]) -> pa.Array:
    """A row of nothing but commas is a line that a spreadsheet has left."""
    blank = pc.equal(columns[0], "")
    for column in columns[1:]:
        if not blank.true_count:
            break
        blank = pc.and_(blank, pc.equal(column, ""))
    return blank


def _next_batch(reader: pacsv.CSVStreamingReader) -> pa.RecordBatch | None:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None
    except pa.ArrowInvalid as error:
        raise _csv_fault(error) from None


def _malformed(columns: Sequence[str], rows: dict[int, str]) -> pa.RecordBatch:
    """Rows of the wrong length. Their first cells are kept: most often they still tell household and key."""
    for number, text in rows.items():
        if "\n" in (line := text.strip("\r\n")) or "\r" in line:
            raise _unclosed(number)
    fields = [next(csv.reader([text]), []) for text in rows.values()]
    cells = [(row + [""] * len(columns))[: len(columns)] for row in fields]
    arrays = [pa.array(column, pa.string()) for column in zip(*cells, strict=True)]
    return _batch(columns, arrays, list(rows), [f"malformed_row {len(row)} {len(columns)}" for row in fields])


def _refuse_swallowed(batch: pa.RecordBatch, rows: Sequence[int]) -> None:
    """A cell that holds a line break and as many commas as a row has swallowed one: nobody may get lost so."""
    for column in batch.columns:
        for end in "\n\r":
            for at in pc.indices_nonzero(pc.match_substring(column, end)).to_pylist():
                if column[at].as_py().count(",") >= batch.num_columns - 1:
                    raise _unclosed(rows[at])


def _unclosed(row: int) -> RequestError:
    message = f"{_named(row)}: a quotation mark is not closed, and swallows rows behind it"
    return _refusal("unclosed_quote", message, QUOTING)


def _named(row: int) -> str:
    return f"row {row}" if row else "the header"


# --- JSON Lines ---


def _open_jsonl(path: Path) -> Rows:
    _refuse_other_encodings(path, "UTF-8")
    try:
        _decode(path, "utf-8")
    except _Undecodable as fault:
        message = f"byte {fault.byte} (from 0), line {fault.line}: not UTF-8, the only encoding of JSON"
        raise _refusal("undecodable_input", message, "export the extract again, in UTF-8") from None
    keys: dict[str, None] = {}
    numbers: set[str] = set()
    for _, line in _lines(path):
        with suppress(orjson.JSONDecodeError):  # told later, with its number, as is what is no object
            if isinstance(row := orjson.loads(line), dict):
                keys.update(dict.fromkeys(row))
                numbers.update(key for key, value in row.items() if type(value) is int)
    columns = tuple(keys)
    _check_headers(columns)
    return Rows(columns, True, frozenset(numbers), lambda: _jsonl_batches(path, columns))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_BLOCK + 1):
            number += 1
            if len(line) > _BLOCK:
                raise _refusal("row_too_long", f"line {number} is longer than {_BLOCK} bytes", "write a row to a line")
            line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not line.isspace():
                yield number, line


def _jsonl_batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    read = ((number, _flat(line)) for number, line in _lines(path))
    empty = True
    while some := list(islice(read, _BATCH)):
        empty = False
        for fault in (None, "malformed_row"):
            rows = {number: row or {} for number, row in some if (row is None) == (fault is not None)}
            arrays = [pa.array([row.get(name) for row in rows.values()], pa.string()) for name in columns]
            yield _batch(columns, arrays, list(rows), fault)
    if empty:
        raise _refusal("empty_input", "the extract has no line", "send at least a row")


def _flat(line: bytes) -> dict[str, str | None] | None:
    """One row: an object of texts, whole numbers, true, false and null; None if it is anything else."""
    try:
        row = strict_json.loads(line)
        return {key: _scalar(value) for key, value in row.items()} if isinstance(row, dict) else None
    except (RequestError, TypeError):
        return None


def _scalar(value: Any) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case int():
            return str(value)
    raise TypeError(value)


# --- Parquet ---


def _open_parquet(file: Path | BinaryIO) -> Rows:
    with _parquet(file, "malformed_input", lambda: "the file cannot be read as Parquet") as opened:
        schema, rows = opened.schema_arrow, opened.metadata.num_rows
        if any(
            _unpacked(group) > _BLOCK * group.num_rows
            for group in map(opened.metadata.row_group, range(opened.num_row_groups))
        ):
            raise _refusal("row_too_long", f"a row is longer than {_BLOCK} bytes", "look at the columns of long texts")
    _check_headers(schema.names)
    wrong = [f"{field.name} ({field.type})" for field in schema if not _is_readable(field.type)]
    if wrong:
        message = f"columns that are no texts, whole numbers or days: {', '.join(wrong)}"
        times = all(pa.types.is_timestamp(field.type) for field in schema if not _is_readable(field.type))
        raise _refusal("column_type", message, "write days without a time, or as texts" if times else _AS_TEXTS)
    if rows == 0:
        raise _refusal("empty_input", "the extract has no row", "send at least a row")
    columns = tuple(schema.names)
    numbers = frozenset(field.name for field in schema if pa.types.is_integer(_of_values(field.type)))
    return Rows(columns, False, numbers, lambda: _parquet_batches(file, columns))


def _unpacked(group: pq.RowGroupMetaData) -> int:
    """Bytes of a row group when unpacked, as the file says: a few that are packed may be more than there is memory."""
    return sum(group.column(at).total_uncompressed_size for at in range(group.num_columns))


@contextmanager
def _parquet(file: Path | BinaryIO, code: str, message: Callable[[], str]) -> Iterator[pq.ParquetFile]:
    """The file, open; what Arrow finds wrong with it is the file's fault."""
    try:
        with pq.ParquetFile(file, buffer_size=_PAGES) as opened:
            yield opened
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's, not Arrow's
            raise
        raise _refusal(code, message(), "export the extract again") from None


def _of_values(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_readable(kind: pa.DataType) -> bool:
    kind = _of_values(kind)
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_boolean, pa.types.is_date32)
    return pa.types.is_null(kind) or any(test(kind) for test in tests)


def _parquet_batches(file: Path | BinaryIO, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    following = 1

    def unreadable() -> str:
        return f"rows from {following} on cannot be read: a text is no UTF-8, or the file is damaged"

    with _parquet(file, "undecodable_input", unreadable) as opened:
        for group in range(opened.num_row_groups):
            # One group at a time: a walk through all of them keeps what it has read.
            for batch in opened.iter_batches(batch_size=_BATCH, row_groups=[group], use_threads=False):
                rows = range(following, following + batch.num_rows)
                batch.validate(full=True)  # its texts may be no UTF-8
                yield _batch(columns, [pc.cast(column, pa.string()) for column in batch.columns], rows, None)
                following = rows.stop
        if following - 1 != opened.metadata.num_rows:
            raise pa.ArrowInvalid("rows are missing")


_OPEN: dict[Format, Callable[[Path], Rows]] = {"csv": _open_csv, "jsonl": _open_jsonl, "parquet": _open_parquet}
