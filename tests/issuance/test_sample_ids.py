"""The ids of the samples: as batches make them, so that whoever sets a machine up by a sample sees what will come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from stdnum.iso7064 import mod_37_36

from docgen.settings import Settings
from tests import samples

DOCUMENTS = sorted(path.name for path in (Settings().layouts_dir / "samples").iterdir() if path.name != "extracts")
KEYS = ("piece_id", "list_id", "id", "serial", "match_code")
OF_A_BATCH = re.compile(r"([0-9A-Z]{1,6})-(L?[0-9]{8})([0-9A-Z])(-[1-9][0-9]?/[1-9][0-9]?|-[1-9][0-9]?[1-4])?")
LONGEST = "-0123456789-XY"  # of samples that try what a record may hold at most


def ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in KEYS and isinstance(inner, str):
                yield inner
            yield from ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from ids(inner)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_ids_are_of_the_form_of_a_batch_with_a_right_check_character(document: str) -> None:
    for name in samples.names(document):
        for id_ in ids(samples.record(document, name)):
            found = OF_A_BATCH.fullmatch(id_)
            if LONGEST not in id_:
                assert found is not None, (name, id_)
                assert mod_37_36.is_valid("".join(found.group(1, 2, 3))), (name, id_)


@pytest.mark.parametrize("document", ["mount", "mount-employer"])
def test_the_cards_on_a_mount_have_the_codes_of_its_envelope(document: str) -> None:
    for name in samples.names(document):
        record = samples.record(document, name)
        piece = record["piece"]
        for card in record["cards"]:
            if LONGEST not in piece["id"] and "match_code" in card:
                assert card["match_code"] == f"{piece['id']}-{piece.get('sheet', 1)}{card['place']}"
