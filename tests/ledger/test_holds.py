"""Holds: room that is kept, then taken or given back. sql/ledger/holds.sql."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant
from tests.harness.verbs import refused, the_row
from tests.ledger.books import LIMITS, balance, move, open_account, wrong


async def hold(connection: asyncpg.Connection, account: UUID, amount: str, direction: str = "UP", **facts: Any) -> UUID:
    made = await connection.fetchval(
        "select ledger.hold($1, $2, $3, 'ORDER', $4, $5)",
        account,
        direction,
        Decimal(amount),
        uuid4(),
        facts.get("until"),
    )
    assert isinstance(made, UUID)
    return made


async def post_hold(connection: asyncpg.Connection, wanted: UUID, amount: str, contra: UUID) -> UUID:
    made = await connection.fetchval(
        "select ledger.post_hold($1, $2, $3, 'SHIPMENT', 'Shipped')", wanted, Decimal(amount), contra
    )
    assert isinstance(made, UUID)
    return made


@pytest.mark.parametrize(
    ("direction", "kind"), [("UP", "ASSET"), ("DOWN", "ASSET"), ("UP", "LIABILITY"), ("DOWN", "LIABILITY")]
)
async def test_a_hold_keeps_room_and_becomes_a_transfer(tenant: Tenant, direction: str, kind: str) -> None:
    limits = {"ceiling": "100"} if direction == "UP" else {"floor": "-100"}
    async with as_owner(tenant) as connection:
        line = await open_account(connection, "LINE", kind, **limits)
        contra = await open_account(connection, "CONTRA", "EQUITY")
        held = await hold(connection, line, "100", direction)
        reason = "CEILING_EXCEEDED" if direction == "UP" else "FLOOR_EXCEEDED"
        with refused("BAD_USER_INPUT", reason):
            await hold(connection, line, "0.01", direction)
        transfer = await post_hold(connection, held, "60", contra)
        assert await balance(connection, line) == (60 if direction == "UP" else -60)
        row = await the_row(connection, "ledger.holds", held)
        assert (row["state"], row["transfer_id"]) == ("POSTED", transfer)
        assert row["ended_at"] is not None
        await hold(connection, line, "40", direction)
        with refused("BAD_USER_INPUT", reason):
            await hold(connection, line, "0.01", direction)
        assert await wrong(connection) == []


async def test_the_whole_of_a_hold_can_be_posted_at_the_limit(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        line = await open_account(connection, "LINE", ceiling="100")
        contra = await open_account(connection, "CONTRA", "EQUITY")
        await post_hold(connection, await hold(connection, line, "100"), "100", contra)
        assert (await balance(connection, line), await wrong(connection)) == (100, [])


async def test_no_more_than_the_hold_is_posted_and_only_once(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        line, contra = await open_account(connection, "LINE"), await open_account(connection, "CONTRA")
        held = await hold(connection, line, "10")
        with refused("BAD_USER_INPUT", "HOLD_EXCEEDED"):
            await post_hold(connection, held, "10.01", contra)
        await post_hold(connection, held, "10", contra)
        for ended in (
            held,
            await connection.fetchval("select ledger.void_hold($1)", await hold(connection, line, "1")),
        ):
            with refused("CONFLICT", "HOLD_ENDED"):
                await post_hold(connection, ended, "1", contra)
            with refused("CONFLICT", "HOLD_ENDED"):
                await connection.fetchval("select ledger.void_hold($1)", ended)
        with refused("NOT_FOUND", "HOLD_NOT_FOUND"):
            await post_hold(connection, uuid4(), "1", contra)
        assert await wrong(connection) == []


async def test_a_hold_ends_by_itself_when_its_time_has_come(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        line, contra = await open_account(connection, "LINE", ceiling="10"), await open_account(connection, "CONTRA")
        past, future = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (-1, 10))
        expired = await hold(connection, line, "4", until=past)
        await hold(connection, line, "6", until=future)
        with refused("CONFLICT", "HOLD_EXPIRED"):
            await post_hold(connection, expired, "1", contra)
        async with as_worker() as worker, as_tenant(tenant, "worker") as working:
            due = "select count(*) from ledger.holds_due() where tenant_id = $1"
            assert await worker.fetchval(due, tenant.tenant_id) == 1
            assert await working.fetchval("select ledger.expire_holds()") == 1
            assert (await the_row(connection, "ledger.holds", expired))["state"] == "EXPIRED"
            assert await working.fetchval("select ledger.expire_holds()") == 0
            assert await worker.fetchval(due, tenant.tenant_id) == 0
        await hold(connection, line, "4")
        assert await wrong(connection) == []


@pytest.mark.parametrize("role", ["owner", "member", ""])
async def test_only_the_worker_ends_holds_that_have_expired(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await connection.execute("select ledger.expire_holds()")


async def test_a_hold_that_somebody_is_posting_is_left_to_them(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection, as_owner(tenant) as other, as_tenant(tenant, "worker") as working:
        line = await open_account(connection, "LINE")
        held = await hold(connection, line, "4", until=datetime.now(UTC) - timedelta(minutes=1))
        async with other.transaction():
            await other.execute("select from ledger.holds where id = $1 for update", held)
            assert await working.fetchval("select ledger.expire_holds()") == 0
        assert await working.fetchval("select ledger.expire_holds()") == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("amount = 1", "HOLD_FIXED"),
        ("direction = 'DOWN'", "HOLD_FIXED"),
        ("source_id = core.new_id()", "HOLD_FIXED"),
    ],
)
async def test_a_hold_is_not_rewritten(tenant: Tenant, change: str, reason: str) -> None:
    async with as_owner(tenant) as connection, as_superuser() as superuser:
        held = await hold(connection, await open_account(connection, "LINE"), "10")
        with refused("CONFLICT", reason):
            await connection.execute(f"update ledger.holds set {change} where id = $1", held)
        for writer in (connection, superuser):
            with refused("CONFLICT", "APPEND_ONLY"):
                await writer.execute("delete from ledger.holds")
            with refused("CONFLICT", "APPEND_ONLY"):
                await writer.execute("truncate ledger.holds cascade")


@pytest.mark.parametrize(
    ("amount", "reason"), [("0", "HOLD_AMOUNT"), ("-1", "HOLD_AMOUNT"), ("0.001", "MONEY_DECIMALS")]
)
async def test_a_hold_of_nothing_is_refused(tenant: Tenant, amount: str, reason: str) -> None:
    async with as_owner(tenant) as connection:
        with refused("BAD_USER_INPUT", reason):
            await hold(connection, await open_account(connection, "LINE"), amount)


async def test_many_who_hold_and_post_at_once_never_pass_the_ceiling_nor_wait_for_one_another(tenant: Tenant) -> None:
    """Two lines against each other, so that each writer needs both accounts, in either order."""
    async with as_owner(tenant) as connection:
        lines = [await open_account(connection, f"LINE_{name}", ceiling="50", floor="-50") for name in "AB"]

        async def write(number: int) -> None:
            async with as_owner(tenant) as writer:
                for turn in range(10):
                    line, contra = lines[(number + turn) % 2], lines[(number + turn + 1) % 2]
                    try:
                        held = await hold(writer, line, "20")
                        if turn % 3:
                            await post_hold(writer, held, "15", contra)
                        else:
                            await writer.fetchval("select ledger.void_hold($1)", held)
                    except asyncpg.CheckViolationError as error:
                        if error.constraint_name not in LIMITS:
                            raise

        await asyncio.gather(*(write(number) for number in range(6)))
        assert await wrong(connection) == []


async def test_a_held_ceiling_counts_for_transfers_too(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        line, contra = await open_account(connection, "LINE", ceiling="10"), await open_account(connection, "CONTRA")
        await hold(connection, line, "8")
        with refused("BAD_USER_INPUT", "CEILING_EXCEEDED"):
            await move(connection, line, contra, "2.01")
        await move(connection, line, contra, "2")
