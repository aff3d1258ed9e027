"""Every connection of a pool is taken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from time import monotonic
from typing import Final

import pytest

from gql.settings import Settings
from tests.adversity.kinds import DONE, KINDS, effect_of, reason_for_none
from tests.adversity.soundness import assert_no_connection_leaks
from tests.adversity.work import COUNT, counted
from tests.database.pooling import ORIGIN
from tests.harness.actors import context_of
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import make_tenant
from tests.http.changes import Desk
from tests.http.servers import refusal, running

PATIENCE_SECONDS: Final = 0.3
COSTLY: Final = "{ clients(first: 100) { nodes { invoices(first: 100) { nodes { id lines { id amount } } } } } }"


@pytest.fixture
async def desks(settings: Settings, database: TestDatabase) -> AsyncIterator[list[Desk]]:
    """Five organisations on a server with two connections in each pool, of which each may hold one."""
    narrow = replace(settings, read_connections=2, write_connections=2, acquire_timeout_ms=int(PATIENCE_SECONDS * 1000))
    tenants = [await make_tenant() for _ in range(5)]
    async with running(narrow, database.api_url) as server:
        yield [Desk(server, tenant, tenant.owner) for tenant in tenants]


async def test_an_exhausted_pool_refuses_in_time_what_needs_a_connection_and_nothing_else(
    desks: list[Desk],
) -> None:
    *greedy, desk = desks
    server, database = desk.server, desk.database
    assert reason_for_none(await desk.send(COUNT)) is None
    async with AsyncExitStack() as held:
        for each in greedy[:2]:
            await held.enter_async_context(database.read(context_of(each.tenant)))
        for each in greedy[2:]:
            await held.enter_async_context(database.write(context_of(each.tenant), ORIGIN))
        lent = [pool.statistics.acquisitions for pool in (database.reads, database.writes)]

        # What is wrong is told at once, and takes nobody's turn.
        begun = monotonic()
        assert refusal(await desk.send("{ clients { "))[1] == "GRAPHQL_PARSE_FAILED"
        assert refusal(await desk.send("{ clients { nothing } }"))[1] == "GRAPHQL_VALIDATION_FAILED"
        assert refusal(await desk.send(COSTLY))[1] == "LIMIT_EXCEEDED"
        assert refusal(await server.ask(COUNT))[1] == "UNAUTHENTICATED"
        assert refusal(await server.ask(COUNT, token="no token"))[1] == "UNAUTHENTICATED"
        assert (await server.client.get("/healthz")).status_code == 200
        assert (await server.client.get("/readyz")).status_code == 200
        took = monotonic() - begun
        assert [pool.statistics.acquisitions for pool in (database.reads, database.writes)] == lent
        assert all(pool.statistics.exhausted == 0 for pool in database.pools)

        # Who needs a connection waits for one, and is then told when to come back.
        begun = monotonic()
        in_vain = await asyncio.gather(*(KINDS[kind](desk, "in-vain") for kind in KINDS))
        assert {reason_for_none(answer) for answer in in_vain} == {"POOL_EXHAUSTED"}
        assert monotonic() - begun >= PATIENCE_SECONDS
        metrics = (await server.client.get("/metrics")).text
        assert counted(metrics, "countinghouse_read_pool_exhausted_total") == 1
        assert counted(metrics, "countinghouse_write_pool_exhausted_total") == len(KINDS) - 1
        assert counted(metrics, "countinghouse_write_pool_idle") == 0
    assert took < PATIENCE_SECONDS * 10

    for kind in KINDS:
        assert reason_for_none(await KINDS[kind](desk, f"after-{kind}")) is None
        assert await effect_of(desk, f"after-{kind}") == DONE[kind]
    assert (await desk.clients()).count("in-vain") == 0
    await assert_no_connection_leaks(server)
