"""Who a statement runs for: sql/core/context.sql."""

from datetime import date
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant

TENANT = "select core.tenant_id()"


async def test_the_tenant_is_read_from_the_role_that_was_set(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        assert await connection.fetchval(TENANT) == tenant.tenant_id
        await connection.execute("reset role")
        assert await connection.fetchval(TENANT) is None


async def test_the_tenant_of_an_analyst_is_read_from_their_login(tenant: Tenant) -> None:
    async with as_analyst(tenant) as connection:
        assert await connection.fetchval(TENANT) == tenant.tenant_id


async def test_no_setting_can_forge_the_tenant(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for name in ("app.tenant_id", "app.role", "app.context", "app.user_id", "application_name"):
            await connection.execute("select set_config($1, $2, false)", name, other_tenant.database_role)
        assert await connection.fetchval(TENANT) == tenant.tenant_id


async def test_an_analyst_cannot_become_another_tenant(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_analyst(tenant) as connection:
        for role in (other_tenant.database_role, tenant.database_role):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"set role {role}")


async def test_the_tenant_holds_inside_a_definer_function(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await connection.execute(
            "create or replace function public.who() returns uuid language sql security definer"
            " set search_path = pg_catalog, pg_temp return core.tenant_id()"
        )
        await connection.execute("alter function public.who() owner to countinghouse_owner")
        await connection.execute("grant execute on function public.who() to countinghouse_tenant")
    try:
        async with as_tenant(tenant) as connection:
            assert await connection.fetchval("select public.who()") == tenant.tenant_id
    finally:
        async with as_superuser() as connection:
            await connection.execute("drop function public.who()")


@pytest.mark.parametrize("role", ["countinghouse_owner", "countinghouse_reader", "countinghouse_tenant"])
async def test_a_role_without_a_tenant_in_its_name_has_none(role: str) -> None:
    async with as_superuser() as connection:
        await connection.execute(f"set role {role}")
        assert await connection.fetchval(TENANT) is None


async def test_a_connection_without_settings_sees_and_may_do_nothing() -> None:
    async with as_nobody() as connection:
        row = await connection.fetchrow(
            "select core.user_id() as who, core.role() as role, core.scope_ids() as scope,"
            " core.sees_all() as everything,"
            " core.permits('billing:read') as may, core.context() as context, core.fiscal_year_start() as starts"
        )
    assert row is not None
    assert dict(row) == {
        "who": None,
        "role": None,
        "scope": None,
        "everything": False,
        "may": False,
        "context": None,
        "starts": 1,
    }


async def test_the_context_is_what_the_server_has_put_there(tenant: Tenant) -> None:
    scope = [uuid4(), uuid4()]
    async with as_tenant(tenant, "member", scope, fiscal_year_start=4) as connection:
        row = await connection.fetchrow(
            "select core.user_id(), core.role(), core.scope_ids(), core.fiscal_year_start()"
        )
    assert row is not None
    assert tuple(row) == (tenant.owner_id, "member", scope, 4)


SEES_ALL = {"owner", "admin", "accountant", "operator", "viewer", "app:billing:write ledger:read", "app:"}
MAY = {
    "owner": {
        "billing:read",
        "billing:write",
        "billing:internal",
        "ledger:read",
        "ledger:write",
        "iam:read",
        "iam:write",
        "iam:audit",
        "iam:members",
        "iam:offboard",
        "iam:self",
        "trade:read",
        "trade:write",
        "trade:internal",
    },
    "admin": {
        "billing:read",
        "billing:write",
        "billing:internal",
        "ledger:read",
        "ledger:write",
        "iam:read",
        "iam:write",
        "iam:audit",
        "iam:self",
        "trade:read",
        "trade:write",
        "trade:internal",
    },
    "accountant": {
        "billing:read",
        "billing:write",
        "billing:internal",
        "ledger:read",
        "ledger:write",
        "iam:read",
        "iam:self",
        "trade:read",
        "trade:internal",
    },
    "operator": {
        "billing:read",
        "billing:write",
        "billing:internal",
        "ledger:read",
        "iam:read",
        "iam:self",
        "trade:read",
        "trade:write",
        "trade:internal",
    },
    "viewer": {
        "billing:read",
        "billing:internal",
        "ledger:read",
        "iam:read",
        "iam:self",
        "trade:read",
        "trade:internal",
    },
    "member": {"billing:read", "iam:read", "iam:self"},
    "vendor": {"iam:read", "iam:self", "trade:read"},
    "retailer": {"iam:read", "iam:self", "trade:read"},
    "business": {"iam:read", "iam:self"},
    "investor": {"iam:read", "iam:self"},
    "app:billing:write ledger:read": {"billing:write", "ledger:read"},
    "app:": set(),
    "App:billing:read": set(),
    "superuser": set(),
    "OWNER": set(),
}


@pytest.mark.parametrize("role", MAY)
async def test_each_role_may_do_what_the_table_of_roles_says_and_no_more(tenant: Tenant, role: str) -> None:
    verbs = sorted(set().union(*MAY.values()) | {"billing:delete", "ledger:read", ""})
    async with as_tenant(tenant, role) as connection:
        may = {verb for verb in verbs if await connection.fetchval("select core.permits($1)", verb)}
        assert may == MAY[role]
        assert set(await connection.fetchval("select core.permissions($1)", role)) == MAY[role]
        assert await connection.fetchval("select core.sees_all()") is (role in SEES_ALL)


async def test_nobody_is_permitted_null(tenant: Tenant) -> None:
    async with as_tenant(tenant, "owner") as connection:
        assert await connection.fetchval("select core.permits(null)") is False


async def test_today_is_the_day_in_the_tenants_time_zone(tenant: Tenant) -> None:
    """Kiritimati is 26 hours ahead of Etc/GMT+12: it is never the same day in both."""
    async with (
        as_tenant(tenant, time_zone="Pacific/Kiritimati") as east,
        as_tenant(tenant, time_zone="Etc/GMT+12") as w,
    ):
        ahead, behind = await east.fetchval("select core.today()"), await w.fetchval("select core.today()")
    assert isinstance(ahead, date)
    assert 1 <= (ahead - behind).days <= 2


@pytest.mark.parametrize(
    ("day", "first_month", "year"),
    [
        (date(2026, 1, 1), 1, 2026),
        (date(2026, 12, 31), 1, 2026),
        (date(2026, 3, 31), 4, 2026),
        (date(2026, 4, 1), 4, 2027),
        (date(2024, 2, 29), 3, 2024),
        (date(2024, 3, 1), 3, 2025),
        (date(2026, 12, 1), 12, 2027),
    ],
)
async def test_a_fiscal_year_is_named_by_the_year_in_which_it_ends(day: date, first_month: int, year: int) -> None:
    async with as_nobody() as connection:
        assert await connection.fetchval("select core.fiscal_year($1, $2)", day, first_month) == year


async def test_the_functions_in_the_policies_are_inlined(tenant: Tenant) -> None:
    """A call for each row would cost more than the scan."""
    async with as_owner(tenant) as connection:
        plan = "\n".join(
            row[0] for row in await connection.fetch("explain (verbose, costs off) select id from billing.invoices")
        )
    assert "current_setting('role'" in plan
    assert "core." not in plan


async def test_the_owner_of_the_tables_without_a_tenant_sees_no_row(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await connection.fetchval('select billing.client_create(\'{"name": "Fen Orchards"}\')')
    async with as_superuser() as connection:
        assert await connection.fetchval("select count(*) from billing.clients") > 0
        await connection.execute("set role countinghouse_owner")
        for table in ("billing.clients", "iam.memberships", "iam.tenants", "core.audit_log"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0


async def test_ids_are_in_order_of_time_where_the_server_can_make_such(database: object) -> None:
    async with as_superuser() as connection:
        ids = [await connection.fetchval("select core.new_id()") for _ in range(5)]
        modern = int(await connection.fetchval("show server_version_num")) >= 180000
    assert {UUID(str(each)).version for each in ids} == {7 if modern else 4}
    assert len(set(ids)) == 5
    if modern:
        assert ids == sorted(ids)
