"""Vendor products: what a vendor asks for a product, and how much of it there is."""

import strawberry

from gql.engine.declare import column, noun, to_one
from gql.engine.scalars import JSON, DateTime, Money
from gql.trade.scopes import OF_THE_VENDOR

TABLE = "trade.vendor_products"


@noun(
    table=TABLE,
    plural="vendorProducts",
    scope=OF_THE_VENDOR,
    permission="trade:read",
    default_order="CREATED_AT_DESC",
    currency="currency",
)
class VendorProduct:
    vendor_id: strawberry.ID = column(filtered=True)
    product_id: strawberry.ID = column(filtered=True)
    sku: str = column(filtered=True, ordered=True)
    vendor_price: Money = column(minor="vendor_price_minor", filtered=True, ordered=True)
    currency: str = column()
    stock: int = column()
    reserved: int = column()
    free_stock: int = column(filtered=True, ordered=True)
    low_stock_level: int = column()
    is_low: bool = column(filtered=True)
    is_available: bool = column(filtered=True)
    vendor_is_approved: bool = column()
    metadata: JSON = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    vendor = to_one("Vendor", "vendor_id", nullable=True)
    product = to_one("Product", "product_id", nullable=True)


DECLARED = (VendorProduct,)
