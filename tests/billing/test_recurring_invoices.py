"""Recurring invoices: how they are set, paused and stopped, and who may. sql/billing/recurring_invoices.sql."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import asyncpg
import pytest

from tests.billing.recurring import (
    LONG_AGO,
    TABLE,
    a_recurring_invoice,
    made_for,
    make_all,
    make_one,
    nth,
    today_in,
)
from tests.harness.actors import as_analyst, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person
from tests.harness.verbs import LINE, call, new_client, new_draft, new_invoice, refused, the_row


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
    await make_person(tenant, "viewer")
    async with as_superuser() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "update iam.memberships set role = 'worker' where tenant_id = $1 and role = 'viewer'", tenant.tenant_id
            )


async def test_the_worker_may_do_nothing_that_a_person_asks_for(tenant: Tenant) -> None:
    async with as_tenant(tenant, "worker") as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await new_client(connection)
        assert json.loads(await connection.fetchval("select to_json(core.permissions('worker'))")) == ["core:work"]
