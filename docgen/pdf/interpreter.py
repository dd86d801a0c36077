"""A small interpreter of page content: it follows the graphics state and says what is shown, painted and placed.

It follows what text and print checks need (matrices, inks, overprint, the text state), not clipping or soft masks.
Rules of the operators: PDF 1.7, https://opensource.adobe.com/dc-acrobat-sdk-docs/pdfstandards/PDF32000_2008.pdf, 8.4
and 9.3.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NullObject, StreamObject

from docgen.pdf.content import IDENTITY, ContentError, Matrix, multiply, operations

Ink = tuple[str, tuple[Any, ...]]
Rectangle = tuple[float, float, float, float]
DEFAULT_INK: Ink = ("/DeviceGray", (0,))  # what PDF paints with before any colour operator
MAX_DEPTH = 12  # forms inside forms


def get(holder: DictionaryObject, key: str) -> Any:
    """A key's value, references resolved; None for absent and null (pypdf's own `get` returns the reference)."""
    value = holder.get(key)
    if value is not None:
        value = value.get_object()
    return None if isinstance(value, NullObject) else value


def get_dict(holder: DictionaryObject, key: str) -> DictionaryObject:
    """A key's dictionary, empty where there is none."""
    value = get(holder, key)
    return value if isinstance(value, DictionaryObject) else DictionaryObject()


def reference(value: Any) -> int | None:
    """The object number of a reference, None for a direct value."""
    return value.idnum if isinstance(value, IndirectObject) else None


def content_of(page: DictionaryObject) -> bytes:
    """A page's decoded content; the parts of an array are parted by a line feed, as a reader sees them."""
    contents = get(page, "/Contents")
    if isinstance(contents, ArrayObject):
        return b"\n".join(part.get_object().get_data() for part in contents)
    return b"" if contents is None else bytes(contents.get_data())


def matrix_of(form: DictionaryObject) -> Matrix:
    """A form's /Matrix."""
    values = get(form, "/Matrix")
    if values is None:
        return IDENTITY
    a, b, c, d, e, f = map(float, values)
    return (a, b, c, d, e, f)


def rectangle(page: DictionaryObject, key: str) -> Rectangle | None:
    """A page box as (left, bottom, right, top) in points, whichever corners it names; None where it is not set.

    Raises ValueError or TypeError for what is no box of four numbers.
    """
    values = get(page, key)
    if values is None:
        return None
    x1, y1, x2, y2 = map(float, values)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


@dataclass(frozen=True, slots=True)
class Font:
    """What reading needs of a font: widths are thousandths of the size, `texts` is its ToUnicode by code."""

    name: str  # without the subset's tag
    code_bytes: int
    texts: dict[int, str]
    widths: dict[int, float]
    default_width: float

    def codes(self, shown: bytes) -> tuple[int, ...]:
        """The character codes of a shown string."""
        return struct.unpack(f">{len(shown) // 2}H", shown) if self.code_bytes == 2 else tuple(shown)


def load_font(font: DictionaryObject) -> Font:
    """Read one font dictionary: composite fonts as two-byte Identity-H, simple ones by /FirstChar and /Widths."""
    name = re.sub(r"^/(?:[A-Z]{6}\+)?", "", str(get(font, "/BaseFont")))
    to_unicode = get(font, "/ToUnicode")
    texts = parse_to_unicode(to_unicode.get_data()) if isinstance(to_unicode, StreamObject) else {}
    if get(font, "/Subtype") == "/Type0":
        descendant = get(font, "/DescendantFonts")[0].get_object()
        default = get(descendant, "/DW")
        widths = dict(_cid_widths(get(descendant, "/W") or []))
        return Font(name, 2, texts, widths, 1000.0 if default is None else float(default))
    first = int(get(font, "/FirstChar") or 0)
    simple = {first + i: float(width) for i, width in enumerate(get(font, "/Widths") or [])}
    return Font(name, 1, texts, simple, float(get_dict(font, "/FontDescriptor").get("/MissingWidth", 0)))


def _cid_widths(array: Any) -> Iterator[tuple[int, float]]:
    position = 0
    while position + 1 < len(array):
        first, second = int(array[position].get_object()), array[position + 1].get_object()
        if isinstance(second, ArrayObject):
            yield from ((first + i, float(width)) for i, width in enumerate(second))
            position += 2
        else:
            width = float(array[position + 2].get_object())
            yield from ((cid, width) for cid in range(first, int(second) + 1))
            position += 3


def parse_to_unicode(cmap: bytes) -> dict[int, str]:
    """A ToUnicode CMap as code to text. Raises ContentError or UnicodeDecodeError on a malformed one."""
    texts: dict[int, str] = {}
    for operator, operands in operations(cmap):
        if operator == b"endbfchar":
            for code, text in zip(operands[::2], operands[1::2], strict=True):
                texts[int.from_bytes(code, "big")] = text.decode("utf-16-be")
        elif operator == b"endbfrange":
            for low, high, target in zip(operands[::3], operands[1::3], operands[2::3], strict=True):
                texts.update(_range(int.from_bytes(low, "big"), int.from_bytes(high, "big"), target))
    return texts


def _range(low: int, high: int, target: bytes | list[bytes]) -> Iterator[tuple[int, str]]:
    if isinstance(target, list):
        yield from ((low + i, text.decode("utf-16-be")) for i, text in enumerate(target[: high - low + 1]))
        return
    last = int.from_bytes(target[-2:], "big")
    for i in range(high - low + 1):  # the last byte counts up; where writers let it overflow, readers carry
        yield low + i, (target[:-2] + (last + i & 0xFFFF).to_bytes(2, "big")).decode("utf-16-be")


class State:
    """The part of the graphics state that is followed. Lengths are PDF units of the space named by `ctm`."""

    __slots__ = (  # noqa: RUF023 - by meaning
        "ctm", "fill", "stroke", "fill_overprint", "stroke_overprint", "overprint_mode",
        "line_width", "font", "font_name", "size", "scale", "char_space", "word_space", "leading", "rise", "render",
    )  # fmt: skip

    def __init__(self) -> None:
        self.ctm: Matrix = IDENTITY
        self.fill: Ink = DEFAULT_INK
        self.stroke: Ink = DEFAULT_INK
        self.fill_overprint = self.stroke_overprint = False
        self.overprint_mode = 0
        self.line_width = 1.0
        self.font: Font | None = None
        self.font_name = ""
        self.size = self.char_space = self.word_space = self.leading = self.rise = 0.0
        self.scale = 1.0  # horizontal scaling as a ratio
        self.render = 0

    def key(self) -> tuple[Any, ...]:
        """Everything that decides how a form invoked in this state looks."""
        return tuple(id(v) if isinstance(v := getattr(self, name), Font) else v for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Shown:
    """One Tj, TJ, ' or ": its codes, the matrix from text space at its start to page space, its advance in text space.

    `size` and horizontal scaling are not in the matrix; `block` counts the BT..ET of its stream.
    """

    codes: tuple[int, ...]
    matrix: Matrix
    advance: float
    block: int


class Interpreter:
    """Run content streams; subclasses override the `on_` methods. One instance serves one file: fonts are cached.

    Raises ContentError for what cannot be interpreted (a missing font, forms that invoke themselves).
    """

    def __init__(self) -> None:
        self._fonts: dict[int, Font] = {}
        self._state = State()
        self._saved: list[State] = []
        self._resources = DictionaryObject()
        self._text: Matrix = IDENTITY
        self._line: Matrix = IDENTITY
        self._block = -1
        self._depth = 0
        self._handlers: dict[bytes, Callable[[list[Any]], None]] = {
            b"q": self._save, b"Q": self._restore, b"cm": self._concat, b"gs": self._ext_g_state, b"Do": self._do,
            b"BT": self._begin_text, b"Tf": self._set_font, b"Td": self._move, b"TD": self._move_leading,
            b"Tm": self._set_matrix, b"T*": self._next_line, b"Tj": self._show, b"TJ": self._show_array,
            b"'": self._next_line_show, b'"': self._spaced_show, b"BI": self._inline_image,
            b"k": self._fill_cmyk, b"K": self._stroke_cmyk, b"g": self._fill_gray, b"G": self._stroke_gray,
            b"rg": self._fill_rgb, b"RG": self._stroke_rgb, b"cs": self._fill_space, b"CS": self._stroke_space,
            b"sc": self._fill_colour, b"scn": self._fill_colour, b"SC": self._stroke_colour,
            b"SCN": self._stroke_colour,
        }  # fmt: skip
        for operator, name, factor in (
            (b"Tc", "char_space", 1), (b"Tw", "word_space", 1), (b"TL", "leading", 1), (b"Ts", "rise", 1),
            (b"Tz", "scale", 0.01), (b"Tr", "render", 1), (b"w", "line_width", 1),
        ):  # fmt: skip
            self._handlers[operator] = self._setter(name, factor)
        for operators, paint in (
            (b"f F f*", self._paint_fill), (b"S s", self._paint_stroke), (b"B B* b b*", self._paint_both),
        ):  # fmt: skip
            self._handlers.update(dict.fromkeys(operators.split(), paint))

    # --- what subclasses override ---
    def on_text(self, shown: Shown, state: State) -> None:
        """A string was shown."""

    def on_paint(self, filled: bool, stroked: bool, state: State) -> None:
        """A path was filled, stroked or both."""

    def on_image(self, width: int, height: int, state: State) -> None:
        """An image of so many samples was painted on the unit square of `state.ctm`."""

    def on_form(self, form: StreamObject, state: State) -> None:
        """A form was invoked; `state.ctm` does not hold the form's matrix yet."""
        self.run_form(form)

    def load_font(self, font: DictionaryObject) -> Font:
        """A font is used for the first time."""
        return load_font(font)

    # --- running ---
    def run_page(self, page: DictionaryObject) -> None:
        """Run a page's content from the initial graphics state."""
        self._state, self._saved, self._block = State(), [], -1
        self._resources = get_dict(page, "/Resources")
        self._run(content_of(page))

    def run_form(self, form: StreamObject) -> None:
        """Run a form's content in the current state, and come back to it."""
        if self._depth >= MAX_DEPTH:
            raise ContentError(f"forms are nested deeper than {MAX_DEPTH}")
        before = (self._state, self._saved, self._resources, self._text, self._line, self._block)
        self._state, self._saved, self._block = copy(self._state), [], -1
        self._state.ctm = multiply(matrix_of(form), self._state.ctm)
        self._resources = get_dict(form, "/Resources")
        self._depth += 1
        self._run(form.get_data())
        self._depth -= 1
        self._state, self._saved, self._resources, self._text, self._line, self._block = before

    def _run(self, data: bytes) -> None:
        handlers = self._handlers
        for operator, operands in operations(data):
            handler = handlers.get(operator)
            if handler is not None:
                try:
                    handler(operands)
                except (IndexError, TypeError, ValueError, struct.error) as error:
                    if isinstance(error, ContentError):
                        raise
                    raise ContentError(f"wrong operands of {operator.decode('latin-1')}") from None

    def resource(self, kind: str, name: str) -> Any:
        """A named resource of the stream that is being run. Raises ContentError where there is none."""
        value = get(get_dict(self._resources, kind), name)
        if value is None:
            raise ContentError(f"no resource {name} in {kind}")
        return value

    # --- graphics state ---
    def _save(self, _: list[Any]) -> None:
        self._saved.append(copy(self._state))

    def _restore(self, _: list[Any]) -> None:
        if self._saved:
            self._state = self._saved.pop()

    def _concat(self, operands: list[Any]) -> None:
        a, b, c, d, e, f = operands
        self._state.ctm = multiply((a, b, c, d, e, f), self._state.ctm)

    def _setter(self, name: str, factor: float) -> Callable[[list[Any]], None]:
        def set_value(operands: list[Any]) -> None:
            setattr(self._state, name, operands[0] * factor)

        return set_value

    def _ext_g_state(self, operands: list[Any]) -> None:
        values = self.resource("/ExtGState", operands[0])
        state = self._state
        stroke, fill, mode, width, font = (get(values, key) for key in ("/OP", "/op", "/OPM", "/LW", "/Font"))
        if stroke is not None:
            state.stroke_overprint = state.fill_overprint = bool(stroke.value)
        if fill is not None:
            state.fill_overprint = bool(fill.value)
        if mode is not None:
            state.overprint_mode = int(mode)
        if width is not None:
            state.line_width = float(width)
        if font is not None:
            state.font, state.size = self._font(font[0].get_object(), reference(font[0])), float(font[1])

    def _fill_cmyk(self, operands: list[Any]) -> None:
        self._state.fill = ("/DeviceCMYK", tuple(operands))

    def _stroke_cmyk(self, operands: list[Any]) -> None:
        self._state.stroke = ("/DeviceCMYK", tuple(operands))

    def _fill_gray(self, operands: list[Any]) -> None:
        self._state.fill = ("/DeviceGray", tuple(operands))

    def _stroke_gray(self, operands: list[Any]) -> None:
        self._state.stroke = ("/DeviceGray", tuple(operands))

    def _fill_rgb(self, operands: list[Any]) -> None:
        self._state.fill = ("/DeviceRGB", tuple(operands))

    def _stroke_rgb(self, operands: list[Any]) -> None:
        self._state.stroke = ("/DeviceRGB", tuple(operands))

    def _fill_space(self, operands: list[Any]) -> None:
        self._state.fill = (operands[0], (0, 0, 0, 1) if operands[0] == "/DeviceCMYK" else ())

    def _stroke_space(self, operands: list[Any]) -> None:
        self._state.stroke = (operands[0], (0, 0, 0, 1) if operands[0] == "/DeviceCMYK" else ())

    def _fill_colour(self, operands: list[Any]) -> None:
        self._state.fill = (self._state.fill[0], tuple(operands))

    def _stroke_colour(self, operands: list[Any]) -> None:
        self._state.stroke = (self._state.stroke[0], tuple(operands))

    # --- painting ---
    def _paint_fill(self, _: list[Any]) -> None:
        self.on_paint(True, False, self._state)

    def _paint_stroke(self, _: list[Any]) -> None:
        self.on_paint(False, True, self._state)

    def _paint_both(self, _: list[Any]) -> None:
        self.on_paint(True, True, self._state)

    def _do(self, operands: list[Any]) -> None:
        xobject = self.resource("/XObject", operands[0])
        if get(xobject, "/Subtype") == "/Form":
            self.on_form(xobject, self._state)
        elif get(xobject, "/Subtype") == "/Image":
            self.on_image(int(get(xobject, "/Width")), int(get(xobject, "/Height")), self._state)

    def _inline_image(self, operands: list[Any]) -> None:
        image = operands[0]
        self.on_image(image.get("/W", image.get("/Width")), image.get("/H", image.get("/Height")), self._state)

    # --- text ---
    def _begin_text(self, _: list[Any]) -> None:
        self._text = self._line = IDENTITY
        self._block += 1

    def _set_font(self, operands: list[Any]) -> None:
        state = self._state
        state.font_name, state.size = operands
        font = self.resource("/Font", state.font_name)
        state.font = self._font(font, reference(get_dict(self._resources, "/Font").get(state.font_name)))

    def _font(self, font: DictionaryObject, number: int | None) -> Font:
        key = -id(font) if number is None else number
        if key not in self._fonts:
            self._fonts[key] = self.load_font(font)
        return self._fonts[key]

    def _move(self, operands: list[Any]) -> None:
        x, y = operands
        self._text = self._line = multiply((1, 0, 0, 1, x, y), self._line)

    def _move_leading(self, operands: list[Any]) -> None:
        self._state.leading = -operands[1]
        self._move(operands)

    def _set_matrix(self, operands: list[Any]) -> None:
        a, b, c, d, e, f = operands
        self._text = self._line = (a, b, c, d, e, f)

    def _next_line(self, _: list[Any]) -> None:
        self._move([0, -self._state.leading])

    def _next_line_show(self, operands: list[Any]) -> None:
        self._next_line([])
        self._show(operands)

    def _spaced_show(self, operands: list[Any]) -> None:
        self._state.word_space, self._state.char_space, text = operands
        self._next_line_show([text])

    def _show(self, operands: list[Any]) -> None:
        self._show_array([[operands[0]]])

    def _show_array(self, operands: list[Any]) -> None:
        state = self._state
        font = state.font
        if font is None:
            raise ContentError("text is shown before a font is set")
        codes: tuple[int, ...] = ()
        thousandths = 0.0
        for part in operands[0]:
            if isinstance(part, bytes):
                new = font.codes(part)
                codes += new
                widths, default = font.widths, font.default_width
                thousandths += sum([widths.get(code, default) for code in new])
            elif codes:
                thousandths -= part
            else:  # an adjustment before the first character moves the start
                self._text = multiply((1, 0, 0, 1, -part * state.size * state.scale / 1000, 0), self._text)
        advance = thousandths * state.size / 1000 + state.char_space * len(codes)
        if font.code_bytes == 1:  # word spacing knows one-byte spaces only
            advance += state.word_space * codes.count(32)
        advance *= state.scale
        raised = multiply((1, 0, 0, 1, 0, state.rise), self._text) if state.rise else self._text
        self.on_text(Shown(codes, multiply(raised, state.ctm), advance, self._block), state)
        self._text = multiply((1, 0, 0, 1, advance, 0), self._text)
