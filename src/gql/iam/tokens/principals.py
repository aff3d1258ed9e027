"""Principals: what a verified person or app may do in their organisation, as the database says.

A token lives for ten minutes, a membership may end at any time. It is therefore asked again every ten seconds.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
from cachetools import LRUCache

from gql.database.context import Context
from gql.database.pool import Database
from gql.database.pool.connections import Row
from gql.errors import ApiError, Code
from gql.iam.tokens.access import Identity

REMEMBERED_SECONDS: Final = 10.0
REFUSAL_REMEMBERED_SECONDS: Final = 1.0
"""Whoever is let in again should not wait for it; whoever was not must not cost a query at every try."""
REMEMBERED: Final = 10_000
# Ids as text: asyncpg would ask the catalog about an array of uuids, on every new connection.
CONTEXT: Final = """
    select role, scope_ids::text[], time_zone, fiscal_year_start, permissions, sees_all from iam.context($1, $2, $3)
"""
SUSPENDED: Final = "select iam.is_suspended($1, $2)"
APP_CONTEXT: Final = """
    select role, scope_ids::text[], time_zone, fiscal_year_start, permissions, sees_all from iam.app_context($1, $2, $3)
"""

Who = tuple[int, int, int | tuple[str, ...]]
"""Person, organisation and session: the numbers that their ids are, which Python hashes faster. Or app, organisation
and scopes."""


class _Answer(NamedTuple):
    context: Context | None
    good_until: float
    is_suspended: bool = False


_UNKNOWN: Final = _Answer(None, float("-inf"))


class Principals:
    """Contexts by person, organisation and session, each asked of the database once at a time."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._answers: LRUCache[Who, _Answer] = LRUCache(REMEMBERED)
        self._asking: dict[Who, asyncio.Task[_Answer]] = {}

    async def context(self, identity: Identity) -> Context:
        """What the server puts on a connection for this person.

        Raises ApiError: UNAUTHENTICATED, reason MEMBERSHIP_GONE, where they may not work in the organisation (any
        more) or have ended the session, APP_GONE where an app may not, TENANT_SUSPENDED where nobody may; UNAVAILABLE
        where the database cannot be asked.
        """
        who = _who(identity)
        try:
            answer = self._answers[who]
        except KeyError:
            answer = _UNKNOWN
        if answer.good_until <= self._clock():
            answer = await self._ask(identity, who)
        if answer.is_suspended:
            raise tenant_suspended()
        if answer.context is None and identity.scopes is not None:
            raise ApiError(
                Code.UNAUTHENTICATED,
                "This app has no access to this organisation any more. Its administrator can say why.",
                reason="APP_GONE",
            )
        if answer.context is None:
            raise ApiError(
                Code.UNAUTHENTICATED,
                "You have no access to this organisation at present. Sign in again, or ask its administrator.",
                reason="MEMBERSHIP_GONE",
            )
        return answer.context

    async def again(self, identity: Identity) -> Context:
        """As `context`, forgetting what was remembered: the database has refused what that would let them do."""
        self._answers.pop(_who(identity), None)
        return await self.context(identity)

    async def _ask(self, identity: Identity, who: Who) -> _Answer:
        """Ask, or wait for whoever is asking already. Nobody who goes away takes the answer from the others."""
        asking = self._asking.get(who)
        if asking is None:
            asking = self._asking[who] = asyncio.create_task(self._look_up(identity))
            asking.add_done_callback(lambda task: self._asked(who, task))
        return await asyncio.shield(asking)

    async def _look_up(self, identity: Identity) -> _Answer:
        # From before the question: what changes while it is answered counts from then.
        asked_at = self._clock()
        if identity.scopes is None:
            row = await self._database.ask(CONTEXT, identity.user_id, identity.tenant_id, identity.session_id)
        else:
            row = await self._database.ask(APP_CONTEXT, identity.user_id, identity.tenant_id, list(identity.scopes))
        context = _context(identity.user_id, identity.tenant_id, row)
        if context is not None:
            return _Answer(context, asked_at + REMEMBERED_SECONDS)
        row = await self._database.ask(SUSPENDED, identity.user_id, identity.tenant_id)
        return _Answer(None, asked_at + REFUSAL_REMEMBERED_SECONDS, is_suspended=row is not None and bool(row[0]))

    def _asked(self, who: Who, task: asyncio.Task[_Answer]) -> None:
        del self._asking[who]
        if task.cancelled() or task.exception() is not None:
            return
        self._answers[who] = task.result()


def _who(identity: Identity) -> Who:
    session, scopes = identity.session_id, identity.scopes
    way = scopes if scopes is not None else session.int if session else 0
    return (identity.user_id.int, identity.tenant_id.int, way)


def tenant_suspended() -> ApiError:
    """What those are told who belong to an organisation that is suspended; why, its operator tells its owners."""
    return ApiError(
        Code.UNAUTHENTICATED,
        "This organisation is suspended at present. Nothing of it is lost; ask whoever runs this service.",
        reason="TENANT_SUSPENDED",
    )


async def context_of(
    connection: "asyncpg.Connection[asyncpg.Record]", user_id: UUID, tenant_id: UUID
) -> Context | None:
    """The context of this person in this organisation; None where they may not work there."""
    return _context(user_id, tenant_id, await connection.fetchrow(CONTEXT, user_id, tenant_id, None))


def _context(user_id: UUID, tenant_id: UUID, row: Row | None) -> Context | None:
    if row is None:
        return None
    role, scope_ids, time_zone, fiscal_year_start, permissions, sees_all = row
    return Context(
        tenant_id=tenant_id,
        user_id=user_id,
        role=role,
        scope_ids=tuple(UUID(scope_id) for scope_id in scope_ids),
        time_zone=time_zone,
        fiscal_year_start=fiscal_year_start,
        permissions=frozenset(permissions),
        is_scoped=not sees_all,
    )
