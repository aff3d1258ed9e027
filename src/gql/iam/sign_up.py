"""Signing up: an account and an organisation for whoever shows that an address is theirs."""

import json
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from gql.database.context import Context
from gql.database.pool import Database, Origin
from gql.database.pool.standing import CONTEXT, ORIGIN, context_values, origin_values, setting_statement
from gql.iam.addresses import address_required, normal
from gql.iam.codes import WAY, Codes, code_invalid, code_message
from gql.iam.passwords import Passwords
from gql.iam.sessions import Organisation, Sessions, SignedIn
from gql.iam.throttles import Attempt, Throttle
from gql.messages.message import Message
from gql.messages.post import Post

BEGIN: Final = "select * from iam.sign_up($1, $2)"
AGAIN: Final = "select * from iam.sign_up_again($1, $2)"
COMPLETE: Final = "select * from iam.sign_up_complete($1, $2)"
BECOME: Final = setting_statement(CONTEXT + ORIGIN, local=True)
OPEN: Final = "select iam.organisation_open($1)"


class Begun(NamedTuple):
    """A sign-up that waits for its code."""

    id: UUID
    expires_at: datetime


class SignUp:
    """The way in for whoever has no account. It never tells that an address has one: a message to it does."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        passwords: Passwords,
        throttle: Throttle,
        codes: Codes,
        post: Post,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._passwords = passwords
        self._throttle = throttle
        self._codes = codes
        self._post = post

    async def begin(
        self,
        *,
        email: str | None,
        phone: str | None,
        name: str,
        password: str | None,
        organisation: dict[str, Any],
        origin: Origin,
    ) -> Begun:
        """Send a code to the address. `organisation`: its name, and if wanted country, currency and time_zone.

        Raises ApiError: BAD_USER_INPUT for what no account or organisation can have; RATE_LIMITED; UNAVAILABLE.
        """
        self._post.demand()
        if (email is None) == (phone is None):
            raise address_required()
        address = normal(email or phone or "")
        await self._throttle.demand(Attempt("send", address, origin))
        facts = {
            ("email" if email is not None else "phone"): address,
            "name": name.strip(),
            "organisation_name": str(organisation.pop("name")).strip(),
            **organisation,
        }
        if password is not None:
            facts["password_hash"] = await self._passwords.hash(password)
        digits, kept = self._codes.new()
        async with self._database.nobody() as connection:
            row = await connection.fetchrow(BEGIN, json.dumps(facts), kept)
        assert row is not None
        self._tell(address, digits, is_taken=row["is_taken"])
        return Begun(row["id"], row["expires_at"])

    async def again(self, given: UUID, origin: Origin) -> None:
        """Send another code, if that sign-up is still going on."""
        self._post.demand()
        await self._throttle.demand(Attempt("send", str(given), origin))
        digits, kept = self._codes.new()
        async with self._database.nobody() as connection:
            row = await connection.fetchrow(AGAIN, given, kept)
        if row is not None:
            self._tell(row["address"], digits, is_taken=row["is_taken"])

    async def complete(self, given: UUID, digits: str, origin: Origin) -> SignedIn:
        """Make the account and the organisation, and sign in. Raises ApiError UNAUTHENTICATED, reason CODE_INVALID."""
        async with self._throttle.trying(WAY, str(given), origin):
            opened = await self._open(given, digits, origin)
            if opened is None:
                raise code_invalid()
        return await self._sessions.begin(*opened, origin)

    async def _open(self, given: UUID, digits: str, origin: Origin) -> tuple[UUID, Organisation] | None:
        """The person and the organisation that were made. None for a wrong code, which is no exception inside: that it
        was tried must be committed."""
        async with self._database.nobody() as connection, connection.transaction():
            row = await connection.fetchrow(COMPLETE, given, self._codes.hashes(digits))
            if row is None:
                return None
            # The transaction becomes the new tenant: the policies that bind every tenant bind its beginning.
            owner = Context(tenant_id=row["tenant_id"], user_id=row["user_id"], role="owner", is_scoped=False)
            await connection.execute(BECOME, *context_values(owner), *origin_values(origin))
            slug = await connection.fetchval(OPEN, row["organisation"])
            return row["user_id"], Organisation(row["tenant_id"], slug, json.loads(row["organisation"])["name"])

    def _tell(self, address: str, digits: str, *, is_taken: bool) -> None:
        self._post.send(_has_account(address) if is_taken else code_message(address, digits, "SIGN_UP"))


def _has_account(address: str) -> Message:
    return Message(
        address,
        "You have a Countinghouse account already",
        "Somebody, perhaps you, has asked for an account with this address. It has one: sign in with it, or ask for a "
        "code if you have forgotten the password.\n\nIf it was not you, do nothing. Nothing has changed.\n",
    )
