"""Rows in numbers, entered through the verbs as the tenant, for tests that need more than a few."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from tests.engine.traders import fill_trade
from tests.harness.actors import as_nobody, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.trade.archiving import aged, archived
from tests.trade.packing import packed


async def fill(
    tenant: Tenant, invoices: int, *, clients: int = 10, traders: int | None = None, marker: str = ""
) -> None:
    """So many invoices of so many clients: most issued and paid in part, some drafts, few overdue; as many vendors and
    retailers, unless it is said how many; `marker` stands in every text."""
    async with as_tenant(tenant) as connection:

        async def call(function: str, given: dict[str, Any]) -> Any:
            answer = await connection.fetchval(f"select {function}($1::jsonb)", json.dumps(given))
            return json.loads(answer) if isinstance(answer, str) else str(answer)

        await call("iam.analyst_create", {"label": f"{marker}Analyst"})
        await call("iam.invite_create", {"address": f"{marker}invited@{tenant.slug}.example", "role": "viewer"})
        await _ask_to_join(tenant, marker)
        entered = await call("billing.clients_import", {"rows": [client_row(each, marker) for each in range(clients)]})
        clients_made = [row["id"] for row in entered["rows"]]
        issuer = {"name": f"{marker}Login", "issuer": f"https://{marker.lower()}login.example.com"}
        issuer_id = await call("iam.trusted_issuer_create", issuer)
        async with as_nobody() as nobody:
            someone = (tenant.tenant_id, UUID(issuer_id), uuid4(), f"{marker}subject", f"{marker}Outsider")
            await nobody.execute(
                "select * from iam.external_context($1, $2, $3, $4, $5, null, array['viewer'], '{}')", *someone
            )
        for row in entered["rows"]:
            name = f"{marker}Contact {row['index']}"
            contact = {"client_id": row["id"], "name": name, "email": f"{marker}c@example.com"}
            await call("billing.client_contact_create", contact)
            await call("billing.client_note_create", {"client_id": row["id"], "content": f"{marker}A note"})
            if row["index"] % 10 == 9:
                await call("billing.client_update", {"id": row["id"], "status": "INACTIVE", "email": None})
        secret = {"secret_hash": "ab" * 32, "hint": "last"}
        await call("iam.app_create", {"name": f"{marker}App", "scopes": ["billing:read"], **secret})
        await fill_trade(call, clients if traders is None else traders, marker)
        for start in range(0, invoices, 1000):
            rows = [invoice_row(each, clients, marker) for each in range(start, min(start + 1000, invoices))]
            done = await call("billing.invoices_import", {"rows": rows})
            assert {row["outcome"] for row in done["rows"]} == {"CREATED"}, done["rows"][:3]
            if start == 0:  # one for each client
                for row in done["rows"][:clients]:
                    recurring = {"id": row["id"], "frequency": "MONTHLY", "next_date": "2199-01-31"}
                    await call("billing.recurring_invoice_set", recurring)
                    if row["index"] % 5:
                        await call("billing.invoice_send", {"id": row["id"], "recipient": f"{marker}Ann@example.com"})
            for number, row in enumerate(done["rows"], start):
                if number % 5:
                    for verb, given in settling(number, clients_made[number % clients], row["id"], marker):
                        payment_id = await call(verb, given)
                if number % 50 == 1:
                    await call("billing.payment_fail", {"id": payment_id, "reason": f"{marker}No funds"})
                    await call("billing.payment_retry", {"id": payment_id})
                elif number % 50 == 2:
                    await call("billing.payment_reconcile", {"id": payment_id})
                    await call("billing.payment_refund", {"id": payment_id, "amount": "0.5", "reason": f"{marker}Cut"})
    await aged(*await _old_orders(tenant))
    await archived(tenant)
    await packed(tenant)
    async with as_tenant(tenant, "worker") as connection:
        await connection.execute("select trade.credit_scores_make()")


async def _old_orders(tenant: Tenant) -> list[UUID]:
    """Every other one that was cancelled."""
    async with as_tenant(tenant) as connection:
        rows = await connection.fetch("select id from trade.orders where status = 'CANCELLED' order by order_number")
    return [row["id"] for row in rows[::2]]


async def _ask_to_join(tenant: Tenant, marker: str) -> None:
    """Somebody who belongs nowhere asks to be let in."""
    async with as_superuser() as connection:
        person = await connection.fetchval(
            "insert into iam.users (email, name, email_verified_at) values ($1, $2, now()) returning id",
            f"asks@{tenant.slug}.example",
            f"{marker}Somebody",
        )
        await connection.execute("select iam.join_request_create($1, $2, $3)", person, tenant.slug, f"{marker}Please")


def settling(number: int, client_id: str, invoice_id: str, marker: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of an issued invoice: a credit note for every fifth, and a payment of a part of it, or sometimes of all."""
    if number % 5 == 4:
        credit = {"id": invoice_id, "amount": f"{1 + number % 90}.25", "reason": f"{marker}Scratched"}
        yield "billing.invoice_credit_note", {**credit, "external_ref": f"{marker}credit-{number}"}
    amount = f"{100 + number % 900}.50" if number % 50 == 6 else f"{1 + number % 90}.75"
    yield (
        "billing.payment_record",
        {
            "client_id": client_id,
            "amount": amount,
            "method": "CARD" if number % 50 == 1 else "CASH",
            "status": "PENDING" if number % 50 == 1 else "CONFIRMED",
            "received_at": f"2026-{1 + number % 6:02}-{1 + number % 28:02}T12:00:00Z",
            "reference": f"{marker}reference-{number}",
            "request_id": f"{marker}request-{number}",
            # Nothing is paid before it is issued, which every second one is later than that.
            "allocations": [] if number % 2 else [{"invoice_id": invoice_id, "amount": amount}],
        },
    )


def client_row(number: int, marker: str) -> dict[str, Any]:
    return {
        "name": f"{marker}Client {number}",
        "email": f"{marker}{number}@example.com",
        "external_ref": f"{marker}client-{number}",
        "summary": f"{marker}summary",
    }


def invoice_row(number: int, clients: int, marker: str) -> dict[str, Any]:
    return {
        "client_external_ref": f"{marker}client-{number % clients}",
        "external_ref": f"{marker}invoice-{number}",
        "issue_date": f"{2025 + number % 2}-{1 + number % 12:02}-{1 + number % 28:02}",
        "due_date": f"{2027 + number % 50 if number % 40 else 2026}-12-{1 + number % 28:02}",
        "issue": number % 5 != 0,
        "notes": f"{marker}a note",
        "lines": [{"description": f"{marker}work", "quantity": "1", "unit_price": f"{100 + number % 900}.50"}],
    }
