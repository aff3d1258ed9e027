"""A small market: one retailer with a line at one vendor, who sells two things."""

from dataclasses import dataclass
from uuid import UUID

from tests.harness.actors import as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call


@dataclass(frozen=True)
class Market:
    tenant: Tenant
    vendor: UUID
    vendor_code: str
    retailer: UUID
    phone: str
    line: UUID
    skus: tuple[str, str]
    offers: tuple[UUID, UUID]


async def open_market(tenant: Tenant, *, limit: str = "10000.00", stock: int = 1000) -> Market:
    """Through the verbs, by the organisation's owner."""
    async with as_tenant(tenant) as connection:
        vendor = await call(connection, "trade.vendor_create", vendor_code="V-017", name="Mill & Press")
        await call(connection, "trade.vendor_approve", id=vendor)
        retailer = await call(
            connection, "trade.retailer_create", retailer_code="R-042", name="Corner Shop", phone="+254712345678"
        )
        line = await call(
            connection, "trade.credit_line_set", retailer_id=retailer, vendor_id=vendor, credit_limit=limit
        )
        skus = ("RICE-5KG", "OIL-1L")
        offers = []
        for sku, price, tax in zip(skus, ("12.50", "3.99"), ("0", "16"), strict=True):
            product = await call(
                connection, "trade.product_create", product_code=sku, name=sku.title(), tax_rate=tax, category="Food"
            )
            offer = await call(
                connection,
                "trade.vendor_product_set",
                vendor_id=vendor,
                product_id=product,
                sku=sku,
                vendor_price=price,
            )
            await call(connection, "trade.stock_receive", id=offer, quantity=stock)
            offers.append(offer)
    return Market(tenant, vendor, "V-017", retailer, "+254712345678", line, skus, (offers[0], offers[1]))
