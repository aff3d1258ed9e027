"""Tenants: the organisations. Each sees its own profile as `organisation`."""

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun
from gql.engine.inputs import described
from gql.engine.nouns import Single
from gql.engine.scalars import JSON, DateTime
from gql.engine.verbs import Verb

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
    logo: str | None = column()
    currency: str = column()
    time_zone: str = column()
    fiscal_year_start: int = column()
    settings: JSON = column()
    modules: list[str] = column()
    offboard_requested_at: DateTime | None = column(permission="iam:write")
    created_at: DateTime = column()


@described(TABLE, "What changes of the organisation. A field that is left out stays as it is; null empties it.")
class OrganisationUpdateInput:
    name: str | None = UNSET
    email: str | None = UNSET
    phone: str | None = UNSET
    address: str | None = UNSET
    city: str | None = UNSET
    state: str | None = UNSET
    zip_code: str | None = UNSET
    country: str | None = UNSET
    tax_id: str | None = UNSET
    logo: str | None = UNSET
    currency: str | None = UNSET
    time_zone: str | None = UNSET
    fiscal_year_start: int | None = UNSET
    settings: JSON | None = UNSET
    modules: list[str] | None = UNSET


@described(TABLE, "Whether the organisation is to be removed.")
class OrganisationOffboardRequestInput:
    wanted: bool = strawberry.field(description="True to ask for it, false to take that back.")


DECLARED = (
    Organisation,
    Verb("iam.organisation_update", OrganisationUpdateInput, "Organisation", "iam:write"),
    Verb("iam.organisation_offboard_request", OrganisationOffboardRequestInput, "Organisation", "iam:offboard"),
)
