"""The archive of orders: what leaves for it, what does not, and that nothing is lost on the way or changed there."""

import json
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.database.isolation import refresh_reports
from tests.harness.actors import as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused
from tests.trade.archiving import ARCHIVE, aged, archived
from tests.trade.asking import Asking
from tests.trade.placing import Market, brought_to, new_order, open_market, step, wrong

EVERYTHING: Final = """
    select (
               select jsonb_object_agg(id, to_jsonb(o) - 'archived_at') from trade.all_orders o where tenant_id = $1
           )::text,
           (select jsonb_object_agg(id, to_jsonb(i)) from trade.all_order_items i where tenant_id = $1)::text
"""
COPIED: Final = "insert into trade.archived_orders select * from trade.orders where id = $1"
COPIED_ITEMS: Final = "insert into trade.archived_order_items select * from trade.order_items where order_id = $1"

LOSE: Final = """
    create function trade.lose() returns trigger language plpgsql as 'begin return null; end';
    create trigger lose before insert on trade.archived_order_items
        for each row when (new.position = 2) execute function trade.lose()
"""


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    return await open_market(tenant, retailers=2, vendors=2)


async def everything(tenant: Tenant) -> list[Any]:
    async with as_superuser() as connection:
        found = await connection.fetchrow(EVERYTHING, tenant.tenant_id)
        assert found is not None
        return [json.loads(each or "{}") for each in found]


async def paid_order(connection: asyncpg.Connection, market: Market, **facts: Any) -> tuple[UUID, UUID]:
    """An order that is delivered and paid, and its payment."""
    order_id = await brought_to(connection, market, "DELIVERED", 5, 2, **facts)
    open_amount = await connection.fetchval("select open_amount::text from trade.orders where id = $1", order_id)
    parties = {name: facts.get(name, party) for name, party in market.parties.items()}
    payment = await call(
        connection, "trade.retailer_payment_record", **parties, amount=open_amount, method="CASH",
        allocations=[{"order_id": order_id, "amount": open_amount}],
    )  # fmt: skip
    return order_id, payment


async def ended_orders(connection: asyncpg.Connection, market: Market) -> list[UUID]:
    """One of each way in which an order ends with nothing owed."""
    ended = [await brought_to(connection, market, status, 3, 1) for status in ("CANCELLED", "RETURNED", "EXPIRED")]
    return [*ended, (await paid_order(connection, market))[0]]


async def test_what_is_over_is_moved_as_it_is_and_the_books_stay_right(market: Market) -> None:
    async with as_tenant(market.tenant) as connection, as_worker() as worker:
        ended = await ended_orders(connection, market)
        due = "select count(*) from trade.archive_due() where tenant_id = $1"
        assert await worker.fetchval(due, market.tenant.tenant_id) == 0
        await aged(*ended)
        assert await worker.fetchval(due, market.tenant.tenant_id) == 1
        before = await everything(market.tenant)
        assert await archived(market.tenant) == set(ended)
        assert await everything(market.tenant) == before
        assert await connection.fetchval("select count(*) from trade.orders") == 0
        assert await connection.fetchval("select count(*) from trade.order_items") == 0
        assert await connection.fetchval("select min(archived_at) from trade.archived_orders") is not None
        assert await wrong(connection) == []
        assert await worker.fetchval(due, market.tenant.tenant_id) == 0


async def test_what_is_not_over_stays(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        # What is delivered is not paid.
        open_ones = ("DRAFT", "PLACED", "CONFIRMED", "SHIPPED", "DELIVERED")
        kept = [await brought_to(connection, market, status, 1) for status in open_ones]
        await aged(*kept)
        young, _ = await paid_order(connection, market)
        await aged(young, by="1 year 364 days")
        touched, payment = await paid_order(connection, market)
        await aged(touched, by="5 years")
        await call(connection, "trade.retailer_payment_reverse", id=payment, reason="Paid twice")
        await call(connection, "trade.retailer_payment_record", **market.parties, amount="1000", method="CASH")
        assert await archived(market.tenant) == set()


async def test_many_are_moved_some_at_a_time_the_oldest_first(market: Market) -> None:
    async with as_tenant(market.tenant) as connection, as_tenant(market.tenant, "worker") as working:
        ended = [await brought_to(connection, market, "CANCELLED", 1) for _ in range(5)]
        for years, order_id in enumerate(ended):
            await aged(order_id, by=f"{3 + years} years")
        assert await working.fetchval("select trade.archive(2)")
        moved = {row[0] for row in await working.fetch("select id from trade.archived_orders")}
        assert moved == set(ended[-2:])
        assert await working.fetchval("select trade.archive(2)")
        assert not await working.fetchval("select trade.archive(2)")
        assert not await working.fetchval("select trade.archive(2)")
        assert await connection.fetchval("select count(*) from trade.archived_orders") == 5


async def test_two_workers_at_once_move_each_order_once(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        ended = [await brought_to(connection, market, "CANCELLED", 1) for _ in range(4)]
    await aged(*ended)
    async with as_tenant(market.tenant, "worker") as one, as_tenant(market.tenant, "worker") as other:
        async with one.transaction():
            assert await one.fetchval("select trade.archive(2)")
            # What the first has taken, the second leaves alone.
            assert await other.fetchval("select trade.archive(2)")
        assert not await other.fetchval("select trade.archive(2)")
        assert await other.fetchval("select count(*) from trade.archived_orders") == 4


@pytest.mark.parametrize("role", ["owner", "operator", "retailer", ""])
async def test_only_the_worker_archives(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await connection.execute(ARCHIVE)


# What a direct owner cannot do


async def test_the_owner_removes_nothing_that_is_not_archived(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "CANCELLED", 1)
    await aged(order_id)
    async with as_owner(market.tenant) as owner:
        for statement in (
            "delete from trade.order_items where order_id = $1",
            "with gone as (delete from trade.order_items where order_id = $1) delete from trade.orders where id = $1",
        ):
            with refused("CONFLICT", "APPEND_ONLY"):
                await owner.execute(statement, order_id)


async def test_the_owner_puts_nothing_into_the_archive_but_what_is_over_and_as_it_is(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        young = await brought_to(connection, market, "CANCELLED", 1)
        owed = await brought_to(connection, market, "DELIVERED", 1)
        over = await brought_to(connection, market, "CANCELLED", 1)
        draft = await new_order(connection, market)
    await aged(owed, over, draft)
    async with as_owner(market.tenant) as owner:
        for order_id in (young, owed, draft):
            with refused("CONFLICT", "NOT_TO_BE_ARCHIVED"):
                await owner.execute(COPIED, order_id)
        forged = "select (jsonb_populate_record(o, $2)).* from trade.orders o where id = $1"
        for change in ({"total": "1"}, {"id": str(uuid4())}, {"status": "EXPIRED"}, {"paid_amount": "5"}):
            with refused("CONFLICT", "NOT_TO_BE_ARCHIVED"):
                await owner.execute(f"insert into trade.archived_orders {forged}", over, json.dumps(change))
        with refused("CONFLICT", "NOT_TO_BE_ARCHIVED"):
            more = "select (jsonb_populate_record(i, '{\"quantity\": 9}')).* from trade.order_items i"
            await owner.execute(f"insert into trade.archived_order_items {more} where order_id = $1", over)
        # A copy is no move: the order must go, and cannot while its items are there.
        with refused("CONFLICT", "ARCHIVED_TWICE"):
            await owner.execute(COPIED, over)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with owner.transaction():
                await owner.execute(COPIED, over)
                await owner.execute("delete from trade.orders where id = $1", over)
        # Whoever moves all of it by hand has lost nothing.
        async with owner.transaction():
            await owner.execute(COPIED, over)
            await owner.execute(COPIED_ITEMS, over)
            await owner.execute("delete from trade.order_items where order_id = $1", over)
            await owner.execute("delete from trade.orders where id = $1", over)


@pytest.mark.parametrize("table", ["trade.archived_orders", "trade.archived_order_items"])
async def test_what_is_archived_is_never_changed(table: str, market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        ended = await ended_orders(connection, market)
    await aged(*ended)
    assert await archived(market.tenant) == set(ended)
    for actor in (as_owner(market.tenant), as_superuser()):
        async with actor as connection:
            for statement in ("delete from {}", "update {} set updated_at = now()", "truncate {} cascade"):
                with refused("CONFLICT", "APPEND_ONLY"):
                    await connection.execute(statement.format(table))
    async with as_tenant(market.tenant) as connection:
        for statement in ("delete from {}", "update {} set id = id", "insert into {} default values"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement.format(table))


async def test_what_is_lost_on_the_way_leaves_all_where_it_was(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, "CANCELLED", 1, 2)
    await aged(order_id)
    before = await everything(market.tenant)
    async with as_superuser() as superuser, as_tenant(market.tenant, "worker") as working:
        await superuser.execute(LOSE)
        try:
            with refused("CONFLICT", "APPEND_ONLY"):
                await working.execute(ARCHIVE)
        finally:
            await superuser.execute("drop function trade.lose cascade")
    assert await everything(market.tenant) == before


# What refers to it, and what would change it


async def test_an_archived_order_changes_no_more(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id, payment = await paid_order(connection, market)
        await aged(order_id)
        await archived(market.tenant)
        for verb in ("return", "reopen", "deliver", "cancel"):
            with refused("CONFLICT", "ORDER_ARCHIVED") as told:
                await step(connection, verb, order_id)
            assert told.message.startswith("Order ORD-000001 is archived")
        with refused("CONFLICT", "ORDER_ARCHIVED"):
            await call(connection, "trade.retailer_payment_reverse", id=payment, reason="Bounced")
        more = await call(connection, "trade.retailer_payment_record", **market.parties, amount="5", method="CASH")
        with refused("NOT_FOUND", "ORDER_NOT_FOUND"):
            pay = [{"order_id": order_id, "amount": "1"}]
            await call(connection, "trade.retailer_payment_allocate", id=more, allocations=pay)
        assert await wrong(connection) == []
    async with as_owner(market.tenant) as owner:
        with refused("CONFLICT", "ORDER_ARCHIVED"):
            await owner.execute(
                "insert into trade.retailer_payment_allocations"
                " (tenant_id, payment_id, order_id, retailer_id, vendor_id, credit_line_id, amount)"
                " select tenant_id, id, $2, retailer_id, vendor_id, credit_line_id, 1 from trade.retailer_payments"
                " where id = $1",
                more,
                order_id,
            )


async def test_nothing_refers_to_an_order_that_is_not_there_or_is_of_others(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        own = await brought_to(connection, market, "DELIVERED", 1)
        payment = await call(connection, "trade.retailer_payment_record", **market.parties, amount="1", method="CASH")
    allocation = """
        insert into trade.retailer_payment_allocations
            (tenant_id, payment_id, order_id, retailer_id, vendor_id, credit_line_id, amount)
        select p.tenant_id, p.id, $2, p.retailer_id, p.vendor_id, p.credit_line_id, 0.5
        from trade.retailer_payments p where id = $1
    """
    message = """
        insert into trade.messages (tenant_id, message_id, conversation_id, from_number, to_number, direction,
            is_processed, processed_at, outcome, order_id)
        select tenant_id, $1::text, '+254711111111', '+254711111111', '+254722222222', 'INBOUND', true, now(), 'ORDER',
            $2
        from trade.orders limit 1
    """
    async with as_tenant(market.tenant) as connection:
        other = await new_order(connection, market, retailer_id=market.retailers[1])
    async with as_owner(market.tenant) as owner:
        for wanted in (uuid4(), other):
            with refused("NOT_FOUND", "ORDER_NOT_FOUND"):
                await owner.execute(allocation, payment, wanted)
        with refused("NOT_FOUND", "ORDER_NOT_FOUND"):
            await owner.execute(message, "m-1", uuid4())
        await owner.execute(message, "m-2", own)


async def test_statistics_and_scores_count_what_is_archived(market: Market) -> None:
    reckoned = "select to_jsonb(s) - 'as_of' from trade.retailer_stats_reckoned(null) s"
    scored = "select due_orders, on_time_orders, volume_percentile from trade.credit_scores order by due_orders desc"
    async with as_tenant(market.tenant) as connection:
        order_id, _ = await paid_order(connection, market)
        await aged(order_id)
        await refresh_reports()
        before = await connection.fetch(reckoned)
        assert len(before) == 1
        assert await archived(market.tenant) == {order_id}
        await refresh_reports()
        assert await connection.fetch(reckoned) == before
        async with as_superuser() as superuser, superuser.transaction():
            await superuser.execute("set local session_replication_role = replica")
            overdue = "update trade.archived_orders set due_date = due_date - 800 where id = $1"
            await superuser.execute(overdue, order_id)
        async with as_tenant(market.tenant, "worker") as working:
            await working.execute("select trade.credit_scores_make()")
        assert (await connection.fetch(scored))[0][0] == 1


# Reading it

LISTS: Final = """
    query($all: Boolean) {
        orders(includeArchived: $all) { totalCount nodes { id archivedAt items { id } } }
        orderItems(includeArchived: $all) { totalCount nodes { id order { id } } }
        orderGroups(by: [STATUS], includeArchived: $all) { key { status } count }
    }
"""
ONE: Final = """
    query($id: ID!) {
        found: order(id: $id, includeArchived: true) { id status items { productName order { id } } vendor { name } }
        plain: order(id: $id) { id }
        again: node(type: Order, id: $id) { ... on Order { id } }
    }
"""
REFERRED: Final = """
    { retailerPayments { nodes { allocations { nodes { order { orderNumber archivedAt items { quantity } } } } } } }
"""


async def asked(asking: Asking, market: Market, all_: bool | None, role: str, scope: Sequence[UUID] = ()) -> Any:
    source = LISTS.replace("$all: Boolean", f"$all: Boolean = {json.dumps(all_)}")
    return await asking.ask(market.tenant, source, role, tuple(scope))


async def test_it_is_read_through_the_same_queries(market: Market, asking: Asking) -> None:
    async with as_tenant(market.tenant) as connection:
        old, _ = await paid_order(connection, market)
        await aged(old)
        await archived(market.tenant)
        new = await brought_to(connection, market, "PLACED", 1, 1)
    for all_, orders, items in ((None, [new], 2), (False, [new], 2), (True, [new, old], 4)):
        found = await asked(asking, market, all_, "owner")
        assert [node["id"] for node in found["orders"]["nodes"]] == [str(each) for each in orders]
        assert [node["archivedAt"] is not None for node in found["orders"]["nodes"]] == [False, True][: len(orders)]
        assert found["orders"]["totalCount"] == len(orders)
        assert [len(node["items"]) for node in found["orders"]["nodes"]] == [2] * len(orders)
        assert found["orderItems"]["totalCount"] == items
        assert {node["order"]["id"] for node in found["orderItems"]["nodes"]} == {str(each) for each in orders}
        assert sum(group["count"] for group in found["orderGroups"]) == len(orders)
    one = await asking.ask(market.tenant, ONE, id=old)
    assert (one["found"]["id"], one["found"]["status"]) == (str(old), "DELIVERED")
    assert [item["order"]["id"] for item in one["found"]["items"]] == [str(old)] * 2
    assert one["plain"] is None
    assert one["again"] == {"id": str(old)}
    referred = await asking.ask(market.tenant, REFERRED)
    (allocation,) = referred["retailerPayments"]["nodes"][0]["allocations"]["nodes"]
    assert allocation["order"]["archivedAt"] is not None
    assert [item["quantity"] for item in allocation["order"]["items"]] == [5, 2]


async def test_a_vendor_and_a_retailer_see_what_is_theirs_of_it(market: Market, asking: Asking) -> None:
    async with as_tenant(market.tenant) as connection:
        orders = {
            (retailer, vendor): await new_order(
                connection, market, retailer_id=retailer, vendor_id=vendor,
                items=[{"vendor_product_id": market.offers[vendor][0], "quantity": 1}],
            )
            for retailer in market.retailers for vendor in market.vendors
        }  # fmt: skip
        for order_id in orders.values():
            await step(connection, "cancel", order_id)
    await aged(*orders.values())
    assert await archived(market.tenant) == set(orders.values())
    for place, role, parties in ((0, "retailer", market.retailers), (1, "vendor", market.vendors)):
        for party in parties:
            found = await asked(asking, market, True, role, [party])
            theirs = {str(order_id) for both, order_id in orders.items() if both[place] == party}
            assert {node["id"] for node in found["orders"]["nodes"]} == theirs
            assert {node["order"]["id"] for node in found["orderItems"]["nodes"]} == theirs
            assert (await asked(asking, market, False, role, [party]))["orders"]["totalCount"] == 0
