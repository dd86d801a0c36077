"""Local folders for personal data: gone when their work is done, and swept after a process that was killed."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from docgen.errors import BatchError, Violation

PREFIX = "docgen-batch-"
_LOCK = "lock"  # held by the process that uses the folder, and let go by the system when that process ends, however
_FULL = {errno.ENOSPC, errno.EDQUOT}  # which nothing but a write says
UNWRITABLE = {*_FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


class Unwritable(BatchError):
    """A folder that the system does not let us make or write."""

    def __init__(self, folder: Path, error: OSError) -> None:
        """Name the folder."""
        self.folder, self.error = folder, error
        message = f"The folder {folder} cannot be written: {os.strerror(error.errno or 0)}."
        hint = "See to the disk, its quota and the folder's owner, then run the batch again with --resume."
        super().__init__(Violation("store_unavailable", message, hint))


@contextmanager
def written(folder: Path, errors: Collection[int] = UNWRITABLE) -> Iterator[None]:
    """Raise Unwritable with the folder if the system does not let the block write there.

    That is a BatchError `store_unavailable`: no fault of the batch, and may be put right. `errors` are the numbers of
    the system's errors that it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.errno not in errors:
            raise
        raise Unwritable(folder, error) from error


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder, readable by this user alone, that is removed with all it holds at the end of the block.

    A disk that fills up in the block is a BatchError `store_unavailable`.
    """
    with written(Path(tempfile.gettempdir()), _FULL), tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        with (folder / "begun").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "begun").rename(folder / _LOCK)  # which nobody who sweeps finds unlocked
            (folder / "work").mkdir()
            yield folder / "work"


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, readable by this user alone, whatever the umask.

    One that exists is left as it is: whoever made it has decided who may read what is in it.
    """
    if folder.is_dir():
        return
    make_private(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(0o700)


def sweep() -> None:
    """Remove the folders of processes that have ended without removing them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            with (folder / _LOCK).open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, just begun, gone already, or another user's
