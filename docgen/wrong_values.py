"""What is wrong with a value, in one manner of speaking for records, layouts, profiles, requests and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The pattern of a text that stands on one line.
ONE_LINE = r"^[^\x00-\x1f\x7f]+$"

# By pydantic's type of error; what is in braces comes with the error, and is of the rule, never of the value.
_SAYS = {
    "missing": "missing",
    "extra_forbidden": "unknown key",
    "model_type": "not a mapping of keys to values",
    "model_attributes_type": "not a mapping of keys to values",
    "dict_type": "not a mapping of keys to values",
    "list_type": "not a list",
    "tuple_type": "not a list",
    "string_type": "not a text (a number needs quotes)",
    "bool_type": "neither true nor false",
    "bool_parsing": "neither true nor false",
    "int_type": "not a whole number",
    "int_parsing": "not a whole number",
    "int_from_float": "not a whole number",
    "float_type": "not a number",
    "float_parsing": "not a number",
    "finite_number": "not a finite number",
    "greater_than": "must be over {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be under {lt}",
    "less_than_equal": "must be {le} or less",
    "literal_error": "none of {expected}",
    "enum": "none of {expected}",
    "string_pattern_mismatch": "must have the form {pattern}",
    "string_too_short": "too short (at least {min_length})",
    "string_too_long": "too long (at most {max_length})",
    "string_unicode": "not Unicode",
    "too_short": "too short (at least {min_length})",
    "too_long": "too long (at most {max_length})",
    "date_type": "not a day, YYYY-MM-DD",
    "date_parsing": "not a day, YYYY-MM-DD",
    "date_from_datetime_parsing": "not a day, YYYY-MM-DD",
    "date_from_datetime_inexact": "not a day, YYYY-MM-DD",
    "path_type": "not a path",
    "url_parsing": "not an address (URL)",
    "url_type": "not an address (URL)",
    "url_scheme": "not an address (URL) of the kind {expected_schemes}",
    "union_tag_invalid": "none of {expected_tags}",
    "union_tag_not_found": "without the key that says what it is",
    "none_required": "not empty",
}


def said(error: Mapping[str, Any]) -> str:
    """The fault that pydantic found, as `ValidationError.errors()` gives it; the value itself is not repeated."""
    says = _SAYS.get(error["type"])
    if says is None:  # a rule of our own, in our own words
        return str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "string_type" and isinstance(error.get("input"), list | tuple | dict):
        return "not a text"
    if error.get("ctx", {}).get("pattern") == ONE_LINE:
        return "must be one line, without tabs"
    limits: Mapping[str, Any] = error.get("ctx", {})
    return says.format_map({key: f"{v:g}" if isinstance(v, float) else v for key, v in limits.items()})
