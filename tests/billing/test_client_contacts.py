"""Contacts: the people at a client. sql/billing/client_contacts.sql."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, refused, the_row

TABLE = "billing.client_contacts"
PRIMARY = "select name from billing.client_contacts where client_id = $1 and is_primary"


async def new_contact(connection: asyncpg.Connection, client_id: UUID, name: str = "Ann Carr", **facts: Any) -> UUID:
    made = await call(connection, "billing.client_contact_create", client_id=client_id, name=name, **facts)
    assert isinstance(made, UUID)
    return made


async def test_a_contact_is_entered_changed_and_removed(tenant: Tenant) -> None:
    async with as_tenant(tenant, "operator") as connection:
        client_id = await new_client(connection)
        contact_id = await new_contact(connection, client_id, email="ann@fen.example", role="Accounts payable")
        await call(connection, "billing.client_contact_update", id=contact_id, role=None, phone="+44 1353 000000")
        row = await the_row(connection, TABLE, contact_id)
        assert (row["client_id"], row["name"], row["email"]) == (client_id, "Ann Carr", "ann@fen.example")
        assert (row["role"], row["phone"], row["is_primary"]) == (None, "+44 1353 000000", False)
        await call(connection, "billing.client_contact_delete", id=contact_id)
        assert await connection.fetchval("select count(*) from billing.client_contacts") == 0


async def test_a_new_primary_contact_takes_the_place_of_the_old_one(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id, other_id = await new_client(connection), await new_client(connection)
        await new_contact(connection, other_id, "Elsewhere", is_primary=True)
        await new_contact(connection, client_id, "First", is_primary=True)
        await new_contact(connection, client_id, "Second", is_primary=True)
        assert await connection.fetchval(PRIMARY, client_id) == "Second"
        third = await new_contact(connection, client_id, "Third")
        assert await connection.fetchval(PRIMARY, client_id) == "Second"
        await call(connection, "billing.client_contact_update", id=third, is_primary=True)
        assert await connection.fetchval(PRIMARY, client_id) == "Third"
        await call(connection, "billing.client_contact_update", id=third, is_primary=False)
        assert await connection.fetchval(PRIMARY, client_id) is None
        assert await connection.fetchval(PRIMARY, other_id) == "Elsewhere"


async def test_two_people_who_choose_at_once_leave_one_primary_contact(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        contacts = [await new_contact(connection, client_id, f"Contact {n}") for n in range(6)]

    async def choose(contact_id: UUID) -> None:
        async with as_tenant(tenant) as connection:
            await call(connection, "billing.client_contact_update", id=contact_id, is_primary=True)

    await asyncio.gather(*map(choose, contacts))
    async with as_tenant(tenant) as connection:
        assert len(await connection.fetch(PRIMARY, client_id)) == 1


async def test_a_direct_writer_cannot_make_two_primary_contacts(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        client_id = await new_client(connection)
        await new_contact(connection, client_id)
        await new_contact(connection, client_id)
        with pytest.raises(asyncpg.UniqueViolationError, match="client_contacts_primary"):
            await connection.execute("update billing.client_contacts set is_primary = true")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"name": ""}, "NAME_INVALID"),
        ({"name": None}, "REQUIRED"),
        ({"email": "x"}, "EMAIL_INVALID"),
        ({"role": "x" * 501}, "TEXT_TOO_LONG"),
    ],
)
async def test_details_that_make_no_sense_are_refused(tenant: Tenant, facts: dict[str, Any], reason: str) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        with refused("BAD_USER_INPUT", reason):
            await new_contact(connection, client_id, **{"name": "Ann", **facts})
        contact_id = await new_contact(connection, client_id)
        with refused("BAD_USER_INPUT", reason):
            await call(connection, "billing.client_contact_update", id=contact_id, **facts)


async def test_a_contact_stays_with_its_client(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id, other_id = await new_client(connection), await new_client(connection)
        contact_id = await new_contact(connection, client_id)
        await call(connection, "billing.client_contact_update", id=contact_id, client_id=other_id)
        assert (await the_row(connection, TABLE, contact_id))["client_id"] == client_id


async def test_another_organisations_clients_and_contacts_are_unknown(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(other_tenant) as connection:
        foreign_client = await new_client(connection)
        foreign_contact = await new_contact(connection, foreign_client)
    async with as_tenant(tenant) as connection:
        for wanted in (foreign_client, uuid4()):
            with refused("NOT_FOUND", "CLIENT_NOT_FOUND") as told:
                await new_contact(connection, wanted)
            assert told.field == "input.clientId"
        for wanted in (foreign_contact, uuid4()):
            for verb in ("update", "delete"):
                with refused("NOT_FOUND", "CONTACT_NOT_FOUND"):
                    await call(connection, f"billing.client_contact_{verb}", id=wanted)


async def test_a_contact_cannot_refer_to_another_organisations_client(tenant: Tenant, other_tenant: Tenant) -> None:
    """The key begins with the tenant: a foreign id and an unknown one are the same error."""
    async with as_tenant(other_tenant) as connection:
        foreign = await new_client(connection)
    async with as_owner(tenant) as connection:
        for wanted in (foreign, uuid4()):
            with refused("NOT_FOUND", "REFERENCE_NOT_FOUND"):
                await connection.execute(
                    "insert into billing.client_contacts (tenant_id, client_id, name) values ($1, $2, 'Ann')",
                    tenant.tenant_id,
                    wanted,
                )
