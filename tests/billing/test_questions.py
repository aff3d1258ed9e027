"""The questions that billing must answer, each in one operation, by who may ask and what they see."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from gql.database.pool import Database
from gql.engine.engine import Caller, Engine
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.billing.money import on, pay
from tests.engine.doors import ORIGIN, permitted
from tests.harness.actors import as_tenant, context_of
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice


@dataclass(frozen=True)
class Shop:
    """A tenant with two clients: Ann, who owes and paid a part, and Bob, who has a draft and a failed payment."""

    engine: Engine
    tenant: Tenant
    ann: UUID
    paid: UUID
    """Ann's invoice INV-000002, paid whole by two payments."""

    async def ask(self, source: str, role: str = "viewer", scope: tuple[UUID, ...] = (), **variables: Any) -> Any:
        """The data of the answer."""
        caller = Caller(await permitted(context_of(self.tenant, role, scope)), ORIGIN)
        given = {name: str(value) for name, value in variables.items()}
        answer = json.loads(
            await self.engine.run(await self.engine.prepare(source, None, given, introspection=False), caller)
        )
        assert "errors" not in answer, answer
        return answer["data"]


@pytest.fixture(scope="module")
async def shop(database: TestDatabase) -> AsyncIterator[Shop]:
    tenant = await make_tenant()
    async with as_tenant(tenant) as connection:
        ann, bob = await new_client(connection, "Ann"), await new_client(connection, "Bob")
        await new_invoice(connection, ann, issue_date="2026-01-10", due_date="2026-01-31")
        paid = await new_invoice(connection, ann, issue_date="2026-02-01", due_date="2026-03-03")
        for amount, day in (("200", "02-11"), ("100", "03-01")):
            facts = {
                "received_at": f"2026-{day}T12:00:00Z",
                "processing_time_ms": int(amount),
                "request_id": f"r-{day}",
            }
            await pay(connection, ann, amount, allocations=on(paid, amount), **facts)
        await new_draft(connection, bob, issue_date="2026-02-01")
        for times in (0, 2):
            failed = await call(
                connection,
                "billing.payment_record",
                client_id=bob,
                method="CASH",
                amount="5",
                request_id=f"bob-{times}",
            )
            for _ in range(times):
                await call(connection, "billing.payment_fail", id=failed, reason="No funds")
                await call(connection, "billing.payment_retry", id=failed)
            await call(connection, "billing.payment_fail", id=failed, reason="No funds")
        method = await connection.fetchval("select id from billing.payment_methods where method_name = 'PAYPAL'")
        await call(connection, "billing.payment_method_update", id=method, is_active=False)
    opened = await Database.open(database.options(read_connections=1, write_connections=1))
    yield Shop(Engine(build_schema(), declarations(), opened, OPEN_FIELDS), tenant, ann, paid)
    await opened.close()


async def test_invoices_of_a_client_newest_first(shop: Shop) -> None:
    found = await shop.ask(
        "query($id: ID!) { client(id: $id) { invoices(orderBy: [ISSUE_DATE_DESC]) { nodes { number status } } } }",
        id=shop.ann,
    )
    assert found["client"]["invoices"]["nodes"] == [
        {"number": "INV-000002", "status": "PAID"},
        {"number": "INV-000001", "status": "SENT"},
    ]


async def test_invoices_by_status(shop: Shop) -> None:
    found = await shop.ask(
        """{ invoices(filter: {status: {in: [SENT, DRAFT]}}, orderBy: [ISSUE_DATE_ASC]) {
               nodes { status client { name } } }
             invoiceGroups(by: [STATUS]) { key { status } count total { sum } balance { sum } } }"""
    )
    assert [(each["status"], each["client"]["name"]) for each in found["invoices"]["nodes"]] == [
        ("SENT", "Ann"),
        ("DRAFT", "Bob"),
    ]
    groups = [
        (each["key"]["status"], each["count"], each["total"]["sum"], each["balance"]["sum"])
        for each in found["invoiceGroups"]
    ]
    assert groups == [("DRAFT", 1, "300.00", "300.00"), ("PAID", 1, "300.00", "0.00"), ("SENT", 1, "300.00", "300.00")]


async def test_overdue_invoices(shop: Shop) -> None:
    found = await shop.ask(
        "{ invoices(filter: {isOverdue: {eq: true}}, orderBy: [DUE_DATE_ASC]) { nodes { number isOverdue balance } } }"
    )
    assert found["invoices"]["nodes"] == [{"number": "INV-000001", "isOverdue": True, "balance": "300.00"}]


async def test_revenue_and_its_collection_by_month(shop: Shop) -> None:
    found = await shop.ask(
        """{ revenueByMonth(from: "2026-01-01", to: "2026-03-31") { month currency billed paid cash refunded credited }
             collectionByMonth(from: "2026-02-01", to: "2026-02-01") {
               collected billed collectionRate receivable days daysSalesOutstanding } }"""
    )
    none = {"currency": "EUR", "refunded": "0.00", "credited": "0.00"}
    assert found["revenueByMonth"] == [
        {"month": "2026-01-01", "billed": "300.00", "paid": "0.00", "cash": "0.00", **none},
        {"month": "2026-02-01", "billed": "300.00", "paid": "0.00", "cash": "200.00", **none},
        {"month": "2026-03-01", "billed": "0.00", "paid": "300.00", "cash": "100.00", **none},
    ]
    assert found["collectionByMonth"] == [
        {
            "collected": "200.00",
            "billed": "300.00",
            "collectionRate": "0.6667",
            "receivable": "400.00",
            "days": 28,
            "daysSalesOutstanding": "37.33",
        }
    ]


async def test_client_statistics(shop: Shop) -> None:
    found = await shop.ask(
        """query($id: ID!) { client(id: $id) {
             outstanding avgPaymentDays lifetimeBilled lifetimePaid
             invoiceGroups(by: [STATUS]) { key { status } count total { sum } } }
           clientGroups(by: [STATUS]) { key { status } count outstanding { sum } } }""",
        id=shop.ann,
    )
    client = found["client"]
    assert (client["outstanding"], client["avgPaymentDays"]) == ("300.00", "28.00")
    assert (client["lifetimeBilled"], client["lifetimePaid"]) == ("600.00", "300.00")
    assert [(each["key"]["status"], each["count"], each["total"]["sum"]) for each in client["invoiceGroups"]] == [
        ("PAID", 1, "300.00"),
        ("SENT", 1, "300.00"),
    ]
    assert found["clientGroups"] == [{"key": {"status": "ACTIVE"}, "count": 2, "outstanding": {"sum": "300.00"}}]


async def test_a_statement_of_account_as_of_a_day(shop: Shop) -> None:
    found = await shop.ask(
        """query($id: ID!) { client(id: $id) {
             statement(from: "2026-02-01", to: "2026-02-28") { kind effectiveDate amount balance invoice { number } }
             before: statement(to: "2026-01-31") { kind balance } } }""",
        id=shop.ann,
    )
    assert [(each["kind"], each["amount"], each["balance"]) for each in found["client"]["statement"]] == [
        ("OPENING_BALANCE", None, "300.00"),
        ("INVOICE", "300.00", "600.00"),
        ("PAYMENT", "-200.00", "400.00"),
        ("CLOSING_BALANCE", None, "400.00"),
    ]
    assert found["client"]["statement"][1]["invoice"] == {"number": "INV-000002"}
    assert found["client"]["before"][-1] == {"kind": "CLOSING_BALANCE", "balance": "300.00"}


async def test_ageing_per_client_and_total_and_by_last_payment(shop: Shop) -> None:
    found = await shop.ask(
        """{ ageing(asOf: "2026-02-28") { client { name } notDue days1To30 days31To60 total unapplied lastPaymentDate }
             ageingTotals(asOf: "2026-02-28") { currency clientCount notDue days1To30 total }
             ageingByLastPayment(asOf: "2026-02-28") { lastPayment clientCount total } }"""
    )
    assert found["ageing"] == [
        {
            "client": {"name": "Ann"},
            "notDue": "100.00",
            "days1To30": "300.00",
            "days31To60": "0.00",
            "total": "400.00",
            "unapplied": "0.00",
            "lastPaymentDate": "2026-02-11",
        }
    ]
    assert found["ageingTotals"] == [
        {"currency": "EUR", "clientCount": 1, "notDue": "100.00", "days1To30": "300.00", "total": "400.00"}
    ]
    assert found["ageingByLastPayment"] == [{"lastPayment": "DAYS_0_TO_30", "clientCount": 1, "total": "400.00"}]


async def test_payments_by_request_id(shop: Shop) -> None:
    found = await shop.ask('{ payments(filter: {requestId: {eq: "r-02-11"}}) { nodes { amount client { name } } } }')
    assert found["payments"]["nodes"] == [{"amount": "200.00", "client": {"name": "Ann"}}]


async def test_failed_payments_by_retry_count(shop: Shop) -> None:
    found = await shop.ask(
        """{ payments(filter: {status: {eq: FAILED}}, orderBy: [RETRY_COUNT_DESC]) {
               nodes { retryCount failureReason } }
             stubborn: payments(filter: {status: {eq: FAILED}, retryCount: {gte: 1}}) { totalCount } }"""
    )
    assert [each["retryCount"] for each in found["payments"]["nodes"]] == [2, 0]
    assert found["stubborn"]["totalCount"] == 1


async def test_processing_times_by_method(shop: Shop) -> None:
    found = await shop.ask(
        """{ processingTimes(from: "2026-01-01", to: "2026-03-31") {
             method { methodName } paymentCount failedCount p50 p95 p99 } }"""
    )
    assert found["processingTimes"] == [
        {
            "method": {"methodName": "CASH"},
            "paymentCount": 2,
            "failedCount": 0,
            "p50": "150.00",
            "p95": "195.00",
            "p99": "199.00",
        }
    ]


async def test_payment_history_of_an_invoice_and_of_a_client(shop: Shop) -> None:
    found = await shop.ask(
        """query($invoice: ID!, $client: ID!) {
          invoice(id: $invoice) { paymentCount partialPaymentCount allocations(orderBy: [CREATED_AT_ASC]) {
            nodes { net effectiveDate payment { receivedOn status refunds { amount } } } } }
          client(id: $client) { payments(orderBy: [RECEIVED_AT_DESC]) { nodes { amount allocations { nodes {
            invoice { number } } } } } } }""",
        invoice=shop.paid,
        client=shop.ann,
    )
    assert (found["invoice"]["paymentCount"], found["invoice"]["partialPaymentCount"]) == (2, 1)
    assert found["invoice"]["allocations"]["nodes"] == [
        {"net": net, "effectiveDate": day, "payment": {"receivedOn": day, "status": "CONFIRMED", "refunds": []}}
        for net, day in (("200.00", "2026-02-11"), ("100.00", "2026-03-01"))
    ]
    on_it = {"nodes": [{"invoice": {"number": "INV-000002"}}]}
    assert found["client"]["payments"]["nodes"] == [
        {"amount": "100.00", "allocations": on_it},
        {"amount": "200.00", "allocations": on_it},
    ]


async def test_active_methods_by_category(shop: Shop) -> None:
    found = await shop.ask(
        """{ paymentMethods(filter: {isActive: {eq: true}, category: {eq: DIGITAL}}) { nodes { methodName } }
             paymentMethodGroups(filter: {isActive: {eq: true}}, by: [CATEGORY]) { key { category } count } }"""
    )
    names = [each["methodName"] for each in found["paymentMethods"]["nodes"]]
    assert names == ["BUY_NOW_PAY_LATER", "CARD", "DIGITAL_WALLET", "INVOICE_FINANCING", "STRIPE"]
    assert {each["key"]["category"]: each["count"] for each in found["paymentMethodGroups"]} == {
        "CRYPTO": 1,
        "DIGITAL": 5,
        "MOBILE": 1,
        "TRADITIONAL": 7,
    }


REPORTS = """query($id: ID!) {
  ageing { total } ageingTotals { total } ageingByLastPayment { total } revenueByMonth(from: "2026-01-01") { billed }
  collectionByMonth(from: "2026-01-01") { billed } processingTimes(from: "2026-01-01") { paymentCount }
  client(id: $id) { statement { balance } } }"""


async def test_a_member_asks_about_their_own_clients_alone(shop: Shop) -> None:
    mine = await shop.ask(REPORTS, "member", (shop.ann,), id=shop.ann)
    assert all(mine.values())
    others = await shop.ask(REPORTS, "member", (shop.tenant.tenant_id,), id=shop.ann)
    assert others == {name: None if name == "client" else [] for name in mine}
