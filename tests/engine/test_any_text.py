"""Whatever stands in a name: each character is drawn inside its box, or named in a violation. Never neither."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from docgen.engine import Engine, Options, Rendered
from docgen.errors import RecordError
from docgen.pdf.reader import read_pages
from docgen.text.setting import TOLERANCE_MM
from tests import samples


def _jis_x_0213() -> str:
    """All characters of JIS X 0213, from the codec that the standard library has."""
    found = []
    for plane in (b"", b"\x8f"):
        for row in range(0xA1, 0xFF):
            for cell in range(0xA1, 0xFF):
                try:
                    found.append((plane + bytes((row, cell))).decode("euc_jis_2004"))
                except UnicodeDecodeError:
                    continue
    return "".join(found)


JIS_X_0213 = _jis_x_0213()
CHARACTERS = st.one_of(
    st.sampled_from(JIS_X_0213),
    st.sampled_from(JIS_X_0213).map(lambda char: char[0] + "\U000e0100"),
    st.builds(lambda base, vs: base + chr(vs), st.sampled_from("葛辻邉邊斎神"), st.integers(0xE0100, 0xE01EF)),
    st.integers(0xE000, 0xF8FF).map(chr),
    st.sampled_from("\x00\x07\n\t\x7f\x85\u200b\u200d\u202e\u2066\ufeff\u2028\ufffd\ufe0f\U000e0100"),
    st.characters(codec="utf-8"),
)
NAMES = st.one_of(
    st.lists(st.sampled_from(JIS_X_0213), min_size=1, max_size=20).map("".join),
    st.lists(CHARACTERS, min_size=1, max_size=24).map("".join),
)


def test_the_codec_has_both_planes_of_the_standard() -> None:
    assert len(JIS_X_0213) > 11_000
    assert {"𠮟", "俱", "﨑", "髙"} - set(JIS_X_0213) == {"髙"}


@given(NAMES, st.sampled_from(["association-insured", "publishers-dependent", "accountants-insured"]))
def test_every_character_is_drawn_or_named(engine: Engine, name: str, sample: str) -> None:
    record: dict[str, Any] = samples.record("card", sample)
    record["person"] = {**record["person"], "family": None, "given": None, "family_kana": None, "given_kana": None}
    record["person"] = {key: value for key, value in record["person"].items() if value is not None}
    record["person"] |= {"full_name": name, "full_kana": "ミホン"}
    rendered = _render(engine, sample, record)
    if isinstance(rendered, RecordError):
        assert any((violation.pointer or "").startswith("/person") for violation in rendered.violations)
        for violation in rendered.violations:
            _names_its_place(violation.message, violation.code)
        return
    substituted = engine.insurers[samples.insurer(sample)].substitutions
    expected = re.sub("|".join(map(re.escape, substituted)) or "(?!)", lambda found: substituted[found[0]], name)
    front = next(iter(read_pages(rendered.pdf)))
    assert expected in front.blocks()
    _, sides = engine.place("card", samples.insurer(sample), record)
    [placed] = [text for text in sides[0].texts if text.element == "name"]
    for line in placed.text.lines:
        assert line.x + line.width <= placed.width + TOLERANCE_MM
        assert line.baseline <= placed.height


def _render(engine: Engine, sample: str, record: dict[str, Any]) -> Rendered | RecordError:
    try:
        return engine.render("card", samples.insurer(sample), record, Options(specimen=False))
    except RecordError as error:
        return error


def _names_its_place(message: str, code: str) -> None:
    if code not in ("does_not_fit", "missing_value", "outer_space", "name_too_long"):
        assert re.search("U\\+[0-9A-F]{4,6}", message), (code, message)
