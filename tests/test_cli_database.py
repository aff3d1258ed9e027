"""`migrate`, `doctor`, `psql` and `analyst`, on databases of the test's own."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gql.cli.psql import program_for
from gql.settings import Settings
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.command_line import countinghouse, environment
from tests.harness.tenants import Tenant
from tests.harness.verbs import new_invoice

WHO = "select current_user, core.tenant_id(), core.role(), core.user_id(), current_setting('app.time_zone')"


@pytest.fixture
async def empty(settings: Settings) -> AsyncIterator[Settings]:
    """Settings of an empty database on the same server."""
    name = f"empty_{secrets.token_hex(4)}"
    assert settings.database_url is not None
    assert settings.admin_url is not None
    async with as_superuser() as connection:
        await connection.execute(f"create database {name}")
        yield Settings(
            database_url=settings.database_url.replace("/countinghouse?", f"/{name}?"),
            admin_url=settings.admin_url.replace("/countinghouse?", f"/{name}?"),
            worker_url=(settings.worker_url or "").replace("/countinghouse?", f"/{name}?"),
            data_dir=settings.data_dir,
        )
        await connection.execute(f"drop database {name} with (force)")


async def test_migrate_loads_an_empty_database_and_changes_nothing_the_second_time(empty: Settings) -> None:
    first = await countinghouse("migrate", env=environment(empty))
    assert (first.status, first.err) == (0, "")
    assert first.out.startswith("Loaded version ")
    second = await countinghouse("migrate", env=environment(empty))
    assert second.status == 0
    assert "already; nothing was changed." in second.out


async def test_migrate_gives_the_logins_the_passwords_of_their_addresses(empty: Settings) -> None:
    """The same ones as before: the logins are of the whole server."""
    logins = ("countinghouse_api", "countinghouse_worker")
    kept = "select rolpassword from pg_authid where rolname = any ($1::text[]) order by rolname"
    async with as_superuser() as connection:
        before = [row[0] for row in await connection.fetch(kept, logins)]
        outcome = await countinghouse("migrate", "--logins", env=environment(empty))
        after = [row[0] for row in await connection.fetch(kept, logins)]
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == f"Let in with the passwords of their addresses: {', '.join(logins)}."
    assert not set(before) & set(after)
    assert all(each.startswith("SCRAM-SHA-256$") for each in after)
    for url, login in ((empty.database_url, logins[0]), (empty.worker_url, logins[1])):
        again = await asyncpg.connect(url)
        assert await again.fetchval("select session_user::text") == login
        await again.close()


async def test_a_password_is_not_given_to_whoever_the_address_is_not_of(empty: Settings) -> None:
    assert empty.admin_url is not None
    outcome = await countinghouse("migrate", "--logins", env=environment(empty, WORKER_URL=empty.admin_url))
    assert outcome.status == 2
    assert outcome.err == (
        "countinghouse: COUNTINGHOUSE_WORKER_URL is not the address of countinghouse_worker,"
        " so its password is not given to it.\n"
    )
    without = "postgresql://countinghouse_worker@127.0.0.1:5432/countinghouse"
    outcome = await countinghouse("migrate", "--logins", env=environment(empty, WORKER_URL=without))
    assert outcome.status == 2
    assert "should be of visible ASCII characters" in outcome.err


async def test_an_empty_database_is_sent_to_migrate(empty: Settings) -> None:
    outcome = await countinghouse("demo", env=environment(empty))
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "countinghouse: The database is empty. Run `countinghouse migrate` first.\n"


async def test_the_doctor_says_in_sentences_what_is_wrong(empty: Settings) -> None:
    await countinghouse("migrate", env=environment(empty))
    spoil = "alter table billing.invoices disable row level security; create table billing.forgotten (id int)"
    assert (await countinghouse("psql", "-c", spoil, env=environment(empty))).status == 0
    outcome = await countinghouse("doctor", env=environment(empty))
    assert outcome.status == 1
    assert any(line.startswith("billing.invoices ") for line in outcome.out.splitlines())
    assert any(line.startswith("billing.forgotten ") for line in outcome.out.splitlines())


async def test_the_doctor_notices_a_server_that_signs_in_as_the_administrator(settings: Settings) -> None:
    assert settings.admin_url is not None
    outcome = await countinghouse("doctor", env=environment(settings, DATABASE_URL=settings.admin_url))
    assert outcome.status == 1
    assert "The server signs in to the database as postgres." in outcome.out


async def test_the_doctor_notices_two_different_databases(settings: Settings, empty: Settings) -> None:
    assert empty.database_url is not None
    async with as_superuser() as connection:
        name = empty.database_url.rpartition("/")[2].partition("?")[0]
        await connection.execute(f"grant connect on database {name} to countinghouse_api")
    outcome = await countinghouse("doctor", env=environment(settings, DATABASE_URL=empty.database_url))
    assert outcome.status == 1
    assert "lead to different databases" in outcome.out


async def test_the_doctor_notices_books_and_seals_that_were_tampered_with(settings: Settings, tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_tenant(tenant, "worker") as worker:
        await new_invoice(connection)
        await worker.execute("select core.audit_seal()")
    healthy = await countinghouse("doctor", env=environment(settings))
    assert f"{tenant.slug}: " not in healthy.out
    async with as_superuser() as superuser, superuser.transaction():
        await superuser.execute("set local session_replication_role = replica")
        for statement in (
            "update ledger.entries set amount = amount + 1, balance_after = balance_after + 1"
            " where tenant_id = $1 and amount > 0",
            "update ledger.accounts set posted = posted + 5 where tenant_id = $1 and kind = 'INCOME'",
            "update core.audit_log set user_agent = 'x' where tenant_id = $1",
        ):
            await superuser.execute(statement, tenant.tenant_id)
    outcome = await countinghouse("doctor", env=environment(settings))
    assert outcome.status == 1
    told = [line.removeprefix(f"{tenant.slug}: ") for line in outcome.out.splitlines() if tenant.slug in line]
    assert "its books do not balance in EUR: debits less credits are 1.00." in told
    assert (
        "account REVENUE (EUR) stands at -295.00 in place 1, and its last entry left it at -300.00 in place 1." in told
    )
    assert "account REVENUE (EUR) stands at -295.00, and its entries add up to -300.00." in told
    assert any(line.startswith("seal 1 of its audit log is broken: ") for line in told)
    # Progress is for a person to see; a pipe gets what is wrong and nothing else.
    assert outcome.err == ""


async def test_psql_is_the_administrator(settings: Settings) -> None:
    outcome = await countinghouse("psql", "-c", "select current_user", env=environment(settings))
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.split() == ["current_user", "--------------", "postgres", "(1", "row)"]


async def test_psql_of_a_tenant_stands_in_its_context_and_comes_back_to_it(tenant: Tenant, settings: Settings) -> None:
    env = environment(settings)
    for before in ("", "reset all; reset role; "):
        outcome = await countinghouse("psql", "--tenant", tenant.slug, "-c", before + WHO, env=env)
        assert (outcome.status, outcome.err) == (0, "")
        row = next(line for line in outcome.out.splitlines() if "|" in line and "current_user" not in line)
        assert [value.strip() for value in row.split("|")] == [
            tenant.database_role,
            str(tenant.tenant_id),
            "owner",
            str(tenant.owner_id),
            tenant.time_zone,
        ]


async def test_psql_of_a_tenant_sees_its_rows_and_no_others(
    tenant: Tenant, other_tenant: Tenant, settings: Settings
) -> None:
    for each in (tenant, other_tenant):
        create = f"""select billing.client_create('{{"name": "Client of {each.slug}"}}')"""
        assert (await countinghouse("psql", "--tenant", each.slug, "-c", create, env=environment(settings))).status == 0
    names = "select name from billing.clients"
    outcome = await countinghouse("psql", "--tenant", tenant.slug, "-c", names, env=environment(settings))
    assert f"Client of {tenant.slug}" in outcome.out
    assert other_tenant.slug not in outcome.out
    refused = await countinghouse(
        "psql", "--tenant", tenant.slug, "-c", "select * from iam.tenants", env=environment(settings)
    )
    assert refused.status == 1
    assert "permission denied" in refused.err


async def test_psql_says_that_there_is_no_such_organisation(settings: Settings) -> None:
    outcome = await countinghouse("psql", "--tenant", "nobody-here", env=environment(settings))
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("countinghouse: There is no organisation 'nobody-here'.")


async def test_an_analyst_is_made_whose_address_psql_takes(tenant: Tenant, settings: Settings) -> None:
    env = environment(settings)
    made = await countinghouse(
        "analyst", "create", "--tenant", tenant.slug, "--label", "Warehouse", "--connections", "1", "--json", env=env
    )
    assert (made.status, made.err) == (0, "")
    login = json.loads(made.out)
    ask = "select slug from organisation"
    done = await asyncio.create_subprocess_exec(
        program_for(is_interactive=False), "--no-psqlrc", "-At", "-c", ask, login["url"], stdout=asyncio.subprocess.PIPE
    )
    out, _ = await done.communicate()
    assert (done.returncode, out.decode()) == (0, f"{tenant.slug}\n")
    again = await countinghouse("analyst", "create", "--tenant", tenant.slug, "--label", "Warehouse", env=env)
    assert (again.status, again.out) == (1, "")
    assert again.err.startswith("countinghouse: There is an analyst with this label.")
    async with as_superuser() as connection:
        agent = await connection.fetchval(
            "select user_agent from core.audit_log where tenant_id = $1 and entity_type = 'ANALYST'", tenant.tenant_id
        )
    assert agent == "countinghouse analyst create"
