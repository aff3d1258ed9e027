"""A client's figures on small stories, worked out by hand: sql/billing/settlement.sql, src/gql/billing/clients.py."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from tests.billing.money import miscounted, on, pay, wrong
from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_invoice, refused, the_row

CLIENTS: Final = "billing.clients"
COUNTED: Final = (
    *("lifetime_billed", "lifetime_paid", "outstanding", "balance", "total_payments", "average_payment_amount"),
    *("last_payment_date", "avg_payment_days"),
)


async def figures(connection: asyncpg.Connection, client_id: UUID) -> tuple[Any, ...]:
    row = await the_row(connection, CLIENTS, client_id)
    return tuple(row[name] for name in COUNTED)


async def test_the_figures_of_a_story(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        assert await figures(connection, client_id) == (0, 0, 0, 0, 0, None, None, None)
        first, second = [
            await new_invoice(connection, client_id, issue_date=day, due_date="2099-01-01")
            for day in ("2026-03-01", "2026-03-11")
        ]
        void = await new_invoice(connection, client_id)
        await call(connection, "billing.invoice_void", id=void, reason="Twice")
        assert await figures(connection, client_id) == (600, 0, 600, 600, 0, None, None, None)
        # Paid whole after ten days.
        at = {"received_at": "2026-03-11T12:00Z"}
        await pay(connection, client_id, "300", allocations=on(first, "300"), **at)
        assert await figures(connection, client_id) == (600, 300, 300, 300, 1, 300, date(2026, 3, 11), 10)
        # 50 more than the rest of the second, 25 days after its issue: (10 + 25) / 2 days, (300 + 351) / 2.
        at = {"received_at": "2026-04-05T12:00Z"}
        more = await pay(connection, client_id, "351", allocations=on(second, "300"), **at)
        assert await figures(connection, client_id) == (
            *(600, 651, 0, -51, 2, Decimal("325.50"), date(2026, 4, 5), Decimal("17.5")),
        )
        await call(connection, "billing.payment_refund", id=more, amount="51", reason="Too much")
        assert (await figures(connection, client_id))[:6] == (600, 600, 0, 0, 2, Decimal("325.50"))
        # What is credited was never paid.
        await call(connection, "billing.invoice_credit_note", id=first, amount="100", reason="Scratched")
        assert (await figures(connection, client_id))[:5] == (500, 600, 0, -100, 2)
        failed = await pay(connection, client_id, "9", status="PENDING")
        await call(connection, "billing.payment_fail", id=failed, reason="No funds")
        bounced = await pay(connection, client_id, "1000")
        await call(connection, "billing.payment_reverse", id=bounced, reason="Bounced")
        assert await figures(connection, client_id) == (
            *(500, 600, 0, -100, 2, Decimal("325.50"), date(2026, 4, 5), Decimal("17.5")),
        )
        await call(connection, "billing.payment_refund", id=more, reason="All of it")
        assert await figures(connection, client_id) == (*(500, 300, 300, 200, 1, 300, date(2026, 3, 11), 10),)
        assert await wrong(connection) == []
    async with as_owner(tenant) as connection:
        assert await miscounted(connection) == []


async def test_what_is_in_another_currency_does_not_count(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await new_invoice(connection, client_id, currency="USD")
        await pay(connection, client_id, "40", currency="USD")
        assert (await figures(connection, client_id))[:5] == (0, 0, 0, 0, 0)
        await call(connection, "billing.client_update", id=client_id, currency="USD")
        assert (await figures(connection, client_id))[:5] == (300, 40, 300, 260, 1)


@pytest.mark.parametrize("entrance", ["owner", "superuser"])
async def test_nobody_sets_a_figure(tenant: Tenant, entrance: str) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id)
        await pay(connection, client_id, "100", allocations=on(invoice_id, "100"))
        before = await figures(connection, client_id)
    async with as_owner(tenant) if entrance == "owner" else as_superuser() as connection:
        await connection.execute(
            f"update {CLIENTS} set lifetime_billed = 1, lifetime_paid = 2, outstanding = 3, balance = 4,"
            " total_payments = 5, total_received = 6, last_payment_date = '2000-01-01',"
            " paid_invoices = 7, paid_days = 8, oldest_due_date = '2000-01-01' where id = $1",
            client_id,
        )
    async with as_tenant(tenant) as connection:
        assert await figures(connection, client_id) == before


async def test_a_disputed_invoice_is_not_overdue_until_it_is_resolved(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await new_invoice(connection, issue_date="2026-01-05", due_date="2026-02-04")
        invoice = await the_row(connection, "billing.invoices", invoice_id)

        async def oldest() -> Any:
            return (await the_row(connection, CLIENTS, invoice["client_id"]))["oldest_due_date"]

        assert await oldest() == date(2026, 2, 4)
        await call(connection, "billing.invoice_dispute", id=invoice_id, reason=" Wrong price ")
        row = await the_row(connection, "billing.invoices", invoice_id)
        assert (row["status"], row["dispute_reason"], row["balance"]) == ("DISPUTED", "Wrong price", 300)
        assert await oldest() is None
        with refused("CONFLICT", "INVOICE_DISPUTED"):
            await call(connection, "billing.invoice_dispute", id=invoice_id, reason="Again")
        await pay(connection, row["client_id"], "100", allocations=on(invoice_id, "100"))
        assert (await the_row(connection, "billing.invoices", invoice_id))["status"] == "DISPUTED"
        await call(connection, "billing.invoice_resolve", id=invoice_id)
        assert (await the_row(connection, "billing.invoices", invoice_id))["status"] == "PARTIALLY_PAID"
        assert await oldest() == date(2026, 2, 4)
        with refused("CONFLICT", "INVOICE_NOT_DISPUTED"):
            await call(connection, "billing.invoice_resolve", id=invoice_id)
        with refused("BAD_USER_INPUT", "DISPUTE_REASON_REQUIRED"):
            await call(connection, "billing.invoice_dispute", id=invoice_id, reason=" ")


async def test_a_write_off_gives_up_the_rest_as_a_loss(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id, issue_date="2026-01-05", due_date="2026-02-04")
        await pay(connection, client_id, "120", allocations=on(invoice_id, "120"))
        with refused("BAD_USER_INPUT", "WRITE_OFF_REASON_REQUIRED"):
            await call(connection, "billing.invoice_write_off", id=invoice_id, reason="")
        await call(connection, "billing.invoice_write_off", id=invoice_id, reason="Gone")
        row = await the_row(connection, "billing.invoices", invoice_id)
        assert (row["status"], row["written_off"], row["balance"], row["paid_date"]) == ("WRITTEN_OFF", 180, 0, None)
        lost = await connection.fetchval("select balance from ledger.accounts where code = 'BAD_DEBT'")
        client = await the_row(connection, CLIENTS, client_id)
        assert (lost, client["outstanding"], client["oldest_due_date"]) == (180, 0, None)
        for verb, reason in (
            ("write_off", "INVOICE_NOT_OPEN"),
            ("dispute", "INVOICE_NOT_OPEN"),
            ("void", "INVOICE_PAID"),
        ):
            with refused("CONFLICT", reason):
                await call(connection, f"billing.invoice_{verb}", id=invoice_id, reason="Again")
        assert await wrong(connection) == []


async def test_a_draft_and_a_paid_invoice_are_not_written_off(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        paid = await new_invoice(connection, client_id)
        await pay(connection, client_id, "300", allocations=on(paid, "300"))
        with refused("CONFLICT", "INVOICE_NOT_OPEN"):
            await call(connection, "billing.invoice_write_off", id=paid, reason="Gone")


async def test_a_client_with_credit_or_money_under_way_is_not_deleted(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        expected = await pay(connection, client_id, "5", status="PENDING")
        with refused("CONFLICT", "CLIENT_HAS_PAYMENTS"):
            await call(connection, "billing.client_delete", id=client_id)
        await call(connection, "billing.payment_confirm", id=expected)
        with refused("CONFLICT", "CLIENT_HAS_PAYMENTS"):
            await call(connection, "billing.client_delete", id=client_id)
        await call(connection, "billing.payment_refund", id=expected, reason="Leaves")
        await call(connection, "billing.client_delete", id=client_id)


async def test_paid_days_never_fall_below_zero(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        today = await connection.fetchval("select core.today()")
        ahead = await new_invoice(connection, client_id, issue_date=today + timedelta(days=5))
        payment_id = await pay(connection, client_id, "300")
        day = {"effective_date": today + timedelta(days=5)}
        await call(connection, "billing.payment_allocate", id=payment_id, allocations=on(ahead, "300"), **day)
        assert (await the_row(connection, CLIENTS, client_id))["avg_payment_days"] == 0
