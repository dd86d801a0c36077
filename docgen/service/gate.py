"""The outermost layer of the service: the access log, and the last resort for what nobody expected."""

from __future__ import annotations

import time
import uuid

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docgen.errors import RequestError, Violation
from docgen.service import logs, metrics, problems

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENT_GONE = 499
HEAD = "docgen.head"  # in the scope of a request whose answer is sent without its content
CODE = "docgen.code"  # in the scope of a request that was refused: the code of the answer


class Gate:
    """Logs and counts method, route template, status, milliseconds and an error's code: never the address asked for,
    which may hold anything.

    What answers GET answers HEAD too (RFC 9110, section 9.1): the server leaves the content out.

    An unexpected exception is answered with a bare problem `internal`, whose `instance` is found again in the log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, method = time.perf_counter(), 0, scope["method"]
        if method == "HEAD":
            scope = {**scope, "method": "GET", HEAD: True}

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            status = _CLIENT_GONE
        except Exception as error:
            instance = f"urn:uuid:{uuid.uuid4()}"
            logs.errors.error("%s %s", instance, logs.places(error))
            scope[CODE] = "internal"
            if not status:
                answer = problems.response(_unexpected(), instance=instance)
                await answer(scope, receive, watched)
        finally:
            _tell(scope, method if method in _METHODS else "?", status, time.perf_counter() - started)


def _tell(scope: Scope, method: str, status: int, seconds: float) -> None:
    route, code = getattr(scope.get("route"), "path", "?"), scope.get(CODE)
    logs.access.info("%s %s %d %.1f%s", method, route, status, seconds * 1000, f" {code}" if code else "")
    metrics.requests.labels(method, route, status).observe(seconds)
    if code:
        metrics.problems.labels(code).inc()


def _unexpected() -> RequestError:
    return RequestError(Violation("internal", "the service failed", "report the instance to whoever runs it"))
