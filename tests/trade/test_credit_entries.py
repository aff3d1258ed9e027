"""The credit ledger: what moves a credit line's account, as its retailer and its vendor see it:
sql/trade/credit_entries.sql."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant, context_of, put
from tests.harness.tenants import Tenant
from tests.harness.verbs import refused, the_row
from tests.ledger.books import move, open_account
from tests.trade.placing import LINES, ORDERS, Market, brought_to, items_of, open_market, step, wrong

TABLE: Final = "trade.credit_entries"
FIGURES: Final = (
    f"select ledger_number, transaction_type, previous_balance, amount, running_balance from {TABLE}"
    " order by ledger_number"
)


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    return await open_market(tenant)


async def account_of(connection: asyncpg.Connection, market: Market) -> UUID:
    found = (await the_row(connection, LINES, market.line))["account_id"]
    assert isinstance(found, UUID)
    return found


async def test_deliveries_raise_a_debt_and_returns_lower_it(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "DELIVERED", 10)
        item = (await items_of(connection, order_id))[0]["id"]
        await step(connection, "return", order_id, items=[{"item_id": item, "quantity": 3}])
        await step(connection, "return", order_id)
        rows = await connection.fetch(FIGURES)
        assert [tuple(row) for row in rows] == [
            (1, "ORDER_CREDIT", 0, 110, 110),
            (2, "RETURN_DEBIT", 110, 33, 77),
            (3, "RETURN_DEBIT", 77, 77, 0),
        ]
        first = await connection.fetchrow(
            f"select order_id, due_date, description, currency from {TABLE} where ledger_number = 1"
        )
        assert dict(first or {}) == {
            "order_id": order_id,
            "due_date": (datetime.now(UTC) + timedelta(days=30)).date(),
            "description": "Order ORD-000001 to Retailer 0, invoice TI-000001",
            "currency": "EUR",
        }
        assert await connection.fetchval(f"select count(*) from {TABLE} where due_date is not null") == 1
        assert await wrong(connection) == []


async def test_returns_in_parts_come_to_what_was_delivered_to_the_cent(tenant: Tenant) -> None:
    market = await open_market(tenant, prices=("0.33",), tax_rate="7.77")
    async with as_tenant(tenant) as connection:
        order_id = await brought_to(connection, market, "DELIVERED", 7)
        item = (await items_of(connection, order_id))[0]["id"]
        for _ in range(7):
            await step(connection, "return", order_id, items=[{"item_id": item, "quantity": 1}])
        row = await the_row(connection, ORDERS, order_id)
        assert (row["status"], row["open_amount"], row["charged"]) == ("RETURNED", 0, Decimal("2.49"))
        assert (
            await connection.fetchval(f"select running_balance from {TABLE} order by ledger_number desc limit 1") == 0
        )
        assert await wrong(connection) == []


@pytest.mark.parametrize(
    ("kind", "amount", "kind_of_entry"),
    [
        ("RETAILER_PAYMENT", "-40", "PAYMENT_DEBIT"),
        ("CREDIT_WRITE_OFF", "-40", "WRITE_OFF"),
        ("CREDIT_ADJUST", "-40", "ADJUSTMENT_DEBIT"),
        ("CREDIT_ADJUST", "40", "ADJUSTMENT_CREDIT"),
        ("RETAILER_PAYMENT", "-400", "PAYMENT_DEBIT"),
    ],
)
async def test_whatever_moves_a_lines_account_stands_in_its_credit_ledger(
    market: Market, kind: str, amount: str, kind_of_entry: str
) -> None:
    async with as_owner(market.tenant) as owner:
        await brought_to(owner, market, "DELIVERED", 10)
        cash = await open_account(owner, "CASH")
        await move(owner, await account_of(owner, market), cash, amount, kind=kind, reason="Why")
        row = dict((await owner.fetch(f"select * from {TABLE} order by ledger_number"))[1])
        assert (row["transaction_type"], row["amount"], row["previous_balance"], row["running_balance"]) == (
            kind_of_entry, abs(Decimal(amount)), 110, 110 + Decimal(amount),
        )  # fmt: skip
        assert (row["description"], row["order_id"], row["due_date"]) == ("Why", None, None)
        assert (await the_row(owner, LINES, market.line))["debt"] == 110 + Decimal(amount)


async def test_what_is_reversed_names_what_it_takes_back(market: Market) -> None:
    async with as_owner(market.tenant) as owner:
        cash = await open_account(owner, "CASH")
        transfer = await move(owner, await account_of(owner, market), cash, "-40", kind="RETAILER_PAYMENT")
        await owner.execute("select ledger.reverse($1, 'Bounced')", transfer)
        paid, taken_back = await owner.fetch(f"select * from {TABLE} order by ledger_number")
        assert (paid["reverses_id"], taken_back["reverses_id"]) == (None, paid["id"])
        assert (taken_back["transaction_type"], taken_back["running_balance"]) == ("ADJUSTMENT_CREDIT", 0)


async def test_an_entry_that_is_no_lines_has_no_credit_entry(market: Market) -> None:
    async with as_owner(market.tenant) as owner:
        cash, bank = await open_account(owner, "CASH"), await open_account(owner, "BANK")
        await move(owner, cash, bank, "5")
        assert await owner.fetchval(f"select count(*) from {TABLE}") == 0
        entry = await owner.fetchval("select id from ledger.entries limit 1")
        with refused("CONFLICT", "CREDIT_ENTRY_WITHOUT_LINE"):
            await owner.execute(INSERT, entry)


INSERT: Final = f"""
    insert into {TABLE} (
        tenant_id, id, credit_line_id, retailer_id, vendor_id, ledger_number, transaction_type, effective_date,
        currency, previous_balance, amount, running_balance
    )
    select tenant_id, $1, id, retailer_id, vendor_id, 1, 'WRITE_OFF', core.today(), currency, 5, 5, 0
    from trade.credit_lines
"""


async def test_a_credit_entry_is_entered_once_and_by_the_ledger(market: Market) -> None:
    async with as_owner(market.tenant) as owner:
        await brought_to(owner, market, "DELIVERED", 10)
        before = await owner.fetch(f"select * from {TABLE}")
        entry = before[0]["id"]
        for wanted in (entry, market.line):
            with pytest.raises(asyncpg.PostgresError):
                await owner.execute(INSERT, wanted)
        assert await owner.fetch(f"select * from {TABLE}") == before


CHANGES: Final = ("amount = 1", "due_date = '2099-01-01'", "transaction_type = 'WRITE_OFF'", "tenant_id = tenant_id")


@pytest.mark.parametrize("change", CHANGES)
async def test_a_credit_entry_never_changes(market: Market, change: str) -> None:
    async with as_tenant(market.tenant) as connection:
        await brought_to(connection, market, "DELIVERED", 10)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"update {TABLE} set {change}")
    entrances: tuple[Any, ...] = (as_owner(market.tenant), as_superuser())
    for entrance in entrances:
        async with entrance as connection:
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(f"update {TABLE} set {change}")


async def test_no_entry_of_a_line_goes_without_its_credit_entry(market: Market) -> None:
    """Were the trigger that writes them switched off, nothing could be posted to a line."""
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "SHIPPED")
    async with as_superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("alter table ledger.entries disable trigger credit_entries")
        await put(connection, context_of(market.tenant))
        await connection.execute(f"set local role {market.tenant.database_role}")
        await step(connection, "deliver", order_id)
        with refused("CONFLICT", "CREDIT_ENTRY_MISSING"):
            await connection.execute("set constraints all immediate")
        await transaction.rollback()
