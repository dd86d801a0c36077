from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.errors import RecordError
from docgen.issuance import record as records
from docgen.issuance.record import CardRecord, parse_record, pointer

Raw = Callable[..., dict[str, Any]]


def faults(record: object) -> set[tuple[str, str | None]]:
    with pytest.raises(RecordError) as caught:
        parse_record(record)
    return {(v.code, v.pointer) for v in caught.value.violations}


def test_a_record_is_read_into_dates_and_texts(raw: Raw) -> None:
    record = parse_record(raw())
    assert record.person.born_on == date(1985, 4, 1)
    assert (record.symbol, record.number, record.branch) == ("1234", "56789", "00")
    assert record.specimen is False


@pytest.mark.parametrize(
    "value",
    [
        "1999-13-31",
        "1999-04-31",
        "2025-02-29",
        "1999-4-1",
        "19990401",
        "1999/04/01",
        "1999-W13-1",
        "",
        "１９９９-04-01",
        "1999-04-01T00:00",
        "1999-04-01\n",
    ],
)
def test_a_day_that_is_none_is_refused(raw: Raw, value: str) -> None:
    assert faults(raw(person={"born_on": value})) == {("invalid_date", "/person/born_on")}


def test_a_leap_day_is_a_day(raw: Raw) -> None:
    assert parse_record(raw(person={"born_on": "2024-02-29"})).person.born_on == date(2024, 2, 29)


def test_dates_begin_with_the_gregorian_calendar(raw: Raw) -> None:
    assert parse_record(raw(acquired_on="1873-01-01")).acquired_on == date(1873, 1, 1)
    assert faults(raw(acquired_on="1872-12-31")) == {("date_too_early", "/acquired_on")}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"person": {"born_on": 19850401}}, "/person/born_on"),
        ({"number": 56789}, "/number"),
        ({"specimen": "true"}, "/specimen"),
        ({"person": {"sex_masked": 1}}, "/person/sex_masked"),
        ({"person": []}, "/person"),
        ({"card": "S1"}, "/card"),
        ({"burden": {"ratio": True, "effective_on": "2025-08-01"}}, "/burden/ratio"),
        ({"burden": {"ratio": 2.0, "effective_on": "2025-08-01"}}, "/burden/ratio"),
    ],
)
def test_a_value_of_another_type_is_refused(raw: Raw, changes: dict[str, Any], where: str) -> None:
    assert faults(raw(**changes)) == {("wrong_type", where)}


@pytest.mark.parametrize("record", [None, [], "record", 1])
def test_a_record_is_an_object(record: object) -> None:
    assert faults(record) == {("wrong_type", "")}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"persn": 1}, "/persn"),
        ({"person": {"a/b~c": 1}}, "/person/a~1b~0c"),
        ({"burden": {"ratio": 2, "effective_on": "2025-08-01", "until": "x"}}, "/burden/until"),
    ],
)
def test_an_unknown_key_is_named(raw: Raw, changes: dict[str, Any], where: str) -> None:
    assert faults(raw(**changes)) == {("unknown_key", where)}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"number": ...}, "/number"),
        ({"relationship": ...}, "/relationship"),
        ({"person": {"born_on": ...}}, "/person/born_on"),
        ({"person": {"family": ...}}, "/person/family"),
        ({"person": {"given": None}}, "/person/given"),
        ({"person": {"given": ""}}, "/person/given"),
        ({"person": {"given": " \u3000"}}, "/person/given"),
        ({"symbol": ""}, "/symbol"),
        ({"insured": {"family": "見本"}}, "/insured/given"),
    ],
)
def test_a_required_value_is_neither_absent_nor_blank(raw: Raw, changes: dict[str, Any], where: str) -> None:
    assert faults(raw(**changes)) == {("missing_value", where)}


@pytest.mark.parametrize(
    "changes",
    [
        {"person": {"sex": "3"}},
        {"person": {"sex": "男"}},
        {"burden": {"ratio": 4, "effective_on": "2025-08-01"}},
        {"burden": {"ratio": 0, "effective_on": "2025-08-01"}},
        {"card": {"serial": "a b"}},
        {"card": {"match_code": "\uff21"}},
        {"card": {"match_code": ""}},
        {"card": {"serial": "S1\n"}},
    ],
)
def test_a_value_outside_its_list_is_refused(raw: Raw, changes: dict[str, Any]) -> None:
    assert {code for code, _ in faults(raw(**changes))} == {"not_allowed"}


def test_a_text_has_a_greatest_length(raw: Raw) -> None:
    assert faults(raw(person={"given": "長" * 101})) == {("too_long", "/person/given")}
    assert parse_record(raw(person={"given": "長" * 100})).person.given == "長" * 100


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("見\x00本", "control_character"),
        ("見\n本", "control_character"),
        ("見\t本", "control_character"),
        ("見\x85本", "control_character"),
        ("見\u2028本", "control_character"),
        ("見\ufffd本", "control_character"),
        ("見\ufffe本", "control_character"),
        ("見\U0010ffff本", "control_character"),
        ("見\u202e本", "bidi_override"),
        ("見\u2067本", "bidi_override"),
        ("見\u200f本", "bidi_override"),
        ("見\u200b本", "zero_width_character"),
        ("見\u200d本", "zero_width_character"),
        ("\ufeff見本", "zero_width_character"),
        ("見\xad本", "zero_width_character"),
        ("見\u2060本", "zero_width_character"),
        ("見\U000e0041本", "zero_width_character"),
        ("見\u3164本", "zero_width_character"),
        ("\U000e0100見", "misplaced_mark"),
        ("葛\U000e0100\U000e0101", "misplaced_mark"),
        ("見\u3000\U000e0100", "misplaced_mark"),
        ("\u3099見", "misplaced_mark"),
        ("見 \ufe00", "misplaced_mark"),
    ],
)
def test_characters_that_nobody_sees_are_refused(raw: Raw, text: str, code: str) -> None:
    for person in ({"given": text}, {"given_kana": text}, {"former_surname": text}):
        assert faults(raw(person=person)) == {(code, f"/person/{next(iter(person))}")}
    assert faults(raw(person={"alias": {"name": text}})) == {(code, "/person/alias/name")}
    assert faults(raw(key=text)) == {(code, "/key")}


@pytest.mark.parametrize("text", ["見本　", " 見本", "\u00a0見本", "見本   "])
def test_a_padded_text_is_refused(raw: Raw, text: str) -> None:
    assert faults(raw(person={"family": text})) == {("outer_space", "/person/family")}
    assert faults(raw(person={"alias": {"name": text}})) == {("outer_space", "/person/alias/name")}


@pytest.mark.parametrize("sign", ["〓", "■", "□", "●", "?", "？"])
@pytest.mark.parametrize("part", ["family", "given", "family_kana", "given_kana", "former_surname"])
def test_a_sign_of_a_lost_character_is_no_name(raw: Raw, sign: str, part: str) -> None:
    text = ("ミ" if part.endswith("kana") else "見") + sign
    with pytest.raises(RecordError) as caught:
        parse_record(raw(person={part: text}))
    [violation] = caught.value.violations
    assert (violation.code, violation.pointer) == ("damaged_name", f"/person/{part}")
    assert f"U+{ord(sign):04X}" in violation.message
    assert "character 2" in violation.message


def test_a_lost_character_is_told_wherever_somebody_is_named(raw: Raw) -> None:
    assert faults(raw(dependent=True, insured={"family": "見■"})) == {("damaged_name", "/insured/family")}
    alias = {"name": "?", "kana": "ベツ？"}
    assert faults(raw(person={"alias": alias})) == {
        ("damaged_name", "/person/alias/name"),
        ("damaged_name", "/person/alias/kana"),
    }
    whole = {"family": ..., "given": ..., "family_kana": ..., "given_kana": ..., "full_name": "□", "full_kana": "●"}
    assert faults(raw(person=whole)) == {("damaged_name", "/person/full_name"), ("damaged_name", "/person/full_kana")}


def test_an_insurers_profile_may_allow_a_sign_and_that_one_alone(raw: Raw) -> None:
    record = raw(person={"family": "見●", "given": "〓"})
    with pytest.raises(RecordError) as caught:
        records.parse(records.CardRecord, record, ("●",))
    assert [(v.code, v.pointer) for v in caught.value.violations] == [("damaged_name", "/person/given")]
    assert records.parse(records.CardRecord, record, ("●", "〓")).person.family == "見●"


@pytest.mark.parametrize(
    "reading", ["ミホン　タロウ", "ﾐﾎﾝ ﾊﾟ-ｶｰ", "ジャン・リュック", "ヴォー゠グエン", "ヱヰヲヵヶㇻ", "マリー-アンヌ"]
)
def test_a_reading_is_in_katakana_of_either_width(raw: Raw, reading: str) -> None:
    assert parse_record(raw(person={"given_kana": reading})).person.given_kana == reading


@pytest.mark.parametrize(
    ("reading", "place"),
    [
        ("みほん", 1),
        ("見本", 1),
        ("MIHON", 1),
        ("ＭＩＨＯＮ", 1),
        ("ミホン二", 4),
        ("ﾐﾎﾝ3", 4),
        ("アべ", 2),
        ("ミ々", 2),
    ],
)
def test_a_reading_in_other_letters_is_the_wrong_field(raw: Raw, reading: str, place: int) -> None:
    with pytest.raises(RecordError) as caught:
        parse_record(raw(person={"family_kana": reading, "alias": {"name": "別名", "kana": reading}}))
    assert {(v.code, v.pointer) for v in caught.value.violations} == {
        ("reading_not_katakana", "/person/family_kana"),
        ("reading_not_katakana", "/person/alias/kana"),
    }
    assert all(f"at character {place} " in v.message for v in caught.value.violations)


@given(st.characters(max_codepoint=0xFFFF, categories=["L", "N"]))
def test_of_all_letters_and_digits_a_reading_takes_those_that_unicode_calls_katakana(raw: Raw, letter: str) -> None:
    taken = isinstance(outcome(raw(person={"given_kana": letter})), CardRecord)
    assert taken is ("KATAKANA" in unicodedata.name(letter, ""))


def test_half_a_surrogate_pair_is_refused(raw: Raw) -> None:
    assert faults(raw(person={"given": "見\ud800"})) == {("control_character", "/person/given")}


@pytest.mark.parametrize(
    "text",
    [
        "葛\U000e0100",
        "辻\U000e0100子",
        "神\ufe00",
        "\ufa19",
        "神",
        "か\u3099",
        "𠮷",
        "髙﨑",
        "O'BRIEN SEAN",
        "Ｍ　Ｎ",
        "\ue000",
    ],
)
def test_a_name_is_kept_code_point_for_code_point(raw: Raw, text: str) -> None:
    assert parse_record(raw(person={"given": text})).person.given == text


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8))
def test_any_text_is_either_kept_as_it_is_or_refused(text: str) -> None:
    record = {"person": {"full_name": text, "born_on": "1985-04-01"}, "number": "1", "relationship": "1"}
    outcome: object
    try:
        outcome = parse_record(record).person.full_name
    except RecordError as error:
        outcome = {v.pointer for v in error.violations}
    assert outcome in (text, {"/person/full_name"})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"symbol": "健1"}, ("mixed_width", "/symbol")),
        ({"number": "1２"}, ("mixed_width", "/number")),
        ({"symbol": "12-3"}, ("identifier_character", "/symbol")),
        ({"branch": "0"}, ("invalid_branch", "/branch")),
        ({"branch": "000"}, ("invalid_branch", "/branch")),
        ({"branch": "０１"}, ("invalid_branch", "/branch")),
        ({"branch": "1a"}, ("invalid_branch", "/branch")),
        ({"symbol": "あ" * 20}, ("identifier_too_long", "/symbol")),
        ({"symbol": "1" * 20, "number": "2" * 19}, ("identifier_too_long", "/number")),
    ],
)
def test_identifiers_have_the_national_form(raw: Raw, changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert faults(raw(**changes)) == {expected}


def test_symbol_and_number_may_differ_in_width_and_the_branch_may_be_absent(raw: Raw) -> None:
    record = parse_record(raw(symbol="あいう", number="187", branch=...))
    assert (record.symbol, record.number, record.branch) == ("あいう", "187", None)
    assert parse_record(raw(symbol="あ" * 19, number="1" * 19)).number == "1" * 19


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ({"full_name": "MIHON ANNA"}, {("name_conflict", "/person/full_name")}),
        ({"full_kana": "ミホン"}, {("name_conflict", "/person/full_kana")}),
        (
            {"family": ..., "given": ..., "family_kana": ..., "given_kana": ...},
            {("missing_value", "/person/family"), ("missing_value", "/person/given")},
        ),
        (
            {
                "family": ...,
                "given": ...,
                "family_kana": ...,
                "given_kana": ...,
                "full_name": "見本",
                "former_surname": "旧",
            },
            {("name_split_required", "/person/former_surname")},
        ),
        (
            {"former_surname": "旧例", "alias": {"name": "見本"}},
            {("former_surname_with_alias", "/person/former_surname")},
        ),
        ({"given_kana": ...}, {("missing_value", "/person/given_kana")}),
        ({"family_kana": None}, {("missing_value", "/person/family_kana")}),
        ({"family_kana": None, "full_kana": "ミホン"}, {("name_conflict", "/person/full_kana")}),
    ],
)
def test_the_parts_of_a_name_agree(raw: Raw, person: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert faults(raw(person=person)) == expected


def test_a_name_in_two_parts_may_have_its_reading_in_one(raw: Raw) -> None:
    person = parse_record(raw(person={"family_kana": ..., "given_kana": ..., "full_kana": "ミホン"})).person
    assert (person.family, person.full_kana, person.family_kana) == ("見本", "ミホン", None)


def test_a_message_says_what_is_allowed(raw: Raw) -> None:
    with pytest.raises(RecordError) as caught:
        parse_record(
            raw(
                number=...,
                burden={"ratio": 4, "effective_on": "2025-08-01", "until": "x"},
                person={"alias": {"name": "見本", "kan": "ミホン"}, "sex": "3"},
            )
        )
    hints = {v.pointer: (v.message, v.hint) for v in caught.value.violations}
    assert hints["/burden/until"] == ("unknown key: until", "allowed: effective_on, pending, ratio")
    assert hints["/person/alias/kan"] == ("unknown key: kan", "allowed: kana, name")
    assert hints["/number"] == ("number is required", "give number")
    assert "'1' or '2'" in hints["/person/sex"][0]
    assert hints["/person/sex"][1] == "sex: 1 male, 2 female; absent if not set"
    assert "3" in hints["/burden/ratio"][0]


@pytest.mark.parametrize(
    "changes",
    [
        {"branch": 1},
        {"person": 7},
        {"person": {"sex_masked": "yes", "given": "長" * 101}},
        {"burden": {"ratio": "2"}},
        {"card": {"serial": "a b"}},
        {"number": "1" * 39},
        {"person": {"born_on": 19850401, "given": " "}},
    ],
)
def test_every_refusal_says_what_to_do(raw: Raw, changes: dict[str, Any]) -> None:
    with pytest.raises(RecordError) as caught:
        parse_record(raw(**changes))
    assert all(violation.hint for violation in caught.value.violations)
    assert "dictionary" not in str(caught.value)


def test_a_file_that_is_no_record_is_refused_quickly_and_briefly() -> None:
    with pytest.raises(RecordError) as caught:
        parse_record({"person": {}, **{f"column {i}": i for i in range(20_000)}})
    unknown = [v for v in caught.value.violations if v.code == "unknown_key"]
    assert len(unknown) == 100
    assert unknown[-1].message == "unknown key: column 99, and 19900 more unknown keys in the record"
    assert {v.pointer for v in caught.value.violations} >= {"/number", "/relationship", "/person/born_on"}


def test_every_violation_comes_back_at_once(raw: Raw) -> None:
    assert faults(raw(person={"family": ..., "born_on": "1999-13-31", "nick": "x"}, branch="x", symbol="1２")) == {
        ("missing_value", "/person/family"),
        ("invalid_date", "/person/born_on"),
        ("unknown_key", "/person/nick"),
        ("invalid_branch", "/branch"),
        ("mixed_width", "/symbol"),
    }


def test_a_record_is_immutable(raw: Raw) -> None:
    record = parse_record(raw())
    with pytest.raises(ValueError, match="frozen"):
        record.number = "1"


def test_pointers_follow_rfc_6901() -> None:
    assert pointer(("a/b", 0, "m~n")) == "/a~1b/0/m~0n"


def test_the_schema_describes_every_key() -> None:
    schema = CardRecord.model_json_schema()
    undescribed = [
        key for key, node in schema["properties"].items() if "description" not in node and "$ref" not in str(node)
    ]
    assert undescribed == []
    assert schema["additionalProperties"] is False
    assert schema["properties"]["issued_on"]["anyOf"][0] == {"type": "string", "format": "date"}


NAMES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("family", "given", "family_kana", "given_kana", "full_name", "full_kana", "former_surname"),
        st.sampled_from(["見本", "ミホン", "ミ〓", None, " 見本", "", 1]),
    )
    | {"alias": st.sampled_from([None, {"name": "別名"}, {"name": "□", "kana": "?"}, {}, []])},
)


def outcome(record: object) -> object:
    try:
        return parse_record(record)
    except RecordError as error:
        return error.violations


@given(NAMES, NAMES, st.sampled_from(["person", "insured", "burden", "key", "x"]), st.integers(0, 8))
def test_names_that_need_no_second_look_are_told_from_those_that_do(
    raw: Raw, name: dict[str, Any], other: dict[str, Any], key: str, depth: int
) -> None:
    nested: object = {"person": other}
    for at in range(depth):
        nested = [nested] if at % 2 else {"insured" if at % 3 else "y": nested}
    record = {**raw(), "person": {**name, "born_on": "1985-04-01"}, key: nested}
    fast = outcome(record)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_names_are_sound", lambda _: False)
        assert outcome(record) == fast


@given(st.lists(st.text(max_size=4), min_size=1, max_size=4), st.text("0123456789-", min_size=9, max_size=11))
def test_a_value_is_judged_the_same_each_time_it_comes(raw: Raw, names: list[str], day: str) -> None:
    tried = [
        {**raw(), "person": {"full_name": name, "full_kana": name, "born_on": day}, "number": name} for name in names
    ]
    first = [outcome(record) for record in tried]
    kept_ones = (records._check_text, records._check_name, records._check_reading, records._check_identifier)
    for kept in (*kept_ones, records._day_of):
        kept.cache_clear()
    assert [outcome(record) for record in reversed(tried)] == first[::-1]
    assert [outcome(record) for record in tried] == first
