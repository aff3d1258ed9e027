"""Invoice messages: the e-mails by which invoices are sent."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import DateTime
from gql.engine.verbs import Verb

TABLE = "billing.invoice_messages"


@strawberry.enum(description="How far an e-mail has come.")
class InvoiceMessageStatus(Enum):
    WAITING = "WAITING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    BOUNCED = "BOUNCED"


@strawberry.enum(description="What a mail provider tells of an e-mail.")
class InvoiceEmailEvent(Enum):
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    BOUNCED = "BOUNCED"


@noun(
    table=TABLE,
    plural="invoiceMessages",
    scope="client_id",
    permission="billing:read",
    default_order="CREATED_AT_DESC",
)
class InvoiceMessage:
    status: InvoiceMessageStatus = column(filtered=True, grouped=True)
    recipient: str = column()
    subject: str = column()
    text: str = column()
    attempts: int = column()
    next_try_at: DateTime = column()
    sent_at: DateTime | None = column()
    delivered_at: DateTime | None = column()
    opened_at: DateTime | None = column()
    bounced_at: DateTime | None = column()
    bounce_reason: str | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    invoice = to_one("Invoice", "invoice_id")


@described(TABLE, "Which invoice to send, and where.")
class InvoiceSendInput:
    id: strawberry.ID
    recipient: str | None = strawberry.field(
        default=UNSET, description="An e-mail address other than the client's or its primary contact's."
    )
    greeting: str | None = strawberry.field(
        default=UNSET, description="What the e-mail says before the invoice: up to 5000 characters."
    )


@described(TABLE, "Which invoice, and what became of its e-mail.")
class InvoiceEmailEventInput:
    id: strawberry.ID
    event: InvoiceEmailEvent = strawberry.field(description="What became of it.")
    message_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Which of the invoice's messages; the last one sent where it is left out."
    )
    reason: str | None = strawberry.field(default=UNSET, description="Why it came back: 1 to 2000 characters.")


DECLARED = (
    InvoiceMessage,
    Verb("billing.invoice_send", InvoiceSendInput, "Invoice", "billing:write"),
    Verb("billing.invoice_email_event", InvoiceEmailEventInput, "Invoice", "billing:write"),
)
