"""Who works where, in which role: sql/iam/memberships.sql."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import SCOPED, as_analyst, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person
from tests.harness.verbs import call, refused

COLLEAGUES = "select user_id, user_name, user_email, role from iam.memberships order by created_at, id"


async def test_colleagues_see_one_another(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_person(tenant, "viewer", name="Kim Reed")
    await make_person(other_tenant, "viewer")
    async with as_tenant(tenant, "viewer", user_id=person.user_id) as connection:
        seen = await connection.fetch(COLLEAGUES)
    assert [tuple(row) for row in seen] == [
        (tenant.owner_id, tenant.owner.name, tenant.owner_email, "owner"),
        (person.user_id, "Kim Reed", person.email, "viewer"),
    ]


async def test_a_member_sees_their_own_membership_alone(tenant: Tenant) -> None:
    person, scope = await make_person(tenant, "member", [uuid4()]), uuid4()
    async with as_tenant(tenant, "member", [scope], user_id=person.user_id) as connection:
        assert [row["user_id"] for row in await connection.fetch(COLLEAGUES)] == [person.user_id]


async def test_an_analyst_sees_the_people_of_the_organisation(tenant: Tenant) -> None:
    async with as_analyst(tenant) as connection:
        assert [row["user_id"] for row in await connection.fetch(COLLEAGUES)] == [tenant.owner_id]


async def test_a_persons_new_name_and_address_are_seen_everywhere(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await call(
            connection, "iam.membership_create", tenant_id=other_tenant.tenant_id, user_id=tenant.owner_id, role="admin"
        )
        await connection.execute(
            "update iam.users set name = 'Ash Moor', email = $2 where id = $1",
            tenant.owner_id,
            f"moor.{tenant.slug}@example.org",
        )
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            seen = await connection.fetchrow(
                "select user_name, user_email from iam.memberships where user_id = $1", tenant.owner_id
            )
            assert seen is not None
            assert tuple(seen) == ("Ash Moor", f"moor.{tenant.slug}@example.org")


async def test_the_names_of_a_membership_are_the_persons_whatever_is_written(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        user_id = await call(connection, "iam.user_create", email=f"true.{tenant.slug}@example.org", name="True Name")
        await connection.execute(
            "insert into iam.memberships (tenant_id, user_id, role, user_name, user_email)"
            " values ($1, $2, 'viewer', 'False Name', 'false@example.org')",
            tenant.tenant_id,
            user_id,
        )
        name = await connection.fetchval("select user_name from iam.memberships where user_id = $1", user_id)
    assert name == "True Name"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"role": "boss"}, "ROLE_UNKNOWN"),
        ({"role": "OWNER"}, "ROLE_UNKNOWN"),
        ({"role": None}, "REQUIRED"),
        ({"role": "member"}, "SCOPE_REQUIRED"),
        ({"role": "member", "scope_ids": []}, "SCOPE_REQUIRED"),
        ({"role": "viewer", "scope_ids": [str(uuid4())]}, "SCOPE_REQUIRED"),
        ({"role": "vendor"}, "SCOPE_REQUIRED"),
        ({"role": "retailer", "scope_ids": []}, "SCOPE_REQUIRED"),
        ({"role": "business"}, "SCOPE_REQUIRED"),
        ({"role": "investor"}, "SCOPE_REQUIRED"),
        ({"role": "member", "scope_ids": ["no uuid"]}, "INVALID_VALUE"),
    ],
)
async def test_a_membership_that_makes_no_sense_is_refused(tenant: Tenant, facts: dict[str, Any], reason: str) -> None:
    async with as_superuser() as connection:
        user_id = await call(connection, "iam.user_create", email=f"new.{uuid4().hex}@example.org", name="New")
        with refused("BAD_USER_INPUT", reason):
            await call(connection, "iam.membership_create", tenant_id=tenant.tenant_id, user_id=user_id, **facts)


async def test_a_person_belongs_to_an_organisation_once(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        with refused("CONFLICT", "ALREADY_A_MEMBER"):
            await call(
                connection, "iam.membership_create", tenant_id=tenant.tenant_id, user_id=tenant.owner_id, role="viewer"
            )


async def test_neither_person_nor_organisation_can_be_invented(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        for facts in (
            {"tenant_id": uuid4(), "user_id": tenant.owner_id},
            {"tenant_id": tenant.tenant_id, "user_id": uuid4()},
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await call(connection, "iam.membership_create", role="viewer", **facts)


@pytest.mark.parametrize(
    "statement",
    [
        "update iam.memberships set role = 'owner'",
        "update iam.memberships set is_active = true",
        "delete from iam.memberships",
        "insert into iam.memberships (tenant_id, user_id, role) values (core.tenant_id(), core.user_id(), 'owner')",
    ],
)
async def test_nobody_raises_themselves(tenant: Tenant, statement: str) -> None:
    async with as_tenant(tenant, "admin") as person, as_analyst(tenant) as analyst:
        for connection in (person, analyst):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_the_owner_of_the_tables_reaches_the_memberships_of_its_tenant_alone(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    await make_person(tenant, "viewer")
    async with as_owner(tenant) as connection:
        await connection.execute("update iam.memberships set is_active = false where role = 'viewer'")
        await connection.execute("update iam.memberships set is_active = true")
    async with as_tenant(other_tenant) as connection:
        assert await connection.fetchval("select bool_and(is_active) from iam.memberships") is True


async def changed(connection: asyncpg.Connection, user_id: UUID, **facts: Any) -> dict[str, Any]:
    wanted = await connection.fetchval("select id from iam.memberships where user_id = $1", user_id)
    await call(connection, "iam.membership_update", id=wanted, **facts)
    row = await connection.fetchrow("select role, scope_ids, is_active from iam.memberships where id = $1", wanted)
    assert row is not None
    return dict(row)


async def test_an_owner_changes_what_others_may_do(tenant: Tenant) -> None:
    person, client = await make_person(tenant, "viewer"), uuid4()
    async with as_tenant(tenant) as connection:
        told = [
            await changed(connection, person.user_id, **facts)
            for facts in (
                {"role": "accountant"},
                {"role": "member", "scope_ids": [str(client)]},
                {"is_active": False},
                {"is_active": True, "role": "operator"},
            )
        ]
    assert [tuple(each.values()) for each in told] == [
        ("accountant", [], True),
        ("member", [client], True),
        ("member", [client], False),
        ("operator", [], True),
    ]
    async with as_superuser() as connection:
        said = await connection.fetch(
            "select new_values ->> 'role' from core.audit_log where tenant_id = $1 and entity_type = 'MEMBERSHIP'"
            " and action = 'UPDATE' and user_id = $2 and new_values ? 'role' order by created_at, id",
            tenant.tenant_id,
            tenant.owner_id,
        )
    assert [row[0] for row in said] == ["accountant", "member", "operator"]


@pytest.mark.parametrize("role", SCOPED)
async def test_who_is_held_to_a_scope_is_given_it_with_the_role_and_loses_it_with_it(tenant: Tenant, role: str) -> None:
    scope, another = uuid4(), next(each for each in SCOPED if each != role)
    person = await make_person(tenant, role, [scope])
    async with as_tenant(tenant, role, [scope], user_id=person.user_id) as connection:
        assert [row["user_id"] for row in await connection.fetch(COLLEAGUES)] == [person.user_id]
        assert await connection.fetchval("select count(*) from iam.organisation()") == 1
        assert await connection.fetchval("select core.permits('billing:read')") == (role == "member")
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", "SCOPE_REQUIRED"):
            await changed(connection, person.user_id, role=another)
        assert (await changed(connection, person.user_id, is_active=True))["scope_ids"] == [scope]
        assert (await changed(connection, person.user_id, role="viewer"))["scope_ids"] == []
        with refused("BAD_USER_INPUT", "SCOPE_REQUIRED"):
            await changed(connection, person.user_id, role=role)
        assert (await changed(connection, person.user_id, role=role, scope_ids=[str(scope)]))["scope_ids"] == [scope]


@pytest.mark.parametrize("role", ["admin", "accountant", "operator", "viewer", *SCOPED, ""])
async def test_nobody_but_an_owner_does(tenant: Tenant, role: str) -> None:
    person = await make_person(tenant, "viewer")
    async with as_tenant(tenant) as connection:
        wanted = await connection.fetchval("select id from iam.memberships where user_id = $1", person.user_id)
    async with as_tenant(tenant, role, [uuid4()], user_id=person.user_id) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, "iam.membership_update", id=wanted, role="owner")


@pytest.mark.parametrize(
    "facts", [{"role": "admin"}, {"is_active": False}, {"role": "member", "scope_ids": [str(uuid4())]}]
)
async def test_an_organisation_keeps_an_owner(tenant: Tenant, facts: dict[str, Any]) -> None:
    other = await make_person(tenant, "viewer")
    async with as_tenant(tenant) as connection:
        with refused("CONFLICT", "LAST_OWNER"):
            await changed(connection, tenant.owner_id, **facts)
        await changed(connection, other.user_id, role="owner")
        await changed(connection, tenant.owner_id, **facts)
    async with as_tenant(tenant, user_id=other.user_id) as connection:
        with refused("CONFLICT", "LAST_OWNER"):
            await changed(connection, other.user_id, **facts)
    async with as_owner(tenant) as connection:
        with refused("CONFLICT", "LAST_OWNER"):
            await connection.execute("update iam.memberships set is_active = false where user_id = $1", other.user_id)


async def test_of_two_owners_who_go_at_once_one_stays(tenant: Tenant) -> None:
    other = await make_person(tenant, "owner")

    async def go(user_id: UUID) -> bool:
        async with as_tenant(tenant, user_id=user_id) as connection, asyncio.timeout(20):
            try:
                await changed(connection, user_id, role="viewer")
            except asyncpg.PostgresError:
                return False
            return True

    for _ in range(5):
        went = await asyncio.gather(go(tenant.owner_id), go(other.user_id))
        assert went.count(True) == 1
        async with as_superuser() as connection:
            await connection.execute("update iam.memberships set role = 'owner' where tenant_id = $1", tenant.tenant_id)


async def test_another_organisations_membership_is_not_there(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(other_tenant) as connection:
        foreign = await connection.fetchval("select id from iam.memberships")
    async with as_tenant(tenant) as connection:
        for wanted in (foreign, uuid4()):
            with refused("NOT_FOUND", "MEMBERSHIP_NOT_FOUND"):
                await call(connection, "iam.membership_update", id=wanted, role="viewer")
        with refused("BAD_USER_INPUT", "ROLE_UNKNOWN"):
            person = await make_person(tenant, "viewer")
            await changed(connection, person.user_id, role="boss")
