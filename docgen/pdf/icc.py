"""The output profile: the ICC profile of the press that a file is made for, which becomes its output intent."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from docgen.errors import AssetError, Violation

# Ghostscript's stand-in, where Debian's libgs-common puts it: good for proofs; a press run wants the printer's own.
DEFAULT_PATHS = (
    Path("/usr/share/color/icc/ghostscript/default_cmyk.icc"),
    Path("/usr/share/ghostscript/iccprofiles/default_cmyk.icc"),
)
_HEADER = 128


@dataclass(frozen=True, slots=True)
class OutputProfile:
    """A CMYK printer profile: its bytes, their SHA-256 (hex) and its own description."""

    data: bytes
    sha256: str
    description: str

    @property
    def is_stand_in(self) -> bool:
        """Whether it is one of Ghostscript's own, which stand for no press."""
        return self.description.startswith("Artifex")


def load_output_profile(path: Path | None = None) -> OutputProfile:
    """The profile at `path`, or else Ghostscript's default CMYK profile from Debian's places.

    Raises AssetError `icc_missing` where there is no such file, `icc_invalid` where it is no CMYK printer profile of
    ICC version 4 or lower (what PDF/X-4, ISO 15930-7, takes as output intent).
    """
    candidates = DEFAULT_PATHS if path is None else (path,)
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        hint = "install Debian's libgs-common, or set the output profile to the .icc file that the print vendor names"
        places = ", ".join(map(str, candidates))
        raise AssetError(Violation("icc_missing", f"no CMYK output profile at {places}", hint, file=candidates[0].name))
    data = found.read_bytes()
    faults = profile_faults(data)
    if faults:
        hint = "set the output profile to a CMYK printer (output) profile, ICC version 4 or lower"
        raise AssetError(Violation("icc_invalid", f"{found}: {'; '.join(faults)}", hint, file=found.name))
    return OutputProfile(data, hashlib.sha256(data).hexdigest(), _description(data))


def profile_faults(data: bytes) -> list[str]:
    """What keeps these bytes from being a CMYK output intent, empty if nothing (ICC.1, https://www.color.org/, 7.2)."""
    if len(data) < _HEADER + 4 or data[36:40] != b"acsp":
        return ["it is no ICC profile"]
    faults = []
    (size,) = struct.unpack_from(">I", data)
    if size != len(data):
        faults.append(f"it is cut short or padded: {len(data)} bytes, its header says {size}")
    if data[8] > 4:
        faults.append(f"its ICC version is {data[8]}, later than 4")
    if data[12:16] != b"prtr":
        faults.append(f"its class is {_tag(data[12:16])}, not prtr (printer)")
    if data[16:20] != b"CMYK":
        faults.append(f"its colour space is {_tag(data[16:20])}, not CMYK")
    return faults


def _tag(raw: bytes) -> str:
    return raw.decode("latin-1").strip()


def _description(data: bytes) -> str:
    """The `desc` tag: ASCII in version 2, the first language in version 4; empty where it cannot be read."""
    (count,) = struct.unpack_from(">I", data, _HEADER)
    for start in range(_HEADER + 4, min(_HEADER + 4 + 12 * count, len(data) - 11), 12):
        name, offset, size = struct.unpack_from(">4sII", data, start)
        if name == b"desc":
            return _description_text(data[offset : offset + size])
    return ""


def _description_text(tag: bytes) -> str:
    if tag[:4] == b"desc" and len(tag) >= 12:
        (length,) = struct.unpack_from(">I", tag, 8)
        return tag[12 : 12 + length].split(b"\0")[0].decode("ascii", "replace")
    if tag[:4] == b"mluc" and len(tag) >= 28:
        length, offset = struct.unpack_from(">II", tag, 20)
        return tag[offset : offset + length].decode("utf-16-be", "replace")
    return ""
