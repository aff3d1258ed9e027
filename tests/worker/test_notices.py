"""The worker carries notices: what somebody is told of an invite or a request comes to them once."""

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import pytest

from gql.messages.carriers import Smtp
from gql.worker.duties import DUTIES, Delivery
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.inbox import MailServer, mail_server
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import refused
from tests.iam.comers import invite, new_address
from tests.worker.working import eventually, let_messages_rest, working

NOTICES: Final = next(duty for duty in DUTIES if isinstance(duty, Delivery) and duty.name == "send-notices")


@pytest.fixture(autouse=True)
async def nothing_waits(database: object) -> AsyncIterator[None]:
    await let_messages_rest()
    yield
    await let_messages_rest()


async def the_notice(address: str) -> dict[str, Any]:
    async with as_superuser() as connection:
        row = await connection.fetchrow("select * from iam.notices where recipient = $1", address)
    assert row is not None
    return dict(row)


async def carried(server: MailServer, port: int, tenant: Tenant, address: str, end: str) -> dict[str, Any]:
    """The notice of an invite to this address, once it has come to this end."""
    await invite(tenant, address)

    async def is_there() -> bool:
        return (await the_notice(address))[end] is not None

    carrier = Smtp(f"smtp://127.0.0.1:{port}", "house@example.org")
    async with working([NOTICES], carrier=carrier):
        await eventually(is_there)
    return await the_notice(address)


async def test_whoever_is_invited_finds_it_in_their_inbox() -> None:
    tenant, address = await make_tenant("Fen Orchards"), new_address()
    async with mail_server() as (server, port):
        notice = await carried(server, port, tenant, address, "sent_at")
    [(sender, recipients, mail)] = server.received
    assert (sender, recipients, mail["To"]) == ("house@example.org", [address], address)
    assert mail["Subject"] == "Fen Orchards invites you"
    assert mail["Message-ID"] == f"<{notice['id']}@example.org>"
    assert tenant.slug in mail.get_content()
    async with as_tenant(tenant, "worker") as connection:
        assert await connection.fetchval("select iam.notice_take($1)", notice["id"]) is None
        assert await connection.fetchval("select iam.notice_sent($1)", notice["id"]) is False


async def test_what_the_mail_server_never_takes_is_given_up() -> None:
    tenant, address = await make_tenant("Fen Orchards"), new_address()
    async with mail_server() as (server, port):
        server.refusals_of_recipients = ["550 No such user here"]
        notice = await carried(server, port, tenant, address, "failed_at")
    assert (notice["sent_at"], notice["attempts"]) == (None, 1)
    assert notice["failure"]


async def test_a_notice_waits_longer_after_each_attempt_and_thirty_are_enough() -> None:
    tenant, address = await make_tenant("Fen Orchards"), new_address()
    await invite(tenant, address)
    wanted: UUID = (await the_notice(address))["id"]
    async with as_tenant(tenant, "worker") as connection:
        for attempt in range(30):
            assert await connection.fetchval("select iam.notice_take($1)", wanted) is not None
            assert await connection.fetchval("select iam.notice_take($1)", wanted) is None
            failed = await connection.fetchval("select iam.notice_failed($1, 'Nobody answers.', false)", wanted)
            assert failed is (attempt == 29)
            async with as_superuser() as superuser:
                waits = (
                    "select next_try_at - updated_at >= interval '59 seconds' * least(power(2, $2), 60)"
                    " from iam.notices where id = $1"
                )
                assert await superuser.fetchval(waits, wanted, attempt) or failed
                await superuser.execute("update iam.notices set next_try_at = now() where id = $1", wanted)
    assert (await the_notice(address))["failure"] == "Nobody answers."


@pytest.mark.parametrize("role", ["owner", "doorway", "viewer"])
async def test_nobody_but_the_worker_carries_notices(role: str, tenant: Tenant) -> None:
    address = new_address()
    await invite(tenant, address)
    wanted = (await the_notice(address))["id"]
    async with as_tenant(tenant, role) as connection:
        for call in ("notice_take($1)", "notice_sent($1)", "notice_failed($1, 'x', true)"):
            with refused("FORBIDDEN", "PERMISSION_MISSING"):
                await connection.execute(f"select iam.{call}", wanted)
