"""A connection for statements in nobody's name behind a pooler, where only a transaction has settings and one server.

Whoever holds one uses it as any connection of asyncpg. A statement with arguments takes two trips, one that prepares it
and one that runs it, and outside a transaction it would be the driver's affair alone that both meet the same server.
"""

from typing import Any, Literal

import asyncpg
from asyncpg.transaction import Transaction


class SettledTransaction(Transaction):
    """A transaction that has the settings which a session has since it connected."""

    def __init__(self, connection: "Borrowed", *kind: Any) -> None:
        super().__init__(connection, *kind)
        self._borrowed = connection

    async def start(self) -> None:
        await super().start()
        if not self._borrowed.settling:  # it is still being looked at, whether it leads to the right server
            return
        try:
            await self._borrowed.execute(self._borrowed.settling)
        except BaseException:
            await self.rollback()
            raise


class Borrowed(asyncpg.Connection):
    """asyncpg's connection, on which a statement with arguments is never outside a transaction."""

    settling = ""
    """The statement that brings a transaction its settings."""

    def transaction(
        self,
        *,
        isolation: Literal["serializable", "repeatable_read", "read_uncommitted", "read_committed"] | None = None,
        readonly: bool = False,
        deferrable: bool = False,
    ) -> SettledTransaction:
        return SettledTransaction(self, isolation, readonly, deferrable)

    async def execute(self, query: str, *args: Any, **how: Any) -> str:
        # Without arguments it is one message, which goes to one server whatever is in it: `begin`, above all.
        if not args or self.is_in_transaction():
            return await super().execute(query, *args, **how)
        async with self.transaction():
            return await super().execute(query, *args, **how)

    async def fetch(self, query: str, *args: Any, **how: Any) -> Any:
        if self.is_in_transaction():
            return await super().fetch(query, *args, **how)
        async with self.transaction():
            return await super().fetch(query, *args, **how)

    async def fetchrow(self, query: str, *args: Any, **how: Any) -> Any:
        if self.is_in_transaction():
            return await super().fetchrow(query, *args, **how)
        async with self.transaction():
            return await super().fetchrow(query, *args, **how)

    async def fetchval(self, query: str, *args: Any, **how: Any) -> Any:
        if self.is_in_transaction():
            return await super().fetchval(query, *args, **how)
        async with self.transaction():
            return await super().fetchval(query, *args, **how)
