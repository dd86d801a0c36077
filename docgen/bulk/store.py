"""Where a batch lives: a folder, or a prefix of an S3-compatible store.

A write is there as a whole or not at all, and the last of two writes stays; so a shard that runs twice does no harm.
Names are relative, with forward slashes: `vendor/S0001-pages.csv`. Reading what is not there is a FileNotFoundError; a
store that stays away after every retry, or that cannot be written (a full disk), is a BatchError `store_unavailable`.
"""

from __future__ import annotations

import io
import math
import os
import random
import secrets
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

from docgen.bulk.location import is_folder
from docgen.bulk.scratch import Unwritable, make_private, scratch, written
from docgen.errors import BatchError, RequestError, Violation

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore.store import ClientConfig, RetryConfig

T = TypeVar("T")

CHUNK = 8 * 1024 * 1024  # bytes of one part of an upload, and of one read of a stream
INCOMING = ".incoming"  # where a folder keeps what is not whole yet
ATTEMPTS = 6

# One request's retries happen inside obstore (5xx, slow down, lost connections); ours are for what it gives up on.
_RETRY: RetryConfig = {
    "max_retries": 10,
    "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(seconds=5), "base": 2},
    "retry_timeout": timedelta(minutes=2),
}
# Asking again does not help with these.
_FINAL = (
    obstore.exceptions.InvalidPathError,
    obstore.exceptions.NotSupportedError,
    obstore.exceptions.PermissionDeniedError,
    obstore.exceptions.UnauthenticatedError,
    obstore.exceptions.UnknownConfigurationKeyError,
)


class Store(ABC):
    """Bytes by name. `location` opens the same store again, in any process that may use it."""

    location: str

    @staticmethod
    def open(location: str | Path) -> Store:
        """The store of a folder, made private when something is put there, or of `s3://BUCKET/PREFIX`.

        Endpoint, region and keys of S3 come from the environment, as AWS's own tools read them: AWS_ENDPOINT_URL,
        AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. Raises RequestError `location_form` for any other URL.
        """
        try:
            return _Folder(Path(location)) if is_folder(str(location)) else _S3(str(location))
        except ValueError as error:
            hint = "name a folder, or s3://BUCKET/PREFIX with both slashes"
            raise RequestError(Violation("location_form", f"{location}: {error}", hint)) from None

    @abstractmethod
    def put(self, name: str, content: bytes | Path) -> None:
        """Write bytes, or a copy of a local file, in place of what is there."""

    @abstractmethod
    def put_stream(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write what the chunks hold, one after the other, in bounded memory."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """All bytes of an object."""

    @abstractmethod
    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of an object from its beginning, in bounded memory."""

    @abstractmethod
    def reader(self, name: str) -> BinaryIO:
        """A file to read and seek in; the caller closes it."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes of an object."""

    @abstractmethod
    def names(self, folder: str = "") -> Iterator[str]:
        """The names of all objects, or of those under a folder, sorted as strings."""

    @abstractmethod
    def folders(self) -> list[str]:
        """The first parts of the names of all objects that have more than one, sorted."""

    @abstractmethod
    def written_at(self) -> float | None:
        """When something was last written here, finished or not: seconds since 1970; None if nothing is here."""

    @abstractmethod
    def delete(self, folder: str = "") -> None:
        """Remove all objects, or the one of this name, or those under a folder; what is not there is no error."""

    def fetch(self, name: str, target: Path) -> None:
        """Copy an object into a local file, whole or not at all."""
        with _whole_file(target, target.parent) as file:
            file.writelines(self.chunks(name))

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True


class _Folder(Store):
    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.abspath(root))
        self.location = str(self._root)

    def put(self, name: str, content: bytes | Path) -> None:
        if isinstance(content, Path):
            with content.open("rb") as source:
                self.put_stream(name, _pieces(source))
        else:
            self.put_stream(name, [content])

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> None:
        target = self._path(name)
        with written(self._root):
            self._make()
            # Half-written files are kept out of the folders that are handed over, even after a kill.
            with _whole_file(target, self._root / INCOMING) as file:
                file.writelines(chunks)

    def read(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def chunks(self, name: str) -> Iterator[bytes]:
        with self._path(name).open("rb") as file:
            yield from _pieces(file)

    def reader(self, name: str) -> BinaryIO:
        return self._path(name).open("rb")

    def size(self, name: str) -> int:
        path = self._path(name)
        if not path.is_file():
            raise FileNotFoundError(name)
        return path.stat().st_size

    def names(self, folder: str = "") -> Iterator[str]:
        top = self._path(folder) if folder else self._root
        found = [
            (Path(parent) / file).relative_to(self._root).as_posix()
            for parent, _, files in os.walk(top)
            if Path(parent) != self._root / INCOMING
            for file in files
        ]
        return iter(sorted(found))

    def folders(self) -> list[str]:
        if not self._root.is_dir():
            return []
        return sorted(path.name for path in self._root.iterdir() if path.is_dir() and path.name != INCOMING)

    def written_at(self) -> float | None:
        if not self._root.is_dir():
            return None
        return max(path.stat().st_mtime for path in (self._root, *self._root.rglob("*")))

    def delete(self, folder: str = "") -> None:
        path = self._path(folder) if folder else self._root
        with written(self._root):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
                if path.exists():  # a writer put something in while it was being emptied
                    shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _make(self) -> None:
        try:
            make_private(self._root)
        except OSError as error:  # whatever it is: a file may be in the way, or nothing be made there
            raise Unwritable(self._root, error) from error

    def _path(self, name: str) -> Path:
        return self._root / _checked(name)


class _S3(Store):
    def __init__(self, location: str) -> None:
        url = urlsplit(location)
        prefix = url.path.strip("/")
        self.location = f"s3://{url.netloc}/{prefix}" if prefix else f"s3://{url.netloc}"
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        client: ClientConfig = {"allow_http": endpoint.startswith("http://"), "timeout": "60s"}
        self._store = S3Store(url.netloc, prefix=prefix or None, client_options=client, retry_config=_RETRY)

    def put(self, name: str, content: bytes | Path) -> None:
        _checked(name)
        # An upload in parts whose last answer was lost is not found any more when it is asked for again.
        _retried(lambda: obstore.put(self._store, name, content, chunk_size=CHUNK, max_concurrency=2), final=_FINAL)

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> None:
        # A stream cannot be sent twice, a file can: so it goes to a file first.
        with scratch() as folder:
            spool = folder / "spool"
            with spool.open("wb") as file:
                file.writelines(chunks)
            self.put(name, spool)

    def read(self, name: str) -> bytes:
        _checked(name)
        return _retried(lambda: obstore.get(self._store, name).bytes().to_bytes())

    def chunks(self, name: str) -> Iterator[bytes]:
        with self.reader(name) as file:
            yield from _pieces(file)

    def reader(self, name: str) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_S3File(self._store, name, self.size(name)), CHUNK // 8))

    def size(self, name: str) -> int:
        _checked(name)
        return _retried(lambda: obstore.head(self._store, name))["size"]

    def names(self, folder: str = "") -> Iterator[str]:
        return iter(sorted(_retried(lambda: self._list(folder))))

    def folders(self) -> list[str]:
        return sorted(_retried(lambda: obstore.list_with_delimiter(self._store))["common_prefixes"])

    def written_at(self) -> float | None:
        pages = _retried(lambda: list(obstore.list(self._store)))
        return max((item["last_modified"].timestamp() for page in pages for item in page), default=None)

    def delete(self, folder: str = "") -> None:
        names = list(self.names(folder)) if folder == "" or not self.exists(folder) else [folder]
        for start in range(0, len(names), 1000):  # the most that one request takes
            batch = names[start : start + 1000]
            _retried(lambda batch=batch: obstore.delete(self._store, batch))  # type: ignore[misc]

    def _list(self, folder: str) -> list[str]:
        return [item["path"] for page in obstore.list(self._store, _checked(folder) or None) for item in page]


class _S3File(io.RawIOBase):
    """An object of S3 as a file, by ranges."""

    def __init__(self, store: S3Store, name: str, size: int) -> None:
        self._store, self._name, self._size, self._at = store, name, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        start, end = self._at, min(self._at + len(view), self._size)
        if start >= end:
            return 0
        data = _retried(lambda: obstore.get_range(self._store, self._name, start=start, end=end).to_bytes())
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def backoff(attempt: int, first: float = 0.05, most: float = 5.0) -> float:
    """Seconds to wait before another attempt, counted from 0: twice as long each time, spread at random."""
    return min(most, math.ldexp(first, attempt)) * random.uniform(0.5, 1.0)


def _retried(ask: Callable[[], T], final: tuple[type[Exception], ...] = (FileNotFoundError, *_FINAL)) -> T:
    for attempt in range(ATTEMPTS):
        try:
            return ask()
        except final:
            raise
        except (FileNotFoundError, obstore.exceptions.BaseError) as error:
            cause = error
        if attempt + 1 < ATTEMPTS:
            time.sleep(backoff(attempt))
    # The store's own words may hold addresses and signatures: they stay out of the message.
    message = f"The object store did not answer {ATTEMPTS} attempts in a row."
    raise BatchError(Violation("store_unavailable", message, "Run the batch again with --resume.")) from cause


@contextmanager
def _whole_file(target: Path, workplace: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the target's place when all is on the disk."""
    workplace.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = workplace / f".{secrets.token_hex(8)}"
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(CHUNK):
        yield piece


def _checked(name: str) -> str:
    parts = name.split("/")
    if name and (any(part in ("", ".", "..", INCOMING) for part in parts) or "\\" in name or "\0" in name):
        raise ValueError(f"no name of an object: {name!r}")
    return name
