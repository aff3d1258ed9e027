"""The invoices that a recurring one makes: each period once, under its own day.

sql/billing/recurring_invoice_periods.sql.
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.billing.recurring import (
    FREQUENCIES,
    LONG_AGO,
    TABLE,
    a_recurring_invoice,
    expected,
    made_for,
    make_all,
    make_one,
    nth,
    today_in,
)
from tests.harness.actors import as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.thoroughness import walks
from tests.harness.verbs import LINE, new_invoice, refused, the_row
from tests.ledger.books import wrong


async def test_a_month_that_is_too_short_does_not_shorten_those_after_it(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        days = await connection.fetch(
            "select billing.recurrence_date('2024-01-31', 'MONTHLY', n) from generate_series(0, 13) as n"
        )
    assert [day[0].isoformat()[2:] for day in days[:5]] == ["24-01-31", "24-02-29", "24-03-31", "24-04-30", "24-05-31"]
    assert days[13][0] == date(2025, 2, 28)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=walks(60))
@given(
    anchor=st.dates(date(1900, 1, 1), date(2200, 12, 31)),
    frequency=st.sampled_from(FREQUENCIES),
    numbers=st.lists(st.integers(0, 2000), min_size=1, max_size=30),
)
async def test_every_period_begins_where_the_calendar_says(
    anchor: date, frequency: str, numbers: list[int], tenant: Tenant
) -> None:
    async with as_owner(tenant) as connection:
        rows = await connection.fetch(
            "select n, day, billing.recurrence_period($1, $2, day), billing.recurrence_period($1, $2, day + 1)"
            " from unnest($3::int[]) as n, billing.recurrence_date($1, $2, n) as day",
            anchor,
            frequency,
            numbers,
        )
    assert [tuple(row) for row in rows] == [(n, nth(anchor, frequency, n), n, n + 1) for n in numbers]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    days_ago=st.integers(-40, 500),
    frequency=st.sampled_from(FREQUENCIES),
    lasts=st.none() | st.integers(0, 600),
    crashes=st.sets(st.integers(0, 6), max_size=3),
)
async def test_each_period_has_one_invoice_however_late_and_however_often_it_was_begun(
    days_ago: int, frequency: str, lasts: int | None, crashes: set[int], tenant: Tenant
) -> None:
    today = today_in("UTC")
    anchor = today - timedelta(days_ago)
    recurring = await a_recurring_invoice(tenant, anchor, frequency)
    ends = None if lasts is None else anchor + timedelta(lasts)
    async with as_owner(tenant) as connection:
        await connection.execute("update billing.recurring_invoices set end_date = $2 where id = $1", recurring, ends)
    more, attempt = True, 0
    while more:
        async with as_tenant(tenant, "worker") as connection:
            transaction = connection.transaction()
            await transaction.start()
            more = await make_one(connection, recurring)
            if attempt in crashes:
                more = True  # the connection ends before it commits
            else:
                await transaction.commit()
        attempt += 1
    wanted = expected(anchor, frequency, min(today, ends or today))
    made = await made_for(tenant, recurring)
    assert [row["period_date"] for row in made] == [row["issue_date"] for row in made] == wanted
    async with as_tenant(tenant) as connection:
        row = await the_row(connection, TABLE, recurring)
    following = nth(anchor, frequency, len(wanted))
    has_ended = ends is not None and following > ends
    assert (row["status"], row["next_date"]) == (("ENDED", None) if has_ended else ("ACTIVE", following))


async def test_workers_that_race_make_each_period_once(tenant: Tenant) -> None:
    recurring = [await a_recurring_invoice(tenant, LONG_AGO) for _ in range(2)]
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(as_tenant(tenant, "worker")) for _ in range(6)]

        async def work(connection: asyncpg.Connection) -> None:
            for _ in range(40):
                for each in recurring:
                    await make_one(connection, each)

        await asyncio.gather(*map(work, workers))
    for each in recurring:
        days = [row["period_date"] for row in await made_for(tenant, each)]
        assert days == expected(LONG_AGO, "MONTHLY", today_in("UTC"))
    async with as_owner(tenant) as connection:
        assert await wrong(connection) == []
        numbers = await connection.fetch("select number from billing.invoices where number is not null order by number")
        assert [row[0] for row in numbers] == [f"INV-{number + 1:06}" for number in range(len(numbers))]


async def test_the_database_has_the_last_word_on_a_period(tenant: Tenant) -> None:
    recurring = await a_recurring_invoice(tenant, today_in("UTC"))
    await make_all(tenant, recurring)
    async with as_owner(tenant) as connection:
        again = await new_invoice_for(connection, recurring)
        with refused("CONFLICT", "PERIOD_INVOICED"):
            await connection.execute(
                "insert into billing.recurring_invoice_periods"
                " (tenant_id, id, client_id, recurring_invoice_id, period_date)"
                " select tenant_id, $2, client_id, recurring_invoice_id, period_date"
                " from billing.recurring_invoice_periods where recurring_invoice_id = $1",
                recurring,
                again,
            )
        for statement in (
            "update billing.recurring_invoice_periods set period_date = period_date + 1",
            "delete from billing.recurring_invoice_periods",
            "delete from billing.recurring_invoices",
            "truncate billing.recurring_invoice_periods, billing.recurring_invoices",
        ):
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(statement)
        with refused("CONFLICT", "RECURRENCE_INVOICE_FIXED"):
            await connection.execute("update billing.recurring_invoices set id = core.new_id()")


async def new_invoice_for(connection: asyncpg.Connection, recurring: UUID) -> UUID:
    client_id = await connection.fetchval("select client_id from billing.recurring_invoices where id = $1", recurring)
    return await new_invoice(connection, client_id)


async def test_what_is_made_is_the_same_invoice_under_its_own_day_and_issued(tenant: Tenant) -> None:
    day = today_in("UTC")
    lines = [
        LINE,
        {"description": "Delivery", "quantity": "1.5", "unit_price": "9.99", "discount": "1", "tax_rate": "5"},
    ]
    recurring = await a_recurring_invoice(
        tenant, day, lines=lines, issue_date=day - timedelta(90), due_date=day - timedelta(80), discount="10.00",
        tax_rate="20", series="SUB", notes="Thank you", terms="Ten days", template="plain", currency="GBP",
        branding={"logo": "x"}, metadata={"plan": 3}, external_ref=f"sub-{tenant.slug}", payment_link="https://pay.example/1",
        payment_method="CASH",
    )  # fmt: skip
    await make_all(tenant, recurring)
    async with as_tenant(tenant) as connection:
        [period] = await connection.fetch("select id from billing.recurring_invoice_periods")
        made, original = [await the_row(connection, "billing.invoices", each) for each in (period["id"], recurring)]
        written = (
            "select position, description, quantity, unit_price, discount, tax_rate, amount from billing.invoice_lines"
        )
        assert [
            tuple(row) for row in await connection.fetch(f"{written} where invoice_id = $1 order by 1", made["id"])
        ] == [tuple(row) for row in await connection.fetch(f"{written} where invoice_id = $1 order by 1", recurring)]
        audited = await _audited(period["id"])
    same = (
        "client_id", "series", "currency", "tax_rate", "subtotal", "discount", "tax_amount", "total", "notes", "terms",
        "template", "branding", "metadata", "bill_from", "bill_to", "status",
        "payment_method_id",
    )  # fmt: skip
    assert {name: made[name] for name in same} == {name: original[name] for name in same}
    assert (made["number"], made["issue_date"], made["due_date"]) == ("SUB-000002", day, day + timedelta(10))
    assert (made["external_ref"], made["payment_link"], made["created_by"]) == (None, None, None)
    assert audited == {("INVOICE", None), ("RECURRING_INVOICE_PERIOD", None)}
    async with as_owner(tenant) as connection:
        posted = await connection.fetchval(
            "select sum(amount) from ledger.entries e join ledger.transfers t on t.id = e.transfer_id"
            " where t.source_id = $1 and e.amount > 0",
            made["id"],
        )
        assert posted == made["total"] > Decimal(0)


async def _audited(entity: UUID) -> set[tuple[str, UUID | None]]:
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select distinct entity_type, user_id from core.audit_log where entity_id = $1", entity
        )
    return {(row[0], row[1]) for row in rows}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_the_day_is_the_organisations(zone: str) -> None:
    """At any moment it is another day in one of these than in the other."""
    tenant = await make_tenant("Edge of the day", time_zone=zone)
    today = today_in(zone)
    due = {day: await a_recurring_invoice(tenant, today + timedelta(day)) for day in (-1, 0, 1)}
    async with as_worker() as connection:
        found = await connection.fetch(
            "select id from billing.recurring_invoices_due() where tenant_id = $1", tenant.tenant_id
        )
    assert {row[0] for row in found} == {due[-1], due[0]}
    for day, each in due.items():
        await make_all(tenant, each)
        assert len(await made_for(tenant, each)) == (day <= 0)


async def test_nothing_is_due_in_an_organisation_that_is_suspended(tenant: Tenant) -> None:
    await a_recurring_invoice(tenant)
    due = "select count(*) from billing.recurring_invoices_due() where tenant_id = $1"
    async with as_superuser() as superuser, as_worker() as connection:
        assert await connection.fetchval(due, tenant.tenant_id) == 1
        await superuser.execute("update iam.tenants set suspended_at = now() where id = $1", tenant.tenant_id)
        assert await connection.fetchval(due, tenant.tenant_id) == 0
