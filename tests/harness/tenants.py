"""Tenants and people for tests, made through the functions that the command line uses."""

import json
import secrets
from collections.abc import Sequence
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
    tenant_id = await _create("iam.tenant_create", {**facts, **more}, admin_url)
    owner = await make_person(tenant_id, "owner", name=f"Owner of {name}", admin_url=admin_url)
    return Tenant(tenant_id, slug, name, currency, time_zone, fiscal_year_start, owner)


async def make_person(
    tenant: Tenant | UUID,
    role: str,
    scope_ids: Sequence[UUID] = (),
    *,
    name: str = "Robin Marsh",
    admin_url: str | None = None,
) -> Person:
    """A new user who is a member of the tenant in this role, seeing these scopes if the role sees only its scope."""
    tenant_id = tenant.tenant_id if isinstance(tenant, Tenant) else tenant
    email = f"{role}.{secrets.token_hex(6)}@example.org"
    user = {"email": email, "name": name, "password_hash": password_hash()}
    user_id = await _create("iam.user_create", user, admin_url)
    membership = {"tenant_id": str(tenant_id), "user_id": str(user_id), "role": role}
    scopes = [str(scope_id) for scope_id in scope_ids]
    await _create("iam.membership_create", {**membership, "scope_ids": scopes}, admin_url)
    return Person(user_id, email, name, role)


@cache
def password_hash() -> str:
    """A hash of `PASSWORD` as the server stores it."""
    return argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD)


async def _create(function: str, facts: dict[str, Any], admin_url: str | None) -> UUID:
    connection = await asyncpg.connect(admin_url or (await the_database()).admin_url)
    try:
        created = await connection.fetchval(f"select {function}($1::jsonb)", json.dumps(facts))
    finally:
        await connection.close()
    assert isinstance(created, UUID)
    return created
