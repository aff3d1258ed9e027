"""The tenant pool on bad days: dirtied, cancelled, cut off, restarted, and never once in a wrong context."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import asyncpg
import pytest

from gql.database.context import Context
from gql.database.pool import Database, Door
from gql.errors import ApiError, Code
from tests.database.pooling import (
    FAIL,
    ORIGIN,
    SLEEP,
    TELL,
    a_database,
    arguments_of,
    sleeping,
    tell,
    tell_in_write,
    told_by,
    until,
    until_mended,
)
from tests.harness.actors import as_superuser, context_of
from tests.harness.postgres import the_database
from tests.harness.proxy import proxy_before
from tests.harness.tenants import Tenant, make_tenant

REUSES = 10_000
WORKERS = 9

DIRT = (
    "set role {role}",
    "begin",
    "begin; set local role {role}",
    "select set_config('role', '{role}', false)",
    "select set_config('app.context', '{fingerprint}', false), set_config('app.user_id', '{user_id}', false)",
    "select set_config('app.scope_ids', '{{}}', false), set_config('app.role', 'owner', false)",
    "set search_path = pg_temp; set statement_timeout = '1ms'; set jit = on; set row_security = off",
    "begin; select 1 / 0",
    "begin; declare left_open cursor with hold for select 1; commit",
    "deallocate all",
)


class Rider:
    """Uses a database in every way that it can be used and misused, and checks whom each answer is about."""

    def __init__(self, database: Database, contexts: list[Context], chance: random.Random) -> None:
        self.database = database
        self.contexts = contexts
        self.chance = chance
        self.done: Counter[str] = Counter()
        self.remaining = REUSES

    async def ride(self) -> None:
        ways: list[tuple[Callable[[Context], Awaitable[None]], int]] = [
            (self.read, 60),
            (self.read_twice, 10),
            (self.write, 8),
            (self.roll_back, 5),
            (self.cancel_a_read, 8),
            (self.cancel_a_write, 3),
            (self.fail, 3),
            (self.dirty, 3),
        ]
        names, weights = [way for way, _ in ways], [weight for _, weight in ways]
        while self.remaining > 0:
            self.remaining -= 1
            [way] = self.chance.choices(names, weights)
            self.database.door = self.chance.choice(list(Door))
            await way(self.chance.choice(self.contexts))
            self.done[way.__name__] += 1

    async def read(self, context: Context) -> None:
        assert await tell(self.database, context) == told_by(context)

    async def read_twice(self, context: Context) -> None:
        async with self.database.read(context) as reader:
            for _ in range(2):
                assert await reader.fetch(TELL, arguments_of(context)) == told_by(context)

    async def write(self, context: Context) -> None:
        assert await tell_in_write(self.database, context) == told_by(context)

    async def roll_back(self, context: Context) -> None:
        with pytest.raises(KeyError):
            async with self.database.write(context, ORIGIN) as transaction:
                assert await transaction.read(TELL, arguments_of(context)) == told_by(context)
                raise KeyError

    async def cancel_a_read(self, context: Context) -> None:
        await self._cancel(self.read(context))

    async def cancel_a_write(self, context: Context) -> None:
        await self._cancel(self.write(context))

    async def fail(self, context: Context) -> None:
        with pytest.raises(ApiError):
            await tell(self.database, context, FAIL)

    async def dirty(self, context: Context) -> None:
        victim = self.chance.choice(self.contexts)
        dirt = self.chance.choice(DIRT).format(
            role=victim.database_role, fingerprint=victim.fingerprint, user_id=victim.user_id
        )
        pool = self.chance.choice([self.database.reads, self.database.writes])
        loan = await pool.take(context.tenant_id, context)
        try:
            with suppress(asyncpg.PostgresError):
                await loan.connection.raw.execute(dirt)
        finally:
            loan.end()

    async def _cancel(self, use: Awaitable[None]) -> None:
        """Cancel at any moment from before the connection is taken to after the answer."""
        task = asyncio.ensure_future(use)
        for _ in range(self.chance.randrange(14)):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_ten_thousand_reuses_never_answer_in_a_wrong_context() -> None:
    tenants = [await make_tenant() for _ in range(4)]
    contexts = [context_of(tenant, user_id=UUID(int=number)) for tenant in tenants for number in (1, 2)]
    contexts += [context_of(tenant, "member", [UUID(int=3)]) for tenant in tenants]
    async with a_database(read_connections=3, write_connections=2, acquire_timeout=30.0) as database:
        rider = Rider(database, contexts, random.Random(20261121))
        async with asyncio.TaskGroup() as workers:
            for _ in range(WORKERS):
                workers.create_task(rider.ride())
        await until_mended(database)
        assert rider.done.total() == REUSES
        assert min(rider.done.values()) > 100
        reads = database.reads.statistics
        assert reads.switches > 1000
        assert reads.mended > 400
        assert (reads.waiting, reads.idle) == (0, reads.size)
        for context in contexts:
            assert await tell(database, context) == told_by(context)


@pytest.mark.parametrize("turns", range(12))
async def test_a_switch_that_was_cancelled_at_any_moment_is_not_believed(
    turns: int, tenant: Tenant, other_tenant: Tenant
) -> None:
    one, other = context_of(tenant), context_of(other_tenant)
    async with a_database(read_connections=1) as database:
        await tell(database, one)
        task = asyncio.create_task(tell(database, other))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert await tell(database, one) == told_by(one)
        assert await tell(database, other) == told_by(other)


@pytest.mark.parametrize("door", [Door.DIRECT, Door.READ])
async def test_a_cancelled_read_leaves_no_running_statement_and_a_usable_connection(door: Door, tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        database.door = door
        await tell(database, context)
        task = asyncio.create_task(tell(database, context, SLEEP))
        await until(sleeping, "the statement runs")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(quiet, "the statement was cancelled")
        assert await tell(database, context) == told_by(context)
        assert database.reads.statistics.opened == 1


async def test_a_cancelled_write_is_rolled_back_and_leaves_a_usable_connection(tenant: Tenant) -> None:
    context = context_of(tenant)
    transaction_ids: list[str] = []

    async def write_slowly(database: Database) -> None:
        async with database.write(context, ORIGIN) as transaction:
            transaction_ids.append(await transaction.fetch("select pg_current_xact_id()::text", []))
            await transaction.fetch(SLEEP, arguments_of(context))

    async with a_database(write_connections=1) as database:
        task = asyncio.create_task(write_slowly(database))
        await until(sleeping, "the statement runs")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await tell_in_write(database, context) == told_by(context)
        assert await status_of(transaction_ids[0]) == "aborted"
        assert database.writes.statistics.opened == 1


async def test_a_read_on_a_connection_that_died_while_idle_is_sent_again(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        for _ in range(3):
            await tell(database, context)
            await end_processes(database)
            assert await tell(database, context) == told_by(context)
        assert database.reads.statistics.opened == 4


async def test_a_read_that_dies_underway_is_sent_again_once_and_then_fails(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(read_connections=1) as database:
        await tell(database, context)
        task = asyncio.create_task(tell(database, context, SLEEP))
        for _ in range(2):
            await until(sleeping, "the statement runs")
            await end_processes(database)
        with pytest.raises(ApiError) as refusal:
            await task
        assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "DATABASE_UNREACHABLE")
        assert await tell(database, context) == told_by(context)


async def test_a_write_that_dies_underway_is_not_sent_again(tenant: Tenant) -> None:
    context = context_of(tenant)
    async with a_database(write_connections=1) as database:
        await tell_in_write(database, context)
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                await end_processes(database)
                await transaction.fetch(TELL, arguments_of(context))
        assert refusal.value.reason == "DATABASE_UNREACHABLE"
        await end_processes(database)
        assert await tell_in_write(database, context) == told_by(context)


async def test_a_connection_lost_during_commit_claims_neither_success_nor_failure(tenant: Tenant) -> None:
    context = context_of(tenant)
    url = (await the_database()).api_url
    async with proxy_before(url) as proxy, a_database(url=proxy.address(url)) as database:
        with pytest.raises(ApiError) as refusal:
            async with database.write(context, ORIGIN) as transaction:
                number = await transaction.fetch("select pg_current_xact_id()::text", [])
                proxy.cut_after = b"commit\0"
        assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "OUTCOME_UNKNOWN")

        async def is_committed() -> bool:
            return await status_of(number) == "committed"

        await until(is_committed, "the commit that nobody saw has happened")
        assert await tell_in_write(database, context) == told_by(context)


async def test_a_database_that_is_down_is_said_to_be_and_used_again_when_it_is_back(tenant: Tenant) -> None:
    context = context_of(tenant)
    url = (await the_database()).api_url
    async with proxy_before(url) as proxy, a_database(url=proxy.address(url), read_connections=2) as database:
        await asyncio.gather(*(tell(database, context) for _ in range(4)))
        await tell_in_write(database, context)
        await database.ping()
        proxy.shut()
        for _ in range(3):
            for use in (tell(database, context), tell_in_write(database, context), database.ping()):
                with pytest.raises(ApiError) as refusal:
                    await use
                assert (refusal.value.code, refusal.value.reason) == (Code.UNAVAILABLE, "DATABASE_UNREACHABLE")
                assert refusal.value.retry_after
        await proxy.open()
        await database.ping()
        assert await tell(database, context) == told_by(context)
        assert await tell_in_write(database, context) == told_by(context)


async def test_everyone_in_the_queue_hears_that_the_database_is_down(tenant: Tenant) -> None:
    context = context_of(tenant)
    url = (await the_database()).api_url
    async with proxy_before(url) as proxy, a_database(url=proxy.address(url), read_connections=1) as database:
        proxy.shut()
        answers = await asyncio.gather(*(tell(database, context) for _ in range(20)), return_exceptions=True)
        assert {getattr(answer, "reason", None) for answer in answers} == {"DATABASE_UNREACHABLE"}
        assert database.reads.statistics.waiting == 0


async def test_connections_cut_in_the_middle_of_everything_answer_rightly_or_not_at_all() -> None:
    tenants = [await make_tenant() for _ in range(3)]
    contexts = [context_of(tenant) for tenant in tenants]
    url = (await the_database()).api_url
    right = 0

    async def use(number: int) -> None:
        nonlocal right
        context = contexts[number % 3]
        with suppress(ApiError):
            way = tell_in_write if number % 5 == 0 else tell
            assert await way(database, context) == told_by(context)
            right += 1
        if number % 40 == 0:
            proxy.cut()

    async with proxy_before(url) as proxy, a_database(url=proxy.address(url), read_connections=3) as database:
        for start in range(0, 400, 20):
            await asyncio.gather(*(use(number) for number in range(start, start + 20)))
        assert right > 200
        for context in contexts:
            assert await tell(database, context) == told_by(context)


async def quiet() -> bool:
    return not await sleeping()


async def status_of(transaction_id: str) -> str:
    async with as_superuser() as connection:
        status: str = await connection.fetchval("select pg_xact_status($1::text::xid8)", transaction_id)
    return status


async def end_processes(database: Database) -> None:
    """Terminate the server processes behind every connection of both pools."""
    connections = database.reads.connections + database.writes.connections
    async with as_superuser() as superuser:
        for connection in connections:
            if not connection.is_closed:
                await superuser.fetchval("select pg_terminate_backend($1, 5000)", connection.process_id)
