"""The ledger: which batches there are, what has been done of each, and who was issued what.

SQLite in a file by default, PostgreSQL by URL. A batch is run by whoever holds its lease. Each lease has an epoch of
its own, and every write of a run names it: a run that was paused, lost its lease and wakes up finds that another epoch
has begun, and stops. Every write may be repeated, because a database that goes away can take the answer to a commit
with it; reads and writes are tried again until the database is back, or `patience` seconds are over.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import socket
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from docgen.bulk.job import Job, nobody_printed
from docgen.bulk.scratch import make_private
from docgen.bulk.store import backoff
from docgen.errors import BatchError, RequestError, Violation

T = TypeVar("T")
State = Literal[
    "queued",
    "taking_in",
    "printing",
    "assembling",
    "reconciling",
    "releasing",
    "done",
    "failed",
    "cancelled",
    "deleted",
]
Stage = Literal["print", "employers"]

LIVE: tuple[State, ...] = ("queued", "taking_in", "printing", "assembling", "reconciling", "releasing")
SCHEMA_VERSION = 3
LEASE_SECONDS = 30.0

_tables = sa.MetaData()
_meta = sa.Table(
    "meta",
    _tables,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)
_batches = sa.Table(
    "batches",
    _tables,
    sa.Column("serial", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("number", sa.String(6), nullable=False, unique=True),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("job", sa.JSON, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("store", sa.Text, nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("idempotency_key", sa.String(255), unique=True),
    sa.Column("request", sa.String(64), nullable=False),  # SHA-256 of what was asked, to know a repeated request by
    sa.Column("intake", sa.JSON),  # what intake found, once the shards are cut
    sa.Column("counts", sa.JSON),
    sa.Column("error", sa.JSON),
    sa.Column("cancel", sa.Boolean, nullable=False, default=False),
    sa.Column("withdrawals", sa.JSON, nullable=False),  # lists of people, by their names in the batch's store
    sa.Column("handed_out", sa.Boolean, nullable=False, default=False),
    sa.Column("owner", sa.String(255), nullable=False, default=""),
    sa.Column("epoch", sa.Integer, nullable=False, default=0),
    sa.Column("leased_until", sa.Float, nullable=False, default=0.0),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("entered_at", sa.Float, nullable=False),  # when the present state began
)
_shards = sa.Table(
    "shards",
    _tables,
    sa.Column("batch", sa.Integer, sa.ForeignKey("batches.serial"), primary_key=True),
    sa.Column("stage", sa.String(10), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("input", sa.String(64), nullable=False),  # SHA-256 of what it reads
    sa.Column("people", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("result", sa.Text),
    sa.Column("result_sha256", sa.String(64)),
)
_issuances = sa.Table(
    "issuances",
    _tables,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("insurer", sa.String(80), nullable=False),
    sa.Column("document", sa.String(80), nullable=False),
    sa.Column("issued_on", sa.String(10), nullable=False),
    sa.UniqueConstraint("insurer", "document", "issued_on"),
)
_issued = sa.Table(
    "issued",
    _tables,
    sa.Column("issuance", sa.Integer, sa.ForeignKey("issuances.id"), primary_key=True),
    sa.Column("identity", sa.LargeBinary(16), primary_key=True),
    # 0 for the one batch that issues a person first, so that there can be no second; a re-issue has its batch here.
    sa.Column("again", sa.Integer, primary_key=True),
    sa.Column("batch", sa.Integer, sa.ForeignKey("batches.serial"), nullable=False),
    sa.Column("born", sa.LargeBinary(8), nullable=False),  # with the birth date, to tell another person from the same
    sa.Column("named", sa.LargeBinary(8), nullable=False),  # with birth date and name, for the same
    sa.Column("withdrawn", sa.Boolean, nullable=False, default=False),  # taken out, and not issued
    sqlite_with_rowid=False,
)
_reprints = sa.Table(  # of the packages as they are now
    "reprints",
    _tables,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("batch", sa.Integer, sa.ForeignKey("batches.serial"), nullable=False),
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("request", sa.String(64), nullable=False),
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.UniqueConstraint("batch", "idempotency_key"),
)
_deliveries = sa.Table(
    "webhook_deliveries",
    _tables,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("batch", sa.Integer, sa.ForeignKey("batches.serial"), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One shard's input: its number from 1, what is in it, and the SHA-256 of its file."""

    number: int
    people: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the ledger knows it. Times are seconds since 1970, by the database's clock."""

    id: str
    state: State
    job: Job
    source: str
    store: str
    options: Mapping[str, Any]
    intake: Mapping[str, Any] | None
    counts: Mapping[str, int] | None
    error: Mapping[str, Any] | None
    cancel_requested: bool
    withdrawals: tuple[str, ...]
    handed_out: bool
    created_at: float
    updated_at: float
    entered_at: float

    @property
    def live(self) -> bool:
        """Whether there is something left to run."""
        return self.state in LIVE

    @property
    def cancellable(self) -> bool:
        """Whether it can be stopped: nothing of it was released yet, nor is about to be."""
        return self.live and self.state != "releasing" and not self.released_before

    @property
    def released_before(self) -> bool:
        """Whether people were withdrawn from its package when that had been released."""
        return bool(self.options.get(_RELEASED))


@dataclass(frozen=True, slots=True)
class Shard:
    """One unit of work. `result` is what it made, None until it is done; `sha256` is the hash of the result's JSON."""

    stage: Stage
    number: int
    input: str
    people: int
    attempts: int
    result: Mapping[str, Any] | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How much of a stage is done: shards, and the people in them."""

    shards: int
    done: int
    people: int
    people_done: int


@dataclass(frozen=True, slots=True)
class Reprint:
    """What was printed again of a batch's package: what is told of it, and when it was ready (seconds since 1970)."""

    id: str
    result: Mapping[str, Any]
    created_at: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook message that is due. `attempts` counts the ones before this one."""

    id: str
    batch: str
    url: str
    payload: Mapping[str, Any]
    attempts: int


class LeaseLost(Exception):
    """Another run has taken the batch over, or it was deleted: this run must stop and write nothing more."""


_RELEASED = "released"  # among the options of a batch that is made again, without the withdrawn
_AGAIN: Mapping[State, str] = {  # what to do about a batch that never will have a package
    "failed": "See its `error`, mend that, and submit it again, with another Idempotency-Key.",
    "cancelled": "Submit it again, with another Idempotency-Key.",
    "deleted": "Submit it again, with another Idempotency-Key.",
}


def not_released(batch: Batch) -> RequestError:
    """The error for who asks for the package of a batch that is not done."""
    hint = _AGAIN.get(batch.state, "Wait until it is done; see its state.")
    return RequestError(Violation("not_released", f"Batch {batch.id} is {batch.state}.", hint))


def not_cancellable(batch: Batch) -> RequestError:
    """The error for who asks that a batch stops which has ended, or which was released or is about to be."""
    message = f"Batch {batch.id} is {batch.state}."
    if not batch.live and batch.state != "done":
        return RequestError(Violation("batch_ended", message, "There is nothing left to cancel."))
    if batch.released_before:
        message += " Its package had been released, and is made again without who was withdrawn."
    hint = "Nothing has changed. Until it is handed out, people can be withdrawn."
    return RequestError(Violation("too_late_to_cancel", message, hint))


class Ledger:
    """The ledger's database. Safe to use from several threads and processes."""

    def __init__(self, url: str, patience: float = 120.0) -> None:
        """Open the database of an SQLAlchemy URL (`sqlite:////path`, `postgresql+psycopg://...`); make what is missing.

        Raises BatchError `ledger_unavailable` after `patience` seconds, `ledger_version` for another docgen's tables.
        """
        self._patience = patience
        self._engine = _engine(url)
        self._reading = self._engine.execution_options(reading=True)
        self._insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        self._now: sa.ColumnElement[float] = (
            sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)
            if self._engine.dialect.name == "postgresql"
            else sa.cast((sa.func.julianday("now") - 2440587.5) * 86400.0, sa.Float)
        )
        self._key = self.write(self._prepare)

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def ask(self) -> None:
        """Ask the database for next to nothing. Raises BatchError `ledger_unavailable` after `patience` seconds."""
        self.read(lambda link: link.scalar(sa.select(_meta.c.value).where(_meta.c.name == "schema")))

    # --- batches ---

    def submit(
        self,
        job: Job,
        source: str,
        store: str,
        options: Mapping[str, Any] | None = None,
        *,
        batch: str | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Queue a batch. A job without a number gets the next one: S0001, S0002, ...

        A key that was seen with the same request gives the batch of then. `options["webhooks"]` are the URLs that get
        a message when it ends, `options["extract_sha256"]` is the hash of the extract where it is known before intake.
        Raises RequestError `idempotency_mismatch` or `job_number_taken`.
        """
        batch = batch or secrets.token_hex(16)
        options = dict(options or {})
        asked = _digest([job.as_dict(), source, options])

        def insert(link: sa.Connection) -> None:
            if self._repeated(link, batch, idempotency_key, asked):
                return
            numbered = replace(job, number=job.number or self._next_number(link))
            values: dict[str, Any] = {"number": numbered.number, "job": numbered.as_dict(), "source": source}
            values |= {"id": batch, "state": "queued", "store": store, "options": options, "request": asked}
            values |= {"idempotency_key": idempotency_key, "withdrawals": [], "created_at": self._now}
            values |= {"updated_at": self._now, "entered_at": self._now}
            made = link.execute(self._insert(_batches).values(values).on_conflict_do_nothing())
            # Somebody else may have used the key between our look and our insert.
            if made.rowcount != 1 and not self._repeated(link, batch, idempotency_key, asked):
                message = f"The job number {numbered.number} has been used."
                raise RequestError(Violation("job_number_taken", message, "Give another, or none."))

        self.write(insert)
        return self.get(batch, idempotency_key)

    def get(self, batch: str, idempotency_key: str | None = None) -> Batch:
        """A batch by its id, or by the key of its submission. Raises RequestError `unknown_batch`."""
        here = _same(batch, idempotency_key)
        row = self.read(lambda link: link.execute(sa.select(_batches).where(here)).mappings().first())
        if row is None:
            raise RequestError(Violation("unknown_batch", f"There is no batch {batch}.", "Look at its id again."))
        return _batch(row)

    def has(self, idempotency_key: str) -> bool:
        """Whether a batch was submitted with this key."""
        wanted = sa.select(sa.exists().where(_batches.c.idempotency_key == idempotency_key))
        return bool(self.read(lambda link: link.scalar(wanted)))

    def numbered(self, number: str) -> Batch | None:
        """The batch with a job number, if there is one."""
        wanted = sa.select(_batches).where(_batches.c.number == number)
        row = self.read(lambda link: link.execute(wanted).mappings().first())
        return None if row is None else _batch(row)

    def states(self, batches: Iterable[str]) -> dict[str, State]:
        """The states of those batches that there are, by their ids."""
        found: dict[str, State] = {}
        for some in _slices(sorted(batches), 1000):
            wanted = sa.select(_batches.c.id, _batches.c.state).where(_batches.c.id.in_(some))
            found |= {row.id: row.state for row in self.read(lambda link, wanted=wanted: link.execute(wanted).all())}  # type: ignore[misc]
        return found

    def batches(self, states: Iterable[State] = LIVE, limit: int = 1000) -> list[Batch]:
        """The batches in these states, the oldest first."""
        wanted = sa.select(_batches).where(_batches.c.state.in_(list(states))).order_by(_batches.c.serial).limit(limit)
        return [_batch(row) for row in self.read(lambda link: link.execute(wanted).mappings().all())]

    def newest(self, options: Mapping[str, str], limit: int, before: str | None = None) -> list[Batch]:
        """The batches with these options that were not deleted, the newest first; only those older than `before`."""
        wanted = sa.select(_batches).where(_batches.c.state != "deleted")
        for name, value in options.items():
            wanted = wanted.where(_batches.c.options[name].as_string() == value)
        if before is not None:
            its = sa.select(_batches.c.serial).where(_batches.c.id == before).scalar_subquery()
            wanted = wanted.where(_batches.c.serial < its)
        wanted = wanted.order_by(_batches.c.serial.desc()).limit(limit)
        return [_batch(row) for row in self.read(lambda link: link.execute(wanted).mappings().all())]

    def waiting(self) -> list[str]:
        """The ids of the batches that somebody should run, the oldest first: live, and under nobody's lease.

        A process of this machine that has ended is nobody.
        """
        free = (_batches.c.leased_until < self._now).label("free")
        wanted = sa.select(_batches.c.id, _batches.c.owner, free).where(_batches.c.state.in_(LIVE))
        rows = self.read(lambda link: link.execute(wanted.order_by(_batches.c.serial)).all())
        return [row.id for row in rows if row.free or _has_ended(row.owner)]

    def shards(self, batch: str, stage: Stage | None = None) -> list[Shard]:
        """A batch's shards by stage and number; none before intake has cut them."""
        wanted = sa.select(_shards).join(_batches).where(_batches.c.id == batch)
        if stage is not None:
            wanted = wanted.where(_shards.c.stage == stage)
        wanted = wanted.order_by(_shards.c.stage, _shards.c.number)
        return [_shard(row) for row in self.read(lambda link: link.execute(wanted).mappings().all())]

    def tally(self, batch: str, stage: Stage = "print") -> Tally:
        """How far a stage is; all zeros before intake has cut the shards."""
        done = _shards.c.result.is_not(None)
        sums = [
            sa.func.count(),
            sa.func.sum(sa.case((done, 1), else_=0)),
            sa.func.sum(_shards.c.people),
            sa.func.sum(sa.case((done, _shards.c.people), else_=0)),
        ]
        wanted = sa.select(*sums).select_from(_shards).join(_batches).where(_batches.c.id == batch)
        row = self.read(lambda link: link.execute(wanted.where(_shards.c.stage == stage)).one())
        return Tally(*(int(value or 0) for value in row))

    def kept_out(
        self,
        insurer: str,
        document: str,
        issued_on: date,
        identities: Iterable[str],
        *,
        reissue: bool = False,
        returned: bool = False,
    ) -> dict[str, str]:
        """What `Lease.claim` would say, but nobody is claimed."""
        issuance = (insurer, document, issued_on)
        found: dict[str, str] = {}
        for some in _slices(sorted(identities), 1000):
            found |= self.read(
                lambda link, some=some: self._kept_out(link, issuance, some, 0, reissue, returned)  # type: ignore[misc]
            )
        return found

    def cancel(self, batch: str) -> Batch:
        """Stop a batch: under nobody's lease at once, else its run does it soon, and releases nothing.

        Raises RequestError `too_late_to_cancel` once its package is being released or was released, also while it is
        made again without people who were withdrawn, `batch_ended` if it has ended in another way.
        """

        def ask(link: sa.Connection) -> None:
            row = link.execute(sa.select(_batches).where(_batches.c.id == batch).with_for_update()).mappings().one()
            if row["cancel"] and row["state"] == "cancelled":
                return  # the answer to an earlier attempt was lost
            found = _batch(row)
            if not found.cancellable:
                raise not_cancellable(found)
            here = _batches.c.serial == row["serial"]
            link.execute(sa.update(_batches).where(here).values(cancel=True, updated_at=self._now))
            if link.scalar(sa.select(sa.literal(row["leased_until"]) < self._now)):
                self._end(link, row, "cancelled")
                self._shut_out(link, row)

        self.get(batch)
        self.write(ask)
        return self.get(batch)

    def reopen(self, batch: str) -> Batch:
        """Queue a failed batch again; what is done of it stays done. In any other state nothing happens.

        Its people were freed when it failed, so intake looks again whether somebody else has issued them since.
        """
        here = (_batches.c.id == batch) & (_batches.c.state == "failed")
        fresh: dict[str, Any] = {"state": "queued", "intake": None, "error": None, "cancel": False}
        fresh |= {"updated_at": self._now, "entered_at": self._now}
        self.write(lambda link: link.execute(sa.update(_batches).where(here).values(fresh)))
        return self.get(batch)

    def withdraw(self, batch: str, people: str) -> Batch:
        """Take people out, listed in the batch's store under this name. A batch that is done is queued again for it.

        Raises RequestError `too_late_to_withdraw` once the package is being released, was handed out, or the batch has
        ended in another way.
        """

        def note(link: sa.Connection) -> None:
            row = link.execute(sa.select(_batches).where(_batches.c.id == batch).with_for_update()).mappings().one()
            if people in row["withdrawals"]:
                return  # the answer to an earlier attempt was lost
            if row["handed_out"] or row["state"] not in (*LIVE, "done") or row["state"] == "releasing":
                message = f"Batch {batch} is {row['state']}{', and was handed out' if row['handed_out'] else ''}."
                never = row["state"] in _AGAIN
                hint = "Nothing of it goes to print." if never else "Stop the envelopes at the vendor's."
                raise RequestError(Violation("too_late_to_withdraw", message, hint))
            values: dict[str, Any] = {"withdrawals": [*row["withdrawals"], people], "updated_at": self._now}
            if row["state"] == "done":
                # What was released is not cancelled any more, neither now nor by what somebody asked before.
                values |= {"state": "queued", "counts": None, "entered_at": self._now, "cancel": False}
                values |= {"options": {**row["options"], _RELEASED: True}}
                link.execute(sa.delete(_reprints).where(_reprints.c.batch == row["serial"]))
            link.execute(sa.update(_batches).where(_batches.c.serial == row["serial"]).values(values))

        self.get(batch)
        self.write(note)
        return self.get(batch)

    def hand_out(self, batch: str) -> Batch:
        """Note that somebody fetches a package: from now on nobody can be withdrawn.

        Raises RequestError `not_released` unless the batch is done.
        """

        def note(link: sa.Connection) -> bool:
            here = (_batches.c.id == batch) & (_batches.c.state == "done")
            return link.execute(sa.update(_batches).where(here).values(handed_out=True)).rowcount == 1

        self.get(batch)
        noted = self.write(note)
        found = self.get(batch)
        if not noted:
            raise not_released(found)
        return found

    def forget(self, batch: str) -> None:
        """Mark a batch as deleted. Its people may be issued again, unless it was done: then they have been issued.

        Raises RequestError `batch_running` for a batch under a lease: cancel it first, and wait.
        """

        def mark(link: sa.Connection) -> None:
            here = _batches.c.id == batch
            free = here & (_batches.c.leased_until < self._now)
            row = link.execute(sa.select(_batches).where(free).with_for_update()).mappings().first()
            if row is None:
                state = link.execute(sa.select(_batches.c.state).where(here)).scalar_one()
                doing = "queued, and its run has begun" if state == "queued" else f"being run ({state})"
                hint = "Cancel it first, and wait until it has ended."
                raise RequestError(Violation("batch_running", f"Batch {batch} is {doing}.", hint))
            if row["state"] != "deleted":
                self._end(link, row, "deleted", row["counts"], announce=False)
            self._shut_out(link, row)
            for table in (_shards, _reprints):
                link.execute(sa.delete(table).where(table.c.batch == row["serial"]))

        self.get(batch)
        self.write(mark)

    def undo(self, batch: str) -> bool:
        """Forget a batch that failed before it had parts: its job number is free, as if nobody had asked for it.

        False, and nothing happens, if it has parts, or did not fail.
        """

        def remove(link: sa.Connection) -> bool:
            row = link.execute(sa.select(_batches).where(_batches.c.id == batch).with_for_update()).mappings().one()
            parts = link.scalar(sa.select(sa.exists().where(_shards.c.batch == row["serial"])))
            if row["state"] != "failed" or parts:
                return False
            here = _meta.c.name == "job_number"
            last = int(link.execute(sa.select(_meta.c.value).where(here).with_for_update()).scalar_one())
            if row["number"] == _numbered(last):
                link.execute(sa.update(_meta).where(here).values(value=str(last - 1)))
            link.execute(sa.delete(_deliveries).where(_deliveries.c.batch == row["serial"]))
            link.execute(sa.delete(_batches).where(_batches.c.serial == row["serial"]))
            return True

        return self.write(remove)

    def acquire(self, batch: str, seconds: float = LEASE_SECONDS) -> Lease | None:
        """The lease of a live batch, or None if another run has it, or nothing is left to run."""
        me = _this_process()

        def take(link: sa.Connection) -> Lease | None:
            row = link.execute(sa.select(_batches).where(_batches.c.id == batch).with_for_update()).mappings().first()
            if row is None or row["state"] not in LIVE:
                return None
            expired = link.scalar(sa.select(sa.literal(row["leased_until"]) < self._now))
            if not (expired or row["owner"] == me or _has_ended(row["owner"])):
                return None
            epoch = row["epoch"] + 1
            taken = {"owner": me, "epoch": epoch, "leased_until": self._now + seconds}
            link.execute(sa.update(_batches).where(_batches.c.serial == row["serial"]).values(taken))
            return Lease(self, batch, row["serial"], epoch, seconds)

        return self.write(take)

    # --- reprints ---

    def reprints(self, batch: str) -> list[Reprint]:
        """What was printed again of a batch's package as it is now, the newest first."""
        wanted = sa.select(_reprints).join(_batches).where(_batches.c.id == batch)
        wanted = wanted.order_by(_reprints.c.created_at.desc(), _reprints.c.id)
        return [_reprint(row) for row in self.read(lambda link: link.execute(wanted).mappings().all())]

    def reprint_of(self, batch: str, order: Mapping[str, Any], idempotency_key: str) -> Reprint | None:
        """What was made of an order with this key. Raises RequestError `idempotency_mismatch`."""
        its = sa.select(_batches.c.serial).where(_batches.c.id == batch).scalar_subquery()
        return self.read(lambda link: self._repeated_reprint(link, its, idempotency_key, _digest(order)))

    def note_reprint(
        self,
        batch: Batch,
        reprint: str,
        order: Mapping[str, Any],
        result: Mapping[str, Any],
        idempotency_key: str | None = None,
    ) -> Reprint:
        """Write down what was printed again; what somebody else has made of the order with this key meanwhile goes
        first.

        Raises RequestError `idempotency_mismatch`, or `not_released` if the package is not that of `batch` any more.
        """
        asked = _digest(order)

        def note(link: sa.Connection) -> Reprint:
            row = link.execute(sa.select(_batches).where(_batches.c.id == batch.id).with_for_update()).mappings().one()
            if row["state"] != "done" or tuple(row["withdrawals"]) != batch.withdrawals:
                message = f"The package of batch {batch.id} has changed while it was printed again."
                raise RequestError(Violation("not_released", message, "Look at its state, and order it anew."))
            if idempotency_key is not None:
                before = self._repeated_reprint(link, row["serial"], idempotency_key, asked)
                if before is not None:
                    return before
            values = {"id": reprint, "batch": row["serial"], "idempotency_key": idempotency_key, "request": asked}
            values |= {"result": dict(result), "created_at": self._now}
            link.execute(self._insert(_reprints).values(values).on_conflict_do_nothing())
            return _reprint(link.execute(sa.select(_reprints).where(_reprints.c.id == reprint)).mappings().one())

        return self.write(note)

    def _repeated_reprint(
        self, link: sa.Connection, serial: int | sa.ScalarSelect[int], key: str, asked: str
    ) -> Reprint | None:
        here = (_reprints.c.batch == serial) & (_reprints.c.idempotency_key == key)
        row = link.execute(sa.select(_reprints).where(here)).mappings().first()
        if row is not None and row["request"] != asked:
            message = "The idempotency key was used for another reprint."
            raise RequestError(Violation("idempotency_mismatch", message, "Use a new key for a new reprint."))
        return None if row is None else _reprint(row)

    # --- webhooks ---

    def next_delivery(self, seconds: float = 60.0) -> Delivery | None:
        """A webhook message that is due; nobody else gets it for so many seconds."""

        def take(link: sa.Connection) -> Delivery | None:
            due = (
                sa.select(_deliveries, _batches.c.id.label("batch_id"))
                .join(_batches)
                .where(_deliveries.c.state == "pending", _deliveries.c.due_at <= self._now)
                .order_by(_deliveries.c.due_at)
                .limit(1)
                .with_for_update(skip_locked=True, of=_deliveries)
            )
            row = link.execute(due).mappings().first()
            if row is None:
                return None
            here = _deliveries.c.id == row["id"]
            taken = {"attempts": row["attempts"] + 1, "due_at": self._now + seconds}
            link.execute(sa.update(_deliveries).where(here).values(taken))
            return Delivery(row["id"], row["batch_id"], row["url"], row["payload"], row["attempts"])

        return self.write(take)

    def settle_delivery(self, delivery: str, state: Literal["delivered", "given_up", "pending"], wait: float) -> None:
        """Write down how an attempt ended; a pending one is due again after `wait` seconds."""
        here = _deliveries.c.id == delivery
        settled = sa.update(_deliveries).where(here).values(state=state, due_at=self._now + wait)
        self.write(lambda link: link.execute(settled))

    # --- transactions ---

    def read(self, ask: Callable[[sa.Connection], T]) -> T:
        """Run a function that reads, in one transaction, as often as it takes."""
        return self._retried(self._reading, ask)

    def write(self, ask: Callable[[sa.Connection], T]) -> T:
        """Run a function that writes, in one transaction, as often as it takes: it must bear repetition."""
        return self._retried(self._engine, ask)

    def _retried(self, engine: sa.Engine, ask: Callable[[sa.Connection], T]) -> T:
        until, attempt = time.monotonic() + self._patience, 0
        while True:
            try:
                with engine.begin() as link:
                    return ask(link)
            except (DBAPIError, PoolTimeout) as error:
                if not _passes(error):
                    raise
                if (fault := _disk_fault(error)) is not None:
                    message = f"The ledger {self._engine.url.database} cannot be used: {fault}."
                    hint = "See to it, then run the batch again with --resume."
                    raise BatchError(Violation("ledger_unavailable", message, hint)) from None
                if time.monotonic() > until:
                    waited = f" for {self._patience:.0f} s" if self._patience else ""
                    message = f"The ledger's database did not answer{waited}."
                    hint = "See to the database, then run the batch again with --resume."
                    # The driver's words may hold the statement and its values: they stay out of the message.
                    raise BatchError(Violation("ledger_unavailable", message, hint)) from None
            time.sleep(backoff(attempt, most=2.0))
            attempt += 1

    def _prepare(self, link: sa.Connection) -> bytes:
        """Make the tables; the key of the identities."""
        if link.dialect.name == "postgresql":
            link.execute(sa.select(sa.func.pg_advisory_xact_lock(0x646F6367656E)))  # one at a time: "docgen"
        _tables.create_all(link)
        fresh = {"schema": str(SCHEMA_VERSION), "identity_key": secrets.token_hex(32), "job_number": "0"}
        for name, value in fresh.items():
            link.execute(self._insert(_meta).values(name=name, value=value).on_conflict_do_nothing())
        known = {row.name: row.value for row in link.execute(sa.select(_meta))}
        if known["schema"] != str(SCHEMA_VERSION):
            message = f"The ledger's tables are of version {known['schema']}; this docgen knows {SCHEMA_VERSION}."
            raise BatchError(Violation("ledger_version", message, "Use the docgen that made them, or another ledger."))
        return bytes.fromhex(known["identity_key"])

    def _repeated(self, link: sa.Connection, batch: str, key: str | None, asked: str) -> bool:
        """Whether this submission has been here before."""
        before = link.scalar(sa.select(_batches.c.request).where(_same(batch, key)))
        if before not in (None, asked):
            message = "The idempotency key was used for another request."
            raise RequestError(Violation("idempotency_mismatch", message, "Use a new key for a new batch."))
        return before is not None

    def _next_number(self, link: sa.Connection) -> str:
        here = _meta.c.name == "job_number"
        while True:
            count = int(link.execute(sa.select(_meta.c.value).where(here).with_for_update()).scalar_one()) + 1
            link.execute(sa.update(_meta).where(here).values(value=str(count)))
            number = _numbered(count)
            if not link.scalar(sa.select(sa.exists().where(_batches.c.number == number))):
                return number

    def _end(
        self,
        link: sa.Connection,
        row: sa.RowMapping,
        state: State,
        counts: Mapping[str, int] | None = None,
        error: Mapping[str, Any] | None = None,
        *,
        announce: bool = True,
    ) -> None:
        """End a batch: its state, its people's claims, and the messages about it, all or nothing."""
        ended = {"state": state, "counts": counts, "error": error, "leased_until": 0.0, "updated_at": self._now}
        ended["entered_at"] = self._now
        link.execute(sa.update(_batches).where(_batches.c.serial == row["serial"]).values(ended))
        if "done" not in (state, row["state"]):
            self._release_all(link, row)
        code = {key: error[key] for key in ("code", "shard") if key in error} if error else None
        payload = {"batch": row["id"], "number": row["number"], "state": state, "counts": counts, "error": code}
        nobody = state == "done" and counts is not None and nobody_printed(counts)
        payload["warnings"] = [{"code": "nobody_printed"}] if nobody else []
        payload["trial"] = row["job"].get("trial", False)
        payload["ended_at"] = link.scalar(sa.select(self._now))
        for url in row["options"].get("webhooks", ()) if announce else ():
            message = {"id": f"msg_{secrets.token_hex(16)}", "batch": row["serial"], "url": url, "payload": payload}
            link.execute(sa.insert(_deliveries).values(**message, state="pending", attempts=0, due_at=self._now))

    def _shut_out(self, link: sa.Connection, row: sa.RowMapping) -> None:
        """Begin another epoch, for a run that may have been paused past its lease."""
        link.execute(sa.update(_batches).where(_batches.c.serial == row["serial"]).values(epoch=row["epoch"] + 1))

    def _release_all(self, link: sa.Connection, row: sa.RowMapping) -> None:
        job = row["job"]
        mine = sa.select(_issuances.c.id).where(
            _issuances.c.insurer == job["insurer"], _issuances.c.issued_on == job["issued_on"]
        )
        claims = _issued.c.issuance.in_(mine) & ~_issued.c.withdrawn
        link.execute(sa.delete(_issued).where(claims, _issued.c.batch == row["serial"]))

    def _kept_out(
        self,
        link: sa.Connection,
        issuance: tuple[str, str, date],
        some: Iterable[str],
        batch: int,
        reissue: bool,
        returned: bool,
    ) -> dict[str, str]:
        """Who is not to get a document by this batch, for what other batches have done."""
        if reissue and not returned:
            return {}
        insurer, document, issued_on = issuance
        people = {text: self.identity(text) for text in some}
        of_batch = (_batches.c.number, _batches.c.state)
        wanted = sa.select(_issued, _issuances.c.document, _issuances.c.issued_on, *of_batch)
        wanted = wanted.select_from(_issued).join(_issuances).join(_batches)
        wanted = wanted.where(_issuances.c.insurer == insurer, _issued.c.batch != batch)
        if not returned:  # else anything that the post could have brought back will do
            wanted = wanted.where(_issuances.c.document == document, _issuances.c.issued_on == issued_on.isoformat())
        known: dict[bytes, list[sa.RowMapping]] = defaultdict(list)
        for row in link.execute(wanted.where(_issued.c.identity.in_(list(people.values())))).mappings():
            known[row["identity"]].append(row)
        found: dict[str, str] = {}
        for text, identity in people.items():
            rows = known.get(identity, [])
            if returned and all(row["withdrawn"] for row in rows):
                found[text] = "withdrawn_before" if rows else "never_issued"
            elif not reissue:
                same = [row for row in rows if (row["document"], row["issued_on"]) == (document, issued_on.isoformat())]
                if same:
                    found[text] = _why(same, self.born(text), self.named(text))
        return found

    def identity(self, text: str) -> bytes:
        """What the ledger keeps of a person, `WHO/BORN/NAME`: nothing to be guessed without the ledger's own key.

        That is of who it is; what `born` and `named` give is kept beside it, to know another person by.
        """
        return self._keyed(text.partition("/")[0])[:16]

    def born(self, text: str) -> bytes:
        """The same of the first two parts together, so that equal birth dates of several people look different."""
        return self._keyed("/".join(text.split("/")[:2]))[:8]

    def named(self, text: str) -> bytes:
        """The same of all three parts together."""
        return self._keyed(text)[:8]

    def _keyed(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(), "sha256")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run one batch, until it is given back or another run takes over.

    Each method raises LeaseLost, and writes nothing, once that has happened.
    """

    ledger: Ledger
    batch: str
    serial: int
    epoch: int
    seconds: float

    def renew(self) -> bool:
        """Hold on to the batch for `seconds` more; whether somebody wants it cancelled."""

        def renew(link: sa.Connection, row: sa.RowMapping) -> bool:
            self._update(link, {"leased_until": self.ledger._now + self.seconds})
            return bool(row["cancel"])

        return self._write(renew)

    def give_back(self) -> None:
        """Let the next one run the batch at once."""
        self._write(lambda link, _: self._update(link, {"leased_until": 0.0}))

    def enter(self, state: State) -> bool:
        """Note the state that the run has come to; whether it had better not go on: `renew`."""

        def enter(link: sa.Connection, row: sa.RowMapping) -> bool:
            self._update(link, {"state": state, "entered_at": self.ledger._now})
            return bool(row["cancel"])

        return self._write(enter)

    def begin_release(self, withdrawals: Sequence[str]) -> bool:
        """Shut the door on withdrawals and on a cancel, if these are all there are, and nobody has asked for one.

        Here it is decided which comes first: whoever asks later is refused.
        """

        def enter(link: sa.Connection, row: sa.RowMapping) -> bool:
            if row["cancel"] or row["withdrawals"] != list(withdrawals):
                return False
            self._update(link, {"state": "releasing", "entered_at": self.ledger._now})
            return True

        return self._write(enter)

    def pin(self, extract: str) -> bool:
        """Note the SHA-256 of the extract as the option `extract_sha256`; False if the batch was begun with another."""

        def note(link: sa.Connection, row: sa.RowMapping) -> bool:
            begun_with = row["options"].get("extract_sha256")
            if begun_with is None:
                self._update(link, {"options": {**row["options"], "extract_sha256": extract}})
            return begun_with in (None, extract)

        return self._write(note)

    def plan(self, parts: Sequence[Part], intake: Mapping[str, Any]) -> None:
        """Write down what intake has found and cut. What was done of a part with the same bytes stays done."""

        def write(link: sa.Connection, _: sa.RowMapping) -> None:
            known = {
                row.number: row.input for row in link.execute(self._mine("print", _shards.c.number, _shards.c.input))
            }
            if known != {part.number: part.sha256 for part in parts}:
                self._plan_anew(link, parts, {p.number for p in parts if known.get(p.number) == p.sha256})
            self._update(link, {"intake": dict(intake)})

        self._write(write)

    def begin(self, stage: Stage, number: int, attempt: int) -> bool:
        """Note that a shard is about to run, for the nth time counted from 1; whether it had better not: `renew`."""

        def note(link: sa.Connection, row: sa.RowMapping) -> bool:
            link.execute(self._change(stage, number).values(attempts=attempt))
            return bool(row["cancel"])

        return self._write(note)

    def finish(self, stage: Stage, number: int, result: Mapping[str, Any]) -> None:
        """Write down what a shard has made."""
        text = canonical_json(result)
        done = {"result": text, "result_sha256": hashlib.sha256(text.encode()).hexdigest()}
        self._write(lambda link, _: link.execute(self._change(stage, number).values(done)))

    def redo(self, stage: Stage, number: int) -> None:
        """Take back that a shard is done: what it made is no longer as it was."""
        undone = {"result": None, "result_sha256": None, "attempts": 0}
        self._write(lambda link, _: link.execute(self._change(stage, number).values(undone)))

    def end(
        self,
        state: Literal["done", "failed", "cancelled"],
        counts: Mapping[str, int] | None = None,
        error: Mapping[str, Any] | None = None,
        *,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """End the batch, and the lease with it. Unless it is done, its people may be issued by another batch.

        What fails after a cancel was accepted is cancelled. `release` makes a package of it; nobody can take the batch
        over meanwhile. It may be called again.
        """

        def end(link: sa.Connection, row: sa.RowMapping) -> None:
            if row["state"] not in LIVE:
                return  # the answer to an earlier attempt was lost
            release()
            if state == "failed" and row["cancel"]:
                self.ledger._end(link, row, "cancelled")
            else:
                self.ledger._end(link, row, state, counts, error)

        self._write(end)

    def claim(
        self,
        insurer: str,
        document: str,
        issued_on: date,
        identities: Iterable[str],
        *,
        reissue: bool = False,
        returned: bool = False,
    ) -> dict[str, str]:
        """Claim people for this batch. Who is not to be printed comes back, and why:

        `already_issued: N`: the batch with job number N has issued the document of this day; `claimed_by_unfinished:
        N`: it is about to, or lies interrupted; `withdrawn_before`: another has taken the person out;
        `identity_conflict`: it has somebody with another birth date, `identity_conflict name`: or with another name.
        `reissue` claims them all the same. But `returned` mail must have been issued, by whichever batch, as whatever
        document of the insurer's: else `withdrawn_before` or `never_issued`.
        """
        issuance = (insurer, document, issued_on)
        found: dict[str, str] = {}
        # Sorted by what is written, so that two batches never wait for each other.
        for some in _slices(sorted(identities, key=self.ledger.identity), 1000):
            found |= self._write(
                lambda link, _, some=some: self._claim(link, issuance, some, reissue, returned)  # type: ignore[misc]
            )
        return found

    def withdraw(self, insurer: str, document: str, issued_on: date, identities: Iterable[str]) -> None:
        """Give up the claims of people who were taken out, and remember that they were."""
        for some in _slices(sorted(identities, key=self.ledger.identity), 1000):
            self._write(
                lambda link, _, some=some: self._withdraw(link, (insurer, document, issued_on), some)  # type: ignore[misc]
            )

    def release(self, insurer: str, document: str, issued_on: date, identities: Iterable[str]) -> None:
        """Give up the claims of people who were not printed after all."""
        for some in _slices(sorted(map(self.ledger.identity, identities)), 1000):
            self._write(
                lambda link, _, some=some: self._release(link, (insurer, document, issued_on), some)  # type: ignore[misc]
            )

    def _write(self, ask: Callable[[sa.Connection, sa.RowMapping], T]) -> T:
        """A transaction that begins with a look at the epoch, and keeps it from changing until the end."""

        def fenced(link: sa.Connection) -> T:
            here = (_batches.c.serial == self.serial) & (_batches.c.epoch == self.epoch)
            row = link.execute(sa.select(_batches).where(here).with_for_update()).mappings().first()
            if row is None:
                raise LeaseLost(self.batch)
            return ask(link, row)

        return self.ledger.write(fenced)

    def _update(self, link: sa.Connection, values: Mapping[str, Any]) -> None:
        changed = sa.update(_batches).where(_batches.c.serial == self.serial)
        link.execute(changed.values(**values, updated_at=self.ledger._now))

    def _mine(self, stage: Stage, *columns: sa.Column[Any]) -> sa.Select[Any]:
        return sa.select(*columns).where(_shards.c.batch == self.serial, _shards.c.stage == stage)

    def _change(self, stage: Stage, number: int) -> sa.Update:
        return sa.update(_shards).where(
            _shards.c.batch == self.serial, _shards.c.stage == stage, _shards.c.number == number
        )

    def _plan_anew(self, link: sa.Connection, parts: Sequence[Part], kept: set[int]) -> None:
        """Put these parts in place of those that were there, but keep the ones that are as they were."""
        mine = _shards.c.batch == self.serial
        # Letters and lists go over the borders of parts: with one part changed, all are made again.
        link.execute(sa.delete(_shards).where(mine, (_shards.c.stage == "employers") | _shards.c.number.not_in(kept)))
        rows = [
            {"batch": self.serial, "stage": stage, "number": part.number, "input": part.sha256, "people": part.people}
            for part in parts
            for stage in ("print", "employers")
            if stage == "employers" or part.number not in kept
        ]
        if rows:
            link.execute(sa.insert(_shards), rows)

    def _claim(
        self, link: sa.Connection, issuance: tuple[str, str, date], some: Sequence[str], reissue: bool, returned: bool
    ) -> dict[str, str]:
        self._insert(link, issuance, some, self.serial if reissue else 0, withdrawn=False)
        found = self.ledger._kept_out(link, issuance, some, self.serial, reissue, returned)
        if found:
            self._release(link, issuance, list(map(self.ledger.identity, found)))
        return found

    def _withdraw(self, link: sa.Connection, issuance: tuple[str, str, date], some: Sequence[str]) -> None:
        self._release(link, issuance, list(map(self.ledger.identity, some)))
        self._insert(link, issuance, some, self.serial, withdrawn=True)

    def _insert(
        self, link: sa.Connection, issuance: tuple[str, str, date], some: Sequence[str], again: int, *, withdrawn: bool
    ) -> None:
        mine = {"issuance": self._issuance(link, issuance), "again": again, "batch": self.serial}
        known = self.ledger
        rows = [{"identity": known.identity(one), "born": known.born(one), "named": known.named(one)} for one in some]
        values = [{**mine, **row, "withdrawn": withdrawn} for row in rows]
        link.execute(known._insert(_issued).on_conflict_do_nothing(), values)

    def _release(self, link: sa.Connection, issuance: tuple[str, str, date], some: Sequence[bytes]) -> None:
        here = (_issued.c.issuance == self._issuance(link, issuance)) & (_issued.c.batch == self.serial)
        link.execute(sa.delete(_issued).where(here, _issued.c.identity.in_(some)))

    def _issuance(self, link: sa.Connection, issuance: tuple[str, str, date]) -> int:
        insurer, document, issued_on = issuance
        values = {"insurer": insurer, "document": document, "issued_on": issued_on.isoformat()}
        link.execute(self.ledger._insert(_issuances).values(values).on_conflict_do_nothing())
        here = [_issuances.c[name] == value for name, value in values.items()]
        return int(link.execute(sa.select(_issuances.c.id).where(*here)).scalar_one())


def _why(rows: Sequence[sa.RowMapping], born: bytes, named: bytes) -> str:
    """Why somebody with this birth date and name is kept out by what other batches have of this document and day."""
    same = [row for row in rows if row["named"] == named]
    if not same:
        return "identity_conflict name" if any(row["born"] == born for row in rows) else "identity_conflict"
    claims = [row for row in same if not row["withdrawn"]]
    if not claims:
        return "withdrawn_before"
    last = max(claims, key=lambda row: (row["state"] not in LIVE, row["batch"]))
    return f"{'claimed_by_unfinished' if last['state'] in LIVE else 'already_issued'}: {last['number']}"


def _numbered(count: int) -> str:
    """The job number that a batch without one gets: S0001, ..., S99999, T0000, ..."""
    return f"{chr(ord('S') + count // 100_000)}{count % 100_000:04d}"


def canonical_json(data: Any) -> str:
    """JSON that is the same for equal data."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _digest(data: Any) -> str:
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()


def _slices(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _same(batch: str, idempotency_key: str | None) -> sa.ColumnElement[bool]:
    same = _batches.c.id == batch
    return same if idempotency_key is None else same | (_batches.c.idempotency_key == idempotency_key)


def _batch(row: sa.RowMapping) -> Batch:
    return Batch(
        id=row["id"],
        state=row["state"],
        job=Job.from_dict(row["job"]),
        source=row["source"],
        store=row["store"],
        options=row["options"],
        intake=row["intake"],
        counts=row["counts"],
        error=row["error"],
        cancel_requested=row["cancel"],
        withdrawals=tuple(row["withdrawals"]),
        handed_out=row["handed_out"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        entered_at=row["entered_at"],
    )


def _reprint(row: sa.RowMapping) -> Reprint:
    return Reprint(row["id"], row["result"], row["created_at"])


def _shard(row: sa.RowMapping) -> Shard:
    result = json.loads(row["result"]) if row["result"] is not None else None
    return Shard(
        row["stage"], row["number"], row["input"], row["people"], row["attempts"], result, row["result_sha256"]
    )


# --- the databases ---

_POOL_TIMEOUT_S = 2.0  # until another thread gives its connection back
# When a connection to PostgreSQL is held to be lost: the network's own times are minutes. Of the database's work on a
# statement none of this says anything. A URL that has one of them (`?connect_timeout=30`) decides it.
_GIVEN_UP = {
    "connect_timeout": 3,  # s
    "tcp_user_timeout": 5000,  # ms until what was sent is acknowledged
    "keepalives_idle": 5,  # s
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(
            parsed,
            connect_args={name: value for name, value in _GIVEN_UP.items() if name not in parsed.query},
            pool_pre_ping=True,
            pool_timeout=_POOL_TIMEOUT_S,
            hide_parameters=True,
        )
    path = Path(parsed.database or "")
    make_private(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))  # the key of the identities is in it
    engine = sa.create_engine(parsed, hide_parameters=True)
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(link: Any, _: Any) -> None:
    link.isolation_level = None  # transactions begin where `_begin_sqlite` says so
    for pragma in (
        "busy_timeout=30000",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-16384",  # KiB; with four times as much, claims of a million people are no faster
    ):
        link.execute(f"PRAGMA {pragma}")


_DISK_FAULTS = {
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_IOERR: "its disk fails",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
}


def _begin_sqlite(link: sa.Connection) -> None:
    # A transaction that reads first and wants to write later can be refused in the middle; one that writes waits here.
    reading = link.get_execution_options().get("reading", False)
    link.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _passes(error: SQLAlchemyError) -> bool:
    """Whether it may go better next time: the database is away, starting up, busy, or chose us in a deadlock."""
    away = isinstance(error, DBAPIError) and error.connection_invalidated
    return away or isinstance(error, OperationalError | InterfaceError | PoolTimeout)


def _disk_fault(error: SQLAlchemyError) -> str | None:
    """What keeps SQLite from its file, if that is it: for somebody to put right, where a lock is to be waited for."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)
    return _DISK_FAULTS.get(code & 0xFF)  # what is above tells more closely where


# --- who holds a lease ---


def _this_process() -> str:
    """This process, so that others on this machine can see whether it has ended."""
    return f"{_machine()}/{os.getpid()}/{_start_of(os.getpid())}/{secrets.token_hex(4)}"


def _machine() -> str:
    """This machine since it was started, and within it the container whose process numbers we see."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = Path("/proc/self/ns/pid")
    if not (boot.exists() and space.exists()):
        return socket.gethostname()
    return f"{socket.gethostname()}/{boot.read_text().strip()}/{space.stat().st_ino}"


def _start_of(process: int) -> str:
    """When a process was started, in the kernel's ticks, so that its number is not mistaken; empty if it has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if stat[0] in "ZX" else stat[19]


def _has_ended(owner: str) -> bool:
    """Whether the holder of a lease was a process of this machine that is no more: its lease need not run out."""
    machine, process, start, _ = owner.rsplit("/", 3) if owner else ("", "", "", "")
    return machine == _machine() and bool(start) and _start_of(int(process)) != start
