"""The demo in the database: made through the public operations, once."""

import json
from typing import Any
from uuid import UUID

import pytest

from gql.billing.invoices import InvoiceStatus
from gql.demo import DISTRIBUTOR, INVOICERS, ORGANISATIONS, PASSWORD, STUDIO
from gql.settings import Settings
from tests.billing.money import miscounted, wrong
from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.command_line import ORDERS, countinghouse, environment
from tests.harness.tenants import Person, Tenant

EVERYTHING = """
select (select count(*) from iam.tenants), (select count(*) from iam.users), (select count(*) from iam.memberships),
       (select count(*) from billing.clients), (select count(*) from billing.client_contacts),
       (select count(*) from billing.client_notes), (select count(*) from billing.invoices),
       (select max(updated_at) from billing.invoices), (select max(updated_at) from billing.clients),
       (select count(*) from billing.payments), (select max(updated_at) from billing.payments),
       (select count(*) from billing.credit_notes), (select count(*) from billing.payment_refunds),
       (select count(*) from trade.orders), (select max(updated_at) from trade.orders),
       (select count(*) from trade.retailer_payments), (select max(updated_at) from trade.retailer_payments),
       (select count(*) from trade.products), (select max(updated_at) from trade.vendor_products),
       (select count(*) from trade.credit_lines), (select max(updated_at) from trade.credit_lines),
       (select max(created_at) from core.audit_log where user_agent = 'countinghouse demo')
"""
TENANT = """
select id as tenant_id, slug, name, currency::text, time_zone, fiscal_year_start from iam.tenants
where id = $1::text::uuid
"""
OVERDUE = """
select count(*) from billing.invoices
where tenant_id = $1::text::uuid and status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and due_date < current_date
"""


async def made(settings: Settings) -> dict[str, Any]:
    outcome = await countinghouse("demo", "--json", env=environment(settings))
    assert (outcome.status, outcome.err) == (0, "")
    described: dict[str, Any] = json.loads(outcome.out)
    return described


@pytest.fixture(scope="module")
async def demo(settings: Settings) -> dict[str, Any]:
    """What the command says about the demo that it made."""
    return await made(settings)


async def test_it_tells_the_organisations_and_who_can_sign_in(demo: dict[str, Any]) -> None:
    assert demo["password"] == PASSWORD
    assert len(PASSWORD) >= 12
    told = [(each["slug"], each["name"], [user["email"] for user in each["users"]]) for each in demo["organisations"]]
    assert told == [(each.slug, each.name, [person.email for person in each.people]) for each in ORGANISATIONS]
    *invoicers, distributor = demo["organisations"]
    assert [(each["clients"], each["invoices"]) for each in invoicers] == [
        (len(each.customers), each.invoices) for each in INVOICERS
    ]
    assert (distributor["vendors"], distributor["orders"]) == (len(DISTRIBUTOR.vendors), ORDERS)
    tokens = [user["accessToken"] for each in demo["organisations"] for user in each["users"]]
    assert len(set(tokens)) == len(tokens) == 12


async def test_a_second_time_nothing_changes(demo: dict[str, Any], settings: Settings) -> None:
    async with as_superuser() as connection:
        before = await connection.fetchrow(EVERYTHING)
        again = await made(settings)
        assert await connection.fetchrow(EVERYTHING) == before
    assert [each["id"] for each in again["organisations"]] == [each["id"] for each in demo["organisations"]]


@pytest.mark.parametrize("place", range(len(INVOICERS)), ids=lambda place: INVOICERS[place].slug)
async def test_invoices_have_every_status_several_currencies_and_numbers_by_date(
    place: int, demo: dict[str, Any]
) -> None:
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select status, currency::text, number, issue_date, due_date, total from billing.invoices"
            " where tenant_id = $1::text::uuid order by number nulls last",
            demo["organisations"][place]["id"],
        )
    assert {row["status"] for row in rows} == {each.value for each in InvoiceStatus}
    assert len({row["currency"] for row in rows}) >= 3
    issued = [row for row in rows if row["number"]]
    assert [row["number"] for row in issued] == [f"INV-{number:06}" for number in range(1, len(issued) + 1)]
    assert [row["issue_date"] for row in issued] == sorted(row["issue_date"] for row in issued)
    assert all(row["total"] > 0 for row in rows if row["status"] != "PAID")


@pytest.mark.parametrize("place", range(len(INVOICERS)), ids=lambda place: INVOICERS[place].slug)
async def test_payments_and_credit_notes_are_such_as_one_meets(place: int, demo: dict[str, Any]) -> None:
    tenant_id = demo["organisations"][place]["id"]
    async with as_superuser() as connection:
        payments = await connection.fetch(
            "select status, is_reconciled, unapplied_amount, refunded_amount, method_name from billing.payments p"
            " join billing.payment_methods m on m.id = method_id where p.tenant_id = $1::text::uuid",
            tenant_id,
        )
        notes = await connection.fetch(
            "select number, issue_date from billing.credit_notes where tenant_id = $1::text::uuid order by number",
            tenant_id,
        )
        assert (await connection.fetchval(OVERDUE, tenant_id)) >= 5
        facts = await connection.fetchrow(TENANT, tenant_id)
    assert facts is not None
    tenant = Tenant(**facts, owner=Person(UUID(demo["organisations"][place]["users"][0]["id"]), "", "", "owner"))
    async with as_tenant(tenant) as connection:
        assert await wrong(connection) == []
    async with as_owner(tenant) as connection:
        assert await miscounted(connection) == []
    assert {row["status"] for row in payments} == {"PENDING", "CONFIRMED", "FAILED", "REVERSED"}
    assert len({row["method_name"] for row in payments}) >= 4
    assert {row["is_reconciled"] for row in payments} == {True, False}
    assert sum(row["unapplied_amount"] > 0 for row in payments) == 3
    assert sum(row["refunded_amount"] > 0 for row in payments) == 2
    assert [row["number"] for row in notes] == [f"CN-{number:06}" for number in range(1, 9)]
    assert [row["issue_date"] for row in notes] == sorted(row["issue_date"] for row in notes)


async def test_a_member_speaks_for_one_client(demo: dict[str, Any]) -> None:
    async with as_superuser() as connection:
        names = await connection.fetchval(
            "select array_agg(name) from billing.clients where id = any ((select scope_ids from iam.memberships"
            " where role = 'member' and tenant_id = $1::text::uuid)::uuid[])",
            demo["organisations"][0]["id"],
        )
    assert names == ["Harbour Books"]


async def test_everything_was_entered_by_the_owner_and_stands_in_the_audit_log(demo: dict[str, Any]) -> None:
    studio = demo["organisations"][0]
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select distinct user_id::text, user_agent from core.audit_log"
            " where tenant_id = $1::text::uuid and entity_type in ('CLIENT', 'INVOICE')",
            studio["id"],
        )
    assert [tuple(row) for row in rows] == [(studio["users"][0]["id"], "countinghouse demo")]
    assert studio["slug"] == STUDIO.slug


async def test_people_see_a_list_without_tokens(demo: dict[str, Any], settings: Settings) -> None:
    outcome = await countinghouse("demo", env=environment(settings))
    assert outcome.out.splitlines()[0] == "Lark & Finch Design (lark-and-finch): 18 clients, 150 invoices"
    assert outcome.out.splitlines()[-1] == f"Everybody's password: {demo['password']}"
    assert "eyJ" not in outcome.out


async def test_it_is_not_made_in_production(settings: Settings) -> None:
    outcome = await countinghouse("demo", env=environment(settings, ENVIRONMENT="production"))
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("countinghouse: The demo's passwords are known to everybody")
