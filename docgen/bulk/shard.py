"""A shard: one part of the input, checked, planned and printed.

Its output is a pure function of the part, the job and the pinned set (program, layouts, profile, fonts, ICC profile):
running it again, here or elsewhere, writes the same bytes to the same names.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from docgen.bulk import records
from docgen.bulk.columns import in_columns
from docgen.bulk.desk import Desk
from docgen.bulk.household import STATES, Household, Member, Planner
from docgen.bulk.job import Counts, Job, ShardResult, part_name, person_key, shard_dir
from docgen.bulk.policy import Policy
from docgen.bulk.rows import RowReader, malformed_row
from docgen.bulk.scratch import scratch
from docgen.bulk.store import Store
from docgen.engine import Engine
from docgen.errors import Violation
from docgen.issuance.addressee import piece_label

_FAULTS = {
    "duplicate_person": (
        "the same person stands in the extract more than once: rows {}",
        "leave one of the rows, or give each a branch number if they are two people",
    ),
    "duplicate_person differing": (
        "rows {}, of one number and branch, differ in birth date or name",
        "give each its own branch number if they are several people; if one, leave the row that is right",
    ),
    "already_issued": (
        "job {} has issued this document of this day to the same person",
        "nothing is to be done, and nobody of the household waits for it; a reason to issue it again holds for the "
        "whole extract",
    ),
    "claimed_by_unfinished": (
        "job {} has taken the same person in for this document of this day, and has not finished",
        "let it finish, with --resume if it was interrupted, or cancel it: then issue this person here",
    ),
    "identity_conflict": (
        "under this number and branch an earlier batch has somebody with another birth date",
        "correct number and branch if they are two people; if the date was corrected, give a reason to issue it again, "
        "and name in `exclude` whoever of the extract is to keep what is there",
    ),
    "identity_conflict name": (
        "under this number and branch an earlier batch has somebody with this birth date and another name",
        "correct the branch if they are two people; if the name was corrected, give a reason to issue it again, "
        "and name in `exclude` whoever of the extract is to keep what is there",
    ),
    "withdrawn_before": (
        "the person was taken out of an earlier batch of this document and day",
        "leave the person out (`exclude`), or give a reason to issue it after all",
    ),
    "never_issued": (
        "the person is on the list of undelivered mail, and no batch has issued anything to this person",
        "see whose mail came back; who has got none yet is issued without the list",
    ),
    "household_too_large": ("more rows name this household than it can have people", "check the household's column"),
    "outer_space": ("the household begins or ends with a space, as padded fields do", "remove it"),
    "household_missing": ("the row does not say which household it belongs to", "give the household"),
}

_NOT_PRINTED = {
    "held": ("household_held", None, None, "another row of the household was rejected"),
    "withdrawn": ("withdrawn", None, None, "taken out between extract and release"),
}


def run_shard(engine: Engine, store: Store, job: Job, number: int, *, draw: bool = True) -> ShardResult:
    """Run one shard: its PDF files and the pieces of the package's tables, through the store.

    With `draw` False everything is decided and counted, and nothing drawn: what employers get is noted, and who would
    not be printed.
    """
    with scratch() as local:
        part = local / "part.parquet"
        store.fetch(part_name(number), part)
        out, place = local / "out", shard_dir(number)
        shard = _Shard(engine, job, Desk(engine, job, number, out, draw=draw))
        for household in _households(engine, job, part):
            shard.take(household)
        result = shard.desk.finish(store, place)
        if not draw:
            store.put(f"{place}/rejects.csv", out / "rejects.csv")
        return result


# --- the people ---


def _households(engine: Engine, job: Job, part: Path) -> Iterator[Household]:
    planner = Planner(engine, job)
    reader = RowReader(Policy.of(engine.insurers[job.insurer], job.delivery).settings)
    for ordinal, rows in groupby(_rows(part), key=lambda row: row["_household"]):
        yield planner.plan(ordinal, [_member(row, reader, job) for row in rows])


def _rows(part: Path) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(part) as file:
        for batch in file.iter_batches(batch_size=1024):
            yield from batch.to_pylist()


def _member(row: dict[str, Any], reader: RowReader, job: Job) -> Member:
    member = Member(row["_row"], person_key(job.number, row["_person"]), reader.read(row))
    member.asked = row["_key"] is not None
    if row["_fault"] is not None:
        member.state, member.violations = "rejected", [_fault(row["_fault"])]
    if row["_withdrawn"]:
        member.state = "withdrawn"
    elif row["_fault"] is None and member.asked:
        member.violations += member.data.violations
        if member.data.card.setdefault("issued_on", job.issued_on.isoformat()) != job.issued_on.isoformat():
            message = "the row has another date of issue than the job"
            hint = "issue it as a job of its own; if that was done, exclude the person here"
            member.violations.append(Violation("issue_date_differs", message, hint, pointer="/issued_on"))
    return member


def _fault(fault: str) -> Violation:
    """What the intake found."""
    kind, _, detail = fault.partition(": ")
    if kind not in _FAULTS:
        return malformed_row(fault)
    message, hint = _FAULTS[kind]
    return Violation(kind.partition(" ")[0], message.format(detail), hint)


# --- what is written about them ---


def _held_for(household: Household) -> str:
    """What a held member's row says is to be done."""
    rows = sorted(member.row for member in household.members if member.at_fault)
    return f"mend row {', '.join(map(str, rows))}" if rows else "mend that row"


class _Shard:
    """Takes households one by one: prints their pieces, and says what became of their people."""

    def __init__(self, engine: Engine, job: Job, desk: Desk) -> None:
        policy = Policy.of(engine.insurers[job.insurer], job.delivery)
        self._is_list, self._has_cards = policy.is_list, "card" in policy.delivery.documents
        self.desk = desk

    def take(self, household: Household) -> None:
        """Print and count a household."""
        tally = {state: sum(member.state == state for member in household.members) for state in STATES}
        self.desk.count(Counts(people=len(household.members), households=1, **tally))
        for member in household.members:
            self._tell(member, household)
        for piece in household.pieces:
            self.desk.print_piece(piece)
        if self._is_list:
            self._note_recipients(household)
        else:
            self._note_envelopes(household)

    def _tell(self, member: Member, household: Household) -> None:
        key = member.data.key
        self.desk.table("keys.csv").row((member.person, key, member.row, member.state))
        rejects = self.desk.table("rejects.csv")
        if member.state in ("held", "withdrawn"):
            hint = _held_for(household) if member.state == "held" else None
            rejects.row((key, member.row, member.state, *_NOT_PRINTED[member.state], hint))
        for violation in member.violations if member.state == "rejected" else ():
            column, message, hint = in_columns(violation, member.data)
            rejects.row((key, member.row, "rejected", violation.code, column, violation.element, message, hint))

    def _note_envelopes(self, household: Household) -> None:
        """For the letter to the employer, which comes after all shards."""
        insured = household.insured.data
        envelopes = [
            records.envelope(
                piece_label(piece.id, piece.sheet, piece.of),
                insured,
                piece.people,
                for_dependents=piece.for_dependents,
                cards=self._has_cards,
            )
            for piece in household.pieces
            if piece.kind == "employer"
        ]
        if envelopes:
            self.desk.note_employer({"employer": insured.employer, "envelopes": envelopes})

    def _note_recipients(self, household: Household) -> None:
        """For the employer's list of recipients, which comes after all shards."""
        insured = household.insured
        listed = [
            records.recipient(member.data, member.insured) for member in household.members if member.state == "printed"
        ]
        if listed:
            self.desk.note_employer({"employer": insured.data.employer, "recipients": listed})
