"""Allocations: how much of a payment or a credit note stands on an invoice."""

import strawberry

from gql.engine.declare import column, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import Date, DateTime, Money

TABLE = "billing.allocations"


@noun(table=TABLE, plural="allocations", scope="client_id", permission="billing:read", default_order="CREATED_AT_DESC")
class Allocation:
    client_id: strawberry.ID = column(filtered=True)
    invoice_id: strawberry.ID = column(filtered=True)
    payment_id: strawberry.ID | None = column(filtered=True)
    credit_note_id: strawberry.ID | None = column(filtered=True)
    amount: Money = column()
    refunded: Money = column()
    net: Money = column()
    effective_date: Date = column()
    applied_at: DateTime | None = column()
    released_at: DateTime | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    invoice = to_one("Invoice", "invoice_id")
    payment = to_one("Payment", "payment_id", nullable=True)
    credit_note = to_one("CreditNote", "credit_note_id", nullable=True)


@described(TABLE, "How much of it an invoice gets.")
class AllocationInput:
    invoice_id: strawberry.ID
    amount: Money


DECLARED = (Allocation,)
