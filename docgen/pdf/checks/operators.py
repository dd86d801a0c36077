"""Rules on the operators of one content stream, without its graphics state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pypdf.generic import DictionaryObject

from docgen.pdf.checks.subject import Finding, Subject
from docgen.pdf.content import ContentError, operations
from docgen.pdf.interpreter import content_of, get, get_dict

# ISO 32000-1, table 51, without the operators of compatibility sections, which ISO 19005-2, 6.2.2, makes useless.
_KNOWN = frozenset(
    b"b B b* B* BDC BI BMC BT c cm CS cs d d0 d1 Do DP EMC ET f F f* G g gs h i j J K k l m M MP n q Q re RG rg ri s S "
    b"SC sc SCN scn sh T* Tc Td TD Tf Tj TJ TL Tm Tr Ts Tw Tz v w W W* y ' \"".split()
)
_DEVICE_SPACES = {
    "/DeviceRGB": "x4_rgb", "/RGB": "x4_rgb", "/DeviceGray": "press_grey", "/G": "press_grey",
    "/DeviceCMYK": "", "/CMYK": "", "/Pattern": "",
}  # fmt: skip
_OPERATOR_SPACES = {b"rg": "/DeviceRGB", b"RG": "/DeviceRGB", b"g": "/DeviceGray", b"G": "/DeviceGray"}
_MESSAGES = {"x4_rgb": "the content sets an RGB colour", "press_grey": "the content sets a grey, not the black ink"}
_RESOURCES = {b"Do": "/XObject", b"gs": "/ExtGState", b"Tf": "/Font", b"sh": "/Shading"}


def page_operators(subject: Subject) -> Iterator[Finding]:
    """The operators of every page's own content; forms and patterns are looked at where they stand."""
    for place, page in subject.pages():
        found = stream_operators(content_of(page), get_dict(page, "/Resources"))
        yield from (Finding(code, message, place) for code, message in found)


def stream_operators(data: bytes, resources: DictionaryObject) -> Iterator[tuple[str, str]]:
    """The faults of one content stream as (code, message), each once."""
    try:
        yield from dict.fromkeys(_faults(data, resources))
    except ContentError as error:
        yield "x4_content", f"the content cannot be read: {error}"


def _faults(data: bytes, resources: DictionaryObject) -> Iterator[tuple[str, str]]:
    depth = 0
    for operator, operands in operations(data):
        if operator not in _KNOWN:
            yield "x4_content", "the content has an operator that PDF 1.6 does not know"
        depth += (operator == b"q") - (operator == b"Q")
        if depth < 0:
            yield "x4_content", "the content has Q without q"
            depth = 0
        space = _OPERATOR_SPACES.get(operator) or _space(operator, operands)
        if space is not None:
            yield from _space_fault(space, resources)
        kind = _RESOURCES.get(operator)
        if kind and operands and get(get_dict(resources, kind), str(operands[0])) is None:
            yield "x4_content", f"the content names a resource of {kind} that is not there"
        if operator == b"BDC" and operands[:1] == ["/OC"]:
            yield "press_optional_content", "the content has a layer"
    if depth:
        yield "x4_content", "the content has q without Q"


def _space(operator: bytes, operands: list[Any]) -> Any:
    if operator in (b"cs", b"CS"):
        return operands[0] if operands else None
    if operator == b"BI" and operands:
        return operands[0].get("/CS", operands[0].get("/ColorSpace"))
    return None


def _space_fault(space: Any, resources: DictionaryObject) -> Iterator[tuple[str, str]]:
    if isinstance(space, list):  # an inline image's own Indexed space: [/I base high table]
        space = space[1] if len(space) > 1 else None
    code = _DEVICE_SPACES.get(str(space))
    if code:
        yield code, _MESSAGES[code]
    elif code is None and get(get_dict(resources, "/ColorSpace"), str(space)) is None:
        yield "x4_content", "the content names a colour space that is not there"
