"""What a line of the service's log looks like."""

from __future__ import annotations

import logging
import time

import pytest

from docgen.service.logs import Formatter


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Asia/Tokyo", "2026-11-30T15:30:00.250+09:00"),
        ("UTC", "2026-11-30T06:30:00.250+00:00"),
        ("America/St_Johns", "2026-11-30T03:00:00.250-03:30"),
    ],
)
def test_a_line_begins_with_the_time_and_its_offset(zone: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    record = logging.makeLogRecord({"created": 1796020200.25, "msg": "x"})
    try:
        assert Formatter("%(asctime)s %(message)s").format(record) == f"{said} x"
    finally:
        monkeypatch.undo()
        time.tzset()
