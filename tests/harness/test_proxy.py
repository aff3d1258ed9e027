"""The proxy does to a commit what the tests believe it does."""

import asyncpg
import pytest

from tests.database.pooling import status_of, until
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
