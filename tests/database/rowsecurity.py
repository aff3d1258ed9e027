"""What the checklist of row security shares: the tables, and rows to be written."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import uuid4

import asyncpg

from tests.database.isolation import OURS, Filled
from tests.harness.actors import as_superuser

TABLES: Final = f"""
    select format('%I.%I', nspname, relname) as name,
        array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
            and attgenerated = '' order by attnum) as written,
        array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
            and has_column_privilege(c.oid, attnum, 'select') order by attnum) as readable,
        array(select attname::text from pg_index i join pg_attribute on attrelid = indrelid and attnum = any (indkey)
            where indrelid = c.oid and indisprimary) as key
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where {OURS} and relkind in ('r', 'p') and not relispartition
        and exists (select from pg_attribute where attrelid = c.oid and attname = 'tenant_id') order by 1
"""
REFERENCES: Final = f"""
    select format('%I.%I', n.nspname, c.relname) as name,
        (confrelid::regclass)::text as referred,
        (select attname::text from pg_attribute where attrelid = conrelid and attnum = conkey[2]) as by
    from pg_constraint join pg_class c on c.oid = conrelid join pg_namespace n on n.oid = c.relnamespace
    where {OURS} and contype = 'f' and array_length(conkey, 1) > 1 and conparentid = 0 order by 1, 3
"""
"""Foreign keys of (tenant_id, something, perhaps more)."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of organisations, as one actor may use it."""

    name: str
    written: tuple[str, ...]
    readable: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def can_be_asked(self) -> bool:
        return "tenant_id" in self.readable

    def insert(self, more: str = "") -> str:
        """Inserts the row that $1 is as JSON."""
        columns = ", ".join(self.written)
        return f"insert into {self.name} ({columns}) select {columns} from {self.given} {more}"

    @property
    def given(self) -> str:
        return f"jsonb_populate_record(null::{self.name}, $1::jsonb)"


async def tables_for(connection: asyncpg.Connection) -> list[Table]:
    """All tables of organisations."""
    return [
        Table(each["name"], tuple(each["written"]), tuple(each["readable"]), tuple(each["key"]))
        for each in await connection.fetch(TABLES)
    ]


def of_all(tables: Iterable[Table], shape: str, **values: str) -> str:
    """One statement that asks in this shape about each table: its name and a number. {table} is its name, {named} its
    columns that may be read."""
    asked = [
        f"select '{each.name}' as name, ("
        + shape.format(table=each.name, named=f"(select {', '.join(each.readable)} from {each.name})", **values)
        + ") as number"
        for each in tables
    ]
    return f"select name from ({' union all '.join(asked)}) every where number > 0"


class Outcome(NamedTuple):
    """What became of a statement: its status (`INSERT 0 1`) or the code of its refusal, the words of that, and whatever
    it shows of a row."""

    code: str
    words: str = ""
    detail: str = ""


async def outcome(connection: asyncpg.Connection, statement: str, *arguments: Any) -> Outcome:
    """What becomes of the statement and, with it, of what is checked at the end. It is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        status = await connection.execute(statement, *arguments)
        await connection.execute("set constraints all immediate")
        return Outcome(status)
    except asyncpg.PostgresError as refusal:
        return Outcome(refusal.sqlstate or "", refusal.args[0], refusal.detail or "")
    finally:
        await transaction.rollback()


def a_copy(row: Mapping[str, Any], **changed: Any) -> str:
    """The row with some values changed, as JSON, under an id of its own."""
    new = {"id": str(uuid4())} if "id" in row else {}
    return json.dumps({**row, **new, **changed})


@asynccontextmanager
async def scene(statements: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection on which these were run, and everything will be taken back."""
    async with as_superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(statements)
            yield connection
        finally:
            await transaction.rollback()


def first_rows(filled: Filled, tables: Iterable[Table]) -> dict[str, dict[str, Any]]:
    """A row of each table."""
    return {each.name: filled.rows[each.name][0] for each in tables}
