"""The card's own layout, and the JSON Schema that editors hold it against."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docgen.errors import LayoutError
from docgen.layout.grammar import check_grammar
from docgen.layout.loader import layout_schema, load_layout
from docgen.layout.models import FieldText, Qr

LAYOUTS = Path(__file__).parents[2] / "layouts"
CARD = LAYOUTS / "card.yaml"
TEXT = CARD.read_text(encoding="utf-8")
# Every key that the file writes, in block and flow style, but for those in comments.
KEYS = [m for m in re.finditer(r"(?<=[\s{])[A-Za-z_0-9]+(?=:\s)", re.sub(r"#.*", lambda m: " " * len(m[0]), TEXT))]


def test_the_card_keeps_to_the_grammar() -> None:
    assert check_grammar(load_layout(CARD), type_floor=5.0) == ()


def test_the_card_requires_what_every_card_must_say() -> None:
    elements = [element for side in load_layout(CARD).sides.values() for element in side]
    required = {element.field for element in elements if isinstance(element, FieldText) and element.required}
    optional = {element.field for element in elements if isinstance(element, FieldText) and not element.required}
    assert required >= {
        "card.role",
        "holder.name",
        "holder.born_on",
        "number",
        "dates.acquired_on",
        "dates.issued_on",
        "validity.expires_on",
        "insurer.number",
        "insurer.name",
        "insurer.address",
        "insured.name",
        "burden.text",
    }
    assert optional == {"symbol", "branch", "holder.kana", "holder.sex", "insurer.tel", "remarks"}
    assert [element.required for element in elements if isinstance(element, Qr)] == [True]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(KEYS), data=st.data())
def test_a_misspelt_key_is_always_an_error_at_its_line(tmp_path: Path, key: re.Match[str], data: Any) -> None:
    word = key[0]
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz").filter(lambda letter: letter != word[at]))
    start = key.start() + at
    path = tmp_path / "card.yaml"
    path.write_text(TEXT[:start] + letter + TEXT[start + 1 :], encoding="utf-8")
    with pytest.raises(LayoutError) as caught:
        load_layout(path)
    line = TEXT.count("\n", 0, start) + 1
    assert line in {violation.line for violation in caught.value.violations}


def test_the_committed_schema_is_that_of_the_models() -> None:
    committed = json.loads((LAYOUTS / "schema" / "layout.json").read_text(encoding="utf-8"))
    assert committed == layout_schema(), "write it anew: docgen layout schema > layouts/schema/layout.json"


def schema_errors(text: str) -> list[str]:
    jsonschema.Draft202012Validator.check_schema(layout_schema())
    errors = jsonschema.Draft202012Validator(layout_schema()).iter_errors(yaml.safe_load(text))
    return [error.json_path for error in errors]


@pytest.mark.parametrize("path", sorted(LAYOUTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_layout_is_valid_by_the_schema_that_it_names(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema/layout.json\n")
    assert schema_errors(text) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("layout: card", "layout: crad"),
        ("field: holder.name,", "field: holder.nmae,"),
        ("field: holder.name,", "field: piece.id,"),  # another document's
        ("qr: card.qr,", "qr: card.rq,"),
        ("when: [holder.is_dependent, not burden.is_printed]", "when: [holder.is_dependent, not burden.is_print]"),
        ("when: card.has_serial", "when: card.has_seria"),
        ("fill: paper, radius: 0.6", "fill: insurer.bond, radius: 0.6"),
        ("fill: paper, radius: 0.6", "fill: ~, radius: 0.6"),
        ("image: insurer.mark,", "image: insurer.marc,"),
        ("shrink 6, reject], align: center}", "shrink 6, reject], align: centre}"),
        ("condense 0.85, reject], tracking", "condense 0.85, rejct], tracking"),
    ],
)
def test_a_name_that_is_not_there_is_marked_by_editors(old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert schema_errors(TEXT.replace(old, new)) != []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("notice", "rows: people", "rows: peolpe"),
        ("mount", "include: card.front", "include: crad.front"),
        ("seal", "covers: {document: card, box: organ.box, above", "covers: {document: crad, box: organ.box, above"),
        ("mount", "envelope: envelope-long-3", "envelope: envelope-long-4"),
    ],
)
def test_a_list_or_document_that_is_not_there_is_marked_by_editors(name: str, old: str, new: str) -> None:
    text = (LAYOUTS / f"{name}.yaml").read_text(encoding="utf-8")
    assert old in text
    assert schema_errors(text.replace(old, new, 1)) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("condense 0.85, reject], tracking", "condens 0.85, reject], tracking"),
        ("when: not insurer.has_mark", "when: not insurer has_mark"),
        ("fill: paper, radius: 0.6", "fill: white, radius: 0.6"),
        ("bleed: 3", "blead: 3"),
        ("size: 9.75", "size: '9.75'"),
        ("  front:", "  face:"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tmp_path: Path, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    text = TEXT.replace(old, new)
    path = tmp_path / "card.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LayoutError):
        load_layout(path)
    assert schema_errors(text) != []


@pytest.mark.parametrize("path", sorted((LAYOUTS / "art").glob("*.svg")), ids=lambda path: path.stem)
def test_the_sample_artwork_is_plain_shapes_in_plain_colours(path: Path) -> None:
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert root.get("viewBox")
    shapes = {element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in root}
    assert shapes <= {"path", "circle", "rect", "polygon"}
    colours = {element.get(name) for element in root for name in ("fill", "stroke")} - {None, "none"}
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour or "") for colour in colours)


@pytest.mark.parametrize("path", sorted(LAYOUTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_identifier_is_made_smaller_before_it_is_torn(path: Path) -> None:
    layout = load_layout(path)
    for element in (element for side in layout.sides.values() for element in side):
        if isinstance(element, FieldText) and re.search(r"(^|\.)(symbol|number|branch|id)$", element.field):
            kinds = [step.kind for step in element.fit or layout.styles[element.style].fit]
            assert "wrap" not in kinds or "shrink" in kinds[: kinds.index("wrap")], element.id


def test_the_rule_above_the_insurer_stands_amid_what_it_parts() -> None:
    front = {element.id: element for element in load_layout(CARD).sides["front"]}
    chip, rule, insurer = front["burden.box"].rect, front["rule.insurer"].line, front["insurer.name"].box  # type: ignore[attr-defined]
    assert rule[1] - (chip[1] + chip[3]) >= 0.6
    assert insurer[1] - rule[1] >= 0.6
