"""What retailers owe today, by how long it has been due; and all of trade on one page."""

import strawberry

from gql.engine.declare import column, noun, to_one
from gql.engine.nouns import Question
from gql.engine.scalars import Money

CURRENCY = "The currency of the line's amounts."
PAST_DUE = "What is {} days past due."
ORDERS = "How many orders are {}."
ALL_BUT_OTHERS = {"retailer": "retailer_id", "vendor": "{row}.retailer_id is not null"}
"""To a vendor every retailer may owe something; how much of it is theirs, the policies say."""


@noun(
    table="trade.ageing()",
    scope=ALL_BUT_OTHERS,
    permission="trade:read",
    question=Question("tradeAgeing", (), numbered_by="line"),
)
class TradeAgeingLine:
    retailer_id: strawberry.ID = column(description="The retailer.")
    currency: str = column(description=CURRENCY)
    not_due: Money = column(description="What is not past due: due today or later.")
    days_1_to_30: Money = column(description=PAST_DUE.format("1 to 30"))
    days_31_to_60: Money = column(description=PAST_DUE.format("31 to 60"))
    days_61_to_90: Money = column(description=PAST_DUE.format("61 to 90"))
    over_90: Money = column(description="What is more than 90 days past due.")
    total: Money = column(description="The five together: what is still to be paid of delivered orders.")
    overdue: Money = column(description="The four of them that are past due.")
    debt: Money = column(
        description="What it owes by its lines: more by what was adjusted, less by what it paid that pays no order yet."
    )
    retailer = to_one("Retailer", "retailer_id", nullable=True, filtered=False)


@noun(
    table="trade.totals()",
    permission="trade:read",
    question=Question("tradeTotals", (), numbered_by="line"),
)
class TradeTotal:
    currency: str = column(description=CURRENCY)
    draft_orders: int = column(description=ORDERS.format("DRAFT"))
    placed_orders: int = column(description=ORDERS.format("PLACED"))
    confirmed_orders: int = column(description=ORDERS.format("CONFIRMED"))
    shipped_orders: int = column(description=ORDERS.format("SHIPPED"))
    delivered_orders: int = column(description=ORDERS.format("DELIVERED"))
    cancelled_orders: int = column(description=ORDERS.format("CANCELLED"))
    returned_orders: int = column(description=ORDERS.format("RETURNED"))
    expired_orders: int = column(description=ORDERS.format("EXPIRED"))
    debt: Money = column(
        description="What retailers owe on their lines together; below zero where they have paid too much."
    )
    held: Money = column(description="What placed orders hold of the lines.")
    overdue: Money = column(description="What is still to be paid of delivered orders whose due date has passed.")
    low_products: int = column(description="How many products of vendors run low.")
    unread_messages: int = column(
        permission="trade:internal",
        description="How many messages wait to be read, in all currencies: the same on each line.",
    )


DECLARED = (TradeAgeingLine, TradeTotal)
