"""Numbers are gapless in each tenant and series, whoever issues at the same time and whatever is rolled back."""

import asyncio
import random

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice, refused, the_row

NUMBERS = "select number from billing.invoices where number is not null and series = $1 order by number"


async def numbers(tenant: Tenant, series: str = "INV") -> list[str]:
    async with as_tenant(tenant) as connection:
        return [row["number"] for row in await connection.fetch(NUMBERS, series)]


def first(count: int, series: str = "INV") -> list[str]:
    return [f"{series}-{n:06}" for n in range(1, count + 1)]


async def test_many_who_issue_at_once_get_numbers_without_gap_or_double(tenant: Tenant) -> None:
    """Six writers; every third transaction is rolled back after it was given its number."""
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)

    async def write(writer: int) -> int:
        kept, luck = 0, random.Random(writer)
        async with as_tenant(tenant) as connection:
            for _ in range(10):
                transaction = connection.transaction()
                await transaction.start()
                await new_invoice(connection, client_id)
                if luck.random() < 1 / 3:
                    await transaction.rollback()
                else:
                    await transaction.commit()
                    kept += 1
        return kept

    kept = sum(await asyncio.gather(*(write(writer) for writer in range(6))))
    assert 0 < kept < 60
    assert await numbers(tenant) == first(kept)


async def test_a_number_that_a_savepoint_gave_back_is_given_again(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        async with connection.transaction():
            await new_invoice(connection, client_id)
            with pytest.raises(asyncpg.DivisionByZeroError):
                async with connection.transaction():
                    await new_invoice(connection, client_id)
                    await connection.execute("select 1 / 0")
            await new_invoice(connection, client_id)
    assert await numbers(tenant) == first(2)


async def test_each_organisation_and_each_series_counts_for_itself(tenant: Tenant, other_tenant: Tenant) -> None:
    for each, count in ((tenant, 2), (other_tenant, 1)):
        async with as_tenant(each) as connection:
            for _ in range(count):
                await new_invoice(connection)
                await new_invoice(connection, series="EXP")
    assert (await numbers(tenant), await numbers(tenant, "EXP")) == (first(2), first(2, "EXP"))
    assert (await numbers(other_tenant), await numbers(other_tenant, "EXP")) == (first(1), first(1, "EXP"))


async def test_a_draft_is_issued_once_however_many_try(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft_id = await new_draft(connection)

    async def issue() -> str:
        async with as_tenant(tenant) as connection:
            try:
                await call(connection, "billing.invoice_issue", id=draft_id)
            except asyncpg.PostgresError as error:
                return error.sqlstate or ""
            return "issued"

    outcomes = await asyncio.gather(*(issue() for _ in range(5)))
    assert sorted(outcomes) == ["CH409"] * 4 + ["issued"]
    assert await numbers(tenant) == first(1)


async def test_lines_and_issue_at_the_same_time_never_leave_a_total_that_is_not_the_lines(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        drafts = [await new_draft(connection, client_id) for _ in range(8)]

    async def attempt(function: str, draft_id: object, **facts: object) -> str | None:
        async with as_tenant(tenant) as connection:
            try:
                await call(connection, function, id=draft_id, **facts)
            except asyncpg.PostgresError as error:
                return error.sqlstate
        return None

    line = {"description": "More", "quantity": "7", "unit_price": "1.00"}
    outcomes = await asyncio.gather(
        *(attempt("billing.invoice_update", each, lines=[line]) for each in drafts),
        *(attempt("billing.invoice_issue", each) for each in drafts),
    )
    async with as_tenant(tenant) as connection:
        wrong = await connection.fetch(
            "select id from billing.invoices where total is distinct from"
            " (select sum(amount) from billing.invoice_lines where invoice_id = invoices.id)"
        )
    assert set(outcomes) <= {None, "CH409"}
    assert wrong == []
    assert await numbers(tenant) == first(8)


async def test_nobody_chooses_a_number(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        draft_id = await new_draft(connection)
        await connection.execute(
            "update billing.invoices set number = 'INV-000077', issued_at = now(), bill_from = '{}', bill_to = '{}'"
            " where id = $1",
            draft_id,
        )
        assert (await the_row(connection, "billing.invoices", draft_id))["number"] == "INV-000001"


@pytest.mark.parametrize(
    "statement",
    [
        "update billing.number_series set last_number = last_number + 1",
        "update billing.number_series set last_number = last_number + 5",
        "update billing.number_series set last_number = 1",
        "insert into billing.number_series (tenant_id, series, last_number) values (core.tenant_id(), 'NEW', 1)",
        "insert into billing.number_series (tenant_id, series, last_number) values (core.tenant_id(), 'NEW', 9)",
    ],
)
async def test_no_writer_makes_a_gap(tenant: Tenant, statement: str) -> None:
    async with as_owner(tenant) as connection:
        await new_invoice(connection)
        await new_invoice(connection)
        with refused("CONFLICT", "NUMBER_SKIPPED"):
            await connection.execute(statement)
        await new_invoice(connection)
    assert await numbers(tenant) == first(3)


@pytest.mark.parametrize("statement", ["delete from billing.number_series", "truncate billing.number_series"])
async def test_no_series_begins_again(tenant: Tenant, statement: str) -> None:
    async with as_owner(tenant) as owner, as_superuser() as superuser:
        await new_invoice(owner)
        for connection in (owner, superuser):
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(statement)


@pytest.mark.parametrize("series", ["inv", "", "A-B", "X" * 11])
async def test_a_series_is_named_by_capital_letters(tenant: Tenant, series: str) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", "SERIES_INVALID"):
            await new_draft(connection, series=series)
