"""One organisation asks for all that it may and more: others get their connection at once, and it is told to wait."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Final

import asyncpg
import httpx
import pytest

from gql.fairness.crowd import ABOUT_SECONDS
from gql.fairness.shares import USUAL_PACE
from gql.settings import Settings
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_tenant
from tests.http.servers import Running, refusal, running

READS: Final = 10
WRITES: Final = 6
CAP: Final = 8
FLOOD: Final = 40
PATIENCE: Final = 30.0
A_REST: Final = USUAL_PACE.most_rest / 2
"""Seconds. The shortest is longer, and nothing else takes so long."""
COUNT: Final = "{ clients { totalCount } }"
CREATE: Final = 'mutation { clientCreate(input: {name: "One more"}) { client { id } } }'
WAITING: Final = (
    "select count(*) from pg_stat_activity where usename = 'countinghouse_api' and wait_event_type = 'Lock'"
)
# Waits for a lock are what a test can have last as long as it likes: a view of the table's own is locked, and whoever
# asks for the noisy one's rows waits there, as for a long statement. The quiet ones have another table to ask.
OTHER: Final = "{ products { totalCount } }"
MADE: Final = (
    'mutation ($code: String!) { productCreate(input: {productCode: $code, name: "Quiet"}) { product { id } } }'
)


@pytest.fixture
async def server(settings: Settings, database: TestDatabase) -> AsyncIterator[Running]:
    """One as it comes, only that nobody waits long in vain, and no statement runs for long."""
    given = replace(
        settings,
        read_connections=READS,
        write_connections=WRITES,
        connections_per_tenant=CAP,
        acquire_timeout_ms=1500,
        statement_timeout_ms=2500,
    )
    async with running(given, database.api_url) as server:
        yield server


@asynccontextmanager
async def clients_locked() -> AsyncIterator[None]:
    """Every statement about clients lasts as long as it may."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("lock table billing.clients in access exclusive mode")
        yield


async def waiting(connection: asyncpg.Connection) -> int:
    found: int = await connection.fetchval(WAITING)
    return found


def reason(answer: httpx.Response) -> str | None:
    errors = answer.json().get("errors")
    return errors[0]["extensions"].get("reason") if errors else None


@pytest.mark.parametrize("document", [COUNT, CREATE], ids=["reading", "writing"])
async def test_others_are_answered_at_once_while_one_holds_all_it_may(
    server: Running, noisy: Tenant, quiet: list[Tenant], document: str
) -> None:
    pool = server.app.database.reads if document == COUNT else server.app.database.writes
    token = server.token(noisy.owner, noisy)
    async with clients_locked(), as_superuser() as looking:
        await asyncio.sleep(ABOUT_SECONDS + 0.1)  # nobody else has been about
        flood = [asyncio.create_task(server.ask(document, token=token)) for _ in range(FLOOD)]

        async def holds_all() -> bool:
            await asyncio.sleep(0.01)
            return await waiting(looking) == min(CAP, pool.statistics.limit - 1)

        await until(holds_all, "it holds all that it may, and others have a connection left", PATIENCE)
        for number in range(20):
            each = quiet[number % len(quiet)]
            asked = (OTHER, {}) if document == COUNT else (MADE, {"code": f"Q-{number}"})
            answer = await server.ask(asked[0], token=server.token(each.owner, each), variables=asked[1])
            assert "errors" not in answer.json(), "nobody quiet is refused"
            assert not any(each.done() and reason(each.result()) is None for each in flood), (
                "nor waits for the noisy one"
            )
        answers = await asyncio.gather(*flood)
    told = Counter(reason(answer) for answer in answers)
    assert told["SHARE_EXHAUSTED"] > 0
    assert set(told) <= {"SHARE_EXHAUSTED", "STATEMENT_TIMEOUT", "LOCKED"}, told
    for answer in answers:
        if reason(answer) == "SHARE_EXHAUSTED":
            assert refusal(answer)[:2] == (503, "UNAVAILABLE")
            assert int(answer.headers["retry-after"]) >= 1
    # What it began has ended by its time-out; then it is served as before, and nothing is left of the flood.
    assert "errors" not in (await server.ask(document, token=token)).json()
    assert pool.statistics.waiting == 0


@pytest.mark.parametrize(("others", "documents", "share"), [(4, [COUNT], 2), (8, [COUNT, CREATE], 2)])
async def test_while_others_are_about_it_holds_no_more_than_its_share(
    server: Running, noisy: Tenant, others: int, documents: list[str], share: int
) -> None:
    """The cap is for whoever is alone: with four others a fifth of ten connections; with eight a ninth of all sixteen,
    which is two, though it would be two for reads and one more for writes."""
    quiet = [await make_tenant(f"Library {number}") for number in range(others)]
    for each in quiet:
        assert "errors" not in (await server.ask(OTHER, token=server.token(each.owner, each))).json()
    token = server.token(noisy.owner, noisy)
    await server.ask("{ me { role } }", token=token)
    async with clients_locked(), as_superuser() as looking:
        flood = [asyncio.create_task(server.ask(each, token=token)) for each in documents for _ in range(FLOOD)]
        most = 0
        while not all(task.done() for task in flood):
            for each in quiet:
                answer = await server.ask(OTHER, token=server.token(each.owner, each))
                assert "errors" not in answer.json()
            most = max(most, await waiting(looking))
            await asyncio.sleep(0.02)
    assert most == share
    assert server.app.database.reads.statistics.exhausted > 0


@pytest.mark.parametrize(("least", "rests"), [(5, True), (100, False)])
async def test_in_a_crowd_it_rests_between_one_long_statement_and_the_next(
    database: TestDatabase, settings: Settings, noisy: Tenant, least: int, rests: bool
) -> None:
    """Three connections and twenty organisations: one and a half seconds of a connection are ten seconds' share.
    Whoever has had that rests, though a connection stands idle; the others are answered all the time. Not so where the
    operator lets each organisation keep one connection busy."""
    given = replace(
        settings,
        read_connections=2,
        write_connections=1,
        statement_timeout_ms=3_500,
        acquire_timeout_ms=60_000,  # nobody is refused, so that whoever is done has had a connection
        least_share_percent=least,
    )
    crowd = [await make_tenant(f"Choir {number}") for number in range(19)]
    async with running(given, database.api_url) as server, clients_locked(), as_superuser() as looking:
        token = server.token(noisy.owner, noisy)
        flood: list[asyncio.Task[httpx.Response]] = []
        longest, rests_since = 0.0, None
        while sum(each.done() for each in flood) < 3:
            while sum(not each.done() for each in flood) < 3:
                flood.append(asyncio.create_task(server.ask(COUNT, token=token)))
            for each in crowd:
                answer = await server.ask(OTHER, token=server.token(each.owner, each))
                assert "errors" not in answer.json()
            if await waiting(looking):
                if rests_since is not None:
                    longest = max(longest, monotonic() - rests_since)
                rests_since = None
            elif rests_since is None and any(each.done() for each in flood):
                rests_since = monotonic()
        for request in flood:
            request.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
    assert (longest > A_REST) == rests


async def test_many_noisy_ones_leave_a_connection_to_whoever_has_none(server: Running, quiet: list[Tenant]) -> None:
    """Together they may hold every connection. The next that comes free is not theirs."""
    crowd = [await make_tenant(f"Band {number}") for number in range(READS)]
    async with clients_locked():
        flood = [
            asyncio.create_task(server.ask(COUNT, token=server.token(each.owner, each)))
            for _ in range(3)
            for each in crowd
        ]

        async def all_are_held() -> bool:
            await asyncio.sleep(0.01)
            return server.app.database.reads.statistics.waiting >= READS

        await until(all_are_held, "every connection is held, and a queue stands before them", PATIENCE)
        late = asyncio.create_task(server.ask(OTHER, token=server.token(quiet[0].owner, quiet[0])))
        await asyncio.sleep(0.1)
    assert "errors" not in (await late).json()
    await asyncio.gather(*flood)
