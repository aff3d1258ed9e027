"""What can be done with an order, and what is refused of it: sql/trade/order_changes.sql."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.placing import (
    OFFERS,
    ORDERS,
    Market,
    brought_to,
    items_of,
    line_of,
    new_order,
    open_market,
    step,
    stock_of,
    wrong,
)


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    """A line of 1000.00; one unit of the first product is 11.00 with tax, and there are 100."""
    return await open_market(tenant)


async def suspend_line(connection: asyncpg.Connection, market: Market) -> None:
    await call(connection, "trade.credit_line_suspend", id=market.line, reason="A cheque bounced.")


async def suspend_vendor(connection: asyncpg.Connection, market: Market) -> None:
    await call(connection, "trade.vendor_suspend", id=market.vendors[0], reason="Late")


async def change_offer(market: Market, **facts: Any) -> None:
    async with as_superuser() as connection:
        for name, value in facts.items():
            await connection.execute(f"update {OFFERS} set {name} = $2 where id = $1", market.offer, value)


# Placing


async def test_an_order_takes_the_line_to_its_limit_and_not_a_cent_beyond(tenant: Tenant) -> None:
    market = await open_market(tenant, limit="110.00", prices=("10.00", "0.01"), tax_rate="10")
    async with as_tenant(tenant) as connection:
        whole = await brought_to(connection, market, "PLACED", 10)
        assert await line_of(connection, market) == (0, 110, 0)
        more = await new_order(connection, market, 0, 1)
        with refused("CONFLICT", "CREDIT_LIMIT_EXCEEDED") as told:
            await step(connection, "place", more)
        assert told.message == (
            "The credit line has a limit of 110.00, of which 0.00 is used and 110.00 is held by other orders."
            " This order needs 0.01."
        )
        for verb in ("confirm", "ship", "deliver"):
            await step(connection, verb, whole)
        with refused("CONFLICT", "CREDIT_LIMIT_EXCEEDED") as told:
            await step(connection, "place", more)
        assert "of which 110.00 is used and 0.00 is held" in told.message
        await step(connection, "return", whole)
        await step(connection, "place", more)
        assert await wrong(connection) == []


async def test_a_draft_holds_nothing_and_keeps_nothing(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        await new_order(connection, market, 1000)
        assert await line_of(connection, market) == (0, 0, 1000)
        assert await stock_of(connection, market) == (100, 0)


async def test_an_order_on_a_suspended_line_is_refused_and_open_ones_go_on(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        draft, placed = await new_order(connection, market), await brought_to(connection, market, "PLACED")
        await suspend_line(connection, market)
        with refused("CONFLICT", "CREDIT_LINE_SUSPENDED") as told:
            await step(connection, "place", draft)
        assert told.message.startswith("The credit line is suspended: A cheque bounced. No order")
        with refused("CONFLICT", "CREDIT_LINE_SUSPENDED"):
            await call(connection, "trade.order_update", id=placed, items=market.items(11))
        for verb in ("confirm", "ship", "deliver", "return"):
            await step(connection, verb, placed)
        await call(connection, "trade.credit_line_resume", id=market.line)
        await step(connection, "place", draft)
        assert await wrong(connection) == []


async def test_an_order_with_a_vendor_that_is_not_approved_is_refused_and_open_ones_go_on(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        draft, placed = await new_order(connection, market), await brought_to(connection, market, "PLACED")
        await suspend_vendor(connection, market)
        with refused("CONFLICT", "VENDOR_NOT_APPROVED"):
            await step(connection, "place", draft)
        for verb in ("confirm", "ship", "deliver"):
            await step(connection, verb, placed)
        await call(connection, "trade.vendor_delete", id=market.vendors[0])
        await step(connection, "return", placed)
        assert await wrong(connection) == []


@pytest.mark.parametrize("what", ["offer", "product"])
async def test_what_cannot_be_had_cannot_be_ordered(market: Market, what: str) -> None:
    async with as_tenant(market.tenant) as connection:
        draft = await new_order(connection, market)
        placed = await brought_to(connection, market, "PLACED", 0, 3)
        if what == "offer":
            await change_offer(market, is_available=False)
        else:
            product = (await the_row(connection, OFFERS, market.offer))["product_id"]
            await call(connection, "trade.product_update", id=product, is_active=False)
        with refused("CONFLICT", "PRODUCT_UNAVAILABLE") as told:
            await step(connection, "place", draft)
        assert told.message == "Rice 0 cannot be ordered now."
        with refused("CONFLICT", "PRODUCT_UNAVAILABLE"):
            await call(connection, "trade.order_update", id=placed, items=market.items(1))
        assert await wrong(connection) == []


async def test_no_more_is_ordered_than_is_free_in_stock(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        await brought_to(connection, market, "PLACED", 60)
        exactly, more = await new_order(connection, market, 40), await new_order(connection, market, 41)
        with refused("CONFLICT", "STOCK_TOO_LOW") as told:
            await step(connection, "place", more)
        assert (told.message, told.field) == ("Of Rice 0, 41 are ordered and 40 can be had.", "input.items.quantity")
        async with as_superuser() as superuser:
            await superuser.execute("update ledger.accounts set ceiling = 5000 where owner_id = $1", market.line)
        await step(connection, "place", exactly)
        assert await stock_of(connection, market) == (100, 100)
        assert await wrong(connection) == []


async def test_an_order_without_items_is_not_placed_and_stays_a_draft(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await new_order(connection, market, items=[])
        with refused("CONFLICT", "ORDER_EMPTY"):
            await step(connection, "place", order_id)
        assert (await the_row(connection, ORDERS, order_id))["status"] == "DRAFT"
        await call(connection, "trade.order_update", id=order_id, items=market.items(1))
        await step(connection, "place", order_id)
        with refused("CONFLICT", "ORDER_EMPTY"):
            await call(connection, "trade.order_update", id=order_id, items=[])


# Creating and changing


async def test_a_retailer_buys_where_it_has_a_line(tenant: Tenant) -> None:
    market = await open_market(tenant, vendors=1)
    async with as_tenant(tenant) as connection:
        vendor = await call(connection, "trade.vendor_create", vendor_code="V-NEW", name="New Mills")
        with refused("CONFLICT", "NO_CREDIT_LINE") as told:
            await call(connection, "trade.order_create", retailer_id=market.retailers[0], vendor_id=vendor)
        assert told.message == "Retailer 0 has no credit line with New Mills. Set one first."
        for facts, reason, field in (
            ({**market.parties, "retailer_id": uuid4()}, "RETAILER_NOT_FOUND", "input.retailerId"),
            ({**market.parties, "vendor_id": uuid4()}, "VENDOR_NOT_FOUND", "input.vendorId"),
        ):
            with refused("NOT_FOUND", reason) as told:
                await call(connection, "trade.order_create", **facts)
            assert told.field == field


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"prepaid": "-1"}, "PREPAID_RANGE"),
        ({"prepaid": "0.001"}, "MONEY_DECIMALS"),
        ({"quantity": 0}, "QUANTITY_RANGE"),
        ({"quantity": -3}, "QUANTITY_RANGE"),
        ({"quantity": None}, "REQUIRED"),
        ({"metadata": [1]}, "JSON_OBJECT_REQUIRED"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(market: Market, facts: dict[str, Any], reason: str) -> None:
    items = [{**market.items(1)[0], **{name: value for name, value in facts.items() if name == "quantity"}}]
    given = {name: value for name, value in facts.items() if name != "quantity"}
    async with as_tenant(market.tenant) as connection:
        with refused("BAD_USER_INPUT", reason):
            await new_order(connection, market, **{"items": items, **given})
        assert await connection.fetchval(f"select count(*) from {ORDERS}") == 0


async def test_no_more_is_paid_beforehand_than_the_order_comes_to(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await new_order(connection, market, prepaid="110.01")
        with refused("BAD_USER_INPUT", "PREPAID_RANGE"):
            await step(connection, "place", order_id)
        await call(connection, "trade.order_update", id=order_id, prepaid="110")
        await step(connection, "place", order_id)
        with refused("BAD_USER_INPUT", "PREPAID_RANGE"):
            await call(connection, "trade.order_update", id=order_id, items=market.items(9))
        await call(connection, "trade.order_update", id=order_id, items=market.items(9), prepaid="9")
        assert await line_of(connection, market) == (0, 90, 910)
        assert await wrong(connection) == []


async def test_a_placed_order_that_changes_asks_for_room_and_stock_again(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "PLACED", 90)
        assert await line_of(connection, market) == (0, 990, 10)
        before = await the_row(connection, ORDERS, order_id), await items_of(connection, order_id)
        with refused("CONFLICT", "CREDIT_LIMIT_EXCEEDED") as told:
            await call(connection, "trade.order_update", id=order_id, items=market.items(91))
        # Not with what it held itself.
        assert "of which 0.00 is used and 0.00 is held by other orders. This order needs 1001.00." in told.message
        with refused("CONFLICT", "STOCK_TOO_LOW"):
            await call(connection, "trade.order_update", id=order_id, items=market.items(101))
        assert (await the_row(connection, ORDERS, order_id), await items_of(connection, order_id)) == before
        await call(connection, "trade.order_update", id=order_id, items=market.items(5, 10))
        row = await the_row(connection, ORDERS, order_id)
        assert (row["status"], row["total"]) == ("PLACED", Decimal("91.63"))
        assert await line_of(connection, market) == (0, Decimal("91.63"), Decimal("908.37"))
        assert await stock_of(connection, market) == (100, 5)
        await call(connection, "trade.order_update", id=order_id, metadata={"note": "Before noon"}, items=None)
        assert (await the_row(connection, ORDERS, order_id))["total"] == Decimal("91.63")
        assert await wrong(connection) == []


# Shipping, delivering, returning


async def test_an_order_ships_in_parts_and_what_was_shipped_is_posted_and_the_rest_given_back(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "CONFIRMED", 10, 5)
        first, second = (item["id"] for item in await items_of(connection, order_id))
        await step(connection, "ship", order_id, items=[{"item_id": first, "quantity": 4}])
        await step(
            connection, "ship", order_id,
            items=[{"item_id": first, "quantity": 3}, {"item_id": second, "quantity": 1}],
        )  # fmt: skip
        row = await the_row(connection, ORDERS, order_id)
        assert (row["status"], row["total"], row["charged"]) == ("SHIPPED", Decimal("128.32"), 0)
        assert await line_of(connection, market) == (0, Decimal("128.32"), Decimal("871.68"))
        await step(connection, "deliver", order_id)
        row = await the_row(connection, ORDERS, order_id)
        # 7 at 10.00 and 1 at 3.33, and 7.00 and 0.33 of tax.
        assert (row["delivered_subtotal"], row["delivered_tax"]) == (Decimal("73.33"), Decimal("7.33"))
        assert (row["charged"], row["open_amount"], row["payment_status"]) == (
            Decimal("80.66"),
            Decimal("80.66"),
            "UNPAID",
        )
        assert await line_of(connection, market) == (Decimal("80.66"), 0, Decimal("919.34"))
        assert await stock_of(connection, market) == (93, 0)
        vendor = await the_row(connection, "trade.vendors", market.vendors[0])
        assert vendor["total_sales"] == Decimal("73.33")
        assert (await the_row(connection, "trade.retailers", market.retailers[0]))["outstanding_debt"] == Decimal(
            "80.66"
        )
        legs = await connection.fetch(
            "select split_part(a.code, ':', 1), e.amount, t.kind from ledger.entries e"
            " join ledger.accounts a on a.id = e.account_id join ledger.transfers t on t.id = e.transfer_id order by 1"
        )
        assert [tuple(leg) for leg in legs] == [
            ("CREDIT_LINE", Decimal("80.66"), "ORDER_DELIVER"),
            ("TRADE_SALES", Decimal("-73.33"), "ORDER_DELIVER"),
            ("TRADE_TAX", Decimal("-7.33"), "ORDER_DELIVER"),
        ]
        assert await wrong(connection) == []


@pytest.mark.parametrize(
    ("verb", "status", "too_many"), [("ship", "CONFIRMED", "SHIPPED"), ("return", "DELIVERED", "RETURNED")]
)
async def test_quantities_that_are_not_there_are_refused(market: Market, verb: str, status: str, too_many: str) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, status, 10)
        other = await brought_to(connection, market, status, 10)
        item, foreign = [(await items_of(connection, each))[0]["id"] for each in (order_id, other)]
        before = await the_row(connection, ORDERS, order_id), await stock_of(connection, market)
        nothing = ("CONFLICT", "NOTHING_TO_SHIP") if verb == "ship" else ("BAD_USER_INPUT", "NOTHING_TO_RETURN")
        for items, code, reason in (
            ([{"item_id": item, "quantity": 11}], "BAD_USER_INPUT", f"{too_many}_TOO_MANY"),
            ([{"item_id": item, "quantity": 2000000000}], "BAD_USER_INPUT", f"{too_many}_TOO_MANY"),
            ([{"item_id": item, "quantity": 0}], "BAD_USER_INPUT", "QUANTITY_RANGE"),
            ([{"item_id": item, "quantity": -1}], "BAD_USER_INPUT", "QUANTITY_RANGE"),
            ([{"item_id": item, "quantity": 1}] * 2, "BAD_USER_INPUT", "ITEM_TWICE"),
            ([{"item_id": uuid4(), "quantity": 1}], "NOT_FOUND", "ORDER_ITEM_NOT_FOUND"),
            ([{"item_id": foreign, "quantity": 1}], "NOT_FOUND", "ORDER_ITEM_NOT_FOUND"),
            ([], *nothing),
        ):
            with refused(code, reason):
                await step(connection, verb, order_id, items=items)
        assert (await the_row(connection, ORDERS, order_id), await stock_of(connection, market)) == before
        await step(connection, verb, order_id, items=[{"item_id": item, "quantity": 10}])
        assert await wrong(connection) == []


async def test_a_partly_shipped_order_is_returned_when_all_that_came_is_back(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "CONFIRMED", 10)
        item = (await items_of(connection, order_id))[0]["id"]
        await step(connection, "ship", order_id, items=[{"item_id": item, "quantity": 4}])
        await step(connection, "deliver", order_id)
        await step(connection, "return", order_id, items=[{"item_id": item, "quantity": 1}])
        row = await the_row(connection, ORDERS, order_id)
        assert (row["status"], row["open_amount"], row["returned_total"]) == ("DELIVERED", 33, 11)
        assert await stock_of(connection, market) == (97, 0)
        await step(connection, "return", order_id, items=[{"item_id": item, "quantity": 3}])
        row = await the_row(connection, ORDERS, order_id)
        assert (row["status"], row["open_amount"], row["payment_status"]) == ("RETURNED", 0, "PAID")
        assert await line_of(connection, market) == (0, 0, 1000)
        assert await wrong(connection) == []


async def test_what_costs_nothing_is_delivered_without_a_posting(tenant: Tenant) -> None:
    market = await open_market(tenant, prices=("0.00",), limit="0")
    async with as_tenant(tenant) as connection:
        order_id = await brought_to(connection, market, "RETURNED")
        assert (await the_row(connection, ORDERS, order_id))["payment_status"] == "PAID"
        assert await connection.fetchval("select count(*) from ledger.transfers") == 0
        assert await wrong(connection) == []


# Cancelling, expiring, reopening


@pytest.mark.parametrize("reason", [None, "", "  ", "x" * 501])
async def test_a_cancellation_says_why(market: Market, reason: str | None) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "PLACED")
        with refused("BAD_USER_INPUT", "REASON_REQUIRED") as told:
            await call(connection, "trade.order_cancel", id=order_id, reason=reason)
        assert told.field == "input.reason"
        await call(connection, "trade.order_cancel", id=order_id, reason="Out of business")
        assert (await the_row(connection, ORDERS, order_id))["cancel_reason"] == "Out of business"


@pytest.mark.parametrize("verb", ["cancel", "expire"])
async def test_what_ends_gives_all_back_and_may_be_reopened(market: Market, verb: str) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "PLACED")
        assert (await line_of(connection, market), await stock_of(connection, market)) == ((0, 110, 890), (100, 10))
        await step(connection, verb, order_id)
        assert (await line_of(connection, market), await stock_of(connection, market)) == ((0, 0, 1000), (100, 0))
        await brought_to(connection, market, "PLACED", 90)
        await step(connection, "reopen", order_id)
        row = await the_row(connection, ORDERS, order_id)
        assert (row["status"], row["cancel_reason"], row["placed_at"]) == ("DRAFT", None, None)
        with refused("CONFLICT", "CREDIT_LIMIT_EXCEEDED"):
            await step(connection, "place", order_id)
        await call(connection, "trade.credit_line_set", **market.parties, credit_limit="1100")
        await step(connection, "place", order_id)
        assert await wrong(connection) == []


EXPIRE: Final = f"update {ORDERS} set expires_at = now() - interval '1 minute' where id = $1"


async def overdue(order_id: UUID) -> None:
    """Have its time come, which nobody can but who switches the triggers off."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(EXPIRE, order_id)


async def test_a_placed_order_that_nobody_confirms_expires(market: Market) -> None:
    async with (
        as_tenant(market.tenant) as connection,
        as_worker() as worker,
        as_tenant(market.tenant, "worker") as working,
    ):
        late, confirmed, early = [await brought_to(connection, market, "PLACED") for _ in range(3)]
        for order_id in (late, confirmed):
            await overdue(order_id)
        due = "select array_agg(id) from trade.orders_due() where tenant_id = $1"
        assert set(await worker.fetchval(due, market.tenant.tenant_id)) == {late, confirmed}
        await step(connection, "confirm", confirmed)
        for order_id in (late, confirmed, early, uuid4(), late):
            await working.execute("select trade.order_lapse($1)", order_id)
        assert await worker.fetchval(due, market.tenant.tenant_id) is None
        rows = await connection.fetch(f"select id, status from {ORDERS}")
        assert dict(tuple(row) for row in rows) == {late: "EXPIRED", confirmed: "CONFIRMED", early: "PLACED"}
        assert await line_of(connection, market) == (0, 220, 780)
        assert await wrong(connection) == []


@pytest.mark.parametrize("role", ["owner", "operator", "retailer", ""])
async def test_only_the_worker_lets_orders_lapse(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await connection.execute("select trade.order_lapse($1)", uuid4())


async def test_the_worker_sees_that_something_is_due_and_nothing_about_it(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        await brought_to(connection, market, "PLACED")
        shipped = await brought_to(connection, market, "SHIPPED")
    async with as_worker() as worker:
        assert shipped not in {row[0] for row in await worker.fetch(f"select id from {ORDERS}")}
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.fetch(f"select total from {ORDERS}")


async def test_an_order_expires_seven_days_after_it_was_placed(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        row = await the_row(connection, ORDERS, await brought_to(connection, market, "PLACED"))
    assert abs(row["expires_at"] - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=1)


# At once


async def test_of_many_who_place_at_once_as_many_come_through_as_there_is_room_for(tenant: Tenant) -> None:
    market = await open_market(tenant, limit="55", stock=4)
    async with as_tenant(tenant) as connection:
        drafts = [await new_order(connection, market, 1) for _ in range(10)]

    async def place(order_id: UUID) -> str:
        async with as_tenant(tenant) as connection:
            try:
                await step(connection, "place", order_id)
            except asyncpg.PostgresError as error:
                return error.constraint_name or error.sqlstate or ""
        return "PLACED"

    for expected, limit, stock in ((4, None, None), (1, None, 10), (2, "77", None)):
        async with as_tenant(tenant) as connection:
            if limit:
                await call(connection, "trade.credit_line_set", **market.parties, credit_limit=limit)
            if stock:
                await call(connection, "trade.stock_receive", id=market.offer, quantity=stock)
        outcomes = await asyncio.gather(*(place(each) for each in drafts))
        assert outcomes.count("PLACED") == expected
        assert set(outcomes) <= {"PLACED", "CREDIT_LIMIT_EXCEEDED", "STOCK_TOO_LOW", "ORDER_STATUS"}
    async with as_owner(tenant) as owner:
        assert await wrong(owner) == []


@pytest.mark.parametrize(
    ("status", "verbs"),
    [
        ("PLACED", ("confirm", "cancel", "expire")),
        ("SHIPPED", ("deliver",) * 3),
        ("DELIVERED", ("return",) * 3),
        ("CANCELLED", ("reopen",) * 3),
    ],
)
async def test_one_step_is_taken_once_however_many_try(market: Market, status: str, verbs: tuple[str, ...]) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, status)

    async def attempt(verb: str) -> str:
        async with as_tenant(market.tenant) as connection:
            try:
                await step(connection, verb, order_id)
            except asyncpg.PostgresError as error:
                return error.constraint_name or error.sqlstate or ""
        return "done"

    outcomes = await asyncio.gather(*(attempt(verb) for verb in verbs))
    expected = ["ORDER_STATUS"] * 2 + ["done"]
    if "confirm" in verbs:  # a confirmed order may still be cancelled
        assert sorted(outcomes) in (expected, ["ORDER_STATUS", "done", "done"])
    else:
        assert sorted(outcomes) == expected
    async with as_tenant(market.tenant) as connection:
        assert await wrong(connection) == []
