"""Lists that flow over places, rows and pages: nobody lost, nobody twice, nothing in another's place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.compose.brand import Brand
from docgen.compose.compiler import hatching
from docgen.compose.composition import Composition
from docgen.compose.placed import PlacedSide
from docgen.errors import RecordError
from docgen.issuance.items import PrintItems, Row
from docgen.layout.models import Layout
from docgen.settings import Settings
from docgen.text.faces import FontLibrary
from docgen.text.registry import FontRegistry

LIBRARY = FontLibrary(FontRegistry.load(Settings().fonts_toml))
BRAND = Brand("sample", {}, {}, {}, {}, None, 0, 5)
STYLES = {
    "plain": {"stack": "gothic", "size": 8},
    "wrapped": {"stack": "gothic", "size": 8, "fit": ["wrap 5", "reject"], "valign": "top"},
}
# fmt: off
PLACES = {
    "flows": {"cards": {"rows": "cards", "places": {
        "front": [[10, 10], [110, 10]],
        "next": [[10, 20], [10, 60], [10, 90]],
    }}},
    "wording": {"none": "なし"},
    "sides": {
        "front": [
            {"id": "holder", "each": "cards", "field": "card.name", "box": [1, 2, 60, 4], "style": "plain"},
            {"id": "frame", "each": "cards", "rect": [0, 0, 86, 30], "stroke": "black"},
            {"id": "none", "each": "cards", "empty": True, "text": "wording.none", "box": [1, 2, 60, 4],
             "style": "plain"},
        ],
        "next": [
            {"id": "holder.next", "each": "cards", "field": "card.name", "box": [1, 2, 60, 4], "style": "plain"},
            {"id": "number", "field": "page.number", "box": [100, 280, 20, 4], "style": "plain"},
        ],
    },
}
TABLE = {
    "flows": {"people": {
        "rows": "people", "min_height": 6, "within": {"front": [10, 40, 180, 40], "next": [10, 20, 180, 30]},
    }},
    "wording": {"end": "以上"},
    "sides": {
        side: [
            {"id": f"{side}.name", "each": "people", "field": "person.name", "box": [1, 1, 30, 4], "style": "wrapped"},
            {"id": f"{side}.end", "each": "people", "empty": True, "text": "wording.end", "box": [1, 1, 30, 4],
             "style": "plain"},
            {"id": f"{side}.rows", "field": "page.rows", "box": [150, 270, 20, 4], "style": "plain"},
            {"id": f"{side}.of", "field": "page.count", "box": [180, 270, 20, 4], "style": "plain",
             "when": "page.is_last"},
        ]
        for side in ("front", "next")
    },
}
# fmt: on


def compose(definition: dict[str, Any]) -> Composition:
    base = {"layout": "mount", "title": "題", "page": {"width": 210, "height": 297}, "styles": STYLES}
    return Composition(Layout.model_validate({**base, **definition}), BRAND, LIBRARY)


def items(name: str, item: str, values: list[str]) -> PrintItems:
    rows = tuple(Row({item: value}, pointers={item: f"/{name}/{at}"}) for at, value in enumerate(values))
    return PrintItems({}, {}, {}, date(2025, 12, 2), lists={name: rows})


def texts(side: PlacedSide, element: str) -> list[str]:
    return ["".join(line.text for line in placed.text.lines) for placed in side.texts if placed.element == element]


PLACED = compose(PLACES)
TABLED = compose(TABLE)


@given(st.integers(0, 14))
def test_every_row_stands_in_one_place_and_in_order(count: int) -> None:
    names = [f"見本{at}" for at in range(count)]
    sides = PLACED.place(items("cards", "card.name", names))
    assert [name for side in sides for name in (*texts(side, "holder"), *texts(side, "holder.next"))] == names
    assert len(sides) == 1 + max(0, -(-(count - 2) // 3))
    assert [texts(side, "number") for side in sides[1:]] == [[str(at + 2)] for at in range(len(sides) - 1)]


def test_rows_and_empty_places_stand_at_their_corners() -> None:
    [side] = PLACED.place(items("cards", "card.name", ["見本"]))
    assert [(placed.x, placed.y) for placed in side.texts] == [(11, 12)]
    assert [(form.x, form.y, len(form.static.items)) for form in side.forms] == [(10, 10, 1), (110, 10, 1)]


def test_what_every_record_has_is_told_of_the_pages_that_go_on_too() -> None:
    assert [(spot.item, spot.page, spot.place, spot.further) for spot in PLACED.spots({}, always=True)] == [
        ("card.name", 1, 1, False),
        ("card.name", 1, 2, False),
        ("page.number", 2, 0, True),
        ("card.name", 2, 1, True),
        ("card.name", 2, 2, True),
        ("card.name", 2, 3, True),
    ]
    assert {spot.page for spot in PLACED.spots({})} == {1}
    assert [(spot.item, spot.page) for spot in TABLED.spots({}, always=True)] == [("page.rows", 1), ("page.rows", 2)]
    assert {spot.item for spot in TABLED.spots({})} == {"page.rows", "page.count"}  # on the last page alone


def test_nothing_is_said_of_the_pages_behind_one_that_not_every_record_has() -> None:
    back = [{"id": "back", "field": "page.count", "box": [100, 280, 20, 4], "style": "plain"}]
    sides = {"front": PLACES["sides"]["front"], "back": back, "next": PLACES["sides"]["next"]}
    composition = compose({**PLACES, "sides": sides, "sides_when": {"back": "notice.has_note"}})
    for known, pages in (
        ({}, [("card.name", 1)]),
        ({"notice.has_note": False}, [("card.name", 1), ("page.number", 2), ("card.name", 2)]),
        ({"notice.has_note": True}, [("card.name", 1), ("page.count", 2), ("page.number", 3), ("card.name", 3)]),
    ):
        spots = composition.spots(known, always=True)
        assert list(dict.fromkeys((spot.item, spot.page) for spot in spots)) == pages


def test_rows_without_a_place_are_a_violation_and_not_lost() -> None:
    definition = {**PLACES, "sides": {"front": PLACES["sides"]["front"]}}
    definition["flows"] = {"cards": {"rows": "cards", "places": {"front": [[10, 10], [110, 10]]}}}
    with pytest.raises(RecordError) as caught:
        compose(definition).place(items("cards", "card.name", ["一", "二", "三"]))
    [violation] = caught.value.violations
    assert (violation.code, violation.pointer) == ("too_many_rows", "/cards/2")


LONG = "とても長い名前の見本の人"


@given(st.lists(st.sampled_from(["見本", LONG, LONG * 2]), max_size=30))
def test_table_rows_grow_and_flow_over_pages(names: list[str]) -> None:
    sides = TABLED.place(items("people", "person.name", names))
    found = [name for side in sides for name in (*texts(side, "front.name"), *texts(side, "next.name"))]
    assert found == names
    assert [texts(side, f"{side.name}.rows") for side in sides] == [
        [str(len(texts(side, f"{side.name}.name")))] for side in sides
    ]
    assert [bool(texts(side, f"{side.name}.of")) for side in sides] == [False] * (len(sides) - 1) + [True]
    for side in sides:
        bottom = {"front": 80, "next": 50}[side.name]
        people = [placed for placed in side.texts if placed.element.endswith(".name")]
        ends = [placed.y + TABLED_SETTER.block_height(placed.text) for placed in people]
        assert all(end <= bottom for end in ends)
        assert all(after.y >= end for end, after in zip(ends, people[1:], strict=False))


TABLED_SETTER = next(
    slot.setter  # type: ignore[union-attr]
    for slot in TABLED.sides["front"].rows["people"].variant({}).slots
)


def test_a_row_taller_than_a_page_is_refused() -> None:
    with pytest.raises(RecordError) as caught:
        TABLED.place(items("people", "person.name", [LONG * 20]))
    assert {violation.code for violation in caught.value.violations} == {"does_not_fit"}


def test_a_violation_in_a_row_names_the_row() -> None:
    with pytest.raises(RecordError) as caught:
        PLACED.place(items("cards", "card.name", ["見本", "\ue000"]))
    assert [violation.pointer for violation in caught.value.violations] == ["/cards/1"]


def test_another_document_is_included_at_its_place() -> None:
    card = {
        "layout": "card", "page": {"width": 86, "height": 54}, "wording": {"title": "題名"},
        "sides": {"front": [
            {"id": "name", "field": "holder.name", "box": [4, 4, 60, 4], "style": "plain"},
            {"id": "title", "text": "wording.title", "box": [4, 10, 60, 4], "style": "plain"},
        ]},
    }  # fmt: skip
    base = {"title": "題", "styles": STYLES}
    included = Composition(Layout.model_validate({**base, **card}), BRAND, LIBRARY)
    sheet = {
        "layout": "mount", "page": {"width": 210, "height": 297},
        "flows": {"cards": {"rows": "cards", "places": {"front": [[14, 104], [110, 104]]}}},
        "sides": {"front": [{"id": "card", "each": "cards", "include": "card.front", "at": [0, 0]}]},
    }  # fmt: skip
    mount = Composition(Layout.model_validate({**base, **sheet}), BRAND, LIBRARY, lambda _: included)
    holder = PrintItems({"holder.name": "見本"}, {}, {}, date(2025, 12, 2))
    record = replace(holder, lists={"cards": (Row({}, includes={"card": holder}),) * 2})
    [side] = mount.place(record)
    assert [(placed.x, placed.y) for placed in side.texts] == [(18, 108), (114, 108)]
    assert [(form.x, form.y) for form in side.forms] == [(14, 104), (110, 104)]
    assert side.forms[0].static is side.forms[1].static


@given(st.floats(1, 100), st.floats(1, 100), st.floats(-179, 179), st.floats(0.3, 5))
def test_hatching_stays_inside_its_box(width: float, height: float, angle: float, pitch: float) -> None:
    lines = list(hatching(5, 7, width, height, angle, pitch))
    assert lines
    for x1, y1, x2, y2 in lines:
        assert all(5 - 1e-6 <= x <= 5 + width + 1e-6 for x in (x1, x2))
        assert all(7 - 1e-6 <= y <= 7 + height + 1e-6 for y in (y1, y2))


def test_pages_tell_whether_a_flow_stands_on_them_and_goes_on() -> None:
    shown = {
        "has": "page.has_cards", "none": "not page.has_cards", "more": "page.more_cards", "end": "not page.more_cards",
    }  # fmt: skip
    definition = {
        "flows": PLACES["flows"],
        "sides": {
            side: [
                {"id": f"{side}.{name}", "field": "page.number", "box": [10, 200 + 6 * at, 20, 4], "style": "plain",
                 "when": flag}
                for at, (name, flag) in enumerate(shown.items())
            ]
            for side in ("front", "next")
        },
    }  # fmt: skip
    composition = compose(definition)
    for count, expected in {0: [{"none", "end"}], 2: [{"has", "end"}], 3: [{"has", "more"}, {"has", "end"}]}.items():
        sides = composition.place(items("cards", "card.name", ["見本"] * count))
        assert [{text.element.partition(".")[2] for text in side.texts} for side in sides] == expected


def test_rows_show_the_elements_of_what_they_are() -> None:
    definition = {
        "flows": {"facts": {"rows": "facts", "min_height": 6, "within": {"front": [10, 40, 180, 40]}}},
        "wording": {"name": "氏名", "birth": "生年月日"},
        "sides": {"front": [
            {"id": kind, "each": "facts", "text": f"wording.{kind}", "box": [1, 1, 30, 4], "style": "plain",
             "when": f"fact is {kind}"}
            for kind in ("name", "birth")
        ]},
    }  # fmt: skip
    rows = tuple(Row({}, {f"fact is {kind}": kind == this for kind in ("name", "birth")}) for this in ("birth", "name"))
    [side] = compose(definition).place(PrintItems({}, {}, {}, date(2025, 12, 2), lists={"facts": rows}))
    assert [item.element for form in side.forms for item in form.static.items] == ["birth", "name"]


def grouped(sizes: list[int]) -> PrintItems:
    rows = [
        Row({"person.name": f"{group}-{at}"}, group=str(group))
        for group, size in enumerate(sizes)
        for at in range(size)
    ]
    return replace(items("people", "person.name", []), lists={"people": tuple(rows)})


KEPT = compose({**TABLE, "flows": {"people": {**TABLE["flows"]["people"], "keep": 3}}})


@given(st.lists(st.integers(1, 9), max_size=12))
def test_small_groups_stay_on_one_page_and_nobody_is_lost(sizes: list[int]) -> None:
    sides = KEPT.place(grouped(sizes))
    pages = [[*texts(side, "front.name"), *texts(side, "next.name")] for side in sides]
    assert [name for page in pages for name in page] == [
        f"{g}-{at}" for g, size in enumerate(sizes) for at in range(size)
    ]
    for group, size in enumerate(sizes):
        holding = [page for page in pages if any(name.startswith(f"{group}-") for name in page)]
        assert size > 3 or len(holding) == 1


def test_a_group_that_fits_is_not_moved() -> None:
    sides = KEPT.place(grouped([3, 3, 3, 3]))  # six rows fit on the first page, five on each other
    assert [len(texts(side, f"{side.name}.name")) for side in sides] == [6, 3, 3]


def test_a_side_is_printed_only_where_its_flags_hold() -> None:
    definition = {
        "wording": {"front": "表", "back": "裏"},
        "sides": {
            side: [{"id": side, "text": f"wording.{side}", "box": [1, 1, 30, 4], "style": "plain"}]
            for side in ("front", "back")
        },
        "sides_when": {"back": ["mount.is_printed", "not mount.is_single"]},
    }
    composition = compose(definition)
    for printed, single in ((True, False), (True, True), (False, False)):
        flags = {"mount.is_printed": printed, "mount.is_single": single}
        sides = composition.place(PrintItems({}, flags, {}, date(2025, 12, 2)))
        assert [side.name for side in sides] == (["front", "back"] if printed and not single else ["front"])


def test_a_page_says_its_number_where_only_one_side_asks_for_it_and_no_rows_flow() -> None:
    definition = {
        "wording": {"front": "表"},
        "sides": {
            "front": [{"id": "front", "text": "wording.front", "box": [1, 1, 30, 4], "style": "plain"}],
            "back": [
                {"id": "of", "field": "page.of", "box": [1, 1, 30, 4], "style": "plain", "required": True},
                {"id": "last", "field": "page.count", "box": [1, 9, 30, 4], "style": "plain", "when": "page.is_last"},
            ],
        },
    }
    front, back = compose(definition).place(PrintItems({}, {}, {}, date(2025, 12, 2)))
    assert not front.texts
    assert [placed.text.lines[0].text for placed in back.texts] == ["2 / 2", "2"]
