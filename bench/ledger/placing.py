"""Orders placed: the market that they are placed in, with drafts that are added in bulk before each round.

Drafts are written beside the triggers, one unit of one product each. They are placed the proper way.
"""

from types import MappingProxyType
from typing import Final

import asyncpg

from bench.ledger.work import Ready, Work
from bench.trade.books import Market, Shape
from bench.trade.check import check
from bench.works import Facts

LINES: Final = 50
PRODUCTS: Final = 64
# Ids that say which order it is, so that pgbench knows them without looking anything up.
ORDER_ID: Final = "01900000-0000-7000-8000-"
_ROOM: Final = """
    update trade.credit_lines set credit_limit = 1000000000 where tenant_id = '{tenant}';
    update ledger.accounts set ceiling = 1000000000 where tenant_id = '{tenant}' and owner_noun = 'CREDIT_LINE';
    update trade.retailers set available_credit = 1000000000 where tenant_id = '{tenant}';
"""
_DRAFT: Final = """
    with lines as (
        select l.*, r.name as retailer_name, v.name as vendor_name,
               row_number() over (order by r.retailer_code) - 1 as place
        from trade.credit_lines l
        join trade.retailers r on r.tenant_id = l.tenant_id and r.id = l.retailer_id
        join trade.vendors v on v.tenant_id = l.tenant_id and v.id = l.vendor_id
        where l.tenant_id = '{tenant}'
    ), offers as (
        select o.*, p.name, p.tax_rate, row_number() over (order by sku) - 1 as place, count(*) over () as many
        from trade.vendor_products o join trade.products p on p.tenant_id = o.tenant_id and p.id = o.product_id
        where o.tenant_id = '{tenant}' and stock > 1000
    ), made as (
        select number, (format('{ids}%s', lpad(number::text, 12, '0')))::uuid as id,
               lines.id as line_id, lines.retailer_id, lines.vendor_id, lines.retailer_name, lines.vendor_name,
               lines.currency, offers.id as offer_id, offers.name, offers.sku, offers.vendor_price, offers.tax_rate
        from generate_series({first}, {last} - 1) as number
        join lines on lines.place = number % {spread}
        join offers on offers.place = number % offers.many
    ), entered as (
        insert into trade.orders (
            tenant_id, id, order_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, currency,
            subtotal, tax, total, created_by
        )
        select '{tenant}', id, 'ORD-' || lpad((number + 1)::text, 6, '0'), retailer_id, vendor_id, line_id,
               retailer_name, vendor_name, currency, vendor_price, round(vendor_price * tax_rate / 100, 2),
               vendor_price + round(vendor_price * tax_rate / 100, 2), '{user}'
        from made
    )
    insert into trade.order_items (
        tenant_id, order_id, retailer_id, vendor_id, vendor_product_id, position, product_name, product_sku, unit_price,
        tax_rate, quantity, created_by
    )
    select '{tenant}', id, retailer_id, vendor_id, offer_id, 1, name, sku, vendor_price, tax_rate, 1, '{user}'
    from made;
"""
# Sessions take the next draft each.
_FUNCTION: Final = f"""select trade.order_place(format('{{"id":"{ORDER_ID}%s"}}', lpad(place::text, 12, '0'))::jsonb)
from (select nextval('bench.places') + 0 * :spread::bigint as place offset 0) as next;
"""


class Placing(Work):
    """Orders of one tenant's retailers, with one vendor, placed on their credit lines."""

    title = "Orders placed"
    document = "mutation Place($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id status total } } }"
    function = _FUNCTION
    function_name = "order_place() in pgbench"
    crowds = MappingProxyType({"50 lines": LINES, "one line": 1})
    meaning = (
        "A draft of one unit is placed: its items are compared with stock and prices, room is held for it on the credit"
        " line, its unit is kept in stock, figures of the order, the line, the retailer and the product follow, and"
        " rows of the audit log. No order is placed twice; new drafts are made before each round.",
        f"On {LINES} lines each belongs to another retailer, and the orders to {PRODUCTS} products in turn; on one line"
        " every order waits until the one before it is committed, because the limit is judged on one row.",
    )
    checked = (
        "No line is over its limit, every hold is an order's and every line holds what its orders need, what is kept in"
        " stock is what is open, every order comes to what its items come to, and the trial balance is zero"
    )

    def __init__(self, connection: asyncpg.Connection, market: Market) -> None:
        self._connection = connection
        role = "tenant_" + market.tenant_id.replace("-", "")
        self.facts = Facts(market.tenant_id, market.user_id, role, "", (), "", "")
        self._next = 0

    @classmethod
    async def open(cls, connection: asyncpg.Connection, number: int) -> "Placing":
        """A market of a new tenant without orders: one vendor, and a line with it for each retailer."""
        market = await Market.open(connection, number, Shape(1, LINES, PRODUCTS, lines=1, offers=PRODUCTS))
        await market.grow(0)
        await connection.execute("set session_replication_role = replica")
        await connection.execute(_ROOM.format(tenant=market.tenant_id))
        await connection.execute("reset session_replication_role")
        return cls(connection, market)

    async def ready(self, count: int, spread: int) -> Ready:
        """So many new drafts, of the first so many lines in turn."""
        made = Ready(self._next, count, spread)
        self._next += count
        given = {"tenant": self.facts.tenant_id, "user": self.facts.user_id, "ids": ORDER_ID}
        async with self._connection.transaction():
            await self._connection.execute("set local session_replication_role = replica; set local jit = off")
            await self._connection.execute(_DRAFT.format(**given, first=made.first, last=self._next, spread=spread))
        await self._connection.execute(
            "vacuum (analyze) trade.orders, trade.order_items, trade.credit_lines, trade.retailers,"
            " trade.vendor_products, ledger.accounts, ledger.holds"
        )
        return made

    def input(self, ready: Ready, place: int) -> dict[str, object]:
        """Places the draft of this place."""
        return {"id": f"{ORDER_ID}{place:012}"}

    async def done(self) -> int:
        """How many orders are placed."""
        counted = "select count(*) from trade.orders where tenant_id = $1 and status = 'PLACED'"
        return int(await self._connection.fetchval(counted, self.facts.tenant_id))

    async def check(self) -> None:
        """Raises WrongBooksError where anything does not add up."""
        await check(self._connection, self.facts.tenant_id)
