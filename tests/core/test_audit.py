"""Who changed what, when and from where: sql/core/audit.sql."""

import json
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.harness.actors import SCOPED, as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person, password_hash
from tests.harness.verbs import LINE, call, new_client, new_draft, new_invoice, refused


async def entries(tenant: Tenant, kind: str, entity_id: UUID | None = None) -> list[dict[str, Any]]:
    """What the log says, oldest first, as the operator of the house reads it."""
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select * from core.audit_log where tenant_id = $1 and entity_type = $2"
            " and ($3::uuid is null or entity_id = $3) order by created_at, id",
            tenant.tenant_id,
            kind,
            entity_id,
        )
    read = [dict(row) for row in rows]
    for row in read:
        for values in ("old_values", "new_values"):
            row[values] = json.loads(row[values]) if row[values] else None
    return read


async def test_a_new_row_is_recorded_with_all_that_it_says(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, "Fen Orchards", city="Ely")
    [entry] = await entries(tenant, "CLIENT", client_id)
    assert (entry["action"], entry["old_values"]) == ("CREATE", None)
    assert (entry["new_values"]["name"], entry["new_values"]["city"]) == ("Fen Orchards", "Ely")
    assert not {key for key in entry["new_values"] if key.endswith(("_key", "_minor"))}
    assert "tenant_id" not in entry["new_values"]


async def test_a_change_is_recorded_with_what_changed_and_nothing_else(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, "Fen Orchards", city="Ely", phone="1")
        await call(connection, "billing.client_update", id=client_id, city="Wisbech", phone=None, name="Fen Orchards")
    entry = (await entries(tenant, "CLIENT", client_id))[1]
    assert entry["action"] == "UPDATE"
    assert entry["old_values"] == {"city": "Ely", "phone": "1"}
    assert entry["new_values"] == {"city": "Wisbech", "phone": None}


async def test_a_change_that_changes_nothing_is_not_recorded(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await call(connection, "billing.client_update", id=client_id, name="Fen Orchards")
    assert [entry["action"] for entry in await entries(tenant, "CLIENT", client_id)] == ["CREATE"]


async def test_a_new_status_is_a_transition_and_a_deletion_is_a_deletion(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        contact_id = await call(connection, "billing.client_contact_create", client_id=client_id, name="Ann")
        await call(connection, "billing.client_contact_delete", id=contact_id)
        await call(connection, "billing.client_archive", id=client_id)
        await call(connection, "billing.client_delete", id=client_id)
        invoice_id = await new_invoice(connection)
    assert [e["action"] for e in await entries(tenant, "CLIENT", client_id)] == ["CREATE", "TRANSITION", "DELETE"]
    created, deleted = await entries(tenant, "CLIENT_CONTACT", contact_id)
    assert (deleted["action"], deleted["new_values"]) == ("DELETE", None)
    assert deleted["old_values"] == created["new_values"]
    issued = (await entries(tenant, "INVOICE", invoice_id))[-1]
    assert issued["action"] == "TRANSITION"
    assert (issued["old_values"]["status"], issued["new_values"]["status"]) == ("DRAFT", "SENT")
    assert issued["new_values"]["number"] == "INV-000001"


async def test_every_line_of_an_invoice_is_recorded(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft_id = await new_draft(connection, lines=[LINE, LINE])
        await call(connection, "billing.invoice_update", id=draft_id, lines=[{**LINE, "quantity": "5"}])
    actions = [
        (e["action"], (e["new_values"] or e["old_values"])["quantity"]) for e in await entries(tenant, "INVOICE_LINE")
    ]
    assert sorted(actions) == [("CREATE", 2), ("CREATE", 2), ("CREATE", 5), ("DELETE", 2), ("DELETE", 2)]


async def test_an_entry_says_who_it_was_and_where_they_came_from(tenant: Tenant) -> None:
    person = await make_person(tenant, "operator")
    async with as_tenant(tenant, "operator", user_id=person.user_id) as connection:
        await connection.execute("select set_config('app.ip_address', '203.0.113.9', false)")
        await connection.execute("select set_config('app.user_agent', 'curl/8', false)")
        await connection.execute("select set_config('app.request_id', 'req-1', false)")
        client_id = await new_client(connection)
    [entry] = await entries(tenant, "CLIENT", client_id)
    assert entry["user_id"] == person.user_id
    assert (entry["ip_address"], entry["user_agent"], entry["request_id"]) == ("203.0.113.9", "curl/8", "req-1")


async def test_what_the_operator_of_the_house_does_is_recorded_with_the_tenant(tenant: Tenant) -> None:
    person = await make_person(tenant, "viewer")
    [made] = await entries(tenant, "TENANT")
    assert (made["action"], made["new_values"]["slug"], made["user_id"]) == ("CREATE", tenant.slug, None)
    roles = [entry["new_values"]["role"] for entry in await entries(tenant, "MEMBERSHIP")]
    assert roles == ["owner", "viewer"]
    async with as_superuser() as connection:
        await connection.execute("update iam.users set name = 'Robin Fen' where id = $1", person.user_id)
    assert (await entries(tenant, "MEMBERSHIP"))[-1]["new_values"] == {"user_name": "Robin Fen"}


async def test_a_sign_in_is_recorded(tenant: Tenant) -> None:
    async with as_nobody() as connection:
        await connection.execute(
            "select iam.session_begin("
            "$1, $2, sha256(gen_random_uuid()::text::bytea), '203.0.113.9', 'curl/8', 'req-2')",
            tenant.owner_id,
            tenant.tenant_id,
        )
    [entry] = await entries(tenant, "USER")
    assert (entry["action"], entry["entity_id"], entry["user_id"]) == ("SIGN_IN", tenant.owner_id, tenant.owner_id)
    assert entry["request_id"] == "req-2"


async def test_a_refused_change_leaves_no_entry(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", "NAME_INVALID"):
            await new_client(connection, " blank ")
    assert await entries(tenant, "CLIENT") == []


async def test_no_entry_holds_a_hash(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        log = await connection.fetch("select old_values::text || new_values::text from core.audit_log")
    assert not [row for row in log if row[0] and ("argon2" in row[0] or password_hash() in row[0])]


@pytest.mark.parametrize(
    "statement",
    [
        "update core.audit_log set user_id = null",
        "update core.audit_log set action = 'DELETE' where action = 'CREATE'",
        "delete from core.audit_log",
        "truncate core.audit_log",
        "truncate core.audit_log_default",
    ],
)
async def test_nobody_rewrites_the_log_not_even_its_owner(tenant: Tenant, statement: str) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection)
    async with as_superuser() as superuser, as_owner(tenant) as owner:
        before = await superuser.fetchval("select count(*) from core.audit_log")
        for connection in (owner, superuser):
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(statement)
        assert await superuser.fetchval("select count(*) from core.audit_log") == before


async def test_no_month_of_the_log_can_be_emptied() -> None:
    async with as_superuser() as connection:
        partitions = await connection.fetch(
            "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'core.audit_log'::regclass"
        )
        assert len(partitions) >= 14
        for partition in partitions:
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(f"truncate {partition['name']}")


async def test_the_owner_writes_no_entry_for_another_organisation(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "insert into core.audit_log (tenant_id, action, entity_type) values ($1, 'DELETE', 'CLIENT')",
                other_tenant.tenant_id,
            )


async def test_the_log_knows_its_actions_only(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        with refused("BAD_USER_INPUT", "AUDIT_ACTION"):
            await connection.execute(
                "insert into core.audit_log (tenant_id, action, entity_type) values ($1, 'PEEK', 'CLIENT')",
                tenant.tenant_id,
            )


async def test_the_log_is_read_by_those_who_may_and_by_nobody_else(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection)
    count = "select count(*) from core.audit_log"
    async with as_superuser() as superuser:
        whole = await superuser.fetchval(f"{count} where tenant_id = $1", tenant.tenant_id)
    for role in ("owner", "admin"):
        async with as_tenant(tenant, role) as connection:
            assert await connection.fetchval(count) == whole > 0
    for role in ("accountant", "operator", "viewer", *SCOPED, "", "superuser"):
        async with as_tenant(tenant, role, [other_tenant.tenant_id]) as connection:
            assert await connection.fetchval(count) == 0


async def test_analysts_have_no_way_to_the_log_and_nobody_reads_a_month_of_it(tenant: Tenant) -> None:
    async with as_tenant(tenant) as person, as_analyst(tenant) as analyst:
        # A setting of an analyst's own makes nobody an admin.
        await analyst.execute("select set_config('app.role', 'owner', false)")
        for connection, table in ((analyst, "core.audit_log"), (person, "core.audit_log_default")):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"select 1 from {table}")


@pytest.mark.parametrize("verb", ["insert into core.audit_log default values", "update core.audit_log set seal = 1"])
async def test_an_admin_reads_the_log_and_writes_nothing_into_it(tenant: Tenant, verb: str) -> None:
    async with as_tenant(tenant, "admin") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(verb)


async def test_months_are_made_once_and_belong_to_the_owner_with_row_security() -> None:
    async with as_superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("set local time zone 'Pacific/Kiritimati'")  # months meet whatever the session's zone
        assert await connection.fetchval("select core.audit_partitions($1, 14)", date(2031, 12, 15)) == 14
        assert await connection.fetchval("select core.audit_partitions($1, 14)", date(2031, 12, 1)) == 0
        made = await connection.fetch(
            "select relname::text as name, pg_get_userbyid(relowner)::text as owner,"
            " relrowsecurity and relforcerowsecurity as closed from pg_class"
            " where relname like 'audit_log_203%' and relkind = 'r' order by 1"
        )
        assert [made[0]["name"], made[-1]["name"]] == ["audit_log_2031_12", "audit_log_2033_01"]
        assert {(row["owner"], row["closed"]) for row in made} == {("countinghouse_owner", True)}
        await connection.execute("set local time zone 'UTC'")
        bound = await connection.fetchval(
            "select pg_get_expr(relpartbound, oid) from pg_class where relname = 'audit_log_2032_01'"
        )
        assert bound == "FOR VALUES FROM ('2032-01-01 00:00:00+00') TO ('2032-02-01 00:00:00+00')"
        await transaction.rollback()


async def test_an_entry_of_a_month_without_a_partition_is_not_lost(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        await connection.execute(
            "insert into core.audit_log (tenant_id, action, entity_type, created_at)"
            " values ($1, 'EXPORT', 'LATE', '2099-05-05')",
            tenant.tenant_id,
        )
    async with as_superuser() as connection:
        with refused("CONFLICT", "APPEND_ONLY"):
            await connection.execute("delete from core.audit_log_default")
        # It stays where it is: the worker, come late, makes the other months.
        transaction = connection.transaction()
        await transaction.start()
        assert await connection.fetchval("select core.audit_partitions('2099-04-30', 3)") == 2
        await transaction.rollback()
    assert [entry["created_at"].year for entry in await entries(tenant, "LATE")] == [2099]
