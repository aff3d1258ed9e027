"""Transfers and entries: what is posted balances, follows on, and is never changed. sql/ledger/transfers.sql."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.ledger.books import balance, entries, move, open_account, post, wrong


@asynccontextmanager
async def the_books(tenant: Tenant) -> AsyncIterator[tuple[asyncpg.Connection, UUID, UUID]]:
    """A connection as the owner, and two accounts: an asset and an income."""
    async with as_owner(tenant) as connection:
        yield connection, await open_account(connection, "CASH"), await open_account(connection, "SALES", "INCOME")


async def test_a_transfer_moves_its_accounts_and_entries_follow_on(tenant: Tenant) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        await move(connection, cash, sales, "10.00")
        await move(connection, cash, sales, "2.50")
        await move(connection, sales, cash, "0.50")
        assert await entries(connection, cash) == [
            (1, Decimal("10.00"), Decimal("10.00")),
            (2, Decimal("2.50"), Decimal("12.50")),
            (3, Decimal("-0.50"), Decimal("12.00")),
        ]
        assert await balance(connection, cash) == await balance(connection, sales) == Decimal("12.00")
        row = await the_row(connection, "ledger.accounts", sales)
        assert (row["posted"], row["version"], row["normal_side"]) == (Decimal("-12.00"), 3, "CREDIT")
        assert await wrong(connection) == []


async def test_one_transfer_may_touch_an_account_twice_and_hold_several_currencies(tenant: Tenant) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        dollars = await open_account(connection, "CASH", currency="USD")
        gains = await open_account(connection, "SALES", "INCOME", currency="USD")
        await post(connection, (cash, "5"), (cash, "3"), (sales, "-8"), (dollars, "1.10"), (gains, "-1.10"))
        assert [entry[2] for entry in await entries(connection, cash)] == [5, 8]
        assert await wrong(connection) == []


@pytest.mark.parametrize("legs", [("10", "-9.99"), ("10",), ("10", "10"), ()])
async def test_what_does_not_balance_is_refused_at_commit_and_leaves_nothing(
    tenant: Tenant, legs: tuple[str, ...]
) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        with refused("BAD_USER_INPUT", "TRANSFER_UNBALANCED"):
            await post(connection, *zip((cash, sales), legs, strict=False))
        assert await connection.fetchval("select count(*) from ledger.transfers") == 0
        assert (await balance(connection, cash), await wrong(connection)) == (0, [])


async def test_currencies_balance_each_for_itself(tenant: Tenant) -> None:
    async with the_books(tenant) as (connection, cash, _):
        dollars = await open_account(connection, "CASH", currency="USD")
        with refused("BAD_USER_INPUT", "TRANSFER_UNBALANCED"):
            await move(connection, cash, dollars, "10")


@pytest.mark.parametrize(
    ("amount", "reason"),
    [("0", "ENTRY_ZERO"), ("0.001", "MONEY_DECIMALS"), ("NaN", "MONEY_RANGE"), ("10000000000001", "MONEY_RANGE")],
)
async def test_an_amount_that_is_none_is_refused(tenant: Tenant, amount: str, reason: str) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        with refused("BAD_USER_INPUT", reason):
            await move(connection, cash, sales, amount)


async def test_an_account_that_is_not_there_is_refused(tenant: Tenant, other_tenant: Tenant) -> None:
    async with the_books(other_tenant) as (_, theirs, _), the_books(tenant) as (connection, cash, _):
        for stranger in (uuid4(), theirs):
            with refused("NOT_FOUND", "ACCOUNT_NOT_FOUND"):
                await move(connection, cash, stranger, "1")


DIRECT = """
    insert into ledger.entries (tenant_id, transfer_id, account_id, currency, amount, position)
    select $1, $2, $3, $4, $5, count(*) + 1 from ledger.entries where transfer_id = $2
"""


@pytest.mark.parametrize("settled", [False, True])
async def test_a_leg_that_is_added_later_is_refused(tenant: Tenant, settled: bool) -> None:
    """In the same transaction too, after its constraints were looked at once."""
    async with the_books(tenant) as (connection, cash, sales):
        posted = None if settled else await move(connection, cash, sales, "10")
        with refused(*("CONFLICT", "ACCOUNT_OUT_OF_STEP") if settled else ("BAD_USER_INPUT", "TRANSFER_UNBALANCED")):
            async with connection.transaction():
                transfer = posted or await move(connection, cash, sales, "10")
                if settled:
                    await connection.execute("set constraints all immediate")
                await connection.execute(DIRECT, tenant.tenant_id, transfer, cash, "EUR", Decimal(1))
        assert await wrong(connection) == []


async def test_place_balances_and_day_of_an_entry_are_not_the_writers_to_say(tenant: Tenant) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        async with connection.transaction():
            transfer = await connection.fetchval(
                "insert into ledger.transfers (tenant_id, kind, effective_date) values ($1, 'TEST', '2026-01-05')"
                " returning id",
                tenant.tenant_id,
            )
            for position, account, amount in ((1, cash, 7), (2, sales, -7)):
                await connection.execute(
                    "insert into ledger.entries (tenant_id, transfer_id, position, account_id, currency, amount, seq,"
                    " balance_before, balance_after, effective_date)"
                    " values ($1, $2, $3, $4, 'EUR', $5, 99, 5, 6, '1999-01-01')",
                    tenant.tenant_id,
                    transfer,
                    position,
                    account,
                    Decimal(amount),
                )
        assert await entries(connection, cash) == [(1, 7, 7)]
        assert str(await connection.fetchval("select max(effective_date) from ledger.entries")) == "2026-01-05"
        with refused("BAD_USER_INPUT", "CURRENCY_MIXED"):
            await connection.execute(DIRECT, tenant.tenant_id, transfer, cash, "USD", Decimal(1))


CHANGES = (
    "update ledger.transfers set description = 'Other'",
    "update ledger.entries set amount = amount + 1",
    "delete from ledger.entries",
    "delete from ledger.transfers",
    "delete from ledger.accounts",
    "truncate ledger.entries cascade",
    "truncate ledger.accounts, ledger.entries, ledger.holds, ledger.transfers cascade",
    "truncate ledger.transfers cascade",
)


@pytest.mark.parametrize("change", CHANGES)
async def test_nobody_changes_what_is_posted(tenant: Tenant, change: str) -> None:
    async with the_books(tenant) as (owner, cash, sales), as_superuser() as superuser, as_tenant(tenant) as person:
        await move(owner, cash, sales, "10")
        for connection in (owner, superuser):
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(change)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await person.execute(change)
        assert await entries(owner, cash) == [(1, 10, 10)]


async def test_an_organisation_with_books_is_not_deleted_from_under_them(tenant: Tenant) -> None:
    async with the_books(tenant) as (connection, cash, sales), as_superuser() as superuser:
        await move(connection, cash, sales, "10")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await superuser.execute("delete from iam.tenants where id = $1", tenant.tenant_id)


@pytest.mark.parametrize(
    "change",
    [
        "update ledger.accounts set posted = posted + 1",
        "update ledger.accounts set version = version + 1",
        "update ledger.accounts set posted = posted + 1, version = version + 1",
        "update ledger.accounts set held_up = 1",
        "update ledger.accounts set held_down = 1",
    ],
)
async def test_no_balance_changes_without_an_entry_or_a_hold(tenant: Tenant, change: str) -> None:
    async with the_books(tenant) as (connection, cash, sales), as_superuser() as superuser:
        await move(connection, cash, sales, "10")
        with refused("CONFLICT", "ACCOUNT_OUT_OF_STEP"):
            await connection.execute(change)
        # The checks see the books of a tenant only; who stands in none, the superuser too, changes nothing.
        with pytest.raises(asyncpg.PostgresError):
            await superuser.execute(f"{change} where tenant_id = $1", tenant.tenant_id)
        assert await wrong(connection) == []


async def reverse(connection: asyncpg.Connection, transfer: UUID, **facts: Any) -> UUID:
    made = await connection.fetchval("select ledger.reverse($1, 'A mistake', $2)", transfer, facts.get("on"))
    assert isinstance(made, UUID)
    return made


async def test_a_reversal_is_whole_and_opposite_and_there_is_one(tenant: Tenant) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        transfer = await post(connection, (cash, "7"), (cash, "3"), (sales, "-10"))
        reversal = await reverse(connection, transfer)
        assert await balance(connection, cash) == await balance(connection, sales) == 0
        assert (await the_row(connection, "ledger.transfers", reversal))["reverses_id"] == transfer
        with refused("CONFLICT", "TRANSFER_REVERSED") as told:
            await reverse(connection, transfer)
        assert "nothing has changed" in told.message
        with refused("CONFLICT", "TRANSFER_UNDOES"):
            await reverse(connection, reversal)
        with refused("NOT_FOUND", "TRANSFER_NOT_FOUND"):
            await reverse(connection, uuid4())
        assert await wrong(connection) == []


@pytest.mark.parametrize("legs", [("-9", "9"), ("-10", "10", "other"), ("10", "-10")])
async def test_a_reversal_by_hand_that_is_not_whole_is_refused(tenant: Tenant, legs: tuple[str, ...]) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        transfer = await move(connection, cash, sales, "10")
        other = await open_account(connection, "OTHER")
        with refused("CONFLICT", "REVERSAL_NOT_WHOLE"):
            async with connection.transaction():
                made = await connection.fetchval(
                    "insert into ledger.transfers (tenant_id, kind, effective_date, reverses_id)"
                    " values ($1, 'REVERSAL', core.today(), $2) returning id",
                    tenant.tenant_id,
                    transfer,
                )
                accounts = (other, sales) if len(legs) == 3 else (cash, sales)
                for account, amount in zip(accounts, legs[:2], strict=True):
                    await connection.execute(DIRECT, tenant.tenant_id, made, account, "EUR", Decimal(amount))
        assert await balance(connection, cash) == 10


async def test_what_takes_back_counts_no_earlier_than_what_it_takes_back(tenant: Tenant) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        day = await connection.fetchval("select core.today() + 10")
        transfer = await move(connection, cash, sales, "10", on=day)
        with refused("BAD_USER_INPUT", "EFFECTIVE_DATE_EARLY"):
            await reverse(connection, transfer, on=await connection.fetchval("select core.today()"))
        reversal = await reverse(connection, transfer)
        assert (await the_row(connection, "ledger.transfers", reversal))["effective_date"] == day


async def test_refunds_never_exceed_the_transfer_and_end_its_reversal(tenant: Tenant) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        transfer = await move(connection, cash, sales, "10")
        await move(connection, sales, cash, "4", refunded=transfer)
        with refused("CONFLICT", "TRANSFER_REFUNDED"):
            await reverse(connection, transfer)
        with refused("CONFLICT", "REFUND_TOO_LARGE"):
            await move(connection, sales, cash, "6.01", refunded=transfer)
        refund = await move(connection, sales, cash, "6", refunded=transfer)
        with refused("CONFLICT", "REFUND_TOO_LARGE"):
            await move(connection, sales, cash, "0.01", refunded=transfer)
        with refused("CONFLICT", "TRANSFER_UNDOES"):
            await move(connection, sales, cash, "1", refunded=refund)
        reversed_one = await move(connection, cash, sales, "3")
        await reverse(connection, reversed_one)
        with refused("CONFLICT", "TRANSFER_REVERSED"):
            await move(connection, sales, cash, "1", refunded=reversed_one)
        assert await wrong(connection) == []


async def test_of_many_who_reverse_or_refund_at_once_no_more_succeed_than_may(tenant: Tenant) -> None:
    async with the_books(tenant) as (connection, cash, sales):
        transfers = [await move(connection, cash, sales, "10") for _ in range(6)]

        async def take_back(number: int) -> None:
            async with as_owner(tenant) as writer:
                for transfer in transfers:
                    try:
                        if number % 3:
                            await move(writer, sales, cash, "4", refunded=transfer)
                        else:
                            await reverse(writer, transfer)
                    except asyncpg.PostgresError as error:
                        if not (error.sqlstate or "").startswith("CH"):
                            raise

        await asyncio.gather(*(take_back(number) for number in range(6)))
        for transfer in transfers:
            undone = await connection.fetch(
                "select reverses_id is not null as whole from ledger.transfers where $1 in (reverses_id, refunds_id)",
                transfer,
            )
            assert [each["whole"] for each in undone] in ([True], [False, False])
        assert await wrong(connection) == []


# By hand, through the verbs that a tenant may call.


async def test_a_bookkeeper_posts_and_reverses_a_journal(tenant: Tenant) -> None:
    async with as_tenant(tenant, "accountant") as connection:
        bank = await call(connection, "ledger.ledger_account_create", code="BANK", name=" The bank ", kind="ASSET")
        fees = await call(connection, "ledger.ledger_account_create", code="FEES", name="Fees", kind="EXPENSE")
        legs = [{"account_id": fees, "amount": "12.30"}, {"account_id": bank, "amount": "-12.30"}]
        posted = await call(
            connection, "ledger.ledger_transfer_post", entries=legs, reason="Fees of May", effective_date="2026-05-31"
        )
        row = await the_row(connection, "ledger.transfers", posted)
        assert (row["kind"], row["description"], str(row["effective_date"])) == ("JOURNAL", "Fees of May", "2026-05-31")
        assert row["created_by"] == tenant.owner_id
        assert row["request_id"].startswith("test-")
        assert (await balance(connection, fees), await balance(connection, bank)) == (
            Decimal("12.30"),
            Decimal("-12.30"),
        )
        await call(connection, "ledger.ledger_transfer_reverse", id=posted, reason="Twice")
        with refused("CONFLICT", "TRANSFER_REVERSED"):
            await call(connection, "ledger.ledger_transfer_reverse", id=posted, reason="Twice")
        assert (await balance(connection, fees), await wrong(connection)) == (0, [])


@pytest.mark.parametrize(
    ("facts", "code", "reason"),
    [
        ({"reason": " "}, "BAD_USER_INPUT", "REASON_REQUIRED"),
        ({"reason": "x" * 2001}, "BAD_USER_INPUT", "REASON_REQUIRED"),
        ({"effective_date": "1899-12-31"}, "BAD_USER_INPUT", "EFFECTIVE_DATE_RANGE"),
        ({"amounts": ("1", "-2")}, "BAD_USER_INPUT", "TRANSFER_UNBALANCED"),
        ({"amounts": ("0", "0")}, "BAD_USER_INPUT", "ENTRY_ZERO"),
        ({"amounts": ("0.001", "-0.001")}, "BAD_USER_INPUT", "MONEY_DECIMALS"),
        ({"amounts": ()}, "BAD_USER_INPUT", "TRANSFER_UNBALANCED"),
        ({"metadata": []}, "BAD_USER_INPUT", "JSON_OBJECT_REQUIRED"),
    ],
)
async def test_a_journal_that_makes_no_sense_is_refused(
    tenant: Tenant, facts: dict[str, Any], code: str, reason: str
) -> None:
    async with as_tenant(tenant) as connection:
        accounts = [
            await call(connection, "ledger.ledger_account_create", code=name, name=name, kind="ASSET")
            for name in ("BANK", "TILL")
        ]
        given = {"amounts": ("1", "-1"), "reason": "For a test", **facts}
        legs = [{"account_id": a, "amount": m} for a, m in zip(accounts, given.pop("amounts"), strict=False)]
        with refused(code, reason):
            await call(connection, "ledger.ledger_transfer_post", entries=legs, **given)
        assert await connection.fetchval("select count(*) from ledger.transfers") == 0


async def test_what_follows_documents_is_not_posted_to_by_hand(tenant: Tenant) -> None:
    async with as_owner(tenant) as owner, as_tenant(tenant) as connection:
        theirs = await owner.fetchval("select ledger.account('LINE', 'EUR', 'ASSET', 'Fen', 'RETAILER', $1)", uuid4())
        cash = await open_account(owner, "CASH")
        legs = [{"account_id": theirs, "amount": "1"}, {"account_id": cash, "amount": "-1"}]
        with refused("CONFLICT", "ACCOUNT_CONTROLLED"):
            await call(connection, "ledger.ledger_transfer_post", entries=legs, reason="By hand")
        posted = await owner.fetchval(
            "select ledger.post('TEST', array[($1, 1), ($2, -1)]::ledger.leg[], null, 'x', 'INVOICE', $3)",
            theirs,
            cash,
            uuid4(),
        )
        with refused("CONFLICT", "TRANSFER_HAS_SOURCE"):
            await call(connection, "ledger.ledger_transfer_reverse", id=posted, reason="By hand")


@pytest.mark.parametrize("verb", ["ledger_account_create", "ledger_transfer_post", "ledger_transfer_reverse"])
@pytest.mark.parametrize("role", ["operator", "viewer", "member", ""])
async def test_who_keeps_no_books_posts_nothing(tenant: Tenant, role: str, verb: str) -> None:
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, f"ledger.{verb}", id="not even an id")


async def test_a_tenant_calls_the_verbs_and_the_reports_and_nothing_else(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        found = await connection.fetch(
            "select proname::text from pg_proc where pronamespace = 'ledger'::regnamespace"
            " and has_function_privilege('countinghouse_tenant', oid, 'execute') order by 1"
        )
    assert {row[0] for row in found} == {
        *("balance", "statement", "trial_balance"),
        *("ledger_account_create", "ledger_transfer_post", "ledger_transfer_reverse"),
        "expire_holds",
    }
