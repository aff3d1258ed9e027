"""External people: who came by an issuer that the organisation trusts, without an account of this house."""

import strawberry

from gql.engine.declare import column, noun
from gql.engine.scalars import DateTime
from gql.iam.memberships import Role


@noun(
    table="iam.external_people",
    plural="externalPeople",
    singular="externalPerson",
    permission="iam:audit",
    default_order="LAST_SEEN_AT_DESC",
    reported=False,
)
class ExternalPerson:
    issuer_id: strawberry.ID = column(filtered=True)
    subject: str = column()
    name: str | None = column()
    email: str | None = column()
    role: Role | None = column()
    last_seen_at: DateTime = column(filtered=True, ordered=True)
    created_at: DateTime = column()


DECLARED = (ExternalPerson,)
