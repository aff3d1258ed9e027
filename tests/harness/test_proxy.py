"""The proxy does to a commit what the tests believe it does."""

from time import perf_counter

import asyncpg
import pytest

from tests.database.pooling import status_of, until
from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.proxy import COMMIT, Fate, proxy_before


@pytest.mark.parametrize(
    ("fate", "status"),
    [
        (Fate.PASSES, "committed"),
        (Fate.UNANSWERED, "committed"),
        (Fate.LOST, "aborted"),
        (Fate.STRANDED, "in progress"),
    ],
)
async def test_a_commit_has_the_fate_that_it_is_given(database: TestDatabase, fate: Fate, status: str) -> None:
    async with proxy_before(database.admin_url) as proxy:
        connection = await asyncpg.connect(proxy.address(database.admin_url))
        await connection.execute("begin")
        number = await connection.fetchval("select pg_current_xact_id()::text")
        proxy.at(COMMIT, fate)
        if fate is Fate.PASSES:
            await connection.execute("commit")
        else:
            with pytest.raises(asyncpg.PostgresConnectionError):
                await connection.execute("commit")

        async def has_ended() -> bool:
            return await status_of(number) == status

        await until(has_ended, f"the transaction is {status}")
        connection.terminate()
    if fate is Fate.STRANDED:
        status = "aborted"
        await until(has_ended, "the server has noticed that the client is gone")


async def test_words_have_their_fate_so_many_times(database: TestDatabase) -> None:
    async with proxy_before(database.admin_url) as proxy:
        proxy.at(b"select 7", Fate.LOST, times=2)
        for _ in range(2):
            connection = await asyncpg.connect(proxy.address(database.admin_url))
            assert await connection.execute("select 6") == "SELECT 1"
            with pytest.raises(asyncpg.PostgresConnectionError):
                await connection.execute("select 7")
        connection = await asyncpg.connect(proxy.address(database.admin_url))
        assert await connection.execute("select 7") == "SELECT 1"
        await connection.close()


async def test_what_is_swallowed_leaves_the_connection_open_and_silent(database: TestDatabase) -> None:
    async with proxy_before(database.admin_url) as proxy:
        address = proxy.address(database.admin_url)
        connection = await asyncpg.connect(address)
        proxy.swallow()
        with pytest.raises(TimeoutError):
            await connection.execute("select 1", timeout=0.1)
        with pytest.raises(TimeoutError):
            await asyncpg.connect(address, timeout=0.1)
        assert not connection.is_closed()
        proxy.recover()
        other = await asyncpg.connect(address)
        assert await other.fetchval("select 7") == 7
        assert not connection.is_closed()
        connection.terminate()
        await other.close()


async def test_a_forgotten_connection_is_open_for_the_client_only(database: TestDatabase) -> None:
    async with proxy_before(database.admin_url) as proxy, as_superuser() as superuser:
        connection = await asyncpg.connect(proxy.address(database.admin_url))
        process = connection.get_server_pid()

        async def has_ended() -> bool:
            there = "select exists (select from pg_stat_activity where pid = $1)"
            return not await superuser.fetchval(there, process)

        assert not await has_ended()
        proxy.forget()
        await until(has_ended, "the server's process has ended")
        with pytest.raises(TimeoutError):
            await connection.execute("select 1", timeout=0.1)
        assert not connection.is_closed()
        connection.terminate()


async def test_a_slow_proxy_is_slow_and_loses_nothing(database: TestDatabase) -> None:
    text = "a" * 300
    async with proxy_before(database.admin_url) as proxy:
        connection = await asyncpg.connect(proxy.address(database.admin_url))
        proxy.delay, proxy.trickle = 0.001, 20
        begun = perf_counter()
        assert await connection.fetchval("select repeat('a', 300)") == text
        assert perf_counter() - begun > 0.001 * 300 / 20
        proxy.delay = 0.0
        await connection.close()
