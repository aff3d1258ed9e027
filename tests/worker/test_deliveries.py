"""The worker carries messages to the mail server: each of them, once, and again where it is not known to have come."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from gql.messages.carriers import CARRY_SECONDS, Smtp
from gql.messages.message import Message
from gql.settings import Settings
from gql.worker.duties import DUTIES, Delivery
from gql.worker.worker import CHANNEL
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.inbox import MailServer, mail_server
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, new_client, new_invoice
from tests.worker.working import (
    ENDED,
    PATIENCE_SECONDS,
    eventually,
    expired_hold,
    is_expired,
    jobs_for,
    let_messages_rest,
    notify,
    program,
    the_duty,
    working,
)

INVOICES: Final = next(duty for duty in DUTIES if isinstance(duty, Delivery) and duty.name == "send-invoices")
OFTEN: Final = replace(INVOICES, every=timedelta(milliseconds=50))
OFFICE: Final = "office@moeller.example"
HOLDS: Final = the_duty("expire-holds")
CLIENT: Final = "books@orchards.example"


async def a_message(tenant: Tenant, **facts: Any) -> UUID:
    """A message that waits to be carried."""
    async with as_tenant(tenant) as connection:
        invoice = await new_invoice(connection, await new_client(connection, email=CLIENT))
        await call(connection, "billing.invoice_send", id=invoice, **facts)
        [made] = await connection.fetch("select id from billing.invoice_messages where invoice_id = $1", invoice)
    return UUID(str(made["id"]))


async def row(message: UUID) -> asyncpg.Record:
    async with as_superuser() as connection:
        found = await connection.fetchrow("select * from billing.invoice_messages where id = $1", message)
    assert found is not None
    return found


async def status_is(status: str, *messages: UUID) -> bool:
    return all([(await row(message))["status"] == status for message in messages])


async def attempted(message: UUID, times: int) -> bool:
    return bool((await row(message))["attempts"] == times)


async def is_quiet(tenant: Tenant) -> bool:
    return not await jobs_for(tenant)


async def come_again(message: UUID) -> None:
    """The time of its next attempt has come."""
    async with as_superuser() as connection:
        await connection.execute("update billing.invoice_messages set next_try_at = now() where id = $1", message)


@dataclass
class Office:
    """A mail server, and what carries messages there."""

    server: MailServer
    url: str

    @property
    def carrier(self) -> Smtp:
        return Smtp(self.url, "house@example.org")


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with mail_server() as (server, port):
        yield Office(server, f"smtp://127.0.0.1:{port}")


@pytest.fixture(autouse=True)
async def nothing_waits(database: object) -> AsyncIterator[None]:
    """What other tests left is not carried in this one, nor what this one leaves in others."""
    await let_messages_rest()
    yield
    await let_messages_rest()


async def test_an_invoice_that_is_sent_comes_to_the_client(office: Office) -> None:
    tenant = await make_tenant('Möller, "Söhne" & Co', slug=f"moeller-{token_hex(4)}", email=OFFICE)
    message = await a_message(tenant, greeting="Dear Fen Orchards,\nthank you!")
    async with working([INVOICES], carrier=office.carrier):
        await eventually(lambda: status_is("SENT", message))
        await eventually(lambda: is_quiet(tenant))
    [(sender, recipients, mail)] = office.server.received
    assert (sender, recipients, mail["To"]) == ("house@example.org", [CLIENT], CLIENT)
    [shown] = mail["From"].addresses
    assert (shown.display_name, shown.addr_spec) == ('Möller, "Söhne" & Co via Countinghouse', "house@example.org")
    assert mail["Reply-To"] == OFFICE
    assert mail["Message-ID"] == f"<{message}@example.org>"
    kept = await row(message)
    assert mail["Subject"] == kept["subject"]
    assert mail.get_content().split() == kept["text"].split()
    assert "Dear Fen Orchards," in mail.get_content()
    assert (kept["attempts"], kept["bounced_at"]) == (1, None)
    async with as_superuser() as superuser:
        assert await superuser.fetchval(ENDED, INVOICES.name) == "successful"


async def test_it_leaves_at_once(tenant: Tenant, office: Office) -> None:
    """The table tells the worker, who would not look for a day."""
    async with working([replace(INVOICES, every=timedelta(days=1))], carrier=office.carrier):
        message = await a_message(tenant)
        await eventually(lambda: status_is("SENT", message))


async def test_what_the_server_does_not_take_now_is_tried_again_at_its_time(
    tenant: Tenant, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.server.refusals = ["451 books@orchards.example is busy"]
    before = datetime.now(UTC)
    async with working([OFTEN], carrier=office.carrier):
        message = await a_message(tenant)
        await eventually(lambda: attempted(message, 1))
        await eventually(lambda: is_quiet(tenant))  # it is no job that failed: the queue does not repeat it
        await asyncio.sleep(1.2)  # it has looked again meanwhile
        kept = await row(message)
        assert (kept["status"], kept["attempts"], office.server.refusals) == ("WAITING", 1, [])
        assert kept["next_try_at"] - before > timedelta(seconds=CARRY_SECONDS)
        assert office.server.received == []
        await come_again(message)
        await eventually(lambda: status_is("SENT", message))
    assert (await row(message))["attempts"] == 2
    [line] = [record.getMessage() for record in caplog.records if record.name == "gql.worker.doing"]
    assert line == (
        f"send-invoices for {tenant.tenant_id}: not sent. The mail server does not take the message now (451)."
    )


async def test_what_the_server_refuses_is_given_up(
    tenant: Tenant, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    message = await a_message(tenant)
    office.server.refusals_of_recipients = ["550 books@orchards.example is nobody here"]
    with caplog.at_level(logging.DEBUG):
        async with working([OFTEN], carrier=office.carrier):
            await eventually(lambda: status_is("BOUNCED", message))
            await eventually(lambda: is_quiet(tenant))
            await come_again(message)
            await asyncio.sleep(1.2)
    kept = await row(message)
    assert kept["bounce_reason"] == "The mail server refused the message (550)."
    assert (kept["attempts"], office.server.received) == (1, [])
    async with as_superuser() as superuser:
        told = await superuser.fetchval("select string_agg(traceback::text, '') from pgqueuer.pgqueuer_log")
    assert "orchards" not in f"{told}{_said_by_us(caplog)}"


def _said_by_us(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged, but for the mail server of the test."""
    return "".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail"))


async def test_a_server_that_is_away_costs_an_attempt_and_holds_up_nobody(tenant: Tenant) -> None:
    async with mail_server() as (_, port):
        away = Smtp(f"smtp://127.0.0.1:{port}", "house@example.org")
    messages = [await a_message(tenant) for _ in range(2)]
    hold = await expired_hold(tenant)
    async with working([INVOICES, HOLDS], carrier=away):
        for message in messages:
            await eventually(lambda message=message: attempted(message, 1))  # type: ignore[misc]
        await eventually(lambda: is_expired(hold))
        await eventually(lambda: is_quiet(tenant))
    assert await status_is("WAITING", *messages)


async def test_while_a_mail_server_is_waited_for_others_are_not(tenant: Tenant) -> None:
    """More messages than a worker has hands, and a server that answers none of them."""

    class Silent:
        def __init__(self) -> None:
            self.waiting = 0

        async def carry(self, message: Message) -> None:
            self.waiting += 1
            await answered.wait()

    carrier, answered = Silent(), asyncio.Event()
    messages = [await a_message(tenant) for _ in range(INVOICES.at_once + 6)]

    async def is_waiting() -> bool:
        return carrier.waiting == INVOICES.at_once

    async with working([INVOICES, replace(HOLDS, every=timedelta(seconds=0.1))], carrier=carrier):
        await eventually(is_waiting)
        async with as_superuser() as superuser:
            open_ones = "select count(*) from pg_stat_activity where state like 'idle in transaction%'"
            assert await superuser.fetchval(f"{open_ones} and usename = 'countinghouse_worker'") == 0
        hold = await expired_hold(tenant)
        await eventually(lambda: is_expired(hold))
        assert carrier.waiting == INVOICES.at_once
        answered.set()
        await eventually(lambda: status_is("SENT", *messages))


async def test_two_workers_send_each_message_once(office: Office) -> None:
    tenants = [await make_tenant(f"Shared {number}") for number in range(3)]
    async with working([OFTEN], carrier=office.carrier), working([OFTEN], carrier=office.carrier):
        messages = [await a_message(tenant) for _ in range(4) for tenant in tenants]
        await eventually(lambda: status_is("SENT", *messages))
        for tenant in tenants:
            await eventually(lambda tenant=tenant: is_quiet(tenant))  # type: ignore[misc]
    assert sorted(mail["Message-ID"] for mail in office.server.mails) == sorted(
        f"<{message}@example.org>" for message in messages
    )


async def test_a_job_too_many_finds_nothing_to_send(tenant: Tenant, office: Office) -> None:
    message = await a_message(tenant)
    async with working([INVOICES], carrier=office.carrier):
        await eventually(lambda: status_is("SENT", message))
        await eventually(lambda: is_quiet(tenant))
    async with as_superuser() as superuser:
        for whose, what in (
            (f'"{tenant.tenant_id}"', f'"{message}"'),
            (f'"{tenant.tenant_id}"', "null"),
            ("null",) * 2,
        ):
            await superuser.execute(
                "insert into pgqueuer.pgqueuer (priority, status, entrypoint, payload, dedupe_key)"
                " values (0, 'queued', $1, convert_to($2, 'UTF8'), $2)",
                INVOICES.name,
                f'["{INVOICES.name}", {whose}, {what}]',
            )

    async def is_done() -> bool:
        async with as_superuser() as superuser:
            queued = "select exists (select from pgqueuer.pgqueuer where entrypoint = $1)"
            return not await superuser.fetchval(queued, INVOICES.name)

    async with working([INVOICES], carrier=office.carrier):
        await eventually(is_done)
    assert len(office.server.received) == 1


async def test_a_killed_worker_costs_one_retry_and_it_is_the_same_message(
    settings: Settings, tenant: Tenant, office: Office
) -> None:
    """It is killed when the mail server has the message, and it has not said so."""
    holding, may_go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with as_superuser() as superuser, superuser.transaction():
            await superuser.execute("select from billing.invoice_messages where id = $1 for update", message)
            holding.set()
            await may_go.wait()

    held: list[asyncio.Task[None]] = []

    async def keep_it_from_saying_so() -> None:
        held.append(asyncio.create_task(hold()))
        await holding.wait()

    async def waits_to_say_so() -> bool:
        async with as_superuser() as superuser:
            waiting = "select exists (select from pg_stat_activity where usename = 'countinghouse_worker' and {})"
            return bool(await superuser.fetchval(waiting.format("wait_event_type = 'Lock'")))

    message = await a_message(tenant)
    office.server.before_taking = keep_it_from_saying_so
    async with program(settings, SMTP_URL=office.url, MAIL_FROM="house@example.org") as process:
        await asyncio.wait_for(holding.wait(), PATIENCE_SECONDS)
        await eventually(waits_to_say_so)
        process.kill()
        await process.wait()
        async with as_superuser() as superuser:  # the system would tell PostgreSQL before long
            await superuser.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'countinghouse_worker'"
            )
    may_go.set()
    await held[0]
    kept = await row(message)
    assert (kept["status"], kept["attempts"]) == ("WAITING", 1)
    await come_again(message)
    async with as_superuser() as superuser:  # or else it would wait until the other one is taken for lost
        await superuser.execute("delete from pgqueuer.pgqueuer where entrypoint = $1", INVOICES.name)
    office.server.before_taking = MailServer().before_taking
    async with working([INVOICES], carrier=office.carrier):
        await eventually(lambda: status_is("SENT", message))
    assert [each["Message-ID"] for each in office.server.mails] == [f"<{message}@example.org>"] * 2


async def test_without_a_carrier_nothing_is_taken(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    message, hold = await a_message(tenant), await expired_hold(tenant)
    async with working([INVOICES, replace(HOLDS, every=timedelta(seconds=0.1))]) as worker:
        await notify(CHANNEL, "")
        await eventually(lambda: is_expired(hold))
        while worker.looks < 2:  # noqa: ASYNC110 - the worker tells nobody
            await asyncio.sleep(0.05)
    kept = await row(message)
    assert (kept["status"], kept["attempts"]) == ("WAITING", 0)
    assert await jobs_for(tenant) == []
    told = [record.getMessage() for record in caplog.records if record.name == "gql.worker.worker"]
    assert told == ["no COUNTINGHOUSE_SMTP_URL is set: this worker carries no messages (send-invoices)"]


async def test_what_is_carried_otherwise_is_left_to_whoever_can(tenant: Tenant, office: Office) -> None:
    """A worker without a mail server beside one that has one."""
    async with working([OFTEN, HOLDS]), working([OFTEN], carrier=office.carrier):
        message = await a_message(tenant)
        await eventually(lambda: status_is("SENT", message))


@pytest.mark.parametrize(("environment", "is_shown"), [("development", True), ("production", False)])
async def test_the_program_shows_them_in_development_alone(
    settings: Settings, tenant: Tenant, environment: str, is_shown: bool
) -> None:
    message = await a_message(tenant)
    async with program(settings, ENVIRONMENT=environment) as process:
        assert process.stderr is not None
        line = await asyncio.wait_for(process.stderr.readline(), PATIENCE_SECONDS)
        if is_shown:
            assert line == f"  | To {CLIENT}: {(await row(message))['subject']}\n".encode()
            await eventually(lambda: status_is("SENT", message))
        else:
            assert line.endswith(
                b"no COUNTINGHOUSE_SMTP_URL is set: this worker carries no messages (send-invoices, send-notices)\n"
            )
            assert await attempted(message, 0)
        process.terminate()
        await process.communicate()
