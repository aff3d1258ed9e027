"""What of a payment stands on which invoice: sql/billing/allocations.sql."""

from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.billing.money import miscounted, on, pay, wrong
from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice, refused, the_row

INVOICES: Final = "billing.invoices"
PAYMENTS: Final = "billing.payments"
MARCH: Final = {"issue_date": "2026-03-10", "due_date": "2026-04-09"}


async def standing(connection: asyncpg.Connection, invoice_id: UUID) -> tuple[Any, ...]:
    """Status, paid, balance, payments, partial payments of an invoice."""
    row = await the_row(connection, INVOICES, invoice_id)
    return tuple(row[name] for name in ("status", "paid_amount", "balance", "payment_count", "partial_payment_count"))


async def test_figures_never_stick_on_the_second_partial_payment(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id, **MARCH)
        told, paid = [], []
        for amount, day in (("100", "2026-03-12"), ("120.50", "2026-04-20"), ("79.50", "2026-05-02")):
            paid.append(
                await pay(
                    connection, client_id, amount, received_at=f"{day}T12:00Z", allocations=on(invoice_id, amount)
                )
            )
            told.append(await standing(connection, invoice_id))
        assert told == [
            ("PARTIALLY_PAID", 100, 200, 1, 1),
            ("PARTIALLY_PAID", Decimal("220.5"), Decimal("79.5"), 2, 2),
            ("PAID", 300, 0, 3, 2),
        ]
        row = await the_row(connection, INVOICES, invoice_id)
        assert (row["last_payment_date"], row["paid_date"]) == (date(2026, 5, 2), date(2026, 5, 2))
        await call(connection, "billing.payment_reverse", id=paid[1], reason="Bounced")
        assert await standing(connection, invoice_id) == ("PARTIALLY_PAID", Decimal("179.5"), Decimal("120.5"), 2, 2)
        assert (await the_row(connection, INVOICES, invoice_id))["paid_date"] is None


async def test_a_partial_payment_does_not_hide_that_an_invoice_is_overdue(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id, **MARCH)
        await pay(connection, client_id, "1", allocations=on(invoice_id, "1"))
        assert (await the_row(connection, INVOICES, invoice_id))["status"] == "PARTIALLY_PAID"
        assert (await the_row(connection, "billing.clients", client_id))["oldest_due_date"] == date(2026, 4, 9)


async def test_money_that_came_before_the_invoice_was_issued_counts_from_its_issue(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id, **MARCH)
        payment_id = await pay(connection, client_id, "300", status="PENDING", allocations=on(invoice_id, "300"))
        await call(connection, "billing.payment_confirm", id=payment_id, received_at="2026-02-20T12:00Z")
        assert (await the_row(connection, PAYMENTS, payment_id))["received_on"] == date(2026, 2, 20)
        row = await the_row(connection, INVOICES, invoice_id)
        assert (row["status"], row["paid_date"]) == ("PAID", date(2026, 3, 10))
        lines = await connection.fetch(
            "select kind, balance from billing.statement($1, '2026-02-01', '2026-02-28') order by line", client_id
        )
        assert [tuple(line) for line in lines][1:] == [("PAYMENT", -300), ("CLOSING_BALANCE", -300)]
        assert await wrong(connection) == []


async def test_the_oldest_due_is_paid_first_and_the_rest_is_credit(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        late, early, middle = [
            await new_invoice(connection, client_id, issue_date="2026-01-05", due_date=due)
            for due in ("2026-03-01", "2026-01-31", "2026-02-15")
        ]
        await new_invoice(connection, client_id, currency="USD", issue_date="2025-01-01", due_date="2025-01-02")
        await new_draft(connection, client_id, issue_date="2025-01-01", due_date="2025-01-02")
        payment_id = await pay(connection, client_id, "650", oldest_first=True)
        assert [(await standing(connection, each))[1] for each in (early, middle, late)] == [300, 300, 50]
        await call(connection, "billing.payment_reverse", id=payment_id, reason="Bounced")
        await pay(connection, client_id, "1000", oldest_first=True)
        assert [(await standing(connection, each))[0] for each in (early, middle, late)] == ["PAID"] * 3
        client = await the_row(connection, "billing.clients", client_id)
        assert (client["outstanding"], client["balance"]) == (0, -100)
        assert await wrong(connection) == []


async def test_credit_is_allocated_later_to_what_is_issued_later(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        payment_id = await pay(connection, client_id, "400", received_at="2026-03-01T12:00Z")
        invoice_id = await new_invoice(connection, client_id, **MARCH)
        for early in ("2026-02-28", "2026-03-09"):
            with refused("BAD_USER_INPUT", "EFFECTIVE_DATE_EARLY"):
                await call(
                    connection,
                    "billing.payment_allocate",
                    id=payment_id,
                    allocations=on(invoice_id, "300"),
                    effective_date=early,
                )
        facts = {"allocations": on(invoice_id, "300"), "effective_date": "2026-03-10"}
        await call(connection, "billing.payment_allocate", id=payment_id, **facts)
        assert (await the_row(connection, INVOICES, invoice_id))["paid_date"] == date(2026, 3, 10)
        with refused("BAD_USER_INPUT", "PAYMENT_EXCEEDED"):
            await call(connection, "billing.payment_allocate", id=payment_id, allocations=on(invoice_id, "101"))
        with refused("BAD_USER_INPUT", "ALLOCATION_MISSING"):
            await call(connection, "billing.payment_allocate", id=payment_id, allocations=[])


async def test_money_that_came_before_the_issue_is_told_to_wait_as_credit(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id, **MARCH)
        for status in ("CONFIRMED", "PENDING"):
            facts = {"received_at": "2026-03-09T12:00Z", "status": status, "allocations": on(invoice_id, "10")}
            with refused("BAD_USER_INPUT", "EFFECTIVE_DATE_EARLY") as told:
                await pay(connection, client_id, "10", **facts)
            assert told.message == (
                "Invoice INV-000001 was issued on 2026-03-10, and nothing counts for it before."
                " Record what came earlier as the client's credit, and allocate it from that day on."
            )
        assert await connection.fetchval("select count(*) from billing.payments") == 0
        await pay(connection, client_id, "10", received_at="2026-03-10T12:00Z", allocations=on(invoice_id, "10"))


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("300.01", "ALLOCATION_TOO_LARGE"),
        ("0", "ALLOCATION_AMOUNT_INVALID"),
        ("-1", "ALLOCATION_AMOUNT_INVALID"),
        ("1.001", "MONEY_DECIMALS"),
        ("500.01", "PAYMENT_EXCEEDED"),
    ],
)
async def test_an_amount_that_does_not_fit_is_refused(tenant: Tenant, amount: str, reason: str) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id)
        with refused("BAD_USER_INPUT", reason):
            await pay(connection, client_id, "500", allocations=[{"invoice_id": invoice_id, "amount": amount}])
        assert await standing(connection, invoice_id) == ("SENT", 0, 300, 0, 0)
        assert await connection.fetchval("select count(*) from billing.payments") == 0


async def test_what_cannot_be_paid_is_refused_with_its_reason(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        draft = await new_draft(connection, client_id)
        void, lost, dollars = [
            await new_invoice(connection, client_id, **facts) for facts in ({}, {}, {"currency": "USD"})
        ]
        await call(connection, "billing.invoice_void", id=void, reason="Twice")
        await call(connection, "billing.invoice_write_off", id=lost, reason="Gone")
        somebody_elses = await new_invoice(connection)
        for invoice_id, code, reason in (
            (draft, "CONFLICT", "INVOICE_DRAFT"),
            (void, "CONFLICT", "INVOICE_NOT_OPEN"),
            (lost, "CONFLICT", "INVOICE_NOT_OPEN"),
            (dollars, "BAD_USER_INPUT", "CURRENCY_MIXED"),
            (somebody_elses, "NOT_FOUND", "INVOICE_NOT_FOUND"),
            (uuid4(), "NOT_FOUND", "INVOICE_NOT_FOUND"),
        ):
            for status in ("CONFIRMED", "PENDING"):
                with refused(code, reason) as told:
                    await pay(connection, client_id, "10", status=status, allocations=on(invoice_id, "10"))
                assert told.field == "input.allocations.invoiceId"
        with refused("BAD_USER_INPUT", "ALLOCATION_AMBIGUOUS"):
            await pay(connection, client_id, "10", oldest_first=True, allocations=on(dollars, "10"))


async def test_what_is_expected_pays_at_its_confirmation_as_much_as_is_open_then(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoices = [await new_invoice(connection, client_id) for _ in range(4)]
        whole, part, void, lost = invoices
        wanted = [line for each in invoices for line in on(each, "250")]
        payment_id = await pay(connection, client_id, "1000", status="PENDING", allocations=wanted)
        assert [(await standing(connection, each))[0] for each in invoices] == ["SENT"] * 4
        await pay(connection, client_id, "200", allocations=on(part, "200"))
        await call(connection, "billing.invoice_void", id=void, reason="Twice")
        await call(connection, "billing.invoice_write_off", id=lost, reason="Gone")
        await call(connection, "billing.payment_confirm", id=payment_id)
        assert await standing(connection, whole) == ("PARTIALLY_PAID", 250, 50, 1, 1)
        assert await standing(connection, part) == ("PAID", 300, 0, 2, 1)
        assert (await standing(connection, void))[:2] == ("CANCELLED", 0)
        assert (await standing(connection, lost))[:2] == ("WRITTEN_OFF", 0)
        row = await the_row(connection, PAYMENTS, payment_id)
        assert (row["applied_amount"], row["unapplied_amount"]) == (350, 650)
        released = await connection.fetch("select invoice_id from billing.allocations where released_at is not null")
        assert {each["invoice_id"] for each in released} == {void, lost}
        assert await wrong(connection) == []


async def test_an_allocation_is_taken_back_once_and_the_money_is_credit(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id)
        payment_id = await pay(connection, client_id, "300", allocations=on(invoice_id, "300"))
        allocation_id = await connection.fetchval("select id from billing.allocations")
        named = {"id": payment_id, "allocation_id": allocation_id}
        await call(connection, "billing.payment_unallocate", **named)
        assert await standing(connection, invoice_id) == ("SENT", 0, 300, 0, 0)
        assert (await the_row(connection, PAYMENTS, payment_id))["unapplied_amount"] == 300
        with refused("CONFLICT", "ALLOCATION_RELEASED"):
            await call(connection, "billing.payment_unallocate", **named)
        with refused("NOT_FOUND", "ALLOCATION_NOT_FOUND"):
            await call(connection, "billing.payment_unallocate", id=payment_id, allocation_id=uuid4())
        other_id = await pay(connection, client_id, "1")
        with refused("NOT_FOUND", "ALLOCATION_NOT_FOUND"):
            await call(connection, "billing.payment_unallocate", id=other_id, allocation_id=allocation_id)
        assert await wrong(connection) == []
    async with as_owner(tenant) as connection:
        assert await miscounted(connection) == []
        for change in ("amount = 1", "effective_date = '2030-01-01'", "released_at = null", "refunded = 1"):
            with refused("CONFLICT", "ALLOCATION_FIXED"):
                await connection.execute(f"update billing.allocations set {change}")


async def test_allocations_credit_notes_and_what_becomes_of_them_stand_in_the_audit_log(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id)
        payment_id = await pay(connection, client_id, "300", status="PENDING", allocations=on(invoice_id, "200"))
        await call(connection, "billing.payment_confirm", id=payment_id)
        await call(connection, "billing.payment_reverse", id=payment_id, reason="Bounced")
        note_id = await call(connection, "billing.invoice_credit_note", id=invoice_id, amount="30", reason="Scratched")
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select entity_type, action, user_id, entity_id, new_values::text as said from core.audit_log"
            " where tenant_id = $1 and entity_type in ('ALLOCATION', 'CREDIT_NOTE') order by created_at, id",
            tenant.tenant_id,
        )
    assert {row["user_id"] for row in rows} == {tenant.owner.user_id}
    [paid] = {row["entity_id"] for row in rows if row["entity_type"] == "ALLOCATION" and str(payment_id) in row["said"]}
    steps = [row for row in rows if row["entity_id"] == paid]
    assert steps[0]["action"] == "CREATE"
    assert any("applied_at" in row["said"] for row in steps[1:])
    assert any("released_at" in row["said"] for row in steps[1:])
    assert "CREATE" in {row["action"] for row in rows if row["entity_id"] == note_id}
    assert any(row["entity_type"] == "ALLOCATION" and str(note_id) in row["said"] for row in rows)
