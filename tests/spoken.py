"""What a screen reader says of a tagged file: the structure tree walked from its root, by pikepdf."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pikepdf


@dataclass(frozen=True)
class Element:
    """A structure element: its type, its own text, its alternative text, table scope, its children.

    `box` is a figure's (left, top, right, bottom) in mm from the corner of the trim of its page.
    """

    kind: str
    text: str
    alt: str
    scope: str
    kids: tuple[Element, ...]
    box: tuple[float, ...] = ()

    def __iter__(self) -> Iterator[Element]:
        yield self
        for kid in self.kids:
            yield from kid

    @property
    def spoken(self) -> str:
        """All text at and below it, in order."""
        return self.text + "".join(kid.spoken for kid in self.kids)

    def find(self, kind: str) -> list[Element]:
        """All elements of a type."""
        return [element for element in self if element.kind == kind]


def document(data: bytes) -> Element:
    """The one element below the root; every marked content of every page must be in it once, and lead back to it."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        root = pdf.Root.StructTreeRoot
        texts = {page.obj.objgen: _marked(page) for page in pdf.pages}
        taken: list[tuple[Any, int]] = []
        found = _element(root.K, texts, taken)
        assert sorted(taken) == sorted((page, number) for page, marked in texts.items() for number in marked)
        assert len(set(taken)) == len(taken)
        _assert_parents(pdf, root)
        return found


def _element(node: Any, texts: dict[Any, dict[int, str]], taken: list[tuple[Any, int]]) -> Element:
    text, kids = "", []
    for kid in _listed(node.get("/K")):
        if isinstance(kid, int) or kid.get("/Type") == "/MCR":
            page = node.Pg.objgen if isinstance(kid, int) else kid.Pg.objgen
            number = kid if isinstance(kid, int) else int(kid.MCID)
            taken.append((page, number))
            text += texts[page][number]
        else:
            assert kid.P.objgen == node.objgen
            kids.append(_element(kid, texts, taken))
    attributes = node.get("/A", {})
    scope = str(attributes.get("/Scope", ""))
    box = _in_mm(attributes.BBox, node.Pg.TrimBox) if "/BBox" in attributes else ()
    return Element(str(node.S)[1:], text, str(node.get("/Alt", "")), scope[1:], tuple(kids), box)


def _in_mm(box: Any, trim: Any) -> tuple[float, ...]:
    left, bottom, right, top = (float(length) for length in box)
    across, down = float(trim[0]), float(trim[3])
    return tuple(length * 25.4 / 72 for length in (left - across, down - top, right - across, down - bottom))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, pikepdf.Array) else [value]


def _assert_parents(pdf: pikepdf.Pdf, root: Any) -> None:
    """The parent tree says of every marked content whose it is."""
    parents = pikepdf.NumberTree(root.ParentTree)
    for page in pdf.pages:
        for number, node in enumerate(parents[int(page.obj.StructParents)]):
            marks = [kid if isinstance(kid, int) else int(kid.MCID) for kid in _listed(node.get("/K"))]
            assert number in marks


def _marked(page: pikepdf.Page) -> dict[int, str]:
    """The text of each marked content of a page; what paints outside of any mark is an error."""
    fonts = {name: _to_unicode(font) for name, font in page.Resources.Font.items()}
    found: dict[int, str] = {}
    stack: list[int | None] = []
    font: dict[int, str] = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        match str(operator):
            case "BDC":
                stack.append(int(operands[1].get("/MCID", -1)))
                found.setdefault(stack[-1], "")
            case "BMC":
                stack.append(-1)
            case "EMC":
                stack.pop()
            case "Tf":
                font = fonts[str(operands[0])]
            case "Tj":
                codes = bytes(operands[0])
                text = "".join(font[code] for code in _pairs(codes))
                found[stack[-1]] = found.get(stack[-1], "") + text
            case "f" | "f*" | "S" | "s" | "B" | "B*" | "b" | "b*" | "Do":
                assert stack
    assert not stack
    found.pop(-1, None)
    return found


def _pairs(codes: bytes) -> Iterator[int]:
    return (int.from_bytes(codes[at : at + 2], "big") for at in range(0, len(codes), 2))


def _to_unicode(font: Any) -> dict[int, str]:
    table = font.ToUnicode.read_bytes().decode("ascii")
    pairs = re.findall(r"^<([0-9a-f]{4})> <([0-9a-f]+)>$", table, re.MULTILINE)
    return {int(code, 16): bytes.fromhex(text).decode("utf-16-be") for code, text in pairs}
