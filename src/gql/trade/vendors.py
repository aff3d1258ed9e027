"""Vendors: who sells to the organisation's retailers on credit."""

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_many
from gql.engine.inputs import described
from gql.engine.scalars import JSON, DateTime, Money
from gql.engine.verbs import Verb
from gql.trade.scopes import VENDORS

TABLE = "trade.vendors"


@noun(
    table=TABLE,
    plural="vendors",
    scope=VENDORS,
    permission="trade:read",
    visible="{row}.deleted_at is null",
    default_order="NAME_ASC",
    currency="currency",
)
class Vendor:
    vendor_code: str = column(filtered=True, ordered=True)
    name: str = column(key="name_key", filtered=True, ordered=True)
    contact: str | None = column()
    email: str | None = column()
    phone: str | None = column()
    address: str | None = column()
    currency: str = column()
    is_approved: bool = column(filtered=True)
    suspension_reason: str | None = column(permission="trade:internal")
    credit_limit: Money = column(permission="trade:internal")
    total_sales: Money = column(permission="trade:internal")
    metadata: JSON = column(permission="trade:internal")
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    products = to_many("VendorProduct", "vendor_id")
    credit_lines = to_many("CreditLine", "vendor_id")


@described(TABLE, "What a new vendor needs.")
class VendorCreateInput:
    vendor_code: str
    name: str
    contact: str | None = UNSET
    email: str | None = UNSET
    phone: str | None = UNSET
    address: str | None = UNSET
    currency: str | None = UNSET
    credit_limit: Money | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "What changes of a vendor. A field that is left out stays as it is.")
class VendorUpdateInput:
    id: strawberry.ID
    vendor_code: str | None = UNSET
    name: str | None = UNSET
    contact: str | None = UNSET
    email: str | None = UNSET
    phone: str | None = UNSET
    address: str | None = UNSET
    credit_limit: Money | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "Which vendor.")
class VendorIdInput:
    id: strawberry.ID


@described(TABLE, "The vendor that is suspended, and why.")
class VendorSuspendInput:
    id: strawberry.ID
    reason: str = strawberry.field(description="Why, in 1 to 500 characters.")


DECLARED = (
    Vendor,
    Verb("trade.vendor_create", VendorCreateInput, "Vendor", "trade:write"),
    Verb("trade.vendor_update", VendorUpdateInput, "Vendor", "trade:write"),
    Verb("trade.vendor_approve", VendorIdInput, "Vendor", "trade:write"),
    Verb("trade.vendor_suspend", VendorSuspendInput, "Vendor", "trade:write"),
    Verb("trade.vendor_delete", VendorIdInput, "Vendor", "trade:write"),
)
