"""Sessions: where somebody is signed in, and how that goes on when an access token has expired.

A refresh token is exchanged once for the next. The next follows from it by a key of the house, so that who asks twice
at once, or has lost the answer, gets the same one again, although only hashes are kept.
"""

import base64
from typing import Final, NamedTuple
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.database.pool.standing import origin_values
from gql.errors import ApiError, Code
from gql.iam.addresses import is_storable
from gql.iam.keys.secrets import Secrets, new_token, token_hash
from gql.iam.tokens.access import IssuedToken, Tokens
from gql.iam.tokens.principals import tenant_suspended

BEGIN: Final = "select iam.session_begin($1, $2, $3, $4, $5, $6, $7)"
REFRESH: Final = "select * from iam.session_refresh($1, $2, $3, $4, $5)"
SWITCH: Final = "select * from iam.session_switch($1, $2, $3, $4, $5, $6)"
END: Final = "select iam.session_end($1, $2, $3, $4, $5, $6)"
PURPOSE: Final = "refresh token"
LONGEST: Final = 200


class Organisation(NamedTuple):
    """An organisation that somebody may work in."""

    tenant_id: UUID
    slug: str
    name: str


class SignedIn(NamedTuple):
    """What somebody who is signed in holds, and where they now work. Switching leaves the refresh token as it is."""

    session_id: UUID
    access: IssuedToken
    refresh: str | None
    organisation: Organisation


class Sessions:
    """Begins, goes on with and ends the sessions of people."""

    def __init__(self, database: Database, tokens: Tokens, secrets: Secrets) -> None:
        self._database = database
        self._tokens = tokens
        self._secrets = secrets

    async def begin(
        self, user_id: UUID, organisation: Organisation, origin: Origin, method: str | None = None
    ) -> SignedIn:
        """A new session of somebody who has shown who they are; by what, where the log should tell (`method`)."""
        refresh = new_token()
        async with self._database.nobody() as connection:
            session_id = await connection.fetchval(
                BEGIN, user_id, organisation.tenant_id, token_hash(refresh), *told_of(origin), method
            )
        return self._signed_in(user_id, session_id, organisation, refresh)

    async def refresh(self, token: str, origin: Origin) -> SignedIn:
        """Go on with the session of this refresh token.

        Raises ApiError UNAUTHENTICATED: SESSION_ENDED for one that is unknown, over or ended; TOKEN_REUSED for a token
        that was exchanged before, which ends its session; TENANT_SUSPENDED where it is good, but not at present.
        """
        if len(token) > LONGEST:
            raise _session_ended()
        successors = [_as_token(digest) for digest in self._secrets.digests(PURPOSE, token)]
        async with self._database.nobody() as connection:
            row = await connection.fetchrow(
                REFRESH, token_hash(token), [token_hash(each) for each in successors], *told_of(origin)
            )
        assert row is not None
        if row["outcome"] == "REUSED":
            raise ApiError(
                Code.UNAUTHENTICATED,
                "This refresh token was used before: somebody else may hold it, so the session has been ended. Sign in "
                "again.",
                reason="TOKEN_REUSED",
            )
        if row["outcome"] == "SUSPENDED":
            raise tenant_suspended()
        if row["outcome"] != "REFRESHED":
            raise _session_ended()
        organisation = Organisation(row["organisation_id"], row["slug"], row["name"])
        return self._signed_in(row["user_id"], row["session_id"], organisation, successors[row["successor"] - 1])

    async def switch(self, user_id: UUID, session_id: UUID, slug: str, origin: Origin) -> SignedIn:
        """Work in another organisation from now on.

        Raises ApiError BAD_USER_INPUT ORGANISATION_UNKNOWN, the same for one that does not exist and for one that they
        do not belong to.
        """
        if not is_storable(slug):
            raise organisation_unknown()
        async with self._database.nobody() as connection:
            row = await connection.fetchrow(SWITCH, session_id, user_id, slug, *told_of(origin))
        if row is None:
            raise organisation_unknown()
        return self._signed_in(user_id, session_id, Organisation(*row), None)

    async def end(self, user_id: UUID, session_id: UUID | None, why: str, origin: Origin) -> int:
        """End one session of this person, or all of them. Answers how many."""
        async with self._database.nobody() as connection:
            return int(await connection.fetchval(END, user_id, session_id, why, *told_of(origin)))

    def _signed_in(self, user_id: UUID, session_id: UUID, organisation: Organisation, refresh: str | None) -> SignedIn:
        access = self._tokens.issue(user_id, organisation.tenant_id, session_id)
        return SignedIn(session_id, access, refresh, organisation)


def organisation_unknown() -> ApiError:
    return ApiError(
        Code.BAD_USER_INPUT,
        "You belong to no organisation of this short name. Leave it out to sign in to one that you belong to.",
        reason="ORGANISATION_UNKNOWN",
        field="input.organisation",
    )


def told_of(origin: Origin) -> tuple[str | None, str | None, str]:
    """What the log keeps of where a request came from: address, program, request id."""
    request_id, ip_address, user_agent = origin_values(origin)
    return ip_address or None, user_agent or None, request_id


def _as_token(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _session_ended() -> ApiError:
    return ApiError(Code.UNAUTHENTICATED, "This session is over. Sign in again.", reason="SESSION_ENDED")
