"""Rules on the file as a whole: header, trailer, output intents, viewer preferences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pypdf.generic import ArrayObject, StreamObject

from docgen.pdf.checks.subject import Finding, Subject
from docgen.pdf.icc import profile_faults
from docgen.pdf.interpreter import get, get_dict, reference

_HEADER = re.compile(rb"%PDF-1\.[0-6][\r\n]+%[\x80-\xff]{4}")
_VIEW_KEYS = ("/ViewArea", "/ViewClip", "/PrintArea", "/PrintClip")


def header(subject: Subject) -> Iterator[Finding]:
    """PDF 1.6 or lower, with the comment of bytes above 127 that marks a binary file."""
    if not _HEADER.match(subject.data):
        yield Finding("x4_header", "the file does not begin with %PDF-1.6 or lower and a binary comment")
    version = str(get(subject.root, "/Version") or "/1.0")
    if version > "/1.6":
        yield Finding("x4_header", f"the catalog raises the version to {version[1:]}")


def file_identifier(subject: Subject) -> Iterator[Finding]:
    """The trailer's /ID: two strings."""
    found = get(subject.reader.trailer, "/ID")
    if not isinstance(found, ArrayObject) or len(found) != 2 or not all(found):
        yield Finding("x4_no_id", "the trailer has no /ID of two strings")


def output_intent(subject: Subject) -> Iterator[Finding]:
    """Exactly one GTS_PDFX intent that names its printing condition, with an embedded CMYK printer profile."""
    intents = [intent for intent in subject.intents if get(intent, "/S") == "/GTS_PDFX"]
    if len(intents) != 1:
        yield Finding("x4_output_intent", f"there are {len(intents)} output intents /GTS_PDFX, not one")
        return
    intent = intents[0]
    if not get(intent, "/OutputConditionIdentifier"):
        yield Finding("x4_output_intent", "the output intent has no /OutputConditionIdentifier")
    if not get(intent, "/RegistryName") and not get(intent, "/Info"):
        yield Finding("x4_output_intent", "the output intent has neither /RegistryName nor /Info")
    profile = get(intent, "/DestOutputProfile")
    if not isinstance(profile, StreamObject):
        yield Finding("x4_output_profile", "the output intent has no embedded profile")
        return
    if get(profile, "/N") != 4:
        yield Finding("x4_output_profile", "the output profile's /N is not 4")
    for fault in profile_faults(profile.get_data()):
        yield Finding("x4_output_profile", f"the output profile: {fault}")


def archive_intent(subject: Subject) -> Iterator[Finding]:
    """A GTS_PDFA1 intent, and one profile object for all intents (ISO 19005-2, 6.2.3)."""
    if not any(get(intent, "/S") == "/GTS_PDFA1" for intent in subject.intents):
        yield Finding("a2u_output_intent", "there is no output intent /GTS_PDFA1")
    raw = [intent.get("/DestOutputProfile") for intent in subject.intents]
    if len({reference(value) for value in raw if value is not None}) > 1:
        yield Finding("a2u_output_intent", "the output intents refer to different profile objects")


def viewer_preferences(subject: Subject) -> Iterator[Finding]:
    """The areas to view and print are the media box or the bleed box."""
    preferences = get_dict(subject.root, "/ViewerPreferences")
    for key in _VIEW_KEYS:
        if get(preferences, key) not in (None, "/MediaBox", "/BleedBox"):
            yield Finding("x4_viewer_preferences", f"/ViewerPreferences {key} is neither /MediaBox nor /BleedBox")


def interactive(subject: Subject) -> Iterator[Finding]:
    """No form fields and no layers that can be switched."""
    if "/AcroForm" in subject.root:
        yield Finding("press_annotation", "the catalog has an /AcroForm")
    if "/OCProperties" in subject.root:
        yield Finding("press_optional_content", "the catalog has /OCProperties")
