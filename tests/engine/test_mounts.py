"""Every mount as a finished file: conforming, nobody in another's place, the window, folds and glue kept free."""

from __future__ import annotations

import pytest
import zxingcpp

from docgen.compose.placed import PlacedQr, PlacedSide
from docgen.engine import Engine, Options, preflight
from docgen.pdf.reader import read_pages
from tests import samples, verapdf
from tests.sheet import (
    FOLDS,
    PLAIN,
    apart,
    boxes_of,
    part,
    place,
    printed,
    raster,
    rects_of,
    render,
    text_of,
    texts_of,
    windows,
    within,
)

MOUNTS = [(document, name) for document in ("mount", "mount-employer") for name in samples.names(document)]
MOUNT = pytest.mark.parametrize(("document", "name"), MOUNTS)
PRINTED = [name for name in samples.names("mount") if samples.insurer(name) == "publishers"]
# The grounds of printed cards bleed to 2 mm from the folds, and nothing is glued.
GLUED = pytest.mark.parametrize(("document", "name"), [mount for mount in MOUNTS if mount[1] not in PRINTED])
CORNERS = [(14, 104), (110, 104), (14, 203), (110, 203)]
NAMES = ("caption.name", "caption.name.printed")


def holders(document: str, name: str) -> list[str]:
    """Whose cards a record has, in order, as a reader of the sheet is told."""
    people = [card.get("person") or card["card"]["person"] for card in samples.record(document, name)["cards"]]
    shown = [
        person["alias"]["name"]
        if "alias" in person
        else person.get("full_name") or f"{person['family']}　{person['given']}"
        for person in people
    ]
    table = str.maketrans({"髙": "高", "﨑": "崎"} if samples.insurer(name) == "society" else {})
    return [who.translate(table) for who in shown]


def titled(names: list[str]) -> list[str]:
    return [f"{name}\u00a0様" for name in names]


def test_every_insurer_has_its_variants() -> None:
    assert {samples.insurer(name) for name in samples.names("mount")} == {
        "association", "society", "publishers", "accountants",
    }  # fmt: skip
    assert {"association-insured", "association-dependents"} <= set(samples.names("mount-employer"))


@MOUNT
def test_the_file_is_accepted_by_verapdf_and_preflight(engine: Engine, document: str, name: str) -> None:
    rendered = render(engine, document, name)
    assert verapdf.validate(rendered.pdf) == []
    assert preflight(rendered.pdf) == []
    assert render(engine, document, name).pdf == rendered.pdf


@MOUNT
def test_our_reader_gets_every_text_back(engine: Engine, document: str, name: str) -> None:
    rendered = render(engine, document, name, PLAIN)
    for page, side in zip(read_pages(rendered.pdf), place(engine, document, name), strict=True):
        assert page.blocks() == [text_of(placed) for placed in side.texts]
        found = {run.text for run in page.runs}
        for placed in texts_of(side):
            for line in placed.text.lines:
                assert any(line.text.startswith(text) for text in found), placed.element


@MOUNT
def test_no_two_texts_or_symbols_overlap_and_each_keeps_the_margin(engine: Engine, document: str, name: str) -> None:
    for side in place(engine, document, name):
        boxes = boxes_of(side)
        for i, (one, box) in enumerate(boxes):
            assert within(box, (5, 5, 205, 292)), one
            for other, box2 in boxes[i + 1 :]:
                assert apart(box, box2), (one, other)


@GLUED
def test_nothing_but_the_fold_marks_stands_on_a_fold(engine: Engine, document: str, name: str) -> None:
    picture = raster(engine, document, name, 1, 150)
    for fold in FOLDS:
        assert (part(picture, (4, fold - 2.9, 206, fold + 2.9), 150) == 255).all()
        assert (part(picture, (0, fold - 1, 3, fold + 1), 150) < 128).any()
        assert (part(picture, (207, fold - 1, 210, fold + 1), 150) < 128).any()


@MOUNT
def test_the_window_shows_the_address_and_nothing_else_wherever_the_sheet_slides(
    engine: Engine, document: str, name: str
) -> None:
    boxes = boxes_of(place(engine, document, name)[0])
    block = {element for element, _ in boxes if element.startswith("address.")} | {"piece.window"}
    assert len(block) >= 4
    for sure, most in windows():
        for element, box in boxes:
            assert within(box, sure) if element in block else apart(box, most), element


def test_no_ink_but_the_address_stands_where_the_window_sweeps(engine: Engine) -> None:
    for document, name in (("mount", "association-everything"), ("mount-employer", "association-everything")):
        picture = raster(engine, document, name, 1, 150).copy()
        for element, (left, top, right, bottom) in boxes_of(place(engine, document, name)[0]):
            if element.startswith(("address.", "piece.window")):
                part(picture, (left - 0.5, top - 0.5, right + 0.5, bottom + 0.5), 150)[:] = 255
        assert (part(picture, (1.5, 1.5, 131.5, 85.5), 150) == 255).all()


# --- nobody in another's place ---


@MOUNT
def test_list_and_places_name_the_same_people_in_the_same_order(engine: Engine, document: str, name: str) -> None:
    front, expected = place(engine, document, name)[0], holders(document, name)
    assert printed(front, "contents.name") == titled(expected)
    assert printed(front, *NAMES) == titled(expected)
    assert printed(front, "contents.no") == list("①②③④"[: len(expected)])
    static = [placed.element for placed in texts_of(front)]
    assert static.count("contents.none") == static.count("none") == 4 - len(expected)
    captions = [(placed.x, placed.y) for placed in front.texts if placed.element in NAMES]
    for (x, y), (left, top) in zip(captions, CORNERS, strict=False):
        assert within((x, y, x, y), (left, top + 54, left + 86, top + 64))


@MOUNT
def test_the_mark_under_each_place_is_that_places_match_code(engine: Engine, document: str, name: str) -> None:
    record = samples.record(document, name)
    picture = raster(engine, document, name, 1, 400)
    codes = {card["place"]: card["match_code"] for card in record["cards"] if "match_code" in card}
    for at, (left, top) in enumerate(CORNERS, start=1):
        found = zxingcpp.read_barcodes(part(picture, (left - 3, top + 54.5, left + 12, top + 69), 400).copy())
        assert [symbol.text for symbol in found] == ([codes[at]] if at in codes else [])
    [mark] = zxingcpp.read_barcodes(part(picture, (192, 58, 208, 73), 400).copy())
    piece = record["piece"]
    assert mark.text == f"{piece['id']}-{piece.get('sheet', 1)}/{piece.get('of', 1)}"
    for symbol in place(engine, document, name)[0].symbols:
        assert not isinstance(symbol, PlacedQr) or symbol.module >= 0.33


def test_a_household_of_nine_stands_on_three_mounts_with_nobody_missing(engine: Engine) -> None:
    names = [f"association-nine-{at}of3" for at in (1, 2, 3)]
    fronts = [place(engine, "mount", name)[0] for name in names]
    captions = [printed(front, "caption.name") for front in fronts]
    assert [len(caption) for caption in captions] == [4, 4, 1]
    everybody = "太郎 花子 一郎 さくら 次郎 三郎 あおい 松子 竹雄".split()
    assert [name for caption in captions for name in caption] == titled([f"見本　{name}" for name in everybody])
    assert [printed(front, "contents.sets") for front in fronts] == [[f"3通のうち{at}通目"] for at in (1, 2, 3)]
    assert {text for front in fronts for text in printed(front, "address.name")} == {"見本　太郎\u00a0様"}


@GLUED
def test_the_glue_has_bare_paper(engine: Engine, document: str, name: str) -> None:
    picture = raster(engine, document, name, 1, 150)
    for left, top in CORNERS[: len(holders(document, name))]:
        assert (part(picture, (left + 8.3, top + 20.3, left + 63.7, top + 33.7), 150) == 255).all()


def test_the_glue_guide_stands_on_a_plate_of_its_own(engine: Engine) -> None:
    front = place(engine, "mount", "society-family")[0]
    guides = [rect for rect in rects_of(front) if rect.paint.stroke and rect.paint.stroke.spot == "GlueGuide"]
    assert [(rect.x, rect.y) for rect in guides] == [(left + 8, top + 20) for left, top in CORNERS[:3]]
    assert all(rect.paint.overprint and rect.paint.fill is None for rect in guides)
    others = place(engine, "mount", "association-alone")[0]
    assert not [rect for rect in rects_of(others) if rect.paint.stroke and rect.paint.stroke.spot]


# --- printed cards ---


def moved(side: PlacedSide, x: float, y: float) -> list[tuple[str, str, float, float]]:
    return [(placed.element, text_of(placed), placed.x + x, placed.y + y) for placed in side.texts]


def rounded(texts: list[tuple[str, str, float, float]]) -> set[tuple[str, str, float, float]]:
    return {(element, text, round(x, 3), round(y, 3)) for element, text, x, y in texts}


@pytest.mark.parametrize("name", PRINTED)
def test_printed_cards_are_the_cards_with_their_backs_behind_them(engine: Engine, name: str) -> None:
    front, back = place(engine, "mount", name)
    record = samples.record("mount", name)
    behind = []
    for (left, top), mounted in zip(CORNERS, record["cards"], strict=False):
        card = {"issued_on": record["issued_on"], **mounted["card"]}
        card_front, card_back = engine.place("card", "publishers", card, PLAIN)[1]
        assert rounded(moved(card_front, left, top)) <= rounded(moved(front, 0, 0))
        # Turned over its long edge, the sheet shows the place as far from the right as it was from the left.
        behind += moved(card_back, 210 - left - 86, top)
        for side, x in ((front, left), (back, 210 - left - 86)):
            dies = [rect for rect in rects_of(side) if rect.paint.stroke and rect.paint.stroke.spot == "DieCut"]
            assert (x, top, 86, 54) in [(die.x, die.y, die.width, die.height) for die in dies]
    own = {text for text in rounded(moved(back, 0, 0)) if not text[0].startswith("back.")}
    assert own == rounded(behind)


@pytest.mark.parametrize("name", PRINTED)
def test_the_back_of_printed_cards_says_which_envelope_it_belongs_to(engine: Engine, name: str) -> None:
    number = f"{samples.record('mount', name)['piece']['id']}-1/1"
    front, back = place(engine, "mount", name)
    assert printed(front, "piece.id") == printed(back, "back.id") == [number]
    read = [
        (code.text, code.position.top_left.x / 400 * 25.4, code.position.top_left.y / 400 * 25.4)
        for code in zxingcpp.read_barcodes(raster(engine, "mount", name, 2, 400).copy())
    ]
    [(_, x, y)] = [code for code in read if code[0] == number]
    assert x < 14 + 5.2  # in the margin beside the cards, behind the strip for machines on the front
    assert y < 99  # on the panel that has no cards
    for corner_x, corner_y in CORNERS:
        assert y + 11.6 < corner_y - 3, (corner_x, corner_y)


def test_glued_cards_leave_the_back_of_the_sheet_unprinted(engine: Engine) -> None:
    assert [len(place(engine, document, name)) for document, name in MOUNTS] == [
        2 if name in PRINTED else 1 for _, name in MOUNTS
    ]


def test_a_specimen_is_one_on_the_sheet_and_on_its_cards(engine: Engine) -> None:
    record = samples.record("mount", "publishers-family")
    for specimen, expected in ((True, {1 + 4, 4}), (False, {0})):
        _, sides = engine.place("mount", "publishers", record, Options(specimen=specimen))
        assert {sum(text_of(placed) == "見本" for placed in texts_of(side)) for side in sides} == expected


# --- through the employer ---


def test_an_employers_mount_says_that_it_came_back_only_if_it_did(engine: Engine) -> None:
    for which, came_back in (("dependents", True), ("insured", False)):
        record = samples.record("mount-employer", f"association-{which}")
        assert (record["occasion"] == "returned") == came_back
        everything = "".join(
            text_of(text) for text in texts_of(place(engine, "mount-employer", f"association-{which}")[0])
        )
        assert "勤め先からお渡しする理由" in everything
        assert ("封筒が戻った" in everything) == came_back
        assert ("勤め先を通じてお届けしています" in everything) != came_back


def test_symbol_and_number_stand_outside_the_window_and_not_at_all_for_dependents(engine: Engine) -> None:
    record = samples.record("mount-employer", "association-insured")
    insured, dependents = (
        place(engine, "mount-employer", f"association-{which}")[0] for which in ("insured", "dependents")
    )
    assert printed(insured, "deliver.symbol", "deliver.number") == [record["symbol"], record["number"]]
    assert printed(insured, "address.attention") == printed(insured, "deliver.insured") == ["見本　太郎\u00a0様"]
    assert printed(dependents, "address.attention") == printed(dependents, "deliver.insured.alone")
    everything = "".join(text_of(placed) for placed in texts_of(dependents))
    assert record["symbol"] not in everything
    assert record["number"] not in everything


@MOUNT
def test_the_addressee_is_titled_exactly_once(engine: Engine, document: str, name: str) -> None:
    front = place(engine, document, name)[0]
    for element in {placed.element for placed in front.texts if placed.element.startswith("address.")}:
        [text] = printed(front, element)
        assert text.count("様") + text.count("御中") == (1 if "name" in element or "attention" in element else 0)


@pytest.mark.parametrize("character", ["漢", "Ａ"])
@pytest.mark.parametrize("words", [1, 3, 6])
def test_a_name_that_the_card_can_print_the_mount_prints_in_every_place(
    engine: Engine, character: str, words: int
) -> None:
    """Up to 35 full-width characters, as names of foreign residents have them."""
    name = "\u3000".join([character * ((35 - words + 1) // words)] * words)
    card, mount = samples.record("card", "association-insured"), samples.record("mount", "association-alone")
    person = {"full_name": name}
    engine.place("card", "association", {**card, "person": {**person, "born_on": "1985-04-01"}})
    cards = [{**mount["cards"][0], "person": person}]
    engine.place(
        "mount", "association", {**mount, "addressee": {**mount["addressee"], "person": person}, "cards": cards}
    )


def test_a_long_company_name_is_set_no_smaller_than_its_address(engine: Engine) -> None:
    [front] = place(engine, "mount-employer", "association-everything")
    size = {text.element: text.text.size for text in front.texts}
    assert size["address.name.employer"] >= size["address.lines.employer"]
