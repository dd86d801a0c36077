from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from docgen.errors import AssetError, LayoutError
from docgen.text.registry import FontRegistry

REPOSITORY = Path(__file__).parents[2]
FONTS_TOML = REPOSITORY / "fonts" / "fonts.toml"


def write_fonts_toml(folder: Path, content: bytes = b"a font", stack: str = "one", extra: str = "") -> Path:
    toml = folder / "fonts.toml"
    toml.write_text(
        f"""
dirs = ["{folder / "system"}"]
[stacks]
body = ["{stack}"]
[faces.one]
file = "one.ttf"
family = "One 1.0"
licence = "none"
upstream = "the One project"
debian = {{package = "fonts-one", version = "1.0-1"}}
sha256 = ["{hashlib.sha256(content).hexdigest()}"]
{extra}
""",
        encoding="utf-8",
    )
    return toml


def install(directory: Path, content: bytes = b"a font") -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / "one.ttf"
    path.write_bytes(content)
    return path


def test_every_face_of_the_shipped_catalogue_is_installed_and_verified() -> None:
    registry = FontRegistry.load(FONTS_TOML)
    assert list(registry.faces) == ["gothic", "gothic-bold", "pgothic", "pgothic-bold", "mincho", "mj"]
    for face_id, face in registry.faces.items():
        assert registry.path(face_id).name == face.file


def test_every_stack_of_the_shipped_catalogue_falls_back_on_the_registers_characters() -> None:
    assert {stack[-1] for stack in FontRegistry.load(FONTS_TOML).stacks.values()} == {"mj"}


def test_a_missing_font_says_what_to_install_and_where(tmp_path: Path) -> None:
    registry = FontRegistry.load(write_fonts_toml(tmp_path))
    with pytest.raises(AssetError) as caught:
        registry.path("one")
    (violation,) = caught.value.violations
    assert violation.code == "font_missing"
    assert "One 1.0" in violation.message
    assert "docgen fonts install" in violation.hint
    assert "the One project" in violation.hint
    assert "DOCGEN_FONT_PATH" in violation.hint


def test_a_face_of_ones_own_is_in_no_package(tmp_path: Path) -> None:
    toml = write_fonts_toml(tmp_path)
    toml.write_text("".join(line for line in toml.open(encoding="utf-8") if not line.startswith("debian")))
    registry = FontRegistry.load(toml)
    with pytest.raises(AssetError, match=r"One 1\.0 \(one\.ttf\) is not installed \(get one\.ttf from the One project"):
        registry.path("one")
    assert install(tmp_path / "system") == registry.path("one")


def test_an_altered_font_is_refused(tmp_path: Path) -> None:
    registry = FontRegistry.load(write_fonts_toml(tmp_path))
    path = install(tmp_path / "system", b"another font")
    with pytest.raises(AssetError) as caught:
        registry.path("one")
    (violation,) = caught.value.violations
    assert violation.code == "font_altered"
    assert str(path) in violation.message


def test_a_font_altered_after_it_was_verified_is_refused(tmp_path: Path) -> None:
    registry = FontRegistry.load(write_fonts_toml(tmp_path))
    installed = install(tmp_path / "system")
    assert registry.path("one") == installed
    install(tmp_path / "system", b"an altered font")
    with pytest.raises(AssetError):
        registry.path("one")


def test_extra_directories_come_first(tmp_path: Path) -> None:
    install(tmp_path / "system")
    mine = install(tmp_path / "mine")
    registry = FontRegistry.load(write_fonts_toml(tmp_path), [tmp_path / "mine"])
    assert registry.path("one") == mine


def test_an_accepted_file_is_found_behind_an_altered_one(tmp_path: Path) -> None:
    good = install(tmp_path / "system")
    install(tmp_path / "home", b"another font")
    toml = write_fonts_toml(tmp_path)
    toml.write_text(toml.read_text().replace("dirs = [", f'dirs = ["{tmp_path / "home"}", '))
    assert FontRegistry.load(toml).path("one") == good


def test_an_altered_file_in_a_folder_that_somebody_named_is_not_passed_over(tmp_path: Path) -> None:
    install(tmp_path / "system")
    altered = install(tmp_path / "mine", b"another font")
    registry = FontRegistry.load(write_fonts_toml(tmp_path), [tmp_path / "mine"])
    with pytest.raises(AssetError) as caught:
        registry.path("one")
    (violation,) = caught.value.violations
    assert violation.code == "font_altered"
    assert str(altered) in violation.message
    assert "DOCGEN_FONT_PATH" in violation.hint
    assert "remove it" in violation.hint
    assert "fonts install" not in violation.hint


@pytest.mark.parametrize(
    ("stack", "extra", "said"),
    [
        ("two", "", "unknown faces: two"),
        ("one", 'colour = "red"', "faces.one.colour"),
        ("one", "[faces.two]\nfile = '../two.ttf'", "faces.two.file"),
        ("one", "[faces.two]\nfile = 'two.otf'", "faces.two.file"),
    ],
)
def test_a_wrong_catalogue_is_refused(tmp_path: Path, stack: str, extra: str, said: str) -> None:
    with pytest.raises(LayoutError, match="layout_value") as caught:
        FontRegistry.load(write_fonts_toml(tmp_path, stack=stack, extra=extra))
    assert said in str(caught.value)
    assert all(violation.file == "fonts.toml" for violation in caught.value.violations)


def test_a_catalogue_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    toml = tmp_path / "fonts.toml"
    toml.write_text("dirs = [\nnot toml", encoding="utf-8")
    with pytest.raises(LayoutError, match="layout_syntax") as caught:
        FontRegistry.load(toml)
    assert "line 2" in str(caught.value)
