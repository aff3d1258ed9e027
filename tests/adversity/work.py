"""What is asked on bad days, and what holds it up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.harness.actors import as_superuser

COUNT: Final = "{ clients { totalCount } }"
CLIENT_CREATE: Final = "mutation ($input: ClientCreateInput!) { clientCreate(input: $input) { client { id } } }"
WAITING: Final = (
    "select count(*) from pg_stat_activity where usename = 'countinghouse_api' and wait_event_type = 'Lock'"
)


@asynccontextmanager
async def clients_locked() -> AsyncIterator[None]:
    """Nobody can read or write clients during the body: what asks for them waits."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("lock table billing.clients in access exclusive mode")
        yield


async def waiting(number: int) -> bool:
    """Whether so many statements of the server's wait for a lock."""
    async with as_superuser() as connection:
        return bool(await connection.fetchval(WAITING) == number)


def counted(metrics: str, series: str) -> float:
    """The figure of a series in the text of /metrics."""
    return next((float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(series)), 0.0)
