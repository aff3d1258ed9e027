"""Ageing: what clients owed at the end of a day, by how long it had been due."""

from enum import Enum

import strawberry

from gql.engine.declare import argument, column, noun, to_one
from gql.engine.nouns import Question
from gql.engine.scalars import Date, Money


@strawberry.enum(description="How many days ago a client had paid last.")
class LastPaymentSpan(Enum):
    DAYS_0_TO_30 = "DAYS_0_TO_30"
    DAYS_31_TO_60 = "DAYS_31_TO_60"
    DAYS_61_TO_90 = "DAYS_61_TO_90"
    OVER_90 = "OVER_90"
    NEVER = "NEVER"


AS_OF = argument("as_of", Date, "The day at whose end it is wanted; today unless said otherwise.", "core.today()")
CURRENCY = "The currency of the line's amounts."
NOT_DUE = "What is not past due: due on that day or later."
PAST_DUE = "What is {} days past due."
OVER_90 = "What is more than 90 days past due."
TOTAL = "The five together: what is to be paid of invoices, less what is unapplied. Below zero it is credit."
UNAPPLIED = "What the five hold of payments and credit notes that stand on no invoice: zero or less."


@noun(
    table="billing.ageing({as_of})",
    scope="client_id",
    permission="billing:read",
    question=Question("ageing", (AS_OF,), numbered_by="line"),
)
class AgeingLine:
    client_id: strawberry.ID = column(description="The client.")
    currency: str = column(description=CURRENCY)
    not_due: Money = column(description=NOT_DUE)
    days_1_to_30: Money = column(description=PAST_DUE.format("1 to 30"))
    days_31_to_60: Money = column(description=PAST_DUE.format("31 to 60"))
    days_61_to_90: Money = column(description=PAST_DUE.format("61 to 90"))
    over_90: Money = column(description=OVER_90)
    total: Money = column(description=TOTAL)
    unapplied: Money = column(description=UNAPPLIED)
    last_payment_date: Date | None = column(
        description="The day of the client's last payment in this currency by then: confirmed and not given back."
    )
    client = to_one("Client", "client_id", filtered=False)


@noun(
    table="billing.ageing_totals({as_of})",
    permission="billing:read",
    question=Question("ageingTotals", (AS_OF,), numbered_by="line"),
)
class AgeingTotal:
    currency: str = column(description=CURRENCY)
    client_count: int = column(description="How many clients the line is of.")
    not_due: Money = column(description=NOT_DUE)
    days_1_to_30: Money = column(description=PAST_DUE.format("1 to 30"))
    days_31_to_60: Money = column(description=PAST_DUE.format("31 to 60"))
    days_61_to_90: Money = column(description=PAST_DUE.format("61 to 90"))
    over_90: Money = column(description=OVER_90)
    total: Money = column(description=TOTAL)
    unapplied: Money = column(description=UNAPPLIED)


@noun(
    table="billing.ageing_by_last_payment({as_of})",
    permission="billing:read",
    question=Question("ageingByLastPayment", (AS_OF,), numbered_by="line"),
)
class LastPaymentAgeing:
    currency: str = column(description=CURRENCY)
    last_payment: LastPaymentSpan = column(description="How many days before that day the clients had paid last.")
    client_count: int = column(description="How many clients the line is of.")
    total: Money = column(description="What they owed together, less their credit.")


DECLARED = (AgeingLine, AgeingTotal, LastPaymentAgeing)
