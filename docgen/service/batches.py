"""Batches: the routes, and what each of them asks of ledger and store."""

from __future__ import annotations

import hashlib
import json
import pathlib
import secrets
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, BinaryIO

import anyio
import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from pydantic import BeforeValidator, Field, ValidationError
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from docgen import strict_json
from docgen.bulk.find import Selection
from docgen.bulk.job import named, nobody_printed
from docgen.bulk.ledger import Batch, Ledger, Reprint, not_cancellable, not_released
from docgen.bulk.opened import MANIFEST, REJECTS_TABLE
from docgen.bulk.policy import Policy
from docgen.bulk.reprint import is_of, left_behind, reprint
from docgen.bulk.request import Wish, format_of, job_of, list_bytes, open_extract, read_list, rows_of
from docgen.bulk.scratch import written
from docgen.bulk.store import CHUNK, Store
from docgen.engine import Engine
from docgen.errors import RequestError, Violation
from docgen.service import orders, problems
from docgen.service.files import Download, Side, file_of, package_of
from docgen.service.gate import HEAD
from docgen.service.leftovers import EXTRACT, LISTED, WITHDRAWN
from docgen.service.runner import SERVED, Runner
from docgen.service.webhooks import Sender, check_address
from docgen.settings import Settings

PATIENCE_S = 5.0  # for the ledger, while a caller waits
POLL_S = 1.0
_LISTS = ("exclude", "undelivered")
_READ_BY_VENDORS = "the vendor reads it, so write nobody's name in it."
_MOST_OF_A_LIST = 16_000_000  # bytes: a million keys of fifteen characters; all of it is in memory at once
_PROBLEM: dict[str, Any] = {"content": {problems.MEDIA_TYPE: {}}}
_REFUSALS: dict[int | str, dict[str, Any]] = {"default": {"description": "Refused: see `code`.", **_PROBLEM}}
_BINARY: dict[int | str, dict[str, Any]] = {
    200: {"description": "All of it.", "content": {"application/octet-stream": {}}},
    206: {"description": "The range that was asked for.", "content": {"application/octet-stream": {}}},
    **_REFUSALS,
}

_BATCH_ID = "^[0-9a-f]{32}$"
BatchId = Annotated[str, Path(description="The batch's id, as GET /v1/batches lists it.", pattern=_BATCH_ID)]
Before = Annotated[str | None, Query(description="Older ones than this batch: see `next`.", pattern=_BATCH_ID)]
Limit = Annotated[int, Query(description="How many at the most.", ge=1, le=200)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Of the client's choice: what is sent again with it is done once.",
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
    ),
]
ReprintId = Annotated[
    str, Path(description="The reprint's id, as its order's answer has it.", pattern="^[0-9a-f]{16}$")
]


class BatchOrder(orders.Strict):
    """What is to be issued, and how. As multipart form data: the same names, and the extract as the file `extract`."""

    insurer: str = Field(description="An insurer of GET /v1/insurers.", examples=["association"])
    source: str | None = Field(
        default=None, description="Where the extract is: s3://BUCKET/NAME, below what the operator allows."
    )
    delivery: str | None = Field(
        default=None, description="A delivery policy of the insurer's profile. By default its first one."
    )
    issued_on: Annotated[date | None, BeforeValidator(orders.day)] = Field(
        default=None, description="The date of issue. By default that of the extract's first row."
    )
    job: str | None = Field(
        default=None, description="The job's number, printed in every id: one to six of A-Z and 0-9. Default: the next."
    )
    reissue: str | None = Field(
        default=None, description=f"Why people get the same document of the same day a second time: {_READ_BY_VENDORS}"
    )
    trial: Annotated[bool, BeforeValidator(orders.flag)] = Field(
        default=False, description="見本 across every page, and nobody counts as issued: a package to try."
    )
    exclude: list[str] = Field(default=[], description="Keys of people who are not to be printed any more.")
    undelivered: list[str] = Field(
        default=[], description="People's keys, or households, whose mail came back: theirs alone is made again."
    )
    expect: Annotated[int | None, BeforeValidator(orders.count)] = Field(
        default=None, ge=1, description="How many rows the extract has: a batch with any other number fails unprinted."
    )
    webhook: str | None = Field(default=None, description="Where to send a message when the batch has ended.")


class Withdrawal(orders.Strict):
    """People who lost their entitlement after the extract was made."""

    people: list[str] = Field(min_length=1, description="Their keys, as the extract has them.")


class ReprintOrder(orders.Strict):
    """What to print again, and why."""

    reason: str = Field(
        min_length=1,
        description=f"Why, for the new package's manifest: {_READ_BY_VENDORS}",
        examples=["damaged in the post"],
    )
    pieces: list[str] = Field(
        default=[], description="Ids of pieces; ID/2 or ID-2/3, as in the window, is the second envelope."
    )
    people: list[str] = Field(default=[], description="Opaque keys of people.")
    keys: list[str] = Field(default=[], description="The records' own keys.")
    pages: list[str] = Field(default=[], description="FILE:PAGE.")


@dataclass(frozen=True, slots=True)
class Upload:
    """An extract that came with the request."""

    file: BinaryIO
    name: str


class Batches:
    """What the routes call; everything here may wait for ledger and store."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine
        self._lock = threading.Lock()
        self._ledgers: dict[float, Future[Ledger]] = {}
        self._runner = Runner(settings, lambda: self._ledger(120.0))
        secret = settings.webhook_secret
        self._sender = (
            Sender(lambda: self._ledger(120.0), secret.get_secret_value(), settings.webhook_origins) if secret else None
        )

    def start(self) -> None:
        """Run what waits, and send what is due."""
        self._runner.start()
        if self._sender:
            self._sender.start()

    def close(self) -> None:
        """Stop, leaving what runs to the next service."""
        self._runner.close()
        if self._sender:
            self._sender.close()
        for opened in list(self._ledgers.values()):
            if opened.done() and opened.exception() is None:
                opened.result().close()

    @property
    def ledger(self) -> Ledger:
        """The ledger, for a caller who waits. Raises BatchError `ledger_unavailable`."""
        return self._ledger(PATIENCE_S)

    def ask_ledger(self) -> None:
        """Ask the ledger's database once whether it is there. Raises BatchError `ledger_unavailable` if not."""
        self._ledger(0.0).ask()

    def _ledger(self, patience: float) -> Ledger:
        """Opened once for each patience: who comes while another thread tries gets what that one gets, and as soon."""
        with self._lock:
            opened, tries = self._ledgers.get(patience), False
            if opened is None:
                opened, tries = self._ledgers.setdefault(patience, Future()), True
        if tries:
            try:
                opened.set_result(Ledger(self._settings.ledger, patience))
            except BaseException as error:
                with self._lock:
                    del self._ledgers[patience]
                opened.set_exception(error)
        return opened.result()

    # --- submission ---

    def _require_room(self, key: str | None) -> None:
        """Raises RequestError `batches_full`, but not for a key that was used before: its batch needs no room."""
        if key is not None and self.ledger.has(key):
            return
        waiting = sum(SERVED.items() <= batch.options.items() for batch in self.ledger.batches(["queued"]))
        if waiting >= self._settings.max_waiting_batches:
            message = f"{waiting} batches are waiting"
            raise RequestError(Violation("batches_full", message, "submit it again when one of them has ended"))

    def submit(self, order: BatchOrder, upload: Upload | None, key: str | None) -> Batch:
        """Queue a batch; with a key that was used before, the batch of then. Nothing is kept of what is refused.

        Whether there is room comes last: who has to come back anyway had better know all that is wrong.
        """
        options: dict[str, Any] = dict(SERVED)
        if order.webhook is not None:
            signed = self._settings.webhook_secret is not None
            options["webhooks"] = [check_address(order.webhook, self._settings.webhook_origins, signed=signed)]
        if order.expect is not None:
            options["expect"] = order.expect
        with self._extract(order, upload) as extract:
            options["format"] = format_of(upload.name if upload else order.source or "")
            undelivered = order.undelivered if "undelivered" in order.model_fields_set else None
            wish = Wish(
                order.insurer, order.delivery, order.issued_on, order.job, undelivered, order.reissue, order.trial
            )
            job = job_of(wish, self._engine.insurers, extract, options["format"])
            profile = self._engine.insurers[job.insurer]
            self._engine.require_sound(profile.id, Policy.of(profile, job.delivery).printed)
            self._require_room(key)
            id_ = secrets.token_hex(16)
            store = Store.open(self._settings.batch_store(id_))
            try:
                source, given = _put_input(store, order, extract if upload else None, options["format"])
            except BaseException:
                store.delete()
                raise
            try:
                batch = self.ledger.submit(job, source, store.location, options | given, batch=id_, idempotency_key=key)
            except RequestError:  # after any other error it may have been queued, and if not, it is swept
                store.delete()
                raise
        if batch.id != id_:
            store.delete()
        if batch.state == "deleted":
            message = f"Batch {batch.id} of this idempotency key was deleted."
            hint = "Submit it again, with another Idempotency-Key."
            raise RequestError(Violation("batch_deleted", message, hint))
        self._runner.wake()
        return batch

    @contextmanager
    def _extract(self, order: BatchOrder, upload: Upload | None) -> Iterator[BinaryIO]:
        if upload is not None:
            yield upload.file
            return
        if order.source is None:
            hint = "name its address as `source`, or upload it as the file `extract` of form data"
            raise RequestError(Violation("missing_value", "there is no extract", hint, "/source"))
        with open_extract(order.source, self._settings.input_prefixes) as stream:
            yield stream

    def listed(self, limit: int, before: str | None) -> dict[str, Any]:
        """The newest batches as JSON, or those older than `before`. Raises RequestError `unknown_batch`."""
        if before is not None:
            self.ledger.get(before)
        found = self.ledger.newest(SERVED, limit + 1, before)
        shown = found[:limit]
        following = f"/v1/batches?limit={limit}&before={shown[-1].id}" if len(found) > limit else None
        return {"batches": [_summary(batch) for batch in shown], "next": following}

    # --- one batch ---

    def get(self, batch: str) -> Batch:
        """A batch of this service. Raises RequestError `unknown_batch`, also for one that was deleted."""
        found = self.ledger.get(batch)
        if found.state == "deleted" or not SERVED.items() <= found.options.items():
            raise RequestError(Violation("unknown_batch", f"There is no batch {batch}.", "Look at its id again."))
        return found

    def status(self, batch: Batch) -> dict[str, Any]:
        """A batch as JSON, with how far it is and how long its printing will still take."""
        tally = self.ledger.tally(batch.id)
        progress: dict[str, Any] = {"people": tally.people, "people_done": tally.people_done}
        progress |= {"shards": tally.shards, "shards_done": tally.done}
        if batch.state == "printing" and tally.people_done:
            passed = max(0.0, batch.updated_at - batch.entered_at)
            left = passed * (tally.people - tally.people_done) / tally.people_done
            progress["seconds_left"] = round(left)
        return {
            "id": batch.id,
            "job": batch.job.as_dict(),
            "trial": batch.job.trial,
            "state": batch.state,
            "progress": progress,
            "counts": batch.counts,
            "error": batch.error,
            "warnings": [violation.as_dict() for violation in _warnings(batch)],
            "cancel_requested": batch.cancel_requested,
            "handed_out": batch.handed_out,
            "created_at": _time(batch.created_at),
            "updated_at": _time(batch.updated_at),
            "links": {name: f"/v1/batches/{batch.id}{path}" for name, path in _links(batch)},
        }

    def cancel(self, batch: str) -> Batch:
        """Ask for a batch to stop. Raises RequestError `batch_ended`, `too_late_to_cancel`."""
        found = self.get(batch)
        if not found.cancellable:
            raise not_cancellable(found)
        return self.ledger.cancel(batch)

    def delete(self, batch: str) -> None:
        """Remove input, work files and package; what the ledger knows of who was issued what stays."""
        found = self.ledger.get(batch)
        if not SERVED.items() <= found.options.items():
            raise RequestError(Violation("unknown_batch", f"There is no batch {batch}.", "Look at its id again."))
        self.ledger.forget(batch)
        Store.open(found.store).delete()  # also when it is asked for again, since the first time it may have failed

    def withdraw(self, batch: str, people: list[str]) -> dict[str, Any]:
        """Take people out of a batch; its status, and how many rows each key has, None if the extract is not read yet.

        Raises RequestError `unknown_person`, `list_form`, `too_late_to_withdraw`.
        """
        found, content = self.get(batch), list_bytes(people)
        store = Store.open(found.store)
        rows = rows_of(store, people) if found.intake is not None else None
        if absent := [key for key, times in (rows or {}).items() if not times]:
            message = f"{len(absent)} of the people are not in the batch: {', '.join(absent[:20])}"
            raise RequestError(Violation("unknown_person", message, "give the keys as the extract has them"))
        name = f"work/withdrawn-{secrets.token_hex(8)}.txt"
        store.put(name, content)
        try:
            batch_now = self.ledger.withdraw(batch, name)
        except RequestError:
            store.delete(name)
            raise
        self._runner.wake()
        return {**self.status(batch_now), "withdrawn_rows": rows}

    # --- packages ---

    def released(self, batch: str) -> Batch:
        """A batch that has a package. Raises RequestError `not_released`."""
        found = self.get(batch)
        if found.state != "done":
            raise not_released(found)
        return found

    def download(self, request: Request, batch: str, side: Side, made: Callable[[Batch], Download]) -> Response:
        """A download of a package or a reprint. What is sent of the vendor's side counts as handed out.

        What is refused (a file or a range that is not there), and HEAD, whose answer goes without its content, hand out
        nothing. Raises RequestError `not_released`, and what `made` and the range raise.
        """
        found = self.released(batch)
        answer = made(found).answer(request)
        if side == "issuer" or found.handed_out or HEAD in request.scope:
            return answer
        return made(self.ledger.hand_out(batch)).answer(request)  # anew, since people may have been withdrawn just now

    def reprint_store(self, batch: Batch, reprint_id: str) -> Store:
        """The store of a reprint of the package as it is now. Raises RequestError `not_found`."""
        store = Store.open(f"{batch.store}/reprints/{reprint_id}")
        if not store.exists(MANIFEST) or not is_of(store, Store.open(batch.store)):
            hint = "look at its id again, or order it anew if people were withdrawn since"
            raise RequestError(Violation("not_found", "there is no such reprint", hint))
        return store

    def rejects(self, batch: str) -> Download:
        """The table of rejects, which does not hand anything out to the vendor. Raises RequestError `not_released`."""
        found = self.released(batch)
        return file_of(Store.open(found.store), "issuer", named(found.job.number, REJECTS_TABLE).partition("/")[2])

    def reprints(self, batch: str) -> dict[str, Any]:
        """What was printed again of the package as it is now, the newest first."""
        return {"reprints": [_reprinted(batch, made) for made in self.ledger.reprints(self.get(batch).id)]}

    def reprint(self, batch: str, order: ReprintOrder, key: str | None) -> dict[str, Any]:
        """Print again; the reprint's id and counts, and the mounts that came without all of their cards.

        With a key that was used before, the reprint of then. Raises RequestError `idempotency_mismatch`.
        """
        found, asked = self.released(batch), order.model_dump()
        if key is not None and (before := self.ledger.reprint_of(batch, asked, key)):
            return _reprinted(batch, before)
        store, id_ = Store.open(found.store), secrets.token_hex(8)
        out = Store.open(f"{store.location}/reprints/{id_}")
        selection = Selection(tuple(order.pieces), tuple(order.people), tuple(order.keys), tuple(order.pages))
        if not any((selection.pieces, selection.people, selection.keys, selection.pages)):
            message = "nothing is selected"
            raise RequestError(Violation("missing_value", message, "give pieces, people, keys or pages", "/pieces"))
        try:
            counts = reprint(store, out, selection, order.reason)
            left = [{"envelope": mount.number, "cards": mount.cards} for mount in left_behind(out)]
        except BaseException:
            out.delete()
            raise
        result = {"reason": order.reason.strip(), "counts": counts.as_dict(), "left_behind": left}
        try:
            made = self.ledger.note_reprint(found, id_, asked, result, key)
        except RequestError:  # after any other error it may have been noted, and if not, it is swept
            out.delete()
            raise
        if made.id != id_:
            out.delete()
        return _reprinted(batch, made)


def _summary(batch: Batch) -> dict[str, Any]:
    """A batch among others: without anything that a person has written, and without what quotes an extract."""
    job = batch.job.as_dict()
    return {
        "id": batch.id,
        "job": {name: job[name] for name in ("number", "insurer", "delivery", "issued_on", "occasion")},
        "trial": batch.job.trial,
        "state": batch.state,
        "counts": batch.counts,
        "error": batch.error and _fault(batch.error),
        "warnings": [{"code": violation.code} for violation in _warnings(batch)],
        "created_at": _time(batch.created_at),
        "updated_at": _time(batch.updated_at),
        "links": {"self": f"/v1/batches/{batch.id}"},
    }


def _fault(error: Mapping[str, Any]) -> dict[str, Any]:
    """What ended a batch, without what it says of the extract."""
    return {name: error[name] for name in ("code", "shard") if name in error}


def _warnings(batch: Batch) -> list[Violation]:
    """What whoever looks at the state alone would miss."""
    if batch.state != "done" or batch.counts is None or not nobody_printed(batch.counts):
        return []
    hint = f"see /v1/batches/{batch.id}/rejects; who was issued already needs a `reissue`"
    return [Violation("nobody_printed", "nobody could be printed", hint)]


def _reprinted(batch: str, made: Reprint) -> dict[str, Any]:
    """A reprint as JSON."""
    links = {"package": f"/v1/batches/{batch}/reprints/{made.id}/package"}
    return {"id": made.id, "created_at": _time(made.created_at), **made.result, "links": links}


def _links(batch: Batch) -> Iterator[tuple[str, str]]:
    yield from (("self", ""), ("events", "/events"))
    if batch.cancellable:
        yield "cancel", "/cancel"
    if batch.state == "done":
        yield from (("rejects", "/rejects"), ("package", "/package"), ("reprints", "/reprints"))
    if batch.live or (batch.state == "done" and not batch.handed_out):
        yield "withdrawals", "/withdrawals"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _hashed(stream: BinaryIO, update: Callable[[bytes], None]) -> Iterator[bytes]:
    while block := stream.read(CHUNK):
        update(block)
        yield block


def _put_input(store: Store, order: BatchOrder, upload: BinaryIO | None, format: str) -> tuple[str, dict[str, str]]:
    """Keep lists and extract for the batch: the extract's place, and the options that tell of them."""
    options: dict[str, str] = {}
    for name, option, people in ((LISTED, "listed", order.undelivered), (WITHDRAWN, "withdrawn", order.exclude)):
        if people:
            options |= {option: name, f"{option}_sha256": hashlib.sha256(list_bytes(people)).hexdigest()}
            store.put(name, list_bytes(people))
    source = order.source or f"{EXTRACT}.{format}"
    if upload is not None:
        upload.seek(0)
        digest = hashlib.sha256()
        store.put_stream(source, _hashed(upload, digest.update))
        options["extract_sha256"] = digest.hexdigest()
    return source, options


# --- what is sent to us ---


def own_pages_only(request: Request) -> None:
    """Raises RequestError `foreign_page` for what another site's page sends: forms need no leave to be sent here."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise RequestError(Violation("foreign_page", "a page of another site asks", "send it from a program"))


async def _order(request: Request, settings: Settings) -> tuple[BatchOrder, Upload | None]:
    if orders.media_type(request) == "multipart/form-data":
        return await _form(request)
    orders.require_json(
        request,
        "upload an extract as form data (Content-Type: multipart/form-data, the file in `extract`), "
        "or send application/json that names its `source`",
    )
    return _parsed(BatchOrder, await orders.read_body(request, settings.max_body_bytes)), None


async def _form(request: Request) -> tuple[BatchOrder, Upload | None]:
    try:
        with written(pathlib.Path(tempfile.gettempdir())):  # where what is uploaded is until it is all there
            form = await request.form(max_files=3, max_fields=20)
    except HTTPException as error:  # so Starlette tells it inside an application
        raise RequestError(Violation("malformed_form", error.detail, "send multipart/form-data")) from None
    others = [name for name in BatchOrder.model_fields if name not in ("insurer", "source")]
    hint = f"the form is insurer, the file extract, and as you need them {', '.join(others)}; see /docs"
    values: dict[str, Any] = {}
    for name, value in form.multi_items():
        is_file = isinstance(value, UploadFile)
        if name == "source":
            raise RequestError(
                Violation("unknown_key", "unknown key: source", f"{hint}; source is for JSON", "/source")
            )
        if name in ("insurer", "extract", *others) and (name in values or is_file != (name in ("extract", *_LISTS))):
            raise _misplaced(name, again=name in values, is_file=is_file)
        values[name] = value
    upload = values.pop("extract", None)
    values |= {name: await _list(name, values[name]) for name in _LISTS if name in values}
    order = _validated(BatchOrder, values, hint)
    if upload is None:
        raise RequestError(Violation("missing_value", "the form has no extract", _as_file("extract"), "/extract"))
    return order, Upload(upload.file, upload.filename or "")


async def _list(name: str, file: UploadFile) -> list[str]:
    """The keys of a list. Raises RequestError `body_too_large` before it is read, `list_form`."""
    if (file.size or 0) > _MOST_OF_A_LIST:
        hint = "people who are many are better left out of the extract"
        message = f"the list is larger than {_MOST_OF_A_LIST} bytes"
        raise RequestError(Violation("body_too_large", message, hint, f"/{name}"))
    return await run_in_threadpool(read_list, await file.read())  # seconds of work, for which others need not wait


def _as_file(name: str) -> str:
    return f"send it as a file: -F {name}=@people.{'csv' if name == 'extract' else 'txt'}"


def _misplaced(name: str, *, again: bool, is_file: bool) -> RequestError:
    """The error for a known field of a form that is there twice, or as a text instead of a file or the other way."""
    if again:
        message, hint = f"{name} is there twice", "send it once"
    elif is_file:
        message, hint = f"{name} is a file, not a text", f"send it as a text: -F {name}=..."
    else:
        message, hint = f"{name} is a text, not a file", _as_file(name)
    return RequestError(Violation("malformed_form", message, hint, f"/{name}"))


def _parsed(model: type[Any], body: bytes) -> Any:
    hint = f"the body is {{{', '.join(model.model_fields)}}}; see /docs"
    return _validated(model, strict_json.loads(body), hint)


def _validated(model: type[Any], value: Any, hint: str) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise RequestError(problems.from_pydantic(error.errors(), hint)) from None


def _body(model: type[orders.Strict], *, form: bool = False) -> dict[str, Any]:
    """The body for the API's description: it is read by hand, so that nothing is read past the limit."""
    schema = model.model_json_schema()
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if form:
        properties = {name: value for name, value in schema["properties"].items() if name != "source"}
        file = {"type": "string", "format": "binary"}
        properties["extract"] = {**file, "description": "The extract, named by its format: .csv, .jsonl or .parquet."}
        for name in _LISTS:
            properties[name] = {**file, "description": f"{properties[name]['description']} One on each line."}
        required = [*schema["required"], "extract"]
        content["multipart/form-data"] = {"schema": {"type": "object", "properties": properties, "required": required}}
    return {"requestBody": {"required": True, "content": content}}


# --- routes ---


def router(settings: Settings, batches: Batches) -> APIRouter:
    """The routes under /v1/batches."""
    routes = APIRouter(
        prefix="/v1/batches", tags=["batches"], responses=_REFUSALS, dependencies=[Depends(own_pages_only)]
    )

    @routes.post("", status_code=202, summary="Issue a batch", openapi_extra=_body(BatchOrder, form=True))
    async def submit(
        request: Request,
        idempotency_key: IdempotencyKey = None,
    ) -> JSONResponse:
        """Queue a batch: an extract, uploaded or on an S3-compatible store, becomes a print package.

        Sent again with the same Idempotency-Key, it gives the batch of the first time, or `batch_deleted`.
        """
        request = orders.limited(request, settings.max_upload_bytes)
        try:
            order, upload = await _order(request, settings)
            batch = await run_in_threadpool(batches.submit, order, upload, idempotency_key)
            status = await run_in_threadpool(batches.status, batch)
        finally:
            await request.close()
        return JSONResponse(status, 202, {"Location": f"/v1/batches/{batch.id}"})

    @routes.get("", summary="Batches")
    def listed(limit: Limit = 50, before: Before = None) -> JSONResponse:
        """Batches with their states and counts, the newest first. `next` is the address of older ones, or null."""
        return JSONResponse(batches.listed(limit, before), headers={"Cache-Control": "no-store"})

    @routes.get("/{batch}", summary="A batch's state")
    def status(batch: BatchId) -> JSONResponse:
        """State, progress with the seconds that are left, counts, and what went wrong.

        A batch of which nobody could be printed is `done`, with `nobody_printed` among its `warnings`.
        """
        return JSONResponse(batches.status(batches.get(batch)), headers={"Cache-Control": "no-store"})

    @routes.delete("/{batch}", status_code=204, summary="Delete a batch")
    def delete(batch: BatchId) -> Response:
        """Remove input, work files, package and reprints. A batch that runs has to be cancelled first.

        The ledger still knows that its people were issued, if they were.
        """
        batches.delete(batch)
        return Response(status_code=204)

    @routes.get("/{batch}/events", summary="Progress as it happens", response_class=EventSourceResponse)
    async def events(batch: BatchId, last_event_id: Annotated[str | None, Header()] = None) -> EventSourceResponse:
        """Server-sent events: `progress` whenever something has changed, then `done`, `failed` or `cancelled`."""
        await run_in_threadpool(batches.get, batch)
        return EventSourceResponse(_events(batches, batch, last_event_id), ping=15)

    @routes.get("/{batch}/rejects", summary="Who was not printed, and why", response_class=Response)
    def rejects(request: Request, batch: BatchId) -> Response:
        """The package's table of rejects, as CSV."""
        return batches.rejects(batch).answer(request)

    @routes.get("/{batch}/package", summary="One side of the package", response_class=Response, responses=_BINARY)
    def package(request: Request, batch: BatchId, side: Side = "vendor") -> Response:
        """Everything of one side as a tar, the same bytes each time, with ranges.

        From the first byte of the vendor's side on nobody is withdrawn.
        """
        return batches.download(request, batch, side, lambda found: package_of(Store.open(found.store), side))

    @routes.get(
        "/{batch}/package/{side}/{name}", summary="A file of the package", response_class=Response, responses=_BINARY
    )
    def file(request: Request, batch: BatchId, side: Side, name: str) -> Response:
        """One file of the package, with ranges. From the first byte of the vendor's side on nobody is withdrawn."""
        return batches.download(request, batch, side, lambda found: file_of(Store.open(found.store), side, name))

    @routes.post("/{batch}/cancel", status_code=202, summary="Cancel a batch")
    def cancel(batch: BatchId) -> JSONResponse:
        """Ask for it to stop: at once if it waits, else soon. Its people may be issued again.

        A batch whose cancel is accepted releases nothing; `too_late_to_cancel` says that its package is being released,
        or was, and stays.
        """
        return JSONResponse(batches.status(batches.cancel(batch)), 202)

    @routes.post("/{batch}/withdrawals", status_code=202, summary="Withdraw people", openapi_extra=_body(Withdrawal))
    async def withdraw(request: Request, batch: BatchId) -> JSONResponse:
        """Take people out, and plan their pieces anew: until the package has been fetched.

        `withdrawn_rows` says how many rows of the extract each key has: all of them are taken out. It is null as long
        as the extract has not been read; a key that is not in it then fails the batch (`unknown_person`).
        """
        orders.require_json(request)
        asked = _parsed(Withdrawal, await orders.read_body(request, settings.max_body_bytes))
        return JSONResponse(await run_in_threadpool(batches.withdraw, batch, asked.people), 202)

    @routes.get("/{batch}/reprints", summary="Reprints")
    def reprints(batch: BatchId) -> JSONResponse:
        """What was printed again of the package as it is now, when, why and with which counts, the newest first."""
        return JSONResponse(batches.reprints(batch), headers={"Cache-Control": "no-store"})

    @routes.post("/{batch}/reprints", status_code=201, summary="Print again", openapi_extra=_body(ReprintOrder))
    async def make_reprint(request: Request, batch: BatchId, idempotency_key: IdempotencyKey = None) -> JSONResponse:
        """Pieces, people or pages once more, in a package of their own: the same pages, proved by their hashes.

        Sent again with the same Idempotency-Key, it gives the reprint of the first time.
        """
        orders.require_json(request)
        asked = _parsed(ReprintOrder, await orders.read_body(request, settings.max_body_bytes))
        made = await run_in_threadpool(batches.reprint, batch, asked, idempotency_key)
        return JSONResponse(made, 201, {"Location": made["links"]["package"]})

    @routes.get(
        "/{batch}/reprints/{reprint}/package",
        summary="One side of a reprint's package",
        response_class=Response,
        responses=_BINARY,
    )
    def reprinted(request: Request, batch: BatchId, reprint: ReprintId, side: Side = "vendor") -> Response:
        """Everything of one side as a tar, the same bytes each time, with ranges; the vendor's counts as the package's.

        A reprint of before a withdrawal is not there any more.
        """
        return batches.download(
            request, batch, side, lambda found: package_of(batches.reprint_store(found, reprint), side)
        )

    return routes


async def _events(batches: Batches, batch: str, seen: str | None) -> AsyncIterator[dict[str, str]]:
    """What changes, with an id that is the same for the same state: who comes back with it gets nothing twice."""
    while True:
        status = await run_in_threadpool(lambda: batches.status(batches.get(batch)))
        told = {name: status[name] for name in ("id", "state", "progress", "counts")}
        if status["error"]:
            told["error"] = _fault(status["error"])
        if status["warnings"]:
            told["warnings"] = [{"code": warning["code"]} for warning in status["warnings"]]
        ended = status["state"] in ("done", "failed", "cancelled")
        id_ = hashlib.sha256(json.dumps({**told, "progress": None}).encode() + _mark(status)).hexdigest()[:16]
        if id_ != seen:
            yield {"event": status["state"] if ended else "progress", "id": id_, "data": orjson.dumps(told).decode()}
            seen = id_
        if ended:
            return
        await anyio.sleep(POLL_S)


def _mark(status: dict[str, Any]) -> bytes:
    return f"{status['progress']['shards_done']}/{status['progress']['shards']}".encode()
