"""Changing the addresses of one's own account, and closing it."""

import json
from contextlib import suppress
from typing import Final
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.addresses import normal
from gql.iam.credentials.noting import code_refusals_noted
from gql.iam.credentials.throttles import Attempt, Throttle
from gql.iam.entry.codes import WAY, Codes, Requested, code_invalid, code_message
from gql.iam.entry.proofs import Proof, Proofs
from gql.iam.entry.standing import become, personally, step_out
from gql.iam.tokens.sessions import told_of
from gql.messages.message import Message
from gql.messages.post import Post

BEGIN: Final = "select * from iam.address_begin($1, $2, $3)"
CHANGE: Final = "select * from iam.address_change($1, $2, $3, $4, $5, $6, $7)"
ONLY_OWNER: Final = "select iam.only_owner_of($1)"
# Ids as text: asyncpg would ask the catalog about an array of uuids, on every new connection.
CLOSING: Final = "select iam.account_closing($1)::text[]"
LEAVE: Final = "select iam.membership_leave($1)"
CLOSE: Final = "select iam.account_close($1, $2, $3, $4)"


class OwnAccount:
    """What people do with their own accounts besides signing in."""

    def __init__(self, database: Database, throttle: Throttle, codes: Codes, proofs: Proofs, post: Post) -> None:
        self._database = database
        self._throttle = throttle
        self._codes = codes
        self._proofs = proofs
        self._post = post

    async def change_address(self, person: UUID, address: str, proof: Proof, origin: Origin) -> Requested:
        """Send a code to a new address, which is to take the place of the account's, of the same kind. Where another
        account has it, its owner is told, and nobody else.

        Raises ApiError: as `Proofs.demand`; BAD_USER_INPUT ADDRESS_REQUIRED and ADDRESS_INVALID; RATE_LIMITED;
        UNAVAILABLE.
        """
        self._post.demand()
        address = normal(address)
        await self._proofs.demand(person, proof, origin)
        await self._throttle.demand(Attempt("send", address, origin))
        digits, kept = self._codes.new()
        async with self._database.nobody() as connection:
            row = await connection.fetchrow(BEGIN, person, address, kept)
        assert row is not None
        self._post.send(_is_taken(address) if row["is_taken"] else code_message(address, digits, "ADDRESS"))
        return Requested(row["id"], row["expires_at"])

    async def confirm_address(self, person: UUID, session: UUID, given: UUID, digits: str, origin: Origin) -> None:
        """Use the new address from now on: the old ones are told, all other sessions end, and what was sent to the old
        address opens nothing any more. Raises ApiError UNAUTHENTICATED, reason CODE_INVALID."""
        async with (
            code_refusals_noted(self._database, given, origin),
            self._throttle.trying(WAY, str(given), origin),
        ):
            async with personally(self._database, person, origin) as connection:
                hashes = self._codes.hashes(digits)
                row = await connection.fetchrow(CHANGE, person, given, hashes, session, *told_of(origin))
            if row is None:
                raise code_invalid()
        self._tell(row["old_addresses"], "Your Countinghouse account has another address", _CHANGED)

    async def close(self, person: UUID, proof: Proof, origin: Origin) -> None:
        """Close the account, everywhere and at once.

        Raises ApiError: as `Proofs.demand`; CONFLICT LAST_OWNER, with the names of the person's own organisations that
        would be left without one.
        """
        async with self._database.nobody() as connection:
            alone = await connection.fetchval(ONLY_OWNER, person)
        if alone:
            raise _last_owner(alone)
        await self._proofs.demand(person, proof, origin)
        async with personally(self._database, person, origin) as connection:
            for workplace in await connection.fetchval(CLOSING, person) or ():
                await become(connection, UUID(workplace), person)
                await connection.execute(LEAVE, json.dumps({}))
            await step_out(connection)
            addresses = await connection.fetchval(CLOSE, person, *told_of(origin))
        self._tell(addresses or [], "Your Countinghouse account is closed", _CLOSED)

    def _tell(self, addresses: list[str], subject: str, text: str) -> None:
        """It is done already, so that nothing of this may fail it."""
        with suppress(ApiError):
            for address in addresses:
                self._post.send(Message(address, subject, text))


_CHANGED: Final = (
    "The address of your Countinghouse account was changed. You are signed out everywhere but where that was done.\n\n"
    "If it was not you, write to whoever runs this house at once.\n"
)
_CLOSED: Final = (
    "Your Countinghouse account was closed, and you are signed out everywhere. What you did in organisations stays in "
    "their books; your name goes in a month.\n\nIf it was not you, write to whoever runs this house at once.\n"
)


def _is_taken(address: str) -> Message:
    return Message(
        address,
        "This address has a Countinghouse account",
        "Somebody, perhaps you, wants to use this address for another Countinghouse account. It has one already: "
        "close that one first, or use another address.\n\nIf it was not you, do nothing. Nothing has changed.\n",
    )


def _last_owner(names: list[str]) -> ApiError:
    return ApiError(
        Code.CONFLICT,
        f"You are the last owner of {', '.join(names)}. Make somebody else an owner there first.",
        reason="LAST_OWNER",
    )
