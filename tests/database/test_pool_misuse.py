"""The tenant pool misused: dirtied, failed, cancelled at any moment, and never once in a wrong context."""

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
from gql.errors import ApiError
from tests.database.pooling import (
    FAIL,
    ORIGIN,
    SLEEP,
    TELL,
    a_database,
    arguments_of,
    sleeping,
    status_of,
    tell,
    tell_in_write,
    told_by,
    until,
    until_mended,
)
from tests.harness.actors import context_of
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
    """Attack 1."""
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
    """Attack 1."""
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
    """Attacks 1 and 60."""
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


async def quiet() -> bool:
    return not await sleeping()
