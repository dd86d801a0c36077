"""What the workers of `tests.forked` are forked with: all that they would import, and the font files read."""

from __future__ import annotations

from functools import cache

import distributed.nanny  # noqa: F401

import docgen.bulk.cluster
import docgen.bulk.tasks  # noqa: F401
from docgen.settings import Settings
from docgen.text import faces
from docgen.text.registry import FontRegistry

faces.Face = cache(faces.Face)  # type: ignore[assignment, misc]
_registry = FontRegistry.load(Settings().fonts_toml, Settings().font_path)
for _face in _registry.faces:
    faces.FontLibrary(_registry).face(_face)
