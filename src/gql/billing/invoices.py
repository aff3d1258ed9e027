"""Invoices: what a client owes, from draft to issue."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.billing.imports import IMPORT_REPORT
from gql.billing.invoice_lines import InvoiceLineInput
from gql.engine.declare import column, computed, noun, to_many, to_one
from gql.engine.fields import PERIODS
from gql.engine.inputs import described
from gql.engine.scalars import JSON, Date, DateTime, Decimal, Money
from gql.engine.verbs import Verb

TABLE = "billing.invoices"


@strawberry.enum(description="How far an invoice has come.")
class InvoiceStatus(Enum):
    DRAFT = "DRAFT"
    SENT = "SENT"
    VIEWED = "VIEWED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    DISPUTED = "DISPUTED"
    WRITTEN_OFF = "WRITTEN_OFF"
    CANCELLED = "CANCELLED"


@strawberry.enum(description="How far the last e-mail came that an invoice was sent by.")
class EmailStatus(Enum):
    NOT_SENT = "NOT_SENT"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    BOUNCED = "BOUNCED"


@noun(
    table=TABLE,
    plural="invoices",
    scope="client_id",
    permission="billing:read",
    default_order="ISSUE_DATE_DESC",
    currency="currency",
)
class Invoice:
    series: str = column()
    number: str | None = column(key="number_key", filtered=True, ordered=True)
    status: InvoiceStatus = column(filtered=True, grouped=True)
    client_id: strawberry.ID = column(filtered=True, grouped=True)
    issue_date: Date = column(filtered=True, ordered=True, grouped=PERIODS)
    due_date: Date = column(filtered=True, ordered=True, grouped=("MONTH",))
    paid_date: Date | None = column(filtered=True)
    currency: str = column(grouped=True)
    subtotal: Money = column(aggregated=True)
    discount: Money = column()
    tax_rate: Decimal = column()
    tax_amount: Money = column(aggregated=True)
    total: Money = column(minor="total_minor", filtered=True, ordered=True, aggregated=True)
    balance: Money = column(minor="balance_minor", filtered=True, ordered=True, aggregated=True)
    paid_amount: Money = column(minor="paid_minor", filtered=True, ordered=True, aggregated=True)
    credited: Money = column()
    written_off: Money = column()
    payment_count: int = column()
    partial_payment_count: int = column()
    last_payment_date: Date | None = column()
    is_overdue: bool = computed(
        "{row}.due_date < core.today() and {row}.status in ('SENT', 'VIEWED', 'PARTIALLY_PAID')"
        " and {row}.balance_minor > 0",
        filtered=True,
        description="Whether it is past its due date, in the organisation's time zone, not paid and not disputed.",
    )
    bill_from: JSON | None = column()
    bill_to: JSON | None = column()
    notes: str | None = column()
    terms: str | None = column()
    payment_link: str | None = column()
    template: str = column()
    branding: JSON = column()
    metadata: JSON = column()
    external_ref: str | None = column(filtered=True)
    issued_at: DateTime | None = column()
    email_status: EmailStatus = column()
    viewed_at: DateTime | None = column()
    voided_at: DateTime | None = column()
    void_reason: str | None = column()
    disputed_at: DateTime | None = column()
    dispute_reason: str | None = column()
    written_off_at: DateTime | None = column()
    write_off_reason: str | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    client = to_one("Client", "client_id")
    payment_method = to_one("PaymentMethod", "payment_method_id", nullable=True, filtered=False)
    lines = to_many("InvoiceLine", "invoice_id", listed=True, numbered_by="position")
    allocations = to_many("Allocation", "invoice_id")
    credit_notes = to_many("CreditNote", "invoice_id")
    messages = to_many("InvoiceMessage", "invoice_id")
    recurring = to_one("RecurringInvoice", "id", nullable=True)
    recurring_period = to_one("RecurringInvoicePeriod", "id", nullable=True, filtered=False)


@described(TABLE, "What can be said of a draft.")
class InvoiceDetails:
    series: str | None = UNSET
    issue_date: Date | None = UNSET
    due_date: Date | None = UNSET
    currency: str | None = UNSET
    discount: Money | None = UNSET
    tax_rate: Decimal | None = UNSET
    notes: str | None = UNSET
    terms: str | None = UNSET
    payment_method: str | None = strawberry.field(
        default=UNSET, description="The name of the payment method that it had best be paid by, such as BANK_TRANSFER."
    )
    payment_link: str | None = UNSET
    template: str | None = UNSET
    branding: JSON | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "What a new draft needs. Dates, currency and tax rate come from the client where they are left out.")
class InvoiceCreateInput(InvoiceDetails):
    client_id: strawberry.ID
    lines: list[InvoiceLineInput] | None = strawberry.field(
        default=UNSET, description="What is charged for, in the order given."
    )
    external_ref: str | None = UNSET


@described(TABLE, "What changes of a draft. A field that is left out stays as it is; lines, when given, replace all.")
class InvoiceUpdateInput(InvoiceDetails):
    id: strawberry.ID
    lines: list[InvoiceLineInput] | None = strawberry.field(
        default=UNSET, description="What is charged for, in the order given, in place of all lines there are."
    )
    external_ref: str | None = UNSET


@described(TABLE, "Which draft to issue, and its final dates.")
class InvoiceIssueInput:
    id: strawberry.ID
    issue_date: Date | None = UNSET
    due_date: Date | None = UNSET


@described(TABLE, "Which invoice.")
class InvoiceIdInput:
    id: strawberry.ID


@described(TABLE, "Which invoice to void, and why.")
class InvoiceVoidInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why it is voided: 1 to 2000 characters.")


@described(TABLE, "Which invoice, and why.")
class InvoiceReasonInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why: 1 to 2000 characters.")


@described(TABLE, "One invoice to import, of a client named by id or by the reference it was imported with.")
class InvoiceImportRow(InvoiceDetails):
    external_ref: str
    lines: list[InvoiceLineInput] = strawberry.field(description="What is charged for, in the order given.")
    client_id: strawberry.ID | None = UNSET
    client_external_ref: str | None = strawberry.field(
        default=UNSET, description="The external reference of the client, in place of its id."
    )
    issue: bool | None = strawberry.field(
        default=UNSET, description="Whether it is issued at once. Otherwise it stays a draft."
    )


@described(TABLE, "Many invoices at once, at most 1000.")
class InvoicesImportInput:
    rows: list[InvoiceImportRow] = strawberry.field(description="The invoices, each answered for in its place.")
    all_or_nothing: bool | None = strawberry.field(
        default=UNSET, description="Whether one refused row refuses them all. Otherwise the others are entered."
    )


DECLARED = (
    Invoice,
    Verb("billing.invoice_create", InvoiceCreateInput, "Invoice", "billing:write"),
    Verb("billing.invoice_update", InvoiceUpdateInput, "Invoice", "billing:write"),
    Verb("billing.invoice_issue", InvoiceIssueInput, "Invoice", "billing:write"),
    Verb("billing.invoice_mark_viewed", InvoiceIdInput, "Invoice", "billing:write"),
    Verb("billing.invoice_void", InvoiceVoidInput, "Invoice", "billing:write"),
    Verb("billing.invoice_write_off", InvoiceReasonInput, "Invoice", "billing:write"),
    Verb("billing.invoice_dispute", InvoiceReasonInput, "Invoice", "billing:write"),
    Verb("billing.invoice_resolve", InvoiceIdInput, "Invoice", "billing:write"),
    Verb("billing.invoices_import", InvoicesImportInput, IMPORT_REPORT, "billing:write"),
)
