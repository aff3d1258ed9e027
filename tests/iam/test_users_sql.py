"""People, and how they sign in: sql/iam/users.sql, and the last part of memberships.sql."""

import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person, password_hash
from tests.harness.verbs import call, refused

CONTEXT = "select * from iam.context($1, $2)"


async def look_up(email: str) -> asyncpg.Record | None:
    async with as_nobody() as connection:
        row: asyncpg.Record | None = await connection.fetchrow("select * from iam.sign_in_lookup($1)", email)
    return row


async def context(user_id: UUID, tenant_id: UUID) -> asyncpg.Record | None:
    async with as_nobody() as connection:
        row: asyncpg.Record | None = await connection.fetchrow(CONTEXT, user_id, tenant_id)
    return row


async def operator_does(statement: str, *arguments: object) -> None:
    async with as_superuser() as connection:
        await connection.execute(statement, *arguments)


async def test_an_address_is_one_person_however_it_is_written(tenant: Tenant) -> None:
    for email in (tenant.owner_email, tenant.owner_email.upper(), f"  {tenant.owner_email} "):
        found = await look_up(email)
        assert found is not None
        assert found["user_id"] == tenant.owner_id
    async with as_superuser() as connection:
        with refused("CONFLICT", "EMAIL_TAKEN"):
            await call(connection, "iam.user_create", email=tenant.owner_email.upper(), name="Copycat")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"email": "no-at-sign"}, "EMAIL_INVALID"),
        ({"email": "a@b@c"}, "EMAIL_INVALID"),
        ({"email": "a b@c.org"}, "EMAIL_INVALID"),
        ({"email": "x" * 250 + "@c.org"}, "EMAIL_INVALID"),
        ({"name": " "}, "NAME_INVALID"),
        ({"name": "x" * 201}, "NAME_INVALID"),
        ({"password_hash": "plain text"}, "PASSWORD_HASH_INVALID"),
        ({"password_hash": "$2b$12$bcrypt"}, "PASSWORD_HASH_INVALID"),
        ({"email": None}, "ADDRESS_REQUIRED"),
    ],
)
async def test_an_account_that_makes_no_sense_is_refused(facts: dict[str, Any], reason: str) -> None:
    async with as_superuser() as connection:
        with refused("BAD_USER_INPUT", reason):
            await call(connection, "iam.user_create", **{"email": "never.made@example.org", "name": "Never", **facts})


async def test_signing_in_finds_the_hash_and_every_organisation(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await call(
            connection,
            "iam.membership_create",
            tenant_id=other_tenant.tenant_id,
            user_id=tenant.owner_id,
            role="viewer",
        )
    found = await look_up(tenant.owner_email)
    assert found is not None
    assert found["password_hash"] == password_hash()
    assert json.loads(found["memberships"]) == [
        {"tenant_id": str(each.tenant_id), "slug": each.slug, "name": each.name, "role": role}
        for each, role in ((tenant, "owner"), (other_tenant, "viewer"))
    ]


async def test_an_unknown_address_finds_nothing() -> None:
    for email in ("nobody@example.org", "", "%@example.org", "' or true --"):
        assert await look_up(email) is None


@pytest.mark.parametrize("fact", ["is_active = false", "deleted_at = now()"])
async def test_a_closed_account_finds_nothing(tenant: Tenant, fact: str) -> None:
    await operator_does(f"update iam.users set {fact} where id = $1", tenant.owner_id)
    assert await look_up(tenant.owner_email) is None
    assert await context(tenant.owner_id, tenant.tenant_id) is None


async def test_a_suspended_organisation_is_not_offered(tenant: Tenant) -> None:
    await operator_does("update iam.tenants set suspended_at = now() where id = $1", tenant.tenant_id)
    found = await look_up(tenant.owner_email)
    assert found is not None
    assert json.loads(found["memberships"]) == []
    assert await context(tenant.owner_id, tenant.tenant_id) is None


async def test_a_membership_that_rests_is_not_offered(tenant: Tenant) -> None:
    await make_person(tenant, "owner")
    await operator_does("update iam.memberships set is_active = false where user_id = $1", tenant.owner_id)
    found = await look_up(tenant.owner_email)
    assert found is not None
    assert json.loads(found["memberships"]) == []
    assert await context(tenant.owner_id, tenant.tenant_id) is None


async def test_the_context_says_what_the_server_puts_on_a_connection(tenant: Tenant) -> None:
    scope = uuid4()
    person = await make_person(tenant, "member", [scope])
    owner, member = await context(tenant.owner_id, tenant.tenant_id), await context(person.user_id, tenant.tenant_id)
    assert owner is not None
    assert member is not None
    assert (owner["role"], owner["scope_ids"], owner["sees_all"]) == ("owner", [], True)
    assert (member["role"], member["scope_ids"], member["sees_all"]) == ("member", [scope], False)
    assert "billing:write" in owner["permissions"]
    assert set(member["permissions"]) == {"billing:read", "iam:read", "iam:self"}
    assert (owner["slug"], owner["tenant_name"], owner["email"]) == (tenant.slug, tenant.name, tenant.owner_email)
    assert (owner["time_zone"], owner["fiscal_year_start"], member["user_name"]) == ("UTC", 1, person.name)


async def test_there_is_no_context_in_an_organisation_that_a_person_does_not_belong_to(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    assert await context(tenant.owner_id, other_tenant.tenant_id) is None
    assert await context(tenant.owner_id, uuid4()) is None
    assert await context(uuid4(), tenant.tenant_id) is None


async def test_the_last_sign_in_is_noted(tenant: Tenant) -> None:
    async with as_nobody() as connection:
        await connection.execute(
            "select iam.session_begin($1, $2, sha256(gen_random_uuid()::text::bytea), null, null, 'r')",
            tenant.owner_id,
            tenant.tenant_id,
        )
    async with as_superuser() as connection:
        row = await connection.fetchrow(
            "select last_login_at, updated_at, created_at from iam.users where id = $1", tenant.owner_id
        )
    assert row is not None
    assert row["last_login_at"] > row["created_at"]


@pytest.mark.parametrize(
    "statement",
    [
        "select iam.sign_in_lookup('x@example.org')",
        "select iam.context(gen_random_uuid(), gen_random_uuid())",
        "select iam.session_begin(gen_random_uuid(), gen_random_uuid(), sha256('t'), null, null, 'r')",
    ],
)
async def test_tenants_and_analysts_cannot_ask_about_people(tenant: Tenant, statement: str) -> None:
    async with as_tenant(tenant) as person, as_analyst(tenant) as analyst, as_owner(tenant) as owner:
        for connection in (person, analyst, owner):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_nobody_who_serves_reads_the_table_of_people(tenant: Tenant) -> None:
    async with as_tenant(tenant) as person, as_analyst(tenant) as analyst, as_nobody() as nobody:
        for connection in (person, analyst, nobody):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("select email from iam.users")
    async with as_owner(tenant) as connection:
        assert await connection.fetch("select email from iam.users") == []
