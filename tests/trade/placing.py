"""What tests of orders stand on: a market of vendors, retailers, lines and products, and what must be true of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg

from tests.harness.actors import as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, the_row
from tests.ledger.books import WRONG as WRONG_BOOKS

ORDERS: Final = "trade.orders"
ITEMS: Final = "trade.order_items"
OFFERS: Final = "trade.vendor_products"
LINES: Final = "trade.credit_lines"

WRONG: Final = """
    -- Each line names what should never be, and counts how often it is.
    select 'lines over their limit', count(*) from trade.credit_lines where debt + held > credit_limit
    union all
    select 'lines that are not what their accounts say', count(*)
    from trade.credit_lines l join ledger.accounts a on a.tenant_id = l.tenant_id and a.id = l.account_id
    where (l.debt, l.held, l.credit_limit) is distinct from (a.balance, a.held_up, a.ceiling)
    union all
    select 'stock below nothing, or less than is kept', count(*) from trade.vendor_products
    where stock < 0 or reserved < 0 or reserved > stock
    union all
    select 'products of which other is kept than is open', count(*) from trade.vendor_products v
    where reserved <> (
        select coalesce(sum(i.quantity - i.quantity_shipped), 0)
        from trade.all_order_items i join trade.all_orders o on o.tenant_id = i.tenant_id and o.id = i.order_id
        where i.vendor_product_id = v.id and i.replaced_at is null and o.status in ('PLACED', 'CONFIRMED', 'SHIPPED')
    )
    union all
    select 'orders that are not their items', count(*) from trade.all_orders o
    where (o.subtotal, o.tax, o.total) <> (
        select coalesce(sum(round(quantity * unit_price, 2)), 0),
               coalesce(sum(round(round(quantity * unit_price, 2) * tax_rate / 100, 2)), 0),
               coalesce(sum(round(quantity * unit_price, 2)
                   + round(round(quantity * unit_price, 2) * tax_rate / 100, 2)), 0)
        from trade.all_order_items where order_id = o.id and replaced_at is null
    )
    union all
    select 'orders that hold other than they need', count(*) from trade.all_orders o
    where (case when status in ('PLACED', 'CONFIRMED', 'SHIPPED') then credit_used else 0 end) <> (
        select coalesce(sum(amount), 0) from ledger.holds where source_id = o.id and state = 'PENDING'
    )
    union all
    select 'holds of orders that are none', count(*) from ledger.holds h
    where source_noun = 'ORDER' and not exists (select from trade.all_orders where id = h.source_id)
    union all
    select 'orders whose entries are not what they charged and took back', count(*) from trade.all_orders o
    where (o.charged, o.returned_total) <> (
        select coalesce(sum(amount) filter (where transaction_type = 'ORDER_CREDIT'), 0),
               coalesce(sum(amount) filter (where transaction_type = 'RETURN_DEBIT'), 0)
        from trade.credit_entries where order_id = o.id
    )
    union all
    select 'entries of lines without a credit entry, or other than it', count(*)
    from ledger.accounts a
    join ledger.entries e on e.tenant_id = a.tenant_id and e.account_id = a.id
    left join trade.credit_entries c on c.tenant_id = e.tenant_id and c.id = e.id
    where a.owner_noun = 'CREDIT_LINE' and (c.ledger_number, c.running_balance, c.previous_balance, c.amount)
        is distinct from (e.seq, e.balance_after, e.balance_before, abs(e.amount))
    union all
    select 'vendors whose sales are not what was delivered and stayed', count(*) from trade.vendors v
    where total_sales <> (
        select coalesce(sum(delivered_subtotal - returned_subtotal), 0) from trade.all_orders where vendor_id = v.id
    )
    union all
    select 'orders that are paid other than payments that count have paid them, or more than was charged', count(*)
    from trade.all_orders o
    where paid_amount > charged or paid_amount <> (
        select coalesce(sum(a.amount), 0) from trade.retailer_payment_allocations a
        join trade.retailer_payments p on p.tenant_id = a.tenant_id and p.id = a.payment_id and p.is_effective
        where a.order_id = o.id
    )
    union all
    select 'payments of which more is allocated than there is', count(*) from trade.retailer_payments p
    where amount < (select coalesce(sum(amount), 0) from trade.retailer_payment_allocations where payment_id = p.id)
    union all
    select 'lines whose payments are not what their entries say', count(*) from trade.credit_lines l
    where (select coalesce(sum(amount), 0) from trade.retailer_payments where credit_line_id = l.id and is_effective)
        <> (
            select coalesce(sum(case transaction_type when 'PAYMENT_DEBIT' then amount else - amount end), 0)
            from trade.credit_entries
            where credit_line_id = l.id and (transaction_type = 'PAYMENT_DEBIT' or reverses_id is not null)
        )
    union all
    select 'retailers whose debt is not that of their lines', count(*) from trade.retailers r
    where outstanding_debt <> (select coalesce(sum(debt), 0) from trade.credit_lines where retailer_id = r.id)
    union all
"""


@dataclass(frozen=True)
class Market:
    """An organisation's trade: each retailer has a line with each vendor, and each vendor offers each product."""

    tenant: Tenant
    retailers: list[UUID]
    vendors: list[UUID]
    lines: dict[tuple[UUID, UUID], UUID] = field(default_factory=dict)
    offers: dict[UUID, list[UUID]] = field(default_factory=dict)

    @property
    def parties(self) -> dict[str, UUID]:
        return {"retailer_id": self.retailers[0], "vendor_id": self.vendors[0]}

    @property
    def line(self) -> UUID:
        return self.lines[self.retailers[0], self.vendors[0]]

    @property
    def offer(self) -> UUID:
        return self.offers[self.vendors[0]][0]

    def items(self, *quantities: int) -> list[dict[str, Any]]:
        """So many of the first vendor's first, second … product."""
        return [
            {"vendor_product_id": offer, "quantity": quantity}
            for offer, quantity in zip(self.offers[self.vendors[0]], quantities, strict=False)
            if quantity
        ]


async def open_market(
    tenant: Tenant,
    *,
    retailers: int = 1,
    vendors: int = 1,
    limit: str = "1000",
    prices: Sequence[str] = ("10.00", "3.33"),
    tax_rate: str = "10",
    stock: int = 100,
) -> Market:
    """A market with approved vendors, active lines of that limit, and products at these prices."""
    async with as_tenant(tenant) as connection:
        market = Market(
            tenant,
            [await call(connection, "trade.retailer_create", retailer_code=f"R-{n}", name=f"Retailer {n}")
             for n in range(retailers)],
            [await call(connection, "trade.vendor_create", vendor_code=f"V-{n}", name=f"Vendor {n}")
             for n in range(vendors)],
        )  # fmt: skip
        products = [
            await call(connection, "trade.product_create", product_code=f"P-{n}", name=f"Rice {n}", tax_rate=tax_rate)
            for n in range(len(prices))
        ]
        for vendor in market.vendors:
            await call(connection, "trade.vendor_approve", id=vendor)
            market.offers[vendor] = [
                await _offer(vendor, product, f"SKU-{n}", price, stock)
                for n, (product, price) in enumerate(zip(products, prices, strict=True))
            ]
            for retailer in market.retailers:
                market.lines[retailer, vendor] = await call(
                    connection, "trade.credit_line_set", retailer_id=retailer, vendor_id=vendor, credit_limit=limit
                )
    return market


OFFER: Final = f"""
    insert into {OFFERS} (tenant_id, vendor_id, product_id, sku, vendor_price, currency, stock, vendor_is_approved)
    select tenant_id, id, $2, $3, $4, currency, $5, is_approved from trade.vendors where id = $1 returning id
"""


async def _offer(vendor: UUID, product: UUID, sku: str, price: str, stock: int) -> UUID:
    async with as_superuser() as connection:
        made = await connection.fetchval(OFFER, vendor, product, sku, Decimal(price), stock)
    assert isinstance(made, UUID)
    return made


async def new_order(connection: asyncpg.Connection, market: Market, *quantities: int, **facts: Any) -> UUID:
    """A draft of so many of each product; of 10 of the first where none are said: 110.00 with tax."""
    made = await call(
        connection, "trade.order_create", **{**market.parties, "items": market.items(*(quantities or (10,))), **facts}
    )
    assert isinstance(made, UUID)
    return made


STEPS: Final[dict[str, tuple[str, ...]]] = {
    "DRAFT": (),
    "PLACED": ("place",),
    "CONFIRMED": ("place", "confirm"),
    "SHIPPED": ("place", "confirm", "ship"),
    "DELIVERED": ("place", "confirm", "ship", "deliver"),
    "RETURNED": ("place", "confirm", "ship", "deliver", "return"),
    "CANCELLED": ("place", "cancel"),
    "EXPIRED": ("place", "expire"),
}


async def step(connection: asyncpg.Connection, verb: str, order_id: UUID, **facts: Any) -> None:
    """Take an order through a verb; a cancellation says why."""
    await call(
        connection, f"trade.order_{verb}", id=order_id, **({"reason": "Too late"} if verb == "cancel" else {}) | facts
    )


async def brought_to(
    connection: asyncpg.Connection, market: Market, status: str, *quantities: int, **facts: Any
) -> UUID:
    """An order that has come to that status."""
    order_id = await new_order(connection, market, *quantities, **facts)
    for verb in STEPS[status]:
        await step(connection, verb, order_id)
    assert (await the_row(connection, ORDERS, order_id))["status"] == status
    return order_id


async def items_of(connection: asyncpg.Connection, order_id: UUID) -> list[dict[str, Any]]:
    """The items that count, in their order."""
    rows = await connection.fetch(
        f"select to_jsonb(i) from (select id, vendor_product_id, quantity, quantity_shipped, quantity_returned,"
        f" reserved, unit_price, position from {ITEMS} where current_order_id = $1) i order by position",
        order_id,
    )
    return [json.loads(row[0], parse_float=Decimal) for row in rows]


async def line_of(connection: asyncpg.Connection, market: Market) -> tuple[Any, ...]:
    """Of the first line: debt, what is held, what is available."""
    row = await the_row(connection, LINES, market.line)
    return row["debt"], row["held"], row["available"]


async def stock_of(connection: asyncpg.Connection, market: Market) -> tuple[Any, ...]:
    """Of the first product: stock and what is kept."""
    row = await the_row(connection, OFFERS, market.offer)
    return row["stock"], row["reserved"]


async def wrong(connection: asyncpg.Connection) -> list[str]:
    """What is wrong with trade and the books of the connection's tenant. Nothing should be."""
    return [f"{count} {what}" for what, count in await connection.fetch(WRONG + WRONG_BOOKS) if count]
