"""What was billed, paid and received in each month, how well it was collected, and how long it took.
sql/billing/revenue.sql."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.billing.money import on, pay
from tests.harness.actors import as_analyst, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice

REVENUE = "select month, currency, billed, paid, cash, refunded, credited from billing.revenue($1, $2) order by line"
JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
NOTHING = Decimal(0)


async def revenue(connection: asyncpg.Connection, first: date, last: date) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await connection.fetch(REVENUE, first, last)]


async def test_billed_paid_and_received_are_three_figures(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        january = {"issue_date": "2026-01-31", "due_date": "2026-02-28"}
        first, second = [await new_invoice(connection, client_id, **january) for _ in range(2)]
        await new_draft(connection, client_id, **january)
        await call(
            connection, "billing.invoice_void", id=await new_invoice(connection, client_id, **january), reason="x"
        )
        await pay(connection, client_id, "100", received_at="2026-02-01T00:00:00Z", allocations=on(first, "100"))
        await pay(connection, client_id, "250", received_at="2026-03-31T23:59:59Z", allocations=on(first, "200"))
        await call(
            connection, "billing.invoice_credit_note", id=second, reason="x", issue_date="2026-02-28", amount="300"
        )
        assert await revenue(connection, JANUARY, MARCH) == [
            (JANUARY, "EUR", 600, 0, 0, 0, 0),
            # The second invoice is settled by the credit note alone: that is no cash.
            (FEBRUARY, "EUR", 0, 300, 100, 0, 300),
            (MARCH, "EUR", 0, 300, 250, 0, 0),
        ]
        # Whole months, whatever days name them; the first of the next is not among them.
        assert await revenue(connection, date(2026, 2, 28), date(2026, 2, 28)) == [
            (FEBRUARY, "EUR", 0, 300, 100, 0, 300)
        ]
        assert await revenue(connection, MARCH, JANUARY) == []


async def test_what_was_reversed_was_never_received_and_what_was_given_back_was(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        received = {"received_at": "2026-01-15T00:00:00Z"}
        bounced, whole, part = [await pay(connection, client_id, amount, **received) for amount in ("7", "20", "100")]
        await call(connection, "billing.payment_record", client_id=client_id, method="CASH", amount="1000", **received)
        await call(connection, "billing.payment_reverse", id=bounced, reason="x")
        await call(connection, "billing.payment_refund", id=whole, reason="x", refunded_on="2026-02-01")
        await call(connection, "billing.payment_refund", id=part, reason="x", amount="30", refunded_on="2026-01-31")
        assert await revenue(connection, JANUARY, FEBRUARY) == [
            (JANUARY, "EUR", 0, 0, 120, 30, 0),
            (FEBRUARY, "EUR", 0, 0, 0, 20, 0),
        ]


async def test_a_month_ends_at_midnight_where_the_organisation_is() -> None:
    tenant = await make_tenant(time_zone="Pacific/Auckland")  # thirteen hours ahead in January
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await pay(connection, client_id, "1", received_at="2026-01-31T10:59:59Z")
        await pay(connection, client_id, "2", received_at="2026-01-31T11:00:00Z")
        assert [row[4] for row in await revenue(connection, JANUARY, FEBRUARY)] == [1, 2]


async def test_days_sales_outstanding_is_what_is_owed_by_what_a_day_bills(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await new_invoice(connection, client_id, issue_date="2025-12-31", due_date="2025-12-31")
        invoice = await new_invoice(connection, client_id, issue_date="2026-01-10", due_date="2026-02-10")
        # Of February, so that January ends without it.
        await pay(connection, client_id, "200", received_at="2026-02-01T00:00:00Z", allocations=on(invoice, "150"))
        lost = await new_invoice(connection, client_id, issue_date="2026-01-11", due_date="2026-02-10")
        await call(connection, "billing.invoice_write_off", id=lost, reason="x")
        rows = await connection.fetch("select * from billing.collections($1, $2) order by line", JANUARY, MARCH)
        figures = ("month", "billed", "collected", "collection_rate", "receivable", "days", "days_sales_outstanding")
        assert [tuple(row[name] for name in figures) for row in rows] == [
            (JANUARY, 600, 0, 0, 900, 31, Decimal("46.50")),
            (FEBRUARY, 0, 200, None, 750, 28, None),
        ]


async def test_the_running_month_is_judged_by_its_days_so_far(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        today = await connection.fetchval("select core.today()")
        client_id = await new_client(connection)
        for day in (today, today + timedelta(1)):
            await new_invoice(connection, client_id, issue_date=day, due_date=day)
        [row, *_] = await connection.fetch("select * from billing.collections($1, $1) order by line", today)
        assert (row["receivable"], row["days"]) == (300, today.day)
        later = today + timedelta(62)
        await new_invoice(connection, client_id, issue_date=later, due_date=later)
        [row] = await connection.fetch("select * from billing.collections($1, $1) order by line", later)
        assert (row["receivable"], row["days"] >= 28) == (900, True)


async def test_percentiles_of_processing_are_continuous_and_by_method(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)

        async def took(spans: range | list[int], day: str, method: str, **more: Any) -> None:
            for span in spans:
                facts = {"method": method, "reference": "x", "received_at": f"{day}T12:00:00Z", **more}
                await pay(connection, client_id, "1", processing_time_ms=span, **facts)

        await took(range(1, 11), "2026-01-05", "CARD")
        await took([5], "2026-01-31", "CASH")
        await took([99999], "2026-02-01", "CASH")
        await took([77777], "2026-01-05", "CARD", status="PROCESSING")
        failed = await call(
            connection, "billing.payment_record", client_id=client_id, method="CASH", amount="1",
            received_at="2026-01-06T00:00:00Z",
        )  # fmt: skip
        await call(connection, "billing.payment_fail", id=failed, reason="x", processing_time_ms=8)
        rows = await connection.fetch(
            "select method_name, t.* from billing.processing_times($1, $2) t"
            " join billing.payment_methods m on m.id = method_id order by line",
            JANUARY,
            date(2026, 1, 31),
        )
        figures = ("method_name", "payment_count", "failed_count", "p50", "p95", "p99")
        assert [tuple(row[name] for name in figures) for row in rows] == [
            ("CARD", 10, 0, Decimal("5.50"), Decimal("9.55"), Decimal("9.91")),
            ("CASH", 2, 1, Decimal("6.50"), Decimal("7.85"), Decimal("7.97")),
        ]


@pytest.mark.parametrize("question", ["revenue", "collections"])
async def test_who_asks_sees_their_own(tenant: Tenant, other_tenant: Tenant, question: str) -> None:
    async with as_tenant(other_tenant) as theirs:
        await new_invoice(theirs, issue_date=JANUARY, due_date=JANUARY)
    async with as_tenant(tenant) as owner:
        mine, stranger = await new_client(owner, "Mine"), await new_client(owner, "Not mine")
        for client_id in (mine, stranger):
            await new_invoice(owner, client_id, issue_date=JANUARY, due_date=JANUARY)

    async def billed(entrance: Any) -> Any:
        async with entrance as connection:
            return await connection.fetchval(f"select sum(billed) from billing.{question}($1, $1)", JANUARY)

    assert await billed(as_tenant(tenant)) == await billed(as_analyst(tenant)) == 600
    assert await billed(as_tenant(tenant, "member", [mine])) == 300
    assert await billed(as_tenant(tenant, "member", [])) is None
