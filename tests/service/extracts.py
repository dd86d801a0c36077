"""Small extracts of invented people, as they are uploaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from bench.people import COLUMNS, people


def extract(count: int, seed: int = 1, **changes: Mapping[str, str]) -> bytes:
    """A CSV file; `changes` are cells of the n-th person: n3={"氏": "見本"}."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    table.writeheader()
    for at, row in enumerate(people(count, seed), start=1):
        table.writerow({**row, **changes.get(f"n{at}", {})})
    return text.getvalue().encode()


def keys(count: int, seed: int = 1) -> list[str]:
    """The people's own keys."""
    return [f"{row['世帯番号']}-{row['枝番']}" for row in people(count, seed)]
