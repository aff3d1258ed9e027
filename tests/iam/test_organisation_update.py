"""The profile of an organisation, changed by those who look after it: sql/iam/tenants.sql."""

import json
from typing import Any

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused

PROFILE = "select * from iam.organisation()"
WHOLE: dict[str, Any] = {
    "name": "Harbour & Sons",
    "email": "office@harbour.example",
    "phone": "+44 20 7946 0000",
    "address": "1 Quay",
    "city": "Hull",
    "state": "East Riding",
    "zip_code": "HU1",
    "country": "GB",
    "tax_id": "GB123456789",
    "logo": "https://harbour.example/logo.png",
    "currency": "GBP",
    "time_zone": "Europe/London",
    "fiscal_year_start": 4,
    "settings": {"theme": "dark"},
    "modules": ["TRADE"],
}


async def profile(connection: asyncpg.Connection) -> dict[str, Any]:
    row = await connection.fetchrow(PROFILE)
    assert row is not None
    return {**row, "settings": json.loads(row["settings"])}


async def test_an_admin_changes_all_of_it_and_what_is_left_out_stays(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(other_tenant) as other:
        untouched = await profile(other)
    async with as_tenant(tenant, "admin") as connection:
        slug = (await profile(connection))["slug"]
        assert await call(connection, "iam.organisation_update", **WHOLE, slug="mine", id=other_tenant.tenant_id)
        found = await profile(connection)
        assert {name: found[name] for name in WHOLE} == WHOLE
        assert found["slug"] == slug
        await call(connection, "iam.organisation_update", phone=None, modules=["TRADE", "BILLING", "TRADE"])
        found = await profile(connection)
        expected = {**WHOLE, "phone": None, "modules": ["BILLING", "TRADE"]}
        assert {name: found[name] for name in WHOLE} == expected
    async with as_tenant(other_tenant) as other:
        assert await profile(other) == untouched


@pytest.mark.parametrize("role", ["accountant", "operator", "viewer", "member", "vendor", "worker", ""])
async def test_others_do_not(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, "iam.organisation_update", name="Mine")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update iam.tenants set name = 'Mine'")


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"name": " "}, "tenants_name_check"),
        ({"email": "office"}, "tenants_email_check"),
        ({"country": "Britain"}, "tenants_country_check"),
        ({"logo": "http://harbour.example/logo.png"}, "tenants_logo_check"),
        ({"time_zone": "Mars/Olympus"}, "tenants_time_zone_check"),
        ({"fiscal_year_start": 13}, "tenants_fiscal_year_start_check"),
        ({"modules": ["SPACE"]}, "tenants_modules_check"),
        ({"phone": "1" * 501}, "tenants_text_length_check"),
        ({"settings": {"x": "y" * 20_000}}, "tenants_settings_check"),
        ({"currency": "KWD"}, "currency_two_decimals"),
    ],
)
async def test_what_is_wrong_is_refused_by_the_table(tenant: Tenant, wrong: dict[str, Any], constraint: str) -> None:
    async with as_tenant(tenant) as connection:
        before = await profile(connection)
        with pytest.raises(asyncpg.CheckViolationError) as refusal:
            await call(connection, "iam.organisation_update", **wrong)
        assert refusal.value.constraint_name == constraint
        assert await profile(connection) == before


async def test_each_change_is_in_the_log(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await call(connection, "iam.organisation_update", city="Hull")
    async with as_superuser() as connection:
        entry = await connection.fetchrow(
            "select new_values, user_id from core.audit_log where tenant_id = $1 and entity_type = 'TENANT'"
            " order by created_at desc limit 1",
            tenant.tenant_id,
        )
    assert entry is not None
    assert json.loads(entry["new_values"])["city"] == "Hull"
    assert entry["user_id"] == tenant.owner_id


async def test_nobody_moves_another_organisation_past_the_verb(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        await connection.execute("update iam.tenants set city = 'Hull'")
    async with as_tenant(other_tenant) as connection:
        assert (await profile(connection))["city"] is None
