"""What the parts of an insurer's profile are made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from docgen.located import Written
from docgen.wrong_values import ONE_LINE

Line = Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE)]


class Model(Written):
    """A part of a profile, strict about the kinds of its values too."""

    model_config = ConfigDict(strict=True)


def as_tuple(value: Any) -> Any:
    """A list of YAML as the tuple that a frozen model holds."""
    return tuple(value) if isinstance(value, list) else value
