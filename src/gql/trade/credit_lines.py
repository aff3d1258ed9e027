"""Credit lines: how much a retailer may owe a vendor."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import DateTime, Money
from gql.engine.verbs import Verb
from gql.trade.scopes import OF_BOTH

TABLE = "trade.credit_lines"


@strawberry.enum(description="Whether orders may be placed on a line.")
class CreditLineState(Enum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


@noun(
    table=TABLE,
    plural="creditLines",
    scope=OF_BOTH,
    permission="trade:read",
    default_order="CREATED_AT_DESC",
    currency="currency",
)
class CreditLine:
    retailer_id: strawberry.ID = column(filtered=True)
    vendor_id: strawberry.ID = column(filtered=True)
    currency: str = column(grouped=True)
    terms_days: int = column()
    state: CreditLineState = column(filtered=True, grouped=True)
    state_reason: str | None = column()
    credit_limit: Money = column()
    debt: Money = column(minor="debt_minor", filtered=True, ordered=True, aggregated=True)
    held: Money = column()
    available: Money = column(minor="available_minor", filtered=True, ordered=True)
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    retailer = to_one("Retailer", "retailer_id", nullable=True)
    vendor = to_one("Vendor", "vendor_id", nullable=True)


@described(TABLE, "The line of a retailer with a vendor: opened where there is none, changed where there is.")
class CreditLineSetInput:
    retailer_id: strawberry.ID
    vendor_id: strawberry.ID
    credit_limit: Money | None = UNSET
    terms_days: int | None = UNSET


@described(TABLE, "The line that is suspended, and why.")
class CreditLineSuspendInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why, in 1 to 500 characters.")


@described(TABLE, "Which line.")
class CreditLineIdInput:
    id: strawberry.ID


DECLARED = (
    CreditLine,
    Verb("trade.credit_line_set", CreditLineSetInput, "CreditLine", "trade:write"),
    Verb("trade.credit_line_suspend", CreditLineSuspendInput, "CreditLine", "trade:write"),
    Verb("trade.credit_line_resume", CreditLineIdInput, "CreditLine", "trade:write"),
)
