"""Streams and numbers as PDF has them."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.pdf import writer
from docgen.pdf.writer import deflate


@given(st.binary(max_size=4000), st.integers(1, 60))
def test_what_is_deflated_any_reader_inflates(data: bytes, times: int) -> None:
    assert zlib.decompress(deflate(data * times)) == data * times


def test_another_way_to_deflate_is_another_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = writer.deflated_probe()
    monkeypatch.setattr(writer, "deflate", lambda data: zlib.compress(data, 1))
    writer.deflated_probe.cache_clear()
    other = writer.deflated_probe()
    writer.deflated_probe.cache_clear()
    monkeypatch.undo()
    assert ours != other
    assert writer.deflated_probe() == ours
