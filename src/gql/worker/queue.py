"""The queue between finding what is due and doing it: pgqueuer's, as we trust it.

It hands each job to one worker, to another one where that dies, and later again where it failed. It says nothing of
what is due: that stands in our own tables. And nothing that comes by NOTIFY, which whoever is connected can send, is
taken for more than a reason to look.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import NotifyCallback

from gql.database.jobs import SCHEMA, queue_settings

AT_ONCE: Final = 4
"""How many jobs a worker has in hands at a time, a connection each."""
BATCH: Final = 500
POLL: Final = timedelta(seconds=30)
LOST_AFTER: Final = timedelta(seconds=60)
"""After so long without a sign of life the job of a worker is another one's; at once where one comes and sees that it
is not connected any more."""
APPLICATION: Final = "countinghouse worker"
"""What a worker's connection is called; its number follows, and core.workers_connected() tells the others."""
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
LEAST_SECONDS_BETWEEN_NOTICES: Final = 0.2


WAITING: Final = f"""
    select array_agg(duty), array_agg(jobs), array_agg(since) from (
        select entrypoint as duty, count(*) as jobs, extract(epoch from min(execute_after))::float8 as since
        from {SCHEMA}.pgqueuer
        where status in ('queued', 'picked') and execute_after <= statement_timestamp()
        group by entrypoint
    ) as waiting
"""
# A job in whose worker's hands nothing happens any more is as one that has given no sign of life for long.
_LEFT: Final = """
    update pgqueuer.pgqueuer set heartbeat = 'epoch'
    where status = 'picked' and queue_manager_id not in (select core.workers_connected())
"""


class Due(NamedTuple):
    """One thing to do: which duty, for which organisation (None: the house), and what there."""

    duty: str
    tenant_id: UUID | None = None
    what: str | None = None

    @property
    def key(self) -> str:
        """What is in the queue once at most."""
        return f"{self.duty}:{self.tenant_id or ''}:{self.what or ''}"


class JobFailed(Exception):
    """The job did not succeed; the text says so without telling anything about an organisation's data."""


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts before the one that failed: twice as long each time, an hour at most."""
    return min(FIRST_PAUSE * (1 << min(attempts, 20)), LONGEST_PAUSE)


class WakingDriver(AsyncpgDriver):
    """The library's driver, except that a NOTIFY tells it nothing.

    It takes payloads as they come: one of them calls a job off, and many of them keep it awake. Here each becomes the
    same harmless one, and those that come quickly one after the other become one.
    """

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", channel: str) -> None:
        super().__init__(connection)
        self._notice = msgspec.json.encode(
            {
                "type": "table_changed_event",
                "channel": channel,
                "sent_at": "2000-01-01T00:00:00Z",
                "table": "pgqueuer",
                "operation": "update",
            }
        ).decode()
        self._is_told = False

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        loop = asyncio.get_running_loop()

        def tell() -> None:
            self._is_told = False
            callback(self._notice)

        def hear(payload: str | bytes | bytearray) -> None:
            if not self._is_told:
                self._is_told = True
                loop.call_later(LEAST_SECONDS_BETWEEN_NOTICES, tell)

        await super().add_listener(channel, hear)


class DeafManager(QueueManager):
    """The library's manager without its probes, which send a NOTIFY and believe what comes back. A listener that has
    died is found when the next poll fails on the same connection."""

    async def _run_periodic_health_check(self, interval: timedelta = POLL) -> None:
        await self.shutdown.wait()


class Queue:
    """The queue on one connection of the worker's."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        settings = queue_settings()
        self._connection = connection
        self._queries = Queries(
            WakingDriver(connection, settings.channel),
            qbe=QueryBuilderEnvironment(settings),
            qbq=QueryQueueBuilder(settings),
            qbs=QuerySchedulerBuilder(settings),
        )
        self._manager = DeafManager(self._queries, channel=Channel(settings.channel))

    async def take_over(self) -> None:
        """Let everybody know that this worker is there, and take what those had in hands who are gone. One whose
        connection was lost may still be at it: each job looks again whether it is due."""
        name = f"{APPLICATION} {self._manager.queue_manager_id}"
        await self._connection.execute("select set_config('application_name', $1, false)", name)
        await self._connection.execute(_LEFT)

    async def add(self, found: Iterable[Due]) -> int:
        """Put in what is not there yet; how much that was."""
        added = 0
        everything = list(found)
        for start in range(0, len(everything), BATCH):
            batch = everything[start : start + BATCH]
            ids = await self._queries.enqueue(
                [due.duty for due in batch],
                [msgspec.json.encode(due) for due in batch],
                [0] * len(batch),
                dedupe_key=[due.key for due in batch],
                on_conflict="skip",
            )
            added += sum(each is not None for each in ids)
        return added

    def handle(self, duty: str, do: Callable[[Due, int], Awaitable[None]], *, at_once: int = 0) -> None:
        """Have `do` do the jobs of a duty, with `at_once` no more than so many at a time among all workers. It is told
        how many attempts there were before, and raises JobFailed where there is to be another."""

        async def execute(job: Job) -> None:
            due = msgspec.json.decode(job.payload or b"", type=Due)
            failure = None
            try:
                await do(due, job.attempts)
            except JobFailed as problem:
                failure = str(problem)
            if failure is not None:
                # Outside of the handler, because the library writes down the whole chain of exceptions.
                raise RetryRequested(pause_after(job.attempts), failure)

        self._manager.entrypoint(duty, concurrency_limit=at_once, accepts_context=False)(execute)

    async def run(self) -> None:
        """Hand out jobs until `stop`, and wait for those that are being done."""
        await self._manager.run(
            dequeue_timeout=POLL,
            batch_size=AT_ONCE,
            max_concurrent_tasks=2 * AT_ONCE,
            heartbeat_timeout=LOST_AFTER,
            log_aggregation_interval=timedelta(0),  # it would take an advisory lock, which nobody here may
        )

    def stop(self) -> None:
        """Hand out no more."""
        self._manager.shutdown.set()
