"""The organisations that the crowd works for and trades with: their markets, made before it comes."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg

from bench.trade.books import Line, Market, Shape

NEWEST: Final = 5
"""So many of each party's orders are looked at again and again."""
_ORDERS: Final = f"""
    select retailer_id::text, vendor_id::text, id::text
    from (
        select retailer_id, vendor_id, id, created_at,
               row_number() over (partition by retailer_id order by created_at desc, id) as of_retailer,
               row_number() over (partition by vendor_id order by created_at desc, id) as of_vendor
        from trade.orders where tenant_id = $1
    ) as orders
    where of_retailer <= {NEWEST} or of_vendor <= {NEWEST} order by created_at desc, id
"""


@dataclass(frozen=True)
class Business:
    """An organisation's trade: the lines that its retailers have with its vendors, what can be ordered of each vendor,
    and the newest orders of each retailer and each vendor that has some."""

    tenant_id: str
    lines: tuple[Line, ...]
    offers: Mapping[str, tuple[str, ...]]
    orders: Mapping[str, tuple[str, ...]]

    @property
    def retailers(self) -> tuple[str, ...]:
        """Who has bought something, in the order of their first lines."""
        return tuple(dict.fromkeys(line.retailer_id for line in self.lines if line.retailer_id in self.orders))

    @property
    def vendors(self) -> tuple[str, ...]:
        """Who has sold something, in the order of their first lines."""
        return tuple(dict.fromkeys(line.vendor_id for line in self.lines if line.vendor_id in self.orders))


async def found(connection: asyncpg.Connection, number: int, shape: Shape, orders: int) -> Business:
    """A new organisation with so many orders. As superuser; what was written is not yet analyzed."""
    market = await Market.open(connection, number, shape)
    await market.grow(orders)
    facts = await market.facts()
    newest: dict[str, list[str]] = defaultdict(list)
    for retailer, vendor, order in await connection.fetch(_ORDERS, market.tenant_id):
        for party in (retailer, vendor):
            if len(newest[party]) < NEWEST:
                newest[party].append(order)
    return Business(
        market.tenant_id,
        tuple(line for line in facts.lines if line.vendor_id in facts.offers),
        {vendor: tuple(offers) for vendor, offers in facts.offers.items()},
        {party: tuple(orders_) for party, orders_ in newest.items()},
    )
