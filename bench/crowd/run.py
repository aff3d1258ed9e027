"""The crowd in turns: at our server, looking and writing; there, looking only; at PostGraphile, looking only."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from bench.crowd.businesses import Business, found
from bench.crowd.deeds import Desk
from bench.crowd.load import Ask, Guest, Load, Sample, in_process_of_its_own
from bench.crowd.peers import Doors, OurDoors, PostGraphileDoors
from bench.crowd.people import OPERATOR, TURNS, Person, sign_in
from bench.crowd.questions import QUESTIONS, Question, comparable
from bench.database import DIRECTORY, load_schema, place, postmaster_id, remove, running
from bench.dataset import settle
from bench.growth.asking import server
from bench.load import ask
from bench.peers.peer import Place
from bench.peers.postgraphile import TunedPostGraphile
from bench.trade.books import Shape
from bench.trade.check import check

MIXED: Final = "countinghouse, reads and writes"
READS: Final = "countinghouse, reads"
POSTGRAPHILE: Final = "postgraphile tuned, reads"
CONTESTANTS: Final = (MIXED, READS, POSTGRAPHILE)
LOOKING_SECONDS: Final = 0.5
"""Between two looks at the connections of PostgreSQL."""
# Rows come and go here as they would in years, so that what they leave behind is cleared away meanwhile.
CONFIGURATION: Final = {"autovacuum": "on"}
_CONNECTIONS: Final = """
    select count(*), count(*) filter (where state <> 'idle') from pg_stat_activity
    where backend_type = 'client backend' and usename = 'countinghouse_api'
"""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Scope:
    """Who comes, where to, and for how long."""

    people: int = 2_000
    organisations: int = 20
    orders: int = 5_000
    """Of each organisation."""
    shape: Shape = field(default_factory=lambda: Shape(vendors=10, retailers=200, products=2_000, offers=200))
    contestants: Sequence[str] = CONTESTANTS
    rounds: int = 3
    seconds: float = 30.0
    warm_seconds: float = 10.0
    think_seconds: float = 1.0
    writes: float = 0.10
    """The share of writes in all that is sent; only who works for an organisation writes."""
    directory: Path = DIRECTORY.parent / "bench-crowd"


QUICK: Final = Scope(
    people=40,
    organisations=2,
    orders=200,
    shape=Shape(vendors=3, retailers=20, products=200, offers=50),
    rounds=1,
    seconds=2.0,
    warm_seconds=1.0,
    think_seconds=0.2,
)


@dataclass(frozen=True)
class Stay:
    """One round of one contestant: what the crowd saw, and the most connections that PostgreSQL had meanwhile, open
    and at work."""

    sample: Sample
    connections: int
    busy: int


@dataclass(frozen=True)
class Result:
    """All rounds, by contestant, and what there is to know about how they were taken."""

    stays: dict[str, list[Stay]]
    people: dict[str, int]
    """By role."""
    deeds: int
    """Orders, payments and other things that were changed since the beginning, as the audit log counts them."""
    postgres_version: str


class DifferentAnswersError(Exception):
    """Two servers do not answer a question alike, or one has no answer."""


async def run(scope: Scope, say: Say = lambda _: None) -> Result:
    """All rounds, on books that are made for them. Raises WrongBooksError where those are wrong at the end."""
    _clear(scope.directory)
    try:
        async with running(scope.directory, CONFIGURATION) as embedded:
            say("Making the books")
            await load_schema(embedded)
            connection = await asyncpg.connect(embedded.admin_url)
            try:
                businesses = await _businesses(connection, scope, say)
                people = await sign_in(connection, businesses, scope.people)
                await settle(connection)
                await _check(connection, businesses, is_untouched=True)
                before = await _changes(connection)
                contest = _Contest(scope, place(embedded), postmaster_id(embedded), connection, people)
                stays = await contest.rounds(say)
                say("Checking the books")
                await _check(connection, businesses, is_untouched=False)
                deeds = await _changes(connection) - before
                version = str(await connection.fetchval("show server_version"))
                roles = {role: sum(person.role == role for person in people) for role in dict.fromkeys(TURNS)}
                return Result(stays, roles, deeds, version)
            finally:
                await connection.close()
    finally:
        _clear(scope.directory)


async def _businesses(connection: asyncpg.Connection, scope: Scope, say: Say) -> list[Business]:
    made = []
    for number in range(1, scope.organisations + 1):
        say(f"Making the books of organisation {number} of {scope.organisations}")
        made.append(await found(connection, number, scope.shape, scope.orders))
    return made


async def _check(connection: asyncpg.Connection, businesses: Sequence[Business], *, is_untouched: bool) -> None:
    for business in businesses:
        await check(connection, business.tenant_id, is_untouched=is_untouched)


async def _changes(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("select count(*) from core.audit_log"))


class _Contest:
    """The contestants in turns, each with a server that is started for its round, so that memory is its own."""

    def __init__(
        self, scope: Scope, where: Place, postmaster: int, connection: asyncpg.Connection, people: Sequence[Person]
    ) -> None:
        self._scope, self._place, self._postmaster = scope, where, postmaster
        self._connection = connection
        self._people = people
        self._answers: dict[str, Any] = {}

    async def rounds(self, say: Say) -> dict[str, list[Stay]]:
        """In turns, so that whatever the machine does meanwhile falls on all alike."""
        scope = self._scope
        stays: dict[str, list[Stay]] = {name: [] for name in scope.contestants}
        say("Comparing the answers")
        for name in scope.contestants:
            if name != MIXED:
                async with self._doors(name) as doors:
                    await self._compare(doors)
        for number in range(scope.rounds):
            for name in scope.contestants:
                say(f"round {number + 1} of {scope.rounds}: {name}")
                async with self._doors(name) as doors:
                    stays[name].append(await self._stay(doors, number, writes=name == MIXED))
        return stays

    @asynccontextmanager
    async def _doors(self, name: str) -> AsyncIterator[Doors]:
        if name == POSTGRAPHILE:
            peer = TunedPostGraphile(self._place, [], "trade")
            await peer.start()
            try:
                yield PostGraphileDoors(peer)
            finally:
                await peer.stop()
        else:
            async with server(self._place, [], self._scope.directory) as ours:
                yield OurDoors(ours)

    async def _compare(self, doors: Doors) -> None:
        """Ask every question once as somebody of each role, and see that all answer it, and alike."""
        for role in dict.fromkeys(TURNS):
            person = next(person for person in self._people if person.role == role)
            for question in QUESTIONS:
                if role not in question.weights:
                    continue
                for variables in question.variables(person):
                    body = doors.body(person, question, variables)
                    _, answer = await ask(doors.port, _request(doors.head(person), body))
                    told = json.loads(answer)
                    if told.get("errors") or not told.get("data"):
                        raise DifferentAnswersError(f"{doors.name}: {question.name} of a {role}: {answer[:600]!r}")
                    mine = comparable(told["data"])
                    first = self._answers.setdefault(f"{role} {question.name} {variables}", mine)
                    if mine != first:
                        raise DifferentAnswersError(f"{question.name} of a {role}: {first} is not {mine}")

    async def _stay(self, doors: Doors, number: int, *, writes: bool) -> Stay:
        scope = self._scope
        businesses = list(dict.fromkeys(person.tenant_id for person in self._people))
        desks = {
            person.tenant_id: Desk(
                [(line.retailer_id, line.vendor_id) for line in person.business.lines],
                {vendor: list(offers) for vendor, offers in person.business.offers.items()},
            )
            for person in self._people
        }
        share = scope.writes * len(TURNS) / TURNS.count(OPERATOR)
        guests = [
            Guest(
                doors.head(person),
                [each for question in QUESTIONS for each in _asks(doors, person, question)],
                *((businesses.index(person.tenant_id), share) if writes and person.role == OPERATOR else ()),
            )
            for person in self._people
        ]
        load = Load(
            port=doors.port,
            guests=guests,
            desks=[desks[business] for business in businesses],
            think_seconds=scope.think_seconds,
            warm_seconds=scope.warm_seconds,
            seconds=scope.seconds,
            seed=number,
            server_ids=doors.process_ids,
            postmaster_id=self._postmaster,
        )
        # Its socket listens before it can answer.
        await ask(doors.port, _request(guests[0].head, guests[0].asks[0].body))
        sample, (connections, busy) = await self._watched(in_process_of_its_own(load))
        return Stay(sample, connections, busy)

    async def _watched(self, taking: Awaitable[Sample]) -> tuple[Sample, tuple[int, int]]:
        """The sample, and the most connections meanwhile."""
        most = [0, 0]

        async def look() -> None:
            while True:
                row = await self._connection.fetchrow(_CONNECTIONS)
                assert row is not None
                most[:] = map(max, most, row)
                await asyncio.sleep(LOOKING_SECONDS)

        looking = asyncio.create_task(look())
        try:
            return await taking, (most[0], most[1])
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking


def _asks(doors: Doors, person: Person, question: Question) -> list[Ask]:
    """The requests by which this person asks this question, alike likely; none where the role never asks it."""
    weight = question.weights.get(person.role, 0)
    if not weight:
        return []
    given = question.variables(person)
    return [Ask(question.name, doors.body(person, question, each), weight / len(given)) for each in given]


def _request(head: bytes, body: bytes) -> bytes:
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


def _clear(directory: Path) -> None:
    remove(directory)
    shutil.rmtree(directory, ignore_errors=True)
