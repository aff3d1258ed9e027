"""Principals: what a verified person or app may do in their organisation, as the database says.

A token lives for ten minutes, a membership may end at any time. It is therefore asked again every ten seconds.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from cachetools import LRUCache

from gql.database.context import Context
from gql.database.pool import Database
from gql.database.pool.connections import Row
from gql.database.pool.database import CALLERS_CONNECTIONS
from gql.database.together import Together
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
# The same for many, who all come back every ten seconds; and of those who may not work there, whether nobody may.
CONTEXTS: Final = """
    select json_agg(
        json_build_array(
            found.role, found.scope_ids, found.time_zone, found.fiscal_year_start, found.permissions, found.sees_all,
            case
                when found.role is null then iam.is_suspended(asked.user_id::uuid, asked.tenant_id::uuid)
                else false
            end
        ) order by asked.place
    )::text
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as asked (user_id, tenant_id, session_id, place)
    left join lateral iam.context(asked.user_id::uuid, asked.tenant_id::uuid, asked.session_id::uuid) as found on true
"""
MOST_TOGETHER: Final = 100
"""About five milliseconds of the database."""
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
        self._people = Together(self._look_up_people, most=MOST_TOGETHER, at_once=CALLERS_CONNECTIONS)

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
            is_new = answer is _UNKNOWN
            answer = await self._ask(identity, who)
            if is_new:
                # They may have come in a moment ago, to an organisation that was made a moment ago.
                self._database.changed(identity.tenant_id)
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
            look_up = self._people.answer(identity) if identity.scopes is None else self._look_up_app(identity)
            asking = self._asking[who] = asyncio.create_task(look_up)
            asking.add_done_callback(lambda task: self._asked(who, task))
        return await asyncio.shield(asking)

    async def _look_up_people(self, people: Sequence[Identity]) -> list[_Answer]:
        # From before the question: what changes while it is answered counts from then.
        asked_at = self._clock()
        row = await self._database.recognise(
            CONTEXTS,
            [str(each.user_id) for each in people],
            [str(each.tenant_id) for each in people],
            [str(each.session_id) if each.session_id else None for each in people],
        )
        assert row is not None
        return [
            _answer(_context(each.user_id, each.tenant_id, found if found[0] else None), asked_at, is_suspended)
            for each, (*found, is_suspended) in zip(people, msgspec.json.decode(row[0]), strict=True)
        ]

    async def _look_up_app(self, identity: Identity) -> _Answer:
        asked_at = self._clock()
        scopes = list(identity.scopes or ())
        row = await self._database.recognise(APP_CONTEXT, identity.user_id, identity.tenant_id, scopes)
        context = _context(identity.user_id, identity.tenant_id, row)
        if context is not None:
            return _answer(context, asked_at)
        row = await self._database.recognise(SUSPENDED, identity.user_id, identity.tenant_id)
        return _answer(None, asked_at, row is not None and bool(row[0]))

    def _asked(self, who: Who, task: asyncio.Task[_Answer]) -> None:
        del self._asking[who]
        if task.cancelled() or task.exception() is not None:
            return
        self._answers[who] = task.result()


def _answer(context: Context | None, asked_at: float, is_suspended: bool = False) -> _Answer:
    seconds = REFUSAL_REMEMBERED_SECONDS if context is None else REMEMBERED_SECONDS
    return _Answer(context, asked_at + seconds, is_suspended)


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


def _context(user_id: UUID, tenant_id: UUID, row: Row | Sequence[Any] | None) -> Context | None:
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
