"""Transfers in turns: payments through our server, through the same function in pgbench, and two bare rows."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import asyncpg

from bench.database import CONNECTIONS, DIRECTORY, BenchDatabase, load_schema, place, postmaster_id, remove, running
from bench.growth.asking import server
from bench.growth.requests import with_body
from bench.ledger.books import AMOUNT, CLIENT_ID, INVOICE_ID, METHOD, Books, Open, WrongBooksError
from bench.load import Load, Sample, in_process_of_its_own
from bench.peers import pgbench
from bench.peers.ours import Ours

OURS: Final = "countinghouse"
FUNCTION: Final = "payment_record() in pgbench"
FLOOR: Final = "two bare rows in pgbench"
SPREAD: Final = "50 clients"
CONTENDED: Final = "one client"
CLIENTS: Final = {SPREAD: 50, CONTENDED: 1}
FIRST_RATE: Final = 1_500
"""Transfers a second for which open invoices are made, until a contestant's own rate is known."""
LEAST_RATE: Final = 400
ROOM: Final = 1.6
"""How many times as many as the best round so far would use."""
SETTINGS: Final = ("fsync", "synchronous_commit", "full_page_writes", "wal_level")
DOCUMENT: Final = (
    "mutation Pay($input: PaymentRecordInput!) { paymentRecord(input: $input) { payment { id status amount } } }"
)
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
# Sessions take the next open invoice each: one that waits for locks less than others pays more of them.
_FUNCTION: Final = f"""select billing.payment_record(format(
    '{{"client_id":"{CLIENT_ID}%s","method":"{METHOD}","amount":"{AMOUNT}.00","status":"CONFIRMED","reference":"R-%s",'
    '"allocations":[{{"invoice_id":"{INVOICE_ID}%s","amount":"{AMOUNT}.00"}}]}}',
    lpad((place % :clients::bigint)::text, 11, '0'), place, lpad(place::text, 12, '0')
)::jsonb) from (select nextval('bench.places') as place offset 0) as next;
"""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Scope:
    """How long it takes."""

    crowds: Sequence[str] = (SPREAD, CONTENDED)
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
    """All samples, by crowd and contestant, and what there is to know about how they were taken."""

    samples: dict[tuple[str, str], list[Sample]]
    payments: int
    postgres_version: str
    settings: dict[str, str]


class Contestant(Protocol):
    """Something that moves money."""

    name: str

    async def sample(self, invoices: Open) -> Sample:
        """One round."""


class Server:
    """Our server, asked over HTTP for one mutation after the other."""

    name = OURS

    def __init__(self, ours: Ours, books: Books, database: BenchDatabase, scope: Scope) -> None:
        self._ours, self._books, self._database, self._scope = ours, books, database, scope

    async def sample(self, invoices: Open) -> Sample:
        like = await self._ours.request("list", self._books.facts, 0)
        places = range(invoices.first, invoices.first + invoices.count)
        return await in_process_of_its_own(
            Load(
                port=self._ours.port,
                requests=[[with_body(like, DOCUMENT, input=payment(invoices, place)) for place in places]],
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

    name = FUNCTION

    def __init__(self, books: Books, database: BenchDatabase, scope: Scope) -> None:
        self._books, self._database, self._scope = books, database, scope

    async def sample(self, invoices: Open) -> Sample:
        options = pgbench.options_of(pgbench.context_of(self._books.facts))
        given = {"clients": str(invoices.clients)}
        scope = self._scope
        await self._books.pass_to(invoices.first)
        return await pgbench.run(self._database, [_FUNCTION], options, scope.warm_seconds, scope.seconds, given)


class BareRows:
    """What two rows and a commit cost, without anything that a ledger keeps."""

    name = FLOOR

    def __init__(self, database: BenchDatabase, scope: Scope) -> None:
        self._database, self._scope = database, scope

    async def sample(self, invoices: Open) -> Sample:
        scope, url = self._scope, self._database.place.admin_url
        return await pgbench.run(self._database, [_BARE], "", scope.warm_seconds, scope.seconds, {}, url=url)


def payment(invoices: Open, place: int) -> dict[str, object]:
    """The input of the payment that pays the invoice of this place."""
    return {
        "clientId": invoices.client_id(place),
        "method": METHOD,
        "amount": f"{AMOUNT}.00",
        "status": "CONFIRMED",
        "reference": f"R-{place}",
        "allocations": [{"invoiceId": invoices.invoice_id(place), "amount": f"{AMOUNT}.00"}],
    }


async def run(scope: Scope, say: Say = lambda _: None) -> Result:
    """All rounds, on books that are made for them. Raises WrongBooksError where those are wrong at the end."""
    _clear(scope.directory)
    try:
        async with running(scope.directory) as embedded:
            say("Making the books")
            await load_schema(embedded)
            connection = await asyncpg.connect(embedded.admin_url)
            try:
                await connection.execute(_TABLES)
                books = await Books.open(connection, 1, max(CLIENTS.values()))
                version = str(await connection.fetchval("show server_version"))
                settings = {name: str(await connection.fetchval(f"show {name}")) for name in SETTINGS}
                database = BenchDatabase(
                    place(embedded), [books.facts], postmaster_id(embedded), version, embedded.program
                )
                async with server(database.place, [books.facts], scope.directory) as ours:
                    contestants: list[Contestant] = [
                        Server(ours, books, database, scope),
                        Function(books, database, scope),
                        BareRows(database, scope),
                    ]
                    samples = await _rounds(scope, contestants, books, say)
                say("Checking the books")
                await books.check()
                return Result(samples, await books.paid(), version, settings)
            finally:
                await connection.close()
    finally:
        _clear(scope.directory)


async def _rounds(
    scope: Scope, contestants: Sequence[Contestant], books: Books, say: Say
) -> dict[tuple[str, str], list[Sample]]:
    """In turns, so that whatever the machine does meanwhile falls on all alike."""
    samples: dict[tuple[str, str], list[Sample]] = {}
    for crowd in scope.crowds:
        for number in range(scope.rounds):
            for contestant in contestants:
                say(f"{crowd}, round {number + 1} of {scope.rounds}: {contestant.name}")
                found = samples.setdefault((crowd, contestant.name), [])
                invoices = Open(0, 0, 1)
                if contestant.name != FLOOR:
                    rate = max((sample.per_second for sample in found), default=FIRST_RATE)
                    count = int(max(rate * ROOM, LEAST_RATE) * scope.longest)
                    invoices = await books.issue(count, CLIENTS[crowd])
                there = await books.paid()
                sample = await contestant.sample(invoices)
                found.append(sample)
                if invoices.count and await books.paid() - there < sample.requests:
                    raise WrongBooksError(f"{contestant.name} answered more payments than there are.")
    return samples


def _clear(directory: Path) -> None:
    remove(directory)
    shutil.rmtree(directory, ignore_errors=True)
