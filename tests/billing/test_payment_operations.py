"""Payments through GraphQL: what a bookkeeper asks and does. src/gql/billing/payments.py, credit_notes.py."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import pytest

from gql.database.pool import Database
from gql.engine.engine import Caller, Engine, Terms
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.doors import ORIGIN, permitted
from tests.harness.actors import as_tenant, context_of
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant
from tests.harness.verbs import new_client, new_invoice

RECORD: Final = """mutation($client: ID!, $lines: [AllocationInput!], $amount: Money!) {
  paymentRecord(input: {
    clientId: $client, method: "BANK_TRANSFER", amount: $amount, status: CONFIRMED, reference: "Bank 7",
    requestId: "request-1", allocations: $lines
  }) {
    payment {
      status amount appliedAmount unappliedAmount method { displayName }
      allocations { nodes { amount net invoice { status balance paidAmount paymentCount } } }
      client { outstanding balance lifetimePaid totalPayments }
    }
  }
}"""
BOOKS: Final = '{ payments { totalCount } ledgerTransfers(filter: {kind: {ne: "INVOICE_ISSUE"}}) { totalCount } }'
HEALTH: Final = "query($id: ID!) { client(id: $id) { health daysOverdue } }"


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[Engine]:
    opened = await Database.open(database.options())
    yield Engine(build_schema(), declarations(), opened, OPEN_FIELDS)
    await opened.close()


async def ask(engine: Engine, tenant: Tenant, source: str, role: str = "accountant", **variables: Any) -> Any:
    caller = Caller(await permitted(context_of(tenant, role)), ORIGIN)
    return json.loads(await engine.run(await engine.prepare(source, None, variables, introspection=False), caller))


async def invoiced(tenant: Tenant, **facts: Any) -> tuple[UUID, UUID]:
    """A client and its invoice of 300."""
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        return client_id, await new_invoice(connection, client_id, **facts)


def paying(client_id: UUID, invoice_id: UUID, amount: str, of_it: str) -> dict[str, Any]:
    return {
        "client": str(client_id),
        "amount": amount,
        "lines": [{"invoiceId": str(invoice_id), "amount": of_it}],
    }


async def test_a_payment_is_recorded_allocated_and_answered_at_once(engine: Engine, tenant: Tenant) -> None:
    answer = await ask(engine, tenant, RECORD, **paying(*await invoiced(tenant), "250", "200"))
    assert answer["data"]["paymentRecord"]["payment"] == {
        "status": "CONFIRMED",
        "amount": "250.00",
        "appliedAmount": "200.00",
        "unappliedAmount": "50.00",
        "method": {"displayName": "Bank Transfer"},
        "allocations": {
            "nodes": [
                {
                    "amount": "200.00",
                    "net": "200.00",
                    "invoice": {
                        "status": "PARTIALLY_PAID",
                        "balance": "100.00",
                        "paidAmount": "200.00",
                        "paymentCount": 1,
                    },
                }
            ]
        },
        "client": {"outstanding": "100.00", "balance": "50.00", "lifetimePaid": "250.00", "totalPayments": 1},
    }


async def test_a_retried_key_pays_once(engine: Engine, tenant: Tenant) -> None:
    variables = paying(*await invoiced(tenant), "250", "200")
    caller = Caller(await permitted(context_of(tenant)), ORIGIN)
    operation = await engine.prepare(RECORD, None, variables, introspection=False)
    first, again = [await engine.change(operation, caller, Terms(key="pay-once")) for _ in range(2)]
    assert (first.body, first.is_replay, again.is_replay) == (again.body, False, True)
    assert (await ask(engine, tenant, BOOKS))["data"] == {
        "payments": {"totalCount": 1},
        "ledgerTransfers": {"totalCount": 2},
    }


async def test_a_refused_payment_leaves_nothing(engine: Engine, tenant: Tenant) -> None:
    [error] = (await ask(engine, tenant, RECORD, **paying(*await invoiced(tenant), "500", "301")))["errors"]
    assert error["path"] == ["paymentRecord"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert (error["extensions"]["reason"], error["extensions"]["field"]) == (
        "ALLOCATION_TOO_LARGE",
        "input.allocations.amount",
    )
    assert (await ask(engine, tenant, BOOKS))["data"] == {
        "payments": {"totalCount": 0},
        "ledgerTransfers": {"totalCount": 0},
    }


async def test_nobody_pays_with_or_for_another_organisation(
    engine: Engine, tenant: Tenant, other_tenant: Tenant
) -> None:
    client_id, invoice_id = await invoiced(tenant)
    their_client, their_invoice = await invoiced(other_tenant)
    for who, what, reason in (
        (their_client, invoice_id, "CLIENT_NOT_FOUND"),
        (client_id, their_invoice, "INVOICE_NOT_FOUND"),
    ):
        [error] = (await ask(engine, tenant, RECORD, **paying(who, what, "10", "10")))["errors"]
        assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("NOT_FOUND", reason)
    for each in (tenant, other_tenant):
        assert (await ask(engine, each, BOOKS))["data"]["payments"]["totalCount"] == 0


@pytest.mark.parametrize(
    ("due", "paid", "health"),
    [
        (None, None, {"health": "GOOD", "daysOverdue": 0}),
        (1, None, {"health": "WARNING", "daysOverdue": 1}),
        (60, None, {"health": "WARNING", "daysOverdue": 60}),
        (61, None, {"health": "AT_RISK", "daysOverdue": 61}),
        (0, None, {"health": "GOOD", "daysOverdue": 0}),
        (61, 30, {"health": "EXCELLENT", "daysOverdue": 0}),
        (61, 31, {"health": "GOOD", "daysOverdue": 0}),
    ],
)
async def test_a_clients_health_in_each_case(
    engine: Engine, tenant: Tenant, due: int | None, paid: int | None, health: dict[str, Any]
) -> None:
    """Due so many days ago, on terms of 30 days, and paid so many days after its issue."""
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        if due is not None:
            days = await connection.fetchrow("select (core.today() - $1::int)::text, (core.today() - 120)::text", due)
            assert days is not None
            invoice_id = await new_invoice(connection, client_id, issue_date=days[1], due_date=days[0])
            if paid is not None:
                at = await connection.fetchval("select (core.today() - 120 + $1::int)::text", paid)
                payment = {"client_id": str(client_id), "method": "CASH", "amount": "300", "status": "CONFIRMED"}
                lines = [{"invoice_id": str(invoice_id), "amount": "300"}]
                facts = {**payment, "received_at": f"{at}T12:00Z", "allocations": lines}
                await connection.execute("select billing.payment_record($1::jsonb)", json.dumps(facts))
    assert (await ask(engine, tenant, HEALTH, id=str(client_id)))["data"]["client"] == health
