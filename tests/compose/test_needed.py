"""A layout prints everything that its document is for, whoever the document is made for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from docgen.compose.needed import check_needed, item_of
from docgen.issuance.documents import DOCUMENTS, Document
from docgen.issuance.items import Catalogue
from docgen.layout.loader import load_layout
from docgen.layout.models import Condition, FitStep, Layout
from docgen.settings import Settings

DRAWN = [(kind, name) for kind in DOCUMENTS.values() for name in kind.layouts]


def layout(name: str) -> Layout:
    return load_layout(Settings().layouts_dir / f"{name}.yaml")


def without(layout: Layout, item: str) -> Layout:
    sides = {side: tuple(e for e in elements if item_of(e) != item) for side, elements in layout.sides.items()}
    return layout.model_copy(update={"sides": sides})


def shown_when(layout: Layout, item: str, condition: Condition) -> Layout:
    """The layout, where an item shows only if a flag is as it says."""
    sides = {
        side: tuple(e.model_copy(update={"when": (*e.when, condition)}) if item_of(e) == item else e for e in elements)
        for side, elements in layout.sides.items()
    }
    return layout.model_copy(update={"sides": sides})


def catalogues(kind: Document) -> Iterator[Catalogue]:
    yield kind.catalogue
    for rows in kind.catalogue.lists.values():
        yield Catalogue({**kind.catalogue.texts, **rows.texts}, {**kind.catalogue.flags, **rows.flags}, {}, rows.needed)


@pytest.mark.parametrize(("kind", "name"), DRAWN, ids=[f"{kind.id}-{name}" for kind, name in DRAWN])
def test_every_layout_prints_what_its_document_is_for(kind: Document, name: str) -> None:
    assert list(check_needed(layout(name), kind)) == []


@pytest.mark.parametrize("kind", DOCUMENTS.values(), ids=DOCUMENTS)
def test_what_is_needed_is_in_the_catalogue(kind: Document) -> None:
    for catalogue in catalogues(kind):
        for need in catalogue.needed:
            assert need.item in catalogue.texts
            assert {flag.removeprefix("not ") for flag in need.when} <= catalogue.flags.keys()


@pytest.mark.parametrize(("kind", "name"), DRAWN, ids=[f"{kind.id}-{name}" for kind, name in DRAWN])
def test_each_needed_item_is_missed_by_name(kind: Document, name: str) -> None:
    drawn = layout(name)
    items = {need.item for need in kind.needed(name)} | {n.item for c in catalogues(kind) for n in c.needed}
    for item in items:
        found = list(check_needed(without(drawn, item), kind))
        assert found, item
        assert {v.code for v in found} == {"layout_missing_item"}
        assert all(v.message.startswith(f"no element prints {item}") and v.file == f"{name}.yaml" for v in found)
        assert all(f"field: {item}" in v.hint for v in found)


def test_a_card_names_its_holder_number_and_dates() -> None:
    needed = {need.item for need in DOCUMENTS["card"].catalogue.needed}
    assert {"holder.name", "holder.born_on", "holder.sex", "symbol", "number", "branch"} <= needed
    assert {"insurer.number", "insurer.name", "validity.expires_on", "dates.issued_on", "burden.text"} <= needed


def test_a_name_that_only_some_cards_show_is_missed_on_the_others() -> None:
    condition = Condition(flag="holder.is_dependent")
    [found] = check_needed(shown_when(layout("card"), "holder.name", condition), DOCUMENTS["card"])
    assert found.message == "no element prints holder.name when not holder.is_dependent"
    assert (found.file, found.element) == ("card.yaml", "name")
    assert found.line is not None


def test_an_item_may_show_only_when_its_own_flag_holds() -> None:
    condition = Condition(flag="document.has_remarks")
    assert list(check_needed(shown_when(layout("card"), "remarks", condition), DOCUMENTS["card"])) == []


def test_what_is_needed_is_never_left_out_for_want_of_room() -> None:
    drawn = layout("card")
    fit = (FitStep(kind="shrink", limit=7), FitStep(kind="omit"))
    front = tuple(e.model_copy(update={"fit": fit}) if item_of(e) == "holder.name" else e for e in drawn.sides["front"])
    card = drawn.model_copy(update={"sides": {**drawn.sides, "front": front}})
    [found] = check_needed(card, DOCUMENTS["card"])
    assert (found.element, found.message) == ("name", "holder.name is left out where it does not fit")


def test_one_of_several_elements_is_not_enough() -> None:
    drawn = layout("card")  # the insured's name has two widths, for two conditions
    wide = next(e for e in drawn.sides["front"] if item_of(e) == "insured.name")
    sides = {**drawn.sides, "front": tuple(e for e in drawn.sides["front"] if e is not wide)}
    [found] = check_needed(drawn.model_copy(update={"sides": sides}), DOCUMENTS["card"])
    assert "no element prints insured.name when" in found.message
    assert "burden.is_printed" in found.message


def test_rows_on_a_further_page_need_their_items_too() -> None:
    drawn = layout("notice")
    sides = {**drawn.sides, "next": tuple(e for e in drawn.sides["next"] if item_of(e) != "person.name")}
    found = list(check_needed(drawn.model_copy(update={"sides": sides}), DOCUMENTS["notice"]))
    assert {v.message for v in found} == {
        "no element prints person.name in the rows of people on next",
        "no element prints person.name in the rows of slips on next",
    }


def test_the_card_to_cut_out_does_not_speak_for_the_sheet() -> None:
    drawn = layout("notice")
    front = tuple(e for e in drawn.sides["front"] if item_of(e) != "insurer.number" or e.each == "slips")
    found = list(check_needed(drawn.model_copy(update={"sides": {**drawn.sides, "front": front}}), DOCUMENTS["notice"]))
    assert [v.message for v in found] == ["no element prints insurer.number"]


def test_rows_without_a_flow_are_missed() -> None:
    drawn = layout("notice")
    flows = {name: flow for name, flow in drawn.flows.items() if name != "people"}
    found = list(check_needed(drawn.model_copy(update={"flows": flows}), DOCUMENTS["notice"]))
    assert "no flow prints the rows of people" in {v.message for v in found}


def test_only_the_envelope_without_a_window_needs_the_address() -> None:
    kind = DOCUMENTS["envelope"]
    assert list(check_needed(layout("envelope-long-3"), kind)) == []
    found = list(check_needed(without(layout("envelope-square-2"), "address.lines"), kind))
    assert [v.message for v in found] == ["no element prints address.lines"]
