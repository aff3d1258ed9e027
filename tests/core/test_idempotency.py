"""Keys of requests and their answers, as the database keeps them: sql/core/idempotency.sql."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person
from tests.harness.verbs import PERMISSIONS, REQUEST, begin_key, keep_answer, refused

ANOTHER: str = sha256(b"something else").hexdigest()
ANSWER = '{"data":{"clientCreate":{"client":{"name":"Ærø — 🦉 \\u0000"}}}}'
KEEP = "select core.idempotency_keep($1, $2, $3)"
TABLE = "core.idempotency_keys"


@pytest.fixture
async def connection(tenant: Tenant) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the tenant's owner."""
    async with as_tenant(tenant) as connection:
        yield connection


async def age(tenant: Tenant, hours: float) -> None:
    """Make the organisation's keys so many hours old."""
    async with as_superuser() as connection:
        await connection.execute(f"alter table {TABLE} disable trigger append_only")
        await connection.execute(
            f"update {TABLE} set created_at = created_at - make_interval(mins => $2) where tenant_id = $1",
            tenant.tenant_id,
            round(hours * 60),
        )
        await connection.execute(f"alter table {TABLE} enable trigger append_only")


async def kept(tenant: Tenant) -> int:
    """How many keys of the organisation there are."""
    async with as_superuser() as connection:
        found: int = await connection.fetchval(f"select count(*) from {TABLE} where tenant_id = $1", tenant.tenant_id)
    return found


async def test_a_key_is_entered_once_and_then_answers_character_for_character(connection: asyncpg.Connection) -> None:
    await keep_answer(connection, "key-1", ANSWER)
    assert await begin_key(connection, "key-1") == ANSWER
    assert await begin_key(connection, "key-1") == ANSWER
    assert await begin_key(connection, "KEY-1") is None


async def test_another_request_under_a_known_key_is_refused(connection: asyncpg.Connection) -> None:
    await keep_answer(connection, "key-1", ANSWER)
    with refused("CONFLICT", "IDEMPOTENCY_KEY_REUSED") as told:
        await begin_key(connection, "key-1", ANOTHER)
    assert ANSWER not in told.message


async def test_what_is_rolled_back_leaves_the_key_free(tenant: Tenant, connection: asyncpg.Connection) -> None:
    transaction = connection.transaction()
    await transaction.start()
    assert await begin_key(connection, "key-1") is None
    await connection.execute(KEEP, "key-1", ANSWER, PERMISSIONS)
    await transaction.rollback()
    assert await kept(tenant) == 0
    assert await begin_key(connection, "key-1", ANOTHER) is None


async def test_a_second_one_waits_until_the_first_has_ended_and_gets_its_answer(
    tenant: Tenant, connection: asyncpg.Connection
) -> None:
    async with as_tenant(tenant) as second:
        async with connection.transaction():
            await begin_key(connection, "key-1")
            waiting = asyncio.create_task(begin_key(second, "key-1"))
            await until_blocked(second)
            await connection.execute(KEEP, "key-1", ANSWER, PERMISSIONS)
        assert await waiting == ANSWER


async def test_a_second_one_goes_on_where_the_first_was_rolled_back(
    tenant: Tenant, connection: asyncpg.Connection
) -> None:
    async with as_tenant(tenant) as second:
        transaction = connection.transaction()
        await transaction.start()
        await begin_key(connection, "key-1")
        waiting = asyncio.create_task(begin_key(second, "key-1", ANOTHER))
        await until_blocked(second)
        await transaction.rollback()
        assert await waiting is None


async def until_blocked(connection: asyncpg.Connection) -> None:
    """Wait until somebody else keeps this connection's statement waiting."""
    blocked = "select cardinality(pg_blocking_pids($1)) > 0"
    async with as_superuser() as superuser, asyncio.timeout(10):
        while not await superuser.fetchval(blocked, connection.get_server_pid()):
            pass


async def test_no_one_else_s_key_is_in_the_way(
    tenant: Tenant, other_tenant: Tenant, connection: asyncpg.Connection
) -> None:
    await keep_answer(connection, "key-1", ANSWER)
    person = await make_person(tenant, "operator")
    async with as_tenant(tenant, "operator", user_id=person.user_id) as colleague, as_tenant(other_tenant) as other:
        assert await begin_key(colleague, "key-1", ANOTHER) is None
        assert await begin_key(other, "key-1", ANOTHER) is None


@pytest.mark.parametrize("key", ["", " ", "a b", "a" * 256, "é", "tab\t", "line\n", "\x7f"])
async def test_a_key_is_of_visible_ascii(connection: asyncpg.Connection, key: str) -> None:
    with refused("BAD_USER_INPUT", "IDEMPOTENCY_KEY_INVALID"):
        await begin_key(connection, key)


@pytest.mark.parametrize("key", ["!", "~" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "';--"])
async def test_any_visible_ascii_will_do(connection: asyncpg.Connection, key: str) -> None:
    await keep_answer(connection, key, ANSWER)
    assert await begin_key(connection, key) == ANSWER


async def test_a_request_is_remembered_by_its_hash_alone(connection: asyncpg.Connection) -> None:
    with refused("BAD_USER_INPUT", "REQUEST_HASH_INVALID"):
        await begin_key(connection, "key-1", "mutation { signIn }")


async def test_whoever_may_not_do_it_any_more_is_not_told_the_answer(
    tenant: Tenant, connection: asyncpg.Connection
) -> None:
    await keep_answer(connection, "key-1", ANSWER)
    async with as_tenant(tenant, "viewer") as demoted:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await begin_key(demoted, "key-1")
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await demoted.execute(KEEP, "key-1", "another", PERMISSIONS)


async def test_an_answer_is_kept_once_and_under_a_key_of_ones_own(
    tenant: Tenant, connection: asyncpg.Connection
) -> None:
    await keep_answer(connection, "key-1", ANSWER)
    person = await make_person(tenant, "operator")
    async with as_tenant(tenant, "operator", user_id=person.user_id) as colleague:
        for who, key in ((connection, "key-1"), (connection, "key-2"), (colleague, "key-1")):
            with pytest.raises(asyncpg.NoDataFoundError):
                await who.execute(KEEP, key, "another", PERMISSIONS)
    assert await begin_key(connection, "key-1") == ANSWER


async def test_nobody_reads_the_answers_not_even_their_own_organisation(
    tenant: Tenant, connection: asyncpg.Connection
) -> None:
    await keep_answer(connection, "key-1", ANSWER)
    async with as_analyst(tenant) as analyst, as_nobody() as nobody:
        for who in (connection, analyst, nobody):
            for column in ("answer", "key", "1"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await who.fetch(f"select {column} from {TABLE}")


async def test_a_grant_by_mistake_would_show_an_analyst_nothing(tenant: Tenant, connection: asyncpg.Connection) -> None:
    await keep_answer(connection, "key-1", ANSWER)
    async with as_analyst(tenant) as analyst, as_superuser() as superuser:
        await superuser.execute(f"grant select (answer) on {TABLE} to countinghouse_analyst")
        try:
            assert await analyst.fetch(f"select answer from {TABLE}") == []
        finally:
            await superuser.execute(f"revoke select (answer) on {TABLE} from countinghouse_analyst")


async def test_the_owner_s_rights_reach_one_person_of_one_organisation(
    tenant: Tenant, other_tenant: Tenant, connection: asyncpg.Connection
) -> None:
    person = await make_person(tenant, "operator")
    await keep_answer(connection, "mine", ANSWER)
    async with as_tenant(tenant, "operator", user_id=person.user_id) as colleague, as_tenant(other_tenant) as other:
        await keep_answer(colleague, "colleague's", ANSWER)
        await keep_answer(other, "other's", ANSWER)
    async with as_owner(tenant) as owner:
        assert [row["key"] for row in await owner.fetch(f"select key from {TABLE}")] == ["mine"]
        for tenant_id, user_id in ((other_tenant.tenant_id, tenant.owner_id), (tenant.tenant_id, person.user_id)):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.execute(
                    f"insert into {TABLE} (tenant_id, user_id, key, request_hash) values ($1, $2, 'new', $3)",
                    tenant_id,
                    user_id,
                    REQUEST,
                )


@pytest.mark.parametrize(
    "statement",
    [
        "update {} set answer = 'another'",
        "update {} set answer = null",
        "update {} set request_hash = repeat('0', 64)",
        "update {} set created_at = created_at - interval '2 days'",
        "delete from {}",
        "truncate {}",
    ],
)
async def test_nobody_rewrites_an_answer_or_forgets_it_before_a_day_is_over(
    tenant: Tenant, connection: asyncpg.Connection, statement: str
) -> None:
    await keep_answer(connection, "key-1", ANSWER)
    await age(tenant, 23.9)
    async with as_owner(tenant) as owner, as_superuser() as superuser:
        for who in (owner, superuser):
            with refused("CONFLICT", "APPEND_ONLY"):
                await who.execute(statement.format(TABLE))
    assert await begin_key(connection, "key-1") == ANSWER


async def test_the_sweep_forgets_what_is_older_than_a_day_in_every_organisation(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            await keep_answer(connection, "old", ANSWER)
            await age(each, 24)
            await keep_answer(connection, "new", ANSWER)
    async with as_superuser() as superuser:
        assert await superuser.fetchval("select core.idempotency_sweep()") == 2
        assert await superuser.fetchval("select core.idempotency_sweep()") == 0
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            assert await begin_key(connection, "new") == ANSWER
            assert await begin_key(connection, "old", ANOTHER) is None


async def test_only_the_operator_of_the_house_sweeps(tenant: Tenant) -> None:
    async with as_tenant(tenant) as person, as_analyst(tenant) as analyst, as_nobody() as nobody:
        for who in (person, analyst, nobody):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await who.execute("select core.idempotency_sweep()")


async def test_the_sweep_looks_for_old_keys_in_an_index(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        # Enough for the planner to see that few of them are old; which other tests have left some, chance decides.
        await connection.execute(
            f"insert into {TABLE} (tenant_id, user_id, key, request_hash, created_at)"
            " select $1, core.new_id(), 'key-' || n, $2, statement_timestamp() - n * interval '1 minute'"
            " from generate_series(1, 1500) as n",
            tenant.tenant_id,
            REQUEST,
        )
        await connection.execute(f"analyze {TABLE}")
        await connection.execute("set enable_seqscan = off")  # there are few rows
        plan = await connection.fetch(
            f"explain delete from {TABLE} where tenant_id = '{tenant.tenant_id}'"
            " and created_at <= statement_timestamp() - interval '24 hours'"
        )
    assert "idempotency_keys_created_at" in "\n".join(row[0] for row in plan)
