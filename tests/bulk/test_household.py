"""What becomes of a household's people, and which envelopes they get."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.bulk.household import Household, Member, Planner
from docgen.bulk.job import Job
from docgen.engine import Engine
from docgen.errors import Violation
from tests.bulk.parts import JOB, dependent, family, insured, members


def plan(engine: Engine, rows: Sequence[dict[str, str]], job: Job = JOB) -> Household:
    return Planner(engine, job).plan(1, members(engine, rows, job))


def codes(household: Household) -> dict[str, list[str]]:
    return {member.data.key: [violation.code for violation in member.violations] for member in household.members}


def states(household: Household) -> list[str]:
    return [member.state for member in household.members]


@pytest.mark.parametrize(("size", "envelopes"), [(1, [1]), (4, [4]), (5, [4, 1]), (9, [4, 4, 1])])
def test_four_cards_go_into_an_envelope_and_nobody_is_missing(engine: Engine, size: int, envelopes: list[int]) -> None:
    household = plan(engine, family(size))
    assert [piece.people for piece in household.pieces] == envelopes
    assert [(piece.sheet, piece.of) for piece in household.pieces] == [
        (at, len(envelopes)) for at in range(1, len(envelopes) + 1)
    ]
    cards = [sheet.people for piece in household.pieces for sheet in piece.sheets if sheet.document == "card"]
    assert cards == [(member.person,) for member in household.members]


def test_each_card_bears_the_code_of_its_place_on_the_mount(engine: Engine) -> None:
    household = plan(engine, family(6))
    seen = set()
    for piece in household.pieces:
        mount, *cards = piece.sheets
        on_mount = [row.texts["card.match_code"] for row in mount.items.lists["cards"]]
        assert [card.items.texts["card.qr"] for card in cards] == on_mount
        assert [card.items.texts["card.serial"] for card in cards] == on_mount
        seen.update(on_mount)
    assert len(seen) == 6


def test_one_bad_member_holds_the_household_back(engine: Engine) -> None:
    household = plan(engine, [insured(), dependent(1, 生年月日="20101340"), dependent(2)])
    assert states(household) == ["held", "rejected", "held"]
    assert codes(household)["00000001-01"] == ["invalid_date"]
    assert household.pieces == ()


def test_a_member_whom_the_intake_rejected_holds_the_household_back_too(engine: Engine) -> None:
    for insurer_lets_go, expected in (
        (False, ["held", "rejected", "held"]),
        (True, ["printed", "rejected", "printed"]),
    ):
        people = members(engine, family(3))
        people[1].state = "rejected"
        household = Planner(lenient(engine) if insurer_lets_go else engine, JOB).plan(1, people)
        assert states(household) == expected
        assert bool(household.pieces) == insurer_lets_go


def test_a_profile_may_let_the_others_go_on_and_their_places_move_up(engine: Engine) -> None:
    household = plan(lenient(engine), [insured(), dependent(1, 生年月日="20101340"), dependent(2), dependent(3)])
    assert states(household) == ["printed", "rejected", "printed", "printed"]
    (piece,) = household.pieces
    cards = [sheet for sheet in piece.sheets if sheet.document == "card"]
    assert [card.place for card in cards] == [1, 2, 3]
    assert [card.items.texts["card.qr"][-1] for card in cards] == ["1", "2", "3"]


def test_nobody_goes_on_where_nothing_can_be_mailed(engine: Engine) -> None:
    household = plan(lenient(engine), family(3, 郵便番号="12-34"))
    assert states(household) == ["rejected", "held", "held"]
    (violation,) = household.members[0].violations
    assert (violation.pointer, household.members[0].data.column("/address/postal_code")) == (
        "/address/postal_code",
        "郵便番号",
    )


def test_all_that_is_wrong_with_a_household_is_told_at_once_and_each_thing_once(engine: Engine) -> None:
    rows = [
        insured(名="太\ue000郎"),  # the dependents' cards and the mount say this name too
        dependent(1, 生年月日="20250901"),
        dependent(2, 本人家族区分="7"),
    ]
    assert codes(plan(engine, rows)) == {
        "00000001-00": ["private_use_character"],
        "00000001-01": ["birth_in_future"],
        "00000001-02": ["unknown_code"],
    }


@pytest.mark.parametrize(
    ("insurer", "delivery"),
    [("association", "bulk"), ("association", "lists"), ("society", "cards"), ("society", "notices")],
)
@pytest.mark.parametrize("value", ["123456789012", "１２３４５６７８９０１２", "12345"])
def test_more_than_four_digits_of_an_individual_number_are_refused_whatever_is_delivered(
    engine: Engine, insurer: str, delivery: str, value: str
) -> None:
    job = replace(JOB, insurer=insurer, delivery=delivery)
    household = plan(engine, [insured(個人番号下4桁="1234"), dependent(1, 個人番号下4桁=value)], job)
    assert states(household) == ["held", "rejected"]
    (violation,) = household.members[1].violations
    assert violation.code == "individual_number_too_long"
    assert household.members[1].data.column(violation.pointer or "") == "個人番号下4桁"
    assert value not in f"{violation.message}{violation.hint}"


def test_dependents_without_their_insured_are_rejected(engine: Engine) -> None:
    household = plan(engine, [dependent(1), dependent(2)])
    assert set(itertools.chain.from_iterable(codes(household).values())) == {"missing_value"}
    assert household.pieces == ()


def test_the_withdrawn_are_left_out_and_the_rest_is_planned_without_them(engine: Engine) -> None:
    found = members(engine, family(6))
    found[2].state = "withdrawn"
    household = Planner(engine, JOB).plan(1, found)
    assert states(household) == ["printed", "printed", "withdrawn", "printed", "printed", "printed"]
    assert [piece.people for piece in household.pieces] == [4, 1]


def asked_for(engine: Engine, rows: Sequence[dict[str, str]], *branches: int, job: Job = JOB) -> Household:
    """The same, where these people's mail alone is asked for."""
    found = members(engine, rows, job)
    for at, member in enumerate(found):
        member.asked = at in branches
    return Planner(engine, job).plan(1, found)


@pytest.mark.parametrize("delivery", ["bulk", "regular"])
def test_who_is_asked_for_gets_a_mount_alone_which_goes_to_the_insured_person(engine: Engine, delivery: str) -> None:
    household = asked_for(engine, family(6), 2, 5, job=replace(JOB, delivery=delivery))
    assert [(member.data.key, member.state) for member in household.members] == [
        ("00000001-02", "printed"),
        ("00000001-05", "printed"),
    ]
    (piece,) = household.pieces
    mount, *cards = piece.sheets
    people = tuple(member.person for member in household.members)
    assert (piece.sheet, piece.of, piece.people, piece.for_dependents, mount.people) == (1, 1, 2, True, people)
    assert [(card.place, card.people) for card in cards] == [(1, people[:1]), (2, people[1:])]
    assert len(mount.items.lists["cards"]) == 2
    assert {card.items.texts["insured.name"] for card in cards} == {"見本　太郎"}
    whole = plan(engine, family(6), replace(JOB, delivery=delivery)).pieces[0].sheets[0].items.texts
    addressed = {name: text for name, text in whole.items() if name.startswith("address.")}
    assert addressed
    assert addressed.items() <= mount.items.texts.items()


def test_what_is_wrong_with_others_is_nothing_to_who_is_asked_for_but_for_the_name_and_address(engine: Engine) -> None:
    rows = [insured(生年月日=""), dependent(1, 生年月日="20101340"), dependent(2)]
    household = asked_for(engine, rows, 2)
    assert (states(household), len(household.pieces)) == (["printed"], 1)
    rows[0]["郵便番号"] = "12-34"
    rows[0]["名"] = "太\ue000郎"
    household = asked_for(engine, rows, 1, 2)
    assert (states(household), household.pieces) == (["rejected"] * 2, ())
    assert codes(household) == {
        "00000001-01": ["invalid_date", "private_use_character", "invalid_postal_code"],
        "00000001-02": ["private_use_character", "invalid_postal_code"],
    }
    told = household.members[1].violations
    assert [violation.message.partition(":")[0] for violation in told] == [
        "row 1, of the insured person, 名", "row 1, of the insured person, 郵便番号",
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["withdrawn", "not asked"])
@pytest.mark.parametrize("code", ["malformed_row", "duplicate_person"])
@pytest.mark.parametrize("hold", [True, False])
def test_nothing_is_mailed_by_a_row_of_the_insured_person_that_cannot_be_relied_on(
    engine: Engine, state: str, code: str, hold: bool
) -> None:
    people = members(engine, family(3, 郵便番号="12-34"))
    people[0].violations = [Violation(code, "x")]
    people[0].asked, people[0].state = state != "not asked", "withdrawn" if state == "withdrawn" else "rejected"
    household = Planner(engine if hold else lenient(engine), JOB).plan(1, people)
    dependents = [member for member in household.members if member is not people[0]]
    assert [member.state for member in dependents] == ["rejected"] * 2
    assert {(v.code, v.message) for member in dependents for v in member.violations} == {
        (code, "row 1, of the insured person: x")
    }
    assert household.pieces == ()


@pytest.mark.parametrize("code", ["malformed_row", "duplicate_person"])
def test_not_even_a_profile_that_holds_nobody_mails_by_a_row_that_cannot_be_relied_on(
    engine: Engine, code: str
) -> None:
    people = members(engine, family(2))
    people[0].state, people[0].violations = "rejected", [Violation(code, "x")]
    household = Planner(lenient(engine), JOB).plan(1, people)
    assert (states(household), household.pieces) == (["rejected", "held"], ())


@pytest.mark.parametrize("gone", ["withdrawn", "rejected", "not asked"])
def test_a_dependent_never_gets_a_card_that_names_another_dependent_as_the_insured_person(
    engine: Engine, gone: str
) -> None:
    people = members(engine, [dependent(1), dependent(2)])
    people[0].asked = gone != "not asked"
    if gone == "withdrawn":
        people[0].state = "withdrawn"
    elif gone == "rejected":
        people[0].state, people[0].violations = "rejected", [Violation("already_issued", "x")]
    for one in (engine, lenient(engine)):
        household = Planner(one, JOB).plan(1, copy.deepcopy(people))
        assert codes(household)["00000001-02"] == ["missing_value"]
        assert household.pieces == ()


def issued_already(engine: Engine, rows: Sequence[dict[str, str]], *issued: int) -> list[Member]:
    found = members(engine, rows)
    for at in issued:
        found[at].state, found[at].violations = "rejected", [Violation("already_issued", "x")]
    return found


def test_a_dependent_who_joins_is_printed_alone_though_the_others_have_been_issued_theirs(engine: Engine) -> None:
    for one in (engine, lenient(engine)):
        household = Planner(one, JOB).plan(1, issued_already(engine, family(3), 0, 1))
        assert states(household) == ["rejected", "rejected", "printed"]
        (piece,) = household.pieces
        mount, card = piece.sheets
        assert (card.place, card.people, mount.people) == (1, mount.people, (household.members[2].person,))
        assert card.items.texts["insured.name"] == "見本　太郎"


def test_a_mistake_holds_the_household_of_people_who_have_been_issued_theirs_all_the_same(engine: Engine) -> None:
    rows = [*family(3), dependent(3, 生年月日="20101340")]
    assert states(Planner(engine, JOB).plan(1, issued_already(engine, rows, 0, 1))) == [
        "rejected", "rejected", "held", "rejected",
    ]  # fmt: skip
    household = Planner(engine, JOB).plan(1, issued_already(engine, family(2, 郵便番号="12-34"), 0))
    assert states(household) == ["rejected", "held"]
    assert codes(household)["00000001-00"] == ["already_issued", "invalid_postal_code"]
    assert [member.at_fault for member in household.members] == [True, False]


def test_a_household_whose_people_are_all_withdrawn_gets_nothing(engine: Engine) -> None:
    found = members(engine, family(2))
    for member in found:
        member.state = "withdrawn"
    assert Planner(engine, JOB).plan(1, found).pieces == ()


def test_through_the_employer_the_mount_is_the_employers_but_for_those_who_continue_voluntarily(engine: Engine) -> None:
    job = replace(JOB, delivery="regular")
    (piece,) = plan(engine, family(2), job).pieces
    assert (piece.kind, piece.sheets[0].document) == ("employer", "mount-employer")
    continued = {"資格区分": "任意継続", "資格取得年月日": "20240801", "資格喪失予定年月日": "20260731"}
    voluntary = family(2, **continued, 事業所番号="", 事業所名称="")
    (piece,) = plan(engine, voluntary, job).pieces
    assert (piece.kind, piece.sheets[0].document) == ("direct", "mount")


def test_an_insurer_without_mounts_for_employers_has_them_hand_on_those_for_the_homes(engine: Engine) -> None:
    job = replace(JOB, insurer="society", delivery="cards")
    (piece,) = plan(engine, family(2), job).pieces
    assert (piece.kind, piece.sheets[0].document) == ("employer", "mount")


def test_an_employer_that_cannot_be_written_to_holds_its_people_back(engine: Engine) -> None:
    household = plan(engine, family(2, 事業所郵便番号="9"), replace(JOB, delivery="regular"))
    assert states(household) == ["rejected", "held"]
    assert {violation.pointer for violation in household.members[0].violations} == {"/employer/address/postal_code"}


def test_a_list_tries_who_stands_on_it_and_makes_no_piece(engine: Engine) -> None:
    job = replace(JOB, delivery="lists")
    assert states(plan(engine, family(3), job)) == ["printed"] * 3
    household = plan(engine, [insured(), dependent(1, 名="花\ue000子")], job)
    assert states(household) == ["held", "rejected"]
    assert household.pieces == ()


@pytest.mark.parametrize(
    ("other", "column", "message"),
    [
        (insured(番号="78", 枝番="00", 氏="他人"), "本人家族区分", "2 insured people (rows 1, 2)"),
        (insured(枝番="01", 氏="他人"), "本人家族区分", "2 insured people (rows 1, 2)"),
        (dependent(1, 番号="78"), "番号", "different numbers (rows 1, 2, 3)"),
        (dependent(1, 記号="10203041"), "記号", "different symbols (rows 1, 2, 3)"),
        (dependent(1, 記号=""), "記号", "different symbols (rows 1, 2, 3)"),
    ],
)
@pytest.mark.parametrize("delivery", ["bulk", "regular", "lists"])
def test_people_who_contradict_each_other_are_all_rejected_since_nobody_knows_who_is_wrong(
    engine: Engine, other: dict[str, str], column: str, message: str, delivery: str
) -> None:
    for one in (engine, lenient(engine)):
        household = plan(one, [insured(), other, dependent(2)], replace(JOB, delivery=delivery))
        assert states(household) == ["rejected"] * 3
        assert household.pieces == ()
        for member in household.members:
            told = [violation for violation in member.violations if violation.code == "household_contradictory"]
            assert (column, message) in [
                (member.data.column(violation.pointer or ""), violation.message.removeprefix("the household has "))
                for violation in told
            ]
            assert not any(name in f"{v.message}{v.hint}" for v in told for name in ("他人", "78", "10203041"))


@pytest.mark.parametrize("delivery", ["regular", "lists"])
@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"事業所番号": "0043"}, "事業所番号"),
        ({"事業所名称": "例示商事株式会社"}, "事業所名称"),
        ({"資格区分": "任意継続", "資格喪失予定年月日": "20260731"}, "資格区分"),
    ],
)
def test_a_household_of_two_employers_or_kinds_of_membership_is_rejected_where_mail_goes_through_the_employer(
    engine: Engine, cells: dict[str, str], column: str, delivery: str
) -> None:
    rows = [insured(), dependent(1, **cells)]
    household = plan(engine, rows, replace(JOB, delivery=delivery))
    assert codes(household) == {key: ["household_contradictory"] for key in codes(household)}
    assert {member.data.column(v.pointer or "") for member in household.members for v in member.violations} == {column}
    assert household.pieces == ()
    assert states(plan(engine, rows)) == ["printed"] * 2  # to the home


@pytest.mark.parametrize(
    "cells",
    [
        {"番号": "７７", "記号": "１０２０３０４０"},
        {"事業所番号": "００４２", "事業所名称": "株式会社見本製作所"},
        {"事業所番号": "", "事業所名称": "", "事業所郵便番号": "", "事業所所在地": ""},
        {"郵便番号": "222-0022", "住所": "例示県例示市見本町"},  # 遠隔地
    ],
)
@pytest.mark.parametrize("delivery", ["bulk", "regular", "lists"])
def test_another_width_another_home_and_what_a_dependents_row_leaves_out_contradict_nothing(
    engine: Engine, cells: dict[str, str], delivery: str
) -> None:
    assert states(plan(engine, [insured(), dependent(1, **cells)], replace(JOB, delivery=delivery))) == ["printed"] * 2


def test_the_insured_of_a_society_in_which_all_are_insured_contradict_each_other_by_their_numbers_alone(
    engine: Engine,
) -> None:
    def member(branch: int, number: str) -> dict[str, str]:
        return {
            "union_member": "M0001", "symbol": "12", "number": number, "branch": f"{branch:02d}",
            "role": "家族" if branch else "組合員", "category": "家族" if branch else "第一種",
            "name": "見本　太郎", "kana": "ミホン　タロウ", "sex": "M", "born": "1980-04-01", "acquired": "2019-05-01",
            "postal_code": "000-0001", "town": "見本県例示市見本町", "street": "1-2-3",
        }  # fmt: skip

    job = replace(JOB, insurer="accountants", delivery="cards")
    assert states(plan(engine, [member(0, "3001"), member(1, "3001")], job)) == ["printed"] * 2
    assert states(plan(engine, [member(0, "3001"), member(1, "3002")], job)) == ["rejected"] * 2


def test_a_household_is_contradictory_though_one_of_the_two_was_withdrawn_whose_address_the_other_would_get(
    engine: Engine,
) -> None:
    for gone in (0, 1):
        people = members(engine, [insured(), insured(番号="78", 氏="他人")])
        people[gone].state = "withdrawn"
        household = Planner(engine, JOB).plan(1, people)
        assert sorted(states(household)) == ["rejected", "withdrawn"]
        assert household.pieces == ()


def test_who_is_there_twice_or_cannot_be_read_is_no_second_insured_person(engine: Engine) -> None:
    household = plan(engine, [insured(), dependent(1, 本人家族区分="7"), dependent(2, 番号="")])
    assert codes(household) == {
        "00000001-00": [],
        "00000001-01": ["unknown_code"],
        "00000001-02": ["missing_value"],
    }
    for code, rows in (
        ("duplicate_person", [insured(), insured(郵便番号="222-0022"), dependent(1)]),
        ("malformed_row", [insured(番号="78"), insured(), dependent(1)]),
    ):
        people = members(engine, rows)
        for member in people[: 2 if code == "duplicate_person" else 1]:
            member.state, member.violations = "rejected", [Violation(code, "x")]
        assert "held" in states(Planner(engine, JOB).plan(1, people))


@given(bad=st.sets(st.integers(0, 8)), gone=st.sets(st.integers(0, 8)), size=st.integers(1, 9), hold=st.booleans())
def test_every_member_has_one_state_and_a_card_if_it_is_printed(
    engine: Engine, bad: set[int], gone: set[int], size: int, hold: bool
) -> None:
    rows = family(size)
    for at in bad & set(range(size)):
        rows[at]["生年月日"] = "20990101"
    found = members(engine, rows)
    for at in gone & set(range(size)):
        found[at].state = "withdrawn"
    household = Planner(engine if hold else lenient(engine), JOB).plan(1, found)
    for at, member in enumerate(household.members):
        if at in gone:
            assert member.state == "withdrawn"
        elif at in bad:
            assert member.state == "rejected"
        else:
            assert member.state == ("held" if hold and bad & set(range(size)) - gone else "printed")
    cards = [sheet.people[0] for piece in household.pieces for sheet in piece.sheets if sheet.document == "card"]
    assert cards == [member.person for member in household.members if member.state == "printed"]


def lenient(engine: Engine) -> Engine:
    """The engine with a profile that does not hold households back."""
    other = copy.copy(engine)
    profile = engine.insurers["association"]
    assert profile.bulk is not None
    bulk = profile.bulk.model_copy(update={"hold_household": False})
    other.insurers = {**engine.insurers, "association": profile.model_copy(update={"bulk": bulk})}
    return other
