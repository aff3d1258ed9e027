"""The orders that are drawn for the demo's distributor."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from gql.demo import DISTRIBUTOR
from gql.demo.trade.deals import CHEQUES, DAYS, OPEN, SPECIAL, Deal, draw_deals
from gql.demo.trade.goods import draw_shops, draw_wares
from gql.demo.trade.model import Distributor

TODAY = date(2026, 11, 21)
FEWEST = DISTRIBUTOR.with_orders(40)


def drawn(distributor: Distributor, today: date = TODAY) -> list[Deal]:
    by_vendor = draw_deals(distributor, draw_shops(distributor), draw_wares(distributor), today)
    return sorted((deal for deals in by_vendor.values() for deal in deals), key=lambda deal: deal.key)


def test_there_are_five_vendors_200_retailers_2000_products_and_a_years_orders() -> None:
    shops, wares = draw_shops(DISTRIBUTOR), draw_wares(DISTRIBUTOR)
    assert (len(wares), len(shops), sum(map(len, wares.values()))) == (5, 200, 2000)
    assert len({shop.name for shop in shops}) == len({shop.email for shop in shops}) == 200
    assert len({ware.name for each in wares.values() for ware in each}) == 2000
    deals = drawn(DISTRIBUTOR)
    assert len(deals) == 1200
    per_shop = Counter(deal.shop.code for deal in deals)
    assert len(per_shop) > 190
    days = [deal.moments[0].date() for deal in deals]
    assert days[0] >= TODAY - timedelta(days=DAYS + 1)
    assert len({(day.year, day.month) for day in days}) >= 12


@pytest.mark.parametrize("distributor", [DISTRIBUTOR, FEWEST], ids=["all", "few"])
@pytest.mark.parametrize("weeks", [0, 1, 7, 30])
def test_another_day_draws_the_same_orders_with_the_same_fates(distributor: Distributor, weeks: int) -> None:
    now, later = drawn(distributor), drawn(distributor, TODAY + timedelta(weeks=weeks))
    assert [(deal.key, deal.shop, deal.items, deal.fate) for deal in now] == [
        (deal.key, deal.shop, deal.items, deal.fate) for deal in later
    ]


@pytest.mark.parametrize("distributor", [DISTRIBUTOR, FEWEST], ids=["all", "few"])
@pytest.mark.parametrize("days", range(8))
def test_every_fate_and_cheque_is_met_on_whatever_day_it_is_made(distributor: Distributor, days: int) -> None:
    deals = drawn(distributor, TODAY + timedelta(days=days))
    fates = Counter(deal.fate for deal in deals)
    assert set(fates) == {*OPEN, "DELIVERED", *(name for name, *_ in SPECIAL)}
    assert fates["DELIVERED"] > len(deals) / 3
    receipts = [receipt for deal in deals for receipt in deal.receipts]
    assert {receipt.outcome for receipt in receipts} == {"RECEIVED", "REVERSED", *CHEQUES}
    assert len({receipt.transaction_id for receipt in receipts}) == len(receipts)
    assert any(receipt.share < 1 for receipt in receipts)


@pytest.mark.parametrize("days", range(8))
def test_moments_follow_one_another_and_have_passed(days: int) -> None:
    today = TODAY + timedelta(days=days)
    midnight = datetime.combine(today, time(), UTC)
    for deal in drawn(DISTRIBUTOR, today):
        assert all(one <= other for one, other in pairwise(deal.moments))
        assert deal.moments[3] < midnight
        assert deal.moments[0].weekday() < 6
        assert all(deal.moments[3] <= receipt.received_at < midnight for receipt in deal.receipts)


def test_who_can_sign_in_buys_and_sells() -> None:
    """The first retailer buys of the first vendor: their people see orders."""
    vendor, retailer = (person.speaks_for for person in DISTRIBUTOR.people[2:])
    for distributor in (DISTRIBUTOR, FEWEST):
        deals = drawn(distributor)
        assert any(deal.vendor == vendor for deal in deals)
        assert any(deal.shop.code == retailer for deal in deals)
