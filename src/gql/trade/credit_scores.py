"""Credit scores: how well a retailer pays, as of a day, and what that was reckoned from."""

import strawberry

from gql.engine.declare import column, noun, to_one
from gql.engine.scalars import Date, DateTime, Decimal
from gql.trade.retailers import RiskCategory
from gql.trade.scopes import OF_NOBODY


@noun(
    table="trade.credit_scores",
    plural="creditScores",
    scope=OF_NOBODY,
    permission="trade:internal",
    default_order="SCORED_ON_DESC",
)
class CreditScore:
    retailer_id: strawberry.ID = column(filtered=True)
    scored_on: Date = column(filtered=True, ordered=True)
    score: int = column(filtered=True, ordered=True)
    risk_category: RiskCategory = column(filtered=True, grouped=True)
    due_orders: int = column()
    on_time_orders: int = column()
    on_time_share: Decimal = column()
    utilisation: Decimal = column()
    tenure_months: int = column()
    volume_percentile: Decimal = column()
    created_at: DateTime = column()
    retailer = to_one("Retailer", "retailer_id")


DECLARED = (CreditScore,)
