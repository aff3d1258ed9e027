"""Payment methods: the fifteen that everybody begins with, and those of one's own. sql/billing/payment_methods.sql."""

from typing import Any
from uuid import uuid4

import pytest

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row

TABLE = "billing.payment_methods"
GIVEN = (
    "select method_name, display_name, category, processing_minutes, requires_reference, is_active from {} order by 1"
)
FIFTEEN = {
    "ACH_TRANSFER": ("TRADITIONAL", 2880),
    "BANK_TRANSFER": ("TRADITIONAL", 1440),
    "BUY_NOW_PAY_LATER": ("DIGITAL", 0),
    "CARD": ("DIGITAL", 5),
    "CASH": ("TRADITIONAL", 5),
    "CHEQUE": ("TRADITIONAL", 2880),
    "CRYPTOCURRENCY": ("CRYPTO", 60),
    "DIGITAL_WALLET": ("DIGITAL", 10),
    "DIRECT_DEBIT": ("TRADITIONAL", 1440),
    "INVOICE_FINANCING": ("DIGITAL", 2880),
    "MOBILE_MONEY": ("MOBILE", 5),
    "OTHER": ("TRADITIONAL", 0),
    "PAYPAL": ("DIGITAL", 5),
    "STRIPE": ("DIGITAL", 5),
    "WIRE_TRANSFER": ("TRADITIONAL", 1440),
}
OWN = {"method_name": "BARTER", "display_name": "Barter", "category": "TRADITIONAL"}


@pytest.mark.parametrize("role", ["owner", "operator", "viewer"])
async def test_every_organisation_begins_with_fifteen(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role) as connection:
        rows = await connection.fetch(GIVEN.format(TABLE))
    assert {row["method_name"]: (row["category"], row["processing_minutes"]) for row in rows} == FIFTEEN
    assert [row["method_name"] for row in rows if not row["requires_reference"]] == ["CASH"]
    assert all(row["is_active"] for row in rows)
    names = {row["method_name"]: row["display_name"] for row in rows}
    assert (names["BANK_TRANSFER"], names["CASH"], names["CARD"]) == (
        "Bank Transfer",
        "Cash Payment",
        "Credit/Debit Card",
    )


async def test_an_organisation_adds_its_own_and_takes_one_out_of_use(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_tenant(other_tenant) as theirs:
        made = await call(connection, "billing.payment_method_create", **OWN, processing_minutes=90, icon="goat")
        await call(theirs, "billing.payment_method_create", **OWN)
        row = await the_row(connection, TABLE, made)
        assert (row["processing_minutes"], row["icon"], row["requires_reference"]) == (90, "goat", True)
        await call(
            connection, "billing.payment_method_update", id=made, is_active=False, display_name="Goats", icon=None
        )
        row = await the_row(connection, TABLE, made)
        assert (row["is_active"], row["display_name"], row["icon"], row["method_name"]) == (
            False,
            "Goats",
            None,
            "BARTER",
        )
        stranger = await theirs.fetchval(f"select id from {TABLE} limit 1")
        for wanted in (stranger, uuid4()):
            with refused("NOT_FOUND", "PAYMENT_METHOD_NOT_FOUND"):
                await call(connection, "billing.payment_method_update", id=wanted, is_active=False)


@pytest.mark.parametrize(
    ("facts", "code", "reason"),
    [
        ({"method_name": "CASH"}, "CONFLICT", "METHOD_NAME_TAKEN"),
        ({"method_name": "bar ter"}, "BAD_USER_INPUT", "METHOD_NAME_INVALID"),
        ({"display_name": " "}, "BAD_USER_INPUT", "DISPLAY_NAME_INVALID"),
        ({"category": "MAGIC"}, "BAD_USER_INPUT", "METHOD_CATEGORY_UNKNOWN"),
        ({"processing_minutes": -1}, "BAD_USER_INPUT", "PROCESSING_MINUTES_RANGE"),
        ({"icon": ""}, "BAD_USER_INPUT", "ICON_INVALID"),
        ({"metadata": []}, "BAD_USER_INPUT", "JSON_OBJECT_REQUIRED"),
    ],
)
async def test_a_method_that_makes_no_sense_is_refused(
    tenant: Tenant, facts: dict[str, Any], code: str, reason: str
) -> None:
    async with as_tenant(tenant) as connection:
        with refused(code, reason):
            await call(connection, "billing.payment_method_create", **{**OWN, **facts})
        assert await connection.fetchval(f"select count(*) from {TABLE}") == 15


async def test_a_method_is_never_deleted(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        for statement in (f"delete from {TABLE}", f"truncate {TABLE} cascade"):
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(statement)
