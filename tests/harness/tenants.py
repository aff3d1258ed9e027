"""Tenants and people for tests, made through the functions that the command line uses."""

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

import argon2
import asyncpg

from tests.harness.postgres import the_database

PASSWORD: Final = "a long and wooden bridge"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in with `PASSWORD`."""

    user_id: UUID
    email: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation, and its first user, who is its owner and can sign in with `PASSWORD`."""

    tenant_id: UUID
    slug: str
    name: str
    currency: str
    time_zone: str
    fiscal_year_start: int
    owner: Person

    @property
    def owner_id(self) -> UUID:
        return self.owner.user_id

    @property
    def owner_email(self) -> str:
        return self.owner.email

    @property
    def database_role(self) -> str:
        """The PostgreSQL role of the tenant."""
        return f"tenant_{self.tenant_id.hex}"


async def make_tenant(
    name: str = "Ashdown Joinery",
    *,
    currency: str = "EUR",
    country: str = "IE",
    time_zone: str = "UTC",
    fiscal_year_start: int = 1,
    admin_url: str | None = None,
    **more: Any,
) -> Tenant:
    """A new organisation, like no other by its slug, with its owner; in the database of this run, or in another."""
    slug = "-".join([*"".join(c if c.isalnum() else " " for c in name.lower()).split(), secrets.token_hex(4)])
    facts = {
        "slug": slug,
        "name": name,
        "currency": currency,
        "country": country,
        "time_zone": time_zone,
        "fiscal_year_start": fiscal_year_start,
    }
    async with _administrator(admin_url) as administrator:
        tenant_id = await _create(administrator, "iam.tenant_create", {**facts, **more})
        owner = await _make_person(administrator, tenant_id, "owner", [], f"Owner of {name}")
    return Tenant(tenant_id, slug, name, currency, time_zone, fiscal_year_start, owner)


async def make_person(
    tenant: Tenant, role: str, scope_ids: Sequence[UUID] = (), *, name: str = "Robin Marsh"
) -> Person:
    """A new user who is a member of the tenant in this role, seeing these scopes if the role sees only its scope."""
    async with _administrator() as administrator:
        return await _make_person(administrator, tenant.tenant_id, role, scope_ids, name)


async def _make_person(
    administrator: asyncpg.Connection, tenant_id: UUID, role: str, scope_ids: Sequence[UUID], name: str
) -> Person:
    email = f"{role}.{secrets.token_hex(6)}@example.org"
    user = {"email": email, "name": name, "password_hash": password_hash()}
    user_id = await _create(administrator, "iam.user_create", user)
    membership = {"tenant_id": str(tenant_id), "user_id": str(user_id), "role": role}
    scopes = [str(scope_id) for scope_id in scope_ids]
    await _create(administrator, "iam.membership_create", {**membership, "scope_ids": scopes})
    return Person(user_id, email, name, role)


@cache
def password_hash() -> str:
    """A hash of `PASSWORD` as the server stores it."""
    return argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD)


@asynccontextmanager
async def _administrator(url: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    """One connection for all that is made together: coming in costs more than what is done then."""
    connection = await asyncpg.connect(url or (await the_database()).admin_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _create(administrator: asyncpg.Connection, function: str, facts: dict[str, Any]) -> UUID:
    created = await administrator.fetchval(f"select {function}($1::jsonb)", json.dumps(facts))
    assert isinstance(created, UUID)
    return created
