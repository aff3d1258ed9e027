"""Signing up: an account for whoever shows that an address is theirs, and an organisation unless one invited them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.addresses import address_required, normal
from gql.iam.credentials.noting import code_refusals_noted
from gql.iam.credentials.passwords import Passwords
from gql.iam.credentials.throttles import Attempt, Throttle
from gql.iam.entry.codes import WAY, Codes, code_invalid, code_message
from gql.iam.entry.invitations import Invitations
from gql.iam.entry.standing import become, begin
from gql.iam.tokens.sessions import Organisation, Sessions, SignedIn
from gql.messages.message import Message
from gql.messages.post import Post

BEGIN: Final = "select * from iam.sign_up($1, $2)"
AGAIN: Final = "select * from iam.sign_up_again($1, $2)"
COMPLETE: Final = "select * from iam.sign_up_complete($1, $2)"
WITH_GOOGLE: Final = "select * from iam.sign_up_with_google($1)"
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
        invitations: Invitations,
    ) -> None:
        self._invitations = invitations
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
        organisation: Mapping[str, Any] | None,
        origin: Origin,
    ) -> Begun:
        """Send a code to the address. `organisation`: its name, and if wanted country, currency and time_zone; without
        one, the newest invite to the address is accepted in the end, and nobody is told here whether there is any.

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
            **_of(organisation),
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
        """Make the account and the organisation, or accept the newest invite, and sign in.

        Raises ApiError: UNAUTHENTICATED CODE_INVALID; CONFLICT ORGANISATION_REQUIRED where no invite waits, and then
        nothing is made.
        """
        async with (
            code_refusals_noted(self._database, given, origin),
            self._throttle.trying(WAY, str(given), origin),
        ):
            opened = await self._open(origin, COMPLETE, given, self._codes.hashes(digits))
            if opened is None:
                raise code_invalid()
        self._database.teach()
        return await self._sessions.begin(*opened, origin)

    async def with_google(
        self, facts: dict[str, str], organisation: Mapping[str, Any] | None, origin: Origin, method: str
    ) -> SignedIn | None:
        """The same for somebody for whose e-mail address Google vouches. None where there is an account already."""
        opened = await self._open(origin, WITH_GOOGLE, json.dumps(facts | _of(organisation)))
        return None if opened is None else await self._sessions.begin(*opened, origin, method)

    async def _open(self, origin: Origin, complete: str, *shown: Any) -> tuple[UUID, Organisation] | None:
        """The person whom `complete` made of what they have shown, and where they work. None for a wrong code, which is
        no exception inside: that it was tried must be committed."""
        async with self._database.nobody() as connection, connection.transaction():
            row = await connection.fetchrow(complete, *shown)
            if row is None:
                return None
            person: UUID = row["user_id"]
            await begin(connection, person, origin)
            if row["tenant_id"] is None:
                invited = await self._invitations.accept_newest(connection, person)
                if invited is None:
                    raise _organisation_required()
                return person, invited
            # The transaction becomes the new tenant: the policies that bind every tenant bind its beginning.
            await become(connection, row["tenant_id"], person, "owner")
            slug = await connection.fetchval(OPEN, row["organisation"])
            return person, Organisation(row["tenant_id"], slug, json.loads(row["organisation"])["name"])

    def _tell(self, address: str, digits: str, *, is_taken: bool) -> None:
        self._post.send(_has_account(address) if is_taken else code_message(address, digits, "SIGN_UP"))


def _of(organisation: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a sign-up keeps of the organisation that is to be opened, if one is."""
    if organisation is None:
        return {}
    rest = {name: value for name, value in organisation.items() if name != "name"}
    return {"organisation_name": str(organisation["name"]).strip(), **rest}


def _has_account(address: str) -> Message:
    return Message(
        address,
        "You have a Countinghouse account already",
        "Somebody, perhaps you, has asked for an account with this address. It has one: sign in with it, or ask for a "
        "code if you have forgotten the password.\n\nIf it was not you, do nothing. Nothing has changed.\n",
    )


def _organisation_required() -> ApiError:
    """Only whoever reads what is sent to the address comes to hear this."""
    return ApiError(
        Code.CONFLICT,
        "No invite waits for this address, or not any more. Sign up again, and name the organisation that you open.",
        reason="ORGANISATION_REQUIRED",
        field="input.organisation",
    )
