"""Messages: taken once, kept as they came. sql/trade/messages.sql."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused, the_row

TABLE = "trade.messages"


def message(**facts: Any) -> dict[str, Any]:
    return {
        "message_id": f"wamid.{uuid4().hex}",
        "from_number": "+254700000002",
        "to_number": "+254700000001",
        "direction": "INBOUND",
        "body": "Good morning",
        **facts,
    }


async def test_a_message_that_comes_many_times_at_once_is_there_once(tenant: Tenant) -> None:
    said = message()

    async def bring() -> UUID:
        async with as_tenant(tenant, "operator") as connection:
            found = await call(connection, "trade.message_ingest", **said)
            assert isinstance(found, UUID)
            return found

    assert len(set(await asyncio.gather(*(bring() for _ in range(8))))) == 1
    async with as_tenant(tenant) as connection:
        assert await connection.fetchval(f"select count(*) from {TABLE}") == 1
        found = await call(connection, "trade.message_ingest", **{**said, "body": "Another text"})
        row = await the_row(connection, TABLE, found)
        assert (row["body"], row["conversation_id"], row["is_processed"]) == ("Good morning", "+254700000002", False)


async def test_two_organisations_may_have_the_same_message(tenant: Tenant, other_tenant: Tenant) -> None:
    said = message()
    for each in (tenant, other_tenant):
        async with as_tenant(each) as connection:
            await call(connection, "trade.message_ingest", **said)
            assert await connection.fetchval(f"select count(*) from {TABLE}") == 1


async def test_a_retailer_is_known_by_their_number(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        retailer = await call(
            connection, "trade.retailer_create", retailer_code="R-1", name="Corner Shop", phone="+254700000002"
        )
        inbound = await call(connection, "trade.message_ingest", **message())
        outbound = await call(
            connection,
            "trade.message_ingest",
            **message(direction="OUTBOUND", from_number="+254700000001", to_number="+254700000002"),
        )
        assert (await the_row(connection, TABLE, inbound))["retailer_id"] == retailer
        row = await the_row(connection, TABLE, outbound)
        assert (row["retailer_id"], row["conversation_id"]) == (None, "+254700000002")


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"message_id": ""}, "messages_message_id_check"),
        ({"from_number": "0712"}, "messages_from_number_check"),
        ({"to_number": "+0712345678"}, "messages_to_number_check"),
        ({"direction": "SIDEWAYS"}, "messages_direction_check"),
        ({"body": "x" * 4097}, "messages_body_check"),
        ({"media": {"x": "y" * 20_000}}, "messages_media_check"),
        ({"media": [1]}, "json_object_is_object"),
        ({"conversation_id": "x" * 201}, "messages_conversation_id_check"),
    ],
)
async def test_what_is_wrong_is_refused_by_the_table(tenant: Tenant, wrong: dict[str, Any], constraint: str) -> None:
    async with as_tenant(tenant) as connection:
        with pytest.raises(asyncpg.CheckViolationError) as refusal:
            await call(connection, "trade.message_ingest", **message(**wrong))
        assert refusal.value.constraint_name == constraint


async def test_a_person_sees_to_a_message_once(tenant: Tenant) -> None:
    async with as_tenant(tenant, "operator") as connection:
        made = await call(connection, "trade.message_ingest", **message())
        await call(connection, "trade.message_process", id=made, note="Called back")
        row = await the_row(connection, TABLE, made)
        assert (row["outcome"], row["outcome_text"], row["is_processed"]) == ("BY_HAND", "Called back", True)
        with refused("CONFLICT", "MESSAGE_PROCESSED"):
            await call(connection, "trade.message_process", id=made)
        with refused("NOT_FOUND", "MESSAGE_NOT_FOUND"):
            await call(connection, "trade.message_process", id=uuid4())


async def test_it_stays_as_it_came_whoever_writes(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        made = await call(connection, "trade.message_ingest", **message())
    async with as_owner(tenant) as connection:
        for change in ("body = 'x'", "from_number = '+254700000009'", "message_id = 'x'", "sent_at = now()"):
            with refused("CONFLICT", "MESSAGE_FIXED"):
                await connection.execute(f"update {TABLE} set {change} where id = $1", made)
        with refused("CONFLICT", "APPEND_ONLY"):
            await connection.execute(f"delete from {TABLE} where id = $1", made)
        with refused("CONFLICT", "APPEND_ONLY"):
            await connection.execute(f"truncate {TABLE} cascade")


@pytest.mark.parametrize("role", ["accountant", "viewer", "member", "vendor", "retailer", "worker", ""])
async def test_only_who_trades_writes(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        for function in ("trade.message_ingest", "trade.message_process"):
            with refused("FORBIDDEN", "PERMISSION_MISSING"):
                await call(connection, function, **message(id=uuid4()))


@pytest.mark.parametrize("role", ["owner", "operator", "vendor", ""])
async def test_what_the_server_takes_for_a_messenger_no_person_brings(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await connection.execute("select trade.messages_receive($1::jsonb)", json.dumps([message()]))
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await connection.execute("select trade.message_read($1)", uuid4())


async def test_vendors_retailers_and_other_organisations_see_none(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        retailer = await call(
            connection, "trade.retailer_create", retailer_code="R-1", name="Corner Shop", phone="+254700000002"
        )
        await call(connection, "trade.message_ingest", **message())
    async with (
        as_tenant(tenant, "retailer", [retailer]) as one,
        as_tenant(tenant, "vendor", [uuid4()]) as two,
        as_tenant(other_tenant) as three,
    ):
        for connection in (one, two, three):
            assert await connection.fetchval(f"select count(id) from {TABLE}") == 0
