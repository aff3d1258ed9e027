"""Tenants: the organisations. Each sees its own profile as `organisation`."""

import strawberry

from gql.engine.declare import column, noun
from gql.engine.inputs import described
from gql.engine.nouns import Single, Verb
from gql.engine.scalars import DateTime

SOURCE = "iam.organisation()"
TABLE = "iam.tenants"


@noun(table=SOURCE, described_by=TABLE, single=Single("organisation", "true"), permission="iam:read")
class Organisation:
    slug: str = column()
    name: str = column()
    email: str | None = column()
    phone: str | None = column()
    address: str | None = column()
    city: str | None = column()
    state: str | None = column()
    zip_code: str | None = column()
    country: str | None = column()
    tax_id: str | None = column()
    currency: str = column()
    time_zone: str = column()
    fiscal_year_start: int = column()
    offboard_requested_at: DateTime | None = column(permission="iam:write")
    created_at: DateTime = column()


@described(TABLE, "Whether the organisation is to be removed.")
class OrganisationOffboardRequestInput:
    wanted: bool = strawberry.field(description="True to ask for it, false to take that back.")


DECLARED = (
    Organisation,
    Verb("iam.organisation_offboard_request", OrganisationOffboardRequestInput, "Organisation", "iam:offboard"),
)
