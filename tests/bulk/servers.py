"""The servers that batches are tried against: moto's S3 and Debian's PostgreSQL, both on loopback, both our own."""

from __future__ import annotations

import logging
import os
import random
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import psutil
import psycopg
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "batches"
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")


@contextmanager
def s3_server(failing: float = 0.0, seed: int = 0) -> Iterator[dict[str, str]]:
    """An empty S3 with one bucket; the environment variables that lead to it.

    `failing` is the share of requests that get an error for an answer, half of them after they have been carried out.
    """
    moto = DomainDispatcherApplication(create_backend_app)
    faults = _Faults(moto, failing, seed)
    server = make_server("127.0.0.1", 0, faults, threaded=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        _make_bucket(endpoint)
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "NO_PROXY": "127.0.0.1",
        }
    finally:
        server.shutdown()
        thread.join()


class _Faults:
    """Passes requests on to an application, and now and then answers itself, as a busy store does."""

    def __init__(self, app: Any, share: float, seed: int) -> None:
        self._app, self._share, self._random = app, share, random.Random(seed)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        draw = self._random.random() if environ["PATH_INFO"].count("/") > 1 else 1.0  # the bucket itself is spared
        if draw >= self._share:
            answer: Iterable[bytes] = self._app(environ, start_response)
            return answer
        if draw < self._share / 2:
            for _ in self._app(environ, lambda *_: None):
                pass
        elif length := int(environ.get("CONTENT_LENGTH") or 0):
            environ["wsgi.input"].read(length)
        status, code = self._random.choice([("500 Internal", "InternalError"), ("503 Slow Down", "SlowDown")])
        start_response(status, [("Content-Type", "application/xml")])
        return [f"<Error><Code>{code}</Code><Message>Try again.</Message></Error>".encode()]


def _make_bucket(endpoint: str) -> None:
    """An unsigned PUT of its name is all that moto asks for."""
    build_opener(ProxyHandler({})).open(Request(f"{endpoint}/{BUCKET}", method="PUT")).close()


class Postgres:
    """One PostgreSQL server in a folder of its own, on a free port of loopback."""

    def __init__(self, folder: Path) -> None:
        """Make the cluster. The server refuses to run as root, so root lends it the user `postgres`."""
        self._bin = max(DEBIAN_POSTGRES.glob("*/bin"), key=lambda path: int(path.parent.name))
        self._data = folder / "data"
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._run("initdb", "--username=docgen", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        """Where SQLAlchemy finds the database."""
        return f"postgresql+psycopg://docgen@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start the server, also after a kill -9, and wait until it answers."""
        options = (
            f"-h 127.0.0.1 -p {self._port} -k '' "
            "-c fsync=off -c shared_buffers=16MB -c max_connections=40 "
            "-c checkpoint_timeout=1h -c log_min_messages=panic"
        )
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        log = str(self._data / "log")
        self._run("pg_ctl", "start", "--wait", "--silent", "--log", log, "--options", options)

    def kill(self) -> None:
        """End the server and all its helpers at once, as kill -9 does."""
        server = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        # What is left of one process keeps the next server from starting.
        psutil.wait_procs(processes, timeout=10)

    def stop(self) -> None:
        """End the server."""
        self._run("pg_ctl", "stop", "--mode=immediate", "--silent")

    def fresh_database(self, name: str) -> str:
        """An empty database and its URL."""
        with psycopg.connect(f"host=127.0.0.1 port={self._port} user=docgen dbname=postgres", autocommit=True) as link:
            link.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg://docgen@127.0.0.1:{self._port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), "--pgdata", str(self._data), *arguments]
        subprocess.run(command, check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
