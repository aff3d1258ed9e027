"""Revenue and its collection by month, and how long payments take."""

import strawberry

from gql.engine.declare import argument, column, noun, to_one
from gql.engine.nouns import Question
from gql.engine.scalars import Date, Decimal, Money

MONTHS = (
    argument(
        "from",
        Date,
        "A day of the first month; the eleventh before this one unless said otherwise.",
        "(core.today() - interval '11 months')::date",
    ),
    argument("to", Date, "A day of the last month; this one unless said otherwise.", "core.today()"),
)
DAYS = (
    argument(
        "from",
        Date,
        "The first day; thirty days ago unless said otherwise.",
        "core.today() - 30",
    ),
    argument("to", Date, "The last day; today unless said otherwise.", "core.today()"),
)
MONTH = "The first day of the month. Its days are days in the organisation's time zone."
CURRENCY = "The currency of the line's amounts."
BILLED = "The totals of the invoices issued under a day of the month, less those that are void."
CASH = (
    "The confirmed payments received in the month, less those that were reversed since. Payments alone: credit notes do"
    " not count, and what was given back is told apart, as refunded."
)


@noun(
    table="billing.revenue({from}, {to})",
    permission="billing:read",
    question=Question("revenueByMonth", MONTHS, numbered_by="line"),
)
class RevenueMonth:
    month: Date = column(description=MONTH)
    currency: str = column(description=CURRENCY)
    billed: Money = column(description=BILLED)
    paid: Money = column(
        description="The totals of the invoices of which nothing was left to pay from a day of the month on."
    )
    cash: Money = column(description=CASH)
    refunded: Money = column(description="What was given back of payments in the month, whenever they were received.")
    credited: Money = column(description="The totals of the credit notes issued under a day of the month.")


@noun(
    table="billing.collections({from}, {to})",
    permission="billing:read",
    question=Question("collectionByMonth", MONTHS, numbered_by="line"),
)
class CollectionMonth:
    month: Date = column(description=MONTH)
    currency: str = column(description=CURRENCY)
    billed: Money = column(description=BILLED)
    collected: Money = column(description=CASH)
    collection_rate: Decimal | None = column(
        description="Collected divided by billed, to four decimals; empty where nothing was billed."
    )
    receivable: Money = column(
        description="What was to be paid of invoices at the end of the month, or of today in the running one. Unapplied"
        " payments are not taken off."
    )
    days: int = column(description="How many days the month has; of the running one, up to today.")
    days_sales_outstanding: Decimal | None = column(
        description="Receivable at the end ÷ billed in the month × its days, to two decimals; empty where nothing was"
        " billed. The standard formula of the Credit Research Foundation, with the month as its period."
    )


@noun(
    table="billing.processing_times({from}, {to})",
    permission="billing:read",
    question=Question("processingTimes", DAYS, numbered_by="line"),
)
class ProcessingTime:
    method_id: strawberry.ID = column(description="The payment method.")
    payment_count: int = column(description="How many payments were measured.")
    failed_count: int = column(description="How many of them failed and were not tried again.")
    p50: Decimal = column(description="The milliseconds that half of them took at most: the median.")
    p95: Decimal = column(description="The milliseconds that 95 in 100 of them took at most.")
    p99: Decimal = column(description="The milliseconds that 99 in 100 of them took at most.")
    method = to_one("PaymentMethod", "method_id", nullable=True, filtered=False)


DECLARED = (RevenueMonth, CollectionMonth, ProcessingTime)
