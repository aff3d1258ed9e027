"""The worker is killed in the middle of what it does for the house, or when that is committed and it was not told: the
next one finds it due, or done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import asyncpg
import pytest

from gql.worker.duties import DUTIES, Duty
from tests.adversity.victims import HELD, Cluster
from tests.adversity.workers import AT_A_LOCK, PATIENCE, WORKER, killed, stand
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.harness.postgres import the_database
from tests.harness.tenants import make_tenant
from tests.worker.working import program, the_duty

NOT_TRANSACTIONS: Final = {"end-connections-of-analysts"}
"""What is done there is done, whatever becomes of the transaction."""


@dataclass(frozen=True)
class Upkeep:
    """What makes something due, what keeps whoever does it in the middle, and what is to be seen of it: true when it is
    done, and nothing beside it."""

    due: str
    holds: str
    done: str


# Of each, something is as old as to be forgotten, and something is not; other tests have left what they like.
UPKEEP: Final = {
    "refresh-reports": Upkeep(
        "update reports.refreshes set refreshed_at = now() - interval '1 year' where report = 'revenue_months'",
        "refresh materialized view concurrently reports.revenue_months",
        "select refreshed_at > now() - interval '1 hour' from reports.refreshes where report = 'revenue_months'",
    ),
    "forget-idempotency-keys": Upkeep(
        "insert into core.idempotency_keys (tenant_id, user_id, key, request_hash, created_at)"
        " select $1::uuid, gen_random_uuid(), 'upkeep-' || age, repeat('0', 64), now() - make_interval(hours => age)"
        " from unnest(array[1, 26]) as ages (age)",
        "lock table core.idempotency_keys in share mode",
        "select array_agg(key) = '{upkeep-1}' from core.idempotency_keys where tenant_id = $1",
    ),
    "forget-who-tried": Upkeep(
        "insert into iam.throttles (subject, updated_at)"
        " select encode(sha256(convert_to($1::uuid::text || age, 'UTF8')), 'hex'), now() - make_interval(hours => age)"
        " from unnest(array[1, 26]) as ages (age)",
        "lock table iam.throttles in share mode",
        "select array_agg(age) = '{1}' from unnest(array[1, 26]) as ages (age)"
        " join iam.throttles on subject = encode(sha256(convert_to($1::uuid::text || age, 'UTF8')), 'hex')",
    ),
    "make-audit-partitions": Upkeep(
        "do $$ begin execute 'drop table core.audit_log_' || to_char(current_date + interval '11 months', 'YYYY_MM');"
        " end $$",
        "lock table core.audit_log in share update exclusive mode",
        "select coalesce((select relrowsecurity and relforcerowsecurity and relispartition from pg_class where oid ="
        " to_regclass('core.audit_log_' || to_char(current_date + interval '11 months', 'YYYY_MM'))), false)",
    ),
    "forget-jobs": Upkeep(
        "insert into pgqueuer.pgqueuer_log (created, job_id, status, priority, entrypoint)"
        " select now() - make_interval(days => age), 0, 'successful', 0, $1::uuid::text"
        " from unnest(array[1, 9]) as ages (age)",
        "select from pgqueuer.pgqueuer_log where created < now() - interval '8 days' for update",
        "select count(*) = 1 and min(created) > now() - interval '2 days' from pgqueuer.pgqueuer_log"
        " where entrypoint = $1::uuid::text",
    ),
}


@asynccontextmanager
async def held_up(by: str) -> AsyncIterator[asyncpg.Connection]:
    """Whoever does it waits in the middle, for the body."""
    connection = await asyncpg.connect((await the_database()).admin_url)
    try:
        await connection.execute(f"begin; {by}")
        yield connection
    finally:
        connection.terminate()


async def ask(question: str, *values: object) -> bool:
    await asyncio.sleep(0.02)
    async with as_superuser() as connection:
        return bool(await connection.fetchval(question, *values))


def at_it(duty: Duty) -> str:
    """Of a backend: it does this."""
    return f"query like '%{duty.run.partition('(')[0]}(%'"


def test_nothing_that_is_done_for_the_house_is_left_out() -> None:
    of_house = {each.name for each in DUTIES if isinstance(each, Duty) and each.due.startswith("select null")}
    assert of_house == UPKEEP.keys() | NOT_TRANSACTIONS


@pytest.mark.parametrize("is_committed", [False, True], ids=["in the middle", "committed"])
@pytest.mark.parametrize("name", UPKEEP)
async def test_what_is_done_for_the_house_is_done_once_whenever_the_worker_is_killed(
    on_it: None, cluster: Cluster, name: str, is_committed: bool
) -> None:
    duty, upkeep = the_duty(name), UPKEEP[name]
    tenant = await make_tenant()
    values = [each for each in (tenant.tenant_id,) if "$1" in upkeep.due]
    async with as_superuser() as connection:
        await connection.execute(upkeep.due, *values)
        assert not await connection.fetchval(upkeep.done, *values)
    async with held_up(upkeep.holds) as in_the_way, program(cluster.settings) as process:
        await until(lambda: stand(f"{AT_A_LOCK} and {at_it(duty)}", 1), "it is in the middle", PATIENCE)
        if is_committed:
            async with cluster.answers_held():
                await in_the_way.execute("rollback")
                await until(lambda: stand(f"{HELD} and {at_it(duty)}", 1), "it is committed", PATIENCE)
                await killed(process)
        else:
            await killed(process)
            gone = f"select not exists (select from pg_stat_activity where usename = '{WORKER}')"
            await until(partial(ask, gone), "nothing of it is left", PATIENCE)
    assert await ask(upkeep.done, *values) == is_committed
    async with program(cluster.settings):
        await until(partial(ask, upkeep.done, *values), "the next one has done it", PATIENCE)
        await until(partial(ask, f"select not exists ({duty.due})"), "it is not due", PATIENCE)
        queued = "select not exists (select from pgqueuer.pgqueuer where entrypoint = $1)"
        await until(partial(ask, queued, name), "nothing waits", PATIENCE)
    assert await ask(upkeep.done, *values)
