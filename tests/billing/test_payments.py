"""What a payment goes through, and each step that it may not take: sql/billing/payments.sql, payment_changes.sql."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.billing.money import on, pay
from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, new_client, new_invoice, refused, the_row

TABLE: Final = "billing.payments"
REASON: Final = {"reason": "As it goes"}
STEPS: Final[dict[str, tuple[tuple[str, dict[str, Any]], ...]]] = {
    "PENDING": (),
    "PROCESSING": (("process", {}),),
    "CONFIRMED": (("confirm", {}),),
    "FAILED": (("fail", REASON),),
    "REFUNDED": (("confirm", {}), ("refund", REASON)),
    "REVERSED": (("confirm", {}), ("reverse", REASON)),
}
ALLOWED: Final = {
    "process": {"PENDING"},
    "confirm": {"PENDING", "PROCESSING"},
    "fail": {"PENDING", "PROCESSING"},
    "retry": {"FAILED"},
    "reconcile": {"CONFIRMED", "REFUNDED", "REVERSED"},
    "refund": {"CONFIRMED"},
    "reverse": {"CONFIRMED"},
    "allocate": {"CONFIRMED"},
}
BECOMES: Final = {"process": "PROCESSING", "confirm": "CONFIRMED", "fail": "FAILED", "retry": "PROCESSING"}
GONE: Final = {"REVERSED": "PAYMENT_REVERSED", "REFUNDED": "PAYMENT_REFUNDED"}


async def expect(connection: asyncpg.Connection, client_id: UUID | None = None, **facts: Any) -> UUID:
    """A payment that is expected, unless its status says otherwise."""
    client_id = client_id or await new_client(connection)
    return await pay(connection, client_id, "100", **{"status": "PENDING", **facts})


async def brought_to(connection: asyncpg.Connection, status: str) -> UUID:
    """A payment that has come to that status."""
    payment_id = await expect(connection)
    for verb, facts in STEPS[status]:
        await call(connection, f"billing.payment_{verb}", id=payment_id, **facts)
    assert (await the_row(connection, TABLE, payment_id))["status"] == status
    return payment_id


@pytest.mark.parametrize("status", STEPS)
@pytest.mark.parametrize("verb", ALLOWED)
async def test_a_step_is_taken_from_where_it_may_be_and_refused_from_elsewhere(
    tenant: Tenant, verb: str, status: str
) -> None:
    async with as_tenant(tenant) as connection:
        payment_id = await brought_to(connection, status)
        before = await the_row(connection, TABLE, payment_id)
        facts = REASON | ({"oldest_first": True} if verb == "allocate" else {})
        if status in ALLOWED[verb]:
            await call(connection, f"billing.payment_{verb}", id=payment_id, **facts)
            after = await the_row(connection, TABLE, payment_id)
            assert after["status"] == {"refund": "REFUNDED", "reverse": "REVERSED", **BECOMES}.get(verb, status)
            return
        with refused("CONFLICT", GONE.get(status, "PAYMENT_STATUS")) as told:
            await call(connection, f"billing.payment_{verb}", id=payment_id, **facts)
        assert told.message.startswith(f"This payment is {status.lower()}.")
        assert await the_row(connection, TABLE, payment_id) == before


async def test_a_payment_is_expected_unless_it_says_otherwise_and_posts_when_it_has_come(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        payment_id = await pay(connection, client_id, "100", status=None)
        assert (await the_row(connection, TABLE, payment_id))["status"] == "PENDING"
        assert await connection.fetchval("select count(*) from ledger.transfers") == 0
        await call(connection, "billing.payment_confirm", id=payment_id)
        row = await the_row(connection, TABLE, payment_id)
        assert (row["status"], row["unapplied_amount"], row["applied_amount"]) == ("CONFIRMED", 100, 0)
        client = await the_row(connection, "billing.clients", client_id)
        assert (client["outstanding"], client["balance"]) == (0, -100)
        legs = await connection.fetch(
            "select split_part(code, ':', 1), amount from ledger.entries join ledger.accounts a on a.id = account_id"
            " order by 1"
        )
        assert [tuple(leg) for leg in legs] == [("CASH", 100), ("CUSTOMER_CREDIT", -100)]


async def test_a_failure_says_why_and_each_retry_is_counted(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        payment_id = await expect(connection)
        for tries in range(1, 4):
            await call(connection, "billing.payment_fail", id=payment_id, reason="  No funds ", processing_time_ms=70)
            row = await the_row(connection, TABLE, payment_id)
            assert (row["failure_reason"], row["processing_time_ms"]) == ("No funds", 70)
            assert row["failed_at"] is not None
            await call(connection, "billing.payment_retry", id=payment_id)
            row = await the_row(connection, TABLE, payment_id)
            assert (row["retry_count"], row["failure_reason"], row["failed_at"]) == (tries, None, None)
            assert row["last_retry_at"] == row["started_at"]
        await call(connection, "billing.payment_confirm", id=payment_id)
        row = await the_row(connection, TABLE, payment_id)
        assert (row["status"], row["retry_count"]) == ("CONFIRMED", 3)
        assert 0 <= row["processing_time_ms"] < 60_000


@pytest.mark.parametrize("reason", [None, " ", "x" * 2001])
async def test_a_failure_and_a_reversal_need_a_reason(tenant: Tenant, reason: str | None) -> None:
    async with as_tenant(tenant) as connection:
        for status, verb, told_reason in (
            ("PROCESSING", "fail", "FAILURE_REASON_REQUIRED"),
            ("CONFIRMED", "reverse", "REVERSAL_REASON_REQUIRED"),
            ("CONFIRMED", "refund", "REFUND_REASON_REQUIRED"),
        ):
            payment_id = await brought_to(connection, status)
            with refused("BAD_USER_INPUT", told_reason) as told:
                await call(connection, f"billing.payment_{verb}", id=payment_id, reason=reason)
            assert told.field == "input.reason"


async def test_reconciling_is_noted_once_and_can_be_taken_back(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        payment_id = await brought_to(connection, "CONFIRMED")
        await call(connection, "billing.payment_reconcile", id=payment_id)
        noted = await the_row(connection, TABLE, payment_id)
        assert noted["is_reconciled"]
        await call(connection, "billing.payment_reconcile", id=payment_id)
        assert (await the_row(connection, TABLE, payment_id))["reconciled_at"] == noted["reconciled_at"]
        await call(connection, "billing.payment_unreconcile", id=payment_id)
        assert not (await the_row(connection, TABLE, payment_id))["is_reconciled"]


@pytest.mark.parametrize(
    ("facts", "code", "reason", "field"),
    [
        ({"amount": "0"}, "BAD_USER_INPUT", "PAYMENT_AMOUNT_INVALID", "input.amount"),
        ({"amount": "-5"}, "BAD_USER_INPUT", "PAYMENT_AMOUNT_INVALID", "input.amount"),
        ({"amount": "5.001"}, "BAD_USER_INPUT", "MONEY_DECIMALS", None),
        ({"method": "PEBBLES"}, "BAD_USER_INPUT", "PAYMENT_METHOD_UNKNOWN", "input.method"),
        ({"method": "CHEQUE"}, "CONFLICT", "PAYMENT_METHOD_INACTIVE", "input.method"),
        ({"method": "BANK_TRANSFER"}, "BAD_USER_INPUT", "REFERENCE_REQUIRED", "input.reference"),
        ({"reference": " "}, "BAD_USER_INPUT", "REFERENCE_INVALID", "input.reference"),
        ({"currency": "eur"}, "BAD_USER_INPUT", "CURRENCY_CODE", None),
        ({"client_id": str(uuid4())}, "NOT_FOUND", "CLIENT_NOT_FOUND", "input.clientId"),
        ({"received_at": "2999-01-01T00:00:00Z"}, "BAD_USER_INPUT", "RECEIVED_LATER", "input.receivedAt"),
        ({"received_at": "1899-01-01T00:00:00Z"}, "BAD_USER_INPUT", "RECEIVED_AT_RANGE", "input.receivedAt"),
        ({"processing_time_ms": -1}, "BAD_USER_INPUT", "PROCESSING_TIME_RANGE", "input.processingTimeMs"),
        ({"request_id": ""}, "BAD_USER_INPUT", "REQUEST_ID_INVALID", "input.requestId"),
    ],
)
async def test_a_payment_that_makes_no_sense_is_refused_and_nothing_is_posted(
    tenant: Tenant, facts: dict[str, Any], code: str, reason: str, field: str | None
) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        cheque = await connection.fetchval("select id from billing.payment_methods where method_name = 'CHEQUE'")
        await call(connection, "billing.payment_method_update", id=cheque, is_active=False)
        with refused(code, reason) as told:
            await pay(connection, **{"client_id": client_id, "amount": "5", **facts})
        assert field is None or told.field == field
        assert await connection.fetchval("select count(*) from ledger.transfers") == 0


async def test_a_payment_counts_from_its_day_in_the_organisations_time_zone() -> None:
    tenant = await make_tenant(time_zone="Pacific/Auckland")
    async with as_tenant(tenant) as connection:
        payment_id = await pay(connection, await new_client(connection), "5", received_at="2026-03-31T12:00:00Z")
        assert (await the_row(connection, TABLE, payment_id))["received_on"] == date(2026, 4, 1)
        assert await connection.fetchval("select effective_date from ledger.transfers") == date(2026, 4, 1)


async def test_what_is_expected_later_is_received_when_it_is_confirmed(tenant: Tenant) -> None:
    later = datetime.now(UTC) + timedelta(days=9)
    async with as_tenant(tenant) as connection:
        payment_id = await expect(connection, received_at=later)
        with refused("BAD_USER_INPUT", "RECEIVED_LATER"):
            await call(connection, "billing.payment_confirm", id=payment_id, received_at=later)
        await call(connection, "billing.payment_confirm", id=payment_id, reference="Bank 7")
        row = await the_row(connection, TABLE, payment_id)
        assert (row["received_on"], row["reference"]) == (datetime.now(UTC).date(), "Bank 7")
        other_id = await expect(connection)
        await call(connection, "billing.payment_confirm", id=other_id, received_at="2026-02-03T09:00:00Z")
        assert (await the_row(connection, TABLE, other_id))["received_on"] == date(2026, 2, 3)


async def test_a_confirmed_payment_keeps_what_it_was_whoever_writes(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        payment_id = await brought_to(connection, "CONFIRMED")
        before = await the_row(connection, TABLE, payment_id)
    async with as_owner(tenant) as connection:
        for change in ("amount = 1", "currency = 'USD'", "confirmed_at = null", "received_at = '2020-01-01'"):
            with refused("CONFLICT", "PAYMENT_FIXED"):
                await connection.execute(f"update {TABLE} set {change}")
        await connection.execute(f"update {TABLE} set applied_amount = 50, refunded_amount = 50, updated_at = now()")
    async with as_tenant(tenant) as connection:
        after = await the_row(connection, TABLE, payment_id)
        assert {**after, "updated_at": None} == {**before, "updated_at": None}


DOCUMENTS: Final = ("payments", "allocations", "payment_refunds", "credit_notes", "credit_note_lines", "invoices")


@pytest.mark.parametrize("table", DOCUMENTS)
async def test_no_document_is_deleted_or_emptied_by_anybody(tenant: Tenant, table: str) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id)
        payment_id = await pay(connection, client_id, "120", allocations=on(invoice_id, "100"))
        await call(connection, "billing.payment_refund", id=payment_id, amount="5", **REASON)
        await call(connection, "billing.invoice_credit_note", id=invoice_id, amount="7", **REASON)
        for statement in (
            f"delete from billing.{table}",
            f"truncate billing.{table}",
            f"update billing.{table} set id = id",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    statements = [f"delete from billing.{table}", f"truncate billing.{table} cascade", "delete from billing.clients"]
    for entrance in (as_owner(tenant), as_superuser()):
        async with entrance as connection:
            assert await connection.fetchval(f"select count(*) from billing.{table}") > 0
            for statement in statements:
                with pytest.raises(asyncpg.PostgresError) as caught:
                    await connection.execute(statement)
                assert "never" in str(caught.value) or caught.value.sqlstate == "23503"


async def test_another_organisations_payments_are_unknown(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(other_tenant) as connection:
        foreign = await brought_to(connection, "CONFIRMED")
        before = await the_row(connection, TABLE, foreign)
    async with as_tenant(tenant) as connection:
        for wanted in (foreign, uuid4()):
            for verb in (*ALLOWED, "unreconcile", "unallocate"):
                with refused("NOT_FOUND", "PAYMENT_NOT_FOUND"):
                    await call(connection, f"billing.payment_{verb}", id=wanted, **REASON)
    async with as_tenant(other_tenant) as connection:
        assert await the_row(connection, TABLE, foreign) == before


async def test_each_step_stands_in_the_audit_log(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        payment_id = await expect(connection)
        await call(connection, "billing.payment_confirm", id=payment_id)
        await call(connection, "billing.payment_refund", id=payment_id, amount=Decimal("1.50"), **REASON)
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select action, entity_type from core.audit_log where tenant_id = $1"
            " and entity_type in ('PAYMENT', 'PAYMENT_REFUND') order by created_at, id",
            tenant.tenant_id,
        )
    assert [tuple(row) for row in rows][:2] == [("CREATE", "PAYMENT"), ("TRANSITION", "PAYMENT")]
    assert ("CREATE", "PAYMENT_REFUND") in [tuple(row) for row in rows]
