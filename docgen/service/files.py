"""Finished files over HTTP: one by one, or one side of a package as a tar, each with ranges (RFC 9110, section 14)."""

from __future__ import annotations

import hashlib
import re
import tarfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import accumulate
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from docgen.bulk.opened import MANIFEST, Manifest, open_manifest
from docgen.bulk.store import Store
from docgen.errors import RequestError, Violation

Side = Literal["vendor", "issuer"]
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")  # an exabyte; Python reads no number of any length
_BLOCK = 1 << 20
_TAR_BLOCK = 512
_TYPES = {".pdf": "application/pdf", ".csv": "text/csv; charset=utf-8", ".json": "application/json"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer: bytes, or a whole file of a store."""

    size: int
    content: bytes | None = None
    store: Store | None = None
    name: str = ""

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from start to before end, in bounded memory."""
        if self.content is not None:
            yield self.content[start:end]
            return
        assert self.store is not None
        with self.store.reader(self.name) as file:
            file.seek(start)
            left = end - start
            while left and (block := file.read(min(left, _BLOCK))):
                left -= len(block)
                yield block


@dataclass(frozen=True, slots=True)
class Download:
    """An answer before its range is known. Equal tags mean equal bytes."""

    pieces: Sequence[Piece]
    media_type: str
    filename: str
    tag: str

    def answer(self, request: Request) -> Response:
        """All of it, or the one range that was asked for. Raises RequestError `range_not_satisfiable`."""
        size = sum(piece.size for piece in self.pieces)
        headers = {
            "Accept-Ranges": "bytes",
            "Cache-Control": "no-store",  # people's documents
            "Content-Disposition": f'attachment; filename="{self.filename}"',
            "ETag": f'"{self.tag}"',
            "X-Content-Type-Options": "nosniff",
        }
        asked = request.headers.get("range")
        if request.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
            asked = None
        found = _range(asked, size)
        start, end = found or (0, size)
        if found:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        headers["Content-Length"] = str(end - start)
        status = 206 if found else 200
        return StreamingResponse(self._read(start, end), status, headers, media_type=self.media_type)

    def _read(self, start: int, end: int) -> Iterator[bytes]:
        ends = list(accumulate(piece.size for piece in self.pieces))
        at = bisect_right(ends, start)
        while start < end:
            begins = ends[at] - self.pieces[at].size
            stop = min(end, ends[at])
            yield from self.pieces[at].read(start - begins, stop - begins)
            start, at = stop, at + 1


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """From and to before; None if all is wanted. Several at once, and what is no range, get all."""
    match = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if first and last and int(last) < int(first):
        return None
    if start >= size:
        message = f"the file has {size} bytes"
        raise RequestError(Violation("range_not_satisfiable", message, "ask for bytes that it has"))
    return start, end


def file_of(store: Store, side: Side, name: str) -> Download:
    """One file of a package. Raises RequestError `not_found` for anything that its manifest does not name."""
    full = f"{side}/{name}"
    known = _files(store, open_manifest(store), side)
    if full not in known:
        raise RequestError(Violation("not_found", "the package has no file of this name", "see its manifest"))
    size, tag = known[full]
    media = _TYPES.get(f".{name.rpartition('.')[2]}", "application/octet-stream")
    return Download([Piece(size, store=store, name=full)], media, name.rpartition("/")[2], tag)


def package_of(store: Store, side: Side) -> Download:
    """One side of a package as a tar, the same bytes whenever it is asked for: so an interrupted one is continued."""
    pieces: list[Piece] = []
    said, tags = open_manifest(store), hashlib.sha256()
    when = int(datetime.combine(said.job.issued_on, time(), UTC).timestamp())
    for name, (size, tag) in sorted(_files(store, said, side).items()):
        info = tarfile.TarInfo(f"{said.package}/{name}")
        info.size, info.mtime, info.mode = size, when, 0o644
        head = info.tobuf(tarfile.PAX_FORMAT)
        padding = -size % _TAR_BLOCK
        pieces += [
            Piece(len(head), head),
            Piece(size, store=store, name=name),
            *([Piece(padding, bytes(padding))] if padding else []),
        ]
        tags.update(tag.encode())
    pieces.append(Piece(2 * _TAR_BLOCK, bytes(2 * _TAR_BLOCK)))
    return Download([p for p in pieces if p.size], "application/x-tar", f"{said.package}-{side}.tar", tags.hexdigest())


def _files(store: Store, said: Manifest, side: Side) -> dict[str, tuple[int, str]]:
    """The files of a side: bytes and tag. The manifest, which does not name itself, belongs to the vendor's."""
    found = {name: (file.bytes, file.sha256) for name, file in said.files.items() if name.startswith(f"{side}/")}
    if side == "vendor":
        content = store.read(MANIFEST)
        found[MANIFEST] = (len(content), hashlib.sha256(content).hexdigest())
    return found
