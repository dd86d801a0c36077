"""Rules on page dictionaries: boxes, annotations, keys that no print page has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pypdf.generic import DictionaryObject

from docgen.pdf.checks.subject import Finding, Subject
from docgen.pdf.interpreter import Rectangle, get, rectangle
from docgen.units import PT_PER_MM

MIN_BLEED_MM = 3
_TOLERANCE = 0.01  # points: rounding of the writer
_KEYS = ("/Trans", "/PresSteps", "/SeparationInfo", "/UserUnit", "/CropBox")


def page_dictionaries(subject: Subject) -> Iterator[Finding]:
    """Every rule that needs one page's dictionary alone."""
    for place, page in subject.pages():
        yield from _boxes(place, page)
        yield from (Finding("x4_page_key", f"the page has {key}", place) for key in _KEYS if key in page)
        if not _is_upright(page):
            yield Finding("x4_page_key", "the page is turned by /Rotate", place)
        if get(page, "/Annots"):
            yield Finding("press_annotation", "the page has annotations", place)


def _is_upright(page: DictionaryObject) -> bool:
    """Whether /Rotate, the page's own or that of a node above it, leaves the page as it is drawn."""
    angle = get(page, "/Rotate")
    return angle is None or (isinstance(angle, int | float) and angle % 360 == 0)


def _boxes(place: str, page: DictionaryObject) -> Iterator[Finding]:
    try:
        media, bleed, trim = (rectangle(page, key) for key in ("/MediaBox", "/BleedBox", "/TrimBox"))
    except (TypeError, ValueError):
        yield Finding("x4_box_nesting", "a page box is not four numbers", place)
        return
    if trim is None:
        yield Finding("x4_no_trim_box", "the page has no /TrimBox", place)
    if "/ArtBox" in page:
        yield Finding("x4_no_trim_box", "the page has an /ArtBox", place)
    if trim is not None and (bleed is None or not _holds(bleed, _grown(trim, MIN_BLEED_MM * PT_PER_MM))):
        yield Finding("press_bleed", f"the bleed box does not stand {MIN_BLEED_MM} mm around the trim box", place)
    nest = [box for box in (media, bleed, trim) if box is not None]
    if media is None or not all(_holds(outer, inner) for outer, inner in pairwise(nest)):
        yield Finding("x4_box_nesting", "trim box, bleed box and media box do not stand inside each other", place)


def _grown(box: Rectangle, by: float) -> Rectangle:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _holds(outer: Rectangle, inner: Rectangle) -> bool:
    return (
        outer[0] - _TOLERANCE <= inner[0] < inner[2] <= outer[2] + _TOLERANCE
        and outer[1] - _TOLERANCE <= inner[1] < inner[3] <= outer[3] + _TOLERANCE
    )
