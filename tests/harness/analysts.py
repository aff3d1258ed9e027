"""Analysts with real logins, made by the verb that makes them, and what they connect with."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg

from gql.iam.credentials.analyst_logins import scram_verifier
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.postgres import the_database
from tests.harness.tenants import Tenant
from tests.harness.verbs import call


@dataclass(frozen=True, slots=True)
class Analyst:
    """A login of an organisation, and the address with which it comes in."""

    id: UUID
    user: str
    url: str


async def make_analyst(tenant: Tenant, label: str | None = None, **limits: Any) -> Analyst:
    """A new analyst of the tenant."""
    secret = secrets.token_urlsafe(32)
    async with as_tenant(tenant) as connection:
        made = await call(
            connection,
            "iam.analyst_create",
            label=label or f"Analyst {secrets.token_hex(4)}",
            verifier=scram_verifier(secret),
            **limits,
        )
        user = await connection.fetchval("select login from iam.analysts where id = $1", made)
    return Analyst(made, user, await address_of(user, secret))


async def address_of(user: str, secret: str, database: str | None = None) -> str:
    """The address of the database for this login; or of another database on the same server."""
    address = urlsplit((await the_database()).admin_url)
    changed = address._replace(netloc=f"{user}:{secret}@{address.hostname}:{address.port}", query="")
    return urlunsplit(changed._replace(path=f"/{database}") if database else changed)


@asynccontextmanager
async def connected(analyst: Analyst) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the analyst's own."""
    connection = await asyncpg.connect(analyst.url)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def is_connected(connection: asyncpg.Connection) -> bool:
    """Whether the server still has this connection."""
    async with as_superuser() as superuser:
        return bool(
            await superuser.fetchval(
                "select exists (select from pg_stat_activity where pid = $1)", connection.get_server_pid()
            )
        )
