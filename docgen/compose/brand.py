"""What one insurer brings to a layout: inks, wording, constant texts, artwork, trim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from docgen.compose.artwork import Artwork, load_artwork
from docgen.compose.placed import BLACK, PAPER, Ink
from docgen.errors import LayoutError, Violation
from docgen.issuance.profile import InsurerProfile
from docgen.located import Located

NAMED_INKS = {"black": BLACK, "paper": PAPER}


@dataclass(frozen=True, slots=True)
class Brand:
    """An insurer's side of a layout: `palette` by role, lengths in mm, `trim` (width, height) or None: the layout's.

    `source` is the profile's file, where messages send the reader for what the profile says.
    """

    insurer: str
    palette: Mapping[str, Ink]
    wording: Mapping[str, str | tuple[str, ...]]
    constants: Mapping[str, str]
    artwork: Mapping[str, Artwork]
    trim: tuple[float, float] | None
    corner_radius: float
    type_floor: float
    source: Located = field(default_factory=lambda: Located("", {}, {}))

    def ink(self, value: object, spots: Mapping[str, tuple[float, float, float, float]]) -> Ink:
        """An ink of the layout language. Raises KeyError if it is not declared."""
        if not isinstance(value, str):
            return Ink(*value)  # type: ignore[misc]
        if value in NAMED_INKS:
            return NAMED_INKS[value]
        kind, _, role = value.partition(".")
        return Ink(*spots[role], spot=role) if kind == "spot" else self.palette[role]


def brand_of(profile: InsurerProfile, document: str, constants: Mapping[str, str], art_dir: Path) -> Brand:
    """The brand of an insurer for one document. Raises LayoutError for artwork that cannot be used."""
    settings = getattr(profile.documents, document.replace("-", "_"))
    palette: dict[str, Ink] = {"on_band": BLACK, **{role: Ink(*parts) for role, parts in profile.palette.items()}}
    artwork: dict[str, Artwork] = {}
    problems: list[Violation] = []
    for name, image in profile.images.items():
        inks = {key: palette[ink] if isinstance(ink, str) else Ink(*ink) for key, ink in image.inks.items()}
        try:
            artwork[name] = load_artwork(art_dir / image.file, inks)
        except LayoutError as error:
            problems += [_at_its_image(profile, name, violation) for violation in error.violations]
    if problems:
        raise LayoutError(problems)
    return Brand(
        insurer=profile.id,
        palette=palette,
        wording=profile.wording,
        constants=constants,
        artwork=artwork,
        trim=getattr(settings, "trim", None),
        corner_radius=getattr(settings, "corner_radius", 0.0),
        type_floor=profile.type_floor,
        source=profile.source,
    )


def _at_its_image(profile: InsurerProfile, name: str, violation: Violation) -> Violation:
    """A fault of an artwork file, told where the profile names the file and its inks."""
    source = profile.source
    line = source.line(("images", name))
    place = violation.file if violation.line is None else f"{violation.file}:{violation.line}"
    return replace(violation, message=f"{place}: {violation.message}", file=source.file, line=line)
