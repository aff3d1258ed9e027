"""What must be true of invoices and lines whoever writes: the owner of the tables and a superuser are refused too."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.harness.actors import as_analyst, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import LINE, call, new_client, new_draft, new_invoice, refused, the_row

TABLE = "billing.invoices"
INSERT_LINE = """
    insert into billing.invoice_lines (tenant_id, client_id, invoice_id, position, description, quantity, unit_price)
    select tenant_id, client_id, id, 2, 'Added', 1, 5 from billing.invoices where id = $1
"""
FIXED = {
    "issue_date": "issue_date - 1",
    "due_date": "due_date + 1",
    "currency": "'CHF'",
    "tax_rate": "tax_rate + 1",
    "discount": "1",
    "subtotal": "subtotal + 1",
    "tax_amount": "tax_amount + 1",
    "total": "total + 1",
    "number": "'INV-000099'",
    "series": "'ABC'",
    "bill_from": "'{}'",
    "bill_to": "'{}'",
    "issued_at": "null",
    "notes": "'other'",
    "terms": "'other'",
    "template": "'other'",
    "branding": '\'{"logo": "x"}\'',
    "external_ref": "'other'",
}


@pytest.mark.parametrize("column", FIXED)
async def test_no_writer_changes_what_an_issued_invoice_says(tenant: Tenant, column: str) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await new_invoice(connection)
    async with as_owner(tenant) as owner, as_superuser() as superuser:
        before = await the_row(owner, TABLE, invoice_id)
        for connection in (owner, superuser):
            with refused("CONFLICT", "INVOICE_ISSUED"):
                await connection.execute(f"update {TABLE} set {column} = {FIXED[column]} where id = $1", invoice_id)
        assert await the_row(owner, TABLE, invoice_id) == before


async def test_what_happens_to_an_issued_invoice_can_still_be_noted(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        invoice_id = await new_invoice(connection)
        await connection.execute(
            "update billing.invoices set viewed_at = now(), payment_link = 'https://a.example', metadata = '{\"a\": 1}'"
        )
        assert (await the_row(connection, TABLE, invoice_id))["status"] == "VIEWED"


@pytest.mark.parametrize("make", [new_draft, new_invoice])
async def test_an_invoice_never_moves_to_another_client(tenant: Tenant, make: Any) -> None:
    async with as_owner(tenant) as connection:
        invoice_id, other_id = await make(connection), await new_client(connection)
        with refused("CONFLICT", "INVOICE_CLIENT_FIXED"):
            await connection.execute(f"update {TABLE} set client_id = $2 where id = $1", invoice_id, other_id)


@pytest.mark.parametrize(
    "change", ["voided_at = null, void_reason = null", "void_reason = 'other'", "viewed_at = now()"]
)
async def test_a_void_invoice_stays_void(tenant: Tenant, change: str) -> None:
    async with as_owner(tenant) as connection:
        invoice_id = await new_invoice(connection)
        await call(connection, "billing.invoice_void", id=invoice_id, reason="Entered twice")
        with refused("CONFLICT", "INVOICE_VOID"):
            await connection.execute(f"update {TABLE} set {change} where id = $1", invoice_id)


@pytest.mark.parametrize("statement", ["delete from {}", "truncate {} cascade"])
async def test_invoices_are_never_removed(tenant: Tenant, statement: str) -> None:
    async with as_tenant(tenant) as connection:
        await new_draft(connection)
        await new_invoice(connection)
    async with as_owner(tenant) as owner, as_superuser() as superuser:
        for connection in (owner, superuser):
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(statement.format(TABLE))


async def test_a_client_with_invoices_cannot_be_removed_from_under_them(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        await new_draft(connection)
        with refused("NOT_FOUND", "REFERENCE_NOT_FOUND"):
            await connection.execute("delete from billing.clients")


async def test_nobody_sets_the_figures_of_a_draft(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        draft_id = await new_draft(connection, tax_rate="10")
        await connection.execute(
            f"update {TABLE} set subtotal = 1, tax_amount = 1, total = 999 where id = $1", draft_id
        )
        row = await the_row(connection, TABLE, draft_id)
    assert (row["subtotal"], row["tax_amount"], row["total"]) == (300, 30, 330)


async def test_a_direct_writers_lines_make_the_figures_too(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        draft_id = await new_draft(connection)
        await connection.execute(INSERT_LINE, draft_id)
        assert (await the_row(connection, TABLE, draft_id))["total"] == 305
        await connection.execute("delete from billing.invoice_lines where invoice_id = $1 and position = 1", draft_id)
        assert (await the_row(connection, TABLE, draft_id))["total"] == 5


@pytest.mark.parametrize("state", ["issued", "void"])
async def test_lines_are_written_while_their_invoice_is_a_draft_and_never_after(tenant: Tenant, state: str) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await (new_invoice(connection) if state == "issued" else new_draft(connection))
        if state == "void":
            await call(connection, "billing.invoice_void", id=invoice_id, reason="Not wanted")
    async with as_owner(tenant) as owner, as_superuser() as superuser:
        for connection in (owner, superuser):
            for statement in (INSERT_LINE, "delete from billing.invoice_lines where invoice_id = $1"):
                with refused("CONFLICT", "INVOICE_ISSUED"):
                    await connection.execute(statement, invoice_id)


@pytest.mark.parametrize("make", [new_draft, new_invoice])
async def test_a_line_is_replaced_never_changed(tenant: Tenant, make: Any) -> None:
    async with as_owner(tenant) as connection:
        await make(connection)
        for statement in ("update billing.invoice_lines set quantity = 1", "truncate billing.invoice_lines"):
            with refused("CONFLICT", "APPEND_ONLY"):
                await connection.execute(statement)


async def test_a_line_belongs_to_the_client_of_its_invoice(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        draft_id, other_id = await new_draft(connection), await new_client(connection)
        for client_id, invoice_id in ((other_id, draft_id), (other_id, uuid4())):
            with refused("NOT_FOUND", "REFERENCE_NOT_FOUND"):
                await connection.execute(
                    "insert into billing.invoice_lines"
                    " (tenant_id, client_id, invoice_id, position, description, quantity, unit_price)"
                    " values ($1, $2, $3, 2, 'Added', 1, 5)",
                    tenant.tenant_id,
                    client_id,
                    invoice_id,
                )


async def test_an_invoice_begins_as_a_draft(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        client_id = await new_client(connection)
        with refused("CONFLICT", "INVOICE_STARTS_AS_DRAFT"):
            await connection.execute(
                "insert into billing.invoices"
                " (tenant_id, client_id, number, issue_date, due_date, currency, issued_at, bill_from, bill_to)"
                " values ($1, $2, 'INV-000007', '2026-01-01', '2026-01-01', 'EUR', now(), '{}', '{}')",
                tenant.tenant_id,
                client_id,
            )


@pytest.mark.parametrize("facts", ["issued_at = now()", "number = 'INV-000001'", "bill_to = '{}'", "viewed_at = now()"])
async def test_a_draft_is_issued_wholly_or_not_at_all(tenant: Tenant, facts: str) -> None:
    async with as_owner(tenant) as connection:
        draft_id = await new_draft(connection)
        with refused("BAD_USER_INPUT", "ISSUE_INCOMPLETE"):
            await connection.execute(f"update {TABLE} set {facts} where id = $1", draft_id)


BAD_LINES = [
    ({"quantity": "-1"}, "QUANTITY_RANGE", None),
    ({"quantity": "0.0001"}, "QUANTITY_DECIMALS", None),
    ({"quantity": "NaN"}, "QUANTITY_RANGE", None),
    ({"quantity": None}, "REQUIRED", "input.quantity"),
    ({"unit_price": "-0.01"}, "UNIT_PRICE_NEGATIVE", "input.lines.unitPrice"),
    ({"unit_price": "0.001"}, "MONEY_DECIMALS", None),
    ({"discount": "-1"}, "DISCOUNT_NEGATIVE", "input.lines.discount"),
    ({"discount": "300.01"}, "DISCOUNT_TOO_LARGE", "input.lines.discount"),
    ({"tax_rate": "-1"}, "TAX_RATE_RANGE", None),
    ({"description": " "}, "DESCRIPTION_INVALID", "input.lines.description"),
    ({"description": "x" * 2001}, "DESCRIPTION_INVALID", "input.lines.description"),
    ({"quantity": "999999999", "unit_price": "9999999"}, "MONEY_RANGE", None),
]


@pytest.mark.parametrize(("facts", "reason", "field"), BAD_LINES)
async def test_a_line_that_makes_no_sense_is_refused_and_nothing_is_kept(
    tenant: Tenant, facts: dict[str, Any], reason: str, field: str | None
) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        with refused("BAD_USER_INPUT", reason) as told:
            await new_draft(connection, client_id, lines=[LINE, {**LINE, **facts}])
        assert told.field == field
        draft_id = await new_draft(connection, client_id)
        with refused("BAD_USER_INPUT", reason):
            await call(connection, "billing.invoice_update", id=draft_id, lines=[{**LINE, **facts}])
        assert await connection.fetchval("select count(*) from billing.invoices") == 1
        assert await connection.fetchval("select amount from billing.invoice_lines") == Decimal(300)


async def test_an_invoice_has_a_thousand_lines_at_most(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft_id = await new_draft(connection, lines=[LINE] * 1000)
        assert (await the_row(connection, TABLE, draft_id))["total"] == 300_000
        with refused("BAD_USER_INPUT", "TOO_MANY_LINES"):
            await call(connection, "billing.invoice_update", id=draft_id, lines=[LINE] * 1001)


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_who_reads_writes_nothing(tenant: Tenant, entrance: Any) -> None:
    async with as_tenant(tenant) as connection:
        await new_draft(connection)
    async with entrance(tenant) as connection:
        for table in (TABLE, "billing.invoice_lines", "billing.clients", "billing.number_series"):
            for statement in ("update {} set tenant_id = tenant_id", "delete from {}", "truncate {}"):
                with refused("FORBIDDEN", "NOT_PERMITTED"):
                    await connection.execute(statement.format(table))
