"""What analysts see is what GraphQL shows: every noun and report, row by row and figure by figure, through psql,
psycopg and pandas with a login of their own."""

import json
from typing import Any, Final

import asyncpg
import pytest

from gql.engine.nouns import Noun
from gql.engine.reporting import view_name
from gql.schema import declarations
from tests.database.isolation import readable
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.analysts import connected
from tests.reporting.asking import FROM
from tests.reporting.conftest import House
from tests.reporting.reading import CLIENTS, as_shown, read

NOUNS: Final = [noun for noun in declarations().nouns.values() if noun.reported]
REPORTS: Final = [noun for noun in NOUNS if noun.question]
THINGS: Final = [noun for noun in NOUNS if not noun.question]
DAYS: Final = {"from": "2025-02-15", "to": "2026-01-31", "as_of": "2025-12-31"}


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    """Rows to compare, in whatever order they came."""
    return sorted(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
async def test_a_view_shows_what_graphql_shows(houses: tuple[House, House], noun: Noun, client: str) -> None:
    for house in houses:
        expected = await house.asking.rows(noun)
        found = await read(client, house.analyst.url, f"select * from {view_name(noun)}", noun)
        assert expected, "the books have none, so that this proves nothing"
        assert in_order(found) == in_order(as_shown(client, expected))


@pytest.mark.parametrize(
    "noun", [each for each in REPORTS if each.described_by == each.table], ids=lambda noun: noun.name
)
async def test_a_report_for_other_days_is_a_function(houses: tuple[House, House], noun: Noun) -> None:
    assert noun.question
    house = houses[0]
    about = [argument.name for argument in noun.question.arguments if argument.name not in DAYS]
    [thing] = [await busiest(house, noun, name) for name in about] or [""]
    given = {name: DAYS.get(name) or thing for name in (each.name for each in noun.question.arguments)}
    expected = await house.asking.report(noun, **given)
    arguments = ", ".join(f"'{value}'" for value in given.values())
    found = await read("psycopg", house.analyst.url, f"select * from {view_name(noun)}({arguments})", noun)
    assert found == expected  # in their order
    assert expected


async def busiest(house: House, noun: Noun, argument: str) -> str:
    """The row that the report has most lines about."""
    lines = await house.asking.rows(noun)
    ids = [line[f"{argument}_id"] for line in lines]
    return str(max(sorted(set(ids)), key=ids.count))


async def test_a_function_without_arguments_is_the_view(houses: tuple[House, House]) -> None:
    async with connected(houses[0].analyst) as connection:
        for name in ("ageing", "ageing_totals", "revenue_by_month", "collection_by_month", "trial_balance"):
            by_function, by_view = f"select * from {name}()", f"select * from {name}"
            assert not await connection.fetch(f"({by_function}) except ({by_view})")
            assert not await connection.fetch(f"({by_view}) except ({by_function})")


async def test_grouped_figures_are_those_of_graphql(houses: tuple[House, House]) -> None:
    """By status and by the organisation's fiscal year, summed up by the analyst."""
    document = """{ invoiceGroups(by: [ISSUE_DATE_FISCAL_YEAR, STATUS], first: 100) {
        key { issueDateFiscalYear status currency } count total { sum } balance { sum } } }"""
    query = """
        select fiscal_year(issue_date), status, currency, count(*), sum(total)::text, sum(balance)::text
        from invoices group by 1, 2, 3
    """
    for house in houses:
        found = await house.asking.ask(document)
        expected = {
            (*(each["key"][name] for name in ("issueDateFiscalYear", "status", "currency")), each["count"],
             each["total"]["sum"], each["balance"]["sum"])
            for each in found["invoiceGroups"]
        }  # fmt: skip
        async with connected(house.analyst) as connection:
            assert {tuple(row) for row in await connection.fetch(query)} == expected


async def test_every_table_that_is_granted_has_the_rows_that_the_tenant_has(houses: tuple[House, House]) -> None:
    for house in houses:
        async with connected(house.analyst) as connection, as_tenant(house.tenant) as owner:
            seen, had = await readable(connection), await readable(owner)
        tables = {name: rows for name, rows in seen.items() if not name.startswith("reporting.")}
        assert len(tables) > 15
        for name, rows in tables.items():
            columns = set(rows[0]) if rows else set()
            assert in_order(rows) == in_order([{key: row[key] for key in columns} for row in had[name]]), name


async def test_every_view_that_is_granted_is_one_that_was_compared(houses: tuple[House, House]) -> None:
    async with connected(houses[0].analyst) as connection:
        seen = await readable(connection)
    views = {name.removeprefix("reporting.") for name in seen if name.startswith("reporting.")}
    assert views == {view_name(noun) for noun in NOUNS}
    assert all(seen[f"reporting.{view_name(noun)}"] for noun in NOUNS)


async def test_what_day_it_is_the_organisation_knows_and_no_client(houses: tuple[House, House]) -> None:
    """A tool that sets its own time zone, as those with JDBC do, changes how moments are written, and not what is
    overdue."""
    first, second = houses
    for house in houses:
        async with connected(house.analyst) as connection:
            for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
                await connection.execute(f"set time zone '{zone}'")
                assert str(await connection.fetchval("select today()")) == house.asking.today
    assert FROM < second.asking.today <= first.asking.today


async def test_a_day_of_ones_own_hurts_nobody_else(houses: tuple[House, House]) -> None:
    first, second = houses
    async with connected(first.analyst) as connection, connected(second.analyst) as other:
        await connection.execute("set app.time_zone = 'Nowhere/Land'")
        with pytest.raises(asyncpg.InvalidParameterValueError):
            await connection.fetch("select * from invoices")
        assert await other.fetch("select * from invoices")
        await connection.execute("reset app.time_zone")
        assert str(await connection.fetchval("select today()")) == first.asking.today


async def test_a_new_time_zone_counts_at_once(houses: tuple[House, House]) -> None:
    tenant = houses[1].tenant
    change = "update iam.tenants set time_zone = $2 where id = $1"
    async with connected(houses[1].analyst) as connection, as_superuser() as superuser:
        days = set()
        for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):  # 26 hours apart: never the same day
            await superuser.execute(change, tenant.tenant_id, zone)
            days.add(await connection.fetchval("select today()"))
        await superuser.execute(change, tenant.tenant_id, tenant.time_zone)
    assert len(days) == 2
