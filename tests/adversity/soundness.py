"""Whether a server holds what it should hold and nothing else, when a bad day is over."""

import asyncio
from typing import Final

from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.http.servers import Running

PROCESSES: Final = "select pid from pg_stat_activity where application_name = $1"


async def assert_no_connection_leaks(server: Running, within: float = 10) -> None:
    """Every connection of every pool is idle, there are no more than allowed, nobody waits for one; and PostgreSQL has
    just as many for this server."""
    pools = server.app.database.pools

    async def all_are_idle() -> bool:
        await asyncio.sleep(0.01)
        return all(pool.statistics.idle == pool.statistics.size and not pool.statistics.waiting for pool in pools)

    await until(all_are_idle, "every connection is idle", within)
    for pool in pools:
        assert pool.statistics.size <= pool.statistics.limit

    async def postgresql_agrees() -> bool:
        # One that died while it was idle keeps its place until somebody wants it.
        ours = {each.process_id for pool in pools for each in pool.connections if not each.is_closed}
        async with as_superuser() as connection:
            return {row[0] for row in await connection.fetch(PROCESSES, server.name)} == ours

    await until(postgresql_agrees, "PostgreSQL has as many processes as there are connections", within)
