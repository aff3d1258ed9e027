"""Workers for tests, and what they are to do."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from gql.messages.carriers import Carrier
from gql.settings import Settings
from gql.worker.duties import DUTIES, Delivery, Duty
from gql.worker.worker import Worker
from tests.harness.actors import as_owner, as_superuser
from tests.harness.command_line import PROGRAM, environment
from tests.harness.postgres import the_database
from tests.harness.programs import MOST_SAID
from tests.harness.tenants import Tenant
from tests.ledger.books import open_account

PATIENCE_SECONDS: Final = 60.0
STATE: Final = "select state from ledger.holds where id = $1"
JOBS: Final = "select status::text, attempts, execute_after, dedupe_key from pgqueuer.pgqueuer where dedupe_key like $1"
ENDED: Final = "select status::text from pgqueuer.pgqueuer_log where entrypoint = $1 order by id desc limit 1"


def the_duty(name: str) -> Duty:
    return next(duty for duty in DUTIES if duty.name == name and isinstance(duty, Duty))


@asynccontextmanager
async def working(
    duties: Sequence[Duty | Delivery] = DUTIES, url: str | None = None, *, carrier: Carrier | None = None
) -> AsyncIterator[Worker]:
    """A worker that has looked once, and is stopped at the end."""
    worker = Worker(url or (await the_database()).worker_url, duties, carrier=carrier)
    ready = asyncio.Event()
    running = asyncio.create_task(worker.run(ready.set))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ready.wait()
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(running, PATIENCE_SECONDS)


@asynccontextmanager
async def program(settings: Settings, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that has said that it works."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "work",
        env=environment(settings, **more),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=MOST_SAID,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        assert line == b"Countinghouse works on what is due; Ctrl-C stops it.\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until this is so. Fails where it takes too long."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await check():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def expired_hold(tenant: Tenant) -> UUID:
    """A hold whose time has come."""
    async with as_owner(tenant) as connection:
        account = await open_account(connection, "LINE")
        made = await connection.fetchval(
            "select ledger.hold($1, 'UP', 1, until => $2)", account, datetime.now(UTC) - timedelta(minutes=1)
        )
    assert isinstance(made, UUID)
    return made


async def is_expired(hold: UUID) -> bool:
    async with as_superuser() as connection:
        return bool(await connection.fetchval(STATE, hold) == "EXPIRED")


async def jobs_for(tenant: Tenant) -> list[dict[str, Any]]:
    """What the queue holds for the tenant."""
    async with as_superuser() as connection:
        return [dict(row) for row in await connection.fetch(JOBS, f"%{tenant.tenant_id}%")]


async def notify(channel: str, payload: object) -> None:
    """A NOTIFY as anybody may send it who is connected."""
    async with as_superuser() as connection:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        await connection.execute("select pg_notify($1, $2)", channel, text)


async def let_messages_rest() -> None:
    """Whatever waits to be carried waits for good."""
    async with as_superuser() as connection:
        await connection.execute(
            "update billing.invoice_messages set next_try_at = 'infinity' where status = 'WAITING'"
        )
        await connection.execute("update iam.notices set next_try_at = 'infinity' where sent_at is null")
