"""A connection in the hands of one task."""

from typing import Protocol

import asyncpg

from gql.database.pool.connections import Connection
from gql.database.refusals import unreachable
from gql.fairness.slots import Slot


class Lender(Protocol):
    """What a loan asks of the pool that it is of."""

    async def open_in(self, slot: Slot[Connection]) -> Connection: ...

    def empty(self, slot: Slot[Connection]) -> None: ...

    def was_silent(self, connection: Connection) -> None: ...

    def take_back(self, slot: Slot[Connection]) -> None: ...


class Loan:
    """A slot in the hands of one task. `is_fresh`: its connection was opened during this loan."""

    def __init__(self, pool: Lender, slot: Slot[Connection]) -> None:
        self._pool = pool
        self._slot = slot
        self.is_fresh = False

    @property
    def connection(self) -> Connection:
        """The connection lent. Not to be kept: `renew` puts another one in its place."""
        if self._slot.connection is None:
            raise unreachable()
        return self._slot.connection

    async def renew(self) -> None:
        """Replace the connection by a new one. Raises ApiError UNAVAILABLE, reason DATABASE_UNREACHABLE."""
        await self._pool.open_in(self._slot)
        self.is_fresh = True

    def note(self, error: BaseException | None) -> None:
        """See to what a failure says of the connection. One that did not answer in time is not waited for again. One
        that may not write is not kept: the next may, at a server that has taken over or under another setting."""
        if self._slot.connection is None:
            return
        if isinstance(error, TimeoutError):
            self._pool.was_silent(self._slot.connection)
        elif isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            self._slot.connection.terminate()

    def discard(self) -> None:
        """Close the connection: its state is beyond mending."""
        self._pool.empty(self._slot)

    def end(self) -> None:
        """Give the slot back."""
        self._pool.take_back(self._slot)
