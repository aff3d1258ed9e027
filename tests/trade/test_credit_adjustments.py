"""Adjustments and write-offs, which a second person decides: sql/trade/credit_adjustments.sql."""

from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant, make_person
from tests.harness.verbs import call, refused, the_row
from tests.trade.placing import Market, brought_to, line_of, open_market, wrong

TABLE: Final = "trade.credit_adjustments"


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    market = await open_market(tenant, limit="1000")
    async with as_tenant(tenant) as connection:
        await brought_to(connection, market, "DELIVERED")  # 110.00
    return market


@pytest.fixture
async def second(tenant: Tenant) -> UUID:
    """Another operator."""
    return (await make_person(tenant, "operator")).user_id


async def ask(market: Market, verb: str = "credit_adjust", **facts: Any) -> UUID:
    given = {"credit_line_id": market.line, "amount": "10.00", "reason": "Broken bags", **facts}
    async with as_tenant(market.tenant, "operator") as connection:
        made = await call(connection, f"trade.{verb}", **given)
        assert isinstance(made, UUID)
        return made


async def decide(market: Market, who: UUID, made: UUID, verb: str = "approve") -> None:
    async with as_tenant(market.tenant, "operator", user_id=who) as connection:
        await call(connection, f"trade.credit_adjustment_{verb}", id=made)


@pytest.mark.parametrize(
    ("verb", "facts", "debt", "entry"),
    [
        ("credit_adjust", {"kind": "CREDIT"}, "120.00", "ADJUSTMENT_CREDIT"),
        ("credit_adjust", {"kind": "DEBIT"}, "100.00", "ADJUSTMENT_DEBIT"),
        ("credit_write_off", {}, "100.00", "WRITE_OFF"),
    ],
)
async def test_what_one_asks_for_another_posts(
    market: Market, second: UUID, verb: str, facts: dict[str, Any], debt: str, entry: str
) -> None:
    made = await ask(market, verb, **facts)
    async with as_tenant(market.tenant) as connection:
        assert (await line_of(connection, market))[0] == Decimal("110.00")
        await decide(market, second, made)
        assert (await line_of(connection, market))[0] == Decimal(debt)
        row = await the_row(connection, TABLE, made)
        assert (row["state"], row["decided_by"], row["created_by"]) == ("APPROVED", second, market.tenant.owner_id)
        last = "select transaction_type from trade.credit_entries order by ledger_number desc limit 1"
        assert await connection.fetchval(last) == entry
        assert await wrong(connection) == []
    for verb_again in ("approve", "decline"):
        with refused("CONFLICT", "ADJUSTMENT_DECIDED"):
            await decide(market, second, made, verb_again)


async def test_nobody_decides_on_their_own(market: Market, second: UUID) -> None:
    made = await ask(market, kind="DEBIT")
    for verb in ("approve", "decline"):
        with refused("CONFLICT", "SECOND_PERSON_REQUIRED"):
            await decide(market, market.tenant.owner_id, made, verb)
    async with as_owner(market.tenant) as owner:
        with refused("CONFLICT", "SECOND_PERSON_REQUIRED"):
            await owner.execute(f"update {TABLE} set state = 'APPROVED', decided_by = $1", second)
    await decide(market, second, made, "decline")
    async with as_tenant(market.tenant) as connection:
        assert (await line_of(connection, market))[0] == Decimal("110.00")
        assert (await the_row(connection, TABLE, made))["state"] == "DECLINED"


async def test_the_limit_and_the_debt_hold_for_adjustments_too(market: Market, second: UUID) -> None:
    over = await ask(market, kind="CREDIT", amount="890.01")
    with refused("CONFLICT", "CREDIT_LIMIT_EXCEEDED"):
        await decide(market, second, over)
    await decide(market, second, await ask(market, kind="CREDIT", amount="890.00"))
    too_much = await ask(market, "credit_write_off", amount="1000.01")
    with refused("CONFLICT", "WRITE_OFF_RANGE"):
        await decide(market, second, too_much)
    await decide(market, second, await ask(market, "credit_write_off", amount="1000.00"))
    async with as_tenant(market.tenant) as connection:
        assert (await line_of(connection, market))[0] == 0
        assert await wrong(connection) == []


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [
        ({"amount": "0"}, "credit_adjustments_amount_check"),
        ({"amount": "1.005"}, "money_two_decimals"),
        ({"reason": " "}, "credit_adjustments_reason_check"),
        ({"kind": "GIFT"}, "credit_adjustments_kind_check"),
    ],
)
async def test_what_is_wrong_is_refused_by_the_table(market: Market, facts: dict[str, Any], constraint: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await ask(market, **{"kind": "DEBIT", **facts})
    assert refusal.value.constraint_name == constraint


async def test_unknown_lines_and_adjustments_are_told_so(market: Market, second: UUID) -> None:
    with refused("NOT_FOUND", "CREDIT_LINE_NOT_FOUND"):
        await ask(market, kind="DEBIT", credit_line_id=uuid4())
    with refused("NOT_FOUND", "ADJUSTMENT_NOT_FOUND"):
        await decide(market, second, uuid4())
    with refused("BAD_USER_INPUT", "ADJUSTMENT_KIND_UNKNOWN"):
        await ask(market, kind="WRITE_OFF")


@pytest.mark.parametrize("statement", [f"delete from {TABLE}", f"truncate {TABLE}", f"update {TABLE} set amount = 1"])
async def test_nobody_rewrites_them(market: Market, statement: str) -> None:
    await ask(market, kind="DEBIT")
    async with as_tenant(market.tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    async with as_owner(market.tenant) as owner:
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await owner.execute(statement)
        assert (refusal.value.sqlstate or "").startswith("CH")


@pytest.mark.parametrize("role", ["accountant", "viewer", "vendor", "retailer", "worker", ""])
async def test_only_who_trades_asks_and_decides(market: Market, role: str) -> None:
    async with as_tenant(market.tenant, role, [market.retailers[0]]) as connection:
        for verb in ("credit_adjust", "credit_write_off", "credit_adjustment_approve", "credit_adjustment_decline"):
            with refused("FORBIDDEN", "PERMISSION_MISSING"):
                await call(connection, f"trade.{verb}", id=uuid4(), credit_line_id=market.line, amount="1", reason="x")
        if role in ("vendor", "retailer"):
            assert await connection.fetchval(f"select count(id) from {TABLE}") == 0
