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
        # bounds the head of a request; left to itself, uvicorn takes the other one wherever it is installed.
        config = uvicorn.Config(app, http="h11", access_log=False, log_config=None, server_header=False)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    # Connections inherit it. An answer goes out in two writes, head and content; the second of a small one would wait
    # until the client acknowledges the first, which clients put off by 40 ms (RFC 1122, section 4.2.3.2; RFC 896).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
