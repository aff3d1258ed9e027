"""The chain of seals over the audit log: sql/core/audit_seals.sql."""

import asyncio
from typing import Final

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, refused
from tests.worker.working import eventually, the_duty, working

BROKEN: Final = "select seal, problem from core.audit_broken_seals($1)"
SEALS: Final = "select seal, entries, digest from core.audit_seals where tenant_id = $1 order by seal"
UNSEALED: Final = "select count(*) from core.audit_log where tenant_id = $1 and seal is null"


async def seal(tenant: Tenant) -> bool:
    async with as_tenant(tenant, "worker") as connection:
        more = await connection.fetchval("select core.audit_seal()")
    assert isinstance(more, bool)
    return more


async def three_seals(tenant: Tenant) -> None:
    """A log with three seals, and some entries each."""
    async with as_tenant(tenant) as connection:
        for number in range(3):
            for name in "ab":
                await new_client(connection, f"Client {name} {number}")
            assert not await seal(tenant)


async def broken(tenant: Tenant) -> list[tuple[int, str]]:
    async with as_superuser() as connection:
        return [tuple(row) for row in await connection.fetch(BROKEN, tenant.tenant_id)]


async def past_the_guards(tenant: Tenant, statement: str) -> None:
    """What somebody does who may switch every trigger off; $1 is the organisation."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        assert await connection.execute(statement, tenant.tenant_id) not in ("UPDATE 0", "DELETE 0", "INSERT 0 0")


async def test_seals_lie_over_all_entries_one_after_the_other(tenant: Tenant) -> None:
    await three_seals(tenant)
    assert not await seal(tenant)  # there is nothing left
    async with as_superuser() as connection:
        seals = await connection.fetch(SEALS, tenant.tenant_id)
        assert [(row["seal"], row["entries"]) for row in seals[1:]] == [(2, 2), (3, 2)]
        assert len({row["digest"] for row in seals}) == 3
        assert await connection.fetchval(UNSEALED, tenant.tenant_id) == 0
    assert await broken(tenant) == []


TAMPERING: Final = {
    "a word of an entry": "update core.audit_log set user_agent = 'another' where tenant_id = $1 and seal = 2",
    "a value of an entry": 'update core.audit_log set new_values = new_values || \'{"name": "x"}\''
    " where tenant_id = $1 and seal = 2 and new_values ->> 'name' like 'Client a%'",
    "who did it": "update core.audit_log set user_id = null where tenant_id = $1 and seal = 2",
    "when it was": "update core.audit_log set created_at = created_at - interval '1 microsecond'"
    " where tenant_id = $1 and seal = 2",
    "the entry is gone": "delete from core.audit_log where ctid in (select ctid from core.audit_log"
    " where tenant_id = $1 and seal = 2 limit 1) and tenant_id = $1 and seal = 2",
    "all its entries are gone": "delete from core.audit_log where tenant_id = $1 and seal = 2",
    "an entry is added": "insert into core.audit_log (tenant_id, action, entity_type, seal)"
    " select $1, 'CREATE', 'CLIENT', 2",
    "two entries change places": "update core.audit_log a set created_at = b.created_at from core.audit_log b"
    " where a.tenant_id = $1 and b.tenant_id = $1 and a.seal = 2 and b.seal = 2 and a.id <> b.id",
    "entries change seals": "update core.audit_log set seal = 5 - seal where tenant_id = $1 and seal in (2, 3)",
    "an entry is taken from under it": "update core.audit_log set seal = null where tenant_id = $1 and seal = 2",
    "the seal itself": "update core.audit_seals set digest = sha256('x') where tenant_id = $1 and seal = 2",
    "seals change places": "update core.audit_seals a set digest = b.digest from core.audit_seals b"
    " where a.tenant_id = $1 and b.tenant_id = $1 and a.seal + b.seal = 5 and a.seal in (2, 3)",
    "the seal is gone": "delete from core.audit_seals where tenant_id = $1 and seal = 2",
    "the seal and its entries are gone": "with gone as (delete from core.audit_log where tenant_id = $1 and seal = 2)"
    " delete from core.audit_seals where tenant_id = $1 and seal = 2",
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_whoever_tampers_with_what_is_sealed_is_found(tenant: Tenant, what: str) -> None:
    """Attack 62."""
    await three_seals(tenant)
    await past_the_guards(tenant, TAMPERING[what])
    found = await broken(tenant)
    assert found
    assert {number for number, _ in found} <= {2, 3}


async def test_whoever_mends_one_seal_breaks_the_next(tenant: Tenant) -> None:
    """Attack 62."""
    await three_seals(tenant)
    await past_the_guards(tenant, "update core.audit_log set user_agent = 'x' where tenant_id = $1 and seal = 2")
    await past_the_guards(
        tenant,
        """update core.audit_seals s set digest = core.audit_seal_digest(
               $1, 2, (select digest from core.audit_seals where tenant_id = $1 and seal = 1),
               (select string_agg(core.audit_entry_digest(l), '' order by created_at, id)
                from core.audit_log l where tenant_id = $1 and seal = 2))
           where tenant_id = $1 and seal = 2""",
    )
    assert [number for number, _ in await broken(tenant)] == [3]


async def test_another_organisations_log_cannot_take_the_place_of_ones_own(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    for each in (tenant, other_tenant):
        await three_seals(each)
    await past_the_guards(
        tenant,
        f"update core.audit_seals a set digest = b.digest from core.audit_seals b"
        f" where a.tenant_id = $1 and b.tenant_id = '{other_tenant.tenant_id}' and a.seal = b.seal",
    )
    assert await broken(tenant)
    assert await broken(other_tenant) == []


async def test_an_entry_that_commits_late_comes_under_a_later_seal(tenant: Tenant) -> None:
    async with as_tenant(tenant) as slow, as_tenant(tenant) as fast:
        transaction = slow.transaction()
        await transaction.start()
        late = await new_client(slow, "Late")
        await new_client(fast, "Early")
        await seal(tenant)
        await transaction.commit()
        await seal(tenant)
    async with as_superuser() as connection:
        seals = "select seal from core.audit_log where tenant_id = $1 and entity_id = $2"
        assert await connection.fetchval(seals, tenant.tenant_id, late) == 2
    assert await broken(tenant) == []


async def test_a_batch_has_a_thousand_entries_and_says_whether_there_are_more(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for start in (0, 600):
            rows = [{"name": f"Client {number}", "external_ref": str(number)} for number in range(start, start + 600)]
            await call(connection, "billing.clients_import", rows=rows)
    assert [await seal(tenant), await seal(tenant)] == [True, False]
    async with as_superuser() as connection:
        first, _ = await connection.fetch(SEALS, tenant.tenant_id)
    assert first["entries"] == 1000
    assert await broken(tenant) == []


async def test_workers_that_seal_at_once_make_one_chain(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for number in range(5):
            await new_client(connection, f"Client {number}")
            await asyncio.gather(*(seal(tenant) for _ in range(4)))
    async with as_superuser() as connection:
        numbers = [row["seal"] for row in await connection.fetch(SEALS, tenant.tenant_id)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert await connection.fetchval(UNSEALED, tenant.tenant_id) == 0
    assert await broken(tenant) == []


async def test_the_time_zone_of_whoever_looks_breaks_no_seal(tenant: Tenant) -> None:
    await three_seals(tenant)
    async with as_superuser() as connection:
        for setting in ("timezone = 'Asia/Kathmandu'", "datestyle = 'German'", "extra_float_digits = -5"):
            await connection.execute(f"set {setting}")
        assert await connection.fetch(BROKEN, tenant.tenant_id) == []


@pytest.mark.parametrize(
    "statement",
    [
        "update core.audit_log set user_agent = 'x'",
        "update core.audit_log set seal = null",
        "update core.audit_log set seal = seal + 1",
        "delete from core.audit_log",
        "update core.audit_seals set digest = sha256('x')",
        "delete from core.audit_seals",
        "truncate core.audit_seals",
    ],
)
async def test_nobody_changes_what_is_sealed_nor_a_seal(tenant: Tenant, statement: str) -> None:
    await three_seals(tenant)
    async with as_owner(tenant) as owner:
        with refused("CONFLICT", "APPEND_ONLY"):
            await owner.execute(statement)
    async with as_tenant(tenant) as person, as_analyst(tenant) as analyst:
        for connection in (person, analyst):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    assert await broken(tenant) == []


@pytest.mark.parametrize("role", ["owner", "viewer", "member", ""])
async def test_no_person_sets_a_seal(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await connection.execute("select core.audit_seal()")


async def test_the_worker_seals_what_is_a_minute_old(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_worker() as worker:
        await new_client(connection)
        due = "select count(*) from core.audit_unsealed() where tenant_id = $1"
        assert await worker.fetchval(due, tenant.tenant_id) == 0
        await past_the_guards(
            tenant, "update core.audit_log set created_at = created_at - interval '2 minutes' where tenant_id = $1"
        )
        assert await worker.fetchval(due, tenant.tenant_id) == 1
        async with working([the_duty("seal-audit-log")]), as_superuser() as superuser:

            async def is_sealed() -> bool:
                return bool(await superuser.fetchval(UNSEALED, tenant.tenant_id) == 0)

            await eventually(is_sealed)
    assert await broken(tenant) == []
