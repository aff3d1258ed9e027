"""When the steps of an order were taken: now, or as is said within its bounds; and what counts from then on."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.asking import Asking
from tests.trade.placing import ORDERS, Market, brought_to, items_of, new_order, open_market, step, wrong

VERBS: Final = ("place", "confirm", "ship", "deliver")
MOMENTS: Final = ("placed_at", "confirmed_at", "shipped_at", "delivered_at")
STEPS: Final = tuple(zip(VERBS, MOMENTS, ("DRAFT", "PLACED", "CONFIRMED", "SHIPPED"), strict=True))
MARCH: Final = [datetime(2026, 3, day, 9, tzinfo=UTC) for day in (2, 3, 5, 6)]


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    return await open_market(tenant)


async def late(connection: Any, market: Market, moments: list[datetime]) -> Any:
    """An order that is entered after it was delivered: these are the moments of its steps."""
    order_id = await new_order(connection, market)
    for verb, name, moment in zip(VERBS, MOMENTS, moments, strict=False):
        await step(connection, verb, order_id, **{name: moment.isoformat()})
    return order_id


async def test_what_was_delivered_before_it_was_entered_counts_from_then_on(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await late(connection, market, MARCH)
        row = await the_row(connection, ORDERS, order_id)
        assert [row[name] for name in MOMENTS] == MARCH
        assert (row["due_date"], row["expires_at"]) == (date(2026, 4, 5), None)
        days = await connection.fetch("select effective_date, due_date from trade.credit_entries")
        assert [tuple(row) for row in days] == [(date(2026, 3, 6), date(2026, 4, 5))]
        days = await connection.fetch("select distinct effective_date from ledger.entries")
        assert [row[0] for row in days] == [date(2026, 3, 6)]
        assert await wrong(connection) == []


async def test_a_delivery_that_was_paid_beforehand_counts_from_its_day_too(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await new_order(connection, market, prepaid="110.00")
        for verb, name, moment in zip(VERBS, MOMENTS, MARCH, strict=True):
            await step(connection, verb, order_id, **{name: moment.isoformat()})
        days = await connection.fetch("select distinct effective_date from ledger.entries")
        assert [row[0] for row in days] == [date(2026, 3, 6)]


async def test_the_day_of_a_delivery_is_that_of_the_organisation() -> None:
    market = await open_market(await make_tenant(time_zone="Pacific/Auckland"))
    evening = datetime(2026, 3, 6, 21, tzinfo=UTC)
    async with as_tenant(market.tenant) as connection:
        row = await the_row(connection, ORDERS, await late(connection, market, [*MARCH[:3], evening]))
        assert row["due_date"] == date(2026, 4, 6)
        assert await connection.fetchval("select effective_date from trade.credit_entries") == date(2026, 3, 7)
        # What is said nothing of is today.
        today = datetime.now(ZoneInfo("Pacific/Auckland")).date()
        row = await the_row(connection, ORDERS, await brought_to(connection, market, "DELIVERED"))
        assert row["due_date"] == today + timedelta(days=30)


@pytest.mark.parametrize(("verb", "name", "status"), STEPS, ids=VERBS)
async def test_a_moment_that_is_to_come_is_refused(market: Market, verb: str, name: str, status: str) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await brought_to(connection, market, status)
        before = await the_row(connection, ORDERS, order_id)
        for soon in (datetime.now(UTC) + timedelta(seconds=30), "infinity"):
            with refused("BAD_USER_INPUT", "MOMENT_LATER") as told:
                await step(connection, verb, order_id, **{name: soon})
            word = name.removesuffix("_at")
            assert (told.message, told.field) == (f"An order is not {word} later than now.", f"input.{word}At")
        assert await the_row(connection, ORDERS, order_id) == before


@pytest.mark.parametrize(("verb", "name", "status"), STEPS[1:], ids=VERBS[1:])
async def test_a_moment_before_the_step_before_is_refused_and_the_same_one_is_not(
    market: Market, verb: str, name: str, status: str
) -> None:
    async with as_tenant(market.tenant) as connection:
        place = MOMENTS.index(name)
        order_id = await late(connection, market, MARCH[:place])
        before = await the_row(connection, ORDERS, order_id)
        assert before["status"] == status
        with refused("BAD_USER_INPUT", "MOMENT_EARLIER") as told:
            await step(connection, verb, order_id, **{name: MARCH[place - 1] - timedelta(microseconds=1)})
        word = name.removesuffix("_at")
        assert told.message.startswith(f"An order is not {word} before 2026-03-0")
        assert told.message.endswith(", when the step before was taken.")
        assert told.field == f"input.{word}At"
        assert await the_row(connection, ORDERS, order_id) == before
        await step(connection, verb, order_id, **{name: MARCH[place - 1]})
        assert (await the_row(connection, ORDERS, order_id))[name] == MARCH[place - 1]


async def test_nothing_is_placed_before_there_were_days_to_count(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        draft = await new_order(connection, market)
        for long_ago in ("1899-12-31T23:59:59Z", "-infinity"):
            with refused("BAD_USER_INPUT", "MOMENT_EARLIER") as told:
                await step(connection, "place", draft, placed_at=long_ago)
            assert (told.message[:32], told.field) == ("An order is not placed before 19", "input.placedAt")


async def test_each_step_takes_its_own_moment_and_no_other(market: Market) -> None:
    """What does not belong to the verb changes nothing, whoever calls it."""
    async with as_tenant(market.tenant) as connection:
        order_id = await new_order(connection, market)
        for verb, own, _ in STEPS:
            others = {name: MARCH[0].isoformat() for name in (*MOMENTS, "returned_at", "cancelled_at", "expires_at")}
            del others[own]
            before = await the_row(connection, ORDERS, order_id)
            await step(connection, verb, order_id, **others, due_date="2026-01-01")
            after = await the_row(connection, ORDERS, order_id)
            assert {name for name in MOMENTS if after[name] != before[name]} == {own}
            assert datetime.now(UTC) - after[own] < timedelta(minutes=1)
        assert after["due_date"] > date(2026, 4, 6)


async def test_whoever_writes_keeps_to_the_same_bounds(market: Market) -> None:
    async with as_owner(market.tenant) as owner:
        order_id = await late(owner, market, MARCH[:2])
        for said, reason in (("2199-01-01Z", "MOMENT_LATER"), ("2026-03-01Z", "MOMENT_EARLIER")):
            with refused("BAD_USER_INPUT", reason):
                await owner.execute(f"update {ORDERS} set status = 'SHIPPED', shipped_at = '{said}'")
        await owner.execute(f"update {ORDERS} set confirmed_at = '2026-03-04Z', placed_at = null")
        row = await the_row(owner, ORDERS, order_id)
        assert (row["placed_at"], row["confirmed_at"]) == (MARCH[0], MARCH[1])


async def test_the_first_shipping_says_when_it_was_shipped(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await late(connection, market, MARCH[:2])
        [item] = await items_of(connection, order_id)
        for day in (MARCH[2], MARCH[3]):
            some = [{"item_id": item["id"], "quantity": 2}]
            await step(connection, "ship", order_id, items=some, shipped_at=day.isoformat())
        assert (await the_row(connection, ORDERS, order_id))["shipped_at"] == MARCH[2]


async def test_an_order_that_is_entered_late_has_seven_days_to_be_confirmed(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await late(connection, market, MARCH[:1])
        row = await the_row(connection, ORDERS, order_id)
        assert timedelta(days=6, hours=23) < row["expires_at"] - datetime.now(UTC) < timedelta(days=7)
        assert await connection.fetchval("select count(*) from trade.orders where expires_at <= now()") == 0


async def test_who_ordered_last_is_not_who_entered_last(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        for moments in (MARCH[1:2], MARCH[:1]):
            await late(connection, market, moments)
        last = (await the_row(connection, "trade.retailers", market.retailers[0]))["last_order_at"]
        assert last == MARCH[1]


async def test_a_reopened_order_is_placed_at_another_moment(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await late(connection, market, MARCH[1:2])
        await step(connection, "cancel", order_id)
        await step(connection, "reopen", order_id)
        await step(connection, "place", order_id, placed_at=MARCH[0].isoformat())
        assert (await the_row(connection, ORDERS, order_id))["placed_at"] == MARCH[0]


async def test_money_counts_from_the_day_it_was_received_and_a_cheque_from_its_clearing() -> None:
    market = await open_market(await make_tenant(time_zone="Pacific/Auckland"))
    today = datetime.now(ZoneInfo("Pacific/Auckland")).date()
    async with as_tenant(market.tenant) as connection:
        await late(connection, market, MARCH)
        paid = {**market.parties, "received_at": "2026-03-20T21:00:00Z", "transaction_id": "1"}
        await call(connection, "trade.retailer_payment_record", **paid, method="BANK_TRANSFER", amount="10.00")
        cheque = await call(connection, "trade.retailer_payment_record", **paid, method="CHEQUE", amount="20.00")
        await call(connection, "trade.cheque_clear", id=cheque)
        rows = await connection.fetch(
            "select amount, effective_date from trade.credit_entries where transaction_type = 'PAYMENT_DEBIT'"
            " order by amount"
        )
        assert [tuple(row) for row in rows] == [(Decimal(10), date(2026, 3, 21)), (Decimal(20), today)]


DELIVERED: Final = """
mutation {
  orderPlace(input: { id: "%(id)s", placedAt: "2026-03-02T09:00:00Z" }) { __typename }
  orderConfirm(input: { id: "%(id)s", confirmedAt: "2026-03-03T09:00:00Z" }) { __typename }
  orderShip(input: { id: "%(id)s", shippedAt: "2026-03-05T09:00:00Z" }) { __typename }
  orderDeliver(input: { id: "%(id)s", deliveredAt: "2026-03-06T09:00:00Z" }) { order { placedAt dueDate } }
}
"""


async def test_moments_are_said_through_the_api(market: Market, asking: Asking) -> None:
    async with as_tenant(market.tenant) as connection:
        order_id = await new_order(connection, market)
    answer = await asking.ask(market.tenant, DELIVERED % {"id": order_id})
    order = answer["orderDeliver"]["order"]
    assert (order["placedAt"][:19], order["dueDate"]) == ("2026-03-02T09:00:00", "2026-04-05")


HOURS: Final = st.one_of(st.none(), st.integers(-6, 60))


@given(hours=st.tuples(HOURS, HOURS, HOURS, HOURS))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_moments_never_go_back_whatever_is_said(market: Market, hours: tuple[int | None, ...]) -> None:
    """Each step is said to be so many hours ago, or nothing is said of it; one that is refused is then taken now."""
    async with as_tenant(market.tenant) as connection:
        order_id = await new_order(connection, market, 1)
        last = datetime(1900, 1, 1, tzinfo=UTC)
        for (verb, name, _), ago in zip(STEPS, hours, strict=True):
            moment = None if ago is None else datetime.now(UTC) - timedelta(hours=ago)
            if moment is not None and ago is not None and (ago < 0 or moment < last):
                with refused("BAD_USER_INPUT", "MOMENT_LATER" if ago < 0 else "MOMENT_EARLIER"):
                    await step(connection, verb, order_id, **{name: moment})
                moment = None
            await step(connection, verb, order_id, **({} if moment is None else {name: moment}))
            last = (await the_row(connection, ORDERS, order_id))[name]
            assert moment is None or last == moment
        row = await the_row(connection, ORDERS, order_id)
        assert all(one <= other for one, other in pairwise(row[name] for name in MOMENTS))
        assert row["due_date"] == row["delivered_at"].astimezone(ZoneInfo(market.tenant.time_zone)).date() + timedelta(
            30
        )
        await step(connection, "return", order_id)
