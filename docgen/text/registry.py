"""Which font files docgen prints with: fonts.toml read, and each file found and verified on this machine."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from docgen.errors import AssetError, LayoutError, Violation
from docgen.wrong_values import said


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DebianPackage(_Model):
    """The Debian package that holds a font file, and the version whose hash is listed."""

    package: str
    version: str


class FaceSpec(_Model):
    """One face of fonts.toml: its file's name, whose work it is, and the SHA-256s that are accepted for it.

    The file is TrueType: outlines of another kind (.otf) would need another kind of embedding. Without `debian` no
    package has it, as a face of one's own: `docgen fonts install` cannot get it.
    """

    id: str
    file: Annotated[str, Field(pattern=r"^[^/\\]+\.(ttf|TTF)$")]
    family: str
    licence: str
    upstream: str
    debian: DebianPackage | None = None
    sha256: Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...], Field(min_length=1)]

    @property
    def hint(self) -> str:
        """How to get the file onto this machine by hand."""
        return (
            f"get {self.file} from {self.upstream} and put it into ~/.local/share/fonts or a directory of"
            " DOCGEN_FONT_PATH"
        )


class _FontsToml(_Model):
    dirs: tuple[str, ...]
    stacks: dict[str, tuple[str, ...]]
    faces: dict[str, FaceSpec]

    @model_validator(mode="before")
    @classmethod
    def _name_faces(cls, data: dict[str, object]) -> dict[str, object]:
        faces = data.get("faces")
        if not isinstance(faces, dict):
            return data
        named = {key: {**face, "id": key} if isinstance(face, dict) else face for key, face in faces.items()}
        return {**data, "faces": named}

    @model_validator(mode="after")
    def _stacks_name_faces(self) -> Self:
        for name, stack in self.stacks.items():
            unknown = [face for face in stack if face not in self.faces]
            if unknown or not stack:
                raise ValueError(f"stack {name} names unknown faces: {', '.join(unknown) or '(none at all)'}")
        return self


@dataclass(frozen=True, slots=True)
class FontRegistry:
    """The faces and stacks of fonts.toml, in file order, and the directories where font files are looked for."""

    faces: Mapping[str, FaceSpec]
    stacks: Mapping[str, tuple[str, ...]]
    dirs: tuple[Path, ...]
    extra_dirs: tuple[Path, ...]

    @classmethod
    def load(cls, fonts_toml: Path, extra_dirs: Iterable[Path] = ()) -> FontRegistry:
        """Read fonts.toml; `extra_dirs`, which somebody has named, are searched before its own directories.

        Raises LayoutError `layout_syntax` or `layout_value` if the file is wrong. No font file is opened yet.
        """
        try:
            parsed = _FontsToml.model_validate(tomllib.loads(fonts_toml.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            reason = f"cannot be read: {error}"
            raise LayoutError(Violation("layout_syntax", reason, file=fonts_toml.name)) from None
        except ValidationError as error:
            raise LayoutError(
                Violation(
                    "layout_value", f"{'.'.join(map(str, problem['loc']))}: {said(problem)}", file=fonts_toml.name
                )
                for problem in error.errors()
            ) from None
        dirs, extra = (tuple(path.expanduser() for path in paths) for paths in (map(Path, parsed.dirs), extra_dirs))
        return cls(parsed.faces, parsed.stacks, dirs, extra)

    def find(self, face_id: str) -> Path | None:
        """Where the face's file is; None if it is nowhere.

        The first of its name in `extra_dirs`, accepted or not: whoever has put it there means it. Else the first
        accepted one, else the first of its name.
        """
        face = self.faces[face_id]
        named, found = (
            [path for directory in dirs if (path := directory / face.file).is_file()]
            for dirs in (self.extra_dirs, self.dirs)
        )
        if named:
            return named[0]
        return next((path for path in found if is_accepted(face, path)), next(iter(found), None))

    def is_named(self, path: Path) -> bool:
        """Whether a file is in one of `extra_dirs`, so that installing fonts elsewhere does not help."""
        return path.parent in self.extra_dirs

    def hint(self, face_id: str) -> str:
        """How to get the face's accepted file to where it is found, by hand."""
        face, path = self.faces[face_id], self.find(face_id)
        if path is None or not self.is_named(path):
            return face.hint
        return f"put {face.file} from {face.upstream} in its place, or remove it: DOCGEN_FONT_PATH is looked at first"

    def path(self, face_id: str) -> Path:
        """The face's verified file. Raises AssetError `font_missing` or `font_altered`."""
        face = self.faces[face_id]
        path = self.find(face_id)
        hint = f"run `docgen fonts install`, or {face.hint}" if face.debian else face.hint
        if path is None:
            raise AssetError(Violation("font_missing", f"{face.family} ({face.file}) is not installed", hint))
        if not is_accepted(face, path):
            message = f"{path} is not {face.family}: its SHA-256 is not in fonts.toml"
            hint = self.hint(face_id) if self.is_named(path) else hint
            raise AssetError(Violation("font_altered", message, hint))
        return path

    def sha256(self, face_id: str) -> str:
        """The SHA-256 (hex) of the face's verified file. Raises as `path` does."""
        return _hash_of(self.path(face_id))


def is_accepted(face: FaceSpec, path: Path) -> bool:
    """Whether the file's SHA-256 is one that fonts.toml accepts for the face."""
    return _hash_of(path) in face.sha256


def _hash_of(path: Path) -> str:
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns)


@cache
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """The file's SHA-256, once per process and state of the file: size and time are there to tell states apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
