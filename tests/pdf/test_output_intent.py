"""A file says the truth about the press that it was made for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docgen.errors import AssetError
from docgen.pdf.book import OutputIntent
from docgen.pdf.icc import OutputProfile, load_output_profile


@pytest.fixture(scope="module")
def stand_in() -> OutputProfile:
    return load_output_profile()


@pytest.fixture(scope="module")
def own(stand_in: OutputProfile) -> OutputProfile:
    return replace(stand_in, description="Press 5, coated (2025)")


def test_ghostscripts_profile_is_called_a_stand_in(stand_in: OutputProfile) -> None:
    intent = OutputIntent(stand_in, "Custom").dictionary("GTS_PDFX", 7)
    assert "/OutputConditionIdentifier(Custom)" in intent
    assert "/Info(Stand-in: Artifex CMYK SWOP Profile, not a registered printing condition)" in intent


def test_a_profile_of_ones_own_goes_by_its_own_name(own: OutputProfile) -> None:
    assert OutputIntent(own, "Custom").words == "Press 5, coated (2025), not a registered printing condition"
    assert OutputIntent(own, "PRESS5").words == "Press 5, coated (2025)"
    assert OutputIntent(replace(own, description=""), "PRESS5").words == "a profile without a name"


def test_words_that_are_given_are_taken(own: OutputProfile) -> None:
    intent = OutputIntent(own, "JC200103", "Japan Color 2001 Coated", "http://www.color.org").dictionary("GTS_PDFX", 7)
    assert "/Info(Japan Color 2001 Coated)/RegistryName(http://www.color.org)/DestOutputProfile 7 0 R" in intent


@pytest.mark.parametrize(("identifier", "registry"), [("JC200103", "http://www.color.org"), ("JC200103", None)])
def test_no_other_condition_is_claimed_for_the_stand_in(
    stand_in: OutputProfile, identifier: str, registry: str | None
) -> None:
    with pytest.raises(AssetError, match="JC200103") as caught:
        OutputIntent(stand_in, identifier, "Japan Color 2001 Coated", registry)
    (violation,) = caught.value.violations
    assert violation.code == "icc_stand_in"
    assert "output profile" in violation.hint
