"""A household: what becomes of each of its people, and the pieces of mail that carry their documents.

Four cards to an envelope, five and more split, the insured person first and then by branch. Source: the explanation of
the bulk issue by the largest association (資格確認書の一括発行について, 関係団体説明資料).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Literal

from docgen.bulk import records
from docgen.bulk.columns import in_columns
from docgen.bulk.job import HOLDS_NOBODY, Job, match_code, piece_id
from docgen.bulk.policy import Policy
from docgen.bulk.rows import Extracted
from docgen.compose.placed import PlacedSide
from docgen.engine import Engine, Options
from docgen.errors import RecordError, Violation
from docgen.issuance.addressee import piece_label
from docgen.issuance.items import PrintItems
from docgen.issuance.mount import MOST_CARDS

State = Literal["printed", "rejected", "held", "withdrawn"]
STATES: tuple[State, ...] = ("printed", "rejected", "held", "withdrawn")
Kind = Literal["home", "direct", "employer", "letter", "list"]
TO_EMPLOYERS: tuple[Kind, ...] = ("letter", "list")  # the kinds that are no household's mail


@dataclass(slots=True, eq=False)
class Member:
    """One row of the extract: `person` is the job's opaque key, `row` counts from 1, `state` what became of it.

    A violation's `pointer` is that of the card's record, or `/address/...` and `/employer/...`. `insured` is the row of
    a dependent's insured person, as far as the household has one. Who is not `asked` for is no person of the batch: the
    row is there for what the others' mail needs of it.
    """

    row: int
    person: str
    data: Extracted
    state: State = "printed"
    violations: list[Violation] = field(default_factory=list)
    insured: Extracted | None = None
    asked: bool = True

    @property
    def at_fault(self) -> bool:
        """Whether the row has to be mended. Not if it is an earlier batch that keeps the person out of this one."""
        codes = {violation.code for violation in self.violations}
        return self.state == "rejected" and not (codes and codes <= HOLDS_NOBODY)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One document of a piece, placed: whose it is, and where it lies (cards: 1 to 4, else 0)."""

    document: str
    people: tuple[str, ...]
    items: PrintItems
    sides: tuple[PlacedSide, ...]
    place: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """One envelope: `sheet` of `of`. `direct` is a home that gets its mail though the delivery goes to employers."""

    id: str
    sheet: int
    of: int
    kind: Kind
    sheets: tuple[Sheet, ...]
    people: int
    for_dependents: bool = False


@dataclass(frozen=True, slots=True)
class Household:
    """The people of a household who were asked for, each with a state, and their mail: none if nobody gets any."""

    members: tuple[Member, ...]
    insured: Member
    pieces: tuple[Piece, ...] = ()


_MAIL = ("/address", "/employer")  # pointers of what the whole household needs
_DOUBTFUL = ("malformed_row", "duplicate_person", "identity_conflict")  # then a row is not to be relied on

# Which member a violation of a document's record concerns, and the pointer in the terms of that member's row.
_Blame = Callable[[str], tuple[Member, str]]


class Planner:
    """Plans the households of a job, and places what they get: everything decided, nothing drawn."""

    def __init__(self, engine: Engine, job: Job) -> None:
        """Raises RequestError `no_bulk_settings`, `unknown_delivery`."""
        self._engine, self._job = engine, job
        self._profile = engine.insurers[job.insurer]
        self._policy = Policy.of(self._profile, job.delivery)
        self._delivery = self._policy.delivery
        self._options = Options(issued_on=job.issued_on, specimen=job.trial)
        self._refusals = 0
        self._employers: dict[str, tuple[Violation, ...]] = {}

    def plan(self, ordinal: int, members: Sequence[Member]) -> Household:
        """One household, its members in the order in which they are printed; the state of each is settled here.

        Who breaks a rule is rejected, and so is everybody of a household that contradicts itself. The others are held,
        unless the profile lets them go on without (then everything is planned anew, since places and codes move up);
        they are held too if nothing can be mailed to the household. Nobody is held for people who have been issued
        theirs by another batch. Of who gets no mail, the insured person's row alone matters: who needs it is rejected
        for what is wrong with it.
        """
        head = next((member for member in members if not self._is_dependent(member)), None)
        insured = head or members[0]
        for member in members:
            if head is not None and self._is_dependent(member):
                member.insured = head.data
        asked = tuple(member for member in members if member.asked)
        live = [member for member in asked if member.state == "printed"]
        for violation in self._contradictions(members):
            for member in live:
                _tell(member, violation, violation.pointer or "")
        hold = self._policy.settings.hold_household
        doubtful = any(violation.code in _DOUBTFUL for violation in insured.violations)
        broken = doubtful or (hold and any(member.at_fault for member in asked))  # already by the intake
        while live:
            self._refusals = 0
            pieces = self._pieces(ordinal, insured, live)
            if not insured.asked or insured.state == "withdrawn":
                _hand_on(insured, live)
            bad = [member for member in live if member.violations]
            if not bad and not self._refusals and not broken:
                return Household(asked, insured, pieces)
            for member in bad:
                member.state = "rejected"
            live = [member for member in live if member.state == "printed"]
            mailable = not doubtful and not any((v.pointer or "").startswith(_MAIL) for v in insured.violations)
            if hold or not bad or not mailable:
                break
        for member in live:
            member.state = "held"
        return Household(asked, insured)

    def _is_dependent(self, member: Member) -> bool:
        relationship = self._profile.relationships.get(member.data.card.get("relationship", ""))
        return relationship is not None and relationship.dependent

    def _kind(self, insured: Member) -> Kind:
        """Voluntarily continued members have no employer: their mail goes to their homes."""
        if self._delivery.to != "employer":
            return "home"
        return "direct" if self._is_voluntary(insured.data) else "employer"

    # --- contradictions ---

    def _contradictions(self, members: Sequence[Member]) -> Iterator[Violation]:
        """What the rows of one household cannot all say; a row that was cut wrongly says nothing.

        One person is insured, and the dependents have that person's symbol and number; so have all where all are
        insured: the branch tells them apart (https://e-sr.net/1844). A dependent may live elsewhere, and its row leave
        the employer out. Who was withdrawn counts: the others could get that address.
        """
        rows = [member for member in members if not any(v.code == "malformed_row" for v in member.violations)]
        if len(rows) < 2:
            return
        if len(insured := self._insured(rows)) > 1:
            yield _contradictory(insured, f"{len(insured)} insured people", "/relationship")
        yield from _differing(rows, "/symbol", "symbols", lambda data: data.card.get("symbol", ""))
        yield from _differing(rows, "/number", "numbers", lambda data: data.card.get("number"))
        if self._delivery.to == "home":
            return
        yield from _differing(rows, "/membership", "kinds of membership", self._is_voluntary)
        yield from _differing(rows, "/employer/symbol", "employers", lambda data: (data.employer or {}).get("symbol"))
        yield from _differing(rows, "/employer/name", "employers", lambda data: (data.employer or {}).get("name"))

    def _insured(self, rows: Sequence[Member]) -> list[Member]:
        """Who is said to be the insured person; whoever is there more than once is rejected for that, and counts once.

        Nobody where everyone is insured, as in some of the National Health Insurance societies.
        """
        known = self._profile.relationships
        if not any(relationship.dependent for relationship in known.values()):
            return []
        insured = [row for row in rows if row.data.card.get("relationship") in known and not self._is_dependent(row)]
        again = [row for row in insured if any(v.code == "duplicate_person" for v in row.violations)]
        return [row for row in insured if row not in again[1:]]

    def _is_voluntary(self, data: Extracted) -> bool | None:
        membership = self._profile.memberships.get(data.card.get("membership", ""))
        return None if membership is None else membership.voluntary

    # --- pieces ---

    def _pieces(self, ordinal: int, insured: Member, live: Sequence[Member]) -> tuple[Piece, ...]:
        """The household's envelopes. What is wrong is told to whom it concerns."""
        kind, id_ = self._kind(insured), piece_id(self._job.number, ordinal)
        if self._policy.is_list:
            self._list(id_, insured, live)
            return ()
        if kind == "employer":
            self._hold_against_employer(insured)
        groups = self._groups(live)
        pieces = []
        for at, group in enumerate(groups, start=1):
            sheets: list[Sheet] = []
            if "card" in self._delivery.documents:
                sheets += self._mounted(id_, at, len(groups), kind, insured, group)
            if "notice" in self._delivery.documents:
                sheets += self._notices(piece_label(id_, at, len(groups)), insured, group)
            for_dependents = all(self._is_dependent(member) for member in group)
            pieces.append(Piece(id_, at, len(groups), kind, tuple(sheets), len(group), for_dependents))
        return tuple(pieces)

    def _groups(self, live: Sequence[Member]) -> list[Sequence[Member]]:
        """Who shares an envelope: four cards at most; a notice of one person is a piece by itself."""
        notices_alone = self._delivery.documents == ("notice",)
        most = MOST_CARDS if not notices_alone else len(live) if self._one_notice else 1
        return [live[at : at + most] for at in range(0, len(live), most)]

    @property
    def _one_notice(self) -> bool:
        """Whether a household gets one notice for all."""
        settings = self._profile.documents.notice
        return settings is not None and settings.per == "household"

    def _mounted(
        self, id_: str, at: int, of: int, kind: Kind, insured: Member, group: Sequence[Member]
    ) -> Iterator[Sheet]:
        """The mount of one envelope, and its cards unless they are printed on the mount."""
        raw_cards = [
            records.card_record(member.data, member.insured, match_code(id_, at, place))
            for place, member in enumerate(group, start=1)
        ]
        cards = [
            self._place("card", raw, (member,), _of_card(member, insured), place)
            for place, (member, raw) in enumerate(zip(group, raw_cards, strict=True), start=1)
        ]
        documents, people = self._profile.documents, [member.data for member in group]
        # An insurer without a mount for employers lets them hand on the one that shows the home.
        for_employer = kind == "employer" and documents.mount_employer is not None
        settings = documents.mount_employer if for_employer else documents.mount
        on_mount = settings is not None and settings.cards == "printed"
        raw = records.mount_record(id_, at, of, insured.data, people, printed=raw_cards if on_mount else ())
        if for_employer:
            raw = records.employer_mount_record(self._job, raw, insured.data, people)
        document = "mount-employer" if for_employer else "mount"
        raw = records.mailed(raw, self._delivery)
        yield from self._place(document, raw, group, _of_mount(for_employer, insured, group))
        if not on_mount:
            yield from chain.from_iterable(cards)

    def _notices(self, number: str, insured: Member, group: Sequence[Member]) -> Iterator[Sheet]:
        settings = self._profile.documents.notice
        for people in [group] if self._one_notice else [[member] for member in group]:
            raw = records.notice_record(
                number,
                insured.data,
                [member.data for member in people],
                [member.insured for member in people],
                last4=settings is not None and settings.individual_number,
            )
            raw = records.mailed(raw, self._delivery)
            yield from self._place("notice", raw, people, _of_notice(insured, people))

    # --- employers ---

    def _hold_against_employer(self, insured: Member) -> None:
        """Whether the employer can be written to: tried once for each with a letter of one envelope."""
        employer = insured.data.employer or {}
        known = str(employer)
        if known not in self._employers:
            stand_in = {"piece_id": "0", "insured": {"full_name": "0"}, "cards": 1}
            raw = records.letter_record(self._job, "0", employer, [stand_in])
            self._employers[known] = self._refused("employer-letter", records.mailed(raw, self._delivery))
        self._refusals += len(self._employers[known])
        for violation in self._employers[known]:
            _tell(insured, violation, _of_employer(violation.pointer or ""))

    def _list(self, id_: str, insured: Member, live: Sequence[Member]) -> None:
        """Whether the household can stand on its employer's list: it announces the mail, so it names who gets any."""
        for group in self._groups(live):
            tuple(self._mounted(id_, 1, 1, "home", insured, group))
        people = [records.recipient(member.data, member.insured) for member in live]
        raw = records.list_record("0", insured.data.employer or {}, people)
        for violation in self._refused("recipients-list", raw):
            self._refusals += 1
            member, pointer = _of_list(insured, live)(violation.pointer or "")
            _tell(member, violation, pointer)

    # --- placing ---

    def _place(
        self, document: str, raw: Mapping[str, Any], members: Sequence[Member], blame: _Blame, place: int = 0
    ) -> tuple[Sheet, ...]:
        """The document placed, or nothing, and its violations told."""
        try:
            items, sides = self._engine.place(document, self._job.insurer, raw, self._options)
        except RecordError as error:
            self._refusals += 1
            for violation in error.violations:
                member, pointer = blame(violation.pointer or "")
                _tell(member, violation, pointer)
            return ()
        return (Sheet(document, tuple(member.person for member in members), items, sides, place),)

    def _refused(self, document: str, raw: Mapping[str, Any]) -> tuple[Violation, ...]:
        try:
            self._engine.place(document, self._job.insurer, raw, self._options)
        except RecordError as error:
            return error.violations
        return ()


# --- contradictions ---


def _differing(
    rows: Sequence[Member], pointer: str, noun: str, value: Callable[[Extracted], str | bool | None]
) -> Iterator[Violation]:
    """Whether rows differ in a value, but for its width; None, and what cannot be read, differs from nothing."""
    said = {
        unicodedata.normalize("NFKC", found) if isinstance(found, str) else found
        for row in rows
        if not any(violation.pointer == pointer for violation in row.data.violations)
        and (found := value(row.data)) is not None
    }
    if len(said) > 1:
        yield _contradictory(rows, f"different {noun}", pointer)


def _contradictory(rows: Sequence[Member], what: str, pointer: str) -> Violation:
    numbers = ", ".join(str(row.row) for row in sorted(rows, key=lambda row: row.row))
    message = f"the household has {what} (rows {numbers})"
    return Violation("household_contradictory", message, "see who belongs to this household", pointer=pointer)


# --- whom a violation concerns ---


def _tell(member: Member, violation: Violation, pointer: str) -> None:
    """Once each: a name that does not fit stands on several documents, and what a row garbles is absent besides."""
    told = [known.code for known in member.violations if known.pointer == pointer]
    if violation.code not in told and not (told and violation.code == "missing_value"):
        member.violations.append(replace(violation, pointer=pointer))


def _hand_on(insured: Member, live: Sequence[Member]) -> None:
    """Tell those who need the row of an insured person who gets no mail what is wrong with it.

    Without a pointer: the column that is to be mended is that row's, and not theirs.
    """
    doubts = [violation for violation in insured.violations if violation.code in _DOUBTFUL]
    for violation in doubts or insured.violations:
        column, message, hint = in_columns(violation, insured.data)
        where = f"row {insured.row}, of the insured person" + (f", {column}" if column else "")
        handed_on = replace(violation, message=f"{where}: {message}", hint=hint, pointer=None)
        for member in live:
            member.violations.append(handed_on)


def _of_card(member: Member, insured: Member) -> _Blame:
    def blame(pointer: str) -> tuple[Member, str]:
        inside = _below(pointer, "/insured")
        # Without an insured person in the household the dependent's own row lacks it.
        lacks = inside is None or member.insured is None
        return (member, pointer) if lacks else (insured, f"/person{inside}")

    return blame


def _of_mount(for_employer: bool, insured: Member, group: Sequence[Member]) -> _Blame:
    def blame(pointer: str) -> tuple[Member, str]:
        for at, member in enumerate(group):
            inside = _below(pointer, f"/cards/{at}")
            if inside is not None:
                return member, inside.removeprefix("/card") or "/person"
        return insured, _of_employer(pointer) if for_employer else _of_home(pointer)

    return blame


def _of_notice(insured: Member, people: Sequence[Member]) -> _Blame:
    def blame(pointer: str) -> tuple[Member, str]:
        for at, member in enumerate(people):
            inside = _below(pointer, f"/people/{at}")
            if inside is not None:
                return _of_card(member, insured)(inside)
        return insured, _of_home(pointer)

    return blame


def _of_list(insured: Member, people: Sequence[Member]) -> _Blame:
    def blame(pointer: str) -> tuple[Member, str]:
        for at, member in enumerate(people):
            inside = _below(pointer, f"/recipients/{at}")
            if inside is not None:
                return _of_card(member, insured)(inside)
        return insured, pointer

    return blame


def _of_home(pointer: str) -> str:
    inside = _below(pointer, "/addressee")
    return pointer if inside is None else inside or "/address"


def _of_employer(pointer: str) -> str:
    inside = _below(pointer, "/addressee")
    if inside is None:
        return "/employer/symbol" if pointer == "/symbol" else pointer.replace("/insured", "/person", 1)
    if inside == "":  # an employer without a name is no addressee
        return "/employer/name"
    return f"/employer{inside.replace('/organisation', '/name', 1)}"


def _below(pointer: str, prefix: str) -> str | None:
    """The rest of a pointer below a prefix; None if it is elsewhere."""
    return pointer[len(prefix) :] if pointer == prefix or pointer.startswith(prefix + "/") else None
