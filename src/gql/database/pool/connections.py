"""A connection that knows in whose context it stands.

The rule that everything here keeps: the context is unknown before a statement that could change it is sent, and known
only after that statement succeeded. An error or a cancellation leaves it unknown, because a cancelled switch may have
taken effect all the same and a rollback takes settings back.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from itertools import count
from time import monotonic
from typing import Any, Final

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from gql.database.context import Context
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
from gql.database.refusals import is_lost, outcome_unknown

CORE_READ: Final = "select core.read($1, $2)"
# The server has no such prepared statement, or one that no longer fits the tables: our cache is wrong as a whole.
STALE: Final = (
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)
Row = asyncpg.Record | tuple[Any, ...]
_names = count(1)


class Standing(Enum):
    """Where a connection stands when it is not in a tenant's context."""

    NOWHERE = "no role and no context, as after connecting"
    UNKNOWN = "it may be any; nobody may use it before it is mended"


class RolledBack(Exception):
    """A statement of the transaction had failed, its error was swallowed, and so the server did not commit."""


class Connection(ABC):
    """One connection of a pool, in the hands of one task at a time."""

    def __init__(self, raw: "asyncpg.Connection[asyncpg.Record]", options: DatabaseOptions) -> None:
        self._raw = raw
        self._time_outs = time_out_values(options)
        self.standing: Context | Standing = Standing.NOWHERE
        self._has_begun = False
        self.opened_at = monotonic()
        self.switches = 0
        self.direct_uses = 0
        self.read_uses = 0

    @classmethod
    async def open(cls, url: str, options: DatabaseOptions, *, read_only: bool) -> "Connection":
        """Connect. Raises whatever asyncpg or the network raise."""
        raw = await asyncpg.connect(
            url,
            timeout=options.connect_timeout,
            command_timeout=options.command_timeout,
            statement_cache_size=0,  # we keep our own, which knows about roles and counts bytes
            server_settings={"application_name": "countinghouse", **cls.startup_settings(options, read_only)},
        )
        return cls(raw, options)

    @staticmethod
    @abstractmethod
    def startup_settings(options: DatabaseOptions, read_only: bool) -> dict[str, str]:
        """The settings that are sent at connect, and that RESET ALL goes back to."""

    @property
    def raw(self) -> "asyncpg.Connection[asyncpg.Record]":
        """asyncpg's own connection. Whoever takes it may do anything, so the context is unknown from here on."""
        self.standing = Standing.UNKNOWN
        return self._raw

    @property
    def is_closed(self) -> bool:
        return self._raw.is_closed()

    @property
    def is_in_transaction(self) -> bool:
        return not self._raw.is_closed() and self._raw.is_in_transaction()

    @property
    def process_id(self) -> int:
        """The server process behind the connection."""
        return self._raw.get_server_pid()

    @abstractmethod
    async def read(self, context: Context, statement: str, arguments: Sequence[str | None], door: Door) -> bytes | None:
        """Run one reading statement as the context's tenant, in a transaction of its own. None: it had no row."""

    @abstractmethod
    async def enter(self, context: Context) -> None:
        """Stand in the context, so that the next read need not wait for it."""

    @abstractmethod
    async def leave(self) -> None:
        """Stand nowhere: no role, no context."""

    @abstractmethod
    async def ask(self, question: str, values: Sequence[Any]) -> Row | None:
        """Run one of the server's own few questions with no role and no context. None: it had no row."""

    @abstractmethod
    async def call(self, context: Context, statement: str, arguments: Sequence[str | None], door: Door) -> Row | None:
        """Run one statement inside the transaction that `begin` opened. None: it had no row."""

    @abstractmethod
    async def _begin(self, begin: str, context: Context, origin: Origin) -> None:
        """Open a transaction and put the context on it with SET LOCAL."""

    @abstractmethod
    async def _scrub(self) -> None:
        """Take away whatever the session was left with."""

    async def begin(self, context: Context, origin: Origin) -> None:
        """Open a transaction that stands in the context; the connection itself keeps standing nowhere."""
        self.standing = Standing.UNKNOWN
        self._has_begun = True
        await self._begin("begin", context, origin)

    async def execute(self, statement: str) -> None:
        """Run statements without arguments or answer, in the transaction."""
        await self._raw.execute(statement)

    async def commit(self) -> None:
        """Raises ApiError with reason OUTCOME_UNKNOWN when the connection was lost before the server could say whether
        it committed, and RolledBack when it could not because an earlier statement had failed."""
        try:
            status = await self._raw.execute("commit")
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if isinstance(error, TimeoutError) or self.is_closed or is_lost(error):
                raise outcome_unknown() from error
            raise
        self._has_begun = False
        self.standing = Standing.NOWHERE
        if status != "COMMIT":
            raise RolledBack

    async def rollback(self) -> None:
        """End the transaction. What went wrong may have done more, so the connection is to be mended."""
        await self._raw.execute("rollback")
        self._has_begun = False

    async def mend(self) -> None:
        """Bring a connection whose context is unknown back to standing nowhere.

        The first statement waits for a cancellation that is still under way (asyncpg sees to that). Raises when the
        connection cannot be mended, or is in a transaction that we did not open; it is then to be terminated.
        """
        self.standing = Standing.UNKNOWN
        if self._has_begun:
            await self.rollback()
        await self._scrub()
        if self.is_in_transaction:
            raise asyncpg.InterfaceError("the connection was left in a transaction")
        self.standing = Standing.NOWHERE

    def distrust(self) -> None:
        """Take the context for unknown: it was found to be another one than we believed."""
        self.standing = Standing.UNKNOWN

    def terminate(self) -> None:
        self.standing = Standing.UNKNOWN
        self._raw.terminate()

    async def close(self, within: float) -> None:
        """Say goodbye to the server; just hang up if that takes longer than `within` seconds."""
        self.standing = Standing.UNKNOWN
        try:
            await self._raw.close(timeout=within)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._raw.terminate()


class SessionConnection(Connection):
    """A connection that is a session of PostgreSQL: its context and prepared statements stay."""

    def __init__(self, raw: "asyncpg.Connection[asyncpg.Record]", options: DatabaseOptions) -> None:
        super().__init__(raw, options)
        self.statements = StatementCache()
        self._own: dict[str, PreparedStatement] = {}

    @staticmethod
    def startup_settings(options: DatabaseOptions, read_only: bool) -> dict[str, str]:
        time_outs = dict(zip(TIME_OUTS, time_out_values(options), strict=True))
        return {**UNCHANGING, **time_outs, "default_transaction_read_only": "on" if read_only else "off"}

    async def read(self, context: Context, statement: str, arguments: Sequence[str | None], door: Door) -> bytes | None:
        if self.standing is not context and self.standing != context:
            self.switches += 1
            if isinstance(self.standing, Context) and door is not Door.DIRECT:
                return await self._read_after_switch(context, statement, arguments)
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

    async def _begin(self, begin: str, context: Context, origin: Origin) -> None:
        await self._raw.execute(begin)
        await self._run_own(BEGIN_LOCALLY, context_values(context) + self._time_outs + origin_values(origin))

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
