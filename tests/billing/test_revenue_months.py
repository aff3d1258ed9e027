"""The figures of each month, reckoned ahead. sql/billing/revenue_months.sql."""

from datetime import date, datetime
from typing import Any

import asyncpg
import pytest

from tests.billing.money import pay
from tests.database.isolation import refresh_reports
from tests.harness.actors import as_analyst, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice

ALWAYS = "'1900-01-01', '9999-12-01'"
FIGURES = "month, currency, billed, paid, cash, refunded, credited"


async def reckoned(connection: asyncpg.Connection, days: str = ALWAYS) -> list[tuple[Any, ...]]:
    rows = await connection.fetch(f"select {FIGURES} from billing.revenue_reckoned({days}) order by line")
    return [tuple(row) for row in rows]


async def counted(connection: asyncpg.Connection, days: str = ALWAYS) -> list[tuple[Any, ...]]:
    return [
        tuple(row) for row in await connection.fetch(f"select {FIGURES} from billing.revenue({days}) order by line")
    ]


async def a_busy_year(connection: asyncpg.Connection) -> None:
    pounds = await new_client(connection, "Pounds", currency="GBP")
    for day in ("2025-01-01", "2025-01-31", "2025-02-01", "2025-12-31"):
        await new_invoice(connection, issue_date=day)
        await new_invoice(connection, pounds, issue_date=day)
    void = await new_invoice(connection, issue_date="2025-02-02")
    await call(connection, "billing.invoice_void", id=void, reason="Wrong")
    await new_draft(connection, issue_date="2025-02-03")
    payment = await pay(connection, pounds, "400.00", received_at="2025-02-28T12:00:00Z", oldest_first=True)
    await call(
        connection, "billing.payment_refund", id=payment, amount="50", refunded_on="2025-03-01", reason="Too much"
    )
    await call(connection, "billing.payment_reverse", id=await pay(connection, pounds, "9.00"), reason="Bounced")
    invoice = await new_invoice(connection, pounds, issue_date="2025-12-30")
    await call(
        connection, "billing.invoice_credit_note", id=invoice, amount="30", issue_date="2025-12-31", reason="Scratched"
    )


async def test_it_is_what_counting_says_by_month_and_currency(tenant: Tenant, other_tenant: Tenant) -> None:
    """Attack 10."""
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            await a_busy_year(connection)
    await refresh_reports()
    async with as_tenant(tenant) as connection:
        figures = {(month, currency): tuple(map(int, rest)) for month, currency, *rest in await reckoned(connection)}
        assert figures[date(2025, 1, 1), "EUR"] == (600, 0, 0, 0, 0)
        assert figures[date(2025, 2, 1), "GBP"] == (300, 300, 400, 0, 0)
        assert figures[date(2025, 3, 1), "GBP"] == (0, 0, 0, 50, 0)
        assert figures[date(2025, 12, 1), "GBP"] == (600, 0, 0, 0, 30)
        assert {row[0] for row in await reckoned(connection, "'2025-02-28', '2025-03-30'")} == {
            date(2025, 2, 1),
            date(2025, 3, 1),
        }
        assert await reckoned(connection, "'2025-03-01', '2025-02-01'") == []
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            assert await reckoned(connection) == await counted(connection) != []


async def test_it_says_as_of_when_it_is_and_keeps_saying_it_until_it_is_reckoned_anew(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_superuser() as superuser:
        await new_invoice(connection)
        await refresh_reports()
        before = await reckoned(connection)
        await new_invoice(connection)
        assert await reckoned(connection) == before
        told = await connection.fetchval(f"select as_of from billing.revenue_reckoned({ALWAYS})")
        assert isinstance(told, datetime)
        assert told == await superuser.fetchval(
            "select refreshed_at from reports.refreshes where report = 'revenue_months'"
        )


@pytest.mark.parametrize("role", ["member", "", "superuser", "worker"])
async def test_whoever_sees_a_part_of_the_organisation_sees_nothing_of_it(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await new_invoice(connection, client_id)
    await refresh_reports()
    async with as_tenant(tenant, role, [client_id]) as connection:
        seen = await connection.fetch("select * from billing.revenue_reckoned('1900-01-01', '9999-12-31')")
        assert len(seen) == (role == "worker")  # which has no reason to look, and sees all


async def test_an_analyst_reckons_for_themselves(tenant: Tenant) -> None:
    async with as_analyst(tenant) as connection:
        for statement in ("select * from billing.revenue_months", f"select * from billing.revenue_reckoned({ALWAYS})"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_a_leaky_predicate_sees_no_row_that_the_barrier_hides(tenant: Tenant, other_tenant: Tenant) -> None:
    for each, currency in ((tenant, "EUR"), (other_tenant, "XTS")):
        async with as_tenant(each) as connection:
            await new_invoice(connection, currency=currency)
    await refresh_reports()
    async with as_tenant(tenant) as connection:
        # The division would fail on the other organisation's row, were it applied before the barrier.
        rows = await connection.fetch(
            "select month from billing.revenue_months where 1 / (case when currency = 'XTS' then 0 else 1 end) = 1"
        )
        assert len(rows) == 1
