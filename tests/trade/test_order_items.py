"""What must always be true of order items and of the stock that is kept for them: sql/trade/order_items.sql."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.placing import (
    ITEMS,
    OFFERS,
    ORDERS,
    STEPS,
    Market,
    brought_to,
    items_of,
    new_order,
    open_market,
    step,
    stock_of,
    wrong,
)

CENT: Final = Decimal("0.01")


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    return await open_market(tenant)


@pytest.fixture(scope="module")
async def bazaar() -> Market:
    return await open_market(await make_tenant(), prices=("1", "1", "1"), limit="9999999999999", stock=0)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@given(
    wares=st.lists(
        st.tuples(
            st.integers(1, 100_000),
            st.decimals("0", "99999.99", places=2),
            st.decimals("0", "100", places=2),
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_amount_and_tax_are_rounded_for_each_item_and_then_added_up(
    bazaar: Market, wares: list[tuple[int, Decimal, Decimal]]
) -> None:
    offers = bazaar.offers[bazaar.vendors[0]]
    async with as_superuser() as connection:
        for offer, (_, price, rate) in zip(offers, wares, strict=False):
            product = await connection.fetchval(
                f"update {OFFERS} set vendor_price = $2 where id = $1 returning product_id", offer, price
            )
            await connection.execute("update trade.products set tax_rate = $2 where id = $1", product, rate)
    async with as_tenant(bazaar.tenant) as connection:
        order_id = await new_order(connection, bazaar, *(quantity for quantity, _, _ in wares))
        rows = await connection.fetch(
            f"select amount, tax_amount from {ITEMS} where order_id = $1 order by position", order_id
        )
        order = await the_row(connection, ORDERS, order_id)
    amounts = [cents(quantity * price) for quantity, price, _ in wares]
    taxes = [cents(amount * rate / 100) for amount, (_, _, rate) in zip(amounts, wares, strict=True)]
    assert [tuple(row) for row in rows] == list(zip(amounts, taxes, strict=True))
    assert (order["subtotal"], order["tax"], order["total"]) == (sum(amounts), sum(taxes), sum(amounts) + sum(taxes))


async def test_an_item_keeps_the_name_the_price_and_the_tax_of_when_it_was_entered(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await new_order(connection, market, 2)
        offer = await the_row(connection, OFFERS, market.offer)
        await call(connection, "trade.product_update", id=offer["product_id"], name="Maize", tax_rate="99")
        await call(
            connection,
            "trade.vendor_product_set",
            vendor_id=market.vendors[0],
            product_id=offer["product_id"],
            sku="NEW",
            vendor_price="99",
        )
        for verb in STEPS["DELIVERED"]:
            await step(connection, verb, order_id)
        row = await the_row(connection, ITEMS, UUID((await items_of(connection, order_id))[0]["id"]))
        assert (row["product_name"], row["product_sku"], row["unit_price"], row["tax_rate"]) == (
            "Rice 0",
            "SKU-0",
            10,
            10,
        )
        later = await the_row(connection, ORDERS, await new_order(connection, market, 2))
        assert later["total"] == Decimal("394.02")
        assert await wrong(connection) == []


COLUMNS: Final = (
    "product_name = 'x'", "product_sku = 'X'", "unit_price = 0", "tax_rate = 0", "position = 7",
    "quantity = quantity + 1",
    "vendor_product_id = core.new_id()", "order_id = core.new_id()", "retailer_id = core.new_id()",
    "vendor_id = core.new_id()", "id = core.new_id()", "quantity_shipped = quantity_shipped - 1",
    "quantity_returned = quantity_returned - 1",
)  # fmt: skip


@pytest.mark.parametrize("change", COLUMNS)
@pytest.mark.parametrize("status", ["DRAFT", "PLACED", "DELIVERED", "CANCELLED"])
async def test_an_item_is_never_rewritten_by_anybody(market: Market, status: str, change: str) -> None:
    async with as_owner(market.tenant) as owner, as_superuser() as superuser:
        order_id = await brought_to(owner, market, status)
        for connection in (owner, superuser):
            with pytest.raises(asyncpg.PostgresError) as caught:
                await connection.execute(f"update {ITEMS} set {change} where order_id = $1", order_id)
            assert (caught.value.sqlstate or "")[:2] in ("CH", "23")


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ("quantity_shipped = quantity_shipped + 1", {"SHIPPED"}),
        ("quantity_returned = quantity_returned + 1", {"DELIVERED"}),
        ("replaced_at = now()", {"DRAFT", "PLACED"}),
    ],
)
@pytest.mark.parametrize("status", STEPS)
async def test_what_is_counted_of_an_item_is_counted_in_its_time(
    market: Market, status: str, change: str, allowed: set[str]
) -> None:
    async with as_owner(market.tenant) as owner:
        order_id = await new_order(owner, market)
        for verb in STEPS[status]:
            some = {"items": [{"item_id": (await items_of(owner, order_id))[0]["id"], "quantity": 4}]}
            await step(owner, verb, order_id, **(some if verb == "ship" else {}))
        before = await items_of(owner, order_id)
        if status in allowed:
            async with owner.transaction():
                await owner.execute(f"update {ITEMS} set {change}")
                if change.startswith("replaced"):
                    await call(owner, "trade.order_update", id=order_id, items=market.items(1))
            assert await items_of(owner, order_id) != before
        else:
            with refused("CONFLICT", "ORDER_STATUS"):
                await owner.execute(f"update {ITEMS} set {change}")
            assert await items_of(owner, order_id) == before
        assert await wrong(owner) == []


async def test_a_replaced_item_stays_where_it_is_and_counts_no_more(market: Market) -> None:
    async with as_tenant(market.tenant) as connection, as_owner(market.tenant) as owner:
        order_id = await brought_to(connection, market, "PLACED", 10)
        await call(connection, "trade.order_update", id=order_id, items=market.items(3, 1))
        rows = await owner.fetch(
            f"select quantity, replaced_at is null, reserved from {ITEMS} order by created_at, position"
        )
        assert [tuple(row) for row in rows] == [(10, False, 0), (3, True, 3), (1, True, 1)]
        assert (await the_row(connection, ORDERS, order_id))["subtotal"] == Decimal("33.33")
        for change in ("replaced_at = null", "replaced_at = now() + interval '1 day'"):
            with refused("CONFLICT", "ITEM_FIXED"):
                await owner.execute(f"update {ITEMS} set {change} where replaced_at is not null")
        assert await wrong(connection) == []


INSERT: Final = f"""
    insert into {ITEMS} (
        tenant_id, order_id, retailer_id, vendor_id, vendor_product_id, position, product_name, product_sku, unit_price,
        tax_rate, quantity, quantity_shipped, quantity_returned, reserved
    )
    select tenant_id, id, core.new_id(), core.new_id(), $1, $2, 'x', 'X', 0.01, 0, $3, 1, 1, 7 from {ORDERS}
"""


async def test_whoever_enters_an_item_enters_what_the_vendor_offers(market: Market) -> None:
    async with as_owner(market.tenant) as owner:
        order_id = await brought_to(owner, market, "PLACED")
        await owner.execute(INSERT, market.offers[market.vendors[0]][1], 2, 5)
        row = await the_row(owner, ITEMS, UUID((await items_of(owner, order_id))[1]["id"]))
        assert (row["product_name"], row["product_sku"], row["unit_price"], row["tax_rate"]) == (
            "Rice 1", "SKU-1", Decimal("3.33"), 10,
        )  # fmt: skip
        assert (row["retailer_id"], row["vendor_id"]) == (market.retailers[0], market.vendors[0])
        assert (row["quantity_shipped"], row["quantity_returned"], row["reserved"]) == (0, 0, 5)
        assert (await the_row(owner, ORDERS, order_id))["total"] == Decimal("128.32")
        assert await wrong(owner) == []


@pytest.mark.parametrize("status", sorted(set(STEPS) - {"DRAFT", "PLACED"}))
async def test_no_item_is_entered_into_an_order_that_is_confirmed_or_ended(market: Market, status: str) -> None:
    async with as_owner(market.tenant) as owner:
        await brought_to(owner, market, status)
        with refused("CONFLICT", "ORDER_STATUS"):
            await owner.execute(INSERT, market.offers[market.vendors[0]][1], 2, 5)


@pytest.mark.parametrize(
    ("position", "quantity", "reason"),
    [
        (1, 5, "POSITION_TAKEN"), (0, 5, "TOO_MANY_ITEMS"), (1001, 5, "TOO_MANY_ITEMS"),
        (2, 0, "QUANTITY_RANGE"), (2, -1, "QUANTITY_RANGE"), (2, 1000000001, "QUANTITY_RANGE"),
    ],
)  # fmt: skip
async def test_an_item_that_makes_no_sense_is_refused(
    market: Market, position: int, quantity: int, reason: str
) -> None:
    async with as_owner(market.tenant) as owner:
        await new_order(owner, market)
        code = "CONFLICT" if reason == "POSITION_TAKEN" else "BAD_USER_INPUT"
        with refused(code, reason):
            await owner.execute(INSERT, market.offers[market.vendors[0]][1], position, quantity)


async def test_a_product_of_another_vendor_or_organisation_is_unknown(tenant: Tenant, other_tenant: Tenant) -> None:
    market, other = await open_market(tenant, vendors=2), await open_market(other_tenant)
    async with as_tenant(tenant) as connection:
        for offer in (market.offers[market.vendors[1]][0], other.offer, uuid4()):
            with refused("NOT_FOUND", "VENDOR_PRODUCT_NOT_FOUND") as told:
                await new_order(connection, market, items=[{"vendor_product_id": offer, "quantity": 1}])
            assert told.field == "input.items.vendorProductId"


async def test_a_product_stands_on_an_order_once(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        with refused("CONFLICT", "ITEM_TWICE"):
            await new_order(connection, market, items=market.items(1) + market.items(2))


@pytest.mark.parametrize("change", ["reserved = reserved + 1", "reserved = 0", "reserved = reserved - 1, stock = 50"])
async def test_what_is_kept_in_stock_changes_by_orders_alone(market: Market, change: str) -> None:
    async with as_owner(market.tenant) as owner:
        await brought_to(owner, market, "PLACED")
        with refused("CONFLICT", "STOCK_OUT_OF_STEP"):
            await owner.execute(f"update {OFFERS} set {change} where id = $1", market.offer)
        product = await call(owner, "trade.product_create", product_code="P-9", name="Another")
        with refused("CONFLICT", "STOCK_OUT_OF_STEP"):
            await owner.execute(
                f"insert into {OFFERS} (tenant_id, vendor_id, product_id, sku, vendor_price, currency, stock, reserved,"
                " vendor_is_approved) values (core.tenant_id(), $1, $2, 'kept', 1, 'EUR', 9, 9, true)",
                market.vendors[0],
                product,
            )
        assert await stock_of(owner, market) == (100, 10)


async def test_stock_follows_what_is_placed_shipped_and_comes_back(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await new_order(connection, market, 10)
        seen = [await stock_of(connection, market)]

        async def after(verb: str, quantity: int | None = None) -> None:
            item = (await items_of(connection, order_id))[0]["id"]
            some = {} if quantity is None else {"items": [{"item_id": item, "quantity": quantity}]}
            await step(connection, verb, order_id, **some)
            seen.append(await stock_of(connection, market))
            assert await wrong(connection) == []

        for verb, quantity in (
            ("place", None), ("confirm", None), ("ship", 4), ("ship", 3), ("deliver", None), ("return", 2),
            ("return", None),
        ):  # fmt: skip
            await after(verb, quantity)
        assert seen == [(100, 0), (100, 10), (100, 10), (96, 6), (93, 3), (93, 0), (95, 0), (100, 0)]
        row = await the_row(connection, ORDERS, order_id)
        assert (row["status"], row["delivered_at"].date()) == ("RETURNED", datetime.now(UTC).date())


VISITED: Final = (
    "select idx_tup_fetch + seq_tup_read from pg_stat_xact_user_tables where relid = 'trade.orders'::regclass"
)


async def test_the_figures_of_an_order_are_made_again_without_looking_at_others(market: Market) -> None:
    """A connection keeps its plans: what was planned for a first order is as good once there are many."""
    visited = []
    async with as_tenant(market.tenant) as connection:
        for _ in range(15):
            await new_order(connection, market, 1)
        async with as_superuser() as superuser:
            # Where each organisation was seen to have one order, all indexes are as good.
            await superuser.execute("analyze trade.orders")
        for _ in range(20):
            order_id = await new_order(connection, market, 1)
            await step(connection, "place", order_id)
            await step(connection, "confirm", order_id)
            async with connection.transaction():
                before = await connection.fetchval(VISITED)
                await step(connection, "ship", order_id)
                visited.append(await connection.fetchval(VISITED) - before)
    assert 0 < visited[-1] <= visited[0] + 3, visited
