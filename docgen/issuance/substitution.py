"""Characters that an insurer prints as others."""

from __future__ import annotations

import re
from collections.abc import Mapping

from docgen.issuance.items import Substitution

# A key without a selector is not the same character with one: 葛 leaves 葛󠄀 alone.
_NO_SELECTOR = "(?![\ufe00-\ufe0f\U000e0100-\U000e01ef])"


class Substituter:
    """An insurer's table, compiled once. Keys are a character, or a character with its variation selector.

    The tables differ by insurer (髙 is kept by one, printed as 高 by another): https://taiyoseimei-kenpo.or.jp/news/1582/
    and http://sckenpo.or.jp/news/news_detail.php?id=420
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = dict(table)
        keys = sorted(self._table, key=len, reverse=True)
        self._search = re.compile(f"(?:{'|'.join(map(re.escape, keys))}){_NO_SELECTOR}") if keys else None

    def __bool__(self) -> bool:
        return self._search is not None

    def apply(self, text: str, pointer: str, used: list[Substitution]) -> str:
        """The text to print; each character replaced is appended to `used` with the record's pointer."""
        if self._search is None or not self._search.search(text):
            return text

        def replace(match: re.Match[str]) -> str:
            used.append(Substitution(pointer, match[0], self._table[match[0]]))
            return self._table[match[0]]

        return self._search.sub(replace, text)
