"""Trusted issuers: the identity providers of the organisation's own."""

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_many
from gql.engine.inputs import described
from gql.engine.scalars import JSON, DateTime
from gql.engine.verbs import Verb

TABLE = "iam.trusted_issuers"


@noun(table=TABLE, plural="trustedIssuers", permission="iam:write", default_order="CREATED_AT_ASC", reported=False)
class TrustedIssuer:
    name: str = column()
    issuer: str = column(filtered=True)
    jwks_url: str | None = column()
    role_claim: str = column()
    roles: JSON = column()
    scope_claim: str | None = column()
    is_active: bool = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    people = to_many("ExternalPerson", "issuer_id")


@described(TABLE, "What can be said of a trusted issuer.")
class TrustedIssuerDetails:
    jwks_url: str | None = UNSET
    roles: JSON | None = UNSET
    scope_claim: str | None = UNSET
    is_active: bool | None = UNSET


@described(TABLE, "What a new trusted issuer needs.")
class TrustedIssuerCreateInput(TrustedIssuerDetails):
    name: str
    issuer: str
    role_claim: str | None = UNSET


@described(TABLE, "What changes of a trusted issuer. A field that is left out stays as it is.")
class TrustedIssuerUpdateInput(TrustedIssuerDetails):
    id: strawberry.ID
    name: str | None = UNSET
    role_claim: str | None = UNSET


@described(TABLE, "Which trusted issuer.")
class TrustedIssuerIdInput:
    id: strawberry.ID


DECLARED = (
    TrustedIssuer,
    Verb("iam.trusted_issuer_create", TrustedIssuerCreateInput, "TrustedIssuer", "iam:write"),
    Verb("iam.trusted_issuer_update", TrustedIssuerUpdateInput, "TrustedIssuer", "iam:write"),
    Verb("iam.trusted_issuer_delete", TrustedIssuerIdInput, None, "iam:write"),
)
