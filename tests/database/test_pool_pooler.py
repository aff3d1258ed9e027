"""Transaction mode, for PgBouncer and its like: nothing stays on a connection between two transactions."""

import asyncio
from contextlib import suppress
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from gql.database.context import Context
from gql.database.pool import Database, Door, PoolMode
from gql.errors import ApiError, Code
from tests.database.pooling import (
    FAIL,
    ORIGIN,
    SLEEP,
    TELL,
    TELL_LOCKED,
    a_database,
    arguments_of,
    sleeping,
    tell,
    tell_in_write,
    told_by,
    until,
    until_mended,
)
from tests.harness.actors import context_of
from tests.harness.postgres import the_database
from tests.harness.tenants import Tenant

MODE = {"mode": PoolMode.TRANSACTION}


async def left_on(connection: asyncpg.Connection) -> dict[str, object]:
    """Everything that a session can be told to remember and that we touch, and its prepared statements. It is asked
    past what makes each statement of ours a transaction with settings."""
    fetchval = partial(asyncpg.Connection.fetchval, connection)
    names = ("role", "app.context", "app.user_id", "app.request_id", "search_path", "jit", "statement_timeout")
    left: dict[str, object] = {
        name: await fetchval("select nullif(current_setting($1, true), '')", name) for name in names
    }
    left["prepared"] = await fetchval("select count(*) from pg_prepared_statements where name <> ''")
    return left


async def what_a_new_connection_has() -> dict[str, object]:
    connection = await asyncpg.connect((await the_database()).api_url, statement_cache_size=0)
    try:
        return await left_on(connection)
    finally:
        await connection.close()


async def test_reads_and_writes_of_anyone_on_one_connection_leave_nothing(tenant: Tenant, other_tenant: Tenant) -> None:
    contexts = [context_of(tenant), context_of(other_tenant), context_of(tenant, "member", [UUID(int=5)])]
    untouched = await what_a_new_connection_has()
    async with a_database(**MODE, read_connections=1, write_connections=1) as database:
        for context in contexts * 2:
            assert await tell(database, context, TELL_LOCKED) == told_by(context)
            assert await tell_in_write(database, context) == told_by(context)
        for pool in (database.reads, database.writes):
            [connection] = pool.connections
            assert await left_on(connection.raw) == untouched
            assert pool.statistics.opened == 1


async def test_both_doors_are_the_direct_one_because_no_statement_stays_prepared(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(**MODE) as database:
        for door in Door:
            database.door = door
            assert await tell(database, context) == told_by(context)
        assert (database.reads.statistics.direct, database.reads.statistics.read) == (3, 0)


async def test_reads_are_read_only_and_keep_the_settings_of_a_session(tenant: Tenant) -> None:
    context = context_of(tenant)
    shown = "concat_ws(',', " + ", ".join(
        f"current_setting('{name}')" for name in ("transaction_read_only", "jit", "search_path", "statement_timeout")
    )
    statement = f"select convert_to({shown}), 'UTF8') where ($1 || $2 || $3)::text is not null"
    async with a_database(**MODE, statement_timeout_ms=4321) as database:
        assert await tell(database, context, statement) == b"on,off,pg_catalog, pg_temp,4321ms"


async def test_a_failed_or_cancelled_read_leaves_nothing(tenant: Tenant, other_tenant: Tenant) -> None:
    context, other = context_of(tenant), context_of(other_tenant)
    untouched = await what_a_new_connection_has()
    async with a_database(**MODE, read_connections=1) as database:
        with pytest.raises(ApiError):
            await tell(database, context, FAIL)
        assert await tell(database, other) == told_by(other)
        task = asyncio.create_task(tell(database, context, SLEEP))
        await until(sleeping, "the statement runs")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await tell(database, other) == told_by(other)
        assert not await sleeping()
        [connection] = database.reads.connections
        assert await left_on(connection.raw) == untouched
        assert database.reads.statistics.opened == 1


async def test_after_a_failure_the_same_reader_can_read_again(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(**MODE) as database, database.read(context) as reader:
        with pytest.raises(ApiError):
            await reader.fetch(FAIL, arguments_of(context))
        assert await reader.fetch(TELL, arguments_of(context)) == told_by(context)


async def test_reads_cancelled_at_any_moment_never_answer_in_a_wrong_context(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    contexts = [context_of(tenant), context_of(other_tenant)]
    async with a_database(**MODE, read_connections=2) as database:
        for turns in range(60):
            await cancel_after(turns % 30, database, contexts[turns % 2])
            for context in contexts:
                assert await tell(database, context) == told_by(context)
        await until_mended(database)


async def test_nobody_and_ping_work_as_ever(tenant: Tenant) -> None:
    async with a_database(**MODE, write_connections=1) as database:
        await database.ping()
        await tell_in_write(database, context_of(tenant))
        async with database.nobody() as connection:
            assert await connection.fetchval("select core.tenant_id()") is None
        await database.warm()
        with pytest.raises(ApiError) as refusal:
            await tell(database, Context(UUID(int=404), UUID(int=404), "owner"))
        assert refusal.value.code is Code.INTERNAL_SERVER_ERROR


async def test_a_lost_context_within_a_transaction_answers_nothing(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(**MODE) as database:
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                await transaction.execute("select set_config('app.context', 'another', true)")
                await transaction.read(TELL_LOCKED, arguments_of(context))
        assert refusal.value.code is Code.INTERNAL_SERVER_ERROR


async def cancel_after(turns: int, database: Database, context: Context) -> None:
    task = asyncio.create_task(tell(database, context))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
