"""The figures of each month, reckoned ahead."""

from gql.engine.declare import argument, column, noun
from gql.engine.nouns import Question
from gql.engine.scalars import Date, DateTime, Money

VIEW = "billing.revenue_months"
REVENUE_MONTHS = Question(
    "revenueMonths",
    (
        argument(
            "from",
            Date,
            "A day of the first month; the eleventh before this one unless said otherwise.",
            "(core.today() - interval '11 months')::date",
        ),
        argument("to", Date, "A day of the last month; this one unless said otherwise.", "core.today()"),
    ),
    numbered_by="line",
)


@noun(
    table="billing.revenue_reckoned({from}, {to})",
    described_by=VIEW,
    permission="billing:internal",
    question=REVENUE_MONTHS,
)
class ReckonedMonth:
    month: Date = column()
    currency: str = column()
    billed: Money = column()
    paid: Money = column()
    cash: Money = column()
    refunded: Money = column()
    credited: Money = column()
    as_of: DateTime = column()


DECLARED = (ReckonedMonth,)
