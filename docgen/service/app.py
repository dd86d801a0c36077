"""The service: its routes, and what each of them calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response

import docgen
from docgen.engine import Engine, Options
from docgen.errors import BatchError, DocgenError, RequestError, Violation
from docgen.layout.loader import layout_schema
from docgen.service import logs, metrics, negotiation, orders, problems
from docgen.service.batches import Batches
from docgen.service.batches import router as batch_routes
from docgen.service.gate import CODE, Gate
from docgen.service.readiness import Readiness
from docgen.service.workers import Workers
from docgen.settings import Settings

STATIC = Path(__file__).parent / "static"
PDF, PNG, JSON = "application/pdf", "image/png", "application/json"
_PROBLEM: dict[str, Any] = {"content": {problems.MEDIA_TYPE: {}}}
_ISSUE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The document, one page of it as a picture, or what was printed and how it fitted.",
        "content": {
            PDF: {"schema": {"type": "string", "format": "binary"}},
            PNG: {"schema": {"type": "string", "format": "binary"}},
            JSON: {"schema": {"type": "object"}},
        },
        "headers": {"Docgen-Page-Count": {"schema": {"type": "integer"}, "description": "How many pages there are."}},
    },
    400: {"description": "The body is no JSON text, or a query parameter is wrong.", **_PROBLEM},
    404: {"description": "Unknown insurer, document or page.", **_PROBLEM},
    406: {"description": "No form that the Accept header allows.", **_PROBLEM},
    413: {"description": "The body is too large.", **_PROBLEM},
    415: {"description": "The body is not declared as JSON.", **_PROBLEM},
    422: {"description": "The record breaks rules or does not fit; every violation is listed.", **_PROBLEM},
    503: {"description": "Too many requests, or not done in time.", **_PROBLEM},
}
_NOT_READY: dict[str, Any] = {"description": "The ledger does not answer.", **_PROBLEM}
_UNKNOWN_DOCUMENT: dict[int | str, dict[str, Any]] = {"default": {"description": "Unknown document.", **_PROBLEM}}
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}


def create_app(settings: Settings, engine: Engine | None = None) -> FastAPI:
    """The application. The engine is loaded, its assets verified and its layouts compiled before it first answers.

    Raises AssetError or LayoutError where fonts, colour profile, layouts or profiles are missing or wrong.
    """
    engine = engine or Engine.load(settings)
    workers = Workers(settings.max_queue)
    batches = Batches(settings, engine)
    readiness = Readiness(batches.ask_ledger)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        batches.start()
        yield
        workers.close()
        readiness.close()
        await run_in_threadpool(batches.close)

    app = FastAPIOffline(
        title="docgen",
        version=docgen.__version__,
        description=docgen.__doc__,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={
            DocgenError: _refused,
            RequestValidationError: _invalid_parameter,
            HTTPException: _no_route,
        },
    )
    app.add_middleware(Gate)
    app.include_router(_documents(settings, engine, workers))
    app.include_router(batch_routes(settings, batches))
    app.include_router(_catalogue(engine))
    app.include_router(_operation(engine, readiness))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


@dataclass(frozen=True, slots=True)
class _Answer:
    content: bytes
    pages: int


def _documents(settings: Settings, engine: Engine, workers: Workers) -> APIRouter:
    router = APIRouter(prefix="/v1/documents", tags=["documents"])

    @router.post(
        "",
        summary="Make one document",
        response_class=Response,
        openapi_extra=orders.openapi(),
        responses=_ISSUE_RESPONSES,
    )
    async def issue(request: Request, view: Annotated[orders.View, Query()]) -> Response:
        """One document of one person, as the Accept header asks: PDF (default), a page as PNG, or a report as JSON."""
        media = negotiation.choose(request.headers.get("accept"), (PDF, PNG, JSON))
        if media is None:
            raise RequestError(
                Violation(
                    "not_acceptable",
                    "no form of a document that this Accept header allows",
                    f"accept {PDF}, {PNG} or {JSON}",
                )
            )
        if media != PNG:
            orders.require_no_view(view, media)
        orders.require_json(request)
        try:
            async with asyncio.timeout(settings.request_timeout_s):
                order = orders.parse(await orders.read_body(request, settings.max_body_bytes))
                answer = await workers.run(_make, engine, order, media, view)
        except TimeoutError:
            message = f"not finished within {settings.request_timeout_s:g} seconds"
            raise RequestError(Violation("timed_out", message, "send it again, with fewer at a time")) from None
        return Response(answer.content, media_type=media, headers=_document_headers(order, answer))

    @router.get("/{document}/schema", summary="A record's schema", responses=_UNKNOWN_DOCUMENT)
    def schema(document: str) -> JSONResponse:
        """The JSON Schema of the document's record."""
        return JSONResponse(engine.schema(document), media_type="application/schema+json")

    @router.get("/{document}/samples", summary="Sample records", responses=_UNKNOWN_DOCUMENT)
    def samples(document: str) -> dict[str, Any]:
        """Invented records, by INSURER-NAME: one for each variant, and some that go to the limits."""
        return engine.samples(document)

    return router


def _make(engine: Engine, order: orders.Order, media: str, view: orders.View) -> _Answer:
    asked = order.options
    options = Options(specimen=asked.specimen, issued_on=asked.issued_on, accessible=asked.accessible)
    rendered = engine.render(order.document, order.insurer, order.record, options)
    pages = len(rendered.pages)
    if media == PDF:
        return _Answer(rendered.pdf, pages)
    if media == JSON:
        return _Answer(orjson.dumps(rendered.as_dict()), pages)
    if view.page > pages:
        raise RequestError(Violation("no_such_page", f"page {view.page} of {pages}", f"ask for page 1 to {pages}"))
    png = engine.preview(
        rendered.pdf,
        page=view.page,
        dpi=view.dpi,
        overlay=view.overlays,
        document=order.document,
        insurer=order.insurer,
    )
    return _Answer(png, pages)


def _document_headers(order: orders.Order, answer: _Answer) -> dict[str, str]:
    return {
        "Docgen-Page-Count": str(answer.pages),
        "Content-Disposition": f'inline; filename="{order.document}.pdf"',
        "Cache-Control": "no-store",  # a person's document
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }


def _catalogue(engine: Engine) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["catalogue"])

    @router.get("/insurers", summary="Insurers")
    def insurers() -> list[dict[str, Any]]:
        """The insurers whose profiles are loaded, and the documents that each of them issues."""
        return [
            {"id": id_, "name": profile.name, "number": profile.number, "documents": engine.documents_of(id_)}
            for id_, profile in engine.insurers.items()
        ]

    @router.get("/layouts", summary="Layouts")
    def layouts() -> list[dict[str, Any]]:
        """The layouts that are loaded, with the title of what each prints: lengths in mm."""
        return [
            {"layout": name, "title": engine.title(name), "page": layout.page.model_dump(), "sides": list(layout.sides)}
            for name, layout in engine.layouts.items()
        ]

    @router.get("/layouts/schema", summary="The layout language's schema")
    def schema() -> JSONResponse:
        """The JSON Schema of a layout file, for editors."""
        return JSONResponse(layout_schema(), media_type="application/schema+json")

    return router


def _operation(engine: Engine, readiness: Readiness) -> APIRouter:
    router = APIRouter()

    @router.get("/livez", summary="Is the process alive?", tags=["operation"])
    async def alive() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @router.get("/readyz", summary="Is it ready to work?", tags=["operation"], responses={503: _NOT_READY})
    async def ready() -> dict[str, Any]:
        """Fonts and colour profile are verified and the engine is warm, or the service would not listen; and the ledger
        answers. It is asked once a second at the most."""
        await readiness.require()
        return {"status": "ready", "version": docgen.__version__, "insurers": len(engine.insurers)}

    @router.get("/metrics", summary="What was asked and answered so far", tags=["operation"], response_class=Response)
    def counted() -> Response:
        """Requests, refusals by code, batches and the process, as Prometheus scrapes them."""
        return Response(metrics.exposed(), media_type=metrics.MEDIA_TYPE)

    @router.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", headers=_PAGE_HEADERS)

    return router


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DocgenError)
    if isinstance(error, BatchError) and error.status == 503:
        logs.errors.warning("%s", logs.fault(error))
        error = problems.without_places(error)
    return _problem(request, error)


def _problem(request: Request, error: DocgenError, headers: Mapping[str, str] | None = None) -> Response:
    answer = problems.response(error, headers)
    request.scope[CODE] = problems.gravest(error).code
    return answer


async def _invalid_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    operation = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    taken = {parameter["name"].lower(): parameter for parameter in operation["parameters"]}
    return _problem(request, RequestError(problems.of_parameters(error.errors(), taken)))


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        violation = Violation("method_not_allowed", "this address does not answer this method", "see the Allow header")
    else:
        violation = Violation("not_found", "there is nothing at this address", "GET /docs lists what there is")
    return _problem(request, RequestError(violation), error.headers)
