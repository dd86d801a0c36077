"""The folder of layouts, profiles and samples: what is in it, and what in it nobody reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from docgen import strict_json
from docgen.errors import LayoutError, RequestError, Violation
from docgen.located import suggest

# In `samples` beside the folders of documents: extracts of an issuance system, for trials of bulk issuance.
_EXTRACTS = "extracts"


def require(folder: Path) -> None:
    """Raises LayoutError `layouts_folder` if the folder is not there."""
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is not there"
        hint = "DOCGEN_LAYOUTS_DIR names the folder of layouts, from where the command is given"
        raise LayoutError(Violation("layouts_folder", f"the folder of layouts {what}: {folder}", hint))


def samples(folder: Path, document: str) -> tuple[dict[str, Any], list[Violation]]:
    """A document's sample records by INSURER-NAME, and what is wrong with the files that hold none.

    Codes: `unreadable_file` and those of `strict_json`.
    """
    found: dict[str, Any] = {}
    wrong: list[Violation] = []
    for path in sorted((folder / "samples" / document).glob("*.json")):
        try:
            found[path.stem] = strict_json.loads(path.read_bytes())
        except OSError as error:
            wrong.append(Violation("unreadable_file", f"cannot read: {error.strerror}", file=_shown(path, folder)))
        except RequestError as error:
            wrong += [_in_file(violation, _shown(path, folder)) for violation in error.violations]
    return found, wrong


def _in_file(violation: Violation, file: str) -> Violation:
    message = violation.message.removeprefix(f"line {violation.line}, ")
    return replace(violation, message=message, hint="a sample is one record, as JSON in UTF-8", file=file)


def unread(folder: Path, layouts: Collection[str], documents: Collection[str]) -> Iterator[Violation]:
    """Files and folders that look like layouts, profiles or samples, and that nobody reads: `layouts_unread`."""
    for path in _seen(folder):
        if path.suffix.lower() in (".yaml", ".yml") and (path.suffix != ".yaml" or path.stem not in layouts):
            yield _unread(path, folder, f"layouts have the names of documents; {suggest(path.stem, layouts)}")
    for path in _seen(folder / "insurers"):
        if path.suffix != ".yaml":
            yield _unread(path, folder, "profiles are named ID.yaml")
    for path in _seen(folder / "samples"):
        if not path.is_dir():
            yield _unread(path, folder, "samples stand in samples/DOCUMENT")
        elif path.name in documents:
            for sample in _seen(path):
                if sample.suffix != ".json":
                    yield _unread(sample, folder, "samples are named INSURER-NAME.json")
        elif path.name != _EXTRACTS:
            yield _unread(path, folder, f"samples stand in samples/DOCUMENT; {suggest(path.name, documents)}")


def _seen(folder: Path) -> list[Path]:
    """What stands in a folder, but for what the system hides."""
    return sorted(path for path in folder.glob("*") if not path.name.startswith(".")) if folder.is_dir() else []


def _unread(path: Path, folder: Path, hint: str) -> Violation:
    message = "nobody reads this folder" if path.is_dir() else "nobody reads this file"
    return Violation("layouts_unread", message, hint, file=_shown(path, folder), severity="warning")


def _shown(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
