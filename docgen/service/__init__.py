"""HTTP in, HTTP out: each route calls one function of the engine."""

from docgen.service.app import create_app
from docgen.service.server import serve

__all__ = ["create_app", "serve"]
