"""The connections of the tenant pool: opened when they are needed, mended, kept warm, closed."""

import asyncio

import pytest

from gql.database.pool import Door
from gql.database.pool.connections import Standing
from gql.database.pool.session import SessionConnection
from gql.errors import ApiError, Code
from tests.database.pooling import (
    TELL,
    a_database,
    arguments_of,
    tell,
    tell_in_write,
    told_by,
    until_mended,
)
from tests.harness.actors import context_of
from tests.harness.postgres import the_database
from tests.harness.tenants import Tenant

SHOW = "select current_setting('{}')"


async def test_nobody_has_no_role_even_after_somebody_left_one(tenant: Tenant) -> None:
    async with a_database(write_connections=1) as database:
        for _ in range(2):
            async with database.nobody() as connection:
                assert await connection.fetchval(SHOW.format("role")) == "none"
                assert await connection.fetchval("select core.tenant_id()") is None
                await connection.execute(f"set role {tenant.database_role}; set app.context = 'left'")
            await until_mended(database)
        assert await tell_in_write(database, context_of(tenant)) == told_by(context_of(tenant))


async def test_mending_takes_away_whatever_a_session_was_left_with(tenant: Tenant) -> None:
    """Attack 1."""
    async with a_database(write_connections=1) as database:
        async with database.nobody() as connection:
            await connection.execute(
                f"set role {tenant.database_role}; set app.context = 'left'; set jit = on; set search_path = public; "
                "listen gossip; begin; declare left_open cursor with hold for select 1; commit"
            )
        await until_mended(database)
        [mended] = database.writes.connections
        assert mended.standing is Standing.NOWHERE
        left = await mended.raw.fetchrow(
            "select current_setting('role'), current_setting('app.context'), current_setting('jit'), "
            "current_setting('search_path'), (select count(*) from pg_cursors where name = 'left_open'), "
            "(select count(*) from pg_listening_channels())"
        )
        assert left is not None
        assert tuple(left) == ("none", "", "off", "pg_catalog, pg_temp", 0, 0)


async def test_a_connection_that_comes_back_in_a_transaction_is_closed(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1, write_connections=1) as database:
        for pool in (database.reads, database.writes):
            loan = await pool.take(context.tenant_id, context)
            await loan.connection.raw.execute("begin")
            loan.end()
            await until_mended(database)
            assert pool.connections == []
        assert await tell(database, context) == told_by(context)


async def test_failures_of_nobody_are_translated(tenant: Tenant) -> None:
    async with a_database() as database:
        with pytest.raises(ApiError) as refusal:
            async with database.nobody() as connection:
                await connection.fetchval("select 'no number'::int")
        assert refusal.value.code is Code.BAD_USER_INPUT


async def test_a_statement_cache_that_the_server_lost_is_replaced(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        for door in (Door.DIRECT, Door.READ):
            database.door = door
            await tell(database, context)
            [connection] = database.reads.connections
            await connection.raw.execute("deallocate all")
            connection.standing = context
            assert await tell(database, context) == told_by(context)


async def test_many_statements_leave_a_bounded_number_on_the_server(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        await tell(database, context)
        [connection] = database.reads.connections
        assert isinstance(connection, SessionConnection)
        connection.statements._most_statements = 5
        for number in range(40):
            await tell(database, context, f"{TELL} and {number} = {number}")
        kept = await connection.raw.fetchval("select count(*) from pg_prepared_statements")
        # One or two are our own, and one waits to be closed.
        assert len(connection.statements) == 5
        assert 5 <= kept <= 9


async def test_nothing_is_connected_before_it_is_needed_nor_after_closing(tenant: Tenant) -> None:
    async with a_database() as database:
        assert database.reads.statistics.size == database.writes.statistics.size == 0
        await tell(database, context_of(tenant))
        assert database.reads.statistics.size == 1
    assert database.reads.statistics.size == 0
    with pytest.raises(ApiError) as refusal:
        await tell(database, context_of(tenant))
    assert refusal.value.reason == "DATABASE_UNREACHABLE"


async def test_closing_lets_a_running_read_end(tenant: Tenant) -> None:
    """Attack 61."""
    context = context_of(tenant)
    url = (await the_database()).api_url
    async with a_database(url=url) as database:
        async with database.read(context) as reader:
            closing = asyncio.create_task(database.close(within=5.0))
            assert await reader.fetch(TELL, arguments_of(context)) == told_by(context)
            assert not closing.done()
        await closing
        assert database.reads.statistics.size == 0


async def test_warming_keeps_contexts_and_closes_what_is_dead_or_old(tenant: Tenant, other_tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=2) as database:
        async with database.read(context) as reader, database.read(context_of(other_tenant)) as other_reader:
            await reader.fetch(TELL, arguments_of(context))
            await other_reader.fetch(TELL, arguments_of(context_of(other_tenant)))
        old = next(each for each in database.reads.connections if each.standing != context)
        old.opened_at -= 7200
        await tell_in_write(database, context)
        await database.warm()
        assert [connection.standing for connection in database.reads.connections] == [context]
        assert [connection.standing for connection in database.writes.connections] == [Standing.NOWHERE]
        assert await tell(database, context) == told_by(context)


async def test_a_ping_asks_the_database(tenant: Tenant) -> None:
    context = context_of(tenant)
    sizes = {"read_connections": 1, "write_connections": 1}
    async with a_database(**sizes) as database, database.read(context), database.nobody():
        await database.ping()
