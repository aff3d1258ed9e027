"""What each retailer has bought, reckoned ahead: sql/trade/retailer_stats.sql."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from tests.core.test_reports import grow_old
from tests.database.isolation import refresh_reports
from tests.engine.test_indexes import nodes_of
from tests.harness.actors import as_analyst, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.trade.asking import Asking
from tests.trade.placing import Market, brought_to, items_of, open_market, step
from tests.worker.working import eventually, the_duty, working

STATS: Final = (
    "select retailer_id, currency, total_orders, total_spent, avg_order_value from trade.retailer_stats_reckoned"
)


async def stats(connection: asyncpg.Connection, retailer: UUID | None = None) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await connection.fetch(f"{STATS}($1) order by line", retailer)]


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    """Two retailers: the first took 110.00 of which 33.00 came back, and 3.66; the second took 220.00."""
    market = await open_market(tenant, retailers=2, vendors=2)
    async with as_tenant(tenant) as connection:
        order = await brought_to(connection, market, "DELIVERED", 10)
        item = (await items_of(connection, order))[0]["id"]
        await step(connection, "return", order, items=[{"item_id": item, "quantity": 3}])
        await brought_to(connection, market, "DELIVERED", 0, 1, prepaid="3.00")
        await brought_to(connection, market, "DELIVERED", 20, retailer_id=market.retailers[1])
        for status in ("DRAFT", "PLACED", "CONFIRMED", "SHIPPED", "RETURNED", "CANCELLED", "EXPIRED"):
            await brought_to(connection, market, status, 1)
    return market


async def test_it_counts_what_was_delivered_less_what_came_back(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        assert await stats(connection) == []
        await refresh_reports()
        first, second = market.retailers
        of_first = (first, "EUR", 2, Decimal("80.66"), Decimal("40.33"))
        of_second = (second, "EUR", 1, Decimal("220.00"), Decimal("220.00"))
        assert await stats(connection) == [of_second, of_first]
        assert await stats(connection, first) == [of_first]
        assert await stats(connection, market.vendors[0]) == []


async def test_a_retailer_sees_its_own_a_vendor_and_another_organisation_none(
    market: Market, other_tenant: Tenant
) -> None:
    await refresh_reports()
    first, second = market.retailers
    for role, scope, seen in (
        ("viewer", (), {first, second}),
        ("retailer", (first,), {first}),
        ("retailer", (first, second), {first, second}),
        ("retailer", (), set()),
        ("vendor", tuple(market.vendors), set()),
        ("member", (market.tenant.owner_id,), set()),
        ("", (), set()),
    ):
        async with as_tenant(market.tenant, role, scope) as connection:
            assert {row[0] for row in await stats(connection)} == seen, role
            assert {row[0] for row in await stats(connection, first)} == seen & {first}, role
            rows = await connection.fetch("select retailer_id from trade.retailer_stats")
            assert {row[0] for row in rows} == seen, role
    async with as_tenant(other_tenant) as connection:
        assert await stats(connection) == await stats(connection, first) == []


async def test_an_analyst_has_a_view_of_its_own(market: Market, other_tenant: Tenant) -> None:
    await refresh_reports()
    async with as_analyst(market.tenant) as connection, as_analyst(other_tenant) as other:
        rows = await connection.fetch("select retailer_id, total_spent from reporting.retailer_stats order by 2")
        assert [tuple(row) for row in rows] == [
            (market.retailers[0], Decimal("80.66")),
            (market.retailers[1], Decimal("220.00")),
        ]
        assert await other.fetch("select * from reporting.retailer_stats") == []
        for statement in ("select * from trade.retailer_stats", f"{STATS}(null)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(statement)


async def test_the_worker_reckons_it_anew_while_it_is_read_and_it_tells_its_age(market: Market) -> None:
    async with as_tenant(market.tenant) as connection, as_superuser() as superuser:
        transaction = connection.transaction()
        await transaction.start()
        assert await stats(connection) == []
        await grow_old()
        async with working([the_duty("refresh-reports")]):

            async def is_fresh() -> bool:
                return not await superuser.fetch("select from reports.due() where report = 'retailer_stats'")

            await eventually(is_fresh)
        await transaction.rollback()
        assert len(await stats(connection)) == 2
        told = await connection.fetchval("select distinct as_of from trade.retailer_stats_reckoned(null)")
        assert isinstance(told, datetime)
        assert told == await superuser.fetchval(
            "select refreshed_at from reports.refreshes where report = 'retailer_stats'"
        )


async def test_a_leaky_predicate_sees_no_row_that_the_barrier_hides(market: Market) -> None:
    await refresh_reports()
    async with as_tenant(market.tenant, "retailer", [market.retailers[0]]) as connection:
        # The division would fail on the other retailer's row, were it applied before the barrier.
        rows = await connection.fetch(
            "select from trade.retailer_stats where 1 / (case when total_spent = 220 then 0 else 1 end) = 1"
        )
        assert len(rows) == 1


async def test_of_one_retailer_no_other_row_is_read(market: Market) -> None:
    await refresh_reports()
    async with as_tenant(market.tenant) as connection:
        await connection.execute("set enable_seqscan = off")
        one = f"tenant_id = '{market.tenant.tenant_id}' and retailer_id = '{market.retailers[0]}'"
        plan = await connection.fetchval(f"explain (format json) select * from trade.retailer_stats where {one}")
    found = [node.get("Index Cond", "") for node in nodes_of(json.loads(plan)[0]["Plan"])]
    assert any("retailer_id" in each and "tenant_id" in each for each in found), found


LISTED: Final = """{ retailerStats { retailer { name } currency totalOrders totalSpent avgOrderValue asOf } }"""
OF_ONE: Final = """query($id: ID!) { retailer(id: $id) { stats { totalOrders totalSpent } }
    retailerStats(retailer: $id) { totalSpent } }"""


async def test_it_is_asked_of_all_and_of_one(market: Market, asking: Asking) -> None:
    await refresh_reports()
    [most, least] = (await asking.ask(market.tenant, LISTED))["retailerStats"]
    assert most.pop("asOf")
    assert most == {
        "retailer": {"name": "Retailer 1"},
        "currency": "EUR",
        "totalOrders": 1,
        "totalSpent": "220.00",
        "avgOrderValue": "220.00",
    }
    assert least["avgOrderValue"] == "40.33"
    one = market.retailers[0]
    spent = {"totalOrders": 2, "totalSpent": "80.66"}
    for role, scope in (("viewer", ()), ("retailer", (one,))):
        found = await asking.ask(market.tenant, OF_ONE, role, scope, id=one)
        assert found == {"retailer": {"stats": [spent]}, "retailerStats": [{"totalSpent": "80.66"}]}
    assert (await asking.ask(market.tenant, LISTED, "vendor", (market.vendors[0],)))["retailerStats"] == []
    assert await asking.refused(market.tenant, LISTED, "member") == {"FORBIDDEN"}
