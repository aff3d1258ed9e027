"""Who may call which verb, and what a scope lets through. Walks every verb that a tenant can call."""

from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.billing.money import on, pay
from tests.harness.actors import as_analyst, as_nobody, as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, new_invoice, refused

VERBS: Final = (
    "client_create", "client_update", "client_archive", "client_restore", "client_delete", "clients_import",
    "client_contact_create", "client_contact_update", "client_contact_delete",
    "client_note_create", "client_note_update", "client_note_delete",
    "invoice_create", "invoice_update", "invoice_issue", "invoice_mark_viewed", "invoice_void", "invoices_import",
    "invoice_credit_note", "invoice_write_off", "invoice_dispute", "invoice_resolve",
    "credit_note_create", "credit_note_allocate",
    "payment_record", "payment_process", "payment_confirm", "payment_fail", "payment_retry", "payment_reconcile",
    "payment_unreconcile", "payment_allocate", "payment_unallocate", "payment_refund", "payment_reverse",
    "payment_method_create", "payment_method_update",
    "invoice_send", "invoice_email_event",
    "recurring_invoice_set", "recurring_invoice_pause", "recurring_invoice_stop",
)  # fmt: skip
WORK: Final = ("recurring_invoice_make", "invoice_message_take", "invoice_message_sent", "invoice_message_failed")
CALLABLE: Final = """
    select proname::text from pg_proc where pronamespace = 'billing'::regnamespace and provolatile = 'v'
    and has_function_privilege('countinghouse_tenant', oid, 'execute') order by 1
"""
SCOPED: Final = (
    "billing.clients", "billing.client_contacts", "billing.invoices", "billing.invoice_lines", "billing.payments",
    "billing.payment_refunds", "billing.allocations", "billing.credit_notes", "billing.credit_note_lines",
    "billing.invoice_messages",
)  # fmt: skip


async def test_a_tenant_can_call_the_verbs_and_what_the_worker_calls_and_nothing_else(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        assert [row[0] for row in await connection.fetch(CALLABLE)] == sorted((*VERBS, *WORK))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", ["viewer", "member", "", "superuser"])
async def test_who_may_not_write_is_refused_before_anything_is_looked_at(tenant: Tenant, role: str, verb: str) -> None:
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING") as told:
            await call(connection, f"billing.{verb}", id="not even an id", rows="nor rows")
    assert told.message.endswith("does not include billing:write.")


@pytest.mark.parametrize("verb", VERBS)
async def test_nobody_outside_a_tenant_calls_a_verb(tenant: Tenant, verb: str) -> None:
    async with as_nobody() as nobody, as_analyst(tenant) as analyst:
        for connection in (nobody, analyst):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await call(connection, f"billing.{verb}")


@pytest.mark.parametrize("role", ["owner", "admin", "accountant", "operator"])
async def test_these_roles_do_the_daily_work(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role) as connection:
        await new_invoice(connection)


async def _fill(tenant: Tenant) -> tuple[UUID, UUID]:
    async with as_tenant(tenant) as connection:
        made = []
        for name in ("First", "Second"):
            client_id = await new_client(connection, name)
            await call(connection, "billing.client_contact_create", client_id=client_id, name="Ann")
            await call(connection, "billing.client_note_create", client_id=client_id, content="x")
            invoice_id = await new_invoice(connection, client_id)
            payment_id = await pay(connection, client_id, "120", allocations=on(invoice_id, "100"))
            await call(connection, "billing.payment_refund", id=payment_id, amount="5", reason="Too much")
            await call(connection, "billing.invoice_credit_note", id=invoice_id, amount="7", reason="Scratched")
            await call(connection, "billing.invoice_send", id=invoice_id, recipient="ann@fen.example")
            made.append(client_id)
    return made[0], made[1]


async def _clients_in(connection: asyncpg.Connection) -> dict[str, set[Any]]:
    return {
        table: {
            row[0]
            for row in await connection.fetch(f"select {'id' if table == SCOPED[0] else 'client_id'} from {table}")
        }
        for table in SCOPED
    }


@pytest.mark.parametrize("entrance", [as_tenant, as_owner])
async def test_a_member_sees_what_belongs_to_their_clients(tenant: Tenant, entrance: Any) -> None:
    first, second = await _fill(tenant)
    for scope in ([first], [second], [first, second], [uuid4()], []):
        async with entrance(tenant, "member", scope) as connection:
            seen = await _clients_in(connection)
            assert seen == dict.fromkeys(SCOPED, set(scope) & {first, second})
            assert await connection.fetch("select id from billing.client_notes") == []


async def test_a_scope_is_nothing_to_who_sees_all_and_no_other_role_gets_in_by_one(tenant: Tenant) -> None:
    first, second = await _fill(tenant)
    async with as_tenant(tenant, "viewer", [first]) as connection:
        assert await _clients_in(connection) == {key: {first, second} for key in SCOPED}
    async with as_tenant(tenant, "") as connection:
        assert await _clients_in(connection) == {key: set() for key in SCOPED}


async def test_an_analyst_sees_the_whole_organisation_and_no_other(tenant: Tenant, other_tenant: Tenant) -> None:
    mine, _ = await _fill(tenant), await _fill(other_tenant)
    async with as_analyst(tenant) as connection:
        assert await _clients_in(connection) == {key: set(mine) for key in SCOPED}
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select last_number from billing.number_series")


async def test_a_scope_of_another_organisation_opens_nothing(tenant: Tenant, other_tenant: Tenant) -> None:
    theirs = await _fill(other_tenant)
    async with as_tenant(tenant, "member", theirs) as connection:
        assert await _clients_in(connection) == {key: set() for key in SCOPED}
