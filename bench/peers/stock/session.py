"""What the resolvers of one request share: a transaction in the tenant's role."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from bench.peers.stock.tokens import Claims

# In one statement, so that it takes one round trip. `true`: for the transaction.
SET_CONTEXT: Final = """
    select set_config('role', $1, true), set_config('app.user_id', $2, true), set_config('app.role', $3, true),
           set_config('app.scope_ids', $4, true), set_config('app.time_zone', $5, true),
           set_config('app.fiscal_year_start', $6, true), set_config('app.context', $7, true)
"""


class Session:
    """Asks the database for one request."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", claims: Claims) -> None:
        self._pool = pool
        self._claims = claims
        self._connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | None = None
        # Resolvers run beside one another, a connection answers one at a time.
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction for the body, which sees what the tenant's role may see."""
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(SET_CONTEXT, *self._claims.settings)
            self._connection = connection
            yield

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """The rows of a statement."""
        assert self._connection is not None
        async with self._lock:
            return await self._connection.fetch(statement, *values)
