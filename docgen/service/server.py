"""The service on a socket."""

from __future__ import annotations

import contextlib
import socket
import sys

import uvicorn

from docgen.service import logs
from docgen.service.app import create_app
from docgen.settings import Settings


def serve(settings: Settings) -> None:
    """Load the engine, then listen and answer until interrupted. Prints the address once it listens.

    Raises AssetError or LayoutError before anything listens; OSError if the address cannot be had.
    """
    app = create_app(settings)
    logs.configure()
    with _listen(settings.host, settings.port) as listener:
        host, port = listener.getsockname()[:2]
        sys.stdout.write(f"docgen serves on http://{f'[{host}]' if ':' in host else host}:{port}/\n")
        sys.stdout.flush()
        # uvicorn's own access log writes query strings: the service's Gate logs instead. Of its two parsers h11 alone
        # bounds the head of a request. asyncio's own loop does not set TCP_NODELAY on what this listener accepts, so
        # that the content of a small answer would wait 40 ms until the client acknowledges its head; and its slowest
        # answers under load came half as soon as uvloop's when both were measured.
        config = uvicorn.Config(app, http="h11", loop="uvloop", access_log=False, log_config=None, server_header=False)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)
