"""Memberships: who belongs to the organisation, and in which role."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun
from gql.engine.inputs import described
from gql.engine.nouns import Single
from gql.engine.scalars import DateTime
from gql.engine.verbs import Verb

TABLE = "iam.memberships"


@strawberry.enum(description="What a person may do in an organisation.")
class Role(Enum):
    OWNER = "owner"
    ADMIN = "admin"
    ACCOUNTANT = "accountant"
    OPERATOR = "operator"
    VIEWER = "viewer"
    MEMBER = "member"
    VENDOR = "vendor"
    RETAILER = "retailer"
    BUSINESS = "business"
    INVESTOR = "investor"


@noun(
    table=TABLE,
    plural="memberships",
    single=Single(
        "me",
        "{row}.user_id = core.user_id()",
        "Your own place in the organisation. Null for whoever has none: an app, and who comes by a trusted issuer.",
    ),
    permission="iam:read",
    default_order="CREATED_AT_ASC",
)
class Membership:
    user_id: strawberry.ID = column()
    role: Role = column(filtered=True)
    user_name: str = column()
    user_email: str | None = column()
    user_phone: str | None = column()
    is_active: bool = column()
    created_at: DateTime = column(filtered=True, ordered=True)


@described(TABLE, "What changes of a membership. A field that is left out stays as it is.")
class MembershipUpdateInput:
    id: strawberry.ID
    role: Role | None = UNSET
    scope_ids: list[strawberry.ID] | None = UNSET
    is_active: bool | None = UNSET


DECLARED = (
    Membership,
    Verb("iam.membership_update", MembershipUpdateInput, "Membership", "iam:members"),
)
