"""What is taken back of an invoice: sql/billing/credit_notes.sql, credit_note_lines.sql, crediting.sql."""

import asyncio
from collections import defaultdict
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.billing.money import miscounted, on, pay, wrong
from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice, refused, the_row

CREDIT: Final = "billing.invoice_credit_note"
NOTES: Final = "billing.credit_notes"
TWO_RATES: Final = [
    {"description": "Oak", "quantity": "3", "unit_price": "33.33", "tax_rate": "19"},
    {"description": "Books", "quantity": "1", "unit_price": "50.00", "tax_rate": "7"},
]


async def credit(connection: asyncpg.Connection, invoice_id: UUID, **facts: Any) -> dict[str, Any]:
    made = await call(connection, CREDIT, **{"id": invoice_id, "reason": "Scratched", **facts})
    return await the_row(connection, NOTES, made)


async def test_lines_are_taken_back_with_the_tax_that_was_charged(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await new_invoice(connection, lines=TWO_RATES)
        lines = [
            {"description": "One oak", "unit_price": "33.33", "tax_rate": "19"},
            {"description": "Half a book", "quantity": "0.5", "unit_price": "50", "tax_rate": "7"},
        ]
        note = await credit(connection, invoice_id, lines=lines)
        # 33.33 × 19 % = 6.3327, 25.00 × 7 % = 1.75
        assert (note["number"], note["subtotal"], note["tax_amount"]) == (
            "CN-000001",
            Decimal("58.33"),
            Decimal("8.08"),
        )
        invoice = await the_row(connection, "billing.invoices", invoice_id)
        assert (invoice["credited"], invoice["paid_amount"], invoice["status"]) == (Decimal("66.41"), 0, "SENT")
        assert (await the_row(connection, "billing.clients", invoice["client_id"]))["lifetime_paid"] == 0
        assert await wrong(connection) == []


async def test_an_amount_takes_its_tax_back_in_proportion(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        line = {"description": "Oak", "quantity": "1", "unit_price": "100", "tax_rate": "19"}
        note = await credit(connection, await new_invoice(connection, lines=[line]), amount="11.90")
        assert (note["subtotal"], note["tax_amount"], note["total"]) == (10, Decimal("1.90"), Decimal("11.90"))


async def test_without_amount_or_lines_all_that_is_left_is_taken_back_and_the_invoice_is_settled(
    tenant: Tenant,
) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await new_invoice(connection, lines=TWO_RATES, discount="10.01")
        invoice = await the_row(connection, "billing.invoices", invoice_id)
        note = await credit(connection, invoice_id)
        assert (note["total"], note["tax_amount"]) == (invoice["total"], invoice["tax_amount"])
        after = await the_row(connection, "billing.invoices", invoice_id)
        assert (after["status"], after["balance"], after["payment_count"]) == ("PAID", 0, 0)
        with refused("CONFLICT", "CREDIT_EXHAUSTED"):
            await credit(connection, invoice_id)
        with refused("CONFLICT", "INVOICE_PAID"):
            await call(connection, "billing.invoice_void", id=invoice_id, reason="Twice")


RATES: Final = ("0", "5.5", "7", "19", "20")
AMOUNTS: Final = st.decimals("0.01", "400", places=2)


@given(
    prices=st.lists(st.tuples(AMOUNTS, st.sampled_from(RATES)), min_size=1, max_size=5),
    discounted=st.integers(0, 99),
    parts=st.lists(AMOUNTS, max_size=6),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_any_partial_credits_end_at_what_the_invoice_charged_at_each_rate(
    tenant: Tenant, prices: list[tuple[Decimal, str]], discounted: int, parts: list[Decimal]
) -> None:
    async with as_tenant(tenant) as connection:
        lines = [
            {"description": "Work", "quantity": "1", "unit_price": price, "tax_rate": rate} for price, rate in prices
        ]
        discount = (sum((price for price, _ in prices), Decimal(0)) * discounted / 100).quantize(Decimal("0.01"))
        invoice_id = await new_invoice(connection, lines=lines, discount=discount)
        invoice = await the_row(connection, "billing.invoices", invoice_id)
        left = invoice["total"]
        for part in parts:
            if part < left:
                assert (await credit(connection, invoice_id, amount=part))["total"] == part
                left -= part
        if left > 0:
            assert (await credit(connection, invoice_id))["total"] == left
        taken: dict[Decimal, Decimal] = defaultdict(Decimal)
        for row in await connection.fetch(
            "select tax_rate, line.tax_amount, line.amount from billing.credit_note_lines line"
            f" join {NOTES} note on note.id = credit_note_id where invoice_id = $1",
            invoice_id,
        ):
            assert row["amount"] >= 0
            taken[row["tax_rate"]] += row["tax_amount"]
        assert sum(taken.values()) == invoice["tax_amount"]
    async with as_owner(tenant) as connection:
        rest = await connection.fetch(
            "select * from billing.credit_left($1, $2) where (net, tax) <> (0, 0)", tenant.tenant_id, invoice_id
        )
    assert rest == []


@pytest.mark.parametrize(
    ("facts", "code", "reason"),
    [
        ({"amount": "172.50"}, "BAD_USER_INPUT", "CREDIT_TOO_LARGE"),
        ({"amount": "0"}, "BAD_USER_INPUT", "CREDIT_EMPTY"),
        ({"amount": "-1"}, "BAD_USER_INPUT", "CREDIT_EMPTY"),
        ({"amount": "1.001"}, "BAD_USER_INPUT", "MONEY_DECIMALS"),
        (
            {"lines": [{"description": "x", "unit_price": "50.01", "tax_rate": "7"}]},
            "BAD_USER_INPUT",
            "CREDIT_TOO_LARGE",
        ),
        ({"lines": [{"description": "x", "unit_price": "1", "tax_rate": "5"}]}, "BAD_USER_INPUT", "CREDIT_TOO_LARGE"),
        (
            {"lines": [{"description": "x", "unit_price": "-1", "tax_rate": "7"}]},
            "BAD_USER_INPUT",
            "UNIT_PRICE_NEGATIVE",
        ),
        (
            {"lines": [{"description": " ", "unit_price": "1", "tax_rate": "7"}]},
            "BAD_USER_INPUT",
            "DESCRIPTION_INVALID",
        ),
        ({"lines": [{"description": "x", "unit_price": "0", "tax_rate": "7"}]}, "BAD_USER_INPUT", "CREDIT_EMPTY"),
        ({"reason": " "}, "BAD_USER_INPUT", "CREDIT_REASON_REQUIRED"),
        ({"issue_date": "2026-01-01"}, "BAD_USER_INPUT", "ISSUE_DATE_EARLY"),
    ],
)
async def test_a_credit_that_makes_no_sense_is_refused_and_uses_no_number(
    tenant: Tenant, facts: dict[str, Any], code: str, reason: str
) -> None:
    async with as_tenant(tenant) as connection:
        invoice_id = await new_invoice(connection, lines=TWO_RATES, issue_date="2026-03-01")
        before = await the_row(connection, "billing.invoices", invoice_id)
        with refused(code, reason):
            await credit(connection, invoice_id, **facts)
        assert await the_row(connection, "billing.invoices", invoice_id) == before
        assert (await credit(connection, invoice_id))["number"] == "CN-000001"


async def test_only_what_is_issued_and_open_is_credited(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        draft, void, lost = await new_draft(connection), await new_invoice(connection), await new_invoice(connection)
        await call(connection, "billing.invoice_void", id=void, reason="Twice")
        await call(connection, "billing.invoice_write_off", id=lost, reason="Gone")
        for invoice_id in (draft, void, lost):
            with refused("CONFLICT", "INVOICE_NOT_OPEN"):
                await credit(connection, invoice_id, amount="1")
        with refused("NOT_FOUND", "INVOICE_NOT_FOUND"):
            await credit(connection, uuid4(), amount="1")


async def test_the_credit_of_a_paid_invoice_is_the_clients_and_pays_another(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        paid, other = [await new_invoice(connection, client_id) for _ in range(2)]
        await pay(connection, client_id, "300", allocations=on(paid, "300"))
        note = await credit(connection, paid, amount="120")
        assert (note["applied_amount"], note["unapplied_amount"]) == (0, 120)
        client = await the_row(connection, "billing.clients", client_id)
        assert (client["outstanding"], client["balance"], client["lifetime_billed"]) == (300, 180, 480)
        with refused("BAD_USER_INPUT", "PAYMENT_EXCEEDED"):
            await call(connection, "billing.credit_note_allocate", id=note["id"], allocations=on(other, "121"))
        with refused("BAD_USER_INPUT", "ALLOCATION_MISSING"):
            await call(connection, "billing.credit_note_allocate", id=note["id"])
        await call(connection, "billing.credit_note_allocate", id=note["id"], oldest_first=True)
        row = await the_row(connection, "billing.invoices", other)
        assert (row["status"], row["credited"], row["balance"], row["paid_amount"]) == ("SENT", 120, 180, 0)
        with refused("NOT_FOUND", "CREDIT_NOTE_NOT_FOUND"):
            await call(connection, "billing.credit_note_allocate", id=uuid4(), oldest_first=True)
        assert await wrong(connection) == []


async def test_a_credit_note_for_what_was_charged_elsewhere_is_the_clients_credit(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        line = {"description": "Before these books", "unit_price": "50", "tax_rate": "19"}
        facts = {"client_id": client_id, "reason": "Sent back", "lines": [line]}
        made = await call(connection, "billing.credit_note_create", **facts, external_ref="old-1")
        note = await the_row(connection, NOTES, made)
        assert (note["number"], note["invoice_id"], note["total"]) == ("CN-000001", None, Decimal("59.5"))
        assert (note["currency"], note["unapplied_amount"]) == ("EUR", Decimal("59.5"))
        client = await the_row(connection, "billing.clients", client_id)
        assert (client["balance"], client["lifetime_billed"]) == (Decimal("-59.5"), Decimal("-59.5"))
        for changed, code, reason in (
            ({"external_ref": "old-1"}, "CONFLICT", "EXTERNAL_REF_TAKEN"),
            ({"client_id": uuid4()}, "NOT_FOUND", "CLIENT_NOT_FOUND"),
            ({"lines": []}, "BAD_USER_INPUT", "CREDIT_EMPTY"),
            ({"reason": None}, "BAD_USER_INPUT", "CREDIT_REASON_REQUIRED"),
        ):
            with refused(code, reason):
                await call(connection, "billing.credit_note_create", **{**facts, **changed})
        assert await wrong(connection) == []
    async with as_owner(tenant) as connection:
        assert await miscounted(connection) == []


async def test_numbers_of_many_at_once_have_no_gap(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        invoices = [await new_invoice(connection) for _ in range(4)]

    async def credit_often(invoice_id: UUID) -> None:
        async with as_tenant(tenant) as connection:
            for number in range(6):
                if number % 3:
                    await credit(connection, invoice_id, amount="1")
                else:
                    with refused("BAD_USER_INPUT", "CREDIT_TOO_LARGE"):
                        await credit(connection, invoice_id, amount="9999")

    await asyncio.gather(*map(credit_often, invoices))
    async with as_tenant(tenant) as connection:
        numbers = await connection.fetchval(f"select array_agg(number order by number) from {NOTES}")
    assert numbers == [f"CN-{number:06}" for number in range(1, 17)]


async def test_an_issued_credit_note_never_changes_whoever_writes(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        note = await credit(connection, await new_invoice(connection), amount="7")
    async with as_owner(tenant) as connection:
        for change in ("reason = 'x'", "number = 'CN-9'", "total = 1", "issue_date = '2030-01-01'", "issued_at = null"):
            with refused("CONFLICT", "CREDIT_NOTE_ISSUED"):
                await connection.execute(f"update {NOTES} set {change}")
        with refused("CONFLICT", "APPEND_ONLY"):
            await connection.execute("update billing.credit_note_lines set description = 'x'")
        with refused("CONFLICT", "CREDIT_NOTE_ISSUED"):
            await connection.execute(
                "insert into billing.credit_note_lines (tenant_id, client_id, credit_note_id, position, description,"
                " unit_price, tax_rate, tax_amount) select tenant_id, client_id, credit_note_id, 9, 'More', 1, 0, 0"
                " from billing.credit_note_lines"
            )
        await connection.execute(f"update {NOTES} set applied_amount = 0")
    async with as_tenant(tenant) as connection:
        assert (await the_row(connection, NOTES, note["id"]))["applied_amount"] == 7
