"""What goes wrong when somebody comes in is noted in the log of their organisations, or in that of the house."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.tokens.sessions import told_of

OF_A_PERSON: Final = "select iam.noted($1, 'SIGN_IN', $2, $3, $4, $5)"
OF_A_CODE: Final = "select iam.code_refused($1, $2, $3, $4, $5)"
PASSED_OVER: Final = frozenset({Code.RATE_LIMITED, Code.UNAVAILABLE, Code.TIMEOUT})
"""Who has to wait has not tried: the failures before that are in the log, and a flood of tries must not fill it."""


@asynccontextmanager
async def refusals_noted(database: Database, person: UUID | None, origin: Origin) -> AsyncIterator[None]:
    """Whoever is refused in the body is this person, or says so."""
    try:
        yield
    except ApiError as refusal:
        if refusal.code not in PASSED_OVER:
            await _note(database, OF_A_PERSON, person, json.dumps({"refused": refusal.reason}), origin)
        raise


@asynccontextmanager
async def code_refusals_noted(database: Database, given: UUID, origin: Origin) -> AsyncIterator[None]:
    """The same for whoever gives this code back, which the body finds wrong."""
    try:
        yield
    except ApiError as refusal:
        if refusal.reason == "CODE_INVALID":
            await _note(database, OF_A_CODE, given, refusal.reason, origin)
        raise


async def _note(database: Database, statement: str, whose: UUID | None, what: str, origin: Origin) -> None:
    async with database.nobody() as connection:
        await connection.execute(statement, whose, what, *told_of(origin))
