"""What must always be true of an order, whoever writes: sql/trade/orders.sql, order_steps.sql, order_posting.sql and
order_numbers.sql."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.placing import (
    ITEMS,
    ORDERS,
    STEPS,
    Market,
    brought_to,
    line_of,
    new_order,
    open_market,
    step,
    stock_of,
    wrong,
)

ALLOWED: Final = {
    "update": {"DRAFT", "PLACED"},
    "place": {"DRAFT"},
    "confirm": {"PLACED"},
    "ship": {"CONFIRMED"},
    "deliver": {"SHIPPED"},
    "return": {"DELIVERED"},
    "cancel": {"DRAFT", "PLACED", "CONFIRMED"},
    "expire": {"PLACED"},
    "reopen": {"CANCELLED", "EXPIRED"},
}
BECOMES: Final = {
    "place": "PLACED",
    "confirm": "CONFIRMED",
    "ship": "SHIPPED",
    "deliver": "DELIVERED",
    "return": "RETURNED",
    "cancel": "CANCELLED",
    "expire": "EXPIRED",
    "reopen": "DRAFT",
}
VERBS: Final = ("create", *ALLOWED)
MOMENTS: Final = (
    "placed_at",
    "confirmed_at",
    "shipped_at",
    "delivered_at",
    "returned_at",
    "cancelled_at",
    "expires_at",
)
HAS: Final = {
    "DRAFT": set(),
    "PLACED": {"placed_at", "expires_at"},
    "CONFIRMED": {"placed_at", "confirmed_at"},
    "SHIPPED": {"placed_at", "confirmed_at", "shipped_at"},
    "DELIVERED": {"placed_at", "confirmed_at", "shipped_at", "delivered_at"},
    "RETURNED": {"placed_at", "confirmed_at", "shipped_at", "delivered_at", "returned_at"},
    "CANCELLED": {"placed_at", "cancelled_at", "expires_at"},
    "EXPIRED": {"placed_at", "expires_at"},
}


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    return await open_market(tenant)


@pytest.mark.parametrize("status", STEPS)
@pytest.mark.parametrize("verb", ALLOWED)
async def test_a_step_is_taken_from_where_it_may_be_and_refused_from_elsewhere(
    market: Market, verb: str, status: str
) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, status)
        before = await the_row(connection, ORDERS, order_id)
        kept = await line_of(connection, market), await stock_of(connection, market)
        if status in ALLOWED[verb]:
            await step(connection, verb, order_id)
            assert (await the_row(connection, ORDERS, order_id))["status"] == BECOMES.get(verb, status)
        else:
            reason = "NOTHING_TO_SHIP" if (verb, status) == ("ship", "SHIPPED") else "ORDER_STATUS"
            with refused("CONFLICT", reason) as told:
                await step(connection, verb, order_id)
            if reason == "ORDER_STATUS":
                assert told.message.startswith(f"Order ORD-000001 is {status.lower()}. It can be ")
                assert told.field == "input.id"
            assert await the_row(connection, ORDERS, order_id) == before
            assert (await line_of(connection, market), await stock_of(connection, market)) == kept
        assert await wrong(connection) == []


@pytest.mark.parametrize("status", STEPS)
async def test_an_order_has_the_moments_of_what_it_went_through(market: Market, status: str) -> None:
    async with as_tenant(market.tenant) as connection:
        row = await the_row(connection, ORDERS, await brought_to(connection, market, status))
    assert {name for name in MOMENTS if row[name] is not None} == HAS[status]
    if row["expires_at"]:
        assert row["expires_at"] - row["placed_at"] == timedelta(days=7)
    is_delivered = "delivered_at" in HAS[status]
    assert (row["invoice_number"], row["due_date"]) == (
        ("TI-000001", (datetime.now(UTC) + timedelta(days=30)).date()) if is_delivered else (None, None)
    )


def _reachable(status: str) -> set[str]:
    return {BECOMES[verb] for verb, froms in ALLOWED.items() if verb in BECOMES and status in froms}


@pytest.mark.parametrize("status", STEPS)
async def test_a_direct_writer_takes_an_order_to_no_status_that_it_does_not_lead_to(
    market: Market, status: str
) -> None:
    async with as_tenant(market.tenant) as connection:
        await brought_to(connection, market, status)
    async with as_owner(market.tenant) as owner:
        for wanted in set(STEPS) - _reachable(status) - {status}:
            with refused("CONFLICT", "ORDER_STATUS"):
                await owner.execute(f"update {ORDERS} set status = $1", wanted)
        assert await wrong(owner) == []


@pytest.mark.parametrize("status", STEPS)
async def test_a_direct_writer_who_takes_a_step_brings_about_all_that_belongs_to_it(
    market: Market, status: str
) -> None:
    """Holds, stock, numbers and postings follow the status, not the verb; what is left out of step is
    refused."""
    async with as_tenant(market.tenant) as connection:
        await brought_to(connection, market, status)
    for wanted in _reachable(status):
        async with as_owner(market.tenant) as owner:
            transaction = owner.transaction()
            await transaction.start()
            change = "status = $1, cancel_reason = 'x'" if wanted == "CANCELLED" else "status = $1"
            if wanted in ("SHIPPED", "RETURNED"):  # of which nothing was shipped, or came back
                with refused("CONFLICT", "ORDER_OUT_OF_STEP"):
                    await owner.execute(f"update {ORDERS} set {change}", wanted)
                    await transaction.commit()
                continue
            await owner.execute(f"update {ORDERS} set {change}", wanted)
            assert await wrong(owner) == []
            await owner.execute("set constraints all immediate")
            await transaction.rollback()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("order_number = 'ORD-999999'", "ORDER_FIXED"),
        ("retailer_id = core.new_id()", "ORDER_FIXED"),
        ("vendor_id = core.new_id()", "ORDER_FIXED"),
        ("credit_line_id = core.new_id()", "ORDER_FIXED"),
        ("currency = 'USD'", "ORDER_FIXED"),
        ("id = core.new_id()", "ORDER_FIXED"),
        ("created_at = '2020-01-01'", "ORDER_FIXED"),
        ("prepaid = 1", "ORDER_STATUS"),
        ("cancel_reason = 'x'", "ORDER_STATUS"),
    ],
)
async def test_a_delivered_order_keeps_what_it_is(market: Market, change: str, reason: str) -> None:
    async with as_owner(market.tenant) as owner:
        await brought_to(owner, market, "DELIVERED")
        with refused("CONFLICT", reason):
            await owner.execute(f"update {ORDERS} set {change}")


async def test_nobody_chooses_figures_names_or_numbers_nor_moments_afterwards(market: Market) -> None:
    async with as_owner(market.tenant) as owner:
        for status in STEPS:
            order_id = await brought_to(owner, market, status)
            before = await the_row(owner, ORDERS, order_id)
            await owner.execute(
                f"update {ORDERS} set subtotal = 1, tax = 1, total = 2, delivered_subtotal = 7, delivered_tax = 7,"
                " returned_subtotal = 7, returned_tax = 7, paid_amount = 7, placed_at = '2020-01-01',"
                " confirmed_at = '2020-01-01', shipped_at = '2020-01-01', delivered_at = '2020-01-01',"
                " returned_at = '2020-01-01', cancelled_at = '2020-01-01', expires_at = '2020-01-01',"
                " due_date = '2020-01-01', invoice_number = 'TI-7', retailer_name = 'x', vendor_name = 'x',"
                " hold_id = core.new_id(), updated_at = '2020-01-01' where id = $1",
                order_id,
            )
            after = await the_row(owner, ORDERS, order_id)
            assert {**after, "updated_at": None} == {**before, "updated_at": None}
        assert await wrong(owner) == []


INSERT: Final = f"""
    insert into {ORDERS} (
        tenant_id, order_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, currency, status,
        total, placed_at
    )
    select tenant_id, 'ORD-7', retailer_id, vendor_id, id, 'x', 'y', currency, $1, 100, now() from trade.credit_lines
"""


async def test_an_order_begins_as_an_empty_draft_whoever_writes(market: Market) -> None:
    async with as_owner(market.tenant) as owner:
        for status in set(STEPS) - {"DRAFT"}:
            with refused("CONFLICT", "ORDER_STARTS_AS_DRAFT"):
                await owner.execute(INSERT, status)
        await owner.execute(INSERT, "DRAFT")
        [row] = await owner.fetch(f"select * from {ORDERS}")
        assert (row["order_number"], row["retailer_name"], row["vendor_name"]) == (
            "ORD-000001",
            "Retailer 0",
            "Vendor 0",
        )
        assert (row["total"], row["placed_at"]) == (0, None)


@pytest.mark.parametrize(
    "parties", ["core.new_id(), vendor_id", "retailer_id, core.new_id()", "vendor_id, retailer_id"]
)
async def test_an_order_is_of_the_lines_parties(market: Market, parties: str) -> None:
    async with as_owner(market.tenant) as owner:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await owner.execute(
                INSERT.replace(
                    "select tenant_id, 'ORD-7', retailer_id, vendor_id", f"select tenant_id, 'ORD-7', {parties}"
                ),
                "DRAFT",
            )


async def test_an_order_is_in_the_lines_currency(market: Market) -> None:
    async with as_owner(market.tenant) as owner:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await owner.execute(INSERT.replace("'y', currency", "'y', 'USD'"), "DRAFT")


REMOVALS: Final = (
    "delete from {table}",
    "truncate {table}",
    "truncate {table} cascade",
    "truncate trade.orders, trade.order_items, trade.credit_entries cascade",
    "delete from trade.credit_lines",
    "delete from trade.retailers",
    "delete from ledger.entries",
    "truncate iam.tenants cascade",
)
TABLES: Final = ("trade.orders", "trade.order_items", "trade.order_numbers", "trade.credit_entries")


@pytest.mark.parametrize("table", TABLES)
async def test_nothing_of_an_order_is_deleted_or_emptied_by_anybody(market: Market, table: str) -> None:
    async with as_tenant(market.tenant) as connection:
        await brought_to(connection, market, "DELIVERED")
        for statement in (
            *REMOVALS[:3],
            "update {table} set tenant_id = tenant_id",
            "insert into {table} default values",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement.format(table=table))
    for entrance in (as_owner(market.tenant), as_superuser()):
        async with entrance as connection:
            count = await connection.fetchval(f"select count(*) from {table}")
            assert count > 0
            for statement in REMOVALS:
                with pytest.raises(asyncpg.PostgresError) as caught:
                    await connection.execute(statement.format(table=table))
                assert "never" in str(caught.value) or caught.value.sqlstate in ("23503", "23001", "0A000", "42501")
            assert await connection.fetchval(f"select count(*) from {table}") == count


@pytest.mark.parametrize("table", TABLES)
async def test_copy_gets_past_nothing(market: Market, table: str) -> None:
    """What is copied in goes through the same triggers; for a tenant it is refused."""
    async with as_tenant(market.tenant) as connection, as_owner(market.tenant) as owner:
        await brought_to(connection, market, "DELIVERED")
        columns = [
            row[0]
            for row in await owner.fetch(
                "select attname::text from pg_attribute where attrelid = $1::text::regclass and attnum > 0"
                " and attgenerated = '' order by attnum",
                table,
            )
        ]
        row, *_ = await owner.fetch(f"select {', '.join(columns)} from {table}")
        schema, name = table.split(".")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.copy_records_to_table(name, schema_name=schema, columns=columns, records=[tuple(row)])
        # The owner's are held back by row security, the triggers, or the keys.
        with pytest.raises(asyncpg.PostgresError) as caught:
            await owner.copy_records_to_table(name, schema_name=schema, columns=columns, records=[tuple(row)])
        assert (caught.value.sqlstate or "")[:2] in ("CH", "23", "0A")
        assert await wrong(owner) == []


WHOLE: Final = (
    *TABLES,
    *("trade.archived_orders", "trade.archived_order_items", "trade.retailer_payments"),
    *("trade.retailer_payment_allocations", "ledger.accounts", "ledger.transfers", "ledger.entries", "ledger.holds"),
)


@pytest.mark.parametrize("table", WHOLE)
async def test_no_partition_and_no_child_is_a_way_around_the_triggers(tenant: Tenant, table: str) -> None:
    """Rows stand in the table itself, where its triggers are; nothing of it can be detached or reached apart."""
    refused_by_kind = (
        asyncpg.WrongObjectTypeError,
        asyncpg.InvalidObjectDefinitionError,
        asyncpg.InsufficientPrivilegeError,
    )
    async with as_owner(tenant) as owner:
        kind = "select relkind::text from pg_class where oid = $1::text::regclass"
        assert await owner.fetchval(kind, table) == "r"
        related = "select count(*) from pg_inherits where $1::text::regclass in (inhrelid, inhparent)"
        assert await owner.fetchval(related, table) == 0
        for statement in ("attach partition iam.tenants default", "detach partition iam.tenants"):
            with pytest.raises(refused_by_kind):
                await owner.execute(f"alter table {table} {statement}")


async def test_numbers_follow_one_another_in_each_organisation_whatever_is_rolled_back(
    market: Market, other_tenant: Tenant
) -> None:
    other = await open_market(other_tenant)

    async def write(writer: int) -> int:
        kept, luck = 0, random.Random(writer)
        async with as_tenant(market.tenant) as connection:
            for _ in range(6):
                transaction = connection.transaction()
                await transaction.start()
                await brought_to(connection, market, "DELIVERED", 1)
                if luck.random() < 1 / 3:
                    await transaction.rollback()
                else:
                    await transaction.commit()
                    kept += 1
        return kept

    kept = sum(await asyncio.gather(*(write(writer) for writer in range(4))))
    assert 0 < kept < 24
    async with as_tenant(market.tenant) as connection:
        rows = await connection.fetch(f"select order_number, invoice_number from {ORDERS} order by 1")
        assert [row[0] for row in rows] == [f"ORD-{n:06}" for n in range(1, kept + 1)]
        assert sorted(row[1] for row in rows) == [f"TI-{n:06}" for n in range(1, kept + 1)]
        assert await wrong(connection) == []
    async with as_tenant(other_tenant) as connection:
        row = await the_row(connection, ORDERS, await brought_to(connection, other, "DELIVERED"))
        assert (row["order_number"], row["invoice_number"]) == ("ORD-000001", "TI-000001")


@pytest.mark.parametrize(
    "statement",
    [
        "update trade.order_numbers set last_number = last_number + 1",
        "update trade.order_numbers set last_number = 1 where last_number = 2",
        "insert into trade.order_numbers (tenant_id, series, last_number) values (core.tenant_id(), 'TI', 1)",
    ],
)
async def test_no_number_is_skipped_or_given_twice_by_anybody(market: Market, statement: str) -> None:
    async with as_owner(market.tenant) as owner:
        await new_order(owner, market)
        await new_order(owner, market)
        with refused("CONFLICT", "NUMBER_SKIPPED"):
            await owner.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "select ledger.hold(account_id, 'UP', 1, 'ORDER', (select id from trade.orders)) from trade.credit_lines",
        "update ledger.holds set state = 'VOIDED'",
        "update ledger.holds set state = 'EXPIRED'",
        "select ledger.void_hold(id) from ledger.holds",
        "select ledger.post_hold(id, 10, (select ledger.account('CASH', 'EUR', 'ASSET', 'Cash')), 'TEST', 'x')"
        " from ledger.holds",
    ],
)
async def test_a_hold_of_an_order_ends_with_it_alone(market: Market, statement: str) -> None:
    async with as_owner(market.tenant) as owner:
        await brought_to(owner, market, "PLACED")
        with refused("CONFLICT", "ORDER_OUT_OF_STEP"):
            await owner.execute(statement)
        assert await wrong(owner) == []


async def _seen(connection: asyncpg.Connection) -> list[Any]:
    return [
        {row[0] for row in await connection.fetch(f"select (retailer_id, vendor_id)::text from {table}")}
        for table in (ORDERS, ITEMS, "trade.credit_entries")
    ]


async def test_a_retailer_and_a_vendor_see_theirs_alone(tenant: Tenant, other_tenant: Tenant) -> None:
    market = await open_market(tenant, retailers=2, vendors=2)
    await open_market(other_tenant)
    pairs = []
    async with as_tenant(tenant) as connection:
        for retailer, vendor in market.lines:
            item = {"vendor_product_id": market.offers[vendor][0], "quantity": 1}
            order_id = await new_order(connection, market, retailer_id=retailer, vendor_id=vendor, items=[item])
            for verb in STEPS["DELIVERED"]:
                await step(connection, verb, order_id)
            pairs.append((retailer, vendor))
    for role, place, parties in (("retailer", 0, market.retailers), ("vendor", 1, market.vendors)):
        for scope in ([parties[0]], [parties[1]], parties, [uuid4()], []):
            for entrance in (as_tenant, as_owner):
                async with entrance(tenant, role, scope) as connection:
                    seen = {f"({pair[0]},{pair[1]})" for pair in pairs if pair[place] in scope}
                    assert await _seen(connection) == [seen] * 3
    everything = [{f"({pair[0]},{pair[1]})" for pair in pairs}] * 3
    async with as_analyst(tenant) as analyst, as_tenant(tenant, "viewer", [pairs[0][0]]) as viewer:
        assert await _seen(analyst) == await _seen(viewer) == everything
    async with as_tenant(tenant, "") as nobody, as_tenant(other_tenant) as stranger:
        assert await _seen(nobody) == await _seen(stranger) == [set()] * 3


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", ["viewer", "accountant", "member", "vendor", "retailer", "worker", ""])
async def test_who_may_not_write_is_refused_before_anything_is_looked_at(tenant: Tenant, role: str, verb: str) -> None:
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, f"trade.order_{verb}", id="not even an id", items="nor items")


@pytest.mark.parametrize("verb", VERBS)
async def test_nobody_outside_an_organisation_calls_a_verb(tenant: Tenant, verb: str) -> None:
    async with as_nobody() as nobody, as_analyst(tenant) as analyst:
        for connection in (nobody, analyst):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await call(connection, f"trade.order_{verb}")


async def test_another_organisations_orders_are_unknown(market: Market, other_tenant: Tenant) -> None:
    async with as_tenant(market.tenant) as connection:
        foreign = await brought_to(connection, market, "PLACED")
        before = await the_row(connection, ORDERS, foreign)
    async with as_tenant(other_tenant) as connection:
        for wanted in (foreign, uuid4(), None):
            for verb in ALLOWED:
                with refused("NOT_FOUND", "ORDER_NOT_FOUND"):
                    await step(connection, verb, wanted)  # type: ignore[arg-type]
    async with as_tenant(market.tenant) as connection:
        assert await the_row(connection, ORDERS, foreign) == before


async def test_each_step_stands_in_the_audit_log(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "RETURNED")
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select new_values ->> 'status' from core.audit_log where tenant_id = $1 and entity_id = $2"
            " and action in ('CREATE', 'TRANSITION') order by created_at, id",
            market.tenant.tenant_id,
            order_id,
        )
    assert [row[0] for row in rows] == ["DRAFT", "PLACED", "CONFIRMED", "SHIPPED", "DELIVERED", "RETURNED"]


async def test_names_are_those_of_the_day_it_was_placed(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await new_order(connection, market)
        await call(connection, "trade.retailer_update", id=market.retailers[0], name="Njeri and Daughters")
        await step(connection, "place", order_id)
        await call(connection, "trade.vendor_update", id=market.vendors[0], name="Renamed")
        await step(connection, "confirm", order_id)
        row = await the_row(connection, ORDERS, order_id)
        assert (row["retailer_name"], row["vendor_name"]) == ("Njeri and Daughters", "Vendor 0")


async def test_who_ordered_last_is_known_of_the_retailer(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "PLACED")
        placed = (await the_row(connection, ORDERS, order_id))["placed_at"]
        assert (await the_row(connection, "trade.retailers", market.retailers[0]))["last_order_at"] == placed
        await step(connection, "cancel", order_id)
        await step(connection, "reopen", order_id)
        assert (await the_row(connection, "trade.retailers", market.retailers[0]))["last_order_at"] == placed


@pytest.mark.parametrize(
    ("prepaid", "before", "after"),
    [("0", "UNPAID", "UNPAID"), ("40", "PARTIAL", "PARTIAL"), ("110", "PARTIAL", "PAID")],
)
async def test_what_is_paid_beforehand_is_not_held_and_not_charged(
    market: Market, prepaid: str, before: str, after: str
) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "SHIPPED", prepaid=prepaid)
        on_credit = 110 - Decimal(prepaid)
        assert await line_of(connection, market) == (0, on_credit, 1000 - on_credit)
        assert (await the_row(connection, ORDERS, order_id))["payment_status"] == before
        await step(connection, "deliver", order_id)
        row = await the_row(connection, ORDERS, order_id)
        assert (row["payment_status"], row["charged"], row["open_amount"]) == (after, on_credit, on_credit)
        assert await line_of(connection, market) == (on_credit, 0, 1000 - on_credit)
        rows = await connection.fetch(
            "select split_part(code, ':', 1), balance from ledger.accounts where balance <> 0"
        )
        balances = {row[0]: row[1] for row in rows}
        expected = {"CREDIT_LINE": on_credit, "TRADE_SALES": 100, "TRADE_TAX": 10, "TRADE_PREPAID": Decimal(prepaid)}
        assert balances == {name: amount for name, amount in expected.items() if amount}
        assert await wrong(connection) == []
