"""An organisation that leaves takes everything with it; nothing of it is left, and nothing of others is missing."""

import asyncio
import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from gql.tenants import offboarding
from gql.tenants.export import export_tenant
from gql.tenants.manifest import Manifest, verify
from gql.tenants.offboarding import CannotOffboard, Removed, remove, survey, sweep, was_removed
from tests.database.isolation import RELATIONS, Filled, fill, rows_of
from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant, make_person, make_tenant
from tests.harness.verbs import call, new_client, new_invoice, refused

EVERYWHERE: Final = """
    select format('%I.%I', nspname, relname) from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where nspname !~ '^pg_' and nspname <> 'information_schema' and relkind in ('r', 'p', 'm')
"""
# All but the logins that only these tests have.
ROLES: Final = "select rolname from pg_roles where rolname like '%' || $1 and rolname not like 'owner\\_%'"
SESSION: Final = "select iam.session_begin($1, $2, sha256($3::text::bytea), '192.0.2.1', 'a browser', 'request')"


async def suspend(connection: asyncpg.Connection, tenant: Tenant) -> None:
    await call(connection, "iam.tenant_suspend", slug=tenant.slug, reason="Leaving")


async def taken_out(connection: asyncpg.Connection, tenant: Tenant, directory: Path) -> tuple[Manifest, bytes]:
    await export_tenant(connection, tenant.tenant_id, directory / tenant.slug, "jsonl")
    return verify(directory / tenant.slug)


async def offboard(tenant: Tenant, directory: Path) -> Removed:
    async with as_superuser() as connection:
        await suspend(connection, tenant)
        return await remove(connection, tenant.tenant_id, *await taken_out(connection, tenant, directory), "a test")


async def found_of(tenant: Tenant) -> dict[str, int]:
    """Where in the whole database anything still says the organisation's id, as uuid or as digits."""
    # As uuid, as the digits of a role, and as a bytea that holds the text, which is what the queue's payloads are.
    said = f"{tenant.tenant_id}|{tenant.tenant_id.hex}|{str(tenant.tenant_id).encode().hex()}"
    found = {}
    async with as_superuser() as connection:
        for (relation,) in await connection.fetch(EVERYWHERE):
            if count := await connection.fetchval(f"select count(*) from {relation} as t where t::text ~ $1", said):
                found[relation] = count
        found |= {role: 1 for (role,) in await connection.fetch(ROLES, tenant.tenant_id.hex)}
    return found


@pytest.fixture
async def leaving() -> Filled:
    """An organisation with a row in every table, somebody who is signed in and stands in the log of the house, an
    analyst, and a job waiting."""
    filled = await fill("Copper Kettle")
    tenant = filled.tenant
    async with as_nobody() as connection:
        await connection.execute(SESSION, tenant.owner_id, tenant.tenant_id, tenant.slug)
    async with as_analyst(tenant) as analyst:
        await analyst.fetch("select id from billing.clients")
    async with as_superuser() as connection:
        await connection.execute(
            "insert into iam.house_log (event, facts, user_id) values ('SIGN_IN', '{}', $1)", tenant.owner_id
        )
        due = json.dumps(["seal-audit-log", str(tenant.tenant_id), None]).encode()
        await connection.execute(
            "insert into pgqueuer.pgqueuer (priority, status, entrypoint, dedupe_key, payload, execute_after)"
            " values (0, 'queued', 'seal-audit-log', $1, $2, now() + interval '1 year')",
            f"seal-audit-log:{tenant.tenant_id}:",
            due,
        )
    return filled


async def test_nothing_of_it_is_left_and_everything_of_others_is_as_it_was(leaving: Filled, tmp_path: Path) -> None:
    """Attack 27."""
    stays = await fill("Bellwether Yarns")
    tenant = leaving.tenant
    assert {"iam.sessions", "pgqueuer.pgqueuer", "reports.revenue_months", "core.audit_log"} <= set(
        await found_of(tenant)
    )
    async with as_superuser() as connection:
        expected = await survey(connection, tenant.tenant_id)
    assert len(expected.roles) == 3  # its own, an analyst, and an analyst of tests
    assert (expected.sessions, expected.jobs, expected.people) == (1, 1, [tenant.owner_id])
    removed = await offboard(tenant, tmp_path)
    assert not await found_of(tenant)
    assert (removed.accounts, removed.roles) == (1, 3)
    assert removed.rows >= sum(expected.rows.values()) + 5  # itself, a person, what is noted, a session and its token
    assert await rows_of(stays.tenant) == stays.rows
    async with as_tenant(stays.tenant) as connection:
        assert len(await connection.fetch("select id from billing.clients")) == 2
        assert await connection.fetchval("select count(*) from billing.revenue_months") > 0
    async with as_superuser() as connection:
        assert not await connection.fetch("select from iam.users where email = $1", tenant.owner_email)
        assert not await connection.fetch("select from iam.house_log where user_id = $1", tenant.owner_id)
        token = sha256(tenant.slug.encode()).digest()
        assert not await connection.fetch("select from iam.refresh_tokens where token_hash = $1", token)
        record = await connection.fetchrow(
            "select * from iam.offboardings where tenant_digest = $1", sha256(str(tenant.tenant_id).encode()).digest()
        )
        assert await was_removed(connection, tenant.tenant_id)
        assert not await was_removed(connection, stays.tenant.tenant_id)
    assert record is not None
    assert (record["rows_removed"], record["accounts_removed"], record["created_by"]) == (removed.rows, 1, "a test")
    manifest = (tmp_path / tenant.slug / "manifest.json").read_bytes()
    assert record["manifest_digest"] == sha256(manifest).digest()


async def test_the_same_short_name_and_people_begin_again_with_nothing(leaving: Filled, tmp_path: Path) -> None:
    await offboard(leaving.tenant, tmp_path)
    async with as_superuser() as connection:
        made = await call(connection, "iam.tenant_create", slug=leaving.tenant.slug, name=leaving.tenant.name)
        person = await call(
            connection, "iam.user_create", email=leaving.tenant.owner_email, name="Owner", password_hash=None
        )
        await call(connection, "iam.membership_create", tenant_id=made, user_id=person, role="owner")
        again = Tenant(made, leaving.tenant.slug, leaving.tenant.name, "EUR", "UTC", 1, leaving.tenant.owner)
        for relation in await connection.fetch(RELATIONS):
            if "tenant_id" in relation["columns"] and relation["kind"] in ("r", "p", "m"):
                count = await connection.fetchval(f"select count(*) from {relation['name']} where tenant_id = $1", made)
                began_with = {"iam.memberships", "core.audit_log", "billing.payment_methods", "ledger.accounts"}
                assert not count or relation["name"].startswith(tuple(began_with)), relation["name"]
    async with as_tenant(again, user_id=person) as connection:
        assert await connection.fetch("select id from billing.clients") == []
        invoice = await new_invoice(connection)
        assert (await connection.fetchval("select number from billing.invoices where id = $1", invoice)).endswith("1")


async def test_who_belongs_elsewhere_too_keeps_their_account(tmp_path: Path) -> None:
    tenant, other = await make_tenant(), await make_tenant("Bellwether Yarns")
    both, was_there, alone = [await make_person(tenant, "viewer") for _ in range(3)]
    async with as_superuser() as connection:
        for person in (both, was_there):
            await call(
                connection, "iam.membership_create", tenant_id=other.tenant_id, user_id=person.user_id, role="viewer"
            )
        await connection.execute("update iam.memberships set is_active = false where user_id = $1", was_there.user_id)
        for place in (tenant, other):
            await connection.execute(SESSION, both.user_id, place.tenant_id, f"{place.slug} {both.email}")
        removed = await offboard(tenant, tmp_path)
        people = [both.user_id, was_there.user_id, alone.user_id, tenant.owner_id]
        left = {row[0] for row in await connection.fetch("select id from iam.users where id = any ($1)", people)}
        sessions = await connection.fetch("select organisation_id from iam.sessions where user_id = $1", both.user_id)
    assert removed.accounts == 2
    assert left == {both.user_id, was_there.user_id}
    assert [row[0] for row in sessions] == [other.tenant_id], "they are signed in elsewhere as before"


async def test_an_organisation_that_is_open_is_not_removed(tenant: Tenant, tmp_path: Path) -> None:
    async with as_superuser() as connection:
        exported = await taken_out(connection, tenant, tmp_path)
        with pytest.raises(CannotOffboard, match="not suspended"):
            await remove(connection, tenant.tenant_id, *exported, "a test")


async def test_nothing_goes_that_was_not_exported(tenant: Tenant, other_tenant: Tenant, tmp_path: Path) -> None:
    async with as_superuser() as connection, as_tenant(tenant) as person:
        exported = await taken_out(connection, tenant, tmp_path)
        await new_client(person)
        await suspend(connection, tenant)
        with pytest.raises(CannotOffboard, match=r"billing\.clients has 1 rows and the export 0"):
            await remove(connection, tenant.tenant_id, *exported, "a test")
        others = await taken_out(connection, other_tenant, tmp_path)
        with pytest.raises(CannotOffboard, match="another organisation"):
            await remove(connection, tenant.tenant_id, *others, "a test")
        assert await connection.fetchval("select count(*) from billing.clients where tenant_id = $1", tenant.tenant_id)


async def test_what_was_still_being_written_is_waited_for_and_found(tenant: Tenant, tmp_path: Path) -> None:
    """A transaction that had done its work before the suspension may still commit."""
    async with as_superuser() as connection, as_tenant(tenant) as person:
        transaction = person.transaction()
        await transaction.start()
        await new_client(person)
        await suspend(connection, tenant)
        exported = await taken_out(connection, tenant, tmp_path)
        removing = asyncio.create_task(remove(connection, tenant.tenant_id, *exported, "a test"))
        await asyncio.sleep(0.3)
        assert not removing.done()
        await transaction.commit()
        with pytest.raises(CannotOffboard, match=r"billing\.clients"):
            await removing
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await new_client(person)


async def test_who_tries_to_come_in_meanwhile_hinders_nothing_and_leaves_nothing(
    tenant: Tenant, tmp_path: Path
) -> None:
    note = "select iam.sign_in_refused($1, 'CREDENTIALS_INVALID', null, null, null)"
    async with as_superuser() as connection, as_nobody() as stranger:
        await suspend(connection, tenant)
        exported = await taken_out(connection, tenant, tmp_path)
        await stranger.execute(note, tenant.owner_email)
        late = stranger.transaction()
        await late.start()
        await stranger.execute(note, tenant.owner_email)
        await remove(connection, tenant.tenant_id, *exported, "a test")
        await late.commit()
        assert set(await found_of(tenant)) >= {"core.audit_log"}
        assert await sweep(connection, tenant.tenant_id) == 1
    assert not await found_of(tenant)


async def test_it_is_all_or_nothing(leaving: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> int:
        raise ConnectionResetError

    monkeypatch.setattr(offboarding, "_drop_roles", fail)
    with pytest.raises(ConnectionResetError):
        await offboard(leaving.tenant, tmp_path)
    rows = await rows_of(leaving.tenant)
    assert {table: len(found) for table, found in rows.items() if table != "core.audit_log"} == {
        table: len(found) for table, found in leaving.rows.items() if table != "core.audit_log"
    }
    monkeypatch.undo()
    async with as_superuser() as connection:
        exported = verify(tmp_path / leaving.tenant.slug)
        await remove(connection, leaving.tenant.tenant_id, *exported, "a test")
    assert not await found_of(leaving.tenant)


async def test_nobody_else_can_put_triggers_to_rest(tenant: Tenant) -> None:
    async with (
        as_tenant(tenant) as person,
        as_owner(tenant) as owner,
        as_analyst(tenant) as analyst,
        as_worker() as worker,
        as_nobody() as server,
    ):
        for connection in (person, owner, analyst, worker, server):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(offboarding.TRIGGERS_REST)


async def test_triggers_work_again_for_the_operator_too(tenant: Tenant, tmp_path: Path) -> None:
    async with as_superuser() as connection:
        await suspend(connection, tenant)
        await remove(connection, tenant.tenant_id, *await taken_out(connection, tenant, tmp_path), "a test")
        assert await connection.fetchval("show session_replication_role") == "origin"
        for statement in ("delete from core.audit_log", "delete from iam.offboardings", "truncate iam.offboardings"):
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(statement)


async def test_a_survey_changes_nothing(leaving: Filled) -> None:
    before = await found_of(leaving.tenant)
    async with as_superuser() as connection:
        found = await survey(connection, leaving.tenant.tenant_id)
    assert found.rows.keys() == leaving.rows.keys()
    assert all(found.rows.values())
    assert await found_of(leaving.tenant) == before
