"""What vendors ask for products, and the stock of it. sql/trade/vendor_products.sql."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.catalogue import ids, new_line, new_offer, new_product, new_retailer, new_vendor

TABLE = "trade.vendor_products"
MOST = 1_000_000_000


async def reserve(tenant: Tenant, offer: UUID, units: int) -> None:
    """Have so many units kept for an order."""
    async with as_tenant(tenant) as connection:
        vendor = (await the_row(connection, TABLE, offer))["vendor_id"]
        retailer = await new_retailer(connection)
        await new_line(connection, retailer, vendor, credit_limit="100000.00")
        items = [{"vendor_product_id": offer, "quantity": units}]
        order = await call(connection, "trade.order_create", retailer_id=retailer, vendor_id=vendor, items=items)
        await call(connection, "trade.order_place", id=order)
        assert (await the_row(connection, TABLE, offer))["reserved"] == units


async def test_a_new_offer_takes_the_vendors_currency_and_approval_and_has_no_stock(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for is_approved in (True, False):
            vendor = await new_vendor(connection, is_approved=is_approved, currency="KES")
            row = await the_row(connection, TABLE, await new_offer(connection, vendor, currency="USD", stock=5))
            assert (row["currency"], row["vendor_is_approved"]) == ("KES", is_approved)
            assert (row["stock"], row["reserved"], row["free_stock"], row["is_low"]) == (0, 0, 0, True)
            assert (row["is_available"], row["stocked_at"], row["stock_note"]) == (True, None, None)


async def test_setting_an_offer_again_changes_what_is_named(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        vendor, product = await new_vendor(connection), await new_product(connection)
        offer = await new_offer(connection, vendor, product, sku="A/1", metadata={"shelf": 4})
        await call(connection, "trade.stock_receive", id=offer, quantity=5)
        parties = {"vendor_id": vendor, "product_id": product}
        again = {"vendor_price": "8.00", "is_available": False, "low_stock_level": 5, "currency": "USD", "stock": 99}
        assert await call(connection, "trade.vendor_product_set", **parties, **again) == offer
        row = await the_row(connection, TABLE, offer)
        assert (row["sku"], str(row["vendor_price"]), row["is_available"]) == ("A/1", "8.00", False)
        assert (row["currency"], row["stock"], row["is_low"], json.loads(row["metadata"])) == (
            "EUR",
            5,
            True,
            {"shelf": 4},
        )
        assert await call(connection, "trade.vendor_product_set", **parties, sku="A/2") == offer
        assert (await the_row(connection, TABLE, offer))["sku"] == "A/2"


@pytest.mark.parametrize(
    ("facts", "reason", "field"),
    [
        ({"sku": "TAKEN"}, "SKU_TAKEN", "input.sku"),
        ({"sku": "/1"}, "SKU_INVALID", "input.sku"),
        ({"sku": None}, "REQUIRED", "input.sku"),
        ({"vendor_price": "-0.01"}, "PRICE_NEGATIVE", "input.vendorPrice"),
        ({"vendor_price": "1.001"}, "MONEY_DECIMALS", None),
        ({"vendor_price": None}, "REQUIRED", "input.vendorPrice"),
        ({"low_stock_level": -1}, "LOW_STOCK_LEVEL_RANGE", "input.lowStockLevel"),
    ],
)
async def test_what_an_offer_cannot_be(tenant: Tenant, facts: dict[str, Any], reason: str, field: str | None) -> None:
    code = "CONFLICT" if reason.endswith("TAKEN") else "BAD_USER_INPUT"
    async with as_tenant(tenant) as connection:
        vendor, product = await new_vendor(connection), await new_product(connection)
        await new_offer(connection, vendor, sku="TAKEN")
        await new_offer(connection, sku="TAKEN")  # a number is one vendor's
        for _ in range(2):  # a new one, and one that is there
            with refused(code, reason) as told:
                await new_offer(connection, vendor, product, **facts)
            assert told.field == field
            await new_offer(connection, vendor, product)


async def test_vendor_and_product_are_the_organisations_own(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        for unknown in (uuid4(), await new_vendor(theirs)):
            with refused("NOT_FOUND", "VENDOR_NOT_FOUND") as told:
                await new_offer(connection, unknown)
            assert told.field == "input.vendorId"
        for unknown in (uuid4(), await new_product(theirs)):
            with refused("NOT_FOUND", "PRODUCT_NOT_FOUND") as told:
                await new_offer(connection, None, unknown)
            assert told.field == "input.productId"
        for unknown in (uuid4(), await new_offer(theirs)):
            for verb in ("receive", "adjust"):
                with refused("NOT_FOUND", "VENDOR_PRODUCT_NOT_FOUND") as told:
                    await call(connection, f"trade.stock_{verb}", id=unknown, quantity=1, reason="X")
                assert told.field == "input.id"


async def test_stock_comes_in_and_is_adjusted_and_each_change_is_in_the_log(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        offer = await new_offer(connection, low_stock_level=3)
        await call(connection, "trade.stock_receive", id=offer, quantity=10, note="Delivery 7")
        await call(connection, "trade.stock_adjust", id=offer, quantity=-4, reason="Broken")
        await call(connection, "trade.stock_adjust", id=offer, quantity=-3, reason="Broken")
        row = await the_row(connection, TABLE, offer)
        assert (row["stock"], row["is_low"], row["stock_note"]) == (3, True, "Broken")
        await call(connection, "trade.stock_receive", id=offer, quantity=1)
        row = await the_row(connection, TABLE, offer)
        assert (row["stock"], row["is_low"], row["stock_note"]) == (4, False, None)
        rows = await connection.fetch(
            """select old_values, new_values from core.audit_log where entity_type = 'VENDOR_PRODUCT'
               and entity_id = $1 and action = 'UPDATE' order by created_at""",
            offer,
        )
    changes = [(json.loads(row["old_values"]), json.loads(row["new_values"])) for row in rows]
    assert [(old["stock"], new["stock"]) for old, new in changes] == [(0, 10), (10, 6), (6, 3), (3, 4)]
    assert [new.get("stock_note", "as before") for _, new in changes] == ["Delivery 7", "Broken", "as before", None]
    # Also where the same is said of two, it can be told from what an order took.
    assert all("stocked_at" in new for _, new in changes)


@pytest.mark.parametrize(
    ("verb", "facts", "code", "reason"),
    [
        ("receive", {"quantity": 0}, "BAD_USER_INPUT", "QUANTITY_POSITIVE"),
        ("receive", {"quantity": -1}, "BAD_USER_INPUT", "QUANTITY_POSITIVE"),
        ("receive", {"quantity": None}, "BAD_USER_INPUT", "QUANTITY_POSITIVE"),
        ("receive", {"quantity": MOST - 9}, "BAD_USER_INPUT", "STOCK_RANGE"),
        ("receive", {"quantity": 2**31 - 1}, "BAD_USER_INPUT", "STOCK_RANGE"),
        ("receive", {"quantity": 1, "note": ""}, "BAD_USER_INPUT", "NOTE_LENGTH"),
        ("receive", {"quantity": 1, "note": "x" * 501}, "BAD_USER_INPUT", "NOTE_LENGTH"),
        ("adjust", {"quantity": 0, "reason": "Counted"}, "BAD_USER_INPUT", "QUANTITY_ZERO"),
        ("adjust", {"quantity": None, "reason": "Counted"}, "BAD_USER_INPUT", "QUANTITY_ZERO"),
        ("adjust", {"quantity": 1}, "BAD_USER_INPUT", "REASON_REQUIRED"),
        ("adjust", {"quantity": 1, "reason": " "}, "BAD_USER_INPUT", "REASON_REQUIRED"),
        ("adjust", {"quantity": 1, "reason": "x" * 501}, "BAD_USER_INPUT", "NOTE_LENGTH"),
        ("adjust", {"quantity": 2**31 - 1, "reason": "Counted"}, "BAD_USER_INPUT", "STOCK_RANGE"),
        ("adjust", {"quantity": -7, "reason": "Counted"}, "CONFLICT", "STOCK_RESERVED"),
        ("adjust", {"quantity": -(2**31), "reason": "Counted"}, "CONFLICT", "STOCK_RESERVED"),
    ],
)
async def test_how_stock_cannot_change(
    tenant: Tenant, verb: str, facts: dict[str, Any], code: str, reason: str
) -> None:
    async with as_tenant(tenant) as connection:
        offer = await new_offer(connection)
        await call(connection, "trade.stock_receive", id=offer, quantity=10)
        await reserve(tenant, offer, 4)
        with refused(code, reason):
            await call(connection, f"trade.stock_{verb}", id=offer, **facts)
        assert (await the_row(connection, TABLE, offer))["stock"] == 10
        await call(connection, "trade.stock_adjust", id=offer, quantity=-6, reason="To what is kept, and no further")


async def test_no_stock_is_below_nothing_or_below_what_is_reserved_whoever_writes_it(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        offer = await new_offer(connection)
        await call(connection, "trade.stock_receive", id=offer, quantity=10)
    async with as_owner(tenant) as connection:
        for change in ("stock = -1", "reserved = 11", "stock = 3, reserved = 4", "reserved = -1"):
            with refused("BAD_USER_INPUT", "STOCK_RESERVED"):
                await connection.execute(f"update trade.vendor_products set {change}")


async def test_many_at_once_never_lose_a_change(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        offer = await new_offer(connection)
        await call(connection, "trade.stock_receive", id=offer, quantity=100)
        await reserve(tenant, offer, 95)
        changes: list[tuple[str, dict[str, Any]]] = [
            ("receive", {"quantity": 3}),
            ("adjust", {"quantity": 2, "reason": "Found"}),
            ("adjust", {"quantity": -6, "reason": "Lost"}),
        ]
        done: list[int] = []
        refusals: list[str] = []

        async def change(number: int) -> None:
            verb, facts = changes[number % 3]
            async with as_tenant(tenant) as mine:
                for _ in range(4):
                    try:
                        await call(mine, f"trade.stock_{verb}", id=offer, **facts)
                        done.append(facts["quantity"])
                    except asyncpg.PostgresError as refusal:
                        refusals.append(str(refusal))

        await asyncio.gather(*(change(number) for number in range(9)))
        row = await the_row(connection, TABLE, offer)
        assert len(done) + len(refusals) == 36
        assert [each for each in refusals if "kept for orders" not in each] == []
        assert row["stock"] == 100 + sum(done) >= 95
        noted = await connection.fetchval(
            "select count(*) from core.audit_log where entity_id = $1 and new_values ? 'stock'", offer
        )
        assert noted == 2 + len(done)  # it was entered, and 100 came


async def test_a_vendor_that_is_suspended_meanwhile_is_never_copied_wrongly(tenant: Tenant) -> None:
    """An offer is entered while the approval of its vendor changes: whichever comes first, both say the same."""
    async with as_tenant(tenant) as one, as_tenant(tenant) as other:
        vendor = await new_vendor(one)
        for number in range(6):
            verb = "approve" if number % 2 else "suspend"
            await asyncio.gather(
                new_offer(one, vendor, await new_product(one)),
                call(other, f"trade.vendor_{verb}", id=vendor, reason="Late"),
            )
            approved = await one.fetchval("select is_approved from trade.vendors where id = $1", vendor)
            copied = await one.fetch("select distinct vendor_is_approved from trade.vendor_products")
            assert [row[0] for row in copied] == [approved]


async def test_a_vendor_sees_its_own_offers_and_a_retailer_those_of_approved_vendors(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        one, two = await new_vendor(connection), await new_vendor(connection, is_approved=False)
        open_one, hidden = await new_offer(connection, one), await new_offer(connection, two)
        retailer = await new_retailer(connection)
        other = await new_vendor(theirs)
        await new_offer(theirs, other)
    for role, scope, seen in (
        ("vendor", [one], {open_one}),
        ("vendor", [two, other], {hidden}),
        ("vendor", [], set()),
        ("retailer", [retailer], {open_one}),
        ("member", [uuid4()], set()),
        ("viewer", [], {open_one, hidden}),
    ):
        async with as_tenant(tenant, role, scope) as connection:
            assert await ids(connection, "vendor_products") == seen, role


@pytest.mark.parametrize("role", ["vendor", "retailer", "accountant", "viewer", "member"])
@pytest.mark.parametrize("verb", ["vendor_product_set", "stock_receive", "stock_adjust"])
async def test_only_who_runs_the_trade_changes_offers_and_stock(tenant: Tenant, role: str, verb: str) -> None:
    async with as_tenant(tenant) as connection:
        vendor, product = await new_vendor(connection), await new_product(connection)
        offer = await new_offer(connection, vendor, product)
    async with as_tenant(tenant, role, [vendor]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            parties = {"vendor_id": vendor, "product_id": product}
            await call(connection, f"trade.{verb}", id=offer, quantity=1, reason="X", sku="X", **parties)
