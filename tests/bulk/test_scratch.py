"""Personal data on the local disk goes with the process that put it there, however that ends."""

from __future__ import annotations

import errno
import fcntl
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from docgen.bulk.scratch import PREFIX, scratch, sweep
from docgen.errors import BatchError

_USER = "import sys\nfrom docgen.bulk.scratch import scratch\nwith scratch() as f:\n (f / 'x').write_text('x')\n "
_USER += "print(f, flush=True)\n sys.stdin.read()"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def test_a_folder_goes_at_the_end_of_its_block(temporary: Path) -> None:
    with scratch() as folder:
        (folder / "part").write_text("personal")
        assert folder.parent.stat().st_mode & 0o077 == 0
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_leaves_is_swept_and_what_is_in_use_is_not(temporary: Path) -> None:
    command = [sys.executable, "-c", _USER]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        left = Path(process.stdout.readline().strip())
        with scratch() as mine:
            sweep()
            assert (left / "x").exists()
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert (left / "x").exists()
            sweep()
            assert not left.exists()
            assert mine.exists()
    assert list(temporary.glob(f"{PREFIX}*")) == []


def test_a_folder_that_is_just_being_begun_is_not_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fcntl.flock

    def late(file: IO[bytes], how: int) -> None:
        if not how & fcntl.LOCK_NB:
            sweep()  # another process's, between the file and its lock
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with scratch() as folder:
        assert folder.exists()


def test_a_disk_that_fills_up_is_told_with_its_folder(temporary: Path) -> None:
    with pytest.raises(BatchError) as caught, scratch():
        raise OSError(errno.ENOSPC, "a name")
    (violation,) = caught.value.violations
    assert violation.code == "store_unavailable"
    assert violation.message == f"The folder {temporary} cannot be written: No space left on device."
    assert list(temporary.iterdir()) == []
