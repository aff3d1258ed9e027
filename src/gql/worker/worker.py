"""Finding what is due, and doing it.

What is due stands in the tables. The worker looks there when it starts and again and again; a NOTIFY makes it look
sooner. So one that is lost costs a little time, and one that is forged a look.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from gql.database.pool import Database
from gql.database.pool.options import DatabaseOptions
from gql.database.pool.servers import connect
from gql.errors import ApiError
from gql.fairness.shares import USUAL_PACE
from gql.messages.carriers import Carrier
from gql.worker.doing import Do, doing, said_of
from gql.worker.duties import DUTIES, Delivery, Duty
from gql.worker.figures import Figures, Waiting
from gql.worker.queue import APPLICATION, AT_ONCE, WAITING, Due, Queue

log = logging.getLogger(__name__)

CHANNEL: Final = "countinghouse_work"
"""Whoever makes something due at once may say so here. The payload is not read."""
MOST_FOUND: Final = 10_000
"""How much one look at one duty takes from the tables. What is left is still there at the next."""
LEAST_SECONDS_BETWEEN_LOOKS: Final = 1.0
FIRST_SECONDS_BETWEEN_TRIES: Final = 0.5
LONGEST_SECONDS_BETWEEN_TRIES: Final = 4.0
"""A database that is back is found within this time, however long it was away: to ask for it costs it nothing."""
DRAIN_SECONDS: Final = 10.0
STATEMENT_TIMEOUT_MS: Final = 600_000
"""A report over everything may take its time; nobody waits at a screen."""
FAILURES: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that was lost while it was busy
    ApiError,
)

# Nothing is done for an organisation in which nobody may work; what is due there waits.
FIND: Final = """
    select array_agg(tenant_id::text), array_agg(what::text) from (
        select * from ({due}) as due (tenant_id, what)
        where tenant_id is null or tenant_id::uuid not in (select id from iam.tenants where suspended_at is not null)
        limit $1
    ) as due
"""


class NotLoaded(Exception):
    """The database does not hold our schema, so that there is nothing to look into."""


def worker_options(url: str) -> DatabaseOptions:
    """How the worker's pool connects: a connection for each job that it has in hands."""
    return DatabaseOptions(
        url=url,
        read_connections=1,
        write_connections=AT_ONCE + 1,
        connections_per_tenant=AT_ONCE - 1,
        pace=replace(USUAL_PACE, least=1.0),  # what is due is not somebody's noise
        acquire_timeout=60.0,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
    )


def _as_it_is(duty: str, do: Do) -> Do:
    return do


class Ways(NamedTuple):
    """What a worker asks the database through, and what is put around each job. One that is traced has others
    (gql.tracing)."""

    database: type[Database] = Database
    around: Callable[[str, Do], Do] = _as_it_is


USUAL: Final = Ways()


class Worker:
    """One worker. Any number of them share the work. Without a carrier it leaves messages to those that have one."""

    def __init__(
        self,
        url: str,
        duties: Sequence[Duty | Delivery] = DUTIES,
        *,
        carrier: Carrier | None = None,
        ways: Ways = USUAL,
    ) -> None:
        self._url = url
        self._ways = ways
        self._carrier = carrier
        self._duties = {duty.name: duty for duty in duties if carrier is not None or isinstance(duty, Duty)}
        self._left = [duty.name for duty in duties if duty.name not in self._duties]
        self.figures = Figures(self._duties)
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()
        self._has_begun = False
        self.looks = 0
        """How often it has looked at all duties or some."""

    def stop(self) -> None:
        """Begin nothing new, finish what is being done."""
        self._stopping.set()

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Work until `stop`. Where the database goes away, wait for it. `ready` is called after the first look.

        Raises NotLoaded.
        """
        failed = 0
        if self._left:
            log.warning("no COUNTINGHOUSE_SMTP_URL is set: this worker carries no messages (%s)", ", ".join(self._left))
        database = await self._ways.database.open(worker_options(self._url))
        try:
            while not self._stopping.is_set():
                try:
                    await self._work(database, ready)
                except FAILURES as error:
                    failed = 0 if self._has_begun else failed + 1
                    self._has_begun = False
                    pause = min(FIRST_SECONDS_BETWEEN_TRIES * 2 ** min(failed, 9), LONGEST_SECONDS_BETWEEN_TRIES)
                    log.warning("the worker lost the database (%s); it tries again in %g s", said_of(error), pause)
                    await self._sleep(pause)
        finally:
            await database.close()

    async def _work(self, database: Database, ready: Callable[[], None]) -> None:
        """Work on one connection until `stop`. Raises one of FAILURES when that is lost."""
        connection = await connect(
            self._url, timeout=10, command_timeout=60, server_settings={"application_name": APPLICATION}
        )
        # Between two polls nobody asks anything on it, and nobody would notice.
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            if await connection.fetchval("select to_regclass('core.schema_version') is null"):
                raise NotLoaded
            queue = Queue(connection)
            for duty in self._duties.values():
                at_once = duty.at_once if isinstance(duty, Delivery) else 0
                do = doing(duty, database, self._carrier, self.figures)
                queue.handle(duty.name, self._ways.around(duty.name, do), at_once=at_once)
            await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
            await queue.take_over()
            self._has_begun = True
            looking = self._look_again_and_again(database, queue, ready)
            await _together(looking, queue.run(), (self._stopping, lost), queue.stop)
            if lost.is_set() and not self._stopping.is_set():
                raise ConnectionResetError
        finally:
            with suppress(*FAILURES):
                await connection.close(timeout=5)

    async def _look_again_and_again(self, database: Database, queue: Queue, ready: Callable[[], None]) -> None:
        next_look = dict.fromkeys(self._duties, 0.0)
        while not self._stopping.is_set():
            woken = self._woken.is_set()
            self._woken.clear()
            for name, due_at in next_look.items():
                if woken or due_at <= monotonic():
                    next_look[name] = monotonic() + self._duties[name].every.total_seconds()
                    await self._look(self._duties[name], database, queue)
            self.looks += 1
            await self._measure(database)
            ready()
            ready = lambda: None  # noqa: E731
            await self._sleep(LEAST_SECONDS_BETWEEN_LOOKS)
            await self._sleep(min(next_look.values()) - monotonic(), self._woken)

    async def _look(self, duty: Duty | Delivery, database: Database, queue: Queue) -> None:
        """Put into the queue what is due. A look that fails leaves the other duties alone."""
        try:
            found = await database.ask(FIND.format(due=duty.due), MOST_FOUND)
        except ApiError as error:
            log.warning("cannot find out what is due for %s (%s)", duty.name, said_of(error))
            return
        assert found is not None  # an aggregate has one row always
        tenants, things = (each or [] for each in found)
        self.figures.found(duty.name, len(tenants))
        await queue.add(
            Due(duty.name, UUID(tenant) if tenant else None, what) for tenant, what in zip(tenants, things, strict=True)
        )

    async def _measure(self, database: Database) -> None:
        """Say what waits in the queue."""
        try:
            row = await database.ask(WAITING)
        except ApiError as error:
            log.warning("cannot find out what waits in the queue (%s)", said_of(error))
            return
        assert row is not None  # an aggregate has one row always
        columns = [each or [] for each in row]
        self.figures.looked({duty: Waiting(jobs, since) for duty, jobs, since in zip(*columns, strict=True)})

    async def _sleep(self, seconds: float, *until: asyncio.Event) -> None:
        """Sleep so long, or until one of these happens or the worker is to stop."""
        if seconds <= 0:
            return
        waits = [asyncio.create_task(event.wait()) for event in (self._stopping, *until)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()


async def _together(
    looking: Awaitable[None], handing_out: Awaitable[None], until: Sequence[asyncio.Event], stop: Callable[[], None]
) -> None:
    """Both, until one fails or one of these has happened; then what is being done is given time to end. Raises what
    failed."""
    tasks = [asyncio.ensure_future(each) for each in (looking, handing_out)]
    stopped = [asyncio.create_task(event.wait()) for event in until]
    try:
        await asyncio.wait((*tasks, *stopped), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop()
        tasks[0].cancel()
        await asyncio.wait(tasks[1:], timeout=DRAIN_SECONDS)
        for task in (*tasks, *stopped):
            task.cancel()
        results = await asyncio.gather(*tasks, *stopped, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
