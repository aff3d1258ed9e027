"""Trade's questions, answered a second time."""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from hashlib import md5
from typing import Any, Final
from uuid import UUID

from tests.engine.naive.world import Thing, World

Arguments = Mapping[str, Any]
Rows = list[dict[str, Any]]


def _made(*parts: Any) -> UUID:
    """The id of a line that is no row of its own."""
    return UUID(md5(":".join(str(part) for part in parts).encode(), usedforsecurity=False).hexdigest())


def _retailer_stats(world: World, arguments: Arguments, about: Thing | None) -> Rows:
    asked = about.id if about else arguments.get("retailer") and UUID(arguments["retailer"])
    found: dict[tuple[UUID, str], list[Decimal]] = {}
    for row in (order.row for order in world.things["Order"]):
        is_seen = world.person.role != "vendor" and (asked is None or row["retailer_id"] == asked)
        if is_seen and row["status"] == "DELIVERED":
            stayed = row["delivered_subtotal"] + row["delivered_tax"] - row["returned_subtotal"] - row["returned_tax"]
            found.setdefault((row["retailer_id"], row["currency"]), []).append(stayed)
    lines = [
        {
            "id": _made(world.person.tenant_id, retailer, currency),
            "retailer_id": retailer,
            "currency": currency,
            "total_orders": len(amounts),
            "total_spent": sum(amounts, start=Decimal(0)),
            "avg_order_value": (sum(amounts, start=Decimal(0)) / len(amounts)).quantize(Decimal("0.01"), ROUND_HALF_UP),
        }
        for (retailer, currency), amounts in found.items()
    ]
    return sorted(lines, key=lambda line: (-line["total_spent"], line["retailer_id"], line["currency"]))


TRADE_QUESTIONS: Final[dict[str, Callable[[World, Arguments, Thing | None], Rows]]] = {
    "RetailerStats": _retailer_stats,
}
