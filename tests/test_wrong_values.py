"""Nobody who sends a wrong value has to read another library's manner of speaking."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from typer.testing import CliRunner

from docgen.cli import app
from docgen.engine import Engine
from docgen.errors import RecordError
from docgen.wrong_values import said
from tests import samples

STOLEN = ("Input should", "String should", "should have", "should be a valid", "Field required", "Unable to", "Extra ")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 0


def fault(kind: Any, value: object) -> ErrorDetails:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    return caught.value.errors()[0]


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (Annotated[float, Field(gt=0)], -1, "must be over 0"),
        (Annotated[float, Field(ge=0.09)], 0.05, "must be 0.09 or more"),
        (Annotated[int, Field(lt=3)], 3, "must be under 3"),
        (Annotated[int, Field(le=60)], 61, "must be 60 or less"),
        (Annotated[float, Field(strict=True)], "5", "not a number"),
        (float, "five", "not a number"),
        (Annotated[float, Field(allow_inf_nan=False)], float("nan"), "not a finite number"),
        (int, 1.5, "not a whole number"),
        (int, "one", "not a whole number"),
        (Annotated[int, Field(strict=True)], 1.5, "not a whole number"),
        (bool, "maybe", "neither true nor false"),
        (Annotated[bool, Field(strict=True)], "yes", "neither true nor false"),
        (str, 5, "not a text (a number needs quotes)"),
        (Annotated[str, Field(pattern="^[a-z]+$")], "A", "must have the form ^[a-z]+$"),
        (Annotated[str, Field(max_length=2)], "abc", "too long (at most 2)"),
        (Annotated[str, Field(min_length=2)], "a", "too short (at least 2)"),
        (Annotated[tuple[int, ...], Field(min_length=1)], (), "too short (at least 1)"),
        (Annotated[tuple[int, ...], Field(max_length=1)], (1, 2), "too long (at most 1)"),
        (tuple[int, ...], "ab", "not a list"),
        (list[int], 5, "not a list"),
        (dict[str, int], 5, "not a mapping of keys to values"),
        (Part, 5, "not a mapping of keys to values"),
        (Part, {"colour": 1}, "unknown key"),
        (Literal["left", "right"], "middle", "none of 'left' or 'right'"),
        (date, "2025-02-30", "not a day, YYYY-MM-DD"),
        (date, 5.5, "not a day, YYYY-MM-DD"),
    ],
)
def test_a_wrong_value_is_told_in_our_words(kind: Any, value: object, says: str) -> None:
    assert said(fault(kind, value)) == says


# Wrong in kind or in range, whatever the schema wants.
WRONG: tuple[object, ...] = (None, 5, 1.5, "", "あ" * 500, [], {}, True, [1, "a"], {"a": 1}, "2025-02-30", -1)


@pytest.mark.parametrize("document", ["card", "notice", "mount", "envelope", "elderly-certificate", "card-application"])
def test_no_record_is_refused_in_other_words(engine: Engine, document: str) -> None:
    name = samples.names(document)[0]
    told: list[str] = []
    for at in places(samples.record(document, name)):
        for wrong in WRONG:
            record = samples.record(document, name)
            put(record, at, wrong)
            try:
                engine.issue(document, samples.insurer(name), record)
            except RecordError as error:
                told += map(str, error.violations)
    assert len(told) > 20
    assert [line for line in told if any(words in line for words in STOLEN)] == []


def places(node: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, child in items for place in ((*at, key), *places(child, (*at, key)))]


def put(node: Any, at: tuple[str | int, ...], value: object) -> None:
    for key in at[:-1]:
        node = node[key]
    node[at[-1]] = value


def test_a_wrong_setting_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCGEN_PORT", "many")
    result = CliRunner().invoke(app, ["serve"])
    assert (result.exit_code, result.stderr) == (2, "DOCGEN_PORT: not a whole number\n")
