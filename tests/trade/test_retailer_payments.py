"""Retailers' payments and the orders that they pay: sql/trade/retailer_payments.sql, retailer_payment_allocations.sql,
retailer_payment_changes.sql."""

import asyncio
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.placing import LINES, ORDERS, Market, brought_to, line_of, open_market, step, wrong

PAYMENTS: Final = "trade.retailer_payments"
ALLOCATIONS: Final = "trade.retailer_payment_allocations"
DUE: Final = "update trade.orders set due_date = $2 where id = $1"


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    return await open_market(tenant, limit="5000", stock=1000)


async def pay(connection: asyncpg.Connection, market: Market, amount: str, **facts: Any) -> UUID:
    given = {**market.parties, "method": "CASH", "amount": amount, **facts}
    made = await call(connection, "trade.retailer_payment_record", **given)
    assert isinstance(made, UUID)
    return made


async def due(order_id: UUID, day: str) -> None:
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(DUE.replace("$2", f"date '{day}'"), order_id)


async def paid(connection: asyncpg.Connection, *orders: UUID) -> list[tuple[Decimal, str]]:
    rows = [await the_row(connection, ORDERS, each) for each in orders]
    return [(row["paid_amount"], row["payment_status"]) for row in rows]


async def test_a_payment_lowers_the_debt_and_pays_what_is_due_first(market: Market) -> None:
    async with as_tenant(market.tenant, "operator") as connection:
        first, second, third = [await brought_to(connection, market, "DELIVERED") for _ in range(3)]
        await due(second, "2026-01-01")
        await due(first, "2026-02-01")
        await due(third, "2026-03-01")
        assert await line_of(connection, market) == (Decimal("330.00"), 0, Decimal("4670.00"))
        made = await pay(connection, market, "150.00")
        assert await paid(connection, first, second, third) == [
            (Decimal("40.00"), "PARTIAL"),
            (Decimal("110.00"), "PAID"),
            (Decimal(0), "UNPAID"),
        ]
        assert await line_of(connection, market) == (Decimal("180.00"), 0, Decimal("4820.00"))
        row = await the_row(connection, PAYMENTS, made)
        assert (row["payment_number"], row["is_effective"], row["is_reversed"]) == ("RP-000001", True, False)
        entry = await connection.fetchrow(
            "select transaction_type, amount, running_balance from trade.credit_entries"
            " order by ledger_number desc limit 1"
        )
        assert entry is not None
        assert tuple(entry) == ("PAYMENT_DEBIT", Decimal("150.00"), Decimal("180.00"))
        assert await wrong(connection) == []


async def test_what_is_left_over_stays_the_retailers_credit_and_pays_later(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        made = await pay(connection, market, "200.00")
        assert await line_of(connection, market) == (Decimal("-200.00"), 0, Decimal("5200.00"))
        order = await brought_to(connection, market, "DELIVERED")
        assert await paid(connection, order) == [(Decimal(0), "UNPAID")]
        await call(connection, "trade.retailer_payment_allocate", id=made)
        assert await paid(connection, order) == [(Decimal("110.00"), "PAID")]
        retailer = await the_row(connection, "trade.retailers", market.retailers[0])
        assert (retailer["outstanding_debt"], retailer["available_credit"]) == (Decimal("-90.00"), Decimal("5090.00"))
        assert await wrong(connection) == []


async def test_one_can_say_what_a_payment_pays(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        first, second = [await brought_to(connection, market, "DELIVERED") for _ in range(2)]
        await pay(
            connection,
            market,
            "100.00",
            allocations=[{"order_id": second, "amount": "60.00"}, {"order_id": first, "amount": "10.00"}],
        )
        assert await paid(connection, first, second) == [
            (Decimal("10.00"), "PARTIAL"),
            (Decimal("60.00"), "PARTIAL"),
        ]
        assert await wrong(connection) == []


@pytest.mark.parametrize(
    ("wanted", "code", "reason"),
    [
        ([{"amount": "111.00"}], "BAD_USER_INPUT", "OVER_ALLOCATED"),
        ([{"amount": "60.00"}, {"amount": "50.00"}], None, None),
        ([{"order_id": str(uuid4()), "amount": "1.00"}], "NOT_FOUND", "ORDER_NOT_FOUND"),
    ],
)
async def test_no_more_is_allocated_than_there_is(
    market: Market, wanted: list[dict[str, Any]], code: str | None, reason: str | None
) -> None:
    async with as_tenant(market.tenant) as connection:
        order = await brought_to(connection, market, "DELIVERED")
        before = await line_of(connection, market)
        asked = [{"order_id": order, **each} for each in wanted]
        if code is None:
            with pytest.raises(asyncpg.UniqueViolationError):
                await pay(connection, market, "200.00", allocations=asked)
        else:
            with refused(code, reason or ""):
                await pay(connection, market, "200.00", allocations=asked)
        with refused("BAD_USER_INPUT", "OVER_ALLOCATED"):
            await pay(connection, market, "50.00", allocations=[{"order_id": order, "amount": "60.00"}])
        assert await line_of(connection, market) == before
        assert await connection.fetchval(f"select count(*) from {PAYMENTS}") == 0


async def test_a_payment_is_taken_back_once_and_whole(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order = await brought_to(connection, market, "DELIVERED")
        made = await pay(connection, market, "110.00")
        back = await call(connection, "trade.retailer_payment_reverse", id=made, reason="Paid twice")
        row = await the_row(connection, PAYMENTS, back)
        assert (row["reverses_id"], row["amount"], row["reversal_reason"]) == (made, Decimal("110.00"), "Paid twice")
        assert (await the_row(connection, PAYMENTS, made))["is_reversed"] is True
        assert await paid(connection, order) == [(Decimal(0), "UNPAID")]
        assert await line_of(connection, market) == (Decimal("110.00"), 0, Decimal("4890.00"))
        entry = await connection.fetchrow(
            "select transaction_type, reverses_id is not null from trade.credit_entries"
            " order by ledger_number desc limit 1"
        )
        assert entry is not None
        assert tuple(entry) == ("ADJUSTMENT_CREDIT", True)
        for again in (made, back):
            with refused("CONFLICT", "PAYMENT_REVERSED" if again == made else "PAYMENT_IS_REVERSAL"):
                await call(connection, "trade.retailer_payment_reverse", id=again, reason="Again")
        with refused("CONFLICT", "PAYMENT_NOT_EFFECTIVE"):
            await call(connection, "trade.retailer_payment_allocate", id=made)
        assert await wrong(connection) == []


async def test_a_cheque_pays_when_it_is_cleared(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order = await brought_to(connection, market, "DELIVERED")
        before = await line_of(connection, market)
        made = await pay(connection, market, "110.00", method="CHEQUE", transaction_id="000117")
        assert (await the_row(connection, PAYMENTS, made))["cheque_state"] == "PENDING"
        assert await line_of(connection, market) == before
        assert await paid(connection, order) == [(Decimal(0), "UNPAID")]
        await call(connection, "trade.cheque_clear", id=made)
        assert await paid(connection, order) == [(Decimal("110.00"), "PAID")]
        assert await line_of(connection, market) == (0, 0, Decimal("5000.00"))
        with refused("CONFLICT", "CHEQUE_STATE"):
            await call(connection, "trade.cheque_clear", id=made)
        assert await wrong(connection) == []


@pytest.mark.parametrize("is_cleared", [False, True])
async def test_a_cheque_that_bounces_suspends_the_line_and_leaves_the_debt_as_it_was(
    market: Market, is_cleared: bool
) -> None:
    async with as_tenant(market.tenant) as connection:
        order = await brought_to(connection, market, "DELIVERED")
        before = await line_of(connection, market)
        made = await pay(connection, market, "110.00", method="CHEQUE", transaction_id="000117")
        if is_cleared:
            await call(connection, "trade.cheque_clear", id=made)
        await call(connection, "trade.cheque_bounce", id=made, reason="No funds")
        row = await the_row(connection, PAYMENTS, made)
        assert (row["cheque_state"], row["cheque_reason"], row["is_reversed"]) == ("BOUNCED", "No funds", is_cleared)
        line = await the_row(connection, LINES, market.line)
        assert (line["state"], line["debt"]) == ("SUSPENDED", before[0])
        assert "No funds" in line["state_reason"]
        assert await paid(connection, order) == [(Decimal(0), "UNPAID")]
        assert await connection.fetchval("select count(*) from trade.credit_entries") == (3 if is_cleared else 1)
        for verb in ("cheque_clear", "cheque_bounce"):
            with refused("CONFLICT", "CHEQUE_STATE"):
                await call(connection, f"trade.{verb}", id=made, reason="Again")
        assert await wrong(connection) == []


@pytest.mark.parametrize(
    ("facts", "code", "reason"),
    [
        ({"method": "SHELLS"}, "BAD_USER_INPUT", "PAYMENT_METHOD_UNKNOWN"),
        ({"method": "BANK_TRANSFER"}, "BAD_USER_INPUT", "TRANSACTION_ID_REQUIRED"),
        ({"received_at": "2199-01-01T00:00:00Z"}, "BAD_USER_INPUT", "RECEIVED_LATER"),
        ({"vendor_id": str(uuid4())}, "NOT_FOUND", "NO_CREDIT_LINE"),
        (
            {"method": "CHEQUE", "transaction_id": "1", "allocations": []},
            "BAD_USER_INPUT",
            "CHEQUE_NOT_CLEARED",
        ),
    ],
)
async def test_what_is_wrong_is_refused_with_its_reason(
    market: Market, facts: dict[str, Any], code: str, reason: str
) -> None:
    async with as_tenant(market.tenant) as connection:
        with refused(code, reason):
            await pay(connection, market, "10.00", **facts)
        assert await line_of(connection, market) == (0, 0, Decimal("5000"))


@pytest.mark.parametrize("amount", ["0", "-1", "1.005"])
async def test_an_amount_is_above_nothing_and_has_two_decimals(market: Market, amount: str) -> None:
    async with as_tenant(market.tenant) as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await pay(connection, market, amount)


async def test_a_reference_is_taken_once_with_its_method(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        await pay(connection, market, "10.00", method="BANK_TRANSFER", transaction_id="B-1")
        await pay(connection, market, "10.00", method="CHEQUE", transaction_id="B-1")
        with pytest.raises(asyncpg.UniqueViolationError) as refusal:
            await pay(connection, market, "10.00", method="BANK_TRANSFER", transaction_id="B-1")
        assert refusal.value.constraint_name == "retailer_payments_transaction_unique"


async def test_payments_at_once_pay_each_order_once(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        orders = [await brought_to(connection, market, "DELIVERED") for _ in range(4)]

    async def one() -> None:
        async with as_tenant(market.tenant) as connection:
            await pay(connection, market, "55.00")

    await asyncio.gather(*(one() for _ in range(10)))
    async with as_tenant(market.tenant) as connection:
        assert await paid(connection, *orders) == [(Decimal("110.00"), "PAID")] * 4
        assert (await line_of(connection, market))[0] == Decimal("-110.00")
        assert await wrong(connection) == []


async def test_what_came_back_after_it_was_paid_is_the_retailers_credit(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        order = await brought_to(connection, market, "DELIVERED")
        await pay(connection, market, "110.00")
        await step(connection, "return", order)
        row = await the_row(connection, ORDERS, order)
        assert (row["paid_amount"], row["open_amount"], row["payment_status"]) == (
            Decimal("110.00"),
            Decimal("-110.00"),
            "PAID",
        )
        assert (await line_of(connection, market))[0] == Decimal("-110.00")
        assert await wrong(connection) == []


@pytest.mark.parametrize(
    "statement",
    [
        f"delete from {PAYMENTS}",
        f"delete from {ALLOCATIONS}",
        f"truncate {PAYMENTS} cascade",
        f"truncate {ALLOCATIONS}",
        f"update {ALLOCATIONS} set amount = 1",
        f"update {PAYMENTS} set amount = 1",
        f"update {PAYMENTS} set cheque_state = 'CLEARED'",
        f"update {PAYMENTS} set transaction_id = 'x'",
    ],
)
async def test_nobody_rewrites_what_was_paid(market: Market, statement: str) -> None:
    async with as_tenant(market.tenant) as connection:
        await brought_to(connection, market, "DELIVERED")
        await pay(connection, market, "110.00")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    async with as_owner(market.tenant) as owner:
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await owner.execute(statement)
        assert (refusal.value.sqlstate or "").startswith("CH")


async def test_a_direct_writer_cannot_set_what_is_reckoned(market: Market) -> None:
    async with as_tenant(market.tenant) as connection:
        await brought_to(connection, market, "DELIVERED")
        made = await pay(connection, market, "60.00")
    async with as_owner(market.tenant) as owner:
        await owner.execute(f"update {PAYMENTS} set reversed_at = now(), transfer_id = null where id = $1", made)
        await owner.execute(f"update {ORDERS} set paid_amount = 0")
        row = await the_row(owner, PAYMENTS, made)
        assert row["reversed_at"] is None
        assert row["transfer_id"] is not None
        assert await owner.fetchval(f"select paid_amount from {ORDERS}") == Decimal("60.00")
        assert await wrong(owner) == []


@pytest.mark.parametrize("role", ["accountant", "viewer", "member", "vendor", "retailer", "worker", ""])
async def test_only_who_trades_enters_payments(market: Market, role: str) -> None:
    verbs = ("record", "allocate", "reverse")
    async with as_tenant(market.tenant, role, [market.retailers[0]]) as connection:
        for function in (
            *(f"trade.retailer_payment_{verb}" for verb in verbs),
            "trade.cheque_clear",
            "trade.cheque_bounce",
        ):
            with refused("FORBIDDEN", "PERMISSION_MISSING"):
                await call(connection, function, id=uuid4(), **market.parties, method="CASH", amount="1")


async def test_vendors_and_retailers_see_their_own(tenant: Tenant, other_tenant: Tenant) -> None:
    market = await open_market(tenant, retailers=2, vendors=2)
    async with as_tenant(tenant) as connection:
        for retailer in market.retailers:
            for vendor in market.vendors:
                await pay(connection, market, "10.00", retailer_id=retailer, vendor_id=vendor)
    for role, ids, seen in (
        ("retailer", market.retailers[:1], 2),
        ("vendor", market.vendors[1:], 2),
        ("retailer", [uuid4()], 0),
        ("viewer", [], 4),
    ):
        async with as_tenant(tenant, role, ids) as connection:
            assert await connection.fetchval(f"select count(id) from {PAYMENTS}") == seen
    async with as_tenant(other_tenant) as connection:
        assert await connection.fetchval(f"select count(id) from {PAYMENTS}") == 0
