"""Who asks: the bearer token of a request, and the context that the database gives its bearer."""

from collections.abc import Coroutine
from typing import Any, Final

from starlette.types import Scope

from gql.database.context import Context
from gql.database.pool import Origin
from gql.errors import ApiError, Code
from gql.http.requests import Given
from gql.iam.issuers.external_tokens import ExternalIdentity, ExternalTokens, Visitor
from gql.iam.tokens.access import Identity, Tokens
from gql.iam.tokens.principals import Principals

LONGEST_USER_AGENT: Final = 300


class Authentication:
    """Turns an Authorization header into a context. The token says who and where; what they may do there is the
    database's to say, anew each time."""

    def __init__(self, tokens: Tokens, principals: Principals, external: ExternalTokens) -> None:
        self._tokens = tokens
        self._principals = principals
        self._external = external

    def identity(self, authorization: bytes | None) -> Identity | Visitor | None:
        """Whoever the header names; a visitor for a token that is none of ours and may be of an issuer that one of our
        organisations trusts; None for a stranger, who sends none. Raises ApiError UNAUTHENTICATED."""
        if authorization is None:
            return None
        scheme, _, credentials = authorization.decode("latin-1").partition(" ")
        token = credentials.strip()
        if scheme.lower() != "bearer" or not token:
            sentence = "The Authorization header should read `Bearer` and an access token, as signIn returns it."
            raise ApiError(Code.UNAUTHENTICATED, sentence, reason="TOKEN_INVALID")
        try:
            return self._tokens.verify(token)
        except ApiError as refusal:
            visitor = self._external.visitor(token) if refusal.reason == "TOKEN_INVALID" else None
            if visitor is None:
                raise
            return visitor

    async def admitted(self, visitor: Visitor) -> Identity:
        """Who the visitor is. Raises ApiError, as `ExternalTokens.verify`."""
        return await self._external.verify(visitor)

    def context(self, identity: Identity) -> Coroutine[Any, Any, Context]:
        """What the database says of them now. Raises ApiError UNAUTHENTICATED when they may not work here any more."""
        if isinstance(identity, ExternalIdentity):
            return self._external.context(identity)
        return self._principals.context(identity)

    async def again(self, identity: Identity) -> Context:
        """The same, without what is remembered of them."""
        return await self._principals.again(identity)


def origin_of(scope: Scope, headers: Given, request_id: str) -> Origin:
    """Where the request came from, for the audit log."""
    client = scope.get("client")
    agent = headers.get(b"user-agent", b"")[:LONGEST_USER_AGENT].decode("latin-1")
    return Origin(request_id=request_id, ip_address=client[0] if client else None, user_agent=agent or None)
