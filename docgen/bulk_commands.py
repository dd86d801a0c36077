"""The commands on batches and packages: issue, cancel, reconcile, reprint, find, worker."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docgen.console import EXIT_CODES, INTERRUPTED, REFUSED, AsJson, command, fail, tell_stand_in, to_json, unwritable
from docgen.errors import CODES, LayoutError, PackageError, RequestError, Violation, several
from docgen.settings import Settings, variable

# What runs batches takes a while to load, and most commands need none of it: the commands import it themselves.
if TYPE_CHECKING:
    from docgen.bulk.job import Job
    from docgen.bulk.ledger import Batch, Ledger
    from docgen.bulk.reconcile import Report
    from docgen.bulk.reprint import LeftBehind
    from docgen.bulk.request import Wish
    from docgen.bulk.run import Coordinator, Progress
    from docgen.bulk.store import Store
    from docgen.issuance.profile import InsurerProfile

NOTE = "work/batch.json"  # which batch of the ledger is being made in a folder
_INPUTS = {
    "extract_sha256": "the extract",
    "listed_sha256": "the list --undelivered",
    "withdrawn_sha256": "the list --exclude",
}
_TOLD = 5  # envelopes, or files, that one line names
_READ_BY_VENDORS = "the vendor reads it, so write nobody's name in it."

Package = Annotated[str, typer.Argument(metavar="DIR", help="A package: a folder, or s3://BUCKET/PREFIX.")]
Out = Annotated[str, typer.Option(metavar="DIR", show_default=False, help="An empty folder, or s3://BUCKET/PREFIX.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for function in (issue, cancel, reconcile, reprint, find, worker):
        app.command(epilog=EXIT_CODES)(command(function))


# --- issue ---


def issue(
    extract: Annotated[
        str, typer.Argument(metavar="INPUT", help="The extract: .csv, .jsonl or .parquet, a file or s3://BUCKET/NAME.")
    ],
    insurer: Annotated[str, typer.Option(help="The insurer's id: association, ...", show_default=False)],
    out: Out,
    delivery: Annotated[
        str | None,
        typer.Option(show_default=False, help="A delivery policy of the insurer's profile; by default its first one."),
    ] = None,
    issued_on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            show_default=False,
            help="The date of issue; by default that of the extract's first row.",
        ),
    ] = None,
    job: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER", show_default=False, help="The job's number: one to six of A-Z, 0-9. Default: the next."
        ),
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST", show_default=False, help="A file with the keys of people who are withdrawn, one on a line."
        ),
    ] = None,
    undelivered: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST",
            show_default=False,
            help="A file with people's keys, or households, whose mail came back: theirs alone is made again.",
        ),
    ] = None,
    reissue: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            show_default=False,
            help=f"Issue the same document of the same day a second time, for this reason: {_READ_BY_VENDORS}",
        ),
    ] = None,
    trial: Annotated[
        bool,
        typer.Option(
            "--trial",
            help="Print 見本 across every page, and count nobody as issued: a package to try. It has real addresses.",
        ),
    ] = False,
    expect: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="ROWS",
            show_default=False,
            help="How many rows INPUT has: with any other number it is refused.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, show_default=False, help="Processes, instead of DOCGEN_WORKERS.")
    ] = None,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="Draw nothing: tell the counts, and what it would take.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            show_default=False,
            help="With --plan-only: a new file for who would not be printed, and why. Personal data.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish what was begun in this folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Issue a batch: an extract of many people becomes a print package.

    The package is there when DIR/vendor/manifest.json is there: then everybody is accounted for. Ctrl-C leaves a batch
    that the same command with --resume finishes.
    """
    from docgen.bulk.ledger import Ledger
    from docgen.bulk.request import Wish, kept_list
    from docgen.bulk.store import Store
    from docgen.bulk.tasks import engine_of, payload

    if rejects is not None and not plan_only:
        raise typer.BadParameter("a batch has its own, in its package: give --plan-only", param_hint="--rejects")
    settings = Settings()
    store = Store.open(out)
    machine = payload(settings, settings.input_prefixes)
    lists = {name: _list(file) for name, file in (("listed", undelivered), ("withdrawn", exclude)) if file}
    listed = kept_list(lists["listed"]) if undelivered else None
    day = issued_on.date() if issued_on else None
    wish = Wish(insurer, delivery, day, job, listed, reissue, trial)
    asked = _job(extract, wish, engine_of(machine).insurers, settings.input_prefixes)
    source = extract if "://" in extract else str(Path(extract).absolute())
    count = workers or settings.workers
    settings.require_places(batches=False)
    ledger = Ledger(settings.ledger)
    try:
        if plan_only:
            from docgen.bulk.plan import plan

            with _new_file(rejects) as write:
                planned = plan(ledger, machine, asked, source, lists, count, expect, write)
            _tell_plan(planned.as_dict(), rejects, as_json=as_json)
        else:
            _issue(
                _Begun(ledger, settings, machine, asked, source, lists, count, expect),
                store,
                resume=resume,
                as_json=as_json,
            )
    finally:
        ledger.close()


def _job(extract: str, wish: Wish, insurers: Mapping[str, InsurerProfile], prefixes: Sequence[str]) -> Job:
    """The job that is wished for: for its date of issue, the extract's beginning may have to be read."""
    from docgen.bulk.request import format_of, job_of, open_extract

    format = format_of(extract)
    if "://" in extract:
        with open_extract(extract, prefixes) as stream:
            return job_of(wish, insurers, stream, format)
    try:
        with Path(extract).open("rb") as file:
            return job_of(wish, insurers, file, format)
    except OSError as error:
        raise _unreadable(extract, error) from None


def _unreadable(name: str, error: OSError) -> RequestError:
    return RequestError(Violation("unreadable_file", f"{name}: {error.strerror}", "name a file that is there"))


@contextmanager
def _new_file(path: Path | None) -> Iterator[Callable[[Iterable[bytes]], None] | None]:
    """What writes a new file that this user alone may read, there once the block has ended well; None for no file.

    Raises RequestError `unwritable_file`, before the block where that can be told, also for a file that is there.
    """
    if path is None:
        yield None
        return
    with _as_unwritable(path):
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        handle, name = tempfile.mkstemp(prefix=".docgen-", dir=path.parent)  # 0600
        os.close(handle)
    unfinished = Path(name)

    def write(blocks: Iterable[bytes]) -> None:
        with _as_unwritable(path), unfinished.open("wb") as file:
            file.writelines(blocks)

    try:
        yield write
        with _as_unwritable(path):
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _as_unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(str(path), error) from None


def _list(file: Path) -> bytes:
    from docgen.bulk.request import list_bytes, read_list

    try:
        content = file.read_bytes()
    except OSError as error:
        raise _unreadable(str(file), error) from None
    return list_bytes(read_list(content))


class _Begun:
    """A batch of the command line: its store is the folder of the package itself."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        machine: dict[str, Any],
        job: Job,
        source: str,
        lists: dict[str, bytes],
        workers: int,
        expect: int | None,
    ) -> None:
        self.ledger, self.settings, self.machine, self.workers = ledger, settings, machine, workers
        self.expect = {} if expect is None else {"expect": expect}
        self.job, self.source, self.lists = job, source, lists

    def id_in(self, store: Store, *, resume: bool) -> str | None:
        """The id of the batch in a folder, a new one in an empty one, None if its package is finished.

        Which inputs it is begun with is noted with it, before any of them is read: at whatever moment it is
        interrupted, it does not go on with others. Raises RequestError `out_not_empty`, `input_changed`.
        """
        from docgen.bulk.opened import MANIFEST

        if resume and store.exists(MANIFEST) and not store.exists(NOTE):
            self._require_same(store)
            return None
        with suppress(FileNotFoundError):
            noted = json.loads(store.read(NOTE))
            if resume:
                hint = f"give the same as then, or give it up (docgen cancel {store.location}) and begin anew"
                self._require_inputs(noted["inputs"], hint)
                return str(noted["batch"])
        if any(True for _ in store.names()):
            message = "the folder for the package is not empty"
            hint = "give an empty one, or --resume to finish the batch that was begun in it"
            raise RequestError(Violation("out_not_empty", message, hint))
        id_ = secrets.token_hex(16)
        store.put(NOTE, json.dumps({"batch": id_, "inputs": self.inputs}).encode())
        return id_

    @cached_property
    def inputs(self) -> dict[str, str]:
        """The SHA-256 of the extract and of the lists, named as among the options of a batch."""
        from docgen.bulk.sources import sha256_of

        lists = {f"{name}_sha256": hashlib.sha256(content).hexdigest() for name, content in self.lists.items()}
        return {"extract_sha256": sha256_of(self.source, self.settings.input_prefixes), **lists}

    def _require_inputs(self, begun_with: Mapping[str, Any], hint: str) -> None:
        """Raises RequestError `input_changed` if the extract or a list is another one than a batch was begun with."""
        changed = [what for name, what in _INPUTS.items() if begun_with.get(name) != self.inputs.get(name)]
        if changed:
            message = f"{' and '.join(changed)}: not as the batch in the folder was begun"
            raise RequestError(Violation("input_changed", message, hint))

    def _require_same(self, store: Store) -> None:
        """Raises RequestError `out_not_empty` or `input_changed` if the package is of another job or other inputs.

        Which lists it was made with the ledger knows, unless it is another one.
        """
        from docgen.bulk.opened import open_manifest

        said = open_manifest(store)
        if said.job != replace(self.job, number=self.job.number or said.job.number):
            raise _other_batch()
        extract, made = said.raw["source"]["sha256"], self.ledger.numbered(said.job.number)
        known = made is not None and made.options.get("extract_sha256") == extract
        begun_with = made.options if made and known else {**self.inputs, "extract_sha256": extract}
        self._require_inputs(begun_with, "it is finished: give the same as then, or another --out")

    def submit(self, coordinator: Coordinator, store: Store, id_: str) -> Batch:
        """Queue the batch, or find it again. Raises RequestError `out_not_empty` if it was asked for otherwise."""
        options: dict[str, Any] = {**self.inputs, **self.expect}
        for name, content in self.lists.items():
            options[name] = f"work/{name}.txt"
            store.put(options[name], content)
        try:
            batch = coordinator.submit(self.job, self.source, options, batch=id_)
        except RequestError as error:
            if error.violations[0].code != "idempotency_mismatch":
                raise
            raise _other_batch() from None
        return self.ledger.reopen(batch.id)


def _other_batch() -> RequestError:
    message = "the folder holds a batch that was asked for in another way"
    hint = "give the same extract and options again, or an empty folder"
    return RequestError(Violation("out_not_empty", message, hint))


def _issue(begun: _Begun, store: Store, *, resume: bool, as_json: bool) -> None:
    try:
        with _stopping():
            with _writing(store):
                folder = _Folder(store)
                id_ = begun.id_in(store, resume=resume)
            if id_ is not None:
                if not as_json:
                    tell_stand_in(begun.settings.output_profile)
                _finish(begun, store, id_, folder, as_json=as_json)
    except KeyboardInterrupt:
        kept = f"interrupted: what is done is kept in {store.location}"
        typer.echo(f"{kept}, and the same command with --resume goes on from there", err=True)
        raise typer.Exit(INTERRUPTED) from None
    _tell_package(store, as_json=as_json)
    if id_ is not None and as_json:  # not before: what is refused is JSON on standard error, and nothing else
        tell_stand_in(begun.settings.output_profile)


@contextmanager
def _writing(store: Store) -> Iterator[None]:
    """Raise RequestError `unwritable_file` for an --out that cannot be made or written."""
    from docgen.bulk.scratch import Unwritable

    try:
        yield
    except Unwritable as fault:
        raise unwritable(str(fault.folder), fault.error) from None
    except OSError as error:
        if error.filename and Path(store.location) not in (Path(error.filename), *Path(error.filename).parents):
            raise  # something else, that is read
        raise unwritable(store.location, error) from None


def _finish(begun: _Begun, store: Store, id_: str, folder: _Folder, *, as_json: bool) -> None:
    """Run the batch to its package; leave nothing of one that is refused before it has parts."""
    from docgen.bulk.stages import BulkStages

    try:
        BulkStages().require_sound(begun.machine, begun.job)
        batch = _run(begun, store, id_)
    except (LayoutError, RequestError):
        if folder.is_new:
            folder.restore()
        raise
    undone = batch.state == "failed" and begun.ledger.undo(id_)
    if undone:
        folder.restore()
    if batch.state != "done":
        _tell_failure(batch, undone=undone, as_json=as_json)
    _clear(store)


def _run(begun: _Begun, store: Store, id_: str) -> Batch:
    """Run the batch to its end."""
    from docgen.bulk.run import Coordinator
    from docgen.bulk.stages import BulkStages

    with Coordinator(
        begun.ledger, lambda _: store, BulkStages(), begun.machine, begun.workers, begun.settings.scheduler or None
    ) as coordinator:
        batch = begun.submit(coordinator, store, id_)
        with _bar() as tell:
            return coordinator.run(batch.id, tell)


class _Folder:
    """The folder of a batch as it was before the command, so that one that is refused can leave it so."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_new = not store.exists(NOTE)
        self._path = None if "://" in store.location or Path(store.location).exists() else Path(store.location)

    def restore(self) -> None:
        """Leave nothing of the batch."""
        _clear(self._store)
        if self._path is not None:
            with suppress(OSError):
                self._path.rmdir()


def _clear(store: Store) -> None:
    """Leave nothing but the package: the work files hold the extract once more, and nobody needs them now."""
    from docgen.bulk.store import INCOMING

    store.delete("work")
    if "://" not in store.location:
        shutil.rmtree(Path(store.location) / INCOMING, ignore_errors=True)  # with what a killed run was about to write


@contextmanager
def _stopping() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """A bar of the people that are printed, on a terminal; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("beginning", total=None)

        def tell(progress: Any) -> None:
            words = progress.state.replace("_", " ")
            total = progress.people or None
            bar.update(task, description=words, total=total, completed=progress.people_done)

        yield tell


def _tell_failure(batch: Batch, *, undone: bool, as_json: bool) -> None:
    """What ended a batch. `undone`: nothing had been printed, and nothing is left of it."""
    error = batch.error or {"code": batch.state}
    if as_json:
        typer.echo(to_json({"state": batch.state, **error}), err=True)
    else:
        for violation in error.get("violations", ()):
            typer.echo(Violation(**violation), err=True)
        shard = f" in shard {error['shard']}" if "shard" in error else ""
        end = "nothing is left of it: the folder is as it was" if undone else "nothing is released"
        typer.echo(f"the batch is {batch.state}{shard}, and {end} <{error['code']}>", err=True)
    raise typer.Exit(REFUSED)


def _tell_package(store: Store, *, as_json: bool) -> None:
    """What is in a package, and why who is not; the end with an exit code of its own if that is nobody."""
    from docgen.bulk.opened import REJECTS_TABLE, open_manifest, reject_codes

    manifest = open_manifest(store)
    reasons = dict(reject_codes(store, manifest).most_common())
    counts, table = manifest.counts.as_dict(), f"{store.location}/{manifest.named(REJECTS_TABLE)}"
    if as_json:
        told = {"package": store.location, "job": manifest.job.as_dict(), "counts": counts, "reasons": reasons}
        typer.echo(to_json(told))
    else:
        _tell_counts(counts)
        trial = ", a trial: nobody is issued" if manifest.job.trial else ""
        typer.echo(f"job {manifest.job.number}, issued on {manifest.job.issued_on}{trial}: {store.location}")
    if not as_json:
        _tell_reasons(f"who was not printed, and why: {table}", reasons)
    _require_printed(counts, reasons, table, as_json=as_json)


def _tell_reasons(head: str, reasons: Mapping[str, int]) -> None:
    for line in [head] if reasons else []:
        typer.echo(line, err=True)
    for code, rows in reasons.items():
        typer.echo(f"{code:24}{rows:>12,}  {CODES[code][1] if code in CODES else ''}".rstrip(), err=True)


def _require_printed(counts: Mapping[str, int], reasons: Mapping[str, int], where: str, *, as_json: bool) -> None:
    """The end with an exit code of its own if nobody is printed of those who were to be; `where` has the reasons."""
    from docgen.bulk.job import nobody_printed

    if not nobody_printed(counts):
        return
    again = ", or give --reissue REASON to issue people once more" if "already_issued" in reasons else ""
    fail([Violation("nobody_printed", "nobody could be printed", f"see {where}{again}")], REFUSED, as_json=as_json)


def _tell_counts(counts: dict[str, int]) -> None:
    width = max(map(len, counts))
    for name, count in counts.items():
        typer.echo(f"{name:{width}}  {count:>12,}")


def _tell_plan(told: dict[str, Any], rejects: Path | None = None, *, as_json: bool) -> None:
    """The counts of a plan; `rejects` is the file that has who would not be printed."""
    if as_json:
        typer.echo(to_json(told))
    else:
        _tell_counts({**told["counts"], **{name: told[name] for name in ("letters", "lists") if name in told}})
        estimate = told["estimate"]
        minutes, megabytes = round(estimate["seconds"] / 60), estimate["bytes"] / 1e6
        time = f"about {minutes} min" if estimate["seconds"] >= 60 else "under a minute"
        size = f"{megabytes:,.0f} MB" if megabytes >= 1 else "less than 1 MB"
        typer.echo(f"{time} and {size}, in {several(told['shards'], 'shard')}")
        head = "who would not be printed, and why:" + (f" {rejects}" if rejects else "")
        _tell_reasons(head, told["reasons"])
    _require_printed(told["counts"], told["reasons"], str(rejects or "the reasons"), as_json=as_json)


# --- cancel ---


def cancel(
    out: Annotated[
        str, typer.Argument(metavar="DIR", help="What `docgen issue` had as --out: a folder, or s3://BUCKET/PREFIX.")
    ],
) -> None:
    """Give up a batch that was interrupted: its folder is emptied, and its people may be issued by another batch.

    Until then they count as issued, so that nobody gets two cards.
    """
    from docgen.bulk.ledger import Ledger
    from docgen.bulk.store import Store

    settings, store = Settings(), Store.open(out)
    try:
        id_ = str(json.loads(store.read(NOTE))["batch"])
    except FileNotFoundError:
        message, hint = f"{out}: no batch was interrupted here", "name the folder that --out has named"
        raise RequestError(Violation("batch_ended", message, hint)) from None
    settings.require_places(batches=False)
    ledger = Ledger(settings.ledger)
    try:
        _give_up(ledger, id_)
    except RequestError as error:
        # Whoever stopped it before the ledger knew of it has claimed nobody.
        if error.violations[0].code != "unknown_batch" or any(True for _ in store.names("work/parts")):
            raise
    finally:
        ledger.close()
    for side in ("vendor", "issuer"):
        store.delete(side)
    _clear(store)
    typer.echo(f"{store.location}: given up, and nothing is left of it")


def _give_up(ledger: Ledger, id_: str) -> None:
    """Raises RequestError `batch_running`, `batch_ended`, or `unknown_batch` if another ledger has the batch."""
    lease = ledger.acquire(id_)
    if lease is not None:
        lease.end("cancelled")
        return
    batch = ledger.get(id_)
    if batch.live:
        message = f"Batch {id_} is being run by another process."
        raise RequestError(Violation("batch_running", message, "End that process first."))
    if batch.state == "done":
        message, hint = "the batch is done: its package is finished", "see it with the same `docgen issue` and --resume"
        raise RequestError(Violation("batch_ended", message, hint))


# --- finished packages ---


def reconcile(
    package: Package,
    vendor_only: Annotated[
        bool, typer.Option("--vendor-only", help="Without the issuer's side, for who has not got it.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, show_default=False, help="Processes.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a finished package against itself: files, counts, names, codes, places.

    Exit code 1, and every difference on standard error, unless all is as it was made.
    """
    from docgen.bulk.opened import open_manifest
    from docgen.bulk.reconcile import reconcile as held_against_itself

    with _opened(package) as store:
        if not vendor_only:
            _require_both_sides(store)
        report = held_against_itself(store, vendor_only=vendor_only, workers=workers or Settings().workers)
        said = open_manifest(store)
    if as_json:
        typer.echo(to_json(report.as_dict()))
    else:
        for finding in (*report.strays, *report.findings):
            typer.echo(finding, err=True)
    if not report.ok:
        if not as_json:
            typer.echo(
                f"{several(report.differences, 'difference')}: do not use this package{_since(report)}", err=True
            )
        raise typer.Exit(REFUSED)
    if not as_json:
        people, pages = several(report.counts.printed, "person", "people"), several(report.counts.pages, "page")
        again = f" (pages of {said.job.number} printed again)" if said.reprint else ""
        again += " (a trial, for nobody's mail)" if said.job.trial else ""
        typer.echo(f"{said.package}{again}: {people} on {pages}, all as it was made")


def _since(report: Report) -> str:
    """What the differences may come from, if that is one of them."""
    if report.differences < 2 or not report.changed_tables:
        return ""
    tables = report.changed_tables
    are = "is not as it was" if len(tables) == 1 else "are not as they were"
    return f"; {' and '.join(tables)} {are} made, and the other differences may follow from that"


def _require_both_sides(store: Store) -> None:
    """Raises PackageError `package_file_missing` for a package without the issuer's side."""
    from docgen.bulk.opened import MANIFEST

    if store.exists(MANIFEST) and not any(True for _ in store.names("issuer")):
        message, hint = "the issuer's side is not there, and nothing was checked", "check the vendor's side alone"
        raise PackageError(Violation("package_file_missing", message, f"{hint}: --vendor-only", file="issuer/"))


@contextmanager
def _opened(package: str) -> Iterator[Store]:
    """A package. Its vendor's side will do, which is all that a vendor has, whatever its folder is called.

    Raises RequestError `unreadable_file` for a folder that is not there, PackageError `package_manifest` for a side
    under a prefix of S3 of another name.
    """
    from docgen.bulk.opened import MANIFEST
    from docgen.bulk.scratch import scratch
    from docgen.bulk.store import Store

    store = Store.open(package)
    is_folder = "://" not in store.location
    if is_folder and not Path(store.location).is_dir():
        raise RequestError(Violation("unreadable_file", f"{package}: no such folder", "name a folder that is there"))
    above, _, last = store.location.rpartition("/")
    side, _, manifest = MANIFEST.partition("/")
    if store.exists(MANIFEST) or not store.exists(manifest):
        yield store
    elif last == side:
        yield Store.open(above or "/")
    elif is_folder:
        with scratch() as folder:
            (folder / side).symlink_to(store.location)
            yield Store.open(folder)
    else:
        message, hint = "the vendor's side has another name", f"copy it under a prefix that ends in /{side}"
        raise PackageError(Violation("package_manifest", message, hint, file=manifest))


_PIECE_HELP = (
    "A piece; an envelope of it by its number as in the window, ID-2/3, or by ID/2; a card with its mount by the card's"
    " match code, ID-21. @FILE: a list."
)


def reprint(
    package: Package,
    reason: Annotated[
        str, typer.Option(help=f"Why, for the new package's manifest: {_READ_BY_VENDORS}", show_default=False)
    ],
    out: Out,
    piece: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", show_default=False, help=_PIECE_HELP),
    ] = None,
    person: Annotated[
        list[str] | None, typer.Option(metavar="KEY", show_default=False, help="A person's opaque key. @FILE: a list.")
    ] = None,
    page: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE:PAGE", show_default=False, help="A page's whole document. @FILE: a list."),
    ] = None,
    cards_only: Annotated[
        bool,
        typer.Option(
            "--cards-only",
            help="Without the mounts that people's cards are in, unless the cards are printed on them.",
        ),
    ] = False,
) -> None:
    """Print pieces, people's documents or pages once more, in a package of their own.

    Each option may stand several times. The pages are the original ones, which their hashes prove.
    """
    from docgen.bulk.find import Selection
    from docgen.bulk.opened import open_manifest
    from docgen.bulk.reprint import left_behind, of_other_size, with_cards
    from docgen.bulk.reprint import reprint as printed_again
    from docgen.bulk.store import Store

    selection = Selection(_ids(piece), _ids(person), (), _ids(page))
    if not (selection.pieces or selection.people or selection.pages):
        raise typer.BadParameter("nothing is selected", param_hint="--piece, --person or --page")
    store = Store.open(out)
    with _opened(package) as original:
        with _writing(store):
            counts = printed_again(original, store, selection, reason, cards_only=cards_only)
        # On a store each file would be a request.
        others = of_other_size(original) if "://" not in original.location else []
    _tell_counts(counts.as_dict())
    typer.echo(store.location)
    if cards_only and with_cards(open_manifest(store)):
        message = "the cards are printed on their mounts: each came with its whole sheet, and everybody's who is on it"
        typer.echo(message, err=True)
    _tell_left_behind(left_behind(store))
    if others:
        more = f" and {len(others) - _TOLD:,} more" if len(others) > _TOLD else ""
        message = (
            f"this reprint is sound, but other files of {package} are missing or of another size than they were made"
        )
        typer.echo(f"{message}: {', '.join(others[:_TOLD])}{more}; reconcile it before you use it", err=True)


def _tell_left_behind(mounts: Sequence[LeftBehind]) -> None:
    """That who asks for one card gets the mount of others, and how to get these too."""
    if not mounts:
        return
    cards = several(sum(mount.cards for mount in mounts), "other card")
    carry = "the mount carries" if len(mounts) == 1 else f"{len(mounts):,} mounts carry"
    asked = " ".join(f"--piece {mount.number}" for mount in mounts[:_TOLD])
    more = f" and so on, {len(mounts) - _TOLD:,} more" if len(mounts) > _TOLD else ""
    message = f"{carry} {cards}, not asked for and not in this reprint: all of a mount's come by {asked}{more}"
    typer.echo(message, err=True)


def find(
    package: Package,
    person: Annotated[
        list[str] | None, typer.Option(metavar="KEY", show_default=False, help="A person's opaque key. @FILE: a list.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="OWN_KEY", show_default=False, help="The record's own key. @FILE: a list."),
    ] = None,
    piece: Annotated[list[str] | None, typer.Option(metavar="ID", show_default=False, help=_PIECE_HELP)] = None,
    page: Annotated[
        list[str] | None, typer.Option(metavar="FILE:PAGE", show_default=False, help="A page. @FILE: a list.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say who holds which piece, place and page."""
    from docgen.bulk.find import Selection
    from docgen.bulk.find import find as found

    selection = Selection(_ids(piece), _ids(person), _ids(key), _ids(page))
    if not (selection.pieces or selection.people or selection.keys or selection.pages):
        raise typer.BadParameter("nothing is asked for", param_hint="--person, --key, --piece or --page")
    with _opened(package) as store:
        for holding in found(store, selection):
            _tell_holding(holding.as_dict(), as_json=as_json)


def _tell_holding(told: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))  # a line for each, since there may be many
    else:
        pages = ",".join(map(str, told["pages"]))
        place = f" place {told['place']}" if "place" in told else ""
        envelope = f"{told['piece']}/{told['envelope']}{place}"
        typer.echo(f"{told['file']}:{pages}  {told['document']}  {envelope}  {' '.join(told['people'])}")


def _ids(given: list[str] | None) -> tuple[str, ...]:
    from docgen.bulk.request import read_list

    ids: list[str] = []
    for id_ in given or ():
        if not id_.startswith("@"):
            ids.append(id_)
            continue
        try:
            ids += read_list(Path(id_[1:]).read_bytes())
        except OSError as error:
            raise _unreadable(id_[1:], error) from None
    return tuple(dict.fromkeys(ids))


# --- workers ---


def worker(
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", show_default=False, help="Instead of DOCGEN_SCHEDULER.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, show_default=False, help="Processes, instead of DOCGEN_WORKERS.")
    ] = None,
) -> None:
    """Join a Dask scheduler, and print what it hands out.

    The machine needs the same docgen, layouts, fonts and colour profile in the same places, and the batches' store.
    Where these are is said by who runs the batch. Ends with exit code 5 when the scheduler is there no more.
    """
    from docgen.bulk.tasks import ENGINE_SETTINGS
    from docgen.bulk.worker import join

    settings = Settings()
    address = scheduler or settings.scheduler
    if not address:
        raise typer.BadParameter("no scheduler is named", param_hint="--scheduler or DOCGEN_SCHEDULER")
    if idle := sorted(settings.model_fields_set.intersection(ENGINE_SETTINGS)):
        message = "no effect on a worker: who runs the batch says where layouts, fonts and colour profile are"
        typer.echo(f"{', '.join(map(variable, idle))}: {message}", err=True)
    with _stopping(), suppress(KeyboardInterrupt):
        join(address, workers or settings.workers, typer.echo)
