"""Whatever is ordered, shipped, returned and paid by several at once: trade and its books stay right."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.actors import as_tenant
from tests.harness.tenants import make_tenant
from tests.harness.verbs import call
from tests.trade.placing import ITEMS, ORDERS, Market, open_market, step, wrong

WRITERS: Final = 4
STORM: Final = 32
VERBS: Final = (
    "create", "create", "update", "place", "place", "confirm", "confirm", "ship", "ship", "deliver", "deliver",
    "return", "return", "cancel", "expire", "reopen", "limit", "stock", "pay", "pay", "take back",
)  # fmt: skip
LIKELY: Final = {
    "update": ("DRAFT", "PLACED"),
    "place": ("DRAFT",),
    "confirm": ("PLACED",),
    "ship": ("CONFIRMED", "SHIPPED"),
    "deliver": ("SHIPPED",),
    "cancel": ("DRAFT", "PLACED", "CONFIRMED"),
    "return": ("DELIVERED",),
    "expire": ("PLACED",),
    "reopen": ("CANCELLED", "EXPIRED"),
}
"""Where a verb may begin. What somebody else has done meanwhile decides."""
MET: Final = ("CREDIT_LIMIT_EXCEEDED", "STOCK_TOO_LOW", "ORDER_STATUS", "order_items_returned_check")
STORMY: Final = tuple(verb for verb in VERBS if verb != "limit")
REFUSALS: Final = ("CH", "23")
"""The SQLSTATEs of what the database refuses. A deadlock or a failure is none of them."""


@dataclass(frozen=True)
class Act:
    """One thing that one writer does: numbers choose among what is there."""

    verb: str
    which: int
    line: int
    quantities: tuple[int, int]
    prepaid: int


ACTS = st.builds(
    Act,
    verb=st.sampled_from(VERBS),
    which=st.integers(0, 50),
    line=st.integers(0, 3),
    quantities=st.tuples(st.integers(0, 12), st.integers(0, 12)),
    prepaid=st.sampled_from((0, 0, 0, 7)),
)


async def chosen(connection: asyncpg.Connection, verb: str, which: int) -> UUID | None:
    """An order that was where the verb begins, a moment ago; sometimes any."""
    statuses = LIKELY[verb] if which % 7 else sum(LIKELY.values(), ())
    found = await connection.fetch(f"select id from {ORDERS} where status = any ($1) order by id", list(statuses))
    return found[which % len(found)][0] if found else None


async def act(market: Market, connection: asyncpg.Connection, what: Act) -> str:
    """Do it. That the database refuses it is as good; that it fails is not. Answers what came of it."""
    retailer, vendor = sorted(market.lines)[what.line % len(market.lines)]
    offers = market.offers[vendor]
    items: list[dict[str, Any]] = [
        {"vendor_product_id": offer, "quantity": quantity}
        # In both orders, so that writers want the same rows the other way round.
        for offer, quantity in list(zip(offers, what.quantities, strict=False))[:: -1 if what.which % 2 else 1]
        if quantity
    ]
    try:
        if what.verb == "create":
            facts = {"retailer_id": retailer, "vendor_id": vendor, "items": items, "prepaid": what.prepaid}
            made = await call(connection, "trade.order_create", **facts)
            if what.which % 3:
                await step(connection, "place", made)
            return "create"
        if what.verb == "limit":
            await call(
                connection,
                "trade.credit_line_set",
                retailer_id=retailer,
                vendor_id=vendor,
                credit_limit=50 * what.which,
            )
            return "limit"
        if what.verb == "stock":
            change = what.quantities[0] - 5
            await call(connection, "trade.stock_adjust", id=offers[what.which % 2], quantity=change, reason="Counted")
            return "stock"
        if what.verb == "pay":
            paid = {"method": "CASH", "amount": 1 + sum(what.quantities)}
            await call(connection, "trade.retailer_payment_record", retailer_id=retailer, vendor_id=vendor, **paid)
            return "pay"
        if what.verb == "take back":
            payments = await connection.fetch("select id from trade.retailer_payments where is_effective order by id")
            if not payments:
                return "nothing"
            payment_id = payments[what.which % len(payments)][0]
            await call(connection, "trade.retailer_payment_reverse", id=payment_id, reason="Paid twice")
            return "take back"
        order_id = await chosen(connection, what.verb, what.which)
        if order_id is None:
            return "nothing"
        if what.verb == "update":
            seller = await connection.fetchval(f"select vendor_id from {ORDERS} where id = $1", order_id)
            own = dict(zip(offers, market.offers[seller], strict=True))
            items = [{**item, "vendor_product_id": own[item["vendor_product_id"]]} for item in items]
            await call(connection, "trade.order_update", id=order_id, items=items, prepaid=what.prepaid)
        elif what.verb in ("ship", "return") and what.which % 2:
            rows = await connection.fetch(f"select id from {ITEMS} where current_order_id = $1 order by id", order_id)
            some = [
                {"item_id": row[0], "quantity": quantity}
                for row, quantity in zip(rows, what.quantities, strict=False)
                if quantity
            ]
            await step(connection, what.verb, order_id, items=some)
        else:
            await step(connection, what.verb, order_id)
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "")[:2] not in REFUSALS:
            raise
        return error.constraint_name or "refused"
    return what.verb


@dataclass(frozen=True)
class Fair:
    """A market, and connections to write with."""

    market: Market
    writers: list[asyncpg.Connection]
    came_of_it: Counter[str]


@pytest.fixture(scope="module")
async def fair() -> AsyncIterator[Fair]:
    tenant = await make_tenant()
    market = await open_market(tenant, retailers=2, vendors=2, limit="600", prices=("10.00", "3.33"), stock=150)
    async with AsyncExitStack() as stack:
        writers = [await stack.enter_async_context(as_tenant(tenant)) for _ in range(WRITERS)]
        came_of_it: Counter[str] = Counter()
        yield Fair(market, writers, came_of_it)
    # A walk that is refused all the way proves nothing.
    seldom = {name: came_of_it[name] for name in (*VERBS, *MET) if came_of_it[name] < 5}
    assert seldom == {}, came_of_it


@given(rounds=st.lists(st.lists(ACTS, min_size=2, max_size=WRITERS), min_size=5, max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_trade_is_right_after_every_commit(fair: Fair, rounds: list[list[Act]]) -> None:
    for acts in rounds:
        doing = (act(fair.market, writer, what) for writer, what in zip(fair.writers, acts, strict=False))
        fair.came_of_it.update(await asyncio.gather(*doing))
        assert await wrong(fair.writers[0]) == []


STORMED: Final = {
    *("create", "place", "update", "ship", "deliver", "return", "cancel", "pay", "take back"),
    *("CREDIT_LIMIT_EXCEEDED", "STOCK_TOO_LOW", "ORDER_STATUS"),
}


async def test_a_storm_of_many_leaves_trade_and_books_right() -> None:
    """32 connections, three lines, four offers, five seconds, more on a slow machine until each verb has come through
    and each limit was met; somebody looks at every moment."""
    tenant = await make_tenant()
    market = await open_market(
        tenant, retailers=3, vendors=1, limit="250", prices=("10.00", "3.33", "7.77", "1.01"), stock=20
    )
    begun = time.monotonic()
    came_of_it: dict[str, int] = {}

    def is_over() -> bool:
        passed = time.monotonic() - begun
        return passed > 30 or (passed > 5 and set(came_of_it) >= STORMED)

    async def write(number: int) -> None:
        luck = random.Random(number)
        async with as_tenant(tenant) as connection:
            while not is_over():
                quantities = (luck.randint(0, 12), luck.randint(0, 12))
                what = Act(luck.choice(STORMY), luck.randint(0, 50), luck.randint(0, 2), quantities, 0)
                outcome = await act(market, connection, what)
                came_of_it[outcome] = came_of_it.get(outcome, 0) + 1

    async def look() -> None:
        async with as_tenant(tenant) as connection:
            while not is_over():
                assert await wrong(connection) == []
                await asyncio.sleep(0.2)

    await asyncio.gather(look(), *(write(number) for number in range(STORM)))
    async with as_tenant(tenant) as connection:
        assert await wrong(connection) == []
    assert set(came_of_it) >= STORMED, came_of_it
