"""Reports that are reckoned ahead: what is kept of every organisation, who gets at it, and when it is reckoned anew.
sql/core/reports.sql."""

from datetime import timedelta
from typing import Final

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant
from tests.harness.verbs import new_invoice
from tests.worker.working import eventually, the_duty, working

REPORTS: Final = "select report from reports.refreshes"
AGE: Final = "update reports.refreshes set refreshed_at = now() - every - $1::interval"
REFRESHED: Final = "select refreshed_at from reports.refreshes where report = 'revenue_months'"
VIEWS: Final = "select matviewname::text from pg_matviews where schemaname = 'reports'"


async def grow_old(by: timedelta = timedelta(0)) -> None:
    async with as_superuser() as connection:
        await connection.execute(AGE, by)


async def test_every_materialized_view_is_refreshed_and_nothing_else() -> None:
    async with as_superuser() as connection:
        kept, refreshed = [{row[0] for row in await connection.fetch(each)} for each in (VIEWS, REPORTS)]
        assert kept == refreshed
        elsewhere = "select count(*) from pg_matviews where schemaname <> 'reports' and schemaname !~ '^pg_'"
        assert await connection.fetchval(elsewhere) == 0


async def test_the_worker_reckons_a_report_anew_when_it_is_old(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_invoice(connection)
        assert await connection.fetch("select * from billing.revenue_reckoned('2020-01-01', '2199-01-01')") == []
        await grow_old()
        async with working([the_duty("refresh-reports")]):

            async def is_there() -> bool:
                return bool(
                    await connection.fetch("select * from billing.revenue_reckoned('2020-01-01', '2199-01-01')")
                )

            await eventually(is_there)


async def test_one_that_is_fresh_is_left_alone_and_so_is_one_that_somebody_reckons_already() -> None:
    await grow_old()
    async with as_worker() as connection, as_superuser() as other:
        assert "revenue_months" in {row[0] for row in await connection.fetch("select report from reports.due()")}
        transaction = other.transaction()
        await transaction.start()
        await other.execute("select from reports.refreshes for update")
        before = await connection.fetchval(REFRESHED)
        assert await connection.fetchval("select reports.refresh('revenue_months')") is False
        assert await connection.fetchval(REFRESHED) == before
        await transaction.rollback()
        await connection.fetchval("select reports.refresh('revenue_months')")
        after = await connection.fetchval(REFRESHED)
        assert after > before
        assert await connection.fetch("select from reports.due() where report = 'revenue_months'") == []
        await connection.fetchval("select reports.refresh('revenue_months')")
        assert await connection.fetchval(REFRESHED) == after


async def test_it_can_be_read_while_it_is_reckoned_anew(tenant: Tenant) -> None:
    await grow_old()
    async with as_tenant(tenant) as reader, as_worker() as worker:
        transaction = reader.transaction()
        await transaction.start()
        await reader.fetch("select * from billing.revenue_reckoned('2020-01-01', '2199-01-01')")
        before = await worker.fetchval(REFRESHED)
        await worker.fetchval("select reports.refresh('revenue_months')")
        assert await worker.fetchval(REFRESHED) > before
        await transaction.rollback()


@pytest.mark.parametrize("name", ["no_such_report", "revenue_months; drop schema reports", "", "refreshes"])
async def test_what_is_no_report_is_not_reckoned(name: str) -> None:
    async with as_worker() as connection:
        assert await connection.fetchval("select reports.refresh($1)", name) is False


@pytest.mark.parametrize(
    "statement",
    [
        "select count(*) from reports.revenue_months",
        "select * from reports.refreshes",
        "refresh materialized view reports.revenue_months",
        "select reports.refresh('revenue_months')",
        "select * from reports.due()",
    ],
)
async def test_nobody_of_an_organisation_gets_at_what_is_kept_of_all(tenant: Tenant, statement: str) -> None:
    async with as_tenant(tenant) as person, as_analyst(tenant) as analyst, as_owner(tenant) as owner:
        connections = [person, analyst, *([owner] if "refreshes" not in statement and "due" not in statement else [])]
        for connection in connections:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    async with as_nobody() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_the_worker_reckons_reports_without_reading_them() -> None:
    async with as_worker() as connection:
        for statement in ("select * from reports.revenue_months", "select * from billing.revenue_months"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update reports.refreshes set refreshed_at = now()")
