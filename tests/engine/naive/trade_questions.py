"""Trade's questions, answered a second time."""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from hashlib import md5
from typing import Any, Final
from uuid import UUID

from tests.engine.naive.world import Thing, World

Arguments = Mapping[str, Any]
Rows = list[dict[str, Any]]
ZERO: Final = Decimal(0)
BUCKETS: Final = ("not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "over_90")
STATUSES: Final = ("DRAFT", "PLACED", "CONFIRMED", "SHIPPED", "DELIVERED", "CANCELLED", "RETURNED", "EXPIRED")


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


def _bucket(days: int) -> int:
    return 0 if days <= 0 else min((days - 1) // 30 + 1, 4)


def _ageing(world: World, _arguments: Arguments, _about: Thing | None) -> Rows:
    lines: dict[tuple[UUID, str], dict[str, Any]] = {}
    for name, figure in (("Order", "open_amount"), ("CreditLine", "debt")):
        for row in (thing.row for thing in world.things[name]):
            is_counted = row[figure] > 0 if name == "Order" else row[figure] != 0
            if not is_counted:
                continue
            line = lines.setdefault(
                (row["retailer_id"], row["currency"]), dict.fromkeys((*BUCKETS, "total", "overdue", "debt"), ZERO)
            )
            if name == "CreditLine":
                line["debt"] += row["debt"]
                continue
            days = (world.today - row["due_date"]).days
            for part in (BUCKETS[_bucket(days)], "total", *(["overdue"] if days > 0 else [])):
                line[part] += row["open_amount"]
    found = [
        {**line, "id": _made(world.person.tenant_id, *key), "retailer_id": key[0], "currency": key[1]}
        for key, line in lines.items()
    ]
    return sorted(found, key=lambda line: (-line["overdue"], -line["total"], line["retailer_id"], line["currency"]))


def _totals(world: World, _arguments: Arguments, _about: Thing | None) -> Rows:
    (own,) = [each.row["currency"] for each in world.things["Organisation"]]
    lines: dict[str, dict[str, Any]] = {}

    def line(currency: str) -> dict[str, Any]:
        counts = {f"{status.lower()}_orders": 0 for status in STATUSES} | {"low_products": 0}
        return lines.setdefault(currency, counts | dict.fromkeys(("debt", "held", "overdue"), ZERO))

    line(own)
    for row in (thing.row for thing in world.things["Order"] if not thing.is_archived):
        line(row["currency"])[f"{row['status'].lower()}_orders"] += 1
        if row["open_amount"] > 0 and row["due_date"] < world.today:
            line(row["currency"])["overdue"] += row["open_amount"]
    for row in (thing.row for thing in world.things["CreditLine"]):
        for name in ("debt", "held"):
            line(row["currency"])[name] += row[name]
    for row in (thing.row for thing in world.things["VendorProduct"]):
        if row["is_low"]:
            line(row["currency"])["low_products"] += 1
    unread = [
        each for each in world.things["Message"] if not each.row["is_processed"] and each.row["direction"] == "INBOUND"
    ]
    return [
        {**lines[currency], "id": _made(world.person.tenant_id, currency), "currency": currency,
         "unread_messages": len(unread)}
        for currency in sorted(lines)
    ]  # fmt: skip


TRADE_QUESTIONS: Final[dict[str, Callable[[World, Arguments, Thing | None], Rows]]] = {
    "RetailerStats": _retailer_stats,
    "TradeAgeingLine": _ageing,
    "TradeTotal": _totals,
}
