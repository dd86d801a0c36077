"""The file under preflight, opened once, with what several rules look at."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, StreamObject

from docgen.pdf.interpreter import get, get_dict

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_ABOUT = RDF + "about"


class Finding(NamedTuple):
    """A rule that a file breaks: the code, what is wrong, and where (`page 3`, `object 12`; empty for the file)."""

    code: str
    message: str
    place: str = ""


class Subject:
    """One opened file. Nothing here may raise for a file that pypdf could open, but for damaged objects in it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reader = PdfReader(io.BytesIO(data), strict=True)
        self.root: DictionaryObject = self.reader.root_object
        self.info = get_dict(self.reader.trailer, "/Info")

    def pages(self) -> Iterator[tuple[str, DictionaryObject]]:
        """Each page with its place."""
        for number, page in enumerate(self.reader.pages, start=1):
            yield f"page {number}", page

    def dictionaries(self) -> Iterator[tuple[str, DictionaryObject]]:
        """Every dictionary and stream of the file with the object it stands in, each once."""
        numbers = {number for table in self.reader.xref.values() for number in table} | set(self.reader.xref_objStm)
        for number in sorted(numbers - {0}):
            yield from ((f"object {number}", found) for found in _inside(self.reader.get_object(number)))

    @cached_property
    def intents(self) -> list[DictionaryObject]:
        """The output intents."""
        array = get(self.root, "/OutputIntents") or []
        return [item for entry in array if isinstance(item := entry.get_object(), DictionaryObject)]

    @cached_property
    def profile(self) -> bytes:
        """The bytes of the first output intent's profile, empty where there is none."""
        for intent in self.intents:
            stream = get(intent, "/DestOutputProfile")
            if isinstance(stream, StreamObject):
                return bytes(stream.get_data())
        return b""

    @cached_property
    def xmp(self) -> dict[str, str]:
        """The XMP properties by their `{namespace}name`; of arrays the items, joined by "; ". Empty if unreadable."""
        stream = get(self.root, "/Metadata")
        if not isinstance(stream, StreamObject):
            return {}
        try:
            tree = ET.fromstring(stream.get_data())
        except ET.ParseError:
            return {}
        found: dict[str, str] = {}
        for description in tree.iter(RDF + "Description"):
            found.update({name: value for name, value in description.attrib.items() if name != _ABOUT})
            found.update({child.tag: _value(child) for child in description})
        return found


def _value(element: ET.Element) -> str:
    items = [item.text or "" for item in element.iter(RDF + "li")]
    return "; ".join(items) if items else (element.text or "")


def _inside(value: Any) -> Iterator[DictionaryObject]:
    """The dictionaries in one indirect object; references are not followed."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, DictionaryObject):
            yield item
            pending.extend(dict.values(item))
        elif isinstance(item, ArrayObject):
            pending.extend(list.__iter__(item))
