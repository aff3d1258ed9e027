"""Works in turns: through our server, through the same function in pgbench, and two bare rows beside them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import asyncpg

from bench.database import CONNECTIONS, DIRECTORY, BenchDatabase, empty, place, postmaster_id
from bench.growth.asking import server
from bench.growth.requests import with_body
from bench.ledger.payments import Payments
from bench.ledger.placing import Placing
from bench.ledger.work import Ready, Work
from bench.load import Load, Sample, in_process_of_its_own
from bench.peers import pgbench
from bench.peers.ours import Ours
from bench.trade.check import WrongBooksError
from gql.database.embedded import EmbeddedServer

OURS: Final = "countinghouse"
FLOOR: Final = "two bare rows in pgbench"
WORKS: Final[Mapping[str, Callable[..., Awaitable[Work]]]] = {"payments": Payments.open, "orders": Placing.open}
FIRST_RATE: Final = 600
"""Of a work a second for which there is enough to do, until a contestant's own rate is known."""
LEAST_RATE: Final = 400
ROOM: Final = 1.6
"""How many times as many as the best round so far would use."""
SETTINGS: Final = ("fsync", "synchronous_commit", "full_page_writes", "wal_level")
_TABLES: Final = """
    create schema bench;
    create table bench.bare (account bigint not null, amount bigint not null);
    create sequence bench.places;
    grant usage on schema bench to countinghouse_tenant;
    grant usage on sequence bench.places to countinghouse_tenant;
"""
_BARE: Final = """\\set amount random(1, 100000)
begin;
insert into bench.bare values (1, :amount::bigint);
insert into bench.bare values (2, - :amount::bigint);
commit;
"""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Scope:
    """How long it takes."""

    works: Sequence[str] = ("payments", "orders")
    rounds: int = 5
    seconds: float = 2.0
    warm_seconds: float = 0.5
    directory: Path = DIRECTORY.parent / "bench-ledger"

    @property
    def longest(self) -> float:
        """The seconds of a round, with the one that pgbench is started with to spare."""
        return self.warm_seconds + self.seconds + 2


QUICK: Final = Scope(rounds=3, seconds=1.0, warm_seconds=0.3)


@dataclass(frozen=True)
class Result:
    """All samples of a work, by crowd and contestant, and what there is to know about how they were taken."""

    work: Work
    samples: dict[tuple[str, str], list[Sample]]
    done: int
    postgres_version: str
    settings: dict[str, str]


class Contestant(Protocol):
    """Something that does it."""

    name: str

    async def sample(self, ready: Ready) -> Sample:
        """One round."""


class Server:
    """Our server, asked over HTTP for one mutation after the other."""

    name = OURS

    def __init__(self, ours: Ours, work: Work, database: BenchDatabase, scope: Scope) -> None:
        self._ours, self._work, self._database, self._scope = ours, work, database, scope

    async def sample(self, ready: Ready) -> Sample:
        work = self._work
        like = await self._ours.request("list", work.facts, 0)
        return await in_process_of_its_own(
            Load(
                port=self._ours.port,
                requests=[[with_body(like, work.document, input=work.input(ready, place)) for place in ready.places]],
                weights=[1.0],
                connections=CONNECTIONS,
                warm_seconds=self._scope.warm_seconds,
                seconds=self._scope.seconds,
                seed=0,
                least_bytes=20,
                server_ids=self._ours.process_ids,
                postmaster_id=self._database.postmaster_id,
                writes=True,
                looks_for_errors=True,
            )
        )


class Function:
    """The function that our server calls, and nothing around it."""

    def __init__(self, work: Work, connection: asyncpg.Connection, database: BenchDatabase, scope: Scope) -> None:
        self._work, self._connection, self._database, self._scope = work, connection, database, scope
        self.name = work.function_name

    async def sample(self, ready: Ready) -> Sample:
        options = pgbench.options_of(pgbench.context_of(self._work.facts))
        given, scope = {"spread": str(ready.spread)}, self._scope
        await self._connection.execute("select setval('bench.places', $1, false)", max(ready.first, 1))
        return await pgbench.run(
            self._database, [self._work.function], options, scope.warm_seconds, scope.seconds, given
        )


class BareRows:
    """What two rows and a commit cost, without anything that a ledger keeps."""

    name = FLOOR

    def __init__(self, database: BenchDatabase, scope: Scope) -> None:
        self._database, self._scope = database, scope

    async def sample(self, ready: Ready) -> Sample:
        scope, url = self._scope, self._database.place.admin_url
        return await pgbench.run(self._database, [_BARE], "", scope.warm_seconds, scope.seconds, {}, url=url)


async def run(scope: Scope, say: Say = lambda _: None) -> list[Result]:
    """All rounds of each work, in a database that is made for them. Raises WrongBooksError where the books are wrong at
    the end."""
    async with empty(scope.directory) as (embedded, connection):
        await connection.execute(_TABLES)
        return [
            await _result(number, name, scope, embedded, connection, say) for number, name in enumerate(scope.works, 1)
        ]


async def _result(
    number: int, name: str, scope: Scope, embedded: EmbeddedServer, connection: asyncpg.Connection, say: Say
) -> Result:
    say(f"{name}: making the books")
    work = await WORKS[name](connection, number)
    version = str(await connection.fetchval("show server_version"))
    settings = {name: str(await connection.fetchval(f"show {name}")) for name in SETTINGS}
    database = BenchDatabase(place(embedded), [work.facts], postmaster_id(embedded), version, embedded.program)
    async with server(database.place, [work.facts], scope.directory) as ours:
        contestants: list[Contestant] = [
            Server(ours, work, database, scope),
            Function(work, connection, database, scope),
            BareRows(database, scope),
        ]
        samples = await _rounds(scope, contestants, work, lambda text: say(text and f"{name}: {text}"))
    say(f"{name}: checking the books")
    await work.check()
    return Result(work, samples, await work.done(), version, settings)


async def _rounds(
    scope: Scope, contestants: Sequence[Contestant], work: Work, say: Say
) -> dict[tuple[str, str], list[Sample]]:
    """In turns, so that whatever the machine does meanwhile falls on all alike."""
    samples: dict[tuple[str, str], list[Sample]] = {}
    for crowd, spread in work.crowds.items():
        for number in range(scope.rounds):
            for contestant in contestants:
                say(f"{crowd}, round {number + 1} of {scope.rounds}: {contestant.name}")
                found = samples.setdefault((crowd, contestant.name), [])
                ready = Ready(0, 0, 1)
                if contestant.name != FLOOR:
                    rate = max((sample.per_second for sample in found), default=FIRST_RATE)
                    ready = await work.ready(int(max(rate * ROOM, LEAST_RATE) * scope.longest), spread)
                there = await work.done()
                sample = await contestant.sample(ready)
                found.append(sample)
                if ready.count and await work.done() - there < sample.requests:
                    raise WrongBooksError(f"{contestant.name} answered more often than it was done.")
    return samples
