"""Notes: what the organisation's own people remember about a client. sql/billing/client_notes.sql."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.harness.actors import as_analyst, as_tenant
from tests.harness.tenants import Tenant, make_person
from tests.harness.verbs import call, new_client, refused, the_row

TABLE = "billing.client_notes"


async def test_a_note_is_written_by_somebody_changed_and_removed(tenant: Tenant) -> None:
    person = await make_person(tenant, "operator")
    async with as_tenant(tenant, "operator", user_id=person.user_id) as connection:
        client_id = await new_client(connection)
        note_id = await call(connection, "billing.client_note_create", client_id=client_id, content="Pays early.")
        row = await the_row(connection, TABLE, note_id)
        assert (row["content"], row["type"], row["created_by"]) == ("Pays early.", "GENERAL", person.user_id)
    async with as_tenant(tenant) as connection:
        await call(connection, "billing.client_note_update", id=note_id, type="COMPLIMENT")
        row = await the_row(connection, TABLE, note_id)
        assert (row["content"], row["type"], row["created_by"]) == ("Pays early.", "COMPLIMENT", person.user_id)
        await call(connection, "billing.client_note_delete", id=note_id)
        assert await connection.fetchval("select count(*) from billing.client_notes") == 0


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"content": "  "}, "CONTENT_INVALID"),
        ({"content": "x" * 20001}, "CONTENT_INVALID"),
        ({"content": None}, "REQUIRED"),
        ({"type": "GOSSIP"}, "TYPE_UNKNOWN"),
    ],
)
async def test_a_note_that_makes_no_sense_is_refused(tenant: Tenant, facts: dict[str, Any], reason: str) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        with refused("BAD_USER_INPUT", reason):
            await call(connection, "billing.client_note_create", **{"client_id": client_id, "content": "x", **facts})
        note_id = await call(connection, "billing.client_note_create", client_id=client_id, content="x")
        with refused("BAD_USER_INPUT", reason):
            await call(connection, "billing.client_note_update", id=note_id, **facts)


async def test_the_client_never_sees_what_is_noted_about_them(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        await call(connection, "billing.client_note_create", client_id=client_id, content="Pays late.")
    for role, seen in (("viewer", 1), ("operator", 1), ("member", 0)):
        scope: list[UUID] = [client_id] if role == "member" else []
        async with as_tenant(tenant, role, scope) as connection:
            assert await connection.fetchval("select count(*) from billing.client_notes") == seen
    async with as_analyst(tenant) as connection:
        assert await connection.fetchval("select count(*) from billing.client_notes") == 1


async def test_another_organisations_clients_and_notes_are_unknown(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(other_tenant) as connection:
        foreign_client = await new_client(connection)
        foreign = await call(connection, "billing.client_note_create", client_id=foreign_client, content="x")
    async with as_tenant(tenant) as connection:
        for wanted in (foreign_client, uuid4()):
            with refused("NOT_FOUND", "CLIENT_NOT_FOUND") as told:
                await call(connection, "billing.client_note_create", client_id=wanted, content="x")
            assert told.field == "input.clientId"
        for wanted in (foreign, uuid4()):
            for verb in ("update", "delete"):
                with refused("NOT_FOUND", "NOTE_NOT_FOUND"):
                    await call(connection, f"billing.client_note_{verb}", id=wanted)
