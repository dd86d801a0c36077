from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forked
from tests.bulk.servers import BUCKET, Postgres, s3_server

forked.fork_workers()


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """An S3-compatible server for the session: its bucket's URL. The environment leads to it."""
    with s3_server() as environment, forked.told(environment), pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield f"s3://{BUCKET}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for the session."""
    # Not in pytest's own folders: they let no other user in.
    with tempfile.TemporaryDirectory(prefix="docgen-postgres-") as folder:
        server = Postgres(Path(folder))
        yield server
        server.stop()


@pytest.fixture(params=["folder", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be opened: an empty folder, then an empty prefix."""
    if request.param == "folder":
        return str(tmp_path / "store")
    return f"{request.getfixturevalue('s3')}/{uuid.uuid4().hex}"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: a file, then one of our own server's."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    url: str = request.getfixturevalue("postgres").fresh_database(uuid.uuid4().hex)
    return url
