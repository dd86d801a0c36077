"""Errors as HTTP answers: `application/problem+json` (RFC 9457) with a code and every violation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.responses import Response

from docgen.errors import CODES, BatchError, DocgenError, Violation
from docgen.wrong_values import said

MEDIA_TYPE = "application/problem+json"
# Seconds after which it makes sense to ask again.
_RETRY_AFTER = {"queue_full": "1", "batches_full": "60", "ledger_unavailable": "10", "store_unavailable": "10"}
# What pydantic calls an error, and what docgen calls it; anything else is a value of the wrong kind.
_PYDANTIC = {"extra_forbidden": "unknown_key", "missing": "missing_value", "invalid_date": "invalid_date"}


def response(error: DocgenError, headers: Mapping[str, str] | None = None, **members: Any) -> Response:
    """The problem for an error: `code`, `title` and `detail` are those of its gravest violation, listed first."""
    violations = sorted(error.violations, key=_gravity)
    first, others = violations[0], len(violations) - 1
    problem = {
        "type": f"urn:docgen:error:{first.code}",
        "title": CODES[first.code][1],
        "status": error.status,
        "detail": first.message + (f" (and {others} more)" if others else ""),
        "code": first.code,
        **members,
        "violations": [violation.as_dict() for violation in violations],
    }
    retry = {"Retry-After": _RETRY_AFTER[first.code]} if first.code in _RETRY_AFTER else {}
    return Response(
        orjson.dumps(problem),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **retry, **(headers or {})},
    )


def without_places(error: BatchError) -> BatchError:
    """What a caller is told of a store or ledger that fails: not where on the server it is, which the log says."""
    hint = "send it again later; if it lasts, whoever runs the service finds the reason in its log"
    return BatchError(Violation(v.code, CODES[v.code][1].removesuffix("."), hint) for v in error.violations)


def gravest(error: DocgenError) -> Violation:
    """The violation that an answer begins with."""
    return min(error.violations, key=_gravity)


def _gravity(violation: Violation) -> int:
    return -CODES[violation.code][0]


def from_pydantic(errors: Iterable[Mapping[str, Any]], hint: str) -> tuple[Violation, ...]:
    """Pydantic's errors in a body as violations with JSON pointers."""
    return tuple(
        Violation(_PYDANTIC.get(error["type"], "wrong_type"), _message(error), hint, _pointer(error["loc"]))
        for error in errors
    )


def of_parameters(errors: Iterable[Mapping[str, Any]], taken: Mapping[str, Mapping[str, Any]]) -> tuple[Violation, ...]:
    """Pydantic's errors in query, path and headers. `taken` is what the route takes, by lower-case name, as OpenAPI
    describes it: there the hints are from."""
    return tuple(
        Violation("invalid_parameter", _message(error), _hint(str(error["loc"][-1]), taken), _pointer(error["loc"]))
        for error in errors
    )


def _hint(name: str, taken: Mapping[str, Mapping[str, Any]]) -> str:
    parameter = taken.get(name.lower())
    if parameter is None:
        return f"allowed: {', '.join(taken)}"
    schema, limits = parameter["schema"], ""
    if "maximum" in schema:
        limits = f"{schema['minimum']} to {schema['maximum']}"
    elif "enum" in schema:
        limits = " or ".join(schema["enum"])
    return f"{parameter['name']}: {'. '.join(filter(None, (limits, parameter.get('description'))))}"


def _message(error: Mapping[str, Any]) -> str:
    return f"{said(error)}: {error['loc'][-1]}" if error["type"] == "extra_forbidden" else said(error)


def _pointer(keys: Iterable[str | int]) -> str:
    """RFC 6901."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)
