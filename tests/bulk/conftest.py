from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bulk.servers import BUCKET, Postgres, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """An S3-compatible server for the session: its bucket's URL. The environment leads to it."""
    with s3_server() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield f"s3://{BUCKET}"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server for the session."""
    folder = tmp_path_factory.mktemp("postgres")
    for parent in (folder, *folder.parents[:2]):  # pytest's own folders let nobody else in
        if os.getuid() == 0 and parent.name.startswith(("pytest-", "postgres")):
            parent.chmod(0o755)
    server = Postgres(folder)
    yield server
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be opened: an empty folder, then an empty prefix."""
    if request.param == "folder":
        return str(tmp_path / "store")
    return f"{request.getfixturevalue('s3')}/{uuid.uuid4().hex}"
