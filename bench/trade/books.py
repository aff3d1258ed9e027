"""The market of one tenant, which grows: made in bulk beside the triggers, with the figures that those would have made.

    market = await Market.open(connection, number, Shape(vendors=10, retailers=100, products=500))
    await market.grow(5_000)                 # up to so many orders
    await settle(connection)                 # bench.dataset: vacuum and analyze
    await check(connection, market.tenant_id)        # bench.trade.check: raises where anything is wrong
    facts = await market.facts()             # ids of retailers, vendors, lines, offers, drafts …

`connection` is a superuser's, on a database with the schema loaded; `number` says which tenant it is (its short name,
as in the dataset, must be free). The tenant has one person, an owner, by sign-up: further people are the caller's.

Of each order there is what its status asks for: items, stock that is kept, a hold on its line, the invoice number,
postings, credit entries, payments with allocations. So all questions answer truly, and every mutation works on it
afterwards: lines have room for 100,000.00 and more, and 24 in 25 offers a million in stock. What is left out: holds
that have ended, credit scores, items that were replaced; and the audit log, unless two entries of each order are asked
for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from bench.dataset import make_tenant
from bench.trade import orders as written
from bench.trade import parties, posting

CHUNK: Final = 25_000
OPEN_SHARE: Final = 20
"""One order in so many is open, until there are OPEN_MOST of them; these are of the last day."""
OPEN_MOST: Final = 1_000
NEWEST_DAYS: Final = 2
"""Other orders are older than this."""
_FACTS: Final = """
    select array(select id::text from trade.retailers where tenant_id = $1 order by retailer_code) as retailers,
           array(select id::text from trade.vendors where tenant_id = $1 order by vendor_code) as vendors,
           array(
               select (id::text, retailer_id::text, vendor_id::text) from trade.credit_lines
               where tenant_id = $1 order by created_at, id
           ) as lines,
           array(
               select (id::text, vendor_id::text) from trade.vendor_products
               where tenant_id = $1 and stock - reserved > 1000 order by vendor_id, sku
           ) as offers,
           array(select id::text from trade.orders where tenant_id = $1 order by md5(id::text) limit $2) as orders,
           array(select id::text from trade.orders where tenant_id = $1 and status = 'DRAFT' order by id) as drafts,
           array(
               select distinct conversation_id::text from trade.messages where tenant_id = $1 order by 1 limit $2
           ) as conversations
"""
SAMPLED: Final = 1_000
"""How many orders and conversations are named in the facts."""


@dataclass(frozen=True)
class Shape:
    """How many of each there are. Vendors and products may become more when the market grows, retailers too; what one
    of them has stays as it is."""

    vendors: int = 10
    retailers: int = 50
    products: int = 500
    lines: int = 3
    """Of each retailer: with so many vendors."""
    offers: int = 100
    """Of each vendor: so many products, three at least."""

    def __post_init__(self) -> None:
        if not (self.lines <= self.vendors and 3 <= self.offers <= self.products):
            raise ValueError("A market has a vendor for each line of a retailer, and a product for each offer.")


@dataclass(frozen=True)
class Line:
    """A credit line, and whose it is."""

    id: str
    retailer_id: str
    vendor_id: str


@dataclass(frozen=True)
class MarketFacts:
    """Ids that questions and mutations need."""

    retailers: list[str]
    vendors: list[str]
    lines: list[Line]
    offers: dict[str, list[str]]
    """By vendor: the vendor products that there is much of."""
    orders: list[str]
    """A random sample."""
    drafts: list[str]
    conversations: list[str]


class Market:
    """The trade of one tenant, written by a superuser's connection."""

    def __init__(
        self, connection: asyncpg.Connection, tenant_id: str, user_id: str, shape: Shape, *, has_audit: bool = False
    ) -> None:
        self._connection = connection
        self.tenant_id, self.user_id = tenant_id, user_id
        self.shape = shape
        self.orders = 0
        self._there = {"vendors": 0, "retailers": 0, "products": 0}
        self._invoices = self._payments = 0
        self._has_audit = has_audit

    @classmethod
    async def open(
        cls, connection: asyncpg.Connection, number: int, shape: Shape | None = None, *, has_audit: bool = False
    ) -> "Market":
        """The market of a new tenant; with entries of the audit log for its orders where these are asked for."""
        return cls(connection, *await make_tenant(connection, number), shape or Shape(), has_audit=has_audit)

    async def grow(
        self,
        orders: int,
        days: tuple[int, int] = (365, NEWEST_DAYS),
        shape: Shape | None = None,
        made: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Add orders until there are so many, made between so many days ago and so many; and before that who is
        missing for another shape. `made` is told of each chunk."""
        self.shape = shape or self.shape
        run = self._connection.execute
        await run("set session_replication_role = replica; set jit = off; set synchronous_commit = off")
        try:
            await self._make_parties()
            await self._make_orders(orders, days, made)
            counted = {"orders": orders, "invoices": self._invoices, "payments": self._payments}
            await run("analyze trade.order_items, trade.orders, ledger.holds")
            await run(parties.FIGURES.format(tenant=_uuid(self.tenant_id), **counted))
        finally:
            await run("reset session_replication_role; reset jit; reset synchronous_commit")
        self.orders = orders

    async def _make_parties(self) -> None:
        known = {"tenant": _uuid(self.tenant_id), "user": _uuid(self.user_id)}
        wanted = {"vendors": self.shape.vendors, "retailers": self.shape.retailers, "products": self.shape.products}
        before = {f"{noun}_before": count for noun, count in self._there.items()}
        sizes = {"lines": self.shape.lines, "offers": self.shape.offers}
        async with self._connection.transaction():
            for statement in (parties.PARTIES, parties.NUMBERED, parties.LINES):
                await self._connection.execute(statement.format(**known, **wanted, **before, **sizes))
        self._there = wanted

    async def _make_orders(self, orders: int, days: tuple[int, int], made: Callable[[int], None]) -> None:
        first, count = self.orders + 1, orders - self.orders
        open_count = max(1, min(count // OPEN_SHARE, OPEN_MOST))
        last_day = max(days[1], NEWEST_DAYS)
        words = {
            "tenant": _uuid(self.tenant_id),
            "user": _uuid(self.user_id),
            "offers": self.shape.offers,
            "line_count": await self._connection.fetchval("select count(*) from lines_numbered"),
            "tax_account": await self._account("TRADE_TAX"),
            "cash_account": await self._account("CASH"),
            "first": first,
            "count": count,
            "oldest": days[0],
            "days": days[0] - last_day,
            "open_after": orders - open_count,
            "open_count": open_count,
        }
        statements = [
            *(written.MADE, written.ITEMS, written.FIGURED, written.MESSAGES),
            *([written.AUDIT] if self._has_audit else []),
            *(posting.PAYMENTS, posting.POSTINGS),
        ]
        for start in range(first, orders + 1, CHUNK):
            end = min(start + CHUNK - 1, orders)
            async with self._connection.transaction():
                reached = {"start": start, "end": end, "invoices": self._invoices, "payments": self._payments}
                for statement in statements:
                    await self._connection.execute(statement.format(**words, **reached))
                counted = await self._connection.fetchrow(posting.COUNTED)
                await self._connection.execute(posting.DROP)
            assert counted is not None
            self._invoices += counted["invoices"]
            self._payments += counted["payments"]
            made(end - start + 1)

    async def _account(self, code: str) -> str:
        found = "select id::text from ledger.accounts where tenant_id = $1 and code = $2"
        return _uuid(await self._connection.fetchval(found, self.tenant_id, code))

    async def facts(self) -> MarketFacts:
        """What questions and mutations need to know."""
        row = await self._connection.fetchrow(_FACTS, self.tenant_id, SAMPLED)
        assert row is not None
        offers: dict[str, list[str]] = {}
        for offer, vendor in row["offers"]:
            offers.setdefault(vendor, []).append(offer)
        return MarketFacts(
            row["retailers"],
            row["vendors"],
            [Line(*each) for each in row["lines"]],
            offers,
            row["orders"],
            row["drafts"],
            row["conversations"],
        )


def _uuid(text: str) -> str:
    """An id as SQL has it, for the statements that take names of things and no parameters."""
    return f"'{text}'::uuid"
