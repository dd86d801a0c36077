"""Rules on what is painted: text, the ink it is in, and the sharpness of images. They need the graphics state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from pypdf.generic import DictionaryObject, StreamObject

from docgen.pdf.checks.subject import Finding, Subject
from docgen.pdf.content import ContentError
from docgen.pdf.interpreter import DEFAULT_INK, Font, Ink, Interpreter, Shown, State, get
from docgen.units import MOST_INK

MIN_IMAGE_DPI = 300
MIN_LINE_PT = 0.25
MAX_INK = MOST_INK / 100
_BLACK: Ink = ("/DeviceCMYK", (0, 0, 0, 1))
_WHITE: Ink = ("/DeviceCMYK", (0, 0, 0, 0))
_ROUNDING = 1e-3  # of the writer
_NO_TEXT = frozenset("\0\ufeff\ufffe")  # ISO 19005-2, 6.2.11.7.2: these say nothing


def painted(subject: Subject) -> Iterator[Finding]:
    """Run every page; a form is run once for each state that it is invoked in."""
    inspector = _Inspector()
    for place, page in subject.pages():
        inspector.found = {}
        try:
            inspector.run_page(page)
        except ContentError as error:
            yield Finding("x4_content", f"the content cannot be followed: {error}", place)
            inspector = _Inspector()
            continue
        yield from (Finding(code, message, place) for code, message in inspector.found)


class _Inspector(Interpreter):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[tuple[str, str], None] = {}
        self._seen: set[tuple[Any, ...]] = set()
        self._shows_notdef: dict[int, Callable[[int], bool]] = {}
        self._passed: dict[int, set[int]] = {}

    def load_font(self, font: DictionaryObject) -> Font:
        loaded = super().load_font(font)
        self._shows_notdef[id(loaded)] = _shows_notdef(font)
        self._passed[id(loaded)] = set()
        return loaded

    def on_form(self, form: StreamObject, state: State) -> None:
        key = (id(form), *state.key())
        if key not in self._seen:
            self.run_form(form)
            self._seen.add(key)  # after the run, so that a form that invokes itself runs into the limit of depth

    def on_paint(self, filled: bool, stroked: bool, state: State) -> None:
        self._inks("a path", filled, stroked, state)
        a, b, c, d, _, _ = state.ctm
        width = state.line_width * math.sqrt(abs(a * d - b * c))
        if stroked and width < MIN_LINE_PT - _ROUNDING:
            self._report("press_hairline", f"a line is {width:.2g} pt wide, less than {MIN_LINE_PT} pt")

    def on_image(self, width: int, height: int, state: State) -> None:
        a, b, c, d, _, _ = state.ctm
        sides = ((width, math.hypot(a, b)), (height, math.hypot(c, d)))
        if any(samples * 72 < MIN_IMAGE_DPI * points for samples, points in sides):
            self._report("press_image_resolution", f"an image has less than {MIN_IMAGE_DPI} dpi as it is placed")

    def on_text(self, shown: Shown, state: State) -> None:
        if state.font is None:
            return
        self._glyphs(set(shown.codes), state.font)
        a, b, c, d, _, _ = shown.matrix
        if state.render in (3, 7) or state.size * state.scale * (a * d - b * c) == 0:
            self._report("press_hidden_text", "text is invisible, or has no size")
        filled = state.render % 4 in (0, 2)
        stroked = state.render % 4 in (1, 2)
        self._inks("text", filled, stroked, state)
        overprints = state.overprint_mode == 1
        if (filled and state.fill == _BLACK and not (overprints and state.fill_overprint)) or (
            stroked and state.stroke == _BLACK and not (overprints and state.stroke_overprint)
        ):
            self._report("press_text_overprint", "text in 100 K does not overprint (OP, op true and OPM 1)")

    def _inks(self, what: str, filled: bool, stroked: bool, state: State) -> None:
        used = [(state.fill, state.fill_overprint)] * filled + [(state.stroke, state.stroke_overprint)] * stroked
        for ink, overprints in used:
            space, parts = ink
            if ink == DEFAULT_INK:
                self._report("press_grey", f"{what} is painted before any colour is set, so in DeviceGray")
            if space == "/DeviceCMYK" and sum(parts) > MAX_INK + _ROUNDING:
                self._report(
                    "press_total_ink", f"{what} is painted with {sum(parts):.0%} of ink, more than {MAX_INK:.0%}"
                )
            if ink == _WHITE and overprints and state.overprint_mode == 1:
                self._report("press_white_overprint", f"{what} in white overprints, so it would not print at all")

    def _glyphs(self, codes: set[int], font: Font) -> None:
        new = codes - self._passed[id(font)]
        if not new:
            return
        notdef = self._shows_notdef[id(font)]
        shown = {code for code in new if not notdef(code)}
        if shown != new:
            self._report("a2u_notdef", f"{font.name}: the glyph .notdef is shown")
        if any(not (text := font.texts.get(code, "")) or _NO_TEXT & set(text) for code in shown):
            self._report("a2u_to_unicode", f"{font.name}: a glyph is shown that /ToUnicode does not name")
        else:
            self._passed[id(font)] |= shown

    def _report(self, code: str, message: str) -> None:
        self.found[code, message] = None


def _shows_notdef(font: DictionaryObject) -> Callable[[int], bool]:
    """Whether a code shows glyph 0: CID 0 does, and in TrueType fonts whatever /CIDToGIDMap leads there."""
    if get(font, "/Subtype") != "/Type0":
        return lambda _: False
    glyphs = get(get(font, "/DescendantFonts")[0].get_object(), "/CIDToGIDMap")
    if not isinstance(glyphs, StreamObject):
        return lambda code: code == 0
    data = glyphs.get_data()
    return lambda code: not any(data[2 * code : 2 * code + 2]) or 2 * code + 1 >= len(data)
