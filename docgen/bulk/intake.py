"""Intake: an extract, in whatever order, becomes the parts that shards are printed from.

DuckDB groups the rows into households and sorts them, on disk where memory does not suffice. What depends on several
rows is settled here (who stands there twice, who belongs together); what one row or household says is settled by the
shard. The same rows give the same parts, in whatever order they come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from docgen.bulk.job import Job, part_name
from docgen.bulk.policy import Policy
from docgen.bulk.sources import Source
from docgen.bulk.store import Store
from docgen.errors import RequestError, Violation
from docgen.issuance.extract import BulkSettings, Target
from docgen.issuance.profile import InsurerProfile

# Takes identities; gives those that another batch has issued, or is about to.
Claim = Callable[[Iterable[str]], Collection[str]]

_MOST_PEOPLE = 100  # of a household: as many as there are branches
_MOST_TOLD = 20  # keys of a list that are not in the extract
_BATCH = 8192  # rows


@dataclass(frozen=True, slots=True)
class Part:
    """The input of one shard: whole households, in the order in which they are printed."""

    number: int
    people: int
    households: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Intake:
    """What was taken in. `people` counts the rows of all parts: every row of the extract, or of the listed ones."""

    parts: tuple[Part, ...]
    people: int


def take_in(
    store: Store,
    source: Source,
    job: Job,
    profile: InsurerProfile,
    work: Path,
    *,
    listed: Collection[str] | None = None,
    withdrawn: Collection[str] = (),
    memory: str = "192MB",
) -> Intake:
    """Write the parts of a job into its store: `work/parts/NNNN.parquet`.

    A part has the extract's columns that are read, as texts (null where empty), and `_row` (the extract's), `_key` (the
    record's own), `_household` and `_person` (ordinals from 1, in print order), `_fault` (`duplicate_person`,
    `already_issued`, `malformed_row`, `household_missing`, `household_too_large`; or null), `_withdrawn` and `_identity`.
    `listed` takes only the households in, of which it names the number or a person's key; `withdrawn` names people by
    their keys. `claim` is told the identities of those who may be printed, some at a time, and gives back the ones that
    another batch has. `work` is a folder for what does not fit into `memory`, a size in DuckDB's words.

    Raises RequestError: `no_bulk_settings`, `unknown_delivery`, `columns_not_mapped`, `unknown_person`, and what
    reading the source raises.
    """
    policy = Policy.of(profile, job.delivery)
    _check_columns(source, policy.settings)
    table = _Extract(policy, profile, source)
    with _database(work, memory) as db:
        table.stage(db, source)
        table.group(db)
        _register_lists(db, listed, withdrawn)
        table.claim(db, claim, listed is not None)
        return _write_parts(store, table, table.sorted(db, listed is not None), policy.settings.people_per_file)


def _check_columns(source: Source, settings: BulkSettings) -> None:
    """Every column is read or ignored, and every one that is read is there, else the whole job is refused."""
    problems = []
    unknown = [header for header in source.columns if header not in settings.columns and header not in settings.ignored]
    if unknown:
        problems.append(f"neither read nor ignored: {', '.join(header or '(empty)' for header in unknown)}")
    missing = [header for header in _needed(settings) if header not in source.columns]
    if missing and not source.sparse:
        problems.append(f"not there: {', '.join(missing)}")
    if problems:
        message, hint = f"columns {'; '.join(problems)}", "the profile names them in bulk.columns and bulk.ignored"
        raise RequestError(Violation("columns_not_mapped", message, hint))


def _needed(settings: BulkSettings) -> tuple[str, ...]:
    """The headers that are read, and those that the key is made of besides."""
    return tuple(dict.fromkeys((*settings.columns, *settings.key_headers())))


# --- the database ---


def _database(work: Path, memory: str) -> duckdb.DuckDBPyConnection:
    """A database of its own in the folder, that spills there, reads no other file and loads no extension."""
    db = duckdb.connect(
        str(work / "intake.duckdb"),
        config={
            "allow_community_extensions": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": memory,
            "preserve_insertion_order": False,
            "python_enable_replacements": False,
            "temp_directory": str(work / "spill"),
            "threads": 2,
        },
    )
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def _register_lists(db: duckdb.DuckDBPyConnection, listed: Collection[str] | None, withdrawn: Collection[str]) -> None:
    """The lists as tables. Raises RequestError `unknown_person`: whoever is misspelt would be printed, or not."""
    for name, keys in (("listed", listed or ()), ("withdrawn", withdrawn)):
        db.register("keys", pa.table({"key": pa.array(sorted(set(keys)), pa.string())}))
        db.execute(f"CREATE TABLE {name} AS SELECT key FROM keys")
        also = "UNION SELECT household FROM extract WHERE household IS NOT NULL" if name == "listed" else ""
        absent = db.execute(f"SELECT key FROM {name} EXCEPT (SELECT key FROM extract {also}) ORDER BY key").fetchall()
        if absent:
            told = ", ".join(key for (key,) in absent[:_MOST_TOLD])
            message = f"{len(absent)} of the {name} are not in the extract: {told}"
            hint = "give the keys as the profile's bulk.key makes them"
            raise RequestError(Violation("unknown_person", message, hint))


class _Extract:
    """The statements, for one extract's columns. Inside the database the columns are c0, c1, ...: headers may hold
    anything, and differ in case alone."""

    def __init__(self, policy: Policy, profile: InsurerProfile, source: Source) -> None:
        self.columns = _needed(policy.settings)
        self._settings = policy.settings
        self._present = frozenset(source.columns)
        self._order = tuple(filter(None, (self._of(target) for target in policy.delivery.order)))
        dependent = [code for code, relationship in profile.relationships.items() if relationship.dependent]
        self._dependent = self._texts("relationship", dependent)

    def stage(self, db: duckdb.DuckDBPyConnection, source: Source) -> None:
        """All rows, with what grouping and sorting needs."""
        names = [f"c{at}" for at in range(len(self.columns))]
        schema = pa.schema([*((name, pa.string()) for name in names), ("_row", pa.int64()), ("_fault", pa.string())])
        reader = pa.RecordBatchReader.from_batches(schema, (self._renamed(batch, schema) for batch in source.batches()))
        db.register("batches", reader)
        db.execute(f"CREATE TABLE rows AS SELECT {_emptied(names)}, _row, _fault FROM batches")
        db.unregister("batches")
        household, number, branch = self._of("household"), self._of("number"), self._of("branch")
        digest = f"md5(concat_ws(chr(31), {', '.join(f'coalesce({name}, chr(30))' for name in names)}))"
        # An empty text stands for nobody's identity: such rows are no duplicates of each other.
        db.execute(f"""
            CREATE TABLE extract AS SELECT *, {household} AS household, {self._key()} AS key,
                {digest} AS digest,
                coalesce('h' || {household}, 'r' || digest || '-' || _row) AS family,
                {_rank(self._of("relationship"), self._dependent)} AS rank,
                {branch or "NULL"} AS branch, {self._of("person.born_on")} AS born,
                CASE WHEN {number} IS NULL OR _fault IS NOT NULL THEN NULL ELSE {self._identity()} END AS identity
            FROM rows""")
        db.execute("DROP TABLE rows")

    def group(self, db: duckdb.DuckDBPyConnection) -> None:
        """The households, each with the values of its first member that it is sorted by; and who is there twice."""
        keys = ", ".join(f"k{at} := {name}" for at, name in enumerate(self._order)) or "k := 0"
        db.execute(f"""
            CREATE TABLE families AS
            SELECT family, count(*) AS size, arg_min(struct_pack({keys}), {_FIRST}) AS place
            FROM extract GROUP BY family""")
        db.execute("""
            CREATE TABLE twice AS SELECT identity FROM extract WHERE identity IS NOT NULL
            GROUP BY identity HAVING count(*) > 1""")

    def claim(self, db: duckdb.DuckDBPyConnection, claim: Claim | None, listed_only: bool) -> None:
        """Who is another batch's, of those who may be printed, each once."""
        db.execute("CREATE TABLE issued (identity VARCHAR)")
        if claim is None:
            return
        wanted = db.cursor().execute(f"""
            SELECT DISTINCT identity FROM extract
            WHERE identity IS NOT NULL AND identity NOT IN (SELECT identity FROM twice)
                AND key NOT IN (SELECT key FROM withdrawn) {f"AND {_LISTED}" if listed_only else ""}
            ORDER BY identity""")
        while some := [identity for (identity,) in wanted.fetchmany(_BATCH)]:
            taken = pa.table({"identity": pa.array(sorted(claim(some)), pa.string())})
            db.register("taken", taken)
            db.execute("INSERT INTO issued SELECT identity FROM taken")
            db.unregister("taken")

    def sorted(self, db: duckdb.DuckDBPyConnection, listed_only: bool) -> pa.RecordBatchReader:
        """The rows in print order: columns, `_row`, key, fault, withdrawn, family (the same for one household)."""
        places = "".join(f"f.place.k{at} NULLS LAST, " for at in range(len(self._order)))
        # Too many for a household: each stands alone, since nobody knows who belongs together.
        family = f"CASE WHEN f.size > {_MOST_PEOPLE} THEN 'r' || e.digest || '-' || e._row ELSE e.family END"
        return db.sql(f"""
            SELECT {", ".join(f"e.c{at}" for at in range(len(self.columns)))}, e._row, e.key,
                CASE WHEN e._fault IS NOT NULL THEN e._fault WHEN e.household IS NULL THEN 'household_missing'
                     WHEN f.size > {_MOST_PEOPLE} THEN 'household_too_large'
                     WHEN t.identity IS NOT NULL THEN 'duplicate_person'
                     WHEN i.identity IS NOT NULL THEN 'already_issued' END AS fault,
                e.key IN (SELECT key FROM withdrawn) AS withdrawn, e.identity, {family} AS family
            FROM extract e JOIN families f USING (family) LEFT JOIN twice t ON e.identity = t.identity
            LEFT JOIN issued i ON e.identity = i.identity
            {f"WHERE e.{_LISTED}" if listed_only else ""}
            ORDER BY {places} {family}, e.rank, e.branch NULLS LAST, e.born NULLS LAST, e.digest, e._row
            """).to_arrow_reader(_BATCH)

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

    def _identity(self) -> str:
        """Symbol, number and branch within the insurer; without a branch also birth date and name."""
        names: tuple[Target, ...] = ("person.family", "person.given", "person.full_name")
        alone = [self._of("person.born_on"), *map(self._of, names)]
        branch = self._of("branch")
        last = _joined(alone) if branch is None else f"coalesce({branch}, chr(29) || {_joined(alone)})"
        return _joined([self._of("symbol"), self._of("number"), last])

    def _renamed(self, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        """The columns that are needed; one that a sparse source does not have is empty."""
        absent = pa.nulls(batch.num_rows, pa.string())
        columns = [batch.column(name) if name in self._present else absent for name in self.columns]
        return pa.RecordBatch.from_arrays([*columns, batch.column("_row"), batch.column("_fault")], schema=schema)


_LISTED = """family IN (SELECT family FROM extract
    WHERE key IN (SELECT key FROM listed) OR household IN (SELECT key FROM listed))"""

# The order of a household's members as one value: texts compare as their bytes do.
_FIRST = (
    "struct_pack(a := rank, b := coalesce(branch, chr(65535)), c := coalesce(born, chr(65535)), d := digest, e := _row)"
)


def _emptied(names: Sequence[str]) -> str:
    return ", ".join(f"nullif({name}, '') AS {name}" for name in names)


def _rank(relationship: str | None, dependent: Sequence[str]) -> str:
    """0 for insured people, 1 for dependents."""
    return f"CASE WHEN {relationship} IN ({', '.join(map(_quoted, dependent))}) THEN 1 ELSE 0 END" if dependent else "0"


def _joined(columns: Sequence[str | None]) -> str:
    return f"concat_ws(chr(31), {', '.join(f'coalesce({name}, chr(30))' for name in columns if name)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- the parts ---


def _write_parts(store: Store, table: _Extract, rows: pa.RecordBatchReader, people_per_file: int) -> Intake:
    """Cut the rows behind whole households. Deterministic: the bytes depend on the rows and pyarrow's version alone."""
    schema = pa.schema([
        *((header, pa.string()) for header in table.columns),
        ("_row", pa.int64()),
        ("_key", pa.string()),
        ("_fault", pa.string()),
        ("_withdrawn", pa.bool_()),
        ("_identity", pa.string()),
        ("_household", pa.int64()),
        ("_person", pa.int64()),
    ])  # fmt: skip
    parts: list[Part] = []
    people = 0
    for part in _cut(_numbered(rows, schema), people_per_file):
        content = _parquet(part)
        households = part.column("_household")
        parts.append(
            Part(
                number=len(parts) + 1,
                people=part.num_rows,
                households=households[-1].as_py() - households[0].as_py() + 1,
                sha256=hashlib.sha256(content).hexdigest(),
            )
        )
        store.put(part_name(parts[-1].number), content)
        people += part.num_rows
    return Intake(tuple(parts), people)


def _numbered(rows: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows with their ordinals."""
    household, person, last = 0, 0, None
    for batch in rows:
        ordinals = []
        for family in batch.column("family").to_pylist():
            household += family != last
            last = family
            ordinals.append(household)
        people = pa.array(range(person + 1, person + 1 + batch.num_rows), pa.int64())
        person += batch.num_rows
        columns = [*batch.columns[:-1], pa.array(ordinals, pa.int64()), people]
        arrays = [column.cast(field.type) for column, field in zip(columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cut(batches: Iterator[pa.RecordBatch], people_per_file: int) -> Iterator[pa.Table]:
    """Tables of whole households, each with as many people as asked for, and the rest of its last household."""
    held: list[pa.RecordBatch] = []
    size = 0
    last = None
    for batch in batches:
        start = 0
        for at, household in enumerate(batch.column("_household").to_pylist()):
            if size >= people_per_file and household != last:
                held.append(batch.slice(start, at - start))
                yield pa.Table.from_batches(held)
                held, size, start = [], 0, at
            size += 1
            last = household
        held.append(batch.slice(start))
    if size:
        yield pa.Table.from_batches(held)


def _parquet(part: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(part.combine_chunks(), sink, compression="zstd", write_statistics=False, store_schema=False)
    return bytes(sink.getvalue())
