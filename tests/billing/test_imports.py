"""Many rows at once, each answering for itself: sql/billing/imports.sql."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.harness.actors import as_tenant
from tests.harness.tenants import Tenant
from tests.harness.thoroughness import IS_THOROUGH
from tests.harness.verbs import LINE, call, new_client, new_invoice, refused

CLIENTS = "billing.clients_import"
INVOICES = "billing.invoices_import"


def outcomes(report: dict[str, Any]) -> list[tuple[int, str, str | None]]:
    return [(row["index"], row["outcome"], row.get("reason")) for row in report["rows"]]


def sale(reference: str, **facts: Any) -> dict[str, Any]:
    return {"external_ref": reference, "client_external_ref": "c1", "lines": [LINE], **facts}


async def test_clients_are_entered_once_however_often_they_come(tenant: Tenant) -> None:
    rows = [{"name": f"Client {n}", "external_ref": f"c{n}", "currency": "GBP"} for n in range(5)]
    async with as_tenant(tenant, "operator") as connection:
        first = await call(connection, CLIENTS, rows=rows)
        second = await call(connection, CLIENTS, rows=[*rows, {"name": "New", "external_ref": "c9"}])
        assert outcomes(first) == [(n, "CREATED", None) for n in range(5)]
        assert outcomes(second) == [*((n, "EXISTING", None) for n in range(5)), (5, "CREATED", None)]
        assert [row["id"] for row in second["rows"][:5]] == [row["id"] for row in first["rows"]]
        assert await connection.fetchval("select count(*) from billing.clients") == 6


async def test_rows_without_a_reference_are_entered_each_time(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for _ in range(2):
            assert outcomes(await call(connection, CLIENTS, rows=[{"name": "Ann"}])) == [(0, "CREATED", None)]
        assert await connection.fetchval("select count(*) from billing.clients") == 2


async def test_good_rows_land_and_bad_rows_say_why(tenant: Tenant) -> None:
    rows = [
        {"name": "Good"},
        {"name": " Bad"},
        {"name": None},
        {"name": "Bad", "currency": "KWD"},
        "not an object",
        {"name": "Good too", "external_ref": "x"},
        {"name": "Good again", "external_ref": "x"},
    ]
    async with as_tenant(tenant) as connection:
        report = await call(connection, CLIENTS, rows=rows)
        assert outcomes(report) == [
            (0, "CREATED", None),
            (1, "REFUSED", "NAME_INVALID"),
            (2, "REFUSED", "REQUIRED"),
            (3, "REFUSED", "CURRENCY_DECIMALS"),
            (4, "REFUSED", "INVALID_VALUE"),
            (5, "CREATED", None),
            (6, "EXISTING", None),
        ]
        assert report["rows"][1]["message"] == "A name has 1 to 200 characters, without blanks around them."
        assert [report["rows"][n]["field"] for n in (1, 2)] == ["input.name", "input.name"]
        assert await connection.fetchval("select count(*) from billing.clients") == 2


async def test_all_or_nothing_refuses_everything_at_the_first_bad_row(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", "NAME_INVALID") as told:
            await call(connection, CLIENTS, rows=[{"name": "Good"}, {"name": " Bad"}], all_or_nothing=True)
        assert told.field == "input.rows.1.name"
        assert told.message.startswith("Row 1: A name has 1 to 200 characters")
        assert told.message.endswith("Nothing was imported.")
        assert await connection.fetchval("select count(*) from billing.clients") == 0


async def test_invoices_come_with_their_dates_and_are_issued_in_order(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, external_ref="c1", payment_terms="NET_15")
        report = await call(
            connection,
            INVOICES,
            rows=[
                sale("i1", issue=True, issue_date="2011-01-31"),
                sale("i2", issue=False),
                {**sale("i3", issue=True, issue_date="2011-02-01", discount="30"), "client_id": str(client_id)},
            ],
        )
        assert outcomes(report) == [(n, "CREATED", None) for n in range(3)]
        rows = await connection.fetch(
            "select number, status, total, issue_date::text, due_date - issue_date as days, client_id = $1 as same"
            " from billing.invoices order by external_ref",
            client_id,
        )
    assert [tuple(row) for row in rows if row["number"]] == [
        ("INV-000001", "SENT", 300, "2011-01-31", 15, True),
        ("INV-000002", "SENT", 270, "2011-02-01", 15, True),
    ]
    assert [row["status"] for row in rows if row["number"] is None] == ["DRAFT"]


async def test_an_import_run_twice_changes_nothing_and_uses_no_number(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection, external_ref="c1")
        rows = [sale(f"i{n}", issue=True) for n in range(20)]
        first = await call(connection, INVOICES, rows=rows)
        again = await call(connection, INVOICES, rows=rows)
        assert Counter(row["outcome"] for row in again["rows"]) == {"EXISTING": 20}
        assert [row["id"] for row in again["rows"]] == [row["id"] for row in first["rows"]]
        await new_invoice(connection)
        assert await connection.fetchval("select max(number) from billing.invoices") == "INV-000021"


async def test_a_refused_row_gives_its_number_back(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection, external_ref="c1")
        report = await call(
            connection,
            INVOICES,
            rows=[
                sale("i1", issue=True),
                sale("i2", issue=True, lines=[]),
                sale("i3", issue=True, client_external_ref="nobody"),
                sale("i4", issue=True, due_date="1999-01-01"),
                sale("i5", issue=True, lines=[{**LINE, "quantity": "-1"}]),
                sale("i6", issue=True),
            ],
        )
        assert outcomes(report) == [
            (0, "CREATED", None),
            (1, "REFUSED", "INVOICE_EMPTY"),
            (2, "REFUSED", "CLIENT_NOT_FOUND"),
            (3, "REFUSED", "DUE_DATE_RANGE"),
            (4, "REFUSED", "QUANTITY_RANGE"),
            (5, "CREATED", None),
        ]
        assert report["rows"][2]["field"] == "input.clientExternalRef"
        numbers = await connection.fetch("select number from billing.invoices order by number")
    assert [row["number"] for row in numbers] == ["INV-000001", "INV-000002"]


async def test_two_imports_of_the_same_rows_at_once_enter_each_once(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection, external_ref="c1")
    rows = [sale(f"i{n}", issue=True) for n in range(30)]

    async def run() -> dict[str, Any]:
        async with as_tenant(tenant) as connection:
            report: dict[str, Any] = await call(connection, INVOICES, rows=rows)
        return report

    reports = await asyncio.gather(*(run() for _ in range(3)))
    assert Counter(row["outcome"] for report in reports for row in report["rows"]) == {"CREATED": 30, "EXISTING": 60}
    assert len({row["id"] for report in reports for row in report["rows"]}) == 30
    async with as_tenant(tenant) as connection:
        assert await connection.fetchval("select max(number) from billing.invoices") == "INV-000030"


async def test_another_organisations_references_are_unknown(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(other_tenant) as connection:
        foreign = await new_client(connection, external_ref="c1")
        await call(connection, INVOICES, rows=[sale("i1")])
    async with as_tenant(tenant) as connection:
        report = await call(connection, INVOICES, rows=[sale("i1"), {**sale("i2"), "client_id": str(foreign)}])
        assert {row["reason"] for row in report["rows"]} == {"CLIENT_NOT_FOUND"}
        assert outcomes(await call(connection, CLIENTS, rows=[{"name": "Mine", "external_ref": "c1"}])) == [
            (0, "CREATED", None)
        ]


@pytest.mark.parametrize("function", [CLIENTS, INVOICES])
async def test_an_import_takes_a_thousand_rows_at_most(tenant: Tenant, function: str) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", "TOO_MANY_ROWS"):
            await call(connection, function, rows=[{}] * 1001)
        assert await call(connection, function, rows=[]) == {"rows": []}


async def test_a_thousand_rows_go_through(tenant: Tenant) -> None:
    """As many as one mutation may bring; three hundred of them in a usual run."""
    many = 1000 if IS_THOROUGH else 300
    async with as_tenant(tenant) as connection:
        await new_client(connection, external_ref="c1")
        report = await call(connection, INVOICES, rows=[sale(f"i{n}", issue=True) for n in range(many)])
        assert Counter(row["outcome"] for row in report["rows"]) == {"CREATED": many}
        assert await connection.fetchval("select max(number) from billing.invoices") == f"INV-{many:06}"
