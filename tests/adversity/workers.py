"""Workers that are killed, and where they stand just before."""

import asyncio
from typing import Final

from gql.worker.queue import LOST_AFTER
from tests.harness.actors import as_superuser

PATIENCE: Final = LOST_AFTER.total_seconds() - 10
"""Less than after which the library takes a job away from whoever gives no sign of life."""
WORKER: Final = "countinghouse_worker"
AT_A_LOCK: Final = "wait_event_type = 'Lock'"


async def stand(which: str, number: int) -> bool:
    """Whether so many of the worker's backends stand so."""
    await asyncio.sleep(0.02)
    async with as_superuser() as connection:
        found = await connection.fetchval(
            f"select count(*) from pg_stat_activity where usename = $1 and {which}", WORKER
        )
    return bool(found >= number)


async def killed(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.wait()
