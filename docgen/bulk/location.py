"""How a place for files is written: a folder, or a prefix of an S3-compatible store."""

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
    if location.startswith("s3://") and urlsplit(location).netloc:
        return False
    raise ValueError("neither a folder nor s3://BUCKET/PREFIX (a folder with a colon in its name: ./NAME)")
