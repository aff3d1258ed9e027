"""Order items: what is bought on an order. They are written together with their order."""

import strawberry

from gql.engine.declare import column, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import DateTime, Decimal, Money
from gql.trade.scopes import OF_BOTH

TABLE = "trade.order_items"


@noun(
    table=TABLE,
    plural="orderItems",
    scope=OF_BOTH,
    permission="trade:read",
    visible="{row}.replaced_at is null",
    default_order="CREATED_AT_DESC",
    archive="trade.all_order_items",
)
class OrderItem:
    position: int = column()
    vendor_product_id: strawberry.ID = column(filtered=True)
    product_name: str = column()
    product_sku: str = column()
    unit_price: Money = column()
    tax_rate: Decimal = column()
    quantity: int = column()
    quantity_shipped: int = column()
    quantity_returned: int = column()
    reserved: int = column()
    amount: Money = column()
    tax_amount: Money = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    order = to_one("Order", "current_order_id", nullable=True)
    vendor_product = to_one("VendorProduct", "vendor_product_id", nullable=True, filtered=False)


@described(TABLE, "One item of an order; its place is its place in the list.")
class OrderItemInput:
    vendor_product_id: strawberry.ID
    quantity: int


@described(TABLE, "So many units of one item of an order.")
class OrderedQuantityInput:
    item_id: strawberry.ID = strawberry.field(description="The item of the order.")
    quantity: int = strawberry.field(description="How many of its units: one or more.")


DECLARED = (OrderItem,)
