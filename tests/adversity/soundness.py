"""Whether a server holds what it should hold and nothing else, when a bad day is over."""

import asyncio
from typing import Final

from gql.app import Application
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.http.servers import HERE, Running

OURS: Final = """
    select pid from pg_stat_activity where usename = 'countinghouse_api' and application_name = 'countinghouse'
"""


async def processes() -> set[int]:
    """The server processes of PostgreSQL that work for servers of ours, and not for tests."""
    async with as_superuser() as connection:
        rows = await connection.fetch(OURS)
    return {row[0] for row in rows}


def connected_by(app: Application) -> set[int]:
    """The processes that work for the pools of this server."""
    connections = (each for pool in app.database.pools for each in pool.connections)
    return {each.process_id for each in connections if not each.is_closed}


async def assert_no_connection_leaks(server: Running, others: set[int], within: float = 10) -> None:
    """Every connection of every pool is idle, there are no more than allowed, nobody waits for one; and PostgreSQL has
    just as many, beside those that were there before."""
    pools = server.app.database.pools

    async def all_are_idle() -> bool:
        await asyncio.sleep(0.01)
        return all(pool.statistics.idle == pool.statistics.size and not pool.statistics.waiting for pool in pools)

    await until(all_are_idle, "every connection is idle", within)
    for pool in pools:
        assert pool.statistics.size <= pool.statistics.limit

    async def postgresql_agrees() -> bool:
        # One that died while it was idle keeps its place until somebody wants it.
        ours = connected_by(server.app)
        found = await processes() - others
        # Another server of this process may have connected meanwhile, for its upkeep.
        return ours <= found <= ours.union(*map(connected_by, HERE))

    await until(postgresql_agrees, "PostgreSQL has as many processes as there are connections", within)
