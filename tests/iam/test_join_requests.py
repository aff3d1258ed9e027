"""Join requests: sql/iam/join_requests.sql."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_superuser, as_tenant
from tests.harness.tenants import Person, Tenant, make_person, make_tenant
from tests.harness.verbs import call, refused, the_row
from tests.iam.comers import make_comer, make_older, membership_of, mine, told, verify

NOWHERE = UUID(int=0)


async def ask(person: Person, slug: str, message: str | None = None) -> UUID:
    """As the server asks for somebody who is signed in."""
    async with as_nobody() as connection:
        made = await connection.fetchval("select iam.join_request_create($1, $2, $3)", person.user_id, slug, message)
    assert isinstance(made, UUID)
    return made


async def withdraw(person: Person, wanted: UUID) -> bool:
    async with as_nobody() as connection:
        return bool(await connection.fetchval("select iam.join_request_withdraw($1, $2)", person.user_id, wanted))


async def the_request(wanted: UUID) -> dict[str, Any]:
    async with as_superuser() as connection:
        return await the_row(connection, "iam.join_requests", wanted)


async def answer(tenant: Tenant, wanted: UUID, verb: str = "approve", **facts: Any) -> None:
    """By the owner."""
    async with as_tenant(tenant) as connection:
        await call(connection, f"iam.join_request_{verb}", id=wanted, **facts)


async def test_whoever_is_let_in_has_the_role_that_the_owner_gives(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant)
    made = await ask(person, tenant.slug, "  It is me.  ")
    async with as_tenant(tenant) as connection:
        row = await the_row(connection, "iam.join_requests", made)
        assert (row["user_name"], row["user_address"], row["message"]) == (person.name, person.email, "It is me.")
    await answer(tenant, made, role="accountant")
    membership = await membership_of(tenant, person.user_id)
    assert membership == {"role": "accountant", "scope_ids": [], "is_active": True, "created_by": tenant.owner_id}
    [seen] = await mine(other_tenant, person.user_id, "my_join_requests")
    assert (seen["id"], seen["organisation_slug"], seen["status"]) == (made, tenant.slug, "APPROVED")
    [notice] = await told(person.email)
    assert tenant.name in notice["text"]
    assert tenant.slug in notice["text"]


async def test_owners_with_an_address_of_their_own_are_told_and_nobody_else(other_tenant: Tenant) -> None:
    tenant = await make_tenant("Ashdown\tJoinery")
    second, admin = await make_person(tenant, "owner"), await make_person(tenant, "admin")
    away = await make_person(tenant, "owner")
    for each in (second, admin, away):
        await verify(each.user_id)
    async with as_superuser() as connection:
        await connection.execute("update iam.memberships set is_active = false where user_id = $1", away.user_id)
    person = await make_comer(other_tenant)
    await ask(person, tenant.slug, "Read this: http://evil.example")
    [notice] = await told(second.email)
    assert notice["subject"] == f"{person.name} asks to join Ashdown Joinery"
    assert person.email in notice["text"]
    assert "evil" not in notice["text"]
    for silent in (tenant.owner_email, admin.email, away.email):
        assert await told(silent) == []


async def test_whether_there_is_such_an_organisation_is_not_told(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant)
    suspended = await make_tenant("Suspended")
    async with as_superuser() as connection:
        await connection.execute("update iam.tenants set suspended_at = now() where id = $1", suspended.tenant_id)
    slugs = [tenant.slug, "nobody-is-called-so", suspended.slug]
    made = [await ask(person, slug, "Hello") for slug in slugs]
    assert [await ask(person, slug, "Once more") for slug in slugs] == made  # asked once
    seen = await mine(other_tenant, person.user_id, "my_join_requests")
    assert [row["id"] for row in seen] == made[::-1]
    assert {(row["message"], row["status"], row["answered_at"]) for row in seen} == {("Hello", "PENDING", None)}
    assert [(await the_request(each))["tenant_id"] for each in made] == [tenant.tenant_id, NOWHERE, NOWHERE]
    for each in made:
        assert await withdraw(person, each) is True
        assert await withdraw(person, each) is False
    async with as_superuser() as connection:
        assert await connection.fetchval("select count(*) from core.audit_log where tenant_id = $1", NOWHERE) == 0


async def test_ten_a_day_whether_there_is_one_or_not_and_at_once(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant)
    slugs = [tenant.slug, *(f"nobody-{number}" for number in range(14))]
    asked = await asyncio.gather(*(ask(person, slug) for slug in slugs), return_exceptions=True)
    assert sum(isinstance(each, UUID) for each in asked) == 10
    with refused("CONFLICT", "TOO_MANY_REQUESTS"):
        await ask(person, "nobody-else")


async def test_of_many_who_ask_at_once_one_request_is_made(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant)
    made = await asyncio.gather(*(ask(person, tenant.slug) for _ in range(6)))
    assert len(set(made)) == 1


async def test_owners_are_not_asked_by_more_than_a_hundred(other_tenant: Tenant) -> None:
    tenant, person = await make_tenant("Sought After"), await make_comer(other_tenant)
    async with as_superuser() as connection:
        await connection.execute(
            "with people as (insert into iam.users (email, name) select gen_random_uuid() || '@example.org', 'X'"
            " from generate_series(1, 100) returning id)"
            " insert into iam.join_requests (tenant_id, user_id, user_name, user_address, organisation)"
            " select $1, id, 'X', 'x', $2 from people",
            tenant.tenant_id,
            tenant.slug,
        )
    made = await ask(person, tenant.slug)
    assert (await the_request(made))["tenant_id"] == NOWHERE
    [seen] = await mine(other_tenant, person.user_id, "my_join_requests")
    assert seen["status"] == "PENDING"


async def test_whoever_asks_has_shown_that_their_address_is_theirs(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant, verified=False)
    with refused("CONFLICT", "ADDRESS_UNVERIFIED"):
        await ask(person, tenant.slug)
    with refused("CONFLICT", "ADDRESS_UNVERIFIED"):
        await ask(Person(uuid4(), "", "", ""), tenant.slug)


async def test_what_cannot_be_asked_is_refused(tenant: Tenant, other_tenant: Tenant) -> None:
    person, colleague = await make_comer(other_tenant), await make_comer(tenant)
    with refused("CONFLICT", "ALREADY_A_MEMBER"):
        await ask(colleague, tenant.slug)
    with refused("BAD_USER_INPUT", "SLUG_INVALID"):
        await ask(person, "No Slug")
    with refused("BAD_USER_INPUT", "MESSAGE_LENGTH"):
        await ask(person, tenant.slug, "x" * 1001)


@pytest.mark.parametrize("role", ["admin", "accountant", "operator", "viewer", "member", "doorway", "worker", ""])
async def test_nobody_but_an_owner_answers(role: str, tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant)
    made = await ask(person, tenant.slug)
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        for verb in ("approve", "decline"):
            with refused("FORBIDDEN", "PERMISSION_MISSING"):
                await call(connection, f"iam.join_request_{verb}", id=made, role="owner")
    assert await membership_of(tenant, person.user_id) is None


async def test_another_organisations_request_is_not_there_and_neither_is_one_to_nobody(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    person = await make_comer(await make_tenant("Third"))
    theirs, nobodys = await ask(person, other_tenant.slug), await ask(person, "nobody-is-called-so")
    said = set()
    async with as_tenant(tenant) as connection:
        for wanted in (theirs, nobodys, uuid4()):
            assert await connection.fetch("select id from iam.join_requests where id = $1", wanted) == []
            for verb in ("approve", "decline"):
                with refused("NOT_FOUND", "JOIN_REQUEST_NOT_FOUND") as refusal:
                    await call(connection, f"iam.join_request_{verb}", id=wanted, role="viewer")
                said.add(refusal.message)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, "REQUIRED"),
        ({"role": "boss"}, "ROLE_UNKNOWN"),
        ({"role": "doorway"}, "ROLE_UNKNOWN"),
        ({"role": "member"}, "SCOPE_REQUIRED"),
        ({"role": "viewer", "scope_ids": [str(uuid4())]}, "SCOPE_REQUIRED"),
    ],
)
async def test_whoever_is_let_in_has_a_role_that_makes_sense(
    facts: dict[str, Any], reason: str, tenant: Tenant, other_tenant: Tenant
) -> None:
    person = await make_comer(other_tenant)
    made = await ask(person, tenant.slug)
    with refused("BAD_USER_INPUT", reason):
        await answer(tenant, made, **facts)
    await answer(tenant, made, role="member", scope_ids=[str(uuid4())])
    assert (await the_request(made))["outcome"] == "APPROVED"


async def test_a_request_is_answered_once_however_many_do_so(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant)
    made = await ask(person, tenant.slug)
    tried = await asyncio.gather(
        *(answer(tenant, made, verb, role="viewer") for verb in ("approve", "decline") * 3), return_exceptions=True
    )
    assert sum(each is None for each in tried) == 1
    outcome = (await the_request(made))["outcome"]
    assert (await membership_of(tenant, person.user_id) is not None) == (outcome == "APPROVED")
    assert len(await told(person.email)) == 1


@pytest.mark.parametrize("fate", ["withdrawn", "expired", "declined"])
async def test_what_is_over_is_not_approved(fate: str, tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant)
    made = await ask(person, tenant.slug)
    match fate:
        case "withdrawn":
            assert await withdraw(person, made) is True
        case "expired":
            await make_older("join_requests", made, "30 days")
            assert await withdraw(person, made) is False
        case "declined":
            await answer(tenant, made, "decline")
    with refused("CONFLICT", "JOIN_REQUEST_OVER"):
        await answer(tenant, made, role="viewer")
    [seen] = await mine(other_tenant, person.user_id, "my_join_requests")
    assert seen["status"] == fate.upper()
    again = await ask(person, tenant.slug)
    await answer(tenant, again, role="viewer")


async def test_nobody_takes_back_what_somebody_else_asked(tenant: Tenant, other_tenant: Tenant) -> None:
    person, other = await make_comer(other_tenant), await make_comer(other_tenant)
    made = await ask(person, tenant.slug)
    assert await withdraw(other, made) is False
    assert (await the_request(made))["outcome"] is None
    assert await mine(other_tenant, other.user_id, "my_join_requests") == []


async def test_whoever_was_kept_out_comes_back_if_an_owner_says_so(tenant: Tenant, other_tenant: Tenant) -> None:
    person = await make_comer(other_tenant)
    made = await ask(person, tenant.slug)
    await answer(tenant, made, role="admin")
    async with as_superuser() as connection:
        await connection.execute(
            "update iam.memberships set is_active = false where user_id = $1 and tenant_id = $2",
            person.user_id,
            tenant.tenant_id,
        )
    await answer(tenant, await ask(person, tenant.slug), role="viewer")
    membership = await membership_of(tenant, person.user_id)
    assert membership is not None
    assert (membership["role"], membership["is_active"]) == ("viewer", True)


@pytest.mark.parametrize("statement", ["update iam.join_requests set message = 'x'", "delete from iam.join_requests"])
async def test_nobody_writes_a_request(tenant: Tenant, statement: str) -> None:
    async with as_tenant(tenant) as person, as_analyst(tenant) as analyst, as_nobody() as nobody:
        for connection in (person, analyst, nobody):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await person.execute("select iam.join_request_create(core.user_id(), 'x', null)")


async def test_neither_a_member_nor_an_analyst_sees_requests(tenant: Tenant, other_tenant: Tenant) -> None:
    await ask(await make_comer(other_tenant), tenant.slug)
    async with as_tenant(tenant, "member", [uuid4()]) as connection:
        assert await connection.fetch("select id from iam.join_requests") == []
    async with as_analyst(tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select id from iam.join_requests")


async def test_every_step_stands_in_the_log_of_the_organisation(tenant: Tenant, other_tenant: Tenant) -> None:
    made = await ask(await make_comer(other_tenant), tenant.slug)
    await answer(tenant, made, "decline")
    async with as_superuser() as connection:
        said = await connection.fetch(
            "select action, entity_type, user_id from core.audit_log where tenant_id = $1 and entity_id = $2"
            " order by created_at, id",
            tenant.tenant_id,
            made,
        )
    assert [tuple(row) for row in said] == [
        ("CREATE", "JOIN_REQUEST", None),
        ("UPDATE", "JOIN_REQUEST", tenant.owner_id),
    ]
