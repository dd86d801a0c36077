"""What all commands share: how errors, results and exit codes are told."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import typer
from pydantic import ValidationError

from docgen.bulk.scratch import UNWRITABLE
from docgen.errors import AssetError, BatchError, DocgenError, LayoutError, RequestError, Violation
from docgen.pdf.icc import load_output_profile
from docgen.settings import faults

P = ParamSpec("P")

REFUSED, USAGE, LAYOUT, ASSETS, INTERRUPTED = 1, 2, 3, 4, 5
EXIT_CODES = """\b
Exit codes:
  0  done
  1  refused, or nobody of a batch could be printed: every violation is on standard error; `layout diff`: not the same
  2  wrong usage: an unknown option, insurer or document, a wrong or unknown setting
  3  a layout or an insurer's profile is wrong
  4  a font or the colour profile is missing or altered
  5  a batch was interrupted: issue it again with --resume
  130  interrupted, and nothing is left of it
"""
_UNKNOWN = {
    "unknown_insurer",
    "unknown_document",
    "unknown_delivery",
    "no_bulk_settings",
    "job_number_form",
    "location_form",
    "unusable_place",
}
_AWAY = {"store_unavailable", "ledger_unavailable", "cluster_unavailable", "worker_differs"}

AsJson = Annotated[bool, typer.Option("--json", help="Write results, and violations, as JSON.")]


def command(function: Callable[P, None]) -> Callable[P, None]:
    """Turn docgen's errors into lines on standard error and an exit code; with --json, into JSON there."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except DocgenError as error:
            fail(error.violations, exit_code(error), as_json=bool(kwargs.get("as_json")))
        except ValidationError as error:
            for fault in faults(error):
                typer.echo(fault, err=True)
            raise typer.Exit(USAGE) from None
        except KeyboardInterrupt:
            typer.echo("interrupted: nothing is left of it, give the same command again", err=True)
            raise typer.Exit(128 + signal.SIGINT) from None
        except BrokenPipeError:
            sys.stderr.close()  # the reader of our output left; Python would complain about it at exit
            raise typer.Exit(0) from None
        except OSError as error:
            fail([_unusable(error)], REFUSED, as_json=bool(kwargs.get("as_json")))

    return guarded


def _unusable(error: OSError) -> Violation:
    """What the system says of a file: of one that has no name here, the whole place is in the traceback."""
    if error.filename is None:
        if error.errno not in UNWRITABLE:
            raise error
        return Violation("unwritable_file", f"standard output: {error.strerror}", "send it where there is room")
    hint = "see that it is what it should be, and may be read and written"
    return Violation("unreadable_file", f"{os.fsdecode(error.filename)}: {error.strerror}", hint)


def exit_code(error: DocgenError) -> int:
    """The exit code that tells a script what kind of error it was."""
    codes = {violation.code for violation in error.violations}
    if codes & _UNKNOWN:
        return USAGE
    if isinstance(error, BatchError) and codes & _AWAY:
        return INTERRUPTED
    if isinstance(error, LayoutError):
        return LAYOUT
    return ASSETS if isinstance(error, AssetError) else REFUSED


def fail(violations: Iterable[Violation], code: int, *, as_json: bool) -> NoReturn:
    """Tell the violations, and end."""
    report(violations, as_json=as_json)
    raise typer.Exit(code)


def report(violations: Iterable[Violation], *, as_json: bool) -> None:
    """Tell violations on standard error."""
    if as_json:
        typer.echo(to_json({"violations": [violation.as_dict() for violation in violations]}), err=True)
    else:
        for violation in violations:
            typer.echo(violation, err=True)


def tell_stand_in(output_profile: Path) -> None:
    """Tell on standard error that what is printed is for no press. Raises AssetError as `load_output_profile` does."""
    profile = load_output_profile(output_profile)
    if profile.is_stand_in:
        message = f"prints with the stand-in output profile, {profile.description}"
        typer.echo(f"{message}: set DOCGEN_OUTPUT_PROFILE before anything goes to press", err=True)


def unwritable(name: str, error: OSError) -> RequestError:
    """The error for a file or folder of the command line that cannot be written."""
    return RequestError(Violation("unwritable_file", f"{name}: {error.strerror}", "name a place that can be written"))


def to_json(value: Any) -> str:
    """JSON for people and programs."""
    return json.dumps(value, ensure_ascii=False, indent=2)
