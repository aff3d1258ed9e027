"""Who a test speaks to the database as. `as_tenant`, `as_analyst`, `as_owner`, `as_nobody` and `as_worker` are the only
ways in; `as_superuser` sets the scene.

Nothing is rolled back: a test that needs a clean slate makes a tenant of its own.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg

from gql.database.context import Context
from tests.harness.postgres import the_database
from tests.harness.tenants import Tenant

SET_CONTEXT: Final = """
select set_config('app.user_id', $1, false), set_config('app.role', $2, false), set_config('app.scope_ids', $3, false),
       set_config('app.time_zone', $4, false), set_config('app.fiscal_year_start', $5, false),
       set_config('app.context', $6, false), set_config('app.request_id', $7, false)
"""
SCOPED: Final = ("member", "vendor", "retailer", "business", "investor")
"""The roles that see the rows of their scope only."""
MOST_IDLE: Final = 4
FORGET: Final = "reset session authorization; reset role; discard temp; discard sequences"
_idle: dict[str, list[asyncpg.Connection]] = {}
_logins: dict[str, str] = {}
_logging_in = asyncio.Lock()


def context_of(
    tenant: Tenant,
    role: str = "owner",
    scope_ids: Sequence[UUID] = (),
    *,
    user_id: UUID | None = None,
    time_zone: str | None = None,
    fiscal_year_start: int | None = None,
) -> Context:
    """The context that the server would make for a person of this role, by default the tenant's first user; the worker
    is nobody."""
    return Context(
        tenant_id=tenant.tenant_id,
        user_id=None if role == "worker" else user_id or tenant.owner_id,
        role=role,
        scope_ids=tuple(scope_ids),
        time_zone=time_zone or tenant.time_zone,
        fiscal_year_start=fiscal_year_start or tenant.fiscal_year_start,
        is_scoped=role in SCOPED,
    )


@asynccontextmanager
async def as_tenant(
    tenant: Tenant,
    role: str = "owner",
    scope_ids: Sequence[UUID] = (),
    *,
    user_id: UUID | None = None,
    time_zone: str | None = None,
    fiscal_year_start: int | None = None,
) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the server has it for a person of the tenant: countinghouse_api, become the tenant's role."""
    context = context_of(
        tenant, role, scope_ids, user_id=user_id, time_zone=time_zone, fiscal_year_start=fiscal_year_start
    )
    async with _connect((await the_database()).session_url) as connection:
        await put(connection, context)
        await connection.execute(f"set role {context.database_role}")
        yield connection


@asynccontextmanager
async def as_analyst(tenant: Tenant) -> AsyncIterator[asyncpg.Connection]:
    """A connection as one of the tenant's analysts: a login of their own, in the group of analysts."""
    async with _connect(await _login("analyst", tenant, "countinghouse_analyst")) as connection:
        yield connection


@asynccontextmanager
async def as_owner(
    tenant: Tenant, role: str = "owner", scope_ids: Sequence[UUID] = ()
) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the rights of the owner of all tables and the context of a tenant, which is how a definer
    function, a trigger and a foreign-key check stand."""
    async with _connect(await _login("owner", tenant, "countinghouse_owner")) as connection:
        await put(connection, context_of(tenant, role, scope_ids))
        yield connection


@asynccontextmanager
async def as_nobody() -> AsyncIterator[asyncpg.Connection]:
    """A connection as the server has it before it knows who asks: countinghouse_api and no context. It is new, because
    a setting that was made once is empty for ever, and not absent."""
    connection = await asyncpg.connect((await the_database()).session_url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def as_worker() -> AsyncIterator[asyncpg.Connection]:
    """A connection as the worker has it while it finds out what is due: countinghouse_worker and no context. What it
    then does for a tenant it does as `as_tenant(tenant, "worker")`."""
    async with _connect((await the_database()).worker_url) as connection:
        yield connection


@asynccontextmanager
async def as_superuser() -> AsyncIterator[asyncpg.Connection]:
    """A connection that nothing is refused to, to set the scene and to look behind it."""
    async with _connect((await the_database()).admin_url) as connection:
        yield connection


async def put(connection: asyncpg.Connection, context: Context) -> None:
    """Put a context's settings on a connection, without its role."""
    await connection.execute("reset role")
    await connection.fetchrow(
        SET_CONTEXT,
        str(context.user_id or ""),
        context.role,
        context.scope_literal,
        context.time_zone,
        str(context.fiscal_year_start),
        context.fingerprint,
        "test-" + secrets.token_hex(8),
    )


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is nobody's else, and stands as a new one does. One that was used before knows its tables and
    functions already, which a new one spends longer on than most tests take."""
    idle = _idle.setdefault(url, [])
    while idle and idle[-1].is_closed():  # a test may end other connections
        idle.pop()
    connection = idle.pop() if idle else await asyncpg.connect(url)
    try:
        yield connection
    finally:
        if not await _is_as_new(connection):
            connection.terminate()
        elif len(idle) < MOST_IDLE and url in await _shared_logins():
            idle.append(connection)
        else:
            await connection.close()


async def _is_as_new(connection: asyncpg.Connection) -> bool:
    """Put everything back that a session can be told. False where it can't be, or where SQL has prepared statements."""
    try:
        await connection.reset(timeout=5)
        await connection.execute(FORGET)
        return not await connection.fetchval("select exists (select from pg_prepared_statements where from_sql)")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        return False
    except BaseException:  # the test was cancelled: nobody will have this connection again
        connection.terminate()
        raise


async def _shared_logins() -> tuple[str, ...]:
    """Those that stay for the whole run; the others are of one organisation, which a test may take away."""
    database = await the_database()
    return (database.session_url, database.admin_url, database.worker_url)


async def _login(kind: str, tenant: Tenant, group: str) -> str:
    """The address of a login role of this kind for the tenant, made at its first use. The tenant's hex comes last in
    its name, which is what the context functions read."""
    name = f"{kind}_test_{tenant.tenant_id.hex}"
    async with _logging_in:
        if name not in _logins:
            password = secrets.token_urlsafe(24)
            async with as_superuser() as connection:
                await connection.execute(f"create role {name} login inherit password '{password}' in role {group}")
                await connection.execute(f"grant connect on database countinghouse to {name}")
            _logins[name] = password
    address = urlsplit((await the_database()).admin_url)
    return urlunsplit(address._replace(netloc=f"{name}:{_logins[name]}@{address.hostname}:{address.port}"))
