"""Credit notes: what is taken back of an issued invoice, or of what was charged elsewhere."""

import strawberry
from strawberry import UNSET

from gql.billing.allocations import AllocationInput
from gql.engine.declare import column, noun, to_many, to_one
from gql.engine.fields import PERIODS
from gql.engine.inputs import described
from gql.engine.scalars import JSON, Date, DateTime, Decimal, Money
from gql.engine.verbs import Verb

TABLE = "billing.credit_notes"
LINES = "billing.credit_note_lines"


@noun(
    table=TABLE,
    plural="creditNotes",
    scope="client_id",
    permission="billing:read",
    default_order="ISSUE_DATE_DESC",
    currency="currency",
)
class CreditNote:
    number: str | None = column(key="number_key", filtered=True, ordered=True)
    client_id: strawberry.ID = column(filtered=True, grouped=True)
    invoice_id: strawberry.ID | None = column(filtered=True)
    issue_date: Date = column(filtered=True, ordered=True, grouped=PERIODS)
    currency: str = column(grouped=True)
    reason: str = column()
    subtotal: Money = column(aggregated=True)
    tax_amount: Money = column(aggregated=True)
    total: Money = column(minor="total_minor", filtered=True, ordered=True, aggregated=True)
    applied_amount: Money = column()
    unapplied_amount: Money = column()
    metadata: JSON = column()
    external_ref: str | None = column(filtered=True)
    issued_at: DateTime | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    client = to_one("Client", "client_id")
    invoice = to_one("Invoice", "invoice_id", nullable=True)
    lines = to_many("CreditNoteLine", "credit_note_id", listed=True, numbered_by="position")
    allocations = to_many("Allocation", "credit_note_id")


@noun(table=LINES, scope="client_id", permission="billing:read")
class CreditNoteLine:
    position: int = column()
    description: str = column()
    quantity: Decimal = column()
    unit_price: Money = column()
    tax_rate: Decimal = column()
    tax_amount: Money = column()
    amount: Money = column()


@described(LINES, "One thing that is taken back.")
class CreditNoteLineInput:
    description: str
    unit_price: Money
    quantity: Decimal | None = UNSET
    tax_rate: Decimal | None = UNSET


@described(TABLE, "What to take back of an invoice: lines, an amount with its tax, or all that is left.")
class InvoiceCreditNoteInput:
    id: strawberry.ID = strawberry.field(description="The invoice.")
    reason: str
    lines: list[CreditNoteLineInput] | None = strawberry.field(
        default=UNSET, description="What is taken back, one by one."
    )
    amount: Money | None = strawberry.field(
        default=UNSET, description="How much is taken back with its tax, in proportion to what is left at each rate."
    )
    issue_date: Date | None = UNSET
    metadata: JSON | None = UNSET
    external_ref: str | None = UNSET


@described(TABLE, "What to credit a client for that was charged elsewhere: an invoice that is not in these books.")
class CreditNoteCreateInput:
    client_id: strawberry.ID
    reason: str
    lines: list[CreditNoteLineInput] = strawberry.field(
        description="What is taken back, one by one, with its tax rate; 0 unless said otherwise."
    )
    issue_date: Date | None = UNSET
    currency: str | None = UNSET
    metadata: JSON | None = UNSET
    external_ref: str | None = UNSET


@described(TABLE, "Which invoices a credit note is to pay.")
class CreditNoteAllocateInput:
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


DECLARED = (
    CreditNote,
    CreditNoteLine,
    Verb("billing.invoice_credit_note", InvoiceCreditNoteInput, "CreditNote", "billing:write"),
    Verb("billing.credit_note_create", CreditNoteCreateInput, "CreditNote", "billing:write"),
    Verb("billing.credit_note_allocate", CreditNoteAllocateInput, "CreditNote", "billing:write"),
)
