"""Accounts: they begin empty, stay what they are, and keep their limits. sql/ledger/accounts.sql."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.ledger.books import LIMITS, balance, move, open_account, wrong


@pytest.mark.parametrize(
    ("kind", "side"),
    [("ASSET", "DEBIT"), ("EXPENSE", "DEBIT"), ("LIABILITY", "CREDIT"), ("EQUITY", "CREDIT"), ("INCOME", "CREDIT")],
)
async def test_a_balance_is_shown_by_the_normal_side(tenant: Tenant, kind: str, side: str) -> None:
    async with as_owner(tenant) as connection:
        account = await open_account(connection, "SHOWN", kind)
        await move(connection, account, await open_account(connection, "CONTRA"), "5")
        row = await the_row(connection, "ledger.accounts", account)
    sign = 1 if side == "DEBIT" else -1
    assert (row["normal_side"], row["balance"], row["balance_minor"]) == (side, 5 * sign, 500 * sign)


@pytest.mark.parametrize(
    ("facts", "reason", "field"),
    [
        ({"code": "bank"}, "ACCOUNT_CODE_INVALID", "input.code"),
        ({"code": "B" * 51}, "ACCOUNT_CODE_INVALID", "input.code"),
        ({"name": " "}, "ACCOUNT_NAME_INVALID", "input.name"),
        ({"kind": "TOY"}, "ACCOUNT_KIND_UNKNOWN", "input.kind"),
        ({"currency": "euro"}, "CURRENCY_CODE", None),
        ({"ceiling": "-1"}, "CEILING_EXCEEDED", None),
        ({"floor": "1"}, "FLOOR_EXCEEDED", None),
        ({"code": None}, "REQUIRED", "input.code"),
    ],
)
async def test_an_account_that_makes_no_sense_is_refused(
    tenant: Tenant, facts: dict[str, Any], reason: str, field: str | None
) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", reason) as told:
            await call(
                connection, "ledger.ledger_account_create", **{"code": "BANK", "name": "Bank", "kind": "ASSET", **facts}
            )
    assert told.field == field


async def test_a_code_is_taken_once_in_each_currency_and_organisation(tenant: Tenant, other_tenant: Tenant) -> None:
    facts = {"code": "BANK", "name": "Bank", "kind": "ASSET"}
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        await call(connection, "ledger.ledger_account_create", **facts)
        with refused("CONFLICT", "ACCOUNT_CODE_TAKEN"):
            await call(connection, "ledger.ledger_account_create", **facts)
        await call(connection, "ledger.ledger_account_create", **facts, currency="USD")
        await call(theirs, "ledger.ledger_account_create", **facts)


async def test_many_who_open_the_same_account_get_the_same_one(tenant: Tenant) -> None:
    whose = uuid4()

    async def opened() -> Any:
        async with as_owner(tenant) as connection:
            return await connection.fetchval(
                "select ledger.account('RECEIVABLE', 'EUR', 'ASSET', 'Fen', 'CLIENT', $1)", whose
            )

    assert len(set(await asyncio.gather(*(opened() for _ in range(8))))) == 1


@pytest.mark.parametrize(
    "change",
    ["kind = 'INCOME'", "currency = 'USD'", "owner_noun = 'CLIENT', owner_id = core.new_id()", "id = core.new_id()"],
)
async def test_an_account_stays_what_it_is(tenant: Tenant, change: str) -> None:
    async with as_owner(tenant) as connection:
        account = await open_account(connection, "CASH")
        with refused("CONFLICT", "ACCOUNT_FIXED"):
            await connection.execute(f"update ledger.accounts set {change} where id = $1", account)


@pytest.mark.parametrize("column", ["posted", "held_up", "held_down", "version"])
async def test_an_account_begins_empty(tenant: Tenant, column: str) -> None:
    async with as_owner(tenant) as connection:
        with refused("CONFLICT", "ACCOUNT_STARTS_EMPTY"):
            await connection.execute(
                f"insert into ledger.accounts (tenant_id, code, name, kind, currency, {column})"
                " values ($1, 'CASH', 'Cash', 'ASSET', 'EUR', 1)",
                tenant.tenant_id,
            )


@pytest.mark.parametrize(("kind", "up", "down"), [("ASSET", 0, 1), ("LIABILITY", 1, 0)])
async def test_exactly_at_a_limit_is_allowed_and_beyond_it_refused(
    tenant: Tenant, kind: str, up: int, down: int
) -> None:
    """On either side: what takes the balance up is a debit of an asset, and a credit of a liability."""
    async with as_owner(tenant) as connection:
        line = await open_account(connection, "LINE", kind, ceiling="100", floor="-20")
        contra = await open_account(connection, "CONTRA", "EQUITY")
        sides = (line, contra)
        await move(connection, sides[up], sides[down], "100")
        with refused("BAD_USER_INPUT", "CEILING_EXCEEDED"):
            await move(connection, sides[up], sides[down], "0.01")
        await move(connection, sides[down], sides[up], "120")
        with refused("BAD_USER_INPUT", "FLOOR_EXCEEDED"):
            await move(connection, sides[down], sides[up], "0.01")
        assert (await balance(connection, line), await wrong(connection)) == (-20, [])


async def test_many_writers_never_take_an_account_beyond_its_limits(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        line = await open_account(connection, "LINE", ceiling="100", floor="0")
        contra = await open_account(connection, "CONTRA", "EQUITY")

        async def write(number: int) -> int:
            moved = 0
            async with as_owner(tenant) as writer:
                for turn in range(12):
                    up = (number + turn) % 3 != 0
                    try:
                        await move(writer, *((line, contra) if up else (contra, line)), "30")
                        moved += 1 if up else -1
                    except asyncpg.CheckViolationError as error:
                        if error.constraint_name not in LIMITS:
                            raise
            return moved

        moved = sum(await asyncio.gather(*(write(number) for number in range(6))))
        assert await balance(connection, line) == Decimal(30 * moved)
        assert await wrong(connection) == []


async def test_a_person_with_a_scope_sees_the_accounts_that_are_kept_for_them(tenant: Tenant) -> None:
    client, other = uuid4(), uuid4()
    async with as_owner(tenant) as owner:
        for each in (client, other):
            await owner.fetchval("select ledger.account('RECEIVABLE', 'EUR', 'ASSET', 'A', 'CLIENT', $1)", each)
        await open_account(owner, "CASH")
    async with as_tenant(tenant, "member", [client]) as member:
        assert [row[0] for row in await member.fetch("select owner_id from ledger.accounts")] == [client]
        for table in ("transfers", "entries", "holds"):
            assert await member.fetch(f"select id from ledger.{table}") == []
