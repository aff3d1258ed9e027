"""Issuers that an organisation trusts, and who came by them: sql/iam/trusted_issuers.sql, external_people.sql."""

import json
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row

TABLE: Final = "iam.trusted_issuers"
PEOPLE: Final = "iam.external_people"
ISSUER: Final = {"name": "Our login", "issuer": "https://login.example.com"}
VERBS: Final = ("trusted_issuer_create", "trusted_issuer_update", "trusted_issuer_delete")
CONTEXT: Final = "select * from iam.external_context($1, $2, $3, $4, $5, $6, $7, $8)"


async def entered(tenant: Tenant, **facts: Any) -> UUID:
    async with as_tenant(tenant, "admin") as connection:
        made = await call(connection, "iam.trusted_issuer_create", **{**ISSUER, **facts})
        assert isinstance(made, UUID)
        return made


async def seen(
    tenant: Tenant,
    issuer: UUID,
    roles: list[str],
    scopes: list[str] | None = None,
    *,
    person: UUID | None = None,
    name: str | None = "Ada",
) -> asyncpg.Record | None:
    """What the server is told of somebody with such a token."""
    person = person or uuid4()
    async with as_nobody() as connection:
        return await connection.fetchrow(
            CONTEXT, tenant.tenant_id, issuer, person, str(person), name, "ada@example.com", roles, scopes or []
        )


async def test_an_admin_trusts_an_issuer_changes_what_it_means_and_takes_it_away(tenant: Tenant) -> None:
    made = await entered(tenant, roles={"finance": "accountant"}, scope_claim="clients")
    async with as_tenant(tenant, "admin") as connection:
        row = await the_row(connection, TABLE, made)
        assert (row["issuer"], row["jwks_url"], row["role_claim"]) == ("https://login.example.com", None, "role")
        assert (json.loads(row["roles"]), row["scope_claim"], row["is_active"]) == (
            {"finance": "accountant"},
            "clients",
            True,
        )
        changes = {"name": "Theirs", "jwks_url": "https://keys.example.com/jwks?v=1", "role_claim": "groups"}
        await call(connection, "iam.trusted_issuer_update", id=made, **changes, is_active=False, issuer="https://x.org")
        row = await the_row(connection, TABLE, made)
        assert {name: row[name] for name in changes} == changes
        # People are known by their issuer: it stays.
        assert (row["issuer"], row["is_active"]) == ("https://login.example.com", False)
        await call(connection, "iam.trusted_issuer_delete", id=made)
        assert not await connection.fetchval(f"select exists (select from {TABLE} where id = $1)", made)


@pytest.mark.parametrize(
    ("wrong", "reason", "field"),
    [
        ({"name": ""}, "NAME_INVALID", "input.name"),
        ({"issuer": None}, "REQUIRED", "input.issuer"),
        ({"issuer": "login.example.com"}, "ISSUER_INVALID", "input.issuer"),
        ({"issuer": "http://login.example.com"}, "ISSUER_INVALID", "input.issuer"),
        ({"issuer": "http://127.0.0.1.example.com"}, "ISSUER_INVALID", "input.issuer"),
        ({"issuer": "http://localhost.example.com/"}, "ISSUER_INVALID", "input.issuer"),
        ({"issuer": "https://login.example.com?x=1"}, "ISSUER_INVALID", "input.issuer"),
        ({"issuer": "https://login.example.com#x"}, "ISSUER_INVALID", "input.issuer"),
        ({"issuer": "https://me@login.example.com"}, "ISSUER_INVALID", "input.issuer"),
        ({"issuer": "https://login.example.com\\@x"}, "ISSUER_INVALID", "input.issuer"),
        ({"issuer": "https://login.example.com " + "x"}, "ISSUER_INVALID", "input.issuer"),
        ({"issuer": "https://" + "x" * 300}, "ISSUER_INVALID", "input.issuer"),
        ({"jwks_url": "http://login.example.com/keys"}, "JWKS_URL_INVALID", "input.jwksUrl"),
        ({"jwks_url": "file:///etc/passwd"}, "JWKS_URL_INVALID", "input.jwksUrl"),
        ({"role_claim": ""}, "CLAIM_INVALID", "input.roleClaim"),
        ({"scope_claim": "x" * 101}, "CLAIM_INVALID", "input.scopeClaim"),
        ({"roles": {"boss": "owner"}}, "ROLE_UNKNOWN", "input.roles"),
        ({"roles": {"boss": "OWNER"}}, "ROLE_UNKNOWN", "input.roles"),
        ({"roles": {"boss": "worker"}}, "ROLE_UNKNOWN", "input.roles"),
        ({"roles": {"boss": ["admin"]}}, "ROLE_UNKNOWN", "input.roles"),
        ({"roles": {"boss": None}}, "ROLE_UNKNOWN", "input.roles"),
        ({"roles": {str(each): "viewer" for each in range(101)}}, "ROLE_UNKNOWN", "input.roles"),
        ({"roles": ["admin"]}, "JSON_OBJECT_REQUIRED", None),
    ],
    ids=str,
)
async def test_what_no_issuer_can_be_is_refused(
    wrong: dict[str, Any], reason: str, field: str | None, tenant: Tenant
) -> None:
    async with as_tenant(tenant, "admin") as connection:
        with refused("BAD_USER_INPUT", reason) as told:
            await call(connection, "iam.trusted_issuer_create", **{**ISSUER, **wrong})
    assert told.field == field


async def test_nobody_writes_owner_into_it_past_the_verbs(tenant: Tenant) -> None:
    made = await entered(tenant)
    async with as_superuser() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f'update {TABLE} set roles = \'{{"boss": "owner"}}\' where id = $1', made)


async def test_an_issuer_is_entered_once_in_an_organisation_and_in_as_many_as_want_it(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    """Nobody can keep another organisation from its own issuer."""
    await entered(other_tenant)
    await entered(tenant)
    async with as_tenant(tenant, "admin") as connection:
        with refused("CONFLICT", "ISSUER_TAKEN"):
            await call(connection, "iam.trusted_issuer_create", **ISSUER)


async def test_there_are_twenty_at_most(tenant: Tenant) -> None:
    for number in range(20):
        await entered(tenant, issuer=f"https://{number}.example.com")
    async with as_tenant(tenant, "admin") as connection:
        with refused("CONFLICT", "TOO_MANY_ISSUERS"):
            await call(connection, "iam.trusted_issuer_create", **ISSUER)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", ["accountant", "operator", "viewer", "member", "worker", "superuser", ""])
async def test_only_owners_and_admins_decide_whom_to_trust(role: str, verb: str, tenant: Tenant) -> None:
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING") as told:
            await call(connection, f"iam.{verb}", id="not even an id")
    assert told.message.endswith("does not include iam:write.")


@pytest.mark.parametrize("verb", VERBS)
async def test_nobody_outside_of_an_organisation_calls_the_verbs(verb: str, tenant: Tenant) -> None:
    async with as_nobody() as nobody, as_analyst(tenant) as analyst:
        for connection in (nobody, analyst):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await call(connection, f"iam.{verb}")


async def test_another_organisation_s_issuer_is_not_there(tenant: Tenant, other_tenant: Tenant) -> None:
    theirs = await entered(other_tenant)
    async with as_tenant(tenant) as connection:
        for verb in VERBS[1:]:
            with refused("NOT_FOUND", "ISSUER_NOT_FOUND"):
                await call(connection, f"iam.{verb}", id=theirs)
        assert not await connection.fetch(f"select id from {TABLE} where id = $1", theirs)
    assert await seen(tenant, theirs, ["viewer"]) is None


@pytest.mark.parametrize(
    ("roles", "claimed", "given"),
    [
        ({}, ["viewer"], "viewer"),
        ({}, ["Accountant"], "accountant"),
        ({}, ["viewer", "admin", "operator"], "admin"),
        ({}, ["owner"], None),
        ({}, ["OWNER", "viewer"], "viewer"),
        ({}, ["worker"], None),
        ({}, [], None),
        ({"finance": "accountant", "all": "viewer"}, ["all", "finance"], "accountant"),
        ({"finance": "accountant"}, ["accountant"], None),
        ({"finance": "accountant"}, ["Finance"], None),
        ({"finance": "accountant"}, ["owner"], None),
        ({"finance": "accountant"}, ["app:billing:write"], None),
        ({}, ["app:billing:write"], None),
    ],
)
async def test_what_a_claim_means(roles: dict[str, str], claimed: list[str], given: str | None, tenant: Tenant) -> None:
    made = await entered(tenant, roles=roles)
    found = await seen(tenant, made, claimed)
    assert found is not None
    assert found["role"] == given
    if given:
        async with as_superuser() as connection:
            held = await connection.fetchval("select core.permissions($1)", given)
        assert found["permissions"] == [each for each in held if each != "iam:self"]
        assert (found["sees_all"], found["time_zone"]) == (True, tenant.time_zone)


async def test_a_member_has_the_scope_that_the_token_names_and_without_one_is_nobody(tenant: Tenant) -> None:
    made = await entered(tenant, scope_claim="clients")
    client = uuid4()
    found = await seen(tenant, made, ["member"], [str(client).upper(), str(client), "nonsense", ""])
    assert found is not None
    assert (found["role"], found["scope_ids"], found["sees_all"]) == ("member", [client], False)
    for scopes in ([], ["nonsense"]):
        found = await seen(tenant, made, ["member"], scopes)
        assert found is not None
        assert found["role"] is None
    found = await seen(tenant, made, ["vendor"], [str(client)])
    assert found is not None
    assert (found["role"], found["scope_ids"], found["sees_all"]) == ("vendor", [client], False)
    found = await seen(tenant, made, ["viewer"], [str(client)])
    assert found is not None
    assert found["scope_ids"] == []


async def test_an_issuer_that_is_inactive_and_an_organisation_that_is_suspended_let_nobody_in(tenant: Tenant) -> None:
    made = await entered(tenant)
    lookup = "select exists (select from iam.trusted_issuer_of($1, $2))"
    async with as_nobody() as nobody, as_superuser() as operator:
        asked = (tenant.tenant_id, ISSUER["issuer"])
        assert await nobody.fetchval(lookup, *asked)
        assert await seen(tenant, made, ["viewer"])
        await operator.execute(f"update {TABLE} set is_active = false where id = $1", made)
        assert not await nobody.fetchval(lookup, *asked)
        assert await seen(tenant, made, ["viewer"]) is None
        await operator.execute(f"update {TABLE} set is_active = true where id = $1", made)
        await operator.execute("update iam.tenants set suspended_at = now() where id = $1", tenant.tenant_id)
        assert not await nobody.fetchval(lookup, *asked)
        assert await seen(tenant, made, ["viewer"]) is None


async def test_who_came_is_noted_when_something_is_new_and_once_an_hour(tenant: Tenant) -> None:
    made, person = await entered(tenant), uuid4()
    log = """
        select action, entity_type, new_values::text, user_id from core.audit_log
        where tenant_id = $1 and entity_id = $2 order by created_at, id
    """

    async def noted() -> list[tuple[str, str]]:
        async with as_superuser() as connection:
            rows = await connection.fetch(log, tenant.tenant_id, person)
        return [(row["entity_type"], row["action"]) for row in rows]

    for _ in range(5):
        await seen(tenant, made, ["viewer"], person=person)
    first = [("EXTERNAL_PERSON", "CREATE"), ("USER", "SIGN_IN")]
    assert sorted(await noted()) == first
    async with as_tenant(tenant, "viewer") as connection:
        row = await the_row(connection, PEOPLE, person)
        assert (row["subject"], row["name"], row["role"], row["issuer_id"]) == (str(person), "Ada", "viewer", made)
    await seen(tenant, made, ["admin"], person=person)
    assert len(await noted()) == 4
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(
            f"update {PEOPLE} set last_seen_at = now() - interval '61 minutes' where id = $1", person
        )
    for _ in range(3):
        await seen(tenant, made, ["admin"], person=person)
    assert len(await noted()) == 5
    async with as_superuser() as connection:
        entry = await connection.fetchrow(
            f"{log.replace('order by', 'and action = $3 order by')} limit 1", tenant.tenant_id, person, "SIGN_IN"
        )
    assert entry is not None
    assert json.loads(entry["new_values"]) == {
        "method": "TRUSTED_ISSUER",
        "issuer": ISSUER["issuer"],
        "role": "viewer",
    }
    assert entry["user_id"] == person


async def test_who_is_refused_is_noted_once_an_hour(tenant: Tenant) -> None:
    made, person = await entered(tenant, roles={"finance": "accountant"}), uuid4()
    for _ in range(3):
        await seen(tenant, made, ["sales"], person=person)
    await seen(tenant, made, [], person=uuid4())
    async with as_tenant(tenant, "admin") as connection:
        asked = """
          select action, entity_id, new_values from core.audit_log
          where tenant_id = $1 and new_values ->> 'refused' = 'ROLE_NOT_MAPPED'
        """
        noted = {row["entity_id"]: row for row in await connection.fetch(asked, tenant.tenant_id)}
        assert len(noted) == len(await connection.fetch(asked, tenant.tenant_id)) == 2
    assert noted[person]["action"] == "SIGN_IN"
    assert json.loads(noted[person]["new_values"]) == {
        "refused": "ROLE_NOT_MAPPED",
        "method": "TRUSTED_ISSUER",
        "issuer": ISSUER["issuer"],
    }
    async with as_tenant(tenant, "viewer") as connection:
        row = await the_row(connection, PEOPLE, person)
        assert (row["subject"], row["role"]) == (str(person), None)


async def test_an_issuer_by_which_somebody_came_stays_so_that_the_log_can_be_read(tenant: Tenant) -> None:
    made = await entered(tenant)
    await seen(tenant, made, ["viewer"])
    async with as_tenant(tenant) as connection:
        with refused("CONFLICT", "ISSUER_USED"):
            await call(connection, "iam.trusted_issuer_delete", id=made)


async def test_what_the_look_ups_write_is_written_by_nobody_else(tenant: Tenant) -> None:
    made = await entered(tenant)
    async with as_tenant(tenant) as connection:
        for function in (
            f"iam.trusted_issuer_of('{tenant.tenant_id}', 'x')",
            f"iam.external_context('{tenant.tenant_id}', '{made}', '{made}', 'x', null, null, '{{admin}}', '{{}}')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"select {function}")
        for statement in (f"delete from {PEOPLE}", f"update {TABLE} set is_active = true", f"delete from {TABLE}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_a_member_and_another_organisation_see_neither_issuers_nor_people(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    made = await entered(tenant)
    await seen(tenant, made, ["viewer"])
    async with (
        as_tenant(tenant, "member", [uuid4()]) as member,
        as_tenant(other_tenant) as other,
        as_owner(other_tenant) as owner,
    ):
        for connection in (member, other, owner):
            for table in (TABLE, PEOPLE):
                assert await connection.fetchval(f"select count(id) from {table}") == 0
