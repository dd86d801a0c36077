"""The sample households as a batch, issued by the real service: the part of `make demo` that leaves a package."""

from __future__ import annotations

import http.client
import io
import json
import shutil
import tarfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docgen.bulk.reconcile import reconcile
from docgen.bulk.store import Store

WITHIN_S = 300
_BOUNDARY = "docgen-demo"


class BatchError(Exception):
    """The batch did not become a package; the message says why."""


class DemoBatch:
    """One batch of a service at an address."""

    def __init__(self, address: str, extract: Path, insurer: str) -> None:
        """Submit it; it runs while the caller does something else."""
        self._parts = urlsplit(address)
        form = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="insurer"\r\n\r\n{insurer}\r\n'
        form += f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="extract"; filename="{extract.name}"\r\n\r\n'
        body = form.encode() + extract.read_bytes() + f"\r\n--{_BOUNDARY}--\r\n".encode()
        content_type = f"multipart/form-data; boundary={_BOUNDARY}"
        self._path = json.loads(self._ask("POST", "/v1/batches", body, content_type))["links"]["self"]

    def fetch(self, folder: Path) -> dict[str, int]:
        """Wait until it is done, put its package into a folder in place of what is there, and reconcile it there.

        Returns the counts. Raises BatchError.
        """
        until = time.monotonic() + WITHIN_S
        while (status := self._status())["state"] not in ("done", "failed", "cancelled"):
            if time.monotonic() > until:
                raise BatchError(f"the batch is not done within {WITHIN_S} s")
            time.sleep(0.2)
        if status["state"] != "done":
            raise BatchError(f"the batch is {status['state']}: {json.dumps(status['error'], ensure_ascii=False)}")
        shutil.rmtree(folder, ignore_errors=True)
        for side in ("vendor", "issuer"):
            self._unpack(self._ask("GET", f"{self._path}/package?side={side}"), folder)
        report = reconcile(Store.open(folder))
        if not report.ok:
            raise BatchError("\n".join(map(str, report.findings)))
        counts: dict[str, int] = status["counts"]
        return counts

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self._ask("GET", self._path))
        return status

    @staticmethod
    def _unpack(tar: bytes, folder: Path) -> None:
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            for member in archive.getmembers():
                target = folder / member.name.partition("/")[2]  # without the job's number
                target.parent.mkdir(parents=True, exist_ok=True)
                file = archive.extractfile(member)
                assert file is not None
                target.write_bytes(file.read())

    def _ask(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> bytes:
        connection = http.client.HTTPConnection(self._parts.hostname or "", self._parts.port, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": content_type} if content_type else {})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            raise BatchError(f"{method} {path}: {response.status}\n{content.decode()}")
        return content
