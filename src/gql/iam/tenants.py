"""Tenants: the organisations. Each sees its own profile as `organisation`."""

from gql.engine.declare import column, noun
from gql.engine.scalars import DateTime

SOURCE = "iam.organisation()"


@noun(table=SOURCE, described_by="iam.tenants", single=("organisation", "true"), permission="iam:read")
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
    created_at: DateTime = column()


DECLARED = (Organisation,)
