"""Invoices: their verbs, and what each refuses. sql/billing/invoice_changes.sql."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.harness.actors import as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import LINE, call, new_client, new_draft, new_invoice, refused, the_row

TABLE = "billing.invoices"
DAY = date(2026, 3, 2)


async def test_a_draft_is_made_of_lines_and_what_the_client_says(tenant: Tenant) -> None:
    async with as_tenant(tenant, "operator") as connection:
        client_id = await new_client(connection, currency="GBP", payment_terms="NET_15")
        lines = [LINE, {"description": "Delivery", "quantity": "1.5", "unit_price": "9.99", "tax_rate": "5"}]
        draft_id = await new_draft(connection, client_id, lines=lines, issue_date=DAY, tax_rate="20")
        row = await the_row(connection, TABLE, draft_id)
        stored = await connection.fetch(
            "select position, description, quantity, tax_rate, amount, client_id from billing.invoice_lines"
            " where invoice_id = $1 order by position",
            draft_id,
        )
    assert (row["status"], row["number"], row["number_key"]) == ("DRAFT", None, "")
    assert (row["currency"], row["issue_date"], row["due_date"]) == ("GBP", DAY, DAY + timedelta(15))
    assert (row["subtotal"], row["tax_amount"]) == (Decimal("314.99"), Decimal("60.75"))
    assert row["total"] == row["balance"] == Decimal("375.74")
    assert row["total_minor"] == row["balance_minor"] == 37574
    assert (row["template"], row["branding"], row["bill_from"], row["paid_date"]) == ("modern", "{}", None, None)
    assert [tuple(line) for line in stored] == [
        (1, "Oak table", 2, 20, Decimal("300.00"), client_id),
        (2, "Delivery", Decimal("1.5"), 5, Decimal("14.99"), client_id),
    ]


@pytest.mark.parametrize(
    ("terms", "days"), [("DUE_ON_RECEIPT", 0), ("NET_15", 15), ("NET_30", 30), ("NET_60", 60), ("NET_90", 90)]
)
async def test_the_due_date_comes_from_the_clients_terms(tenant: Tenant, terms: str, days: int) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, payment_terms=terms)
        row = await the_row(connection, TABLE, await new_draft(connection, client_id, issue_date=DAY))
        assert row["due_date"] == DAY + timedelta(days)
        row = await the_row(connection, TABLE, await new_draft(connection, client_id, due_date="2099-01-01"))
        assert row["due_date"] == date(2099, 1, 1)


async def test_an_invoice_is_planned_for_today_in_the_organisations_time_zone(tenant: Tenant) -> None:
    async with as_tenant(tenant, time_zone="Pacific/Kiritimati") as connection:
        row = await the_row(connection, TABLE, await new_draft(connection))
        assert row["issue_date"] == await connection.fetchval("select core.today()")


@pytest.mark.parametrize(
    ("facts", "reason", "field"),
    [
        ({"due_date": "2026-03-01"}, "DUE_DATE_RANGE", "input.dueDate"),
        ({"due_date": "infinity"}, "DUE_DATE_RANGE", "input.dueDate"),
        ({"issue_date": "1899-12-31"}, "ISSUE_DATE_RANGE", "input.issueDate"),
        ({"issue_date": "31.12.2026"}, "INVALID_VALUE", None),
        ({"discount": "-0.01"}, "DISCOUNT_RANGE", "input.discount"),
        ({"discount": "300.01"}, "DISCOUNT_RANGE", "input.discount"),
        ({"discount": "0.001"}, "MONEY_DECIMALS", None),
        ({"tax_rate": "101"}, "TAX_RATE_RANGE", None),
        ({"currency": "KWD"}, "CURRENCY_DECIMALS", None),
        ({"payment_link": "ftp://pay"}, "PAYMENT_LINK_INVALID", "input.paymentLink"),
        ({"template": "Two Words"}, "TEMPLATE_INVALID", "input.template"),
        ({"branding": {"colour": "red"}}, "BRANDING_INVALID", "input.branding"),
        ({"metadata": []}, "JSON_OBJECT_REQUIRED", None),
        ({"notes": "x" * 20001}, "TEXT_TOO_LONG", None),
        ({"external_ref": ""}, "EXTERNAL_REF_INVALID", "input.externalRef"),
    ],
)
async def test_a_draft_that_makes_no_sense_is_refused(
    tenant: Tenant, facts: dict[str, Any], reason: str, field: str | None
) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", reason) as told:
            await new_draft(connection, **{"issue_date": DAY, **facts})
        assert told.field == field
        draft_id = await new_draft(connection, issue_date=DAY)
        before = await the_row(connection, TABLE, draft_id)
        with refused("BAD_USER_INPUT", reason):
            await call(connection, "billing.invoice_update", id=draft_id, **facts)
        assert await the_row(connection, TABLE, draft_id) == before


async def test_branding_takes_the_four_things_a_look_has(tenant: Tenant) -> None:
    look = {"logo": "https://a.example/l.png", "primaryColor": "#123", "accentColor": "#456", "fontFamily": "Inter"}
    async with as_tenant(tenant) as connection:
        row = await the_row(connection, TABLE, await new_draft(connection, branding=look))
    assert json.loads(row["branding"]) == look


async def test_an_update_changes_what_it_names_and_lines_replace_all(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft_id = await new_draft(connection, lines=[LINE, LINE], discount="10", notes="Thank you", issue_date=DAY)
        await call(connection, "billing.invoice_update", id=draft_id, notes=None, tax_rate="10")
        row = await the_row(connection, TABLE, draft_id)
        assert (row["notes"], row["discount"], row["total"]) == (None, 10, 590)
        await call(connection, "billing.invoice_update", id=draft_id, lines=[{**LINE, "quantity": "1"}])
        row = await the_row(connection, TABLE, draft_id)
        assert (row["subtotal"], row["discount"], row["tax_amount"], row["total"]) == (150, 10, 14, 154)
        with refused("BAD_USER_INPUT", "DISCOUNT_RANGE"):
            await call(connection, "billing.invoice_update", id=draft_id, lines=[])
        await call(connection, "billing.invoice_update", id=draft_id, lines=[], discount="0")
        assert (await the_row(connection, TABLE, draft_id))["total"] == 0


async def test_a_moved_issue_date_takes_the_due_date_along(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft_id = await new_draft(connection, issue_date=DAY, due_date=DAY + timedelta(7))
        await call(connection, "billing.invoice_update", id=draft_id, issue_date="2026-05-01")
        assert (await the_row(connection, TABLE, draft_id))["due_date"] == date(2026, 5, 8)
        await call(connection, "billing.invoice_issue", id=draft_id, issue_date="2026-06-01")
        row = await the_row(connection, TABLE, draft_id)
        assert (row["issue_date"], row["due_date"]) == (date(2026, 6, 1), date(2026, 6, 8))


async def test_an_update_cannot_reach_what_is_not_input(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft_id, other_id = await new_draft(connection), await new_client(connection)
        before = await the_row(connection, TABLE, draft_id)
        forged = {"total": "1", "subtotal": "1", "number": "INV-9", "issued_at": "2026-01-01", "status": "PAID"}
        forgeries: list[dict[str, Any]] = [{"client_id": other_id}, {"tenant_id": uuid4()}, {"bill_to": {}}, forged]
        for forgery in forgeries:
            await call(connection, "billing.invoice_update", id=draft_id, **forgery)
        after = await the_row(connection, TABLE, draft_id)
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


async def test_an_issued_invoice_has_a_number_and_says_whom_it_is_from_and_to() -> None:
    tenant = await make_tenant("Ashdown Joinery", city="Cork", tax_id="IE1234567A", logo="https://a.example/l.png")
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, "Fen Orchards", zip_code="CB7 4AU", tax_id="GB1", summary="Pays late.")
        invoice_id = await new_invoice(connection, client_id, issue_date=DAY)
        row = await the_row(connection, TABLE, invoice_id)
        assert (row["status"], row["number"], row["number_key"]) == ("SENT", "INV-000001", "inv-000001")
        assert row["issued_at"] is not None
        assert json.loads(row["bill_from"]) == {
            "name": "Ashdown Joinery",
            "city": "Cork",
            "country": "IE",
            "taxId": "IE1234567A",
            "logo": "https://a.example/l.png",
        }
        assert json.loads(row["bill_to"]) == {"name": "Fen Orchards", "zipCode": "CB7 4AU", "taxId": "GB1"}
        await call(connection, "billing.client_update", id=client_id, name="Fen Orchards Ltd", payment_terms="NET_90")
    async with as_superuser() as operator:
        await operator.execute("update iam.tenants set name = 'Ashdown' where id = $1", tenant.tenant_id)
    async with as_tenant(tenant) as connection:
        assert await the_row(connection, TABLE, invoice_id) == row


async def test_an_invoice_without_lines_is_not_issued(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft_id = await new_draft(connection, lines=[])
        with refused("CONFLICT", "INVOICE_EMPTY"):
            await call(connection, "billing.invoice_issue", id=draft_id)
        assert (await the_row(connection, TABLE, draft_id))["status"] == "DRAFT"


async def test_an_invoice_of_nothing_is_paid_when_it_is_issued(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        free = [{"description": "A gift", "quantity": "1", "unit_price": "0"}]
        invoice_id = await new_invoice(connection, lines=free, issue_date=DAY)
        row = await the_row(connection, TABLE, invoice_id)
        assert (row["status"], row["total"], row["paid_date"]) == ("PAID", 0, DAY)
        await call(connection, "billing.invoice_mark_viewed", id=invoice_id)
        assert (await the_row(connection, TABLE, invoice_id))["status"] == "PAID"


async def test_an_invoice_is_marked_viewed_once(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await new_invoice(connection)
        await call(connection, "billing.invoice_mark_viewed", id=invoice_id)
        first = await the_row(connection, TABLE, invoice_id)
        await call(connection, "billing.invoice_mark_viewed", id=invoice_id)
        assert first["status"] == "VIEWED"
        assert await the_row(connection, TABLE, invoice_id) == first
        for make in (new_draft, new_invoice):
            other_id = await make(connection)
            if make is new_invoice:
                await call(connection, "billing.invoice_void", id=other_id, reason="Entered twice")
            with refused("CONFLICT", "INVOICE_NOT_OPEN"):
                await call(connection, "billing.invoice_mark_viewed", id=other_id)


async def test_a_void_invoice_keeps_its_number_and_owes_nothing(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await new_invoice(connection)
        await call(connection, "billing.invoice_void", id=invoice_id, reason="  Wrong client ")
        row = await the_row(connection, TABLE, invoice_id)
        assert (row["status"], row["number"], row["void_reason"]) == ("CANCELLED", "INV-000001", "Wrong client")
        assert (row["total"], row["balance"], row["balance_minor"]) == (300, 0, 0)
        with refused("CONFLICT", "INVOICE_VOID"):
            await call(connection, "billing.invoice_void", id=invoice_id, reason="Again")
        assert (await the_row(connection, TABLE, await new_invoice(connection)))["number"] == "INV-000002"


async def test_a_draft_that_is_voided_is_discarded_and_never_had_a_number(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft_id = await new_draft(connection)
        await call(connection, "billing.invoice_void", id=draft_id, reason="Not wanted")
        row = await the_row(connection, TABLE, draft_id)
        assert (row["status"], row["number"], row["balance"]) == ("CANCELLED", None, 0)
        for verb, more in (("update", {"notes": "x"}), ("issue", {})):
            with refused("CONFLICT", "INVOICE_VOID"):
                await call(connection, f"billing.invoice_{verb}", id=draft_id, **more)


@pytest.mark.parametrize("reason", [None, "", "   ", "x" * 2001])
async def test_voiding_needs_a_reason(tenant: Tenant, reason: str | None) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await new_invoice(connection)
        with refused("BAD_USER_INPUT", "VOID_REASON_REQUIRED") as told:
            await call(connection, "billing.invoice_void", id=invoice_id, reason=reason)
        assert told.field == "input.reason"


async def test_an_issued_invoice_is_neither_changed_nor_issued_again(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await new_invoice(connection)
        for verb, more in (("update", {"notes": "x"}), ("update", {"lines": []}), ("issue", {})):
            with refused("CONFLICT", "INVOICE_ISSUED") as told:
                await call(connection, f"billing.invoice_{verb}", id=invoice_id, **more)
            assert "INV-000001" in told.message
        assert (await the_row(connection, TABLE, await new_invoice(connection)))["number"] == "INV-000002"


async def test_another_organisations_invoices_are_unknown(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(other_tenant) as connection:
        foreign = await new_draft(connection)
    async with as_tenant(tenant) as connection:
        for wanted in (foreign, uuid4()):
            for verb in ("update", "issue", "mark_viewed", "void"):
                with refused("NOT_FOUND", "INVOICE_NOT_FOUND") as told:
                    await call(connection, f"billing.invoice_{verb}", id=wanted, reason="Mine now")
                assert told.message == "There is no invoice with this id."


async def test_an_invoice_names_the_method_that_it_had_best_be_paid_by(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft_id = await new_draft(connection, payment_method="BANK_TRANSFER")
        row = await the_row(connection, TABLE, draft_id)
        method = await the_row(connection, "billing.payment_methods", row["payment_method_id"])
        assert method["method_name"] == "BANK_TRANSFER"
        await call(connection, "billing.invoice_update", id=draft_id, notes="Thank you")
        assert (await the_row(connection, TABLE, draft_id))["payment_method_id"] == row["payment_method_id"]
        with refused("BAD_USER_INPUT", "PAYMENT_METHOD_UNKNOWN") as told:
            await call(connection, "billing.invoice_update", id=draft_id, payment_method="SHELLS")
        assert told.field == "input.paymentMethod"
        await call(connection, "billing.invoice_update", id=draft_id, payment_method=None)
        assert (await the_row(connection, TABLE, draft_id))["payment_method_id"] is None
