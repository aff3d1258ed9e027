"""What stood where on a day. sql/ledger/reports.sql."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.harness.actors import as_analyst, as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.ledger.books import entries, move, open_account, wrong

DAY = date(2026, 3, 10)
BALANCE = "select ledger.balance($1, $2)"
TRIAL = "select code, currency, debit, credit from ledger.trial_balance($1)"


async def test_a_backdated_transfer_changes_every_day_from_its_own_on_and_no_stored_entry(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        cash, sales = await open_account(connection, "CASH"), await open_account(connection, "SALES", "INCOME")
        await move(connection, cash, sales, "10", on=DAY)
        await move(connection, cash, sales, "5", on=DAY + timedelta(5))
        before = await entries(connection, cash)

        async def stood() -> list[Decimal]:
            days = [DAY + timedelta(days) for days in (-3, -2, -1, 0, 4, 5, 400)]
            for account in (cash, sales):
                found = [await connection.fetchval(BALANCE, account, day) for day in days]
            return found

        assert await stood() == [0, 0, 0, 10, 10, 15, 15]
        await move(connection, cash, sales, "1", on=DAY - timedelta(2))
        assert await stood() == [0, 1, 1, 11, 11, 16, 16]
        assert (await entries(connection, cash))[:2] == before
        assert await wrong(connection) == []


async def test_a_statement_runs_by_the_days_with_the_balance_after_each(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        cash, sales = await open_account(connection, "CASH"), await open_account(connection, "SALES", "INCOME")
        for amount, days in (("10", 0), ("5", 3), ("2", 1), ("7", 9)):
            await move(connection, cash, sales, amount, on=DAY + timedelta(days), reason=f"Sale of {amount}")
        await move(connection, sales, cash, "1", on=DAY + timedelta(3))
        found = await connection.fetch(
            "select effective_date, description, amount, balance from ledger.statement($1, $2, $3)",
            sales,
            DAY + timedelta(1),
            DAY + timedelta(8),
        )
    assert [tuple(row) for row in found] == [
        (DAY + timedelta(1), "Sale of 2", Decimal("2"), Decimal("12")),
        (DAY + timedelta(3), "Sale of 5", Decimal("5"), Decimal("17")),
        (DAY + timedelta(3), "For a test", Decimal("-1"), Decimal("16")),
    ]


async def test_a_trial_balance_has_each_currency_add_up(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_owner(tenant) as connection, as_owner(other_tenant) as theirs:
        await move(
            theirs, await open_account(theirs, "CASH"), await open_account(theirs, "SALES", "INCOME"), "99", on=DAY
        )
        for currency, amount in (("EUR", "10"), ("USD", "3")):
            cash = await open_account(connection, "CASH", currency=currency)
            sales = await open_account(connection, "SALES", "INCOME", currency=currency)
            await move(connection, cash, sales, amount, on=DAY)
            await move(connection, sales, cash, amount, on=DAY + timedelta(1))
        assert [tuple(row) for row in await connection.fetch(TRIAL, DAY)] == [
            ("CASH", "EUR", 10, 0),
            ("SALES", "EUR", 0, 10),
            ("CASH", "USD", 3, 0),
            ("SALES", "USD", 0, 3),
        ]
        assert await connection.fetch(TRIAL, DAY + timedelta(1)) == []
        assert await connection.fetch(TRIAL, DAY - timedelta(1)) == []


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_who_asks_sees_the_books_of_their_own_organisation(
    tenant: Tenant, other_tenant: Tenant, entrance: object
) -> None:
    async with as_owner(other_tenant) as theirs:
        cash = await open_account(theirs, "CASH")
        await move(theirs, cash, await open_account(theirs, "SALES", "INCOME"), "99", on=DAY)
    async with as_owner(tenant) as owner:
        mine = await open_account(owner, "CASH")
        await move(owner, mine, await open_account(owner, "SALES", "INCOME"), "7", on=DAY)
    async with entrance(tenant) as connection:  # type: ignore[operator]
        assert await connection.fetchval(BALANCE, mine, DAY) == 7
        for stranger in (cash, uuid4()):
            assert await connection.fetchval(BALANCE, stranger, DAY) is None
            assert await connection.fetch("select * from ledger.statement($1, $2, $2)", stranger, DAY) == []
        assert [row["debit"] for row in await connection.fetch(TRIAL, DAY)] == [7, 0]
