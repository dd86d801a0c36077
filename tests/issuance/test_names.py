from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.issuance.items import Substitution
from docgen.issuance.names import front_kana, front_name, public_name, registered_name
from docgen.issuance.profile import Alias, FormerSurname, Names
from docgen.issuance.record import PersonName
from docgen.issuance.substitution import Substituter

STYLE = Names()


def named(**parts: Any) -> PersonName:
    return PersonName.model_validate(parts)


def test_family_and_given_name_stand_apart_by_the_profiles_separator() -> None:
    name = named(family="見本", given="太郎", family_kana="ミホン", given_kana="タロウ")
    assert (registered_name(name, STYLE), front_kana(name, STYLE)) == ("見本\u3000太郎", "ミホン\u3000タロウ")
    assert front_name(name, Names(separator="")) == "見本太郎"


def test_a_full_name_is_printed_as_it_is() -> None:
    name = named(full_name="MIHON ANNA  LEE", full_kana="ミホン")
    assert (front_name(name, STYLE), front_kana(name, STYLE)) == ("MIHON ANNA  LEE", "ミホン")


def test_a_reading_that_is_not_split_stands_whole_above_a_name_that_is() -> None:
    name = named(family="見", given="本", full_kana="ミホン")
    assert (front_name(name, STYLE), front_kana(name, STYLE)) == ("見\u3000本", "ミホン")


def test_a_former_surname_stands_in_brackets_on_the_front_alone() -> None:
    name = named(family="見本", given="花子", former_surname="旧例")
    assert front_name(name, STYLE) == "見本（旧例）花子"
    assert public_name(name, STYLE) == "見本\u3000花子"
    square = Names(former_surname=FormerSurname(open="［", close="］"))
    assert front_name(name, square) == "見本［旧例］花子"


def test_an_alias_takes_the_place_of_the_name_and_of_its_kana() -> None:
    name = named(family="見本", given="太郎", family_kana="ミホン", given_kana="タロウ", alias={"name": "見本　あおい"})
    assert (front_name(name, STYLE), public_name(name, STYLE)) == ("見本　あおい", "見本　あおい")
    assert front_kana(name, STYLE) == ""
    assert registered_name(name, STYLE) == "見本\u3000太郎"


def test_where_both_names_stand_on_the_front_others_still_read_the_alias_alone() -> None:
    both = Names(alias=Alias(front="{registered}（通称名　{alias}）", remark=None))
    name = named(family="見本", given="{alias}", alias={"name": "見本　{registered}"})
    assert front_name(name, both) == "見本\u3000{alias}（通称名　見本　{registered}）"
    assert public_name(name, both) == "見本　{registered}"


@pytest.mark.parametrize(
    ("text", "printed", "used"),
    [
        ("髙﨑", "高崎", [("髙", "高"), ("﨑", "崎")]),
        ("髙髙", "高高", [("髙", "高"), ("髙", "高")]),
        ("葛", "カツ", [("葛", "カツ")]),
        ("葛\U000e0101", "葛", [("葛\U000e0101", "葛")]),
        ("葛\U000e0100", "葛\U000e0100", []),
        ("見本", "見本", []),
    ],
)
def test_substitution_follows_the_table_and_reports_each_use(
    text: str, printed: str, used: list[tuple[str, str]]
) -> None:
    table = Substituter({"髙": "高", "﨑": "崎", "葛": "カツ", "葛\U000e0101": "葛"})
    report: list[Substitution] = []
    assert table.apply(text, "/person/family", report) == printed
    assert report == [Substitution("/person/family", old, new) for old, new in used]


@given(st.text(), st.dictionaries(st.characters(codec="utf-8", exclude_categories=["Mn"]), st.text(max_size=2)))
def test_substitution_does_what_replacing_character_by_character_does(text: str, mapping: dict[str, str]) -> None:
    text = "".join(ch for ch in text if not ("\ufe00" <= ch <= "\ufe0f" or "\U000e0100" <= ch <= "\U000e01ef"))
    report: list[Substitution] = []
    assert Substituter(mapping).apply(text, "", report) == "".join(mapping.get(ch, ch) for ch in text)
    assert len(report) == sum(ch in mapping for ch in text)


def test_an_empty_table_is_false() -> None:
    assert not Substituter({})
    assert Substituter({"髙": "高"})
