"""Messages that were sent long ago, and their packs."""

import json
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID, uuid4

from tests.harness.actors import as_tenant
from tests.harness.tenants import Tenant

LONG_AGO: Final = "2024-01-31T00:00:00Z"
OURS: Final = "+254700000001"
THEIRS: Final = "+254700000002"
PACK: Final = "select trade.messages_pack($1)"


def sent(body: str | None, **facts: Any) -> dict[str, Any]:
    """A message that went out long ago."""
    numbers = {"from_number": OURS, "to_number": THEIRS, "direction": "OUTBOUND"}
    return {"message_id": f"wamid.{uuid4().hex}", **numbers, "body": body, "sent_at": LONG_AGO, **facts}


async def bring(tenant: Tenant, messages: Iterable[dict[str, Any]]) -> list[UUID]:
    """Have a messenger bring these; their ids."""
    brought = list(messages)
    async with as_tenant(tenant, "worker") as working:
        await working.execute("select trade.messages_receive($1::jsonb)", json.dumps(brought))
        rows = await working.fetch("select message_id, id from trade.messages")
    ids = {row["message_id"]: row["id"] for row in rows}
    return [ids[message["message_id"]] for message in brought]


async def packed(tenant: Tenant, enough: int = 1) -> dict[UUID, tuple[UUID, int]]:
    """Have the worker pack what comes to so many bytes; which messages then are packed, and where."""
    async with as_tenant(tenant, "worker") as working:
        while await working.fetchval(PACK, enough):
            pass
        rows = await working.fetch("select id, pack_id, pack_place from trade.messages where pack_id is not null")
    return {row["id"]: (row["pack_id"], row["pack_place"]) for row in rows}
