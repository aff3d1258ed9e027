"""After a sign-up the connections for reads learn of the new tenant beside the requests, one after the other."""

import asyncio

import pytest

from gql.database.pool.connections import Standing
from gql.database.pool.session import SessionConnection
from tests.database.pooling import TELL, a_database, arguments_of, tell, told_by, until_mended
from tests.harness.actors import context_of
from tests.harness.tenants import Tenant


async def test_idle_connections_learn_and_stay_where_they_stand(tenant: Tenant, other_tenant: Tenant) -> None:
    contexts = [context_of(tenant), context_of(other_tenant)]
    async with a_database(read_connections=2) as database:
        async with database.read(contexts[0]) as first, database.read(contexts[1]) as second:
            await first.fetch(TELL, arguments_of(contexts[0]))
            await second.fetch(TELL, arguments_of(contexts[1]))
        database.teach()
        assert database.reads.statistics.idle == 0, "none is lent before it has learned"
        await until_mended(database)
        assert [connection.lessons for connection in database.reads.connections] == [1, 1]
        assert {connection.standing for connection in database.reads.connections} == set(contexts)
        for context in contexts:
            assert await tell(database, context) == told_by(context)
        assert database.reads.statistics.switches == 2, "each of them when it began"


async def test_a_connection_that_is_lent_learns_when_it_comes_back(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        async with database.read(context) as reader:
            await reader.fetch(TELL, arguments_of(context))
            database.teach()
            database.teach()
            assert await reader.fetch(TELL, arguments_of(context)) == told_by(context)
            [connection] = database.reads.connections
            assert connection.lessons == 0
        await until_mended(database)
        assert connection.lessons == 2
        async with database.read(context) as reader:
            await reader.fetch(TELL, arguments_of(context))
        assert database.reads.statistics.idle == 1, "and no other time"


async def test_they_learn_one_after_the_other_and_each_serves_when_it_has(
    tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = [context_of(tenant), context_of(other_tenant)]
    learning: list[SessionConnection] = []
    may_go_on = asyncio.Event()
    learn = SessionConnection.learn

    async def slowly(connection: SessionConnection) -> None:
        learning.append(connection)
        if len(learning) == 2:
            await may_go_on.wait()
        await learn(connection)

    monkeypatch.setattr(SessionConnection, "learn", slowly)
    async with a_database(read_connections=2) as database:
        async with database.read(contexts[0]) as first, database.read(contexts[1]) as second:
            await first.fetch(TELL, arguments_of(contexts[0]))
            await second.fetch(TELL, arguments_of(contexts[1]))
        database.teach()
        for context in contexts:
            assert await tell(database, context) == told_by(context)
        assert len(learning) == 2
        assert database.reads.statistics.size == 2
        may_go_on.set()
        await until_mended(database)


async def test_a_connection_that_fails_at_its_lesson_is_closed_and_another_serves(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        await tell(database, context)
        [dead] = database.reads.connections
        dead._raw.terminate()
        database.teach()
        await until_mended(database)
        assert await tell(database, context) == told_by(context)
        assert dead not in database.reads.connections


async def test_a_lesson_of_a_pooler_is_none(tenant: Tenant) -> None:
    from gql.database.pool import PoolMode

    context = context_of(tenant)
    async with a_database(read_connections=1, mode=PoolMode.TRANSACTION) as database:
        await tell(database, context)
        database.teach()
        assert await tell(database, context) == told_by(context)
        assert [connection.standing for connection in database.reads.connections] == [Standing.NOWHERE]


async def test_closing_waits_for_no_lesson(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(connection: SessionConnection) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(SessionConnection, "learn", never)
    async with a_database(read_connections=1) as database:
        await tell(database, context_of(tenant))
        database.teach()
        await asyncio.sleep(0)
        await database.close(within=0.1)
        assert database.reads.connections == []
