"""What the command line says of batches and packages, without running any."""

from __future__ import annotations

import pytest

from docgen import bulk_commands


@pytest.mark.parametrize(
    ("shards", "size", "told"),
    [
        (1, 40_000, "about 1 min and less than 1 MB, in 1 shard"),
        (2400, 3_200_000_000, "about 1 min and 3,200 MB, in 2,400 shards"),
    ],
)
def test_a_plan_tells_what_it_would_take(shards: int, size: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan = {"counts": {"people": 3}, "shards": shards, "estimate": {"seconds": 3, "bytes": size}}
    bulk_commands._tell_plan(plan, as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == told
