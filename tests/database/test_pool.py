"""Reads of the tenant pool: whose context a connection stands in, and whose it is taken for."""

import logging
from uuid import UUID

import pytest

from gql.database.context import Context
from gql.database.pool import Door, Reader
from gql.errors import ApiError, Code
from tests.database.pooling import (
    FAIL,
    TELL,
    TELL_LOCKED,
    a_database,
    arguments_of,
    sleeping,
    tell,
    told_by,
    until_mended,
)
from tests.harness.actors import as_superuser, context_of
from tests.harness.postgres import the_database
from tests.harness.tenants import Tenant

SETTINGS = ("statement_timeout", "lock_timeout", "jit", "TimeZone", "plan_cache_mode", "default_transaction_read_only")
NAMES = "select application_name from pg_stat_activity where pid = any($1)"


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
    """Attack 59."""
    async with a_database(statement_timeout_ms=50) as database:
        with pytest.raises(ApiError) as refusal:
            await tell(database, context_of(tenant), "select convert_to(pg_sleep(9)::text || $1 || $2 || $3, 'UTF8')")
        assert refusal.value.code is Code.TIMEOUT
        assert not await sleeping()


async def test_a_failed_statement_leaves_the_reader_usable_in_its_own_context(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database, database.read(context) as reader:
        with pytest.raises(ApiError):
            await reader.fetch(FAIL, arguments_of(context))
        assert await reader.fetch(TELL, arguments_of(context)) == told_by(context)


async def test_a_connection_that_lies_about_its_context_answers_with_an_error_and_never_a_row(
    tenant: Tenant, other_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Attack 1."""
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


async def test_reads_go_to_no_other_address_that_is_no_replica(tenant: Tenant) -> None:
    """What a replica is given, tests/deploy/test_replica.py tells."""
    context = context_of(tenant)
    for address in ("postgresql://nobody@127.0.0.1:1/none", (await the_database()).api_url + "&application_name=same"):
        async with a_database(read_url=address) as database:
            assert database.replica is not None
            for _ in range(2):
                await database.replica.look()
                assert await tell(database, context) == told_by(context)
            assert database.replica.pool.statistics.opened == 0
            await database.ping()


async def test_postgresql_knows_a_pool_by_the_name_in_its_address() -> None:
    url = (await the_database()).api_url
    for address, name in ((url, "countinghouse"), (f"{url}&application_name=the%20second", "the second")):
        async with a_database(url=address) as database:
            await database.ping()
            of_pools = [each.process_id for pool in database.pools for each in pool.connections]
            async with as_superuser() as connection:
                found = await connection.fetch(NAMES, of_pools)
        assert {row[0] for row in found} == {name}
