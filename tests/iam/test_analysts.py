"""Logins of analysts: sql/iam/analysts.sql, iam/analysts.py and iam/credentials/analyst_logins.py."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from gql.database.pool import Database, Origin
from gql.errors import ApiError
from gql.iam.credentials.analyst_logins import AnalystLogins, scram_verifier
from tests.harness.actors import as_owner, as_superuser, as_tenant, context_of
from tests.harness.analysts import Analyst, address_of, connected, is_connected, make_analyst
from tests.harness.postgres import TestDatabase
from tests.harness.proxy import proxy_before
from tests.harness.tenants import Tenant, make_person
from tests.harness.verbs import call, refused
from tests.worker.working import eventually, the_duty, working

ORIGIN: Final = Origin("analysts", "192.0.2.1", "test")
DUTY: Final = the_duty("end-connections-of-analysts")
VERIFIER: Final = scram_verifier("not that secret")
LET_IN: Final = asyncpg.InvalidPasswordError
OUT: Final = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError)


@pytest.fixture
async def analyst(tenant: Tenant) -> Analyst:
    return await make_analyst(tenant)


async def change(tenant: Tenant, function: str, **facts: Any) -> Any:
    async with as_tenant(tenant) as connection:
        return await call(connection, function, **facts)


async def row_of(analyst: Analyst) -> asyncpg.Record:
    async with as_superuser() as connection:
        row = await connection.fetchrow(
            "select analysts.*, rolname, rolcanlogin, rolconnlimit, rolconfig from iam.analysts"
            " left join pg_roles on rolname = login where id = $1",
            analyst.id,
        )
    assert row is not None
    return row


async def is_gone(connection: asyncpg.Connection) -> bool:
    return not await is_connected(connection)


def test_a_verifier_is_what_the_standard_says() -> None:
    """RFC 7677, section 3: user, "pencil" and this salt lead to this proof of the server."""
    verifier = scram_verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    parameters, keys = verifier.removeprefix("SCRAM-SHA-256$").split("$")
    assert parameters == "4096:W22ZaJ0SNY7soEsUEjb6gQ=="
    stored, server = (base64.b64decode(key) for key in keys.split(":"))
    said = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    assert base64.b64encode(hmac.digest(server, said, "sha256")) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client = bytes(a ^ b for a, b in zip(hmac.digest(stored, said, "sha256"), proof, strict=True))
    assert hashlib.sha256(client).digest() == stored


async def test_a_login_comes_in_and_reads_its_organisation(tenant: Tenant, analyst: Analyst) -> None:
    async with connected(analyst) as connection:
        assert await connection.fetchval("select slug from organisation") == tenant.slug
        assert await connection.fetchval("select core.tenant_id()") == tenant.tenant_id
        assert await connection.fetchval("show default_transaction_read_only") == "on"
        assert await connection.fetchval("show statement_timeout") == "30s"
        assert await connection.fetchval("show idle_in_transaction_session_timeout") == "5min"
        assert await connection.fetchval("show idle_session_timeout") == "1h"
    row = await row_of(analyst)
    assert (row["rolcanlogin"], row["rolconnlimit"]) == (True, 5)


async def test_its_name_tells_ids_and_nothing_else(tenant: Tenant) -> None:
    made = await make_analyst(tenant, "Takeover of Bellwether")
    assert made.user == f"analyst_{made.id.hex[-16:]}_{tenant.tenant_id.hex}"


async def test_the_service_answers_with_what_comes_in(database: TestDatabase, tenant: Tenant) -> None:
    opened = await Database.open(database.options(read_connections=1, write_connections=1))
    try:
        elsewhere = "postgresql://reports.example.org/books?sslmode=require"
        logins = AnalystLogins(opened, elsewhere)
        made = await logins.create(context_of(tenant), ORIGIN, {"label": "BI", "connection_limit": 2})
        assert (made.host, made.port, made.database) == ("reports.example.org", 5432, "books")
        assert made.url == f"postgresql://{made.user}:{made.secret}@reports.example.org/books?sslmode=require"
        assert len(base64.urlsafe_b64decode(made.secret + "=")) == 32
        here = await asyncpg.connect(await address_of(made.user, made.secret))
        await here.close()
        other = await logins.rotate(context_of(tenant), ORIGIN, {"id": str(made.id)})
        assert (other.id, other.user) == (made.id, made.user)
        assert other.secret != made.secret
        with pytest.raises(LET_IN):
            await asyncpg.connect(await address_of(made.user, made.secret))
        here = await asyncpg.connect(await address_of(other.user, other.secret))
        await here.close()
        with pytest.raises(ApiError) as refusal:
            await logins.create(context_of(tenant, "viewer"), ORIGIN, {"label": "Mine"})
        assert (refusal.value.code.value, refusal.value.reason) == ("FORBIDDEN", "PERMISSION_MISSING")
    finally:
        await opened.close()


async def test_the_secret_never_goes_to_the_database_and_is_in_no_log(database: TestDatabase, tenant: Tenant) -> None:
    heard = bytearray()
    async with proxy_before(database.api_url) as proxy:
        proxy.ear = lambda: heard.extend
        address = proxy.address(database.api_url)
        opened = await Database.open(database.options(url=address, read_connections=1, write_connections=1))
        try:
            logins = AnalystLogins(opened, database.api_url)
            made = await logins.create(context_of(tenant), ORIGIN, {"label": "Heard"})
            rotated = await logins.rotate(context_of(tenant), ORIGIN, {"id": str(made.id)})
        finally:
            await opened.close()
    assert b"SCRAM-SHA-256$" in heard
    assert made.secret.encode() not in heard
    assert rotated.secret.encode() not in heard
    async with as_superuser() as connection:
        entries = await connection.fetch(
            "select action, user_id, (old_values, new_values)::text as told from core.audit_log"
            " where tenant_id = $1 and entity_type = 'ANALYST' order by created_at",
            tenant.tenant_id,
        )
    assert [(row["action"], row["user_id"]) for row in entries] == [
        ("CREATE", tenant.owner_id),
        ("UPDATE", tenant.owner_id),
    ]
    assert "rotated_at" in entries[1]["told"]
    assert not [row for row in entries if "SCRAM" in row["told"] or made.secret in row["told"]]


@pytest.mark.parametrize("role", ["accountant", "operator", "viewer", "member"])
async def test_only_administrators_make_and_see_logins(tenant: Tenant, analyst: Analyst, role: str) -> None:
    async with as_tenant(tenant, role) as connection:
        for function in ("iam.analyst_create", "iam.analyst_secret_rotate", "iam.analyst_revoke"):
            with refused("FORBIDDEN", "PERMISSION_MISSING"):
                await call(connection, function, id=analyst.id, label="Mine", verifier=VERIFIER)
    async with as_tenant(tenant, "admin") as connection:
        await call(connection, "iam.analyst_revoke", id=analyst.id)


async def test_nobody_touches_the_analysts_of_others(analyst: Analyst, other_tenant: Tenant) -> None:
    async with as_tenant(other_tenant) as connection:
        for function in ("iam.analyst_secret_rotate", "iam.analyst_revoke"):
            for wanted in (analyst.id, uuid4()):
                with refused("NOT_FOUND", "ANALYST_NOT_FOUND"):
                    await call(connection, function, id=wanted, verifier=VERIFIER)
        assert await connection.fetch("select id from iam.analysts") == []
        for function in ("iam.analyst_role_drop(login)", "iam.analyst_role_put(login, null, 1, 100, null, true)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"select {function} from (values ('{analyst.user}')) as of (login)")
    async with connected(analyst) as connection:
        assert await connection.fetchval("select count(*) from organisation") == 1


@pytest.mark.parametrize(
    ("facts", "reason", "field"),
    [
        ({"label": " padded"}, "LABEL_INVALID", "input.label"),
        ({"label": ""}, "LABEL_INVALID", "input.label"),
        ({"label": "x", "connection_limit": 0}, "CONNECTION_LIMIT", "input.connectionLimit"),
        ({"label": "x", "connection_limit": 21}, "CONNECTION_LIMIT", "input.connectionLimit"),
        ({"label": "x", "statement_timeout_ms": 99}, "STATEMENT_TIMEOUT_RANGE", "input.statementTimeoutMs"),
        ({"label": "x", "statement_timeout_ms": 900_001}, "STATEMENT_TIMEOUT_RANGE", "input.statementTimeoutMs"),
        ({"label": "x", "valid_until": "2020-01-01T00:00:00Z"}, "VALID_UNTIL_PAST", "input.validUntil"),
    ],
)
async def test_limits_are_limited(tenant: Tenant, facts: dict[str, Any], reason: str, field: str) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", reason) as told:
            await call(connection, "iam.analyst_create", verifier=VERIFIER, **facts)
        assert told.field == field


async def test_a_label_is_one_analyst_s_until_they_are_gone(tenant: Tenant) -> None:
    made = await make_analyst(tenant, "BI")
    async with as_tenant(tenant) as connection:
        with refused("CONFLICT", "LABEL_TAKEN"):
            await call(connection, "iam.analyst_create", label="BI", verifier=VERIFIER)
    await change(tenant, "iam.analyst_revoke", id=made.id)
    assert (await make_analyst(tenant, "BI")).user != made.user


async def test_one_organisation_takes_twenty_connections_at_most(tenant: Tenant, other_tenant: Tenant) -> None:
    made = await make_analyst(tenant, connection_limit=20)
    async with as_tenant(tenant) as connection:
        with refused("CONFLICT", "ANALYST_CONNECTIONS"):
            await call(connection, "iam.analyst_create", label="x", connection_limit=1, verifier=VERIFIER)
    await make_analyst(other_tenant, connection_limit=20)
    await change(tenant, "iam.analyst_revoke", id=made.id)
    await make_analyst(tenant, connection_limit=20)


@pytest.mark.parametrize("verifier", ["a password", "md5" + "0" * 32, VERIFIER + "'; alter role x superuser --"])
async def test_what_is_no_verifier_is_not_taken(tenant: Tenant, verifier: str) -> None:
    async with as_tenant(tenant) as connection:
        with pytest.raises(asyncpg.RaiseError) as problem:
            await call(connection, "iam.analyst_create", label="x", verifier=verifier)
        assert verifier not in str(problem.value.as_dict())


async def test_the_connection_limit_holds(tenant: Tenant) -> None:
    made = await make_analyst(tenant, connection_limit=2)
    async with connected(made), connected(made):
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await asyncpg.connect(made.url)
    async with connected(made) as connection:
        await connection.execute("set default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"alter role {made.user} connection limit -1")


async def test_an_analyst_whose_time_is_over_stays_out_and_is_put_out(tenant: Tenant) -> None:
    until = datetime.now(UTC) + timedelta(seconds=2)
    made = await make_analyst(tenant, valid_until=until.isoformat())
    async with connected(made) as connection, working([DUTY]):
        assert await connection.fetchval("select count(*) from organisation") == 1
        await eventually(lambda: is_gone(connection))
        assert datetime.now(UTC) > until
        with pytest.raises(OUT):
            await asyncpg.connect(made.url)
    with refused("BAD_USER_INPUT", "VALID_UNTIL_PAST"):
        await change(tenant, "iam.analyst_secret_rotate", id=made.id, verifier=VERIFIER)
    later = (until + timedelta(days=1)).isoformat()
    await change(tenant, "iam.analyst_secret_rotate", id=made.id, verifier=scram_verifier("again"), valid_until=later)
    await (await asyncpg.connect(await address_of(made.user, "again"))).close()


async def test_whoever_is_revoked_reads_nothing_more_and_is_cut_off(tenant: Tenant, analyst: Analyst) -> None:
    async with connected(analyst) as connection:
        assert await connection.fetch("select * from organisation")
        await change(tenant, "iam.analyst_revoke", id=analyst.id)
        # Nothing, from the commit on and whether there is a worker or not.
        for query in ("reporting.organisation", "reporting.clients", "billing.clients", "iam.memberships"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"select * from {query}")
        with pytest.raises(OUT):
            await asyncpg.connect(analyst.url)
        assert await is_connected(connection)
        async with working([DUTY]):
            await eventually(lambda: is_gone(connection))
    row = await row_of(analyst)
    assert row["rolname"] is None
    assert row["revoked_at"] is not None
    with refused("CONFLICT", "ANALYST_REVOKED"):
        await change(tenant, "iam.analyst_revoke", id=analyst.id)
    with refused("CONFLICT", "ANALYST_REVOKED"):
        await change(tenant, "iam.analyst_secret_rotate", id=analyst.id, verifier=VERIFIER)


async def test_a_revocation_that_is_rolled_back_ends_nothing(tenant: Tenant, analyst: Analyst) -> None:
    async with working([DUTY]) as worker, connected(analyst) as connection:
        async with as_tenant(tenant) as caller:
            transaction = caller.transaction()
            await transaction.start()
            await call(caller, "iam.analyst_revoke", id=analyst.id)
            await transaction.rollback()
        looks = worker.looks
        async with as_superuser() as superuser:
            await superuser.execute("notify countinghouse_work")
        await eventually(lambda: looked(worker, looks + 1))
        assert await connection.fetch("select * from organisation")


async def looked(worker: Any, times: int) -> bool:
    return bool(worker.looks >= times)


async def test_an_analyst_cannot_hold_on_to_their_login(tenant: Tenant, analyst: Analyst) -> None:
    """By what a login may do to itself, whoever it is: settings, a password, default privileges, which tie it down."""
    async with connected(analyst) as connection:
        await connection.execute("set default_transaction_read_only = off")
        await connection.execute("alter default privileges grant select on tables to public")
        await connection.execute("alter default privileges revoke execute on functions from public")
        await connection.execute(f"alter role {analyst.user} set default_transaction_read_only = off")
        await connection.execute(f"alter role {analyst.user} password 'of my own'")
    async with connected(Analyst(analyst.id, analyst.user, await address_of(analyst.user, "of my own"))):
        pass
    await change(tenant, "iam.analyst_secret_rotate", id=analyst.id, verifier=scram_verifier("ours"))
    with pytest.raises(LET_IN):
        await asyncpg.connect(await address_of(analyst.user, "of my own"))
    async with connected(Analyst(analyst.id, analyst.user, await address_of(analyst.user, "ours"))) as connection:
        assert await connection.fetchval("show default_transaction_read_only") == "on"
    await change(tenant, "iam.analyst_revoke", id=analyst.id)
    assert (await row_of(analyst))["rolname"] is None


async def test_with_another_secret_the_connections_of_the_old_one_end(tenant: Tenant, analyst: Analyst) -> None:
    async with connected(analyst) as before, working([DUTY]):
        await change(tenant, "iam.analyst_secret_rotate", id=analyst.id, verifier=scram_verifier("another"))
        after = await asyncpg.connect(await address_of(analyst.user, "another"))
        await eventually(lambda: is_gone(before))
        assert await is_connected(after)
        await after.close()
        with pytest.raises(LET_IN):
            await asyncpg.connect(analyst.url)


async def test_analysts_of_a_suspended_organisation_stay_out_until_it_is_back(tenant: Tenant, analyst: Analyst) -> None:
    suspend = "update iam.tenants set suspended_at = $2 where id = $1"
    async with as_superuser() as superuser, connected(analyst) as connection:
        await superuser.execute(suspend, tenant.tenant_id, datetime.now(UTC))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from reporting.organisation")
        async with working([DUTY]):
            await eventually(lambda: is_gone(connection))
        with pytest.raises(OUT):
            await asyncpg.connect(analyst.url)
        await superuser.execute(suspend, tenant.tenant_id, None)
        async with connected(analyst) as again:
            assert await again.fetch("select * from organisation")


async def test_after_a_restore_the_login_is_there_and_its_secret_is_not(tenant: Tenant, analyst: Analyst) -> None:
    async with as_superuser() as connection:
        await connection.execute(f"drop role {analyst.user}")
        assert await connection.fetchval("select iam.analyst_roles_restore()") >= 1
        assert await connection.fetchval("select iam.analyst_roles_restore()") == 0
    with pytest.raises(LET_IN):
        await asyncpg.connect(analyst.url)
    row = await row_of(analyst)
    assert (row["rolcanlogin"], row["rolconnlimit"]) == (True, 5)
    await change(tenant, "iam.analyst_secret_rotate", id=analyst.id, verifier=scram_verifier("new"))
    async with connected(Analyst(analyst.id, analyst.user, await address_of(analyst.user, "new"))) as back:
        assert await back.fetch("select * from organisation")


async def test_a_restore_lets_nobody_into_an_organisation_that_is_suspended(tenant: Tenant, analyst: Analyst) -> None:
    suspend = "update iam.tenants set suspended_at = $2 where id = $1"
    async with as_superuser() as superuser:
        await superuser.execute(suspend, tenant.tenant_id, datetime.now(UTC))
        await superuser.execute(f"drop role {analyst.user}")
        await superuser.execute("select iam.analyst_roles_restore()")
        assert not (await row_of(analyst))["rolcanlogin"]
        await superuser.execute(suspend, tenant.tenant_id, None)
    await change(tenant, "iam.analyst_secret_rotate", id=analyst.id, verifier=scram_verifier("new"))
    async with connected(Analyst(analyst.id, analyst.user, await address_of(analyst.user, "new"))) as back:
        assert await back.fetch("select * from organisation")


async def test_who_made_a_login_is_noted(tenant: Tenant) -> None:
    person = await make_person(tenant, "admin")
    async with as_tenant(tenant, "admin", user_id=person.user_id) as connection:
        made = await call(connection, "iam.analyst_create", label="BI", verifier=VERIFIER)
    async with as_owner(tenant) as connection:
        assert isinstance(made, UUID)
        assert await connection.fetchval("select created_by from iam.analysts where id = $1", made) == person.user_id
