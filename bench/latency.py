"""How long one card takes in a warm process: alone, over HTTP, and over HTTP among others."""

from __future__ import annotations

import http.client
import io
import json
import os
import pickle
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench.peer import peak_rss_mb
from docgen.settings import Settings

_WARM_UP = 20
CLIENTS = 8
_STARTS_WITHIN_S = 60
HTTP_SAMPLE = "association-insured"
_END_OF_HEAD = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_MOST_READ = 1 << 16


def in_process(work: Path, count: int) -> dict[str, Any]:
    """One bench card at a time, each a file of its own: an entry of bench.json without its name."""
    from bench.peers.docgen import Press

    _, records = pickle.loads(work.read_bytes())
    press = Press()
    press.prepare()
    sizes: list[int] = []

    def one(at: int) -> None:
        stream = io.BytesIO()
        press.write([records[at % len(records)]], stream)
        sizes.append(stream.tell())

    times, cpu = _measure(one, count, time.process_time)
    return _entry(times, cpu, peak_rss_mb(), sizes[-1])


def over_http(folder: Path, count: int) -> dict[str, Any]:
    """One real card at a time from a real service, one client on a kept connection. Raises OSError if it fails."""
    with _service(folder / "service.log") as service:
        client = _Client(service)
        times, cpu = _measure(client.ask, count, lambda: _cpu_of(service.process.pid))
        return _entry(times, cpu, peak_rss_mb(str(service.process.pid)), client.size)


def under_load(folder: Path, count: int) -> dict[str, Any]:
    """Eight clients at once on two service processes, each asking for the next card as soon as it has one."""
    with _service(folder / "service-1.log") as one, _service(folder / "service-2.log") as two:
        services = (one, two)
        clients = [_Client(services[at % 2]) for at in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda client: client.times(_WARM_UP), clients))
            cpu, started = sum(_cpu_of(service.process.pid) for service in services), time.perf_counter()
            times = [each for some in pool.map(lambda client: client.times(count), clients) for each in some]
            wall = time.perf_counter() - started
            cpu = sum(_cpu_of(service.process.pid) for service in services) - cpu
        rss = max(peak_rss_mb(str(service.process.pid)) for service in services)
        entry = _entry(times, cpu, rss, clients[0].size)
        return {**entry, "processes": 2, "clients": CLIENTS, "cards_per_s": round(len(times) / wall, 1)}


class _Service(NamedTuple):
    process: subprocess.Popen[bytes]
    host: str
    port: int


class _Client:
    """Asks one service for the same real card, on one kept connection.

    A bare socket, since clients share the cores with the services: it sends a request made beforehand, reads the head
    of the answer and then as many bytes as that announces, and looks at nothing but the status.
    """

    def __init__(self, service: _Service) -> None:
        sample = Settings().layouts_dir / "samples" / "card" / f"{HTTP_SAMPLE}.json"
        record = json.loads(sample.read_text(encoding="utf-8"))
        order = {"insurer": HTTP_SAMPLE.partition("-")[0], "document": "card", "record": record}
        body = json.dumps(order).encode()
        head = (
            "POST /v1/documents HTTP/1.1",
            f"Host: {service.host}:{service.port}",
            "Content-Type: application/json",
            "Accept: application/pdf",
            f"Content-Length: {len(body)}",
        )
        self._request = "\r\n".join([*head, "", ""]).encode() + body
        self._socket = socket.create_connection((service.host, service.port))
        self.size = 0

    def ask(self, _: int = 0) -> None:
        """One card. Raises OSError for any answer but a file."""
        self._socket.sendall(self._request)
        head = b""
        while _END_OF_HEAD not in head:
            head += self._receive(_MOST_READ)
        head, _, content = head.partition(_END_OF_HEAD)
        length = _CONTENT_LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None:
            raise OSError(f"the service answered {head[:200]!r} {content[:200]!r}")
        self.size = int(length[1])
        while len(content) < self.size:
            content += self._receive(self.size - len(content), socket.MSG_WAITALL)

    def _receive(self, most: int, flags: int = 0) -> bytes:
        if not (received := self._socket.recv(most, flags)):
            raise OSError("the service closed the connection")
        return received

    def times(self, count: int) -> list[float]:
        """How long each of so many cards takes, in seconds."""
        times = []
        for _ in range(count):
            started = time.perf_counter()
            self.ask()
            times.append(time.perf_counter() - started)
        return times


def _measure(one: Callable[[int], None], count: int, cpu_clock: Callable[[], float]) -> tuple[list[float], float]:
    for at in range(_WARM_UP):
        one(at)
    times, cpu = [], cpu_clock()
    for at in range(count):
        started = time.perf_counter()
        one(at)
        times.append(time.perf_counter() - started)
    return times, cpu_clock() - cpu


def _entry(times: Sequence[float], cpu: float, rss_mb: float, size: int) -> dict[str, Any]:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {
        "n": 1,
        "processes": 1,
        "cards_per_s": round(len(times) / sum(times), 1),
        "cpu_ms_per_card": round(cpu / len(times) * 1000, 3),
        "rss_mb": round(rss_mb),
        "bytes": size,
        "latency_ms": {"p50": round(cuts[49] * 1000, 2), "p99": round(cuts[98] * 1000, 2)},
    }


def _cpu_of(pid: int) -> float:
    """Seconds that another process has used (proc(5): the 14th and 15th field of stat)."""
    fields = Path("/proc", str(pid), "stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _service(log: Path) -> Iterator[_Service]:
    """`docgen serve` on a free port, once it is ready."""
    command = [sys.executable, "-m", "docgen.cli", "serve", "--port", "0"]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        try:
            assert process.stdout is not None
            said = process.stdout.readline().decode().split()  # the address, once it listens; nothing if it gave up
            if not said:
                raise OSError(f"the service did not start: {log.read_text(encoding='utf-8')}")
            address = urlsplit(said[-1])
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
            _await_ready(connection)
            connection.close()
            yield _Service(process, connection.host, connection.port)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _await_ready(connection: http.client.HTTPConnection) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        response.read()
        if response.status == http.client.OK:
            return
        time.sleep(0.05)
    raise OSError(f"the service was not ready within {_STARTS_WITHIN_S} s")


if __name__ == "__main__":
    print(json.dumps(in_process(Path(sys.argv[1]), int(sys.argv[2]))))
