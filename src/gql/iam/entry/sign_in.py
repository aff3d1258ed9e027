"""Signing in with an address and a password."""

from typing import Final, NamedTuple
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.addresses import is_storable
from gql.iam.credentials import passwords as rules
from gql.iam.credentials.noting import refusals_noted
from gql.iam.credentials.passwords import Passwords
from gql.iam.credentials.second_factors import SecondFactors
from gql.iam.credentials.throttles import Throttle
from gql.iam.entry.invitations import Invitations
from gql.iam.entry.workplaces import organisations_in
from gql.iam.tokens.sessions import Organisation, Sessions, SignedIn, told_of

LOOK_UP: Final = "select user_id, password_hash, memberships from iam.sign_in_lookup($1)"
NOTE_REFUSAL: Final = "select iam.sign_in_refused($1, $2, $3, $4, $5)"
WAY: Final = "password"


class Account(NamedTuple):
    """Somebody who may sign in, with the organisations to choose from."""

    user_id: UUID
    password_hash: str | None
    organisations: tuple[Organisation, ...]


class SignIn:
    """The way in for whoever has a password."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        sessions: Sessions,
        throttle: Throttle,
        second_factors: SecondFactors,
        invitations: Invitations,
    ) -> None:
        self._invitations = invitations
        self._second_factors = second_factors
        self._database = database
        self._passwords = passwords
        self._sessions = sessions
        self._throttle = throttle

    async def with_password(
        self, address: str, password: str, slug: str | None, origin: Origin, second_factor: str | None = None
    ) -> SignedIn:
        """Sign somebody in to the organisation with this short name, or to the first of theirs by name.

        Raises ApiError: UNAUTHENTICATED CREDENTIALS_INVALID, the same for an address that is unknown or closed and for
        a wrong password, and as slowly; BAD_USER_INPUT ORGANISATION_UNKNOWN, the same for one that does not exist and
        one that they do not belong to; FORBIDDEN NO_ORGANISATION for who belongs to none; RATE_LIMITED
        TOO_MANY_FAILURES and SIGN_IN_BUSY; and, once the password is right, as `SecondFactors.demand`.
        """
        if len(password) > rules.LONGEST:
            raise _credentials_invalid()
        self._passwords.demand_room()
        async with self._throttle.trying(WAY, address.strip().lower(), origin):
            # The turn comes first, so that guessers wait in its queue and not in that of the connections; and no
            # connection is held during the slow part.
            async with self._passwords.turn() as turn:
                account = await self._look_up(address)
                is_right = await turn.verify(account and account.password_hash, password)
            if account is None or not is_right:
                await self._note_refusal(address, origin)
                raise _credentials_invalid()
        await self._second_factors.demand(account.user_id, second_factor, origin)
        async with refusals_noted(self._database, account.user_id, origin):
            organisation = await self._invitations.choose(account.user_id, account.organisations, slug, origin)
        return await self._sessions.begin(account.user_id, organisation, origin)

    async def _look_up(self, address: str) -> Account | None:
        if not is_storable(address):
            return None
        row = await self._database.ask(LOOK_UP, address.strip())
        if row is None:
            return None
        user_id, password_hash, memberships = row
        return Account(user_id, password_hash, organisations_in(memberships))

    async def _note_refusal(self, address: str, origin: Origin) -> None:
        """In the log of each organisation of the account; for an unknown one in that of the house."""
        known = address.strip() if is_storable(address) else ""
        async with self._database.nobody() as connection:
            await connection.execute(NOTE_REFUSAL, known, "CREDENTIALS_INVALID", *told_of(origin))


def _credentials_invalid() -> ApiError:
    return ApiError(
        Code.UNAUTHENTICATED,
        "There is no account with this address and password. Check both and try again.",
        reason="CREDENTIALS_INVALID",
    )
