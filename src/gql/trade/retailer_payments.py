"""Retailer payments: money that retailers pay for what they owe vendors, and the orders that it pays."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_many, to_one
from gql.engine.inputs import described
from gql.engine.scalars import JSON, DateTime, Money
from gql.engine.verbs import Verb
from gql.trade.scopes import OF_BOTH

TABLE = "trade.retailer_payments"
ALLOCATIONS = "trade.retailer_payment_allocations"


@strawberry.enum(description="How far a cheque has come.")
class ChequeState(Enum):
    PENDING = "PENDING"
    CLEARED = "CLEARED"
    BOUNCED = "BOUNCED"


@noun(
    table=TABLE,
    plural="retailerPayments",
    scope=OF_BOTH,
    permission="trade:read",
    default_order="CREATED_AT_DESC",
    currency="currency",
)
class RetailerPayment:
    payment_number: str = column(filtered=True)
    retailer_id: strawberry.ID = column(filtered=True)
    vendor_id: strawberry.ID = column(filtered=True)
    credit_line_id: strawberry.ID = column(filtered=True)
    method_id: strawberry.ID = column(filtered=True)
    transaction_id: str | None = column(filtered=True)
    amount: Money = column(minor="amount_minor", filtered=True, ordered=True, aggregated=True)
    currency: str = column()
    received_at: DateTime = column(filtered=True, ordered=True)
    cheque_state: ChequeState | None = column(filtered=True)
    cheque_reason: str | None = column()
    reverses_id: strawberry.ID | None = column(filtered=True)
    reversal_reason: str | None = column()
    is_reversed: bool = column(filtered=True)
    is_effective: bool = column()
    metadata: JSON = column(permission="trade:internal")
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    retailer = to_one("Retailer", "retailer_id", nullable=True)
    vendor = to_one("Vendor", "vendor_id", nullable=True)
    credit_line = to_one("CreditLine", "credit_line_id")
    method = to_one("PaymentMethod", "method_id", nullable=True, filtered=False)
    reverses = to_one("RetailerPayment", "reverses_id", nullable=True)
    allocations = to_many("RetailerPaymentAllocation", "payment_id")


@noun(
    table=ALLOCATIONS,
    plural="retailerPaymentAllocations",
    scope=OF_BOTH,
    permission="trade:read",
    default_order="CREATED_AT_DESC",
)
class RetailerPaymentAllocation:
    payment_id: strawberry.ID = column(filtered=True)
    order_id: strawberry.ID = column(filtered=True)
    amount: Money = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    payment = to_one("RetailerPayment", "payment_id")
    order = to_one("Order", "order_id")


@described(ALLOCATIONS, "How much of a payment pays which order.")
class RetailerAllocationInput:
    order_id: strawberry.ID
    amount: Money


@described(TABLE, "A payment that was received.")
class RetailerPaymentRecordInput:
    retailer_id: strawberry.ID
    vendor_id: strawberry.ID
    method: str = strawberry.field(description="The name of the payment method, such as MPESA or CHEQUE.")
    amount: Money
    transaction_id: str | None = UNSET
    received_at: DateTime | None = UNSET
    allocations: list[RetailerAllocationInput] | None = strawberry.field(
        default=UNSET, description="What it pays; left out, what is due first. Of a cheque, when it is cleared."
    )
    metadata: JSON | None = UNSET


@described(TABLE, "The payment of which something is left, and what that pays.")
class RetailerPaymentAllocateInput:
    id: strawberry.ID
    allocations: list[RetailerAllocationInput] | None = strawberry.field(
        default=UNSET, description="What it pays; left out, what is due first."
    )


@described(TABLE, "The payment that is taken back, and why.")
class RetailerPaymentReverseInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why, in 1 to 500 characters.")


@described(TABLE, "The cheque that was cleared.")
class ChequeClearInput:
    id: strawberry.ID
    allocations: list[RetailerAllocationInput] | None = strawberry.field(
        default=UNSET, description="What it pays; left out, what is due first."
    )


@described(TABLE, "The cheque that bounced, and why.")
class ChequeBounceInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why, in 1 to 500 characters.")


DECLARED = (
    RetailerPayment,
    RetailerPaymentAllocation,
    Verb("trade.retailer_payment_record", RetailerPaymentRecordInput, "RetailerPayment", "trade:write"),
    Verb("trade.retailer_payment_allocate", RetailerPaymentAllocateInput, "RetailerPayment", "trade:write"),
    Verb("trade.retailer_payment_reverse", RetailerPaymentReverseInput, "RetailerPayment", "trade:write"),
    Verb("trade.cheque_clear", ChequeClearInput, "RetailerPayment", "trade:write"),
    Verb("trade.cheque_bounce", ChequeBounceInput, "RetailerPayment", "trade:write"),
)
