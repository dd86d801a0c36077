"""The command line: `docgen --help`."""

from __future__ import annotations

import errno
import os
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

import docgen
from docgen import bulk_commands, install, layout_diff, strict_json
from docgen.bulk.scratch import make_private
from docgen.console import (
    ASSETS,
    EXIT_CODES,
    LAYOUT,
    REFUSED,
    USAGE,
    AsJson,
    command,
    report,
    tell_stand_in,
    to_json,
    unwritable,
)
from docgen.engine import Engine, Options, Rendered
from docgen.engine import preflight as preflight_file
from docgen.errors import LayoutError, RequestError, Violation, several
from docgen.issuance.addressee import OMITTED
from docgen.issuance.profile import profile_schema
from docgen.layout.loader import layout_schema
from docgen.settings import Settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EXIT_CODES,
)
layout_app = typer.Typer(no_args_is_help=True, help="Check or compare layouts, or print their JSON Schema.")
fonts_app = typer.Typer(no_args_is_help=True, help="Check or install the font files and the colour profile.")
app.add_typer(layout_app, name="layout")
app.add_typer(fonts_app, name="fonts")
bulk_commands.add_to(app)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Print-ready PDF from records of Japanese health-insurance entitlement.

    Settings come from the environment (DOCGEN_OUTPUT_PROFILE, DOCGEN_LAYOUTS_DIR, ...).
    """
    if version:
        typer.echo(f"docgen {docgen.__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog=EXIT_CODES)
@command
def render(
    document: Annotated[str, typer.Argument(help="What to make: card, ...", show_default=False)],
    insurer: Annotated[str, typer.Option(help="The insurer's id: association, ...", show_default=False)],
    record: Annotated[
        str,
        typer.Option(
            help="The person's record, a JSON file; - is standard input.", metavar="FILE.json", show_default=False
        ),
    ],
    out: Annotated[
        str, typer.Option(help="The PDF to write; - is standard output.", metavar="FILE.pdf", show_default=False)
    ],
    specimen: Annotated[
        bool | None,
        typer.Option(
            "--specimen/--no-specimen",
            show_default=False,
            help="Print 見本 across every page, or don't. By default samples carry it and other records do not.",
        ),
    ] = None,
    issued_on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            show_default=False,
            help="The date of issue, for a record that names none.",
        ),
    ] = None,
    accessible: Annotated[
        bool, typer.Option("--accessible", help="Make a tagged file: PDF/UA-1 and PDF/A-2a as well. The notice has it.")
    ] = False,
    png: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            show_default=False,
            help="Write a picture of each page into this folder too.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make one document of one person.

    The PDF appears under its name when it is whole, or not at all. With --json, standard output tells pages, SHA-256,
    how far each text was pushed to fit, substitutions, why the document expires when it does, and what was left out by
    a rule; without it, standard error tells what was left out.
    """
    if out == "-" and as_json:
        raise typer.BadParameter("the PDF and the JSON cannot both go to standard output", param_hint="--out")
    value = strict_json.loads(_read(record))
    engine = Engine(Settings())  # not warm: one document needs one layout compiled
    day = issued_on.date() if issued_on else None
    options = Options(specimen=specimen, issued_on=day, accessible=accessible)
    rendered = engine.render(document, insurer, value, options)
    _write(out, rendered.pdf)
    if png is not None:
        _write_pictures(engine, rendered, document, insurer, png, "page" if out == "-" else Path(out).stem)
    if as_json:
        typer.echo(to_json(rendered.as_dict()))
        return
    for item, reason in rendered.items.omitted.items():
        typer.echo(f"{item} is left out: {OMITTED[reason]} <{reason}>", err=True)


def _write_pictures(engine: Engine, rendered: Rendered, document: str, insurer: str, folder: Path, stem: str) -> None:
    try:
        make_private(folder)
    except OSError as error:
        raise unwritable(str(folder), error) from None
    for page in rendered.pages:
        picture = engine.preview(rendered.pdf, page=page.number, document=document, insurer=insurer)
        _write(str(folder / f"{stem}-{page.number}.png"), picture)


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        message = f"{name}: {error.strerror}"
        raise RequestError(Violation("unreadable_file", message, "name a file that is there")) from None


def _write(name: str, content: bytes) -> None:
    """Write a file whole or not at all; - is standard output."""
    if name == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if not path.name:  # . and /
        raise unwritable(name, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(name, error) from None


@app.command(epilog=EXIT_CODES)
@command
def serve(
    host: Annotated[str | None, typer.Option(help="Listen here instead of DOCGEN_HOST.", show_default=False)] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Listen on this port instead of DOCGEN_PORT; 0: a free one.", min=0, max=65535, show_default=False
        ),
    ] = None,
) -> None:
    """Answer over HTTP, on loopback unless told otherwise.

    Prints the address once it listens: / is a page to try things on, /docs describes the API.
    """
    from docgen import service  # a web framework takes a while to load, and the other commands need none

    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = Settings().model_copy(update=chosen)
    settings.require_places(batches=True)
    tell_stand_in(settings.output_profile)
    try:
        service.serve(settings)
    except OSError as error:
        typer.echo(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}", err=True)
        raise typer.Exit(USAGE) from None


@app.command(epilog=EXIT_CODES)
@command
def preflight(
    files: Annotated[list[Path], typer.Argument(help="PDF files.", metavar="FILE.pdf...", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Check PDF files against PDF/X-4 and PDF/A-2u."""
    reports = {str(file): _preflight(file) for file in files}
    if as_json:
        typer.echo(to_json({name: [v.as_dict() for v in violations] for name, violations in reports.items()}))
    for name, violations in reports.items() if not as_json else ():
        typer.echo(f"{name}: {'ok' if not violations else several(len(violations), 'violation')}")
        for violation in violations:
            typer.echo(f"  {violation}", err=True)
    if any(_grave(violations) for violations in reports.values()):
        raise typer.Exit(REFUSED)


def _preflight(file: Path) -> list[Violation]:
    return list(preflight_file(_read(str(file))))


def _grave(violations: Iterable[Violation]) -> bool:
    return any(violation.severity == "error" for violation in violations)


@layout_app.command("check", epilog=EXIT_CODES)
@command
def layout_check(as_json: AsJson = False) -> None:
    """Hold the layouts against every insurer and sample.

    Grammar, names of fields, what leaves the page or the safe area, type below the floor, collisions, fit, what covers
    a text or spoils a symbol; an error names file and line. Warnings are printed and do not fail.
    """
    settings = Settings()
    fine, violations = _checked(settings)
    if as_json:
        told = {"layouts_dir": str(settings.layouts_dir), "violations": [v.as_dict() for v in violations]}
        typer.echo(to_json(told))
    else:
        report(violations, as_json=False)
    if _grave(violations):
        if not as_json:
            errors = sum(violation.severity == "error" for violation in violations)
            typer.echo(f"{several(errors, 'error')} in {settings.layouts_dir}", err=True)
        raise typer.Exit(LAYOUT)
    if not as_json:
        warned = f", {several(len(violations), 'warning')}" if violations else ""
        typer.echo(f"{fine} in {settings.layouts_dir} are fine{warned}")


def _checked(settings: Settings) -> tuple[str, list[Violation]]:
    """What is held to be fine if nothing is wrong, and what is."""
    try:
        engine = Engine(settings)  # not compiled yet: what does not compile is told by the check, with all the rest
    except LayoutError as error:
        return "", list(error.violations)
    return f"{len(engine.documents)} documents and {len(engine.insurers)} insurers", engine.check()


@layout_app.command("diff", epilog=EXIT_CODES)
@command
def layout_diff_(
    old: Annotated[
        Path, typer.Argument(help="The folder of layouts of before.", exists=True, file_okay=False, show_default=False)
    ],
    new: Annotated[
        Path, typer.Argument(help="The folder with the change.", exists=True, file_okay=False, show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            file_okay=False,
            show_default=False,
            help="Write pictures of each page that differs: old, new, and what moved (gone in red, come in blue).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a change of layouts or profiles moves.

    Every sample is printed from both folders, with the new folder's record, and compared page by page. Exit code 1 if
    anything but `same` is said.
    """
    if out is not None:
        make_private(out)
    lacking = layout_diff.lacking(old)
    if not as_json:
        for file in lacking:
            typer.echo(f"{old} has no {file}: what it draws is only in {new}", err=True)
    told: list[dict[str, Any]] = []
    for diff in layout_diff.compare(old, new, Settings()):
        told.append(diff.as_dict())
        if out is not None:
            layout_diff.write_pictures(out, diff)
        if not as_json:
            _print_diff(told[-1], diff.violations)
    counts = Counter(one["state"] for one in told)
    if as_json:
        typer.echo(to_json({"old": str(old), "new": str(new), "lacking": lacking, "samples": told}))
    else:
        verdict = ", ".join(f"{_SAID[state]} {count}" for state, count in counts.items())
        typer.echo(f"{several(len(told), 'sample')}: {verdict or 'nothing was compared'}")
    if set(counts) - {"same"}:
        raise typer.Exit(REFUSED)


_SAID = {
    "same": "same",
    "differs": "differs",
    "refused": "refused now",
    "refused_before": "refused before",
    "refused_by_both": "refused by both",
    "only_in_old": "only in old",
    "only_in_new": "only in new",
    "looks_same": "looks the same",
}


def _print_diff(diff: dict[str, Any], violations: Iterable[Violation]) -> None:
    pages = [
        f"{page['number']}{'' if page['state'] == 'differs' else ' (' + _SAID[page['state']] + ')'}"
        for page in diff["pages"]
    ]
    where = f", {'page' if len(pages) == 1 else 'pages'} {', '.join(pages)}" if pages else ""
    if diff["state"] == "differs" and not pages:
        where = ", no page of it: the file's title, or what screens show of a spot colour"
    typer.echo(f"{diff['sample']}: {_SAID[diff['state']]}{where}")
    for violation in violations:
        typer.echo(f"  {violation}")


@layout_app.command("schema", epilog=EXIT_CODES)
@command
def layout_schema_(
    profile: Annotated[bool, typer.Option("--profile", help="That of an insurer's profile instead.")] = False,
) -> None:
    """Print the JSON Schema of a layout file, for editors."""
    typer.echo(to_json(profile_schema() if profile else layout_schema()))


@fonts_app.command("check", epilog=EXIT_CODES)
@command
def fonts_check(as_json: AsJson = False) -> None:
    """Say where each file was found, and whether it is the accepted one."""
    assets = install.survey(Settings())
    if as_json:
        typer.echo(to_json([_asset(asset) for asset in assets]))
    else:
        _print_assets(assets)
    if any(asset.state != "ok" for asset in assets):
        raise typer.Exit(ASSETS)


@fonts_app.command("install", epilog=EXIT_CODES)
@command
def fonts_install() -> None:
    """Install by apt what is missing or altered.

    On systems without apt, says what to get and where to put it.
    """
    _print_assets(install.install(Settings()))


def _asset(asset: install.Asset) -> dict[str, Any]:
    return {"id": asset.id, "name": asset.name, "path": asset.path and str(asset.path), "state": asset.state}


def _print_assets(assets: Iterable[install.Asset]) -> None:
    for asset in assets:
        typer.echo(f"{asset.state:8} {asset.id:15} {asset.name:26} {asset.path or asset.hint}")


if __name__ == "__main__":
    app()
