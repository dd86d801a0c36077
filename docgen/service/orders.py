"""What a caller asks for: the body of `POST /v1/documents`, read within bounds and validated, and the query."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from starlette.types import Message

from docgen import strict_json
from docgen.errors import RequestError, Violation
from docgen.service import problems

OVERLAYS = frozenset({"trim", "safe"})


def day(value: Any) -> Any:
    """A day, written YYYY-MM-DD and no other way: pydantic alone would take a timestamp for a date."""
    if value is None or (isinstance(value, str) and len(value) == len("YYYY-MM-DD")):
        try:
            return value and date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("invalid_date", "not a day of the calendar, written YYYY-MM-DD")


def count(value: Any) -> Any:
    """A number, as JSON or, since forms have texts alone, in digits."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value


def flag(value: Any) -> Any:
    """A truth value, as JSON or, since forms have texts alone, `true` or `false`."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


class Strict(BaseModel):
    """What a caller sends: nothing that is not known, nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OrderOptions(Strict):
    """How the document is made, beside what the record says."""

    specimen: bool | None = Field(
        default=None, description="Print 見本 across every page. Default: samples carry it, other records do not."
    )
    issued_on: Annotated[date | None, BeforeValidator(day)] = Field(
        default=None, description="The job's date of issue, for records that name none."
    )
    accessible: bool = Field(
        default=False,
        description="A tagged file for who listens to it, PDF/UA-1 and PDF/A-2a as well. Only the notice has one.",
    )


class Order(Strict):
    """One document of one person."""

    insurer: str = Field(description="An insurer of GET /v1/insurers.", examples=["association"])
    document: str = Field(description="A document that this insurer issues.", examples=["card"])
    record: dict[str, Any] = Field(description="The person's record: GET /v1/documents/{document}/schema.")
    options: OrderOptions = OrderOptions()


class View(BaseModel):
    """Which page an image/png answer shows, and how. Other answers have all pages, and take none of this."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: int = Field(default=1, ge=1, le=10_000, description="The page that a picture shows.")
    dpi: int = Field(default=300, ge=36, le=600, description="Dots per inch.")
    overlay: str = Field(
        default="",
        pattern=r"^((trim|safe)(,(trim|safe))*)?$",
        description="`trim`, `safe` or `trim,safe`: outlines drawn over the picture.",
    )

    @property
    def overlays(self) -> frozenset[str]:
        """The outlines that are drawn over the picture."""
        return OVERLAYS.intersection(self.overlay.split(","))


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises RequestError `body_too_large` as soon as it is known to be more than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def limited(request: Request, limit: int) -> Request:
    """The request, which raises RequestError `body_too_large` as soon as it is known to be more than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    read = 0

    async def receive() -> Message:
        nonlocal read
        message = await request.receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise _too_large(limit)
        return message

    return Request(request.scope, receive)


def _too_large(limit: int) -> RequestError:
    return RequestError(Violation("body_too_large", f"the body is larger than {limit} bytes", "send less at a time"))


def media_type(request: Request) -> str:
    """What the body is declared as, in lower case and without parameters; empty if it is not.

    Raises RequestError `unsupported_media_type` for a compressed body: it would be read as it is.
    """
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        message = f"the body is compressed ({coding[:20]})"
        raise RequestError(Violation("unsupported_media_type", message, "send it as it is, without Content-Encoding"))
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json(request: Request, hint: str = "send Content-Type: application/json") -> None:
    """Raises RequestError `unsupported_media_type` unless the body is declared as JSON, and not compressed.

    This is also what keeps a foreign web page from posting here: browsers send JSON across sites only where asked to.
    """
    media = media_type(request)
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        message = f"the body is declared as {media or 'nothing'}"
        raise RequestError(Violation("unsupported_media_type", message, hint))


def require_no_view(view: View, media: str) -> None:
    """Raises RequestError `invalid_parameter` if it is said how a picture is to be, and the answer will be none."""
    names = sorted(view.model_fields_set)
    if names:
        hint = f"send Accept: image/png, or leave out {', '.join(names)}"
        message = f"only a picture shows one page, and the answer would be {media}"
        raise RequestError([Violation("invalid_parameter", message, hint, f"/query/{name}") for name in names])


def parse(body: bytes) -> Order:
    """The order in a body; the record in it is the engine's to judge.

    Raises RequestError `malformed_json`, `duplicate_key`, or every violation of the order's own form.
    """
    try:
        return Order.model_validate(strict_json.loads(body))
    except ValidationError as error:
        hint = "the body is {insurer, document, record, options: {specimen, issued_on, accessible}}; see /docs"
        raise RequestError(problems.from_pydantic(error.errors(), hint)) from None


def openapi() -> dict[str, Any]:
    """The body for the API's description: it is read by hand, so that nothing is read past the limit."""
    schema = Order.model_json_schema()
    schema["properties"]["options"] = schema.pop("$defs")["OrderOptions"]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
