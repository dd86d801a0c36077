"""A wrong layout file is refused with every error at its own line."""

from __future__ import annotations

from pathlib import Path

import pytest

from docgen.errors import LayoutError, Violation
from docgen.layout.loader import load_layout
from docgen.layout.models import Condition, FitStep, Layout

# The line numbers below are those of this file: `#` marks the line that is changed in a test.
GOOD = """\
layout: card
title: A card
page: {width: 86, height: 54, bleed: 3, safe: 2, trims: [[85.6, 54]]}
wording:
  hello: Hello
  notes: [one, two]
styles:
  plain: {stack: gothic, size: 8, fit: [condense 0.7, shrink 6, wrap 2, reject]}
sides:
  front:
    - {id: ground, rect: [-3, -3, 92, 60], fill: insurer.body}
    - {id: hello, text: wording.hello, box: [4, 4, 40, 3], style: plain}
    - {id: notes, text: wording.notes, box: [4, 10, 40, 3], style: plain, step: [0, 4]}
    - id: name
      field: holder.name
      box: [4, 20, 40, 3]
      style: plain
      when: [holder.is_dependent, not card.has_qr]
      required: true
    - {id: qr, qr: card.qr, box: [60, 20, 13, 13]}
"""


def load(tmp_path: Path, text: str) -> Layout:
    path = tmp_path / "sketch.yaml"
    path.write_text(text, encoding="utf-8")
    return load_layout(path)


def violations(tmp_path: Path, *changes: tuple[str, str]) -> tuple[Violation, ...]:
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, f"the change must name one place: {old}"
        text = text.replace(old, new)
    with pytest.raises(LayoutError) as caught:
        load(tmp_path, text)
    return caught.value.violations


def test_a_good_layout_knows_its_file_and_the_line_of_each_element(tmp_path: Path) -> None:
    layout = load(tmp_path, GOOD)
    assert layout.file == "sketch.yaml"
    assert [element.line_no for element in layout.sides["front"]] == [11, 12, 13, 14, 20]
    assert layout.line(("sides", "front", 3, "style")) == 17


def test_short_forms_become_steps_and_conditions(tmp_path: Path) -> None:
    layout = load(tmp_path, GOOD)
    steps = (FitStep(kind="condense", limit=0.7), FitStep(kind="shrink", limit=6), FitStep(kind="wrap", limit=2))
    assert layout.styles["plain"].fit == (*steps, FitStep(kind="reject"))
    flags = (Condition(flag="holder.is_dependent"), Condition(flag="card.has_qr", wanted=False))
    assert layout.sides["front"][3].when == flags


@pytest.mark.parametrize(
    ("old", "new", "line", "element", "says"),
    [
        ("title: A card", "titel: A card", 2, None, "did you mean title?"),
        ("bleed: 3", "blead: 3", 3, None, "did you mean bleed?"),
        ("stack: gothic", "stock: gothic", 8, None, "did you mean stack?"),
        ("  front:", "  fornt:", 10, None, "did you mean front?"),
        ("fill: insurer.body", "filll: insurer.body", 11, "ground", "did you mean fill?"),
        ("      required: true", "      requird: true", 19, "name", "did you mean required?"),
        ("      field: holder.name", "      feild: holder.name", 15, "name", "did you mean field?"),
        ("text: wording.hello, ", "txt: wording.hello, ", 12, "hello", "did you mean text?"),
    ],
)
def test_an_unknown_key_names_its_line_and_what_was_meant(
    tmp_path: Path, old: str, new: str, line: int, element: str | None, says: str
) -> None:
    found = [v for v in violations(tmp_path, (old, new)) if v.code == "layout_unknown_key"]
    assert [(v.file, v.line, v.element) for v in found] == [("sketch.yaml", line, element)]
    assert says in found[0].hint
    assert "allowed: " in found[0].hint


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("width: 86", "width: -86", 3, "`width`: must be over 0"),
        ("width: 86", "width: '86'", 3, "`width`: not a number; 86 stands there"),
        ("bleed: 3", "bleed: .nan", 3, "`bleed`"),
        ("[[85.6, 54]]", "[[85.6, 55]]", 3, "`trims`: a trim is larger than the page: draw on the largest"),
        ("  hello: Hello", "  hello: 12", 5, "`hello`: wording is a text or a list of texts"),
        ("[one, two]", "[one, 2]", 6, "`notes`: wording is a text or a list of texts"),
        ("size: 8", "size: big", 8, "`size`: not a number; big stands there"),
        (
            "size: 8",
            "size: 13pt",
            8,
            "`size`: not a number; 13pt stands there: lengths are mm, type sizes pt, inks %: "
            "write the number alone, 13",
        ),
        ("bleed: 3", "bleed: 3 mm", 3, "write the number alone, 3"),
        (
            "[4, 4, 40, 3]",
            "[4, 4, 63.5 6.4]",
            12,
            "`box`: not a number; 63.5 6.4 stands there: a comma is missing: write 63.5, 6.4",
        ),
        ("fill: insurer.body", "fill: [255, 0, 0, 0]", 11, "`fill`: must be 100 or less"),
        ("stack: gothic", "stack: [gothic, mincho]", 8, "`stack`: not a text"),
        ("condense 0.7", "squeeze 0.7", 8, "a step is condense 0.7, shrink 5, wrap 2, omit or reject"),
        ("condense 0.7", "condense", 8, "a step is condense 0.7"),
        ("size: 8,", "size: 8, align: centre,", 8, "'left', 'center', 'right', 'distribute' or 'justify'"),
        ("size: 8,", "size: 8, align: centre,", 8, "did you mean center?"),
        ("size: 8,", "size: ８,", 8, "not a number; ８ stands there: these are full-width figures: write 8"),
        ("id: hello,", "id: off,", 12, "YAML reads on, off, yes and no as true or false: put the word in quotes"),
        ("size: 8,", "size: 8, ink: [0, 0, 0],", 8, "an ink is paper, black, insurer.ROLE"),
        ("size: 8,", "size: 8, ink: [0, 0, 0, 101],", 8, "`ink`: must be 100 or less"),
        ("fill: insurer.body", "fill: yellow", 11, "no ink: yellow; an ink is"),
        ("fill: insurer.body", "fill: spot.", 11, "no ink: spot."),
        ("fill: insurer.body", "radius: round", 11, "a radius is a length in mm or insurer.corner_radius"),
        ("fill: insurer.body", "count: 1.5", 11, "`count`: not a whole number"),
        ("box: [4, 4, 40, 3]", "box: [4, 4, 40]", 12, "`box`: too few values"),
        ("box: [4, 4, 40, 3], ", "", 12, "`box` is missing"),
        ("text: wording.hello", "text: hello", 12, "`text`: must have the form"),
        ("text: wording.hello, ", "", 12, "this element does not say what it is"),
        ("text: wording.hello", "text: wording.hello, rect: [0, 0, 1, 1]", 12, "one thing, not text and rect"),
        ("      field: holder.name", "      field: Holder name", 15, "`field`: must have the form"),
        ("      box: [4, 20, 40, 3]", "      box: [4, 20, 0, 3]", 16, "`box`: must be over 0"),
        (
            "fill: insurer.body",
            "stroke: black, stroke_width: 0.05",
            11,
            "`stroke_width`: must be 0.09 or more",
        ),
        ("not card.has_qr", "card has_qr", 18, "no condition: card has_qr"),
        ("      required: true", "      required: 'yes'", 19, "`required`: neither true nor false"),
        ("{id: qr, qr: card.qr, box: [60, 20, 13, 13]}", "a stray text", 20, "an element is a mapping"),
    ],
)
def test_a_wrong_value_names_its_line_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    found = violations(tmp_path, (old, new))
    assert {(v.code, v.file, v.line) for v in found} == {("layout_value", "sketch.yaml", line)}
    assert any(says in v.message for v in found), [v.message for v in found]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "says"),
    [
        ("id: qr,", "id: hello,", "layout_duplicate_id", 20, "taken on line 12"),
        ("      style: plain", "      style: plian", "layout_unknown_style", 17, "did you mean plain?"),
        ("wording.hello", "wording.helo", "layout_unknown_wording", 12, "did you mean hello?"),
        ("  hello: Hello", "  hello: Hello\n  spare: Spare", "layout_unused", 6, "the wording spare"),
        ("wording:", "spots: {Foil: [0, 0, 50, 0]}\nwording:", "layout_unused", 4, "the spot colour Foil"),
        ("styles:", "styles:\n  spare: {stack: gothic, size: 8}", "layout_unused", 8, "the style spare"),
        ("[0, 4]}", "[0, 4], fit: [shrink 9, reject]}", "layout_fit_policy", 13, "below its size of 8 pt"),
        ("condense 0.7", "condense 0.2", "layout_fit_policy", 8, "between 0.3 and 1"),
        ("shrink 6", "shrink 0.5", "layout_fit_policy", 8, "1 pt or more"),
        ("shrink 6", "shrink 8", "layout_fit_policy", 8, "below its size of 8 pt"),
        ("wrap 2", "condense 0.9", "layout_fit_policy", 8, "condense stands twice"),
        (", reject]", "]", "layout_fit_policy", 8, "ends with omit or reject"),
        ("[condense 0.7,", "[reject, condense 0.7,", "layout_fit_policy", 8, "no step is reached after reject"),
        (", reject]", ", omit]", "layout_fit_policy", 19, "a required field cannot be omitted"),
        (", step: [0, 4]", "", "layout_value", 13, "its items need a step"),
        ("[4, 4, 40, 3], style: plain", "[4, 4, 40, 3], style: plain, step: [0, 4]", "layout_value", 12, "no step"),
        ("      required: true", "      step: [0, 4]", "layout_value", 19, "a field has no step"),
    ],
)
def test_a_broken_reference_names_its_line(tmp_path: Path, old: str, new: str, code: str, line: int, says: str) -> None:
    found = [v for v in violations(tmp_path, (old, new)) if v.code == code]
    assert (code, "sketch.yaml", line) in {(v.code, v.file, v.line) for v in found}
    assert any(says in f"{v.message} {v.hint}" for v in found), [str(v) for v in found]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("{id: ground, rect: [-3, -3, 92, 60], fill: insurer.body}",
         "id: ground\n      rect: [-3, -3, 92, 60]\n      fill: #e0e0e0", 13, "`paper`, `black`, `insurer.ROLE`"),
        ("      required: true", "      align: #left", 19, "Instead of the style's"),
        ("      required: true", "      when:", 19, "when"),
        ("      style: plain", "      style: ~", 17, "One of the layout's styles"),
        ("[condense 0.7, shrink 6, wrap 2, reject]", "[condense 0.7, ~]", 8, "a step is condense 0.7"),
        ("  hello: Hello", "  hello: # Hello", 5, "wording is a text or a list of texts"),
        ("layout: card", "layout: card\nshows_in:", 2, "envelope"),
        ("title: A card", "title: #1", 2, "What people call the document"),
        ("[4, 20, 40, 3]", "[4, 20, 40, null]", 16, "mm"),
    ],
)  # fmt: skip
def test_a_key_without_a_value_is_told_on_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    found = violations(
        tmp_path, *[("      when: [holder.is_dependent, not card.has_qr]\n", "")] * ("when" in new), (old, new)
    )
    assert [(v.code, v.file) for v in found] == [("layout_value", "sketch.yaml")]
    assert "nothing stands here (in YAML # begins a comment, and a text that begins with # needs quotes)" in str(
        found[0]
    )
    assert says in str(found[0])


def test_a_comment_that_swallows_the_end_of_an_element_is_blamed_for_it(tmp_path: Path) -> None:
    (found,) = violations(tmp_path, ("fill: insurer.body}", "fill: #e0e0e0}"))
    assert (found.code, found.line) == ("layout_syntax", 12)
    assert found.hint.endswith("# begins a comment: a text with # needs quotes")


def test_an_ink_that_is_written_as_on_screens_is_told_once(tmp_path: Path) -> None:
    (found,) = violations(tmp_path, ("fill: insurer.body", "fill: rgb(255, 0, 0)"))
    assert (found.code, found.line) == ("layout_syntax", 11)
    assert (found.message, found.hint) == ("no ink is written rgb(...)", "an ink is [c, m, y, k] in percent")


def test_an_unreadable_file_names_its_line(tmp_path: Path) -> None:
    (found,) = violations(tmp_path, ("  hello: Hello", "  hello: [Hello"))
    assert (found.code, found.file) == ("layout_syntax", "sketch.yaml")
    (twice,) = violations(tmp_path, ("title: A card", "title: A card\ntitle: Two"))
    assert (twice.code, twice.line) == ("layout_syntax", 3)


def test_all_errors_come_back_at_once(tmp_path: Path) -> None:
    changes = ("size: 8", "size: 0"), ("      style: plain", "      sytle: plain"), ("qr: card.qr", "level: X")
    found = violations(tmp_path, *changes)
    assert {v.line for v in found} == {8, 14, 17, 20}


def test_all_broken_references_come_back_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = violations(tmp_path, ("id: qr,", "id: hello,"), ("      style: plain", "      style: other"))
    assert [v.code for v in found] == ["layout_unknown_style", "layout_duplicate_id"]


@pytest.mark.parametrize("text", ["", "a text", "[1, 2]", "layout: card"])
def test_a_file_that_is_no_layout_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(LayoutError) as caught:
        load(tmp_path, text)
    assert {v.line for v in caught.value.violations} == {1}
