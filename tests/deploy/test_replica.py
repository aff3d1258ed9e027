"""A replica answers queries, and nobody misses what they have written, whatever becomes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import httpx
import pytest

from gql.database.pool import Database, DatabaseOptions, Replica
from gql.iam.tokens.access import Tokens
from gql.settings import Settings
from tests.database.pooling import SLEEP, TELL, arguments_of, tell, told_by, until
from tests.harness.actors import context_of
from tests.harness.replica import Pair, a_pair
from tests.harness.tenants import Tenant, make_tenant
from tests.http.servers import Running, refusal, running
from tests.http.test_metrics import figures

PATIENCE: Final = 30.0
CREATE: Final = "mutation ($name: String!) { clientCreate(input: {name: $name}) { client { name } } }"
NAMES: Final = "{ clients(first: 100) { nodes { name } } }"
POSITION: Final = "countinghouse-position"


@pytest.fixture(scope="module")
async def pair() -> AsyncIterator[Pair]:
    async with a_pair() as pair:
        yield pair


@pytest.fixture(scope="module")
def settings(pair: Pair) -> Settings:
    return Settings(
        database_url=pair.primary.server.api_url,
        database_read_url=pair.standby.server.api_url,
        data_dir=pair.primary.server.directory.path,
        port=0,
    )


@asynccontextmanager
async def a_server(settings: Settings) -> AsyncIterator[Running]:
    """A server whose replica is in use."""
    assert settings.database_url is not None
    async with running(settings, settings.database_url) as server:
        await until_used(replica_of(server))
        yield server


@pytest.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[Running]:
    async with a_server(settings) as server:
        yield server


@pytest.fixture(scope="module")
async def other_server(settings: Settings) -> AsyncIterator[Running]:
    async with a_server(settings) as server:
        yield server


@pytest.fixture
async def shop(pair: Pair, server: Running, other_server: Running) -> Tenant:
    return await known(pair, server, other_server)


@pytest.fixture
async def other_shop(pair: Pair, server: Running) -> Tenant:
    return await known(pair, server)


async def known(pair: Pair, *servers: Running) -> Tenant:
    """An organisation whom the servers know, and its replica as well."""
    tenant = await make_tenant(admin_url=pair.primary.server.admin_url)
    for server in servers:
        await until_answered_by_the_replica(server, tenant)
    return tenant


def replica_of(server: Running) -> Replica:
    assert server.app.database.replica is not None
    return server.app.database.replica


async def until_used(replica: Replica, used: bool = True) -> None:
    async def is_so() -> bool:
        await asyncio.sleep(0.01)
        return replica.is_used is used

    await until(is_so, f"the replica is {'' if used else 'not '}used", PATIENCE)


async def until_answered_by_the_replica(server: Running, tenant: Tenant) -> None:
    async def is_so() -> bool:
        await asyncio.sleep(0.01)
        return (await found(server, tenant))[1] == "replica"

    await until(is_so, "the replica answers", PATIENCE)


async def create(server: Running, tenant: Tenant, name: str, **headers: str) -> httpx.Response:
    """Create a client of this name."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await server.ask(CREATE, token=token_of(server, tenant), headers=given, variables={"name": name})
    assert answer.json()["data"]["clientCreate"]["client"] == {"name": name}
    return answer


async def found(server: Running, tenant: Tenant, position: str | None = None) -> tuple[list[str], str]:
    """The names of all clients, and who told them: the replica or the primary."""
    database = server.app.database
    before = database.reads.statistics.acquisitions, replica_of(server).pool.statistics.acquisitions
    headers = {POSITION: position} if position else {}
    answer = await server.ask(NAMES, token=token_of(server, tenant), headers=headers)
    after = database.reads.statistics.acquisitions, replica_of(server).pool.statistics.acquisitions
    asked = [now - then for now, then in zip(after, before, strict=True)]
    names = sorted(node["name"] for node in answer.json()["data"]["clients"]["nodes"])
    return names, {(1, 0): "primary", (0, 1): "replica", (1, 1): "both"}[asked[0], asked[1]]


def token_of(server: Running, tenant: Tenant) -> str:
    return Tokens.from_settings(server.settings).issue(tenant.owner_id, tenant.tenant_id).text


async def test_queries_go_to_the_replica_and_changes_to_the_primary(server: Running, pair: Pair, shop: Tenant) -> None:
    assert await found(server, shop) == ([], "replica")
    writes = server.app.database.writes.statistics.acquisitions
    async with pair.held_up():
        # The payload is read where the change is made: the replica knows nothing of it.
        await create(server, shop, "Fen Orchards")
    assert server.app.database.writes.statistics.acquisitions == writes + 1
    await until_answered_by_the_replica(server, shop)
    assert await found(server, shop) == (["Fen Orchards"], "replica")


async def test_one_finds_what_one_has_written_while_others_are_answered_by_the_replica(
    server: Running, pair: Pair, shop: Tenant, other_shop: Tenant
) -> None:
    async with pair.held_up():
        for number in range(3):
            await create(server, shop, f"Client {number}")
            assert await found(server, shop) == ([f"Client {each}" for each in range(number + 1)], "primary")
            assert await found(server, other_shop) == ([], "replica")


async def test_behind_another_server_the_position_finds_it(
    server: Running, other_server: Running, pair: Pair, shop: Tenant
) -> None:
    async with pair.held_up():
        position = (await create(server, shop, "Fen Orchards")).headers[POSITION]
        assert await found(other_server, shop) == ([], "replica"), "without it, what was there a moment ago"
        assert await found(other_server, shop, position) == (["Fen Orchards"], "primary")
        assert await found(other_server, shop) == ([], "replica"), "nobody else pays for it"
    await pair.caught_up()
    await until_answered_by_the_replica(server, shop)

    async def reached() -> bool:
        return await found(other_server, shop, position) == (["Fen Orchards"], "replica")

    await until(reached, "the replica is known to have got there", PATIENCE)


async def test_a_replayed_answer_and_a_rehearsal_tell_what_they_can(
    server: Running, other_server: Running, pair: Pair, shop: Tenant
) -> None:
    first = await create(server, shop, "Fen Orchards", idempotency_key="once")
    async with pair.held_up():
        again = await create(other_server, shop, "Fen Orchards", idempotency_key="once")
        assert again.headers["idempotent-replayed"] == "true"
        assert int(again.headers[POSITION].split("/")[1], 16) >= int(first.headers[POSITION].split("/")[1], 16)
    rehearsed = await create(server, shop, "Another", prefer="tx=rollback")
    assert POSITION not in rehearsed.headers


async def test_a_position_that_nobody_has_reached_costs_its_sender_alone(
    server: Running, shop: Tenant, other_shop: Tenant
) -> None:
    assert await found(server, shop, "FFFFFFFF/FFFFFFFF") == ([], "primary")
    assert await found(server, shop) == ([], "replica")
    assert await found(server, other_shop) == ([], "replica")
    for malformed in ("0", "0/", "0/16B37480000", "x/1", "0/1, 0/2", "-1/1"):
        answer = await server.ask(NAMES, token=token_of(server, shop), headers={POSITION: malformed})
        assert refusal(answer) == (400, "BAD_USER_INPUT", "POSITION_INVALID")


async def test_who_has_just_come_in_finds_their_own_organisation(server: Running, pair: Pair) -> None:
    """Its role is made a moment ago, and their session too."""
    async with pair.held_up():
        tenant = await make_tenant(admin_url=pair.primary.server.admin_url)
        assert await found(server, tenant) == ([], "primary")


async def test_what_the_replica_cannot_answer_the_primary_is_asked(settings: Settings, pair: Pair) -> None:
    """Here nobody has said that the organisation is new: the replica does not know its role."""
    async with a_database(settings) as database, pair.held_up():
        context = context_of(await make_tenant(admin_url=pair.primary.server.admin_url))
        assert await tell(database, context, TELL) == told_by(context)
        assert database.replica is not None
        assert database.replica.sent_on == 1
        assert database.reads.statistics.acquisitions == 1


async def test_a_read_that_gets_into_the_way_of_what_is_replayed_is_done_on_the_primary(
    settings: Settings, pair: Pair, shop: Tenant
) -> None:
    """A standby cancels what keeps it from replaying, such as a change of a table that is being read."""
    await pair.standby.set("max_standby_streaming_delay", "50ms")
    long = SLEEP.replace("pg_sleep(60)", "(select count(*) from billing.clients)")
    long = long.replace(" where", " from pg_sleep(1) where")
    context = context_of(shop)
    async with a_database(settings) as database:
        assert database.replica is not None
        async with database.read(context) as reader:
            task = asyncio.create_task(reader.fetch(long, arguments_of(context)))

            async def runs() -> bool:
                return bool(await pair.standby.ask(f"select count(*) from pg_stat_activity where {AT_WORK}"))

            await until(runs, "the replica is at work", PATIENCE)
            async with pair.primary.admin() as connection, connection.transaction():
                await connection.execute("lock table billing.clients in access exclusive mode")
            assert await task == b"0"
        assert (database.replica.sent_on, database.reads.statistics.acquisitions) == (1, 1)
        log = pair.standby.server.directory.log.read_text()
        assert "canceling statement due to conflict with recovery" in log


AT_WORK: Final = "usename = 'countinghouse_api' and wait_event = 'PgSleep'"


async def test_what_takes_too_long_on_the_replica_is_not_tried_again(
    settings: Settings, pair: Pair, shop: Tenant
) -> None:
    context = context_of(shop)
    async with a_database(replace(settings, statement_timeout_ms=100)) as database:
        assert database.replica is not None
        async with database.read(context) as reader:
            with pytest.raises(Exception, match="It took longer than is allowed"):
                await reader.fetch(SLEEP, arguments_of(context))
        assert (database.replica.sent_on, database.reads.statistics.acquisitions) == (0, 0)


async def test_behind_a_pooler_it_answers_too(settings: Settings, pair: Pair, shop: Tenant) -> None:
    context = context_of(shop)
    async with a_database(replace(settings, pool_mode="transaction")) as database:
        assert await tell(database, context) == told_by(context)
        assert database.replica is not None
        assert (database.replica.pool.statistics.acquisitions, database.reads.statistics.acquisitions) == (1, 0)


async def test_one_that_lags_too_far_behind_is_not_used_until_it_has_caught_up(settings: Settings, pair: Pair) -> None:
    async with a_server(replace(settings, read_lag_limit_ms=500)) as server:
        shop, other_shop = await known(pair, server), await known(pair, server)
        async with pair.held_up():
            await create(server, shop, "Fen Orchards")
            await until_used(replica_of(server), used=False)
            assert await found(server, other_shop) == ([], "primary")
            told = {name: value for (name, _, _), value in (await figures(server)).items()}
            assert told["countinghouse_replica_is_used"] == 0
            assert told["countinghouse_replica_lag_seconds"] > 0.5
            assert told["countinghouse_replica_lag_bytes"] > 0
            assert (await server.client.get("/readyz")).status_code == 200
        await until_used(replica_of(server))
        assert await found(server, other_shop) == ([], "replica")
        told = {name: value for (name, _, _), value in (await figures(server)).items()}
        assert told["countinghouse_replica_is_used"] == 1
        assert told["countinghouse_replica_pool_acquisitions_total"] > 0


async def test_one_that_goes_away_is_missed_by_nobody_and_is_used_again_when_it_is_back(
    server: Running, settings: Settings, pair: Pair, shop: Tenant
) -> None:
    context = context_of(shop)
    async with a_database(settings) as database, database.read(context) as reader:
        slow = SLEEP.replace("pg_sleep(60)", "pg_sleep(1)")
        reading = asyncio.create_task(reader.fetch(slow, arguments_of(context)))

        async def runs() -> bool:
            return bool(await pair.standby.ask(f"select count(*) from pg_stat_activity where {AT_WORK}"))

        await until(runs, "the replica is at work", PATIENCE)
        await asyncio.to_thread(pair.standby.server.stop)
        assert (await found(server, shop))[0] == []
        await until_used(replica_of(server), used=False)
        assert await found(server, shop) == ([], "primary")
        assert (await server.client.get("/readyz")).status_code == 200
        assert await reading == b"", "what it was answering the primary has answered"
    await create(server, shop, "Fen Orchards")
    await asyncio.to_thread(pair.standby.server.start)
    await until_answered_by_the_replica(server, shop)
    assert await found(server, shop) == (["Fen Orchards"], "replica")


async def test_without_a_replica_nobody_is_told_a_position(settings: Settings, pair: Pair) -> None:
    assert settings.database_url is not None
    for read_url in (None, settings.database_url):
        async with running(replace(settings, database_read_url=read_url), settings.database_url) as server:
            assert server.app.database.replica is None
            tenant = await make_tenant(admin_url=pair.primary.server.admin_url)
            assert POSITION not in (await create(server, tenant, "Fen Orchards")).headers
            text = (await server.client.get("/metrics")).text
            assert "replica" not in text


async def test_one_that_is_no_replica_is_not_used(settings: Settings, pair: Pair, shop: Tenant) -> None:
    """It takes writes."""
    context = context_of(shop)
    assert settings.database_url is not None
    elsewhere = replace(settings, database_read_url=settings.database_url + "&application_name=another")
    async with await_closed(await Database.open(DatabaseOptions.from_settings(elsewhere, settings.database_url))) as it:
        assert it.replica is not None
        for _ in range(3):
            await it.replica.look()
            assert await tell(it, context) == told_by(context)
        assert not it.replica.is_used


async def test_one_that_was_promoted_is_not_used(server: Running, pair: Pair, shop: Tenant) -> None:
    """Last of all: there is no way back for it."""
    assert await found(server, shop) == ([], "replica")
    await pair.standby.promote()
    await until_used(replica_of(server), used=False)
    assert await found(server, shop) == ([], "primary")
    await create(server, shop, "Fen Orchards")
    assert await found(server, shop) == (["Fen Orchards"], "primary")
    assert (await server.client.get("/readyz")).status_code == 200


@asynccontextmanager
async def a_database(settings: Settings) -> AsyncIterator[Database]:
    """A Database whose replica is in use."""
    assert settings.database_url is not None
    database = await Database.open(DatabaseOptions.from_settings(settings, settings.database_url))
    async with await_closed(database):
        assert database.replica is not None
        database.replica.watch()
        await until_used(database.replica)
        yield database


@asynccontextmanager
async def await_closed(database: Database) -> AsyncIterator[Database]:
    try:
        yield database
    finally:
        await database.close(5.0)
