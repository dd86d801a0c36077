"""The service as a process: it says where it listens, keeps its log clean, and stops when asked."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

SECRET = "秘密太郎"


def test_a_served_process_answers_logs_no_personal_data_and_stops(order: dict[str, Any], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        command = [sys.executable, "-m", "docgen.cli", "serve", "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr)
        assert process.stdout is not None
        try:
            address = urlsplit(process.stdout.readline().decode().split()[-1])
            assert address.hostname == "127.0.0.1"
            statuses = _talk(address.hostname, address.port, order)
        finally:
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=30)
    assert statuses == [200, 422, 200, 400, 404]
    assert process.returncode == 0
    written = log.read_text(encoding="utf-8")
    assert SECRET not in written + rest.decode()
    assert quote(SECRET) not in written
    assert written.count("docgen.access POST /v1/documents ") == 3
    assert "docgen.access GET ? 404" in written
    assert "docgen.access HEAD /livez 200" in written


def _talk(host: str, port: int | None, order: dict[str, Any]) -> list[int]:
    refused = {**order, "record": {**order["record"], "symbol": SECRET + "\u202e"}}
    body, broken = json.dumps(refused).encode(), f'{{"insurer": "{SECRET}'.encode()
    connection = http.client.HTTPConnection(host, port, timeout=30)
    statuses = []
    for method, path, content in (
        ("POST", "/v1/documents", json.dumps(order).encode()),
        ("POST", "/v1/documents", body),
        ("HEAD", "/livez", None),  # with a body, the next answer on this connection could not be read
        ("POST", "/v1/documents", broken),
        ("GET", f"/{quote(SECRET)}?name={quote(SECRET)}", None),
    ):
        connection.request(method, path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    return statuses
