"""Tokens of issuers that an organisation trusts: who comes with one works here without an account in this house.

Such a token names the organisation in its `aud`, which is `<our audience>/<the organisation's id>`: nobody can enter an
issuer for any organisation but their own. What it is good for the database says, and is asked again every ten seconds.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID, uuid5

from gql.database.context import Context
from gql.database.pool import Database
from gql.errors import ApiError, Code
from gql.iam.addresses import is_storable
from gql.iam.issuers.foreign_tokens import Claims, Expired, ForeignTokens, NotBelieved, Seen, look_at
from gql.iam.issuers.key_sets import KeySets, Source
from gql.iam.issuers.remembered import Remembered
from gql.iam.tokens.access import Identity, expired, invalid

LONGEST_LIFE_SECONDS: Final = 3600
REMEMBERED_SECONDS: Final = 10.0
REFUSAL_REMEMBERED_SECONDS: Final = 1.0
REMEMBERED: Final = 10_000
MOST_STRANGERS: Final = 2
"""How many issuers of which nobody has heard may be looked up at once: whoever makes them up waits for themselves."""
LONGEST_ISSUER: Final = 300
LONGEST_NAME: Final = 200

ISSUER: Final = "select id, jwks_url, role_claim, scope_claim from iam.trusted_issuer_of($1, $2)"
# Ids as text: asyncpg would ask the catalog about an array of uuids, on every new connection.
CONTEXT: Final = """
    select role, scope_ids::text[], time_zone, fiscal_year_start, permissions, sees_all
    from iam.external_context($1, $2, $3, $4, $5, $6, $7, $8)
"""

Refused = Literal["NOT_TRUSTED", "NO_ROLE"]


class Visitor(NamedTuple):
    """Somebody with a token that perhaps an issuer of this organisation has issued."""

    seen: Seen
    tenant_id: UUID
    issuer: str


class TrustedIssuer(NamedTuple):
    """An issuer that an organisation trusts."""

    id: UUID
    source: Source
    role_claim: str
    scope_claim: str | None


class Said(NamedTuple):
    """What a verified token says of its person, as far as it counts here."""

    issuer_id: UUID
    subject: str
    name: str | None
    email: str | None
    roles: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentity(Identity):
    """Somebody whom an issuer of the organisation's vouches for."""

    said: Said


class ExternalTokens:
    """Verifies such tokens, and asks what their bearers may do. `clock` tells seconds since 1970, `ticks` seconds."""

    def __init__(
        self,
        database: Database,
        key_sets: KeySets,
        audience: str,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._tokens = ForeignTokens(key_sets, clock=clock)
        self._prefix = f"{audience}/"
        # What is unknown is not remembered: anybody can make up as many issuers as they like.
        self._issuers: Remembered[tuple[UUID, str], TrustedIssuer | None] = Remembered(
            REMEMBERED, lambda issuer: REMEMBERED_SECONDS if issuer else 0, clock=ticks
        )
        # Whoever is let in again should not wait for it; whoever was not must not cost a query at every try.
        self._contexts: Remembered[tuple[UUID, Said], Context | Refused] = Remembered(
            REMEMBERED,
            lambda found: REMEMBERED_SECONDS if isinstance(found, Context) else REFUSAL_REMEMBERED_SECONDS,
            clock=ticks,
        )

    def visitor(self, text: str) -> Visitor | None:
        """Whoever may be behind a token that is none of ours; None where it is not meant for an organisation here."""
        try:
            seen = look_at(text)
        except NotBelieved:
            return None
        audience, issuer = seen.claims.get("aud"), seen.claims.get("iss")
        if not isinstance(audience, str) or not audience.startswith(self._prefix):
            return None
        if not isinstance(issuer, str) or not is_storable(issuer, LONGEST_ISSUER):
            return None
        try:
            tenant_id = UUID(audience.removeprefix(self._prefix))
        except ValueError:
            return None
        return Visitor(seen, tenant_id, issuer)

    async def verify(self, visitor: Visitor) -> ExternalIdentity:
        """Who it is. Raises ApiError: UNAUTHENTICATED TOKEN_INVALID and TOKEN_EXPIRED; UNAVAILABLE ISSUER_AWAY;
        RATE_LIMITED TOO_MANY_STRANGERS."""
        issuer = await self._issuer(visitor.tenant_id, visitor.issuer)
        if issuer is None:
            raise invalid()
        try:
            claims = await self._tokens.verify(
                visitor.seen,
                issuer.source,
                f"{self._prefix}{visitor.tenant_id}",
                issuer=visitor.issuer,
                longest_life=LONGEST_LIFE_SECONDS,
            )
        except Expired:
            raise expired() from None
        except NotBelieved:
            raise invalid() from None
        said = _said(issuer, claims)
        return ExternalIdentity(uuid5(issuer.id, said.subject), visitor.tenant_id, float(claims["exp"]), said=said)

    async def context(self, identity: ExternalIdentity) -> Context:
        """What the server puts on a connection for this person. Raises ApiError UNAUTHENTICATED: MEMBERSHIP_GONE where
        the issuer is not trusted any more, ROLE_NOT_MAPPED where the token names no role that it can give."""
        found = await self._contexts.answer(
            (identity.tenant_id, identity.said), lambda: self._look_up_context(identity)
        )
        if found == "NOT_TRUSTED":
            raise ApiError(
                Code.UNAUTHENTICATED,
                "This organisation does not trust the issuer of your token any more. Ask its administrator.",
                reason="MEMBERSHIP_GONE",
            )
        if found == "NO_ROLE":
            raise ApiError(
                Code.UNAUTHENTICATED,
                "Your token names no role that its issuer can give here, or one that needs a scope without it. Ask "
                "your administrator which claims it should have.",
                reason="ROLE_NOT_MAPPED",
            )
        return found

    async def _issuer(self, tenant_id: UUID, named: str) -> TrustedIssuer | None:
        known = (tenant_id, named)
        if self._issuers.waiting >= MOST_STRANGERS and not self._issuers.knows(known):
            raise ApiError(
                Code.RATE_LIMITED,
                "Too many tokens of unknown issuers come in at present. Wait a moment and try again.",
                reason="TOO_MANY_STRANGERS",
                retry_after=1,
            )

        async def look_up() -> TrustedIssuer | None:
            row = await self._database.ask(ISSUER, tenant_id, named)
            if row is None:
                return None
            issuer_id, jwks_url, role_claim, scope_claim = row
            return TrustedIssuer(issuer_id, Source(named, jwks_url), role_claim, scope_claim)

        return await self._issuers.answer(known, look_up)

    async def _look_up_context(self, identity: ExternalIdentity) -> Context | Refused:
        said = identity.said
        row = await self._database.recognise(
            CONTEXT,
            identity.tenant_id,
            said.issuer_id,
            identity.user_id,
            said.subject,
            said.name,
            said.email,
            list(said.roles),
            list(said.scopes),
        )
        if row is None:
            return "NOT_TRUSTED"
        role, scope_ids, time_zone, fiscal_year_start, permissions, sees_all = row
        if role is None:
            return "NO_ROLE"
        return Context(
            tenant_id=identity.tenant_id,
            user_id=identity.user_id,
            role=role,
            scope_ids=tuple(UUID(scope_id) for scope_id in scope_ids),
            time_zone=time_zone,
            fiscal_year_start=fiscal_year_start,
            permissions=frozenset(permissions),
            is_scoped=not sees_all,
        )


def _said(issuer: TrustedIssuer, claims: Claims) -> Said:
    return Said(
        issuer.id,
        claims["sub"],
        _text(claims.get("name"), LONGEST_NAME),
        _text(claims.get("email"), LONGEST_NAME),
        _texts(claims.get(issuer.role_claim)),
        _texts(claims.get(issuer.scope_claim)) if issuer.scope_claim else (),
    )


def _text(value: Any, longest: int) -> str | None:
    return value[:longest] if isinstance(value, str) and value and is_storable(value[:longest]) else None


def _texts(value: Any) -> tuple[str, ...]:
    """The texts of a claim that is one or several."""
    several = value if isinstance(value, list) else [value]
    return tuple(each for each in several if isinstance(each, str) and is_storable(each))
