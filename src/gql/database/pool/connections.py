"""A connection that knows in whose context it stands.

The rule that everything here keeps: the context is unknown before a statement that could change it is sent, and known
only after that statement succeeded. An error or a cancellation leaves it unknown, because a cancelled switch may have
taken effect all the same and a rollback takes settings back.
"""

import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from time import monotonic
from typing import Any, Final

import asyncpg

from gql.database.context import Context
from gql.database.pool.doors import Door
from gql.database.pool.options import DatabaseOptions
from gql.database.pool.outcomes import Mark
from gql.database.pool.servers import Servers
from gql.database.pool.standing import Origin, time_out_values
from gql.database.refusals import is_lost

UNANSWERED_SECONDS: Final = 5
"""How long the other machine may leave unacknowledged what was sent. It acknowledges at once, however long the database
itself may need: this is silence of the network, and found before any time-out of a statement is over."""
QUIET_SECONDS: Final = 10
"""After so long without a word an idle connection is asked for an acknowledgement."""

_TIME: Final = "select extract(epoch from clock_timestamp())::text"

Row = asyncpg.Record | tuple[Any, ...]


class Standing(Enum):
    """Where a connection stands when it is not in a tenant's context."""

    NOWHERE = "no role and no context, as after connecting"
    UNKNOWN = "it may be any; nobody may use it before it is mended"


class RolledBack(Exception):
    """A statement of the transaction had failed, its error was swallowed, and so the server did not commit."""


class CommitLost(Exception):
    """COMMIT was sent, and the connection lost before the server could say whether it committed; or it committed here,
    and somebody broke off its wait for the standby that was to have it too."""


class Connection(ABC):
    """One connection of a pool, in the hands of one task at a time."""

    raw_class: "type[asyncpg.Connection[asyncpg.Record]]" = asyncpg.Connection

    def __init__(self, raw: "asyncpg.Connection[asyncpg.Record]", options: DatabaseOptions) -> None:
        self._raw = raw
        self._warnings = 0
        raw.add_log_listener(self._hear)
        self._time_outs = time_out_values(options)
        self.standing: Context | Standing = Standing.NOWHERE
        self._has_begun = False
        self.opened_at = monotonic()
        self.lessons = 0
        """Up to which of the pool's lessons its server process has learned."""
        self.switches = 0
        self.direct_uses = 0
        self.read_uses = 0

    @classmethod
    async def open(cls, servers: Servers, options: DatabaseOptions, *, read_only: bool) -> "Connection":
        """Connect. Raises whatever asyncpg or the network raise."""
        raw = await servers.connect(
            timeout=options.connect_timeout,
            command_timeout=options.command_timeout,
            connection_class=cls.raw_class,
            statement_cache_size=0,  # we keep our own, which knows about roles and counts bytes
            server_settings={"application_name": servers.application_name, **cls.startup_settings(options, read_only)},
        )
        _have_silence_noticed(raw)
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
    async def learn(self) -> None:
        """Have the server process find out now who may become whom, which it would do at its next change of role."""

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
    async def _begin(self, context: Context, origin: Origin) -> Row:
        """Open a transaction and put the context on it with SET LOCAL; the row of that, which ends with the mark."""

    @abstractmethod
    async def _scrub(self) -> None:
        """Take away whatever the session was left with."""

    async def begin(self, context: Context, origin: Origin) -> Mark:
        """Open a transaction that stands in the context; the connection itself keeps standing nowhere."""
        self.standing = Standing.UNKNOWN
        self._has_begun = True
        row = await self._begin(context, origin)
        return Mark(row[-2], row[-1])

    async def execute(self, statement: str) -> None:
        """Run statements without arguments or answer, in the transaction."""
        await self._raw.execute(statement)

    async def commit(self) -> None:
        """Raises CommitLost, RolledBack when the server could not commit because an earlier statement had failed, and
        what asyncpg raises when nothing was sent or the server refused."""
        if self._raw.is_closed():
            raise asyncpg.InterfaceError("the connection was closed before the transaction could commit")
        self._warnings = 0
        try:
            status = await self._raw.execute("commit")
        except (
            TimeoutError,
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ) as error:
            if isinstance(error, TimeoutError) or self.is_closed or is_lost(error):
                raise CommitLost from error
            raise
        self._has_begun = False
        self.standing = Standing.NOWHERE
        if status != "COMMIT":
            raise RolledBack
        if self._warnings:
            raise CommitLost

    def _hear(self, raw: object, message: asyncpg.PostgresLogMessage) -> None:
        # Of a COMMIT, PostgreSQL warns for one reason only, which has no number of its own.
        self._warnings += message.sqlstate == "01000"

    async def rollback(self) -> None:
        """End the transaction. What went wrong may have done more, so the connection is to be mended."""
        await self._raw.execute("rollback")
        self._has_begun = False

    async def undo(self) -> None:
        """End a transaction in which all went well without keeping anything of it."""
        await self.rollback()
        self.standing = Standing.NOWHERE

    async def give_a_sign(self) -> None:
        """A trip to the server and back, which changes nothing."""
        await self._raw.execute("select")

    async def tell_time(self) -> float:
        """What the database's clock says: seconds since 1970."""
        return float(await self._raw.fetchval(_TIME))

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
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self._raw.terminate()


def _have_silence_noticed(raw: Any) -> None:
    """Have the kernel end the connection where its packets are swallowed, or nobody knows of it any more."""
    line = raw._transport.get_extra_info("socket")  # asyncpg has no other way to it
    if line.family not in (socket.AF_INET, socket.AF_INET6):
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux, which is where servers run
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, QUIET_SECONDS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_SECONDS * 1000)
