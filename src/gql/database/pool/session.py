"""A connection that is a session of PostgreSQL: its context and its prepared statements stay."""

import logging
from collections.abc import Sequence
from itertools import count
from typing import Any, Final

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from gql.database.context import Context
from gql.database.pool.connections import Connection, Row, Standing
from gql.database.pool.doors import Door
from gql.database.pool.options import DatabaseOptions
from gql.database.pool.standing import (
    BEGIN_LOCALLY,
    NOBODY,
    NOBODY_VALUES,
    READ_AFTER_SWITCH,
    SCRUB,
    SWITCH,
    TIME_OUTS,
    UNCHANGING,
    Origin,
    context_values,
    origin_values,
    time_out_values,
)
from gql.database.pool.statements import StatementCache

LESSON: Final = "select pg_has_role(session_user, 'countinghouse_tenant', '{}')"
CORE_READ: Final = "select core.read($1, $2)"
# The server has no such prepared statement, or one that no longer fits the tables: our cache is wrong as a whole.
STALE: Final = (
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)
# Nobody waits for what a server asked that was killed: its statements end, and let go of their locks.
LOOKS_FOR_CLIENT: Final = {"client_connection_check_interval": "1s"}
_names = count(1)
log = logging.getLogger(__name__)


class SessionConnection(Connection):
    """The kind of connection for a server of our own: nobody stands between it and us."""

    def __init__(self, raw: "asyncpg.Connection[asyncpg.Record]", options: DatabaseOptions) -> None:
        super().__init__(raw, options)
        self.statements = StatementCache()
        self._own: dict[str, PreparedStatement] = {}

    @staticmethod
    def startup_settings(options: DatabaseOptions, read_only: bool) -> dict[str, str]:
        time_outs = dict(zip(TIME_OUTS, time_out_values(options), strict=True))
        # Whoever writes asks for nothing: where an operator has set the database to read only, that holds here, too.
        reading = {"default_transaction_read_only": "on"} if read_only else {}
        return {**UNCHANGING, **LOOKS_FOR_CLIENT, **time_outs, **reading}

    async def read(self, context: Context, statement: str, arguments: Sequence[str | None], door: Door) -> bytes | None:
        if self.standing is not context and self.standing != context:
            self.switches += 1
            if isinstance(self.standing, Context) and door is not Door.DIRECT:
                try:
                    return await self._read_after_switch(context, statement, arguments)
                except asyncpg.InsufficientPrivilegeError:
                    # It is whoever stood here before that was asked whether they may call core.read(), and they may
                    # have lost their rights since. The other way asks the caller alone.
                    log.info("server process %s stood in a role that has no rights any more", self.process_id)
            await self.enter(context)
        try:
            return await self._through(door, context, statement, arguments)
        except BaseException:
            self.standing = Standing.UNKNOWN
            raise

    async def _read_after_switch(
        self, context: Context, statement: str, arguments: Sequence[str | None]
    ) -> bytes | None:
        """Change from one tenant's context to another's and read, in one trip."""
        known = self.statements.get(statement)
        known.history.switch(context.database_role)
        self.read_uses += 1
        self.standing = Standing.UNKNOWN
        known.read = known.read or await self._prepare(statement)
        row = await self._run_own(READ_AFTER_SWITCH, (*context_values(context), known.read.get_name(), arguments))
        self.standing = context
        return None if row is None else row[0]

    async def enter(self, context: Context) -> None:
        if self.standing is Standing.UNKNOWN:
            await self.mend()
        self.standing = Standing.UNKNOWN
        await self._run_own(SWITCH, context_values(context))
        self.standing = context

    async def learn(self) -> None:
        # The standing stays: nothing is changed by asking.
        await self._raw.execute(LESSON.format("SET" if self._raw.get_server_version().major >= 16 else "MEMBER"))

    async def leave(self) -> None:
        if self.standing is Standing.UNKNOWN:
            await self.mend()
        self.standing = Standing.UNKNOWN
        await self._run_own(NOBODY, NOBODY_VALUES)
        self.standing = Standing.NOWHERE

    async def ask(self, question: str, values: Sequence[Any]) -> Row | None:
        if self.standing is not Standing.NOWHERE:
            await self.leave()
        try:
            return await self._run_own(question, values)
        except BaseException:
            self.standing = Standing.UNKNOWN
            raise

    async def call(self, context: Context, statement: str, arguments: Sequence[str | None], door: Door) -> Row | None:
        if door is Door.DIRECT:
            known = self.statements.get(statement)
            known.direct = known.direct or await self._prepare(statement)
            return await self._execute(known.direct, arguments)
        answer = await self._through(door, context, statement, arguments)
        return None if answer is None else (answer,)

    async def _begin(self, context: Context, origin: Origin) -> Row:
        await self._raw.execute("begin")
        row = await self._run_own(BEGIN_LOCALLY, context_values(context) + self._time_outs + origin_values(origin))
        assert row is not None
        return row

    async def _scrub(self) -> None:
        await self._raw.execute(SCRUB)

    async def _through(
        self, door: Door, context: Context, statement: str, arguments: Sequence[str | None]
    ) -> bytes | None:
        known = self.statements.get(statement)
        if door is Door.CHOOSE:
            door = known.history.choose(context.database_role)
        if door is Door.DIRECT:
            self.direct_uses += 1
            known.direct = known.direct or await self._prepare(statement)
            row = await self._execute(known.direct, arguments)
        else:
            self.read_uses += 1
            known.read = known.read or await self._prepare(statement)
            row = await self._run_own(CORE_READ, (known.read.get_name(), arguments))
        return None if row is None else row[0]

    async def _run_own(self, sql: str, values: Sequence[Any]) -> Row | None:
        """Run one of the pool's few own statements, which stay prepared as long as the connection lives."""
        prepared = self._own.get(sql)
        if prepared is None:
            prepared = self._own[sql] = await self._prepare(sql)
        return await self._execute(prepared, values)

    async def _execute(self, prepared: PreparedStatement, values: Sequence[Any]) -> Row | None:
        """The one row, if there is one."""
        try:
            return await prepared.fetchrow(*values)
        except STALE:
            self._raw.terminate()
            raise

    async def _prepare(self, sql: str) -> PreparedStatement:
        try:
            return await self._raw.prepare(sql, name=f"countinghouse_{next(_names)}")
        except asyncpg.PostgresError:
            raise
        except BaseException:
            # The server may keep a statement that we know nothing of; it goes with the connection.
            self._raw.terminate()
            raise
