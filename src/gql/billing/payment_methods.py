"""Payment methods: the ways in which clients pay."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun
from gql.engine.inputs import described
from gql.engine.scalars import JSON, DateTime
from gql.engine.verbs import Verb

TABLE = "billing.payment_methods"


@strawberry.enum(description="What kind of payment method it is.")
class PaymentMethodCategory(Enum):
    TRADITIONAL = "TRADITIONAL"
    MOBILE = "MOBILE"
    CRYPTO = "CRYPTO"
    DIGITAL = "DIGITAL"


@noun(table=TABLE, plural="paymentMethods", permission="billing:internal", default_order="METHOD_NAME_ASC")
class PaymentMethod:
    method_name: str = column(key="method_name_key", filtered=True, ordered=True)
    display_name: str = column()
    icon: str | None = column()
    category: PaymentMethodCategory = column(filtered=True, grouped=True)
    processing_minutes: int = column()
    is_active: bool = column(filtered=True)
    requires_reference: bool = column()
    metadata: JSON = column()
    created_at: DateTime = column()
    updated_at: DateTime = column()


@described(TABLE, "What can be said of a payment method.")
class PaymentMethodDetails:
    icon: str | None = UNSET
    processing_minutes: int | None = UNSET
    is_active: bool | None = UNSET
    requires_reference: bool | None = UNSET
    metadata: JSON | None = UNSET


@described(TABLE, "What a new payment method needs.")
class PaymentMethodCreateInput(PaymentMethodDetails):
    method_name: str
    display_name: str
    category: PaymentMethodCategory


@described(TABLE, "What changes of a payment method. A field that is left out stays as it is.")
class PaymentMethodUpdateInput(PaymentMethodDetails):
    id: strawberry.ID
    display_name: str | None = UNSET
    category: PaymentMethodCategory | None = UNSET


DECLARED = (
    PaymentMethod,
    Verb("billing.payment_method_create", PaymentMethodCreateInput, "PaymentMethod", "billing:write"),
    Verb("billing.payment_method_update", PaymentMethodUpdateInput, "PaymentMethod", "billing:write"),
)
