from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from docgen.errors import AssetError
from docgen.pdf import icc
from docgen.pdf.icc import load_output_profile, profile_faults


@pytest.fixture(scope="module")
def good() -> bytes:
    return load_output_profile().data


def with_bytes(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place + len(new) :]


def test_ghostscripts_profile_is_the_default() -> None:
    profile = load_output_profile()
    assert profile.data in [path.read_bytes() for path in icc.DEFAULT_PATHS if path.is_file()]
    assert profile.sha256 == hashlib.sha256(profile.data).hexdigest()
    assert "CMYK" in profile.description


def test_a_profile_of_ones_own_is_taken(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "own.icc"
    path.write_bytes(with_bytes(good, 8, b"\4"))
    assert load_output_profile(path).data[8] == 4


def test_a_missing_profile_says_what_to_install_and_where_it_was_sought(tmp_path: Path) -> None:
    with pytest.raises(AssetError) as error:
        load_output_profile(tmp_path / "none.icc")
    (violation,) = error.value.violations
    assert violation.code == "icc_missing"
    assert str(tmp_path / "none.icc") in violation.message
    assert "libgs-common" in violation.hint


def test_no_default_profile_at_all_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(icc, "DEFAULT_PATHS", (tmp_path / "a.icc", tmp_path / "b.icc"))
    with pytest.raises(AssetError, match=r"b\.icc"):
        load_output_profile()


@pytest.mark.parametrize(
    ("place", "new", "word"),
    [
        (36, b"ascq", "no ICC"),
        (16, b"RGB ", "RGB"),
        (12, b"mntr", "mntr"),
        (8, b"\5", "version"),
        (0, b"\0\0\1\0", "cut"),
    ],
)
def test_another_kind_of_profile_is_refused(good: bytes, tmp_path: Path, place: int, new: bytes, word: str) -> None:
    path = tmp_path / "wrong.icc"
    path.write_bytes(with_bytes(good, place, new))
    with pytest.raises(AssetError, match=word) as error:
        load_output_profile(path)
    assert [violation.code for violation in error.value.violations] == ["icc_invalid"]


@pytest.mark.parametrize("data", [b"", b"acsp", bytes(128)])
def test_what_is_no_profile_is_refused_whatever_its_length(data: bytes) -> None:
    assert profile_faults(data) == ["it is no ICC profile"]


def test_a_description_of_version_4_is_read(good: bytes, tmp_path: Path) -> None:
    name = "試験 CMYK".encode("utf-16-be")
    tag = b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x6A61, 0x4A50, len(name), 28) + name
    data = good[:128] + struct.pack(">I4sII", 1, b"desc", 144, len(tag)) + tag
    path = tmp_path / "v4.icc"
    path.write_bytes(struct.pack(">I", len(data)) + data[4:])
    assert load_output_profile(path).description == "試験 CMYK"


@pytest.mark.parametrize("tag", [b"", b"desc", b"mluc", b"desc\0\0\0\0\0\0\xff\xff"])
def test_a_broken_description_is_no_reason_to_refuse(good: bytes, tmp_path: Path, tag: bytes) -> None:
    data = good[:128] + struct.pack(">I4sII", 1, b"desc", 144, len(tag)) + tag
    path = tmp_path / "broken.icc"
    path.write_bytes(struct.pack(">I", len(data)) + data[4:])
    assert load_output_profile(path).description == ""
