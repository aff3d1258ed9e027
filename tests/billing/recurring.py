"""Recurring invoices for tests, what the worker does with them, and the calendar by hand."""

import calendar
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_invoice

TABLE: Final = "billing.recurring_invoices"
FREQUENCIES: Final = ("WEEKLY", "MONTHLY", "QUARTERLY", "YEARLY")
MADE: Final = """
    select period_date, issue_date, due_date, status, number, total from billing.recurring_invoice_periods p
    join billing.invoices i using (tenant_id, id) where recurring_invoice_id = $1 order by period_date
"""
LONG_AGO: Final = date(2024, 1, 31)


def today_in(zone: str) -> date:
    return datetime.now(ZoneInfo(zone)).date()


def nth(anchor: date, frequency: str, number: int) -> date:
    """The first day of a period, reckoned by hand: the anchor's day of the month, or the last that the month has."""
    if frequency == "WEEKLY":
        return anchor + timedelta(weeks=number)
    months = anchor.month - 1 + number * {"MONTHLY": 1, "QUARTERLY": 3, "YEARLY": 12}[frequency]
    year, month = anchor.year + months // 12, months % 12 + 1
    return date(year, month, min(anchor.day, calendar.monthrange(year, month)[1]))


async def a_recurring_invoice(
    tenant: Tenant, anchor: date = LONG_AGO, frequency: str = "MONTHLY", **facts: Any
) -> UUID:
    """One whose first period is of that day, past or not: set while it was not past yet."""
    async with as_tenant(tenant) as connection:
        made = await new_invoice(connection, **facts)
        await call(connection, "billing.recurring_invoice_set", id=made, frequency=frequency, next_date="9999-01-01")
    async with as_owner(tenant) as connection:
        await connection.execute("update billing.recurring_invoices set anchor_date = $2 where id = $1", made, anchor)
    return made


async def make_one(connection: asyncpg.Connection, recurring: UUID) -> bool:
    more = await connection.fetchval("select billing.recurring_invoice_make($1)", recurring)
    assert isinstance(more, bool)
    return more


async def make_all(tenant: Tenant, recurring: UUID) -> None:
    """What the worker does with one that is due."""
    async with as_tenant(tenant, "worker") as connection:
        while await make_one(connection, recurring):
            pass


async def made_for(tenant: Tenant, recurring: UUID) -> Sequence[asyncpg.Record]:
    async with as_tenant(tenant) as connection:
        return await connection.fetch(MADE, recurring)


def expected(anchor: date, frequency: str, until: date) -> list[date]:
    numbers = range(1 + (until - anchor).days // 7 if until >= anchor else 0)
    return [day for day in (nth(anchor, frequency, number) for number in numbers) if day <= until]
