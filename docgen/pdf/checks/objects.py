"""Rules on every dictionary of the file, whatever refers to it, in one walk: nothing hides, nothing is seen twice."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

from pypdf.generic import ArrayObject, DictionaryObject, StreamObject

from docgen.pdf.checks.operators import stream_operators
from docgen.pdf.checks.subject import Finding, Subject
from docgen.pdf.interpreter import get, get_dict, reference

_BLOCK = 1 << 20  # bytes that are inflated at a time
_RESOURCE_KINDS = ("/ColorSpace", "/ExtGState", "/Font", "/Pattern", "/Properties", "/Shading", "/XObject")
_ACTION_KEYS = ("/AA", "/JS", "/JavaScript", "/OpenAction")
_BLEND_MODES = frozenset(
    "/Normal /Compatible /Multiply /Screen /Overlay /Darken /Lighten /ColorDodge /ColorBurn /HardLight /SoftLight "
    "/Difference /Exclusion /Hue /Saturation /Color /Luminosity".split()
)
_FONT_FILES = ("/FontFile", "/FontFile2", "/FontFile3")
_GREY = ("/DeviceGray", "/CalGray", "/G")
_RGB = ("/DeviceRGB", "/CalRGB", "/RGB")


def all_objects(subject: Subject) -> Iterator[Finding]:
    """Hold each dictionary against the rules of its kind."""
    resources = _Resources(subject)
    for place, found in subject.dictionaries():
        yield from (Finding(code, message, place) for code, message in _any_dictionary(found))
        if _is_resources(found):
            yield from (Finding(code, message, place) for code, message in resources.check(found))


def compressed(subject: Subject) -> Iterator[Finding]:
    """Hold what each stream was deflated from against its checksum (RFC 1950): readers make do with what they get."""
    for place, found in subject.dictionaries():
        if isinstance(found, StreamObject) and _first_filter(found) == "/FlateDecode" and not _inflates(found._data):
            yield Finding("pdf_stream_damaged", "a stream's compressed data is not what its checksum says", place)


def _first_filter(stream: StreamObject) -> Any:
    filters = get(stream, "/Filter")
    return next(iter(filters), None) if isinstance(filters, ArrayObject) else filters


def _inflates(data: bytes) -> bool:
    inflate = zlib.decompressobj()
    try:
        while data and not inflate.eof:
            inflate.decompress(data, _BLOCK)
            data = inflate.unconsumed_tail
    except zlib.error:
        return False
    return inflate.eof


def _is_resources(found: DictionaryObject) -> bool:
    named = [kind for kind in _RESOURCE_KINDS if kind in found]
    return "/PatternType" not in found and any(isinstance(get(found, kind), DictionaryObject) for kind in named)


def _any_dictionary(found: DictionaryObject) -> Iterator[tuple[str, str]]:
    for key in _ACTION_KEYS:
        if key in found:
            yield "x4_action", f"the object has {key}"
    if get(found, "/Type") == "/Action":
        yield "x4_action", "the object is an action"
    if "/OC" in found or get(found, "/Type") in ("/OCG", "/OCMD"):
        yield "press_optional_content", "the object is, or belongs to, a layer"
    if "/EF" in found:
        yield "press_attachment", "the object embeds a file"
    if "/HalftoneType" in found and (get(found, "/HalftoneType") not in (1, 5) or "/HalftoneName" in found):
        yield "x4_halftone", "a halftone is not of type 1 or 5, or has a name"
    group = get(found, "/Group")
    if isinstance(group, DictionaryObject) and get(group, "/CS") != "/DeviceCMYK":
        yield "x4_group_space", "a transparency group's /CS is not /DeviceCMYK"
    if isinstance(found, StreamObject):
        yield from _any_stream(found)


def _any_stream(stream: StreamObject) -> Iterator[tuple[str, str]]:
    filters = get(stream, "/Filter")
    names = filters if isinstance(filters, ArrayObject) else [filters]
    for name in {str(name) for name in names} & {"/LZWDecode", "/LZW", "/Crypt"}:
        yield "x4_filter", f"a stream uses the filter {name}"
    if "/F" in stream:
        yield "x4_xobject", "a stream's data is in another file (/F)"
    for key in ("/OPI", "/Alternates", "/Ref", "/PS"):
        if key in stream:
            yield "x4_xobject", f"an XObject has {key}"
    if "/PS" in (get(stream, "/Subtype"), get(stream, "/Subtype2")):
        yield "x4_xobject", "an XObject is PostScript"


class _Resources:
    """Rules on what a resource dictionary names. What several share is looked at once."""

    def __init__(self, subject: Subject) -> None:
        self._profile = subject.profile
        self._seen: set[int] = set()
        self._spots: dict[str, str] = {}

    def check(self, resources: DictionaryObject) -> Iterator[tuple[str, str]]:
        """The faults of one resource dictionary, as (code, message)."""
        for space in self._named(resources, "/ColorSpace"):
            yield from self._colour_space(space)
        for state in self._named(resources, "/ExtGState"):
            yield from _ext_g_state(state)
        for font in self._named(resources, "/Font"):
            yield from _font(font)
        for shading in self._named(resources, "/Shading"):
            yield from self._colour_space(get(shading, "/ColorSpace"))
        for pattern in self._named(resources, "/Pattern"):
            yield from self._pattern(pattern)
        for xobject in self._named(resources, "/XObject"):
            yield from self._xobject(xobject)

    def _named(self, resources: DictionaryObject, kind: str) -> Iterator[Any]:
        holder = get_dict(resources, kind)
        for name in holder:
            number = reference(holder.get(name))
            if number is None or number not in self._seen:
                self._seen.update([] if number is None else [number])
                yield get(holder, name)

    def _pattern(self, pattern: DictionaryObject) -> Iterator[tuple[str, str]]:
        if isinstance(pattern, StreamObject):
            yield from stream_operators(pattern.get_data(), get_dict(pattern, "/Resources"))
        else:
            yield from self._colour_space(get(get_dict(pattern, "/Shading"), "/ColorSpace"))

    def _xobject(self, xobject: DictionaryObject) -> Iterator[tuple[str, str]]:
        if get(xobject, "/Subtype") == "/Form" and isinstance(xobject, StreamObject):
            yield from stream_operators(xobject.get_data(), get_dict(xobject, "/Resources"))
        elif get(xobject, "/Subtype") == "/Image" and "/ColorSpace" in xobject:
            yield from self._colour_space(get(xobject, "/ColorSpace"), "an image")

    def _colour_space(self, space: Any, what: str = "a colour space") -> Iterator[tuple[str, str]]:
        """CMYK and spot colours only; a spot's name stands for one tint everywhere in the file."""
        family, *rest = [part.get_object() for part in space] if isinstance(space, ArrayObject) else [space]
        if family in _RGB:
            yield "x4_rgb", f"{what} is RGB"
        elif family in _GREY:
            yield "press_grey", f"{what} is grey, not the black ink of CMYK"
        elif family == "/ICCBased":
            yield from self._icc_based(rest[0], what)
        elif family in ("/Indexed", "/Pattern"):
            if rest:
                yield from self._colour_space(rest[0], what)
        elif family in ("/Separation", "/DeviceN"):
            yield from self._colour_space(rest[1])
            yield from self._spot(rest)
        elif family not in ("/DeviceCMYK", "/CMYK"):
            yield "press_colour_space", f"{what} is neither DeviceCMYK nor a spot colour"

    def _icc_based(self, stream: StreamObject, what: str) -> Iterator[tuple[str, str]]:
        if get(stream, "/N") == 3:
            yield "x4_rgb", f"{what} is RGB by its ICC profile"
        elif get(stream, "/N") == 4 and stream.get_data() == self._profile:
            yield "x4_icc_is_intent", f"{what} is ICC-based on the output intent's own profile"
        else:
            yield "press_colour_space", f"{what} is ICC-based"

    def _spot(self, parts: list[Any]) -> Iterator[tuple[str, str]]:
        name = str(parts[0])
        tint = _fingerprint(parts[1:3])
        if self._spots.setdefault(name, tint) != tint:
            yield "x4_spot_differs", f"the spot colour {name} has another alternate or tint elsewhere in the file"


def _ext_g_state(state: DictionaryObject) -> Iterator[tuple[str, str]]:
    if "/TR" in state or get(state, "/TR2") not in (None, "/Default") or "/HTP" in state:
        yield "x4_transfer", "a graphics state sets a transfer function or halftone phase"
    modes = get(state, "/BM")
    for mode in modes if isinstance(modes, ArrayObject) else [modes]:
        if mode is not None and mode not in _BLEND_MODES:
            yield "x4_blend_mode", f"{mode} is no standard blend mode"


def _font(font: DictionaryObject) -> Iterator[tuple[str, str]]:
    if "/ToUnicode" not in font:
        yield "a2u_to_unicode", "a font has no /ToUnicode"
    if get(font, "/Subtype") == "/Type3":
        return
    holder, widths = font, "/Widths"
    if get(font, "/Subtype") == "/Type0":
        encoding = get(font, "/Encoding")
        if encoding not in ("/Identity-H", "/Identity-V") and not isinstance(encoding, StreamObject):
            yield "x4_font_encoding", "a composite font's /Encoding is neither Identity nor embedded"
        holder, widths = get(font, "/DescendantFonts")[0].get_object(), "/W"
    if not any(get(get_dict(holder, "/FontDescriptor"), key) is not None for key in _FONT_FILES):
        yield "x4_font_not_embedded", "a font's program is not in the file"
    if not get(holder, widths):
        yield "x4_font_widths", f"a font has no {widths}"


def _fingerprint(value: Any) -> str:
    """What an object holds, references followed and streams decoded, so that equal copies are equal."""
    value = value.get_object() if hasattr(value, "get_object") else value
    if isinstance(value, DictionaryObject):
        skipped = ("/Filter", "/DecodeParms", "/Length")
        body = ",".join(f"{key}={_fingerprint(value[key])}" for key in sorted(value) if key not in skipped)
        data = hashlib.sha256(value.get_data()).hexdigest() if isinstance(value, StreamObject) else ""
        return f"<{body}>{data}"
    if isinstance(value, list):
        return f"[{','.join(map(_fingerprint, value))}]"
    return f"{float(value):.6f}" if isinstance(value, (int, float)) else str(value)
