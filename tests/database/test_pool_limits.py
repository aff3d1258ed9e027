"""How many connections anyone may hold, and who waits for whom."""

import asyncio
from uuid import UUID

import pytest

from gql.database.context import Context
from gql.database.pool import Database
from gql.errors import ApiError, Code
from tests.database.pooling import (
    ORIGIN,
    SLEEP,
    TELL,
    a_database,
    arguments_of,
    sleeping,
    tell,
    told_by,
    until,
    until_mended,
)
from tests.harness.actors import context_of
from tests.harness.tenants import Tenant


async def test_an_exhausted_pool_says_so_in_time_and_recovers(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1, acquire_timeout=0.05) as database:
        async with database.read(context):
            with pytest.raises(ApiError) as refusal:
                await tell(database, context)
            assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "POOL_EXHAUSTED")
            assert refusal.value.retry_after == 1
        assert await tell(database, context) == told_by(context)
        assert database.reads.statistics.exhausted == 1
        assert database.reads.statistics.waiting == 0


async def test_an_exhausted_read_pool_leaves_writes_and_readiness_alone(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database, database.read(context):
        async with database.write(context, ORIGIN) as transaction:
            assert await transaction.fetch(TELL, arguments_of(context)) == told_by(context)
        await database.ping()


async def test_a_tenant_at_its_cap_waits_while_others_pass(tenant: Tenant, other_tenant: Tenant) -> None:
    greedy, modest = context_of(tenant), context_of(other_tenant)
    async with a_database(read_connections=4, connections_per_tenant=2) as database:
        hogs = [asyncio.create_task(tell(database, greedy, SLEEP)) for _ in range(10)]
        await until(sleeping, "the greedy one's statements run")
        for _ in range(5):
            assert await tell(database, modest) == told_by(modest)
        statistics = database.reads.statistics
        assert statistics.waiting == 8
        await cancel(hogs)
        await until_mended(database)
        assert await tell(database, greedy) == told_by(greedy)


async def test_one_tenant_never_holds_the_last_connection(tenant: Tenant, other_tenant: Tenant) -> None:
    greedy, modest = context_of(tenant), context_of(other_tenant)
    async with a_database(read_connections=3, connections_per_tenant=100) as database:
        hogs = [asyncio.create_task(tell(database, greedy, SLEEP)) for _ in range(3)]
        await until(sleeping, "the greedy one's statements run")
        assert await tell(database, modest) == told_by(modest)
        await cancel(hogs)


async def test_strangers_share_a_cap_of_their_own(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(write_connections=3, connections_per_tenant=2) as database:
        async with database.nobody(), database.nobody():
            third = asyncio.create_task(use_nobody(database))
            async with database.write(context, ORIGIN) as transaction:
                assert await transaction.fetch(TELL, arguments_of(context)) == told_by(context)
            assert not third.done()
        assert await third == 1


async def test_those_who_wait_are_served_in_their_order(tenant: Tenant, other_tenant: Tenant) -> None:
    order: list[int] = []

    async def use(number: int, context: Context) -> None:
        await tell(database, context)
        order.append(number)

    contexts = [context_of(tenant), context_of(other_tenant), context_of(tenant, user_id=UUID(int=1))]
    async with a_database(read_connections=1) as database:
        async with database.read(contexts[0]):
            waiting = []
            for number in range(12):
                waiting.append(asyncio.create_task(use(number, contexts[number % 3])))
                await asyncio.sleep(0)
        await asyncio.gather(*waiting)
    assert order == sorted(order)


async def test_whoever_gives_up_waiting_costs_nobody_a_turn(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        async with database.read(context):
            waiting = [asyncio.create_task(tell(database, context)) for _ in range(10)]
            await asyncio.sleep(0)
            await cancel(waiting[::2])
            assert database.reads.statistics.waiting == 5
        assert await asyncio.gather(*waiting[1::2]) == [told_by(context)] * 5


async def test_no_more_connections_are_opened_than_allowed(tenant: Tenant, other_tenant: Tenant) -> None:
    contexts = [context_of(tenant), context_of(other_tenant)]
    async with a_database(read_connections=3) as database:
        answers = await asyncio.gather(*(tell(database, contexts[number % 2]) for number in range(200)))
        assert answers == [told_by(contexts[number % 2]) for number in range(200)]
        assert database.reads.statistics.opened == 3


async def use_nobody(database: Database) -> int:
    async with database.nobody() as connection:
        answer: int = await connection.fetchval("select 1")
    return answer


async def cancel(tasks: list[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
