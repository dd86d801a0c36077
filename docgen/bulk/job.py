"""A job: what was asked, and the names of everything that it leaves behind."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any, Literal

from stdnum.iso7064 import mod_37_36

Occasion = Literal["delivery", "returned"]
_PACKAGE = re.compile(r"([0-9A-Z]{1,6})(?:-R[A-Z2-7]{8})?")
_ID = re.compile(r"([0-9A-Z]{1,6})-([0-9A-Z]{2,})(?=[-/]|\Z)")


@dataclass(frozen=True, slots=True)
class Job:
    """What decides the bytes of a package, beside its input and the pinned set (program, layouts, profile, fonts, ICC).

    `number` is printed in every id: one to six capitals and digits. `delivery` names a policy of the profile.
    `occasion` is `returned` for mail that came back and is made again for the employer. `reissue` is the reason for
    which people get the same document of the same day a second time. A `trial` is printed as specimens, and nobody
    counts as issued for it.
    """

    number: str
    insurer: str
    delivery: str
    issued_on: date
    occasion: Occasion = "delivery"
    reissue: str | None = None
    trial: bool = False

    @property
    def again(self) -> dict[str, bool]:
        """Why people may be issued once more, in the terms of the ledger's `claim`."""
        return {"reissue": self.reissue is not None, "returned": self.occasion == "returned"}

    def as_dict(self) -> dict[str, Any]:
        """As JSON; only a trial says whether it is one, so that real jobs read as they did before there were any."""
        told = {**asdict(self), "issued_on": self.issued_on.isoformat()}
        return told if self.trial else {key: value for key, value in told.items() if key != "trial"}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Job:
        """Read back what `as_dict` wrote."""
        return cls(**{**data, "issued_on": date.fromisoformat(data["issued_on"])})


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the people: people = printed + rejected + held + withdrawn, in each shard and in all."""

    people: int = 0
    printed: int = 0
    rejected: int = 0
    held: int = 0
    withdrawn: int = 0
    households: int = 0
    pieces: int = 0
    cards: int = 0
    pages: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def as_dict(self) -> dict[str, int]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Counts:
        """Read back what `as_dict` wrote. Raises ValueError or TypeError for what are no numbers."""
        return cls(**{name: int(count) for name, count in data.items()})

    @property
    def balanced(self) -> bool:
        """Whether nobody is lost and nobody is there twice."""
        return self.people == self.printed + self.rejected + self.held + self.withdrawn


# What keeps a person out, but not the household: nothing is wrong with the row.
HOLDS_NOBODY = frozenset({"already_issued", "claimed_by_unfinished", "withdrawn_before", "never_issued"})


def nobody_printed(counts: Mapping[str, int]) -> bool:
    """Whether nobody is printed of those who were to be: worth telling, though each is accounted for."""
    return not counts["printed"] and counts["withdrawn"] != counts["people"]


@dataclass(frozen=True, slots=True)
class File:
    """A finished file: its name in the package (`vendor/S0001-cards-0001.pdf`), hash, bytes, pages (0: no PDF)."""

    name: str
    sha256: str
    bytes: int
    pages: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As JSON; only what has pages says how many."""
        return {key: value for key, value in asdict(self).items() if key != "pages" or value}


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What one shard made. Equal inputs give equal results, wherever and however often it runs."""

    number: int
    counts: Counts
    files: tuple[File, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ShardResult:
        """Read back what `as_dict` wrote."""
        return cls(data["number"], Counts(**data["counts"]), tuple(File(**file) for file in data["files"]))


def by_shard(results: Iterable[ShardResult]) -> dict[str, Counts]:
    """The counts of each shard, letters and lists that begin in it among them, by what its files end with: `0001`."""
    counts: dict[str, Counts] = {}
    for result in results:
        name = f"{result.number:04d}"
        counts[name] = counts.get(name, Counts()) + result.counts
    return counts


# --- ids: job number, ordinal, check character; never anything of a person ---

# A letter for each ten thousand that begin in a shard, of 50,000 people at the most; the last employer's go on from
# there. Without P, of people, and what looks like a figure.
_TO_EMPLOYERS = "LMNQRSTUVWXYZ"


def piece_id(job: str, household: int) -> str:
    """The id of a household's mail: `S01-00000123N`, from the job's number and the household's ordinal in it.

    The check character is ISO 7064 MOD 37,36 over the rest.
    """
    return _checked(job, "", household)


def person_key(job: str, person: int) -> str:
    """The opaque key of a person in a job: `S01-P000001234`."""
    return _checked(job, "P", person)


def employer_piece_id(job: str, shard: int, ordinal: int) -> str:
    """The id of a letter or list: `S01-L00010002K` is the second to begin in shard 1, `S01-M0001...` the 10,000th."""
    ten_thousands, rest = divmod(ordinal, 10000)
    return _checked(job, _TO_EMPLOYERS[ten_thousands], shard * 10000 + rest)


def match_code(piece: str, sheet: int, place: int) -> str:
    """What ties a card to its place: `S01-00000123N-21` is place 1 of the household's second envelope."""
    return f"{piece}-{sheet}{place}"


def _checked(job: str, kind: str, ordinal: int) -> str:
    body = f"{kind}{ordinal:08d}"
    return f"{job}-{body}{mod_37_36.calc_check_digit(job + body)}"


def is_mistyped(id_: str) -> bool:
    """Whether an id, or what has an envelope, place or sheet behind it, is none of ours by its check character.

    False for what does not have an id's form at all.
    """
    found = _ID.match(id_)
    return found is not None and not mod_37_36.is_valid(found[1] + found[2])


# --- names of a package's files ---

_KINDS = {
    "card": "cards",
    "mount": "mounts",
    "mount-employer": "mounts",
    "notice": "notices",
    "employer-letter": "letters",
    "recipients-list": "recipients-lists",
}


def named(package: str, file: str) -> str:
    """A file's name in the package of this name: `vendor/pages.csv` of S0001 is `vendor/S0001-pages.csv`.

    So files of several packages may lie in one folder. Names have A-Z, a-z, 0-9, hyphen and dot, and are no longer than
    50 characters: the same on Windows, Unix and S3. Only the manifest is called the same everywhere: by it a package is
    found.
    """
    side, _, name = file.partition("/")
    return f"{side}/{package}-{name}"


def pages_file(package: str, document: str, part: int) -> str:
    """The file that has a part's pages of a document, and of those that are printed with it."""
    return named(package, f"vendor/{_KINDS.get(document, 'pages')}-{part:04d}.pdf")


def reprint_name(job: str, *told: object) -> str:
    """The name of a package of pages printed again: `S0001-RK3V7QZ2M`, by what tells it from the job's other reprints.

    What is told goes in as JSON. Jobs have no hyphen, and files have small letters behind it: no name is another's.
    """
    digest = hashlib.sha256(json.dumps(told).encode()).digest()
    return f"{job}-R{base64.b32encode(digest).decode()[:8]}"


def is_package_of(name: str, job: str) -> bool:
    """Whether a package of this job can have this name: its number, or that of a reprint."""
    found = _PACKAGE.fullmatch(name)
    return found is not None and found[1] == job


# --- names, inside a batch's folder or prefix ---


def part_name(shard: int) -> str:
    """The input of a shard."""
    return f"work/parts/{shard:04d}.parquet"


def shard_dir(shard: int) -> str:
    """Where a shard leaves what the package's tables are put together from."""
    return f"work/shards/{shard:04d}"


def employers_dir(shard: int) -> str:
    """The same of the letters or lists of employers that begin in a shard."""
    return f"work/employers/{shard:04d}"


def is_of_employers(place: str) -> bool:
    """Whether a folder is one of `employers_dir`."""
    return place.startswith("work/employers/")
