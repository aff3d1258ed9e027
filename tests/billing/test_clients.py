"""Clients: their verbs, and what each refuses. sql/billing/clients.sql."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, new_client, new_draft, new_invoice, refused, the_row

TABLE = "billing.clients"
DETAILS = {
    "name": "Fen Orchards Ltd",
    "email": "Accounts@Fen.example",
    "phone": "+44 1353 000000",
    "address": "1 Quay Lane",
    "city": "Ely",
    "state": "Cambridgeshire",
    "zip_code": "CB7 4AU",
    "country": "GB",
    "tax_id": "GB123456789",
    "website": "https://fen.example",
    "payment_terms": "NET_15",
    "currency": "GBP",
    "summary": "Pays early.",
    "external_ref": "crm-17",
}


async def test_a_client_is_entered_with_all_its_details(tenant: Tenant) -> None:
    async with as_tenant(tenant, "operator") as connection:
        client_id = await call(connection, "billing.client_create", **DETAILS, metadata={"tier": 2})
        row = await the_row(connection, TABLE, client_id)
    assert {key: row[key] for key in DETAILS} == DETAILS
    assert json.loads(row["metadata"]) == {"tier": 2}
    assert (row["status"], row["deleted_at"], row["tenant_id"]) == ("ACTIVE", None, tenant.tenant_id)
    assert (row["name_key"], row["email_key"]) == ("fen orchards ltd", "accounts@fen.example")


async def test_a_name_is_enough_and_the_rest_has_defaults() -> None:
    tenant = await make_tenant(currency="CHF")
    async with as_tenant(tenant) as connection:
        row = await the_row(connection, TABLE, await call(connection, "billing.client_create", name="Ann"))
    assert (row["currency"], row["payment_terms"], row["status"], row["metadata"]) == ("CHF", "NET_30", "ACTIVE", "{}")


@pytest.mark.parametrize(
    ("facts", "reason", "field"),
    [
        ({"name": ""}, "NAME_INVALID", "input.name"),
        ({"name": " Ann"}, "NAME_INVALID", "input.name"),
        ({"name": "x" * 201}, "NAME_INVALID", "input.name"),
        ({"name": None}, "REQUIRED", "input.name"),
        ({"email": "nowhere"}, "EMAIL_INVALID", "input.email"),
        ({"country": "gb"}, "COUNTRY_INVALID", "input.country"),
        ({"website": "javascript:alert(1)"}, "WEBSITE_INVALID", "input.website"),
        ({"payment_terms": "NET_45"}, "PAYMENT_TERMS_UNKNOWN", "input.paymentTerms"),
        ({"currency": "eur"}, "CURRENCY_CODE", None),
        ({"currency": "KWD"}, "CURRENCY_DECIMALS", None),
        ({"external_ref": ""}, "EXTERNAL_REF_INVALID", "input.externalRef"),
        ({"phone": "1" * 501}, "TEXT_TOO_LONG", None),
        ({"metadata": "text"}, "JSON_OBJECT_REQUIRED", None),
    ],
)
async def test_details_that_make_no_sense_are_refused(
    tenant: Tenant, facts: dict[str, Any], reason: str, field: str | None
) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", reason) as told:
            await call(connection, "billing.client_create", **{"name": "Ann", **facts})
        assert told.field == field
        client_id = await new_client(connection)
        with refused("BAD_USER_INPUT", reason):
            await call(connection, "billing.client_update", id=client_id, **facts)
        assert await connection.fetchval("select count(*) from billing.clients") == 1


async def test_what_is_left_out_stays_and_null_empties(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await call(connection, "billing.client_create", **DETAILS)
        await call(connection, "billing.client_update", id=client_id, phone=None, city="March")
        row = await the_row(connection, TABLE, client_id)
    assert {key: row[key] for key in DETAILS} == {**DETAILS, "phone": None, "city": "March"}


async def test_an_update_cannot_reach_what_is_not_input(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        before = await the_row(connection, TABLE, client_id)
        await call(
            connection,
            "billing.client_update",
            id=client_id,
            tenant_id=other_tenant.tenant_id,
            deleted_at="2026-01-01",
            created_at="2000-01-01",
            name_key="x",
        )
        after = await the_row(connection, TABLE, client_id)
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


async def test_an_external_reference_names_one_client_of_an_organisation(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            await new_client(connection, external_ref="crm-1")
            await new_client(connection)
            await new_client(connection)
            with refused("CONFLICT", "EXTERNAL_REF_TAKEN") as told:
                await new_client(connection, external_ref="crm-1")
            assert told.field == "input.externalRef"


async def test_a_client_is_archived_and_restored(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await call(connection, "billing.client_archive", id=client_id)
        assert (await the_row(connection, TABLE, client_id))["status"] == "ARCHIVED"
        with refused("CONFLICT", "CLIENT_ARCHIVED"):
            await call(connection, "billing.client_archive", id=client_id)
        await call(connection, "billing.client_restore", id=client_id)
        assert (await the_row(connection, TABLE, client_id))["status"] == "ACTIVE"
        with refused("CONFLICT", "CLIENT_NOT_ARCHIVED"):
            await call(connection, "billing.client_restore", id=client_id)


async def test_an_update_makes_a_client_inactive_but_neither_archives_nor_restores(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await call(connection, "billing.client_update", id=client_id, status="INACTIVE")
        with refused("BAD_USER_INPUT", "STATUS_BY_UPDATE"):
            await call(connection, "billing.client_update", id=client_id, status="ARCHIVED")
        with refused("BAD_USER_INPUT", "STATUS_UNKNOWN"):
            await call(connection, "billing.client_update", id=client_id, status="DORMANT")
        await call(connection, "billing.client_archive", id=client_id)
        with refused("BAD_USER_INPUT", "STATUS_BY_UPDATE"):
            await call(connection, "billing.client_update", id=client_id, status="ACTIVE")


async def test_an_archived_client_gets_no_new_invoices(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, "Fen Orchards")
        draft_id = await new_draft(connection, client_id)
        await call(connection, "billing.client_archive", id=client_id)
        with refused("CONFLICT", "CLIENT_ARCHIVED") as told:
            await new_draft(connection, client_id)
        assert told.message == "Fen Orchards is archived. Restore the client before you invoice it."
        with refused("CONFLICT", "CLIENT_ARCHIVED"):
            await call(connection, "billing.invoice_issue", id=draft_id)


async def test_a_client_with_anything_open_cannot_be_deleted(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        for make in (new_draft, new_invoice):
            client_id = await new_client(connection)
            invoice_id = await make(connection, client_id)
            with refused("CONFLICT", "CLIENT_HAS_OPEN_INVOICES"):
                await call(connection, "billing.client_delete", id=client_id)
            await call(connection, "billing.invoice_void", id=invoice_id, reason="Entered twice")
            await call(connection, "billing.client_delete", id=client_id)


async def test_a_deleted_client_is_gone_for_every_verb_and_its_invoices_stay(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, external_ref="crm-1")
        invoice_id = await new_invoice(connection, client_id)
        await call(connection, "billing.client_contact_create", client_id=client_id, name="Ann")
        await call(connection, "billing.client_note_create", client_id=client_id, content="Pays early.")
        await call(connection, "billing.invoice_void", id=invoice_id, reason="Entered twice")
        await call(connection, "billing.client_delete", id=client_id)
        assert await connection.fetchval("select count(*) from billing.client_contacts") == 0
        assert await connection.fetchval("select count(*) from billing.client_notes") == 0
        for verb in ("update", "archive", "restore", "delete"):
            with refused("NOT_FOUND", "CLIENT_NOT_FOUND"):
                await call(connection, f"billing.client_{verb}", id=client_id)
        with refused("NOT_FOUND", "CLIENT_NOT_FOUND") as told:
            await new_draft(connection, client_id)
        assert told.field == "input.clientId"
        row = await the_row(connection, TABLE, client_id)
        assert row["deleted_at"] is not None
        assert (await the_row(connection, "billing.invoices", invoice_id))["client_id"] == client_id
        assert await new_client(connection, external_ref="crm-1") != client_id


async def test_another_organisations_client_is_as_unknown_as_one_that_never_was(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    async with as_tenant(other_tenant) as connection:
        foreign = await new_client(connection)
    told: list[tuple[str, str | None]] = []
    async with as_tenant(tenant) as connection:
        for wanted in (foreign, uuid4()):
            for verb in ("update", "archive", "restore", "delete"):
                with refused("NOT_FOUND", "CLIENT_NOT_FOUND") as refusal:
                    await call(connection, f"billing.client_{verb}", id=wanted, name="Mine now")
                told.append((refusal.message, refusal.field))
    assert len(set(told)) == 1


async def test_an_id_that_is_none_is_refused(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", "INVALID_VALUE"):
            await call(connection, "billing.client_archive", id="7")
        with refused("NOT_FOUND", "CLIENT_NOT_FOUND"):
            await call(connection, "billing.client_archive")


@pytest.mark.parametrize(
    "statement",
    [
        "update billing.clients set tenant_id = $1",
        "insert into billing.clients (tenant_id, name, currency) values ($1, 'Mine', 'EUR')",
    ],
)
async def test_a_direct_writer_cannot_put_a_client_elsewhere(
    tenant: Tenant, other_tenant: Tenant, statement: str
) -> None:
    async with as_owner(tenant) as connection:
        await new_client(connection)
        with refused("FORBIDDEN", "NOT_PERMITTED"):
            await connection.execute(statement, other_tenant.tenant_id)
