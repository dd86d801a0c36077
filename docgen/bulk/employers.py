"""What employers get, after all shards: the letter with the envelopes that they hand on, or the list of recipients.

Shards are sorted by employer, so an employer's households stand together, over one shard or several. A run prints what
begins in its shard and reads on as far as that employer goes: runs can go side by side, and none holds more than one
letter's envelopes.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from docgen.bulk import records
from docgen.bulk.desk import EMPLOYERS, Desk
from docgen.bulk.household import Piece, Sheet
from docgen.bulk.job import Job, ShardResult, employer_piece_id, employers_dir, shard_dir
from docgen.bulk.policy import Policy
from docgen.bulk.scratch import scratch
from docgen.bulk.store import Store
from docgen.bulk.tables import BUNDLES_TABLE
from docgen.engine import Engine, Options
from docgen.issuance.addressee import piece_label

MOST_ENVELOPES = 1000  # in one letter; the rest goes into another
MOST_RECIPIENTS = 20000  # on one list

_Note = dict[str, Any]


def run_employers(
    engine: Engine, store: Store, job: Job, number: int, shards: int, *, draw: bool = True
) -> ShardResult:
    """Print the letters or lists of the employers that begin in shard `number` of `shards`; count them without `draw`.

    Raises RecordError for a letter or list that cannot be set: the shards have tried each employer and each person.
    """
    policy = Policy.of(engine.insurers[job.insurer], job.delivery)
    is_list = policy.is_list
    with scratch() as folder:
        options = Options(issued_on=job.issued_on, specimen=job.trial)
        desk = Desk(engine, job, number, folder / "out", draw=draw)
        for at, (employer, rows) in enumerate(_letters(store, number, shards, is_list), start=1):
            id_ = employer_piece_id(job.number, number, at)
            document = "recipients-list" if is_list else "employer-letter"
            label = piece_label(id_, 1, 1)
            raw = (
                records.list_record(label, employer, rows)
                if is_list
                else records.mailed(records.letter_record(job, label, employer, rows), policy.delivery)
            )
            items, sides = engine.place(document, job.insurer, raw, options)
            desk.print_piece(Piece(id_, 1, 1, "list" if is_list else "letter", (Sheet(document, (), items, sides),), 0))
            for envelope in () if is_list else rows:
                desk.table(BUNDLES_TABLE).row((envelope["piece_id"], id_))
        return desk.finish(store, employers_dir(number))


def _letters(store: Store, number: int, shards: int, is_list: bool) -> Iterator[tuple[_Note, list[Any]]]:
    """The employers of this run with their rows, cut where a letter or list is full."""
    what, most = ("recipients", MOST_RECIPIENTS) if is_list else ("envelopes", MOST_ENVELOPES)
    for employer, notes in groupby(_notes(store, number, shards), key=lambda note: note["employer"]):
        rows: list[Any] = []
        for note in notes:
            if len(rows) + len(note[what]) > most:
                yield employer, rows
                rows = []
            rows += note[what]
        yield employer, rows


def _notes(store: Store, number: int, shards: int) -> Iterator[_Note]:
    """The notes of the employers that begin in this shard, from this shard and those that follow."""
    before = _last_employer(store, number)
    mine = None
    for shard in range(number, shards + 1):
        for note in _read(store, shard):
            if mine is None and shard == number and note["employer"] == before:
                continue  # goes on from an earlier shard; one that comes again later begins here
            if shard > number and note["employer"] != mine:
                return
            mine = note["employer"]
            yield note
        if mine is None:
            return


def _last_employer(store: Store, number: int) -> Any:
    """The employer with which the shards before this one end; None if there is none."""
    for shard in range(number - 1, 0, -1):
        notes = deque(_read(store, shard), maxlen=1)
        if notes:
            return notes[-1]["employer"]
    return None


def _read(store: Store, shard: int) -> Iterator[_Note]:
    with store.reader(f"{shard_dir(shard)}/{EMPLOYERS}") as lines:
        for line in lines:
            yield json.loads(line)
