"""Recurring invoices: each period once, under its own day. sql/billing/recurring_invoices.sql and _periods.sql."""

import asyncio
import calendar
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.actors import as_analyst, as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import LINE, call, new_client, new_draft, new_invoice, refused, the_row
from tests.ledger.books import wrong

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


async def test_a_month_that_is_too_short_does_not_shorten_those_after_it(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        days = await connection.fetch(
            "select billing.recurrence_date('2024-01-31', 'MONTHLY', n) from generate_series(0, 13) as n"
        )
    assert [day[0].isoformat()[2:] for day in days[:5]] == ["24-01-31", "24-02-29", "24-03-31", "24-04-30", "24-05-31"]
    assert days[13][0] == date(2025, 2, 28)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
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


async def test_it_pauses_and_says_why_when_the_client_is_archived_and_goes_on_when_it_is_set_again(
    tenant: Tenant,
) -> None:
    recurring = await a_recurring_invoice(tenant)
    async with as_tenant(tenant) as connection:
        client_id = (await the_row(connection, TABLE, recurring))["client_id"]
        await call(connection, "billing.client_archive", id=client_id)
        await make_all(tenant, recurring)
        row = await the_row(connection, TABLE, recurring)
        assert (row["status"], row["enabled"], row["next_date"]) == ("PAUSED", False, None)
        assert row["pause_reason"] == "Fen Orchards is archived. Restore the client before you invoice it."
        assert await made_for(tenant, recurring) == []
        with refused("CONFLICT", "CLIENT_ARCHIVED"):
            await call(connection, "billing.recurring_invoice_set", id=recurring)
        await call(connection, "billing.client_restore", id=client_id)
        await call(connection, "billing.recurring_invoice_set", id=recurring)
        row = await the_row(connection, TABLE, recurring)
    # What began meanwhile is passed over, and the day of the month kept.
    wanted = min(day for day in (nth(LONG_AGO, "MONTHLY", n) for n in range(1000)) if day >= today_in("UTC"))
    assert (row["status"], row["pause_reason"], row["next_date"]) == ("ACTIVE", None, wanted)


async def test_it_pauses_when_what_it_repeats_is_void_or_has_nothing_to_charge_for(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        empty = await new_draft(connection, lines=[])
        day = today_in("UTC")
        await call(connection, "billing.recurring_invoice_set", id=empty, frequency="WEEKLY", next_date=day)
        void = await a_recurring_invoice(tenant)
        await call(connection, "billing.invoice_void", id=void, reason="Not needed")
        for each, reason in (
            (empty, "The invoice has no lines. Add what is charged for first."),
            (void, "The invoice that is to be made again is void."),
        ):
            await make_all(tenant, each)
            row = await the_row(connection, TABLE, each)
            assert (row["status"], row["pause_reason"]) == ("PAUSED", reason)
        # Nothing of the attempt is left.
        assert await connection.fetchval("select count(*) from billing.invoices") == 2


async def test_a_draft_that_recurs_is_copied_as_it_is_at_the_time(tenant: Tenant) -> None:
    day = today_in("UTC")
    async with as_tenant(tenant) as connection:
        draft = await new_draft(connection)
        await call(connection, "billing.recurring_invoice_set", id=draft, frequency="MONTHLY", next_date=day)
        await call(connection, "billing.invoice_update", id=draft, lines=[{**LINE, "quantity": "3"}])
    await make_all(tenant, draft)
    [made] = await made_for(tenant, draft)
    assert (made["status"], made["total"]) == ("SENT", Decimal("450.00"))


async def test_a_day_that_is_set_a_second_time_is_not_invoiced_a_second_time(tenant: Tenant) -> None:
    day = today_in("UTC")
    recurring = await a_recurring_invoice(tenant, day, "WEEKLY")
    await make_all(tenant, recurring)
    async with as_tenant(tenant) as connection:
        await call(connection, "billing.recurring_invoice_set", id=recurring, next_date=day)
        await make_all(tenant, recurring)
        assert [row["period_date"] for row in await made_for(tenant, recurring)] == [day]
        assert (await the_row(connection, TABLE, recurring))["next_date"] == day + timedelta(7)


async def test_without_a_day_it_begins_a_period_after_the_invoice_or_when_the_next_begins(tenant: Tenant) -> None:
    today = today_in("UTC")
    async with as_tenant(tenant) as connection:
        for issued, wanted in (
            (today, nth(today, "MONTHLY", 1)),
            (today + timedelta(10), nth(today + timedelta(10), "MONTHLY", 1)),
            (today - timedelta(7 * 9), None),
        ):
            invoice = await new_invoice(connection, issue_date=issued, due_date=issued + timedelta(5))
            frequency = "MONTHLY" if wanted else "WEEKLY"
            await call(connection, "billing.recurring_invoice_set", id=invoice, frequency=frequency)
            assert (await the_row(connection, TABLE, invoice))["next_date"] == (wanted or today)


async def test_what_is_still_due_stays_due_when_the_end_is_changed(tenant: Tenant) -> None:
    recurring = await a_recurring_invoice(tenant)
    async with as_tenant(tenant) as connection:
        await call(connection, "billing.recurring_invoice_set", id=recurring, end_date="2024-03-31")
        row = await the_row(connection, TABLE, recurring)
        assert (row["next_date"], row["end_date"]) == (LONG_AGO, date(2024, 3, 31))
        await make_all(tenant, recurring)
        assert len(await made_for(tenant, recurring)) == 3
        assert (await the_row(connection, TABLE, recurring))["status"] == "ENDED"
        with refused("CONFLICT", "RECURRENCE_ENDED"):
            await call(connection, "billing.recurring_invoice_stop", id=recurring)
        with refused("BAD_USER_INPUT", "END_DATE_TOO_EARLY") as told:
            await call(connection, "billing.recurring_invoice_set", id=recurring)
        assert told.field == "input.endDate"
        await call(connection, "billing.recurring_invoice_set", id=recurring, end_date=None)
        assert (await the_row(connection, TABLE, recurring))["enabled"]


async def test_paused_and_stopped_means_that_nothing_is_made(tenant: Tenant) -> None:
    recurring = await a_recurring_invoice(tenant)
    async with as_tenant(tenant) as connection:
        await call(connection, "billing.recurring_invoice_pause", id=recurring, reason=" On holiday ")
        await make_all(tenant, recurring)
        row = await the_row(connection, TABLE, recurring)
        assert (row["status"], row["pause_reason"]) == ("PAUSED", "On holiday")
        with refused("CONFLICT", "RECURRENCE_NOT_ACTIVE"):
            await call(connection, "billing.recurring_invoice_pause", id=recurring, reason="Again")
        await call(connection, "billing.recurring_invoice_stop", id=recurring)
        await make_all(tenant, recurring)
        row = await the_row(connection, TABLE, recurring)
        assert (row["status"], row["pause_reason"], row["next_date"]) == ("ENDED", None, None)
    assert await made_for(tenant, recurring) == []


REFUSED: Final[dict[str, tuple[dict[str, Any], str, str, str]]] = {
    "a day that has passed": ({"next_date": "2024-01-01"}, "BAD_USER_INPUT", "NEXT_DATE_PAST", "input.nextDate"),
    "no frequency": ({"frequency": None}, "BAD_USER_INPUT", "REQUIRED", "input.frequency"),
    "an unknown frequency": ({"frequency": "DAILY"}, "BAD_USER_INPUT", "FREQUENCY_UNKNOWN", "input.frequency"),
    "an end before the next": (
        {"next_date": "2199-01-31", "end_date": "2199-01-30"}, "BAD_USER_INPUT", "END_DATE_TOO_EARLY", "input.endDate",
    ),
    "a day beyond all calendars": ({"next_date": "10000-01-01"}, "BAD_USER_INPUT", "NEXT_DATE_RANGE", "input.nextDate"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_what_makes_no_sense_is_refused(tenant: Tenant, what: str) -> None:
    facts, code, reason, field = REFUSED[what]
    async with as_tenant(tenant) as connection:
        invoice = await new_invoice(connection)
        with refused(code, reason) as told:
            await call(connection, "billing.recurring_invoice_set", **{"id": invoice, "frequency": "MONTHLY", **facts})
        assert told.field == field


async def test_a_new_frequency_says_when_it_begins(tenant: Tenant) -> None:
    recurring = await a_recurring_invoice(tenant, today_in("UTC"))
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", "NEXT_DATE_REQUIRED"):
            await call(connection, "billing.recurring_invoice_set", id=recurring, frequency="YEARLY")
        await call(
            connection, "billing.recurring_invoice_set", id=recurring, frequency="YEARLY", next_date="2199-02-28"
        )
        row = await the_row(connection, TABLE, recurring)
        assert (row["frequency"], row["next_date"]) == ("YEARLY", date(2199, 2, 28))


async def test_void_invoices_and_those_of_a_recurring_one_do_not_recur(tenant: Tenant) -> None:
    recurring = await a_recurring_invoice(tenant, today_in("UTC"))
    await make_all(tenant, recurring)
    async with as_tenant(tenant) as connection:
        made = await connection.fetchval("select id from billing.recurring_invoice_periods")
        with refused("CONFLICT", "INVOICE_OF_RECURRENCE"):
            await call(connection, "billing.recurring_invoice_set", id=made, frequency="MONTHLY")
        void = await new_invoice(connection)
        await call(connection, "billing.invoice_void", id=void, reason="Wrong")
        with refused("CONFLICT", "INVOICE_VOID"):
            await call(connection, "billing.recurring_invoice_set", id=void, frequency="MONTHLY")


async def test_another_organisations_invoice_is_not_there(tenant: Tenant, other_tenant: Tenant) -> None:
    theirs = await a_recurring_invoice(other_tenant)
    async with as_tenant(tenant) as connection, as_tenant(tenant, "worker") as worker:
        with refused("NOT_FOUND", "INVOICE_NOT_FOUND"):
            await call(connection, "billing.recurring_invoice_set", id=theirs, frequency="MONTHLY")
        for verb in ("pause", "stop"):
            with refused("NOT_FOUND", "RECURRENCE_NOT_FOUND"):
                await call(connection, f"billing.recurring_invoice_{verb}", id=theirs, reason="Mine now")
        assert not await make_one(worker, theirs)
    assert await made_for(other_tenant, theirs) == []


@pytest.mark.parametrize("role", ["owner", "admin", "accountant", "operator", "viewer", "member", ""])
async def test_no_person_does_the_worker_s_work(tenant: Tenant, role: str) -> None:
    recurring = await a_recurring_invoice(tenant)
    async with as_tenant(tenant, role) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await make_one(connection, recurring)
    async with as_analyst(tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await make_one(connection, recurring)
    async with as_superuser() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "update iam.memberships set role = 'worker' where tenant_id = $1", tenant.tenant_id
            )


async def test_the_worker_may_do_nothing_that_a_person_asks_for(tenant: Tenant) -> None:
    async with as_tenant(tenant, "worker") as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await new_client(connection)
        assert json.loads(await connection.fetchval("select to_json(core.permissions('worker'))")) == ["core:work"]
