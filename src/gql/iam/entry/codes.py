"""Codes of six digits, sent to an address: how somebody comes in without a password, or gets a new one."""

import secrets
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.addresses import normal
from gql.iam.credentials.noting import code_refusals_noted, refusals_noted
from gql.iam.credentials.passwords import Passwords
from gql.iam.credentials.second_factors import SecondFactors
from gql.iam.credentials.throttles import Attempt, Throttle
from gql.iam.entry.invitations import Invitations
from gql.iam.entry.workplaces import organisations_in
from gql.iam.keys.secrets import Secrets
from gql.iam.tokens.sessions import Sessions, SignedIn, told_of
from gql.messages.message import Message
from gql.messages.post import Post

REQUEST: Final = "select * from iam.code_request($1, $2, $3)"
OPENS: Final = "select iam.code_opens($1, $2)"
SIGN_IN: Final = "select * from iam.sign_in_by_code($1, $2)"
RESET: Final = "select iam.password_reset($1, $2, $3, $4, $5, $6)"
OLD_HASH: Final = "select iam.password_of($1)"
CHANGE: Final = "select iam.password_change($1, $2, $3, $4, $5, $6)"
PURPOSE: Final = "code"
WAY: Final = "code"
"""By which somebody tries to come in: signing up, signing in and a new password are the same to a guesser."""
DIGITS: Final = 6


class Requested(NamedTuple):
    """A code that is on its way, or not: with this id it is given back."""

    id: UUID
    expires_at: datetime


class Codes:
    """The ways in for whoever reads what is sent to their address. None of them tells who has an account."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        passwords: Passwords,
        throttle: Throttle,
        secrets: Secrets,
        post: Post,
        second_factors: SecondFactors,
        invitations: Invitations,
    ) -> None:
        self._invitations = invitations
        self._second_factors = second_factors
        self._database = database
        self._sessions = sessions
        self._passwords = passwords
        self._throttle = throttle
        self._secrets = secrets
        self._post = post

    def new(self) -> tuple[str, bytes]:
        """A code, and the hash to keep of it."""
        digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        return digits, self.hashes(digits)[0]

    def hashes(self, digits: str) -> list[bytes]:
        """What may be kept of a code that somebody gives."""
        return self._secrets.digests(PURPOSE, digits.strip())

    async def request(self, purpose: str, address: str, origin: Origin) -> Requested:
        """Send a code for this purpose (SIGN_IN, PASSWORD_RESET) to an address, if it has an account.

        Raises ApiError: BAD_USER_INPUT ADDRESS_REQUIRED, RATE_LIMITED TOO_MANY_FAILURES, UNAVAILABLE MESSAGES_OFF and
        MESSAGES_BUSY; the same whether there is an account or not.
        """
        self._post.demand()
        address = normal(address)
        await self._throttle.demand(Attempt("send", address, origin))
        digits, kept = self.new()
        async with self._database.nobody() as connection:
            row = await connection.fetchrow(REQUEST, purpose, address, kept)
        assert row is not None
        if row["is_known"]:
            self._post.send(code_message(address, digits, purpose))
        return Requested(row["id"], row["expires_at"])

    async def sign_in(
        self, given: UUID, digits: str, slug: str | None, origin: Origin, second_factor: str | None = None
    ) -> SignedIn:
        """Sign in whoever has the code. Raises ApiError UNAUTHENTICATED CODE_INVALID, and as signing in does; without
        the second factor the code stays good."""
        async with (
            code_refusals_noted(self._database, given, origin),
            self._throttle.trying(WAY, str(given), origin),
        ):
            hashes = self.hashes(digits)
            async with self._database.nobody() as connection:
                person = await connection.fetchval(OPENS, given, hashes)
            if person is None:
                raise code_invalid()
            await self._second_factors.demand(person, second_factor, origin)
            async with self._database.nobody() as connection:
                row = await connection.fetchrow(SIGN_IN, given, hashes)
            if row is None:
                raise code_invalid()
        async with refusals_noted(self._database, person, origin):
            organisations = organisations_in(row["memberships"])
            organisation = await self._invitations.choose(person, organisations, slug, origin)
        return await self._sessions.begin(person, organisation, origin)

    async def reset_password(self, given: UUID, digits: str, password: str, origin: Origin) -> None:
        """Give whoever has the code a new password, and sign them out everywhere.

        Raises ApiError: UNAUTHENTICATED CODE_INVALID; BAD_USER_INPUT PASSWORD_LENGTH and PASSWORD_COMMON.
        """
        async with (
            code_refusals_noted(self._database, given, origin),
            self._throttle.trying(WAY, str(given), origin),
        ):
            new_hash = await self._passwords.hash(password)
            async with self._database.nobody() as connection:
                is_done = await connection.fetchval(RESET, given, self.hashes(digits), new_hash, *told_of(origin))
            if not is_done:
                raise code_invalid()

    async def change_password(self, person: UUID, old: str, new: str, origin: Origin) -> None:
        """Give somebody who is signed in and knows their password another one, and sign them out everywhere.

        Raises ApiError: UNAUTHENTICATED CREDENTIALS_INVALID; BAD_USER_INPUT PASSWORD_LENGTH and PASSWORD_COMMON.
        """
        async with self._throttle.trying("password change", str(person), origin):
            async with self._database.nobody() as connection:
                old_hash = await connection.fetchval(OLD_HASH, person)
            async with refusals_noted(self._database, person, origin):
                if not await self._passwords.verify(old_hash, old):
                    raise _password_wrong()
            new_hash = await self._passwords.hash(new)
            async with self._database.nobody() as connection:
                if not await connection.fetchval(CHANGE, person, old_hash, new_hash, *told_of(origin)):
                    raise _password_wrong()  # it was changed meanwhile


def _password_wrong() -> ApiError:
    sentence = "This is not your password. Check it, or ask for a code to set a new one."
    return ApiError(Code.UNAUTHENTICATED, sentence, reason="CREDENTIALS_INVALID", field="input.currentPassword")


def code_invalid() -> ApiError:
    """One sentence for all faults: a code that is wrong, late, used, or for another purpose, and one for nobody."""
    return ApiError(
        Code.UNAUTHENTICATED,
        "This code is wrong or no longer good: a code is good for ten minutes and five tries. Ask for another one.",
        reason="CODE_INVALID",
        field="input.code",
    )


def code_message(address: str, digits: str, purpose: str) -> Message:
    what = {
        "SIGN_UP": "finish signing up",
        "SIGN_IN": "sign in",
        "PASSWORD_RESET": "set a new password",
        "ACCOUNT": "show that it is you who changes your account",
        "ADDRESS": "use this address for your account",
    }[purpose]
    return Message(
        address,
        f"{digits} is your Countinghouse code",
        f"Your code to {what} is {digits}. It is good for ten minutes.\n\n"
        "If you did not ask for it, do nothing, and give it to nobody: we never ask for it.\n",
    )
