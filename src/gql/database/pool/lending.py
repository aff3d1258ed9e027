"""One pool: opens connections as they are needed, lends them, mends those that come back unknown, keeps them warm."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from time import monotonic
from typing import Final

from gql.database.context import Context
from gql.database.pool.connections import Connection, Standing
from gql.database.pool.loans import Loan
from gql.database.pool.options import DatabaseOptions
from gql.database.pool.pooler import kind_of
from gql.database.pool.servers import FAILURES, Servers
from gql.database.pool.statistics import PoolStatistics
from gql.database.refusals import not_let_in, unreachable
from gql.fairness.shares import Shares
from gql.fairness.slots import Slot, Slots

log = logging.getLogger(__name__)

# A server process keeps what it learned of every tenant it served; a new one from time to time bounds that.
LIFETIME_SECONDS: Final = 3600.0
UPKEEP_SECONDS: Final = 15.0
# What takes longer is not worth waiting for: its place is wanted, and a new connection costs milliseconds.
MEND_SECONDS: Final = 4.0
TOUCH_SECONDS: Final = 5.0
EXAMINE_SECONDS: Final = 1.0
HANG_UP_SECONDS: Final = 2.0

NOBODY: Final = "nobody"
"""Whom a connection suits that stands in no context."""
_UPKEEP: Final = object()


class Pool:
    """Connections to one address, each lent to one task at a time.

    An idle connection always stands somewhere known: in a context or nowhere. One that comes back unknown is mended
    in the background, and counts against its tenant's cap until it is.
    """

    def __init__(
        self,
        servers: Servers,
        options: DatabaseOptions,
        size: int,
        *,
        read_only: bool,
        shares: Shares | None = None,
    ) -> None:
        self._servers = servers
        self._read_only = read_only
        self._options = options
        # However the cap is set, one tenant never holds the last connection too.
        per_tenant = min(options.connections_per_tenant, max(size - 1, 1))
        self._slots: Slots[Connection] = Slots(
            size, per_tenant, options.acquire_timeout, shares or Shares(pace=options.pace)
        )
        self._kind = kind_of(options)
        self._background: set[asyncio.Task[None]] = set()
        self._upkeep: asyncio.Task[None] | None = None
        self._is_closing = False
        self._lessons = 0
        self._one_by_one = asyncio.Lock()
        self._ended = {"switches": 0, "direct": 0, "read": 0}
        self._acquisitions = self._opened = self._lost = self._mended = self._silent = self._exhausted = 0
        self.when_silent: Callable[[], None] = self.examine
        """Called when a connection was silent: where there are several pools, all of them are to be examined."""

    @property
    def connections(self) -> list[Connection]:
        return [slot.connection for slot in self._slots.slots if slot.connection is not None]

    @property
    def statistics(self) -> PoolStatistics:
        connections = self.connections
        return PoolStatistics(
            # One that died while it was idle keeps its place until it is touched, and is not open.
            size=sum(not each.is_closed for each in connections),
            idle=sum(slot.connection is not None and not slot.connection.is_closed for slot in self._slots.idle),
            waiting=self._slots.waiting,
            limit=len(self._slots.slots),
            acquisitions=self._acquisitions,
            switches=self._ended["switches"] + sum(each.switches for each in connections),
            direct=self._ended["direct"] + sum(each.direct_uses for each in connections),
            read=self._ended["read"] + sum(each.read_uses for each in connections),
            opened=self._opened,
            lost=self._lost,
            mended=self._mended,
            silent=self._silent,
            exhausted=self._exhausted,
        )

    async def take(self, tenant: object, context: Context | None) -> Loan:
        """A connection for this tenant, best one that stands in the context already. The loan is to be ended.

        Raises ApiError UNAVAILABLE: POOL_EXHAUSTED or SHARE_EXHAUSTED when none came free in time for this tenant,
        DATABASE_UNREACHABLE when there is none and none can be opened.
        """
        if self._is_closing:
            raise unreachable()
        if self._upkeep is None:
            self._upkeep = asyncio.create_task(self._keep_up())

        wanted = NOBODY if context is None else context.fingerprint
        slot = self._slots.take_now(tenant, wanted)
        if slot is None:
            try:
                slot = await self._slots.take(tenant, wanted)
            except Exception:
                self._exhausted += 1
                raise
        self._acquisitions += 1
        loan = Loan(self, slot)
        try:
            if slot.connection is None or slot.connection.is_closed:
                await loan.renew()
        except BaseException:
            loan.end()
            raise
        return loan

    async def open_in(self, slot: Slot[Connection]) -> Connection:
        """Put a new connection into the slot. Raises ApiError UNAVAILABLE: DATABASE_UNREACHABLE, or DATABASE_CROWDED
        where the database is there and has no connection left."""
        self.empty(slot)
        try:
            connection = await self._kind.open(self._servers, self._options, read_only=self._read_only)
        except FAILURES as error:
            log.warning("cannot connect to the database: %s: %s", type(error).__name__, error)
            if isinstance(error, TimeoutError):
                self.when_silent()
            raise not_let_in(error) from error
        self._opened += 1
        connection.lessons = self._lessons
        slot.connection, slot.suits = connection, NOBODY
        return connection

    def empty(self, slot: Slot[Connection]) -> None:
        """Give up the slot's connection, if it has one."""
        connection, slot.connection, slot.suits = slot.connection, None, None
        if connection is None:
            return
        if connection.is_closed:
            self._lost += 1
        self._ended["switches"] += connection.switches
        self._ended["direct"] += connection.direct_uses
        self._ended["read"] += connection.read_uses
        connection.terminate()

    def take_back(self, slot: Slot[Connection]) -> None:
        """End a loan: the slot is free at once if its connection is sound, else as soon as it is mended."""
        connection = slot.connection
        if connection is not None and (connection.is_closed or self._is_closing):
            self.empty(slot)
        elif connection is not None and connection.standing is Standing.UNKNOWN:
            self._start(self._mend(slot, connection))
            return
        elif connection is not None and connection.is_in_transaction:
            log.error("a connection came back in a transaction that the pool did not open; it was closed")
            self.empty(slot)
        elif connection is not None and connection.lessons < self._lessons:
            self._start(self._teach(slot, connection))
            return
        self._give_back(slot)

    def _give_back(self, slot: Slot[Connection]) -> None:
        if slot.connection is not None:
            standing = slot.connection.standing
            slot.suits = standing.fingerprint if isinstance(standing, Context) else NOBODY
        self._slots.give_back(slot)

    async def close(self, within: float) -> None:
        """Wait up to `within` seconds for loans to end, then hang up on everyone."""
        self._is_closing = True
        if self._upkeep is not None:
            self._upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await self._upkeep
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._slots.drained()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(connection.close(HANG_UP_SECONDS) for connection in self.connections))
        for slot in self._slots.slots:
            self.empty(slot)

    async def warm(self) -> None:
        """Touch every idle connection: it enters again where it stands.

        So the server learns of tenants granted since (8 ms at 1,000 tenants, 130 ms at 10,000) before a request has
        to wait for it, dead connections are found, and old ones are closed.
        """
        for slot in self._slots.slots:
            if slot.connection is not None and self._slots.take_if_idle(slot, _UPKEEP):
                try:
                    await self._touch(slot, slot.connection)
                finally:
                    self.take_back(slot)

    def examine(self) -> None:
        """Ask every idle connection for a sign of life, all at once, and close those that do not answer.

        For when one has been silent: it may be the network that swallows what is sent and tells nobody, or has
        forgotten its connections, and then each of them would cost somebody the whole of a time-out.
        """
        for slot in self._slots.slots:
            if slot.connection is not None and self._slots.take_if_idle(slot, _UPKEEP):
                self._start(self._examine(slot, slot.connection))

    def was_silent(self, connection: Connection) -> None:
        """Close a connection that did not answer in time: to mend it would be to wait for it again."""
        self._silent += 1
        connection.terminate()
        self.when_silent()

    def hang_up(self) -> None:
        """Cut every connection, lent or not: where they lead nothing good is to be expected any more."""
        for connection in self.connections:
            connection.terminate()

    def teach(self) -> None:
        """Have every server process learn of a tenant that was granted just now, before a request needs it.

        Until then a connection is lent to nobody, and they learn one after the other: ten at once would take each ten
        times as long, so that a request rather waits for the first of them than for its own.
        """
        self._lessons += 1
        for slot in self._slots.slots:
            if slot.connection is not None and self._slots.take_if_idle(slot, _UPKEEP):
                self._start(self._teach(slot, slot.connection))

    async def _teach(self, slot: Slot[Connection], connection: Connection) -> None:
        try:
            async with self._one_by_one, asyncio.timeout(MEND_SECONDS):
                lessons = self._lessons
                await connection.learn()
                connection.lessons = lessons
        except FAILURES as error:
            log.info("a connection failed at its lesson and was closed: %s", error)
            self.empty(slot)
        except BaseException:
            self.empty(slot)
            raise
        finally:
            self._give_back(slot)

    async def _examine(self, slot: Slot[Connection], connection: Connection) -> None:
        try:
            async with asyncio.timeout(EXAMINE_SECONDS):
                await connection.give_a_sign()
        except FAILURES as error:
            log.warning("an idle connection gave no sign of life and was closed: %s", type(error).__name__)
            self._silent += 1
            self.empty(slot)
        except BaseException:
            self.empty(slot)
            raise
        finally:
            self._give_back(slot)

    async def _touch(self, slot: Slot[Connection], connection: Connection) -> None:
        if connection.is_closed or monotonic() - connection.opened_at > LIFETIME_SECONDS:
            self.empty(slot)
            return
        try:
            async with asyncio.timeout(TOUCH_SECONDS):
                if isinstance(connection.standing, Context):
                    await connection.enter(connection.standing)
                else:
                    await connection.leave()
        except FAILURES as error:
            log.info("an idle connection failed and was closed: %s", error)
            if isinstance(error, TimeoutError):
                self.was_silent(connection)
            self.empty(slot)

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_SECONDS)
            await self.warm()

    async def _mend(self, slot: Slot[Connection], connection: Connection) -> None:
        try:
            async with asyncio.timeout(MEND_SECONDS):
                await connection.mend()
            self._mended += 1
        except FAILURES as error:
            log.warning("a connection could not be mended and was closed: %s", error)
            self.empty(slot)
        except BaseException:
            self.empty(slot)
            raise
        finally:
            self._give_back(slot)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
