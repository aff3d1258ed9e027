"""Under load, backends of PostgreSQL and the server itself are killed by SIGKILL, again and again. Whoever sends their
request again under its key loses nothing and doubles nothing."""

import asyncio
from typing import Final

import pytest

from tests.adversity.load import PATIENCE, Load, assert_each_once
from tests.adversity.victims import AT_WORK, HELD, Cluster, Serving
from tests.database.pooling import until
from tests.harness.tenants import Tenant, make_tenant

KILLS_AT_WORK: Final = 12
KILLS_BEFORE_THE_ANSWER: Final = 8
KILLS_OF_THE_SERVER: Final = 3


@pytest.fixture
async def ours(cluster: Cluster) -> Tenant:
    return await make_tenant(admin_url=cluster.server.admin_url)


@pytest.fixture
async def load(victim: Serving, ours: Tenant) -> Load:
    return await Load.of(victim.url, victim.settings, ours)


async def test_backends_killed_under_load_neither_lose_nor_double(cluster: Cluster, ours: Tenant, load: Load) -> None:
    before, expected = cluster.kills, 0

    async def kill(which: str) -> None:
        await until(lambda: cluster.kill_one(which), f"there is a backend to kill whose {which}", PATIENCE)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        for number in range(KILLS_AT_WORK + KILLS_BEFORE_THE_ANSWER):
            await load.more()
            if number * KILLS_BEFORE_THE_ANSWER // 20 != (number + 1) * KILLS_BEFORE_THE_ANSWER // 20:
                # At least this one has committed, and its client will have the answer by sending it again.
                expected += 1
                async with cluster.answers_held():
                    await kill(HELD)
            else:
                await kill(AT_WORK)
        await load.more()
        load.has_ended = True
    assert cluster.kills - before == KILLS_AT_WORK + KILLS_BEFORE_THE_ANSWER >= 20
    log = cluster.server.directory.log.read_text()
    assert log.count("was terminated by signal 9") == cluster.kills
    assert load.replayed >= expected == KILLS_BEFORE_THE_ANSWER
    async with cluster.admin() as connection:
        await assert_each_once(connection, ours, load)


async def test_the_server_killed_under_load_neither_loses_nor_doubles(
    cluster: Cluster, victim: Serving, ours: Tenant, load: Load
) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        for _ in range(KILLS_OF_THE_SERVER):
            await load.more()
            # Nobody is answered for a moment, so that the server goes while it has answers to give.
            async with cluster.answers_held():
                await until(cluster.holds_an_answer, "somebody has committed", PATIENCE)
                await victim.kill()
            await victim.start()
        await load.more()
        load.has_ended = True
    assert load.sent_again >= KILLS_OF_THE_SERVER
    assert load.replayed >= KILLS_OF_THE_SERVER
    async with cluster.admin() as connection:
        await assert_each_once(connection, ours, load)
