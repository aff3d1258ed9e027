"""What was billed in each month, by currency. sql/billing/billed_months.sql."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.database.isolation import refresh_reports
from tests.harness.actors import as_analyst, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice

ALWAYS = "'1900-01-01', '9999-12-31'"
BASE = """
    select date_trunc('month', issue_date::timestamp)::date, currency::text, count(*)::integer, sum(total)
    from billing.invoices where tenant_id = $1 and status not in ('DRAFT', 'CANCELLED') group by 1, 2 order by 1, 2
"""


async def billed(connection: asyncpg.Connection, days: str = ALWAYS) -> list[tuple[Any, ...]]:
    rows = await connection.fetch(
        f"select month, currency, invoice_count, billed from billing.months_billed({days}) order by line"
    )
    return [tuple(row) for row in rows]


async def a_busy_year(connection: asyncpg.Connection) -> None:
    pounds = await new_client(connection, "Pounds", currency="GBP")
    for day in ("2025-01-01", "2025-01-31", "2025-02-01", "2025-12-31"):
        await new_invoice(connection, issue_date=day)
        await new_invoice(connection, pounds, issue_date=day)
    void = await new_invoice(connection, issue_date="2025-02-02")
    await call(connection, "billing.invoice_void", id=void, reason="Wrong")
    await new_draft(connection, issue_date="2025-02-03")


async def test_it_is_the_issued_totals_by_month_and_currency_less_what_is_void(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            await a_busy_year(connection)
    await refresh_reports()
    january, february, december = (date(2025, month, 1) for month in (1, 2, 12))
    async with as_tenant(tenant) as connection:
        assert await billed(connection) == [
            (january, "EUR", 2, Decimal(600)),
            (january, "GBP", 2, Decimal(600)),
            (february, "EUR", 1, Decimal(300)),
            (february, "GBP", 1, Decimal(300)),
            (december, "EUR", 1, Decimal(300)),
            (december, "GBP", 1, Decimal(300)),
        ]
        assert {row[0] for row in await billed(connection, "'2025-02-28', '2025-11-30'")} == {february}
        assert await billed(connection, "'2025-03-01', '2025-02-01'") == []
    async with as_superuser() as superuser:
        for each in (tenant, other_tenant):
            async with as_tenant(each) as connection:
                base = [tuple(row) for row in await superuser.fetch(BASE, each.tenant_id)]
                assert await billed(connection) == base


async def test_it_says_as_of_when_it_is_and_keeps_saying_it_until_it_is_reckoned_anew(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_superuser() as superuser:
        await new_invoice(connection)
        await refresh_reports()
        before = await billed(connection)
        await new_invoice(connection)
        assert await billed(connection) == before
        told = await connection.fetchval(f"select as_of from billing.months_billed({ALWAYS})")
        assert isinstance(told, datetime)
        assert told == await superuser.fetchval(
            "select refreshed_at from reports.refreshes where report = 'billed_months'"
        )


@pytest.mark.parametrize("role", ["member", "", "superuser", "worker"])
async def test_whoever_sees_a_part_of_the_organisation_sees_nothing_of_it(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await new_invoice(connection, client_id)
    await refresh_reports()
    async with as_tenant(tenant, role, [client_id]) as connection:
        seen = await connection.fetch("select * from billing.months_billed('1900-01-01', '9999-12-31')")
        assert len(seen) == (role == "worker")  # which has no reason to look, and sees all


async def test_an_analyst_reckons_for_themselves(tenant: Tenant) -> None:
    async with as_analyst(tenant) as connection:
        for statement in ("select * from billing.billed_months", f"select * from billing.months_billed({ALWAYS})"):
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
            "select month from billing.billed_months where 1 / (case when currency = 'XTS' then 0 else 1 end) = 1"
        )
        assert len(rows) == 1
