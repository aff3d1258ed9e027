"""How much each retailer has bought, reckoned ahead."""

import strawberry

from gql.engine.declare import argument, column, noun, to_one
from gql.engine.nouns import Question
from gql.engine.scalars import DateTime, Money
from gql.trade.scopes import RETAILERS_ROWS

VIEW = "trade.retailer_stats"
RETAILER_STATS = Question(
    "retailerStats",
    (argument("retailer", strawberry.ID, "The retailer; all of them unless one is named.", "null"),),
    numbered_by="line",
)


@noun(
    table="trade.retailer_stats_reckoned({retailer})",
    described_by=VIEW,
    scope=RETAILERS_ROWS,
    permission="trade:read",
    question=RETAILER_STATS,
)
class RetailerStats:
    retailer_id: strawberry.ID = column()
    currency: str = column()
    total_orders: int = column()
    total_spent: Money = column()
    avg_order_value: Money = column()
    as_of: DateTime = column()
    retailer = to_one("Retailer", "retailer_id", nullable=True, filtered=False)


DECLARED = (RetailerStats,)
