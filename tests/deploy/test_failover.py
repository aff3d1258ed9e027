"""The primary dies under load and its standby is promoted: no acknowledged write is lost, and none is done twice.

The tests are one day in its order: each begins where the one before it has ended.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import pytest

from gql.database.pool import Database, DatabaseOptions
from gql.places import Place
from gql.settings import Settings
from tests.adversity.load import Load
from tests.database.pooling import until
from tests.harness.actors import context_of, put
from tests.harness.command_line import countinghouse, environment
from tests.harness.replica import NAME, Member, Pair, a_pair, follow_again
from tests.harness.tenants import Tenant, make_tenant
from tests.http.servers import Running, refusal, running
from tests.ledger.books import wrong

PATIENCE: Final = 60.0
FOUND_WITHIN: Final = 5.0
"""Seconds from the promotion to the first write that is acknowledged."""
WAITS: Final = "usename = 'countinghouse_api' and wait_event = 'SyncRep'"
UNKNOWN: Final = (503, "UNAVAILABLE", "COMMIT_UNKNOWN")


@pytest.fixture(scope="module")
async def pair() -> AsyncIterator[Pair]:
    async with a_pair() as pair:
        # Nobody is answered before the standby has it on its disk as well.
        await pair.primary.set("synchronous_standby_names", NAME)
        yield pair


@pytest.fixture(scope="module")
def settings(pair: Pair) -> Settings:
    """Both addresses name both servers: which of them is which, they say themselves."""
    server = pair.primary.server
    return Settings(
        database_url=pair.address(server.api_url),
        database_read_url=pair.address(server.api_url) + "&application_name=reads",
        admin_url=pair.address(server.admin_url),
        worker_url=pair.address(server.worker_url),
        data_dir=server.directory.path,
        port=0,
    )


@pytest.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[Running]:
    assert settings.database_url is not None
    async with running(settings, settings.database_url) as server:
        yield server


@pytest.fixture(scope="module")
async def shop(pair: Pair) -> Tenant:
    return await make_tenant(admin_url=pair.primary.server.admin_url)


@pytest.fixture(scope="module")
async def load(server: Running, settings: Settings, shop: Tenant) -> Load:
    return await Load.of(server.url, settings, shop, server_may_die=False, clients=6)


async def test_a_commit_that_no_standby_has_confirmed_is_never_acknowledged(pair: Pair, load: Load) -> None:
    """Its wait can be broken off: then it stands on the primary alone, and would be lost with it."""
    await pair.primary.set("synchronous_standby_names", "nobody")
    async with load.client() as client:
        # Where there is no key, where there is one, and where the answer is kept under it already.
        for key in ({}, {"Idempotency-Key": "first"}, {"Idempotency-Key": "first"}):
            answer = await broken_off(pair.primary, client, load.body("first" if key else "unnamed"), key)
            assert refusal_of(answer) == UNKNOWN
        await pair.primary.set("synchronous_standby_names", NAME)
        answer = await client.post("/graphql", json=load.body("first"), headers={"Idempotency-Key": "first"})
        assert answer.headers["idempotent-replayed"] == "true"
    load.acknowledged["first"] = answer.json()["data"]["ledgerTransferPost"]["ledgerTransfer"]["id"]


async def broken_off(primary: Member, client: httpx.AsyncClient, body: Any, headers: dict[str, str]) -> httpx.Response:
    """The answer to somebody whose COMMIT waits for a standby, after that wait was broken off."""
    asking = asyncio.create_task(client.post("/graphql", json=body, headers=headers))

    async def waits() -> bool:
        await asyncio.sleep(0.01)
        return bool(await primary.ask(f"select bool_or(pg_cancel_backend(pid)) from pg_stat_activity where {WAITS}"))

    await until(waits, "a COMMIT waits for a standby", PATIENCE)
    return await asking


def refusal_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    return refusal(answer) if "data" not in answer.json() else (answer.status_code, "", answer.text)


async def test_the_primary_is_killed_under_load_and_nothing_acknowledged_is_lost_or_doubled(
    pair: Pair, server: Running, shop: Tenant, load: Load
) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        await load.more(60)
        pair.primary.kill()
        killed_at = time.monotonic()
        await asyncio.sleep(0.5)
        assert (await server.client.get("/readyz")).status_code == 503
        await pair.standby.promote()
        promoted_at = time.monotonic()
        await load.more(1)
        assert load.last_at - promoted_at < FOUND_WITHIN
        await load.more(60)
        load.has_ended = True
    assert killed_at < promoted_at
    assert load.sent_again > 0
    assert (await server.client.get("/readyz")).status_code == 200
    await assert_each_once(pair.standby, shop, load)


async def assert_each_once(member: Member, tenant: Tenant, load: Load) -> None:
    """What was acknowledged is there once, under its own id; nothing else is there; and the books are right."""
    async with member.admin() as connection:
        await put(connection, context_of(tenant))
        await connection.execute(f"set role {tenant.database_role}")
        posted = await connection.fetch(
            "select description, id::text from ledger.transfers where description <> 'unnamed'"
        )
        assert sorted(map(tuple, posted)) == sorted(load.acknowledged.items())
        assert await wrong(connection) == []


async def test_the_doctor_finds_the_new_primary_and_it_is_well(settings: Settings) -> None:
    outcome = await countinghouse("doctor", env=environment(settings))
    assert outcome.status == 0, outcome.out + outcome.err
    assert "all" in outcome.out
    assert "rules hold" in outcome.out
    outcome = await countinghouse("migrate", env=environment(settings))
    assert "nothing was changed" in outcome.out, outcome.out + outcome.err
    outcome = await countinghouse("psql", "-c", "select 'recovers ' || pg_is_in_recovery()", env=environment(settings))
    assert "recovers false" in outcome.out, outcome.out + outcome.err


async def test_an_old_primary_that_comes_back_is_used_by_nobody_and_acknowledges_nothing(
    pair: Pair, server: Running, settings: Settings, shop: Tenant, load: Load
) -> None:
    """It stands first in the address, takes writes, and knows nothing of its successor."""
    await pair.primary.come_back()
    assert await pair.primary.ask("select not pg_is_in_recovery()")
    # Connections that are opened from now on, of a server that has seen the successor and of one that begins.
    for pool in server.app.database.pools:
        pool.hang_up()
    # And where a name leads to the old one again: it is looked for first where it was last.
    server.app.database.writes._servers._last = Place("127.0.0.1", pair.primary.server.port)
    async with a_database(settings) as another:
        for database in (server.app.database, another):
            row = await database.ask("select inet_server_port()")
            assert row is not None
            assert row[0] == pair.standby.server.port
    # One that is sent there alone.
    alone = Settings(database_url=pair.primary.server.api_url, data_dir=settings.data_dir, port=0)
    async with running(alone, pair.primary.server.api_url) as misled, load.client(misled.url) as client:
        for _ in range(2):
            answer = await broken_off(pair.primary, client, load.body("lost"), {"Idempotency-Key": "lost"})
            assert refusal_of(answer) == UNKNOWN
    await assert_each_once(pair.standby, shop, load)


@asynccontextmanager
async def a_database(settings: Settings) -> AsyncIterator[Database]:
    assert settings.database_url is not None
    database = await Database.open(DatabaseOptions.from_settings(settings, settings.database_url))
    try:
        yield database
    finally:
        await database.close(5.0)


async def test_the_old_primary_is_rewound_and_follows_and_answers_queries(
    pair: Pair, server: Running, shop: Tenant, load: Load
) -> None:
    await asyncio.to_thread(pair.primary.server.stop)
    await pair.standby.ask("checkpoint")  # before 16, pg_rewind learns of a promotion by it
    await pair.standby.ask("select pg_create_physical_replication_slot('one')")
    await asyncio.to_thread(follow_again, pair.primary.server, pair.standby.server, "one")
    await asyncio.to_thread(pair.primary.server.start)
    await Pair(pair.standby, pair.primary).caught_up()
    await assert_each_once(pair.primary, shop, load)
    replica = server.app.database.replica
    assert replica is not None
    before = replica.pool.statistics.acquisitions

    async def answers() -> bool:
        await asyncio.sleep(0.02)
        async with load.client() as client:
            answer = await client.post("/graphql", json={"query": "{ ledgerTransfers { totalCount } }"})
        assert answer.json()["data"]["ledgerTransfers"]["totalCount"] == len(load.acknowledged) + 1
        return replica.pool.statistics.acquisitions > before

    await until(answers, "the old primary answers queries", PATIENCE)


async def test_a_primary_that_falls_silent_is_left_and_what_it_says_later_is_not_believed(
    pair: Pair, server: Running, shop: Tenant, load: Load
) -> None:
    """It does not hang up: it is as a machine that has gone from the net, and comes back."""
    primary, standby = pair.standby, pair.primary
    await primary.set("synchronous_standby_names", "one")
    load.has_ended = False
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        await load.more(20)
        primary.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(0.5)
            await standby.promote()
            await load.more(20)
        finally:
            primary.signal(signal.SIGCONT)
        await load.more(20)
        load.has_ended = True
    await assert_each_once(standby, shop, load)
    row = await server.app.database.ask("select inet_server_port()")
    assert row is not None
    assert row[0] == standby.server.port
