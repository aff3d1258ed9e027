"""The database as the rest of the server sees it: reads, writes, and statements of nobody in particular.

    async with database.read(context) as reader:
        answer = await reader.fetch(statement, arguments)

    async with database.write(context, origin) as transaction:
        await transaction.fetch(statement, arguments)

    answer = await database.carry_out(context, origin, work)  # the same, again where it has to be

Everything that fails leaves as gql.errors.ApiError. What a body raises by itself passes through.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import asyncpg

from gql.database.comments import read_comments
from gql.database.context import Context
from gql.database.pool.connections import Connection, Row
from gql.database.pool.doors import Door
from gql.database.pool.lending import Pool
from gql.database.pool.loans import Loan
from gql.database.pool.options import DatabaseOptions, PoolMode
from gql.database.pool.outcomes import Mark, Outcome, outcome_of
from gql.database.pool.reading import Reader
from gql.database.pool.renewal import with_renewal
from gql.database.pool.repetition import Work, carry_out
from gql.database.pool.replica import Replica
from gql.database.pool.servers import FAILURES, Primary
from gql.database.pool.standing import Origin
from gql.database.pool.statistics import PoolStatistics
from gql.database.pool.transactions import Transaction, Trouble
from gql.database.refusals import Sentences, translate, unreachable
from gql.errors import ApiError
from gql.fairness.crowd import Crowd
from gql.fairness.shares import Shares

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

T = TypeVar("T")

DRAIN_SECONDS: Final = 10.0
CALLERS_CONNECTIONS: Final = 2
"""For the short question that comes before the others: who somebody is."""
PING_SECONDS: Final = 2.0
WORRYING_SECONDS: Final = 10.0
"""Between the clocks of two machines of one house. Three times as much, and they refuse each other's tokens."""

log = logging.getLogger(__name__)


class Database:
    """The pools for reads and for writes, and the replica where there is one. Nothing is connected before its time."""

    def __init__(self, options: DatabaseOptions, sentences: Sentences | None = None) -> None:
        self.door = Door.CHOOSE
        # Where those of a tenant stand who were crossed by others.
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.clock_ahead = float("nan")
        """Seconds by which this machine's clock was ahead of the database's at the last ping."""
        self.repetitions: Counter[str] = Counter()
        """How often work was carried out once more, by the name of the trouble."""
        self._outcome_patience = options.outcome_patience
        primary = Primary(options.url)
        self.crowd = Crowd()
        shares = Shares(self.crowd, options.pace)  # they are at work on the same cores
        self.reads = Pool(primary, options, options.read_connections, read_only=True, shares=shares)
        self.writes = Pool(primary, options, options.write_connections, read_only=False, shares=shares)
        # Who asks is looked up for reads and writes alike, so that no queue of writes may stand before it.
        self.callers = Pool(primary, options, CALLERS_CONNECTIONS, read_only=False)
        # Readiness has a connection of its own: a busy pool is no sign of a database that is down. Nor is a replica
        # that is away, whose queries the primary answers.
        self._probe = Pool(primary, options, 1, read_only=True)
        has_replica = options.read_url is not None and options.read_url != options.url
        self.replica = Replica(options.read_url or "", primary, options, self._hang_up) if has_replica else None
        for pool in self.pools:
            pool.when_silent = self._examine
        # Read now: a schema that cannot be read should stop the start, not the first refusal.
        self.sentences = read_comments().constraints if sentences is None else sentences

    @classmethod
    async def open(cls, options: DatabaseOptions, sentences: Sentences | None = None) -> "Database":
        """A database to use and to close. Connects lazily, so it succeeds while the server is still down."""
        return cls(options, sentences)

    async def close(self, within: float = DRAIN_SECONDS) -> None:
        """Let what runs end, for up to `within` seconds, then hang up."""
        if self.replica is not None:
            await self.replica.close(within)
        await asyncio.gather(*(pool.close(within) for pool in self.pools))

    @property
    def pools(self) -> tuple[Pool, ...]:
        """All to the primary: what they are limited to together is the most that this process connects."""
        return (self.reads, self.writes, self.callers, self._probe)

    def _examine(self) -> None:
        for pool in self.pools:
            pool.examine()

    def _hang_up(self) -> None:
        """Cut what leads to a primary that is none any more."""
        for pool in self.pools:
            pool.hang_up()

    def read(self, context: Context, position: int = 0) -> Reader:
        """Statements of this tenant that only read, each in a transaction of its own: on the replica where that has all
        that was written up to the position, and all that this tenant must find besides."""
        replica = self.replica
        if replica is not None and not replica.may_answer(context.tenant_id, position):
            replica = None
        return Reader(context, self.reads, replica, self.door, self.translate)

    def changed(self, tenant_id: UUID) -> None:
        """Note that something of this tenant was written, or came to be known here: whoever reads must find it."""
        if self.replica is not None:
            self.replica.needs_all_until_now(tenant_id)

    async def position(self) -> int | None:
        """A position in the primary's log behind all that was committed before; None where there is no replica that it
        could be asked of, or nobody who knows."""
        return await self.replica.position() if self.replica is not None else None

    def write(self, context: Context, origin: Origin, *, keeps: bool = True) -> Transaction:
        """One transaction of this tenant: committed on a clean exit if it `keeps`, rolled back on an exception."""
        return Transaction(self.writes, context, origin, self.door, self.translate, keeps=keeps)

    async def carry_out(
        self,
        context: Context,
        origin: Origin,
        work: Work[T],
        *,
        keeps: bool = True,
        recognises_itself: bool = False,
    ) -> T:
        """The answer of the work, done in one transaction: again, as a whole, where nothing was kept of it through no
        fault of its own. `recognises_itself`: where it has been done already it says so and does nothing.

        Raises ApiError: as the work does; CONFLICT, reason RETRY, when others crossed it each time; UNAVAILABLE, reason
        COMMIT_UNKNOWN, where it may have been kept or not and nobody can say.
        """
        return await carry_out(
            lambda: self.write(context, origin, keeps=keeps),
            work,
            self.outcome_of,
            recognises_itself=recognises_itself,
            in_line=self._lines.setdefault(context.database_role, asyncio.Lock()),
            count_repetition=self._count_repetition,
        )

    def _count_repetition(self, trouble: Trouble) -> None:
        self.repetitions[trouble.name] += 1

    async def outcome_of(self, mark: Mark) -> Outcome:
        """What became of a transaction, asked on another connection."""
        return await outcome_of(mark, self.ask, self._outcome_patience)

    async def ask(self, question: str, *values: Any) -> Row | None:
        """The one row of a question of the server's own that countinghouse_api may ask; None where there is none.

        It is prepared once on each connection, and may be sent twice.
        """
        return await self._answered(await self.writes.take(None, None), question, values)

    async def recognise(self, question: str, *values: Any) -> Row | None:
        """As `ask`, for what a caller who has shown who they are may do: on connections of its own, so that neither
        a queue of writes nor a flood of sign-ins holds up everybody."""
        each_by_itself = object()  # a cap for one of them would be a cap for all
        return await self._answered(await self.callers.take(each_by_itself, None), question, values)

    async def _answered(self, loan: Loan, question: str, values: Sequence[Any]) -> Row | None:
        try:
            return await with_renewal(loan, lambda connection: connection.ask(question, values))
        except FAILURES as error:
            loan.note(error)
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
            loan.note(error)
            raise self.translate(error) from error
        finally:
            loan.end()

    async def ping(self, within: float = PING_SECONDS) -> None:
        """Ask the primary for a sign of life. Raises ApiError UNAVAILABLE, reason DATABASE_UNREACHABLE."""
        try:
            async with asyncio.timeout(within):
                begun = time.time()
                theirs = await self._asked(self._probe, lambda connection: connection.tell_time())
        except FAILURES as error:
            raise unreachable() from error
        self._note_clock((begun + time.time()) / 2 - theirs)

    def _note_clock(self, ahead: float) -> None:
        """Warn when the clocks part, and not at each ping."""
        if abs(ahead) > WORRYING_SECONDS and not abs(self.clock_ahead) > WORRYING_SECONDS:
            log.warning("this machine's clock is %.0f seconds ahead of the database's: tokens will be refused", ahead)
        self.clock_ahead = ahead

    async def _asked(self, probe: Pool, ask: Callable[[Connection], Awaitable[T]]) -> T:
        loan = await probe.take(None, None)
        try:
            return await with_renewal(loan, ask)
        except asyncio.CancelledError:
            # It took too long. The next to ask shall not wait for this connection again.
            loan.discard()
            raise
        finally:
            loan.end()

    async def warm(self) -> None:
        """Touch every idle connection."""
        await self.reads.warm()
        await self.writes.warm()
        await self.callers.warm()
        if self.replica is not None:
            await self.replica.pool.warm()

    def teach(self) -> None:
        """Have every connection for reads learn of a tenant that was granted just now, beside the requests.

        Those for writes learn as they are used: signing in needs them too, and no role, so that nobody waits for it.
        """
        self.reads.teach()

    def translate(self, error: BaseException) -> ApiError:
        """The refusal that a failure is to the caller."""
        return translate(error, self.sentences)
