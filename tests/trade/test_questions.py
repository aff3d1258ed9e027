"""The questions that trade must answer, each in one operation: whom to collect from, what runs low, what is owed to a
vendor, and a retailer's last orders, which many orders do not make slower."""

import json
from typing import Any, Final
from uuid import UUID

import pytest

from tests.engine.statements import plain_statement
from tests.engine.test_indexes import nodes_of
from tests.harness.actors import as_superuser, as_tenant, context_of
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call
from tests.trade.asking import Asking
from tests.trade.placing import Market, brought_to, open_market

MANY: Final = 20_000
RETAILERS: Final = 100
PAGE: Final = 20

QUEUE: Final = "{ retailers(orderBy: [OUTSTANDING_DEBT_DESC], first: 20) { nodes { name outstandingDebt } } }"
LOW: Final = """{ vendorProducts(filter: {isLow: {eq: true}}, orderBy: [FREE_STOCK_ASC]) {
    totalCount nodes { sku freeStock } } }"""
BALANCE: Final = """query($retailer: ID!, $vendor: ID!) {
    creditLines(filter: {retailerId: {eq: $retailer}, vendorId: {eq: $vendor}}) {
        nodes { debt held available creditLimit } } }"""
LAST: Final = """query($retailer: ID!) { orders(filter: {retailerId: {eq: $retailer}}, first: 20) {
    nodes { orderNumber status total vendor { name } items { productName quantity } } } }"""

# Past the triggers, which would take minutes; statistics as they would be.
CROWD: Final = """
    insert into trade.orders (
        tenant_id, order_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, currency,
        created_at
    )
    select tenant_id, 'C-' || number, retailer_id, vendor_id, id, 'R', 'V', currency,
        now() - number * interval '1 minute'
    from generate_series(1, $2) as number
    join (
        select *, row_number() over (order by id) as place, count(*) over () as lines
        from trade.credit_lines where tenant_id = $1
    ) as line on place = 1 + number % lines
"""
DEBTORS: Final = """
    insert into trade.retailers (tenant_id, retailer_code, name, currency, outstanding_debt)
    select $1, 'D-' || number, 'Debtor ' || number, 'EUR', number from generate_series(1, 5000) as number
"""


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    return await open_market(tenant, retailers=3, vendors=2)


async def test_the_collections_queue_is_by_debt(market: Market, asking: Asking) -> None:
    async with as_tenant(market.tenant) as connection:
        for retailer, pieces in zip(market.retailers, (2, 5, 3), strict=True):
            await brought_to(connection, market, "DELIVERED", pieces, retailer_id=retailer)
    found = await asking.ask(market.tenant, QUEUE)
    assert [(each["name"], each["outstandingDebt"]) for each in found["retailers"]["nodes"]] == [
        ("Retailer 1", "55.00"),
        ("Retailer 2", "33.00"),
        ("Retailer 0", "22.00"),
    ]
    found = await asking.ask(market.tenant, QUEUE, "retailer", (market.retailers[0],))
    assert [each["name"] for each in found["retailers"]["nodes"]] == ["Retailer 0"]
    assert (await asking.ask(market.tenant, QUEUE, "vendor", (market.vendors[0],)))["retailers"]["nodes"] == []


async def test_what_runs_low(market: Market, asking: Asking) -> None:
    near, far = market.vendors
    async with as_tenant(market.tenant) as connection:
        products = [row[0] for row in await connection.fetch("select id from trade.products order by product_code")]
        for vendor, product, level in ((near, products[0], 90), (near, products[1], 99), (far, products[0], 100)):
            offer = {"vendor_id": vendor, "product_id": product, "low_stock_level": level}
            await call(connection, "trade.vendor_product_set", **offer)
        # Of the first product 10 are kept for an order, which makes it low: 90 are free.
        await brought_to(connection, market, "PLACED", 10)
    low = (await asking.ask(market.tenant, LOW))["vendorProducts"]
    assert low["totalCount"] == 2
    assert low["nodes"] == [{"sku": "SKU-0", "freeStock": 90}, {"sku": "SKU-0", "freeStock": 100}]
    assert (await asking.ask(market.tenant, LOW, "vendor", (far,)))["vendorProducts"]["totalCount"] == 1
    totals = await asking.ask(market.tenant, "{ tradeTotals { lowProducts } }")
    assert totals["tradeTotals"] == [{"lowProducts": 2}]


async def test_what_a_retailer_owes_a_vendor_is_one_row_and_what_the_account_says(
    market: Market, asking: Asking
) -> None:
    one, other = market.retailers[:2]
    near, far = market.vendors
    async with as_tenant(market.tenant) as connection:
        await brought_to(connection, market, "DELIVERED", 10)
        await brought_to(connection, market, "PLACED", 5)
        balance = await connection.fetchval(
            "select balance from ledger.accounts join trade.credit_lines on account_id = accounts.id"
            " where credit_lines.id = $1",
            market.line,
        )
    owed = {"debt": "110.00", "held": "55.00", "available": "835.00", "creditLimit": "1000.00"}
    assert f"{balance:.2f}" == owed["debt"]
    for role, scope, seen in (
        ("viewer", (), [owed]),
        ("retailer", (one,), [owed]),
        ("vendor", (near,), [owed]),
        ("retailer", (other,), []),
        ("vendor", (far,), []),
    ):
        found = await asking.ask(market.tenant, BALANCE, role, scope, retailer=one, vendor=near)
        assert found["creditLines"]["nodes"] == seen, role


# Plans


@pytest.fixture(scope="module")
async def crowded() -> Market:
    """Many orders of a hundred retailers, which have owed something since."""
    market = await open_market(await make_tenant("Crowded"), retailers=RETAILERS)
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(CROWD, market.tenant.tenant_id, MANY)
        await connection.execute(DEBTORS, market.tenant.tenant_id)
        await connection.execute("analyze trade.orders")
        await connection.execute("analyze trade.retailers")
        await connection.execute("analyze trade.credit_lines")
    return market


async def read(market: Market, source: str, role: str, scope: tuple[UUID, ...], table: str, **given: Any) -> Any:
    """How the rows of a table are read for the document as the server has it planned: the node that reads them."""
    context = context_of(market.tenant, role, scope)
    statement, arguments = plain_statement(source, {name: str(value) for name, value in given.items()}, context)
    async with as_tenant(market.tenant, role, scope) as connection:
        await connection.execute("select set_config('app.context', $1, false)", context.fingerprint)
        await connection.execute("set plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare asked as {statement.sql}")
        quoted = [await connection.fetchval("select quote_nullable($1::text)", argument) for argument in arguments]
        told = await connection.fetchval(f"explain (analyze, format json) execute asked({', '.join(quoted)})")
    [node] = [each for each in nodes_of(json.loads(told)[0]["Plan"]) if each.get("Relation Name") == table]
    return node


def rows_touched(node: Any) -> int:
    return int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * int(node["Actual Loops"])


OWN: Final = "{ orders(first: 20) { nodes { orderNumber } } }"


@pytest.mark.parametrize(("role", "source"), [("owner", LAST), ("retailer", LAST), ("retailer", OWN)])
async def test_a_retailers_last_orders_are_read_from_an_index_and_no_others(
    crowded: Market, role: str, source: str
) -> None:
    retailer = crowded.retailers[7]
    scope = (retailer,) if role == "retailer" else ()
    given = {"retailer": retailer} if source == LAST else {}
    node = await read(crowded, source, role, scope, "orders", **given)
    assert node["Node Type"] == "Index Scan"
    assert node["Index Name"] == "orders_retailer"
    assert "retailer_id" in node["Index Cond"]
    assert PAGE <= rows_touched(node) <= PAGE + 1, node


async def test_the_collections_queue_is_read_from_an_index_and_no_others(crowded: Market) -> None:
    node = await read(crowded, QUEUE, "owner", (), "retailers")
    assert node["Node Type"] in ("Index Scan", "Index Only Scan")
    assert node["Index Name"] == "retailers_outstanding_debt"
    assert PAGE <= rows_touched(node) <= PAGE + 1, node


@pytest.mark.parametrize(("table", "most"), [("trade.orders", MANY / RETAILERS), ("trade.credit_lines", 1)])
@pytest.mark.parametrize("question", ["trade.ageing()", "trade.totals()"])
async def test_a_scoped_question_touches_no_order_and_no_line_of_others(
    crowded: Market, question: str, table: str, most: float
) -> None:
    retailer = crowded.retailers[7]
    async with as_tenant(crowded.tenant, "retailer", (retailer,)) as connection:
        transaction = connection.transaction()
        await transaction.start()
        rows = f"""select coalesce(sum(pg_stat_get_xact_tuples_returned(indexrelid)), 0)::integer
            + pg_stat_get_xact_tuples_returned('{table}'::regclass)::integer
            from pg_index where indrelid = '{table}'::regclass"""
        # A hundred lines are few enough to read them all.
        await connection.execute("set local enable_seqscan = off")
        before = await connection.fetchval(rows)
        await connection.fetch(f"select * from {question}")
        read = await connection.fetchval(rows) - before
        await transaction.rollback()
    assert read <= most + 1


@pytest.mark.parametrize(
    ("question", "index"),
    [
        ("select currency, status, count(*) from trade.order_figures('ALL', null) group by 1, 2", "orders_status"),
        ("select sum(open_minor) from trade.order_figures('ALL', null) where open_minor > 0", "orders_owed"),
    ],
)
async def test_orders_are_counted_and_added_up_without_a_visit(crowded: Market, question: str, index: str) -> None:
    """However many there are: of each, what policies and totals ask for stands in the index."""
    async with as_superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        # Of an index that holds all that is asked for, rows are visited by no other plan.
        others = "indrelid = 'trade.orders'::regclass and indexrelid <> $1::text::regclass"
        only = f"update pg_index set indisvalid = false where {others}"
        await connection.execute(only, f"trade.{index}")
        await connection.execute(f"set local role {crowded.tenant.database_role}; set local app.role = 'owner'")
        await connection.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
        told = await connection.fetchval(f"explain (format json) {question}")
        await transaction.rollback()
    [node] = [each for each in nodes_of(json.loads(told)[0]["Plan"]) if "Index Name" in each]
    assert (node["Node Type"], node["Index Name"]) == ("Index Only Scan", index)


UNREAD: Final = """{ messages(filter: {isProcessed: {eq: false}, direction: {eq: INBOUND}}, orderBy: [CREATED_AT_ASC]) {
    nodes { body } } }"""
WRITTEN: Final = """
    insert into trade.messages (
        tenant_id, message_id, conversation_id, from_number, to_number, direction, is_processed, processed_at, outcome
    )
    select $1, number, number, '+254712345678', '+254712345679', direction, is_read,
           case when is_read then now() end, case when is_read then 'NO_REQUEST' end
    from generate_series(1, 6000) as number
    cross join lateral (
        select case when number % 3 = 0 then 'OUTBOUND' else 'INBOUND' end as direction,
               number % 3 = 1 or number % 3 = 2 and number < 5000 as is_read
    ) as known
"""


async def test_what_waits_to_be_read_is_found_past_what_was_sent_and_read(crowded: Market) -> None:
    async with as_superuser() as connection:
        await connection.execute(WRITTEN, crowded.tenant.tenant_id)
        await connection.execute("analyze trade.messages")
    node = await read(crowded, UNREAD, "owner", (), "messages")
    assert (node["Node Type"], node["Index Name"]) == ("Index Scan", "messages_queue")
    assert rows_touched(node) == PAGE, node
