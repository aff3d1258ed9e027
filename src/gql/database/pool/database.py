"""The database as the rest of the server sees it: reads, writes, and statements of nobody in particular.

    async with database.read(context) as reader:
        answer = await reader.fetch(statement, arguments)

    async with database.write(context, origin) as transaction:
        await transaction.fetch(statement, arguments)

Everything that fails leaves as gql.errors.ApiError. What a body raises by itself passes through.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import asyncpg

from gql.database.comments import read_comments
from gql.database.context import Context
from gql.database.pool.connections import Connection, RolledBack, Row
from gql.database.pool.doors import Door
from gql.database.pool.lending import FAILURES, Loan, Pool, PoolStatistics
from gql.database.pool.options import DatabaseOptions, PoolMode
from gql.database.pool.standing import Origin
from gql.database.refusals import Sentences, is_lost, translate, unreachable
from gql.errors import INTERNAL_MESSAGE, ApiError, Code

__all__ = [
    "Database",
    "DatabaseOptions",
    "Door",
    "Origin",
    "PoolMode",
    "PoolStatistics",
    "Reader",
    "Transaction",
]

log = logging.getLogger(__name__)

T = TypeVar("T")

DRAIN_SECONDS: Final = 10.0
PING_SECONDS: Final = 2.0


class Database:
    """The pools for reads and for writes. Nothing is connected before it is needed."""

    def __init__(self, options: DatabaseOptions, sentences: Sentences | None = None) -> None:
        self.door = Door.CHOOSE
        self.reads = Pool(options.read_url or options.url, options, options.read_connections, read_only=True)
        self.writes = Pool(options.url, options, options.write_connections, read_only=False)
        # Readiness has connections of its own: a busy pool is no sign of a database that is down.
        addresses = dict.fromkeys((options.url, options.read_url or options.url))
        self._probes = [Pool(address, options, 1, read_only=True) for address in addresses]
        # Read now: a schema that cannot be read should stop the start, not the first refusal.
        self.sentences = read_comments().constraints if sentences is None else sentences

    @classmethod
    async def open(cls, options: DatabaseOptions, sentences: Sentences | None = None) -> "Database":
        """A database to use and to close. Connects lazily, so it succeeds while the server is still down."""
        return cls(options, sentences)

    async def close(self, within: float = DRAIN_SECONDS) -> None:
        """Let what runs end, for up to `within` seconds, then hang up."""
        await asyncio.gather(*(pool.close(within) for pool in (self.reads, self.writes, *self._probes)))

    def read(self, context: Context) -> "Reader":
        """Statements of this tenant that only read, each in a transaction of its own."""
        return Reader(self, context)

    def write(self, context: Context, origin: Origin) -> "Transaction":
        """One transaction of this tenant: committed on a clean exit, rolled back on an exception."""
        return Transaction(self, context, origin)

    async def ask(self, question: str, *values: Any) -> Row | None:
        """The one row of a question of the server's own that countinghouse_api may ask; None where there is none.

        It is prepared once on each connection, and may be sent twice.
        """
        loan = await self.writes.take(None, None)
        try:
            return await with_renewal(loan, lambda connection: connection.ask(question, values))
        except FAILURES as error:
            raise self.translate(error) from error
        finally:
            loan.end()

    @asynccontextmanager
    async def nobody(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A bare connection with no role and no context, for the sign-in functions that countinghouse_api may call.

        What PostgreSQL raises in the body is translated.
        """
        loan = await self.writes.take(None, None)
        try:
            await with_renewal(loan, lambda connection: connection.leave())
            yield loan.connection.raw
        except FAILURES as error:
            raise self.translate(error) from error
        finally:
            loan.end()

    async def ping(self, within: float = PING_SECONDS) -> None:
        """Ask every address for a sign of life. Raises ApiError UNAVAILABLE, reason DATABASE_UNREACHABLE."""
        try:
            async with asyncio.timeout(within):
                for probe in self._probes:
                    loan = await probe.take(None, None)
                    try:
                        await with_renewal(loan, lambda connection: connection.leave())
                        await loan.connection.raw.execute("select 1")
                    finally:
                        loan.end()
        except FAILURES as error:
            raise unreachable() from error

    async def warm(self) -> None:
        """Make every idle connection learn of tenants granted since; to be called after `tenant create`."""
        await self.reads.warm()
        await self.writes.warm()

    def translate(self, error: BaseException) -> ApiError:
        """The refusal that a failure is to the caller."""
        return translate(error, self.sentences)


class Reader:
    """A connection for reads in one context. Statements take text arguments and answer with bytes."""

    def __init__(self, database: Database, context: Context) -> None:
        self._database = database
        self._context = context
        self._loan: Loan

    async def __aenter__(self) -> Self:
        self._loan = await self._database.reads.take(self._context.database_role, self._context)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loan.end()

    async def fetch(self, statement: str, arguments: Sequence[str | None]) -> bytes:
        """The one value of the statement's one row.

        Every statement has a row only where the connection stands in the caller's context (lock three). Where it has
        none the connection is not what we took it for: ApiError INTERNAL_SERVER_ERROR, and it is mended before
        anyone uses it again.
        """
        loan, context, door = self._loan, self._context, self._database.door
        try:
            answer = await loan.connection.read(context, statement, arguments, door)
        except FAILURES as error:
            # A read may safely be sent twice.
            answer = await self._once_more(error, lambda: loan.connection.read(context, statement, arguments, door))
        if answer is None:
            raise wrong_context(self._loan)
        return answer

    async def _once_more(self, error: Exception, read: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """The answer of a new connection, if it was the old one that had died. Else raises what the error means."""
        try:
            if not died_idle(self._loan, error):
                raise error
            await self._loan.renew()
            return await read()
        except FAILURES as failure:
            raise self._database.translate(failure) from failure


class Transaction:
    """A connection inside one transaction. Everything on it is SET LOCAL, so that nothing is left when it ends."""

    def __init__(self, database: Database, context: Context, origin: Origin) -> None:
        self._database = database
        self._context = context
        self._origin = origin
        self._loan: Loan

    async def __aenter__(self) -> Self:
        self._loan = await self._database.writes.take(self._context.database_role, None)
        try:
            # Nothing was sent but the beginning, so it may safely be sent to another connection.
            await with_renewal(self._loan, lambda connection: connection.begin(self._context, self._origin))
        except BaseException as error:
            self._loan.end()
            if isinstance(error, FAILURES):
                raise self._database.translate(error) from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self._commit()
            elif isinstance(error, Exception) and not self._loan.connection.is_closed:
                await self._loan.connection.rollback()
            # A cancelled task does not wait: the connection is rolled back when it is mended.
        except FAILURES as failure:
            if error is None:
                raise self._database.translate(failure) from failure
            log.warning("could not roll back, so the connection was closed: %s", failure)
            self._loan.discard()
        finally:
            self._loan.end()

    async def fetch(self, statement: str, arguments: Sequence[str | None]) -> Any:
        """The first value of the statement's one row, run as the tenant: for the functions that write.

        A statement without a row is one that does not stand in the caller's context, as with `Reader.fetch`.
        """
        return await self._call(statement, arguments, Door.DIRECT)

    async def read(self, statement: str, arguments: Sequence[str | None]) -> bytes:
        """The one value of a reading statement, which sees what the transaction did so far: for payloads."""
        answer: bytes | None = await self._call(statement, arguments, self._database.door)
        if answer is None:
            raise wrong_context(self._loan)
        return answer

    async def settle(self) -> None:
        """Check every deferred constraint now, so that a violation shows at its verb (and in a dry run), and defer
        them again for the verb that follows."""
        await self.execute("set constraints all immediate; set constraints all deferred")

    async def execute(self, statement: str) -> None:
        """Run statements without arguments or answer."""
        try:
            await self._loan.connection.execute(statement)
        except FAILURES as error:
            raise self._database.translate(error) from error

    async def _call(self, statement: str, arguments: Sequence[str | None], door: Door) -> Any:
        try:
            row = await self._loan.connection.call(self._context, statement, arguments, door)
        except FAILURES as error:
            raise self._database.translate(error) from error
        if row is None:
            raise wrong_context(self._loan)
        return row[0]

    async def _commit(self) -> None:
        try:
            await self._loan.connection.commit()
        except RolledBack as problem:
            log.exception("a failed statement was swallowed, so the transaction could not commit")
            raise ApiError(Code.INTERNAL_SERVER_ERROR, INTERNAL_MESSAGE) from problem


async def with_renewal(loan: Loan, run: Callable[[Connection], Awaitable[T]]) -> T:
    """Run on the loan's connection. One that turns out to have died while it was idle is replaced, once.

    Only for what may safely be sent twice. Raises what `run` raises.
    """
    try:
        return await run(loan.connection)
    except FAILURES as error:
        if not died_idle(loan, error):
            raise
    await loan.renew()
    return await run(loan.connection)


def died_idle(loan: Loan, error: Exception) -> bool:
    """Whether the loan's connection had died before it was lent, so that another one may serve."""
    if loan.is_fresh or not (loan.connection.is_closed or is_lost(error)):
        return False
    log.info("a connection had died while it was idle: %s", error)
    return True


def wrong_context(loan: Loan) -> ApiError:
    """The answer when a statement found no row: its connection does not stand in the context it was made for."""
    connection = loan.connection
    log.critical(
        "lock three: a statement found another context on server process %s than the pool had noted (%s); "
        "nothing was answered and the connection will be mended",
        connection.process_id,
        connection.standing,
    )
    connection.distrust()
    return ApiError(Code.INTERNAL_SERVER_ERROR, INTERNAL_MESSAGE)
