"""A replica that answers queries: how far it is, and whom it may answer.

It follows the primary some milliseconds behind, or minutes on a bad day. So it is asked again and again up to which
position of the primary's log it has replayed, and the primary which position it has reached: from this follows since
when, by the clock of this process, the replica may lack something. It answers only those who need nothing later, and
never what another database, an earlier timeline or a server that follows nobody would say.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from asyncpg.connect_utils import SessionAttribute

from gql.database.pool.connections import Connection, Row
from gql.database.pool.lending import Pool
from gql.database.pool.options import DatabaseOptions
from gql.database.pool.pooler import kind_of
from gql.database.pool.servers import FAILURES, TIMELINE, Raw, Servers, WrongServer
from gql.database.together import Together

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 0.1
EVERY_SECONDS_AWAY: Final = 1.0
ANSWER_SECONDS: Final = 1.5
"""Whoever takes longer to say where they are is away."""
LATE: Final = "it lags further behind than it may"
MOST_REMEMBERED: Final = 10_000
MOST_SAMPLES: Final = 1_000

# Whoever commits without waiting for the disk has committed up to where is written next, not where is written to. After
# a whole page that is behind the header of the page to come, which nobody reaches before there is more to say.
_POSITION: Final = """case
    when insert_lsn - flush_lsn in (24, 40) and mod(flush_lsn - '0/0', 8192) = 0 then flush_lsn else insert_lsn end"""
PRIMARY: Final = f"""
    select ({_POSITION} - '0/0')::bigint
    from (select pg_current_wal_insert_lsn() as insert_lsn, pg_current_wal_flush_lsn() as flush_lsn) as log
"""
PRIMARY_ITSELF: Final = f"select {TIMELINE}, (pg_control_system()).system_identifier"
"""What stays as long as a connection does."""
# Which timeline a replica replays it says late: what it has written down counts, so that none is believed too soon.
REPLICA: Final = """
    select pg_is_in_recovery(), (coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0')::bigint,
           greatest((pg_control_checkpoint()).timeline_id, (pg_control_recovery()).min_recovery_end_timeline),
           (pg_control_system()).system_identifier,
           pg_postmaster_start_time()::text
"""


class Asked:
    """A server that is asked one question over and over, on a connection of its own. Those who ask at the same time
    share the next answer: it is from after they asked."""

    def __init__(self, servers: Servers, question: str, options: DatabaseOptions, *, first: str = "select") -> None:
        self._servers = servers
        self._question = question
        self._first = first
        self.itself: Row = ()
        """What was answered to the first question, which each connection is asked once."""
        self._options = options
        self._connection: Connection | None = None
        self._together: Together[None, Row] = Together(self._ask_for, most=1_000, at_once=1)

    async def answer(self) -> Row:
        """Raises one of FAILURES."""
        return await self._together.answer(None)

    async def _ask_for(self, many: Sequence[None]) -> list[Row]:
        try:
            if self._connection is None or self._connection.is_closed:
                self._connection = await kind_of(self._options).open(self._servers, self._options, read_only=True)
                async with asyncio.timeout(ANSWER_SECONDS):
                    self.itself = await self._connection.ask(self._first, ()) or ()
            async with asyncio.timeout(ANSWER_SECONDS):
                row = await self._connection.ask(self._question, ())
        except BaseException:
            self.hang_up()
            raise
        assert row is not None
        return [row] * len(many)

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


class Replica:
    """The pool of the replica, and what is known of it. `succeeded` is called when there is another primary."""

    def __init__(
        self,
        url: str,
        primary: Servers,
        options: DatabaseOptions,
        succeeded: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        servers = Servers(url, SessionAttribute.standby, self._is_the_same)
        self.pool = Pool(servers, options, options.read_connections, read_only=True)
        self.sent_on = 0
        """Queries that it could not answer, and the primary did."""
        self._primary = Asked(primary, PRIMARY, options, first=PRIMARY_ITSELF)
        self._replica = Asked(Servers(url, SessionAttribute.standby, _anyone), REPLICA, options)
        self._succeeded = succeeded
        self._limit = options.read_lag_limit
        self._clock = clock
        self._watching: asyncio.Task[None] | None = None
        self._trouble: str | None = "nobody has looked yet"
        self._begun = self._as_of = clock()
        self._samples: deque[tuple[float, int]] = deque(maxlen=MOST_SAMPLES)
        self._written = self._replayed = 0
        self._known: tuple[int, int] | None = None  # timeline and system of the primary
        self._server = ""
        self._needs: dict[UUID, float] = {}
        self._all_need = clock()

    @property
    def lag_bytes(self) -> int:
        """How much of what the primary has written it has not replayed."""
        return max(self._written - self._replayed, 0)

    @property
    def lag_seconds(self) -> float:
        """For how long it may have lacked something: that long ago it had all."""
        return self._clock() - self._as_of

    @property
    def is_used(self) -> bool:
        """Whether it answers anybody."""
        return self._trouble is None and self._all_need < self._as_of and self.lag_seconds <= self._limit

    def watch(self) -> None:
        """Begin to look, if nobody has."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def close(self, within: float) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        self._primary.hang_up()
        self._replica.hang_up()
        await self.pool.close(within)

    def may_answer(self, tenant_id: UUID, position: int) -> bool:
        """Whether it has all that somebody of this tenant must find, and what was written up to the position."""
        self.watch()
        needed = self._needs.get(tenant_id, self._all_need)
        return self.is_used and needed < self._as_of and position <= self._replayed

    def needs_all_until_now(self, tenant_id: UUID) -> None:
        """From now on this tenant is answered by nobody who lacks what the primary has at this moment."""
        if len(self._needs) < MOST_REMEMBERED:
            self._needs[tenant_id] = self._clock()
        else:
            self._all_need = self._clock()

    async def position(self) -> int | None:
        """A position of the primary behind everything that was committed before; None where it cannot be asked."""
        try:
            return int((await self._primary.answer())[0])
        except FAILURES as error:
            log.warning("the primary does not say how far it is: %s: %s", type(error).__name__, error)
            return None

    def is_lost(self, error: BaseException) -> None:
        """Somebody could not reach it: it is used again when it has been looked at."""
        self._judge(f"it cannot be reached ({type(error).__name__})")

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the replica could not be looked at")
                self._judge("it could not be looked at")
            await asyncio.sleep(EVERY_SECONDS if self._trouble in (None, LATE) else EVERY_SECONDS_AWAY)

    async def look(self) -> None:
        """Ask both where they are."""
        asked_at = self._clock()
        primary, replica = await asyncio.gather(self._primary.answer(), self._replica.answer(), return_exceptions=True)
        if not isinstance(primary, BaseException):
            self._note_primary(asked_at, primary[0], *self._primary.itself)
        elif not isinstance(primary, FAILURES):
            raise primary
        if not isinstance(replica, BaseException):
            self._judge(self._note_replica(*replica))
        elif isinstance(replica, FAILURES):
            self._judge(f"it cannot be asked ({type(replica).__name__})")
        else:
            raise replica

    def _note_primary(self, asked_at: float, position: int, timeline: int, system: int) -> None:
        if self._known != (timeline, system):
            # Another server may count other things by the same numbers. And whoever still waits for the one before may
            # wait for long: it may have fallen silent without hanging up.
            if self._known is not None:
                log.warning("there is another primary: its timeline is %s", timeline)
                self._succeeded()
            self._known = (timeline, system)
            self._begin_anew()
        self._written = position
        self._samples.append((asked_at, position))

    def _note_replica(self, follows: bool, position: int, timeline: int, system: int, server: str) -> str | None:
        """What speaks against using it."""
        if not follows:
            # Where it is at home there may be a standby by now.
            self._replica.hang_up()
            return "it follows nobody any more, so it was promoted"
        if self._known is None:
            return "the primary has never been reached"
        if system != self._known[1]:
            return "it is a copy of another database"
        if timeline != self._known[0]:
            return f"its timeline is {timeline}, and the primary's {self._known[0]}"
        if server != self._server or position < self._replayed:
            # It may be another one, or the same from an earlier point on: it was restarted.
            self._server = server
            self.pool.hang_up()
            self._begin_anew()
        self._replayed = position
        while self._samples and self._samples[0][1] <= position:
            self._as_of = self._samples.popleft()[0]
        self._needs = {tenant: needed for tenant, needed in self._needs.items() if needed >= self._as_of}
        return LATE if self.lag_seconds > self._limit else None

    def _begin_anew(self) -> None:
        """What was known of its progress counts no more."""
        self._samples.clear()
        self._all_need = self._clock()

    def _judge(self, trouble: str | None) -> None:
        if trouble == self._trouble:
            return
        if trouble is None:
            log.warning("the replica answers queries from now on")
        else:
            log.warning("the primary answers all queries from now on; of the replica: %s", trouble)
            if trouble != LATE:
                # Those that it is still answering would wait for nothing, or for what no longer counts.
                self.pool.hang_up()
        self._trouble = trouble

    async def _is_the_same(self, raw: "Raw[Any]") -> int:
        """Whether this is the server that is being watched, and as far as it was: behind one name may be several, and
        one that was restarted begins somewhere before."""
        row = await raw.fetchrow(REPLICA)
        assert row is not None
        _, position, _, _, server = row
        if server != self._server or position < self._replayed:
            raise WrongServer("it is another replica than the one that is watched")
        return 0


async def _anyone(raw: "Raw[Any]") -> int:
    return 0


def written(position: int) -> str:
    """A position as PostgreSQL writes it, such as 0/16B3748."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def read(text: str) -> int:
    """The position that was written so."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)
