"""Sending invoices by e-mail: what is written, what the worker does with it, and what comes back of it.

sql/billing/invoice_messages.sql. How the worker carries them stands in tests/worker.
"""

import asyncio
import json
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.billing.money import on, pay
from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice, refused, the_row

TABLE: Final = "billing.invoice_messages"
INVOICES: Final = "billing.invoices"
NEWEST: Final = (
    "select id from billing.invoice_messages where invoice_id = $1 order by created_at desc, id desc limit 1"
)


async def invoice_of(connection: asyncpg.Connection, email: str | None = "office@fen.example", **facts: Any) -> UUID:
    """An issued invoice of a client with this address."""
    return await new_invoice(connection, await new_client(connection, email=email), **facts)


async def send(connection: asyncpg.Connection, invoice: UUID, **facts: Any) -> UUID:
    """Send the invoice; the message's id."""
    await call(connection, "billing.invoice_send", id=invoice, **facts)
    message = await connection.fetchval(NEWEST, invoice)
    assert isinstance(message, UUID)
    return message


async def take(tenant: Tenant, message: UUID) -> dict[str, Any] | None:
    """What the worker carries, if it has anything to carry."""
    async with as_tenant(tenant, "worker") as connection:
        taken = await connection.fetchval("select billing.invoice_message_take($1)", message)
    answer: dict[str, Any] | None = json.loads(taken) if taken else None
    return answer


async def carried(tenant: Tenant, message: UUID) -> None:
    """Take the message, and say that the mail server took it."""
    assert await take(tenant, message) is not None
    async with as_tenant(tenant, "worker") as connection:
        assert await connection.fetchval("select billing.invoice_message_sent($1)", message) is True


async def failed(tenant: Tenant, message: UUID, *, is_final: bool) -> bool:
    async with as_tenant(tenant, "worker") as connection:
        given_up = await connection.fetchval(
            "select billing.invoice_message_failed($1, 'The mail server refused it.', $2)", message, is_final
        )
    assert isinstance(given_up, bool)
    return given_up


async def sent(tenant: Tenant, connection: asyncpg.Connection, invoice: UUID) -> UUID:
    message = await send(connection, invoice)
    await carried(tenant, message)
    return message


async def tell(connection: asyncpg.Connection, invoice: UUID, event: str, **facts: Any) -> None:
    await call(connection, "billing.invoice_email_event", id=invoice, event=event, **facts)


async def email_status(connection: asyncpg.Connection, invoice: UUID) -> str:
    return str((await the_row(connection, INVOICES, invoice))["email_status"])


async def test_an_invoice_goes_to_its_client_in_words_that_say_what_is_to_be_paid(tenant: Tenant) -> None:
    lines = [
        {"description": "Oak table", "quantity": "2", "unit_price": "150.00", "tax_rate": "19"},
        {"description": "Delivery", "quantity": "1.5", "unit_price": "10.00"},
    ]
    async with as_tenant(tenant) as connection:
        invoice = await invoice_of(
            connection, lines=lines, issue_date="2026-01-10", due_date="2026-02-09", notes="Thank you.",
            terms="Thirty days.", payment_method="BANK_TRANSFER", payment_link="https://pay.example/1", discount="5.00",
        )  # fmt: skip
        assert await email_status(connection, invoice) == "NOT_SENT"
        message = await send(connection, invoice, greeting=" Dear orchards,\n")
        row, made = await the_row(connection, TABLE, message), await the_row(connection, INVOICES, invoice)
        business = await connection.fetchrow("select name, email from iam.organisation()")
    assert business is not None
    number, currency, total = made["number"], made["currency"], made["total"]
    assert row["subject"] == f"Invoice {number} from {business['name']}"
    assert row["text"] == (
        "Dear orchards,\n\n"
        f"Invoice {number} of 2026-01-10\nFrom: {business['name']}\nTo: Fen Orchards\n\n"
        "1. Oak table: 2 x 150.00 = 300.00\n2. Delivery: 1.5 x 10.00 = 15.00\n\n"
        f"Discount: {currency} 5.00\nTax: {currency} {made['tax_amount']}\nTotal: {currency} {total}\n"
        f"To be paid by 2026-02-09: {currency} {total}\n\n"
        "Pay here: https://pay.example/1\nPlease pay by: Bank Transfer\n\nThank you.\n\nThirty days.\n"
    )
    assert (row["recipient"], row["status"], row["attempts"]) == ("office@fen.example", "WAITING", 0)
    taken = await take(tenant, message)
    assert taken == {
        "id": str(message), "to": "office@fen.example", "subject": row["subject"], "text": row["text"],
        "sender_name": business["name"], "reply_to": business["email"],
    }  # fmt: skip


async def test_a_paid_invoice_says_that_nothing_is_left(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice = await invoice_of(connection)
        made = await the_row(connection, INVOICES, invoice)
        await pay(connection, made["client_id"], made["total"], allocations=on(invoice, made["total"]))
        text = (await the_row(connection, TABLE, await send(connection, invoice)))["text"]
        unpaid = (await the_row(connection, TABLE, await send(connection, await invoice_of(connection))))["text"]
    assert "Pay here" not in unpaid  # nobody said where
    assert "Nothing is left to be paid." in text
    assert "To be paid by" not in text


async def test_it_goes_to_the_address_that_is_named_or_the_client_s_or_its_primary_contact_s(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice = await invoice_of(connection, email=None)
        client_id = (await the_row(connection, INVOICES, invoice))["client_id"]
        with refused("BAD_USER_INPUT", "RECIPIENT_REQUIRED") as told:
            await send(connection, invoice)
        assert told.field == "input.recipient"
        for name, email, is_primary in (("First", "first@fen.example", False), ("Ann", "ann@fen.example", True)):
            await call(connection, "billing.client_contact_create", client_id=client_id, name=name, email=email,
                       is_primary=is_primary)  # fmt: skip
        first = await send(connection, invoice)
        assert (await the_row(connection, TABLE, first))["recipient"] == "ann@fen.example"
        await carried(tenant, first)
        await call(connection, "billing.client_update", id=client_id, email="office@fen.example")
        second = await send(connection, invoice)
        assert (await the_row(connection, TABLE, second))["recipient"] == "office@fen.example"
        await carried(tenant, second)
        third = await send(connection, invoice, recipient=" else@where.example ")
        assert (await the_row(connection, TABLE, third))["recipient"] == "else@where.example"


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "nobody",
        "a@b, c@d.example",
        "a@b\nBcc: c@d.example",
        "Ann <a@b.example>",
        "a@b;c@d",
        f"{'x' * 250}@b.example",
    ],
)
async def test_one_address_and_nothing_else(tenant: Tenant, recipient: str) -> None:
    async with as_tenant(tenant) as connection:
        invoice = await invoice_of(connection)
        with refused("BAD_USER_INPUT", "RECIPIENT_INVALID") as told:
            await send(connection, invoice, recipient=recipient)
        assert told.field == "input.recipient"
        assert await connection.fetchval("select count(*) from billing.invoice_messages") == 0


async def test_what_is_not_sent(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(other_tenant) as connection:
        foreign = await invoice_of(connection)
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, email="office@fen.example")
        draft, void = await new_draft(connection, client_id), await new_invoice(connection, client_id)
        await call(connection, "billing.invoice_void", id=void, reason="Twice")
        for each in (draft, void):
            with refused("CONFLICT", "INVOICE_NOT_OPEN"):
                await send(connection, each)
        for each in (uuid4(), foreign):
            with refused("NOT_FOUND", "INVOICE_NOT_FOUND"):
                await send(connection, each)
        invoice = await new_invoice(connection, client_id)
        with refused("BAD_USER_INPUT", "GREETING_TOO_LONG"):
            await send(connection, invoice, greeting="x" * 5001)
        await send(connection, invoice)
        with refused("CONFLICT", "MESSAGE_WAITING"):
            await send(connection, invoice)


async def test_an_invoice_is_sent_ten_times_a_day_and_no_more(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice = await invoice_of(connection)
        for _ in range(10):
            await sent(tenant, connection, invoice)
        with refused("CONFLICT", "SENT_TOO_OFTEN"):
            await send(connection, invoice)


async def test_of_those_who_send_it_at_once_one_does(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice = await invoice_of(connection)

    async def try_once() -> bool:
        async with as_tenant(tenant) as connection:
            try:
                await call(connection, "billing.invoice_send", id=invoice)
            except asyncpg.PostgresError:
                return False
            return True

    assert sum(await asyncio.gather(*(try_once() for _ in range(8)))) == 1


async def test_a_name_with_line_breaks_stays_on_the_subject_s_line(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await connection.execute("update iam.tenants set name = $2 where id = $1", tenant.tenant_id, "Us\r\nBcc: you")
    async with as_tenant(tenant) as connection:
        message = await send(connection, await invoice_of(connection))
        assert (await the_row(connection, TABLE, message))["subject"].endswith("from Us Bcc: you")


async def test_events_lead_from_sent_to_opened_and_opened_means_seen(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice = await invoice_of(connection)
        message = await send(connection, invoice)
        with refused("CONFLICT", "INVOICE_NOT_SENT"):
            await tell(connection, invoice, "OPENED")
        await carried(tenant, message)
        assert await email_status(connection, invoice) == "SENT"
        await tell(connection, invoice, "DELIVERED")
        await tell(connection, invoice, "DELIVERED")
        assert await email_status(connection, invoice) == "DELIVERED"
        assert (await the_row(connection, INVOICES, invoice))["viewed_at"] is None
        await tell(connection, invoice, "OPENED")
        row = await the_row(connection, INVOICES, invoice)
        assert (row["email_status"], row["status"]) == ("OPENED", "VIEWED")
        assert row["viewed_at"] == (await the_row(connection, TABLE, message))["opened_at"]
        before = await the_row(connection, TABLE, message)
        for late in ("OPENED", "DELIVERED", "BOUNCED"):  # providers repeat themselves, and cross one another
            await tell(connection, invoice, late)
            assert await email_status(connection, invoice) == "OPENED"
        assert (await the_row(connection, TABLE, message))["opened_at"] == before["opened_at"]


async def test_an_email_that_came_back_says_why_and_may_be_sent_again(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice = await invoice_of(connection)
        first = await sent(tenant, connection, invoice)
        with refused("BAD_USER_INPUT", "REASON_UNEXPECTED"):
            await tell(connection, invoice, "OPENED", reason="Nobody home")
        with refused("BAD_USER_INPUT", "BOUNCE_REASON_REQUIRED"):
            await tell(connection, invoice, "BOUNCED", reason=" ")
        await tell(connection, invoice, "BOUNCED", reason="Nobody home")
        assert await email_status(connection, invoice) == "BOUNCED"
        assert (await the_row(connection, TABLE, first))["bounce_reason"] == "Nobody home"
        second = await send(connection, invoice)
        assert await email_status(connection, invoice) == "BOUNCED"  # until the next has left
        await carried(tenant, second)
        assert await email_status(connection, invoice) == "SENT"
        # What is told late of the first is noted there, and is not news of the second.
        await tell(connection, invoice, "OPENED", message_id=first)
        assert await email_status(connection, invoice) == "SENT"
        assert (await the_row(connection, TABLE, first))["status"] == "OPENED"


async def test_an_event_of_no_message_of_this_invoice_is_refused(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice, other = await invoice_of(connection), await invoice_of(connection)
        message = await sent(tenant, connection, other)
        for wanted in (message, uuid4()):
            with refused("NOT_FOUND", "MESSAGE_NOT_FOUND") as told:
                await tell(connection, invoice, "OPENED", message_id=wanted)
            assert told.field == "input.messageId"
        with refused("CONFLICT", "INVOICE_NOT_SENT"):
            await tell(connection, invoice, "BOUNCED")


async def test_a_void_invoice_is_not_sent_any_more_and_stays_as_it_was(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        waiting, left = await invoice_of(connection), await invoice_of(connection)
        message, gone = await send(connection, waiting), await sent(tenant, connection, left)
        for each in (waiting, left):
            await call(connection, "billing.invoice_void", id=each, reason="Twice")
        assert await take(tenant, message) is None
        row = await the_row(connection, TABLE, message)
        assert (row["status"], row["bounce_reason"]) == ("BOUNCED", "The invoice was voided before it was sent.")
        await tell(connection, left, "OPENED")
        assert (await the_row(connection, TABLE, gone))["status"] == "OPENED"
        after = await the_row(connection, INVOICES, left)
        assert (after["email_status"], after["viewed_at"], after["status"]) == ("SENT", None, "CANCELLED")


async def test_a_message_is_taken_once_and_again_after_a_pause_that_doubles(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        message = await send(connection, await invoice_of(connection))
    at_once = await asyncio.gather(*(take(tenant, message) for _ in range(8)))
    assert sum(each is not None for each in at_once) == 1
    pauses = []
    for _ in range(8):
        async with as_superuser() as connection:
            pauses.append(
                await connection.fetchval(
                    f"select round(extract(epoch from next_try_at - updated_at) / 60)::int from {TABLE} where id = $1",
                    message,
                )
            )
            await connection.execute(f"update {TABLE} set next_try_at = statement_timestamp() where id = $1", message)
        assert await take(tenant, message) is not None
        assert await failed(tenant, message, is_final=False) is False
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_it_is_given_up_when_it_is_refused_for_good_or_was_tried_for_a_day(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        refused_one, tried, unheard = [await invoice_of(connection) for _ in range(3)]
        messages = [await send(connection, each) for each in (refused_one, tried, unheard)]
    async with as_superuser() as connection:
        await connection.execute(f"update {TABLE} set attempts = 29 where id = $1", messages[1])
        await connection.execute(f"update {TABLE} set attempts = 30 where id = $1", messages[2])
    assert await take(tenant, messages[0]) is not None
    assert await failed(tenant, messages[0], is_final=True) is True
    assert await take(tenant, messages[1]) is not None
    assert await failed(tenant, messages[1], is_final=False) is True
    assert await take(tenant, messages[2]) is None
    async with as_tenant(tenant) as connection:
        for message, invoice in zip(messages, (refused_one, tried, unheard), strict=True):
            assert (await the_row(connection, TABLE, message))["status"] == "BOUNCED"
            assert await email_status(connection, invoice) == "BOUNCED"
    assert await failed(tenant, messages[0], is_final=True) is False
    async with as_tenant(tenant, "worker") as connection:
        assert await connection.fetchval("select billing.invoice_message_sent($1)", messages[0]) is False
        assert await connection.fetchval("select billing.invoice_message_take($1)", uuid4()) is None


@pytest.mark.parametrize("entrance", [as_tenant, as_owner])
async def test_a_message_stays_as_it_was_written(tenant: Tenant, entrance: Any) -> None:
    async with as_tenant(tenant) as connection:
        message = await send(connection, await invoice_of(connection))
    async with entrance(tenant) as connection:
        for change in (
            f"update {TABLE} set text = 'other' where id = $1",
            f"update {TABLE} set recipient = 'you@example.com' where id = $1",
            f"delete from {TABLE} where id = $1",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute(change, message)
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(f"truncate {TABLE}")


@pytest.mark.parametrize("role", ["owner", "accountant", "viewer", "member"])
async def test_nobody_but_the_worker_carries_messages(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role) as connection:
        for call_of in ("take($1)", "sent($1)", "failed($1, 'x', true)"):
            with refused("FORBIDDEN", "PERMISSION_MISSING"):
                await connection.fetchval(f"select billing.invoice_message_{call_of}", uuid4())


async def test_what_is_sent_is_in_the_audit_log_without_its_text(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        message = await sent(tenant, connection, await invoice_of(connection))
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select action, new_values from core.audit_log where entity_id = $1 order by created_at, id", message
        )
    assert {row["action"] for row in rows} == {"CREATE", "TRANSITION"}
    assert json.loads(rows[0]["new_values"])["recipient"] == "office@fen.example"
    assert all("text" not in json.loads(row["new_values"]) for row in rows)
