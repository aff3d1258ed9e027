"""Statements of account: what a client was sent, what it paid, and what it owed after each."""

from enum import Enum

import strawberry

from gql.engine.declare import argument, column, noun, to_one
from gql.engine.nouns import Question
from gql.engine.scalars import Date, Money


@strawberry.enum(description="What a line of a client's statement tells.")
class ClientStatementKind(Enum):
    OPENING_BALANCE = "OPENING_BALANCE"
    INVOICE = "INVOICE"
    VOID = "VOID"
    WRITE_OFF = "WRITE_OFF"
    CREDIT_NOTE = "CREDIT_NOTE"
    PAYMENT = "PAYMENT"
    REFUND = "REFUND"
    REVERSAL = "REVERSAL"
    CLOSING_BALANCE = "CLOSING_BALANCE"


STATEMENT = Question(
    None,
    (
        argument("client", strawberry.ID, "The client."),
        argument("from", Date, "The first day; the beginning unless said otherwise.", "'1900-01-01'::date"),
        argument("to", Date, "The last day; today unless said otherwise.", "core.today()"),
    ),
    numbered_by="line",
)


@noun(table="billing.statement({client}, {from}, {to})", permission="billing:read", question=STATEMENT)
class ClientStatementLine:
    kind: ClientStatementKind = column(description="What the line tells.")
    effective_date: Date = column(description="The day from which it counts.")
    number: str | None = column(
        description="The number of the invoice or credit note, or the reference of the payment."
    )
    description: str | None = column(description="What happened, in words.")
    currency: str = column(description="The currency of the line's amounts.")
    amount: Money | None = column(
        description="By how much the client owes more; below zero, less. Empty for the balances at both ends."
    )
    balance: Money = column(description="What the client owes after it in this currency; below zero, its credit.")
    invoice_id: strawberry.ID | None = column(description="The invoice, where it is of one.")
    payment_id: strawberry.ID | None = column(description="The payment, where it is of one.")
    credit_note_id: strawberry.ID | None = column(description="The credit note, where it is of one.")
    invoice = to_one("Invoice", "invoice_id", nullable=True, filtered=False)
    payment = to_one("Payment", "payment_id", nullable=True, filtered=False)
    credit_note = to_one("CreditNote", "credit_note_id", nullable=True, filtered=False)


DECLARED = (ClientStatementLine,)
