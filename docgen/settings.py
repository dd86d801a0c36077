"""Settings, from the environment: DOCGEN_PORT=8080 sets `port`.

They are read by the command line and the service, and handed down; no room reads the environment.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from docgen.bulk.location import is_bucket, is_folder, sqlite_file
from docgen.bulk.scratch import make_private
from docgen.errors import RequestError, Violation
from docgen.located import suggest
from docgen.pdf.icc import DEFAULT_PATHS
from docgen.wrong_values import said

PACKAGE = Path(__file__).parent
LEDGER = "ledger.sqlite"  # in the state folder
_PREFIX = "DOCGEN_"


def data_dir(name: str) -> Path:
    """Where `layouts` or `fonts` is: inside an installed wheel, or beside the package in a checkout."""
    packed = PACKAGE / "data" / name
    return packed if packed.is_dir() else PACKAGE.parent / name


def default_output_profile() -> Path:
    """Ghostscript's CMYK profile where Debian puts it, or where it would be."""
    return next((path for path in DEFAULT_PATHS if path.is_file()), DEFAULT_PATHS[0])


def _split_path(value: Any) -> Any:
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def _split_commas(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _check_prefix(prefix: str) -> str:
    if not is_bucket(prefix):
        raise ValueError(f"{prefix} is not s3://BUCKET or s3://BUCKET/PREFIX")
    return prefix


def _check_location(location: str) -> str:
    is_folder(location)
    return location


def _check_folder(path: Any) -> Any:
    if not is_folder(str(path)):
        raise ValueError("not a folder")
    return path


def _check_font_folder(path: Path) -> Path:
    if not path.expanduser().is_dir():
        raise ValueError(f"{path} is no folder: make it and put font files there, or leave it out")
    return path


def _check_ledger(url: SecretStr) -> SecretStr:
    sqlite_file(url.get_secret_value())
    return url


def _require_writable(name: str, folder: Path, file: Path | None = None) -> None:
    place = folder
    try:
        make_private(folder)
        with TemporaryFile(dir=folder):
            pass
        if file is not None and file.exists():
            place = file
            with file.open("r+b"):
                pass
    except OSError as error:
        message = f"{variable(name)}: {place.absolute()} cannot be made or written: {error.strerror}"
        raise RequestError(Violation("unusable_place", message, "name one that docgen may write")) from None


def _check_origin(origin: str) -> str:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(f"{origin} is not https://HOST or https://HOST:PORT")
    return origin


def _check_secret(secret: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError("a secret is whsec_ and 24 to 64 random bytes in Base64")
    return secret


def default_state_dir() -> Path:
    """Where programs keep what outlives them, by the XDG Base Directory Specification."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "docgen"


def variable(name: str) -> str:
    """The variable of the environment that sets a setting."""
    return f"{_PREFIX}{name.upper()}"


def faults(error: ValidationError) -> list[str]:
    """What is wrong with the settings that the environment has: a line for each variable, without its value."""
    return [f"{variable(str(problem['loc'][0]))}: {_fault(problem)}" for problem in error.errors()]


def _fault(problem: Mapping[str, Any]) -> str:
    if problem["type"] != "extra_forbidden":
        return said(problem)
    return f"no such setting ({suggest(variable(problem['loc'][0]), map(variable, Settings.model_fields))})"


def _unknown() -> dict[str, Any]:
    """Variables of the environment that look like settings and are none. pydantic-settings passes over them."""
    names = (
        name.lower().removeprefix(_PREFIX.lower()) for name in sorted(os.environ) if name.upper().startswith(_PREFIX)
    )
    return {name: "" for name in names if name not in Settings.model_fields}


class Settings(BaseSettings):
    """What an operator may set. Each one has a default that suits a trial on one's own machine."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, and what in it is misspelt, so that it is refused like a wrong value."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, _unknown())

    layouts_dir: Path = Field(
        default_factory=lambda: data_dir("layouts"),
        description="The folder of layouts, insurers' profiles and samples. By default the one that comes with docgen.",
    )
    fonts_toml: Path = Field(
        default_factory=lambda: data_dir("fonts") / "fonts.toml",
        description="The catalogue of faces and stacks. By default the one that comes with docgen.",
    )
    font_path: Annotated[
        tuple[Annotated[Path, AfterValidator(_check_font_folder)], ...], NoDecode, BeforeValidator(_split_path)
    ] = Field(
        default=(),
        description="Folders in which font files are looked for first, separated as in PATH. A file that is there is "
        "used, or refused (`font_altered`) if it is not the accepted one.",
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
    state_dir: Annotated[Path, BeforeValidator(_check_folder)] = Field(
        default_factory=default_state_dir,
        description="The folder of ledger and batches, unless they are elsewhere. By default `docgen` in "
        "`$XDG_STATE_HOME` or `~/.local/state`. It holds personal data.",
    )
    ledger_url: Annotated[SecretStr, AfterValidator(_check_ledger)] | None = Field(
        default=None,
        description="The ledger's database: `postgresql+psycopg://USER:PASSWORD@HOST/NAME` or "
        "`sqlite:////FOLDER/FILE`. By default `ledger.sqlite` in the state folder. It knows which batches there are, "
        "and who was issued what: keep it, and keep it to yourself.",
    )
    batches_store: Annotated[str, AfterValidator(_check_location)] = Field(
        default="",
        description="Where the service keeps its batches, input and packages: a folder, or `s3://BUCKET/PREFIX` "
        "with `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` as AWS's tools read "
        "them. By default `batches` in the state folder.",
    )
    workers: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        description="How many processes print a batch on this machine. By default one for each core that docgen may "
        "use.",
    )
    scheduler: str = Field(
        default="",
        description="The address of a Dask scheduler, `tls://HOST:8786`, whose workers (`docgen worker`) print the "
        "batches instead.",
    )
    input_prefixes: Annotated[
        tuple[Annotated[str, AfterValidator(_check_prefix)], ...], NoDecode, BeforeValidator(_split_commas)
    ] = Field(
        default=(),
        description="Where extracts may be read from, `s3://BUCKET/PREFIX`, separated by commas. Nothing else is "
        "fetched.",
    )
    webhook_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_check_origin)], ...], NoDecode, BeforeValidator(_split_commas)
    ] = Field(
        default=(),
        description="Where messages on finished batches may be sent, `https://HOST` or `https://HOST:PORT`, separated "
        "by commas.",
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(_check_secret)] | None = Field(
        default=None,
        description="What these messages are signed with: `whsec_` and 24 to 64 random bytes in Base64 (Standard "
        "Webhooks). Without it none are sent.",
    )
    max_upload_bytes: int = Field(
        default=10_000_000_000,
        ge=1,
        description="The largest extract that may be uploaded, with all that comes with it; more is `body_too_large`.",
    )
    max_waiting_batches: int = Field(
        default=20,
        ge=1,
        description="How many batches may wait for their turn; one more is refused at once as `batches_full`.",
    )

    @property
    def ledger(self) -> str:
        """The URL of the ledger's database."""
        if self.ledger_url is not None:
            return self.ledger_url.get_secret_value()
        return f"sqlite:///{self.state_dir.absolute() / LEDGER}"

    @property
    def batches(self) -> str:
        """The location of the stores of the service's batches."""
        return (self.batches_store or str(self.state_dir.absolute() / "batches")).rstrip("/")

    def require_places(self, *, batches: bool) -> None:
        """Make the ledger's folder, and that of the batches if they are wanted, where they are folders of this machine.

        Raises RequestError `unusable_place`, with the variable, for one that cannot be made or written.
        """
        if self.ledger_url is None:
            _require_writable("state_dir", self.state_dir, self.state_dir / LEDGER)
        elif (file := sqlite_file(self.ledger)) is not None:
            _require_writable("ledger_url", Path(file).parent, Path(file))
        if batches and is_folder(self.batches):
            _require_writable("batches_store" if self.batches_store else "state_dir", Path(self.batches))

    def batch_store(self, batch: str) -> str:
        """The location of a batch's store."""
        return f"{self.batches}/{batch}"
