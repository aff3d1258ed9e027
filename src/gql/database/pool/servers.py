"""The servers of one address, and which of them is connected to.

A primary may change: it dies, and a standby is promoted. Whoever connects to the primary is therefore given the one of
the address that takes writes, wherever it is by then. Where two say so, because an old primary came back, it is the one
of the later timeline: each promotion begins a new one, so that a server that has a successor has the lower number.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qs

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from gql.places import Place, parts_of, places_of

log = logging.getLogger(__name__)

Raw = asyncpg.Connection
FAILURES: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What connecting and all that comes after it may raise. A time-out is an OSError."""
TIMELINE: Final = "('x' || substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::int"
"""The timeline that a primary writes: the first eight digits of the names of its files."""
USUAL_NAME: Final = "countinghouse"
ALONE_SECONDS: Final = 0.5
"""How long the one where we were last has before the others are asked as well."""
OTHERS_SECONDS: Final = 1.5
"""How long each may take to let us in where there are others: one that has gone from the net says nothing at all."""


class WrongServer(ConnectionError):
    """It let us in, and is not the server that is meant."""


class Servers:
    """The servers that an address names. `judge` looks at a connection to one of them before it is used, raises
    WrongServer where it is not to be, and else answers a number: of several, the highest is taken."""

    def __init__(self, url: str, kind: SessionAttribute, judge: Callable[["Raw[Any]"], Awaitable[int]]) -> None:
        self._kind = kind
        self._judge = judge
        parts, self._places = parts_of(url), places_of(url)
        # All but where they are, which asyncpg is told of one at a time.
        self._url = parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@").geturl()
        self._last: Place | None = None
        self.application_name = parse_qs(parts.query).get("application_name", [USUAL_NAME])[-1]
        """What PostgreSQL is to know a pool by."""

    async def connect(self, **how: Any) -> "Raw[asyncpg.Record]":
        """A connection to the one that is meant: where it was last, if it is still there. Raises one of FAILURES."""
        if len(self._places) == 1:
            return (await self._try(self._places[0], how))[1]
        tries: dict[Place, asyncio.Task[tuple[int, Raw[asyncpg.Record]]]] = {}
        taken: Place | None = None
        try:
            last = self._last  # others connect meanwhile, and may find another one
            if last is not None:
                tries[last] = asyncio.create_task(self._try(last, how))
                await asyncio.wait(tries.values(), timeout=ALONE_SECONDS)
                if tries[last].done() and _let_in(tries[last]):
                    taken = last
            if taken is None:
                for place in self._places:
                    if place not in tries:
                        tries[place] = asyncio.create_task(self._try(place, how))
                await asyncio.wait(tries.values())
                let_in = {place: each.result()[0] for place, each in tries.items() if _let_in(each)}
                if not let_in:
                    raise tries[self._places[0]].exception() or WrongServer()
                taken = self._last = max(let_in, key=lambda place: let_in[place])
            return tries[taken].result()[1]
        finally:
            for place, each in tries.items():
                if place != taken:
                    each.add_done_callback(_hang_up)
                    each.cancel()

    async def _try(self, place: Place, how: dict[str, Any]) -> "tuple[int, Raw[asyncpg.Record]]":
        if len(self._places) > 1:
            how = {**how, "timeout": min(how.get("timeout", OTHERS_SECONDS), OTHERS_SECONDS)}
        try:
            raw = await asyncpg.connect(
                self._url, host=place.host, port=place.port, target_session_attrs=self._kind, **how
            )
        except asyncpg.TargetServerAttributeNotMatched as error:
            raise WrongServer(f"{place.host}:{place.port} is no {self._kind.value}") from error
        try:
            async with asyncio.timeout(how.get("timeout")):
                return await self._judge(raw), raw
        except BaseException:
            raw.terminate()
            raise


def _let_in(attempt: "asyncio.Task[Any]") -> bool:
    return not attempt.cancelled() and attempt.exception() is None


def _hang_up(attempt: "asyncio.Task[Any]") -> None:
    if _let_in(attempt):
        attempt.result()[1].terminate()


class Primary(Servers):
    """The server of an address that takes writes, of the latest timeline that was ever seen here."""

    def __init__(self, url: str) -> None:
        super().__init__(url, SessionAttribute.primary, self._latest)
        self._timeline = 0

    async def _latest(self, raw: "Raw[Any]") -> int:
        timeline = int(await raw.fetchval(f"select {TIMELINE}"))
        if timeline < self._timeline:
            log.error(
                "a server of timeline %s takes writes, and its successor has begun timeline %s: it is to be shut down",
                timeline,
                self._timeline,
            )
            raise WrongServer(f"it has been succeeded: its timeline is {timeline}, and there is {self._timeline}")
        self._timeline = timeline
        return timeline


async def connect(url: str, **how: Any) -> "Raw[asyncpg.Record]":
    """A connection of one's own to the primary of this address. Raises one of FAILURES."""
    return await Primary(url).connect(**how)
