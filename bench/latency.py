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
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench.machine import Machine, core, hundredths
from bench.peer import peak_rss_mb
from docgen.settings import Settings

_WARM_UP = 20
CLIENTS = 8
TURNS = 10
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

    def one(at: int) -> float:
        stream, started = io.BytesIO(), time.perf_counter()
        press.write([records[at % len(records)]], stream)
        sizes.append(stream.tell())
        return time.perf_counter() - started

    for at in range(_WARM_UP):
        one(at)
    measured = _measured(lambda: [one(at) for at in range(count)])
    return _entry([measured], peak_rss_mb(), sizes[-1])


def over_http(folder: Path, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """One real card at a time from two real services: for one client alone, and for eight at once. Two entries.

    Each service has a core, as the page for operators has it. They take turns, since the speed of a machine wanders
    within a second. The second entry has the ratio that a goal is set for, `p99_to_alone`: the slowest hundredth of the
    eight to the median of the one, as the median of all turns. `p99_to_alone_by_machine` is the same of mere arithmetic
    in two processes. Raises OSError if a service fails.
    """
    with (
        Machine() as machine,
        _service(folder / "service-1.log", core(0)) as one,
        _service(folder / "service-2.log", core(1)) as two,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        turns = [_turn((one, two), pool, machine, max(1, count // TURNS)) for _ in range(TURNS)]
        rss = max(peak_rss_mb(str(service.process.pid)) for service in (one, two))
    ratios = [hundredths(turn.together.times)[98] / statistics.median(turn.alone.times) for turn in turns]
    size = turns[0].size
    return _entry([turn.alone for turn in turns], rss, size), {
        **_entry([turn.together for turn in turns], rss, size),
        "processes": 2,
        "clients": CLIENTS,
        "p99_to_alone": round(statistics.median(ratios), 2),
        "p99_to_alone_by_machine": round(statistics.median(turn.by_machine for turn in turns), 2),
    }


class _Turn(NamedTuple):
    alone: _Measured
    together: _Measured
    by_machine: float
    size: int


def _turn(services: Sequence[_Service], pool: ThreadPoolExecutor, machine: Machine, count: int) -> _Turn:
    """So many cards for one client, by each service; so many for each of eight; as much arithmetic."""
    by_machine = machine.tail(count)
    clients = [_Client(services[at % len(services)]) for at in range(CLIENTS)]
    list(pool.map(lambda client: client.times(_WARM_UP), clients))
    alone = _measured(lambda: [time for client in clients[: len(services)] for time in client.times(count)], services)
    together = _measured(lambda: list(chain(*pool.map(lambda client: client.times(count), clients))), services)
    for client in clients:
        client.close()
    return _Turn(alone, together, by_machine, clients[0].size)


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

    def ask(self) -> None:
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

    def close(self) -> None:
        """Let the service go."""
        self._socket.close()

    def times(self, count: int) -> list[float]:
        """How long each of so many cards takes, in seconds."""
        times = []
        for _ in range(count):
            started = time.perf_counter()
            self.ask()
            times.append(time.perf_counter() - started)
        return times


class _Measured(NamedTuple):
    """How long each card took, all of them together, and the CPU of those who made them, in seconds."""

    times: list[float]
    wall: float
    cpu: float


def _measured(work: Callable[[], list[float]], services: Sequence[_Service] = ()) -> _Measured:
    """What a piece of work takes: of these services' CPU, or of this process'."""

    def cpu() -> float:
        return sum(_cpu_of(service.process.pid) for service in services) if services else time.process_time()

    cpu_before, started = cpu(), time.perf_counter()
    times = work()
    return _Measured(times, time.perf_counter() - started, cpu() - cpu_before)


def _entry(measured: Sequence[_Measured], rss_mb: float, size: int) -> dict[str, Any]:
    times = [time for one in measured for time in one.times]
    cuts = hundredths(times)
    return {
        "n": 1,
        "processes": 1,
        "cards_per_s": round(len(times) / sum(one.wall for one in measured), 1),
        "cpu_ms_per_card": round(sum(one.cpu for one in measured) / len(times) * 1000, 3),
        "rss_mb": round(rss_mb),
        "bytes": size,
        "latency_ms": {"p50": round(cuts[49] * 1000, 2), "p99": round(cuts[98] * 1000, 2)},
    }


def _cpu_of(pid: int) -> float:
    """Seconds that another process has used (proc(5): the 14th and 15th field of stat)."""
    fields = Path("/proc", str(pid), "stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _service(log: Path, core: int) -> Iterator[_Service]:
    """`docgen serve` on a free port and a core of its own, once it is ready."""
    command = ["taskset", "--cpu-list", str(core), sys.executable, "-m", "docgen.cli", "serve", "--port", "0"]
    environment = {**os.environ, "DOCGEN_STATE_DIR": str(log.with_suffix(""))}
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment)
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
