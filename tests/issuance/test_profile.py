from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from docgen.errors import LayoutError, Violation
from docgen.issuance.profile import InsurerProfile, load_profile, profile_schema, profile_warnings

GOOD = """\
id: sample
number: "33120015"
name: 見本
address: 見本県
tel: "0"
palette: {body: [0, 0, 14, 0], motif: [0, 5, 27, 0], band: [0, 12, 52, 0], line: [0, 34, 88, 8]}
relationships:
  "1": {label: 本人}
validity:
  base: {rule: rolling, years: 4, month: 11, day: 30}
documents:
  card: {trim: [86, 54]}
"""
Load = Callable[[str], InsurerProfile]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def write_and_load(text: str) -> InsurerProfile:
        path = tmp_path / "sample.yaml"
        path.write_text(text, encoding="utf-8")
        return load_profile(path)

    return write_and_load


def faults(load: Load, text: str) -> list[Violation]:
    with pytest.raises(LayoutError) as caught:
        load(text)
    return list(caught.value.violations)


def test_a_profile_has_working_defaults(load: Load) -> None:
    profile = load(GOOD)
    assert profile.type_floor == 5
    assert profile.names.separator == "\u3000"
    assert profile.dates.first_year == "元"
    assert profile.document_ids() == ("card",)
    assert profile.documents.card is not None
    assert profile.documents.card.trim == (86, 54)


def test_nothing_may_be_said_where_it_means_something(load: Load) -> None:
    names = 'names: {alias: {front: "{registered}（{alias}）", remark: null}}'
    assert load(f"{GOOD}{names}\n").names.alias.remark is None


def test_an_insurer_without_a_document_does_not_list_it(load: Load) -> None:
    assert load(GOOD.replace("  card: {trim: [86, 54]}", "  {}")).document_ids() == ()


@pytest.mark.parametrize(
    ("old", "new", "key", "line", "allowed"),
    [
        ("tel:", "tell:", "tell", 5, "tel"),
        ("{trim: [86, 54]}", "{trm: [86, 54]}", "documents.card.trm", 12, "corner_radius"),
        ("years: 4,", "yeers: 4,", "validity.base.yeers", 10, "years"),
        ("{label: 本人}", "{label: 本人, dependant: true}", "relationships.1.dependant", 8, "dependent"),
    ],
)
def test_an_unknown_key_is_told_with_its_line_and_the_allowed_keys(
    load: Load, old: str, new: str, key: str, line: int, allowed: str
) -> None:
    unknown = [v for v in faults(load, GOOD.replace(old, new)) if v.code == "layout_unknown_key"]
    assert [(v.message, v.line) for v in unknown] == [(f"unknown key: {key}", line)]
    guess, _, known = unknown[0].hint.partition("allowed: ")
    assert guess == (f"did you mean {allowed}? " if allowed != "corner_radius" else "did you mean trim? ")
    assert allowed in known.split(", ")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('"33120015"', "33120015", 2, "a number needs quotes"),
        ('"33120015"', '"3312001"', 2, "must have the form ^([0-9]{6}|[0-9]{8})$"),
        ("[0, 0, 14, 0]", "[0, 0, 140, 0]", 6, "100"),
        ("body: [0, 0, 14, 0]", "body: null", 6, "nothing stands here (in YAML # begins a comment, and a text that"),
        ("body: [0, 0, 14, 0]", "body: null", 6, "needs quotes); an ink is four numbers"),
        ('tel: "0"', "tel: #0", 5, "tel: nothing stands here"),
        ('tel: "0"', 'burden: {below_70: null}\ntel: "0"', 5, "burden.below_70: nothing stands here"),
        ("  card: {trim: [86, 54]}", "  notice:", 12, "documents.notice: nothing stands here"),
        ("body: [0, 0, 14, 0]", 'body: "#C5DCE8"', 6, "four numbers C, M, Y, K in percent"),
        ("body: [0, 0, 14, 0]", "body: 'rgb(20,80,120)'", 6, "no ink: rgb(20,80,120)"),
        ("body: [0, 0, 14, 0]", "body: [38, 8, 2]", 6, "no ink: [38, 8, 2]; an ink is four numbers"),
        ("body: [0, 0, 14, 0]", "body: [38, 8, 2, 0, 0]", 6, "four numbers C, M, Y, K in percent"),
        (
            'tel: "0"',
            'images: {mark: {file: a.svg, inks: {"#000000": bod}}}\ntel: "0"',
            5,
            "body, motif, band, line, on_band or",
        ),
        ('tel: "0"', 'images: {mark: {file: a.svg, inks: {"#000000": [0, 0]}}}\ntel: "0"', 5, "four numbers"),
        ("line: [0, 34, 88, 8]", "lines: [0, 34, 88, 8]", 6, "'body', 'motif', 'band', 'line' or 'on_band'"),
        (", line: [0, 34, 88, 8]", "", 6, "palette lacks line"),
        ("month: 11, day: 30", "month: 2, day: 29", 10, "not a day of every year"),
        ("years: 4", "years: 5", 10, "4"),
        ("rule: rolling", "rule: fixd", 10, "'rolling'"),
        ("trim: [86, 54]", "trim: [86]", 12, "documents.card.trim"),
        ("trim: [86, 54]", "trim: [86, 0]", 12, "documents.card.trim.1"),
        ("card: {trim: [86, 54]}", "mount: {cards: printed}", 11, "cards printed on their mount need a card"),
        ("trim: [86, 54]", "match_code: true", 12, "{match_code}"),
        ("trim: [86, 54]", 'match_code: true, qr: {payload: "{card.serial}"}', 12, "{match_code}"),
        ("trim: [86, 54]", 'qr: {payload: "{serial}"}', 12, "{card.serial}"),
        ("trim: [86, 54]", 'qr: {payload: "{card.serial"}', 12, "{card.serial}"),
        ("trim: [86, 54]", 'qr: {payload: "{card.qr}"}', 12, "cannot contain {card.qr}"),
        ('tel: "0"', 'names: {alias: {front: "{registered}"}}\ntel: "0"', 5, "{alias}"),
        ('tel: "0"', 'names: {alias: {front: "{alias}", remark: null}}\ntel: "0"', 5, "{registered}"),
        ('tel: "0"', 'names: {alias: {remark: "{name}"}}\ntel: "0"', 5, "allowed: {registered}"),
        ('tel: "0"', 'sex: {remark: 裏面}\ntel: "0"', 5, "{sex}"),
        ('tel: "0"', 'burden: {ratio: 割}\ntel: "0"', 5, "{ratio}"),
        ('tel: "0"', 'burden: {pending: "{ratio}割（{until}まで）"}\ntel: "0"', 5, "{before}"),
        ('tel: "0"', 'substitutions: {髙橋: 高橋}\ntel: "0"', 5, "must have the form"),
        ('tel: "0"', 'images: {mark: {file: ../secret.svg, inks: {}}}\ntel: "0"', 5, "no artwork: ../secret.svg"),
        ('tel: "0"', 'images: {mark: {file: logo.png, inks: {}}}\ntel: "0"', 5, "PNG and JPEG are not taken"),
        ('tel: "0"', 'images: {mark: {file: a.svg, inks: {"#000000": [255, 0, 0, 0]}}}\ntel: "0"', 5, "must be 100"),
        ('tel: "0"', 'wording: {card_title: 3}\ntel: "0"', 5, "a number needs quotes"),
        ('  "1": {label: 本人}', "  {}", 7, "at least 1"),
    ],
)
def test_a_wrong_value_is_told_with_its_line_and_what_is_allowed(
    load: Load, old: str, new: str, line: int, says: str
) -> None:
    assert old in GOOD
    found = faults(load, GOOD.replace(old, new))
    assert {v.code for v in found} == {"layout_value"}
    assert all((v.file, v.line) == ("sample.yaml", line) for v in found)
    assert says in " ".join(v.message for v in found)


@pytest.mark.parametrize("ink", ["[0, 0]", "#C5DCE8", "'#C5DCE8'", "bod"])
def test_a_wrong_ink_of_artwork_is_told_once(load: Load, ink: str) -> None:
    text = GOOD.replace('tel: "0"', f'images:\n  mark:\n    file: a.svg\n    inks:\n      "#000000": {ink}\ntel: "0"')
    assert len(faults(load, text)) == 1


@pytest.mark.parametrize(
    ("documents", "says"),
    [("[cards]", "none of 'card', 'mount', 'notice' or 'recipients-list'; did you mean card?"), ("[]", "at least 1")],
)
def test_a_list_of_wrong_values_is_not_called_too_short(load: Load, documents: str, says: str) -> None:
    bulk = f"bulk: {{columns: {{a: number}}, key: '{{a}}', deliveries: {{a: {{to: home, documents: {documents}}}}}}}"
    (violation,) = faults(load, f"{GOOD}{bulk}\n")
    assert says in violation.message


def test_every_fault_of_a_profile_is_told_at_once(load: Load) -> None:
    found = faults(load, GOOD.replace("tel:", "tell:").replace("trim: [86, 54]", "trim: [1, -2]"))
    assert sorted((v.code, v.line) for v in found) == [
        ("layout_unknown_key", 5),
        ("layout_value", 1),
        ("layout_value", 12),
    ]


def test_a_wrong_check_digit_is_an_error(load: Load) -> None:
    found = faults(load, GOOD.replace("33120015", "33120016"))
    assert [(v.code, v.line, v.hint) for v in found] == [("insurer_check_digit", 2, "it would be 5")]


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ("33120015", []),
        ("99120015", ["insurer_scheme"]),
        ("01480018", ["insurer_prefecture"]),
        ("01990019", []),
        ("993014", []),
        ("003012", ["insurer_prefecture"]),
    ],
)
def test_an_unknown_prefecture_or_scheme_is_a_warning(load: Load, number: str, codes: list[str]) -> None:
    profile = load(GOOD).model_copy(update={"number": number})
    warnings = profile_warnings(profile, "sample.yaml")
    assert [w.code for w in warnings] == codes
    assert all(w.severity == "warning" and w.file == "sample.yaml" for w in warnings)


def test_the_sample_insurers_load_without_a_warning(profiles: dict[str, InsurerProfile]) -> None:
    assert set(profiles) >= {"association", "society", "publishers", "accountants"}
    for name, profile in profiles.items():
        assert profile.id == name
        assert profile_warnings(profile) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("trim: [86, 54]", "trim: [86, -54]"),
        ("trim: [86, 54]", "burden: print"),
        ("card: {trim: [86, 54]}", "crad: {}"),
        ("card: {trim: [86, 54]}", "notice:"),
        ("body: [0, 0, 14, 0], ", ""),
        ("body: [0, 0, 14, 0]", "bodi: [0, 0, 14, 0]"),
        ("body: [0, 0, 14, 0]", "body: null"),
        ("rule: rolling", "rule: roling"),
        ('tel: "0"', "tel: #0"),
        ('tel: "0"', 'tel: "0"\ntype_floor: 3'),
        ('tel: "0"', 'tel: "0"\nmail: {inserter: barcode}'),
        ('tel: "0"', 'tel: "0"\nimages: {stamp: {file: a.svg, inks: {}}}'),
    ],
)
def test_a_slip_in_a_profile_is_marked_by_editors(old: str, new: str) -> None:
    validator = Draft202012Validator(profile_schema())
    assert validator.is_valid(yaml.safe_load(GOOD))
    assert GOOD.count(old) == 1
    assert not validator.is_valid(yaml.safe_load(GOOD.replace(old, new)))
