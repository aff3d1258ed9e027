"""What retailers owe today, by how long it has been due, and all of trade on one page: sql/trade/ageing.sql."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.harness.actors import as_analyst, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, the_row
from tests.trade.asking import Asking
from tests.trade.placing import LINES, Market, brought_to, items_of, open_market, step, wrong

BUCKETS: Final = ("not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "over_90")
ASKED: Final = """{ tradeAgeing { retailerId currency notDue days1To30 days31To60 days61To90 over90 total overdue debt
    retailer { name } } }"""


async def due(tenant: Tenant, order_id: UUID, days_ago: int) -> None:
    """Have an order be due so many days before today, where the organisation is."""
    day = datetime.now(ZoneInfo(tenant.time_zone)).date() - timedelta(days=days_ago)
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute("update trade.orders set due_date = $2 where id = $1", order_id, day)


async def ageing(tenant: Tenant, role: str = "viewer", scope: tuple[UUID, ...] = ()) -> list[dict[str, Any]]:
    async with as_tenant(tenant, role, scope) as connection:
        return [dict(row) for row in await connection.fetch("select * from trade.ageing() order by line")]


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    return await open_market(tenant, retailers=3, vendors=2, limit="100000", stock=10000)


@pytest.mark.parametrize("time_zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-30, "not_due"), (0, "not_due"), (1, "days_1_to_30"), (30, "days_1_to_30"), (31, "days_31_to_60"),
        (60, "days_31_to_60"), (61, "days_61_to_90"), (90, "days_61_to_90"), (91, "over_90"), (4000, "over_90"),
    ],
)  # fmt: skip
async def test_an_amount_ages_by_the_day_it_is_due_on(time_zone: str, days: int, bucket: str) -> None:
    tenant = await make_tenant("Ages", time_zone=time_zone)
    market = await open_market(tenant)
    async with as_tenant(tenant) as connection:
        await due(tenant, await brought_to(connection, market, "DELIVERED", 10), days)
    [line] = await ageing(tenant)
    assert {name: line[name] for name in BUCKETS} == dict.fromkeys(BUCKETS, 0) | {bucket: Decimal("110.00")}
    assert (line["total"], line["debt"]) == (Decimal("110.00"), Decimal("110.00"))
    assert line["overdue"] == (0 if bucket == "not_due" else Decimal("110.00"))


async def test_it_is_what_is_open_and_ties_to_the_debt(market: Market) -> None:
    """The first retailer paid and brought back a part of one order; the second paid in advance; the third owes most."""
    one, two, three = market.retailers
    async with as_tenant(market.tenant) as connection:
        order = await brought_to(connection, market, "DELIVERED", 10)
        item = (await items_of(connection, order))[0]["id"]
        await step(connection, "return", order, items=[{"item_id": item, "quantity": 3}])
        paying = {**market.parties, "method": "CASH", "amount": "20.00"}
        await call(connection, "trade.retailer_payment_record", **paying)
        await due(market.tenant, order, 5)
        await call(connection, "trade.retailer_payment_record", **{**paying, "retailer_id": two})
        late = await brought_to(connection, market, "DELIVERED", 20, retailer_id=three)
        await due(market.tenant, late, 100)
        await brought_to(connection, market, "DELIVERED", 1, retailer_id=three)
        for status in ("PLACED", "SHIPPED", "CANCELLED", "RETURNED"):
            await brought_to(connection, market, status, 1, retailer_id=three)
        assert await wrong(connection) == []
    told = [
        (line["retailer_id"], *(line[name] for name in (*BUCKETS, "total", "overdue", "debt")))
        for line in await ageing(market.tenant)
    ]
    assert told == [
        (three, 11, 0, 0, 0, 220, 231, 220, 231),
        (one, 0, 57, 0, 0, 0, 57, 57, 57),
        (two, 0, 0, 0, 0, 0, 0, 0, -20),
    ]


async def test_each_sees_what_is_theirs(market: Market, other_tenant: Tenant) -> None:
    one, two, _ = market.retailers
    near, far = market.vendors
    async with as_tenant(market.tenant) as connection:
        for retailer, vendor, pieces in ((one, near, 1), (one, far, 2), (two, near, 3)):
            items = [{"vendor_product_id": market.offers[vendor][0], "quantity": pieces}]
            await brought_to(connection, market, "DELIVERED", retailer_id=retailer, vendor_id=vendor, items=items)
    for role, scope, seen in (
        ("owner", (), {one: 33, two: 33}),
        ("worker", (), {one: 33, two: 33}),
        ("vendor", (near,), {one: 11, two: 33}),
        ("vendor", (far,), {one: 22}),
        ("vendor", (near, far), {one: 33, two: 33}),
        ("vendor", (), {}),
        ("retailer", (one,), {one: 33}),
        ("retailer", (two,), {two: 33}),
        ("", (), {}),
    ):
        lines = await ageing(market.tenant, role, scope)
        assert {line["retailer_id"]: line["total"] for line in lines} == seen, (role, scope)
        assert all(line["debt"] == line["total"] for line in lines), (role, scope)
    assert await ageing(other_tenant) == []
    async with as_analyst(market.tenant) as analyst, as_analyst(other_tenant) as other:
        rows = await analyst.fetch("select retailer_id, total from reporting.trade_ageing()")
        assert {row[0]: row[1] for row in rows} == {one: 33, two: 33}
        assert await other.fetch("select * from reporting.trade_ageing") == []


async def test_it_is_asked_in_one_question(market: Market, asking: Asking) -> None:
    async with as_tenant(market.tenant) as connection:
        await due(market.tenant, await brought_to(connection, market, "DELIVERED", 10), 31)
    wanted = {
        "retailerId": str(market.retailers[0]), "currency": "EUR", "notDue": "0.00", "days1To30": "0.00",
        "days31To60": "110.00", "days61To90": "0.00", "over90": "0.00", "total": "110.00", "overdue": "110.00",
        "debt": "110.00", "retailer": {"name": "Retailer 0"},
    }  # fmt: skip
    assert (await asking.ask(market.tenant, ASKED))["tradeAgeing"] == [wanted]
    assert (await asking.ask(market.tenant, ASKED, "retailer", (market.retailers[0],)))["tradeAgeing"] == [wanted]
    assert (await asking.ask(market.tenant, ASKED, "retailer", (market.retailers[1],)))["tradeAgeing"] == []
    # A vendor sees what it is owed, and nothing of who owes it.
    [seen] = (await asking.ask(market.tenant, ASKED, "vendor", (market.vendors[0],)))["tradeAgeing"]
    assert seen == wanted | {"retailer": None}
    assert (await asking.ask(market.tenant, ASKED, "vendor", (market.vendors[1],)))["tradeAgeing"] == []
    assert await asking.refused(market.tenant, ASKED, "member") == {"FORBIDDEN"}


TOTALS: Final = """{ tradeTotals { currency draftOrders placedOrders confirmedOrders shippedOrders deliveredOrders
    cancelledOrders returnedOrders expiredOrders debt held overdue lowProducts } }"""


async def test_all_of_trade_is_on_one_page(market: Market, asking: Asking) -> None:
    near = market.vendors[0]
    async with as_tenant(market.tenant) as connection:
        late = await brought_to(connection, market, "DELIVERED", 10)
        await due(market.tenant, late, 1)
        for status in ("DRAFT", "DRAFT", "PLACED", "CONFIRMED", "SHIPPED", "DELIVERED", "CANCELLED", "RETURNED"):
            await brought_to(connection, market, status, 1)
        await brought_to(connection, market, "EXPIRED", 1, retailer_id=market.retailers[1])
        offer = {"vendor_id": near, "product_id": await connection.fetchval("select id from trade.products limit 1")}
        await call(connection, "trade.vendor_product_set", **offer, low_stock_level=100000)
        message = {"message_id": "wamid.1", "from_number": "+254712345678", "to_number": "+254712345679"}
        await call(connection, "trade.message_ingest", **message, direction="INBOUND", body="Hello")
        line = await the_row(connection, LINES, market.line)
        assert (line["debt"], line["held"]) == (121, 33)
    everything = {
        "currency": "EUR", "draftOrders": 2, "placedOrders": 1, "confirmedOrders": 1, "shippedOrders": 1,
        "deliveredOrders": 2, "cancelledOrders": 1, "returnedOrders": 1, "expiredOrders": 1, "debt": "121.00",
        "held": "33.00", "overdue": "110.00", "lowProducts": 1,
    }  # fmt: skip
    for role in ("owner", "viewer"):
        assert (await asking.ask(market.tenant, TOTALS, role))["tradeTotals"] == [everything]
    assert (await asking.ask(market.tenant, TOTALS, "vendor", (near,)))["tradeTotals"] == [everything]
    first = await asking.ask(market.tenant, TOTALS, "retailer", (market.retailers[0],))
    assert first["tradeTotals"] == [everything | {"expiredOrders": 0}]
    nothing = dict.fromkeys(everything, 0) | {"currency": "EUR"} | dict.fromkeys(("debt", "held", "overdue"), "0.00")
    second = await asking.ask(market.tenant, TOTALS, "retailer", (market.retailers[1],))
    assert second["tradeTotals"] == [nothing | {"expiredOrders": 1, "lowProducts": 1}]
    elsewhere = await asking.ask(market.tenant, TOTALS, "vendor", (market.vendors[1],))
    assert elsewhere["tradeTotals"] == [nothing]
    unread = "{ tradeTotals { unreadMessages } }"
    assert (await asking.ask(market.tenant, unread))["tradeTotals"] == [{"unreadMessages": 1}]
    for role, scope in (("vendor", near), ("retailer", market.retailers[0]), ("member", near)):
        assert await asking.refused(market.tenant, unread, role, (scope,)) == {"FORBIDDEN"}
    async with as_analyst(market.tenant) as analyst:
        row = await analyst.fetchrow("select delivered_orders, overdue, unread_messages from reporting.trade_totals")
        assert row is not None
        assert tuple(row) == (2, Decimal("110.00"), 1)


async def test_an_organisation_without_trade_has_a_line_of_nothing(tenant: Tenant, asking: Asking) -> None:
    [line] = (await asking.ask(tenant, TOTALS))["tradeTotals"]
    assert line.pop("currency") == tenant.currency
    assert set(line.values()) == {0, "0.00"}


async def test_currencies_are_never_added_up(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for currency in ("USD", "GBP"):
            facts = {"currency": currency}
            retailer = await call(
                connection, "trade.retailer_create", retailer_code=currency, name=f"In {currency}", **facts
            )
            vendor = await call(connection, "trade.vendor_create", vendor_code=currency, name=f"In {currency}", **facts)
            await call(connection, "trade.credit_line_set", retailer_id=retailer, vendor_id=vendor, credit_limit="10")
        rows = await connection.fetch("select currency from trade.totals() order by line")
    assert [row[0] for row in rows] == ["EUR", "GBP", "USD"]
