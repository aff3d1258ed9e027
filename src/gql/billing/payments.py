"""Payments: the money that clients pay, from its announcement to its refund."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.billing.allocations import AllocationInput
from gql.engine.declare import column, noun, to_many, to_one
from gql.engine.fields import PERIODS
from gql.engine.inputs import described
from gql.engine.scalars import JSON, Date, DateTime, Money
from gql.engine.verbs import Verb

TABLE = "billing.payments"
REFUNDS = "billing.payment_refunds"


@strawberry.enum(description="How far a payment has come.")
class PaymentStatus(Enum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"
    REVERSED = "REVERSED"


@strawberry.enum(description="How far a payment has come when it is entered.")
class PaymentEntryStatus(Enum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    CONFIRMED = "CONFIRMED"


@noun(
    table=TABLE,
    plural="payments",
    scope="client_id",
    permission="billing:read",
    default_order="RECEIVED_AT_DESC",
    currency="currency",
)
class Payment:
    status: PaymentStatus = column(filtered=True, grouped=True)
    client_id: strawberry.ID = column(filtered=True, grouped=True)
    method_id: strawberry.ID = column(filtered=True, grouped=True)
    amount: Money = column(minor="amount_minor", filtered=True, ordered=True, aggregated=True)
    currency: str = column(grouped=True)
    received_at: DateTime = column(filtered=True, ordered=True)
    received_on: Date = column(filtered=True, grouped=PERIODS)
    reference: str | None = column(filtered=True)
    request_id: str | None = column(filtered=True)
    processing_time_ms: int | None = column()
    failure_reason: str | None = column()
    retry_count: int = column(filtered=True, ordered=True)
    last_retry_at: DateTime | None = column()
    started_at: DateTime | None = column()
    confirmed_at: DateTime | None = column()
    failed_at: DateTime | None = column()
    reversed_at: DateTime | None = column()
    reversal_reason: str | None = column()
    is_reconciled: bool = column(filtered=True)
    reconciled_at: DateTime | None = column()
    applied_amount: Money = column()
    unapplied_amount: Money = column()
    refunded_amount: Money = column()
    metadata: JSON = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    client = to_one("Client", "client_id")
    method = to_one("PaymentMethod", "method_id", nullable=True, filtered=False)
    allocations = to_many("Allocation", "payment_id")
    refunds = to_many("PaymentRefund", "payment_id", listed=True, order="created_at")


@noun(table=REFUNDS, scope="client_id", permission="billing:read")
class PaymentRefund:
    amount: Money = column()
    refunded_on: Date = column()
    reason: str = column()
    reference: str | None = column()
    created_at: DateTime = column()


@described(
    TABLE, "A payment: expected (PENDING), under way (PROCESSING) or received (CONFIRMED), and what it is to pay."
)
class PaymentRecordInput:
    client_id: strawberry.ID
    method: str = strawberry.field(description="The name of the payment method, such as BANK_TRANSFER.")
    amount: Money
    currency: str | None = UNSET
    status: PaymentEntryStatus | None = strawberry.field(
        default=UNSET, description="How far it has come; PENDING unless said otherwise."
    )
    received_at: DateTime | None = UNSET
    reference: str | None = UNSET
    request_id: str | None = UNSET
    processing_time_ms: int | None = UNSET
    metadata: JSON | None = UNSET
    allocations: list[AllocationInput] | None = strawberry.field(
        default=UNSET, description="The invoices that it pays. What is left over is the client's credit."
    )
    oldest_first: bool | None = strawberry.field(
        default=UNSET, description="Whether it pays the client's open invoices, the one due first at first."
    )


@described(TABLE, "Which payment.")
class PaymentIdInput:
    id: strawberry.ID


@described(TABLE, "Which payment has come.")
class PaymentConfirmInput:
    id: strawberry.ID
    received_at: DateTime | None = UNSET
    reference: str | None = UNSET
    processing_time_ms: int | None = UNSET


@described(TABLE, "Which payment failed, and why.")
class PaymentFailInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why it failed: 1 to 2000 characters.")
    processing_time_ms: int | None = UNSET


@described(TABLE, "Which invoices a payment is to pay.")
class PaymentAllocateInput:
    id: strawberry.ID
    allocations: list[AllocationInput] | None = strawberry.field(
        default=UNSET, description="The invoices that it pays."
    )
    oldest_first: bool | None = strawberry.field(
        default=UNSET, description="Whether it pays the client's open invoices, the one due first at first."
    )
    effective_date: Date | None = strawberry.field(
        default=UNSET, description="The day from which it counts: today, unless said otherwise."
    )


@described(TABLE, "Which allocation of a payment to take back.")
class PaymentUnallocateInput:
    id: strawberry.ID
    allocation_id: strawberry.ID = strawberry.field(description="The allocation.")


@described(REFUNDS, "How much of a payment to give back, and why.")
class PaymentRefundInput:
    id: strawberry.ID = strawberry.field(description="The payment.")
    reason: str
    amount: Money | None = strawberry.field(
        default=UNSET, description="How much; all that is left of it, unless said otherwise."
    )
    refunded_on: Date | None = UNSET
    reference: str | None = UNSET


@described(TABLE, "Which payment to take back, and why.")
class PaymentReverseInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why it is taken back: 1 to 2000 characters.")


DECLARED = (
    Payment,
    PaymentRefund,
    Verb("billing.payment_record", PaymentRecordInput, "Payment", "billing:write"),
    Verb("billing.payment_process", PaymentIdInput, "Payment", "billing:write"),
    Verb("billing.payment_confirm", PaymentConfirmInput, "Payment", "billing:write"),
    Verb("billing.payment_fail", PaymentFailInput, "Payment", "billing:write"),
    Verb("billing.payment_retry", PaymentIdInput, "Payment", "billing:write"),
    Verb("billing.payment_reconcile", PaymentIdInput, "Payment", "billing:write"),
    Verb("billing.payment_unreconcile", PaymentIdInput, "Payment", "billing:write"),
    Verb("billing.payment_allocate", PaymentAllocateInput, "Payment", "billing:write"),
    Verb("billing.payment_unallocate", PaymentUnallocateInput, "Payment", "billing:write"),
    Verb("billing.payment_refund", PaymentRefundInput, "Payment", "billing:write"),
    Verb("billing.payment_reverse", PaymentReverseInput, "Payment", "billing:write"),
)
