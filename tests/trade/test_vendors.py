"""Vendors: entered, approved, suspended, deleted, and who sees them. sql/trade/vendors.sql."""

import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row
from tests.trade.catalogue import ids, new_offer, new_retailer, new_vendor

TABLE = "trade.vendors"
VERBS = ["create", "update", "approve", "suspend", "delete"]


async def test_a_vendor_begins_unapproved_in_the_organisations_currency(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        made = await new_vendor(connection, is_approved=False, vendor_code="V-1", credit_limit="250.00")
        row = await the_row(connection, TABLE, made)
        assert (row["is_approved"], row["currency"], str(row["credit_limit"])) == (False, "EUR", "250.00")
        other = await new_vendor(connection, vendor_code="V-2", currency="KES")
        assert (await the_row(connection, TABLE, other))["currency"] == "KES"
        await new_vendor(theirs, vendor_code="V-1")  # a code is one organisation's


@pytest.mark.parametrize(
    ("facts", "reason", "field"),
    [
        ({"vendor_code": "TAKEN"}, "VENDOR_CODE_TAKEN", "input.vendorCode"),
        ({"vendor_code": "with blank"}, "VENDOR_CODE_INVALID", "input.vendorCode"),
        ({"name": " Mills"}, "NAME_INVALID", "input.name"),
        ({"name": ""}, "NAME_INVALID", "input.name"),
        ({"name": None}, "REQUIRED", "input.name"),
        ({"email": "nobody"}, "EMAIL_INVALID", "input.email"),
        ({"credit_limit": "-0.01"}, "CREDIT_LIMIT_NEGATIVE", "input.creditLimit"),
        ({"address": "x" * 501}, "TEXT_TOO_LONG", None),
    ],
)
async def test_what_cannot_be_said_of_a_vendor(
    tenant: Tenant, facts: dict[str, Any], reason: str, field: str | None
) -> None:
    code = "CONFLICT" if reason.endswith("TAKEN") else "BAD_USER_INPUT"
    async with as_tenant(tenant) as connection:
        await new_vendor(connection, vendor_code="TAKEN")
        mine = await new_vendor(connection)
        with refused(code, reason) as told:
            await new_vendor(connection, **facts)
        assert told.field == field
        with refused(code, reason):
            await call(connection, "trade.vendor_update", id=mine, **facts)


async def test_an_update_leaves_what_it_does_not_name_and_never_the_currency(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_vendor(connection, phone="+254", metadata={"a": 1})
        before = await the_row(connection, TABLE, made)
        await call(connection, "trade.vendor_update", id=made, name="Baraka", phone=None, currency="USD")
        row = await the_row(connection, TABLE, made)
    assert (row["name"], row["name_key"], row["phone"]) == ("Baraka", "baraka", None)
    same = ("vendor_code", "currency", "metadata", "is_approved", "created_at")
    assert {name: row[name] for name in same} == {name: before[name] for name in same}
    async with as_owner(tenant) as connection:
        with refused("CONFLICT", "CURRENCY_FIXED"):
            await connection.execute("update trade.vendors set currency = 'USD'")


async def test_approval_and_suspension_follow_one_another(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_vendor(connection, is_approved=False)
        with refused("CONFLICT", "VENDOR_NOT_APPROVED"):
            await call(connection, "trade.vendor_suspend", id=made, reason="Late")
        await call(connection, "trade.vendor_approve", id=made)
        with refused("CONFLICT", "VENDOR_APPROVED"):
            await call(connection, "trade.vendor_approve", id=made)
        for reason in (None, "", "  "):
            with refused("BAD_USER_INPUT", "REASON_REQUIRED") as told:
                await call(connection, "trade.vendor_suspend", id=made, reason=reason)
            assert told.field == "input.reason"
        await call(connection, "trade.vendor_suspend", id=made, reason="Late")
        row = await the_row(connection, TABLE, made)
        assert (row["is_approved"], row["suspension_reason"]) == (False, "Late")
        await call(connection, "trade.vendor_approve", id=made)
        row = await the_row(connection, TABLE, made)
        assert (row["is_approved"], row["suspension_reason"]) == (True, None)


async def test_suspending_hides_a_vendor_and_its_catalogue_from_retailers_alone(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        vendor, stays = await new_vendor(connection), await new_vendor(connection)
        offer, other = await new_offer(connection, vendor), await new_offer(connection, stays)
        retailer = await new_retailer(connection)
        async with (
            as_tenant(tenant, "retailer", [retailer]) as buying,
            as_tenant(tenant, "vendor", [vendor]) as selling,
        ):
            assert (await ids(buying, "vendors"), await ids(buying, "vendor_products")) == (
                {vendor, stays},
                {offer, other},
            )
            await call(connection, "trade.vendor_suspend", id=vendor, reason="Late")
            assert (await ids(buying, "vendors"), await ids(buying, "vendor_products")) == ({stays}, {other})
            assert (await ids(selling, "vendors"), await ids(selling, "vendor_products")) == ({vendor}, {offer})
            await call(connection, "trade.vendor_approve", id=vendor)
            assert await ids(buying, "vendor_products") == {offer, other}


async def test_a_deleted_vendor_takes_part_in_nothing(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_vendor(connection)
        with refused("CONFLICT", "VENDOR_APPROVED"):
            await call(connection, "trade.vendor_delete", id=made)
        await call(connection, "trade.vendor_suspend", id=made, reason="Closed")
        await call(connection, "trade.vendor_delete", id=made)
        assert (await the_row(connection, TABLE, made))["deleted_at"] is not None
        for verb in VERBS[1:]:
            with refused("NOT_FOUND", "VENDOR_NOT_FOUND"):
                await call(connection, f"trade.vendor_{verb}", id=made, reason="Again")
        with refused("NOT_FOUND", "VENDOR_NOT_FOUND"):
            await new_offer(connection, made)


async def test_another_organisations_vendor_is_nobody(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        other = await new_vendor(theirs)
        for wanted in (other, uuid4()):
            for verb in VERBS[1:]:
                with refused("NOT_FOUND", "VENDOR_NOT_FOUND"):
                    await call(connection, f"trade.vendor_{verb}", id=wanted, reason="Late")
        assert await ids(connection, "vendors") == set()


@pytest.mark.parametrize("role", ["vendor", "retailer", "accountant", "viewer", "member"])
@pytest.mark.parametrize("verb", VERBS)
async def test_only_who_runs_the_trade_changes_vendors(tenant: Tenant, role: str, verb: str) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_vendor(connection)
    async with as_tenant(tenant, role, [made]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, f"trade.vendor_{verb}", id=made, vendor_code="X", name="X", reason="X")


async def test_a_vendor_sees_itself_and_a_retailer_whom_it_may_order_from(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        one, two = await new_vendor(connection), await new_vendor(connection, is_approved=False)
        retailer = await new_retailer(connection)
    for role, scope, seen in (
        ("vendor", [one], {one}),
        ("vendor", [two], {two}),
        ("vendor", [], set()),
        ("retailer", [retailer], {one}),
        ("member", [uuid4()], set()),
        ("viewer", [], {one, two}),
    ):
        async with as_tenant(tenant, role, scope) as connection:
            assert await ids(connection, "vendors") == seen, role


@pytest.mark.parametrize("table", ["vendors", "retailers", "credit_lines", "products", "vendor_products"])
async def test_nobody_takes_rows_of_trade_away(tenant: Tenant, table: str) -> None:
    """Not the owner of the tables either, nor whoever runs the server."""
    async with as_tenant(tenant) as connection:
        await new_offer(connection)
        for statement in (f"delete from trade.{table}", f"truncate trade.{table} cascade"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        before = await ids(connection, table)
    async with as_owner(tenant) as connection:
        if before:
            with pytest.raises(asyncpg.PostgresError, match="never"):
                await connection.execute(f"delete from trade.{table}")
        with pytest.raises(asyncpg.PostgresError, match="never"):
            await connection.execute(f"truncate trade.{table} cascade")
    async with as_superuser() as connection:
        with pytest.raises(asyncpg.PostgresError, match="never"):
            await connection.execute(f"truncate trade.{table} cascade")
    async with as_tenant(tenant) as connection:
        assert await ids(connection, table) == before


async def test_the_log_has_who_changed_what_of_a_vendor_and_not_what_is_reckoned(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = await new_vendor(connection)
        await call(connection, "trade.vendor_suspend", id=made, reason="Late")
        rows = await connection.fetch(
            """select action, new_values from core.audit_log where entity_type = 'VENDOR' and entity_id = $1
               order by created_at""",
            made,
        )
    assert [row["action"] for row in rows] == ["CREATE", "UPDATE", "UPDATE"]
    assert json.loads(rows[2]["new_values"]) == {"is_approved": False, "suspension_reason": "Late"}
    assert not {"total_sales", "name_key"} & set(json.loads(rows[0]["new_values"]))
