"""Retailers: who buys from vendors on credit."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import answers, column, noun, to_many
from gql.engine.inputs import described
from gql.engine.scalars import JSON, DateTime, Money
from gql.engine.verbs import Verb
from gql.trade.scopes import RETAILERS

TABLE = "trade.retailers"


@strawberry.enum(description="How likely a retailer is not to pay, by its credit score.")
class RiskCategory(Enum):
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


@noun(
    table=TABLE,
    plural="retailers",
    scope=RETAILERS,
    permission="trade:read",
    visible="{row}.deleted_at is null",
    default_order="NAME_ASC",
    currency="currency",
)
class Retailer:
    retailer_code: str = column(filtered=True, ordered=True)
    name: str = column(key="name_key", filtered=True, ordered=True)
    phone: str | None = column(filtered=True)
    email: str | None = column()
    address: str | None = column()
    currency: str = column(grouped=True)
    credit_score: int = column(filtered=True, ordered=True)
    risk_category: RiskCategory = column(filtered=True, grouped=True)
    last_order_at: DateTime | None = column(filtered=True)
    outstanding_debt: Money = column(minor="outstanding_debt_minor", filtered=True, ordered=True, aggregated=True)
    available_credit: Money = column()
    metadata: JSON = column(permission="trade:internal")
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    credit_lines = to_many("CreditLine", "retailer_id")
    scores = to_many("CreditScore", "retailer_id")
    stats = answers("RetailerStats", retailer="id")


@described(TABLE, "What a new retailer needs.")
class RetailerCreateInput:
    retailer_code: str
    name: str
    phone: str | None = UNSET
    email: str | None = UNSET
    address: str | None = UNSET
    currency: str | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "What changes of a retailer. A field that is left out stays as it is.")
class RetailerUpdateInput:
    id: strawberry.ID
    retailer_code: str | None = UNSET
    name: str | None = UNSET
    phone: str | None = UNSET
    email: str | None = UNSET
    address: str | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "Which retailer.")
class RetailerIdInput:
    id: strawberry.ID


DECLARED = (
    Retailer,
    Verb("trade.retailer_create", RetailerCreateInput, "Retailer", "trade:write"),
    Verb("trade.retailer_update", RetailerUpdateInput, "Retailer", "trade:write"),
    Verb("trade.retailer_delete", RetailerIdInput, "Retailer", "trade:write"),
)
