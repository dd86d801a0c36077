"""A PDF file written as a stream: objects go out as they are made, memory holds their offsets only.

Knows PDF syntax (ISO 32000-1) and nothing of documents. No clock, no randomness: the file's ID is a hash of its bytes.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from functools import cache, lru_cache
from typing import BinaryIO

from deflate import zlib_compress

_LEVEL = 1
_IRREGULAR = re.compile(rb"[^!-~]|[#()<>\[\]{}/%]")  # ISO 32000-1, 7.3.5
_WRITTEN_AT_ONCE = 64  # objects: one call for many small ones, and no more memory than a few pages take


def deflate(data: bytes) -> bytes:
    """Data as FlateDecode takes it (RFC 1950), by libdeflate: half the time of zlib's level 1, and fewer bytes.

    The same bytes for the same data, in every process. (ISA-L, faster by a quarter, now and then missed a match that it
    found in another process.)
    """
    return bytes(zlib_compress(data, _LEVEL))


@cache
def deflated_probe() -> str:
    """SHA-256 of a fixed text, deflated: machines that agree on it deflate alike.

    Another version of the library may deflate otherwise.
    """
    probe = b" ".join([b"%d %d.02 1.02 re" % (at % 31, at * at % 9973) for at in range(20_000)])
    return hashlib.sha256(deflate(probe)).hexdigest()


@lru_cache(4096)  # advances, sizes and inks come again in every file
def number(value: float) -> str:
    """A number as PDF writes it, to a thousandth of a point."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def text_string(value: str) -> str:
    """A text string object: ASCII as it is, anything else as UTF-16BE with its mark."""
    if value.isascii() and value.isprintable():
        escaped = value.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        return f"({escaped})"
    return "<" + (b"\xfe\xff" + value.encode("utf-16-be")).hex() + ">"


def name(value: str) -> str:
    """A name object; what is not a regular character is written as #xx."""
    escaped = _IRREGULAR.sub(lambda found: b"#%02x" % ord(found[0]), value.encode("utf-8"))
    return f"/{escaped.decode('ascii')}"


class PdfStream:
    """Writes one PDF 1.6 file to a binary stream that need not be seekable."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self._offsets = array("Q", [0])
        self._position = 0
        self._pending: list[bytes] = []
        self._write(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n")

    def reserve(self) -> int:
        """A number for an object that is written later."""
        self._offsets.append(0)
        return len(self._offsets) - 1

    def put(self, body: str | bytes, number_: int | None = None) -> int:
        """Write one object; returns its number."""
        num = self.reserve() if number_ is None else number_
        self._offsets[num] = self._position
        data = body.encode("ascii") if isinstance(body, str) else body
        self._write(b"%d 0 obj\n%b\nendobj\n" % (num, data))
        return num

    def put_stream(self, data: bytes, entries: str = "", number_: int | None = None) -> int:
        """Write one stream object, deflated; `entries` are further keys of its dictionary."""
        return self.put_deflated(deflate(data), entries, number_)

    def put_deflated(self, data: bytes, entries: str = "", number_: int | None = None) -> int:
        """Write one stream object whose bytes are deflated (RFC 1950)."""
        return self.put_raw_stream(data, f"{entries}/Filter/FlateDecode", number_)

    def put_raw_stream(self, data: bytes, entries: str = "", number_: int | None = None) -> int:
        """Write one stream object whose bytes are ready."""
        return self.put(
            b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries.encode("ascii"), len(data), data), number_
        )

    def finish(self, root: int, info: int) -> str:
        """Write the cross-reference table and the trailer; returns the file's ID, 32 hex digits."""
        identity = self.digest[:32]
        start = self._position
        self._write(b"xref\n0 %d\n0000000000 65535 f \n" % len(self._offsets))
        for at in range(1, len(self._offsets), 4096):
            self._write(b"".join([b"%010d 00000 n \n" % offset for offset in self._offsets[at : at + 4096]]))
        trailer = f"<</Size {len(self._offsets)}/Root {root} 0 R/Info {info} 0 R/ID[<{identity}><{identity}>]>>"
        self._write(f"trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n".encode("ascii"))
        self._flush()
        return identity

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far."""
        self._flush()
        return self._hash.hexdigest()

    def _write(self, data: bytes) -> None:
        self._pending.append(data)
        self._position += len(data)
        if len(self._pending) >= _WRITTEN_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        data = b"".join(self._pending)
        self._pending.clear()
        self._stream.write(data)
        self._hash.update(data)
