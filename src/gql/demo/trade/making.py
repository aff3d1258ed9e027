"""Making a year of trade: vendors, retailers, credit lines and stock, then the orders. Each vendor is worked for on a
connection of its own, so that all cores are used; what is missing is made, so that an interrupted demo goes on."""

import asyncio
from collections.abc import Callable
from datetime import date
from uuid import UUID

from gql.demo.trade.deals import draw_deals
from gql.demo.trade.goods import draw_shops, draw_wares
from gql.demo.trade.model import Distributor
from gql.demo.trade.opening import Counter, open_lines, register_retailers, register_vendors, stock_up
from gql.demo.trade.payments import settle_cheques
from gql.demo.trade.trading import trade
from gql.imports.operations import Asker


def count_steps(distributor: Distributor) -> int:
    """How far the progress bar goes: an order is some eight mutations, a product three."""
    return distributor.retailers + 3 * distributor.products + 8 * distributor.orders


async def make_year(
    distributor: Distributor, asker: Asker, today: date, step: Callable[[int], None]
) -> dict[str, UUID]:
    """Make what is missing. The ids of vendors and retailers, by code."""
    wares = draw_wares(distributor)
    shops = draw_shops(distributor)
    deals = draw_deals(distributor, shops, wares, today)
    vendors = await register_vendors(distributor, asker)
    retailers = await register_retailers(shops, asker, step)

    async def work_for(code: str) -> None:
        counter = Counter(code, vendors[code], retailers, wares[code], deals[code])
        await stock_up(counter, asker, step)
        await open_lines(counter, shops, asker)
        await trade(counter, asker, step)
        await settle_cheques(counter, asker)

    async with asyncio.TaskGroup() as group:
        for vendor in distributor.sellers:
            group.create_task(work_for(vendor.code))
    return {code: UUID(each) for code, each in (vendors | retailers).items()}
