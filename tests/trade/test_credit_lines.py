"""Credit lines: what a retailer may owe a vendor, and whose account carries it. sql/trade/credit_lines.sql."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.catalogue import ids, new_line, new_retailer, new_vendor

TABLE = "trade.credit_lines"


async def hold(tenant: Tenant, line: UUID, amount: str) -> None:
    """Have the line's account hold so much, as an order does."""
    async with as_owner(tenant) as connection:
        account = await connection.fetchval("select account_id from trade.credit_lines where id = $1", line)
        await connection.execute("select ledger.hold($1, 'UP', $2::text::numeric)", account, amount)


async def test_a_new_line_takes_the_vendors_limit_and_has_an_account_of_its_own(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        retailer, vendor = await new_retailer(connection), await new_vendor(connection, credit_limit="250.00")
        line = await call(connection, "trade.credit_line_set", retailer_id=retailer, vendor_id=vendor)
        row = await the_row(connection, TABLE, line)
        account = await the_row(connection, "ledger.accounts", row["account_id"])
    assert (str(row["credit_limit"]), row["terms_days"], row["state"]) == ("250.00", 30, "ACTIVE")
    assert (row["debt"], row["held"], str(row["available"])) == (0, 0, "250.00")
    assert (account["kind"], str(account["ceiling"]), account["scope_ids"]) == ("ASSET", "250.00", [retailer, vendor])


async def test_setting_a_line_again_changes_its_limit_and_terms(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        retailer, vendor = await new_retailer(connection), await new_vendor(connection)
        line = await new_line(connection, retailer, vendor)
        assert await new_line(connection, retailer, vendor, credit_limit="40.00", terms_days=7) == line
        row = await the_row(connection, TABLE, line)
        assert (str(row["credit_limit"]), row["terms_days"]) == ("40.00", 7)
        assert await call(connection, "trade.credit_line_set", retailer_id=retailer, vendor_id=vendor) == line
        assert (await the_row(connection, TABLE, line))["terms_days"] == 7


async def test_what_is_held_is_part_of_the_line_and_its_limit_never_below(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        retailer, vendor = await new_retailer(connection), await new_vendor(connection)
        line = await new_line(connection, retailer, vendor)
        await hold(tenant, line, "60.00")
        row = await the_row(connection, TABLE, line)
        assert (row["held"], row["available"]) == (60, 40)
        assert (await the_row(connection, "trade.retailers", retailer))["available_credit"] == 40
        with refused("CONFLICT", "CREDIT_LIMIT_EXCEEDED") as told:
            await new_line(connection, retailer, vendor, credit_limit="59.99")
        assert told.field == "input.creditLimit"
        assert "60.00" in told.message
        await new_line(connection, retailer, vendor, credit_limit="60.00")  # equality passes
        with pytest.raises(asyncpg.CheckViolationError):
            await hold(tenant, line, "0.01")
        with refused("CONFLICT", "RETAILER_IN_BUSINESS"):
            await call(connection, "trade.retailer_delete", id=retailer)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"credit_limit": "-0.01"}, "CREDIT_LIMIT_NEGATIVE"),
        ({"terms_days": -1}, "TERMS_RANGE"),
        ({"terms_days": 366}, "TERMS_RANGE"),
    ],
)
async def test_what_a_line_cannot_be(tenant: Tenant, facts: dict[str, object], reason: str) -> None:
    async with as_tenant(tenant) as connection:
        retailer, vendor = await new_retailer(connection), await new_vendor(connection)
        for _ in range(2):  # a new one, and one that is there
            with refused("BAD_USER_INPUT", reason):
                await new_line(connection, retailer, vendor, **facts)
            await new_line(connection, retailer, vendor)


async def test_both_ends_are_there_and_trade_in_one_currency(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        retailer, vendor = await new_retailer(connection), await new_vendor(connection, currency="KES")
        with refused("BAD_USER_INPUT", "CURRENCY_MISMATCH"):
            await new_line(connection, retailer, vendor)
        for unknown in (uuid4(), await new_vendor(theirs)):
            with refused("NOT_FOUND", "VENDOR_NOT_FOUND") as told:
                await new_line(connection, retailer, unknown)
            assert told.field == "input.vendorId"
        for unknown in (uuid4(), await new_retailer(theirs)):
            with refused("NOT_FOUND", "RETAILER_NOT_FOUND") as told:
                await new_line(connection, unknown, vendor)
            assert told.field == "input.retailerId"


async def test_a_line_is_suspended_with_a_reason_and_resumed(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        line = await new_line(connection, await new_retailer(connection), await new_vendor(connection))
        with refused("CONFLICT", "CREDIT_LINE_ACTIVE"):
            await call(connection, "trade.credit_line_resume", id=line)
        for reason in (None, "", " "):
            with refused("BAD_USER_INPUT", "REASON_REQUIRED"):
                await call(connection, "trade.credit_line_suspend", id=line, reason=reason)
        await call(connection, "trade.credit_line_suspend", id=line, reason="A cheque bounced")
        row = await the_row(connection, TABLE, line)
        assert (row["state"], row["state_reason"]) == ("SUSPENDED", "A cheque bounced")
        with refused("CONFLICT", "CREDIT_LINE_SUSPENDED"):
            await call(connection, "trade.credit_line_suspend", id=line, reason="Again")
        await call(connection, "trade.credit_line_resume", id=line)
        row = await the_row(connection, TABLE, line)
        assert (row["state"], row["state_reason"]) == ("ACTIVE", None)


async def test_a_line_keeps_whose_it_is_and_its_figures_are_its_accounts(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        line = await new_line(connection, await new_retailer(connection), await new_vendor(connection))
        other = await new_vendor(connection)
    async with as_owner(tenant) as connection:
        with refused("CONFLICT", "LINE_FIXED"):
            await connection.execute("update trade.credit_lines set vendor_id = $1", other)
        await connection.execute("update trade.credit_lines set debt = 99, held = 1, credit_limit = 1000000")
        row = await the_row(connection, TABLE, line)
    assert (row["debt"], row["held"], row["credit_limit"]) == (0, 0, 100)


async def test_two_who_open_the_same_line_at_once_open_one(tenant: Tenant) -> None:
    async with as_tenant(tenant) as one, as_tenant(tenant) as other:
        retailer, vendor = await new_retailer(one), await new_vendor(one)
        done = await asyncio.gather(
            *(new_line(connection, retailer, vendor) for connection in (one, other)), return_exceptions=True
        )
        made = [each for each in done if isinstance(each, UUID)]
        assert await ids(one, "credit_lines") == set(made)
        for each in done:
            assert isinstance(each, UUID | asyncpg.UniqueViolationError)
        assert await one.fetchval("select count(*) from ledger.accounts where owner_noun = 'CREDIT_LINE'") == 1


async def test_each_end_sees_its_own_lines(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        retailers = [await new_retailer(connection) for _ in range(2)]
        vendors = [await new_vendor(connection) for _ in range(2)]
        lines = {
            (number, place): await new_line(connection, retailer, vendor)
            for number, retailer in enumerate(retailers)
            for place, vendor in enumerate(vendors)
        }
    for role, scope, seen in (
        ("retailer", retailers[:1], {lines[0, 0], lines[0, 1]}),
        ("vendor", vendors[1:], {lines[0, 1], lines[1, 1]}),
        ("retailer", [], set()),
        ("member", [uuid4()], set()),
        ("viewer", [], set(lines.values())),
    ):
        async with as_tenant(tenant, role, scope) as connection:
            assert await ids(connection, "credit_lines") == seen, role


@pytest.mark.parametrize("role", ["vendor", "retailer", "accountant", "viewer", "member"])
@pytest.mark.parametrize("verb", ["set", "suspend", "resume"])
async def test_only_who_runs_the_trade_changes_lines(tenant: Tenant, role: str, verb: str) -> None:
    async with as_tenant(tenant) as connection:
        retailer, vendor = await new_retailer(connection), await new_vendor(connection)
        line = await new_line(connection, retailer, vendor)
    async with as_tenant(tenant, role, [retailer, vendor]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            parties = {"retailer_id": retailer, "vendor_id": vendor}
            await call(connection, f"trade.credit_line_{verb}", id=line, reason="X", credit_limit="9.00", **parties)
