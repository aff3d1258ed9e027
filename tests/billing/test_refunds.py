"""Money that goes back to a client: sql/billing/payment_refunds.sql."""

from datetime import date, timedelta
from typing import Final

import pytest

from tests.billing.money import miscounted, on, pay, wrong
from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_invoice, refused, the_row

INVOICES: Final = "billing.invoices"
REFUND: Final = "billing.payment_refund"


async def test_credit_goes_back_first_and_then_what_was_paid_last(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        first, second = [await new_invoice(connection, client_id) for _ in range(2)]
        payment_id = await pay(connection, client_id, "650", allocations=on(first, "300"))
        await call(connection, "billing.payment_allocate", id=payment_id, allocations=on(second, "300"))
        told = []
        for amount in ("40", "110", "300", "200"):
            await call(connection, REFUND, id=payment_id, amount=amount, reason="Sent back")
            payment = await the_row(connection, "billing.payments", payment_id)
            rows = [await the_row(connection, INVOICES, each) for each in (first, second)]
            told.append((payment["unapplied_amount"], *(row["paid_amount"] for row in rows), payment["status"]))
            assert await wrong(connection) == []
        assert told == [
            (10, 300, 300, "CONFIRMED"),
            (0, 300, 200, "CONFIRMED"),
            (0, 200, 0, "CONFIRMED"),
            (0, 0, 0, "REFUNDED"),
        ]
        with refused("CONFLICT", "PAYMENT_REFUNDED"):
            await call(connection, REFUND, id=payment_id, amount="0.01", reason="More")
        client = await the_row(connection, "billing.clients", client_id)
        assert (client["outstanding"], client["balance"], client["lifetime_paid"], client["total_payments"]) == (
            600,
            600,
            0,
            0,
        )
    async with as_owner(tenant) as connection:
        assert await miscounted(connection) == []


async def test_of_invoices_that_were_paid_at_once_the_one_due_last_is_open_again_first(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        days = [date(2026, 1, 1) + timedelta(days=place) for place in range(6)]
        invoices = [await new_invoice(connection, client_id, issue_date=day) for day in days]
        for arguments in (
            {"oldest_first": True},
            {"allocations": [line for each in invoices for line in on(each, "300")]},
        ):
            for status in ("CONFIRMED", "PENDING"):
                payment_id = await pay(connection, client_id, "1800", status=status, **arguments)
                if status == "PENDING":
                    await call(connection, "billing.payment_confirm", id=payment_id)
                for left in range(5, -1, -1):
                    await call(connection, REFUND, id=payment_id, amount="300", reason="Sent back")
                    paid = [(await the_row(connection, INVOICES, each))["paid_amount"] for each in invoices]
                    assert paid == [300] * left + [0] * (6 - left)
        assert await wrong(connection) == []


async def test_without_an_amount_all_that_is_left_goes_back(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id)
        payment_id = await pay(connection, client_id, "300", allocations=on(invoice_id, "300"))
        await call(connection, REFUND, id=payment_id, amount="50", reason="A part")
        assert (await the_row(connection, INVOICES, invoice_id))["status"] == "PARTIALLY_PAID"
        await call(connection, REFUND, id=payment_id, reason="The rest")
        assert await connection.fetchval("select array_agg(amount order by amount) from billing.payment_refunds") == [
            50,
            250,
        ]
        row = await the_row(connection, INVOICES, invoice_id)
        assert (row["status"], row["payment_count"], row["partial_payment_count"], row["last_payment_date"]) == (
            "SENT",
            0,
            0,
            None,
        )


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("100.01", "REFUND_TOO_LARGE"),
        ("0", "REFUND_AMOUNT_INVALID"),
        ("-1", "REFUND_AMOUNT_INVALID"),
        ("0.001", "MONEY_DECIMALS"),
    ],
)
async def test_an_amount_that_does_not_fit_is_refused(tenant: Tenant, amount: str, reason: str) -> None:
    async with as_tenant(tenant) as connection:
        payment_id = await pay(connection, await new_client(connection), "100")
        with refused("BAD_USER_INPUT", reason):
            await call(connection, REFUND, id=payment_id, amount=amount, reason="Sent back")
        assert (await the_row(connection, "billing.payments", payment_id))["refunded_amount"] == 0


async def test_money_goes_back_between_the_day_that_it_came_and_today(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        payment_id = await pay(connection, await new_client(connection), "9", received_at="2026-03-10T12:00Z")
        today = await connection.fetchval("select core.today()")
        for day in (date(2026, 3, 9), today + timedelta(days=1)):
            with refused("BAD_USER_INPUT", "REFUND_DATE_RANGE") as told:
                await call(connection, REFUND, id=payment_id, reason="Back", refunded_on=day)
            assert told.field == "input.refundedOn"
        await call(connection, REFUND, id=payment_id, amount="4", reason="Back", refunded_on="2026-03-10")
        assert await connection.fetchval("select max(effective_date) from ledger.transfers") == date(2026, 3, 10)


async def test_a_bounced_payment_opens_what_it_paid_and_bounces_once(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id)
        payment_id = await pay(connection, client_id, "320", allocations=on(invoice_id, "300"))
        await call(connection, "billing.payment_reverse", id=payment_id, reason="Bounced")
        row = await the_row(connection, INVOICES, invoice_id)
        assert (row["status"], row["balance"], row["payment_count"]) == ("SENT", 300, 0)
        posted = await connection.fetchval("select count(*) from ledger.transfers")
        for verb in ("reverse", "refund"):
            with refused("CONFLICT", "PAYMENT_REVERSED"):
                await call(connection, f"billing.payment_{verb}", id=payment_id, reason="Again")
        assert await connection.fetchval("select count(*) from ledger.transfers") == posted
        assert await wrong(connection) == []


async def test_what_was_given_back_in_part_is_not_reversed(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        payment_id = await pay(connection, await new_client(connection), "9")
        await call(connection, REFUND, id=payment_id, amount="1", reason="Back")
        with refused("CONFLICT", "PAYMENT_REFUNDED"):
            await call(connection, "billing.payment_reverse", id=payment_id, reason="Bounced")
