"""Which representation a caller wants, by its Accept header (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence


def choose(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered media type that `accept` rates highest, the earlier one where two are rated the same.

    None: nothing offered is acceptable. A missing or empty header accepts everything.
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_media_range(part) for part in accept.split(",") if part.strip()]
    rated = [(_quality(ranges, media), media) for media in offered]
    quality, media = max(rated, key=lambda pair: pair[0])
    return media if quality > 0 else None


def _media_range(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    try:
        quality = float(weight)
    except ValueError:
        quality = 0.0  # an unreadable weight asks for nothing
    return media, quality if 0 <= quality <= 1 else 0.0


def _quality(ranges: Sequence[tuple[str, float]], media: str) -> float:
    """The weight of the most specific range that names `media`: type/subtype, then type/*, then */*."""
    for name in (media, f"{media.partition('/')[0]}/*", "*/*"):
        weights = [quality for given, quality in ranges if given == name]
        if weights:
            return max(weights)
    return 0.0
