"""Glyphs and codes, held against fontTools as a second implementation."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from docgen.settings import Settings
from docgen.text.faces import Face, FontLibrary, MissingGlyphs, Stack, clusters
from docgen.text.registry import FontRegistry

FACES = ("gothic", "mincho", "mj")
MARKS = "\u0301\u3099\u309a\ufe00\U000e0100\U000e01ef"


@pytest.fixture(scope="module")
def library() -> FontLibrary:
    return FontLibrary(FontRegistry.load(Settings().fonts_toml))


def _number(face: Face, text: str) -> str | None:
    glyph = face.glyph(text)
    return glyph and glyph.code


def _layer(face: Face, text: str) -> int:
    glyph = face.glyph(text)
    assert glyph is not None
    return int(glyph.font.partition(".")[2] or 0)


@given(st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from(MARKS))))
def test_clusters_joined_are_the_text_and_none_begins_with_a_selector_but_the_first(text: str) -> None:
    found = list(clusters(text))
    assert "".join(found) == text
    assert not any(cluster[0] in MARKS for cluster in found[1:])


def test_a_selector_stays_with_its_base() -> None:
    assert list(clusters("葛\U000e0100城")) == ["葛\U000e0100", "城"]
    assert list(clusters("か\u3099\ufe00き")) == ["か\u3099\ufe00", "き"]


@pytest.mark.parametrize("face_id", FACES)
def test_every_mapped_character_has_the_glyph_and_advance_of_the_file(library: FontLibrary, face_id: str) -> None:
    face = library.face(face_id)
    font = TTFont(face.path)
    numbers, metrics = font.getReverseGlyphMap(), font["hmtx"].metrics
    for code, name in font.getBestCmap().items():
        glyph = face.glyph(chr(code))
        assert glyph is not None
        assert int(glyph.code, 16) == numbers[name]
        assert glyph.advance == pytest.approx(metrics[name][0] * 1000 / face.units_per_em)


@pytest.mark.parametrize("face_id", FACES)
def test_every_variation_sequence_has_the_glyph_of_the_file(library: FontLibrary, face_id: str) -> None:
    face = library.face(face_id)
    font = TTFont(face.path)
    numbers, cmap = font.getReverseGlyphMap(), font.getBestCmap()
    [table] = [table for table in font["cmap"].tables if table.format == 14]
    pairs = [(code, selector, name) for selector, entries in table.uvsDict.items() for code, name in entries]
    assert len(pairs) > 1000
    for code, selector, name in pairs:
        glyph = face.glyph(chr(code) + chr(selector))
        expected = name or cmap.get(code)
        assert (glyph and int(glyph.code, 16)) == (expected and numbers[expected])


@pytest.mark.parametrize("face_id", FACES)
def test_a_font_and_a_code_stand_for_one_text_only(library: FontLibrary, face_id: str) -> None:
    face = library.face(face_id)
    bases = [chr(code) for code in face.hb_face.unicodes]
    sequences = [
        chr(base) + chr(selector)
        for selector in face.hb_face.variation_selectors
        for base in face.hb_face.variation_unicodes(selector)
    ]
    places = set()
    for text in bases + sequences:
        glyph = face.glyph(text)
        if glyph is None:
            continue
        layer = int(glyph.font.partition(".")[2] or 0)
        assert face.text(layer, int(glyph.code, 16)) == text
        places.add((glyph.font, glyph.code))
    assert len(places) == sum(face.glyph(text) is not None for text in bases + sequences)


def test_plain_characters_come_before_their_compatibility_forms(library: FontLibrary) -> None:
    face = library.face("mj")
    compatibility = [
        chr(code) for code in face.hb_face.unicodes if unicodedata.normalize("NFKC", chr(code)) != chr(code)
    ]
    shared = [
        (char, plain)
        for char in compatibility
        if len(plain := unicodedata.normalize("NFKC", char)) == 1 and _number(face, char) == _number(face, plain)
    ]
    assert shared
    for char, plain in shared:
        assert _layer(face, plain) < _layer(face, char)


@pytest.mark.parametrize("face_id", FACES)
def test_what_shares_a_glyph_is_in_layers_by_kind_and_then_by_code_point(library: FontLibrary, face_id: str) -> None:
    face = library.face(face_id)
    font = TTFont(face.path)
    sharing: dict[int, list[str]] = {}
    for code, name in font.getBestCmap().items():
        sharing.setdefault(font.getGlyphID(name), []).append(chr(code))
    for chars in sharing.values():
        in_order = sorted(chars, key=lambda char: (unicodedata.normalize("NFKC", char) != char, char))
        assert [_layer(face, char) for char in in_order] == list(range(len(chars)))


@pytest.mark.parametrize("angle", [0.0, -12.0, -16.3330078125])
def test_a_face_has_the_name_and_the_slant_of_its_file(library: FontLibrary, tmp_path: Path, angle: float) -> None:
    font = TTFont(library.face("mincho").path)
    font["post"].italicAngle = angle
    font.save(tmp_path / "slanted.ttf")
    face = Face("slanted", tmp_path / "slanted.ttf")
    assert face.italic_angle == angle
    assert face.postscript_name == font["name"].getDebugName(6)


def test_a_mark_after_its_base_is_drawn_as_the_composed_letter_and_stays_two_code_points(library: FontLibrary) -> None:
    face = library.face("gothic")
    composed, pair = face.glyph("が"), face.glyph("か\u3099")
    assert composed is not None
    assert pair is not None
    assert composed.code == pair.code
    assert composed.font != pair.font
    assert face.text(int(pair.font.partition(".")[2]), int(pair.code, 16)) == "か\u3099"


def test_a_compatibility_ideograph_is_never_taken_for_its_decomposition(library: FontLibrary) -> None:
    stack = library.stack("mincho")
    assert unicodedata.normalize("NFC", "\ufa19") == "神"
    assert stack["\ufa19"] != stack["神"]


def test_names_with_rare_characters_are_all_covered(library: FontLibrary) -> None:
    for name in ("葛\U000e0100城", "辻\U000e0100", "𠮷野家", "髙﨑"):
        assert library.stack("mincho").shape(name)


def test_the_missing_clusters_are_named_each_once(library: FontLibrary) -> None:
    with pytest.raises(MissingGlyphs) as caught:
        library.stack("gothic").shape("山\ue000田\ue000\U000e01ef")
    assert caught.value.missing == ("\ue000", "\ue000\U000e01ef")


def test_a_later_face_draws_what_the_first_lacks_with_the_metrics_of_the_first(library: FontLibrary) -> None:
    stack = library.stack("mincho")
    assert {glyph.font for glyph in stack.shape("𠮷田")} == {"mj", "mincho"}
    assert stack.ascent == stack.faces[0].ascent


def test_fonts_are_parsed_once(library: FontLibrary) -> None:
    assert library.face("mj") is library.face("mj")
    assert any(face is library.face("mj") for face in library.stack("gothic").faces)
    assert isinstance(library.face("mj").path, Path)


@given(st.sampled_from(["gothic", "pgothic", "mincho"]), st.lists(st.text("AB 1-見本カｶﾞ×Ωé。", min_size=1), min_size=1))
def test_a_plain_text_is_as_long_as_its_glyphs_whatever_came_before(
    library: FontLibrary, name: str, texts: list[str]
) -> None:
    stack = Stack([library.face(name)])
    for text in texts:
        plain = stack.plain.shape(text)
        if plain is not None:
            glyphs = stack.shape(text)
            assert plain == ("".join(glyph.code for glyph in glyphs), sum(glyph.advance for glyph in glyphs))


@pytest.mark.parametrize("name", ["gothic", "pgothic", "mincho", "mj"])
def test_a_text_with_a_place_to_cut_it_is_not_plain(library: FontLibrary, name: str) -> None:
    plain = Stack([library.face(name)]).plain
    assert plain.shape("見本") is not None
    assert plain.shape("見\n本") is None
    assert plain.shape("見\u200b本") is None
