"""Recurring invoices: invoices that are made again in each period."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_many, to_one
from gql.engine.inputs import described
from gql.engine.scalars import Date, DateTime
from gql.engine.verbs import Verb

TABLE = "billing.recurring_invoices"
PERIODS = "billing.recurring_invoice_periods"


@strawberry.enum(description="Whether a recurring invoice is being made.")
class RecurringInvoiceStatus(Enum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDED = "ENDED"


@strawberry.enum(description="How often a recurring invoice is made.")
class RecurrenceFrequency(Enum):
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    YEARLY = "YEARLY"


@noun(
    table=TABLE,
    plural="recurringInvoices",
    scope="client_id",
    permission="billing:read",
    default_order="CREATED_AT_DESC",
)
class RecurringInvoice:
    enabled: bool = column()
    status: RecurringInvoiceStatus = column(filtered=True, grouped=True)
    frequency: RecurrenceFrequency = column()
    next_date: Date | None = column(filtered=True)
    end_date: Date | None = column()
    pause_reason: str | None = column()
    client_id: strawberry.ID = column(filtered=True)
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    client = to_one("Client", "client_id")
    invoice = to_one("Invoice", "id", filtered=False)
    periods = to_many("RecurringInvoicePeriod", "recurring_invoice_id")


@noun(table=PERIODS, scope="client_id", permission="billing:read", default_order="PERIOD_DATE_DESC")
class RecurringInvoicePeriod:
    period_date: Date = column(ordered=True)
    created_at: DateTime = column()
    recurring_invoice = to_one("RecurringInvoice", "recurring_invoice_id", filtered=False)
    invoice = to_one("Invoice", "id", filtered=False)


@described(TABLE, "Which invoice is made again, how often and from when on.")
class RecurringInvoiceSetInput:
    id: strawberry.ID
    frequency: RecurrenceFrequency | None = UNSET
    next_date: Date | None = UNSET
    end_date: Date | None = UNSET


@described(TABLE, "Which recurring invoice to pause, and why.")
class RecurringInvoicePauseInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why it is paused: 1 to 2000 characters.")


@described(TABLE, "Which recurring invoice.")
class RecurringInvoiceIdInput:
    id: strawberry.ID


DECLARED = (
    RecurringInvoice,
    RecurringInvoicePeriod,
    Verb("billing.recurring_invoice_set", RecurringInvoiceSetInput, "RecurringInvoice", "billing:write"),
    Verb("billing.recurring_invoice_pause", RecurringInvoicePauseInput, "RecurringInvoice", "billing:write"),
    Verb("billing.recurring_invoice_stop", RecurringInvoiceIdInput, "RecurringInvoice", "billing:write"),
)
