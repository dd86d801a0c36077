"""What the parts of an insurer's profile are made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from docgen.wrong_values import ONE_LINE

Line = Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE)]


class Model(BaseModel):
    """Frozen, and strict about keys: a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def as_tuple(value: Any) -> Any:
    """A list of YAML as the tuple that a frozen model holds."""
    return tuple(value) if isinstance(value, list) else value
