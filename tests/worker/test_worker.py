"""The worker finds what is due and does it, whoever else does so too and whatever anybody says by NOTIFY."""

import asyncio
import json
import logging
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql.worker import queue
from gql.worker.duties import DUTIES, Delivery, Duty
from gql.worker.queue import LONGEST_PAUSE, pause_after
from gql.worker.worker import CHANNEL
from tests.harness.actors import as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant, make_tenant
from tests.worker.working import ENDED, eventually, expired_hold, is_expired, jobs_for, notify, the_duty, working

HOLDS = the_duty("expire-holds")
OFTEN = timedelta(milliseconds=50)


async def no_jobs_for(tenant: Tenant) -> bool:
    return not await jobs_for(tenant)


async def test_what_was_due_before_the_worker_came_is_done(tenant: Tenant, other_tenant: Tenant) -> None:
    holds = [await expired_hold(each) for each in (tenant, other_tenant)]
    async with working():
        for hold in holds:
            await eventually(lambda hold=hold: is_expired(hold))  # type: ignore[misc]
        await eventually(lambda: no_jobs_for(tenant))


async def test_what_becomes_due_later_is_found_without_anybody_saying_so(tenant: Tenant) -> None:
    async with working([replace(HOLDS, every=OFTEN)]):
        hold = await expired_hold(tenant)
        await eventually(lambda: is_expired(hold))


async def test_a_notice_makes_it_look_at_once(tenant: Tenant) -> None:
    async with working([replace(HOLDS, every=timedelta(days=1))]):
        hold = await expired_hold(tenant)
        await notify(CHANNEL, "")
        await eventually(lambda: is_expired(hold))


async def test_a_job_whose_notice_is_lost_is_done_all_the_same(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "POLL", timedelta(seconds=0.3))
    hold = await expired_hold(tenant)
    async with as_superuser() as superuser:
        await superuser.execute("alter table pgqueuer.pgqueuer disable trigger tg_pgqueuer_changed")
        try:
            async with working([HOLDS]):
                await eventually(lambda: is_expired(hold))
        finally:
            await superuser.execute("alter table pgqueuer.pgqueuer enable trigger tg_pgqueuer_changed")


@pytest.mark.parametrize("channel", ["ch_pgqueuer", CHANNEL])
async def test_a_forged_notice_is_a_reason_to_look_and_nothing_more(tenant: Tenant, channel: str) -> None:
    """The library's own listener would call a job off that somebody names, and complain of what it cannot read."""
    hold = await expired_hold(tenant)
    async with as_owner(tenant) as in_the_way, as_superuser() as superuser, working([HOLDS]):
        async with in_the_way.transaction():
            await in_the_way.execute("select from ledger.accounts for update")
            await eventually(lambda: _is_picked(tenant))
            job = await superuser.fetchval("select id from pgqueuer.pgqueuer where status = 'picked'")
            sent = {"channel": channel, "sent_at": datetime.now(UTC).isoformat()}
            await notify(channel, {**sent, "type": "cancellation_event", "ids": [job]})
            await notify(channel, {**sent, "type": "health_check_event", "id": str(tenant.tenant_id)})
            for nonsense in ("", "{", "x" * 7000, '{"type": "no such thing"}', str(tenant.tenant_id)):
                await notify(channel, nonsense)
            await asyncio.sleep(0.3)
        await eventually(lambda: is_expired(hold))
        await eventually(lambda: no_jobs_for(tenant))
        assert await superuser.fetchval(ENDED, HOLDS.name) == "successful"


async def _is_picked(tenant: Tenant) -> bool:
    return [job["status"] for job in await jobs_for(tenant)] == ["picked"]


async def test_however_many_notices_come_it_looks_once_a_second_at_most(tenant: Tenant) -> None:
    async with working([HOLDS]) as worker, as_superuser() as superuser:
        for _ in range(2000):
            await superuser.execute("select pg_notify($1, $2)", CHANNEL, secrets.token_hex(4))
        assert worker.looks <= 5


async def test_a_forged_job_finds_nothing_to_do(tenant: Tenant) -> None:
    """Only the worker can write one; and a job says where to look, not what to do."""
    hold = await expired_hold(tenant)
    async with as_owner(tenant) as connection:
        await connection.execute("update ledger.holds set expires_at = null where id = $1", hold)
    async with as_superuser() as superuser:
        await superuser.execute(
            "insert into pgqueuer.pgqueuer (priority, status, entrypoint, payload, dedupe_key)"
            " values (0, 'queued', $1, convert_to($2, 'UTF8'), $2)",
            HOLDS.name,
            f'["{HOLDS.name}", "{tenant.tenant_id}", null]',
        )
    async with working():
        await eventually(lambda: no_jobs_for(tenant))
    assert not await is_expired(hold)


async def test_two_workers_do_each_thing_once() -> None:
    tenants = [await make_tenant(f"Shared {number}") for number in range(6)]
    holds = [await expired_hold(tenant) for tenant in tenants]
    async with working([replace(HOLDS, every=OFTEN)]), working([replace(HOLDS, every=OFTEN)]):
        for hold in holds:
            await eventually(lambda hold=hold: is_expired(hold))  # type: ignore[misc]
    async with as_superuser() as connection:
        changes = await connection.fetch(
            "select count(*) from core.audit_log where entity_id = any ($1) and action = 'UPDATE' group by entity_id",
            holds,
        )
    assert [row[0] for row in changes] == [1] * len(holds)


async def test_what_fails_for_one_organisation_is_tried_again_later_and_holds_up_nobody(
    tenant: Tenant, other_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    holds = [await expired_hold(each) for each in (tenant, other_tenant)]
    fails = f"core.tenant_id() = '{tenant.tenant_id}'"
    duty = replace(HOLDS, run=f"case when {fails} then 1 / (length(core.role()) - 6) else ledger.expire_holds() end")
    before = datetime.now(UTC)
    with caplog.at_level(logging.INFO):
        async with working([duty]):
            await eventually(lambda: is_expired(holds[1]))
            await eventually(lambda: _is_queued_again(tenant))
    [job] = await jobs_for(tenant)
    assert job["attempts"] == 1
    assert job["execute_after"] - before > timedelta(seconds=3)
    assert not await is_expired(holds[0])
    told = [each.getMessage() for each in caplog.records if each.name == "gql.worker.doing"]
    assert told == [f"expire-holds for {tenant.tenant_id} failed, attempt 1 (INTERNAL_SERVER_ERROR); again in 0:00:05"]
    async with as_superuser() as superuser:
        kept = await superuser.fetchval("select string_agg(traceback::text, '') from pgqueuer.pgqueuer_log")
        assert "INTERNAL_SERVER_ERROR" in kept
        assert "division" not in kept
        await superuser.execute("update pgqueuer.pgqueuer set execute_after = now()")
    async with working([HOLDS]):
        await eventually(lambda: is_expired(holds[0]))


async def _is_queued_again(tenant: Tenant) -> bool:
    return [job["attempts"] for job in await jobs_for(tenant)] == [1]


@given(st.integers(0, 10_000))
def test_the_pause_after_a_failure_grows_and_stays_within_an_hour(attempts: int) -> None:
    assert timedelta(0) < pause_after(attempts) <= pause_after(attempts + 1) <= LONGEST_PAUSE


async def test_a_duty_that_cannot_be_asked_about_leaves_the_others_alone(tenant: Tenant) -> None:
    hold = await expired_hold(tenant)
    async with working([Duty("broken", "select null, null from no_such_table", "true", OFTEN), HOLDS]):
        await eventually(lambda: is_expired(hold))


async def test_the_worker_waits_for_a_database_that_went_away(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gql.worker.worker.LONGEST_SECONDS_BETWEEN_TRIES", 0.2)
    async with working([replace(HOLDS, every=OFTEN)]):
        async with as_superuser() as superuser:
            await superuser.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'countinghouse_worker'"
            )
        hold = await expired_hold(tenant)
        await eventually(lambda: is_expired(hold))
    assert "the worker lost the database" in caplog.text


async def test_the_statement_runs_in_the_context_it_was_made_for_or_not_at_all(tenant: Tenant) -> None:
    """As with a request: the tenant's role, the fingerprint, and the tenant in the statement itself."""
    hold = await expired_hold(tenant)
    told = "concat_ws(' ', current_user, core.role(), coalesce(core.user_id()::text, 'nobody'), core.context())"
    duty = replace(
        HOLDS,
        run=f"case when {told} ~ '^{tenant.database_role} worker nobody [0-9a-f]{{{{32}}}}$'"
        " then ledger.expire_holds() end",
    )
    duty = replace(duty, due=f"select tenant_id, null from ledger.holds_due() where tenant_id = '{tenant.tenant_id}'")
    async with working([duty]):
        await eventually(lambda: is_expired(hold))


@pytest.mark.parametrize("duty", DUTIES, ids=lambda duty: duty.name)
async def test_every_duty_can_be_asked_about_and_done(duty: Duty | Delivery, tenant: Tenant) -> None:
    async with as_worker() as connection:
        for row in await connection.fetch(duty.due):
            assert len(row) == 2
        places = {"what": "$1::text", "reason": "$1::text", "is_final": "$1::text"}
        steps = (duty.run,) if isinstance(duty, Duty) else (duty.take, duty.sent, duty.failed)
        runs = [f"select {step.format(**places)}, $1::text" for step in steps]
        due_for_house = duty.due.startswith("select null")
        if due_for_house:
            for run in runs:
                await connection.fetch(run, None)
    if not due_for_house:
        async with as_tenant(tenant, "worker") as connection:
            for run in runs:
                await connection.fetch(run, None)


async def test_nothing_is_done_for_an_organisation_that_is_suspended(tenant: Tenant, other_tenant: Tenant) -> None:
    """Whatever the duty: neither found, nor done where a job was waiting already. What is due there waits."""
    holds = [await expired_hold(each) for each in (tenant, other_tenant)]
    async with as_superuser() as superuser:
        await superuser.execute("update iam.tenants set suspended_at = now() where id = $1", tenant.tenant_id)
        job = queue.Due(HOLDS.name, tenant.tenant_id)
        await superuser.execute(
            "insert into pgqueuer.pgqueuer (priority, status, entrypoint, dedupe_key, payload, execute_after)"
            " values (0, 'queued', $1, $2, $3, now())",
            *(HOLDS.name, job.key, json.dumps(job, default=str).encode()),
        )
        async with working([replace(HOLDS, every=OFTEN)]):
            await eventually(lambda: is_expired(holds[1]))
            await eventually(lambda: no_jobs_for(tenant))
            await asyncio.sleep(0.2)
            assert not await jobs_for(tenant)
            assert not await is_expired(holds[0])
            assert await superuser.fetchval(ENDED, HOLDS.name) == "successful", "it was not tried and refused"
            await superuser.execute("update iam.tenants set suspended_at = null where id = $1", tenant.tenant_id)
            await eventually(lambda: is_expired(holds[0]))
