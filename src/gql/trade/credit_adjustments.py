"""Credit adjustments: changes of a line's debt that one person asks for and another decides."""

from enum import Enum

import strawberry

from gql.engine.declare import column, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import DateTime, Money
from gql.engine.verbs import Verb
from gql.trade.scopes import OF_NOBODY

TABLE = "trade.credit_adjustments"


@strawberry.enum(description="Which way an adjustment moves the debt of a line, and why it does.")
class CreditAdjustmentKind(Enum):
    CREDIT = "CREDIT"
    DEBIT = "DEBIT"
    WRITE_OFF = "WRITE_OFF"


@strawberry.enum(description="What became of an adjustment.")
class CreditAdjustmentState(Enum):
    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"


@noun(
    table=TABLE,
    plural="creditAdjustments",
    scope=OF_NOBODY,
    permission="trade:read",
    default_order="CREATED_AT_DESC",
)
class CreditAdjustment:
    credit_line_id: strawberry.ID = column(filtered=True)
    retailer_id: strawberry.ID = column(filtered=True)
    vendor_id: strawberry.ID = column(filtered=True)
    kind: CreditAdjustmentKind = column()
    amount: Money = column()
    currency: str = column()
    reason: str = column()
    state: CreditAdjustmentState = column(filtered=True, grouped=True)
    decided_at: DateTime | None = column()
    decided_by: strawberry.ID | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    created_by: strawberry.ID | None = column()
    credit_line = to_one("CreditLine", "credit_line_id")
    retailer = to_one("Retailer", "retailer_id")
    vendor = to_one("Vendor", "vendor_id")


@described(TABLE, "By how much the debt of a line should change, and why.")
class CreditAdjustInput:
    credit_line_id: strawberry.ID
    kind: CreditAdjustmentKind
    amount: Money
    reason: str


@described(TABLE, "How much of a line's debt will not be paid, and why.")
class CreditWriteOffInput:
    credit_line_id: strawberry.ID
    amount: Money
    reason: str


@described(TABLE, "Which adjustment.")
class CreditAdjustmentIdInput:
    id: strawberry.ID


DECLARED = (
    CreditAdjustment,
    Verb("trade.credit_adjust", CreditAdjustInput, "CreditAdjustment", "trade:write"),
    Verb("trade.credit_write_off", CreditWriteOffInput, "CreditAdjustment", "trade:write"),
    Verb("trade.credit_adjustment_approve", CreditAdjustmentIdInput, "CreditAdjustment", "trade:write"),
    Verb("trade.credit_adjustment_decline", CreditAdjustmentIdInput, "CreditAdjustment", "trade:write"),
)
