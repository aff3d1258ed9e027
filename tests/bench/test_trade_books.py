"""The books of trade that the benchmarks are made on: right in every figure, and gone on with by every mutation."""

from collections import Counter

import pytest

from bench.trade.books import Market, Shape
from bench.trade.check import WrongBooksError, check
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call
from tests.trade.placing import wrong

SHAPE = Shape(vendors=3, retailers=4, products=12, lines=2, offers=5)


async def test_bulk_books_are_right_and_go_on(tenant: Tenant) -> None:
    async with as_superuser() as administrator:
        market = Market(administrator, str(tenant.tenant_id), str(tenant.owner_id), SHAPE, has_audit=True)
        await market.grow(120, (400, 200))
        await market.grow(300, (200, 2), Shape(vendors=4, retailers=7, products=12, lines=2, offers=5))
        await check(administrator, market.tenant_id)
        facts = await market.facts()
    async with as_tenant(tenant) as connection:
        assert await wrong(connection) == []
        statuses = Counter([row[0] for row in await connection.fetch("select status from trade.orders")])
        assert len(statuses) == 8, statuses
        paid = Counter([row[0] for row in await connection.fetch("select payment_status from trade.orders")])
        assert len(paid) == 3, paid
        entries = await connection.fetch("select entity_id from core.audit_log where entity_type = 'ORDER'")
        assert {entry[0] for entry in entries} == {
            row[0] for row in await connection.fetch("select id from trade.orders")
        }

        for verb in ("place", "confirm", "ship", "deliver", "return"):
            await call(connection, f"trade.order_{verb}", id=facts.drafts[0])
        line = facts.lines[0]
        items = [{"vendor_product_id": each, "quantity": 2} for each in facts.offers[line.vendor_id][:3]]
        parties = {"retailer_id": line.retailer_id, "vendor_id": line.vendor_id}
        await call(
            connection, "trade.order_place", id=await call(connection, "trade.order_create", **parties, items=items)
        )
        await call(connection, "trade.retailer_payment_record", **parties, method="CASH", amount="500.00")
        opened = await connection.fetch("select id, status from trade.orders where status in ('PLACED', 'SHIPPED')")
        for order in opened:
            await call(
                connection, f"trade.order_{'confirm' if order['status'] == 'PLACED' else 'deliver'}", id=order["id"]
            )
        assert await wrong(connection) == []
    async with as_superuser() as administrator:
        await check(administrator, market.tenant_id, is_untouched=False)


async def test_books_that_do_not_add_up_are_an_error(tenant: Tenant) -> None:
    async with as_superuser() as administrator:
        market = Market(administrator, str(tenant.tenant_id), str(tenant.owner_id), SHAPE)
        await market.grow(20)
        await check(administrator, market.tenant_id)
        async with administrator.transaction():
            await administrator.execute("set local session_replication_role = replica")
            await administrator.execute("update trade.vendors set total_sales = total_sales + 1")
        with pytest.raises(WrongBooksError, match="3 vendors whose sales"):
            await check(administrator, market.tenant_id)
