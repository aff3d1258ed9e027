"""Vendors, retailers, lines, products and offers for tests, made by the verbs."""

from itertools import count
from typing import Any, Final
from uuid import UUID

import asyncpg

from tests.harness.verbs import call

_numbers: Final = count(1)


async def new_vendor(connection: asyncpg.Connection, *, is_approved: bool = True, **facts: Any) -> UUID:
    """A vendor of the connection's tenant, approved unless said otherwise."""
    number = next(_numbers)
    made = await call(connection, "trade.vendor_create", **{"vendor_code": f"V-{number}", "name": "Mills", **facts})
    assert isinstance(made, UUID)
    if is_approved:
        await call(connection, "trade.vendor_approve", id=made)
    return made


async def new_retailer(connection: asyncpg.Connection, **facts: Any) -> UUID:
    """A retailer of the connection's tenant."""
    given = {"retailer_code": f"R-{next(_numbers)}", "name": "Kiosk", **facts}
    made = await call(connection, "trade.retailer_create", **given)
    assert isinstance(made, UUID)
    return made


async def new_line(connection: asyncpg.Connection, retailer_id: UUID, vendor_id: UUID, **facts: Any) -> UUID:
    """The line of the two, of 100.00 unless said otherwise."""
    parties = {"retailer_id": retailer_id, "vendor_id": vendor_id}
    made = await call(connection, "trade.credit_line_set", **{"credit_limit": "100.00", **parties, **facts})
    assert isinstance(made, UUID)
    return made


async def new_product(connection: asyncpg.Connection, name: str = "Rice", **facts: Any) -> UUID:
    """A product of the connection's tenant."""
    given = {"product_code": f"P-{next(_numbers)}", "name": name, **facts}
    made = await call(connection, "trade.product_create", **given)
    assert isinstance(made, UUID)
    return made


async def new_offer(
    connection: asyncpg.Connection, vendor_id: UUID | None = None, product_id: UUID | None = None, **facts: Any
) -> UUID:
    """What a vendor asks for a product: a new one of a new approved vendor at 9.50, unless said otherwise."""
    parties = {
        "vendor_id": vendor_id or await new_vendor(connection),
        "product_id": product_id or await new_product(connection),
    }
    given = {"sku": f"S-{next(_numbers)}", "vendor_price": "9.50", **parties, **facts}
    made = await call(connection, "trade.vendor_product_set", **given)
    assert isinstance(made, UUID)
    return made


async def ids(connection: asyncpg.Connection, table: str) -> set[UUID]:
    """The ids of all rows of the table that the connection sees."""
    return {row["id"] for row in await connection.fetch(f"select id from trade.{table}")}
