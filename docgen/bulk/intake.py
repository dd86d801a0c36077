"""Intake: an extract, in whatever order, becomes the parts that shards are printed from.

DuckDB groups the rows into households, on disk where memory does not suffice; `docgen.bulk.parts` sorts them. What
depends on several rows is settled here (who stands there twice, who belongs together); what one row or household says
is settled by the shard. The same rows give the same parts, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from docgen.bulk.job import Job
from docgen.bulk.parts import Part, bundle, by_print_order, number, write_parts
from docgen.bulk.policy import Policy
from docgen.bulk.sources import Source, check_columns, needed_columns
from docgen.bulk.store import Store
from docgen.errors import RequestError, Violation
from docgen.issuance.extract import TARGETS, Target
from docgen.issuance.profile import InsurerProfile

# Takes identities; gives those that are not to be printed, for what another batch has done of them, with the fault.
Claim = Callable[[Iterable[str]], Mapping[str, str]]

_MOST_PEOPLE = 100  # of a household: as many as there are branches
_MOST_TOLD = 20  # keys of a list that are not in the extract
_MOST_ROWS = 10  # of one person, that each of them names
_BATCH = 2048  # rows
_ONE_IN = 400  # rows of an extract that are looked at to see how their keys spread
_MEMORY_MB, _MORE_MB = 32, 4  # of the database, and more of it for each million rows
_TIMES = (1, 4, 16)  # as much, where that does not do


@dataclass(frozen=True, slots=True)
class Intake:
    """What was taken in: every row of the extract, or of those who are listed, with their households."""

    parts: tuple[Part, ...]

    @property
    def people(self) -> int:
        """Those who are to be accounted for: the rows of all parts, but for those that are there for others."""
        return sum(part.people for part in self.parts)


def take_in(
    store: Store,
    source: Source,
    job: Job,
    profile: InsurerProfile,
    work: Path,
    *,
    listed: Collection[str] | None = None,
    withdrawn: Collection[str] = (),
    claim: Claim | None = None,
    expect: int | None = None,
) -> Intake:
    """Write the parts of a job into its store: `work/parts/NNNN.parquet`.

    A part has the extract's columns that are read, as texts (null where empty), and `_row` (the extract's), `_key` (the
    record's own; null where the row is there for others of its household), `_household` and `_person` (ordinals from 1,
    in print order), `_fault` (`duplicate_person: ROWS`, `duplicate_person differing: ROWS`, `malformed_row N M`,
    `outer_space`, `household_missing`, `household_too_large`, what `claim` says; or null), `_withdrawn`, `_identity`
    (`WHO/BORN/NAME`, all hashes: who it is, and birth date and name as the row has them). `listed` takes only those in
    whose keys it names, and everybody of the households that it names; with a person come the others of the household,
    since mail needs the insured person's name and address, but they are nobody of the batch. `withdrawn` names people
    by their keys. `claim` is told the identities of those who may be printed, some at a time, and gives back who is not
    to be, and why. `expect` is how many rows the extract has to have. `work` is a folder for what does not fit into
    memory.

    Raises RequestError: `rows_differ`, `no_bulk_settings`, `unknown_delivery`, `columns_not_mapped`,
    `unknown_person`, `input_changed`, and what reading the source raises.
    """
    policy = Policy.of(profile, job.delivery)
    check_columns(source, policy.settings)
    table = _Extract(policy, profile, source)

    def in_print_order(times: int) -> list[Path]:
        with TemporaryDirectory(dir=work) as folder, _database(Path(folder), times) as db:
            table.stage(db, source)
            _settle(db, times)
            _require_rows(db, expect)
            table.group(db)
            _register_lists(db, listed, withdrawn)
            table.claim(db, claim, listed is not None)
            table.place(db, listed is not None)
            sample = table.sample(db)
            return by_print_order(table.placed(db), sample, _ONE_IN, work)

    piles = _with_enough_memory(in_print_order)
    pa.default_memory_pool().release_unused()  # what the database has let go of, too
    numbers = number(piles, policy.settings.people_per_file, work)
    parts = write_parts(store, bundle(table.batches(source), numbers, work))
    source.require_unchanged()  # its rows were read twice, and joined by their places
    return Intake(parts)


def _with_enough_memory(ask: Callable[[int], list[Path]]) -> list[Path]:
    """Ask with the usual memory of the database, and anew with several times as much where that does not do: for long
    keys, long lists, or very many people without a household."""
    for times in _TIMES[:-1]:
        with suppress(duckdb.OutOfMemoryException):
            return ask(times)
    return ask(_TIMES[-1])


# --- the database ---


def _database(work: Path, times: int = 1) -> duckdb.DuckDBPyConnection:
    """A database of its own in the folder, that spills there, reads no other file and loads no extension.

    One thread and small row groups: each thread holds row groups of all columns, outside of the limit too.
    """
    db = duckdb.connect(
        ":memory:",
        config={
            "allow_community_extensions": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": f"{_MEMORY_MB * times}MB",
            "preserve_insertion_order": False,
            "python_enable_replacements": False,
            "temp_directory": str(work / "spill"),
            "threads": 1,
        },
    )
    db.execute(f"ATTACH {_quoted(str(work / 'intake.duckdb'))} AS disk (ROW_GROUP_SIZE 8192)")
    db.execute("USE disk")
    db.execute("SET enable_progress_bar = false")  # it would write to the standard output
    db.execute("SET enable_external_access = false")
    return db


def _settle(db: duckdb.DuckDBPyConnection, times: int) -> None:
    """Give the database the memory that grouping and joining so many rows on disk takes: a million pass with 28 MB."""
    (rows,) = db.execute("SELECT count(*) FROM extract").fetchall()[0]
    db.execute(f"SET memory_limit = '{(_MEMORY_MB + rows * _MORE_MB // 1_000_000) * times}MB'")
    db.execute("SET lock_configuration = true")


def _require_rows(db: duckdb.DuckDBPyConnection, expect: int | None) -> None:
    (rows,) = db.execute("SELECT count(*) FROM extract").fetchall()[0]
    if expect not in (None, rows):
        hint = "see whether the extract is whole, and the right one"
        raise RequestError(Violation("rows_differ", f"the extract has {rows} rows instead of {expect}", hint))


def _register_lists(db: duckdb.DuckDBPyConnection, listed: Collection[str] | None, withdrawn: Collection[str]) -> None:
    """The lists as tables. Raises RequestError `unknown_person`: whoever is misspelt would be printed, or not."""
    for name, keys in (("listed", listed or ()), ("withdrawn", withdrawn)):
        texts = pa.array(sorted(set(keys)), pa.string())
        db.register("keys", pa.table({"key": texts, "household": _trimmed(_folded(texts))}))
        db.execute(f"CREATE TABLE {name} AS SELECT key, household FROM keys")
        strange = f"key IN (SELECT key FROM {name} EXCEPT SELECT key FROM extract)"
        if name == "listed":
            strange += " AND household IN (SELECT household FROM listed EXCEPT SELECT household FROM extract)"
        absent = db.execute(f"SELECT key FROM {name} WHERE {strange} ORDER BY key").fetchall()
        if absent:
            told = ", ".join(key for (key,) in absent[:_MOST_TOLD])
            message = f"{len(absent)} of the {name} are not in the extract: {told}"
            hint = "give the keys as the profile's bulk.key makes them, with the spaces that they may have"
            raise RequestError(Violation("unknown_person", message, hint))


class _Extract:
    """The statements, for one extract's columns.

    The database has what households and their order are made of, and the place of each row in the source; the rows
    themselves stay outside. Its columns are c0, c1, ...: headers may hold anything, and differ in case alone.
    """

    def __init__(self, policy: Policy, profile: InsurerProfile, source: Source) -> None:
        self.columns = needed_columns(policy.settings)
        self._settings = policy.settings
        self._present = frozenset(source.columns)
        self._order = tuple(filter(None, (self._of(target) for target in policy.delivery.order)))
        if policy.delivery.to != "home":  # the number comes first: another employer may have the same by mistake
            employer = [self._of(target) for target in TARGETS if target.startswith("employer.")]
            self._order = (self._order[0], f"md5_number({_joined(employer)})", *self._order[1:])
        dependent = [code for code, relationship in profile.relationships.items() if relationship.dependent]
        self._dependent = self._texts("relationship", dependent)

    def batches(self, source: Source) -> Iterator[pa.RecordBatch]:
        """The rows in the source's order: the columns that are read, `_row` and `_fault`."""
        schema = pa.schema([*((name, pa.string()) for name in self.columns), *_OF_ROW])
        for batch in source.batches():
            absent = pa.nulls(batch.num_rows, pa.string())
            columns = [_emptied(batch.column(name)) if name in self._present else absent for name in self.columns]
            yield pa.RecordBatch.from_arrays([*columns, batch.column("_row"), batch.column("_fault")], schema=schema)

    def stage(self, db: duckdb.DuckDBPyConnection, source: Source) -> None:
        """What grouping and sorting needs of all rows; `place` counts them from 0, in the source's order."""
        names = [f"c{at}" for at in range(len(self.columns))]
        schema = pa.schema([*((name, pa.string()) for name in names), *_OF_ROW, *_STAGED])
        batches = _Fed(self._staged(source, schema))
        db.register("batches", pa.RecordBatchReader.from_batches(schema, batches))
        number, branch = self._of("number"), self._of("branch")
        order = "".join(f", {name} AS k{at}" for at, name in enumerate(self._order))
        # A row without a number is nobody's double.
        with batches.faults():
            db.execute(f"""
                CREATE TABLE extract AS SELECT *, coalesce('h' || household, 'r' || digest || '-' || place) AS family
                FROM (SELECT place, _row, _fault, household, {self._key()} AS key,
                    md5_number({_joined(names)}) AS digest,
                    {_rank(self._of("relationship"), self._dependent)} AS rank,
                    coalesce({branch or "NULL"}, chr(65535)) AS branch,
                    coalesce({self._of("person.born_on")}, chr(65535)) AS born,
                    CASE WHEN {number} IS NULL OR _fault IS NOT NULL THEN NULL
                        ELSE md5(who) || '/' || left(md5(day), 8) || '/' || left(md5(name), 8) END AS identity
                    {order}
                    FROM batches)""")
        db.unregister("batches")

    def group(self, db: duckdb.DuckDBPyConnection) -> None:
        """The households, each with the values of its first member that it is sorted by; and who is there twice."""
        keys = ", ".join(f"k{at} := k{at}" for at in range(len(self._order))) or "k := 0"
        db.execute(f"""
            CREATE TABLE families AS
            SELECT family, count(*) AS size, arg_min(struct_pack({keys}), {_FIRST}) AS sorted_by
            FROM extract GROUP BY family""")
        # By itself: to compare the rows of everybody would need the memory for that.
        db.execute(f"""
            CREATE TABLE again AS SELECT {_WHO} AS who FROM extract WHERE identity IS NOT NULL
            GROUP BY who HAVING count(*) > 1""")
        db.execute(f"""
            CREATE TABLE twice AS
            SELECT {_WHO} AS who, min(identity) < max(identity) AS differing,
                array_to_string(min(_row, {_MOST_ROWS}), ', ')
                    || CASE WHEN count(*) > {_MOST_ROWS} THEN ' and more' ELSE '' END AS rows
            FROM extract WHERE {_WHO} IN (SELECT who FROM again) GROUP BY who""")

    def claim(self, db: duckdb.DuckDBPyConnection, claim: Claim | None, listed_only: bool) -> None:
        """Who is another batch's, of those who may be printed, each once."""
        db.execute("CREATE TABLE issued (identity VARCHAR, fault VARCHAR)")
        if claim is None:
            return
        # Nobody in it is there twice, so DISTINCT, which would need the memory for all of them, says nothing more.
        other = db.cursor()  # since rows are inserted while these are fetched
        other.execute("USE disk")
        wanted = other.execute(f"""
            SELECT identity FROM extract
            WHERE identity IS NOT NULL AND {_WHO} NOT IN (SELECT who FROM twice)
                AND key NOT IN (SELECT key FROM withdrawn) {f"AND {_ASKED}" if listed_only else ""}
            ORDER BY identity""")
        while some := [identity for (identity,) in wanted.fetchmany(_BATCH)]:
            taken = claim(some)
            columns = {"identity": list(taken), "fault": list(taken.values())}
            db.register("taken", pa.table(columns, pa.schema([(name, pa.string()) for name in columns])))
            db.execute("INSERT INTO issued SELECT identity, fault FROM taken")
            db.unregister("taken")

    def place(self, db: duckdb.DuckDBPyConnection, listed_only: bool) -> None:
        """The rows that are taken in, each with its household's place, its fault, and whether it is withdrawn."""
        keys = [*(f"f.sorted_by.k{at}" for at in range(len(self._order))), "home", *_MEMBERS]
        in_order = ", ".join(f"{key}, 'ASC NULLS LAST'" for key in keys)
        # Too many for a household: each stands alone, since nobody knows who belongs together.
        db.execute(f"""
            CREATE TABLE placed AS
            SELECT e.place, {f"CASE WHEN {_ASKED} THEN e.key END" if listed_only else "e.key"} AS key, e.identity,
                CASE WHEN e._fault IS NOT NULL THEN e._fault WHEN e.household IS NULL THEN 'household_missing'
                     WHEN f.size > {_MOST_PEOPLE} THEN 'household_too_large'
                     WHEN t.differing THEN 'duplicate_person differing: ' || t.rows
                     WHEN t.who IS NOT NULL THEN 'duplicate_person: ' || t.rows ELSE i.fault END AS fault,
                e.key IN (SELECT key FROM withdrawn) AS withdrawn,
                CASE WHEN f.size > {_MOST_PEOPLE} THEN 'r' || e.digest || '-' || e.place ELSE e.family END AS home,
                create_sort_key({in_order}) AS sort_key
            FROM extract e JOIN families f USING (family) LEFT JOIN twice t ON left(e.identity, 32) = t.who
            LEFT JOIN issued i ON e.identity = i.identity
            {f"WHERE {_ASKED} OR e.{_WITH_ASKED} AND f.size <= {_MOST_PEOPLE}" if listed_only else ""}""")

    def placed(self, db: duckdb.DuckDBPyConnection) -> pa.RecordBatchReader:
        """Those rows in any order: `sort_key`, by which they are printed, and `family`, the same for one household.

        They are sorted elsewhere: the database would need the more memory, the more there are.
        """
        return db.sql("""
            SELECT place, key AS _key, fault AS _fault, withdrawn AS _withdrawn, identity AS _identity, home AS family,
                sort_key
            FROM placed""").to_arrow_reader(_BATCH)

    def sample(self, db: duckdb.DuckDBPyConnection) -> list[bytes]:
        """The keys of about one row in so many, sorted."""
        keys = db.execute(f"SELECT sort_key FROM placed WHERE hash(place) % {_ONE_IN} = 0 ORDER BY sort_key").fetchall()
        return [key for (key,) in keys]

    def _of(self, target: Target) -> str | None:
        """The column that holds a value, by its name in the database."""
        header = self._settings.header(target)
        return None if header is None else f"c{self.columns.index(header)}"

    def _texts(self, target: Target, codes: Collection[str]) -> list[str]:
        """The texts of a column that stand for some of the profile's codes."""
        header = self._settings.header(target)
        values = None if header is None else self._settings.columns[header].values
        return list(codes) if values is None else [text for text, code in values.items() if code in codes]

    def _key(self) -> str:
        parts = self._settings.key_parts()
        cells = [f"c{self.columns.index(part)}" if at % 2 else _quoted(part) for at, part in enumerate(parts)]
        return f"concat({', '.join(cells)})"

    def _staged(self, source: Source, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows with what `_STAGED` has."""
        start = 0
        for batch in self.batches(source):
            places = pa.array(range(start, start + batch.num_rows), pa.int64())
            name, day, (household, fault) = self._name(batch), self._day(batch), self._household(batch)
            columns = [*batch.columns[:-1], fault, places, household, self._who(batch, name, day), name, day]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
            start += batch.num_rows

    def _household(self, batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        """The household, however it is written, and the faults of the rows: a space around it is one of them."""
        folded = _folded(self._cells(batch, "household"))
        household = _emptied(_trimmed(folded))
        spaced = pc.if_else(pc.not_equal(household, folded), "outer_space", pa.scalar(None, pa.string()))
        return household, pc.coalesce(batch.column("_fault"), spaced)

    def _who(self, batch: pa.RecordBatch, name: pa.Array, day: pa.Array) -> pa.Array:
        """Symbol, number and branch; without a branch also birth date and name. Each however it is written.

        One system has them in full width and another in half; one splits a name, or knows the shape of a character.
        """
        branch = self._cells(batch, "branch")
        last = pa.nulls(batch.num_rows, pa.string()) if branch is None else _folded(branch)
        if last.null_count:
            last = pc.coalesce(last, _together("\x1d", day, name))
        return _together(*map(_folded, self._known(batch, ("symbol", "number"))), last)

    def _name(self, batch: pa.RecordBatch) -> pa.Array:
        """The name, however it is written and split."""
        names: tuple[Target, ...] = ("person.family", "person.given", "person.full_name")
        name = pc.binary_join_element_wise(*self._known(batch, names), "", null_handling="replace")
        return pc.replace_substring_regex(_folded(name), _NOT_OF_A_NAME, "")

    def _day(self, batch: pa.RecordBatch) -> pa.Array:
        """The birth date, in whichever form; empty if there is none."""
        day = pc.replace_substring_regex(self._cells(batch, "person.born_on"), r"[-/]", "")
        return pc.coalesce(day, "")

    def _known(self, batch: pa.RecordBatch, targets: Iterable[Target]) -> list[pa.Array]:
        return [cells for target in targets if (cells := self._cells(batch, target)) is not None]

    def _cells(self, batch: pa.RecordBatch, target: Target) -> pa.Array | None:
        header = self._settings.header(target)
        return None if header is None else batch.column(self.columns.index(header))


_ASKED = "(key IN (SELECT key FROM listed) OR household IN (SELECT household FROM listed))"
_WITH_ASKED = f"family IN (SELECT family FROM extract WHERE {_ASKED})"
_OF_ROW = [("_row", pa.int64()), ("_fault", pa.string())]
_STAGED = [
    ("place", pa.int64()),
    ("household", pa.string()),
    ("who", pa.string()),
    ("name", pa.string()),
    ("day", pa.string()),
]
_WHO = "left(identity, 32)"
_MEMBERS = ("rank", "branch", "born", "digest", "place")  # what a household's members are sorted by
_FIRST = f"struct_pack({', '.join(f'{name} := {name}' for name in _MEMBERS)})"


def _emptied(column: pa.Array) -> pa.Array:
    """An empty cell is an absent value."""
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


class _Fed:
    """Batches for the database to read, which tells its own error and not theirs."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._fault: Exception | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except Exception as fault:
            self._fault = fault
            raise

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Raise what the batches raised, if that ends the block."""
        try:
            yield
        except duckdb.Error:
            if self._fault is not None:
                raise self._fault from None
            raise


_HYPHENS = "[\u2010-\u2015\u2212\u30fc]"  # beside those that NFKC makes one of
_NOT_OF_A_NAME = r"[\s\p{Z}\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]"  # spaces, and selectors of a character's shape


def _folded(column: pa.Array) -> pa.Array:
    """The same in half width, and with one hyphen for all."""
    if pc.all(pc.string_is_ascii(column)).as_py() in (True, None):
        return column
    return pc.replace_substring_regex(pc.utf8_normalize(column, "NFKC"), _HYPHENS, "-")


def _trimmed(column: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(column)


def _together(*columns: pa.Array | str) -> pa.Array:
    """Neighbouring cells are not taken for one, nor an absent one for an empty one."""
    return pc.binary_join_element_wise(*columns, "\x1f", null_handling="replace", null_replacement="\x1e")


def _rank(relationship: str | None, dependent: Sequence[str]) -> str:
    """0 for insured people, 1 for dependents."""
    return f"CASE WHEN {relationship} IN ({', '.join(map(_quoted, dependent))}) THEN 1 ELSE 0 END" if dependent else "0"


def _joined(columns: Sequence[str | None]) -> str:
    return f"concat_ws(chr(31), {', '.join(f'coalesce({name}, chr(30))' for name in columns if name)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
