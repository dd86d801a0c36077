"""Line breaking for Japanese text (禁則処理): where a line may end.

The classes follow JIS X 4051 (line composition for Japanese): closing brackets, full stops, commas, iteration and
prolonged-sound marks and small kana never begin a line; opening brackets and prefixes (〒, ￥) never end one; Latin
words and numbers, of half or full width, stay together unless one alone is wider than the line. So do dates
(令和8年3月31日) and ratios (3割), which nobody should have to put together from two lines.

A word in katakana may be broken, as the standard allows, and what is wider than a line must be, somewhere. Lines that
are cut with more care are kinder to readers, and may be more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

NO_START = frozenset(
    "、。，．・：；？！‼⁇⁈⁉‐゠–〜～ー々〻ゝゞヽヾ゛゜"
    "’”）〕］｝〉》」』】〙〗〟｠»)]}>,.:;!?%‰％℃°"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"
    "｡､･ｰﾞﾟ｣ｧｨｩｪｫｬｭｮｯ"
)
NO_END = frozenset("‘“（〔［｛〈《「『【〘〖〝｟«([{<｢￥＄£¥$№〒＃#")
_TOGETHER = frozenset("…‥―—")
# Letters and digits, and the marks between them: O'Hara, 1,234, １－２－３.
_WORD = re.compile("[0-9A-Za-z\u00c0-\u024f０-９Ａ-Ｚａ-ｚ'’.,－．，-]").match
_KATAKANA = re.compile("[ァ-ヺー-ヿㇰ-ㇿｦ-ﾟ]").match
_JOINTS = frozenset("-－‐/／.．@年月")  # behind which a word or date is cut if it must be
_SPACES = frozenset(" \u3000\u00a0")
_DIGITS = "0123456789０１２３４５６７８９"
_ERAS = ("明治", "大正", "昭和", "平成", "令和")
# Neighbours within a date or a ratio.
_BOUND = frozenset(
    [
        *_ERAS,
        *(digit + unit for digit in _DIGITS for unit in "年月日割"),
        *(before + digit for digit in _DIGITS for before in ("年", "月", *(era[1] for era in _ERAS))),
        *(era[1] + "元" for era in _ERAS),
        "元年",
    ]
)


class Care(IntEnum):
    """What lines mind beside the rules; each minds what those before it do."""

    NOTHING = 0
    PARTS = 1  # what belongs together by the author's word
    WORDS = 2  # words in katakana stay together, and a longer word is cut behind a hyphen, a slash or the year
    SPACES = 3  # a line that is half full ends at a space: street　building, family　given


def _in_word(cluster: str) -> bool:
    return _WORD(cluster[0]) is not None


def may_break(before: str, after: str) -> bool:
    """Whether a line may end between two neighbouring clusters."""
    if after in _SPACES or before == "\u00a0":
        return False
    if after[0] in NO_START or before[0] in NO_END:
        return False
    if (before in _TOGETHER and before == after) or before[-1] + after[0] in _BOUND:
        return False
    return not (_in_word(before) and _in_word(after))


def _may_part(before: str, after: str) -> bool:
    """The same, where a word in katakana stays together as well."""
    return may_break(before, after) and not (_KATAKANA(before) and _KATAKANA(after))


def break_lines(
    parts: Sequence[str], advances: Sequence[float], width: float, care: Care = Care.NOTHING
) -> list[tuple[int, int]]:
    """Cut clusters into lines as (start, end): greedy, no line wider than `width` but for hanging spaces.

    `advances` and `width` share one unit. A word wider than the line is cut where it must be. Joined, the lines are
    the text. A single cluster wider than `width` gets a line of its own, which the caller finds too wide.
    """
    lines: list[tuple[int, int]] = []
    start = 0
    while start < len(parts):
        end = _line_end(parts, advances, width, start, care)
        lines.append((start, end))
        start = end
    return lines


def _line_end(parts: Sequence[str], advances: Sequence[float], width: float, start: int, care: Care) -> int:
    limit = _limit(parts, advances, width, start)
    if limit == len(parts):
        return limit
    if care >= Care.SPACES and (end := _last_space(parts, advances, width, start, limit)):
        return end
    for may_end in (_may_part, may_break) if care >= Care.WORDS else (may_break,):
        for end in range(limit, start, -1):
            if may_end(parts[end - 1], parts[end]):
                return end
    return _forced_end(parts, start, limit, care)


def _last_space(parts: Sequence[str], advances: Sequence[float], width: float, start: int, limit: int) -> int | None:
    """Behind the last space of a line, if that fills half of it."""
    for end in range(limit, start, -1):
        if parts[end - 1] in _SPACES and may_break(parts[end - 1], parts[end]):
            return end if sum(advances[start : end - 1]) >= width / 2 else None
    return None


def _limit(parts: Sequence[str], advances: Sequence[float], width: float, start: int) -> int:
    """The first cluster that a line has no room for; spaces may hang over its end."""
    used = 0.0
    for at in range(start, len(parts)):
        used += advances[at]
        if used > width and parts[at] not in _SPACES:
            return at
    return len(parts)


def _forced_end(parts: Sequence[str], start: int, limit: int, care: Care) -> int:
    """No good place up to `limit`: cut a long word, but still not before a mark that may not begin a line."""
    places = [at for at in range(limit, start, -1) if parts[at][0] not in NO_START and parts[at - 1][0] not in NO_END]
    joints = [at for at in places if care >= Care.WORDS and parts[at - 1] in _JOINTS]
    return next(iter(joints or places), max(limit, start + 1))
