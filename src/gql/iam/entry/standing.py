"""Transactions of somebody for themselves: before they belong to an organisation, or when they leave one.

The transaction knows who it is for, and becomes an organisation's role for what is done there, so that the policies and
triggers which bind every change bind this one. No membership has the role `doorway`: one passes, and no more.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from gql.database.context import Context
from gql.database.pool import Database, Origin
from gql.database.pool.standing import CONTEXT, ORIGIN, context_values, origin_values, setting_statement

BEGIN: Final = setting_statement(("app.user_id", *ORIGIN), local=True)
BECOME: Final = setting_statement(CONTEXT, local=True)
STEP_OUT: Final = setting_statement(("role",), local=True)
ROLE: Final = "doorway"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@asynccontextmanager
async def personally(database: Database, person: UUID, origin: Origin) -> AsyncIterator[Connection]:
    """A transaction for this person, who stands nowhere yet."""
    async with database.nobody() as connection, connection.transaction():
        await begin(connection, person, origin)
        yield connection


async def begin(connection: Connection, person: UUID, origin: Origin) -> None:
    """Say whose doing the transaction is, for the audit log."""
    await connection.execute(BEGIN, str(person), *origin_values(origin))


async def become(connection: Connection, tenant_id: UUID, person: UUID, role: str = ROLE) -> None:
    """Go on with the transaction in this organisation."""
    context = Context(tenant_id=tenant_id, user_id=person, role=role, is_scoped=False)
    await connection.execute(BECOME, *context_values(context))


async def step_out(connection: Connection) -> None:
    """Go on in no organisation."""
    await connection.execute(STEP_OUT, "none")
