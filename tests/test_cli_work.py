"""`work`, as a program of its own: it begins, is told to stop or killed, and nothing is lost or done twice."""

import asyncio
import secrets
import signal
from datetime import timedelta

import pytest

from gql.settings import Settings
from gql.worker import queue
from gql.worker.worker import CHANNEL
from tests.harness.actors import as_owner, as_superuser
from tests.harness.command_line import countinghouse, environment
from tests.harness.tenants import Tenant
from tests.worker.working import (
    eventually,
    expired_hold,
    is_expired,
    jobs_for,
    let_messages_rest,
    notify,
    program,
    working,
)


async def is_picked(tenant: Tenant) -> bool:
    return [job["status"] for job in await jobs_for(tenant)] == ["picked"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_finishes_what_it_has_begun(
    settings: Settings, tenant: Tenant, number: signal.Signals
) -> None:
    await let_messages_rest()  # it would show them
    async with program(settings) as process, as_owner(tenant) as in_the_way:
        hold = await expired_hold(tenant)
        async with in_the_way.transaction():
            await in_the_way.execute("select from ledger.accounts for update")
            await notify(CHANNEL, "")
            await eventually(lambda: is_picked(tenant))
            process.send_signal(number)
            await asyncio.sleep(0.3)
            assert process.returncode is None
        out, err = await asyncio.wait_for(process.communicate(), 30)
        status = await process.wait()
    assert (status, out, err) == (0, b"", b"")
    assert await is_expired(hold)
    assert await jobs_for(tenant) == []


async def test_what_a_killed_worker_had_in_hands_another_one_does(
    settings: Settings, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with program(settings) as process, as_owner(tenant) as in_the_way:
        hold = await expired_hold(tenant)
        async with in_the_way.transaction():
            await in_the_way.execute("select from ledger.accounts for update")
            await notify(CHANNEL, "")
            await eventually(lambda: is_picked(tenant))
            process.kill()
            await process.wait()
            async with as_superuser() as superuser:  # the system would tell PostgreSQL before long
                await superuser.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'countinghouse_worker'"
                )
    assert not await is_expired(hold)
    monkeypatch.setattr(queue, "LOST_AFTER", timedelta(seconds=1))
    monkeypatch.setattr(queue, "POLL", timedelta(seconds=0.5))
    async with working():
        await eventually(lambda: is_expired(hold))


async def test_an_empty_database_is_sent_to_migrate(settings: Settings) -> None:
    name = f"empty_{secrets.token_hex(4)}"
    assert settings.worker_url is not None
    async with as_superuser() as connection:
        await connection.execute(f"create database {name}")
        address = settings.worker_url.replace("/countinghouse?", f"/{name}?")
        outcome = await countinghouse("work", env=environment(settings, WORKER_URL=address))
        await connection.execute(f"drop database {name} with (force)")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "countinghouse: The database is empty. Run `countinghouse migrate` first.\n"


async def test_without_the_workers_address_it_says_what_is_missing(settings: Settings) -> None:
    env = environment(settings)
    del env["COUNTINGHOUSE_WORKER_URL"]
    outcome = await countinghouse("work", env=env)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == (
        "countinghouse: This needs the database's address as countinghouse_worker in COUNTINGHOUSE_WORKER_URL,"
        " beside COUNTINGHOUSE_DATABASE_URL.\n"
    )
