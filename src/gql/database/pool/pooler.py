"""Connections behind PgBouncer in transaction mode, or a managed pooler like it.

Two transactions of one connection may run on two servers, and strangers' transactions in between. So everything, a
read too, is a transaction of its own that brings its whole context with SET LOCAL and leaves nothing: no setting, no
named prepared statement. It costs four more round trips a read than a session does.

Nothing but the application's name is sent at connect, because PgBouncer refuses settings it does not track, and would
leave those that it does to whoever comes next. What is asked in nobody's name (sign-in, who somebody is) is a
transaction of its own as well, with the time-outs: borrowed.py.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg

from gql.database.context import Context
from gql.database.pool.borrowed import Borrowed
from gql.database.pool.connections import Connection, Row, Standing
from gql.database.pool.doors import Door
from gql.database.pool.options import DatabaseOptions, PoolMode
from gql.database.pool.session import SessionConnection
from gql.database.pool.standing import (
    BEGIN_BEHIND_POOLER,
    READ_BEHIND_POOLER,
    TIME_OUTS,
    UNCHANGING,
    Origin,
    context_values,
    origin_values,
    settled_by,
)

_NO_ORIGIN = Origin()
_UNCHANGING_VALUES = tuple(UNCHANGING.values())


class PoolerConnection(Connection):
    """A connection of which only the transaction at hand is ours."""

    raw_class = Borrowed

    def __init__(self, raw: "asyncpg.Connection[asyncpg.Record]", options: DatabaseOptions) -> None:
        super().__init__(raw, options)
        assert isinstance(raw, Borrowed)
        raw.settling = settled_by(UNCHANGING | dict(zip(TIME_OUTS, self._time_outs, strict=True)))

    @staticmethod
    def startup_settings(options: DatabaseOptions, read_only: bool) -> dict[str, str]:
        return {}

    async def read(self, context: Context, statement: str, arguments: Sequence[str | None], door: Door) -> bytes | None:
        if self.standing is Standing.UNKNOWN:
            await self.mend()
        self.standing = Standing.UNKNOWN
        self._has_begun = True
        await self._stand("begin read only", READ_BEHIND_POOLER, context, _NO_ORIGIN)
        found = await self.call(context, statement, arguments, door)
        await self._raw.execute("commit")
        self._has_begun = False
        self.standing = Standing.NOWHERE
        return None if found is None else found[0]

    async def enter(self, context: Context) -> None:
        """There is nowhere to stand outside a transaction."""

    async def learn(self) -> None:
        """Whose server it will be next, nobody knows."""

    async def leave(self) -> None:
        """There is nothing to leave: a transaction of ours that failed is rolled back, and a dead connection found."""
        await self.mend()

    async def ask(self, question: str, values: Sequence[Any]) -> Row | None:
        if self.standing is Standing.UNKNOWN:
            await self.mend()
        try:
            return await self._raw.fetchrow(question, *values)
        except BaseException:
            self.standing = Standing.UNKNOWN
            raise

    async def call(self, context: Context, statement: str, arguments: Sequence[str | None], door: Door) -> Row | None:
        self.direct_uses += 1
        return await self._raw.fetchrow(statement, *arguments)

    async def _begin(self, context: Context, origin: Origin) -> Row:
        return await self._stand("begin", BEGIN_BEHIND_POOLER, context, origin)

    async def _stand(self, begin: str, settings: str, context: Context, origin: Origin) -> Row:
        await self._raw.execute(begin)
        values = context_values(context) + self._time_outs + origin_values(origin) + _UNCHANGING_VALUES
        row = await self._raw.fetchrow(settings, *values)
        assert row is not None
        return row

    async def _scrub(self) -> None:
        """The pooler's servers are not ours to clean. Any statement will do, to wait for a pending cancellation."""
        await self._raw.execute("select")


def kind_of(options: DatabaseOptions) -> type[Connection]:
    """What a connection is where the pools connect so."""
    return SessionConnection if options.mode is PoolMode.SESSION else PoolerConnection
