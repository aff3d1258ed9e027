"""Signing in with an e-mail address and a password."""

import json
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.database.pool.standing import origin_values
from gql.errors import ApiError, Code
from gql.iam import passwords as rules
from gql.iam.passwords import Passwords
from gql.iam.tokens import IssuedToken, Tokens

LOOK_UP: Final = "select user_id, password_hash, memberships from iam.sign_in_lookup($1)"
RECORD: Final = "select iam.signed_in($1, $2, $3, $4, $5)"
LONGEST_EMAIL: Final = 254


class Organisation(NamedTuple):
    """An organisation that somebody may work in."""

    tenant_id: UUID
    slug: str
    name: str


class Account(NamedTuple):
    """Somebody who may sign in, with the organisations to choose from."""

    user_id: UUID
    password_hash: str | None
    organisations: tuple[Organisation, ...]


class SignedIn(NamedTuple):
    """The token of somebody who has signed in, and where they now work."""

    token: IssuedToken
    organisation: Organisation


@dataclass(frozen=True, slots=True)
class Services:
    """What the resolvers written in Python need: they find it as `info.context.services`."""

    database: Database
    tokens: Tokens
    passwords: Passwords

    async def sign_in(self, email: str, password: str, slug: str | None, origin: Origin) -> SignedIn:
        """Sign somebody in to the organisation with this short name, or to the first of theirs by name.

        Raises ApiError: UNAUTHENTICATED CREDENTIALS_INVALID, the same for an address that is unknown or closed and for
        a wrong password, and as slowly; BAD_USER_INPUT ORGANISATION_UNKNOWN, the same for one that does not exist and
        one that they do not belong to; FORBIDDEN NO_ORGANISATION for who belongs to none; RATE_LIMITED SIGN_IN_BUSY.
        """
        if len(password) > rules.LONGEST:
            raise _credentials_invalid()
        # The turn comes first, so that guessers wait in its queue and not in that of the connections; and no connection
        # is held during the slow part.
        async with self.passwords.turn() as turn:
            account = await self._look_up(email)
            is_right = await turn.verify(account and account.password_hash, password)
        if account is None or not is_right:
            raise _credentials_invalid()
        organisation = _choose(account.organisations, slug)
        await self._record(account.user_id, organisation.tenant_id, origin)
        return SignedIn(self.tokens.issue(account.user_id, organisation.tenant_id), organisation)

    async def _look_up(self, email: str) -> Account | None:
        if not _may_be_known(email):
            return None
        async with self.database.nobody() as connection:
            row = await connection.fetchrow(LOOK_UP, email.strip())
        if row is None:
            return None
        memberships: list[dict[str, Any]] = json.loads(row["memberships"])
        return Account(
            row["user_id"],
            row["password_hash"],
            tuple(Organisation(UUID(each["tenant_id"]), each["slug"], each["name"]) for each in memberships),
        )

    async def _record(self, user_id: UUID, tenant_id: UUID, origin: Origin) -> None:
        request_id, ip_address, user_agent = origin_values(origin)
        async with self.database.nobody() as connection:
            await connection.execute(RECORD, user_id, tenant_id, ip_address or None, user_agent or None, request_id)


def _may_be_known(email: str) -> bool:
    """Whether PostgreSQL can be asked about this text at all: it takes neither NUL nor half a surrogate pair."""
    return len(email) <= LONGEST_EMAIL and "\0" not in email and not any("\ud800" <= each <= "\udfff" for each in email)


def _choose(organisations: tuple[Organisation, ...], slug: str | None) -> Organisation:
    if slug is not None:
        for each in organisations:
            if each.slug == slug:
                return each
        raise ApiError(
            Code.BAD_USER_INPUT,
            "You belong to no organisation of this short name. Leave it out to sign in to one that you belong to.",
            reason="ORGANISATION_UNKNOWN",
            field="input.organisation",
        )
    if not organisations:
        raise ApiError(
            Code.FORBIDDEN,
            "You belong to no organisation that is open at present. Ask its administrator to let you in.",
            reason="NO_ORGANISATION",
        )
    return organisations[0]


def _credentials_invalid() -> ApiError:
    return ApiError(
        Code.UNAUTHENTICATED,
        "There is no account with this e-mail address and password. Check both and try again.",
        reason="CREDENTIALS_INVALID",
    )
