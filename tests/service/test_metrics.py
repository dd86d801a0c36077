"""What Prometheus is told."""

from __future__ import annotations

import re
from typing import Any

from starlette.testclient import TestClient


def test_requests_and_refusals_are_counted_by_route_and_code(client: TestClient, order: dict[str, Any]) -> None:
    before = counted(client)
    assert client.post("/v1/documents", json=order).status_code == 200
    assert client.post("/v1/documents", json={**order, "record": {}}).status_code == 422
    assert client.get("/秘密太郎?q=秘密太郎").status_code == 404
    after = counted(client)

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    posted = 'docgen_request_seconds_count{method="POST",route="/v1/documents",status="%d"}'
    assert (grown(posted % 200), grown(posted % 422)) == (1, 1)
    assert grown('docgen_request_seconds_count{method="GET",route="?",status="404"}') == 1
    assert grown('docgen_problems_total{code="missing_value"}') == 1
    assert grown('docgen_problems_total{code="not_found"}') == 1
    assert after["process_resident_memory_bytes"] > 1e6


def test_no_measure_quotes_what_a_client_sent(client: TestClient) -> None:
    client.request("秘密".encode().hex(), "/v1/documents/秘密太郎/schema")
    client.get("/v1/documents/himitsu-taro/schema")
    text = client.get("/metrics").text
    assert "himitsu" not in text
    assert "秘密" not in text
    assert "秘密".encode().hex() not in text


def counted(client: TestClient) -> dict[str, float]:
    """The measures by name and labels."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = re.findall(r"^([^#\s]\S*(?: \S+)*) (\S+)$", answer.text, re.MULTILINE)
    return {name: float(value) for name, value in lines}
