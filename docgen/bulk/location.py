"""How places are written: of files, a folder or a prefix of an S3-compatible store; of the ledger, a database's URL."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")  # RFC 3986, 3.1


def is_folder(location: str) -> bool:
    """Whether it is a folder's path. Raises ValueError for what looks like a URL and is not s3://BUCKET/PREFIX.

    `s3:/bucket` must not make a folder of this name beside the program, with personal data in it.
    """
    if not _SCHEME.match(location):
        return True
    if is_bucket(location):
        return False
    raise ValueError("neither a folder nor s3://BUCKET/PREFIX (a folder with a colon in its name: ./NAME)")


def is_bucket(location: str) -> bool:
    """Whether it is s3://BUCKET or s3://BUCKET/PREFIX."""
    return location.startswith("s3://") and bool(urlsplit(location).netloc)


def sqlite_file(url: str) -> str | None:
    """The file of a ledger in SQLite; None for one in PostgreSQL. Raises ValueError, without the URL, for any other."""
    import sqlalchemy as sa  # takes a while to load, and who sets no URL needs it later or never

    try:
        parsed = sa.make_url(url)
        kind = parsed.get_backend_name(), parsed.get_driver_name()
    except (sa.exc.ArgumentError, ValueError):  # their words may hold parts of the password
        kind = None
    if kind == ("postgresql", "psycopg"):
        return None
    file = parsed.database if kind == ("sqlite", "pysqlite") and not parsed.host else None
    if file and file != ":memory:" and not _SCHEME.match(file):
        return file
    raise ValueError(
        "neither sqlite:///PATH nor postgresql+psycopg://USER:PASSWORD@HOST/NAME "
        "(in a password, anything but letters and digits percent-encoded)"
    )
