"""The tenant pool: whose context a connection stands in, and what is left on it."""

import asyncio
import logging
from uuid import UUID

import pytest

from gql.database.context import Context
from gql.database.pool import Door, Origin, Reader
from gql.database.pool.connections import SessionConnection, Standing
from gql.errors import ApiError, Code
from tests.database.pooling import (
    FAIL,
    ORIGIN,
    TELL,
    TELL_LOCKED,
    a_database,
    arguments_of,
    sleeping,
    tell,
    tell_in_write,
    told_by,
    until_mended,
)
from tests.harness.actors import as_superuser, context_of
from tests.harness.postgres import the_database
from tests.harness.tenants import Tenant

SETTINGS = ("statement_timeout", "lock_timeout", "jit", "TimeZone", "plan_cache_mode", "default_transaction_read_only")
SHOW = "select current_setting('{}')"


async def show(reader: Reader, tenant: Tenant, setting: str) -> str:
    statement = f"select convert_to(current_setting('{setting}'), 'UTF8') where ($1 || $2 || $3)::text is not null"
    return (await reader.fetch(statement, arguments_of(context_of(tenant)))).decode()


async def test_a_read_runs_as_the_tenant_and_in_the_whole_context(tenant: Tenant) -> None:
    context = context_of(tenant, "member", [UUID(int=7), UUID(int=8)])
    async with a_database() as database:
        assert await tell(database, context) == told_by(context)


async def test_people_of_one_tenant_on_one_connection_each_get_their_own_context(tenant: Tenant) -> None:
    people = [context_of(tenant, "member", [UUID(int=number)], user_id=UUID(int=number)) for number in range(1, 4)]
    async with a_database(read_connections=1) as database:
        for context in people * 3:
            assert await tell(database, context) == told_by(context)
        assert database.reads.statistics.switches == 9


async def test_a_context_finds_the_connection_that_already_stands_in_it(tenant: Tenant, other_tenant: Tenant) -> None:
    one, other = context_of(tenant), context_of(other_tenant)
    async with a_database(read_connections=2) as database:
        async with database.read(one) as reader, database.read(other) as other_reader:
            await reader.fetch(TELL, arguments_of(one))
            await other_reader.fetch(TELL, arguments_of(other))
        for context in (one, other, other, one, other):
            assert await tell(database, context) == told_by(context)
        assert database.reads.statistics.switches == 2
        assert database.reads.statistics.opened == 2


async def test_the_connection_that_was_idle_longest_is_switched(tenant: Tenant, other_tenant: Tenant) -> None:
    first, second = context_of(tenant), context_of(tenant, user_id=UUID(int=1))
    async with a_database(read_connections=3) as database:
        async with database.read(first) as reader, database.read(second) as other_reader:
            await reader.fetch(TELL, arguments_of(first))
            await other_reader.fetch(TELL, arguments_of(second))
        await tell(database, first)
        await tell(database, context_of(other_tenant))
        standing = {connection.standing for connection in database.reads.connections}
        assert standing == {first, context_of(other_tenant)}


async def test_reads_cannot_write(tenant: Tenant) -> None:
    async with a_database() as database, database.read(context_of(tenant)) as reader:
        assert await show(reader, tenant, "default_transaction_read_only") == "on"
        assert await show(reader, tenant, "transaction_read_only") == "on"


async def test_time_outs_and_the_unchanging_settings_hold_on_reads(tenant: Tenant) -> None:
    async with a_database(statement_timeout_ms=4321) as database, database.read(context_of(tenant)) as reader:
        shown = [await show(reader, tenant, setting) for setting in SETTINGS]
    assert shown == ["4321ms", "3s", "off", "UTC", "force_generic_plan", "on"]


async def test_a_statement_that_takes_too_long_is_a_timeout(tenant: Tenant) -> None:
    async with a_database(statement_timeout_ms=50) as database:
        with pytest.raises(ApiError) as refusal:
            await tell(database, context_of(tenant), "select convert_to(pg_sleep(9)::text || $1 || $2 || $3, 'UTF8')")
        assert refusal.value.code is Code.TIMEOUT
        assert not await sleeping()


async def test_a_write_runs_in_its_context_and_leaves_nothing_behind(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(write_connections=1) as database:
        async with database.write(context, ORIGIN) as transaction:
            assert await transaction.fetch(TELL, arguments_of(context)) == told_by(context)
            origin = "select concat_ws(',', {})".format(
                ", ".join(f"current_setting('app.{name}')" for name in ("request_id", "ip_address", "user_agent"))
            )
            assert await transaction.fetch(origin, []) == "request-1,192.0.2.7,a browser"
        async with database.nobody() as connection:
            assert await connection.fetchval(SHOW.format("role")) == "none"
            for name in ("user_id", "role", "scope_ids", "context", "request_id", "ip_address", "user_agent"):
                assert await connection.fetchval(f"select current_setting('app.{name}', true)") in (None, "", "{}")


async def test_a_write_is_committed_on_a_clean_exit_and_rolled_back_on_an_exception(tenant: Tenant) -> None:
    context = context_of(tenant)
    number, status = "select pg_current_xact_id()::text", "select pg_xact_status($1::text::xid8)"
    async with a_database(write_connections=1) as database:
        async with database.write(context, ORIGIN) as transaction:
            committed = await transaction.fetch(number, [])
        with pytest.raises(ZeroDivisionError):
            async with database.write(context, ORIGIN) as transaction:
                aborted = await transaction.fetch(number, [])
                raise ZeroDivisionError
        async with database.nobody() as connection:
            assert await connection.fetchval(status, committed) == "committed"
            assert await connection.fetchval(status, aborted) == "aborted"


async def test_settling_checks_deferred_constraints_and_defers_them_again(tenant: Tenant) -> None:
    put = "insert into settling.pairs values (($1::text)::int) returning number::text"
    try:
        async with as_superuser() as superuser:
            await superuser.execute(
                "create schema settling; "
                "create table settling.pairs (number int unique deferrable initially deferred); "
                f"grant usage on schema settling to {tenant.database_role}; "
                f"grant select, insert, delete on settling.pairs to {tenant.database_role}"
            )
        async with a_database() as database:
            async with database.write(context_of(tenant), ORIGIN) as transaction:
                await transaction.fetch(put, ["1"])
                await transaction.settle()
                await transaction.fetch(put, ["1"])  # for a moment there are two
                await transaction.execute("delete from settling.pairs")
                await transaction.settle()
            with pytest.raises(ApiError) as refusal:
                async with database.write(context_of(tenant), ORIGIN) as transaction:
                    for _ in range(2):
                        await transaction.fetch(put, ["2"])
                    await transaction.settle()
            assert refusal.value.code is Code.CONFLICT
            with pytest.raises(ApiError) as refusal:
                async with database.write(context_of(tenant), ORIGIN) as transaction:
                    for _ in range(2):
                        await transaction.fetch(put, ["3"])
            assert refusal.value.code is Code.CONFLICT
    finally:
        async with as_superuser() as superuser:
            await superuser.execute("drop schema if exists settling cascade")


async def test_a_read_within_a_write_sees_what_was_written_through_every_door(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database() as database:
        for door in Door:
            database.door = door
            async with database.write(context, ORIGIN) as transaction:
                assert await transaction.read(TELL_LOCKED, arguments_of(context)) == told_by(context)


async def test_a_swallowed_failure_does_not_pass_for_a_commit(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database() as database:
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                with pytest.raises(ApiError):
                    await transaction.fetch(FAIL, arguments_of(context))
        assert refusal.value.code is Code.INTERNAL_SERVER_ERROR
        assert await tell_in_write(database, context) == told_by(context)


async def test_a_failed_statement_leaves_the_reader_usable_in_its_own_context(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database, database.read(context) as reader:
        with pytest.raises(ApiError):
            await reader.fetch(FAIL, arguments_of(context))
        assert await reader.fetch(TELL, arguments_of(context)) == told_by(context)


async def test_a_connection_that_lies_about_its_context_answers_with_an_error_and_never_a_row(
    tenant: Tenant, other_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    truth, lie = context_of(other_tenant), context_of(tenant)
    async with a_database(read_connections=1) as database:
        for door in Door:
            database.door = door
            await tell(database, truth)
            [connection] = database.reads.connections
            connection.standing = lie
            with caplog.at_level(logging.CRITICAL), pytest.raises(ApiError) as refusal:
                await tell(database, lie, TELL_LOCKED)
            assert refusal.value.code is Code.INTERNAL_SERVER_ERROR
            assert str(other_tenant.tenant_id) not in str(refusal.value)
            assert "lock three" in caplog.text
            await until_mended(database)
            assert await tell(database, lie, TELL_LOCKED) == told_by(lie)


async def test_a_write_that_lost_its_context_answers_with_an_error_and_never_a_row(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    context = context_of(tenant)
    async with a_database(write_connections=1) as database:
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                await transaction.execute("select set_config('app.context', 'another', true)")
                await transaction.fetch(TELL_LOCKED, arguments_of(context))
        assert refusal.value.code is Code.INTERNAL_SERVER_ERROR
        assert await tell_in_write(database, context_of(other_tenant)) == told_by(context_of(other_tenant))


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


async def test_a_switch_that_failed_is_not_believed(tenant: Tenant) -> None:
    context = context_of(tenant)
    ghost = Context(UUID(int=404), UUID(int=404), "owner")  # there is no such role
    async with a_database(read_connections=1) as database:
        await tell(database, context)
        for _ in range(3):
            with pytest.raises(ApiError) as refusal:
                await tell(database, ghost)
            assert refusal.value.code is Code.INTERNAL_SERVER_ERROR
            await until_mended(database)
        assert await tell(database, context) == told_by(context)


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


async def test_a_header_with_a_nul_does_not_stop_a_write(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database() as database, database.write(context, Origin("r", None, "a\0b")) as transaction:
        assert await transaction.fetch("select current_setting('app.user_agent')", []) == "ab"


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


async def test_reads_may_go_to_an_address_of_their_own(tenant: Tenant) -> None:
    url = (await the_database()).api_url
    context = context_of(tenant)
    async with a_database(url="postgresql://nobody@127.0.0.1:1/none", read_url=url) as database:
        assert await tell(database, context) == told_by(context)
        with pytest.raises(ApiError) as refusal:
            await tell_in_write(database, context)
        assert refusal.value.reason == "DATABASE_UNREACHABLE"
