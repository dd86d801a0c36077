"""Settings, from the environment: DOCGEN_PORT=8080 sets `port`.

They are read by the command line and the service, and handed down; no room reads the environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from docgen.pdf.icc import DEFAULT_PATHS

PACKAGE = Path(__file__).parent


def data_dir(name: str) -> Path:
    """Where `layouts` or `fonts` is: inside an installed wheel, or beside the package in a checkout."""
    packed = PACKAGE / "data" / name
    return packed if packed.is_dir() else PACKAGE.parent / name


def default_output_profile() -> Path:
    """Ghostscript's CMYK profile where Debian puts it, or where it would be."""
    return next((path for path in DEFAULT_PATHS if path.is_file()), DEFAULT_PATHS[0])


def _split_path(value: Any) -> Any:
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


class Settings(BaseSettings):
    """What an operator may set. Each one has a default that suits a trial on one's own machine."""

    model_config = SettingsConfigDict(env_prefix="DOCGEN_", frozen=True)

    layouts_dir: Path = Field(
        default_factory=lambda: data_dir("layouts"),
        description="The folder of layouts, insurers' profiles and samples. By default the one that comes with docgen.",
    )
    fonts_toml: Path = Field(
        default_factory=lambda: data_dir("fonts") / "fonts.toml",
        description="The catalogue of faces and stacks. By default the one that comes with docgen.",
    )
    font_path: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_split_path)] = Field(
        default=(),
        description="Folders in which font files are looked for first, separated as in PATH.",
    )
    output_profile: Path = Field(
        default_factory=default_output_profile,
        description="The ICC profile of the printing condition: a CMYK printer profile, version 2 or 4. Ask your print "
        "vendor for it. The default is Ghostscript's (libgs-common in Debian), a stand-in for trials.",
    )
    output_condition: str = Field(
        default="Custom",
        min_length=1,
        description="The printing condition's identifier, as in the ICC characterization data registry "
        "(`JC200103` for Japan Color 2001 Coated), or `Custom`. The default profile goes with "
        "`Custom` alone (`icc_stand_in`).",
    )
    output_condition_info: str = Field(
        default="",
        description="The printing condition in words. By default the profile's own name.",
    )
    output_condition_registry: str = Field(
        default="",
        description="The registry of the condition's identifier: `http://www.color.org` for a registered one, else "
        "empty.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="The address that the service listens on. The service has no login of its own: leave it on "
        "loopback unless something in front of it lets only the right callers in.",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="The port that the service listens on; 0: a free one.")
    max_body_bytes: int = Field(
        default=1_000_000,
        ge=1,
        description="The largest request body that the service reads; more is `body_too_large`.",
    )
    request_timeout_s: float = Field(
        default=10, gt=0, description="Seconds after which a request is given up with `timed_out`."
    )
    max_queue: int = Field(
        default=32,
        ge=0,
        description="How many requests may wait for their turn; one more is refused at once as `queue_full`. One "
        "process renders one document at a time: a machine with more cores runs more processes.",
    )
