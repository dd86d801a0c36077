"""Sentences that every document of an insurer shares: set well in all of them."""

from __future__ import annotations

import pytest

from docgen.compose.placed import PlacedText
from docgen.engine import Engine
from docgen.issuance.documents import DOCUMENTS
from tests import samples, sheet


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_paragraph_ends_on_a_line_of_one_or_two_characters(engine: Engine, document: str) -> None:
    """The last full stop and a syllable or two of ください, left over on a line of their own."""
    for name in samples.names(document):
        for side in sheet.place(engine, document, name):
            fixed = [item for form in side.forms for item in form.static.items if isinstance(item, PlacedText)]
            for text in fixed:
                *before, last = [line.text for line in text.text.lines]
                assert not before or len(last.strip("。")) > 2, (name, text.element, last)
