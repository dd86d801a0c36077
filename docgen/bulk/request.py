"""What is asked of a batch, in the words of the command line and of the API, made into a job with its lists."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pyarrow.parquet as pq

from docgen.bulk.job import Job, Occasion, part_name
from docgen.bulk.policy import Policy
from docgen.bulk.rows import RowReader, malformed_row
from docgen.bulk.scratch import scratch
from docgen.bulk.sources import FORMATS, Format, allowed_object, check_columns, open_head
from docgen.bulk.store import Store
from docgen.bulk.tables import unguarded
from docgen.errors import RequestError, Violation
from docgen.issuance.envelope import reply_mark_violation
from docgen.issuance.extract import BulkSettings
from docgen.issuance.profile import InsurerProfile

_LINE_END = re.compile(r"\r\n|\r|\n")  # no other sign: a key may have it
# A package's folder has the number's name, and Windows has no folders of these names:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_NUMBER = re.compile(r"(?!(?:CON|PRN|AUX|NUL|(?:COM|LPT)[0-9])\Z)[0-9A-Z]{1,6}")


@dataclass(frozen=True, slots=True)
class Wish:
    """How a batch is to be issued, where the asker says so.

    `delivery` is else the profile's first one, `issued_on` that of the extract's first row, `number` the ledger's next.
    `undelivered` names those whose mail came back, made again as the policy says; None if this is about no such mail.
    `reissue` is the reason to issue a second time. A `trial` is printed as specimens and issues nobody.
    """

    insurer: str
    delivery: str | None = None
    issued_on: date | None = None
    number: str | None = None
    undelivered: Collection[str] | None = None
    reissue: str | None = None
    trial: bool = False


def job_of(wish: Wish, insurers: Mapping[str, InsurerProfile], head: BinaryIO, format: Format) -> Job:
    """The job. `head` is the extract, of which the beginning is read if the date of issue stands there.

    Raises RequestError `unknown_insurer`, `no_bulk_settings`, `unknown_delivery`, `job_number_form`, `empty_list`,
    `reason_missing`, `expired_at_issue` or `dates_out_of_order` if the delivery encloses reply envelopes whose mark
    does not hold on the date of issue, and, if this date stands in the extract, `issue_date_unknown`, `invalid_date`,
    `malformed_row`, `columns_not_mapped` and what reading its beginning raises.
    """
    profile = insurers.get(wish.insurer)
    if profile is None:
        known = ", ".join(insurers)
        raise RequestError(Violation("unknown_insurer", f"unknown insurer: {wish.insurer}", f"known: {known}"))
    delivery = wish.delivery or next(iter(profile.bulk.deliveries), "") if profile.bulk else ""
    policy = Policy.of(profile, delivery)
    returned = wish.undelivered is not None
    if returned and policy.delivery.returned is not None:
        policy = Policy.of(profile, delivery := policy.delivery.returned)
    if wish.number is not None and not _NUMBER.fullmatch(wish.number):
        message = f"{wish.number!r} is no job number"
        hint = "one to six of A-Z and 0-9, no name that Windows keeps for itself (CON, COM1), or none at all"
        raise RequestError(Violation("job_number_form", message, hint))
    _require_said(wish)
    issued_on = wish.issued_on or _first_issue_date(head, format, policy.settings)
    _require_enclosable(profile, delivery, policy, issued_on)
    occasion: Occasion = "returned" if returned else "delivery"
    return Job(wish.number or "", profile.id, delivery, issued_on, occasion, wish.reissue, wish.trial)


def _require_said(wish: Wish) -> None:
    """Nobody's mail came back: then there is nothing to do, least of all everybody's mail anew."""
    if wish.undelivered is not None and not any(key.strip() for key in wish.undelivered):
        message, hint = "the list of undelivered mail names nobody", "nothing is to be made again this time"
        raise RequestError(Violation("empty_list", message, hint, "/undelivered"))
    if wish.reissue is not None and not wish.reissue.strip():
        message, hint = "the reason for a second issue is empty", "say why, or leave it out"
        raise RequestError(Violation("reason_missing", message, hint, "/reissue"))


def _require_enclosable(profile: InsurerProfile, name: str, policy: Policy, issued_on: date) -> None:
    """No envelope goes out with a reply envelope that the post does not take any more, or not yet."""
    if "reply-envelope" not in policy.delivery.enclosures:
        return
    if violation := reply_mark_violation(profile, issued_on):
        message = f"delivery {name} encloses reply-envelope: {violation.message}"
        raise RequestError(replace(violation, message=message))


@contextmanager
def open_extract(location: str, allowed: Sequence[str]) -> Iterator[BinaryIO]:
    """An extract on an S3-compatible store, to be read from. Raises RequestError as `open_source` does."""
    bucket, name = allowed_object(location, allowed)
    try:
        stream = Store.open(f"s3://{bucket}").reader(name)
    except FileNotFoundError:
        raise RequestError(Violation("source_missing", "there is no such object", "check bucket and name")) from None
    with stream:
        yield stream


def format_of(name: str) -> Format:
    """The format that a file's name tells. Raises RequestError `unknown_format`."""
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise RequestError(
            Violation("unknown_format", "the extract's format is not known", f"name it {', '.join(FORMATS)}")
        )
    return FORMATS[suffix]


def _first_issue_date(stream: BinaryIO, format: Format, settings: BulkSettings) -> date:
    """The date of the first row that is not malformed.

    What else is wrong with the extract's beginning goes first: it may be why no date is there.
    """
    header = settings.header("issued_on")
    if header is None:
        raise _undated("issue_date_unknown", "no column of the extract says when it is issued", "name the day")
    with scratch() as folder:
        rows = open_head(stream, format, folder)
        check_columns(rows, settings)
        some = next(batch.to_pylist() for batch in rows.batches() if batch.num_rows)
    first = min(some, key=lambda row: (row["_fault"] is not None, row["_row"]))
    number, fault = first.pop("_row"), first.pop("_fault")
    if fault is not None:
        violation = malformed_row(fault)
        raise _undated(violation.code, f"row {number}: {violation.message}", f"{violation.hint}, or name the day")
    read = RowReader(settings).read(first)
    for violation in read.violations:
        if violation.pointer == "/issued_on":
            message = f"row {number}, {header}: {violation.message.partition(':')[0]}"  # without the cell's text
            raise _undated(violation.code, message, f"{violation.hint}, or name the day")
    if "issued_on" not in read.card:
        message = "the first row of the extract does not say when it is issued"
        raise _undated("issue_date_unknown", message, "name the day")
    return date.fromisoformat(read.card["issued_on"])


def _undated(code: str, message: str, hint: str) -> RequestError:
    return RequestError(Violation(code, message, f"{hint} of issue: `issued_on`, or --issued-on"))


def rows_of(store: Store, keys: Iterable[str]) -> dict[str, int]:
    """How many rows of a batch's parts have each key."""
    found = dict.fromkeys(sorted(set(keys)), 0)
    for name in store.names(part_name(0).rpartition("/")[0]):
        with store.reader(name) as stream:
            for key in pq.read_table(stream, columns=["_key"]).column(0).to_pylist():
                if key in found:
                    found[key] += 1
    return found


def read_list(content: bytes) -> list[str]:
    """The keys of a list, one on each line, in order and once each; also as the package's tables write them, guarded.

    Spaces are part of a key, as in the extract; lines of nothing else are passed over. Raises RequestError `list_form`.
    """
    try:
        lines = _LINE_END.split(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise RequestError(Violation("list_form", "the list is not UTF-8", "one key on each line")) from None
    return sorted({unguarded(line) for line in lines if line.strip()})


def list_bytes(keys: Iterable[str]) -> bytes:
    """A list as it is kept in a batch's store. Raises RequestError `list_form` for a key that would not come back."""
    some = sorted(set(keys))
    if any(not key or "\n" in key for key in some):
        hint = "give each person's key as an entry of its own"
        raise RequestError(Violation("list_form", "an entry is empty, or has a line break in it", hint))
    return "".join(f"{key}\n" for key in some).encode()


def kept_list(content: bytes) -> frozenset[str]:
    """The keys of which `list_bytes` made a list, to the letter."""
    return frozenset(filter(None, content.decode().split("\n")))
