from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import settings

from docgen.engine import Engine
from docgen.settings import Settings
from docgen.text import faces

# Whoever runs the tests in the background ignores Ctrl-C, and so would the processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The machine that runs the tests may be busy: a slow example is no failure.
settings.register_profile("docgen", deadline=None)
settings.load_profile("docgen")


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """All engines of this process share what they have read of the font files: half the time of loading one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faces, "Face", cache(faces.Face))
        yield


@pytest.fixture
def parsed_anew(parsed_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines read the font files themselves, as that of a new process does."""
    monkeypatch.setattr(faces, "Face", faces.Face.__wrapped__)  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine with the project's own layouts, profiles and fonts."""
    return Engine.load(Settings())


@pytest.fixture(scope="session")
def good_pdf(engine: Engine) -> bytes:
    """A finished file with everything that a card can have: the one that tests read back, draw and break."""
    name = "association-everything"
    return engine.render("card", "association", engine.samples("card")[name]).pdf
