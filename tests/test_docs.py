"""Docs that cannot rot: the reference is what the code says, and every link and command leads somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from starlette.routing import Mount

from docgen.engine import Engine
from docgen.errors import CODES
from docgen.issuance.documents import DOCUMENTS
from docgen.layout.models import KINDS, FitStep
from docgen.service.app import create_app
from docgen.settings import Settings
from scripts import reference
from tests import forked
from tests.command import run

forked.fork_workers()

REPOSITORY = Path(__file__).parents[1]
GUIDES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
MARKDOWN = [*GUIDES, *sorted((REPOSITORY / "docs").glob("*/*.md"))]
NAMES = [f"{name}.md" for name in ("settings", "errors", "layout", "items", "records", "insurers", "routes")]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The reference as the code writes it."""
    return reference.pages()


def relative(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_what_the_code_says(pages: dict[str, str], name: str) -> None:
    assert (reference.REFERENCE / name).read_text(encoding="utf-8") == pages[name], "run `make docs`"


def test_the_reference_has_no_page_that_nothing_writes(pages: dict[str, str]) -> None:
    assert {path.name for path in reference.REFERENCE.iterdir()} == set(pages) == set(NAMES)


def test_every_setting_is_documented(pages: dict[str, str]) -> None:
    assert [name for name in Settings.model_fields if f"`DOCGEN_{name.upper()}`" not in pages["settings.md"]] == []


def test_every_error_code_is_documented(pages: dict[str, str]) -> None:
    assert [code for code in CODES if f"| `{code}` | " not in pages["errors.md"]] == []


def test_every_element_and_fit_step_is_documented(pages: dict[str, str]) -> None:
    assert [kind for kind in KINDS if f"### `{kind}`" not in pages["layout.md"]] == []
    assert set(reference.FIT_STEPS) == set(get_args(FitStep.model_fields["kind"].annotation))


def test_every_print_item_and_flag_is_documented(pages: dict[str, str]) -> None:
    names = {name for document in DOCUMENTS.values() for name in (*document.catalogue.texts, *document.catalogue.flags)}
    assert {name for name in names if f"`{name}`" not in pages["items.md"]} == set()


def test_every_route_is_documented(pages: dict[str, str], engine: Engine) -> None:
    paths = list(paths_of(create_app(Settings(), engine).routes))
    assert {"/", "/docs", "/livez", "/v1/documents"} <= set(paths)
    assert [
        path for path in paths if not re.search(rf"(## [A-Z]+ |`GET ){re.escape(path)}(\n|`)", pages["routes.md"])
    ] == []


def paths_of(routes: Iterable[Any]) -> Iterator[str]:
    """The path of each route, those of routers within the application among them."""
    for route in routes:
        if isinstance(route, Mount):
            continue
        if hasattr(route, "original_router"):
            yield from paths_of(route.original_router.routes)
        else:
            yield route.path


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_has_no_heading_without_text_and_no_row_without_meaning(pages: dict[str, str], name: str) -> None:
    lines = [line for line in pages[name].splitlines() if line]
    headings = [line for line, after in zip(lines, [*lines[1:], "# end"], strict=True) if is_empty(line, after)]
    assert headings == []


def is_empty(line: str, after: str) -> bool:
    return line.startswith("#") and after.startswith("#") and after.count("#") <= line.count("#")


@pytest.mark.parametrize("page", MARKDOWN, ids=relative)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", target)]
    broken = []
    for target in targets:
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", GUIDES, ids=relative)
def test_every_command_that_the_docs_show_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    paths = re.findall(r"(?<![\w/.])(?:layouts|fonts|docgen|scripts|docs)/[\w./-]*\w", text)
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_the_first_command_of_the_readme_makes_a_card(tmp_path: Path) -> None:
    (command,) = re.findall(r"^\.venv/bin/docgen (render .+)$", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    arguments = command.replace("--out card.pdf", f"--out {tmp_path / 'card.pdf'}").split()
    subprocess.run([sys.executable, "-m", "docgen.cli", *arguments], cwd=REPOSITORY, check=True)
    assert (tmp_path / "card.pdf").read_bytes().startswith(b"%PDF-1.")


def test_the_batches_of_the_readme_and_of_the_issuers_guide_are_made_in_the_order_in_which_they_are_read(
    tmp_path: Path,
) -> None:
    pages = [(REPOSITORY / name).read_text(encoding="utf-8") for name in ("README.md", "docs/issuers.md")]
    commands = re.findall(
        r"^\.venv/bin/docgen ((?:issue|reconcile) .+)$", "".join(pages).replace("\\\n", ""), re.MULTILINE
    )
    assert [command.partition(" ")[0] for command in commands] == ["issue", "reconcile", *["issue"] * 4]
    for command in commands:
        arguments = [str(tmp_path / word) if word.startswith("package") else word for word in shlex.split(command)]
        done = run(*arguments, env={"DOCGEN_STATE_DIR": str(tmp_path / "state"), "DOCGEN_WORKERS": "1"})
        assert done.returncode == 0, done.stderr.decode()
        assert b"already_issued" not in done.stderr
        if arguments[0] == "issue":
            assert re.search(rb"^printed +[1-9]", done.stdout, re.MULTILINE)


def test_the_sample_proxy_lets_through_what_the_service_itself_judges() -> None:
    text = (REPOSITORY / "docs/operators.md").read_text(encoding="utf-8")
    server = text.partition("```nginx\n")[2].partition("```")[0]
    sizes = [int(size) << {"m": 20, "g": 30}[unit] for size, unit in re.findall(r"max_body_size (\d+)([mg]);", server)]
    settings = Settings()
    assert sizes[0] >= settings.max_body_bytes
    assert sizes[1] >= settings.max_upload_bytes
    assert set(re.findall(r"proxy_pass (\S+);", server)) == {f"http://{settings.host}:{settings.port}"}
