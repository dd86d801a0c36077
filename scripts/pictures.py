"""Draws docs/pictures/ with docgen itself, so that the guides show what is printed: `make docs`.

Same samples, same bytes: a picture changes only with what it shows.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from docgen.engine import Engine, FitReport, Options
from docgen.settings import Settings, data_dir
from docgen.text.registry import FontRegistry

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
LIMIT = 120_000  # bytes of one picture
COLOURS = 256  # chosen for what is there at all: a small mark keeps its own
MARGIN, INK, DESK = 16, (44, 42, 38), (255, 255, 255)

# Names of growing length, for the steps of the name's fit policy. All invented.
NAMES = (
    "見本　太郎",
    "MIHON ALEXANDRA ROSA MARIA DE MUESTRA",
    "MIHON ALEXANDRA ROSA MARIA DE LA MUESTRA Y EJEMPLO",
    "MIHON ALEXANDRA ROSA MARIA DE LA MUESTRA Y EJEMPLO DEL PAPEL INVENTADO PARA UNA TARJETA",
)
NAME_ROW = (2.5, 18.0, 68.0, 27.0)  # mm from the trim's top-left corner: left, top, right, bottom


def pictures() -> dict[str, Callable[[Engine], Image.Image]]:
    """How each picture of docs/pictures/ is drawn, by its file name."""
    return {
        "card.png": _card,
        "dependent.png": lambda engine: _sides(engine, "association-dependent", dpi=170)[0],
        "longest-name.png": lambda engine: _sides(engine, "association-longest-name", dpi=170)[0],
        "insurers.png": _insurers,
        "fit.png": _fit,
    }


def _card(engine: Engine) -> Image.Image:
    """Front above back, with the trim and the safe area."""
    return _stacked(_sides(engine, "association-insured", dpi=170, overlay=("trim", "safe")))


def _insurers(engine: Engine) -> Image.Image:
    """One person, one layout, four profiles: two by two."""
    fronts = [_sides(engine, f"{insurer}-insured", dpi=100)[0] for insurer in engine.insurers]
    return _beside([_stacked(fronts[:2]), _stacked(fronts[2:])])


def _fit(engine: Engine) -> Image.Image:
    """The name row of cards with longer and longer names, each with the service's own verdict."""
    font = _caption_font()
    strips = []
    for name in NAMES:
        record = {**engine.samples("card")["association-insured"]}
        record["person"] = {**record["person"], "full_name": name}
        for part in ("family", "given", "family_kana", "given_kana"):
            del record["person"][part]
        rendered = engine.render("card", "association", record, Options(specimen=False))
        front = _page(engine, rendered.pdf, 1, "association", dpi=200)
        verdict = next(fit for fit in rendered.fits if fit.element == "name")
        strips.append(_captioned(_cut(engine, front, 200), _says(verdict), font))
    return _stacked(strips)


def _says(fit: FitReport) -> str:
    parts = [f"{fit.size:g} pt"]
    if fit.condensed < 1:
        parts.append(f"{fit.condensed:.1%} wide")
    if fit.lines > 1:
        parts.append(f"{fit.lines} lines")
    return ", ".join(parts)


def _sides(engine: Engine, sample: str, dpi: int, overlay: tuple[str, ...] = ()) -> list[Image.Image]:
    insurer = engine.insurer_of_sample(sample)
    rendered = engine.render("card", insurer, engine.samples("card")[sample])
    return [_page(engine, rendered.pdf, page.number, insurer, dpi, overlay) for page in rendered.pages]


def _page(
    engine: Engine, pdf: bytes, number: int, insurer: str, dpi: int, overlay: tuple[str, ...] = ()
) -> Image.Image:
    png = engine.preview(pdf, number, dpi, overlay, document="card", insurer=insurer)
    return Image.open(io.BytesIO(png)).convert("RGB")


def _cut(engine: Engine, front: Image.Image, dpi: int) -> Image.Image:
    bleed = engine.layouts["card"].page.bleed
    left, top, right, bottom = (round((mm + bleed) / 25.4 * dpi) for mm in NAME_ROW)
    return front.crop((left, top, right, bottom))


def _captioned(picture: Image.Image, text: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    wide = Image.new("RGB", (picture.width + 290, picture.height), DESK)
    wide.paste(picture, (0, 0))
    ImageDraw.Draw(wide).text((picture.width + MARGIN, picture.height / 2), text, INK, font, anchor="lm")
    return wide


def _stacked(parts: list[Image.Image]) -> Image.Image:
    height = sum(part.height for part in parts) + MARGIN * (len(parts) - 1)
    sheet = Image.new("RGB", (max(part.width for part in parts), height), DESK)
    y = 0
    for part in parts:
        sheet.paste(part, (0, y))
        y += part.height + MARGIN
    return sheet


def _beside(parts: list[Image.Image]) -> Image.Image:
    width = sum(part.width for part in parts) + MARGIN * (len(parts) - 1)
    sheet = Image.new("RGB", (width, max(part.height for part in parts)), DESK)
    x = 0
    for part in parts:
        sheet.paste(part, (x, 0))
        x += part.width + MARGIN
    return sheet


def _caption_font() -> ImageFont.FreeTypeFont:
    settings = Settings()
    return ImageFont.truetype(FontRegistry.load(settings.fonts_toml, settings.font_path).path("pgothic"), 17)


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, 2, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    """Write every picture. Raises ValueError for one that is too large to keep in the repository."""
    engine = Engine.load(Settings(layouts_dir=data_dir("layouts")))
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, draw in pictures().items():
        data = _png(draw(engine))
        if len(data) > LIMIT:
            raise ValueError(f"{name} has {len(data)} bytes, over {LIMIT}: draw less of it, or with fewer dpi")
        (PICTURES / name).write_bytes(data)


if __name__ == "__main__":
    main()
