"""The tenant pool cut off: connections die idle, underway and at the commit, and the whole database goes and comes."""

import asyncio
from contextlib import suppress

import pytest

from gql.database.pool import Database
from gql.errors import ApiError, Code
from tests.database.pooling import (
    ORIGIN,
    SLEEP,
    TELL,
    a_database,
    arguments_of,
    sleeping,
    status_of,
    tell,
    tell_in_write,
    told_by,
    until,
)
from tests.harness.actors import as_superuser, context_of
from tests.harness.postgres import the_database
from tests.harness.proxy import COMMIT, Fate, proxy_before
from tests.harness.tenants import Tenant, make_tenant


async def test_a_read_on_a_connection_that_died_while_idle_is_sent_again(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        for _ in range(3):
            await tell(database, context)
            await end_processes(database)
            assert await tell(database, context) == told_by(context)
        assert database.reads.statistics.opened == 4


async def test_a_read_that_dies_underway_is_sent_again_once_and_then_fails(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        await tell(database, context)
        task = asyncio.create_task(tell(database, context, SLEEP))
        for _ in range(2):
            await until(sleeping, "the statement runs")
            await end_processes(database)
        with pytest.raises(ApiError) as refusal:
            await task
        assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "DATABASE_UNREACHABLE")
        assert await tell(database, context) == told_by(context)


async def test_a_write_that_dies_underway_is_not_sent_again(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(write_connections=1) as database:
        await tell_in_write(database, context)
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                await end_processes(database)
                await transaction.fetch(TELL, arguments_of(context))
        assert refusal.value.reason == "DATABASE_UNREACHABLE"
        await end_processes(database)
        assert await tell_in_write(database, context) == told_by(context)


async def test_a_connection_lost_during_commit_claims_neither_success_nor_failure(tenant: Tenant) -> None:
    context = context_of(tenant)
    url = (await the_database()).api_url
    async with proxy_before(url) as proxy, a_database(url=proxy.address(url)) as database:
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                number = await transaction.fetch("select pg_current_xact_id()::text", [])
                proxy.at(COMMIT, Fate.UNANSWERED)
        assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "COMMIT_UNKNOWN")

        async def is_committed() -> bool:
            return await status_of(number) == "committed"

        await until(is_committed, "the commit that nobody saw has happened")
        assert await tell_in_write(database, context) == told_by(context)


async def test_a_database_that_is_down_is_said_to_be_and_used_again_when_it_is_back(tenant: Tenant) -> None:
    context = context_of(tenant)
    url = (await the_database()).api_url
    async with proxy_before(url) as proxy, a_database(url=proxy.address(url), read_connections=2) as database:
        await asyncio.gather(*(tell(database, context) for _ in range(4)))
        await tell_in_write(database, context)
        await database.ping()
        proxy.shut()
        for _ in range(3):
            for use in (tell(database, context), tell_in_write(database, context), database.ping()):
                with pytest.raises(ApiError) as refusal:
                    await use
                assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "DATABASE_UNREACHABLE")
                assert refusal.value.retry_after
        await proxy.open()
        await database.ping()
        assert await tell(database, context) == told_by(context)
        assert await tell_in_write(database, context) == told_by(context)


async def test_everyone_in_the_queue_hears_that_the_database_is_down(tenant: Tenant) -> None:
    context = context_of(tenant)
    url = (await the_database()).api_url
    async with proxy_before(url) as proxy, a_database(url=proxy.address(url), read_connections=1) as database:
        proxy.shut()
        answers = await asyncio.gather(*(tell(database, context) for _ in range(20)), return_exceptions=True)
        assert {getattr(answer, "reason", None) for answer in answers} == {"DATABASE_UNREACHABLE"}
        assert database.reads.statistics.waiting == 0


async def test_connections_cut_in_the_middle_of_everything_answer_rightly_or_not_at_all() -> None:
    tenants = [await make_tenant() for _ in range(3)]
    contexts = [context_of(tenant) for tenant in tenants]
    url = (await the_database()).api_url
    right = 0

    async def use(number: int) -> None:
        nonlocal right
        context = contexts[number % 3]
        with suppress(ApiError):
            way = tell_in_write if number % 5 == 0 else tell
            assert await way(database, context) == told_by(context)
            right += 1
        if number % 40 == 0:
            proxy.cut()

    async with proxy_before(url) as proxy, a_database(url=proxy.address(url), read_connections=3) as database:
        for start in range(0, 400, 20):
            await asyncio.gather(*(use(number) for number in range(start, start + 20)))
        assert right > 200
        for context in contexts:
            assert await tell(database, context) == told_by(context)


async def end_processes(database: Database) -> None:
    """Terminate the server processes behind every connection of both pools."""
    connections = database.reads.connections + database.writes.connections
    async with as_superuser() as superuser:
        for connection in connections:
            if not connection.is_closed:
                await superuser.fetchval("select pg_terminate_backend($1, 5000)", connection.process_id)


async def test_a_statement_whose_client_has_died_ends_before_it_is_through(tenant: Tenant) -> None:
    """As when the server is killed: nobody says goodbye, and nobody cancels anything."""
    context = context_of(tenant)
    async with a_database(read_connections=1, statement_timeout_ms=120_000) as database:
        task = asyncio.create_task(tell(database, context, SLEEP))
        await until(sleeping, "the statement runs")
        [connection] = database.reads.connections
        connection._raw._transport.abort()  # type: ignore[attr-defined]

        async def has_ended() -> bool:
            return not await sleeping()

        await until(has_ended, "the statement has ended", 30)
        with pytest.raises(ApiError):
            await task


async def test_last_words_between_two_statements_are_a_lost_connection(tenant: Tenant) -> None:
    """The driver has heard that the server hangs up, and is not done with it, when the next statement comes."""
    context = context_of(tenant)
    async with a_database(write_connections=1) as database:
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                await transaction.fetch(TELL, arguments_of(context))
                # A FATAL as it stands on the wire, without the end of the connection that follows it.
                fields = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0"
                [connection] = database.writes.connections
                protocol = connection._raw._protocol  # type: ignore[attr-defined]
                protocol.data_received(b"E" + (len(fields) + 4).to_bytes(4) + fields)
                await transaction.fetch(TELL, arguments_of(context))
        assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "DATABASE_UNREACHABLE")
        assert await tell_in_write(database, context) == told_by(context)
