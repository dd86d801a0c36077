"""The service as a process: it says where it listens, keeps its log clean, and stops when asked."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

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
    assert "prints with the stand-in output profile, Artifex CMYK SWOP Profile: set DOCGEN_OUTPUT_PROFILE" in written
    assert SECRET not in written + rest.decode()
    assert quote(SECRET) not in written
    assert written.count("docgen.access POST /v1/documents ") == 3
    assert "docgen.access GET ? 404" in written
    assert "docgen.access HEAD /livez 200" in written


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where a service listens that runs in a process of its own."""
    command = [sys.executable, "-m", "docgen.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        said = urlsplit(process.stdout.readline().decode().split()[-1])
        yield said.hostname or "", said.port or 0
        process.send_signal(signal.SIGINT)


def test_small_answers_on_a_kept_connection_do_not_wait_for_the_clients_acknowledgement(
    address: tuple[str, int],
) -> None:
    connection = http.client.HTTPConnection(*address, timeout=30)
    times = []
    for _ in range(60):
        started = time.perf_counter()
        connection.request("GET", "/livez")
        connection.getresponse().read()
        times.append(time.perf_counter() - started)
    connection.close()
    # Linux puts off an acknowledgement by 40 ms at least, but not on the first packets of a connection.
    assert statistics.median(times[30:]) < 0.035


def test_a_request_whose_head_does_not_end_is_refused(address: tuple[str, int]) -> None:
    most = 10_000_000
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n")
        line, sent = b"x: " + b"y" * 1000 + b"\r\n", 0
        with contextlib.suppress(ConnectionError):  # it hangs up while we send
            while sent < most:
                connection.sendall(line)
                sent += len(line)
    assert sent < most


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
