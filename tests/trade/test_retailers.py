"""Retailers: entered, changed, deleted, and who sees them. sql/trade/retailers.sql."""

from typing import Any
from uuid import uuid4

import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.catalogue import ids, new_line, new_retailer, new_vendor

TABLE = "trade.retailers"


async def test_a_retailer_begins_with_nothing_owed_and_a_score_in_the_middle(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        row = await the_row(connection, TABLE, await new_retailer(connection))
    assert (row["currency"], row["credit_score"], row["risk_category"]) == ("EUR", 600, "MEDIUM")
    assert (row["outstanding_debt"], row["available_credit"], row["last_order_at"]) == (0, 0, None)


@pytest.mark.parametrize(
    ("facts", "reason", "field"),
    [
        ({"retailer_code": "TAKEN"}, "RETAILER_CODE_TAKEN", "input.retailerCode"),
        ({"retailer_code": "-1"}, "RETAILER_CODE_INVALID", "input.retailerCode"),
        ({"name": "Kiosk "}, "NAME_INVALID", "input.name"),
        ({"phone": "0712345678"}, "PHONE_INVALID", "input.phone"),
        ({"email": "a b@c"}, "EMAIL_INVALID", "input.email"),
        ({"address": "x" * 501}, "TEXT_TOO_LONG", None),
    ],
)
async def test_what_cannot_be_said_of_a_retailer(
    tenant: Tenant, facts: dict[str, Any], reason: str, field: str | None
) -> None:
    code = "CONFLICT" if reason.endswith("TAKEN") else "BAD_USER_INPUT"
    async with as_tenant(tenant) as connection:
        await new_retailer(connection, retailer_code="TAKEN")
        mine = await new_retailer(connection)
        with refused(code, reason) as told:
            await new_retailer(connection, **facts)
        assert told.field == field
        with refused(code, reason):
            await call(connection, "trade.retailer_update", id=mine, **facts)


@pytest.mark.parametrize(
    ("score", "category"), [(300, "HIGH"), (549, "HIGH"), (550, "MEDIUM"), (699, "MEDIUM"), (700, "LOW")]
)
async def test_the_category_follows_the_score(tenant: Tenant, score: int, category: str) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_retailer(connection)
    wanted = "update trade.retailers set credit_score = $2 where id = $1"
    # Past the triggers: a score is the last of trade.credit_scores (tests/trade/test_credit_scores.py).
    async with as_superuser() as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute(wanted, made, score)
        assert (await the_row(connection, TABLE, made))["risk_category"] == category
        for beyond in (299, 901):
            with refused("BAD_USER_INPUT", "CREDIT_SCORE_RANGE"):
                await connection.execute(wanted, made, beyond)


async def test_debt_and_credit_are_those_of_its_lines_whatever_somebody_writes(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        retailer = await new_retailer(connection)
        one = await new_line(connection, retailer, await new_vendor(connection), credit_limit="70.00")
        await new_line(connection, retailer, await new_vendor(connection), credit_limit="30.00")
        assert (await the_row(connection, TABLE, retailer))["available_credit"] == 100
        await call(connection, "trade.credit_line_suspend", id=one, reason="Late")
        assert (await the_row(connection, TABLE, retailer))["available_credit"] == 30
    async with as_owner(tenant) as connection:
        await connection.execute("update trade.retailers set outstanding_debt = 5, available_credit = 500")
        row = await the_row(connection, TABLE, retailer)
    assert (row["outstanding_debt"], row["available_credit"]) == (0, 30)


async def test_an_update_leaves_what_it_does_not_name_and_never_the_currency(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_retailer(connection, phone="+254712345678", address="Stall 4")
        await call(connection, "trade.retailer_update", id=made, name="Duka", address=None, currency="USD")
        row = await the_row(connection, TABLE, made)
    assert (row["name"], row["address"], row["phone"], row["currency"]) == ("Duka", None, "+254712345678", "EUR")
    async with as_owner(tenant) as connection:
        with refused("CONFLICT", "CURRENCY_FIXED"):
            await connection.execute("update trade.retailers set currency = 'USD'")


async def test_a_retailer_is_deleted_once_its_lines_are_at_rest(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        retailer, vendor = await new_retailer(connection), await new_vendor(connection)
        line = await new_line(connection, retailer, vendor)
        with refused("CONFLICT", "RETAILER_IN_BUSINESS"):
            await call(connection, "trade.retailer_delete", id=retailer)
        await call(connection, "trade.credit_line_suspend", id=line, reason="Closing")
        await call(connection, "trade.retailer_delete", id=retailer)
        for verb in ("update", "delete"):
            with refused("NOT_FOUND", "RETAILER_NOT_FOUND"):
                await call(connection, f"trade.retailer_{verb}", id=retailer)
        with refused("NOT_FOUND", "RETAILER_NOT_FOUND"):
            await new_line(connection, retailer, await new_vendor(connection))


async def test_a_retailer_sees_itself_and_a_vendor_sees_none(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        one, two, vendor = await new_retailer(connection), await new_retailer(connection), await new_vendor(connection)
        await new_line(connection, one, vendor)
        other = await new_retailer(theirs)
        for wanted in (other, uuid4()):
            with refused("NOT_FOUND", "RETAILER_NOT_FOUND"):
                await call(connection, "trade.retailer_update", id=wanted, name="X")
    for role, scope, seen in (
        ("retailer", [one], {one}),
        ("retailer", [one, other], {one}),
        ("retailer", [], set()),
        ("vendor", [vendor], set()),
        ("member", [uuid4()], set()),
        ("viewer", [], {one, two}),
    ):
        async with as_tenant(tenant, role, scope) as connection:
            assert await ids(connection, "retailers") == seen, role


@pytest.mark.parametrize("role", ["vendor", "retailer", "accountant", "viewer", "member"])
@pytest.mark.parametrize("verb", ["create", "update", "delete"])
async def test_only_who_runs_the_trade_changes_retailers(tenant: Tenant, role: str, verb: str) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_retailer(connection)
    async with as_tenant(tenant, role, [made]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, f"trade.retailer_{verb}", id=made, retailer_code="X", name="X")
