"""Insurer numbers and the insured person's symbol, number and branch."""

from __future__ import annotations

import re

# Schemes (法別番号) of 8-digit numbers: https://www.mixtrivia.com/entry/hokensho , 03 and 04 (day labourers):
# http://www.nagasaki.med.or.jp/main/kyoukakenpo_1.html
SCHEMES = {
    "01": "協会管掌健康保険",
    "02": "船員保険",
    "03": "日雇特例被保険者（一般療養）",
    "04": "日雇特例被保険者（特別療養費）",
    "06": "組合管掌健康保険",
    "31": "国家公務員共済組合",
    "32": "地方公務員等共済組合",
    "33": "警察共済組合",
    "34": "公立学校共済組合、日本私立学校振興・共済事業団",
    "39": "後期高齢者医療",
}
# 01 to 47, and 99, which no prefecture has: it is kept for samples.
PREFECTURES = frozenset(f"{n:02d}" for n in (*range(1, 48), 99))

MAX_SYMBOL_BYTES = 38
MAX_IDENTIFIER = 38

_HALF = re.compile(r"[0-9A-Za-z]+\Z")
# Full width: neither Latin-1, nor a half-width form of kana, hangul or sign, nor a space of any width.
_NO_FULL = r"\uff61-\uffdc\uffe8-\uffee\u1680\u2000-\u200a\u202f\u205f\u3000"
_FULL = re.compile(rf"[^\x00-\xff{_NO_FULL}]+\Z")
_UNFIT = re.compile(rf"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xff{_NO_FULL}]")


def check_digit(body: str) -> int:
    """The check digit of an insurer number without its last digit (7 digits, or 5 for national health insurance).

    From the last digit weights 2, 1, 2, 1...; the digits of two-digit products are added; 10 less the last digit of the
    sum, 0 for 10. Source: http://www5f.biglobe.ne.jp/~h-it/mlcont/mc0124.htm
    """
    total = 0
    for place, digit in enumerate(reversed(body)):
        product = int(digit) * (2 - place % 2)
        total += product // 10 + product % 10
    return -total % 10


def scheme(number: str) -> str | None:
    """The scheme of an 8-digit insurer number; None for the 6 digits of national health insurance."""
    return number[:2] if len(number) == 8 else None


def prefecture(number: str) -> str:
    """The prefecture of an insurer number: the two digits after the scheme."""
    return number[-6:-4]


def identifier_fault(text: str) -> str | None:
    """What is wrong with a symbol or number: `mixed_width`, `identifier_character` or nothing.

    Each field is half-width (letters and digits) or full-width throughout; with kana, kanji or signs everything is
    full-width; there is no space. Symbol and number may differ in width.
    Source: the identifiers of the national online eligibility system (`00012345:あいう:１８７:05`).
    """
    if _HALF.match(text) or _FULL.match(text):
        return None
    return "identifier_character" if _UNFIT.search(text) else "mixed_width"


def symbol_bytes(symbol: str) -> int:
    """The length of a symbol as the national format counts it: 1 for half width, 2 for full width, at most 38."""
    return sum(1 if ch < "\x80" else 2 for ch in symbol)
