"""Vendor products: what a vendor asks for a product, and how much of it there is."""

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import JSON, DateTime, Money
from gql.engine.verbs import Verb
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
    stocked_at: DateTime | None = column()
    stock_note: str | None = column(permission="trade:internal")
    metadata: JSON = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    vendor = to_one("Vendor", "vendor_id", nullable=True)
    product = to_one("Product", "product_id", nullable=True)


@described(TABLE, "The vendor and the product, and what is to be so. What is left out stays as it is.")
class VendorProductSetInput:
    vendor_id: strawberry.ID
    product_id: strawberry.ID
    sku: str | None = UNSET
    vendor_price: Money | None = UNSET
    low_stock_level: int | None = UNSET
    is_available: bool | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "What came in.")
class StockReceiveInput:
    id: strawberry.ID
    quantity: int = strawberry.field(description="How many units: 1 or more.")
    note: str | None = strawberry.field(default=UNSET, description="A note on it, such as the delivery note's number.")


@described(TABLE, "By how many units the stock is more or less, and why.")
class StockAdjustInput:
    id: strawberry.ID
    quantity: int = strawberry.field(description="How many units are to be added, or with a minus taken away; not 0.")
    reason: str = strawberry.field(description="Why, in 1 to 500 characters.")


DECLARED = (
    VendorProduct,
    Verb("trade.vendor_product_set", VendorProductSetInput, "VendorProduct", "trade:write"),
    Verb("trade.stock_receive", StockReceiveInput, "VendorProduct", "trade:write"),
    Verb("trade.stock_adjust", StockAdjustInput, "VendorProduct", "trade:write"),
)
