"""Orders: what a retailer buys of a vendor on credit, from draft to delivery and return."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_many, to_one
from gql.engine.inputs import described
from gql.engine.scalars import JSON, Date, DateTime, Money
from gql.engine.verbs import Verb
from gql.trade.order_items import OrderedQuantityInput, OrderItemInput
from gql.trade.scopes import OF_BOTH

TABLE = "trade.orders"


@strawberry.enum(description="How far an order has come.")
class OrderStatus(Enum):
    DRAFT = "DRAFT"
    PLACED = "PLACED"
    CONFIRMED = "CONFIRMED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"
    EXPIRED = "EXPIRED"


@strawberry.enum(description="How much of an order is paid.")
class OrderPaymentStatus(Enum):
    UNPAID = "UNPAID"
    PARTIAL = "PARTIAL"
    PAID = "PAID"


@noun(
    table=TABLE,
    plural="orders",
    scope=OF_BOTH,
    permission="trade:read",
    default_order="CREATED_AT_DESC",
    currency="currency",
    archive="trade.all_orders",
)
class Order:
    order_number: str = column(filtered=True, ordered=True)
    invoice_number: str | None = column(filtered=True)
    retailer_id: strawberry.ID = column(filtered=True, grouped=True)
    vendor_id: strawberry.ID = column(filtered=True, grouped=True)
    credit_line_id: strawberry.ID = column(filtered=True)
    retailer_name: str = column()
    vendor_name: str = column()
    status: OrderStatus = column(filtered=True, grouped=True)
    payment_status: OrderPaymentStatus = column(filtered=True, grouped=True)
    currency: str = column(grouped=True)
    subtotal: Money = column(aggregated=True)
    tax: Money = column(aggregated=True)
    total: Money = column(minor="total_minor", filtered=True, ordered=True, aggregated=True)
    prepaid: Money = column()
    credit_used: Money = column()
    delivered_subtotal: Money = column(aggregated=True)
    delivered_tax: Money = column(aggregated=True)
    charged: Money = column(aggregated=True)
    returned_total: Money = column(aggregated=True)
    paid_amount: Money = column()
    open_amount: Money = column(minor="open_minor", filtered=True, ordered=True, aggregated=True)
    placed_at: DateTime | None = column(filtered=True)
    confirmed_at: DateTime | None = column()
    shipped_at: DateTime | None = column()
    delivered_at: DateTime | None = column()
    due_date: Date | None = column(filtered=True)
    returned_at: DateTime | None = column()
    cancelled_at: DateTime | None = column()
    cancel_reason: str | None = column()
    expires_at: DateTime | None = column()
    metadata: JSON = column(permission="trade:internal")
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    archived_at: DateTime | None = column()
    retailer = to_one("Retailer", "retailer_id", nullable=True)
    vendor = to_one("Vendor", "vendor_id", nullable=True)
    credit_line = to_one("CreditLine", "credit_line_id")
    items = to_many("OrderItem", "current_order_id", listed=True, numbered_by="position")
    credit_ledger = to_many("CreditLedgerEntry", "order_id")


@described(TABLE, "What a new order needs.")
class OrderCreateInput:
    retailer_id: strawberry.ID
    vendor_id: strawberry.ID
    items: list[OrderItemInput] | None = strawberry.field(
        default=UNSET, description="What is bought, in the order given, at the vendor's present prices."
    )
    prepaid: Money | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "What changes of an order. A field that is left out stays as it is; items, when given, replace all.")
class OrderUpdateInput:
    id: strawberry.ID
    items: list[OrderItemInput] | None = strawberry.field(
        default=UNSET, description="What is bought, in the order given, in place of all items there are."
    )
    prepaid: Money | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "Which order.")
class OrderIdInput:
    id: strawberry.ID


@described(TABLE, "Which order to place, and when it was.")
class OrderPlaceInput:
    id: strawberry.ID
    placed_at: DateTime | None = strawberry.field(
        default=UNSET, description="When it was placed, if not now: a moment that has passed."
    )


@described(TABLE, "Which order to confirm, and when it was.")
class OrderConfirmInput:
    id: strawberry.ID
    confirmed_at: DateTime | None = strawberry.field(
        default=UNSET, description="When it was confirmed, if not now: after it was placed, and not later than now."
    )


@described(TABLE, "Which order to ship, which of its items, and when it was.")
class OrderShipInput:
    id: strawberry.ID
    items: list[OrderedQuantityInput] | None = strawberry.field(
        default=UNSET, description="Of which items how many; all that is left unless said otherwise."
    )
    shipped_at: DateTime | None = strawberry.field(
        default=UNSET,
        description="When it was shipped, if not now: after it was confirmed, and not later than now. The moment of "
        "the first shipping is kept.",
    )


@described(TABLE, "Which order was delivered, and when.")
class OrderDeliverInput:
    id: strawberry.ID
    delivered_at: DateTime | None = strawberry.field(
        default=UNSET,
        description="When it was delivered, if not now: after it was shipped, and not later than now. From that day on "
        "it counts in the ledger, and to that day the terms are added.",
    )


@described(TABLE, "Which order, and which of its items.")
class OrderItemsInput:
    id: strawberry.ID
    items: list[OrderedQuantityInput] | None = strawberry.field(
        default=UNSET, description="Of which items how many; all that there is unless said otherwise."
    )


@described(TABLE, "Which order to cancel, and why.")
class OrderCancelInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why it is cancelled: 1 to 500 characters.")


DECLARED = (
    Order,
    Verb("trade.order_create", OrderCreateInput, "Order", "trade:write"),
    Verb("trade.order_update", OrderUpdateInput, "Order", "trade:write"),
    Verb("trade.order_place", OrderPlaceInput, "Order", "trade:write"),
    Verb("trade.order_confirm", OrderConfirmInput, "Order", "trade:write"),
    Verb("trade.order_ship", OrderShipInput, "Order", "trade:write"),
    Verb("trade.order_deliver", OrderDeliverInput, "Order", "trade:write"),
    Verb("trade.order_cancel", OrderCancelInput, "Order", "trade:write"),
    Verb("trade.order_return", OrderItemsInput, "Order", "trade:write"),
    Verb("trade.order_expire", OrderIdInput, "Order", "trade:write"),
    Verb("trade.order_reopen", OrderIdInput, "Order", "trade:write"),
)
