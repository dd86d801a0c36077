"""Records: what a caller sends, checked and immutable; the card's own, and the parts that others share.

Texts are kept code point for code point: never normalised (NFC would turn U+FA19 into U+795E, another shape of the same
name), never folded in width.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from docgen.errors import CODES, RecordError, Violation
from docgen.issuance import numbers
from docgen.issuance.allowed import allowed_keys, description
from docgen.issuance.eras import FIRST_DAY
from docgen.wrong_values import said

# --- characters that never belong into a name ---
# Tab and line feed count as controls: no item of a record has more than one line.
_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffd\ufdd0-\ufdef" + "".join(
    chr(plane * 0x10000 + low) for plane in range(17) for low in (0xFFFE, 0xFFFF)
)
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ZERO_WIDTH = (
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_SELECTOR = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_CLASSES = (
    ("control_character", re.compile(f"[{_CONTROL}]")),
    ("bidi_override", re.compile(f"[{_BIDI}]")),
    ("zero_width_character", re.compile(f"[{_ZERO_WIDTH}]")),
    # a selector needs a base: not the start, a space or another selector
    ("misplaced_mark", re.compile(rf"(?:\A|(?<=[\s{_SELECTOR}]))[{_SELECTOR}]")),
)
_SUSPECT = re.compile(f"[{_CONTROL}{_BIDI}{_ZERO_WIDTH}{_SELECTOR}]")

# What lossy conversions leave in the place of a character; the insurer's profile may allow them.
LostSign = Literal["〓", "■", "□", "●", "?", "？"]
_LOST = re.compile(f"[{re.escape(''.join(get_args(LostSign)))}]")
# A letter or digit but for full-width and half-width katakana with their small kana, iteration and long marks: U+30A0
# and U+30FB are signs.
_NO_KATAKANA = re.compile(r"(?![\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f])[^\W_]")

_HINTS = {
    "control_character": "remove it; if it is U+FFFD, the text was damaged before it came here",
    "bidi_override": "remove it",
    "zero_width_character": "remove it",
    "misplaced_mark": "put it directly after the character it belongs to",
}

# Names, numbers and days come again: on a card, its mount and the addressee, and in the second reading of a shard. What
# is sound is kept; a fault is found anew.
_KEPT = 4096
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


# A file that is no record at all has many of them; a hundred tell enough.
MOST_UNKNOWN_KEYS = 100


def fault(code: str, message: str, hint: str = "") -> PydanticCustomError:
    """What a validator raises, in one of docgen's codes."""
    # The hint travels as context; braces of the caller's data must not be read as placeholders.
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


@lru_cache(_KEPT)
def _check_text(text: str) -> str:
    if not text or text.isspace():
        raise fault("missing_value", "the text is blank", "give it, or leave the key out where it may be absent")
    if _SUSPECT.search(text):
        for code, pattern in _CLASSES:
            if found := pattern.search(text):
                point = f"U+{ord(found[0]):04X}"
                raise fault(code, f"{point} at character {found.start() + 1}", _HINTS[code])
    if unicodedata.category(text[0])[0] == "M":
        raise fault("misplaced_mark", f"U+{ord(text[0]):04X} at character 1", _HINTS["misplaced_mark"])
    return text


@lru_cache(_KEPT)
def _check_name(text: str) -> str:
    # Fields of fixed length come padded; inside a name the padding would print as a gap.
    if text[:1].isspace() or text[-1:].isspace():
        if not text.isspace():
            raise fault("outer_space", "the text begins or ends with a space", "remove it")
    return _check_text(text)


@lru_cache(_KEPT)
def _check_reading(text: str) -> str:
    found = _NO_KATAKANA.search(_check_name(text))
    if found is not None:
        raise fault(
            "reading_not_katakana",
            f"{found[0]} (U+{ord(found[0]):04X}) at character {found.start() + 1} is no katakana",
            "write the reading in katakana, full-width or half-width, or leave it out",
        )
    return text


@lru_cache(_KEPT)
def _check_identifier(text: str) -> str:
    code = numbers.identifier_fault(_check_text(text))
    if code == "mixed_width":
        raise fault(code, "half-width and full-width characters in one field", "write the whole field in one width")
    if code == "identifier_character":
        raise fault(
            code,
            "a space, sign or half-width kana",
            "half-width letters and digits only, or everything full-width without spaces",
        )
    return text


def _check_branch(text: str) -> str:
    if not re.match(r"[0-9]{2}\Z", text):
        raise fault("invalid_branch", "a branch is two half-width digits, 00 to 99", "leave the key out for no branch")
    return text


def _parse_day(value: Any) -> date:
    if not isinstance(value, str):
        raise fault("wrong_type", "a date is a string YYYY-MM-DD")
    return _day_of(value)


@lru_cache(_KEPT)
def _day_of(value: str) -> date:
    try:
        day = date.fromisoformat(value) if _DATE.match(value) else None
    except ValueError:
        day = None
    if day is None:
        raise fault("invalid_date", f"not a day of the calendar: {value[:40]}", "write YYYY-MM-DD")
    if day < FIRST_DAY:
        raise fault("date_too_early", f"before 1873-01-01: {value}", "check the year")
    return day


Text = Annotated[str, Field(min_length=0, max_length=100), AfterValidator(_check_name)]
Reading = Annotated[str, Field(min_length=0, max_length=100), AfterValidator(_check_reading)]
LongText = Annotated[str, Field(max_length=200), AfterValidator(_check_name)]
Identifier = Annotated[str, Field(max_length=38), AfterValidator(_check_identifier)]
Branch = Annotated[str, AfterValidator(_check_branch), WithJsonSchema({"type": "string", "pattern": "^[0-9]{2}$"})]
Key = Annotated[str, Field(max_length=100), AfterValidator(_check_text)]
Code = Annotated[str, Field(max_length=20), AfterValidator(_check_text)]
Day = Annotated[date, PlainValidator(_parse_day), WithJsonSchema({"type": "string", "format": "date"})]
Ratio = Annotated[int, Field(ge=1, le=3)]


class Model(BaseModel):
    """Frozen, strict in types and keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def faults(self) -> Iterator[Violation]:
        """What a record's values demand of each other, beyond their own form."""
        yield from ()


class AliasName(Model):
    """An alias (通称名) that stands on the front."""

    name: Text = Field(description="通称名 as registered, with the space between its parts if it has one")
    kana: Reading | None = Field(default=None, description="フリガナ of the alias, in katakana")


class PersonName(Model):
    """A person's names: family and given name, or one full name for people without the split."""

    family: Text | None = Field(default=None, description="氏 as registered")
    given: Text | None = Field(default=None, description="名 as registered")
    family_kana: Reading | None = Field(default=None, description="氏のフリガナ, in katakana")
    given_kana: Reading | None = Field(default=None, description="名のフリガナ, in katakana")
    full_name: Text | None = Field(default=None, description="氏名 as registered, for people without the split")
    full_kana: Reading | None = Field(
        default=None, description="フリガナ of the whole name in katakana, where it is not in two parts"
    )
    former_surname: Text | None = Field(default=None, description="旧姓, in brackets on the person's own card only")
    alias: AliasName | None = Field(default=None, description="通称名, on the front instead of the registered name")


class Person(PersonName):
    """The person whose card it is."""

    sex: Literal["1", "2"] | None = Field(default=None, description="1 male, 2 female; absent if not set")
    sex_masked: bool = Field(default=False, description="性別 on the back, not the front; an alias does so by itself")
    born_on: Day = Field(description="生年月日")


class PendingRatio(Model):
    """A change of the burden ratio that is known already."""

    ratio: Ratio = Field(description="the ratio to come, in tenths")
    effective_on: Day = Field(description="the day from which it holds; the present one holds to the day before")


class Burden(Model):
    """The burden ratio (一部負担金の割合) from 70."""

    ratio: Ratio = Field(description="in tenths: 1, 2 or 3")
    effective_on: Day = Field(description="発効年月日")
    pending: PendingRatio | None = Field(default=None, description="a later change, printed in the same field")


class CardIds(Model):
    """Ids that the job gives to this piece of plastic or paper."""

    serial: Annotated[str, Field(pattern=r"^[0-9A-Z-]{1,24}$")] | None = Field(
        default=None, description="readable serial on the front"
    )
    match_code: Annotated[str, Field(pattern=r"^[0-9A-Z-]{1,24}$")] | None = Field(
        default=None, description="what the machine reads that glues cards on mounts"
    )


class DocumentRecord(Model):
    """What every document's record begins with."""

    key: Key | None = Field(default=None, description="the caller's own key; never printed")
    specimen: bool = Field(default=False, description="見本 stands across the page")
    issued_on: Day | None = Field(
        default=None, description="date of issue (交付年月日, 発行日); the job's date of issue if absent"
    )


class CardRecord(DocumentRecord):
    """One person's record for an eligibility card (資格確認書)."""

    person: Person = Field(description="the person whose card it is")
    symbol: Identifier | None = Field(default=None, description="記号: all half-width or all full-width")
    number: Identifier = Field(description="番号: all half-width or all full-width")
    branch: Branch | None = Field(default=None, description="枝番: two half-width digits; absent is not 00")
    relationship: Code = Field(description="本人・家族の別: a code of the profile's table")
    membership: Code | None = Field(default=None, description="加入区分: a code of the profile's table")
    acquired_on: Day | None = Field(default=None, description="資格取得年月日")
    certified_on: Day | None = Field(default=None, description="認定年月日 of a dependent")
    continuation_ends_on: Day | None = Field(
        default=None, description="資格喪失予定年月日 of a voluntarily continued member; the card expires before"
    )
    residence_until: Day | None = Field(default=None, description="在留期間の満了日")
    expires_by: Day | None = Field(default=None, description="an earlier expiry, if the profile has short-term cards")
    burden: Burden | None = Field(default=None, description="一部負担金の割合 from 70: ratio and effective_on")
    insured: PersonName | None = Field(default=None, description="被保険者, on a dependent's card")
    card: CardIds = Field(default=CardIds(), description="what the job calls this card; some insurers need it")

    def faults(self) -> Iterator[Violation]:
        """Identifiers that are too long together."""
        return identifier_violations(self.symbol or "", self.number)


# pydantic's error types in docgen's codes; ours keep their own name, any other is a wrong type.
_CODE_OF = {
    "extra_forbidden": "unknown_key",
    "missing": "missing_value",
    "literal_error": "not_allowed",
    "greater_than_equal": "not_allowed",
    "less_than_equal": "not_allowed",
    "string_pattern_mismatch": "not_allowed",
    "string_too_long": "too_long",
    "string_unicode": "control_character",
    "too_short": "missing_value",
}
_MESSAGE_OF = {
    "model_type": "not a JSON object",
    "string_type": "not a JSON string",
    "bool_type": "not true or false",
    "tuple_type": "not a JSON array",
    "too_short": "the list is empty",
}
_HINT_OF = {"too_long": "shorten it", "control_character": _HINTS["control_character"]}


@cache
def record_schema(model: type[Model]) -> dict[str, Any]:
    """The JSON Schema of a kind of record; built once, since it takes longer than a card."""
    return model.model_json_schema()


Parsed = TypeVar("Parsed", bound=Model)


def parse(model: type[Parsed], raw: object, signs: Collection[LostSign] = ()) -> Parsed:
    """Check one record as decoded from JSON, and keep it.

    `signs` of a lost character are what names may have all the same. Raises RecordError with every violation, each with
    its JSON pointer.
    """
    names = [] if _names_are_sound(raw) else list(_name_violations(raw, signs))
    try:
        record = model.model_validate(raw)
    except ValidationError as error:
        raise RecordError([*_from_pydantic(model, error), *names]) from None
    faults = list(record.faults())
    if names or faults:
        raise RecordError([*names, *faults])
    return record


def parse_record(raw: object) -> CardRecord:
    """Check a card's record: see `parse`."""
    return parse(CardRecord, raw)


def pointer(parts: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _from_pydantic(model: type[Model], error: ValidationError) -> Iterator[Violation]:
    details = error.errors(include_url=False, include_input=False)
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]
    for detail in details:
        if detail["type"] != "extra_forbidden":
            yield _violation(model, detail)
    yield from _unknown_keys(model, unknown)


def _violation(model: type[Model], detail: ErrorDetails) -> Violation:
    kind, place = detail["type"], detail["loc"]
    code = _CODE_OF.get(kind) or (kind if kind in CODES else "wrong_type")
    if kind == "missing":
        return Violation(code, f"{place[-1]} is required", f"give {place[-1]}", pointer=pointer(place))
    message = _MESSAGE_OF.get(kind) or said(detail)
    hint = detail.get("ctx", {}).get("hint") or _HINT_OF.get(code) or description(record_schema(model), place)
    return Violation(code, message, hint, pointer=pointer(place))


def _unknown_keys(model: type[Model], places: Sequence[tuple[int | str, ...]]) -> Iterator[Violation]:
    beyond = len(places) - MOST_UNKNOWN_KEYS
    for count, place in enumerate(places[:MOST_UNKNOWN_KEYS], start=1):
        more = f", and {beyond} more unknown keys in the record" if beyond > 0 and count == MOST_UNKNOWN_KEYS else ""
        allowed = ", ".join(allowed_keys(record_schema(model), place[:-1]))
        yield Violation("unknown_key", f"unknown key: {place[-1]}{more}", f"allowed: {allowed}", pointer=pointer(place))


_DEEPEST = 5  # no record has a person deeper


def _name_violations(node: object, signs: Collection[str], where: str = "", depth: int = 0) -> Iterator[Violation]:
    """What is wrong with names beyond each part's form; read from the raw data, so that it is told with the rest."""
    children: Iterable[tuple[object, object]] = ()
    if isinstance(node, Mapping):
        children = node.items()
    elif isinstance(node, list):
        children = enumerate(node)
    for key, child in children:
        if not isinstance(child, (Mapping, list)) or depth == _DEEPEST:
            continue
        at = where + pointer([str(key)])
        if key in ("person", "insured") and isinstance(child, Mapping):
            yield from _one_name(child, at)
            yield from _lost_characters(child, signs, at)
        else:
            yield from _name_violations(child, signs, at, depth + 1)


def _names_are_sound(node: object, depth: int = 0) -> bool:
    """Whether `_name_violations` has nothing to say of a record of plain dicts and lists, at a fraction of its time."""
    if type(node) is dict:
        for key, child in node.items():
            kind = type(child)
            if kind is dict and (key == "person" or key == "insured"):
                if depth < _DEEPEST and not _is_sound_name(child):
                    return False
            elif (kind is dict or kind is list) and depth < _DEEPEST and not _names_are_sound(child, depth + 1):
                return False
            elif kind not in _PLAIN:
                return False
        return True
    if type(node) is list:
        return depth == _DEEPEST or all(_names_are_sound(child, depth + 1) for child in node)
    return type(node) in _PLAIN


_PLAIN = frozenset((str, int, bool, float, NoneType, dict, list))


def _is_sound_name(name: dict[str, object]) -> bool:
    """The usual names: family and given, or a full name, with a whole reading or none, and nothing beside."""
    full, kana = name.get("full_name") is None, name.get("family_kana") is None
    return (
        (name.get("family") is None) is not full
        and (name.get("given") is None) is not full
        and kana is (name.get("given_kana") is None)
        and (kana or full)
        and (name.get("full_kana") is None or kana)
        and name.get("former_surname") is None
        and name.get("alias") is None
        and not _LOST.search("".join(value for value in name.values() if type(value) is str))
    )


def _lost_characters(name: Mapping[str, object], signs: Collection[str], where: str) -> Iterator[Violation]:
    """A sign in the place of a character would be printed as somebody's name."""
    for key, text in name.items():
        if isinstance(text, Mapping) and key == "alias":
            yield from _lost_characters(text, signs, f"{where}/alias")
        if not isinstance(text, str) or key not in _NAME_PARTS:
            continue
        found = next((one for one in _LOST.finditer(text) if one[0] not in signs), None)
        if found is not None:
            yield Violation(
                "damaged_name",
                f"{found[0]} (U+{ord(found[0]):04X}) at character {found.start() + 1} stands for a lost character",
                "send the registered name; a sign that is printed on purpose goes into the profile's names.signs",
                pointer=f"{where}/{key}",
            )


_NAME_PARTS = frozenset((*PersonName.model_fields, *AliasName.model_fields))


def _one_name(name: Mapping[str, object], where: str) -> Iterator[Violation]:
    family, given = name.get("family") is not None, name.get("given") is not None
    full = name.get("full_name") is not None
    if full and (family or given or name.get("family_kana") is not None or name.get("given_kana") is not None):
        yield Violation(
            "name_conflict",
            "full_name beside family or given",
            "give one of the two forms",
            pointer=f"{where}/full_name",
        )
    elif not full:
        for part, present in (("family", family), ("given", given)):
            if not present:
                yield Violation(
                    "missing_value",
                    f"no {part} name",
                    "or give full_name for a name without the split",
                    pointer=f"{where}/{part}",
                )
    if name.get("full_kana") is not None:
        if not full and (name.get("family_kana") is not None or name.get("given_kana") is not None):
            yield Violation(
                "name_conflict",
                "full_kana beside family_kana or given_kana",
                "give the reading whole or in its two parts",
                pointer=f"{where}/full_kana",
            )
    elif (name.get("family_kana") is None) != (name.get("given_kana") is None):
        absent = "given_kana" if name.get("given_kana") is None else "family_kana"
        yield Violation(
            "missing_value",
            "only half of the reading is given",
            f"give {absent}, or full_kana if that is the whole reading, or leave both out",
            pointer=f"{where}/{absent}",
        )
    if name.get("former_surname") is None:
        return
    if full:
        yield Violation(
            "name_split_required",
            "a former surname stands between family and given name",
            "give family and given instead of full_name",
            pointer=f"{where}/former_surname",
        )
    if where.endswith("/person") and name.get("alias") is not None:
        yield Violation(
            "former_surname_with_alias",
            "the front has the alias or the former surname, not both",
            "leave one of the two out",
            pointer=f"{where}/former_surname",
        )


def identifier_violations(symbol: str, number: str) -> Iterator[Violation]:
    """Symbol at most 38 bytes, symbol and number together at most 38 characters.

    The national identifier `8 digits:symbol:number:branch` has 51 characters in all.
    """
    if numbers.symbol_bytes(symbol) > numbers.MAX_SYMBOL_BYTES:
        message, hint = "the symbol is longer than 38 bytes", "a full-width character counts 2"
        yield Violation("identifier_too_long", message, hint, pointer="/symbol")
    elif len(symbol) + len(number) > numbers.MAX_IDENTIFIER:
        message = "symbol and number have more than 38 characters together"
        yield Violation("identifier_too_long", message, pointer="/number")
