"""What the invited do: they accept or decline, signed in or while they come in."""

import json
from typing import Final
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.addresses import is_storable
from gql.iam.entry.standing import Connection, become, personally
from gql.iam.entry.workplaces import choose
from gql.iam.tokens.sessions import Organisation

FOUND: Final = "select id, tenant_id, slug, name from iam.invite_found($1, $2, $3)"
ACCEPT: Final = "select iam.invite_accept($1)"
DECLINE: Final = "select iam.invite_decline($1)"


class Invitations:
    """Answers invites. One to an address that the person has not shown to be theirs is as if it were not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, person: UUID, invite: UUID, origin: Origin) -> Organisation:
        """Belong to the organisation that the invite is from.

        Raises ApiError: NOT_FOUND INVITE_NOT_FOUND; CONFLICT ALREADY_A_MEMBER.
        """
        async with personally(self._database, person, origin) as connection:
            return await self._answer(connection, ACCEPT, person, invite)

    async def decline(self, person: UUID, invite: UUID, origin: Origin) -> Organisation:
        """Say no. Raises ApiError NOT_FOUND INVITE_NOT_FOUND."""
        async with personally(self._database, person, origin) as connection:
            return await self._answer(connection, DECLINE, person, invite)

    async def accept_newest(self, connection: Connection, person: UUID) -> Organisation | None:
        """Accept the newest invite in a transaction that has begun. None where there is none."""
        return await self._answer_found(connection, ACCEPT, person)

    async def choose(
        self, person: UUID, organisations: tuple[Organisation, ...], slug: str | None, origin: Origin
    ) -> Organisation:
        """Where somebody works who signs in: in the organisation of theirs with this short name, or the first; or in
        one that has invited them, if they name it, which accepts the invite.

        Raises ApiError: BAD_USER_INPUT ORGANISATION_UNKNOWN; FORBIDDEN NO_ORGANISATION; CONFLICT ALREADY_A_MEMBER for
        who is kept out.
        """
        try:
            return choose(organisations, slug)
        except ApiError:
            if slug is None or not is_storable(slug):
                raise
            async with personally(self._database, person, origin) as connection:
                accepted = await self._answer_found(connection, ACCEPT, person, slug=slug)
            if accepted is None:
                raise
            return accepted

    async def _answer(self, connection: Connection, verb: str, person: UUID, invite: UUID) -> Organisation:
        answered = await self._answer_found(connection, verb, person, invite=invite)
        if answered is None:
            raise invite_not_found()
        return answered

    async def _answer_found(
        self, connection: Connection, verb: str, person: UUID, *, invite: UUID | None = None, slug: str | None = None
    ) -> Organisation | None:
        row = await connection.fetchrow(FOUND, person, invite, slug)
        if row is None:
            return None
        await become(connection, row["tenant_id"], person)
        await connection.execute(verb, json.dumps({"id": str(row["id"])}))
        return Organisation(row["tenant_id"], row["slug"], row["name"])


def invite_not_found() -> ApiError:
    """In the words of iam.invite_taken(), which says it when the invite goes at the same moment."""
    return ApiError(
        Code.NOT_FOUND,
        "No open invite with this id waits for an address that you have shown to be yours. `myInvites` lists those "
        "that do.",
        reason="INVITE_NOT_FOUND",
        field="input.id",
    )
