"""The categories (適用区分) that limit what a person pays in a month."""

from __future__ import annotations

from typing import Literal

Category = Literal[
    "A01", "A02", "A03", "A04", "A05", "A06", "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10"
]

# Codes of the national online eligibility system and their words on paper: A below 70, B from 70. B08's word is not in
# the published excerpt, which ends there; it is inferred from its neighbours.
CATEGORIES: dict[str, str] = {
    "A01": "ア",
    "A02": "イ",
    "A03": "ウ",
    "A04": "エ",
    "A05": "オ",
    "A06": "オ（境）",
    "B01": "現役並みⅢ",
    "B02": "現役並みⅡ",
    "B03": "現役並みⅠ",
    "B04": "一般",
    "B05": "低所得Ⅱ",
    "B06": "低所得Ⅰ",
    "B07": "低所得Ⅰ（老福）",
    "B08": "低所得Ⅰ（境）",  # inferred
    "B09": "一般Ⅱ",  # medical care system for the elderly
    "B10": "一般Ⅰ",  # the same
}


def is_from_70(category: str) -> bool:
    """Whether the category is one of people from 70."""
    return category.startswith("B")
