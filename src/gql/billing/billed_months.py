"""What was billed in each month: a report that is reckoned ahead."""

from gql.engine.declare import argument, column, noun
from gql.engine.nouns import Question
from gql.engine.scalars import Date, DateTime, Money

VIEW = "billing.billed_months"
MONTHS_BILLED = Question(
    "monthsBilled",
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
    table="billing.months_billed({from}, {to})",
    described_by=VIEW,
    permission="billing:internal",
    question=MONTHS_BILLED,
)
class BilledMonth:
    month: Date = column()
    currency: str = column()
    invoice_count: int = column()
    billed: Money = column()
    as_of: DateTime = column()


DECLARED = (BilledMonth,)
