"""Transaction mode behind PgBouncer itself, with the configuration of deploy/pgbouncer and two servers for everybody.

`COUNTINGHOUSE_TEST_POOLER=1` has whole suites go through it; here is what only a pooler can do to us.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import asyncpg
import pytest

from gql.database.context import Context
from gql.database.pool import Database, PoolMode
from gql.errors import ApiError, Code
from gql.settings import Settings
from tests.database.pooling import (
    ORIGIN,
    SLEEP,
    TELL,
    TELL_LOCKED,
    sleeping,
    tell,
    tell_in_write,
    told_by,
    until,
)
from tests.database.test_pool_pooler import left_on, what_a_new_connection_has
from tests.database.test_repetition import Work
from tests.harness.actors import as_superuser, context_of
from tests.harness.command_line import countinghouse, environment
from tests.harness.pooler import Pooler, pgbouncer
from tests.harness.postgres import the_database
from tests.harness.proxy import Fate, Proxy, proxy_before
from tests.harness.tenants import Tenant

pytestmark = pytest.mark.skipif(pgbouncer() is None, reason="There is no PgBouncer here; `make pooler` fetches one.")

SERVERS: Final = 2
FEW: Final = {"default_pool_size": str(SERVERS), "reserve_pool_size": "0", "query_wait_timeout": "60"}
BEHIND: Final = "select pid from pg_stat_activity where usename = 'countinghouse_api' and client_port = any ($1)"


class Place:
    """A PgBouncer with two servers, and the proxy between it and PostgreSQL, which can lose what it is told."""

    def __init__(self, pooler: Pooler, proxy: Proxy) -> None:
        self.pooler = pooler
        self.proxy = proxy

    @asynccontextmanager
    async def a_database(self, **options: Any) -> AsyncIterator[Database]:
        run = await the_database()
        url = self.pooler.address(run.session_url)
        database = await Database.open(
            run.options(**{"url": url, "mode": PoolMode.TRANSACTION, "acquire_timeout": 60.0, **options})
        )
        try:
            yield database
        finally:
            await database.close(within=5.0)


@asynccontextmanager
async def a_place(name: str, **more: str) -> AsyncIterator[Place]:
    run = await the_database()
    async with proxy_before(run.session_url) as proxy:
        # Beside the data of the run, where PostgreSQL's own user may pass.
        pooler = Pooler(run.server.directory.path / name, proxy.address(run.session_url))
        await pooler.start(run.admin_url, **{**FEW, **more})
        try:
            yield Place(pooler, proxy)
        finally:
            pooler.stop()


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Place]:
    async with a_place("two-servers") as place:
        yield place


@pytest.fixture(autouse=True)
def undisturbed(place: Place) -> None:
    place.proxy.at(b"", Fate.PASSES, 0)


async def test_whoever_takes_its_connections_for_sessions_is_not_let_in(place: Place, tenant: Tenant) -> None:
    """Its contexts would be left for whoever comes next."""
    async with place.a_database(mode=PoolMode.SESSION) as database:
        with pytest.raises(ApiError) as refusal:
            await tell(database, context_of(tenant))
    assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "DATABASE_UNREACHABLE")


@pytest.mark.parametrize("login", ["admin_url", "worker_url"])
async def test_nobody_comes_in_but_the_server(place: Place, login: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="authentication failed"):
        await asyncpg.connect(place.pooler.address(getattr(await the_database(), login)))


async def test_hundreds_of_reads_and_writes_at_once_on_two_servers_each_answer_their_own(
    place: Place, tenant: Tenant, other_tenant: Tenant
) -> None:
    contexts = [context_of(tenant), context_of(other_tenant), context_of(tenant, "accountant")]
    async with place.a_database(read_connections=12, write_connections=8, connections_per_tenant=12) as database:

        async def one(number: int) -> None:
            context = contexts[number % 3]
            if number % 4 == 0:
                assert await tell_in_write(database, context) == told_by(context)
            elif number % 4 == 1:
                assert await database.ask("select $1::int, core.tenant_id()", number) == (number, None)
            elif number % 4 == 2:
                async with database.nobody() as connection:
                    assert await connection.fetchval("select $1::text", str(number)) == str(number)
            else:
                assert await tell(database, context, TELL_LOCKED) == told_by(context)

        await asyncio.gather(*map(one, range(600)))
        assert database.reads.statistics.opened > SERVERS
    assert len(await servers(place)) == SERVERS


async def test_reads_cancelled_at_any_moment_end_nobody_else_s(
    place: Place, tenant: Tenant, other_tenant: Tenant
) -> None:
    contexts = [context_of(tenant), context_of(other_tenant)]
    async with place.a_database(read_connections=6) as database:
        is_over = False

        async def undisturbed(context: Context) -> None:
            while not is_over:
                assert await tell(database, context) == told_by(context)

        others = [asyncio.create_task(undisturbed(context)) for context in contexts]
        for turn in range(60):
            task = asyncio.create_task(tell(database, contexts[turn % 2], TELL if turn % 3 else SLEEP))
            await asyncio.sleep(turn % 12 / 1000)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        is_over = True
        await asyncio.gather(*others)
        await until(nobody_sleeps, "every cancelled statement has ended")


async def test_nothing_is_left_on_any_server_by_anybody(place: Place, tenant: Tenant) -> None:
    context = context_of(tenant)
    untouched = await what_a_new_connection_has()
    async with place.a_database(read_connections=4, write_connections=4) as database:
        for _ in range(8):
            await asyncio.gather(tell(database, context), tell_in_write(database, context))
            with pytest.raises(ApiError):
                async with database.nobody() as connection:
                    await connection.fetchval("select 1 / $1::int", 0)
        # Two at once stand on both servers.
        both = asyncio.Barrier(SERVERS)

        async def look() -> dict[str, object]:
            connection = await asyncpg.connect(
                place.pooler.address((await the_database()).session_url), statement_cache_size=0
            )
            try:
                async with connection.transaction():
                    await both.wait()
                    return await left_on(connection)
            finally:
                await connection.close()

        for left in await asyncio.gather(*(look() for _ in range(SERVERS))):
            assert left == untouched


async def test_what_is_asked_in_nobody_s_name_has_the_time_outs_too(place: Place) -> None:
    async with place.a_database(statement_timeout_ms=200) as database:
        with pytest.raises(ApiError) as refusal:
            async with database.nobody() as connection:
                await connection.fetchval("select pg_sleep($1)", 30)
        assert refusal.value.code is Code.TIMEOUT
        async with database.nobody() as connection, connection.transaction():
            assert await connection.fetchval("select current_setting($1)", "statement_timeout") == "200ms"


async def test_what_nobody_kept_of_a_transaction_in_nobody_s_name_is_gone(place: Place, tenant: Tenant) -> None:
    async with place.a_database() as database:
        with pytest.raises(ZeroDivisionError):
            async with database.nobody() as connection, connection.transaction():
                await connection.execute("select set_config($1, $2, true)", "role", context_of(tenant).database_role)
                raise ZeroDivisionError
        for _ in range(2 * SERVERS):
            assert await database.ask("select core.tenant_id()") == (None,)


async def test_servers_that_died_meanwhile_are_replaced_unnoticed(place: Place, tenant: Tenant) -> None:
    context = context_of(tenant)
    async with place.a_database() as database:
        for _ in range(3):
            await asyncio.gather(*(tell(database, context) for _ in range(4)))
            await end(await servers(place))
            assert await tell(database, context) == told_by(context)
            assert await tell_in_write(database, context) == told_by(context)
            await database.ping()


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNANSWERED], ids=["before", "after"])
async def test_a_write_whose_commit_the_pooler_lost_is_done_once(place: Place, tenant: Tenant, fate: Fate) -> None:
    context, work = context_of(tenant), Work()
    async with place.a_database() as database:
        place.proxy.at(b"commit\0", fate)
        made = await database.carry_out(context, ORIGIN, work)
    async with as_superuser() as connection:
        rows = await connection.fetch("select id::text from billing.clients where tenant_id = $1", tenant.tenant_id)
    assert [row["id"] for row in rows] == [made]
    assert work.begun == (2 if fate is Fate.LOST else 1)


async def test_whoever_finds_no_server_free_in_time_is_told_to_come_back(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with (
        a_place("impatient", query_wait_timeout="1") as place,
        place.a_database(read_connections=2 * SERVERS, write_connections=2) as database,
    ):
        holders = [asyncio.create_task(tell(database, context_of(tenant), SLEEP)) for _ in range(SERVERS)]
        try:
            await until(all_sleep, "every server has a statement that sleeps")
            with pytest.raises(ApiError) as refusal:
                await tell_in_write(database, context)
            assert (refusal.value.code, refusal.value.retry_after is None) == (Code.UNAVAILABLE, False)
        finally:
            for task in holders:
                task.cancel()
            await asyncio.gather(*holders, return_exceptions=True)
        assert await tell_in_write(database, context) == told_by(context)


async def test_a_pooler_that_restarts_is_no_more_than_a_moment(place: Place, tenant: Tenant) -> None:
    context = context_of(tenant)
    async with place.a_database() as database:
        await asyncio.gather(tell(database, context), tell_in_write(database, context), database.ping())
        place.pooler.stop()
        with pytest.raises(ApiError) as refusal:
            await database.ping()
        assert refusal.value.reason == "DATABASE_UNREACHABLE"
        place.pooler.start_again()
        await database.ping()
        assert await tell(database, context) == told_by(context)
        assert await tell_in_write(database, context) == told_by(context)


async def test_the_command_line_goes_through_it_and_leaves_nothing(place: Place, tenant: Tenant) -> None:
    """But for psql, which is a session: it goes where the superuser goes."""
    run = await the_database()
    settings = Settings(
        database_url=place.pooler.address(run.session_url),
        admin_url=run.admin_url,
        worker_url=run.worker_url,
        data_dir=run.server.directory.path,
        pool_mode="transaction",
    )
    for _ in range(2):
        outcome = await countinghouse("doctor", env=environment(settings))
        assert outcome.err == ""
        assert not [line for line in outcome.out.splitlines() if "COUNTINGHOUSE_" in line], outcome.out
    shown = "select core.tenant_id() from generate_series(1, 2)"
    outcome = await countinghouse("psql", "--tenant", tenant.slug, "-c", shown, env=environment(settings))
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.count(str(tenant.tenant_id)) == 2


async def nobody_sleeps() -> bool:
    return not await sleeping()


async def all_sleep() -> bool:
    async with as_superuser() as connection:
        question = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        return bool(await connection.fetchval(question) == SERVERS)


async def servers(place: Place) -> list[int]:
    """The processes of PostgreSQL that PgBouncer holds."""
    async with as_superuser() as connection:
        rows = await connection.fetch(BEHIND, place.proxy.ports)
    return [row["pid"] for row in rows]


async def end(processes: list[int]) -> None:
    async with as_superuser() as connection:
        for process in processes:
            assert await connection.fetchval("select pg_terminate_backend($1, 5000)", process)
