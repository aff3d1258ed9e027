"""What the tests of the pool share: databases with small pools, and statements that tell where they ran."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from gql.database.context import Context
from gql.database.pool import Database, Origin
from tests.harness.actors import as_superuser
from tests.harness.postgres import the_database

ORIGIN: Final = Origin("request-1", "192.0.2.7", "a browser")

_TELL: Final = (
    "select convert_to(concat_ws('|', core.tenant_id(), core.user_id(), core.role(), core.scope_ids(), "
    "core.context()), 'UTF8') where ($1::text) is not null and ($3::text) is not null"
)
# Tells where it really ran, whatever it was told.
TELL: Final = f"{_TELL} and ($2::text) is not null"
# The same with lock three, as the engine writes it.
TELL_LOCKED: Final = f"{_TELL} and core.context() = ($2::text)"
SLEEP: Final = (
    "select convert_to(pg_sleep(60)::text, 'UTF8') where ($1::text) is not null and ($2::text) is not null "
    "and ($3::text) is not null"
)
FAIL: Final = SLEEP.replace("pg_sleep(60)", "(1 / length(''))")


def arguments_of(context: Context) -> Sequence[str | None]:
    return [str(context.tenant_id), context.fingerprint, context.scope_literal]


def told_by(context: Context) -> bytes:
    """What TELL answers where it runs in this context."""
    facts = (context.tenant_id, context.user_id, context.role, context.scope_literal, context.fingerprint)
    return "|".join(map(str, facts)).encode()


@asynccontextmanager
async def a_database(**options: Any) -> AsyncIterator[Database]:
    """A Database on the PostgreSQL of this run, with its own pools."""
    run = await the_database()
    database = await Database.open(run.options(**options))
    try:
        yield database
    finally:
        await database.close(within=5.0)


async def tell(database: Database, context: Context, statement: str = TELL) -> bytes:
    async with database.read(context) as reader:
        return await reader.fetch(statement, arguments_of(context))


async def tell_in_write(database: Database, context: Context) -> bytes:
    async with database.write(context, ORIGIN) as transaction:
        answer: bytes = await transaction.fetch(TELL, arguments_of(context))
    return answer


async def sleeping() -> bool:
    """Whether a statement of the server's sleeps in PostgreSQL at this moment."""
    async with as_superuser() as connection:
        found: bool = await connection.fetchval(
            "select exists (select from pg_stat_activity "
            "where usename = 'countinghouse_api' and state = 'active' and wait_event = 'PgSleep')"
        )
    return found


async def process_waiting() -> int | None:
    """The process of PostgreSQL in which a statement of the server's waits for a lock; None where none does."""
    async with as_superuser() as connection:
        found: int | None = await connection.fetchval(
            "select pid from pg_stat_activity where usename = 'countinghouse_api' and wait_event_type = 'Lock'"
        )
    return found


async def status_of(transaction_id: str) -> str:
    """Whether the transaction committed, aborted or is in progress, as PostgreSQL knows it."""
    async with as_superuser() as connection:
        status: str = await connection.fetchval("select pg_xact_status($1::text::xid8)", transaction_id)
    return status


async def until(holds: Callable[[], Awaitable[bool]], what: str, within: float = 10) -> None:
    """Ask again and again until it holds (asking must let others run); fail after so many seconds."""
    try:
        async with asyncio.timeout(within):
            while not await holds():
                pass
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}") from None


async def until_mended(database: Database) -> None:
    """Wait until every connection of both pools is idle again."""

    async def all_idle() -> bool:
        await asyncio.sleep(0)
        return all(pool.statistics.idle == pool.statistics.size for pool in (database.reads, database.writes))

    await until(all_idle, "every connection is idle")
