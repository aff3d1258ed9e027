"""A client's statement of account. sql/billing/statements.sql."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from tests.billing.money import on, pay
from tests.harness.actors import as_analyst, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_invoice

FROM, TO = date(2026, 3, 1), date(2026, 3, 31)


async def statement(connection: asyncpg.Connection, client_id: UUID, *, to: date = TO) -> list[tuple[Any, ...]]:
    rows = await connection.fetch(
        "select kind, effective_date, number, currency, amount, balance from billing.statement($1, $2, $3)"
        " order by line",
        client_id,
        FROM,
        to,
    )
    return [tuple(row) for row in rows]


async def test_it_opens_runs_and_closes_and_tells_no_allocation(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await new_invoice(connection, client_id, issue_date="2026-02-28", due_date="2026-02-28")
        second = await new_invoice(connection, client_id, issue_date="2026-03-05", due_date="2026-04-05")
        await pay(
            connection,
            client_id,
            "350",
            method="BANK_TRANSFER",
            reference="B-1",
            received_at="2026-03-31T23:59:59Z",
            oldest_first=True,
        )
        await call(
            connection, "billing.invoice_credit_note", id=second, reason="x", amount="20", issue_date="2026-03-20"
        )
        await new_invoice(connection, client_id, issue_date="2026-04-01", due_date="2026-04-01")
        assert await statement(connection, client_id) == [
            ("OPENING_BALANCE", FROM, None, "EUR", None, 300),
            ("INVOICE", date(2026, 3, 5), "INV-000002", "EUR", 300, 600),
            ("CREDIT_NOTE", date(2026, 3, 20), "CN-000001", "EUR", -20, 580),
            ("PAYMENT", date(2026, 3, 31), "B-1", "EUR", -350, 230),
            ("CLOSING_BALANCE", TO, None, "EUR", None, 230),
        ]


async def test_what_was_taken_back_stands_under_the_day_of_that(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        today = await connection.fetchval("select core.today()")
        client_id = await new_client(connection)
        dates = {"issue_date": "2026-03-02", "due_date": "2026-03-02"}
        voided, lost, paid = [await new_invoice(connection, client_id, **dates) for _ in range(3)]
        await call(connection, "billing.invoice_void", id=voided, reason="x")
        await call(connection, "billing.invoice_write_off", id=lost, reason="x")
        received = {"received_at": "2026-03-03T00:00:00Z"}
        bounced = await pay(connection, client_id, "40", **received)
        await call(connection, "billing.payment_reverse", id=bounced, reason="x")
        kept = await pay(connection, client_id, "300", allocations=on(paid, "300"), **received)
        await call(connection, "billing.payment_refund", id=kept, amount="10", reason="x", refunded_on="2026-03-04")
        found = await statement(connection, client_id, to=today)
        assert [(kind, amount) for kind, day, _, _, amount, _ in found if day == today] == [
            ("VOID", -300),
            ("WRITE_OFF", -300),
            ("REVERSAL", 40),
            ("CLOSING_BALANCE", None),
        ]
        assert [(kind, amount) for kind, day, _, _, amount, _ in found if day == date(2026, 3, 4)] == [("REFUND", 10)]
        assert found[-1][-1] == 10


async def test_each_currency_has_its_own_and_a_client_without_a_past_has_nothing_in_its_own(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, currency="USD")
        assert await statement(connection, client_id) == [
            ("OPENING_BALANCE", FROM, None, "USD", None, 0),
            ("CLOSING_BALANCE", TO, None, "USD", None, 0),
        ]
        await new_invoice(connection, client_id, currency="EUR", issue_date=FROM, due_date=FROM)
        found = await statement(connection, client_id)
        assert [(row[0], row[3], row[5]) for row in found] == [
            ("OPENING_BALANCE", "EUR", 0),
            ("INVOICE", "EUR", 300),
            ("CLOSING_BALANCE", "EUR", 300),
            ("OPENING_BALANCE", "USD", 0),
            ("CLOSING_BALANCE", "USD", 0),
        ]
        assert await statement(connection, client_id, to=date(2026, 2, 27)) == []


async def test_a_stranger_to_the_client_sees_nothing(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        mine, not_mine = [await new_client(connection, name) for name in ("Mine", "Not mine")]
        for client_id in (mine, not_mine):
            await new_invoice(connection, client_id, issue_date=FROM, due_date=FROM)
    async with as_tenant(tenant, "member", [mine]) as member, as_analyst(tenant) as analyst:
        assert [row[-1] for row in await statement(member, mine)] == [0, Decimal(300), 300]
        assert await statement(member, not_mine) == []
        assert len(await statement(analyst, not_mine)) == 3
    async with as_tenant(other_tenant) as connection:
        assert await statement(connection, mine) == []
