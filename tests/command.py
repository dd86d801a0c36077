"""The command line as a script sees it, but in this process: a new one takes a second to load what this one has."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from docgen.cli import app

ROOT = Path(__file__).parent.parent


def run(
    *arguments: str | Path, stdin: bytes = b"", cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> CompletedProcess[bytes]:
    """The exit code of `docgen ARGUMENTS`, and what it wrote; an error that it lets through is a traceback and 1."""
    command = ["docgen", *map(str, arguments)]
    streams = [io.TextIOWrapper(io.BytesIO(content), "utf-8", write_through=True) for content in (stdin, b"", b"")]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        patch.setattr(sys, "argv", command)
        code = _exit_code()
    out, errors = (stream.buffer.getvalue() for stream in streams[1:])  # type: ignore[attr-defined]
    return CompletedProcess(command, code, out, errors)


def _exit_code() -> int:
    try:
        app()
    except SystemExit as end:
        return int(end.code or 0)
    except Exception:
        traceback.print_exc()
        return 1
    return 0
