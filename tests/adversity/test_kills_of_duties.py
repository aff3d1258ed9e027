"""The worker is killed in the middle of its duties, or PostgreSQL is: whoever comes next does each thing, once, and
waits for nobody who is gone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg

from tests.adversity.victims import HELD, Cluster
from tests.adversity.workers import AT_A_LOCK, PATIENCE, WORKER, killed, stand
from tests.billing.recurring import a_recurring_invoice, expected, made_for, today_in
from tests.database.pooling import until
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.postgres import the_database
from tests.harness.tenants import Tenant, make_tenant
from tests.ledger.books import wrong as wrong_books
from tests.trade.archiving import aged
from tests.trade.packing import bring, sent
from tests.trade.placing import new_order, open_market, step
from tests.trade.placing import wrong as wrong_trade
from tests.worker.working import expired_hold, is_expired, program

IN_HANDS: Final = "select distinct entrypoint from pgqueuer.pgqueuer where status = 'picked' and dedupe_key like $1"
JOBS: Final = "select count(*) from pgqueuer.pgqueuer where dedupe_key like $1"
NOTED: Final = "select count(*) from core.audit_log where entity_id = $1 and action = 'UPDATE'"


@dataclass(frozen=True)
class Due:
    """What is due in an organisation."""

    tenant: Tenant
    recurring: UUID
    hold: UUID
    lapsing: UUID
    old: UUID
    retailers: int


async def due() -> Due:
    tenant = await make_tenant("Much to do")
    market = await open_market(tenant, retailers=3)
    async with as_tenant(tenant) as connection:
        lapsing, old = [await new_order(connection, market, 1) for _ in range(2)]
        await step(connection, "place", lapsing)
        await step(connection, "cancel", old, reason="Too late")
    await aged(old)
    async with as_superuser() as superuser, superuser.transaction():
        await superuser.execute("set local session_replication_role = replica")
        await superuser.execute(
            "update trade.orders set expires_at = now() - interval '1 minute' where id = $1", lapsing
        )
    anchor = today_in("UTC") - timedelta(weeks=3)
    recurring = await a_recurring_invoice(tenant, anchor, "WEEKLY")
    await bring(tenant, [sent(f"Message {number} " * 200) for number in range(60)])
    return Due(tenant, recurring, await expired_hold(tenant), lapsing, old, len(market.retailers))


@asynccontextmanager
async def nothing_noted() -> AsyncIterator[asyncpg.Connection]:
    """Nobody can write to the log in the body: every duty that changes something stands in the middle of it."""
    connection = await asyncpg.connect((await the_database()).admin_url)
    try:
        await connection.execute("begin; lock table core.audit_log in share mode")
        yield connection
    finally:
        connection.terminate()


async def in_hands(tenant: Tenant) -> set[str]:
    async with as_superuser() as connection:
        return {row[0] for row in await connection.fetch(IN_HANDS, f"%{tenant.tenant_id}%")}


async def test_each_thing_is_done_once_whoever_is_killed_meanwhile(on_it: None, cluster: Cluster) -> None:
    house = await due()
    caught = set()
    # The worker stands in the middle of several duties.
    async with nothing_noted(), program(cluster.settings) as process:
        await until(lambda: stand(AT_A_LOCK, 2), "it stands in the middle", PATIENCE)
        caught |= await in_hands(house.tenant)
        await killed(process)
    # The next one takes over what that had in hands. It has committed, and was not told.
    async with nothing_noted() as in_the_way, program(cluster.settings) as process:
        await until(lambda: stand(AT_A_LOCK, 1), "another one stands there", PATIENCE)
        caught |= await in_hands(house.tenant)
        async with cluster.answers_held():
            await in_the_way.execute("rollback")
            await until(lambda: stand(HELD, 1), "it has committed", PATIENCE)
            await killed(process)
    # The third one lives, and the database is killed under its hands.
    more = await expired_hold(house.tenant)
    async with nothing_noted(), program(cluster.settings):
        await until(lambda: stand(AT_A_LOCK, 1), "it stands in the middle", PATIENCE)
        caught |= await in_hands(house.tenant)
        assert await cluster.kill_one(AT_A_LOCK, WORKER)
        for hold in (house.hold, more):
            await until(partial(is_expired, hold), "holds have expired", PATIENCE)
        await until(partial(all_is_done, house.tenant), "the queue is empty", PATIENCE)
    assert caught, "whoever was killed had something of this house in hands"
    await assert_done_once(house, more)


async def all_is_done(tenant: Tenant) -> bool:
    async with as_superuser() as connection:
        left = await connection.fetchval(JOBS, f"%{tenant.tenant_id}%")
        unsealed = await connection.fetchval(
            "select count(*) from core.audit_log where tenant_id = $1 and seal is null", tenant.tenant_id
        )
    return not left and unsealed < 100


async def assert_done_once(house: Due, *holds: UUID) -> None:
    today = today_in("UTC")
    made = await made_for(house.tenant, house.recurring)
    periods = [row["period_date"] for row in made]
    assert periods == expected(today - timedelta(weeks=3), "WEEKLY", today)
    assert len({row["number"] for row in made}) == len(made)
    async with as_superuser() as superuser:
        for hold in (house.hold, *holds):
            assert await superuser.fetchval(NOTED, hold) == 1
        assert await superuser.fetchval("select status from trade.orders where id = $1", house.lapsing) == "EXPIRED"
        assert await superuser.fetchval("select count(*) from trade.orders where id = $1", house.old) == 0
        assert await superuser.fetchval("select count(*) from trade.archived_orders where id = $1", house.old) == 1
        scores = "select count(*), count(distinct retailer_id) from trade.credit_scores where tenant_id = $1"
        assert tuple(*await superuser.fetch(scores, house.tenant.tenant_id)) == (house.retailers, house.retailers)
        assert await superuser.fetch("select * from core.audit_broken_seals($1)", house.tenant.tenant_id) == []
    async with as_tenant(house.tenant) as connection:
        assert await wrong_books(connection) == []
        assert await wrong_trade(connection) == []
